//! Running git itself, for the few things that only git does.

use super::Repo;
use crate::model::{Error, Result, shell_word};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::{
    ffi::OsStr,
    fs::File,
    io::{BufRead, BufReader, BufWriter, ErrorKind, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

/// The variables that bind a git process to one repository (`git rev-parse --local-env-vars`). A child that works in
/// another one must not inherit them, as it would from a hook.
const LOCAL_ENV: [&str; 12] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// One call of git with captured output.
pub struct GitCommand {
    command: Command,
    /// Whether it has a process group of its own, which dies as a whole.
    grouped: bool,
}

/// What a call of git printed.
pub struct GitOutput {
    /// The exit status; -1 where a signal ended it.
    pub status: i32,
    /// All of stdout.
    pub stdout: Vec<u8>,
    /// All of stderr, for messages.
    pub stderr: String,
}

impl GitCommand {
    /// Git in `dir`, without the variables that would bind it to another repository.
    pub fn new(dir: &Path) -> Self {
        GitCommand::program("git", dir)
    }

    /// Git as one that may ask the user at the terminal for a password, which only a process in the foreground can.
    pub fn asking(dir: &Path) -> Self {
        GitCommand { command: GitCommand::command("git", dir), grouped: false }
    }

    fn program(name: &str, dir: &Path) -> Self {
        let mut command = GitCommand::command(name, dir);
        // Git holds locks, which it gives back at its end: what ends this process, such as Ctrl-C, must not reach it.
        command.process_group(0);
        GitCommand { command, grouped: true }
    }

    fn command(name: &str, dir: &Path) -> Command {
        let mut command = Command::new(name);
        command.current_dir(dir);
        for name in LOCAL_ENV {
            command.env_remove(name);
        }
        // Messages are matched in one place and shown in others; neither may depend on the user's language.
        command.env("LC_ALL", "C").stdin(Stdio::null());
        command
    }

    /// Git bound to one git directory, and to a work tree where there is one.
    pub fn bound_to(git_dir: &Path, workdir: Option<&Path>) -> Self {
        GitCommand::new(workdir.unwrap_or(git_dir)).bind(git_dir, workdir)
    }

    /// A script for `sh` whose git is bound to one work tree.
    pub fn script(script: &str, git_dir: &Path, workdir: &Path) -> Self {
        GitCommand::program("sh", workdir).bind(git_dir, Some(workdir)).args(["-c", script, "sh"])
    }

    /// Bind it to one git directory, and to a work tree where there is one.
    pub fn bind(self, git_dir: &Path, workdir: Option<&Path>) -> Self {
        let command = self.env("GIT_DIR", absolute(git_dir));
        match workdir {
            Some(dir) => command.env("GIT_WORK_TREE", absolute(dir)),
            None => command,
        }
    }

    /// Add arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    /// Set a variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Run it, whatever its exit status is.
    pub fn output(mut self, input: Option<&[u8]>) -> Result<GitOutput> {
        match input {
            Some(input) => self.feed(|stdin| stdin.write_all(input)),
            None => {
                let begun = Instant::now();
                let output = self.command.output().map_err(missing)?.into();
                self.tell(begun, &output);
                Ok(output)
            }
        }
    }

    /// Run it, whatever its exit status is, on what `write` gives it to read.
    pub fn feed(mut self, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<GitOutput> {
        let begun = Instant::now();
        let mut child = self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(missing)?;
        if let Some(stdin) = child.stdin.take() {
            // Git may end before it has read everything; its exit status then says why.
            let mut stdin = BufWriter::new(stdin);
            let _ = write(&mut stdin).and_then(|()| stdin.flush());
        }
        let output = child.wait_with_output().map_err(missing)?.into();
        self.tell(begun, &output);
        Ok(output)
    }

    /// Tell whoever wants to know what was run, and how long it took.
    fn tell(&self, begun: Instant, output: &GitOutput) {
        tracing::debug!(status = output.status, took = ?begun.elapsed(), "{}", self.words());
    }

    /// The command line as a shell takes it.
    fn words(&self) -> String {
        let program = std::iter::once(self.command.get_program());
        program.chain(self.command.get_args()).map(|word| shell_word(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
    }

    /// Run it, but kill it and all that it started when `limit` is over; then there is no output.
    pub fn output_within(mut self, limit: Duration) -> Result<Option<GitOutput>> {
        let begun = Instant::now();
        let child = self.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(missing)?;
        let (id, grouped) = (Pid::from_raw(child.id().cast_signed()), self.grouped);
        let (done, over) = mpsc::channel::<()>();
        let watch = std::thread::spawn(move || {
            let late = over.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout);
            match id.filter(|_| late) {
                // One that is gone already is as good as killed. Without a group of its own, git ends what it has started itself.
                Some(id) if grouped => drop(kill_process_group(id, Signal::KILL)),
                Some(id) => drop(kill_process(id, Signal::TERM)),
                None => {}
            }
            late
        });
        let output = child.wait_with_output().map_err(missing);
        drop(done);
        match watch.join() {
            Ok(true) => Ok(None),
            _ => {
                let output = output?.into();
                self.tell(begun, &output);
                Ok(Some(output))
            }
        }
    }

    /// Start it for a dialogue by lines. It hears of the end of this process, however that comes, as the end of the dialogue.
    pub fn talk(self) -> Result<Talk> {
        self.talk_over(Stdio::piped())
    }

    /// The same for one that holds `file`, by flock(2), until it and all that it started have ended. What they write to stderr goes there.
    pub fn talk_holding(self, file: File) -> Result<Talk> {
        self.talk_over(file.into())
    }

    fn talk_over(mut self, stderr: Stdio) -> Result<Talk> {
        tracing::debug!("{}, for a dialogue", self.words());
        let mut child = self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr).spawn().map_err(missing)?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
        Ok(Talk { child: Some(child), stdin, stdout })
    }

    /// Run it and give its stdout; a non-zero exit status is an error that says what could not be done.
    pub fn run(self, doing: &str) -> Result<Vec<u8>> {
        let output = self.output(None)?;
        match output.status {
            0 => Ok(output.stdout),
            _ => Err(Error::git(doing, output.stderr)),
        }
    }
}

fn missing(error: std::io::Error) -> Error {
    if error.kind() != ErrorKind::NotFound {
        return Error::io("run git", error);
    }
    Error::environment("no-git", format!("could not run git: {error}")).hint("install git 2.38 or newer and put it on PATH")
}

impl From<std::process::Output> for GitOutput {
    fn from(output: std::process::Output) -> Self {
        GitOutput {
            status: output.status.code().unwrap_or(-1),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A git process that is told something and answers, line by line.
pub struct Talk {
    /// Absent once it has ended.
    child: Option<Child>,
    stdin: Option<ChildStdin>,
    stdout: Option<BufReader<ChildStdout>>,
}

impl Talk {
    /// Tell it something. Where it has ended, what it says next shows that.
    pub fn say(&mut self, words: &str) {
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(words.as_bytes()).and_then(|()| stdin.flush());
        }
    }

    /// Its next line; `None` where it has ended.
    pub fn hear(&mut self) -> Option<String> {
        let mut line = String::new();
        let length = self.stdout.as_mut()?.read_line(&mut line).ok()?;
        (length > 0).then(|| line.trim_end().to_string())
    }

    /// Let it end, and give what it has said besides.
    pub fn end(mut self) -> Result<GitOutput> {
        drop((self.stdin.take(), self.stdout.take()));
        let gone = || missing(std::io::ErrorKind::BrokenPipe.into());
        Ok(self.child.take().ok_or_else(gone)?.wait_with_output().map_err(missing)?.into())
    }
}

impl Drop for Talk {
    /// A process that hears no more ends, and gives back what it holds.
    fn drop(&mut self) {
        self.stdin = None;
        if let Some(child) = &mut self.child {
            let _ = child.wait();
        }
    }
}

impl Repo {
    /// Git bound to this very repository.
    pub fn git_command(&self) -> GitCommand {
        GitCommand::bound_to(self.git.git_dir(), self.git.workdir())
    }
}

/// The process runs in another folder, from which a relative path would name something else.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}
