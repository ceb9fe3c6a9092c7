//! The command line: arguments in, one call down, words out. One file per subcommand.

mod abort;
mod colours;
mod completions;
mod context;
mod deaf;
mod demo;
mod dialogue;
mod doctor;
mod editor;
mod forecast;
mod gate;
mod gate_new;
mod gate_override;
mod gate_show;
mod gate_stats;
mod gate_test;
mod hook;
mod hook_push;
mod hook_run;
mod init;
mod links;
mod logs;
mod man;
mod merge;
mod narrow;
mod order;
mod pager;
mod pause;
mod plan;
mod plan_edit;
mod plan_review;
mod plugin;
mod progress;
mod query;
mod replay;
mod report;
mod resolutions;
mod retry;
mod schema;
mod selectors;
mod simulate;
mod status;
mod sync;
mod undo;
mod view;
mod watch;

use crate::model::{
    Error, Result,
    error::{Blame, Class},
};
use anstream::{AutoStream, ColorChoice, adapter::strip_str};
use anstyle::Style;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use colours::Color;
use context::Context;
use links::Links;
use logs::{LogFormat, Loudness};
use serde::Serialize;
use std::{
    ffi::OsString,
    io::{ErrorKind, IsTerminal, Write},
    path::PathBuf,
    time::Instant,
};

/// What every command takes stands under this heading, behind what is its own.
const COMMON: &str = "Common options";

/// Land a whole fan of branches at once: plan, weave, prove, land. No server.
///
/// A plan holds the branches to land and what they depend on. `merge` weaves them onto the target in memory and shows
/// what would land; `merge --execute` proves each candidate with the gates of lex-pr.toml and moves the target once.
#[derive(Debug, Parser)]
#[command(name = "git-lex-pr", bin_name = "git lex-pr", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit status: 0 done; 1 an honest no (an item was skipped, a gate failed); 2 bad input, config or \
                        usage; 3 git, disk or machine failed; 130 interrupted.")]
struct Cli {
    /// Work in this folder instead of the current one.
    #[arg(id = "chdir", short = 'C', value_name = "DIR", global = true, help_heading = COMMON)]
    dir: Option<PathBuf>,

    /// Print the result as JSON; `git lex-pr schema` prints its schema.
    #[arg(long, global = true, help_heading = COMMON)]
    json: bool,

    /// When to use colours.
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true, help_heading = COMMON)]
    color: Color,

    /// Do not show long output in a pager.
    #[arg(long, global = true, help_heading = COMMON)]
    no_pager: bool,

    /// Tell errors and nothing else on stderr: no notes, no progress.
    #[arg(long, global = true, help_heading = COMMON, conflicts_with = "verbose")]
    quiet: bool,

    /// Also tell every step on stderr: which git commands are run, and how long things take.
    #[arg(long, global = true, help_heading = COMMON)]
    verbose: bool,

    /// How notes, errors and steps are written to stderr. LEX_PR_LOG, such as lex_pr::repo=debug, says which ones.
    #[arg(long, value_name = "FORMAT", default_value = "human", global = true, help_heading = COMMON)]
    log_format: LogFormat,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Args),
    Doctor(doctor::Args),
    #[command(subcommand)]
    Plan(plan::Command),
    // Of two names that are shown, shells would offer the other one.
    #[command(alias = "merge-order")]
    Order(order::Args),
    Query(query::Args),
    Forecast(forecast::Args),
    Simulate(simulate::Args),
    #[command(subcommand)]
    Gate(gate::Command),
    Execute(gate::ExecuteArgs),
    #[command(subcommand)]
    Plugin(plugin::Command),
    Merge(merge::Args),
    Retry(retry::Args),
    Watch(watch::Args),
    View(view::Args),
    Abort(abort::Args),
    Pause(pause::PauseArgs),
    Resume(pause::ResumeArgs),
    Undo(undo::Args),
    Sync(sync::Args),
    Status(status::Args),
    Report(report::Args),
    Replay(replay::Args),
    #[command(subcommand)]
    Resolutions(resolutions::Command),
    #[command(subcommand)]
    Hook(hook::Command),
    Demo(demo::Args),
    Schema(schema::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Command {
    /// Whether what it prints may be longer than a screen, and is there to be read: nothing that a run or a person waits for.
    fn is_long(&self) -> bool {
        match self {
            Command::Query(_) | Command::Forecast(_) | Command::Status(_) | Command::Report(_) | Command::Replay(_) => true,
            Command::Plan(command) => command.is_long(),
            Command::Gate(command) => command.is_long(),
            Command::Resolutions(command) => command.is_long(),
            _ => false,
        }
    }
}

/// What a command has to say.
pub(crate) struct Answer {
    /// For a person, with colours; they are taken out where they are not wanted.
    pub text: String,
    /// For a program.
    pub json: serde_json::Value,
    /// Things to know besides, for stderr.
    pub notes: Vec<String>,
    /// Whether this is an honest no.
    pub no: bool,
    /// Whether the text is data, without colours, that a pipe gets as it is.
    pub raw: bool,
}

impl Answer {
    /// A yes.
    pub fn yes(text: impl Into<String>, json: &impl Serialize) -> Result<Self> {
        let json = serde_json::to_value(json).map_err(|e| Error::environment("json", e.to_string()))?;
        Ok(Answer { text: text.into(), json, notes: Vec::new(), no: false, raw: false })
    }

    fn with_notes(mut self, notes: Vec<String>) -> Self {
        self.notes = notes;
        self
    }
}

/// Run the command line `args` (the program's name first) and give the exit status.
pub fn main(args: Vec<OsString>) -> u8 {
    if let Some(status) = completions::answer(&args) {
        return status;
    }
    let wants_json = args.iter().skip(1).take_while(|a| *a != "--").any(|a| a == "--json");
    let wants_json_logs =
        args.windows(2).any(|two| two[0] == "--log-format" && two[1] == "json") || args.iter().any(|a| a == "--log-format=json");
    let cli = match parse(&args) {
        Ok(cli) => cli,
        Err(error) => {
            Color::Auto.hold(&Context::new(PathBuf::from("."), wants_json));
            return usage(&error, wants_json, wants_json_logs);
        }
    };
    let dir = cli.dir.unwrap_or_else(|| PathBuf::from("."));
    let context = Context::new(dir, cli.json);
    cli.color.hold(&context);
    let loudness = match (cli.quiet, cli.verbose) {
        (true, _) => Loudness::Quiet,
        (_, true) => Loudness::Verbose,
        _ => Loudness::Usual,
    };
    if let Err(error) = logs::begin(cli.log_format, loudness) {
        return show(&error, cli.json);
    }
    let begun = Instant::now();
    let pages = !cli.no_pager && cli.command.is_long();
    match dispatch(cli.command, &context) {
        Ok(answer) => {
            for note in &answer.notes {
                logs::note(note);
            }
            tracing::debug!(took = ?begun.elapsed(), "answered");
            let text = if cli.json { document(&answer.json) } else { answer.text };
            let links = if cli.json { None } else { Links::into(|| Some(context.repo().ok()?.git.workdir()?.to_path_buf())) };
            let printed = match answer.raw && !cli.json && !std::io::stdout().is_terminal() {
                true => write(&mut std::io::stdout(), &text),
                false => pager::print(&context.dir, &text, links, pages),
            };
            printed.map_or_else(|error| show(&error, false), |()| u8::from(answer.no))
        }
        Err(error) if error.message.is_empty() => error.blame.exit_status(),
        Err(error) if cli.log_format == LogFormat::Json => {
            logs::tell(&error);
            if cli.json { show(&error, true) } else { error.blame.exit_status() }
        }
        Err(error) => show(&error, cli.json),
    }
}

/// All commands and what they take, for whoever looks at the command line itself.
pub fn command() -> clap::Command {
    Cli::command()
}

fn parse(args: &[OsString]) -> Result<Cli, clap::Error> {
    Cli::from_arg_matches(&Cli::command().try_get_matches_from(args)?)
}

fn dispatch(command: Command, context: &Context) -> Result<Answer> {
    match command {
        Command::Init(args) => init::run(&args, context),
        Command::Doctor(args) => doctor::run(&args, context),
        Command::Plan(command) => plan::run(command, context),
        Command::Order(args) => order::run(&args, context),
        Command::Query(args) => query::run(&args, context),
        Command::Forecast(args) => forecast::run(&args, context),
        Command::Simulate(args) => simulate::run(&args, context),
        Command::Gate(command) => gate::run(command, context),
        Command::Execute(args) => gate::execute(&args, context),
        Command::Plugin(command) => plugin::run(command, context),
        Command::Merge(args) => merge::run(&args, context),
        Command::Retry(args) => retry::run(&args, context),
        Command::Watch(args) => watch::run(&args, context),
        Command::View(args) => view::run(&args, context),
        Command::Abort(args) => abort::run(&args, context),
        Command::Pause(args) => pause::pause(&args, context),
        Command::Resume(args) => pause::resume(&args, context),
        Command::Undo(args) => undo::run(&args, context),
        Command::Sync(args) => sync::run(&args, context),
        Command::Status(args) => status::run(&args, context),
        Command::Report(args) => report::run(&args, context),
        Command::Replay(args) => replay::run(&args, context),
        Command::Resolutions(command) => resolutions::run(command, context),
        Command::Hook(command) => hook::run(command, context),
        Command::Demo(args) => demo::run(&args, context),
        Command::Schema(args) => schema::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args, context),
    }
}

/// Help and version are results; everything else that clap says is an error in what the user gave.
fn usage(error: &clap::Error, json: bool, json_logs: bool) -> u8 {
    use clap::error::ErrorKind;
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            print(&error.render().ansi().to_string()).map_or_else(|error| show(&error, false), |()| 0)
        }
        _ if json || json_logs => {
            let text = error.render().to_string();
            let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
            let message = lines.next().unwrap_or_default().trim_start_matches("error: ").to_string();
            let hint = lines.find(|l| l.starts_with("tip:")).map_or("see `git lex-pr -h`", |l| l.trim_start_matches("tip: "));
            let error = Error::input("usage", message).hint(hint);
            if json_logs && logs::begin(LogFormat::Json, Loudness::Usual).is_ok() {
                logs::tell(&error);
            }
            if json { show(&error, true) } else { error.blame.exit_status() }
        }
        _ => {
            complain(error.render().ansi().to_string().trim_end());
            2
        }
    }
}

/// Show an error, and give the exit status that it ends with.
fn show(error: &Error, json: bool) -> u8 {
    if json {
        let text = serde_json::to_value(error.to_document()).map_or_else(|e| e.to_string(), |d| document(&d));
        return print(&text).map_or_else(|unwritten| show(&unwritten, false), |()| error.blame.exit_status());
    }
    let (bad, care) = (crate::report::style::BAD.bold(), Style::new().bold());
    // Of what the user gave everybody knows that it stays as it is.
    let says_class = error.blame == Blame::Environment && error.class != Class::Unknown;
    let class = if says_class { format!(" ({})", error.class.word()) } else { String::new() };
    complain(&format!("{bad}error{class}:{bad:#} {}", crate::report::style::printable(&error.to_string())));
    for hint in error.hints() {
        complain(&format!("{care}hint:{care:#} {}", crate::report::style::printable(hint)));
    }
    error.blame.exit_status()
}

fn document(json: &serde_json::Value) -> String {
    serde_json::to_string_pretty(json).unwrap_or_default() + "\n"
}

/// Write to stdout, with colours where they are wanted.
fn print(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout();
    match AutoStream::choice(&stdout) {
        // At once: a stream that takes colours out writes each line by itself.
        ColorChoice::Never => write(&mut stdout, &strip_str(text).to_string()),
        _ => write(&mut AutoStream::auto(stdout), text),
    }
}

/// A reader that went away, as `head` does, has all that it wanted.
fn write(stdout: &mut impl Write, text: &str) -> Result<()> {
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err(Error::io("write to standard output", e).hint("is the disk full, or standard output closed?"))
        }
        _ => Ok(()),
    }
}

/// Write a line to stderr. Where that fails, nobody is left who could be told.
fn complain(line: &str) {
    let _ = writeln!(AutoStream::auto(std::io::stderr()), "{line}");
}
