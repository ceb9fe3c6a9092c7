//! Gates judge candidates: what a gate's verdict is keyed by, how commands run, and which verdicts are known already.

mod command;
mod digest;
mod inputs;
mod verdicts;

pub use command::{Attempted, Context, Stop, run};
pub use digest::digest;
pub use inputs::inputs;
pub use verdicts::{Known, NOTES_REF, note_line};
