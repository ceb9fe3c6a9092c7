//! The engine of Lua gates: Luau in a sandbox.
//!
//! A gate sees the calls of `plugins/wit/gate.wit` and the libraries that only compute. Its file is run anew for each candidate,
//! in an environment of its own, so that nothing of one candidate is left when it judges the next; only the compiled code
//! and the machine that runs it are kept.

use super::{
    Manifest, Said,
    host::Host,
    plugin::Limits,
    process::Stop,
    said::{MAX_ANNOTATIONS, answer, severity},
    view::{Commit, Difference, Signature, mode_word, quote},
};
use crate::model::{
    Error, Result,
    error::nearest,
    verdict::{Annotation, Severity, Verdict},
};
use gix::bstr::ByteSlice;
use mlua::{
    FromLua, Function, IntoLua, Lua, LuaOptions, LuaSerdeExt, StdLib, Table, Value, VmState, chunk::ChunkMode, serde::SerializeOptions,
};
use serde_json::Map;
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::Instant,
};

/// Most modules that a gate may require.
const MAX_MODULES: usize = 64;

/// What Luau has beyond what a gate may use: code out of texts, environments, and what differs from one machine to the next.
const TAKEN_AWAY: [&str; 8] = ["loadstring", "require", "getfenv", "setfenv", "collectgarbage", "gcinfo", "newproxy", "_VERSION"];

/// Names in Lua instead of addresses, which are others in each process, and `print` that is kept with the run.
const PRELUDE: &str = r##"
local raw, kind, find, concat, info = tostring, type, string.find, table.concat, log.info
function tostring(value)
    local text = raw(value)
    return if find(text, "^%a+: 0x") then kind(value) else text
end
local text_of = tostring
function print(...)
    local texts = {}
    for at = 1, select("#", ...) do
        texts[at] = text_of((select(at, ...)))
    end
    info(concat(texts, " "))
end
"##;

/// A Lua gate.
pub struct Gate {
    name: String,
    source: Vec<u8>,
    /// Path and source.
    modules: Vec<(String, Vec<u8>)>,
    limits: Limits,
    stop: Stop,
    manifest: Manifest,
    vm: Option<Vm>,
}

/// A machine with the gate's code in it.
struct Vm {
    lua: Lua,
    main: Function,
    reseed: Function,
    shared: Rc<Shared>,
}

/// What the functions of a machine share with who runs it.
struct Shared {
    deadline: Cell<Instant>,
    stop: Stop,
    /// Modules by the name they are required by.
    modules: RefCell<BTreeMap<String, Function>>,
    /// What they returned in this run; nothing yet for one that is at it.
    values: RefCell<BTreeMap<String, Option<Value>>>,
    /// A module that is not there yet.
    wanted: RefCell<Option<String>>,
    /// Whether `require` may be called.
    loading: Cell<bool>,
}

impl Gate {
    /// Load the gate in `source`, called `name`; `read` gives the files beside it.
    pub fn load(name: &str, source: &[u8], read: &dyn Fn(&str) -> Result<Option<Vec<u8>>>, limits: Limits, stop: &Stop) -> Result<Gate> {
        let mut gate = Gate {
            name: name.into(),
            source: source.to_vec(),
            modules: Vec::new(),
            limits,
            stop: stop.clone(),
            manifest: Manifest::default(),
            vm: None,
        };
        loop {
            let vm = gate.machine()?;
            vm.shared.deadline.set(Instant::now() + limits.time);
            let returned = vm.run();
            if let Some(wanted) = vm.shared.wanted.take() {
                gate.add_module(&wanted, read)?;
                continue;
            }
            gate.manifest = returned.and_then(|table| manifest(&vm.lua, &table)).map_err(|e| bad(&e))?;
            gate.vm = Some(vm);
            return Ok(gate);
        }
    }

    /// What it says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The modules that it requires: path and source.
    pub fn modules(&self) -> &[(String, Vec<u8>)] {
        &self.modules
    }

    fn add_module(&mut self, wanted: &str, read: &dyn Fn(&str) -> Result<Option<Vec<u8>>>) -> Result<()> {
        if self.modules.len() == MAX_MODULES {
            return Err(Error::input("bad-plugin", format!("it requires more than {MAX_MODULES} modules")));
        }
        let folder = self.name.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        for suffix in ["lua", "luau"] {
            let path = format!("{folder}{wanted}.{suffix}");
            if let Some(source) = read(&path)? {
                self.modules.push((path, source));
                return Ok(());
            }
        }
        let message = format!("it requires `./{wanted}`, but there is no {folder}{wanted}.lua or .luau");
        Err(Error::input("bad-plugin", message).hint("a module lies beside its gate, in the same commit"))
    }

    fn machine(&self) -> Result<Vm> {
        let making = |e: mlua::Error| bad(&e);
        let libraries = StdLib::COROUTINE | StdLib::TABLE | StdLib::STRING | StdLib::UTF8 | StdLib::BIT | StdLib::MATH | StdLib::BUFFER;
        let lua = Lua::new_with(libraries, LuaOptions::new()).map_err(making)?;
        let shared = Rc::new(Shared {
            deadline: Cell::new(Instant::now() + self.limits.time),
            stop: self.stop.clone(),
            modules: RefCell::default(),
            values: RefCell::default(),
            wanted: RefCell::default(),
            loading: Cell::new(true),
        });
        let clock = Rc::clone(&shared);
        // At each turn, dear as it is: between two of them one call into a library may take as long as a gate has.
        lua.set_interrupt(move |_| match Instant::now() >= clock.deadline.get() || *clock.stop.borrow() {
            true => Err(mlua::Error::runtime("its time is over")),
            false => Ok(VmState::Continue),
        });
        lua.set_memory_limit(self.limits.memory).map_err(making)?;
        let reseed = lua.globals().get::<Table>("math").and_then(|math| math.get("randomseed")).map_err(making)?;
        furnish(&lua, &shared).map_err(making)?;
        lua.sandbox(true).map_err(making)?;
        for (path, source) in &self.modules {
            let name = path.rsplit_once('.').map_or(path.as_str(), |(name, _)| name);
            let name = name.strip_prefix(self.name.rsplit_once('/').map_or("", |(folder, _)| folder)).unwrap_or(name);
            let module = compile(&lua, path, source)?;
            shared.modules.borrow_mut().insert(name.trim_start_matches('/').into(), module);
        }
        let main = compile(&lua, &self.name, &self.source)?;
        Ok(Vm { lua, main, reseed, shared })
    }

    /// Judge what `host` shows.
    pub fn check(&mut self, host: Host) -> (Host, Result<Said>) {
        let vm = match self.vm.take().map_or_else(|| self.machine(), Ok) {
            Ok(vm) => vm,
            Err(error) => return (host, Err(error)),
        };
        vm.shared.deadline.set(Instant::now() + self.limits.time);
        vm.lua.set_app_data(host);
        let said = vm.check();
        let host = vm.lua.remove_app_data::<Host>();
        // A machine that failed may be full, or in any state; one that grew is emptied by making another.
        if said.is_ok() && vm.lua.used_memory() < self.limits.memory / 4 {
            self.vm = Some(vm);
        }
        match host {
            Some(host) => (host, said.map_err(|e| bad(&e))),
            None => unreachable!("nothing else takes the host away"),
        }
    }
}

impl Vm {
    /// Run the file of the gate: the table that it returns.
    fn run(&self) -> mlua::Result<Table> {
        self.reseed.call::<()>(0)?;
        self.shared.values.borrow_mut().clear();
        self.shared.loading.set(true);
        let returned = fresh(&self.lua, &self.main)?.call::<Value>(());
        self.shared.loading.set(false);
        match returned? {
            Value::Table(table) => Ok(table),
            other => Err(mlua::Error::runtime(format!("its file returns {} instead of the table of a gate", other.type_name()))),
        }
    }

    fn check(&self) -> mlua::Result<Said> {
        let check: Function = self.run()?.get("check")?;
        match check.call::<Value>(())? {
            Value::Table(verdict) => said(&self.lua, &verdict),
            other => Err(mlua::Error::runtime(format!("`check` returns {} instead of a verdict", other.type_name()))),
        }
    }
}

/// A copy of `function` with globals of its own, behind which the shared ones stand.
fn fresh(lua: &Lua, function: &Function) -> mlua::Result<Function> {
    let (globals, behind) = (lua.create_table()?, lua.create_table()?);
    behind.set("__index", lua.globals())?;
    globals.set_metatable(Some(behind))?;
    globals.set_safeenv(true);
    let function = function.deep_clone()?;
    function.set_environment(globals)?;
    Ok(function)
}

fn compile(lua: &Lua, path: &str, source: &[u8]) -> Result<Function> {
    if let Err(e) = std::str::from_utf8(source) {
        return Err(Error::input("bad-plugin", format!("{path} is not UTF-8 from byte {} on", e.valid_up_to())).hint("save it as UTF-8"));
    }
    // Never as bytecode: what the compiler did not make, the machine trusts blindly.
    lua.load(source).set_name(format!("={path}")).set_mode(ChunkMode::Text).into_function().map_err(|e| bad(&e))
}

/// An error of Lua in one line: where and what, without the stack.
fn bad(error: &mlua::Error) -> Error {
    let words = match error {
        mlua::Error::RuntimeError(words) | mlua::Error::SyntaxError { message: words, .. } => words.clone(),
        mlua::Error::MemoryError(_) => "it needs more memory than it may use".into(),
        mlua::Error::CallbackError { cause, .. } => return bad(cause),
        other => other.to_string(),
    };
    let line = words.lines().next().unwrap_or("it failed and did not say why").to_string();
    Error::input("bad-plugin", line)
}

fn refuse(error: &Error) -> mlua::Error {
    let hint = error.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
    mlua::Error::runtime(format!("{error}{hint}"))
}

/// Take away what a gate may not use, and give it what it may.
fn furnish(lua: &Lua, shared: &Rc<Shared>) -> mlua::Result<()> {
    let globals = lua.globals();
    for name in TAKEN_AWAY {
        globals.set(name, Value::Nil)?;
    }
    globals.set("require", require(lua, shared)?)?;
    globals.set("candidate", candidate(lua)?)?;
    globals.set("granted", granted(lua)?)?;
    globals.set("log", log(lua)?)?;
    lua.load(PRELUDE).set_name("=prelude").exec()?;
    // Luau seals the libraries; these tables are ours to seal.
    for name in ["candidate", "granted", "log"] {
        globals.get::<Table>(name)?.set_readonly(true);
    }
    Ok(())
}

fn require(lua: &Lua, shared: &Rc<Shared>) -> mlua::Result<Function> {
    let shared = Rc::clone(shared);
    lua.create_function(move |lua, asked: String| {
        if !shared.loading.get() {
            return Err(mlua::Error::runtime("`require` is for the top of the file, not for `check`"));
        }
        let name = asked.strip_prefix("./").unwrap_or(&asked).to_string();
        if name.is_empty() || name.split('/').any(|part| part.is_empty() || part.starts_with('.')) {
            return Err(mlua::Error::runtime(format!("`{asked}` is no module beside the gate; write \"./name\"")));
        }
        match shared.values.borrow().get(&name) {
            Some(Some(value)) => return Ok(value.clone()),
            Some(None) => return Err(mlua::Error::runtime(format!("module `{asked}` requires itself"))),
            None => {}
        }
        let Some(module) = shared.modules.borrow().get(&name).cloned() else {
            shared.wanted.replace(Some(name));
            return Err(mlua::Error::runtime(format!("module `{asked}` is not loaded")));
        };
        shared.values.borrow_mut().insert(name.clone(), None);
        let value = fresh(lua, &module)?.call::<Value>(())?;
        shared.values.borrow_mut().insert(name, Some(value.clone()));
        Ok(value)
    })
}

/// A function that asks the host.
fn asking<A, R>(lua: &Lua, question: impl Fn(&Lua, &mut Host, A) -> mlua::Result<R> + 'static) -> mlua::Result<Function>
where
    A: mlua::FromLuaMulti,
    R: mlua::IntoLuaMulti,
{
    lua.create_function(move |lua, arguments: A| {
        let host = lua.app_data_mut::<Host>();
        let mut host = host.ok_or_else(|| mlua::Error::runtime("there is no candidate yet: ask in `check`"))?;
        question(lua, &mut host, arguments)
    })
}

fn candidate(lua: &Lua) -> mlua::Result<Table> {
    let calls = lua.create_table()?;
    let refused = |e: Error| refuse(&e);
    calls.set("item", asking(lua, move |_, host, ()| Ok(host.view.subject().map_err(refused)?.item.clone()))?)?;
    calls.set("target", asking(lua, move |_, host, ()| Ok(host.view.subject().map_err(refused)?.target.clone()))?)?;
    calls.set("base", asking(lua, move |lua, host, ()| commit(lua, &host.ask(|view| view.base()).map_err(refused)?))?)?;
    calls.set("head", asking(lua, move |lua, host, ()| commit(lua, &host.ask(|view| view.head()).map_err(refused)?))?)?;
    calls.set(
        "commits",
        asking(lua, move |lua, host, ()| {
            let commits = host.ask(|view| view.commits()).map_err(refused)?;
            commits.iter().map(|c| commit(lua, c)).collect::<mlua::Result<Vec<Table>>>()
        })?,
    )?;
    calls.set("files", asking(lua, move |_, host, glob: String| host.ask(|view| view.files(&glob)).map_err(refused))?)?;
    calls.set(
        "matches",
        lua.create_function(move |_, (glob, path): (mlua::LuaString, mlua::LuaString)| {
            super::view::matches(&glob.to_str()?, &path.to_str()?).map_err(refused)
        })?,
    )?;
    calls.set("exists", asking(lua, move |_, host, path: String| host.ask(|view| view.exists(&path)).map_err(refused))?)?;
    calls.set("mode", asking(lua, move |_, host, path: String| Ok(host.ask(|view| view.mode(&path)).map_err(refused)?.map(mode_word)))?)?;
    calls.set("size", asking(lua, move |_, host, path: String| host.ask(|view| view.size(&path)).map_err(refused))?)?;
    let bytes = |lua: &Lua, read: Result<Option<Vec<u8>>>| read.map_err(|e| refuse(&e))?.map(|b| lua.create_string(b)).transpose();
    calls.set("read", asking(lua, move |lua, host, path: String| bytes(lua, host.ask(|view| view.read(&path))))?)?;
    calls.set("read_base", asking(lua, move |lua, host, path: String| bytes(lua, host.ask(|view| view.read_base(&path))))?)?;
    calls.set("changes", asking(lua, changes)?)?;
    let list: Function = lua.load(LIST).set_name("=lines").eval()?;
    calls.set(
        "diff",
        asking(lua, move |lua, host, path: String| {
            let found = host.ask(|view| view.diff(&path)).map_err(refused)?;
            found.map(|difference| lines(lua, &list, &difference)).transpose()
        })?,
    )?;
    calls.set("config", asking(lua, |lua, host, ()| lua.to_value_with(host.view.config(), PLAIN_TABLES))?)?;
    calls.set(
        "verdict_of",
        asking(lua, |lua, host, gate: String| host.view.verdict_of(&gate).map(|verdict| told(lua, verdict)).transpose())?,
    )?;
    Ok(calls)
}

/// Lists are plain tables, and what is null is nil.
const PLAIN_TABLES: SerializeOptions =
    SerializeOptions::new().set_array_metatable(false).serialize_none_to_null(false).serialize_unit_to_null(false);

fn granted(lua: &Lua) -> mlua::Result<Table> {
    let calls = lua.create_table()?;
    calls.set("env", asking(lua, |_, host, name: String| host.env(&name).map_err(|e| refuse(&e)))?)?;
    calls.set("now", asking(lua, |_, host, ()| host.now().map_err(|e| refuse(&e)))?)?;
    calls.set(
        "exec",
        asking(lua, |lua, host, (program, arguments, input): (String, Option<Vec<String>>, Option<mlua::LuaString>)| {
            let input = input.map(|text| text.as_bytes().to_vec()).unwrap_or_default();
            let output = host.exec(&program, &arguments.unwrap_or_default(), input).map_err(|e| refuse(&e))?;
            let table = lua.create_table()?;
            table.set("status", output.status)?;
            table.set("stdout", lua.create_string(output.stdout)?)?;
            table.set("stderr", lua.create_string(output.stderr)?)?;
            Ok(table)
        })?,
    )?;
    Ok(calls)
}

fn log(lua: &Lua) -> mlua::Result<Table> {
    let calls = lua.create_table()?;
    for level in ["info", "warn"] {
        let say = lua.create_function(move |lua, words: mlua::LuaString| {
            if let Some(mut host) = lua.app_data_mut::<Host>() {
                host.log(level, &words.to_string_lossy());
            }
            Ok(())
        })?;
        calls.set(level, say)?;
    }
    Ok(calls)
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

fn changes(lua: &Lua, host: &mut Host, (): ()) -> mlua::Result<Vec<Table>> {
    let changes = host.ask(|view| view.changes().map(<[_]>::to_vec)).map_err(|e| refuse(&e))?;
    let table_of = |change: &super::view::Change| {
        let table = lua.create_table_with_capacity(0, 5)?;
        table.set("status", change.status.word())?;
        table.set("path", quote(change.path.as_bstr()))?;
        table.set("old_path", change.old_path.as_ref().map(|path| quote(path.as_bstr())))?;
        table.set("mode", change.new.map(|(mode, _)| mode_word(mode)))?;
        table.set("old_mode", change.old.map(|(mode, _)| mode_word(mode)))?;
        Ok(table)
    };
    changes.iter().map(table_of).collect()
}

/// Makes the tables of lines. One call for all of them: a call for each field of each would take most of a gate's time.
const LIST: &str = r#"
local split, create = string.split, table.create
return function(runs, text)
    local texts = split(text, "\n")
    local lines, at = create(#texts), 0
    for run = 1, #runs, 2 do
        for number = runs[run], runs[run + 1] do
            at += 1
            lines[at] = { number = number, text = texts[at] }
        end
    end
    return lines
end
"#;

fn lines(lua: &Lua, list: &Function, difference: &Difference) -> mlua::Result<Table> {
    let table = lua.create_table_with_capacity(0, 2)?;
    for (key, lines) in [("added", &difference.added), ("removed", &difference.removed)] {
        // The first and the last number of each run of lines.
        let mut runs: Vec<usize> = Vec::new();
        for (number, _) in lines {
            match runs.last_mut() {
                Some(last) if *last + 1 == *number => *last = *number,
                _ => runs.extend([*number, *number]),
            }
        }
        let texts: Vec<&[u8]> = lines.iter().map(|(_, text)| text.as_slice()).collect();
        table.set(key, list.call::<Table>((runs, lua.create_string(texts.join(&b'\n'))?))?)?;
    }
    Ok(table)
}

fn told(lua: &Lua, verdict: &Verdict) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.set("answer", verdict.verdict.to_string())?;
    table.set("summary", verdict.summary.as_str())?;
    table.set("annotations", lua.to_value_with(&verdict.annotations, PLAIN_TABLES)?)?;
    table.set("facts", lua.to_value_with(&verdict.facts, PLAIN_TABLES)?)?;
    Ok(table)
}

fn manifest(lua: &Lua, table: &Table) -> mlua::Result<Manifest> {
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

fn said(lua: &Lua, verdict: &Table) -> mlua::Result<Said> {
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
    Ok(Said { answer, summary: lossy(verdict, "summary")?, annotations, left_out, facts: object(lua, verdict.get("facts")?, "facts")? })
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
