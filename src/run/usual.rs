//! How long gates usually take, for an estimate of how long a run will.

use super::{journal, pool::AtWork};
use crate::{
    config::Config,
    model::{policy::Batch, run::Run},
    repo::Repo,
};
use std::{collections::HashMap, time::Duration};

/// What past runs say of the gates of this one.
#[derive(Default)]
pub(super) struct Usual {
    /// By gate, the time in which half of its verdicts were given.
    gates: HashMap<String, Duration>,
    /// What the gates of one item take, one after the other and at once.
    item: (Duration, Duration),
    workers: u32,
    batch: Batch,
}

impl Usual {
    /// Those of the newest run of the same plan. Where that knows nothing of a gate of the target, nothing is foretold.
    pub fn of(repo: &Repo, run: &Run, config: &Config, workers: usize) -> Self {
        if config.gates.iter().all(|gate| gate.run.is_none()) {
            return Usual::default();
        }
        let mut times: HashMap<String, Vec<u64>> = HashMap::new();
        // A journal that cannot be read tells nothing; it is `report`'s to complain.
        if let Ok(Some(before)) = journal::newest(repo, Some(&run.plan)) {
            for verdict in before.items.iter().flat_map(|item| &item.gates).filter_map(|gate| gate.verdict.as_ref()) {
                if verdict.verdict.is_about_candidate() {
                    times.entry(verdict.gate.clone()).or_default().push(verdict.duration_ms / u64::from(verdict.attempts.max(1)));
                }
            }
        }
        let median = |mut times: Vec<u64>| {
            times.sort_unstable();
            Duration::from_millis(times[times.len() / 2])
        };
        let gates: HashMap<String, Duration> = times.into_iter().map(|(gate, times)| (gate, median(times))).collect();
        let commands = || config.gates.iter().filter(|gate| gate.run.is_some()).map(|gate| gates.get(&gate.name));
        let known = commands().all(|time| time.is_some());
        let item = match known {
            true => (commands().flatten().sum(), commands().flatten().max().copied().unwrap_or_default()),
            false => (Duration::ZERO, Duration::ZERO),
        };
        Usual { gates, item, workers: u32::try_from(workers).unwrap_or(u32::MAX).max(1), batch: config.batch }
    }

    /// How long a gate usually takes.
    pub fn time(&self, gate: &str) -> Option<Duration> {
        self.gates.get(gate).copied()
    }

    /// How long a run will take yet that has `items` to decide, if no verdict is reused and none is bought twice. Serial buys the
    /// gates of one item at once; the other ways keep all workers busy.
    pub fn left(&self, at_work: &[AtWork], items: usize) -> Option<Duration> {
        let (sum, longest) = self.item;
        if longest.is_zero() {
            return None;
        }
        let items = u32::try_from(items).unwrap_or(u32::MAX);
        let each = match self.batch {
            Batch::Serial => longest.max(sum / self.workers),
            Batch::Speculative | Batch::Bisect => sum / self.workers,
        };
        let done: Duration = at_work.iter().filter_map(|at| Some(at.lasts.min(self.time(at.gate)?))).sum();
        Some(each.saturating_mul(items).saturating_sub(done / self.workers))
    }
}
