//! What a merge leaves in conflict.

use super::changes::File;
use gix::{ObjectId, bstr::BString};

/// A merge that is not clean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflicted {
    /// All that is merged. What it has at the paths that clash means nothing.
    pub tree: ObjectId,
    /// The paths that clash, sorted; at least one.
    pub clashes: Vec<Clash>,
}

/// A path that the merge leaves open.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clash {
    /// The path.
    pub path: BString,
    /// What the base, our side and their side have, as the stages of git's index (git-ls-files(1), "--unmerged").
    pub stages: [Option<File>; 3],
}

impl Conflicted {
    /// The paths, for people.
    pub fn paths(&self) -> Vec<String> {
        self.clashes.iter().map(|clash| clash.path.to_string()).collect()
    }
}
