//! A private work tree for gates that need files.
//!
//! It is a small repository of its own that borrows the user's objects as alternates: a gate may read the whole
//! history and even commit, and neither refs, index nor HEAD of the user's repository can be touched through it. It moves
//! between candidates by touching only what differs, so that ignored files (build caches) stay warm.

use super::{GitCommand, Repo, Scratch};
use crate::model::{Error, Result};
use gix::{ObjectId, bstr::BString};
use std::path::{Path, PathBuf};

/// What a repository of our own sets, so that the user's configuration cannot make other files of a commit, sign, or run
/// hooks there.
pub const PLAIN_CONFIG: [(&str, &str); 4] =
    [("core.autocrlf", "false"), ("core.eol", "lf"), ("commit.gpgsign", "false"), ("core.hooksPath", "/dev/null")];

/// A work tree outside the user's, removed when dropped.
pub struct GateTree {
    dir: Scratch,
    objects: Vec<PathBuf>,
    owner: PathBuf,
}

impl GateTree {
    /// An empty one that sees the objects of `repo`.
    pub fn create(repo: &Repo) -> Result<GateTree> {
        let making =
            |e: std::io::Error| Error::io("make a work tree for gates", e).hint("is there room in the temporary folder ($TMPDIR)?");
        let dir = Scratch::create().map_err(making)?;
        let format = format!("--object-format={}", repo.git.object_hash());
        // A hook of the user's would run at the very first ref, before anything can be set in the new repository.
        let init = ["-c", "core.hooksPath=/dev/null", "init", "--quiet", "--template=", "--initial-branch=lex-pr", &format, "."];
        GitCommand::new(dir.path()).args(init).run("make a work tree for gates")?;
        for (key, value) in PLAIN_CONFIG {
            GitCommand::new(dir.path()).args(["config", key, value]).run("make a work tree for gates")?;
        }
        let store = repo.git.objects.store_ref();
        let objects = store.path().canonicalize().map_err(making)?;
        let git_dir = dir.path().join(".git");
        std::fs::create_dir_all(git_dir.join("objects/info")).map_err(making)?;
        std::fs::write(git_dir.join("objects/info/alternates"), format!("{}\n", objects.display())).map_err(making)?;
        let shallow = repo.git.common_dir().join("shallow");
        if shallow.exists() {
            std::fs::copy(&shallow, git_dir.join("shallow")).map_err(making)?;
        }
        let further = store.alternate_db_paths().map_err(|e| Error::git("list the alternates of the repository", e))?;
        let further = further.into_iter().filter_map(|path| path.canonicalize().ok());
        let owner = repo.git.common_dir().canonicalize().map_err(making)?;
        Ok(GateTree { dir, objects: std::iter::once(objects).chain(further).collect(), owner })
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The folders of objects that it borrows.
    pub fn objects(&self) -> &[PathBuf] {
        &self.objects
    }

    /// The git folder of the user's repository, which is no gate's business but for the objects.
    pub fn owner(&self) -> &Path {
        &self.owner
    }

    /// Show `candidate`, with the target's branch at `base`. Tracked files become the candidate's; files that git
    /// ignores stay; all others go.
    pub fn show(&self, candidate: ObjectId, target: &str, base: ObjectId) -> Result<()> {
        let doing = "check out a candidate for its gates";
        let git = || GitCommand::new(self.dir());
        git().args(["checkout", "--quiet", "--force", "--detach", &candidate.to_string()]).run(doing)?;
        git().args(["clean", "-ffdq"]).run(doing)?;
        git().args(["update-ref", &format!("refs/heads/{target}"), &base.to_string()]).run(doing).map(drop)
    }

    /// The files that differ from the candidate, or are new and not ignored.
    pub fn changed(&self) -> Result<Vec<BString>> {
        let status = ["status", "--porcelain", "-z", "--untracked-files=all", "--no-renames"];
        let said = GitCommand::new(self.dir()).args(status).run("look at what a command changed")?;
        Ok(said.split(|b| *b == 0).filter(|entry| entry.len() > 3).map(|entry| entry[3..].into()).collect())
    }

    /// The files below `cwd` that `patterns` name, as path and content, each at most `limit` bytes.
    pub fn artifacts(&self, cwd: &Path, patterns: &[String], limit: u64) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        let mut folders = vec![cwd.to_path_buf()];
        while let (false, Some(folder)) = (patterns.is_empty(), folders.pop()) {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let (path, Ok(kind)) = (entry.path(), entry.file_type()) else { continue };
                if kind.is_dir() && entry.file_name() != ".git" {
                    folders.push(path);
                } else if kind.is_file()
                    && let Ok(relative) = path.strip_prefix(cwd)
                    && patterns.iter().any(|p| names(p, &relative.to_string_lossy()))
                    && entry.metadata().is_ok_and(|m| m.len() <= limit)
                    && let Ok(content) = std::fs::read(&path)
                {
                    found.push((relative.to_path_buf(), content));
                }
            }
        }
        found.sort();
        found
    }
}

/// Whether an artifact pattern, a glob or a folder with a trailing slash, names `path`.
fn names(pattern: &str, path: &str) -> bool {
    use gix::glob::wildmatch::Mode;
    let pattern = pattern.trim_start_matches("./");
    (pattern.ends_with('/') && path.starts_with(pattern)) || gix::glob::wildmatch(pattern.into(), path.into(), Mode::NO_MATCH_SLASH_LITERAL)
}
