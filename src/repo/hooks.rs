//! The files of git's hooks: ours is put before the one that is there, which goes on to be run, and can be taken away again.
//!
//! The hook that was there keeps its folder, mode and bytes under another name; git moves no file of its own there
//! (githooks(5)).

use super::Repo;
use crate::model::{Error, Result, error::Location, hook::Hook, shell_word};
use std::{
    fs::Permissions,
    io::{ErrorKind, Write},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// What the name of the hook that was there ends with.
const BEFORE: &str = ".before-lex-pr";

/// The line by which a hook of ours is known.
const MARK: &str = "# Written by `git lex-pr hook install`; `git lex-pr hook uninstall` takes it away and puts back what was here.";

/// The script of a hook. 0 and 1 are answers; 130 is Ctrl-C. Anything else means that there was none: the program is gone, or was
/// killed. What that does to a push is policy, of which only git's configuration can be asked without the program.
const SCRIPT: &str = r#"#!/bin/sh
MARK
lex_pr=$(command -v git-lex-pr) || lex_pr=PROGRAM
before=${0%/*}/HOOK.before-lex-pr
if [ -x "$before" ]; then
RUN_BOTH
else
    "$lex_pr" hook run HOOK "$@"
fi
status=$?
case $status in 0 | 1 | 130) exit $status ;; esac
test "$(git config --get lexpr.hookOnError)" = deny && exit 1
echo "lex-pr: the HOOK hook could not run (exit status $status) and lets this pass; git lex-pr doctor" >&2
exit 0
"#;

/// Both hooks, one after the other, where git tells them something on standard input.
const RUN_BOTH_FED: &str = r#"    input=$(cat && echo .) && input=${input%.}
    printf %s "$input" 2>/dev/null | "$before" "$@" || exit
    printf %s "$input" 2>/dev/null | "$lex_pr" hook run HOOK "$@""#;

/// The same where it does not.
const RUN_BOTH: &str = r#"    "$before" "$@" || exit
    "$lex_pr" hook run HOOK "$@""#;

/// The hook of one kind, as its folder has it.
pub struct HookFile {
    /// Its kind.
    pub hook: Hook,
    /// Its file.
    pub path: PathBuf,
    /// What is there.
    pub state: HookState,
    /// Where the hook is that ours runs first.
    pub before: Option<PathBuf>,
    /// The file, such as that of a hook manager, by which somebody else's hook asks ours.
    pub asked_by: Option<PathBuf>,
}

/// Where the usual hook managers read what to run, from the root of the work tree; husky has a file of the hook's name.
const MANAGED: [&str; 8] = [
    "lefthook.yml",
    "lefthook.yaml",
    "lefthook.toml",
    "lefthook.json",
    ".lefthook.yml",
    ".lefthook.yaml",
    ".pre-commit-config.yaml",
    ".husky",
];

/// What is in the place of a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookState {
    /// Nothing.
    None,
    /// Ours.
    Ours,
    /// Ours, but as another version of this program writes it.
    Old,
    /// Ours, but git does not run it: it is not executable.
    Off,
    /// Somebody else's.
    Others,
}

/// What installing a hook came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Installed {
    /// It is there now.
    New,
    /// It is there now, and runs the one that was there first.
    Chained,
    /// It is as this version writes it now.
    Renewed,
    /// It was there.
    Already,
}

/// What taking a hook away came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// It is gone.
    Gone,
    /// The one that was there before is back.
    Restored,
    /// There was none of ours.
    None,
}

impl Repo {
    /// The folder that git runs hooks from: `core.hooksPath`, or `hooks` in the git folder.
    ///
    /// Errors: hooks that are switched off, and a folder that husky writes anew each time.
    pub fn hooks_folder(&self) -> Result<PathBuf> {
        let said = self.git_command().args(["rev-parse", "--git-path", "hooks"]).run("find the folder of hooks")?;
        let said = String::from_utf8(said).map_err(|_| Error::input("bad-config", "the path of the hooks is not UTF-8"))?;
        let root = self.git.workdir().unwrap_or_else(|| self.git.git_dir());
        let folder = std::path::absolute(root.join(said.trim_end_matches('\n'))).map_err(|e| Error::io("find the folder of hooks", e))?;
        let at = Location::new("git config core.hooksPath");
        if folder == Path::new("/dev/null") {
            return Err(Error::input("hooks-off", "git runs no hooks here")
                .at(at)
                .hint("git config --unset core.hooksPath, with --global where it is set for all repositories"));
        }
        Ok(folder)
    }

    /// What is in the place of each hook.
    pub fn hook_files(&self) -> Result<Vec<HookFile>> {
        let folder = self.hooks_folder()?;
        let files = Hook::ALL.into_iter().map(|hook| {
            let file = look(&folder, hook)?;
            Ok(HookFile { asked_by: self.asked_by(&file), ..file })
        });
        files.collect()
    }

    /// The file by which somebody else's hook asks ours, as far as that can be seen.
    fn asked_by(&self, file: &HookFile) -> Option<PathBuf> {
        let root = self.git.workdir().filter(|_| file.state == HookState::Others)?;
        let named = |name: &str| if name == ".husky" { root.join(name).join(file.hook.name()) } else { root.join(name) };
        let call = format!("lex-pr hook run {}", file.hook.name());
        let asks = |path: &PathBuf| std::fs::read(path).is_ok_and(|text| text.windows(call.len()).any(|part| part == call.as_bytes()));
        std::iter::once(file.path.clone()).chain(MANAGED.iter().map(|name| named(name))).find(asks)
    }

    /// Put ours in the place of a hook. The one that is there is run first from then on.
    ///
    /// Errors: a hook of before that is in the way, and a folder that cannot be written.
    pub fn install_hook(&self, hook: Hook) -> Result<(HookFile, Installed)> {
        let folder = self.hooks_folder()?;
        refuse_husky(&folder, hook)?;
        let file = look(&folder, hook)?;
        let done = match file.state {
            HookState::Ours => return Ok((file, Installed::Already)),
            HookState::Old | HookState::Off => Installed::Renewed,
            HookState::None => Installed::New,
            HookState::Others => Installed::Chained,
        };
        let writing = |e: std::io::Error| {
            Error::io(format_args!("write {}", file.path.display()), e).hint("see that you may write to the folder of hooks")
        };
        std::fs::create_dir_all(&folder).map_err(writing)?;
        let mut new = tempfile::Builder::new().prefix("lex-pr-hook-").tempfile_in(&folder).map_err(writing)?;
        new.write_all(script(hook).as_bytes()).map_err(writing)?;
        new.as_file().set_permissions(Permissions::from_mode(0o755)).map_err(writing)?;
        if done == Installed::Chained {
            keep_before(&file.path, &before(&folder, hook))?;
        }
        // In one step: there is a hook at each moment.
        new.persist(&file.path).map_err(|e| writing(e.error))?;
        Ok((look(&folder, hook)?, done))
    }

    /// Take ours away, and put the one that was there back.
    pub fn uninstall_hook(&self, hook: Hook) -> Result<Removed> {
        let folder = self.hooks_folder()?;
        let file = look(&folder, hook)?;
        match (file.state, &file.before) {
            (HookState::Others, _) | (HookState::None, None) => return Ok(Removed::None),
            _ => {}
        }
        let removing = |e: std::io::Error| Error::io(format_args!("take {} away", file.path.display()), e);
        match &file.before {
            Some(before) => std::fs::rename(before, &file.path).map(|()| Removed::Restored).map_err(removing),
            None => std::fs::remove_file(&file.path).map(|()| Removed::Gone).map_err(removing),
        }
    }
}

fn before(folder: &Path, hook: Hook) -> PathBuf {
    folder.join(format!("{}{BEFORE}", hook.name()))
}

fn look(folder: &Path, hook: Hook) -> Result<HookFile> {
    let path = folder.join(hook.name());
    let reading = |e: std::io::Error| Error::io(format_args!("read {}", path.display()), e);
    // A link is somebody's, whatever it leads to.
    let state = match path.symlink_metadata() {
        Err(e) if e.kind() == ErrorKind::NotFound => HookState::None,
        Err(e) => return Err(reading(e)),
        Ok(data) if data.is_dir() => {
            return Err(Error::input("no-hook", format!("{} is a folder", path.display())).hint("move it away: git runs files"));
        }
        Ok(data) if data.is_symlink() => HookState::Others,
        Ok(data) => {
            let text = std::fs::read(&path).map_err(reading)?;
            let is_ours = text.split(|byte| *byte == b'\n').nth(1) == Some(MARK.as_bytes());
            match (is_ours, data.permissions().mode() & 0o100 != 0) {
                (false, _) => HookState::Others,
                (true, false) => HookState::Off,
                (true, true) if text == script(hook).as_bytes() => HookState::Ours,
                (true, true) => HookState::Old,
            }
        }
    };
    let before = Some(before(folder, hook)).filter(|before| before.symlink_metadata().is_ok());
    Ok(HookFile { hook, path, state, before, asked_by: None })
}

/// Give the hook at `path` a second name. One that has it already, from an installation that was killed, stays.
fn keep_before(path: &Path, before: &Path) -> Result<()> {
    let keeping = |e: std::io::Error| Error::io(format_args!("keep {}", path.display()), e);
    let node = |path: &Path| path.symlink_metadata().map(|data| (data.dev(), data.ino()));
    match std::fs::hard_link(path, before) {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => match node(path).ok() == node(before).ok() {
            true => Ok(()),
            false => Err(Error::input("hook-in-the-way", format!("{} is there already, from before", before.display()))
                .hint(format!("look at both hooks, and move one away: {}", shell_word(&before.to_string_lossy())))),
        },
        // A file system without second names.
        Err(e) if matches!(e.kind(), ErrorKind::Unsupported | ErrorKind::PermissionDenied) => {
            std::fs::rename(path, before).map_err(keeping)
        }
        done => done.map_err(keeping),
    }
}

/// Husky writes its folder anew at each install, and goes by the names of the files in it.
fn refuse_husky(folder: &Path, hook: Hook) -> Result<()> {
    if !folder.ends_with(".husky/_") {
        return Ok(());
    }
    let own = format!(".husky/{}", hook.name());
    let line = format!("git lex-pr hook run {} \"$@\"", hook.name());
    Err(Error::input("of-husky", format!("the hooks here are husky's, which keeps what they run in {own}"))
        .at(Location::new("git config core.hooksPath"))
        .hint(format!("echo '{line}' >> {own}")))
}

fn script(hook: Hook) -> String {
    // Where the program is not found on PATH, as in a graphical client, it is where it was when the hook was installed.
    let program = std::env::current_exe().map_or_else(|_| "git-lex-pr".into(), |path| path.to_string_lossy().into_owned());
    let both = if hook.is_fed() { RUN_BOTH_FED } else { RUN_BOTH };
    SCRIPT.replace("RUN_BOTH", both).replace("HOOK", hook.name()).replace("MARK", MARK).replace("PROGRAM", &shell_word(&program))
}
