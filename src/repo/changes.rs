//! The files in which two trees differ.

use crate::model::{Error, Result};
use gix::{
    ObjectId,
    bstr::BString,
    diff::tree::{Recorder, State, recorder::Change},
    objs::{TreeRefIter, tree::EntryMode},
};

/// A file, link or submodule of a tree: its mode and its object.
pub type File = (EntryMode, ObjectId);

/// One file that is not the same in two trees.
#[derive(Clone, Debug)]
pub struct Changed {
    /// Its path.
    pub path: BString,
    /// What was there before, if it was no folder.
    pub old: Option<File>,
    /// What is there after, if it is no folder.
    pub new: Option<File>,
}

/// The files (not folders) that differ from tree `old` to tree `new`, sorted by path. Subtrees that are equal are not opened.
pub fn changes(git: &gix::Repository, old: ObjectId, new: ObjectId) -> Result<Vec<Changed>> {
    if old == new {
        return Ok(Vec::new());
    }
    let reading = |e: &dyn std::fmt::Display| Error::git("compare two trees", e);
    let (old, new) = (git.find_tree(old).map_err(|e| reading(&e))?, git.find_tree(new).map_err(|e| reading(&e))?);
    let mut recorder = Recorder::default();
    let [old, new] = [&old, &new].map(|tree| TreeRefIter::from_bytes(&tree.data, git.object_hash()));
    gix::diff::tree(old, new, &mut State::default(), &git.objects, &mut recorder).map_err(|e| reading(&e))?;
    let mut changed: Vec<Changed> = recorder.records.into_iter().filter_map(file_change).collect();
    changed.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(changed)
}

fn file_change(change: Change) -> Option<Changed> {
    let file = |mode: EntryMode, id| mode.is_no_tree().then_some((mode, id));
    let changed = match change {
        Change::Addition { path, entry_mode, oid, .. } => Changed { path, old: None, new: file(entry_mode, oid) },
        Change::Deletion { path, entry_mode, oid, .. } => Changed { path, old: file(entry_mode, oid), new: None },
        Change::Modification { path, previous_entry_mode, previous_oid, entry_mode, oid } => {
            Changed { path, old: file(previous_entry_mode, previous_oid), new: file(entry_mode, oid) }
        }
    };
    (changed.old.is_some() || changed.new.is_some()).then_some(changed)
}
