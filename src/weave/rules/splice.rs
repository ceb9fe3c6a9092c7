//! The text of a merge by key: ours, with what theirs changed put in where they had it, as they wrote it.

use super::{
    data::appended,
    layout::{Entries, Entry, Kind, Node, Parting},
    versions,
};
use std::collections::BTreeMap;

/// A value in the text that it stands in.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) text: &'a str,
    pub(super) node: &'a Node,
}

impl<'a> Part<'a> {
    fn own_text(self) -> &'a str {
        &self.text[self.node.span.clone()]
    }

    fn lead(self, entry: &Entry) -> &'a str {
        &self.text[entry.start..entry.body.start]
    }

    fn body(self, entry: &Entry) -> &'a str {
        &self.text[entry.body.clone()]
    }

    fn before_value(self, entry: &Entry) -> &'a str {
        &self.text[entry.body.start..entry.value.span.start]
    }

    fn after_value(self, entry: &Entry) -> &'a str {
        &self.text[entry.value.span.end..entry.body.end]
    }

    fn behind(self, entry: &Entry) -> &'a str {
        // Between body and `end` stands the comma, which the merge writes itself.
        self.text[entry.body.end..entry.end].trim_start_matches(',')
    }

    fn map(self) -> Option<&'a Entries> {
        match &self.node.kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    fn list(self) -> Option<&'a Entries> {
        match &self.node.kind {
            Kind::List(entries) => Some(entries),
            _ => None,
        }
    }

    fn with(self, entry: &'a Entry) -> Part<'a> {
        Part { text: self.text, node: &entry.value }
    }

    fn written(self, entry: &Entry, ours: bool) -> Written {
        Written {
            key: entry.key.clone(),
            lead: self.lead(entry).into(),
            body: self.body(entry).into(),
            behind: self.behind(entry).into(),
            ours,
        }
    }

    fn same(self, entry: &Entry, other: Part, of_other: &Entry) -> bool {
        self.lead(entry) == other.lead(of_other) && self.body(entry) == other.body(of_other) && self.behind(entry) == other.behind(of_other)
    }
}

/// An entry of the merge.
struct Written {
    key: Vec<String>,
    lead: String,
    body: String,
    behind: String,
    /// Only we have it.
    ours: bool,
}

/// Ours where it was changed, theirs where only they changed it.
fn pick<'a>(base: Option<&str>, ours: &'a str, theirs: &'a str) -> &'a str {
    if base == Some(ours) { theirs } else { ours }
}

/// The text of the merge of a value, if the way it is laid out allows for it.
pub(super) fn splice(base: Option<Part>, ours: Part, theirs: Part) -> Option<String> {
    let (base_text, our_text, their_text) = (base.map(Part::own_text), ours.own_text(), theirs.own_text());
    if our_text == their_text || base_text == Some(their_text) {
        return Some(our_text.into());
    }
    if base_text == Some(our_text) {
        return Some(their_text.into());
    }
    match (&ours.node.kind, &theirs.node.kind) {
        (Kind::Map(our_map), Kind::Map(their_map)) => {
            let entries = maps(base, (ours, our_map), (theirs, their_map))?;
            Some(write(entries, (ours, our_map), (theirs, their_map)))
        }
        (Kind::List(our_list), Kind::List(their_list)) => {
            let base = base?;
            let base_list = base.list()?;
            let item =
                |part: Part, entries: &Entries| entries.list.iter().map(|entry| part.body(entry).trim().to_owned()).collect::<Vec<_>>();
            let (base_items, our_items, their_items) = (item(base, base_list), item(ours, our_list), item(theirs, their_list));
            let new = appended(&base_items, &our_items, &their_items)?;
            let mut entries: Vec<Written> = our_list.list.iter().map(|entry| ours.written(entry, false)).collect();
            let of_them = their_list.list.iter().zip(&their_items).filter(|(_, item)| new.contains(item));
            entries.extend(of_them.map(|(entry, _)| theirs.written(entry, false)));
            Some(write(entries, (ours, our_list), (theirs, their_list)))
        }
        (Kind::Leaf, Kind::Leaf) => {
            let unquoted = |text: &str| text.trim_matches(['"', '\'']).to_owned();
            let (our_version, their_version) = (unquoted(our_text), unquoted(their_text));
            let wins = versions::higher(base_text.map(unquoted).as_deref(), &our_version, &their_version)?;
            Some(if wins == our_version { our_text } else { their_text }.into())
        }
        _ => None,
    }
}

fn maps(base: Option<Part>, (ours, our_map): (Part, &Entries), (theirs, their_map): (Part, &Entries)) -> Option<Vec<Written>> {
    let by_key = |entries: Option<&'_ Entries>| -> BTreeMap<Vec<String>, usize> {
        entries.into_iter().flat_map(|entries| entries.list.iter().enumerate().map(|(at, entry)| (entry.key.clone(), at))).collect()
    };
    let base_map = base.and_then(Part::map);
    let (in_base, in_ours, in_theirs) = (by_key(base_map), by_key(Some(our_map)), by_key(Some(their_map)));
    let of_base = |key: &Vec<String>| Some((base?, base_map?.list.get(*in_base.get(key)?)?));
    // Where a side moved keys, their order may say something, and there is no telling what.
    let in_order = |entries: &Entries, others: &BTreeMap<Vec<String>, usize>| {
        entries.list.iter().filter_map(|entry| others.get(&entry.key)).is_sorted()
    };
    if !in_order(their_map, &in_ours) || base_map.is_some_and(|base| !in_order(base, &in_ours) || !in_order(base, &in_theirs)) {
        return None;
    }
    let mut merged: Vec<Written> = Vec::with_capacity(our_map.list.len());
    for entry in &our_map.list {
        let base = of_base(&entry.key);
        match (in_theirs.get(&entry.key).map(|at| &their_map.list[*at]), base) {
            (Some(their_entry), base) => merged.push(entries(base, (ours, entry), (theirs, their_entry))?),
            (None, None) => merged.push(ours.written(entry, true)),
            (None, Some((base, base_entry))) => {
                if ours.with(entry).own_text() != base.with(base_entry).own_text() {
                    return None;
                }
            }
        }
    }
    let is_sorted = |entries: &Entries| entries.list.is_sorted_by(|one, other| one.key <= other.key);
    let sorted = is_sorted(our_map) && is_sorted(their_map);
    let mut after = 0;
    for entry in &their_map.list {
        if let Some(at) = in_ours.get(&entry.key).and_then(|_| merged[after..].iter().position(|written| written.key == entry.key)) {
            after += at + 1;
            continue;
        }
        if let Some((base, base_entry)) = of_base(&entry.key) {
            if theirs.with(entry).own_text() != base.with(base_entry).own_text() {
                return None;
            }
            continue;
        }
        // Ours stand before theirs where both added something, except in a sorted map.
        while merged.get(after).is_some_and(|next| next.ours && (!sorted || next.key < entry.key)) {
            after += 1;
        }
        merged.insert(after, theirs.written(entry, false));
        after += 1;
    }
    Some(merged)
}

/// One entry that both sides have.
fn entries(base: Option<(Part, &Entry)>, (ours, our_entry): (Part, &Entry), (theirs, their_entry): (Part, &Entry)) -> Option<Written> {
    let same_as_base = |part: Part, entry: &Entry| base.is_some_and(|(base, base_entry)| part.same(entry, base, base_entry));
    if ours.same(our_entry, theirs, their_entry) || same_as_base(theirs, their_entry) {
        return Some(ours.written(our_entry, false));
    }
    if same_as_base(ours, our_entry) {
        return Some(theirs.written(their_entry, false));
    }
    let part = |read: &dyn Fn(Part, &Entry) -> String| {
        let base = base.map(|(base, entry)| read(base, entry));
        pick(base.as_deref(), &read(ours, our_entry), &read(theirs, their_entry)).to_owned()
    };
    let value = splice(base.map(|(base, entry)| base.with(entry)), ours.with(our_entry), theirs.with(their_entry))?;
    let body = [part(&|of, entry| of.before_value(entry).into()), value, part(&|of, entry| of.after_value(entry).into())].concat();
    Some(Written {
        key: our_entry.key.clone(),
        lead: part(&|of, entry| of.lead(entry).into()),
        body,
        behind: part(&|of, entry| of.behind(entry).into()),
        ours: false,
    })
}

fn write(entries: Vec<Written>, (ours, our_entries): (Part, &Entries), (theirs, their_entries): (Part, &Entries)) -> String {
    // Where we have no entry, there is no telling how we would set brackets around one.
    let (frame, framed) = if our_entries.list.is_empty() { (theirs, their_entries) } else { (ours, our_entries) };
    let span = &frame.node.span;
    let head = framed.list.first().map_or(span.start, |first| first.start);
    let tail = framed.list.last().map_or(span.end, |last| last.end);
    let mut out = frame.text[span.start..head].to_owned();
    let last = entries.len().saturating_sub(1);
    for (at, entry) in entries.iter().enumerate() {
        out.push_str(&entry.lead);
        out.push_str(&entry.body);
        match framed.parting {
            Parting::Lines => {}
            Parting::Commas { trailing } if at < last || trailing => out.push(','),
            Parting::Commas { .. } => {}
        }
        out.push_str(&entry.behind);
    }
    out.push_str(&frame.text[tail..span.end]);
    out
}
