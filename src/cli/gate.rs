//! `git lex-pr gate` and `git lex-pr execute`

use super::{
    Answer,
    context::{Context, PlanArg},
    gate_new, gate_override, gate_show, gate_stats, gate_test,
    merge::{RunArgs, Wanted, carry_out, start},
    selectors::Selectors,
};
use crate::{
    config::Flags,
    gate::digest,
    model::{
        Error, Result,
        gate::CONFLICT_MARKERS,
        plan::{Item, Plan},
        run::Purpose,
    },
    repo::History,
    report,
    report::style::{Cell, FAINT, HEAD, PLAIN, columns},
    run::{Instead, Reuse},
};
use clap::Subcommand;
use schemars::JsonSchema;
use serde::Serialize;

/// Gates: checks that a candidate must pass.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Prove candidates by gates and record the verdicts; nothing lands.
    Run {
        /// The gates to ask, again where they were red; all where none is named, but for what is on record.
        #[arg(value_name = "GATE")]
        gates: Vec<String>,
        /// A plan's name, a plan file, or `-`; the only plan where there is but one.
        #[arg(long, value_name = "PLAN")]
        plan: Option<String>,
        /// Only this item, on top of what it depends on; may be given several times. A branch that is in no plan is tried by itself.
        #[arg(long = "item", value_name = "ITEM")]
        items: Vec<String>,
        /// Instead of items, these commits, `FROM..TO`, as one candidate of the target on FROM: for what no run has landed.
        #[arg(long, value_name = "RANGE", conflicts_with = "items")]
        range: Option<String>,
        #[command(flatten)]
        run: RunArgs,
    },
    Show(gate_show::Args),
    New(gate_new::Args),
    Test(gate_test::Args),
    Stats(gate_stats::Args),
    Override(gate_override::Args),
    /// List the gates of a plan, or of the target where there is no plan, and where they come from.
    List {
        /// A plan's name, a plan file, or `-`; the only plan where there is but one.
        plan: Option<String>,
    },
}

impl Command {
    /// Whether what it prints may be longer than a screen.
    pub fn is_long(&self) -> bool {
        matches!(self, Command::Show(_) | Command::List { .. })
    }
}

/// Prove every item of a plan by all of its gates and record the verdicts; nothing lands.
#[derive(Debug, clap::Args)]
pub struct ExecuteArgs {
    /// A plan's name, a plan file, or `-`; the only plan where there is but one.
    plan: Option<String>,
    #[command(flatten)]
    selectors: Selectors,
    #[command(flatten)]
    run: RunArgs,
}

pub fn run(command: Command, context: &Context) -> Result<Answer> {
    match command {
        Command::Run { gates, plan, range: Some(range), run, .. } => of_range(&gates, plan.as_deref(), &range, &run, context),
        Command::Run { gates, plan, items, run, range: None } => {
            let wanted = Wanted { gates: &gates, items: &items, reuse: reuse(&gates), ..Wanted::of(Purpose::Prove) };
            start(plan.as_deref(), None, &wanted, &run, context, report::full)
        }
        Command::Show(args) => gate_show::run(&args, context),
        Command::New(args) => gate_new::run(&args, context),
        Command::Test(args) => gate_test::run(&args, context),
        Command::Override(args) => gate_override::run(&args, context),
        Command::Stats(args) => gate_stats::run(&args, context),
        Command::List { plan } => list(plan.as_deref(), context),
    }
}

/// Whoever names a gate wants to hear it again where it was red.
fn reuse(gates: &[String]) -> Reuse {
    if gates.is_empty() { Reuse::All } else { Reuse::Firm }
}

pub fn execute(args: &ExecuteArgs, context: &Context) -> Result<Answer> {
    start(args.plan.as_deref(), Some(&args.selectors), &Wanted::of(Purpose::Prove), &args.run, context, report::full)
}

/// Prove a range of commits by the policy of the commit that it begins behind.
fn of_range(gates: &[String], plan: Option<&str>, range: &str, args: &RunArgs, context: &Context) -> Result<Answer> {
    let repo = context.repo()?;
    let (from, to) = context.range(&repo, range)?;
    if !History::default().merge_bases(&repo.git, from, to)?.contains(&from) {
        return Err(Error::input("bad-range", format!("`{range}` does not begin with an ancestor of its end"))
            .hint("`git merge-base FROM TO` names the one to begin with"));
    }
    let target = context.target_of(&repo, plan)?;
    let item = Item { head: Some(to.to_string()), ..Item::new(&*target) };
    let found = PlanArg::unkept(Plan { items: vec![item], ..Plan::new(target) });
    let instead = Some(Instead { base: from, policy: from });
    let wanted = Wanted { gates, instead, reuse: reuse(gates), ..Wanted::of(Purpose::Prove) };
    let run = carry_out(&repo, context, &found, &wanted, args)?;
    Ok(Answer { no: !run.all_in(), ..Answer::yes(report::full(&run, None), &run)? })
}

/// What `gate list --json` prints for each gate.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// The gate's name.
    name: String,
    /// `built-in`, `target` for `lex-pr.toml` on the target, or the plan's item that it belongs to.
    from: String,
    /// Whether an item needs a pass of it.
    required: bool,
    /// The command; absent for a plugin and for a built-in gate.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    /// The plugin; absent for a command.
    #[serde(skip_serializing_if = "Option::is_none")]
    plugin: Option<String>,
    /// The digest under which its verdicts are recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
}

fn list(plan: Option<&str>, context: &Context) -> Result<Answer> {
    let repo = context.repo()?;
    let found = context.plan_or_none(&repo, plan)?;
    let config = context.config(&repo, &found.plan, &Flags::default())?;
    let mut listed =
        vec![Listed { name: CONFLICT_MARKERS.into(), from: "built-in".into(), required: true, run: None, plugin: None, digest: None }];
    let of_target = config.gates.iter().map(|gate| ("target".to_string(), gate));
    let of_items = found.plan.items.iter().flat_map(|item| item.gates.iter().map(|gate| (format!("item {}", item.name), gate)));
    for (from, gate) in of_target.chain(of_items) {
        listed.push(Listed {
            name: gate.name.clone(),
            from,
            required: config.is_required(&gate.name),
            run: gate.run.clone(),
            plugin: gate.plugin.clone(),
            digest: Some(digest(gate)?),
        });
    }
    let title = |text: &str| (text.to_string(), HEAD);
    let mut rows: Vec<Vec<Cell>> = vec![vec![title("GATE"), title("FROM"), title("REQUIRED"), title("JUDGE")]];
    rows.extend(listed.iter().map(|gate| {
        let required = if gate.required { "yes" } else { "no" };
        let judge = gate.run.as_ref().or(gate.plugin.as_ref()).cloned().unwrap_or_default();
        vec![(gate.name.clone(), PLAIN), (gate.from.clone(), FAINT), (required.into(), PLAIN), (judge, PLAIN)]
    }));
    Answer::yes(columns(&rows), &listed)
}
