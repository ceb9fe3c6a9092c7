//! The original's plan files: the good ones are read, the bad ones refused by place and remedy.

use crate::sandbox::Sandbox;
use std::path::Path;

fn file(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compat/plans").join(name).display().to_string()
}

/// Each good file with the levels that the original gives it.
const GOOD: [(&str, &[&[&str]]); 12] = [
    ("example-plan.json", &[&["PR-101"], &["PR-202"]]),
    (
        "minimal-plan.json",
        &[
            &[
                "PR-108-autopilot-level3",
                "PR-110-dependency-parser",
                "PR-111-file-analysis",
                "PR-112-developer-onboarding",
                "PR-113-production-monitoring",
            ],
            &["PR-109-safety-framework"],
        ],
    ),
    ("plan.tiny.json", &[&["feat-a"], &["feat-b"], &["feat-c"]]),
    (
        "plan.integration-pyramid.json",
        &[&["foundation-api", "foundation-db"], &["feature-auth", "feature-users"], &["feature-permissions"]],
    ),
    ("plan-with-gates.json", &[&["feat/a"], &["feat/b"]]),
    (
        "all-open-prs-plan.json",
        &[&[
            "copilot/fix-034256c8-9638-4a93-94a3-a2a74484ec80",
            "copilot/fix-0f99d274-4ffc-4db2-905a-2f1da7bd45d8",
            "copilot/fix-33fe199e-2084-4ca2-95f4-680d685928fc",
            "copilot/fix-5681e7a5-996f-48e0-80dc-d1121906ae76",
            "copilot/fix-607ad040-6e21-4935-b6c7-b43d3940946a",
            "copilot/fix-6f50f623-6f00-4e0d-8485-22a81a5628d6",
            "copilot/fix-8ad69569-d957-48ee-89d1-f20f8a170774",
            "copilot/fix-9febc139-27ed-4e16-b432-e4035b340417",
            "copilot/fix-b3530d6f-af96-4c2a-b05f-eb74cc519d01",
            "copilot/fix-e5c8d1fa-1689-4596-b747-e58071cfe83e",
            "copilot/fix-ed980654-6cea-461d-8c2a-69843bb7dcae",
        ]],
    ),
    ("sample-plan.json", &[&["auth-foundation"], &["api-endpoints", "user-management"]]),
    ("plan.gates.json", &[&["feat-a"], &["feat-b"]]),
    ("plan-simple.json", &[&["feat/a", "feat/c"], &["feat/b"]]),
    ("plan.wide-parallel.json", &[&["pr-1", "pr-10", "pr-11", "pr-12", "pr-2", "pr-3", "pr-4", "pr-5", "pr-6", "pr-7", "pr-8", "pr-9"]]),
    ("plan.parallel.json", &[&["feat-a", "feat-b", "feat-f"], &["feat-c", "feat-d"], &["feat-e"]]),
    (
        "plan.deep-chain.json",
        &[&["pr-1"], &["pr-2"], &["pr-3"], &["pr-4"], &["pr-5"], &["pr-6"], &["pr-7"], &["pr-8"], &["pr-9"], &["pr-10"]],
    ),
];

/// Each bad file with its code, where it is wrong, and a word of the remedy.
const BAD: [(&str, &str, &str, &str); 7] = [
    ("bad-plan.json", "unknown-key", "invalid", "known keys: target, items"),
    ("plan-cycle.json", "cycle", "items[0].deps", "take one of these dependencies away"),
    ("plan-invalid-schema.json", "bad-value", "items", "schema plan"),
    ("plan.cycle.json", "cycle", "items[0].deps", "take one of these dependencies away"),
    ("plan.bad-schema.json", "bad-value", "items", "schema plan"),
    ("plan.bad-unknown-dep.json", "unknown-dependency", "items[0].deps[0]", "add `feat-missing`"),
    ("plan-unknown-dep.json", "unknown-dependency", "items[0].needs[0]", "need one of: 1"),
];

#[test]
fn every_file_of_the_original_is_covered() {
    let mut here: Vec<String> = std::fs::read_dir(file("")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    here.sort();
    let mut covered: Vec<&str> = GOOD.iter().map(|g| g.0).chain(BAD.iter().map(|b| b.0)).collect();
    covered.sort_unstable();
    assert_eq!(here, covered);
}

#[test]
fn good_plans_are_read_ordered_and_written_the_same_again() {
    let sandbox = Sandbox::new();
    for (name, levels) in GOOD {
        sandbox.lex(&["plan", "import", &file(name), "--name", "p", "--force"]).exits(0);
        let order = sandbox.json(&["order", "p"], 0);
        assert_eq!(order["levels"], serde_json::json!(levels), "{name}");
        assert_eq!(sandbox.json(&["order", &file(name)], 0), order, "{name}: the file itself");
        for schema in ["2", "1"] {
            let export = sandbox.lex(&["plan", "export", "p", "--schema", schema]).exits(0).stdout;
            sandbox.lex_fed(&["plan", "import", "-", "--name", "again", "--force"], &export).exits(0);
            assert_eq!(sandbox.lex(&["plan", "export", "again", "--schema", schema]).exits(0).stdout, export, "{name}, schema {schema}");
        }
        assert_eq!(sandbox.git(&["show", "refs/lex-pr/plans/p:plan.json"]) + "\n", sandbox.lex(&["plan", "export", "p"]).exits(0).stdout);
    }
    sandbox.sound();
}

#[test]
fn an_export_for_the_original_keeps_all_that_it_knows() {
    let sandbox = Sandbox::new();
    sandbox.lex(&["plan", "import", &file("sample-plan.json")]).exits(0);
    let ours: serde_json::Value = sandbox.lex(&["plan", "export", "--schema", "1"]).exits(0).json();
    let mut theirs: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file("sample-plan.json")).unwrap()).unwrap();
    assert_eq!(ours["policy"]["retries"]["e2e"]["backoffSeconds"], 30.0);
    assert_eq!(ours["policy"]["requiredGates"], theirs["policy"]["requiredGates"]);
    let mut names: Vec<_> = theirs["items"].as_array_mut().unwrap().drain(..).map(|i| i["name"].clone()).collect();
    names.sort_by_key(ToString::to_string);
    let ours_names: Vec<_> = ours["items"].as_array().unwrap().iter().map(|i| i["name"].clone()).collect();
    assert_eq!(ours_names, names);
    let e2e = &ours["items"][2]["gates"][3];
    assert_eq!((e2e["name"].as_str(), e2e["runtime"].as_str()), (Some("e2e"), Some("ci-service")));
    assert_eq!(e2e["artifacts"], serde_json::json!(["e2e-results.json", "screenshots/"]));
}

#[test]
fn bad_plans_are_refused_with_place_and_remedy() {
    let sandbox = Sandbox::new();
    let before = sandbox.fingerprint();
    for (name, code, path, remedy) in BAD {
        let error = sandbox.json(&["plan", "import", &file(name)], 2)["error"].clone();
        assert_eq!(error["code"], code, "{name}: {error}");
        assert_eq!(error["at"]["path"], path, "{name}: {error}");
        assert_eq!(error["at"]["source"], file(name), "{name}: {error}");
        assert!(error["hint"].as_str().unwrap().contains(remedy), "{name}: {error}");
        let text = sandbox.lex(&["plan", "import", &file(name)]).exits(2);
        assert_eq!(text.stdout, "");
        assert_eq!(text.stderr.lines().count(), 2, "{}", text.stderr);
        sandbox.lex(&["plan", "validate", &file(name)]).exits(2);
    }
    let cycle = sandbox.lex(&["order", &file("plan.cycle.json")]).exits(2);
    assert!(cycle.stderr.contains("feat-a -> feat-b -> feat-a"), "{}", cycle.stderr);
    assert_eq!(sandbox.fingerprint(), before, "nothing is written");
}

#[test]
fn a_plan_with_a_gate_that_does_not_ship_is_not_kept() {
    let sandbox = Sandbox::new();
    sandbox.branch("a", "main", "a", &[("a.txt", "a\n")]);
    let before = sandbox.fingerprint();
    let plan = r#"{"schemaVersion":"2.0.0","target":"main","items":[{"name":"a","branch":"a","gates":[{"name":"g","plugin":"builtin:diff-sise"}]}]}"#;
    let path = sandbox.root.path().join("plan.json");
    std::fs::write(&path, plan).unwrap();
    let path = path.to_str().unwrap();
    for args in [&["plan", "import", path, "--name", "p"][..], &["plan", "create", "--from", path, "--name", "p"]] {
        let error = sandbox.json(args, 2)["error"].clone();
        assert_eq!(error["code"], "unknown-plugin", "{args:?}: {error}");
        assert!(error["hint"].as_str().unwrap().contains("diff-size"), "{error}");
    }
    assert_eq!(sandbox.fingerprint(), before, "nothing is written");
    std::fs::write(path, plan.replace("diff-sise", "diff-size")).unwrap();
    sandbox.lex(&["plan", "import", path, "--name", "p"]).exits(0);
}
