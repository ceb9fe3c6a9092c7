//! Writing what is held in memory to the object database: few objects one by one, many as one pack.

use super::{
    Repo,
    pack::{Object, write_pack},
    unwritten,
};
use crate::model::Result;
use gix::{
    ObjectId,
    objs::{Kind, Write},
    odb::memory::Storage,
};
use std::collections::HashSet;

/// From so many objects on they are written as a pack. Git does so with what it fetches from 100 on (`transfer.unpackLimit` in git-config(1));
/// here a pack is the faster one from about ten on, but `gc.autoPackLimit` lets no more than 50 of them be.
const PACK_FROM: usize = 32;

impl Repo {
    /// The same repository, but what is written to it stays in memory until [`Repo::take_in`].
    pub fn draft(&self) -> Repo {
        let mut git = self.git.clone();
        git.objects.enable_object_memory();
        Repo { incoming: self.incoming.clone(), zone: self.zone.clone(), ..Repo::of(git) }
    }

    /// Write what `tips` reach and only `draft` holds to the object database. What else it holds is dropped; where something cannot be
    /// written, it still holds all.
    pub fn take_in(&self, draft: &mut Repo, tips: impl IntoIterator<Item = ObjectId>) -> Result<()> {
        let memory = draft.git.objects.reset_object_memory().unwrap_or_default();
        let written = self.write_reached(&memory, tips, "write to the object database");
        if written.is_err() {
            draft.git.objects.set_object_memory(memory);
        }
        written.map(drop)
    }

    /// Write what `tips` reach and only `memory` holds to the object database, each object after those that it names, and give
    /// the ids of what was written.
    pub fn write_reached(&self, memory: &Storage, tips: impl IntoIterator<Item = ObjectId>, doing: &str) -> Result<HashSet<ObjectId>> {
        let writing = |e: &gix::Error| unwritten(doing, e);
        let objects = reached(memory, tips, self.git.object_hash()).map_err(|e| writing(&e))?;
        if objects.len() >= PACK_FROM {
            let packs = self.git.objects.store_ref().path().join("pack");
            write_pack(&packs, &objects, self.git.object_hash()).map_err(|e| writing(&gix::Error::from_error(e)))?;
        } else {
            let write = |&(id, kind, data): &Object| self.git.objects.write_buf_with_known_id(kind, data, id).map(drop);
            objects.iter().try_for_each(write).map_err(|e| writing(&e))?;
        }
        Ok(objects.into_iter().map(|(id, ..)| id).collect())
    }
}

/// What `tips` reach and `memory` holds, each object after those that it names.
fn reached(memory: &Storage, tips: impl IntoIterator<Item = ObjectId>, hash: gix::hash::Kind) -> gix::Result<Vec<Object<'_>>> {
    let (mut reached, mut objects) = (HashSet::new(), Vec::new());
    let mut stack: Vec<(ObjectId, bool)> = tips.into_iter().map(|tip| (tip, false)).collect();
    while let Some((id, children_done)) = stack.pop() {
        let Some((kind, data)) = memory.get(&id).filter(|_| !reached.contains(&id)) else { continue };
        if children_done {
            objects.push((id, *kind, data.as_slice()));
            reached.insert(id);
            continue;
        }
        stack.push((id, true));
        stack.extend(named_objects(*kind, data, hash)?.into_iter().map(|id| (id, false)));
    }
    Ok(objects)
}

/// The objects that a commit or tree of the weave names.
pub fn named_objects(kind: Kind, data: &[u8], hash: gix::hash::Kind) -> gix::Result<Vec<ObjectId>> {
    Ok(match kind {
        Kind::Commit => {
            let commit = gix::objs::CommitRef::from_bytes(data, hash)?;
            std::iter::once(commit.tree()).chain(commit.parents()).collect()
        }
        Kind::Tree => gix::objs::TreeRef::from_bytes(data, hash)?.entries.iter().map(|entry| entry.oid.to_owned()).collect(),
        Kind::Blob | Kind::Tag => Vec::new(),
    })
}
