//! What a gate in this process sees: one read-only view of the candidate, its base, the commits and the config, the same for
//! every engine. Everything is read from objects, when it is asked for: no checkout, and one blob for one file.

use super::inputs::names;
use crate::{
    model::{Error, Result, gate::GateSpec, verdict::Verdict},
    repo::{Changed, File, History, changes},
    weave::{Lines, is_text, lines_between},
};
use gix::{
    ObjectId,
    bstr::{BStr, BString, ByteSlice},
    object::tree::diff::ChangeDetached,
    objs::tree::{EntryKind, EntryMode},
};
use serde_json::{Map, Value};
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// A gate reads no file larger than this, in bytes.
pub const MAX_READ_BYTES: u64 = 32 << 20;

/// The byte order mark of UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Files larger than this are not compared line by line.
const MAX_DIFF_BYTES: u64 = 4 << 20;

/// What a gate is asked about.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The item's name.
    pub item: String,
    /// The target branch.
    pub target: String,
    /// The commit that the candidate is on.
    pub base: ObjectId,
    /// The item's head.
    pub head: ObjectId,
    /// The candidate.
    pub candidate: ObjectId,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is new.
    Added,
    /// It is another.
    Modified,
    /// It is gone.
    Deleted,
    /// It is somewhere else, and perhaps another.
    Renamed,
}

impl Status {
    /// Its name in the interface of gates.
    pub fn word(self) -> &'static str {
        match self {
            Status::Added => "added",
            Status::Modified => "modified",
            Status::Deleted => "deleted",
            Status::Renamed => "renamed",
        }
    }
}

/// A file in which the candidate differs from its base.
#[derive(Clone, Debug)]
pub struct Change {
    /// What became of it.
    pub status: Status,
    /// Where it is, or was.
    pub path: BString,
    /// Where a renamed file was.
    pub old_path: Option<BString>,
    /// What is there now.
    pub new: Option<File>,
    /// What was there before.
    pub old: Option<File>,
}

impl Change {
    /// That of a file that is no renamed one.
    fn of(Changed { path, old, new }: Changed) -> Change {
        let status = match (old, new) {
            (None, _) => Status::Added,
            (_, None) => Status::Deleted,
            _ => Status::Modified,
        };
        Change { status, path, old_path: None, new, old }
    }
}

/// Lines that only the candidate has, and those that only its base has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Those of the candidate.
    pub added: Lines,
    /// Those of the base.
    pub removed: Lines,
}

/// A person and a moment.
#[derive(Clone, Debug)]
pub struct Signature {
    /// The name.
    pub name: String,
    /// The mail address.
    pub email: String,
    /// Seconds since 1970-01-01 UTC.
    pub time: i64,
}

/// A commit, as text.
#[derive(Clone, Debug)]
pub struct Commit {
    /// In hex.
    pub id: String,
    /// In hex.
    pub parents: Vec<String>,
    /// Who wrote it.
    pub author: Signature,
    /// Who committed it.
    pub committer: Signature,
    /// The whole message.
    pub message: String,
    /// The trailers of the message.
    pub trailers: Vec<(String, String)>,
}

/// How the lines of a text end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineEnds {
    /// Lines that end in a line feed alone.
    pub lf: u32,
    /// Lines that end in a carriage return and a line feed.
    pub crlf: u32,
    /// Whether the last line ends, or there is none.
    pub is_ended: bool,
    /// Whether the text begins with a byte order mark.
    pub has_bom: bool,
}

impl LineEnds {
    /// Those of a text; `None` of what git takes for binary.
    fn of(text: &[u8]) -> Option<LineEnds> {
        if !is_text(text) {
            return None;
        }
        let all = memchr::memchr_iter(b'\n', text).count();
        let crlf = memchr::memchr_iter(b'\r', text).filter(|at| text.get(at + 1) == Some(&b'\n')).count();
        let count = |lines| u32::try_from(lines).unwrap_or(u32::MAX);
        let is_ended = text.is_empty() || text.ends_with(b"\n");
        Some(LineEnds { lf: count(all - crlf), crlf: count(crlf), is_ended, has_bom: text.starts_with(BOM) })
    }
}

/// Base, head and candidate, and the `paths` that narrow the view of them.
pub type Sight = (Option<[ObjectId; 3]>, Vec<String>);

/// The view. It turns from candidate to candidate, so that caches of objects stay warm.
pub struct View {
    /// Holds the objects of the candidate, in memory or not.
    pub git: gix::Repository,
    history: History,
    subject: Option<Subject>,
    known: Known,
    paths: Vec<String>,
    config: Map<String, Value>,
    earlier: BTreeMap<String, Verdict>,
    saw_commits: bool,
}

/// What gates have asked of a candidate so far, so that the next one gets it for nothing.
#[derive(Default)]
struct Known {
    /// The base, the head and the candidate.
    of: Option<[ObjectId; 3]>,
    trees: [Option<ObjectId>; 2],
    /// The files that differ, where whoever made the candidate has told.
    changed: Option<Vec<Changed>>,
    commits: Option<Arc<[Commit]>>,
    /// All of them, sorted by path.
    changes: Option<Vec<Change>>,
    /// By the place of their change.
    differences: HashMap<usize, Option<Arc<Difference>>>,
    /// In bytes.
    sizes: HashMap<ObjectId, u64>,
}

impl Known {
    /// The change of the file at `path` and its place among all, where changes are known.
    fn change(&self, path: &BStr) -> Option<(usize, &Change)> {
        let changes = self.changes.as_deref()?;
        let at = changes.partition_point(|change| change.path.as_bstr() < path);
        changes.get(at).filter(|change| change.path == path).map(|change| (at, change))
    }
}

/// The candidate or its base.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Candidate,
    Base,
}

impl View {
    /// A view of nothing yet, in the repository of `git`.
    pub fn new(git: gix::Repository) -> View {
        View {
            git,
            history: History::default(),
            subject: None,
            known: Known::default(),
            paths: Vec::new(),
            config: Map::new(),
            earlier: BTreeMap::new(),
            saw_commits: false,
        }
    }

    /// Look at `subject`.
    pub fn turn_to(&mut self, subject: Subject) {
        let of = Some([subject.base, subject.head, subject.candidate]);
        if self.known.of != of {
            self.known = Known { of, ..Known::default() };
        }
        self.subject = Some(subject);
    }

    /// Take the files in which the candidate differs from its base from who has compared them.
    pub fn hear_of(&mut self, changed: &[Changed]) {
        if self.known.changes.is_none() {
            self.known.changed.get_or_insert_with(|| changed.to_vec());
        }
    }

    /// Look for `gate`: only at the files that its `paths` name, with its complete config, and the verdicts that it needs.
    pub fn turn_for(&mut self, gate: &GateSpec, config: Map<String, Value>, earlier: BTreeMap<String, Verdict>) {
        self.saw_commits = false;
        self.paths.clone_from(&gate.paths);
        (self.config, self.earlier) = (config, earlier);
    }

    /// What it shows, to be held against what it shows later.
    pub fn sight(&self) -> Sight {
        (self.known.of, self.paths.clone())
    }

    /// Look at nothing.
    pub fn turn_away(&mut self) {
        self.subject = None;
    }

    /// What it looks at. Errors where a gate asks before there is a candidate.
    pub fn subject(&self) -> Result<&Subject> {
        self.subject.as_ref().ok_or_else(no_candidate)
    }

    /// Whether the gate that it was last turned for has asked for the item's commits, and so for their messages.
    pub fn saw_commits(&self) -> bool {
        self.saw_commits
    }

    /// The gate's config.
    pub fn config(&self) -> &Map<String, Value> {
        &self.config
    }

    /// What `gate` said of the same candidate.
    pub fn verdict_of(&self, gate: &str) -> Option<&Verdict> {
        self.earlier.get(gate)
    }

    /// The commit that the candidate is on.
    pub fn base(&self) -> Result<Commit> {
        self.commit(self.subject()?.base)
    }

    /// The item's head.
    pub fn head(&mut self) -> Result<Commit> {
        self.saw_commits = true;
        self.commit(self.subject()?.head)
    }

    /// The item's commits that the base does not hold, oldest first.
    pub fn commits(&mut self) -> Result<Arc<[Commit]>> {
        let (head, base) = (self.subject()?.head, self.subject()?.base);
        self.saw_commits = true;
        if let Some(commits) = &self.known.commits {
            return Ok(Arc::clone(commits));
        }
        let ahead = self.history.ahead(&self.git, head, &[base])?;
        let commits: Arc<[Commit]> = ahead.into_iter().rev().map(|id| self.commit(id)).collect::<Result<_>>()?;
        self.known.commits = Some(Arc::clone(&commits));
        Ok(commits)
    }

    fn commit(&self, id: ObjectId) -> Result<Commit> {
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read commit {id}"), e);
        let commit = self.git.find_commit(id).map_err(|e| reading(&e))?;
        let decoded = commit.decode().map_err(|e| reading(&e))?;
        let signature = |who: gix::actor::SignatureRef| Signature {
            name: who.name.to_str_lossy().trim().into(),
            email: who.email.to_str_lossy().trim().into(),
            time: who.seconds(),
        };
        let trailers = decoded.message_trailers().map(|t| (t.token.to_str_lossy().into(), t.value.to_str_lossy().into()));
        Ok(Commit {
            id: id.to_string(),
            parents: decoded.parents().map(|p| p.to_string()).collect(),
            author: signature(decoded.author().map_err(|e| reading(&e))?),
            committer: signature(decoded.committer().map_err(|e| reading(&e))?),
            message: decoded.message.to_str_lossy().into(),
            trailers: trailers.collect(),
        })
    }

    fn tree(&mut self, side: Side) -> Result<ObjectId> {
        let at = side as usize;
        if let Some(tree) = self.known.trees[at] {
            return Ok(tree);
        }
        let commit = match side {
            Side::Candidate => self.subject()?.candidate,
            Side::Base => self.subject()?.base,
        };
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read commit {commit}"), e);
        let tree = self.git.find_commit(commit).map_err(|e| reading(&e))?.tree_id().map_err(|e| reading(&e))?.detach();
        self.known.trees[at] = Some(tree);
        Ok(tree)
    }

    fn sees(&self, path: &BStr) -> bool {
        self.paths.is_empty() || self.paths.iter().any(|glob| names(glob, path))
    }

    /// What is at `path` of a side: its mode and id.
    fn entry(&mut self, side: Side, path: &str) -> Result<Option<File>> {
        let tree = self.tree(side)?;
        let Some(path) = unquote(path) else { return Ok(None) };
        if side == Side::Candidate
            && let Some(file) = self.known.change(&path).and_then(|(_, change)| change.new)
        {
            return Ok(self.sees(&path).then_some(file));
        }
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("look up {path} in a candidate"), e);
        let tree = self.git.find_tree(tree).map_err(|e| reading(&e))?;
        let found = tree.lookup_entry(path.split_str("/")).map_err(|e| reading(&e))?;
        let found = found.map(|entry| (entry.mode(), entry.object_id()));
        Ok(found.filter(|(mode, _)| mode.is_tree() || self.sees(path.as_bstr())))
    }

    /// Whether the candidate has a file or folder at `path`.
    pub fn exists(&mut self, path: &str) -> Result<bool> {
        Ok(self.entry(Side::Candidate, path)?.is_some())
    }

    /// What the candidate has at `path`.
    pub fn mode(&mut self, path: &str) -> Result<Option<EntryMode>> {
        Ok(self.entry(Side::Candidate, path)?.map(|(mode, _)| mode))
    }

    /// The size of a file of the candidate, in bytes.
    pub fn size(&mut self, path: &str) -> Result<Option<u64>> {
        match self.entry(Side::Candidate, path)? {
            Some((mode, id)) if mode.is_blob_or_symlink() => self.blob_size(id).map(Some),
            _ => Ok(None),
        }
    }

    fn blob_size(&mut self, id: ObjectId) -> Result<u64> {
        if let Some(size) = self.known.sizes.get(&id) {
            return Ok(*size);
        }
        let size = self.git.find_header(id).map_err(|e| Error::git(format_args!("read blob {id}"), e))?.size();
        self.known.sizes.insert(id, size);
        Ok(size)
    }

    /// What a file of the candidate holds.
    pub fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>> {
        self.read_of(Side::Candidate, path)
    }

    /// What a file of the base holds.
    pub fn read_base(&mut self, path: &str) -> Result<Option<Vec<u8>>> {
        self.read_of(Side::Base, path)
    }

    fn read_of(&mut self, side: Side, path: &str) -> Result<Option<Vec<u8>>> {
        let Some((mode, id)) = self.entry(side, path)? else { return Ok(None) };
        if !mode.is_blob_or_symlink() {
            return Ok(None);
        }
        let size = self.blob_size(id)?;
        if size > MAX_READ_BYTES {
            let message = format!("`{path}` has {size} bytes, more than the {MAX_READ_BYTES} that a gate can read");
            return Err(Error::input("too-large", message).hint("ask for its size first"));
        }
        Ok(Some(self.blob(id)?))
    }

    /// How the lines of a file of the candidate end; `None` where it is no text that can be read.
    pub fn line_ends(&mut self, path: &str) -> Result<Option<LineEnds>> {
        let Some((mode, id)) = self.entry(Side::Candidate, path)? else { return Ok(None) };
        if !mode.is_blob_or_symlink() || self.blob_size(id)? > MAX_READ_BYTES {
            return Ok(None);
        }
        let blob = self.git.find_blob(id).map_err(|e| Error::git(format_args!("read blob {id}"), e))?;
        Ok(LineEnds::of(&blob.data))
    }

    fn blob(&self, id: ObjectId) -> Result<Vec<u8>> {
        Ok(self.git.find_blob(id).map_err(|e| Error::git(format_args!("read blob {id}"), e))?.take_data())
    }

    /// The files of the candidate that `glob` names, sorted. Only folders in which one could lie are opened.
    pub fn files(&mut self, glob: &str) -> Result<Vec<String>> {
        bounded(glob)?;
        let root = self.tree(Side::Candidate)?;
        // Up to the first folder with a sign that means more than itself, there is but one way to go.
        let fixed: Vec<&str> = glob.split('/').take_while(|part| !part.contains(['*', '?', '[', '\\'])).collect();
        let mut found = Vec::new();
        let mut open = vec![(BString::default(), root)];
        while let Some((folder, tree)) = open.pop() {
            let reading = |e: &dyn std::fmt::Display| Error::git("list the files of a candidate", e);
            let depth = if folder.is_empty() { 0 } else { folder.split_str("/").count() };
            let tree = self.git.find_tree(tree).map_err(|e| reading(&e))?;
            for entry in tree.iter() {
                let entry = entry.map_err(|e| reading(&e))?;
                if fixed.get(depth).is_some_and(|part| part.as_bytes() != entry.filename().as_bytes()) {
                    continue;
                }
                let mut path = folder.clone();
                if !path.is_empty() {
                    path.push(b'/');
                }
                path.extend_from_slice(entry.filename());
                if entry.mode().is_tree() {
                    open.push((path, entry.object_id()));
                } else if names(glob, path.as_bstr()) && self.sees(path.as_bstr()) {
                    found.push(path);
                }
            }
        }
        found.sort_unstable();
        Ok(found.iter().map(|path| quote(path.as_bstr())).collect())
    }

    /// The files in which the candidate differs from its base, sorted by path; renames as `git diff -M` finds them.
    pub fn changes(&mut self) -> Result<Vec<&Change>> {
        self.compare()?;
        Ok(self.known.changes.iter().flatten().filter(|change| self.sees_change(change)).collect())
    }

    fn compare(&mut self) -> Result<()> {
        if self.known.changes.is_none() {
            let (old, new) = (self.tree(Side::Base)?, self.tree(Side::Candidate)?);
            let changed = self.known.changed.take().map_or_else(|| changes(&self.git, old, new), Ok)?;
            let may_be_renamed = changed.iter().any(|file| file.old.is_none()) && changed.iter().any(|file| file.new.is_none());
            let changes = if may_be_renamed { renamed(&self.git, old, new)? } else { changed.into_iter().map(Change::of).collect() };
            self.known.changes = Some(changes);
        }
        Ok(())
    }

    fn sees_change(&self, change: &Change) -> bool {
        self.sees(change.path.as_bstr()) || change.old_path.as_ref().is_some_and(|old| self.sees(old.as_bstr()))
    }

    /// The lines in which a changed file differs; `None` where a version of it is no text that can be read.
    pub fn diff(&mut self, path: &str) -> Result<Option<Arc<Difference>>> {
        self.compare()?;
        let change = unquote(path).and_then(|path| self.known.change(&path)).filter(|(_, change)| self.sees_change(change));
        let Some((at, &Change { old, new, .. })) = change else { return Ok(Some(Arc::default())) };
        if let Some(known) = self.known.differences.get(&at) {
            return Ok(known.clone());
        }
        let difference = self.difference(old, new)?.map(Arc::new);
        self.known.differences.insert(at, difference.clone());
        Ok(difference)
    }

    fn difference(&mut self, old: Option<File>, new: Option<File>) -> Result<Option<Difference>> {
        let mut text = |file: Option<File>| -> Result<Option<Vec<u8>>> {
            let Some((mode, id)) = file else { return Ok(Some(Vec::new())) };
            if !mode.is_blob_or_symlink() || self.blob_size(id)? > MAX_DIFF_BYTES {
                return Ok(None);
            }
            Ok(Some(self.blob(id)?))
        };
        let (Some(old), Some(new)) = (text(old)?, text(new)?) else { return Ok(None) };
        Ok(lines_between(&old, &new).map(|[removed, added]| Difference { added, removed }))
    }
}

/// What a gate hears that asks before there is a candidate.
pub fn no_candidate() -> Error {
    Error::input("no-candidate", "there is no candidate yet: ask in `check`")
}

/// Whether `glob` names `path`.
pub fn matches(glob: &str, path: &str) -> Result<bool> {
    bounded(glob)?;
    Ok(unquote(path).is_some_and(|path| path.len() <= MAX_PATH_BYTES && names(glob, path.as_ref())))
}

/// Matching goes back to each star in turn: with many of them a glob could take longer than anybody waits.
fn bounded(glob: &str) -> Result<()> {
    if glob.matches('*').count() > MAX_STARS {
        return Err(Error::input("bad-glob", format!("a glob may have {MAX_STARS} stars, no more")));
    }
    Ok(())
}

/// Most stars in a glob that a plugin asks for, and longest path that one may match.
const MAX_STARS: usize = 8;
const MAX_PATH_BYTES: usize = 4096;

/// The changes from tree `old` to tree `new`, renames among them, sorted by path.
fn renamed(git: &gix::Repository, old: ObjectId, new: ObjectId) -> Result<Vec<Change>> {
    let reading = |e: &dyn std::fmt::Display| Error::git("compare a candidate with its base", e);
    let (old, new) = (git.find_tree(old).map_err(|e| reading(&e))?, git.find_tree(new).map_err(|e| reading(&e))?);
    let mut options = gix::diff::Options::default();
    options.track_path();
    options.track_rewrites(Some(gix::diff::Rewrites::default()));
    let found = git.diff_tree_to_tree(&old, &new, options).map_err(|e| reading(&e))?;
    let mut changes: Vec<Change> = found.into_iter().filter_map(change).collect();
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(changes)
}

fn change(change: ChangeDetached) -> Option<Change> {
    let file = |mode: EntryMode, id| mode.is_no_tree().then_some((mode, id));
    let (status, path, old_path, old, new) = match change {
        ChangeDetached::Addition { location, entry_mode, id, .. } => (Status::Added, location, None, None, file(entry_mode, id)),
        ChangeDetached::Deletion { location, entry_mode, id, .. } => (Status::Deleted, location, None, file(entry_mode, id), None),
        ChangeDetached::Modification { location, previous_entry_mode, previous_id, entry_mode, id } => {
            (Status::Modified, location, None, file(previous_entry_mode, previous_id), file(entry_mode, id))
        }
        ChangeDetached::Rewrite { source_location, source_entry_mode, source_id, entry_mode, id, location, copy, .. } => {
            let source = Some(source_location).filter(|_| !copy);
            let status = if copy { Status::Added } else { Status::Renamed };
            (status, location, source, file(source_entry_mode, source_id).filter(|_| !copy), file(entry_mode, id))
        }
    };
    (old.is_some() || new.is_some()).then_some(Change { status, path, old_path, new, old })
}

/// What a mode is called in the interface of gates.
pub fn mode_word(mode: EntryMode) -> &'static str {
    match mode.kind() {
        EntryKind::Blob => "file",
        EntryKind::BlobExecutable => "executable",
        EntryKind::Link => "symlink",
        EntryKind::Tree => "folder",
        EntryKind::Commit => "submodule",
    }
}

/// A path as text: itself, or as git quotes it where it is no UTF-8 or would look quoted.
pub fn quote(path: &BStr) -> String {
    match path.to_str() {
        Ok(path) if !path.starts_with('"') => path.into(),
        _ => {
            let mut quoted = String::from("\"");
            for byte in path.bytes() {
                match byte {
                    b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
                    b' '..=b'~' => quoted.push(char::from(byte)),
                    _ => quoted.push_str(&format!("\\{byte:03o}")),
                }
            }
            quoted.push('"');
            quoted
        }
    }
}

/// The path that a text means; nothing where its quotes do not close.
fn unquote(path: &str) -> Option<Cow<'_, BStr>> {
    if !path.starts_with('"') {
        return Some(Cow::Borrowed(path.into()));
    }
    let (bytes, used) = gix::quote::ansi_c::undo(path.into()).ok()?;
    (used == path.len()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{BStr, quote, unquote};

    #[test]
    fn any_path_survives_quoting() {
        for path in [&b"src/a b.rs"[..], b"\xff/x", "ä".as_bytes(), b"\"a\"", b"a\\b\n\xc3", b"\"\xff"] {
            let quoted = quote(path.into());
            assert_eq!(unquote(&quoted).as_deref(), Some(BStr::new(path)), "{quoted}");
        }
        assert_eq!(quote("ä/\n".into()), "ä/\n", "plain text stays");
        assert_eq!(unquote("\"a"), None);
    }
}
