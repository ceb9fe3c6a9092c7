//! What comes after a run, or in the middle of it: undo, retry, abort, watch, and one run at a time of a plan.

use crate::sandbox::{Said, Sandbox, detail, find, status};
use regex::Regex;
use serde_json::{Value, json};
use std::{
    process::{Child, Stdio},
    time::{Duration, Instant},
};

/// Two clean branches, one that conflicts with the first, one that needs that one.
fn fan(strategy: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.branch("a", "main", "a", &[("base.txt", "ONE\ntwo\nthree\n")]);
    sandbox.branch("b", "main", "b", &[("b.txt", "b\n")]);
    sandbox.branch("b2", "b", "b2", &[("b2.txt", "x\n")]);
    sandbox.branch("c", "main", "c", &[("base.txt", "uno\ntwo\nthree\n"), ("c.txt", "c\n")]);
    sandbox.branch("d", "main", "d\n\nDepends-On: c", &[("d.txt", "d\n")]);
    sandbox.lex(&["plan", "create", "--strategy", strategy]).exits(0);
    sandbox
}

/// One gate, which counts how often it is asked and waits until the file `quick` is there.
fn slow() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.config(
        "[[gate]]\nname = \"t\"\nrun = \"\"\"\necho >> $HOME/asked\necho $$ > $HOME/pid\nwhile ! test -e $HOME/quick; do sleep 0.05; done\n\"\"\"\n",
    );
    for name in ["a", "b"] {
        sandbox.branch(name, "main", name, &[(name, "x\n")]);
    }
    sandbox.lex(&["plan", "create"]).exits(0);
    sandbox
}

fn home(sandbox: &Sandbox, name: &str) -> std::path::PathBuf {
    sandbox.root.path().join("home").join(name)
}

fn asked(sandbox: &Sandbox) -> usize {
    std::fs::read_to_string(home(sandbox, "asked")).map_or(0, |text| text.lines().count())
}

fn quick(sandbox: &Sandbox) {
    std::fs::write(home(sandbox, "quick"), "").unwrap();
}

fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < patience, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn spawn(sandbox: &Sandbox, args: &[&str]) -> Child {
    sandbox.lex_command(&sandbox.repo, args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// A run of `args` whose first gate is at work.
fn at_work(sandbox: &Sandbox, args: &[&str]) -> Child {
    let _ = std::fs::remove_file(home(sandbox, "pid"));
    let child = spawn(sandbox, args);
    wait_for("the gate's start", || std::fs::read_to_string(home(sandbox, "pid")).is_ok_and(|pid| pid.ends_with('\n')));
    child
}

/// A run that was killed at its first gate, and nothing of it left.
fn killed(sandbox: &Sandbox) -> String {
    let mut child = at_work(sandbox, &["merge", "--execute"]);
    child.kill().unwrap();
    child.wait().unwrap();
    let gate = std::fs::read_to_string(home(sandbox, "pid")).unwrap();
    sandbox.command("kill", &sandbox.repo).args(["-KILL", gate.trim()]).status().unwrap();
    newest(sandbox)
}

fn newest(sandbox: &Sandbox) -> String {
    sandbox.git(&["for-each-ref", "--format=%(refname:lstrip=3)", "refs/lex-pr/runs"]).lines().last().unwrap().to_string()
}

fn journal(sandbox: &Sandbox, id: &str) -> Value {
    serde_json::from_str(&sandbox.git(&["show", &format!("refs/lex-pr/runs/{id}:run.json")])).unwrap()
}

/// Another step in a journal, as another clone may have written it.
fn write_step(sandbox: &Sandbox, id: &str, date: &str, change: impl FnOnce(&mut Value)) {
    let mut run = journal(sandbox, id);
    change(&mut run);
    let name = format!("refs/lex-pr/runs/{id}");
    std::fs::write(home(sandbox, "run.json"), serde_json::to_string_pretty(&run).unwrap() + "\n").unwrap();
    let script = format!(
        "export GIT_INDEX_FILE=$HOME/index; git read-tree {name} && blob=$(git hash-object -w $HOME/run.json) && \
         git update-index --add --cacheinfo 100644,$blob,run.json && \
         commit=$(git commit-tree $(git write-tree) -p {name} -m step) && git update-ref {name} $commit; rm -f $HOME/index"
    );
    let mut shell = sandbox.command("sh", &sandbox.repo);
    shell.args(["-c", &script]).env("GIT_COMMITTER_DATE", date);
    assert!(shell.status().unwrap().success());
}

#[track_caller]
fn said(child: Child) -> Said {
    let output = child.wait_with_output().unwrap();
    Said {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[track_caller]
fn meets(sandbox: &Sandbox, which: &str, document: &Value) {
    let schema = sandbox.lex(&["schema", which]).exits(0).json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(document).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{which}: {errors:?}");
}

#[test]
fn a_landing_is_taken_back_and_can_land_again() {
    for strategy in ["merge", "squash", "rebase"] {
        let sandbox = fan(strategy);
        let old = sandbox.head("main");
        // In a linked work tree, with the main one elsewhere.
        let linked = sandbox.root.path().join("linked");
        sandbox.git(&["checkout", "-q", "-b", "elsewhere"]);
        sandbox.git(&["worktree", "add", "-q", linked.to_str().unwrap(), "main"]);
        let run = sandbox.json(&["merge", "--execute"], 1);
        let (id, tip) = (run["id"].as_str().unwrap(), sandbox.head("main"));
        assert!(linked.join("b2.txt").exists());

        let before = sandbox.fingerprint();
        let preview = sandbox.json(&["undo"], 0);
        meets(&sandbox, "undo", &preview);
        assert_eq!((&preview["outcome"], &preview["run"]), (&json!("possible"), &json!(id)));
        assert!(sandbox.lex(&["undo"]).exits(0).stdout.contains("would take 3 items back from main"));
        assert_eq!(sandbox.fingerprint(), before, "a preview changes nothing");

        let undone = sandbox.json(&["undo", id, "--execute"], 0);
        assert_eq!(undone["outcome"], "undone");
        assert_eq!(sandbox.head("main"), old);
        assert!(!linked.join("b2.txt").exists() && std::fs::read_to_string(linked.join("base.txt")).unwrap().starts_with("one"));
        assert_eq!(sandbox.git_in(&linked, &["status", "--porcelain"]), "");
        let reflog = sandbox.git(&["reflog", "-1", "--format=%gs", "main"]);
        assert!(reflog.starts_with("lex-pr: undo plan default (run "), "{reflog}");
        let step = sandbox.git(&["log", "-1", "--format=%s", &format!("refs/lex-pr/runs/{id}")]);
        assert_eq!(step, format!("undo: main back to {old}"));
        let kept = sandbox.json(&["report", id], 1);
        assert_eq!((&kept["state"], status(&kept, "a")), (&json!("undone"), "merged"));
        meets(&sandbox, "run", &kept);
        assert!(sandbox.lex(&["report"]).exits(1).stdout.contains("undone: 3 of 5 had landed on main"));
        let states = sandbox.json(&["status"], 1);
        assert_eq!((&states[0]["items"][0]["state"], &states[0]["items"][3]["state"]), (&json!("waiting"), &json!("held")));

        let before = sandbox.fingerprint();
        assert!(sandbox.lex(&["undo", "--execute"]).exits(0).stdout.contains("is undone already"));
        assert_eq!(sandbox.fingerprint(), before);
        sandbox.json(&["merge", "--execute"], 1);
        assert_eq!(sandbox.head("main"), tip, "the same plan gives the same commits");
        sandbox.sound();
    }
}

#[test]
fn landings_are_taken_back_one_after_the_other() {
    let sandbox = Sandbox::new();
    let mut heads = vec![sandbox.head("main")];
    for name in ["a", "b"] {
        sandbox.branch(name, "main", name, &[(name, "x\n")]);
        sandbox.lex(&["plan", "create", "--force", name]).exits(0);
        sandbox.json(&["merge", "--execute"], 0);
        heads.push(sandbox.head("main"));
    }
    sandbox.lex(&["undo", "--execute"]).exits(0);
    assert_eq!(sandbox.head("main"), heads[1]);
    let again = sandbox.json(&["undo", "--execute"], 0);
    assert_eq!(again["outcome"], "already");
    let older = again["notes"][0].as_str().unwrap().strip_prefix("the landing before it is run ").unwrap();
    sandbox.lex(&["undo", older, "--execute"]).exits(0);
    assert_eq!(sandbox.head("main"), heads[0]);
    sandbox.sound();
}

#[test]
fn an_undo_that_would_lose_something_is_refused() {
    let sandbox = fan("merge");
    let proved = sandbox.json(&["execute"], 1);
    let refused = sandbox.lex(&["undo", proved["id"].as_str().unwrap()]).exits(2).stderr;
    assert!(refused.contains("has landed nothing: it only proved candidates"), "{refused}");
    sandbox.json(&["merge", "--execute"], 1);
    let unchanged = |what: &str, undo: &dyn Fn() -> String, words: &str| {
        let refs = sandbox.git(&["for-each-ref"]);
        let said = undo();
        assert!(said.contains(words), "{what}: {said}");
        assert_eq!(sandbox.git(&["for-each-ref"]), refs, "{what}");
    };
    sandbox.write("b.txt", "mine\n");
    unchanged("changes", &|| sandbox.lex(&["undo", "--execute"]).exits(2).stderr, "it has changes in `b.txt`");
    assert_eq!(sandbox.read("b.txt"), "mine\n");
    sandbox.git(&["checkout", "-q", "b.txt"]);

    let hook = sandbox.repo.join(".git/hooks/reference-transaction");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\ntest $1 != prepared || ! grep -q refs/heads/main\n").unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    unchanged("a hook", &|| sandbox.lex(&["undo", "--execute"]).exits(3).stderr, "could not move the target");
    std::fs::remove_file(&hook).unwrap();
    assert_eq!((sandbox.read("b.txt").as_str(), sandbox.git(&["status", "--porcelain"]).as_str()), ("b\n", ""));

    // Published: it can be taken back here, but not there.
    let remote = sandbox.root.path().join("remote");
    sandbox.git(&["clone", "-q", "--bare", ".", remote.to_str().unwrap()]);
    sandbox.git(&["remote", "add", "origin", remote.to_str().unwrap()]);
    sandbox.git(&["fetch", "-q", "origin"]);
    let said = sandbox.lex(&["undo"]).exits(0).stderr;
    assert!(said.contains("note: origin/main holds it already and goes on holding it"), "{said}");

    sandbox.git(&["reset", "-q", "--hard", "main~1"]);
    unchanged("rewritten", &|| sandbox.lex(&["undo", "--execute"]).exits(0).stdout, "main does not hold what run");
    sandbox.sound();
}

#[test]
fn where_the_target_has_moved_on_it_says_what_reverts_and_weaves_it() {
    for strategy in ["merge", "squash", "rebase"] {
        let sandbox = fan(strategy);
        let run = sandbox.json(&["merge", "--execute"], 1);
        let (id, tree) = (run["id"].as_str().unwrap(), sandbox.head(&format!("{}^{{tree}}", run["base"].as_str().unwrap())));
        sandbox.write("more.txt", "more\n");
        let later = sandbox.commit("Later");
        let before = sandbox.fingerprint();
        let moved = sandbox.json(&["undo", "--execute"], 1);
        assert_eq!((&moved["outcome"], moved["found"].as_str().unwrap()), (&json!("moved-on"), later.as_str()));
        let text = sandbox.lex(&["undo"]).exits(1).stdout;
        assert!(text.contains("main has moved on since") && text.contains("undo") && text.contains("--revert"), "{text}");
        let clean = sandbox.json(&["undo", "--revert"], 0);
        assert_eq!((&clean["outcome"], &clean["revert"]["branch"]), (&json!("revertible"), &json!(format!("revert/{id}"))));
        assert_eq!(sandbox.fingerprint(), before, "nothing is changed yet");

        // By hand, as it says: what is left is the later commit.
        sandbox.git(&["checkout", "-q", "-b", "by-hand"]);
        for line in text.lines().filter_map(|line| line.trim().strip_prefix("git revert ")) {
            let args: Vec<&str> = line.split('#').next().unwrap().split_whitespace().collect();
            sandbox.git(&[&["revert"], &args[..]].concat());
        }
        let by_hand = sandbox.head("by-hand^{tree}");
        sandbox.git(&["rm", "-q", "more.txt"]);
        sandbox.commit("Only the base");
        assert_eq!(sandbox.head("by-hand^{tree}"), tree, "{strategy}: {text}");
        sandbox.git(&["checkout", "-q", "main"]);
        sandbox.git(&["branch", "-q", "-D", "by-hand"]);

        let made = sandbox.json(&["undo", "--revert", "--execute"], 0);
        meets(&sandbox, "undo", &made);
        let (branch, plan) = (format!("revert/{id}"), format!("revert-{id}"));
        assert_eq!(made["outcome"], "reverted");
        assert_eq!((sandbox.head(&format!("{branch}^{{tree}}")), sandbox.head(&format!("{branch}^"))), (by_hand.clone(), later.clone()));
        assert_eq!(sandbox.head("main"), later, "it lands like everything else");
        let trailer = sandbox.git(&["log", "-1", "--format=%(trailers:key=Lex-Pr-Reverts,valueonly)", &branch]);
        assert_eq!(trailer.trim(), id);
        let refs = sandbox.git(&["for-each-ref"]);
        assert_eq!(sandbox.json(&["undo", id, "--revert", "--execute"], 0)["revert"], made["revert"]);
        assert_eq!(sandbox.git(&["for-each-ref"]), refs, "it is made once");
        sandbox.json(&["merge", &plan, "--execute"], 0);
        assert_eq!((sandbox.head("main"), sandbox.head("main^{tree}")), (sandbox.head(&branch), by_hand));
        let gone = sandbox.lex(&["undo", id, "--revert"]).exits(0);
        assert!(gone.stderr.contains(&format!("note: branch {branch} has landed on main already")), "{}", gone.stderr);
        sandbox.sound();
    }
}

#[test]
fn a_revert_that_conflicts_says_where() {
    let sandbox = fan("merge");
    sandbox.json(&["merge", "--execute"], 1);
    sandbox.write("base.txt", "ONE and more\ntwo\nthree\n");
    let later = sandbox.commit("Builds on it");
    let before = sandbox.fingerprint();
    let said = sandbox.json(&["undo", "--revert", "--execute"], 1);
    assert_eq!(said["outcome"], "conflict");
    assert_eq!(said["conflicts"], json!([{ "path": "base.txt", "commit": later, "lines": [[1, 1]] }]));
    let text = sandbox.lex(&["undo", "--revert"]).exits(1).stdout;
    assert!(text.contains(&format!("base.txt:1  changed later by {}", &later[..10])), "{text}");
    assert_eq!(sandbox.fingerprint(), before);
}

#[test]
fn a_retry_runs_what_failed_and_nothing_else() {
    let sandbox = Sandbox::new();
    sandbox.config("[[gate]]\nname = \"t\"\nrun = \"echo >> $HOME/asked; test ! -e bad\"\n");
    sandbox.branch("a", "main", "a", &[("base.txt", "ONE\ntwo\nthree\n")]);
    sandbox.branch("bad", "main", "bad", &[("bad", "x")]);
    sandbox.branch("c", "main", "c", &[("base.txt", "uno\ntwo\nthree\n")]);
    sandbox.branch("d", "main", "d\n\nDepends-On: bad", &[("d.txt", "d\n")]);
    for command in ["watch", "undo"] {
        assert!(sandbox.lex(&[command]).exits(2).stderr.contains("hint: git lex-pr plan create "), "{command}: first of all a plan");
    }
    sandbox.lex(&["plan", "create", "--strategy", "squash"]).exits(0);
    assert!(sandbox.lex(&["retry"]).exits(2).stderr.contains("has not run yet"));
    assert!(sandbox.lex(&["watch"]).exits(2).stderr.contains("hint: git lex-pr merge --execute"));
    let run = sandbox.json(&["merge", "--execute"], 1);
    let names =
        |run: &Value| -> Vec<String> { run["items"].as_array().unwrap().iter().map(|i| i["name"].as_str().unwrap().into()).collect() };
    let bought = asked(&sandbox);

    let conflict = sandbox.json(&["retry", "--filter", "conflict"], 1);
    assert_eq!((names(&conflict), &conflict["purpose"]), (vec!["c".to_string()], &json!("land")));
    assert_eq!(names(&sandbox.json(&["retry", "--filter", "blocked"], 1)), ["bad", "d"], "with what it depends on");
    assert_eq!(names(&sandbox.json(&["retry"], 1)), ["bad", "c", "d"], "what older runs said counts too");
    assert_eq!(names(&sandbox.json(&["retry", run["id"].as_str().unwrap()], 1)), ["bad", "c", "d"]);
    assert_eq!(asked(&sandbox), bought + 3, "each retry of it asks what was red again, and nothing else");
    let before = sandbox.fingerprint();
    let nothing = sandbox.lex(&["retry", "--filter", "history,missing"]).exits(0).stdout;
    assert!(nothing.contains("nothing to retry: no item of plan default is skipped: history or skipped: missing"), "{nothing}");
    assert_eq!(sandbox.fingerprint(), before);
    let states = sandbox.json(&["status"], 1);
    assert_eq!(states[0]["items"][0]["state"], "landed", "though the newest run left it alone");
    sandbox.json(&["retry", "--fresh", "--filter", "gates"], 1);
    assert!(asked(&sandbox) > bought);

    sandbox.git(&["checkout", "-q", "bad"]);
    sandbox.git(&["rm", "-q", "bad"]);
    sandbox.write("good", "x");
    sandbox.commit("Mend");
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.lex(&["plan", "add", "default", "bad"]).exits(0);
    let mended = sandbox.json(&["retry", "--filter", "gates,blocked"], 0);
    assert_eq!((status(&mended, "bad"), status(&mended, "d"), &mended["state"]), ("merged", "merged", &json!("landed")));
    sandbox.lex(&["plan", "remove", "default", "c"]).exits(0);
    assert!(sandbox.lex(&["retry"]).exits(0).stdout.contains("nothing to retry: no item of plan default failed or was blocked"));
    sandbox.sound();
}

#[test]
fn a_retry_of_a_proof_proves_the_same_candidates_by_the_same_gates() {
    let sandbox = Sandbox::new();
    sandbox.config("[[gate]]\nname = \"t\"\nrun = \"test ! -e b || test -e $HOME/mended\"\n[[gate]]\nname = \"u\"\nrun = \"false\"\n");
    for name in ["a", "b"] {
        sandbox.branch(name, "main", name, &[(name, "x\n")]);
    }
    sandbox.lex(&["plan", "create"]).exits(0);
    let first = sandbox.json(&["gate", "run", "t"], 1);
    assert_eq!((status(&first, "a"), status(&first, "b")), ("merged", "skipped-gates"));
    std::fs::write(home(&sandbox, "mended"), "").unwrap();
    // The red verdict was the machine's doing: a run takes it and says so, a retry asks again.
    let recorded = sandbox.json(&["merge"], 1);
    let words = Regex::new(r"^gate t failed: exit status 1 \(recorded \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ; --fresh asks again\)$").unwrap();
    assert!(words.is_match(detail(&recorded, "b")), "{}", detail(&recorded, "b"));
    let again = sandbox.json(&["retry", first["id"].as_str().unwrap(), "--explain"], 0);
    let why = find(&again, "b")["gates"][1]["why"].as_str().unwrap();
    assert!(why.ends_with(" it said fail, which is not taken here"), "{why}");
    assert_eq!((&again["purpose"], &again["gates"], &again["state"]), (&json!("prove"), &json!(["t"]), &json!("done")));
    let parent = sandbox.head(&format!("{}^", find(&again, "b")["candidate"].as_str().unwrap()));
    assert_eq!(parent, find(&first, "a")["candidate"].as_str().unwrap(), "what held is below it as before");
    assert_eq!(sandbox.head("main"), first["base"].as_str().unwrap());
}

#[test]
fn errors_and_flaky_verdicts_are_asked_again_by_a_retry() {
    let sandbox = Sandbox::new();
    sandbox.config(
        "[[gate]]\nname = \"f\"\nrun = \"echo >> $HOME/asked; test -e $HOME/again || ! touch $HOME/again\"\n\
         [[gate]]\nname = \"t\"\nrun = \"test -e $HOME/mended || kill -KILL $$\"\n[policy.retries.f]\nmax-attempts = 3\nbackoff-seconds = 0\n",
    );
    sandbox.branch("a", "main", "a", &[("a", "x")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    sandbox.json(&["execute", "--max-workers", "1"], 1);
    let bought = asked(&sandbox);
    sandbox.json(&["execute"], 1);
    assert_eq!((bought, asked(&sandbox)), (2, 2), "a run takes the flaky verdict as it is");
    std::fs::write(home(&sandbox, "mended"), "").unwrap();
    let retried = sandbox.json(&["retry"], 0);
    assert_eq!((status(&retried, "a"), asked(&sandbox)), ("merged", 3));
    let gates = find(&retried, "a")["gates"].as_array().unwrap();
    assert!(gates.iter().all(|gate| gate["reused"] == false), "{gates:?}");
}

#[test]
fn a_run_that_is_at_work_is_aborted_and_a_retry_goes_on() {
    let sandbox = slow();
    let before = sandbox.head("main");
    let child = at_work(&sandbox, &["merge", "--execute"]);
    let id = newest(&sandbox);
    let run = journal(&sandbox, &id);
    assert_eq!(run["holder"]["pid"], child.id());
    let states = sandbox.json(&["status"], 0);
    meets(&sandbox, "status", &states);
    assert_eq!(states[0]["process"], "alive");
    assert!(sandbox.lex(&["status"]).exits(0).stdout.contains("at work, 0 of 2 decided"));

    let ended = sandbox.json(&["abort"], 0);
    meets(&sandbox, "abort", &ended);
    assert_eq!((&ended["outcome"], &ended["run"]["state"], &ended["run"]["id"]), (&json!("stopped"), &json!("interrupted"), &json!(id)));
    said(child).exits(130);
    assert_eq!(sandbox.head("main"), before);
    assert_eq!(sandbox.json(&["abort", &id], 0)["outcome"], "ended");
    assert!(sandbox.lex(&["abort"]).exits(2).stderr.contains("no run is at work"));
    quick(&sandbox);
    let landed = sandbox.json(&["retry"], 0);
    assert_eq!((&landed["state"], &landed["items"][1]["status"]), (&json!("landed"), &json!("merged")));
    sandbox.sound();
}

#[test]
fn the_journal_of_a_killed_run_is_closed_and_nothing_is_bought_again() {
    let sandbox = slow();
    let id = killed(&sandbox);
    assert_eq!(journal(&sandbox, &id)["state"], "running");
    assert_eq!(sandbox.json(&["status"], 0)[0]["process"], "gone");
    let text = sandbox.lex(&["status"]).exits(0).stdout;
    assert!(text.contains("killed, 0 of 2 decided") && text.contains(&format!("git lex-pr retry {id}")), "{text}");
    assert!(sandbox.lex(&["watch"]).exits(1).stdout.contains("was killed; main was not touched"));
    let ended = sandbox.json(&["abort"], 0);
    assert_eq!((&ended["outcome"], &ended["run"]["state"]), (&json!("closed"), &json!("aborted")));
    meets(&sandbox, "run", &ended["run"]);
    assert_eq!(sandbox.json(&["report", &id], 1), ended["run"]);
    assert!(sandbox.lex(&["report"]).exits(1).stdout.contains("aborted: main was not touched (2 not reached)"));

    quick(&sandbox);
    let bought = asked(&sandbox);
    sandbox.json(&["execute"], 0);
    let proved = asked(&sandbox);
    assert!(proved > bought);
    let landed = sandbox.json(&["retry", &id], 0);
    assert_eq!((&landed["state"], asked(&sandbox)), (&json!("landed"), proved), "verdicts of other runs count");
    assert!(sandbox.lex(&["retry"]).exits(0).stdout.contains("nothing to retry"));
    sandbox.sound();
}

#[test]
fn one_run_at_a_time_of_a_plan() {
    let sandbox = slow();
    let first = at_work(&sandbox, &["merge", "--execute"]);
    let id = newest(&sandbox);
    let refs = sandbox.git(&["for-each-ref"]);
    for args in [&["merge", "--execute"][..], &["execute"], &["retry"]] {
        let told = sandbox.lex(args).exits(1);
        let words = format!("error: plan default is being run by Tess <tess@example.com>, process {} on ", first.id());
        assert!(told.stderr.contains(&words) && told.stderr.contains(", since 2"), "{args:?}: {}", told.stderr);
        assert!(told.stderr.contains(&format!("git lex-pr abort {id}")), "{}", told.stderr);
    }
    assert_eq!(sandbox.json(&["execute"], 1)["error"]["code"], "plan-held");
    assert_eq!(sandbox.git(&["for-each-ref"]), refs, "who was told has written nothing");
    sandbox.lex(&["merge"]).exits(0);

    // Another plan for the same target may run; who comes second is overtaken.
    sandbox.branch("z", "main", "z", &[("z", "x\n")]);
    sandbox.lex(&["plan", "create", "--name", "other", "z"]).exits(0);
    let other = at_work(&sandbox, &["execute", "other", "--json"]);
    let mut second = spawn(&sandbox, &["merge", "default", "--execute", "--wait", "--json"]);
    std::thread::sleep(Duration::from_millis(500));
    assert!(second.try_wait().unwrap().is_none(), "it waits");
    quick(&sandbox);
    said(first).exits(0);
    let noted = said(other).exits(0).json();
    let note = noted["notes"][0].as_str().unwrap();
    assert!(note.starts_with("plan default is at work on main too (Tess <tess@example.com>, process "), "{note}");
    let second = said(second).exits(0);
    assert!(second.stderr.starts_with("waiting for Tess <tess@example.com>, process "), "{}", second.stderr);
    assert_eq!(status(&second.json(), "a"), "up-to-date", "it begins where the first has ended");
    sandbox.sound();
}

#[test]
fn a_dead_holder_holds_nothing_and_one_elsewhere_for_a_while() {
    let sandbox = slow();
    let dead = killed(&sandbox);
    quick(&sandbox);
    sandbox.json(&["execute"], 0);
    assert_eq!(journal(&sandbox, &dead)["state"], "aborted", "the next run has closed it");
    std::fs::remove_file(home(&sandbox, "quick")).unwrap();

    sandbox.git(&["notes", "--ref", "lex-pr/verdicts", "prune"]);
    sandbox.git(&["update-ref", "-d", "refs/notes/lex-pr/verdicts"]);
    let away = killed(&sandbox);
    quick(&sandbox);
    let move_away = |run: &mut Value| {
        run["holder"]["host"] = json!("elsewhere.example");
        run["holder"]["boot"] = json!("another");
    };
    write_step(&sandbox, &away, &format!("@{} +0000", jiff_now() - 3600), move_away);
    assert!(sandbox.lex(&["execute"]).exits(1).stderr.contains("on elsewhere.example, since"));
    assert!(sandbox.lex(&["status"]).exits(0).stdout.contains("at work elsewhere"));
    let refused = sandbox.lex(&["abort"]).exits(1).stderr;
    assert!(refused.contains("at work on elsewhere.example") && refused.contains("--force"), "{refused}");
    write_step(&sandbox, &away, &format!("@{} +0000", jiff_now() - 7 * 3600), |_| {});
    sandbox.json(&["execute"], 0);
    assert_eq!(journal(&sandbox, &away)["state"], "running", "it is another machine's to close");
    assert_eq!(sandbox.json(&["abort", &away, "--force"], 0)["run"]["state"], "aborted");
    sandbox.sound();
}

fn jiff_now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn a_run_whose_journal_was_closed_lands_no_more() {
    let sandbox = slow();
    let before = sandbox.head("main");
    let child = at_work(&sandbox, &["merge", "--execute"]);
    write_step(&sandbox, &newest(&sandbox), "2026-01-01T00:00:00Z", |run| {
        run["state"] = json!("aborted");
        run["notes"] = json!(["aborted by Ada from elsewhere"]);
    });
    quick(&sandbox);
    let told = said(child).exits(130);
    assert!(
        told.stderr.contains("this run was ended from elsewhere: aborted by Ada from elsewhere; the target was not touched"),
        "{}",
        told.stderr
    );
    assert_eq!(sandbox.head("main"), before);
    sandbox.json(&["merge", "--execute"], 0);
    sandbox.sound();
}

#[test]
fn of_many_that_begin_at_once_one_runs() {
    for _ in 0..4 {
        let sandbox = Sandbox::new();
        sandbox.config("[[gate]]\nname = \"t\"\nrun = \"echo >> $HOME/asked; sleep 0.2\"\n");
        sandbox.branch("a", "main", "a", &[("a", "x\n")]);
        sandbox.lex(&["plan", "create"]).exits(0);
        let children: Vec<Child> = (0..8).map(|_| spawn(&sandbox, &["merge", "--execute", "--json"])).collect();
        let ended: Vec<Said> = children.into_iter().map(said).collect();
        assert_eq!(asked(&sandbox), 1, "nobody proves what another is proving");
        let landed = ended.iter().filter(|said| said.status == 0 && said.json()["state"] == "landed").count();
        let rest = ended.iter().filter(|said| said.json()["state"] == "done" || said.json()["error"]["code"] == "plan-held").count();
        assert_eq!((landed, rest), (1, 7), "{:?}", ended.iter().map(|said| &said.stdout).collect::<Vec<_>>());
        sandbox.sound();
    }
}

#[test]
fn a_run_is_followed_to_its_end() {
    let sandbox = slow();
    sandbox.branch("c", "a", "c", &[("a", "y\n")]);
    sandbox.branch("d", "main", "d", &[("a", "z\n")]);
    sandbox.lex(&["plan", "add", "default", "c", "d"]).exits(0);
    let child = at_work(&sandbox, &["merge", "--execute"]);
    let id = newest(&sandbox);
    let clone = sandbox.root.path().join("clone");
    sandbox.git(&["clone", "-q", "--mirror", ".", clone.to_str().unwrap()]);
    let there = sandbox.lex_command(&clone, &["watch", "default"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let here = spawn(&sandbox, &["watch", &id]);
    std::thread::sleep(Duration::from_millis(300));
    quick(&sandbox);
    said(child).exits(1);
    let here = said(here).exits(1).stdout;
    let lines: Vec<&str> = here.lines().collect();
    assert!(lines[0].starts_with("plan default onto main, by Tess <tess@example.com>, process "), "{here}");
    assert!(
        ["a: holds (clean, 1 file)", "a: merged (clean, 1 file)"].contains(&lines[1]),
        "what is in, as long as nothing has landed: {here}"
    );
    assert!(
        here.contains("d: skipped: conflict (conflicts with a in a)") || here.contains("d: skipped: conflict (conflicts with a in a:1)"),
        "{here}"
    );
    assert!(lines[lines.len() - 2].starts_with("landed 3 of 4 on main"), "{here}");

    sandbox.git_in(&clone, &["fetch", "-q", "origin"]);
    assert!(said(there).exits(1).stdout.contains("landed 3 of 4 on main"));
    assert_eq!(sandbox.json(&["watch"], 1), sandbox.json(&["report"], 1), "a run that has ended is told at once");
    sandbox.branch("e", "main", "e", &[("e", "x\n")]);
    sandbox.lex(&["plan", "create", "--name", "e", "e"]).exits(0);
    sandbox.lex(&["execute", "e"]).exits(0);
    let said = sandbox.lex(&["watch", "e"]).exits(0).stdout;
    assert!(said.contains("e: holds (clean, 1 file)"), "a proof lands nothing: {said}");
    sandbox.sound();
}
