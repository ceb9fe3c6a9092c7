//! What an item changes. A file's lines are read when its place comes into sight.

use super::{
    look::Look,
    patch::{Kind, Line as PatchLine},
    reader::{Files, Question},
};
use crate::{
    model::Result,
    report::style::{BAD, FAINT, GOOD, HEAD, printable},
};
use ratatui::{
    style::{Color, Style},
    text::{Line, Span},
};

/// The changes of the item that is shown.
#[derive(Debug, Default)]
pub(super) struct Diff {
    asked: bool,
    pub files: Option<Result<Files>>,
    /// The lines of each file, where they are known.
    patches: Vec<Option<Result<Vec<PatchLine>>>>,
    /// How many files are being read: only those in sight, so that what has come into sight meanwhile is next.
    reading: usize,
}

impl Diff {
    pub fn learn_files(&mut self, files: Result<Files>) {
        self.patches = files.as_ref().map_or_else(|_| Vec::new(), |files| files.changed.iter().map(|_| None).collect());
        self.files = Some(files);
    }

    pub fn learn_patch(&mut self, at: usize, patch: Result<Vec<PatchLine>>) {
        self.reading = self.reading.saturating_sub(1);
        if let Some(known) = self.patches.get_mut(at) {
            *known = Some(patch);
        }
    }

    /// What must be read to show `height` lines from `top` on.
    pub fn wants(&mut self, item: &str, top: usize, height: usize) -> Vec<Question> {
        if !std::mem::replace(&mut self.asked, true) {
            return vec![Question::Files(item.into())];
        }
        let Some(Ok(files)) = &self.files else { return Vec::new() };
        let mut questions = Vec::new();
        let mut first = INTRO;
        for (at, patch) in self.patches.iter().enumerate().filter(|_| self.reading == 0) {
            let end = first + 1 + rows(patch);
            if first < top + height && end > top && patch.is_none() {
                questions.push(Question::Patch(Box::new(files.changed[at].clone()), at, files.command.clone()));
            }
            first = end;
        }
        self.reading += questions.len();
        questions
    }

    /// Whether something is being read.
    pub fn is_reading(&self) -> bool {
        self.asked && self.files.is_none() || self.reading > 0
    }

    /// How many lines there are, as far as is known.
    pub fn height(&self) -> usize {
        INTRO + self.patches.iter().map(|patch| 1 + rows(patch)).sum::<usize>()
    }

    /// The line that the next file begins in, or the one before.
    pub fn file_beside(&self, top: usize, next: bool) -> usize {
        let mut first = INTRO;
        let mut before = 0;
        for patch in &self.patches {
            if first > top && next {
                return first;
            }
            if first < top {
                before = first;
            }
            first += 1 + rows(patch);
        }
        if next { top } else { before }
    }

    /// The lines in sight.
    pub fn lines(&self, look: Look, top: usize, height: usize, width: usize) -> Vec<Line<'static>> {
        let files = match &self.files {
            None => return vec![Line::from(Span::styled("reading", look.of(FAINT)))],
            Some(Err(error)) => return super::complaint(look, error, width),
            Some(Ok(files)) => files,
        };
        let count = files.changed.len();
        let words = format!("{count} {} against {}", if count == 1 { "file" } else { "files" }, files.base);
        let mut lines = vec![Line::from(Span::styled(words, look.of(FAINT)))];
        lines.drain(..top.min(INTRO));
        let mut first = INTRO;
        for (title, patch) in files.titles.iter().zip(&self.patches) {
            let end = first + 1 + rows(patch);
            if first >= top + height {
                break;
            }
            if end > top {
                if first >= top {
                    lines.push(Line::from(Span::styled(title.clone(), look.of(HEAD))));
                }
                let skip = top.saturating_sub(first + 1);
                match patch {
                    None => lines.push(Line::from(Span::styled("  reading", look.of(FAINT)))),
                    Some(Err(error)) => lines.push(Line::from(Span::styled(printable(&error.to_string()), look.of(BAD)))),
                    Some(Ok(patch)) => {
                        let room = (height + 1).saturating_sub(lines.len());
                        lines.extend(patch.iter().skip(skip).take(room).map(|line| painted(look, line)));
                    }
                }
            }
            first = end;
        }
        lines
    }
}

/// The lines above the first file.
const INTRO: usize = 1;

fn rows(patch: &Option<Result<Vec<PatchLine>>>) -> usize {
    match patch {
        Some(Ok(lines)) => lines.len(),
        None | Some(Err(_)) => 1,
    }
}

fn painted(look: Look, line: &PatchLine) -> Line<'static> {
    let style = match line.kind {
        Kind::Added => look.of(GOOD),
        Kind::Removed => look.of(BAD),
        Kind::Context => Style::new(),
        Kind::Hunk if look.colours => Style::new().fg(Color::Cyan),
        Kind::Hunk | Kind::Said => look.of(FAINT),
    };
    Line::from(Span::styled(line.text.clone(), style))
}
