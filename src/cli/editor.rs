//! A text in the editor that git would open.

use super::deaf::Deaf;
use crate::{
    model::{Error, Result, shell_word},
    repo::Repo,
};
use std::{
    fs,
    io::{ErrorKind, IsTerminal, Write},
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::NamedTempFile;

/// What makes git give a command to a shell (`prepare_shell_cmd` in its run-command.c).
const SEEN_BY_SHELLS: [char; 22] =
    ['|', '&', ';', '<', '>', '(', ')', '$', '`', '\\', '"', '\'', ' ', '\t', '\n', '*', '?', '[', '#', '~', '=', '%'];

/// A text that a person edits, in a file that outlives every error.
pub struct Draft {
    file: NamedTempFile,
    /// What it held before anybody typed.
    given: String,
    _deaf: Deaf,
}

impl Draft {
    /// A file with `text`, whose name begins with `name` and ends with `.toml`.
    pub fn new(name: &str, text: &str) -> Result<Draft> {
        let prefix = format!("{}-", name.replace('/', "-"));
        let file = tempfile::Builder::new().prefix(&prefix).suffix(".toml").tempfile().map_err(|e| Error::io("make a file to edit", e))?;
        let mut draft = Draft { file, given: text.into(), _deaf: Deaf::begin()? };
        draft.file.write_all(text.as_bytes()).map_err(|e| draft.unwritten(e))?;
        Ok(draft)
    }

    /// The file's path, for messages.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Write another text over it.
    pub fn write(&self, text: &str) -> Result<()> {
        fs::write(self.path(), text).map_err(|e| self.unwritten(e))
    }

    fn unwritten(&self, error: std::io::Error) -> Error {
        Error::io(format_args!("write {}", self.path().display()), error)
    }

    /// Open it in the editor that `git var GIT_EDITOR` names, and give what it holds afterwards.
    pub fn open(&self, repo: &Repo) -> Result<String> {
        let mut ask = repo.git_command().args(["var", "GIT_EDITOR"]);
        if !std::io::stdin().is_terminal() {
            // Then git does not fall back on `vi`, which would wait for keys that nobody can press.
            ask = ask.env("TERM", "dumb");
        }
        let said = ask.output(None)?;
        let editor = String::from_utf8_lossy(&said.stdout).trim_end().to_string();
        let mend = "git config core.editor NAME chooses one, for one time GIT_EDITOR does";
        if said.status != 0 || editor.is_empty() {
            return Err(Error::input("no-editor", "git names no editor that could open here").hint(mend));
        }
        // As git has it, a shell takes apart what a shell could see anything in: an editor may have arguments.
        let mut command = Command::new(if editor.contains(SEEN_BY_SHELLS) { "sh" } else { &editor });
        if editor.contains(SEEN_BY_SHELLS) {
            command.args(["-c", &format!("{editor} \"$@\""), &editor]);
        }
        let ended = command.arg(self.path()).status();
        let ended = ended.map_err(|e| Error::io(format_args!("start the editor `{editor}`"), e).hint(mend))?;
        if !ended.success() {
            return Err(Error::environment("editor", format!("the editor `{editor}` ended with {ended}")).hint(mend));
        }
        let bytes = fs::read(self.path()).map_err(|e| match e.kind() {
            ErrorKind::NotFound => Error::input("no-text", format!("the editor `{editor}` has removed the file that it was to change"))
                .hint("empty the file where nothing is to be changed"),
            _ => Error::io(format_args!("read {}", self.path().display()), e),
        })?;
        String::from_utf8(bytes).map_err(|e| {
            Error::input("bad-toml", format!("what was saved is not UTF-8 from byte {} on", e.utf8_error().valid_up_to()))
                .hint("save it as UTF-8")
        })
    }

    /// Leave the file where it is, if somebody has typed in it, and let an error say so; `command` goes on with a file.
    pub fn keep(self, error: Error, command: &str) -> Error {
        match fs::read(self.path()) {
            Ok(text) if text == self.given.as_bytes() => return error,
            Err(e) if e.kind() == ErrorKind::NotFound => return error,
            _ => {}
        }
        let path = match self.file.keep() {
            Ok((_, path)) => path,
            Err(unkept) => PathBuf::from(unkept.file.path()),
        };
        let file = path.display().to_string();
        error.also(format!("what was typed is in {file}: {command} {}", shell_word(&file)))
    }
}
