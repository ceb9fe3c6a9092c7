//! `git lex-pr completions`, and the answers that the scripts of shells ask for.

use super::{Answer, Cli, context::Context};
use crate::{
    model::{Error, Result, gate::CONFLICT_MARKERS, plan::Plan},
    plan::store,
    repo::Repo,
    run::runs,
};
use clap::{Arg, ArgAction, Command, CommandFactory, ValueHint, builder::PossibleValue};
use clap_complete::{
    CompleteEnv,
    engine::{ArgValueCandidates, CompletionCandidate},
    env::{EnvCompleter, Powershell},
};
use std::{collections::BTreeMap, ffi::OsString, path::PathBuf};

/// The variable by which a script asks: it names the shell.
const ASKED_BY: &str = "LEX_PR_COMPLETE";

/// How many runs are offered, the newest first.
const RUNS: usize = 20;

/// Print the completion script of a shell.
///
/// It completes `git lex-pr` and `git-lex-pr`, and asks this program for what fits: commands and flags, but also the plans, items,
/// gates, runs and branches of the repository. It need not be printed again for a newer version.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell.
    shell: Shell,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Shell {
    /// To be read by ~/.bashrc, or kept as ~/.local/share/bash-completion/completions/git-lex-pr.
    Bash,
    /// To be read by ~/.zshrc, or kept as _git-lex-pr in a folder of `fpath`.
    Zsh,
    /// To be kept as ~/.config/fish/conf.d/git-lex-pr.fish.
    Fish,
    /// To be read by $PROFILE.
    Powershell,
}

pub fn run(args: &Args) -> Result<Answer> {
    let script = match args.shell {
        Shell::Bash => include_str!("completions/git-lex-pr.bash").to_string(),
        Shell::Zsh => include_str!("completions/git-lex-pr.zsh").to_string(),
        Shell::Fish => include_str!("completions/git-lex-pr.fish").to_string(),
        Shell::Powershell => {
            let mut script = Vec::new();
            let registered = Powershell.write_registration(ASKED_BY, "git-lex-pr", "git-lex-pr", "git-lex-pr", &mut script);
            registered.map_err(|e| Error::io("write the script", e))?;
            String::from_utf8_lossy(&script).into_owned()
        }
    };
    Answer::yes(script.clone(), &script)
}

/// Answer a script that asks for what fits the words behind `--`; `None` where nothing asks.
pub fn answer(args: &[OsString]) -> Option<u8> {
    std::env::var_os(ASKED_BY).filter(|shell| !shell.is_empty())?;
    let words: Vec<&OsString> = args.iter().skip_while(|arg| *arg != "--").skip(1).collect();
    // What it offers is of the folder in which the command would work.
    for folder in words.windows(2).filter(|pair| pair[0] == "-C").map(|pair| pair[1]) {
        std::env::set_current_dir(folder).ok()?;
    }
    let known: Vec<String> = words.iter().filter_map(|word| word.to_str()).map(ToOwned::to_owned).collect();
    let asked = CompleteEnv::with_factory(|| with_values(Cli::command(), &known)).var(ASKED_BY);
    // Whoever presses a key in the middle of a line wants no message there.
    Some(asked.try_complete(args, std::env::current_dir().ok().as_deref()).map_or(2, |_| 0))
}

/// The command with what its arguments may be, by the names of their values, so that it holds for every command.
fn with_values(command: Command, words: &[String]) -> Command {
    command.mut_args(|arg| with_candidates(arg, words)).mut_subcommands(|command| with_values(command, words))
}

/// The values of `arg` that the command line has already, where it takes several: in the word that is typed, with commas, or in others.
fn chosen(arg: &Arg, words: &[String]) -> Vec<String> {
    let Some((typed, before)) = words.split_last() else { return Vec::new() };
    let mut chosen = Vec::new();
    if arg.get_num_args().is_some_and(|count| count.max_values() > 1) || matches!(arg.get_action(), ArgAction::Append) {
        chosen.extend_from_slice(before);
    }
    if arg.get_value_delimiter().is_some() {
        let values = typed.strip_prefix("--").and_then(|flag| flag.split_once('=')).map_or(&**typed, |(_, values)| values);
        let mut values: Vec<&str> = values.split(',').collect();
        values.pop();
        chosen.extend(values.into_iter().map(String::from));
    }
    chosen
}

fn with_candidates(arg: Arg, words: &[String]) -> Arg {
    let chosen = chosen(&arg, words);
    let possible = arg.get_possible_values();
    if arg.get_value_delimiter().is_some() && !possible.is_empty() {
        let is_open = |value: &PossibleValue| !value.is_hide_set() && !chosen.iter().any(|known| known == value.get_name());
        let open: Vec<PossibleValue> = possible.into_iter().filter(is_open).collect();
        let offered = |value: &PossibleValue| CompletionCandidate::new(value.get_name()).help(value.get_help().cloned());
        return arg.add(ArgValueCandidates::new(move || open.iter().map(offered).collect()));
    }
    let name = arg.get_value_names().and_then(|names| names.first()).map_or_else(|| arg.get_id().to_string(), ToString::to_string);
    let find: fn(&Repo, &[String]) -> Result<Vec<CompletionCandidate>> = match name.to_uppercase().as_str() {
        "DIR" => return arg.value_hint(ValueHint::DirPath),
        "FILE" => return arg.value_hint(ValueHint::FilePath),
        "PLAN" => |repo, _| plans(repo),
        // A plan's name stands for its newest run.
        "RUN" | "RUN|PLAN" | "PLAN|RUN" => |repo, _| Ok(plans(repo)?.into_iter().chain(newest_runs(repo)?).collect()),
        "ITEM" | "ITEMS" => items,
        "GATE" | "GATES" => gates,
        "BRANCH" | "BRANCHES" | "TARGET" => |repo, _| branches(repo),
        "KEY" | "KEYS" => |repo, _| resolutions(repo),
        "REMOTE" => |repo, _| Ok(repo.git.remote_names().iter().map(|name| CompletionCandidate::new(name.to_string())).collect()),
        _ => return arg,
    };
    let words = words.to_vec();
    arg.add(ArgValueCandidates::new(move || {
        let repo = Repo::open(&PathBuf::from("."));
        let mut found = repo.and_then(|repo| find(&repo, &words)).unwrap_or_default();
        found.retain(|candidate| !chosen.iter().any(|known| candidate.get_value() == known.as_str()));
        found
    }))
}

fn candidate(name: &str, help: String) -> CompletionCandidate {
    CompletionCandidate::new(name).help(Some(help.into()))
}

fn plans(repo: &Repo) -> Result<Vec<CompletionCandidate>> {
    let described = |plan: &Plan| format!("{} items onto {}", plan.items.len(), plan.target);
    Ok(store::load_all(repo)?.0.iter().map(|stored| candidate(&stored.name, described(&stored.plan))).collect())
}

/// The plans that the command line names, or all where it names none.
fn named_plans(repo: &Repo, words: &[String]) -> Result<Vec<store::Stored>> {
    let (mut plans, _) = store::load_all(repo)?;
    if plans.iter().any(|plan| words.contains(&plan.name)) {
        plans.retain(|plan| words.contains(&plan.name));
    }
    Ok(plans)
}

fn items(repo: &Repo, words: &[String]) -> Result<Vec<CompletionCandidate>> {
    let plans = named_plans(repo, words)?;
    let names = plans.iter().flat_map(|stored| stored.plan.items.iter().map(|item| (item.name.clone(), stored.name.clone())));
    let all: BTreeMap<String, String> = names.collect();
    Ok(all.iter().map(|(item, plan)| candidate(item, format!("item of {plan}"))).collect())
}

fn gates(repo: &Repo, words: &[String]) -> Result<Vec<CompletionCandidate>> {
    let here = Context::new(PathBuf::from("."), false);
    let mut all = BTreeMap::from([(CONFLICT_MARKERS.to_string(), "built-in".to_string())]);
    for stored in named_plans(repo, words)? {
        all.extend(stored.plan.items.iter().flat_map(|item| &item.gates).map(|gate| (gate.name.clone(), gate.judge().to_string())));
    }
    all.extend(here.target_file(repo)?.2.gates.iter().map(|gate| (gate.name.clone(), gate.judge().to_string())));
    Ok(all.into_iter().map(|(gate, judge)| candidate(&gate, judge)).collect())
}

fn newest_runs(repo: &Repo) -> Result<Vec<CompletionCandidate>> {
    let newest = runs(repo, None)?.take(RUNS).filter_map(Result::ok);
    Ok(newest.filter_map(|run| Some(candidate(run.id.as_deref()?, format!("of {}, by {}", run.plan, run.by)))).collect())
}

fn branches(repo: &Repo) -> Result<Vec<CompletionCandidate>> {
    Ok(repo.local_branches()?.iter().map(|branch| CompletionCandidate::new(&branch.name)).collect())
}

fn resolutions(repo: &Repo) -> Result<Vec<CompletionCandidate>> {
    Ok(repo.resolutions()?.all(&repo.git)?.into_iter().map(|(key, found)| candidate(&key, found.path)).collect())
}
