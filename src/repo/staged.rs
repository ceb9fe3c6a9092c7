//! The commit that git is about to make of its index.

use super::Repo;
use crate::model::{Error, Result};
use gix::ObjectId;
use std::path::Path;

impl Repo {
    /// The tree that git would commit now, of the index that it has named to its hook. Git itself writes the same objects.
    pub fn staged_tree(&self) -> Result<ObjectId> {
        let mut git = self.git_command();
        if let Some(index) = std::env::var_os("GIT_INDEX_FILE") {
            let index = std::path::absolute(index).map_err(|e| Error::io("find the index", e))?;
            git = git.env("GIT_INDEX_FILE", index);
        }
        let said = git.args(["write-tree"]).run("read what is staged")?;
        self.parse_id(String::from_utf8_lossy(&said).trim())
    }

    /// Whether a merge is about to be committed.
    pub fn is_merging(&self) -> bool {
        self.git.git_dir().join("MERGE_HEAD").exists()
    }

    /// A message as git would keep it: without comments, and without the diff that `git commit -v` shows.
    pub fn clean_message(&self, file: &Path) -> Result<String> {
        let text = std::fs::read_to_string(file)
            .map_err(|e| Error::input("no-file", format!("could not read {}: {e}", file.display())).hint("git gives the hook the path"))?;
        let above = text.split("\n# ------------------------ >8 ------------------------\n").next().unwrap_or_default();
        let said = self.git_command().args(["stripspace", "--strip-comments"]).output(Some(above.as_bytes()))?;
        if said.status != 0 {
            return Err(Error::git("clean the message", said.stderr));
        }
        Ok(String::from_utf8_lossy(&said.stdout).into_owned())
    }

    /// The same repository with a commit that only memory holds, and that commit.
    pub fn supposing(mut self, tree: ObjectId, parent: Option<ObjectId>, message: &str) -> Result<(Repo, ObjectId)> {
        self.git.objects.enable_object_memory();
        let commit = self.commit_tree(tree, parent, message)?;
        Ok((self, commit))
    }
}
