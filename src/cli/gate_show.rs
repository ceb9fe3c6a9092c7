//! `git lex-pr gate show`

use super::{Answer, context::Context};
use crate::{
    config::{FILE_NAME, Flags},
    gate::{Engines, Inspected, Limits, Shelf, builtin, digest},
    model::{
        Error, Result,
        error::nearest,
        gate::{BUILTIN, CONFLICT_MARKERS, GateSpec, Runtime, Sandbox},
        shell_word,
        time::human,
        verdict::Verdict,
    },
    repo::Repo,
    report::style::{BAD, CARE, Cell, FAINT, HEAD, PLAIN, columns, of_answer, paint, printable},
    run::newest_run_that,
};
use gix::ObjectId;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;

/// Show what a gate is: where it comes from, what it takes, what it may, and what it said last.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The gate's name; or `builtin:NAME`, whether or not lex-pr.toml uses it.
    #[arg(value_name = "GATE")]
    name: String,
    /// A plan's name, a plan file, or `-`; the only plan where there is but one, the target's gates where there is none.
    #[arg(long, value_name = "PLAN")]
    plan: Option<String>,
}

/// What `gate show --json` prints.
#[derive(Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// The gate's name.
    name: String,
    /// `built-in`, `target` for `lex-pr.toml` on the target, or the plan's item that it belongs to.
    from: String,
    /// Whether an item needs a pass of it.
    required: bool,
    /// One line for a person: what it says of itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    /// The command; absent for a plugin and for a built-in gate.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    /// What a command runs in: `bwrap`, or `container IMAGE`; absent where it runs on the machine as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    runs_in: Option<String>,
    /// The plugin; absent for a command.
    #[serde(skip_serializing_if = "Option::is_none")]
    plugin: Option<String>,
    /// The files of the target that the plugin is made of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    files: Vec<String>,
    /// Why the plugin does not load, or is not asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    errors: Vec<String>,
    /// What it takes in `config`, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    config: Vec<ShownKey>,
    /// What of the machine it asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    capabilities: Vec<Capability>,
    /// What of the machine it is granted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    allow: Vec<String>,
    /// Gates whose verdicts it reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    needs: Vec<String>,
    /// Its inputs, as globs; all files where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    paths: Vec<String>,
    /// What bounds it; absent for a built-in gate.
    #[serde(skip_serializing_if = "Option::is_none")]
    limits: Option<ShownLimits>,
    /// The digest of what lex-pr.toml says of it. A command's verdicts are recorded under it; a plugin's under that of its code and
    /// the candidate as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    /// The newest run that asked it.
    #[serde(skip_serializing_if = "Option::is_none")]
    newest_run: Option<String>,
    /// What it said there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    verdicts: Vec<Verdict>,
}

/// A key of a gate's config.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ShownKey {
    /// Its name.
    key: String,
    /// The value that holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    /// Whether lex-pr.toml sets it; else the value is the default.
    set: bool,
    /// Its JSON Schema.
    schema: Value,
}

/// Something of the machine that a gate asks for.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Capability {
    /// Its name.
    name: String,
    /// Whether it is granted.
    granted: bool,
}

/// What bounds a gate.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ShownLimits {
    /// Wall time in milliseconds; absent where there is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_ms: Option<u64>,
    /// Memory in MiB; absent where there is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_mb: Option<usize>,
    /// Processor time in milliseconds; absent where there is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_ms: Option<u64>,
    /// Units of fuel; absent for all but WASM.
    #[serde(skip_serializing_if = "Option::is_none")]
    fuel: Option<u64>,
}

pub fn run(args: &Args, context: &Context) -> Result<Answer> {
    if let Some(name) = args.name.strip_prefix(BUILTIN) {
        builtin::source(name)?;
        let shown = Shown {
            from: "built-in".into(),
            ..of_plugin(&plugin(&args.name), |name, engines| inspect(name, &Shelf::Folder(&context.dir), engines))?
        };
        return Answer::yes(words(&shown), &shown);
    }
    let repo = context.repo()?;
    let found = context.plan_or_none(&repo, args.plan.as_deref())?;
    let config = context.config(&repo, &found.plan, &Flags::default())?;
    let of_target = config.gates.iter().map(|gate| ("target".to_string(), gate));
    let of_items = found.plan.items.iter().flat_map(|item| item.gates.iter().map(|gate| (format!("item {}", item.name), gate)));
    let mut gates = of_target.chain(of_items);
    let mut shown = match gates.clone().find(|(_, gate)| gate.name == args.name) {
        Some((from, gate)) => Shown { from, ..of_gate(gate, &repo, repo.target_head(&found.plan.target)?)? },
        None if args.name == CONFLICT_MARKERS => Shown {
            name: CONFLICT_MARKERS.into(),
            from: "built-in".into(),
            description: "No line that git writes where it leaves a conflict may land".into(),
            ..Shown::default()
        },
        None => {
            let hint = match nearest(&args.name, gates.by_ref().map(|(_, gate)| gate.name.as_str())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    format!("`git lex-pr gate list` shows what there is; a new one is committed with {FILE_NAME} to {}", found.plan.target)
                }
            };
            return Err(Error::input("unknown-gate", format!("there is no gate `{}` on {}", args.name, found.plan.target)).hint(hint));
        }
    };
    shown.required = config.is_required(&args.name);
    let asked = |run: &crate::model::run::Run| {
        run.items.iter().flat_map(|item| &item.gates).any(|gate| gate.gate == args.name && gate.verdict.is_some())
    };
    if let Some(run) = newest_run_that(&repo, asked)? {
        let reports = run.items.into_iter().flat_map(|item| item.gates).filter(|gate| gate.gate == args.name);
        shown.verdicts = reports.filter_map(|gate| gate.verdict).collect();
        shown.newest_run = run.id;
    }
    Answer::yes(words(&shown), &shown)
}

fn plugin(name: &str) -> GateSpec {
    GateSpec { plugin: Some(name.into()), run: None, ..GateSpec::command(name, String::new(), None, &[]) }
}

fn inspect(name: &str, shelf: &Shelf, engines: &Engines) -> Result<Inspected> {
    Inspected::load(name, shelf, engines, &tokio::sync::watch::channel(false).1)
}

fn of_gate(gate: &GateSpec, repo: &Repo, target: ObjectId) -> Result<Shown> {
    let shown = match &gate.plugin {
        Some(_) => of_plugin(gate, |name, engines| inspect(name, &Shelf::Commit(&repo.git, target), engines))?,
        None => Shown {
            limits: Some(ShownLimits {
                time_ms: gate.timeout.as_ref().map(|span| milliseconds(span.duration())),
                memory_mb: gate.memory_mb.map(|mb| mb as usize),
                cpu_ms: gate.cpu_time.as_ref().map(|span| milliseconds(span.duration())),
                fuel: None,
            }),
            runs_in: runs_in(gate),
            allow: gate.allow.clone(),
            paths: gate.paths.clone(),
            ..Shown::default()
        },
    };
    Ok(Shown { name: gate.name.clone(), run: gate.run.clone(), digest: Some(digest(gate)?), ..shown })
}

fn runs_in(gate: &GateSpec) -> Option<String> {
    match (gate.runtime, gate.sandbox, &gate.container) {
        (Runtime::Container, _, Some(container)) => Some(format!("container {}", container.image)),
        (Runtime::Local, Sandbox::Bwrap, _) => Some("bwrap".into()),
        _ => None,
    }
}

/// A plugin is shown as far as it loads; what is wrong with it is what the user wants to know.
fn of_plugin(gate: &GateSpec, inspect: impl Fn(&str, &Engines) -> Result<Inspected>) -> Result<Shown> {
    let name = gate.plugin.as_deref().unwrap_or_default();
    let limits = Limits::of(gate);
    let mut shown = Shown {
        name: gate.name.clone(),
        plugin: gate.plugin.clone(),
        allow: gate.allow.clone(),
        paths: gate.paths.clone(),
        limits: Some(ShownLimits {
            time_ms: Some(milliseconds(limits.time)),
            memory_mb: Some(limits.memory >> 20),
            cpu_ms: None,
            fuel: name.ends_with(".wasm").then_some(limits.fuel),
        }),
        ..Shown::default()
    };
    let Inspected { manifest, files, .. } = match inspect(name, &Engines::default()) {
        Ok(inspected) => inspected,
        Err(error) => {
            shown.errors.push(told(&error));
            return Ok(shown);
        }
    };
    shown.errors.extend(manifest.grants(gate).err().iter().chain(manifest.complete(gate).err().iter()).map(told));
    let missing = manifest.missing(gate);
    let capability = |asked: &String| Capability { name: asked.clone(), granted: !missing.contains(&asked) };
    shown.capabilities = manifest.capabilities.iter().map(capability).collect();
    shown.config = manifest
        .config
        .iter()
        .map(|(key, schema)| ShownKey {
            key: key.clone(),
            value: gate.config.get(key).or_else(|| schema.get("default")).cloned(),
            set: gate.config.contains_key(key),
            schema: schema.clone(),
        })
        .collect();
    (shown.description, shown.needs, shown.files) = (manifest.description, manifest.needs, files);
    Ok(shown)
}

fn told(error: &Error) -> String {
    let hint = error.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("{error}{hint}")
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn words(shown: &Shown) -> String {
    let mut text = paint(HEAD, &printable(&shown.name));
    if !shown.description.is_empty() {
        text.push_str(&format!(": {}", printable(&shown.description)));
    }
    text.push('\n');
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    let mut row = |what: &str, value: String| {
        if !value.is_empty() {
            rows.push(vec![(what.into(), FAINT), (value, PLAIN)]);
        }
    };
    row("from", shown.from.clone());
    row("judge", shown.run.as_ref().or(shown.plugin.as_ref()).cloned().unwrap_or_default());
    row("runs in", shown.runs_in.clone().unwrap_or_default());
    row("required", if shown.required { "yes" } else { "no" }.into());
    row("made of", shown.files.join(", "));
    row("paths", shown.paths.join(", "));
    row("hears", shown.needs.join(", "));
    let asks = shown.capabilities.iter().map(|asked| format!("{}{}", asked.name, if asked.granted { "" } else { " (not granted)" }));
    row("asks for", asks.collect::<Vec<_>>().join(", "));
    row("granted", shown.allow.join(", "));
    row("limits", shown.limits.as_ref().map(bounds).unwrap_or_default());
    row("digest", shown.digest.clone().unwrap_or_default());
    text.push_str(&columns(&rows));
    for error in &shown.errors {
        text.push_str(&format!("{} {}\n", paint(BAD, "error:"), printable(error)));
    }
    if !shown.config.is_empty() {
        text.push_str(&format!("\n{}", columns(&keys(&shown.config))));
    }
    if let Some(run) = &shown.newest_run {
        let rows = shown.verdicts.iter().map(|verdict| {
            let time = human(Duration::from_millis(verdict.duration_ms));
            let answer = (verdict.verdict.to_string(), of_answer(verdict.verdict));
            vec![(verdict.item.clone(), PLAIN), answer, (time, FAINT), (verdict.summary.clone(), PLAIN)]
        });
        let title = ["ITEM", "VERDICT", "TIME", "SUMMARY"].map(|title| (title.to_string(), HEAD)).to_vec();
        text.push_str(&format!("\n{}", columns(&std::iter::once(title).chain(rows).collect::<Vec<_>>())));
        text.push_str(&format!("{} git lex-pr report {}\n", paint(FAINT, "next:"), printable(&shell_word(run))));
    }
    text
}

fn bounds(limits: &ShownLimits) -> String {
    let time = limits.time_ms.map(|ms| human(Duration::from_millis(ms)));
    let memory = limits.memory_mb.map(|mb| format!("{mb} MiB"));
    let cpu = limits.cpu_ms.map(|ms| format!("{} of processor time", human(Duration::from_millis(ms))));
    let fuel = limits.fuel.map(|fuel| format!("{fuel} units of fuel"));
    [time, memory, cpu, fuel].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The keys of a config, one row each: what holds, what is allowed, and what it is for.
fn keys(keys: &[ShownKey]) -> Vec<Vec<Cell>> {
    let mut rows = vec![["CONFIG", "VALUE", "SCHEMA", "ABOUT"].map(|title| (title.to_string(), HEAD)).to_vec()];
    rows.extend(keys.iter().map(|key| {
        let (value, style) = match (&key.value, key.set) {
            (Some(value), true) => (value.to_string(), CARE),
            (Some(value), false) => (format!("{value} (default)"), PLAIN),
            (None, _) => ("-".into(), FAINT),
        };
        let mut schema = key.schema.clone();
        let about = schema.as_object_mut().and_then(|schema| {
            schema.remove("default");
            schema.remove("description")
        });
        let about = about.as_ref().and_then(Value::as_str).unwrap_or_default().to_string();
        vec![(key.key.clone(), PLAIN), (value, style), (schema.to_string(), FAINT), (about, PLAIN)]
    }));
    rows
}
