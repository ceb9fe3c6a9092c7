//! The commits that merge, squash and rebase make. Authors, committers and dates come from the items, so that the same
//! plan on the same commits gives the same candidates on every machine.

use super::{Merged, Strand, Weaver, Woven};
use crate::model::{
    Error, Result,
    run::{Rung, Step},
};
use gix::{ObjectId, actor::Signature, bstr::ByteSlice, objs::commit::MessageRef};
use std::collections::{HashMap, HashSet};

impl Weaver<'_> {
    /// A merge commit of `tip` and the strand's head.
    pub(super) fn merge_commit(&self, tip: ObjectId, strand: &Strand, tree: ObjectId, steps: &[Step]) -> Result<ObjectId> {
        let (author, committer, _) = self.people(strand.head, tip)?;
        let onto = if matches!(self.target.as_str(), "main" | "master") { String::new() } else { format!(" into {}", self.target) };
        let merge = format!("Merge branch '{}'{onto}", strand.branch);
        let message = match steps {
            [] => format!("{merge}\n\nLex-Pr-Item: {}\n", strand.name),
            _ => self.weave_message(tip, strand, &author, &format!("{merge}\n"), steps)?,
        };
        self.write_commit(&commit(tree, vec![tip, strand.head], author, committer, message))
    }

    /// One ordinary commit with all of the strand's changes.
    pub(super) fn squash_commit(&self, tip: ObjectId, strand: &Strand, tree: ObjectId, steps: &[Step]) -> Result<ObjectId> {
        let (author, committer, message) = self.people(strand.head, tip)?;
        let commits = self.own_commits(tip, strand.head)?;
        let mut others = Vec::new();
        let mut list = String::new();
        for id in &commits {
            let (who, _, message) = self.people(*id, tip)?;
            list.push_str(&format!("* {}\n", message.lines().next().unwrap_or_default()));
            if who.email != author.email {
                push_new(&mut others, co_author(&who));
            }
        }
        let message = match (steps, &commits[..]) {
            ([], [_]) => message,
            ([], _) => format!("Squash branch '{}'\n\n{list}\nLex-Pr-Item: {}\n{}", strand.branch, strand.name, others.concat()),
            _ => {
                let mut text = self.weave_message(tip, strand, &author, &format!("Squash branch '{}'\n\n{list}", strand.branch), steps)?;
                others.retain(|line| !text.contains(line.as_str()));
                text.push_str(&others.concat());
                text
            }
        };
        self.write_commit(&commit(tree, vec![tip], author, committer, message))
    }

    /// The message of a commit in which the ladder settled conflicts: who was reconciled with whom and why, each file with
    /// what was done, and the authors of both sides.
    fn weave_message(&self, tip: ObjectId, strand: &Strand, author: &Signature, what: &str, steps: &[Step]) -> Result<String> {
        let (mut with, mut authors) = (Vec::new(), Vec::new());
        for step in steps {
            let touched = self.touched.get(step.path.as_bytes().as_bstr()).map_or(&[][..], Vec::as_slice);
            let mut others: Vec<ObjectId> = touched.iter().map(|(_, head)| *head).collect();
            if touched.is_empty() {
                push_new(&mut with, self.target.clone());
                others.extend(self.last_change(&step.path, tip, strand.head)?);
            }
            touched.iter().for_each(|(name, _)| push_new(&mut with, name.clone()));
            for other in others {
                let (who, ..) = self.people(other, tip)?;
                push_new(&mut authors, co_author(&who));
            }
        }
        push_new(&mut authors, co_author(author));
        let rung = Rung::highest(steps).word();
        let mut rules: Vec<&str> = steps.iter().map(|step| step.rule.as_deref().unwrap_or(step.rung.word())).collect();
        rules.sort_unstable();
        rules.dedup();
        let files: Vec<&str> = steps.iter().map(|step| step.path.as_str()).collect();
        let mut text = format!("Weave: reconcile {} + {} \u{2014} {}\n\n{what}\n", with.join(" + "), strand.name, rules.join(", "));
        text.push_str(&format!("Files: {}\nReason:\n", files.join(", ")));
        for step in steps {
            let rule = step.rule.as_deref().map(|rule| format!(" ({rule})")).unwrap_or_default();
            text.push_str(&format!("- {}: {}{rule}, {}\n", step.path, step.rung.word(), step.why));
        }
        text.push_str(&format!("\nLex-Pr-Item: {}\nLex-Pr-Weave: {rung}\n{}", strand.name, authors.concat()));
        Ok(text)
    }

    /// Each commit of the strand again on top of `tip`, as git-rebase(1) does: merges are left out, and so are commits
    /// whose change is there already.
    pub(super) fn rebase(&mut self, tip: ObjectId, strand: &Strand) -> Result<Woven> {
        let mut onto = tip;
        let mut steps = Vec::new();
        for id in self.own_commits(tip, strand.head)? {
            match self.pick(onto, id)? {
                Woven::Clean { commit, steps: done, .. } => {
                    onto = commit;
                    steps.extend(done);
                }
                Woven::UpToDate | Woven::NoCommonHistory => {}
                conflict @ Woven::Conflict { .. } => return Ok(conflict),
            }
        }
        if onto == tip {
            return Ok(Woven::UpToDate);
        }
        Ok(Woven::Clean { commit: onto, tree: self.tree_of(onto)?, steps })
    }

    /// The change of one commit again on top of `onto`, as git-cherry-pick(1) does. A merge has no one change, and one that is
    /// there already is up to date.
    pub fn pick(&mut self, onto: ObjectId, id: ObjectId) -> Result<Woven> {
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read commit {id}"), e);
        let parents: Vec<ObjectId> = self.git.find_commit(id).map_err(|e| reading(&e))?.parent_ids().map(gix::Id::detach).collect();
        let base = match parents[..] {
            [parent] if parent == onto => return Ok(Woven::Clean { commit: id, tree: self.tree_of(id)?, steps: Vec::new() }),
            [parent] => self.tree_of(parent)?,
            [] => self.git.object_hash().empty_tree(),
            _ => return Ok(Woven::UpToDate),
        };
        let (ours, theirs) = (self.tree_of(onto)?, self.tree_of(id)?);
        let answer = match self.merge_trees([base, ours, theirs], 0)? {
            Some(answer) => answer,
            None => self.ask_git_about_trees(base, ours, theirs)?,
        };
        let (tree, steps) = match answer {
            Ok(tree) => (tree, Vec::new()),
            Err(conflicted) => match self.climb(conflicted)? {
                Ok(settled) => settled,
                Err(conflicted) => return Ok(Woven::Conflict { conflicted, commit: Some(id) }),
            },
        };
        if tree == ours && theirs != base {
            return Ok(Woven::UpToDate);
        }
        let (author, committer, mut message) = self.people(id, onto)?;
        if !steps.is_empty() {
            message = with_trailers(&message, &steps);
        }
        let commit = self.write_commit(&commit(tree, vec![onto], author, committer, message))?;
        Ok(Woven::Clean { commit, tree, steps })
    }

    /// Git judges commits, so that trees are dressed as two commits on one base.
    pub(super) fn ask_git_about_trees(&mut self, base: ObjectId, ours: ObjectId, theirs: ObjectId) -> Result<Merged> {
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
        let hidden: Vec<ObjectId> = self.woven.iter().chain(&self.assumed).copied().chain([tip]).collect();
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

/// A commit that is applied again keeps its message; how its conflicts were settled is added as trailers.
fn with_trailers(message: &str, steps: &[Step]) -> String {
    let has_trailers = MessageRef::from_bytes(message.as_bytes()).body().is_some_and(|body| body.trailers().next().is_some());
    let mut text = format!("{}\n{}", message.trim_end(), if has_trailers { "" } else { "\n" });
    for step in steps {
        text.push_str(&format!("Lex-Pr-Settled: {} ({})\n", step.path, step.rule.as_deref().unwrap_or(step.rung.word())));
    }
    text + &format!("Lex-Pr-Weave: {}\n", Rung::highest(steps).word())
}

fn co_author(who: &Signature) -> String {
    format!("Co-authored-by: {} <{}>\n", who.name, who.email)
}

fn push_new(list: &mut Vec<String>, word: String) {
    if !list.contains(&word) {
        list.push(word);
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
