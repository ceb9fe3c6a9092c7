//! One execution of a plan: what its journal keeps and what its report shows.

use super::{
    error::ErrorBody,
    note::Override,
    plan::{DepSource, Strategy},
    verdict::{Answer, Verdict},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of the run document that this program writes.
pub const SCHEMA_VERSION: &str = "1.3.0";

/// The state of a run: `run.json` in each commit of `refs/lex-pr/runs/ID`, and what `report --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// The version of this schema.
    pub schema_version: String,
    /// The run's name; absent for a dry run, which leaves no journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The plan's name.
    pub plan: String,
    /// The commit of the plan's revision, in hex; absent where the plan came from a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// What the run was for.
    pub purpose: Purpose,
    /// Where it stands.
    pub state: RunState,
    /// The target branch.
    pub target: String,
    /// The target's commit that the run began on, in hex.
    pub base: String,
    /// The newest candidate that holds, in hex; `base` where nothing was merged.
    pub tip: String,
    /// Who ran it: `Name <mail>`.
    pub by: String,
    /// The process that is at work on it, or was; absent for a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// Only these gates were asked; all where empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<String>,
    /// When it began, in UTC, RFC 3339.
    pub started: String,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// The matrix: every item in the order of the run.
    pub items: Vec<ItemReport>,
    /// What has ended the run before its end, where it was not the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
    /// What a person should know besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A process, told apart from every other one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// The name of its machine.
    pub host: String,
    /// Its process id.
    pub pid: u32,
    /// When it began, to be compared and not read: a process id is given again, but not with the same beginning.
    pub started: String,
    /// The boot of the machine that it belongs to; empty where the system does not tell.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub boot: String,
    /// The namespace that its process id counts in, such as a container's; empty where the system has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub space: String,
    /// The inode of the git folder that it works in: another clone on the same machine does not see how it ends.
    #[serde(default)]
    pub folder: u64,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} on {}", self.pid, self.host)
    }
}

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// `merge`: show what would happen.
    Preview,
    /// `gate run`, `execute`: prove candidates, land nothing.
    Prove,
    /// `merge --execute`: prove and land.
    Land,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// At work, or killed while it was.
    Running,
    /// Ended without moving the target, as it was meant to or because nothing could land.
    Done,
    /// The target moved to `tip`.
    Landed,
    /// The target had moved meanwhile, so that nothing landed.
    Overtaken,
    /// Stopped by the user or by an error before its end.
    Interrupted,
    /// Killed, and its journal closed by another process.
    Aborted,
    /// It had landed, and `undo` has moved the target back to `base`.
    Undone,
}

impl RunState {
    /// The word that the journal uses.
    pub fn word(self) -> &'static str {
        match self {
            RunState::Running => "running",
            RunState::Done => "done",
            RunState::Landed => "landed",
            RunState::Overtaken => "overtaken",
            RunState::Interrupted => "interrupted",
            RunState::Aborted => "aborted",
            RunState::Undone => "undone",
        }
    }
}

/// One row of the matrix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemReport {
    /// The item's name.
    pub name: String,
    /// Its branch.
    pub branch: String,
    /// The commit that was woven, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// Its level in the merge pyramid, from 0.
    pub level: usize,
    /// How its commits reach the target.
    pub strategy: Strategy,
    /// The items it depends on, with where that was found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deps: Vec<(String, Vec<DepSource>)>,
    /// What became of it.
    pub status: Status,
    /// Why, in one line for a person.
    pub detail: String,
    /// How the candidate was computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weave: Option<Rung>,
    /// How each path was settled that git leaves in conflict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<Step>,
    /// The candidate commit, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<String>,
    /// The candidate's tree, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<String>,
    /// The paths that conflict, and with what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
    /// Of a conflict: the shortest way out of it, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way_out: Option<String>,
    /// The gates' verdicts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<GateReport>,
    /// Things to know that did not decide: a branch that moved since it was planned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Not reached.
    Pending,
    /// In the tip: of a landing it has landed, of a preview it would; [`Run::words`] tells which.
    Merged,
    /// The target holds it already.
    UpToDate,
    /// Its merge conflicts.
    SkippedConflict,
    /// A required gate did not pass.
    SkippedGates,
    /// It shares no history with the target.
    SkippedHistory,
    /// Its branch or commit is not in this repository, or cannot be read.
    SkippedMissing,
    /// An item that it depends on did not merge.
    Blocked,
}

impl Status {
    /// All there are.
    pub const ALL: [Status; 8] = [
        Status::Pending,
        Status::Merged,
        Status::UpToDate,
        Status::SkippedConflict,
        Status::SkippedGates,
        Status::SkippedHistory,
        Status::SkippedMissing,
        Status::Blocked,
    ];

    /// Whether items that depend on this one may go on.
    pub fn is_in(self) -> bool {
        matches!(self, Status::Merged | Status::UpToDate)
    }

    /// The words for an item of a run that is at work: what is in has not landed yet.
    pub fn words_so_far(self) -> &'static str {
        if self == Status::Merged { "holds" } else { self.words() }
    }

    /// The words that the matrix shows.
    pub fn words(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::Merged => "merged",
            Status::UpToDate => "up to date",
            Status::SkippedConflict => "skipped: conflict",
            Status::SkippedGates => "skipped: gates",
            Status::SkippedHistory => "skipped: history",
            Status::SkippedMissing => "skipped: missing",
            Status::Blocked => "blocked",
        }
    }
}

/// How a candidate was computed: the highest rung of the ladder that it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rung {
    /// Git's own merge is clean.
    Trivial,
    /// A conflict was settled as it was resolved before.
    Recorded,
    /// A conflict was settled by a rule.
    Mechanical,
    /// A conflict was settled by a small patch of the configured resolver.
    Semantic,
}

impl Rung {
    /// The highest that was taken; git's own merge where nothing had to be settled.
    pub fn highest(steps: &[Step]) -> Rung {
        steps.iter().map(|step| step.rung).max().unwrap_or(Rung::Trivial)
    }

    /// The word that reports use.
    pub fn word(self) -> &'static str {
        match self {
            Rung::Trivial => "clean",
            Rung::Recorded => "recorded",
            Rung::Mechanical => "mechanical",
            Rung::Semantic => "semantic",
        }
    }
}

/// How a path that git leaves in conflict was settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The path.
    pub path: String,
    /// The rung that settled it.
    pub rung: Rung,
    /// The rule, of a mechanical one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What was done, in one line for a person.
    pub why: String,
    /// The keys of the recorded resolutions that were used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resolutions: Vec<String>,
}

/// One path that conflicts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conflict {
    /// The path.
    pub path: String,
    /// The items of this run that changed it before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<String>,
    /// Where no item did: the newest commit of the target that changed it, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The lines that clash, first and last, from 1, as the file was on the tip; none where it is no clash of texts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<(usize, usize)>,
}

impl Conflict {
    /// The path, and the first line that clashes where that is known: `src/a.rs:12`.
    pub fn place(&self) -> String {
        match self.lines.first() {
            Some((line, _)) => format!("{}:{line}", self.path),
            None => self.path.clone(),
        }
    }
}

/// One gate of one item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GateReport {
    /// The gate's name.
    pub gate: String,
    /// Whether its item needs a pass of it.
    pub required: bool,
    /// Its verdict; absent where it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Whether the verdict was there before this item was judged: recorded by an earlier run, or by this one.
    #[serde(default)]
    pub reused: bool,
    /// Why it was asked, or not: with `--explain` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Who has given their word in place of a red answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Override>,
    /// Whose doing a red or late answer is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blame: Option<Blame>,
}

/// Whose doing it is that a gate is red, or was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Blame {
    /// The item's: the gate is green on what the item stands on.
    BrokeIt,
    /// Not the item's: the gate is red on what the item stands on, too.
    BaseBroken,
    /// The gate's: it was red and then green on the very same files.
    Flaky,
}

impl GateReport {
    /// A gate that says `verdict`, or has not been asked.
    pub fn new(gate: String, required: bool, verdict: Option<Verdict>) -> Self {
        GateReport { gate, required, verdict, reused: false, why: None, overridden: None, blame: None }
    }

    /// Whether it keeps its item out: a required gate with an answer that is not good.
    pub fn is_red(&self) -> bool {
        self.required && self.overridden.is_none() && self.answer().is_some_and(|answer| !answer.is_good())
    }

    /// The answer, if there is one.
    pub fn answer(&self) -> Option<Answer> {
        self.verdict.as_ref().map(|v| v.verdict)
    }
}

impl Run {
    /// The name of its plan, where the plan is kept in the repository.
    pub fn kept_plan(&self) -> Option<&str> {
        self.revision.as_ref().map(|_| self.plan.as_str())
    }

    /// How many items have `status`.
    pub fn count(&self, status: Status) -> usize {
        self.items.iter().filter(|i| i.status == status).count()
    }

    /// Whether the target was to move to the tip and has not, or came back: overtaken, interrupted, killed, undone or still at work.
    pub fn is_unlanded(&self) -> bool {
        self.purpose == Purpose::Land && !matches!(self.state, RunState::Landed | RunState::Done)
    }

    /// Whether an item is in the tip and the tip came to something.
    pub fn holds(&self, item: &ItemReport) -> bool {
        item.status == Status::Merged && !self.is_unlanded()
    }

    /// Whether every item is in, so that the answer is a yes.
    pub fn all_in(&self) -> bool {
        let ended = matches!(self.state, RunState::Landed | RunState::Done);
        ended && self.items.iter().all(|i| i.status.is_in())
    }

    /// The words that the matrix shows for an item: what being in the tip means depends on the purpose and end of the run.
    pub fn words(&self, item: &ItemReport) -> &'static str {
        match (self.purpose, item.status) {
            (Purpose::Preview, Status::Merged) => "would merge",
            (Purpose::Prove, Status::Merged) => "holds",
            (Purpose::Land, Status::Merged) if self.state == RunState::Undone => "undone",
            (Purpose::Land, Status::Merged) if self.is_unlanded() => "not landed",
            (_, status) => status.words(),
        }
    }
}

/// A history, woven again; what `replay --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Replay {
    /// The merges of its first-parent line, oldest first.
    pub merges: Vec<ReplayedMerge>,
    /// Of a chain: the paths in which its end differs from the history's; none where it is the same tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub differs: Option<Vec<String>>,
}

/// One merge of a history, woven again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplayedMerge {
    /// The recorded merge, in hex.
    pub commit: String,
    /// The first line of its message.
    pub title: String,
    /// How it was woven; absent where it was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weave: Option<Rung>,
    /// The paths that conflict, where it was skipped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<String>,
    /// Whether git gives the same tree, or a conflict too; absent where git was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as_git: Option<bool>,
    /// Whether the tree is the recorded merge's; absent where it was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as_recorded: Option<bool>,
    /// The time of the weave, in microseconds.
    pub micros: u64,
}
