//! The three-way merge of a text by lines, as far as it is beyond doubt.
//!
//! Where the changes of both sides lie apart, with common lines between them, there is but one merge, whatever diff found
//! the changes. Where both replaced the same line of the base by different text, there is none. Between these, where
//! changes touch, or could touch had the diff chosen another of several equal places for an insertion or removal (git's
//! xdiff slides them by its own taste), git decides.

use gix::diff::blob::{Algorithm, Diff, InternedInput, Token, sources::byte_lines};
use std::ops::Range;

/// Git's own limits: a NUL in the first bytes makes a file binary (buffer_is_binary in xdiff-interface.c).
const BINARY_PROBE: usize = 8000;

/// Whether git would merge this content as text at all.
pub(super) fn is_text(content: &[u8]) -> bool {
    !content[..content.len().min(BINARY_PROBE)].contains(&0)
}

/// What one side did to the base.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Change<'a> {
    /// The lines of the base that it replaces.
    base: Range<usize>,
    /// The same, widened by all places to which it could slide.
    reach: Range<usize>,
    /// The lines that it puts there.
    lines: &'a [Token],
}

/// What can be said of a merge of texts.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// The merge.
    Merged(Vec<u8>),
    /// Both sides replaced the same lines.
    Conflict,
    /// The changes of both sides are too near to each other.
    Doubt,
}

/// Merge the lines of three texts.
pub(super) fn merge(base: &[u8], ours: &[u8], theirs: &[u8]) -> Text {
    let mut input = InternedInput::new(byte_lines(base), byte_lines(ours));
    let our_hunks = hunks(&input);
    let our_lines = std::mem::take(&mut input.after);
    input.update_after(byte_lines(theirs));
    let their_hunks = hunks(&input);
    let base_lines = &input.before;
    let ours = changes(&our_hunks, base_lines, &our_lines);
    let theirs = changes(&their_hunks, base_lines, &input.after);

    if ours.iter().any(|one| theirs.iter().any(|other| one.contradicts(other))) {
        return Text::Conflict;
    }
    let Some(mut merged) = interleave(ours, theirs) else { return Text::Doubt };
    merged.sort_by_key(|c| c.base.start);
    let mut out = Vec::with_capacity(base.len());
    let mut write = |lines: &[Token]| lines.iter().for_each(|line| out.extend_from_slice(input.interner[*line]));
    let mut at = 0;
    for change in merged {
        write(&base_lines[at..change.base.start]);
        write(change.lines);
        at = change.base.end;
    }
    write(&base_lines[at..]);
    Text::Merged(out)
}

impl Change<'_> {
    /// Whether both replace a common line of the base, neither of which could be seen elsewhere.
    fn contradicts(&self, other: &Change) -> bool {
        let replaces = |c: &Change| c.base == c.reach && !c.base.is_empty() && !c.lines.is_empty();
        replaces(self) && replaces(other) && self != other && self.base.start < other.base.end && other.base.start < self.base.end
    }
}

/// The changes of both sides, each once, or `None` where they meet.
fn interleave<'a>(ours: Vec<Change<'a>>, theirs: Vec<Change<'a>>) -> Option<Vec<Change<'a>>> {
    let mut merged: Vec<Change> = Vec::with_capacity(ours.len() + theirs.len());
    let (mut ours, mut theirs) = (ours.into_iter().peekable(), theirs.into_iter().peekable());
    // The end of what each side has reached so far; the other may begin only beyond it.
    let (mut our_end, mut their_end) = (None, None);
    loop {
        let (from_ours, change) = match (ours.peek(), theirs.peek()) {
            (None, None) => return Some(merged),
            (Some(one), Some(other)) if one == other => {
                theirs.next();
                let both = ours.next()?;
                if meets(their_end, &both) || meets(our_end, &both) {
                    return None;
                }
                (our_end, their_end) = (Some(both.reach.end), Some(both.reach.end));
                merged.push(both);
                continue;
            }
            (Some(one), Some(other)) if one.reach.start <= other.reach.start => (true, ours.next()?),
            (Some(_), None) => (true, ours.next()?),
            (_, Some(_)) => (false, theirs.next()?),
        };
        let (own_end, other_end) = if from_ours { (&mut our_end, their_end) } else { (&mut their_end, our_end) };
        if meets(other_end, &change) {
            return None;
        }
        *own_end = Some(change.reach.end.max(own_end.unwrap_or(0)));
        merged.push(change);
    }
}

/// Whether a change begins where, or before, the other side's last one ends. Touching is meeting.
fn meets(end: Option<usize>, change: &Change) -> bool {
    end.is_some_and(|end| change.reach.start <= end)
}

fn hunks(input: &InternedInput<&[u8]>) -> Vec<(Range<usize>, Range<usize>)> {
    let diff = Diff::compute(Algorithm::Histogram, input);
    let range = |r: Range<u32>| r.start as usize..r.end as usize;
    diff.hunks().map(|hunk| (range(hunk.before), range(hunk.after))).collect()
}

fn changes<'a>(hunks: &[(Range<usize>, Range<usize>)], base: &[Token], side: &'a [Token]) -> Vec<Change<'a>> {
    let change = |(before, after): &(Range<usize>, Range<usize>)| {
        let (up, down) = match (before.is_empty(), after.is_empty()) {
            (true, false) => slides(side, after),
            (false, true) => slides(base, before),
            _ => (0, 0),
        };
        let reach = before.start.saturating_sub(up)..(before.end + down).min(base.len());
        Change { base: before.clone(), reach, lines: &side[after.clone()] }
    };
    hunks.iter().map(change).collect()
}

/// How many lines a run of lines can move up and down so that the text stays the same.
fn slides(lines: &[Token], run: &Range<usize>) -> (usize, usize) {
    let up = (1..=run.start).take_while(|n| lines[run.start - n] == lines[run.end - n]).count();
    let down = (0..lines.len() - run.end).take_while(|n| lines[run.start + n] == lines[run.end + n]).count();
    (up, down)
}

#[cfg(test)]
mod tests {
    use super::{Text, merge};

    fn merged(text: &str) -> Text {
        Text::Merged(text.into())
    }

    #[test]
    fn changes_that_lie_apart_are_both_taken() {
        assert_eq!(merge(b"a\nb\nc\nd\ne", b"A\nb\nc\nd\ne", b"a\nb\nc\nd\ne\nf"), merged("A\nb\nc\nd\ne\nf"));
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
        assert_eq!(merge(b"a\nb\n", b"A\nb\n", b"a\nB\n"), Text::Doubt, "no common line between");
        assert_eq!(merge(b"a\nb\n", b"a\nx\nb\n", b"a\ny\nb\n"), Text::Doubt, "at one place");
        // From git.git's 6a5621b604: either insertion can slide to where the other is.
        let base = b"esac\n\ncase x in\none)\n\t;;\nesac\n";
        let ours = b"esac\n\ncase x in\ntwo)\n\t;;\none)\n\t;;\nesac\n";
        let theirs = b"esac\n\ncase x in\nall)\n\t;;\nesac\n\ncase x in\none)\n\t;;\nesac\n";
        assert_eq!(merge(base, ours, theirs), Text::Doubt);
    }
}
