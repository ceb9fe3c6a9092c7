//! Every command block of README and docs is run, and says what the page says. `UPDATE_DOCS=1 cargo test docs` writes
//! what the commands say now into the pages.

use crate::sandbox::Sandbox;
use lex_pr::{config::ConfigFile, gate::cases::Case, plan::document};
use regex::Regex;
use std::path::{Path, PathBuf};

/// The files in a folder and in those below it whose names end in one of `extensions`.
fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let (folders, found): (Vec<_>, Vec<_>) = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).partition(|p| p.is_dir());
    let here = found.into_iter().filter(|p| p.extension().is_some_and(|e| extensions.iter().any(|x| e == *x)));
    let built = ["target", "node_modules"];
    let below = folders.iter().filter(|p| !built.iter().any(|b| p.ends_with(b))).flat_map(|p| files(p, extensions));
    here.chain(below).collect()
}

fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = files(&root.join("docs"), &["md"]);
    pages.push(root.join("README.md"));
    pages.sort();
    pages
}

/// The fenced blocks of a page: language, and the lines between the fences.
pub fn blocks(page: &str) -> Vec<(String, Vec<String>)> {
    let mut blocks: Vec<(String, Vec<String>)> = Vec::new();
    let mut open = false;
    for line in page.lines() {
        match line.strip_prefix("```") {
            Some(language) if !open => {
                blocks.push((language.into(), Vec::new()));
                open = true;
            }
            Some(_) => open = false,
            None if open => blocks.last_mut().unwrap().1.push(line.into()),
            None => {}
        }
    }
    blocks
}

/// The commands of a page's console blocks, each with the output that the page shows.
fn commands(page: &str) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    for (_, lines) in blocks(page).into_iter().filter(|(language, _)| language == "console") {
        for line in lines {
            // What the demo prints has commands of its own.
            let of_demo = commands.last().is_some_and(|(c, _)| c == "git lex-pr demo shop");
            match line.strip_prefix("$ ").filter(|_| !of_demo) {
                Some(command) => commands.push((command.into(), String::new())),
                None => commands.last_mut().unwrap().1.push_str(&format!("{line}\n")),
            }
        }
    }
    commands
}

/// What differs from run to run, made the same.
fn settled(text: &str) -> String {
    let rules = [
        (r"\d{8}-\d{6}-\d{3}-[0-9a-f]{4}", "20260101-120000-000-4f1c"),
        (r"woven in \d\.\d{3} s", "woven in 0.001 s"),
        (r"\d+(\.\d)? ms|\d+\.\d s", "5 ms"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "2026-01-01T12:00:00Z"),
        (r"/[^ ()]*/shop", "~/shop"),
        (r" {2,}", "  "),
        (r"(?m)\s+$", ""),
    ];
    rules.iter().fold(text.to_string(), |text, (pattern, by)| Regex::new(pattern).unwrap().replace_all(&text, *by).into_owned())
}

fn run(sandbox: &Sandbox, commands: &[(String, String)]) -> Vec<String> {
    let mut script = String::from("exec 2>&1\n");
    for (command, _) in commands {
        script.push_str(&format!("printf '\\001'\n{command}\n"));
    }
    let binary = Path::new(env!("CARGO_BIN_EXE_git-lex-pr")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let mut shell = sandbox.command("sh", sandbox.root.path());
    shell.arg("-c").arg(script).env("PATH", path);
    // The same commits each time, so that the pages may show their ids.
    shell.env("GIT_AUTHOR_DATE", "2026-01-01T13:00:00Z").env("GIT_COMMITTER_DATE", "2026-01-01T13:00:00Z");
    let output = shell.output().unwrap();
    String::from_utf8_lossy(&output.stdout).split('\u{1}').skip(1).map(ToOwned::to_owned).collect()
}

#[test]
fn every_page_tells_the_truth() {
    let anywhere = Regex::new(r"/[^ ()]*/shop").unwrap();
    for path in pages() {
        let page = std::fs::read_to_string(&path).unwrap();
        let commands = commands(&page);
        let sandbox = Sandbox::new();
        let said = run(&sandbox, &commands);
        assert_eq!(said.len(), commands.len(), "{}", path.display());
        if std::env::var_os("UPDATE_DOCS").is_some() {
            let (mut new, mut rest) = (String::new(), page.as_str());
            for ((command, shown), said) in commands.iter().zip(&said) {
                let command = format!("$ {command}\n");
                let (before, after) = rest.split_once(&format!("{command}{shown}")).unwrap();
                let said = anywhere.replace_all(said, "~/shop");
                new.extend([before, &command, said.trim_end()]);
                new.push_str(if said.trim().is_empty() { "" } else { "\n" });
                rest = after;
            }
            new.push_str(rest);
            std::fs::write(&path, new).unwrap();
            continue;
        }
        for ((command, shown), said) in commands.iter().zip(&said) {
            assert_eq!(settled(said), settled(shown), "{}: $ {command}", path.display());
        }
    }
}

#[test]
fn the_pictures_are_what_the_tool_draws() {
    let sandbox = Sandbox::new();
    let demo = sandbox.root.path().join("shop");
    sandbox.lex_in(sandbox.root.path(), &["demo", "shop"]).exits(0);
    sandbox.git_in(&demo, &["reset", "-q", "--hard", "b354ee637e"]);
    let simulated = ["simulate", "--items", "40", "--failures", "0.1", "--format", "svg"];
    for (picture, args, status) in [("forecast.svg", &["forecast", "demo", "--format", "svg"][..], 1), ("simulate.svg", &simulated, 0)] {
        let drawn = sandbox.lex_in(&demo, args).exits(status).stdout;
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(picture);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&kept, &drawn).unwrap();
        }
        assert!(std::fs::read_to_string(kept).unwrap() == drawn, "{picture} is another one: UPDATE_DOCS=1 cargo test docs");
    }
}

#[test]
fn every_example_document_is_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let examples = root.join("examples");
    let schema = serde_json::to_value(ConfigFile::schema()).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let sources: Vec<String> = files(&root.join("plugins"), &["rs", "c", "js", "lua"])
        .iter()
        .map(|p| std::fs::read_to_string(p).unwrap().replace("//! ", "").replace("//!\n", "\n"))
        .collect();
    for path in pages() {
        for (language, lines) in blocks(&std::fs::read_to_string(&path).unwrap()) {
            let text = lines.join("\n");
            match language.as_str() {
                // The test of the kit runs them.
                "lua" if path.ends_with("cookbook.md") => {}
                "toml" if text.contains("expect") => drop(Case::parse(&text, &path.display().to_string()).unwrap()),
                "toml" => {
                    ConfigFile::parse(&text, &path.display().to_string()).unwrap();
                    // Editors know the file by its schema alone.
                    let value: serde_json::Value = toml::from_str(&text).unwrap();
                    let errors: Vec<String> = schema.iter_errors(&value).map(|e| format!("{e} at {}", e.instance_path())).collect();
                    assert!(errors.is_empty(), "{}: {errors:?}", path.display());
                }
                "json" => drop(document::read(&text, &path.display().to_string()).unwrap()),
                "console" | "text" => {}
                // The test of hooks gives them to the managers that they are for.
                "yaml" if path.ends_with("hooks.md") => {}
                // What a page shows of a gate is what an example holds, which is built and tried.
                "rust" | "c" | "js" | "lua" => {
                    assert!(sources.iter().any(|s| s.contains(&text)), "{}: no example has\n{text}", path.display())
                }
                "sh" => assert!(path.ends_with("README.md"), "{}: only the README has commands that no test runs here", path.display()),
                other => panic!("{}: a block of {other:?} is checked by nothing", path.display()),
            }
        }
    }
    for entry in std::fs::read_dir(examples).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        match path.extension().and_then(|e| e.to_str()) {
            Some("toml") => drop(ConfigFile::parse(&text, &path.display().to_string()).unwrap()),
            Some("json") => drop(document::read(&text, &path.display().to_string()).unwrap()),
            other => panic!("{}: {other:?}", path.display()),
        }
    }
}

/// The two set-up commands are these and no others; the first is run by the test of the demo, the second is this.
#[test]
fn the_readme_has_two_set_up_commands() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let set_up: Vec<_> = blocks(&readme).into_iter().filter(|(language, _)| language == "sh").flat_map(|(_, lines)| lines).collect();
    assert_eq!(set_up, ["cargo run --release -- demo", "cargo test"]);
    assert!(std::fs::read_to_string(root.join(".ci/run")).unwrap().lines().any(|l| l == "cargo test"));
}

#[test]
fn every_command_has_help_and_every_page_is_in_the_readme() {
    let sandbox = Sandbox::new();
    let help = sandbox.lex(&["-h"]).exits(0).stdout;
    for command in [
        "init",
        "doctor",
        "plan",
        "order",
        "forecast",
        "gate",
        "execute",
        "plugin",
        "merge",
        "retry",
        "watch",
        "abort",
        "undo",
        "sync",
        "status",
        "report",
        "replay",
        "resolutions",
        "hook",
        "demo",
        "schema",
        "completions",
        "man",
    ] {
        assert!(help.contains(&format!("  {command} ")), "{command} in {help}");
        assert!(sandbox.lex(&[command, "--help"]).exits(0).stdout.contains("Usage: git lex-pr"), "{command}");
    }
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    for page in pages().iter().filter(|p| !p.ends_with("README.md")) {
        let name = page.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().to_str().unwrap();
        assert!(readme.contains(name), "{name} is not linked");
    }
}
