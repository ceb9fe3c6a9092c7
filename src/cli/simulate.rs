//! `git lex-pr simulate`

use super::{Answer, context::Context};
use crate::{
    model::{
        Result,
        policy::Batch,
        simulation::{Model, Simulated},
        time::human,
    },
    report::style::{Cell, HEAD, PLAIN, columns},
    run::simulate,
};
use std::time::Duration;

/// What each way of batching would cost: runs of invented items in virtual time, scheduled as real runs are.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many items there are.
    #[arg(long, value_name = "N", default_value_t = 100)]
    items: usize,
    /// The share of items that break a gate: 0.05 is 5 of 100.
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    failures: f64,
    /// The share of tries that are red for no reason.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    flakes: f64,
    /// How many gates judge each candidate.
    #[arg(long, value_name = "N", default_value_t = 1)]
    gates: usize,
    /// How long a try of a gate takes, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 300.0)]
    gate_seconds: f64,
    /// By which share of it the time of a try differs at most.
    #[arg(long, value_name = "SHARE", default_value_t = 0.2)]
    spread: f64,
    /// How many gates run at once.
    #[arg(long, value_name = "N", default_value_t = 4)]
    workers: usize,
    /// Groups of items whose gates have no inputs in common, as `paths` tells.
    #[arg(long, value_name = "N", default_value_t = 1)]
    lanes: usize,
    /// Most tries of a gate, as `[policy.retries]` sets them.
    #[arg(long, value_name = "N", default_value_t = 3)]
    tries: usize,
    /// What chance begins from; the same seed gives the same runs.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Only this way of batching.
    #[arg(long, value_name = "WAY")]
    batch: Option<Batch>,
}

pub fn run(args: &Args, _: &Context) -> Result<Answer> {
    let model = Model {
        items: args.items,
        failures: args.failures,
        flakes: args.flakes,
        gates: args.gates,
        gate_seconds: args.gate_seconds,
        spread: args.spread,
        workers: args.workers,
        lanes: args.lanes,
        tries: args.tries,
        seed: args.seed,
    };
    let ways = args.batch.map_or(vec![Batch::Serial, Batch::Speculative, Batch::Bisect], |batch| vec![batch]);
    let runs: Vec<Simulated> = ways.into_iter().map(|batch| simulate(&model, batch)).collect::<Result<_>>()?;
    let title = |text: &str| (text.to_string(), HEAD);
    let mut rows: Vec<Vec<Cell>> = vec![["BATCH", "LANDED", "EVICTED", "INNOCENT", "EXECUTIONS", "TIME", "WASTED"].map(title).to_vec()];
    for run in &runs {
        let time = |seconds: f64| human(Duration::from_secs_f64(seconds));
        let cells = [
            format!("{:?}", run.batch).to_lowercase(),
            run.landed.to_string(),
            run.evicted.to_string(),
            run.innocent_evicted.to_string(),
            run.executions.to_string(),
            time(run.seconds),
            format!("{:.0} %", 100.0 * run.wasted_seconds / run.busy_seconds.max(f64::MIN_POSITIVE)),
        ];
        rows.push(cells.map(|text| (text, PLAIN)).to_vec());
    }
    Answer::yes(columns(&rows), &runs)
}
