//! Commands in containers, by podman or docker, whichever answers.

use super::{
    command::{Environment, grants_of_variables, names_variable},
    limits::{Bounds, Broken},
    process::{End, Ended, Input, KILLED, SHELL, Stop, Unstarted, leash, supervise},
    telling::last_line,
};
use crate::{
    model::{
        error::Class,
        gate::{Container, GateSpec, MountKind, NETWORK},
    },
    repo::GateTree,
};
use rustix::process::{getgid, getuid};
use std::{
    ffi::{OsStr, OsString},
    path::Path,
    time::Duration,
};
use tokio::process::Command;

/// How long an engine may take to answer, or to remove a container.
const PATIENCE: Duration = Duration::from_secs(20);

/// What both engines keep for failures of their own, such as an image that cannot be had.
const ENGINE_FAILED: i32 = 125;

/// Run `gate` in `cwd`, a folder of `tree`. The error says why there is no container, which tells nothing of the candidate.
pub(super) async fn run(gate: &GateSpec, tree: &GateTree, cwd: &Path, own: Environment, stop: &mut Stop) -> Result<Ended, Unstarted> {
    let container = gate.container.as_ref().ok_or_else(|| Unstarted::new("it names no image", Class::Permanent))?;
    let engine = Engine::that_answers(stop).await?;
    let name = format!("git-lex-pr-{}-{:08x}", std::process::id(), fastrand::u32(..));
    // The engine's client is all that dies with its group.
    let remove = format!("{} {};", engine.program, removal(&name).join(" "));
    let mut command = Command::new(SHELL);
    command
        .args(["-c", &(leash(&remove) + "exec \"$@\""), "sh", engine.program, "run", "--name", &name])
        .args(arguments(&engine, gate, container, tree, cwd, &own));
    let bounds = Bounds { time: Bounds::of(gate)?.time, ..Bounds::default() };
    let ended = supervise(command, Input::Leash, bounds, stop).await;
    let out_of_memory = engine.ran_out_of_memory(&name).await;
    engine.remove(&name).await;
    let mut ended = ended.map_err(|e| Unstarted::io(format_args!("could not start `{}`", engine.program), &e))?;
    if let End::Exited(Ok(status)) = &ended.end {
        match status.code() {
            Some(ENGINE_FAILED) => {
                let words = last_line(&ended.stderr).unwrap_or_default();
                return Err(Unstarted::new(format!("{} could not start the container: {words}", engine.program), Class::Unknown));
            }
            Some(0) => {}
            _ if out_of_memory => ended.end = End::Over(Broken::Memory),
            Some(KILLED) => ended.end = End::killed(),
            _ => {}
        }
    }
    Ok(ended)
}

/// A program that runs containers.
struct Engine {
    program: &'static str,
    /// Whether its containers' root is this very user, and not the machine's root.
    rootless: bool,
}

impl Engine {
    /// The first that answers; else what each of them said.
    async fn that_answers(stop: &mut Stop) -> Result<Engine, Unstarted> {
        let (mut said, mut class) = (Vec::new(), Class::Permanent);
        for (program, question) in [("podman", &["version"][..]), ("docker", &["info", "--format", "{{.SecurityOptions}}"])] {
            let mut command = Command::new(program);
            command.args(question);
            let bounds = Bounds { time: Some(PATIENCE), ..Bounds::default() };
            match supervise(command, Input::Nothing, bounds, stop).await {
                Ok(Ended { end: End::Exited(Ok(status)), stdout, .. }) if status.success() => {
                    let rootless = program == "podman" || String::from_utf8_lossy(&stdout).contains("rootless");
                    return Ok(Engine { program, rootless });
                }
                Ok(Ended { stderr, .. }) => {
                    class = Class::Unknown;
                    said.push(format!("{program}: {}", last_line(&stderr).unwrap_or_else(|| "it does not answer".into())));
                }
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => said.push(format!("{program} is not here")),
                Err(e) => {
                    class = Class::of_io(&e);
                    said.push(format!("{program}: {e}"));
                }
            }
        }
        Err(Unstarted::new(format!("no container engine answers: {}", said.join("; ")), class))
    }

    /// Whether the kernel killed a process of the container for want of memory.
    async fn ran_out_of_memory(&self, name: &str) -> bool {
        let state = self.ask(&["inspect", "--format", "{{.State.OOMKilled}}", name]).await;
        state.is_some_and(|state| state.trim_ascii() == b"true")
    }

    /// Remove the container, at work or not. One that never came to be is as good as removed.
    async fn remove(&self, name: &str) {
        self.ask(&removal(name)).await;
    }

    async fn ask(&self, arguments: &[&str]) -> Option<Vec<u8>> {
        let mut command = Command::new(self.program);
        command.args(arguments).stdin(std::process::Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(PATIENCE, command.output()).await.ok()?.ok()?;
        output.status.success().then_some(output.stdout)
    }
}

/// The call that removes a container.
fn removal(name: &str) -> [&str; 4] {
    ["rm", "--force", "--volumes", name]
}

/// What follows `run --name NAME`.
fn arguments(engine: &Engine, gate: &GateSpec, container: &Container, tree: &GateTree, cwd: &Path, own: &Environment) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = Vec::new();
    let mut add = |word: &str, value: OsString| arguments.extend([word.into(), value]);
    // SELinux would keep the container from files that are not labelled for it, and these are the user's own.
    for option in ["no-new-privileges", "label=disable"] {
        add("--security-opt", option.into());
    }
    if !gate.allow.iter().any(|grant| grant == NETWORK) {
        add("--network", "none".into());
    }
    if let Some(mb) = gate.memory_mb {
        add("--memory", format!("{mb}m").into());
        add("--memory-swap", format!("{mb}m").into());
    }
    if !engine.rootless {
        add("--user", format!("{}:{}", getuid().as_raw(), getgid().as_raw()).into());
    }
    // Git works in this tree outside of the container, too, and must find no configuration there that a gate has written.
    add("--mount", mount("bind", tree.dir().as_os_str(), tree.dir().as_os_str(), true));
    for folder in std::iter::once(&tree.dir().join(".git")).chain(tree.objects()) {
        add("--mount", mount("bind", folder.as_os_str(), folder.as_os_str(), false));
    }
    for wanted in &container.mounts {
        let (kind, source) = match wanted.kind {
            MountKind::Bind => ("bind", tree.dir().join(&wanted.source).into_os_string()),
            MountKind::Volume => ("volume", OsString::from(&wanted.source)),
        };
        add("--mount", mount(kind, &source, OsStr::new(&wanted.target), true));
    }
    for (name, value) in own {
        add("--env", [name.as_os_str(), OsStr::new("="), value].into_iter().collect());
    }
    // Only what is granted by name: what commands of this machine see besides is of no use in a container. The values go from this
    // process to the engine by its environment, not by its arguments, which everybody may read.
    let is_granted = |name: &OsString| grants_of_variables(&gate.allow).any(|grant| names_variable(grant, name));
    for name in std::env::vars_os().map(|(name, _)| name).filter(is_granted) {
        add("--env", name);
    }
    add("--workdir", cwd.into());
    let entrypoint: Vec<&str> = match container.entrypoint.as_slice() {
        [] => vec!["sh", "-c"],
        words => words.iter().map(String::as_str).collect(),
    };
    add("--entrypoint", entrypoint[0].into());
    arguments.push(OsString::from(&container.image));
    arguments.extend(entrypoint[1..].iter().map(OsString::from));
    arguments.push(gate.command_line().into());
    arguments
}

/// The value of `--mount`: a record of comma-separated values, where a field with a comma or quote is quoted.
fn mount(kind: &str, source: &OsStr, target: &OsStr, writable: bool) -> OsString {
    let field = |name: &str, value: &OsStr| {
        let text = format!("{name}={}", value.to_string_lossy());
        if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
    };
    let mut record = format!("type={kind},{},{}", field("source", source), field("target", target));
    if !writable {
        record.push_str(",readonly");
    }
    record.into()
}
