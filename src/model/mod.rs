//! Plain data and its schema: what a plan, a verdict and a run are. No I/O.

pub mod error;
pub mod forecast;
pub mod gate;
mod hex;
pub mod hook;
pub mod json;
pub mod note;
pub mod plan;
pub mod policy;
pub mod resolution;
pub mod run;
mod shell;
pub mod simulation;
pub mod time;
pub mod verdict;

pub use error::{Error, Result};
pub use hex::hex;
pub use shell::shell_word;
