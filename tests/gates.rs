//! Gates that are commands: what they see, how they end, and what is kept of them.

use crate::sandbox::{Sandbox, detail, find, status, wait_for};
use serde_json::{Value, json};
use std::{
    process::{Child, Stdio},
    time::Duration,
};

/// One branch `a` and a plan of it, with `gates` in lex-pr.toml.
fn with_gates(gates: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.config(gates);
    sandbox.branch("a", "main", "a", &[("a.txt", "a\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    sandbox
}

fn verdict<'v>(run: &'v Value, item: &str, gate: &str) -> &'v Value {
    let gates = find(run, item)["gates"].as_array().unwrap();
    &gates.iter().find(|g| g["gate"] == gate).unwrap_or_else(|| panic!("no gate {gate}: {run}"))["verdict"]
}

fn kept(sandbox: &Sandbox, run: &Value, path: &str) -> String {
    sandbox.git(&["show", &format!("refs/lex-pr/runs/{}:items/{path}", run["id"].as_str().unwrap())])
}

fn alive(pid: &str) -> bool {
    // A killed process that nobody has reaped yet is a zombie, which is dead enough.
    std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn a_gate_sees_the_candidate_and_a_bounded_environment() {
    let sandbox = with_gates(
        r#"
[[gate]]
name = "look"
cwd = "sub"
env = { OWN = "mine" }
allow = ["env:GRANTED", "env:MANY_*"]
run = "env | sort; pwd; cat ../a.txt ../base.txt; git log -1 --format=%H; git diff --stat $LEX_PR_BASE $LEX_PR_CANDIDATE; git rev-parse main"
"#,
    );
    sandbox.write("sub/file", "x\n");
    sandbox.commit("A folder");
    let mut command = sandbox.lex_command(&sandbox.repo, &["execute", "--json"]);
    command.env("GRANTED", "yes").env("MANY_1", "1").env("SECRET_TOKEN", "hush").env("GIT_DIR", sandbox.repo.join(".git"));
    let run: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    assert_eq!(verdict(&run, "a", "look")["verdict"], "pass", "{run}");
    let seen = kept(&sandbox, &run, "a/look/stdout");
    let candidate = find(&run, "a")["candidate"].as_str().unwrap();
    for line in [
        "OWN=mine".into(),
        "GRANTED=yes".into(),
        "MANY_1=1".into(),
        "LEX_PR_ITEM=a".into(),
        "LEX_PR_TARGET=main".into(),
        "LEX_PR_GATE=look".into(),
        "LEX_PR_ATTEMPT=1".into(),
        format!("LEX_PR_BASE={}", sandbox.head("main")),
        format!("LEX_PR_HEAD={}", sandbox.head("a")),
        format!("LEX_PR_CANDIDATE={candidate}"),
        "a".into(),
        "one".into(),
        candidate.to_string(),
        sandbox.head("main"),
    ] {
        assert!(seen.lines().any(|l| l == line), "{line:?} in {seen}");
    }
    assert!(seen.contains("a.txt | 1 +"), "{seen}");
    assert!(!seen.contains("hush") && !seen.contains("GIT_DIR"), "{seen}");
    assert!(!seen.contains(sandbox.repo.to_str().unwrap()), "a work tree outside of the user's: {seen}");
    sandbox.sound();
}

#[test]
fn a_gate_cannot_hurt_the_users_repository() {
    let sandbox = with_gates(
        "[[gate]]\nname = \"vandal\"\nrun = \"echo x > new; git add new; git commit -qm x; git branch -D main; git update-ref -d refs/heads/a; rm -rf base.txt\"\n",
    );
    let before = [sandbox.head("main"), sandbox.head("a"), sandbox.git(&["status", "--porcelain"])];
    sandbox.lex(&["execute"]);
    assert_eq!([sandbox.head("main"), sandbox.head("a"), sandbox.git(&["status", "--porcelain"])], before);
    assert_eq!(sandbox.git(&["worktree", "list"]).lines().count(), 1);
    sandbox.sound();
}

#[test]
fn candidates_follow_each_other_in_one_work_tree_and_ignored_files_stay() {
    let sandbox = Sandbox::new();
    sandbox.write(".gitignore", "cache/\n");
    sandbox.config("[policy]\nmax-workers = 1\n[[gate]]\nname = \"g\"\nrun = \"mkdir -p cache; ls cache; ls; touch cache/$LEX_PR_ITEM junk-$LEX_PR_ITEM; echo changed > base.txt; rm -f a.txt\"\n");
    sandbox.branch("a", "main", "a", &[("a.txt", "a")]);
    sandbox.branch("b", "main", "b", &[("b.txt", "b")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    let run = sandbox.json(&["merge", "--execute"], 0);
    assert_eq!(kept(&sandbox, &run, "b/g/stdout"), "a\na.txt\nb.txt\nbase.txt\ncache\nlex-pr.toml");
    sandbox.sound();
}

#[test]
fn a_red_gate_keeps_its_item_out_and_blocks_what_needs_it() {
    let sandbox =
        with_gates("[[gate]]\nname = \"t\"\nrun = \"test ! -e bad || { echo out; printf 'it is \\\\007bad\\\\n' >&2; exit 3; }\"\n");
    sandbox.branch("bad", "main", "bad", &[("bad", "x")]);
    sandbox.branch("on-bad", "bad", "on", &[("on", "x")]);
    sandbox.lex(&["plan", "create", "--force"]).exits(0);
    let run = sandbox.json(&["merge", "--execute"], 1);
    assert_eq!((status(&run, "a"), status(&run, "bad"), status(&run, "on-bad")), ("merged", "skipped-gates", "blocked"));
    assert_eq!(detail(&run, "bad"), "gate t failed: exit status 3: it is bad");
    assert_eq!((kept(&sandbox, &run, "bad/t/stdout"), kept(&sandbox, &run, "bad/t/stderr")), ("out".into(), "it is \u{7}bad".into()));
    assert_eq!(detail(&run, "on-bad"), "needs bad (skipped: gates)");
    assert_eq!(sandbox.git(&["ls-tree", "--name-only", "main"]), "a.txt\nbase.txt\nlex-pr.toml");
}

#[test]
fn an_optional_gate_warns_and_a_missing_required_one_stops() {
    let sandbox = with_gates("[policy]\noptional = [\"slow\"]\n[[gate]]\nname = \"slow\"\nrun = \"false\"\n");
    let run = sandbox.json(&["merge", "--execute"], 0);
    assert_eq!((status(&run, "a"), detail(&run, "a")), ("merged", "clean, 1 file; warning: slow"));

    let sandbox = Sandbox::new();
    sandbox.branch("a", "main", "a", &[("a.txt", "a\n")]);
    sandbox.branch("b", "main", "b", &[("b.txt", "b\n")]);
    let plan = r#"{"schemaVersion":"1.0.0","policy":{"requiredGates":["t"]},"items":[{"name":"a","gates":[{"name":"t","run":"true"},{"name":"u","run":"false"}]},{"name":"b"}]}"#;
    sandbox.lex_fed(&["plan", "import", "-"], plan).exits(0);
    let run = sandbox.json(&["merge", "--execute"], 1);
    assert_eq!((status(&run, "a"), status(&run, "b")), ("merged", "skipped-gates"));
    assert_eq!(detail(&run, "b"), "the policy requires gate t, which is not defined for this item");
}

#[test]
fn the_targets_policy_cannot_be_loosened_by_plan_item_or_clone() {
    let sandbox = with_gates("[policy]\nrequired = [\"t\"]\n[[gate]]\nname = \"t\"\nrun = \"test ! -e evil\"\n");
    sandbox.branch(
        "evil",
        "main",
        "evil",
        &[
            ("evil", "x"),
            ("lex-pr.toml", "version = 1\n[policy]\nrequired = [\"conflict-markers\"]\n[[gate]]\nname = \"t\"\nrun = \"true\"\n"),
        ],
    );
    let plan = format!(
        r#"{{"schemaVersion":"2.0.0","target":"main","policy":{{"optionalGates":["t"]}},"items":[{{"name":"evil","branch":"evil","head":"{}","gates":[{{"name":"t","run":"true"}}]}}]}}"#,
        sandbox.head("evil")
    );
    sandbox.lex_fed(&["plan", "import", "-", "--force"], &plan).exits(0);
    let run = sandbox.json(&["merge", "--execute"], 1);
    assert_eq!((status(&run, "evil"), detail(&run, "evil")), ("skipped-gates", "gate t failed: exit status 1"));
    let flags = json!(["changes lex-pr.toml; it is judged by the one on main", "gate t of the plan gives way to the target's"]);
    assert_eq!(find(&run, "evil")["notes"], flags);
}

#[test]
fn verdicts_are_notes_that_git_reads_and_the_next_run_uses() {
    let sandbox = with_gates("[[gate]]\nname = \"t\"\nrun = \"echo ran >> $HOME/ran\"\n");
    let ran = || std::fs::read_to_string(sandbox.root.path().join("home/ran")).unwrap_or_default().lines().count();
    let proved = sandbox.json(&["execute"], 0);
    assert_eq!((ran(), find(&proved, "a")["gates"][1]["reused"].as_bool()), (1, Some(false)));
    let tree = find(&proved, "a")["tree"].as_str().unwrap();
    let note: Value = serde_json::from_str(&sandbox.git(&["notes", "--ref", "lex-pr/verdicts", "show", tree])).unwrap();
    assert_eq!(&note, verdict(&proved, "a", "t"));
    assert_eq!(
        (note["verdict"].as_str(), note["by"].as_str(), note["item"].as_str()),
        (Some("pass"), Some("Tess <tess@example.com>"), Some("a"))
    );

    let run = sandbox.json(&["merge", "--execute"], 0);
    assert_eq!((ran(), find(&run, "a")["gates"][1]["reused"].as_bool()), (1, Some(true)), "not bought twice");
    let report = sandbox.lex(&["report"]).exits(0).stdout;
    assert!(report.contains("reused"), "{report}");
    sandbox.git(&["update-ref", "refs/heads/main", run["base"].as_str().unwrap()]);
    sandbox.git(&["reset", "-q", "--hard"]);
    sandbox.lex(&["merge", "--execute", "--fresh"]).exits(0);
    assert_eq!(ran(), 2, "--fresh asks again");
    sandbox.sound();
}

#[test]
fn a_verdict_holds_while_the_gates_inputs_and_its_command_do() {
    let sandbox = with_gates("[[gate]]\nname = \"src\"\npaths = [\"src/**\", \"*.toml\"]\nrun = \"true\"\n");
    sandbox.branch("code", "main", "code", &[("src/deep/x", "x")]);
    sandbox.branch("words", "code", "words", &[("README", "x")]);
    sandbox.lex(&["plan", "create", "words", "code", "--force"]).exits(0);
    let reused = |run: &Value, item: &str| find(run, item)["gates"][1]["reused"].as_bool();
    let run = sandbox.json(&["execute"], 0);
    assert_eq!((reused(&run, "code"), reused(&run, "words")), (Some(false), Some(true)), "README is no input");
    sandbox.write("lex-pr.toml", "version = 1\n[[gate]]\nname = \"src\"\npaths = [\"src/**\", \"*.tom\"]\nrun = \"true #\"\n");
    sandbox.commit("Another command");
    let run = sandbox.json(&["execute"], 0);
    assert_eq!(reused(&run, "code"), Some(false));
}

#[test]
fn paths_that_name_no_file_narrow_nothing() {
    let sandbox = with_gates("[[gate]]\nname = \"t\"\npaths = [\"scr/**\"]\nrun = \"test ! -e bad\"\n");
    sandbox.branch("bad", "main", "bad", &[("bad", "x")]);
    sandbox.lex(&["plan", "create", "a", "bad", "--force"]).exits(0);
    let run = sandbox.json(&["execute"], 1);
    assert_eq!((status(&run, "a"), status(&run, "bad")), ("merged", "skipped-gates"));
}

#[test]
fn an_item_that_changes_the_policy_is_flagged_and_one_that_breaks_it_stays_out() {
    let sandbox = with_gates("[[gate]]\nname = \"t\"\nrun = \"true\"\n");
    sandbox.branch("eased", "main", "eased", &[("lex-pr.toml", "version = 1\n")]);
    sandbox.branch("broken", "main", "broken", &[("lex-pr.toml", "[[[\n")]);
    sandbox.lex(&["plan", "create", "eased", "broken", "--force"]).exits(0);
    let run = sandbox.json(&["execute"], 1);
    assert_eq!((status(&run, "broken"), status(&run, "eased")), ("skipped-gates", "merged"), "{run}");
    assert!(detail(&run, "broken").contains("lex-pr.toml") && detail(&run, "broken").contains(":1:"), "{}", detail(&run, "broken"));
    assert!(find(&run, "eased")["notes"][0].as_str().unwrap().contains("changes lex-pr.toml"), "{run}");
}

#[test]
fn a_failed_verdict_is_known_too_but_an_error_is_not() {
    let sandbox = with_gates(
        "[[gate]]\nname = \"t\"\ntimeout = \"300ms\"\nrun = \"echo x >> $HOME/ran; test ! -e $HOME/slow || sleep 60; exit 1\"\n",
    );
    let ran = || std::fs::read_to_string(sandbox.root.path().join("home/ran")).unwrap_or_default().lines().count();
    std::fs::write(sandbox.root.path().join("home/slow"), "").unwrap();
    let run = sandbox.json(&["execute"], 1);
    assert_eq!(detail(&run, "a"), "gate t could not judge it (transient): timed out after 300 ms; it is red on main without it too");
    std::fs::remove_file(sandbox.root.path().join("home/slow")).unwrap();
    assert_eq!(detail(&sandbox.json(&["execute"], 1), "a"), "gate t failed: exit status 1; it is red on main without it too");
    assert_eq!(ran(), 4, "an error is asked again, of the item and of what it stands on");
    assert_eq!(status(&sandbox.json(&["merge"], 1), "a"), "skipped-gates", "a preview knows it");
    sandbox.json(&["execute"], 1);
    assert_eq!(ran(), 4, "a failure is not");
}

#[test]
fn a_command_that_is_not_here_says_nothing_of_the_candidate() {
    for (run, code, why) in [("$HOME/tool", 127, "a command that is not here"), ("$HOME/file", 126, "a command that cannot be executed")] {
        let sandbox = with_gates(&format!("[[gate]]\nname = \"t\"\nrun = \"{run}\"\n"));
        std::fs::write(sandbox.root.path().join("home/file"), "").unwrap();
        let run = sandbox.json(&["execute"], 1);
        assert_eq!(verdict(&run, "a", "t")["verdict"], "error");
        let begin = format!("gate t could not judge it (permanent): exit status {code}, {why}: ");
        assert!(detail(&run, "a").starts_with(&begin), "{}", detail(&run, "a"));
        for name in ["tool", "file"] {
            let tool = sandbox.root.path().join("home").join(name);
            std::fs::write(&tool, "#!/bin/sh\n").unwrap();
            std::fs::set_permissions(tool, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        }
        assert_eq!(status(&sandbox.json(&["execute"], 0), "a"), "merged", "it is asked again once the command is here");
    }
}

#[test]
fn retries_wait_and_a_late_pass_is_called_flaky() {
    let sandbox = with_gates(
        "[policy.retries]\nt = { max-attempts = 3, backoff-seconds = 0.05 }\n[[gate]]\nname = \"t\"\nrun = \"test $LEX_PR_ATTEMPT = 3\"\n",
    );
    let run = sandbox.json(&["execute"], 0);
    assert_eq!((verdict(&run, "a", "t")["attempts"].as_u64(), verdict(&run, "a", "t")["verdict"].as_str()), (Some(3), Some("pass")));
    assert!(verdict(&run, "a", "t")["durationMs"].as_u64().unwrap() >= 150, "0.05 s and then 0.1 s: {run}");
    assert_eq!(detail(&run, "a"), "clean, 1 file; flaky: t");
}

#[test]
fn artifacts_are_kept_with_the_run() {
    let sandbox = with_gates(
        "[[gate]]\nname = \"t\"\nartifacts = [\"out/\", \"*.xml\"]\nrun = \"mkdir -p out/deep; echo 1 > out/deep/a; echo 2 > r.xml; echo 3 > no.txt\"\n",
    );
    let run = sandbox.json(&["execute"], 0);
    assert_eq!((kept(&sandbox, &run, "a/t/artifacts/out/deep/a"), kept(&sandbox, &run, "a/t/artifacts/r.xml")), ("1".into(), "2".into()));
    let all = sandbox.git(&["ls-tree", "-r", "--name-only", &format!("refs/lex-pr/runs/{}", run["id"].as_str().unwrap())]);
    assert!(!all.contains("no.txt"), "{all}");
}

#[test]
fn endless_output_is_bounded() {
    let sandbox = with_gates("[[gate]]\nname = \"t\"\nrun = \"seq 1 200000; echo last\"\n");
    let run = sandbox.json(&["execute"], 0);
    let output = kept(&sandbox, &run, "a/t/stdout");
    assert!(output.len() < 300_000 && output.starts_with("[") && output.ends_with("last"), "{} bytes", output.len());
}

#[test]
fn a_timeout_kills_the_whole_process_group() {
    let sandbox =
        with_gates("[[gate]]\nname = \"t\"\ntimeout = \"1s\"\nrun = \"trap '' TERM; sleep 60 & echo $! > $HOME/pid; wait; sleep 60\"\n");
    sandbox.json(&["execute"], 1);
    let pid = std::fs::read_to_string(sandbox.root.path().join("home/pid")).unwrap();
    wait_for("the child's end", || !alive(&pid));
    sandbox.sound();
}

#[test]
fn what_a_gate_leaves_running_dies_with_it() {
    let sandbox = with_gates("[[gate]]\nname = \"t\"\nrun = \"sleep 60 & echo $! > $HOME/pid\"\n");
    sandbox.json(&["execute"], 0);
    let pid = std::fs::read_to_string(sandbox.root.path().join("home/pid")).unwrap();
    wait_for("the child's end", || !alive(&pid));
}

fn interrupted(sandbox: &Sandbox, args: &[&str], signal: &str) -> (Child, String) {
    let child = sandbox.lex_command(&sandbox.repo, args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = sandbox.root.path().join("home/pid");
    wait_for("the gate's start", || std::fs::read_to_string(&pid).is_ok_and(|p| p.ends_with('\n')));
    let gate = std::fs::read_to_string(&pid).unwrap();
    assert!(sandbox.command("kill", &sandbox.repo).args([signal, &child.id().to_string()]).status().unwrap().success());
    (child, gate)
}

#[test]
fn a_run_that_is_killed_leaves_everything_whole() {
    for signal in ["-INT", "-TERM", "-HUP"] {
        let sandbox = with_gates(
            "[[gate]]\nname = \"first\"\nrun = \"true\"\n[[gate]]\nname = \"long\"\nrun = \"test -e $HOME/quick || { echo $$ > $HOME/pid; sleep 60; }\"\n",
        );
        sandbox.branch("b", "main", "b", &[("b.txt", "b\n")]);
        let before = sandbox.head("main");
        let (child, gate) = interrupted(&sandbox, &["merge", "--execute"], signal);
        if signal == "-INT" {
            // The first Ctrl-C lets the gate go on.
            std::thread::sleep(Duration::from_millis(300));
            assert!(alive(&gate));
            sandbox.command("kill", &sandbox.repo).args(["-INT", &child.id().to_string()]).status().unwrap();
        }
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
        wait_for("the gate's end", || !alive(&gate));
        assert_eq!(sandbox.head("main"), before);
        let run = sandbox.json(&["report"], 1);
        assert_eq!(run["state"], "interrupted");
        sandbox.sound();

        std::fs::write(sandbox.root.path().join("home/quick"), "").unwrap();
        sandbox.json(&["merge", "--execute"], 0);
    }
}

#[test]
fn one_ctrl_c_starts_nothing_new_and_keeps_what_was_begun() {
    let sandbox = with_gates(
        "[[gate]]\nname = \"long\"\nrun = \"echo x >> $HOME/ran; echo $$ > $HOME/pid; for i in $(seq 400); do test -e $HOME/go && exit 0; sleep 0.05; done\"\n",
    );
    sandbox.branch("b", "main", "b", &[("b.txt", "b\n")]);
    sandbox.lex(&["plan", "add", "default", "b"]).exits(0);
    let before = sandbox.head("main");
    let (child, _) = interrupted(&sandbox, &["merge", "--execute"], "-INT");
    std::thread::sleep(Duration::from_millis(300));
    std::fs::write(sandbox.root.path().join("home/go"), "").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("stopping: one gate is at work and may end; Ctrl-C again kills"), "{said}");
    assert_eq!(sandbox.head("main"), before);
    let ran = || std::fs::read_to_string(sandbox.root.path().join("home/ran")).unwrap().lines().count();
    assert_eq!(ran(), 1, "b was not begun");
    let run = sandbox.json(&["retry"], 0);
    assert_eq!((run["state"].as_str(), ran()), (Some("landed"), 2), "the verdict of a was kept");
    sandbox.sound();
}

#[test]
fn a_slow_gate_is_told_of() {
    let sandbox = with_gates("[[gate]]\nname = \"long\"\nrun = \"sleep 2.5\"\nslow-after = \"900ms\"\n");
    let said = sandbox.lex(&["execute"]).exits(0).stderr;
    assert_eq!(said.matches("slow: long has run for").count(), 2, "told again after twice the time: {said}");
    assert!(said.contains(" on a\n"), "{said}");
}

#[test]
fn what_a_killed_run_leaves_behind_goes_with_the_next() {
    let sandbox = with_gates("[[gate]]\nname = \"long\"\nrun = \"test -e $HOME/quick || { echo $$ > $HOME/pid; sleep 60; }\"\n");
    let tmp = sandbox.root.path().join("tmp");
    let left = || -> Vec<String> {
        let mut left: Vec<_> = std::fs::read_dir(&tmp).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        left
    };
    let (child, gate) = interrupted(&sandbox, &["merge", "--execute"], "-KILL");
    assert_eq!(child.wait_with_output().unwrap().status.code(), None);
    sandbox.command("kill", &sandbox.repo).args(["-KILL", gate.trim()]).status().unwrap();
    wait_for("the gate's end", || !alive(&gate));
    assert_eq!(left().len(), 1);

    let own = format!("git-lex-pr-{}-alive", std::process::id());
    for name in [own.as_str(), "git-lex-pr-notes", "git-lex-pr-1x-mine"] {
        std::fs::create_dir(tmp.join(name)).unwrap();
    }
    std::fs::write(sandbox.root.path().join("home/quick"), "").unwrap();
    sandbox.json(&["merge", "--execute"], 0);
    let mut stay = ["git-lex-pr-1x-mine", own.as_str(), "git-lex-pr-notes"];
    stay.sort_unstable();
    assert_eq!(left(), stay, "only what a dead process has made");
}

#[test]
fn gates_of_one_candidate_run_at_once_as_far_as_workers_go() {
    let gates: String = (0..3).map(|n| format!("[[gate]]\nname = \"g{n}\"\nrun = \"echo >> $HOME/now; n=$(ls $HOME/go* 2>/dev/null | wc -l); touch $HOME/go{n}; i=0; while test ! -e $HOME/go2 && test $i -lt 100; do sleep 0.02; i=$((i+1)); done; test -e $HOME/go2\"\n")).collect();
    let sandbox = with_gates(&gates);
    let run = sandbox.json(&["execute", "--max-workers", "3"], 0);
    assert_eq!(status(&run, "a"), "merged", "each waits for the last one to have started");
    for n in 0..3 {
        std::fs::remove_file(sandbox.root.path().join(format!("home/go{n}"))).unwrap();
    }
    let run = sandbox.json(&["execute", "--max-workers", "1", "--fresh"], 1);
    assert_eq!(verdict(&run, "a", "g0")["verdict"], "fail", "with one worker the last never starts beside it");
}

#[test]
fn one_gate_can_be_tried_on_one_item() {
    let sandbox = with_gates("[[gate]]\nname = \"t\"\nrun = \"true\"\n[[gate]]\nname = \"u\"\nrun = \"false\"\n");
    sandbox.branch("b", "a", "b", &[("b.txt", "b\n")]);
    sandbox.branch("c", "main", "c", &[("c.txt", "c\n")]);
    sandbox.lex(&["plan", "create", "--force"]).exits(0);
    let run = sandbox.json(&["gate", "run", "t", "--item", "b"], 0);
    let names: Vec<_> = run["items"].as_array().unwrap().iter().map(|i| i["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a", "b"], "the item on top of what it needs");
    assert_eq!((find(&run, "a")["gates"].as_array().unwrap().len(), find(&run, "b")["gates"].as_array().unwrap().len()), (1, 2));
    let said = sandbox.lex(&["gate", "run", "conflict-marker", "--item", "b"]).exits(2);
    assert!(said.stderr.contains("`git lex-pr gate list default`"), "{}", said.stderr);

    let list = sandbox.json(&["gate", "list"], 0);
    let rows: Vec<_> = list.as_array().unwrap().iter().map(|g| (g["name"].as_str().unwrap(), g["from"].as_str().unwrap())).collect();
    assert_eq!(rows, [("conflict-markers", "built-in"), ("t", "target"), ("u", "target")]);
}

#[test]
fn a_runtime_that_is_not_here_says_so() {
    let sandbox = with_gates("[[gate]]\nname = \"c\"\nrun = \"true\"\nruntime = \"ci-service\"\n");
    assert_eq!(detail(&sandbox.json(&["execute"], 1), "a"), "gate c did not judge it: it is answered by a CI service, not here");
}
