//! The same run as text for a terminal and as Markdown, and a forecast as a picture; JSON is the thing itself.

mod heat_map;
mod markdown;
pub mod style;
mod text;

pub use heat_map::heat_map;
pub use markdown::markdown;
pub use text::{full, headline, summary};
