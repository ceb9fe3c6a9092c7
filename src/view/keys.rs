//! The keys: in one line at the bottom, and all of them where `?` asks.

use super::{look::Look, state::Focus};
use crate::report::style::{FAINT, HEAD};
use ratatui::text::{Line, Span};

/// Each with what it does, short enough for 60 columns.
const ALL: [(&str, &str); 17] = [
    ("q, Ctrl-C", "quit"),
    ("?", "these keys; another key leaves them"),
    ("up, down, k, j", "move, or scroll"),
    ("PgUp, PgDn, space", "a page up, a page down"),
    ("Home, End, g, G", "the first, the last"),
    ("Enter", "open the item"),
    ("Esc", "back to the pyramid, or show all items"),
    ("Tab, Shift-Tab", "the next pane of the item, the one before"),
    ("1 2 3 4", "about, commits, diff, verdicts"),
    ("n, p", "the next item, the one before"),
    ("], [", "in a diff: the next file, the one before"),
    ("left, right", "in a diff and in commits: to the side"),
    ("/", "filter by a word of the name, or a query:"),
    ("", "  status eq merged or paths contains a/**"),
    ("Ctrl-U, Ctrl-W", "in the filter: take back all, or a word"),
    ("Ctrl-L", "draw again"),
    ("Ctrl-Z", "suspend; `fg` comes back"),
];

/// How many lines they are.
pub(super) const COUNT: usize = ALL.len();

/// The one line. How it ends and where all keys are stand first, so that no width cuts them off.
pub(super) fn line(look: Look, focus: Focus, wide: bool, filtered: bool) -> Line<'static> {
    let keys: &[(&str, &str)] = match focus {
        Focus::Filter => &[("Enter", "filter"), ("Esc", "leave")],
        Focus::Pyramid if filtered => {
            &[("q", "quit"), ("?", "keys"), ("Esc", "show all"), ("Enter", "open"), ("1-4", "panes"), ("/", "filter")]
        }
        Focus::Pyramid => &[("q", "quit"), ("?", "keys"), ("up/down", "move"), ("Enter", "open"), ("1-4", "panes"), ("/", "filter")],
        Focus::Item if wide => {
            &[("q", "quit"), ("?", "keys"), ("Esc", "pyramid"), ("up/down", "scroll"), ("Tab", "next pane"), ("n/p", "item")]
        }
        Focus::Item => &[("q", "quit"), ("?", "keys"), ("Esc", "back"), ("up/down", "scroll"), ("Tab", "next pane"), ("n/p", "item")],
    };
    let spans = keys
        .iter()
        .flat_map(|(key, what)| [Span::styled((*key).to_string(), look.of(HEAD)), Span::styled(format!(" {what}   "), look.of(FAINT))]);
    Line::from(spans.collect::<Vec<_>>())
}

/// All of them.
pub(super) fn lines(look: Look) -> Vec<Line<'static>> {
    let line =
        |(key, what): &(&str, &str)| Line::from(vec![Span::styled(format!("{key:19}"), look.of(HEAD)), Span::from((*what).to_string())]);
    ALL.iter().map(line).collect()
}
