//! Reading and writing commits, and walking from one to another.

use super::Repo;
use crate::model::{Error, Result};
use gix::{ObjectId, prelude::ObjectIdExt, traverse::commit::simple::CommitTimeOrder};

impl Repo {
    /// Write a commit by the person at work. It is reached by nothing until a ref is moved to it.
    pub fn commit_tree(&self, tree: ObjectId, parent: Option<ObjectId>, message: &str) -> Result<ObjectId> {
        let who = self.signature()?;
        let commit = gix::objs::Commit {
            tree,
            parents: parent.into_iter().collect(),
            author: who.clone(),
            committer: who,
            encoding: None,
            message: message.into(),
            extra_headers: Vec::new(),
        };
        let id = self.git.write_object(&commit).map_err(|e| Error::git("write a commit", e))?;
        Ok(id.detach())
    }

    /// The commits that `head` reaches and none of `hidden` does, newest first.
    pub fn commits_between(&self, head: ObjectId, hidden: impl IntoIterator<Item = ObjectId>) -> Result<Vec<ObjectId>> {
        let walking = |e: &dyn std::fmt::Display| Error::git(format_args!("walk the history of {head}"), e);
        let hidden: Vec<ObjectId> = hidden.into_iter().collect();
        if hidden.contains(&head) {
            return Ok(Vec::new());
        }
        let walk = self
            .git
            .rev_walk([head])
            .with_hidden(hidden)
            .sorting(gix::revision::walk::Sorting::ByCommitTime(CommitTimeOrder::NewestFirst))
            .all()
            .map_err(|e| walking(&e))?;
        walk.map(|info| info.map(|i| i.id).map_err(|e| walking(&e))).collect()
    }

    /// The message of a commit, as text.
    pub fn message(&self, commit: ObjectId) -> Result<String> {
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read commit {commit}"), e);
        let commit = self.git.find_commit(commit).map_err(|e| reading(&e))?;
        Ok(commit.message_raw().map_err(|e| reading(&e))?.to_string())
    }

    /// The shortest hex that names `id` here, for people.
    pub fn short(&self, id: ObjectId) -> String {
        id.attach(&self.git).shorten_or_id().to_string()
    }

    /// The object that `hex` names, whether or not this repository holds it.
    pub fn parse_id(&self, hex: &str) -> Result<ObjectId> {
        ObjectId::from_hex(hex.as_bytes()).ok().filter(|id| id.kind() == self.git.object_hash()).ok_or_else(|| {
            Error::input("bad-commit", format!("`{hex}` is no full commit id of this repository"))
                .hint("`git rev-parse NAME^{commit}` prints one")
        })
    }

    /// Whether this repository holds the commit `id`, readable.
    pub fn has_commit(&self, id: ObjectId) -> bool {
        self.git.find_commit(id).is_ok()
    }
}
