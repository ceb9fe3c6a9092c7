//! A terminal UI over a plan: its pyramid, its newest run while it goes on, and each item's commits, changes and verdicts.
//!
//! Keys and news change the state, and the state is drawn; neither reads the repository. What must be read is asked of the thread in
//! `reader`, so that no key waits for a diff. Nothing is written to the terminal as long as nothing changes.

mod about;
mod commits;
mod diff;
mod filter;
mod keys;
mod look;
mod patch;
mod pyramid;
mod reader;
mod screen;
mod state;
mod terminal;
mod verdicts;

pub use look::Look;

use crate::{
    model::{Error, Result, plan::Plan},
    repo::Repo,
    report::style::{BAD, CARE},
};
use gix::ObjectId;
use ratatui::{
    crossterm::event::{Event, KeyEventKind},
    text::Line,
};
use reader::Reader;
use state::{State, Step};
use std::{
    sync::mpsc::{TryRecvError, channel},
    time::Duration,
};
use terminal::Terminal;

/// How long news of the run wait at most; keys never do.
const TICK: Duration = Duration::from_millis(50);

/// How long news wait that the screen waits for.
const SOON: Duration = Duration::from_millis(5);

/// What is viewed.
pub struct Subject {
    /// The plan's name.
    pub name: String,
    /// Its revision, where it is kept; then it is followed.
    pub revision: Option<ObjectId>,
    /// The plan.
    pub plan: Plan,
}

/// How a view ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was left.
    Quit,
    /// By Ctrl-C or a signal.
    Interrupted,
}

/// Show `subject` on the terminal until it is left.
///
/// Errors: a plan whose dependencies make no sense, and a terminal that cannot be used.
pub fn view(repo: Repo, subject: Subject, look: Look) -> Result<End> {
    crate::plan::order(&subject.plan)?;
    let mut state = State::new(subject.name.clone(), subject.plan.clone(), look);
    let (ask, questions) = channel();
    let (tell, news) = channel();
    let mut terminal = Terminal::take()?;
    // Not joined: what it reads at the end is of no use.
    std::thread::spawn(move || Reader::new(repo, subject).work(&questions, &tell));
    let gone = || Error::environment("view-reader", "the thread that reads the repository has ended");
    let mut stale = true;
    loop {
        let (columns, lines) = terminal.size()?;
        stale |= state.resize(columns, lines);
        if std::mem::take(&mut stale) {
            terminal.draw(|frame| screen::draw(&state, frame))?;
        }
        for question in state.questions() {
            ask.send(question).map_err(|_| gone())?;
        }
        let mut patience = if state.is_reading() { SOON } else { TICK };
        // All that was typed by now, before it is drawn.
        while let Some(event) = terminal.event(patience)? {
            patience = Duration::ZERO;
            stale = true;
            let Event::Key(key) = event else { continue };
            match if key.kind == KeyEventKind::Release { Step::Goes } else { state.update(key) } {
                Step::Goes => {}
                Step::Quit => return Ok(End::Quit),
                Step::Interrupt => return Ok(End::Interrupted),
                Step::Suspend => terminal.suspend()?,
                Step::DrawAgain => terminal.clear()?,
            }
        }
        if terminal.is_signalled() {
            return Ok(End::Interrupted);
        }
        loop {
            match news.try_recv() {
                Ok((showing, news)) => stale |= state.learn(showing, news),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Err(gone()),
            }
        }
    }
}

/// An error in place of what could not be read.
fn complaint(look: Look, error: &Error, width: usize) -> Vec<Line<'static>> {
    let mut lines = about::paragraph(look, "error", &error.to_string(), BAD, width);
    if let Some(hint) = &error.hint {
        lines.extend(about::paragraph(look, "hint", hint, CARE, width));
    }
    lines
}
