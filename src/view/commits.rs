//! An item's commits, newest first.

use super::{
    reader::{Commit, Question},
    state::State,
};
use crate::{
    model::Result,
    report::style::{CARE, FAINT},
};
use ratatui::text::{Line, Span};

/// The commits of the item that is shown.
#[derive(Debug, Default)]
pub(super) struct Commits {
    asked: bool,
    pub known: Option<Result<(Vec<Commit>, usize)>>,
}

impl Commits {
    pub fn wants(&mut self, item: &str) -> Vec<Question> {
        if std::mem::replace(&mut self.asked, true) { Vec::new() } else { vec![Question::Commits(item.into())] }
    }

    /// Whether they are being read.
    pub fn is_reading(&self) -> bool {
        self.asked && self.known.is_none()
    }
}

pub(super) fn lines(state: &State, width: usize) -> Vec<Line<'static>> {
    let look = state.look;
    match &state.commits.known {
        None => vec![Line::from(Span::styled("reading", look.of(FAINT)))],
        Some(Err(error)) => super::complaint(look, error, width),
        Some(Ok((commits, _))) if commits.is_empty() => {
            vec![Line::from(Span::styled("no commits of its own: the target holds them", look.of(FAINT)))]
        }
        Some(Ok((commits, left))) => {
            let line = |commit: &Commit| {
                Line::from(vec![
                    Span::styled(format!("{} ", commit.id), look.of(CARE)),
                    Span::styled(format!("{} {}  ", commit.at, commit.author), look.of(FAINT)),
                    Span::from(commit.subject.clone()),
                ])
            };
            let mut lines: Vec<Line> = commits.iter().map(line).collect();
            if *left > 0 {
                lines.push(Line::from(Span::styled(format!("and {left} older ones"), look.of(FAINT))));
            }
            lines
        }
    }
}
