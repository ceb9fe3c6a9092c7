//! How meaning looks here: the colours of the reports where they are wanted, and always a sign besides, since not everybody sees colours.

use super::state::State;
use crate::{
    model::{
        run::{ItemReport, Purpose, Run, RunState, Status},
        verdict::Answer,
    },
    report::style,
    run::Life,
};
use anstyle::{AnsiColor, Color as Ansi, Effects};
use ratatui::style::{Color, Modifier, Style};

/// Whether there are colours.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Without them there are only bold, dim and reversed texts.
    pub colours: bool,
}

impl Look {
    /// A style of the reports.
    pub(super) fn of(self, style: anstyle::Style) -> Style {
        let colour = match style.get_fg_color() {
            Some(Ansi::Ansi(AnsiColor::Green)) => Some(Color::Green),
            Some(Ansi::Ansi(AnsiColor::Red)) => Some(Color::Red),
            Some(Ansi::Ansi(AnsiColor::Yellow)) => Some(Color::Yellow),
            _ => None,
        };
        let mut modifier = Modifier::empty();
        modifier.set(Modifier::BOLD, style.get_effects().contains(Effects::BOLD));
        modifier.set(Modifier::DIM, style.get_effects().contains(Effects::DIMMED));
        let look = Style::new().add_modifier(modifier);
        colour.filter(|_| self.colours).map_or(look, |colour| look.fg(colour))
    }
}

/// The sign, the words and the style of an item's status; before any run it is pending.
pub(super) fn standing(state: &State, item: &str) -> (char, &'static str, anstyle::Style) {
    let (Some(run), Some(report)) = (state.run(), state.report(item)) else { return ('.', Status::Pending.words(), style::FAINT) };
    let sign = match report.status {
        Status::Merged if run.is_unlanded() => '~',
        Status::Merged => '+',
        Status::UpToDate => '=',
        Status::Pending => '.',
        Status::Blocked => '!',
        Status::SkippedConflict | Status::SkippedGates | Status::SkippedHistory | Status::SkippedMissing => 'x',
    };
    (sign, words(run, state.life, report), style::of_status(report.status))
}

/// The words of an item's status. What is in the tip of a run at work is not landed yet, and may be soon.
pub(super) fn words(run: &Run, life: Option<Life>, report: &ItemReport) -> &'static str {
    let is_at_work = run.state == RunState::Running && run.purpose == Purpose::Land && life != Some(Life::Gone);
    if is_at_work && report.status == Status::Merged { "ready to land" } else { run.words(report) }
}

/// The sign of an answer.
pub(super) fn sign_of(answer: Answer) -> char {
    match answer {
        Answer::Pass => '+',
        Answer::Warn => '!',
        Answer::Skip => '-',
        Answer::Fail | Answer::Error => 'x',
    }
}
