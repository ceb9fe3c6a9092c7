//! The line diff that git's merges are made with: the histogram diff of JGit (HistogramDiff.java), as git runs it, with
//! its groups of changed lines slid as git slides them (`xdl_change_compact` without heuristics).
//!
//! It must find the very hunks that git finds, ties included, for whether two changes touch is what makes a conflict. So
//! neither common ends are cut off first nor is another algorithm tried.

use gix::diff::blob::{Algorithm, Diff, InternedInput, Token, sources::byte_lines};
use std::ops::Range;

/// Git tries another algorithm where all that two stretches have in common is lines that occur more often than this.
const MOST_OCCURRENCES: usize = 64;

/// Lines of the base and those that a side has in their place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hunk {
    pub base: Range<usize>,
    pub side: Range<usize>,
}

/// The hunks from `base` to `side`, in order; `None` where git would not decide by this algorithm. `tokens` is the number
/// of distinct lines.
pub(super) fn hunks(base: &[Token], side: &[Token], tokens: usize) -> Option<Vec<Hunk>> {
    let mut changed = [vec![false; base.len()], vec![false; side.len()]];
    let mut histogram = Histogram { base, side, first: vec![NONE; tokens], count: vec![0; tokens], next: vec![NONE; base.len()] };
    let mut open = vec![(0..base.len(), 0..side.len())];
    while let Some((base, side)) = open.pop() {
        if base.is_empty() || side.is_empty() {
            changed[0][base].fill(true);
            changed[1][side].fill(true);
            continue;
        }
        match histogram.longest_common(&base, &side)? {
            None => {
                changed[0][base].fill(true);
                changed[1][side].fill(true);
            }
            Some(common) => {
                open.push((base.start..common.base.start, side.start..common.side.start));
                open.push((common.base.end..base.end, common.side.end..side.end));
            }
        }
    }
    let [in_base, in_side] = &mut changed;
    slide(base, in_base, in_side);
    slide(side, in_side, in_base);
    Some(script(in_base, in_side))
}

/// How many lines differ: of each hunk the larger side. Where git would use another diff, all lines do.
pub(super) fn changed_lines(one: &[u8], other: &[u8]) -> usize {
    let input = InternedInput::new(byte_lines(one), byte_lines(other));
    match hunks(&input.before, &input.after, input.interner.num_tokens() as usize) {
        Some(hunks) => hunks.iter().map(|hunk| hunk.base.len().max(hunk.side.len())).sum(),
        None => input.before.len().max(input.after.len()),
    }
}

/// Lines of a text, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// Their numbers, from 1: the stretches of lines that follow each other.
    pub numbers: Vec<Range<usize>>,
    /// What they say, a line feed behind each.
    pub text: Vec<u8>,
}

impl Lines {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.numbers.iter().map(Range::len).sum()
    }

    /// Each with its number, without its end.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.numbers.iter().cloned().flatten().zip(self.text.split(|byte| *byte == b'\n'))
    }
}

/// The lines that only `old` has and those that only `new` has, as `git diff --histogram` shows them; nothing for a binary.
pub fn lines_between(old: &[u8], new: &[u8]) -> Option<[Lines; 2]> {
    if !super::text::is_text(old) || !super::text::is_text(new) {
        return None;
    }
    let input = InternedInput::new(byte_lines(old), byte_lines(new));
    let hunks = hunks(&input.before, &input.after, input.interner.num_tokens() as usize).unwrap_or_else(|| {
        let mut diff = Diff::compute(Algorithm::Myers, &input);
        diff.postprocess_no_heuristic(&input);
        let range = |r: Range<u32>| r.start as usize..r.end as usize;
        diff.hunks().map(|hunk| Hunk { base: range(hunk.before), side: range(hunk.after) }).collect()
    });
    let mut found = [Lines::default(), Lines::default()];
    for hunk in hunks {
        for (lines, tokens, range) in [(0, &input.before, hunk.base), (1, &input.after, hunk.side)] {
            let lines = &mut found[lines];
            for token in &tokens[range.clone()] {
                let line = input.interner[*token];
                lines.text.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
                lines.text.push(b'\n');
            }
            if !range.is_empty() {
                lines.numbers.push(range.start + 1..range.end + 1);
            }
        }
    }
    Some(found)
}

/// No line.
const NONE: u32 = u32::MAX;

struct Histogram<'a> {
    base: &'a [Token],
    side: &'a [Token],
    /// By line content: where it is first in the stretch of the base at hand, and how often it is there.
    first: Vec<u32>,
    count: Vec<u32>,
    /// By line of the base: where the same content is next.
    next: Vec<u32>,
}

impl Histogram<'_> {
    /// The longest common stretch that holds the rarest line; `Some(None)` where nothing is common, `None` where all that is
    /// common is too frequent.
    fn longest_common(&mut self, base: &Range<usize>, side: &Range<usize>) -> Option<Option<Hunk>> {
        for at in base.clone().rev() {
            let token = self.base[at].0 as usize;
            self.next[at] = self.first[token];
            self.first[token] = u32::try_from(at).ok()?;
            self.count[token] += 1;
        }
        let mut best: Option<Hunk> = None;
        let mut rarest = MOST_OCCURRENCES + 1;
        let mut any_common = false;
        let mut at = side.start;
        while at < side.end {
            at = self.grow(at, base, side, &mut best, &mut rarest, &mut any_common);
        }
        for at in base.clone() {
            let token = self.base[at].0 as usize;
            (self.first[token], self.count[token]) = (NONE, 0);
        }
        if any_common && rarest > MOST_OCCURRENCES { None } else { Some(best) }
    }

    /// Try each place of the base that has the line `at` of the side; gives the next line to try.
    fn grow(
        &self,
        at: usize,
        base: &Range<usize>,
        side: &Range<usize>,
        best: &mut Option<Hunk>,
        rarest: &mut usize,
        any_common: &mut bool,
    ) -> usize {
        let occurrences = |line: usize| self.count[self.base[line].0 as usize] as usize;
        let token = self.side[at].0 as usize;
        let (mut place, count) = (self.first[token], self.count[token] as usize);
        let mut next_line = at + 1;
        if count == 0 {
            return next_line;
        }
        *any_common = true;
        if count > *rarest {
            return next_line;
        }
        while place != NONE {
            let mut next = self.next[place as usize];
            let (mut from, mut from_side) = (place as usize, at);
            let (mut to, mut to_side) = (from + 1, at + 1);
            let mut rare = count;
            while from > base.start && from_side > side.start && self.base[from - 1] == self.side[from_side - 1] {
                (from, from_side) = (from - 1, from_side - 1);
                rare = rare.min(occurrences(from));
            }
            while to < base.end && to_side < side.end && self.base[to] == self.side[to_side] {
                rare = rare.min(occurrences(to));
                (to, to_side) = (to + 1, to_side + 1);
            }
            next_line = next_line.max(to_side);
            // Git measures from the first to the last line, so that a single line is of length 0, as is nothing.
            let longest = best.as_ref().map_or(0, |best| best.base.len() - 1);
            if longest < to - from - 1 || rare < *rarest {
                *best = Some(Hunk { base: from..to, side: from_side..to_side });
                *rarest = rare;
            }
            while next != NONE && (next as usize) < to {
                next = self.next[next as usize];
            }
            place = next;
        }
        next_line
    }
}

/// A group of changed lines, maybe empty, between unchanged ones.
#[derive(Clone, Copy)]
struct Group {
    start: usize,
    end: usize,
}

impl Group {
    fn first(changed: &[bool]) -> Group {
        Group { start: 0, end: end_of(changed, 0) }
    }

    fn next(self, changed: &[bool]) -> Option<Group> {
        (self.end < changed.len()).then(|| Group { start: self.end + 1, end: end_of(changed, self.end + 1) })
    }

    fn previous(self, changed: &[bool]) -> Option<Group> {
        let end = self.start.checked_sub(1)?;
        Some(Group { start: start_of(changed, end), end })
    }

    fn is_empty(self) -> bool {
        self.start == self.end
    }
}

fn end_of(changed: &[bool], from: usize) -> usize {
    from + changed[from..].iter().take_while(|changed| **changed).count()
}

fn start_of(changed: &[bool], to: usize) -> usize {
    to - changed[..to].iter().rev().take_while(|changed| **changed).count()
}

/// Slide each group of changed lines of one file as far down as it goes, or to the last place where it stands beside a
/// group of the other file. Groups that meet become one.
fn slide(lines: &[Token], changed: &mut [bool], other: &[bool]) {
    let (mut group, mut beside) = (Group::first(changed), Group::first(other));
    loop {
        if !group.is_empty() {
            let mut highest;
            let mut match_end;
            loop {
                let size = group.end - group.start;
                while let Some(up) = slide_up(lines, changed, group) {
                    group = up;
                    beside = beside.previous(other).unwrap_or(beside);
                }
                highest = group.end;
                match_end = (!beside.is_empty()).then_some(group.end);
                while let Some(down) = slide_down(lines, changed, group) {
                    group = down;
                    beside = beside.next(other).unwrap_or(beside);
                    if !beside.is_empty() {
                        match_end = Some(group.end);
                    }
                }
                if size == group.end - group.start {
                    break;
                }
            }
            if group.end != highest && match_end.is_some() {
                while beside.is_empty() {
                    let Some(up) = slide_up(lines, changed, group) else { break };
                    group = up;
                    beside = beside.previous(other).unwrap_or(beside);
                }
            }
        }
        let (Some(next), Some(next_beside)) = (group.next(changed), beside.next(other)) else { return };
        (group, beside) = (next, next_beside);
    }
}

fn slide_up(lines: &[Token], changed: &mut [bool], group: Group) -> Option<Group> {
    let start = group.start.checked_sub(1).filter(|start| lines[*start] == lines[group.end - 1])?;
    (changed[start], changed[group.end - 1]) = (true, false);
    Some(Group { start: start_of(changed, start), end: group.end - 1 })
}

fn slide_down(lines: &[Token], changed: &mut [bool], group: Group) -> Option<Group> {
    (group.end < lines.len() && lines[group.start] == lines[group.end]).then(|| {
        (changed[group.start], changed[group.end]) = (false, true);
        Group { start: group.start + 1, end: end_of(changed, group.end + 1) }
    })
}

fn script(in_base: &[bool], in_side: &[bool]) -> Vec<Hunk> {
    let (mut base, mut side) = (Group::first(in_base), Group::first(in_side));
    let mut found = Vec::new();
    loop {
        if !base.is_empty() || !side.is_empty() {
            found.push(Hunk { base: base.start..base.end, side: side.start..side.end });
        }
        let (Some(next_base), Some(next_side)) = (base.next(in_base), side.next(in_side)) else { return found };
        (base, side) = (next_base, next_side);
    }
}
