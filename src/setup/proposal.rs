//! The lex-pr.toml that is proposed for a repository, with the reasons as comments.

use super::{
    Profile,
    ci::Ci,
    files::Files,
    projects::{projects, task_runner},
};
use crate::{
    config::{ConfigFile, FILE_NAME},
    model::{Result, gate::GateSpec},
    repo::Repo,
};
use gix::ObjectId;
use std::collections::BTreeSet;
use toml::Value;

/// What a proposed gate may take at most: long enough for most, short enough that one which hangs is noticed.
const TIMEOUT: &str = "30m";

/// Where CODEOWNERS may stand.
const CODEOWNERS: [(&str, &str); 3] = [(".github", "CODEOWNERS"), ("", "CODEOWNERS"), ("docs", "CODEOWNERS")];

/// Files that a tool makes from others, by the tool.
const LOCKFILES: [(&str, &str); 2] =
    [("Cargo.lock", "cargo update --workspace --offline"), ("package-lock.json", "npm install --package-lock-only --ignore-scripts")];

/// A gate that is proposed.
pub struct Proposed {
    /// The gate.
    pub gate: GateSpec,
    /// Why.
    pub why: String,
}

/// What only a person knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lacking {
    /// How the tests are run.
    Test,
}

/// What was found, and what follows from it.
pub struct Proposal {
    /// The branch that everything lands on.
    pub target: String,
    /// Why that one.
    pub target_why: String,
    /// The languages, each with the file that tells.
    pub languages: Vec<String>,
    /// Files of CI services.
    pub ci: Vec<String>,
    /// CODEOWNERS, where there is one.
    pub codeowners: Option<String>,
    /// The gates.
    pub gates: Vec<Proposed>,
    /// Lockfiles and the commands that make them again.
    pub lockfiles: Vec<(&'static str, &'static str)>,
    /// The profile of lex-pr-runner that is carried over.
    pub profile: Option<Profile>,
}

/// Look at the commit of the target, and propose what follows from it and from a profile.
pub fn propose(repo: &Repo, target: &str, target_why: &str, commit: ObjectId, profile: Option<Profile>) -> Result<Proposal> {
    let files = Files::of(repo, commit)?;
    let ci = Ci::of(&files);
    let root = files.folder("");
    let mut proposal = Proposal {
        target: target.into(),
        target_why: target_why.into(),
        languages: Vec::new(),
        codeowners: CODEOWNERS
            .iter()
            .find(|(folder, name)| files.folder(folder).has(name))
            .map(|(folder, name)| files.folder(folder).path_of(name)),
        gates: Vec::new(),
        lockfiles: LOCKFILES.into_iter().filter(|(name, _)| root.has(name)).collect(),
        profile: None,
        ci: Vec::new(),
    };
    let mut known = BTreeSet::new();
    for folder in files.folders() {
        for project in projects(folder, &ci) {
            // What has a manifest at the root looks after its own folders.
            let of_root = folder.path.is_empty();
            if known.contains(project.language) {
                continue;
            }
            if of_root {
                known.insert(project.language);
            }
            proposal.languages.push(format!("{} ({})", project.language, folder.path_of(&project.manifest)));
            for check in project.checks {
                proposal.add(check.name, check.run, check.why, folder.path, project.language);
            }
        }
    }
    let alone = !proposal.gates.iter().any(|proposed| proposed.gate.name == "test" && proposed.gate.cwd.is_none());
    if let Some(runner) = task_runner(root, &ci, alone) {
        proposal.gates.retain(|proposed| proposed.gate.name != "test");
        for check in runner.checks {
            proposal.gates.insert(0, proposed(check.name, check.run, check.why, ""));
        }
    }
    proposal.ci = ci.files;
    if let Some(profile) = profile {
        proposal.carry_over(profile);
    }
    Ok(proposal)
}

fn proposed(name: &str, run: String, why: String, folder: &str) -> Proposed {
    let cwd = Some(folder.to_string()).filter(|folder| !folder.is_empty());
    Proposed { gate: GateSpec { cwd, timeout: TIMEOUT.parse().ok(), ..GateSpec::command(name, run, None, &[]) }, why }
}

impl Proposal {
    /// Add a gate under a name that none has yet.
    fn add(&mut self, name: &str, run: String, why: String, folder: &str, language: &str) {
        let language = language.split(' ').next().unwrap_or(language).trim_start_matches('.').to_lowercase();
        let place = folder.replace(char::is_whitespace, "-");
        let names = [name.to_string(), if folder.is_empty() { format!("{language}-{name}") } else { format!("{place}-{name}") }];
        let is_free = |name: &&String| self.gates.iter().all(|proposed| proposed.gate.name != **name);
        let Some(name) = names.iter().find(is_free).cloned() else { return };
        let made = proposed(&name, run, why, folder);
        if made.gate.check().is_ok() {
            self.gates.push(made);
        }
    }

    /// The profile's gates are what its team has agreed on: they take the place of those that were found.
    fn carry_over(&mut self, mut profile: Profile) {
        if let Some(target) = profile.target.take() {
            (self.target, self.target_why) = (target, format!("{} says so", profile.folder));
        }
        if !profile.gates.is_empty() {
            let why = format!("carried over from {}", profile.folder);
            self.gates = profile.gates.drain(..).map(|gate| Proposed { gate, why: why.clone() }).collect();
        }
        let has = |name: &String| self.gates.iter().any(|proposed| proposed.gate.name == *name);
        profile.required.retain(has);
        profile.optional.retain(|name| has(name));
        profile.retries.retain(|name, _| has(name));
        self.profile = Some(profile);
    }

    /// What only a person can say.
    pub fn lacking(&self) -> Option<Lacking> {
        self.gates.is_empty().then_some(Lacking::Test)
    }

    /// Take a person's word for how the tests are run.
    pub fn test_by(&mut self, command: &str) {
        self.gates.insert(0, proposed("test", command.into(), "you said so".into(), ""));
    }

    /// The file; always one that this program reads.
    pub fn text(&self) -> Result<String> {
        let mut text = String::from(
            "# What must hold for a branch to land. `git lex-pr init` wrote this from what the repository holds; change what it got wrong.\n",
        );
        let target = quoted(&self.target);
        text.push_str(&comment(&format!("It counts once it is committed to {}: it is read there, never from a work tree.", self.target)));
        text.push_str("version = 1\n\n");
        text.push_str(&comment(&format!("Where everything lands: {}.", self.target_why)));
        text.push_str(&format!("target = {target}\n"));
        self.write_policy(&mut text);
        if self.gates.is_empty() {
            text.push_str("\n# Nothing here tells how the tests are run. Until a gate does, only conflict markers keep a branch out.\n");
            text.push_str("# [[gate]]\n# name = \"test\"\n# run = \"make test\"\n");
        }
        for proposed in &self.gates {
            text.push_str(&format!("\n[[gate]]\n{}", comment(&format!("{}.", as_sentence(&proposed.why)))));
            let table = Value::try_from(&proposed.gate).unwrap_or(Value::Table(toml::Table::new()));
            // In the order of the type, in which the name comes first.
            for key in ["name", "run", "cwd", "timeout"] {
                if let Some(value) = table.get(key) {
                    text.push_str(&format!("{key} = {value}\n"));
                }
            }
            let further =
                table.as_table().into_iter().flatten().filter(|(key, _)| !["name", "run", "cwd", "timeout"].contains(&key.as_str()));
            further.for_each(|(key, value)| text.push_str(&format!("{key} = {value}\n")));
            if let Some(folder) = &proposed.gate.cwd {
                text.push_str("# If nothing outside of it matters to this gate, its verdicts are used again more often:\n");
                text.push_str(&comment(&format!("paths = [{}]", quoted(&format!("{folder}/**")))));
            }
        }
        if let Some(codeowners) = &self.codeowners {
            text.push_str(&format!(
                "\n{}",
                comment(&format!(
                    "{codeowners} says who approves what. Git does not know who is behind a handle; say it, then let it be required:"
                ))
            ));
            text.push_str("# [[gate]]\n# name = \"codeowners\"\n# plugin = \"builtin:codeowners\"\n# config = { handles = { \"@org/team\" = [\"ada@example.com\"] } }\n");
        }
        for (file, command) in &self.lockfiles {
            text.push_str(&format!(
                "\n{}",
                comment(&format!("Two branches that both change {file} conflict there; it is made again instead."))
            ));
            text.push_str(&format!("[[weave.regenerate]]\nfiles = [{}]\nrun = {}\n", quoted(file), quoted(command)));
        }
        if let Some(profile) = self.profile.as_ref().filter(|profile| !profile.notes.is_empty()) {
            text.push_str(&format!("\n{}", comment(&format!("What {} says besides:", profile.folder))));
            profile.notes.iter().for_each(|note| text.push_str(&comment(&format!("- {note}"))));
        }
        ConfigFile::parse(&text, FILE_NAME)?;
        Ok(text)
    }

    fn write_policy(&self, text: &mut String) {
        let Some(profile) = &self.profile else { return };
        let list = |names: &[String]| names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
        let mut table = String::new();
        for (key, names) in [("required", &profile.required), ("optional", &profile.optional)] {
            if !names.is_empty() {
                table.push_str(&format!("{key} = [{}]\n", list(names)));
            }
        }
        if let Some(workers) = profile.max_workers {
            table.push_str(&format!("max-workers = {workers}\n"));
        }
        if !profile.retries.is_empty() {
            table.push_str("\n[policy.retries]\n");
            for (gate, retry) in &profile.retries {
                let seconds = Value::from(retry.backoff_seconds);
                table.push_str(&format!("{} = {{ max-attempts = {}, backoff-seconds = {seconds} }}\n", quoted(gate), retry.max_attempts));
            }
        }
        if let Some(admin) = &profile.overrides.admin_green {
            table.push_str(&format!("\n[policy.overrides.admin-green]\nallowed-users = [{}]\n", list(&admin.allowed_users)));
            table.push_str(&format!("require-reason = {}\n", admin.require_reason));
        }
        if !table.is_empty() {
            text.push_str(&format!("\n[policy]\n{}", comment(&format!("Carried over from {}.", profile.folder))));
            text.push_str(&table);
        }
    }
}

/// A reason as a sentence. What begins with a file's name keeps that.
fn as_sentence(why: &str) -> String {
    let begins = ["carried ", "it ", "its ", "ruff ", "tox ", "you "].iter().any(|word| why.starts_with(word));
    let first = why.chars().next().filter(|_| begins);
    first.map_or(why.to_string(), |first| first.to_uppercase().chain(why.chars().skip(1)).collect())
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A comment in lines that are not too long. A name from the repository may hold anything; in a comment it stays on its line.
fn comment(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    textwrap::wrap(&plain, 118).iter().map(|line| format!("# {line}\n")).collect()
}
