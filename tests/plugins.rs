//! `git lex-pr plugin`: what there is, what a plugin is made of, and building one.

use crate::{
    sandbox::Sandbox,
    wasm::{corpus, write},
};
use serde_json::{Value, json};
use std::{path::Path, process::Command};

const LUA: &str = "return { description = 'Says yes', capabilities = { 'clock' },
  config = { max = { type = 'integer', default = 3 } }, needs = { 'other' },
  check = function() return { answer = 'pass', summary = 'yes' } end }";

#[test]
fn the_list_says_what_each_plugin_asks_for_and_why_one_does_not_load() {
    let sandbox = Sandbox::new();
    assert!(
        sandbox.lex(&["plugin", "list"]).exits(0).stdout.contains("builtin:")
            || sandbox.lex(&["plugin", "list"]).stdout.contains("no plugins yet")
    );
    sandbox.write("yes.lua", LUA);
    write(&sandbox, "quiet.wasm", &corpus("keeps-count"));
    let gate = |name: &str, plugin: &str, keys: &str| format!("[[gate]]\nname = \"{name}\"\nplugin = \"{plugin}\"\n{keys}\n");
    let config = [gate("granted", "yes.lua", "allow = [\"clock\"]"), gate("quiet", "quiet.wasm", "")].concat();
    sandbox.config(&config);
    let listed = sandbox.json(&["plugin", "list"], 0);
    let of = |listed: &Value, gate: &str| listed.as_array().unwrap().iter().find(|one| one["gate"] == gate).unwrap().clone();
    let granted =
        json!({ "plugin": "yes.lua", "gate": "granted", "description": "Says yes", "capabilities": ["clock"], "granted": ["clock"] });
    assert_eq!(of(&listed, "granted"), granted);
    assert_eq!(of(&listed, "quiet")["plugin"], "quiet.wasm");

    sandbox.config(&[config, gate("refused", "yes.lua", ""), gate("gone", "gone.wasm", "")].concat());
    let listed = sandbox.json(&["plugin", "list"], 1);
    let refused = of(&listed, "refused");
    assert_eq!(refused["description"], "Says yes", "what lacks a grant still says what it is");
    assert!(refused["error"].as_str().unwrap().contains("allow = [\"clock\"]"), "{refused}");
    assert!(of(&listed, "gone")["error"].as_str().unwrap().contains("there is no file gone.wasm"), "{listed}");
    let text = sandbox.lex(&["plugin", "list"]).exits(1).stdout;
    assert!(text.starts_with("PLUGIN") && text.contains("there is no file gone.wasm"), "{text}");
    sandbox.sound();
}

#[test]
fn inspect_shows_what_a_plugin_is_made_of() {
    let sandbox = Sandbox::new();
    sandbox.write("yes.lua", LUA);
    write(&sandbox, "gates/plain.wasm", &corpus("keeps-count"));
    write(&sandbox, "gates/wasi.wasm", &corpus("wasi-environment"));
    let shown = sandbox.json(&["plugin", "inspect", "yes.lua"], 0);
    assert_eq!(
        (&shown["description"], &shown["capabilities"], &shown["needs"]),
        (&json!("Says yes"), &json!(["clock"]), &json!(["other"]))
    );
    assert_eq!((&shown["config"]["max"]["default"], &shown["files"]), (&json!(3), &json!(["yes.lua"])));
    assert_eq!((&shown["size"], &shown["component"]), (&json!(LUA.len()), &Value::Null));
    let shown = sandbox.json(&["plugin", "inspect", "gates/plain.wasm"], 0);
    assert_eq!((&shown["component"]["world"], &shown["component"]["wasi"]), (&json!("lex-pr:gate/gate@1.0.0"), &json!(false)));
    assert!(shown["component"]["imports"].as_array().unwrap().contains(&json!("lex-pr:gate/log@1.0.0")), "{shown}");
    let text = sandbox.lex(&["plugin", "inspect", "gates/wasi.wasm"]).exits(0).stdout;
    assert!(text.contains("wasi:cli/environment@0.2.6") && text.contains("wasi         imported"), "{text}");
    // From outside of a repository too, and from an absolute path.
    let absolute = sandbox.repo.join("gates/plain.wasm");
    sandbox.lex_in(sandbox.root.path(), &["plugin", "inspect", absolute.to_str().unwrap()]).exits(0);
    for (file, words) in [
        ("nothing.lua", "there is no file nothing.lua"),
        ("base.txt", "`base.txt` is no plugin"),
        ("builtin:nothing", "there is no built-in gate `nothing`"),
    ] {
        let said = sandbox.lex(&["plugin", "inspect", file]).exits(2);
        assert!(said.stderr.contains(words), "{file}: {}", said.stderr);
    }
    write(&sandbox, "core.wasm", &corpus("core-module"));
    let said = sandbox.lex(&["plugin", "inspect", "core.wasm"]).exits(2).stderr;
    assert!(said.contains("it is a core WASM module") && said.contains("wasm-tools component new"), "{said}");
}

#[test]
fn build_runs_the_folders_script_and_shows_what_came_of_it() {
    let sandbox = Sandbox::new();
    write(&sandbox, "g/made.wasm", &corpus("keeps-count"));
    sandbox.write("g/build.sh", "echo building; cp \"$(dirname \"$0\")/made.wasm\" \"$1\"\n");
    let said = sandbox.lex(&["plugin", "build", "g", "--json"]).exits(0);
    assert_eq!((said.json()["plugin"].as_str(), said.stderr.as_str()), (Some("g/gate.wasm"), "building\n"));
    assert!(sandbox.repo.join("g/gate.wasm").is_file());
    sandbox.lex(&["plugin", "build", "g", "-o", "else.wasm"]).exits(0);
    assert!(sandbox.repo.join("else.wasm").is_file());
    sandbox.write("g/build.sh", "echo broken >&2; exit 7\n");
    let said = sandbox.lex(&["plugin", "build", "g"]).exits(2).stderr;
    assert!(said.contains("broken") && said.contains("exit status: 7"), "{said}");
    let said = sandbox.lex(&["plugin", "build", "."]).exits(2).stderr;
    assert!(said.contains("build.sh") && said.contains("plugins/examples"), "{said}");
}

/// Where the tools of the C example are installed, it is built from source, and the build passes the cases that the committed
/// component passes; elsewhere there is nothing to build with.
#[test]
fn the_example_in_c_can_be_built_from_its_source() {
    let has = |program: &str| Command::new(program).arg("--version").output().is_ok_and(|said| said.status.success());
    let linker = has("wasm-ld-22") || has("wasm-ld");
    if !(has("wit-bindgen") && has("wasm-tools") && has("clang") && linker && Path::new("/usr/lib/wasm32-wasi").is_dir()) {
        println!("not built: wit-bindgen, wasm-tools, clang, wasm-ld or wasi-libc is not installed");
        return;
    }
    let sandbox = Sandbox::new();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/examples/c-size");
    let built = sandbox.repo.join("gate.wasm");
    let mut build = sandbox.lex_command(&sandbox.repo, &["plugin", "build"]);
    let said = build.arg(&example).arg("-o").arg(&built).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let cases = example.join("cases");
    let said = sandbox.lex_command(&sandbox.repo, &["gate", "test", "gate.wasm", "--cases"]).arg(cases).output().unwrap();
    let words = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.status.success() && words.contains("3 cases passed"), "{words}{}", String::from_utf8_lossy(&said.stderr));
}
