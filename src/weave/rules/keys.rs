//! Documents of keys and values, merged by key: what the merge says is computed from what the documents say, its text from
//! how they are laid out, and the one must be what the other says.

use super::{
    Texts,
    data::{Data, Merge},
    guard,
    hunks::{self, Piece},
    keep,
    layout::Node,
    splice::{Part, splice},
};
use std::ops::Range;

/// A kind of documents.
pub(super) struct Format {
    /// What names of its files end in, in lower case.
    pub(super) endings: &'static [&'static str],
    /// Read one, if it is plain enough.
    pub(super) read: fn(&str) -> Option<Document>,
    /// Whether the value at a path is the version of a dependency.
    pub(super) is_version: fn(&[&str]) -> bool,
    /// How the path of a map is written.
    pub(super) show: fn(&[String]) -> String,
}

/// A document.
pub(super) struct Document {
    /// What it says.
    pub(super) data: Data,
    /// How it is laid out.
    pub(super) root: Node,
    /// Where its comments stand.
    pub(super) comments: Vec<Range<usize>>,
}

impl Document {
    fn comments<'a>(&self, text: &'a str) -> Vec<&'a str> {
        self.comments.iter().filter_map(|comment| text.get(comment.clone())).map(str::trim).collect()
    }
}

/// Three versions of one document.
struct Versions<'a> {
    base: Option<(&'a str, Document)>,
    ours: (&'a str, Document),
    theirs: (&'a str, Document),
}

impl<'a> Versions<'a> {
    fn read(format: &Format, base: Option<&'a str>, ours: &'a str, theirs: &'a str) -> Option<Self> {
        let read = |text: &'a str| Some((text, (format.read)(text)?));
        let base = match base {
            Some(base) => Some(read(base)?),
            None => None,
        };
        Some(Versions { base, ours: read(ours)?, theirs: read(theirs)? })
    }

    fn splice(&self) -> Option<String> {
        fn part<'p>((text, document): &'p (&str, Document)) -> Part<'p> {
            Part { text, node: &document.root }
        }
        let merged = splice(self.base.as_ref().map(part), part(&self.ours), part(&self.theirs))?;
        let (text, span) = (self.ours.0, &self.ours.1.root.span);
        Some([&text[..span.start], &merged, &text[span.end..]].concat())
    }

    /// Whether `result` says `data`, and holds the comments of both sides.
    fn became(&self, format: &Format, result: &str, data: &Data) -> bool {
        let Some(document) = (format.read)(result) else { return false };
        let comments = |(text, document): &(&'a str, Document)| document.comments(text);
        let (base, ours, theirs) = (self.base.as_ref().map(comments).unwrap_or_default(), comments(&self.ours), comments(&self.theirs));
        document.data == *data && keep::holds(base, ours, theirs, document.comments(result))
    }
}

/// Merge a document by key.
pub(super) fn resolve(texts: &Texts, format: &Format) -> Option<(String, String)> {
    let name = texts.name();
    if !format.endings.iter().any(|ending| name.ends_with(ending)) {
        return None;
    }
    let whole = Versions::read(format, texts.base.as_deref(), &texts.ours, &texts.theirs)?;
    let base = whole.base.as_ref().map(|(_, document)| &document.data);
    if guard::forbids_data(&name, base, &whole.ours.1.data, &whole.theirs.1.data) {
        return None;
    }
    let mut merge = Merge::new(format.is_version);
    let data = merge.merge(base, Some(&whole.ours.1.data), Some(&whole.theirs.1.data))??;
    let narrow = narrow(texts);
    let narrow = narrow.as_ref().and_then(|[base, ours, theirs]| Versions::read(format, Some(base), ours, theirs));
    let spliced = |versions: &Versions| versions.splice().filter(|result| whole.became(format, result, &data));
    let result = narrow.as_ref().and_then(spliced).or_else(|| spliced(&whole))?;
    Some((result, why(&merge, format)))
}

/// The versions as they would be if all else than the conflicts were merged already, so that comments and blank lines elsewhere
/// are as git merges them.
fn narrow(texts: &Texts) -> Option<[String; 3]> {
    let mut versions = [String::new(), String::new(), String::new()];
    for piece in hunks::Merge::new(texts.base.as_deref()?, &texts.ours, &texts.theirs)?.pieces()? {
        let parts = match piece {
            Piece::Common(text) => [text; 3],
            Piece::Conflict { base, ours, theirs } => [base, ours, theirs],
        };
        versions.iter_mut().zip(parts).for_each(|(version, part)| version.push_str(part));
    }
    Some(versions)
}

fn why(merge: &Merge, format: &Format) -> String {
    const MOST: usize = 3;
    let plain = |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(60).collect::<String>();
    let some = |all: Vec<String>| {
        let more = all.len().saturating_sub(MOST);
        let more = (more > 0).then(|| format!("{more} more"));
        all.into_iter().take(MOST).chain(more).collect::<Vec<_>>().join(", ")
    };
    let places = |paths: &[Vec<String>]| {
        let top = paths.iter().any(Vec::is_empty).then(|| "at the top".to_owned());
        let mut under: Vec<String> = paths.iter().filter(|path| !path.is_empty()).map(|path| plain(&(format.show)(path))).collect();
        under.sort();
        let under = (!under.is_empty()).then(|| format!("under {}", some(under)));
        top.into_iter().chain(under).collect::<Vec<_>>().join(" and ")
    };
    let named = |path: &[String]| path.iter().rev().find(|key| *key != "version").cloned().unwrap_or_default();
    let chosen: Vec<String> = merge.chosen.iter().map(|(path, won, lost)| plain(&format!("{} {won} over {lost}", named(path)))).collect();
    let keys = (!merge.united.is_empty()).then(|| format!("both sides' keys {}", places(&merge.united)));
    let items = (!merge.appended.is_empty()).then(|| format!("both sides' items {}", places(&merge.appended)));
    let chosen = (!chosen.is_empty()).then(|| some(chosen));
    let said = [keys, items, chosen].into_iter().flatten().collect::<Vec<_>>().join("; ");
    if said.is_empty() { "the same changes on both sides, laid out as ours".into() } else { said }
}
