//! What a gate does, as a digest: a verdict under another digest is another gate's.

use crate::model::{Result, gate::GateSpec, json};
use sha2::{Digest, Sha256};

/// SHA-256, in hex, of what decides a gate's answer. Its name, its time limit and what it leaves behind do not.
pub fn digest(gate: &GateSpec) -> Result<String> {
    let what = GateSpec { name: String::new(), timeout: None, artifacts: Vec::new(), ..gate.clone() };
    let hash = Sha256::digest(json::canonical_line(&what)?.as_bytes());
    Ok(hash.iter().map(|byte| format!("{byte:02x}")).collect())
}
