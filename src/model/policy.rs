//! What must hold for an item to land.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The policy a plan carries. It adds to the policy of the target's `lex-pr.toml`; it can never take a required gate away.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Policy {
    /// Gates that must pass. Where no policy names any, every gate that is not optional is required.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required_gates: Vec<String>,
    /// Gates whose failure is only a warning.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub optional_gates: Vec<String>,
    /// How many gates run at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max_workers: Option<u32>,
    /// In which order gates are bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Batch>,
    /// Per gate, how often it is tried.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub retries: BTreeMap<String, Retry>,
    /// Who may let an item land against its gates.
    #[serde(default, skip_serializing_if = "Overrides::is_empty")]
    pub overrides: Overrides,
    /// Labels that keep an item from landing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub block_on: Vec<String>,
    /// The rule that decides from verdicts.
    #[serde(default)]
    pub merge_rule: MergeRule,
    /// Limits of a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub performance: Option<Performance>,
}

/// In which order gates are bought. What lands is the same: that of one item after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Batch {
    /// One item after the other.
    #[default]
    Serial,
    /// The items behind one that is being judged are judged meanwhile, as if it passed.
    Speculative,
    /// Several items are judged at once by the candidate that holds them all; a red batch is halved.
    Bisect,
}

impl Batch {
    /// The word that policies and reports use.
    pub fn word(self) -> &'static str {
        match self {
            Batch::Serial => "serial",
            Batch::Speculative => "speculative",
            Batch::Bisect => "bisect",
        }
    }
}

impl std::str::FromStr for Batch {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        clap::ValueEnum::from_str(text, false).map_err(|_| format!("`{text}` is none of `serial`, `speculative` and `bisect`"))
    }
}

/// How often a gate is tried before its failure counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Retry {
    /// All tries together, at least 1.
    #[serde(default = "one", alias = "max-attempts")]
    #[schemars(range(min = 1))]
    pub max_attempts: u32,
    /// Seconds to wait before the second try; doubled before each further one. Each wait is longer by up to a half, by chance.
    #[serde(default, alias = "backoff-seconds")]
    #[schemars(range(min = 0))]
    pub backoff_seconds: f64,
}

impl Default for Retry {
    fn default() -> Self {
        Retry { max_attempts: 1, backoff_seconds: 0.0 }
    }
}

fn one() -> u32 {
    1
}

/// Ways past a red gate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Overrides {
    /// An administrator's word in place of a verdict.
    #[serde(default, alias = "admin-green", skip_serializing_if = "Option::is_none")]
    pub admin_green: Option<AdminGreen>,
}

impl Overrides {
    fn is_empty(&self) -> bool {
        self.admin_green.is_none()
    }
}

/// Verdicts are believed only if somebody who is named here has signed them. It is read from the target and from nowhere else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SignedVerdicts {
    /// A file of the target with those who may sign by ssh, as ssh-keygen(1) has it; git's `gpg.ssh.allowedSignersFile` where nothing is
    /// said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_signers: Option<String>,
    /// The fingerprints of keys of OpenPGP that may sign.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_keys: Vec<String>,
}

/// Who may override, and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdminGreen {
    /// Those who may override: mail addresses, names, or `Name <mail>`.
    #[serde(default, alias = "allowed-users", skip_serializing_if = "Vec::is_empty")]
    pub allowed_users: Vec<String>,
    /// Whether an override must say why.
    #[serde(default, alias = "require-reason")]
    pub require_reason: bool,
}

/// How verdicts decide.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeRule {
    /// The rule's name.
    #[serde(default, rename = "type")]
    pub kind: MergeRuleKind,
}

/// The rules there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MergeRuleKind {
    /// Every required gate passes.
    #[default]
    StrictRequired,
}

/// Limits of a run, by the original's names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Performance {
    /// Most memory of a run and all that it starts, in MB; as much as the machine or its control group has where nothing is said.
    #[serde(rename = "maxMemoryMB", alias = "max-memory-mb", default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 128))]
    pub max_memory_mb: Option<u64>,
    /// Items that are looked at ahead or judged together; as many as pay where nothing is said.
    #[serde(default, alias = "batch-size", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub batch_size: Option<u32>,
    /// Seconds a recorded verdict stays good.
    #[serde(rename = "cacheTTLSeconds", alias = "cache-ttl-seconds", default, skip_serializing_if = "Option::is_none")]
    pub cache_ttl_seconds: Option<u64>,
    /// Notes with verdicts that a run keeps in memory; 4096 where nothing is said.
    #[serde(default, alias = "cache-size", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub cache_size: Option<u32>,
    /// Whether recorded verdicts are used.
    #[serde(default, alias = "enable-caching", skip_serializing_if = "Option::is_none")]
    pub enable_caching: Option<bool>,
    /// Whether to start fewer gates when memory is short; true where nothing is said.
    #[serde(default, alias = "throttle-on-memory", skip_serializing_if = "Option::is_none")]
    pub throttle_on_memory: Option<bool>,
    /// From which share of memory on, in percent; 80 where nothing is said.
    #[serde(default, alias = "memory-threshold-percent", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub memory_threshold_percent: Option<f64>,
}

impl Performance {
    /// Look for what a type cannot say; the error is a key, as lex-pr.toml and as plans write it, and what is wrong with its value.
    pub fn check(&self) -> Result<(), (&'static str, &'static str, &'static str)> {
        if self.max_memory_mb.is_some_and(|mb| mb < 128) {
            return Err(("max-memory-mb", "maxMemoryMB", "a run needs 128 MB of memory at least"));
        }
        if self.batch_size == Some(0) {
            return Err(("batch-size", "batchSize", "one item at least is worked on"));
        }
        if self.memory_threshold_percent.is_some_and(|percent| !(0.0..=100.0).contains(&percent)) {
            return Err(("memory-threshold-percent", "memoryThresholdPercent", "a share of memory is 0 to 100 percent"));
        }
        Ok(())
    }

    /// What holds where the target says `self` and a plan `other`: the plan's word, but a verdict never counts for longer than either
    /// lets it.
    pub fn with(self, other: Performance) -> Performance {
        let ttl = [self.cache_ttl_seconds, other.cache_ttl_seconds].into_iter().flatten().min();
        let caching = [self.enable_caching, other.enable_caching].into_iter().flatten().min();
        Performance {
            max_memory_mb: other.max_memory_mb.or(self.max_memory_mb),
            batch_size: other.batch_size.or(self.batch_size),
            cache_ttl_seconds: ttl,
            cache_size: other.cache_size.or(self.cache_size),
            enable_caching: caching,
            throttle_on_memory: other.throttle_on_memory.or(self.throttle_on_memory),
            memory_threshold_percent: other.memory_threshold_percent.or(self.memory_threshold_percent),
        }
    }
}

impl AdminGreen {
    /// What holds where the target says `self` and a plan `other`: a plan can only ask for more.
    pub fn with(mut self, other: &AdminGreen) -> AdminGreen {
        self.allowed_users.retain(|user| other.allowed_users.is_empty() || other.allowed_users.contains(user));
        self.require_reason |= other.require_reason;
        self
    }
}
