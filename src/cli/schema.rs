//! `git lex-pr schema`

use super::{
    Answer, demo, gate, gate_new, gate_show, gate_test, hook, init, man, order, plan as plans, plugin, query, resolutions, status,
};
use crate::{
    config::ConfigFile,
    gate::{GateStats, cases::Case},
    model::{
        Error, Result,
        error::ErrorDocument,
        forecast::Forecast,
        hook::Hooked,
        note::{ItemNote, Override},
        plan::Plan,
        run::{Replay, Run},
        simulation::Simulated,
        verdict::Verdict,
    },
    plan::Change,
    report::style::{Cell, FAINT, HEAD, PLAIN, columns},
    run::{Abort, Trained, Undo},
    setup::Examined,
    sync::Synced,
};
use clap::ValueEnum;
use schemars::{JsonSchema, Schema, schema_for};
use serde::Serialize;
use serde_json::Value;

/// Print the JSON Schema of a document that this tool reads or prints.
///
/// Without a document it lists them, each with the commands whose --json prints it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The document.
    document: Option<Document>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Document {
    /// A plan: plan.json, and what commands print that change one.
    Plan,
    /// A run: run.json, and what commands print that run a plan.
    Run,
    /// A verdict: a line of refs/notes/lex-pr/verdicts.
    Verdict,
    /// What people say of an item: a line of refs/notes/lex-pr/items.
    ItemNote,
    /// lex-pr.toml, for editors.
    Config,
    /// The levels of a plan.
    Order,
    /// The items of a plan that answer a query.
    Query,
    /// The plans there are.
    Plans,
    /// What a plan file holds and lacks.
    PlanValid,
    /// The revisions of a plan.
    PlanLog,
    /// A plan that was deleted.
    PlanDeleted,
    /// What changed between two revisions.
    Diff,
    /// The gates of a plan.
    Gates,
    /// Runs that were played.
    Simulation,
    /// A case of a gate: a file in `cases/`, for editors.
    Case,
    /// A gate.
    GateShow,
    /// A gate that was begun.
    GateNew,
    /// What the cases of gates came to.
    GateTest,
    /// How gates did over time.
    GateStats,
    /// Overrides that were given.
    Overrides,
    /// The plugins there are.
    Plugins,
    /// A plugin.
    Plugin,
    /// Who conflicts with whom.
    Forecast,
    /// A history that was woven again.
    Replay,
    /// The resolutions there are.
    Resolutions,
    /// A resolution.
    Resolution,
    /// What was learnt from a history.
    Trained,
    /// Resolutions that were forgotten.
    Forgotten,
    /// What a hook says of a push or a commit.
    Hook,
    /// The hooks there are.
    Hooks,
    /// What was exchanged with a remote.
    Sync,
    /// Where plans stand.
    Status,
    /// A landing that was taken back.
    Undo,
    /// A run that was ended.
    Abort,
    /// What was looked at and written to set a repository up.
    Init,
    /// What is well and what is not.
    Doctor,
    /// The demo.
    Demo,
    /// The manual pages that were written.
    Man,
    /// The script of a shell.
    Completions,
    /// The documents there are.
    Schemas,
    /// What every command prints with --json where it fails.
    Error,
}

/// What `schema --json` prints for each document, where none is named.
#[derive(Serialize, JsonSchema)]
pub struct Listed {
    /// Its name.
    document: String,
    /// What it is.
    about: String,
    /// The commands whose --json prints it.
    commands: Vec<&'static str>,
}

/// A document's schema, and the commands whose --json prints it.
type Described = (Schema, &'static [&'static str]);

impl Document {
    fn describe(self) -> Described {
        let runs = &["merge", "execute", "retry", "watch", "report", "gate run"];
        let plans_of = &[
            "plan create",
            "plan show",
            "plan add",
            "plan remove",
            "plan edit",
            "plan review",
            "plan import",
            "plan export",
            "plan restore",
            "pause",
            "resume",
        ];
        match self {
            Document::Plan => (schema_for!(Plan), plans_of),
            Document::Run => (schema_for!(Run), runs),
            Document::Verdict => (schema_for!(Verdict), &[]),
            Document::ItemNote => (schema_for!(ItemNote), &[]),
            Document::Config => (ConfigFile::schema(), &[]),
            Document::Order => (schema_for!(order::Order), &["order"]),
            Document::Query => (schema_for!(query::Asked), &["query"]),
            Document::Sync => (schema_for!(Synced), &["sync"]),
            Document::Hook => (schema_for!(Hooked), &["hook run"]),
            Document::Hooks => (schema_for!(Vec<hook::Listed>), &["hook list", "hook install", "hook uninstall"]),
            Document::Plans => (schema_for!(Vec<plans::Listed>), &["plan list"]),
            Document::PlanValid => (schema_for!(plans::Validated), &["plan validate"]),
            Document::PlanLog => (schema_for!(Vec<plans::Logged>), &["plan log"]),
            Document::PlanDeleted => (schema_for!(plans::Deleted), &["plan delete"]),
            Document::Diff => (schema_for!(Vec<Change>), &["plan diff"]),
            Document::Gates => (schema_for!(Vec<gate::Listed>), &["gate list"]),
            Document::Case => (schema_for!(Case), &[]),
            Document::GateShow => (schema_for!(gate_show::Shown), &["gate show"]),
            Document::GateNew => (schema_for!(gate_new::Made), &["gate new"]),
            Document::GateTest => (schema_for!(gate_test::Tested), &["gate test"]),
            Document::GateStats => (schema_for!(Vec<GateStats>), &["gate stats"]),
            Document::Overrides => (schema_for!(Vec<Override>), &["gate override"]),
            Document::Plugins => (schema_for!(Vec<plugin::Listed>), &["plugin list"]),
            Document::Plugin => (schema_for!(plugin::Shown), &["plugin inspect", "plugin build"]),
            Document::Forecast => (schema_for!(Forecast), &["forecast"]),
            Document::Simulation => (schema_for!(Vec<Simulated>), &["simulate"]),
            Document::Replay => (schema_for!(Replay), &["replay"]),
            Document::Resolutions => (schema_for!(Vec<resolutions::Listed>), &["resolutions list"]),
            Document::Resolution => (schema_for!(resolutions::Shown), &["resolutions show"]),
            Document::Trained => (schema_for!(Trained), &["resolutions train", "resolutions import-rerere"]),
            Document::Forgotten => (schema_for!(resolutions::Forgot), &["resolutions forget"]),
            Document::Undo => (schema_for!(Undo), &["undo"]),
            Document::Abort => (schema_for!(Abort), &["abort"]),
            Document::Status => (schema_for!(Vec<status::PlanStatus>), &["status"]),
            Document::Init => (schema_for!(init::Done), &["init"]),
            Document::Doctor => (schema_for!(Examined), &["doctor"]),
            Document::Demo => (schema_for!(demo::Made), &["demo"]),
            Document::Man => (schema_for!(man::Written), &["man"]),
            Document::Completions => (schema_for!(String), &["completions"]),
            Document::Schemas => (schema_for!(Vec<Listed>), &["schema"]),
            Document::Error => (schema_for!(ErrorDocument), &[]),
        }
    }

    fn listed(self) -> Listed {
        let value = self.to_possible_value();
        let about = value.as_ref().and_then(|value| value.get_help()).map(ToString::to_string).unwrap_or_default();
        let document = value.map(|value| value.get_name().to_string()).unwrap_or_default();
        Listed { document, about, commands: self.describe().1.to_vec() }
    }
}

pub fn run(args: &Args) -> Result<Answer> {
    let Some(document) = args.document else { return list() };
    let mut json = serde_json::to_value(document.describe().0).map_err(|e| Error::environment("json", e.to_string()))?;
    unlink(&mut json);
    Answer::yes(super::document(&json), &json)
}

/// In descriptions write a link of rustdoc, which leads nowhere from here, as the name that it is.
fn unlink(json: &mut Value) {
    match json {
        Value::Object(table) => {
            if let Some(Value::String(text)) = table.get_mut("description") {
                *text = text.replace("[`", "`").replace("`]", "`");
            }
            table.values_mut().for_each(unlink);
        }
        Value::Array(list) => list.iter_mut().for_each(unlink),
        _ => {}
    }
}

fn list() -> Result<Answer> {
    let listed: Vec<Listed> = Document::value_variants().iter().map(|document| document.listed()).collect();
    let title = |text: &str| (text.to_string(), HEAD);
    let mut rows: Vec<Vec<Cell>> = vec![vec![title("DOCUMENT"), title("WHAT"), title("PRINTED BY --json OF")]];
    rows.extend(
        listed.iter().map(|one| {
            vec![(one.document.clone(), PLAIN), (one.about.trim_end_matches('.').into(), PLAIN), (one.commands.join(", "), FAINT)]
        }),
    );
    Answer::yes(columns(&rows), &listed)
}
