//! The engine of WASM gates: components of the world `plugins/wit/gate.wit`, run by wasmtime.
//!
//! A component is compiled once and kept in the user's cache folder; each call has an instance of its own, so that nothing of one
//! candidate is left when the next is judged. Fuel, memory and time are bounded, and of the machine it sees what [`Host`] grants:
//! what a toolchain links of WASI is there, and has nothing to tell (see [`wasi`]).

use super::{
    Manifest, Said, Stop,
    host::Host,
    plugin::Limits,
    said::{MAX_ANNOTATIONS, plain},
    ticker::Ticker,
    view::{self, Difference, LineEnds, Status, View, matches, no_candidate, quote},
    wasi::{self, Wasi},
};
use crate::{
    config::cache_folder,
    model::{
        Error, Result,
        time::human,
        verdict::{self, Annotation, Answer, Severity},
    },
    weave::Lines,
};
use bindings::{
    GatePre,
    lex_pr::gate::{candidate, granted, log, types},
};
use gix::{
    bstr::ByteSlice,
    objs::tree::{EntryKind, EntryMode},
};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    fs::DirBuilder,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use wasmparser::{ComponentInstance, Payload};
use wasmtime::{
    Cache, CacheConfig, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, ResourceLimiter, Store, Trap, UpdateDeadline,
    component::{Component, HasSelf, Linker, types::ComponentItem},
};

mod bindings {
    #![allow(missing_docs)]
    wasmtime::component::bindgen!({ path: "plugins/wit", world: "gate", imports: { default: trappable } });
}

/// The world that a component exports.
pub const WORLD: &str = "lex-pr:gate/gate@1.0.0";

/// The package that it is of, and the version of that.
const PACKAGE: &str = "lex-pr:gate";
const VERSION: semver::Version = semver::Version::new(1, 0, 0);

/// How often a running component is asked whether its time is over.
const TICK: Duration = Duration::from_millis(10);

/// The stack of a component, in bytes.
const STACK: usize = 512 << 10;

/// Most instances, memories and tables that a component may be made of; Python's has a few dozen.
const MOST_PARTS: usize = 256;

/// Addresses that are kept for a table, in elements: more than the memory of a gate has room for.
const TABLE_ELEMENTS: usize = 1 << 24;

/// Most components that one may come to, whatever is instantiated where; toolchains make a handful.
const MOST_COPIES: u64 = 10_000;

/// What a component is made of.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The names of its imports, in order.
    pub imports: Vec<String>,
    /// The names of its exports, in order.
    pub exports: Vec<String>,
}

/// A compiler with what it has compiled, for all WASM gates.
pub(super) struct Machine {
    engine: Engine,
    /// With all of the gate's own interfaces.
    linker: Linker<State>,
    /// By the SHA-256 of the bytes.
    known: Mutex<HashMap<[u8; 32], Code>>,
    _ticker: Ticker,
}

/// A component that is ready to run.
#[derive(Clone)]
struct Code {
    gate: GatePre<State>,
    parts: Parts,
}

/// An engine whose instances take turns in memory that is mapped once, which makes one in half of the time. It has room for one call
/// of the largest component that may be; a machine that does not overcommit addresses has none for it.
fn pooled(config: &Config) -> wasmtime::Result<Engine> {
    let parts = MOST_PARTS as u32;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(1).total_core_instances(parts).total_memories(parts).total_tables(parts);
    pool.max_core_instances_per_component(parts).max_memories_per_component(parts).max_tables_per_component(parts);
    pool.max_memories_per_module(parts).max_tables_per_module(parts).table_elements(TABLE_ELEMENTS);
    let mut config = config.clone();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}

impl Machine {
    pub fn new() -> Result<Machine> {
        let mut config = Config::new();
        config.consume_fuel(true).epoch_interruption(true).max_wasm_stack(STACK);
        // The same bits on every machine.
        config.cranelift_nan_canonicalization(true).relaxed_simd_deterministic(true);
        let limited = rustix::process::getrlimit(rustix::process::Resource::As).current.is_some();
        if limited {
            // Where there are addresses enough, four gigabytes of them for each memory save it bounds checks and moves.
            config.memory_reservation(0).memory_guard_size(0).memory_reservation_for_growth(0);
        }
        config.cache(cache());
        let making = |e: wasmtime::Error| Error::environment("wasm", format!("could not start the WASM engine: {e}"));
        let engine = if limited { Engine::new(&config) } else { pooled(&config).or_else(|_| Engine::new(&config)) }.map_err(making)?;
        let mut linker = Linker::new(&engine);
        bindings::Gate::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state).map_err(making)?;
        let weak = engine.weak();
        let ticker = Ticker::start(TICK, move || {
            if let Some(engine) = weak.upgrade() {
                engine.increment_epoch();
            }
        })?;
        Ok(Machine { engine, linker, known: Mutex::default(), _ticker: ticker })
    }

    fn prepare(&self, bytes: &[u8]) -> Result<Code> {
        let digest: [u8; 32] = Sha256::digest(bytes).into();
        // Whoever wants the same component meanwhile waits for it instead of compiling it again.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(code) = known.get(&digest) {
            return Ok(code.clone());
        }
        let code = self.compile(bytes)?;
        known.insert(digest, code.clone());
        Ok(code)
    }

    fn compile(&self, bytes: &[u8]) -> Result<Code> {
        match bytes {
            [b'\0', b'a', b's', b'm', _, _, 1, 0, ..] => {}
            [b'\0', b'a', b's', b'm', ..] => {
                let hint = "wrap it: wasm-tools component new MODULE.wasm -o GATE.wasm; `git lex-pr plugin build` does so";
                return Err(Error::input("bad-plugin", "it is a core WASM module, and no component").hint(hint));
            }
            _ => return Err(Error::input("bad-plugin", "it is no WASM: it does not begin as a component does")),
        }
        if copies(bytes) > MOST_COPIES {
            return Err(Error::input("bad-plugin", "it is made of more parts than a gate may have"));
        }
        let unsound = |e: wasmtime::Error| match one_line(&e) {
            words if words.contains(TOO_LARGE_FOR_THE_POOL) => Error::input("bad-plugin", "it is made of more parts than a gate may have"),
            words => Error::input("bad-plugin", format!("it is no sound component: {words}")),
        };
        let component = Component::from_binary(&self.engine, bytes).map_err(unsound)?;
        let kind = component.component_type();
        let parts = Parts {
            imports: kind.imports(&self.engine).map(|(name, _)| name.to_string()).collect(),
            exports: kind.exports(&self.engine).map(|(name, _)| name.to_string()).collect(),
        };
        parts.imports.iter().try_for_each(|name| check_import(name))?;
        if let Some(missing) = ["describe", "check"].iter().find(|name| !parts.exports.iter().any(|export| export == *name)) {
            let hint = format!("build it for the world `gate` of {PACKAGE}@{VERSION}");
            return Err(Error::input("bad-plugin", format!("it exports no `{missing}`")).hint(hint));
        }
        let mut linker = self.linker.clone();
        for (name, import) in kind.imports(&self.engine) {
            if let (true, ComponentItem::ComponentInstance(interface)) = (name.starts_with("wasi:"), import.ty) {
                let linking = |e: wasmtime::Error| Error::input("bad-plugin", format!("`{name}` cannot be linked: {}", one_line(&e)));
                let mut instance = linker.instance(name).map_err(linking)?;
                wasi::define(&mut instance, name, &interface, &self.engine).map_err(linking)?;
            }
        }
        let misfit = |e: wasmtime::Error| {
            let hint = format!("build it again for {PACKAGE}@{VERSION}");
            Error::input("bad-plugin", format!("it does not fit the world of gates: {}", one_line(&e))).hint(hint)
        };
        let gate = GatePre::new(linker.instantiate_pre(&component).map_err(misfit)?).map_err(misfit)?;
        Ok(Code { gate, parts })
    }
}

/// How many components there can be at most once each is put where it is instantiated, as compiling does: a few hundred bytes
/// that double what doubles would fill any memory. What cannot be read is left to the compiler to refuse.
fn copies(bytes: &[u8]) -> u64 {
    let mut copies = 1_u64;
    let mut open = Vec::new();
    for payload in wasmparser::Parser::new(0).parse_all(bytes).map_while(|payload| payload.ok()) {
        match payload {
            Payload::Version { .. } => open.push(0_u64),
            Payload::ComponentInstanceSection(instances) => {
                let made = instances.into_iter().flatten().filter(|instance| matches!(instance, ComponentInstance::Instantiate { .. }));
                if let Some(count) = open.last_mut() {
                    *count += made.count() as u64;
                }
            }
            Payload::End(_) => copies = copies.saturating_mul(1 + open.pop().unwrap_or_default()),
            _ => {}
        }
    }
    copies
}

/// Whether there is anything for an import of this name.
fn check_import(name: &str) -> Result<()> {
    let (interface, version) = name.split_once('@').unwrap_or((name, ""));
    if interface.starts_with("wasi:") {
        return Ok(());
    }
    if !interface.strip_prefix(PACKAGE).is_some_and(|rest| rest.starts_with('/')) {
        let hint = format!("a gate imports {PACKAGE}@{VERSION}, and wasi:* where its toolchain does");
        return Err(Error::input("bad-plugin", format!("it imports `{name}`, which no gate has")).hint(hint));
    }
    let fits = semver::Version::parse(version).is_ok_and(|version| version.major == VERSION.major && version <= VERSION);
    match fits {
        true => Ok(()),
        false => Err(Error::input("bad-plugin", format!("it is made for {PACKAGE}@{version}, and this is {PACKAGE}@{VERSION}"))
            .hint("install a git-lex-pr that has it, or build the gate for this one")),
    }
}

/// Where compiled components are kept. What cannot be used only costs time. What somebody else could write must not be used: it
/// is machine code.
fn cache() -> Option<Cache> {
    let folder = cache_folder()?.join("wasm");
    std::fs::create_dir_all(folder.parent()?).ok()?;
    // It may be there already.
    let _ = DirBuilder::new().mode(0o700).create(&folder);
    is_private(&folder).then_some(())?;
    let mut config = CacheConfig::new();
    config.with_directory(folder);
    Cache::new(config).ok()
}

fn is_private(folder: &Path) -> bool {
    let user = rustix::process::geteuid().as_raw();
    std::fs::symlink_metadata(folder).is_ok_and(|meta| meta.is_dir() && meta.uid() == user && meta.mode() & 0o077 == 0)
}

/// A WASM gate.
pub struct Gate {
    machine: Arc<Machine>,
    code: Code,
    limits: Limits,
    stop: Stop,
    manifest: Manifest,
}

impl Gate {
    /// Load the component in `bytes`.
    pub fn load(machine: Arc<Machine>, bytes: &[u8], limits: Limits, stop: &Stop) -> Result<Gate> {
        let code = machine.prepare(bytes)?;
        let mut gate = Gate { machine, code, limits, stop: stop.clone(), manifest: Manifest::default() };
        gate.manifest = gate.describe()?;
        Ok(gate)
    }

    /// What it says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What it is made of.
    pub fn parts(&self) -> &Parts {
        &self.code.parts
    }

    /// Judge what `host` shows.
    pub fn check(&mut self, host: Host) -> (Host, Result<Said>) {
        let (host, answer) = self.call(Some(host), |gate, store| gate.call_check(store));
        let Some(host) = host else { unreachable!("a call gives back the host that it was given") };
        let said = answer.and_then(|answer| answer.map_err(|words| Error::input("bad-plugin", plain(&words)))).and_then(said);
        (host, said)
    }

    fn describe(&self) -> Result<Manifest> {
        let manifest = self.call(None, |gate, store| gate.call_describe(store)).1?;
        let config = object("its config is", &manifest.config)?;
        let types::Manifest { description, capabilities, needs, .. } = manifest;
        Ok(Manifest { description: plain(&description), capabilities, config, needs })
    }

    /// Run something in an instance of its own, within the limits.
    fn call<T>(
        &self,
        host: Option<Host>,
        run: impl FnOnce(&bindings::Gate, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> (Option<Host>, Result<T>) {
        let deadline = Instant::now() + self.limits.time;
        let room = Room { left: self.limits.memory };
        let mut store = Store::new(&self.machine.engine, State { host, deadline, stop: self.stop.clone(), room, wasi: Wasi::default() });
        store.limiter(|state| &mut state.room);
        // What it hands over in one call is copied, so it counts as memory too.
        store.set_hostcall_fuel(self.limits.memory);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|store| store.data().in_time().map(|()| UpdateDeadline::Continue(1)));
        let fuelled = store.set_fuel(self.limits.fuel);
        let answer = fuelled.and_then(|()| self.code.gate.instantiate(&mut store)).and_then(|gate| run(&gate, &mut store));
        let mut state = store.into_data();
        state.end_lines();
        let answer = answer.map_err(|error| self.explain(&error, &state.wasi));
        (state.host, answer)
    }

    /// In one line, why a component gave no answer.
    fn explain(&self, error: &wasmtime::Error, wasi: &Wasi) -> Error {
        let bad = |words: String| Error::input("bad-plugin", words);
        if let Some(own) = error.downcast_ref::<Error>() {
            return match own.message == TOO_LATE {
                true => bad(format!("timed out after {}", human(self.limits.time))),
                false => Error { code: "bad-plugin", ..own.clone() },
            };
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => {
                bad(format!("used up its fuel of {} units", self.limits.fuel)).hint("`fuel` of the gate in lex-pr.toml is how much it has")
            }
            Some(Trap::StackOverflow) => bad("its calls go too deep: it needs more stack than it may use".into()),
            Some(Trap::UnreachableCodeReached) => match wasi.last_words() {
                Some(words) => bad(format!("it panicked: {words}")),
                None => bad("it panicked".into()),
            },
            Some(trap) => bad(format!("it crashed: {}", trap.to_string().trim_start_matches("wasm trap: "))),
            None => match one_line(error) {
                words if words.starts_with(TOO_MUCH_AT_ONCE) => bad("it hands over more at once than it has memory".into()),
                words if words.starts_with(TOO_MANY_PARTS) => bad("it is made of more parts than a gate may have".into()),
                words => bad(words),
            },
        }
    }
}

/// How the words begin with which wasmtime ends what hands over too much, or has too many instances, memories or tables. There is
/// nothing but words to know them by.
const TOO_MUCH_AT_ONCE: &str = "too much data is being copied";
const TOO_MANY_PARTS: &str = "resource limit exceeded";
const TOO_LARGE_FOR_THE_POOL: &str = "exceeds the configured maximum of";

/// What ends a component whose time is over.
const TOO_LATE: &str = "its time is over";

/// The innermost cause of an error, where the engine has more to tell than anybody wants to read.
fn one_line(error: &wasmtime::Error) -> String {
    let words = error.root_cause().to_string();
    plain(words.lines().next().unwrap_or("it failed and did not say why"))
}

fn object(which_is: &str, text: &str) -> Result<Map<String, Value>> {
    if text.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_str(text).map_err(|e| Error::input("bad-plugin", format!("{which_is} no JSON object: {e}")))
}

fn said(verdict: types::Verdict) -> Result<Said> {
    let types::Verdict { answer, summary, annotations, facts } = verdict;
    let answer = match answer {
        types::Answer::Pass => Answer::Pass,
        types::Answer::Fail => Answer::Fail,
        types::Answer::Warn => Answer::Warn,
        types::Answer::Skip => Answer::Skip,
    };
    let left_out = annotations.len().saturating_sub(MAX_ANNOTATIONS);
    let annotations = annotations.into_iter().take(MAX_ANNOTATIONS).map(|annotation| Annotation {
        path: annotation.path,
        line: annotation.line.map(|line| line as usize),
        severity: match annotation.severity {
            types::Severity::Error => Severity::Error,
            types::Severity::Warning => Severity::Warning,
            types::Severity::Notice => Severity::Notice,
        },
        message: annotation.message,
        replacement: annotation.replacement,
    });
    Ok(Said { answer, class: None, summary, annotations: annotations.collect(), left_out, facts: object("its facts are", &facts)? })
}

/// What an instance may still take of memory: all memories and tables together.
struct Room {
    left: usize,
}

impl Room {
    fn take(&mut self, more: usize) -> wasmtime::Result<bool> {
        self.left = self.left.checked_sub(more).ok_or_else(|| {
            let hint = "`memory-mb` of the gate in lex-pr.toml is how much it has";
            Error::input("bad-plugin", "it needs more memory than it may use").hint(hint)
        })?;
        Ok(true)
    }
}

impl ResourceLimiter for Room {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        // What the component itself declares impossible fails for the component, as it must.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.take(desired.saturating_sub(current))
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.take(desired.saturating_sub(current).saturating_mul(size_of::<usize>()))
    }

    fn instances(&self) -> usize {
        MOST_PARTS
    }

    fn tables(&self) -> usize {
        MOST_PARTS
    }

    fn memories(&self) -> usize {
        MOST_PARTS
    }
}

/// What a running component talks to.
pub(super) struct State {
    /// None while it describes itself.
    host: Option<Host>,
    deadline: Instant,
    stop: Stop,
    room: Room,
    pub wasi: Wasi,
}

impl State {
    /// Errors once the call must end.
    fn in_time(&self) -> wasmtime::Result<()> {
        let is_over = match &self.host {
            Some(host) => host.over().is_some(),
            None => *self.stop.borrow() || Instant::now() >= self.deadline,
        };
        if is_over { Err(Error::input("bad-plugin", TOO_LATE).into()) } else { Ok(()) }
    }

    fn host(&mut self) -> Result<&mut Host> {
        self.host.as_mut().ok_or_else(no_candidate)
    }

    fn ask<T>(&mut self, question: impl FnOnce(&mut View) -> Result<T>) -> wasmtime::Result<T> {
        Ok(self.host()?.ask(question)?)
    }

    /// Keep a line of the component; while it describes itself, there is nowhere to keep it.
    pub fn log(&mut self, level: &str, message: &str) {
        if let Some(host) = &mut self.host {
            host.log(level, message);
        }
    }
}

impl types::Host for State {}

impl log::Host for State {
    fn info(&mut self, message: String) -> wasmtime::Result<()> {
        self.log("info", &message);
        Ok(())
    }

    fn warn(&mut self, message: String) -> wasmtime::Result<()> {
        self.log("warn", &message);
        Ok(())
    }
}

impl granted::Host for State {
    fn env(&mut self, name: String) -> wasmtime::Result<Result<Option<String>, String>> {
        Ok(self.host().and_then(|host| host.env(&name)).map_err(|e| refusal(&e)))
    }

    fn exec(&mut self, program: String, arguments: Vec<String>, input: Vec<u8>) -> wasmtime::Result<Result<granted::Output, String>> {
        let output = self.host().and_then(|host| host.exec(&program, &arguments, input));
        let output = output.map(|output| granted::Output { status: output.status, stdout: output.stdout, stderr: output.stderr });
        Ok(output.map_err(|e| refusal(&e)))
    }

    fn now(&mut self) -> wasmtime::Result<Result<u64, String>> {
        Ok(self.host().and_then(|host| host.now()).map_err(|e| refusal(&e)))
    }
}

fn refusal(error: &Error) -> String {
    let hint = error.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("{error}{hint}")
}

impl candidate::Host for State {
    fn item(&mut self) -> wasmtime::Result<String> {
        self.ask(|view| Ok(view.subject()?.item.clone()))
    }

    fn target(&mut self) -> wasmtime::Result<String> {
        self.ask(|view| Ok(view.subject()?.target.clone()))
    }

    fn base(&mut self) -> wasmtime::Result<types::Commit> {
        self.ask(|view| view.base()).map(commit)
    }

    fn head(&mut self) -> wasmtime::Result<types::Commit> {
        self.ask(|view| view.head()).map(commit)
    }

    fn commits(&mut self) -> wasmtime::Result<Vec<types::Commit>> {
        Ok(self.ask(View::commits)?.iter().cloned().map(commit).collect())
    }

    fn files(&mut self, glob: String) -> wasmtime::Result<Vec<String>> {
        self.ask(|view| view.files(&glob))
    }

    fn matches(&mut self, glob: String, path: String) -> wasmtime::Result<bool> {
        Ok(matches(&glob, &path)?)
    }

    fn matches_any(&mut self, globs: Vec<String>, path: String) -> wasmtime::Result<bool> {
        for glob in globs {
            // In here no tick is noticed.
            self.in_time()?;
            if matches(&glob, &path)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn exists(&mut self, path: String) -> wasmtime::Result<bool> {
        self.ask(|view| view.exists(&path))
    }

    fn mode(&mut self, path: String) -> wasmtime::Result<Option<types::Mode>> {
        Ok(self.ask(|view| view.mode(&path))?.map(mode))
    }

    fn size(&mut self, path: String) -> wasmtime::Result<Option<u64>> {
        self.ask(|view| view.size(&path))
    }

    fn read(&mut self, path: String) -> wasmtime::Result<Option<Vec<u8>>> {
        self.ask(|view| view.read(&path))
    }

    fn read_base(&mut self, path: String) -> wasmtime::Result<Option<Vec<u8>>> {
        self.ask(|view| view.read_base(&path))
    }

    fn line_ends(&mut self, path: String) -> wasmtime::Result<Option<types::Ends>> {
        let told = |ends: LineEnds| types::Ends { lf: ends.lf, crlf: ends.crlf, is_ended: ends.is_ended, has_bom: ends.has_bom };
        Ok(self.ask(|view| view.line_ends(&path))?.map(told))
    }

    fn changes(&mut self) -> wasmtime::Result<Vec<types::Change>> {
        self.ask(|view| Ok(view.changes()?.into_iter().map(change).collect()))
    }

    fn diff(&mut self, path: String) -> wasmtime::Result<Option<types::Difference>> {
        self.ask(|view| Ok(view.diff(&path)?.as_deref().map(difference)))
    }

    fn diff_counts(&mut self, path: String) -> wasmtime::Result<Option<types::Counts>> {
        let count = |lines: &Lines| u32::try_from(lines.count()).unwrap_or(u32::MAX);
        let counts = |d: &Difference| types::Counts { added: count(&d.added), removed: count(&d.removed) };
        self.ask(|view| Ok(view.diff(&path)?.as_deref().map(counts)))
    }

    fn added_text(&mut self, path: String) -> wasmtime::Result<Option<String>> {
        self.ask(|view| Ok(view.diff(&path)?.map(|difference| difference.added.text.to_str_lossy().into_owned())))
    }

    fn removed_text(&mut self, path: String) -> wasmtime::Result<Option<String>> {
        self.ask(|view| Ok(view.diff(&path)?.map(|difference| difference.removed.text.to_str_lossy().into_owned())))
    }

    fn config(&mut self) -> wasmtime::Result<String> {
        let config = self.host()?.view.config();
        Ok(serde_json::to_string(config)?)
    }

    fn verdict_of(&mut self, gate: String) -> wasmtime::Result<Option<types::Verdict>> {
        Ok(self.host()?.view.verdict_of(&gate).and_then(told))
    }
}

fn commit(commit: view::Commit) -> types::Commit {
    let signature = |who: view::Signature| types::Signature { name: who.name, email: who.email, time: who.time };
    types::Commit {
        id: commit.id,
        parents: commit.parents,
        author: signature(commit.author),
        committer: signature(commit.committer),
        message: commit.message,
        trailers: commit.trailers,
    }
}

fn mode(mode: EntryMode) -> types::Mode {
    match mode.kind() {
        EntryKind::Blob => types::Mode::File,
        EntryKind::BlobExecutable => types::Mode::Executable,
        EntryKind::Link => types::Mode::Symlink,
        EntryKind::Tree => types::Mode::Folder,
        EntryKind::Commit => types::Mode::Submodule,
    }
}

fn change(change: &view::Change) -> types::Change {
    types::Change {
        status: match change.status {
            Status::Added => types::Status::Added,
            Status::Modified => types::Status::Modified,
            Status::Deleted => types::Status::Deleted,
            Status::Renamed => types::Status::Renamed,
        },
        path: quote(change.path.as_bstr()),
        old_path: change.old_path.as_ref().map(|path| quote(path.as_bstr())),
        mode: change.new.map(|(new, _)| mode(new)),
        old_mode: change.old.map(|(old, _)| mode(old)),
    }
}

fn difference(difference: &view::Difference) -> types::Difference {
    let lines = |lines: &Lines| {
        let line = |(number, text): (usize, &[u8])| types::Line {
            number: u32::try_from(number).unwrap_or(u32::MAX),
            text: text.to_str_lossy().into_owned(),
        };
        lines.iter().map(line).collect()
    };
    types::Difference { added: lines(&difference.added), removed: lines(&difference.removed) }
}

/// What another gate said; one that failed to answer said nothing.
fn told(verdict: &verdict::Verdict) -> Option<types::Verdict> {
    let answer = match verdict.verdict {
        Answer::Pass => types::Answer::Pass,
        Answer::Fail => types::Answer::Fail,
        Answer::Warn => types::Answer::Warn,
        Answer::Skip => types::Answer::Skip,
        Answer::Error => return None,
    };
    let annotations = verdict.annotations.iter().map(|annotation| types::Annotation {
        path: annotation.path.clone(),
        line: annotation.line.and_then(|line| u32::try_from(line).ok()),
        severity: match annotation.severity {
            Severity::Error => types::Severity::Error,
            Severity::Warning => types::Severity::Warning,
            Severity::Notice => types::Severity::Notice,
        },
        message: annotation.message.clone(),
        replacement: annotation.replacement.clone(),
    });
    Some(types::Verdict {
        answer,
        summary: verdict.summary.clone(),
        annotations: annotations.collect(),
        facts: Value::Object(verdict.facts.clone()).to_string(),
    })
}
