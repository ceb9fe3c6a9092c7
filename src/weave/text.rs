//! The three-way merge of a text by lines, as far as it is beyond doubt.
//!
//! Lines that occur once are the same for every diff. Where each change of one side is parted by such lines from those of
//! the other, there is but one merge. Where both sides replaced the same lines by different ones, there is none. Between these,
//! where the answer depends on how a diff pairs repeated lines, git decides.

use gix::diff::blob::{Algorithm, Diff, Hunk, InternedInput, Interner, Token, sources::byte_lines};
use std::ops::Range;

/// Git's own limits: a NUL in the first bytes makes a file binary (buffer_is_binary in xdiff-interface.c).
const BINARY_PROBE: usize = 8000;

/// Whether git would merge this content as text at all.
pub(super) fn is_text(content: &[u8]) -> bool {
    !content[..content.len().min(BINARY_PROBE)].contains(&0)
}

/// What can be said of a merge of texts.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// The merge.
    Merged(Vec<u8>),
    /// Both sides replaced the same lines.
    Conflict,
    /// It depends on how a diff sees the changes.
    Doubt,
}

/// Lines that one side put in place of lines of the base.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Change<'a> {
    /// The lines of the base.
    base: Range<usize>,
    /// The same, widened by all places to which what was removed or put there could slide, the text staying the same.
    reach: Range<usize>,
    /// The lines that it put there.
    lines: &'a [Token],
}

/// Merge the lines of three texts.
pub(super) fn merge(base: &[u8], ours: &[u8], theirs: &[u8]) -> Text {
    let mut input = InternedInput::new(byte_lines(base), byte_lines(ours));
    let our_lines = std::mem::take(&mut input.after);
    input.update_after(byte_lines(theirs));
    let base_lines = &input.before;
    let (ours, theirs) = (changes(base_lines, &our_lines, &input.interner), changes(base_lines, &input.after, &input.interner));
    if let Some(both) = apart(ours, theirs) {
        let mut out = Vec::with_capacity(base.len());
        let mut write = |lines: &[Token]| lines.iter().for_each(|line| out.extend_from_slice(input.interner[*line]));
        let mut at = 0;
        for change in both {
            write(&base_lines[at..change.base.start]);
            write(change.lines);
            at = change.base.end;
        }
        write(&base_lines[at..]);
        return Text::Merged(out);
    }
    let their_replacements = replacements(&input);
    let their_lines = std::mem::replace(&mut input.after, our_lines);
    let our_replacements = replacements(&input);
    let contradicts = |(base, lines): &(Range<usize>, Range<usize>)| {
        their_replacements.iter().any(|(their_base, theirs)| {
            let same = base == their_base && input.after[lines.clone()] == their_lines[theirs.clone()];
            !same && base.start <= their_base.end && their_base.start <= base.end
        })
    };
    if our_replacements.iter().any(contradicts) { Text::Conflict } else { Text::Doubt }
}

/// Lines `base..base + length` of the base that are the same as `side..side + length` of the side.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    base: usize,
    side: usize,
    length: usize,
}

impl Stretch {
    /// Whether this one begins and ends before the other, in the base and in the side.
    fn is_before(&self, other: &Stretch) -> bool {
        let before = |one: usize, other_one: usize| one < other_one && one + self.length < other_one + other.length;
        before(self.base, other.base) && before(self.side, other.side)
    }

    fn crosses(&self, other: &Stretch) -> bool {
        !self.is_before(other) && !other.is_before(self)
    }
}

/// What a side changed, between stretches that every diff of git's kind pairs with each other. Its histogram diff takes the
/// longest common stretch that holds a line which is rare in the base, and goes on before and behind it (xhistogram.c). A stretch
/// that is longer than all that cross it is therefore taken, sooner or later; what lies between two of these stays
/// between them.
fn changes<'a>(base: &[Token], side: &'a [Token], interner: &Interner<&[u8]>) -> Vec<Change<'a>> {
    let all = stretches(base, side, interner);
    let taken = |one: &&Stretch| !all.iter().any(|other| one.crosses(other) && other.length >= one.length && !std::ptr::eq(*one, other));
    let mut taken: Vec<Stretch> = all.iter().filter(taken).copied().collect();
    taken.sort_by_key(|stretch| stretch.base);
    taken.push(Stretch { base: base.len(), side: side.len(), length: 0 });
    let mut found = Vec::new();
    let mut last = Stretch { base: 0, side: 0, length: 0 };
    for stretch in taken {
        let (base_end, side_end) = (last.base + last.length, last.side + last.length);
        // Where two stretches overlap, either may have the lines: they are certain in neither.
        let overlap = base_end.saturating_sub(stretch.base).max(side_end.saturating_sub(stretch.side));
        let (given, taken) = (overlap.min(last.length), overlap.min(stretch.length));
        let (base_gap, side_gap) = (base_end - given..stretch.base + taken, side_end - given..stretch.side + taken);
        if base[base_gap.clone()] != side[side_gap.clone()] {
            let reach = reach(base, &base_gap, side, &side_gap);
            found.push(Change { base: base_gap, reach, lines: &side[side_gap] });
        }
        last = Stretch { base: stretch.base + taken, side: stretch.side + taken, length: stretch.length - taken };
    }
    found
}

/// A changed stretch of the base, widened by all places to which what was removed or put there could slide.
fn reach(base: &[Token], base_gap: &Range<usize>, side: &[Token], side_gap: &Range<usize>) -> Range<usize> {
    let (from, to) = (&base[base_gap.clone()], &side[side_gap.clone()]);
    let same_before = from.iter().zip(to).take_while(|(one, other)| one == other).count();
    let same_after = from.iter().rev().zip(to.iter().rev()).take_while(|(one, other)| one == other).count();
    let room = from.len().min(to.len());
    // Lines that are the same at either end may be paired at one end or at the other.
    let mut reach = base_gap.clone();
    for (before, after) in [(same_before, same_after.min(room - same_before)), (same_before.min(room - same_after), same_after)] {
        let base_run = base_gap.start + before..base_gap.end - after;
        let (of_base, of_side) = (slides(base, &base_run), slides(side, &(side_gap.start + before..side_gap.end - after)));
        reach.start = reach.start.min(base_run.start.saturating_sub(of_base.0.max(of_side.0)));
        reach.end = reach.end.max(base_run.end + of_base.1.max(of_side.1)).min(base.len());
    }
    reach
}

/// How many lines a run of lines can move up and down so that the text stays the same.
fn slides(lines: &[Token], run: &Range<usize>) -> (usize, usize) {
    if run.is_empty() {
        return (0, 0);
    }
    let up = (1..=run.start).take_while(|n| lines[run.start - n] == lines[run.end - n]).count();
    let down = (0..lines.len() - run.end).take_while(|n| lines[run.start + n] == lines[run.end + n]).count();
    (up, down)
}

/// The longest common stretches around each line that occurs once in the base, wherever it occurs in the side.
fn stretches(base: &[Token], side: &[Token], interner: &Interner<&[u8]>) -> Vec<Stretch> {
    let mut in_base = vec![0_u8; interner.num_tokens() as usize];
    for line in base {
        let count = &mut in_base[line.0 as usize];
        *count = count.saturating_add(1);
    }
    let mut in_side: Vec<Vec<usize>> = vec![Vec::new(); in_base.len()];
    for (at, line) in side.iter().enumerate() {
        if in_base[line.0 as usize] == 1 {
            in_side[line.0 as usize].push(at);
        }
    }
    let mut found: Vec<Stretch> = Vec::new();
    // Those that reach to the line at hand or beyond it.
    let mut open: Vec<Stretch> = Vec::new();
    for (at, line) in base.iter().enumerate() {
        open.retain(|stretch| stretch.base + stretch.length > at);
        for &place in &in_side[line.0 as usize] {
            if open.iter().any(|stretch| stretch.side + at == stretch.base + place) {
                continue;
            }
            let before = base[..at].iter().rev().zip(side[..place].iter().rev()).take_while(|(one, other)| one == other).count();
            let behind = base[at..].iter().zip(&side[place..]).take_while(|(one, other)| one == other).count();
            let stretch = Stretch { base: at - before, side: place - before, length: before + behind };
            open.push(stretch);
            found.push(stretch);
        }
    }
    found
}

/// The changes of both sides in order, each once, or `None` where no common line lies between two of them.
fn apart<'a>(ours: Vec<Change<'a>>, theirs: Vec<Change<'a>>) -> Option<Vec<Change<'a>>> {
    #[derive(PartialEq)]
    enum By {
        Us,
        Them,
        Both,
    }
    let mut both: Vec<(Change, By)> = ours.into_iter().map(|change| (change, By::Us)).collect();
    for change in theirs {
        // The same change on both sides counts once, where every diff sees it at the same place.
        match both.iter_mut().find(|(ours, _)| *ours == change && change.base == change.reach) {
            Some((_, by)) => *by = By::Both,
            None => both.push((change, By::Them)),
        }
    }
    both.sort_by_key(|(change, _)| change.base.start);
    let touch = |(one, by): &(Change, By), (other, by_other): &(Change, By)| {
        let of_both_sides = by != by_other || *by == By::Both;
        of_both_sides && one.reach.start <= other.reach.end && other.reach.start <= one.reach.end
    };
    if both.iter().enumerate().any(|(at, one)| both[at + 1..].iter().any(|other| touch(one, other))) {
        return None;
    }
    Some(both.into_iter().map(|(change, _)| change).collect())
}

/// The changes from the base (`before`) to a side (`after`) that no diff could see elsewhere: those that neither only
/// insert nor only remove. Where two such touch, git sees a conflict (xdl_do_merge in xmerge.c).
fn replacements(input: &InternedInput<&[u8]>) -> Vec<(Range<usize>, Range<usize>)> {
    let diff = Diff::compute(Algorithm::Histogram, input);
    let range = |r: Range<u32>| r.start as usize..r.end as usize;
    let mixed = |hunk: &Hunk| !hunk.is_pure_insertion() && !hunk.is_pure_removal();
    diff.hunks().filter(mixed).map(|hunk| (range(hunk.before), range(hunk.after))).collect()
}

#[cfg(test)]
mod tests {
    use super::{Text, merge};

    fn merged(text: &str) -> Text {
        Text::Merged(text.into())
    }

    #[test]
    fn changes_that_lie_apart_are_both_taken() {
        assert_eq!(merge(b"a\nb\nc\nd\ne\n", b"A\nb\nc\nd\ne\n", b"a\nb\nc\nd\ne\nf"), merged("A\nb\nc\nd\ne\nf"));
        assert_eq!(merge(b"a\nb\nc\n", b"b\nc\n", b"a\nb\n"), merged("b\n"));
        assert_eq!(merge(b"a\nb\nc\nd\n", b"a\nX\nc\nd\n", b"a\nX\nc\nD\n"), merged("a\nX\nc\nD\n"), "the same change once");
    }

    #[test]
    fn one_line_replaced_twice_is_a_conflict() {
        assert_eq!(merge(b"a\nb\nc\n", b"a\nX\nc\n", b"a\nY\nc\n"), Text::Conflict);
        assert_eq!(merge(b"a\nb\nc\nd\n", b"a\nX\nd\n", b"a\nb\nY\nd\n"), Text::Conflict);
    }

    #[test]
    fn changes_that_touch_or_could_slide_together_are_in_doubt() {
        assert_eq!(merge(b"a\nb\n", b"A\nb\n", b"a\nB\n"), Text::Conflict, "no common line between");
        assert_eq!(merge(b"a\nb\n", b"a\nx\nb\n", b"a\ny\nb\n"), Text::Doubt, "at one place");
        // From git.git's 6a5621b604: either insertion can slide to where the other is.
        let base = b"esac\n\ncase x in\none)\n\t;;\nesac\n";
        let ours = b"esac\n\ncase x in\ntwo)\n\t;;\none)\n\t;;\nesac\n";
        let theirs = b"esac\n\ncase x in\nall)\n\t;;\nesac\n\ncase x in\none)\n\t;;\nesac\n";
        assert_eq!(merge(base, ours, theirs), Text::Doubt);
    }
}
