//! Runs in virtual time: what a way of batching costs, found by the scheduler of real runs on invented items.

use super::schedule::{Job, Settled, Start, World, schedule};
use crate::model::{
    Error, Result,
    policy::Batch,
    simulation::{Model, Scene, Simulated, Work, WorkEnd},
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet},
    rc::Rc,
};

/// A simulated run, and what its workers did.
pub struct Played {
    /// What it came to.
    pub outcome: Simulated,
    /// The work, in the order in which it ended.
    pub work: Vec<Work>,
}

/// Simulate a run of `scene` with `batch`, by the shares, workers and tries of `model`. The same scene, model and seed give the same run.
///
/// Errors: a model whose shares are none, or that has no workers, gates or lanes.
pub fn simulate(scene: &Scene, model: &Model, batch: Batch) -> Result<Played> {
    let mut virtual_run = Virtual::new(scene, model);
    let items: Vec<usize> = (0..scene.items.len()).collect();
    schedule(&mut virtual_run, &items, batch, scene.batch_size.unwrap_or(usize::MAX))?;
    Ok(virtual_run.played(batch))
}

/// Whether a model can be simulated.
pub fn check_model(model: &Model) -> Result<()> {
    let shares = [("failures", model.failures), ("flakes", model.flakes), ("spread", model.spread)];
    if let Some((name, _)) = shares.iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
        return Err(Error::input("bad-value", format!("--{name} is a share, from 0 to 1")).hint("5 of 100 is 0.05"));
    }
    if !(model.gate_seconds.is_finite() && model.gate_seconds > 0.0) {
        return Err(Error::input("bad-value", "a gate takes more than no time").hint("give --gate-seconds a number above 0"));
    }
    let counts = [("workers", model.workers), ("gates", model.gates), ("lanes", model.lanes), ("tries", model.tries)];
    match counts.iter().find(|(_, count)| *count == 0) {
        Some((name, _)) => Err(Error::input("bad-value", format!("--{name} is at least 1")).hint("leave it out for the default")),
        None => Ok(()),
    }
}

/// The inputs of one gate on certain items, by which its verdict is used again. Which items they are is told by a sum of numbers
/// drawn for each, so that a candidate costs as much room behind ten thousand items as behind ten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Inputs {
    items: u128,
    /// How many of them break the gate.
    broken: usize,
}

/// A job: a gate on certain inputs, first asked for an item.
struct Asked {
    gate: usize,
    inputs: Inputs,
    item: usize,
}

/// A job at work, and what it will come to.
struct Running {
    worker: usize,
    started: f64,
    /// How long it takes, with all tries.
    seconds: f64,
    /// Tries before this and with it.
    before: usize,
    tries: usize,
    green: bool,
}

struct Virtual<'m> {
    scene: &'m Scene,
    model: &'m Model,
    now: f64,
    /// Whether an item breaks the gates that it touches.
    breaks: Vec<bool>,
    /// What stands for an item in a sum of inputs.
    marks: Vec<u128>,
    /// By gate, its inputs in what is in.
    accepted: Rc<Vec<Inputs>>,
    jobs: Vec<Asked>,
    numbers: HashMap<(usize, Inputs), Job>,
    /// Whether a job is green, and after how many tries.
    answers: HashMap<Job, (bool, usize)>,
    used: HashSet<Job>,
    running: BTreeMap<Job, Running>,
    /// When a running job ends, and which one it is; a job that was stopped may still stand here.
    ends: BinaryHeap<(Reverse<u64>, Reverse<Job>)>,
    free: BTreeSet<usize>,
    executions: usize,
    stopped: usize,
    settled: Vec<Option<Settled>>,
    /// What was done, and for which job; the end of an answer is put right at last.
    work: Vec<(Job, Work)>,
}

impl<'m> Virtual<'m> {
    fn new(scene: &'m Scene, model: &'m Model) -> Self {
        let mut random = fastrand::Rng::with_seed(model.seed);
        let count = scene.items.len();
        let mut virtual_run = Virtual {
            scene,
            model,
            now: 0.0,
            breaks: (0..count).map(|_| random.f64() < model.failures).collect(),
            marks: (0..count).map(|_| random.u128(..)).collect(),
            accepted: Rc::new(vec![Inputs::default(); scene.gates.len()]),
            jobs: Vec::new(),
            numbers: HashMap::new(),
            answers: HashMap::new(),
            used: HashSet::new(),
            running: BTreeMap::new(),
            ends: BinaryHeap::new(),
            free: (0..model.workers).collect(),
            executions: 0,
            stopped: 0,
            settled: vec![None; count],
            work: Vec::new(),
        };
        // The target was proved when the run before landed.
        for gate in 0..scene.gates.len() {
            let job = virtual_run.job(gate, Inputs::default(), 0);
            virtual_run.answers.insert(job, (true, 1));
        }
        virtual_run
    }

    /// The number of a gate on certain inputs.
    fn job(&mut self, gate: usize, inputs: Inputs, item: usize) -> Job {
        *self.numbers.entry((gate, inputs)).or_insert_with(|| {
            self.jobs.push(Asked { gate, inputs, item });
            self.jobs.len() - 1
        })
    }

    /// Chance that belongs to a job and a try, whatever was asked before it: without it two ways of batching could not be
    /// compared.
    fn chance(&self, job: Job, attempt: usize) -> fastrand::Rng {
        let Asked { gate, inputs, .. } = &self.jobs[job];
        let mut seed = self.model.seed ^ 0x9e37_79b9_7f4a_7c15;
        for part in [*gate as u64, attempt as u64, inputs.items as u64, (inputs.items >> 64) as u64] {
            seed = (seed ^ part).wrapping_mul(0x0100_0000_01b3).rotate_left(29);
        }
        fastrand::Rng::with_seed(seed)
    }

    /// Write down what the worker of a job has done, and let it go.
    fn note(&mut self, job: Job, run: &Running, until: f64, end: WorkEnd) {
        let Asked { gate, item, .. } = self.jobs[job];
        self.work.push((job, Work { worker: run.worker, item, gate, time: (run.started, until), end }));
        self.free.insert(run.worker);
    }

    fn stop(&mut self, job: Job) {
        if let Some(run) = self.running.remove(&job) {
            self.executions += 1;
            self.stopped += 1;
            self.note(job, &run, self.now, WorkEnd::Stopped);
        }
    }

    fn played(mut self, batch: Batch) -> Played {
        for (job, work) in &mut self.work {
            if !self.used.contains(job) && work.end != WorkEnd::Stopped {
                work.end = WorkEnd::Unused;
            }
        }
        let count = |wanted: &dyn Fn(usize) -> bool| (0..self.scene.items.len()).filter(|item| wanted(*item)).count();
        let landed = |item: usize| self.settled[item] == Some(Settled::In);
        let guilty = |item: usize| self.breaks[item] || self.scene.items[item].deps.iter().any(|dep| !landed(*dep));
        let time = |wanted: &dyn Fn(WorkEnd) -> bool| -> f64 {
            let works = self.work.iter().filter(|(_, work)| wanted(work.end));
            works.fold(0.0, |sum, (_, work)| sum + work.time.1 - work.time.0)
        };
        let outcome = Simulated {
            batch,
            landed: count(&landed),
            evicted: count(&|item| !landed(item) && guilty(item)),
            innocent_evicted: count(&|item| !landed(item) && !guilty(item)),
            executions: self.executions,
            stopped: self.stopped,
            seconds: self.now,
            busy_seconds: time(&|_| true),
            wasted_seconds: time(&|end| matches!(end, WorkEnd::Unused | WorkEnd::Stopped)),
        };
        Played { outcome, work: self.work.into_iter().map(|(_, work)| work).collect() }
    }

    /// The gates whose inputs an item changes.
    fn touched(&self, item: usize) -> impl Iterator<Item = usize> {
        let gates = self.scene.gates.iter().enumerate();
        gates.filter(move |(_, gate)| gate.touched_by.as_ref().is_none_or(|items| items.contains(&item))).map(|(at, _)| at)
    }
}

/// An item on top of others.
#[derive(Clone)]
pub(super) struct Guess {
    item: usize,
    /// Whether all that it needs is in.
    fits: bool,
    /// By gate, its inputs with the item and without it.
    inputs: Rc<Vec<Inputs>>,
    base: Rc<Vec<Inputs>>,
    jobs: Rc<Vec<Job>>,
}

impl World for Virtual<'_> {
    type Candidate = Guess;

    fn assess(&mut self, item: usize, guess: &[Guess], _: bool) -> Result<Guess> {
        let base = guess.last().map_or_else(|| Rc::clone(&self.accepted), |guess| Rc::clone(&guess.inputs));
        let is_in = |dep: &usize| self.settled[*dep] == Some(Settled::In) || guess.iter().any(|guess| guess.item == *dep);
        let fits = self.scene.items[item].deps.iter().all(is_in);
        let mut inputs = Vec::clone(&base);
        for gate in self.touched(item) {
            inputs[gate].items = inputs[gate].items.wrapping_add(self.marks[item]);
            inputs[gate].broken += usize::from(self.breaks[item]);
        }
        let jobs = inputs.iter().enumerate().map(|(gate, inputs)| self.job(gate, *inputs, item)).collect();
        Ok(Guess { item, fits, inputs: Rc::new(inputs), base, jobs: Rc::new(jobs) })
    }

    fn fits(&self, guess: &Guess) -> bool {
        guess.fits
    }

    fn jobs(&self, guess: &Guess) -> Vec<Job> {
        Vec::clone(&guess.jobs)
    }

    fn jobs_of_batch(&self, batch: &[Guess]) -> Vec<Job> {
        batch.last().map(|tip| self.jobs(tip)).unwrap_or_default()
    }

    fn is_required(&self, _: &Guess, _: Job) -> bool {
        true
    }

    fn base_job(&mut self, guess: &Guess, job: Job) -> Result<Option<Job>> {
        let Asked { gate, item, .. } = self.jobs[job];
        Ok(Some(self.job(gate, guess.base[gate], item)))
    }

    fn answer(&self, job: Job, once: bool) -> Option<bool> {
        let (green, tries) = *self.answers.get(&job)?;
        (green || once || tries >= self.model.tries).then_some(green)
    }

    fn start(&mut self, job: Job, once: bool) -> Result<Start> {
        if self.running.contains_key(&job) {
            return Ok(Start::Begun);
        }
        let Some(worker) = self.free.pop_first() else { return Ok(Start::Full) };
        let Asked { gate, inputs, .. } = self.jobs[job];
        let before = self.answers.get(&job).map_or(0, |(_, tries)| *tries);
        let most = if once { 1 } else { self.model.tries };
        let (mut seconds, mut tries, mut green) = (0.0, before, false);
        while tries < most && !green {
            let mut chance = self.chance(job, tries);
            seconds += self.scene.gates[gate].seconds * (1.0 + self.model.spread * (chance.f64() * 2.0 - 1.0));
            green = inputs.broken == 0 && chance.f64() >= self.model.flakes;
            tries += 1;
        }
        self.running.insert(job, Running { worker, started: self.now, seconds, before, tries, green });
        self.ends.push((Reverse(micros(self.now + seconds)), Reverse(job)));
        Ok(Start::Begun)
    }

    fn keep_only(&mut self, wanted: &[Job]) {
        let unwanted: Vec<Job> = self.running.keys().copied().filter(|job| !wanted.contains(job)).collect();
        unwanted.into_iter().for_each(|job| self.stop(job));
    }

    fn wait(&mut self) -> Result<()> {
        while let Some((_, Reverse(job))) = self.ends.pop() {
            let Some(run) = self.running.remove(&job) else { continue };
            self.now = self.now.max(run.started + run.seconds);
            self.executions += run.tries - run.before;
            self.answers.insert(job, (run.green, run.tries));
            let end = if run.green { WorkEnd::Green } else { WorkEnd::Red };
            self.note(job, &run, run.started + run.seconds, end);
            return Ok(());
        }
        Err(Error::environment("simulation", "the simulation waits for nothing"))
    }

    fn settle(&mut self, item: usize, guess: Guess, by: Option<&Guess>) -> Result<Settled> {
        if !guess.fits {
            let waits = self.scene.items[item].deps.iter().any(|dep| self.settled[*dep] == Some(Settled::Later));
            let settled = if waits { Settled::Later } else { Settled::Out };
            self.settled[item] = Some(settled);
            return Ok(settled);
        }
        let decided_by = Rc::clone(&by.unwrap_or(&guess).jobs);
        self.used.extend(decided_by.iter().copied());
        let red: Vec<Job> = decided_by.iter().copied().filter(|job| self.answer(*job, false) != Some(true)).collect();
        let mut settled = if red.is_empty() { Settled::In } else { Settled::Out };
        for job in red {
            let gate = self.jobs[job].gate;
            let base = self.job(gate, guess.base[gate], item);
            self.used.insert(base);
            if self.answer(base, false) == Some(false) {
                settled = Settled::Later;
            }
        }
        if settled == Settled::In {
            self.accepted = guess.inputs;
        }
        self.settled[item] = Some(settled);
        Ok(settled)
    }

    fn fails_fast(&self) -> bool {
        false
    }

    fn workers(&self) -> usize {
        self.model.workers
    }

    fn is_over(&self) -> bool {
        false
    }
}

/// Seconds of virtual time as whole microseconds, which can be ordered.
fn micros(seconds: f64) -> u64 {
    (seconds * 1e6) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(seed: u64) -> Model {
        Model { items: 100, failures: 0.05, flakes: 0.0, gates: 1, gate_seconds: 300.0, spread: 0.2, workers: 4, lanes: 1, tries: 3, seed }
    }

    fn run(model: &Model, batch: Batch) -> Simulated {
        check_model(model).and_then(|()| simulate(&Scene::invented(model), model, batch)).unwrap_or_else(|e| panic!("{e}")).outcome
    }

    #[test]
    fn whatever_is_guessed_what_lands_is_the_same() {
        for seed in 0..60 {
            for (lanes, gates, workers, failures) in [(1, 1, 1, 0.3), (3, 2, 4, 0.1), (7, 1, 3, 0.5), (1, 1, 8, 0.9), (1, 1, 2, 1.0)] {
                let model = Model { items: 40, lanes, gates, workers, failures, ..model(seed) };
                let serial = run(&model, Batch::Serial);
                assert_eq!(serial.landed + serial.evicted, 40);
                for batch in [Batch::Speculative, Batch::Bisect] {
                    let other = run(&model, batch);
                    assert_eq!((other.landed, other.evicted, other.innocent_evicted), (serial.landed, serial.evicted, 0), "{model:?}");
                }
            }
        }
    }

    #[test]
    fn bisection_needs_at_most_half_of_the_executions() {
        for seed in 0..30 {
            let (serial, bisect) = (run(&model(seed), Batch::Serial), run(&model(seed), Batch::Bisect));
            // Chance gives some seeds far more than 5 failures in 100.
            if serial.evicted <= 5 {
                assert!(bisect.executions * 2 <= serial.executions, "seed {seed}: {} of {}", bisect.executions, serial.executions);
            }
        }
    }

    #[test]
    fn no_innocent_item_is_evicted_at_two_percent_flakes() {
        for seed in 0..30 {
            for batch in [Batch::Serial, Batch::Speculative, Batch::Bisect] {
                let flaky = run(&Model { flakes: 0.02, ..model(seed) }, batch);
                assert_eq!(flaky.innocent_evicted, 0, "seed {seed}, {batch:?}");
            }
        }
    }

    #[test]
    fn a_batch_is_no_larger_than_the_policy_lets_it_be() {
        let model = Model { items: 8, failures: 0.0, ..model(1) };
        for (batch_size, executions) in [(None, 1), (Some(4), 2), (Some(1), 8)] {
            let scene = Scene { batch_size, ..Scene::invented(&model) };
            let played = simulate(&scene, &model, Batch::Bisect).map(|played| played.outcome.executions);
            assert_eq!(played.ok(), Some(executions), "{batch_size:?}");
        }
    }

    #[test]
    fn disjoint_items_keep_nine_of_ten_workers_busy() {
        for workers in [2, 4, 8] {
            let model = Model { lanes: 100, workers, ..model(1) };
            let (serial, lanes) = (run(&model, Batch::Serial), run(&model, Batch::Speculative));
            let gain = serial.seconds / lanes.seconds;
            assert!(gain >= 0.9 * workers as f64, "{workers} workers: {gain}");
        }
    }

    #[test]
    fn speculation_pays_in_time_for_what_it_wastes() {
        let (serial, ahead) = (run(&model(3), Batch::Serial), run(&model(3), Batch::Speculative));
        assert!(ahead.seconds * 2.0 < serial.seconds, "{ahead:?}");
        assert!(ahead.executions < serial.executions * 2, "{ahead:?}");
    }
}
