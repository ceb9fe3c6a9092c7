//! `git lex-pr man`

use super::{Answer, Cli, context::Context};
use crate::{
    model::{Error, Result, shell_word},
    report::style::{FAINT, paint, printable},
};
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use schemars::JsonSchema;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Write the manual pages, so that `git lex-pr --help` and `git help lex-pr` work.
///
/// Git asks man(1), which looks into the folders that `manpath` prints: write into `man1` of one of them.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder for section 1, such as ~/.cargo/share/man/man1 for a program in ~/.cargo/bin.
    dir: PathBuf,
}

/// What `man --json` prints.
#[derive(Serialize, JsonSchema)]
pub struct Written {
    /// The folder.
    dir: String,
    /// The pages in it, by their files' names.
    pages: Vec<String>,
}

pub fn run(args: &Args, context: &Context) -> Result<Answer> {
    let dir = context.dir.join(&args.dir);
    let writing = |e: std::io::Error| {
        Error::io(format_args!("write manual pages to {}", dir.display()), e).hint("name a folder that you may write to")
    };
    std::fs::create_dir_all(&dir).map_err(writing)?;
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    write_pages(with_usage(command), &dir).map_err(writing)?;
    let name = |entry: std::fs::DirEntry| entry.file_name().into_string().ok().filter(|name| name.starts_with("git-lex-pr"));
    let mut pages: Vec<String> = std::fs::read_dir(&dir).map_err(writing)?.flatten().filter_map(name).collect();
    pages.sort();
    let folder = dir.display().to_string();
    let mut text = format!("wrote {} manual pages to {}\n", pages.len(), printable(&folder));
    match std::path::absolute(&dir).ok().filter(|dir| dir.ends_with("man1")) {
        Some(dir) => {
            let root = dir.parent().unwrap_or(&dir).display().to_string();
            text.push_str(&format!("{} git lex-pr --help\n", paint(FAINT, "next:")));
            let set = format!("if git finds no page: export MANPATH={}:", printable(&shell_word(&root)));
            text.push_str(&format!("{}\n", paint(FAINT, &set)));
        }
        None => text.push_str(&format!("{}\n", paint(FAINT, "man(1) finds pages of section 1 in folders that are called man1"))),
    }
    Answer::yes(text, &Written { dir: folder, pages })
}

/// The command, with the line that its help shows as its synopsis: options with their values stand below.
fn with_usage(command: Command) -> Command {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_string();
    command.override_usage(usage).mut_subcommands(with_usage)
}

/// A page for a command and one for each below it.
fn write_pages(command: Command, dir: &Path) -> std::io::Result<()> {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        write_pages(below.clone(), dir)?;
    }
    let page = Man::new(command).date(env!("CARGO_PKG_VERSION")).source("git-lex-pr").manual("Git Lex-Pr Manual");
    let mut text = Vec::new();
    page.render(&mut text)?;
    // What comes after help is the exit status.
    let text = String::from_utf8_lossy(&text).replace(".SH EXTRA\nExit status: ", ".SH \"EXIT STATUS\"\n");
    std::fs::write(dir.join(page.get_filename()), text)
}
