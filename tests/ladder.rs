//! The ladder above git's own merge: rules that settle conflicts, each by its name, and each to be switched off.

use crate::sandbox::{Sandbox, detail, find, status};

fn cargo(deps: &str) -> String {
    format!("[package]\nname = \"shop\"\nversion = \"0.1.0\"\n\n[dependencies]\n{deps}")
}

/// Two branches that add a dependency at one place, which git calls a conflict.
fn two_dependencies(sandbox: &Sandbox) {
    sandbox.write("Cargo.toml", &cargo("anyhow = \"1\"\n"));
    sandbox.commit("Manifest");
    sandbox.branch("a", "main", "Use regex", &[("Cargo.toml", &cargo("anyhow = \"1\"\nregex = \"1.10\" # for search\n"))]);
    sandbox.branch(
        "b",
        "main",
        "Use serde",
        &[("Cargo.toml", &cargo("anyhow = \"1\"\nserde = { version = \"1\", features = [\"derive\"] }\n"))],
    );
    assert_eq!(sandbox.merge_tree("a", "b"), None, "git itself must conflict");
    sandbox.lex(&["plan", "create", "a", "b"]).exits(0);
}

#[test]
fn a_rule_settles_what_git_leaves_and_says_so_everywhere() {
    let sandbox = Sandbox::new();
    two_dependencies(&sandbox);
    let run = sandbox.json(&["merge", "--execute"], 0);
    assert_eq!((status(&run, "b"), find(&run, "b")["weave"].as_str()), ("merged", Some("mechanical")), "{run}");
    let step = &find(&run, "b")["settled"][0];
    assert_eq!((step["path"].as_str(), step["rule"].as_str()), (Some("Cargo.toml"), Some("toml-keys")));
    assert!(detail(&run, "b").contains("mechanical") && detail(&run, "b").contains("Cargo.toml by toml-keys"), "{}", detail(&run, "b"));
    let manifest = sandbox.git(&["show", "main:Cargo.toml"]);
    assert!(manifest.contains("regex = \"1.10\" # for search\n") && manifest.contains("serde = {"), "{manifest}");
    let message = sandbox.git(&["log", "-1", "--format=%B", "main"]);
    assert!(
        message.starts_with("Weave: reconcile a + b \u{2014} toml-keys\n") && message.contains("- Cargo.toml: mechanical (toml-keys), "),
        "{message}"
    );
    assert_eq!(sandbox.git(&["log", "-1", "--format=%(trailers:key=Lex-Pr-Weave,valueonly)", "main"]), "mechanical");
    let report = sandbox.lex(&["report", "--format", "md"]).exits(0).stdout;
    assert!(report.contains("merged (mechanical)"), "{report}");
    sandbox.sound();
}

#[test]
fn what_is_switched_off_is_gits_conflict_again() {
    for off in ["toml-keys", "mechanical"] {
        let sandbox = Sandbox::new();
        sandbox.config(&format!("[weave]\noff = [\"{off}\"]\n"));
        two_dependencies(&sandbox);
        let run = sandbox.json(&["merge"], 1);
        assert_eq!((status(&run, "b"), &find(&run, "b")["weave"]), ("skipped-conflict", &serde_json::Value::Null), "{off}");
    }
    let sandbox = Sandbox::new();
    sandbox.config("[weave]\noff = [\"toml-kyes\"]\n");
    two_dependencies(&sandbox);
    let error = sandbox.json(&["merge"], 2)["error"].clone();
    assert!(error["hint"].as_str().unwrap().contains("toml-keys") && error["at"]["path"] == "weave.off", "{error}");
}

#[test]
fn one_path_that_no_rung_settles_keeps_the_item_out_and_policy_files_are_never_touched() {
    let sandbox = Sandbox::new();
    two_dependencies(&sandbox);
    sandbox.git(&["checkout", "-q", "b"]);
    sandbox.write("base.txt", "one\nTWO of b\nthree\n");
    sandbox.commit("And prose");
    sandbox.git(&["checkout", "-q", "a"]);
    sandbox.write("base.txt", "one\nTWO of a\nthree\n");
    sandbox.commit("And other prose");
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.branch("c", "main", "c", &[("deny.toml", "[licenses]\nallow = [\"MIT\"]\n")]);
    sandbox.branch("d", "main", "d", &[("deny.toml", "[licenses]\nallow = [\"MIT\", \"ISC\"]\n")]);
    sandbox.lex(&["plan", "create", "--force", "a", "b", "c", "d"]).exits(0);
    let run = sandbox.json(&["merge", "--execute"], 1);
    assert_eq!((status(&run, "b"), status(&run, "d")), ("skipped-conflict", "skipped-conflict"), "{run}");
    assert_eq!(find(&run, "b")["conflicts"].as_array().unwrap().len(), 1, "only what is left is named: {run}");
    assert_eq!(detail(&run, "b"), "conflicts with a in base.txt");
    sandbox.sound();
}

#[test]
fn squash_and_rebase_climb_too() {
    for strategy in ["squash", "rebase"] {
        let sandbox = Sandbox::new();
        two_dependencies(&sandbox);
        sandbox.lex(&["plan", "create", "--force", "a", "b", "--strategy", strategy]).exits(0);
        let run = sandbox.json(&["merge", "--execute"], 0);
        assert_eq!(find(&run, "b")["weave"], "mechanical", "{strategy}: {run}");
        assert!(sandbox.git(&["show", "main:Cargo.toml"]).contains("serde = {"));
        let message = sandbox.git(&["log", "-1", "--format=%B", "main"]);
        assert!(message.contains("Lex-Pr-Weave: mechanical"), "{strategy}: {message}");
        sandbox.sound();
    }
}

#[test]
fn gates_judge_what_a_rule_made() {
    let sandbox = Sandbox::new();
    sandbox.config("[[gate]]\nname = \"no-serde\"\nrun = \"! grep -q serde Cargo.toml\"\n");
    two_dependencies(&sandbox);
    let run = sandbox.json(&["merge", "--execute"], 1);
    assert_eq!((status(&run, "a"), status(&run, "b")), ("merged", "skipped-gates"), "{run}");
}
