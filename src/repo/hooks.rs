//! The files of git's hooks: ours is put before the one that is there, which goes on to be run, and can be taken away again.
//!
//! The hook that was there keeps its folder, mode and bytes under another name; git moves no file of its own there
//! (githooks(5)).

use super::Repo;
use crate::model::{Error, Result, error::Location, hex, hook::Hook, shell_word};
use sha2::{Digest, Sha256};
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

/// How its next line begins, which tells whether somebody has changed those behind it.
const SUM: &str = "# SHA-256 of what follows: ";

/// The script of a hook. 0 and 1 are answers; 130 is Ctrl-C. Anything else means that there was none: the program is gone, or was
/// killed. What that does to a push is policy, of which only git's configuration can be asked without the program.
const SCRIPT: &str = r#"lex_pr=$(command -v git-lex-pr) || lex_pr=PROGRAM
before=${0%/*}/HOOK.before-lex-pr
if [ -x "$before" ]; then
RUN_BOTH
else
    "$lex_pr" hook run HOOK "$@"
fi
status=$?
case $status in 0 | 1 | 130) exit $status ;; esac
why="lex-pr: the HOOK hook could not run $lex_pr (exit status $status)"
if [ "$(git config --get lexpr.hookOnError)" = deny ]; then
    echo "$why and refuses this, as lexpr.hookOnError = deny has it" >&2
    exit 1
fi
echo "$why and lets this pass; git lex-pr doctor" >&2
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
    /// The file, such as that of a hook manager, by which another hook asks ours, or would if it were there.
    pub asked_by: Option<PathBuf>,
    /// Whether the file may be run, without which git passes it over.
    pub executable: bool,
    /// Whether it is ours and somebody has changed it.
    pub edited: bool,
}

impl HookFile {
    /// Whether git asks us by it.
    pub fn asks(&self) -> bool {
        match self.state {
            HookState::Ours | HookState::Old => true,
            HookState::Others => self.executable && self.asked_by.is_some(),
            HookState::None | HookState::Off => false,
        }
    }
}

/// A manager of hooks.
pub struct Manager {
    /// Its name.
    pub name: &'static str,
    /// Where it reads what to run, from the root of the work tree; husky has a file of the hook's name in its folder.
    pub file: &'static str,
    /// The command that puts its own hooks where git runs them.
    pub install: &'static str,
}

impl Manager {
    /// The usual ones.
    pub const ALL: [Manager; 8] = [
        Manager { name: "lefthook", file: "lefthook.yml", install: "lefthook install" },
        Manager { name: "lefthook", file: "lefthook.yaml", install: "lefthook install" },
        Manager { name: "lefthook", file: "lefthook.toml", install: "lefthook install" },
        Manager { name: "lefthook", file: "lefthook.json", install: "lefthook install" },
        Manager { name: "lefthook", file: ".lefthook.yml", install: "lefthook install" },
        Manager { name: "lefthook", file: ".lefthook.yaml", install: "lefthook install" },
        Manager {
            name: "pre-commit",
            file: ".pre-commit-config.yaml",
            install: "pre-commit install -t pre-push -t pre-commit -t commit-msg",
        },
        Manager { name: "husky", file: ".husky", install: "npx husky" },
    ];

    /// Its file for a hook, in the work tree at `root`.
    pub fn file_of(&self, root: &Path, hook: Hook) -> PathBuf {
        let file = root.join(self.file);
        if self.name == "husky" { file.join(hook.name()) } else { file }
    }
}

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
    pub fn hooks_folder(&self) -> Result<PathBuf> {
        let root = self.git.workdir().unwrap_or_else(|| self.git.git_dir());
        let config = self.git.config_snapshot();
        let folder = match config.trusted_path("core.hooksPath") {
            Ok(Some(path)) if !path.as_os_str().is_empty() => root.join(path),
            Ok(None) if config.string("core.hooksPath").is_none() => self.git.common_dir().join("hooks"),
            // Git knows more ways to write a path.
            _ => {
                let said = self.git_command().args(["rev-parse", "--git-path", "hooks"]).run("find the folder of hooks")?;
                let said = String::from_utf8(said).map_err(|_| Error::input("bad-config", "the path of the hooks is not UTF-8"))?;
                root.join(said.trim_end_matches('\n'))
            }
        };
        std::path::absolute(folder).map_err(|e| Error::io("find the folder of hooks", e))
    }

    /// Whose configuration says where hooks are, as `git config --show-scope` has it: `local`, `global` and so on; nothing where none does.
    pub fn hooks_path_scope(&self) -> Option<String> {
        let said = self.git_command().args(["config", "--show-scope", "--get", "core.hooksPath"]).output(None).ok()?;
        Some(String::from_utf8_lossy(&said.stdout).split_once('\t')?.0.to_string())
    }

    /// The command that lets those who push here say something by `git push -o`, where they cannot yet.
    pub fn push_options_off(&self) -> Option<&'static str> {
        let on = self.git.config_snapshot().boolean("receive.advertisePushOptions").unwrap_or(false);
        (!on).then_some("git config receive.advertisePushOptions true")
    }

    /// Why a hook cannot be put where git looks: hooks are switched off, or the folder is one that husky writes anew each time. The hint
    /// is the command that changes that.
    pub fn why_no_hook(&self, hook: Hook) -> Result<Option<Error>> {
        let folder = self.hooks_folder()?;
        let at = Location::new("git config core.hooksPath");
        if folder == Path::new("/dev/null") {
            let unset = match self.hooks_path_scope().as_deref() {
                Some(scope @ ("local" | "worktree" | "global" | "system")) => format!("git config --{scope} --unset-all core.hooksPath"),
                _ => "unset GIT_CONFIG_COUNT GIT_CONFIG_PARAMETERS".into(),
            };
            return Ok(Some(Error::input("hooks-off", "git runs no hooks here").at(at).hint(unset)));
        }
        if !folder.ends_with(".husky/_") {
            return Ok(None);
        }
        let own = format!(".husky/{}", hook.name());
        let line = format!("git lex-pr hook run {} \"$@\"", hook.name());
        Ok(Some(
            Error::input("of-husky", format!("the hooks here are husky's, which keeps what they run in {own}"))
                .at(at)
                .hint(format!("echo '{line}' >> {own}")),
        ))
    }

    /// What is in the place of a hook in the folder that git uses where no configuration names another.
    pub fn usual_hook_file(&self, hook: Hook) -> Result<HookFile> {
        let file = look(&self.git.common_dir().join("hooks"), hook)?;
        Ok(HookFile { asked_by: self.asked_by(&file), ..file })
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

    /// The file by which another hook than ours asks ours, as far as that can be seen.
    fn asked_by(&self, file: &HookFile) -> Option<PathBuf> {
        if !matches!(file.state, HookState::Others | HookState::None) {
            return None;
        }
        let root = self.git.workdir();
        let managed = root.into_iter().flat_map(|root| Manager::ALL.iter().map(|manager| manager.file_of(root, file.hook)));
        std::iter::once(file.path.clone()).chain(managed).find(|path| calls(path, file.hook))
    }

    /// Put ours in the place of a hook. The one that is there is run first from then on.
    ///
    /// Gives the copy, too, of one of ours that somebody had changed.
    ///
    /// Errors: a folder that is no place for it, a hook of before that is in the way, and a folder that cannot be written.
    pub fn install_hook(&self, hook: Hook) -> Result<(HookFile, Installed, Option<PathBuf>)> {
        if let Some(error) = self.why_no_hook(hook)? {
            return Err(error);
        }
        let folder = self.hooks_folder()?;
        let file = look(&folder, hook)?;
        let done = match file.state {
            HookState::Ours => return Ok((file, Installed::Already, None)),
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
            give_name(&file.path, &before(&folder, hook))?;
        }
        let kept = keep_edited(&file)?;
        // In one step: there is a hook at each moment.
        new.persist(&file.path).map_err(|e| writing(e.error))?;
        Ok((look(&folder, hook)?, done, kept))
    }

    /// Take ours away, and put the one that was there back. Gives the copy, too, of one of ours that somebody had changed.
    pub fn uninstall_hook(&self, hook: Hook) -> Result<(Removed, Option<PathBuf>)> {
        let folder = self.hooks_folder()?;
        let file = look(&folder, hook)?;
        match (file.state, &file.before) {
            (HookState::Others, _) | (HookState::None, None) => return Ok((Removed::None, None)),
            _ => {}
        }
        let kept = keep_edited(&file)?;
        let removing = |e: std::io::Error| Error::io(format_args!("take {} away", file.path.display()), e);
        let removed = match &file.before {
            Some(before) => std::fs::rename(before, &file.path).map(|()| Removed::Restored),
            // The copy may have been made by moving it.
            None => std::fs::remove_file(&file.path).or_else(|e| if kept.is_some() { Ok(()) } else { Err(e) }).map(|()| Removed::Gone),
        };
        Ok((removed.map_err(removing)?, kept))
    }
}

/// Whether a file calls this tool for `hook`: by name, or by the variable of the script that `hook install` writes.
fn calls(file: &Path, hook: Hook) -> bool {
    let text = std::fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let calls = ["lex-pr hook run ", "\"$lex_pr\" hook run "].map(|call| format!("{call}{}", hook.name()));
    text.lines().filter(|line| !line.trim_start().starts_with('#')).any(|line| calls.iter().any(|call| line.contains(call)))
}

/// Give a hook of ours that somebody has changed a second name, under which it stays.
fn keep_edited(file: &HookFile) -> Result<Option<PathBuf>> {
    if !file.edited {
        return Ok(None);
    }
    let names = std::iter::once(".edited".to_string()).chain((2..).map(|number| format!(".edited-{number}")));
    let mut paths = names.map(|name| file.path.with_file_name(format!("{}{name}", file.hook.name())));
    let free = paths.find(|path| path.symlink_metadata().is_err());
    if let Some(free) = &free {
        give_name(&file.path, free)?;
    }
    Ok(free)
}

fn before(folder: &Path, hook: Hook) -> PathBuf {
    folder.join(format!("{}{BEFORE}", hook.name()))
}

fn look(folder: &Path, hook: Hook) -> Result<HookFile> {
    let path = folder.join(hook.name());
    let reading = |e: std::io::Error| Error::io(format_args!("read {}", path.display()), e);
    let (mut edited, executable) = (false, path.metadata().is_ok_and(|data| data.permissions().mode() & 0o111 != 0));
    // A link is somebody's, whatever it leads to.
    let state = match path.symlink_metadata() {
        // Where hooks are switched off, their folder is no folder.
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => HookState::None,
        Err(e) => return Err(reading(e)),
        Ok(data) if data.is_dir() => {
            return Err(Error::input("no-hook", format!("{} is a folder", path.display())).hint("move it away: git runs files"));
        }
        Ok(data) if data.is_symlink() => HookState::Others,
        Ok(data) => {
            let text = std::fs::read(&path).map_err(reading)?;
            let is_ours = text.split(|byte| *byte == b'\n').nth(1) == Some(MARK.as_bytes());
            edited = is_ours && is_edited(&text);
            match (is_ours, data.permissions().mode() & 0o100 != 0) {
                (false, _) => HookState::Others,
                (true, false) => HookState::Off,
                (true, true) if text == script(hook).as_bytes() => HookState::Ours,
                (true, true) => HookState::Old,
            }
        }
    };
    let before = Some(before(folder, hook)).filter(|before| before.symlink_metadata().is_ok());
    Ok(HookFile { hook, path, state, before, asked_by: None, executable, edited })
}

/// Whether a hook of ours is not as it was written.
fn is_edited(text: &[u8]) -> bool {
    let mut lines = text.splitn(4, |byte| *byte == b'\n').skip(2);
    let (sum, rest) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    sum != format!("{SUM}{}", sum_of(rest)).as_bytes()
}

fn sum_of(text: &[u8]) -> String {
    hex(&Sha256::digest(text))
}

/// Give the hook at `path` a second name. One that has it already, from an installation that was killed, stays.
fn give_name(path: &Path, before: &Path) -> Result<()> {
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

fn script(hook: Hook) -> String {
    // Where the program is not found on PATH, as in a graphical client, it is where it was when the hook was installed.
    let program = std::env::current_exe().map_or_else(|_| "git-lex-pr".into(), |path| path.to_string_lossy().into_owned());
    let both = if hook.is_fed() { RUN_BOTH_FED } else { RUN_BOTH };
    let body = SCRIPT.replace("RUN_BOTH", both).replace("HOOK", hook.name()).replace("PROGRAM", &shell_word(&program));
    format!("#!/bin/sh\n{MARK}\n{SUM}{}\n{body}", sum_of(body.as_bytes()))
}
