//! Runs in virtual time: what a way of batching costs, found by the scheduler of real runs on invented items.

use super::schedule::{Job, Settled, Start, World, schedule};
use crate::model::{
    Error, Result,
    policy::Batch,
    simulation::{Model, Simulated},
};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, HashSet},
    rc::Rc,
};

/// Simulate a run of `model` with `batch`. The same model and seed give the same run.
///
/// Errors: a model whose shares are none, or that has no workers, gates or lanes.
pub fn simulate(model: &Model, batch: Batch) -> Result<Simulated> {
    check(model)?;
    let mut virtual_run = Virtual::new(model);
    let items: Vec<usize> = (0..model.items).collect();
    schedule(&mut virtual_run, &items, batch)?;
    Ok(virtual_run.outcome(batch))
}

fn check(model: &Model) -> Result<()> {
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

/// A gate of a lane on the items of that lane, by which its verdict is used again.
type Inputs = (usize, usize, Vec<usize>);

/// A job at work, and what it will come to.
struct Running {
    started: f64,
    /// How long it takes, with all tries.
    seconds: f64,
    /// Tries before this and with it.
    before: usize,
    tries: usize,
    green: bool,
}

struct Virtual<'m> {
    model: &'m Model,
    now: f64,
    /// Whether an item breaks the gates of its lane.
    breaks: Vec<bool>,
    accepted: Rc<Vec<usize>>,
    jobs: Vec<Inputs>,
    numbers: HashMap<Inputs, Job>,
    /// Whether a job is green, and after how many tries.
    answers: HashMap<Job, (bool, usize)>,
    used: HashSet<Job>,
    running: HashMap<Job, Running>,
    /// When a running job ends, and which one it is; a job that was stopped may still stand here.
    ends: BinaryHeap<(Reverse<u64>, Reverse<Job>)>,
    busy: f64,
    executions: usize,
    stopped: usize,
    settled: Vec<Option<Settled>>,
    wasted: f64,
    spent: HashMap<Job, f64>,
}

impl<'m> Virtual<'m> {
    fn new(model: &'m Model) -> Self {
        let mut random = fastrand::Rng::with_seed(model.seed);
        let mut virtual_run = Virtual {
            model,
            now: 0.0,
            breaks: (0..model.items).map(|_| random.f64() < model.failures).collect(),
            accepted: Rc::default(),
            jobs: Vec::new(),
            numbers: HashMap::new(),
            answers: HashMap::new(),
            used: HashSet::new(),
            running: HashMap::new(),
            ends: BinaryHeap::new(),
            busy: 0.0,
            executions: 0,
            stopped: 0,
            settled: vec![None; model.items],
            wasted: 0.0,
            spent: HashMap::new(),
        };
        // The target was proved when the run before landed.
        for lane in 0..model.lanes {
            for gate in 0..model.gates {
                let job = virtual_run.job(gate, lane, &[]);
                virtual_run.answers.insert(job, (true, 1));
            }
        }
        virtual_run
    }

    /// The number of a gate of a lane on the items that are in.
    fn job(&mut self, gate: usize, lane: usize, items: &[usize]) -> Job {
        let of_lane: Vec<usize> = items.iter().copied().filter(|item| item % self.model.lanes == lane).collect();
        let inputs = (gate, lane, of_lane);
        *self.numbers.entry(inputs.clone()).or_insert_with(|| {
            self.jobs.push(inputs);
            self.jobs.len() - 1
        })
    }

    /// Chance that belongs to a job and a try, whatever was asked before it: without it two ways of batching could not be
    /// compared.
    fn chance(&self, job: Job, attempt: usize) -> fastrand::Rng {
        let (gate, lane, items) = &self.jobs[job];
        let mut seed = self.model.seed ^ 0x9e37_79b9_7f4a_7c15;
        for part in [*gate, *lane, attempt].into_iter().chain(items.iter().copied()) {
            seed = (seed ^ part as u64).wrapping_mul(0x0100_0000_01b3).rotate_left(29);
        }
        fastrand::Rng::with_seed(seed)
    }

    fn stop(&mut self, job: Job) {
        if let Some(run) = self.running.remove(&job) {
            self.busy += self.now - run.started;
            self.wasted += self.now - run.started;
            self.executions += 1;
            self.stopped += 1;
        }
    }

    fn outcome(&self, batch: Batch) -> Simulated {
        let count = |wanted: &dyn Fn(usize) -> bool| (0..self.model.items).filter(|item| wanted(*item)).count();
        let landed = |item: usize| self.settled[item] == Some(Settled::In);
        let unused: f64 = self.spent.iter().filter(|(job, _)| !self.used.contains(job)).map(|(_, seconds)| seconds).sum();
        Simulated {
            batch,
            landed: count(&landed),
            evicted: count(&|item| !landed(item) && self.breaks[item]),
            innocent_evicted: count(&|item| !landed(item) && !self.breaks[item]),
            executions: self.executions,
            stopped: self.stopped,
            seconds: self.now,
            busy_seconds: self.busy,
            wasted_seconds: self.wasted + unused,
        }
    }
}

/// The items of a guess, and the jobs that are asked of the last of them.
#[derive(Clone)]
pub(super) struct Guess {
    items: Rc<Vec<usize>>,
    base: Rc<Vec<usize>>,
    jobs: Vec<Job>,
}

impl World for Virtual<'_> {
    type Candidate = Guess;

    fn assess(&mut self, item: usize, guess: &[Guess], _: bool) -> Result<Guess> {
        let base = guess.last().map_or_else(|| Rc::clone(&self.accepted), |guess| Rc::clone(&guess.items));
        let mut items = Vec::clone(&base);
        items.push(item);
        let mut jobs = Vec::new();
        for lane in 0..self.model.lanes {
            for gate in 0..self.model.gates {
                jobs.push(self.job(gate, lane, &items));
            }
        }
        Ok(Guess { items: Rc::new(items), base, jobs })
    }

    fn fits(&self, _: &Guess) -> bool {
        true
    }

    fn jobs(&self, guess: &Guess) -> Vec<Job> {
        guess.jobs.clone()
    }

    fn jobs_of_batch(&self, batch: &[Guess]) -> Vec<Job> {
        batch.last().map(|tip| tip.jobs.clone()).unwrap_or_default()
    }

    fn is_required(&self, _: &Guess, _: Job) -> bool {
        true
    }

    fn base_job(&mut self, guess: &Guess, job: Job) -> Result<Option<Job>> {
        let (gate, lane, _) = self.jobs[job];
        let base = Rc::clone(&guess.base);
        Ok(Some(self.job(gate, lane, &base)))
    }

    fn answer(&self, job: Job, once: bool) -> Option<bool> {
        let (green, tries) = *self.answers.get(&job)?;
        (green || once || tries >= self.model.tries).then_some(green)
    }

    fn start(&mut self, job: Job, once: bool) -> Result<Start> {
        if self.running.contains_key(&job) {
            return Ok(Start::Begun);
        }
        if self.running.len() >= self.model.workers {
            return Ok(Start::Full);
        }
        let broken = self.jobs[job].2.iter().any(|item| self.breaks[*item]);
        let before = self.answers.get(&job).map_or(0, |(_, tries)| *tries);
        let most = if once { 1 } else { self.model.tries };
        let (mut seconds, mut tries, mut green) = (0.0, before, false);
        while tries < most && !green {
            let mut chance = self.chance(job, tries);
            seconds += self.model.gate_seconds * (1.0 + self.model.spread * (chance.f64() * 2.0 - 1.0));
            green = !broken && chance.f64() >= self.model.flakes;
            tries += 1;
        }
        self.running.insert(job, Running { started: self.now, seconds, before, tries, green });
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
            self.busy += run.seconds;
            self.executions += run.tries - run.before;
            *self.spent.entry(job).or_default() += run.seconds;
            self.answers.insert(job, (run.green, run.tries));
            return Ok(());
        }
        Err(Error::environment("simulation", "the simulation waits for nothing"))
    }

    fn settle(&mut self, item: usize, guess: Guess, by: Option<&Guess>) -> Result<Settled> {
        let decided_by = by.unwrap_or(&guess);
        self.used.extend(decided_by.jobs.iter().copied());
        let red: Vec<Job> = decided_by.jobs.iter().copied().filter(|job| self.answer(*job, false) != Some(true)).collect();
        let mut settled = if red.is_empty() { Settled::In } else { Settled::Out };
        for job in red {
            let (gate, lane, _) = self.jobs[job];
            let base = Rc::clone(&guess.base);
            let base = self.job(gate, lane, &base);
            self.used.insert(base);
            if self.answer(base, false) == Some(false) {
                settled = Settled::Later;
            }
        }
        if settled == Settled::In {
            self.accepted = guess.items;
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
        simulate(model, batch).unwrap_or_else(|e| panic!("{e}"))
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
