//! Learning resolutions: from the merges of a history, and from what git-rerere(1) has kept.

use crate::{
    model::{Error, Result, resolution::Resolution},
    repo::{History, Repo},
    weave::{Ladder, Weaver, from_rerere},
};
use gix::ObjectId;
use schemars::JsonSchema;
use serde::Serialize;

/// What was learnt; what `resolutions train --json` and `resolutions import-rerere --json` print.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Trained {
    /// Merges, or conflicts that rerere has kept, that were looked at.
    pub looked_at: usize,
    /// Those of them that held a conflict and its resolution.
    pub with_conflicts: usize,
    /// Resolutions that were learnt.
    pub learnt: usize,
    /// Those of them that were not known before.
    pub new: usize,
}

/// Learn from every two-parent merge that `to` reaches and `from` does not. Where two merges resolve one conflict differently, the
/// newer counts.
pub fn train(repo: &Repo, from: ObjectId, to: ObjectId, tell: &mut dyn FnMut(&str, usize)) -> Result<Trained> {
    let mut weaver = Weaver::new(repo, "main", super::tree_of(repo, from)?, Ladder::none());
    let mut trained = Trained::default();
    let mut all = Vec::new();
    let mut merges = Vec::new();
    for id in History::default().ahead(&repo.git, to, &[from])? {
        let commit = repo.git.find_commit(id).map_err(|e| Error::git(format_args!("read commit {id}"), e))?;
        let parents: Vec<ObjectId> = commit.parent_ids().map(gix::Id::detach).collect();
        if let [ours, theirs] = parents[..] {
            merges.push((id, ours, theirs));
        }
    }
    // Oldest first, so that what is learnt later replaces what was learnt before.
    merges.reverse();
    trained.looked_at = merges.len();
    for (index, (id, ours, theirs)) in merges.iter().enumerate() {
        let learnt = weaver.learn(*id, *ours, *theirs)?;
        weaver.forget_candidates();
        trained.with_conflicts += usize::from(!learnt.is_empty());
        all.extend(learnt);
        tell(&repo.short(*id), merges.len() - index - 1);
    }
    keep(repo, &all, &mut trained, &format!("train on {}..{}", repo.short(from), repo.short(to)))?;
    Ok(trained)
}

/// Learn what git-rerere(1) has kept in this clone.
pub fn import_rerere(repo: &Repo) -> Result<Trained> {
    let folder = repo.git.common_dir().join("rr-cache");
    let reading = |e: std::io::Error| Error::io(format_args!("read {}", folder.display()), e);
    let mut trained = Trained::default();
    let mut all = Vec::new();
    if folder.is_dir() {
        let mut kept: Vec<_> = std::fs::read_dir(&folder).map_err(reading)?.collect::<Result<_, _>>().map_err(reading)?;
        kept.sort_by_key(std::fs::DirEntry::file_name);
        for conflict in kept {
            let id = conflict.file_name().to_string_lossy().into_owned();
            trained.looked_at += 1;
            // A conflict that recurred in another form has numbered variants; one without postimage is not resolved yet.
            for variant in std::iter::once(String::new()).chain((1..100).map(|n| format!(".{n}"))) {
                let read = |name: &str| std::fs::read(conflict.path().join(format!("{name}{variant}")));
                let (Ok(preimage), Ok(postimage)) = (read("preimage"), read("postimage")) else {
                    if variant.is_empty() { continue } else { break }
                };
                let learnt = from_rerere(&preimage, &postimage, &format!("rr-cache/{id}"));
                trained.with_conflicts += usize::from(!learnt.is_empty());
                all.extend(learnt);
            }
        }
    }
    keep(repo, &all, &mut trained, "import from git rerere")?;
    Ok(trained)
}

fn keep(repo: &Repo, learnt: &[Resolution], trained: &mut Trained, message: &str) -> Result<()> {
    trained.learnt = learnt.len();
    if !learnt.is_empty() {
        trained.new = repo.change_resolutions(learnt, &[], message)?;
    }
    Ok(())
}
