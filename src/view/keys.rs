//! The keys: in one line at the bottom, and all of them where `?` asks.

use super::{look::Look, state::Focus};
use crate::report::style::{FAINT, HEAD};
use ratatui::text::{Line, Span};

/// Each with what it does.
const ALL: [(&str, &str); 17] = [
    ("up, down, k, j", "move, or scroll"),
    ("PgUp, PgDn, space", "a page up, a page down"),
    ("Home, End, g, G", "the first, the last"),
    ("Enter", "open the item"),
    ("Esc", "back to the pyramid; there: show all items again"),
    ("Tab, Shift-Tab", "the next pane of the item, the one before"),
    ("1 2 3 4", "about it, its commits, its diff, its verdicts"),
    ("n, p", "the next item, the one before"),
    ("], [", "in the diff: the next file, the one before"),
    ("left, right", "in the diff and the commits: to the side"),
    ("/", "filter: a word of the name, or a query such as"),
    ("", "  status eq skipped-gates or paths contains src/**"),
    ("Ctrl-U, Ctrl-W", "in the filter: take back all, or a word"),
    ("Ctrl-L", "draw again"),
    ("Ctrl-Z", "suspend; `fg` comes back"),
    ("?", "these keys; any key leaves them"),
    ("q, Ctrl-C", "quit"),
];

/// The one line.
pub(super) fn line(look: Look, focus: Focus, wide: bool, filtered: bool) -> Line<'static> {
    let keys: &[(&str, &str)] = match focus {
        Focus::Filter => &[("Enter", "filter"), ("Esc", "leave")],
        Focus::Pyramid if filtered => {
            &[("Enter", "open"), ("1-4", "panes"), ("/", "filter"), ("Esc", "show all"), ("?", "keys"), ("q", "quit")]
        }
        Focus::Pyramid => &[("up/down", "move"), ("Enter", "open"), ("1-4", "panes"), ("/", "filter"), ("?", "keys"), ("q", "quit")],
        Focus::Item if wide => {
            &[("up/down", "scroll"), ("Tab", "next pane"), ("n/p", "item"), ("Esc", "pyramid"), ("?", "keys"), ("q", "quit")]
        }
        Focus::Item => &[("up/down", "scroll"), ("Tab", "next pane"), ("n/p", "item"), ("Esc", "back"), ("?", "keys"), ("q", "quit")],
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
