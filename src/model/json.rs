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

/// Read a document, blaming `source` with line, column and JSON path where it is not one.
pub fn parse<T: DeserializeOwned>(text: &str, source: &str) -> Result<T> {
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
    let mut at = Location::new(source).at_path(path);
    (at.line, at.column) = (Some(error.line()), Some(error.column()));
    if error.is_data() {
        let (code, message, hint) = explain_data_error(message);
        Error::input(code, message).hint(hint.unwrap_or_else(|| "`git lex-pr schema plan` prints what a plan holds".into())).at(at)
    } else {
        Error::input("bad-json", format!("not valid JSON: {message}")).hint("mend the file at that place; `jq .` shows it too").at(at)
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
        ("bad-value", message.to_string(), None)
    }
}
