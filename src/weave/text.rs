//! The three-way merge of a text by lines, as git merges it (`xdl_merge` at its usual level).
//!
//! What one side changed is taken. Where changes of both sides touch, they are a clash, unless both put the same lines
//! there.

use super::diff::{Hunk, hunks};
use gix::diff::blob::{Interner, Token, sources::byte_lines};
use std::{iter::Peekable, ops::Range};

/// Git's own limits: a NUL in the first bytes makes a file binary (buffer_is_binary in xdiff-interface.c).
const BINARY_PROBE: usize = 8000;

/// Texts are compared so many bytes at once.
const CHUNK: usize = 128;

/// Whether git takes this content for text.
pub fn is_text(content: &[u8]) -> bool {
    !content[..content.len().min(BINARY_PROBE)].contains(&0)
}

/// How many bytes two texts have in common at their start.
fn common_start(one: &[u8], other: &[u8]) -> usize {
    let chunks = one.chunks(CHUNK).zip(other.chunks(CHUNK)).take_while(|(one, other)| one == other && one.len() == CHUNK).count();
    let bytes = one[chunks * CHUNK..].iter().zip(&other[chunks * CHUNK..]).take_while(|(one, other)| one == other).count();
    chunks * CHUNK + bytes
}

/// How many bytes two texts have in common at their end.
fn common_end(one: &[u8], other: &[u8]) -> usize {
    let chunks = one.rchunks(CHUNK).zip(other.rchunks(CHUNK)).take_while(|(one, other)| one == other && one.len() == CHUNK).count();
    let (one, other) = (&one[..one.len() - chunks * CHUNK], &other[..other.len() - chunks * CHUNK]);
    chunks * CHUNK + one.iter().rev().zip(other.iter().rev()).take_while(|(one, other)| one == other).count()
}

/// What a merge of texts comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// The merge.
    Merged(Vec<u8>),
    /// Some lines clash: the whole text, piece by piece.
    Clash(Vec<Piece>),
    /// Git would not use this diff for these texts.
    Doubt,
}

/// A stretch of a merged text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Lines that are merged.
    Merged(Vec<u8>),
    /// Lines that both sides changed: the base, ours, theirs.
    Clash([Vec<u8>; 3]),
}

/// A stretch that at least one side changed, and who has the say there.
struct Region {
    by: By,
    base: Range<usize>,
    ours: Range<usize>,
    theirs: Range<usize>,
}

#[derive(Clone, Copy, PartialEq)]
enum By {
    Us,
    Them,
    Nobody,
}

/// Three texts by their lines.
struct Lines<'a> {
    interner: Interner<&'a [u8]>,
    base: Vec<Token>,
    ours: Vec<Token>,
    theirs: Vec<Token>,
}

impl<'a> Lines<'a> {
    fn of(base: &'a [u8], ours: &'a [u8], theirs: &'a [u8]) -> Self {
        let mut interner = Interner::new(base.len() / 32);
        // Where lines of the base begin, and what is behind its last line.
        let mut starts = Vec::with_capacity(base.len() / 32 + 1);
        starts.push(0);
        let tokens: Vec<Token> = byte_lines(base)
            .map(|line| {
                starts.push(starts[starts.len() - 1] + line.len());
                interner.intern(line)
            })
            .collect();
        // Most of a side is as in the base, and its lines there need not be looked up.
        let mut side = |text: &'a [u8]| {
            let same = common_start(base, text);
            // What is behind a last line without an end begins no line.
            let before = starts.iter().rposition(|start| *start <= same && (*start == 0 || base[*start - 1] == b'\n')).unwrap_or(0);
            let from = starts[before];
            let same = common_end(&base[from..], &text[from..]);
            // A line begins behind the end of another, which must be the same too.
            let behind = starts.partition_point(|start| *start <= base.len() - same).min(tokens.len());
            let to = text.len() - (base.len() - starts[behind]);
            let mut lines = Vec::with_capacity(tokens.len() + (to - from) / 32);
            lines.extend_from_slice(&tokens[..before]);
            lines.extend(byte_lines(&text[from..to]).map(|line| interner.intern(line)));
            lines.extend_from_slice(&tokens[behind..]);
            lines
        };
        let (ours, theirs) = (side(ours), side(theirs));
        Lines { interner, base: tokens, ours, theirs }
    }

    /// How many distinct lines there are.
    fn distinct(&self) -> usize {
        self.interner.num_tokens() as usize
    }

    /// The stretches that are not as in the base, in order; `None` where git would use another diff.
    fn regions(&self) -> Option<Vec<Region>> {
        let (ours, theirs) = (hunks(&self.base, &self.ours, self.distinct())?, hunks(&self.base, &self.theirs, self.distinct())?);
        let mut regions = regions(&ours, &theirs, [&self.ours, &self.theirs]);
        regions.retain(|region| region.by != By::Nobody || self.ours[region.ours.clone()] != self.theirs[region.theirs.clone()]);
        Some(regions)
    }

    fn write(&self, into: &mut Vec<u8>, lines: &[Token]) {
        lines.iter().for_each(|line| into.extend_from_slice(self.interner[*line]));
    }

    fn text(&self, lines: &[Token]) -> Vec<u8> {
        let mut text = Vec::new();
        self.write(&mut text, lines);
        text
    }
}

/// Merge the lines of three texts.
pub(super) fn merge(base: &[u8], ours: &[u8], theirs: &[u8]) -> Text {
    let lines = Lines::of(base, ours, theirs);
    let Some(regions) = lines.regions() else { return Text::Doubt };
    let (mut pieces, mut merged, mut at) = (Vec::new(), Vec::with_capacity(ours.len().max(theirs.len())), 0);
    for region in regions {
        lines.write(&mut merged, &lines.ours[at..region.ours.start]);
        at = region.ours.end;
        match region.by {
            By::Us => lines.write(&mut merged, &lines.ours[region.ours]),
            By::Them => lines.write(&mut merged, &lines.theirs[region.theirs]),
            By::Nobody => {
                let clash = [&lines.base[region.base], &lines.ours[region.ours], &lines.theirs[region.theirs]].map(|part| lines.text(part));
                pieces.extend([Piece::Merged(std::mem::take(&mut merged)), Piece::Clash(clash)]);
            }
        }
    }
    lines.write(&mut merged, &lines.ours[at..]);
    if pieces.is_empty() {
        return Text::Merged(merged);
    }
    pieces.push(Piece::Merged(merged));
    Text::Clash(pieces)
}

/// The lines of our side that clash, first and last, from 1; where they only put something in, the line behind which it stands.
pub(super) fn clashing_lines(base: &[u8], ours: &[u8], theirs: &[u8]) -> Vec<(usize, usize)> {
    let regions = Lines::of(base, ours, theirs).regions().unwrap_or_default();
    let clashes = regions.into_iter().filter(|region| region.by == By::Nobody);
    clashes.map(|Region { ours, .. }| (if ours.is_empty() { ours.start } else { ours.start + 1 }, ours.end)).collect()
}

/// How long git's conflict markers are; longer by two with each level of merge bases that are merged.
const MARKER_SIZE: usize = 7;

/// Conflicts that are no more lines apart are shown as one (`xdl_simplify_non_conflicts`).
const NEAR: usize = 3;

/// The text, conflict markers and all, that git makes of a clash when it merges merge bases, `depth` levels deep; `None`
/// where that is not certain.
pub(super) fn marked(base: &[u8], ours: &[u8], theirs: &[u8], depth: usize) -> Option<Vec<u8>> {
    // Git would end markers as it finds lines to end around them.
    if [base, ours, theirs].iter().any(|text| text.contains(&b'\r')) {
        return None;
    }
    let mut out = Vec::new();
    let mark = |sign: &str| sign.repeat(MARKER_SIZE + 2 * depth);
    for piece in shown(base, ours, theirs)? {
        match piece {
            Piece::Merged(lines) => out.extend(lines),
            Piece::Clash([_, ours, theirs]) => {
                out.extend_from_slice(format!("{} Temporary merge branch 1\n", mark("<")).as_bytes());
                out.extend(ours);
                end_line(&mut out);
                out.extend_from_slice(format!("{}\n", mark("=")).as_bytes());
                out.extend(theirs);
                end_line(&mut out);
                out.extend_from_slice(format!("{} Temporary merge branch 2\n", mark(">")).as_bytes());
            }
        }
    }
    Some(out)
}

/// A clash of texts as a person or a command is shown it.
pub struct Shown {
    /// The text with conflict markers in git's diff3 style.
    pub marked: Vec<u8>,
    /// The text with both sides of each clash, one after the other, and no markers.
    pub both_sides: Vec<u8>,
}

/// Show the clashes of three texts; `None` where there are none to show.
pub(super) fn show(base: &[u8], ours: &[u8], theirs: &[u8], target: &str) -> Option<Shown> {
    let Text::Clash(pieces) = merge(base, ours, theirs) else { return None };
    let mut shown = Shown { marked: Vec::new(), both_sides: Vec::new() };
    for piece in pieces {
        match piece {
            Piece::Merged(lines) => {
                shown.marked.extend_from_slice(&lines);
                shown.both_sides.extend(lines);
            }
            Piece::Clash([base, ours, theirs]) => {
                for (mark, lines) in [(format!("<<<<<<< {target}"), &ours), ("||||||| base".into(), &base), ("=======".into(), &theirs)] {
                    shown.marked.extend_from_slice(format!("{mark}\n").as_bytes());
                    shown.marked.extend_from_slice(lines);
                    end_line(&mut shown.marked);
                }
                shown.marked.extend_from_slice(b">>>>>>> item\n");
                for side in [ours, theirs] {
                    shown.both_sides.extend(side);
                    end_line(&mut shown.both_sides);
                }
            }
        }
    }
    Some(shown)
}

fn end_line(text: &mut Vec<u8>) {
    if text.last().is_some_and(|last| *last != b'\n') {
        text.push(b'\n');
    }
}

/// The clashes of three texts as git shows them, without their base: only where the sides differ, and those that are near each
/// other as one. `None` where git would use another diff.
pub(super) fn shown(base: &[u8], ours: &[u8], theirs: &[u8]) -> Option<Vec<Piece>> {
    let lines = Lines::of(base, ours, theirs);
    let mut shown: Vec<Region> = Vec::new();
    for region in lines.regions()? {
        if region.by != By::Nobody || region.ours.is_empty() || region.theirs.is_empty() {
            add_shown(&mut shown, region);
            continue;
        }
        // Only what differs between the sides is shown (`xdl_refine_conflicts`).
        for hunk in hunks(&lines.ours[region.ours.clone()], &lines.theirs[region.theirs.clone()], lines.distinct())? {
            let within = |outer: &Range<usize>, inner: &Range<usize>| outer.start + inner.start..outer.start + inner.end;
            let (of_us, of_them) = (within(&region.ours, &hunk.base), within(&region.theirs, &hunk.side));
            add_shown(&mut shown, Region { by: By::Nobody, base: 0..0, ours: of_us, theirs: of_them });
        }
    }
    let (mut pieces, mut at) = (Vec::new(), 0);
    for region in shown {
        pieces.push(Piece::Merged(lines.text(&lines.ours[at..region.ours.start])));
        at = region.ours.end;
        pieces.push(match region.by {
            By::Us => Piece::Merged(lines.text(&lines.ours[region.ours])),
            By::Them => Piece::Merged(lines.text(&lines.theirs[region.theirs])),
            By::Nobody => Piece::Clash([Vec::new(), lines.text(&lines.ours[region.ours]), lines.text(&lines.theirs[region.theirs])]),
        });
    }
    pieces.push(Piece::Merged(lines.text(&lines.ours[at..])));
    Some(pieces)
}

fn add_shown(shown: &mut Vec<Region>, region: Region) {
    match shown.last_mut() {
        Some(last) if last.by == By::Nobody && region.by == By::Nobody && region.ours.start - last.ours.end <= NEAR => {
            (last.ours.end, last.theirs.end) = (region.ours.end, region.theirs.end);
        }
        _ => shown.push(region),
    }
}

/// The stretches that are not as in the base, in order. Where hunks of both sides touch, one stretch holds them all.
fn regions(our_hunks: &[Hunk], their_hunks: &[Hunk], [ours, theirs]: [&[Token]; 2]) -> Vec<Region> {
    let mut regions: Vec<Region> = Vec::new();
    let mut add = |region: Region| match regions.last_mut() {
        Some(last) if region.ours.start <= last.ours.end || region.theirs.start <= last.theirs.end => {
            if last.by != region.by {
                last.by = By::Nobody;
            }
            (last.base.end, last.ours.end, last.theirs.end) = (region.base.end, region.ours.end, region.theirs.end);
        }
        _ => regions.push(region),
    };
    // How far lines of a side are behind those of the base, after the hunks that have been passed.
    let (mut our_shift, mut their_shift) = (0_isize, 0_isize);
    let (mut us, mut them) = (our_hunks.iter().peekable(), their_hunks.iter().peekable());
    loop {
        match (us.peek(), them.peek()) {
            (None, None) => return regions,
            (Some(hunk), other) if other.is_none_or(|other| hunk.base.end < other.base.start) => {
                add(Region { by: By::Us, base: hunk.base.clone(), ours: hunk.side.clone(), theirs: shifted(&hunk.base, their_shift) });
                pass(&mut us, &mut our_shift);
            }
            (other, Some(hunk)) if other.is_none_or(|other| hunk.base.end < other.base.start) => {
                add(Region { by: By::Them, base: hunk.base.clone(), ours: shifted(&hunk.base, our_shift), theirs: hunk.side.clone() });
                pass(&mut them, &mut their_shift);
            }
            (Some(our), Some(their)) => {
                if our.base != their.base || ours[our.side.clone()] != theirs[their.side.clone()] {
                    let base = our.base.start.min(their.base.start)..our.base.end.max(their.base.end);
                    let widened = |hunk: &Hunk| {
                        hunk.side.start.saturating_sub(hunk.base.start - base.start)..hunk.side.end + (base.end - hunk.base.end)
                    };
                    add(Region { by: By::Nobody, ours: widened(our), theirs: widened(their), base });
                }
                let (our_end, their_end) = (our.base.end, their.base.end);
                if our_end >= their_end {
                    pass(&mut them, &mut their_shift);
                }
                if their_end >= our_end {
                    pass(&mut us, &mut our_shift);
                }
            }
            // The two arms above take a side that is alone.
            (Some(_), None) | (None, Some(_)) => return regions,
        }
    }
}

fn pass<'h>(hunks: &mut Peekable<impl Iterator<Item = &'h Hunk>>, shift: &mut isize) {
    if let Some(hunk) = hunks.next() {
        *shift = hunk.side.end.cast_signed() - hunk.base.end.cast_signed();
    }
}

fn shifted(range: &Range<usize>, by: isize) -> Range<usize> {
    range.start.saturating_add_signed(by)..range.end.saturating_add_signed(by)
}

#[cfg(test)]
mod tests {
    use super::{Piece, Text, merge};

    fn merged(text: &str) -> Text {
        Text::Merged(text.into())
    }

    fn clash(base: &str, ours: &str, theirs: &str) -> Piece {
        Piece::Clash([base.into(), ours.into(), theirs.into()])
    }

    #[test]
    fn changes_that_lie_apart_are_both_taken() {
        assert_eq!(merge(b"a\nb\nc\nd\ne\n", b"A\nb\nc\nd\ne\n", b"a\nb\nc\nd\ne\nf"), merged("A\nb\nc\nd\ne\nf"));
        assert_eq!(merge(b"a\nb\nc\n", b"b\nc\n", b"a\nb\n"), merged("b\n"));
        assert_eq!(merge(b"a\nb\nc\nd\n", b"a\nX\nc\nd\n", b"a\nX\nc\nD\n"), merged("a\nX\nc\nD\n"), "the same change once");
    }

    #[test]
    fn changes_that_touch_clash() {
        let pieces = |before: &str, clash, after: &str| Text::Clash(vec![Piece::Merged(before.into()), clash, Piece::Merged(after.into())]);
        assert_eq!(merge(b"a\nb\nc\n", b"a\nX\nc\n", b"a\nY\nc\n"), pieces("a\n", clash("b\n", "X\n", "Y\n"), "c\n"));
        assert_eq!(merge(b"a\nb\n", b"A\nb\n", b"a\nB\n"), pieces("", clash("a\nb\n", "A\nb\n", "a\nB\n"), ""), "nothing between");
        assert_eq!(merge(b"a\nb\n", b"a\nx\nb\n", b"a\ny\nb\n"), pieces("a\n", clash("", "x\n", "y\n"), "b\n"), "at one place");
        // From git.git's 6a5621b604: either insertion can slide to where the other is.
        let base = b"esac\n\ncase x in\none)\n\t;;\nesac\n";
        let ours = b"esac\n\ncase x in\ntwo)\n\t;;\none)\n\t;;\nesac\n";
        let theirs = b"esac\n\ncase x in\nall)\n\t;;\nesac\n\ncase x in\none)\n\t;;\nesac\n";
        assert!(matches!(merge(base, ours, theirs), Text::Clash(_)));
    }

    #[test]
    fn lines_that_are_too_frequent_are_in_doubt() {
        let many = "x\n".repeat(100);
        assert_eq!(merge(many.as_bytes(), (many.clone() + "y\n").as_bytes(), ("z\n".to_string() + &many).as_bytes()), Text::Doubt);
    }
}
