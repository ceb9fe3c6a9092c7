//! `git lex-pr merge`

use super::{Answer, context::Context, progress};
use crate::{
    config::{Flags, OnConflict, Workers},
    model::{
        Result,
        policy::Batch,
        run::{Purpose, Run},
    },
    report,
    run::{Request, run as run_plan},
};

/// Weave the items of a plan onto its target, prove them, and land what holds.
///
/// Without --execute nothing is changed: the weave happens in memory, recorded verdicts are looked up, and the report
/// says what would land and which gates have not spoken yet.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A plan's name, a plan file, or `-`; the only plan where there is but one.
    plan: Option<String>,
    /// Prove each candidate and move the target, once, to the last one that holds.
    #[arg(long)]
    execute: bool,
    #[command(flatten)]
    run: RunArgs,
}

/// How a run goes.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// How many gates run at once: a number, or `auto` for one per processor.
    #[arg(long, value_name = "N")]
    max_workers: Option<Workers>,
    /// In which order gates are bought; what lands is the same.
    #[arg(long, value_name = "WAY")]
    batch: Option<Batch>,
    /// What a conflict does to the rest of the run.
    #[arg(long, value_name = "WHAT")]
    on_conflict: Option<OnConflict>,
    /// Ask every gate again, whatever verdicts are recorded.
    #[arg(long)]
    fresh: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<Answer> {
    let purpose = if args.execute { Purpose::Land } else { Purpose::Preview };
    start(args.plan.as_deref(), purpose, &[], &[], &args.run, context, report::summary)
}

/// Run a plan for `purpose` and report it by `words`.
pub fn start(
    plan: Option<&str>,
    purpose: Purpose,
    gates: &[String],
    items: &[String],
    args: &RunArgs,
    context: &Context,
    words: fn(&Run, Option<&str>) -> String,
) -> Result<Answer> {
    let repo = context.repo()?;
    let found = context.plan_with(&repo, plan, items)?;
    let flags = Flags { batch: args.batch, max_workers: args.max_workers, on_conflict: args.on_conflict };
    let config = context.config(&repo, &found.plan, &flags)?;
    let request = Request {
        plan: &found.plan,
        plan_name: &found.name,
        revision: found.revision,
        purpose,
        config: &config,
        gates,
        items,
        fresh: args.fresh,
    };
    let run = progress::watch(|tell| run_plan(&repo, &request, tell))?;
    Ok(Answer { no: !run.all_in(), ..Answer::yes(words(&run, found.again.as_deref()), &run)? })
}
