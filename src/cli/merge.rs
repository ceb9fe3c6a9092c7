//! `git lex-pr merge`

use super::{
    Answer,
    context::{Context, PlanArg},
    progress,
    selectors::Selectors,
};
use crate::{
    config::{Flags, OnConflict, Workers},
    model::{
        Result,
        policy::Batch,
        run::{Purpose, Run},
    },
    repo::Repo,
    report,
    run::{Instead, Request, Reuse, run as run_plan, wait_for, who},
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
    /// Land this item and what it depends on past the queue: now, though the plan is being run or paused. A run that is at work is
    /// overtaken then.
    #[arg(long, value_name = "ITEM", conflicts_with_all = ["items", "levels", "filter"])]
    hotfix: Option<String>,
    #[command(flatten)]
    selectors: Selectors,
    #[command(flatten)]
    run: RunArgs,
}

/// How a run goes.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// How many gates run at once: a number, or `auto` for as many as pay.
    #[arg(long, value_name = "N")]
    max_workers: Option<Workers>,
    /// In which order gates are bought; what lands is the same.
    #[arg(long, value_name = "WAY")]
    batch: Option<Batch>,
    /// What a conflict does to the rest of the run.
    #[arg(long, value_name = "WHAT")]
    on_conflict: Option<OnConflict>,
    /// Once a required gate has failed an item, stop its other gates.
    #[arg(long)]
    fail_fast: bool,
    /// Ask every gate again, whatever verdicts are recorded.
    #[arg(long)]
    fresh: bool,
    /// Say of each gate why a recorded verdict was taken, or why the gate was asked.
    #[arg(long)]
    explain: bool,
    /// Where the plan is being run already, wait for that run to end instead of giving up.
    #[arg(long)]
    wait: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<Answer> {
    let purpose = if args.execute { Purpose::Land } else { Purpose::Preview };
    let hotfix = args.hotfix.as_deref().map(Selectors::only);
    let wanted = Wanted { hotfix: hotfix.is_some(), ..Wanted::of(purpose) };
    start(args.plan.as_deref(), Some(hotfix.as_ref().unwrap_or(&args.selectors)), &wanted, &args.run, context, report::summary)
}

impl RunArgs {
    /// Where that is asked for, wait until nobody else runs the plan.
    pub fn wait_for_turn(&self, repo: &Repo, plan: &str) -> Result<()> {
        match self.wait {
            true => wait_for(repo, plan, &mut |run| super::logs::warn(&format!("waiting for {}", who(run)))),
            false => Ok(()),
        }
    }
}

/// What of a plan to run, and for what.
pub struct Wanted<'a> {
    pub purpose: Purpose,
    /// Only these gates; all where empty.
    pub gates: &'a [String],
    /// Only these items, on top of what they depend on, which is not judged; all where empty.
    pub items: &'a [String],
    /// The recorded verdicts that count, unless all is asked afresh.
    pub reuse: Reuse,
    /// Whether it goes past the queue.
    pub hotfix: bool,
    /// What counts in place of the target's commit.
    pub instead: Option<Instead>,
}

impl Wanted<'_> {
    /// All of a plan.
    pub fn of(purpose: Purpose) -> Self {
        Wanted { purpose, gates: &[], items: &[], reuse: Reuse::All, hotfix: false, instead: None }
    }
}

/// Run a plan, cut down to `selectors` where there are any, and report it by `words`.
pub fn start(
    plan: Option<&str>,
    selectors: Option<&Selectors>,
    wanted: &Wanted,
    args: &RunArgs,
    context: &Context,
    words: fn(&Run, Option<&str>) -> String,
) -> Result<Answer> {
    let repo = context.repo()?;
    let mut found = context.plan_with(&repo, plan, wanted.items)?;
    if let Some(selectors) = selectors {
        found = selectors.of(&repo, found)?;
    }
    let run = carry_out(&repo, context, &found, wanted, args)?;
    Ok(Answer { no: !run.all_in(), ..Answer::yes(words(&run, found.again.as_deref()), &run)? })
}

/// Run it, when nobody else runs the plan.
pub fn carry_out(repo: &Repo, context: &Context, plan: &PlanArg, wanted: &Wanted, args: &RunArgs) -> Result<Run> {
    let flags = Flags { batch: args.batch, max_workers: args.max_workers, on_conflict: args.on_conflict, fail_fast: args.fail_fast };
    loop {
        if wanted.purpose != Purpose::Preview && !wanted.hotfix {
            args.wait_for_turn(repo, &plan.name)?;
        }
        // Read when it is our turn: the run before may have landed another policy.
        let config = match wanted.instead {
            Some(instead) => context.config_at(repo, &plan.plan, instead.policy, &flags)?,
            None => context.config(repo, &plan.plan, &flags)?,
        };
        let request = Request {
            plan: &plan.plan,
            plan_name: &plan.name,
            revision: plan.revision,
            purpose: wanted.purpose,
            config: &config,
            gates: wanted.gates,
            items: wanted.items,
            reuse: if args.fresh { Reuse::Nothing } else { wanted.reuse },
            hotfix: wanted.hotfix,
            explain: args.explain,
            instead: wanted.instead,
        };
        match progress::watch(|tell| run_plan(repo, &request, tell)) {
            Err(error) if args.wait && error.code == "plan-held" => {}
            done => return done,
        }
    }
}
