//! Verdicts that are known: one JSON line each in the note on the tree of the gate's inputs.

use super::{Doubt, Trust};
use crate::{
    model::{Result, json, policy::Performance, verdict::Verdict},
    repo::{Notes, Repo},
};
use gix::ObjectId;
use jiff::Timestamp;
use lru::LruCache;
use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
};

/// Where verdicts are kept; `git notes --ref lex-pr/verdicts show TREE` reads them.
pub const NOTES_REF: &str = "refs/notes/lex-pr/verdicts";

/// How many notes stay in memory where the policy says nothing.
const KEPT_NOTES: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

/// The recorded verdicts of a repository. Those that were asked for last are kept in memory.
pub struct Known<'r> {
    notes: Notes<'r>,
    kept: LruCache<ObjectId, Vec<Verdict>>,
    /// Verdicts of before this are too old.
    since: Option<Timestamp>,
    /// Whose verdicts count; everybody's where there is nothing.
    trust: Option<Trust>,
    /// Those that would have been taken, and were not believed: why, and of which gate, inputs and time they are.
    doubted: BTreeSet<(Doubt, String, String, String)>,
}

impl<'r> Known<'r> {
    /// Those of `repo`, as far as `limits` lets them count.
    pub fn new(repo: &'r Repo, limits: &Performance) -> Self {
        let seconds = limits.cache_ttl_seconds.map(|seconds| i64::try_from(seconds).unwrap_or(i64::MAX));
        let since = seconds.map(|seconds| Timestamp::now().checked_sub(jiff::SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MIN));
        let size = limits.cache_size.and_then(|size| NonZeroUsize::new(size as usize)).unwrap_or(KEPT_NOTES);
        Known { notes: repo.notes(NOTES_REF), kept: LruCache::new(size), since, trust: None, doubted: BTreeSet::new() }
    }

    /// Those of them that `trust` believes.
    pub fn believed_by(self, trust: Option<Trust>) -> Self {
        Known { trust, ..self }
    }

    /// Why a verdict does not count, whatever it says; nothing where it does.
    pub fn doubt(&mut self, verdict: &Verdict) -> Option<Doubt> {
        self.trust.as_mut()?.doubt(verdict)
    }

    /// How many verdicts would have been taken and were not believed, and why, in one line.
    pub fn doubted(&self) -> Option<String> {
        let mut numbers: BTreeMap<Doubt, usize> = BTreeMap::new();
        self.doubted.iter().for_each(|(doubt, ..)| *numbers.entry(*doubt).or_default() += 1);
        let (were, total) = (if self.doubted.len() == 1 { "verdict is" } else { "verdicts are" }, self.doubted.len());
        let why: Vec<String> = numbers.iter().map(|(doubt, number)| format!("{number} {}", doubt.words())).collect();
        (total > 0).then(|| format!("{total} recorded {were} not believed: {} (--explain says which)", why.join(", ")))
    }

    /// The newest verdict about the candidate that counts and that a gate of `digest` gave on `inputs`. Lines that are no verdict, such as
    /// another tool's or a newer version's, are passed over.
    pub fn find(&mut self, digest: &str, inputs: ObjectId) -> Result<Option<Verdict>> {
        let since = self.since;
        let fits = |v: &&Verdict| v.digest == digest && v.verdict.is_about_candidate() && since.is_none_or(|since| given(v) >= Some(since));
        let mut found: Vec<Verdict> = self.on(inputs)?.iter().filter(fits).cloned().collect();
        found.sort_by_key(given);
        for verdict in found.into_iter().rev() {
            match self.doubt(&verdict) {
                None => return Ok(Some(verdict)),
                Some(doubt) => drop(self.doubted.insert((doubt, verdict.digest, verdict.inputs, verdict.at))),
            }
        }
        Ok(None)
    }

    /// All verdicts on `inputs`, whoever gave them and when.
    pub fn on(&mut self, inputs: ObjectId) -> Result<&[Verdict]> {
        if !self.kept.contains(&inputs) {
            let verdicts = parse(&self.notes.lines(inputs)?);
            // What is not there yet may be there soon, by another run.
            if verdicts.is_empty() {
                return Ok(&[]);
            }
            self.kept.put(inputs, verdicts);
        }
        Ok(self.kept.get(&inputs).map_or(&[], Vec::as_slice))
    }

    /// A verdict that is about to be recorded.
    pub fn add(&mut self, verdict: &Verdict) -> Result<()> {
        let Ok(inputs) = verdict.inputs.parse::<ObjectId>() else { return Ok(()) };
        if let Some(trust) = &mut self.trust {
            trust.own(verdict)?;
        }
        self.on(inputs)?;
        self.kept.get_or_insert_mut(inputs, Vec::new).push(verdict.clone());
        Ok(())
    }

    /// Every verdict that is on record.
    pub fn all(&self) -> Result<Vec<Verdict>> {
        Ok(self.notes.all()?.values().flat_map(|lines| parse(lines)).collect())
    }
}

/// When a verdict was given; one without a time is older than all others.
pub fn given(verdict: &Verdict) -> Option<Timestamp> {
    verdict.at.parse().ok()
}

fn parse(lines: &[String]) -> Vec<Verdict> {
    lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// A verdict as its line.
pub fn note_line(verdict: &Verdict) -> Result<String> {
    json::canonical_line(verdict)
}
