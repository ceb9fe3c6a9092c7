//! A commit that is about to be made, as gates in this process see it. Commands are not asked: nobody waits for them here.

use super::{
    plugins::{Plugins, Question},
    signals::Signals,
    tree_of,
};
use crate::{
    config::Config,
    gate::Subject,
    model::{
        Result,
        gate::{CONFLICT_MARKERS, GateSpec},
        hook::{Finding, Ruling},
        shell_word,
        verdict::Verdict,
    },
    repo::{History, Repo},
    weave::{Ladder, Weaver},
};
use gix::ObjectId;
use std::{collections::BTreeMap, path::Path};

/// A commit in the making.
pub struct Staged<'a> {
    /// The commit, of which only memory may know.
    pub commit: ObjectId,
    /// What it is on; nothing for the first one.
    pub parent: Option<ObjectId>,
    /// Whether it ends a merge.
    pub is_merge: bool,
    /// Its branch.
    pub branch: &'a str,
    /// The target, and the commit whose policy and plugins judge.
    pub target: (&'a str, ObjectId),
    /// That policy.
    pub config: &'a Config,
}

/// What gates have against the files of a commit or, where it has a `message` in a file, against that: those that look at commits.
pub fn judge_commit(repo: &Repo, staged: &Staged, message: Option<&Path>) -> Result<Vec<Finding>> {
    let of_message = message.is_some();
    let signals = Signals::watch()?;
    let (target, policy) = staged.target;
    let mut weaver = Weaver::new(repo, target, tree_of(repo, policy)?, Ladder::none());
    let mut findings = Vec::new();
    if !of_message {
        let before = staged.parent.map_or_else(|| Ok(repo.git.object_hash().empty_tree()), |parent| weaver.tree_of(parent))?;
        let changes = weaver.changes(before, weaver.tree_of(staged.commit)?)?;
        for found in weaver.added_markers(&changes, before)? {
            let message = format!("{CONFLICT_MARKERS} says fail: {}: {}", found.place(), found.message);
            let mend = format!("git diff --cached --check -- {}", shell_word(&found.path));
            findings.push(Finding::ruled(Ruling::Deny, staged.branch, message).mend(mend));
        }
    }
    // A merge brings what others have had judged, with a message of git's.
    let Some(parent) = staged.parent.filter(|_| !staged.is_merge) else { return Ok(findings) };
    let branched = History::default().merge_bases(&repo.git, policy, parent)?.into_iter().next().filter(|base| *base != parent);
    let mut plugins = Plugins::new(repo, policy, staged.config.gates.iter(), signals.stop.clone())?;
    for gate in staged.config.gates.iter().filter(|gate| gate.plugin.is_some()) {
        if plugins.runs_programs(gate) || !plugins.needs(gate).is_empty() {
            continue;
        }
        let Some(mut verdict) = ask(&mut plugins, &mut weaver, gate, staged, parent)? else {
            signals.check()?;
            continue;
        };
        if plugins.saw_commits() != of_message || verdict.verdict.is_good() {
            continue;
        }
        // What a gate wants once may stand in an earlier commit of the branch.
        if let (true, Some(base)) = (of_message, branched)
            && let Some(of_branch) = ask(&mut plugins, &mut weaver, gate, staged, base)?
            && of_branch.verdict.is_good()
        {
            verdict = of_branch;
        }
        if !verdict.verdict.is_good() {
            let ruling = if staged.config.is_required(&gate.name) { Ruling::Deny } else { Ruling::Allow };
            let (said, mend) = match message {
                Some(file) => {
                    (unmade(&verdict.summary, staged.commit), format!("git commit -e -F {}", shell_word(&file.to_string_lossy())))
                }
                None => (verdict.summary, format!("git lex-pr gate show {}", shell_word(&gate.name))),
            };
            findings.push(Finding::ruled(ruling, staged.branch, format!("{} says {}: {said}", gate.name, verdict.verdict)).mend(mend));
        }
    }
    Ok(findings)
}

/// What a gate says of `commit`, without the id that nobody will ever see, and without advice to rebase what is not there yet.
fn unmade(summary: &str, commit: ObjectId) -> String {
    let summary = summary.replace(&format!("{} ", commit.to_hex_with_len(10)), "");
    let is_advice = |sentence: &&str| sentence.split_once(" by git rebase").is_some_and(|(before, _)| before.split(' ').count() <= 2);
    summary.split(". ").filter(|sentence| !is_advice(sentence)).collect::<Vec<_>>().join(". ")
}

/// What a gate says of the commit on top of `base`; nothing where the user has stopped it.
fn ask(plugins: &mut Plugins, weaver: &mut Weaver, gate: &GateSpec, staged: &Staged, base: ObjectId) -> Result<Option<Verdict>> {
    let subject =
        Subject { item: staged.branch.into(), target: staged.target.0.into(), base, head: staged.commit, candidate: staged.commit };
    let trees = [weaver.tree_of(base)?, weaver.tree_of(staged.commit)?];
    let changes = weaver.changes(trees[0], trees[1])?;
    let question = Question { gate, subject: &subject, trees, changes: &changes, earlier: BTreeMap::new() };
    let key = plugins.key(&question, weaver)?;
    Ok(plugins.ask(question, key, None, weaver, "").map(|proof| proof.verdict))
}
