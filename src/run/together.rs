//! Who can land together: the best independent set in the graph of clashes that holds all that its members depend on, by branch
//! and bound (Land, Doig: An Automatic Method of Solving Discrete Programming Problems, 1960), component by component.

use std::collections::BTreeSet;

/// After so many steps in one component the best set seen so far is taken.
const MOST_STEPS: usize = 20_000;

/// Items by number: how they count, who clashes with whom, and who needs whom.
pub(super) struct Graph {
    /// By item, its rank: a better one outweighs any number of worse ones. 0 is the best.
    pub ranks: Vec<usize>,
    /// By item, those it clashes with.
    pub against: Vec<BTreeSet<usize>>,
    /// By item, all those that it depends on, directly or not.
    pub needs: Vec<BTreeSet<usize>>,
}

/// How many items of each rank; compared from the best rank on.
type Score = Vec<usize>;

struct Search<'g> {
    graph: &'g Graph,
    /// By item, all that depend on it.
    needed_by: Vec<BTreeSet<usize>>,
    best: (Score, Vec<usize>),
    steps: usize,
}

/// The best set, sorted, and whether it is certain that none is better.
pub(super) fn best_set(graph: &Graph) -> (Vec<usize>, bool) {
    let count = graph.ranks.len();
    let mut needed_by = vec![BTreeSet::new(); count];
    for (item, needs) in graph.needs.iter().enumerate() {
        for needed in needs {
            needed_by[*needed].insert(item);
        }
    }
    let (mut chosen, mut certain) = (Vec::new(), true);
    for component in components(graph, &needed_by) {
        let mut search = Search { graph, needed_by: needed_by.clone(), best: (Vec::new(), Vec::new()), steps: 0 };
        search.best.0 = vec![0; ranks(graph)];
        search.branch(BTreeSet::new(), component);
        certain &= search.steps < MOST_STEPS;
        chosen.extend(search.best.1);
    }
    chosen.sort_unstable();
    (chosen, certain)
}

fn ranks(graph: &Graph) -> usize {
    graph.ranks.iter().max().map_or(0, |worst| worst + 1)
}

/// Items that neither clash with nor need one of another component can be chosen without regard to it.
fn components(graph: &Graph, needed_by: &[BTreeSet<usize>]) -> Vec<BTreeSet<usize>> {
    let (mut seen, mut found) = (vec![false; graph.ranks.len()], Vec::new());
    for start in 0..graph.ranks.len() {
        let (mut component, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(item) = open.pop() {
            if !std::mem::replace(&mut seen[item], true) {
                component.insert(item);
                open.extend(graph.against[item].iter().chain(&graph.needs[item]).chain(&needed_by[item]));
            }
        }
        if !component.is_empty() {
            found.push(component);
        }
    }
    found
}

impl Search<'_> {
    fn score(&self, items: impl Iterator<Item = usize>) -> Score {
        let mut score = vec![0; ranks(self.graph)];
        items.for_each(|item| score[self.graph.ranks[item]] += 1);
        score
    }

    /// Try what can be made of `chosen` with items of `open`, none of which is against it.
    fn branch(&mut self, mut chosen: BTreeSet<usize>, mut open: BTreeSet<usize>) {
        self.steps += 1;
        // Who is against nobody that is left is in; what it needs is in or open.
        while let Some(free) = open.iter().copied().find(|item| self.is_free(*item, &open)) {
            for item in self.with_needs(free, &chosen) {
                open.remove(&item);
                chosen.insert(item);
            }
        }
        let bound = self.score(chosen.iter().chain(&open).copied());
        if bound <= self.best.0 {
            return;
        }
        let rivals = |item: &usize| self.graph.against[*item].intersection(&open).count();
        let Some(pick) = open.iter().copied().min_by_key(|item| (self.graph.ranks[*item], std::cmp::Reverse(rivals(item)), *item)) else {
            self.best = (bound, chosen.into_iter().collect());
            return;
        };
        if self.steps >= MOST_STEPS {
            // Give up searching, but not before this way is walked to its end.
            let greedy = open.iter().copied().min_by_key(|item| (self.graph.ranks[*item], rivals(item), *item)).unwrap_or(pick);
            self.take(greedy, chosen, open);
            return;
        }
        self.take(pick, chosen.clone(), open.clone());
        let mut without = open;
        without.remove(&pick);
        without.retain(|item| !self.needed_by[pick].contains(item));
        self.branch(chosen, without);
    }

    fn take(&mut self, item: usize, mut chosen: BTreeSet<usize>, mut open: BTreeSet<usize>) {
        let group = self.with_needs(item, &chosen);
        for item in &group {
            open.remove(item);
            for rival in &self.graph.against[*item] {
                open.remove(rival);
                open.retain(|item| !self.needed_by[*rival].contains(item));
            }
        }
        // A group that is at odds with itself, or whose needs are out, is no choice.
        let whole =
            group.iter().all(|item| self.graph.against[*item].is_disjoint(&group) && self.graph.against[*item].is_disjoint(&chosen));
        if whole {
            chosen.extend(group);
            self.branch(chosen, open);
        }
    }

    fn with_needs(&self, item: usize, chosen: &BTreeSet<usize>) -> BTreeSet<usize> {
        self.graph.needs[item].iter().copied().chain([item]).filter(|item| !chosen.contains(item)).collect()
    }

    fn is_free(&self, item: usize, open: &BTreeSet<usize>) -> bool {
        let needs = &self.graph.needs[item];
        needs.iter().chain([&item]).all(|item| self.graph.against[*item].is_disjoint(open))
    }
}

#[cfg(test)]
mod tests {
    use super::{Graph, best_set};
    use std::collections::BTreeSet;

    fn graph(count: usize, clashes: &[(usize, usize)], needs: &[(usize, usize)], ranks: &[usize]) -> Graph {
        let mut graph = Graph { ranks: ranks.to_vec(), against: vec![BTreeSet::new(); count], needs: vec![BTreeSet::new(); count] };
        graph.ranks.resize(count, 0);
        for (one, other) in clashes {
            graph.against[*one].insert(*other);
            graph.against[*other].insert(*one);
        }
        for (item, needed) in needs {
            graph.needs[*item].insert(*needed);
        }
        graph
    }

    #[test]
    fn more_items_win_unless_a_better_one_is_among_the_others() {
        assert_eq!(best_set(&graph(4, &[(0, 1), (0, 2), (0, 3)], &[], &[])), (vec![1, 2, 3], true));
        assert_eq!(best_set(&graph(4, &[(0, 1), (0, 2), (0, 3)], &[], &[0, 1, 1, 1])), (vec![0], true));
        assert_eq!(best_set(&graph(3, &[(0, 1)], &[(2, 1)], &[])), (vec![1, 2], true), "with what it needs");
        assert_eq!(best_set(&graph(0, &[], &[], &[])), (vec![], true));
    }

    /// Every set of small graphs is tried, which leaves no doubt.
    #[test]
    fn no_set_is_better() {
        let mut seed = 7_u64;
        let mut dice = |sides: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % sides
        };
        for _ in 0..300 {
            let count = 2 + dice(8);
            let clashes: Vec<_> = (0..dice(12)).map(|_| (dice(count), dice(count))).filter(|(one, other)| one != other).collect();
            // An item needs only earlier ones, and all that those need.
            let mut graph = graph(count, &clashes, &[], &(0..count).map(|_| dice(3)).collect::<Vec<_>>());
            for item in 1..count {
                if dice(3) == 0 {
                    let needed = dice(item);
                    let mut all = graph.needs[needed].clone();
                    all.insert(needed);
                    graph.needs[item] = all;
                }
            }
            let score =
                |set: &[usize]| (0..3).map(|rank| set.iter().filter(|item| graph.ranks[**item] == rank).count()).collect::<Vec<_>>();
            let fits = |set: &[usize]| {
                set.iter().all(|item| {
                    graph.needs[*item].iter().all(|needed| set.contains(needed))
                        && graph.against[*item].iter().all(|rival| !set.contains(rival))
                })
            };
            let best = (0..1_usize << count)
                .map(|bits| (0..count).filter(|item| bits >> item & 1 == 1).collect::<Vec<_>>())
                .filter(|set| fits(set))
                .map(|set| score(&set))
                .max();
            let (set, certain) = best_set(&graph);
            assert!(certain && fits(&set), "{set:?}");
            assert_eq!(Some(score(&set)), best, "{set:?}");
        }
    }
}
