//! The terminal: taken over for as long as the view lasts, and given back however it ends.

use crate::model::{Error, Result};
use ratatui::{
    DefaultTerminal, Frame,
    backend::CrosstermBackend,
    crossterm::{
        event, execute,
        terminal::{Clear, ClearType},
    },
};
use rustix::process::{Signal, kill_current_process_group};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM},
    iterator::Signals,
};
use std::{
    io::stdout,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How long a view may take to end after a signal, and the exit status of one that takes longer.
const PATIENCE: Duration = Duration::from_secs(1);
const INTERRUPTED: i32 = 130;

pub(super) struct Terminal {
    inner: DefaultTerminal,
    signalled: Arc<AtomicBool>,
}

impl Terminal {
    /// Take it over. A panic gives it back before it says anything.
    pub fn take() -> Result<Terminal> {
        let signalled = Arc::new(AtomicBool::new(false));
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM]).map_err(|e| Error::io("listen to signals", e))?;
        let told = signalled.clone();
        std::thread::spawn(move || {
            if signals.forever().next().is_some() {
                told.store(true, Ordering::Relaxed);
                std::thread::sleep(PATIENCE);
                // Reading from a terminal that is gone comes to no end, and nobody is left to see how this ends.
                let _ = ratatui::try_restore();
                std::process::exit(INTERRUPTED);
            }
        });
        let inner = ratatui::try_init().map_err(|e| Error::io("take over the terminal", e))?;
        Ok(Terminal { inner, signalled })
    }

    /// Whether the system wants an end.
    pub fn is_signalled(&self) -> bool {
        self.signalled.load(Ordering::Relaxed)
    }

    /// Columns and lines.
    pub fn size(&self) -> Result<(u16, u16)> {
        self.inner.size().map(|size| (size.width, size.height)).map_err(lost)
    }

    /// Write what is not on the screen yet.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame)) -> Result<()> {
        self.inner.draw(draw).map(|_| ()).map_err(lost)
    }

    /// Forget what is on the screen: the next drawing writes all of it.
    pub fn clear(&mut self) -> Result<()> {
        // Not by the terminal's own `clear`, which asks where the cursor is: not every terminal answers.
        execute!(stdout(), Clear(ClearType::All)).map_err(lost)?;
        self.inner = ratatui::Terminal::new(CrosstermBackend::new(stdout())).map_err(lost)?;
        Ok(())
    }

    /// What is typed within `patience`, if anything is.
    pub fn event(&self, patience: Duration) -> Result<Option<event::Event>> {
        match event::poll(patience) {
            Ok(true) => event::read().map(Some).map_err(lost),
            Ok(false) => Ok(None),
            Err(e) => Err(lost(e)),
        }
    }

    /// Give the terminal to the shell until it brings this to the foreground again.
    pub fn suspend(&mut self) -> Result<()> {
        self.give_back();
        // The whole group, since git has started this and the shell waits for git.
        kill_current_process_group(Signal::TSTP).map_err(|e| Error::io("suspend", e.into()))?;
        self.inner = ratatui::try_init().map_err(lost)?;
        self.clear()
    }

    fn give_back(&mut self) {
        // Where it is gone there is nothing to give back.
        let _ = self.inner.show_cursor();
        let _ = ratatui::try_restore();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.give_back();
    }
}

fn lost(error: std::io::Error) -> Error {
    Error::io("use the terminal", error)
}
