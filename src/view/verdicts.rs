//! What the gates say of an item, and where they point.

use super::{
    about::paragraph,
    look::{Look, sign_of},
    state::State,
};
use crate::{
    model::{
        plan::Item,
        run::{Blame, GateReport},
        time::human,
        verdict::Severity,
    },
    report::style::{BAD, CARE, FAINT, PLAIN, of_answer, printable},
};
use ratatui::text::{Line, Span};
use std::time::Duration;

pub(super) fn lines(state: &State, item: &Item, width: usize) -> Vec<Line<'static>> {
    let look = state.look;
    let faint = |text: &str| vec![Line::from(Span::styled(text.to_string(), look.of(FAINT)))];
    let Some(run) = state.run() else { return faint("there was no run yet") };
    let Some(report) = state.report(&item.name) else { return faint("it is not in the newest run") };
    let mut lines = faint(&format!("of run {}", run.id.as_deref().unwrap_or_default()));
    if report.gates.is_empty() {
        lines.extend(faint("no gate was asked"));
    }
    for gate in &report.gates {
        lines.extend(of_gate(look, gate, width));
    }
    lines
}

fn of_gate(look: Look, gate: &GateReport, width: usize) -> Vec<Line<'static>> {
    let optional = if gate.required { "" } else { " (optional)" };
    let name = printable(&format!("{}{optional}", gate.gate));
    let Some(verdict) = &gate.verdict else {
        return vec![Line::from(vec![Span::from(format!(". {name}: ")), Span::styled("not asked", look.of(FAINT))])];
    };
    let time = if gate.reused { "reused".into() } else { human(Duration::from_millis(verdict.duration_ms)) };
    let tries = if verdict.attempts > 1 { format!(", {} tries", verdict.attempts) } else { String::new() };
    let style = look.of(of_answer(verdict.verdict));
    let mut lines = vec![Line::from(vec![
        Span::styled(format!("{} ", sign_of(verdict.verdict)), style),
        Span::from(format!("{name}: ")),
        Span::styled(verdict.verdict.to_string(), style),
        Span::styled(format!("  {time}{tries}"), look.of(FAINT)),
    ])];
    let mut say = |head: &str, text: &str, style| lines.extend(paragraph(look, &format!("  {head}"), text, style, width));
    if !verdict.summary.is_empty() {
        say("says", &verdict.summary, PLAIN);
    }
    if let Some(blame) = gate.blame {
        let words = match blame {
            Blame::BrokeIt => "this item broke it: the gate is green on what the item stands on",
            Blame::BaseBroken => "not this item: the gate is red on what the item stands on, too",
            Blame::Flaky => "the gate: it was red and then green on the very same files",
        };
        say("whose", words, CARE);
    }
    if let Some(overridden) = &gate.overridden {
        say("override", &overridden.to_string(), CARE);
    }
    for annotation in &verdict.annotations {
        let (word, style) = match annotation.severity {
            Severity::Error => ("error", BAD),
            Severity::Warning => ("warning", CARE),
            Severity::Notice => ("notice", PLAIN),
        };
        say(word, &format!("{}: {}", annotation.place(), annotation.message), style);
        if let Some(replacement) = &annotation.replacement {
            say("instead", replacement, FAINT);
        }
    }
    lines
}
