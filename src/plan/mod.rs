//! Sources become a plan; a plan has an order, revisions, and differences from other plans.

mod compose;
mod diff;
pub mod document;
pub mod edit;
pub mod merge;
mod order;
mod query;
mod review;
pub mod store;
mod trailers;
mod unknown;

pub use compose::{Composer, Selection, brought_anyway, remove};
pub use diff::{Change, diff};
pub use order::order;
pub use query::{FIELDS, Facts, Query};
pub use review::{Decision, Review};
