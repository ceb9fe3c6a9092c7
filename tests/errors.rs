//! Bad input: exit 2, what and where in one line, what mends it in one line, nothing written. The same as JSON.

use crate::sandbox::Sandbox;
use std::os::unix::fs::PermissionsExt;

/// Run `args` both ways and check what they say; gives the JSON error.
#[track_caller]
fn refused(sandbox: &Sandbox, args: &[&str], input: &str, code: &str, words: &[&str]) -> serde_json::Value {
    let before = sandbox.fingerprint();
    let text = sandbox.lex_fed(args, input).exits(2);
    assert_eq!(text.stdout, "");
    let lines: Vec<&str> = text.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{}", text.stderr);
    assert!(lines[0].starts_with("error: ") && lines[1].starts_with("hint: "), "{}", text.stderr);
    for word in words {
        assert!(text.stderr.contains(word), "{word:?} in {}", text.stderr);
    }
    let json = sandbox.lex_fed(&[args, &["--json"]].concat(), input).exits(2);
    let error = json.json()["error"].clone();
    assert_eq!(error["code"], code, "{error}");
    for part in ["message", "hint"] {
        assert!(text.stderr.contains(error[part].as_str().unwrap()), "{part} of {error} in {}", text.stderr);
    }
    assert_eq!(sandbox.fingerprint(), before, "nothing is written");
    error
}

#[test]
fn broken_json_is_placed_by_line_and_column() {
    let sandbox = Sandbox::new();
    let error = refused(&sandbox, &["plan", "import", "-"], "{\n  \"target\": \"main\",\n  oops\n}", "bad-json", &["stdin:3:3"]);
    assert_eq!((&error["at"]["line"], &error["at"]["column"]), (&3.into(), &3.into()));
    refused(&sandbox, &["plan", "import", "-"], "", "bad-json", &["it ends in the middle of a value (stdin:1:1)"]);
    refused(&sandbox, &["plan", "import", "-"], "{\n  \"target\": \"main\"\n", "bad-json", &["an object (stdin:3:1)"]);
    refused(&sandbox, &["plan", "import", "-"], &"[".repeat(1000), "bad-json", &["nested too deeply (stdin:1:128)"]);
    let key = format!("{{\"schemaVersion\":\"2.0.0\",\"target\":\"main\",\"policy\":{{\"retries\":{{\"{}\":3}}}}}}", "k".repeat(5000));
    let error = refused(&sandbox, &["plan", "import", "-"], &key, "bad-value", &["expected a table, found 3"]);
    assert!(error["at"]["path"].as_str().unwrap().len() < 130, "{error}");
    refused(&sandbox, &["order", "-"], "{\"schemaVersion\":\"2.0.0\",\"target\":\"main\"} x", "bad-json", &["trailing characters"]);
    sandbox.lex_fed(&["plan", "validate", "-"], "\u{feff}{\"schemaVersion\":\"2.0.0\",\"target\":\"main\"}").exits(0);
    std::fs::write(sandbox.root.path().join("latin.json"), b"{\"target\":\"\xff\"}").unwrap();
    refused(&sandbox, &["plan", "import", "../latin.json"], "", "bad-json", &["not UTF-8 from byte 11"]);
}

#[test]
fn a_wrong_key_names_the_nearest_known_one_and_its_path() {
    let sandbox = Sandbox::new();
    let item =
        |body: &str| format!("{{\"schemaVersion\":\"2.0.0\",\"target\":\"main\",\"items\":[{{\"name\":\"a\",\"branch\":\"a\",{body}}}]}}");
    let cases = [
        (item("\"dep\":[]"), "unknown-key", "items[0].dep", "did you mean `deps`?"),
        (item("\"priority\":\"high\""), "bad-value", "items[0].priority", "schema plan"),
        (item("\"strategy\":\"merg\""), "bad-value", "items[0].strategy", "did you mean `merge`?"),
        (item("\"gates\":[{\"name\":\"t\"}]"), "bad-gate", "items[0].gates[0]", "or `plugin`"),
        (item("\"gates\":[{\"name\":\"t\",\"run\":\" \"}]"), "bad-gate", "items[0].gates[0]", "such as \"cargo test\""),
        (item("\"gates\":[{\"name\":\"t\",\"run\":\"x\",\"timeout\":\"soon\"}]"), "bad-value", "items[0].gates[0].timeout", "schema plan"),
        (
            item("\"gates\":[{\"name\":\"t\",\"run\":\"x\",\"cwd\":\"../..\"}]"),
            "bad-gate",
            "items[0].gates[0]",
            "a folder of the repository",
        ),
        (item("\"head\":\"abc\""), "bad-commit", "items[0].head", "git rev-parse"),
        (item("\"deps\":[{\"name\":\"a\",\"why\":1}]"), "unknown-key", "items[0].deps[0].why", "did you mean"),
    ];
    for (text, code, path, hint) in cases {
        let hint = if hint == "did you mean" { "known keys: name, sources" } else { hint };
        let error = refused(&sandbox, &["plan", "import", "-"], &text, code, &[path, hint]);
        assert_eq!(error["at"]["path"], path, "{error}");
    }
}

#[test]
fn versions_and_names_that_cannot_be() {
    let sandbox = Sandbox::new();
    sandbox.branch("x", "main", "x", &[("x", "x")]);
    let newer = "{\"schemaVersion\":\"3.0.0\",\"future\":true}";
    refused(&sandbox, &["plan", "import", "-"], newer, "newer-schema", &["plan schema 3 is newer", "install a newer git-lex-pr"]);
    refused(&sandbox, &["plan", "import", "-"], "{\"schemaVersion\":\"two\"}", "bad-value", &["no schema version"]);
    refused(&sandbox, &["plan", "import", "-"], "{\"items\":[{\"name\":\"a\"}]}", "missing-key", &["states its `schemaVersion`"]);
    refused(&sandbox, &["plan", "import", "-"], "[]", "missing-key", &["schemaVersion"]);
    refused(&sandbox, &["plan", "create", "--name", "a..b"], "", "bad-name", &["`a..b` is no valid plan name"]);
    refused(&sandbox, &["plan", "create", "--target", "no such"], "", "bad-name", &["`no such` is no valid branch name"]);
    refused(&sandbox, &["plan", "create", "bad~name"], "", "bad-name", &["`bad~name`"]);
    let text = "{\"schemaVersion\":\"2.0.0\",\"target\":\"main\",\"items\":[{\"name\":\"a\",\"branch\":\"-x\"}]}";
    refused(&sandbox, &["plan", "import", "-"], text, "bad-name", &["items[0].branch"]);
}

#[test]
fn branches_plans_runs_and_files_that_are_not_there() {
    let sandbox = Sandbox::new();
    sandbox.branch("feature", "main", "f", &[("f", "f")]);
    refused(&sandbox, &["plan", "create", "featrue"], "", "missing-branch", &["there is no branch `featrue`", "did you mean `feature`?"]);
    refused(&sandbox, &["plan", "create", "x/*"], "", "missing-branch", &["no branch matches `x/*`"]);
    refused(&sandbox, &["plan", "create", "--target", "mian"], "", "missing-branch", &["did you mean `main`?"]);
    refused(&sandbox, &["plan", "create", "main"], "", "bad-item", &["cannot land on itself"]);
    refused(&sandbox, &["plan", "show"], "", "no-plan", &["there is no plan yet", "git lex-pr plan create"]);
    refused(&sandbox, &["plan", "show", "x"], "", "no-plan", &["there is no plan `x`"]);
    refused(&sandbox, &["plan", "import", "none.json"], "", "no-file", &["could not read none.json"]);
    refused(&sandbox, &["report"], "", "no-run", &["nothing has run yet"]);
    sandbox.lex(&["plan", "create"]).exits(0);
    refused(&sandbox, &["plan", "create"], "", "plan-exists", &["there is a plan `default` already", "--force"]);
    refused(&sandbox, &["merge", "defualt"], "", "no-plan", &["did you mean `default`?"]);
    refused(&sandbox, &["report", "default"], "", "no-run", &["plan `default` has not run yet"]);
    refused(&sandbox, &["plan", "add", "default"], "", "usage", &["no branch to add"]);
    sandbox.lex(&["plan", "create", "--name", "two"]).exits(0);
    refused(&sandbox, &["merge"], "", "which-plan", &["there are 2 plans", "default, two"]);
    sandbox.git(&["branch", "-q", "-m", "main", "trunk"]);
    refused(&sandbox, &["merge", "two"], "", "missing-branch", &["there is no local branch `main` to land on", "--target names"]);
    sandbox.lex(&["gate", "run", "--item", "nope", "--plan", "two"]).exits(2);
    sandbox.git(&["branch", "-q", "-m", "trunk", "main"]);
    refused(&sandbox, &["gate", "run", "--item", "nope", "--plan", "two"], "", "missing-item", &["`git lex-pr plan show two`"]);
    refused(&sandbox, &["gate", "run", "nope", "--plan", "two"], "", "unknown-gate", &["`git lex-pr gate list two`"]);
    refused(&sandbox, &["plan", "create", "--name", "c", "q"], "", "missing-branch", &["hint: `git branch --all --list`"]);
}

#[test]
fn a_target_is_a_local_branch_and_the_hint_is_a_command_that_works() {
    let sandbox = Sandbox::new();
    sandbox.branch("x", "main", "x", &[("x", "x")]);
    sandbox.git(&["update-ref", "refs/remotes/origin/main", "main"]);
    sandbox.git(&["update-ref", "refs/remotes/up/next", "main"]);
    let create = |target| ["plan", "create", "x", "--target", target];
    refused(&sandbox, &create("origin/main"), "", "missing-branch", &["(--target)", "hint: a target is a local branch: --target main"]);
    let hint = "git branch next up/next, then --target next";
    refused(&sandbox, &create("up/next"), "", "missing-branch", &["no local branch `up/next`", hint]);
    refused(&sandbox, &create("next"), "", "missing-branch", &["hint: git branch next up/next\n"]);
    refused(&sandbox, &create("none"), "", "missing-branch", &["hint: --target names the branch to land on;"]);
    sandbox.git(&["config", "lexpr.target", "none"]);
    refused(&sandbox, &["plan", "create", "x"], "", "missing-branch", &["`none`", "(git config lexpr.target)"]);
    let said = sandbox.lex_command(&sandbox.repo, &["plan", "create", "x"]).env("LEX_PR_TARGET", "nowhere").output().unwrap();
    assert!(String::from_utf8_lossy(&said.stderr).contains("`nowhere` to land on (LEX_PR_TARGET)"));
    sandbox.git(&["config", "--unset", "lexpr.target"]);
    sandbox.config("target = \"gone\"\n");
    refused(&sandbox, &["plan", "create", "x"], "", "missing-branch", &["`gone`", "(main:lex-pr.toml: target)"]);

    let plan = sandbox.json(&["plan", "create", "refs/heads/x", "--target", "refs/heads/main"], 0);
    assert_eq!((&plan["target"], &plan["items"][0]["branch"]), (&"main".into(), &"x".into()));
    let file = r#"{"schemaVersion":"2.0.0","target":"refs/heads/main","items":[{"name":"x","branch":"refs/heads/x"}]}"#;
    assert_eq!(sandbox.lex_fed(&["merge", "-", "--execute", "--json"], file).exits(0).json()["target"], "main");
}

#[test]
fn a_configuration_that_is_no_file_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.branch("a", "main", "a", &[("a.txt", "a\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    sandbox.write("conf.toml", "version = 1\n[[gate]]\nname = \"no\"\nrun = \"false\"\n");
    std::os::unix::fs::symlink("conf.toml", sandbox.repo.join("lex-pr.toml")).unwrap();
    sandbox.commit("Link the configuration");
    let error = sandbox.json(&["merge", "--execute"], 2)["error"].clone();
    assert!(error["message"].as_str().unwrap().contains("lex-pr.toml"), "{error}");
}

#[test]
fn gates_that_could_never_work_are_refused() {
    for (gate, word) in [("paths = [\"[a\"]", "[a"), ("artifacts = [\"x[!]\"]", "x[!]"), ("env = { \"A=B\" = \"1\" }", "A=B")] {
        let sandbox = Sandbox::new();
        sandbox.branch("a", "main", "a", &[("a.txt", "a\n")]);
        sandbox.lex(&["plan", "create"]).exits(0);
        sandbox.config(&format!("[[gate]]\nname = \"t\"\nrun = \"true\"\n{gate}\n"));
        let error = sandbox.json(&["merge"], 2)["error"].clone();
        assert_eq!(error["code"], "bad-gate");
        assert!(error["message"].as_str().unwrap().contains(word), "{error}");
    }
}

#[test]
fn a_broken_lex_pr_toml_is_placed_on_the_target() {
    let cases = [
        ("version = 1\n[policy\n", "bad-toml", "main:lex-pr.toml:2:8"),
        ("version = 1\n\n[policy]\nrequierd = []\n", "unknown-key", "main:lex-pr.toml:4:1"),
        ("version = 1\n[[gate]]\nname = \"t\"\n", "bad-gate", "no command and no plugin"),
        ("version = 1\n[[gate]]\nname = \"t\"\nrun = \"\"\n", "bad-gate", "gate[0]"),
        ("version = 1\n[[gate]]\nname = \"t\"\nrun = \"x\"\n[[gate]]\nname = \"t\"\nrun = \"y\"\n", "bad-gate", "stands twice"),
        ("version = 1\n[[gate]]\nname = \"conflict-markers\"\nrun = \"x\"\n", "bad-gate", "built-in"),
        ("version = 1\n[[gate]]\nname = \"t\"\nrun = \"x\"\nallow = [\"net\"]\n", "bad-gate", "env:NAME"),
        ("version = 1\n[[gate]]\nname = \"t\"\nrun = \"x\"\ntimeout = \"0s\"\n", "bad-value", "no time at all"),
        ("version = 2\n", "newer-schema", "install a newer"),
        ("version = \"1\"\n", "bad-value", "expected a whole number, not below 0, found the text \"1\" (main:lex-pr.toml:1:11)"),
        ("version = 1\n[policy.retries]\nt = 3\n", "bad-value", "expected a table, found 3"),
        ("version = 1\n[policy]\noptional = [\"tset\"]\n[[gate]]\nname = \"test\"\nrun = \"x\"\n", "unknown-gate", "did you mean `test`?"),
        ("version = 1\n[policy]\noptional = [\"typo\"]\n", "unknown-gate", "(policy: optional)"),
        ("target = \"main\"\n", "missing-key", "version"),
        ("version = 1\n[policy]\nmax-workers = 0\n", "bad-value", "at least 1"),
        ("version = 1\n[policy.signed-verdicts]\nallowed-keys = [\"xx\"]\n", "bad-value", "policy.signed-verdicts.allowed-keys[0]"),
        ("version = 1\n[policy]\non-conflict = \"skp\"\n", "bad-value", "did you mean `skip`?"),
        ("version = 1\n[policy.retries]\nt = { max-attempts = 0 }\n", "bad-value", "at least once"),
        ("version = 1\n[policy]\nrequired = [\"tset\"]\n[[gate]]\nname = \"test\"\nrun = \"x\"\n", "unknown-gate", "did you mean `test`?"),
    ];
    for (text, code, words) in cases {
        let sandbox = Sandbox::new();
        sandbox.branch("a", "main", "a", &[("a", "a")]);
        sandbox.lex(&["plan", "create"]).exits(0);
        sandbox.write("lex-pr.toml", text);
        sandbox.commit("Configure");
        refused(&sandbox, &["merge", "--execute"], "", code, &[words]);
    }
}

#[test]
fn a_wrong_setting_names_where_it_came_from() {
    let sandbox = Sandbox::new();
    sandbox.branch("x", "main", "x", &[("x", "x")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    sandbox.git(&["config", "lexpr.maxWorkers", "many"]);
    refused(&sandbox, &["merge"], "", "bad-value", &["`many` is no number of workers", "lexpr.maxWorkers"]);
    let said = sandbox.lex_command(&sandbox.repo, &["merge"]).env("LEX_PR_ON_CONFLICT", "x").output().unwrap();
    assert_eq!(said.status.code(), Some(2));
    sandbox.git(&["config", "lexpr.maxWorkers", "2"]);
    for (key, args) in [("lexpr.syncTimeout", &["sync", "."][..]), ("lexpr.mergeTimeout", &["merge"])] {
        for value in ["abc", "0", "-3"] {
            sandbox.git(&["config", key, value]);
            refused(&sandbox, args, "", "bad-value", &["is no number of seconds", key]);
        }
        sandbox.git(&["config", key, "1k"]);
    }
    let said = sandbox.lex_command(&sandbox.repo, &["merge"]).env("LEX_PR_ON_CONFLICT", "x").output().unwrap();
    assert!(String::from_utf8_lossy(&said.stderr).contains("LEX_PR_ON_CONFLICT"));
}

#[test]
fn wrong_usage_is_json_too() {
    let sandbox = Sandbox::new();
    for args in [&["plan", "crate"][..], &["merge", "--exceute"], &["nonsense"], &["merge", "--max-workers", "0"]] {
        sandbox.lex(args).exits(2);
        let error = sandbox.json(args, 2)["error"].clone();
        assert_eq!(error["code"], "usage", "{error}");
    }
    let error = sandbox.json(&["merge", "--exceute"], 2)["error"].clone();
    assert!(error["hint"].as_str().unwrap().contains("--execute"), "{error}");
    sandbox.lex(&["-h"]).exits(0);
    sandbox.lex(&["--version"]).exits(0);
    sandbox.lex(&[]).exits(2);
}

#[test]
fn places_that_are_no_repository_or_somebody_elses() {
    let sandbox = Sandbox::new();
    let said = sandbox.lex_in(&sandbox.root.path().join("home"), &["plan", "list"]).exits(2);
    assert!(said.stderr.contains("is not in a git repository") && said.stderr.contains("git init"), "{}", said.stderr);
    let said = sandbox.lex_in(&sandbox.repo, &["-C", "nowhere", "plan", "list"]).exits(2);
    assert!(said.stderr.contains("there is no folder nowhere"), "{}", said.stderr);

    std::fs::write(sandbox.root.path().join("home/.git"), "gitdir: nowhere\n").unwrap();
    let said = sandbox.lex_in(&sandbox.root.path().join("home"), &["plan", "list"]).exits(2);
    assert!(said.stderr.contains("is not in a git repository"), "{}", said.stderr);
    let config = sandbox.read(".git/config");
    sandbox.write(".git/config", "[core]\n\tbare = false\n[core\n");
    let error = sandbox.json(&["plan", "list"], 2)["error"].clone();
    assert_eq!(error["code"], "bad-config");
    assert!(error["message"].as_str().unwrap().contains("bad config line 3 in file .git/config"), "{error}");
    sandbox.write(".git/config", &config);

    // Only root can give a folder away; elsewhere this machine cannot make the case.
    if sandbox.command("chown", &sandbox.repo).args(["-R", "12345:12345", "."]).status().unwrap().success() {
        let error = sandbox.json(&["plan", "list"], 2)["error"].clone();
        assert_eq!(error["code"], "foreign-repository");
        let mend = error["hint"].as_str().unwrap().split_once(": git ").unwrap().1.to_string();
        let words: Vec<&str> = mend.split(' ').collect();
        sandbox.git_in(sandbox.root.path(), &words);
        sandbox.lex(&["plan", "list"]).exits(0);
    }
}

#[test]
fn a_repository_that_knows_nobody_asks_for_a_name() {
    let sandbox = Sandbox::new();
    sandbox.branch("a", "main", "a", &[("a", "a")]);
    std::fs::write(sandbox.root.path().join("home/.gitconfig"), "").unwrap();
    refused(&sandbox, &["plan", "create"], "", "no-identity", &["git config --global user.name"]);
}

#[test]
fn a_disk_that_cannot_be_written_is_the_environments_fault() {
    let sandbox = Sandbox::new();
    sandbox.branch("a", "main", "a", &[("a", "a")]);
    let missing = sandbox.lex_command(&sandbox.repo, &["plan", "create"]).env("PATH", "/nonexistent").output().unwrap();
    assert_eq!(missing.status.code(), Some(0), "planning needs no git binary: {}", String::from_utf8_lossy(&missing.stderr));
    let missing = sandbox.lex_command(&sandbox.repo, &["merge", "--execute"]).env("PATH", "/nonexistent").output().unwrap();
    assert_eq!(missing.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("install git 2.38 or newer"));

    // Root writes where nobody may, so that only another user can make this case.
    let plans = sandbox.repo.join(".git/refs/lex-pr");
    std::fs::set_permissions(&plans, std::fs::Permissions::from_mode(0o500)).unwrap();
    if std::fs::write(plans.join("probe"), "").is_err() {
        sandbox.lex(&["plan", "create", "--name", "b"]).exits(3);
    }
    let _ = std::fs::remove_file(plans.join("probe"));
    std::fs::set_permissions(&plans, std::fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn names_from_branches_cannot_write_to_the_terminal() {
    let sandbox = Sandbox::new();
    let evil = "evil\u{202e}<img>|x";
    sandbox.branch(evil, "main", "x", &[("x", "x")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    for args in [&["plan", "show"][..], &["merge"], &["status"], &["order"]] {
        let said = sandbox.lex(args).exits(0);
        assert!(said.stdout.contains("evil\\u{202e}<img>|x") && !said.stdout.contains('\u{202e}'), "{args:?}: {}", said.stdout);
    }
    let text = r#"{"schemaVersion":"2.0.0","target":"main","items":[{"name":"a\u001b[2J","branch":"a"}]}"#;
    let said = sandbox.lex_fed(&["order", "-"], text).exits(2);
    assert!(!said.stderr.contains('\u{1b}'), "{}", said.stderr);
    sandbox.lex(&["merge", "--execute"]).exits(0);
    let markdown = sandbox.lex(&["report", "--format", "md"]).exits(0).stdout;
    assert!(markdown.contains("&lt;img&gt;\\|x"), "{markdown}");
}

#[test]
fn what_is_suggested_can_be_pasted_whatever_the_names_are() {
    let sandbox = Sandbox::new();
    let (plan, branch) = ("a'b;c$(touch${IFS}$HOME/p)", "x;touch${IFS}$HOME/b");
    sandbox.branch(branch, "main", "x\n\nDepends-On: no';touch${IFS}$HOME/t;'", &[("x", "x")]);
    let error = sandbox.json(&["plan", "create"], 2)["error"].clone();
    let assume = error["hint"].as_str().unwrap().split_once("say ").unwrap().1.to_string();
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_git-lex-pr")).parent().unwrap();
    let paste = |line: &str| {
        let mut shell = sandbox.command("sh", &sandbox.repo);
        shell.arg("-c").arg(format!("PATH={}:$PATH; {line}", binary.display())).output().unwrap()
    };
    let made = paste(&format!("git lex-pr plan create --name '{}' {assume}", plan.replace('\'', r"'\''")));
    let made = String::from_utf8(made.stdout).unwrap();
    let next = |said: &str| said.lines().find_map(|l| l.strip_prefix("next: ")).unwrap().to_string();
    assert_eq!(next(&made), r"git lex-pr merge 'a'\''b;c$(touch${IFS}$HOME/p)'");
    let preview = String::from_utf8(paste(&next(&made)).stdout).unwrap();
    sandbox.git(&["branch", "-f", branch, "main"]);
    let landed = String::from_utf8(paste(&next(&preview)).stdout).unwrap();
    assert!(landed.contains("landed 1 of 1"), "{landed}");
    let renew = landed.split('`').find(|w| w.starts_with("git lex-pr plan add")).unwrap();
    assert_eq!(paste(renew).status.code(), Some(0), "{renew}");
    let deleted = sandbox.lex(&["plan", "delete", plan]).exits(0).stdout;
    assert!(paste(deleted.split_once("back: ").unwrap().1).status.success(), "{deleted}");
    sandbox.lex(&["plan", "show", plan]).exits(0);
    let home: Vec<_> = std::fs::read_dir(sandbox.root.path().join("home")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(home, [".gitconfig"], "no name was run");
}

#[test]
fn a_lock_left_behind_is_named() {
    let sandbox = Sandbox::new();
    sandbox.branch("a", "main", "a", &[("a", "a")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    std::fs::write(sandbox.repo.join(".git/refs/heads/main.lock"), "").unwrap();
    let before = sandbox.head("main");
    let said = sandbox.lex(&["merge", "--execute"]).exits(3);
    assert!(said.stderr.contains("main.lock"), "{}", said.stderr);
    assert_eq!((sandbox.head("main"), sandbox.git(&["status", "--porcelain"])), (before, String::new()), "the work tree came back");
    std::fs::remove_file(sandbox.repo.join(".git/refs/heads/main.lock")).unwrap();
    sandbox.lex(&["merge", "--execute"]).exits(0);
    sandbox.sound();
}
