//! The three-way merge of trees, by looking up only what both sides changed.
//!
//! A subtree that one side left as the base has it is taken from the other side unopened (merge-ort's trivial directory
//! resolution). What is left is compared entry by entry, and files that both changed are merged as text, with attributes
//! and drivers. Renames are not searched: they can matter only where one side changed what the other took away, where
//! both took the same away, or where both put something in one place. All of these are doubts, and git itself decides
//! them. So an answer from here, clean or conflict, is git's answer.

use super::text::{self, Text};
use crate::model::{Error, Result};
use gix::{
    ObjectId,
    attrs::StateRef,
    bstr::{BStr, BString, ByteSlice},
    objs::{
        Tree, Write,
        tree::{Entry, EntryKind, EntryMode},
    },
    worktree::stack::state::attributes::Source,
};
use std::{
    cell::{OnceCell, RefCell},
    collections::BTreeMap,
};

/// What can be said of a merge of trees.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// The merged tree.
    Clean(ObjectId),
    /// The files that conflict, sorted.
    Conflict(Vec<String>),
    /// All but the files of `open` is merged, into `tree`, which has them as they are on our side; `conflicts` conflict.
    Open {
        /// The tree so far.
        tree: ObjectId,
        /// The files that conflict for certain, sorted.
        conflicts: Vec<String>,
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
    pub sides: [(EntryMode, ObjectId); 3],
}

/// What a merge has come upon so far.
#[derive(Default)]
struct Findings {
    conflicts: Vec<String>,
    open: Vec<OpenFile>,
}

/// What a tree has under a name.
type Side = Option<(EntryMode, ObjectId)>;

/// Git does not diff larger files (MAX_XDIFF_SIZE in xdiff-interface.h).
const MAX_TEXT_BYTES: usize = 1023 << 20;

/// A merge of trees that is in no doubt.
pub struct Engine {
    /// The tree whose `.gitattributes` count, for every item and on every machine: the target's.
    attributes_tree: ObjectId,
    /// Whether configuration changes how files merge, and the attributes; made when the first file is merged.
    attributes: OnceCell<(bool, RefCell<gix::worktree::Stack>)>,
}

impl Engine {
    /// An engine that goes by the attributes of one tree.
    pub fn new(attributes_tree: ObjectId) -> Self {
        Engine { attributes_tree, attributes: OnceCell::new() }
    }

    /// Merge the tree `theirs` into `ours`; a clean merge is written to `git`.
    pub fn merge(&self, git: &gix::Repository, base: ObjectId, ours: ObjectId, theirs: ObjectId) -> Result<Answer> {
        let mut findings = Findings::default();
        let merged = self.trees(git, BStr::new(""), Some(base), [ours, theirs], &mut findings)?;
        let Findings { mut conflicts, open } = findings;
        conflicts.sort();
        Ok(match merged {
            None => Answer::Doubt,
            Some(tree) if !open.is_empty() => Answer::Open { tree, conflicts, open },
            Some(tree) if conflicts.is_empty() => Answer::Clean(tree),
            Some(_) => Answer::Conflict(conflicts),
        })
    }

    /// The merged tree, or `None` for a doubt. Files among the findings are in it as they are on our side.
    fn trees(
        &self,
        git: &gix::Repository,
        path: &BStr,
        base: Option<ObjectId>,
        [ours, theirs]: [ObjectId; 2],
        findings: &mut Findings,
    ) -> Result<Option<ObjectId>> {
        if ours == theirs || base == Some(theirs) {
            return Ok(Some(ours));
        }
        if base == Some(ours) {
            return Ok(Some(theirs));
        }
        let mut names: BTreeMap<BString, [Side; 3]> = BTreeMap::new();
        for (side, tree) in [base, Some(ours), Some(theirs)].into_iter().enumerate() {
            let Some(tree) = tree else { continue };
            for entry in git.find_tree(tree).map_err(|e| reading(path, e))?.iter() {
                let entry = entry.map_err(|e| reading(path, e))?;
                names.entry(entry.filename().to_owned()).or_default()[side] = Some((entry.mode(), entry.object_id()));
            }
        }
        let mut merged = Tree::empty();
        for (name, [base, ours, theirs]) in names {
            let result = if base == ours && base == theirs {
                base
            } else if ours == theirs {
                // Both took it away: each may have renamed it.
                if ours.is_none() {
                    return Ok(None);
                }
                ours
            } else if base == ours {
                theirs
            } else if base == theirs {
                ours
            } else {
                match self.both_changed(git, join(path, name.as_bstr()).as_bstr(), [base, ours, theirs], findings)? {
                    Some(result) => Some(result),
                    None => return Ok(None),
                }
            };
            if let Some((mode, oid)) = result {
                merged.entries.push(Entry { mode, filename: name, oid });
            }
        }
        merged.entries.sort();
        if merged.entries.is_empty() && !path.is_empty() {
            // Git keeps no empty folders; what that means for the folder above is for git to say.
            return Ok(None);
        }
        Ok(Some(git.write_object(&merged).map_err(|e| reading(path, e))?.detach()))
    }

    fn both_changed(&self, git: &gix::Repository, path: &BStr, [base, ours, theirs]: [Side; 3], findings: &mut Findings) -> Result<Side> {
        let (Some(ours), Some(theirs)) = (ours, theirs) else { return Ok(None) };
        match base {
            Some(base) if base.0.is_blob() && ours.0.is_blob() && theirs.0.is_blob() => {
                let mode = if ours.0 == base.0 { theirs.0 } else { ours.0 };
                Ok(Some((mode, self.files(git, path, [base, ours, theirs], findings)?)))
            }
            _ if ours.0.is_tree() && theirs.0.is_tree() && base.is_none_or(|b| b.0.is_tree()) => {
                let merged = self.trees(git, path, base.map(|b| b.1), [ours.1, theirs.1], findings)?;
                Ok(merged.map(|id| (EntryKind::Tree.into(), id)))
            }
            _ => Ok(None),
        }
    }

    /// The merged file; ours, and a finding, where there is no merge or none that is certain.
    fn files(&self, git: &gix::Repository, path: &BStr, sides: [(EntryMode, ObjectId); 3], findings: &mut Findings) -> Result<ObjectId> {
        let [base, ours, theirs] = sides.map(|(_, id)| id);
        if ours == theirs || base == theirs {
            return Ok(ours);
        }
        if base == ours {
            return Ok(theirs);
        }
        let merging = |e: gix::Error| Error::git(format_args!("merge {path}"), e);
        let read = |id: ObjectId| git.find_blob(id).map(|mut blob| blob.take_data()).map_err(merging);
        let texts = [read(base)?, read(ours)?, read(theirs)?];
        let plain = texts.iter().all(|content| text::is_text(content) && content.len() <= MAX_TEXT_BYTES) && self.is_plain(git, path)?;
        match if plain { text::merge(&texts[0], &texts[1], &texts[2]) } else { Text::Doubt } {
            Text::Merged(merged) => return git.objects.write_buf(gix::objs::Kind::Blob, &merged).map_err(merging),
            Text::Conflict => findings.conflicts.push(path.to_string()),
            Text::Doubt => findings.open.push(OpenFile { path: path.to_owned(), sides }),
        }
        Ok(ours)
    }

    /// Whether a file is merged as git merges without being told otherwise: no `merge` attribute, no default driver, no
    /// renormalization.
    fn is_plain(&self, git: &gix::Repository, path: &BStr) -> Result<bool> {
        let reading = |e: gix::Error| Error::git("read the target's .gitattributes", e);
        let attributes = match self.attributes.get() {
            Some(attributes) => attributes,
            None => {
                let config = git.config_snapshot();
                let told = config.string("merge.default").is_some() || config.boolean("merge.renormalize") == Some(true);
                let index = git.index_from_tree(&self.attributes_tree).map_err(reading)?;
                let stack = git.attributes_only(&index, Source::IdMapping).map_err(reading)?.detach();
                self.attributes.get_or_init(|| (told, RefCell::new(stack)))
            }
        };
        let mut stack = attributes.1.borrow_mut();
        let mut matches = stack.selected_attribute_matches(["merge"]);
        let platform = stack.at_entry(path, None, &git.objects).map_err(|e| Error::git("read the target's .gitattributes", e))?;
        platform.matching_attributes(&mut matches);
        let unset = matches.iter_selected().all(|m| m.assignment.state == StateRef::Unspecified);
        Ok(unset && !attributes.0)
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
