//! What this queue would have made of a history: its first-parent merges, woven again and held against git.

use super::signals::Signals;
use crate::{
    model::{
        Error, Result,
        plan::Strategy,
        run::{ReplayedMerge, Weave},
    },
    repo::{History, Repo},
    weave::{Strand, Weaver, Woven},
};
use gix::ObjectId;
use std::{collections::HashSet, time::Instant};

/// Replay the two-parent merges on the first-parent line from `from` (exclusive) to `to`, oldest first. As a chain, each
/// second parent is woven onto what the ones before it gave, beginning at `from`; as `pairs`, each merge is woven again on
/// its own first parent. With `against_git`, git merges the same and the trees are compared. `tell` gets each merge as it is done.
pub fn replay(
    repo: &Repo,
    from: ObjectId,
    to: ObjectId,
    pairs: bool,
    against_git: bool,
    tell: &mut dyn FnMut(&ReplayedMerge, usize),
) -> Result<Vec<ReplayedMerge>> {
    let merges = first_parent_merges(repo, from, to)?;
    let mut weaver = Weaver::new(repo, "main", super::tree_of(repo, from)?);
    let signals = Signals::watch()?;
    let mut tip = from;
    let mut replayed = Vec::with_capacity(merges.len());
    for (index, merge) in merges.iter().enumerate() {
        signals.check()?;
        let base = if pairs { merge.first_parent } else { tip };
        let strand = Strand { name: &merge.title, branch: &merge.title, head: merge.second_parent, strategy: Strategy::Merge };
        let started = Instant::now();
        let woven = weaver.weave(base, &strand)?;
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let git = match (&woven, against_git) {
            (_, false) | (Woven::UpToDate | Woven::NoCommonHistory, _) => None,
            (Woven::Clean { .. } | Woven::Conflict { .. }, true) => Some(weaver.merge_by_git(base, merge.second_parent)?),
        };
        let tree = match &woven {
            Woven::Clean { tree, .. } => Some(*tree),
            Woven::UpToDate | Woven::Conflict { .. } | Woven::NoCommonHistory => None,
        };
        let done = ReplayedMerge {
            commit: merge.id.to_string(),
            title: merge.title.clone(),
            weave: matches!(woven, Woven::Clean { .. } | Woven::UpToDate).then_some(Weave::Trivial),
            conflicts: match &woven {
                Woven::Conflict { paths, .. } => paths.clone(),
                Woven::Clean { .. } | Woven::UpToDate | Woven::NoCommonHistory => Vec::new(),
            },
            same_as_git: git.map(|git| git.ok() == tree),
            same_as_recorded: tree.map(|tree| tree == merge.tree),
            micros,
        };
        if let (false, Woven::Clean { commit, .. }) = (pairs, &woven) {
            tip = *commit;
        }
        if pairs {
            weaver.forget_candidates();
        }
        tell(&done, merges.len() - index - 1);
        replayed.push(done);
    }
    Ok(replayed)
}

struct Merge {
    id: ObjectId,
    title: String,
    tree: ObjectId,
    first_parent: ObjectId,
    second_parent: ObjectId,
}

fn first_parent_merges(repo: &Repo, from: ObjectId, to: ObjectId) -> Result<Vec<Merge>> {
    let ahead: HashSet<ObjectId> = History::default().ahead(&repo.git, to, &[from])?.into_iter().collect();
    let mut merges = Vec::new();
    let mut next = Some(to);
    while let Some(id) = next.filter(|id| ahead.contains(id)) {
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read commit {id}"), e);
        let commit = repo.git.find_commit(id).map_err(|e| reading(&e))?;
        let parents: Vec<ObjectId> = commit.parent_ids().map(gix::Id::detach).collect();
        if let [first_parent, second_parent] = parents[..] {
            let title = commit.message_raw_sloppy().to_string().lines().next().unwrap_or_default().to_string();
            let tree = commit.tree_id().map_err(|e| reading(&e))?.detach();
            merges.push(Merge { id, title, tree, first_parent, second_parent });
        }
        next = parents.first().copied();
    }
    merges.reverse();
    Ok(merges)
}
