//! The plan: what should land, on what, in which order.

use super::{gate::GateSpec, policy::Policy};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// The schema version that this program writes.
pub const SCHEMA_VERSION: &str = "2.1.0";

/// The items, the target and the policy: one document, the same bytes for the same content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// The version of this schema, `2.x.y`.
    #[schemars(regex(pattern = r"^2\.\d+\.\d+$"))]
    pub schema_version: String,
    /// The branch that everything lands on, without `refs/heads/`.
    pub target: String,
    /// What must hold for an item to land, besides the target's own `lex-pr.toml`.
    #[serde(default)]
    pub policy: Policy,
    /// Who lets nothing of it land for now, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Pause>,
    /// The items, sorted by name.
    #[serde(default)]
    pub items: Vec<Item>,
}

/// Why nothing of a plan lands for now. When that began, the history of the plan tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pause {
    /// Who paused it: `Name <mail>`.
    pub by: String,
    /// Why; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl std::fmt::Display for Pause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.by)?;
        if self.reason.is_empty() { Ok(()) } else { write!(f, ": {}", self.reason) }
    }
}

impl Plan {
    /// A plan with no items yet.
    pub fn new(target: impl Into<String>) -> Self {
        Plan { schema_version: SCHEMA_VERSION.into(), target: target.into(), policy: Policy::default(), paused: None, items: Vec::new() }
    }

    /// Sort items and dependencies and merge duplicate dependencies, so that equal plans are equal bytes.
    pub fn normalize(&mut self) {
        self.items.sort_by(|a, b| a.name.cmp(&b.name));
        for item in &mut self.items {
            item.deps.sort_by(|a, b| a.name.cmp(&b.name));
            item.deps.dedup_by(|later, first| {
                let same = later.name == first.name;
                if same {
                    first.sources.append(&mut later.sources);
                }
                same
            });
            for dep in &mut item.deps {
                dep.sources.sort();
                dep.sources.dedup();
            }
        }
    }

    /// The item called `name`.
    pub fn item(&self, name: &str) -> Option<&Item> {
        self.items.iter().find(|i| i.name == name)
    }
}

/// One branch or PR in a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Item {
    /// The name that dependencies and reports use; unique in the plan.
    pub name: String,
    /// The branch it comes from: `feat/a`, `origin/feat/a`.
    pub branch: String,
    /// The commit that lands, in hex. Where absent, the branch's commit at the time of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// The items that must land before this one.
    #[serde(default)]
    pub deps: Vec<Dep>,
    /// Gates of this item, besides those of the target's `lex-pr.toml`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<GateSpec>,
    /// How its commits reach the target.
    #[serde(default)]
    pub strategy: Strategy,
    /// Within its level, items with a higher priority land first.
    #[serde(default)]
    pub priority: i64,
}

impl Item {
    /// An item for `branch`, named like it.
    pub fn new(branch: impl Into<String>) -> Self {
        let branch = branch.into();
        Item { name: branch.clone(), branch, head: None, deps: Vec::new(), gates: Vec::new(), strategy: Strategy::default(), priority: 0 }
    }
}

/// How an item's commits reach the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// One merge commit of target and head.
    #[default]
    #[serde(alias = "merge-weave")]
    Merge,
    /// One ordinary commit with all changes.
    #[serde(alias = "squash-weave")]
    Squash,
    /// Each commit again, on top of the target.
    #[serde(alias = "rebase-weave")]
    Rebase,
}

impl Strategy {
    /// The word that plans and people use.
    pub fn word(self) -> &'static str {
        match self {
            Strategy::Merge => "merge",
            Strategy::Squash => "squash",
            Strategy::Rebase => "rebase",
        }
    }
}

/// A dependency and where it was found. A plain string is read as a dependency that the plan file names.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dep {
    /// The name of the item that must land first.
    pub name: String,
    /// Where it was found, sorted.
    pub sources: Vec<DepSource>,
}

impl Dep {
    /// A dependency on `name` found in `source`.
    pub fn new(name: impl Into<String>, source: DepSource) -> Self {
        Dep { name: name.into(), sources: vec![source] }
    }
}

impl<'de> Deserialize<'de> for Dep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        struct Full {
            name: String,
            #[serde(default)]
            sources: Vec<DepSource>,
        }
        struct Either;
        impl<'de> serde::de::Visitor<'de> for Either {
            type Value = Dep;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the name of an item")
            }

            fn visit_str<E>(self, name: &str) -> Result<Dep, E> {
                Ok(Dep::new(name, DepSource::Plan))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Dep, A::Error> {
                let full = Full::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                let sources = if full.sources.is_empty() { vec![DepSource::Plan] } else { full.sources };
                Ok(Dep { name: full.name, sources })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Where a dependency was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DepSource {
    /// A plan file or an edit of the plan.
    Plan,
    /// The head contains the other item's head.
    Stack,
    /// A `Depends-On:` trailer of a commit.
    Trailer,
}

impl std::fmt::Display for DepSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            DepSource::Plan => "plan",
            DepSource::Stack => "stack",
            DepSource::Trailer => "trailer",
        })
    }
}
