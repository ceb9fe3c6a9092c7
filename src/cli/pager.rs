//! Long output in the pager that git would take.

use super::{deaf::Deaf, links::Links};
use crate::{
    model::{Error, Result},
    repo::GitCommand,
};
use anstream::{AutoStream, ColorChoice, adapter::strip_str};
use std::{
    io::{IsTerminal, Write},
    path::Path,
    process::{Command, Stdio},
};

/// What a shell says of a program that cannot be run, or is not there.
const NOT_RUN: [Option<i32>; 2] = [Some(126), Some(127)];

/// From this version on less passes links on, with -R.
const LESS_WITH_LINKS: u32 = 566;

/// Show `text` in the pager that `git var GIT_PAGER` names in `dir`, where it is wanted and stdout is a terminal; else print it.
pub fn print(dir: &Path, text: &str, links: Option<Links>, wanted: bool) -> Result<()> {
    let linked = |wanted: bool| links.as_ref().filter(|_| wanted).map_or_else(|| text.to_string(), |links| links.mark(text));
    let pager = if wanted && std::io::stdout().is_terminal() { pager(dir)? } else { None };
    let Some(pager) = pager else { return super::print(&linked(true)) };
    let plain = AutoStream::choice(&std::io::stdout()) == ColorChoice::Never;
    let text = if plain { strip_str(text).to_string() } else { linked(links.is_some() && passes_links(&pager)) };
    let mut command = Command::new("sh");
    command.args(["-c", &pager]).stdin(Stdio::piped());
    // As git has it: leave at once where all fits, pass colours on, and leave the screen as it is.
    for (name, value) in [("LESS", "FRX"), ("LV", "-c")] {
        if std::env::var_os(name).is_none() {
            command.env(name, value);
        }
    }
    let _deaf = Deaf::begin()?;
    let starting = |e: std::io::Error| Error::io(format_args!("start the pager `{pager}`"), e).hint("--no-pager does without");
    let mut child = command.spawn().map_err(starting)?;
    if let Some(mut stdin) = child.stdin.take() {
        // Who leaves the pager early has seen enough.
        let _ = stdin.write_all(text.as_bytes());
    }
    let ended = child.wait().map_err(starting)?;
    if NOT_RUN.contains(&ended.code()) {
        super::logs::warn(&format!("the pager `{pager}` does not run; git config core.pager NAME chooses another one"));
        return super::print(&text);
    }
    Ok(())
}

/// The pager that git would take; none where that would only print.
fn pager(dir: &Path) -> Result<Option<String>> {
    let said = GitCommand::new(dir).args(["var", "GIT_PAGER"]).output(None)?;
    let pager = String::from_utf8_lossy(&said.stdout).trim_end().to_string();
    Ok(Some(pager).filter(|pager| said.status == 0 && !pager.is_empty() && pager != "cat"))
}

fn passes_links(pager: &str) -> bool {
    let program = pager.split_whitespace().next().unwrap_or_default();
    if Path::new(program).file_name().is_none_or(|name| name != "less") {
        return false;
    }
    let said = Command::new(program).arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let version = String::from_utf8_lossy(&said).split_whitespace().nth(1).and_then(|number| number.parse::<f32>().ok());
    version.is_some_and(|version| version as u32 >= LESS_WITH_LINKS)
}
