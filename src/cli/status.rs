//! `git lex-pr status`

use super::{
    Answer,
    context::{Context, PlanArg},
};
use crate::{
    model::{
        Result,
        plan::Pause,
        run::{Run, Status},
    },
    repo::{History, Repo},
    report::{
        headline,
        style::{BAD, CARE, Cell, FAINT, GOOD, HEAD, PLAIN, columns, paint, printable},
    },
    run::{Life, life, runs, still_landed, who},
};
use schemars::JsonSchema;
use serde::Serialize;

/// Show where plans stand: what has landed, what is left and why.
///
/// Exits with 1 where an item is held, so that a script can tell.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A plan's name, a plan file, or `-`; without it, all plans.
    plan: Option<String>,
}

/// What `status --json` prints for each plan.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanStatus {
    /// The plan's name.
    name: String,
    /// Its target.
    target: String,
    /// Who lets nothing of it land for now, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    paused: Option<Pause>,
    /// Its items, by name.
    items: Vec<ItemStatus>,
    /// The newest run of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<Run>,
    /// What can be told from here about the process of that run, where it has not ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<Life>,
}

/// Where one item stands.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemStatus {
    /// The item's name.
    name: String,
    /// Where it stands.
    state: ItemState,
    /// Why, as the newest run said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    detail: String,
}

/// Where an item stands.
#[derive(Clone, Copy, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum ItemState {
    /// The target contains it.
    Landed,
    /// The newest run left it out.
    Held,
    /// It has not been tried, or was changed since.
    Waiting,
}

pub fn run(args: &Args, context: &Context) -> Result<Answer> {
    let repo = context.repo()?;
    let mut text = String::new();
    let mut all = Vec::new();
    let (plans, notes) = context.plans(&repo, args.plan.as_deref())?;
    for plan in plans {
        let status = status(&repo, &plan)?;
        text.push_str(&describe(&status));
        all.push(status);
    }
    if all.is_empty() {
        text = format!("no plans yet\n{} git lex-pr plan create 'feat/*'\n", paint(FAINT, "next:"));
    }
    let held = all.iter().flat_map(|plan| &plan.items).any(|item| item.state == ItemState::Held);
    Ok(Answer { no: held, ..Answer::yes(text, &all)?.with_notes(notes) })
}

/// Older runs of a plan than this many are not asked whether they landed an item.
const LOOKED_BACK: usize = 100;

fn status(repo: &Repo, stored: &PlanArg) -> Result<PlanStatus> {
    let target = repo.ref_commit(&format!("refs/heads/{}", stored.plan.target))?;
    let mut history = History::default();
    let mut items = Vec::new();
    for item in &stored.plan.items {
        let head = item.head.as_ref().map(|h| repo.parse_id(h)).transpose()?.filter(|h| repo.has_commit(*h));
        let contained = match (head, target) {
            (Some(head), Some(target)) => history.ahead(&repo.git, head, &[target])?.is_empty(),
            _ => false,
        };
        let state = if contained { ItemState::Landed } else { ItemState::Waiting };
        items.push(ItemStatus { name: item.name.clone(), state, detail: String::new() });
    }
    let mut newest: Option<Run> = None;
    let mut spoken_of = vec![false; items.len()];
    for run in runs(repo, Some(&stored.name))?.take(LOOKED_BACK) {
        let run = run?;
        let landed = still_landed(repo, &run)?;
        for (at, item) in stored.plan.items.iter().enumerate().filter(|(_, item)| item.head.is_some() || newest.is_none()) {
            let Some(report) = run.items.iter().find(|i| i.name == item.name && (item.head.is_none() || i.head == item.head)) else {
                continue;
            };
            if report.status.is_in() && landed {
                (items[at].state, items[at].detail) = (ItemState::Landed, String::new());
            } else if !spoken_of[at] && items[at].state != ItemState::Landed && report.status != Status::Pending {
                // The newest run that reached it says why it is held, if it is.
                spoken_of[at] = true;
                if !report.status.is_in() {
                    (items[at].state, items[at].detail) = (ItemState::Held, format!("{}: {}", report.status.words(), report.detail));
                }
            }
        }
        newest = newest.or(Some(run));
        if items.iter().all(|item| item.state == ItemState::Landed) {
            break;
        }
    }
    let process = newest.as_ref().and_then(|run| life(repo, run));
    Ok(PlanStatus {
        name: stored.name.clone(),
        target: stored.plan.target.clone(),
        paused: stored.plan.paused.clone(),
        items,
        run: newest,
        process,
    })
}

fn describe(status: &PlanStatus) -> String {
    let count = |state| status.items.iter().filter(|i| i.state == state).count();
    let head = format!("plan {} onto {}", printable(&status.name), printable(&status.target));
    let mut text = format!(
        "{}: {}, {}, {}\n",
        paint(HEAD, &head),
        paint(GOOD, &format!("{} landed", count(ItemState::Landed))),
        paint(BAD, &format!("{} held", count(ItemState::Held))),
        paint(CARE, &format!("{} waiting", count(ItemState::Waiting))),
    );
    if let Some(pause) = &status.paused {
        text.push_str(&format!("{}\n", paint(CARE, &printable(&format!("paused by {pause}")))));
    }
    let rows: Vec<Vec<Cell>> = status
        .items
        .iter()
        .filter(|i| i.state != ItemState::Landed)
        .map(|i| {
            let (word, style) = if i.state == ItemState::Held { ("held", BAD) } else { ("waiting", CARE) };
            vec![(format!("  {word}"), style), (i.name.clone(), PLAIN), (i.detail.clone(), FAINT)]
        })
        .collect();
    text.push_str(&columns(&rows));
    if let Some(run) = &status.run {
        let id = run.id.as_deref().unwrap_or_default();
        let words = match status.process {
            None => format!("by {}: {}", printable(&run.by), headline(run, run.kept_plan())),
            Some(process) => {
                let decided = run.items.len() - run.count(Status::Pending);
                let (what, next) = match process {
                    Life::Alive => (paint(GOOD, "at work"), format!("watch {id}")),
                    Life::Gone => (paint(BAD, "killed"), format!("retry {id}")),
                    Life::Elsewhere => (paint(CARE, "at work elsewhere"), format!("watch {id}")),
                };
                let who = printable(&who(run));
                format!("by {who}: {what}, {decided} of {} decided\n{} git lex-pr {next}\n", run.items.len(), paint(FAINT, "next:"))
            }
        };
        text.push_str(&format!("{} {id} {words}", paint(FAINT, "newest run")));
    }
    text
}
