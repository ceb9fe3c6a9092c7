//! The same run as text for a terminal and as Markdown; JSON is the run itself.

mod markdown;
pub mod style;
mod text;

pub use markdown::markdown;
pub use text::{full, headline, summary};
