//! A gate: a note such as TODO that the candidate adds must name an issue (`TODO #12: tidy up`).

use lex_pr_gate::{Annotation, Gate, Manifest, Status, Verdict, candidate, json};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    words: Vec<String>,
    paths: String,
}

struct Todo;

impl Gate for Todo {
    fn describe() -> Manifest {
        Manifest::new("Each TODO that is added names an issue").takes(&json!({
            "words": {
                "description": "What such a note starts with",
                "type": "array",
                "items": { "type": "string", "minLength": 1 },
                "default": ["TODO", "FIXME"],
            },
            "paths": { "description": "A glob of the files to look at", "type": "string", "default": "**" },
        }))
    }

    fn check() -> Result<Verdict, String> {
        let config: Config = candidate::config()?;
        let mut notes = 0;
        let mut loose = Vec::new();
        for change in candidate::changes() {
            if change.status == Status::Deleted || !candidate::matches(&config.paths, &change.path) {
                continue;
            }
            // Where there are no lines, as in a binary file, there are no notes.
            let Some(difference) = candidate::diff(&change.path) else { continue };
            for line in difference.added {
                let Some((word, rest)) = config.words.iter().find_map(|word| Some((word, after(&line.text, word)?))) else { continue };
                notes += 1;
                if !names_issue(rest) {
                    let message = format!("this {word} names no issue, as `{word} #12` does");
                    loose.push(Annotation::error(&change.path, message).at(line.number));
                }
            }
        }
        let facts = json!({ "notes": notes, "loose": loose.len() });
        let verdict = match loose.len() {
            0 => Verdict::pass(format!("{notes} added, none without an issue")),
            n => Verdict::fail(format!("{n} of {notes} added without an issue")),
        };
        Ok(verdict.annotate_all(loose).with_facts(&facts))
    }
}

/// What follows `word` in `text`, where it stands there as a word of its own.
fn after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .map(|(at, _)| (&text[..at], &text[at + word.len()..]))
        .find(|(before, rest)| !before.ends_with(in_word) && !rest.starts_with(in_word))
        .map(|(_, rest)| rest)
}

fn names_issue(text: &str) -> bool {
    text.match_indices('#').any(|(at, _)| text[at + 1..].starts_with(|c: char| c.is_ascii_digit()))
}

lex_pr_gate::export!(Todo);
