//! A plan as TOML, for a person's editor, and back.

use super::document;
use crate::{
    config::read_toml,
    model::{
        Error, Result,
        gate::GateSpec,
        plan::{Dep, DepSource, Item, Pause, Plan, Strategy},
        policy::Policy,
    },
};
use serde::{Deserialize, Serialize};

/// What an editor shows above the plan.
const EXPLANATION: &str = "\
# Change it, save and close: it becomes the plan's next revision. What begins with # does not count.
# Leave all as it is, or empty the file, and nothing changes.
#
# target    the branch that everything lands on
# [policy]  what must hold besides the target's lex-pr.toml: requiredGates = [\"test\"], ...
# [[items]] one for each branch; take its lines away and it is dropped
#   name      what deps and reports call it
#   head      the commit that lands; without it, the branch's at the time of the run
#   deps      the names of items that must land before it
#   strategy  merge, squash or rebase
#   priority  within a level a higher number lands first
#   [[items.gates]]  a gate of its own, besides those of lex-pr.toml: name, and run or plugin
# `git lex-pr schema plan` says the rest.
";

/// A plan without what only the program writes: the schema's version, and where dependencies were found.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Edited {
    target: String,
    #[serde(default, skip_serializing_if = "is_default")]
    policy: Policy,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    paused: Option<Pause>,
    #[serde(default)]
    items: Vec<EditedItem>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EditedItem {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    branch: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    head: Option<String>,
    #[serde(default)]
    deps: Vec<String>,
    #[serde(default)]
    strategy: Strategy,
    #[serde(default)]
    priority: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gates: Vec<GateSpec>,
}

fn is_default(policy: &Policy) -> bool {
    *policy == Policy::default()
}

/// The plan called `name` as a person edits it. Refused where a gate's configuration holds a null, which TOML cannot say.
pub fn write(name: &str, plan: &Plan) -> Result<String> {
    let items = plan.items.iter().map(|item| EditedItem {
        name: item.name.clone(),
        branch: Some(item.branch.clone()),
        head: item.head.clone(),
        deps: item.deps.iter().map(|dep| dep.name.clone()).collect(),
        strategy: item.strategy,
        priority: item.priority,
        gates: item.gates.clone(),
    });
    let edited = Edited { target: plan.target.clone(), policy: plan.policy.clone(), paused: plan.paused.clone(), items: items.collect() };
    let text = toml::to_string(&edited).map_err(|e| {
        Error::input("no-toml", format!("plan {name} holds what TOML cannot say: {e}"))
            .hint("`git lex-pr plan export` writes it as JSON, and `plan import --force` takes that back")
    })?;
    Ok(format!("# The plan {name}\n{EXPLANATION}\n{text}"))
}

/// Whether nothing is left but blank lines and comments.
pub fn is_empty(text: &str) -> bool {
    text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
}

/// What a person made of the plan `before`: dependencies that were there keep what they were found by, new ones are the plan's own.
/// `source` names the text in errors.
pub fn read(text: &str, source: &str, before: &Plan) -> Result<Plan> {
    let edited: Edited = read_toml(text, source, "`git lex-pr schema plan` prints what a plan holds")?;
    let mut plan = Plan { policy: edited.policy, paused: edited.paused, ..Plan::new(edited.target) };
    for item in edited.items {
        let known = before.item(&item.name);
        let dep = |name: String| {
            let known = known.and_then(|known| known.deps.iter().find(|dep| dep.name == name));
            known.cloned().unwrap_or_else(|| Dep::new(name, DepSource::Plan))
        };
        plan.items.push(Item {
            deps: item.deps.into_iter().map(dep).collect(),
            branch: item.branch.unwrap_or_else(|| item.name.clone()),
            head: item.head,
            strategy: item.strategy,
            priority: item.priority,
            gates: item.gates,
            name: item.name,
        });
    }
    document::settle(plan, source)
}
