//! The forecast: every item alone on the target, every pair of them, and who can land together.

use super::{
    few,
    pair_cache::PairCache,
    together::{Graph, best_set},
    tree_of,
};
use crate::{
    model::{
        Result,
        forecast::{By, Clash, Forecast, Place, Unfit},
        plan::{Item, Plan},
    },
    plan::order,
    repo::Repo,
    weave::{Ladder, Strand, Weaver, Woven},
};
use gix::ObjectId;
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::Instant,
};

/// Foretell a plan. Nothing is written to the repository.
pub fn forecast(repo: &Repo, plan: &Plan, by: By) -> Result<Forecast> {
    let begun = Instant::now();
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
    let all = clashes(&mut weaver, (base, base_tree), &fit, &candidates)?;
    tracing::debug!(took = ?begun.elapsed(), items = items.len(), clashes = all.len(), "wove each item and each pair");
    // What depends on another is made to land with it.
    let clashes: Vec<(usize, usize, Vec<Place>)> =
        all.into_iter().filter(|(one, other, _)| !needs(plan, fit[*other].0).contains(fit[*one].0.name.as_str())).collect();
    let (together, is_largest) = together(plan, &fit, &clashes, &alone, by, |tip, strand| weave_on(&mut weaver, tip, strand), base)?;
    let name = |at: usize| fit[at].0.name.clone();
    Ok(Forecast {
        target: plan.target.clone(),
        base: base.to_string(),
        items: items.iter().map(|item| item.name.clone()).collect(),
        alone,
        clashes: clashes.into_iter().map(|(one, other, places)| Clash { one: name(one), other: name(other), places }).collect(),
        together,
        is_largest,
    })
}

/// The pairs that conflict, by their place in `fit`; those that a former forecast asked about are not asked again.
fn clashes(
    weaver: &mut Weaver,
    (base, base_tree): (ObjectId, ObjectId),
    fit: &[(&Item, Strand)],
    candidates: &[(ObjectId, ObjectId)],
) -> Result<Vec<(usize, usize, Vec<Place>)>> {
    let names: Vec<String> = fit.iter().map(|(_, strand)| format!("{} {:?}", strand.head, strand.strategy)).collect();
    let cache = PairCache::load(&base.to_string());
    let known = cache.known();
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    for one in 0..fit.len() {
        for other in one + 1..fit.len() {
            match known.get(&(names[one].as_str(), names[other].as_str())) {
                Some([]) => {}
                Some(places) => found.push((one, other, places.to_vec())),
                None => unknown.push((one, other)),
            }
        }
    }
    if !unknown.is_empty() {
        found.extend(weaver.conflicts_among(base_tree, candidates, &unknown)?);
        found.sort();
        // Without a cache the next forecast takes longer, and that is all.
        let _ = PairCache::save(&base.to_string(), names, found.clone());
    }
    Ok(found)
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

/// All that an item depends on, directly or not.
fn needs<'p>(plan: &'p Plan, item: &'p Item) -> HashSet<&'p str> {
    let (mut open, mut seen) = (vec![item], HashSet::new());
    while let Some(item) = open.pop() {
        for dep in &item.deps {
            if seen.insert(dep.name.as_str()) {
                open.extend(plan.item(&dep.name));
            }
        }
    }
    seen
}

/// The best set, in the order of the plan, and whether none is better. That no two of them conflict does not mean that all
/// merge, so each is woven onto those before it by `weave`, and one that does not merge is out with what needs it.
fn together(
    plan: &Plan,
    fit: &[(&Item, Strand)],
    clashes: &[(usize, usize, Vec<Place>)],
    alone: &[Unfit],
    by: By,
    mut weave: impl FnMut(ObjectId, &Strand) -> Result<Option<ObjectId>>,
    base: ObjectId,
) -> Result<(Vec<String>, bool)> {
    let mut out: HashSet<&str> = alone.iter().map(|unfit| unfit.item.as_str()).collect();
    let in_play: Vec<usize> = (0..fit.len()).filter(|at| needs(plan, fit[*at].0).is_disjoint(&out)).collect();
    let number: HashMap<&str, usize> = in_play.iter().enumerate().map(|(number, at)| (fit[*at].0.name.as_str(), number)).collect();
    let mut priorities: Vec<i64> = in_play.iter().map(|at| fit[*at].0.priority).collect();
    priorities.sort_unstable();
    priorities.dedup();
    let rank = |item: &Item| priorities.iter().rev().position(|priority| *priority == item.priority).unwrap_or(0);
    let mut graph = Graph {
        ranks: in_play.iter().map(|at| if by == By::Priority { rank(fit[*at].0) } else { 0 }).collect(),
        against: vec![BTreeSet::new(); in_play.len()],
        needs: in_play
            .iter()
            .map(|at| needs(plan, fit[*at].0).into_iter().filter_map(|name| number.get(name).copied()).collect())
            .collect(),
    };
    for (one, other, _) in clashes {
        if let (Some(&one), Some(&other)) = (number.get(fit[*one].0.name.as_str()), number.get(fit[*other].0.name.as_str())) {
            graph.against[one].insert(other);
            graph.against[other].insert(one);
        }
    }
    let (chosen, is_largest) = best_set(&graph);
    let (mut tip, mut landed) = (base, Vec::new());
    for (item, strand) in chosen.into_iter().map(|number| &fit[in_play[number]]) {
        let woven = if needs(plan, item).is_disjoint(&out) { weave(tip, strand)? } else { None };
        match woven {
            Some(grown) => {
                tip = grown;
                landed.push(item.name.clone());
            }
            None => drop(out.insert(&item.name)),
        }
    }
    Ok((landed, is_largest))
}
