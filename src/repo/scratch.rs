//! Folders of our own in the temporary folder, and the removal of those that a killed process has left there.

use rustix::{
    io::Errno,
    process::{Pid, test_kill_process},
};
use std::{
    fs::{File, Permissions},
    io::Result,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Once,
};

const PREFIX: &str = "git-lex-pr-";

/// A folder that goes when it is dropped, or with the next process that makes one or asks for it.
pub struct Scratch {
    dir: tempfile::TempDir,
    /// Held as long as the folder is in use. Two containers may share the folder but not their process ids; a lock they share.
    _lock: File,
}

impl Scratch {
    /// Make an empty one; its name holds the id of this process.
    pub fn create() -> Result<Scratch> {
        Scratch::sweep();
        let dir = tempfile::Builder::new().prefix(&format!("{PREFIX}{}-", std::process::id())).tempdir()?;
        let lock = File::open(dir.path())?;
        // A file system that knows no locks has no containers to tell apart by them; the process id is enough there.
        let _ = lock.try_lock();
        Ok(Scratch { dir, _lock: lock })
    }

    /// Remove the folders that dead processes have left, once in the life of this one.
    pub fn sweep() {
        static SWEEP: Once = Once::new();
        SWEEP.call_once(|| sweep(&std::env::temp_dir()));
    }

    /// The folders that dead processes have left.
    pub fn left() -> Vec<PathBuf> {
        left_in(&std::env::temp_dir()).collect()
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Scratch {
    /// Gates leave folders behind that nothing can be removed from, such as the cache of Go's modules.
    fn drop(&mut self) {
        remove(self.dir.path());
    }
}

fn remove(dir: &Path) {
    if std::fs::remove_dir_all(dir).is_err() {
        open_up(dir);
        // What cannot be removed, such as another user's, stays: it is in nobody's way.
        let _ = std::fs::remove_dir_all(dir);
    }
}

/// Let the user into `dir` and all folders in it again.
fn open_up(dir: &Path) {
    // One that is another user's stays as it is.
    let _ = std::fs::set_permissions(dir, Permissions::from_mode(0o700));
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}

/// Remove the folders of dead processes.
fn sweep(place: &Path) {
    left_in(place).for_each(|folder| remove(&folder));
}

/// The folders of dead processes in `place`.
fn left_in(place: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(place).into_iter().flatten().flatten().filter_map(|entry| {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split_once('-')?.0.parse().ok()).and_then(Pid::from_raw);
        let dead = owner.is_some_and(|pid| test_kill_process(pid) == Err(Errno::SRCH));
        let is_left = dead
            && entry.file_type().is_ok_and(|kind| kind.is_dir())
            && File::open(entry.path()).is_ok_and(|folder| folder.try_lock().is_ok());
        is_left.then(|| entry.path())
    })
}
