//! When a recorded verdict counts, why, and what all of them say of a gate.

use crate::sandbox::{Sandbox, find, ran, status};
use serde_json::Value;

const GATE: &str = "[[gate]]\nname = \"t\"\nrun = '''echo x >> $HOME/ran; ! grep -q bad *.txt'''\n";

fn one(config: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.config(config);
    sandbox.branch("a", "main", "a", &[("a.txt", "a\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    sandbox
}

fn why(sandbox: &Sandbox, args: &[&str]) -> String {
    let run = sandbox.json(&[&["execute", "--explain"], args].concat(), 0);
    find(&run, "a")["gates"].as_array().unwrap().iter().find(|gate| gate["gate"] == "t").unwrap()["why"].as_str().unwrap().to_string()
}

#[test]
fn a_report_explains_why_a_gate_was_asked() {
    let sandbox = one(GATE);
    assert_eq!(why(&sandbox, &[]), "asked: it was never asked here");
    let reused = why(&sandbox, &[]);
    assert!(
        reused.starts_with("reused: Tess <tess@example.com> asked it at 20") && reused.ends_with(" about this very tree, for a"),
        "{reused}"
    );
    assert_eq!(why(&sandbox, &["--fresh"]), "asked: --fresh asks everything");
    assert_eq!(ran(&sandbox), 2);

    sandbox.git(&["checkout", "-q", "a"]);
    sandbox.write("more.txt", "more\n");
    sandbox.commit("More");
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.lex(&["plan", "add", "default", "a"]).exits(0);
    let differs = why(&sandbox, &[]);
    assert!(differs.starts_with("asked: more.txt differs from what it judged at ") && differs.ends_with(", for a"), "{differs}");

    sandbox.config(&GATE.replace("echo x", "echo y"));
    assert!(why(&sandbox, &[]).starts_with("asked: what it does, or what it judges, has changed since it was last asked at "));
    let text = sandbox.lex(&["execute", "--explain"]).exits(0).stdout;
    assert!(text.contains("ITEM  GATE  WHY\na     t     reused: Tess"), "{text}");
    assert!(!sandbox.lex(&["execute"]).exits(0).stdout.contains("WHY"));
    sandbox.sound();
}

#[test]
fn two_items_with_the_same_inputs_are_one_job_and_the_report_says_so() {
    let sandbox = one(&format!("{GATE}paths = [\"base.txt\"]\n"));
    sandbox.branch("b", "main", "b", &[("b.txt", "b\n")]);
    sandbox.lex(&["plan", "add", "default", "b"]).exits(0);
    let run = sandbox.json(&["execute", "--explain"], 0);
    assert_eq!(ran(&sandbox), 1);
    let why = find(&run, "b")["gates"][1]["why"].as_str().unwrap();
    assert!(why.starts_with("reused: Tess <tess@example.com> asked it at ") && why.ends_with("about the same inputs, for a"), "{why}");
    let ahead = sandbox.json(&["execute", "--explain", "--fresh", "--batch", "speculative"], 0);
    assert_eq!(find(&ahead, "b")["gates"][1]["why"], "asked once for it and for a: their inputs are the same");
}

#[test]
fn a_verdict_counts_for_as_long_as_the_policy_says() {
    let sandbox = one(&format!("{GATE}[policy.performance]\ncache-ttl-seconds = 1\n"));
    sandbox.json(&["execute"], 0);
    std::thread::sleep(std::time::Duration::from_millis(1500));
    assert!(why(&sandbox, &[]).ends_with(" is older than 1.0 s"));
    assert_eq!(ran(&sandbox), 2);

    let sandbox = one(&format!("{GATE}[policy.performance]\nenable-caching = false\n"));
    sandbox.json(&["execute"], 0);
    assert_eq!(why(&sandbox, &[]), "asked: the policy uses no recorded verdicts (enable-caching = false)");
    assert_eq!(ran(&sandbox), 2);

    // A plan cannot make what is too old for the target count.
    let sandbox = one(&format!("{GATE}[policy.performance]\ncache-ttl-seconds = 0\n"));
    let mut plan: Value = sandbox.json(&["plan", "show"], 0);
    plan["policy"]["performance"] = serde_json::json!({ "cacheTTLSeconds": 3600, "cacheSize": 1 });
    sandbox.write("plan.json", &plan.to_string());
    sandbox.json(&["execute", "plan.json"], 0);
    std::thread::sleep(std::time::Duration::from_millis(20));
    sandbox.json(&["execute", "plan.json"], 0);
    assert_eq!(ran(&sandbox), 2);
}

#[test]
fn the_newer_of_two_verdicts_of_one_second_counts() {
    let sandbox = one("[[gate]]\nname = \"t\"\nrun = '''test -e $HOME/good'''\n");
    for _ in 0..3 {
        let _ = std::fs::remove_file(sandbox.root.path().join("home/good"));
        sandbox.json(&["execute", "--fresh"], 1);
        std::fs::write(sandbox.root.path().join("home/good"), "").unwrap();
        sandbox.json(&["execute", "--fresh"], 0);
        let run = sandbox.json(&["execute"], 0);
        assert_eq!((status(&run, "a"), &find(&run, "a")["gates"][1]["reused"]), ("merged", &Value::Bool(true)));
    }
}

#[test]
fn the_verdicts_of_a_gate_are_counted() {
    let sandbox = one("[[gate]]\nname = \"flaky\"\nrun = '''test $LEX_PR_ATTEMPT -gt 1'''\n[[gate]]\nname = \"red\"\nrun = \"false\"\n\
         [[gate]]\nname = \"turns\"\nrun = '''test -e $HOME/good'''\n[policy]\noptional = [\"red\", \"turns\"]\n\
         [policy.retries]\nflaky = { max-attempts = 3 }\n");
    assert!(sandbox.lex(&["gate", "stats"]).exits(0).stdout.contains("no gate has given a verdict"));
    sandbox.json(&["execute"], 0);
    std::fs::write(sandbox.root.path().join("home/good"), "").unwrap();
    sandbox.json(&["execute", "--fresh"], 0);
    let all = sandbox.json(&["gate", "stats"], 0);
    let of = |name: &str| all.as_array().unwrap().iter().find(|gate| gate["gate"] == name).unwrap().clone();
    let numbers = |name: &str| ["verdicts", "good", "failed", "errors", "flaky"].map(|key| of(name)[key].as_u64().unwrap());
    assert_eq!(numbers("flaky"), [2, 2, 0, 0, 2]);
    assert_eq!(numbers("red"), [2, 0, 2, 0, 0]);
    assert_eq!(numbers("turns"), [2, 1, 1, 0, 1], "two things of the same files");
    let only = sandbox.json(&["gate", "stats", "red"], 0);
    assert_eq!(only.as_array().unwrap().len(), 1);
    assert!(sandbox.lex(&["gate", "stats", "--since", "2100-01-01"]).exits(0).stdout.contains("no gate has given a verdict"));
    assert_eq!(sandbox.json(&["gate", "stats", "--since", "1h"], 0), all);
    assert!(sandbox.lex(&["gate", "stats", "--since", "soon"]).exits(2).stderr.contains("`soon` is no point in time"));
    assert!(sandbox.lex(&["gate", "stats", "blue"]).exits(2).stderr.contains("there is no verdict of a gate `blue`"));
}
