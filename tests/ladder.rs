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
    assert_eq!(detail(&run, "b"), "conflicts with a in base.txt:2");
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

/// Two branches that change one line of `base.txt`, and a `[weave]` table on main.
fn two_sides(weave: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.config(weave);
    sandbox.branch("a", "main", "A", &[("base.txt", "one\ntwo of a\nthree\n")]);
    sandbox.branch("b", "main", "B", &[("base.txt", "one\ntwo of b\nthree\n")]);
    sandbox.lex(&["plan", "create", "a", "b"]).exits(0);
    sandbox
}

#[test]
fn sides_that_differ_only_in_format_are_one() {
    let sandbox = Sandbox::new();
    sandbox.config("[[weave.format]]\nfiles = [\"*.conf\"]\nrun = \"sed 's/ *= */ = /'\"\n");
    sandbox.write("deep/x.conf", "a=1\nb=2\n");
    sandbox.commit("Settings");
    sandbox.branch("tidy", "main", "Tidy up", &[("deep/x.conf", "a = 1\nb = 2\n")]);
    sandbox.branch("work", "main", "Change b", &[("deep/x.conf", "a=1\nb=3\n")]);
    sandbox.lex(&["plan", "create", "tidy", "work"]).exits(0);
    let preview = sandbox.json(&["merge"], 1);
    assert_eq!(
        (status(&preview, "work"), &find(&preview, "work")["notes"][0]),
        ("skipped-conflict", &serde_json::json!("a run also tries: format"))
    );
    let run = sandbox.json(&["merge", "--execute"], 0);
    assert_eq!(find(&run, "work")["settled"][0]["rule"], "format", "{run}");
    assert_eq!(sandbox.git(&["show", "main:deep/x.conf"]), "a = 1\nb = 3");
    sandbox.sound();
}

#[test]
fn a_formatter_that_fails_leaves_a_conflict_and_the_others_land() {
    for (run, word) in [("exit 3", "exit status 3"), ("sleep 60", "timed out")] {
        let sandbox = two_sides(&format!("[[weave.format]]\nfiles = [\"base.txt\"]\ntimeout = \"300ms\"\nrun = \"{run}\"\n"));
        let run = sandbox.json(&["merge", "--execute"], 1);
        assert_eq!((status(&run, "a"), status(&run, "b")), ("merged", "skipped-conflict"));
        assert!(find(&run, "b")["notes"][0].as_str().unwrap().contains(word), "{run}");
        sandbox.sound();
    }
}

/// A lockfile is the sorted names of the files in `deps`.
fn lockfile(weave: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.config(weave);
    sandbox.write("deps/m", "");
    sandbox.write("deps.lock", "m\n");
    sandbox.commit("Dependencies");
    sandbox.branch("a", "main", "A", &[("deps/n", ""), ("deps.lock", "m\nn\n")]);
    sandbox.branch("b", "main", "B", &[("deps/o", ""), ("deps.lock", "m\no\n")]);
    sandbox.lex(&["plan", "create", "a", "b"]).exits(0);
    sandbox
}

#[test]
fn a_lockfile_is_made_again_by_the_tool_that_the_policy_wants() {
    let weave = |version: &str| {
        format!(
            "[[weave.regenerate]]\nfiles = [\"*.lock\"]\nrun = \"ls deps > deps.lock\"\ntool = \"echo lister 1.2\"\nversion = \"{version}\"\n"
        )
    };
    let sandbox = lockfile(&weave("lister 1."));
    let run = sandbox.json(&["merge", "--execute"], 0);
    let step = &find(&run, "b")["settled"][0];
    assert_eq!((step["rule"].as_str(), step["why"].as_str()), (Some("regenerate"), Some("made again by `ls deps > deps.lock`")), "{run}");
    assert_eq!(sandbox.git(&["show", "main:deps.lock"]), "m\nn\no");
    sandbox.sound();
    let sandbox = lockfile(&weave("lister 2"));
    let run = sandbox.json(&["merge", "--execute"], 1);
    assert!(find(&run, "b")["notes"][0].as_str().unwrap().contains("says `lister 1.2`, and the policy wants `lister 2`"), "{run}");
    sandbox.sound();
}

#[test]
fn a_resolver_may_settle_a_conflict_by_a_small_patch() {
    let script = "grep -q '^||||||| base' base.txt && printf 'one\\\\ntwo of both\\\\nthree\\\\n' > base.txt && echo took both";
    let sandbox =
        two_sides(&format!("[weave.resolver]\nrun = \"{script}\"\n[[gate]]\nname = \"both\"\nrun = \"! grep -q 'of b$' base.txt\"\n"));
    let run = sandbox.json(&["merge", "--execute"], 0);
    assert_eq!(find(&run, "b")["weave"], "semantic", "{run}");
    assert_eq!(sandbox.git(&["show", "main:base.txt"]), "one\ntwo of both\nthree");
    let message = sandbox.git(&["log", "-1", "--format=%B", "main"]);
    assert!(message.contains("semantic, a patch of the resolver: took both") && message.contains("Co-authored-by: Tess"), "{message}");
    assert_eq!(find(&run, "b")["gates"][1]["verdict"]["verdict"], "pass", "gates judge it");
    sandbox.sound();
}

#[test]
fn a_resolver_beyond_its_bounds_does_not_count() {
    for (table, word) in [
        ("max-lines = 1\nrun = \"seq 9 > base.txt\"", "changed 9 lines, and it may change 1"),
        ("run = \"echo x > base.txt; echo x > other.txt\"", "changed other.txt, which does not conflict"),
        ("run = \"true\"", "left conflict markers"),
        ("run = \"exit 1\"", "exit status 1"),
        ("run = \"rm base.txt\"", "is no file afterwards"),
        ("timeout = \"300ms\"\nrun = \"sleep 60\"", "timed out"),
        ("max-files = 0\nrun = \"true\"", "1 file in conflict, and it may change 0"),
    ] {
        let sandbox = two_sides(&format!("[weave.resolver]\n{table}\n"));
        let run = sandbox.json(&["merge", "--execute"], 1);
        assert_eq!((status(&run, "a"), status(&run, "b")), ("merged", "skipped-conflict"), "{table}: {run}");
        assert!(find(&run, "b")["notes"].to_string().contains(word), "{table}: {run}");
        sandbox.sound();
    }
}

#[test]
fn a_red_gate_keeps_a_semantic_merge_out() {
    let sandbox = two_sides("[weave.resolver]\nrun = \"echo x > base.txt\"\n[[gate]]\nname = \"no-x\"\nrun = \"! grep -q x base.txt\"\n");
    let run = sandbox.json(&["merge", "--execute"], 1);
    assert_eq!((status(&run, "a"), status(&run, "b")), ("merged", "skipped-gates"), "{run}");
}

/// The resolver goes on from a tree that only memory holds, while a work tree of it is written.
#[test]
fn what_else_an_item_changes_is_kept_while_a_command_settles_its_conflict() {
    for table in [
        "[weave.resolver]\nrun = \"printf 'one\\\\ntwo of both\\\\nthree\\\\n' > base.txt\"\n",
        "[[weave.regenerate]]\nfiles = [\"base.txt\"]\nrun = \"printf 'one\\\\ntwo of both\\\\nthree\\\\n' > base.txt\"\n",
        "[[weave.format]]\nfiles = [\"base.txt\"]\nrun = \"sed 's/two.*/two of both/'\"\n",
    ] {
        let sandbox = two_sides(table);
        sandbox.git(&["checkout", "-q", "b"]);
        sandbox.write("deep/other.txt", "also of b\n");
        sandbox.commit("And something else");
        sandbox.git(&["checkout", "-q", "main"]);
        sandbox.lex(&["plan", "create", "--force", "a", "b"]).exits(0);
        let run = sandbox.json(&["merge", "--execute"], 0);
        assert_eq!(status(&run, "b"), "merged", "{table}: {run}");
        assert_eq!(sandbox.git(&["show", "main:base.txt"]), "one\ntwo of both\nthree");
        assert_eq!(sandbox.git(&["show", "main:deep/other.txt"]), "also of b");
        sandbox.sound();
    }
}
