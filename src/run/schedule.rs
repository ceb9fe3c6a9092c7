//! The scheduler: which item is judged on top of which others, which jobs are bought for that, and when an item is decided.
//!
//! It decides items in order, each on top of those that are in by then: whatever is guessed, the outcome is that of one item after
//! the other. A guess only buys early what will be asked if it comes true. It knows neither gates nor git: a [`World`] does the
//! work, a run in a repository or a simulation in virtual time, and both are scheduled by the same code.
//!
//! Sources: speculation as in Zuul and Uber's SubmitQueue (Ananthanarayanan et al., Keeping Master Green at Scale, EuroSys
//! 2019); batches that are halved when red (Beheshtian et al., Software Batch Testing to Save Build Test Resources, TSE 2021).
//! Their BatchStop4 judges singly from four items on; `simulate` finds halving down to one better here, since what is known of
//! a half is used for the other: at 5 failures in 100 items 38 to 52 executions over six seeds against 41 to 66.

use crate::model::{Result, policy::Batch};
use std::collections::VecDeque;

/// How far speculation looks ahead, in items per worker: jobs of items that have nothing in common end out of order.
const DEPTH: usize = 4;

/// The largest batch, and the size of the first one when nothing is known of how often items fail.
const MAX_BATCH: usize = 32;
const FIRST_BATCH: usize = 8;

/// One gate on certain inputs; the world knows it by this number.
pub(super) type Job = usize;

/// What became of the wish to start a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// It runs.
    Begun,
    /// It waits for another job that it must not run beside; others may begin.
    Waits,
    /// No worker is free for it. Nothing smaller may overtake it, or it would wait for ever.
    Full,
}

/// What an item's end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// It is in; the next ones stand on it.
    In,
    /// It stays out.
    Out,
    /// It stays out for now: what it stands on is broken, and one behind it may mend that.
    Later,
}

/// Who does what the scheduler asks for.
pub(super) trait World {
    /// An item on top of others, as far as it is known without buying a job.
    type Candidate: Clone;

    /// Put `item` on top of what is in and of `guess`. `last` says that nothing is guessed, so that everything may be tried to
    /// make it fit.
    fn assess(&mut self, item: usize, guess: &[Self::Candidate], last: bool) -> Result<Self::Candidate>;
    /// Whether it could be in.
    fn fits(&self, candidate: &Self::Candidate) -> bool;
    /// The jobs that are asked of it.
    fn jobs(&self, candidate: &Self::Candidate) -> Vec<Job>;
    /// The jobs that are asked of a batch: mostly those of its last candidate.
    fn jobs_of_batch(&self, batch: &[Self::Candidate]) -> Vec<Job>;
    /// Whether the item needs a green of this job.
    fn is_required(&self, candidate: &Self::Candidate, job: Job) -> bool;
    /// The same gate as `job` on what the candidate stands on, for who broke it; nothing where that tells nothing.
    fn base_job(&mut self, candidate: &Self::Candidate, job: Job) -> Result<Option<Job>>;
    /// Whether a job is green, if it is answered. A red one may have been tried but `once`, which splits a batch and evicts nobody.
    fn answer(&self, job: Job, once: bool) -> Option<bool>;
    /// Start a job, to be tried `once` or as often as the policy says.
    fn start(&mut self, job: Job, once: bool) -> Result<Start>;
    /// Stop the jobs that run and are not among `wanted`.
    fn keep_only(&mut self, wanted: &[Job]);
    /// Wait until one more job is answered.
    fn wait(&mut self) -> Result<()>;
    /// Decide `item`: all that its jobs, or those of the batch's last candidate `by`, have said is known.
    fn settle(&mut self, item: usize, candidate: Self::Candidate, by: Option<&Self::Candidate>) -> Result<Settled>;
    /// Whether an item that has one red answer is not asked for others.
    fn fails_fast(&self) -> bool;
    /// How many jobs may run at once.
    fn workers(&self) -> usize;
    /// Whether the rest is not to be tried.
    fn is_over(&self) -> bool;
}

/// Decide `items`, in order; at most `together` of them are looked at or judged at once.
pub(super) fn schedule<W: World>(world: &mut W, items: &[usize], batch: Batch, together: usize) -> Result<()> {
    let mut open = items.to_vec();
    loop {
        let mut scheduler = Scheduler { world, together, queue: open.into(), later: Vec::new(), decided: 0, red: 0, progress: false };
        match batch {
            Batch::Serial => scheduler.chain(usize::MAX, 1)?,
            Batch::Speculative => {
                let ahead = (scheduler.world.workers() * DEPTH).min(together);
                scheduler.chain(usize::MAX, ahead)?;
            }
            Batch::Bisect => scheduler.batches()?,
        }
        // What stands on something broken is tried again as long as others get in, for one of them may have mended it.
        let again = scheduler.progress && !scheduler.later.is_empty();
        open = scheduler.later;
        if !again || world.is_over() {
            return Ok(());
        }
    }
}

struct Scheduler<'w, W: World> {
    world: &'w mut W,
    together: usize,
    queue: VecDeque<usize>,
    later: Vec<usize>,
    decided: usize,
    red: usize,
    progress: bool,
}

/// An item that is assessed before its turn.
struct Ahead<C> {
    candidate: C,
    /// Whether nothing was guessed.
    last: bool,
    /// Whether those behind it stand on it.
    assumed: bool,
}

impl<W: World> Scheduler<'_, W> {
    /// Decide the next `count` items one by one, with jobs of up to `window` of them bought at once.
    fn chain(&mut self, count: usize, window: usize) -> Result<()> {
        let mut ahead: VecDeque<Ahead<W::Candidate>> = VecDeque::new();
        let mut left = count;
        while left > 0 && !self.queue.is_empty() && !self.world.is_over() {
            // While the jobs of those that are assessed are at work, more are.
            let known = ahead.len();
            let mut waits = self.ask(&mut ahead, known)?;
            if ahead.len() < window.min(left).min(self.queue.len()) {
                waits = self.ask(&mut ahead, window.min(left))?;
            }
            if waits {
                self.world.wait()?;
                continue;
            }
            let Some(front) = ahead.pop_front() else { return Ok(()) };
            let assumed = front.assumed;
            let settled = self.settle(front.candidate, None)?;
            left -= 1;
            if assumed && settled != Settled::In {
                ahead.clear();
            }
        }
        self.world.keep_only(&[]);
        Ok(())
    }

    /// Assess the first `window` items of the queue and start their jobs as far as there is room. Whether the first item waits for some.
    fn ask(&mut self, ahead: &mut VecDeque<Ahead<W::Candidate>>, window: usize) -> Result<bool> {
        self.look_ahead(ahead, window)?;
        let Some(front) = ahead.front() else { return Ok(false) };
        let wanted = self.wanted(&front.candidate)?;
        let waits = wanted.iter().any(|job| self.world.answer(*job, false).is_none());
        if waits {
            self.buy(ahead, &wanted)?;
        }
        Ok(waits)
    }

    /// Assess the first `window` items of the queue, each on top of those before it that are not known to be red.
    fn look_ahead(&mut self, ahead: &mut VecDeque<Ahead<W::Candidate>>, window: usize) -> Result<()> {
        if let Some(wrong) = ahead.iter().position(|entry| entry.assumed && is_red(self.world, &entry.candidate)) {
            ahead.truncate(wrong + 1);
            ahead[wrong].assumed = false;
        }
        // What did not fit on a guess may fit, by means that are too dear for guesses, when its turn has come.
        if ahead.front().is_some_and(|front| !front.last && !self.world.fits(&front.candidate)) {
            ahead.clear();
        }
        while ahead.len() < window && ahead.len() < self.queue.len() {
            for entry in ahead.iter_mut() {
                entry.assumed = self.world.fits(&entry.candidate) && !is_red(self.world, &entry.candidate);
            }
            let guess: Vec<W::Candidate> = ahead.iter().filter(|entry| entry.assumed).map(|entry| entry.candidate.clone()).collect();
            let (item, last) = (self.queue[ahead.len()], ahead.is_empty());
            let candidate = self.world.assess(item, &guess, last)?;
            ahead.push_back(Ahead { candidate, last, assumed: false });
        }
        Ok(())
    }

    /// The jobs that decide a candidate: its own and, where one that it needs is red, the same on what it stands on.
    fn wanted(&mut self, candidate: &W::Candidate) -> Result<Vec<Job>> {
        let mut wanted = if self.world.fits(candidate) { self.world.jobs(candidate) } else { Vec::new() };
        let is_red = |job: &Job| self.world.answer(*job, false) == Some(false) && self.world.is_required(candidate, *job);
        let red: Vec<Job> = wanted.iter().copied().filter(is_red).collect();
        if !red.is_empty() && self.world.fails_fast() {
            wanted.retain(|job| self.world.answer(*job, false).is_some());
        }
        for job in red {
            wanted.extend(self.world.base_job(candidate, job)?);
        }
        Ok(wanted)
    }

    /// Start what the front needs, then what is guessed to be needed, as far as there is room; stop what is neither.
    fn buy(&mut self, ahead: &VecDeque<Ahead<W::Candidate>>, front: &[Job]) -> Result<()> {
        let mut wanted = front.to_vec();
        for entry in ahead.iter().skip(1) {
            if self.world.fits(&entry.candidate) && !is_red(self.world, &entry.candidate) {
                wanted.extend(self.world.jobs(&entry.candidate));
            }
        }
        self.start(&wanted, false)
    }

    /// Start those of `wanted` that have no answer, as far as there is room, and stop all others.
    fn start(&mut self, wanted: &[Job], once: bool) -> Result<()> {
        self.world.keep_only(wanted);
        for &job in wanted {
            if self.world.answer(job, once).is_none() && self.world.start(job, once)? == Start::Full {
                break;
            }
        }
        Ok(())
    }

    fn settle(&mut self, candidate: W::Candidate, by: Option<&W::Candidate>) -> Result<Settled> {
        let Some(item) = self.queue.pop_front() else { return Ok(Settled::Out) };
        let judged = self.world.fits(&candidate);
        let settled = self.world.settle(item, candidate, by)?;
        if judged {
            self.decided += 1;
            self.red += usize::from(settled != Settled::In);
        }
        match settled {
            Settled::In => self.progress = true,
            Settled::Later => self.later.push(item),
            Settled::Out => {}
        }
        Ok(settled)
    }

    /// Decide all by batches: the last candidate of a batch is judged for all of it; a red batch is halved, down to
    /// single items.
    fn batches(&mut self) -> Result<()> {
        // Sizes of what is left of red batches, the next one last.
        let mut halves: Vec<usize> = Vec::new();
        while !self.queue.is_empty() && !self.world.is_over() {
            let half = halves.pop();
            let size = half.unwrap_or_else(|| self.batch_size());
            let batch = self.together(size)?;
            let Some((tip, rest)) = batch.split_last() else { continue };
            if rest.is_empty() {
                self.chain(1, 1)?;
                continue;
            }
            let jobs = self.world.jobs_of_batch(&batch);
            let is_red = |world: &W| {
                jobs.iter().any(|job| world.answer(*job, true) == Some(false) && batch.iter().any(|one| world.is_required(one, *job)))
            };
            // One red answer splits it, whatever the others would say.
            while !is_red(self.world) && jobs.iter().any(|job| self.world.answer(*job, true).is_none()) {
                self.start(&jobs, true)?;
                self.world.wait()?;
            }
            if is_red(self.world) {
                self.world.keep_only(&[]);
                halves.push(batch.len() / 2);
                halves.push(batch.len() - batch.len() / 2);
                continue;
            }
            for candidate in batch.iter().cloned() {
                self.settle(candidate, Some(tip))?;
            }
        }
        Ok(())
    }

    /// The next `size` items on top of each other; fewer where one does not fit on those before it, for that may change
    /// when they are decided.
    fn together(&mut self, size: usize) -> Result<Vec<W::Candidate>> {
        let mut batch: Vec<W::Candidate> = Vec::new();
        while batch.len() < size.min(self.queue.len()) {
            let candidate = self.world.assess(self.queue[batch.len()], &batch, batch.is_empty())?;
            if !self.world.fits(&candidate) {
                if batch.is_empty() {
                    self.settle(candidate, None)?;
                }
                break;
            }
            batch.push(candidate);
        }
        Ok(batch)
    }

    /// The size at which a batch is red about every second time, by how often items have failed so far.
    fn batch_size(&self) -> usize {
        if self.decided < FIRST_BATCH {
            return FIRST_BATCH.min(self.together);
        }
        let rate = (self.red as f64 + 0.5) / (self.decided as f64 + 1.0);
        let size = (0.5_f64.ln() / (1.0 - rate).ln()).round();
        (size as usize).clamp(1, MAX_BATCH.min(self.together))
    }
}

/// Whether a job that the candidate needs is known to be red.
fn is_red<W: World>(world: &W, candidate: &W::Candidate) -> bool {
    world.jobs(candidate).into_iter().any(|job| world.answer(job, false) == Some(false) && world.is_required(candidate, job))
}
