//! `git lex-pr replay`

use super::{Answer, context::Context};
use crate::{
    model::{Error, Result, run::ReplayedMerge},
    report::style::{BAD, CARE, Cell, FAINT, GOOD, HEAD, PLAIN, columns, paint},
    run::replay,
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
    /// Do not ask git for its answers, which take longer than the weave.
    #[arg(long)]
    no_compare: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<Answer> {
    let repo = context.repo()?;
    let (from, to) = args.range.split_once("..").ok_or_else(|| {
        Error::input("bad-range", format!("`{}` is no range", args.range)).hint("write it as FROM..TO, such as v1.0..main")
    })?;
    let commit = |name: &str| {
        let name = if name.is_empty() { "HEAD" } else { name };
        let found = repo.git.rev_parse_single(name).ok().and_then(|id| id.object().ok()?.peel_to_commit().ok());
        found.map(|c| c.id).ok_or_else(|| {
            Error::input("missing-commit", format!("there is no commit `{name}`"))
                .hint("`git rev-parse --verify NAME` tells which names there are")
        })
    };
    let merges = super::progress::count(|tell| replay(&repo, commit(from)?, commit(to)?, args.pairs, !args.no_compare, tell))?;
    Ok(Answer { no: merges.iter().any(|m| m.same_as_git == Some(false)), ..Answer::yes(describe(&merges), &merges)? })
}

fn describe(merges: &[ReplayedMerge]) -> String {
    let title = |text: &str| (text.to_string(), HEAD);
    let mut rows: Vec<Vec<Cell>> =
        vec![vec![title("COMMIT"), title("WEAVE"), title("GIT"), title("RECORDED"), title("TIME"), title("MERGE")]];
    let cell = |same: Option<bool>| match same {
        Some(true) => ("same".to_string(), GOOD),
        Some(false) => ("differs".to_string(), CARE),
        None => ("-".to_string(), FAINT),
    };
    for merge in merges {
        let weave = if merge.weave.is_some() { ("clean".to_string(), GOOD) } else { ("skipped".to_string(), BAD) };
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
    let clean = count(&|m| m.weave.is_some());
    let mut line = format!("{} merges: {clean} clean, {} skipped", merges.len(), merges.len() - clean);
    let asked = count(&|m| m.same_as_git.is_some());
    if asked > 0 {
        line.push_str(&format!("; {} of {asked} as git merges them", count(&|m| m.same_as_git == Some(true))));
    }
    line.push_str(&format!("; {} of {clean} as recorded", count(&|m| m.same_as_recorded == Some(true))));
    line.push_str(&format!("; woven in {}.{:03} s", total / 1_000_000, total % 1_000_000 / 1_000));
    let table = if merges.is_empty() { String::new() } else { columns(&rows) + "\n" };
    format!("{table}{}\n", paint(HEAD, &line))
}
