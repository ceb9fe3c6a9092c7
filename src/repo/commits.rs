//! Reading and writing commits.

use super::{Repo, unwritten};
use crate::model::{Error, Result};
use gix::{ObjectId, prelude::ObjectIdExt};

impl Repo {
    /// Write a commit of any number of parents, by the person at work. It is reached by nothing until a ref is moved to it.
    pub fn commit_tree(&self, tree: ObjectId, parents: impl IntoIterator<Item = ObjectId>, message: &str) -> Result<ObjectId> {
        let who = self.signature()?;
        let commit = gix::objs::Commit {
            tree,
            parents: parents.into_iter().collect(),
            author: who.clone(),
            committer: who,
            encoding: None,
            message: message.into(),
            extra_headers: Vec::new(),
        };
        let id = self.git.write_object(&commit).map_err(|e| unwritten("write a commit", &e))?;
        Ok(id.detach())
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
