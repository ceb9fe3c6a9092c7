//! `git lex-pr watch`

use super::{Answer, context::Context, report::find};
use crate::{
    model::{
        Error, Result,
        run::{ItemReport, Run, RunState},
    },
    repo::Repo,
    report::{
        headline,
        style::{CARE, FAINT, of_status, paint, printable},
    },
    run::{at_work, find_run, watch, who},
};

/// Follow a run that is at work in another process: print each item as it is decided, and end with the run.
///
/// Exits as the run does: 0 where every item is in, 1 where one is not or the run was killed, 130 where it was stopped.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A run's id, or a plan's name; without it the run that is at work, or the newest.
    #[arg(value_name = "RUN|PLAN")]
    run: Option<String>,
}

pub fn run(args: &Args, context: &Context) -> Result<Answer> {
    let repo = context.repo()?;
    let run = followed(&repo, args.run.as_deref())?;
    if !context.json {
        let what = format!("plan {} onto {}, by {}", run.plan, run.target, who(&run));
        super::print(&format!("{}\n", paint(FAINT, &printable(&what))))?;
    }
    let run = watch(&repo, run.id.as_deref().unwrap_or_default(), &mut |run, item| match context.json {
        true => Ok(()),
        false => super::print(&line(run, item)),
    })?;
    let id = run.id.as_deref().unwrap_or_default();
    match run.state {
        RunState::Interrupted | RunState::Aborted => {
            let why = run.notes.last().map_or(String::new(), |note| format!(": {note}"));
            let error = Error::interrupted(format!("run {id} was {}{why}", run.state.word()));
            Err(error.hint(format!("git lex-pr retry {id}")))
        }
        RunState::Running => {
            let line = paint(CARE, &format!("run {id} was killed; {} was not touched", printable(&run.target)));
            let text = format!("{line}\n{} git lex-pr retry {id}\n", paint(FAINT, "next:"));
            Ok(Answer { no: true, ..Answer::yes(text, &run)? })
        }
        _ => Ok(Answer { no: !run.all_in(), ..Answer::yes(headline(&run, run.kept_plan()), &run)? }),
    }
}

/// The run that an argument means: one that is at work before the newest.
fn followed(repo: &Repo, arg: Option<&str>) -> Result<Run> {
    if let Some(run) = arg.map(|arg| find_run(repo, arg)).transpose()?.flatten() {
        return Ok(run);
    }
    let open = at_work(repo)?.into_iter().find(|run| arg.is_none_or(|plan| run.plan == plan));
    open.map_or_else(|| find(repo, arg), Ok)
}

fn line(run: &Run, item: &ItemReport) -> String {
    let words = if run.state == RunState::Running { item.status.words_so_far() } else { run.words(item) };
    let status = paint(of_status(item.status), words);
    let detail = if item.detail.is_empty() { String::new() } else { format!(" ({})", printable(&item.detail)) };
    format!("{}: {status}{detail}\n", printable(&item.name))
}
