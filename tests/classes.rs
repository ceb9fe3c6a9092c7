//! Errors are transient, permanent or unknown, and the report, the journal and `--json` say which.

use crate::sandbox::{Sandbox, detail, find, ran};

/// A repository with one item and one gate.
fn with_gate(gate: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.config(&format!("[[gate]]\nname = \"t\"\n{gate}\n[policy.retries]\nt = {{ max-attempts = 3 }}\n"));
    sandbox.branch("a", "main", "a", &[("a.txt", "x\n")]);
    sandbox.lex(&["plan", "create", "--name", "p", "a"]).exits(0);
    sandbox
}

#[test]
fn a_gate_that_could_not_judge_says_whether_it_may_pass_by_itself() {
    let count = "echo x >> $HOME/ran; ";
    for (gate, class, shown, tries) in [
        (format!("run = '{count}kill -KILL $$'"), "transient", " (transient)", 3),
        (format!("run = '{count}sleep 9'\ntimeout = \"200ms\""), "transient", " (transient)", 3),
        (format!("run = '{count}no-such-command'"), "permanent", " (permanent)", 1),
        (format!("run = '{count}kill -SEGV $$'"), "unknown", "", 3),
        ("plugin = \"gates/none.lua\"".to_string(), "permanent", " (permanent)", 0),
        ("plugin = \"gates/slow.lua\"\ntimeout = \"100ms\"".to_string(), "transient", " (transient)", 0),
    ] {
        let sandbox = with_gate(&gate);
        sandbox.write("gates/slow.lua", "return { description = \"x\", check = function() while true do end end }");
        sandbox.commit("A slow gate");
        let run = sandbox.json(&["execute", "p"], 1);
        let verdict = &find(&run, "a")["gates"][1]["verdict"];
        assert_eq!((&verdict["verdict"], &verdict["class"]), (&"error".into(), &class.into()), "{gate}: {verdict}");
        assert!(detail(&run, "a").starts_with(&format!("gate t could not judge it{shown}: ")), "{}", detail(&run, "a"));
        // A red gate is asked about the base as well.
        assert!(tries == 0 || [tries, 2 * tries].contains(&ran(&sandbox)), "{gate}: {}", ran(&sandbox));
        let report = sandbox.lex(&["report", "p"]).exits(1).stdout;
        assert!(report.contains(&format!("error{shown} ")), "{report}");
        assert!(sandbox.lex(&["report", "p", "--format", "md"]).exits(1).stdout.contains(&format!("| error{shown} |")));
        let run = sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/lex-pr/runs"]);
        assert!(sandbox.git(&["show", &format!("{run}:run.json")]).contains(&format!("\"class\": \"{class}\"")));
        sandbox.sound();
    }
    let sandbox = with_gate("run = 'exit 3'");
    let run = sandbox.json(&["execute", "p"], 1);
    assert!(find(&run, "a")["gates"][1]["verdict"]["class"].is_null(), "an exit status is a verdict");
}

#[test]
fn a_machine_that_can_start_no_more_processes_is_a_transient_error() {
    let sandbox = with_gate("run = 'true'");
    // No more file descriptors than git-lex-pr needs to come that far; a pipe for each of a command's streams is more.
    let mut found = None;
    for files in (12..60).rev() {
        let script = format!("ulimit -n {files}; exec {} execute p --json --fresh", env!("CARGO_BIN_EXE_git-lex-pr"));
        let said = sandbox.command("sh", &sandbox.repo).args(["-c", &script]).output().unwrap();
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        if text.contains("could not start") || text.contains("Too many open files") {
            found = Some(text);
            break;
        }
    }
    let text = found.expect("a limit that keeps a process from being started");
    assert!(text.contains("\"class\": \"transient\""), "{text}");
}

#[test]
fn what_ended_a_run_is_in_its_journal_with_its_class() {
    let sandbox = with_gate("run = 'true'");
    let key = sandbox.root.path().join("home/key");
    assert!(
        sandbox.command("ssh-keygen", &sandbox.repo).args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status().unwrap().success()
    );
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    sandbox.write("signers", &format!("tess@example.com {public}"));
    sandbox.config("[[gate]]\nname = \"t\"\nrun = 'rm $HOME/key'\n[policy.signed-verdicts]\nallowed-signers = \"signers\"\n");
    sandbox.git(&["config", "gpg.format", "ssh"]);
    sandbox.git(&["config", "user.signingKey", key.to_str().unwrap()]);
    let error = sandbox.json(&["execute", "p"], 3)["error"].clone();
    assert_eq!((&error["code"], &error["class"]), (&"not-signed".into(), &"unknown".into()), "{error}");
    let run = sandbox.json(&["report", "p"], 1);
    assert_eq!((&run["state"], &run["error"]["code"]), (&"interrupted".into(), &"not-signed".into()), "{run}");
    let schema = jsonschema::validator_for(&sandbox.lex(&["schema", "run"]).exits(0).json()).unwrap();
    assert!(schema.is_valid(&run));
    let said = sandbox.lex(&["execute", "p"]).exits(3).stderr;
    assert!(said.starts_with("error: ") || said.contains("\nerror: "), "what is not known is not said: {said}");
    let input = sandbox.json(&["execute", "nowhere"], 2)["error"].clone();
    assert_eq!(input["class"], "permanent");
}
