//! The files in which two trees differ.

use super::Weaver;
use crate::model::{Error, Result};
use gix::{ObjectId, bstr::BString, object::tree::diff::ChangeDetached};

/// One file that is not the same in two trees.
#[derive(Clone, Debug)]
pub struct Changed {
    /// Its path.
    pub path: BString,
    /// Its blob before, if it was one.
    pub old: Option<ObjectId>,
    /// Its blob after, if it is one.
    pub new: Option<ObjectId>,
}

impl Weaver<'_> {
    /// The files (not folders) that differ from tree `old` to tree `new`, sorted by path. Subtrees that are equal are not opened.
    pub fn changes(&self, old: ObjectId, new: ObjectId) -> Result<Vec<Changed>> {
        if old == new {
            return Ok(Vec::new());
        }
        let reading = |e: &dyn std::fmt::Display| Error::git("compare two trees", e);
        let (old, new) = (self.git.find_tree(old).map_err(|e| reading(&e))?, self.git.find_tree(new).map_err(|e| reading(&e))?);
        let mut options = gix::diff::Options::default();
        options.track_path();
        options.track_rewrites(None);
        let changes = self.git.diff_tree_to_tree(&old, &new, options).map_err(|e| reading(&e))?;
        let mut changed: Vec<Changed> = changes.into_iter().filter_map(file_change).collect();
        changed.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(changed)
    }
}

fn file_change(change: ChangeDetached) -> Option<Changed> {
    match change {
        ChangeDetached::Addition { location, entry_mode, id, .. } => {
            entry_mode.is_no_tree().then(|| Changed { path: location, old: None, new: entry_mode.is_blob().then_some(id) })
        }
        ChangeDetached::Deletion { location, entry_mode, id, .. } => {
            entry_mode.is_no_tree().then(|| Changed { path: location, old: entry_mode.is_blob().then_some(id), new: None })
        }
        ChangeDetached::Modification { location, previous_entry_mode, previous_id, entry_mode, id } => {
            (previous_entry_mode.is_no_tree() || entry_mode.is_no_tree()).then(|| Changed {
                path: location,
                old: previous_entry_mode.is_blob().then_some(previous_id),
                new: entry_mode.is_blob().then_some(id),
            })
        }
        // Not asked for.
        ChangeDetached::Rewrite { .. } => None,
    }
}
