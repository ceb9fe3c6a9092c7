//! `git lex-pr replay`

use super::{Answer, context::Context};
use crate::{
    config::WeaveTable,
    model::{
        Result,
        run::{Replay, ReplayedMerge, Rung},
    },
    report::style::{BAD, CARE, Cell, FAINT, GOOD, HEAD, PLAIN, columns, paint, printable},
    run::{ReplayRequest, replay},
};

/// Weave the merges of a history again: what would this queue have done with it?
///
/// The two-parent merges on the first-parent line of FROM..TO are the items. They are woven from FROM on in that order, each
/// on top of those before it. For each the report says whether it was clean, whether git merges it the same way, and
/// whether the tree is the one that was recorded. Nothing is written.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The range, as in `git log --first-parent FROM..TO`.
    #[arg(value_name = "FROM..TO")]
    range: String,
    /// Weave each merge on its own recorded first parent instead of on the ones before it.
    #[arg(long)]
    pairs: bool,
    /// Also apply the single commits of the line, such as reverts, so that the chain follows the history.
    #[arg(long, conflicts_with = "pairs")]
    with_commits: bool,
    /// Do not ask git for its answers, which take longer than the weave.
    #[arg(long)]
    no_compare: bool,
    /// A rung of the ladder, or a rule, that is not to be used; may be given several times. `recorded`, `mechanical` and `semantic`
    /// leave git's own merge alone.
    #[arg(long, value_name = "NAME")]
    off: Vec<String>,
}

pub fn run(args: &Args, context: &Context) -> Result<Answer> {
    let repo = context.repo()?;
    let (from, to) = context.range(&repo, &args.range)?;
    let weave = WeaveTable { off: args.off.clone(), ..WeaveTable::default() };
    let request =
        ReplayRequest { from, to, pairs: args.pairs, with_commits: args.with_commits, against_git: !args.no_compare, weave: &weave };
    let done = super::progress::count(|step| replay(&repo, &request, &mut |merge, left| step(&merge.title, left)))?;
    Ok(Answer { no: done.merges.iter().any(|m| m.same_as_git == Some(false)), ..Answer::yes(describe(&done), &done)? })
}

/// The first of a list of files, and how many more there are.
fn files(paths: &[String]) -> String {
    let shown: Vec<&str> = paths.iter().take(5).map(String::as_str).collect();
    match paths.len() {
        0..=5 => printable(&shown.join(", ")),
        n => printable(&format!("{} and {} more", shown.join(", "), n - 5)),
    }
}

fn describe(Replay { merges, differs }: &Replay) -> String {
    let title = |text: &str| (text.to_string(), HEAD);
    let mut rows: Vec<Vec<Cell>> =
        vec![vec![title("COMMIT"), title("WEAVE"), title("GIT"), title("RECORDED"), title("TIME"), title("MERGE")]];
    let cell = |same: Option<bool>| match same {
        Some(true) => ("same".to_string(), GOOD),
        Some(false) => ("differs".to_string(), CARE),
        None => ("-".to_string(), FAINT),
    };
    for merge in merges {
        let weave = merge.weave.map_or(("skipped".to_string(), BAD), |rung| (rung.word().to_string(), GOOD));
        let mut words = merge.title.clone();
        if !merge.conflicts.is_empty() {
            words.push_str(&format!(" (conflict in {})", merge.conflicts.join(", ")));
        }
        let time = format!("{}.{} ms", merge.micros / 1000, merge.micros % 1000 / 100);
        let commit = merge.commit.chars().take(10).collect();
        rows.push(vec![(commit, FAINT), weave, cell(merge.same_as_git), cell(merge.same_as_recorded), (time, FAINT), (words, PLAIN)]);
    }
    let count = |which: &dyn Fn(&ReplayedMerge) -> bool| merges.iter().filter(|m| which(m)).count();
    let total = merges.iter().map(|m| m.micros).sum::<u64>();
    let woven = count(&|m| m.weave.is_some());
    let mut line = format!("{} merges: {} clean, ", merges.len(), count(&|m| m.weave == Some(Rung::Trivial)));
    for rung in [Rung::Recorded, Rung::Mechanical] {
        match count(&|m| m.weave == Some(rung)) {
            0 => {}
            some => line.push_str(&format!("{some} {}, ", rung.word())),
        }
    }
    line.push_str(&format!("{} skipped", merges.len() - woven));
    let asked = count(&|m| m.same_as_git.is_some());
    if asked > 0 {
        line.push_str(&format!("; {} of {asked} as git merges them", count(&|m| m.same_as_git == Some(true))));
    }
    line.push_str(&format!("; {} of {woven} as recorded", count(&|m| m.same_as_recorded == Some(true))));
    line.push_str(&format!("; woven in {}.{:03} s", total / 1_000_000, total % 1_000_000 / 1_000));
    match differs.as_deref() {
        None => {}
        Some([]) => line.push_str("; it ends in the recorded tree"),
        Some(paths) => line.push_str(&format!("; its end differs from the recorded one in {}", files(paths))),
    }
    let table = if merges.is_empty() { String::new() } else { columns(&rows) + "\n" };
    format!("{table}{}\n", paint(HEAD, &line))
}
