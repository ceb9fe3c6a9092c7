//! `git lex-pr query`

use super::{Answer, context::Context, document, selectors::facts_for};
use crate::{
    model::{Error, Result},
    plan::{FIELDS, Facts, Query, order},
    report::style::{Cell, FAINT, HEAD, PLAIN, columns, is_paged_by_git, paint, printable},
};
use clap::builder::PossibleValuesParser;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::IsTerminal,
};

/// Ask a plan: the items that answer a query, and what is known of them.
///
/// A query compares fields, such as `level eq 1 and deps.length gt 2`, or `paths contains src/** and not status eq merged`. Comparisons are
/// eq, ne, contains, in, gt, lt, gte and lte.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A plan's name, a plan file, or `-`; the only plan where there is but one.
    plan: Option<String>,
    /// The query; all items without one.
    query: Option<String>,
    /// Only items that depend on nothing.
    #[arg(long)]
    roots: bool,
    /// Only items that nothing depends on.
    #[arg(long)]
    leaves: bool,
    /// Only items of this level.
    #[arg(long, value_name = "N")]
    level: Option<usize>,
    /// What to show of each item, with commas between.
    #[arg(long, value_name = "FIELDS", value_delimiter = ',', value_parser = PossibleValuesParser::new(FIELDS), hide_possible_values = true)]
    #[arg(default_values = SHOWN)]
    fields: Vec<String>,
    /// Count the items instead of showing them.
    #[arg(long)]
    stats: bool,
    /// How to write it.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
}

/// The fields that are shown where none are named.
const SHOWN: [&str; 5] = ["level", "name", "status", "deps", "gates"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// The same as --json.
    Json,
    /// RFC 4180; lists with commas between their entries.
    Csv,
}

/// What `query --json` prints.
#[derive(Serialize, JsonSchema)]
pub struct Asked {
    /// The plan.
    plan: String,
    /// The items that answer, in the order in which they land, with the fields that were asked for.
    items: Vec<Facts>,
    /// What they come to, with --stats.
    #[serde(skip_serializing_if = "Option::is_none")]
    stats: Option<Stats>,
}

/// What items come to.
#[derive(Serialize, JsonSchema)]
pub struct Stats {
    /// How many there are.
    items: usize,
    /// By level, how many it has.
    levels: BTreeMap<u64, usize>,
    /// How many depend on nothing.
    roots: usize,
    /// How many nothing depends on.
    leaves: usize,
    /// How many dependencies they have together.
    dependencies: usize,
    /// By status in the newest run, how many have it.
    status: BTreeMap<String, usize>,
}

pub fn run(args: &Args, context: &Context) -> Result<Answer> {
    let repo = context.repo()?;
    let (plan, query) = match (&args.plan, &args.query) {
        // The only argument is the query where it can be no plan.
        (Some(only), None) if !context.is_document(only) && is_query(only) => (None, Some(only)),
        (plan, query) => (plan.as_deref(), query.as_ref()),
    };
    let found = context.plan(&repo, plan)?;
    let query = query.map(|text| Query::parse(text)).transpose()?;
    let mut fields: BTreeSet<&str> = args.fields.iter().map(String::as_str).collect();
    fields.extend(query.iter().flat_map(Query::fields));
    if args.stats {
        fields.insert("status");
    }
    let all = facts_for(&repo, &found, &fields)?;
    let mut items: Vec<Facts> = order(&found.plan)?.into_iter().flatten().map(|item| all[item].clone()).collect();
    items.retain(|facts| {
        let count = |field: &str| facts[field].as_array().map_or(0, Vec::len);
        query.as_ref().is_none_or(|query| query.fits(facts))
            && args.level.is_none_or(|level| facts["level"] == level)
            && (!args.roots || count("deps") == 0)
            && (!args.leaves || count("dependents") == 0)
    });
    let stats = args.stats.then(|| stats(&items));
    let nothing = items.is_empty();
    for facts in &mut items {
        facts.retain(|field, _| args.fields.iter().any(|shown| shown == field));
    }
    let text = match (args.format, &stats) {
        (Format::Table, Some(stats)) => told(stats),
        (Format::Table, None) => table(&args.fields, &items),
        (Format::Csv, Some(stats)) => {
            csv(&["of", "which", "count"], counts(stats).map(|(of, which, n)| vec![of.into(), which, n.to_string()]))?
        }
        (Format::Csv, None) => {
            csv(&args.fields, items.iter().map(|facts| args.fields.iter().map(|field| words(facts, field, ",")).collect()))?
        }
        (Format::Json, _) => String::new(),
    };
    let mut answer = Answer::yes(text, &Asked { plan: found.name.clone(), items, stats })?;
    if args.format == Format::Json {
        answer.text = document(&answer.json);
    }
    answer.no = nothing;
    answer.raw = args.format == Format::Csv;
    Ok(answer)
}

/// Whether an argument reads as a query rather than as the name of a plan.
fn is_query(text: &str) -> bool {
    text.contains(char::is_whitespace) || text.contains(['<', '>', '=', '('])
}

/// A fact as text.
fn words(facts: &Facts, field: &str, between: &str) -> String {
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    match facts.get(field) {
        None | Some(Value::Null) => String::new(),
        Some(Value::Array(list)) => list.iter().map(word).collect::<Vec<_>>().join(between),
        Some(value) => word(value),
    }
}

fn table(fields: &[String], items: &[Facts]) -> String {
    if items.is_empty() {
        return format!("{}\n", paint(FAINT, "no items"));
    }
    let mut rows: Vec<Vec<Cell>> = vec![fields.iter().map(|field| (field.to_uppercase(), HEAD)).collect()];
    rows.extend(items.iter().map(|facts| fields.iter().map(|field| (words(facts, field, " "), PLAIN)).collect()));
    columns(&rows)
}

/// What a terminal shows cannot harm it; a program gets what there is.
fn csv(head: &[impl AsRef<str>], rows: impl Iterator<Item = Vec<String>>) -> Result<String> {
    let is_shown = std::io::stdout().is_terminal() || is_paged_by_git();
    let writing = |e: &dyn std::fmt::Display| Error::environment("csv", format!("could not write CSV: {e}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(head.iter().map(AsRef::as_ref)).map_err(|e| writing(&e))?;
    for row in rows {
        let shown: Vec<String> = row.into_iter().map(|word| if is_shown { printable(&word) } else { word }).collect();
        writer.write_record(shown).map_err(|e| writing(&e))?;
    }
    let bytes = writer.into_inner().map_err(|e| writing(&e))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn stats(items: &[Facts]) -> Stats {
    let entries = |facts: &Facts, field: &str| facts[field].as_array().map_or(0, Vec::len);
    let (mut levels, mut status) = (BTreeMap::new(), BTreeMap::new());
    for facts in items {
        *levels.entry(facts["level"].as_u64().unwrap_or_default()).or_default() += 1;
        *status.entry(words(facts, "status", " ")).or_default() += 1;
    }
    Stats {
        items: items.len(),
        levels,
        roots: items.iter().filter(|facts| entries(facts, "deps") == 0).count(),
        leaves: items.iter().filter(|facts| entries(facts, "dependents") == 0).count(),
        dependencies: items.iter().map(|facts| entries(facts, "deps")).sum(),
        status,
    }
}

/// All counts, each with what it is of and which of those.
fn counts(stats: &Stats) -> impl Iterator<Item = (&'static str, String, usize)> {
    let one = [("items", stats.items), ("roots", stats.roots), ("leaves", stats.leaves), ("dependencies", stats.dependencies)];
    let levels = stats.levels.iter().map(|(level, count)| ("level", level.to_string(), *count));
    let status = stats.status.iter().map(|(status, count)| ("status", status.clone(), *count));
    one.into_iter().map(|(of, count)| (of, String::new(), count)).chain(levels).chain(status)
}

fn told(stats: &Stats) -> String {
    let rows: Vec<Vec<Cell>> = counts(stats)
        .map(|(of, which, count)| vec![(format!("{of} {which}").trim_end().into(), HEAD), (count.to_string(), PLAIN)])
        .collect();
    columns(&rows)
}
