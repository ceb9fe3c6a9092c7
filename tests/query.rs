//! What a plan is asked: `query`.

use crate::{sandbox::Sandbox, terminal::Terminal};
use serde_json::json;

/// Two stacks of two, one of them landed up to its conflict, and a branch by somebody else.
fn plan() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.branch("cart/add", "main", "add", &[("src/cart.rs", "add\n")]);
    sandbox.branch("cart/remove", "cart/add", "remove", &[("src/cart.rs", "add\nremove\n")]);
    sandbox.branch("docs", "main", "docs, with \"quotes\"", &[("docs/a, b.md", "a\n")]);
    sandbox.lex(&["plan", "create", "--name", "shop"]).exits(0);
    sandbox
}

#[test]
fn items_answer_queries_as_table_json_and_csv() {
    let sandbox = plan();
    let said = sandbox.lex(&["query", "shop", "level eq 0"]).exits(0).stdout;
    let lines: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["LEVEL", "NAME", "STATUS", "DEPS", "GATES"]);
    assert_eq!(lines[1..], [["0", "cart/add", "pending"], ["0", "docs", "pending"]]);
    // The only plan need not be named; the operators of lex-pr-runner, whatever their case.
    assert_eq!(sandbox.lex(&["query", "level eq 0"]).exits(0).stdout, said);
    let asked = sandbox.json(&["query", "deps.length gt 0 AND paths contains src/**", "--fields", "name,deps,paths"], 0);
    let item = json!({"name": "cart/remove", "deps": ["cart/add"], "paths": ["src/cart.rs"]});
    assert_eq!(asked, json!({"plan": "shop", "items": [item]}));
    let csv = sandbox.lex(&["query", "--fields", "name,paths,deps", "--format", "csv"]).exits(0).stdout;
    assert_eq!(csv, "name,paths,deps\ncart/add,src/cart.rs,\ndocs,\"docs/a, b.md\",\ncart/remove,src/cart.rs,cart/add\n");
    let json = sandbox.lex(&["query", "--format", "json"]).exits(0).stdout;
    assert_eq!(json, sandbox.lex(&["query", "--json"]).exits(0).stdout);
    // What has no answer is an honest no.
    let none = sandbox.lex(&["query", "name eq nobody"]).exits(1);
    assert_eq!((none.stdout.as_str(), none.stderr.as_str()), ("no items\n", ""), "it is said once");
}

#[test]
fn csv_is_exact_in_a_pipe_and_harmless_on_a_terminal() {
    let sandbox = Sandbox::new();
    sandbox.branch("e", "main", "e", &[("a\u{1b}[31mb", "e\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    let args = ["query", "--fields", "paths", "--format", "csv", "--no-pager"];
    for more in [&[][..], &["--color=always"]] {
        let args = [&args[..], more].concat();
        assert_eq!(sandbox.lex(&args).exits(0).stdout, "paths\na\u{1b}[31mb\n");
        assert_eq!(Terminal::new(&sandbox, 80, &args).end().0, "paths\r\na\\u{1b}[31mb\r\n");
    }
    let said = sandbox.lex_command(&sandbox.repo, &args).env("GIT_PAGER_IN_USE", "true").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&said.stdout), "paths\na\\u{1b}[31mb\n", "that pipe ends on a terminal");
}

#[test]
fn roots_leaves_levels_and_counts_are_asked_for_by_name() {
    let sandbox = plan();
    let names = |args: &[&str]| {
        let asked = sandbox.json(&[&["query", "shop", "--fields", "name"], args].concat(), 0);
        asked["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(&["--roots"]), ["cart/add", "docs"]);
    assert_eq!(names(&["--leaves"]), ["docs", "cart/remove"]);
    assert_eq!(names(&["--roots", "--leaves"]), ["docs"]);
    assert_eq!(names(&["--level", "1"]), ["cart/remove"]);
    sandbox.json(&["merge", "shop", "--execute", "--items", "cart/remove"], 0);
    let asked = sandbox.json(&["query", "shop", "--stats", "--fields", "name"], 0);
    let stats =
        json!({"items": 3, "levels": {"0": 2, "1": 1}, "roots": 2, "leaves": 2, "dependencies": 1, "status": {"merged": 2, "pending": 1}});
    assert_eq!(asked["stats"], stats);
    assert_eq!(names(&["status eq merged"]), ["cart/add", "cart/remove"]);
    let told = sandbox.lex(&["query", "shop", "--stats"]).exits(0).stdout;
    assert!(told.contains("items") && told.contains("status merged"), "{told}");
    let csv = sandbox.lex(&["query", "shop", "--stats", "--format", "csv"]).exits(0).stdout;
    assert!(csv.starts_with("of,which,count\nitems,,3\n") && csv.contains("\nlevel,1,1\n"), "{csv}");
}

#[test]
fn a_question_that_makes_no_sense_is_told_where() {
    let sandbox = plan();
    let said = sandbox.lex(&["query", "shop", "levl eq 1"]).exits(2);
    assert!(said.stderr.contains("query:1") && said.stderr.contains("did you mean `level`?"), "{}", said.stderr);
    let said = sandbox.lex(&["query", "--fields", "nme"]).exits(2);
    assert!(said.stderr.contains("nme"), "{}", said.stderr);
    sandbox.lex(&["query", "no-such-plan"]).exits(2);
}
