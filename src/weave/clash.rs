//! Whom a conflict is with: the newest commit of the target that changed a path.

use super::Weaver;
use crate::model::{Error, Result};
use gix::{ObjectId, bstr::ByteSlice, traverse::commit::simple::CommitTimeOrder};

impl Weaver<'_> {
    /// Of the commits that `target` has and `head` has not, the newest that changed `path` against all of its parents.
    pub fn last_change(&self, path: &str, target: ObjectId, head: ObjectId) -> Result<Option<ObjectId>> {
        let walking = |e: &dyn std::fmt::Display| Error::git(format_args!("look for the last change of {path}"), e);
        let walk = self
            .git
            .rev_walk([target])
            .with_hidden([head])
            .sorting(gix::revision::walk::Sorting::ByCommitTime(CommitTimeOrder::NewestFirst))
            .all()
            .map_err(|e| walking(&e))?;
        for info in walk {
            let info = info.map_err(|e| walking(&e))?;
            let entry = self.entry(info.id, path)?;
            let mut same_as_a_parent = false;
            for parent in &info.parent_ids {
                same_as_a_parent |= self.entry(*parent, path)? == entry;
            }
            if !same_as_a_parent && (entry.is_some() || !info.parent_ids.is_empty()) {
                return Ok(Some(info.id));
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
