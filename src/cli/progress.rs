//! Progress on stderr while a run goes on, where that is a terminal.

use super::narrow::Narrow;
use crate::{model::Result, report::style::printable, run::Event};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{io::IsTerminal, time::Duration};

/// How often the bar is drawn at most.
const FRAMES_PER_SECOND: u8 = 20;

/// Run a plan and show what it tells.
pub fn watch<T>(work: impl FnOnce(&mut dyn FnMut(Event)) -> Result<T>) -> Result<T> {
    let Some(bar) = bar() else { return work(&mut |_| {}) };
    let outcome = work(&mut |event| match event {
        Event::Begun(total) => bar.set_length(total as u64),
        Event::Proving(at_work) => {
            bar.enable_steady_tick(Duration::from_millis(120));
            let gates: Vec<String> = at_work.iter().map(|(item, gate)| format!("{item}: {gate}")).collect();
            bar.set_message(printable(&gates.join(", ")));
        }
        Event::Decided(report, left) => step(&bar, left, &format!("{}: {}", report.name, report.status.words())),
    });
    bar.finish_and_clear();
    outcome
}

/// Go through a history and show how far it is: what was done, and how much is left.
pub fn count<T>(work: impl FnOnce(&mut dyn FnMut(&str, usize)) -> Result<T>) -> Result<T> {
    let Some(bar) = bar() else { return work(&mut |_, _| {}) };
    let outcome = work(&mut |done, left| step(&bar, left, done));
    bar.finish_and_clear();
    outcome
}

fn bar() -> Option<ProgressBar> {
    if !std::io::stderr().is_terminal() {
        return None;
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::term_like_with_hz(Box::new(Narrow::stderr()), FRAMES_PER_SECOND));
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos}/{len} {wide_msg}") {
        bar.set_style(style);
    }
    Some(bar)
}

fn step(bar: &ProgressBar, left: usize, message: &str) {
    bar.set_length(bar.position() + 1 + left as u64);
    bar.inc(1);
    bar.set_message(printable(message));
}
