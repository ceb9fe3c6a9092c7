//! Room on disks, and what makes a history slow or incomplete.

use super::{Cure, Finding};
use crate::{
    model::{Result, shell_word},
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
    findings.extend(plans(repo)?);
    for run in at_work(repo)?.iter().filter(|run| life(repo, run) == Some(Life::Gone)) {
        let id = run.id.as_deref().unwrap_or_default();
        let message = format!("run {id} of plan {} was killed; it landed nothing", run.plan);
        findings.push(Finding::note("run", message).mend(format!("git lex-pr retry {id}, or git lex-pr abort {id}")));
    }
    let left = Scratch::left();
    if !left.is_empty() {
        let what = if left.len() == 1 { "work tree of a killed run is" } else { "work trees of killed runs are" };
        let message = format!("{} {what} left in {}", left.len(), std::env::temp_dir().display());
        findings.push(Finding::bad("work tree", message).cure(Cure::Sweep));
    }
    let stale = repo.git_command().args(["worktree", "prune", "--dry-run", "--verbose"]).output(None)?;
    let stale = stale.stderr.lines().chain(std::str::from_utf8(&stale.stdout).unwrap_or_default().lines()).count();
    if stale > 0 {
        let message = match stale {
            1 => "git knows 1 work tree that is gone".to_string(),
            _ => format!("git knows {stale} work trees that are gone"),
        };
        findings.push(Finding::bad("work tree", message).cure(Cure::Git(vec!["worktree".into(), "prune".into()])));
    }
    Ok(findings)
}

/// How many revisions of a plan are looked at for one that can be read.
const LOOKED_BACK: usize = 20;

/// The plans that cannot be read, each with what brings back the newest revision that can.
fn plans(repo: &Repo) -> Result<Vec<Finding>> {
    let (_, broken) = store::load_all(repo)?;
    let mut findings: Vec<Finding> = broken.into_iter().map(|words| Finding::bad("plan", words)).collect();
    for (name, _) in if findings.is_empty() { Vec::new() } else { store::list(repo)? } {
        let Err(error) = store::load(repo, &name) else { continue };
        let words = format!("plan {name} cannot be read: {error}");
        let Some(finding) = findings.iter_mut().find(|finding| finding.message == words) else { continue };
        let older = (1..=LOOKED_BACK).map_while(|back| store::find_revision(repo, &name, &format!("~{back}")).ok());
        let readable = older.into_iter().find(|revision| store::read(repo, &name, *revision).is_ok());
        let delete = format!("git lex-pr plan delete {}", shell_word(&name));
        let restore = readable.map(|revision| format!(" && git lex-pr plan restore {} {}", shell_word(&name), repo.short(revision)));
        finding.mend = Some(delete + &restore.unwrap_or_default());
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
