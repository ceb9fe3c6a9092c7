//! The three-way merge of a text by lines, with its conflicts left open: the weave's own, which is git's.

use crate::weave::text::{self, Text};

/// A stretch of a merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// What the merge gives here.
    Common(&'a str),
    /// Both sides changed the same lines, or lines that touch.
    Conflict {
        /// The lines of the base.
        base: &'a str,
        /// The lines in the tip.
        ours: &'a str,
        /// The lines in the item.
        theirs: &'a str,
    },
}

/// A merge of three texts.
pub(super) struct Merge(Vec<text::Piece>);

impl Merge {
    /// `None` where git would merge them by another diff.
    pub fn new(base: &str, ours: &str, theirs: &str) -> Option<Merge> {
        match text::merge(base.as_bytes(), ours.as_bytes(), theirs.as_bytes()) {
            Text::Merged(merged) => Some(Merge(vec![text::Piece::Merged(merged)])),
            Text::Clash(pieces) => Some(Merge(pieces)),
            Text::Doubt => None,
        }
    }

    /// Its stretches, in order.
    pub fn pieces(&self) -> Option<Vec<Piece<'_>>> {
        let mut pieces = Vec::new();
        for piece in &self.0 {
            pieces.push(match piece {
                text::Piece::Merged(lines) if lines.is_empty() => continue,
                text::Piece::Merged(lines) => Piece::Common(std::str::from_utf8(lines).ok()?),
                text::Piece::Clash([base, ours, theirs]) => Piece::Conflict {
                    base: std::str::from_utf8(base).ok()?,
                    ours: std::str::from_utf8(ours).ok()?,
                    theirs: std::str::from_utf8(theirs).ok()?,
                },
            });
        }
        Some(pieces)
    }

    /// The merge with each conflict as `resolve` has it, if there are any and it has all of them.
    pub fn settle(&self, mut resolve: impl FnMut(&str, &str, &str) -> Option<String>) -> Option<String> {
        let pieces = self.pieces()?;
        // Where this merge sees no conflict but git did, they read the changes in different ways: not for a rule to decide.
        if !pieces.iter().any(|piece| matches!(piece, Piece::Conflict { .. })) {
            return None;
        }
        let mut out = String::new();
        for piece in pieces {
            match piece {
                Piece::Common(text) => out.push_str(text),
                Piece::Conflict { base, ours, theirs } => {
                    out.push_str(&resolve(base, ours, theirs)?);
                }
            }
        }
        Some(out)
    }
}
