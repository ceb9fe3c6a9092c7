//! What this queue would have made of a history: its first-parent merges, woven again and held against git.

use super::signals::Signals;
use crate::{
    config::WeaveTable,
    model::{
        Error, Result,
        plan::Strategy,
        run::{Replay, ReplayedMerge, Rung},
    },
    repo::{History, Repo},
    weave::{Strand, Weaver, Woven},
};
use gix::{ObjectId, bstr::ByteSlice};
use std::{collections::HashSet, time::Instant};

/// What to replay, and how.
pub struct Request<'a> {
    /// Where the history begins; not replayed itself.
    pub from: ObjectId,
    /// Where it ends.
    pub to: ObjectId,
    /// Whether each merge is woven on its own recorded first parent instead of on those before it.
    pub pairs: bool,
    /// Whether single commits of the line, such as reverts, are applied as well.
    pub with_commits: bool,
    /// Whether git merges the same, to be compared.
    pub against_git: bool,
    /// The rungs that are left on.
    pub weave: &'a WeaveTable,
}

/// Replay the two-parent merges on the first-parent line, oldest first. As a chain, each second parent is woven onto what
/// the ones before it gave, beginning at `from`; as pairs, each merge is woven again on its own first parent. `tell` gets each
/// merge as it is done, and how many are left.
pub fn replay(repo: &Repo, request: &Request, tell: &mut dyn FnMut(&ReplayedMerge, usize)) -> Result<Replay> {
    let Request { from, to, pairs, against_git, .. } = *request;
    let line = first_parent_line(repo, request)?;
    let mut weaver = Weaver::new(repo, "main", super::tree_of(repo, from)?, super::ladder(repo, request.weave)?);
    let signals = Signals::watch()?;
    let mut tip = from;
    let mut merges = Vec::with_capacity(line.len());
    for (index, recorded) in line.iter().enumerate() {
        signals.check()?;
        let base = if pairs { recorded.first_parent } else { tip };
        let head = recorded.second_parent.unwrap_or(recorded.id);
        let strand = Strand { name: &recorded.title, branch: &recorded.title, head, strategy: Strategy::Merge };
        let started = Instant::now();
        let woven = match recorded.second_parent {
            Some(_) if pairs => weaver.merge(base, head)?,
            Some(_) => weaver.weave(base, &strand)?,
            None => weaver.pick(base, recorded.id)?,
        };
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let asked = against_git && recorded.second_parent.is_some() && matches!(woven, Woven::Clean { .. } | Woven::Conflict { .. });
        let git = asked.then(|| weaver.merge_by_git(base, head)).transpose()?;
        let (tree, settled) = match &woven {
            Woven::Clean { tree, steps, .. } => (Some(*tree), !steps.is_empty()),
            Woven::UpToDate | Woven::Conflict { .. } | Woven::NoCommonHistory => (None, false),
        };
        let done = ReplayedMerge {
            commit: recorded.id.to_string(),
            title: recorded.title.clone(),
            weave: match &woven {
                Woven::Clean { steps, .. } => Some(Rung::highest(steps)),
                Woven::UpToDate => Some(Rung::Trivial),
                Woven::Conflict { .. } | Woven::NoCommonHistory => None,
            },
            conflicts: match &woven {
                Woven::Conflict { conflicted, .. } => conflicted.paths(),
                Woven::Clean { .. } | Woven::UpToDate | Woven::NoCommonHistory => Vec::new(),
            },
            // What the ladder settled is a conflict to git.
            same_as_git: git.map(|git| git.ok() == tree.filter(|_| !settled)),
            same_as_recorded: tree.map(|tree| tree == recorded.tree),
            micros,
        };
        if let Woven::Clean { commit, .. } = &woven {
            tip = *commit;
            weaver.accept(&strand, &[]);
        }
        match pairs {
            true => weaver.forget_candidates(),
            false => weaver.forget_behind(tip)?,
        }
        tell(&done, line.len() - index - 1);
        merges.push(done);
    }
    let differs = match pairs {
        true => None,
        false => {
            let changes = weaver.changes(weaver.tree_of(tip)?, super::tree_of(repo, to)?)?;
            Some(changes.into_iter().map(|change| change.path.to_string()).collect())
        }
    };
    Ok(Replay { merges, differs })
}

/// A merge, or a single commit, of the line.
struct Recorded {
    id: ObjectId,
    title: String,
    tree: ObjectId,
    first_parent: ObjectId,
    second_parent: Option<ObjectId>,
}

fn first_parent_line(repo: &Repo, request: &Request) -> Result<Vec<Recorded>> {
    // A handle of its own, which takes what it has mapped of a long history with it.
    let git = repo.in_memory();
    let ahead: HashSet<ObjectId> = History::default().ahead(&git, request.to, &[request.from])?.into_iter().collect();
    let mut line = Vec::new();
    let mut next = Some(request.to);
    while let Some(id) = next.filter(|id| ahead.contains(id)) {
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read commit {id}"), e);
        let commit = git.find_commit(id).map_err(|e| reading(&e))?;
        let parents: Vec<ObjectId> = commit.parent_ids().map(gix::Id::detach).collect();
        let wanted = match parents[..] {
            [first, second] => Some((first, Some(second))),
            [first] if request.with_commits => Some((first, None)),
            _ => None,
        };
        if let Some((first_parent, second_parent)) = wanted {
            let title = commit.message_raw_sloppy().lines().next().unwrap_or_default().to_str_lossy().into_owned();
            let tree = commit.tree_id().map_err(|e| reading(&e))?.detach();
            line.push(Recorded { id, title, tree, first_parent, second_parent });
        }
        next = parents.first().copied();
    }
    line.reverse();
    Ok(line)
}
