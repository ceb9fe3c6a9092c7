//! The one error of this program: what was wrong, where, and what mends it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, io::ErrorKind};

/// A result whose error a person can act on.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Which part of the world an error blames; it decides the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// What the user gave: arguments, files, configuration, the state of the repository. Exit status 2.
    Input,
    /// What the program depends on: git, disk, network. Exit status 3.
    Environment,
    /// Nothing: the answer is an honest no. Exit status 1.
    Nobody,
    /// The user pressed Ctrl-C. Exit status 130.
    Interrupt,
}

impl Blame {
    /// The process exit status that this kind of error ends with.
    pub fn exit_status(self) -> u8 {
        match self {
            Blame::Input => 2,
            Blame::Environment => 3,
            Blame::Nobody => 1,
            Blame::Interrupt => 130,
        }
    }
}

/// Whether the same again may come to another end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// It may pass by itself: a network that is down, a process that was killed, a lock that others hold.
    Transient,
    /// It stays until somebody mends something.
    Permanent,
    /// Nobody can tell.
    #[default]
    Unknown,
}

impl Class {
    /// The word that reports use.
    pub fn word(self) -> &'static str {
        match self {
            Class::Transient => "transient",
            Class::Permanent => "permanent",
            Class::Unknown => "unknown",
        }
    }

    /// That of what the system says.
    pub fn of_io(error: &std::io::Error) -> Class {
        use ErrorKind::{
            ConnectionAborted, ConnectionRefused, ConnectionReset, Deadlock, ExecutableFileBusy, HostUnreachable, Interrupted,
            InvalidInput, IsADirectory, NetworkDown, NetworkUnreachable, NotADirectory, NotFound, OutOfMemory, PermissionDenied,
            ReadOnlyFilesystem, ResourceBusy, TimedOut, Unsupported, WouldBlock,
        };
        /// Too many open files, of the process and of the machine, for which std has no kind.
        const MANY_FILES: [i32; 2] = [24, 23];
        match error.kind() {
            ConnectionAborted | ConnectionRefused | ConnectionReset | Deadlock | ExecutableFileBusy | HostUnreachable | Interrupted
            | NetworkDown | NetworkUnreachable | OutOfMemory | ResourceBusy | TimedOut | WouldBlock => Class::Transient,
            InvalidInput | IsADirectory | NotADirectory | NotFound | PermissionDenied | ReadOnlyFilesystem | Unsupported => {
                Class::Permanent
            }
            _ if error.raw_os_error().is_some_and(|code| MANY_FILES.contains(&code)) => Class::Transient,
            _ => Class::Unknown,
        }
    }
}

/// Where in a document or repository an error lies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Location {
    /// A file, ref or flag: `lex-pr.toml`, `refs/heads/main`, `--target`.
    pub source: String,
    /// Line in `source`, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Column in `line`, in characters, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// Path to the value inside the document: `items[3].deps[0]`, `policy.required`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

impl Location {
    /// A place that is named by its source alone.
    pub fn new(source: impl Into<String>) -> Self {
        Location { source: source.into(), ..Default::default() }
    }

    /// The same source, at byte `offset` of `text`.
    pub fn at_offset(mut self, text: &str, offset: usize) -> Self {
        let before = &text.as_bytes()[..offset.min(text.len())];
        let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
        self.line = Some(before.iter().filter(|b| **b == b'\n').count() + 1);
        self.column = Some(String::from_utf8_lossy(&before[line_start..]).chars().count() + 1);
        self
    }

    /// The same source, at `path` inside the document.
    pub fn at_path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into()).filter(|p: &String| !p.is_empty() && p != ".");
        self
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(column) = self.column {
            write!(f, ":{column}")?;
        }
        if let Some(path) = &self.path {
            write!(f, ": {path}")?;
        }
        Ok(())
    }
}

/// What went wrong, for a person and, with `--json`, for a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Who is to blame, and so the exit status.
    pub blame: Blame,
    /// Whether it may pass by itself.
    pub class: Class,
    /// A stable, kebab-case name for this kind of error.
    pub code: &'static str,
    /// One line: what was wrong.
    pub message: String,
    /// Where it was wrong. Boxed so that `Result`s stay small.
    pub at: Option<Box<Location>>,
    /// One line: what mends it, ideally a command.
    pub hint: Option<String>,
    /// One more such line.
    pub also: Option<String>,
}

impl Error {
    /// An error in what the user gave.
    pub fn input(code: &'static str, message: impl Into<String>) -> Self {
        Error { blame: Blame::Input, class: Class::Permanent, code, message: message.into(), at: None, hint: None, also: None }
    }

    /// A failure of git, the disk or another part of the machine.
    pub fn environment(code: &'static str, message: impl Into<String>) -> Self {
        Error { blame: Blame::Environment, class: Class::Unknown, code, message: message.into(), at: None, hint: None, also: None }
    }

    /// Nothing is wrong, and still it cannot be done now.
    pub fn no(code: &'static str, message: impl Into<String>) -> Self {
        Error { blame: Blame::Nobody, class: Class::Permanent, code, message: message.into(), at: None, hint: None, also: None }
    }

    /// The user asked to stop. Nothing is told where there is no message.
    pub fn interrupted(message: impl Into<String>) -> Self {
        Error {
            blame: Blame::Interrupt,
            class: Class::Transient,
            code: "interrupted",
            message: message.into(),
            at: None,
            hint: None,
            also: None,
        }
    }

    /// Git's objects or refs could not be read or written while `doing`.
    pub fn git(doing: impl fmt::Display, cause: impl fmt::Display) -> Self {
        Error::environment("git", format!("could not {doing}: {}", one_line(&cause.to_string())))
            .hint("check the repository with `git fsck`")
    }

    /// A file or process could not be used while `doing`.
    pub fn io(doing: impl fmt::Display, cause: std::io::Error) -> Self {
        let class = Class::of_io(&cause);
        Error::environment("io", format!("could not {doing}: {}", one_line(&cause.to_string()))).class(class)
    }

    /// Say whether it may pass by itself.
    pub fn class(mut self, class: Class) -> Self {
        self.class = class;
        self
    }

    /// Others were faster each time.
    pub fn contended(message: impl Into<String>) -> Self {
        Error::environment("contended", message).class(Class::Transient).hint("try again")
    }

    /// Add the line that says what mends it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Add one more such line.
    pub fn also(mut self, hint: impl Into<String>) -> Self {
        self.also = Some(hint.into());
        self
    }

    /// What mends it, each in one line.
    pub fn hints(&self) -> impl Iterator<Item = &String> {
        self.hint.iter().chain(&self.also)
    }

    /// Add the place.
    pub fn at(mut self, at: Location) -> Self {
        self.at = Some(Box::new(at));
        self
    }

    /// The document that `--json` prints instead of a result.
    pub fn to_document(&self) -> ErrorDocument {
        let Error { class, message, .. } = self.clone();
        let hints: Vec<&str> = self.hints().map(String::as_str).collect();
        let hint = (!hints.is_empty()).then(|| hints.join("\n"));
        ErrorDocument { error: ErrorBody { code: self.code.into(), class, message, at: self.at.as_deref().cloned(), hint } }
    }
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join("; ")
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            Some(at) => write!(f, "{} ({at})", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Error {}

/// What `--json` prints when a command could not do its work.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ErrorDocument {
    /// The error.
    pub error: ErrorBody,
}

/// The error inside an [`ErrorDocument`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorBody {
    /// A stable, kebab-case name for this kind of error.
    pub code: String,
    /// Whether it may pass by itself.
    #[serde(default)]
    pub class: Class,
    /// What was wrong.
    pub message: String,
    /// Where it was wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Location>,
    /// What mends it, in a line or two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// The candidate nearest to `name`, if one is near enough to be what was meant: a third of the longer name may differ, and
/// less than half, so that no short name is taken for another one.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .filter(|c| *c != name)
        .map(|c| (strsim::damerau_levenshtein(&name.to_lowercase(), &c.to_lowercase()), c))
        .filter(|(distance, c)| {
            let longer = name.chars().count().max(c.chars().count());
            *distance <= (longer / 3).max(1) && 2 * distance < longer
        })
        .min()
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn only_what_could_have_been_meant_is_near() {
        assert_eq!(nearest("featrue", ["fix", "feature"]), Some("feature"));
        assert_eq!(nearest("tset", ["test"]), Some("test"));
        assert_eq!(nearest("Main", ["main"]), Some("main"));
        assert_eq!(nearest("a", ["b"]), None);
        assert_eq!(nearest("ab", ["ac", "a"]), None);
        assert_eq!(nearest("test", ["test"]), None, "the name itself is no other name");
    }
}
