//! Import statements of both sides, at one place.

use super::{
    Texts,
    hunks::{Merge, Piece},
    keep,
    statement::{Language, Statement},
};
use std::collections::{BTreeMap, BTreeSet};

/// A statement that goes on further than this is not looked at.
const MOST_LINES: usize = 60;

pub(super) fn resolve(texts: &Texts) -> Option<(String, String)> {
    let language = Language::of(texts.path)?;
    let merge = Merge::new(texts.base(), &texts.ours, &texts.theirs)?;
    let mut pieces = merge.pieces()?;
    // Where this merge sees no conflict but git did, they read the changes in different ways: not for a rule to decide.
    if !pieces.iter().any(|piece| matches!(piece, Piece::Conflict { .. })) {
        return None;
    }
    let mut out = String::new();
    let mut count = (0, 0);
    for at in 0..pieces.len() {
        match pieces[at].clone() {
            Piece::Common(text) => out.push_str(text),
            Piece::Conflict { base, ours, theirs } => {
                let next = match pieces.get(at + 1) {
                    Some(Piece::Common(text)) => *text,
                    _ => "",
                };
                let (before, behind) = around(language, [base, ours, theirs], &out, next)?;
                let [base, ours, theirs] = [base, ours, theirs].map(|part| [&out[before..], part, &next[..behind]].concat());
                if language == Language::Go && !is_in_import_block(&out[..before]) {
                    return None;
                }
                out.truncate(before);
                let (united, added) = unite(language, &base, &ours, &theirs)?;
                count = (count.0 + added.0, count.1 + added.1);
                out.push_str(&united);
                if let Some(Piece::Common(text)) = pieces.get_mut(at + 1) {
                    *text = &text[behind..];
                }
            }
        }
    }
    Some((out, format!("the imports of both sides: {} of ours, {} of theirs", count.0, count.1)))
}

/// Where a conflict begins in what comes before and ends in what comes behind, taken together with the statements around it
/// up to a blank line: there it shows how they are sorted, and whole statements can be told from parts of one.
fn around(language: Language, parts: [&str; 3], before: &str, behind: &str) -> Option<(usize, usize)> {
    let is_whole = |begin: usize, end: usize| {
        parts.iter().all(|part| language.statements(&[&before[begin..], part, &behind[..end]].concat()).is_some())
    };
    let ends = |lines: &mut dyn Iterator<Item = &str>| {
        let lines = lines.take(MOST_LINES).take_while(|line| !line.trim().is_empty());
        let ends = lines.scan(0, |at, line| Some(*at + line.len()).inspect(|end| *at = *end));
        std::iter::once(0).chain(ends).collect::<Vec<usize>>()
    };
    let begins: Vec<usize> = ends(&mut before.split_inclusive('\n').rev()).into_iter().map(|length| before.len() - length).collect();
    let ends = ends(&mut behind.split_inclusive('\n'));
    let starts = |begin: &&usize| **begin == before.len() || language.begins(&before[**begin..]);
    let (begin, end) = begins.iter().filter(starts).find_map(|begin| Some((*begin, *ends.iter().find(|end| is_whole(*begin, **end))?)))?;
    let begin = begins.iter().rev().copied().find(|at| *at <= begin && is_whole(*at, end)).unwrap_or(begin);
    Some((begin, ends.iter().rev().copied().find(|at| *at >= end && is_whole(begin, *at)).unwrap_or(end)))
}

/// Whether what comes next stands in an open `import (` of Go, or beside a plain import.
fn is_in_import_block(before: &str) -> bool {
    let is_spec = |line: &&str| line.is_empty() || line.starts_with("//") || Language::Go.statements(line).is_some();
    let head = before.lines().rev().map(str::trim).find(|line| !is_spec(line) || line.starts_with("import "));
    head.is_some_and(|line| line.starts_with("import") || line.starts_with("package "))
}

/// Statements that no blank line parts.
type Group = Vec<Statement>;

fn groups(lines: Vec<Option<Statement>>) -> Vec<Group> {
    lines.split(Option::is_none).map(|group| group.iter().flatten().cloned().collect::<Group>()).filter(|group| !group.is_empty()).collect()
}

/// The statements of both sides, and how many either changed or added.
fn unite(language: Language, base: &str, ours: &str, theirs: &str) -> Option<(String, (usize, usize))> {
    let read = |text: &str| Some(groups(language.statements(text)?));
    let [base_groups, mut our_groups, mut their_groups] = [read(base)?, read(ours)?, read(theirs)?];
    let merged = merge_names(&base_groups, &mut our_groups, &mut their_groups);
    let says = |groups: &[Group]| groups.iter().flatten().map(|statement| statement.what.clone()).collect::<BTreeSet<_>>();
    let (in_base, in_ours, in_theirs) = (says(&base_groups), says(&our_groups), says(&their_groups));
    let (we_added, they_added) = (&in_ours - &in_base, &in_theirs - &in_base);
    let both_removed = in_base.iter().any(|what| !in_ours.contains(what) && !in_theirs.contains(what) && !merged.contains(what));
    // Where both took the same one away for something else, each may have meant to replace it.
    if both_removed && we_added != they_added {
        return None;
    }
    let gone = |what: &String| in_base.contains(what) && !(in_ours.contains(what) && in_theirs.contains(what));
    let mut united: Vec<Group> = our_groups.clone();
    united.iter_mut().for_each(|group| group.retain(|statement| !gone(&statement.what)));
    for group in &their_groups {
        for (at, statement) in group.iter().enumerate() {
            if in_ours.contains(&statement.what) || gone(&statement.what) {
                continue;
            }
            let near = group[..at].iter().rev().chain(&group[at + 1..]);
            let place = |near: &Statement| united.iter().position(|group| group.iter().any(|one| one.what == near.what));
            let only = united.iter().filter(|group| !group.is_empty()).count() <= 1 && !united.is_empty();
            match near.into_iter().find_map(place).or(only.then_some(0)) {
                Some(place) => {
                    let order = order(&[&whats(&united[place]), &whats(group)]);
                    let only_ours = |one: &Statement| in_ours.contains(&one.what) && !in_base.contains(&one.what);
                    let at = place_in(&united[place], statement, &group[..at], order, only_ours);
                    united[place].insert(at, statement.clone());
                }
                None => united.push(vec![statement.clone()]),
            }
        }
    }
    let result = set(&united, ours, theirs);
    is_sound(language, base, ours, theirs, &result).then_some((result, (we_added.len(), they_added.len())))
}

/// The groups with a blank line between them, and around them as many as the sides have there.
fn set(groups: &[Group], ours: &str, theirs: &str) -> String {
    let newline = if ours.contains("\r\n") { "\r\n" } else { "\n" };
    let before = |text: &str| text.lines().take_while(|line| line.trim().is_empty()).count();
    let behind = |text: &str| text.lines().rev().take_while(|line| line.trim().is_empty()).count();
    let groups = groups.iter().filter(|group| !group.is_empty());
    let body: Vec<String> = groups.map(|group| group.iter().map(|statement| statement.text.as_str()).collect()).collect();
    let before = newline.repeat(before(ours).max(before(theirs)));
    if body.is_empty() {
        return before;
    }
    [before, body.join(newline), newline.repeat(behind(ours).max(behind(theirs)))].concat()
}

/// Whether nothing is dropped, not even a name, and no name is brought in twice.
fn is_sound(language: Language, base: &str, ours: &str, theirs: &str, result: &str) -> bool {
    let read = |text: &str| language.statements(text).unwrap_or_default().into_iter().flatten().collect::<Vec<_>>();
    let [base, ours, theirs, result] = [base, ours, theirs, result].map(read);
    let binds = |statements: &[Statement]| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        statements.iter().flat_map(|statement| &statement.binds).for_each(|name| *counts.entry(name.clone()).or_default() += 1);
        counts
    };
    let (our_binds, their_binds) = (binds(&ours), binds(&theirs));
    let most = |name: &String| our_binds.get(name).max(their_binds.get(name)).copied().unwrap_or_default();
    let units = |statements: &[Statement]| {
        let units = statements.iter().flat_map(|statement| match &statement.names {
            Some(names) => names.list.iter().map(|name| (names.of.clone(), name.clone())).collect(),
            None => vec![(statement.what.clone(), String::new())],
        });
        units.collect::<Vec<_>>()
    };
    keep::holds(units(&base), units(&ours), units(&theirs), units(&result))
        && binds(&result).iter().all(|(name, count)| *count <= most(name))
}

/// Where both sides added names to one list, give both the list with the names of both. Returns what the base says there.
fn merge_names(base: &[Group], ours: &mut [Group], theirs: &mut [Group]) -> BTreeSet<String> {
    fn find<'a>(groups: &'a [Group], of: &str) -> Option<&'a Statement> {
        let mut found = groups.iter().flatten().filter(|statement| statement.names.as_ref().is_some_and(|names| names.of == of));
        found.next().filter(|_| found.next().is_none())
    }
    let mut merged = BTreeSet::new();
    let our_lists: Vec<Statement> = ours.iter().flatten().filter(|statement| statement.names.is_some()).cloned().collect();
    for statement in our_lists {
        let Some(our_names) = &statement.names else { continue };
        let their_list = find(theirs, &our_names.of).filter(|_| find(ours, &our_names.of).is_some()).cloned();
        let Some(their_list) = their_list.filter(|their_list| their_list.what != statement.what) else { continue };
        let Some(their_names) = &their_list.names else { continue };
        let of_base = find(base, &our_names.of);
        let in_base = of_base.and_then(|statement| statement.names.as_ref()).map(|names| names.list.as_slice()).unwrap_or_default();
        let only_added = |names: &[String]| in_base.iter().all(|name| names.contains(name)) && names.len() > in_base.len();
        if !only_added(&our_names.list) || !only_added(&their_names.list) {
            continue;
        }
        let mut list = our_names.list.clone();
        list.extend(their_names.list.iter().filter(|name| !our_names.list.contains(name)).cloned());
        if let Some(key) = order(&[&our_names.list, &their_names.list]) {
            list.sort_by_key(|name| key(name));
        }
        let text = rewrite(&statement, our_names.begin, our_names.end, &list);
        let what = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let replace = |groups: &mut [Group], old: &str| {
            for one in groups.iter_mut().flatten().filter(|one| one.what == old) {
                (one.text, one.what) = (text.clone(), what.clone());
            }
        };
        replace(ours, &statement.what);
        replace(theirs, &their_list.what);
        merged.extend(of_base.map(|statement| statement.what.clone()));
    }
    merged
}

/// The statement with another list of names, set as the list was.
fn rewrite(statement: &Statement, begin: usize, end: usize, list: &[String]) -> String {
    let inside = &statement.text[begin..end];
    let list = if inside.contains('\n') {
        let lines: Vec<&str> = inside.lines().filter(|line| !line.trim().is_empty()).collect();
        let indent = lines.first().map_or("", |line| &line[..line.len() - line.trim_start().len()]);
        let newline = if inside.contains("\r\n") { "\r\n" } else { "\n" };
        let longest = lines.iter().map(|line| line.trim_end().len()).max().unwrap_or_default();
        let one_each = lines.iter().all(|line| line.trim().trim_end_matches(',').split(',').count() == 1);
        let mut out = newline.to_owned();
        let mut line = String::new();
        for (at, name) in list.iter().enumerate() {
            let comma = if at + 1 < list.len() || inside.trim_end().ends_with(',') { "," } else { "" };
            if !line.is_empty() && (one_each || indent.len() + line.len() + 1 + name.len() + comma.len() > longest) {
                out.extend([indent, &line, newline]);
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.extend([name, comma]);
        }
        out.extend([indent, &line, newline, &inside[inside.rfind('\n').map_or(0, |at| at + 1)..]]);
        out
    } else {
        let pad = |blank: bool| if blank { " " } else { "" };
        let comma = if inside.trim_end().ends_with(',') { "," } else { "" };
        [pad(inside.starts_with(' ')), &list.join(", "), comma, pad(inside.ends_with(' '))].concat()
    };
    [&statement.text[..begin], &list, &statement.text[end..]].concat()
}

fn whats(group: &Group) -> Vec<String> {
    group.iter().map(|statement| statement.what.clone()).collect()
}

/// Where a statement goes in a group: by the order, else behind what it stands behind in theirs, ours before theirs.
fn place_in(
    group: &Group,
    statement: &Statement,
    before: &[Statement],
    order: Option<fn(&str) -> String>,
    only_ours: impl Fn(&Statement) -> bool,
) -> usize {
    if let Some(key) = order {
        return group.iter().position(|one| key(&one.what) > key(&statement.what)).unwrap_or(group.len());
    }
    let behind = before.iter().rev().find_map(|near| group.iter().position(|one| one.what == near.what));
    let from = behind.map_or(0, |at| at + 1);
    from + group[from..].iter().take_while(|one| only_ours(one)).count()
}

/// The order that all of these are in: by their bytes, by their letters, as rustfmt has it, or by the module.
fn order(lists: &[&[String]]) -> Option<fn(&str) -> String> {
    fn letters(text: &str) -> String {
        text.to_lowercase()
    }
    fn rustfmt(text: &str) -> String {
        let upper = !text.chars().any(char::is_lowercase);
        let rank = if text == "self" { 0 } else { 1 + usize::from(text.starts_with(char::is_uppercase)) + usize::from(upper) };
        format!("{rank}{text}")
    }
    fn module(text: &str) -> String {
        let quoted = || text.find('"').map_or(text, |quote| &text[quote..]);
        text.rsplit_once("from ").map_or_else(quoted, |(_, module)| module).to_lowercase()
    }
    fn path(text: &str) -> String {
        text.trim_end_matches(';').trim_start_matches("pub ").replace('{', "").to_owned()
    }
    let orders: [fn(&str) -> String; 5] = [str::to_owned, path, letters, rustfmt, module];
    orders.into_iter().find(|key| lists.iter().all(|list| list.is_sorted_by_key(|one| key(one))))
}
