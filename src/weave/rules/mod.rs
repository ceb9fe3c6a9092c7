//! The mechanical rung of the ladder: rules that resolve what git's merge of a file leaves in conflict, each only where its
//! answer is beyond doubt. Pure functions over the three texts: the same clash gives the same bytes on every machine.

mod changelog;
mod data;
mod guard;
mod hunks;
mod imports;
mod json_keys;
mod keep;
mod keys;
mod layout;
mod lines;
mod splice;
mod statement;
mod toml_keys;
mod versions;
mod yaml_keys;

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Beyond this a file is no longer one that people edit by hand.
const MAX_BYTES: usize = 1 << 20;

/// A file that both sides changed and that git's merge leaves in conflict.
#[derive(Clone, Copy, Debug)]
pub struct Clash<'a> {
    /// Where it is in the tree, parted by `/`.
    pub path: &'a str,
    /// What both sides began with; none where both added it.
    pub base: Option<&'a [u8]>,
    /// What it is in the tip.
    pub ours: &'a [u8],
    /// What it is in the item.
    pub theirs: &'a [u8],
}

/// What a rule made of a clash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The rule.
    pub rule: Rule,
    /// The file as it is now.
    pub content: Vec<u8>,
    /// What was done, in one line, for the weave commit and the report.
    pub why: String,
}

/// The rules there are, in the order in which they are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Keys of TOML tables.
    TomlKeys,
    /// Keys of JSON objects.
    JsonKeys,
    /// Keys of YAML mappings.
    YamlKeys,
    /// Import statements.
    Imports,
    /// Entries of changelogs.
    Changelog,
    /// Lines of lists.
    Lines,
}

impl Rule {
    /// All of them, in the order in which they are tried.
    pub const ALL: [Rule; 6] = [Rule::TomlKeys, Rule::JsonKeys, Rule::YamlKeys, Rule::Imports, Rule::Changelog, Rule::Lines];

    /// Its name, as it is written in `lex-pr.toml` and in weave commits.
    pub const fn name(self) -> &'static str {
        match self {
            Rule::TomlKeys => "toml-keys",
            Rule::JsonKeys => "json-keys",
            Rule::YamlKeys => "yaml-keys",
            Rule::Imports => "imports",
            Rule::Changelog => "changelog",
            Rule::Lines => "lines",
        }
    }

    /// What it does, in one sentence.
    pub const fn about(self) -> &'static str {
        match self {
            Rule::TomlKeys => "Merges TOML by key, and takes the higher of two compatible versions of a dependency.",
            Rule::JsonKeys => "Merges JSON by key, and takes the higher of two compatible versions of a dependency.",
            Rule::YamlKeys => "Merges block mappings of YAML by key, and takes the higher of two compatible versions of a dependency.",
            Rule::Imports => "Keeps the import statements of both sides, sorted where they were sorted.",
            Rule::Changelog => "Keeps the entries that both sides added to a changelog, in item order.",
            Rule::Lines => "Keeps the lines that both sides added to a list such as .gitignore, each once.",
        }
    }

    fn apply(self, texts: &Texts) -> Option<(String, String)> {
        match self {
            Rule::TomlKeys => keys::resolve(texts, &toml_keys::TOML),
            Rule::JsonKeys => keys::resolve(texts, &json_keys::JSON),
            Rule::YamlKeys => keys::resolve(texts, &yaml_keys::YAML),
            Rule::Imports => imports::resolve(texts),
            Rule::Changelog => changelog::resolve(texts),
            Rule::Lines => lines::resolve(texts),
        }
    }
}

/// Resolve a clash by the first rule that can, except those that are `off`.
pub fn resolve(clash: &Clash, off: &[Rule]) -> Option<Resolved> {
    if guard::forbids(clash.path) {
        return None;
    }
    let texts = Texts::of(clash)?;
    Rule::ALL.into_iter().filter(|rule| !off.contains(rule)).find_map(|rule| {
        let (content, why) = rule.apply(&texts)?;
        Some(Resolved { rule, content: texts.finish(content), why })
    })
}

/// The texts of a clash, each with its last line ended, so that what is put behind it begins a line.
struct Texts<'a> {
    path: &'a str,
    base: Option<String>,
    ours: String,
    theirs: String,
    /// Both sides left their last line open.
    open_end: bool,
}

impl<'a> Texts<'a> {
    fn of(clash: &Clash<'a>) -> Option<Self> {
        let is_plain = |text: &String| text.len() <= MAX_BYTES && !text.contains('\0') && !text.ends_with('\r');
        let text = |content: &[u8]| {
            let mut text = String::from_utf8(content.to_vec()).ok().filter(is_plain)?;
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            Some(text)
        };
        Some(Texts {
            path: clash.path,
            base: clash.base.map(text).map_or(Some(None), |base| base.map(Some))?,
            ours: text(clash.ours)?,
            theirs: text(clash.theirs)?,
            open_end: !clash.ours.ends_with(b"\n") && !clash.theirs.ends_with(b"\n"),
        })
    }

    /// The name of the file, in lower case.
    fn name(&self) -> String {
        self.path.rsplit('/').next().unwrap_or_default().to_lowercase()
    }

    fn base(&self) -> &str {
        self.base.as_deref().unwrap_or_default()
    }

    fn finish(&self, mut content: String) -> Vec<u8> {
        if self.open_end && content.ends_with('\n') {
            content.pop();
        }
        content.into_bytes()
    }
}
