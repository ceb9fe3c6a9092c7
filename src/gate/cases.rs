//! The cases of a gate: candidates that its author made up, and what the gate must say of each.
//!
//! They lie beside the gate: in `cases/` for `gate.lua`, `gate.luau` and `gate.wasm`, in `NAME.cases/` for any other file. A
//! case is `NAME.toml`, or a folder with `case.toml` and whole trees in `before/` and `after/`.

use super::{Said, builtin};
use crate::{
    config::read_toml,
    model::{
        Error, Result,
        error::Location,
        gate::{BUILTIN, GateSpec, PLUGIN_SUFFIXES},
        verdict::{Annotation, Answer, Severity},
    },
    repo::is_branch_name,
};
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, value::MapAccessDeserializer},
};
use serde_json::{Map, Value};
use std::{
    collections::BTreeMap,
    fmt,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use toml::de::DeTable;

/// What a gate is called in a folder of its own, without suffix.
const GATE: &str = "gate";

/// The file of a case that has a folder of its own.
const CASE_FILE: &str = "case.toml";

/// Largest file that a case makes up, in bytes.
const MAX_FILE_BYTES: usize = 256 << 20;

/// A gate with its cases.
#[derive(Debug)]
pub struct Suite {
    /// The gate's name: that of its folder, or of its file.
    pub name: String,
    /// What judges, as `plugin` in lex-pr.toml names it, but from the folder in which it was looked for.
    pub plugin: String,
    /// Its cases, by name.
    pub cases: Vec<Case>,
}

/// A candidate, and what the gate must say of it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Its name: that of its file or folder.
    #[serde(skip)]
    pub name: String,
    /// Its file.
    #[serde(skip)]
    pub file: String,
    #[serde(skip)]
    source: String,
    /// One line: what it shows.
    #[serde(default)]
    pub about: String,
    /// The item's name.
    #[serde(default = "item")]
    pub item: String,
    /// The branch that it lands on.
    #[serde(default = "main")]
    pub target: String,
    /// The gate's config.
    #[serde(default)]
    pub config: Map<String, Value>,
    /// What of the machine the gate is granted.
    #[serde(default)]
    pub allow: Vec<String>,
    /// The files of the base, by path.
    #[serde(default)]
    pub before: BTreeMap<TreePath, Entry>,
    /// The files in which the candidate differs, by path; `false` for one that it deletes.
    #[serde(default)]
    pub after: BTreeMap<TreePath, Entry>,
    /// The item's own commits, oldest first; one with the message "Change" where there is none.
    #[serde(default, rename = "commit")]
    pub commits: Vec<CaseCommit>,
    /// What gates that this one needs have said of the candidate.
    #[serde(default)]
    pub earlier: BTreeMap<String, Earlier>,
    /// What the gate must say.
    pub expect: Expect,
}

fn item() -> String {
    "item".into()
}

fn main() -> String {
    "main".into()
}

/// A path in a tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct TreePath(String);

impl TreePath {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TreePath {
    type Error = String;

    fn try_from(path: String) -> Result<Self, String> {
        let bad = |part: &str| matches!(part, "" | "." | "..") || part.eq_ignore_ascii_case(".git");
        match path.contains('\0') || path.split('/').any(bad) {
            true => Err(format!("`{path}` is no path of a file in a repository")),
            false => Ok(TreePath(path)),
        }
    }
}

/// What a case has at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A file, a link or a submodule.
    File(FileMode, Vec<u8>),
    /// Nothing any more.
    Gone,
}

/// What a file of a case is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FileMode {
    /// A file.
    #[default]
    File,
    /// A file that can be executed.
    Executable,
    /// A link; its text is where it leads.
    Symlink,
    /// A submodule; its text is the commit.
    Submodule,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WholeEntry {
    /// What it holds.
    text: Option<String>,
    /// The same in hex, for what is no text.
    hex: Option<String>,
    /// How often that stands there.
    repeat: Option<usize>,
    /// What it is.
    #[serde(default)]
    mode: FileMode,
}

impl WholeEntry {
    fn into_entry(self) -> Result<Entry, String> {
        let once = match (self.text, self.hex) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(hex)) => bytes(&hex).ok_or("`hex` is two digits of 0-9 and a-f for each byte")?,
            _ => return Err("a file has either `text` or `hex`".into()),
        };
        let repeat = self.repeat.unwrap_or(1);
        if once.len().saturating_mul(repeat) > MAX_FILE_BYTES {
            return Err(format!("a file of a case has at most {MAX_FILE_BYTES} bytes"));
        }
        Ok(Entry::File(self.mode, once.repeat(repeat)))
    }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = hex.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().filter_map(|[high, low]| u8::try_from(high * 16 + low).ok()).collect())
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        // An untagged enum would say that no variant fits, and not which key is wrong.
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Entry;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a text, `false`, or a table with `text` or `hex`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Entry, E> {
                Ok(Entry::File(FileMode::File, text.into()))
            }

            fn visit_bool<E: de::Error>(self, there: bool) -> Result<Entry, E> {
                match there {
                    false => Ok(Entry::Gone),
                    true => Err(E::custom("a file is its text, or `false` where it is deleted")),
                }
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Entry, A::Error> {
                WholeEntry::deserialize(MapAccessDeserializer::new(map))?.into_entry().map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for Entry {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Entry".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let whole = generator.subschema_for::<WholeEntry>();
        schemars::json_schema!({ "anyOf": [{ "type": "string" }, { "const": false }, whole] })
    }
}

/// A commit of the item.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseCommit {
    /// Its message; where it ends in no line end, it gets one, as git gives it.
    #[serde(default = "change")]
    pub message: String,
    /// Who wrote it, as `Name <mail>`.
    #[serde(default)]
    pub author: Person,
    /// Who committed it; the author where nothing is said.
    pub committer: Option<Person>,
    /// Whether it merges the target into the item.
    #[serde(default)]
    pub merge: bool,
}

fn change() -> String {
    "Change".into()
}

impl Default for CaseCommit {
    fn default() -> Self {
        CaseCommit { message: change(), author: Person::default(), committer: None, merge: false }
    }
}

/// A person of a commit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct Person {
    /// The name.
    pub name: String,
    /// The mail address.
    pub email: String,
}

impl Default for Person {
    fn default() -> Self {
        Person { name: "Tess".into(), email: "tess@example.com".into() }
    }
}

impl TryFrom<String> for Person {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parts = text.strip_suffix('>').and_then(|text| text.split_once('<'));
        match parts {
            Some((name, email)) if !format!("{name}{email}").contains(['<', '>', '\n', '\0']) => {
                Ok(Person { name: name.trim().into(), email: email.trim().into() })
            }
            _ => Err(format!("`{text}` is no person; write \"Name <mail>\"")),
        }
    }
}

/// What another gate has said.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Earlier {
    /// Its answer.
    pub answer: Answer,
    /// Its summary.
    #[serde(default)]
    pub summary: String,
    /// Its annotations.
    #[serde(default)]
    pub annotations: Vec<Annotation>,
    /// What it found.
    #[serde(default)]
    pub facts: Map<String, Value>,
}

/// What a gate must say of a case.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Its answer; `error` where it must fail itself.
    pub verdict: Answer,
    /// A part of its summary.
    pub summary: Option<String>,
    /// Its annotations, in order.
    pub annotations: Option<Vec<ExpectedAnnotation>>,
    /// Its facts, all of them.
    pub facts: Option<Map<String, Value>>,
}

/// An annotation that a gate must make; what is absent may be anything.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectedAnnotation {
    /// Its path.
    pub path: Option<String>,
    /// Its line.
    pub line: Option<usize>,
    /// Its severity.
    pub severity: Option<Severity>,
    /// A part of its message.
    pub message: Option<String>,
    /// What the line should be instead.
    pub replacement: Option<String>,
}

/// A line of what is compared, in the order to print it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compared {
    /// The gate said it, and nothing else was expected.
    Same(String),
    /// It was expected.
    Expected(String),
    /// It was said instead.
    Got(String),
}

impl Compared {
    /// Whether it tells of a difference.
    pub fn differs(&self) -> bool {
        !matches!(self, Compared::Same(_))
    }
}

impl Expect {
    /// Lay what the gate said beside what it must say.
    pub fn compare(&self, said: &Said) -> Vec<Compared> {
        let mut lines = Vec::new();
        let mut line = |what: &str, same: bool, expected: String, got: String| {
            if same {
                lines.push(Compared::Same(format!("{what}: {got}")));
            } else {
                lines.push(Compared::Expected(format!("{what}: {expected}")));
                lines.push(Compared::Got(format!("{what}: {got}")));
            }
        };
        line("verdict", self.verdict == said.answer, self.verdict.to_string(), said.answer.to_string());
        let part = self.summary.as_deref().unwrap_or_default();
        line("summary", said.summary.contains(part), format!("... {part} ..."), said.summary.clone());
        lines.extend(self.compare_annotations(said));
        lines.extend(self.compare_facts(said));
        lines
    }

    fn compare_annotations(&self, said: &Said) -> Vec<Compared> {
        let got = |annotation: &Annotation| format!("at {}", shown(annotation));
        let Some(expected) = &self.annotations else { return said.annotations.iter().map(|a| Compared::Same(got(a))).collect() };
        let (mut wanted, mut found) = (&expected[..], &said.annotations[..]);
        let (mut above, mut below) = (Vec::new(), Vec::new());
        while let ([w, wanted_rest @ ..], [f, found_rest @ ..]) = (wanted, found)
            && w.fits(f)
        {
            above.push(Compared::Same(got(f)));
            (wanted, found) = (wanted_rest, found_rest);
        }
        while let ([wanted_rest @ .., w], [found_rest @ .., f]) = (wanted, found)
            && w.fits(f)
        {
            below.insert(0, Compared::Same(got(f)));
            (wanted, found) = (wanted_rest, found_rest);
        }
        above.extend(wanted.iter().map(|w| Compared::Expected(format!("at {w}"))));
        above.extend(found.iter().map(|f| Compared::Got(got(f))));
        above.extend(below);
        above
    }

    fn compare_facts(&self, said: &Said) -> Vec<Compared> {
        let mut keys: Vec<&String> = self.facts.iter().flat_map(Map::keys).chain(said.facts.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut lines = Vec::new();
        for key in keys {
            let line = |value: &Value| format!("facts.{key}: {value}");
            let got = said.facts.get(key);
            let expected = self.facts.as_ref().map_or(got, |facts| facts.get(key));
            match (expected, got) {
                (Some(expected), Some(got)) if alike(expected, got) => lines.push(Compared::Same(line(got))),
                (expected, got) => {
                    lines.extend(expected.map(|value| Compared::Expected(line(value))));
                    lines.extend(got.map(|value| Compared::Got(line(value))));
                }
            }
        }
        lines
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Notice => "notice",
    }
}

/// An annotation on one line.
fn shown(annotation: &Annotation) -> String {
    let Annotation { severity, message, replacement, .. } = annotation;
    let replacement = replacement.as_ref().map(|text| format!(" -> {text:?}")).unwrap_or_default();
    format!("{} ({}): {message}{replacement}", annotation.place(), word(*severity))
}

impl fmt::Display for ExpectedAnnotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path.as_deref().unwrap_or("any file"))?;
        self.line.map_or(Ok(()), |line| write!(f, ":{line}"))?;
        self.severity.map_or(Ok(()), |severity| write!(f, " ({})", word(severity)))?;
        self.message.as_ref().map_or(Ok(()), |message| write!(f, ": ... {message} ..."))?;
        self.replacement.as_ref().map_or(Ok(()), |text| write!(f, " -> {text:?}"))
    }
}

impl ExpectedAnnotation {
    fn fits(&self, got: &Annotation) -> bool {
        self.path.as_ref().is_none_or(|path| *path == got.path)
            && self.line.is_none_or(|line| Some(line) == got.line)
            && self.severity.is_none_or(|severity| severity == got.severity)
            && self.message.as_ref().is_none_or(|part| got.message.contains(part))
            && self.replacement.as_ref().is_none_or(|text| Some(text) == got.replacement.as_ref())
    }
}

/// Whether two values are one: Lua has but one kind of number, TOML and JSON have two.
fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
        (Value::Object(a), Value::Object(b)) => a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| alike(a, b))),
        _ => a == b,
    }
}

impl Case {
    /// Read a case from `text`, the content of `file`.
    pub fn parse(text: &str, file: &str) -> Result<Case> {
        let case: Case = read_toml(text, file, "`git lex-pr schema case` prints what a case holds")?;
        let case = Case { file: file.into(), source: text.into(), ..case };
        let wrong = |path: &[&str], message: String, hint: &str| Err(Error::input("bad-value", message).at(case.at(path)).hint(hint));
        if !is_branch_name(&case.target) {
            return wrong(&["target"], format!("`{}` is no valid branch name", case.target), "name a branch, such as \"main\"");
        }
        if let Some((path, _)) = case.before.iter().find(|(_, entry)| **entry == Entry::Gone) {
            let message = format!("`{}` cannot be deleted before there is anything", path.as_str());
            return wrong(&["before", path.as_str()], message, "take the line out, or put it into [after]");
        }
        if let Err((message, hint)) = case.gate(GATE, "gate.lua").check() {
            return wrong(&["allow"], message, &hint);
        }
        Ok(case)
    }

    /// Where the key at `path` stands.
    pub fn at(&self, path: &[&str]) -> Location {
        let at = Location::new(&self.file);
        let Ok(document) = DeTable::parse(&self.source) else { return at };
        let (mut table, mut offset) = (Some(document.get_ref()), 0);
        for key in path {
            let Some((key, value)) = table.and_then(|table| table.get_key_value(*key)) else { break };
            (table, offset) = (value.get_ref().as_table(), key.span().start);
        }
        at.at_offset(&self.source, offset)
    }

    /// The gate `name`, whose plugin is `plugin`, as this case configures it.
    pub fn gate(&self, name: &str, plugin: &str) -> GateSpec {
        let plugin = Some(plugin.to_string());
        GateSpec { run: None, plugin, config: self.config.clone(), ..GateSpec::command(name, String::new(), None, &self.allow) }
    }
}

/// The gates that `path` in the folder `dir` means, with their cases: a gate's file, its folder, a folder of gates, or
/// `builtin:NAME`, whose cases lie in `gates/NAME/cases`. All of them are tried on those in the folder `cases` where one is given.
pub fn find(dir: &Path, path: &str, cases: Option<&str>) -> Result<Vec<Suite>> {
    if let Some(name) = path.strip_prefix(BUILTIN) {
        builtin::source(name)?;
        let beside = format!("gates/{name}/cases");
        return Ok(vec![suite(dir, name.into(), path.into(), cases.unwrap_or(&beside))?]);
    }
    let place = dir.join(path);
    if place.is_file() {
        if suffix(path).is_none() {
            let hint = format!("a gate's file ends in {}", PLUGIN_SUFFIXES.join(", "));
            return Err(Error::input("no-gate", format!("{path} is no gate")).hint(hint));
        }
        return Ok(vec![of_file(dir, path, cases)?]);
    }
    if !place.is_dir() {
        let hint = "give the path of a gate's file or folder, or `builtin:NAME`";
        return Err(Error::input("no-file", format!("there is no {path}")).hint(hint));
    }
    let prefix = match path {
        "." | "./" => String::new(),
        _ if path.ends_with('/') => path.into(),
        _ => format!("{path}/"),
    };
    let mut files = in_folder(dir, &prefix);
    if files.is_empty() {
        for (name, is_folder) in entries(&place)? {
            let path = format!("{prefix}{name}");
            if is_folder {
                files.extend(in_folder(dir, &format!("{path}/")));
            } else if suffix(&name).is_some() && dir.join(cases_of(&path)).is_dir() {
                files.push(path);
            }
        }
    }
    if files.is_empty() {
        let hint = "a gate in a folder of its own is called gate.lua, gate.luau or gate.wasm; one in another language is built first";
        return Err(Error::input("no-gate", format!("there is no gate with cases in {path}")).hint(hint));
    }
    files.iter().map(|file| of_file(dir, file, cases)).collect()
}

fn suffix(path: &str) -> Option<&'static str> {
    PLUGIN_SUFFIXES.into_iter().find(|suffix| path.ends_with(suffix))
}

/// Gates that have a folder, `prefix`, for themselves.
fn in_folder(dir: &Path, prefix: &str) -> Vec<String> {
    let paths = PLUGIN_SUFFIXES.iter().map(|suffix| format!("{prefix}{GATE}{suffix}"));
    paths.filter(|path| dir.join(path).is_file()).collect()
}

/// Where the cases of the gate at `path` lie.
fn cases_of(path: &str) -> String {
    let stem = suffix(path).and_then(|suffix| path.strip_suffix(suffix)).unwrap_or(path);
    match stem.strip_suffix(GATE) {
        Some(folder) if folder.is_empty() || folder.ends_with('/') => format!("{folder}cases"),
        _ => format!("{stem}.cases"),
    }
}

fn of_file(dir: &Path, path: &str, cases: Option<&str>) -> Result<Suite> {
    let whole = std::path::absolute(dir.join(path)).map_err(|e| Error::io(format_args!("find {path}"), e))?;
    let stem = |path: &Path| path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = match stem(&whole) {
        name if name == GATE => whole.parent().and_then(Path::file_name).map_or(name, |folder| folder.to_string_lossy().into_owned()),
        name => name,
    };
    suite(dir, name, path.into(), cases.unwrap_or(&cases_of(path)))
}

fn suite(dir: &Path, name: String, plugin: String, folder: &str) -> Result<Suite> {
    let none = |message: String| {
        let hint = format!("write what the gate must say to {folder}/NAME.toml; `git lex-pr schema case` prints what such a file holds");
        Err(Error::input("no-cases", message).hint(hint))
    };
    if !dir.join(folder).is_dir() {
        return none(format!("{plugin} has no cases: there is no folder {folder}"));
    }
    let mut cases = Vec::new();
    for (entry, is_folder) in entries(&dir.join(folder))? {
        if is_folder {
            cases.push(of_folder(dir, &format!("{folder}/{entry}"), entry)?);
        } else if let Some(name) = entry.strip_suffix(".toml") {
            let file = format!("{folder}/{entry}");
            cases.push(Case { name: name.into(), ..read(dir, &file)? });
        }
    }
    if cases.is_empty() {
        return none(format!("{plugin} has no cases: {folder} holds none"));
    }
    Ok(Suite { name, plugin, cases })
}

fn read(dir: &Path, file: &str) -> Result<Case> {
    let bytes = std::fs::read(dir.join(file)).map_err(|e| {
        Error::input("no-file", format!("could not read {file}: {e}")).hint(format!("a case in a folder of its own is called {CASE_FILE}"))
    })?;
    let text = String::from_utf8(bytes).map_err(|e| {
        Error::input("bad-toml", format!("{file} is not UTF-8 from byte {} on", e.utf8_error().valid_up_to()))
            .hint("write bytes that are no text as `hex`")
    })?;
    Case::parse(&text, file)
}

/// A case with whole trees; what its file says of single paths comes on top.
fn of_folder(dir: &Path, folder: &str, name: String) -> Result<Case> {
    let mut case = Case { name, ..read(dir, &format!("{folder}/{CASE_FILE}"))? };
    let (before, after) = (dir.join(folder).join("before"), dir.join(folder).join("after"));
    let mut base = BTreeMap::new();
    if before.is_dir() {
        add_tree(&before, "", &mut base)?;
    }
    base.extend(std::mem::take(&mut case.before));
    if after.is_dir() {
        let mut tree = BTreeMap::new();
        add_tree(&after, "", &mut tree)?;
        let gone = base.keys().filter(|path| !tree.contains_key(path)).map(|path| (path.clone(), Entry::Gone)).collect::<Vec<_>>();
        tree.extend(gone);
        tree.extend(std::mem::take(&mut case.after));
        case.after = tree;
    }
    case.before = base;
    Ok(case)
}

fn add_tree(folder: &Path, prefix: &str, tree: &mut BTreeMap<TreePath, Entry>) -> Result<()> {
    for (name, is_folder) in entries(folder)? {
        let (place, path) = (folder.join(&name), format!("{prefix}{name}"));
        if is_folder {
            add_tree(&place, &format!("{path}/"), tree)?;
            continue;
        }
        let reading = |e: std::io::Error| Error::io(format_args!("read {}", place.display()), e);
        let about = std::fs::symlink_metadata(&place).map_err(reading)?;
        let entry = if about.is_symlink() {
            let leads = std::fs::read_link(&place).map_err(reading)?;
            Entry::File(FileMode::Symlink, leads.into_os_string().into_encoded_bytes())
        } else {
            let mode = if about.permissions().mode() & 0o100 == 0 { FileMode::File } else { FileMode::Executable };
            Entry::File(mode, std::fs::read(&place).map_err(reading)?)
        };
        let path = TreePath::try_from(path).map_err(|message| {
            Error::input("bad-value", message).at(Location::new(place.display().to_string())).hint("rename it, or take it out")
        })?;
        tree.insert(path, entry);
    }
    Ok(())
}

/// The entries of a folder, sorted, each with whether it is a folder itself and no link to one.
fn entries(folder: &Path) -> Result<Vec<(String, bool)>> {
    let reading = |e: std::io::Error| Error::io(format_args!("list {}", folder.display()), e);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(reading)? {
        let entry = entry.map_err(reading)?;
        let name = entry.file_name().into_string().map_err(|name| {
            let place: PathBuf = folder.join(name);
            Error::input("bad-value", format!("the name of {} is no UTF-8", place.display()))
                .hint("rename it, or write it into the case as text")
        })?;
        found.push((name, entry.file_type().map_err(reading)?.is_dir()));
    }
    found.sort();
    Ok(found)
}
