//! What a component finds of WASI. Toolchains of whole languages link it, whether a gate needs it or not; here it is a machine
//! without files, network, arguments and environment, on which no time passes and dice always fall the same. A wait is over at
//! once. What a component writes to its output goes into the log of the gate.
//!
//! This is not wasmtime's own WASI, which has all of that and would have to be talked out of each: a wait there blocks the
//! thread beyond any deadline, and a handle or a random number of bytes costs the host memory.

use super::wasm::State;
use wasmtime::{
    Engine, Result, StoreContextMut, bail,
    component::{ComponentType, Lift, LinkerInstance, Lower, Resource, ResourceType, types::ComponentInstance, types::ComponentItem},
};

/// Longest line of output that is kept whole, in bytes.
const MAX_LINE_BYTES: usize = 4 << 10;

/// Most random bytes at once; what asks for more has other things in mind.
const MAX_RANDOM_BYTES: u64 = 64 << 10;

/// What a component may write at once, in bytes.
const MAX_WRITE_BYTES: u64 = 64 << 10;

/// A stream, by its number, or something to wait for. Nothing lies behind it that would have to be freed.
struct Thing;

const STDIN: u32 = 0;
const STDOUT: u32 = 1;
const STDERR: u32 = 2;

/// What a component has done to the machine that is none.
#[derive(Default)]
pub(super) struct Wasi {
    /// Nanoseconds that it has slept.
    slept: u64,
    random: u64,
    /// Lines of stdout and stderr that have no end yet.
    lines: [Vec<u8>; 2],
    last_words: String,
}

impl Wasi {
    /// The last line that it wrote to stderr.
    pub fn last_words(&self) -> Option<&str> {
        Some(self.last_words.as_str()).filter(|words| !words.is_empty())
    }

    /// SplitMix64, by Sebastiano Vigna.
    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn random_bytes(&mut self, count: u64) -> Result<Vec<u8>> {
        if count > MAX_RANDOM_BYTES {
            bail!("it wants {count} random bytes at once");
        }
        let words = std::iter::repeat_with(|| self.random().to_le_bytes()).flatten();
        Ok(words.take(usize::try_from(count)?).collect())
    }
}

impl State {
    fn write(&mut self, stream: u32, bytes: &[u8]) {
        for &byte in bytes {
            let line = &mut self.wasi.lines[usize::from(stream == STDERR)];
            match byte {
                b'\n' => self.end_line(stream),
                _ if line.len() < MAX_LINE_BYTES => line.push(byte),
                _ => {}
            }
        }
    }

    fn end_line(&mut self, stream: u32) {
        let line = std::mem::take(&mut self.wasi.lines[usize::from(stream == STDERR)]);
        let line = String::from_utf8_lossy(&line);
        self.log(if stream == STDERR { "warn" } else { "info" }, &line);
        if stream == STDERR && !line.trim().is_empty() {
            self.wasi.last_words = line.trim().into();
        }
    }

    /// Keep what was written last, and not ended.
    pub fn end_lines(&mut self) {
        for stream in [STDOUT, STDERR] {
            if !self.wasi.lines[usize::from(stream == STDERR)].is_empty() {
                self.end_line(stream);
            }
        }
    }
}

/// `wasi:io/streams.stream-error`
#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    #[allow(dead_code, reason = "nothing here fails, but the variant has it")]
    Failed(Resource<Thing>),
    #[component(name = "closed")]
    Closed,
}

/// `wasi:clocks/wall-clock.datetime`
#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

impl Datetime {
    fn of(nanoseconds: u64) -> Datetime {
        let second = 1_000_000_000;
        Datetime { seconds: nanoseconds / second, nanoseconds: u32::try_from(nanoseconds % second).unwrap_or_default() }
    }
}

/// Link `interface`, by the very name and version by which a component imports it.
pub(super) fn define(linker: &mut LinkerInstance<State>, interface: &str, kind: &ComponentInstance, engine: &Engine) -> Result<()> {
    let name = interface.split_once('@').map_or(interface, |(name, _)| name);
    for (item, import) in kind.exports(engine) {
        match import.ty {
            ComponentItem::Resource(_) => linker.resource(item, ResourceType::host::<Thing>(), |_, _| Ok(()))?,
            ComponentItem::ComponentFunc(_) => define_call(linker, name, item)?,
            _ => {}
        }
    }
    Ok(())
}

type Store<'a> = StoreContextMut<'a, State>;
type Written = (Result<(), StreamError>,);

fn define_call(linker: &mut LinkerInstance<State>, interface: &str, call: &str) -> Result<()> {
    let thing = |number| move |_: Store, ()| Ok((Resource::<Thing>::new_own(number),));
    let writes = |mut store: Store, (stream, bytes): (Resource<Thing>, Vec<u8>)| -> Result<Written> {
        store.data_mut().write(stream.rep(), &bytes);
        Ok((Ok(()),))
    };
    let ready = |_: Store, (_,): (Resource<Thing>,)| Ok((Resource::<Thing>::new_own(STDIN),));
    match (interface, call) {
        ("wasi:cli/environment", "get-environment") => linker.func_wrap(call, |_, ()| Ok((Vec::<(String, String)>::new(),))),
        ("wasi:cli/environment", "get-arguments") => linker.func_wrap(call, |_, ()| Ok((Vec::<String>::new(),))),
        ("wasi:cli/environment", "initial-cwd") => linker.func_wrap(call, |_, ()| Ok((None::<String>,))),
        ("wasi:cli/stdin", "get-stdin") => linker.func_wrap(call, thing(STDIN)),
        ("wasi:cli/stdout", "get-stdout") => linker.func_wrap(call, thing(STDOUT)),
        ("wasi:cli/stderr", "get-stderr") => linker.func_wrap(call, thing(STDERR)),
        ("wasi:cli/terminal-stdin", "get-terminal-stdin")
        | ("wasi:cli/terminal-stdout", "get-terminal-stdout")
        | ("wasi:cli/terminal-stderr", "get-terminal-stderr") => linker.func_wrap(call, |_, ()| Ok((None::<Resource<Thing>>,))),
        ("wasi:filesystem/preopens", "get-directories") => linker.func_wrap(call, |_, ()| Ok((Vec::<(Resource<Thing>, String)>::new(),))),
        ("wasi:io/streams", "[method]output-stream.check-write") => {
            linker.func_wrap(call, |_, (_,): (Resource<Thing>,)| Ok((Ok::<u64, StreamError>(MAX_WRITE_BYTES),)))
        }
        ("wasi:io/streams", "[method]output-stream.write" | "[method]output-stream.blocking-write-and-flush") => {
            linker.func_wrap(call, writes)
        }
        ("wasi:io/streams", "[method]output-stream.flush" | "[method]output-stream.blocking-flush") => {
            linker.func_wrap(call, |_, (_,): (Resource<Thing>,)| -> Result<Written> { Ok((Ok(()),)) })
        }
        ("wasi:io/streams", "[method]input-stream.read" | "[method]input-stream.blocking-read") => {
            linker.func_wrap(call, |_, (_, _): (Resource<Thing>, u64)| Ok((Err::<Vec<u8>, _>(StreamError::Closed),)))
        }
        ("wasi:io/streams", "[method]output-stream.subscribe" | "[method]input-stream.subscribe") => linker.func_wrap(call, ready),
        ("wasi:io/poll", "[method]pollable.ready") => linker.func_wrap(call, |_, (_,): (Resource<Thing>,)| Ok((true,))),
        ("wasi:io/poll", "[method]pollable.block") => linker.func_wrap(call, |_, (_,): (Resource<Thing>,)| Ok(())),
        ("wasi:io/poll", "poll") => linker.func_wrap(call, |_, (all,): (Vec<Resource<Thing>>,)| {
            let count = u32::try_from(all.len())?;
            Ok(((0..count).collect::<Vec<u32>>(),))
        }),
        ("wasi:clocks/monotonic-clock", "now") => linker.func_wrap(call, |store: Store, ()| Ok((store.data().wasi.slept,))),
        ("wasi:clocks/monotonic-clock", "resolution") => linker.func_wrap(call, |_, ()| Ok((1_u64,))),
        ("wasi:clocks/monotonic-clock", "subscribe-duration") => linker.func_wrap(call, |mut store: Store, (time,): (u64,)| {
            let slept = &mut store.data_mut().wasi.slept;
            *slept = slept.saturating_add(time);
            Ok((Resource::<Thing>::new_own(STDIN),))
        }),
        ("wasi:clocks/monotonic-clock", "subscribe-instant") => linker.func_wrap(call, |mut store: Store, (until,): (u64,)| {
            let slept = &mut store.data_mut().wasi.slept;
            *slept = until.max(*slept);
            Ok((Resource::<Thing>::new_own(STDIN),))
        }),
        ("wasi:clocks/wall-clock", "now") => linker.func_wrap(call, |store: Store, ()| Ok((Datetime::of(store.data().wasi.slept),))),
        ("wasi:clocks/wall-clock", "resolution") => linker.func_wrap(call, |_, ()| Ok((Datetime::of(1),))),
        ("wasi:random/random", "get-random-bytes") | ("wasi:random/insecure", "get-insecure-random-bytes") => {
            linker.func_wrap(call, |mut store: Store, (count,): (u64,)| Ok((store.data_mut().wasi.random_bytes(count)?,)))
        }
        ("wasi:random/random", "get-random-u64") | ("wasi:random/insecure", "get-insecure-random-u64") => {
            linker.func_wrap(call, |mut store: Store, ()| Ok((store.data_mut().wasi.random(),)))
        }
        ("wasi:random/insecure-seed", "insecure-seed") => linker.func_wrap(call, |mut store: Store, ()| {
            let wasi = &mut store.data_mut().wasi;
            Ok(((wasi.random(), wasi.random()),))
        }),
        ("wasi:cli/exit", "exit") => {
            linker.func_wrap(call, |_, (_,): (Result<(), ()>,)| -> Result<()> { bail!("it exited instead of answering") })
        }
        _ => {
            let called = format!("{interface}#{call}");
            linker.func_new(call, move |_, _, _, _| bail!("it calls `{called}`, which a gate does not have"))
        }
    }
}
