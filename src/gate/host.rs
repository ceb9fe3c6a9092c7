//! What stands between a plugin and the machine: the view, the grants, the clock that ends it, and the log.

use super::{
    View,
    command::granted_environment,
    limits::Bounds,
    process::{End, Input, Stop, supervise},
};
use crate::model::{Error, Result, error::Blame};
use std::{
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::process::Command;

/// What is kept of the words of a plugin, in bytes.
const KEPT_LOG_BYTES: usize = 64 << 10;

/// How a program that a plugin ran has ended.
pub struct Output {
    /// Its exit status; none where a signal ended it.
    pub status: Option<i32>,
    /// What it wrote.
    pub stdout: Vec<u8>,
    /// What it wrote to stderr.
    pub stderr: Vec<u8>,
}

/// The host of one call of a plugin.
pub struct Host {
    /// What it sees of the candidate.
    pub view: View,
    grants: Vec<String>,
    dir: Option<PathBuf>,
    deadline: Instant,
    stop: Stop,
    log: Vec<u8>,
    failure: Option<Error>,
}

impl Host {
    /// A host that ends the call at `deadline` or once `stop` is true. `grants` are those that the plugin asked for and was given;
    /// programs run in `dir`.
    pub fn new(view: View, grants: Vec<String>, dir: Option<PathBuf>, deadline: Instant, stop: Stop) -> Host {
        Host { view, grants, dir, deadline, stop, log: Vec::new(), failure: None }
    }

    /// What is left when the call is over: the view, the log, and what the machine could not do. That is no fault of the
    /// candidate, whatever the plugin made of it.
    pub fn end(self) -> (View, Vec<u8>, Option<Error>) {
        (self.view, self.log, self.failure)
    }

    /// Why the call must end now, if it must.
    pub fn over(&self) -> Option<Over> {
        if *self.stop.borrow() {
            return Some(Over::Stopped);
        }
        (Instant::now() >= self.deadline).then_some(Over::TimedOut)
    }

    /// Ask the view, and remember what the machine could not do.
    pub fn ask<T>(&mut self, question: impl FnOnce(&mut View) -> Result<T>) -> Result<T> {
        let answer = question(&mut self.view);
        if let Err(error) = &answer
            && error.blame == Blame::Environment
        {
            self.failure = Some(error.clone());
        }
        answer
    }

    /// Keep a line for whoever reads why the plugin said what it said.
    pub fn log(&mut self, level: &str, message: &str) {
        let room = KEPT_LOG_BYTES.saturating_sub(self.log.len());
        if room == 0 {
            return;
        }
        let line = format!("{level}: {message}\n");
        self.log.extend_from_slice(&line.as_bytes()[..line.len().min(room)]);
    }

    fn granted(&self, what: &str) -> Result<()> {
        if self.grants.iter().any(|grant| covers(grant, what)) {
            return Ok(());
        }
        Err(Error::input("not-granted", format!("`{what}` is not granted"))
            .hint("ask for it by `capabilities`, and let lex-pr.toml `allow` it"))
    }

    /// A variable of the environment.
    pub fn env(&self, name: &str) -> Result<Option<String>> {
        self.granted(&format!("env:{name}"))?;
        // `var_os` panics on no input, but a name that can be no variable is none.
        Ok(std::env::vars_os().find(|(known, _)| known == name).map(|(_, value)| value.to_string_lossy().into_owned()))
    }

    /// Seconds since 1970.
    pub fn now(&self) -> Result<u64> {
        self.granted("clock")?;
        Ok(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }

    /// Run a program in the work tree of the candidate, until the call must end.
    pub fn exec(&mut self, program: &str, arguments: &[String], input: Vec<u8>) -> Result<Output> {
        self.granted(&format!("exec:{program}"))?;
        let starting = |e: std::io::Error| Error::io(format_args!("run `{program}`"), e);
        let dir = self.dir.as_ref().ok_or_else(|| starting(std::io::Error::other("there is no work tree")))?;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(dir).env_clear().envs(granted_environment(&self.grants));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(starting)?;
        let bounds = Bounds { time: Some(self.deadline.saturating_duration_since(Instant::now())), ..Bounds::default() };
        let input = if input.is_empty() { Input::Nothing } else { Input::Text(input) };
        let ended = runtime.block_on(supervise(command, input, bounds, &mut self.stop)).map_err(starting)?;
        // A reader of a pipe that somebody still holds must not be waited for.
        runtime.shutdown_timeout(Duration::ZERO);
        match ended.end {
            End::Exited(Ok(status)) => {
                let status = status.code().filter(|_| status.signal().is_none());
                Ok(Output { status, stdout: ended.stdout, stderr: ended.stderr })
            }
            End::Exited(Err(e)) => Err(starting(e)),
            End::Over(_) | End::Stopped => Err(starting(std::io::Error::other("the time of the gate is over"))),
        }
    }
}

/// Why a call ends before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Its time is over.
    TimedOut,
    /// The user wants all gates to end.
    Stopped,
}

/// Whether a grant, which may end in `*`, gives `what`.
pub fn covers(grant: &str, what: &str) -> bool {
    match grant.strip_suffix('*') {
        Some(prefix) if grant.starts_with("env:") => what.starts_with(prefix),
        _ => grant == what,
    }
}
