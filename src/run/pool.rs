//! The pool of workers: gates that are commands, each in a work tree of its own, as many at once as there are workers. It keeps
//! what they answered by what they judged, so that nothing is bought twice in a run.

use super::{schedule::Job, signals::Signals};
use crate::{
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
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use tokio::{sync::watch, task::JoinSet};

/// Artifacts larger than this are left out of the journal.
const ARTIFACT_BYTES: u64 = 4 << 20;

/// A verdict and what its gate left behind: stdout, stderr and artifacts, by path.
pub(super) struct Proof {
    pub verdict: Verdict,
    pub files: Vec<(String, Vec<u8>)>,
}

/// A gate on certain inputs.
pub(super) struct Question {
    pub gate: GateSpec,
    pub digest: String,
    pub inputs: ObjectId,
    pub subject: Subject,
    pub retry: Retry,
}

/// A question and what became of it.
struct Entry {
    question: Question,
    proof: Option<Proof>,
    /// Whether the verdict was recorded before this run.
    recorded: bool,
    /// Whether the journal has it.
    kept: bool,
    /// Whether an item was decided by it.
    used: bool,
}

/// What a worker brings back: its work tree, and the proof unless it was stopped.
type Done = (Job, Result<(GateTree, Option<Proof>)>);

/// The workers of a run.
pub(super) struct Pool<'r> {
    repo: &'r Repo,
    workers: usize,
    by: String,
    signals: Arc<Signals>,
    idle: Vec<GateTree>,
    entries: Vec<Entry>,
    numbers: HashMap<(String, ObjectId), Job>,
    running: BTreeMap<Job, watch::Sender<bool>>,
    working: JoinSet<Done>,
}

impl<'r> Pool<'r> {
    pub fn new(repo: &'r Repo, workers: usize, by: String, signals: Arc<Signals>) -> Self {
        Pool {
            repo,
            workers: workers.max(1),
            by,
            signals,
            idle: Vec::new(),
            entries: Vec::new(),
            numbers: HashMap::new(),
            running: BTreeMap::new(),
            working: JoinSet::new(),
        }
    }

    pub fn workers(&self) -> usize {
        self.workers
    }

    /// The number of a question, where it was asked before.
    pub fn find(&self, digest: &str, inputs: ObjectId) -> Option<Job> {
        self.numbers.get(&(digest.to_string(), inputs)).copied()
    }

    /// Take a question up, with the verdict that is recorded for it.
    pub fn add(&mut self, question: Question, recorded: Option<Verdict>) -> Job {
        let elsewhere = || {
            let (verdict, summary) = answered_elsewhere(&question.gate)?;
            let blank = blank(&question.gate.name, question.digest.clone(), question.inputs, &question.subject, &self.by);
            Some(Verdict { verdict, summary, ..blank })
        };
        let is_recorded = recorded.is_some();
        let proof = recorded.or_else(elsewhere).map(|verdict| Proof { verdict, files: Vec::new() });
        self.numbers.insert((question.digest.clone(), question.inputs), self.entries.len());
        self.entries.push(Entry { question, proof, recorded: is_recorded, kept: is_recorded, used: false });
        self.entries.len() - 1
    }

    /// Whether a job is green; a red one that may be tried again is answered only `once`.
    pub fn answer(&self, job: Job, once: bool) -> Option<bool> {
        let entry = &self.entries[job];
        let verdict = &entry.proof.as_ref()?.verdict;
        let green = verdict.verdict.is_good();
        let tried_out = entry.recorded || verdict.attempts == 0 || verdict.attempts >= entry.question.retry.max_attempts;
        (green || once || tried_out).then_some(green)
    }

    /// What a job is about.
    pub fn question(&self, job: Job) -> &Question {
        &self.entries[job].question
    }

    /// The verdict of a job for an item that it decides, and whether it was there before; what the gate left behind goes with
    /// the first item.
    pub fn decide_by(&mut self, job: Job) -> Option<(Proof, bool)> {
        let entry = &mut self.entries[job];
        let proof = entry.proof.as_mut()?;
        let reused = entry.recorded || entry.used;
        entry.used = true;
        Some((Proof { verdict: proof.verdict.clone(), files: std::mem::take(&mut proof.files) }, reused))
    }

    /// The verdict of a job, to look at.
    pub fn verdict(&self, job: Job) -> Option<&Verdict> {
        self.entries[job].proof.as_ref().map(|proof| &proof.verdict)
    }

    /// Whether a verdict is one of this pool's.
    pub fn has(&self, verdict: &Verdict) -> bool {
        let Ok(inputs) = verdict.inputs.parse::<ObjectId>() else { return false };
        self.find(&verdict.digest, inputs).is_some()
    }

    /// Verdicts that the journal does not have yet.
    pub fn unkept(&self) -> Vec<&Verdict> {
        self.entries.iter().filter(|entry| !entry.kept).filter_map(|entry| Some(&entry.proof.as_ref()?.verdict)).collect()
    }

    /// The journal has all verdicts now.
    pub fn all_kept(&mut self) {
        self.entries.iter_mut().filter(|entry| entry.proof.is_some()).for_each(|entry| entry.kept = true);
    }

    /// What runs: item and gate.
    pub fn at_work(&self) -> Vec<(&str, &str)> {
        let names = |job: &Job| (self.entries[*job].question.subject.item.as_str(), self.entries[*job].question.gate.name.as_str());
        self.running.keys().map(names).collect()
    }

    /// Start a job whose candidate is in the object database; `false` where no worker is free.
    pub fn start(&mut self, job: Job, once: bool) -> Result<bool> {
        if self.running.contains_key(&job) {
            return Ok(true);
        }
        if self.working.len() >= self.workers {
            return Ok(false);
        }
        let entry = &self.entries[job];
        let Question { gate, subject, retry, .. } = &entry.question;
        let before = entry.proof.as_ref().map_or(0, |proof| proof.verdict.attempts);
        let retry = Retry { max_attempts: if once { before + 1 } else { retry.max_attempts }, ..*retry };
        let blank = blank(&gate.name, entry.question.digest.clone(), entry.question.inputs, subject, &self.by);
        let (gate, subject) = (gate.clone(), subject.clone());
        let tree = self.tree()?;
        let (stop, stopped) = watch::channel(false);
        self.running.insert(job, stop);
        let inside = self.signals.tokio.enter();
        self.working.spawn(async move { (job, judge(gate, blank, before, retry, tree, subject, stopped).await) });
        drop(inside);
        Ok(true)
    }

    /// Stop the jobs that run and are not among `wanted`.
    pub fn keep_only(&mut self, wanted: &[Job]) {
        let unwanted: Vec<Job> = self.running.keys().copied().filter(|job| !wanted.contains(job)).collect();
        for job in unwanted {
            if let Some(stop) = self.running.remove(&job) {
                stop.send_replace(true);
            }
        }
    }

    /// Wait for one worker. Ctrl-C stops them all and is an error.
    pub fn wait(&mut self) -> Result<()> {
        let signals = Arc::clone(&self.signals);
        let mut stop = signals.stop.clone();
        let done = signals.tokio.block_on(async {
            tokio::select! {
                done = self.working.join_next() => done,
                _ = stop.wait_for(|stop| *stop) => None,
            }
        });
        if *signals.stop.borrow() {
            self.end();
            return signals.check();
        }
        match done {
            Some(done) => self.take(done),
            None => Err(Error::environment("gate-crash", "a run waits for gates, but none is at work")),
        }
    }

    /// Stop all that runs, and wait for it to be gone.
    pub fn end(&mut self) {
        self.keep_only(&[]);
        let signals = Arc::clone(&self.signals);
        while let Some(done) = signals.tokio.block_on(self.working.join_next()) {
            // A worker that fails while it is stopped has nothing to tell.
            let _ = self.take(done);
        }
    }

    fn take(&mut self, done: Result<Done, tokio::task::JoinError>) -> Result<()> {
        let (job, outcome) = done.map_err(|panic| Error::environment("gate-crash", format!("a gate's worker crashed: {panic}")))?;
        let (tree, proof) = outcome?;
        self.idle.push(tree);
        // One that was stopped may have been started again meanwhile: that one is still at work.
        if let Some(proof) = proof {
            self.running.remove(&job);
            let entry = &mut self.entries[job];
            (entry.proof, entry.kept) = (Some(proof), false);
        }
        Ok(())
    }

    fn tree(&mut self) -> Result<GateTree> {
        match self.idle.pop() {
            Some(tree) => Ok(tree),
            None => GateTree::create(self.repo),
        }
    }

    /// Run a command of the policy in a work tree that shows the candidate of `subject`, and take what `look` sees there when it
    /// is done. Ctrl-C kills it and is an error.
    pub fn in_tree<T>(&mut self, subject: &Subject, command: &GateSpec, look: impl FnOnce(&GateTree, Attempted) -> Result<T>) -> Result<T> {
        let signals = Arc::clone(&self.signals);
        self.show(subject, |tree| {
            let done = signals.tokio.block_on(run(command, Retry::default(), 0, tree.dir(), subject, signals.stop.clone()));
            signals.check()?;
            look(tree, done)
        })
    }

    /// Look at a work tree that shows the candidate of `subject`, with the branch of its target at what it is on.
    pub fn show<T>(&mut self, subject: &Subject, look: impl FnOnce(&GateTree) -> Result<T>) -> Result<T> {
        let tree = self.tree()?;
        tree.show(subject.candidate, &subject.target, subject.base)?;
        let seen = look(&tree);
        self.idle.push(tree);
        seen
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
    before: u32,
    retry: Retry,
    tree: GateTree,
    subject: Subject,
    stop: Stop,
) -> Result<(GateTree, Option<Proof>)> {
    let crashed = |e: tokio::task::JoinError| Error::environment("gate-crash", format!("a gate's work tree could not be used: {e}"));
    let (candidate, target, base) = (subject.candidate, subject.target.clone(), subject.base);
    let tree = tokio::task::spawn_blocking(move || tree.show(candidate, &target, base).map(|()| tree)).await.map_err(crashed)??;
    let tried = run(&gate, retry, before, tree.dir(), &subject, stop).await;
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
