//! Weaving and landing: what is clean lands, what is not says why, and nothing else changes.

use crate::{
    history::Dice,
    sandbox::{Sandbox, detail, find, status},
};
use serde_json::json;

/// Four branches: two clean, one that conflicts with the first, one that needs the conflicting one.
fn fan() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.branch("a", "main", "a", &[("base.txt", "ONE\ntwo\nthree\n")]);
    sandbox.branch("b", "main", "b", &[("b.txt", "b\n")]);
    sandbox.branch("c", "main", "c", &[("base.txt", "uno\ntwo\nthree\n"), ("c.txt", "c\n")]);
    sandbox.branch("d", "main", "d\n\nDepends-On: c", &[("d.txt", "d\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    sandbox
}

#[test]
fn a_preview_changes_nothing_at_all() {
    let sandbox = fan();
    let before = sandbox.fingerprint();
    let run = sandbox.json(&["merge"], 1);
    assert_eq!(sandbox.fingerprint(), before);
    assert_eq!(
        (status(&run, "a"), status(&run, "b"), status(&run, "c"), status(&run, "d")),
        ("merged", "merged", "skipped-conflict", "blocked")
    );
    assert_eq!((&run["purpose"], &run["id"]), (&json!("preview"), &json!(null)));
    let text = sandbox.lex(&["merge"]).exits(1).stdout;
    assert!(text.contains("2 of 4 would land on main (1 in conflict, 1 blocked)"), "{text}");
    sandbox.sound();
}

#[test]
fn what_is_clean_lands_at_once_and_the_rest_says_why() {
    let sandbox = fan();
    let old = sandbox.head("main");
    let run = sandbox.json(&["merge", "--execute"], 1);
    assert_eq!((&run["state"], &run["purpose"]), (&json!("landed"), &json!("land")));
    assert_eq!(detail(&run, "c"), "conflicts with a in base.txt:1");
    assert_eq!(find(&run, "c")["conflicts"], json!([{ "path": "base.txt", "items": ["a"], "lines": [[1, 1]] }]));
    assert_eq!(find(&run, "c")["wayOut"], "git rebase a c");
    assert_eq!(detail(&run, "d"), "needs c (skipped: conflict)");
    assert_eq!(sandbox.head("main"), run["tip"].as_str().unwrap());
    assert_eq!(sandbox.head("main~2"), old, "two merge commits on top");
    assert_eq!(sandbox.head("main^2"), sandbox.head("b"));
    assert_eq!(sandbox.git(&["log", "-1", "--format=%s%n%(trailers:key=Lex-Pr-Item,valueonly)", "main"]), "Merge branch 'b'\nb");
    assert_eq!((sandbox.read("base.txt").as_str(), sandbox.read("b.txt").as_str()), ("ONE\ntwo\nthree\n", "b\n"), "the work tree followed");
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    let reflog = sandbox.git(&["reflog", "-1", "--format=%gs", "main"]);
    assert!(reflog.starts_with("lex-pr: land plan default"), "{reflog}");
    assert_eq!(sandbox.git(&["reflog", "-1", "--format=%gs", "HEAD"]), reflog);
    assert_eq!(sandbox.head("refs/lex-pr/weave/default"), sandbox.head("main"));
    let id = run["id"].as_str().unwrap();
    let kept: serde_json::Value = serde_json::from_str(&sandbox.git(&["show", &format!("refs/lex-pr/runs/{id}:run.json")])).unwrap();
    assert_eq!(kept, run);
    sandbox.sound();

    let again = sandbox.json(&["merge", "--execute"], 1);
    assert_eq!((status(&again, "a"), status(&again, "b")), ("up-to-date", "up-to-date"));
    assert_eq!((&again["state"], &again["tip"]), (&json!("done"), &run["tip"]));
}

#[test]
fn a_conflict_with_the_target_names_the_commit() {
    let sandbox = Sandbox::new();
    sandbox.branch("a", "main", "a", &[("base.txt", "ONE\ntwo\nthree\n")]);
    sandbox.write("other.txt", "x\n");
    sandbox.commit("Something else");
    sandbox.write("base.txt", "1\ntwo\nthree\n");
    let culprit = sandbox.commit("Clash");
    sandbox.write("other.txt", "y\n");
    sandbox.commit("Something else again");
    sandbox.lex(&["plan", "create"]).exits(0);
    let run = sandbox.json(&["merge"], 1);
    assert_eq!(find(&run, "a")["conflicts"], json!([{ "path": "base.txt", "commit": culprit, "lines": [[1, 1]] }]));
    assert_eq!(find(&run, "a")["wayOut"], "git rebase main a");
    assert_eq!(detail(&run, "a"), format!("conflicts with main ({}) in base.txt:1", sandbox.git(&["rev-parse", "--short=7", &culprit])));
}

#[test]
fn a_conflict_can_stop_the_run() {
    let sandbox = fan();
    sandbox.branch("z", "main", "z", &[("z", "z")]);
    sandbox.lex(&["plan", "add", "default", "z"]).exits(0);
    let run = sandbox.json(&["merge", "--on-conflict", "stop"], 1);
    assert_eq!((status(&run, "z"), detail(&run, "z")), ("pending", "not tried: the run stops at the conflict of c"));
    sandbox.git(&["config", "lexpr.onConflict", "stop"]);
    assert_eq!(status(&sandbox.json(&["merge"], 1), "z"), "pending");
    let run = sandbox.json(&["merge", "--on-conflict", "skip"], 1);
    assert_eq!(status(&run, "z"), "merged", "a flag beats git config");
}

#[test]
fn the_same_plan_gives_the_same_commits_everywhere() {
    let sandbox = fan();
    sandbox.config("[[gate]]\nname = \"t\"\nrun = \"true\"\n[[gate]]\nname = \"u\"\nrun = \"sleep 0.01\"\n");
    let clone = sandbox.root.path().join("clone");
    sandbox.git(&["clone", "-q", "--mirror", ".", clone.to_str().unwrap()]);
    let here = sandbox.json(&["merge", "--execute", "--max-workers", "1"], 1);
    let there = sandbox.lex_in(&clone, &["merge", "--execute", "--max-workers", "4", "--json"]).exits(1).json();
    assert_eq!(here["tip"], there["tip"]);
    for item in ["a", "b"] {
        assert_eq!(find(&here, item)["candidate"], find(&there, item)["candidate"]);
    }
    assert_eq!(sandbox.git_in(&clone, &["rev-parse", "main"]), sandbox.head("main"));
    assert_eq!(
        sandbox.git(&["log", "-1", "--format=%an %cn %cd %ad"]),
        sandbox.git_in(&clone, &["log", "-1", "main", "--format=%an %cn %cd %ad"])
    );
    assert_eq!(sandbox.git_in(&clone, &["fsck", "--strict", "--no-dangling"]), "");
}

#[test]
fn conflict_markers_never_land_whatever_gates_say() {
    let sandbox = Sandbox::new();
    sandbox.write(".gitattributes", "*.fixture conflict-marker-size=32\n");
    sandbox.write("old.txt", "<<<<<<< was here before\n");
    sandbox.config("[[gate]]\nname = \"all-is-well\"\nrun = \"true\"\n");
    let marked = "a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> x\n";
    sandbox.branch("bad", "main", "bad", &[("code.txt", marked)]);
    sandbox.branch("bad-end", "main", "bad", &[("half.txt", "c\n>>>>>>> x\n")]);
    sandbox.branch("sneaky", "main", "own attributes", &[("x.txt", marked), (".gitattributes", "* conflict-marker-size=32\n")]);
    sandbox.branch("fixture", "main", "fine", &[("a.fixture", marked)]);
    sandbox.branch("heading", "main", "fine", &[("doc.txt", "Title\n=======\n\n<<<<<<<< eight\n")]);
    sandbox.branch("old", "main", "fine", &[("old.txt", "<<<<<<< was here before\nmore\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    let run = sandbox.json(&["merge", "--execute"], 1);
    for bad in ["bad", "bad-end", "sneaky"] {
        assert_eq!(status(&run, bad), "skipped-gates", "{bad}");
    }
    for good in ["fixture", "heading", "old"] {
        assert_eq!(status(&run, good), "merged", "{good}");
    }
    assert_eq!(detail(&run, "bad"), "gate conflict-markers failed: code.txt:2: conflict marker `<<<<<<< HEAD`");
    assert_eq!(find(&run, "bad")["gates"][0]["verdict"]["annotations"][0]["line"], 2);
    assert!(!sandbox.repo.join("code.txt").exists());
    sandbox.sound();
}

#[test]
fn a_clean_weave_is_gits_merge_and_a_conflict_is_gits_conflict() {
    let mut clean = 0;
    let mut conflicts = 0;
    for seed in 0..6 {
        let sandbox = Sandbox::new();
        let mut dice = Dice(seed);
        let lines =
            |dice: &mut Dice| (0..12).map(|i| format!("line {i} {}\n", if dice.roll(9) == 0 { "changed" } else { "" })).collect::<String>();
        for file in 0..6 {
            sandbox.write(&format!("dir{}/f{file}.txt", file % 2), &lines(&mut Dice(999)));
        }
        sandbox.commit("Files");
        for branch in 0..8 {
            sandbox.git(&["checkout", "-q", "-b", &format!("b{branch}"), "main"]);
            for _ in 0..2 {
                let file = dice.roll(6);
                let path = format!("dir{}/f{file}.txt", file % 2);
                if !sandbox.repo.join(&path).exists() {
                    continue;
                }
                match dice.roll(8) {
                    0 => drop(sandbox.git(&["rm", "-q", "-f", &path])),
                    1 => drop(sandbox.git(&["mv", &path, &format!("moved{}.txt", dice.roll(3))])),
                    2 => {
                        std::fs::create_dir_all(sandbox.repo.join("dir2")).unwrap();
                        sandbox.git(&["mv", &path, &format!("dir2/f{file}.txt")]);
                    }
                    3 => sandbox.write(&format!("dir0/new{}.txt", dice.roll(3)), &lines(&mut dice)),
                    4 => drop(sandbox.command("chmod", &sandbox.repo).args(["+x", &path]).status()),
                    _ => sandbox.write(&path, &lines(&mut dice)),
                }
            }
            sandbox.commit(&format!("Branch {branch}"));
            sandbox.git(&["checkout", "-q", "main"]);
        }
        sandbox.lex(&["plan", "create"]).exits(0);
        let run = sandbox.lex(&["execute", "--json"]).json();
        let mut tip = sandbox.head("main");
        for item in run["items"].as_array().unwrap() {
            let branch = item["name"].as_str().unwrap();
            match (sandbox.merge_tree(&tip, branch), item["status"].as_str().unwrap()) {
                (Some(tree), "merged") => {
                    assert_eq!(item["tree"], tree, "seed {seed}, {branch}");
                    tip = item["candidate"].as_str().unwrap().to_string();
                    clean += 1;
                }
                (None, "skipped-conflict") => conflicts += 1,
                (git, ours) => panic!("seed {seed}, {branch}: git says {git:?}, we say {ours}: {item}"),
            }
        }
        assert_eq!(sandbox.head("refs/lex-pr/weave/default"), tip);
        sandbox.sound();
    }
    assert!(clean > 15 && conflicts > 5, "{clean} clean, {conflicts} conflicts: both must be tried");
}

/// A text that was merged for an item that was then skipped is merged the same way for one behind it, and must be there.
#[test]
fn what_was_merged_for_a_skipped_item_is_written_for_the_next() {
    let sandbox = Sandbox::new();
    let text = |first: &str, last: &str| format!("{first}\n2\n3\n4\n5\n6\n7\n{last}\n");
    sandbox.write("text", &text("1", "8"));
    sandbox.write("clash", "x\n");
    sandbox.config("[[gate]]\nname = \"t\"\nrun = \"true\"\n");
    let base = sandbox.head("main");
    sandbox.branch("a", &base, "a", &[("text", &text("1", "EIGHT")), ("clash", "theirs\n")]);
    sandbox.branch("b", &base, "b", &[("b.txt", "b\n")]);
    sandbox.branch("c", &base, "c", &[("text", &text("1", "EIGHT"))]);
    sandbox.write("text", &text("ONE", "8"));
    sandbox.write("clash", "ours\n");
    sandbox.commit("On main");
    sandbox.lex(&["plan", "create", "a", "b", "c"]).exits(0);
    let run = sandbox.json(&["merge", "--execute"], 1);
    assert_eq!((status(&run, "a"), status(&run, "b"), status(&run, "c")), ("skipped-conflict", "merged", "merged"), "{run}");
    assert_eq!(sandbox.git(&["show", "main:text"]) + "\n", text("ONE", "EIGHT"));
    sandbox.sound();
}
