//! A run that is only simulated: what is assumed, and what it came to.

use super::policy::Batch;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a simulation assumes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Model {
    /// Items, in the order in which they land.
    pub items: usize,
    /// The share of items that break the gates, from 0 to 1.
    pub failures: f64,
    /// The share of tries of a gate that are red for no reason.
    pub flakes: f64,
    /// Gates that each candidate is judged by, in each lane.
    pub gates: usize,
    /// How long a try of a gate takes, in seconds, on average.
    pub gate_seconds: f64,
    /// By which share of it the time of a try differs at most.
    pub spread: f64,
    /// Gates that run at once.
    pub workers: usize,
    /// Groups of items whose gates have no inputs in common.
    pub lanes: usize,
    /// Most tries of a gate.
    pub tries: usize,
    /// What chance begins from; the same seed gives the same run.
    pub seed: u64,
}

/// What a simulated run came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Simulated {
    /// The way of batching.
    pub batch: Batch,
    /// Items that landed.
    pub landed: usize,
    /// Items that broke a gate and stayed out.
    pub evicted: usize,
    /// Items that broke nothing and stayed out.
    pub innocent_evicted: usize,
    /// Tries of gates that were started.
    pub executions: usize,
    /// Of those, how many were stopped because their guess had come to nothing.
    pub stopped: usize,
    /// Time from the start to the landing, in seconds.
    pub seconds: f64,
    /// Time of all workers at work, in seconds.
    pub busy_seconds: f64,
    /// Of that, what was spent on answers that decided nothing.
    pub wasted_seconds: f64,
}
