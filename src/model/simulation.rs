//! A run that is only simulated: what is assumed, and what it came to.

use super::policy::Batch;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

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

/// What is simulated: the items in the order in which they land, and the gates that judge them.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// The items.
    pub items: Vec<SceneItem>,
    /// The gates.
    pub gates: Vec<SceneGate>,
    /// How many items are held ready at once, as `batch-size` bounds them; any number where nothing is said.
    pub batch_size: Option<usize>,
}

/// An item of a [`Scene`].
#[derive(Clone, Debug, PartialEq)]
pub struct SceneItem {
    /// Its name.
    pub name: String,
    /// Those that it needs, as places among the items; all before it.
    pub deps: Vec<usize>,
}

/// A gate of a [`Scene`].
#[derive(Clone, Debug, PartialEq)]
pub struct SceneGate {
    /// Its name.
    pub name: String,
    /// How long a try takes, in seconds, on average.
    pub seconds: f64,
    /// The items that change what it reads, as places among the items; all of them where nothing is said.
    pub touched_by: Option<HashSet<usize>>,
}

impl Scene {
    /// The invented items of `model`: in each lane, gates that only its own items touch.
    pub fn invented(model: &Model) -> Scene {
        let items = (1..=model.items).map(|at| SceneItem { name: format!("item {at}"), deps: Vec::new() }).collect();
        let mut gates = Vec::with_capacity(model.lanes * model.gates);
        for lane in 0..model.lanes {
            let of_lane = || (lane..model.items).step_by(model.lanes).collect();
            for gate in 1..=model.gates {
                let touched_by = (model.lanes > 1).then(of_lane);
                gates.push(SceneGate { name: format!("gate {gate} of lane {}", lane + 1), seconds: model.gate_seconds, touched_by });
            }
        }
        Scene { items, gates, batch_size: None }
    }
}

/// A try of a gate in virtual time, or several without a pause between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// The worker, from 0.
    pub worker: usize,
    /// The last item of the candidate that was judged, as a place among the items.
    pub item: usize,
    /// The gate, as a place among the gates.
    pub gate: usize,
    /// When it began and when it ended, in seconds.
    pub time: (f64, f64),
    /// What came of it.
    pub end: WorkEnd,
}

/// What came of [`Work`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkEnd {
    /// A pass that decided an item, or told who broke it.
    Green,
    /// A failure that did.
    Red,
    /// An answer that decided nothing.
    Unused,
    /// It was stopped, for its guess had come to nothing.
    Stopped,
}
