//! A process of a gate: in a group of its own that dies as a whole, with bounded output and bounded time, and not later than this
//! process.

use super::limits::{Bounds, Broken};
use crate::model::error::Class;
use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    collections::VecDeque,
    fmt::Display,
    os::unix::process::ExitStatusExt,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    sync::watch,
};

/// What is kept of each of stdout and stderr: the last bytes, since errors come last.
const KEPT_OUTPUT_BYTES: usize = 256 << 10;

/// How long a gate may take to obey SIGTERM before SIGKILL.
const GRACE: Duration = Duration::from_secs(2);

/// How long to wait for the output of a process that left the group and still holds the pipe.
const DRAIN: Duration = Duration::from_millis(500);

/// The shell, as system(3) knows it. A program that is looked for in a PATH of its own is started by way of a copy of this process, which takes
/// longer than many a gate.
pub(super) const SHELL: &str = "/bin/sh";

/// True once the user wants gates to end.
pub type Stop = watch::Receiver<bool>;

/// Why a process ended.
pub(super) enum End {
    Exited(std::io::Result<ExitStatus>),
    Over(Broken),
    Stopped,
}

/// What a shell says of a command that SIGKILL has ended: 128 and the signal's number.
pub(super) const KILLED: i32 = 128 + 9;

impl End {
    /// That of a process which SIGKILL has ended, where only a shell's word for it came through.
    pub fn killed() -> End {
        End::Exited(Ok(ExitStatus::from_raw(9)))
    }
}

/// Why a gate could not be started, which tells nothing of the candidate.
pub(super) struct Unstarted {
    pub why: String,
    pub class: Class,
}

impl Unstarted {
    pub fn new(why: impl Into<String>, class: Class) -> Unstarted {
        Unstarted { why: why.into(), class }
    }

    /// The system did not let it, while `doing`.
    pub fn io(doing: impl Display, error: &std::io::Error) -> Unstarted {
        Unstarted::new(format!("{doing}: {error}"), Class::of_io(error))
    }
}

/// A process that is gone, and all that it started with it.
pub(super) struct Ended {
    pub end: End,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// What a process finds on its standard input.
pub(super) enum Input {
    Nothing,
    Text(Vec<u8>),
    /// A pipe that says nothing and ends with this process, however that comes: what [`leash`] waits for.
    Leash,
    /// Nothing, in the group of a guard.
    Guarded(Guard),
}

/// A process group that dies with this process, however that comes, and with this. Its first member waits for that; others may join.
pub struct Guard {
    group: Pid,
    /// What it reads has its end with this process. Dropped, it kills the group.
    _watcher: Child,
}

impl Guard {
    /// Make one. The end of what it reads waits for it, so that it need not have begun to watch.
    pub(super) fn start() -> std::io::Result<Guard> {
        let mut command = Command::new(SHELL);
        command.args(["-c", "trap '' HUP INT TERM; read -r _; kill -KILL 0"]);
        let watcher = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).spawn()?;
        let group = watcher.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        Ok(Guard { group: group.ok_or(std::io::ErrorKind::NotFound)?, _watcher: watcher })
    }
}

/// The beginning of a line for `sh` that is started with [`Input::Leash`]: where this process is killed, the group of the shell dies
/// with it, after the command `last`. What follows on the line finds nothing on its standard input, and no child of its own that it
/// has not made: there are programs that wait for all of them.
pub(super) fn leash(last: &str) -> String {
    format!("exec 3<&0 </dev/null; ( (read -r _; {last} kill -KILL 0) <&3 >/dev/null 2>&1 & ); exec 3<&-; ")
}

/// Start `command`, give it `input`, and see it to its end, which `bounds` or `stop` may bring. The error is that it could not be
/// started.
pub(super) async fn supervise(mut command: Command, input: Input, bounds: Bounds, stop: &mut Stop) -> std::io::Result<Ended> {
    let stdin = if matches!(input, Input::Nothing | Input::Guarded(_)) { Stdio::null() } else { Stdio::piped() };
    let guard = if let Input::Guarded(guard) = &input { Some(guard.group) } else { None };
    command.process_group(guard.map_or(0, |group| group.as_raw_nonzero().get()));
    let mut child = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn()?;
    let root = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    let group = guard.or(root);
    // Taken, since a wait would close it.
    let (_guard, leash) = match (input, child.stdin.take()) {
        (Input::Guarded(guard), _) => (Some(guard), None),
        (Input::Text(text), Some(mut stdin)) => {
            // It may end before it has read everything; its exit status then says why.
            tokio::spawn(async move { stdin.write_all(&text).await });
            (None, None)
        }
        (_, stdin) => (None, stdin),
    };
    let (stdout, stderr) = (Tail::read(child.stdout.take()), Tail::read(child.stderr.take()));
    let end = tokio::select! {
        status = child.wait() => End::Exited(status),
        broken = bounds.broken(root) => End::Over(broken),
        _ = stop.wait_for(|stop| *stop) => End::Stopped,
    };
    if let (End::Over(Broken::Time) | End::Stopped, Some(group)) = (&end, group) {
        // A group that is gone already is as good as killed, here and below.
        let _ = kill_process_group(group, Signal::TERM);
        let _ = tokio::time::timeout(GRACE, child.wait()).await;
    }
    if let Some(group) = group {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait().await;
    drop(leash);
    Ok(Ended { end, stdout: stdout.take().await, stderr: stderr.take().await })
}

/// The end of a stream, read in the background.
struct Tail {
    kept: Arc<Mutex<(VecDeque<u8>, usize)>>,
    reader: tokio::task::JoinHandle<()>,
}

impl Tail {
    fn read(stream: Option<impl AsyncReadExt + Unpin + Send + 'static>) -> Tail {
        let kept = Arc::new(Mutex::new((VecDeque::new(), 0)));
        let sink = Arc::clone(&kept);
        let reader = tokio::spawn(async move {
            let (Some(mut stream), mut buffer) = (stream, vec![0; 16 << 10]) else { return };
            while let Ok(n @ 1..) = stream.read(&mut buffer).await {
                let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
                sink.0.extend(&buffer[..n]);
                let surplus = sink.0.len().saturating_sub(KEPT_OUTPUT_BYTES);
                sink.0.drain(..surplus);
                sink.1 += surplus;
            }
        });
        Tail { kept, reader }
    }

    async fn take(mut self) -> Vec<u8> {
        if tokio::time::timeout(DRAIN, &mut self.reader).await.is_err() {
            self.reader.abort();
        }
        let kept = std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        let mut output = if kept.1 > 0 { format!("[{} bytes before this were left out]\n", kept.1).into_bytes() } else { Vec::new() };
        output.extend(kept.0);
        output
    }
}
