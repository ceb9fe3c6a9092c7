//! Locks that a killed git has left: nothing can be written while they are there.

use super::{Cure, Finding};
use crate::{model::Result, repo::Repo};
use std::{
    os::unix::process::parent_id,
    path::{Path, PathBuf},
    time::Duration,
};

/// Git holds a lock for moments; an editor that a commit waits for may hold one longer.
const OLD: Duration = Duration::from_secs(600);

/// Most folders of refs that are looked into.
const FOLDERS: usize = 10_000;

pub(super) fn look(repo: &Repo) -> Result<Vec<Finding>> {
    let busy = git_at_work(repo);
    let findings: Vec<Finding> = locks(repo)
        .into_iter()
        .map(|(path, since)| {
            let message = format!("{} has been there since {since}", path.display());
            match busy {
                // Whose it is cannot be told from outside.
                true => Finding::note("lock", format!("{message}, and a git is at work here")).mend("let that git end, then look again"),
                false => Finding::bad("lock", format!("{message}, and no git is at work here")).cure(Cure::Remove(path)),
            }
        })
        .collect();
    Ok(if findings.is_empty() { vec![Finding::good("lock", "none is left behind")] } else { findings })
}

/// The locks that are old, and since when they are there, in UTC, RFC 3339.
fn locks(repo: &Repo) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![repo.git.common_dir().to_path_buf(), repo.git.git_dir().to_path_buf(), repo.git.common_dir().join("refs")];
    folders.dedup();
    let refs = repo.git.common_dir().join("refs");
    let mut left = FOLDERS;
    while let (Some(folder), true) = (folders.pop(), left > 0) {
        left -= 1;
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if path.starts_with(&refs) && path != refs {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "lock")
                && let Ok(since) = entry.metadata().and_then(|data| data.modified())
                && since.elapsed().is_ok_and(|age| age >= OLD)
            {
                let since = jiff::Timestamp::try_from(since).map_or_else(|_| "long ago".into(), |since| format!("{since:.0}"));
                found.push((path, since));
            }
        }
    }
    found.sort();
    found
}

/// Whether a git of this user works in the repository, as far as the system tells; where it does not, there may be one.
fn git_at_work(repo: &Repo) -> bool {
    let Ok(processes) = std::fs::read_dir("/proc") else { return true };
    let places: Vec<PathBuf> =
        [Some(repo.git.common_dir()), repo.git.workdir()].into_iter().flatten().filter_map(|place| place.canonicalize().ok()).collect();
    let here = |folder: &Path| places.iter().any(|place| folder.starts_with(place));
    // `git lex-pr` is a git that waits for this very process.
    let parent = parent_id().to_string();
    processes.flatten().filter(|process| process.file_name() != parent.as_str()).any(|process| {
        let is_git = std::fs::read_to_string(process.path().join("comm")).is_ok_and(|name| name.trim() == "git");
        is_git && std::fs::read_link(process.path().join("cwd")).is_ok_and(|folder| here(&folder))
    })
}
