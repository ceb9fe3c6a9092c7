//! What the recorded verdicts say of each gate over time: how often it was red, how often it flaked, how long it took.

use super::given;
use crate::model::verdict::{Answer, Verdict};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// One gate; what `gate stats --json` prints for each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GateStats {
    /// The gate's name.
    pub gate: String,
    /// Verdicts on record.
    pub verdicts: usize,
    /// Those that were good: passes and warnings.
    pub good: usize,
    /// Those that were bad.
    pub failed: usize,
    /// Those in which the gate itself could not answer.
    pub errors: usize,
    /// How often it said two things of the very same files: it passed at a later try, or failed in one run and passed in another.
    pub flaky: usize,
    /// The time of a try in which half of the tries were done, in milliseconds.
    pub median_ms: u64,
    /// The same for 95 of 100.
    pub p95_ms: u64,
    /// When the newest verdict was given, in UTC, RFC 3339.
    pub last: String,
}

/// By gate, what `verdicts` say that were given `since` then, sorted by name.
pub fn stats(verdicts: &[Verdict], since: Option<Timestamp>) -> Vec<GateStats> {
    let mut by_gate: BTreeMap<&str, Vec<&Verdict>> = BTreeMap::new();
    for verdict in verdicts.iter().filter(|v| v.verdict != Answer::Skip && since.is_none_or(|since| given(v) >= Some(since))) {
        by_gate.entry(&verdict.gate).or_default().push(verdict);
    }
    by_gate.into_iter().map(|(gate, verdicts)| of_gate(gate, &verdicts)).collect()
}

fn of_gate(gate: &str, verdicts: &[&Verdict]) -> GateStats {
    let count = |fits: &dyn Fn(&Verdict) -> bool| verdicts.iter().filter(|v| fits(v)).count();
    let mut said: HashMap<(&str, &str), [bool; 2]> = HashMap::new();
    for verdict in verdicts.iter().filter(|v| v.verdict.is_about_candidate() && !v.is_flaky()) {
        said.entry((&verdict.digest, &verdict.inputs)).or_default()[usize::from(verdict.verdict.is_good())] = true;
    }
    let both = said.values().filter(|both| **both == [true, true]).count();
    let mut times: Vec<u64> = verdicts.iter().map(|v| v.duration_ms / u64::from(v.attempts.max(1))).collect();
    times.sort_unstable();
    // The nearest rank.
    let share = |percent: usize| times.get((times.len() * percent).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default();
    GateStats {
        gate: gate.into(),
        verdicts: verdicts.len(),
        good: count(&|v| v.verdict.is_good()),
        failed: count(&|v| v.verdict == Answer::Fail),
        errors: count(&|v| v.verdict == Answer::Error),
        flaky: count(&Verdict::is_flaky) + both,
        median_ms: share(50),
        p95_ms: share(95),
        last: verdicts.iter().max_by_key(|v| given(v)).map(|v| v.at.clone()).unwrap_or_default(),
    }
}
