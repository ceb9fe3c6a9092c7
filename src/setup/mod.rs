//! The first day with a repository, and the days on which something is wrong: what it is made of, the lex-pr.toml that follows from
//! that, and what a set-up lacks.

mod checkup;
mod ci;
mod files;
mod profile;
mod projects;
mod proposal;

pub use checkup::{Examined, Finding, Level, machine, mend, repository, target};
pub use profile::{Profile, find as find_profile};
pub use proposal::{Lacking, Proposal, Proposed, propose};
