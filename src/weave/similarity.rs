//! How alike two files are, by git's measure, which decides what is a rename.
//!
//! A file is cut into lines, or pieces of 64 bytes where lines are longer, and each piece is hashed into one of 107,927
//! buckets. The bytes in buckets that both files fill, by the size of the larger file, are the likeness (`estimate_similarity`
//! in git's diffcore-rename.c, diffcore-delta.c). The hash is a small one, so that its collisions count too: it must be git's.

use super::text::is_text;

const BUCKETS: u32 = 107_927;
const PIECE_BYTES: u32 = 64;
const UPPER: u64 = 0xffff_ffff_0000_0000;

/// Whether files of these sizes could be half alike.
pub(super) fn sizes_allow_rename(one: u64, other: u64) -> bool {
    let (small, large) = (one.min(other), one.max(other));
    large <= 2 * small
}

/// Whether two files are at least half alike, which makes one that is gone and one that is new a rename.
pub(super) fn is_rename(gone: &Pieces, new: &Pieces) -> bool {
    if new.bytes == 0 || !sizes_allow_rename(gone.bytes, new.bytes) {
        return false;
    }
    let mut copied = 0_u64;
    let mut theirs = new.filled.iter().peekable();
    for (bucket, bytes) in &*gone.filled {
        while theirs.next_if(|(other, _)| other < bucket).is_some() {}
        if let Some((_, other)) = theirs.next_if(|(other, _)| other == bucket) {
            copied += u64::from(*bytes.min(other));
        }
    }
    copied * 2 >= gone.bytes.max(new.bytes)
}

/// A file as it is compared: the buckets that its pieces fill, sorted, and with how many bytes.
pub(super) struct Pieces {
    bytes: u64,
    filled: Box<[(u32, u32)]>,
}

impl Pieces {
    /// `told_text`: what the attribute `diff` says.
    pub fn of(content: &[u8], told_text: Option<bool>) -> Pieces {
        let is_text = told_text.unwrap_or_else(|| is_text(content));
        let mut pieces: Vec<(u32, u32)> = Vec::with_capacity(content.len() / 16);
        let (mut hash, mut length) = (0_u64, 0_u32);
        for (at, &byte) in content.iter().enumerate() {
            // A line end is the same with and without a carriage return.
            if is_text && byte == b'\r' && content.get(at + 1) == Some(&b'\n') {
                continue;
            }
            // The upper half takes no carry from the lower.
            let turned = hash.rotate_left(7);
            hash = turned & UPPER | u64::from((turned as u32).wrapping_add(byte.into()));
            length += 1;
            if length == PIECE_BYTES || byte == b'\n' {
                pieces.push((bucket(hash), length));
                (hash, length) = (0, 0);
            }
        }
        if length > 0 {
            pieces.push((bucket(hash), length));
        }
        pieces.sort_unstable_by_key(|piece| piece.0);
        pieces.dedup_by(|later, first| {
            let same = later.0 == first.0;
            if same {
                first.1 += later.1;
            }
            same
        });
        Pieces { bytes: content.len() as u64, filled: pieces.into_boxed_slice() }
    }
}

fn bucket(hash: u64) -> u32 {
    (hash as u32).wrapping_add(((hash >> 32) as u32).wrapping_mul(0x61)) % BUCKETS
}
