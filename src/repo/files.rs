//! Small trees of named files, as plans and journals are kept in.

use super::{Repo, unwritten};
use crate::model::{Error, Result};
use gix::{ObjectId, objs::tree::EntryKind};

impl Repo {
    /// Write a tree with `files` (path and content) on top of the tree `base`.
    pub fn write_files(&self, base: Option<ObjectId>, files: &[(String, Vec<u8>)]) -> Result<ObjectId> {
        let writing = |e: &gix::Error| unwritten("write files to the object database", e);
        let base = base.unwrap_or_else(|| self.git.object_hash().empty_tree());
        let mut editor = self.git.edit_tree(base).map_err(|e| writing(&e))?;
        for (path, content) in files {
            let blob = self.git.write_blob(content).map_err(|e| writing(&e))?;
            editor.upsert(path.as_str(), EntryKind::Blob, blob).map_err(|e| writing(&e))?;
        }
        Ok(editor.write().map_err(|e| writing(&e))?.detach())
    }

    /// The file at `path` in the tree of `commit`, if there is one.
    pub fn read_file(&self, commit: ObjectId, path: &str) -> Result<Option<Vec<u8>>> {
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read {path} of {commit}"), e);
        let tree = self.git.find_commit(commit).map_err(|e| reading(&e))?.tree().map_err(|e| reading(&e))?;
        let Some(entry) = tree.lookup_entry_by_path(path).map_err(|e| reading(&e))? else { return Ok(None) };
        if !entry.mode().is_blob() {
            return Err(Error::input("no-file", format!("`{path}` is no regular file in commit {}", self.short(commit)))
                .hint("a link or a folder is not followed there: commit the file itself"));
        }
        Ok(Some(entry.object().map_err(|e| reading(&e))?.data.clone()))
    }
}
