//! What is told on stderr besides errors: notes, what a run says, and with --verbose every step and every git command.

use crate::{
    model::{Error, Result},
    report::style::{BAD, CARE, FAINT, paint, printable},
};
use anstream::AutoStream;
use std::{fmt, time::Instant};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter,
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

/// The variable that says, in the words of `tracing`, what is told: `debug`, `lex_pr::repo=debug`.
const VARIABLE: &str = "LEX_PR_LOG";

/// What is said to a person as it stands, without a level in front of it.
const SAID: &str = "lex_pr::said";

/// Whether progress is drawn; nothing is ever written under this name.
const PROGRESS: &str = "lex_pr::progress";

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Lines for a person.
    Human,
    /// An object per line, errors too.
    Json,
}

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loudness {
    /// Errors.
    Quiet,
    /// And notes and progress.
    Usual,
    /// And every step, and how long it took.
    Verbose,
}

/// From now on, tell so much in this way.
pub fn begin(format: LogFormat, loudness: Loudness) -> Result<()> {
    let level = match loudness {
        Loudness::Quiet => "error",
        Loudness::Usual => "info",
        Loudness::Verbose => "debug",
    };
    // A bar between objects would be no object.
    let drawn = if format == LogFormat::Json { ",lex_pr::progress=off" } else { "" };
    let wanted = std::env::var(VARIABLE).map(|wanted| format!(",{wanted}")).unwrap_or_default();
    let filter = EnvFilter::try_new(format!("off,lex_pr={level}{drawn}{wanted}")).map_err(|e| {
        Error::input("bad-value", format!("{VARIABLE} is no filter of logs: {e}"))
            .hint(format!("{VARIABLE}=debug or {VARIABLE}=lex_pr::repo=debug"))
    })?;
    let stderr = || AutoStream::auto(std::io::stderr());
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    // That another one listens already is no matter: in this process only this function sets one.
    let _ = match format {
        LogFormat::Human => logs.event_format(Human { begun: Instant::now() }).try_init(),
        LogFormat::Json => logs.json().flatten_event(true).with_current_span(false).with_ansi(false).try_init(),
    };
    Ok(())
}

/// Say what is good to know, unless nothing but errors is wanted.
pub fn note(text: &str) {
    tracing::info!(target: SAID, "{text}");
}

/// The same for what needs care.
pub fn warn(text: &str) {
    tracing::warn!(target: SAID, "{text}");
}

/// Whether progress may be drawn.
pub fn draws() -> bool {
    tracing::enabled!(target: PROGRESS, Level::INFO)
}

/// Tell an error as an object.
pub fn tell(error: &Error) {
    let at = error.at.as_deref().map(ToString::to_string);
    let hint = error.to_document().error.hint;
    tracing::error!(target: "lex_pr", code = error.code, at, hint, exit = error.blame.exit_status(), "{}", error.message);
}

/// Lines for a person.
struct Human {
    begun: Instant,
}

impl<S: Subscriber + for<'s> LookupSpan<'s>, N: for<'w> FormatFields<'w> + 'static> FormatEvent<S, N> for Human {
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut words = Words::default();
        event.record(&mut words);
        let text = printable(&words.message);
        match (event.metadata().target(), *event.metadata().level()) {
            (SAID, Level::INFO) => writeln!(line, "{}", paint(FAINT, &format!("note: {text}"))),
            (SAID, _) => writeln!(line, "{}", paint(CARE, &text)),
            (_, level) => {
                let style = if level <= Level::WARN { BAD } else { FAINT };
                let since = self.begun.elapsed().as_secs_f64();
                writeln!(line, "{} {text}{}", paint(style, &format!("{since:8.3}s")), paint(FAINT, &printable(&words.fields)))
            }
        }
    }
}

/// An event's message, and its fields behind it.
#[derive(Default)]
struct Words {
    message: String,
    fields: String,
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            name => self.fields.push_str(&format!(" {name}={value:?}")),
        }
    }
}
