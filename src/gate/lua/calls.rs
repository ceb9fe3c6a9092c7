//! What a gate in Lua may call: the interface of `plugins/wit/gate.wit`, by the same names.

use super::{Shared, refuse};
use crate::{
    gate::{
        host::Host,
        view::{Commit, Signature, View, matches, mode_word, quote},
    },
    model::{Result, verdict::Verdict},
    weave::Lines,
};
use gix::{bstr::ByteSlice, objs::tree::EntryMode};
use mlua::{Function, Lua, LuaSerdeExt, LuaString, Table, Value, serde::SerializeOptions};
use std::rc::Rc;

/// What Luau has beyond what a gate may use: code out of texts, environments, and what differs from one machine to the next.
const TAKEN_AWAY: [&str; 8] = ["loadstring", "require", "getfenv", "setfenv", "collectgarbage", "gcinfo", "newproxy", "_VERSION"];

/// Lists are plain tables, and what is null is nil.
const PLAIN_TABLES: SerializeOptions =
    SerializeOptions::new().set_array_metatable(false).serialize_none_to_null(false).serialize_unit_to_null(false);

/// Take away what a gate may not use, and give it what it may.
pub(super) fn furnish(lua: &Lua, shared: &Rc<Shared>) -> mlua::Result<()> {
    let globals = lua.globals();
    for name in TAKEN_AWAY {
        globals.set(name, Value::Nil)?;
    }
    let calls = || -> mlua::Result<Calls> { Ok(Calls { lua, shared, table: lua.create_table()? }) };
    let (candidate, granted, log) = (calls()?, calls()?, calls()?);
    granted_calls(&granted)?;
    log_calls(&log)?;
    // Before the others: the prelude puts calls of its own in their place.
    candidate.add("config", config(shared))?;
    candidate.table.set("matches_any", matches_any(&candidate)?)?;
    let prelude = lua.load(include_str!("prelude.luau")).set_name("=prelude");
    let make = prelude.call::<Table>((&candidate.table, &log.table))?;
    candidate_calls(&candidate, &make)?;
    // Luau seals the libraries; these tables are ours to seal.
    for (name, calls) in [("candidate", candidate), ("granted", granted), ("log", log)] {
        calls.table.set_readonly(true);
        globals.set(name, calls.table)?;
    }
    Ok(())
}

/// A table of calls in the making.
struct Calls<'a> {
    lua: &'a Lua,
    shared: &'a Rc<Shared>,
    table: Table,
}

impl Calls<'_> {
    /// A call that asks the host.
    fn add<A, R>(&self, name: &str, question: impl Fn(&Lua, &mut Host, A) -> mlua::Result<R> + 'static) -> mlua::Result<()>
    where
        A: mlua::FromLuaMulti,
        R: mlua::IntoLuaMulti,
    {
        let shared = Rc::clone(self.shared);
        let call = self.lua.create_function(move |lua, arguments: A| {
            let mut host = shared.host.borrow_mut();
            let host = host.as_mut().ok_or_else(|| mlua::Error::runtime("there is no candidate yet: ask in `check`"))?;
            question(lua, host, arguments)
        })?;
        self.table.set(name, call)
    }

    /// A call that asks the view about a path.
    fn about<T: 'static, R: mlua::IntoLua>(
        &self,
        name: &str,
        question: impl Fn(&mut View, &str) -> Result<T> + 'static,
        told: impl Fn(&Lua, T) -> mlua::Result<R> + 'static,
    ) -> mlua::Result<()> {
        self.add(name, move |lua, host, path: String| told(lua, host.ask(|view| question(view, &path)).map_err(|e| refuse(&e))?))
    }
}

fn candidate_calls(calls: &Calls, make: &Table) -> mlua::Result<()> {
    let refused = |e| refuse(&e);
    calls.add("item", move |_, host, ()| Ok(host.view.subject().map_err(refused)?.item.clone()))?;
    calls.add("target", move |_, host, ()| Ok(host.view.subject().map_err(refused)?.target.clone()))?;
    calls.add("base", move |lua, host, ()| commit(lua, &host.ask(|view| view.base()).map_err(refused)?))?;
    calls.add("head", move |lua, host, ()| commit(lua, &host.ask(|view| view.head()).map_err(refused)?))?;
    calls.add("commits", move |lua, host, ()| {
        let commits = host.ask(View::commits).map_err(refused)?;
        commits.iter().map(|c| commit(lua, c)).collect::<mlua::Result<Vec<Table>>>()
    })?;

    calls.about("files", View::files, |_, paths| Ok(paths))?;
    calls.about("exists", View::exists, |_, exists| Ok(exists))?;
    calls.about("mode", View::mode, |_, mode| Ok(mode.map(mode_word)))?;
    calls.about("size", View::size, |_, size| Ok(size))?;
    let bytes = |lua: &Lua, read: Option<Vec<u8>>| read.map(|bytes| lua.create_string(bytes)).transpose();
    calls.about("read", View::read, bytes)?;
    calls.about("read_base", View::read_base, bytes)?;
    let one = move |_: &Lua, (glob, path): (LuaString, LuaString)| matches(&glob.to_str()?, &path.to_str()?).map_err(refused);
    calls.about("line_ends", View::line_ends, |lua, ends| {
        let Some(ends) = ends else { return Ok(None) };
        let table = lua.create_table_with_capacity(0, 4)?;
        table.set("lf", ends.lf)?;
        table.set("crlf", ends.crlf)?;
        table.set("is_ended", ends.is_ended)?;
        table.set("has_bom", ends.has_bom)?;
        Ok(Some(table))
    })?;
    calls.table.set("matches", calls.lua.create_function(one)?)?;

    let changes: Function = make.get("changes")?;
    let shared = Rc::clone(calls.shared);
    calls.add("changes", move |lua, host, ()| {
        let make = |host: &mut Host| changes.call::<Table>(lua.create_string(host.ask(words_of_changes).map_err(refused)?)?);
        let Some(known) = &shared.changes else { return make(host) };
        let sight = host.view.sight();
        if let Some((_, table)) = known.borrow().as_ref().filter(|(of, _)| *of == sight) {
            return Ok(table.clone());
        }
        let table = make(host)?;
        for change in table.sequence_values::<Table>() {
            change?.set_readonly(true);
        }
        table.set_readonly(true);
        known.replace(Some((sight, table.clone())));
        Ok(table)
    })?;
    let lines: Function = make.get("lines")?;
    calls.about("diff", View::diff, move |lua, difference| {
        let Some(difference) = difference else { return Ok(None) };
        let table = lua.create_table_with_capacity(0, 2)?;
        table.set("added", tables_of_lines(lua, &lines, &difference.added)?)?;
        table.set("removed", tables_of_lines(lua, &lines, &difference.removed)?)?;
        Ok(Some(table))
    })?;
    calls.about("diff_counts", View::diff, |lua, difference| {
        let Some(difference) = difference else { return Ok(None) };
        let table = lua.create_table_with_capacity(0, 2)?;
        table.set("added", difference.added.count())?;
        table.set("removed", difference.removed.count())?;
        Ok(Some(table))
    })?;
    calls.about("added_text", View::diff, |lua, difference| difference.map(|d| lua.create_string(&d.added.text)).transpose())?;
    calls.about("removed_text", View::diff, |lua, difference| difference.map(|d| lua.create_string(&d.removed.text)).transpose())?;

    calls.add("verdict_of", |lua, host, gate: String| host.view.verdict_of(&gate).map(|verdict| told(lua, verdict)).transpose())
}

/// Globs with a zero byte between them, which neither they nor paths hold. Between many of them no interrupt looks at the clock.
fn matches_any(calls: &Calls) -> mlua::Result<Function> {
    let shared = Rc::clone(calls.shared);
    calls.lua.create_function(move |_, (globs, path): (LuaString, LuaString)| {
        let (globs, path) = (globs.to_str()?, path.to_str()?);
        for glob in globs.split('\0') {
            shared.in_time()?;
            if matches(glob, &path).map_err(|e| refuse(&e))? {
                return Ok(true);
            }
        }
        Ok(false)
    })
}

fn granted_calls(calls: &Calls) -> mlua::Result<()> {
    calls.add("env", |_, host, name: String| host.env(&name).map_err(|e| refuse(&e)))?;
    calls.add("now", |_, host, ()| host.now().map_err(|e| refuse(&e)))?;
    calls.add("exec", |lua, host, (program, arguments, input): (String, Option<Vec<String>>, Option<LuaString>)| {
        let input = input.map(|text| text.as_bytes().to_vec()).unwrap_or_default();
        let output = host.exec(&program, &arguments.unwrap_or_default(), input).map_err(|e| refuse(&e))?;
        let table = lua.create_table()?;
        table.set("status", output.status)?;
        table.set("stdout", lua.create_string(output.stdout)?)?;
        table.set("stderr", lua.create_string(output.stderr)?)?;
        Ok(table)
    })
}

/// Words of a gate that is being loaded have nowhere to go.
fn log_calls(calls: &Calls) -> mlua::Result<()> {
    for level in ["info", "warn"] {
        let shared = Rc::clone(calls.shared);
        let say = calls.lua.create_function(move |_, words: LuaString| {
            if let Some(host) = shared.host.borrow_mut().as_mut() {
                host.log(level, &words.to_string_lossy());
            }
            Ok(())
        })?;
        calls.table.set(level, say)?;
    }
    Ok(())
}

/// The config, which is made into a table once; the prelude gives each call a copy.
fn config(shared: &Rc<Shared>) -> impl Fn(&Lua, &mut Host, ()) -> mlua::Result<Value> + 'static {
    let shared = Rc::clone(shared);
    move |lua, host, ()| {
        let mut known = shared.config.borrow_mut();
        if let Some((_, table)) = known.as_ref().filter(|(config, _)| config == host.view.config()) {
            return Ok(table.clone());
        }
        let table = lua.to_value_with(host.view.config(), PLAIN_TABLES)?;
        Ok(known.insert((host.view.config().clone(), table)).1.clone())
    }
}

fn signature(lua: &Lua, who: &Signature) -> mlua::Result<Table> {
    let table = lua.create_table_with_capacity(0, 3)?;
    table.set("name", who.name.as_str())?;
    table.set("email", who.email.as_str())?;
    table.set("time", who.time)?;
    Ok(table)
}

fn commit(lua: &Lua, commit: &Commit) -> mlua::Result<Table> {
    let table = lua.create_table_with_capacity(0, 6)?;
    table.set("id", commit.id.as_str())?;
    table.set("parents", commit.parents.clone())?;
    table.set("author", signature(lua, &commit.author)?)?;
    table.set("committer", signature(lua, &commit.committer)?)?;
    table.set("message", commit.message.as_str())?;
    let trailers = commit.trailers.iter().map(|(name, value)| {
        let trailer = lua.create_table_with_capacity(0, 2)?;
        trailer.set("name", name.as_str())?;
        trailer.set("value", value.as_str())?;
        Ok(trailer)
    });
    table.set("trailers", trailers.collect::<mlua::Result<Vec<Table>>>()?)?;
    Ok(table)
}

/// What the prelude makes changes of. No path holds a zero byte.
fn words_of_changes(view: &mut View) -> Result<Vec<u8>> {
    let mut words = Vec::new();
    for change in view.changes()? {
        let mode = |file: Option<(EntryMode, _)>| file.map_or("", |(mode, _)| mode_word(mode));
        let old_path = change.old_path.as_ref().map_or(String::new(), |path| quote(path.as_bstr()));
        for word in [change.status.word(), &quote(change.path.as_bstr()), &old_path, mode(change.new), mode(change.old)] {
            words.extend_from_slice(word.as_bytes());
            words.push(0);
        }
    }
    Ok(words)
}

fn tables_of_lines(lua: &Lua, make: &Function, lines: &Lines) -> mlua::Result<Table> {
    let stretches: Vec<usize> = lines.numbers.iter().flat_map(|numbers| [numbers.start, numbers.end - 1]).collect();
    make.call((stretches, lua.create_string(&lines.text)?))
}

fn told(lua: &Lua, verdict: &Verdict) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.set("answer", verdict.verdict.to_string())?;
    table.set("summary", verdict.summary.as_str())?;
    table.set("annotations", lua.to_value_with(&verdict.annotations, PLAIN_TABLES)?)?;
    table.set("facts", lua.to_value_with(&verdict.facts, PLAIN_TABLES)?)?;
    Ok(table)
}
