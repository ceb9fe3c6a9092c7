//! The gates that ship: each is there, explained, and works without a config. What each of them says is told by its own cases.

use crate::sandbox::{Sandbox, find};
use lex_pr::{
    gate::{Engines, Limits, Manifest, Plugin, Shelf, builtin},
    model::gate::GateSpec,
};
use serde_json::{Value, json};
use std::path::Path;

fn gate(name: &str) -> GateSpec {
    serde_json::from_value(json!({ "name": name, "plugin": format!("builtin:{name}") })).unwrap()
}

fn manifest(name: &str) -> Manifest {
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let plugin = Plugin::load(&gate(name), &Shelf::Folder(Path::new(".")), &Engines::default(), &stopped);
    plugin.unwrap_or_else(|e| panic!("{name}: {e}")).manifest().clone()
}

#[test]
fn every_gate_that_ships_has_cases_and_is_explained_with_its_defaults() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<String> =
        std::fs::read_dir(root.join("gates")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    folders.sort();
    assert_eq!(folders, builtin::ALL.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let page = std::fs::read_to_string(root.join("docs/gates/builtin.md")).unwrap();
    for name in &folders {
        assert!(std::fs::read_dir(root.join("gates").join(name).join("cases")).unwrap().count() >= 6, "{name} has few cases");
        let section =
            page.split("\n## ").find(|section| section.starts_with(&format!("{name}\n"))).unwrap_or_else(|| panic!("no section {name}"));
        let manifest = manifest(name);
        assert!(!manifest.description.is_empty() && manifest.capabilities.is_empty() && manifest.needs.is_empty(), "{name}");
        // What a user's config is held against, and what counts where there is none.
        let schema = jsonschema::validator_for(&manifest.schema()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let defaults: serde_json::Map<String, Value> = manifest.config.iter().map(|(key, s)| (key.clone(), s["default"].clone())).collect();
        assert_eq!(manifest.complete(&gate(name)).unwrap(), defaults, "{name}");
        assert!(schema.is_valid(&Value::Object(defaults)), "{name}");
        for (key, schema) in &manifest.config {
            assert!(schema["description"].as_str().is_some_and(|words| words.ends_with('.')), "{name}.{key}");
            let row = section.lines().find(|line| line.starts_with(&format!("| `{key}` | `"))).unwrap_or_else(|| panic!("{name}.{key}"));
            let shown = row.split("` | `").nth(1).and_then(|rest| rest.split("` |").next()).unwrap();
            assert_eq!(serde_json::from_str::<Value>(shown).unwrap(), schema["default"], "{name}.{key}");
        }
        let rows = section.split("\n\n").find(|part| part.starts_with("| key | default")).unwrap().lines().count();
        assert_eq!(rows, manifest.config.len() + 2, "{name}: the page has a key that is none");
    }
    assert_eq!(Limits::of(&gate("secrets")).memory, 64 << 20, "what the limits of 4 MiB a file are made for");
}

/// What was asked of the gates of `asking`, without the check that is always on.
fn verdicts(run: &Value, item: &str) -> Vec<(String, String, String)> {
    let gates = find(run, item)["gates"].as_array().unwrap().iter().filter(|g| g["gate"] != "conflict-markers");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    gates.map(|g| (text(&g["gate"]), text(&g["verdict"]["verdict"]), text(&g["verdict"]["summary"]))).collect()
}

/// A sandbox whose target asks for `gates`, each under its own name but the one that is taken.
fn asking(gates: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    let config: String = gates.iter().map(|name| format!("[[gate]]\nname = \"x-{name}\"\nplugin = \"builtin:{name}\"\n")).collect();
    sandbox.config(&config);
    sandbox
}

#[test]
fn a_good_item_passes_all_of_them_without_any_config() {
    let names: Vec<&str> = builtin::ALL.iter().map(|(name, _)| *name).collect();
    let sandbox = asking(&names);
    sandbox.git(&["switch", "-q", "-c", "good", "main"]);
    sandbox.write("src/new.rs", "// SPDX-License-Identifier: MIT\nfn main() {}\n");
    sandbox.git(&["add", "-A"]);
    sandbox.git(&["commit", "-q", "-s", "-m", "feat: add a program"]);
    sandbox.git(&["switch", "-q", "main"]);
    sandbox.lex(&["plan", "create", "good"]).exits(0);
    let run = sandbox.lex(&["execute", "--json"]).exits(0).json();
    let said = verdicts(&run, "good");
    assert_eq!(said.iter().filter(|(_, verdict, _)| verdict == "pass").count(), names.len(), "{said:#?}");
}

/// The format of cases cannot say this one: its merges are all of the target.
#[test]
fn a_merge_of_another_branch_is_told_from_one_of_the_target() {
    let sandbox = asking(&["merge-commits"]);
    let commit = |branch: &str, from: &str| {
        sandbox.git(&["switch", "-q", "-c", branch, from]);
        sandbox.write(&format!("{branch}.txt"), "x\n");
        sandbox.git(&["add", "-A"]);
        sandbox.git(&["commit", "-q", "-m", branch]);
    };
    commit("other", "main");
    commit("brings", "main");
    sandbox.git(&["merge", "-q", "--no-ff", "--no-edit", "other"]);
    commit("follows", "main");
    sandbox.git(&["switch", "-q", "main"]);
    sandbox.git(&["commit", "-q", "--allow-empty", "-m", "further"]);
    sandbox.git(&["switch", "-q", "follows"]);
    sandbox.git(&["merge", "-q", "--no-ff", "--no-edit", "main"]);
    sandbox.git(&["switch", "-q", "main"]);
    sandbox.lex(&["plan", "create", "brings", "follows"]).exits(0);
    let run = sandbox.lex(&["execute", "--json"]).exits(1).json();
    let answer = |item: &str| verdicts(&run, item).remove(0);
    assert!(answer("brings").1 == "fail" && answer("brings").2.contains("Merge branch 'other'"), "{:?}", answer("brings"));
    assert_eq!((answer("follows").1.as_str(), answer("follows").2.as_str()), ("pass", "1 merge among 2 commits"));
}

/// They share one machine: what one asked, how it is configured, and that it failed, is no other's business.
#[test]
fn gates_that_ship_do_not_meet_in_their_machine() {
    let sandbox = Sandbox::new();
    sandbox.config(
        r#"
[policy]
optional = ["full", "strict"]
[[gate]]
name = "first"
plugin = "builtin:diff-size"
[[gate]]
name = "full"
plugin = "builtin:secrets"
memory-mb = 1
[[gate]]
name = "narrow"
plugin = "builtin:diff-size"
paths = ["src/**"]
[[gate]]
name = "strict"
plugin = "builtin:diff-size"
config = { max-lines = 1, warn-lines = 0 }
[[gate]]
name = "last"
plugin = "builtin:diff-size"
"#,
    );
    let large = "x".repeat(3 << 20);
    sandbox.branch("a", "main", "a", &[("a.txt", &large), ("src/a.txt", "1\n2\n")]);
    sandbox.branch("b", "main", "b", &[("b.txt", "1\n"), ("src/b.txt", "1\n2\n3\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    let run = sandbox.json(&["execute"], 0);
    for (item, all, narrow) in [("a", "3 lines in 2 files", "2 lines in 1 file"), ("b", "4 lines in 2 files", "3 lines in 1 file")] {
        let said = verdicts(&run, item);
        let of = |gate: &str| said.iter().find(|(name, ..)| name == gate).map(|(_, verdict, words)| (verdict.as_str(), words.as_str()));
        assert_eq!((of("first"), of("last")), (Some(("pass", all)), Some(("pass", all))), "{said:#?}");
        assert_eq!(of("narrow"), Some(("pass", narrow)), "{said:#?}");
        assert!(of("strict").is_some_and(|(verdict, words)| verdict == "fail" && words.starts_with(all)), "{said:#?}");
        let full = of("full").unwrap();
        assert_eq!(full.0, if item == "a" { "error" } else { "pass" }, "{full:?}");
    }
}
