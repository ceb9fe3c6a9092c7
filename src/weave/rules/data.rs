//! What a document says, whatever it looks like, and the three-way merge of it by key.

use super::versions;
use std::collections::BTreeMap;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Data {
    /// Values by key.
    Map(BTreeMap<String, Data>),
    /// Values in order.
    List(Vec<Data>),
    /// A string.
    Text(String),
    /// A number, date, boolean or null, as it is written.
    Word(String),
}

impl Data {
    /// The value at a path of keys.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Data> {
        path.iter().try_fold(self, |data, key| match data {
            Data::Map(map) => map.get(*key),
            _ => None,
        })
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let map = match self {
            Data::Map(map) => Some(map),
            _ => None,
        };
        map.into_iter().flat_map(|map| map.keys().map(String::as_str))
    }

    /// What it says, of one that is written as a word or a string.
    fn text(&self) -> Option<&str> {
        match self {
            Data::Text(text) | Data::Word(text) => Some(text),
            _ => None,
        }
    }
}

/// A merge on its way down, and what it did.
pub(super) struct Merge {
    /// Whether the value at a path is the version of a dependency.
    pub(super) is_version: fn(&[&str]) -> bool,
    /// Maps that hold keys of both sides, as paths.
    pub(super) united: Vec<Vec<String>>,
    /// Lists to which both sides appended, as paths.
    pub(super) appended: Vec<Vec<String>>,
    /// Versions that were chosen: the path, what won, what lost.
    pub(super) chosen: Vec<(Vec<String>, String, String)>,
    path: Vec<String>,
}

impl Merge {
    pub(super) fn new(is_version: fn(&[&str]) -> bool) -> Self {
        Merge { is_version, united: Vec::new(), appended: Vec::new(), chosen: Vec::new(), path: Vec::new() }
    }

    /// The merge, or none where both sides want something else. A value that is not there is none of its own.
    pub(super) fn merge(&mut self, base: Option<&Data>, ours: Option<&Data>, theirs: Option<&Data>) -> Option<Option<Data>> {
        if ours == theirs || base == theirs {
            return Some(ours.cloned());
        }
        if base == ours {
            return Some(theirs.cloned());
        }
        match (ours?, theirs?) {
            (Data::Map(ours), Data::Map(theirs)) => {
                let none = BTreeMap::new();
                let base = match base {
                    Some(Data::Map(base)) => base,
                    None => &none,
                    Some(_) => return None,
                };
                self.maps(base, ours, theirs).map(Data::Map).map(Some)
            }
            (Data::List(ours), Data::List(theirs)) => {
                let Some(Data::List(base)) = base else { return None };
                let new = appended(base, ours, theirs)?;
                self.appended.push(self.path.clone());
                Some(Some(Data::List(ours.iter().chain(new).cloned().collect())))
            }
            (ours, theirs) => {
                let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
                let base = match base {
                    Some(base) => Some(base.text()?),
                    None => None,
                };
                let (our_text, their_text) = (ours.text()?, theirs.text()?);
                let wins = versions::higher(base, our_text, their_text).filter(|_| (self.is_version)(&path))?;
                let (winner, loser) = if wins == our_text { (ours, their_text) } else { (theirs, our_text) };
                self.chosen.push((self.path.clone(), wins.into(), loser.into()));
                Some(Some(winner.clone()))
            }
        }
    }

    fn maps(
        &mut self,
        base: &BTreeMap<String, Data>,
        ours: &BTreeMap<String, Data>,
        theirs: &BTreeMap<String, Data>,
    ) -> Option<BTreeMap<String, Data>> {
        let mut merged = BTreeMap::new();
        let (mut from_us, mut from_them) = (false, false);
        for key in base.keys().chain(ours.keys()).chain(theirs.keys()) {
            if merged.contains_key(key) {
                continue;
            }
            let (base, ours, theirs) = (base.get(key), ours.get(key), theirs.get(key));
            from_us |= base != ours && base == theirs;
            from_them |= base != theirs && base == ours;
            self.path.push(key.clone());
            let value = self.merge(base, ours, theirs)?;
            self.path.pop();
            if let Some(value) = value {
                merged.insert(key.clone(), value);
            }
        }
        if from_us && from_them {
            self.united.push(self.path.clone());
        }
        Some(merged)
    }
}

/// Where both sides only appended items, none of which was there before: those of theirs that go behind ours.
pub(super) fn appended<'a, T: PartialEq>(base: &[T], ours: &[T], theirs: &'a [T]) -> Option<Vec<&'a T>> {
    for side in [ours, theirs] {
        let new = side.strip_prefix(base)?;
        if new.iter().enumerate().any(|(at, one)| base.contains(one) || new[..at].contains(one)) {
            return None;
        }
    }
    let (ours, theirs) = (&ours[base.len()..], &theirs[base.len()..]);
    Some(theirs.iter().filter(|item| !ours.contains(item)).collect())
}
