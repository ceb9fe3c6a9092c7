//! `git lex-pr` lands a whole fan of branches at once: it plans them with their dependencies, weaves them together in
//! memory, proves every candidate with gates, and lands what holds in one ref transaction. No server; the plan, the

pub mod config;
pub mod gate;
pub mod model;
pub mod plan;
pub mod repo;
pub mod run;
pub mod weave;
