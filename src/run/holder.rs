//! The process that is at work on a run: who it is, whether it lives, and how it is asked to stop.

use crate::{
    model::{
        Error, Result,
        run::{Holder, Run, RunState},
    },
    repo::Repo,
};
use rustix::process::{Pid, Signal};
use schemars::JsonSchema;
use serde::Serialize;
use std::os::unix::fs::MetadataExt;

/// What can be told from here about the process of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Life {
    /// It is at work.
    Alive,
    /// It has ended without closing the run's journal: it was killed.
    Gone,
    /// It is, or was, on another machine, in another container or in another clone, so that its end cannot be seen from here.
    Elsewhere,
}

/// This very process, at work in `repo`.
pub(super) fn here(repo: &Repo) -> Holder {
    Holder { folder: folder(repo), ..this_process() }
}

fn folder(repo: &Repo) -> u64 {
    std::fs::metadata(repo.git.common_dir()).map_or(0, |folder| folder.ino())
}

fn this_process() -> Holder {
    let pid = std::process::id();
    Holder {
        host: line("/proc/sys/kernel/hostname").or_else(|| said("uname", &["-n"])).unwrap_or_default(),
        pid,
        started: start_of(pid).unwrap_or_default(),
        boot: line("/proc/sys/kernel/random/boot_id").unwrap_or_default(),
        space: std::fs::read_link("/proc/self/ns/pid").map(|space| space.display().to_string()).unwrap_or_default(),
        folder: 0,
    }
}

/// Whether the process of a run that has not ended lives; `None` for a run that has.
pub fn life(repo: &Repo, run: &Run) -> Option<Life> {
    let holder = run.holder.as_ref();
    let process = process(run)?;
    // The end of a run in another clone is written there.
    let other_clone = process == Life::Gone && holder.is_some_and(|holder| holder.folder != folder(repo));
    Some(if other_clone { Life::Elsewhere } else { process })
}

/// The same of the process alone, whatever repository it works in.
pub(super) fn process(run: &Run) -> Option<Life> {
    (run.state == RunState::Running).then(|| run.holder.as_ref().map_or(Life::Elsewhere, life_of))
}

fn life_of(holder: &Holder) -> Life {
    let here = this_process();
    // The same boot is the same machine, whatever it is called now; another boot of it has none of its processes left.
    if holder.boot != here.boot || holder.boot.is_empty() {
        if holder.host != here.host {
            return Life::Elsewhere;
        }
        if holder.boot != here.boot {
            return Life::Gone;
        }
    }
    if holder.space != here.space {
        return Life::Elsewhere;
    }
    if is(holder) { Life::Alive } else { Life::Gone }
}

/// Whether the process that has the holder's id here is the holder.
fn is(holder: &Holder) -> bool {
    start_of(holder.pid).is_some_and(|started| started == holder.started)
}

/// When a process began: in clock ticks since the boot, the 22nd field of proc_pid_stat(5), or as ps(1) says it. `None` where
/// there is none, or only what is left of one until its parent asks for it.
fn start_of(pid: u32) -> Option<String> {
    if !std::path::Path::new("/proc/self/stat").exists() {
        return said("ps", &["-o", "lstart=", "-p", &pid.to_string()]);
    }
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses, which may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") { None } else { fields.nth(18).map(ToOwned::to_owned) }
}

/// Ask the process of a run to stop, and to kill its gates. Another process that got its id meanwhile is left alone.
///
/// Errors: a process of somebody else.
pub(super) fn ask_to_stop(holder: &Holder) -> Result<()> {
    let Some(pid) = i32::try_from(holder.pid).ok().and_then(Pid::from_raw) else { return Ok(()) };
    match signal(holder, pid) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => {
            let refused = Error::environment("not-stopped", format!("{holder} could not be asked to stop: {error}"));
            Err(refused.hint("ask whoever started it, or end the run without it: --force"))
        }
    }
}

/// A descriptor of the process stays with it, so that nothing can come between the look at it and the signal.
#[cfg(target_os = "linux")]
fn signal(holder: &Holder, pid: Pid) -> rustix::io::Result<()> {
    use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};
    let process = pidfd_open(pid, PidfdFlags::empty())?;
    if is(holder) { pidfd_send_signal(&process, Signal::TERM) } else { Ok(()) }
}

#[cfg(not(target_os = "linux"))]
fn signal(holder: &Holder, pid: Pid) -> rustix::io::Result<()> {
    if is(holder) { rustix::process::kill_process(pid, Signal::TERM) } else { Ok(()) }
}

fn line(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_string()).filter(|text| !text.is_empty())
}

/// What a program of the system says.
fn said(program: &str, args: &[&str]) -> Option<String> {
    let output = std::process::Command::new(program).args(args).env("LC_ALL", "C").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_string()).filter(|text| !text.is_empty())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Holder, Life, ask_to_stop, life_of, this_process};
    use std::process::Command;

    #[test]
    fn a_process_is_known_by_its_beginning_and_its_place() {
        let me = this_process();
        assert_eq!(life_of(&me), Life::Alive);
        let another = |change: &dyn Fn(&mut Holder)| {
            let mut holder = me.clone();
            change(&mut holder);
            life_of(&holder)
        };
        assert_eq!(another(&|h| h.started = "1".into()), Life::Gone, "the id was given again");
        assert_eq!(another(&|h| h.boot = "b".into()), Life::Gone, "the machine was started again");
        assert_eq!(another(&|h| h.host = "h".into()), Life::Alive, "the machine was renamed");
        assert_eq!(another(&|h| h.space = "s".into()), Life::Elsewhere);
        assert_eq!(another(&|h| (h.host, h.boot) = ("h".into(), "b".into())), Life::Elsewhere);
    }

    #[test]
    fn no_other_process_is_asked_to_stop() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let stranger = Holder { pid: child.id(), started: "1".into(), ..this_process() };
        ask_to_stop(&stranger).unwrap();
        assert!(child.try_wait().unwrap().is_none());
        let holder = Holder { started: super::start_of(child.id()).unwrap(), ..stranger };
        assert_eq!(life_of(&holder), Life::Alive);
        ask_to_stop(&holder).unwrap();
        assert!(!child.wait().unwrap().success());
        assert_eq!(life_of(&holder), Life::Gone);
        ask_to_stop(&holder).unwrap();
    }
}
