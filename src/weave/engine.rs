//! The three-way merge of trees, by looking up only what both sides changed.
//!
//! A subtree that one side left as the base has it is taken from the other side unopened (merge-ort's trivial directory
//! resolution). What is left is compared entry by entry, and files that both changed are merged as text, with attributes
//! and drivers. Renames are not searched: they can matter only where one side changed what the other took away, where
//! both took the same away, or where both put something in one place. All of these are doubts, and git itself decides
//! them. So an answer from here is git's answer, for renames or without.

use crate::model::{Error, Result};
use gix::{
    ObjectId,
    bstr::{BStr, BString, ByteSlice},
    merge::plumbing::blob::{Platform, Resolution, ResourceKind},
    objs::{
        Tree, Write,
        tree::{Entry, EntryKind, EntryMode},
    },
};
use std::{
    cell::{OnceCell, RefCell},
    collections::BTreeMap,
};

/// What a tree has under a name.
type Side = Option<(EntryMode, ObjectId)>;

/// A merge of trees that is in no doubt.
#[derive(Default)]
pub struct Engine {
    /// Made when the first file is merged: it reads the index for attributes.
    files: OnceCell<RefCell<Platform>>,
}

impl Engine {
    /// The tree of merging `theirs` into `ours`, written to `git`; or `None` where there is a conflict or a doubt.
    pub fn merge(&self, git: &gix::Repository, base: ObjectId, ours: ObjectId, theirs: ObjectId) -> Result<Option<ObjectId>> {
        let path = BString::default();
        self.trees(git, path.as_bstr(), Some(base), ours, theirs)
    }

    fn trees(
        &self,
        git: &gix::Repository,
        path: &BStr,
        base: Option<ObjectId>,
        ours: ObjectId,
        theirs: ObjectId,
    ) -> Result<Option<ObjectId>> {
        if ours == theirs || base == Some(theirs) {
            return Ok(Some(ours));
        }
        if base == Some(ours) {
            return Ok(Some(theirs));
        }
        let mut names: BTreeMap<BString, [Side; 3]> = BTreeMap::new();
        for (side, tree) in [base, Some(ours), Some(theirs)].into_iter().enumerate() {
            let Some(tree) = tree else { continue };
            for entry in git.find_tree(tree).map_err(|e| reading(path, e))?.iter() {
                let entry = entry.map_err(|e| reading(path, e))?;
                names.entry(entry.filename().to_owned()).or_default()[side] = Some((entry.mode(), entry.object_id()));
            }
        }
        let mut merged = Tree::empty();
        for (name, [base, ours, theirs]) in names {
            let result = if base == ours && base == theirs {
                base
            } else if ours == theirs {
                // Both took it away: each may have renamed it.
                if ours.is_none() {
                    return Ok(None);
                }
                ours
            } else if base == ours {
                theirs
            } else if base == theirs {
                ours
            } else {
                match self.both_changed(git, join(path, name.as_bstr()).as_bstr(), base, ours, theirs)? {
                    Some(result) => Some(result),
                    None => return Ok(None),
                }
            };
            if let Some((mode, oid)) = result {
                merged.entries.push(Entry { mode, filename: name, oid });
            }
        }
        merged.entries.sort();
        if merged.entries.is_empty() && !path.is_empty() {
            // Git keeps no empty folders; what that means for the folder above is for git to say.
            return Ok(None);
        }
        Ok(Some(git.write_object(&merged).map_err(|e| reading(path, e))?.detach()))
    }

    fn both_changed(&self, git: &gix::Repository, path: &BStr, base: Side, ours: Side, theirs: Side) -> Result<Side> {
        let (Some(ours), Some(theirs)) = (ours, theirs) else { return Ok(None) };
        match base {
            Some(base) if base.0.is_blob() && ours.0.is_blob() && theirs.0.is_blob() => {
                let mode = if ours.0 == base.0 { theirs.0 } else { ours.0 };
                Ok(self.files(git, path, base, ours, theirs)?.map(|id| (mode, id)))
            }
            _ if ours.0.is_tree() && theirs.0.is_tree() && base.is_none_or(|b| b.0.is_tree()) => {
                let merged = self.trees(git, path, base.map(|b| b.1), ours.1, theirs.1)?;
                Ok(merged.map(|id| (EntryKind::Tree.into(), id)))
            }
            _ => Ok(None),
        }
    }

    fn files(
        &self,
        git: &gix::Repository,
        path: &BStr,
        base: (EntryMode, ObjectId),
        ours: (EntryMode, ObjectId),
        theirs: (EntryMode, ObjectId),
    ) -> Result<Option<ObjectId>> {
        if ours.1 == theirs.1 || base.1 == theirs.1 {
            return Ok(Some(ours.1));
        }
        if base.1 == ours.1 {
            return Ok(Some(theirs.1));
        }
        let merging = |e: gix::Error| Error::git(format_args!("merge {path}"), e);
        let files = match self.files.get() {
            Some(files) => files,
            None => {
                let platform = git.merge_resource_cache(Default::default()).map_err(merging)?;
                self.files.get_or_init(|| RefCell::new(platform))
            }
        };
        let mut files = files.borrow_mut();
        for (kind, (mode, id)) in
            [(ResourceKind::CommonAncestorOrBase, base), (ResourceKind::CurrentOrOurs, ours), (ResourceKind::OtherOrTheirs, theirs)]
        {
            files.set_resource(id, mode.kind(), path, kind, &git.objects).map_err(merging)?;
        }
        let prepared = files.prepare_merge(&git.objects, git.blob_merge_options().map_err(merging)?).map_err(merging)?;
        let mut merged = Vec::new();
        let context = git.command_context().map_err(merging)?;
        let (pick, resolution) = prepared.merge(&mut merged, Default::default(), &context).map_err(merging)?;
        if resolution != Resolution::Complete {
            return Ok(None);
        }
        let write = |content: &[u8]| git.objects.write_buf(gix::objs::Kind::Blob, content);
        prepared.id_by_pick(pick, &merged, write).map_err(merging)
    }
}

fn join(folder: &BStr, name: &BStr) -> BString {
    if folder.is_empty() {
        return name.to_owned();
    }
    let mut path = folder.to_owned();
    path.push(b'/');
    path.extend_from_slice(name.as_bytes());
    path
}

fn reading(path: &BStr, error: impl std::fmt::Display) -> Error {
    Error::git(format_args!("merge the folder `{path}`"), error)
}
