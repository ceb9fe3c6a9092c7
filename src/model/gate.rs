//! What a gate is: a check that a candidate must pass.

use super::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The built-in gate that every candidate must pass, whatever a policy says.
pub const CONFLICT_MARKERS: &str = "conflict-markers";

/// One gate, as `[[gate]]` in `lex-pr.toml` and `gates` in a plan write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateSpec {
    /// The name that policies, verdicts and reports use.
    pub name: String,
    /// The shell command (`sh -c`) whose exit status 0 is a pass. A gate has this or `plugin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// What judges in this process: `builtin:NAME`, or the path of a `.lua`, `.luau` or `.wasm` file on the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// What the plugin is told; it says itself which keys it takes.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub config: serde_json::Map<String, serde_json::Value>,
    /// The memory that it may use, in MiB: a plugin 64 where nothing is said, a command and all that it starts as much as there is.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "memory-mb")]
    #[schemars(range(min = 1))]
    pub memory_mb: Option<u32>,
    /// The processor time that a command and all that it starts may use together.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "cpu-time")]
    pub cpu_time: Option<Span>,
    /// The work that a WASM plugin may do, in wasmtime's units of fuel, about one an instruction; 10,000,000,000 where nothing
    /// is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fuel: Option<u64>,
    /// The folder it runs in, relative to the root of the candidate's work tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// Environment variables that it gets besides the allowed ones and `LEX_PR_*`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Where it runs.
    #[serde(default, skip_serializing_if = "Runtime::is_local")]
    pub runtime: Runtime,
    /// What keeps a command of this machine from the rest of it.
    #[serde(default, skip_serializing_if = "Sandbox::is_none")]
    pub sandbox: Sandbox,
    /// What a `container` runtime starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
    /// Files or globs, relative to `cwd`, that are kept with the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<String>,
    /// The gate's inputs as globs: while none of them changes, its verdict is reused. Empty means every file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// After this time its whole process group is killed; a plugin is stopped, after ten seconds where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// How many of the run's workers it takes; 1 where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub weight: Option<u32>,
    /// What it needs for itself, such as a port or a database: gates that say the same never run at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclusive: Option<String>,
    /// After this time a run tells that it is slow; a minute where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "slow-after")]
    pub slow_after: Option<Span>,
    /// What it may see of the machine, by name: `env:CI`, `env:CARGO_*`; for a plugin also `exec:PROGRAM` and `clock`; in a sandbox
    /// or container also `network`, in a sandbox `read:PATH` and `write:PATH`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
}

/// Where a gate runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Runtime {
    /// As a process of this machine.
    #[default]
    Local,
    /// In a container.
    Container,
    /// By a CI service that reports its own status.
    CiService,
}

impl Runtime {
    fn is_local(&self) -> bool {
        *self == Runtime::Local
    }
}

/// What keeps a command from the machine that it runs on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sandbox {
    /// Nothing: it may do all that its user may.
    #[default]
    None,
    /// Bubblewrap: it writes to its work tree and nowhere else, and sees neither network nor home.
    Bwrap,
}

impl Sandbox {
    fn is_none(&self) -> bool {
        *self == Sandbox::None
    }
}

/// The container of a gate with `runtime = "container"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// The image to start.
    pub image: String,
    /// Replaces the image's entry point.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    /// Folders or volumes of the host that it sees.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<Mount>,
}

/// One mount of a [`Container`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mount {
    /// A path or volume of the host.
    pub source: String,
    /// The path inside the container.
    pub target: String,
    /// What `source` names.
    #[serde(default, rename = "type")]
    pub kind: MountKind,
}

/// What the source of a [`Mount`] is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MountKind {
    /// A path.
    #[default]
    Bind,
    /// A named volume.
    Volume,
}

impl GateSpec {
    /// A command of the policy that is no gate, but is run as one is.
    pub fn command(name: &str, run: String, timeout: Option<Span>, allow: &[String]) -> GateSpec {
        GateSpec {
            name: name.into(),
            run: Some(run),
            plugin: None,
            config: serde_json::Map::new(),
            memory_mb: None,
            cpu_time: None,
            fuel: None,
            cwd: None,
            env: BTreeMap::new(),
            runtime: Runtime::Local,
            sandbox: Sandbox::None,
            container: None,
            artifacts: Vec::new(),
            paths: Vec::new(),
            timeout,
            weight: None,
            exclusive: None,
            slow_after: None,
            allow: allow.to_vec(),
        }
    }

    /// Look for what a type cannot say; the error is a message and what mends it.
    pub fn check(&self) -> Result<(), (String, String)> {
        let name = &self.name;
        if name.is_empty() || name.contains(|c: char| c.is_control() || c == '/' || c.is_whitespace()) {
            return Err((format!("`{name}` is no gate name"), "use a name without blanks and slashes".into()));
        }
        if name == CONFLICT_MARKERS {
            return Err((format!("`{name}` is the name of a built-in gate"), "choose another name".into()));
        }
        match (&self.run, &self.plugin) {
            (Some(run), None) if !run.trim().is_empty() => {}
            (None, Some(plugin)) => self.check_plugin(plugin)?,
            (Some(_), Some(_)) => {
                return Err((format!("gate `{name}` has both a command and a plugin"), "keep `run` or `plugin`".into()));
            }
            (Some(_) | None, None) => {
                let hint = "give it `run`, such as \"cargo test\", or `plugin`, such as \"builtin:diff-size\"";
                return Err((format!("gate `{name}` has no command and no plugin"), hint.into()));
            }
        }
        if let (Some(_), Some(key)) = (&self.run, self.key_of_plugins()) {
            return Err((format!("gate `{name}` is a command and has `{key}`"), format!("`{key}` is for a gate with `plugin`")));
        }
        let cwd = std::path::Path::new(self.cwd.as_deref().unwrap_or("."));
        if cwd.components().any(|c| !matches!(c, std::path::Component::Normal(_) | std::path::Component::CurDir)) {
            let message = format!("gate `{name}` would run outside of its work tree, in `{}`", cwd.display());
            return Err((message, "`cwd` is a folder of the repository, relative to its root".into()));
        }
        if self.memory_mb == Some(0) {
            return Err((format!("gate `{name}` may use no memory at all"), "`memory-mb` is at least 1".into()));
        }
        if self.runtime != Runtime::Local {
            let of_local = [("sandbox", !self.sandbox.is_none()), ("cpu-time", self.cpu_time.is_some())];
            if let Some((key, _)) = of_local.iter().find(|(_, is_set)| *is_set) {
                let hint = format!("`{key}` is for a gate with `runtime = \"local\"`; `timeout` bounds every gate");
                return Err((format!("gate `{name}` does not run on this machine itself and has `{key}`"), hint));
            }
        }
        if let Some(grant) = self.allow.iter().find(|grant| !self.is_grant(grant)) {
            let is_of_sandbox = self.plugin.is_none() && is_grant_of_sandbox(grant);
            let hint = match (&self.plugin, self.runtime, self.sandbox) {
                (Some(_), ..) => "a grant is `env:NAME`, `env:PREFIX*`, `exec:PROGRAM` or `clock`",
                (_, Runtime::Container, _) if is_of_sandbox => "name the folder in `mounts` of its `container`",
                (_, Runtime::Container, _) => "a grant is `env:NAME`, `env:PREFIX*` or `network`",
                (.., Sandbox::Bwrap) => {
                    "a grant is `env:NAME`, `env:PREFIX*`, `network`, `read:PATH` or `write:PATH`; a path begins with `/` or `~/`"
                }
                (.., Sandbox::None) if is_of_sandbox => "it has that without a sandbox: add `sandbox = \"bwrap\"`, or take the grant out",
                (.., Sandbox::None) => "a grant is `env:NAME` or `env:PREFIX*`",
            };
            return Err((format!("gate `{name}` asks for `{grant}`, which is nothing that can be granted"), hint.into()));
        }
        if let Some(name_of) = self.env.keys().find(|name| name.is_empty() || name.contains(['=', '\0'])) {
            return Err((format!("gate `{name}` sets `{name_of}`, which is no name of a variable"), "a name holds no `=`".into()));
        }
        if let Some((key, glob)) = [("paths", &self.paths), ("artifacts", &self.artifacts)]
            .into_iter()
            .find_map(|(key, globs)| globs.iter().find(|glob| !is_glob(glob)).map(|glob| (key, glob)))
        {
            let hint = "close each `[` by a `]`, and put a `\\` before one that stands for itself".into();
            return Err((format!("gate `{name}` has `{glob}` among its {key}, which is no glob"), hint));
        }
        if self.weight == Some(0) {
            return Err((format!("gate `{name}` has weight 0"), "it takes at least one worker; leave `weight` out for one".into()));
        }
        if self.runtime == Runtime::Container && self.container.is_none() {
            return Err((format!("gate `{name}` runs in a container but names no image"), "add `container = { image = \"...\" }`".into()));
        }
        match &self.container {
            Some(container) => container.check(name),
            None => Ok(()),
        }
    }
}

impl Container {
    fn check(&self, gate: &str) -> Result<(), (String, String)> {
        if self.image.is_empty() || self.image.starts_with('-') {
            let hint = "an image is named as `podman pull` or `docker pull` takes it: \"docker.io/library/rust:1\"";
            return Err((format!("gate `{gate}` has the image `{}`, which is none", self.image), hint.into()));
        }
        match self.mounts.iter().find(|mount| !mount.target.starts_with('/') || mount.source.is_empty()) {
            Some(mount) => {
                let message = format!("gate `{gate}` mounts `{}` at `{}`, which is no place in a container", mount.source, mount.target);
                Err((message, "`source` is a path or volume, `target` begins with `/`".into()))
            }
            None => Ok(()),
        }
    }
}

/// The suffixes of plugins, by which their engine is known.
pub const PLUGIN_SUFFIXES: [&str; 3] = [".lua", ".luau", ".wasm"];

/// What the name of a plugin that is part of this program begins with.
pub const BUILTIN: &str = "builtin:";

impl GateSpec {
    /// The command; empty for a plugin.
    pub fn command_line(&self) -> &str {
        self.run.as_deref().unwrap_or_default()
    }

    /// What judges: the command, or the plugin.
    pub fn judge(&self) -> &str {
        self.run.as_deref().or(self.plugin.as_deref()).unwrap_or_default()
    }

    fn check_plugin(&self, plugin: &str) -> Result<(), (String, String)> {
        let name = &self.name;
        let parts = || std::path::Path::new(plugin).components();
        let is_path = parts().all(|part| matches!(part, std::path::Component::Normal(_))) && parts().next().is_some();
        if !(plugin.starts_with(BUILTIN) || is_path && PLUGIN_SUFFIXES.iter().any(|suffix| plugin.ends_with(suffix))) {
            let hint = "write `builtin:NAME`, or the path of a .lua, .luau or .wasm file from the root of the repository";
            return Err((format!("gate `{name}` has plugin `{plugin}`, which is none"), hint.into()));
        }
        let of_commands = [
            ("cwd", self.cwd.is_some()),
            ("env", !self.env.is_empty()),
            ("runtime", !self.runtime.is_local()),
            ("sandbox", !self.sandbox.is_none()),
            ("cpu-time", self.cpu_time.is_some()),
            ("container", self.container.is_some()),
            ("artifacts", !self.artifacts.is_empty()),
            ("weight", self.weight.is_some()),
            ("exclusive", self.exclusive.is_some()),
            ("slow-after", self.slow_after.is_some()),
        ];
        match of_commands.iter().find(|(_, is_set)| *is_set) {
            Some((key, _)) => Err((format!("gate `{name}` is a plugin and has `{key}`"), format!("`{key}` is for a gate with `run`"))),
            None => Ok(()),
        }
    }

    fn key_of_plugins(&self) -> Option<&'static str> {
        let keys = [("config", !self.config.is_empty()), ("fuel", self.fuel.is_some())];
        keys.into_iter().find(|(_, is_set)| *is_set).map(|(key, _)| key)
    }

    fn is_grant(&self, grant: &str) -> bool {
        let of_plugins = self.plugin.is_some() && (grant == "clock" || grant.strip_prefix("exec:").is_some_and(|name| !name.is_empty()));
        let of_sandbox = self.sandbox == Sandbox::Bwrap && is_grant_of_sandbox(grant);
        let of_container = self.runtime == Runtime::Container && grant == NETWORK;
        of_plugins || of_sandbox || of_container || grant.strip_prefix("env:").is_some_and(|name| !name.is_empty())
    }
}

/// The grant of the network, to a command in a sandbox or container.
pub const NETWORK: &str = "network";

/// The path that a grant names behind `word`, `read:` or `write:`: an absolute one, or one below `~/`, without `..`.
pub fn granted_path<'g>(grant: &'g str, word: &str) -> Option<&'g str> {
    let path = grant.strip_prefix(word)?;
    let inside = std::path::Path::new(path).components().all(|part| part != std::path::Component::ParentDir);
    (inside && (path.starts_with('/') || path.starts_with("~/"))).then_some(path)
}

fn is_grant_of_sandbox(grant: &str) -> bool {
    grant == NETWORK || ["read:", "write:"].iter().any(|word| granted_path(grant, word).is_some())
}

/// Whether wildmatch could ever match it: no empty pattern, each bracket closed, no backslash at the end.
fn is_glob(glob: &str) -> bool {
    let mut rest = glob.bytes().peekable();
    while let Some(byte) = rest.next() {
        match byte {
            b'\\' if rest.next().is_none() => return false,
            b'[' => {
                // A bracket right behind the opening one is one of the characters.
                rest.next_if(|b| matches!(b, b'!' | b'^'));
                rest.next();
                if !rest.by_ref().any(|b| b == b']') {
                    return false;
                }
            }
            _ => {}
        }
    }
    !glob.is_empty()
}

/// Check every gate of a list and that no name stands twice; the error also says which index is wrong.
pub fn check_all(gates: &[GateSpec]) -> Result<(), (usize, String, String)> {
    for (index, gate) in gates.iter().enumerate() {
        gate.check().map_err(|(message, hint)| (index, message, hint))?;
        if gates[..index].iter().any(|other| other.name == gate.name) {
            return Err((index, format!("gate `{}` stands twice", gate.name), "rename or remove one of them".into()));
        }
    }
    Ok(())
}
