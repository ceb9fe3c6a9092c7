//! Questions to a person on a terminal: asked on stderr, since stdout is the result.

use crate::model::{Error, Result};
use std::io::Write;
use tokio::{
    runtime::Runtime,
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
};

/// A person who answers by lines, and may press Ctrl-C instead.
pub struct Dialogue {
    tokio: Runtime,
    lines: UnboundedReceiver<String>,
    interrupt: Signal,
}

/// What came instead of an answer.
pub enum Reply {
    /// A line, without blanks around it.
    Line(String),
    /// Ctrl-C.
    Interrupt,
    /// The end of the input, Ctrl-D.
    End,
}

impl Dialogue {
    /// From now on Ctrl-C is a reply and ends nothing.
    pub fn begin() -> Result<Dialogue> {
        let starting = |e: std::io::Error| Error::io("read from the terminal", e);
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(starting)?;
        let inside = tokio.enter();
        let interrupt = signal(SignalKind::interrupt()).map_err(starting)?;
        drop(inside);
        let (say, lines) = unbounded_channel();
        // A thread, since a read from a terminal cannot be called off.
        std::thread::spawn(move || std::io::stdin().lines().map_while(std::result::Result::ok).try_for_each(|line| say.send(line)));
        Ok(Dialogue { tokio, lines, interrupt })
    }

    /// Ask something and wait for the reply.
    pub fn ask(&mut self, question: &str) -> Result<Reply> {
        let mut stderr = anstream::AutoStream::auto(std::io::stderr());
        write!(stderr, "{question} ").and_then(|()| stderr.flush()).map_err(|e| Error::io("ask", e))?;
        let (lines, interrupt) = (&mut self.lines, &mut self.interrupt);
        let reply = self.tokio.block_on(async {
            tokio::select! {
                line = lines.recv() => line.map_or(Reply::End, |line| Reply::Line(line.trim().to_string())),
                _ = interrupt.recv() => Reply::Interrupt,
            }
        });
        if !matches!(reply, Reply::Line(_)) {
            super::complain("");
        }
        Ok(reply)
    }
}
