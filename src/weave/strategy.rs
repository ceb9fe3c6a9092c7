//! The commits that merge, squash and rebase make. Authors, committers and dates come from the items, so that the same
//! plan on the same commits gives the same candidates on every machine.

use super::{Strand, Weaver, Woven};
use crate::model::{Error, Result};
use gix::{ObjectId, actor::Signature};
use std::collections::{HashMap, HashSet};

impl Weaver<'_> {
    /// A merge commit of `tip` and the strand's head.
    pub(super) fn merge_commit(&self, tip: ObjectId, strand: &Strand, tree: ObjectId) -> Result<ObjectId> {
        let (author, committer, _) = self.people(strand.head, tip)?;
        let onto = if matches!(self.target.as_str(), "main" | "master") { String::new() } else { format!(" into {}", self.target) };
        let message = format!("Merge branch '{}'{onto}\n\nLex-Pr-Item: {}\n", strand.branch, strand.name);
        self.write_commit(&commit(tree, vec![tip, strand.head], author, committer, message))
    }

    /// One ordinary commit with all of the strand's changes.
    pub(super) fn squash_commit(&self, tip: ObjectId, strand: &Strand, tree: ObjectId) -> Result<ObjectId> {
        let (author, committer, message) = self.people(strand.head, tip)?;
        let commits = self.own_commits(tip, strand.head)?;
        let message = match commits[..] {
            [_] => message,
            _ => {
                let mut text = format!("Squash branch '{}'\n\n", strand.branch);
                let mut others = Vec::new();
                for id in commits {
                    let (who, _, message) = self.people(id, tip)?;
                    text.push_str(&format!("* {}\n", message.lines().next().unwrap_or_default()));
                    let line = format!("Co-authored-by: {} <{}>\n", who.name, who.email);
                    if who.email != author.email && !others.contains(&line) {
                        others.push(line);
                    }
                }
                text + &format!("\nLex-Pr-Item: {}\n", strand.name) + &others.concat()
            }
        };
        self.write_commit(&commit(tree, vec![tip], author, committer, message))
    }

    /// Each commit of the strand again on top of `tip`, as git-rebase(1) does: merges are left out, and so are commits
    /// whose change is there already.
    pub(super) fn rebase(&mut self, tip: ObjectId, strand: &Strand) -> Result<Woven> {
        let mut onto = tip;
        for id in self.own_commits(tip, strand.head)? {
            let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read commit {id}"), e);
            let parents: Vec<ObjectId> = self.git.find_commit(id).map_err(|e| reading(&e))?.parent_ids().map(gix::Id::detach).collect();
            let base = match parents[..] {
                [parent] if parent == onto => {
                    onto = id;
                    continue;
                }
                [parent] => self.tree_of(parent)?,
                [] => self.git.object_hash().empty_tree(),
                _ => continue,
            };
            let (ours, theirs) = (self.tree_of(onto)?, self.tree_of(id)?);
            let answer = match self.merge_trees([base, ours, theirs], 0)? {
                Some(answer) => answer,
                None => self.ask_git_about_trees(base, ours, theirs)?,
            };
            let tree = match answer {
                Ok(tree) => tree,
                Err(paths) => return Ok(Woven::Conflict { paths, commit: Some(id) }),
            };
            if tree == ours && theirs != base {
                continue;
            }
            let (author, committer, message) = self.people(id, onto)?;
            onto = self.write_commit(&commit(tree, vec![onto], author, committer, message))?;
        }
        if onto == tip {
            return Ok(Woven::UpToDate);
        }
        Ok(Woven::Clean { commit: onto, tree: self.tree_of(onto)? })
    }

    /// Git judges commits, so that trees are dressed as two commits on one base.
    pub(super) fn ask_git_about_trees(
        &mut self,
        base: ObjectId,
        ours: ObjectId,
        theirs: ObjectId,
    ) -> Result<Result<ObjectId, Vec<String>>> {
        let base = self.dress(base, Vec::new())?;
        let (ours, theirs) = (self.dress(ours, vec![base])?, self.dress(theirs, vec![base])?);
        self.ask_git(ours, theirs)
    }

    /// A commit that only serves a computation.
    pub(super) fn dress(&self, tree: ObjectId, parents: Vec<ObjectId>) -> Result<ObjectId> {
        let nobody = || Signature { name: "lex-pr".into(), email: "lex-pr@localhost".into(), time: Default::default() };
        self.write_commit(&commit(tree, parents, nobody(), nobody(), String::new()))
    }

    /// The commits that are the strand's own, parents before children: neither in the tip nor in an item before it.
    fn own_commits(&self, tip: ObjectId, head: ObjectId) -> Result<Vec<ObjectId>> {
        let hidden: Vec<ObjectId> = self.woven.iter().copied().chain([tip]).collect();
        let mut own: HashMap<ObjectId, Vec<ObjectId>> = HashMap::new();
        for id in self.history.borrow_mut().ahead(&self.git, head, &hidden)? {
            let commit = self.git.find_commit(id).map_err(|e| Error::git(format_args!("read commit {id}"), e))?;
            own.insert(id, commit.parent_ids().map(gix::Id::detach).collect());
        }
        let (mut sorted, mut seen, mut stack) = (Vec::with_capacity(own.len()), HashSet::new(), vec![(head, false)]);
        while let Some((id, parents_done)) = stack.pop() {
            if parents_done {
                sorted.push(id);
            } else if let (Some(parents), true) = (own.get(&id), seen.insert(id)) {
                stack.push((id, true));
                stack.extend(parents.iter().rev().map(|p| (*p, false)));
            }
        }
        Ok(sorted)
    }

    /// Author, committer and message of `id`; the committer's date is not before that of the new commit's parent.
    fn people(&self, id: ObjectId, parent: ObjectId) -> Result<(Signature, Signature, String)> {
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read commit {id}"), e);
        let commit = self.git.find_commit(id).map_err(|e| reading(&e))?;
        let author = commit.author().map_err(|e| reading(&e))?.to_owned().map_err(|e| reading(&e))?;
        let mut committer = commit.committer().map_err(|e| reading(&e))?.to_owned().map_err(|e| reading(&e))?;
        let before = self.git.find_commit(parent).map_err(|e| reading(&e))?.time().map_err(|e| reading(&e))?;
        if before.seconds > committer.time.seconds {
            committer.time = before;
        }
        Ok((author, committer, commit.message_raw_sloppy().to_string()))
    }
}

fn commit(tree: ObjectId, parents: Vec<ObjectId>, author: Signature, committer: Signature, message: String) -> gix::objs::Commit {
    gix::objs::Commit {
        tree,
        parents: parents.into(),
        author,
        committer,
        encoding: None,
        message: message.into(),
        extra_headers: Vec::new(),
    }
}
