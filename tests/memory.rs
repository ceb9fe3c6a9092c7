//! What a run does where memory is short: it starts nothing beside what is at work, tells of it, and goes on.

use crate::sandbox::Sandbox;
use serde_json::Value;

/// Branches `a`, `b` and `c`, and gates that write down when they begin and end.
fn with(policy: &str, gates: &[(&str, &str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new();
    let gate = |(name, run, more): &(&str, &str, &str)| {
        let log = |word: &str| format!("echo {word} $LEX_PR_ITEM/{name} $(date +%s%N) >> $LOG");
        format!("[[gate]]\nname = \"{name}\"\nallow = [\"env:LOG\"]\n{more}run = '''{}\n{run}\n{}'''\n", log("begin"), log("end"))
    };
    let gates: Vec<String> = gates.iter().map(gate).collect();
    sandbox.config(&format!("[policy]\nbatch = \"speculative\"\n{policy}\n{}", gates.concat()));
    for item in ["a", "b", "c"] {
        sandbox.branch(item, "main", item, &[(&format!("{item}.txt"), item)]);
    }
    sandbox.lex(&["plan", "create"]).exits(0);
    sandbox
}

/// A gate that waits for `gates` to have begun, ten seconds at most, and then gives one more the time to begin.
fn company(gates: u32) -> String {
    format!("for i in $(seq 100); do test $(grep -c begin $LOG) -ge {gates} && break; sleep 0.1; done; sleep 0.3")
}

/// Run it: what it said on stderr, its document, and the gates at work, as many as there were, whenever one began.
fn run(sandbox: &Sandbox) -> (String, Value, Vec<Vec<String>>) {
    let log = sandbox.root.path().join("log");
    let output = sandbox.lex_command(&sandbox.repo, &["execute", "--json", "--fresh"]).env("LOG", &log).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let (mut at_work, mut seen): (Vec<String>, _) = (Vec::new(), Vec::new());
    let text = std::fs::read_to_string(&log).unwrap();
    std::fs::remove_file(log).unwrap();
    for line in text.lines() {
        let mut words = line.split(' ');
        let (word, name) = (words.next().unwrap(), words.next().unwrap().to_string());
        at_work.retain(|other| *other != name);
        if word == "begin" {
            at_work.push(name);
            seen.push(at_work.clone());
        }
    }
    sandbox.sound();
    (said, serde_json::from_slice(&output.stdout).unwrap(), seen)
}

fn note(run: &Value) -> Option<String> {
    run["notes"].as_array()?.iter().filter_map(Value::as_str).find(|note| note.contains("memory")).map(String::from)
}

#[test]
fn nothing_starts_beside_a_gate_that_has_taken_the_memory() {
    let hog = "head -c 150000000 /dev/zero | tail -c 150000000 | { sleep 1.2; wc -c; }";
    let gates = [("hog", hog, ""), ("quick", "sleep 0.4", "")];
    let performance = "max-workers = 2\nperformance = { max-memory-mb = 200, memory-threshold-percent = 60";
    let (said, document, seen) = run(&with(&format!("{performance} }}"), &gates));
    assert!(!seen.iter().any(|at| at.len() > 1 && at[0] == "a/hog" && at[1] != "a/quick"), "beside the first one: {seen:?}");
    assert_eq!(seen.len(), 6, "each has run: {seen:?}");
    let words = "of 200 MB; from 60 % on nothing more starts";
    assert!(said.contains("memory is short: the run uses ") && said.contains(words), "{said}");
    let note = note(&document).unwrap();
    assert!(note.starts_with("for want of memory gates were held back ") && note.contains(" s in all; first at 20"), "{note}");
    assert!(note.contains(words), "{note}");

    let (said, document, seen) = run(&with(&format!("{performance}, throttle-on-memory = false }}"), &gates));
    assert!(seen.iter().any(|at| at.len() > 1 && at[0] == "a/hog" && at[1].starts_with("b/")), "{seen:?}");
    assert_eq!((said.contains("memory"), self::note(&document)), (false, None));
}

#[test]
fn what_gates_may_use_is_kept_for_them() {
    let most = |seen: &[Vec<String>]| seen.iter().map(Vec::len).max();
    let policy = "max-workers = 3\nperformance = { max-memory-mb = 200, memory-threshold-percent = 100 }";
    let (said, document, seen) = run(&with(policy, &[("big", &company(2), "memory-mb = 90\n")]));
    assert_eq!(most(&seen), Some(2), "{seen:?}");
    assert!(said.contains(" and has promised its gates "), "{said}");
    assert!(note(&document).is_some());
    let (_, document, seen) = run(&with(&policy.replace("200", "2000"), &[("big", &company(3), "memory-mb = 90\n")]));
    assert_eq!((most(&seen), note(&document)), (Some(3), None), "{seen:?}");
}

#[test]
fn one_gate_runs_however_short_memory_is() {
    let policy = "max-workers = 3\nperformance = { memory-threshold-percent = 0 }";
    let (said, document, seen) = run(&with(policy, &[("g", "sleep 0.1", "")]));
    assert!(seen.iter().all(|at| at.len() == 1) && seen.len() == 3, "{seen:?}");
    assert!(said.contains("memory is short: ") && note(&document).is_some(), "{said}");
}

#[test]
fn no_more_items_are_judged_ahead_than_belong_together() {
    let most = |size: u32| {
        let policy = format!("max-workers = 3\nperformance = {{ batch-size = {size} }}");
        run(&with(&policy, &[("g", &company(size.min(3)), "")])).2.iter().map(Vec::len).max()
    };
    assert_eq!((most(1), most(2), most(50)), (Some(1), Some(2), Some(3)));
    let sandbox = with("", &[]);
    sandbox.config("[policy]\nbatch = \"bisect\"\nperformance = { batch-size = 2 }\n[[gate]]\nname = \"g\"\nrun = \"echo $LEX_PR_ITEM >> $LOG\"\nallow = [\"env:LOG\"]\n");
    let log = sandbox.root.path().join("log");
    sandbox.lex_command(&sandbox.repo, &["execute"]).env("LOG", &log).output().unwrap();
    assert_eq!(std::fs::read_to_string(log).unwrap(), "b\nc\n", "two by the second of them, then one");
}

#[test]
fn limits_of_a_run_that_cannot_be_are_refused() {
    let sandbox = with("", &[]);
    for (value, place, words) in [
        ("max-memory-mb = 1", "policy.performance.max-memory-mb", "128 MB"),
        ("batch-size = 0", "policy.performance.batch-size", "one item"),
        ("memory-threshold-percent = 120", "policy.performance.memory-threshold-percent", "0 to 100"),
    ] {
        sandbox.config(&format!("[policy.performance]\n{value}\n"));
        let error = sandbox.json(&["execute"], 2)["error"].clone();
        assert_eq!((error["code"].as_str(), error["at"]["path"].as_str()), (Some("bad-value"), Some(place)));
        assert!(error["message"].as_str().unwrap().contains(words), "{error}");
    }
    sandbox.config("");
    let plan = sandbox.json(&["plan", "show"], 0);
    for (key, value) in [("maxMemoryMB", 1), ("batchSize", 0), ("memoryThresholdPercent", 101)] {
        let mut plan = plan["plan"].as_object().map_or(plan.clone(), |plan| Value::Object(plan.clone()));
        plan["policy"]["performance"] = serde_json::json!({ key: value });
        let said = sandbox.lex_fed(&["merge", "-"], &plan.to_string()).exits(2).stderr;
        assert!(said.contains(&format!("policy.performance.{key}")), "{said}");
    }
}
