//! Colours by meaning, columns, and text that a terminal cannot be harmed by.

use crate::model::{run::Status, verdict::Answer};
use anstyle::{AnsiColor, Style};
use std::fmt::Write;

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

/// Rows in aligned columns, two blanks apart; the last column is not padded. Texts are made printable.
pub fn columns(rows: &[Vec<Cell>]) -> String {
    let cells: Vec<Vec<(String, Style)>> =
        rows.iter().map(|row| row.iter().map(|(text, style)| (printable(text), *style)).collect()).collect();
    let columns = cells.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| cells.iter().filter_map(|row| row.get(column)).map(|c| c.0.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in &cells {
        let mut line = String::new();
        for (column, (text, style)) in row.iter().enumerate() {
            let last = column + 1 == row.len();
            let gap = if last { 0 } else { widths[column] - text.chars().count() + 2 };
            let _ = write!(line, "{}{:gap$}", if text.is_empty() { String::new() } else { paint(*style, text) }, "");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
