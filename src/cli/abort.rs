//! `git lex-pr abort`

use super::{Answer, context::Context, report::find};
use crate::{
    model::{
        Error, Result,
        run::{Run, RunState},
    },
    repo::Repo,
    report::{
        headline,
        style::{CARE, FAINT, GOOD, paint, printable},
    },
    run::{Abort, Aborted, abort, at_work, find_run},
};

/// End a run that is at work in another process, or close the journal of one that was killed.
///
/// A run that is at work on this machine is asked to stop, as by Ctrl-C: its target stays where it is and its verdicts are kept. Exits
/// with 1 where it has not stopped after ten seconds, or is at work on another machine.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A run's id, or a plan's name; the only run that is at work where there is but one.
    run: Option<String>,
    /// Close the journal of a run that does not stop or is at work elsewhere, so that it cannot land any more.
    #[arg(long)]
    force: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<Answer> {
    let repo = context.repo()?;
    let run = open_run(&repo, args.run.as_deref())?;
    let done = abort(&repo, run.id.as_deref().unwrap_or_default(), args.force)?;
    Ok(Answer { no: done.outcome == Aborted::Asked, ..Answer::yes(describe(&done), &done)? })
}

/// The run that an argument means: of those of a plan, the one that is at work before the newest.
fn open_run(repo: &Repo, arg: Option<&str>) -> Result<Run> {
    if let Some(run) = arg.map(|arg| find_run(repo, arg)).transpose()?.flatten() {
        return Ok(run);
    }
    let mut open = at_work(repo)?;
    open.retain(|run| arg.is_none_or(|plan| run.plan == plan));
    match (&open[..], arg) {
        ([_], _) | ([_, ..], Some(_)) => Ok(open.remove(0)),
        ([], Some(arg)) => find(repo, Some(arg)),
        ([], None) => Err(Error::input("no-run", "no run is at work").hint("`git lex-pr status` shows plans and their newest runs")),
        (several, None) => {
            let ids: Vec<&str> = several.iter().filter_map(|run| run.id.as_deref()).collect();
            Err(Error::input("which-run", format!("there are {} runs at work", ids.len())).hint(format!("name one of: {}", ids.join(", "))))
        }
    }
}

fn describe(done: &Abort) -> String {
    let run = &done.run;
    let id = run.id.as_deref().unwrap_or_default();
    let next = |command: String| format!("{} git lex-pr {command}\n", paint(FAINT, "next:"));
    let untouched = format!("{} was not touched", printable(&run.target));
    match done.outcome {
        Aborted::Stopped => format!("{}: {untouched}\n{}", paint(GOOD, &format!("run {id} has stopped")), next(format!("retry {id}"))),
        Aborted::Closed if run.state == RunState::Aborted => {
            let why = printable(run.notes.last().map_or("", String::as_str));
            format!("{}: {why}; {untouched}\n{}", paint(GOOD, &format!("run {id} is aborted")), next(format!("retry {id}")))
        }
        Aborted::Asked => {
            let line = paint(CARE, &format!("run {id} was asked to stop and is still at work"));
            format!("{line}\n{}", next(format!("watch {id}, or abort {id} --force")))
        }
        Aborted::Ended | Aborted::Closed => format!("run {id} had ended: {}", headline(run, run.kept_plan())),
    }
}
