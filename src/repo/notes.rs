//! Notes whose lines are a set, so that clones can merge them with `cat_sort_uniq`.

use super::{RefChange, Repo};
use crate::model::{Error, Result};
use gix::ObjectId;
use std::collections::BTreeMap;

/// Lines to add to notes, by the object that they are on.
pub type NoteLines = BTreeMap<ObjectId, Vec<String>>;

impl Repo {
    /// The notes tree of `name`, at the commit it stands at.
    fn notes_state(&self, name: &str) -> Result<(Option<ObjectId>, gix::note::plumbing::State)> {
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read {name}"), e);
        let tip = self.ref_commit(name)?;
        let tree = match tip {
            Some(tip) => self.git.find_commit(tip).map_err(|e| reading(&e))?.tree_id().map_err(|e| reading(&e))?.detach(),
            None => self.git.object_hash().empty_tree(),
        };
        let state = gix::note::plumbing::State::new(tree, &self.git.objects).map_err(|e| reading(&e))?;
        Ok((tip, state))
    }

    /// The lines of the note on each of `objects` that has one.
    pub fn note_lines(&self, name: &str, objects: impl IntoIterator<Item = ObjectId>) -> Result<NoteLines> {
        let (_, mut state) = self.notes_state(name)?;
        let mut found = NoteLines::new();
        for object in objects {
            let lines = self.lines_on(name, &mut state, object)?;
            if !lines.is_empty() {
                found.insert(object, lines);
            }
        }
        Ok(found)
    }

    fn lines_on(&self, name: &str, state: &mut gix::note::plumbing::State, object: ObjectId) -> Result<Vec<String>> {
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read the note on {object} in {name}"), e);
        let Some(blob) = state.get(&object, &self.git.objects).map_err(|e| reading(&e))? else { return Ok(Vec::new()) };
        let blob = self.git.find_blob(blob).map_err(|e| reading(&e))?;
        Ok(String::from_utf8_lossy(&blob.data).lines().map(ToOwned::to_owned).collect())
    }

    /// Write a notes commit with `lines` added, and give the change of the ref that publishes it. Each note stays sorted
    /// and without duplicates, as `cat_sort_uniq` leaves it. Nothing to add is no change.
    pub fn add_note_lines(&self, name: &str, lines: &NoteLines) -> Result<Option<RefChange>> {
        if lines.is_empty() {
            return Ok(None);
        }
        let writing = |e: &dyn std::fmt::Display| Error::git(format_args!("write {name}"), e);
        let (tip, mut state) = self.notes_state(name)?;
        for (object, added) in lines {
            let mut all = self.lines_on(name, &mut state, *object)?;
            all.extend(added.iter().cloned());
            all.sort();
            all.dedup();
            let blob = self.git.write_blob(all.join("\n") + "\n").map_err(|e| writing(&e))?.detach();
            state.edit(*object, Some(blob), &self.git.objects).map_err(|e| writing(&e))?;
        }
        let tree = state.write(&self.git.objects).map_err(|e| writing(&e))?;
        let commit = self.commit_tree(tree, tip, "Notes added by git lex-pr")?;
        Ok(Some(RefChange { name: name.into(), old: tip, new: Some(commit) }))
    }
}
