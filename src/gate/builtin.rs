//! The gates that ship with this program, as readable Lua in `gates/`.

use crate::model::{Error, Result, error::nearest};

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        /// Name and source of each.
        pub const ALL: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../gates/", $name, "/gate.lua")))),*];
    };
}

shipped![
    "binaries",
    "codeowners",
    "commit-message",
    "conflict-markers",
    "dependency-changes",
    "diff-size",
    "forbidden-paths",
    "generated-in-sync",
    "large-files",
    "license-header",
    "line-endings",
    "merge-commits",
    "secrets",
    "todo-budget",
    "trailers",
];

/// The source of the built-in gate `name`.
pub fn source(name: &str) -> Result<&'static str> {
    let names = || ALL.iter().map(|(name, _)| *name);
    ALL.iter().find(|(known, _)| *known == name).map(|(_, source)| *source).ok_or_else(|| {
        let hint = match nearest(name, names()) {
            Some(near) => format!("did you mean `builtin:{near}`?"),
            None => format!("there are: {}", names().collect::<Vec<_>>().join(", ")),
        };
        Error::input("unknown-plugin", format!("there is no built-in gate `{name}`")).hint(hint)
    })
}
