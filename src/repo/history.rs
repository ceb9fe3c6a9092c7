//! Questions about ancestry that share what they have read: which commits one side has and the other lacks, and the merge
//! bases of two commits.
//!
//! Both are walks by falling generation number, or falling date where the commit-graph does not know a commit, as in
//! git's `paint_down_to_common` and `limit_list` (commit-reach.c, revision.c, Documentation/technical/commit-graph).

use crate::model::{Error, Result};
use gix::ObjectId;
use std::collections::{BinaryHeap, HashMap, HashSet};

/// The generation of a commit that the commit-graph does not know.
const UNKNOWN_GENERATION: u32 = u32::MAX;

/// Without generation numbers a clock that was wrong can hide that a commit is reached; walks go on for this many seconds
/// of history beyond the point where they seem done (as `CUTOFF_DATE_SLOP` in git's name-rev.c).
const CLOCK_SLOP: i64 = 86_400;

/// What has been read of a repository's history. It stays true as long as it is used with one repository.
#[derive(Default)]
pub struct History {
    graph: Option<Option<gix::commitgraph::Graph>>,
    known: HashMap<ObjectId, u32>,
    nodes: Vec<Node>,
}

struct Node {
    id: ObjectId,
    time: i64,
    generation: u32,
    /// The parents' ids as the commit itself has them; absent where the commit-graph knows them.
    parent_ids: Option<Vec<ObjectId>>,
    /// The parents, once a walk has come by.
    parents: Option<Vec<u32>>,
}

/// Commits in the order in which a walk takes them: by generation, then date, then age in this history.
type Queue = BinaryHeap<(u32, i64, u32)>;

impl History {
    /// The commits that `head` reaches and none of `hidden` does, newest first.
    pub fn ahead(&mut self, git: &gix::Repository, head: ObjectId, hidden: &[ObjectId]) -> Result<Vec<ObjectId>> {
        const WANTED: u8 = 1;
        const HIDDEN: u8 = 2;
        const QUEUED: u8 = 4;
        let mut flags: HashMap<u32, u8> = HashMap::new();
        let mut queue = Queue::new();
        let mut wanted_in_queue = 0_usize;
        for (id, paint) in hidden.iter().map(|id| (*id, HIDDEN)).chain([(head, WANTED)]) {
            let node = self.node(git, id)?;
            let flag = flags.entry(node).or_default();
            if *flag & QUEUED == 0 {
                queue.push(self.key(node));
            }
            *flag |= paint | QUEUED;
        }
        wanted_in_queue += flags.values().filter(|f| **f & HIDDEN == 0).count();
        let mut found = Vec::new();
        let mut oldest_found = i64::MAX;
        while let Some(&(generation, time, node)) = queue.peek() {
            let in_doubt = generation == UNKNOWN_GENERATION && time.saturating_add(CLOCK_SLOP) >= oldest_found;
            if wanted_in_queue == 0 && !in_doubt {
                break;
            }
            queue.pop();
            let flag = flags.entry(node).or_default();
            *flag &= !QUEUED;
            let paint = if *flag & HIDDEN == 0 { WANTED } else { HIDDEN };
            if paint == WANTED {
                wanted_in_queue -= 1;
                found.push(node);
                if generation == UNKNOWN_GENERATION {
                    oldest_found = oldest_found.min(time);
                }
            }
            for parent in self.parents(git, node)? {
                let flag = flags.entry(parent).or_default();
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
        let reached = |node: &u32| flags.get(node).is_some_and(|f| f & HIDDEN == 0);
        Ok(found.into_iter().filter(reached).map(|node| self.nodes[node as usize].id).collect())
    }

    /// The best common ancestors of two commits, as `git merge-base --all` gives them; in no meaningful order.
    pub fn merge_bases(&mut self, git: &gix::Repository, one: ObjectId, other: ObjectId) -> Result<Vec<ObjectId>> {
        const ONE: u8 = 1;
        const OTHER: u8 = 2;
        const STALE: u8 = 4;
        const RESULT: u8 = 8;
        if one == other {
            return Ok(vec![one]);
        }
        let mut flags: HashMap<u32, u8> = HashMap::new();
        let mut queue = Queue::new();
        let mut fresh: HashSet<u32> = HashSet::new();
        for (id, paint) in [(one, ONE), (other, OTHER)] {
            let node = self.node(git, id)?;
            flags.insert(node, paint);
            queue.push(self.key(node));
            fresh.insert(node);
        }
        let mut candidates = Vec::new();
        while !fresh.is_empty()
            && let Some((_, _, node)) = queue.pop()
        {
            fresh.remove(&node);
            let flag = flags.entry(node).or_default();
            let mut paint = *flag & (ONE | OTHER | STALE);
            if paint == ONE | OTHER {
                if *flag & RESULT == 0 {
                    *flag |= RESULT;
                    candidates.push(node);
                }
                paint |= STALE;
            }
            for parent in self.parents(git, node)? {
                let flag = flags.entry(parent).or_default();
                if *flag & paint == paint {
                    continue;
                }
                *flag |= paint;
                if *flag & STALE == 0 {
                    fresh.insert(parent);
                } else {
                    fresh.remove(&parent);
                }
                queue.push(self.key(parent));
            }
        }
        let mut bases: Vec<ObjectId> = candidates
            .into_iter()
            .filter(|node| flags.get(node).is_some_and(|f| f & STALE == 0))
            .map(|node| self.nodes[node as usize].id)
            .collect();
        let mut at = 0;
        while bases.len() > 1 && at < bases.len() {
            let (base, others) = (bases[at], bases.iter().copied().filter(|b| *b != bases[at]).collect::<Vec<_>>());
            if self.ahead(git, base, &others)?.is_empty() {
                bases.remove(at);
            } else {
                at += 1;
            }
        }
        Ok(bases)
    }

    fn key(&self, node: u32) -> (u32, i64, u32) {
        let known = &self.nodes[node as usize];
        (known.generation, known.time, node)
    }

    fn node(&mut self, git: &gix::Repository, id: ObjectId) -> Result<u32> {
        if let Some(node) = self.known.get(&id) {
            return Ok(*node);
        }
        let in_graph = self.graph(git)?.and_then(|graph| {
            let commit = graph.commit_by_id(id)?;
            Some((commit.committer_timestamp().cast_signed(), commit.generation()))
        });
        let (time, generation, parent_ids) = match in_graph {
            // Generation 0 means that the file has none.
            Some((time, generation @ 1..)) => (time, generation, None),
            _ => {
                let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read commit {id}"), e);
                let commit = git.find_commit(id).map_err(|e| reading(&e))?;
                let time = commit.time().map_err(|e| reading(&e))?.seconds;
                // A shallow clone ends where git says, whatever the commit says of its parents.
                let boundary = git.shallow_commits().map_err(|e| reading(&e))?;
                let cut = boundary.is_some_and(|boundary| boundary.contains(&id));
                let parents = if cut { Vec::new() } else { commit.parent_ids().map(gix::Id::detach).collect() };
                (time, UNKNOWN_GENERATION, Some(parents))
            }
        };
        let node = u32::try_from(self.nodes.len()).map_err(|e| Error::git("walk the history", e))?;
        self.known.insert(id, node);
        self.nodes.push(Node { id, time, generation, parent_ids, parents: None });
        Ok(node)
    }

    fn parents(&mut self, git: &gix::Repository, node: u32) -> Result<Vec<u32>> {
        let at = node as usize;
        if let Some(parents) = &self.nodes[at].parents {
            return Ok(parents.clone());
        }
        let ids = match self.nodes[at].parent_ids.take() {
            Some(ids) => ids,
            None => self.parents_in_graph(git, self.nodes[at].id)?,
        };
        let parents = ids.into_iter().map(|id| self.node(git, id)).collect::<Result<Vec<u32>>>()?;
        self.nodes[at].parents = Some(parents.clone());
        Ok(parents)
    }

    fn parents_in_graph(&mut self, git: &gix::Repository, id: ObjectId) -> Result<Vec<ObjectId>> {
        let Some(graph) = self.graph(git)? else { return Ok(Vec::new()) };
        let Some(commit) = graph.commit_by_id(id) else { return Ok(Vec::new()) };
        let parents = commit.iter_parents().map(|parent| parent.map(|position| graph.id_at(position).to_owned()));
        parents.collect::<Result<_, _>>().map_err(|e| Error::git("read the commit-graph", e).hint("git commit-graph write --reachable"))
    }

    fn graph(&mut self, git: &gix::Repository) -> Result<Option<&gix::commitgraph::Graph>> {
        if self.graph.is_none() {
            // A commit-graph that cannot be read only costs time: the commits themselves say the same.
            self.graph = Some(git.commit_graph_if_enabled().unwrap_or_default());
        }
        Ok(self.graph.as_ref().and_then(Option::as_ref))
    }
}
