//! Taking a landing back: the target returns to where the run found it, as long as it stands where the run put it. After that only
//! new commits can take it back: which ones, or one that takes back all of it, woven in memory.

use super::{
    holder::{Life, life},
    journal::{self, Journal},
    land::move_target,
    lock::who,
    tree_of,
};
use crate::{
    model::{
        Error, Result,
        plan::{Item, Plan, Strategy},
        run::{Conflict, Purpose, Run, RunState, Status},
        time,
    },
    plan::store,
    repo::{History, RefChange, Repo},
    weave::{Ladder, Weaver, Woven},
};
use gix::ObjectId;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashMap;

/// How often something is tried again that others may come in the way of.
const ATTEMPTS: usize = 100;

/// Older runs of a plan than this many are not looked at.
const LOOKED_BACK: usize = 100;

/// A landing and how it is taken back; what `undo --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Undo {
    /// The run that landed.
    pub run: String,
    /// Its plan.
    pub plan: String,
    /// The target.
    pub target: String,
    /// Where the run found the target, in hex.
    pub base: String,
    /// Where it put it, in hex.
    pub tip: String,
    /// Where the target stood when it was looked at, in hex.
    pub found: String,
    /// What has been done, or could be.
    pub outcome: Undone,
    /// What landed, newest first.
    pub landed: Vec<Landed>,
    /// The branch with the revert, and the plan that lands it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revert: Option<Revert>,
    /// Where the revert conflicts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
    /// What a person should know besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What an undo has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Undone {
    /// The target stands where the run put it: `--execute` takes the landing back.
    Possible,
    /// The target stands where the run found it.
    Undone,
    /// It had been undone before.
    Already,
    /// The target has moved on: only new commits take the landing back.
    MovedOn,
    /// The target does not hold what landed, or a revert of it too.
    NotThere,
    /// One new commit takes the landing back: `--execute` makes it.
    Revertible,
    /// The branch with that commit and its plan are made.
    Reverted,
    /// What came later builds on the landing.
    Conflict,
}

/// A commit on the target's own line that landed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Landed {
    /// The commit, in hex.
    pub commit: String,
    /// The item that it brought.
    pub item: String,
    /// The arguments of git that take it back.
    pub revert: Vec<String>,
}

/// What lands a revert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Revert {
    /// The branch.
    pub branch: String,
    /// The plan that holds nothing else.
    pub plan: String,
    /// Its commit, in hex; absent where it is not made yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// The newest run of `plan`, or of any, that has landed or has been undone since.
pub fn newest_landing(repo: &Repo, plan: Option<&str>) -> Result<Option<Run>> {
    for run in journal::runs(repo, plan)? {
        let run = run?;
        if matches!(run.state, RunState::Landed | RunState::Undone) {
            return Ok(Some(run));
        }
    }
    Ok(None)
}

/// Take the landing of the run called `id` back, or with `revert` make the branch that does; without `execute` only see what would
/// happen.
///
/// Errors: a run that landed nothing, a target that is checked out with changes, git and disk failures. Whatever the error, the
/// target stands where it stood.
pub fn undo(repo: &Repo, id: &str, revert: bool, execute: bool) -> Result<Undo> {
    for _ in 0..ATTEMPTS {
        let gone = || Error::input("no-run", format!("there is no run `{id}` any more"));
        let (mut journal, run) = Journal::open(repo, id)?.ok_or_else(gone)?;
        check_landed(&run)?;
        let now = repo.target_head(&run.target)?;
        let mut undo = look(repo, &run, now)?;
        match undo.outcome {
            Undone::Possible | Undone::MovedOn if revert => weave_revert(repo, &run, now, execute, &mut undo)?,
            Undone::Possible if execute => {
                let mut undone = Run { state: RunState::Undone, ..run.clone() };
                undone.notes.push(format!("undone by {} at {}", repo.identity()?, time::now()));
                match journal::prepare_undo(&mut journal, &undone)? {
                    Ok(prepared) => move_target(repo, &run.target, prepared, repo.parse_id(&run.tip)?, repo.parse_id(&run.base)?)?,
                    // Somebody moved the target or wrote to the journal since: it is looked at again.
                    Err(_) => continue,
                }
                undo.outcome = Undone::Undone;
            }
            _ => {}
        }
        return Ok(undo);
    }
    Err(Error::contended(format!("run {id} or its target changes all the time")))
}

fn check_landed(run: &Run) -> Result<()> {
    let why = match (run.purpose, run.state) {
        (_, RunState::Landed | RunState::Undone) => return Ok(()),
        (Purpose::Prove | Purpose::Preview, _) => "it only proved candidates",
        (Purpose::Land, RunState::Running) => "it has not ended",
        (Purpose::Land, RunState::Done) => "there was nothing to land",
        (Purpose::Land, RunState::Overtaken) => "its target had moved meanwhile",
        (Purpose::Land, RunState::Interrupted | RunState::Aborted) => "it was stopped before",
    };
    let id = run.id.as_deref().unwrap_or_default();
    Err(Error::input("not-landed", format!("run {id} has landed nothing: {why}"))
        .hint("`git lex-pr status` shows plans and their newest runs"))
}

/// What there is to undo.
fn look(repo: &Repo, run: &Run, now: ObjectId) -> Result<Undo> {
    let tip = repo.parse_id(&run.tip)?;
    let mut history = History::default();
    let mut holds = |commit: ObjectId| Ok::<_, Error>(repo.has_commit(tip) && history.ahead(&repo.git, tip, &[commit])?.is_empty());
    let outcome = match run.state {
        RunState::Undone => Undone::Already,
        _ if now == tip => Undone::Possible,
        _ if holds(now)? => Undone::MovedOn,
        _ => Undone::NotThere,
    };
    let mut notes = Vec::new();
    if outcome == Undone::Possible {
        for (remote, head) in repo.refs_under("refs/remotes/")? {
            if remote.split_once('/').is_some_and(|(_, branch)| branch == run.target) && holds(head)? {
                notes.push(format!("{remote} holds it already and goes on holding it; --revert takes it back for everybody"));
            }
        }
        for other in journal::at_work(repo)? {
            if other.target == run.target && life(repo, &other) == Some(Life::Alive) {
                notes.push(format!("a run is at work on {}, which an undo overtakes: {}", run.target, who(&other)));
            }
        }
    }
    if outcome == Undone::Already {
        for older in journal::runs(repo, Some(&run.plan))?.take(LOOKED_BACK) {
            let older = older?;
            if older.state == RunState::Landed && older.target == run.target && repo.parse_id(&older.tip)? == now {
                notes.push(format!("the landing before it is run {}", older.id.as_deref().unwrap_or_default()));
                break;
            }
        }
    }
    let landed = if repo.has_commit(tip) { landed(repo, run)? } else { Vec::new() };
    Ok(Undo {
        run: run.id.clone().unwrap_or_default(),
        plan: run.plan.clone(),
        target: run.target.clone(),
        base: run.base.clone(),
        tip: run.tip.clone(),
        found: now.to_string(),
        outcome,
        landed,
        revert: None,
        conflicts: Vec::new(),
        notes,
    })
}

/// The commits between base and tip on the target's own line, newest first. An item is one of them, or several where it was rebased.
fn landed(repo: &Repo, run: &Run) -> Result<Vec<Landed>> {
    let merged = run.items.iter().filter(|item| item.status == Status::Merged);
    let last_of: HashMap<&str, &str> = merged.filter_map(|item| Some((item.candidate.as_deref()?, item.name.as_str()))).collect();
    let base = repo.parse_id(&run.base)?;
    let mut id = repo.parse_id(&run.tip)?;
    let mut found = Vec::new();
    let mut item = "";
    while id != base {
        let commit = repo.git.find_commit(id).map_err(|e| Error::git(format_args!("read commit {id}"), e))?;
        let parents: Vec<ObjectId> = commit.parent_ids().map(gix::Id::detach).collect();
        item = last_of.get(id.to_string().as_str()).copied().unwrap_or(item);
        let mut revert = vec!["revert".to_string(), "--no-edit".to_string()];
        if parents.len() > 1 {
            revert.extend(["-m".into(), "1".into()]);
        }
        revert.push(repo.short(id));
        found.push(Landed { commit: id.to_string(), item: item.into(), revert });
        match parents.first() {
            Some(parent) => id = *parent,
            None => break,
        }
    }
    Ok(found)
}

/// One commit on the target that takes the whole landing back: the three-way merge of the target, as ours, with what the run found,
/// as theirs, on the base of what it left.
fn weave_revert(repo: &Repo, run: &Run, now: ObjectId, execute: bool, undo: &mut Undo) -> Result<()> {
    let revert = Revert { branch: format!("revert/{}", undo.run), plan: format!("revert-{}", undo.run), commit: None };
    let branch = format!("refs/heads/{}", revert.branch);
    if let Some(made) = repo.ref_commit(&branch)? {
        let landed = repo.is_ancestor(made, now)?;
        let words = if landed { format!("has landed on {} already", run.target) } else { "was there already".into() };
        undo.notes.push(format!("branch {} {words}", revert.branch));
        undo.revert = Some(Revert { commit: Some(made.to_string()), ..revert });
        undo.outcome = if landed { Undone::NotThere } else { Undone::Reverted };
        return Ok(());
    }
    let tip = repo.parse_id(&run.tip)?;
    let (ours, theirs) = (tree_of(repo, now)?, tree_of(repo, repo.parse_id(&run.base)?)?);
    let mut weaver = Weaver::new(repo, &run.target, ours, Ladder::none());
    let back = weaver.shelve(theirs, tip)?;
    let tree = match weaver.pick(now, back)? {
        Woven::Clean { tree, .. } => tree,
        Woven::UpToDate | Woven::NoCommonHistory => ours,
        Woven::Conflict { conflicted, .. } => {
            for clash in &conflicted.clashes {
                let path = clash.path.to_string();
                let commit = weaver.last_change(&path, now, tip)?.map(|commit| commit.to_string());
                undo.conflicts.push(Conflict { path, items: Vec::new(), commit, lines: weaver.clashing_lines(clash)? });
            }
            undo.outcome = Undone::Conflict;
            return Ok(());
        }
    };
    if tree == ours {
        undo.outcome = Undone::NotThere;
        return Ok(());
    }
    undo.outcome = Undone::Revertible;
    if !execute {
        undo.revert = Some(revert);
        return Ok(());
    }
    weaver.persist(tree)?;
    let commit = repo.commit_tree(tree, Some(now), &message(undo))?;
    let mut plan = Plan::new(&run.target);
    plan.items.push(Item { head: Some(commit.to_string()), strategy: Strategy::Rebase, ..Item::new(&revert.branch) });
    store::check_room(repo, "refs/heads/", &revert.branch)?;
    let words = format!("revert the landing of run {}", undo.run);
    let old = repo.ref_commit(&format!("{}{}", store::PREFIX, revert.plan))?;
    let changes = [RefChange { name: branch, old: None, new: Some(commit) }, store::next_revision(repo, &revert.plan, old, &plan, &words)?];
    if let Err(moved) = repo.swap_refs(&changes, &words)? {
        return Err(Error::contended(format!("{} was made by another process", moved.name)));
    }
    undo.revert = Some(Revert { commit: Some(commit.to_string()), ..revert });
    undo.outcome = Undone::Reverted;
    Ok(())
}

fn message(undo: &Undo) -> String {
    let mut text =
        format!("Revert the landing of plan {}\n\nThis takes back what run {} landed on {}:\n\n", undo.plan, undo.run, undo.target);
    let mut items: Vec<&str> = undo.landed.iter().map(|landed| landed.item.as_str()).collect();
    items.dedup();
    items.iter().for_each(|item| text.push_str(&format!("* {item}\n")));
    text + &format!("\nLex-Pr-Reverts: {}\n", undo.run)
}
