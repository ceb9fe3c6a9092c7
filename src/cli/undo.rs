//! `git lex-pr undo`

use super::{Answer, context::Context, report::find};
use crate::{
    model::{
        Result,
        run::{Conflict, Run},
        shell_word,
    },
    plan::store,
    repo::Repo,
    report::style::{BAD, CARE, Cell, FAINT, GOOD, HEAD, PLAIN, columns, paint, printable},
    run::{Undo, Undone, find_run, newest_landing, undo},
};

/// Take a landing back, as long as the target stands where the run put it.
///
/// Without --execute nothing is changed: it shows what would be taken back. Where the target has moved on it shows the commands that
/// revert the landing, newest commit first; with --revert the whole revert is woven in memory as one commit, on a branch of its own
/// with a plan that lands it. Exits with 1 where the landing cannot be taken back that way.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A run's id, or a plan's name for its newest landing; the only plan where there is but one.
    run: Option<String>,
    /// Do it: move the target back, or make the branch and its plan.
    #[arg(long)]
    execute: bool,
    /// Take it back by a new commit, on the branch revert/RUN.
    #[arg(long)]
    revert: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<Answer> {
    let repo = context.repo()?;
    let run = landing(&repo, context, args.run.as_deref())?;
    let done = undo(&repo, run.id.as_deref().unwrap_or_default(), args.revert, args.execute)?;
    let no = matches!(done.outcome, Undone::MovedOn | Undone::Conflict);
    Ok(Answer { no, ..Answer::yes(describe(&done, run.kept_plan()), &done)?.with_notes(done.notes.clone()) })
}

/// The run that an argument means.
fn landing(repo: &Repo, context: &Context, arg: Option<&str>) -> Result<Run> {
    let landed = match arg {
        Some(arg) => find_run(repo, arg)?.map_or_else(|| newest_landing(repo, Some(arg)), |run| Ok(Some(run)))?,
        // Which of several plans is meant is no guess to make here.
        None if store::list(repo)?.len() > 1 => newest_landing(repo, Some(&context.plan(repo, None)?.name))?,
        None => newest_landing(repo, None)?,
    };
    // A run that landed nothing is refused with the reason.
    landed.map_or_else(|| find(repo, arg), Ok)
}

fn describe(undo: &Undo, plan: Option<&str>) -> String {
    let short = |id: &str| id.chars().take(10).collect::<String>();
    let (target, id) = (printable(&undo.target), &undo.run);
    let (base, tip, found) = (short(&undo.base), short(&undo.tip), short(&undo.found));
    let mut items: Vec<&str> = undo.landed.iter().map(|landed| landed.item.as_str()).collect();
    items.dedup();
    let items = format!("{} item{}", items.len(), if items.len() == 1 { "" } else { "s" });
    let next = |command: &str| format!("{} git lex-pr {command}\n", paint(FAINT, "next:"));
    match undo.outcome {
        Undone::Possible => {
            let line = format!("would take {items} back from {target}, {tip} -> {base}");
            format!("{}\n{line}\n{}", table(undo), next(&format!("undo {id} --execute")))
        }
        Undone::Undone => {
            let merge = |plan: &str| format!("git lex-pr merge {} --execute\n", printable(&shell_word(plan)));
            let again = plan.map(|plan| format!("{} {}", paint(FAINT, "to land it again:"), merge(plan)));
            let line = paint(GOOD, &format!("took {items} back from {target}"));
            format!("{line}, {tip} -> {base}\n{}", again.unwrap_or_default())
        }
        Undone::Already => format!("run {id} is undone already\n"),
        Undone::NotThere => format!("{target} does not hold what run {id} landed: there is nothing to take back\n"),
        Undone::MovedOn => {
            let line = format!("{target} has moved on since, {tip} -> {found}: going back to {base} would lose what came later");
            format!("{}\n{}{}", paint(CARE, &line), commands(undo), next(&format!("undo {id} --revert")))
        }
        Undone::Revertible => {
            let line = format!("one commit on {target} at {found} would take {items} back, without a conflict");
            format!("{}\n{line}\n{}", table(undo), next(&format!("undo {id} --revert --execute")))
        }
        Undone::Reverted => {
            let Some(revert) = &undo.revert else { return String::new() };
            let commit = revert.commit.as_deref().map(short).unwrap_or_default();
            let line = format!("branch {} takes {items} back in commit {commit}, and plan {} lands it", revert.branch, revert.plan);
            format!("{}\n{}", paint(GOOD, &line), next(&format!("merge {} --execute", revert.plan)))
        }
        Undone::Conflict => {
            let later = |commit: &str| format!("changed later by {}", short(commit));
            let row = |conflict: &Conflict| -> Vec<Cell> {
                vec![(format!("  {}", conflict.place()), PLAIN), (conflict.commit.as_deref().map(later).unwrap_or_default(), FAINT)]
            };
            let rows: Vec<Vec<Cell>> = undo.conflicts.iter().map(row).collect();
            let line = paint(BAD, &format!("the revert conflicts: what came later on {target} builds on the landing"));
            format!("{line}\n{}{}", columns(&rows), commands(undo))
        }
    }
}

/// What landed, newest first.
fn table(undo: &Undo) -> String {
    let title = |text: &str| (text.to_string(), HEAD);
    let mut rows: Vec<Vec<Cell>> = vec![vec![title("ITEM"), title("COMMIT")]];
    rows.extend(undo.landed.iter().map(|landed| vec![(landed.item.clone(), PLAIN), (landed.commit.chars().take(10).collect(), FAINT)]));
    columns(&rows)
}

/// The commands that revert the landing by hand.
fn commands(undo: &Undo) -> String {
    let line = |args: &[String], item: &str| format!("  git {}  {}\n", args.join(" "), paint(FAINT, &format!("# {}", printable(item))));
    let lines: String = undo.landed.iter().map(|landed| line(&landed.revert, &landed.item)).collect();
    format!("by hand, in this order:\n{lines}")
}
