//! Gates that are commands: `sh -c` in a work tree of the candidate, with a bounded environment; as it is, in a sandbox, or in
//! a container.

use super::{
    Subject, container,
    limits::{Bounds, Broken},
    process::{End, Ended, Guard, Input, SHELL, Stop, Unstarted, supervise},
    sandbox,
    telling::telling_line,
};
use crate::{
    model::{
        error::Class,
        gate::{GateSpec, Runtime, Sandbox},
        policy::Retry,
        time::{Span, human, jittered},
        verdict::Answer,
    },
    repo::GateTree,
};
use std::{
    ffi::{OsStr, OsString},
    os::unix::process::ExitStatusExt,
    path::Path,
    time::{Duration, Instant},
};
use tokio::process::Command;

/// The variables that every command sees, where they are set. Others are granted by `allow = ["env:NAME"]`.
const ALLOWED_ENV: [&str; 11] = ["HOME", "LANG", "LC_*", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER", "XDG_*"];

/// What all tries of a gate came to.
#[derive(Clone, Debug)]
pub struct Attempted {
    /// The answer.
    pub answer: Answer,
    /// Of an error: whether it may pass by itself.
    pub class: Option<Class>,
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

/// The guard that `gate` needs, if it needs one: it can be made while there is no work tree yet, and takes as long as to start a process. Where
/// it cannot be made now, that is tried again, and told of, when the gate is run.
pub fn guard(gate: &GateSpec) -> Option<Guard> {
    let is_guarded = gate.runtime == Runtime::Local && gate.sandbox == Sandbox::None;
    is_guarded.then(Guard::start)?.ok()
}

/// Try `gate` in `tree`, which shows the candidate, as often as `retry` allows behind `before` tries; the first time with `guard`, where that was
/// made.
pub async fn run(
    gate: &GateSpec,
    retry: Retry,
    before: u32,
    mut guard: Option<Guard>,
    tree: &GateTree,
    subject: &Subject,
    mut stop: Stop,
) -> Attempted {
    let started = Instant::now();
    let mut backoff = Duration::try_from_secs_f64(retry.backoff_seconds).unwrap_or_default();
    let mut attempt = before + 1;
    loop {
        let mut tried = try_once(gate, guard.take(), tree, subject, attempt, &mut stop).await;
        tried.attempts = attempt;
        tried.duration = started.elapsed();
        if tried.answer.is_good() && attempt > 1 {
            tried.summary = format!("passed at try {attempt} of {}: it flakes", retry.max_attempts);
        }
        // What somebody has to mend is the same at each try.
        if tried.answer.is_good() || tried.stopped || tried.class == Some(Class::Permanent) || attempt >= retry.max_attempts {
            return tried;
        }
        tokio::select! {
            () = tokio::time::sleep(jittered(backoff)) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
        backoff *= 2;
        attempt += 1;
    }
}

async fn try_once(gate: &GateSpec, guard: Option<Guard>, tree: &GateTree, subject: &Subject, attempt: u32, stop: &mut Stop) -> Attempted {
    let cwd = tree.dir().join(gate.cwd.as_deref().unwrap_or("."));
    let nothing = |answer, class, summary| Attempted {
        answer,
        class,
        summary,
        attempts: attempt,
        duration: Duration::ZERO,
        stdout: Vec::new(),
        stderr: Vec::new(),
        stopped: false,
    };
    if !cwd.is_dir() {
        return nothing(Answer::Fail, None, format!("the candidate has no folder `{}` to run in", gate.cwd.as_deref().unwrap_or(".")));
    }
    let own = own_environment(gate, subject, attempt);
    let ended = match (gate.runtime, gate.sandbox) {
        (Runtime::Container, _) => container::run(gate, tree, &cwd, own, stop).await,
        (_, Sandbox::Bwrap) => sandbox::run(gate, tree, &cwd, own, stop).await,
        (_, Sandbox::None) => as_it_is(gate, guard, &cwd, own, stop).await,
    };
    match ended {
        Ok(ended) => {
            let (answer, class, summary) = said(gate, &ended);
            let stopped = matches!(ended.end, End::Stopped);
            Attempted { stopped, stdout: ended.stdout, stderr: ended.stderr, ..nothing(answer, class, summary) }
        }
        Err(Unstarted { why, class }) => Attempted { stopped: *stop.borrow(), ..nothing(Answer::Error, Some(class), why) },
    }
}

async fn as_it_is(gate: &GateSpec, guard: Option<Guard>, cwd: &Path, own: Environment, stop: &mut Stop) -> Result<Ended, Unstarted> {
    let starting = |e: std::io::Error| Unstarted::io("could not start `sh`", &e);
    let guard = guard.map_or_else(Guard::start, Ok).map_err(starting)?;
    let mut command = Command::new(SHELL);
    command.arg("-c").arg(gate.command_line()).current_dir(cwd).env_clear().envs(granted_environment(&gate.allow)).envs(own);
    let bounds = Bounds::of(gate)?;
    supervise(command, Input::Guarded(guard), bounds, stop).await.map_err(starting)
}

/// The answer that an end means; of an error, whether it may pass by itself; and one line for a person.
fn said(gate: &GateSpec, ended: &Ended) -> (Answer, Option<Class>, String) {
    let words = || telling_line(&ended.stdout, &ended.stderr).map_or(String::new(), |words| format!(": {words}"));
    let span = |span: &Option<Span>| human(span.as_ref().map_or(Duration::ZERO, Span::duration));
    let error = |class, summary| (Answer::Error, Some(class), summary);
    match &ended.end {
        End::Exited(Ok(status)) if status.success() => (Answer::Pass, None, "exit status 0".into()),
        End::Exited(Ok(status)) => match status.signal() {
            // Somebody has ended it, such as a kernel that is short of memory; by the others it has ended itself.
            Some(signal @ (1 | 2 | 9 | 15)) => error(Class::Transient, format!("killed by signal {signal}")),
            Some(signal) => error(Class::Unknown, format!("killed by signal {signal}")),
            None => {
                let code = status.code().unwrap_or(-1);
                match unstartable(code) {
                    Some(why) => error(Class::Permanent, format!("exit status {code}, {why}{}", words())),
                    None => (Answer::Fail, None, format!("exit status {code}{}", words())),
                }
            }
        },
        End::Exited(Err(e)) => error(Class::of_io(e), format!("could not wait for it: {e}")),
        End::Over(Broken::Time) => error(Class::Transient, format!("timed out after {}", span(&gate.timeout))),
        End::Over(Broken::Memory) => error(Class::Unknown, format!("over its memory limit of {} MB", gate.memory_mb.unwrap_or_default())),
        End::Over(Broken::Cpu) => error(Class::Unknown, format!("over its limit of {} of processor time", span(&gate.cpu_time))),
        End::Stopped => error(Class::Transient, "stopped".into()),
    }
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

/// Variables by name.
pub(super) type Environment = Vec<(OsString, OsString)>;

/// What a gate's own `env` sets, and what it is told of its subject.
fn own_environment(gate: &GateSpec, subject: &Subject, attempt: u32) -> Environment {
    let told = [
        ("LEX_PR_ITEM", subject.item.clone()),
        ("LEX_PR_TARGET", subject.target.clone()),
        ("LEX_PR_BASE", subject.base.to_string()),
        ("LEX_PR_HEAD", subject.head.to_string()),
        ("LEX_PR_CANDIDATE", subject.candidate.to_string()),
        ("LEX_PR_GATE", gate.name.clone()),
        ("LEX_PR_ATTEMPT", attempt.to_string()),
    ]
    .map(|(name, value)| (name.into(), value.into()));
    gate.env.iter().map(|(name, value)| (name.into(), value.into())).chain(told).collect()
}

/// The variables of this process that a gate with these grants sees.
pub(super) fn granted_environment(allow: &[String]) -> impl Iterator<Item = (OsString, OsString)> + use<> {
    let granted: Vec<String> = grants_of_variables(allow).chain(ALLOWED_ENV).map(String::from).collect();
    std::env::vars_os().filter(move |(name, _)| granted.iter().any(|grant| names_variable(grant, name)))
}

/// The variables that are granted by name, `NAME` or `PREFIX*`.
pub(super) fn grants_of_variables(allow: &[String]) -> impl Iterator<Item = &str> {
    allow.iter().filter_map(|grant| grant.strip_prefix("env:"))
}

/// Whether a grant names a variable.
pub(super) fn names_variable(grant: &str, name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| grant.strip_suffix('*').map_or(grant == name, |prefix| name.starts_with(prefix)))
}
