//! Plan documents: ours (schema 2), the original's (schema 1), and the original's first form without a version.

use crate::model::{
    Error, Result,
    error::Location,
    gate::{GateSpec, Sandbox, check_all},
    json,
    plan::{Dep, DepSource, Item, Plan, SCHEMA_VERSION, Strategy},
    policy::{Performance, Policy},
};
use crate::repo::branch_name;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Read a plan document of any known schema and check all that can be checked without a repository: names, gates,
/// unknown dependencies and cycles. `source` names the document in errors.
pub fn read(text: &str, source: &str) -> Result<Plan> {
    let raw: Value = json::parse(text, source)?;
    let plan = match version(&raw, source)? {
        Some(1) => json::parse::<PlanV1>(text, source)?.into(),
        Some(2) => json::parse::<Plan>(text, source)?,
        Some(newer) => {
            let message = format!("plan schema {newer} is newer than the {SCHEMA_VERSION} that this git-lex-pr reads");
            return Err(Error::input("newer-schema", message)
                .at(Location::new(source).at_path("schemaVersion"))
                .hint("install a newer git-lex-pr, or export the plan there with an older schema"));
        }
        None => json::parse::<PlanV0>(text, source)?.into_plan(source)?,
    };
    settle(plan, source)
}

/// What a person or another program wrote, checked, and in the form that this program writes.
pub(super) fn settle(mut plan: Plan, source: &str) -> Result<Plan> {
    plan.schema_version = SCHEMA_VERSION.into();
    plan.target = branch_name(&plan.target).into();
    for item in &mut plan.items {
        item.branch = branch_name(&item.branch).into();
    }
    check(&plan).map_err(|mut e| {
        if let Some(at) = &mut e.at {
            at.source = source.into();
        }
        e
    })?;
    plan.normalize();
    Ok(plan)
}

/// The major version that a document states; `None` for the form that came before versions.
fn version(raw: &Value, source: &str) -> Result<Option<u64>> {
    let at = || Location::new(source).at_path("schemaVersion");
    let Some(stated) = raw.get("schemaVersion") else {
        let named = raw.get("items").and_then(Value::as_array).is_some_and(|items| items.iter().any(|i| i.get("name").is_some()));
        if named || !raw.is_object() {
            return Err(Error::input("missing-key", "a plan states its `schemaVersion`")
                .at(at())
                .hint(format!("add \"schemaVersion\": \"{SCHEMA_VERSION}\"")));
        }
        return Ok(None);
    };
    let parts: Vec<Option<u64>> = stated.as_str().unwrap_or("").split('.').map(|p| p.parse().ok()).collect();
    match parts[..] {
        [Some(major @ 1..), Some(_), Some(_)] => Ok(Some(major)),
        _ => Err(Error::input("bad-value", format!("{stated} is no schema version"))
            .at(at())
            .hint(format!("write it as \"{SCHEMA_VERSION}\" or, for the original's plans, \"1.0.0\""))),
    }
}

/// Check what types cannot say.
pub fn check(plan: &Plan) -> Result<()> {
    let wrong = |path: String, code, message: String, hint: String| {
        Err(Error::input(code, message).at(Location::new("plan").at_path(path)).hint(hint))
    };
    if !crate::repo::is_branch_name(&plan.target) {
        return wrong(
            "target".into(),
            "bad-name",
            format!("`{}` is no valid branch name", plan.target),
            "name a branch, such as \"main\"".into(),
        );
    }
    for (index, item) in plan.items.iter().enumerate() {
        if item.name.is_empty() || item.name.chars().any(char::is_control) {
            return wrong(
                format!("items[{index}].name"),
                "bad-name",
                format!("{:?} is no item name", item.name),
                "use printable text".into(),
            );
        }
        if !crate::repo::is_branch_name(&item.branch) {
            let message = format!("`{}` is no valid branch name", item.branch);
            return wrong(
                format!("items[{index}].branch"),
                "bad-name",
                message,
                "`git check-ref-format --branch NAME` tells which names are".into(),
            );
        }
        if let Some(head) = item.head.as_deref().filter(|h| ![40, 64].contains(&h.len()) || h.bytes().any(|b| !b.is_ascii_hexdigit())) {
            return wrong(
                format!("items[{index}].head"),
                "bad-commit",
                format!("`{head}` is no full commit id"),
                "`git rev-parse BRANCH` prints it".into(),
            );
        }
        if let Err((gate, message, hint)) = check_all(&item.gates) {
            return wrong(format!("items[{index}].gates[{gate}]"), "bad-gate", message, hint);
        }
    }
    if let Some(Err((_, key, message))) = plan.policy.performance.as_ref().map(Performance::check) {
        let hint = "`git lex-pr schema plan` has what the key takes";
        return wrong(format!("policy.performance.{key}"), "bad-value", message.into(), hint.into());
    }
    if plan.policy.max_workers == Some(0) {
        return wrong("policy.maxWorkers".into(), "bad-value", "at least one worker is needed".into(), "set it to 1 or more".into());
    }
    if let Some((gate, _)) = plan.policy.retries.iter().find(|(_, r)| r.max_attempts == 0 || r.backoff_seconds < 0.0) {
        return wrong(
            format!("policy.retries.{gate}"),
            "bad-value",
            "a gate is tried at least once".into(),
            "set maxAttempts to 1 or more".into(),
        );
    }
    super::order(plan).map(drop)
}

/// The original's plan.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PlanV1 {
    schema_version: String,
    #[serde(default = "main")]
    target: String,
    #[serde(default)]
    policy: Policy,
    #[serde(default)]
    items: Vec<ItemV1>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemV1 {
    name: String,
    #[serde(default)]
    deps: Vec<String>,
    #[serde(default)]
    gates: Vec<GateSpec>,
}

fn main() -> String {
    "main".into()
}

impl From<PlanV1> for Plan {
    fn from(old: PlanV1) -> Plan {
        let items = old.items.into_iter().map(|i| Item {
            deps: i.deps.into_iter().map(|d| Dep::new(d, DepSource::Plan)).collect(),
            gates: i.gates,
            ..Item::new(i.name)
        });
        Plan { policy: old.policy, items: items.collect(), ..Plan::new(old.target) }
    }
}

/// The plan in the original's schema 1, which knows no head, strategy, priority, plugin, timeout, paths, grants,
/// sandbox and limits: those are left out.
pub fn write_v1(plan: &Plan) -> Result<String> {
    let gate = |g: &GateSpec| GateSpec {
        timeout: None,
        paths: Vec::new(),
        allow: Vec::new(),
        sandbox: Sandbox::None,
        memory_mb: None,
        cpu_time: None,
        ..g.clone()
    };
    let items = plan.items.iter().map(|i| ItemV1 {
        name: i.name.clone(),
        deps: i.deps.iter().map(|d| d.name.clone()).collect(),
        gates: i.gates.iter().filter(|g| g.plugin.is_none()).map(gate).collect(),
    });
    json::canonical(&PlanV1 {
        schema_version: "1.0.0".into(),
        target: plan.target.clone(),
        policy: plan.policy.clone(),
        items: items.collect(),
    })
}

/// The original's first form: items with ids, and needs that name ids.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanV0 {
    #[serde(default = "main")]
    target: String,
    #[serde(default)]
    items: Vec<ItemV0>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemV0 {
    id: u64,
    branch: String,
    #[serde(default)]
    needs: Vec<u64>,
    #[serde(default)]
    strategy: Strategy,
    #[serde(default)]
    gates: Vec<GateSpec>,
}

impl PlanV0 {
    fn into_plan(self, source: &str) -> Result<Plan> {
        let branch_of = |id: u64| self.items.iter().find(|i| i.id == id).map(|i| i.branch.clone());
        let mut plan = Plan::new(self.target);
        for (index, old) in self.items.iter().enumerate() {
            let mut item = Item { strategy: old.strategy, gates: old.gates.clone(), ..Item::new(&old.branch) };
            for (position, id) in old.needs.iter().enumerate() {
                let needed = branch_of(*id).ok_or_else(|| {
                    let ids: Vec<String> = self.items.iter().map(|i| i.id.to_string()).collect();
                    Error::input("unknown-dependency", format!("`{}` needs item {id}, which is not in the plan", old.branch))
                        .at(Location::new(source).at_path(format!("items[{index}].needs[{position}]")))
                        .hint(format!("add an item with that id, or need one of: {}", ids.join(", ")))
                })?;
                item.deps.push(Dep::new(needed, DepSource::Plan));
            }
            plan.items.push(item);
        }
        Ok(plan)
    }
}
