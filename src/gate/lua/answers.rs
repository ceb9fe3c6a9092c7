//! What a gate in Lua answers: the table that its file returns, and the verdict of its `check`.

use crate::{
    gate::{
        Manifest, Said,
        said::{MAX_ANNOTATIONS, answer, severity},
    },
    model::{
        error::nearest,
        verdict::{Annotation, Severity},
    },
};
use mlua::{FromLua, IntoLua, Lua, LuaSerdeExt, Table, Value};
use serde_json::Map;

pub(super) fn manifest(lua: &Lua, table: &Table) -> mlua::Result<Manifest> {
    only(table, "the table of the gate", &["description", "capabilities", "config", "needs", "check"])?;
    if !table.get::<Value>("check")?.is_function() {
        return Err(mlua::Error::runtime("the table of the gate has no function `check`"));
    }
    Ok(Manifest {
        description: field::<Option<String>>(table, "description")?.unwrap_or_default(),
        capabilities: field::<Option<Vec<String>>>(table, "capabilities")?.unwrap_or_default(),
        config: schemas(lua, table.get("config")?)?,
        needs: field::<Option<Vec<String>>>(table, "needs")?.unwrap_or_default(),
    })
}

/// In Lua an empty list and an empty object are the same table; the schema's type says which one a default is.
fn schemas(lua: &Lua, value: Value) -> mlua::Result<Map<String, serde_json::Value>> {
    let mut schemas = object(lua, value, "config")?;
    for schema in schemas.values_mut().filter_map(serde_json::Value::as_object_mut) {
        let is_list = schema.get("type").is_some_and(|kind| kind == "array");
        if let Some(default) = schema.get_mut("default")
            && is_list
            && default.as_object().is_some_and(Map::is_empty)
        {
            *default = serde_json::Value::Array(Vec::new());
        }
    }
    Ok(schemas)
}

pub(super) fn said(lua: &Lua, verdict: &Table) -> mlua::Result<Said> {
    only(verdict, "the verdict", &["answer", "summary", "annotations", "facts"])?;
    let word: String = field(verdict, "answer")?;
    let answer = answer(&word).ok_or_else(|| mlua::Error::runtime(format!("its answer `{word}` is none of pass, fail, warn and skip")))?;
    let list: Option<Table> = field(verdict, "annotations")?;
    let mut annotations = Vec::new();
    let mut left_out = 0;
    if let Some(list) = list {
        left_out = list.raw_len().saturating_sub(MAX_ANNOTATIONS);
        for entry in list.sequence_values::<Table>().take(MAX_ANNOTATIONS) {
            annotations.push(annotation(&entry?)?);
        }
    }
    Ok(Said {
        answer,
        class: None,
        summary: lossy(verdict, "summary")?,
        annotations,
        left_out,
        facts: object(lua, verdict.get("facts")?, "facts")?,
    })
}

fn annotation(table: &Table) -> mlua::Result<Annotation> {
    only(table, "an annotation", &["path", "line", "severity", "message", "replacement"])?;
    let word: Option<String> = field(table, "severity")?;
    let severity = match word {
        None => Severity::Error,
        Some(word) => severity(&word)
            .ok_or_else(|| mlua::Error::runtime(format!("severity `{word}` of an annotation is none of error, warning and notice")))?,
    };
    let replacement = if table.get::<Value>("replacement")?.is_nil() { None } else { Some(lossy(table, "replacement")?) };
    Ok(Annotation { path: lossy(table, "path")?, line: field(table, "line")?, severity, message: lossy(table, "message")?, replacement })
}

/// A typo in a key would be passed over in silence.
fn only(table: &Table, what: &str, keys: &[&str]) -> mlua::Result<()> {
    for pair in table.pairs::<Value, Value>() {
        let key = pair?.0;
        let name = key.as_string().map(|name| name.to_string_lossy()).unwrap_or_default();
        if !keys.contains(&name.as_str()) {
            let hint = nearest(&name, keys.iter().copied()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            let shown = if name.is_empty() { key.type_name() } else { &name };
            return Err(mlua::Error::runtime(format!("{what} has the key `{shown}`, which it cannot have{hint}")));
        }
    }
    Ok(())
}

fn field<T: FromLua>(table: &Table, key: &str) -> mlua::Result<T> {
    table.get(key).map_err(|e| mlua::Error::runtime(format!("`{key}`: {e}")))
}

fn lossy(table: &Table, key: &str) -> mlua::Result<String> {
    Ok(field::<mlua::LuaString>(table, key)?.to_string_lossy())
}

fn object(lua: &Lua, value: Value, what: &str) -> mlua::Result<Map<String, serde_json::Value>> {
    match value {
        Value::Nil => Ok(Map::new()),
        Value::Table(table) if table.is_empty() => Ok(Map::new()),
        value => match lua.from_value(value.into_lua(lua)?) {
            Ok(serde_json::Value::Object(map)) => Ok(map),
            Ok(_) => Err(mlua::Error::runtime(format!("`{what}` is no table with names as keys"))),
            Err(e) => Err(mlua::Error::runtime(format!("`{what}` cannot be written as JSON: {e}"))),
        },
    }
}
