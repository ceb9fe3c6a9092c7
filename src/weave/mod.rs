//! Candidates: the commit that the target would be if an item, on top of those before it, landed. Computed in memory;
//! nothing reaches the object database before [`Weaver::persist`].

mod changes;
mod clash;
mod court;
mod diff;
mod engine;
mod markers;
mod pairs;
mod renames;
mod similarity;
mod strategy;
mod text;

pub use changes::Changed;

use crate::{
    model::{Error, Result, plan::Strategy},
    repo::{History, Repo},
};
use court::Court;
use engine::{Engine, OpenFile};
use gix::{ObjectId, bstr::ByteSlice, objs::Write};
use std::{cell::RefCell, collections::HashSet};

/// What to weave.
#[derive(Clone, Copy, Debug)]
pub struct Strand<'a> {
    /// The item's name, for the candidate's message.
    pub name: &'a str,
    /// Its branch.
    pub branch: &'a str,
    /// Its commit.
    pub head: ObjectId,
    /// How its commits reach the target.
    pub strategy: Strategy,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Woven {
    /// A candidate, and its tree.
    Clean {
        /// The candidate.
        commit: ObjectId,
        /// Its tree.
        tree: ObjectId,
    },
    /// The tip holds the item already.
    UpToDate,
    /// Git calls it a conflict.
    Conflict {
        /// The paths, sorted.
        paths: Vec<String>,
        /// Of a rebase: the commit that did not apply.
        commit: Option<ObjectId>,
    },
    /// Item and tip have no common ancestor.
    NoCommonHistory,
}

/// Weaves items onto a target, one after the other.
pub struct Weaver<'r> {
    repo: &'r Repo,
    /// The repository with the objects of candidates in memory.
    git: gix::Repository,
    attributes_tree: ObjectId,
    engine: Engine,
    court: Court,
    history: RefCell<History>,
    target: String,
    /// Heads that were woven in, whose commits a squash or rebase of a later item must not repeat.
    woven: Vec<ObjectId>,
}

impl<'r> Weaver<'r> {
    /// A weaver for candidates of `target`. Files merge by the `.gitattributes` of `attributes_tree`, the tree of the target's
    /// commit: an item cannot change how it is merged, and neither can what a clone has checked out.
    pub fn new(repo: &'r Repo, target: &str, attributes_tree: ObjectId) -> Self {
        Weaver {
            repo,
            git: repo.in_memory(),
            attributes_tree,
            engine: Engine::new(attributes_tree),
            court: Court::new(repo, attributes_tree),
            history: RefCell::default(),
            target: target.into(),
            woven: Vec::new(),
        }
    }

    /// The candidate of `strand` on top of `tip`.
    pub fn weave(&mut self, tip: ObjectId, strand: &Strand) -> Result<Woven> {
        let bases = self.history.borrow_mut().bases_with_tip(&self.git, tip, strand.head)?;
        if bases.is_empty() {
            return Ok(Woven::NoCommonHistory);
        }
        if bases.contains(&strand.head) {
            return Ok(Woven::UpToDate);
        }
        match strand.strategy {
            Strategy::Rebase => self.rebase(tip, strand),
            Strategy::Merge | Strategy::Squash => {
                let tree = match self.merge_commits(tip, strand.head, &bases)? {
                    Ok(tree) => tree,
                    Err(paths) => return Ok(Woven::Conflict { paths, commit: None }),
                };
                if strand.strategy == Strategy::Squash && tree == self.tree_of(tip)? {
                    return Ok(Woven::UpToDate);
                }
                let commit = match strand.strategy {
                    Strategy::Squash => self.squash_commit(tip, strand, tree)?,
                    _ => self.merge_commit(tip, strand, tree)?,
                };
                Ok(Woven::Clean { commit, tree })
            }
        }
    }

    /// The files (not folders) that differ from tree `old` to tree `new`, sorted by path.
    pub fn changes(&self, old: ObjectId, new: ObjectId) -> Result<Vec<Changed>> {
        changes::changes(&self.git, old, new)
    }

    /// The item with `head` is in the tip from now on.
    pub fn accept(&mut self, head: ObjectId) {
        self.woven.push(head);
    }

    /// The repository as the weave sees it: with the candidates that are only in memory.
    pub fn objects(&self) -> &gix::Repository {
        &self.git
    }

    /// The tree of a commit, in memory or not.
    pub fn tree_of(&self, commit: ObjectId) -> Result<ObjectId> {
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read commit {commit}"), e);
        Ok(self.git.find_commit(commit).map_err(|e| reading(&e))?.tree_id().map_err(|e| reading(&e))?.detach())
    }

    /// Merge two commits: the tree, or the paths that conflict.
    fn merge_commits(&mut self, ours: ObjectId, theirs: ObjectId, bases: &[ObjectId]) -> Result<Result<ObjectId, Vec<String>>> {
        match bases {
            // A fast-forward has nothing to merge.
            [base] if *base == ours => Ok(Ok(self.tree_of(theirs)?)),
            [base] => {
                let base = self.tree_of(*base)?;
                self.merge_on_base(base, ours, theirs)
            }
            several => match self.virtual_base(several, 1)? {
                Some(base) => self.merge_on_base(base, ours, theirs),
                None => self.ask_git(ours, theirs),
            },
        }
    }

    fn merge_on_base(&mut self, base: ObjectId, ours: ObjectId, theirs: ObjectId) -> Result<Result<ObjectId, Vec<String>>> {
        let (our_tree, their_tree) = (self.tree_of(ours)?, self.tree_of(theirs)?);
        match self.merge_trees([base, our_tree, their_tree], 0)? {
            Some(answer) => Ok(answer),
            None => self.ask_git(ours, theirs),
        }
    }

    /// Merge two trees: the tree, or the paths that conflict; `None` where only git can tell, and only from the whole.
    fn merge_trees(&mut self, trees: [ObjectId; 3], depth: usize) -> Result<Option<Result<ObjectId, Vec<String>>>> {
        Ok(match self.engine.merge(&self.git, trees, depth)? {
            engine::Answer::Clean(tree) => Some(Ok(tree)),
            engine::Answer::Conflict(paths) => Some(Err(paths)),
            engine::Answer::Open { tree, conflicts, open } => Some(self.settle(tree, conflicts, &open)?),
            engine::Answer::Doubt => None,
        })
    }

    /// Let git merge single files, in trees that hold nothing else, so that there is nothing to search for renames.
    fn settle(&mut self, tree: ObjectId, mut conflicts: Vec<String>, open: &[OpenFile]) -> Result<Result<ObjectId, Vec<String>>> {
        let settling = |e: &dyn std::fmt::Display| Error::git("merge single files", e);
        let mut sides = Vec::with_capacity(3);
        for side in 0..3 {
            let mut editor = self.git.edit_tree(self.git.object_hash().empty_tree()).map_err(|e| settling(&e))?;
            for file in open {
                let (mode, id) = file.sides[side];
                editor.upsert(&file.path, mode.kind(), id).map_err(|e| settling(&e))?;
            }
            sides.push(editor.write().map_err(|e| settling(&e))?.detach());
        }
        let merged = match self.ask_git_about_trees(sides[0], sides[1], sides[2])? {
            Ok(merged) if conflicts.is_empty() => merged,
            Ok(_) => return Ok(Err(conflicts)),
            Err(paths) => {
                conflicts.extend(paths);
                conflicts.sort();
                return Ok(Err(conflicts));
            }
        };
        let merged = self.git.find_tree(merged).map_err(|e| settling(&e))?;
        let mut editor = self.git.edit_tree(tree).map_err(|e| settling(&e))?;
        for file in open {
            let entry = merged.lookup_entry(file.path.split_str("/")).map_err(|e| settling(&e))?;
            let entry = entry.ok_or_else(|| settling(&format_args!("git gave no {}", file.path)))?;
            editor.upsert(&file.path, entry.mode().kind(), entry.object_id()).map_err(|e| settling(&e))?;
        }
        Ok(Ok(editor.write().map_err(|e| settling(&e))?.detach()))
    }

    /// The tree of several merge bases merged with each other, oldest first, as merge-ort does (merge_ort_internal); `None`
    /// where that is not beyond doubt.
    fn virtual_base(&mut self, bases: &[ObjectId], depth: usize) -> Result<Option<ObjectId>> {
        let mut dated = Vec::with_capacity(bases.len());
        for base in bases {
            let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read commit {base}"), e);
            dated.push((self.git.find_commit(*base).map_err(|e| reading(&e))?.time().map_err(|e| reading(&e))?.seconds, *base));
        }
        dated.sort();
        // Which of two of one age git takes first is chance.
        if dated.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Ok(None);
        }
        let Some((&(_, first), rest)) = dated.split_first() else { return Ok(None) };
        let mut merged = first;
        for &(_, next) in rest {
            let inner = self.history.borrow_mut().merge_bases(&self.git, merged, next)?;
            let base = match inner[..] {
                [] => None,
                [base] => Some(self.tree_of(base)?),
                _ => self.virtual_base(&inner, depth + 1)?,
            };
            let Some(base) = base else { return Ok(None) };
            let trees = [base, self.tree_of(merged)?, self.tree_of(next)?];
            let Some(Ok(tree)) = self.merge_trees(trees, depth)? else { return Ok(None) };
            merged = self.dress(tree, vec![merged, next])?;
        }
        self.tree_of(merged).map(Some)
    }

    /// What git makes of the same merge, for a comparison: the tree, or the paths that conflict.
    pub fn merge_by_git(&mut self, ours: ObjectId, theirs: ObjectId) -> Result<Result<ObjectId, Vec<String>>> {
        self.ask_git(ours, theirs)
    }

    /// Drop the candidates that only memory holds, where none of them is built upon.
    pub fn forget_candidates(&mut self) {
        self.git.objects.reset_object_memory();
    }

    fn ask_git(&mut self, ours: ObjectId, theirs: ObjectId) -> Result<Result<ObjectId, Vec<String>>> {
        self.court.judge(&mut self.git, ours, theirs)
    }

    /// Write a commit of the weave, in memory.
    fn write_commit(&self, commit: &gix::objs::Commit) -> Result<ObjectId> {
        Ok(self.git.write_object(commit).map_err(|e| Error::git("compute a candidate", e))?.detach())
    }

    /// Write what `tip` reaches and only memory holds to the object database, each object before those that name it.
    /// Gives the number of objects written.
    pub fn persist(&mut self, tip: ObjectId) -> Result<usize> {
        let writing = |e: &dyn std::fmt::Display| Error::git("write a candidate to the object database", e);
        let Some(memory) = self.git.objects.reset_object_memory() else { return Ok(0) };
        let mut written = HashSet::new();
        let mut stack = vec![(tip, false)];
        while let Some((id, children_done)) = stack.pop() {
            let Some((kind, data)) = memory.get(&id) else { continue };
            if written.contains(&id) {
                continue;
            }
            if children_done {
                let stored = self.repo.git.objects.write_buf(*kind, data).map_err(|e| writing(&e))?;
                written.insert(stored);
                continue;
            }
            stack.push((id, true));
            let hash = self.git.object_hash();
            match kind {
                gix::objs::Kind::Commit => {
                    let commit = gix::objs::CommitRef::from_bytes(data, hash).map_err(|e| writing(&e))?;
                    stack.push((commit.tree(), false));
                    stack.extend(commit.parents().map(|p| (p, false)));
                }
                gix::objs::Kind::Tree => {
                    let tree = gix::objs::TreeRef::from_bytes(data, hash).map_err(|e| writing(&e))?;
                    stack.extend(tree.entries.iter().map(|e| (e.oid.to_owned(), false)));
                }
                gix::objs::Kind::Blob | gix::objs::Kind::Tag => {}
            }
        }
        // What was not written belongs to candidates that did not hold.
        Ok(written.len())
    }
}
