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
    /// Items that can all land together, in an order that their dependencies allow. As many as a greedy choice finds, the
    /// item with the fewest clashes first, those of a higher priority before; more may be possible.
    pub together: Vec<String>,
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
    /// The paths that conflict.
    pub paths: Vec<String>,
}
