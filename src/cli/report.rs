//! `git lex-pr report`

use super::{Answer, context::Context};
use crate::{
    model::{Error, Result, error::nearest, json, run::Run, shell_word},
    plan::store,
    repo::Repo,
    report::{full, markdown},
    run::{RUNS_PREFIX, find_run, newest_run},
};

/// Show what a run did: the matrix of its items, with reasons.
///
/// Exits with 1 where an item is not in or nothing landed, so that a script can tell.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A run's id, or a plan's name for its newest run; without it, the newest run.
    run: Option<String>,
    /// How to write it.
    #[arg(long, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For a terminal.
    Text,
    /// The whole run; `git lex-pr schema run` prints its schema.
    Json,
    /// Markdown, for a pull request.
    Md,
}

pub fn run(args: &Args, context: &Context) -> Result<Answer> {
    let repo = context.repo()?;
    let run = find(&repo, args.run.as_deref())?;
    let words = match args.format {
        Format::Text => full(&run, run.kept_plan()),
        Format::Json => json::canonical(&run)?,
        Format::Md => markdown(&run),
    };
    Ok(Answer { no: !run.all_in(), ..Answer::yes(words, &run)? })
}

/// The run that an argument means.
pub fn find(repo: &Repo, arg: Option<&str>) -> Result<Run> {
    let Some(arg) = arg else {
        let first = if store::list(repo)?.is_empty() { "git lex-pr plan create 'feat/*'" } else { "git lex-pr merge --execute" };
        return newest_run(repo, None)?.ok_or_else(|| Error::input("no-run", "nothing has run yet").hint(first));
    };
    if let Some(run) = find_run(repo, arg)? {
        return Ok(run);
    }
    if let Some(run) = newest_run(repo, Some(arg))? {
        return Ok(run);
    }
    let ids = repo.refs_under(RUNS_PREFIX)?;
    let plans = store::list(repo)?;
    if plans.iter().any(|(name, _)| name == arg) {
        return Err(
            Error::input("no-run", format!("plan `{arg}` has not run yet")).hint(format!("git lex-pr merge {} --execute", shell_word(arg)))
        );
    }
    let hint = match nearest(arg, ids.iter().chain(&plans).map(|(name, _)| name.as_str())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`git lex-pr status` shows plans and their newest runs".into(),
    };
    Err(Error::input("no-run", format!("there is no run or plan `{arg}`")).hint(hint))
}
