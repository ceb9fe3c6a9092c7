//! The author's kit: a gate begun, tried on cases, shown, and asked about a branch.

use crate::{
    docs::blocks,
    sandbox::{Sandbox, detail, status},
};
use std::path::Path;

/// A gate that fails where the candidate has a file `bad`, in `gates/bad`, with one case.
fn with_case(case: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "gates/bad/gate.lua",
        r#"return {
    description = "No bad file",
    config = { name = { type = "string", default = "bad" } },
    needs = { "other" },
    capabilities = { "env:WORD" },
    check = function()
        local name = candidate.config().name
        print("looks for", name)
        local other = candidate.verdict_of("other")
        if other and other.answer == "fail" then
            error("other failed: " .. other.summary)
        end
        local found = candidate.exists(name)
        return {
            answer = if found then "fail" else "pass",
            summary = `{name} is {if found then "there" else "not there"}`,
            annotations = if found then { { path = name, line = 1, message = "it is bad" }, { path = name, message = "it is" } } else nil,
            facts = { commits = #candidate.commits(), mode = candidate.mode(name), size = candidate.size(name), word = granted.env("WORD") },
        }
    end,
}
"#,
    );
    sandbox.write("gates/bad/cases/case.toml", &format!("allow = [\"env:WORD\"]\n{case}"));
    sandbox
}

#[test]
fn from_nothing_to_a_gate_that_is_asked() {
    let sandbox = Sandbox::new();
    sandbox.branch("feat/long", "main", "Long", &[("long.txt", &"a line\n".repeat(4)), ("short.txt", "a line\n")]);
    sandbox.branch("feat/short", "main", "Short", &[("short.txt", "a line\n")]);
    let made = sandbox.json(&["gate", "new", "size", "--lua"], 0);
    assert_eq!(made["plugin"], "tools/gates/size/gate.lua");
    let tested = sandbox.json(&["gate", "test", "tools/gates"], 0);
    assert_eq!((&tested["passed"], &tested["failed"]), (&2.into(), &0.into()), "{tested}");
    let again = sandbox.lex(&["gate", "new", "size", "--lua"]).exits(2);
    assert!(again.stderr.contains("tools/gates/size already"), "{}", again.stderr);

    // What is not on the target judges nobody.
    let unknown = sandbox.lex(&["gate", "run", "size", "--item", "feat/long"]).exits(2);
    assert!(unknown.stderr.contains("no gate `size`"), "{}", unknown.stderr);
    sandbox.config(&format!("{}config = {{ max-lines = 3 }}\n", made["config"].as_str().unwrap()));

    let refs = sandbox.git(&["for-each-ref", "refs/lex-pr/plans"]);
    let run = sandbox.json(&["gate", "run", "size", "--item", "feat/long"], 1);
    assert_eq!((status(&run, "feat/long"), run["items"].as_array().unwrap().len()), ("skipped-gates", 1), "{run}");
    assert!(detail(&run, "feat/long").contains("5 new lines"), "{run}");
    let run = sandbox.json(&["gate", "run", "size", "--item", "feat/short"], 0);
    assert_eq!(status(&run, "feat/short"), "merged");
    assert_eq!(sandbox.git(&["for-each-ref", "refs/lex-pr/plans"]), refs, "no plan is kept");
    sandbox.sound();
}

#[test]
fn a_branch_is_tried_with_its_plan_or_by_itself() {
    let sandbox = Sandbox::new();
    sandbox.config("[[gate]]\nname = \"yes\"\nrun = \"true\"\n");
    for name in ["a", "b"] {
        sandbox.branch(name, "main", name, &[(name, "x\n")]);
    }
    sandbox.branch("c", "b", "c\n\nDepends-on: b", &[("c", "x\n")]);
    sandbox.lex(&["plan", "create", "--name", "one", "a"]).exits(0);
    let run = sandbox.json(&["gate", "run", "--item", "a"], 0);
    assert_eq!(run["plan"], "one");
    let run = sandbox.json(&["gate", "run", "--item", "b"], 0);
    assert!(run["revision"].is_null(), "{run}");
    let run = sandbox.json(&["gate", "run", "--item", "b", "--item", "c"], 0);
    assert_eq!((status(&run, "b"), status(&run, "c")), ("merged", "merged"));
    for (items, says) in [
        (&["c"][..], "name what it depends on by --item"),
        (&["main"], "cannot land on itself"),
        (&["aa"], "no item `aa`"),
        (&["nothing-like-it"], "no item `nothing-like-it`"),
    ] {
        let args: Vec<&str> = ["gate", "run"].into_iter().chain(items.iter().flat_map(|item| ["--item", *item])).collect();
        let said = sandbox.lex(&args).exits(2);
        assert!(said.stderr.contains(says), "{says}: {}", said.stderr);
    }
    sandbox.lex(&["plan", "create", "--name", "two", "a"]).exits(0);
    assert!(sandbox.lex(&["gate", "run", "--item", "a"]).exits(2).stderr.contains("name one of: one, two"));
    sandbox.git(&["checkout", "-q", "-b", "old", "main~1"]);
    sandbox.git(&["checkout", "-q", "main"]);
    assert!(sandbox.lex(&["gate", "run", "--item", "old"]).exits(2).stderr.contains("holds `old` already"));
    sandbox.sound();
}

#[test]
fn a_failing_case_says_what_was_expected_and_what_was_said() {
    let sandbox = with_case(
        r#"
about = "a file that is bad"
[before]
"keep" = "x"
[after]
"bad" = { text = "exit 1234\n", repeat = 2, mode = "executable" }
[[commit]]
message = "One"
[[commit]]
message = "Two"
merge = true
[expect]
verdict = "pass"
summary = "not there"
annotations = [{ path = "worse" }, { path = "bad", message = "it is" }]
facts = { commits = 2, mode = "file", other = true }
"#,
    );
    let said = sandbox.lex(&["gate", "test", "gates"]).exits(1);
    for line in [
        "FAILED case  a file that is bad",
        "- verdict: pass",
        "+ verdict: fail",
        "- summary: ... not there ...",
        "+ summary: bad is there",
        "- at worse",
        "+ at bad:1 (error): it is bad",
        "  at bad (error): it is",
        "  facts.commits: 2",
        "- facts.mode: \"file\"",
        "+ facts.mode: \"executable\"",
        "- facts.other: true",
        "+ facts.size: 20",
        "  log info: looks for bad",
        "1 of 1 case failed",
    ] {
        assert!(said.stdout.lines().any(|l| l.strip_prefix("      ").unwrap_or(l.trim_start()) == line), "{line:?} in {}", said.stdout);
    }
    let tested = sandbox.json(&["gate", "test", "gates/bad"], 1);
    let case = &tested["gates"][0]["cases"][0];
    assert_eq!((&case["verdict"], &case["passed"]), (&"fail".into(), &false.into()));
    assert_eq!(case["differences"][0], serde_json::json!({ "expected": "verdict: pass" }));
    sandbox.sound();
}

#[test]
fn a_case_may_say_all_that_a_candidate_has() {
    for (case, expect) in [
        ("[after]\n\"a\" = { hex = \"00 FF\" }\n[expect]\nverdict = \"pass\"", 0),
        (
            "config = { name = \"deep/er\" }\n[before]\n\"deep\" = \"x\"\n[after]\n\"deep\" = false\n\"deep/er\" = { mode = \"symlink\", text = \"..\" }\n[expect]\nverdict = \"fail\"\nfacts = { commits = 1, mode = \"symlink\", size = 2 }",
            0,
        ),
        ("[before]\n\"bad\" = \"x\"\n[after]\n\"bad\" = false\n[expect]\nverdict = \"pass\"\nfacts = { commits = 1 }", 0),
        ("[before]\n\"bad\" = \"x\"\n[[commit]]\nauthor = \"Ä <a@b.c>\"\n[expect]\nverdict = \"fail\"", 0),
        (
            "config = { name = \"sub\" }\n[after]\n\"sub\" = { mode = \"submodule\", text = \"0123456789012345678901234567890123456789\" }\n[expect]\nverdict = \"fail\"\nfacts = { commits = 1, mode = \"submodule\" }",
            0,
        ),
        (
            "[earlier.other]\nanswer = \"fail\"\nsummary = \"no\"\n[expect]\nverdict = \"error\"\nsummary = \"gate.lua:11: other failed: no\"",
            0,
        ),
        ("config = { nmae = 3 }\n[expect]\nverdict = \"error\"\nsummary = \"it takes: name\"", 0),
        ("[expect]\nverdict = \"error\"", 1),
    ] {
        let sandbox = with_case(case);
        let said = sandbox.lex(&["gate", "test", "gates/bad/gate.lua"]);
        assert_eq!(said.status, expect, "{case}\n{}{}", said.stdout, said.stderr);
        sandbox.sound();
    }
}

#[test]
fn a_case_may_be_two_trees_and_a_gate_any_file() {
    let sandbox = with_case("[expect]\nverdict = \"pass\"");
    for (path, text) in [
        (
            "cases/tree/case.toml",
            "allow = [\"env:WORD\"]\nafter.\"more\" = \"x\"\nexpect = { verdict = \"fail\", facts = { commits = 1, mode = \"file\", size = 4 } }",
        ),
        ("cases/tree/before/bad", "x"),
        ("cases/tree/before/gone", "x"),
        ("cases/tree/after/bad", "long"),
    ] {
        sandbox.write(&format!("gates/bad/{path}"), text);
    }
    let outside = sandbox.root.path().join("home");
    let gate = sandbox.repo.join("gates/bad");
    let said = sandbox.lex_in(&outside, &["gate", "test", gate.to_str().unwrap()]).exits(0);
    assert!(said.stdout.ends_with("2 cases passed\n"), "{}", said.stdout);
    for folder in ["", ".", "./", "gate.lua"] {
        let here = if folder.is_empty() { "../bad" } else { folder };
        sandbox.lex_in(&gate, &["gate", "test", here]).exits(0);
    }
    std::fs::rename(gate.join("gate.lua"), sandbox.repo.join("gates/worse.lua")).unwrap();
    std::fs::rename(gate.join("cases"), sandbox.repo.join("gates/worse.cases")).unwrap();
    sandbox.write("gates/words.lua", "return {}");
    let tested = sandbox.json(&["gate", "test", "gates"], 0);
    assert_eq!((&tested["gates"][0]["name"], &tested["passed"]), (&"worse".into(), &2.into()), "{tested}");
    sandbox.sound();
}

#[test]
fn a_bad_case_is_named_with_its_line_and_what_mends_it() {
    for (case, place, says) in [
        ("[expekt]\nverdict = \"pass\"", ":2:2", "did you mean `expect`?"),
        ("about = \"nothing\"", "", "missing key `expect`"),
        ("[expect]\nsummary = \"x\"", ":2:1", "missing key `verdict`"),
        ("[expect]\nverdict = \"pas\"", ":3:11", "did you mean `pass`?"),
        ("[expect]\nverdict = \"pass\"\nfact = {}", ":4:1", "did you mean `facts`?"),
        ("[after]\n\"a\" = { tex = \"x\" }\n[expect]\nverdict = \"pass\"", ":3:9", "unknown key `tex`"),
        ("[after]\n\"a\" = 3\n[expect]\nverdict = \"pass\"", ":3:7", "a table with `text` or `hex`"),
        ("[after]\n\"../a\" = \"x\"\n[expect]\nverdict = \"pass\"", ":3:1", "no path of a file"),
        ("[after]\n\"a\" = { hex = \"0\" }\n[expect]\nverdict = \"pass\"", ":3:7", "two digits"),
        ("[before]\n\"a\" = false\n[expect]\nverdict = \"pass\"", ":3:1", "put it into [after]"),
        ("target = \"a b\"\n[expect]\nverdict = \"pass\"", ":2:1", "no valid branch name"),
        ("[[commit]]\nauthor = \"me\"\n[expect]\nverdict = \"pass\"", ":3:10", "Name <mail>"),
        ("[earlier.stranger]\nanswer = \"pass\"\n[expect]\nverdict = \"pass\"", ":2:10", "needs = { \"stranger\" }"),
        ("expect = {", ":2:11", "not valid TOML"),
    ] {
        let sandbox = with_case(case);
        let said = sandbox.lex(&["gate", "test", "gates/bad"]).exits(2);
        assert!(
            said.stderr.contains(&format!("gates/bad/cases/case.toml{place}")) && said.stderr.contains(says),
            "{case}\n{}",
            said.stderr
        );
        sandbox.sound();
    }
}

#[test]
fn what_cannot_be_tried_is_told() {
    let sandbox = with_case("[expect]\nverdict = \"pass\"");
    sandbox.write("gates/none/gate.lua", "return {}");
    sandbox.write("empty/README", "x");
    sandbox.write("allow/gate.lua", "return {}");
    sandbox.write("allow/cases/a.toml", "allow = [\"network\"]\nexpect = { verdict = \"pass\" }");
    sandbox.write("folder/gate.lua", "return {}");
    sandbox.write("folder/cases/a/after/x", "x");
    for (path, says) in [
        ("gates/none", "gates/none/cases/NAME.toml"),
        ("gates", "gates/none/gate.lua has no cases"),
        ("empty", "no gate with cases in empty"),
        ("nowhere", "there is no nowhere"),
        ("empty/README", ".lua, .luau, .wasm"),
        ("builtin:diffsize", "did you mean `builtin:diff-size`?"),
        ("builtin:diff-size", "gates/diff-size/cases"),
        ("allow", "env:PREFIX*"),
        ("folder", "is called case.toml"),
    ] {
        let said = sandbox.lex(&["gate", "test", path]).exits(2);
        assert!(said.stderr.contains(says), "{path}: {}", said.stderr);
    }
    sandbox.lex(&["gate", "test"]).exits(2);
    for args in [
        &["gate", "new", "x"][..],
        &["gate", "new", "x", "--lua", "--wasm-c"],
        &["gate", "new", "a/b", "--lua"],
        &["gate", "new", "..", "--lua"],
    ] {
        sandbox.lex(args).exits(2);
    }
    assert!(!sandbox.repo.join("tools").exists());
}

#[test]
fn a_gate_that_ships_is_tried_as_its_user_configures_it() {
    let sandbox = Sandbox::new();
    sandbox.write("mine/one.toml", "config = { max-lines = 1 }\nafter.a = \"1\\n2\\n\"\nexpect = { verdict = \"fail\" }");
    sandbox.lex(&["gate", "test", "builtin:diff-size", "--cases", "mine"]).exits(0);
}

#[test]
fn a_gate_is_shown_with_what_it_takes_and_said() {
    let sandbox = with_case("");
    sandbox.config("[[gate]]\nname = \"bad\"\nplugin = \"gates/bad/gate.lua\"\nconfig = { nmae = \"x\" }\n[[gate]]\nname = \"other\"\nrun = \"true\"\ntimeout = \"2m\"\n");
    sandbox.branch("a", "main", "a", &[("a", "x\n")]);
    let shown = sandbox.json(&["gate", "show", "bad"], 0);
    assert_eq!(shown["description"], "No bad file");
    assert_eq!(shown["config"][0]["value"], "bad", "{shown}");
    assert_eq!(shown["capabilities"][0], serde_json::json!({ "name": "env:WORD", "granted": false }));
    assert_eq!(shown["errors"].as_array().unwrap().len(), 2, "the grant and the config: {shown}");
    assert_eq!(shown["limits"], serde_json::json!({ "timeMs": 10_000, "memoryMb": 64 }));
    sandbox.config("[[gate]]\nname = \"bad\"\nplugin = \"gates/bad/gate.lua\"\nallow = [\"env:W*\"]\nconfig = { name = \"a\" }\n[[gate]]\nname = \"other\"\nrun = \"true\"\ntimeout = \"2m\"\n");
    sandbox.lex(&["gate", "run", "--item", "a"]).exits(1);
    let shown = sandbox.json(&["gate", "show", "bad"], 0);
    assert_eq!((&shown["config"][0]["set"], &shown["capabilities"][0]["granted"]), (&true.into(), &true.into()));
    assert_eq!(shown["verdicts"][0]["verdict"], "fail", "{shown}");
    assert!(shown["errors"].is_null() && shown["newestRun"].is_string(), "{shown}");
    let shown = sandbox.json(&["gate", "show", "other"], 0);
    assert_eq!((&shown["run"], &shown["limits"]["timeMs"]), (&"true".into(), &120_000.into()));
    assert_eq!(sandbox.json(&["gate", "show", "builtin:secrets"], 0)["from"], "built-in");
    assert_eq!(sandbox.json(&["gate", "show", "conflict-markers"], 0)["required"], true);
    assert!(sandbox.lex(&["gate", "show", "bda"]).exits(2).stderr.contains("did you mean `bad`?"));
    let text = sandbox.lex(&["gate", "show", "bad"]).exits(0).stdout;
    for part in ["bad: No bad file", "env:WORD", "gates/bad/gate.lua", "CONFIG", "VERDICT", "a is there"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn every_document_of_the_kit_is_as_its_schema_says() {
    let sandbox = with_case("[expect]\nverdict = \"pass\"");
    sandbox.config("[[gate]]\nname = \"bad\"\nplugin = \"gates/bad/gate.lua\"\n");
    for (schema, args) in [
        ("gate-new", &["gate", "new", "x", "--wasm-rust"][..]),
        ("gate-test", &["gate", "test", "gates"]),
        ("gate-show", &["gate", "show", "bad"]),
    ] {
        let schema = sandbox.lex(&["schema", schema]).exits(0).json();
        let said = sandbox.json(args, 0);
        let errors: Vec<String> = jsonschema::validator_for(&schema).unwrap().iter_errors(&said).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}: {said}");
    }
    let schema = jsonschema::validator_for(&sandbox.lex(&["schema", "case"]).exits(0).json()).unwrap();
    let case: toml::Value =
        toml::from_str("after = { a = \"x\", b = false, c = { hex = \"00\", mode = \"executable\" } }\nexpect = { verdict = \"pass\" }")
            .unwrap();
    assert!(schema.is_valid(&serde_json::to_value(&case).unwrap()));
    assert!(!schema.is_valid(&serde_json::json!({ "expect": { "verdict": "pass" }, "after": { "a": true } })));
}

/// The gates that ship and the templates say what their cases say, and so do the gates of the cookbook.
#[test]
fn every_case_of_this_repository_is_good() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sandbox = Sandbox::new();
    let page = std::fs::read_to_string(root.join("docs/gates/cookbook.md")).unwrap();
    let mut recipes = 0;
    for section in page.split("\n## ").skip(1) {
        let name = section.lines().next().unwrap().to_lowercase().replace(' ', "-");
        let (mut gates, mut cases) = (0, 0);
        for (language, lines) in blocks(section) {
            let text = lines.join("\n");
            match language.as_str() {
                "lua" => {
                    gates += 1;
                    sandbox.write(&format!("cookbook/{name}/gate.lua"), &text);
                }
                "toml" => {
                    cases += 1;
                    sandbox.write(&format!("cookbook/{name}/cases/{cases}.toml"), &text);
                }
                other => panic!("{name}: {other}"),
            }
        }
        assert!(gates == 1 && cases > 0, "{name}");
        recipes += 1;
    }
    let said = sandbox.lex(&["gate", "test", "cookbook"]).exits(0);
    assert!(said.stdout.ends_with(&format!("{recipes} cases passed\n")), "{}", said.stdout);
    sandbox.lex_in(root, &["gate", "test", "gates", "plugins/templates", "plugins/examples"]).exits(0);
    sandbox.sound();
}
