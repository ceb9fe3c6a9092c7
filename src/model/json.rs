//! Canonical JSON: the same value is the same bytes on every machine.

use super::{Error, Result, error::Location, error::nearest};
use serde::{Serialize, de::DeserializeOwned};

/// `value` with sorted keys, an indent of two, and a newline at the end, so that `git diff` reads well between revisions.
pub fn canonical(value: &impl Serialize) -> Result<String> {
    let mut value = serde_json::to_value(value).map_err(|e| Error::environment("json", e.to_string()))?;
    value.sort_all_objects();
    let mut text = serde_json::to_string_pretty(&value).map_err(|e| Error::environment("json", e.to_string()))?;
    text.push('\n');
    Ok(text)
}

/// `value` on one line with sorted keys, for line-based stores such as notes.
pub fn canonical_line(value: &impl Serialize) -> Result<String> {
    let mut value = serde_json::to_value(value).map_err(|e| Error::environment("json", e.to_string()))?;
    value.sort_all_objects();
    Ok(value.to_string())
}

/// Read a document, blaming `source` with line, column and JSON path where it is not one. A byte order mark, which some editors
/// write, is no part of it.
pub fn parse<T: DeserializeOwned>(text: &str, source: &str) -> Result<T> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value: T = serde_path_to_error::deserialize(&mut deserializer).map_err(|e| {
        let path = e.path().to_string();
        blame(e.inner(), source, &path)
    })?;
    deserializer.end().map_err(|e| blame(&e, source, ""))?;
    Ok(value)
}

fn blame(error: &serde_json::Error, source: &str, path: &str) -> Error {
    let text = error.to_string();
    let message = text.split(" at line ").next().unwrap_or(&text);
    let mut at = Location::new(source);
    // At the end of a file serde_json gives the column before the first.
    (at.line, at.column) = (Some(error.line()), Some(error.column().max(1)));
    if error.is_data() {
        at = at.at_path(cut(path));
        let (code, message, hint) = explain_data_error(message);
        Error::input(code, message).hint(hint.unwrap_or_else(|| "`git lex-pr schema plan` prints what a plan holds".into())).at(at)
    } else {
        let message = match message {
            "recursion limit exceeded" => "values are nested too deeply".into(),
            _ => message.replace("EOF while parsing", "it ends in the middle of"),
        };
        Error::input("bad-json", format!("not valid JSON: {message}")).hint("mend the file at that place; `jq .` shows it too").at(at)
    }
}

/// A path of a sane length: keys can be as long as their author likes.
fn cut(path: &str) -> String {
    const LONGEST: usize = 120;
    match path.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &path[..end]),
        None => path.into(),
    }
}

/// Turn serde's words for a wrong document into a code, a message and, where one is near, the key that was meant.
pub fn explain_data_error(message: &str) -> (&'static str, String, Option<String>) {
    let named: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if let Some(rest) = message.strip_prefix("unknown field ") {
        let key = named.first().copied().unwrap_or(rest);
        let known = &named[1.min(named.len())..];
        let hint = match nearest(key, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known keys: {}", known.join(", ")),
        };
        ("unknown-key", format!("unknown key `{key}`"), Some(hint))
    } else if message.starts_with("unknown variant ") && named.len() > 1 {
        let known = &named[1..];
        let hint = match nearest(named[0], known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known values: {}", known.join(", ")),
        };
        ("bad-value", format!("unknown value `{}`", named[0]), Some(hint))
    } else if message.starts_with("missing field ") && !named.is_empty() {
        ("missing-key", format!("missing key `{}`", named[0]), Some(format!("add `{}`", named[0])))
    } else {
        ("bad-value", for_people(message), None)
    }
}

/// "invalid type: string "x", expected i64" in words that are not Rust's: "expected a whole number, found the text "x"".
fn for_people(message: &str) -> String {
    let stated = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    let Some((found, expected)) = stated.and_then(|stated| stated.rsplit_once(", expected ")) else { return message.into() };
    let found = match found {
        "map" => "a table".into(),
        "sequence" => "a list".into(),
        "unit value" => "nothing".into(),
        _ => match found.strip_prefix("string ") {
            Some(text) => format!("the text {text}"),
            None => found.split('`').nth(1).unwrap_or(found).into(),
        },
    };
    let expected = match expected {
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, not below 0",
        "f32" | "f64" => "a number",
        "a string" | "string" => "a text",
        "a sequence" => "a list",
        "a boolean" => "true or false",
        "a map" => "a table",
        _ if expected.starts_with("struct ") => "a table",
        _ if expected.starts_with("enum ") => "a text",
        _ => expected,
    };
    format!("expected {expected}, found {found}")
}

#[cfg(test)]
mod tests {
    use super::for_people;

    #[test]
    fn types_are_named_for_people() {
        for (serde, people) in [
            ("invalid type: string \"x\", expected i64", "expected a whole number, found the text \"x\""),
            ("invalid value: integer `-1`, expected u32", "expected a whole number, not below 0, found -1"),
            ("invalid type: integer `3`, expected struct Retry", "expected a table, found 3"),
            ("invalid type: map, expected a sequence", "expected a list, found a table"),
            ("invalid type: string \", expected u8\", expected a boolean", "expected true or false, found the text \", expected u8\""),
            ("invalid type: integer `3`, expected the name of an item", "expected the name of an item, found 3"),
            ("no span of time", "no span of time"),
        ] {
            assert_eq!(for_people(serde), people);
        }
    }
}
