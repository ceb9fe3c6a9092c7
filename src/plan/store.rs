//! Plans as refs: a commit per revision under `refs/lex-pr/plans/NAME`, its tree holding canonical `plan.json`.

use super::document;
use crate::{
    model::{
        Error, Result,
        error::{Location, nearest},
        json,
        plan::Plan,
        shell_word,
    },
    repo::{History, RefChange, Repo},
};
use gix::ObjectId;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Where plans are kept.
pub const PREFIX: &str = "refs/lex-pr/plans/";

/// Where the newest candidate of each plan is kept, under the plan's name, so that git does not collect it.
pub const WEAVE_PREFIX: &str = "refs/lex-pr/weave/";

/// What has been deleted: graves, each a commit whose message names the plan and whose last parent is the revision that it ended with. So
/// a clone that syncs knows a plan that was deleted elsewhere from one that is new here, a revision made after the deletion is alive,
/// and none is ever lost.
pub const DELETED_REF: &str = "refs/lex-pr/deleted";

/// The trailer of a revision that names who has reviewed the plan.
pub const REVIEWED_BY: &str = "Reviewed-by:";

/// The file of a revision.
pub const FILE: &str = "plan.json";

/// How often an update is tried again after another process was faster.
const ATTEMPTS: usize = 1000;

/// A plan as it is kept.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its name.
    pub name: String,
    /// The commit of this revision.
    pub revision: ObjectId,
    /// What it says.
    pub plan: Plan,
}

/// One line of a plan's history.
#[derive(Clone, Debug)]
pub struct Revision {
    /// The commit.
    pub id: ObjectId,
    /// Who made it: `Name <mail>`.
    pub by: String,
    /// When, in UTC, RFC 3339.
    pub at: String,
    /// What was done.
    pub message: String,
    /// Who has reviewed it, as its `Reviewed-by:` trailers say.
    pub reviewers: Vec<String>,
}

fn ref_name(name: &str) -> Result<String> {
    let full = format!("{PREFIX}{name}");
    if name.starts_with('-') || gix::validate::reference::name(full.as_str().into()).is_err() {
        return Err(Error::input("bad-name", format!("`{name}` is no valid plan name"))
            .hint("a plan is named like a branch: letters, digits, `-`, `_`, `.` and `/`"));
    }
    Ok(full)
}

/// Refuse a name below which another one stands in `prefix`, or that stands below another one: git keeps refs as files, and
/// a file cannot be a folder as well.
pub fn check_room(repo: &Repo, prefix: &str, name: &str) -> Result<()> {
    let below = |upper: &str, lower: &str| lower.strip_prefix(upper).is_some_and(|rest| rest.starts_with('/'));
    let taken = repo.listing(prefix)?.refs.into_iter().find(|(other, _)| below(other, name) || below(name, other));
    let Some((other, _)) = taken else { return Ok(()) };
    let mend = match prefix {
        PREFIX => format!("git lex-pr plan delete {}", shell_word(&other)),
        _ => format!("git update-ref -d {}", shell_word(&format!("{prefix}{other}"))),
    };
    Err(Error::input("name-taken", format!("no plan can be called `{name}` beside one called `{other}`"))
        .at(Location::new(format!("{prefix}{other}")))
        .hint(format!("choose a name without that beginning, or take the other one away: {mend}")))
}

/// The plans there are, sorted by name.
pub fn list(repo: &Repo) -> Result<Vec<(String, ObjectId)>> {
    Ok(repo.listing(PREFIX)?.refs)
}

/// The newest revisions of all plans that can be read, and what is wrong with the others.
pub fn load_all(repo: &Repo) -> Result<(Vec<Stored>, Vec<String>)> {
    let listing = repo.listing(PREFIX)?;
    let (mut plans, mut notes) = (Vec::new(), listing.broken);
    for (name, _) in listing.refs {
        match load(repo, &name) {
            Ok(stored) => plans.push(stored),
            Err(error) => notes.push(format!("plan {name} cannot be read: {error}")),
        }
    }
    Ok((plans, notes))
}

/// The newest revision of the plan called `name`.
pub fn load(repo: &Repo, name: &str) -> Result<Stored> {
    match repo.ref_commit(&ref_name(name)?)? {
        Some(revision) => read(repo, name, revision),
        None => Err(missing(repo, name)?),
    }
}

/// The plan as `revision` has it.
pub fn read(repo: &Repo, name: &str, revision: ObjectId) -> Result<Stored> {
    let source = format!("{PREFIX}{name}:{FILE}");
    let bytes = repo.read_file(revision, FILE)?.ok_or_else(|| {
        Error::input("bad-plan", format!("revision {revision} holds no {FILE}"))
            .at(Location::new(&source))
            .hint(format!("git lex-pr plan restore {} REVISION brings an older one back", shell_word(name)))
    })?;
    let plan = document::read(&String::from_utf8_lossy(&bytes), &source)?;
    Ok(Stored { name: name.into(), revision, plan })
}

fn missing(repo: &Repo, name: &str) -> Result<Error> {
    let plans = list(repo)?;
    let hint = match nearest(name, plans.iter().map(|(n, _)| n.as_str())) {
        Some(near) => format!("did you mean `{near}`?"),
        None if plans.is_empty() => "make one: git lex-pr plan create 'feat/*'".into(),
        None => format!("there are: {}", plans.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>().join(", ")),
    };
    Ok(Error::input("no-plan", format!("there is no plan `{name}`")).hint(hint))
}

/// The change that makes `plan` the next revision after `old`; the commit is written, no ref is moved.
pub fn next_revision(repo: &Repo, name: &str, old: Option<ObjectId>, plan: &Plan, message: &str) -> Result<RefChange> {
    document::check(plan)?;
    // Nothing is written for somebody who cannot sign it.
    repo.signature()?;
    let mut plan = plan.clone();
    plan.normalize();
    let tree = repo.write_files(None, &[(FILE.into(), json::canonical(&plan)?.into_bytes())])?;
    let commit = repo.commit_tree(tree, old, message)?;
    Ok(RefChange { name: ref_name(name)?, old, new: Some(commit) })
}

/// Write the revision that is made of `parents`, which were made apart; no ref is moved.
pub fn join(repo: &Repo, parents: [ObjectId; 2], plan: &Plan, message: &str) -> Result<ObjectId> {
    document::check(plan)?;
    let tree = repo.write_files(None, &[(FILE.into(), json::canonical(plan)?.into_bytes())])?;
    repo.commit_tree(tree, parents, message)
}

/// Keep a new plan. One of that name must not exist, unless `replace` makes this its next revision.
pub fn create(repo: &Repo, name: &str, plan: &Plan, replace: bool, message: &str) -> Result<Stored> {
    for _ in 0..ATTEMPTS {
        let old = repo.ref_commit(&ref_name(name)?)?;
        for prefix in [PREFIX, WEAVE_PREFIX] {
            check_room(repo, prefix, name)?;
        }
        if old.is_some() && !replace {
            return Err(Error::input("plan-exists", format!("there is a plan `{name}` already")).hint(format!(
                "git lex-pr plan add {} ... adds to it, --force makes this its next revision, --name gives another name",
                shell_word(name)
            )));
        }
        let mut change = next_revision(repo, name, old, plan, message)?;
        if let Some(same) = change.new.filter(|_| old.is_none())
            && is_deleted(repo, name, same)?
        {
            // The very commit that was deleted within this second: what is made anew comes after it.
            change = RefChange { old: None, ..next_revision(repo, name, Some(same), plan, message)? };
        }
        if repo.swap_refs(std::slice::from_ref(&change), message)?.is_ok() {
            return load(repo, name);
        }
    }
    Err(contended(name))
}

/// Make a deleted plan stand again as `revision` had it.
pub fn revive(repo: &Repo, name: &str, revision: ObjectId) -> Result<Stored> {
    let plan = read(repo, name, revision)?.plan;
    let message = format!("restore {revision}");
    let change = RefChange { old: None, ..next_revision(repo, name, Some(revision), &plan, &message)? };
    match repo.swap_refs(std::slice::from_ref(&change), &message)? {
        Ok(()) => load(repo, name),
        Err(_) => Err(contended(name)),
    }
}

/// The message of a grave, up to the name of its plan.
const GRAVE: &str = "delete plan ";

/// The revisions that plans ended with, by the names that they had, as the graves at `deleted` say. A revision may well be one of
/// another plan, too, which is not deleted.
pub fn graves(repo: &Repo, deleted: Option<ObjectId>) -> Result<BTreeMap<String, BTreeSet<ObjectId>>> {
    let empty = repo.git.object_hash().empty_tree();
    let (mut ended, mut seen) = (BTreeMap::<String, BTreeSet<ObjectId>>::new(), HashSet::new());
    let mut open: Vec<ObjectId> = deleted.into_iter().collect();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read {id}, by which a plan was deleted"), e);
        let commit = repo.git.find_commit(id).map_err(|e| reading(&e))?;
        // What is no grave is nothing that a clone has written there.
        if commit.tree_id().map_err(|e| reading(&e))? != empty {
            continue;
        }
        let mut parents: Vec<ObjectId> = commit.parent_ids().map(gix::Id::detach).collect();
        let message = commit.message_raw_sloppy().to_string();
        if let Some(name) = message.strip_prefix(GRAVE) {
            let last = parents.pop();
            ended.entry(name.trim_end().into()).or_default().extend(last);
        }
        open.extend(parents);
    }
    Ok(ended)
}

/// The revisions that a plan had when it was deleted, of those that it `ended` with.
pub fn buried<'i>(repo: &Repo, ended: impl IntoIterator<Item = &'i ObjectId>) -> Result<HashSet<ObjectId>> {
    let (mut all, mut known) = (HashSet::new(), Vec::new());
    for end in ended {
        all.extend(History::default().ahead(&repo.git, *end, &known)?);
        known.push(*end);
    }
    Ok(all)
}

/// Those of the plan called `name` that was deleted here or, as `sync` has told, elsewhere.
fn buried_of(repo: &Repo, name: &str) -> Result<HashSet<ObjectId>> {
    buried(repo, graves(repo, repo.ref_commit(DELETED_REF)?)?.get(name).into_iter().flatten())
}

/// Whether `revision` is one of the plan called `name` that was deleted.
fn is_deleted(repo: &Repo, name: &str, revision: ObjectId) -> Result<bool> {
    Ok(buried_of(repo, name)?.contains(&revision))
}

/// Change a plan by what `edit` does to its newest revision. When another process was faster, `edit` is done again on
/// what that one left, so that neither change is lost. Gives the plan before and after.
pub fn update(repo: &Repo, name: &str, message: &str, edit: impl FnMut(&mut Plan) -> Result<()>) -> Result<(Plan, Stored)> {
    revise(repo, name, message, false, edit)
}

/// The same, but that somebody has looked at the plan is a revision even where nothing was changed.
pub fn review(repo: &Repo, name: &str, message: &str, edit: impl FnMut(&mut Plan) -> Result<()>) -> Result<(Plan, Stored)> {
    revise(repo, name, message, true, edit)
}

fn revise(repo: &Repo, name: &str, message: &str, always: bool, mut edit: impl FnMut(&mut Plan) -> Result<()>) -> Result<(Plan, Stored)> {
    for _ in 0..ATTEMPTS {
        let stored = load(repo, name)?;
        let mut plan = stored.plan.clone();
        edit(&mut plan)?;
        plan.normalize();
        if plan == stored.plan && !always {
            return Ok((plan, stored));
        }
        let change = next_revision(repo, name, Some(stored.revision), &plan, message)?;
        if repo.swap_refs(std::slice::from_ref(&change), message.lines().next().unwrap_or_default())?.is_ok() {
            let revision = change.new.unwrap_or(stored.revision);
            return Ok((stored.plan, Stored { name: name.into(), revision, plan }));
        }
    }
    Err(contended(name))
}

fn contended(name: &str) -> Error {
    Error::contended(format!("plan `{name}` is being changed by others all the time"))
}

/// Take a plan and its newest candidate away. Its revisions stay reachable from [`DELETED_REF`].
pub fn delete(repo: &Repo, name: &str) -> Result<ObjectId> {
    let (full, weave) = (ref_name(name)?, format!("{WEAVE_PREFIX}{name}"));
    for _ in 0..ATTEMPTS {
        let Some(old) = repo.ref_commit(&full)? else { return Err(missing(repo, name)?) };
        let deleted = repo.ref_commit(DELETED_REF)?;
        let grave = repo.commit_tree(repo.write_files(None, &[])?, deleted.into_iter().chain([old]), &format!("{GRAVE}{name}"))?;
        let mut changes = vec![
            RefChange { name: full.clone(), old: Some(old), new: None },
            RefChange { name: DELETED_REF.into(), old: deleted, new: Some(grave) },
        ];
        if let Some(candidate) = repo.ref_commit(&weave)? {
            changes.push(RefChange { name: weave.clone(), old: Some(candidate), new: None });
        }
        if repo.swap_refs(&changes, "plan delete")?.is_ok() {
            return Ok(old);
        }
    }
    Err(contended(name))
}

/// The revisions of a plan, newest first: those of the line that leads to it, and those that a `sync` merged into that.
pub fn log(repo: &Repo, name: &str) -> Result<Vec<Revision>> {
    let Some(newest) = repo.ref_commit(&ref_name(name)?)? else { return Err(missing(repo, name)?) };
    let all = History::default().ahead(&repo.git, newest, &[])?;
    all.into_iter().map(|id| revision(repo, name, id)).collect()
}

fn revision(repo: &Repo, name: &str, id: ObjectId) -> Result<Revision> {
    let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read revision {id} of plan {name}"), e);
    let commit = repo.git.find_commit(id).map_err(|e| reading(&e))?;
    let who = commit.committer().map_err(|e| reading(&e))?;
    let seconds = who.time().map_err(|e| reading(&e))?.seconds;
    let at = jiff::Timestamp::from_second(seconds).map_err(|e| reading(&e))?;
    let message = commit.message_raw_sloppy().to_string().trim().to_string();
    Ok(Revision {
        id,
        by: format!("{} <{}>", who.name, who.email),
        at: at.to_string(),
        reviewers: message.lines().filter_map(|line| line.strip_prefix(REVIEWED_BY)).map(|who| who.trim().to_string()).collect(),
        message,
    })
}

/// The revision of `name` that `spec` means: a commit id or its beginning, or `@{N}` and `~N` for N revisions back, as git counts
/// them. By its id also one of a plan of that name that was deleted.
pub fn find_revision(repo: &Repo, name: &str, spec: &str) -> Result<ObjectId> {
    let none = || {
        Error::input("no-revision", format!("plan `{name}` has no revision `{spec}`"))
            .hint(format!("`git lex-pr plan log {}` lists them; `~1` is the one before the newest", shell_word(name)))
    };
    let stands = repo.ref_commit(&ref_name(name)?)?;
    let back = spec.strip_prefix('~').or_else(|| spec.strip_prefix("@{").and_then(|s| s.strip_suffix('}')));
    if let Some(back) = back {
        let Some(mut id) = stands else { return Err(missing(repo, name)?) };
        for _ in 0..back.parse::<usize>().map_err(|_| none())? {
            let commit = repo.git.find_commit(id).map_err(|e| Error::git(format_args!("read revision {id} of plan {name}"), e))?;
            id = commit.parent_ids().next().ok_or_else(none)?.detach();
        }
        return Ok(id);
    }
    let mut known = buried_of(repo, name)?;
    if stands.is_none() && known.is_empty() {
        return Err(missing(repo, name)?);
    }
    if let Some(newest) = stands {
        known.extend(History::default().ahead(&repo.git, newest, &[])?);
    }
    let found: Vec<ObjectId> = known.into_iter().filter(|id| spec.len() >= 4 && id.to_string().starts_with(spec)).collect();
    match found[..] {
        [id] => Ok(id),
        _ => Err(none()),
    }
}
