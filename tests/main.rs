//! Drives the built binary as a user does, in real repositories made by real git.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod builtin;
mod compat;
mod demo;
mod differential;
mod docs;
mod errors;
mod forecast;
mod gates;
mod history;
mod kill;
mod kit;
mod ladder;
mod lua;
mod memory;
mod merge;
mod order;
mod plan;
mod plugins;
mod reference;
mod report;
mod repositories;
mod resolutions;
mod reuse;
mod runtimes;
mod sandbox;
mod schedule;
mod simulate;
mod steering;
mod strategies;
mod terminal;
mod undo;
mod wasm;
mod weave;
mod work_trees;
