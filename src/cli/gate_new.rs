//! `git lex-pr gate new`

use super::{Answer, context::Context};
use crate::{
    config::FILE_NAME,
    gate::templates::{LUA_TYPES, Language, Template},
    model::{Error, Result, error::Blame, gate::GateSpec, shell_word},
    report::style::{FAINT, HEAD, paint, printable},
};
use schemars::JsonSchema;
use serde::Serialize;
use std::{
    fs::{File, OpenOptions, Permissions},
    io::{ErrorKind, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};

/// Where the types for editors go, in the folder of all gates.
const TYPES_FILE: &str = "gate.d.luau";

/// Write a gate that works, with cases that it passes; what is there already stays.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The gate's name, and that of its folder.
    name: String,
    #[command(flatten)]
    language: LanguageArg,
    /// The folder of all gates.
    #[arg(long, value_name = "DIR", default_value = "tools/gates")]
    dir: String,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct LanguageArg {
    /// In Lua, which needs nothing but this program.
    #[arg(long)]
    lua: bool,
    /// In Rust, built as a WASM component.
    #[arg(long)]
    wasm_rust: bool,
    /// In C, built as a WASM component.
    #[arg(long)]
    wasm_c: bool,
}

impl LanguageArg {
    fn language(&self) -> Language {
        match (self.wasm_rust, self.wasm_c) {
            (true, _) => Language::Rust,
            (_, true) => Language::C,
            _ => Language::Lua,
        }
    }
}

/// What `gate new --json` prints.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Made {
    /// The gate's name.
    name: String,
    /// What judges, as lex-pr.toml names it.
    plugin: String,
    /// The files that were written.
    files: Vec<String>,
    /// What to add to lex-pr.toml.
    config: String,
}

pub fn run(args: &Args, context: &Context) -> Result<Answer> {
    let language = args.language.language();
    let named = GateSpec { plugin: Some("gate.lua".into()), run: None, ..GateSpec::command(&args.name, String::new(), None, &[]) };
    named.check().map_err(|(message, hint)| Error::input("bad-gate", message).hint(hint))?;
    if args.name.starts_with('.') {
        return Err(Error::input("bad-gate", format!("`{}` is no name of a folder", args.name)).hint("begin it with a letter"));
    }
    let dir = args.dir.trim_end_matches('/');
    let folder = format!("{dir}/{}", args.name);
    let place = context.dir.join(&folder);
    if place.symlink_metadata().is_ok() {
        return Err(Error::input("exists", format!("there is {folder} already")).hint("choose another name, or another --dir"));
    }
    let mut written = Vec::new();
    for file in language.files() {
        let path = format!("{folder}/{}", file.path);
        write(&context.dir.join(&path), &file)?;
        written.push(path);
    }
    let types = format!("{dir}/{TYPES_FILE}");
    if language == Language::Lua && !context.dir.join(&types).exists() {
        write(&context.dir.join(&types), &Template { path: TYPES_FILE, text: LUA_TYPES.into(), executable: false })?;
        written.push(types);
    }
    let plugin = from_root(context, &format!("{folder}/{}", language.gate_file()));
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let config = format!("[[gate]]\nname = {}\nplugin = {}\n", quoted(&args.name), quoted(&plugin));
    let made = Made { name: args.name.clone(), plugin, files: written, config };
    Answer::yes(words(&made, &folder, language, context), &made)
}

fn write(place: &Path, file: &Template) -> Result<()> {
    let writing = |e: std::io::Error| {
        let kind = e.kind();
        let error = Error::io(format_args!("write {}", place.display()), e);
        match kind {
            ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
                Error { blame: Blame::Input, ..error }.hint("what is there already stays: choose another --dir")
            }
            _ => error,
        }
    };
    std::fs::create_dir_all(place.parent().unwrap_or(place)).map_err(writing)?;
    let mut out: File = OpenOptions::new().write(true).create_new(true).open(place).map_err(writing)?;
    out.write_all(file.text.as_bytes()).map_err(writing)?;
    if file.executable {
        out.set_permissions(Permissions::from_mode(0o755)).map_err(writing)?;
    }
    Ok(())
}

/// `path` from the root of the repository, as lex-pr.toml wants it; as it stands where there is none.
fn from_root(context: &Context, path: &str) -> String {
    let inside = || {
        let root = context.repo().ok()?.git.workdir()?.canonicalize().ok()?;
        let place = context.dir.join(path).canonicalize().ok()?;
        Some(place.strip_prefix(root).ok()?.to_str()?.to_string())
    };
    inside().unwrap_or_else(|| path.into())
}

fn words(made: &Made, folder: &str, language: Language, context: &Context) -> String {
    let mut text = String::new();
    for file in &made.files {
        text.push_str(&format!("{} {}\n", paint(FAINT, "wrote"), printable(file)));
    }
    let step = |title: &str| format!("\n{}\n", paint(HEAD, title));
    if language.is_built() {
        text.push_str(&step(&format!("Build it, which makes {}:", language.gate_file())));
        text.push_str(&format!("  git lex-pr plugin build {}\n", printable(&shell_word(folder))));
    }
    text.push_str(&step("Try it on its cases:"));
    text.push_str(&format!("  git lex-pr gate test {}\n", printable(&shell_word(folder))));
    text.push_str(&step(&format!("Let it judge what lands: add to {FILE_NAME}")));
    let is_new = context.repo().ok().and_then(|repo| Some(!repo.git.workdir()?.join(FILE_NAME).exists())).unwrap_or(true);
    let version = if is_new { "version = 1\n\n" } else { "" };
    format!("{version}{}", made.config)
        .lines()
        .for_each(|line| text.push_str(&format!("{}\n", printable(&format!("  {line}")).trim_end())));
    text.push_str(&step("Gates come from the target, so commit it there; then ask it:"));
    text.push_str(&format!("  git lex-pr gate run {} --item BRANCH\n", printable(&shell_word(&made.name))));
    text
}
