//! `git lex-pr init`

use super::{Answer, context::Context};
use crate::{
    config::{FILE_NAME, GIT_KEYS},
    model::{
        Error, Result,
        error::{Blame, Location},
        shell_word,
    },
    repo::{Branch, Repo, TRACKING},
    report::style::{CARE, FAINT, GOOD, HEAD, paint, printable},
    setup::{Lacking, Profile, Proposal, Proposed, find_profile, propose},
};
use schemars::JsonSchema;
use serde::Serialize;
use std::{
    fs::OpenOptions,
    io::{ErrorKind, IsTerminal, Write},
    path::{Path, PathBuf},
};

/// Look at the repository and write the lex-pr.toml that follows from it, with the reasons as comments.
///
/// It looks at the target's commit: languages, how tests are run, what CI runs, CODEOWNERS; and at the profile folder of lex-pr-runner.
/// On a terminal it asks what it cannot know. The file is written into the work tree for you to commit: it counts once it is on the
/// target. The remote's refspecs are set so that `git fetch` also brings lex-pr's plans, runs and verdicts from there.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Ask nothing.
    #[arg(long, short)]
    yes: bool,
    /// Write over the lex-pr.toml that is there.
    #[arg(long)]
    force: bool,
    /// The branch that everything lands on.
    #[arg(long, value_name = "BRANCH")]
    target: Option<String>,
    /// The profile folder of lex-pr-runner to carry over; else LEX_PR_PROFILE_DIR, .smartergpt.local or .smartergpt.
    #[arg(long, value_name = "DIR")]
    profile: Option<PathBuf>,
    /// Carry no profile over.
    #[arg(long, conflicts_with = "profile")]
    no_profile: bool,
    /// Set the refspecs, and write no file.
    #[arg(long)]
    refspecs: bool,
    /// Take the refspecs out again, and write no file.
    #[arg(long, conflicts_with = "refspecs")]
    no_refspecs: bool,
    /// The remote whose refspecs are set; `origin`, or the only one, where nothing is said.
    #[arg(long, value_name = "REMOTE")]
    remote: Option<String>,
}

/// What `init --json` prints.
#[derive(Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// The file that was written; absent where only refspecs were set.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// What is in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The branch that everything lands on.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    /// The languages that were found, each with the file that tells.
    languages: Vec<String>,
    /// Files of CI services that were read.
    ci: Vec<String>,
    /// The gates.
    gates: Vec<Gate>,
    /// The profile folder that was carried over.
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    /// The remote, and what became of its refspecs.
    #[serde(skip_serializing_if = "Option::is_none")]
    refspecs: Option<Refspecs>,
}

/// A gate that was proposed.
#[derive(Serialize, JsonSchema)]
pub struct Gate {
    /// Its name.
    name: String,
    /// Its command.
    run: String,
    /// Why it was proposed.
    why: String,
}

/// A remote's refspecs.
#[derive(Serialize, JsonSchema)]
pub struct Refspecs {
    /// The remote.
    remote: String,
    /// Whether they are set now.
    set: bool,
    /// Whether that is news.
    changed: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<Answer> {
    let repo = context.repo()?;
    let asking = !args.yes && !context.json && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let remote = remote(&repo, args)?;
    let (mut done, mut text, mut notes) = (Done::default(), String::new(), Vec::new());
    if !args.refspecs && !args.no_refspecs {
        let place = place(&repo, args)?;
        let proposal = proposal(&repo, args, context, &place, asking, &mut notes)?;
        let file = proposal.text()?;
        write(&place, &file, args.force)?;
        text.push_str(&describe(&proposal, &file));
        let gate = |one: &Proposed| Gate { name: one.gate.name.clone(), run: one.gate.judge().into(), why: one.why.clone() };
        done = Done {
            file: Some(place.display().to_string()),
            text: Some(file),
            gates: proposal.gates.iter().map(gate).collect(),
            profile: proposal.profile.map(|profile| profile.folder),
            target: Some(proposal.target),
            languages: proposal.languages,
            ci: proposal.ci,
            ..done
        };
    }
    done.refspecs = refspecs(&repo, args, remote, asking)?;
    if let Some(refspecs) = &done.refspecs {
        text.push_str(&format!("{}\n", say_refspecs(refspecs)));
    }
    if let Some(target) = &done.target {
        text.push_str(&next(&repo, target));
    }
    Ok(Answer::yes(text, &done)?.with_notes(notes))
}

/// Where the file goes.
fn place(repo: &Repo, args: &Args) -> Result<PathBuf> {
    let Some(root) = repo.git.workdir() else {
        return Err(Error::input("no-work-tree", format!("a bare repository has no work tree to write {FILE_NAME} into"))
            .hint("run it in a clone and push what it writes; `git lex-pr init --refspecs` sets refspecs here"));
    };
    let place = root.canonicalize().unwrap_or_else(|_| root.to_path_buf()).join(FILE_NAME);
    // A link to nowhere is there, too.
    if place.symlink_metadata().is_ok() && !args.force {
        return Err(Error::input("exists", format!("there is a {FILE_NAME} already"))
            .at(Location::new(place.display().to_string()))
            .hint("--force writes over it; `git lex-pr doctor` tells what it lacks"));
    }
    Ok(place)
}

fn proposal(repo: &Repo, args: &Args, context: &Context, place: &Path, asking: bool, notes: &mut Vec<String>) -> Result<Proposal> {
    let root = place.parent().unwrap_or(place);
    let profile = match args.no_profile {
        true => None,
        false => profile(root, args, context, asking)?,
    };
    let named = args.target.as_deref().or(profile.as_ref().and_then(|profile| profile.target.as_deref()));
    let (target, why) = target(repo, context, named, asking, args.force)?;
    let commit = repo.target_head(&target).map_err(|error| error.at(Location::new(why.clone())))?;
    let why = if args.target.is_some() { "--target says so".to_string() } else { why };
    let mut proposal = propose(repo, &target, &why, commit, profile)?;
    proposal.target = target;
    if proposal.lacking() == Some(Lacking::Test) {
        let command = if asking { ask("How are the tests run? Such as `make test`; nothing for no gate", "")? } else { String::new() };
        match command.trim() {
            "" => notes.push(format!(
                "nothing here tells how the tests are run: put a gate into {FILE_NAME}, or only conflict markers are looked for"
            )),
            command => proposal.test_by(command),
        }
    }
    Ok(proposal)
}

fn profile(root: &Path, args: &Args, context: &Context, asking: bool) -> Result<Option<Profile>> {
    let named = args.profile.as_ref().map(|folder| std::path::absolute(context.dir.join(folder)).unwrap_or_else(|_| folder.clone()));
    let Some(mut profile) = find_profile(root, named.as_deref())? else { return Ok(None) };
    if let Some(named) = &args.profile {
        profile.folder = named.display().to_string();
    }
    let question = format!("Carry over the lex-pr-runner profile in {} ({})?", profile.folder, profile.why);
    Ok(if !asking || args.profile.is_some() || yes(&question)? { Some(profile) } else { None })
}

/// The branch that everything lands on, and why that one.
fn target(repo: &Repo, context: &Context, named: Option<&str>, asking: bool, force: bool) -> Result<(String, String)> {
    let (target, origin) = match context.default_target(repo, named) {
        // A lex-pr.toml that cannot be read is written over.
        Err(_) if force && named.is_none() => (context.default_branch(repo)?.0, Location::new("default branch")),
        found => found?,
    };
    if origin.source != "default branch" {
        let why = if named.is_some() { "the profile says so".into() } else { format!("{origin} says so") };
        return Ok((target, why));
    }
    if repo.ref_commit("refs/remotes/origin/HEAD")?.is_some() {
        return Ok((target, "it is the default branch of origin".into()));
    }
    let usual = ["main", "master"].contains(&target.as_str());
    if usual || repo.local_branches()?.len() == 1 {
        return Ok((target, if usual { "it has the usual name".into() } else { "it is the only branch".into() }));
    }
    if !asking {
        return Ok((target, format!("it was checked out; git config {} or --target names another one", GIT_KEYS[0])));
    }
    loop {
        let named = ask("Which branch does everything land on?", &target)?;
        match repo.target_head(&named) {
            Ok(_) => return Ok((named, "you said so".into())),
            Err(error) if error.blame == Blame::Input && named != target => super::logs::warn(&error.to_string()),
            Err(error) => return Err(error),
        }
    }
}

/// The remote whose refspecs are set, if there is one.
fn remote(repo: &Repo, args: &Args) -> Result<Option<String>> {
    let remotes = repo.remotes();
    if let Some(named) = &args.remote {
        repo.check_remote(named)?;
    }
    let usual = remotes.iter().find(|name| *name == "origin").or(if remotes.len() == 1 { remotes.first() } else { None });
    match args.remote.as_ref().or(usual) {
        None if args.refspecs || args.no_refspecs => {
            let hint = match remotes.is_empty() {
                true => "`git remote add origin URL` makes one".to_string(),
                false => format!("name one by --remote: {}", remotes.join(", ")),
            };
            Err(Error::input("no-remote", "there is no remote whose refspecs could be set").hint(hint))
        }
        found => Ok(found.cloned()),
    }
}

fn refspecs(repo: &Repo, args: &Args, remote: Option<String>, asking: bool) -> Result<Option<Refspecs>> {
    let Some(remote) = remote else { return Ok(None) };
    if args.no_refspecs {
        let changed = repo.set_refspecs(&remote, false)?;
        return Ok(Some(Refspecs { remote, set: false, changed }));
    }
    let question = format!("Let `git fetch {remote}` also bring lex-pr's plans, runs and verdicts from there?");
    let wanted = args.refspecs || args.remote.is_some() || !asking || repo.has_refspecs(&remote)? || yes(&question)?;
    let changed = wanted && repo.set_refspecs(&remote, true)?;
    Ok(Some(Refspecs { remote, set: wanted, changed }))
}

fn say_refspecs(refspecs: &Refspecs) -> String {
    let remote = printable(&refspecs.remote);
    match (refspecs.set, refspecs.changed) {
        (true, true) => {
            let undo =
                paint(FAINT, &format!("(git lex-pr init --no-refspecs --remote {} undoes it)", printable(&shell_word(&refspecs.remote))));
            format!("git fetch {remote} now brings lex-pr's plans, runs and verdicts, too, to {TRACKING}{remote}/ {undo}")
        }
        (true, false) => format!("git fetch {remote} brings lex-pr's plans, runs and verdicts already"),
        (false, true) => format!("git fetch {remote} brings no plans, runs and verdicts of lex-pr any more"),
        (false, false) => format!("git fetch {remote} brings no plans, runs and verdicts of lex-pr"),
    }
}

fn write(place: &Path, text: &str, force: bool) -> Result<()> {
    let writing = |e: std::io::Error| match e.kind() {
        // It came while a question was asked.
        ErrorKind::AlreadyExists => Error::input("exists", format!("there is a {FILE_NAME} already")).hint("--force writes over it"),
        _ => Error::io(format_args!("write {}", place.display()), e),
    };
    if force {
        // Whole or not at all; and a link is replaced, not what it points to.
        let folder = place.parent().unwrap_or(place);
        let mut new = tempfile::Builder::new().prefix(".lex-pr").permissions(permissions()).tempfile_in(folder).map_err(writing)?;
        new.write_all(text.as_bytes()).map_err(writing)?;
        return new.persist(place).map(drop).map_err(|e| writing(e.error));
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(place).map_err(writing)?;
    file.write_all(text.as_bytes()).map_err(writing)
}

fn permissions() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o644)
}

fn describe(proposal: &Proposal, file: &str) -> String {
    let mut text = String::new();
    let mut found = |what: &str, words: &str| text.push_str(&format!("{} {}\n", paint(FAINT, &format!("{what:<10}")), printable(words)));
    let list = |words: &[String]| if words.is_empty() { "none".to_string() } else { words.join(", ") };
    found("target", &format!("{} ({})", proposal.target, proposal.target_why));
    found("languages", &list(&proposal.languages));
    found("CI", &list(&proposal.ci));
    if let Some(codeowners) = &proposal.codeowners {
        found("owners", codeowners);
    }
    if let Some(profile) = &proposal.profile {
        found("profile", &format!("{} ({})", profile.folder, profile.why));
    }
    for one in &proposal.gates {
        found("gate", &format!("{}: {} ({})", one.gate.name, one.gate.judge(), one.why));
    }
    let lines = file.lines().count();
    text.push_str(&format!("{} {FILE_NAME}, {lines} lines; read it, it says why\n", paint(GOOD, "wrote")));
    text
}

/// What to do now. The file counts on the target, and nowhere else.
fn next(repo: &Repo, target: &str) -> String {
    let branch = repo.git.head_name().ok().flatten().map(|name| name.shorten().to_string());
    let on_target = branch.as_deref() == Some(target);
    let mut steps = Vec::new();
    if !on_target {
        steps.push(format!("git switch {}", shell_word(target)));
    }
    steps.push(format!("git add {FILE_NAME} && git commit -m 'Set up lex-pr'"));
    let others = |branches: Vec<Branch>| branches.iter().any(|b| b.name != target);
    let only_there = !repo.local_branches().is_ok_and(others) && repo.branches_there().is_ok_and(others);
    steps.push(format!("git lex-pr plan create{}", if only_there { " '*'" } else { "" }));
    steps.push("git lex-pr merge".into());
    let why = paint(CARE, &printable(&format!("It counts once it is committed to {target}.")));
    let steps: String = steps.iter().map(|step| format!("  {}\n", printable(step))).collect();
    format!("\n{why}\n{}\n{steps}", paint(HEAD, "Next:"))
}

/// Ask, on stderr, since stdout is the result. An empty answer, or the end of the input, is `otherwise`.
fn ask(question: &str, otherwise: &str) -> Result<String> {
    let shown = if otherwise.is_empty() { String::new() } else { format!(" [{}]", printable(otherwise)) };
    let mut stderr = std::io::stderr().lock();
    let asking = |e: std::io::Error| Error::io("ask", e);
    write!(stderr, "{}{shown} ", printable(question)).and_then(|()| stderr.flush()).map_err(asking)?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(asking)?;
    if !line.ends_with('\n') {
        writeln!(stderr).map_err(asking)?;
    }
    let answer = line.trim();
    Ok(if answer.is_empty() { otherwise.to_string() } else { answer.to_string() })
}

fn yes(question: &str) -> Result<bool> {
    loop {
        match ask(question, "yes")?.to_lowercase().as_str() {
            "yes" | "y" => return Ok(true),
            "no" | "n" => return Ok(false),
            _ => super::logs::warn("answer yes or no"),
        }
    }
}
