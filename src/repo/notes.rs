//! Notes whose lines are a set, so that clones can merge them with `cat_sort_uniq`.

use super::{RefChange, Repo, unwritten};
use crate::model::{Error, Result};
use gix::{ObjectId, traverse::tree::Recorder};
use std::collections::BTreeMap;

/// Lines to add to notes, by the object that they are on.
pub type NoteLines = BTreeMap<ObjectId, Vec<String>>;

/// The notes of one ref. What was read of its tree is kept as long as the ref stands still.
pub struct Notes<'r> {
    repo: &'r Repo,
    name: &'r str,
    known: Option<(Option<ObjectId>, gix::note::plumbing::State)>,
}

impl Notes<'_> {
    /// The lines of the note on `object`; none where it has no note.
    pub fn lines(&mut self, object: ObjectId) -> Result<Vec<String>> {
        let tip = self.repo.ref_commit(self.name)?;
        let known = match self.known.take().filter(|(at, _)| *at == tip) {
            Some(known) => known,
            None => (tip, self.repo.notes_state(self.name, tip)?),
        };
        let (_, state) = self.known.insert(known);
        self.repo.lines_on(self.name, state, object)
    }

    /// All notes, by the object that they are on.
    pub fn all(&self) -> Result<NoteLines> {
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read {}", self.name), e);
        let Some(tip) = self.repo.ref_commit(self.name)? else { return Ok(NoteLines::new()) };
        let tree = self.repo.git.find_commit(tip).and_then(|commit| commit.tree()).map_err(|e| reading(&e))?;
        let mut recorder = Recorder::default();
        tree.traverse().breadthfirst(&mut recorder).map_err(|e| reading(&e))?;
        let mut found = NoteLines::new();
        for entry in recorder.records.iter().filter(|entry| entry.mode.is_blob()) {
            // Folders only spread the names: `ab/cd01...` is on `abcd01...`. A file of another name is no note.
            let digits: Vec<u8> = entry.filepath.iter().copied().filter(|byte| *byte != b'/').collect();
            let Ok(object) = ObjectId::from_hex(&digits) else { continue };
            let blob = self.repo.git.find_blob(entry.oid).map_err(|e| reading(&e))?;
            found.insert(object, String::from_utf8_lossy(&blob.data).lines().map(ToOwned::to_owned).collect());
        }
        Ok(found)
    }
}

impl Repo {
    /// The notes tree of `name` at the commit `tip`.
    fn notes_state(&self, name: &str, tip: Option<ObjectId>) -> Result<gix::note::plumbing::State> {
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read {name}"), e);
        let tree = match tip {
            Some(tip) => self.git.find_commit(tip).map_err(|e| reading(&e))?.tree_id().map_err(|e| reading(&e))?.detach(),
            None => self.git.object_hash().empty_tree(),
        };
        gix::note::plumbing::State::new(tree, &self.git.objects).map_err(|e| reading(&e))
    }

    /// The notes of `name`, to be read again and again.
    pub fn notes<'r>(&'r self, name: &'r str) -> Notes<'r> {
        Notes { repo: self, name, known: None }
    }

    fn lines_on(&self, name: &str, state: &mut gix::note::plumbing::State, object: ObjectId) -> Result<Vec<String>> {
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read the note on {object} in {name}"), e);
        let Some(blob) = state.get(&object, &self.git.objects).map_err(|e| reading(&e))? else { return Ok(Vec::new()) };
        let blob = self.git.find_blob(blob).map_err(|e| reading(&e))?;
        Ok(String::from_utf8_lossy(&blob.data).lines().map(ToOwned::to_owned).collect())
    }

    /// Write a notes commit with `lines` added, and give the change of the ref that publishes it: best to a draft, for trees that have not
    /// changed are written again. Each note stays sorted
    /// and without duplicates, as `cat_sort_uniq` leaves it. Nothing to add is no change.
    pub fn add_note_lines(&self, name: &str, lines: &NoteLines) -> Result<Option<RefChange>> {
        if lines.is_empty() {
            return Ok(None);
        }
        let tip = self.ref_commit(name)?;
        let commit = self.commit_tree(self.notes_with(name, tip, lines)?, tip, "Notes added by git lex-pr")?;
        Ok(Some(RefChange { name: name.into(), old: tip, new: Some(commit) }))
    }

    /// The tree of the notes at `tip`, with `lines` added; `name` is what errors call them.
    pub fn notes_with(&self, name: &str, tip: Option<ObjectId>, lines: &NoteLines) -> Result<ObjectId> {
        let writing = |e: &gix::Error| unwritten(format_args!("write {name}"), e);
        let mut state = self.notes_state(name, tip)?;
        for (object, added) in lines {
            let mut all = self.lines_on(name, &mut state, *object)?;
            all.extend(added.iter().cloned());
            all.sort();
            all.dedup();
            let blob = self.git.write_blob(all.join("\n") + "\n").map_err(|e| writing(&e))?.detach();
            state.edit(*object, Some(blob), &self.git.objects).map_err(|e| writing(&e))?;
        }
        state.write(&self.git.objects).map_err(|e| writing(&e))
    }
}
