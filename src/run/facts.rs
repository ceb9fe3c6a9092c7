//! What is known of the items of a plan, to be asked by a query.

use crate::{
    model::{Error, Result, plan::Plan, run::Run, shell_word},
    plan::{Facts, order},
    repo::{History, Repo, changes},
};
use gix::ObjectId;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The facts of each item of `plan`, in its order. Of `fields` that cost reading commits or trees (`author`, `age`, `paths`) only those that
/// are named are looked up; `status` and `conflicts` are those of the run `newest`.
pub fn facts(repo: &Repo, plan: &Plan, newest: Option<&Run>, fields: &BTreeSet<&str>) -> Result<Vec<Facts>> {
    let mut level_of = vec![0; plan.items.len()];
    for (level, items) in order(plan)?.into_iter().enumerate() {
        items.into_iter().for_each(|item| level_of[item] = level);
    }
    let mut dependents: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for item in &plan.items {
        for dep in &item.deps {
            dependents.entry(&dep.name).or_default().push(&item.name);
        }
    }
    let is_costly = ["author", "age", "paths"].iter().any(|costly| fields.contains(costly));
    let mut commits = if is_costly { Some(Commits::new(repo, plan)?) } else { None };
    let mut all = Vec::with_capacity(plan.items.len());
    for (item, level) in plan.items.iter().zip(level_of) {
        let report = newest.and_then(|run| run.items.iter().find(|report| report.name == item.name));
        let mut facts = Facts::new();
        let mut fact = |name: &str, value: Value| facts.insert(name.into(), value);
        fact("name", json!(item.name));
        fact("branch", json!(item.branch));
        fact("head", json!(item.head));
        fact("level", json!(level));
        fact("priority", json!(item.priority));
        fact("strategy", json!(item.strategy));
        fact("deps", json!(item.deps.iter().map(|dep| &dep.name).collect::<Vec<_>>()));
        fact("dependents", json!(dependents.get(item.name.as_str()).cloned().unwrap_or_default()));
        fact("gates", json!(item.gates.iter().map(|gate| &gate.name).collect::<Vec<_>>()));
        fact("status", report.map_or(json!("pending"), |report| json!(report.status)));
        fact("conflicts", json!(report.map(|report| report.conflicts.iter().map(|c| &c.path).collect::<Vec<_>>()).unwrap_or_default()));
        if let Some(commits) = &mut commits {
            // A branch that is not here has none of them.
            let head = match &item.head {
                Some(head) => Some(repo.parse_id(head)?).filter(|head| repo.has_commit(*head)),
                None => repo.branch(&item.branch)?.map(|branch| branch.head),
            };
            if let Some(head) = head {
                commits.tell(head, fields, &mut facts)?;
            }
        }
        all.push(facts);
    }
    Ok(all)
}

/// The facts that the commits of an item tell.
struct Commits<'r> {
    repo: &'r Repo,
    target: ObjectId,
    history: History,
}

impl<'r> Commits<'r> {
    fn new(repo: &'r Repo, plan: &Plan) -> Result<Self> {
        Ok(Commits { repo, target: repo.target_head(&plan.target)?, history: History::default() })
    }

    fn tell(&mut self, head: ObjectId, fields: &BTreeSet<&str>, facts: &mut Facts) -> Result<()> {
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read commit {head}"), e);
        let commit = self.repo.git.find_commit(head).map_err(|e| reading(&e))?;
        let author = commit.author().map_err(|e| reading(&e))?;
        facts.insert("author".into(), json!(format!("{} <{}>", author.name, author.email)));
        let seconds = commit.time().map_err(|e| reading(&e))?.seconds;
        // In days, to the hundredth.
        let age = (Timestamp::now().as_second() - seconds) as f64 / 86_400.0;
        facts.insert("age".into(), json!((age * 100.0).round() / 100.0));
        if fields.contains("paths") {
            let base = self.history.merge_bases(&self.repo.git, self.target, head)?.into_iter().next();
            let old = match base {
                Some(base) => super::tree_of(self.repo, base)?,
                None => self.repo.git.object_hash().empty_tree(),
            };
            let changes = changes(&self.repo.git, old, super::tree_of(self.repo, head)?)?;
            facts.insert("paths".into(), json!(changes.into_iter().map(|change| change.path.to_string()).collect::<Vec<_>>()));
        }
        Ok(())
    }
}

/// `plan` with the items that are `chosen`, by name, and all that they depend on. Nothing chosen is an error: it would look like a
/// landing of all.
pub fn cut(plan: &Plan, name: &str, chosen: &[String]) -> Result<Plan> {
    if chosen.is_empty() {
        return Err(Error::no("nothing-chosen", format!("no item of plan {name} is chosen"))
            .hint(format!("`git lex-pr order {}` shows its items and their levels", shell_word(name))));
    }
    let wanted = super::with_dependencies(plan, chosen);
    let mut cut = plan.clone();
    cut.items.retain(|item| wanted.contains(item.name.as_str()));
    Ok(cut)
}
