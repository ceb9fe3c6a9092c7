//! Hooks: what is pushed, committed and received holds policy; files of hooks come and go without a trace.

use crate::{
    docs::blocks,
    sandbox::{Sandbox, ran},
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// A gate that fails where there is a file `bad`, and leaves a line in `~/ran`.
const GATE: &str = "[[gate]]\nname = \"test\"\nrun = \"echo x >> ~/ran; test ! -e bad\"\n";

/// What a command said, and its exit status.
fn run(sandbox: &Sandbox, dir: &Path, env: &[(&str, &str)], args: &[&str]) -> (i32, String) {
    let output = sandbox.command("git", dir).args(args).envs(env.iter().copied()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), said)
}

fn push(sandbox: &Sandbox, args: &[&str]) -> (i32, String) {
    run(sandbox, &sandbox.repo, &[], &[&["push"], args].concat())
}

#[track_caller]
fn passes(said: (i32, String)) -> String {
    assert_eq!(said.0, 0, "{}", said.1);
    said.1
}

#[track_caller]
fn refused(said: (i32, String)) -> String {
    assert_eq!(said.0, 1, "{}", said.1);
    said.1
}

fn script(path: &Path, text: &str, mode: u32) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A bare repository beside the sandbox's, which is its `origin` and has its `main`.
fn with_origin(config: &str) -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::new();
    sandbox.config(config);
    let bare = sandbox.root.path().join("origin.git");
    sandbox.git(&["init", "-q", "--bare", "-b", "main", bare.to_str().unwrap()]);
    sandbox.git(&["remote", "add", "origin", bare.to_str().unwrap()]);
    sandbox.git(&["push", "-q", "-u", "origin", "main"]);
    (sandbox, bare)
}

/// The same with our pre-push hook.
fn with_pre_push(config: &str) -> (Sandbox, PathBuf) {
    let (sandbox, bare) = with_origin(config);
    sandbox.lex(&["hook", "install"]).exits(0);
    (sandbox, bare)
}

/// The command that the last line of a finding suggests, run.
#[track_caller]
fn try_it(sandbox: &Sandbox, said: &str) -> String {
    let line = said.lines().find_map(|line| line.trim_start_matches("remote:").trim().strip_prefix("try: ")).expect(said);
    let program = Path::new(env!("CARGO_BIN_EXE_git-lex-pr")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let output = sandbox.command("sh", &sandbox.repo).args(["-c", line]).env("PATH", path).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    line.to_string()
}

#[test]
fn a_landing_is_pushed_in_silence_and_what_came_past_runs_is_said() {
    let (sandbox, _) = with_pre_push(GATE);
    sandbox.branch("a", "main", "a", &[("a", "a\n")]);
    sandbox.lex(&["plan", "create", "--name", "p"]).exits(0);
    sandbox.lex(&["merge", "p", "--execute"]).exits(0);
    let asked = ran(&sandbox);
    let said = passes(push(&sandbox, &["origin", "main"]));
    assert!(!said.contains("lex-pr:"), "{said}");
    assert_eq!(ran(&sandbox), asked, "no gate is run");
    // A second landing and a third at once.
    for name in ["b", "c"] {
        sandbox.branch(name, "main", name, &[(name, "x\n")]);
        sandbox.lex(&["plan", "create", "--name", name, name]).exits(0);
        sandbox.lex(&["merge", name, "--execute"]).exits(0);
    }
    let said = passes(push(&sandbox, &["origin", "main"]));
    assert!(!said.contains("lex-pr:"), "{said}");
    // A commit by hand is told of, and has no verdict.
    sandbox.write("d", "d\n");
    sandbox.commit("By hand");
    let said = refused(push(&sandbox, &["origin", "main"]));
    assert!(said.contains("lex-pr: main: 1 commit was landed by no run, the newest ") && said.contains(" (By hand)"), "{said}");
    assert!(said.contains("lex-pr: main: no verdict of test on tree "), "{said}");
    let (_, gates) = said.split_once("lex-pr: main: no verdict").unwrap();
    assert_eq!(gates.lines().take_while(|line| !line.starts_with("error")).count(), 2, "two lines: {said}");
    let command = try_it(&sandbox, gates);
    assert!(command.starts_with("git lex-pr gate run test --range "), "{command}");
    let said = passes(push(&sandbox, &["origin", "main"]));
    assert!(said.contains("landed by no run") && !said.contains("no verdict"), "{said}");
    assert_eq!(sandbox.head("origin/main"), sandbox.head("main"));
    sandbox.sound();
}

#[test]
fn each_landing_is_judged_by_the_policy_that_it_found() {
    let (sandbox, _) = with_pre_push(GATE);
    let other = "version = 1\n[[gate]]\nname = \"test\"\nrun = \"test ! -e worse\"\n";
    sandbox.branch("policy", "main", "policy", &[("lex-pr.toml", other)]);
    sandbox.branch("bad", "main", "bad", &[("bad", "x\n")]);
    for name in ["policy", "bad"] {
        sandbox.lex(&["plan", "create", "--name", name, name]).exits(0);
        sandbox.lex(&["merge", name, "--execute"]).exits(0);
    }
    let said = passes(push(&sandbox, &["origin", "main"]));
    assert!(!said.contains("lex-pr:"), "{said}");
    // Nobody takes a gate away by hand and lands what it would have stopped.
    sandbox.write("lex-pr.toml", "version = 1\n");
    sandbox.commit("No gates");
    sandbox.branch("worse", "main", "worse", &[("worse", "x\n")]);
    sandbox.lex(&["plan", "create", "--name", "worse", "worse"]).exits(0);
    sandbox.lex(&["merge", "worse", "--execute"]).exits(0);
    let said = refused(push(&sandbox, &["origin", "main"]));
    assert!(said.contains("1 commit was landed by no run") && said.contains("no verdict of test on tree"), "{said}");
    let command = try_it(&sandbox, said.split_once("no verdict").unwrap().1);
    assert!(command.ends_with(&format!("..{}", sandbox.git(&["rev-parse", "--short", "main^"]))), "{command}");
    passes(push(&sandbox, &["origin", "main"]));
}

#[test]
fn what_is_outside_of_runs_is_said_to_be_or_refused_where_the_policy_wants_that() {
    let (sandbox, _) = with_pre_push("[hook]\noutside = \"deny\"\n");
    sandbox.write("d", "d\n");
    sandbox.commit("By hand");
    let said = refused(push(&sandbox, &["origin", "main"]));
    assert!(said.contains("try: LEX_PR_OUTSIDE='why' git push origin main\n"), "{said}");
    let said = refused(push(&sandbox, &["origin", "HEAD:refs/heads/main", "--force"]));
    assert!(said.contains("try: LEX_PR_OUTSIDE='why' git push origin main\n"), "{said}");
    let said = passes(run(&sandbox, &sandbox.repo, &[("LEX_PR_OUTSIDE", "the queue is down")], &["push", "origin", "main"]));
    assert!(said.contains("landed by no run") && said.contains("said to be outside of a run: the queue is down"), "{said}");
}

#[test]
fn a_red_verdict_and_conflict_markers_are_refused_on_the_target() {
    let (sandbox, bare) = with_pre_push(GATE);
    let before = sandbox.head("main");
    sandbox.write("bad", "x\n");
    sandbox.commit("Break it");
    let range = format!("{before}..main");
    sandbox.lex(&["gate", "run", "--range", &range]).exits(1);
    let said = refused(push(&sandbox, &["origin", "main"]));
    assert!(said.contains("lex-pr: main: test says fail: exit status 1"), "{said}");
    sandbox.git(&["reset", "-q", "--hard", &before]);
    // Where it was the machine's doing, the command that is suggested helps once that is mended.
    sandbox.write("lex-pr.toml", "version = 1\n[[gate]]\nname = \"test\"\nrun = \"test -e ~/mended\"\n");
    sandbox.commit("Ask the machine");
    passes(run(&sandbox, &sandbox.repo, &[], &["push", "--no-verify", "origin", "main"]));
    let before = sandbox.head("main");
    let range = format!("{before}..main");
    sandbox.write("good", "x\n");
    sandbox.commit("All is well");
    sandbox.lex(&["gate", "run", "--range", &range]).exits(1);
    let said = refused(push(&sandbox, &["origin", "main"]));
    std::fs::write(sandbox.root.path().join("home/mended"), "").unwrap();
    sandbox.lex(&["gate", "run", "--range", &range]).exits(1);
    try_it(&sandbox, &said);
    passes(push(&sandbox, &["origin", "main"]));
    let before = sandbox.head("main");
    let range = format!("{before}..main");
    sandbox.write("base.txt", "<<<<<<< HEAD\none\n=======\ntwo\n>>>>>>> b\n");
    sandbox.commit("Forget to resolve");
    sandbox.lex(&["gate", "run", "--range", &range]).exits(1);
    let said = refused(push(&sandbox, &["origin", "main"]));
    assert!(said.contains("conflict-markers says fail: base.txt:1: conflict marker `<<<<<<< HEAD`"), "{said}");
    sandbox.git(&["reset", "-q", "--hard", &before]);
    sandbox.write("lex-pr.toml", "version = 1\n[polcy]\n");
    sandbox.commit("Break the policy");
    let said = refused(push(&sandbox, &["origin", "main"]));
    assert!(said.contains("its lex-pr.toml cannot be read") && said.contains("\n  try: git lex-pr doctor\n"), "{said}");
    assert_eq!(sandbox.git_in(&bare, &["rev-parse", "main"]), before);
    sandbox.sound();
}

#[test]
fn a_range_is_what_it_says_wherever_the_branch_is() {
    let (sandbox, _) = with_pre_push(GATE);
    let before = sandbox.head("main");
    sandbox.write("a", "x\n");
    let named = sandbox.commit("Named");
    sandbox.write("b", "x\n");
    sandbox.commit("Later");
    let run = sandbox.json(&["gate", "run", "--range", &format!("{before}..{named}")], 0);
    assert!(run["items"][0]["notes"].is_null(), "{run}");
}

#[test]
fn plugins_are_asked_at_once_of_what_no_run_landed_and_of_nothing_else() {
    let size = "[[gate]]\nname = \"size\"\nplugin = \"builtin:diff-size\"\nconfig = { max-lines = 3 }\n";
    let (sandbox, _) = with_pre_push(size);
    for name in ["a", "b"] {
        sandbox.branch(name, "main", name, &[(name, "1\n2\n3\n")]);
    }
    sandbox.lex(&["plan", "create", "--name", "p"]).exits(0);
    sandbox.lex(&["merge", "p", "--execute"]).exits(0);
    let said = passes(push(&sandbox, &["origin", "main"]));
    assert!(!said.contains("lex-pr:"), "each item is small enough: {said}");
    sandbox.write("c", "1\n2\n3\n4\n");
    sandbox.commit("Too much");
    let said = refused(push(&sandbox, &["origin", "main"]));
    assert!(said.contains("lex-pr: main: size says fail: 4 lines in 1 file"), "{said}");
    // The old policy judges, not the one that is pushed.
    sandbox.write("lex-pr.toml", "version = 1\n");
    sandbox.commit("Away with it");
    let said = refused(push(&sandbox, &["origin", "main"]));
    assert!(said.contains("lex-pr: main: size says fail"), "{said}");
}

#[test]
fn an_overridden_gate_does_not_hold_a_push_up() {
    let admin = "[policy.overrides.admin-green]\nallowed-users = [\"tess@example.com\"]\n";
    let (sandbox, _) = with_pre_push(&format!("{admin}{GATE}"));
    sandbox.branch("a", "main", "a", &[("bad", "a\n")]);
    sandbox.lex(&["plan", "create", "--name", "p", "--strategy", "squash", "a"]).exits(0);
    sandbox.lex(&["merge", "p", "--execute"]).exits(1);
    sandbox.lex(&["gate", "override", "a", "test"]).exits(0);
    sandbox.lex(&["merge", "p", "--execute"]).exits(0);
    passes(push(&sandbox, &["origin", "main"]));
}

#[test]
fn a_planned_branch_is_judged_as_its_candidate() {
    let (sandbox, bare) = with_pre_push(GATE);
    sandbox.branch("a", "main", "a", &[("a", "a\n")]);
    sandbox.branch("b", "main", "b", &[("b", "b\n")]);
    sandbox.branch("free", "main", "free", &[("bad", "x\n")]);
    sandbox.lex(&["plan", "create", "--name", "p", "a", "b"]).exits(0);
    // The target has gone on, so that the candidate's tree is not the branch's.
    sandbox.write("more", "more\n");
    sandbox.commit("More");
    let said = refused(push(&sandbox, &["origin", "a"]));
    assert!(said.contains("lex-pr: a: no verdict of test on tree "), "{said}");
    assert_eq!(try_it(&sandbox, &said), "git lex-pr gate run test --plan p --item a");
    let said = passes(push(&sandbox, &["origin", "a"]));
    assert!(!said.contains("lex-pr:"), "{said}");
    // It moves: the plan is to know that.
    sandbox.git(&["checkout", "-q", "a"]);
    sandbox.write("a", "aa\n");
    sandbox.commit("a again");
    let said = refused(push(&sandbox, &["origin", "a"]));
    assert_eq!(try_it(&sandbox, &said), "git lex-pr plan add p a && git lex-pr gate run test --plan p --item a");
    passes(push(&sandbox, &["origin", "a"]));
    // Forced is as good as not.
    sandbox.write("bad", "x\n");
    sandbox.git(&["add", "bad"]);
    sandbox.git(&["commit", "-q", "--amend", "-m", "a is bad"]);
    sandbox.lex(&["plan", "add", "p", "a"]).exits(0);
    sandbox.lex(&["gate", "run", "test", "--plan", "p", "--item", "a"]).exits(1);
    let said = refused(push(&sandbox, &["--force", "origin", "a"]));
    assert!(said.contains("lex-pr: a: test says fail: exit status 1"), "{said}");
    // One that is in no plan is nobody's business, and neither are tags; many at once are judged one by one.
    sandbox.git(&["tag", "v1", "free"]);
    passes(push(&sandbox, &["origin", "free", "v1"]));
    let said = refused(push(&sandbox, &["--force", "origin", "a", "b", "free:other", "v1:refs/tags/v2"]));
    assert!(said.contains("lex-pr: a: ") && said.contains("lex-pr: b: ") && !said.contains("lex-pr: other"), "{said}");
    let there = sandbox.git_in(&bare, &["for-each-ref", "--format=%(refname)"]);
    assert_eq!(there.lines().collect::<Vec<_>>(), ["refs/heads/a", "refs/heads/free", "refs/heads/main", "refs/tags/v1"]);
    let said = passes(push(&sandbox, &["origin", "--delete", "a", "v1"]));
    assert!(said.contains("lex-pr: a: is deleted there; plan p holds the commit that was planned"), "{said}");
}

#[test]
fn a_planned_branch_that_conflicts_or_waits_is_not_asked_for_what_cannot_be() {
    let gates = format!("{GATE}[[gate]]\nname = \"size\"\nplugin = \"builtin:diff-size\"\nconfig = {{ max-lines = 3 }}\n");
    let (sandbox, _) = with_pre_push(&gates);
    sandbox.branch("a", "main", "a", &[("base.txt", "mine\n")]);
    sandbox.lex(&["plan", "create", "--name", "p", "a"]).exits(0);
    sandbox.write("base.txt", "theirs\n");
    sandbox.commit("Theirs");
    // Four lines are one too many, whether or not it can land.
    let said = refused(push(&sandbox, &["origin", "a"]));
    assert!(said.contains("lex-pr: a: cannot land in plan p yet (skipped: conflict: "), "{said}");
    assert!(said.contains("try: git rebase main a"), "{said}");
    assert!(said.contains("lex-pr: a: size says fail: 4 lines"), "{said}");
    sandbox.git(&["checkout", "-q", "a"]);
    sandbox.write("base.txt", "mine\ntwo\nthree\n");
    sandbox.git(&["commit", "-q", "-a", "--amend", "-m", "a"]);
    let said = passes(push(&sandbox, &["origin", "a"]));
    assert!(said.contains("cannot land in plan p yet"), "{said}");
}

#[test]
fn a_branch_that_was_planned_as_the_remotes_is_taken_in_by_the_command_that_is_said() {
    let (sandbox, _) = with_pre_push(GATE);
    sandbox.branch("a", "main", "a", &[("a", "a\n")]);
    passes(push(&sandbox, &["--no-verify", "origin", "a"]));
    sandbox.lex(&["plan", "create", "--name", "p", "origin/a"]).exits(0);
    sandbox.git(&["checkout", "-q", "a"]);
    sandbox.write("a", "aa\n");
    let head = sandbox.commit("a again");
    let said = refused(push(&sandbox, &["origin", "a"]));
    assert_eq!(try_it(&sandbox, &said), "git lex-pr plan add p a && git lex-pr gate run test --plan p --item origin/a");
    passes(push(&sandbox, &["origin", "a"]));
    let plan = sandbox.json(&["plan", "show", "p"], 0);
    assert_eq!((plan["items"].as_array().unwrap().len(), &plan["items"][0]["head"]), (1, &head.as_str().into()));
    // Pushed from a branch of another name, with or without a branch of this name here.
    for (name, begin) in [("a", "git switch a && git merge "), ("c", "git branch c ")] {
        sandbox.git(&["checkout", "-q", "-B", "tmp", "origin/a"]);
        sandbox.write("more", name);
        sandbox.commit("more");
        if name == "c" {
            sandbox.git(&["branch", "-q", "c", "tmp"]);
            sandbox.lex(&["plan", "add", "p", "c"]).exits(0);
            sandbox.git(&["branch", "-q", "-D", "c"]);
            sandbox.write("more", "again");
            sandbox.commit("more again");
        }
        let said = refused(push(&sandbox, &["origin", &format!("tmp:{name}")]));
        let command = try_it(&sandbox, &said);
        assert!(command.starts_with(begin) && command.contains(&format!("plan add p {name} && ")), "{command}");
        passes(push(&sandbox, &["origin", &format!("tmp:{name}")]));
    }
}

#[test]
fn the_policy_may_only_tell_of_planned_branches() {
    let (sandbox, _) = with_pre_push(&format!("[hook]\nplanned = \"allow\"\n{GATE}"));
    sandbox.branch("a", "main", "a", &[("a", "a\n")]);
    sandbox.lex(&["plan", "create", "--name", "p", "a"]).exits(0);
    let said = passes(push(&sandbox, &["origin", "a"]));
    assert!(said.contains("lex-pr: a: no verdict of test"), "{said}");
}

#[test]
fn a_target_is_not_forced_or_deleted_unless_that_is_said_or_was_undone() {
    let (sandbox, bare) = with_pre_push("");
    sandbox.git_in(&bare, &["config", "receive.denyDeleteCurrent", "false"]);
    sandbox.write("x", "x\n");
    let lost = sandbox.commit("To be lost");
    passes(push(&sandbox, &["-q", "origin", "main"]));
    sandbox.git(&["reset", "-q", "--hard", "HEAD~1"]);
    let said = refused(push(&sandbox, &["--force", "origin", "main"]));
    assert!(said.contains("lex-pr: main: would lose 1 commit"), "{said}");
    assert_eq!(sandbox.git_in(&bare, &["rev-parse", "main"]), lost);
    let meant = [("LEX_PR_OUTSIDE", "a secret was in it")];
    passes(run(&sandbox, &sandbox.repo, &meant, &["push", "-q", "--force", "origin", "main"]));
    let said = refused(push(&sandbox, &["origin", "--delete", "main"]));
    assert!(said.contains("lex-pr: main: would be deleted"), "{said}");
    // What an undo took off may be forced.
    sandbox.branch("a", "main", "a", &[("a", "a\n")]);
    sandbox.lex(&["plan", "create", "--name", "p", "a"]).exits(0);
    sandbox.lex(&["merge", "p", "--execute"]).exits(0);
    passes(push(&sandbox, &["-q", "origin", "main"]));
    sandbox.lex(&["undo", "p", "--execute"]).exits(0);
    let said = passes(push(&sandbox, &["--force", "origin", "main"]));
    assert!(said.contains("takes 2 commits off, as `git lex-pr undo` did"), "{said}");
    // What somebody else has pushed is not here.
    let other = sandbox.root.path().join("other");
    sandbox.git(&["clone", "-q", bare.to_str().unwrap(), other.to_str().unwrap()]);
    std::fs::write(other.join("theirs"), "x\n").unwrap();
    sandbox.git_in(&other, &["add", "."]);
    sandbox.git_in(&other, &["commit", "-q", "-m", "Theirs"]);
    sandbox.git_in(&other, &["push", "-q"]);
    let said = refused(push(&sandbox, &["--force", "origin", "main~1:main"]));
    assert!(said.contains("which is not here") && said.contains("try: git fetch origin"), "{said}");
}

#[test]
fn new_targets_and_clones_without_the_target_are_handled() {
    let (sandbox, bare) = with_pre_push(GATE);
    let empty = sandbox.root.path().join("empty.git");
    sandbox.git(&["init", "-q", "--bare", empty.to_str().unwrap()]);
    let said = passes(push(&sandbox, &[empty.to_str().unwrap(), "main", "main:elsewhere"]));
    assert!(said.contains("lex-pr: main: is new there, so that it has no policy to hold yet"), "{said}");
    // A clone that has but a branch of its own still knows which branch is the target.
    let other = sandbox.root.path().join("other");
    sandbox.git(&["clone", "-q", bare.to_str().unwrap(), other.to_str().unwrap()]);
    sandbox.git_in(&other, &["checkout", "-q", "-b", "work"]);
    sandbox.git_in(&other, &["branch", "-D", "main"]);
    sandbox.lex_in(&other, &["hook", "install"]).exits(0);
    std::fs::write(other.join("w"), "x\n").unwrap();
    sandbox.git_in(&other, &["add", "."]);
    sandbox.git_in(&other, &["commit", "-q", "-m", "Work"]);
    let said = passes(run(&sandbox, &other, &[], &["push", "origin", "work"]));
    assert!(!said.contains("lex-pr:"), "{said}");
    let said = refused(run(&sandbox, &other, &[], &["push", "origin", "work:main"]));
    assert!(said.contains("lex-pr: main: no verdict of test"), "{said}");
}

#[test]
fn a_huge_push_is_answered() {
    let (sandbox, _) = with_pre_push(GATE);
    let mut stream = String::new();
    for n in 1..=3000 {
        let from = if n == 1 { "from refs/heads/main^0\n".to_string() } else { String::new() };
        let message = format!("Commit {n}");
        stream.push_str(&format!(
            "commit refs/heads/main\ncommitter T <t@e.c> {} +0000\ndata {}\n{message}\n{from}M 644 inline f{n}\ndata 2\nx\n\n",
            1_800_000_000 + n,
            message.len()
        ));
    }
    let file = sandbox.root.path().join("stream");
    std::fs::write(&file, stream).unwrap();
    let imported =
        sandbox.command("git", &sandbox.repo).arg("fast-import").arg("--quiet").stdin(std::fs::File::open(file).unwrap()).output();
    assert!(imported.unwrap().status.success());
    let names: Vec<String> = (1..=1500).map(|n| format!("create refs/heads/many/{n} refs/heads/main\n")).collect();
    let list = sandbox.root.path().join("refs");
    std::fs::write(&list, names.concat()).unwrap();
    let made = sandbox.command("git", &sandbox.repo).args(["update-ref", "--stdin"]).stdin(std::fs::File::open(list).unwrap()).output();
    assert!(made.unwrap().status.success());
    let said = refused(push(&sandbox, &["-q", "origin", "main", "refs/heads/many/*"]));
    assert!(said.contains("lex-pr: main: 3000 commits were landed by no run") && said.contains("no verdict of test"), "{said}");
    try_it(&sandbox, said.split_once("no verdict").unwrap().1);
    passes(push(&sandbox, &["-q", "origin", "main", "refs/heads/many/*"]));
}

#[test]
fn a_failure_of_the_hook_is_policy() {
    let (sandbox, _) = with_pre_push(GATE);
    sandbox.branch("a", "main", "a", &[("a", "a\n")]);
    sandbox.lex(&["plan", "create", "--name", "p", "a"]).exits(0);
    let zero = "0".repeat(40);
    let line = |hash: &str| format!("refs/heads/a {hash} refs/heads/a {zero}\n");
    // A commit that is not here cannot be judged.
    let gone = line(&"1".repeat(40));
    let hook = ["hook", "run", "pre-push", "origin", "url"];
    let said = sandbox.lex_fed(&["hook", "run", "pre-push", "origin", "url"], "not a line\n").exits(0).stdout;
    assert!(said.contains("the hook could not look, and it goes on") && said.contains("`not a line`"), "{said}");
    sandbox.git(&["config", "lexpr.hookOnError", "deny"]);
    let said = sandbox.lex_fed(&hook, "not a line\n").exits(1).stdout;
    assert!(said.contains("the hook could not look, and it is refused"), "{said}");
    sandbox.git(&["config", "lexpr.hookOnError", "perhaps"]);
    sandbox.lex_fed(&hook, "not a line\n").exits(0);
    sandbox.git(&["config", "--unset", "lexpr.hookOnError"]);
    sandbox.lex_fed(&hook, &gone).exits(0);
    let fed = std::fs::File::open(sandbox.root.path().join("input")).unwrap();
    let mut denied = sandbox.lex_command(&sandbox.repo, &hook);
    assert_eq!(denied.env("LEX_PR_HOOK_ON_ERROR", "deny").stdin(fed).output().unwrap().status.code(), Some(1), "{gone}");
    // The policy of the target says the same.
    sandbox.config(&format!("[hook]\non-error = \"deny\"\n{GATE}"));
    sandbox.lex_fed(&hook, "not a line\n").exits(1);
    // lex-pr.toml that cannot be read is a failure, too.
    sandbox.write("lex-pr.toml", "version = \"x\n");
    sandbox.commit("Break the policy");
    let head = sandbox.head("a");
    let said = sandbox.lex_fed(&hook, &line(&head)).exits(0).stdout;
    assert!(said.contains("not valid TOML"), "{said}");
    // In JSON it is a finding as any other.
    let answer: Value = sandbox.lex_fed(&["--json", "hook", "run", "pre-push", "o", "u"], "not a line\n").exits(0).json();
    assert_eq!((&answer["allowed"], &answer["findings"][0]["refused"]), (&true.into(), &false.into()));
}

#[test]
fn a_branch_that_cannot_be_looked_at_keeps_no_other() {
    let (sandbox, _) = with_pre_push(&format!("[hook]\non-error = \"deny\"\n{GATE}"));
    for name in ["a", "b"] {
        sandbox.branch(name, "main", name, &[(name, "x\n")]);
        sandbox.lex(&["plan", "create", "--name", name, name]).exits(0);
    }
    // A policy of the plan that can never be met.
    let plan =
        sandbox.git(&["show", "refs/lex-pr/plans/a:plan.json"]).replace("\"policy\": {", "\"policy\": {\n\"requiredGates\": [\"nope\"],");
    let file = sandbox.root.path().join("plan.json");
    std::fs::write(&file, plan).unwrap();
    let blob = sandbox.git(&["hash-object", "-w", file.to_str().unwrap()]);
    sandbox.git(&["checkout", "-q", "--orphan", "revision"]);
    sandbox.git(&["rm", "-q", "-r", "--cached", "."]);
    sandbox.git(&["update-index", "--add", "--cacheinfo", &format!("100644,{blob},plan.json")]);
    let tree = sandbox.git(&["write-tree"]);
    let revision = sandbox.git(&["commit-tree", "-m", "x", &tree]);
    sandbox.git(&["update-ref", "refs/lex-pr/plans/a", &revision]);
    sandbox.git(&["checkout", "-q", "-f", "main"]);
    let said = refused(push(&sandbox, &["origin", "a"]));
    assert!(said.contains("lex-pr: a: the hook could not look, and it is refused") && said.contains("requires gate `nope`"), "{said}");
    let said = refused(push(&sandbox, &["origin", "a", "b", "main"]));
    assert!(said.contains("lex-pr: b: no verdict of test"), "{said}");
    sandbox.lex(&["gate", "run", "--plan", "b", "--item", "b"]).exits(0);
    passes(push(&sandbox, &["origin", "b", "main:other"]));
}

#[test]
fn a_program_that_is_gone_or_killed_holds_no_push_up_unless_the_policy_says_so() {
    let (sandbox, _) = with_pre_push(GATE);
    let programs = sandbox.root.path().join("programs");
    script(&programs.join("git-lex-pr"), "#!/bin/sh\nkill -9 $$\n", 0o755);
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    sandbox.write("x", "x\n");
    sandbox.commit("x");
    sandbox.git(&["config", "lexpr.hookOnError", "deny"]);
    let said = run(&sandbox, &sandbox.repo, &[("PATH", &path)], &["push", "origin", "main"]);
    assert_ne!(said.0, 0, "{}", said.1);
    assert!(said.1.contains("(exit status 137) and refuses this, as lexpr.hookOnError = deny has it"), "{}", said.1);
    sandbox.git(&["config", "lexpr.hookOnError", "allow"]);
    let said = passes(run(&sandbox, &sandbox.repo, &[("PATH", &path)], &["push", "origin", "main"]));
    assert!(said.contains("lex-pr: the pre-push hook could not run ") && said.contains("(exit status 137) and lets this pass"), "{said}");
}

#[test]
fn a_hook_comes_before_the_one_that_is_there_and_goes_without_a_trace() {
    let sandbox = Sandbox::new();
    let hooks = sandbox.repo.join(".git/hooks");
    let own = hooks.join("pre-push");
    script(&own, "#!/bin/sh\ncat > ../fed; echo \"$1\" > ../arg; exit ${STOP:-0}\n", 0o750);
    let snapshot = |path: &Path| {
        let data = path.metadata().unwrap();
        (std::fs::read(path).unwrap(), data.mode(), data.ino(), data.mtime_nsec())
    };
    let list = || {
        let mut names: Vec<_> = std::fs::read_dir(&hooks).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let (before, names) = (snapshot(&own), list());
    let said = sandbox.json(&["hook", "install", "--type", "pre-push,pre-commit,commit-msg,post-merge"], 0);
    assert_eq!((&said[0]["done"], &said[1]["done"]), (&"chained".into(), &"installed".into()), "{said}");
    let installed = std::fs::read(&own).unwrap();
    let said = sandbox.json(&["hook", "install", "--type", "pre-push"], 0);
    assert_eq!(said[0]["done"], "nothing", "{said}");
    assert_eq!((std::fs::read(&own).unwrap(), std::fs::read_dir(&hooks).unwrap().count()), (installed, names.len() + 4));
    // The old one is fed and given what git gives, and may refuse.
    let bare = sandbox.root.path().join("origin.git");
    sandbox.git(&["init", "-q", "--bare", bare.to_str().unwrap()]);
    sandbox.git(&["remote", "add", "origin", bare.to_str().unwrap()]);
    refused(run(&sandbox, &sandbox.repo, &[("STOP", "7")], &["push", "origin", "main"]));
    passes(push(&sandbox, &["origin", "main"]));
    let fed = std::fs::read_to_string(sandbox.root.path().join("fed")).unwrap();
    assert_eq!(fed, format!("refs/heads/main {} refs/heads/main {}\n", sandbox.head("main"), "0".repeat(40)));
    assert_eq!(std::fs::read_to_string(sandbox.root.path().join("arg")).unwrap(), "origin\n");
    // A mode that keeps git from running it, and a script of another version, are mended.
    std::fs::set_permissions(hooks.join("pre-commit"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let listed = sandbox.json(&["hook", "list"], 0);
    let of = |listed: &Value, hook: &str| listed.as_array().unwrap().iter().find(|h| h["hook"] == hook).unwrap()["state"].clone();
    assert_eq!(
        (of(&listed, "pre-commit"), of(&listed, "pre-push"), of(&listed, "update")),
        ("not-executable".into(), "installed".into(), "none".into())
    );
    let text = std::fs::read_to_string(&own).unwrap();
    let body = text.splitn(4, '\n').nth(3).unwrap().replace("exit 0", "exit 0 # old");
    let head = text.lines().nth(1).unwrap();
    let sum: String = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
    std::fs::write(&own, format!("#!/bin/sh\n{head}\n# SHA-256 of what follows: {sum}\n{body}")).unwrap();
    assert_eq!(of(&sandbox.json(&["hook", "list"], 0), "pre-push"), "old");
    let said = sandbox.json(&["hook", "install", "--type", "pre-push,pre-commit"], 0);
    assert_eq!((&said[0]["done"], &said[1]["done"]), (&"renewed".into(), &"renewed".into()));
    assert!(said.as_array().unwrap().iter().all(|hook| hook["kept"].is_null()), "{said}");
    // What somebody has added by hand is kept beside it.
    let edit = |line: &str| {
        let text = std::fs::read_to_string(&own).unwrap() + line;
        std::fs::write(&own, &text).unwrap();
        text
    };
    let first = edit("echo mine\n");
    assert_eq!(of(&sandbox.json(&["hook", "list"], 0), "pre-push"), "edited");
    let said = sandbox.lex(&["hook", "install"]).exits(0);
    let kept = hooks.join("pre-push.edited");
    assert!(said.stderr.contains(&format!("pre-push had been changed by hand; what it was is {} now", kept.display())), "{}", said.stderr);
    assert_eq!((std::fs::read_to_string(&kept).unwrap(), of(&sandbox.json(&["hook", "list"], 0), "pre-push")), (first, "installed".into()));
    let second = edit("echo more\n");
    let said = sandbox.json(&["hook", "uninstall", "--type", "pre-push"], 0);
    let kept_too = hooks.join("pre-push.edited-2");
    assert_eq!((&said[0]["done"], &said[0]["kept"]), (&"restored".into(), &kept_too.to_str().unwrap().into()));
    assert_eq!(std::fs::read_to_string(&kept_too).unwrap(), second);
    for kept in [kept, kept_too] {
        std::fs::remove_file(kept).unwrap();
    }
    sandbox.lex(&["hook", "install"]).exits(0);
    let said = sandbox.lex(&["hook", "uninstall"]).exits(0).stdout;
    assert!(said.contains("pre-push is as it was before") && said.contains("pre-commit is gone"), "{said}");
    assert_eq!((snapshot(&own), list()), (before, names));
    assert_eq!(sandbox.lex(&["hook", "uninstall"]).exits(0).stdout, "no hook was installed\n");
    // A link stays the link that it was.
    std::fs::remove_file(&own).unwrap();
    std::os::unix::fs::symlink("../../base.txt", &own).unwrap();
    let said = sandbox.lex(&["hook", "install"]).exits(0);
    assert!(said.stderr.contains("see that it does not go by its own name"), "{}", said.stderr);
    sandbox.lex(&["hook", "uninstall", "--type", "pre-push"]).exits(0);
    assert_eq!(std::fs::read_link(&own).unwrap(), Path::new("../../base.txt"));
}

#[test]
fn hooks_are_where_git_looks_for_them() {
    let sandbox = Sandbox::new();
    let origin = sandbox.root.path().join("origin.git");
    sandbox.git(&["init", "-q", "--bare", origin.to_str().unwrap()]);
    sandbox.git(&["push", "-q", origin.to_str().unwrap(), "main"]);
    // A folder of the work tree, relative to its root, also from a folder below it and in a linked work tree.
    sandbox.git(&["config", "core.hooksPath", "dev/hooks"]);
    std::fs::create_dir(sandbox.repo.join("sub")).unwrap();
    let said = sandbox.lex_in(&sandbox.repo.join("sub"), &["hook", "install"]).exits(0);
    assert!(said.stderr.contains("core.hooksPath is in the work tree"), "{}", said.stderr);
    assert!(sandbox.repo.join("dev/hooks/pre-push").is_file() && !sandbox.repo.join(".git/hooks/pre-push").exists());
    sandbox.git(&["config", "core.hooksPath", "~/hooks"]);
    sandbox.lex(&["hook", "install"]).exits(0);
    assert!(sandbox.root.path().join("home/hooks/pre-push").is_file());
    sandbox.git(&["config", "core.hooksPath", "/dev/null"]);
    let said = sandbox.lex(&["hook", "install"]).exits(2).stderr;
    assert!(said.contains("git runs no hooks here") && said.contains("git config --local --unset-all core.hooksPath"), "{said}");
    let said = sandbox.lex(&["hook", "list"]).exits(0);
    assert!(
        said.stdout.contains("pre-push") && said.stderr.contains("git runs no hooks here, as core.hooksPath has it: "),
        "{}",
        said.stderr
    );
    sandbox.git(&["config", "--unset", "core.hooksPath"]);
    sandbox.git(&["config", "--global", "core.hooksPath", "~/hooks"]);
    let said = sandbox.lex(&["hook", "install"]).exits(0);
    assert!(said.stderr.contains("core.hooksPath is set for all repositories: pre-push is asked in each"), "{}", said.stderr);
    sandbox.git(&["config", "--global", "--unset", "core.hooksPath"]);
    sandbox.git(&["config", "core.hooksPath", ".husky/_"]);
    let said = sandbox.lex(&["hook", "install"]).exits(2).stderr;
    assert!(said.contains("echo 'git lex-pr hook run pre-push \"$@\"' >> .husky/pre-push"), "{said}");
    sandbox.git(&["config", "--unset", "core.hooksPath"]);
    let linked = sandbox.root.path().join("linked");
    sandbox.git(&["worktree", "add", "-q", "-b", "w", linked.to_str().unwrap()]);
    sandbox.lex_in(&linked, &["hook", "install"]).exits(0);
    assert!(sandbox.repo.join(".git/hooks/pre-push").is_file());
    sandbox.git(&["config", "lexpr.hookOnError", "deny"]);
    passes(run(&sandbox, &linked, &[], &["push", "-q", origin.to_str().unwrap(), "w"]));
}

#[test]
fn a_commit_is_looked_at_before_it_is_made() {
    let sandbox = Sandbox::new();
    let gates = "[[gate]]\nname = \"size\"\nplugin = \"builtin:diff-size\"\nconfig = { max-lines = 3 }\n\
                 [[gate]]\nname = \"message\"\nplugin = \"builtin:commit-message\"\n\
                 [[gate]]\nname = \"trailers\"\nplugin = \"builtin:trailers\"\nconfig = { sign-off = false, required = [\"Ticket\"], required-in = \"any\" }\n";
    sandbox.config(&format!("{gates}{GATE}"));
    sandbox.lex(&["hook", "install", "--type", "pre-commit,commit-msg"]).exits(0);
    sandbox.git(&["checkout", "-q", "-b", "work"]);
    let commit = |args: &[&str]| run(&sandbox, &sandbox.repo, &[], &[&["commit"], args].concat());
    let before = sandbox.git(&["count-objects"]);
    sandbox.write("base.txt", "<<<<<<< HEAD\none\n>>>>>>> x\n");
    sandbox.git(&["add", "."]);
    let said = refused(commit(&["-m", "feat: x\n\nTicket: 1"]));
    assert!(said.contains("lex-pr: work: conflict-markers says fail: base.txt:1") && said.contains("size says fail: 4 lines"), "{said}");
    assert!(!said.contains("message says"), "{said}");
    assert_ne!(sandbox.git(&["count-objects"]), before, "git has added the blob");
    // Only what is staged counts, also of an index of its own.
    sandbox.git(&["checkout", "-q", "HEAD", "--", "base.txt"]);
    sandbox.write("a", "1\n");
    sandbox.git(&["add", "a"]);
    sandbox.write("big", "1\n2\n3\n4\n");
    let said = refused(commit(&["-m", "no convention\n\nTicket: 1"]));
    let words = "lex-pr: work: message says fail: \"no convention\" is not `type(scope): what it does`. Types are ";
    assert!(said.contains(words) && !said.contains("rebase"), "{said}");
    assert!(said.contains("  try: git commit -e -F .git/COMMIT_EDITMSG\n"), "{said}");
    sandbox.git(&["config", "core.editor", "printf 'feat: mended\\n\\nTicket: 1\\n' >"]);
    passes(commit(&["-q", "-e", "-F", ".git/COMMIT_EDITMSG"]));
    assert_eq!(sandbox.git(&["log", "-1", "--format=%s"]), "feat: mended");
    sandbox.git(&["reset", "-q", "--soft", "HEAD~1"]);
    let said = refused(commit(&["-m", "feat: a"]));
    assert!(said.contains("trailers says fail: no commit has the trailer Ticket"), "{said}");
    passes(commit(&["-q", "-m", "feat: a\n\nTicket: 1"]));
    assert_eq!(ran(&sandbox), 0, "no command is run");
    // The trailer stands in an earlier commit of the branch; a fixup is folded in later.
    sandbox.write("a", "2\n");
    passes(commit(&["-q", "-a", "-m", "fix: a"]));
    sandbox.write("a", "3\n");
    passes(commit(&["-q", "-a", "--fixup", "HEAD"]));
    sandbox.git(&["add", "big"]);
    let said = refused(commit(&["-q", "-m", "feat: big"]));
    assert!(said.contains("size says fail: 4 lines"), "{said}");
    sandbox.write("a", "4\n");
    // Of `git commit PATH` the hook is given another index.
    passes(commit(&["-q", "-m", "fix: only a", "a"]));
    assert_eq!(
        sandbox.git(&["log", "--format=%s", "-4"]).lines().collect::<Vec<_>>(),
        ["fix: only a", "fixup! fix: a", "fix: a", "feat: a"]
    );
    sandbox.git(&["reset", "-q", "--hard"]);
    // The end of a merge brings what others made, but no markers.
    sandbox.git(&["branch", "other", "main"]);
    sandbox.git(&["checkout", "-q", "other"]);
    sandbox.write("a", "9\n8\n7\n6\n5\n");
    sandbox.git(&["add", "."]);
    passes(commit(&["-q", "--no-verify", "-m", "large"]));
    assert_ne!(run(&sandbox, &sandbox.repo, &[], &["merge", "-q", "work"]).0, 0);
    let said = refused(commit(&["-q", "-a", "--no-edit"]));
    assert!(said.contains("conflict-markers says fail: a:1"), "{said}");
    sandbox.write("a", "9\n4\n");
    passes(commit(&["-q", "-a", "--no-edit"]));
    sandbox.sound();
}

#[test]
fn a_first_commit_and_an_optional_gate_hold_nobody_up() {
    let sandbox = Sandbox::new();
    sandbox
        .config("[policy]\noptional = [\"size\"]\n[[gate]]\nname = \"size\"\nplugin = \"builtin:diff-size\"\nconfig = { max-lines = 1 }\n");
    sandbox.lex(&["hook", "install", "--type", "pre-commit,commit-msg"]).exits(0);
    sandbox.write("a", "1\n2\n");
    sandbox.git(&["add", "."]);
    let said = passes(run(&sandbox, &sandbox.repo, &[], &["commit", "-m", "a"]));
    assert!(said.contains("lex-pr: main: size says fail: 2 lines"), "{said}");
    let fresh = sandbox.root.path().join("fresh");
    sandbox.git(&["init", "-q", fresh.to_str().unwrap()]);
    sandbox.lex_in(&fresh, &["hook", "install", "--type", "pre-commit,commit-msg"]).exits(0);
    sandbox.git_in(&fresh, &["config", "lexpr.hookOnError", "deny"]);
    std::fs::write(fresh.join("a"), "<<<<<<< x\n").unwrap();
    sandbox.git_in(&fresh, &["add", "."]);
    let said = refused(run(&sandbox, &fresh, &[], &["commit", "-m", "First"]));
    assert!(said.contains("conflict-markers says fail: a:1"), "{said}");
    std::fs::write(fresh.join("a"), "x\n").unwrap();
    let said = passes(run(&sandbox, &fresh, &[], &["commit", "-a", "-m", "First"]));
    assert!(!said.contains("lex-pr:"), "{said}");
}

#[test]
fn a_pull_tells_what_came_with_it() {
    let (sandbox, bare) = with_origin("");
    let here = sandbox.root.path().join("here");
    for (name, strategy) in [("a", "merge"), ("b", "squash")] {
        sandbox.branch(name, "main", name, &[(name, "x\n")]);
        sandbox.git(&["push", "-q", "origin", name]);
        sandbox.lex(&["plan", "create", "--name", name, "--strategy", strategy, name]).exits(0);
    }
    sandbox.git(&["clone", "-q", bare.to_str().unwrap(), here.to_str().unwrap()]);
    sandbox.git_in(&here, &["fetch", "-q", "origin", "refs/heads/a:refs/heads/a"]);
    sandbox.lex_in(&here, &["plan", "create", "--name", "p", "a", "origin/b"]).exits(0);
    sandbox.lex_in(&here, &["hook", "install", "--type", "post-merge"]).exits(0);
    for name in ["a", "b"] {
        sandbox.lex(&["merge", name, "--execute"]).exits(0);
    }
    sandbox.config("[[gate]]\nname = \"new\"\nrun = \"true\"\n");
    sandbox.git(&["push", "-q", "origin", "main"]);
    let said = passes(run(&sandbox, &here, &[], &["pull", "-q"]));
    assert!(said.contains("lex-pr: main: 1 of 2 items of plan p came with it: a\n"), "{said}");
    assert!(said.contains("lex-pr.toml has changed"), "{said}");
    sandbox.git_in(&here, &["checkout", "-q", "a"]);
    let said = passes(run(&sandbox, &here, &[], &["merge", "-q", "main"]));
    assert!(said.contains("lex-pr: a: has moved since it was taken into plan p\n  try: git lex-pr plan add p a"), "{said}");
}

#[test]
fn a_server_holds_the_queue_with_objects_that_it_has_not_taken_in() {
    let (sandbox, bare) = with_origin(&format!("[hook]\noutside = \"deny\"\n{GATE}"));
    let said = sandbox.lex_in(&bare, &["hook", "install"]).exits(0);
    assert!(said.stdout.starts_with("pre-receive is installed: "), "{}", said.stdout);
    sandbox.git_in(&bare, &["config", "lexpr.hookOnError", "deny"]);
    // By hand: no run, no verdict.
    sandbox.write("x", "x\n");
    sandbox.commit("By hand");
    let said = refused(push(&sandbox, &["origin", "main"]));
    let how = "git push -o lex-pr.outside='why' REMOTE main";
    assert!(said.contains(&format!("try: git config receive.advertisePushOptions true, on the server; then {how}")), "{said}");
    sandbox.git_in(&bare, &["config", "receive.advertisePushOptions", "true"]);
    let said = refused(push(&sandbox, &["origin", "main"]));
    assert!(said.contains(&format!("try: {how}")), "{said}");
    assert!(said.contains("lex-pr: main: 1 commit was landed by no run"), "{said}");
    assert!(said.contains("lex-pr: main: no verdict of test on tree "), "{said}");
    // The verdict comes with what it is about, or before it; that no run landed it is said.
    let command = try_it(&sandbox, said.split_once("no verdict").unwrap().1);
    assert!(command.starts_with("git lex-pr gate run test --range ") && command.ends_with(" && git lex-pr sync"), "{command}");
    let notes = "refs/notes/lex-pr/verdicts";
    let said = refused(push(&sandbox, &["origin", "main"]));
    assert!(said.contains("landed by no run") && !said.contains("no verdict"), "{said}");
    let said = passes(push(&sandbox, &["-o", "lex-pr.outside=the queue is down", "origin", "main", notes]));
    assert!(said.contains("said to be outside of a run: the queue is down"), "{said}");
    // A landing with its journal is as good as here, whether loose or in a pack.
    sandbox.git_in(&bare, &["config", "receive.unpackLimit", "1"]);
    sandbox.branch("a", "main", "a", &[("a", "a\n"), ("base.txt", "one\n2\nthree\n")]);
    sandbox.lex(&["plan", "create", "--name", "p", "a"]).exits(0);
    sandbox.lex(&["merge", "p", "--execute"]).exits(0);
    let said = refused(push(&sandbox, &["origin", "main"]));
    assert!(said.contains("landed by no run") && said.contains("no verdict of test"), "{said}");
    let said = passes(push(&sandbox, &["origin", "main", notes, "refs/lex-pr/runs/*:refs/lex-pr/runs/*"]));
    assert!(!said.contains("lex-pr:"), "{said}");
    // What does not hold is not taken in, and nothing of it stays.
    let there = sandbox.git_in(&bare, &["rev-parse", "main"]);
    sandbox.write("base.txt", "<<<<<<< HEAD\n");
    sandbox.commit("Markers");
    let said = refused(push(&sandbox, &["-o", "lex-pr.outside=x", "origin", "main"]));
    assert!(said.contains("conflict-markers says fail: base.txt:1"), "{said}");
    let said = refused(push(&sandbox, &["origin", "--delete", "main"]));
    assert!(said.contains("would be deleted"), "{said}");
    assert_eq!(sandbox.git_in(&bare, &["rev-parse", "main"]), there);
    assert_eq!(sandbox.git_in(&bare, &["fsck", "--strict", "--no-dangling"]), "");
    assert!(!bare.join("objects/info/alternates").exists(), "the list of object folders is not taken in");
    sandbox.sound();
}

#[test]
fn a_journal_cannot_bring_a_policy_of_its_own() {
    let (sandbox, bare) = with_origin(GATE);
    sandbox.lex_in(&bare, &["hook", "install"]).exits(0);
    let old = sandbox.head("main");
    sandbox.write("lex-pr.toml", "version = 1\n");
    sandbox.commit("No gates");
    sandbox.branch("a", "main", "a", &[("bad", "x\n")]);
    sandbox.lex(&["plan", "create", "--name", "p", "a"]).exits(0);
    sandbox.lex(&["merge", "p", "--execute"]).exits(0);
    // The landing, put straight onto what the server has, and a journal that says that a run did that.
    let tip = sandbox.head("main");
    let forged = sandbox.git(&["commit-tree", "-m", "x", "-p", &old, "main^{tree}"]);
    let journal = sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/lex-pr/runs"]);
    let file = sandbox.root.path().join("run.json");
    std::fs::write(&file, sandbox.git(&["show", &format!("{journal}:run.json")]).replace(&tip, &forged)).unwrap();
    let blob = sandbox.git(&["hash-object", "-w", file.to_str().unwrap()]);
    sandbox.git(&["rm", "-q", "-r", "--cached", "."]);
    sandbox.git(&["update-index", "--add", "--cacheinfo", &format!("100644,{blob},run.json")]);
    let tree = sandbox.git(&["write-tree"]);
    let message = sandbox.git(&["log", "-1", "--format=%B", &journal]).replace(&tip, &forged);
    let step = sandbox.git(&["commit-tree", "-m", &message, &tree]);
    sandbox.git(&["update-ref", &journal, &step]);
    let said = refused(push(&sandbox, &["origin", &format!("{forged}:main"), "refs/lex-pr/*:refs/lex-pr/*", "refs/notes/*:refs/notes/*"]));
    assert!(!said.contains("landed by no run") && said.contains("no verdict of test"), "{said}");
}

#[test]
fn an_update_hook_judges_each_ref_and_planned_branches_by_what_git_makes_of_them() {
    let (sandbox, bare) = with_origin(GATE);
    sandbox.lex_in(&bare, &["hook", "install", "--type", "update"]).exits(0);
    sandbox.git_in(&bare, &["config", "lexpr.hookOnError", "deny"]);
    sandbox.write("old.txt", "1\n2\n3\n4\n5\n6\n7\n8\n");
    sandbox.write(".gitattributes", "*.own merge=own\n");
    sandbox.write("f.own", "1\n");
    sandbox.commit("A file");
    // Only git itself runs a merge driver, in a process that must see the objects in quarantine, too.
    for repo in [&sandbox.repo, &bare] {
        sandbox.git_in(repo, &["config", "merge.own.driver", "true"]);
    }
    let range = format!("{}..main", sandbox.head("origin/main"));
    sandbox.lex(&["gate", "run", "--range", &range]).exits(0);
    let notes = "refs/notes/lex-pr/verdicts";
    passes(push(&sandbox, &["-q", "origin", notes]));
    passes(push(&sandbox, &["-q", "origin", "main"]));
    sandbox.branch("a", "main", "a", &[("old.txt", "1\n2\n3\n4\n5\n6\n7\neight\n"), ("f.own", "2\n")]);
    sandbox.git(&["mv", "old.txt", "new.txt"]);
    sandbox.write("f.own", "3\n");
    sandbox.commit("Rename");
    sandbox.lex(&["plan", "create", "--name", "p", "a"]).exits(0);
    let range = format!("{}..main", sandbox.head("origin/main"));
    sandbox.lex(&["gate", "run", "--range", &range]).exits(0);
    passes(push(&sandbox, &["-q", "origin", notes]));
    passes(push(&sandbox, &["-q", "origin", "main", "refs/lex-pr/plans/p"]));
    // Of `git push -o` git tells this hook nothing.
    let said = refused(push(&sandbox, &["--force", "origin", "main~1:main"]));
    assert!(
        said.contains("would lose 1 commit") && said.contains("try: git lex-pr hook install --type pre-receive, on the server"),
        "{said}"
    );
    let said = refused(push(&sandbox, &["origin", "a", "main:free"]));
    assert!(said.contains("lex-pr: a: no verdict of test") && said.contains("[new branch]"), "one is refused, the other is not: {said}");
    try_it(&sandbox, said.split_once("no verdict").unwrap().1);
    passes(push(&sandbox, &["-q", "origin", "a"]));
    assert_eq!(sandbox.git_in(&bare, &["rev-parse", "a"]), sandbox.head("a"));
    sandbox.sound();
}

#[test]
fn every_document_of_hooks_is_as_its_schema_says() {
    let (sandbox, _) = with_pre_push(GATE);
    sandbox.write("x", "x\n");
    sandbox.commit("x");
    let line = format!("refs/heads/main {} refs/heads/main {}\n", sandbox.head("main"), sandbox.head("origin/main"));
    let answer = sandbox.lex_fed(&["--json", "hook", "run", "pre-push", "origin", "url"], &line).exits(1).json();
    assert_eq!(answer["findings"].as_array().unwrap().len(), 2, "{answer}");
    for (schema, said) in
        [("hook", answer), ("hooks", sandbox.json(&["hook", "list"], 0)), ("hooks", sandbox.json(&["hook", "uninstall"], 0))]
    {
        let schema = sandbox.lex(&["schema", schema]).exits(0).json();
        let errors: Vec<String> = jsonschema::validator_for(&schema).unwrap().iter_errors(&said).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}: {said}");
    }
    sandbox.lex(&["hook", "install", "--type", "pre-psh"]).exits(2);
    sandbox.lex(&["hook", "run", "update", "x"]).exits(0);
    sandbox.lex_in(&sandbox.root.path().join("tmp"), &["hook", "install"]).exits(2);
    let said = sandbox.lex(&["gate", "run", "--range", "main..main~1"]).exits(2).stderr;
    assert!(said.contains("does not begin with an ancestor"), "{said}");
}

/// What docs/hooks.md shows for a manager.
fn shown_for(manager: &str) -> String {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/hooks.md")).unwrap();
    let section = page.split("\n### ").find(|section| section.starts_with(&format!("{manager}\n"))).unwrap().to_string();
    blocks(&section)[0].1.join("\n") + "\n"
}

/// Whether a program is here.
fn is_here(program: &str) -> bool {
    let found = std::process::Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
    let here = found.status.success();
    if !here {
        eprintln!("skipped: {program} is not here");
    }
    here
}

#[test]
fn the_managers_of_the_docs_ask_our_hooks() {
    let gates = format!("{GATE}[[gate]]\nname = \"message\"\nplugin = \"builtin:commit-message\"\n");
    let program = Path::new(env!("CARGO_BIN_EXE_git-lex-pr")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    for manager in ["lefthook", "husky", "pre-commit"] {
        let (sandbox, bare) = with_origin(&gates);
        let started = |program: &str, args: &[&str]| {
            let output = sandbox.command(program, &sandbox.repo).args(args).env("PATH", &path).output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            (output.status.code().unwrap_or(-1), said)
        };
        let shown = shown_for(manager);
        // Whether the manager is here or not, what it would be told is found.
        match manager {
            "lefthook" => sandbox.write("lefthook.yml", &shown),
            "pre-commit" => sandbox.write(".pre-commit-config.yaml", &shown),
            _ => shown.lines().for_each(|line| sandbox.write(&format!(".husky/{}", line.split(' ').nth(4).unwrap()), line)),
        }
        script(&sandbox.repo.join(".git/hooks/pre-push"), "#!/bin/sh\n", 0o755);
        let listed = sandbox.json(&["hook", "list"], 0);
        assert_eq!(listed[0]["state"], "asked", "{manager}: {listed}");
        std::fs::remove_file(sandbox.repo.join(".git/hooks/pre-push")).unwrap();
        if !is_here(manager) {
            continue;
        }
        passes(match manager {
            "lefthook" => started("lefthook", &["install"]),
            "pre-commit" => started("pre-commit", &["install", "-t", "pre-push", "-t", "pre-commit", "-t", "commit-msg"]),
            _ => started("husky", &[]),
        });
        assert_eq!(sandbox.json(&["hook", "list"], 0)[0]["state"], "asked", "{manager}");
        sandbox.write("base.txt", "<<<<<<< HEAD\n");
        sandbox.git(&["add", "."]);
        let said = refused(started("git", &["commit", "-m", "feat: x"]));
        assert!(said.contains("conflict-markers says fail: base.txt:1"), "{manager}: {said}");
        sandbox.write("base.txt", "x\n");
        sandbox.git(&["add", "."]);
        let said = refused(started("git", &["commit", "-m", "bad"]));
        assert!(said.contains("message says fail"), "{manager}: {said}");
        passes(started("git", &["commit", "-m", "feat: x"]));
        let said = refused(started("git", &["push", "origin", "main"]));
        assert!(said.contains("lex-pr: main: no verdict of test"), "{manager}: {said}");
        sandbox.lex(&["gate", "run", "--range", "origin/main..main"]).exits(0);
        passes(started("git", &["push", "origin", "main"]));
        assert_eq!(sandbox.git_in(&bare, &["rev-parse", "main"]), sandbox.head("main"), "{manager}");
    }
}
