//! Two revisions of a plan that were made apart become one, item by item and value by value.

use super::{Change, diff, document::check};
use crate::model::{Error, Result, json, plan::Plan};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// What two clones made of one value.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Clash {
    /// The value: `items.feat/a.priority`, `target`; or `plan`, where each value can be merged and the whole is no plan.
    pub path: String,
    /// What is here; absent where it was taken away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub here: Option<Value>,
    /// What is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub there: Option<Value>,
    /// Of an item that one side has taken away: what the other one has changed in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Of the whole plan: why the merge would be none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Whose value stands where both have changed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Side {
    /// This clone's.
    Here,
    /// The remote's.
    There,
}

/// Merge `here` and `there`, which were both made of `before` (none where they have no revision in common, several where they were
/// merged crosswise). A value that only one of them has changed is taken from that one. Where both have, `take` decides; without it
/// the clashes are what is given.
///
/// A merge that is no valid plan, because of a cycle or a dependency on an item that is gone, is a clash of the whole.
pub fn merge(before: &[Plan], here: &Plan, there: &Plan, take: Option<Side>) -> Result<Result<Plan, Vec<Clash>>> {
    let opened = before.iter().map(open).collect::<Result<Vec<_>>>()?;
    let mut bases: Vec<Option<&Value>> = opened.iter().map(Some).collect();
    if bases.is_empty() {
        // Before both there was nothing.
        bases.push(None);
    }
    let mut clashes = Vec::new();
    let merged = join(&bases, Some(&open(here)?), Some(&open(there)?), "", take, &mut clashes);
    if !clashes.is_empty() {
        for clash in &mut clashes {
            let item = clash.path.strip_prefix("items.").filter(|_| clash.here.is_none() || clash.there.is_none());
            let changed = if clash.here.is_none() { there } else { here };
            let base = before.iter().find(|base| item.is_some_and(|item| base.item(item).is_some()));
            if let (Some(item), Some(base)) = (item, base) {
                clash.changes = diff(base, changed).into_iter().filter(|change| change.item == item).collect();
            }
        }
        return Ok(Err(clashes));
    }
    let merged = merged.map(close).unwrap_or_default();
    let mut plan: Plan = json::parse(&merged.to_string(), "merged plan")?;
    plan.normalize();
    match (check(&plan), take) {
        (Ok(()), _) => Ok(Ok(plan)),
        (Err(_), Some(Side::Here)) => Ok(Ok(here.clone())),
        (Err(_), Some(Side::There)) => Ok(Ok(there.clone())),
        (Err(error), None) => {
            Ok(Err(vec![Clash { path: "plan".into(), here: None, there: None, changes: Vec::new(), why: Some(error.message) }]))
        }
    }
}

/// A plan as objects all the way down: items and dependencies by their names. What is one value, a branch with its commit and a pause,
/// is in a list of its own.
fn open(plan: &Plan) -> Result<Value> {
    let mut value = serde_json::to_value(plan).map_err(|e| Error::environment("json", e.to_string()))?;
    by_name(&mut value, "items", |item| {
        by_name(item, "deps", |_| {});
        if let Value::Object(item) = item {
            let commit: Map<String, Value> = ["branch", "head"].into_iter().filter_map(|key| item.remove_entry(key)).collect();
            item.insert("commit".into(), Value::Array(vec![Value::Object(commit)]));
        }
    });
    if let Some(paused) = value.get_mut("paused") {
        *paused = Value::Array(vec![paused.take()]);
    }
    Ok(value)
}

fn by_name(value: &mut Value, key: &str, mut each: impl FnMut(&mut Value)) {
    let Some(Value::Array(list)) = value.get_mut(key).map(Value::take) else { return };
    let named = list.into_iter().filter_map(|mut entry| {
        each(&mut entry);
        let name = entry.as_object_mut()?.remove("name")?;
        Some((name.as_str()?.to_string(), entry))
    });
    value[key] = Value::Object(named.collect());
}

/// The way back from [`open`].
fn close(mut value: Value) -> Value {
    as_list(&mut value, "items", |item| {
        as_list(item, "deps", |_| {});
        if let Value::Object(item) = item
            && let Some(Value::Array(commit)) = item.remove("commit")
        {
            item.extend(
                commit
                    .into_iter()
                    .filter_map(|commit| match commit {
                        Value::Object(commit) => Some(commit),
                        _ => None,
                    })
                    .flatten(),
            );
        }
    });
    if let Some(Value::Array(paused)) = value.get_mut("paused").map(Value::take) {
        value["paused"] = paused.into_iter().next().unwrap_or_default();
    }
    value
}

fn as_list(value: &mut Value, key: &str, mut each: impl FnMut(&mut Value)) {
    let Some(Value::Object(named)) = value.get_mut(key).map(Value::take) else { return };
    let list = named.into_iter().map(|(name, mut entry)| {
        each(&mut entry);
        entry["name"] = name.into();
        entry
    });
    value[key] = Value::Array(list.collect());
}

/// The three-way merge of one value.
fn join(
    bases: &[Option<&Value>],
    here: Option<&Value>,
    there: Option<&Value>,
    path: &str,
    take: Option<Side>,
    clashes: &mut Vec<Clash>,
) -> Option<Value> {
    let untouched = |side: Option<&Value>| bases.iter().all(|base| *base == side);
    if here == there || untouched(there) {
        return here.cloned();
    }
    if untouched(here) {
        return there.cloned();
    }
    if let (Some(Value::Object(mine)), Some(Value::Object(yours))) = (here, there) {
        let keys: BTreeSet<&String> = mine.keys().chain(yours.keys()).collect();
        let merged = keys.into_iter().filter_map(|key| {
            let bases: Vec<Option<&Value>> = bases.iter().map(|base| base.and_then(|base| base.get(key))).collect();
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            Some((key.clone(), join(&bases, mine.get(key), yours.get(key), &path, take, clashes)?))
        });
        return Some(Value::Object(merged.collect()));
    }
    match take {
        Some(Side::Here) => here.cloned(),
        Some(Side::There) => there.cloned(),
        None => {
            clashes.push(Clash { path: path.into(), here: here.cloned(), there: there.cloned(), changes: Vec::new(), why: None });
            None
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::plan::{Dep, DepSource, Item, Pause};

    fn plan(items: &[&str]) -> Plan {
        Plan { items: items.iter().copied().map(Item::new).collect(), ..Plan::new("main") }
    }

    fn with(plan: &Plan, change: impl FnOnce(&mut Plan)) -> Plan {
        let mut plan = plan.clone();
        change(&mut plan);
        plan.normalize();
        plan
    }

    fn needs(plan: &mut Plan, item: usize, dep: &str) {
        plan.items[item].deps.push(Dep::new(dep, DepSource::Plan));
    }

    fn clashes(bases: &[Plan], here: &Plan, there: &Plan) -> Vec<String> {
        let clashes = merge(bases, here, there, None).unwrap().unwrap_err();
        clashes.into_iter().map(|clash| clash.path).collect()
    }

    #[test]
    fn what_each_has_changed_is_in_the_merge() {
        let base = plan(&["a", "b", "c"]);
        let here = with(&base, |plan| {
            plan.items[0].priority = 3;
            needs(plan, 1, "a");
            plan.items.push(Item::new("d"));
            plan.policy.required_gates.push("test".into());
        });
        let there = with(&base, |plan| {
            plan.items[0].head = Some("0".repeat(40));
            needs(plan, 1, "e");
            plan.items.remove(2);
            plan.items.push(Item::new("e"));
            plan.paused = Some(Pause { by: "me".into(), reason: String::new() });
        });
        let merged = merge(std::slice::from_ref(&base), &here, &there, None).unwrap().unwrap();
        assert_eq!(merge(&[base], &there, &here, None).unwrap().unwrap(), merged, "whichever is here");
        assert_eq!(merged.items.iter().map(|item| item.name.as_str()).collect::<Vec<_>>(), ["a", "b", "d", "e"]);
        assert_eq!((merged.items[0].priority, merged.items[0].head.is_some()), (3, true));
        assert_eq!(merged.items[1].deps.len(), 2);
        assert!(merged.paused == there.paused && merged.policy == here.policy);
    }

    #[test]
    fn what_both_have_changed_clashes_and_is_taken_as_one_is_told() {
        let base = plan(&["a", "b"]);
        let here = with(&base, |plan| {
            plan.items[0].priority = 3;
            plan.items[1].head = Some("0".repeat(40));
        });
        let there = with(&base, |plan| {
            plan.items[0].priority = 4;
            plan.items.remove(1);
        });
        assert_eq!(clashes(std::slice::from_ref(&base), &here, &there), ["items.a.priority", "items.b"]);
        for (side, expected) in [(Side::Here, &here), (Side::There, &there)] {
            assert_eq!(&merge(std::slice::from_ref(&base), &here, &there, Some(side)).unwrap().unwrap(), expected);
        }
        let branch = with(&base, |plan| plan.items[1].branch = "other".into());
        assert_eq!(clashes(&[base], &here, &branch), ["items.b.commit"], "a branch and its commit are one");
    }

    #[test]
    fn a_merge_that_is_no_plan_is_a_clash() {
        let base = plan(&["a", "b"]);
        let (here, there) = (with(&base, |plan| needs(plan, 0, "b")), with(&base, |plan| needs(plan, 1, "a")));
        let cycle = merge(std::slice::from_ref(&base), &here, &there, None).unwrap().unwrap_err();
        assert!(cycle.len() == 1 && cycle[0].why.as_ref().unwrap().contains("in a circle: a -> b -> a"), "{cycle:?}");
        assert_eq!(merge(&[base], &here, &there, Some(Side::There)).unwrap().unwrap(), there);
    }

    #[test]
    fn plans_made_apart_are_united_and_crosswise_merges_take_nothing_back() {
        let (here, there) = (plan(&["a", "b"]), plan(&["b", "c"]));
        assert_eq!(merge(&[], &here, &there, None).unwrap().unwrap(), plan(&["a", "b", "c"]));
        // Both bases are in the merge of each side; where a side went back to one of them, it has changed the other.
        let (one, two) = (plan(&["a"]), with(&plan(&["a"]), |plan| plan.items[0].priority = 1));
        let three = with(&one, |plan| plan.items[0].priority = 2);
        assert_eq!(clashes(&[one.clone(), two], &one, &three), ["items.a.priority"]);
    }
}
