//! The mark of a process that is about to lock refs, so that what it leaves behind when it is killed is known to be its own.

use super::{RefChange, Repo};
use crate::model::time;
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::Path,
    time::Duration,
};

/// In the git folder, as long as a repository is. It is empty but for the moments in which refs are written: then its first line says
/// who writes since when, and each further one is the name of a ref. The writer holds it by flock(2), which ends with its process.
const FILE: &str = "lex-pr-writing";

/// How old the lock of a ref must be to be taken for that of a dead writer: git's own are held for milliseconds, and one of them may
/// have come between the writer's death and the look at what it left.
const OLD: Duration = Duration::from_secs(1);

/// Held by who writes refs.
pub(super) struct Writing {
    /// Absent where the file system knows no locks: then nobody can tell what a dead writer left.
    mark: Option<File>,
}

impl Writing {
    /// Begin to write what `changes` names, after the locks that a killed writer left have been removed. The error says who writes
    /// at this moment.
    pub fn begin(repo: &Repo, changes: &[RefChange]) -> Result<Writing, String> {
        let folder = repo.git.common_dir();
        let mut options = OpenOptions::new();
        let Ok(mut mark) = options.read(true).write(true).create(true).truncate(false).open(folder.join(FILE)) else {
            return Ok(Writing { mark: None });
        };
        let held = mark.try_lock();
        if matches!(held, Err(TryLockError::Error(_))) {
            return Ok(Writing { mark: None });
        }
        let mut said = String::new();
        // One that cannot be read says nothing, as an empty one does.
        let _ = mark.read_to_string(&mut said);
        let mut lines = said.lines();
        let who = lines.next().unwrap_or("somebody");
        if held.is_err() {
            return Err(who.to_string());
        }
        let valid = |name: &&str| gix::validate::reference::name((*name).into()).is_ok();
        lines.filter(valid).for_each(|name| remove_old(&folder.join(format!("{name}.lock"))));
        let names: String = changes.iter().map(|change| format!("{}\n", change.name)).collect();
        let who = format!("process {}, since {}", std::process::id(), time::now());
        let mut writing = Writing { mark: Some(mark) };
        writing.say(&format!("{who}\n{names}"));
        Ok(writing)
    }

    /// Let the mark say something else. Where that fails, on a full disk, git's own words about the locks are what is left.
    fn say(&mut self, words: &str) {
        if let Some(mark) = &mut self.mark {
            let _ = mark.rewind().and_then(|()| mark.set_len(0)).and_then(|()| mark.write_all(words.as_bytes()));
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.say("");
    }
}

/// Remove a lock once it is old, if it has not gone by then.
fn remove_old(lock: &Path) {
    while let Ok(age) = lock.symlink_metadata().and_then(|data| data.modified()).map(|time| time.elapsed().unwrap_or(OLD)) {
        match OLD.checked_sub(age) {
            Some(left) if !left.is_zero() => std::thread::sleep(left),
            // One that cannot be removed is told of by whoever meets it.
            _ => return drop(std::fs::remove_file(lock)),
        }
    }
}
