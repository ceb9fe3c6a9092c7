//! An item's changes as lines with some context, as `git diff` shows them.

use crate::{
    model::{Error, Result, shell_word},
    repo::Changed,
    report::style::printable,
    weave::{Lines, lines_between},
};

/// Lines around a change.
const CONTEXT: usize = 3;

/// A file whose two sides are together larger than this, in bytes, is not compared.
const LARGEST: u64 = 2 << 20;

/// A file shows at most so many lines.
const MOST: usize = 2_000;

/// A line shows at most so many characters.
pub(super) const WIDEST: u16 = 2_000;

/// A line of a file's changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub kind: Kind,
    pub text: String,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Added,
    Removed,
    Context,
    /// Where the lines below it are.
    Hunk,
    /// A word about the file instead of its lines.
    Said,
}

/// What a file's change is called.
pub(super) fn title(changed: &Changed) -> String {
    let what = match (&changed.old, &changed.new) {
        (None, _) => "new ",
        (_, None) => "deleted ",
        _ => "",
    };
    printable(&format!("{what}{}", changed.path))
}

/// The lines of one file's change; `command` shows it whole.
pub(super) fn patch(git: &gix::Repository, changed: &Changed, command: &str) -> Result<Vec<Line>> {
    let said = |text: String| Ok(vec![Line { kind: Kind::Said, text }]);
    let command = format!("{command} -- {}", shell_word(&changed.path.to_string()));
    let mut lines = Vec::new();
    if let (Some((old, _)), Some((new, _))) = (changed.old, changed.new)
        && old != new
    {
        let text = format!("mode {:06o} became {:06o}", old.value(), new.value());
        lines.push(Line { kind: Kind::Said, text });
    }
    let sides = [changed.old, changed.new];
    if let Some((_, id)) = sides.into_iter().flatten().find(|(mode, _)| mode.is_commit()) {
        return said(format!("a submodule, now at {id}"));
    }
    let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read {}", changed.path), e);
    let mut bytes = 0;
    for (_, id) in sides.into_iter().flatten() {
        bytes += git.find_header(id).map_err(|e| reading(&e))?.size();
    }
    if bytes > LARGEST {
        return said(printable(&format!("{} KiB are too much to be shown here: {command}", bytes >> 10)));
    }
    let mut texts = [Vec::new(), Vec::new()];
    for (text, side) in texts.iter_mut().zip(sides) {
        if let Some((_, id)) = side {
            *text = git.find_object(id).map_err(|e| reading(&e))?.detach().data;
        }
    }
    let [old, new] = &texts;
    let Some([removed, added]) = lines_between(old, new) else { return said(format!("binary, {} -> {} bytes", old.len(), new.len())) };
    let whole = hunks(new, &removed, &added);
    let left = whole.len().saturating_sub(MOST);
    lines.extend(whole.into_iter().take(MOST));
    if left > 0 {
        lines.push(Line { kind: Kind::Said, text: printable(&format!("{left} more lines: {command}")) });
    }
    Ok(lines)
}

/// The stretches that changed with the lines around them.
fn hunks(new_side: &[u8], removed: &Lines, added: &Lines) -> Vec<Line> {
    let texts: Vec<&[u8]> = new_side.split(|byte| *byte == b'\n').collect();
    let count = texts.len() - usize::from(texts.last().is_none_or(|last| last.is_empty()));
    let (mut gone, mut come) = (removed.iter().peekable(), added.iter().peekable());
    let (mut old, mut new) = (1, 1);
    let mut lines = Vec::new();
    // The first line that both sides have and that was passed without being shown; and how many of those to come are wanted.
    let (mut unseen, mut wanted) = (1, 0);
    // Which lines are the heads of hunks, and where those begin on both sides.
    let mut heads = Vec::new();
    loop {
        let change = match gone.next_if(|(number, _)| *number == old) {
            Some((_, text)) => Some((Kind::Removed, text)),
            None => come.next_if(|(number, _)| *number == new).map(|(_, text)| (Kind::Added, text)),
        };
        if let Some((kind, text)) = change {
            let from = unseen.max(new.saturating_sub(CONTEXT));
            if from > unseen || lines.is_empty() {
                heads.push((lines.len(), old - (new - from), from));
                lines.push(Line { kind: Kind::Hunk, text: String::new() });
            }
            lines.extend((from..new).map(|number| line(Kind::Context, texts[number - 1])));
            lines.push(line(kind, text));
            if kind == Kind::Removed {
                old += 1
            } else {
                new += 1
            }
            (unseen, wanted) = (new, CONTEXT);
        } else if new <= count {
            if wanted > 0 {
                lines.push(line(Kind::Context, texts[new - 1]));
                (unseen, wanted) = (new + 1, wanted - 1);
            }
            (old, new) = (old + 1, new + 1);
        } else {
            break;
        }
    }
    for (index, (at, old, new)) in heads.iter().enumerate() {
        let end = heads.get(index + 1).map_or(lines.len(), |(end, ..)| *end);
        let count = |kind: Kind| lines[*at..end].iter().filter(|line| line.kind == Kind::Context || line.kind == kind).count();
        lines[*at].text = format!("@@ -{} +{} @@", range(*old, count(Kind::Removed)), range(*new, count(Kind::Added)));
    }
    lines
}

/// Lines of one side of a hunk as git writes them: the first, and how many where that is not one; of none, the line before.
fn range(first: usize, count: usize) -> String {
    match count {
        0 => format!("{},0", first.saturating_sub(1)),
        1 => first.to_string(),
        _ => format!("{first},{count}"),
    }
}

fn line(kind: Kind, text: &[u8]) -> Line {
    let sign = match kind {
        Kind::Added => '+',
        Kind::Removed => '-',
        _ => ' ',
    };
    let text = String::from_utf8_lossy(&text[..text.len().min(4 * usize::from(WIDEST))]);
    let text: String = text.trim_end_matches('\r').chars().take(usize::from(WIDEST)).collect();
    Line { kind, text: printable(&format!("{sign}{}", text.replace('\t', "    "))) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{hunks, lines_between};

    fn shown(old: &str, new: &str) -> Vec<String> {
        let [removed, added] = lines_between(old.as_bytes(), new.as_bytes()).unwrap();
        hunks(new.as_bytes(), &removed, &added).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn changes_stand_among_three_lines_of_context() {
        let old: String = (1..=30).map(|n| format!("{n}\n")).collect();
        let new = old.replace("\n5\n", "\nfive\nmore\n").replace("\n12\n", "\n").replace("\n25\n", "\ntwenty-five\n");
        assert_eq!(
            shown(&old, &new).join("\n"),
            "@@ -2,14 +2,14 @@\n 2\n 3\n 4\n-5\n+five\n+more\n 6\n 7\n 8\n 9\n 10\n 11\n-12\n 13\n 14\n 15\n@@ -22,7 +22,7 @@\n 22\n 23\n 24\n-25\n\
             +twenty-five\n 26\n 27\n 28"
        );
    }

    #[test]
    fn the_ends_of_a_file_are_no_borders() {
        assert_eq!(shown("", "a\nb\n"), ["@@ -0,0 +1,2 @@", "+a", "+b"]);
        assert_eq!(shown("a\nb", ""), ["@@ -1,2 +0,0 @@", "-a", "-b"]);
        assert_eq!(shown("a\n", "b\na\n"), ["@@ -1 +1,2 @@", "+b", " a"]);
        assert_eq!(shown("a\n", "a\nb\tc\u{1b}[2J\r\n"), ["@@ -1 +1,2 @@", " a", "+b    c\\u{1b}[2J"]);
        assert!(shown("a\n", "a\n").is_empty());
    }
}
