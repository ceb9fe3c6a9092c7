//! The binary `git-lex-pr`, so that `git lex-pr` works.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(lex_pr::cli::main(std::env::args_os().collect()))
}
