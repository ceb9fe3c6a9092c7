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
    /// Becomes true once a signal has come.
    pub stop: Stop,
}

impl Signals {
    /// Listen to SIGINT, SIGTERM and SIGHUP.
    pub fn watch() -> Result<Self> {
        let starting = |e: std::io::Error| Error::io("start the workers for gates", e);
        let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(starting)?;
        let (say, stop) = watch::channel(false);
        let inside = tokio.enter();
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            let mut signals = signal(kind).map_err(starting)?;
            let say = say.clone();
            tokio.spawn(async move {
                signals.recv().await;
                say.send_replace(true);
            });
        }
        drop(inside);
        Ok(Signals { tokio, stop })
    }

    /// An error once a signal has come.
    pub fn check(&self) -> Result<()> {
        match *self.stop.borrow() {
            false => Ok(()),
            true => Err(Error::interrupted("stopped by a signal; the target was not touched")
                .hint("the same command goes on from here: verdicts given so far are kept")),
        }
    }
}
