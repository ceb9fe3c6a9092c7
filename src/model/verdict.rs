//! A gate's answer, as it is kept in notes and shown in reports.

use super::error::Class;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a gate answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The candidate is good.
    Pass,
    /// The candidate is bad.
    Fail,
    /// Good, with something to look at.
    Warn,
    /// The gate does not apply here, or is answered elsewhere.
    Skip,
    /// The gate itself could not answer: it timed out, was killed, or could not start.
    Error,
}

impl Answer {
    /// Whether a required gate with this answer lets its item land.
    pub fn is_good(self) -> bool {
        matches!(self, Answer::Pass | Answer::Warn)
    }

    /// Whether the answer speaks of the candidate, and so may be reused for the same inputs.
    pub fn is_about_candidate(self) -> bool {
        matches!(self, Answer::Pass | Answer::Warn | Answer::Fail)
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Answer::Pass => "pass",
            Answer::Fail => "fail",
            Answer::Warn => "warn",
            Answer::Skip => "skip",
            Answer::Error => "error",
        })
    }
}

/// One verdict: one JSON line in `refs/notes/lex-pr/verdicts`, on the tree of the gate's inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// The gate's name.
    pub gate: String,
    /// SHA-256 of what the gate does; a verdict of another digest is another gate's.
    pub digest: String,
    /// The tree of the gate's inputs, in hex; the object that the note is on.
    pub inputs: String,
    /// The answer.
    pub verdict: Answer,
    /// Of an error: whether the gate may answer when it is asked again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// One line for a person.
    pub summary: String,
    /// Places in files that the gate points at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<Annotation>,
    /// What a plugin found, for reports and later gates.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub facts: serde_json::Map<String, serde_json::Value>,
    /// How often it was tried; more than 1 with a pass means that it flakes.
    pub attempts: u32,
    /// Wall time of all tries, in milliseconds.
    pub duration_ms: u64,
    /// The item whose candidate was judged.
    pub item: String,
    /// The candidate commit, in hex.
    pub candidate: String,
    /// Who ran it: `Name <mail>`.
    pub by: String,
    /// When, in UTC, RFC 3339.
    pub at: String,
    /// Who stands up for it, where the policy asks for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

/// A signature over verdicts that were written down together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Signature {
    /// What made it.
    pub format: SignatureFormat,
    /// The way from this verdict to the root of the hash tree that is signed: `<` or `>` for the side of a neighbour, and its SHA-256.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
    /// What was made, armoured.
    pub value: String,
}

/// The kinds of signatures that git makes and that verdicts can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignatureFormat {
    /// By ssh-keygen.
    Ssh,
    /// By GnuPG.
    Openpgp,
}

/// A place in a file that a gate points at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Annotation {
    /// The path in the candidate's tree.
    pub path: String,
    /// The line, from 1; absent for the file as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// How bad it is.
    #[serde(default)]
    pub severity: Severity,
    /// What is there.
    pub message: String,
    /// What the line should be instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replacement: Option<String>,
}

/// How bad what an [`Annotation`] points at is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It must be mended.
    #[default]
    Error,
    /// It should be looked at.
    Warning,
    /// It is good to know.
    Notice,
}

impl Verdict {
    /// The answer, and of an error what may come of asking again, as far as that is known: `error (transient)`.
    pub fn words(&self) -> String {
        match self.class.filter(|class| *class != Class::Unknown) {
            Some(class) => format!("{} ({})", self.verdict, class.word()),
            None => self.verdict.to_string(),
        }
    }

    /// Whether the gate let its item land, and at the first try.
    pub fn is_firm(&self) -> bool {
        self.verdict.is_good() && self.attempts <= 1
    }

    /// Whether the gate passed only at a later try.
    pub fn is_flaky(&self) -> bool {
        self.verdict.is_good() && self.attempts > 1
    }
}

impl Annotation {
    /// An error in a line.
    pub fn error(path: impl Into<String>, line: usize, message: impl Into<String>) -> Self {
        Annotation { path: path.into(), line: Some(line), severity: Severity::Error, message: message.into(), replacement: None }
    }

    /// The path, and the line where there is one: `src/a.rs:12`.
    pub fn place(&self) -> String {
        match self.line {
            Some(line) => format!("{}:{line}", self.path),
            None => self.path.clone(),
        }
    }
}
