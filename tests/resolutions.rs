//! Recorded resolutions: learnt from merges and from rerere, used wherever the same conflict comes again.

use crate::sandbox::{Sandbox, detail, find, status};

/// A list that `one` and `other` change at one place, and the merge in which somebody resolved it.
fn resolved_once(sandbox: &Sandbox) -> (String, String) {
    let from = sandbox.head("main");
    sandbox.branch("one", "main", "One", &[("base.txt", "one\ntwo, as one has it\nthree\n")]);
    sandbox.branch("other", "main", "Other", &[("base.txt", "one\ntwo, as the other has it\nthree\n")]);
    sandbox.git(&["checkout", "-q", "-b", "history", "one"]);
    sandbox.command("git", &sandbox.repo).args(["merge", "-q", "other"]).output().unwrap();
    sandbox.write("base.txt", "one\ntwo, as both have it\nthree\n");
    sandbox.commit("Merge other");
    sandbox.git(&["checkout", "-q", "main"]);
    (from, sandbox.head("history"))
}

#[test]
fn a_conflict_resolved_once_is_never_asked_again() {
    let sandbox = Sandbox::new();
    let (from, to) = resolved_once(&sandbox);
    let trained = sandbox.json(&["resolutions", "train", &format!("{from}..{to}")], 0);
    assert_eq!(trained, serde_json::json!({ "lookedAt": 1, "withConflicts": 1, "learnt": 1, "new": 1 }));
    assert_eq!(sandbox.json(&["resolutions", "train", &format!("{from}..{to}")], 0)["new"], 0, "nothing is learnt twice");

    // The same lines in another file and another place, the sides the other way round.
    let file = |middle: &str| format!("head\nmore\none\n{middle}three\ntail\n");
    sandbox.write("deep/list.txt", &file("two\n"));
    sandbox.commit("Another file");
    sandbox.branch("a", "main", "A", &[("deep/list.txt", &file("two, as the other has it\n"))]);
    sandbox.branch("b", "main", "B", &[("deep/list.txt", &file("two, as one has it\n"))]);
    sandbox.lex(&["plan", "create", "a", "b"]).exits(0);
    let run = sandbox.json(&["merge", "--execute"], 0);
    assert_eq!((status(&run, "b"), find(&run, "b")["weave"].as_str()), ("merged", Some("recorded")), "{run}");
    assert_eq!(sandbox.git(&["show", "main:deep/list.txt"]), file("two, as both have it\n").trim_end());
    let step = &find(&run, "b")["settled"][0];
    assert_eq!((step["path"].as_str(), step["rung"].as_str()), (Some("deep/list.txt"), Some("recorded")));
    let listed = sandbox.json(&["resolutions", "list"], 0);
    assert_eq!(step["resolutions"][0], listed[0]["key"], "the report names what was used");
    assert!(detail(&run, "b").contains(&format!("as resolved in {}", &to[..10])), "{}", detail(&run, "b"));
    let message = sandbox.git(&["log", "-1", "--format=%B", "main"]);
    assert!(message.starts_with("Weave: reconcile a + b \u{2014} recorded\n") && message.contains("Lex-Pr-Weave: recorded"), "{message}");
    assert!(message.contains("Files: deep/list.txt") && message.contains("Co-authored-by: Tess"), "{message}");
    sandbox.sound();
}

#[test]
fn what_is_not_known_or_switched_off_stays_a_conflict() {
    let sandbox = Sandbox::new();
    let (from, to) = resolved_once(&sandbox);
    sandbox.lex(&["resolutions", "train", &format!("{from}..{to}")]).exits(0);
    sandbox.branch("third", "main", "Third", &[("base.txt", "one\ntwo, as nobody has it\nthree\n")]);
    sandbox.lex(&["plan", "create", "one", "other", "third"]).exits(0);
    let run = sandbox.json(&["merge"], 1);
    assert_eq!((status(&run, "other"), status(&run, "third")), ("merged", "skipped-conflict"));
    sandbox.config("[weave]\noff = [\"recorded\"]\n");
    let run = sandbox.json(&["merge"], 1);
    assert_eq!((status(&run, "other"), status(&run, "third")), ("skipped-conflict", "skipped-conflict"));
    sandbox.git(&["reset", "-q", "--hard", "HEAD~1"]);
    let key = sandbox.json(&["resolutions", "list"], 0)[0]["key"].as_str().unwrap().to_string();
    let shown = sandbox.lex(&["resolutions", "show", &key[..8]]).exits(0).stdout;
    assert!(shown.contains("two, as both have it") && shown.contains("two, as one has it") && shown.contains(&to), "{shown}");
    sandbox.lex(&["resolutions", "forget", &key[..8]]).exits(0);
    assert_eq!(status(&sandbox.json(&["merge"], 1), "other"), "skipped-conflict");
    assert_eq!(sandbox.json(&["resolutions", "show", &key], 2)["error"]["code"], "no-resolution");
    sandbox.sound();
}

#[test]
fn files_that_are_taken_away_or_changed_elsewhere_too_are_known_as_a_whole() {
    let sandbox = Sandbox::new();
    let from = sandbox.head("main");
    sandbox.branch("gone", "main", "Gone", &[]);
    sandbox.git(&["checkout", "-q", "gone"]);
    sandbox.git(&["rm", "-q", "base.txt"]);
    sandbox.commit("Take it away");
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.branch("kept", "main", "Kept", &[("base.txt", "one\ntwo\nTHREE\n")]);
    sandbox.git(&["checkout", "-q", "-b", "history", "kept"]);
    sandbox.command("git", &sandbox.repo).args(["merge", "-q", "gone"]).output().unwrap();
    sandbox.git(&["rm", "-q", "base.txt"]);
    sandbox.commit("Merge gone, and let it go");
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.lex(&["resolutions", "train", &format!("{from}..history")]).exits(0);
    sandbox.lex(&["plan", "create", "kept", "gone"]).exits(0);
    let run = sandbox.json(&["merge", "--execute"], 0);
    assert_eq!(find(&run, "kept")["weave"], "recorded", "{run}");
    assert_eq!(sandbox.git(&["ls-tree", "--name-only", "main"]), "");
    sandbox.sound();
}

#[test]
fn what_rerere_has_kept_is_imported() {
    let sandbox = Sandbox::new();
    sandbox.git(&["config", "rerere.enabled", "true"]);
    resolved_once(&sandbox);
    let imported = sandbox.json(&["resolutions", "import-rerere"], 0);
    assert_eq!((imported["withConflicts"].as_u64(), imported["new"].as_u64()), (Some(1), Some(1)), "{imported}");
    sandbox.lex(&["plan", "create", "one", "other"]).exits(0);
    let run = sandbox.json(&["merge", "--execute"], 0);
    assert!(detail(&run, "other").contains("as resolved in rerere"), "{}", detail(&run, "other"));
    assert_eq!(sandbox.git(&["show", "main:base.txt"]), "one\ntwo, as both have it\nthree");
    sandbox.sound();
}

/// With every rung but git's own off, a replay is git's; with what was learnt, it ends in the recorded tree.
#[test]
fn a_history_is_rebuilt_from_its_branches() {
    let sandbox = Sandbox::new();
    let (from, to) = resolved_once(&sandbox);
    let range = format!("{from}..{to}");
    sandbox.lex(&["resolutions", "train", &range]).exits(0);
    let replay = sandbox.json(&["replay", "--with-commits", &range], 0);
    assert_eq!(replay["differs"], serde_json::json!([]));
    let merge = &replay["merges"][1];
    assert_eq!(
        (merge["weave"].as_str(), merge["sameAsGit"].as_bool(), merge["sameAsRecorded"].as_bool()),
        (Some("recorded"), Some(true), Some(true))
    );
    let replay = sandbox.json(&["replay", "--with-commits", "--off", "recorded", &range], 0);
    assert_eq!((&replay["differs"], &replay["merges"][1]["weave"]), (&serde_json::json!(["base.txt"]), &serde_json::Value::Null));
}

#[test]
fn two_clones_that_train_at_once_lose_nothing() {
    let sandbox = Sandbox::new();
    let (from, to) = resolved_once(&sandbox);
    sandbox.branch("x", "main", "X", &[("x.txt", "x\n")]);
    sandbox.branch("y", "main", "Y", &[("x.txt", "y\n")]);
    sandbox.git(&["checkout", "-q", "-b", "second", "x"]);
    sandbox.command("git", &sandbox.repo).args(["merge", "-q", "y"]).output().unwrap();
    sandbox.write("x.txt", "both\n");
    sandbox.commit("Merge y");
    for _ in 0..10 {
        sandbox.command("git", &sandbox.repo).args(["update-ref", "-d", "refs/lex-pr/resolutions"]).status().unwrap();
        let train = |range: String| {
            sandbox.lex_command(&sandbox.repo, &["resolutions", "train", &range]).stdout(std::process::Stdio::null()).spawn().unwrap()
        };
        for mut child in [train(format!("{from}..{to}")), train(format!("{from}..second"))] {
            assert!(child.wait().unwrap().success());
        }
        assert_eq!(sandbox.json(&["resolutions", "list"], 0).as_array().unwrap().len(), 2);
    }
    sandbox.sound();
}
