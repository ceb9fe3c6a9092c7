//! What the gates say of an item, and where they point.

use super::{
    about::paragraph,
    look::{Look, sign_of},
    reader::{Earlier, Question},
    state::State,
};
use crate::{
    model::{
        Result,
        plan::Item,
        run::{Blame, GateReport},
        time::human,
        verdict::Severity,
    },
    report::style::{BAD, CARE, FAINT, PLAIN, of_answer, printable},
};
use ratatui::text::{Line, Span};
use std::time::Duration;

/// What an earlier run says, where the newest has asked no gate about the item.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    asked: bool,
    pub earlier: Option<Result<Option<Box<Earlier>>>>,
}

impl Verdicts {
    pub fn wants(&mut self, item: &str) -> Vec<Question> {
        if std::mem::replace(&mut self.asked, true) { Vec::new() } else { vec![Question::Verdicts(item.into())] }
    }
}

pub(super) fn lines(state: &State, item: &Item, width: usize) -> Vec<Line<'static>> {
    let look = state.look;
    let faint = |text: &str| vec![Line::from(Span::styled(text.to_string(), look.of(FAINT)))];
    let newest = state.run().zip(state.report(&item.name).filter(|report| !report.gates.is_empty()));
    let (id, report) = match (newest, &state.verdicts.earlier) {
        (Some((run, report)), _) => (run.id.as_deref().unwrap_or_default(), report),
        (None, Some(Ok(Some(earlier)))) => (earlier.0.as_str(), &earlier.1),
        (None, Some(Ok(None))) => return faint("no run has asked a gate about it"),
        (None, Some(Err(error))) => return super::complaint(look, error, width),
        (None, None) => return faint("reading"),
    };
    let mut lines = faint(&format!("of run {id}"));
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
