//! The court of last resort: `git merge-tree` decides what is in doubt, without a trace in the user's repository.
//!
//! It sees the candidates that only memory holds through a temporary object folder, and writes its own there too.

use super::{
    changes::File,
    conflict::{Clash, Conflicted},
};
use crate::{
    model::{Error, Result},
    repo::{GitCommand, Repo, Scratch},
};
use gix::{
    ObjectId,
    bstr::{BString, ByteSlice},
    objs::{Write, tree::EntryMode},
    odb::loose,
};
use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
};

/// Git, asked in a corner of its own.
pub struct Court {
    git_dir: PathBuf,
    workdir: Option<PathBuf>,
    objects: PathBuf,
    attributes_tree: ObjectId,
    room: Option<Scratch>,
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
            known: HashSet::new(),
        }
    }

    /// What git makes of merging `theirs` into `ours`: the tree, or what conflicts. New objects end up in the memory of `git`.
    pub fn judge(&mut self, git: &mut gix::Repository, ours: ObjectId, theirs: ObjectId) -> Result<Result<ObjectId, Conflicted>> {
        let store = self.enter(git)?;
        let output = self.merge_tree().args([ours.to_string(), theirs.to_string()]).output(None)?;
        let mut fields = output.stdout.split(|b| *b == 0);
        let tree = fields.next().and_then(|hex| ObjectId::from_hex(hex.trim_ascii()).ok());
        match (output.status, tree) {
            (0, Some(tree)) => {
                self.bring_back(git, &store, tree)?;
                Ok(Ok(tree))
            }
            (1, Some(tree)) => {
                self.bring_back(git, &store, tree)?;
                let clashes = clashes(fields.filter(|field| !field.is_empty()));
                let clashes =
                    clashes.ok_or_else(|| Error::git("read what `git merge-tree` says", String::from_utf8_lossy(&output.stdout)))?;
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
        self.enter(git)?;
        let lines: String = pairs.iter().map(|(ours, theirs)| format!("{ours} {theirs}\n")).collect();
        let output = self.merge_tree().args(["--name-only", "--stdin"]).output(Some(lines.as_bytes()))?;
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

    /// The temporary object folder, with all that only memory holds in it.
    fn enter(&mut self, git: &mut gix::Repository) -> Result<loose::Store> {
        let entering = |e: &dyn std::fmt::Display| Error::io("let git judge a merge in a temporary folder", e);
        let room = match &self.room {
            Some(room) => room,
            None => self.room.insert(Scratch::create().map_err(|e| entering(&e))?),
        };
        let store = loose::Store::at(room.path(), git.object_hash());
        if let Some(memory) = git.objects.reset_object_memory() {
            let unknown = memory.iter().filter(|(id, _)| !self.known.contains(*id));
            let copied: Result<Vec<ObjectId>> =
                unknown.map(|(_, (kind, data))| store.write_buf(*kind, data).map_err(|e| entering(&e))).collect();
            git.objects.set_object_memory(memory);
            self.known.extend(copied?);
        }
        Ok(store)
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
        command.args(["merge-tree", "--write-tree", "-z", "--no-messages"])
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
            git.objects.write_buf(object.kind, object.data).map_err(|e| reading(&e))?;
            self.known.insert(id);
        }
        Ok(())
    }
}

/// The paths in conflict, by their stages: `<mode> <object> <stage>\t<path>` (git-merge-tree(1), "Conflicted file info").
fn clashes<'a>(fields: impl Iterator<Item = &'a [u8]>) -> Option<Vec<Clash>> {
    let mut found: BTreeMap<BString, [Option<File>; 3]> = BTreeMap::new();
    for field in fields {
        let (info, path) = field.split_once_str("\t")?;
        let mut info = info.split_str(" ");
        let mode = EntryMode::from_bytes(info.next()?)?;
        let id = ObjectId::from_hex(info.next()?).ok()?;
        let stage: usize = info.next()?.to_str().ok()?.parse().ok()?;
        *found.entry(path.into()).or_default().get_mut(stage.checked_sub(1)?)? = Some((mode, id));
    }
    Some(found.into_iter().map(|(path, stages)| Clash { path, stages }).collect())
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
