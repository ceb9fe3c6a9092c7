//! How a document is laid out: where each key and each item stands in its text, with its comments.

use std::ops::Range;

/// A value in the text.
#[derive(Debug)]
pub(super) struct Node {
    /// Where it stands.
    pub(super) span: Range<usize>,
    /// What it is.
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// Values by key.
    Map(Entries),
    /// Values in order; their keys are empty.
    List(Entries),
    /// Anything that is taken or left as a whole.
    Leaf,
}

/// The values inside a value.
#[derive(Debug)]
pub(super) struct Entries {
    pub(super) list: Vec<Entry>,
    pub(super) parting: Parting,
}

/// What parts one entry from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parting {
    /// Each stands on lines of its own.
    Lines,
    /// A comma.
    Commas {
        /// One stands behind the last entry too.
        trailing: bool,
    },
}

/// A value, its key, and the text that belongs to both. Entries that are parted by lines follow each other without a gap.
#[derive(Debug)]
pub(super) struct Entry {
    /// The key as far as it is known here: more than one in a dotted key.
    pub(super) key: Vec<String>,
    /// Where its blank space and the comments before it begin.
    pub(super) start: usize,
    /// Where its key begins and its value ends; of one on lines, the line too.
    pub(super) body: Range<usize>,
    /// Where a comment on the same line ends that stands behind the comma.
    pub(super) end: usize,
    /// The value.
    pub(super) value: Node,
}

impl Node {
    pub(super) fn leaf(span: Range<usize>) -> Self {
        Node { span, kind: Kind::Leaf }
    }
}

impl Entry {
    /// An entry on lines of its own, from `start` on, if nothing but a comment stands behind its value.
    pub(super) fn on_lines(text: &str, start: usize, key: Vec<String>, body: Range<usize>, value: Node) -> Option<Self> {
        let end = if body.end > body.start && text.get(..body.end)?.ends_with('\n') { body.end } else { line_end(text, body.end) };
        let behind = text.get(body.end..end)?.trim_start();
        (start <= body.start && (behind.is_empty() || behind.starts_with('#'))).then_some(Entry {
            key,
            start,
            body: body.start..end,
            end,
            value,
        })
    }
}

/// Where the line at `at` ends, behind its newline.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1)
}

/// Entries between brackets, given where each begins and ends.
pub(super) fn in_brackets(
    text: &str,
    comments: &[Range<usize>],
    span: &Range<usize>,
    entries: Vec<(Vec<String>, Range<usize>, Node)>,
) -> Option<Entries> {
    let mut list: Vec<Entry> = Vec::with_capacity(entries.len());
    let mut start = span.start + 1;
    let mut trailing = false;
    let ends: Vec<usize> = entries.iter().skip(1).map(|(_, body, _)| body.start).chain([span.end.checked_sub(1)?]).collect();
    for ((key, body, value), next) in entries.into_iter().zip(ends) {
        let comma = comma(text, comments, body.end..next);
        trailing = comma.is_some();
        let body = body.start..comma.unwrap_or(body.end);
        let behind = comma.map_or(body.end, |comma| comma + 1);
        let end = same_line_comment(text, comments, behind..next).unwrap_or(behind);
        list.push(Entry { key, start, body, end, value });
        start = end;
    }
    let ordered = list.iter().all(|entry| entry.start <= entry.body.start && entry.body.end <= entry.end && entry.end < span.end);
    ordered.then_some(Entries { list, parting: Parting::Commas { trailing } })
}

fn comma(text: &str, comments: &[Range<usize>], gap: Range<usize>) -> Option<usize> {
    let comments = within(comments, &gap);
    let mut commas = text.get(gap.clone())?.match_indices(',').map(|(at, _)| gap.start + at);
    commas.find(|at| !comments.iter().any(|comment| comment.contains(at)))
}

/// Those that stand in the gap.
fn within<'a>(comments: &'a [Range<usize>], gap: &Range<usize>) -> &'a [Range<usize>] {
    let first = comments.partition_point(|comment| comment.start < gap.start);
    &comments[first..first + comments[first..].partition_point(|comment| comment.end <= gap.end)]
}

/// Where the comment ends that stands in the gap, alone up to the end of the line.
fn same_line_comment(text: &str, comments: &[Range<usize>], gap: Range<usize>) -> Option<usize> {
    let comment = within(comments, &gap).first()?;
    let before = text.get(gap.start..comment.start)?;
    let behind = text.get(comment.end..line_end(text, comment.end))?;
    (!before.contains('\n') && behind.trim().is_empty() && behind.ends_with('\n')).then_some(comment.end)
}
