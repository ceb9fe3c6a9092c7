//! Exchange with a remote: plans, verdicts, item notes, resolutions and runs, by one fetch and one atomic push.
//!
//! What the remote has is fetched to a place of its own, looked at, and joined with what is here. Then the remote's refs move, each
//! from where the fetch found it, and after that the refs here, each from where it was read. Whoever is overtaken begins again, so
//! that no clone ever undoes what another one did.

mod breaker;
mod check;
mod entries;
mod lines;

pub use breaker::{Breaker, reset as reset_breaker};

use crate::{
    gate::NOTES_REF,
    model::{Error, Result, error::Class, note::ITEMS_REF, shell_word, time::jittered},
    plan::{
        merge::{Clash, Side, merge},
        store::{self, DELETED_REF, WEAVE_PREFIX},
    },
    repo::{History, Pushed, RESOLUTIONS_REF, RefChange, Remote, Repo},
    run::{RUNS_PREFIX, join_journal},
};
use gix::ObjectId;
use schemars::JsonSchema;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    time::Duration,
};

/// How often it is begun again when other clones are faster.
const ROUNDS: u32 = 100;

/// After so many rounds in which a push is refused and nothing there has moved, nobody else was faster.
const STILL: u32 = 5;

/// How often a fetch or push is tried that fails for what may pass, and how long the first wait is. Each further one is twice as long.
const TRIES: u32 = 3;
const WAIT: Duration = Duration::from_millis(500);

/// The waits between rounds.
const SHORT_WAIT: Duration = Duration::from_millis(10);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// What to do.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Whether the remote gets what is here.
    pub push: bool,
    /// Whose value, journal or resolution stands where both have changed it; without this, such a plan or journal stays as it is on each side.
    pub take: Option<Side>,
}

/// What a sync came to; what `sync --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Synced {
    /// The remote, as it was named.
    pub remote: String,
    /// How often it was begun; more than once where another clone was faster.
    pub rounds: u32,
    /// How often a fetch or push failed for what has passed since.
    pub retries: u32,
    /// What came from there.
    pub taken: Vec<Exchanged>,
    /// What went there.
    pub given: Vec<Exchanged>,
    /// What was changed here and there so that nobody but a person can join it; it stands on each side as it was.
    pub conflicts: Vec<Conflict>,
    /// What was not taken, nor touched there; or not given.
    pub refused: Vec<Refused>,
    /// What a person should know besides.
    pub notes: Vec<String>,
}

/// What is exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A plan.
    Plan,
    /// The journal of a run.
    Run,
    /// All verdicts.
    Verdicts,
    /// All notes on items.
    Items,
    /// All recorded resolutions.
    Resolutions,
    /// The revisions of deleted plans.
    Deleted,
}

/// How a ref moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// It was not there before.
    New,
    /// It went on to what the other side had made of it.
    Forward,
    /// It holds now what both sides have made of it.
    Merged,
    /// It is gone.
    Deleted,
}

/// One ref that moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Exchanged {
    /// What it is.
    pub kind: Kind,
    /// Its name, of a plan or a run.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// How it moved.
    pub how: How,
    /// Its commit before, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Its commit now, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Of notes and resolutions: how many lines or entries were new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    /// Of resolutions: how many were forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forgotten: Option<usize>,
}

/// What cannot be joined.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conflict {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Its commit here, in hex.
    pub here: String,
    /// Its commit there, in hex, which [`Conflict::kept`] holds.
    pub there: String,
    /// The ref that keeps here what is there.
    pub kept: String,
    /// The values that both have changed; none for a run, whose journal has only one writer.
    pub clashes: Vec<Clash>,
}

/// What was not exchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// The ref.
    pub name: String,
    /// Whether it is only here and was not given; else it is there and was not taken.
    pub here: bool,
    /// Why.
    pub why: String,
}

/// A ref, where it stands on both sides, and where it shall stand on both.
struct Step {
    kind: Kind,
    name: String,
    full: String,
    here: Option<ObjectId>,
    there: Option<ObjectId>,
    goal: Option<ObjectId>,
    count: Option<usize>,
    forgotten: Option<usize>,
}

/// Exchange everything with `remote`.
///
/// Errors: the remote cannot be reached, or does not take what is pushed; what came from there is here nevertheless.
pub fn sync(repo: &Repo, remote: &Remote, request: Request) -> Result<Synced> {
    // Nothing is fetched for somebody who could not sign a merge.
    repo.signature()?;
    let mut breaker = Breaker::of(repo, remote)?;
    breaker.check()?;
    let outcome = exchange(repo, remote, request);
    breaker.record(outcome.as_ref().err())?;
    outcome
}

fn exchange(repo: &Repo, remote: &Remote, request: Request) -> Result<Synced> {
    let mut synced = Synced {
        remote: remote.name.clone(),
        rounds: 0,
        retries: 0,
        taken: Vec::new(),
        given: Vec::new(),
        conflicts: Vec::new(),
        refused: Vec::new(),
        notes: Vec::new(),
    };
    let mut wait = SHORT_WAIT;
    let mut why = String::new();
    let (mut seen, mut still) = (None, 0);
    while synced.rounds < ROUNDS {
        if synced.rounds > 0 {
            std::thread::sleep(jittered(wait));
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        synced.rounds += 1;
        let fetched = patiently(&mut synced.retries, || remote.fetch());
        // Another sync in this clone that writes the same refs is no failure of the remote.
        if let Err(error) = &fetched
            && error.message.contains("cannot lock ref")
        {
            why.clone_from(&error.message);
            continue;
        }
        fetched?;
        let theirs = remote.refs()?;
        if seen.as_ref() == Some(&theirs) {
            still += 1;
        } else {
            (seen, still) = (Some(theirs.clone()), 0);
        }
        if still >= STILL {
            let error = Error::environment("remote", format!("{} does not take what is pushed: {why}", remote.name));
            return Err(error.hint("look at the repository there: git fsck, free disk, rights, *.lock files"));
        }
        let steps = Joining { repo, remote, push: request.push, take: request.take, synced: &mut synced }.steps(&theirs)?;
        let refused = match request.push {
            true => match push(remote, &steps, &mut synced) {
                Ok(None) => None,
                Ok(Some(faster)) => {
                    why = faster;
                    continue;
                }
                Err(error) => Some(error),
            },
            false => None,
        };
        if let Err(moved) = take_over(repo, &steps, &mut synced)? {
            why = format!("{moved} is being changed here");
            continue;
        }
        return match refused {
            None => {
                remember(repo, remote, &steps, request.push);
                Ok(synced)
            }
            Some(error) => Err(Error { message: format!("{}; what is there was taken over", error.message), ..error }),
        };
    }
    Err(Error::contended(format!("{} is being written by others all the time ({why})", remote.name)))
}

/// Do what may fail for what passes, more than once.
fn patiently<T>(retries: &mut u32, mut act: impl FnMut() -> Result<T>) -> Result<T> {
    let mut wait = WAIT;
    for _ in 1..TRIES {
        match act() {
            Err(error) if error.class == Class::Transient && !error.message.contains("cannot lock ref") => {}
            outcome => return outcome,
        }
        std::thread::sleep(jittered(wait));
        wait *= 2;
        *retries += 1;
    }
    act()
}

/// Move the refs there. Nothing where that is done, else why others were faster.
fn push(remote: &Remote, steps: &[Step], synced: &mut Synced) -> Result<Option<String>> {
    let behind: Vec<&Step> = steps.iter().filter(|step| step.goal != step.there).collect();
    // A name may become free for another one below it, which git does not do in one go.
    let deletes = behind.iter().any(|step| step.goal.is_none());
    let (first, rest): (Vec<&Step>, Vec<&Step>) =
        behind.into_iter().partition(|step| deletes && (step.goal.is_none() || step.kind == Kind::Deleted));
    for part in [first, rest] {
        if part.is_empty() {
            continue;
        }
        let change = |step: &&Step| RefChange { name: step.full.clone(), old: step.there, new: step.goal };
        let changes: Vec<RefChange> = part.iter().map(change).collect();
        match patiently(&mut synced.retries, || remote.push(&changes))? {
            Pushed::Done => synced.given.extend(part.iter().map(|step| step.exchanged(step.there, step.here, None, None))),
            Pushed::Overtaken(why) => return Ok(Some(why)),
        }
    }
    Ok(None)
}

/// Move the refs here. The error is a ref that was moved by another process meanwhile.
fn take_over(repo: &Repo, steps: &[Step], synced: &mut Synced) -> Result<Result<(), String>> {
    let behind: Vec<&Step> = steps.iter().filter(|step| step.goal != step.here).collect();
    let (first, rest): (Vec<&Step>, Vec<&Step>) = behind.into_iter().partition(|step| step.goal.is_none() || step.kind == Kind::Deleted);
    for part in [first, rest] {
        let mut changes: Vec<RefChange> =
            part.iter().map(|step| RefChange { name: step.full.clone(), old: step.here, new: step.goal }).collect();
        for step in part.iter().filter(|step| step.goal.is_none()) {
            let weave = format!("{WEAVE_PREFIX}{}", step.name);
            if let Some(candidate) = repo.ref_commit(&weave)? {
                changes.push(RefChange { name: weave, old: Some(candidate), new: None });
            }
        }
        if changes.is_empty() {
            continue;
        }
        let message = format!("sync with {}", synced.remote);
        if let Err(moved) = repo.swap_refs(&changes, &message)? {
            return Ok(Err(moved.name));
        }
        for step in part {
            if let (Kind::Plan, None, Some(old)) = (step.kind, step.goal, step.here) {
                let restore = format!("git lex-pr plan restore {} {}", shell_word(&step.name), repo.short(old));
                synced.notes.push(format!("plan {} was deleted elsewhere; to bring it back: {restore}", step.name));
            }
            synced.taken.push(step.exchanged(step.here, step.there, step.count, step.forgotten));
        }
    }
    Ok(Ok(()))
}

/// Keep in mind where the remote's refs stand after a push. The next fetch would find out as well.
fn remember(repo: &Repo, remote: &Remote, steps: &[Step], pushed: bool) {
    let moved = steps.iter().filter(|step| pushed && step.goal != step.there);
    let changes: Vec<RefChange> =
        moved.map(|step| RefChange { name: remote.tracking(&step.full), old: step.there, new: step.goal }).collect();
    let deletes = changes.iter().any(|change| change.new.is_none());
    if !changes.is_empty() && !deletes {
        let _ = repo.swap_refs(&changes, "sync");
    }
}

impl Step {
    fn exchanged(&self, before: Option<ObjectId>, other: Option<ObjectId>, count: Option<usize>, forgotten: Option<usize>) -> Exchanged {
        let how = match (before, self.goal) {
            (_, None) => How::Deleted,
            (None, Some(_)) => How::New,
            (Some(_), goal) if goal == other => How::Forward,
            _ => How::Merged,
        };
        let hex = |id: Option<ObjectId>| id.map(|id| id.to_string());
        Exchanged { kind: self.kind, name: self.name.clone(), how, before: hex(before), after: hex(self.goal), count, forgotten }
    }
}

/// What a set that is one ref has become.
struct Joined {
    /// The commit that holds what is here and what is there.
    tip: ObjectId,
    /// How many lines or entries were new here.
    taken: usize,
    /// How many entries are gone here, since they were forgotten there.
    forgotten: usize,
    /// How many were left out, since they are not what they should be.
    left_out: usize,
    /// What became of the entries that both have changed, each in one line.
    decided: Vec<String>,
}

/// The plans that are deleted, here or there.
struct Graves {
    /// The revisions that they ended with, by their names.
    all: BTreeMap<String, BTreeSet<ObjectId>>,
    /// Those of them that are known here already.
    known: BTreeMap<String, BTreeSet<ObjectId>>,
}

impl Graves {
    fn of(repo: &Repo, deleted: Option<&Step>) -> Result<Graves> {
        let known = store::graves(repo, deleted.and_then(|step| step.here))?;
        Ok(Graves { all: store::graves(repo, deleted.and_then(|step| step.goal))?, known })
    }

    /// The revisions of the plan called `name` that were deleted with it.
    fn dead(&self, repo: &Repo, name: &str) -> Result<HashSet<ObjectId>> {
        store::buried(repo, self.all.get(name).into_iter().flatten())
    }

    /// Whether the plan called `name` was deleted elsewhere, and it was not known here.
    fn are_new(&self, name: &str) -> bool {
        self.all.get(name) != self.known.get(name)
    }
}

/// Finding out where the refs shall stand.
struct Joining<'a> {
    repo: &'a Repo,
    remote: &'a Remote<'a>,
    push: bool,
    take: Option<Side>,
    synced: &'a mut Synced,
}

type Refs = BTreeMap<String, ObjectId>;

impl Joining<'_> {
    fn steps(&mut self, theirs: &Refs) -> Result<Vec<Step>> {
        self.synced.conflicts.clear();
        self.synced.refused.clear();
        let mut steps = Vec::new();
        let deleted = self.deleted(theirs.get(DELETED_REF).copied())?;
        let graves = Graves::of(self.repo, deleted.as_ref())?;
        steps.extend(deleted);
        self.plans(theirs, &graves, &mut steps)?;
        self.runs(theirs, &mut steps)?;
        let (repo, take) = (self.repo, self.take);
        for (kind, name) in [(Kind::Verdicts, NOTES_REF), (Kind::Items, ITEMS_REF)] {
            steps.extend(self.whole(kind, name, theirs, |here, there| lines::unite(repo, name, here, there))?);
        }
        steps.extend(self.whole(Kind::Resolutions, RESOLUTIONS_REF, theirs, |here, there| entries::join(repo, here, there, take))?);
        Ok(steps)
    }

    fn refuse(&mut self, name: &str, why: impl Into<String>) {
        self.synced.refused.push(Refused { name: name.into(), here: false, why: why.into() });
    }

    /// Say something once, however often it is begun again.
    fn note(&mut self, note: String) {
        if !self.synced.notes.contains(&note) {
            self.synced.notes.push(note);
        }
    }

    /// A set that is one ref.
    fn whole(
        &mut self,
        kind: Kind,
        full: &str,
        theirs: &Refs,
        join: impl FnOnce(Option<ObjectId>, ObjectId) -> Result<Result<Joined, String>>,
    ) -> Result<Option<Step>> {
        let (here, there) = (self.repo.ref_commit(full)?, theirs.get(full).copied());
        let (goal, count, forgotten) = match (here, there) {
            (None, None) => return Ok(None),
            (Some(here), None) => (here, 0, 0),
            (Some(here), Some(there)) if here == there => (here, 0, 0),
            (_, Some(there)) => match join(here, there)? {
                Ok(Joined { tip, taken, forgotten, left_out, decided }) => {
                    if left_out > 0 {
                        let what = if kind == Kind::Resolutions { "resolutions" } else { "notes" };
                        let gone = if self.push { ", and what is there now is without them" } else { "" };
                        let remote = &self.remote.name;
                        self.note(format!("{left_out} entries of {full} on {remote} cannot be read as {what}: they are left out{gone}"));
                    }
                    decided.into_iter().for_each(|decided| self.note(decided));
                    (tip, taken, forgotten)
                }
                Err(why) => {
                    self.refuse(full, why);
                    return Ok(None);
                }
            },
        };
        Ok(Some(Step {
            kind,
            name: String::new(),
            full: full.into(),
            here,
            there,
            goal: Some(goal),
            count: Some(count),
            forgotten: Some(forgotten).filter(|n| *n > 0),
        }))
    }

    /// What is deleted, here or there.
    fn deleted(&mut self, there: Option<ObjectId>) -> Result<Option<Step>> {
        let here = self.repo.ref_commit(DELETED_REF)?;
        let mut there_sound = there;
        if let Some(id) = there
            && let Err(why) = check::commit(self.repo, id)
        {
            self.refuse(DELETED_REF, why);
            there_sound = None;
        }
        let goal = match (here, there_sound) {
            (Some(here), Some(there)) if self.repo.is_ancestor(there, here)? => Some(here),
            (Some(here), Some(there)) if self.repo.is_ancestor(here, there)? => Some(there),
            (Some(here), Some(there)) => {
                let empty = self.repo.write_files(None, &[])?;
                Some(self.repo.commit_tree(empty, [here, there], "Deletions united by git lex-pr")?)
            }
            (here, there) => here.or(there),
        };
        // What cannot be read there is not written over.
        let there = if there == there_sound { there } else { goal };
        let step =
            Step { kind: Kind::Deleted, name: String::new(), full: DELETED_REF.into(), here, there, goal, count: None, forgotten: None };
        Ok(goal.map(|_| step))
    }

    fn plans(&mut self, theirs: &Refs, graves: &Graves, steps: &mut Vec<Step>) -> Result<()> {
        let mine: Refs = store::list(self.repo)?.into_iter().collect();
        let yours = below(theirs, store::PREFIX);
        let names: BTreeSet<&String> = mine.keys().chain(yours.keys()).collect();
        let mut living: BTreeMap<&String, [Option<ObjectId>; 2]> = BTreeMap::new();
        for name in &names {
            let dead = graves.dead(self.repo, name)?;
            let alive = |id: Option<&ObjectId>| id.copied().filter(|id| !dead.contains(id));
            let sides = [alive(mine.get(*name)), alive(yours.get(*name))];
            if sides.iter().any(Option::is_some) {
                living.insert(name, sides);
            }
        }
        for name in &names {
            let full = format!("{}{name}", store::PREFIX);
            let (here, there) = (mine.get(*name).copied(), yours.get(*name).copied());
            let sides = living.get(*name).copied().unwrap_or_default();
            if here == there && sides[0].is_some() {
                continue;
            }
            if let Some(id) = there.filter(|id| here != Some(*id))
                && let Some(why) = check::plan(self.repo, name, id)
            {
                self.refuse(&full, why);
                continue;
            }
            let is_below = |upper: &str, lower: &str| lower.strip_prefix(upper).is_some_and(|rest| rest.starts_with('/'));
            let beside = living.keys().find(|other| living.contains_key(name) && (is_below(other, name) || is_below(name, other)));
            if let Some(other) = beside.filter(|_| here.is_none() || there.is_none()) {
                let why = format!("no plan can be called `{name}` beside one called `{other}`: delete one of them");
                self.synced.refused.push(Refused { name: full, here: there.is_none(), why });
                continue;
            }
            let goal = match sides {
                [Some(mine), Some(yours)] => match self.plan(name, mine, yours)? {
                    Some(goal) => Some(goal),
                    None => continue,
                },
                [mine, yours] => mine.or(yours),
            };
            if let ([Some(mine), None], true) = (sides, graves.are_new(name)) {
                let (revision, delete) = (self.repo.short(mine), format!("git lex-pr plan delete {}", shell_word(name)));
                self.note(format!(
                    "plan {name} was deleted elsewhere and lives on with what was done here, {revision}; to delete it: {delete}"
                ));
            }
            steps.push(Step { kind: Kind::Plan, name: (*name).clone(), full, here, there, goal, count: None, forgotten: None });
        }
        Ok(())
    }

    /// Where a plan that is `here` and `there` shall stand; nothing where both have changed the same.
    fn plan(&mut self, name: &str, here: ObjectId, there: ObjectId) -> Result<Option<ObjectId>> {
        let bases = History::default().merge_bases(&self.repo.git, here, there)?;
        if bases.contains(&here) {
            return Ok(Some(there));
        }
        if bases.contains(&there) {
            return Ok(Some(here));
        }
        let read = |id| Ok(store::read(self.repo, name, id)?.plan);
        let bases = bases.into_iter().map(read).collect::<Result<Vec<_>>>()?;
        match merge(&bases, &read(here)?, &read(there)?, self.take)? {
            Ok(plan) => Ok(Some(store::join(self.repo, [here, there], &plan, &format!("merge with {}", self.remote.name))?)),
            Err(clashes) => {
                self.conflict(Kind::Plan, name, &format!("{}{name}", store::PREFIX), here, there, clashes);
                Ok(None)
            }
        }
    }

    fn runs(&mut self, theirs: &Refs, steps: &mut Vec<Step>) -> Result<()> {
        let mine: Refs = self.repo.listing(RUNS_PREFIX)?.refs.into_iter().collect();
        let yours = below(theirs, RUNS_PREFIX);
        let names: BTreeSet<&String> = mine.keys().chain(yours.keys()).collect();
        for name in names {
            let full = format!("{RUNS_PREFIX}{name}");
            let (here, there) = (mine.get(name).copied(), yours.get(name).copied());
            if here == there {
                continue;
            }
            if let Some(id) = there
                && let Some(why) = check::run(self.repo, name, id)
            {
                self.refuse(&full, why);
                continue;
            }
            let goal = match (here, there) {
                (Some(mine), Some(yours)) if self.repo.is_ancestor(mine, yours)? => Some(yours),
                (Some(mine), Some(yours)) if self.repo.is_ancestor(yours, mine)? => Some(mine),
                (Some(mine), Some(yours)) => match self.take {
                    Some(Side::Here) => Some(join_journal(self.repo, mine, yours)?),
                    Some(Side::There) => Some(join_journal(self.repo, yours, mine)?),
                    None => {
                        self.conflict(Kind::Run, name, &full, mine, yours, Vec::new());
                        continue;
                    }
                },
                (mine, yours) => mine.or(yours),
            };
            steps.push(Step { kind: Kind::Run, name: name.clone(), full, here, there, goal, count: None, forgotten: None });
        }
        Ok(())
    }

    fn conflict(&mut self, kind: Kind, name: &str, full: &str, here: ObjectId, there: ObjectId, clashes: Vec<Clash>) {
        let kept = self.remote.tracking(full);
        let (here, there) = (here.to_string(), there.to_string());
        self.synced.conflicts.push(Conflict { kind, name: name.into(), here, there, kept, clashes });
    }
}

/// The refs below `prefix`, by their names without it.
fn below(refs: &Refs, prefix: &str) -> Refs {
    refs.iter().filter_map(|(name, id)| Some((name.strip_prefix(prefix)?.to_string(), *id))).collect()
}
