//! Lists of lines in which both additions are always right.

use super::{Texts, hunks, keep};
use std::collections::{BTreeMap, BTreeSet};

/// What a list holds, which says what in it can clash.
#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    /// Patterns of files to leave out.
    Ignored,
    /// People, with their addresses.
    People,
    /// Packages for Python, with their versions.
    Requirements,
    /// Words.
    Words,
}

fn list(name: &str) -> Option<List> {
    match name {
        "authors" | "authors.md" | "authors.txt" | "authors.rst" => Some(List::People),
        "contributors" | "contributors.md" | "contributors.txt" | "contributors.rst" | ".mailmap" => Some(List::People),
        "linguas" => Some(List::Words),
        _ if name.starts_with("requirements") && name.ends_with(".txt") => Some(List::Requirements),
        ".gitignore" | ".dockerignore" | ".npmignore" | ".eslintignore" | ".prettierignore" | ".ignore" | ".rgignore" => {
            Some(List::Ignored)
        }
        ".helmignore" | ".vscodeignore" | ".gcloudignore" | ".hgignore" => Some(List::Ignored),
        _ => None,
    }
}

pub(super) fn resolve(texts: &Texts) -> Option<(String, String)> {
    let list = list(&texts.name())?;
    if disagree(list, texts) {
        return None;
    }
    let mut count = (0, 0);
    let content = hunks::Merge::new(texts.base(), &texts.ours, &texts.theirs)?.settle(|base, ours, theirs| {
        let (united, added) = unite(list, base, ours, theirs)?;
        count = (count.0 + added.0, count.1 + added.1);
        Some(united)
    })?;
    let lines = keep::lines;
    keep::holds(lines(texts.base()), lines(&texts.ours), lines(&texts.theirs), lines(&content))
        .then(|| (content, format!("the lines of both sides: {} of ours, {} of theirs", count.0, count.1)))
}

/// Whether both sides added lines about the same, and not the same lines.
fn disagree(list: List, texts: &Texts) -> bool {
    let base: BTreeSet<&str> = keep::lines(texts.base()).collect();
    let added = |text: &str| {
        let lines = keep::lines(text).filter(|line| !base.contains(line));
        lines.filter_map(|line| Some((subject(list, line)?, line.to_owned()))).collect::<BTreeMap<String, String>>()
    };
    let theirs = added(&texts.theirs);
    added(&texts.ours).iter().any(|(subject, line)| theirs.get(subject).is_some_and(|other| other != line))
}

/// Our lines and what theirs have besides, without what one side removed; and how many lines either added.
fn unite(list: List, base: &str, ours: &str, theirs: &str) -> Option<(String, (usize, usize))> {
    let set = |text: &'_ str| keep::lines(text).map(str::to_owned).collect::<BTreeSet<String>>();
    let (in_base, in_ours, in_theirs) = (set(base), set(ours), set(theirs));
    let (we_added, they_added): (BTreeSet<_>, BTreeSet<_>) = (&in_ours - &in_base, &in_theirs - &in_base);
    let both_removed = !in_base.is_subset(&(&in_ours | &in_theirs));
    // Where both took the same line away for something else, each may have meant to replace it.
    if both_removed && we_added != they_added {
        return None;
    }
    let all = in_base.iter().chain(&in_ours).chain(&in_theirs);
    if all.into_iter().any(|line| !stands_alone(list, line)) {
        return None;
    }
    let gone = |line: &str| in_base.contains(line) && !(in_ours.contains(line) && in_theirs.contains(line));
    let mut out = String::new();
    let mut written = BTreeSet::new();
    for line in ours.split_inclusive('\n') {
        let said = line.trim_end();
        if said.is_empty() || (!gone(said) && written.insert(said)) {
            out.push_str(line);
        }
    }
    let mut blank = None;
    for line in theirs.split_inclusive('\n') {
        let said = line.trim_end();
        if said.is_empty() {
            blank = Some(line);
        } else if !gone(said) && written.insert(said) {
            // A blank line before their first line parts it from ours, if it does not so already.
            let parted = out.is_empty() || out.ends_with("\n\n") || out.ends_with("\n\r\n");
            out.push_str(blank.take().filter(|_| !parted).unwrap_or_default());
            out.push_str(line);
        } else {
            blank = None;
        }
    }
    Some((out, (we_added.len(), they_added.len())))
}

/// Whether a line says the same wherever it stands.
fn stands_alone(list: List, line: &str) -> bool {
    let continues = line.starts_with(char::is_whitespace) || line.ends_with('\\');
    // An ignore file's exception counts only against what stands before it.
    !continues && !(list == List::Ignored && (line.starts_with('!') || line.starts_with("syntax:")))
}

/// What a line is about: two different lines about the same clash.
fn subject(list: List, line: &str) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    match list {
        List::People => Some(line.rsplit_once('<')?.1.split('>').next()?.to_lowercase()),
        List::Requirements => {
            let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(line.len());
            Some(line[..end].to_lowercase().replace(['_', '.'], "-")).filter(|name| !name.is_empty() && !name.starts_with('-'))
        }
        List::Ignored | List::Words => None,
    }
}
