//! `git lex-pr` lands a whole fan of branches at once: it plans them with their dependencies, weaves them together in
//! memory, proves every candidate with gates, and lands what holds in one ref transaction. No server; the plan, the
//! verdicts and the journal live in git.
//!
//! Data flows one way: [`plan`] -> order -> [`weave`] -> [`gate`] -> land (in [`run`]) -> [`report`]. Each module uses only
//! those before it in this list: [`model`], [`config`], [`repo`], [`plan`], [`weave`], [`gate`], [`run`], [`sync`], [`setup`],
//! [`report`], [`view`], [`cli`].

pub mod cli;
pub mod config;
pub mod gate;
pub mod model;
pub mod plan;
pub mod repo;
pub mod report;
pub mod run;
pub mod setup;
pub mod sync;
pub mod view;
pub mod weave;
