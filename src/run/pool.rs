//! The pool of workers: gates that are commands, each in a work tree of its own, as many at once as there are workers. It keeps
//! what they answered by what they judged, so that nothing is bought twice in a run.

use super::{
    crew::Crew,
    governor::Governor,
    schedule::{Job, Start},
    signals::Signals,
};
use crate::{
    config::Config,
    gate::{Attempted, Stop, Subject, guard, run},
    model::{
        Error, Result,
        error::Class,
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
    time::{Duration, Instant},
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

/// A job at work.
struct Running {
    stop: watch::Sender<bool>,
    since: Instant,
    /// When it is to be told that it is slow.
    slow_at: Duration,
}

/// A gate that is at work, to be shown.
#[derive(Clone, Debug)]
pub struct AtWork<'a> {
    /// The item whose candidate it judges.
    pub item: &'a str,
    /// The gate.
    pub gate: &'a str,
    /// For how long it has been at it.
    pub lasts: Duration,
}

/// A gate that would be at work, but for something else.
#[derive(Clone, Debug)]
pub struct Waiting<'a> {
    /// The item whose candidate it is to judge.
    pub item: &'a str,
    /// The gate.
    pub gate: &'a str,
    /// The item and the gate of its exclusive group that it waits for; any worker where there is none.
    pub beside: Option<(&'a str, &'a str)>,
}

/// After this time a gate is slow where it does not say itself when.
const SLOW: Duration = Duration::from_secs(60);

/// What a worker brings back: its work tree, and the proof unless it was stopped.
type Done = (Job, Result<(GateTree, Option<Proof>)>);

/// The workers of a run.
pub(super) struct Pool<'r> {
    repo: &'r Repo,
    crew: Crew,
    governor: Governor,
    by: String,
    signals: Arc<Signals>,
    idle: Vec<GateTree>,
    entries: Vec<Entry>,
    numbers: HashMap<(String, ObjectId), Job>,
    running: BTreeMap<Job, Running>,
    /// The jobs that could not start when they were asked for last, and the one that each waits for, if it is one.
    waiting: Vec<(Job, Option<Job>)>,
    /// The jobs of all workers, those that were stopped and have not ended yet among them.
    occupied: Vec<Job>,
    working: JoinSet<Done>,
}

impl<'r> Pool<'r> {
    pub fn new(repo: &'r Repo, config: &Config, by: String, signals: Arc<Signals>) -> Self {
        Pool {
            repo,
            crew: Crew::new(config.workers.fixed()),
            governor: Governor::new(&config.performance),
            by,
            signals,
            idle: Vec::new(),
            entries: Vec::new(),
            numbers: HashMap::new(),
            running: BTreeMap::new(),
            waiting: Vec::new(),
            occupied: Vec::new(),
            working: JoinSet::new(),
        }
    }

    pub fn workers(&self) -> usize {
        self.crew.size()
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
        let stays = verdict.class == Some(Class::Permanent);
        let tried_out = entry.recorded || stays || verdict.attempts == 0 || verdict.attempts >= entry.question.retry.max_attempts;
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

    /// Whether a verdict is one that was given in this run.
    pub fn gave(&self, verdict: &Verdict) -> bool {
        let Ok(inputs) = verdict.inputs.parse::<ObjectId>() else { return false };
        self.find(&verdict.digest, inputs).is_some_and(|job| !self.entries[job].recorded)
    }

    /// Verdicts that the journal does not have yet.
    pub fn unkept(&self) -> Vec<&Verdict> {
        self.entries.iter().filter(|entry| !entry.kept).filter_map(|entry| Some(&entry.proof.as_ref()?.verdict)).collect()
    }

    /// The journal has all verdicts now.
    pub fn all_kept(&mut self) {
        self.entries.iter_mut().filter(|entry| entry.proof.is_some()).for_each(|entry| entry.kept = true);
    }

    /// What runs.
    pub fn at_work(&self) -> Vec<AtWork<'_>> {
        self.running.iter().map(|(job, running)| self.shown(*job, running)).collect()
    }

    /// What waits for something else to end.
    pub fn waiting(&self) -> Vec<Waiting<'_>> {
        let names = |job: Job| {
            let Question { gate, subject, .. } = &self.entries[job].question;
            (subject.item.as_str(), gate.name.as_str())
        };
        let waiting = self.waiting.iter().map(|(job, beside)| {
            let (item, gate) = names(*job);
            Waiting { item, gate, beside: beside.map(names) }
        });
        waiting.collect()
    }

    fn shown(&self, job: Job, running: &Running) -> AtWork<'_> {
        let Question { gate, subject, .. } = &self.entries[job].question;
        AtWork { item: &subject.item, gate: &gate.name, lasts: running.since.elapsed() }
    }

    /// The gates that have become slow since this was asked last. Each is told again when it has taken twice as long.
    pub fn slow(&mut self) -> Vec<AtWork<'_>> {
        let mut slow = Vec::new();
        for (job, running) in &mut self.running {
            if running.since.elapsed() >= running.slow_at {
                running.slow_at *= 2;
                slow.push(*job);
            }
        }
        slow.into_iter().filter_map(|job| Some(self.shown(job, self.running.get(&job)?))).collect()
    }

    /// How many workers a gate takes: never more than there are.
    fn weight(&self, job: Job) -> usize {
        let weight = self.entries[job].question.gate.weight.map_or(1, |weight| weight as usize);
        weight.min(self.workers())
    }

    /// The bytes of memory that the gates at work, and `more` beside them, are bounded by, where they are.
    fn promised(&self, more: Job) -> u64 {
        let promise = |job: &Job| self.entries[*job].question.gate.memory_mb.map_or(0, |mb| u64::from(mb) << 20);
        self.occupied.iter().chain([&more]).map(promise).sum()
    }

    /// Start a job whose candidate is in the object database.
    pub fn start(&mut self, job: Job, once: bool) -> Result<Start> {
        if self.running.contains_key(&job) {
            return Ok(Start::Begun);
        }
        let load: usize = self.occupied.iter().map(|job| self.weight(*job)).sum();
        if load > 0 && load + self.weight(job) > self.workers() {
            self.crew.is_wanted();
            self.waiting.push((job, None));
            return Ok(Start::Full);
        }
        if load == 0 {
            self.governor.release();
        } else if self.governor.refuses(self.promised(job)) {
            return Ok(Start::Full);
        }
        let group = |job: &Job| self.entries[*job].question.gate.exclusive.as_ref();
        if group(&job).is_some()
            && let Some(other) = self.occupied.iter().find(|other| group(other) == group(&job))
        {
            self.waiting.push((job, Some(*other)));
            return Ok(Start::Waits);
        }
        let entry = &self.entries[job];
        let Question { gate, subject, retry, .. } = &entry.question;
        let before = entry.proof.as_ref().map_or(0, |proof| proof.verdict.attempts);
        let retry = Retry { max_attempts: if once { before + 1 } else { retry.max_attempts }, ..*retry };
        let blank = blank(&gate.name, entry.question.digest.clone(), entry.question.inputs, subject, &self.by);
        let (gate, subject) = (gate.clone(), subject.clone());
        let tree = self.tree()?;
        let (stop, stopped) = watch::channel(false);
        let slow_at = gate.slow_after.as_ref().map_or(SLOW, |span| span.duration());
        self.running.insert(job, Running { stop, since: Instant::now(), slow_at });
        self.occupied.push(job);
        let inside = self.signals.tokio.enter();
        self.working.spawn(async move { (job, judge(gate, blank, before, retry, tree, subject, stopped).await) });
        drop(inside);
        Ok(Start::Begun)
    }

    /// Whether memory held a gate back and now lets it start.
    pub fn is_let_go(&mut self) -> bool {
        self.governor.lets_go()
    }

    /// Why memory holds gates back, once, when it begins.
    pub fn held(&mut self) -> Option<String> {
        self.governor.news()
    }

    /// How often and how long memory held gates back.
    pub fn throttled(&self) -> Option<String> {
        self.governor.words()
    }

    /// Stop the jobs that run and are not among `wanted`.
    pub fn keep_only(&mut self, wanted: &[Job]) {
        self.waiting.clear();
        let unwanted: Vec<Job> = self.running.keys().copied().filter(|job| !wanted.contains(job)).collect();
        for job in unwanted {
            if let Some(running) = self.running.remove(&job) {
                running.stop.send_replace(true);
            }
        }
    }

    /// Wait for one worker, but not longer than `at_most`, and only until a signal comes that `until` tells of. Whether one came.
    pub fn wait(&mut self, at_most: Duration, mut until: Stop) -> Result<bool> {
        if self.working.is_empty() {
            return Err(Error::environment("gate-crash", "a run waits for gates, but none is at work"));
        }
        let signals = Arc::clone(&self.signals);
        let done = signals.tokio.block_on(async {
            tokio::select! {
                done = self.working.join_next() => done,
                () = tokio::time::sleep(at_most) => None,
                _ = until.wait_for(|stop| *stop) => None,
            }
        });
        self.crew.look();
        done.map(|done| self.take(done)).transpose().map(|done| done.is_some())
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
        if let Some(at) = self.occupied.iter().position(|occupied| *occupied == job) {
            self.occupied.swap_remove(at);
            self.crew.has_ended();
        }
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
            let done = signals.tokio.block_on(run(command, Retry::default(), 0, None, tree, subject, signals.stop.clone()));
            signals.check()?;
            look(tree, done)
        })
    }

    /// Look at a work tree that shows the candidate of `subject`, with the branch of its target at what it is on.
    pub fn show<T>(&mut self, subject: &Subject, look: impl FnOnce(&GateTree) -> Result<T>) -> Result<T> {
        let mut tree = self.tree()?;
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
        class: None,
        summary: String::new(),
        annotations: Vec::new(),
        facts: serde_json::Map::new(),
        attempts: 0,
        duration_ms: 0,
        item: subject.item.clone(),
        candidate: subject.candidate.to_string(),
        by: by.into(),
        at: time::now_exact(),
        signature: None,
    }
}

fn answered_elsewhere(gate: &GateSpec) -> Option<(Answer, String)> {
    match gate.runtime {
        Runtime::Local | Runtime::Container => None,
        Runtime::CiService => Some((Answer::Skip, "it is answered by a CI service, not here".into())),
    }
}

async fn judge(
    gate: GateSpec,
    blank: Verdict,
    before: u32,
    retry: Retry,
    mut tree: GateTree,
    subject: Subject,
    stop: Stop,
) -> Result<(GateTree, Option<Proof>)> {
    let crashed = |e: tokio::task::JoinError| Error::environment("gate-crash", format!("a gate's work tree could not be used: {e}"));
    let (candidate, target, base) = (subject.candidate, subject.target.clone(), subject.base);
    let guard = guard(&gate);
    let mut tree = tokio::task::spawn_blocking(move || tree.show(candidate, &target, base).map(|()| tree)).await.map_err(crashed)??;
    let tried = run(&gate, retry, before, guard, &tree, &subject, stop).await;
    if tried.stopped {
        return Ok((tree, None));
    }
    let mut files = vec![("stdout".to_string(), tried.stdout), ("stderr".to_string(), tried.stderr)];
    let cwd = tree.dir().join(gate.cwd.as_deref().unwrap_or("."));
    let artifacts = tree.artifacts(&cwd, &gate.artifacts, ARTIFACT_BYTES);
    files.extend(artifacts.into_iter().map(|(path, content)| (format!("artifacts/{}", path.display()), content)));
    tree.look();
    let verdict = Verdict {
        verdict: tried.answer,
        class: tried.class,
        summary: tried.summary,
        attempts: tried.attempts,
        duration_ms: u64::try_from(tried.duration.as_millis()).unwrap_or(u64::MAX),
        ..blank
    };
    Ok((tree, Some(Proof { verdict, files })))
}
