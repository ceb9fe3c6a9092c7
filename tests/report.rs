//! Status, report and the documents that programs read.

use crate::sandbox::Sandbox;
use serde_json::{Value, json};

fn landed() -> (Sandbox, Value) {
    let sandbox = Sandbox::new();
    sandbox.config("[[gate]]\nname = \"t\"\nrun = \"sleep 0.03; test ! -e bad\"\n");
    sandbox.branch("a", "main", "a", &[("base.txt", "ONE\ntwo\nthree\n")]);
    sandbox.branch("bad", "main", "bad", &[("bad", "x")]);
    sandbox.branch("c", "main", "c", &[("base.txt", "uno\ntwo\nthree\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    let run = sandbox.json(&["merge", "--execute"], 1);
    (sandbox, run)
}

#[test]
fn a_report_is_the_run_in_each_format() {
    let (sandbox, run) = landed();
    let id = run["id"].as_str().unwrap();
    assert_eq!(sandbox.json(&["report"], 1), run);
    assert_eq!(sandbox.lex(&["report", id, "--format", "json"]).exits(1).json(), run);
    assert_eq!(
        sandbox.lex(&["report", "default", "--format", "json"]).exits(1).stdout.trim_end(),
        sandbox.git(&["show", &format!("refs/lex-pr/runs/{id}:run.json")])
    );
    let text = sandbox.lex(&["report"]).exits(1).stdout;
    for words in ["skipped: conflict", "conflicts with a in base.txt", "gate t failed: exit status 1", "landed 1 of 3 on main"] {
        assert!(text.contains(words), "{words} in {text}");
    }
    let markdown = sandbox.lex(&["report", "--format", "md"]).exits(1).stdout;
    for words in ["# Plan default onto main", "| 0 | a | merged | clean, 1 file |", "| 0 | bad | skipped: gates |", "| bad | t | fail |"] {
        assert!(markdown.contains(words), "{words} in {markdown}");
    }
    let near = sandbox.lex(&["report", &format!("{}x", &id[..id.len() - 1])]).exits(2).stderr;
    assert!(near.contains("did you mean"), "{near}");
}

#[test]
fn status_says_where_each_item_stands() {
    let (sandbox, _) = landed();
    let status = sandbox.json(&["status"], 1);
    let states = |status: &Value| -> Vec<(String, String)> {
        status[0]["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|i| (i["name"].as_str().unwrap().into(), i["state"].as_str().unwrap().into()))
            .collect()
    };
    let pair = |name: &str, state: &str| (name.to_string(), state.to_string());
    assert_eq!(states(&status), [pair("a", "landed"), pair("bad", "held"), pair("c", "held")]);
    let text = sandbox.lex(&["status", "default"]).exits(1).stdout;
    assert!(text.contains("1 landed, 2 held, 0 waiting") && text.contains("newest run"), "{text}");

    sandbox.git(&["checkout", "-q", "bad"]);
    sandbox.git(&["rm", "-q", "bad"]);
    sandbox.commit("Mend");
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.lex(&["plan", "add", "default", "bad"]).exits(0);
    assert_eq!(states(&sandbox.json(&["status"], 1))[1], pair("bad", "waiting"), "a fixed head waits again");
    sandbox.json(&["merge", "--execute"], 1);
    assert_eq!(states(&sandbox.json(&["status"], 1))[1], pair("bad", "landed"));
    sandbox.lex(&["plan", "remove", "default", "c"]).exits(0);
    sandbox.lex(&["status"]).exits(0);
}

#[test]
fn a_squashed_item_counts_as_landed() {
    let sandbox = Sandbox::new();
    sandbox.branch("a", "main", "a", &[("a", "x")]);
    sandbox.lex(&["plan", "create", "--strategy", "squash"]).exits(0);
    sandbox.lex(&["merge", "--execute"]).exits(0);
    assert_eq!(sandbox.json(&["status"], 0)[0]["items"][0]["state"], "landed");
}

#[test]
fn the_journal_has_a_commit_per_step() {
    let (sandbox, run) = landed();
    let name = format!("refs/lex-pr/runs/{}", run["id"].as_str().unwrap());
    let steps = sandbox.git(&["log", "--reverse", "--format=%s", &name]);
    let steps: Vec<&str> = steps.lines().collect();
    assert_eq!(steps[..4], ["begin: plan default onto main", "a: merged", "bad: skipped: gates", "c: skipped: conflict"]);
    assert!(steps[4].starts_with("land: main to "), "{steps:?}");
    let first: Value = serde_json::from_str(&sandbox.git(&["show", &format!("{name}~4:run.json")])).unwrap();
    assert_eq!((&first["state"], &first["items"][0]["status"]), (&json!("running"), &json!("pending")));
    assert_eq!(sandbox.git(&["show", &format!("{name}:plan.json")]) + "\n", sandbox.lex(&["plan", "export"]).exits(0).stdout);
}

#[test]
fn each_step_has_its_own_time_in_the_zone_of_the_place() {
    let sandbox = Sandbox::new();
    sandbox.config("[[gate]]\nname = \"slow\"\nrun = \"sleep 1.1\"\n");
    sandbox.branch("a", "main", "a", &[("a.txt", "a\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    // Ahead of UTC by 5 h 45 min all year; POSIX counts the other way round.
    let output = sandbox.lex_command(&sandbox.repo, &["execute", "--json"]).env("TZ", "XXX-5:45").output().unwrap();
    let run: Value = serde_json::from_slice(&output.stdout).unwrap();
    let times = sandbox.git(&["log", "--format=%cd", "--date=raw", &format!("refs/lex-pr/runs/{}", run["id"].as_str().unwrap())]);
    let times: Vec<(u64, &str)> =
        times.lines().map(|time| time.split_once(' ').unwrap()).map(|(at, zone)| (at.parse().unwrap(), zone)).collect();
    assert!(times[0].0 > times[times.len() - 1].0, "hours of a run are no moment: {times:?}");
    assert!(times.iter().all(|(_, zone)| *zone == "+0545"), "{times:?}");
    let output =
        sandbox.lex_command(&sandbox.repo, &["pause", "--reason", "x"]).env("GIT_COMMITTER_DATE", "1234567890 -0300").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(sandbox.git(&["log", "-1", "--format=%cd", "--date=raw", "refs/lex-pr/plans/default"]), "1234567890 -0300");
}

#[test]
fn every_document_has_a_schema_that_it_meets() {
    let (sandbox, run) = landed();
    let meets = |which: &str, document: &Value| {
        let schema = sandbox.lex(&["schema", which]).exits(0).json();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<String> = validator.iter_errors(document).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{which}: {errors:?}");
    };
    meets("run", &run);
    meets("run", &sandbox.json(&["merge"], 1));
    meets("plan", &sandbox.json(&["plan", "show"], 0));
    meets("order", &sandbox.json(&["order"], 0));
    meets("forecast", &sandbox.json(&["forecast"], 1));
    meets("replay", &sandbox.json(&["replay", "main~1..main"], 0));
    meets("gates", &sandbox.json(&["gate", "list"], 0));
    meets("status", &sandbox.json(&["status"], 1));
    meets("error", &sandbox.json(&["plan", "show", "x"], 2));
    meets("verdict", &run["items"][0]["gates"][1]["verdict"]);
    sandbox.lex(&["plan", "remove", "default", "c"]).exits(0);
    meets("diff", &sandbox.json(&["plan", "diff", "default"], 0));
    let config: toml::Table = sandbox.read("lex-pr.toml").parse().unwrap();
    meets("config", &serde_json::to_value(config).unwrap());
    let schema = sandbox.lex(&["schema", "plan"]).exits(0).json();
    let wrong = json!({ "schemaVersion": "2.0.0", "target": "main", "itmes": [] });
    assert!(!jsonschema::validator_for(&schema).unwrap().is_valid(&wrong), "the schema refuses what the reader refuses");
}

#[test]
fn colours_obey_flag_and_environment() {
    let (sandbox, _) = landed();
    let coloured = |args: &[&str], no_color: bool| {
        let mut command = sandbox.lex_command(&sandbox.repo, args);
        if !no_color {
            command.env_remove("NO_COLOR");
        }
        String::from_utf8(command.output().unwrap().stdout).unwrap().contains('\u{1b}')
    };
    assert!(!coloured(&["report"], false), "stdout is no terminal here");
    assert!(coloured(&["report", "--color", "always"], true));
    assert!(!coloured(&["report", "--color", "never"], false));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let (sandbox, _) = landed();
    let mut command = sandbox.lex_command(&sandbox.repo, &["schema", "run"]);
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

#[test]
fn a_result_that_cannot_be_written_is_an_error() {
    let (sandbox, _) = landed();
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for args in [&["report", "--json"][..], &["report"], &["-h"], &["report", "none", "--json"], &["demo", "shop"]] {
        let said = sandbox.lex_command(&sandbox.repo, args).stdout(full()).output().unwrap();
        let stderr = String::from_utf8_lossy(&said.stderr);
        assert_eq!(said.status.code(), Some(3), "{args:?}: {stderr}");
        assert!(stderr.contains("could not write to standard output") && stderr.contains("hint: "), "{args:?}: {stderr}");
    }
    let mute = sandbox.lex_command(&sandbox.repo, &["report", "none"]).stderr(full()).status().unwrap();
    assert_eq!(mute.code(), Some(2), "an error that cannot be told is still the error");
}

#[test]
fn manual_pages_and_completions_are_written() {
    let sandbox = Sandbox::new();
    let dir = sandbox.root.path().join("share/man/man1");
    sandbox.lex(&["man", dir.to_str().unwrap()]).exits(0);
    for page in ["git-lex-pr.1", "git-lex-pr-merge.1", "git-lex-pr-plan-create.1"] {
        assert!(std::fs::read_to_string(dir.join(page)).unwrap().contains(".TH"), "{page}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(sandbox.lex(&["completions", shell]).exits(0).stdout.contains("git-lex-pr"), "{shell}");
    }
}
