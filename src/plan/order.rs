//! The merge pyramid: levels of items whose dependencies all lie in earlier levels.

use crate::model::{
    Error, Result,
    error::{Location, nearest},
    plan::{DepSource, Plan},
};
use petgraph::{algo, graph::DiGraph, graph::NodeIndex};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// The levels of a plan, as indices into its items: the topological order of Kahn (1962), each item at the length of its
/// longest chain of dependencies. Within a level, higher priorities first, then by name, so that the order of the
/// document does not matter.
///
/// Refused: two items of one name, a dependency that no item has, and a cycle, each by name.
pub fn order(plan: &Plan) -> Result<Vec<Vec<usize>>> {
    let graph = graph(plan)?;
    let sorted = algo::toposort(&graph, None).map_err(|_| cycle(plan, &path_of_cycle(plan, &graph)))?;
    let mut level = vec![0; plan.items.len()];
    for node in sorted {
        for dependent in graph.neighbors(node) {
            level[dependent.index()] = level[dependent.index()].max(level[node.index()] + 1);
        }
    }
    let mut levels = vec![Vec::new(); level.iter().max().map_or(0, |deepest| deepest + 1)];
    for (item, level) in level.into_iter().enumerate() {
        levels[level].push(item);
    }
    for level in &mut levels {
        level.sort_by_key(|&i| (std::cmp::Reverse(plan.items[i].priority), &plan.items[i].name));
    }
    Ok(levels)
}

/// Edges from each item to those that depend on it.
fn graph(plan: &Plan) -> Result<DiGraph<(), ()>> {
    let mut graph = DiGraph::with_capacity(plan.items.len(), plan.items.len());
    let mut by_name = HashMap::with_capacity(plan.items.len());
    for (index, item) in plan.items.iter().enumerate() {
        if by_name.insert(item.name.as_str(), graph.add_node(())).is_some() {
            return Err(Error::input("duplicate-item", format!("two items are called `{}`", item.name))
                .at(Location::new("plan").at_path(format!("items[{index}].name")))
                .hint("rename one of them"));
        }
    }
    for (index, item) in plan.items.iter().enumerate() {
        for (position, dep) in item.deps.iter().enumerate() {
            let Some(&needed) = by_name.get(dep.name.as_str()) else {
                let hint = match nearest(&dep.name, by_name.keys().copied().collect::<BTreeSet<_>>()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("add `{}` to the plan, or take the dependency away", dep.name),
                };
                return Err(Error::input(
                    "unknown-dependency",
                    format!("`{}` depends on `{}`, which is not in the plan", item.name, dep.name),
                )
                .at(Location::new("plan").at_path(format!("items[{index}].deps[{position}]")))
                .hint(hint));
            };
            graph.update_edge(needed, NodeIndex::new(index), ());
        }
    }
    Ok(graph)
}

/// A cycle in which no dependency is the plan's own: only the commits can mend it, or a plan without one of them.
pub(super) fn cycle_of_commits(plan: &Plan) -> Result<Option<Error>> {
    let graph = graph(plan)?;
    if !algo::is_cyclic_directed(&graph) {
        return Ok(None);
    }
    let path = path_of_cycle(plan, &graph);
    let mut closing = None;
    for step in path.windows(2) {
        let (item, needed) = (&plan.items[step[0]], &plan.items[step[1]].name);
        let Some(dep) = item.deps.iter().find(|dep| dep.name == *needed) else { continue };
        if dep.sources.contains(&DepSource::Plan) {
            return Ok(None);
        }
        // Stacking alone never goes round: a commit does not contain itself.
        if dep.sources.contains(&DepSource::Trailer) {
            closing = Some((item, needed));
        }
    }
    Ok(closing.map(|(item, needed)| {
        Error::input("cycle", format!("the dependencies go round in a circle: {}", words(plan, &path)))
            .at(Location::new(&item.branch).at_path("Depends-On"))
            .hint(format!(
                "a commit of `{0}` says that it depends on `{needed}`: amend that commit, or make the plan without `{0}`",
                item.name
            ))
    }))
}

/// The shortest cycle through the first name that lies on one.
fn path_of_cycle(plan: &Plan, graph: &DiGraph<(), ()>) -> Vec<usize> {
    let name = |n: NodeIndex| plan.items[n.index()].name.as_str();
    let on_cycle = |component: &Vec<NodeIndex>| component.len() > 1 || graph.contains_edge(component[0], component[0]);
    let knots: Vec<Vec<NodeIndex>> = algo::tarjan_scc(graph).into_iter().filter(on_cycle).collect();
    let Some(start) = knots.iter().flatten().copied().min_by_key(|n| name(*n)) else {
        return Vec::new();
    };
    // Breadth first along "depends on", each step in order of names, until the start is reached again.
    let mut came_from: BTreeMap<NodeIndex, NodeIndex> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        let mut needed: Vec<_> = graph.neighbors_directed(node, petgraph::Incoming).collect();
        needed.sort_by_key(|n| name(*n));
        for next in needed {
            if let std::collections::btree_map::Entry::Vacant(entry) = came_from.entry(next) {
                entry.insert(node);
                queue.push_back(next);
            }
        }
        if came_from.contains_key(&start) {
            break;
        }
    }
    let mut path = vec![start];
    while let Some(&before) = path.last().and_then(|last| came_from.get(last)) {
        path.push(before);
        if before == start {
            break;
        }
    }
    path.reverse();
    path.into_iter().map(NodeIndex::index).collect()
}

/// A cycle as an error that prints it. It blames a dependency that the plan states, which can be taken away, before one that
/// was found in commits.
fn cycle(plan: &Plan, path: &[usize]) -> Error {
    let stated = |step: &&[usize]| {
        let needed = &plan.items[step[1]].name;
        plan.items[step[0]].deps.iter().any(|dep| dep.name == *needed && dep.sources.contains(&DepSource::Plan))
    };
    let error = Error::input("cycle", format!("the dependencies go round in a circle: {}", words(plan, path)));
    match path.windows(2).find(stated).or(path.windows(2).next()) {
        Some(step) => error.at(Location::new("plan").at_path(format!("items[{}].deps", step[0]))).hint(format!(
            "take one of these dependencies away, such as the one of `{}` on `{}`",
            plan.items[step[0]].name, plan.items[step[1]].name
        )),
        None => error,
    }
}

/// A path of items' indices as their names, with arrows between them.
fn words(plan: &Plan, path: &[usize]) -> String {
    path.iter().map(|&i| plan.items[i].name.as_str()).collect::<Vec<_>>().join(" -> ")
}
