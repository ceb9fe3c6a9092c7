//! Ticks, by which gates in this process notice that time goes by without asking the system at each step.

use crate::model::{Error, Result};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

/// How often a clock ticks.
const TICK: Duration = Duration::from_millis(2);

/// A thread that does something small again and again, until this is dropped.
pub(super) struct Ticker {
    /// Never sent to: that it is gone says that the thread shall end.
    alive: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    pub fn start(every: Duration, mut tick: impl FnMut() + Send + 'static) -> Result<Ticker> {
        let (alive, dead) = mpsc::channel::<()>();
        let ticking = move || {
            while dead.recv_timeout(every) == Err(mpsc::RecvTimeoutError::Timeout) {
                tick();
            }
        };
        let thread = std::thread::Builder::new().name("ticker".into()).spawn(ticking);
        let thread = thread.map_err(|e| Error::io("start a thread for gates", e))?;
        Ok(Ticker { alive: Some(alive), thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        drop(self.alive.take());
        if let Some(thread) = self.thread.take() {
            // It does nothing that could panic.
            let _ = thread.join();
        }
    }
}

/// Time in ticks, which costs next to nothing to look at.
#[derive(Clone)]
pub(super) struct Clock {
    ticks: Arc<AtomicU64>,
    _ticker: Arc<Ticker>,
}

impl Clock {
    pub fn start() -> Result<Clock> {
        let ticks = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&ticks);
        let ticker = Ticker::start(TICK, move || {
            counter.fetch_add(1, Ordering::Relaxed);
        })?;
        Ok(Clock { ticks, _ticker: Arc::new(ticker) })
    }

    /// The ticks so far.
    pub fn ticks(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }
}
