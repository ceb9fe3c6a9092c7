//! Deaf to Ctrl-C while another program has the terminal: the terminal tells it to both, and it is that one's.

use crate::model::{Error, Result};
use tokio::{
    runtime::Runtime,
    signal::unix::{Signal, SignalKind, signal},
};

/// As long as this is held, the signals of the keyboard do not end this process.
pub struct Deaf {
    _signals: [Signal; 2],
    _tokio: Runtime,
}

impl Deaf {
    /// From now on.
    pub fn begin() -> Result<Deaf> {
        let waiting = |e: std::io::Error| Error::io("wait for another program", e);
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(waiting)?;
        let inside = tokio.enter();
        let signals = [signal(SignalKind::interrupt()).map_err(waiting)?, signal(SignalKind::quit()).map_err(waiting)?];
        drop(inside);
        Ok(Deaf { _signals: signals, _tokio: tokio })
    }
}
