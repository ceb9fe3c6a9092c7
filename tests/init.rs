//! `init`: what it proposes for what a repository holds, what it asks, and what it leaves alone.

use crate::{
    sandbox::{Sandbox, status},
    terminal::Terminal,
};
use lex_pr::config::ConfigFile;

/// A repository with `files` on main.
fn with(files: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new();
    for (path, text) in files {
        sandbox.write(path, text);
    }
    sandbox.commit("Files");
    sandbox
}

/// What init writes, as this program reads it.
#[track_caller]
fn written(sandbox: &Sandbox) -> ConfigFile {
    ConfigFile::parse(&sandbox.read("lex-pr.toml"), "lex-pr.toml").unwrap()
}

#[test]
fn gates_are_proposed_from_what_the_repository_holds() {
    let package = r#"{"scripts":{"test":"node --test","lint":"eslint .","build":"x"},"devDependencies":{"eslint":"9"}}"#;
    let bare_package = r#"{"scripts":{"test":"node --test"}}"#;
    let no_test = r#"{"scripts":{"test":"echo \"Error: no test specified\" && exit 1"}}"#;
    for (files, gates) in [
        (&[("Cargo.toml", "")][..], &[("test", "cargo test", "")][..]),
        (
            &[("go.mod", ""), (".github/workflows/a.yml", "    - run: go test -race ./...\n    - run: go vet ./...\n")],
            &[("test", "go test -race ./...", ""), ("vet", "go vet ./...", "")],
        ),
        (
            &[
                ("Cargo.toml", ""),
                (".gitlab-ci.yml", "test:\n  script:\n    - cargo test --workspace\n    - cargo fmt --check\n    - cargo clippy $FLAGS\n"),
            ],
            &[("test", "cargo test --workspace", ""), ("fmt", "cargo fmt --check", "")],
        ),
        (
            &[("package.json", package), ("package-lock.json", "{}")],
            &[("test", "npm ci; } && npm run test", ""), ("lint", "&& npm run lint", "")],
        ),
        (
            &[("package.json", package), ("pnpm-lock.yaml", "")],
            &[("test", "pnpm install --frozen-lockfile && pnpm run test", ""), ("lint", "pnpm run lint", "")],
        ),
        (&[("package.json", bare_package)], &[("test", "npm run test", "")]),
        (&[("package.json", no_test)], &[]),
        (
            &[("pyproject.toml", "[tool.pytest.ini_options]\n[tool.ruff]\n")],
            &[("test", "python3 -m pytest", ""), ("lint", "ruff check", "")],
        ),
        (&[("pyproject.toml", "dependencies = ['pytest']"), ("uv.lock", "")], &[("test", "uv run pytest", "")]),
        (&[("requirements.txt", "flask\n"), ("tests/test_a.py", "")], &[("test", "python3 -m unittest discover -s tests", "")]),
        (&[("test_a.py", "")], &[("test", "python3 -m unittest", "")]),
        (&[("pom.xml", ""), ("mvnw", "")], &[("test", "./mvnw -q -B verify", "")]),
        (&[("Gemfile", ""), ("spec/a_spec.rb", "")], &[("test", "bundle exec rspec", "")]),
        (&[("Makefile", "all:\n\tcc a.c\ntest: all\n\t./a\n")], &[("test", "make test", "")]),
        (&[("a.c", ""), ("justfile", "test:\n\t./a\n")], &[("test", "just test", "")]),
        (&[("configure", ""), ("src/a.c", ""), (".gitlab-ci.yml", "test:\n  script: make test\n")], &[("test", "make test", "")]),
        (&[("meson.build", ""), ("a.cpp", "")], &[("test", "meson test -C build", "")]),
        (&[("setup.py", ""), ("tox.ini", "[testenv]\ncommands = pytest\n"), ("tests/test_a.py", "")], &[("test", "tox", "")]),
        (
            &[("composer.json", r#"{"scripts":{"test":"phpunit"}}"#), ("phpunit.xml", "")],
            &[("test", "composer install --quiet --no-interaction && composer test", "")],
        ),
        (&[("Cargo.toml", ""), ("Makefile", "check:\n\tx\n"), (".travis.yml", "script: make check\n")], &[("test", "make check", "")]),
        (
            &[("go.mod", ""), ("web/package.json", bare_package), ("node_modules/x/package.json", package)],
            &[("test", "go test ./...", ""), ("web-test", "npm run test", "web")],
        ),
        (
            &[("api/go.mod", ""), ("web/package.json", bare_package)],
            &[("test", "go test ./...", "api"), ("web-test", "npm run test", "web")],
        ),
    ] {
        let sandbox = with(files);
        let before = sandbox.git(&["for-each-ref"]);
        let done = sandbox.json(&["init"], 0);
        let found: Vec<_> = done["gates"].as_array().unwrap().iter().map(|gate| gate["name"].as_str().unwrap()).collect();
        assert_eq!(found, gates.iter().map(|(name, ..)| *name).collect::<Vec<_>>(), "{files:?}: {done}");
        let file = written(&sandbox);
        assert_eq!(file.target.as_deref(), Some("main"));
        for (gate, (_, run, cwd)) in file.gates.iter().zip(gates) {
            assert!(gate.command_line().ends_with(run) && gate.cwd.as_deref().unwrap_or("") == *cwd, "{files:?}: {gate:?}");
        }
        let changed = sandbox.git(&["status", "--porcelain"]);
        assert_eq!((changed.as_str(), sandbox.git(&["for-each-ref"])), ("?? lex-pr.toml", before), "nothing else is written");
    }
}

#[test]
fn each_reason_stands_as_a_comment() {
    let sandbox = with(&[
        ("Cargo.toml", ""),
        ("Cargo.lock", ""),
        (".github/workflows/ci.yml", "      - run: cargo test --all\n"),
        (".github/CODEOWNERS", "* @org/core\n"),
    ]);
    let done = sandbox.json(&["init"], 0);
    let text = sandbox.read("lex-pr.toml");
    for line in [
        "# It counts once it is committed to main: it is read there, never from a work tree.",
        "# Where everything lands: it has the usual name.",
        "# .github/workflows/ci.yml runs it.\nname = \"test\"\nrun = \"cargo test --all\"",
        "# .github/CODEOWNERS says who approves what.",
        "# plugin = \"builtin:codeowners\"",
        "# Two branches that both change Cargo.lock conflict there; it is made again instead.\n[[weave.regenerate]]\nfiles = [\"Cargo.lock\"]",
    ] {
        assert!(text.contains(line), "{line:?} in {text}");
    }
    assert_eq!((&done["languages"][0], &done["ci"][0]), (&"Rust (Cargo.toml)".into(), &".github/workflows/ci.yml".into()));
}

#[test]
fn what_is_there_stays_without_force() {
    let sandbox = with(&[("go.mod", ""), ("lex-pr.toml", "mine")]);
    let said = sandbox.lex(&["init", "--yes"]).exits(2);
    assert!(said.stderr.contains("there is a lex-pr.toml already") && said.stderr.contains("--force"), "{}", said.stderr);
    assert_eq!(sandbox.read("lex-pr.toml"), "mine");
    sandbox.lex(&["init", "--yes", "--force"]).exits(0);
    assert_eq!(written(&sandbox).gates[0].command_line(), "go test ./...");

    // A link is there, too, wherever it points, and what it points to is never written.
    let outside = sandbox.root.path().join("outside");
    std::fs::remove_file(sandbox.repo.join("lex-pr.toml")).unwrap();
    std::os::unix::fs::symlink(&outside, sandbox.repo.join("lex-pr.toml")).unwrap();
    sandbox.lex(&["init", "--yes"]).exits(2);
    sandbox.lex(&["init", "--yes", "--force"]).exits(0);
    assert!(!outside.exists() && written(&sandbox).gates.len() == 1);
}

#[test]
fn it_is_written_at_the_root_and_counts_on_the_target() {
    let sandbox = with(&[("go.mod", ""), ("below/x", "")]);
    sandbox.git(&["checkout", "-q", "-b", "side"]);
    let said = sandbox.lex_in(&sandbox.repo.join("below"), &["init"]).exits(0);
    assert!(said.stdout.contains("It counts once it is committed to main.") && said.stdout.contains("git switch main"), "{}", said.stdout);
    assert!(sandbox.repo.join("lex-pr.toml").exists());
    assert_eq!(sandbox.json(&["gate", "list"], 0).as_array().unwrap().len(), 1, "not committed, it is no policy");

    let bare = sandbox.root.path().join("bare.git");
    sandbox.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    assert!(sandbox.lex_in(&bare, &["init"]).exits(2).stderr.contains("run it in a clone"));
    let empty = sandbox.root.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    sandbox.git_in(&empty, &["init", "-q"]);
    assert!(sandbox.lex_in(&empty, &["init"]).exits(2).stderr.contains("make a first commit"));
}

#[test]
fn the_profile_of_lex_pr_runner_is_carried_over() {
    let sandbox = with(&[
        ("package.json", r#"{"scripts":{"test":"x"}}"#),
        (
            ".smartergpt/gates.yml",
            "version: 1\nlevels:\n  default:\n    - name: lint\n      run: \"npm run lint\"\n    - name: unit\n      run: npm test\n      cwd: .\n",
        ),
        (
            ".smartergpt/scope.yml",
            "version: 1\ntarget: main\nsources:\n  - query: \"is:open label:stack:*\"\nselectors:\n  include_labels: [\"stack:*\"]\n  exclude_labels: [\"WIP\"]\ndefaults:\n  strategy: rebase-weave\n  base: main\npin_commits: false\n",
        ),
        (
            ".smartergpt/stack.yml",
            "version: 1\ntarget: main\npolicy:\n  requiredGates: [unit]\n  maxWorkers: 3\n  retries:\n    unit:\n      maxAttempts: 3\n      backoffSeconds: 5\n  overrides:\n    adminGreen:\n      allowedUsers: [ada]\n      requireReason: true\nitems:\n  - id: 1\n    branch: feature/auth\n    needs: []\n    strategy: rebase-weave\n  - id: 2\n    branch: \"feature/a b\"\n    needs: [1, feature/x]\n",
        ),
        (".smartergpt/deps.yml", "version: 1\n"),
        (".smartergpt/merge-policy.yml", "rules: []\n"),
    ]);
    let done = sandbox.json(&["init"], 0);
    let file = written(&sandbox);
    assert_eq!(done["profile"], ".smartergpt");
    assert_eq!(
        file.gates.iter().map(|gate| (gate.name.as_str(), gate.command_line())).collect::<Vec<_>>(),
        [("lint", "npm run lint"), ("unit", "npm test")]
    );
    assert_eq!((file.policy.required, file.policy.max_workers.and_then(|workers| workers.fixed())), (vec!["unit".to_string()], Some(3)));
    assert_eq!(file.policy.retries["unit"].max_attempts, 3);
    assert_eq!(file.policy.overrides.admin_green.unwrap().allowed_users, ["ada"]);
    let text = sandbox.read("lex-pr.toml").replace("\n# ", " ");
    for note in [
        "plan create --strategy rebase",
        "git lex-pr plan create feature/auth 'feature/a b'",
        "what feature/a b needs: git lex-pr plan add default 'feature/a b' --depends-on feature/auth --depends-on feature/x",
        "deps.yml says what needs what; here that is said by `Depends-On: BRANCH`",
        "merge-policy.yml",
        "labels (stack:*, WIP)",
        "Carried over from .smartergpt.",
    ] {
        assert!(text.contains(note), "{note:?} in {text}");
    }

    // The local one goes before, a variable before that, and a flag before all.
    sandbox.write(".smartergpt.local/gates.yml", "gates:\n  - name: mine\n    run: \"true\"\n    required: false\n    env: { A: b }\n");
    sandbox.json(&["init", "--force"], 0);
    let file = written(&sandbox);
    assert_eq!(
        (file.gates[0].name.as_str(), file.gates[0].env["A"].as_str(), file.policy.optional),
        ("mine", "b", vec!["mine".to_string()])
    );
    let mut command = sandbox.lex_command(&sandbox.repo, &["init", "--force", "--json"]);
    let said = command.env("LEX_PR_PROFILE_DIR", ".smartergpt").output().unwrap();
    assert!(said.status.success());
    assert_eq!(written(&sandbox).gates.len(), 2);
    sandbox.json(&["init", "--force", "--profile", ".smartergpt.local"], 0);
    assert_eq!(written(&sandbox).gates[0].name, "mine");
    sandbox.json(&["init", "--force", "--no-profile"], 0);
    assert_eq!(written(&sandbox).gates[0].command_line(), "npm run test");

    let kept = sandbox.read("lex-pr.toml");
    sandbox.write(".smartergpt.local/gates.yml", "gates:\n  - name: mine\n    run: [1\n");
    let said = sandbox.lex(&["init", "--force"]).exits(2);
    assert!(said.stderr.contains("gates.yml:") && said.stderr.contains("--no-profile"), "{}", said.stderr);
    assert!(sandbox.lex(&["init", "--force", "--profile", "gone"]).exits(2).stderr.contains("there is no folder"));
    assert_eq!(sandbox.read("lex-pr.toml"), kept, "nothing is half-written");
}

#[test]
fn refspecs_are_set_and_taken_out_and_a_fetch_brings_what_they_name() {
    let sandbox = with(&[("go.mod", "")]);
    sandbox.branch("a", "main", "a", &[("a", "a\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    sandbox.lex(&["merge", "--execute"]).exits(0);
    let clone = sandbox.root.path().join("clone");
    sandbox.git(&["clone", "-q", ".", clone.to_str().unwrap()]);
    let fetched = || sandbox.git_in(&clone, &["config", "--get-all", "remote.origin.fetch"]);
    let plain = fetched();
    // The clone's own plan of that name must outlive every fetch.
    sandbox.git_in(&clone, &["branch", "mine", "main~1"]);
    sandbox.git_in(&clone, &["commit", "-q", "--allow-empty", "-m", "mine"]);
    sandbox.git_in(&clone, &["branch", "-f", "mine"]);
    sandbox.git_in(&clone, &["reset", "-q", "--hard", "HEAD~1"]);
    sandbox.lex_in(&clone, &["plan", "create", "mine"]).exits(0);
    let own = sandbox.git_in(&clone, &["rev-parse", "refs/lex-pr/plans/default"]);

    let said = sandbox.lex_in(&clone, &["init"]).exits(0);
    assert!(said.stdout.contains("git fetch origin now brings lex-pr's plans, runs and verdicts, too"), "{}", said.stdout);
    sandbox.git_in(&clone, &["fetch", "-q", "--prune"]);
    let theirs = sandbox.git(&["rev-parse", "refs/lex-pr/plans/default"]);
    assert_eq!(sandbox.git_in(&clone, &["rev-parse", "refs/lex-pr-remotes/origin/lex-pr/plans/default"]), theirs);
    assert_eq!(sandbox.git_in(&clone, &["rev-parse", "refs/lex-pr/plans/default"]), own);
    assert_eq!(fetched().lines().count(), 3);

    assert!(sandbox.lex_in(&clone, &["init"]).exits(2).stderr.contains("already"));
    let again = sandbox.lex_in(&clone, &["init", "--refspecs", "--json"]).exits(0).json();
    assert_eq!((&again["refspecs"]["set"], &again["refspecs"]["changed"]), (&true.into(), &false.into()), "{again}");
    sandbox.lex_in(&clone, &["init", "--no-refspecs"]).exits(0);
    assert_eq!(fetched(), plain, "what else stood there is as it was");
    assert!(sandbox.lex_in(&clone, &["init", "--refspecs", "--remote", "orign"]).exits(2).stderr.contains("did you mean `origin`?"));
    assert!(sandbox.lex(&["init", "--remote", "origin"]).exits(2).stderr.contains("there is no remote `origin`"));
    assert!(!sandbox.repo.join("lex-pr.toml").exists(), "nothing is half-written");
    assert!(sandbox.lex(&["init", "--refspecs"]).exits(2).stderr.contains("git remote add"));
    let bare = sandbox.root.path().join("bare.git");
    sandbox.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    sandbox.lex_in(&bare, &["init", "--refspecs"]).exits(0);
    sandbox.sound();
}

#[test]
fn on_a_terminal_it_asks_what_it_cannot_know() {
    let sandbox = with(&[("notes", "x"), (".smartergpt/gates.yml", "gates:\n  - name: old\n    run: \"true\"\n")]);
    let mut terminal = Terminal::new(&sandbox, 100, &["init"]);
    terminal.wait_for("Carry over the lex-pr-runner profile in .smartergpt");
    terminal.say("no\n");
    terminal.wait_for("How are the tests run?");
    terminal.say("sh check.sh\n");
    let (written_to_it, status) = terminal.end();
    assert_eq!(status, Some(0), "{written_to_it}");
    let file = written(&sandbox);
    assert_eq!((file.gates.len(), file.gates[0].command_line()), (1, "sh check.sh"));
    assert!(sandbox.read("lex-pr.toml").contains("# You said so."));

    // A wrong answer is asked for again.
    let sandbox = with(&[("go.mod", ""), (".smartergpt/gates.yml", "gates:\n  - name: old\n    run: \"true\"\n")]);
    sandbox.git(&["branch", "other"]);
    sandbox.git(&["branch", "-m", "main", "trunk"]);
    let mut terminal = Terminal::new(&sandbox, 100, &["init"]);
    terminal.wait_for("(found)?");
    terminal.say("perhaps\n");
    terminal.wait_for("answer yes or no");
    terminal.say("no\n");
    terminal.wait_for("Which branch does everything land on?");
    terminal.say("gone\n");
    terminal.wait_for("gone");
    terminal.say("other\n");
    let (written_to_it, status) = terminal.end();
    assert_eq!(status, Some(0), "{written_to_it}");
    assert_eq!(written(&sandbox).target.as_deref(), Some("other"), "{written_to_it}");

    // Nothing to ask, nothing asked; and --yes asks nothing ever.
    for (arg, files) in [("--no-profile", &[("go.mod", "")][..]), ("--yes", &[("notes", "x")])] {
        let sandbox = with(files);
        let (said, status) = Terminal::new(&sandbox, 100, &["init", arg]).end();
        assert!(status == Some(0) && !said.contains('?'), "{said}");
    }
}

#[test]
fn hostile_names_stay_in_their_comment() {
    let name = "a\u{1b}[31m\nrun = \"rm -rf ~\"";
    let sandbox = with(&[(&format!("{name}.py"), ""), (&format!("{name}/go.mod"), "")]);
    let said = sandbox.lex(&["init"]).exits(0);
    assert!(!said.stdout.contains("\u{1b}[31m"), "{}", said.stdout);
    let file = written(&sandbox);
    assert!(file.gates.iter().all(|gate| !gate.command_line().contains("rm")), "{}", sandbox.read("lex-pr.toml"));
}

/// From a repository of another language to a landing, by the commands that each step names.
#[test]
fn a_first_use_needs_no_more_than_the_steps_it_names() {
    let sandbox = with(&[
        ("check/__init__.py", ""),
        ("check/sum.py", "def sum(a, b):\n    return a + b\n"),
        (
            "tests/test_sum.py",
            "import unittest\nfrom check.sum import sum\n\nclass T(unittest.TestCase):\n    def test(self):\n        self.assertEqual(sum(1, 2), 3)\n",
        ),
    ]);
    sandbox.branch("feat/doc", "main", "doc", &[("README", "x")]);
    sandbox.branch("feat/wrong", "main", "wrong", &[("check/sum.py", "def sum(a, b):\n    return a - b\n")]);
    let mut said = sandbox.lex(&["init", "--yes"]).exits(0).stdout;
    let steps: Vec<String> = said.split_once("Next:\n").unwrap().1.lines().map(|line| line.trim().to_string()).collect();
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_git-lex-pr")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let mut shell = |step: &str| {
        let output = sandbox.command("sh", &sandbox.repo).args(["-c", step]).env("PATH", &path).output().unwrap();
        assert!(output.status.code().unwrap() < 2, "{step}: {}", String::from_utf8_lossy(&output.stderr));
        said = String::from_utf8_lossy(&output.stdout).into_owned();
        said.clone()
    };
    steps.iter().for_each(|step| drop(shell(step)));
    let next = shell("git lex-pr merge").lines().find_map(|line| line.strip_prefix("next: ").map(ToOwned::to_owned)).unwrap();
    assert_eq!(next, "git lex-pr merge default --execute");
    shell(&next);
    let run = sandbox.json(&["report"], 1);
    assert_eq!((status(&run, "feat/doc"), status(&run, "feat/wrong")), ("merged", "skipped-gates"), "{run}");
    sandbox.sound();
}
