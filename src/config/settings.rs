//! Each value that holds and where it came from, for a person who wonders.

use super::Config;
use crate::model::policy::Performance;
use clap::ValueEnum;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The names in git's configuration that are read.
pub const GIT_KEYS: [&str; 7] =
    ["lexpr.target", "lexpr.maxWorkers", "lexpr.batch", "lexpr.onConflict", "lexpr.mergeTimeout", "lexpr.syncTimeout", "lexpr.hookOnError"];

/// The variables that are read.
pub const VARIABLES: [&str; 7] = [
    "LEX_PR_TARGET",
    "LEX_PR_MAX_WORKERS",
    "LEX_PR_BATCH",
    "LEX_PR_ON_CONFLICT",
    "LEX_PR_PROFILE_DIR",
    "LEX_PR_HOOK_ON_ERROR",
    "LEX_PR_OUTSIDE",
];

/// What a value comes from that nobody has set.
const BUILT_IN: &str = "built in";

/// A value that holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Setting {
    /// Its key, as lex-pr.toml has it.
    pub key: String,
    /// The value.
    pub value: String,
    /// What said so: a file of a branch, the plan, git config, a variable, a flag, or nobody.
    pub origin: String,
}

/// Who said what, by key; who says a thing later has the word.
#[derive(Clone, Debug, Default)]
pub(super) struct Origins(BTreeMap<&'static str, String>);

impl Origins {
    /// `who` has set `key`, if it has.
    pub fn say(&mut self, is_set: bool, key: &'static str, who: &str) {
        if is_set {
            self.0.insert(key, who.into());
        }
    }

    /// `who` has added to `key`, if it has.
    pub fn add(&mut self, is_set: bool, key: &'static str, who: &str) {
        if is_set {
            self.0.entry(key).and_modify(|others| *others = format!("{others} and {who}")).or_insert_with(|| who.into());
        }
    }

    /// What one who lays down limits of a run has set.
    pub fn say_performance(&mut self, limits: &Performance, who: &str) {
        for (key, is_set) in [
            ("policy.performance.max-memory-mb", limits.max_memory_mb.is_some()),
            ("policy.performance.batch-size", limits.batch_size.is_some()),
            ("policy.performance.cache-ttl-seconds", limits.cache_ttl_seconds.is_some()),
            ("policy.performance.cache-size", limits.cache_size.is_some()),
            ("policy.performance.enable-caching", limits.enable_caching.is_some()),
            ("policy.performance.throttle-on-memory", limits.throttle_on_memory.is_some()),
            ("policy.performance.memory-threshold-percent", limits.memory_threshold_percent.is_some()),
        ] {
            self.say(is_set, key, who);
        }
    }
}

impl Config {
    /// All values, in the order of lex-pr.toml.
    pub fn settings(&self) -> Vec<Setting> {
        let origin = |key: &str| self.origins.0.get(key).map_or(BUILT_IN, String::as_str).to_string();
        let said = |key: &str, value: String| Setting { key: key.into(), value, origin: origin(key) };
        let list = |names: &[String], none: &str| if names.is_empty() { none.to_string() } else { names.join(", ") };
        let number = |value: Option<u64>, none: &str| value.map_or(none.to_string(), |n| n.to_string());
        let on_conflict = self.on_conflict.to_possible_value().map(|value| value.get_name().to_string());
        let limits = &self.performance;
        let threshold = limits.memory_threshold_percent.map_or("80".into(), |percent| percent.to_string());
        let mut settings = vec![
            said("policy.required", list(&self.required, "all that are not optional")),
            said("policy.optional", list(&self.optional, "none")),
            said("policy.max-workers", self.workers.fixed().map_or("auto".into(), |n| n.to_string())),
            said("policy.batch", self.batch.word().into()),
            said("policy.on-conflict", on_conflict.unwrap_or_default()),
            said("policy.fail-fast", self.fail_fast.to_string()),
            said("policy.performance.max-memory-mb", number(limits.max_memory_mb, "all of the machine's")),
            said("policy.performance.memory-threshold-percent", threshold),
            said("policy.performance.throttle-on-memory", limits.throttle_on_memory.unwrap_or(true).to_string()),
            said("policy.performance.enable-caching", limits.enable_caching.unwrap_or(true).to_string()),
            said("policy.performance.cache-ttl-seconds", number(limits.cache_ttl_seconds, "for ever")),
            said("policy.performance.cache-size", number(limits.cache_size.map(u64::from), "4096")),
            said("policy.performance.batch-size", number(limits.batch_size.map(u64::from), "as many as pay")),
            said("weave.off", list(&self.weave.off, "none")),
        ];
        if let Some(admin) = &self.admin_green {
            settings.push(said("policy.overrides.admin-green", list(&admin.allowed_users, "nobody")));
        }
        for (gate, retry) in &self.retries {
            let value = format!("{} tries, {} s apart at first", retry.max_attempts, retry.backoff_seconds);
            settings.push(Setting { key: format!("policy.retries.{gate}"), value, origin: origin("policy.retries") });
        }
        for gate in &self.gates {
            settings.push(Setting { key: format!("gate.{}", gate.name), value: gate.judge().into(), origin: origin("gate") });
        }
        settings
    }
}
