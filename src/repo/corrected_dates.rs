//! The corrected commit dates that a commit-graph keeps beside its generation numbers (the chunk GDA2, gitformat-commit-graph(5)),
//! which gix does not read.
//!
//! By generation number, all of a long history comes before a young commit of a short one, such as what git.git merges from
//! gitk; by these dates it does not.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// An offset with this bit is too large for the chunk, and is elsewhere: clocks that are off by 68 years.
const ELSEWHERE: u32 = 1 << 31;

/// By position in the commit-graph: by how many seconds the corrected date of a commit is later than its own.
pub struct CorrectedDates {
    pub offsets: Vec<u32>,
    /// What git wrote at the end of each file, by which another one is told from it.
    checksums: Vec<Vec<u8>>,
}

impl CorrectedDates {
    /// Those of the commit-graph in a folder `objects/info`; `None` where it is without them, in part or altogether.
    pub fn read(info: &Path, hash_bytes: usize) -> Option<CorrectedDates> {
        let mut dates = CorrectedDates { offsets: Vec::new(), checksums: Vec::new() };
        for path in files(info)? {
            let mut file = File::open(path).ok()?;
            dates.read_file(&mut file)?;
            dates.checksums.push(checksum(&mut file, hash_bytes)?);
        }
        dates.offsets.iter().all(|offset| offset & ELSEWHERE == 0).then_some(dates)
    }

    /// Whether the files are still those that were read: git puts new ones in their place.
    pub fn are_of(&self, info: &Path, hash_bytes: usize) -> bool {
        let now = files(info).into_iter().flatten().map(|path| checksum(&mut File::open(path).ok()?, hash_bytes));
        now.eq(self.checksums.iter().map(|checksum| Some(checksum.clone())))
    }

    fn read_file(&mut self, file: &mut File) -> Option<()> {
        let mut header = [0; 8];
        file.read_exact(&mut header).ok()?;
        // Each chunk has a name and where it begins; the next one begins where it ends.
        let mut table = vec![0; 12 * (usize::from(header[6]) + 1)];
        file.read_exact(&mut table).ok()?;
        let entries: Vec<(&[u8], u64)> = table.chunks_exact(12).filter_map(|entry| Some((&entry[..4], number(&entry[4..])?))).collect();
        let at = entries.iter().position(|(name, _)| name == b"GDA2")?;
        let (start, end) = (entries[at].1, entries.get(at + 1)?.1);
        let mut chunk = Vec::new();
        file.seek(SeekFrom::Start(start)).ok()?;
        file.take(end.checked_sub(start)?).read_to_end(&mut chunk).ok()?;
        self.offsets.extend(chunk.chunks_exact(4).map(|offset| offset.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))));
        Some(())
    }
}

/// The files of a commit-graph, the one that others build upon first.
fn files(info: &Path) -> Option<Vec<PathBuf>> {
    let single = info.join("commit-graph");
    if single.is_file() {
        return Some(vec![single]);
    }
    let folder = info.join("commit-graphs");
    let chain = std::fs::read_to_string(folder.join("commit-graph-chain")).ok()?;
    Some(chain.lines().map(|hash| folder.join(format!("graph-{hash}.graph"))).collect())
}

fn checksum(file: &mut File, hash_bytes: usize) -> Option<Vec<u8>> {
    let mut checksum = Vec::new();
    file.seek(SeekFrom::End(-i64::try_from(hash_bytes).ok()?)).ok()?;
    file.read_to_end(&mut checksum).ok()?;
    Some(checksum)
}

fn number(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}
