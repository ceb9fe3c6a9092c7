//! How many workers a run has: a fixed number, or as many as pay.
//!
//! Gates that compute gain nothing by more workers than processors; gates that wait, for a network or a lock, do. Which kind they
//! are shows only while they run. So the crew climbs: one worker more while the processors idle, kept if more gates end in a
//! second, given back if not (hill climbing, as .NET's thread pool does: Hellerstein et al., Applying Control Theory in the Real
//! World, 2009).

use super::governor::Use;
use std::{
    fs::read_to_string,
    time::{Duration, Instant},
};

/// At most so many workers for each processor.
const MOST_PER_PROCESSOR: usize = 4;

/// How much more a further worker must bring to be kept.
const WORTH_IT: f64 = 1.05;

/// From this share of idle processors on, one more is tried; from the other on, even before a generation of gates has ended.
const IDLE: f64 = 0.15;
const VERY_IDLE: f64 = 0.5;

/// After so many looks at very idle processors.
const PATIENT_LOOKS: usize = 5;

/// So many generations of gates it is left alone after a worker that did not pay.
const CONTENT: usize = 10;

/// Below this share of free processors and of available memory there is pressure.
const BUSY: f64 = 0.02;
const SHORT: f64 = 0.1;

/// How often the machine is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// The workers of a run.
pub(super) struct Crew {
    size: usize,
    processors: usize,
    /// Nothing where the number is fixed.
    watched: Option<Watched>,
}

struct Watched {
    last: Instant,
    times: Option<Times>,
    climb: Climb,
}

impl Crew {
    /// So many workers, or where none is said as many as pay.
    pub fn new(fixed: Option<usize>) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let watched = || Watched { last: Instant::now(), times: Times::now(), climb: Climb::default() };
        let size = fixed.unwrap_or(processors).max(1);
        Crew { size, processors, watched: fixed.is_none().then(watched) }
    }

    /// How many there are now.
    pub fn size(&self) -> usize {
        self.size
    }

    /// A gate has ended.
    pub fn has_ended(&mut self) {
        if let Some(watched) = &mut self.watched {
            watched.climb.ended += 1;
        }
    }

    /// A gate has found no worker free.
    pub fn is_wanted(&mut self) {
        if let Some(watched) = &mut self.watched {
            watched.climb.wanted = true;
        }
    }

    /// Look at the machine, from time to time, and hire or dismiss. A system that does not tell leaves the crew as it is.
    pub fn look(&mut self) {
        let Some(watched) = &mut self.watched else { return };
        let passed = watched.last.elapsed();
        if passed < LOOK {
            return;
        }
        let times = Times::now();
        if let (Some(before), Some(now)) = (watched.times, times) {
            let look = Look { passed, idle: now.idle_since(before), memory: Use::of_machine().map_or(1.0, |memory| memory.available()) };
            self.size = watched.climb.step(self.size, self.processors, &look);
        }
        (watched.last, watched.times) = (Instant::now(), times);
    }
}

/// What a look has shown.
struct Look {
    /// Time since the last one.
    passed: Duration,
    /// The share of the processors that had nothing to do.
    idle: f64,
    /// The share of the memory that is available.
    memory: f64,
}

/// Where the climb is.
#[derive(Default)]
struct Climb {
    /// Gates that have ended since the size was changed, and the time since.
    ended: usize,
    passed: Duration,
    /// Whether a gate has waited for a worker since the last look.
    wanted: bool,
    /// Gates ended in a second before the newest worker came.
    before: Option<f64>,
    /// Looks in a row at very idle processors.
    idle_looks: usize,
    /// Generations that it is left alone for.
    content: usize,
}

impl Climb {
    /// The size from now on.
    fn step(&mut self, size: usize, processors: usize, look: &Look) -> usize {
        let wanted = std::mem::take(&mut self.wanted);
        self.passed += look.passed;
        self.idle_looks = if look.idle > VERY_IDLE && wanted { self.idle_looks + 1 } else { 0 };
        if size > 1 && (look.memory < SHORT || (look.idle < BUSY && size > processors)) {
            return self.change(size - 1, None);
        }
        let may_grow = wanted && look.memory >= SHORT && size < processors * MOST_PER_PROCESSOR;
        if self.ended < size {
            // Gates that take minutes are not waited for while nothing else uses the machine.
            let grow = may_grow && self.content == 0 && self.before.is_none() && self.idle_looks >= PATIENT_LOOKS;
            return if grow { self.change(size + 1, None) } else { size };
        }
        let rate = self.ended as f64 / self.passed.as_secs_f64().max(f64::MIN_POSITIVE);
        if self.before.is_some_and(|before| rate < before * WORTH_IT) {
            self.content = CONTENT;
            return self.change(size - 1, None);
        }
        self.content = self.content.saturating_sub(1);
        match may_grow && look.idle > IDLE && self.content == 0 {
            true => self.change(size + 1, Some(rate)),
            false => self.change(size, None),
        }
    }

    fn change(&mut self, size: usize, before: Option<f64>) -> usize {
        (self.ended, self.passed, self.before, self.idle_looks) = (0, Duration::ZERO, before, 0);
        size
    }
}

/// Processor times since the boot, in clock ticks: the first line of proc_stat(5).
#[derive(Clone, Copy)]
struct Times {
    idle: u64,
    all: u64,
}

impl Times {
    fn now() -> Option<Times> {
        let stat = read_to_string("/proc/stat").ok()?;
        let fields: Vec<u64> = stat.lines().next()?.split_whitespace().skip(1).take(8).filter_map(|field| field.parse().ok()).collect();
        // The fourth is idle, the fifth waits for a disk.
        Some(Times { idle: fields.get(3)? + fields.get(4)?, all: fields.iter().sum() })
    }

    fn idle_since(self, before: Times) -> f64 {
        let all = self.all.saturating_sub(before.all);
        if all == 0 { 0.0 } else { self.idle.saturating_sub(before.idle) as f64 / all as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine on which gates take `seconds` each, up to `knee` of them at once; the size it settles at.
    fn settles(knee: usize, processors: usize, idle: impl Fn(usize) -> f64) -> Vec<usize> {
        let (mut climb, mut size, mut sizes) = (Climb::default(), processors, Vec::new());
        for _ in 0..300 {
            climb.wanted = true;
            climb.ended += size.min(knee) * 2;
            size = climb.step(size, processors, &Look { passed: Duration::from_secs(1), idle: idle(size), memory: 0.5 });
            sizes.push(size);
        }
        sizes.split_off(200)
    }

    #[test]
    fn it_climbs_while_more_gates_end() {
        let sizes = settles(7, 2, |_| 0.9);
        assert!(sizes.iter().all(|size| (7..=8).contains(size)), "one more is tried from time to time: {sizes:?}");
        assert!(sizes.iter().filter(|size| **size == 7).count() > 80, "{sizes:?}");
    }

    #[test]
    fn it_never_has_more_than_four_for_a_processor() {
        assert_eq!(settles(100, 2, |_| 0.9).iter().max(), Some(&8));
    }

    #[test]
    fn busy_processors_get_no_more_than_one_each() {
        assert!(settles(2, 2, |_| 0.0).iter().all(|size| *size == 2));
        let mut climb = Climb::default();
        let busy = Look { passed: Duration::from_secs(1), idle: 0.0, memory: 0.5 };
        assert_eq!(climb.step(5, 2, &busy), 4);
    }

    #[test]
    fn short_memory_dismisses_down_to_one() {
        let (mut climb, mut size) = (Climb::default(), 3);
        for _ in 0..5 {
            climb.wanted = true;
            size = climb.step(size, 8, &Look { passed: Duration::from_secs(1), idle: 0.9, memory: 0.05 });
        }
        assert_eq!(size, 1);
    }

    #[test]
    fn long_gates_that_leave_the_machine_idle_are_not_waited_for() {
        let (mut climb, mut size) = (Climb::default(), 2);
        for _ in 0..20 {
            climb.wanted = true;
            size = climb.step(size, 2, &Look { passed: Duration::from_secs(1), idle: 0.9, memory: 0.5 });
        }
        assert_eq!(size, 6);
    }

    #[test]
    fn this_system_tells() {
        if cfg!(target_os = "linux") {
            assert!(Times::now().is_some_and(|times| times.all > times.idle));
            assert!(Use::of_machine().is_some_and(|memory| memory.available() > 0.0 && memory.available() < 1.0));
        }
    }
}
