//! A push that a server has received and not taken in yet: its objects lie in quarantine, its refs stand where they stood
//! (git-receive-pack(1), "QUARANTINE ENVIRONMENT").

use super::{RefChange, Repo, Scratch};
use crate::model::{Error, Result};
use gix::{
    ObjectId,
    odb::{Store, store::init::Options},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Refs and where they will stand; `None` where they will be gone.
pub(super) type Incoming = BTreeMap<String, Option<ObjectId>>;

/// The object folder of the push at hand, where this process is the hook of one.
fn quarantine() -> Option<PathBuf> {
    std::env::var_os("GIT_QUARANTINE_PATH").map(PathBuf::from).filter(|path| path.is_dir())
}

/// Let `git` read the objects in quarantine, too. The folder that is kept tells where objects lie, as an alternates file does
/// (gitrepository-layout(5)): one in the quarantine itself would be taken in with the push.
pub(super) fn see_quarantine(git: &mut gix::ThreadSafeRepository) -> Result<Option<Scratch>> {
    let Some(quarantine) = quarantine() else { return Ok(None) };
    let seeing = |e: std::io::Error| Error::io("read the objects of a push", e);
    let scratch = Scratch::create().map_err(seeing)?;
    let info = scratch.path().join("info");
    std::fs::create_dir(&info).map_err(seeing)?;
    let own = git.objects.path().to_path_buf();
    let line = |path: &Path| path.canonicalize().map(|path| format!("{}\n", path.display())).map_err(seeing);
    std::fs::write(info.join("alternates"), line(&quarantine)? + &line(&own)?).map_err(seeing)?;
    // Walks over a long history go by the commit-graph.
    for graph in ["commit-graph", "commit-graphs"] {
        if let Ok(path) = own.join("info").join(graph).canonicalize() {
            std::os::unix::fs::symlink(path, info.join(graph)).map_err(seeing)?;
        }
    }
    let hash = git.to_thread_local().object_hash();
    let objects = Store::at_opts(scratch.path().to_path_buf(), hash, &mut std::iter::empty(), Options::default());
    git.objects = objects.map_err(seeing)?.into();
    Ok(Some(scratch))
}

impl Repo {
    /// The same repository as it is once the refs of this tool stand where a push moves them: a verdict that comes with what it is
    /// about counts. The target does not: what is pushed to it is what is judged.
    pub fn with_incoming(mut self, changes: &[RefChange]) -> Repo {
        let of_tool = changes.iter().filter(|change| ["refs/lex-pr/", "refs/notes/lex-pr/"].iter().any(|p| change.name.starts_with(p)));
        self.incoming = of_tool.map(|change| (change.name.clone(), change.new)).collect();
        self
    }

    /// Let the refs under `prefix`, without it, stand where a push moves them, sorted by name.
    pub(super) fn add_incoming(&self, prefix: &str, refs: &mut Vec<(String, ObjectId)>) {
        for (name, value) in &self.incoming {
            let Some(short) = name.strip_prefix(prefix) else { continue };
            refs.retain(|(other, _)| other != short);
            refs.extend(value.map(|value| (short.to_string(), value)));
        }
        refs.sort();
    }
}
