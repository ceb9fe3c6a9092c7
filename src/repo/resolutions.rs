//! Resolutions as they are kept: a tree of blobs at `refs/lex-pr/resolutions`, each under its key, so that two clones' sets
//! are united file by file.

use super::{RefChange, Repo};
use crate::model::{Error, Result, resolution::Resolution};
use gix::{ObjectId, bstr::ByteSlice, objs::tree::EntryKind, traverse::tree::Recorder};

/// Where resolutions are kept.
pub const RESOLUTIONS_REF: &str = "refs/lex-pr/resolutions";

/// How often an update is tried again after another process was faster.
const ATTEMPTS: usize = 1000;

/// The recorded resolutions of a repository, as they were when they were opened.
pub struct Resolutions {
    tree: Option<ObjectId>,
}

/// Keys are spread over folders by their first byte.
fn path_of(key: &str) -> String {
    format!("{}/{}", &key[..2.min(key.len())], &key[2.min(key.len())..])
}

impl Repo {
    /// The resolutions there are.
    pub fn resolutions(&self) -> Result<Resolutions> {
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read {RESOLUTIONS_REF}"), e);
        let tree = match self.ref_commit(RESOLUTIONS_REF)? {
            Some(commit) => Some(self.git.find_commit(commit).map_err(|e| reading(&e))?.tree_id().map_err(|e| reading(&e))?.detach()),
            None => None,
        };
        Ok(Resolutions { tree })
    }

    /// Add and take away resolutions, in one revision; what is recorded under a key already gives way. Gives how many were
    /// not there before in this form.
    pub fn change_resolutions(&self, add: &[Resolution], forget: &[String], message: &str) -> Result<usize> {
        let writing = |e: &dyn std::fmt::Display| Error::git(format_args!("write {RESOLUTIONS_REF}"), e);
        for _ in 0..ATTEMPTS {
            let tip = self.ref_commit(RESOLUTIONS_REF)?;
            let known = self.resolutions()?;
            let before = known.tree.unwrap_or_else(|| self.git.object_hash().empty_tree());
            let mut editor = self.git.edit_tree(before).map_err(|e| writing(&e))?;
            let mut changed = 0;
            for resolution in add {
                let key = resolution.own_key();
                // One that cannot be read is as good as none.
                changed += usize::from(known.find(&self.git, &key).ok().flatten().as_ref() != Some(resolution));
                let blob = self.git.write_blob(resolution.to_bytes()).map_err(|e| writing(&e))?;
                editor.upsert(path_of(&key).as_str(), EntryKind::Blob, blob).map_err(|e| writing(&e))?;
            }
            for key in forget {
                editor.remove(path_of(key).as_str()).map_err(|e| writing(&e))?;
            }
            let tree = editor.write().map_err(|e| writing(&e))?.detach();
            if tree == before {
                return Ok(0);
            }
            let commit = self.commit_tree(tree, tip, message)?;
            let change = RefChange { name: RESOLUTIONS_REF.into(), old: tip, new: Some(commit) };
            if self.swap_refs(&[change], message)?.is_ok() {
                return Ok(changed);
            }
        }
        Err(Error::contended("resolutions are being written by others all the time"))
    }
}

impl Resolutions {
    /// No resolutions at all.
    pub fn none() -> Resolutions {
        Resolutions { tree: None }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.tree.is_none()
    }

    /// The one under `key`.
    pub fn find(&self, git: &gix::Repository, key: &str) -> Result<Option<Resolution>> {
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read resolution {key}"), e);
        let Some(tree) = self.tree else { return Ok(None) };
        let tree = git.find_tree(tree).map_err(|e| reading(&e))?;
        let Some(entry) = tree.lookup_entry(path_of(key).as_bytes().split_str("/")).map_err(|e| reading(&e))? else { return Ok(None) };
        let blob = entry.object().map_err(|e| reading(&e))?;
        Resolution::from_bytes(&blob.data, key).map(Some)
    }

    /// All of them with their keys, sorted by key.
    pub fn all(&self, git: &gix::Repository) -> Result<Vec<(String, Resolution)>> {
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("list {RESOLUTIONS_REF}"), e);
        let Some(tree) = self.tree else { return Ok(Vec::new()) };
        let mut recorder = Recorder::default();
        git.find_tree(tree).map_err(|e| reading(&e))?.traverse().breadthfirst(&mut recorder).map_err(|e| reading(&e))?;
        let mut all = Vec::new();
        for entry in recorder.records.iter().filter(|entry| entry.mode.is_blob()) {
            let key = entry.filepath.to_string().replace('/', "");
            let blob = git.find_blob(entry.oid).map_err(|e| reading(&e))?;
            all.push((key.clone(), Resolution::from_bytes(&blob.data, &key)?));
        }
        all.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(all)
    }
}
