//! The forecast: every item alone on the target, every pair of them, and who can land together.

use super::{few, tree_of};
use crate::{
    model::{
        Result,
        forecast::{Clash, Forecast, Unfit},
        plan::{Item, Plan},
    },
    plan::order,
    repo::Repo,
    weave::{Ladder, Strand, Weaver, Woven},
};
use gix::ObjectId;
use std::collections::{HashMap, HashSet};

/// Foretell a plan. Nothing is written.
pub fn forecast(repo: &Repo, plan: &Plan) -> Result<Forecast> {
    let base = repo.target_head(&plan.target)?;
    let base_tree = tree_of(repo, base)?;
    let items: Vec<&Item> = order(plan)?.into_iter().flatten().map(|index| &plan.items[index]).collect();
    let mut weaver = Weaver::new(repo, &plan.target, base_tree, Ladder::none());
    let (mut fit, mut candidates, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    for item in &items {
        match strand(repo, item).and_then(|strand| Ok((strand, weave_alone(&mut weaver, base, &strand)?))) {
            Ok((strand, Some(candidate))) => {
                fit.push((*item, strand));
                candidates.push(candidate);
            }
            Ok((_, None)) => {}
            Err(reason) => alone.push(Unfit { item: item.name.clone(), ..reason }),
        }
    }
    let pairs: Vec<(usize, usize)> = (0..fit.len())
        .flat_map(|one| (one + 1..fit.len()).map(move |other| (one, other)))
        .filter(|(one, other)| !lies_on(plan, fit[*other].0, &fit[*one].0.name))
        .collect();
    let clashes: Vec<Clash> = weaver
        .conflicts_among(base_tree, &candidates, &pairs)?
        .into_iter()
        .map(|(one, other, paths)| Clash { one: fit[one].0.name.clone(), other: fit[other].0.name.clone(), paths })
        .collect();
    let together = together(&fit, &clashes, &alone, |tip, strand| weave_on(&mut weaver, tip, strand), base)?;
    Ok(Forecast {
        target: plan.target.clone(),
        base: base.to_string(),
        items: items.iter().map(|item| item.name.clone()).collect(),
        alone,
        clashes,
        together,
    })
}

/// Why an item is no candidate; its name is the caller's to fill in.
fn unfit(reason: impl Into<String>) -> Unfit {
    Unfit { item: String::new(), reason: reason.into(), paths: Vec::new() }
}

fn strand<'p>(repo: &Repo, item: &'p Item) -> Result<Strand<'p>, Unfit> {
    let head = match &item.head {
        Some(head) => repo.parse_id(head).map_err(|e| unfit(e.to_string()))?,
        None => match repo.branch(&item.branch).map_err(|e| unfit(e.to_string()))? {
            Some(branch) => branch.head,
            None => return Err(unfit(format!("there is no branch `{}` here", item.branch))),
        },
    };
    Ok(Strand { name: &item.name, branch: &item.branch, head, strategy: item.strategy })
}

/// The candidate of an item on the target; `None` where the target holds it already.
fn weave_alone(weaver: &mut Weaver, base: ObjectId, strand: &Strand) -> Result<Option<(ObjectId, ObjectId)>, Unfit> {
    match weaver.weave(base, strand).map_err(|e| unfit(e.to_string()))? {
        Woven::Clean { commit, tree, .. } => Ok(Some((commit, tree))),
        Woven::UpToDate => Ok(None),
        Woven::NoCommonHistory => Err(unfit("it shares no history with the target")),
        Woven::Conflict { conflicted, .. } => {
            let paths = conflicted.paths();
            Err(Unfit { paths: paths.clone(), ..unfit(format!("it conflicts with the target in {}", few(&paths))) })
        }
    }
}

/// The tip with an item on top, or `None` where it conflicts.
fn weave_on(weaver: &mut Weaver, tip: ObjectId, strand: &Strand) -> Result<Option<ObjectId>> {
    Ok(match weaver.weave(tip, strand)? {
        Woven::Clean { commit, .. } => {
            weaver.accept(strand, &[]);
            Some(commit)
        }
        Woven::UpToDate => Some(tip),
        Woven::Conflict { .. } | Woven::NoCommonHistory => None,
    })
}

/// Whether an item depends on another, directly or not: then they are made to land together.
fn lies_on(plan: &Plan, item: &Item, other: &str) -> bool {
    let (mut open, mut seen) = (vec![item], HashSet::new());
    while let Some(item) = open.pop() {
        for dep in &item.deps {
            if dep.name == other {
                return true;
            }
            if seen.insert(dep.name.as_str()) {
                open.extend(plan.item(&dep.name));
            }
        }
    }
    false
}

/// A greedy independent set of the graph of clashes that holds all that its members depend on. That no two of them conflict
/// does not mean that all merge, so each is woven onto those before it by `weave`.
fn together(
    fit: &[(&Item, Strand)],
    clashes: &[Clash],
    alone: &[Unfit],
    mut weave: impl FnMut(ObjectId, &Strand) -> Result<Option<ObjectId>>,
    base: ObjectId,
) -> Result<Vec<String>> {
    let mut against: HashMap<&str, HashSet<&str>> = HashMap::new();
    for clash in clashes {
        against.entry(&clash.one).or_default().insert(&clash.other);
        against.entry(&clash.other).or_default().insert(&clash.one);
    }
    let mut tip = base;
    let mut chosen: Vec<&str> = Vec::new();
    let mut out: HashSet<&str> = alone.iter().map(|u| u.item.as_str()).collect();
    let is_fit: HashSet<&str> = fit.iter().map(|(item, _)| item.name.as_str()).collect();
    loop {
        // What is neither fit nor out is in the target already.
        let met = |name: &str| chosen.contains(&name) || !(is_fit.contains(name) || out.contains(name));
        let ready = |(item, _): &&(&Item, Strand)| {
            let name = item.name.as_str();
            !chosen.contains(&name) && !out.contains(name) && item.deps.iter().all(|dep| met(&dep.name))
        };
        let rivals = |item: &Item| against.get(item.name.as_str()).map_or(0, |others| others.iter().filter(|o| !out.contains(**o)).count());
        let best = |(item, _): &&(&Item, Strand)| (std::cmp::Reverse(item.priority), rivals(item), item.name.clone());
        let Some((item, strand)) = fit.iter().filter(ready).min_by_key(best) else { break };
        match weave(tip, strand)? {
            Some(grown) => {
                tip = grown;
                chosen.push(&item.name);
                out.extend(against.get(item.name.as_str()).into_iter().flatten());
            }
            None => drop(out.insert(&item.name)),
        }
    }
    Ok(chosen.into_iter().map(ToOwned::to_owned).collect())
}
