//! Packs of whole objects and their indices (gitformat-pack(5)), made durable before they are seen.

use gix::{
    ObjectId,
    hash::{self, Kind as Hash},
    objs::Kind,
    odb::pack::data,
    zlib::{
        Compression, Status,
        stream::deflate::{Compress, FlushCompress},
    },
};
use std::{
    fs::Permissions,
    io::{BufWriter, Error, Result, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};
use tempfile::NamedTempFile;

/// An object: its id, what it is, and its content.
pub(super) type Object<'a> = (ObjectId, Kind, &'a [u8]);

/// Where an object lies in a pack.
struct Entry {
    id: ObjectId,
    /// From the beginning of the pack, in bytes.
    offset: u64,
    /// Of its bytes in the pack.
    crc: u32,
}

/// Write `objects`, each once and none as a difference from another, as a pack with its index into the folder `dir` of packs.
pub(super) fn write_pack(dir: &Path, objects: &[Object], hash: Hash) -> Result<()> {
    std::fs::create_dir_all(dir)?;
    let mut file = temporary(dir, "tmp_pack_")?;
    let (mut entries, checksum) = write_data(objects, hash, &mut file)?;
    entries.sort_by_key(|entry| entry.id);
    let mut index = temporary(dir, "tmp_idx_")?;
    write_index(&entries, checksum, hash, &mut index)?;
    // Git takes a pack for whole as soon as it has an index.
    for (file, kind) in [(file, "pack"), (index, "idx")] {
        file.as_file().sync_all()?;
        file.persist(dir.join(format!("pack-{checksum}.{kind}"))).map_err(|e| e.error)?;
    }
    Ok(())
}

/// A file that goes where it is not given its name; `git gc` removes what a killed process has left of such a name.
fn temporary(dir: &Path, prefix: &str) -> Result<NamedTempFile> {
    tempfile::Builder::new().prefix(prefix).permissions(Permissions::from_mode(0o444)).tempfile_in(dir)
}

fn write_data(objects: &[Object], hash: Hash, file: &mut dyn Write) -> Result<(Vec<Entry>, ObjectId)> {
    let mut out = hash::io::Write::new(BufWriter::new(file), hash);
    let header = data::header::encode(data::Version::V2, u32::try_from(objects.len()).map_err(Error::other)?);
    out.write_all(&header)?;
    let mut offset = header.len() as u64;
    let mut deflate = Compress::new(Compression::BEST_SPEED);
    let mut bytes = Vec::new();
    let mut entries = Vec::with_capacity(objects.len());
    for &(id, kind, object) in objects {
        let header = match kind {
            Kind::Commit => data::entry::Header::Commit,
            Kind::Tree => data::entry::Header::Tree,
            Kind::Blob => data::entry::Header::Blob,
            Kind::Tag => data::entry::Header::Tag,
        };
        bytes.clear();
        header.write_to(object.len() as u64, &mut bytes)?;
        append_deflated(&mut deflate, object, &mut bytes)?;
        out.write_all(&bytes)?;
        entries.push(Entry { id, offset, crc: crc32fast::hash(&bytes) });
        offset += bytes.len() as u64;
    }
    let checksum = out.hash.try_finalize().map_err(Error::other)?;
    out.inner.write_all(checksum.as_slice())?;
    out.inner.flush()?;
    Ok((entries, checksum))
}

fn append_deflated(deflate: &mut Compress, object: &[u8], bytes: &mut Vec<u8>) -> Result<()> {
    deflate.reset();
    let begin = bytes.len();
    loop {
        let (read, written) = (deflate.total_in() as usize, begin + deflate.total_out() as usize);
        bytes.resize(written + (object.len() - read).max(64), 0);
        let status = deflate.compress(&object[read..], &mut bytes[written..], FlushCompress::Finish).map_err(Error::other)?;
        if status == Status::StreamEnd {
            bytes.truncate(begin + deflate.total_out() as usize);
            return Ok(());
        }
    }
}

/// The index of a pack, version 2, of entries that are sorted by id.
fn write_index(entries: &[Entry], checksum: ObjectId, hash: Hash, file: &mut dyn Write) -> Result<()> {
    let mut out = hash::io::Write::new(BufWriter::new(file), hash);
    out.write_all(b"\xfftOc\0\0\0\x02")?;
    for first in 0..=u8::MAX {
        let up_to = entries.partition_point(|entry| entry.id.first_byte() <= first);
        out.write_all(&u32::try_from(up_to).map_err(Error::other)?.to_be_bytes())?;
    }
    entries.iter().try_for_each(|entry| out.write_all(entry.id.as_slice()))?;
    entries.iter().try_for_each(|entry| out.write_all(&entry.crc.to_be_bytes()))?;
    // What does not fit into 31 bits stands in a table of its own.
    let mut large = Vec::new();
    for entry in entries {
        let word = u32::try_from(entry.offset).ok().filter(|offset| *offset < LARGE).unwrap_or_else(|| {
            large.push(entry.offset);
            LARGE | u32::try_from(large.len() - 1).unwrap_or(u32::MAX)
        });
        out.write_all(&word.to_be_bytes())?;
    }
    large.iter().try_for_each(|offset| out.write_all(&offset.to_be_bytes()))?;
    out.write_all(checksum.as_slice())?;
    let own = out.hash.try_finalize().map_err(Error::other)?;
    out.inner.write_all(own.as_slice())?;
    out.inner.flush()
}

/// The bit of an offset by which it stands in the table of large ones.
const LARGE: u32 = 1 << 31;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::process::Command;

    fn git(dir: &Path, args: &[&str]) -> Vec<u8> {
        let output = Command::new("git").args(args).current_dir(dir).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    #[test]
    fn git_reads_what_is_packed() {
        let contents: Vec<Vec<u8>> = (0..300u32).map(|n| n.to_be_bytes().repeat(1 + (n * n) as usize)).chain([Vec::new()]).collect();
        for hash in [Hash::Sha1, Hash::Sha256] {
            let dir = tempfile::tempdir().unwrap();
            git(dir.path(), &["init", "-q", "--object-format", &hash.to_string(), "."]);
            let id = |content: &[u8]| gix::objs::compute_hash(hash, Kind::Blob, content).unwrap();
            let objects: Vec<Object> = contents.iter().map(|content| (id(content), Kind::Blob, content.as_slice())).collect();
            let packs = dir.path().join(".git/objects/pack");
            write_pack(&packs, &objects, hash).unwrap();
            let index = std::fs::read_dir(&packs).unwrap().flatten().find(|file| file.path().extension().unwrap() == "idx").unwrap();
            let listed = String::from_utf8(git(dir.path(), &["verify-pack", "-v", index.path().to_str().unwrap()])).unwrap();
            for (id, _, content) in &objects {
                assert!(listed.contains(&format!("{id} blob   {} ", content.len())), "{id}");
            }
            let last = git(dir.path(), &["cat-file", "blob", &objects[200].0.to_string()]);
            assert!(last == objects[200].2);
            git(dir.path(), &["fsck", "--strict"]);
        }
    }

    #[test]
    fn an_index_tells_where_things_lie_behind_two_gigabytes() {
        let entry = |byte: u8, offset| Entry { id: ObjectId::from_bytes_or_panic(&[byte; 20]), offset, crc: 0 };
        let entries = [entry(1, 12), entry(2, 1 << 31), entry(3, (1 << 31) - 1), entry(4, 5 << 31)];
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pack.idx");
        write_index(&entries, ObjectId::null(Hash::Sha1), Hash::Sha1, &mut std::fs::File::create(&path).unwrap()).unwrap();
        let index = gix::odb::pack::index::File::at(&path, Hash::Sha1).unwrap();
        let offsets: Vec<u64> = index.iter().map(|entry| entry.pack_offset).collect();
        assert_eq!(offsets, entries.map(|entry| entry.offset));
    }
}
