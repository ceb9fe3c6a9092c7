//! The user's own work trees that have the target checked out: a clean one follows a landing, a dirty one forbids it.

use super::{GitCommand, Repo, process::Talk};
use crate::model::{Error, Result, error::Location};
use gix::ObjectId;
use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How long to wait for another git that holds the lock of an index. Editors ask for the status all the time, which takes it for a
/// moment.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

/// In the git folder of a work tree, and held by flock(2) by the shell that moves it: a killed run's may still be at it.
const MOVING: &str = "lex-pr-moving";

/// How long to wait for that shell.
const MOVE_PATIENCE: Duration = Duration::from_secs(10);

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

/// What the script below says once the work tree has followed, and what it is told.
const MOVED: &str = "moved";
const STAY: &str = "stay\n";

/// Move a work tree from commit $1 to $2, and back unless it is told to stay. Where nobody is left to tell it, what the branch $3
/// holds counts, once whoever was moving it has let go of its lock. A shell does it and not this process, which may be killed at
/// any moment. A move that fails, on a full disk, leaves the index as it was and some of the files behind, which were clean.
const FOLLOW: &str = r#"
trap '' PIPE
differs() { git diff-tree -r -z --name-only --no-renames --diff-filter="$1" "$2" "$3"; }
move() {
    for i in 1 2 3 4 5 6 7 8 9 10; do
        why=$(git read-tree -m -u "$1" "$2" 2>&1) && return
        case $why in *index.lock*) sleep 0.2 ;; *) break ;; esac
    done
    echo "$why"
    return 1
}
move "$1" "$2" || {
    differs A "$1" "$2" | xargs -0 rm -f --
    differs DMT "$1" "$2" | git checkout-index -f -z --stdin
    exit 1
}
echo moved
read -r word
[ "$word" = stay ] && exit
printf 'start\nverify %s %s\nprepare\nabort\n' "$3" "$1" |
    git -c core.filesRefLockTimeout=10000 update-ref --stdin >/dev/null 2>&1
[ "$(git rev-parse --verify --quiet "$3")" = "$2" ] || move "$2" "$1" >&2
"#;

/// A work tree that has followed a branch which is about to move. Dropped without a word, it goes back unless the branch has moved.
pub struct Following {
    talk: Talk,
}

impl Following {
    /// The branch has moved.
    pub fn stay(mut self) -> Result<()> {
        self.talk.say(STAY);
        self.talk.end().map(drop)
    }
}

impl Checkout {
    fn git(&self) -> GitCommand {
        GitCommand::bound_to(&self.git_dir, Some(&self.dir))
    }

    /// Refuse a work tree with changes of tracked files, which a landing would mix with its own.
    pub fn check_clean(&self) -> Result<()> {
        self.hold()?;
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
        let look = || self.git().args(check).args([old.to_string(), new.to_string()]).output(None);
        let deadline = Instant::now() + LOCK_PATIENCE;
        let mut output = look()?;
        while output.status != 0 && output.stderr.contains(".lock") && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(100));
            output = look()?;
        }
        match output.status {
            0 => Ok(()),
            _ => Err(self.dirty(output.stderr.lines().next().unwrap_or("git cannot update it").trim_start_matches("error: ").into())),
        }
    }

    /// Bring index and files from `old` to `new`, touching only what differs; and back, unless what this gives is told to
    /// stay.
    pub fn follow(&self, branch: &str, old: ObjectId, new: ObjectId) -> Result<Following> {
        let reference = format!("refs/heads/{branch}");
        let script = GitCommand::script(FOLLOW, &self.git_dir, &self.dir).args([old.to_string(), new.to_string(), reference]);
        let talk = match self.hold()? {
            Some(held) => script.talk_holding(held)?,
            None => script.talk()?,
        };
        let mut following = Following { talk };
        match following.talk.hear() {
            Some(said) if said == MOVED => Ok(following),
            said => {
                let more = std::iter::from_fn(|| following.talk.hear());
                Err(Error::git("update the work tree", said.into_iter().chain(more).collect::<Vec<_>>().join("\n")))
            }
        }
    }

    /// Wait until nobody moves this work tree, and keep others from it. None where the file system knows no locks, or the folder cannot
    /// be written.
    fn hold(&self) -> Result<Option<File>> {
        let options = OpenOptions::new().append(true).create(true).open(self.git_dir.join(MOVING));
        let Ok(mark) = options else { return Ok(None) };
        let deadline = Instant::now() + MOVE_PATIENCE;
        loop {
            match mark.try_lock() {
                Ok(()) => return Ok(Some(mark)),
                Err(TryLockError::Error(_)) => return Ok(None),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(10)),
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::environment("busy-worktree", "another landing has been moving this work tree for a while")
                        .at(Location::new(self.dir.display().to_string()))
                        .hint("run this again once it is done; `git lex-pr status` shows what is at work"));
                }
            }
        }
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
