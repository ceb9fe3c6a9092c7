//! The files that a new gate begins with.

/// What a gate is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Lua, which needs nothing but this program.
    Lua,
}

/// A file of a new gate.
pub struct Template {
    /// Its path in the folder of the gate.
    pub path: &'static str,
    /// What it holds.
    pub text: String,
    /// Whether it can be executed.
    pub executable: bool,
}

/// The types of a Lua gate, for editors.
pub const LUA_TYPES: &str = include_str!("../../plugins/lua/gate.d.luau");

/// A file of the folder that holds the templates.
macro_rules! template {
    ($folder:literal, $path:literal) => {
        Template { path: $path, text: include_str!(concat!("../../plugins/", $folder, "/", $path)).into(), executable: false }
    };
}

/// The files of a gate in `language`; it passes the cases among them.
pub fn files(language: Language) -> Vec<Template> {
    match language {
        Language::Lua => vec![
            template!("templates/lua", "gate.lua"),
            template!("templates/lua", "cases/long.toml"),
            template!("templates/lua", "cases/short.toml"),
        ],
    }
}
