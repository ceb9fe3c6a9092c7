//! Gates judge candidates: what a gate's verdict is keyed by, how commands and plugins run, and which verdicts are known already.

pub mod builtin;
pub mod cases;
mod command;
mod container;
mod digest;
mod host;
mod inputs;
mod limits;
mod lua;
mod manifest;
mod overrides;
mod plugin;
mod process;
mod said;
mod sandbox;
mod stats;
pub mod templates;
pub mod usage;
mod verdicts;
mod view;
mod wasi;
mod wasm;

pub use command::{Attempted, run};
pub use digest::{digest, plugin_digest};
pub use host::Over;
pub use inputs::{inputs, names};
pub use manifest::Manifest;
pub use overrides::{add_overrides, overrides};
pub use plugin::{Inspected, Judged, Limits, Plugin, Shelf, failed};
pub use process::Stop;
pub use said::Said;
pub use stats::{GateStats, stats};
pub use verdicts::{Known, NOTES_REF, given, note_line};
pub use view::{Subject, View};
pub use wasm::{Parts, WORLD, Wasm};
