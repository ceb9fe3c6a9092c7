//! Changelogs: both sides added entries at one place.

use super::{Texts, hunks, keep};

pub(super) fn resolve(texts: &Texts) -> Option<(String, String)> {
    if !is_changelog(&texts.name()) {
        return None;
    }
    let mut count = (0, 0);
    let content = hunks::Merge::new(texts.base(), &texts.ours, &texts.theirs)?.settle(|base, ours, theirs| {
        let (united, added) = unite(base, ours, theirs)?;
        count = (count.0 + added.0, count.1 + added.1);
        Some(united)
    })?;
    let lines = keep::lines;
    keep::holds(lines(texts.base()), lines(&texts.ours), lines(&texts.theirs), lines(&content))
        .then(|| (content, format!("the entries of both sides: {} of ours, {} of theirs", count.0, count.1)))
}

fn is_changelog(name: &str) -> bool {
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    matches!(ending, "" | "md" | "markdown" | "rst" | "txt" | "adoc")
        && ["changelog", "changes", "news", "history", "releases"]
            .iter()
            .any(|word| stem.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_', '.'])))
}

/// A heading with those above it, and the blocks under it.
struct Section<'a> {
    path: Vec<(usize, &'a str)>,
    heading: &'a str,
    blocks: Vec<&'a str>,
}

/// What both sides inserted, ours before theirs, under headings that both inserted once; and how many entries either has.
fn unite(base: &str, ours: &str, theirs: &str) -> Option<(String, (usize, usize))> {
    let mut sides = [ours, theirs];
    // What was there before must stand untouched before or behind what was inserted.
    let (mut before, mut behind) = ("", "");
    if !base.is_empty() {
        if sides.iter().all(|side| side.starts_with(base)) {
            before = base;
            sides = sides.map(|side| &side[base.len()..]);
        } else if sides.iter().all(|side| side.ends_with(base)) {
            behind = base;
            sides = sides.map(|side| &side[..side.len() - base.len()]);
        } else {
            return None;
        }
    }
    let [ours, theirs] = sides.map(blocks);
    let (ours, theirs) = (ours?, theirs?);
    let same_before = ours.iter().zip(&theirs).take_while(|(one, other)| one == other).count();
    // What is the same at the end is of one section only where neither began another; blank lines are of none.
    let one_section = ![&ours, &theirs].iter().any(|blocks| blocks[same_before..].iter().any(|block| level(block).is_some()));
    let room = ours.len().min(theirs.len()) - same_before;
    let same = |(one, other): &(&&str, &&str)| one == other && (one_section || one.trim().is_empty());
    let same_behind = ours.iter().rev().zip(theirs.iter().rev()).take(room).take_while(same).count();
    let (first, last) = (&ours[..same_before], &ours[ours.len() - same_behind..]);
    let ours = &ours[same_before..ours.len() - same_behind];
    let theirs = &theirs[same_before..theirs.len() - same_behind];
    // Of two releases, which came first is not for a rule to say.
    let releases = |blocks: &[&str]| blocks.iter().filter(|block| is_release(block)).map(|block| block.to_string()).collect::<Vec<_>>();
    let (our_releases, their_releases) = (releases(ours), releases(theirs));
    if !our_releases.is_empty() && !their_releases.is_empty() && our_releases != their_releases {
        return None;
    }
    // An entry of one side must not become part of an entry of the other.
    let depth = |blocks: &[&str]| blocks.iter().find(|block| !block.trim().is_empty()).map(|block| indent(block));
    if depth(ours).zip(depth(theirs)).is_some_and(|(us, them)| us != them) {
        return None;
    }
    let count = |blocks: &[&str]| blocks.iter().filter(|block| !block.trim().is_empty() && level(block).is_none()).count();
    let (our_count, their_count) = (count(ours), count(theirs));
    let mut sections = sections(ours)?;
    for section in self::sections(theirs)? {
        match sections.iter_mut().find(|own| own.path == section.path) {
            Some(own) => join(&mut own.blocks, section.blocks),
            None => {
                let parent = &section.path[..section.path.len() - 1];
                let at = sections.iter().rposition(|own| own.path.starts_with(parent)).map_or(sections.len(), |at| at + 1);
                sections.insert(at, section);
            }
        }
    }
    let mut out = before.to_owned();
    first.iter().for_each(|block| out.push_str(block));
    for section in &sections {
        if !section.heading.is_empty() && !out.trim().is_empty() && !out.ends_with("\n\n") && !out.ends_with("\n\r\n") {
            out.push_str(if section.heading.ends_with("\r\n") { "\r\n" } else { "\n" });
        }
        out.push_str(section.heading);
        section.blocks.iter().for_each(|block| out.push_str(block));
    }
    last.iter().for_each(|block| out.push_str(block));
    out.push_str(behind);
    Some((out, (our_count, their_count)))
}

/// Their blocks behind ours, before the blank lines at the end if ours are parted by none.
fn join<'a>(ours: &mut Vec<&'a str>, theirs: Vec<&'a str>) {
    let is_blank = |block: &&str| block.trim().is_empty();
    let end = ours.iter().rposition(|block| !is_blank(block)).map_or(0, |at| at + 1);
    let parted = ours[..end].iter().skip(1).any(is_blank);
    let own_blanks = ours.split_off(end);
    let begin = theirs.iter().position(|block| !is_blank(block)).unwrap_or(theirs.len());
    let (their_lead, their_blocks) = theirs.split_at(begin);
    let longer = |one: Vec<&'a str>, other: &[&'a str]| if one.len() > other.len() { one } else { other.to_vec() };
    if their_blocks.is_empty() {
        ours.extend(longer(own_blanks, their_lead));
        return;
    }
    let entries = their_blocks.iter().rposition(|block| !is_blank(block)).map_or(0, |at| at + 1);
    let (their_entries, their_blanks) = their_blocks.split_at(entries);
    let is_list = |block: Option<&&str>| block.is_some_and(|block| is_item(block));
    // One run of blank lines between ours and theirs, none inside a list that has none, and the longer one behind both.
    if end == 0 || parted || !(is_list(ours.last()) && is_list(their_entries.first())) {
        ours.extend(if end > 0 && their_lead.is_empty() { &own_blanks } else { their_lead });
    }
    ours.extend(their_entries);
    ours.extend(longer(own_blanks, their_blanks));
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

fn is_item(line: &str) -> bool {
    let text = line.trim_start();
    let numbered = text.trim_start_matches(|c: char| c.is_ascii_digit());
    ["- ", "* ", "+ ", "• "].iter().any(|sign| text.starts_with(sign))
        || (numbered.len() < text.len() && (numbered.starts_with(". ") || numbered.starts_with(") ")))
}

/// How deep a heading is: Markdown and AsciiDoc by their signs, underlined ones by the line below them.
fn level(block: &str) -> Option<usize> {
    let mut lines = block.lines();
    let (first, second) = (lines.next()?, lines.next());
    if let Some(rule) = second.filter(|line| is_rule(line)) {
        return match rule.chars().next() {
            Some('=') => Some(1),
            Some('-') => Some(2),
            _ => Some(3),
        };
    }
    let sign = first.chars().next().filter(|sign| "#=".contains(*sign))?;
    let depth = first.chars().take_while(|c| *c == sign).count();
    first[depth..].starts_with(' ').then_some(depth)
}

/// Whether it is a heading with a version in it.
fn is_release(block: &str) -> bool {
    let digits = |part: Option<char>| part.is_some_and(|c| c.is_ascii_digit());
    let version = |(at, _): (usize, &str)| digits(block[..at].chars().last()) && digits(block[at + 1..].chars().next());
    level(block).is_some() && block.match_indices('.').any(version)
}

fn is_rule(line: &str) -> bool {
    let line = line.trim_end();
    line.len() >= 3 && line.chars().next().is_some_and(|sign| "=-~^".contains(sign) && line.chars().all(|c| c == sign))
}

/// The text in blocks that belong together: a heading, a list item with its further lines, a paragraph, a blank line. None where
/// it begins in the middle of one, or a code block is left open.
fn blocks(text: &str) -> Option<Vec<&str>> {
    let mut blocks: Vec<(usize, usize)> = Vec::new();
    let (mut at, mut fenced, mut open) = (0, false, false);
    // How deep the item at hand is indented; before the first one, any may be.
    let mut depth = usize::MAX;
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let begin = at;
        at += line.len();
        let is_blank = line.trim().is_empty();
        let is_fence = ["```", "~~~"].iter().any(|fence| line.trim_start().starts_with(fence));
        let indented = line.starts_with([' ', '\t']);
        // An indented line goes on with the item above it, over blank lines too.
        let goes_on = fenced || (!is_blank && if is_item(line) { indent(line) > depth } else { indented || open });
        fenced ^= is_fence;
        if goes_on && level(line).is_none_or(|_| fenced || indented) {
            while blocks.last().is_some_and(|(from, to)| text[*from..*to].trim().is_empty()) && blocks.len() > 1 {
                blocks.pop();
            }
            let last = blocks.last_mut()?;
            if text[last.0..last.1].trim().is_empty() || level(&text[last.0..last.1]).is_some() {
                return None;
            }
            last.1 = at;
            open = !is_blank;
            continue;
        }
        if lines.peek().is_some_and(|next| is_rule(next)) && !is_blank && !is_item(line) {
            at += lines.next().map_or(0, str::len);
            open = false;
        } else {
            open = !is_blank && level(line).is_none();
        }
        if !is_blank {
            depth = if is_item(line) { indent(line) } else { usize::MAX };
        }
        blocks.push((begin, at));
    }
    (!fenced).then(|| blocks.into_iter().map(|(from, to)| &text[from..to]).collect())
}

/// Blocks by heading; what stands before the first one is a section of its own. None where a heading is there twice.
fn sections<'a>(blocks: &[&'a str]) -> Option<Vec<Section<'a>>> {
    let mut sections: Vec<Section> = vec![Section { path: vec![(0, "")], heading: "", blocks: Vec::new() }];
    for block in blocks {
        let Some(level) = level(block) else {
            sections.last_mut()?.blocks.push(block);
            continue;
        };
        let above = sections.last().map(|section| section.path.clone()).unwrap_or_default();
        let mut path: Vec<(usize, &str)> = above.into_iter().filter(|(depth, _)| *depth < level).collect();
        path.push((level, block.trim_end()));
        if sections.iter().any(|section| section.path == path) {
            return None;
        }
        sections.push(Section { path, heading: block, blocks: Vec::new() });
    }
    Some(sections)
}
