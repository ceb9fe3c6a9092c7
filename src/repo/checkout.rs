//! The user's own work trees that have the target checked out: a clean one follows a landing, a dirty one forbids it.

use super::{GitCommand, Repo};
use crate::model::{Error, Result, error::Location};
use gix::ObjectId;
use std::path::{Path, PathBuf};

/// A work tree whose HEAD is a given branch.
pub struct Checkout {
    /// Its folder.
    pub dir: PathBuf,
    git_dir: PathBuf,
}

impl Repo {
    /// The main and linked work trees that have `branch` checked out. Refused where one of them is in the middle of a rebase or
    /// bisection that will want it back as it was.
    pub fn checkouts_of(&self, branch: &str) -> Result<Vec<Checkout>> {
        let reading = |e: &dyn std::fmt::Display| Error::git("list the work trees", e);
        let full = format!("refs/heads/{branch}");
        let mut found = Vec::new();
        for worktree in self.git.worktrees_including_main().map_err(|e| reading(&e))? {
            let worktree = worktree.map_err(|e| reading(&e))?;
            refuse_unfinished(worktree.git_dir(), branch)?;
            let on_branch = worktree.head_name().ok().flatten().is_some_and(|name| name.as_bstr() == full.as_str());
            if let (true, Some(dir)) = (on_branch, worktree.workdir().filter(|d| d.is_dir())) {
                let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_path_buf());
                found.push(Checkout { dir, git_dir: worktree.git_dir().to_path_buf() });
            }
        }
        Ok(found)
    }
}

/// Refuse a branch that git itself would not move (`find_shared_symref` in git's branch.c).
fn refuse_unfinished(git_dir: &Path, branch: &str) -> Result<()> {
    let full = format!("refs/heads/{branch}");
    let unfinished = [
        ("rebase-merge/head-name", full.as_str(), "rebase"),
        ("rebase-apply/head-name", full.as_str(), "rebase"),
        ("BISECT_START", branch, "bisection"),
    ];
    for (file, name, what) in unfinished {
        if std::fs::read_to_string(git_dir.join(file)).is_ok_and(|content| content.trim() == name) {
            let end = if what == "rebase" { "git rebase --continue, or git rebase --abort" } else { "git bisect reset" };
            return Err(Error::input("busy-branch", format!("`{branch}` is in the middle of a {what}"))
                .at(Location::new(git_dir.display().to_string()))
                .hint(format!("finish it there first: {end}")));
        }
    }
    Ok(())
}

impl Checkout {
    fn git(&self) -> GitCommand {
        GitCommand::bound_to(&self.git_dir, Some(&self.dir))
    }

    /// Refuse a work tree with changes of tracked files, which a landing would mix with its own.
    pub fn check_clean(&self) -> Result<()> {
        for (file, what) in [("MERGE_HEAD", "merge"), ("CHERRY_PICK_HEAD", "cherry-pick"), ("REVERT_HEAD", "revert")] {
            if self.git_dir.join(file).exists() {
                return Err(self
                    .dirty(format!("it is in the middle of a {what}"))
                    .hint(format!("git {what} --continue, or git {what} --abort")));
            }
        }
        let status = self.git().args(["status", "--porcelain", "-z", "--untracked-files=no"]).run("look for changes in the work tree")?;
        let changed = status.split(|b| *b == 0).find(|entry| entry.len() > 3);
        match changed {
            None => Ok(()),
            Some(entry) => Err(self.dirty(format!("it has changes in `{}`", String::from_utf8_lossy(&entry[3..])))),
        }
    }

    /// Refuse a work tree in which an untracked file stands where the landing puts one; writes nothing.
    pub fn check_move(&self, old: ObjectId, new: ObjectId) -> Result<()> {
        let check = ["read-tree", "-n", "-m", "-u"];
        let output = self.git().args(check).args([old.to_string(), new.to_string()]).output(None)?;
        match output.status {
            0 => Ok(()),
            _ => Err(self.dirty(output.stderr.lines().next().unwrap_or("git cannot update it").trim_start_matches("error: ").into())),
        }
    }

    /// Bring index and files from `old` to `new`, touching only what differs.
    pub fn move_to(&self, old: ObjectId, new: ObjectId) -> Result<()> {
        self.git().args(["read-tree", "-m", "-u"]).args([old.to_string(), new.to_string()]).run("update the work tree").map(drop)
    }

    fn dirty(&self, why: String) -> Error {
        let hint = if why.contains(".lock") {
            "if no git process is at work there, remove that .lock file, then run this again"
        } else if why.to_lowercase().contains("untracked") {
            "move that file away, or `git stash --include-untracked` there, then run this again"
        } else {
            "commit or `git stash` the changes there, then run this again"
        };
        Error::input("dirty-worktree", format!("the target is checked out here and cannot follow: {why}"))
            .at(Location::new(self.dir.display().to_string()))
            .hint(hint)
    }
}
