//! The three-way merge of trees, by looking up only what both sides changed.
//!
//! A subtree that one side left as the base has it is taken from the other side unopened (merge-ort's trivial directory
//! resolution). What is left is compared entry by entry, and files that both changed are merged as text, with attributes
//! and drivers. A rename can matter only where one side took away what the other changed or took away too, or added
//! something to a folder that the other took away; there, and only there, it is looked for. What is still not certain is a
//! doubt, and git itself decides it. So an answer from here, clean or conflict, is git's answer.

use super::{
    conflict::{Clash, Conflicted},
    renames::{self, Likeness},
    text::{self, Text},
};
use crate::{
    model::{Error, Result},
    repo::File,
};
use gix::{
    ObjectId,
    attrs::StateRef,
    bstr::{BStr, BString, ByteSlice},
    objs::tree::{EntryKind, EntryMode},
    worktree::stack::state::attributes::Source,
};
use lru::LruCache;
use std::{
    cell::{OnceCell, RefCell},
    num::NonZeroUsize,
};

/// What can be said of a merge of trees.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// The merged tree.
    Clean(ObjectId),
    /// What conflicts.
    Conflict(Conflicted),
    /// All but the files of `open` is merged, into `tree`, which has them as they are on our side.
    Open {
        /// The tree so far.
        tree: ObjectId,
        /// The files that conflict for certain, sorted.
        clashes: Vec<Clash>,
        /// The files that only git can merge.
        open: Vec<OpenFile>,
    },
    /// Only git can tell, and only from the whole.
    Doubt,
}

/// A file whose merge depends on how git's diff sees it, or on a driver. Nothing else of the tree bears on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenFile {
    /// Its path.
    pub path: BString,
    /// The base, our side and their side.
    pub sides: [File; 3],
}

/// What a merge has come upon so far.
#[derive(Default)]
pub(super) struct Findings {
    /// How deep among merges of merge bases this is; 0 for the merge that is asked for. In the others a conflict is no answer:
    /// git goes on with a file that shows it.
    pub depth: usize,
    pub clashes: Vec<Clash>,
    pub open: Vec<OpenFile>,
    /// Files that a side took away and the other took away too or changed.
    pub gone: Vec<Gone>,
    /// Files that both sides added, not alike: the path, ours, theirs.
    pub added_by_both: Vec<(BString, [File; 2])>,
    /// By side, ours first: folders that it took away, to which the other side added something.
    pub added_to: [Vec<BString>; 2],
    /// Whether only git can tell.
    pub doubt: bool,
}

/// A file of the base that at least one side took away.
#[derive(Clone, Debug)]
pub(super) struct Gone {
    pub path: BString,
    pub base: File,
    /// What the sides have, ours first; not what the base has.
    pub sides: [Option<File>; 2],
}

/// What a tree has under a name.
type Side = Option<(EntryMode, ObjectId)>;

/// Git does not diff larger files (MAX_XDIFF_SIZE in xdiff-interface.h).
pub(super) const MAX_TEXT_BYTES: usize = 1023 << 20;

/// Merges of texts that are kept.
const KEPT_MERGES: NonZeroUsize = NonZeroUsize::new(1 << 12).unwrap();

/// A merge of trees that is in no doubt.
pub struct Engine {
    /// The tree whose `.gitattributes` count, for every item and on every machine: the target's.
    attributes_tree: ObjectId,
    /// Whether configuration changes how files merge, and the attributes; made when the first file is merged.
    attributes: OnceCell<(bool, RefCell<gix::worktree::Stack>)>,
    pub(super) likeness: RefCell<Likeness>,
    /// Texts that have been merged: base, ours and theirs, and the merge. Merges of many merge bases come upon the same again.
    merged: RefCell<LruCache<[ObjectId; 3], ObjectId>>,
}

impl Engine {
    /// An engine that goes by the attributes of one tree.
    pub fn new(attributes_tree: ObjectId) -> Self {
        Engine {
            attributes_tree,
            attributes: OnceCell::new(),
            likeness: RefCell::new(Likeness::new()),
            merged: RefCell::new(LruCache::new(KEPT_MERGES)),
        }
    }

    /// What was written to memory is gone.
    pub fn forget(&self) {
        self.merged.borrow_mut().clear();
    }

    /// Merge the tree `theirs` into `ours`; a clean merge is written to `git`. `depth` is 0, but for merges of merge bases,
    /// where files that conflict hold conflict markers and count as merged.
    pub fn merge(&self, git: &gix::Repository, [base, ours, theirs]: [ObjectId; 3], depth: usize) -> Result<Answer> {
        let mut findings = Findings { depth, ..Findings::default() };
        let merged = self.entries(git, BStr::new(""), [Some(base), Some(ours), Some(theirs)], &mut findings)?;
        let tree = merged.unwrap_or_else(|| git.object_hash().empty_tree());
        let tree = renames::resolve(self, git, tree, [base, ours, theirs], &mut findings)?;
        let Findings { mut clashes, open, doubt, .. } = findings;
        if doubt {
            return Ok(Answer::Doubt);
        }
        clashes.sort();
        Ok(match (open.is_empty(), clashes.is_empty()) {
            (false, _) => Answer::Open { tree, clashes, open },
            (true, true) => Answer::Clean(tree),
            (true, false) => Answer::Conflict(Conflicted { tree, clashes, settled: Vec::new() }),
        })
    }

    /// The merged tree; `None` where nothing is left in it. Files among the findings are in it as they are on our side, or
    /// not at all where a side took them away.
    fn trees(
        &self,
        git: &gix::Repository,
        path: &BStr,
        [base, ours, theirs]: [Option<ObjectId>; 3],
        findings: &mut Findings,
    ) -> Result<Option<ObjectId>> {
        // Not if only the sides are alike: what both took away, each may have moved elsewhere.
        if base == theirs && base.is_some() && ours.is_some() {
            return Ok(ours);
        }
        if base == ours && base.is_some() && theirs.is_some() {
            return Ok(theirs);
        }
        self.entries(git, path, [base, ours, theirs], findings)
    }

    /// The same, entry by entry.
    fn entries(
        &self,
        git: &gix::Repository,
        path: &BStr,
        [base, ours, theirs]: [Option<ObjectId>; 3],
        findings: &mut Findings,
    ) -> Result<Option<ObjectId>> {
        let mut data = [None, None, None];
        for (side, tree) in [base, ours, theirs].into_iter().enumerate() {
            data[side] = tree.map(|tree| git.find_tree(tree)).transpose().map_err(|e| reading(path, e))?;
        }
        let mut entries = [Vec::new(), Vec::new(), Vec::new()];
        for (side, tree) in data.iter().enumerate() {
            entries[side].reserve(tree.as_ref().map_or(0, |tree| tree.data.len() / 32));
            for entry in tree.iter().flat_map(|tree| tree.iter()) {
                let entry = entry.map_err(|e| reading(path, e))?;
                // Old gits wrote modes such as 100664, which git reads as the nearest that there is today (`canon_mode`).
                entries[side].push((entry.mode().kind().into(), entry.inner.filename, entry.inner.oid));
            }
        }
        let mut merged = Vec::with_capacity(data.iter().flatten().map(|tree| tree.data.len()).max().unwrap_or(0) + 64);
        for (name, is_tree, sides) in Join::new(&entries) {
            let [of_base, of_us, of_them] = sides;
            let is_folder = |side: Side| side.is_some_and(|(mode, _)| mode.is_tree());
            let hides_files = of_base != of_us && (is_folder(of_base) || is_folder(of_us));
            let result = if of_us == of_them && of_us.is_some() && !hides_files || of_base == of_them && of_base.is_some() {
                of_us
            } else if of_base == of_us {
                if of_base.is_none() && base.is_some() && ours.is_none() {
                    note(&mut findings.added_to[0], path);
                }
                of_them
            } else {
                if of_base == of_them && base.is_some() && theirs.is_none() {
                    note(&mut findings.added_to[1], path);
                }
                if of_base == of_them { of_us } else { self.both_changed(git, join(path, name), sides, findings)? }
            };
            if findings.doubt {
                return Ok(None);
            }
            if let Some((mode, id)) = result.filter(|(mode, _)| mode.is_tree() == is_tree) {
                merged.extend_from_slice(mode.as_bytes(&mut Default::default()));
                merged.push(b' ');
                merged.extend_from_slice(name);
                merged.push(0);
                merged.extend_from_slice(id.as_bytes());
            }
        }
        if merged.is_empty() {
            return Ok(None);
        }
        Ok(Some(super::keep(git, gix::objs::Kind::Tree, &merged).map_err(|e| reading(path, e))?))
    }

    /// What becomes of an entry that both sides have changed, each in its way, or taken away.
    fn both_changed(&self, git: &gix::Repository, path: BString, sides: [Side; 3], findings: &mut Findings) -> Result<Side> {
        let is = |side: Side, what: fn(EntryMode) -> bool| side.is_none_or(|(mode, _)| what(mode));
        let all = |what: fn(EntryMode) -> bool| sides.iter().all(|side| is(*side, what));
        if all(|mode| mode.is_tree()) {
            let merged = self.trees(git, path.as_bstr(), sides.map(|side| side.map(|(_, id)| id)), findings)?;
            return Ok(merged.map(|id| (EntryKind::Tree.into(), id)));
        }
        match sides {
            [Some(base), Some(ours), Some(theirs)] if all(|mode| mode.is_blob()) => {
                let sides = [base, ours, theirs];
                return Ok(Some((merged_mode(sides), self.files(git, path.as_bstr(), sides, findings)?)));
            }
            // Links are not merged; among merge bases the base's goes on.
            [Some(base), Some(ours), Some(_)] if all(|mode| mode.is_link()) => {
                if findings.depth > 0 {
                    return Ok(Some(base));
                }
                findings.clashes.push(Clash { path, stages: sides });
                return Ok(Some(ours));
            }
            [Some(base), ours, theirs] if all(|mode| mode.is_blob_or_symlink()) && (ours.is_none() || theirs.is_none()) => {
                findings.gone.push(Gone { path, base, sides: [ours, theirs] });
            }
            [None, Some(ours), Some(theirs)] if all(|mode| mode.is_blob()) => {
                findings.added_by_both.push((path, [ours, theirs]));
                return Ok(Some(ours));
            }
            _ => findings.doubt = true,
        }
        Ok(None)
    }

    /// The merged file; ours, and a finding, where there is no merge or none that is certain.
    pub(super) fn files(&self, git: &gix::Repository, path: &BStr, sides: [File; 3], findings: &mut Findings) -> Result<ObjectId> {
        let [base, ours, theirs] = sides.map(|(_, id)| id);
        if ours == theirs || base == theirs {
            return Ok(ours);
        }
        if base == ours {
            return Ok(theirs);
        }
        let merging = |e: gix::Error| Error::git(format_args!("merge {path}"), e);
        if let Some(merged) = self.merged.borrow_mut().get(&[base, ours, theirs])
            && self.is_plain(git, path)?
        {
            return Ok(*merged);
        }
        // Blobs give their memory back to the next ones.
        let mut blobs = Vec::with_capacity(3);
        for id in [base, ours, theirs] {
            let blob = git.find_blob(id).map_err(merging)?;
            // To git a file of this size is binary, which is not merged, whatever the others are; a driver might still be told to.
            if blob.data.len() > MAX_TEXT_BYTES {
                match self.is_plain(git, path)? {
                    true if findings.depth == 0 => findings.clashes.push(Clash { path: path.to_owned(), stages: sides.map(Some) }),
                    _ => findings.doubt = true,
                }
                return Ok(ours);
            }
            blobs.push(blob);
        }
        let texts = [&blobs[0].data[..], &blobs[1].data, &blobs[2].data];
        let plain = texts.iter().all(|content| text::is_text(content)) && self.is_plain(git, path)?;
        match if plain { text::merge(texts[0], texts[1], texts[2]) } else { Text::Doubt } {
            Text::Merged(merged) => {
                let merged = super::keep(git, gix::objs::Kind::Blob, &merged).map_err(merging)?;
                self.merged.borrow_mut().put([base, ours, theirs], merged);
                return Ok(merged);
            }
            Text::Clash(_) if findings.depth > 0 => match text::marked(texts[0], texts[1], texts[2], findings.depth) {
                Some(marked) => return super::keep(git, gix::objs::Kind::Blob, &marked).map_err(merging),
                None => findings.doubt = true,
            },
            Text::Clash(_) => findings.clashes.push(Clash { path: path.to_owned(), stages: sides.map(Some) }),
            Text::Doubt => findings.open.push(OpenFile { path: path.to_owned(), sides }),
        }
        Ok(ours)
    }

    /// Whether two files that both sides added in one place conflict for certain.
    pub(super) fn added_files(&self, git: &gix::Repository, path: &BStr, files: [File; 2]) -> Result<bool> {
        let read =
            |(_, id): File| git.find_blob(id).map(|mut blob| blob.take_data()).map_err(|e| Error::git(format_args!("merge {path}"), e));
        let [ours, theirs] = [read(files[0])?, read(files[1])?];
        let clash = !text::is_text(&ours) || !text::is_text(&theirs) || matches!(text::merge(b"", &ours, &theirs), Text::Clash(_));
        Ok(clash && self.is_plain(git, path)?)
    }

    /// Whether a file is merged as git merges without being told otherwise: no `merge` attribute, no default driver, no
    /// renormalization.
    fn is_plain(&self, git: &gix::Repository, path: &BStr) -> Result<bool> {
        Ok(self.attribute(git, path, "merge", |state| *state == StateRef::Unspecified)? && !self.attributes(git)?.0)
    }

    /// Whether attributes say that a file is text or not, whatever its content (`diff_filespec_is_binary`).
    pub(super) fn told_text(&self, git: &gix::Repository, path: &BStr) -> Result<Option<bool>> {
        self.attribute(git, path, "diff", |state| match state {
            StateRef::Set => Some(true),
            StateRef::Unset => Some(false),
            StateRef::Value(driver) => {
                let binary = git.config_snapshot().boolean(&*format!("diff.{}.binary", driver.as_bstr()));
                binary.map(|binary| !binary)
            }
            StateRef::Unspecified => None,
        })
    }

    fn attributes(&self, git: &gix::Repository) -> Result<&(bool, RefCell<gix::worktree::Stack>)> {
        let reading = |e: gix::Error| Error::git("read the target's .gitattributes", e);
        if let Some(attributes) = self.attributes.get() {
            return Ok(attributes);
        }
        let config = git.config_snapshot();
        let told = config.string("merge.default").is_some() || config.boolean("merge.renormalize") == Some(true);
        let index = git.index_from_tree(&self.attributes_tree).map_err(reading)?;
        let stack = git.attributes_only(&index, Source::IdMapping).map_err(reading)?.detach();
        Ok(self.attributes.get_or_init(|| (told, RefCell::new(stack))))
    }

    fn attribute<T>(&self, git: &gix::Repository, path: &BStr, name: &str, answer: impl Fn(&StateRef) -> T) -> Result<T> {
        let mut stack = self.attributes(git)?.1.borrow_mut();
        let mut matches = stack.selected_attribute_matches([name]);
        let platform = stack.at_entry(path, None, &git.objects).map_err(|e| Error::git("read the target's .gitattributes", e))?;
        platform.matching_attributes(&mut matches);
        Ok(matches.iter_selected().next().map_or_else(|| answer(&StateRef::Unspecified), |m| answer(&m.assignment.state)))
    }
}

type Entries<'a> = Vec<(EntryMode, &'a BStr, &'a gix::oid)>;

/// The entries of three trees side by side, in the order in which a tree has them: each name, whether it is here as a
/// folder, and what each tree has under it. A name that is a folder in one tree and none in another comes twice.
struct Join<'a> {
    entries: &'a [Entries<'a>; 3],
    at: [usize; 3],
}

impl<'a> Join<'a> {
    fn new(entries: &'a [Entries<'a>; 3]) -> Self {
        Join { entries, at: [0; 3] }
    }
}

impl<'a> Iterator for Join<'a> {
    type Item = (&'a BStr, bool, [Side; 3]);

    fn next(&mut self) -> Option<Self::Item> {
        let heads = [0, 1, 2].map(|side| self.entries[side].get(self.at[side]));
        // Most names are in all three.
        if let [Some(one), Some(two), Some(three)] = heads
            && one.1 == two.1
            && one.1 == three.1
            && one.0.is_tree() == two.0.is_tree()
            && one.0.is_tree() == three.0.is_tree()
        {
            self.at = self.at.map(|at| at + 1);
            return Some((one.1, one.0.is_tree(), [one, two, three].map(|(mode, _, id)| Some((*mode, (*id).to_owned())))));
        }
        let &&(mode, name, _) = heads.iter().flatten().min_by(|one, other| tree_order(one.0, one.1, other.0, other.1))?;
        let mut sides = [None; 3];
        for side in 0..3 {
            if let Some((its_mode, its_name, id)) = heads[side].copied()
                && its_name == name
                && its_mode.is_tree() == mode.is_tree()
            {
                sides[side] = Some((its_mode, id.to_owned()));
                self.at[side] += 1;
            }
        }
        let other_kind = if mode.is_tree() { EntryKind::Blob } else { EntryKind::Tree }.into();
        for (side, entries) in self.entries.iter().enumerate() {
            if sides[side].is_some() {
                continue;
            }
            let other = entries.binary_search_by(|entry| tree_order(entry.0, entry.1, other_kind, name)).ok();
            sides[side] = other.map(|at| (entries[at].0, entries[at].2.to_owned()));
        }
        Some((name, mode.is_tree(), sides))
    }
}

/// Folders are ordered as if their names ended in a slash (`base_name_compare` in git's read-cache.c).
fn tree_order(one_mode: EntryMode, one: &BStr, other_mode: EntryMode, other: &BStr) -> std::cmp::Ordering {
    let common = one.len().min(other.len());
    one[..common].cmp(&other[..common]).then_with(|| {
        let end = |name: &BStr, mode: EntryMode| name.get(common).copied().unwrap_or(if mode.is_tree() { b'/' } else { 0 });
        end(one, one_mode).cmp(&end(other, other_mode))
    })
}

/// The mode that a side gave a file, else the base's.
pub(super) fn merged_mode([base, ours, theirs]: [File; 3]) -> EntryMode {
    if ours.0 == base.0 { theirs.0 } else { ours.0 }
}

/// Folders come in one after the other, each with all of its entries.
fn note(folders: &mut Vec<BString>, path: &BStr) {
    if folders.last().is_none_or(|last| last != path) {
        folders.push(path.to_owned());
    }
}

fn join(folder: &BStr, name: &BStr) -> BString {
    if folder.is_empty() {
        return name.to_owned();
    }
    let mut path = folder.to_owned();
    path.push(b'/');
    path.extend_from_slice(name.as_bytes());
    path
}

fn reading(path: &BStr, error: impl std::fmt::Display) -> Error {
    Error::git(format_args!("merge the folder `{path}`"), error)
}
