//! The merge pyramid.

use crate::sandbox::Sandbox;
use serde_json::{Value, json};

fn plan(items: &[Value]) -> String {
    json!({ "schemaVersion": "2.0.0", "target": "main", "items": items }).to_string()
}

fn item(name: &str, deps: &[&str]) -> Value {
    json!({ "name": name, "branch": name, "deps": deps })
}

#[test]
fn the_order_of_the_document_does_not_matter() {
    let sandbox = Sandbox::new();
    let mut items = vec![item("d", &["b", "c"]), item("b", &["a"]), item("a", &[]), item("c", &["a", "a"]), item("e", &[])];
    let first = sandbox.lex_fed(&["order", "-", "--json"], &plan(&items)).exits(0).json();
    assert_eq!(first["levels"], json!([["a", "e"], ["b", "c"], ["d"]]));
    for turn in 0..items.len() {
        items.rotate_left(1);
        if turn % 2 == 0 {
            items.swap(0, 3);
        }
        assert_eq!(sandbox.lex_fed(&["merge-order", "-", "--json"], &plan(&items)).exits(0).json(), first);
    }
}

#[test]
fn priority_goes_before_name_within_a_level() {
    let sandbox = Sandbox::new();
    let mut items = vec![item("a", &[]), item("b", &[]), item("c", &[]), item("z", &["a"])];
    items[2]["priority"] = json!(5);
    items[0]["priority"] = json!(-1);
    items[3]["priority"] = json!(100);
    let levels = sandbox.lex_fed(&["order", "-", "--json"], &plan(&items)).exits(0).json();
    assert_eq!(levels["levels"], json!([["c", "b", "a"], ["z"]]));
}

#[test]
fn a_cycle_is_printed_as_the_path_that_closes_it() {
    let sandbox = Sandbox::new();
    let items = [item("a", &["b"]), item("b", &["d", "c"]), item("c", &["a"]), item("d", &[]), item("free", &["a"])];
    let said = sandbox.lex_fed(&["order", "-"], &plan(&items)).exits(2);
    assert!(said.stderr.contains("a -> b -> c -> a"), "{}", said.stderr);
    let itself = sandbox.lex_fed(&["order", "-"], &plan(&[item("a", &["a"])])).exits(2);
    assert!(itself.stderr.contains("a -> a"), "{}", itself.stderr);
}

#[test]
fn an_unknown_dependency_names_the_near_miss() {
    let sandbox = Sandbox::new();
    let said = sandbox.lex_fed(&["order", "-"], &plan(&[item("feature-auth", &[]), item("b", &["feature-atuh"])])).exits(2);
    assert!(said.stderr.contains("`feature-atuh`") && said.stderr.contains("did you mean `feature-auth`?"), "{}", said.stderr);
    let twice = sandbox.lex_fed(&["order", "-"], &plan(&[item("a", &[]), item("a", &[])])).exits(2);
    assert!(twice.stderr.contains("two items are called `a`"), "{}", twice.stderr);
}

/// 10,000 items with 30,000 edges. No clock: a quadratic order would not end within the patience of a test run.
#[test]
fn ten_thousand_items_are_ordered() {
    let sandbox = Sandbox::new();
    let items: Vec<Value> = (0..10_000_usize)
        .map(|i| {
            let deps: Vec<String> = [1, 7, 31].iter().filter(|d| i >= 100 * **d).map(|d| format!("item-{}", i - 100 * d)).collect();
            item(&format!("item-{i}"), &deps.iter().map(String::as_str).collect::<Vec<_>>())
        })
        .collect();
    let levels = sandbox.lex_fed(&["order", "-", "--json"], &plan(&items)).exits(0).json();
    let levels = levels["levels"].as_array().unwrap();
    assert_eq!(levels.len(), 100, "each item at the length of its longest chain");
    assert!(levels.iter().all(|level| level.as_array().unwrap().len() == 100));
}
