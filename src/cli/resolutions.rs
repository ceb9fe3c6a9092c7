//! `git lex-pr resolutions`

use super::{Answer, context::Context};
use crate::{
    model::{Error, Result, resolution::Resolution},
    repo::Repo,
    report::style::{CARE, Cell, FAINT, HEAD, PLAIN, columns, paint, printable},
    run::{Trained, import_rerere, train},
};
use clap::Subcommand;
use schemars::JsonSchema;
use serde::Serialize;

/// Recorded resolutions: conflicts that were resolved once and are never asked again.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the recorded resolutions.
    List,
    /// Learn from the merges of a history: what did people make of their conflicts?
    Train {
        /// The range, as in `git log FROM..TO`; every two-parent merge in it is looked at.
        #[arg(value_name = "FROM..TO")]
        range: String,
    },
    /// Learn what git rerere has kept in this clone.
    ImportRerere,
    /// Show a conflict and its resolution.
    Show {
        /// Its key, or the beginning of it.
        key: String,
    },
    /// Forget resolutions.
    Forget {
        /// Their keys, or the beginnings of them.
        #[arg(required = true, value_name = "KEY")]
        keys: Vec<String>,
    },
}

impl Command {
    /// Whether what it prints may be longer than a screen.
    pub fn is_long(&self) -> bool {
        matches!(self, Command::Show { .. } | Command::List)
    }
}

/// What `resolutions list --json` prints for each resolution.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// The key, in hex.
    key: String,
    /// `lines` and where they differ only, `sides`, or a whole `file`.
    kind: &'static str,
    /// Where the conflict was first seen.
    path: String,
    /// The merge that it was learnt from, or `rerere`.
    from: String,
}

/// What `resolutions show --json` prints.
#[derive(Serialize, JsonSchema)]
pub struct Shown {
    #[serde(flatten)]
    listed: Listed,
    /// What both sides began with.
    base: String,
    /// The two sides.
    sides: [String; 2],
    /// What was made of them.
    resolution: String,
}

/// What `resolutions forget --json` prints.
#[derive(Serialize, JsonSchema)]
pub struct Forgot {
    /// The keys.
    forgot: Vec<String>,
}

impl Listed {
    fn new(key: String, resolution: &Resolution) -> Self {
        Listed { key, kind: resolution.kind.word(), path: resolution.path.clone(), from: resolution.from.clone() }
    }
}

pub fn run(command: Command, context: &Context) -> Result<Answer> {
    let repo = context.repo()?;
    match command {
        Command::List => list(&repo),
        Command::Train { range } => {
            let (from, to) = context.range(&repo, &range)?;
            let trained = super::progress::count(|step| train(&repo, from, to, step))?;
            Answer::yes(describe(&trained, "merge"), &trained)
        }
        Command::ImportRerere => {
            let trained = import_rerere(&repo)?;
            Answer::yes(describe(&trained, "conflict"), &trained)
        }
        Command::Show { key } => show(&repo, &key),
        Command::Forget { keys } => {
            let keys = keys.iter().map(|key| Ok(find(&repo, key)?.0)).collect::<Result<Vec<_>>>()?;
            repo.change_resolutions(&[], &keys, "forget")?;
            let count = keys.len();
            let plural = if count == 1 { "" } else { "s" };
            Answer::yes(format!("forgot {count} resolution{plural}\n"), &Forgot { forgot: keys })
        }
    }
}

fn describe(trained: &Trained, what: &str) -> String {
    let Trained { looked_at, with_conflicts, learnt, new } = trained;
    let plural = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let looked_at = plural(*looked_at, what);
    format!("looked at {looked_at}, {with_conflicts} with resolved conflicts: learnt {}, {new} new\n", plural(*learnt, "resolution"))
}

fn list(repo: &Repo) -> Result<Answer> {
    let all = repo.resolutions()?.all(&repo.git)?;
    let listed: Vec<Listed> = all.into_iter().map(|(key, resolution)| Listed::new(key, &resolution)).collect();
    if listed.is_empty() {
        let next = "git lex-pr resolutions train FROM..TO";
        return Answer::yes(format!("no resolutions yet\n{} {next}\n", paint(FAINT, "next:")), &listed);
    }
    let title = |text: &str| (text.to_string(), HEAD);
    let mut rows: Vec<Vec<Cell>> = vec![vec![title("KEY"), title("KIND"), title("FROM"), title("PATH")]];
    rows.extend(listed.iter().map(|one| {
        let short = |text: &str| text.chars().take(10).collect::<String>();
        vec![(short(&one.key), CARE), (one.kind.into(), PLAIN), (short(&one.from), FAINT), (one.path.clone(), PLAIN)]
    }));
    Answer::yes(columns(&rows), &listed)
}

/// The resolution whose key begins with `beginning`.
fn find(repo: &Repo, beginning: &str) -> Result<(String, Resolution)> {
    let mut found: Vec<_> =
        repo.resolutions()?.all(&repo.git)?.into_iter().filter(|(key, _)| beginning.len() >= 4 && key.starts_with(beginning)).collect();
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (Some(_), false) => {
            Err(Error::input("which-resolution", format!("several resolutions begin with `{beginning}`")).hint("give more of the key"))
        }
        (None, _) => Err(Error::input("no-resolution", format!("there is no resolution `{beginning}`"))
            .hint("`git lex-pr resolutions list` shows their keys; give at least four digits")),
    }
}

fn show(repo: &Repo, key: &str) -> Result<Answer> {
    let (key, resolution) = find(repo, key)?;
    let mut text = format!("{} {key}\n{} {}\n", paint(HEAD, "resolution"), paint(HEAD, "learnt from"), printable(&resolution.from));
    text.push_str(&format!("{} {}\n", paint(HEAD, "first seen in"), printable(&resolution.path)));
    let [one, other] = &resolution.sides;
    for (title, content) in [("base", &resolution.base), ("one side", one), ("the other side", other), ("resolved", &resolution.resolution)]
    {
        text.push_str(&format!("{}\n", paint(FAINT, &format!("--- {title}"))));
        for line in String::from_utf8_lossy(content).lines() {
            text.push_str(&printable(line));
            text.push('\n');
        }
    }
    let lossy = |content: &[u8]| String::from_utf8_lossy(content).into_owned();
    let shown = Shown {
        base: lossy(&resolution.base),
        sides: [lossy(one), lossy(other)],
        resolution: lossy(&resolution.resolution),
        listed: Listed::new(key, &resolution),
    };
    Answer::yes(text, &shown)
}
