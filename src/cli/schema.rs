//! `git lex-pr schema`

use super::{Answer, gate, gate_new, gate_show, gate_test, hook, order, plugin, query, resolutions, status};
use crate::{
    config::ConfigFile,
    gate::{GateStats, cases::Case},
    model::{
        Result,
        error::ErrorDocument,
        forecast::Forecast,
        hook::Hooked,
        plan::Plan,
        run::{Replay, Run},
        simulation::Simulated,
        verdict::Verdict,
    },
    plan::Change,
    run::{Abort, Undo},
    sync::Synced,
};
use schemars::schema_for;

/// Print the JSON Schema of a document that this tool reads or prints.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The document.
    document: Document,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Document {
    /// A plan: plan.json, `plan show --json`.
    Plan,
    /// A run: `merge --json`, `execute --json`, `retry --json`, `watch --json`, `report --json`.
    Run,
    /// A verdict: a line of refs/notes/lex-pr/verdicts.
    Verdict,
    /// lex-pr.toml, for editors.
    Config,
    /// `order --json`.
    Order,
    /// `query --json`.
    Query,
    /// `plan diff --json`.
    Diff,
    /// `gate list --json`.
    Gates,
    /// `simulate --json`.
    Simulation,
    /// A case of a gate: a file in `cases/`, for editors.
    Case,
    /// `gate show --json`.
    GateShow,
    /// `gate new --json`.
    GateNew,
    /// `gate test --json`.
    GateTest,
    /// `gate stats --json`.
    GateStats,
    /// `plugin list --json`.
    Plugins,
    /// `plugin inspect --json`, `plugin build --json`.
    Plugin,
    /// `forecast --json`.
    Forecast,
    /// `replay --json`.
    Replay,
    /// `resolutions list --json`.
    Resolutions,
    /// `hook run --json`.
    Hook,
    /// `hook list --json`, `hook install --json`, `hook uninstall --json`.
    Hooks,
    /// `status --json`.
    Status,
    /// `sync --json`.
    Sync,
    /// `undo --json`.
    Undo,
    /// `abort --json`.
    Abort,
    /// What every command prints with --json where it fails.
    Error,
}

pub fn run(args: &Args) -> Result<Answer> {
    let schema = match args.document {
        Document::Plan => schema_for!(Plan),
        Document::Run => schema_for!(Run),
        Document::Verdict => schema_for!(Verdict),
        Document::Config => schema_for!(ConfigFile),
        Document::Order => schema_for!(order::Order),
        Document::Query => schema_for!(query::Asked),
        Document::Diff => schema_for!(Vec<Change>),
        Document::Gates => schema_for!(Vec<gate::Listed>),
        Document::Case => schema_for!(Case),
        Document::GateShow => schema_for!(gate_show::Shown),
        Document::GateNew => schema_for!(gate_new::Made),
        Document::GateTest => schema_for!(gate_test::Tested),
        Document::GateStats => schema_for!(Vec<GateStats>),
        Document::Plugins => schema_for!(Vec<plugin::Listed>),
        Document::Plugin => schema_for!(plugin::Shown),
        Document::Forecast => schema_for!(Forecast),
        Document::Simulation => schema_for!(Vec<Simulated>),
        Document::Replay => schema_for!(Replay),
        Document::Resolutions => schema_for!(Vec<resolutions::Listed>),
        Document::Sync => schema_for!(Synced),
        Document::Hook => schema_for!(Hooked),
        Document::Hooks => schema_for!(Vec<hook::Listed>),
        Document::Undo => schema_for!(Undo),
        Document::Abort => schema_for!(Abort),
        Document::Status => schema_for!(Vec<status::PlanStatus>),
        Document::Error => schema_for!(ErrorDocument),
    };
    let json = serde_json::to_value(&schema).unwrap_or_default();
    Answer::yes(super::document(&json), &json)
}
