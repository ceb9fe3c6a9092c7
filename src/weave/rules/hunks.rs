//! The three-way merge of a text by lines, with its conflicts left open.

use gix::diff::blob::{Algorithm, Diff, Hunk, InternedInput, sources::byte_lines};
use std::ops::Range;

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

/// One side's changes, and how far they have been walked.
struct Walk<'a> {
    text: &'a str,
    /// Where each line begins, and where the last one ends.
    starts: Vec<usize>,
    hunks: Vec<Hunk>,
    next: usize,
    /// The lines before this one are walked.
    line: usize,
}

impl<'a> Walk<'a> {
    fn new(base: &str, text: &'a str) -> Self {
        let input = InternedInput::new(byte_lines(base.as_bytes()), byte_lines(text.as_bytes()));
        let mut diff = Diff::compute(Algorithm::Histogram, &input);
        diff.postprocess_lines(&input);
        Walk { text, starts: starts(text), hunks: diff.hunks().collect(), next: 0, line: 0 }
    }

    fn peek(&self) -> Option<Range<usize>> {
        self.hunks.get(self.next).map(|hunk| hunk.before.start as usize..hunk.before.end as usize)
    }

    /// Walk over lines that are the base's.
    fn keep(&mut self, count: usize) -> &'a str {
        let begin = self.line;
        self.line += count;
        slice(self.text, &self.starts, begin..self.line)
    }

    /// Walk over the lines that stand for `base`, which holds whole changes only: the lines, and whether any is changed.
    fn take(&mut self, base: &Range<usize>) -> (&'a str, bool) {
        let (mut length, first) = (base.len() as isize, self.next);
        while let Some(hunk) = self.hunks.get(self.next).filter(|hunk| hunk.before.end as usize <= base.end) {
            length += hunk.after.len() as isize - hunk.before.len() as isize;
            self.next += 1;
        }
        (self.keep(length.unsigned_abs()), self.next > first)
    }
}

fn starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.split_inclusive('\n').scan(0, |at, line| Some(*at + line.len()).inspect(|end| *at = *end))).collect()
}

fn slice<'a>(text: &'a str, starts: &[usize], lines: Range<usize>) -> &'a str {
    let at = |line: usize| starts.get(line).copied().unwrap_or(text.len());
    &text[at(lines.start)..at(lines.end)]
}

/// The merge of two sides, as `diff3` has it (Khanna, Kunal, Pierce: A Formal Investigation of Diff3). Changes that touch
/// conflict, as in git.
pub(super) fn pieces<'a>(base: &'a str, ours: &'a str, theirs: &'a str) -> Vec<Piece<'a>> {
    let (mut us, mut them) = (Walk::new(base, ours), Walk::new(base, theirs));
    let base_starts = starts(base);
    let mut pieces = Vec::new();
    let mut at = 0;
    loop {
        let next = match (us.peek(), them.peek()) {
            (Some(ours), Some(theirs)) => Some(if (ours.start, ours.end) <= (theirs.start, theirs.end) { ours } else { theirs }),
            (ours, theirs) => ours.or(theirs),
        };
        let Some(mut region) = next else { break };
        let widen = |region: &Range<usize>| {
            let ends = |walk: &Walk| {
                let touching = walk.hunks[walk.next..].iter().take_while(|hunk| hunk.before.start as usize <= region.end);
                touching.map(|hunk| hunk.before.end as usize).max().unwrap_or_default()
            };
            ends(&us).max(ends(&them)).max(region.end)
        };
        loop {
            let end = widen(&region);
            if end == region.end {
                break;
            }
            region.end = end;
        }
        pieces.push(Piece::Common(us.keep(region.start - at)));
        them.keep(region.start - at);
        let ((ours, we_changed), (theirs, they_changed)) = (us.take(&region), them.take(&region));
        pieces.push(match (we_changed, they_changed) {
            (true, true) if ours != theirs => Piece::Conflict { base: slice(base, &base_starts, region.clone()), ours, theirs },
            (false, _) => Piece::Common(theirs),
            _ => Piece::Common(ours),
        });
        at = region.end;
    }
    pieces.push(Piece::Common(us.keep(base_starts.len() - 1 - at)));
    pieces.retain(|piece| *piece != Piece::Common(""));
    pieces
}

/// The merge with each conflict as `resolve` has it, if there are any and it has all of them.
pub(super) fn settle(pieces: &[Piece], mut resolve: impl FnMut(&str, &str, &str) -> Option<String>) -> Option<String> {
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

#[cfg(test)]
mod tests {
    use super::{Piece, pieces};

    #[test]
    fn what_one_side_changed_is_common_and_what_touches_is_a_conflict() {
        assert_eq!(
            pieces("a\nb\nc\nd\n", "A\nb\nc\nx\nd\n", "a\nb\nc\ny\nd\n"),
            [Piece::Common("A\n"), Piece::Common("b\nc\n"), Piece::Conflict { base: "", ours: "x\n", theirs: "y\n" }, Piece::Common("d\n")]
        );
        assert_eq!(pieces("a\nb\n", "A\nb\n", "a\nB\n"), [Piece::Conflict { base: "a\nb\n", ours: "A\nb\n", theirs: "a\nB\n" }]);
        assert_eq!(pieces("", "a\n", "a\n"), [Piece::Common("a\n")]);
        assert_eq!(pieces("", "", ""), []);
    }

    #[test]
    fn each_side_can_be_read_back_where_the_other_changed_nothing() {
        let mut seed = 1_u64;
        let mut text = || {
            let mut next = || {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (seed >> 33) as usize
            };
            let length = next() % 9;
            (0..length).map(|_| ["a\n", "b\n", "c\n", "d\n"][next() % 4]).collect::<String>()
        };
        for _ in 0..2000 {
            let (base, ours, theirs) = (text(), text(), text());
            let merged = |one: &str, other: &str| {
                let text = |piece| match piece {
                    Piece::Common(text) => Some(text.to_owned()),
                    Piece::Conflict { .. } => None,
                };
                pieces(&base, one, other).into_iter().map(text).collect::<Option<String>>()
            };
            assert_eq!(merged(&ours, &base).as_ref(), Some(&ours));
            assert_eq!(merged(&base, &theirs).as_ref(), Some(&theirs));
            assert_eq!(merged(&ours, &ours).as_ref(), Some(&ours));
        }
    }
}
