//! The inputs of a gate: the candidate's tree, cut down to the gate's `paths`.

use crate::model::{Error, Result};
use gix::{ObjectId, bstr::BStr, glob::wildmatch, objs::tree::EntryKind, traverse::tree::Recorder};

/// Whether a glob names a path: `*` stays within a folder, `**` does not.
pub fn names(glob: &str, path: &BStr) -> bool {
    wildmatch(glob.into(), path, wildmatch::Mode::NO_MATCH_SLASH_LITERAL)
}

/// The tree that keys a gate's verdict. Without `paths` it is the candidate's tree itself; otherwise one that holds only
/// the files that a glob names (`*` stays within a folder, `**` does not). Globs that name no file say nothing of what the
/// gate reads, so that all of the tree counts then. It is written to `git`, which may be in memory.
pub fn inputs(git: &gix::Repository, tree: ObjectId, paths: &[String]) -> Result<ObjectId> {
    if paths.is_empty() {
        return Ok(tree);
    }
    let reading = |e: &dyn std::fmt::Display| Error::git("list the inputs of a gate", e);
    let mut recorder = Recorder::default();
    git.find_tree(tree).map_err(|e| reading(&e))?.traverse().breadthfirst(&mut recorder).map_err(|e| reading(&e))?;
    let mut any = false;
    let mut editor = git.edit_tree(git.object_hash().empty_tree()).map_err(|e| reading(&e))?;
    for entry in recorder.records.iter().filter(|e| e.mode.kind() != EntryKind::Tree) {
        if paths.iter().any(|glob| names(glob, entry.filepath.as_ref())) {
            any = true;
            editor.upsert(&entry.filepath, entry.mode.kind(), entry.oid).map_err(|e| reading(&e))?;
        }
    }
    if !any {
        return Ok(tree);
    }
    Ok(editor.write().map_err(|e| reading(&e))?.detach())
}
