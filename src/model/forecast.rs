//! Who conflicts with whom: what `forecast` finds out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The forecast of a plan; what `forecast --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Forecast {
    /// The target branch.
    pub target: String,
    /// The target's commit, in hex.
    pub base: String,
    /// The items, in the order of the plan.
    pub items: Vec<String>,
    /// Items that cannot land on the target even alone, and why.
    pub alone: Vec<Unfit>,
    /// Pairs that cannot both land as they are, sorted.
    pub clashes: Vec<Clash>,
    /// Items that can all land together, in an order that their dependencies allow and that lands all of them.
    pub together: Vec<String>,
    /// Whether no better set exists. With very many clashes that are knotted together the search gives up at some point, and
    /// takes the best it has seen.
    pub is_largest: bool,
}

/// What makes a set of items better than another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum By {
    /// More items; of as many, those of higher priorities.
    #[default]
    Count,
    /// Items of higher priorities, however many of lower ones they keep out.
    Priority,
}

/// An item that is no candidate on the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Unfit {
    /// The item.
    pub item: String,
    /// Why, in one line for a person.
    pub reason: String,
    /// The paths that conflict with the target.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
}

/// Two items that conflict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Clash {
    /// The one that stands first in the plan's order.
    pub one: String,
    /// The other.
    pub other: String,
    /// Where they conflict.
    pub places: Vec<Place>,
}

/// A path in conflict.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// The path.
    pub path: String,
    /// The lines that clash, first and last, from 1, as the first of the two has them; none where it is no clash of texts, or
    /// only git could tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<(usize, usize)>,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.path)?;
        let lines: Vec<String> =
            self.lines.iter().map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") }).collect();
        if lines.is_empty() { Ok(()) } else { write!(f, ":{}", lines.join(",")) }
    }
}
