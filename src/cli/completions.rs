//! `git lex-pr completions`

use super::{Answer, Cli};
use crate::model::Result;
use clap::CommandFactory;
use clap_complete::Shell;

/// Print the completion script of a shell.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell.
    shell: Shell,
}

pub fn run(args: &Args) -> Result<Answer> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "git-lex-pr", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    Answer::yes(script.clone(), &script)
}
