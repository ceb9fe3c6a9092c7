//! How a run buys gates: serially, ahead by speculation, or by halved batches; and whose doing a red gate is.

use crate::sandbox::{Sandbox, detail, find, ran, status};
use serde_json::Value;
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

const WAYS: [&str; 3] = ["serial", "speculative", "bisect"];

/// A gate that says in a file of the home folder when it runs, and is red where a file holds `bad`.
const NO_BAD: &str = "echo $LEX_PR_ITEM >> $HOME/ran; ! grep -q bad *.txt";

fn home(sandbox: &Sandbox, name: &str) -> PathBuf {
    sandbox.root.path().join("home").join(name)
}

/// Twelve items of one file each; those of `bad` hold `bad`, and `i04` conflicts with `i03`.
fn fan(gate: &str, bad: &[usize]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.config(&format!("[[gate]]\nname = \"t\"\nrun = '''{gate}'''\n"));
    for at in 0..12 {
        let (name, text) = (format!("i{at:02}"), if bad.contains(&at) { "bad\n" } else { "good\n" });
        let mut files = vec![(format!("{name}.txt"), text.to_string())];
        if at == 3 || at == 4 {
            files.push(("base.txt".into(), format!("{at}\n")));
        }
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        sandbox.branch(&name, "main", &name, &files);
    }
    sandbox.lex(&["plan", "create"]).exits(0);
    sandbox
}

fn statuses(run: &Value) -> Vec<(String, String)> {
    let told = |item: &Value| (item["name"].as_str().unwrap().into(), item["status"].as_str().unwrap().into());
    run["items"].as_array().unwrap().iter().map(told).collect()
}

#[test]
fn every_way_of_buying_lands_the_same() {
    for bad in [&[][..], &[5], &[0, 1, 2], &[3, 7, 11], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]] {
        let mut outcomes = Vec::new();
        let mut executions = Vec::new();
        for way in WAYS {
            let sandbox = fan(NO_BAD, bad);
            let run = sandbox.json(&["merge", "--execute", "--batch", way, "--max-workers", "3"], 1);
            outcomes.push((
                statuses(&run),
                sandbox.git(&["rev-parse", "main^{tree}"]),
                sandbox.git(&["log", "--first-parent", "--format=%s", "main"]),
            ));
            executions.push(ran(&sandbox));
            sandbox.sound();
        }
        assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "{bad:?}: {outcomes:#?}");
        if bad.len() == 1 {
            assert!(executions[2] < executions[0], "bisection saves executions: {executions:?}");
        }
    }
}

#[test]
fn a_batch_is_judged_by_its_last_candidate_and_says_so() {
    let sandbox = fan(NO_BAD, &[]);
    let run = sandbox.json(&["merge", "--execute", "--batch", "bisect"], 1);
    assert_eq!(ran(&sandbox), 2, "i04 conflicts, and ends the first batch");
    let first = find(&run, "i00");
    assert!(detail(&run, "i00").ends_with("judged together with i03"), "{first}");
    assert_eq!(first["gates"][1]["verdict"]["item"], "i03");
    assert_eq!(first["gates"][1]["verdict"]["candidate"], find(&run, "i03")["candidate"]);
    assert!(!detail(&run, "i03").contains("together"));
}

#[test]
fn a_gate_of_one_item_is_asked_of_that_item_in_a_batch_too() {
    let sandbox = Sandbox::new();
    for name in ["a", "b", "c"] {
        sandbox.branch(name, "main", name, &[(&format!("{name}.txt"), name)]);
    }
    let heads: Vec<String> = ["a", "b", "c"].iter().map(|name| sandbox.head(name)).collect();
    let item = |name: &str, head: &str, gates: &str| {
        format!("{{\"name\":\"{name}\",\"branch\":\"{name}\",\"head\":\"{head}\",\"gates\":[{gates}]}}")
    };
    let own = "{\"name\":\"own\",\"run\":\"test ! -e b.txt\"}";
    let items = [item("a", &heads[0], ""), item("b", &heads[1], own), item("c", &heads[2], "")].join(",");
    let plan = format!("{{\"schemaVersion\":\"2.0.0\",\"target\":\"main\",\"items\":[{items}]}}");
    std::fs::write(sandbox.repo.join("plan.json"), plan).unwrap();
    for way in WAYS {
        let run = sandbox.json(&["execute", "plan.json", "--batch", way], 1);
        assert_eq!([status(&run, "a"), status(&run, "b"), status(&run, "c")], ["merged", "skipped-gates", "merged"], "{way}");
    }
}

#[test]
fn speculation_judges_items_at_the_same_time() {
    // Each gate waits for the other: one after the other, both would run out of time.
    let gate =
        "touch $HOME/at-$LEX_PR_ITEM; for i in $(seq 200); do test $(ls $HOME | grep -c at-) -ge 2 && exit 0; sleep 0.05; done; exit 1";
    let sandbox = Sandbox::new();
    sandbox.config(&format!("[[gate]]\nname = \"t\"\nrun = '''{gate}'''\n"));
    sandbox.branch("a", "main", "a", &[("a.txt", "a\n")]);
    sandbox.branch("b", "main", "b", &[("b.txt", "b\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    let run = sandbox.json(&["merge", "--execute", "--batch", "speculative", "--max-workers", "2"], 0);
    assert_eq!((status(&run, "a"), status(&run, "b")), ("merged", "merged"));
    assert_eq!(find(&run, "b")["gates"][1]["verdict"]["candidate"], find(&run, "b")["candidate"], "the guess came true");
}

#[test]
fn a_guess_that_comes_to_nothing_is_stopped_at_once() {
    let gate = "test -e a.txt || exit 0
        if ! test -e b.txt; then while ! test -e $HOME/pid; do sleep 0.02; done; exit 1; fi
        echo $$ > $HOME/pid.new; mv $HOME/pid.new $HOME/pid; sleep 1000";
    let sandbox = Sandbox::new();
    sandbox.config(&format!("[[gate]]\nname = \"t\"\nrun = '''{gate}'''\n"));
    sandbox.branch("a", "main", "a", &[("a.txt", "a\n")]);
    sandbox.branch("b", "main", "b", &[("b.txt", "b\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    let started = Instant::now();
    let run = sandbox.json(&["merge", "--execute", "--batch", "speculative", "--max-workers", "2"], 1);
    assert_eq!((status(&run, "a"), status(&run, "b")), ("skipped-gates", "merged"));
    assert!(started.elapsed() < Duration::from_secs(60));
    let pid = std::fs::read_to_string(home(&sandbox, "pid")).unwrap();
    assert!(!PathBuf::from(format!("/proc/{}", pid.trim())).exists(), "it still runs");
    sandbox.sound();
}

#[test]
fn a_gate_is_bought_once_for_the_same_inputs_whatever_else_changes() {
    let sandbox = Sandbox::new();
    let gate = |lane: &str| {
        format!("[[gate]]\nname = \"{lane}\"\npaths = [\"{lane}/**\"]\nrun = '''echo {lane} >> $HOME/ran; ! grep -rq bad {lane}'''\n")
    };
    sandbox.write("left/base", "base\n");
    sandbox.write("right/base", "base\n");
    sandbox.config(&(gate("left") + &gate("right")));
    for at in 0..3 {
        sandbox.branch(&format!("l{at}"), "main", "l", &[(&format!("left/{at}"), if at == 0 { "bad\n" } else { "good\n" })]);
        sandbox.branch(&format!("r{at}"), "main", "r", &[(&format!("right/{at}"), "good\n")]);
    }
    sandbox.lex(&["plan", "create"]).exits(0);
    for way in WAYS {
        sandbox.json(&["execute", "--fresh", "--batch", way, "--max-workers", "1"], 1);
        let log = std::fs::read_to_string(home(&sandbox, "ran")).unwrap();
        std::fs::remove_file(home(&sandbox, "ran")).unwrap();
        let right = log.lines().filter(|line| *line == "right").count();
        assert!(right <= 4, "{way}: the base and three items of the lane: {log}");
    }
}

#[test]
fn nobody_is_evicted_for_what_is_broken_beneath_him() {
    for way in WAYS {
        let sandbox = Sandbox::new();
        sandbox.write("broken", "x\n");
        sandbox.config("[[gate]]\nname = \"t\"\nrun = \"test ! -e broken\"\n");
        sandbox.branch("a-innocent", "main", "a", &[("a.txt", "a\n")]);
        sandbox.branch("b-on-a", "a-innocent", "b", &[("b.txt", "b\n")]);
        sandbox.git(&["checkout", "-q", "-b", "c-mends", "main"]);
        std::fs::remove_file(sandbox.repo.join("broken")).unwrap();
        sandbox.commit("Mend");
        sandbox.git(&["checkout", "-q", "main"]);
        sandbox.lex(&["plan", "create"]).exits(0);
        let run = sandbox.json(&["merge", "--execute", "--batch", way], 0);
        let all: Vec<String> = statuses(&run).into_iter().map(|(_, status)| status).collect();
        assert_eq!(all, ["merged", "merged", "merged"], "{way}: {run}");
        sandbox.sound();

        let stuck = Sandbox::new();
        stuck.write("broken", "x\n");
        stuck.config("[[gate]]\nname = \"t\"\nrun = \"echo x >> $HOME/ran; test ! -e broken\"\n");
        stuck.branch("a", "main", "a", &[("a.txt", "a\n")]);
        stuck.branch("b", "main", "b", &[("b.txt", "b\n")]);
        stuck.lex(&["plan", "create"]).exits(0);
        let run = stuck.json(&["merge", "--execute", "--batch", way], 1);
        assert_eq!(detail(&run, "a"), "gate t failed: exit status 1; it is red on main without it too", "{way}");
        assert_eq!(find(&run, "a")["gates"][1]["blame"], "base-broken");
        assert_eq!(find(&run, "b")["gates"][1]["blame"], "base-broken");
    }
}

#[test]
fn what_an_item_broke_is_its_own_whatever_else_is_broken_beneath_it() {
    for (one, other) in [("test ! -e bad", "false"), ("false", "test ! -e bad")] {
        let sandbox = Sandbox::new();
        sandbox.config(&format!("[[gate]]\nname = \"one\"\nrun = \"{one}\"\n[[gate]]\nname = \"other\"\nrun = \"{other}\"\n"));
        sandbox.branch("a", "main", "a", &[("bad", "x\n")]);
        sandbox.branch("b", "main", "b", &[("b", "x\n")]);
        sandbox.lex(&["plan", "create"]).exits(0);
        let run = sandbox.json(&["execute"], 1);
        let (own, broken) = if other == "false" { ("one", "other") } else { ("other", "one") };
        let words = format!("gate {own} failed: exit status 1; {broken} is red on main without it too");
        assert_eq!(detail(&run, "a"), words);
        assert_eq!(detail(&run, "b"), format!("gate {broken} failed: exit status 1; it is red on main without it too"));
        let note = format!("main itself does not pass {broken} here: mend it or this machine first, or plan the branch that does");
        assert_eq!(run["notes"], serde_json::json!([note]));
    }
}

#[test]
fn a_red_that_is_recorded_is_no_more_ones_own_than_a_new_one() {
    let sandbox = Sandbox::new();
    sandbox.write("broken", "x\n");
    sandbox.config("[[gate]]\nname = \"t\"\nrun = \"test ! -e broken\"\n[[gate]]\nname = \"u\"\nrun = \"echo x >> $HOME/ran\"\n");
    sandbox.branch("a-innocent", "main", "a", &[("a.txt", "a\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    sandbox.json(&["gate", "run", "t"], 1);
    let run = sandbox.json(&["execute"], 1);
    assert_eq!(find(&run, "a-innocent")["gates"][1]["blame"], "base-broken", "{run}");
    assert_eq!(ran(&sandbox), 0, "what is recorded decides; nothing more is bought");
    sandbox.git(&["checkout", "-q", "-b", "c-mends", "main"]);
    std::fs::remove_file(sandbox.repo.join("broken")).unwrap();
    sandbox.commit("Mend");
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.lex(&["plan", "add", "default", "c-mends"]).exits(0);
    let run = sandbox.json(&["merge", "--execute"], 0);
    assert_eq!((status(&run, "a-innocent"), status(&run, "c-mends")), ("merged", "merged"));
    sandbox.sound();
}

#[test]
fn the_report_says_who_broke_it_and_what_flakes() {
    let sandbox = Sandbox::new();
    let gate = "test ! -e bad.txt || exit 1; test ! -e flaky.txt || test -e good.txt || test $LEX_PR_ATTEMPT -gt 1";
    sandbox.config(&format!("[policy.retries]\nt = {{ max-attempts = 3 }}\n[[gate]]\nname = \"t\"\nrun = '''{gate}'''\n"));
    for name in ["bad", "flaky", "good"] {
        sandbox.branch(name, "main", name, &[(&format!("{name}.txt"), name)]);
    }
    sandbox.lex(&["plan", "create"]).exits(0);
    for way in ["serial", "speculative"] {
        let run = sandbox.json(&["execute", "--fresh", "--batch", way], 1);
        let gate = |item: &str| find(&run, item)["gates"][1].clone();
        assert_eq!((gate("bad")["blame"].clone(), gate("bad")["verdict"]["attempts"].clone()), ("broke-it".into(), 3.into()), "{way}");
        assert_eq!((gate("flaky")["blame"].clone(), status(&run, "flaky")), ("flaky".into(), "merged"));
        assert_eq!(gate("good")["blame"], Value::Null);
    }
}

#[test]
fn a_batch_that_is_red_once_is_split_and_only_single_items_are_tried_again() {
    let gate = "echo $LEX_PR_ITEM >> $HOME/ran; ! grep -q bad *.txt";
    let sandbox = Sandbox::new();
    sandbox.config(&format!("[policy.retries]\nt = {{ max-attempts = 3 }}\n[[gate]]\nname = \"t\"\nrun = '''{gate}'''\n"));
    for at in 0..8 {
        sandbox.branch(&format!("i{at}"), "main", "i", &[(&format!("{at}.txt"), if at == 7 { "bad\n" } else { "good\n" })]);
    }
    sandbox.lex(&["plan", "create"]).exits(0);
    let run = sandbox.json(&["execute", "--batch", "bisect"], 1);
    assert_eq!(status(&run, "i7"), "skipped-gates");
    assert_eq!(find(&run, "i7")["gates"][1]["verdict"]["attempts"], 3);
    // All eight, then four, six and seven of them, all green; i7 is known to be red then, and tried twice more.
    assert_eq!(ran(&sandbox), 1 + 3 + 2);
}

/// Gates of one item that say how many of them run at once; the most that ever did.
fn most_at_once(gates: &str, workers: &str) -> usize {
    let sandbox = Sandbox::new();
    sandbox.config(gates);
    sandbox.branch("a", "main", "a", &[("a.txt", "a\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    sandbox.json(&["execute", "--max-workers", workers], 0);
    let counts = std::fs::read_to_string(home(&sandbox, "counts")).unwrap();
    counts.lines().map(|line| line.trim().parse().unwrap()).max().unwrap()
}

fn counting(name: &str, more: &str) -> String {
    let run = "mkdir -p $HOME/on; touch $HOME/on/$LEX_PR_GATE; for i in $(seq 30); do ls $HOME/on | wc -l >> $HOME/counts; sleep 0.05; done; rm $HOME/on/$LEX_PR_GATE";
    format!("[[gate]]\nname = \"{name}\"\nrun = '''{run} # {name}'''\n{more}")
}

#[test]
fn a_heavy_gate_takes_several_workers() {
    let light = [counting("a", ""), counting("b", ""), counting("c", "")].concat();
    assert_eq!(most_at_once(&light, "3"), 3);
    let heavy = [counting("a", "weight = 2\n"), counting("b", "weight = 2\n"), counting("c", "")].concat();
    assert_eq!(most_at_once(&heavy, "3"), 2, "one of two and the one of one");
    let huge = [counting("a", "weight = 100\n"), counting("b", "")].concat();
    assert_eq!(most_at_once(&huge, "3"), 1, "it takes all that there are");
}

#[test]
fn gates_that_exclude_each_other_never_run_at_once_and_hold_no_other_up() {
    let gates = [counting("a", "exclusive = \"port\"\n"), counting("b", "exclusive = \"port\"\n"), counting("c", "")].concat();
    assert_eq!(most_at_once(&gates, "3"), 2);
    let all = ["a", "b", "c"].map(|name| counting(name, "exclusive = \"port\"\n")).concat();
    assert_eq!(most_at_once(&all, "3"), 1);
}

#[test]
fn weight_and_company_are_no_part_of_a_verdict() {
    let sandbox = fan(NO_BAD, &[]);
    sandbox.json(&["execute"], 1);
    let ran_before = ran(&sandbox);
    sandbox
        .config(&format!("[[gate]]\nname = \"t\"\nrun = '''{NO_BAD}'''\npaths = []\nweight = 2\nexclusive = \"x\"\nslow-after = \"5s\"\n"));
    sandbox.git(&["reset", "-q", "--hard", "HEAD~1"]);
    sandbox.json(&["execute"], 1);
    assert_eq!(ran(&sandbox), ran_before);
    let said = sandbox.lex(&["gate", "list"]).exits(0);
    assert!(said.stdout.contains("target"), "{}", said.stdout);
    sandbox.config("[[gate]]\nname = \"t\"\nrun = \"true\"\nweight = 0\n");
    assert!(sandbox.lex(&["execute"]).exits(2).stderr.contains("gate `t` has weight 0"));
}

#[test]
fn an_item_that_one_gate_has_failed_is_not_asked_for_others() {
    let gates = "[[gate]]\nname = \"no\"\nrun = \"! test -e a.txt\"\n\
        [[gate]]\nname = \"long\"\nrun = \"test -e $HOME/quick || ! test -e a.txt || { touch $HOME/began; sleep 3; touch $HOME/ended; }\"\n";
    let make = || {
        let sandbox = Sandbox::new();
        sandbox.config(gates);
        sandbox.branch("a", "main", "a", &[("a.txt", "a\n")]);
        sandbox.branch("b", "main", "b", &[("b.txt", "b\n")]);
        sandbox.lex(&["plan", "create"]).exits(0);
        sandbox
    };
    let sandbox = make();
    let run = sandbox.json(&["execute", "--fail-fast", "--max-workers", "2"], 1);
    assert_eq!((status(&run, "a"), status(&run, "b")), ("skipped-gates", "merged"));
    assert!(!home(&sandbox, "ended").exists(), "it was stopped");
    let gates = find(&run, "a")["gates"].as_array().unwrap();
    assert!(gates.iter().any(|gate| gate["gate"] == "long" && gate.get("verdict").is_none()), "{run}");
    assert_eq!(gates[1]["blame"], "broke-it", "what it stands on is asked all the same");

    let sandbox = make();
    sandbox.json(&["execute", "--max-workers", "2"], 1);
    assert!(home(&sandbox, "ended").exists(), "its author hears of all that is wrong");
}
