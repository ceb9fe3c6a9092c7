//! What a gate does, as a digest: a verdict under another digest is another gate's.

use super::Subject;
use crate::model::{Result, gate::GateSpec, hex, json, verdict::Verdict};
use gix::ObjectId;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// SHA-256, in hex, of what decides a gate's answer. Its name, its limits and what it leaves behind do not.
pub fn digest(gate: &GateSpec) -> Result<String> {
    Ok(hex(&Sha256::digest(json::canonical_line(&what(gate))?)))
}

fn what(gate: &GateSpec) -> GateSpec {
    GateSpec {
        name: String::new(),
        timeout: None,
        artifacts: Vec::new(),
        memory_mb: None,
        cpu_time: None,
        fuel: None,
        weight: None,
        exclusive: None,
        slow_after: None,
        ..gate.clone()
    }
}

/// The same for a plugin whose code has the digest `code`. It sees more than the tree that its verdict is kept on: the tree of the
/// base, in which `base` are the gate's inputs, the item, and what `earlier` gates said. Where the gate names its `paths`,
/// those are all that counts of the base.
pub fn plugin_digest(
    gate: &GateSpec,
    code: &str,
    subject: &Subject,
    base: ObjectId,
    earlier: &BTreeMap<String, Verdict>,
) -> Result<String> {
    #[derive(Serialize)]
    struct What<'a> {
        gate: GateSpec,
        code: &'a str,
        item: &'a str,
        target: &'a str,
        head: String,
        base: String,
        on: Option<String>,
        earlier: Vec<(&'a str, String, &'a str, &'a serde_json::Map<String, serde_json::Value>)>,
    }
    let earlier = earlier.iter().map(|(name, said)| (name.as_str(), said.verdict.to_string(), said.summary.as_str(), &said.facts));
    let what = What {
        gate: what(gate),
        code,
        item: &subject.item,
        target: &subject.target,
        head: subject.head.to_string(),
        base: base.to_string(),
        on: gate.paths.is_empty().then(|| subject.base.to_string()),
        earlier: earlier.collect(),
    };
    Ok(hex(&Sha256::digest(json::canonical_line(&what)?)))
}
