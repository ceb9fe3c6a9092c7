//! Colours by meaning, columns, and text that a terminal cannot be harmed by.

use crate::model::{run::Status, verdict::Answer};
use anstyle::{AnsiColor, Style};
use std::{fmt::Write, io::IsTerminal};
use unicode_width::UnicodeWidthStr;

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

/// The least width, in columns of the terminal, that a text is wrapped to; below it a table is let to run over the edge.
const NARROWEST: usize = 10;

/// Rows in aligned columns, two blanks apart; the last column is not padded. Texts are made printable. On a terminal that is
/// too narrow, the widest column is wrapped, so that every other cell stays whole on its line.
pub fn columns(rows: &[Vec<Cell>]) -> String {
    let stdout = std::io::stdout();
    let room = if stdout.is_terminal() { terminal_size::terminal_size_of(&stdout) } else { None };
    fit(rows, room.map(|(width, _)| usize::from(width.0)))
}

fn fit(rows: &[Vec<Cell>], room: Option<usize>) -> String {
    let cells: Vec<Vec<(String, Style)>> =
        rows.iter().map(|row| row.iter().map(|(text, style)| (printable(text), *style)).collect()).collect();
    let columns = cells.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| cells.iter().filter_map(|row| row.get(column)).map(|c| c.0.width()).max().unwrap_or(0);
    let mut widths: Vec<usize> = (0..columns).map(width).collect();
    let total = widths.iter().sum::<usize>() + 2 * columns.saturating_sub(1);
    if let (Some(room), Some(widest)) = (room, widths.iter_mut().max()) {
        let others = total - *widest;
        if total > room && others + NARROWEST <= room {
            *widest = room - others;
        }
    }
    let mut out = String::new();
    for row in &cells {
        let wrapped: Vec<_> = row.iter().zip(&widths).map(|((text, _), width)| textwrap::wrap(text, *width)).collect();
        for index in 0..wrapped.iter().map(Vec::len).max().unwrap_or(0) {
            let mut line = String::new();
            for (column, lines) in wrapped.iter().enumerate() {
                let text = lines.get(index).map_or("", |text| text.as_ref());
                let gap = widths[column] - text.width() + 2;
                let _ = write!(line, "{}{:gap$}", if text.is_empty() { String::new() } else { paint(row[column].1, text) }, "");
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    out
}

/// Text that XML takes as text.
pub fn escape(text: &str) -> String {
    printable(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::{PLAIN, fit};

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
        assert_eq!(table(&rows, Some(20)), table(&rows, None), "too narrow for anything");
        assert_eq!(table(&rows, Some(80)), table(&rows, None));
    }
}
