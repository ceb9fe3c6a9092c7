//! Progress on stderr while a run goes on, where that is a terminal.

use crate::{model::Result, report::style::printable, run::Event};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{io::IsTerminal, time::Duration};

/// Do `work` and show what it tells.
pub fn watch<T>(work: impl FnOnce(&mut dyn FnMut(Event)) -> Result<T>) -> Result<T> {
    if !std::io::stderr().is_terminal() {
        return work(&mut |_| {});
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos}/{len} {wide_msg}") {
        bar.set_style(style);
    }
    let outcome = work(&mut |event| match event {
        Event::Proving(item, gates) => {
            bar.enable_steady_tick(Duration::from_millis(120));
            bar.set_message(printable(&format!("{item}: {}", gates.join(", "))));
        }
        Event::Decided(report, left) => {
            bar.inc(1);
            bar.set_length(bar.position() + left as u64);
            bar.set_message(printable(&format!("{}: {}", report.name, report.status.words())));
        }
    });
    bar.finish_and_clear();
    outcome
}
