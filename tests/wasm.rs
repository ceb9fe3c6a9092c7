//! Gates in WASM: what they see, what they may, and what a hostile one comes to.

use crate::sandbox::{Sandbox, find, status};
use lex_pr::gate::{Engines, Inspected, Shelf};
use serde_json::Value;
use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

/// A component out of a text of the corpus: a component or module as it is, or a core module that is put into the frame.
fn assemble(text: &str) -> Vec<u8> {
    let of_itself = text
        .lines()
        .any(|line| line.starts_with("(module") || line == "(component" || line.starts_with("(component (import") || line == "(component)");
    if of_itself {
        return wat::parse_str(text).unwrap();
    }
    let (outer, rest) = text.split_once(";; EXPORTS").unwrap_or(("", text));
    let (exports, core) = rest.split_once(";; CORE").unwrap_or(("", rest));
    let mut core = core.to_string();
    for (name, answer) in [("describe", 0), ("check", 64)] {
        if !core.contains(&format!("(func ${name} ")) {
            core.push_str(&format!("(func ${name} (result i32) (i32.const {answer}))\n"));
        }
    }
    // Imports come before everything else in a module, and the memory of the frame is one.
    let frame = std::fs::read_to_string("tests/hostile/wasm.wat").unwrap();
    let text = frame.replace(";; WASI", outer).replace(";; EXPORTS", exports).replace(";; CORE", &core);
    wat::parse_str(&text).unwrap_or_else(|e| panic!("{e}"))
}

/// A component of the corpus, by the name of its file.
pub fn corpus(name: &str) -> Vec<u8> {
    assemble(&std::fs::read_to_string(format!("tests/hostile/wasm/{name}.wat")).unwrap())
}

/// A file that is no text, in the work tree.
pub fn write(sandbox: &Sandbox, path: &str, bytes: &[u8]) {
    let path = sandbox.repo.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// One branch `a` and a plan of it, with a gate `g` whose plugin is `gate.wasm`, and more keys for it.
fn with_gate(wasm: &[u8], keys: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    write(&sandbox, "gate.wasm", wasm);
    sandbox.config(&format!("[[gate]]\nname = \"g\"\nplugin = \"gate.wasm\"\n{keys}\n"));
    sandbox.branch("a", "main", "a", &[("a.txt", "a\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    sandbox
}

#[track_caller]
fn verdict<'v>(run: &'v Value, item: &str, gate: &str) -> &'v Value {
    let gates = find(run, item)["gates"].as_array().unwrap();
    &gates.iter().find(|g| g["gate"] == gate).unwrap_or_else(|| panic!("no gate {gate}: {run}"))["verdict"]
}

fn said(run: &Value, item: &str, gate: &str) -> String {
    let verdict = verdict(run, item, gate);
    format!("{}: {}", verdict["verdict"].as_str().unwrap(), verdict["summary"].as_str().unwrap())
}

/// The corpus: each file's first line says what its verdict must begin with.
#[test]
fn no_component_hurts_the_machine_or_the_next_gate() {
    let sandbox = Sandbox::new();
    let mut cases = Vec::new();
    let mut gates = String::new();
    for entry in std::fs::read_dir("tests/hostile/wasm").unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap().trim_end_matches(".wat").to_string();
        let text = std::fs::read_to_string(entry.path()).unwrap();
        write(&sandbox, &format!("gates/{name}.wasm"), &assemble(&text));
        cases.push((name, text.lines().next().unwrap().strip_prefix(";; ").unwrap().to_string()));
    }
    assert!(cases.len() > 60, "{}", cases.len());
    let whole = corpus("keeps-count");
    let mut huge = whole.clone();
    huge.resize(100 << 20, 0);
    for (name, bytes, words) in [
        ("made-truncated", &whole[..whole.len() / 2], "error: it is no sound component"),
        ("made-garbage", &[&whole[..200], &[0xff; 400]].concat(), "error: it is no sound component"),
        ("made-empty", &[], "error: it is no WASM"),
        ("made-of-text", b"(component)", "error: it is no WASM"),
        ("made-huge", &huge, "error: gates/made-huge.wasm has 104857600 bytes, more than"),
    ] {
        write(&sandbox, &format!("gates/{name}.wasm"), bytes);
        cases.push((name.into(), words.into()));
    }
    for (name, _) in &cases {
        gates.push_str(&format!("[[gate]]\nname = \"{name}\"\nplugin = \"gates/{name}.wasm\"\ntimeout = \"500ms\"\nmemory-mb = 16\n"));
    }
    gates.push_str("[[gate]]\nname = \"good\"\nplugin = \"gates/keeps-count.wasm\"\n[[gate]]\nname = \"command\"\nrun = \"true\"\n");
    sandbox.config(&format!("[policy]\nrequired = [\"good\", \"command\"]\n{gates}"));
    sandbox.branch("a", "main", "a", &[("a.txt", "a\n")]);
    sandbox.branch("b", "main", "b", &[("b.txt", "b\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    let run = sandbox.json(&["merge", "--execute"], 0);
    let mut wrong = Vec::new();
    for (name, expected) in &cases {
        for item in ["a", "b"] {
            let got = said(&run, item, name);
            let ms = verdict(&run, item, name)["durationMs"].as_u64().unwrap();
            if !got.starts_with(expected.as_str()) || ms > 5_000 {
                wrong.push(format!("{name} ({item}, {ms} ms): {got}\n    expected {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for item in ["a", "b"] {
        assert_eq!((status(&run, item), said(&run, item, "command").as_str()), ("merged", "pass: exit status 0"));
        assert_eq!(said(&run, item, "good"), "pass: ");
    }
    for word in ["\\u001b", "\u{1b}", "\u{202e}", "root:"] {
        assert!(!run.to_string().contains(word), "{word:?} came through");
    }
    sandbox.sound();
}

#[test]
fn fuel_ends_a_gate_at_the_same_place_on_every_machine() {
    let sandbox = with_gate(&corpus("loop"), "fuel = 1000000\ntimeout = \"10m\"");
    let run = sandbox.json(&["execute"], 1);
    let expected = "error: used up its fuel of 1000000 units; `fuel` of the gate in lex-pr.toml is how much it has";
    assert_eq!(said(&run, "a", "g"), expected);
    sandbox.sound();
}

/// What cannot be written or trusted as a cache is none, and nothing is lost but time.
#[test]
fn compiled_components_are_kept_where_nobody_else_can_write() {
    let sandbox = with_gate(&corpus("keeps-count"), "");
    let cache = sandbox.root.path().join("home/.cache/git-lex-pr/wasm");
    let kept = || {
        let mut files = 0;
        let mut open = vec![cache.clone()];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.path().is_dir() { open.push(entry.path()) } else { files += 1 }
            }
        }
        files
    };
    let ask = || assert_eq!(said(&sandbox.json(&["execute", "--fresh"], 0), "a", "g"), "pass: ");
    ask();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&cache).unwrap().permissions()) & 0o777, 0o700);
    assert!(kept() > 0);
    ask();
    std::fs::remove_dir_all(&cache).unwrap();
    std::fs::create_dir(&cache).unwrap();
    std::fs::set_permissions(&cache, std::os::unix::fs::PermissionsExt::from_mode(0o770)).unwrap();
    ask();
    assert_eq!(kept(), 0, "others could write here");
    std::fs::remove_dir_all(&cache).unwrap();
    std::fs::write(&cache, "no folder").unwrap();
    ask();
}

#[test]
fn a_small_address_space_is_enough() {
    let sandbox = with_gate(&corpus("keeps-count"), "");
    let binary = Path::new(env!("CARGO_BIN_EXE_git-lex-pr"));
    let mut shell = sandbox.command("sh", &sandbox.repo);
    shell.arg("-c").arg("ulimit -v 2000000 && exec \"$0\" execute --json").arg(binary);
    let output = shell.output().unwrap();
    let run: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"));
    assert_eq!(said(&run, "a", "g"), "pass: ");
}

/// The names of a process's threads.
fn threads(process: &str) -> Vec<String> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok()).map(|name| name.trim().to_string()).collect()
}

#[test]
fn ctrl_c_ends_a_gate_that_would_run_for_long() {
    let sandbox = with_gate(&corpus("loop"), "fuel = 1000000000000000\ntimeout = \"10m\"");
    let before = sandbox.git(&["rev-parse", "main"]);
    let mut command = sandbox.lex_command(&sandbox.repo, &["merge", "--execute"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let pid = child.id().to_string();
    let patience = Instant::now() + Duration::from_secs(20);
    while !threads(&pid).iter().any(|name| name == "ticker") {
        assert!(Instant::now() < patience, "it never ran");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(300));
    let pressed = Instant::now();
    sandbox.command("kill", &sandbox.repo).args(["-INT", &pid]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(pressed.elapsed() < Duration::from_secs(5));
    assert_eq!(sandbox.git(&["rev-parse", "main"]), before);
    sandbox.sound();
}

#[test]
fn no_thread_outlives_the_engine() {
    let ticks = || threads("self").iter().filter(|name| *name == "ticker").count();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("gate.wasm"), corpus("keeps-count")).unwrap();
    let stop = tokio::sync::watch::channel(false).1;
    let engines = Engines::default();
    assert_eq!(ticks(), 0, "nothing is made before it is needed");
    Inspected::load("gate.wasm", &Shelf::Folder(folder.path()), &engines, &stop).unwrap();
    // A thread gives itself its name, a moment after it is there.
    let patience = Instant::now() + Duration::from_secs(20);
    while ticks() != 1 {
        assert!(Instant::now() < patience, "it never ticks");
    }
    drop(engines);
    assert_eq!(ticks(), 0);
}

#[test]
fn a_component_is_shown_the_candidate() {
    let sandbox = with_gate(&corpus("says-what-a-file-holds"), "");
    assert_eq!(said(&sandbox.json(&["execute"], 0), "a", "g"), "pass: one two three");
    let narrowed = with_gate(&corpus("says-what-a-file-holds"), "paths = [\"a.txt\"]");
    assert_eq!(said(&narrowed.json(&["execute"], 1), "a", "g"), "fail: ", "beyond its paths there is nothing");
}
