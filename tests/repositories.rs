//! Repositories of every kind, and what happens to them meanwhile.

use crate::sandbox::{Sandbox, detail, find, status};
use serde_json::json;

fn two(sandbox: &Sandbox) {
    sandbox.branch("a", "main", "a", &[("a.txt", "a\n")]);
    sandbox.branch("b", "main", "b", &[("base.txt", "one\ntwo\nTHREE\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
}

#[test]
fn a_dirty_work_tree_is_refused_before_anything_is_done() {
    let sandbox = Sandbox::new();
    sandbox.config("[[gate]]\nname = \"t\"\nrun = \"touch $HOME/ran\"\n");
    two(&sandbox);
    for (what, path) in [("changed", "base.txt"), ("staged", "new.txt")] {
        sandbox.write(path, "mine\n");
        if what == "staged" {
            sandbox.git(&["add", "new.txt"]);
        }
        let before = sandbox.fingerprint();
        let error = sandbox.json(&["merge", "--execute"], 2)["error"].clone();
        assert_eq!(error["code"], "dirty-worktree", "{what}");
        assert_eq!(error["at"]["source"], sandbox.repo.canonicalize().unwrap().to_str().unwrap());
        assert!(error["message"].as_str().unwrap().contains(path) && error["hint"].as_str().unwrap().contains("git stash"), "{error}");
        assert_eq!(sandbox.fingerprint(), before);
        assert!(!sandbox.root.path().join("home/ran").exists());
        sandbox.git(&["reset", "-q", "--hard"]);
    }
    sandbox.write("mine-alone.txt", "untracked\n");
    sandbox.lex(&["merge", "--execute"]).exits(0);
    assert_eq!(sandbox.read("mine-alone.txt"), "untracked\n", "an untracked file is in nobody's way");
    sandbox.sound();
}

#[test]
fn an_untracked_file_in_the_way_is_never_overwritten() {
    let sandbox = Sandbox::new();
    two(&sandbox);
    sandbox.write("a.txt", "precious\n");
    let before = sandbox.head("main");
    let said = sandbox.lex(&["merge", "--execute"]).exits(2);
    assert!(said.stderr.contains("a.txt"), "{}", said.stderr);
    assert_eq!((sandbox.read("a.txt").as_str(), sandbox.head("main")), ("precious\n", before));
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "?? a.txt");
    let run = sandbox.json(&["report"], 1);
    assert_eq!((&run["state"], status(&run, "a")), (&json!("interrupted"), "merged"));
    let text = sandbox.lex(&["report"]).exits(1).stdout;
    assert_eq!(text.matches("not landed").count(), 2, "{text}");
    assert!(!text.contains("merged"), "{text}");
    std::fs::remove_file(sandbox.repo.join("a.txt")).unwrap();
    sandbox.lex(&["merge", "--execute"]).exits(0);
    sandbox.sound();
}

#[test]
fn a_target_that_is_checked_out_nowhere_just_moves() {
    let sandbox = Sandbox::new();
    two(&sandbox);
    sandbox.git(&["checkout", "-q", "a"]);
    sandbox.write("dirty.txt", "mine\n");
    sandbox.git(&["add", "dirty.txt"]);
    sandbox.lex(&["merge", "--execute"]).exits(0);
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "A  dirty.txt", "another branch's work tree is left alone");
    assert_eq!(sandbox.git(&["ls-tree", "--name-only", "main"]), "a.txt\nbase.txt");
}

#[test]
fn git_is_started_for_a_landing_where_more_comes_with_it() {
    let ground = Sandbox::new();
    two(&ground);
    ground.git(&["checkout", "-q", "--detach"]);
    let hook = "#!/bin/sh\necho \"$1\" $(cat) >> hooked\n";
    let executable = |path: std::path::PathBuf, text: &str| {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    };
    // Whether git moved the target, and what the hook saw of that.
    let lands = |prepare: &dyn Fn(&Sandbox)| {
        let sandbox = ground.copy();
        prepare(&sandbox);
        let trace = sandbox.root.path().join("trace");
        let output = sandbox.lex_command(&sandbox.repo, &["merge", "--execute"]).env("GIT_TRACE2_EVENT", &trace).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        sandbox.sound();
        assert_eq!(sandbox.git(&["ls-tree", "--name-only", "main"]), "a.txt\nbase.txt");
        let reflog = sandbox.git(&["reflog", "main"]);
        assert!(reflog.lines().next().unwrap().contains("lex-pr: land plan default (run "), "{reflog}");
        let started = std::fs::read_to_string(trace).unwrap_or_default().contains("\"update-ref\"");
        (started, std::fs::read_to_string(sandbox.repo.join("hooked")).unwrap_or_default().contains("refs/heads/main"))
    };
    assert_eq!(lands(&|_| {}), (false, false));
    assert_eq!(lands(&|sandbox| executable(sandbox.repo.join(".git/hooks/reference-transaction"), hook)), (true, true));
    let elsewhere = |sandbox: &Sandbox| {
        executable(sandbox.repo.join("hooks/reference-transaction"), hook);
        sandbox.git(&["config", "core.hooksPath", "hooks"]);
    };
    assert_eq!(lands(&elsewhere), (true, true));
    assert_eq!(lands(&|sandbox| drop(sandbox.git(&["config", "core.hooksPath", "/dev/null"]))), (false, false));
    assert_eq!(lands(&|sandbox| drop(sandbox.git(&["config", "hook.seen.command", "true"]))), (true, false));
    assert_eq!(lands(&|sandbox| drop(sandbox.git(&["config", "core.fsync", "reference"]))), (true, false));
    assert_eq!(lands(&|sandbox| drop(sandbox.git(&["pack-refs", "--all"]))), (false, false));
    assert_eq!(lands(&|sandbox| drop(sandbox.git(&["worktree", "add", "-q", "../linked", "main"]))), (true, false));
    let led = |sandbox: &Sandbox| {
        sandbox.git(&["branch", "-m", "main", "trunk"]);
        sandbox.git(&["symbolic-ref", "refs/heads/main", "refs/heads/trunk"]);
    };
    assert!(lands(&led).0, "a target that leads to another branch is moved there");
}

#[test]
fn a_bare_repository() {
    let sandbox = Sandbox::new();
    two(&sandbox);
    let bare = sandbox.root.path().join("bare.git");
    sandbox.git(&["clone", "-q", "--mirror", ".", bare.to_str().unwrap()]);
    let run = sandbox.lex_in(&bare, &["merge", "--execute", "--json"]).exits(0).json();
    assert_eq!(sandbox.git_in(&bare, &["rev-parse", "main"]), run["tip"].as_str().unwrap());
    assert_eq!(sandbox.git_in(&bare, &["show", "main:base.txt"]), "one\ntwo\nTHREE");
    assert_eq!(sandbox.git_in(&bare, &["fsck", "--strict", "--no-dangling"]), "");
    let through_env = sandbox.lex_command(sandbox.root.path(), &["status"]).env("GIT_DIR", &bare).output().unwrap();
    assert!(through_env.status.success(), "GIT_DIR is obeyed");
    sandbox.lex_in(&bare.join("refs"), &["status"]).exits(0);
    sandbox.lex_in(&sandbox.repo.join(".git"), &["status"]).exits(0);
}

#[test]
fn linked_work_trees_follow_and_forbid_like_the_main_one() {
    let sandbox = Sandbox::new();
    two(&sandbox);
    sandbox.git(&["checkout", "-q", "-b", "elsewhere"]);
    let linked = sandbox.root.path().join("linked");
    sandbox.git(&["worktree", "add", "-q", linked.to_str().unwrap(), "main"]);
    std::fs::write(linked.join("base.txt"), "mine\n").unwrap();
    let error = sandbox.json(&["merge", "--execute"], 2)["error"].clone();
    assert_eq!((error["code"].as_str(), error["at"]["source"].as_str()), (Some("dirty-worktree"), linked.canonicalize().unwrap().to_str()));
    sandbox.git_in(&linked, &["checkout", "-q", "."]);
    let sub = linked.join("sub");
    std::fs::create_dir(&sub).unwrap();
    sandbox.lex_in(&sub, &["merge", "--execute"]).exits(0);
    assert_eq!(std::fs::read_to_string(linked.join("a.txt")).unwrap(), "a\n", "it followed, run from a folder in it");
    assert_eq!(
        (sandbox.git_in(&linked, &["status", "--porcelain"]), sandbox.git(&["status", "--porcelain"])),
        (String::new(), String::new())
    );
    assert!(!sandbox.repo.join("a.txt").exists());
    sandbox.sound();
}

#[test]
fn a_sha256_repository() {
    let sandbox = Sandbox::with_init(&["--object-format=sha256"]);
    sandbox.config("[[gate]]\nname = \"t\"\nrun = \"git rev-parse HEAD\"\n");
    two(&sandbox);
    let run = sandbox.json(&["merge", "--execute"], 0);
    assert_eq!(run["tip"].as_str().unwrap().len(), 64);
    assert_eq!(sandbox.head("main"), run["tip"].as_str().unwrap());
    let tree = find(&run, "a")["tree"].as_str().unwrap();
    assert!(sandbox.git(&["notes", "--ref", "lex-pr/verdicts", "show", tree]).contains("\"pass\""));
    sandbox.sound();
}

#[test]
fn a_reftable_repository_is_refused_with_the_way_out() {
    let sandbox = Sandbox::with_init(&["--ref-format=reftable"]);
    let error = sandbox.json(&["plan", "list"], 2)["error"].clone();
    assert_eq!(error["code"], "reftable");
    assert!(error["hint"].as_str().unwrap().contains("git clone --ref-format=files"), "{error}");
    let files = sandbox.root.path().join("files");
    sandbox.git(&["clone", "-q", "--ref-format=files", ".", files.to_str().unwrap()]);
    sandbox.lex_in(&files, &["plan", "list"]).exits(0);
}

#[test]
fn an_empty_plan_has_nothing_to_do() {
    let sandbox = Sandbox::new();
    // It is not made by chance, but kept where a file says so.
    assert!(sandbox.lex(&["plan", "create"]).exits(2).stderr.contains("there is nothing to plan"));
    let said = sandbox.lex_fed(&["plan", "import", "-"], r#"{"schemaVersion":"2.0.0","target":"main"}"#).exits(0);
    assert!(said.stdout.contains("0 items"), "{}", said.stdout);
    let before = sandbox.head("main");
    for args in [&["merge"][..], &["merge", "--execute"], &["execute"], &["order"], &["status"], &["report"]] {
        sandbox.lex(args).exits(0);
    }
    assert_eq!(sandbox.head("main"), before);
    sandbox.sound();
}

#[test]
fn the_planned_commit_lands_though_its_branch_moved_or_is_gone() {
    let sandbox = Sandbox::new();
    two(&sandbox);
    let planned = sandbox.head("a");
    sandbox.git(&["checkout", "-q", "a"]);
    sandbox.write("later.txt", "x");
    sandbox.commit("Later");
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.git(&["branch", "-q", "-D", "b"]);
    let run = sandbox.json(&["merge", "--execute"], 0);
    assert_eq!(find(&run, "a")["head"], planned);
    assert!(find(&run, "a")["notes"][0].as_str().unwrap().contains("git lex-pr plan add default a"), "{run}");
    assert_eq!(find(&run, "b")["notes"], json!(["branch b is gone; the planned commit is used"]));
    assert_eq!(sandbox.git(&["ls-tree", "--name-only", "main"]), "a.txt\nbase.txt");
    sandbox.lex(&["plan", "add", "default", "a"]).exits(0);
    assert_eq!(status(&sandbox.json(&["merge", "--execute"], 0), "a"), "merged", "the renewed item lands");
}

#[test]
fn a_commit_or_branch_that_is_not_here_skips_its_item_only() {
    let sandbox = Sandbox::new();
    two(&sandbox);
    let gone = "0123456789012345678901234567890123456789";
    let plan = format!(
        r#"{{"schemaVersion":"2.0.0","target":"main","items":[{{"name":"a","branch":"a"}},{{"name":"gone","branch":"gone","head":"{gone}"}},{{"name":"none","branch":"none"}},{{"name":"on","branch":"b","deps":["none"]}}]}}"#
    );
    sandbox.lex_fed(&["plan", "import", "-", "--force"], &plan).exits(0);
    let run = sandbox.json(&["merge", "--execute"], 1);
    assert_eq!(
        (status(&run, "a"), status(&run, "gone"), status(&run, "none"), status(&run, "on")),
        ("merged", "skipped-missing", "skipped-missing", "blocked")
    );
    assert_eq!(detail(&run, "none"), "there is no branch `none` here");
    assert!(detail(&run, "gone").contains("git fetch"), "{}", detail(&run, "gone"));
    sandbox.sound();
}

#[test]
fn a_target_that_moves_meanwhile_is_never_overwritten() {
    let sandbox = Sandbox::new();
    let other = sandbox.git(&["commit-tree", "-p", "main", "-m", "Somebody else", "main^{tree}"]);
    let git = sandbox.repo.join(".git");
    sandbox.config(&format!("[[gate]]\nname = \"t\"\nrun = \"git --git-dir='{}' update-ref refs/heads/main $(git --git-dir='{}' commit-tree -p main -m other main^{{tree}})\"\n", git.display(), git.display()));
    sandbox.git(&["checkout", "-q", "--detach"]);
    sandbox.branch("a", "main", "a", &[("a.txt", "a\n")]);
    sandbox.git(&["checkout", "-q", "--detach"]);
    sandbox.lex(&["plan", "create"]).exits(0);
    let run = sandbox.json(&["merge", "--execute"], 1);
    assert_eq!(run["state"], "overtaken", "{run} {other}");
    assert_eq!(sandbox.git(&["log", "-1", "--format=%s", "main"]), "other", "the other's commit stands");
    assert!(run["notes"][0].as_str().unwrap().contains("so nothing landed"), "{run}");
    let text = sandbox.lex(&["report"]).exits(1).stdout;
    assert!(text.contains("nothing landed: main moved meanwhile") && text.contains("not landed"), "{text}");
    let markdown = sandbox.lex(&["report", "--format", "md"]).exits(1).stdout;
    assert!(markdown.contains("| 0 | a | not landed | clean, 1 file |  |"), "{markdown}");
    sandbox.sound();
}

#[test]
fn a_checked_out_target_that_moves_meanwhile_keeps_its_work_tree() {
    let sandbox = Sandbox::new();
    sandbox.config(&format!("[[gate]]\nname = \"t\"\nrun = \"cd '{}' && git commit -q --allow-empty -m other\"\n", sandbox.repo.display()));
    sandbox.branch("a", "main", "a", &[("a.txt", "a\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    assert_eq!(sandbox.json(&["merge", "--execute"], 1)["state"], "overtaken");
    assert_eq!((sandbox.git(&["status", "--porcelain"]), sandbox.repo.join("a.txt").exists()), (String::new(), false));
    sandbox.sound();
}

#[test]
fn histories_without_a_common_base_are_skipped() {
    let sandbox = Sandbox::new();
    sandbox.git(&["checkout", "-q", "--orphan", "island"]);
    sandbox.write("island.txt", "x");
    sandbox.commit("Island");
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.branch("a", "main", "a", &[("a.txt", "a\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    let run = sandbox.json(&["merge", "--execute"], 1);
    assert_eq!((status(&run, "a"), status(&run, "island")), ("merged", "skipped-history"));
    assert_eq!(detail(&run, "island"), "shares no history with main");
    sandbox.sound();
}

#[test]
fn several_merge_bases_have_gits_answer() {
    let sandbox = Sandbox::new();
    let lines = |first: &str, last: &str| format!("{first}\nb\nc\nd\ne\nf\n{last}\n");
    sandbox.write("f.txt", &lines("a", "g"));
    sandbox.commit("File");
    sandbox.branch("x", "main", "x", &[("f.txt", &lines("x", "g"))]);
    sandbox.branch("y", "main", "y", &[("f.txt", &lines("y", "g"))]);
    for (name, from, other, first) in [("xy", "x", "y", "x"), ("yx", "y", "x", "y")] {
        sandbox.git(&["checkout", "-q", "-b", name, from]);
        sandbox.git(&["merge", "-q", "-s", "ours", "--no-edit", other]);
        sandbox.write("f.txt", &lines(first, if name == "xy" { "g" } else { "last" }));
        sandbox.commit("Criss-cross");
    }
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.git(&["merge", "-q", "--ff-only", "xy"]);
    assert_eq!(sandbox.git(&["merge-base", "--all", "main", "yx"]).lines().count(), 2);
    let tree = sandbox.merge_tree("main", "yx");
    sandbox.lex(&["plan", "create", "yx"]).exits(0);
    let run = sandbox.lex(&["merge", "--json"]).json();
    match tree {
        Some(tree) => assert_eq!(find(&run, "yx")["tree"], tree),
        None => assert_eq!(status(&run, "yx"), "skipped-conflict"),
    }
    sandbox.sound();
}

#[test]
fn a_shallow_clone_works_as_far_as_it_reaches() {
    let sandbox = Sandbox::new();
    for n in 0..5 {
        sandbox.write("n.txt", &n.to_string());
        sandbox.commit("More");
    }
    sandbox.branch("a", "main", "a", &[("a.txt", "a\n")]);
    sandbox.branch("old", "main~3", "old", &[("old.txt", "x\n")]);
    let clone = sandbox.root.path().join("clone");
    let url = format!("file://{}", sandbox.repo.display());
    sandbox.git(&["clone", "-q", "--depth", "2", "--no-single-branch", &url, clone.to_str().unwrap()]);
    sandbox.lex_in(&clone, &["plan", "create", "origin/*"]).exits(0);
    let run = sandbox.lex_in(&clone, &["merge", "--execute", "--json"]).exits(1).json();
    assert_eq!((status(&run, "origin/a"), status(&run, "origin/old")), ("merged", "skipped-history"));
    assert_eq!(sandbox.git_in(&clone, &["fsck", "--strict", "--no-dangling"]), "");
}

#[test]
fn a_corrupt_item_is_skipped_and_the_others_land() {
    let sandbox = Sandbox::new();
    two(&sandbox);
    let blob = sandbox.head("b:base.txt");
    sandbox.write("base.txt", "ONE\ntwo\nthree\n");
    sandbox.commit("So that b needs a merge");
    let object = sandbox.repo.join(".git/objects").join(&blob[..2]).join(&blob[2..]);
    std::fs::remove_file(&object).unwrap();
    let run = sandbox.json(&["merge", "--execute"], 1);
    assert_eq!((status(&run, "a"), status(&run, "b")), ("merged", "skipped-missing"), "{run}");
    assert!(detail(&run, "b").contains("merge base.txt"), "{}", detail(&run, "b"));
}

#[test]
fn two_landings_at_once_leave_one_winner_and_no_damage() {
    for round in 0..12 {
        let sandbox = Sandbox::new();
        if round % 2 == 0 {
            sandbox.config("[[gate]]\nname = \"t\"\nrun = \"sleep 0.1\"\n");
        }
        two(&sandbox);
        let run =
            || sandbox.lex_command(&sandbox.repo, &["merge", "--execute", "--json"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
        let answers: Vec<serde_json::Value> =
            [run(), run()].into_iter().map(|child| serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap()).collect();
        let landed = answers.iter().filter(|a| a["state"] == "landed").count();
        // One that begins while the other is at work is told so; while its files move it sees changes in the work tree, and refuses.
        let told = |a: &serde_json::Value| {
            ["landed", "overtaken", "done"].iter().any(|s| a["state"] == *s)
                || ["plan-held", "dirty-worktree"].iter().any(|code| a["error"]["code"] == *code)
        };
        assert!(landed == 1 && answers.iter().all(told), "round {round}: {answers:?}");
        assert_eq!(sandbox.git(&["status", "--porcelain"]), "", "round {round}: the work tree is where the target is");
        assert_eq!(sandbox.git(&["rev-list", "--merges", "--count", "main"]), "2", "each item once");
        sandbox.sound();
    }
}

#[test]
fn target_and_journal_move_together_or_not_at_all() {
    let sandbox = Sandbox::new();
    two(&sandbox);
    let before = sandbox.head("main");
    let hook = sandbox.repo.join(".git/hooks/reference-transaction");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    // Refuses only the journal's last step, which comes with the target.
    let script = "#!/bin/sh\nread -r all; all=\"$all $(cat)\"\ncase \"$1 $all\" in prepared*refs/heads/main*refs/lex-pr/runs/*|prepared*refs/lex-pr/runs/*refs/heads/main*) exit 1 ;; esac\n";
    std::fs::write(&hook, script).unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    sandbox.lex(&["merge", "--execute"]).exits(3);
    assert_eq!((sandbox.head("main"), sandbox.git(&["status", "--porcelain"])), (before, String::new()));
    let runs = sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/lex-pr/runs"]);
    assert!(sandbox.git(&["show", &format!("{runs}:run.json")]).contains("\"state\": \"interrupted\""), "{runs}");
    std::fs::remove_file(hook).unwrap();
    sandbox.lex(&["merge", "--execute"]).exits(0);
    sandbox.sound();
}

#[test]
fn a_target_that_git_would_not_move_is_refused() {
    let sandbox = Sandbox::new();
    two(&sandbox);
    sandbox.branch("up", "main", "up", &[("base.txt", "up\n")]);
    sandbox.write("base.txt", "down\n");
    sandbox.commit("Down");
    let before = sandbox.head("main");
    let tried = sandbox.command("git", &sandbox.repo).args(["rebase", "-q", "up"]).output().unwrap();
    assert!(!tried.status.success(), "the rebase must stop at a conflict");
    let error = sandbox.json(&["merge", "--execute"], 2)["error"].clone();
    assert_eq!(error["code"], "busy-branch");
    assert!(error["hint"].as_str().unwrap().contains("git rebase --abort"), "{error}");
    sandbox.git(&["rebase", "--abort"]);
    sandbox.git(&["merge", "-q", "--no-commit", "-s", "ours", "up"]);
    let error = sandbox.json(&["merge", "--execute"], 2)["error"].clone();
    assert!(error["message"].as_str().unwrap().contains("in the middle of a merge"), "{error}");
    sandbox.git(&["merge", "--abort"]);
    assert_eq!(sandbox.head("main"), before);
    sandbox.lex(&["merge", "--execute"]).exits(1);
    sandbox.sound();
}

#[test]
fn what_git_refuses_is_told_and_the_work_tree_comes_back() {
    let sandbox = Sandbox::new();
    two(&sandbox);
    let before = sandbox.head("main");
    let hook = sandbox.repo.join(".git/hooks/reference-transaction");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\ntest \"$1\" != prepared || ! grep -q refs/heads/main || { echo 'the hook says no' >&2; exit 1; }\n")
        .unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let said = sandbox.lex(&["merge", "--execute"]).exits(3);
    assert!(said.stderr.contains("the hook says no") && said.stderr.contains("verdicts are reused"), "{}", said.stderr);
    assert_eq!((sandbox.head("main"), sandbox.git(&["status", "--porcelain"])), (before.clone(), String::new()));
    std::fs::remove_file(hook).unwrap();

    std::fs::write(sandbox.repo.join(".git/index.lock"), "").unwrap();
    let said = sandbox.lex(&["merge", "--execute"]).exits(2);
    assert!(said.stderr.contains("remove that .lock file"), "{}", said.stderr);
    std::fs::remove_file(sandbox.repo.join(".git/index.lock")).unwrap();
    assert_eq!(sandbox.head("main"), before);
    sandbox.lex(&["merge", "--execute"]).exits(0);
    sandbox.sound();
}

#[test]
fn a_machine_that_fails_is_not_the_items_fault() {
    let sandbox = Sandbox::new();
    let lines = |name: &str| "x\n".repeat(100) + name;
    sandbox.write("many.txt", &lines(""));
    sandbox.commit("Lines so frequent that git must be asked");
    sandbox.branch("a", "main", "a", &[("many.txt", &lines("a\n"))]);
    sandbox.lex(&["plan", "create"]).exits(0);
    sandbox.write("many.txt", &format!("first\n{}", lines("")));
    sandbox.commit("Change on main");
    let said = sandbox.lex_command(&sandbox.repo, &["merge"]).env("TMPDIR", "/nonexistent").output().unwrap();
    assert_eq!(said.status.code(), Some(3), "{}", String::from_utf8_lossy(&said.stdout));
    sandbox.lex(&["merge"]).exits(0);
}

#[test]
fn a_partial_clone_skips_what_it_lacks_and_says_what_brings_it() {
    let sandbox = Sandbox::new();
    sandbox.branch("a", "main", "a", &[("a.txt", "a\n")]);
    sandbox.branch("b", "main", "b", &[("base.txt", "one\ntwo\nTHREE\n")]);
    sandbox.write("base.txt", "ONE\ntwo\nthree\n");
    sandbox.commit("So that b needs a merge");
    sandbox.git(&["config", "uploadpack.allowFilter", "true"]);
    let clone = sandbox.root.path().join("clone");
    let url = format!("file://{}", sandbox.repo.display());
    sandbox.git(&["clone", "-q", "--filter=blob:none", "--no-checkout", &url, clone.to_str().unwrap()]);
    for branch in ["a", "b"] {
        sandbox.git_in(&clone, &["branch", "-q", branch, &format!("origin/{branch}")]);
    }
    sandbox.git_in(&clone, &["cat-file", "-p", "a:a.txt"]);
    // What it lacks from here on cannot be fetched behind its back.
    sandbox.git_in(&clone, &["remote", "set-url", "origin", "file:///nowhere"]);
    sandbox.git_in(&clone, &["update-ref", "--no-deref", "HEAD", "refs/heads/main"]);
    sandbox.lex_in(&clone, &["plan", "create", "a", "b"]).exits(0);
    let run = sandbox.lex_in(&clone, &["merge", "--json"]).exits(1).json();
    assert_eq!((status(&run, "a"), status(&run, "b")), ("merged", "skipped-missing"), "{run}");
    assert!(detail(&run, "b").contains("base.txt") && detail(&run, "b").contains("git fetch --refetch"), "{}", detail(&run, "b"));
    sandbox.sound();
}

#[test]
fn a_merge_driver_that_hangs_or_crashes_skips_its_item_only() {
    for (driver, word) in [("sleep 61.75", "took longer than 1.0 s"), ("kill -SEGV $$", "merge")] {
        let sandbox = Sandbox::new();
        sandbox.write(".gitattributes", "*.special merge=special\n");
        sandbox.write("f.special", "one\ntwo\nthree\nfour\nfive\n");
        sandbox.commit("Special files");
        sandbox.branch("a", "main", "a", &[("a.txt", "a\n")]);
        sandbox.branch("s", "main", "s", &[("f.special", "one\ntwo\nthree\nfour\nFIVE\n")]);
        sandbox.write("f.special", "ONE\ntwo\nthree\nfour\nfive\n");
        sandbox.commit("So that it needs a merge");
        sandbox.git(&["config", "merge.special.driver", driver]);
        sandbox.git(&["config", "lexpr.mergeTimeout", "1"]);
        sandbox.lex(&["plan", "create", "a", "s"]).exits(0);
        let run = sandbox.json(&["merge", "--execute"], 1);
        assert_eq!((status(&run, "a"), status(&run, "s")), ("merged", "skipped-missing"), "{driver}: {run}");
        assert!(detail(&run, "s").contains(word), "{driver}: {}", detail(&run, "s"));
        let left = sandbox.command("pgrep", &sandbox.repo).args(["-f", "^sleep 61.75$"]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&left.stdout), "", "{driver}: a process is left");
        sandbox.sound();
    }
}

/// Git merges no text of more than 1,023 MB; reading three of them would only fill the memory.
#[test]
fn a_huge_file_conflicts_without_being_read() {
    let sandbox = Sandbox::new();
    let huge = |content: &str| {
        let file = std::fs::File::create(sandbox.repo.join("huge")).unwrap();
        file.set_len(1_100 << 20).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, content.as_bytes(), 0).unwrap();
    };
    sandbox.git(&["config", "core.compression", "1"]);
    huge("base");
    sandbox.commit("A huge file");
    sandbox.branch("a", "main", "a", &[("a.txt", "a\n")]);
    sandbox.git(&["checkout", "-q", "-b", "h"]);
    huge("theirs");
    sandbox.commit("Change it");
    sandbox.git(&["checkout", "-q", "main"]);
    huge("ours");
    sandbox.commit("Change it as well");
    sandbox.lex(&["plan", "create", "a", "h"]).exits(0);
    let said = sandbox.lex_command(&sandbox.repo, &["merge", "--json"]).output().unwrap();
    let run: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!((status(&run, "a"), status(&run, "h")), ("merged", "skipped-conflict"), "{run}");
    assert!(detail(&run, "h").contains("in huge"), "{}", detail(&run, "h"));
}

#[test]
fn a_landing_of_many_items_writes_its_objects_as_a_pack() {
    for format in ["sha1", "sha256"] {
        let sandbox = Sandbox::with_init(&[&format!("--object-format={format}")]);
        let text = |change: usize| {
            let line =
                |at: usize| if at == change * 50 { "changed\n".into() } else { format!("{:x}\n", (at as u32).wrapping_mul(2_654_435_761)) };
            (0..2_050).map(line).collect::<String>()
        };
        sandbox.write("numbers.txt", &text(100));
        sandbox.commit("numbers, which do not deflate well");
        for item in 0..40 {
            sandbox.branch(&format!("b/{item}"), "main", "add", &[(&format!("d/{item}/f"), "new\n"), ("numbers.txt", &text(item))]);
        }
        sandbox.lex(&["plan", "create"]).exits(0);
        let before = sandbox.git(&["count-objects"]);
        let run = sandbox.json(&["merge", "--execute"], 0);
        assert_eq!(run["state"], "landed");
        sandbox.sound();
        let counts = sandbox.git(&["count-objects", "-v"]);
        let count = |name: &str| counts.lines().find_map(|line| line.strip_prefix(name)).unwrap().parse::<usize>().unwrap();
        assert_eq!(count("packs: "), 1, "{counts}");
        assert!(count("in-pack: ") >= 150, "{counts}");
        let loose: usize = before.split(' ').next().unwrap().parse().unwrap();
        assert!(count("count: ") < loose + 20, "{before}, then {counts}");
        assert_eq!(sandbox.head("main"), run["tip"]);
    }
}

#[test]
fn a_run_reads_what_it_wrote_behind_many_packs_that_came_meanwhile() {
    let sandbox = Sandbox::new();
    let git = format!("git --git-dir {}/.git", sandbox.repo.display());
    let pack = format!("{git} hash-object -w --stdin | {git} pack-objects -q {}/.git/objects/pack/pack", sandbox.repo.display());
    sandbox.config(&format!(
        "[[gate]]\nname = \"packs\"\npaths = [\"slow/**\"]\nrun = \"for n in $(seq 40); do echo $LEX_PR_ITEM $n | {pack}; done\"\n\
         [[gate]]\nname = \"size\"\nplugin = \"builtin:diff-size\"\n"
    ));
    // Each that is slow ends a step, the second one with a pack of all that was said since the first.
    for item in 0..42 {
        let folder = if item % 40 == 0 { "slow" } else { "fast" };
        sandbox.branch(&format!("b/{item:02}"), "main", "add", &[(&format!("{folder}/{item}"), "new\n")]);
    }
    sandbox.lex(&["plan", "create"]).exits(0);
    let run = sandbox.json(&["merge", "--execute", "--max-workers", "1"], 0);
    assert_eq!(run["state"], "landed");
    sandbox.sound();
}
