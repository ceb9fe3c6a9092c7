//! What people say of an item: a JSON line in the note on its head commit, in `refs/notes/lex-pr/items`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where notes on items are kept; `git notes --ref lex-pr/items show COMMIT` reads them.
pub const ITEMS_REF: &str = "refs/notes/lex-pr/items";

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum ItemNote {
    /// A gate does not keep this commit from landing, whatever it says.
    Override(Override),
}

/// Somebody's word in place of a gate's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Override {
    /// The gate.
    pub gate: String,
    /// The branch that the commit may land on in spite of it.
    pub target: String,
    /// Who says so: `Name <mail>`.
    pub by: String,
    /// Why; may be empty where the policy does not ask for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// When, in UTC, RFC 3339.
    pub at: String,
}

impl std::fmt::Display for Override {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} overridden by {}", self.gate, self.by)?;
        if self.reason.is_empty() { Ok(()) } else { write!(f, ": {}", self.reason) }
    }
}
