//! Ctrl-C and its like: a run ends at the next safe place instead of dying where it stands.

use crate::{
    gate::Stop,
    model::{Error, Result},
};
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// What waits for signals while a run goes on.
pub(super) struct Signals {
    /// What gates run on; its own thread hears signals whatever this one does.
    pub tokio: Runtime,
    /// Becomes true once a signal has come: nothing new begins.
    pub stop: Stop,
    /// Becomes true at the second Ctrl-C, or when the system wants an end: what is at work is killed.
    pub kill: Stop,
}

impl Signals {
    /// Listen to SIGINT, SIGTERM and SIGHUP.
    pub fn watch() -> Result<Self> {
        let starting = |e: std::io::Error| Error::io("start the workers for gates", e);
        let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(starting)?;
        let ((say_stop, stop), (say_kill, kill)) = (watch::channel(false), watch::channel(false));
        let inside = tokio.enter();
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            let mut signals = signal(kind).map_err(starting)?;
            let (say_stop, say_kill) = (say_stop.clone(), say_kill.clone());
            tokio.spawn(async move {
                while signals.recv().await.is_some() {
                    if say_stop.send_replace(true) || kind != SignalKind::interrupt() {
                        say_kill.send_replace(true);
                    }
                }
            });
        }
        drop(inside);
        Ok(Signals { tokio, stop, kill })
    }

    /// Whether a signal has come.
    pub fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// Whether what is at work is to be killed.
    pub fn is_killed(&self) -> bool {
        *self.kill.borrow()
    }

    /// An error once a signal has come.
    pub fn check(&self) -> Result<()> {
        match self.is_stopped() {
            false => Ok(()),
            true => Err(Error::interrupted("stopped by a signal; the target was not touched")
                .hint("the same command goes on from here: verdicts given so far are kept")),
        }
    }
}
