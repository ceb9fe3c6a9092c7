//! What a plugin says of itself, and whether lex-pr.toml gives it what it asks for.

use super::host::covers;
use crate::{
    config::FILE_NAME,
    model::{
        Error, Result,
        gate::{BUILTIN, GateSpec},
    },
};
use jsonschema::PatternOptions;
use serde_json::{Map, Value, json};

/// What a plugin says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifest {
    /// One line for a person.
    pub description: String,
    /// What of the machine it wants, as lex-pr.toml grants it.
    pub capabilities: Vec<String>,
    /// For each key of its config a JSON Schema.
    pub config: Map<String, Value>,
    /// Gates whose verdicts it reads.
    pub needs: Vec<String>,
}

impl Manifest {
    /// The JSON Schema of the plugin's whole config.
    pub fn schema(&self) -> Value {
        json!({ "type": "object", "additionalProperties": false, "properties": self.config })
    }

    /// What the plugin asks for and `gate` does not allow.
    pub fn missing(&self, gate: &GateSpec) -> Vec<&String> {
        self.capabilities.iter().filter(|asked| !gate.allow.iter().any(|grant| covers(grant, asked))).collect()
    }

    /// The grants that the plugin has: what it asks for, as far as `gate` allows it. What is missing is an error that names the
    /// line to write.
    pub fn grants(&self, gate: &GateSpec) -> Result<Vec<String>> {
        let missing = self.missing(gate);
        if missing.is_empty() {
            return Ok(self.capabilities.clone());
        }
        let names: Vec<String> = missing.iter().map(|asked| format!("`{asked}`")).collect();
        let message = format!("it asks for {}, which {FILE_NAME} does not grant", names.join(", "));
        let all: Vec<String> = gate.allow.iter().chain(missing).map(|grant| format!("{grant:?}")).collect();
        let hint = format!("add to [[gate]] {}: allow = [{}]", gate.name, all.join(", "));
        Err(Error::input("not-granted", message).hint(hint))
    }

    /// The config of `gate`, checked and with the defaults of what it does not set.
    pub fn complete(&self, gate: &GateSpec) -> Result<Map<String, Value>> {
        let defaults = self.config.iter().filter_map(|(key, schema)| Some((key.clone(), schema.get("default")?.clone())));
        let is_ours = gate.plugin.as_deref().is_some_and(|plugin| plugin.starts_with(BUILTIN));
        // To read their schemas takes longer than the gates of a small landing; their cases do it.
        if is_ours && gate.config.is_empty() {
            return Ok(defaults.collect());
        }
        let schema = self.schema();
        let bad = |e: &dyn std::fmt::Display| Error::input("bad-plugin", format!("its config schema is no JSON Schema: {e}"));
        // Patterns come with the plugin: only an engine that takes linear time may run them.
        let patterns = PatternOptions::regex();
        let validator = jsonschema::options().with_pattern_options(patterns).build(&schema).map_err(|e| bad(&e))?;
        let mut config = gate.config.clone();
        for (key, default) in defaults {
            config.entry(key).or_insert(default);
        }
        let config = Value::Object(config);
        if let Some(error) = validator.iter_errors(&config).next() {
            let at = error.instance_path().to_string();
            let place = format!("config{}", at.replace('/', "."));
            let known: Vec<&str> = self.config.keys().map(String::as_str).collect();
            let hint = match known[..] {
                [] => "this plugin takes no config".to_string(),
                _ => format!("it takes: {}; `git lex-pr gate show {}` tells more", known.join(", "), gate.name),
            };
            return Err(Error::input("bad-config", format!("{place}: {error}")).hint(hint));
        }
        match config {
            Value::Object(config) => Ok(config),
            _ => Ok(Map::new()),
        }
    }
}
