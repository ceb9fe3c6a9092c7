//! The files that a new gate begins with: the finished examples of `plugins/`, made to stand by themselves.

/// What a gate is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Lua, which needs nothing but this program.
    Lua,
    /// Rust, built as a WASM component.
    Rust,
    /// C, built as a WASM component.
    C,
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

/// The files at `paths` in a folder of `plugins/`, each called as there or by another name.
macro_rules! templates {
    ($folder:literal: $($path:literal $(as $name:literal)?),* $(,)?) => {
        vec![$(template(templates!(@name $path $($name)?), include_str!(concat!("../../plugins/", $folder, "/", $path)))),*]
    };
    (@name $path:literal) => { $path };
    (@name $path:literal $name:literal) => { $name };
}

fn template(path: &'static str, text: &str) -> Template {
    Template { path, text: text.into(), executable: path.ends_with(".sh") }
}

impl Language {
    /// The file that lex-pr.toml names.
    pub fn gate_file(self) -> &'static str {
        match self {
            Language::Lua => "gate.lua",
            Language::Rust | Language::C => "gate.wasm",
        }
    }

    /// Whether that file is made out of the others.
    pub fn is_built(self) -> bool {
        self != Language::Lua
    }

    /// The files of a new gate; once built it passes the cases among them.
    pub fn files(self) -> Vec<Template> {
        match self {
            Language::Lua => templates!("templates/lua": "gate.lua", "cases/long.toml", "cases/short.toml"),
            Language::Rust => rust(),
            Language::C => c(),
        }
    }
}

/// The example, and the crate that it builds with: a person who has but this program has no other copy of it.
fn rust() -> Vec<Template> {
    let mut files = templates!(
        "examples/rust-todo":
        "Cargo.toml",
        "Cargo.lock",
        "build.sh",
        "src/lib.rs",
        "cases/config.toml",
        "cases/names-issue.toml",
        "cases/names-none.toml",
        "cases/not-a-word.toml",
        "cases/was-there.toml",
    );
    for file in &mut files {
        file.text = match file.path {
            "Cargo.toml" => file.text.replace("\"../../rust\"", "\"sdk\"").replace("\"rust-todo\"", "\"gate\""),
            "Cargo.lock" => renamed_lock(&file.text),
            _ => continue,
        };
    }
    files.push(template(".gitignore", "/target\n"));
    let mut sdk =
        templates!("rust": "Cargo.toml" as "sdk/Cargo.toml", "src/lib.rs" as "sdk/src/lib.rs", "wit/gate.wit" as "sdk/wit/gate.wit");
    for file in sdk.iter_mut().filter(|file| file.path == "sdk/Cargo.toml") {
        // It is a member of the gate's workspace here, and cannot be the root of another.
        let is_of_workspace = |line: &str| line == "[workspace]" || line.starts_with('#');
        file.text = file.text.split_inclusive('\n').filter(|line| !is_of_workspace(line.trim_end())).collect();
    }
    files.append(&mut sdk);
    files
}

/// The lock file for the crate's other name. `--locked` wants the very bytes that cargo would write, which sorts the packages.
fn renamed_lock(lock: &str) -> String {
    const PACKAGE: &str = "[[package]]\n";
    let lock = lock.replace("\"rust-todo\"", "\"gate\"");
    let mut parts = lock.split(PACKAGE).map(|part| part.trim_end().to_string());
    let head = parts.next().unwrap_or_default();
    let mut packages: Vec<String> = parts.map(|part| format!("{PACKAGE}{part}\n")).collect();
    packages.sort();
    format!("{head}\n\n{}", packages.join("\n"))
}

fn c() -> Vec<Template> {
    let mut files = templates!(
        "examples/c-size":
        "size.c" as "check.c",
        "build.sh",
        "cases/large.toml",
        "cases/small.toml",
        "cases/was-there.toml",
    );
    for file in files.iter_mut().filter(|file| file.path == "build.sh") {
        file.text = file.text.replace("$here/../../wit", "$here/wit");
    }
    files.extend(templates!("wit": "gate.wit" as "wit/gate.wit"));
    files
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn a_new_gate_stands_by_itself() {
        for language in [Language::Lua, Language::Rust, Language::C] {
            for file in language.files() {
                assert!(!file.text.contains("../.."), "{language:?}: {} names what is not there", file.path);
            }
        }
    }

    #[test]
    fn the_lock_file_is_as_cargo_sorts_it() {
        let files = Language::Rust.files();
        let lock = files.iter().find(|file| file.path == "Cargo.lock").map(|file| file.text.as_str()).unwrap_or_default();
        let names: Vec<&str> = lock.lines().filter_map(|line| line.strip_prefix("name = ")).collect();
        assert!(names.is_sorted() && names.contains(&"\"gate\"") && !names.contains(&"\"rust-todo\""), "{names:?}");
    }
}
