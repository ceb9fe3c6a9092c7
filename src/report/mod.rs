//! The same run as text for a terminal and as Markdown, and forecasts and simulations as pictures; JSON is the thing itself.

mod heat_map;
mod markdown;
pub mod style;
mod text;
mod timeline;
pub mod width;

pub use heat_map::heat_map;
pub use markdown::markdown;
pub use text::{full, headline, summary};
pub use timeline::timeline;
