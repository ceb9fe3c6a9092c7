//! A folder with a repository, cut off from the user's own configuration.

use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

pub struct Sandbox {
    pub root: tempfile::TempDir,
    pub repo: PathBuf,
}

/// What a command said.
pub struct Said {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    fn new(output: Output) -> Said {
        Said {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Assert the exit status, and show everything where it is another.
    #[track_caller]
    pub fn exits(self, status: i32) -> Said {
        assert_eq!(self.status, status, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}", self.stdout))
    }
}

impl Sandbox {
    /// A repository with one commit on `main`.
    pub fn new() -> Sandbox {
        Sandbox::with_init(&[])
    }

    /// The same, with more arguments for `git init`.
    pub fn with_init(args: &[&str]) -> Sandbox {
        let root = tempfile::tempdir().unwrap();
        let repo = root.path().join("repo");
        for folder in ["repo", "home", "tmp"] {
            std::fs::create_dir(root.path().join(folder)).unwrap();
        }
        std::fs::write(
            root.path().join("home/.gitconfig"),
            "[user]\nname = Tess\nemail = tess@example.com\n[init]\ndefaultBranch = main\n",
        )
        .unwrap();
        let sandbox = Sandbox { root, repo };
        sandbox.git(&[&["init", "-q"], args, &["."]].concat());
        sandbox.write("base.txt", "one\ntwo\nthree\n");
        sandbox.commit("Base");
        sandbox
    }

    /// A copy, in memory where the system has such a place: making and removing files is most of what many tests do.
    pub fn copy(&self) -> Sandbox {
        let memory = Path::new("/dev/shm");
        let root = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let done = Command::new("cp").arg("-a").arg(self.root.path().join(".")).arg(root.path()).status().unwrap();
        assert!(done.success());
        let repo = root.path().join("repo");
        Sandbox { root, repo }
    }

    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>, dir: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("GIT_") || name.to_string_lossy().starts_with("LEX_PR_") {
                command.env_remove(name);
            }
        }
        command
            .current_dir(dir)
            .env("HOME", self.root.path().join("home"))
            .env("TMPDIR", self.root.path().join("tmp"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null());
        command
    }

    #[track_caller]
    pub fn git(&self, args: &[&str]) -> String {
        self.git_in(&self.repo, args)
    }

    #[track_caller]
    pub fn git_in(&self, dir: &Path, args: &[&str]) -> String {
        let said = Said::new(self.command("git", dir).args(args).output().unwrap());
        assert_eq!(said.status, 0, "git {args:?}: {}", said.stderr);
        said.stdout.trim_end().to_string()
    }

    /// `git lex-pr ARGS`, in the repository.
    pub fn lex(&self, args: &[&str]) -> Said {
        self.lex_in(&self.repo, args)
    }

    pub fn lex_in(&self, dir: &Path, args: &[&str]) -> Said {
        Said::new(self.lex_command(dir, args).output().unwrap())
    }

    pub fn lex_command(&self, dir: &Path, args: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_git-lex-pr"), dir);
        command.args(args);
        command
    }

    /// The same with a text on standard input.
    pub fn lex_fed(&self, args: &[&str], input: &str) -> Said {
        let file = self.root.path().join("input");
        std::fs::write(&file, input).unwrap();
        Said::new(self.lex_command(&self.repo, args).stdin(std::fs::File::open(file).unwrap()).output().unwrap())
    }

    /// `--json`, with the exit status it must have.
    #[track_caller]
    pub fn json(&self, args: &[&str], status: i32) -> Value {
        self.lex(&[args, &["--json"]].concat()).exits(status).json()
    }

    pub fn write(&self, path: &str, content: &str) {
        let path = self.repo.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.repo.join(path)).unwrap()
    }

    #[track_caller]
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// A branch with one commit that writes `files`; `main` is checked out again afterwards.
    #[track_caller]
    pub fn branch(&self, name: &str, from: &str, message: &str, files: &[(&str, &str)]) -> String {
        self.git(&["checkout", "-q", "-b", name, from]);
        for (path, content) in files {
            self.write(path, content);
        }
        let head = self.commit(message);
        self.git(&["checkout", "-q", "main"]);
        head
    }

    /// `lex-pr.toml` on main.
    #[track_caller]
    pub fn config(&self, text: &str) {
        self.write("lex-pr.toml", &format!("version = 1\n{text}"));
        self.commit("Configure lex-pr");
    }

    pub fn head(&self, rev: &str) -> String {
        self.git(&["rev-parse", "--verify", rev])
    }

    /// What `git merge-tree` makes of two commits, where it is clean.
    #[track_caller]
    pub fn merge_tree(&self, ours: &str, theirs: &str) -> Option<String> {
        let said = Said::new(self.command("git", &self.repo).args(["merge-tree", "--write-tree", ours, theirs]).output().unwrap());
        assert!(said.status < 2, "{}", said.stderr);
        (said.status == 0).then(|| said.stdout.trim().to_string())
    }

    /// Everything that a run must not change: refs, HEAD, index, work tree and the number of objects.
    pub fn fingerprint(&self) -> String {
        let index = std::fs::read(self.repo.join(".git/index")).map(|b| format!("{b:?}")).unwrap_or_default();
        [
            self.git(&["for-each-ref"]),
            self.git(&["symbolic-ref", "HEAD"]),
            self.git(&["status", "--porcelain", "--ignored"]),
            self.git(&["count-objects", "-v"]),
            index,
        ]
        .join("\n")
    }

    /// Git's own judgement after a test, and nothing left behind in the temporary folder.
    #[track_caller]
    pub fn sound(&self) {
        let fsck = self.git(&["fsck", "--strict", "--no-dangling"]);
        assert_eq!(fsck, "", "fsck");
        let left: Vec<_> = std::fs::read_dir(self.root.path().join("tmp")).unwrap().flatten().map(|e| e.file_name()).collect();
        assert!(left.is_empty(), "left behind: {left:?}");
    }
}

/// The status of an item in a run document.
pub fn status<'v>(run: &'v Value, item: &str) -> &'v str {
    find(run, item)["status"].as_str().unwrap()
}

/// The detail of an item in a run document.
pub fn detail<'v>(run: &'v Value, item: &str) -> &'v str {
    find(run, item)["detail"].as_str().unwrap()
}

/// An item in a run document.
#[track_caller]
pub fn find<'v>(run: &'v Value, item: &str) -> &'v Value {
    run["items"].as_array().unwrap().iter().find(|i| i["name"] == item).unwrap_or_else(|| panic!("no item {item} in {run}"))
}

/// Wait until something is so.
#[track_caller]
pub fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < patience, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// How many lines gates have written to `ran` in the home folder.
pub fn ran(sandbox: &Sandbox) -> usize {
    std::fs::read_to_string(sandbox.root.path().join("home/ran")).unwrap_or_default().lines().count()
}
