//! What a hook of git is asked, and what it answers.

use super::{Error, shell_word};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The hooks of git that are answered, by their names in githooks(5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Hook {
    /// Before a push: what goes to the target or to a planned branch must hold policy.
    PrePush,
    /// Before a commit: no conflict markers, and what gates in the process say of the staged files.
    PreCommit,
    /// With the message of a commit: what gates in the process say of it.
    CommitMsg,
    /// After a merge or pull: what it changed for plans.
    PostMerge,
    /// On a server, once for each push: the same as pre-push, for all that is pushed.
    PreReceive,
    /// On a server, once for each ref that is pushed.
    Update,
}

impl Hook {
    /// All there are.
    pub const ALL: [Hook; 6] = [Hook::PrePush, Hook::PreCommit, Hook::CommitMsg, Hook::PostMerge, Hook::PreReceive, Hook::Update];

    /// Its name, which is that of its file.
    pub fn name(self) -> &'static str {
        match self {
            Hook::PrePush => "pre-push",
            Hook::PreCommit => "pre-commit",
            Hook::CommitMsg => "commit-msg",
            Hook::PostMerge => "post-merge",
            Hook::PreReceive => "pre-receive",
            Hook::Update => "update",
        }
    }

    /// Whether it is run by a server that is pushed to.
    pub fn is_of_server(self) -> bool {
        matches!(self, Hook::PreReceive | Hook::Update)
    }

    /// Whether git tells it something on standard input.
    pub fn is_fed(self) -> bool {
        matches!(self, Hook::PrePush | Hook::PreReceive)
    }
}

/// Let it pass, or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Ruling {
    /// It is said, and let pass.
    #[default]
    Allow,
    /// It is refused.
    Deny,
}

impl std::str::FromStr for Ruling {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        clap::ValueEnum::from_str(text, false).map_err(|_| format!("`{text}` is neither `allow` nor `deny`"))
    }
}

/// What `hook run --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hooked {
    /// The hook.
    pub hook: Hook,
    /// Whether git may go on.
    pub allowed: bool,
    /// What keeps it from that, and what a person should know.
    pub findings: Vec<Finding>,
}

/// Something that a hook has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The branch that is pushed to, or the commit's; absent where it is about no branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Whether it keeps git from going on.
    pub refused: bool,
    /// What is missing, wrong or good to know, in one line.
    pub message: String,
    /// The command that supplies or mends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

impl Finding {
    /// Something to know.
    pub fn note(branch: &str, message: impl Into<String>) -> Finding {
        Finding { branch: Some(branch.into()), refused: false, message: message.into(), mend: None }
    }

    /// Something that keeps git from going on, or is only said, as `ruling` has it.
    pub fn ruled(ruling: Ruling, branch: &str, message: impl Into<String>) -> Finding {
        Finding { refused: ruling == Ruling::Deny, ..Finding::note(branch, message) }
    }

    /// Add the command that supplies or mends it.
    pub fn mend(mut self, command: impl Into<String>) -> Finding {
        self.mend = Some(command.into());
        self
    }

    /// That the hook itself failed, which is let pass or not as `ruling` has it.
    pub fn of_failure(ruling: Ruling, error: &Error) -> Finding {
        let (refused, does) = match ruling {
            Ruling::Allow => (false, "it goes on, as on-error = \"allow\" has it"),
            Ruling::Deny => (true, "it is refused, as on-error = \"deny\" has it"),
        };
        Finding { branch: None, refused, message: format!("the hook could not look, and {does}: {error}"), mend: error.hint.clone() }
    }
}

impl Hooked {
    /// The answer that `findings` come to.
    pub fn new(hook: Hook, findings: Vec<Finding>) -> Hooked {
        Hooked { hook, allowed: !findings.iter().any(|finding| finding.refused), findings }
    }
}

/// The range of commits between two, as a command takes it.
pub fn range(from: &str, to: &str) -> String {
    shell_word(&format!("{from}..{to}"))
}
