//! The filter: a line in which a query is written, and the items that answer it.

use super::look::Look;
use crate::{
    model::Error,
    report::{
        style::{BAD, printable},
        width::{end, wrap},
    },
};
use ratatui::{
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
    text::{Line, Span},
};
use std::collections::BTreeSet;

/// A query is at most so many characters long.
const LONGEST: usize = 500;

/// What is wrong takes at most so many lines.
const MOST_LINES: usize = 4;

#[derive(Debug, Default)]
pub(super) struct Filter {
    /// What is being written.
    pub text: String,
    /// What was asked last; nothing where all items are shown.
    pub asked: String,
    /// The answer: the items that are shown, or what is wrong with the query. All are shown as long as there is none.
    pub fits: Option<Result<BTreeSet<String>, Error>>,
}

/// What a key did to the line.
pub(super) enum Typed {
    Goes,
    /// The query is to be asked.
    Done,
    /// The line is left as it was before.
    Left,
}

impl Filter {
    pub fn update(&mut self, key: KeyEvent) -> Typed {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Enter => return Typed::Done,
            KeyCode::Esc => {
                self.text = self.asked.clone();
                return Typed::Left;
            }
            KeyCode::Backspace => drop(self.text.pop()),
            KeyCode::Char('u') if control => self.text.clear(),
            KeyCode::Char('w') if control => {
                let kept = self.text.trim_end().rfind(' ').map_or(0, |at| at + 1);
                self.text.truncate(kept);
            }
            KeyCode::Char(c) if !control && self.text.chars().count() < LONGEST => self.text.push(c),
            _ => {}
        }
        Typed::Goes
    }

    pub fn shows(&self, item: &str) -> bool {
        !matches!(&self.fits, Some(Ok(fits)) if !fits.contains(item))
    }

    /// The line as it is written, its end where the cursor is.
    pub fn line(&self, width: usize) -> Line<'static> {
        Line::from(format!("/{}_", end(&printable(&self.text), width.saturating_sub(3))))
    }

    /// What is wrong with the query that was asked, as long as there is something left of it to mend.
    pub fn complaint(&self, look: Look, width: usize) -> Vec<Line<'static>> {
        let Some(Err(error)) = self.fits.as_ref().filter(|_| !self.text.is_empty()) else { return Vec::new() };
        let hint = error.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
        let words = printable(&format!("{error}{hint}"));
        let lines = wrap(&words, width).into_iter().take(MOST_LINES);
        lines.map(|line| Line::from(Span::styled(line.to_string(), look.of(BAD)))).collect()
    }
}
