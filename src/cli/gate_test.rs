//! `git lex-pr gate test`

use super::{Answer, context::Context};
use crate::{
    gate::cases::{Case, Compared, Suite, find},
    model::{
        Result,
        verdict::{Annotation, Answer as Said},
    },
    report::style::{BAD, FAINT, GOOD, HEAD, PLAIN, paint, printable},
    run::{Bench, Tried},
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// Try gates that are plugins on the cases beside them; no repository is needed.
///
/// The cases of a gate called gate.lua, gate.luau or gate.wasm are in the folder `cases` beside it, those of size.lua in
/// size.cases. A case is a TOML file, or a folder with case.toml and whole trees in before/ and after/.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A gate's file, its folder, a folder of gates, or `builtin:NAME`.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<String>,
    /// The folder of the cases, instead of the one beside the gate: to try how you configure `builtin:NAME`.
    #[arg(long, value_name = "DIR")]
    cases: Option<String>,
    /// Show what the gate said also where it is what it must say.
    #[arg(short, long)]
    verbose: bool,
}

/// What `gate test --json` prints.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tested {
    /// The gates, in the order of the arguments.
    gates: Vec<TestedGate>,
    /// How many cases are good.
    passed: usize,
    /// How many are not.
    failed: usize,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TestedGate {
    /// The gate's name: that of its folder, or of its file.
    name: String,
    /// Its file, or `builtin:NAME`.
    plugin: String,
    /// Its cases, by name.
    cases: Vec<TestedCase>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TestedCase {
    /// Its name.
    name: String,
    /// Its file.
    file: String,
    /// What it shows.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    about: String,
    /// Whether the gate said what it must say.
    passed: bool,
    /// The answer that it gave.
    verdict: Said,
    /// Its summary.
    summary: String,
    /// Its annotations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<Annotation>,
    /// What it found.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    facts: Map<String, Value>,
    /// What it logged.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    log: String,
    /// What it said beside what it must say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    differences: Vec<Compared>,
    /// Wall time of the call, in milliseconds.
    duration_ms: u64,
}

pub fn run(args: &Args, context: &Context) -> Result<Answer> {
    let mut suites = Vec::new();
    for path in &args.paths {
        suites.extend(find(&context.dir, path, args.cases.as_deref())?);
    }
    let mut bench = Bench::new()?;
    let mut tested = Tested { gates: Vec::new(), passed: 0, failed: 0 };
    let mut text = String::new();
    for Suite { name, plugin, cases } in &suites {
        text.push_str(&format!("{}\n", paint(HEAD, &printable(plugin))));
        let mut gate = TestedGate { name: name.clone(), plugin: plugin.clone(), cases: Vec::new() };
        for case in cases {
            let tried = bench.attempt(name, plugin, case, &context.dir)?;
            text.push_str(&words(case, &tried, args.verbose));
            *(if tried.is_good() { &mut tested.passed } else { &mut tested.failed }) += 1;
            gate.cases.push(document(case, tried));
        }
        tested.gates.push(gate);
    }
    let count = tested.passed + tested.failed;
    let cases = if count == 1 { "case" } else { "cases" };
    let line = match tested.failed {
        0 => paint(GOOD, &format!("{count} {cases} passed")),
        failed => paint(BAD, &format!("{failed} of {count} {cases} failed")),
    };
    let mut answer = Answer::yes(format!("{text}\n{line}\n"), &tested)?;
    answer.no = tested.failed > 0;
    Ok(answer)
}

fn words(case: &Case, tried: &Tried, verbose: bool) -> String {
    let about = if case.about.is_empty() { String::new() } else { format!("  {}", paint(FAINT, &printable(&case.about))) };
    let (word, style) = if tried.is_good() { ("ok    ", GOOD) } else { ("FAILED", BAD) };
    let mut text = format!("  {} {}{about}\n", paint(style, word), printable(&case.name));
    if tried.is_good() && !verbose {
        return text;
    }
    let mut line =
        |style, mark: &str, line: &str| text.push_str(&format!("      {}\n", paint(style, &format!("{mark} {}", printable(line)))));
    for compared in &tried.compared {
        match compared {
            Compared::Same(same) => line(PLAIN, " ", same),
            Compared::Expected(expected) => line(BAD, "-", expected),
            Compared::Got(got) => line(GOOD, "+", got),
        }
    }
    tried.log.lines().for_each(|logged| line(FAINT, " ", &format!("log {logged}")));
    text
}

fn document(case: &Case, tried: Tried) -> TestedCase {
    TestedCase {
        name: case.name.clone(),
        file: case.file.clone(),
        about: case.about.clone(),
        passed: tried.is_good(),
        verdict: tried.said.answer,
        summary: tried.said.summary,
        annotations: tried.said.annotations,
        facts: tried.said.facts,
        log: tried.log,
        differences: tried.compared.into_iter().filter(Compared::differs).collect(),
        duration_ms: u64::try_from(tried.duration.as_millis()).unwrap_or(u64::MAX),
    }
}
