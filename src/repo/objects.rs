//! Writing what a weave or notes hold in memory to the object database: few objects one by one, many as one pack.

use super::{Repo, unwritten};
use crate::model::{Error, Result};
use gix::{
    ObjectId, hash,
    objs::{Kind, Write as _},
    odb::{memory::Storage, pack::data},
    zlib::{
        Compression, Status,
        stream::deflate::{Compress, FlushCompress},
    },
};
use std::{
    collections::HashSet,
    io::{Result as IoResult, Write},
};

/// From so many objects on they are written as a pack, as git does with what it fetches (`transfer.unpackLimit` in git-config(1)).
const PACK_FROM: usize = 100;

impl Repo {
    /// Write what `tip` reaches and only `memory` holds to the object database, each object after those that it names, and give
    /// the ids of what was written.
    pub fn write_reached(&self, memory: &Storage, tip: ObjectId, doing: &str) -> Result<HashSet<ObjectId>> {
        let writing = |e: &gix::Error| unwritten(doing, e);
        let (mut reached, mut objects) = (HashSet::new(), Vec::new());
        let mut stack = vec![(tip, false)];
        while let Some((id, children_done)) = stack.pop() {
            let Some((kind, data)) = memory.get(&id).filter(|_| !reached.contains(&id)) else { continue };
            if children_done {
                objects.push((*kind, data.as_slice()));
                reached.insert(id);
                continue;
            }
            stack.push((id, true));
            let named = named_objects(*kind, data, self.git.object_hash()).map_err(|e| writing(&e))?;
            stack.extend(named.into_iter().map(|id| (id, false)));
        }
        if objects.len() >= PACK_FROM {
            self.write_pack(&objects, doing)?;
        } else {
            objects.iter().try_for_each(|(kind, data)| self.git.objects.write_buf(*kind, data).map(drop)).map_err(|e| writing(&e))?;
        }
        Ok(reached)
    }

    /// Git itself makes the pack's index: it checks each object and makes the files durable as `core.fsync` says.
    fn write_pack(&self, objects: &[(Kind, &[u8])], doing: &str) -> Result<()> {
        let hash = self.git.object_hash();
        let command = self.git_command().args(["index-pack", "--stdin"]);
        let said = command.feed(|out| pack(objects, hash, out))?;
        // Git sees no whole pack where not all of it could be handed over.
        if said.status == 0 { Ok(()) } else { Err(Error::git(doing, said.stderr)) }
    }
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

/// A pack without differences between objects (gitformat-pack(5)).
fn pack(objects: &[(Kind, &[u8])], hash: hash::Kind, out: &mut dyn Write) -> IoResult<()> {
    let count = u32::try_from(objects.len()).map_err(std::io::Error::other)?;
    let mut out = hash::io::Write::new(out, hash);
    out.write_all(&data::header::encode(data::Version::V2, count))?;
    let mut deflate = Compress::new(Compression::BEST_SPEED);
    let mut deflated = vec![0; 4096];
    for (kind, object) in objects {
        let header = match kind {
            Kind::Commit => data::entry::Header::Commit,
            Kind::Tree => data::entry::Header::Tree,
            Kind::Blob => data::entry::Header::Blob,
            Kind::Tag => data::entry::Header::Tag,
        };
        header.write_to(object.len() as u64, &mut out)?;
        deflate.reset();
        let (mut read, mut written) = (0, 0);
        while deflate.compress(&object[read..], &mut deflated[written..], FlushCompress::Finish).map_err(std::io::Error::other)?
            != Status::StreamEnd
        {
            (read, written) = (deflate.total_in() as usize, deflate.total_out() as usize);
            deflated.resize(deflated.len() * 2, 0);
        }
        out.write_all(&deflated[..deflate.total_out() as usize])?;
    }
    let trailer = out.hash.try_finalize().map_err(std::io::Error::other)?;
    out.inner.write_all(trailer.as_slice())
}
