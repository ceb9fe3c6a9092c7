//! The cases beside this file, and what holds for any input.

#![allow(clippy::unwrap_used)]

use super::{Clash, Resolved, Rule, data::Data, json_keys::JSON, resolve, toml_keys::TOML, yaml_keys::YAML};
use std::collections::BTreeSet;

const CASES: [(Rule, &str); 6] = [
    (Rule::TomlKeys, include_str!("cases/toml-keys.txt")),
    (Rule::JsonKeys, include_str!("cases/json-keys.txt")),
    (Rule::YamlKeys, include_str!("cases/yaml-keys.txt")),
    (Rule::Imports, include_str!("cases/imports.txt")),
    (Rule::Changelog, include_str!("cases/changelog.txt")),
    (Rule::Lines, include_str!("cases/lines.txt")),
];

struct Case {
    rule: Rule,
    name: &'static str,
    path: &'static str,
    base: Option<String>,
    ours: String,
    theirs: String,
    /// What it becomes, and why; none if it is refused.
    merged: Option<(String, String)>,
}

impl Case {
    fn clash(&self) -> Clash<'_> {
        Clash { path: self.path, base: self.base.as_deref().map(str::as_bytes), ours: self.ours.as_bytes(), theirs: self.theirs.as_bytes() }
    }
}

fn cases() -> Vec<Case> {
    let read = |rule: Rule, text: &'static str| {
        let (head, parts) = text.split_once("\n@@ ").unwrap();
        let (name, path) = head.split_once('\n').unwrap();
        let parts: Vec<(&str, &str)> = parts.split("\n@@ ").map(|part| part.split_once('\n').unwrap_or((part, ""))).collect();
        let part = |wanted: &str| {
            parts.iter().find(|(name, _)| name.trim() == wanted).map(|(_, text)| format!("{}\n", text.trim_end_matches('\n')))
        };
        let merged = part("merged").map(|merged| (merged, part("why").unwrap().trim().to_owned()));
        assert!(merged.is_some() != part("refused").is_some(), "{name}");
        Case { rule, name, path, base: part("base"), ours: part("ours").unwrap(), theirs: part("theirs").unwrap(), merged }
    };
    CASES.into_iter().flat_map(|(rule, text)| text[3..].split("\n== ").map(move |case| read(rule, case))).collect()
}

fn lines(content: &[u8]) -> BTreeSet<&[u8]> {
    content.split(|b| *b == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).collect()
}

#[test]
fn each_case_is_resolved_or_refused_as_written() {
    let mut wrong = String::new();
    for case in cases() {
        let resolved = resolve(&case.clash(), &[]).map(|it| (it.rule, String::from_utf8(it.content).unwrap(), it.why));
        let expected = case.merged.clone().map(|(content, why)| (case.rule, content, why));
        if resolved != expected {
            let show = |it: Option<(Rule, String, String)>| {
                it.map_or("refused".into(), |(rule, content, why)| format!("{}: {why}\n{content}", rule.name()))
            };
            wrong += &format!("== {}: {}\ngot {}\nexpected {}\n", case.rule.name(), case.name, show(resolved), show(expected));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn each_rule_has_a_case_that_it_refuses_and_can_be_switched_off() {
    for rule in Rule::ALL {
        let of_rule = || cases().into_iter().filter(move |case| case.rule == rule);
        assert!(of_rule().any(|case| case.merged.is_none()), "{}", rule.name());
        for case in of_rule() {
            assert_eq!(resolve(&case.clash(), &[rule]), None, "{}", case.name);
            assert!(!case.merged.as_ref().is_some_and(|(_, why)| why.contains('\n')));
        }
        assert_eq!(serde_json::to_value(rule).unwrap(), rule.name());
    }
}

#[test]
fn sides_can_be_swapped() {
    for case in cases() {
        let clash = case.clash();
        let content = |clash| resolve(&clash, &[]).map(|it: Resolved| it.content);
        let (one, other) = (content(clash), content(Clash { ours: clash.theirs, theirs: clash.ours, ..clash }));
        assert_eq!(one.is_some(), other.is_some(), "{}", case.name);
        if let (Some(one), Some(other)) = (one, other) {
            let sorted = |content: &[u8]| {
                let mut bytes: Vec<u8> = content.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
                bytes.sort_unstable();
                bytes
            };
            assert_eq!(sorted(&one), sorted(&other), "{}", case.name);
        }
    }
}

#[test]
fn ends_of_lines_and_of_the_file_are_kept() {
    for case in cases() {
        let Some((merged, why)) = &case.merged else { continue };
        let crlf = |text: &str| text.replace('\n', "\r\n");
        let (base, ours, theirs) = (case.base.as_deref().map(crlf), crlf(&case.ours), crlf(&case.theirs));
        let clash = Clash { path: case.path, base: base.as_deref().map(str::as_bytes), ours: ours.as_bytes(), theirs: theirs.as_bytes() };
        let resolved = resolve(&clash, &[]).unwrap_or_else(|| panic!("{} with CRLF", case.name));
        assert_eq!((String::from_utf8_lossy(&resolved.content).into_owned(), &resolved.why), (crlf(merged), why), "{}", case.name);

        let open = |text: &'_ str| text.trim_end_matches('\n').to_owned();
        let (base, ours, theirs) = (case.base.as_deref().map(open), open(&case.ours), open(&case.theirs));
        let clash = Clash { path: case.path, base: base.as_deref().map(str::as_bytes), ours: ours.as_bytes(), theirs: theirs.as_bytes() };
        let resolved = resolve(&clash, &[]).unwrap_or_else(|| panic!("{} without a last newline", case.name));
        assert_eq!(String::from_utf8_lossy(&resolved.content), open(merged), "{}", case.name);
    }
}

/// What a file says, without the order of what it lists.
fn said(rule: Rule, content: &[u8]) -> Data {
    fn sorted(data: Data) -> Data {
        match data {
            Data::Map(map) => Data::Map(map.into_iter().map(|(key, value)| (key, sorted(value))).collect()),
            Data::List(items) => {
                let mut items: Vec<Data> = items.into_iter().map(sorted).collect();
                items.sort();
                Data::List(items)
            }
            other => other,
        }
    }
    let format = match rule {
        Rule::TomlKeys => &TOML,
        Rule::JsonKeys => &JSON,
        Rule::YamlKeys => &YAML,
        Rule::Imports | Rule::Changelog | Rule::Lines => {
            let words = content.split(|b| !b.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
            let words: BTreeSet<String> = words.map(|word| String::from_utf8_lossy(word).into_owned()).collect();
            return Data::List(words.into_iter().map(Data::Word).collect());
        }
    };
    sorted((format.read)(std::str::from_utf8(content).unwrap()).unwrap().data)
}

/// A generator of numbers: Knuth's MMIX constants.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end.max(1)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// A text with some of its lines removed, doubled, swapped or replaced by those of another, or some bytes broken.
fn mutate(random: &mut Random, text: &[u8], other: &[u8]) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = text.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
    let others: Vec<Vec<u8>> = other.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
    for _ in 0..random.below(4) {
        let at = random.below(lines.len());
        match random.below(5) {
            0 if !lines.is_empty() => drop(lines.remove(at)),
            1 if !others.is_empty() => lines.insert(at, random.pick(&others).clone()),
            2 if !lines.is_empty() => lines.insert(at, lines[at].clone()),
            3 if !lines.is_empty() => lines.swap(0, at),
            _ => {}
        }
    }
    let mut text = lines.concat();
    if !text.is_empty() && random.below(3) == 0 {
        let at = random.below(text.len());
        text[at] = *random.pick(b"\n\t \"'{}[](),:;-#=*&!|>%\\/a0\0\xff\r");
    }
    text
}

#[test]
fn no_input_makes_a_rule_panic_and_none_drops_a_side() {
    let (mut random, cases) = (Random(7), cases());
    let (mut resolved, mut symmetric) = (0, 0);
    for round in 0..20_000 {
        let (case, other) = (&cases[round % cases.len()], &cases[random.below(cases.len())]);
        let base = case.base.clone().unwrap_or_default();
        let base = mutate(&mut random, base.as_bytes(), other.ours.as_bytes());
        let ours = mutate(&mut random, case.ours.as_bytes(), case.theirs.as_bytes());
        let theirs = mutate(&mut random, case.theirs.as_bytes(), other.theirs.as_bytes());
        let clash = Clash { path: case.path, base: (round % 9 > 0).then_some(&base), ours: &ours, theirs: &theirs };
        let swapped = resolve(&Clash { ours: &theirs, theirs: &ours, ..clash }, &[]);
        let Some(it) = resolve(&clash, &[]) else { continue };
        resolved += 1;
        assert!(!it.why.contains('\n') && !it.why.is_empty());
        let texts = (clash.base.unwrap_or_default(), ours.as_slice(), theirs.as_slice(), it.content.as_slice());
        if matches!(it.rule, Rule::Changelog | Rule::Lines) {
            let (base, ours, theirs, result) = (lines(texts.0), lines(texts.1), lines(texts.2), lines(texts.3));
            let kept = &(&base & &ours) & &theirs;
            let added = &(&ours - &base) | &(&theirs - &base);
            assert!(result.is_superset(&(&kept | &added)), "{}\n{}", case.name, String::from_utf8_lossy(&it.content));
        }
        if let Some(swapped) = swapped {
            assert_eq!(swapped.rule, it.rule);
            assert_eq!(said(it.rule, &it.content), said(it.rule, &swapped.content), "{}", case.name);
            symmetric += 1;
        }
    }
    assert!(symmetric * 100 > resolved * 95, "{symmetric} of {resolved} are resolved from either side");
    assert!(resolved > 500, "only {resolved} say something");
}

#[test]
fn random_bytes_are_refused_or_resolved_but_never_panic() {
    let mut random = Random(11);
    let paths: Vec<&str> = cases().iter().map(|case| case.path).collect();
    let signs = b"ab: \n-#\"'{}[],=.|>&*!%\t?\\/;x1\r\xc3\xa4\0";
    for round in 0..20_000 {
        let mut bytes = || (0..random.below(24)).map(|_| 0).collect::<Vec<u8>>();
        let (mut base, mut ours, mut theirs) = (bytes(), bytes(), bytes());
        for text in [&mut base, &mut ours, &mut theirs] {
            text.iter_mut().for_each(|b| *b = *random.pick(signs));
        }
        resolve(&Clash { path: paths[round % paths.len()], base: Some(&base), ours: &ours, theirs: &theirs }, &[]);
    }
    let deep = ["[", "{\"a\":", "- ", "a: {", "use a::{", "a=["].map(|open| open.repeat(5000));
    for (text, path) in deep.iter().flat_map(|text| paths.iter().map(move |path| (text, path))) {
        resolve(&Clash { path, base: Some(b""), ours: text.as_bytes(), theirs: b"a" }, &[]);
    }
}

#[test]
fn the_examples_in_the_docs_are_true() {
    let page = include_str!("../../../docs/rules.md");
    for (rule, path) in Rule::ALL.into_iter().zip(["Cargo.toml", "package.json", "a.yaml", "a.rs", "CHANGELOG.md", ".gitignore"]) {
        let section = page.split_once(&format!("\n## {}\n", rule.name())).unwrap().1;
        let block = section.split_once("```text\n").unwrap().1.split_once("\n```").unwrap().0;
        let (head, rows) = block.split_once('\n').unwrap();
        let begins = ["base", "ours", "theirs", "result"].map(|name| head.find(name).unwrap());
        let column = |at: usize| {
            let end = begins.get(at + 1).copied().unwrap_or(usize::MAX);
            let cell = |row: &str| row.get(begins[at].min(row.len())..end.min(row.len())).unwrap().trim_end().to_owned() + "\n";
            rows.lines().skip(1).map(cell).collect::<String>().trim_end().to_owned() + "\n"
        };
        let [base, ours, theirs, result] = [0, 1, 2, 3].map(column);
        let clash = Clash { path, base: Some(base.as_bytes()), ours: ours.as_bytes(), theirs: theirs.as_bytes() };
        let resolved = resolve(&clash, &[]).unwrap_or_else(|| panic!("{} refuses its example", rule.name()));
        assert_eq!((resolved.rule, String::from_utf8(resolved.content).unwrap()), (rule, result));
    }
}
