//! Verdicts that are known: one JSON line each in the note on the tree of the gate's inputs.

use crate::{
    model::{Result, json, verdict::Verdict},
    repo::Repo,
};
use gix::ObjectId;

/// Where verdicts are kept; `git notes --ref lex-pr/verdicts show TREE` reads them.
pub const NOTES_REF: &str = "refs/notes/lex-pr/verdicts";

/// The recorded verdicts of a repository.
pub struct Known<'r> {
    repo: &'r Repo,
}

impl<'r> Known<'r> {
    /// Those of `repo`.
    pub fn new(repo: &'r Repo) -> Self {
        Known { repo }
    }

    /// The newest verdict about the candidate that a gate of `digest` gave on `inputs`. Lines that are no verdict, such as
    /// another tool's or a newer version's, are passed over.
    pub fn find(&self, digest: &str, inputs: ObjectId) -> Result<Option<Verdict>> {
        let lines = self.repo.note_lines(NOTES_REF, [inputs])?.remove(&inputs).unwrap_or_default();
        let verdicts = lines.iter().filter_map(|line| serde_json::from_str::<Verdict>(line).ok());
        Ok(verdicts.filter(|v| v.digest == digest && v.verdict.is_about_candidate()).max_by(|a, b| a.at.cmp(&b.at)))
    }
}

/// A verdict as its line.
pub fn note_line(verdict: &Verdict) -> Result<String> {
    json::canonical_line(verdict)
}
