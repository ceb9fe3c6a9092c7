//! A private work tree for gates that need files.
//!
//! It is a small repository of its own that borrows the user's objects as alternates: a gate may read the whole
//! history and even commit, and neither refs, index nor HEAD of the user's repository can be touched through it. It moves
//! between candidates by touching only what differs, so that ignored files (build caches) stay warm.

use super::{
    GitCommand, Repo, Scratch,
    changes::{Changed, changes},
    disk::{bytes_on_disk, check_room},
    shown::{Looked, Shown, overwrite, path_of},
};
use crate::model::{Error, Result};
use gix::{ObjectId, bstr::BString, index::entry::Mode};
use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    thread::JoinHandle,
};

/// What a repository of our own sets, so that the user's configuration cannot make other files of a commit, sign, or run
/// hooks there.
pub const PLAIN_CONFIG: [(&str, &str); 4] =
    [("core.autocrlf", "false"), ("core.eol", "lf"), ("commit.gpgsign", "false"), ("core.hooksPath", "/dev/null")];

/// A work tree outside the user's, removed when dropped.
pub struct GateTree {
    dir: Scratch,
    source: Source,
    /// The candidate that it shows.
    candidate: Option<ObjectId>,
    /// Its files as they were before the gate, where they are such that git need not be asked to turn them.
    shown: Option<Shown>,
    /// Who looks whether they still are.
    looking: Option<JoinHandle<Option<Looked>>>,
}

/// What work trees are made of.
struct Source {
    git: gix::ThreadSafeRepository,
    objects: Vec<PathBuf>,
    common_dir: PathBuf,
}

impl GateTree {
    /// An empty one that sees the objects of `repo`.
    pub fn create(repo: &Repo) -> Result<GateTree> {
        let store = repo.git.objects.store_ref();
        let further = store.alternate_db_paths().map_err(|e| Error::git("list the alternates of the repository", e))?;
        let source = Source {
            git: repo.git.clone().into_sync(),
            objects: std::iter::once(store.path())
                .chain(further.iter().map(PathBuf::as_path))
                .filter_map(|path| path.canonicalize().ok())
                .collect(),
            common_dir: repo.git.common_dir().canonicalize().map_err(making)?,
        };
        Ok(GateTree { dir: source.make()?, source, candidate: None, shown: None, looking: None })
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The folders of objects that it borrows.
    pub fn objects(&self) -> &[PathBuf] {
        &self.source.objects
    }

    /// The git folder of the user's repository, which is no gate's business but for the objects.
    pub fn owner(&self) -> &Path {
        &self.source.common_dir
    }

    /// Show `candidate`, with the target's branch at `base`. Tracked files become the candidate's; files that git
    /// ignores stay; all others go. A tree that a gate has left in such a state that this cannot be done is made anew.
    ///
    /// Errors: no room on the disk, before anything is written; and failures of git.
    pub fn show(&mut self, candidate: ObjectId, target: &str, base: ObjectId) -> Result<()> {
        let git = self.source.git.to_thread_local();
        let changes = changes_between(&git, self.candidate, candidate)?;
        let bytes = bytes_on_disk(&git, &changes);
        check_room(self.dir(), bytes)?;
        let is_new = self.candidate.take().is_none();
        let shown = self.shown.take();
        let looked = match self.looking.take() {
            Some(looking) => looking.join().ok().flatten(),
            None => shown.and_then(Shown::look),
        };
        let turned = looked.and_then(|looked| looked.turn(&changes, bytes, || self.clean().is_ok()));
        let turned = turned.filter(|_| self.point("HEAD", candidate).is_ok());
        // Other files may be ignored by then: what was left goes by the rules of either.
        let turn =
            || self.clean().and_then(|()| self.check_out(candidate)).and_then(|()| self.clean()).and_then(|()| self.empty_submodules());
        if turned.is_none() && !is_new && turn().is_err() {
            self.dir = self.source.make()?;
            self.check_out(candidate)?;
        }
        if is_new {
            self.check_out(candidate)?;
        }
        self.point(&format!("refs/heads/{target}"), base).map_err(making)?;
        self.shown = turned.or_else(|| Shown::read(self.dir()));
        self.candidate = Some(candidate);
        Ok(())
    }

    /// Git in this very tree: where a gate has removed its `.git`, git would look for one in the folders above.
    fn git(&self) -> GitCommand {
        GitCommand::bound_to(&self.dir().join(".git"), Some(self.dir()))
    }

    /// Begin to look what a gate has left, while others have something else to do.
    pub fn look(&mut self) {
        self.looking = self.shown.take().map(|shown| std::thread::spawn(|| shown.look()));
    }

    fn check_out(&self, candidate: ObjectId) -> Result<()> {
        let checkout = ["checkout", "--quiet", "--force", "--detach", &candidate.to_string()];
        self.git().args(checkout).run("check out a candidate for its gates").map(drop)
    }

    /// Remove what is neither tracked nor ignored, repositories included.
    fn clean(&self) -> Result<()> {
        self.git().args(["clean", "-ffdq"]).run("remove what a gate has left").map(drop)
    }

    /// Leave the folders of submodules empty, as git makes them: what a gate has put there is theirs, and git lets it be.
    fn empty_submodules(&self) -> Result<()> {
        let reading = |e: gix::Error| Error::git("look for submodules in a work tree for gates", e);
        let hash = self.source.git.to_thread_local().object_hash();
        let index =
            gix::index::File::at(self.dir().join(".git/index"), hash, false, gix::index::decode::Options::default()).map_err(reading)?;
        for entry in index.entries().iter().filter(|entry| entry.mode == Mode::COMMIT) {
            empty_folder(self.dir(), path_of(entry.path(&index))).map_err(making)?;
        }
        Ok(())
    }

    /// Let a branch, or a detached HEAD, stand at `commit`. The repository is ours alone and has its refs in files (gitrepository-layout(5)),
    /// and a process of git would take longer than many a gate.
    fn point(&self, name: &str, commit: ObjectId) -> std::io::Result<()> {
        let file = self.dir().join(".git").join(name);
        let line = format!("{commit}\n");
        overwrite(&file, line.as_bytes()).or_else(|error| match file.parent() {
            Some(folder) if error.kind() == ErrorKind::NotFound => {
                std::fs::create_dir_all(folder).and_then(|()| overwrite(&file, line.as_bytes()))
            }
            _ => Err(error),
        })
    }

    /// The files that differ from the candidate, or are new and not ignored.
    pub fn changed(&self) -> Result<Vec<BString>> {
        let status = ["status", "--porcelain", "-z", "--untracked-files=all", "--no-renames"];
        let said = self.git().args(status).run("look at what a command changed")?;
        Ok(said.split(|b| *b == 0).filter(|entry| entry.len() > 3).map(|entry| entry[3..].into()).collect())
    }

    /// The files below `cwd` that `patterns` name, as path and content, each at most `limit` bytes.
    pub fn artifacts(&self, cwd: &Path, patterns: &[String], limit: u64) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        // The gate may have put a link in the place of the folder, to what is none of its own.
        let inside = cwd.canonicalize().is_ok_and(|real| self.dir().canonicalize().is_ok_and(|dir| real.starts_with(dir)));
        let mut folders: Vec<PathBuf> = inside.then(|| cwd.to_path_buf()).into_iter().collect();
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

impl Source {
    /// An empty work tree.
    fn make(&self) -> Result<Scratch> {
        let dir = Scratch::create().map_err(making)?;
        let format = format!("--object-format={}", self.git.to_thread_local().object_hash());
        // A hook of the user's would run at the very first ref, before anything can be set in the new repository.
        let init = ["-c", "core.hooksPath=/dev/null", "init", "--quiet", "--template=", "--initial-branch=lex-pr", &format, "."];
        let init = GitCommand::new(dir.path()).args(init).env("GIT_DEFAULT_REF_FORMAT", "files");
        init.run("make a work tree for gates")?;
        let git_dir = dir.path().join(".git");
        // A process for each would take longer than many a gate.
        let mut config = std::fs::read_to_string(git_dir.join("config")).map_err(making)?;
        for (key, value) in PLAIN_CONFIG {
            let (section, name) = key.split_once('.').unwrap_or((key, ""));
            config.push_str(&format!("[{section}]\n\t{name} = {value}\n"));
        }
        std::fs::write(git_dir.join("config"), config).map_err(making)?;
        let objects = self.objects.first().map(|path| format!("{}\n", path.display())).unwrap_or_default();
        std::fs::create_dir_all(git_dir.join("objects/info")).map_err(making)?;
        std::fs::write(git_dir.join("objects/info/alternates"), objects).map_err(making)?;
        let shallow = self.common_dir.join("shallow");
        if shallow.exists() {
            std::fs::copy(&shallow, git_dir.join("shallow")).map_err(making)?;
        }
        Ok(dir)
    }
}

/// What differs between the files of two commits, or of none and one.
fn changes_between(git: &gix::Repository, from: Option<ObjectId>, to: ObjectId) -> Result<Vec<Changed>> {
    let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("list the files of {to}"), e);
    let tree_of = |commit| Ok(git.find_commit(commit).map_err(|e| reading(&e))?.tree_id().map_err(|e| reading(&e))?.detach());
    changes(git, from.map_or_else(|| Ok(git.object_hash().empty_tree()), tree_of)?, tree_of(to)?)
}

/// Leave nothing but an empty folder at `path` in `dir`; refused where a link leads there, which may lead anywhere.
fn empty_folder(dir: &Path, path: &Path) -> std::io::Result<()> {
    let (dir, folder) = (dir.canonicalize()?, dir.join(path));
    let parent = path.parent().unwrap_or(Path::new(""));
    if dir.join(parent).canonicalize()? != dir.join(parent) {
        return Err(std::io::Error::other(format!("{} is a link", parent.display())));
    }
    match folder.symlink_metadata() {
        Ok(meta) if meta.is_dir() => {
            if std::fs::read_dir(&folder)?.next().is_none() {
                return Ok(());
            }
            std::fs::remove_dir_all(&folder)?;
        }
        Ok(_) => std::fs::remove_file(&folder)?,
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        Err(e) => return Err(e),
    }
    std::fs::create_dir(&folder)
}

fn making(error: std::io::Error) -> Error {
    Error::io("make a work tree for gates", error).hint("is there room in the temporary folder ($TMPDIR)?")
}

/// Whether an artifact pattern, a glob or a folder with a trailing slash, names `path`.
fn names(pattern: &str, path: &str) -> bool {
    use gix::glob::wildmatch::Mode;
    let pattern = pattern.trim_start_matches("./");
    (pattern.ends_with('/') && path.starts_with(pattern)) || gix::glob::wildmatch(pattern.into(), path.into(), Mode::NO_MATCH_SLASH_LITERAL)
}
