//! Whom a conflict is with: the newest commit of the target that changed a path.

use super::Weaver;
use crate::model::{Error, Result};
use gix::{ObjectId, bstr::ByteSlice};

impl Weaver<'_> {
    /// Of the commits that `target` has and `head` has not, the newest that changed `path` against all of its parents.
    pub fn last_change(&self, path: &str, target: ObjectId, head: ObjectId) -> Result<Option<ObjectId>> {
        for id in self.history.borrow_mut().ahead(&self.git, target, &[head])? {
            let commit = self.git.find_commit(id).map_err(|e| Error::git(format_args!("read commit {id}"), e))?;
            let parents: Vec<ObjectId> = commit.parent_ids().map(gix::Id::detach).collect();
            let entry = self.entry(id, path)?;
            let mut same_as_a_parent = false;
            for parent in &parents {
                same_as_a_parent |= self.entry(*parent, path)? == entry;
            }
            if !same_as_a_parent && (entry.is_some() || !parents.is_empty()) {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// What a commit has at `path`.
    fn entry(&self, commit: ObjectId, path: &str) -> Result<Option<(ObjectId, u16)>> {
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read {path} of {commit}"), e);
        let tree = self.git.find_tree(self.tree_of(commit)?).map_err(|e| reading(&e))?;
        let entry = tree.lookup_entry(path.as_bytes().split_str("/")).map_err(|e| reading(&e))?;
        Ok(entry.map(|e| (e.object_id(), e.mode().value())))
    }
}
