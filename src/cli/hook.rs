//! `git lex-pr hook`

use super::{Answer, context::Context, hook_run};
use crate::{
    model::{Result, hook::Hook},
    repo::{HookFile, HookState, Installed, Removed, Repo},
    report::style::{CARE, Cell, FAINT, GOOD, HEAD, PLAIN, columns, paint, printable},
};
use clap::Subcommand;
use schemars::JsonSchema;
use serde::Serialize;
use std::path::Path;

/// Hooks of git: what is pushed, committed or received must hold policy.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Let git ask before it pushes, commits or receives. A hook that is there is run first from then on.
    Install(Types),
    /// Take hooks away again, and put back what was there before, as it was.
    Uninstall(Types),
    /// List the hooks, where they are and what is in their place.
    List,
    Run(hook_run::Args),
}

/// Which hooks are meant.
#[derive(Debug, clap::Args)]
pub struct Types {
    /// The hooks, with commas between them. To install: pre-push where nothing is said, or pre-receive in a bare repository; to
    /// uninstall: all.
    #[arg(long = "type", value_name = "HOOK", value_delimiter = ',')]
    hooks: Vec<Hook>,
}

/// What `hook list`, `hook install` and `hook uninstall` print with --json for each hook.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// The hook.
    hook: Hook,
    /// Its file.
    path: String,
    /// What is in its place.
    state: State,
    /// The hook that ours runs first; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    /// The file, such as that of a hook manager, by which another hook asks ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    asked_by: Option<String>,
    /// Where ours is kept as it was before the command, for somebody had changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<String>,
    /// What the command did: `installed`, `chained`, `renewed`, `removed`, `restored` or `nothing`; absent in a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<&'static str>,
}

/// What is in the place of a hook.
#[derive(Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum State {
    /// Nothing.
    None,
    /// Ours.
    Installed,
    /// Ours, as another version wrote it: `hook install` renews it.
    Old,
    /// Ours, with changes by somebody else: `hook install` renews it and keeps a copy.
    Edited,
    /// Git does not run it, for it is not executable; ours is mended by `hook install`.
    NotExecutable,
    /// Another hook, which asks ours.
    Asked,
    /// Another hook, which does not ask ours as far as can be seen.
    Other,
}

impl State {
    fn words(self) -> Cell {
        match self {
            State::None => ("none".into(), FAINT),
            State::Installed => ("installed".into(), GOOD),
            State::Old => ("installed by another version".into(), CARE),
            State::Edited => ("installed, and changed by hand".into(), CARE),
            State::NotExecutable => ("not executable".into(), CARE),
            State::Asked => ("asked by another hook".into(), GOOD),
            State::Other => ("another hook".into(), PLAIN),
        }
    }
}

pub fn run(command: Command, context: &Context) -> Result<Answer> {
    match command {
        Command::Install(types) => install(&context.repo()?, &types.hooks),
        Command::Uninstall(types) => uninstall(&context.repo()?, &types.hooks),
        Command::List => list(&context.repo()?),
        Command::Run(args) => hook_run::run(&args, context),
    }
}

fn install(repo: &Repo, hooks: &[Hook]) -> Result<Answer> {
    let usual = [if repo.git.workdir().is_some() { Hook::PrePush } else { Hook::PreReceive }];
    let (mut listed, mut text, mut notes) = (Vec::new(), String::new(), Vec::new());
    for hook in if hooks.is_empty() { &usual[..] } else { hooks } {
        let (file, done, kept) = repo.install_hook(*hook)?;
        let (word, what) = match done {
            Installed::New => ("installed", "is installed"),
            Installed::Chained => ("chained", "is installed, and runs the hook that was there first"),
            Installed::Renewed => ("renewed", "is installed anew"),
            Installed::Already => ("nothing", "was installed already"),
        };
        text.push_str(&format!("{} {}\n", paint(GOOD, &format!("{} {what}:", hook.name())), printable(&file.path.display().to_string())));
        notes.extend(caveats(repo, &file));
        notes.extend(kept_as(*hook, kept.as_deref()));
        listed.push(Listed { done: Some(word), kept: kept.map(|kept| kept.display().to_string()), ..of(&file) });
    }
    Ok(Answer::yes(text, &listed)?.with_notes(notes))
}

/// Where a hook of ours is now that somebody had changed.
fn kept_as(hook: Hook, kept: Option<&Path>) -> Option<String> {
    kept.map(|kept| format!("{} had been changed by hand; what it was is {} now, which git does not run", hook.name(), kept.display()))
}

/// What somebody who installs a hook may not expect.
fn caveats(repo: &Repo, file: &HookFile) -> Vec<String> {
    let mut notes = Vec::new();
    let name = file.hook.name();
    if file.hook.is_of_server() == repo.git.workdir().is_some() {
        let who = if file.hook.is_of_server() { "who pushes to this repository" } else { "what is pushed or committed from it" };
        notes.push(format!("{name} is asked about {who}"));
    }
    let inside = repo.git.workdir().is_some_and(|root| file.path.starts_with(root)) && !file.path.starts_with(repo.git.common_dir());
    if inside {
        notes.push(format!("core.hooksPath is in the work tree: whether {} is committed is yours to say", file.path.display()));
    }
    if repo.hooks_path_scope().is_some_and(|scope| scope == "global" || scope == "system") {
        notes.push(format!("core.hooksPath is set for all repositories: {name} is asked in each of them"));
    }
    if file.hook.is_of_server() {
        notes.extend(repo.push_options_off().map(|git| format!("nobody can say why a push goes past runs, until `{git}`")));
    }
    if file.hook == Hook::Update {
        notes.push("git tells update nothing of what is said by `git push -o`; pre-receive is told".into());
    }
    if let Some(before) = &file.before
        && before.symlink_metadata().is_ok_and(|data| data.is_symlink())
            | std::fs::read(before).is_ok_and(|text| text.windows(2).any(|two| two == b"$0"))
    {
        notes.push(format!("the hook that was there is run as {} now; see that it does not go by its own name", before.display()));
    }
    notes
}

fn uninstall(repo: &Repo, hooks: &[Hook]) -> Result<Answer> {
    let (mut listed, mut text, mut notes) = (Vec::new(), String::new(), Vec::new());
    for hook in if hooks.is_empty() { &Hook::ALL[..] } else { hooks } {
        let (removed, kept) = repo.uninstall_hook(*hook)?;
        let (word, what) = match removed {
            Removed::Gone => ("removed", "is gone"),
            Removed::Restored => ("restored", "is as it was before"),
            Removed::None if hooks.is_empty() => continue,
            Removed::None => ("nothing", "was not installed"),
        };
        text.push_str(&format!("{} {what}\n", hook.name()));
        let file = repo.hook_files()?.into_iter().find(|file| file.hook == *hook);
        notes.extend(kept_as(*hook, kept.as_deref()));
        let kept = kept.map(|kept| kept.display().to_string());
        listed.extend(file.map(|file| Listed { done: Some(word), kept, ..of(&file) }));
    }
    if listed.is_empty() {
        text.push_str("no hook was installed\n");
    }
    Ok(Answer::yes(text, &listed)?.with_notes(notes))
}

fn list(repo: &Repo) -> Result<Answer> {
    let listed: Vec<Listed> = repo.hook_files()?.iter().map(of).collect();
    let title = |text: &str| (text.to_string(), HEAD);
    let mut rows: Vec<Vec<Cell>> = vec![vec![title("HOOK"), title("STATE"), title("FILE"), title("RUNS FIRST")]];
    rows.extend(listed.iter().map(|hook| {
        let shown = |path: &str| (path.to_string(), FAINT);
        vec![
            (hook.hook.name().to_string(), PLAIN),
            hook.state.words(),
            if hook.state == State::None { shown("") } else { shown(&hook.path) },
            hook.before.as_deref().map_or_else(|| shown(""), shown),
        ]
    }));
    let off = repo.why_no_hook(Hook::PrePush)?.filter(|error| error.code == "hooks-off");
    let off = off.map(|error| format!("git runs no hooks here, as core.hooksPath has it: {}", error.hint.unwrap_or_default()));
    Ok(Answer::yes(columns(&rows), &listed)?.with_notes(off.into_iter().collect()))
}

fn of(file: &HookFile) -> Listed {
    let state = match file.state {
        HookState::None => State::None,
        HookState::Ours => State::Installed,
        HookState::Old if file.edited => State::Edited,
        HookState::Old => State::Old,
        HookState::Off => State::NotExecutable,
        HookState::Others if !file.executable => State::NotExecutable,
        HookState::Others if file.asked_by.is_some() => State::Asked,
        HookState::Others => State::Other,
    };
    Listed {
        hook: file.hook,
        path: file.path.display().to_string(),
        state,
        before: file.before.as_ref().map(|before| before.display().to_string()),
        asked_by: file.asked_by.as_ref().map(|by| by.display().to_string()),
        kept: None,
        done: None,
    }
}
