//! `git lex-pr simulate`

use super::{Answer, context::Context};
use crate::{
    config::Flags,
    gate::{Known, names, stats},
    model::{
        Result, json,
        plan::Item,
        policy::{Batch, Performance},
        simulation::{Model, Scene, SceneGate, SceneItem, Simulated, Work},
        time::human,
    },
    plan::order,
    report::{
        style::{Cell, FAINT, HEAD, PLAIN, columns, paint},
        timeline,
    },
    run::{Played, check_model, facts, simulate},
};
use gix::bstr::BStr;
use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

/// What each way of batching would cost: runs in virtual time, scheduled as real runs are.
///
/// Of a plan, its items, their dependencies and the files that they touch are taken, its gates with the `paths` that they read, and what the
/// recorded verdicts say of how long gates take, how often they are red and how often they flake. Without a plan, invented items.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A plan's name, a plan file, or `-`.
    #[arg(conflicts_with_all = ["items", "gates", "lanes"])]
    plan: Option<String>,
    /// How many items there are.
    #[arg(long, value_name = "N", default_value_t = 100)]
    items: usize,
    /// The share of items that break a gate: 0.05 is 5 of 100, which is taken where no verdict is recorded.
    #[arg(long, value_name = "SHARE")]
    failures: Option<f64>,
    /// The share of tries that are red for no reason; none where no verdict is recorded.
    #[arg(long, value_name = "SHARE")]
    flakes: Option<f64>,
    /// How many gates judge each candidate.
    #[arg(long, value_name = "N", default_value_t = 1)]
    gates: usize,
    /// How long a try of a gate takes, in seconds, where no verdict tells.
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
    /// As what to print it.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// For a person.
    Text,
    /// For a program.
    Json,
    /// A picture of what each worker does when.
    Svg,
}

pub fn run(args: &Args, context: &Context) -> Result<Answer> {
    let (scene, known) = match &args.plan {
        Some(plan) => {
            let (scene, known) = scene(plan, args.gate_seconds, context)?;
            (Some(scene), known)
        }
        None => (None, Rates::default()),
    };
    let model = Model {
        items: scene.as_ref().map_or(args.items, |scene| scene.items.len()),
        failures: args.failures.or(known.failures).unwrap_or(0.05),
        flakes: args.flakes.or(known.flakes).unwrap_or(0.0),
        gates: args.gates,
        gate_seconds: args.gate_seconds,
        spread: args.spread,
        workers: args.workers,
        lanes: args.lanes,
        tries: args.tries,
        seed: args.seed,
    };
    check_model(&model)?;
    let scene = scene.unwrap_or_else(|| Scene::invented(&model));
    let ways = args.batch.map_or(vec![Batch::Serial, Batch::Speculative, Batch::Bisect], |batch| vec![batch]);
    let played: Vec<Played> = ways.into_iter().map(|batch| simulate(&scene, &model, batch)).collect::<Result<_>>()?;
    let runs: Vec<&Simulated> = played.iter().map(|played| &played.outcome).collect();
    let text = match args.format {
        Format::Text => format!("{}{}", known.words(&model), table(&runs)),
        Format::Json => json::canonical(&runs)?,
        Format::Svg => {
            let runs: Vec<(&Simulated, &[Work])> = played.iter().map(|played| (&played.outcome, &played.work[..])).collect();
            timeline(&scene, model.workers, &runs)
        }
    };
    Answer::yes(text, &runs)
}

fn table(runs: &[&Simulated]) -> String {
    let title = |text: &str| (text.to_string(), HEAD);
    let mut rows: Vec<Vec<Cell>> = vec![["BATCH", "LANDED", "EVICTED", "INNOCENT", "EXECUTIONS", "TIME", "WASTED"].map(title).to_vec()];
    for run in runs {
        let time = |seconds: f64| human(Duration::from_secs_f64(seconds));
        let cells = [
            run.batch.word().to_string(),
            run.landed.to_string(),
            run.evicted.to_string(),
            run.innocent_evicted.to_string(),
            run.executions.to_string(),
            time(run.seconds),
            format!("{:.0} %", 100.0 * run.wasted_seconds / run.busy_seconds.max(f64::MIN_POSITIVE)),
        ];
        rows.push(cells.map(|text| (text, PLAIN)).to_vec());
    }
    columns(&rows)
}

/// What the recorded verdicts say of all gates.
#[derive(Default)]
struct Rates {
    verdicts: usize,
    failures: Option<f64>,
    flakes: Option<f64>,
}

impl Rates {
    /// What is assumed, where it was measured.
    fn words(&self, model: &Model) -> String {
        if self.verdicts == 0 {
            return String::new();
        }
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let words = format!(
            "{} items; {} of tries red, {} for no reason, as {} recorded verdicts tell",
            model.items,
            percent(model.failures),
            percent(model.flakes),
            self.verdicts
        );
        format!("{}\n", paint(FAINT, &words))
    }
}

/// The items and gates of a plan, and what is known of the gates.
fn scene(plan: &str, gate_seconds: f64, context: &Context) -> Result<(Scene, Rates)> {
    let repo = context.repo()?;
    let found = context.plan(&repo, Some(plan))?;
    let config = context.config(&repo, &found.plan, &Flags::default())?;
    let stats = stats(&Known::new(&repo, &Performance::default()).all()?, None);
    let facts = facts(&repo, &found.plan, None, &BTreeSet::from(["paths"]))?;
    let order: Vec<usize> = order(&found.plan)?.into_iter().flatten().collect();
    let in_order = || order.iter().map(|at| &found.plan.items[*at]);
    let places: HashMap<&str, usize> = in_order().enumerate().map(|(place, item)| (item.name.as_str(), place)).collect();
    let needed = |item: &Item| item.deps.iter().filter_map(|dep| places.get(dep.name.as_str()).copied()).collect();
    let items: Vec<SceneItem> = in_order().map(|item| SceneItem { name: item.name.clone(), deps: needed(item) }).collect();
    let seconds = |name: &str| {
        let known = stats.iter().find(|stats| stats.gate == name && stats.good + stats.failed > 0);
        known.map_or(gate_seconds, |stats| (stats.median_ms as f64 / 1000.0).max(0.001))
    };
    let touches = |at: usize, globs: &[String]| {
        let paths = facts[at].get("paths").and_then(|paths| paths.as_array());
        let mut paths = paths.into_iter().flatten().filter_map(|path| path.as_str());
        paths.any(|path| globs.iter().any(|glob| names(glob, BStr::new(path))))
    };
    let mut gates = Vec::new();
    for gate in config.gates.iter().filter(|gate| gate.run.is_some()) {
        let touching = || order.iter().enumerate().filter(|(_, at)| touches(**at, &gate.paths)).map(|(place, _)| place).collect();
        let touched_by = (!gate.paths.is_empty()).then(touching);
        gates.push(SceneGate { name: gate.name.clone(), seconds: seconds(&gate.name), touched_by });
    }
    for (place, at) in order.iter().enumerate() {
        for gate in found.plan.items[*at].gates.iter().filter(|gate| gate.run.is_some()) {
            gates.push(SceneGate { name: gate.name.clone(), seconds: seconds(&gate.name), touched_by: Some([place].into()) });
        }
    }
    let asked = stats.iter().filter(|stats| gates.iter().any(|gate| gate.name == stats.gate));
    let (mut given, mut failed, mut flaky) = (0, 0, 0);
    for stats in asked {
        (given, failed, flaky) = (given + stats.good + stats.failed, failed + stats.failed, flaky + stats.flaky);
    }
    let share = |part: usize| (given > 0).then(|| part as f64 / given as f64);
    let batch_size = config.performance.batch_size.map(|size| size as usize);
    Ok((
        Scene { items, gates, batch_size },
        Rates { verdicts: given, failures: share(failed.saturating_sub(flaky)), flakes: share(flaky.min(given)) },
    ))
}
