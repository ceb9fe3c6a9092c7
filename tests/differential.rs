//! The weave against git on invented histories: for every pair of sides the tree that git gives, and a conflict where git
//! finds one.
//!
//! A [`Triple`] is a base and what two sides make of it. Triples are woven many at a time: all become merges on one
//! first-parent line, each with the tree that `git merge-tree` gave recorded, and `replay --pairs` says whether it weaves the
//! same. A triple on which the two disagree is shrunk and kept as a script in `tests/cases/`, which every run of the tests
//! runs again. `LEX_PR_FUZZ_CASES=N` tries N other batches, `LEX_PR_FUZZ_SEED` the same ones again:
//!
//! ```text
//! LEX_PR_FUZZ_CASES=1000 cargo test --test tests differential -- --nocapture
//! ```

use crate::sandbox::Sandbox;
use gix::{ObjectId, objs::Kind};
use proptest::{
    collection::vec,
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fmt::Write as _,
    io::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
};

/// Triples that share a repository and its attributes.
const BATCH: usize = 40;

/// Batches of an ordinary run; they take a few seconds.
const BATCHES: usize = 14;

/// How many shrinking steps one disagreement may take.
const MOST_STEPS: usize = 600;

/// A file, link or submodule.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    mode: u32,
    content: Vec<u8>,
}

const FILE: u32 = 0o100_644;
const EXECUTABLE: u32 = 0o100_755;
/// Written by old gits; git reads it as [`FILE`].
const GROUP_WRITABLE: u32 = 0o100_664;
const LINK: u32 = 0o120_000;
const MODULE: u32 = 0o160_000;
const FOLDER: u32 = 0o040_000;

impl Entry {
    fn is_file(&self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }
}

/// All files of a tree by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Files(BTreeMap<Vec<u8>, Entry>);

impl Files {
    /// Put a file in a place, and take away what cannot be there beside it.
    fn put(&mut self, path: &[u8], entry: Entry) {
        self.0.retain(|other, _| !is_inside(other, path) && !is_inside(path, other));
        self.0.insert(path.to_vec(), entry);
    }

    fn nth(&self, n: u8) -> Option<(Vec<u8>, Entry)> {
        let (path, entry) = self.0.iter().nth(usize::from(n) % self.0.len().max(1))?;
        Some((path.clone(), entry.clone()))
    }

    fn nth_folder(&self, n: u8) -> Option<Vec<u8>> {
        let ends = |path: &[u8]| path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| at).collect::<Vec<_>>();
        let folders: BTreeSet<&[u8]> = self.0.keys().flat_map(|path| ends(path).into_iter().map(|end| &path[..end])).collect();
        folders.iter().nth(usize::from(n) % folders.len().max(1)).map(|folder| folder.to_vec())
    }
}

fn is_inside(path: &[u8], folder: &[u8]) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.first() == Some(&b'/'))
}

fn name_of(path: &[u8]) -> &[u8] {
    path.rsplit(|b| *b == b'/').next().unwrap()
}

fn under(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() { name.to_vec() } else { [folder, b"/", name].concat() }
}

/// What a side does to a line. Places are counted around the end of the file.
#[derive(Clone, Debug)]
enum Edit {
    Replace(u8, u8),
    Insert(u8, u8),
    Delete(u8, u8),
    Move(u8, u8, u8),
    Repeat(u8, u8),
}

/// What a side does to its tree. Files and folders are counted around.
#[derive(Clone, Debug)]
enum Change {
    Edit(u8, Vec<Edit>),
    Add(Vec<u8>, Entry),
    Delete(u8),
    Rename(u8, Vec<u8>),
    /// A rename and a number of lines of a hundred that are rewritten.
    RenameRewritten(u8, Vec<u8>, u8),
    RenameEdited(u8, Vec<u8>, Vec<Edit>),
    /// A rename that turns the line ends too.
    RenameLineEnds(u8, Vec<u8>),
    MoveInto(u8, u8),
    AddInto(u8, Vec<u8>, Entry),
    AddBeside(u8, Vec<u8>, Entry),
    RenameFolder(u8, Vec<u8>),
    DeleteFolder(u8),
    Rewrite(u8, u8),
    Replace(u8, Entry),
    Empty(u8),
    Mode(u8, u32),
    Copy(u8, Vec<u8>),
    Swap(u8, u8),
    LineEnds(u8),
    LastLineEnd(u8),
    FileToFolder(u8, Vec<u8>),
    FolderToFile(u8, Entry),
}

impl Change {
    fn kind(&self) -> String {
        format!("{self:?}").split(|c: char| !c.is_alphanumeric()).next().unwrap().to_string()
    }

    fn make(&self, files: &mut Files) {
        let rename = |files: &mut Files, file: u8, to: &[u8], change: &dyn Fn(&[u8]) -> Vec<u8>| {
            if let Some((path, mut entry)) = files.nth(file) {
                if entry.is_file() {
                    entry.content = change(&entry.content);
                }
                files.0.remove(&path);
                files.put(to, entry);
            }
        };
        let rewrite = |files: &mut Files, file: u8, change: &dyn Fn(&Entry) -> Entry| {
            if let Some((path, entry)) = files.nth(file) {
                files.0.insert(path, change(&entry));
            }
        };
        let of_file = |files: &mut Files, file: u8, change: &dyn Fn(&[u8]) -> Vec<u8>| {
            rewrite(files, file, &|entry| match entry.is_file() {
                true => Entry { mode: entry.mode, content: change(&entry.content) },
                false => entry.clone(),
            });
        };
        match self {
            Change::Edit(file, edits) => of_file(files, *file, &|content| edited(content, edits)),
            Change::Add(path, entry) => files.put(path, entry.clone()),
            Change::Delete(file) => {
                if let Some((path, _)) = files.nth(*file) {
                    files.0.remove(&path);
                }
            }
            Change::Rename(file, to) => rename(files, *file, to, &<[u8]>::to_vec),
            Change::RenameRewritten(file, to, share) => rename(files, *file, to, &|content| rewritten(content, *share)),
            Change::RenameEdited(file, to, edits) => rename(files, *file, to, &|content| edited(content, edits)),
            Change::MoveInto(file, folder) => {
                if let (Some((path, _)), Some(folder)) = (files.nth(*file), files.nth_folder(*folder)) {
                    rename(files, *file, &under(&folder, name_of(&path)), &<[u8]>::to_vec);
                }
            }
            Change::AddInto(folder, name, entry) => {
                if let Some(folder) = files.nth_folder(*folder) {
                    files.put(&under(&folder, name), entry.clone());
                }
            }
            Change::AddBeside(file, name, entry) => {
                if let Some((path, _)) = files.nth(*file) {
                    files.put(&[&path[..path.len() - name_of(&path).len()], name].concat(), entry.clone());
                }
            }
            Change::RenameFolder(folder, to) => {
                if let Some(folder) = files.nth_folder(*folder).filter(|folder| !is_inside(to, folder)) {
                    let inside: Vec<Vec<u8>> = files.0.keys().filter(|path| is_inside(path, &folder)).cloned().collect();
                    for path in inside {
                        if let Some(entry) = files.0.remove(&path) {
                            files.put(&[to, &path[folder.len()..]].concat(), entry);
                        }
                    }
                }
            }
            Change::DeleteFolder(folder) => {
                if let Some(folder) = files.nth_folder(*folder) {
                    files.0.retain(|path, _| !is_inside(path, &folder));
                }
            }
            Change::Rewrite(file, share) => of_file(files, *file, &|content| rewritten(content, *share)),
            Change::Replace(file, entry) => rewrite(files, *file, &|_| entry.clone()),
            Change::Empty(file) => of_file(files, *file, &|_| Vec::new()),
            Change::Mode(file, mode) => rewrite(files, *file, &|entry| match entry.is_file() {
                true => Entry { mode: *mode, content: entry.content.clone() },
                false => entry.clone(),
            }),
            Change::Copy(file, to) => {
                if let Some((_, entry)) = files.nth(*file) {
                    files.put(to, entry);
                }
            }
            Change::Swap(one, other) => {
                if let (Some((one, of_one)), Some((other, of_other))) = (files.nth(*one), files.nth(*other)) {
                    files.0.extend([(one, of_other), (other, of_one)]);
                }
            }
            Change::LineEnds(file) => of_file(files, *file, &line_ends_turned),
            Change::RenameLineEnds(file, to) => rename(files, *file, to, &line_ends_turned),
            Change::LastLineEnd(file) => of_file(files, *file, &|content| match content.strip_suffix(b"\n") {
                Some(shorter) => shorter.to_vec(),
                None => [content, b"\n"].concat(),
            }),
            Change::FileToFolder(file, name) => {
                if let Some((path, entry)) = files.nth(*file) {
                    files.put(&under(&path, name), entry);
                }
            }
            Change::FolderToFile(folder, entry) => {
                if let Some(folder) = files.nth_folder(*folder) {
                    files.put(&folder, entry.clone());
                }
            }
        }
    }
}

fn edited(content: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = content.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
    for edit in edits {
        let count = lines.len();
        let place = |n: u8| usize::from(n) % (count + 1);
        let block = |from: u8, length: u8| place(from)..(place(from) + usize::from(length)).min(count);
        match *edit {
            Edit::Replace(at, new) if place(at) < count => lines[place(at)] = line(new),
            Edit::Replace(_, new) => lines.push(line(new)),
            Edit::Insert(at, new) => lines.insert(place(at), line(new)),
            Edit::Delete(from, length) => drop(lines.drain(block(from, length))),
            Edit::Move(from, length, to) => {
                let moved: Vec<Vec<u8>> = lines.drain(block(from, length)).collect();
                let to = usize::from(to) % (lines.len() + 1);
                lines.splice(to..to, moved);
            }
            Edit::Repeat(from, length) => {
                let block = block(from, length);
                let again = lines[block.clone()].to_vec();
                lines.splice(block.end..block.end, again);
            }
        }
    }
    lines.concat()
}

fn line_ends_turned(content: &[u8]) -> Vec<u8> {
    let dos = content.windows(2).any(|pair| pair == b"\r\n");
    let turned = |line: &[u8]| match line.strip_suffix(b"\n") {
        Some(line) if dos => [line.strip_suffix(b"\r").unwrap_or(line), b"\n"].concat(),
        Some(line) => [line, b"\r\n"].concat(),
        None => line.to_vec(),
    };
    content.split_inclusive(|b| *b == b'\n').flat_map(turned).collect()
}

/// The content with about `share` of a hundred lines rewritten.
fn rewritten(content: &[u8], share: u8) -> Vec<u8> {
    let lines = content.split_inclusive(|b| *b == b'\n').enumerate();
    lines
        .flat_map(|(at, line)| if at * 37 % 100 < usize::from(share) { format!("rewritten {at}\n").into() } else { line.to_vec() })
        .collect()
}

/// Few different lines, so that texts have much in common and many places to go; some that mean something to git.
fn line(n: u8) -> Vec<u8> {
    match n {
        0 => b"}\n".to_vec(),
        1 => b"\n".to_vec(),
        2 => b"\t\treturn 0;\n".to_vec(),
        3 => b"=========\n".to_vec(),
        4 => b"<<<<<<< ours\n".to_vec(),
        5 => [&[b'='; 150], &b"\n"[..]].concat(),
        6 => b"caf\xe9 $Id$\n".to_vec(),
        7 => b"statement with a carriage return\r\n".to_vec(),
        n => format!("statement {n}\n").into(),
    }
}

/// What the two commits that are merged have behind them.
#[derive(Clone, Debug)]
enum Shape {
    /// One merge base.
    Plain,
    /// The sides merged the same commits, each in its way: as many merge bases.
    CrissCross(Vec<Vec<Change>>),
    /// The same, and those bases are sides of a criss-cross themselves.
    Deep([Vec<Change>; 2], [Vec<Change>; 2]),
    /// Two merge bases without anything in common.
    Unrelated(Files),
}

/// A base and what two sides make of it.
#[derive(Clone, Debug)]
struct Triple {
    shape: Shape,
    base: Files,
    /// What both sides do, before anything else.
    both: Vec<Change>,
    ours: Vec<Change>,
    theirs: Vec<Change>,
    /// Whether merge bases that are written later have the older dates.
    clock_turned: bool,
}

/// A commit of a [`Scene`]: parents are commits before it.
#[derive(Clone, Debug)]
struct Commit {
    name: String,
    date: usize,
    parents: Vec<usize>,
    files: Files,
}

/// The commits of a triple. The last two are the sides.
type Scene = Vec<Commit>;

impl Triple {
    fn scene(&self) -> Scene {
        let with = |files: &Files, changes: &[&[Change]]| {
            let mut files = files.clone();
            changes.iter().flat_map(|changes| changes.iter()).for_each(|change| change.make(&mut files));
            files
        };
        let mut commits: Scene = Vec::new();
        let mut add = |name: &str, parents: &[usize], files: Files| {
            commits.push(Commit { name: name.into(), date: commits.len(), parents: parents.to_vec(), files });
            commits.len() - 1
        };
        let (bases, merged) = match &self.shape {
            Shape::Plain => (vec![add("base", &[], self.base.clone())], [self.base.clone(), self.base.clone()]),
            Shape::CrissCross(branches) => {
                let root = add("root", &[], self.base.clone());
                let name = |n: usize| format!("base{n}");
                let bases = branches.iter().enumerate().map(|(n, branch)| add(&name(n), &[root], with(&self.base, &[branch]))).collect();
                let forth: Vec<&[Change]> = branches.iter().map(Vec::as_slice).collect();
                let back: Vec<&[Change]> = forth.iter().rev().copied().collect();
                (bases, [with(&self.base, &forth), with(&self.base, &back)])
            }
            Shape::Deep([one, other], [first, second]) => {
                let root = add("root", &[], self.base.clone());
                let inner = [add("inner0", &[root], with(&self.base, &[one])), add("inner1", &[root], with(&self.base, &[other]))];
                let bases = vec![
                    add("base0", &inner, with(&self.base, &[one, other, first])),
                    add("base1", &inner, with(&self.base, &[other, one, second])),
                ];
                (bases, [with(&self.base, &[one, other, first, second]), with(&self.base, &[other, one, second, first])])
            }
            Shape::Unrelated(other) => {
                let bases = vec![add("base0", &[], self.base.clone()), add("base1", &[], other.clone())];
                let mut merged = self.base.clone();
                other.0.iter().for_each(|(path, entry)| merged.put(path, entry.clone()));
                (bases, [merged.clone(), merged])
            }
        };
        add("ours", &bases, with(&merged[0], &[&self.both, &self.ours]));
        add("theirs", &bases, with(&merged[1], &[&self.both, &self.theirs]));
        if self.clock_turned {
            let (first, last) = (bases[0], bases[bases.len() - 1]);
            bases.iter().for_each(|base| commits[*base].date = first + last - base);
        }
        commits
    }

    /// What is in it, for the count of what was tried.
    fn kinds(&self) -> BTreeSet<String> {
        let mut kinds: BTreeSet<String> = [&self.both, &self.ours, &self.theirs].into_iter().flatten().map(Change::kind).collect();
        if !self.both.is_empty() {
            kinds.insert("done by both".into());
        }
        let all = || {
            let bases: &[Vec<Change>] = match &self.shape {
                Shape::CrissCross(branches) => branches,
                _ => &[],
            };
            self.base.0.values().cloned().chain(bases.iter().flatten().chain(&self.ours).chain(&self.theirs).filter_map(|change| {
                match change {
                    Change::Add(_, entry) | Change::AddInto(_, _, entry) | Change::AddBeside(_, _, entry) | Change::Replace(_, entry) => {
                        Some(entry.clone())
                    }
                    _ => None,
                }
            }))
        };
        let has = |what: fn(&Entry) -> bool| all().any(|entry| what(&entry));
        for (kind, what) in [
            ("with links", (|e| e.mode == LINK) as fn(&Entry) -> bool),
            ("with submodules", |e| e.mode == MODULE),
            ("with odd modes", |e| e.mode == GROUP_WRITABLE),
            ("with binary", |e| e.is_file() && e.content.contains(&0)),
            ("with CRLF", |e| e.content.windows(2).any(|w| w == b"\r\n")),
            ("with lines over 64 times", |e| e.content.split(|b| *b == b'\n').filter(|l| *l == b"x").count() > 64),
        ] {
            if has(what) {
                kinds.insert(kind.into());
            }
        }
        kinds.insert(
            match self.shape {
                Shape::Plain => "one merge base",
                Shape::CrissCross(ref branches) if branches.len() > 2 => "three merge bases",
                Shape::CrissCross(_) => "two merge bases",
                Shape::Deep(..) => "merge bases of merge bases",
                Shape::Unrelated(_) => "unrelated merge bases",
            }
            .into(),
        );
        kinds
    }
}

fn a_path() -> impl Strategy<Value = Vec<u8>> {
    let folder = prop::sample::select(vec!["", "a", "b", "a/b", "a.b", "lib", "lib/src", "lib/doc", "lib/src/in"]);
    (folder, a_name()).prop_map(|(folder, name)| under(folder.as_bytes(), &name))
}

fn a_folder() -> impl Strategy<Value = Vec<u8>> {
    prop::sample::select(vec!["b", "c", "a/b", "a.b", "lib", "lib/new", "new/src", "a-b", "a"])
        .prop_map(|folder| folder.as_bytes().to_vec())
}

fn a_name() -> impl Strategy<Value = Vec<u8>> {
    let names: Vec<&[u8]> = vec![b"f.txt", b"g.txt", b"a", b"b", b"a.b", b"a-b", b"n\xffame", b"h", b"lib"];
    prop::sample::select(names).prop_map(<[u8]>::to_vec)
}

fn a_line() -> impl Strategy<Value = u8> {
    prop_oneof![8_u8..40, 0_u8..8, Just(0), Just(1)]
}

fn a_text() -> impl Strategy<Value = Vec<u8>> {
    let lines = |most| vec(a_line(), 1..most).prop_map(|lines| lines.into_iter().flat_map(line).collect::<Vec<u8>>());
    let twenty = (1..=20).flat_map(|n| format!("line {n}\n").into_bytes()).collect::<Vec<u8>>();
    // So many files that share most lines that it is not clear which became which.
    let near = (0_u8..4, 0_u8..100).prop_map(|(file, share)| {
        [format!("file {file}\n").into_bytes(), rewritten(&line(8).repeat(6), share), rewritten(&line(9).repeat(6), share)].concat()
    });
    let numbered = {
        let twenty = twenty.clone();
        (0_u8..4, 0_u8..20).prop_map(move |(file, at)| edited(&twenty, &[Edit::Replace(at, 50 + file)]))
    };
    prop_oneof![
        4 => lines(6),
        4 => lines(30),
        6 => Just(twenty),
        4 => numbered,
        1 => near,
        1 => (60_usize..140, lines(8), lines(8)).prop_map(|(many, before, after)| [before, b"x\n".repeat(many), after].concat()),
        1 => (60_usize..140, lines(8)).prop_map(|(many, line)| [b"x\n}\n".repeat(many), line].concat()),
        1 => lines(12).prop_map(|text| text.split(|b| *b == b'\n').collect::<Vec<_>>().join(&b"\r\n"[..])),
        1 => lines(12).prop_map(|text| text.strip_suffix(b"\n").unwrap_or(&text).to_vec()),
        1 => lines(8).prop_map(|text| [&b"\0"[..], &text].concat()),
        1 => lines(4).prop_map(|text| [text.repeat(8000 / text.len() + 1), b"\0\n".to_vec(), text].concat()),
        1 => Just(Vec::new()),
    ]
}

/// The modes that files have; the last is a rare one.
type Modes = [u32; 3];

fn an_entry(modes: Modes) -> impl Strategy<Value = Entry> {
    prop_oneof![
        20 => a_text().prop_map(|content| Entry { mode: FILE, content }),
        2 => a_text().prop_map(|content| Entry { mode: EXECUTABLE, content }),
        1 => a_text().prop_map(move |content| Entry { mode: modes[2], content }),
        2 => prop::sample::select(vec!["a", "b/f.txt", "nowhere"]).prop_map(|to| Entry { mode: LINK, content: to.into() }),
        1 => (1_u8..4).prop_map(|id| Entry { mode: MODULE, content: vec![id * 17; 20] }),
    ]
}

fn a_tree(modes: Modes) -> impl Strategy<Value = Files> {
    vec((a_path(), an_entry(modes)), 0..10).prop_map(|entries| {
        let mut files = Files::default();
        entries.into_iter().for_each(|(path, entry)| files.put(&path, entry));
        files
    })
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let edit = prop_oneof![
        3 => (any::<u8>(), a_line()).prop_map(|(at, new)| Edit::Replace(at, new)),
        3 => (any::<u8>(), a_line()).prop_map(|(at, new)| Edit::Insert(at, new)),
        3 => (any::<u8>(), 1_u8..5).prop_map(|(from, length)| Edit::Delete(from, length)),
        1 => (any::<u8>(), 1_u8..6, any::<u8>()).prop_map(|(from, length, to)| Edit::Move(from, length, to)),
        1 => (any::<u8>(), 1_u8..6).prop_map(|(from, length)| Edit::Repeat(from, length)),
    ];
    vec(edit, 1..5)
}

fn a_change(modes: Modes) -> impl Strategy<Value = Change> {
    // Few files to choose from, so that both sides often choose the same.
    let file = || 0_u8..10;
    let edits_of = (file(), edits()).prop_map(|(file, edits)| Change::Edit(file, edits));
    prop_oneof![
        12 => edits_of,
        3 => (a_path(), an_entry(modes)).prop_map(|(path, entry)| Change::Add(path, entry)),
        4 => file().prop_map(Change::Delete),
        5 => (file(), a_path()).prop_map(|(file, to)| Change::Rename(file, to)),
        3 => (file(), a_path(), 0_u8..100).prop_map(|(file, to, share)| Change::RenameRewritten(file, to, share)),
        3 => (file(), a_path(), edits()).prop_map(|(file, to, edits)| Change::RenameEdited(file, to, edits)),
        2 => (file(), a_path()).prop_map(|(file, to)| Change::RenameLineEnds(file, to)),
        3 => (file(), file()).prop_map(|(file, folder)| Change::MoveInto(file, folder)),
        3 => (file(), a_name(), an_entry(modes)).prop_map(|(folder, name, entry)| Change::AddInto(folder, name, entry)),
        3 => (file(), a_name(), an_entry(modes)).prop_map(|(file, name, entry)| Change::AddBeside(file, name, entry)),
        5 => (file(), a_folder()).prop_map(|(folder, to)| Change::RenameFolder(folder, to)),
        2 => file().prop_map(Change::DeleteFolder),
        2 => (file(), 0_u8..100).prop_map(|(file, share)| Change::Rewrite(file, share)),
        2 => (file(), an_entry(modes)).prop_map(|(file, entry)| Change::Replace(file, entry)),
        1 => file().prop_map(Change::Empty),
        2 => (file(), prop::sample::select(vec![modes[0], modes[1], modes[1], modes[2]])).prop_map(|(file, mode)| Change::Mode(file, mode)),
        2 => (file(), a_path()).prop_map(|(file, to)| Change::Copy(file, to)),
        1 => (file(), file()).prop_map(|(one, other)| Change::Swap(one, other)),
        2 => file().prop_map(Change::LineEnds),
        1 => file().prop_map(Change::LastLineEnd),
        1 => (file(), a_name()).prop_map(|(file, name)| Change::FileToFolder(file, name)),
        1 => (file(), an_entry(modes)).prop_map(|(folder, entry)| Change::FolderToFile(folder, entry)),
    ]
}

fn changes(modes: Modes, most: usize) -> impl Strategy<Value = Vec<Change>> {
    vec(a_change(modes), 0..=most)
}

fn a_triple(modes: Modes) -> impl Strategy<Value = Triple> {
    let shape = prop_oneof![
        12 => Just(Shape::Plain),
        5 => vec(changes(modes, 2), 2..4).prop_map(Shape::CrissCross),
        1 => ([changes(modes, 2), changes(modes, 2)], [changes(modes, 1), changes(modes, 1)]).prop_map(|(inner, outer)| Shape::Deep(inner, outer)),
        1 => a_tree(modes).prop_map(Shape::Unrelated),
    ];
    let both = prop_oneof![5 => Just(Vec::new()), 1 => changes(modes, 2)];
    (shape, a_tree(modes), both, changes(modes, 4), changes(modes, 4), any::<bool>())
        .prop_map(|(shape, base, both, ours, theirs, clock_turned)| Triple { shape, base, both, ours, theirs, clock_turned })
}

/// The tree that the attributes come from.
fn attributes() -> impl Strategy<Value = Files> {
    let rule = prop::sample::select(vec![
        "* merge=union",
        "*.txt -merge",
        "*.txt binary",
        "* text=auto",
        "*.txt text eol=crlf",
        "* ident",
        "* conflict-marker-size=12",
        "*.txt -diff",
        "* diff",
        "[attr]mine -merge\n*.txt mine",
        "/lib/** merge=union",
        "a/* -merge",
        "a merge=union",
        "*.txt !merge",
        "*.txt merge",
        "* merge=text",
        "h merge=nowhere",
    ]);
    let file = || vec(rule.clone(), 1..4).prop_map(|rules| Entry { mode: FILE, content: (rules.join("\n") + "\n").into() });
    prop_oneof![
        5 => Just(Files::default()),
        3 => file().prop_map(|file| Files([(b".gitattributes".to_vec(), file)].into())),
        1 => (file(), file()).prop_map(|(root, lib)| Files([(b".gitattributes".to_vec(), root), (b"lib/.gitattributes".to_vec(), lib)].into())),
    ]
}

/// What git makes of a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Git {
    Clean(ObjectId),
    Conflict,
    /// Nothing to be the same as: git fails an assertion of its own, or calls a tree clean that has conflict markers in it,
    /// and with them the names that the commits were called by. Merge-ort of 2.47 does either on some triples.
    Astray,
}

impl Git {
    fn tree(self) -> Option<ObjectId> {
        match self {
            Git::Clean(tree) => Some(tree),
            Git::Conflict | Git::Astray => None,
        }
    }
}

impl std::fmt::Display for Git {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Git::Clean(tree) => write!(f, "the clean tree {tree}"),
            Git::Conflict => f.write_str("a conflict"),
            Git::Astray => f.write_str("nothing that counts"),
        }
    }
}

/// What git and the weave make of a scene; the same if all is well.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Verdict {
    git: String,
    weave: String,
    micros: u64,
}

impl Verdict {
    fn agrees(&self) -> bool {
        self.git == self.weave
    }
}

/// Judge scenes; `twice` also checks the answers that `replay` gets from git itself.
fn judge(sandbox: &Sandbox, attributes: &Files, scenes: &[Scene], twice: bool) -> Vec<Verdict> {
    let mut store = Store::default();
    let rules = store.tree(attributes);
    let from = store.commit("from", 0, &[], rules);
    let dummy = store.commit("dummy", 1, &[], rules);
    let mut sides = Vec::new();
    for (number, scene) in scenes.iter().enumerate() {
        let mut ids: Vec<(ObjectId, ObjectId)> = Vec::new();
        for commit in scene {
            let tree = store.tree(&commit.files);
            let parents: Vec<ObjectId> = commit.parents.iter().map(|parent| ids[*parent].0).collect();
            ids.push((store.commit(&format!("{} {number}", commit.name), number * 10 + commit.date, &parents, tree), tree));
        }
        let [ours, theirs] = ids[ids.len() - 2..] else { panic!("no two sides") };
        let bases: Vec<ObjectId> = scene[scene.len() - 2].parents.iter().map(|parent| ids[*parent].0).collect();
        sides.push((ours, theirs.0, bases));
    }
    store.flush(sandbox);
    let pairs: Vec<(ObjectId, ObjectId)> = sides.iter().map(|((ours, _), theirs, _)| (*ours, *theirs)).collect();
    let said = merges_by_git(sandbox, rules, &pairs);
    let mut tip = from;
    let mut replayed = Vec::new();
    for (number, ((_, our_tree), theirs, bases)) in sides.iter().enumerate().filter(|(number, _)| said[*number] != Git::Astray) {
        // A merge of three or more is no item of a replay.
        let parents: Vec<ObjectId> = [tip].into_iter().chain(bases.iter().copied()).chain([dummy]).collect();
        let ours = store.commit("ours", number * 10 + 8, &parents, *our_tree);
        replayed.push((ours, *theirs));
        tip = store.commit(&number.to_string(), number * 10 + 9, &[ours, *theirs], said[number].tree().unwrap_or(*our_tree));
    }
    store.flush(sandbox);
    let range = format!("{from}..{tip}");
    let compare: &[&str] = if twice { &[] } else { &["--no-compare"] };
    let answer = sandbox.lex(&[&["replay", "--pairs", "--json", "--off", "mechanical", &range][..], compare].concat());
    if !(0..2).contains(&answer.status) {
        return match scenes {
            [_] => vec![Verdict { git: said[0].to_string(), weave: format!("exit {}: {}", answer.status, answer.stderr), micros: 0 }],
            _ => scenes.iter().flat_map(|scene| judge(sandbox, attributes, std::slice::from_ref(scene), twice)).collect(),
        };
    }
    let answer = answer.json();
    let mut merges = answer["merges"].as_array().unwrap().iter().zip(replayed);
    let judged = said.iter().map(|git| {
        if *git == Git::Astray {
            return Verdict { git: git.to_string(), weave: git.to_string(), micros: 0 };
        }
        let (merge, pair) = merges.next().unwrap();
        let weave = match (merge["weave"].as_str(), merge["sameAsRecorded"].as_bool()) {
            // Git calls some of these clean, with conflict markers in the tree; the weave does not, on purpose.
            (None, _) if git.tree().is_some() && renames_collide(sandbox, rules, pair) => {
                return Verdict { git: git.to_string(), weave: git.to_string(), micros: 0 };
            }
            (None, _) => Git::Conflict.to_string(),
            (Some(_), Some(true)) if git.tree().is_some() => git.to_string(),
            // Git's tree has the names of the commits in it, if it is another for the same sides by other names.
            (Some(_), _) if git.tree().is_some() && merges_by_git(sandbox, rules, &[pair]) != [*git] => git.to_string(),
            (Some(_), _) => "another clean tree".to_string(),
        };
        let verdict = Verdict { git: git.to_string(), weave, micros: merge["micros"].as_u64().unwrap() };
        if twice {
            let same = merge["sameAsGit"].as_bool();
            assert_eq!(same, Some(verdict.agrees()), "replay says that it is git's answer or not, and errs: {merge}");
        }
        verdict
    });
    judged.collect()
}

/// Whether git says that it came upon renames in each other's way.
fn renames_collide(sandbox: &Sandbox, attributes: ObjectId, (ours, theirs): (ObjectId, ObjectId)) -> bool {
    let mut command = sandbox.command("git", &sandbox.repo);
    command.env("GIT_ATTR_SOURCE", attributes.to_string()).args(["merge-tree", "--messages"]);
    let said = command.args([ours.to_string(), theirs.to_string()]).output().unwrap();
    String::from_utf8_lossy(&said.stdout).contains("rename involved in collision")
}

/// The answers of `git merge-tree`.
fn merges_by_git(sandbox: &Sandbox, attributes: ObjectId, pairs: &[(ObjectId, ObjectId)]) -> Vec<Git> {
    let mut command = sandbox.command("git", &sandbox.repo);
    command.env("GIT_ATTR_SOURCE", attributes.to_string()).args(["merge-tree", "--stdin", "-z", "--name-only", "--no-messages"]);
    let mut git = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines: String = pairs.iter().map(|(ours, theirs)| format!("{ours} {theirs}\n")).collect();
    // A few kilobytes, which a pipe holds.
    git.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = git.wait_with_output().unwrap();
    if !output.status.success() {
        return match pairs {
            [_] => vec![Git::Astray],
            _ => pairs.iter().flat_map(|pair| merges_by_git(sandbox, attributes, std::slice::from_ref(pair))).collect(),
        };
    }
    let mut fields = output.stdout.split(|b| *b == 0);
    let mut merged = Vec::new();
    for _ in pairs {
        let clean = fields.next().unwrap() == b"1";
        let tree = ObjectId::from_hex(fields.next().unwrap()).unwrap();
        // The paths; none where a folder was renamed in two ways.
        fields.by_ref().take_while(|field| !field.is_empty()).for_each(drop);
        merged.push(if clean { Git::Clean(tree) } else { Git::Conflict });
    }
    assert_eq!(fields.map(<[u8]>::len).sum::<usize>(), 0, "more than was asked for");
    merged
}

/// Collects the objects of scenes as they are, odd modes included, for a pack: files of their own would take most of the time.
#[derive(Default)]
struct Store {
    known: HashSet<ObjectId>,
    packed: Vec<u8>,
    count: u32,
}

impl Store {
    fn write(&mut self, kind: Kind, data: &[u8]) -> ObjectId {
        let id = gix::objs::compute_hash(gix::hash::Kind::Sha1, kind, data).unwrap();
        if self.known.insert(id) {
            self.count += 1;
            let number = match kind {
                Kind::Commit => 1,
                Kind::Tree => 2,
                Kind::Blob => 3,
                Kind::Tag => 4,
            };
            let (mut size, mut byte) = (data.len() >> 4, number << 4 | (data.len() & 15) as u8);
            while size > 0 {
                self.packed.push(byte | 128);
                (size, byte) = (size >> 7, (size & 127) as u8);
            }
            self.packed.push(byte);
            // A zlib stream without compression.
            self.packed.extend([0x78, 0x01]);
            for chunk in data.chunks(0xffff) {
                let length = chunk.len() as u16;
                self.packed.push(0);
                self.packed.extend([length.to_le_bytes(), (!length).to_le_bytes()].concat());
                self.packed.extend_from_slice(chunk);
            }
            self.packed.extend([1, 0, 0, 0xff, 0xff]);
            let (low, high) = data.iter().fold((1_u32, 0_u32), |(low, high), byte| {
                let low = (low + u32::from(*byte)) % 65521;
                (low, (high + low) % 65521)
            });
            self.packed.extend((high << 16 | low).to_be_bytes());
        }
        id
    }

    fn flush(&mut self, sandbox: &Sandbox) {
        let mut pack = [&b"PACK\0\0\0\x02"[..], &self.count.to_be_bytes(), &std::mem::take::<Vec<u8>>(&mut self.packed)].concat();
        self.count = 0;
        let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
        hasher.update(&pack);
        pack.extend_from_slice(hasher.try_finalize().unwrap().as_slice());
        let mut command = sandbox.command("git", &sandbox.repo);
        let mut git = command.args(["index-pack", "--stdin"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        git.stdin.take().unwrap().write_all(&pack).unwrap();
        assert!(git.wait().unwrap().success());
    }

    fn tree(&mut self, files: &Files) -> ObjectId {
        self.folder(&files.0.iter().map(|(path, entry)| (&path[..], entry)).collect::<Vec<_>>())
    }

    fn folder(&mut self, files: &[(&[u8], &Entry)]) -> ObjectId {
        let mut data = Vec::new();
        for (name, node) in folder(files) {
            let (mode, id) = match node {
                Node::Folder(files) => (FOLDER, self.folder(&files)),
                Node::File(entry) if entry.mode == MODULE => (MODULE, ObjectId::try_from(&entry.content[..]).unwrap()),
                Node::File(entry) => (entry.mode, self.write(Kind::Blob, &entry.content)),
            };
            write!(data, "{mode:o} ").unwrap();
            data.extend_from_slice(name);
            data.push(0);
            data.extend_from_slice(id.as_slice());
        }
        self.write(Kind::Tree, &data)
    }

    fn commit(&mut self, message: &str, date: usize, parents: &[ObjectId], tree: ObjectId) -> ObjectId {
        let parents: String = parents.iter().map(|parent| format!("parent {parent}\n")).collect();
        let who = format!("T <t@e.x> {} +0000", 1_000_000_000 + 100 * date);
        self.write(Kind::Commit, format!("tree {tree}\n{parents}author {who}\ncommitter {who}\n\n{message}\n").as_bytes())
    }
}

enum Node<'a> {
    File(&'a Entry),
    Folder(Vec<(&'a [u8], &'a Entry)>),
}

/// The entries of a folder, in the order in which a tree has them.
fn folder<'a>(files: &[(&'a [u8], &'a Entry)]) -> Vec<(&'a [u8], Node<'a>)> {
    let mut nodes: BTreeMap<Vec<u8>, (&[u8], Node)> = BTreeMap::new();
    for (path, entry) in files {
        match path.iter().position(|b| *b == b'/') {
            None => drop(nodes.insert(path.to_vec(), (path, Node::File(entry)))),
            Some(end) => {
                let (_, node) = nodes.entry(path[..=end].to_vec()).or_insert_with(|| (&path[..end], Node::Folder(Vec::new())));
                if let Node::Folder(inside) = node {
                    inside.push((&path[end + 1..], entry));
                }
            }
        }
    }
    nodes.into_values().collect()
}

/// A case that can be run again: a shell script that makes the commits in the repository that it is run in, with branches
/// `from`, `ours`, `theirs` and `merge`.
fn script(attributes: &Files, scene: &Scene, what: &str) -> String {
    let mut text = format!(
        r#"# {what}
set -e
blob() {{ printf -- "$1" | git hash-object -w --stdin; }}
entry() {{ printf -- "$1 $2 $3\\t$4\\000"; }}
tree() {{ git mktree -z --missing; }}
commit() {{ # NAME DATE TREE PARENT...
    name=$1 tree=$3; export GIT_AUTHOR_DATE="$2 +0000" GIT_COMMITTER_DATE="$2 +0000"; shift 3
    git update-ref "refs/heads/$name" "$(git commit-tree -m "$name" "$tree" $(printf ' -p %s' "$@"))"
}}
root() {{ git update-ref "refs/heads/$1" "$(GIT_AUTHOR_DATE="$2 +0000" GIT_COMMITTER_DATE="$2 +0000" git commit-tree -m "$1" "$3")"; }}

"#
    );
    let mut folders = 0;
    let files = |files: &Files| files.0.iter().map(|(path, entry)| (path.clone(), entry.clone())).collect::<Vec<_>>();
    let mut commit = |text: &mut String, name: &str, date: usize, parents: &[&str], tree: &Files| {
        let files = files(tree);
        let tree = script_of_tree(text, &files.iter().map(|(path, entry)| (&path[..], entry)).collect::<Vec<_>>(), &mut folders);
        let command = if parents.is_empty() { "root" } else { "commit" };
        writeln!(text, "{command} {name} {} \"${tree}\" {}", 1_000_000_000 + 100 * date, parents.join(" ")).unwrap();
    };
    commit(&mut text, "from", 0, &[], attributes);
    commit(&mut text, "dummy", 1, &[], &Files::default());
    for made in scene {
        let mut parents: Vec<&str> = made.parents.iter().map(|parent| &scene[*parent].name[..]).collect();
        if made.name == "ours" {
            // A merge of three or more is no item of a replay.
            parents.insert(0, "from");
            parents.push("dummy");
        }
        commit(&mut text, &made.name, made.date + 10, &parents, &made.files);
    }
    text += r#"
export GIT_ATTR_SOURCE=from
git merge-tree --write-tree ours theirs >merged || echo "git: a conflict"
tree=$(head -n 1 merged)
commit merge 1000009000 "$tree" ours theirs
# git lex-pr replay --pairs from..merge
"#;
    text
}

/// The commands that make a tree; gives the variable that has its name.
fn script_of_tree(text: &mut String, files: &[(&[u8], &Entry)], folders: &mut usize) -> String {
    let mut entries = String::new();
    for (name, node) in folder(files) {
        let (mode, kind, id) = match node {
            Node::Folder(inside) => (FOLDER, "tree", format!("${}", script_of_tree(text, &inside, folders))),
            Node::File(entry) if entry.mode == MODULE => (MODULE, "commit", entry.content.iter().map(|b| format!("{b:02x}")).collect()),
            Node::File(entry) => (entry.mode, "blob", format!("$(blob '{}')", printf(&entry.content))),
        };
        write!(entries, "\n    entry {mode:06o} {kind} \"{id}\" '{}'", printf(name)).unwrap();
    }
    *folders += 1;
    let variable = format!("tree{folders}");
    match entries.is_empty() {
        true => writeln!(text, "{variable}=$(tree </dev/null)").unwrap(),
        false => writeln!(text, "{variable}=$({{{entries}\n}} | tree)").unwrap(),
    }
    variable
}

/// Bytes as `printf` writes them, within single quotes.
fn printf(bytes: &[u8]) -> String {
    let escape = |byte: &u8| match byte {
        b'\n' => "\\n".into(),
        b'\t' => "\\t".into(),
        b'%' => "%%".into(),
        b'\'' | b'\\' | b'"' | b'$' | b'`' | ..b' ' | 127.. => format!("\\{byte:03o}"),
        byte => char::from(*byte).to_string(),
    };
    bytes.iter().map(escape).collect()
}

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

/// Make a triple that is judged differently as small as it gets: first what was rolled, then the files themselves.
fn shrink(sandbox: &Sandbox, attributes: &Files, tree: &mut impl ValueTree<Value = Triple>) -> (Files, Scene) {
    let differs = |attributes: &Files, scene: &Scene| !judge(sandbox, attributes, std::slice::from_ref(scene), false)[0].agrees();
    let mut smallest = tree.current().scene();
    let mut goes_on = tree.simplify();
    for _ in 0..MOST_STEPS {
        if !goes_on {
            break;
        }
        let scene = tree.current().scene();
        goes_on = if differs(attributes, &scene) {
            smallest = scene;
            tree.simplify()
        } else {
            tree.complicate()
        };
    }
    let attributes = if differs(&Files::default(), &smallest) { Files::default() } else { attributes.clone() };
    // One base, if that is enough.
    for at in 0..smallest.len() - 2 {
        let mut scene: Scene = [at, smallest.len() - 2, smallest.len() - 1].into_iter().map(|at| smallest[at].clone()).collect();
        scene.iter_mut().enumerate().for_each(|(at, commit)| commit.parents = if at == 0 { Vec::new() } else { vec![0] });
        if scene.len() < smallest.len() && differs(&attributes, &scene) {
            smallest = scene;
            break;
        }
    }
    loop {
        let before = smallest.clone();
        let paths: BTreeSet<Vec<u8>> = smallest.iter().flat_map(|commit| commit.files.0.keys().cloned()).collect();
        let mut keep_if_different = |change: &dyn Fn(&mut Scene)| {
            let mut scene = smallest.clone();
            change(&mut scene);
            if scene.iter().zip(&smallest).any(|(one, other)| one.files != other.files) && differs(&attributes, &scene) {
                smallest = scene;
            }
        };
        for path in &paths {
            keep_if_different(&|scene| scene.iter_mut().for_each(|commit| drop(commit.files.0.remove(path))));
            for at in 0..before.len() {
                keep_if_different(&|scene| {
                    if let Some(parent) = scene[at].parents.first() {
                        let entry = scene[*parent].files.0.get(path).cloned();
                        scene[at].files.0.remove(path);
                        entry.into_iter().for_each(|entry| scene[at].files.put(path, entry));
                    }
                });
            }
        }
        let contents = before.iter().flat_map(|commit| commit.files.0.values()).filter(|entry| entry.is_file());
        let lines: BTreeSet<&[u8]> = contents.flat_map(|entry| entry.content.split_inclusive(|b| *b == b'\n')).collect();
        for line in lines {
            keep_if_different(&|scene| {
                let entries = scene.iter_mut().flat_map(|commit| commit.files.0.values_mut());
                for entry in entries.filter(|entry| entry.is_file()) {
                    entry.content =
                        entry.content.split_inclusive(|b| *b == b'\n').filter(|other| *other != line).collect::<Vec<_>>().concat();
                }
            });
        }
        if smallest.iter().zip(&before).all(|(one, other)| one.files == other.files) {
            return (attributes, smallest);
        }
    }
}

/// Of one kind of triple: how many were tried, how many of them conflict, and how many the weave asked git about.
type Tally = BTreeMap<String, [usize; 3]>;

/// Longer than this took a weave only if it asked git, in microseconds.
const ASKED_GIT: u64 = 2500;

/// Try one batch; gives what was found, as the names of the files that keep it.
fn try_batch(seed: u64, twice: bool, tally: &mut Tally) -> Vec<String> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let sandbox = Sandbox::new();
    let attributes = attributes().new_tree(&mut runner).unwrap().current();
    let modes = [FILE, EXECUTABLE, if seed % 8 == 7 { GROUP_WRITABLE } else { FILE }];
    let mut trees: Vec<_> = (0..BATCH).map(|_| a_triple(modes).new_tree(&mut runner).unwrap()).collect();
    let triples: Vec<Triple> = trees.iter().map(ValueTree::current).collect();
    let scenes: Vec<Scene> = triples.iter().map(Triple::scene).collect();
    let verdicts = judge(&sandbox, &attributes, &scenes, twice);
    let mut found = Vec::new();
    for (at, verdict) in verdicts.iter().enumerate() {
        let with = (!attributes.0.is_empty()).then(|| "with attributes".to_string());
        for kind in triples[at].kinds().into_iter().chain(["all".to_string()]).chain(with) {
            let row = tally.entry(kind).or_default();
            let is = [true, verdict.git == Git::Conflict.to_string(), verdict.micros > ASKED_GIT];
            row.iter_mut().zip(is).for_each(|(count, is)| *count += usize::from(is));
        }
        // One of a batch is enough to shrink, which takes long.
        if !verdict.agrees() && found.is_empty() {
            let (attributes, scene) = shrink(&sandbox, &attributes, &mut trees[at]);
            let verdict = judge(&sandbox, &attributes, std::slice::from_ref(&scene), false).remove(0);
            let what = format!("Found by seed {seed}, triple {at}. Git says {}; the weave said {}.", verdict.git, verdict.weave);
            let path = cases().join(format!("found-{seed}-{at}.sh"));
            std::fs::create_dir_all(cases()).unwrap();
            std::fs::write(&path, script(&attributes, &scene, &what)).unwrap();
            eprintln!("{what} {}", path.display());
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn invented_histories_are_woven_as_git_merges_them() {
    let number = |name: &str| std::env::var(name).ok().map(|n| n.parse::<u64>().expect(name));
    let clock = || std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() << 20;
    let (batches, seed) = match number("LEX_PR_FUZZ_CASES") {
        None => (BATCHES as u64, number("LEX_PR_FUZZ_SEED").unwrap_or(0)),
        Some(batches) => (batches, number("LEX_PR_FUZZ_SEED").unwrap_or_else(clock)),
    };
    let (mut found, mut tally) = (Vec::new(), Tally::new());
    for batch in 0..batches {
        found.extend(try_batch(seed + batch, batch % 10 == 0, &mut tally));
        if found.len() >= 3 {
            break;
        }
    }
    eprintln!("from seed {seed}: tried, conflicts, asked git");
    tally.iter().for_each(|(kind, counts)| eprintln!("{kind:>28} {counts:?}"));
    assert!(found.is_empty(), "the weave is not git's; kept for the next run: {found:#?}");
}

#[test]
fn kept_cases_are_woven_as_git_merges_them() {
    let mut kept: Vec<PathBuf> = std::fs::read_dir(cases()).unwrap().map(|entry| entry.unwrap().path()).collect();
    kept.sort();
    assert!(!kept.is_empty());
    let mut different = Vec::new();
    for path in kept {
        let sandbox = Sandbox::new();
        let made = sandbox.command("sh", &sandbox.repo).arg(&path).output().unwrap();
        assert!(made.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&made.stderr));
        let from = ObjectId::from_hex(sandbox.head("from^{tree}").as_bytes()).unwrap();
        let id = |name: &str| ObjectId::from_hex(sandbox.head(name).as_bytes()).unwrap();
        let git = merges_by_git(&sandbox, from, &[(id("ours"), id("theirs"))])[0];
        let merges = sandbox.lex(&["replay", "--pairs", "--off", "mechanical", "from..merge", "--json"]);
        let merge = if merges.status < 2 { merges.json()["merges"][0].take() } else { merges.stderr.into() };
        let clean = merge["weave"].is_string();
        let same = merge["sameAsGit"] == true && clean == git.tree().is_some() && (!clean || merge["sameAsRecorded"] == true);
        if !same {
            different.push(format!("{}: git says {}, the weave {merge}", path.display(), git));
        }
    }
    assert!(different.is_empty(), "{different:#?}");
}
