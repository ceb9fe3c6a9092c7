//! Gates that run in this process: where their code comes from, which engine runs it, and one call of it.

use super::{
    Engines, Manifest, Over, Said, Stop, View, builtin,
    host::Host,
    lua,
    said::plain,
    wasm::{self, Parts},
};
use crate::model::{
    Error, Result,
    error::Class,
    gate::{BUILTIN, GateSpec},
    hex,
    time::human,
    verdict::Answer,
};
use gix::ObjectId;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How long a plugin may take for one candidate where nothing is said.
pub const DEFAULT_TIME: Duration = Duration::from_secs(10);

/// The memory that it may use then, in MiB.
pub const DEFAULT_MEMORY_MB: u32 = 64;

/// The fuel that it may use then.
pub const DEFAULT_FUEL: u64 = 10_000_000_000;

/// Largest Lua file, and largest component, in bytes.
const MAX_LUA_BYTES: usize = 1 << 20;
const MAX_WASM_BYTES: usize = 64 << 20;

/// Where the files of plugins are read.
pub enum Shelf<'a> {
    /// The tree of a commit: the target's, never the item's.
    Commit(&'a gix::Repository, ObjectId),
    /// A folder, for an author at work.
    Folder(&'a Path),
}

impl Shelf<'_> {
    /// The file at `path`, if there is one.
    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        match self {
            Shelf::Commit(git, commit) => {
                let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read {path} of {commit}"), e);
                let tree = git.find_commit(*commit).map_err(|e| reading(&e))?.tree().map_err(|e| reading(&e))?;
                let entry = tree.lookup_entry_by_path(path).map_err(|e| reading(&e))?;
                let Some(entry) = entry.filter(|entry| entry.mode().is_blob()) else { return Ok(None) };
                Ok(Some(entry.object().map_err(|e| reading(&e))?.detach().data))
            }
            Shelf::Folder(folder) => match std::fs::read(folder.join(path)) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => Ok(None),
                Err(e) => Err(Error::io(format_args!("read {path}"), e)),
            },
        }
    }
}

/// What bounds one call.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Wall time.
    pub time: Duration,
    /// Bytes of memory.
    pub memory: usize,
    /// Units of fuel, of WASM.
    pub fuel: u64,
}

impl Limits {
    /// Those of `gate`.
    pub fn of(gate: &GateSpec) -> Limits {
        let usual = Limits::default();
        Limits {
            time: gate.timeout.as_ref().map_or(usual.time, |span| span.duration()),
            memory: gate.memory_mb.map_or(usual.memory, |mb| (mb as usize) << 20),
            fuel: gate.fuel.unwrap_or(usual.fuel),
        }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { time: DEFAULT_TIME, memory: (DEFAULT_MEMORY_MB as usize) << 20, fuel: DEFAULT_FUEL }
    }
}

enum Engine {
    Lua(lua::Gate),
    Wasm(wasm::Gate),
}

impl Engine {
    fn manifest(&self) -> &Manifest {
        match self {
            Engine::Lua(gate) => gate.manifest(),
            Engine::Wasm(gate) => gate.manifest(),
        }
    }
}

/// Code that runs, and for no gate yet.
struct Code {
    engine: Engine,
    /// Those that it is made of, and what they hold; a built-in gate is made of none.
    files: Vec<String>,
    bytes: Vec<Vec<u8>>,
}

impl Code {
    fn load(name: &str, shelf: &Shelf, limits: Limits, engines: &Engines, stop: &Stop) -> Result<Code> {
        if let Some(builtin) = name.strip_prefix(BUILTIN) {
            let source = builtin::source(builtin)?.as_bytes();
            let gate = lua::Gate::load(name, source, &|_| Ok(None), limits, engines.shipped(), engines.clock()?, stop)?;
            return Ok(Code { engine: Engine::Lua(gate), files: Vec::new(), bytes: vec![source.to_vec()] });
        }
        let missing = || Error::input("no-plugin", format!("there is no file {name}")).hint("commit it to the target first");
        let bytes = shelf.read(name)?.ok_or_else(missing)?;
        if name.ends_with(".wasm") {
            within(bytes.len(), MAX_WASM_BYTES, name)?;
            let gate = wasm::Gate::load(engines.wasm()?, &bytes, limits, stop)?;
            return Ok(Code { engine: Engine::Wasm(gate), files: vec![name.to_string()], bytes: vec![bytes] });
        }
        within(bytes.len(), MAX_LUA_BYTES, name)?;
        let read = |path: &str| match shelf.read(path)? {
            Some(bytes) => within(bytes.len(), MAX_LUA_BYTES, path).map(|()| Some(bytes)),
            None => Ok(None),
        };
        let gate = lua::Gate::load(name, &bytes, &read, limits, lua::Home::default(), engines.clock()?, stop)?;
        let modules = gate.modules().to_vec();
        let files = std::iter::once(name.to_string()).chain(modules.iter().map(|(path, _)| path.clone())).collect();
        let bytes = std::iter::once(bytes).chain(modules.into_iter().map(|(_, bytes)| bytes)).collect();
        Ok(Code { engine: Engine::Lua(gate), files, bytes })
    }
}

/// What can be known of a plugin without asking it about a candidate.
pub struct Inspected {
    /// What it says of itself.
    pub manifest: Manifest,
    /// The files that it is made of.
    pub files: Vec<String>,
    /// Their size in bytes, all together.
    pub size: usize,
    /// What a component is made of.
    pub parts: Option<Parts>,
}

impl Inspected {
    /// Load the plugin `name` from `shelf`, whatever it would have to be granted and however it would have to be configured.
    pub fn load(name: &str, shelf: &Shelf, engines: &Engines, stop: &Stop) -> Result<Inspected> {
        let Code { engine, files, bytes } = Code::load(name, shelf, Limits::default(), engines, stop)?;
        let parts = match &engine {
            Engine::Lua(_) => None,
            Engine::Wasm(gate) => Some(gate.parts().clone()),
        };
        Ok(Inspected { manifest: engine.manifest().clone(), files, size: bytes.iter().map(Vec::len).sum(), parts })
    }
}

/// A plugin that is loaded for a gate.
pub struct Plugin {
    gate: GateSpec,
    manifest: Manifest,
    grants: Vec<String>,
    config: Map<String, Value>,
    files: Vec<String>,
    code: String,
    limits: Limits,
    engine: Engine,
}

/// What one call of a plugin came to.
pub struct Judged {
    /// The plugin's answer, or the error that kept it from one.
    pub said: Said,
    /// What it logged.
    pub log: Vec<u8>,
    /// How long it took.
    pub duration: Duration,
    /// Whether the user stopped it; then it has no answer worth keeping.
    pub stopped: bool,
}

impl Plugin {
    /// Load the plugin of `gate`, whose files lie on `shelf`. The error is the plugin's: no such file, code that does not load, a
    /// grant that is missing, or a config that it does not take.
    pub fn load(gate: &GateSpec, shelf: &Shelf, engines: &Engines, stop: &Stop) -> Result<Plugin> {
        let limits = Limits::of(gate);
        let Code { engine, files, bytes } = Code::load(gate.plugin.as_deref().unwrap_or_default(), shelf, limits, engines, stop)?;
        let manifest = engine.manifest().clone();
        let (grants, config) = (manifest.grants(gate)?, manifest.complete(gate)?);
        let mut hash = Sha256::new();
        for part in files.iter().map(String::as_bytes).chain(bytes.iter().map(Vec::as_slice)) {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        let code = hex(&hash.finalize());
        Ok(Plugin { gate: gate.clone(), manifest, grants, config, files, code, limits, engine })
    }

    /// The gate that it was loaded for.
    pub fn gate(&self) -> &GateSpec {
        &self.gate
    }

    /// What it says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its complete config.
    pub fn config(&self) -> &Map<String, Value> {
        &self.config
    }

    /// The files of the target that it is made of.
    pub fn files(&self) -> &[String] {
        &self.files
    }

    /// SHA-256 of its code, in hex.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Whether it runs programs, and so needs a work tree.
    pub fn runs_programs(&self) -> bool {
        self.grants.iter().any(|grant| grant.starts_with("exec:"))
    }

    /// Judge what `view` looks at; programs run in `dir`.
    pub fn judge(&mut self, view: View, dir: Option<PathBuf>, stop: &Stop) -> (View, Judged) {
        let started = Instant::now();
        let host = Host::new(view, self.grants.clone(), dir, started + self.limits.time, stop.clone());
        let (host, said) = match &mut self.engine {
            Engine::Lua(gate) => gate.check(host),
            Engine::Wasm(gate) => gate.check(host),
        };
        let over = host.over();
        let (view, log, failure) = host.end();
        let said = match (said.and_then(Said::bounded), failure) {
            (_, Some(error)) => Err(error),
            // What a plugin says behind its time, it says too late.
            (_, None) if over == Some(Over::TimedOut) => {
                Err(Error::input("bad-plugin", format!("timed out after {}", human(self.limits.time))).class(Class::Transient))
            }
            (said, None) => said,
        };
        let stopped = over == Some(Over::Stopped);
        let said = said.unwrap_or_else(|error| failed(&error));
        (view, Judged { said, log, duration: started.elapsed(), stopped })
    }
}

/// The answer of a plugin that could give none.
pub fn failed(error: &Error) -> Said {
    let hint = error.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
    let summary = plain(&format!("{error}{hint}"));
    Said { answer: Answer::Error, class: Some(error.class), summary, annotations: Vec::new(), left_out: 0, facts: Map::new() }
}

fn within(size: usize, most: usize, name: &str) -> Result<()> {
    match size <= most {
        true => Ok(()),
        false => Err(Error::input("bad-plugin", format!("{name} has {size} bytes, more than the {most} that a plugin may have"))),
    }
}
