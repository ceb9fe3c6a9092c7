//! Git, this program, the person, the clock.

use super::Finding;
use crate::repo::{GitCommand, Repo};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

/// The oldest git whose `merge-tree` writes trees.
const OLDEST_GIT: (u32, u32) = (2, 38);

/// How far a commit may be ahead of the clock before one of the two is wrong, in seconds.
const AHEAD: i64 = 300;

pub(super) fn look() -> Vec<Finding> {
    let mut findings = vec![git(), this_program()];
    findings.extend(manual());
    findings
}

pub(super) fn of(repo: &Repo) -> Vec<Finding> {
    let identity = match repo.identity() {
        Ok(who) => Finding::good("identity", format!("you are {who}")),
        Err(error) => Finding::of("identity", &error),
    };
    vec![identity, clock(repo)]
}

fn git() -> Finding {
    let said = match GitCommand::new(Path::new(".")).args(["--version"]).run("ask git for its version") {
        Ok(said) => String::from_utf8_lossy(&said).trim().to_string(),
        Err(error) => return Finding::of("git", &error),
    };
    let mut numbers = said.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).map_while(|part| part.parse().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) if (major, minor) >= OLDEST_GIT => Finding::good("git", said),
        _ => Finding::bad("git", format!("{said} is too old")).mend("install git 2.38 or newer and put it first on PATH"),
    }
}

/// Git runs the `git-lex-pr` that stands first on PATH.
fn this_program() -> Finding {
    let own = std::env::current_exe().and_then(|path| path.canonicalize()).ok();
    let version = env!("CARGO_PKG_VERSION");
    let found = on_path("git-lex-pr");
    let place = |path: &Path| path.parent().unwrap_or(path).display().to_string();
    match (&own, found.as_ref().and_then(|path| path.canonicalize().ok())) {
        (Some(own), Some(found)) if *own == found => Finding::good("git-lex-pr", format!("version {version}, {}", found.display())),
        (Some(own), Some(found)) => {
            let message = format!("git runs another git-lex-pr, {}, than this one, {}", found.display(), own.display());
            Finding::note("git-lex-pr", message).mend(format!("export PATH={}:\"$PATH\"", crate::model::shell_word(&place(own))))
        }
        (own, _) => {
            let finding = Finding::note("git-lex-pr", format!("version {version} is not on PATH, so that git does not know `git lex-pr`"));
            let mend = own.as_ref().map(|own| format!("export PATH={}:\"$PATH\"", crate::model::shell_word(&place(own))));
            finding.mend(mend.unwrap_or_else(|| "cargo install --path .".into()))
        }
    }
}

/// The first program of that name on PATH.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let runs = |path: &PathBuf| path.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0);
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(runs)
}

/// `git lex-pr --help` is man(1)'s answer, not this program's.
fn manual() -> Option<Finding> {
    let mut man = Command::new("man");
    let found = man.args(["-w", "git-lex-pr"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?;
    if found.success() {
        return Some(Finding::good("manual", "`git lex-pr --help` shows its page"));
    }
    // Beside each folder of PATH man looks for the pages of what is in it (manpath(1)).
    let program = on_path("git-lex-pr").or_else(|| std::env::current_exe().ok());
    let beside = program.as_deref().and_then(Path::parent).and_then(Path::parent).unwrap_or(Path::new("/usr/local"));
    let pages = beside.join("share/man/man1").display().to_string();
    let finding = Finding::note("manual", "`git lex-pr --help` finds no page; `git lex-pr -h` helps without one");
    Some(finding.mend(format!("git lex-pr man {}", crate::model::shell_word(&pages))))
}

/// The clock against the newest commits of branches: times go into journals and verdicts, and say how old those are.
fn clock(repo: &Repo) -> Finding {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
    let args = ["for-each-ref", "--sort=-committerdate", "--count=1", "--format=%(committerdate:unix) %(refname:short)", "refs/heads"];
    let said = repo.git_command().args(args).run("look at the newest commit").unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let newest = said.trim().split_once(' ').and_then(|(time, branch)| Some((time.parse::<i64>().ok()?, branch)));
    match newest {
        Some((time, branch)) if time > now + AHEAD => {
            let message = format!("the clock is behind, or `{branch}` has a commit from the future, {} s ahead", time - now);
            Finding::bad("clock", message).mend("set the clock, such as by `timedatectl set-ntp true`, or look at that commit's date")
        }
        _ => Finding::good("clock", "no branch is ahead of it"),
    }
}
