//! What the gates of one process share, made when the first of them needs it.

use super::{lua::Home, ticker::Clock, wasm::Machine};
use crate::model::Result;
use std::sync::{Arc, OnceLock};

/// The engines that gates run in.
pub struct Engines {
    wasm: OnceLock<Result<Arc<Machine>>>,
    clock: OnceLock<Result<Clock>>,
    shipped: Home,
}

impl Default for Engines {
    fn default() -> Self {
        Engines { wasm: OnceLock::new(), clock: OnceLock::new(), shipped: Home::shared() }
    }
}

impl Engines {
    /// That of WASM gates.
    pub(super) fn wasm(&self) -> Result<Arc<Machine>> {
        self.wasm.get_or_init(|| Machine::new().map(Arc::new)).clone()
    }

    /// Where Lua gates that ship run.
    pub(super) fn shipped(&self) -> Home {
        self.shipped.clone()
    }

    /// The clock of Lua gates.
    pub(super) fn clock(&self) -> Result<Clock> {
        self.clock.get_or_init(Clock::start).clone()
    }
}
