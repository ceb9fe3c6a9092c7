//! What a retry runs: of a plan, the items that failed, with what they stand on.

use crate::{
    model::{
        Result,
        plan::{Item, Plan},
        run::{ItemReport, Purpose, Run, RunState, Status},
    },
    repo::Repo,
};
use std::collections::{HashMap, HashSet};

/// Older runs of a plan than this many are not asked what became of an item.
const LOOKED_BACK: usize = 100;

/// Whether the items of a landing are in the target: it landed, was not undone, and the target holds it still.
pub fn still_landed(repo: &Repo, run: &Run) -> Result<bool> {
    let target = repo.ref_commit(&format!("refs/heads/{}", run.target))?;
    let tip = repo.parse_id(&run.tip)?;
    match (run.state, target) {
        (RunState::Landed, Some(target)) => Ok(repo.has_commit(tip) && repo.is_ancestor(tip, target)?),
        _ => Ok(false),
    }
}

/// What is to be run again.
pub struct Retry {
    /// The plan, cut down to it. Dependencies that are in the target are none any more.
    pub plan: Plan,
    /// How many of its items failed; the others come along because these stand on them.
    pub failed: usize,
    /// What the run that is retried was for.
    pub purpose: Purpose,
    /// The gates that it was narrowed to.
    pub gates: Vec<String>,
    /// Whether that run was stopped before its end, so that this one goes on with it.
    pub goes_on: bool,
}

/// How an item stands after the runs so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stand {
    /// In the target.
    In,
    /// It holds, but has not landed.
    Held,
    /// It was skipped, blocked or not reached.
    Failed(Status),
    /// Nobody has tried it, or its landing was undone.
    Open,
}

/// What of `plan` to run again after `runs`, newest first; `None` where nothing failed. With `only`, failures of other kinds are
/// left alone.
pub fn retry(repo: &Repo, plan: &Plan, runs: impl IntoIterator<Item = Result<Run>>, only: &[Status]) -> Result<Option<Retry>> {
    let mut stands: HashMap<&str, Stand> = HashMap::new();
    let mut newest: Option<Run> = None;
    for run in runs.into_iter().take(LOOKED_BACK) {
        let run = run?;
        let purpose = newest.as_ref().unwrap_or(&run).purpose;
        let landed = still_landed(repo, &run)?;
        for item in &plan.items {
            let known = stands.get(item.name.as_str());
            if let (None | Some(Stand::Failed(Status::Pending)), Some(report)) = (known, run.items.iter().find(|r| r.name == item.name)) {
                let stand = stand(&run, item, report, landed, purpose);
                if known.is_none() || stand != Stand::Open {
                    stands.insert(&item.name, stand);
                }
            }
        }
        newest = newest.or(Some(run));
        // An item that a run did not reach may have been decided in an older one.
        let decided = |item: &Item| stands.get(item.name.as_str()).is_some_and(|stand| *stand != Stand::Failed(Status::Pending));
        if plan.items.iter().all(decided) {
            break;
        }
    }
    let Some(newest) = newest else { return Ok(None) };
    let stand = |item: &Item| stands.get(item.name.as_str()).copied().unwrap_or(Stand::Open);
    let failed = |item: &&Item| matches!(stand(item), Stand::Failed(status) if only.is_empty() || only.contains(&status));
    let held = |item: &&Item| stand(item) == Stand::Held;
    let count = plan.items.iter().filter(failed).count();
    let unlanded = only.is_empty() && newest.is_unlanded() && plan.items.iter().any(|item| held(&item));
    if count == 0 && !unlanded {
        return Ok(None);
    }
    // What holds but has not landed is below the others, as it was in the run.
    let mut wanted: HashSet<&str> = HashSet::new();
    let mut open: Vec<&Item> = plan.items.iter().filter(|item| failed(item) || held(item)).collect();
    while let Some(item) = open.pop() {
        if wanted.insert(&item.name) {
            open.extend(item.deps.iter().filter_map(|dep| plan.item(&dep.name)).filter(|needed| stand(needed) != Stand::In));
        }
    }
    let mut again = plan.clone();
    again.items.retain(|item| wanted.contains(item.name.as_str()));
    for item in &mut again.items {
        item.deps.retain(|dep| wanted.contains(dep.name.as_str()));
    }
    let goes_on = matches!(newest.state, RunState::Running | RunState::Interrupted | RunState::Aborted);
    Ok(Some(Retry { plan: again, failed: count, purpose: newest.purpose, gates: newest.gates, goes_on }))
}

fn stand(run: &Run, item: &Item, report: &ItemReport, landed: bool, purpose: Purpose) -> Stand {
    let same = item.head.is_none() || item.head == report.head;
    let ended_on_target = landed || (run.purpose == Purpose::Land && run.state == RunState::Done);
    match report.status {
        status if !status.is_in() => Stand::Failed(status),
        _ if !same || run.state == RunState::Undone => Stand::Open,
        _ if ended_on_target => Stand::In,
        // What was only proved is not landed by the way.
        _ if run.state == RunState::Landed || (run.purpose == Purpose::Prove && purpose == Purpose::Land) => Stand::Open,
        _ => Stand::Held,
    }
}
