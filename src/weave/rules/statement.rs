//! Import statements, as far as they can be told from a few lines.

/// Languages that import alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    C,
    CSharp,
    Go,
    Java,
    Python,
    Rust,
    Script,
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    /// Its lines.
    pub(super) text: String,
    /// What it says, without regard to white space.
    pub(super) what: String,
    /// The names it takes from one module, where it lists them.
    pub(super) names: Option<Names>,
    /// The names it brings in.
    pub(super) binds: Vec<String>,
}

/// A list of names inside a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    /// The statement without them.
    pub(super) of: String,
    /// Each of them.
    pub(super) list: Vec<String>,
    /// Where the list stands in the statement's lines.
    pub(super) begin: usize,
    /// Where it ends.
    pub(super) end: usize,
}

impl Language {
    /// The language of a file.
    pub(super) fn of(path: &str) -> Option<Language> {
        Some(match path.rsplit_once('.')?.1.to_lowercase().as_str() {
            "c" | "h" | "cc" | "cpp" | "cxx" | "hh" | "hpp" | "hxx" | "m" | "mm" => Language::C,
            "cs" => Language::CSharp,
            "go" => Language::Go,
            "java" | "kt" | "kts" | "scala" | "sc" => Language::Java,
            "py" | "pyi" => Language::Python,
            "rs" => Language::Rust,
            "js" | "jsx" | "mjs" | "cjs" | "ts" | "tsx" | "mts" | "cts" => Language::Script,
            _ => return None,
        })
    }

    /// Whether a statement could begin with this line.
    pub(super) fn begins(self, line: &str) -> bool {
        let words: &[&str] = match self {
            Language::Python => &["from ", "import "],
            Language::Rust => &["use ", "pub use ", "pub(crate) use ", "pub(super) use "],
            Language::Script => &["import ", "export "],
            // One line each.
            Language::C | Language::CSharp | Language::Go | Language::Java => &[],
        };
        words.iter().any(|word| line.trim_start().starts_with(word))
    }

    /// The statements of a text and the blank lines between them (none), if it is made of nothing else.
    pub(super) fn statements(self, text: &str) -> Option<Vec<Option<Statement>>> {
        let mut found = Vec::new();
        let mut open = String::new();
        for line in text.split_inclusive('\n') {
            if open.is_empty() && line.trim().is_empty() {
                found.push(None);
                continue;
            }
            open.push_str(line);
            if self.is_whole(&open) {
                found.push(Some(self.statement(std::mem::take(&mut open))?));
            }
        }
        open.is_empty().then_some(found)
    }

    fn is_whole(self, text: &str) -> bool {
        let balanced = |open, close| text.matches(open).count() == text.matches(close).count();
        match self {
            Language::Rust => text.trim_end().ends_with(';'),
            Language::Script => balanced('{', '}') && balanced('(', ')'),
            Language::Python => balanced('(', ')'),
            Language::C | Language::CSharp | Language::Go | Language::Java => true,
        }
    }

    fn statement(self, text: String) -> Option<Statement> {
        let what = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (of, names, binds) = match self {
            Language::C => (include(&what)?, None, Vec::new()),
            Language::CSharp => using(&what)?,
            Language::Go => go_import(&what)?,
            Language::Java => java_import(&what)?,
            Language::Python => python_import(&text, &what)?,
            Language::Rust => rust_use(&text, &what)?,
            Language::Script => script_import(&text, &what)?,
        };
        let names = names.map(|(begin, end)| Names { of, list: split(&text[begin..end]), begin, end });
        // An empty list, or one with an open comma inside, is nothing to merge.
        let names = names.filter(|names| !names.list.is_empty() && names.list.iter().all(|name| !name.is_empty()));
        Some(Statement { text, what, names, binds })
    }
}

/// The statement without its list of names, where the list stands, and the names that are brought in.
type Read = (String, Option<(usize, usize)>, Vec<String>);

fn is_path(text: &str, also: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_' || also.contains(c))
}

fn include(what: &str) -> Option<String> {
    let rest = what.strip_prefix('#')?.trim_start();
    let file = rest.strip_prefix("include").or_else(|| rest.strip_prefix("import"))?.trim_start();
    let quoted = |open, close| file.len() > 2 && file.starts_with(open) && file.find(close) == Some(file.len() - 1);
    let in_quotes = file.len() > 2 && file.starts_with('"') && file[1..].find('"') == Some(file.len() - 2);
    (quoted('<', '>') || in_quotes).then(|| what.to_owned())
}

fn using(what: &str) -> Option<Read> {
    let rest = what.strip_prefix("global ").unwrap_or(what).strip_prefix("using ")?.strip_suffix(';')?.trim_end();
    let rest = rest.strip_prefix("static ").unwrap_or(rest);
    let (alias, path) = rest.split_once('=').map_or((None, rest), |(alias, path)| (Some(alias.trim()), path.trim()));
    let fits = is_path(path, ".:<>, ") && !path.starts_with("var ") && alias.is_none_or(|alias| is_path(alias, ""));
    // `using Type name` declares a variable.
    let declares = alias.is_none() && path.contains(' ');
    (fits && !declares).then(|| (what.to_owned(), None, alias.map(str::to_owned).into_iter().collect()))
}

fn go_import(what: &str) -> Option<Read> {
    let rest = what.strip_prefix("import ").unwrap_or(what);
    let (alias, path) = rest.split_at(rest.find('"')?);
    let path = path.strip_prefix('"')?.strip_suffix('"')?;
    let alias = alias.trim();
    if !is_path(path, "./-~+") || !(alias.is_empty() || is_path(alias, ".")) {
        return None;
    }
    let name = if alias.is_empty() { path.rsplit('/').next().unwrap_or_default() } else { alias };
    let binds = if matches!(name, "_" | ".") { Vec::new() } else { vec![name.to_owned()] };
    Some((what.to_owned(), None, binds))
}

fn java_import(what: &str) -> Option<Read> {
    let path = what.strip_prefix("import ")?.trim_end_matches([';', ' ']);
    let path = path.strip_prefix("static ").unwrap_or(path);
    if !is_path(path, ".*`{},=> $") {
        return None;
    }
    let last = path.rsplit(['.', ' ']).next().unwrap_or_default();
    let binds = if path.contains(['{', '*']) || last == "_" { Vec::new() } else { vec![last.to_owned()] };
    Some((what.to_owned(), None, binds))
}

fn python_import(text: &str, what: &str) -> Option<Read> {
    if let Some(modules) = what.strip_prefix("import ") {
        let modules = split(modules);
        let fits = modules.iter().all(|module| module.split(" as ").all(|part| is_path(part, ".")));
        // `import a.b` brings in `a`, as `import a.c` does.
        let binds = modules.iter().filter_map(|module| module.split_once(" as ")).map(|(_, alias)| alias.to_owned()).collect();
        return fits.then(|| (what.to_owned(), None, binds));
    }
    let (module, _) = what.strip_prefix("from ")?.split_once(" import").filter(|(_, names)| names.starts_with([' ', '(']))?;
    let begin = text.find(" import")? + " import".len();
    let end = text.trim_end().len();
    let inner = text.get(begin..end)?;
    let (begin, end) = match inner.trim_start().strip_prefix('(') {
        Some(_) => (begin + inner.find('(')? + 1, begin + inner.rfind(')')?),
        None => (begin + inner.len() - inner.trim_start().len(), end),
    };
    let names = split(text.get(begin..end)?);
    let fits = is_path(module, ".") && names.iter().all(|name| name == "*" || name.split(" as ").all(|part| is_path(part, "")));
    if !fits || !text[end..].trim().trim_start_matches(')').is_empty() {
        return None;
    }
    let listed = (names != ["*"]).then_some((begin, end));
    Some((format!("from {module} import"), listed, binds(&names)))
}

fn rust_use(text: &str, what: &str) -> Option<Read> {
    let mut rest = what;
    let mut attributes = 0;
    while rest.starts_with("#[") {
        let end = rest.find(']')? + 1;
        attributes += end;
        rest = rest[end..].trim_start();
    }
    if let Some(public) = rest.strip_prefix("pub") {
        let public = public.trim_start();
        rest = if public.starts_with('(') { public.split_once(')')?.1.trim_start() } else { public };
    }
    let rest = rest.strip_suffix(';')?.trim_end();
    if let Some(name) = rest.strip_prefix("mod ").or_else(|| rest.strip_prefix("extern crate ")) {
        let alias = name.rsplit(" as ").next().unwrap_or(name);
        return name.split(" as ").all(|part| is_path(part, "#")).then(|| (what.to_owned(), None, vec![alias.to_owned()]));
    }
    let path = rest.strip_prefix("use ")?;
    if !is_path(path, ":{},*# ") || path.matches('{').count() != path.matches('}').count() {
        return None;
    }
    let from = if attributes > 0 { text.find("use ")? } else { 0 };
    let Some(begin) = text[from..].find('{').map(|at| from + at + 1) else {
        return Some((what.to_owned(), None, binds(&[path.to_owned()])));
    };
    let end = text.rfind('}')?;
    if !text[end + 1..].trim().eq(";") || text[..begin].matches('{').count() != 1 {
        return None;
    }
    let names = split(text.get(begin..end)?);
    let before = text[..begin].split_whitespace().collect::<Vec<_>>().join(" ");
    Some((before, Some((begin, end)), binds(&names)))
}

fn script_import(text: &str, what: &str) -> Option<Read> {
    let body = what.trim_end_matches([';', ' ']);
    if let Some(rest) = ["const ", "let ", "var "].iter().find_map(|word| body.strip_prefix(word)) {
        let (pattern, call) = rest.split_once('=')?;
        let module = quoted(call.trim().strip_prefix("require(")?.strip_suffix(')')?)?;
        let plain = is_path(pattern.trim(), "{},:$ ") && !module.is_empty();
        let names = split(pattern.trim().trim_matches(['{', '}']));
        return plain
            .then(|| (what.to_owned(), None, names.iter().filter_map(|name| name.rsplit([':', ' ']).next()).map(str::to_owned).collect()));
    }
    let (export, rest) = match body.strip_prefix("import ") {
        Some(rest) => (false, rest),
        None => (true, body.strip_prefix("export ")?),
    };
    let (clause, module) = rest.rsplit_once("from ")?;
    let module = quoted(module.trim())?;
    // Without the clause, importing runs the module, and the order counts.
    if module.is_empty() || !clause.ends_with([' ', '}', '*']) || !is_path(clause.trim(), "{},*$ ") {
        return None;
    }
    let (begin, end) = (text.find('{'), text.rfind('}'));
    let names = begin.zip(end).map(|(begin, end)| (begin + 1, end));
    let mut brought: Vec<String> = names.and_then(|(begin, end)| text.get(begin..end)).map(split).unwrap_or_default();
    let outside = match (clause.find('{'), clause.rfind('}')) {
        (Some(begin), Some(end)) if begin < end && clause.matches('{').count() == 1 => [&clause[..begin], &clause[end + 1..]].concat(),
        (None, None) => clause.to_owned(),
        _ => return None,
    };
    let outer = outside.replace("type ", "");
    brought.extend(split(&outer).into_iter().filter(|name| *name != "*" && !name.is_empty()));
    let kind = if export { "export" } else { "import" };
    let of = format!("{kind} {} from {module}", outside.split_whitespace().collect::<Vec<_>>().join(" "));
    Some((of, names, binds(&brought)))
}

/// What stands in quotes, if nothing else is there.
fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|quote| "'\"`".contains(*quote))?;
    let (inner, rest) = text[1..].split_once(quote)?;
    rest.is_empty().then_some(inner)
}

/// The parts between commas that no brackets hold; a comma at the end adds none.
fn split(list: &str) -> Vec<String> {
    let (mut depth, mut parts) = (0_usize, vec![String::new()]);
    for c in list.chars() {
        match c {
            '{' | '(' | '<' => depth += 1,
            '}' | ')' | '>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        match parts.last_mut() {
            Some(part) if c != ',' || depth > 0 => part.push(c),
            _ => parts.push(String::new()),
        }
    }
    let mut parts: Vec<String> = parts.iter().map(|part| part.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    if parts.last().is_some_and(String::is_empty) {
        parts.pop();
    }
    parts
}

/// The names that a list brings in: those behind an `as`, else the last parts of paths.
fn binds(names: &[String]) -> Vec<String> {
    let bound = names.iter().filter(|name| !name.contains('{')).filter_map(|name| name.rsplit([' ', ':']).next());
    bound.filter(|name| !matches!(*name, "*" | "_" | "self" | "")).map(str::to_owned).collect()
}
