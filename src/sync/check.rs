//! What a remote has is hostile until it is looked at: its sizes before it is read, its form before it is taken over.

use crate::{
    model::Result,
    plan::{document, store},
    repo::Repo,
    run::read_run,
};
use gix::{ObjectId, object::Kind};

/// Most bytes of a plan, of a run's state, and of a commit.
const MAX_PLAN: u64 = 16 << 20;
const MAX_RUN: u64 = 64 << 20;
const MAX_COMMIT: u64 = 1 << 20;

/// Why something is not taken over, in words; nothing where it is sound.
pub(super) type Fault = Option<String>;

/// Whether `id` is a commit that can be read.
pub(super) fn commit(repo: &Repo, id: ObjectId) -> Result<(), String> {
    let header = repo.git.find_header(id).map_err(|e| format!("it cannot be read: {e}"))?;
    if header.kind() != Kind::Commit {
        return Err(format!("it is a {}, not a commit", header.kind()));
    }
    if header.size() > MAX_COMMIT {
        return Err(format!("its commit has {} bytes", header.size()));
    }
    let commit = repo.git.find_commit(id).map_err(|e| format!("its commit cannot be read: {e}"))?;
    commit.decode().map_err(|e| format!("its commit cannot be read: {e}"))?;
    Ok(())
}

/// Whether the file at `path` of a commit is there and not too large.
fn file(repo: &Repo, id: ObjectId, path: &str, most: u64) -> Result<(), String> {
    commit(repo, id)?;
    let tree = repo.git.find_commit(id).and_then(|commit| commit.tree()).map_err(|e| format!("its tree cannot be read: {e}"))?;
    let entry = tree.lookup_entry_by_path(path).map_err(|e| format!("its tree cannot be read: {e}"))?;
    let entry = entry.filter(|entry| entry.mode().is_blob()).ok_or_else(|| format!("it holds no {path}"))?;
    let size = repo.git.find_header(entry.object_id()).map_err(|e| format!("{path} cannot be read: {e}"))?.size();
    if size > most { Err(format!("{path} has {size} bytes, more than {most}")) } else { Ok(()) }
}

/// What is wrong with a revision of the plan called `name`.
pub(super) fn plan(repo: &Repo, name: &str, id: ObjectId) -> Fault {
    let read = || {
        file(repo, id, store::FILE, MAX_PLAN)?;
        let read = store::read(repo, name, id).map_err(|error| error.to_string())?;
        document::check(&read.plan).map_err(|error| error.to_string())
    };
    if name.starts_with('-') { Some("a plan cannot be called that".into()) } else { read().err() }
}

/// What is wrong with a step of the run called `name`.
pub(super) fn run(repo: &Repo, name: &str, id: ObjectId) -> Fault {
    let read = || {
        file(repo, id, "run.json", MAX_RUN)?;
        let run = read_run(repo, name, id).map_err(|error| error.to_string())?;
        if run.id.as_deref() == Some(name) { Ok(()) } else { Err(format!("it says that it is run {}", run.id.unwrap_or_default())) }
    };
    read().err()
}
