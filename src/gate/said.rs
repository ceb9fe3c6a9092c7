//! What a plugin said, cut down to what a report can bear: whatever a plugin writes, a verdict stays small and is plain text.

use crate::model::{
    Error, Result,
    error::Class,
    verdict::{Annotation, Answer, Severity},
};
use serde_json::{Map, Value};

/// Most annotations that are kept.
pub const MAX_ANNOTATIONS: usize = 200;

/// Most characters of a summary, and of each text of an annotation.
const MAX_TEXT: usize = 500;

/// Most bytes of facts, as JSON.
const MAX_FACTS: usize = 16 << 10;

/// A plugin's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// The answer.
    pub answer: Answer,
    /// Of an error: whether it may pass by itself.
    pub class: Option<Class>,
    /// One line for a person.
    pub summary: String,
    /// At most 200.
    pub annotations: Vec<Annotation>,
    /// How many annotations were left out.
    pub left_out: usize,
    /// What it found.
    pub facts: Map<String, Value>,
}

impl Said {
    /// The same within bounds: one line of summary, no control characters, no annotation of a line 0.
    pub fn bounded(mut self) -> Result<Said> {
        self.left_out += self.annotations.len().saturating_sub(MAX_ANNOTATIONS);
        self.annotations.truncate(MAX_ANNOTATIONS);
        self.summary = plain(&self.summary);
        if self.left_out > 0 {
            self.summary.push_str(&format!(" ({} more places were left out)", self.left_out));
        }
        for annotation in &mut self.annotations {
            annotation.path = plain(&annotation.path);
            annotation.message = plain(&annotation.message);
            annotation.line = annotation.line.filter(|line| *line > 0);
            annotation.replacement = annotation.replacement.take().filter(|text| text.chars().count() <= MAX_TEXT);
        }
        let size = serde_json::to_string(&self.facts).map_or(usize::MAX, |text| text.len());
        if size > MAX_FACTS {
            return Err(Error::input("bad-plugin", format!("its facts are {size} bytes of JSON, more than {MAX_FACTS}")));
        }
        Ok(self)
    }
}

/// The answer of that name; an engine's own error is none that a plugin may give.
pub fn answer(word: &str) -> Option<Answer> {
    [Answer::Pass, Answer::Fail, Answer::Warn, Answer::Skip].into_iter().find(|answer| answer.to_string() == word)
}

/// The severity of that name.
pub fn severity(word: &str) -> Option<Severity> {
    match word {
        "error" => Some(Severity::Error),
        "warning" => Some(Severity::Warning),
        "notice" => Some(Severity::Notice),
        _ => None,
    }
}

/// One line of at most [`MAX_TEXT`] characters; what could steer a terminal is replaced.
pub fn plain(text: &str) -> String {
    let safe = |c: char| match c {
        '\n' | '\t' => ' ',
        c if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => '\u{fffd}',
        c => c,
    };
    let mut chars = text.trim().chars().map(safe);
    let kept: String = chars.by_ref().take(MAX_TEXT).collect();
    if chars.next().is_some() { format!("{kept}…") } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_plugin_writes_stays_small_and_plain() {
        let annotation = Annotation { line: Some(0), ..Annotation::error("a\u{1b}[2J", 1, "x".repeat(10_000)) };
        let said = Said {
            answer: Answer::Fail,
            class: None,
            summary: "\u{1b}]0;owned\u{7}two\nlines \u{202e}".into(),
            annotations: vec![annotation; 1_000],
            left_out: 0,
            facts: Map::new(),
        };
        let said = said.bounded().unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(said.summary, "\u{fffd}]0;owned\u{fffd}two lines \u{fffd} (800 more places were left out)");
        assert_eq!((said.annotations.len(), said.annotations[0].line), (MAX_ANNOTATIONS, None));
        assert_eq!(said.annotations[0].message.chars().count(), MAX_TEXT + 1);
        assert_eq!(said.annotations[0].path, "a\u{fffd}[2J");
        let huge = Map::from_iter([("a".to_string(), Value::from("x".repeat(MAX_FACTS)))]);
        assert!(Said { facts: huge, ..said }.bounded().is_err());
    }
}
