//! `git lex-pr gate override`

use super::{Answer, context::Context};
use crate::{
    config::Flags,
    gate::add_overrides,
    model::{Error, Result, error::nearest, note::Override, time},
    report::style::{CARE, FAINT, paint, printable},
};

/// Let an item land in spite of a gate, as far as the target's policy trusts you with that.
///
/// The override belongs to the item's commit as it is now: a new commit on its branch needs a new one. It is kept in a git note with your name
/// and the reason, and every report of a run shows it. Who may override stands in lex-pr.toml on the target.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The item, or its branch.
    item: String,
    /// The gates.
    #[arg(required = true, value_name = "GATE")]
    gates: Vec<String>,
    /// Why.
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// A plan's name, a plan file, or `-`; the only plan where there is but one.
    #[arg(long, value_name = "PLAN")]
    plan: Option<String>,
}

pub fn run(args: &Args, context: &Context) -> Result<Answer> {
    let repo = context.repo()?;
    let found = context.plan(&repo, args.plan.as_deref())?;
    let plan = &found.plan;
    let item = plan.item(&args.item).or_else(|| plan.items.iter().find(|item| item.branch == args.item)).ok_or_else(|| {
        let hint = match nearest(&args.item, plan.items.iter().map(|item| item.name.as_str())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`git lex-pr order` shows the items of a plan".into(),
        };
        Error::input("missing-item", format!("there is no item `{}` in plan {}", args.item, found.name)).hint(hint)
    })?;
    let head = match &item.head {
        Some(head) => repo.parse_id(head)?,
        None => {
            let branch = repo.branch(&item.branch)?;
            branch.ok_or_else(|| Error::input("no-branch", format!("there is no branch `{}`", item.branch)).hint("fetch it first"))?.head
        }
    };
    let config = context.config(&repo, plan, &Flags::default())?;
    let known = || config.gates.iter().chain(&item.gates).map(|gate| gate.name.as_str());
    if let Some(gate) = args.gates.iter().find(|gate| *gate != crate::model::gate::CONFLICT_MARKERS && !known().any(|name| name == *gate)) {
        let hint =
            nearest(gate, known()).map_or("`git lex-pr gate list` shows what there is".into(), |near| format!("did you mean `{near}`?"));
        return Err(Error::input("unknown-gate", format!("there is no gate `{gate}`")).hint(hint));
    }
    let (by, at) = (repo.identity()?, time::now());
    let said: Vec<Override> = args
        .gates
        .iter()
        .map(|gate| Override {
            gate: gate.clone(),
            target: plan.target.clone(),
            by: by.clone(),
            reason: args.reason.trim().into(),
            at: at.clone(),
        })
        .collect();
    add_overrides(&repo, head, &said, config.admin_green.as_ref())?;
    let mut text = String::new();
    for said in &said {
        text.push_str(&format!("{}\n", paint(CARE, &printable(&format!("{} at {}: {said}", item.name, repo.short(head))))));
    }
    text.push_str(&format!("{} git lex-pr retry {}\n", paint(FAINT, "next:"), printable(&found.name)));
    Answer::yes(text, &said)
}
