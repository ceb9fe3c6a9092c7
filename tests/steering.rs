//! Steering a queue: what of a plan runs, what goes past it, what holds it up, and whose word counts in place of a gate's.

use crate::sandbox::{Sandbox, detail, find, status, wait_for};
use serde_json::Value;
use std::{process::Stdio, time::Duration};

/// `a`, `b` on top of it, `c`, and `d` on top of `c`, each with a file of its own; and a gate that says in `ran` whom it judged.
fn queue(gate: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.config(&format!("[[gate]]\nname = \"t\"\nrun = '''echo $LEX_PR_ITEM >> $HOME/ran; {gate}'''\n"));
    for (name, from) in [("a", "main"), ("b", "a"), ("c", "main"), ("d", "c")] {
        sandbox.branch(name, from, name, &[(&format!("{name}.txt"), name)]);
    }
    sandbox.lex(&["plan", "create"]).exits(0);
    sandbox
}

fn landed(run: &Value) -> Vec<&str> {
    let items = run["items"].as_array().unwrap().iter().filter(|item| item["status"] == "merged");
    items.map(|item| item["name"].as_str().unwrap()).collect()
}

fn home(sandbox: &Sandbox, name: &str) -> String {
    std::fs::read_to_string(sandbox.root.path().join("home").join(name)).unwrap_or_default()
}

#[test]
fn chosen_items_land_with_what_they_stand_on_and_everything_is_judged() {
    for (args, expected) in [
        (&["--items", "b"][..], &["a", "b"][..]),
        (&["--items", "c,a"], &["a", "c"]),
        (&["--levels", "0"], &["a", "c"]),
        (&["--levels", "1"], &["a", "c", "b", "d"]),
        (&["--levels", "0-1", "--items", "d"], &["c", "d"]),
        (&["--filter", "deps.length eq 1 and name ne d"], &["a", "b"]),
        (&["--filter", "paths contains c.txt and level eq 0"], &["c"]),
        (&["--filter", "author contains tess and name in [a]"], &["a"]),
    ] {
        let sandbox = queue("true");
        let run = sandbox.json(&[&["merge", "--execute"], args].concat(), 0);
        assert_eq!(landed(&run), expected, "{args:?}");
        let mut judged: Vec<String> = home(&sandbox, "ran").lines().map(Into::into).collect();
        judged.sort();
        let mut all = expected.to_vec();
        all.sort();
        assert_eq!(judged, all, "{args:?}: nothing lands that no gate has seen");
        assert_eq!(sandbox.git(&["ls-tree", "--name-only", "main"]).lines().filter(|l| l.len() == 5).count(), expected.len());
        sandbox.sound();
    }
}

#[test]
fn a_choice_that_makes_no_sense_is_refused() {
    let sandbox = queue("true");
    let before = sandbox.head("main");
    for (args, exit, words) in [
        (&["--items", "x"][..], 2, "there is no item `x` in plan default"),
        (&["--levels", "7"], 1, "no item of plan default is chosen"),
        (&["--levels", "x"], 2, "`x` is no level"),
        (&["--filter", "levl eq 1"], 2, "did you mean `level`?"),
        (&["--filter", "name eq nobody"], 1, "no item of plan default is chosen"),
        (&["--hotfix", "x"], 2, "there is no item `x`"),
        (&["--hotfix", "a", "--items", "b"], 2, "cannot be used with"),
    ] {
        let said = sandbox.lex(&[&["merge", "--execute"], args].concat()).exits(exit);
        assert!(said.stderr.contains(words), "{args:?}: {}", said.stderr);
    }
    assert_eq!(sandbox.head("main"), before);
}

#[test]
fn items_can_be_chosen_by_what_became_of_them() {
    let sandbox = queue("! test -e b.txt || test -e $HOME/mended");
    sandbox.json(&["merge", "--execute", "--levels", "1"], 1);
    std::fs::write(sandbox.root.path().join("home/mended"), "").unwrap();
    let run = sandbox.json(&["merge", "--execute", "--fresh", "--filter", "status eq skipped-gates"], 0);
    assert_eq!(landed(&run), ["b"]);
}

#[test]
fn a_hotfix_goes_past_a_run_that_is_at_work_and_past_a_pause() {
    let sandbox = queue("test $LEX_PR_ITEM = c || { touch $HOME/began; while ! test -e $HOME/go; do sleep 0.05; done; }");
    let run = || {
        let mut command = sandbox.lex_command(&sandbox.repo, &["merge", "--execute", "--json"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let child = run();
    wait_for("the first gate", || sandbox.root.path().join("home/began").exists());
    assert!(sandbox.lex(&["merge", "--execute", "--items", "c"]).exits(1).stderr.contains("is being run by"));
    let hotfix = sandbox.json(&["merge", "--execute", "--hotfix", "c"], 0);
    assert_eq!(landed(&hotfix), ["c"]);
    assert_eq!(sandbox.git(&["log", "-1", "--format=%s", "main"]), "Merge branch 'c'");
    std::fs::write(sandbox.root.path().join("home/go"), "").unwrap();
    let output = child.wait_with_output().unwrap();
    let overtaken: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), overtaken["state"].as_str()), (Some(1), Some("overtaken")));

    sandbox.lex(&["pause", "--reason", "freeze"]).exits(0);
    assert!(sandbox.lex(&["merge", "--execute"]).exits(1).stderr.contains("plan default is paused by Tess <tess@example.com>: freeze"));
    assert_eq!(landed(&sandbox.json(&["merge", "--execute", "--hotfix", "d"], 0)), ["d"]);
    sandbox.sound();
}

#[test]
fn a_pause_holds_a_run_up_and_loses_nothing() {
    let sandbox = queue("touch $HOME/began; while ! test -e $HOME/go; do sleep 0.05; done");
    let before = sandbox.head("main");
    let mut command = sandbox.lex_command(&sandbox.repo, &["merge", "--execute"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("the first gate", || sandbox.root.path().join("home/began").exists());
    let paused = sandbox.lex(&["pause"]).exits(0).stdout;
    assert_eq!(paused, "plan default is paused by Tess <tess@example.com>; nothing of it lands\n");
    assert!(sandbox.lex(&["status"]).exits(0).stdout.contains("paused by Tess"));
    std::fs::write(sandbox.root.path().join("home/go"), "").unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    assert!(child.try_wait().unwrap().is_none(), "it waits");
    assert_eq!(home(&sandbox, "ran").lines().count(), 1, "nothing new was begun");
    assert_eq!(sandbox.head("main"), before);
    assert!(sandbox.lex(&["resume"]).exits(0).stdout.contains("may land again"));
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("the plan is paused by Tess <tess@example.com>; waiting for `git lex-pr resume`"), "{said}");
    assert_eq!(home(&sandbox, "ran").lines().count(), 4);
    assert!(sandbox.lex(&["resume"]).exits(0).stdout.contains("was not paused"));
    assert_eq!(sandbox.git(&["log", "--format=%s", "refs/lex-pr/plans/default"]).lines().take(2).collect::<Vec<_>>(), ["Resume", "Pause"]);
    sandbox.sound();
}

#[test]
fn ctrl_c_ends_a_run_that_waits_for_a_resume() {
    let sandbox = queue("touch $HOME/began; while ! test -e $HOME/go; do sleep 0.05; done");
    let mut command = sandbox.lex_command(&sandbox.repo, &["merge", "--execute"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("the first gate", || sandbox.root.path().join("home/began").exists());
    sandbox.lex(&["pause"]).exits(0);
    std::fs::write(sandbox.root.path().join("home/go"), "").unwrap();
    std::thread::sleep(Duration::from_millis(800));
    sandbox.command("kill", &sandbox.repo).args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    assert_eq!(sandbox.json(&["report"], 1)["state"], "interrupted");
}

const ADMIN: &str = "[policy.overrides.admin-green]\nallowed-users = [\"tess@example.com\"]\nrequire-reason = true\n";

fn with_override(policy: &str) -> Sandbox {
    let sandbox = queue("! test -e b.txt");
    let config = sandbox.read("lex-pr.toml");
    sandbox.write("lex-pr.toml", &format!("{config}{policy}"));
    sandbox.commit("Policy");
    sandbox
}

#[test]
fn a_word_that_the_policy_trusts_lands_an_item_in_spite_of_a_gate() {
    for way in ["serial", "speculative", "bisect"] {
        let sandbox = with_override(ADMIN);
        let run = sandbox.json(&["merge", "--execute", "--batch", way], 1);
        assert_eq!((status(&run, "a"), status(&run, "b")), ("merged", "skipped-gates"), "{way}");
        let said = sandbox.lex(&["gate", "override", "b", "t", "--reason", "known flake"]).exits(0).stdout;
        assert!(said.contains("t overridden by Tess <tess@example.com>: known flake"), "{said}");
        let run = sandbox.json(&["retry", "--batch", way], 0);
        assert_eq!(status(&run, "b"), "merged", "{way}: {run}");
        assert!(detail(&run, "b").ends_with("; t overridden by Tess <tess@example.com>: known flake"), "{}", detail(&run, "b"));
        let gate = &find(&run, "b")["gates"][1];
        assert_eq!((&gate["verdict"]["verdict"], &gate["overridden"]["reason"]), (&"fail".into(), &"known flake".into()));
        let note = sandbox.git(&["notes", "--ref", "lex-pr/items", "show", "b"]);
        assert!(note.contains("\"kind\":\"override\"") && note.contains("\"by\":\"Tess <tess@example.com>\""), "{note}");
        sandbox.sound();
    }
}

#[test]
fn an_override_in_a_batch_lets_nobody_else_in() {
    // `c` breaks the gate too; only `d`, the last of the batch, is overridden.
    let sandbox = queue("! test -e c.txt");
    let config = sandbox.read("lex-pr.toml");
    sandbox.write("lex-pr.toml", &format!("{config}{ADMIN}"));
    sandbox.commit("Policy");
    sandbox.lex(&["gate", "override", "d", "t", "--reason", "x"]).exits(0);
    let run = sandbox.json(&["merge", "--execute", "--batch", "bisect"], 1);
    assert_eq!(["a", "b", "c", "d"].map(|item| status(&run, item)), ["merged", "merged", "skipped-gates", "blocked"]);
}

#[test]
fn a_word_that_the_policy_does_not_trust_counts_for_nothing() {
    let sandbox = with_override("");
    let refused = |args: &[&str], words: &str| {
        let said = sandbox.lex(&[&["gate", "override"], args].concat());
        assert!(said.status != 0 && said.stderr.contains(words), "{args:?}: {}", said.stderr);
    };
    refused(&["b", "t", "--reason", "x"], "the policy of main lets nobody override a gate");
    let config = sandbox.read("lex-pr.toml");
    sandbox.config(&format!("{}{ADMIN}", config.trim_start_matches("version = 1\n")));
    refused(&["b", "t"], "the policy asks for a reason");
    refused(&["b", "conflict-markers", "--reason", "x"], "nobody can land conflict markers");
    refused(&["b", "u", "--reason", "x"], "there is no gate `u`");
    refused(&["z", "t", "--reason", "x"], "there is no item `z`");
    sandbox.lex(&["gate", "override", "b", "t", "--reason", "x"]).exits(0);

    // Whoever the policy stops naming is not believed any more, and a new commit is another thing.
    let config = sandbox.read("lex-pr.toml");
    sandbox.write("lex-pr.toml", &config.replace("tess@", "root@"));
    sandbox.commit("Not Tess");
    refused(&["b", "t", "--reason", "x"], "does not let Tess <tess@example.com> override gates");
    let run = sandbox.json(&["merge", "--execute"], 1);
    assert_eq!(status(&run, "b"), "skipped-gates");
    sandbox.write("lex-pr.toml", &config);
    sandbox.commit("Tess again");
    sandbox.git(&["checkout", "-q", "b"]);
    sandbox.write("b.txt", "more");
    sandbox.commit("More");
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.lex(&["plan", "add", "default", "b"]).exits(0);
    assert_eq!(status(&sandbox.json(&["merge", "--execute"], 1), "b"), "skipped-gates");
}
