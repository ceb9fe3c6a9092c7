//! `git lex-pr pause` and `git lex-pr resume`

use super::{Answer, context::Context};
use crate::{
    model::{Error, Result, plan::Pause},
    plan::store,
    report::style::{CARE, GOOD, paint, printable},
};

/// Pause a plan: nothing of it lands until it is resumed.
///
/// A run that is at work lets its gates end, starts no others and waits; a new one is refused. Previews, proofs and --hotfix go on. The pause
/// is a revision of the plan, so that it holds in every clone that has it.
#[derive(Debug, clap::Args)]
pub struct PauseArgs {
    /// The plan's name; the only plan where there is but one.
    plan: Option<String>,
    /// Why, for those who want to land.
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

/// Let a paused plan land again; a run that waits goes on.
#[derive(Debug, clap::Args)]
pub struct ResumeArgs {
    /// The plan's name; the only plan where there is but one.
    plan: Option<String>,
}

pub fn pause(args: &PauseArgs, context: &Context) -> Result<Answer> {
    let repo = context.repo()?;
    let pause = Pause { by: repo.identity()?, reason: args.reason.trim().into() };
    let name = kept(context, args.plan.as_deref())?;
    let message = if pause.reason.is_empty() { "Pause".to_string() } else { format!("Pause: {}", pause.reason) };
    let (_, stored) = store::update(&repo, &name, &message, |plan| {
        plan.paused = Some(pause.clone());
        Ok(())
    })?;
    let text = format!("{}\n", paint(CARE, &printable(&format!("plan {name} is paused by {pause}; nothing of it lands"))));
    Answer::yes(text, &stored.plan)
}

pub fn resume(args: &ResumeArgs, context: &Context) -> Result<Answer> {
    let repo = context.repo()?;
    let name = kept(context, args.plan.as_deref())?;
    let (before, stored) = store::update(&repo, &name, "Resume", |plan| {
        plan.paused = None;
        Ok(())
    })?;
    let text = match before.paused {
        Some(_) => format!("{}\n", paint(GOOD, &printable(&format!("plan {name} may land again")))),
        None => format!("plan {} was not paused\n", printable(&name)),
    };
    Answer::yes(text, &stored.plan)
}

/// The name of a plan that this repository keeps.
fn kept(context: &Context, arg: Option<&str>) -> Result<String> {
    let found = context.plan(&context.repo()?, arg)?;
    match found.revision {
        Some(_) => Ok(found.name),
        None => Err(Error::input("not-kept", "a plan file cannot be paused: nobody would look at it")
            .hint("name a plan that the repository keeps; `git lex-pr plan list` lists them")),
    }
}
