//! The engine of Lua gates: Luau in a sandbox.
//!
//! A gate sees the calls of `plugins/wit/gate.wit` and the libraries that only compute. Its file is run anew for each candidate,
//! in an environment of its own, so that nothing of one candidate is left when it judges the next; only the compiled code
//! and the machine that runs it are kept. The gates that ship keep nothing, and trust each other: they are run once, and share a machine.

mod answers;
mod calls;

use super::{Manifest, Said, host::Host, plugin::Limits, process::Stop, ticker::Clock, view::Sight};
use crate::model::{Error, Result};
use answers::{manifest, said};
use calls::furnish;
use mlua::{
    Function, Lua, LuaOptions, StdLib, Table, Value, VmState,
    chunk::ChunkMode,
    state::{GcIncParams, GcMode},
};
use serde_json::Map;
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::{Duration, Instant},
};

/// How large a machine grows, in percent of what it holds, until garbage is collected, and in what steps, in kilobytes: twice and more of what
/// Luau does by itself, for a gate's garbage mostly comes and goes with one candidate.
const GC_GOAL: i32 = 400;
const GC_STEP: i32 = 64;

/// Most modules that a gate may require.
const MAX_MODULES: usize = 64;

/// A Lua gate.
pub struct Gate {
    name: String,
    source: Vec<u8>,
    /// Path and source.
    modules: Vec<(String, Vec<u8>)>,
    limits: Limits,
    clock: Clock,
    stop: Stop,
    manifest: Manifest,
    home: Home,
    code: Option<Code>,
}

/// Where the machine of a gate is; of those that ship one for all. None before the first of them is loaded, and after one has failed.
#[derive(Clone, Default)]
pub struct Home {
    is_shared: bool,
    machine: Rc<RefCell<Option<Rc<Machine>>>>,
}

impl Home {
    /// That of gates that ship.
    pub fn shared() -> Home {
        Home { is_shared: true, ..Home::default() }
    }
}

/// What runs gates.
struct Machine {
    lua: Lua,
    behind: Table,
    reseed: Function,
    shared: Rc<Shared>,
}

/// A gate's code in a machine.
struct Code {
    machine: Rc<Machine>,
    main: Function,
    /// What the file of a gate that ships has returned.
    check: Option<Function>,
    config: Option<KnownConfig>,
}

/// A config, and the table that it was made into.
type KnownConfig = (Map<String, serde_json::Value>, Value);

/// What the functions of a machine share with who runs it.
struct Shared {
    deadline: Cell<Instant>,
    clock: Clock,
    /// The tick in which the time was looked at last.
    seen: Cell<Option<u64>>,
    stop: Stop,
    /// Whom the gate asks; none while it is loaded.
    host: RefCell<Option<Host>>,
    /// The config of the gate, once it was asked for.
    config: RefCell<Option<KnownConfig>>,
    /// Where gates share the machine, the changes that were asked for last and whose they are, sealed.
    changes: Option<RefCell<Option<(Sight, Table)>>>,
    /// Modules by the name they are required by.
    modules: RefCell<BTreeMap<String, Function>>,
    /// What they returned in this run; nothing yet for one that is at it.
    values: RefCell<BTreeMap<String, Option<Value>>>,
    /// A module that is not there yet.
    wanted: RefCell<Option<String>>,
    /// Whether `require` may be called.
    loading: Cell<bool>,
}

impl Shared {
    /// A call begins that has so much time.
    fn begin(&self, time: Duration) {
        self.deadline.set(Instant::now() + time);
        self.seen.set(None);
    }

    /// Errors once the call must end.
    fn in_time(&self) -> mlua::Result<()> {
        let now = Some(self.clock.ticks());
        if self.seen.get() == now {
            return Ok(());
        }
        if Instant::now() >= self.deadline.get() || *self.stop.borrow() {
            // At each further turn as well: a gate may catch what it is thrown.
            return Err(mlua::Error::runtime("its time is over"));
        }
        self.seen.set(now);
        Ok(())
    }
}

impl Gate {
    /// Load the gate in `source`, called `name`; `read` gives the files beside it.
    pub fn load(
        name: &str,
        source: &[u8],
        read: &dyn Fn(&str) -> Result<Option<Vec<u8>>>,
        limits: Limits,
        home: Home,
        clock: Clock,
        stop: &Stop,
    ) -> Result<Gate> {
        let mut gate = Gate {
            name: name.into(),
            source: source.to_vec(),
            modules: Vec::new(),
            limits,
            clock,
            stop: stop.clone(),
            manifest: Manifest::default(),
            home,
            code: None,
        };
        loop {
            let code = gate.code()?;
            code.machine.shared.begin(limits.time);
            let returned = code.run();
            if let Some(wanted) = code.machine.shared.wanted.take() {
                gate.add_module(&wanted, read)?;
                gate.home.machine.take();
                continue;
            }
            gate.manifest = returned.and_then(|table| manifest(&code.machine.lua, &table)).map_err(|e| bad(&e))?;
            gate.code = Some(code);
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

    /// Its code in the machine of its home, which is made where there is none.
    fn code(&self) -> Result<Code> {
        let at_home = self.home.machine.borrow().clone();
        let machine = match at_home {
            Some(machine) => machine,
            None => {
                let made = Rc::new(self.machine()?);
                self.home.machine.replace(Some(Rc::clone(&made)));
                made
            }
        };
        machine.lua.set_memory_limit(self.limits.memory).map_err(|e| bad(&e))?;
        let main = compile(&machine.lua, &self.name, &self.source)?;
        Ok(Code { machine, main, check: None, config: None })
    }

    fn machine(&self) -> Result<Machine> {
        let making = |e: mlua::Error| bad(&e);
        let libraries = StdLib::COROUTINE | StdLib::TABLE | StdLib::STRING | StdLib::UTF8 | StdLib::BIT | StdLib::MATH | StdLib::BUFFER;
        let lua = Lua::new_with(libraries, LuaOptions::new()).map_err(making)?;
        lua.gc_set_mode(GcMode::Incremental(GcIncParams::default().goal(GC_GOAL).step_size(GC_STEP)));
        let shared = Rc::new(Shared {
            deadline: Cell::new(Instant::now() + self.limits.time),
            clock: self.clock.clone(),
            seen: Cell::default(),
            stop: self.stop.clone(),
            host: RefCell::default(),
            config: RefCell::default(),
            changes: self.home.is_shared.then(RefCell::default),
            modules: RefCell::default(),
            values: RefCell::default(),
            wanted: RefCell::default(),
            loading: Cell::new(true),
        });
        let time = Rc::clone(&shared);
        // At each turn: between two of them one call into a library may take as long as a gate has.
        lua.set_interrupt(move |_| time.in_time().map(|()| VmState::Continue));
        lua.set_memory_limit(self.limits.memory).map_err(making)?;
        let reseed = lua.globals().get::<Table>("math").and_then(|math| math.get("randomseed")).map_err(making)?;
        furnish(&lua, &shared).map_err(making)?;
        let behind = lua.create_table().map_err(making)?;
        let require = require(&lua, &shared, behind.clone()).map_err(making)?;
        lua.globals().set("require", require).map_err(making)?;
        lua.sandbox(true).map_err(making)?;
        behind.set("__index", lua.globals()).map_err(making)?;
        behind.set_readonly(true);
        for (path, source) in &self.modules {
            let name = path.rsplit_once('.').map_or(path.as_str(), |(name, _)| name);
            let name = name.strip_prefix(self.name.rsplit_once('/').map_or("", |(folder, _)| folder)).unwrap_or(name);
            let module = compile(&lua, path, source)?;
            shared.modules.borrow_mut().insert(name.trim_start_matches('/').into(), module);
        }
        Ok(Machine { lua, behind, reseed, shared })
    }

    /// Judge what `host` shows.
    pub fn check(&mut self, host: Host) -> (Host, Result<Said>) {
        let at_home = self.home.machine.borrow().clone();
        let kept = self.code.take().filter(|code| at_home.is_some_and(|machine| Rc::ptr_eq(&machine, &code.machine)));
        let mut code = match kept.map_or_else(|| self.code(), Ok) {
            Ok(code) => code,
            Err(error) => return (host, Err(error)),
        };
        let machine = Rc::clone(&code.machine);
        machine.shared.begin(self.limits.time);
        machine.shared.host.replace(Some(host));
        machine.shared.config.replace(code.config.take());
        let said = machine.lua.set_memory_limit(self.limits.memory).and_then(|_| code.check(self.home.is_shared));
        code.config = machine.shared.config.take();
        let host = machine.shared.host.take();
        // A machine that failed may be full, or in any state; one that grew is emptied by making another.
        if said.is_ok() && machine.lua.used_memory() < self.limits.memory / 4 {
            self.code = Some(code);
        } else {
            self.home.machine.take();
        }
        match host {
            Some(host) => (host, said.map_err(|e| bad(&e))),
            None => unreachable!("nothing else takes the host away"),
        }
    }
}

impl Code {
    /// Run the file of the gate: the table that it returns.
    fn run(&self) -> mlua::Result<Table> {
        let Machine { lua, behind, reseed, shared } = &*self.machine;
        reseed.call::<()>(0)?;
        shared.values.borrow_mut().clear();
        shared.loading.set(true);
        let returned = fresh(lua, behind, &self.main)?.call::<Value>(());
        shared.loading.set(false);
        match returned? {
            Value::Table(table) => Ok(table),
            other => Err(mlua::Error::runtime(format!("its file returns {} instead of the table of a gate", other.type_name()))),
        }
    }

    /// Ask the gate, whose file is run once where `ships` says that it keeps nothing.
    fn check(&mut self, ships: bool) -> mlua::Result<Said> {
        let check = match self.check.take() {
            Some(check) => check,
            None => self.run()?.get::<Function>("check")?,
        };
        let answer = check.call::<Value>(())?;
        self.check = ships.then_some(check);
        match answer {
            Value::Table(verdict) => said(&self.machine.lua, &verdict),
            other => Err(mlua::Error::runtime(format!("`check` returns {} instead of a verdict", other.type_name()))),
        }
    }
}

/// A copy of `function` with globals of its own, `behind` which the shared ones stand.
fn fresh(lua: &Lua, behind: &Table, function: &Function) -> mlua::Result<Function> {
    let globals = lua.create_table()?;
    globals.set_metatable(Some(behind.clone()))?;
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
fn require(lua: &Lua, shared: &Rc<Shared>, behind: Table) -> mlua::Result<Function> {
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
        let value = fresh(lua, &behind, &module)?.call::<Value>(())?;
        shared.values.borrow_mut().insert(name, Some(value.clone()));
        Ok(value)
    })
}
