//! Progress on stderr while a run goes on, where that is a terminal.

use super::narrow::Narrow;
use crate::{
    model::{Result, run::ItemReport, time::human},
    report::style::printable,
    run::{Event, Waiting},
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::IsTerminal,
    sync::mpsc::{RecvTimeoutError, channel},
    time::Duration,
};

/// How often the bar is drawn at most.
const FRAMES_PER_SECOND: u8 = 20;

/// From this time on a person wonders what is waited for.
const LONG: Duration = Duration::from_secs(2);

/// Run a plan and show what it tells. What somebody must know is told without a terminal, too.
pub fn watch<T>(work: impl FnOnce(&mut dyn FnMut(Event)) -> Result<T>) -> Result<T> {
    let bar = bar();
    let outcome = work(&mut |event| {
        if let Event::Decided(report, _) = &event {
            tell(report);
        }
        match (&bar, event) {
            (bar, Event::Slow(slow)) => {
                say(bar.as_ref(), &format!("slow: {} has run for {} on {}", slow.gate, human(slow.lasts), slow.item))
            }
            (bar, Event::Stopping(gates)) => {
                let gates = if gates == 1 { "one gate is".into() } else { format!("{gates} gates are") };
                say(bar.as_ref(), &format!("stopping: {gates} at work and may end; Ctrl-C again kills"));
            }
            (bar, Event::Held(why)) => say(bar.as_ref(), &format!("memory is short: {why}")),
            (bar, Event::Paused(pause)) => {
                say(bar.as_ref(), &format!("the plan is paused by {pause}; waiting for `git lex-pr resume`"));
            }
            (Some(bar), Event::Begun(total)) => bar.set_length(total as u64),
            (Some(bar), Event::Proving { at_work, waiting, left }) => {
                bar.enable_steady_tick(Duration::from_millis(120));
                let gates: Vec<String> = at_work.iter().map(|at| format!("{}: {} {}", at.item, at.gate, whole(at.lasts))).collect();
                let left = left.map(|left| format!("about {} left; ", whole(left))).unwrap_or_default();
                let waiting: String = waiting.iter().map(waits).collect();
                bar.set_message(printable(&format!("{left}{}{waiting}", gates.join(", "))));
            }
            (Some(bar), Event::Decided(report, left)) => step(bar, left, &format!("{}: {}", report.name, report.status.words_so_far())),
            (None, Event::Begun(_) | Event::Proving { .. } | Event::Decided(..)) => {}
        }
    });
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    outcome
}

/// Tell whoever wants to know each step what became of an item, and how long its gates took.
fn tell(report: &ItemReport) {
    for gate in &report.gates {
        let Some(verdict) = &gate.verdict else { continue };
        let took = Duration::from_millis(verdict.duration_ms);
        tracing::debug!(?took, reused = gate.reused, "{}: gate {}: {}", report.name, gate.gate, verdict.words());
    }
    tracing::debug!("{}: {}", report.name, report.status.words_so_far());
}

/// What a gate waits for, behind what is at work.
fn waits(waiting: &Waiting) -> String {
    let other = waiting.beside.map_or("a worker".into(), |(item, gate)| format!("{gate} of {item}"));
    format!("; {}: {} waits for {other}", waiting.item, waiting.gate)
}

/// A line that stays, above the bar where there is one.
fn say(bar: Option<&ProgressBar>, line: &str) {
    match bar {
        Some(bar) => bar.suspend(|| super::logs::warn(line)),
        None => super::logs::warn(line),
    }
}

/// A length of time in whole seconds, or minutes: `12 s`, `3 min`.
fn whole(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..100 => format!("{seconds} s"),
        seconds => format!("{} min", (seconds + 30) / 60),
    }
}

/// Go through a history and show how far it is: what was done, and how much is left.
pub fn count<T>(work: impl FnOnce(&mut dyn FnMut(&str, usize)) -> Result<T>) -> Result<T> {
    let Some(bar) = bar() else { return work(&mut |_, _| {}) };
    let outcome = work(&mut |done, left| step(&bar, left, done));
    bar.finish_and_clear();
    outcome
}

/// Wait for others, and where that takes long, say once for what: a bar would go over what git and ssh may ask at the terminal.
pub fn wait<T>(what: &str, work: impl FnOnce() -> T) -> T {
    if !is_drawn() {
        return work();
    }
    let (done, waiting) = channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if waiting.recv_timeout(LONG) == Err(RecvTimeoutError::Timeout) {
                super::logs::warn(what);
            }
        });
        let outcome = work();
        drop(done);
        outcome
    })
}

fn is_drawn() -> bool {
    std::io::stderr().is_terminal() && super::logs::draws()
}

fn bar() -> Option<ProgressBar> {
    if !is_drawn() {
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
