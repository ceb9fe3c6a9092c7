//! Which pairs of candidates conflict, remembered from one forecast to the next in the user's cache folder: asking again costs
//! nothing, and a new branch costs its own row. What cannot be read or written only costs time.

use crate::{config::cache_folder, model::forecast::Place};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, io::Write, path::PathBuf};

/// Targets whose forecasts are kept; the oldest go first.
const KEPT: usize = 32;

/// The answers for candidates on one commit of a target. Every pair of `candidates` is known; those that conflict are listed.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct PairCache {
    /// The version of this program, whose answers these are.
    tool: String,
    /// Head and strategy of each.
    candidates: Vec<String>,
    clashes: Vec<(usize, usize, Vec<Place>)>,
}

impl PairCache {
    /// What is remembered for the target's commit `base`.
    pub fn load(base: &str) -> PairCache {
        let read = file(base).and_then(|file| std::fs::read(file).ok()).and_then(|bytes| serde_json::from_slice::<PairCache>(&bytes).ok());
        read.filter(|cache| cache.tool == env!("CARGO_PKG_VERSION")).unwrap_or_default()
    }

    /// By the names of two candidates, what is known of them: where they conflict, or nowhere.
    pub fn known(&self) -> HashMap<(&str, &str), &[Place]> {
        let names: Vec<&str> = self.candidates.iter().map(String::as_str).collect();
        let mut known = HashMap::with_capacity(names.len() * names.len() / 2);
        for (at, one) in names.iter().enumerate() {
            for other in &names[at + 1..] {
                known.insert((*one, *other), &[][..]);
            }
        }
        for (one, other, places) in &self.clashes {
            if let (Some(one), Some(other)) = (names.get(*one), names.get(*other)) {
                known.insert((*one, *other), &places[..]);
            }
        }
        known
    }

    /// Remember the answers of a forecast in which every pair was asked.
    pub fn save(base: &str, candidates: Vec<String>, clashes: Vec<(usize, usize, Vec<Place>)>) -> Option<()> {
        let file = file(base)?;
        let folder = file.parent()?;
        std::fs::create_dir_all(folder).ok()?;
        let cache = PairCache { tool: env!("CARGO_PKG_VERSION").into(), candidates, clashes };
        let mut new = tempfile::NamedTempFile::new_in(folder).ok()?;
        new.write_all(&serde_json::to_vec(&cache).ok()?).ok()?;
        new.persist(&file).ok()?;
        let age = |entry: &std::fs::DirEntry| entry.metadata().and_then(|meta| meta.modified()).ok();
        let mut all: Vec<_> = std::fs::read_dir(folder).ok()?.flatten().collect();
        all.sort_by_key(age);
        let surplus = all.len().saturating_sub(KEPT);
        all.iter().take(surplus).try_for_each(|entry| std::fs::remove_file(entry.path()).ok())
    }
}

fn file(base: &str) -> Option<PathBuf> {
    Some(cache_folder()?.join("forecast").join(format!("{base}.json")))
}
