//! Room on disks, and what makes a history slow or incomplete.

use super::{Cure, Finding};
use crate::{
    model::Result,
    plan::store,
    repo::{RESERVE, Repo, Scratch, free},
    run::{Life, at_work, life},
};

/// Below this a disk is soon full, in bytes.
const LITTLE: u64 = 2 << 30;

/// Objects from which on a commit-graph pays.
const MANY: u64 = 20_000;

pub(super) fn look(repo: &Repo) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (what, folder) in [("the repository", repo.git.common_dir().to_path_buf()), ("the work trees of gates", std::env::temp_dir())] {
        let place = format!("{} for {what}", folder.display());
        let Some(bytes) = free(&folder) else { continue };
        let message = format!("{} MB are free in {place}", bytes >> 20);
        findings.push(match bytes {
            0..RESERVE => Finding::bad("disk", message).mend("free some, or set TMPDIR to a folder of a larger disk"),
            RESERVE..LITTLE => Finding::note("disk", message).mend("free some, or set TMPDIR to a folder of a larger disk"),
            _ => Finding::good("disk", message),
        });
    }
    findings.push(commit_graph(repo)?);
    if repo.git.is_shallow().unwrap_or(false) {
        let message = "the history is cut off (a shallow clone): what branches have in common may lie behind the cut";
        findings.push(Finding::note("history", message).mend("git fetch --unshallow"));
    }
    if repo.is_partial() {
        let message = "files may be missing that a remote promised to have (a partial clone): items that need them are skipped";
        findings.push(Finding::note("history", message).mend("git fetch --refetch --no-filter"));
    }
    // Those that cannot be read are named one by one.
    findings.extend(store::load_all(repo)?.1.into_iter().map(|words| Finding::bad("plan", words)));
    for run in at_work(repo)?.iter().filter(|run| life(repo, run) == Some(Life::Gone)) {
        let id = run.id.as_deref().unwrap_or_default();
        let message = format!("run {id} of plan {} was killed; it landed nothing", run.plan);
        findings.push(Finding::note("run", message).mend(format!("git lex-pr retry {id}, or git lex-pr abort {id}")));
    }
    let left = Scratch::left();
    if !left.is_empty() {
        let message = format!("{} work trees of killed runs are left in {}", left.len(), std::env::temp_dir().display());
        findings.push(Finding::bad("work tree", message).cure(Cure::Sweep));
    }
    let stale = repo.git_command().args(["worktree", "prune", "--dry-run", "--verbose"]).output(None)?;
    let stale = stale.stderr.lines().chain(std::str::from_utf8(&stale.stdout).unwrap_or_default().lines()).count();
    if stale > 0 {
        let message = format!("git knows {stale} work trees that are gone");
        findings.push(Finding::bad("work tree", message).cure(Cure::Git(vec!["worktree".into(), "prune".into()])));
    }
    Ok(findings)
}

fn commit_graph(repo: &Repo) -> Result<Finding> {
    let info = repo.git.objects.store_ref().path().join("info");
    let config = repo.git.config_snapshot();
    if config.boolean("core.commitGraph") == Some(false) {
        return Ok(Finding::note("commit-graph", "core.commitGraph is false").cure(unset("core.commitGraph")));
    }
    if info.join("commit-graph").exists() || info.join("commit-graphs/commit-graph-chain").exists() {
        return Ok(Finding::good("commit-graph", "it is there"));
    }
    let said = repo.git_command().args(["count-objects", "-v"]).run("count the objects")?;
    let said = String::from_utf8_lossy(&said).into_owned();
    let number = |key: &str| said.lines().find_map(|line| line.strip_prefix(key)?.trim().parse::<u64>().ok()).unwrap_or(0);
    let objects = number("count:") + number("in-pack:");
    if objects < MANY {
        return Ok(Finding::good("commit-graph", format!("there is none, which {objects} objects do not need")));
    }
    let write = ["commit-graph", "write", "--reachable", "--changed-paths"].map(String::from).to_vec();
    Ok(Finding::note("commit-graph", format!("there is none, and {objects} objects are slow without one")).cure(Cure::Git(write)))
}

fn unset(key: &str) -> Cure {
    Cure::Git(vec!["config".into(), "--unset-all".into(), key.into()])
}
