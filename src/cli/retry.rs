//! `git lex-pr retry`

use super::{
    Answer,
    context::{Context, PlanArg},
    merge::{RunArgs, Wanted, carry_out},
    report::find,
};
use crate::{
    model::{
        Error, Result,
        run::{Purpose, Run, Status},
    },
    plan::store,
    repo::Repo,
    report::{self, style::printable},
    run::{Reuse, find_run, plan_of_run, retry, runs},
};

/// Run again what failed or was blocked in the newest run of a plan, for what that run was for.
///
/// What has landed is left alone. What holds but has not landed comes along, with its verdicts. Gates that were red, or passed only at
/// a later try, are asked again. A run that was stopped or killed goes on, and takes all verdicts that it has.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A plan's name or a plan file, or a run's id; the only plan where there is but one.
    #[arg(value_name = "PLAN|RUN")]
    plan: Option<String>,
    /// Only what failed in this way; may be given several times, or with commas.
    #[arg(long, value_name = "HOW", value_delimiter = ',')]
    filter: Vec<Filter>,
    #[command(flatten)]
    run: RunArgs,
}

/// How an item failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Filter {
    /// Its merge conflicts.
    Conflict,
    /// A required gate did not pass.
    Gates,
    /// It needs an item that is not in.
    Blocked,
    /// It shares no history with the target.
    History,
    /// Its branch or commit is not here.
    Missing,
    /// The run ended before it.
    Pending,
}

impl Filter {
    fn status(self) -> Status {
        match self {
            Filter::Conflict => Status::SkippedConflict,
            Filter::Gates => Status::SkippedGates,
            Filter::Blocked => Status::Blocked,
            Filter::History => Status::SkippedHistory,
            Filter::Missing => Status::SkippedMissing,
            Filter::Pending => Status::Pending,
        }
    }
}

pub fn run(args: &Args, context: &Context) -> Result<Answer> {
    let repo = context.repo()?;
    let (found, newest) = given(&repo, context, args.plan.as_deref())?;
    args.run.wait_for_turn(&repo, &found.name)?;
    let only: Vec<Status> = args.filter.iter().map(|how| how.status()).collect();
    let again = match &newest {
        Some(run) => retry(&repo, &found.plan, [Ok(run.clone())], &only)?,
        None => retry(&repo, &found.plan, runs(&repo, Some(&found.name))?, &only)?,
    };
    let Some(again) = again else {
        let run = newest.map_or_else(|| find(&repo, Some(&found.name)), Ok)?;
        let how = if only.is_empty() { "failed or was blocked".to_string() } else { format!("is {}", words(&only)) };
        return Answer::yes(format!("nothing to retry: no item of plan {} {how}\n", printable(&found.name)), &run);
    };
    let again_plan = PlanArg { plan: again.plan, ..found };
    let reuse = if again.goes_on { Reuse::All } else { Reuse::Firm };
    let wanted = Wanted { gates: &again.gates, reuse, ..Wanted::of(again.purpose) };
    let run = carry_out(&repo, context, &again_plan, &wanted, &args.run)?;
    let text = if again.purpose == Purpose::Land { report::summary } else { report::full };
    Ok(Answer { no: !run.all_in(), ..Answer::yes(text(&run, again_plan.again.as_deref()), &run)? })
}

fn words(only: &[Status]) -> String {
    only.iter().map(|status| status.words()).collect::<Vec<_>>().join(" or ")
}

/// The plan that an argument means, as it is now, and the run where it means one.
fn given(repo: &Repo, context: &Context, arg: Option<&str>) -> Result<(PlanArg, Option<Run>)> {
    let run = arg.map(|arg| find_run(repo, arg)).transpose()?.flatten();
    let Some(run) = run else { return Ok((context.plan(repo, arg)?, None)) };
    if run.revision.is_some() && store::list(repo)?.iter().any(|(name, _)| *name == run.plan) {
        return Ok((context.plan(repo, Some(&run.plan))?, Some(run)));
    }
    let id = run.id.as_deref().unwrap_or_default();
    let plan = plan_of_run(repo, id)?.ok_or_else(|| Error::input("bad-run", format!("run {id} holds no plan")))?;
    Ok((PlanArg { name: run.plan.clone(), again: None, revision: None, plan }, Some(run)))
}
