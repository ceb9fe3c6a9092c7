//! What a reviewer decides about the items of a plan.

use super::{compose::remove, document, store::REVIEWED_BY};
use crate::model::{
    Error, Result,
    error::{Location, nearest},
    gate::GateSpec,
    plan::{Dep, DepSource, Item, Plan, Strategy},
    shell_word,
};
use std::collections::BTreeSet;

/// One decision about one item.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// It is to land as it is.
    Accept,
    /// It is taken out of the plan.
    Drop,
    /// Within its level, higher ones land first.
    Priority(i64),
    /// It depends on these items, and on no others.
    Deps(Vec<String>),
    /// It has these gates of its own, and no others; what each is called by is `gate`'s.
    Gates(Vec<String>),
    /// How it reaches the target.
    Strategy(Strategy),
}

/// Decisions in the order in which they were taken, each with its item.
#[derive(Clone, Debug, Default)]
pub struct Review {
    /// The item's name, and what was decided.
    pub decisions: Vec<(String, Decision)>,
}

impl Review {
    /// Make of `plan` what was decided. Refused where that is no valid plan.
    pub fn apply(&self, plan: &mut Plan) -> Result<()> {
        let known: Vec<GateSpec> = plan.items.iter().flat_map(|item| item.gates.clone()).collect();
        for (name, decision) in &self.decisions {
            let item = find(plan, name)?;
            match decision {
                Decision::Accept | Decision::Drop => {}
                Decision::Priority(priority) => item.priority = *priority,
                Decision::Strategy(strategy) => item.strategy = *strategy,
                Decision::Deps(deps) => {
                    let known = std::mem::take(&mut item.deps);
                    let dep = |name: &String| known.iter().find(|dep| dep.name == *name).cloned();
                    item.deps = deps.iter().map(|name| dep(name).unwrap_or_else(|| Dep::new(name, DepSource::Plan))).collect();
                }
                Decision::Gates(words) => {
                    item.gates = words.iter().map(|word| gate(word, &item.gates, &known)).collect::<Result<_>>()?;
                }
            }
        }
        let dropped: Vec<String> = self.dropped().into_iter().map(ToOwned::to_owned).collect();
        let stated = |dep: &&Dep| dropped.contains(&dep.name) && dep.sources.contains(&DepSource::Plan);
        for item in plan.items.iter().filter(|item| !dropped.contains(&item.name)) {
            let decided = self.decisions.iter().any(|(name, decision)| *name == item.name && matches!(decision, Decision::Deps(_)));
            if let Some(gone) = item.deps.iter().find(stated).filter(|_| decided) {
                let message = format!("`{}` cannot depend on `{}`, which is dropped", item.name, gone.name);
                return Err(Error::input("dropped-dependency", message).hint(format!("keep `{}`, or name it no more", gone.name)));
            }
        }
        remove(plan, &dropped)?;
        document::check(plan)?;
        plan.normalize();
        Ok(())
    }

    /// Whether an item was accepted (true), dropped (false), or neither.
    pub fn verdict(&self, item: &str) -> Option<bool> {
        let of_item = self.decisions.iter().rev().filter(|(name, _)| name == item);
        of_item.map(|(_, decision)| decision).find_map(|decision| match decision {
            Decision::Accept => Some(true),
            Decision::Drop => Some(false),
            _ => None,
        })
    }

    /// The items that were decided about.
    pub fn items(&self) -> BTreeSet<&str> {
        self.decisions.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The items that were accepted, sorted.
    pub fn accepted(&self) -> Vec<&str> {
        self.items().into_iter().filter(|item| self.verdict(item) == Some(true)).collect()
    }

    /// The items that were dropped, sorted.
    pub fn dropped(&self) -> Vec<&str> {
        self.items().into_iter().filter(|item| self.verdict(item) == Some(false)).collect()
    }

    /// The message of the revision: what was decided about the plan `seen`, and by whom.
    pub fn message(&self, seen: &Plan, reviewer: &str) -> Result<String> {
        let (accepted, dropped) = (self.accepted(), self.dropped());
        let mut decided = seen.clone();
        self.apply(&mut decided)?;
        let is_changed = |name: &&str| decided.item(name).is_some_and(|item| seen.item(name) != Some(item));
        let changed = self.items().into_iter().filter(is_changed).count();
        let counts = [(accepted.len(), "accepted"), (dropped.len(), "dropped"), (changed, "changed")];
        let said: Vec<String> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        let mut message = format!("review: {}\n\n", if said.is_empty() { "nothing to say".into() } else { said.join(", ") });
        for (what, items) in [("Accepted", accepted), ("Dropped", dropped)] {
            items.into_iter().for_each(|item| message.push_str(&format!("{what}: {item}\n")));
        }
        Ok(message + &format!("{REVIEWED_BY} {reviewer}\n"))
    }

    /// The command that takes the same decisions about `plan`, called `name`, as far as that has the items.
    pub fn command(&self, name: &str, plan: &Plan) -> String {
        let mut command = format!("git lex-pr plan review {}", shell_word(name));
        let mut said = BTreeSet::new();
        for (item, decision) in self.decisions.iter().rev() {
            let (flag, value) = match decision {
                Decision::Accept | Decision::Drop => continue,
                Decision::Priority(priority) => ("priority", priority.to_string()),
                Decision::Strategy(strategy) => ("strategy", strategy.word().into()),
                Decision::Deps(deps) => ("deps", deps.join(",")),
                Decision::Gates(gates) => ("gates", gates.join(",")),
            };
            if plan.item(item).is_some() && said.insert((item, flag)) {
                command.push_str(&format!(" --{flag} {}", shell_word(&format!("{item}={value}"))));
            }
        }
        let is_there = |item: &&str| plan.item(item).is_some();
        let dropped: Vec<&str> = self.dropped().into_iter().filter(is_there).collect();
        dropped.iter().for_each(|item| command.push_str(&format!(" --drop {}", shell_word(item))));
        let accepted: Vec<&str> = self.accepted().into_iter().filter(is_there).collect();
        if !accepted.is_empty() {
            command.push_str(" --accept");
            // Alone it means all that are not dropped.
            if accepted.len() + dropped.len() < plan.items.len() {
                accepted.iter().for_each(|item| command.push_str(&format!(" {}", shell_word(item))));
            }
        }
        command
    }
}

fn find<'p>(plan: &'p mut Plan, name: &str) -> Result<&'p mut Item> {
    let hint = match nearest(name, plan.items.iter().map(|item| item.name.as_str())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`git lex-pr plan show` lists the items".into(),
    };
    let missing = Error::input("missing-item", format!("the plan has no item `{name}`")).hint(hint);
    plan.items.iter_mut().find(|item| item.name == name).ok_or(missing)
}

/// The gate that a word means: one that the item has, one of another item, `builtin:NAME`, or the path of a plugin.
fn gate(word: &str, own: &[GateSpec], known: &[GateSpec]) -> Result<GateSpec> {
    if let Some(gate) = own.iter().chain(known).find(|gate| gate.name == word) {
        return Ok(gate.clone());
    }
    let path = [".lua", ".luau", ".wasm"].iter().find_map(|end| word.strip_suffix(end));
    let Some(name) = word.strip_prefix("builtin:").or(path.map(|path| path.rsplit('/').next().unwrap_or(path))) else {
        let names: BTreeSet<&str> = known.iter().map(|gate| gate.name.as_str()).collect();
        let names: String = names.into_iter().map(|name| format!("`{name}`, ")).collect();
        return Err(Error::input("unknown-gate", format!("no item has a gate `{word}`"))
            .at(Location::new("plan").at_path("gates"))
            .hint(format!("name {names}`builtin:NAME` or the path of a plugin; `git lex-pr plan edit` can write commands")));
    };
    let made = serde_json::json!({ "name": name, "plugin": word });
    serde_json::from_value(made).map_err(|e| Error::input("bad-gate", e.to_string()))
}
