//! What is known of an item: how it stands and why, what it depends on, where it conflicts and how that was settled.

use super::{
    look::{Look, standing},
    state::State,
};
use crate::{
    model::plan::{Item, Strategy},
    report::{
        style::{BAD, CARE, FAINT, GOOD, PLAIN, printable},
        width::wrap,
    },
};
use ratatui::text::{Line, Span};

/// How far the words are from the edge, behind their headings.
const INDENT: usize = 12;

pub(super) fn lines(state: &State, item: &Item, width: usize) -> Vec<Line<'static>> {
    let look = state.look;
    let mut lines = Vec::new();
    let mut say = |head: &str, text: &str, style: anstyle::Style| lines.extend(paragraph(look, head, text, style, width));
    let report = state.report(&item.name);
    let (sign, words, style) = standing(state, &item.name);
    say("status", &format!("{sign} {words}"), style);
    if let Some(report) = report {
        if !report.detail.is_empty() {
            say("why", &report.detail, PLAIN);
        }
        if let Some(way_out) = &report.way_out {
            say("way out", way_out, CARE);
        }
    }
    say("branch", &item.branch, PLAIN);
    say("head", item.head.as_deref().unwrap_or("the branch's, at the time of a run"), FAINT);
    say("level", &state.level_of(&item.name).to_string(), PLAIN);
    let deps: Vec<String> = item
        .deps
        .iter()
        .map(|dep| {
            let sources: Vec<String> = dep.sources.iter().map(ToString::to_string).collect();
            format!("{} ({})", dep.name, sources.join(", "))
        })
        .collect();
    say("depends on", &if deps.is_empty() { "nothing".into() } else { deps.join(", ") }, PLAIN);
    let above = state.plan.items.iter().filter(|other| other.deps.iter().any(|dep| dep.name == item.name));
    let above: Vec<&str> = above.map(|other| other.name.as_str()).collect();
    if !above.is_empty() {
        say("needed by", &above.join(", "), PLAIN);
    }
    let strategy = match item.strategy {
        Strategy::Merge => "merge",
        Strategy::Squash => "squash",
        Strategy::Rebase => "rebase",
    };
    say("strategy", strategy, PLAIN);
    if item.priority != 0 {
        say("priority", &item.priority.to_string(), PLAIN);
    }
    let Some(report) = report else { return lines };
    for conflict in &report.conflicts {
        let with = match (&conflict.items[..], &conflict.commit) {
            ([], Some(commit)) => format!(" with commit {}", commit.chars().take(10).collect::<String>()),
            ([], None) => String::new(),
            (items, _) => format!(" with {}", items.join(", ")),
        };
        say("conflict", &format!("{}{with}", conflict.place()), BAD);
    }
    for step in &report.settled {
        let rule = step.rule.as_ref().map(|rule| format!(", {rule}")).unwrap_or_default();
        say("settled", &format!("{} ({}{rule}): {}", step.path, step.rung.word(), step.why), GOOD);
    }
    for note in &report.notes {
        say("note", note, CARE);
    }
    if let Some(candidate) = &report.candidate {
        say("candidate", candidate, FAINT);
    }
    lines
}

/// A heading and a text beside it, wrapped to `width`.
pub(super) fn paragraph(look: Look, head: &str, text: &str, style: anstyle::Style, width: usize) -> Vec<Line<'static>> {
    let text = printable(text);
    let wrapped = wrap(&text, width.saturating_sub(INDENT));
    let lines = wrapped.iter().enumerate().map(|(at, part)| {
        let head = if at == 0 { head } else { "" };
        Line::from(vec![Span::styled(format!("{head:INDENT$}"), look.of(FAINT)), Span::styled(part.to_string(), look.of(style))])
    });
    lines.collect()
}
