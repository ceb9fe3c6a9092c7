//! The pyramid: the items level by level, in the order in which they land.

use super::{look::standing, state::State};
use crate::report::{
    style::{FAINT, HEAD, printable},
    width::{fit, width},
};
use ratatui::{
    Frame,
    layout::Rect,
    style::Modifier,
    text::{Line, Span},
};

/// A row of the pyramid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// A level begins.
    Level(usize),
    /// The item with this place in the plan.
    Item(usize),
}

/// A name takes at most this part of the width.
const NAME: (usize, usize) = (1, 2);

/// As wide as the longest words of a status.
const STATUS: usize = "skipped: conflict".len();

pub(super) fn draw(state: &State, frame: &mut Frame, area: Rect) {
    let columns = usize::from(area.width);
    if state.rows.is_empty() {
        let words = if state.plan.items.is_empty() { "the plan has no items" } else { "no item matches the filter" };
        frame.render_widget(Span::styled(words, state.look.of(FAINT)), area);
        return;
    }
    let names = state.rows.iter().filter_map(|row| match row {
        Row::Item(at) => Some(width(&printable(&state.plan.items[*at].name))),
        Row::Level(_) => None,
    });
    let name_width = names.max().unwrap_or_default().min(columns * NAME.0 / NAME.1).max(1);
    for (row, y) in state.rows.iter().skip(state.top).zip(area.y..area.bottom()) {
        let line = match row {
            Row::Level(level) => Line::from(Span::styled(format!("level {level}"), state.look.of(HEAD))),
            Row::Item(at) => item_line(state, *at, name_width),
        };
        frame.render_widget(line, Rect { y, height: 1, ..area });
    }
}

fn item_line(state: &State, at: usize, name_width: usize) -> Line<'static> {
    let item = &state.plan.items[at];
    let (sign, words, style) = standing(state, &item.name);
    let deps: Vec<&str> = item.deps.iter().map(|dep| dep.name.as_str()).collect();
    let deps = if deps.is_empty() { String::new() } else { format!("  on {}", deps.join(", ")) };
    let chosen = state.selected.as_deref() == Some(item.name.as_str());
    let name = fit(&printable(&item.name), name_width);
    let line = Line::from(vec![
        Span::from(if chosen { "> " } else { "  " }),
        Span::styled(format!("{sign} "), state.look.of(style)),
        Span::from(format!("{name}  ")),
        Span::styled(format!("{words:STATUS$}"), state.look.of(style)),
        Span::styled(printable(&deps), state.look.of(FAINT)),
    ]);
    if chosen { line.style(Modifier::REVERSED) } else { line }
}
