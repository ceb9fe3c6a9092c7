//! What changed between two plans.

use crate::model::plan::{Item, Plan};
use schemars::JsonSchema;
use serde::Serialize;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The item, or `plan` for what is not an item's.
    pub item: String,
    /// What of it: `item`, `head`, `deps`, `gates`, `strategy`, `priority`, `branch`, `target`, `policy`, `paused`.
    pub what: &'static str,
    /// Its value before; absent where it was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Its value after; absent where it was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The differences from `before` to `after`, by item name.
pub fn diff(before: &Plan, after: &Plan) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut compare = |item: &str, what, before: Option<String>, after: Option<String>| {
        if before != after {
            changes.push(Change { item: item.into(), what, before, after });
        }
    };
    compare("plan", "target", Some(before.target.clone()), Some(after.target.clone()));
    compare("plan", "policy", Some(json(&before.policy)), Some(json(&after.policy)));
    compare("plan", "paused", before.paused.as_ref().map(ToString::to_string), after.paused.as_ref().map(ToString::to_string));
    let mut names: Vec<&str> = before.items.iter().chain(&after.items).map(|i| i.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        match (before.item(name), after.item(name)) {
            (Some(old), Some(new)) => {
                for (what, value) in FIELDS {
                    compare(name, what, value(old), value(new));
                }
            }
            (old, new) => compare(name, "item", old.map(|i| i.branch.clone()), new.map(|i| i.branch.clone())),
        }
    }
    changes
}

type Field = (&'static str, fn(&Item) -> Option<String>);

const FIELDS: [Field; 6] = [
    ("branch", |i| Some(i.branch.clone())),
    ("head", |i| i.head.clone()),
    ("deps", |i| Some(i.deps.iter().map(|d| d.name.as_str()).collect::<Vec<_>>().join(", "))),
    ("gates", |i| Some(json(&i.gates))),
    ("strategy", |i| Some(i.strategy.word().into())),
    ("priority", |i| Some(i.priority.to_string())),
];

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
