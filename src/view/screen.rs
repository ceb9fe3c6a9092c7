//! The state as it looks on the screen.

use super::{
    keys,
    look::{standing, words},
    pyramid,
    state::{Focus, State, Tab},
};
use crate::{
    model::run::{Run, RunState},
    report::style::{CARE, FAINT, HEAD, printable},
    run::Life,
};
use ratatui::{
    Frame,
    layout::Rect,
    style::Modifier,
    text::{Line, Span},
    widgets::{Clear, Paragraph},
};

pub(super) fn draw(state: &State, frame: &mut Frame) {
    let area = frame.area();
    let row = |y: u16, height: u16| Rect { y, height, ..area }.intersection(area);
    let count = |lines: usize| u16::try_from(lines).unwrap_or(u16::MAX);
    let (above, below) = state.bars();
    let (above, below) = (count(above), count(below));
    for (line, y) in [title(state), run_line(state)].into_iter().zip(0..above) {
        frame.render_widget(line, row(y, 1));
    }
    let body = row(above, area.height.saturating_sub(above + below));
    if let Some(top) = state.keys {
        frame.render_widget(Clear, body);
        frame.render_widget(Paragraph::new(keys::lines(state.look).split_off(top.min(keys::COUNT))), body);
    } else if state.is_wide() {
        let left = Rect { width: count(state.pyramid_width()), ..body }.intersection(area);
        pyramid::draw(state, frame, left);
        let border = Rect { x: left.right(), width: 1, ..body }.intersection(area);
        for y in border.y..border.bottom() {
            frame.render_widget(Span::styled("|", state.look.of(FAINT)), Rect { y, height: 1, ..border });
        }
        let x = left.right().saturating_add(2);
        draw_item(state, frame, Rect { x, width: area.right().saturating_sub(x), ..body }.intersection(area));
    } else if state.focus == Focus::Item {
        draw_item(state, frame, body);
    } else {
        pyramid::draw(state, frame, body);
    }
    let bottom = area.height.saturating_sub(1);
    let filtered = !state.filter.asked.is_empty();
    for (line, y) in state.filter.complaint(state.look, usize::from(area.width)).into_iter().zip(area.height.saturating_sub(below)..bottom)
    {
        frame.render_widget(line, row(y, 1));
    }
    let line = match state.focus {
        Focus::Filter => state.filter.line(usize::from(area.width)),
        focus => keys::line(state.look, focus, state.is_wide(), filtered),
    };
    if below > 0 {
        frame.render_widget(line, row(bottom, 1));
    }
}

fn title(state: &State) -> Line<'static> {
    let total = state.plan.items.len();
    let plan = printable(&format!("plan {} onto {}", state.name, state.plan.target));
    let count = match state.filter.fits {
        Some(Ok(_)) => {
            let words = printable(&format!("  {} of {total} match {}", state.left(), state.filter.asked));
            Span::styled(words, state.look.of(CARE))
        }
        _ => Span::from(format!("  {total} {}", if total == 1 { "item" } else { "items" })),
    };
    let mut words = vec![Span::styled(plan, state.look.of(HEAD)), count];
    if let Some(pause) = &state.plan.paused {
        words.push(Span::styled(printable(&format!("  paused by {pause}")), state.look.of(CARE)));
    }
    Line::from(words)
}

/// The newest run, or what cannot be read.
fn run_line(state: &State) -> Line<'static> {
    if let Some(trouble) = &state.trouble {
        return Line::from(Span::styled(printable(trouble), state.look.of(CARE)));
    }
    let Some(run) = state.run() else { return Line::from(Span::styled("no run yet", state.look.of(FAINT))) };
    let id = run.id.as_deref().unwrap_or_default();
    let standing = match (run.state, state.life) {
        (RunState::Running, Some(Life::Gone)) => "was killed",
        (RunState::Running, Some(Life::Elsewhere)) => "is at work elsewhere",
        (RunState::Running, _) => "is at work",
        (RunState::Done, _) => "has ended",
        (RunState::Landed, _) => "has landed",
        (RunState::Overtaken, _) => "was overtaken",
        (RunState::Interrupted, _) => "was interrupted",
        (RunState::Aborted, _) => "was aborted",
        (RunState::Undone, _) => "was undone",
    };
    let words = format!("the run {standing}: {}  {id}", counts(run, state.life));
    Line::from(Span::styled(words, state.look.of(if run.state == RunState::Running { CARE } else { FAINT })))
}

/// How many items stand how: `3 merged, 1 blocked`.
fn counts(run: &Run, life: Option<Life>) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for item in &run.items {
        let words = words(run, life, item);
        match counts.iter_mut().find(|(known, _)| *known == words) {
            Some((_, count)) => *count += 1,
            None => counts.push((words, 1)),
        }
    }
    let counts: Vec<String> = counts.into_iter().map(|(words, count)| format!("{count} {words}")).collect();
    counts.join(", ")
}

fn draw_item(state: &State, frame: &mut Frame, area: Rect) {
    let Some(item) = state.item() else { return };
    let look = state.look;
    let (sign, words, style) = standing(state, &item.name);
    let name = Line::from(vec![
        Span::styled(format!("{sign} "), look.of(style)),
        Span::styled(printable(&item.name), look.of(HEAD)),
        Span::styled(format!("  {words}"), look.of(style)),
    ]);
    let tabs = Tab::ALL.iter().enumerate().flat_map(|(at, (tab, word))| {
        let shown = *tab == state.tab;
        let (open, close) = if shown { ("[", "] ") } else { (" ", "  ") };
        let style = if shown { look.of(HEAD).add_modifier(Modifier::REVERSED) } else { look.of(FAINT) };
        [Span::styled(format!("{open}{} {word}", at + 1), style), Span::styled(close, style)]
    });
    let tabs = Line::from(tabs.collect::<Vec<_>>());
    for (line, y) in [name, tabs].into_iter().zip(area.y..area.bottom()) {
        frame.render_widget(line, Rect { y, height: 1, ..area });
    }
    let (height, _) = state.item_room();
    let lines = state.item_lines();
    // The diff gives what is in sight only.
    let skip = if state.tab == Tab::Diff { 0 } else { state.scroll };
    let lines: Vec<Line> = lines.into_iter().skip(skip).take(height).collect();
    let rest = Rect { y: area.y.saturating_add(2), height: area.height.saturating_sub(2), ..area }.intersection(area);
    frame.render_widget(Paragraph::new(lines).scroll((0, state.aside)), rest);
}
