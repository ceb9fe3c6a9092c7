//! The gates that ship with this program, as readable Lua in `gates/`.

use crate::model::{
    Error, Result,
    error::{Location, nearest},
    gate::{BUILTIN, GateSpec},
};

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

/// Refuse the first of `gates` that names a built-in gate which there is not: a typo, which would never pass.
pub fn check<'g>(gates: impl IntoIterator<Item = &'g GateSpec>) -> Result<()> {
    for gate in gates {
        if let Some(name) = gate.plugin.as_deref().and_then(|plugin| plugin.strip_prefix(BUILTIN)) {
            source(name).map_err(|error| error.at(Location::new(format!("gate {}", gate.name)).at_path("plugin")))?;
        }
    }
    Ok(())
}
