//! `lex-pr.toml`, at the root of the target commit.

use crate::model::{
    Error, Result,
    error::Location,
    gate::{GateSpec, check_all},
    hook::Ruling,
    json::explain_data_error,
    policy::{Batch, Overrides, Performance, Retry, SignedVerdicts},
    time::Span,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema, transform::RecursiveTransform};
use serde::Deserialize;
use serde_json::Value;
use std::{borrow::Cow, collections::BTreeMap};

/// The file's name, at the root of the target commit.
pub const FILE_NAME: &str = "lex-pr.toml";

/// The version of the file that this program reads.
const VERSION: u32 = 1;

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    /// The version of this format: 1.
    pub version: u32,
    /// The branch that plans land on.
    pub target: Option<String>,
    /// What must hold for an item to land.
    #[serde(default)]
    pub policy: PolicyTable,
    /// How conflicts are settled.
    #[serde(default)]
    pub weave: WeaveTable,
    /// What hooks let pass.
    #[serde(default)]
    pub hook: HookTable,
    /// The gates.
    #[serde(default, rename = "gate")]
    pub gates: Vec<GateSpec>,
    /// What it was read from, such as `main:lex-pr.toml`.
    #[serde(skip)]
    pub source: String,
}

/// `[hook]`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct HookTable {
    /// What becomes of a push or commit where the hook itself fails: `allow` where nothing is said.
    pub on_error: Ruling,
    /// Commits of the target that no run landed: with `allow`, as where nothing is said, it is told that they are there; with `deny`
    /// whoever pushes them must say why.
    pub outside: Ruling,
    /// A planned branch that its gates have not passed: `deny` where nothing is said.
    pub planned: Ruling,
}

impl Default for HookTable {
    fn default() -> Self {
        HookTable { on_error: Ruling::Allow, outside: Ruling::Allow, planned: Ruling::Deny }
    }
}

/// `[weave]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WeaveTable {
    /// Rungs of the ladder and rules that are not used: `recorded`, `mechanical`, `semantic`, or a rule's name.
    #[serde(default)]
    pub off: Vec<String>,
    /// Formatters, tried in order: where both sides conflict only in how they are formatted, what it makes of both is the merge.
    #[serde(default)]
    pub format: Vec<Format>,
    /// Files that a command makes from others, such as lockfiles: made again instead of merged.
    #[serde(default)]
    pub regenerate: Vec<Regenerate>,
    /// The last rung: a command that is shown a conflict and may settle it by a small patch.
    pub resolver: Option<Resolver>,
}

/// `[[weave.format]]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Format {
    /// Globs of the files that it formats.
    pub files: Vec<String>,
    /// The shell command: the file on its standard input, the formatted one on its standard output.
    pub run: String,
    /// After this time it is killed; a minute where nothing is said.
    pub timeout: Option<Span>,
    /// What it may see of the environment, as for a gate.
    #[serde(default)]
    pub allow: Vec<String>,
}

/// `[[weave.regenerate]]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Regenerate {
    /// Globs of the files that the command makes.
    pub files: Vec<String>,
    /// The shell command, in a work tree of the candidate that has them as the target has them.
    pub run: String,
    /// A command that prints the version of the tool: `cargo --version`.
    pub tool: Option<String>,
    /// What the printed version must begin with; another tool might make other files.
    pub version: Option<String>,
    /// After this time it is killed; ten minutes where nothing is said.
    pub timeout: Option<Span>,
    /// What it may see of the environment, as for a gate.
    #[serde(default)]
    pub allow: Vec<String>,
}

/// `[weave.resolver]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Resolver {
    /// The shell command, in a work tree of the candidate whose conflicting files hold conflict markers (git's diff3 style); it
    /// mends those files and exits with 0, or with another status where it has no answer.
    pub run: String,
    /// Most lines that it may add, change or take away.
    #[serde(default = "thirty")]
    pub max_lines: usize,
    /// Most files that it may change.
    #[serde(default = "three")]
    pub max_files: usize,
    /// After this time it is killed; ten minutes where nothing is said.
    pub timeout: Option<Span>,
    /// What it may see of the environment, as for a gate.
    #[serde(default)]
    pub allow: Vec<String>,
}

fn thirty() -> usize {
    30
}

fn three() -> usize {
    3
}

impl WeaveTable {
    /// Whether a rung or rule is not used.
    pub fn is_off(&self, name: &str) -> bool {
        self.off.iter().any(|off| off == name)
    }
}

/// `[policy]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PolicyTable {
    /// Gates that must pass; without this, all that are not optional.
    #[serde(default)]
    pub required: Vec<String>,
    /// Gates whose failure is only a warning.
    #[serde(default)]
    pub optional: Vec<String>,
    /// How many gates run at once: a number, or "auto" for as many as pay.
    pub max_workers: Option<Workers>,
    /// In which order gates are bought: `serial`, `speculative` or `bisect`. What lands is the same.
    pub batch: Option<Batch>,
    /// What a conflict does to the rest of the run.
    pub on_conflict: Option<OnConflict>,
    /// Whether an item that one required gate has failed is not asked for its other gates.
    #[serde(default)]
    pub fail_fast: bool,
    /// Who may let an item land against its gates: `[policy.overrides.admin-green]`.
    #[serde(default)]
    pub overrides: Overrides,
    /// Whose verdicts are believed: `[policy.signed-verdicts]`; everybody's where nothing is said.
    pub signed_verdicts: Option<SignedVerdicts>,
    /// Limits of a run: how long verdicts count, how much memory it may take.
    #[serde(default)]
    pub performance: Performance,
    /// Per gate, how often it is tried: `test = { max-attempts = 3, backoff-seconds = 1 }`.
    #[serde(default)]
    pub retries: BTreeMap<String, Retry>,
}

/// How many gates run at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Workers {
    /// As many as pay: one per processor at first, more while that lets more gates end.
    #[default]
    Auto,
    /// This many.
    Count(u32),
}

impl Workers {
    /// The number, where one is said.
    pub fn fixed(self) -> Option<usize> {
        match self {
            Workers::Auto => None,
            Workers::Count(n) => Some(n as usize),
        }
    }
}

impl std::str::FromStr for Workers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(n) if n > 0 => Ok(Workers::Count(n)),
            _ if text == "auto" => Ok(Workers::Auto),
            _ => Err(format!("`{text}` is no number of workers; it is `auto` or at least 1")),
        }
    }
}

impl JsonSchema for Workers {
    fn schema_name() -> Cow<'static, str> {
        "Workers".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "const": "auto" }, { "type": "integer", "minimum": 1 }] })
    }
}

impl<'de> Deserialize<'de> for Workers {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "`auto` or a number of workers, at least 1")]
        enum Either {
            Number(u32),
            Text(String),
        }
        let text = match Either::deserialize(deserializer)? {
            Either::Number(n) => n.to_string(),
            Either::Text(text) => text,
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What a conflict does to the rest of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum OnConflict {
    /// The item is skipped, the rest goes on.
    #[default]
    Skip,
    /// Nothing after it is tried.
    Stop,
}

impl std::str::FromStr for OnConflict {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        clap::ValueEnum::from_str(text, false).map_err(|_| format!("`{text}` is neither `skip` nor `stop`"))
    }
}

impl ConfigFile {
    /// The JSON Schema of the file, of the draft that the editors' TOML servers know.
    pub fn schema() -> Schema {
        let settings = SchemaSettings::draft07().with_transform(RecursiveTransform(write_keys_as_toml_does));
        settings.into_generator().into_root_schema_for::<ConfigFile>()
    }

    /// Read the file. `source` names it in errors, such as `main:lex-pr.toml`.
    pub fn parse(text: &str, source: &str) -> Result<ConfigFile> {
        let mut file: ConfigFile = read_toml(text, source, "`git lex-pr schema config` tells what the key takes")?;
        if file.version > VERSION {
            let message = format!("version {} of the file is newer than the {VERSION} that this git-lex-pr reads", file.version);
            return Err(Error::input("newer-schema", message)
                .at(Location::new(source).at_path("version"))
                .hint("install a newer git-lex-pr"));
        }
        check_all(&file.gates).map_err(|(index, message, hint)| {
            let place = Location::new(source).at_path(format!("gate[{index}]"));
            Error::input("bad-gate", message).at(place).hint(hint)
        })?;
        if let Some((gate, _)) = file.policy.retries.iter().find(|(_, r)| r.max_attempts == 0 || r.backoff_seconds < 0.0) {
            let place = Location::new(source).at_path(format!("policy.retries.{gate}"));
            return Err(Error::input("bad-value", "a gate is tried at least once").at(place).hint("set max-attempts to 1 or more"));
        }
        let keys = file.policy.signed_verdicts.iter().flat_map(|signed| &signed.allowed_keys);
        if let Some((index, key)) = keys.enumerate().find(|(_, key)| !is_fingerprint(key)) {
            let place = Location::new(source).at_path(format!("policy.signed-verdicts.allowed-keys[{index}]"));
            return Err(Error::input("bad-value", format!("`{key}` is no fingerprint of a key"))
                .at(place)
                .hint("`gpg --fingerprint` prints them: 40 digits, or 64 of newer keys"));
        }
        file.policy.performance.check().map_err(|(key, _, message)| {
            let place = Location::new(source).at_path(format!("policy.performance.{key}"));
            Error::input("bad-value", message).at(place).hint("`git lex-pr schema config` tells what the key takes")
        })?;
        file.source = source.into();
        Ok(file)
    }
}

/// Whether a text is a whole fingerprint of OpenPGP, with or without blanks: of version 4 or of those after it.
fn is_fingerprint(key: &str) -> bool {
    let digits = key.replace(' ', "");
    [40, 64].contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// A plan, which is JSON, writes `maxAttempts` where the file writes `max-attempts`.
fn write_keys_as_toml_does(schema: &mut Schema) {
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    *properties = std::mem::take(properties).into_iter().map(|(key, value)| (with_hyphens(&key), value)).collect();
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.iter_mut().for_each(|key| *key = with_hyphens(key.as_str().unwrap_or_default()).into());
    }
}

/// `cacheTTLSeconds` as `cache-ttl-seconds`.
fn with_hyphens(key: &str) -> String {
    let chars: Vec<char> = key.chars().collect();
    let begins_word = |at: usize| {
        let before = at.checked_sub(1).map(|before| chars[before]);
        chars[at].is_uppercase()
            && (before.is_some_and(char::is_lowercase) || (before.is_some() && chars.get(at + 1).is_some_and(|c| c.is_lowercase())))
    };
    let written = chars.iter().enumerate().map(|(at, c)| format!("{}{}", if begins_word(at) { "-" } else { "" }, c.to_lowercase()));
    written.collect()
}

/// Read a TOML document, blaming the place in `source` where it is not one; `hint` is for a wrong value.
pub fn read_toml<T: serde::de::DeserializeOwned>(text: &str, source: &str, hint: &str) -> Result<T> {
    toml::from_str(text).map_err(|e| {
        let mut at = Location::new(source);
        if let Some(span) = e.span() {
            at = at.at_offset(text, span.start);
        }
        // A document that parses as a table has a wrong value or key; any other is not TOML at all.
        if text.parse::<toml::Table>().is_ok() {
            let (code, message, meant) = explain_data_error(e.message());
            Error::input(code, message).at(at).hint(meant.unwrap_or_else(|| hint.into()))
        } else {
            Error::input("bad-toml", format!("not valid TOML: {}", e.message())).at(at).hint("mend the file at that place")
        }
    })
}
