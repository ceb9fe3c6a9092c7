//! Gates of one candidate at once, each in a work tree of its own, as many as there are workers.

use super::signals::Signals;
use crate::{
    config::Config,
    gate::{Attempted, Stop, Subject, run},
    model::{
        Error, Result,
        gate::{GateSpec, Runtime},
        policy::Retry,
        time,
        verdict::{Answer, Verdict},
    },
    repo::{GateTree, Repo},
};
use gix::ObjectId;
use std::{collections::VecDeque, sync::Arc};
use tokio::task::JoinSet;

/// Artifacts larger than this are left out of the journal.
const ARTIFACT_BYTES: u64 = 4 << 20;

/// A commit that gates judge.
#[derive(Clone, Copy)]
pub(super) struct Candidate {
    pub commit: ObjectId,
    pub tree: ObjectId,
    /// The commit that it is on.
    pub base: ObjectId,
}

/// A gate that has no verdict yet: where its report is, what it is, its digest and its inputs.
pub(super) type Open = (usize, GateSpec, String, ObjectId);

/// A verdict and what its gate left behind: stdout, stderr and artifacts, by path.
pub(super) struct Proof {
    pub verdict: Verdict,
    pub files: Vec<(String, Vec<u8>)>,
}

/// Runs gates. Work trees are made when they are first needed and used again for later candidates.
pub(super) struct Prover<'r> {
    repo: &'r Repo,
    workers: usize,
    idle: Vec<GateTree>,
    signals: Arc<Signals>,
}

impl<'r> Prover<'r> {
    pub fn new(repo: &'r Repo, workers: usize, signals: Arc<Signals>) -> Self {
        Prover { repo, workers: workers.max(1), idle: Vec::new(), signals }
    }

    /// Judge `candidate`, whose objects are in the object database, by each of `open`. Ctrl-C kills the gates and is an error.
    pub fn prove(
        &mut self,
        candidate: &Candidate,
        subject: &Subject,
        open: Vec<Open>,
        config: &Config,
        by: &str,
    ) -> Result<Vec<(usize, Proof)>> {
        let signals = Arc::clone(&self.signals);
        let proofs = signals.tokio.block_on(self.all(candidate, subject, open, config, by, &signals.stop))?;
        signals.check()?;
        Ok(proofs)
    }

    /// Run a command of the policy in a work tree that shows `candidate`, and take what `look` sees there when it is done.
    /// Ctrl-C kills it and is an error.
    pub fn in_tree<T>(
        &mut self,
        candidate: &Candidate,
        subject: &Subject,
        command: &GateSpec,
        look: impl FnOnce(&GateTree, Attempted) -> Result<T>,
    ) -> Result<T> {
        let signals = Arc::clone(&self.signals);
        self.show(candidate, &subject.target, |tree| {
            let done = signals.tokio.block_on(run(command, Retry::default(), tree.dir(), subject, signals.stop.clone()));
            signals.check()?;
            look(tree, done)
        })
    }

    /// Look at a work tree that shows `candidate`, with the branch `target` at what it is on.
    pub fn show<T>(&mut self, candidate: &Candidate, target: &str, look: impl FnOnce(&GateTree) -> Result<T>) -> Result<T> {
        let tree = match self.idle.pop() {
            Some(tree) => tree,
            None => GateTree::create(self.repo)?,
        };
        tree.show(candidate.commit, target, candidate.base)?;
        let seen = look(&tree);
        self.idle.push(tree);
        seen
    }

    async fn all(
        &mut self,
        candidate: &Candidate,
        subject: &Subject,
        open: Vec<Open>,
        config: &Config,
        by: &str,
        stop: &Stop,
    ) -> Result<Vec<(usize, Proof)>> {
        let mut waiting = VecDeque::from(open);
        let mut working = JoinSet::new();
        let mut proofs = Vec::new();
        let mut failure = None;
        loop {
            while working.len() < self.workers && failure.is_none() && !*stop.borrow() {
                let Some((at, gate, digest, inputs)) = waiting.pop_front() else { break };
                let blank = blank(&gate.name, digest, inputs, subject, by);
                if let Some((verdict, summary)) = answered_elsewhere(&gate) {
                    proofs.push((at, Proof { verdict: Verdict { verdict, summary, ..blank }, files: Vec::new() }));
                    continue;
                }
                let tree = match self.idle.pop() {
                    Some(tree) => tree,
                    None => GateTree::create(self.repo)?,
                };
                let (candidate, subject, stop, retry) = (*candidate, subject.clone(), stop.clone(), config.retry(&gate.name));
                working.spawn(async move { (at, judge(gate, blank, retry, tree, candidate, subject, stop).await) });
            }
            let Some(done) = working.join_next().await else { break };
            match done {
                Ok((at, Ok((tree, Some(proof))))) => {
                    self.idle.push(tree);
                    proofs.push((at, proof));
                }
                Ok((_, Ok((tree, None)))) => self.idle.push(tree),
                Ok((_, Err(error))) => failure = Some(error),
                Err(panic) => failure = Some(Error::environment("gate-crash", format!("a gate's worker crashed: {panic}"))),
            }
        }
        match failure {
            Some(error) => Err(error),
            None => Ok(proofs),
        }
    }
}

/// A verdict that has not been given: about the candidate of `subject`, asked now by `by`.
pub(super) fn blank(gate: &str, digest: String, inputs: ObjectId, subject: &Subject, by: &str) -> Verdict {
    Verdict {
        gate: gate.into(),
        digest,
        inputs: inputs.to_string(),
        verdict: Answer::Skip,
        summary: String::new(),
        annotations: Vec::new(),
        facts: serde_json::Map::new(),
        attempts: 0,
        duration_ms: 0,
        item: subject.item.clone(),
        candidate: subject.candidate.to_string(),
        by: by.into(),
        at: time::now(),
    }
}

fn answered_elsewhere(gate: &GateSpec) -> Option<(Answer, String)> {
    match gate.runtime {
        Runtime::Local => None,
        Runtime::CiService => Some((Answer::Skip, "it is answered by a CI service, not here".into())),
        Runtime::Container => Some((Answer::Error, "this version of git-lex-pr runs no containers".into())),
    }
}

async fn judge(
    gate: GateSpec,
    blank: Verdict,
    retry: Retry,
    tree: GateTree,
    candidate: Candidate,
    subject: Subject,
    stop: Stop,
) -> Result<(GateTree, Option<Proof>)> {
    let crashed = |e: tokio::task::JoinError| Error::environment("gate-crash", format!("a gate's work tree could not be used: {e}"));
    let target = subject.target.clone();
    let tree = tokio::task::spawn_blocking(move || tree.show(candidate.commit, &target, candidate.base).map(|()| tree))
        .await
        .map_err(crashed)??;
    let tried = run(&gate, retry, tree.dir(), &subject, stop).await;
    if tried.stopped {
        return Ok((tree, None));
    }
    let mut files = vec![("stdout".to_string(), tried.stdout), ("stderr".to_string(), tried.stderr)];
    let cwd = tree.dir().join(gate.cwd.as_deref().unwrap_or("."));
    let artifacts = tree.artifacts(&cwd, &gate.artifacts, ARTIFACT_BYTES);
    files.extend(artifacts.into_iter().map(|(path, content)| (format!("artifacts/{}", path.display()), content)));
    let verdict = Verdict {
        verdict: tried.answer,
        summary: tried.summary,
        attempts: tried.attempts,
        duration_ms: u64::try_from(tried.duration.as_millis()).unwrap_or(u64::MAX),
        ..blank
    };
    Ok((tree, Some(Proof { verdict, files })))
}
