//! `git lex-pr view`

use super::{Answer, context::Context};
use crate::{
    model::{Error, Result},
    view::{End, Look, Subject, view},
};
use anstream::{AutoStream, ColorChoice};
use std::io::IsTerminal;

/// Look at a plan on the terminal: its pyramid, its newest run while it goes on, and each item's commits, diff and verdicts.
///
/// Arrows move, Enter opens an item, `/` filters by a word or a query, `?` shows all keys, `q` quits. It changes nothing.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A plan's name, or a plan file; the only plan where there is but one.
    plan: Option<String>,
    /// It has none: what it says as text and JSON, other commands do.
    #[arg(long, hide = true)]
    json: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<Answer> {
    let (stdin, stdout) = (std::io::stdin(), std::io::stdout());
    let missing = if context.json || args.json {
        Some("`view` has no JSON")
    } else if !stdin.is_terminal() || !stdout.is_terminal() || std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb")
    {
        Some("`view` needs a terminal to draw on and to read keys from")
    } else {
        None
    };
    if let Some(missing) = missing {
        let hint = "`git lex-pr status`, `report` and `query` say the same as text, and with --json for programs";
        return Err(Error::input("no-terminal", missing).hint(hint));
    }
    let repo = context.repo()?;
    let found = context.plan(&repo, args.plan.as_deref())?;
    let colours = AutoStream::choice(&stdout) != ColorChoice::Never;
    // What draws looks at NO_COLOR of its own; --color=always is above it.
    ratatui::crossterm::style::force_color_output(colours);
    let subject = Subject { name: found.name, revision: found.revision, plan: found.plan };
    match view(repo, subject, Look { colours })? {
        End::Quit => Answer::yes("", &()),
        End::Interrupted => Err(Error::interrupted("")),
    }
}
