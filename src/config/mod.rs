//! `lex-pr.toml`, the plan's policy, git config, environment and flags become one resolved [`Config`].

mod cache;
mod file;
mod settings;

pub use cache::cache_folder;
pub use file::{ConfigFile, FILE_NAME, Format, HookTable, OnConflict, Regenerate, Resolver, WeaveTable, Workers, read_toml};
pub use settings::{GIT_KEYS, Setting, VARIABLES};

use crate::model::{
    Error, Result,
    error::{Location, nearest},
    gate::{CONFLICT_MARKERS, GateSpec},
    hook::Ruling,
    plan::Plan,
    policy::{AdminGreen, Batch, Performance, Retry, SignedVerdicts},
};
use settings::Origins;
use std::{collections::BTreeMap, time::Duration};

/// What a run obeys.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The gates of the target's `lex-pr.toml`, which every item must meet.
    pub gates: Vec<GateSpec>,
    /// Names of gates that must pass; empty means all that are not optional.
    pub required: Vec<String>,
    /// Names of gates whose failure is a warning.
    pub optional: Vec<String>,
    /// Tries per gate.
    pub retries: BTreeMap<String, Retry>,
    /// Gates that run at once.
    pub workers: Workers,
    /// In which order gates are bought.
    pub batch: Batch,
    /// What a conflict does to the rest of the run.
    pub on_conflict: OnConflict,
    /// Whether an item that one required gate has failed is not asked for its other gates.
    pub fail_fast: bool,
    /// Who may let an item land against its gates; nobody where the target says nothing.
    pub admin_green: Option<AdminGreen>,
    /// Whose verdicts are believed; everybody's where the target says nothing.
    pub signed_verdicts: Option<SignedVerdicts>,
    /// Limits of a run.
    pub performance: Performance,
    /// How conflicts are settled.
    pub weave: WeaveTable,
    /// What hooks let pass.
    pub hook: HookTable,
    origins: Origins,
}

/// What the command line says, which beats everything else.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--batch`
    pub batch: Option<Batch>,
    /// `--max-workers`
    pub max_workers: Option<Workers>,
    /// `--on-conflict`
    pub on_conflict: Option<OnConflict>,
    /// `--fail-fast`
    pub fail_fast: bool,
}

/// Where a named setting can be looked up: git config by `lexpr.key`, the environment by `LEX_PR_KEY`.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Config {
    /// Lay `file`, the plan, git config, environment and flags over each other, the later the stronger. Required gates
    /// only add up: a plan, a clone or a person cannot take away what the target demands.
    pub fn resolve(file: ConfigFile, plan: &Plan, git: Lookup, env: Lookup, flags: &Flags) -> Result<Config> {
        let policy = &plan.policy;
        let mut origins = origins_in_documents(&file, plan);
        let mut config = Config {
            gates: file.gates,
            required: file.policy.required,
            optional: file.policy.optional,
            retries: file.policy.retries,
            workers: file.policy.max_workers.unwrap_or_default(),
            batch: policy.batch.or(file.policy.batch).unwrap_or_default(),
            on_conflict: file.policy.on_conflict.unwrap_or_default(),
            fail_fast: file.policy.fail_fast || flags.fail_fast,
            admin_green: file.policy.overrides.admin_green.map(|target| match &policy.overrides.admin_green {
                Some(plan) => target.with(plan),
                None => target,
            }),
            signed_verdicts: file.policy.signed_verdicts,
            performance: file.policy.performance.with(policy.performance.clone().unwrap_or_default()),
            weave: file.weave,
            hook: file.hook,
            origins: Origins::default(),
        };
        config.required.extend(policy.required_gates.iter().cloned());
        config.optional.extend(policy.optional_gates.iter().cloned());
        config.retries.extend(policy.retries.iter().map(|(gate, retry)| (gate.clone(), *retry)));
        if let Some(workers) = policy.max_workers {
            config.workers = Workers::Count(workers);
        }
        for (lookup, workers, batch, on_conflict) in [
            (git, "lexpr.maxWorkers", "lexpr.batch", "lexpr.onConflict"),
            (env, "LEX_PR_MAX_WORKERS", "LEX_PR_BATCH", "LEX_PR_ON_CONFLICT"),
        ] {
            if let Some(value) = setting(lookup, workers)? {
                config.workers = value;
                origins.say(true, "policy.max-workers", workers);
            }
            if let Some(value) = setting(lookup, batch)? {
                config.batch = value;
                origins.say(true, "policy.batch", batch);
            }
            if let Some(value) = setting(lookup, on_conflict)? {
                config.on_conflict = value;
                origins.say(true, "policy.on-conflict", on_conflict);
            }
        }
        for timeout in ["lexpr.mergeTimeout", "lexpr.syncTimeout"] {
            seconds(git, timeout)?;
        }
        config.hook.on_error = on_error(git, env)?.unwrap_or(config.hook.on_error);
        origins.say(flags.max_workers.is_some(), "policy.max-workers", "--max-workers");
        origins.say(flags.batch.is_some(), "policy.batch", "--batch");
        origins.say(flags.on_conflict.is_some(), "policy.on-conflict", "--on-conflict");
        origins.say(flags.fail_fast, "policy.fail-fast", "--fail-fast");
        config.origins = origins;
        config.workers = flags.max_workers.unwrap_or(config.workers);
        config.batch = flags.batch.unwrap_or(config.batch);
        config.on_conflict = flags.on_conflict.unwrap_or(config.on_conflict);
        config.check_names(plan)?;
        Ok(config)
    }

    /// Whether an item needs a pass of `gate`.
    pub fn is_required(&self, gate: &str) -> bool {
        gate == CONFLICT_MARKERS
            || self.required.iter().any(|name| name == gate)
            || (self.required.is_empty() && !self.optional.iter().any(|name| name == gate))
    }

    /// How often `gate` is tried.
    pub fn retry(&self, gate: &str) -> Retry {
        self.retries.get(gate).copied().unwrap_or_default()
    }

    /// A policy that names a gate which nobody defines can never be met, or lets a typo pass: say so before anything runs.
    fn check_names(&self, plan: &Plan) -> Result<()> {
        let known = || {
            let of_items = plan.items.iter().flat_map(|i| &i.gates);
            self.gates.iter().chain(of_items).map(|g| g.name.as_str()).chain([CONFLICT_MARKERS])
        };
        let named = |names: &[String]| names.iter().find(|name| !known().any(|k| k == *name)).cloned();
        let (name, key, does) = match (named(&self.required), named(&self.optional)) {
            (Some(name), _) => (name, "required", "requires"),
            (None, Some(name)) => (name, "optional", "makes optional"),
            (None, None) => return Ok(()),
        };
        let hint = match nearest(&name, known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("add a [[gate]] with name = \"{name}\" to {FILE_NAME} on {}, or take it out of the policy", plan.target),
        };
        let place = Location::new("policy").at_path(key);
        Err(Error::input("unknown-gate", format!("the policy {does} gate `{name}`, which is defined nowhere")).at(place).hint(hint))
    }
}

/// What git config and the environment say becomes of a push or commit where the hook itself fails.
pub fn on_error(git: Lookup, env: Lookup) -> Result<Option<Ruling>> {
    Ok(setting(env, "LEX_PR_HOOK_ON_ERROR")?.or(setting(git, "lexpr.hookOnError")?))
}

/// A time in git config, in seconds.
pub fn seconds(git: Lookup, key: &str) -> Result<Option<Duration>> {
    struct Seconds(u64);
    impl std::str::FromStr for Seconds {
        type Err = String;

        fn from_str(text: &str) -> Result<Self, String> {
            let number = gix::config::Integer::try_from(gix::bstr::BStr::new(text)).ok().and_then(|number| number.to_decimal());
            let seconds = number.and_then(|number| u64::try_from(number).ok()).filter(|seconds| *seconds > 0);
            seconds.map(Seconds).ok_or_else(|| format!("`{text}` is no number of seconds, at least 1"))
        }
    }
    Ok(setting::<Seconds>(git, key)?.map(|seconds| Duration::from_secs(seconds.0)))
}

/// Who of lex-pr.toml and the plan says what.
fn origins_in_documents(file: &ConfigFile, plan: &Plan) -> Origins {
    let mut origins = Origins::default();
    let (policy, source) = (&file.policy, file.source.as_str());
    origins.add(!policy.required.is_empty(), "policy.required", source);
    origins.add(!policy.optional.is_empty(), "policy.optional", source);
    origins.say(policy.max_workers.is_some(), "policy.max-workers", source);
    origins.say(policy.batch.is_some(), "policy.batch", source);
    origins.say(policy.on_conflict.is_some(), "policy.on-conflict", source);
    origins.say(policy.fail_fast, "policy.fail-fast", source);
    origins.add(!policy.retries.is_empty(), "policy.retries", source);
    origins.say(policy.overrides.admin_green.is_some(), "policy.overrides.admin-green", source);
    origins.say_performance(&policy.performance, source);
    origins.say(!file.weave.off.is_empty(), "weave.off", source);
    origins.say(true, "gate", source);
    let (policy, source) = (&plan.policy, "the plan");
    origins.add(!policy.required_gates.is_empty(), "policy.required", source);
    origins.add(!policy.optional_gates.is_empty(), "policy.optional", source);
    origins.say(policy.max_workers.is_some(), "policy.max-workers", source);
    origins.say(policy.batch.is_some(), "policy.batch", source);
    origins.add(!policy.retries.is_empty(), "policy.retries", source);
    if let Some(limits) = &policy.performance {
        origins.say_performance(limits, source);
    }
    origins
}

fn setting<T: std::str::FromStr<Err = String>>(lookup: Lookup, name: &str) -> Result<Option<T>> {
    let parsed = lookup(name).map(|text| text.parse()).transpose();
    parsed.map_err(|message| Error::input("bad-value", message).at(Location::new(name)).hint(format!("mend or unset {name}")))
}
