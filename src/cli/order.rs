//! `git lex-pr order`

use super::{Answer, context::Context};
use crate::{
    model::Result,
    plan::order,
    report::style::{FAINT, HEAD, PLAIN, columns},
};
use schemars::JsonSchema;
use serde::Serialize;

/// Show the merge pyramid: levels of items whose dependencies all lie in earlier levels. `merge-order` does the same.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A plan's name, a plan file, or `-`; the only plan where there is but one.
    plan: Option<String>,
}

/// What `order --json` prints.
#[derive(Serialize, JsonSchema)]
pub struct Order {
    /// The items' names, level by level, in the order in which they land.
    levels: Vec<Vec<String>>,
}

pub fn run(args: &Args, context: &Context) -> Result<Answer> {
    let plan = match args.plan.as_deref() {
        Some(path) if context.is_document(path) => context.plan_file(path)?,
        plan => context.plan(&context.repo()?, plan)?.plan,
    };
    let name = |i: usize| plan.items[i].name.clone();
    let levels: Vec<Vec<String>> = order(&plan)?.into_iter().map(|level| level.into_iter().map(name).collect()).collect();
    let rows: Vec<_> = levels.iter().enumerate().map(|(level, names)| vec![(level.to_string(), HEAD), (names.join(" "), PLAIN)]).collect();
    let text = if levels.is_empty() { format!("{FAINT}the plan has no items{FAINT:#}\n") } else { columns(&rows) };
    Answer::yes(text, &Order { levels })
}
