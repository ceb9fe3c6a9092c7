//! YAML, merged by key, as far as it is plain: one document of block mappings and sequences. Flow collections are taken or
//! left as a whole, except lists that grew.

use super::{
    data::Data,
    keys::{Document, Format},
    layout::{Entries, Entry, Kind, Node, Parting, in_brackets, line_end},
};
use granit_parser::{Event, Parser, ScalarStyle, StructureStyle};
use std::{collections::BTreeMap, iter::Peekable, ops::Range, vec::IntoIter};

pub(super) const YAML: Format = Format { endings: &[".yaml", ".yml"], read, is_version, show };

/// Deeper than this nobody writes by hand.
const MAX_DEPTH: usize = 100;

fn show(path: &[String]) -> String {
    path.join(".")
}

/// The maps of dependencies in a pubspec.yaml.
fn is_version(path: &[&str]) -> bool {
    match path {
        [table, _] | [table, _, "version"] => matches!(*table, "dependencies" | "dev_dependencies" | "dependency_overrides"),
        _ => false,
    }
}

fn read(text: &str) -> Option<Document> {
    let (mut comments, mut tokens) = (Vec::new(), Vec::new());
    let mut documents = 0;
    let mut start = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.ok()?;
        let range = span.byte_range()?;
        text.get(range.clone())?;
        tokens.push(match event {
            Event::Comment(..) => {
                comments.push(range);
                continue;
            }
            Event::DocumentStart(explicit, version) => {
                documents += 1;
                if documents > 1 || version.is_some() {
                    return None;
                }
                if explicit {
                    start = line_end(text, range.end);
                }
                continue;
            }
            Event::Scalar(value, style, 0, None) => Token::Scalar(value.into_owned(), style, range),
            Event::SequenceStart(style, 0, None) => Token::Open { style, is_map: false, range },
            Event::MappingStart(style, 0, None) => Token::Open { style, is_map: true, range },
            Event::SequenceEnd | Event::MappingEnd => Token::Close(range),
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => continue,
            // Anchors, aliases, tags.
            _ => return None,
        });
    }
    // Lines that only begin or end a document, or direct the parser, would have to be told from values.
    if text.lines().any(|line| line.starts_with('%') || line.starts_with("...")) {
        return None;
    }
    let mut reader = Reader { text, comments: &comments, tokens: tokens.into_iter().peekable() };
    let (root, data) = reader.value(start, 0)?;
    reader.tokens.peek().is_none().then_some(Document { data, root, comments })
}

/// What an event of the parser comes down to.
enum Token {
    Scalar(String, ScalarStyle, Range<usize>),
    Open { style: StructureStyle, is_map: bool, range: Range<usize> },
    Close(Range<usize>),
}

struct Reader<'a> {
    text: &'a str,
    comments: &'a [Range<usize>],
    tokens: Peekable<IntoIter<Token>>,
}

impl Reader<'_> {
    /// The value that stands behind `from`.
    fn value(&mut self, from: usize, depth: usize) -> Option<(Node, Data)> {
        if depth > MAX_DEPTH {
            return None;
        }
        match self.tokens.next()? {
            Token::Scalar(value, style, range) => {
                let range = match style {
                    // A value that is not there has no place of its own.
                    ScalarStyle::Plain if range.is_empty() => from..from,
                    // Blank lines behind a block are space before what comes next.
                    ScalarStyle::Literal | ScalarStyle::Folded => range.start..range.start + self.text.get(range)?.trim_end().len(),
                    _ => range,
                };
                let data = if style == ScalarStyle::Plain { Data::Word(value) } else { Data::Text(value) };
                Some((Node::leaf(range), data))
            }
            Token::Open { style: StructureStyle::Block, is_map, .. } => self.block(from, is_map, depth),
            Token::Open { style: StructureStyle::Flow, is_map, range } => self.flow(range.start, is_map, depth),
            Token::Close(_) => None,
        }
    }

    /// A collection whose entries stand on lines of their own.
    fn block(&mut self, from: usize, is_map: bool, depth: usize) -> Option<(Node, Data)> {
        let first = self.skip_blanks(from);
        // What stands on the line of its parent has nothing before it; the document has no parent.
        let mut start = match self.text.get(from..first)?.find('\n') {
            _ if depth == 0 => from,
            Some(newline) => from + newline + 1,
            None => first,
        };
        let (mut list, mut map, mut items) = (Vec::new(), BTreeMap::new(), Vec::new());
        while !matches!(self.tokens.peek()?, Token::Close(_)) {
            let begin = self.skip_blanks(start);
            let key = if is_map { Some(self.key(begin)?) } else { None };
            let after = match &key {
                Some((_, after)) => *after,
                None => self.text.get(begin..)?.starts_with('-').then_some(begin + 1)?,
            };
            let (value, data) = self.value(after, depth + 1)?;
            let key = match key {
                Some((key, _)) if map.insert(key.clone(), data.clone()).is_some() => return None,
                Some((key, _)) => vec![key],
                None => Vec::new(),
            };
            items.push(data);
            let entry = Entry::on_lines(self.text, start, key, begin..value.span.end, value)?;
            start = entry.end;
            list.push(entry);
        }
        self.tokens.next();
        let span = list.first()?.start..list.last()?.end;
        let entries = Entries { list, parting: Parting::Lines };
        Some(if is_map {
            (Node { span, kind: Kind::Map(entries) }, Data::Map(map))
        } else {
            (Node { span, kind: Kind::List(entries) }, Data::List(items))
        })
    }

    /// A collection in brackets.
    fn flow(&mut self, begin: usize, is_map: bool, depth: usize) -> Option<(Node, Data)> {
        let (mut entries, mut map, mut items) = (Vec::new(), BTreeMap::new(), Vec::new());
        let end = loop {
            if let Token::Close(range) = self.tokens.peek()? {
                let end = range.end;
                self.tokens.next();
                break end;
            }
            let key = match is_map.then(|| self.tokens.next()) {
                Some(Some(Token::Scalar(key, ..))) => Some(key),
                Some(_) => return None,
                None => None,
            };
            let (value, data) = self.value(begin, depth + 1)?;
            if let Some(key) = key
                && map.insert(key, data.clone()).is_some()
            {
                return None;
            }
            entries.push((Vec::new(), value.span.clone(), value));
            items.push(data);
        };
        let span = begin..end;
        let text = self.text.get(span.clone())?;
        if is_map {
            let braced = text.starts_with('{') && text.ends_with('}');
            return braced.then_some((Node::leaf(span), Data::Map(map)));
        }
        if !text.starts_with('[') || !text.ends_with(']') {
            return None;
        }
        let entries = in_brackets(self.text, self.comments, &span, entries)?;
        Some((Node { span, kind: Kind::List(entries) }, Data::List(items)))
    }

    /// A plain key at `begin`, and where its colon ends.
    fn key(&mut self, begin: usize) -> Option<(String, usize)> {
        let Token::Scalar(key, _, range) = self.tokens.next()? else { return None };
        let behind = self.text.get(range.end..)?;
        let colon = behind.find(|c| c != ' ').filter(|at| behind[*at..].starts_with(':'))?;
        (range.start == begin && !range.is_empty()).then_some((key, range.end + colon + 1))
    }

    /// The first place from `at` on that is neither blank nor a comment.
    fn skip_blanks(&self, mut at: usize) -> usize {
        loop {
            let rest = self.text.get(at..).unwrap_or_default();
            at += rest.len() - rest.trim_start().len();
            let next = self.comments.partition_point(|comment| comment.start < at);
            match self.comments.get(next).filter(|comment| comment.start == at) {
                Some(comment) => at = comment.end,
                None => return at,
            }
        }
    }
}
