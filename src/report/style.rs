//! Colours by meaning, columns, and text that a terminal cannot be harmed by.

use super::width::{width, wrap};
use crate::model::{run::Status, verdict::Answer};
use anstyle::{AnsiColor, Style};
use std::{cmp::Reverse, fmt::Write, io::IsTerminal};

/// Good.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Bad.
pub const BAD: Style = AnsiColor::Red.on_default();
/// To look at.
pub const CARE: Style = AnsiColor::Yellow.on_default();
/// Less important.
pub const FAINT: Style = Style::new().dimmed();
/// A heading.
pub const HEAD: Style = Style::new().bold();
/// No style.
pub const PLAIN: Style = Style::new();

/// The style of a status.
pub fn of_status(status: Status) -> Style {
    match status {
        Status::Merged => GOOD,
        Status::UpToDate | Status::Pending => FAINT,
        Status::Blocked => CARE,
        Status::SkippedConflict | Status::SkippedGates | Status::SkippedHistory | Status::SkippedMissing => BAD,
    }
}

/// The style of an answer.
pub fn of_answer(answer: Answer) -> Style {
    match answer {
        Answer::Pass => GOOD,
        Answer::Fail | Answer::Error => BAD,
        Answer::Warn => CARE,
        Answer::Skip => FAINT,
    }
}

/// `text` in `style`.
pub fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Text from a branch, a path or a command, with control characters made visible: it cannot move the cursor, recolour the
/// screen or fake a line. Bidirectional overrides, which reorder what a reader sees, count as control characters.
pub fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => safe.extend(c.escape_unicode()),
            c if c.is_control() => safe.extend(c.escape_default()),
            c => safe.push(c),
        }
    }
    safe
}

/// A cell of a table: its text, and how it looks.
pub type Cell = (String, Style);

/// A column is wrapped to this width, in columns of the terminal, before the next one is wrapped, too; where that is not enough, all are
/// made narrower together, down to the second.
const NARROW: usize = 20;
const NARROWEST: usize = 2;

/// Rows in aligned columns, two blanks apart; the last column is not padded. Texts are made printable. On a terminal that is
/// too narrow, the widest column is wrapped, so that every other cell stays whole on its line as long as that can be.
pub fn columns(rows: &[Vec<Cell>]) -> String {
    fit(rows, room())
}

/// The columns of the terminal that stdout ends on, if it does.
fn room() -> Option<usize> {
    let stdout = std::io::stdout();
    if stdout.is_terminal() {
        return terminal_size::terminal_size_of(&stdout).map(|(width, _)| width.0.into());
    }
    // Git tells them to what writes into its pager.
    std::env::var("COLUMNS").ok().filter(|_| is_paged_by_git())?.parse().ok()
}

/// Whether git has put its pager behind this program, as it does for `git -p lex-pr` and `pager.lex-pr` (git(1)).
pub fn is_paged_by_git() -> bool {
    std::env::var("GIT_PAGER_IN_USE").is_ok_and(|value| !["", "0", "false", "no", "off"].contains(&value.to_lowercase().as_str()))
}

fn fit(rows: &[Vec<Cell>], room: Option<usize>) -> String {
    let cells: Vec<Vec<(String, Style)>> =
        rows.iter().map(|row| row.iter().map(|(text, style)| (printable(text), *style)).collect()).collect();
    let columns = cells.iter().map(Vec::len).max().unwrap_or(0);
    let widest = |column: usize| cells.iter().filter_map(|row| row.get(column)).map(|cell| width(&cell.0)).max().unwrap_or(0);
    let mut widths: Vec<usize> = (0..columns).map(widest).collect();
    if let Some(room) = room {
        narrow(&mut widths, room.saturating_sub(2 * columns.saturating_sub(1)));
    }
    let mut out = String::new();
    for row in &cells {
        let wrapped: Vec<_> = row.iter().zip(&widths).map(|((text, _), width)| wrap(text, *width)).collect();
        for index in 0..wrapped.iter().map(Vec::len).max().unwrap_or(0) {
            let mut line = String::new();
            for (column, lines) in wrapped.iter().enumerate() {
                let text = lines.get(index).copied().unwrap_or_default();
                let gap = widths[column].saturating_sub(width(text)) + 2;
                let _ = write!(line, "{}{:gap$}", if text.is_empty() { String::new() } else { paint(row[column].1, text) }, "");
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    out
}

/// Take from the widest columns what is too much for `room`.
fn narrow(widths: &mut [usize], room: usize) {
    let mut widest_first: Vec<usize> = (0..widths.len()).collect();
    widest_first.sort_by_key(|column| Reverse(widths[*column]));
    for least in (NARROWEST..=NARROW).rev() {
        for column in &widest_first {
            let excess = widths.iter().sum::<usize>().saturating_sub(room);
            let spare = widths[*column].saturating_sub(least);
            widths[*column] -= excess.min(spare);
        }
    }
}

/// Text that XML takes as text.
pub fn escape(text: &str) -> String {
    printable(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::{PLAIN, fit, width};

    fn table(rows: &[&[&str]], room: Option<usize>) -> String {
        fit(&rows.iter().map(|row| row.iter().map(|text| ((*text).to_string(), PLAIN)).collect()).collect::<Vec<_>>(), room)
    }

    #[test]
    fn columns_are_as_wide_as_they_look() {
        assert_eq!(table(&[&["日本", "x"], &["🚀", "y"], &["abc", "z"]], None), "日本  x\n🚀    y\nabc   z\n");
    }

    #[test]
    fn the_widest_column_is_wrapped_and_the_others_stay_whole() {
        let rows: [&[&str]; 2] = [&["a", "conflicts with b in README.md", "e40c834b4f"], &["b", "clean", "5529a88244"]];
        assert_eq!(table(&rows, Some(30)), "a  conflicts with   e40c834b4f\n   b in README.md\nb  clean            5529a88244\n");
        assert_eq!(table(&rows, Some(80)), table(&rows, None));
        assert_eq!(table(&[&["name-of-a-branch", "some words"]], Some(20)), "name-of-a  some\n-branch    words\n");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let long = ["⚠️ warn ".repeat(12), "☀️".repeat(40), "👨‍👩‍👧‍👦 👩🏽‍🚀".repeat(9), "日本語の枝 ".repeat(9), "e\u{301}".repeat(50)];
        for (one, other) in long.iter().flat_map(|one| long.iter().map(move |other| (one, other))) {
            for room in 20..=130 {
                let text = table(&[&["0", one, "merged", other, "e40c834b4f"], &["1", "feat/👍🏽-x", "", "-", ""]], Some(room));
                assert!(text.lines().all(|line| width(line) <= room), "{room}: {text}");
            }
        }
    }
}
