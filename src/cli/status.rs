//! `git lex-pr status`

use super::{
    Answer,
    context::{Context, PlanArg},
};
use crate::{
    model::{
        Result,
        run::{Run, Status},
    },
    repo::{History, Repo},
    report::{
        headline,
        style::{BAD, CARE, Cell, FAINT, GOOD, HEAD, PLAIN, columns, paint, printable},
    },
    run::newest_run,
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
    /// Its items, by name.
    items: Vec<ItemStatus>,
    /// The newest run of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<Run>,
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

fn status(repo: &Repo, stored: &PlanArg) -> Result<PlanStatus> {
    let run = newest_run(repo, Some(&stored.name))?;
    let target = repo.branch(&stored.plan.target)?.map(|b| b.head);
    let mut items = Vec::new();
    let mut history = History::default();
    for item in &stored.plan.items {
        let report =
            run.as_ref().and_then(|r| r.items.iter().find(|i| i.name == item.name && (item.head.is_none() || i.head == item.head)));
        let landed_by_run =
            report.is_some_and(|r| r.status.is_in()) && run.as_ref().is_some_and(|r| r.state == crate::model::run::RunState::Landed);
        let head = item.head.as_ref().map(|h| repo.parse_id(h)).transpose()?.filter(|h| repo.has_commit(*h));
        let contained = match (head, target) {
            (Some(head), Some(target)) => history.ahead(&repo.git, head, &[target])?.is_empty(),
            _ => false,
        };
        let (state, detail) = match report {
            _ if contained || landed_by_run => (ItemState::Landed, String::new()),
            Some(r) if !r.status.is_in() && r.status != Status::Pending => (ItemState::Held, format!("{}: {}", r.status.words(), r.detail)),
            _ => (ItemState::Waiting, String::new()),
        };
        items.push(ItemStatus { name: item.name.clone(), state, detail });
    }
    Ok(PlanStatus { name: stored.name.clone(), target: stored.plan.target.clone(), items, run })
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
        text.push_str(&format!("{} {id} by {}: {}", paint(FAINT, "newest run"), printable(&run.by), headline(run, run.kept_plan())));
    }
    text
}
