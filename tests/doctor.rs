//! `doctor`: each thing that can be wrong is found, named with what mends it, and mended where that is safe.

use crate::sandbox::Sandbox;
use serde_json::Value;
use std::{
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, SystemTime},
};

/// The findings about `about`.
fn about<'v>(examined: &'v Value, about: &str) -> Vec<&'v Value> {
    examined["findings"].as_array().unwrap().iter().filter(|finding| finding["about"] == about).collect()
}

#[track_caller]
fn only<'v>(examined: &'v Value, name: &str) -> &'v Value {
    let found = about(examined, name);
    assert_eq!(found.len(), 1, "{name} in {examined:#}");
    found[0]
}

fn doctor(sandbox: &Sandbox, args: &[&str], status: i32) -> Value {
    sandbox.json(&[&["doctor"], args].concat(), status)
}

/// What mends it, run in a shell.
#[track_caller]
fn mend(sandbox: &Sandbox, finding: &Value) {
    let command = finding["mend"].as_str().unwrap_or_else(|| panic!("nothing mends {finding}"));
    let binary = Path::new(env!("CARGO_BIN_EXE_git-lex-pr")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let output = sandbox.command("sh", &sandbox.repo).args(["-c", command]).env("PATH", path).output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_sound_set_up_is_well_and_each_value_says_where_it_comes_from() {
    let sandbox = Sandbox::new();
    sandbox.config("[policy]\nbatch = \"bisect\"\noptional = [\"lint\"]\n[policy.performance]\ncache-size = 9\n[[gate]]\nname = \"lint\"\nrun = \"true\"\n");
    sandbox.branch("a", "main", "a", &[("a", "a\n")]);
    sandbox.lex_fed(&["plan", "import", "-"], r#"{"schemaVersion":"2.0.0","target":"main","policy":{"maxWorkers":3,"optionalGates":["lint"]},"items":[{"name":"a","branch":"a"}]}"#).exits(0);
    sandbox.git(&["config", "lexpr.onConflict", "stop"]);
    let examined = doctor(&sandbox, &[], 0);
    assert_eq!(examined["well"], true, "{examined:#}");
    for name in ["git", "identity", "clock", "lock", "commit-graph", "policy"] {
        assert_eq!(only(&examined, name)["level"], "good", "{examined:#}");
    }
    let settings = examined["settings"].as_array().unwrap();
    let of = |key: &str| {
        let setting = settings.iter().find(|setting| setting["key"] == key).unwrap_or_else(|| panic!("{key}"));
        (setting["value"].as_str().unwrap(), setting["origin"].as_str().unwrap())
    };
    assert_eq!(of("target"), ("main", "default branch"));
    assert_eq!(of("policy.batch"), ("bisect", "main:lex-pr.toml"));
    assert_eq!(of("policy.max-workers"), ("3", "the plan"));
    assert_eq!(of("policy.optional").1, "main:lex-pr.toml and the plan");
    let (value, origin) = of("policy.on-conflict");
    assert!(value == "stop" && origin.starts_with("git config lexpr.onConflict (") && origin.ends_with(".git/config)"), "{origin}");
    assert_eq!(of("policy.performance.cache-size"), ("9", "main:lex-pr.toml"));
    assert_eq!(of("policy.fail-fast"), ("false", "built in"));
    assert_eq!(of("gate.lint"), ("true", "main:lex-pr.toml"));

    let mut command = sandbox.lex_command(&sandbox.repo, &["doctor", "--json"]);
    let said = command.env("LEX_PR_ON_CONFLICT", "skip").env("LEX_PR_MAX_WORKERS", "5").output().unwrap();
    let examined: Value = serde_json::from_slice(&said.stdout).unwrap();
    let of = |key: &str| examined["settings"].as_array().unwrap().iter().find(|s| s["key"] == key).unwrap()["origin"].clone();
    assert_eq!((of("policy.on-conflict"), of("policy.max-workers")), ("LEX_PR_ON_CONFLICT".into(), "LEX_PR_MAX_WORKERS".into()));

    let text = sandbox.lex(&["doctor"]).exits(0).stdout;
    assert!(text.contains("What holds, and who says so") && text.contains("all is well"), "{text}");
    sandbox.sound();
}

#[test]
fn policy_plugins_gates_and_names_that_are_wrong() {
    let sandbox = Sandbox::new();
    assert_eq!(only(&doctor(&sandbox, &[], 0), "policy")["mend"], "git lex-pr init");
    sandbox.write("lex-pr.toml", "version = 1\n");
    let examined = doctor(&sandbox, &[], 1);
    assert!(only(&examined, "policy")["message"].as_str().unwrap().contains("is not committed to main"), "{examined:#}");
    mend(&sandbox, only(&examined, "policy"));
    assert_eq!(only(&doctor(&sandbox, &[], 0), "policy")["level"], "good");

    sandbox.write(
        "clock.lua",
        "return { description = 'x', capabilities = { 'clock' }, check = function() return { answer = 'pass', summary = '' } end }",
    );
    sandbox.config("[[gate]]\nname = \"granted\"\nplugin = \"clock.lua\"\nallow = [\"clock\"]\n[[gate]]\nname = \"refused\"\nplugin = \"clock.lua\"\n[[gate]]\nname = \"gone\"\nplugin = \"gone.lua\"\n[[gate]]\nname = \"program\"\nrun = \"no-such-program --x\"\n[[gate]]\nname = \"shell\"\nrun = \"for x in 1; do true; done\"\n");
    sandbox.git(&["config", "lexpr.maxWorker", "3"]);
    sandbox.git(&["config", "lexpr.other", "3"]);
    let examined = doctor(&sandbox, &[], 1);
    let plugins = about(&examined, "plugin");
    assert_eq!(plugins.iter().map(|p| p["level"].as_str().unwrap()).collect::<Vec<_>>(), ["good", "bad", "bad"], "{examined:#}");
    assert!(
        plugins[1]["mend"].as_str().unwrap().contains("clock") && plugins[2]["message"].as_str().unwrap().contains("gone.lua"),
        "{plugins:#?}"
    );
    assert!(only(&examined, "gate")["message"].as_str().unwrap().contains("`no-such-program`"), "{examined:#}");
    assert!(only(&examined, "config")["message"].as_str().unwrap().contains("did you mean `lexpr.maxWorkers`?"), "{examined:#}");
    mend(&sandbox, only(&examined, "config"));
    assert!(about(&doctor(&sandbox, &[], 1), "config").is_empty());

    sandbox.write("lex-pr.toml", "version = 1\n[polcy]\n");
    sandbox.commit("Break it");
    let examined = doctor(&sandbox, &[], 1);
    assert!(only(&examined, "policy")["message"].as_str().unwrap().contains("main:lex-pr.toml:2"), "{examined:#}");
    assert_eq!(only(&examined, "policy")["mend"], "edit lex-pr.toml on main and commit it: did you mean `policy`?");
    // What cannot be read is not to be committed.
    sandbox.git(&["revert", "--no-edit", "HEAD"]);
    sandbox.write("lex-pr.toml", "version = 1\n[polcy]\n");
    let examined = doctor(&sandbox, &[], 1);
    let policy = only(&examined, "policy");
    assert!(policy["message"].as_str().unwrap().contains("in the work tree cannot be read") && policy["level"] == "bad", "{policy}");
    assert!(policy["mend"].as_str().unwrap().starts_with("mend it before it is committed"), "{policy}");
    sandbox.git(&["checkout", "-q", "lex-pr.toml"]);

    // A plan that cannot be read gives way to its newest revision that can.
    sandbox.git(&["branch", "a"]);
    sandbox.write("plan.json", r#"{"schemaVersion":"2.0.0","target":"main","items":[{"name":"a","branch":"a"}]}"#);
    sandbox.lex(&["plan", "import", "plan.json", "--name", "p"]).exits(0);
    std::fs::write(sandbox.repo.join("plan.json"), "{").unwrap();
    let blob = sandbox.git(&["hash-object", "-w", "plan.json"]);
    std::fs::remove_file(sandbox.repo.join("plan.json")).unwrap();
    let listed = sandbox.root.path().join("tree");
    std::fs::write(&listed, format!("100644 blob {blob}\tplan.json\n")).unwrap();
    let mut mktree = sandbox.command("git", &sandbox.repo);
    let tree = mktree.arg("mktree").stdin(std::fs::File::open(&listed).unwrap()).output().unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    let commit = sandbox.git(&["commit-tree", "-p", "refs/lex-pr/plans/p", "-m", "x", tree.trim()]);
    sandbox.git(&["update-ref", "refs/lex-pr/plans/p", &commit]);
    let examined = doctor(&sandbox, &[], 1);
    mend(&sandbox, only(&examined, "plan"));
    assert_eq!(sandbox.json(&["plan", "show", "p"], 0)["items"][0]["name"], "a");
}

#[test]
fn hooks_count_where_git_runs_them() {
    let sandbox = Sandbox::new();
    let hook = |folder: &str, mode: u32| {
        let path = sandbox.repo.join(folder).join("pre-push");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "#!/bin/sh\nlex_pr=git-lex-pr\n\"$lex_pr\" hook run pre-push \"$@\"\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let install = "git lex-pr hook install --type pre-push";
    assert_eq!(only(&doctor(&sandbox, &[], 0), "hook")["mend"], install);
    // Another hook is no substitute, and what mends it does.
    sandbox.lex(&["hook", "install", "--type", "pre-commit"]).exits(0);
    let examined = doctor(&sandbox, &[], 0);
    assert_eq!(about(&examined, "hook").iter().map(|hook| hook["level"].as_str().unwrap()).collect::<Vec<_>>(), ["good", "note"]);
    mend(&sandbox, about(&examined, "hook")[1]);
    assert!(about(&doctor(&sandbox, &[], 0), "hook").iter().all(|hook| hook["level"] == "good"));
    sandbox.lex(&["hook", "uninstall"]).exits(0);
    for folder in ["/dev/null", ".husky/_"] {
        sandbox.git(&["config", "core.hooksPath", folder]);
        std::fs::create_dir_all(sandbox.repo.join(".husky/_")).unwrap();
        let examined = doctor(&sandbox, &[], 0);
        let before = only(&examined, "hook");
        mend(&sandbox, before);
        assert_ne!(only(&doctor(&sandbox, &[], 0), "hook")["message"], before["message"], "{folder}");
    }
    std::fs::remove_dir_all(sandbox.repo.join(".husky")).unwrap();
    sandbox.git(&["config", "--unset", "core.hooksPath"]);
    hook(".git/hooks", 0o755);
    assert_eq!(only(&doctor(&sandbox, &[], 0), "hook")["level"], "good");

    // Where git does not look, it helps nobody.
    sandbox.git(&["config", "core.hooksPath", "my hooks"]);
    let examined = doctor(&sandbox, &[], 1);
    assert!(only(&examined, "hook")["message"].as_str().unwrap().contains("core.hooksPath"), "{examined:#}");
    hook("my hooks", 0o644);
    let examined = doctor(&sandbox, &[], 1);
    assert!(only(&examined, "hook")["message"].as_str().unwrap().contains("is not executable"), "{examined:#}");
    let examined = doctor(&sandbox, &["--fix"], 0);
    assert_eq!(only(&examined, "hook")["level"], "mended", "{examined:#}");
    assert_eq!(only(&doctor(&sandbox, &[], 0), "hook")["level"], "good");

    std::fs::remove_file(sandbox.repo.join("my hooks/pre-push")).unwrap();
    std::fs::remove_file(sandbox.repo.join(".git/hooks/pre-push")).unwrap();
    sandbox.write("lefthook.yml", "pre-push:\n  commands:\n    other:\n      run: \"true\"\n");
    assert!(only(&doctor(&sandbox, &[], 0), "hook")["message"].as_str().unwrap().starts_with("lefthook manages the hooks"));
    sandbox.write("lefthook.yml", "pre-push:\n  commands:\n    queue:\n      run: git lex-pr hook run pre-push\n");
    // It asks once lefthook has put its own hook there.
    assert_eq!(only(&doctor(&sandbox, &[], 0), "hook")["mend"], "lefthook install");
    let theirs = sandbox.repo.join("my hooks/pre-push");
    std::fs::write(&theirs, "#!/bin/sh\nlefthook run pre-push\n").unwrap();
    std::fs::set_permissions(&theirs, std::fs::Permissions::from_mode(0o755)).unwrap();
    let examined = doctor(&sandbox, &[], 0);
    assert!(only(&examined, "hook")["message"].as_str().unwrap().ends_with("lefthook.yml"), "{examined:#}");
    assert_eq!(only(&examined, "hook")["level"], "good");

    let bare = sandbox.root.path().join("server.git");
    sandbox.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    let look = |args: &[&str]| sandbox.lex_in(&bare, &[&["--json", "doctor"], args].concat()).json();
    assert_eq!(only(&look(&[]), "hook")["mend"], "git lex-pr hook install --type pre-receive");
    assert_eq!(only(&look(&[]), "policy")["mend"], "git lex-pr init, in a clone, and push what it writes");
    let said = sandbox.lex_in(&bare, &["hook", "install"]).exits(0).stderr;
    assert!(said.contains("nobody can say why a push goes past runs, until `git config receive.advertisePushOptions true`"), "{said}");
    let levels =
        |examined: &Value| about(examined, "hook").iter().map(|hook| hook["level"].as_str().unwrap().to_string()).collect::<Vec<_>>();
    assert_eq!(levels(&look(&[])), ["good", "note"]);
    assert_eq!(levels(&look(&["--fix"])), ["good", "mended"]);
    assert_eq!(levels(&look(&[])), ["good"]);
}

#[test]
fn refspecs_that_would_lose_work_are_found() {
    let sandbox = Sandbox::new();
    sandbox.git(&["remote", "add", "up stream".replace(' ', "-").as_str(), "/nowhere"]);
    let examined = doctor(&sandbox, &[], 0);
    assert_eq!(only(&examined, "remote")["level"], "note");
    mend(&sandbox, only(&examined, "remote"));
    assert_eq!(only(&doctor(&sandbox, &[], 0), "remote")["level"], "good");

    let first = sandbox.git(&["config", "--get-all", "remote.up-stream.fetch"]).lines().last().unwrap().to_string();
    sandbox.git(&["config", "--fixed-value", "--unset", "remote.up-stream.fetch", &first]);
    assert_eq!(only(&doctor(&sandbox, &[], 1), "remote")["safe"], true);
    assert_eq!(only(&doctor(&sandbox, &["--fix"], 0), "remote")["level"], "mended");

    sandbox.git(&["config", "--add", "remote.up-stream.fetch", "+refs/lex-pr/*:refs/lex-pr/*"]);
    let examined = doctor(&sandbox, &[], 1);
    let bad = about(&examined, "remote").into_iter().find(|finding| finding["level"] == "bad").unwrap();
    assert!(bad["message"].as_str().unwrap().contains("writes over plans"), "{bad}");
    mend(&sandbox, bad);
    doctor(&sandbox, &[], 0);
}

#[test]
fn what_killed_processes_left_is_mended() {
    let sandbox = Sandbox::new();
    let old = SystemTime::now() - Duration::from_secs(3600);
    let locks = [".git/index.lock", ".git/refs/heads/main.lock", ".git/packed-refs.lock"].map(|name| sandbox.repo.join(name));
    for (lock, age) in locks.iter().zip([old, old, SystemTime::now()]) {
        std::fs::File::create(lock).unwrap().set_modified(age).unwrap();
    }
    // The work tree of a process that is dead, and one that somebody has removed behind git's back.
    let mut child = sandbox.command("true", &sandbox.repo).spawn().unwrap();
    child.wait().unwrap();
    let left = sandbox.root.path().join(format!("tmp/git-lex-pr-{}-x", child.id()));
    std::fs::create_dir(&left).unwrap();
    std::fs::remove_file(&locks[0]).unwrap();
    sandbox.git(&["worktree", "add", "-q", "--detach", "../gone"]);
    std::fs::remove_dir_all(sandbox.root.path().join("gone")).unwrap();
    std::fs::File::create(&locks[0]).unwrap().set_modified(old).unwrap();

    let examined = doctor(&sandbox, &[], 1);
    assert_eq!(
        about(&examined, "lock").iter().map(|lock| lock["level"].as_str().unwrap()).collect::<Vec<_>>(),
        ["bad", "bad"],
        "{examined:#}"
    );
    assert_eq!(about(&examined, "work tree").len(), 2, "{examined:#}");
    assert!(locks.iter().all(|lock| lock.exists()) && left.exists(), "looking mends nothing");
    // Also as a command of git, which is a git that is at work there.
    let binary = Path::new(env!("CARGO_BIN_EXE_git-lex-pr")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let said = sandbox.command("git", &sandbox.repo).args(["lex-pr", "doctor", "--json"]).env("PATH", path).output().unwrap();
    let examined: Value = serde_json::from_slice(&said.stdout).unwrap();
    assert!(about(&examined, "lock").iter().all(|lock| lock["level"] == "bad"), "{examined:#}");
    let text = sandbox.lex(&["doctor"]).exits(1).stdout;
    assert!(text.contains("next: git lex-pr doctor --fix") && text.contains("lock: rm "), "{text}");

    let examined = doctor(&sandbox, &["--fix"], 0);
    assert!(about(&examined, "lock").iter().all(|lock| lock["level"] == "mended"), "{examined:#}");
    assert!(!locks[0].exists() && !locks[1].exists() && locks[2].exists() && !left.exists(), "a young lock may be somebody's");
    std::fs::remove_file(&locks[2]).unwrap();
    assert!(!sandbox.git(&["worktree", "list"]).contains("gone"));
    assert_eq!(doctor(&sandbox, &[], 0)["well"], true);

    // While a git is at work there, its locks are its own.
    std::fs::File::create(&locks[0]).unwrap().set_modified(old).unwrap();
    let mut git = sandbox.command("git", &sandbox.repo);
    let mut git = git.args(["cat-file", "--batch"]).stdin(std::process::Stdio::piped()).spawn().unwrap();
    crate::sandbox::wait_for("git to begin", || only(&doctor(&sandbox, &["--fix"], 0), "lock")["level"] == "note");
    assert!(locks[0].exists());
    git.kill().unwrap();
    git.wait().unwrap();
}

#[test]
fn identity_clock_history_and_places_without_a_repository() {
    let sandbox = Sandbox::new();
    let mut commit = sandbox.command("git", &sandbox.repo);
    commit.args(["commit", "-q", "--allow-empty", "-m", "later"]).env("GIT_COMMITTER_DATE", "2090-01-01T00:00:00Z");
    assert!(commit.status().unwrap().success());
    let examined = doctor(&sandbox, &[], 1);
    assert!(only(&examined, "clock")["message"].as_str().unwrap().contains("`main` has a commit from the future"), "{examined:#}");
    sandbox.git(&["reset", "-q", "--hard", "HEAD~1"]);
    sandbox.git(&["config", "core.commitGraph", "false"]);
    std::fs::write(sandbox.root.path().join("home/.gitconfig"), "[user]\nuseConfigOnly = true\n").unwrap();
    let examined = doctor(&sandbox, &["--fix"], 1);
    assert!(only(&examined, "identity")["mend"].as_str().unwrap().contains("git config --global user.name"), "{examined:#}");
    assert_eq!(only(&examined, "commit-graph")["level"], "mended", "{examined:#}");

    let shallow = sandbox.root.path().join("shallow");
    let url = format!("file://{}", sandbox.repo.display());
    sandbox.git(&["-c", "user.name=T", "-c", "user.email=t@e", "commit", "-q", "--allow-empty", "-m", "two"]);
    sandbox.git(&["clone", "-q", "--depth", "1", &url, shallow.to_str().unwrap()]);
    let examined = sandbox.lex_in(&shallow, &["doctor", "--json"]).json();
    assert_eq!(only(&examined, "history")["mend"], "git fetch --unshallow", "{examined:#}");

    let empty = sandbox.root.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let examined = sandbox.lex_in(&empty, &["doctor", "--json"]).exits(1).json();
    assert!(only(&examined, "repository")["mend"].as_str().unwrap().contains("git init"), "{examined:#}");
    assert_eq!(only(&examined, "git")["level"], "good");
    // Without git there is still a report.
    let said = sandbox.lex_command(&sandbox.repo, &["doctor", "--json"]).env("PATH", &empty).output().unwrap();
    let examined: Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(said.status.code(), Some(1));
    assert_eq!(only(&examined, "git")["mend"], "install git 2.38 or newer and put it on PATH");
    assert!(about(&examined, "repository").is_empty(), "it is said once: {examined:#}");
}
