//! Questions about ancestry that share what they have read: which commits one side has and the other lacks, and the merge
//! bases of two commits.
//!
//! Both are walks by falling corrected date or generation number, whichever the commit-graph has, or by falling date where it
//! does not know a commit, as in git's `paint_down_to_common` and `limit_list` (commit-reach.c, revision.c,
//! Documentation/technical/commit-graph).

use super::corrected_dates::CorrectedDates;
use crate::model::{Error, Result};
use gix::{ObjectId, commitgraph::Position};
use std::{
    collections::{BinaryHeap, HashSet},
    ops::Range,
    rc::Rc,
};

/// The generation of a commit that the commit-graph does not know.
const UNKNOWN_GENERATION: u64 = u64::MAX;

/// Without generation numbers a clock that was wrong can hide that a commit is reached; walks go on for this many seconds
/// of history beyond the point where they seem done (as `CUTOFF_DATE_SLOP` in git's name-rev.c).
const CLOCK_SLOP: i64 = 86_400;

/// How many first parents back a tip is looked for that the new one may have grown from.
const LONGEST_GROWTH: usize = 10_000;

/// What has been read of a repository's history. It stays true as long as it is used with one repository.
#[derive(Default)]
pub struct History {
    graph: Option<Option<Rc<CommitGraph>>>,
    /// By position in the commit-graph.
    in_graph: Vec<Option<u32>>,
    /// The others.
    known: gix::hashtable::HashMap<ObjectId, u32>,
    nodes: Vec<Node>,
    /// The parents of one node after the other.
    edges: Vec<u32>,
    reach: Reach,
    /// Lent to one walk after the other.
    bits: Vec<u8>,
}

struct CommitGraph {
    graph: gix::commitgraph::Graph,
    dates: Option<CorrectedDates>,
}

impl CommitGraph {
    fn open(git: &gix::Repository) -> Option<CommitGraph> {
        let (info, hash_bytes) = (git.objects.store_ref().path().join("info"), git.object_hash().len_in_bytes());
        let dates = CorrectedDates::read(&info, hash_bytes);
        // A commit-graph that cannot be read only costs time: the commits themselves say the same.
        let graph = git.commit_graph_if_enabled().ok()??;
        let dates = dates.filter(|dates| dates.offsets.len() == graph.num_commits() as usize && dates.are_of(&info, hash_bytes));
        Some(CommitGraph { graph, dates })
    }

    /// Date and generation of a commit; `None` where the file has no generations.
    fn key(&self, position: Position) -> Option<(i64, u64)> {
        let commit = self.graph.commit_at(position);
        let (time, level) = (commit.committer_timestamp(), commit.generation());
        let corrected = self.dates.as_ref().map(|dates| time + u64::from(dates.offsets[position.0 as usize]));
        (level > 0).then(|| (time.cast_signed(), corrected.unwrap_or(level.into())))
    }
}

struct Node {
    id: ObjectId,
    time: i64,
    /// A number that is higher than that of each parent.
    generation: u64,
    parents: Parents,
}

/// The parents of a commit. Some are for each of a long history: they are kept small.
enum Parents {
    /// As the commit-graph has them for the commit at this position.
    InGraph(Position),
    /// As the commit itself names them.
    Named(Box<[ObjectId]>),
    /// Where they are in `edges`: a walk has come by.
    Found(Range<u32>),
}

/// A few bits per commit that one walk has marked. The memory is lent from walk to walk.
struct Paint {
    bits: Vec<u8>,
    marked: Vec<u32>,
}

impl Paint {
    fn of(&mut self, node: u32) -> &mut u8 {
        let at = node as usize;
        if self.bits.len() <= at {
            self.bits.resize(at + at / 2 + 64, 0);
        }
        if self.bits[at] == 0 {
            self.marked.push(node);
        }
        &mut self.bits[at]
    }

    fn get(&self, node: u32) -> u8 {
        self.bits.get(node as usize).copied().unwrap_or(0)
    }

    fn clean(mut self) -> Vec<u8> {
        for node in self.marked {
            self.bits[node as usize] = 0;
        }
        self.bits
    }
}

/// What one tip reaches, explored only as deep as was asked.
#[derive(Default)]
struct Reach {
    tip: Option<u32>,
    /// By node: whether the tip is known to reach it.
    inside: Vec<bool>,
    /// Nodes inside whose parents are not marked yet.
    open: Queue,
}

/// Commits in the order in which a walk takes them: by generation, then date, then age in this history.
type Queue = BinaryHeap<(u64, i64, u32)>;

impl super::Repo {
    /// Whether `newer` is `older` or holds it in its history.
    pub fn is_ancestor(&self, older: ObjectId, newer: ObjectId) -> Result<bool> {
        Ok(older == newer || History::default().ahead(&self.git, older, &[newer])?.is_empty())
    }
}

impl History {
    /// The commits that `head` reaches and none of `hidden` does, newest first.
    pub fn ahead(&mut self, git: &gix::Repository, head: ObjectId, hidden: &[ObjectId]) -> Result<Vec<ObjectId>> {
        const WANTED: u8 = 1;
        const HIDDEN: u8 = 2;
        const QUEUED: u8 = 4;
        let mut flags = self.paint();
        let mut queue = Queue::new();
        for (id, paint) in hidden.iter().map(|id| (*id, HIDDEN)).chain([(head, WANTED)]) {
            let node = self.node(git, id)?;
            let flag = flags.of(node);
            if *flag & QUEUED == 0 {
                queue.push(self.key(node));
            }
            *flag |= paint | QUEUED;
        }
        let mut wanted_in_queue = usize::from(!hidden.contains(&head));
        let mut found = Vec::new();
        let mut oldest_found = i64::MAX;
        while let Some(&(generation, time, node)) = queue.peek() {
            let in_doubt = generation == UNKNOWN_GENERATION && time.saturating_add(CLOCK_SLOP) >= oldest_found;
            if wanted_in_queue == 0 && !in_doubt {
                break;
            }
            queue.pop();
            let flag = flags.of(node);
            *flag &= !QUEUED;
            let paint = if *flag & HIDDEN == 0 { WANTED } else { HIDDEN };
            if paint == WANTED {
                wanted_in_queue -= 1;
                found.push(node);
                if generation == UNKNOWN_GENERATION {
                    oldest_found = oldest_found.min(time);
                }
            }
            for edge in self.parents(git, node)? {
                let parent = self.edges[edge];
                let flag = flags.of(parent);
                if *flag & paint != 0 || *flag & HIDDEN != 0 {
                    continue;
                }
                let was_wanted_in_queue = *flag & QUEUED != 0 && *flag & HIDDEN == 0;
                *flag |= paint;
                if *flag & QUEUED == 0 {
                    *flag |= QUEUED;
                    queue.push(self.key(parent));
                    wanted_in_queue += usize::from(paint == WANTED);
                } else if was_wanted_in_queue && paint == HIDDEN {
                    wanted_in_queue -= 1;
                }
            }
        }
        found.retain(|node| flags.get(*node) & HIDDEN == 0);
        self.bits = flags.clean();
        Ok(found.into_iter().map(|node| self.nodes[node as usize].id).collect())
    }

    /// The best common ancestors of two commits, as `git merge-base --all` gives them; in no meaningful order.
    pub fn merge_bases(&mut self, git: &gix::Repository, one: ObjectId, other: ObjectId) -> Result<Vec<ObjectId>> {
        const ONE: u8 = 1;
        const OTHER: u8 = 2;
        const STALE: u8 = 4;
        const RESULT: u8 = 8;
        const QUEUED: u8 = 16;
        if one == other {
            return Ok(vec![one]);
        }
        let mut flags = self.paint();
        let mut queue = Queue::new();
        // Queued commits that are not known to be reached by a candidate.
        let mut fresh = 0_usize;
        for (id, paint) in [(one, ONE), (other, OTHER)] {
            let node = self.node(git, id)?;
            *flags.of(node) = paint | QUEUED;
            queue.push(self.key(node));
            fresh += 1;
        }
        let mut candidates = Vec::new();
        while fresh > 0
            && let Some((_, _, node)) = queue.pop()
        {
            let flag = flags.of(node);
            *flag &= !QUEUED;
            fresh -= usize::from(*flag & STALE == 0);
            let mut paint = *flag & (ONE | OTHER | STALE);
            if paint == ONE | OTHER {
                if *flag & RESULT == 0 {
                    *flag |= RESULT;
                    candidates.push(node);
                }
                paint |= STALE;
            }
            for edge in self.parents(git, node)? {
                let parent = self.edges[edge];
                let flag = flags.of(parent);
                if *flag & paint == paint {
                    continue;
                }
                let was_fresh = *flag & QUEUED != 0 && *flag & STALE == 0;
                *flag |= paint;
                let is_fresh = *flag & STALE == 0;
                if *flag & QUEUED == 0 {
                    *flag |= QUEUED;
                    queue.push(self.key(parent));
                    fresh += usize::from(is_fresh);
                } else if was_fresh && !is_fresh {
                    fresh -= 1;
                }
            }
        }
        candidates.retain(|node| flags.get(*node) & STALE == 0);
        self.bits = flags.clean();
        let mut bases: Vec<ObjectId> = candidates.into_iter().map(|node| self.nodes[node as usize].id).collect();
        self.drop_redundant(git, &mut bases)?;
        Ok(bases)
    }

    /// Take out the commits that others of the list reach.
    fn drop_redundant(&mut self, git: &gix::Repository, commits: &mut Vec<ObjectId>) -> Result<()> {
        let mut at = 0;
        while commits.len() > 1 && at < commits.len() {
            let others: Vec<ObjectId> = commits.iter().copied().filter(|c| *c != commits[at]).collect();
            if self.is_reached(git, commits[at], &others)? {
                commits.remove(at);
            } else {
                at += 1;
            }
        }
        Ok(())
    }

    /// Whether one of `tips` reaches `commit`. Nothing of a lower generation is looked at, for it cannot.
    fn is_reached(&mut self, git: &gix::Repository, commit: ObjectId, tips: &[ObjectId]) -> Result<bool> {
        let commit = self.node(git, commit)?;
        let key = self.key(commit);
        let mut seen = self.paint();
        let mut open = Vec::new();
        for tip in tips {
            open.push(self.node(git, *tip)?);
        }
        let mut found = false;
        while let (false, Some(node)) = (found, open.pop()) {
            found = node == commit;
            if can_reach(self.key(node), key) {
                for edge in self.parents(git, node)? {
                    let parent = self.edges[edge];
                    if seen.get(parent) == 0 {
                        *seen.of(parent) = 1;
                        open.push(parent);
                    }
                }
            }
        }
        self.bits = seen.clean();
        Ok(found)
    }

    fn paint(&mut self) -> Paint {
        Paint { bits: std::mem::take(&mut self.bits), marked: Vec::new() }
    }

    /// The merge bases of `tip` and `head`, for a tip that stays or grows from call to call: what it reaches is explored
    /// once, only as deep as heads go, and kept. A call costs what the head adds, not what lies between it and the tip.
    pub fn bases_with_tip(&mut self, git: &gix::Repository, tip: ObjectId, head: ObjectId) -> Result<Vec<ObjectId>> {
        self.move_reach(git, tip)?;
        let head = self.node(git, head)?;
        loop {
            let (mut own, mut bases) = (Vec::new(), Vec::new());
            let mut seen: HashSet<u32> = HashSet::from([head]);
            let mut queue = Queue::from(vec![self.key(head)]);
            while let Some((_, _, node)) = queue.pop() {
                self.explore_past(git, node)?;
                if self.reach.inside.get(node as usize) == Some(&true) {
                    bases.push(node);
                    continue;
                }
                own.push(node);
                for edge in self.parents(git, node)? {
                    let parent = self.edges[edge];
                    if seen.insert(parent) {
                        queue.push(self.key(parent));
                    }
                }
            }
            // A wrong clock can hide for a while that the tip reaches a commit; the deeper exploration has found it now.
            if own.iter().any(|node| self.reach.inside.get(*node as usize) == Some(&true)) {
                continue;
            }
            let mut bases: Vec<ObjectId> = bases.into_iter().map(|node| self.nodes[node as usize].id).collect();
            self.drop_redundant(git, &mut bases)?;
            return Ok(bases);
        }
    }

    /// Make `tip` the one whose reach is explored. One that has the former tip on its first-parent line reaches all that
    /// one did.
    fn move_reach(&mut self, git: &gix::Repository, tip: ObjectId) -> Result<()> {
        let tip = self.node(git, tip)?;
        if self.reach.tip == Some(tip) {
            return Ok(());
        }
        let mut grows = false;
        if let Some(former) = self.reach.tip {
            let mut line = Some(tip);
            for _ in 0..LONGEST_GROWTH {
                let Some(node) = line else { break };
                grows = node == former;
                if grows || !can_reach(self.key(node), self.key(former)) {
                    break;
                }
                line = self.parents(git, node)?.next().map(|edge| self.edges[edge]);
            }
        }
        if !grows {
            self.reach = Reach::default();
        }
        self.reach.tip = Some(tip);
        self.mark_inside(tip);
        Ok(())
    }

    fn mark_inside(&mut self, node: u32) {
        let at = node as usize;
        if self.reach.inside.len() <= at {
            self.reach.inside.resize(self.nodes.len().max(at + 1), false);
        }
        if !self.reach.inside[at] {
            self.reach.inside[at] = true;
            self.reach.open.push(self.key(node));
        }
    }

    /// Explore what the tip reaches until nothing that is open can lead to `node`.
    fn explore_past(&mut self, git: &gix::Repository, node: u32) -> Result<()> {
        let key = self.key(node);
        while let Some(&open_key) = self.reach.open.peek()
            && can_reach(open_key, key)
        {
            let (_, _, open) = open_key;
            self.reach.open.pop();
            for edge in self.parents(git, open)? {
                let parent = self.edges[edge];
                self.mark_inside(parent);
            }
        }
        Ok(())
    }

    fn key(&self, node: u32) -> (u64, i64, u32) {
        let known = &self.nodes[node as usize];
        (known.generation, known.time, node)
    }

    fn node(&mut self, git: &gix::Repository, id: ObjectId) -> Result<u32> {
        if let Some(node) = self.known.get(&id) {
            return Ok(*node);
        }
        if let Some(graph) = self.graph(git)
            && let Some(position) = graph.graph.lookup(id)
            && let Some(node) = self.node_at(&graph, position)?
        {
            return Ok(node);
        }
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read commit {id}"), e);
        let commit = git.find_commit(id).map_err(|e| reading(&e))?;
        let time = commit.time().map_err(|e| reading(&e))?.seconds;
        // A shallow clone ends where git says, whatever the commit says of its parents.
        let boundary = git.shallow_commits().map_err(|e| reading(&e))?;
        let cut = boundary.is_some_and(|boundary| boundary.contains(&id));
        let parents = Parents::Named(if cut { Box::default() } else { commit.parent_ids().map(gix::Id::detach).collect() });
        let node = self.add(Node { id, time, generation: UNKNOWN_GENERATION, parents })?;
        self.known.insert(id, node);
        Ok(node)
    }

    fn node_at(&mut self, graph: &CommitGraph, position: Position) -> Result<Option<u32>> {
        let at = position.0 as usize;
        if let Some(Some(node)) = self.in_graph.get(at) {
            return Ok(Some(*node));
        }
        let Some((time, generation)) = graph.key(position) else { return Ok(None) };
        let id = graph.graph.id_at(position).to_owned();
        let node = self.add(Node { id, time, generation, parents: Parents::InGraph(position) })?;
        if self.in_graph.is_empty() {
            self.in_graph.resize(graph.graph.num_commits() as usize, None);
        }
        self.in_graph[at] = Some(node);
        Ok(Some(node))
    }

    fn add(&mut self, node: Node) -> Result<u32> {
        let at = u32::try_from(self.nodes.len()).map_err(|e| Error::git("walk the history", e))?;
        self.nodes.push(node);
        Ok(at)
    }

    /// The parents of a node, as places in `edges`.
    fn parents(&mut self, git: &gix::Repository, node: u32) -> Result<Range<usize>> {
        let at = node as usize;
        let mut parents = Vec::with_capacity(2);
        match &mut self.nodes[at].parents {
            Parents::Found(found) => return Ok(found.start as usize..found.end as usize),
            Parents::InGraph(position) => {
                let position = *position;
                let graph = self.graph(git).ok_or_else(|| broken_graph(&"it is gone"))?;
                for parent in graph.graph.commit_at(position).iter_parents() {
                    let parent = parent.map_err(|e| broken_graph(&e))?;
                    parents.push(self.node_at(&graph, parent)?.ok_or_else(|| broken_graph(&"a commit is without generation"))?);
                }
            }
            Parents::Named(ids) => {
                for id in std::mem::take(ids) {
                    parents.push(self.node(git, id)?);
                }
            }
        }
        let start = self.edges.len();
        self.edges.extend(parents);
        let place = |at: usize| u32::try_from(at).map_err(|e| Error::git("walk the history", e));
        self.nodes[at].parents = Parents::Found(place(start)?..place(self.edges.len())?);
        Ok(start..self.edges.len())
    }

    /// The tree of a commit, where the commit-graph knows it.
    pub fn tree_in_graph(&mut self, git: &gix::Repository, id: ObjectId) -> Option<ObjectId> {
        Some(self.graph(git)?.graph.commit_by_id(id)?.root_tree_id().to_owned())
    }

    fn graph(&mut self, git: &gix::Repository) -> Option<Rc<CommitGraph>> {
        self.graph.get_or_insert_with(|| CommitGraph::open(git).map(Rc::new)).clone()
    }
}

fn broken_graph(why: &dyn std::fmt::Display) -> Error {
    Error::git("read the commit-graph", why).hint("git commit-graph write --reachable")
}

/// Whether a commit could be an ancestor of another, as far as generation and date tell (`key` of [`Queue`]).
fn can_reach(from: (u64, i64, u32), to: (u64, i64, u32)) -> bool {
    match to.0 {
        UNKNOWN_GENERATION => from.0 == UNKNOWN_GENERATION && from.1.saturating_add(CLOCK_SLOP) >= to.1,
        known => from.0 > known,
    }
}
