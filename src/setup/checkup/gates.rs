//! The target and what it demands: whether its gates could be asked here.

use super::{Finding, machine::on_path};
use crate::{
    config::{Config, ConfigFile, FILE_NAME, GIT_KEYS, VARIABLES},
    gate::{Engines, Plugin, Shelf},
    model::{
        error::nearest,
        gate::{GateSpec, Runtime, Sandbox},
        shell_word,
    },
    repo::Repo,
};
use gix::ObjectId;

pub(super) fn look(repo: &Repo, target: &str, commit: ObjectId, file: &ConfigFile, config: Option<&Config>) -> Vec<Finding> {
    let mut findings = vec![policy(repo, target, commit, file)];
    findings.extend(unknown_names(repo));
    let (shelf, engines) = (Shelf::Commit(&repo.git, commit), Engines::default());
    // Nothing is ever said on it: whoever presses Ctrl-C here ends this process.
    let stop = tokio::sync::watch::channel(false).1;
    for gate in config.map_or(&file.gates[..], |config| &config.gates) {
        let name = &gate.name;
        if gate.plugin.is_none() {
            findings.extend(of_command(gate));
            continue;
        }
        findings.push(match Plugin::load(gate, &shelf, &engines, &stop) {
            Ok(_) => Finding::good("plugin", format!("gate {name}: {} loads, with what it asks for", gate.judge())),
            Err(error) => {
                let mut finding = Finding::of("plugin", &error);
                finding.message = format!("gate {name}: {}", finding.message);
                finding
            }
        });
    }
    findings
}

/// Whether the target has a lex-pr.toml, and the one that somebody edits is that one.
fn policy(repo: &Repo, target: &str, commit: ObjectId, file: &ConfigFile) -> Finding {
    let committed = repo.read_file(commit, FILE_NAME).ok().flatten();
    let edited = repo.git.workdir().and_then(|root| std::fs::read(root.join(FILE_NAME)).ok());
    let on_target = repo.git.head_name().ok().flatten().is_some_and(|head| head.as_bstr() == format!("refs/heads/{target}").as_str());
    let message = |words: &str| format!("{words} {target}, where policy is read from");
    let commit_it =
        if on_target { format!("git add {FILE_NAME} && git commit -m 'Set up lex-pr'") } else { format!("commit it to {target}") };
    let unread = edited.as_deref().map(|text| ConfigFile::parse(&String::from_utf8_lossy(text), FILE_NAME));
    if let Some(Err(error)) = unread.filter(|_| committed != edited) {
        let message = format!("{FILE_NAME} in the work tree cannot be read: {error}");
        let hint = error.hint.map(|hint| format!(": {hint}")).unwrap_or_default();
        return Finding::bad("policy", message).mend(format!("mend it before it is committed{hint}"));
    }
    match (committed, edited) {
        (None, Some(_)) => Finding::bad("policy", message(&format!("{FILE_NAME} is not committed to"))).mend(commit_it),
        (None, None) => {
            let init =
                if repo.git.workdir().is_some() { "git lex-pr init" } else { "git lex-pr init, in a clone, and push what it writes" };
            Finding::note("policy", message(&format!("there is no {FILE_NAME} on"))).mend(init)
        }
        (Some(committed), Some(edited)) if on_target && committed != edited => {
            Finding::note("policy", message(&format!("{FILE_NAME} in the work tree is not the one on"))).mend(commit_it)
        }
        (Some(_), _) => Finding::good(
            "policy",
            format!("{target}:{FILE_NAME}, {} gate{}", file.gates.len(), if file.gates.len() == 1 { "" } else { "s" }),
        ),
    }
}

/// Whether what a command needs is on this machine.
fn of_command(gate: &GateSpec) -> Vec<Finding> {
    let name = &gate.name;
    if gate.runtime == Runtime::Container {
        let here = ["podman", "docker"].iter().any(|engine| on_path(engine).is_some());
        let message = format!("gate {name} runs in a container, and neither podman nor docker is here");
        return if here { Vec::new() } else { vec![Finding::bad("gate", message).mend("install podman or docker")] };
    }
    if gate.sandbox == Sandbox::Bwrap && on_path("bwrap").is_none() {
        return vec![Finding::bad("gate", format!("gate {name} runs in a sandbox, and bwrap is not here")).mend("install bubblewrap")];
    }
    let word = gate.command_line().split_whitespace().next().unwrap_or_default();
    // Anything but a plain word is the shell's business.
    let is_plain = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "-_.+".contains(c));
    if is_plain && !BUILT_INTO_SHELLS.contains(&word) && on_path(word).is_none() {
        let message = format!("gate {name}: there is no `{word}` on PATH here, so that it cannot answer");
        return vec![Finding::bad("gate", message).mend(format!("install {}, or change `run` of the gate", shell_word(word)))];
    }
    Vec::new()
}

/// Words that sh knows itself (POSIX.1-2017, XCU 2.4, 2.14 and 1.6).
const BUILT_INTO_SHELLS: [&str; 30] = [
    ".", ":", "break", "case", "cd", "command", "continue", "do", "echo", "eval", "exec", "exit", "export", "false", "for", "getopts",
    "if", "printf", "read", "return", "set", "shift", "test", "trap", "true", "ulimit", "umask", "until", "wait", "while",
];

/// The known name that `name` is but for a slip of a finger or two: more may be another tool's.
fn mistyped(name: &str, known: &[&'static str]) -> Option<&'static str> {
    let near = nearest(name, known.iter().copied())?;
    (strsim::damerau_levenshtein(&name.to_lowercase(), &near.to_lowercase()) <= 2).then_some(near)
}

/// Names in git's configuration and in the environment that look like ones that are read, and are not.
fn unknown_names(repo: &Repo) -> Vec<Finding> {
    let said = repo.git_command().args(["config", "--name-only", "--get-regexp", r"^lexpr\."]).output(None);
    let said = said.map(|said| String::from_utf8_lossy(&said.stdout).into_owned()).unwrap_or_default();
    let is_known = |name: &str| GIT_KEYS.iter().any(|key| key.eq_ignore_ascii_case(name));
    let of_git = said.lines().filter(|name| !is_known(name)).filter_map(|name| {
        let near = mistyped(name, &GIT_KEYS)?;
        let message = format!("git config has {name}, which nothing reads; did you mean `{near}`?");
        Some(Finding::bad("config", message).mend(format!("git config --unset {}", shell_word(name))))
    });
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).filter(|name| name.starts_with("LEX_PR_"));
    let of_environment = names.filter(|name| !VARIABLES.contains(&name.as_str())).filter_map(|name| {
        let near = mistyped(&name, &VARIABLES)?;
        let message = format!("the variable {name} is set, which nothing reads; did you mean `{near}`?");
        Some(Finding::bad("config", message).mend(format!("unset {name}")))
    });
    of_git.chain(of_environment).collect()
}
