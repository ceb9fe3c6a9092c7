//! What is well in a set-up and what is not, each with the command that mends it.

mod gates;
mod hooks;
mod locks;
mod machine;
mod remotes;
mod storage;

use crate::{
    config::{Config, ConfigFile, Setting},
    model::{Error, Result, shell_word},
    repo::{Repo, Scratch},
};
use gix::ObjectId;
use schemars::JsonSchema;
use serde::Serialize;
use std::{os::unix::fs::PermissionsExt, path::PathBuf};

/// What `doctor --json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Examined {
    /// Whether nothing is wrong.
    pub well: bool,
    /// What was found.
    pub findings: Vec<Finding>,
    /// The values that hold; none where there is no repository or they cannot be resolved.
    pub settings: Vec<Setting>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// It is as it should be.
    Good,
    /// It may be meant, and costs something.
    Note,
    /// It is wrong.
    Bad,
    /// It was wrong, and has been mended.
    Mended,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What was looked at: `git`, `plugin`, `lock` and so on.
    pub about: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub message: String,
    /// The command, or the deed, that mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
    /// Whether `doctor --fix` does that.
    pub safe: bool,
    #[serde(skip)]
    cure: Option<Cure>,
}

/// What `--fix` may do.
#[derive(Clone, Debug)]
enum Cure {
    Git(Vec<String>),
    Remove(PathBuf),
    Sweep,
    MakeExecutable(PathBuf),
}

impl Finding {
    fn good(about: &'static str, message: impl Into<String>) -> Finding {
        Finding { about, level: Level::Good, message: message.into(), mend: None, safe: false, cure: None }
    }

    fn note(about: &'static str, message: impl Into<String>) -> Finding {
        Finding { level: Level::Note, ..Finding::good(about, message) }
    }

    fn bad(about: &'static str, message: impl Into<String>) -> Finding {
        Finding { level: Level::Bad, ..Finding::good(about, message) }
    }

    /// What an error says and how it is mended.
    pub fn of(about: &'static str, error: &Error) -> Finding {
        Finding { mend: error.hint.clone(), ..Finding::bad(about, error.to_string()) }
    }

    /// Name the command, or the deed, that mends it.
    pub fn mend(self, command: impl Into<String>) -> Finding {
        Finding { mend: Some(command.into()), ..self }
    }

    fn cure(self, cure: Cure) -> Finding {
        let command = match &cure {
            Cure::Git(args) => format!("git {}", args.iter().map(|arg| shell_word(arg)).collect::<Vec<_>>().join(" ")),
            Cure::Remove(path) => format!("rm {}", shell_word(&path.display().to_string())),
            Cure::Sweep => "git lex-pr doctor --fix".into(),
            Cure::MakeExecutable(path) => format!("chmod +x {}", shell_word(&path.display().to_string())),
        };
        Finding { mend: Some(command), safe: true, cure: Some(cure), ..self }
    }
}

/// What can be said without a repository.
pub fn machine() -> Vec<Finding> {
    machine::look()
}

/// What the repository says of itself.
pub fn repository(repo: &Repo) -> Result<Vec<Finding>> {
    let mut findings = machine::of(repo);
    findings.extend(storage::look(repo)?);
    findings.extend(locks::look(repo)?);
    findings.extend(remotes::look(repo)?);
    findings.extend(hooks::look(repo)?);
    Ok(findings)
}

/// What is to be said of the target, of its lex-pr.toml, which is `file`, and of the gates that hold.
pub fn target(repo: &Repo, target: &str, commit: ObjectId, file: &ConfigFile, config: Option<&Config>) -> Vec<Finding> {
    gates::look(repo, target, commit, file, config)
}

/// Do what is safe about what is wrong.
pub fn mend(repo: &Repo, findings: &mut [Finding]) -> Result<()> {
    for finding in findings {
        let Some(cure) = &finding.cure else { continue };
        match cure {
            Cure::Git(args) => drop(repo.git_command().args(args).run("mend it")?),
            Cure::Remove(path) => match std::fs::remove_file(path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(Error::io(format_args!("remove {}", path.display()), e)),
                _ => {}
            },
            Cure::Sweep => Scratch::sweep(),
            Cure::MakeExecutable(path) => {
                let failed = |e: std::io::Error| Error::io(format_args!("make {} executable", path.display()), e);
                let mut mode = std::fs::metadata(path).map_err(failed)?.permissions();
                mode.set_mode(mode.mode() | 0o111);
                std::fs::set_permissions(path, mode).map_err(failed)?;
            }
        }
        finding.level = Level::Mended;
    }
    Ok(())
}
