//! Commands in bubblewrap: all of the machine read-only, but for home, which is empty, and the user's git folder, which is not there;
//! the work tree to write to; a network only where it is granted; and processes, temporary files and devices of its own.

use super::{
    command::{Environment, granted_environment},
    limits::Bounds,
    process::{End, Ended, Input, KILLED, Stop, Unstarted, leash, supervise},
    telling::last_line,
};
use crate::{
    model::{
        error::Class,
        gate::{GateSpec, NETWORK, granted_path},
    },
    repo::{GateTree, Scratch},
};
use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};
use tokio::process::Command;

/// Sockets of the machine's services lie in /run, so that it is empty; these are where some systems keep their programs, and the names
/// of their servers for a gate with network.
const PROGRAMS: [&str; 2] = ["/run/current-system", "/run/wrappers"];
const RESOLVERS: [&str; 3] = ["/run/systemd/resolve", "/run/NetworkManager", "/run/resolvconf"];

/// Run `gate` in `cwd`, a folder of `tree`. The error says why the sandbox could not be made, which tells nothing of the candidate.
pub(super) async fn run(gate: &GateSpec, tree: &GateTree, cwd: &Path, own: Environment, stop: &mut Stop) -> Result<Ended, Unstarted> {
    let making = |e: std::io::Error| Unstarted::io("could not make the sandbox", &e);
    let room = Scratch::create().map_err(making)?;
    let mut command = Command::new("bwrap");
    let line = leash("") + gate.command_line();
    command.args(arguments(gate, tree, cwd, room.path()).map_err(making)?).args(["--", "sh", "-c", &line]);
    command.env_clear().envs(granted_environment(&gate.allow)).env("TMPDIR", "/tmp").envs(own);
    let mut ended = supervise(command, Input::Leash, Bounds::of(gate)?, stop).await.map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            Unstarted::new("could not make the sandbox: `bwrap` is not here; install bubblewrap", Class::Permanent)
        }
        _ => making(e),
    })?;
    if let End::Exited(Ok(status)) = &ended.end {
        let words = last_line(&ended.stderr).unwrap_or_default();
        match status.code() {
            Some(1) if words.starts_with("bwrap: ") => {
                return Err(Unstarted::new(format!("could not make the sandbox: {words}"), Class::Unknown));
            }
            Some(KILLED) => ended.end = End::killed(),
            _ => {}
        }
    }
    Ok(ended)
}

fn arguments(gate: &GateSpec, tree: &GateTree, cwd: &Path, room: &Path) -> std::io::Result<Vec<OsString>> {
    let mut arguments: Vec<OsString> = Vec::new();
    let mut add = |words: &[&OsStr]| arguments.extend(words.iter().map(OsString::from));
    let flag = OsStr::new;
    let grants = |word: &'static str| gate.allow.iter().filter_map(move |grant| Some(expand(granted_path(grant, word)?)));
    let has_network = gate.allow.iter().any(|grant| grant == NETWORK);

    add(&["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"].map(flag));
    if has_network {
        add(&[flag("--share-net")]);
    }
    add(&["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"].map(flag));
    if Path::new("/run").is_dir() {
        add(&["--tmpfs", "/run"].map(flag));
        for path in PROGRAMS.into_iter().chain(RESOLVERS.into_iter().filter(|_| has_network)) {
            add(&["--ro-bind-try", path, path].map(flag));
        }
    }
    // On disk, not in memory, which they would take from the gates without being counted.
    let (temporary, empty) = (room.join("tmp"), room.join("home"));
    std::fs::create_dir(&temporary)?;
    std::fs::create_dir(&empty)?;
    for place in ["/tmp", "/var/tmp"].into_iter().filter(|place| Path::new(place).is_dir()) {
        add(&[flag("--bind"), temporary.as_os_str(), flag(place)]);
    }
    if let Some(home) = home() {
        add(&[flag("--bind"), empty.as_os_str(), home.as_os_str()]);
    }
    for path in grants("read:") {
        add(&[flag("--ro-bind-try"), path.as_os_str(), path.as_os_str()]);
    }
    for path in grants("write:") {
        add(&[flag("--bind-try"), path.as_os_str(), path.as_os_str()]);
    }
    // Behind the grants, for none of them may lay the repository open.
    add(&[flag("--tmpfs"), tree.owner().as_os_str()]);
    for objects in tree.objects() {
        add(&[flag("--ro-bind"), objects.as_os_str(), objects.as_os_str()]);
    }
    // Git works in this tree outside of the sandbox, too, and must find no configuration there that a gate has written.
    let git = tree.dir().join(".git");
    add(&[flag("--bind"), tree.dir().as_os_str(), tree.dir().as_os_str()]);
    add(&[flag("--ro-bind"), git.as_os_str(), git.as_os_str()]);
    add(&[flag("--chdir"), cwd.as_os_str()]);
    Ok(arguments)
}

/// The user's home, unless that is all of the machine.
fn home() -> Option<PathBuf> {
    let home = PathBuf::from(std::env::var_os("HOME")?).canonicalize().ok()?;
    (home.parent().is_some() && home.is_dir()).then_some(home)
}

/// A granted path with `~` as what it stands for.
fn expand(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => path.into(),
    }
}
