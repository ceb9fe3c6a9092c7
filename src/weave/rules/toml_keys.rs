//! TOML, merged by key. Headers and dotted keys are laid out as they are written, one after the other; what they mean
//! together is for the parser to say.

use super::{
    data::Data,
    keys::{Document, Format},
    layout::{Entries, Entry, Kind, Node, Parting, in_brackets, line_end},
};
use std::ops::Range;
use toml_parser::{
    Source,
    parser::{Event, EventKind, parse_document},
};

pub(super) const TOML: Format = Format { endings: &[".toml"], read, is_version, show };

fn show(path: &[String]) -> String {
    format!("[{}]", path.join("."))
}

/// Cargo's tables of dependencies.
fn is_version(path: &[&str]) -> bool {
    let (table, key) = match path {
        [table @ .., name, "version"] if is_table_of_dependencies(table) => (table, name),
        [table @ .., name] => (table, name),
        [] => return false,
    };
    !key.is_empty() && is_table_of_dependencies(table)
}

fn is_table_of_dependencies(table: &[&str]) -> bool {
    const TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    match table {
        [name] | ["target", _, name] => TABLES.contains(name),
        ["workspace", name] => *name == "dependencies",
        _ => false,
    }
}

fn read(text: &str) -> Option<Document> {
    let data = data(&toml::Value::Table(text.parse().ok()?));
    let tokens = Source::new(text).lex().into_vec();
    let mut events = Vec::new();
    parse_document(&tokens, &mut |event: Event| events.push(event), &mut ());
    let is_blank = |event: &Event| matches!(event.kind(), EventKind::Whitespace | EventKind::Newline);
    let (comments, events): (Vec<Event>, Vec<Event>) =
        events.into_iter().filter(|event| !is_blank(event)).partition(|event| event.kind() == EventKind::Comment);
    let comments: Vec<Range<usize>> = comments.iter().map(range).collect();
    let root = Reader { text, comments: &comments, events: &events, at: 0 }.document()?;
    Some(Document { data, root, comments })
}

fn range(event: &Event) -> Range<usize> {
    event.span().start()..event.span().end()
}

fn data(value: &toml::Value) -> Data {
    match value {
        toml::Value::Table(table) => Data::Map(table.iter().map(|(key, value)| (key.clone(), data(value))).collect()),
        toml::Value::Array(array) => Data::List(array.iter().map(data).collect()),
        toml::Value::String(text) => Data::Text(text.clone()),
        other => Data::Word(other.to_string()),
    }
}

/// Reads the layout of a text that is known to be TOML.
struct Reader<'a> {
    text: &'a str,
    comments: &'a [Range<usize>],
    /// All but blanks and comments.
    events: &'a [Event],
    at: usize,
}

/// A header and what stands under it.
struct Section {
    is_array: bool,
    entry: Entry,
}

impl Reader<'_> {
    fn peek(&self) -> Option<EventKind> {
        self.events.get(self.at).map(Event::kind)
    }

    fn next(&mut self) -> Option<&Event> {
        self.at += 1;
        self.events.get(self.at - 1)
    }

    fn document(mut self) -> Option<Node> {
        let mut list = self.lines(0)?.list;
        let mut sections: Vec<Section> = Vec::new();
        while self.peek().is_some() {
            let start = sections.last().map(|section| &section.entry).or(list.last()).map_or(0, |entry| entry.end);
            sections.push(self.section(start)?);
        }
        let mut sections = sections.into_iter().peekable();
        while let Some(section) = sections.next() {
            if !section.is_array {
                list.push(section.entry);
                continue;
            }
            let key = section.entry.key.clone();
            let mut items = vec![section.entry];
            while let Some(next) = sections.next_if(|next| next.entry.key.starts_with(&key)) {
                match items.last_mut() {
                    // A table inside the item.
                    Some(item) if next.entry.key != key => {
                        item.end = next.entry.end;
                        item.body.end = next.entry.end;
                        item.value = Node::leaf(item.body.clone());
                    }
                    _ => items.push(next.entry),
                }
            }
            let (start, end) = (items.first()?.start, items.last()?.end);
            items.iter_mut().for_each(|item| item.key.clear());
            let value = Node { span: start..end, kind: Kind::List(Entries { list: items, parting: Parting::Lines }) };
            list.push(Entry { key, start, body: start..end, end, value });
        }
        let end = list.last().map_or(0, |entry| entry.end);
        Some(Node { span: 0..end, kind: Kind::Map(Entries { list, parting: Parting::Lines }) })
    }

    fn section(&mut self, start: usize) -> Option<Section> {
        let open = self.next()?;
        let (is_array, begin) = (open.kind() == EventKind::ArrayTableOpen, open.span().start());
        let key = self.key()?;
        let close = self.next().filter(|event| matches!(event.kind(), EventKind::StdTableClose | EventKind::ArrayTableClose)).map(range)?;
        let from = line_end(self.text, close.end);
        let entries = self.lines(from)?;
        let end = entries.list.last().map_or(from, |entry| entry.end);
        let value = Node { span: from..end, kind: Kind::Map(entries) };
        Some(Section { is_array, entry: Entry { key, start, body: begin..end, end, value } })
    }

    /// The keys up to the next header.
    fn lines(&mut self, mut start: usize) -> Option<Entries> {
        let mut list = Vec::new();
        while self.peek() == Some(EventKind::SimpleKey) {
            let begin = self.events.get(self.at)?.span().start();
            let key = self.key()?;
            let value = self.value()?;
            let entry = Entry::on_lines(self.text, start, key, begin..value.span.end, value)?;
            start = entry.end;
            list.push(entry);
        }
        Some(Entries { list, parting: Parting::Lines })
    }

    /// A key, with the sign that parts it from a value if there is one.
    fn key(&mut self) -> Option<Vec<String>> {
        let mut key = Vec::new();
        loop {
            match self.peek()? {
                EventKind::SimpleKey => {
                    let at = range(self.next()?);
                    key.push(self.text.get(at)?.to_owned());
                }
                EventKind::KeySep => self.at += 1,
                EventKind::KeyValSep => {
                    self.at += 1;
                    break;
                }
                _ => break,
            }
        }
        Some(key)
    }

    fn value(&mut self) -> Option<Node> {
        let (text, comments) = (self.text, self.comments);
        let open = self.next()?;
        let (kind, begin) = (open.kind(), open.span().start());
        let is_table = match kind {
            EventKind::Scalar => return Some(Node::leaf(range(open))),
            EventKind::ArrayOpen => false,
            EventKind::InlineTableOpen => true,
            _ => return None,
        };
        let mut entries = Vec::new();
        let span = loop {
            match self.peek()? {
                EventKind::ValueSep => self.at += 1,
                EventKind::ArrayClose | EventKind::InlineTableClose => break begin..self.next()?.span().end(),
                _ => {
                    let from = self.events.get(self.at)?.span().start();
                    let key = if is_table { self.key()? } else { Vec::new() };
                    let value = self.value()?;
                    entries.push((key, from..value.span.end, value));
                }
            }
        };
        let entries = in_brackets(text, comments, &span, entries)?;
        Some(Node { span, kind: if is_table { Kind::Map(entries) } else { Kind::List(entries) } })
    }
}
