//! The court of last resort: `git merge-tree` decides what is in doubt, without a trace in the user's repository.
//!
//! It sees the candidates that only memory holds through a temporary object folder, and writes its own there too.

use super::{
    conflict::{Clash, Conflicted},
    named_objects,
};
use crate::{
    model::{Error, Result, error::Class, time::human},
    repo::{File, GitCommand, Repo, Scratch},
};
use gix::{
    ObjectId,
    bstr::{BString, ByteSlice},
    objs::{
        Write,
        tree::{EntryKind, EntryMode},
    },
    odb::loose,
};
use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
    time::Duration,
};

/// How long git may take for one merge where nothing else is said. The largest take seconds.
const PATIENCE: Duration = Duration::from_secs(300);

/// Git, asked in a corner of its own.
pub struct Court {
    git_dir: PathBuf,
    workdir: Option<PathBuf>,
    objects: PathBuf,
    attributes_tree: ObjectId,
    room: Option<Scratch>,
    patience: Duration,
    known: HashSet<ObjectId>,
}

impl Court {
    /// A court that reads `repo` and goes by the attributes of one tree. Nothing is made before it is asked.
    pub fn new(repo: &Repo, attributes_tree: ObjectId) -> Self {
        Court {
            git_dir: repo.git.git_dir().to_path_buf(),
            workdir: repo.git.workdir().map(Path::to_path_buf),
            objects: repo.git.objects.store_ref().path().to_path_buf(),
            attributes_tree,
            room: None,
            patience: patience(repo),
            known: HashSet::new(),
        }
    }

    /// What git makes of merging `theirs` into `ours`: the tree, or what conflicts. New objects end up in the memory of `git`.
    pub fn judge(&mut self, git: &mut gix::Repository, ours: ObjectId, theirs: ObjectId) -> Result<Result<ObjectId, Conflicted>> {
        let store = self.enter(git, vec![ours, theirs])?;
        let git_merge = self.merge_tree().args(["--messages"]).args([ours.to_string(), theirs.to_string()]);
        let output = git_merge.output_within(self.patience)?.ok_or_else(|| too_long(self.patience))?;
        let mut fields = output.stdout.split(|b| *b == 0);
        let tree = fields.next().and_then(|hex| ObjectId::from_hex(hex.trim_ascii()).ok());
        match (output.status, tree) {
            (status @ (0 | 1), Some(tree)) => {
                self.bring_back(git, &store, tree)?;
                let stages = clashes(fields.by_ref().take_while(|field| !field.is_empty()));
                let stages =
                    stages.ok_or_else(|| Error::git("read what `git merge-tree` says", String::from_utf8_lossy(&output.stdout)))?;
                let (named, collision) = paths_in_conflict(fields);
                if status == 0 && !collision {
                    return Ok(Ok(tree));
                }
                let clashes = if stages.is_empty() { named } else { stages };
                for (_, id) in clashes.iter().flat_map(|clash| clash.stages.into_iter().flatten()).filter(|(mode, _)| !mode.is_commit()) {
                    self.bring_back(git, &store, id)?;
                }
                Ok(Err(Conflicted { tree, clashes, settled: Vec::new() }))
            }
            (129, _) => Err(Error::environment("old-git", "this git has no `merge-tree --write-tree`").hint("install git 2.38 or newer")),
            _ => Err(Error::git("merge with `git merge-tree`", output.stderr)),
        }
    }

    /// The paths that conflict in each of `pairs`, or `None` for a clean merge: all by one process.
    pub fn judge_all(&mut self, git: &mut gix::Repository, pairs: &[(ObjectId, ObjectId)]) -> Result<Vec<Option<Vec<String>>>> {
        if pairs.is_empty() {
            return Ok(Vec::new());
        }
        self.enter(git, pairs.iter().flat_map(|(ours, theirs)| [*ours, *theirs]).collect())?;
        let lines: String = pairs.iter().map(|(ours, theirs)| format!("{ours} {theirs}\n")).collect();
        let output = self.merge_tree().args(["--no-messages", "--name-only", "--stdin"]).output(Some(lines.as_bytes()))?;
        let failed = || Error::git("merge with `git merge-tree --stdin`", &output.stderr);
        if output.status != 0 {
            return Err(failed());
        }
        // Per merge: whether it is clean, its tree, the paths, and an empty field (git-merge-tree(1), "Input format").
        let mut fields = output.stdout.split(|b| *b == 0);
        let mut answers = Vec::with_capacity(pairs.len());
        for _ in pairs {
            let clean = fields.next().ok_or_else(failed)? == b"1";
            fields.next().ok_or_else(failed)?;
            let conflicting = paths(fields.by_ref().take_while(|f| !f.is_empty()));
            answers.push((!clean).then_some(conflicting));
        }
        Ok(answers)
    }

    /// The temporary object folder, with what `open` reaches and only memory holds in it.
    fn enter(&mut self, git: &mut gix::Repository, open: Vec<ObjectId>) -> Result<loose::Store> {
        let entering = |e: std::io::Error| Error::io("let git judge a merge in a temporary folder", e);
        let room = match &self.room {
            Some(room) => room,
            None => self.room.insert(Scratch::create().map_err(entering)?),
        };
        let store = loose::Store::at(room.path(), git.object_hash());
        if let Some(memory) = git.objects.reset_object_memory() {
            let copied = self.copy(&memory, &store, open, git.object_hash());
            git.objects.set_object_memory(memory);
            self.known.extend(copied.map_err(|e| entering(std::io::Error::other(e.to_string())))?);
        }
        Ok(store)
    }

    fn copy(
        &self,
        memory: &gix::odb::memory::Storage,
        store: &loose::Store,
        mut open: Vec<ObjectId>,
        hash: gix::hash::Kind,
    ) -> std::result::Result<HashSet<ObjectId>, gix::Error> {
        let mut copied = HashSet::new();
        while let Some(id) = open.pop() {
            if let Some((kind, data)) = memory.get(&id)
                && !self.known.contains(&id)
                && copied.insert(id)
            {
                store.write_buf(*kind, data)?;
                open.extend(named_objects(*kind, data, hash)?);
            }
        }
        Ok(copied)
    }

    fn merge_tree(&self) -> GitCommand {
        let mut command = GitCommand::bound_to(&self.git_dir, self.workdir.as_deref())
            .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", quoted(&self.objects))
            // Known to git 2.43 and newer; older ones go by what is checked out.
            .env("GIT_ATTR_SOURCE", self.attributes_tree.to_string());
        if let Some(room) = &self.room {
            command = command.env("GIT_OBJECT_DIRECTORY", room.path());
        }
        // What a clone is configured to do about renames must not change what lands.
        for setting in ["merge.renames=true", "merge.renameLimit=7000", "merge.directoryRenames=conflict"] {
            command = command.args(["-c", setting]);
        }
        command.args(["merge-tree", "--write-tree", "-z"])
    }

    /// Put what git merged, and nothing else that it wrote, into the memory of `git`.
    fn bring_back(&mut self, git: &gix::Repository, store: &loose::Store, tree: ObjectId) -> Result<()> {
        let reading = |e: &dyn std::fmt::Display| Error::git("read what git merged", e);
        let mut buffer = Vec::new();
        let mut open = vec![tree];
        while let Some(id) = open.pop() {
            if git.has_object(id) {
                continue;
            }
            let Some(object) = store.try_find(&id, &mut buffer).map_err(|e| reading(&e))? else {
                return Err(reading(&format_args!("object {id} is missing")));
            };
            if object.kind == gix::objs::Kind::Tree {
                let tree = gix::objs::TreeRef::from_bytes(object.data, git.object_hash()).map_err(|e| reading(&e))?;
                // A submodule's commit lies elsewhere.
                open.extend(tree.entries.iter().filter(|e| !e.mode.is_commit()).map(|e| e.oid.to_owned()));
            }
            super::keep(git, object.kind, object.data).map_err(|e| reading(&e))?;
            self.known.insert(id);
        }
        Ok(())
    }
}

fn too_long(limit: Duration) -> Error {
    let error = Error::git("merge", format!("git took longer than {}", human(limit))).class(Class::Transient);
    error.hint("look for a merge driver that hangs (`git config --get-regexp '^merge\\..*driver'`), or give it more time: git config lexpr.mergeTimeout SECONDS")
}

/// How long git may take for one merge: `lexpr.mergeTimeout`, in seconds. A merge driver that hangs must not hang the queue.
fn patience(repo: &Repo) -> Duration {
    let seconds = repo.git.config_snapshot().integer("lexpr.mergeTimeout").and_then(|seconds| u64::try_from(seconds).ok());
    seconds.filter(|seconds| *seconds > 0).map_or(PATIENCE, Duration::from_secs)
}

/// The paths in conflict, by their stages: `<mode> <object> <stage>\t<path>` (git-merge-tree(1), "Conflicted file info").
fn clashes<'a>(fields: impl Iterator<Item = &'a [u8]>) -> Option<Vec<Clash>> {
    let mut found: BTreeMap<BString, [Option<File>; 3]> = BTreeMap::new();
    for field in fields {
        let (info, path) = field.split_once_str("\t")?;
        let mut info = info.split_str(" ");
        let mode = EntryMode::from_bytes(info.next()?).unwrap_or_else(|| EntryKind::Blob.into());
        let id = ObjectId::from_hex(info.next()?).ok()?;
        let stage: usize = info.next()?.to_str().ok()?.parse().ok()?;
        // What git moved out of a folder's way may be named with nothing there.
        *found.entry(path.into()).or_default().get_mut(stage.checked_sub(1)?)? = (!id.is_null()).then_some((mode, id));
    }
    Some(found.into_iter().map(|(path, stages)| Clash { path, stages }).collect())
}

/// The paths that messages name in a conflict: per message the number of paths, the paths, the kind and the text
/// (git-merge-tree(1), "Informational messages"). And whether renames collide: git 2.47 may call the tree clean then, and leave
/// conflict markers in it.
fn paths_in_conflict<'a>(mut fields: impl Iterator<Item = &'a [u8]>) -> (Vec<Clash>, bool) {
    let (mut found, mut collision) = (Vec::new(), false);
    while let Some(count) = fields.next().and_then(|count| count.to_str().ok()?.trim().parse::<usize>().ok()) {
        let paths: Vec<&[u8]> = fields.by_ref().take(count).collect();
        let kind = fields.next().unwrap_or_default();
        let is_conflict = kind.starts_with(b"CONFLICT");
        collision |= kind == b"CONFLICT (rename involved in collision)";
        fields.next();
        if is_conflict {
            found.extend(paths.into_iter().map(|path| Clash { path: path.into(), stages: [None; 3] }));
        }
    }
    found.sort();
    found.dedup();
    (found, collision)
}

/// Names of files, sorted, each once.
fn paths<'a>(fields: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let mut paths: Vec<String> = fields.map(|f| String::from_utf8_lossy(f).into_owned()).collect();
    paths.sort();
    paths.dedup();
    paths
}

/// A path as GIT_ALTERNATE_OBJECT_DIRECTORIES takes it, whatever is in it.
fn quoted(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    format!("\"{}\"", path.display().to_string().replace('\\', "\\\\").replace('"', "\\\""))
}
