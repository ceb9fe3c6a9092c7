//! Whether a work tree has room on its disk.

use super::changes::Changed;
use crate::model::{Error, Result};
use std::path::Path;

/// What is kept free for what gates write themselves, in bytes.
pub const RESERVE: u64 = 256 << 20;

/// What a file system mostly gives a file room by, in bytes.
const BLOCK: u64 = 4 << 10;

/// Refuse to write `needed` bytes of a work tree into `dir` where that would leave less than a reserve. A system that does not tell
/// what is free is not asked.
pub(super) fn check_room(dir: &Path, needed: u64) -> Result<()> {
    match free(dir) {
        Some(free) if free < needed.saturating_add(RESERVE) => {
            let message = format!(
                "the disk is too full for a work tree of the gates: it takes {} MB and {} MB stay free for what they write, but of {} only {} MB are free",
                needed.div_ceil(1 << 20),
                RESERVE >> 20,
                dir.parent().unwrap_or(dir).display(),
                free >> 20,
            );
            Err(Error::environment("disk-full", message)
                .hint("free some, or set TMPDIR to a folder of a larger disk, then run this again: verdicts given so far are kept"))
        }
        _ => Ok(()),
    }
}

/// The bytes of the file system of `dir` that are free to this user, by statvfs(3).
pub fn free(dir: &Path) -> Option<u64> {
    let told = rustix::fs::statvfs(dir).ok()?;
    Some(told.f_bavail.saturating_mul(told.f_frsize))
}

/// What the files that these changes write take on disk, in bytes. One whose object is not here, as in a partial clone, counts nothing.
pub(super) fn bytes_on_disk(git: &gix::Repository, changes: &[Changed]) -> u64 {
    let blobs = changes.iter().filter_map(|change| change.new).filter(|(mode, _)| mode.is_blob_or_symlink());
    blobs.map(|(_, id)| git.find_header(id).map_or(0, |header| header.size().next_multiple_of(BLOCK))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_work_tree_larger_than_the_disk_is_refused() {
        let dir = std::env::temp_dir();
        assert!(free(&dir).is_some_and(|free| free > 0));
        assert!(check_room(&dir, 0).is_ok());
        let error = check_room(&dir, u64::MAX).map_err(|error| error.code);
        assert_eq!(error, Err("disk-full"));
    }
}
