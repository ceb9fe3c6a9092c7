//! The profile folder of lex-pr-runner, read so that its gates and policy can be carried over.

use crate::model::{
    Error, Result,
    error::Location,
    gate::{Container, GateSpec, Runtime},
    policy::{Overrides, Policy, Retry},
    shell_word,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The variable that names the folder.
const PROFILE_VARIABLE: &str = "LEX_PR_PROFILE_DIR";

/// Where it is looked for else, the first that is there.
const PROFILE_FOLDERS: [&str; 2] = [".smartergpt.local", ".smartergpt"];

/// What a profile says that lex-pr.toml can say.
#[derive(Debug, Default)]
pub struct Profile {
    /// Its folder, as it was found.
    pub folder: String,
    /// Why that one.
    pub why: String,
    /// The branch that it lands on.
    pub target: Option<String>,
    /// Its gates, those of all levels.
    pub gates: Vec<GateSpec>,
    /// The gates whose failure it only warns of.
    pub optional: Vec<String>,
    /// The gates that it requires.
    pub required: Vec<String>,
    /// Gates that run at once.
    pub max_workers: Option<u32>,
    /// Tries per gate.
    pub retries: BTreeMap<String, Retry>,
    /// Who may override.
    pub overrides: Overrides,
    /// What it says besides, and what that is here.
    pub notes: Vec<String>,
}

#[derive(Default, Deserialize)]
struct GatesFile {
    #[serde(default)]
    gates: Vec<OldGate>,
    #[serde(default)]
    levels: BTreeMap<String, Vec<OldGate>>,
}

#[derive(Deserialize)]
struct OldGate {
    name: String,
    run: String,
    required: Option<bool>,
    cwd: Option<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    runtime: Runtime,
    container: Option<Container>,
    #[serde(default)]
    artifacts: Vec<String>,
}

#[derive(Default, Deserialize)]
struct ScopeFile {
    target: Option<String>,
    #[serde(default)]
    sources: Vec<Source>,
    #[serde(default)]
    selectors: Selectors,
    #[serde(default)]
    defaults: Defaults,
}

#[derive(Deserialize)]
struct Source {
    query: String,
}

#[derive(Default, Deserialize)]
struct Selectors {
    #[serde(default)]
    include_labels: Vec<String>,
    #[serde(default)]
    exclude_labels: Vec<String>,
}

#[derive(Default, Deserialize)]
struct Defaults {
    strategy: Option<String>,
}

#[derive(Default, Deserialize)]
struct StackFile {
    target: Option<String>,
    policy: Option<Policy>,
    #[serde(default, alias = "prs")]
    items: Vec<StackItem>,
}

#[derive(Deserialize)]
struct StackItem {
    #[serde(default)]
    id: Value,
    branch: Option<String>,
    #[serde(default, alias = "deps")]
    needs: Vec<Value>,
}

/// Read the profile in `named`, else in the folder that `LEX_PR_PROFILE_DIR` names, else in `.smartergpt.local` or `.smartergpt` in
/// `root`; nothing where there is none.
///
/// Errors: a folder that is named but is not there, and a file that cannot be read, with its line.
pub fn find(root: &Path, named: Option<&Path>) -> Result<Option<Profile>> {
    let of_variable = std::env::var_os(PROFILE_VARIABLE).filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let named = named.map(|folder| (folder.to_path_buf(), "--profile")).or(of_variable.map(|folder| (folder, PROFILE_VARIABLE)));
    if let Some((folder, by)) = named {
        if !root.join(&folder).is_dir() {
            let error = Error::input("no-profile", format!("there is no folder {}", folder.display())).at(Location::new(by));
            return Err(error.hint("name the folder of a lex-pr-runner profile, such as .smartergpt"));
        }
        return read(root, &folder, format!("{by} names it")).map(Some);
    }
    let mut found = PROFILE_FOLDERS.iter().map(PathBuf::from).filter(|folder| root.join(folder).is_dir());
    let Some(folder) = found.next() else { return Ok(None) };
    let why = match found.next() {
        Some(other) => format!("it goes before {}", other.display()),
        None => "found".into(),
    };
    read(root, &folder, why).map(Some)
}

fn read(root: &Path, folder: &Path, why: String) -> Result<Profile> {
    let mut profile = Profile { folder: folder.display().to_string(), why, ..Profile::default() };
    let place = root.join(folder);
    let gates: GatesFile = document(&place, "gates.yml")?.unwrap_or_default();
    let scope: ScopeFile = document(&place, "scope.yml")?.unwrap_or_default();
    let stack: StackFile = document(&place, "stack.yml")?.unwrap_or_default();
    profile.target = stack.target.or(scope.target);
    let of_levels = gates.levels.into_values().flatten();
    for gate in gates.gates.into_iter().chain(of_levels) {
        profile.take(gate);
    }
    if let Some(policy) = stack.policy {
        profile.required.extend(policy.required_gates);
        profile.optional.extend(policy.optional_gates);
        profile.max_workers = policy.max_workers;
        profile.retries = policy.retries;
        profile.overrides = policy.overrides;
        if !policy.block_on.is_empty() {
            profile.notes.push(format!("blockOn ({}) is a plan's: git lex-pr plan import", policy.block_on.join(", ")));
        }
    }
    if let Some(strategy) = scope.defaults.strategy {
        let word = strategy.trim_end_matches("-weave");
        profile.notes.push(format!("the strategy {strategy} is said where a plan is made: git lex-pr plan create --strategy {word}"));
    }
    if !scope.sources.is_empty() {
        let queries: Vec<&str> = scope.sources.iter().map(|source| source.query.as_str()).collect();
        profile.notes.push(format!("the search `{}` names pull requests; a plan is made of branches", queries.join("`, `")));
    }
    let labels = [scope.selectors.include_labels, scope.selectors.exclude_labels].concat();
    if !labels.is_empty() {
        profile.notes.push(format!("labels ({}) are of pull requests; a plan is made of branches", labels.join(", ")));
    }
    profile.notes.extend(of_stack(&stack.items));
    if place.join("deps.yml").is_file() {
        let words = "deps.yml says what needs what; here that is said by `Depends-On: BRANCH` in a commit, or by --depends-on of plan add";
        profile.notes.push(words.into());
    }
    if place.join("merge-policy.yml").is_file() {
        profile.notes.push("merge-policy.yml takes one side of a conflict, which loses the other: [weave] has rules that keep both".into());
    }
    Ok(profile)
}

/// The commands that make the plan of a stack: its branches, then what each needs that git does not tell.
fn of_stack(items: &[StackItem]) -> Vec<String> {
    let branches: Vec<String> = items.iter().filter_map(|item| item.branch.as_deref()).map(shell_word).collect();
    if branches.is_empty() {
        return Vec::new();
    }
    let branch_of = |named: &Value| items.iter().find(|item| item.id == *named).and_then(|item| item.branch.clone());
    let needs = items.iter().filter_map(|item| {
        let needed = item.needs.iter().filter_map(|named| branch_of(named).or_else(|| named.as_str().map(ToOwned::to_owned)));
        let flags: Vec<String> = needed.map(|branch| format!(" --depends-on {}", shell_word(&branch))).collect();
        let branch = item.branch.as_ref().filter(|_| !flags.is_empty())?;
        Some(format!("what {branch} needs: git lex-pr plan add default {}{}", shell_word(branch), flags.concat()))
    });
    let create = format!("stack.yml names branches: git lex-pr plan create {}", branches.join(" "));
    std::iter::once(create).chain(needs).collect()
}

impl Profile {
    fn take(&mut self, old: OldGate) {
        if self.gates.iter().any(|gate| gate.name == old.name) {
            return;
        }
        let container = old.container.filter(|_| old.runtime == Runtime::Container);
        let mut gate = GateSpec {
            cwd: old.cwd.filter(|cwd| cwd != "."),
            env: old.env,
            runtime: old.runtime,
            container,
            artifacts: old.artifacts,
            ..GateSpec::command(&old.name, old.run, None, &[])
        };
        if let Err((message, hint)) = gate.check() {
            self.notes.push(format!("{message}: {hint}"));
            return;
        }
        if gate.runtime == Runtime::CiService {
            self.notes.push(format!("gate {} was run by a CI service; here it is a command", gate.name));
            gate.runtime = Runtime::Local;
        }
        if old.required == Some(false) {
            self.optional.push(gate.name.clone());
        }
        self.gates.push(gate);
    }
}

/// A YAML file of the folder, if it is there and holds anything.
fn document<T: DeserializeOwned>(folder: &Path, name: &str) -> Result<Option<T>> {
    let path = folder.join(name);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) if text.trim().is_empty() => return Ok(None),
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io(format_args!("read {}", path.display()), e)),
    };
    serde_saphyr::from_str(&text).map(Some).map_err(|e| {
        let mut at = Location::new(path.display().to_string());
        if let Some(place) = e.location() {
            (at.line, at.column) = (usize::try_from(place.line()).ok(), usize::try_from(place.column()).ok());
        }
        let words = e.without_snippet().to_string();
        let message = format!("not a {name} of lex-pr-runner: {}", words.lines().next().unwrap_or_default());
        Error::input("bad-profile", message).at(at).hint("mend the file, or leave it out: git lex-pr init --no-profile")
    })
}
