//! Gates that are commands: `sh -c` in a work tree of the candidate, in a process group of its own, with a bounded
//! environment, bounded output and bounded time.

use crate::model::{gate::GateSpec, policy::Retry, time::human, verdict::Answer};
use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    collections::VecDeque,
    ffi::OsString,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{io::AsyncReadExt, process::Command, sync::watch};

/// What is kept of each of stdout and stderr: the last bytes, since errors come last.
const KEPT_OUTPUT_BYTES: usize = 256 << 10;

/// How long a gate may take to obey SIGTERM before SIGKILL.
const GRACE: Duration = Duration::from_secs(2);

/// How long to wait for the output of a process that left the group and still holds the pipe.
const DRAIN: Duration = Duration::from_millis(500);

/// The variables that every command sees, where they are set. Others are granted by `allow = ["env:NAME"]`.
const ALLOWED_ENV: [&str; 11] = ["HOME", "LANG", "LC_*", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER", "XDG_*"];

/// The candidate that a gate is asked about, as it sees it in `LEX_PR_*`.
#[derive(Clone, Debug)]
pub struct Context {
    /// The item's name.
    pub item: String,
    /// The target branch.
    pub target: String,
    /// The commit that the candidate is on, in hex.
    pub base: String,
    /// The item's head, in hex.
    pub head: String,
    /// The candidate, in hex.
    pub candidate: String,
}

/// What all tries of a gate came to.
#[derive(Clone, Debug)]
pub struct Attempted {
    /// The answer.
    pub answer: Answer,
    /// One line for a person.
    pub summary: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Wall time of all tries and the waits between them.
    pub duration: Duration,
    /// What the last try wrote to stdout.
    pub stdout: Vec<u8>,
    /// What the last try wrote to stderr.
    pub stderr: Vec<u8>,
    /// Whether the user stopped it; then it has no answer worth keeping.
    pub stopped: bool,
}

/// True once the user wants gates to end.
pub type Stop = watch::Receiver<bool>;

enum End {
    Exited(std::io::Result<ExitStatus>),
    TimedOut,
    Stopped,
}

/// Try `gate` in `dir`, the root of a work tree that shows the candidate, as often as `retry` allows.
pub async fn run(gate: &GateSpec, retry: Retry, dir: &Path, context: &Context, mut stop: Stop) -> Attempted {
    let started = Instant::now();
    let mut backoff = Duration::try_from_secs_f64(retry.backoff_seconds).unwrap_or_default();
    let mut attempt = 1;
    loop {
        let mut tried = try_once(gate, dir, context, attempt, &mut stop).await;
        tried.attempts = attempt;
        tried.duration = started.elapsed();
        if tried.answer.is_good() && attempt > 1 {
            tried.summary = format!("passed at try {attempt} of {}: it flakes", retry.max_attempts);
        }
        if tried.answer.is_good() || tried.stopped || attempt >= retry.max_attempts {
            return tried;
        }
        tokio::select! {
            () = tokio::time::sleep(backoff) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
        backoff *= 2;
        attempt += 1;
    }
}

async fn try_once(gate: &GateSpec, dir: &Path, context: &Context, attempt: u32, stop: &mut Stop) -> Attempted {
    let cwd = dir.join(gate.cwd.as_deref().unwrap_or("."));
    let nothing = |answer, summary| Attempted {
        answer,
        summary,
        attempts: attempt,
        duration: Duration::ZERO,
        stdout: Vec::new(),
        stderr: Vec::new(),
        stopped: false,
    };
    if !cwd.is_dir() {
        return nothing(Answer::Fail, format!("the candidate has no folder `{}` to run in", gate.cwd.as_deref().unwrap_or(".")));
    }
    let mut command = Command::new("sh");
    command.arg("-c").arg(&gate.run).current_dir(&cwd).env_clear().envs(environment(gate, context, attempt));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(e) => return nothing(Answer::Error, format!("could not start `sh`: {e}")),
    };
    let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    let (stdout, stderr) = (Tail::read(child.stdout.take()), Tail::read(child.stderr.take()));
    let limit = gate.timeout.as_ref().map(|t| t.duration());
    let end = tokio::select! {
        status = child.wait() => End::Exited(status),
        () = sleep_or_forever(limit) => End::TimedOut,
        _ = stop.wait_for(|stop| *stop) => End::Stopped,
    };
    if let (End::TimedOut | End::Stopped, Some(group)) = (&end, group) {
        // A group that is gone already is as good as killed, here and below.
        let _ = kill_process_group(group, Signal::TERM);
        let _ = tokio::time::timeout(GRACE, child.wait()).await;
    }
    if let Some(group) = group {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait().await;
    let (stdout, stderr) = (stdout.take().await, stderr.take().await);
    let (answer, summary) = match &end {
        End::Exited(Ok(status)) if status.success() => (Answer::Pass, "exit status 0".into()),
        End::Exited(Ok(status)) => match status.signal() {
            Some(signal) => (Answer::Error, format!("killed by signal {signal}")),
            None => {
                let code = status.code().unwrap_or(-1);
                let words = last_line(&stderr).or_else(|| last_line(&stdout)).map_or(String::new(), |words| format!(": {words}"));
                match unstartable(code) {
                    Some(why) => (Answer::Error, format!("exit status {code}, {why}{words}")),
                    None => (Answer::Fail, format!("exit status {code}{words}")),
                }
            }
        },
        End::Exited(Err(e)) => (Answer::Error, format!("could not wait for it: {e}")),
        End::TimedOut => (Answer::Error, format!("timed out after {}", human(limit.unwrap_or_default()))),
        End::Stopped => (Answer::Error, "stopped".into()),
    };
    Attempted { stdout, stderr, stopped: matches!(end, End::Stopped), ..nothing(answer, summary) }
}

/// What the exit statuses say that a shell keeps for commands which it could not start (POSIX.1-2017, XCU 2.8.2). They
/// speak of the machine, not of the candidate.
fn unstartable(code: i32) -> Option<&'static str> {
    match code {
        126 => Some("a command that cannot be executed"),
        127 => Some("a command that is not here"),
        _ => None,
    }
}

async fn sleep_or_forever(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}

fn environment(gate: &GateSpec, context: &Context, attempt: u32) -> Vec<(OsString, OsString)> {
    let granted: Vec<&str> = gate.allow.iter().filter_map(|g| g.strip_prefix("env:")).chain(ALLOWED_ENV).collect();
    let allowed = |name: &str| granted.iter().any(|g| g.strip_suffix('*').map_or(*g == name, |prefix| name.starts_with(prefix)));
    let own = [
        ("LEX_PR_ITEM", &context.item),
        ("LEX_PR_TARGET", &context.target),
        ("LEX_PR_BASE", &context.base),
        ("LEX_PR_HEAD", &context.head),
        ("LEX_PR_CANDIDATE", &context.candidate),
        ("LEX_PR_GATE", &gate.name),
        ("LEX_PR_ATTEMPT", &attempt.to_string()),
    ]
    .map(|(name, value)| (name.into(), value.into()));
    let inherited = std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(allowed));
    let set = gate.env.iter().map(|(name, value)| (name.into(), value.into()));
    inherited.chain(set).chain(own).collect()
}

fn last_line(output: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(output);
    let line = text.lines().rev().map(str::trim).find(|l| !l.is_empty())?;
    Some(line.chars().filter(|c| !c.is_control()).take(160).collect())
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
