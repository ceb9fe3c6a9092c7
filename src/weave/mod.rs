//! Candidates: the commit that the target would be if an item, on top of those before it, landed. Computed in memory;
//! nothing reaches the object database before [`Weaver::persist`].

mod clash;
mod conflict;
mod court;
mod diff;
mod engine;
mod ladder;
mod markers;
mod pairs;
mod recorded;
mod renames;
pub mod rules;
mod similarity;
mod strategy;
mod text;

pub use conflict::{Clash, Conflicted};
pub use diff::{Lines, lines_between};
pub use ladder::Ladder;
pub use text::is_text;

use crate::{
    model::{Error, Result, plan::Strategy, resolution::Resolution, run::Step},
    repo::{Changed, File, History, MappedPacks, Repo, changes, named_objects},
};
use court::Court;
use engine::{Engine, OpenFile};
use gix::{
    ObjectId,
    bstr::{BString, ByteSlice},
    objs::{Write, tree::EntryKind},
};
use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
};

/// What git-rerere(1) has kept of one conflict, as resolutions.
pub fn from_rerere(preimage: &[u8], postimage: &[u8], path: &str) -> Vec<Resolution> {
    recorded::learn_from_rerere(preimage, postimage, path)
}

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
        /// How each path was settled that git leaves in conflict; none for a merge that is clean.
        steps: Vec<Step>,
    },
    /// The tip holds the item already.
    UpToDate,
    /// Git calls it a conflict, and no rung of the ladder settles all of it.
    Conflict {
        /// What conflicts.
        conflicted: Conflicted,
        /// Of a rebase: the commit that did not apply.
        commit: Option<ObjectId>,
    },
    /// Item and tip have no common ancestor.
    NoCommonHistory,
}

/// How many objects stay in memory that nothing is built upon; about ten megabytes.
const MOST_FORGETTABLE: usize = 256;

/// How many bytes stay in memory of what a chain has passed, for merges to come may begin with the same; looked at each time that so
/// many objects have come.
const SPARE_BYTES: usize = 10 << 20;
const LOOK_EVERY: usize = 64;

/// What a merge comes to: its tree, or what conflicts.
type Merged = Result<ObjectId, Conflicted>;

/// Weaves items onto a target, one after the other.
pub struct Weaver<'r> {
    repo: &'r Repo,
    /// The repository with the objects of candidates in memory.
    git: gix::Repository,
    attributes_tree: ObjectId,
    engine: Engine,
    court: Court,
    ladder: Ladder,
    history: RefCell<History>,
    target: String,
    /// Heads that were woven in, whose commits a squash or rebase of a later item must not repeat.
    woven: Vec<ObjectId>,
    /// The same for heads that are only guessed to be in.
    assumed: Vec<ObjectId>,
    /// By path, the items that changed it on the way to the tip: name and head.
    touched: HashMap<BString, Vec<(String, ObjectId)>>,
    /// How many objects in memory are worth a look for some to drop, and the bytes that the last look left.
    next_look: usize,
    held_bytes: usize,
    /// Candidates that were passed, and their trees.
    passed: HashSet<ObjectId>,
    packs: MappedPacks,
}

impl<'r> Weaver<'r> {
    /// A weaver for candidates of `target`. Files merge by the `.gitattributes` of `attributes_tree`, the tree of the target's
    /// commit: an item cannot change how it is merged, and neither can what a clone has checked out.
    pub fn new(repo: &'r Repo, target: &str, attributes_tree: ObjectId, ladder: Ladder) -> Self {
        Weaver {
            repo,
            git: repo.in_memory(),
            attributes_tree,
            engine: Engine::new(attributes_tree),
            court: Court::new(repo, attributes_tree),
            ladder,
            history: RefCell::default(),
            target: target.into(),
            woven: Vec::new(),
            assumed: Vec::new(),
            touched: HashMap::new(),
            next_look: LOOK_EVERY,
            held_bytes: 0,
            passed: HashSet::new(),
            packs: MappedPacks::default(),
        }
    }

    /// The candidate of `strand` on top of `tip`.
    pub fn weave(&mut self, tip: ObjectId, strand: &Strand) -> Result<Woven> {
        self.packs.let_go(&mut self.git)?;
        let bases = match self.bases(tip, strand.head)? {
            Ok(bases) => bases,
            Err(none) => return Ok(none),
        };
        if strand.strategy == Strategy::Rebase {
            return self.rebase(tip, strand);
        }
        match self.merge_and_climb(tip, strand.head, &bases)? {
            Ok((tree, steps)) => self.commit(tip, strand, tree, steps),
            Err(conflicted) => Ok(Woven::Conflict { conflicted, commit: None }),
        }
    }

    /// The tree that a candidate of `head` on top of `tip` would have, for those who build nothing on it. The candidate's
    /// commit in the answer is `tip`.
    pub fn merge(&mut self, tip: ObjectId, head: ObjectId) -> Result<Woven> {
        self.packs.let_go(&mut self.git)?;
        let bases = match self.bases(tip, head)? {
            Ok(bases) => bases,
            Err(none) => return Ok(none),
        };
        Ok(match self.merge_and_climb(tip, head, &bases)? {
            Ok((tree, steps)) => Woven::Clean { commit: tip, tree, steps },
            Err(conflicted) => Woven::Conflict { conflicted, commit: None },
        })
    }

    /// The merge bases, or why there is nothing to merge.
    fn bases(&self, tip: ObjectId, head: ObjectId) -> Result<Result<Vec<ObjectId>, Woven>> {
        let bases = self.history.borrow_mut().bases_with_tip(&self.git, tip, head)?;
        Ok(match &bases[..] {
            [] => Err(Woven::NoCommonHistory),
            _ if bases.contains(&head) => Err(Woven::UpToDate),
            _ => Ok(bases),
        })
    }

    fn merge_and_climb(&mut self, tip: ObjectId, head: ObjectId, bases: &[ObjectId]) -> Result<Result<(ObjectId, Vec<Step>), Conflicted>> {
        match self.merge_commits(tip, head, bases)? {
            Ok(tree) => Ok(Ok((tree, Vec::new()))),
            Err(conflicted) => self.climb(conflicted),
        }
    }

    /// The candidate of a merged or squashed strand whose tree is known.
    pub fn commit(&mut self, tip: ObjectId, strand: &Strand, tree: ObjectId, steps: Vec<Step>) -> Result<Woven> {
        if strand.strategy == Strategy::Squash && tree == self.tree_of(tip)? {
            return Ok(Woven::UpToDate);
        }
        let commit = match strand.strategy {
            Strategy::Squash => self.squash_commit(tip, strand, tree, &steps)?,
            _ => self.merge_commit(tip, strand, tree, &steps)?,
        };
        Ok(Woven::Clean { commit, tree, steps })
    }

    /// What the person who recorded a merge made of its conflicts, for the rung of recorded resolutions: nothing where git
    /// merges it cleanly.
    pub fn learn(&mut self, merge: ObjectId, ours: ObjectId, theirs: ObjectId) -> Result<Vec<Resolution>> {
        let bases = self.history.borrow_mut().merge_bases(&self.git, ours, theirs)?;
        if bases.is_empty() || bases.contains(&ours) || bases.contains(&theirs) {
            return Ok(Vec::new());
        }
        match self.merge_commits(ours, theirs, &bases)? {
            Ok(_) => Ok(Vec::new()),
            Err(conflicted) => recorded::learn(&self.git, &conflicted, self.tree_of(merge)?, &merge.to_string()),
        }
    }

    /// The files (not folders) that differ from tree `old` to tree `new`, sorted by path.
    pub fn changes(&self, old: ObjectId, new: ObjectId) -> Result<Vec<Changed>> {
        changes(&self.git, old, new)
    }

    /// The strand, which made `changes`, is in the tip from now on.
    pub fn accept(&mut self, strand: &Strand, changes: &[Changed]) {
        self.woven.push(strand.head);
        for change in changes {
            self.touched.entry(change.path.clone()).or_default().push((strand.name.into(), strand.head));
        }
    }

    /// The items that changed a path on the way to the tip.
    pub fn touched(&self, path: &str) -> Vec<String> {
        let items = self.touched.get(path.as_bytes().as_bstr());
        items.into_iter().flatten().map(|(name, _)| name.clone()).collect()
    }

    /// The repository as the weave sees it: with the candidates that are only in memory.
    pub fn objects(&self) -> &gix::Repository {
        &self.git
    }

    /// The tree of a commit, in memory or not.
    pub fn tree_of(&self, commit: ObjectId) -> Result<ObjectId> {
        // A walk that is under way has the history; then the commit itself is read.
        let known = self.history.try_borrow_mut().map(|mut history| history.tree_in_graph(&self.git, commit));
        if let Ok(Some(tree)) = known {
            return Ok(tree);
        }
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read commit {commit}"), e);
        Ok(self.git.find_commit(commit).map_err(|e| reading(&e))?.tree_id().map_err(|e| reading(&e))?.detach())
    }

    /// Merge two commits: the tree, or what conflicts.
    fn merge_commits(&mut self, ours: ObjectId, theirs: ObjectId, bases: &[ObjectId]) -> Result<Merged> {
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

    fn merge_on_base(&mut self, base: ObjectId, ours: ObjectId, theirs: ObjectId) -> Result<Merged> {
        let (our_tree, their_tree) = (self.tree_of(ours)?, self.tree_of(theirs)?);
        match self.merge_trees([base, our_tree, their_tree], 0)? {
            Some(answer) => Ok(answer),
            None => self.ask_git(ours, theirs),
        }
    }

    /// Merge two trees: the tree, or what conflicts; `None` where only git can tell, and only from the whole.
    fn merge_trees(&mut self, trees: [ObjectId; 3], depth: usize) -> Result<Option<Merged>> {
        Ok(match self.engine.merge(&self.git, trees, depth)? {
            engine::Answer::Clean(tree) => Some(Ok(tree)),
            engine::Answer::Conflict(conflicted) => Some(Err(conflicted)),
            engine::Answer::Open { tree, clashes, open } => Some(self.settle(tree, clashes, &open)?),
            engine::Answer::Doubt => None,
        })
    }

    /// Let git merge single files, in trees that hold nothing else, so that there is nothing to search for renames.
    fn settle(&mut self, tree: ObjectId, mut clashes: Vec<Clash>, open: &[OpenFile]) -> Result<Merged> {
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
            Ok(merged) => merged,
            Err(conflicted) => {
                clashes.extend(conflicted.clashes);
                clashes.sort();
                conflicted.tree
            }
        };
        let merged = self.git.find_tree(merged).map_err(|e| settling(&e))?;
        let mut editor = self.git.edit_tree(tree).map_err(|e| settling(&e))?;
        for file in open {
            let entry = merged.lookup_entry(file.path.split_str("/")).map_err(|e| settling(&e))?;
            let entry = entry.ok_or_else(|| settling(&format_args!("git gave no {}", file.path)))?;
            editor.upsert(&file.path, entry.mode().kind(), entry.object_id()).map_err(|e| settling(&e))?;
        }
        let tree = editor.write().map_err(|e| settling(&e))?.detach();
        Ok(if clashes.is_empty() { Ok(tree) } else { Err(Conflicted { tree, clashes, settled: Vec::new() }) })
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

    /// The texts of base, ours and theirs, where a clash is one of texts.
    pub fn texts(&self, clash: &Clash) -> Result<Option<[Vec<u8>; 3]>> {
        Ok(clash.texts(&self.git)?.map(|(_, texts)| texts))
    }

    /// The lines of a clash, first and last, from 1, as our side has them.
    pub fn clashing_lines(&self, clash: &Clash) -> Result<Vec<(usize, usize)>> {
        clash.lines(&self.git)
    }

    /// A clash of texts as a person or a command is shown it; `None` where it is none of texts.
    pub fn show_clash(&self, clash: &Clash) -> Result<Option<text::Shown>> {
        Ok(clash.texts(&self.git)?.and_then(|(_, [base, ours, theirs])| text::show(&base, &ours, &theirs, &self.target)))
    }

    /// `tree` with the file of a clash as `content`.
    pub fn put(&self, tree: ObjectId, clash: &Clash, content: &[u8]) -> Result<ObjectId> {
        let mode = clash.texts(&self.git)?.map_or(EntryKind::Blob.into(), |(mode, _)| mode);
        let written = keep(&self.git, gix::objs::Kind::Blob, content);
        self.put_file(tree, clash, Some((mode, written.map_err(|e| Error::git("settle a conflict", e))?)))
    }

    /// `tree` with the file of a clash as our side has it, or theirs where we have none.
    pub fn put_side(&self, tree: ObjectId, clash: &Clash) -> Result<ObjectId> {
        self.put_file(tree, clash, clash.stages[1].or(clash.stages[2]))
    }

    fn put_file(&self, tree: ObjectId, clash: &Clash, file: Option<File>) -> Result<ObjectId> {
        let settling = |e: &dyn std::fmt::Display| Error::git("settle a conflict", e);
        let mut editor = self.git.edit_tree(tree).map_err(|e| settling(&e))?;
        match file {
            Some((mode, id)) => editor.upsert(&clash.path, mode.kind(), id),
            None => editor.remove(&clash.path),
        }
        .map_err(|e| settling(&e))?;
        Ok(editor.write().map_err(|e| settling(&e))?.detach())
    }

    /// A commit on `parent` that only serves to be looked at.
    pub fn shelve(&self, tree: ObjectId, parent: ObjectId) -> Result<ObjectId> {
        self.dress(tree, vec![parent])
    }

    /// The merge of three texts, where it is clean.
    pub fn merge_texts(base: &[u8], ours: &[u8], theirs: &[u8]) -> Option<Vec<u8>> {
        match text::merge(base, ours, theirs) {
            text::Text::Merged(merged) => Some(merged),
            text::Text::Clash(_) | text::Text::Doubt => None,
        }
    }

    /// How many lines differ between two texts.
    pub fn changed_lines(one: &[u8], other: &[u8]) -> usize {
        diff::changed_lines(one, other)
    }

    /// Whether a text holds git's conflict markers.
    pub fn has_markers(text: &[u8]) -> bool {
        markers::has_markers(text)
    }

    /// What git makes of the same merge, for a comparison: the tree, or what conflicts.
    pub fn merge_by_git(&mut self, ours: ObjectId, theirs: ObjectId) -> Result<Merged> {
        self.ask_git(ours, theirs)
    }

    /// Drop the candidates that only memory holds, where none of them is built upon, once they are many: the next merge of a
    /// history often begins with what came of the last one.
    pub fn forget_candidates(&mut self) {
        if self.git.objects.num_objects_in_memory() > MOST_FORGETTABLE {
            self.git.objects.reset_object_memory();
            self.engine.forget();
        }
    }

    /// Drop what only memory holds and nothing asks for any more, once that is much: what merge bases were merged to, and the files of
    /// candidates that `tip` has passed. Their trees stay, for they tell who changed a path. Only for a tip that will not be persisted.
    pub fn forget_behind(&mut self, tip: ObjectId) -> Result<()> {
        if self.git.objects.num_objects_in_memory() < self.next_look {
            return Ok(());
        }
        let tree = self.tree_of(tip)?;
        let Some(mut memory) = self.git.objects.reset_object_memory() else { return Ok(()) };
        let bytes = |memory: &gix::odb::memory::Storage| memory.values().map(|(_, data)| data.len()).sum::<usize>();
        if bytes(&memory) < self.held_bytes + SPARE_BYTES {
            self.next_look = memory.len() + LOOK_EVERY;
            self.git.objects.set_object_memory(memory);
            return Ok(());
        }
        let hash = self.git.object_hash();
        let mut held = HashSet::new();
        let walked = self.pass(&memory, tip).and_then(|()| walk(&memory, hash, tree, &mut held, |_| true));
        if walked.is_ok() {
            memory.retain(|id, (kind, _)| *kind == gix::objs::Kind::Commit || self.passed.contains(id) || held.contains(id));
        }
        (self.held_bytes, self.next_look) = (bytes(&memory), memory.len() + LOOK_EVERY);
        self.git.objects.set_object_memory(memory);
        self.engine.forget();
        walked
    }

    /// Note the trees of `tip` and of the candidates beneath it, as far as they are not noted.
    fn pass(&mut self, memory: &gix::odb::memory::Storage, tip: ObjectId) -> Result<()> {
        let hash = self.git.object_hash();
        let mut commits = vec![tip];
        while let Some(commit) = commits.pop() {
            let Some((kind, data)) = memory.get(&commit).filter(|_| !self.passed.contains(&commit)) else { continue };
            let mut named = named_objects(*kind, data, hash).map_err(|e| looking(&e))?.into_iter();
            if let Some(tree) = named.next() {
                walk(memory, hash, tree, &mut self.passed, |kind| kind == gix::objs::Kind::Tree)?;
            }
            self.passed.insert(commit);
            commits.extend(named);
        }
        Ok(())
    }

    fn ask_git(&mut self, ours: ObjectId, theirs: ObjectId) -> Result<Merged> {
        self.court.judge(&mut self.git, ours, theirs)
    }

    /// Write a commit of the weave, in memory.
    fn write_commit(&self, commit: &gix::objs::Commit) -> Result<ObjectId> {
        Ok(self.git.write_object(commit).map_err(|e| Error::git("compute a candidate", e))?.detach())
    }

    /// Weave on from here as if `heads` were woven in, besides those that are.
    pub fn assume(&mut self, heads: impl Iterator<Item = ObjectId>) {
        self.assumed = heads.collect();
    }

    /// Lend the handle of the repository, with the objects that only memory holds and all that is cached, for another one; and take it back
    /// in the same way. Nothing can be woven meanwhile.
    pub fn lend(&mut self, handle: &mut gix::Repository) {
        std::mem::swap(&mut self.git, handle);
    }

    /// Hand what `tip` reaches and only memory holds to a draft, to be written with what that holds.
    pub fn hand_over(&mut self, tip: ObjectId, draft: &mut Repo) -> Result<()> {
        let Some(mut own) = self.git.objects.reset_object_memory() else { return Ok(()) };
        let mut theirs = draft.git.objects.reset_object_memory().unwrap_or_default();
        let mut reached = HashSet::new();
        let walked = walk(&own, self.git.object_hash(), tip, &mut reached, |_| true);
        theirs.extend(reached.iter().filter_map(|id| own.remove_entry(id)));
        self.git.objects.set_object_memory(own);
        draft.git.objects.set_object_memory(theirs);
        walked
    }

    /// Write what `tip` reaches and only memory holds to the object database, each object before those that name it. The rest
    /// stays in memory: a conflict may be settled on top of it, and what was merged once is not merged again.
    pub fn persist(&mut self, tip: ObjectId) -> Result<()> {
        let Some(mut memory) = self.git.objects.reset_object_memory() else { return Ok(()) };
        let written = self.repo.write_reached(&memory, [tip], "write a candidate to the object database");
        if let Ok(written) = &written {
            memory.retain(|id, _| !written.contains(id));
        }
        self.git.objects.set_object_memory(memory);
        written.map(drop)
    }
}

/// Add the objects of `memory` that `from` reaches to `seen`, those of certain kinds only.
fn walk(
    memory: &gix::odb::memory::Storage,
    hash: gix::hash::Kind,
    from: ObjectId,
    seen: &mut HashSet<ObjectId>,
    counts: impl Fn(gix::objs::Kind) -> bool,
) -> Result<()> {
    let mut open = vec![from];
    while let Some(id) = open.pop() {
        if let Some((kind, data)) = memory.get(&id)
            && counts(*kind)
            && seen.insert(id)
        {
            open.extend(named_objects(*kind, data, hash).map_err(|e| looking(&e))?);
        }
    }
    Ok(())
}

fn looking(error: &dyn std::fmt::Display) -> Error {
    Error::git("look through the candidates in memory", error)
}

/// Put an object into memory, in no more room than it needs: `write_buf` leaves up to as much again unused.
fn keep(git: &gix::Repository, kind: gix::objs::Kind, data: &[u8]) -> std::result::Result<ObjectId, gix::Error> {
    let id = gix::objs::compute_hash(git.object_hash(), kind, data)?;
    git.objects.write_buf_with_known_id(kind, data, id)
}
