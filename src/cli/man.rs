//! `git lex-pr man`

use super::{Answer, Cli};
use crate::model::{Error, Result};
use clap::CommandFactory;
use std::path::PathBuf;

/// Write the manual pages, so that `git lex-pr --help` and `git help lex-pr` work.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder for section 1, such as ~/.local/share/man/man1.
    dir: PathBuf,
}

pub fn run(args: &Args) -> Result<Answer> {
    let writing = |e: std::io::Error| Error::io(format_args!("write manual pages to {}", args.dir.display()), e);
    std::fs::create_dir_all(&args.dir).map_err(writing)?;
    clap_mangen::generate_to(Cli::command().disable_help_subcommand(true), &args.dir).map_err(writing)?;
    Answer::yes(format!("wrote the manual to {}\n", args.dir.display()), &serde_json::json!({ "dir": args.dir }))
}
