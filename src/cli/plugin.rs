//! `git lex-pr plugin`

use super::{Answer, context::Context};
use crate::{
    gate::{Engines, Inspected, Manifest, Parts, Plugin, Shelf, Stop, WORLD, builtin},
    model::{
        Error, Result,
        gate::{BUILTIN, PLUGIN_SUFFIXES},
    },
    report::style::{BAD, CARE, Cell, FAINT, HEAD, PLAIN, columns, paint, printable},
};
use clap::Subcommand;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use std::{
    path::{Path, PathBuf},
    process::{Command as Process, Stdio},
};

/// Plugins: gates that run in this process, in Lua or as WASM components.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the built-in gates and the plugins that lex-pr.toml of the target names.
    ///
    /// Each is loaded, so that it is seen whether it would run, and what it asks for.
    List,
    /// Show what a plugin says of itself and what it is made of.
    ///
    /// It is loaded with the limits of a gate; it judges nothing.
    Inspect {
        /// A .lua, .luau or .wasm file, or `builtin:NAME`.
        file: String,
    },
    /// Build a WASM gate from source, and show what came of it.
    ///
    /// The folder's `build.sh` is run with the path of the component as its argument; the folders in `plugins/examples` have
    /// one for each language, to be copied.
    Build {
        /// The folder of the gate.
        dir: PathBuf,
        /// The component to write; `gate.wasm` in the folder where nothing is said.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// What `plugin list --json` prints for each plugin.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// `builtin:NAME`, or the path of its file in the target.
    plugin: String,
    /// The gate of lex-pr.toml that it judges for; absent for a built-in one that none uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    gate: Option<String>,
    /// What it says of itself.
    description: String,
    /// What of the machine it asks for.
    capabilities: Vec<String>,
    /// What lex-pr.toml grants the gate.
    granted: Vec<String>,
    /// Why it cannot be asked; absent where it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// What `plugin inspect --json` and `plugin build --json` print.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// The plugin.
    plugin: String,
    /// What it says of itself.
    description: String,
    /// What of the machine it asks for, as lex-pr.toml grants it by `allow`.
    capabilities: Vec<String>,
    /// For each key of its config a JSON Schema.
    config: Map<String, Value>,
    /// Gates whose verdicts it reads.
    needs: Vec<String>,
    /// The files that it is made of.
    files: Vec<String>,
    /// Their size in bytes, all together.
    size: usize,
    /// What it is made of, if it is a component.
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<Component>,
}

/// What a component is made of.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Component {
    /// The world that it exports.
    world: String,
    /// The names of its imports.
    imports: Vec<String>,
    /// The names of its exports.
    exports: Vec<String>,
    /// Whether it imports WASI. It finds nothing there; but it is larger than it would have to be.
    wasi: bool,
}

pub fn run(command: Command, context: &Context) -> Result<Answer> {
    match command {
        Command::List => list(context),
        Command::Inspect { file } => inspect(&file, context),
        Command::Build { dir, output } => build(&dir, output.as_deref(), context),
    }
}

/// Nothing is ever said on it: whoever presses Ctrl-C here ends this process.
fn never() -> Stop {
    tokio::sync::watch::channel(false).1
}

fn list(context: &Context) -> Result<Answer> {
    let repo = context.repo()?;
    let (_, commit, file) = context.target_file(&repo)?;
    let (shelf, engines, stop) = (Shelf::Commit(&repo.git, commit), Engines::default(), never());
    let named = file.gates.iter().filter(|gate| gate.plugin.is_some()).map(|gate| (gate.judge().to_string(), Some(gate)));
    let is_named = |plugin: &String| file.gates.iter().any(|gate| gate.plugin.as_ref() == Some(plugin));
    let built_in = builtin::ALL.iter().map(|(name, _)| format!("{BUILTIN}{name}")).filter(|plugin| !is_named(plugin));
    let listed: Vec<Listed> = named
        .chain(built_in.map(|plugin| (plugin, None)))
        .map(|(plugin, gate)| {
            // One that lacks a grant or is configured wrongly still says what it is.
            let inspected = Inspected::load(&plugin, &shelf, &engines, &stop);
            let loaded = inspected.map(|inspected| {
                let fits = gate.map_or(Ok(()), |gate| Plugin::load(gate, &shelf, &engines, &stop).map(|_| ()));
                (inspected.manifest, fits)
            });
            let (manifest, fits) = loaded.unwrap_or_else(|error| (Manifest::default(), Err(error)));
            Listed {
                plugin,
                gate: gate.map(|gate| gate.name.clone()),
                description: manifest.description,
                capabilities: manifest.capabilities,
                granted: gate.map(|gate| gate.allow.clone()).unwrap_or_default(),
                error: fits.err().map(|e| e.hint.as_ref().map_or(e.to_string(), |hint| format!("{e}; {hint}"))),
            }
        })
        .collect();
    if listed.is_empty() {
        let next = "name one in lex-pr.toml: [[gate]] with plugin = \"tools/gate.lua\"";
        return Answer::yes(format!("no plugins yet\n{} {next}\n", paint(FAINT, "next:")), &listed);
    }
    let title = |text: &str| (text.to_string(), HEAD);
    let mut rows: Vec<Vec<Cell>> = vec![vec![title("PLUGIN"), title("GATE"), title("ASKS FOR"), title("DESCRIPTION")]];
    rows.extend(listed.iter().map(|one| {
        let words = match &one.error {
            Some(error) => (error.clone(), BAD),
            None => (one.description.clone(), PLAIN),
        };
        vec![(one.plugin.clone(), CARE), (one.gate.clone().unwrap_or_default(), PLAIN), (one.capabilities.join(", "), PLAIN), words]
    }));
    let mut answer = Answer::yes(columns(&rows), &listed)?;
    answer.no = listed.iter().any(|one| one.error.is_some());
    Ok(answer)
}

fn inspect(file: &str, context: &Context) -> Result<Answer> {
    if !file.starts_with(BUILTIN) {
        if !PLUGIN_SUFFIXES.iter().any(|suffix| file.ends_with(suffix)) {
            let hint = format!("a plugin is a file that ends in {}, or `{BUILTIN}NAME`", PLUGIN_SUFFIXES.join(", "));
            return Err(Error::input("no-plugin", format!("`{file}` is no plugin")).hint(hint));
        }
        if !context.dir.join(file).is_file() {
            let hint = "give the path of a plugin, from the current folder";
            return Err(Error::input("no-plugin", format!("there is no file {file}")).hint(hint));
        }
    }
    let inspected = Inspected::load(file, &Shelf::Folder(&context.dir), &Engines::default(), &never())?;
    let component = inspected.parts.map(|Parts { imports, exports }| Component {
        world: WORLD.into(),
        wasi: imports.iter().any(|name| name.starts_with("wasi:")),
        imports,
        exports,
    });
    let Manifest { description, capabilities, config, needs } = inspected.manifest;
    let (files, size) = (inspected.files, inspected.size);
    let shown = Shown { plugin: file.into(), description, capabilities, config, needs, files, size, component };
    Answer::yes(text(&shown), &shown)
}

fn text(shown: &Shown) -> String {
    let mut text = format!("{}\n", paint(HEAD, &printable(&shown.plugin)));
    let mut line = |name: &str, words: &str| text.push_str(&format!("{} {}\n", paint(FAINT, &format!("{name:<12}")), printable(words)));
    let list = |words: &[String]| if words.is_empty() { "none".into() } else { words.join(", ") };
    line("description", &shown.description);
    line("size", &format!("{} bytes", shown.size));
    line("capabilities", &list(&shown.capabilities));
    line("needs", &list(&shown.needs));
    if shown.config.is_empty() {
        line("config", "none");
    }
    for (key, schema) in &shown.config {
        line("config", &format!("{key}: {schema}"));
    }
    if let Some(component) = &shown.component {
        line("world", &component.world);
        line("imports", &list(&component.imports));
        line("exports", &list(&component.exports));
        line("wasi", if component.wasi { "imported; it finds no files, network, environment and time there" } else { "not imported" });
    }
    text
}

fn build(dir: &Path, output: Option<&Path>, context: &Context) -> Result<Answer> {
    let script = context.dir.join(dir).join("build.sh");
    if !script.is_file() {
        return Err(Error::input("no-script", format!("there is no {}", script.display()))
            .hint("copy the one beside the example of its language in plugins/examples of git-lex-pr"));
    }
    let output = output.map_or_else(|| dir.join("gate.wasm"), Path::to_path_buf);
    let starting = |e: std::io::Error| Error::io(format_args!("run {}", script.display()), e);
    let absolute = std::path::absolute(context.dir.join(&output)).map_err(starting)?;
    // What it says is for whoever waits; standard output is for what came of it.
    let mut command = Process::new("sh");
    command.arg(&script).arg(&absolute).stdin(Stdio::null()).stdout(std::io::stderr());
    let status = command.status().map_err(starting)?;
    if !status.success() {
        return Err(Error::input("build-failed", format!("{} failed: {status}", script.display())).hint("its own words are above"));
    }
    inspect(&output.to_string_lossy(), context)
}
