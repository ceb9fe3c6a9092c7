//! `git lex-pr sync`

use super::{Answer, context::Context, progress};
use crate::{
    model::{Result, shell_word},
    plan::merge::{Clash, Side},
    report::style::{BAD, CARE, FAINT, GOOD, paint, printable},
    sync::{Conflict, Exchanged, How, Kind, Request, Synced, reset_breaker, sync},
};

/// Exchange plans, verdicts, resolutions, runs and item notes with a remote.
///
/// One fetch and one atomic push. Notes and resolutions of both sides are united, journals go on, and plans that were changed on both
/// sides are merged item by item. What both have changed in different ways is shown and stands on each side as it was. Exit status 1
/// where there is such a conflict, or something on the remote that is no plan, run or note.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The remote: a name, a URL or a path; without one, `origin` or the only one there is.
    remote: Option<String>,
    /// Only take what is there, and give nothing.
    #[arg(long)]
    fetch_only: bool,
    /// Where both have changed the same value of a plan, a resolution or a journal, take the one from `here` or from `there`.
    #[arg(long, value_name = "SIDE")]
    take: Option<Side>,
    /// Ask the remote even if it has failed so often that it is left alone for a while.
    #[arg(long)]
    now: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<Answer> {
    let repo = context.repo()?;
    let remote = repo.remote(args.remote.as_deref())?;
    if args.now {
        reset_breaker(&repo, &remote)?;
    }
    let request = Request { push: !args.fetch_only, take: args.take };
    let waits = format!("waiting for {}; Ctrl-C ends it", remote.name);
    let synced = progress::wait(&waits, || sync(&repo, &remote, request))?;
    let no = !synced.conflicts.is_empty() || !synced.refused.is_empty();
    let notes = synced.notes.clone();
    Ok(Answer { no, ..Answer::yes(describe(&synced), &synced)?.with_notes(notes) })
}

fn describe(synced: &Synced) -> String {
    let remote = printable(&synced.remote);
    let mut out = String::new();
    for (what, exchanged) in [(format!("taken from {remote}:"), &synced.taken), (format!("given to {remote}:"), &synced.given)] {
        let words = words(exchanged);
        if !words.is_empty() {
            out.push_str(&format!("{} {}\n", paint(GOOD, &what), words.join(", ")));
        }
    }
    if out.is_empty() && synced.conflicts.is_empty() && synced.refused.is_empty() {
        out.push_str(&format!("in step with {remote}\n"));
    }
    for conflict in &synced.conflicts {
        out.push_str(&told(conflict, &synced.remote));
    }
    for refused in &synced.refused {
        let what = if refused.here { "not given:" } else { "not taken:" };
        out.push_str(&format!("{} {}: {}\n", paint(BAD, what), printable(&refused.name), printable(&refused.why)));
    }
    out
}

/// Each plan by its name, everything else by number.
fn words(exchanged: &[Exchanged]) -> Vec<String> {
    let plans = exchanged.iter().filter(|one| one.kind == Kind::Plan).map(|plan| {
        let how = match plan.how {
            How::New => " (new)",
            How::Merged => " (merged)",
            How::Deleted => " (deleted)",
            How::Forward => "",
        };
        format!("plan {}{how}", printable(&plan.name))
    });
    let runs = exchanged.iter().filter(|one| one.kind == Kind::Run).count();
    let runs = (runs > 0).then(|| format!("{runs} run{}", if runs == 1 { "" } else { "s" }));
    let sets = [(Kind::Verdicts, "verdict"), (Kind::Items, "item note"), (Kind::Resolutions, "resolution")];
    let sets = sets.into_iter().filter_map(|(kind, word)| {
        let set = exchanged.iter().find(|one| one.kind == kind)?;
        let number = |n: usize| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
        let new = set.count.map_or_else(|| Some(format!("{word}s")), |n| (n > 0).then(|| number(n)));
        let forgotten = set.forgotten.map(|n| format!("{} forgotten", number(n)));
        Some(new.into_iter().chain(forgotten).collect::<Vec<_>>())
    });
    plans.chain(runs).chain(sets.flatten()).collect()
}

fn told(conflict: &Conflict, remote: &str) -> String {
    let (name, kept) = (printable(&conflict.name), printable(&conflict.kept));
    let what = if conflict.kind == Kind::Run { "run" } else { "plan" };
    let mut out = format!("{} {what} {name} stands on each side as it was\n", paint(CARE, "conflict:"));
    if conflict.kind == Kind::Run {
        out.push_str("  its journal was written here and there; whichever is taken, its history keeps the other one\n");
    }
    for clash in &conflict.clashes {
        let path = printable(clash.path.trim_start_matches("items."));
        match &clash.why {
            Some(why) => out.push_str(&format!("  the merge would be no plan: {}\n", printable(why))),
            None => out.push_str(&format!("  {path}: {}, {}\n", side(clash, &clash.here, "here"), side(clash, &clash.there, "there"))),
        }
    }
    let again = format!("git lex-pr sync {} --take here", printable(&shell_word(remote)));
    let see = match conflict.kind {
        Kind::Run => format!("git log --graph refs/lex-pr/runs/{name} {kept} shows both"),
        _ => format!("{kept} has what is there"),
    };
    out.push_str(&format!("  {} {again}, or --take there; {see}\n", paint(FAINT, "to settle it:")));
    out
}

/// What a side made of a value: the value, or of a whole item what became of it.
fn side(clash: &Clash, value: &Option<serde_json::Value>, side: &str) -> String {
    let Some(value) = value else { return format!("removed {side}") };
    if let (true, Some(head)) = (clash.path.ends_with(".commit"), value[0]["head"].as_str()) {
        let branch = value[0]["branch"].as_str().unwrap_or_default();
        return printable(&format!("{branch} at {} {side}", head.chars().take(10).collect::<String>()));
    }
    if clash.changes.is_empty() {
        return format!("{} {side}", printable(&value.to_string()));
    }
    let changes: Vec<String> = clash
        .changes
        .iter()
        .map(|change| {
            let short = |v: &Option<String>| match v {
                Some(v) if change.what == "head" => v.chars().take(10).collect(),
                Some(v) if !v.is_empty() => v.clone(),
                _ => "none".to_string(),
            };
            format!("{} {} -> {}", change.what, short(&change.before), short(&change.after))
        })
        .collect();
    format!("changed {side} ({})", printable(&changes.join(", ")))
}
