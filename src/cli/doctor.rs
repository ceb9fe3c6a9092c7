//! `git lex-pr doctor`

use super::{Answer, context::Context};
use crate::{
    config::{FILE_NAME, Flags, Setting},
    model::{Error, Result, error::Blame},
    repo::Repo,
    report::style::{BAD, CARE, Cell, FAINT, GOOD, HEAD, PLAIN, columns, paint, printable},
    setup::{self, Examined, Finding, Level},
};

use std::collections::HashSet;

/// Look at all that a run depends on, and name the command that mends what is wrong.
///
/// Git, identity, clock and disk; the values that hold and where each comes from; gates and plugins; hooks, remotes and their refspecs; what
/// killed processes have left. Exits with 1 where something is wrong.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The plan whose policy is laid over lex-pr.toml; the only plan where there is but one.
    plan: Option<String>,
    /// Do what is safe: remove locks that nobody holds, and what killed processes have left; write a commit-graph; make hooks
    /// executable.
    #[arg(long)]
    fix: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<Answer> {
    let mut findings = setup::machine();
    let mut settings = Vec::new();
    match context.repo() {
        Ok(repo) => {
            for looked in [setup::repository(&repo), policy(&repo, args, context, &mut settings)] {
                match looked {
                    Ok(found) => findings.extend(found),
                    Err(error) if error.blame == Blame::Interrupt || args.plan.is_some() => return Err(error),
                    // What cannot be looked at is wrong; that git is not here has been said.
                    Err(error) => findings.push(Finding::of("repository", &error)),
                }
            }
            let mut said = HashSet::new();
            findings.retain(|finding| finding.level != Level::Bad || said.insert(finding.message.clone()));
            if args.fix {
                setup::mend(&repo, &mut findings)?;
            }
        }
        // What it was asked about is not here.
        Err(error) if args.plan.is_some() => return Err(error),
        Err(error) => findings.push(Finding::of("repository", &error)),
    }
    let well = findings.iter().all(|finding| finding.level != Level::Bad);
    let examined = Examined { well, findings, settings };
    Ok(Answer { no: !well, ..Answer::yes(describe(&examined, args.fix), &examined)? })
}

/// That there is no policy, and why. A file that cannot be read is mended where it counts: in a commit.
fn of_policy(error: &Error) -> Finding {
    let finding = Finding::of("policy", error);
    let branch = error.at.as_ref().and_then(|at| at.source.strip_suffix(FILE_NAME)?.strip_suffix(':'));
    match (branch, &error.hint) {
        (Some(branch), Some(hint)) => finding.mend(format!("edit {FILE_NAME} on {branch} and commit it: {hint}")),
        _ => finding,
    }
}

/// What the target demands, and the values that hold.
fn policy(repo: &Repo, args: &Args, context: &Context, settings: &mut Vec<Setting>) -> Result<Vec<Finding>> {
    let (target, origin) = match context.default_target(repo, None) {
        Ok(found) => found,
        Err(error) => return Ok(vec![of_policy(&error)]),
    };
    let (_, commit, file) = match context.target_file(repo) {
        Ok(found) => found,
        Err(error) => return Ok(vec![of_policy(&error)]),
    };
    settings.push(Setting { key: "target".into(), value: target.clone(), origin: origin.to_string() });
    let plan = match context.plan_or_none(repo, args.plan.as_deref()) {
        // Which of several plans is meant, nobody has said: none.
        Err(error) if args.plan.is_none() && error.code == "which-plan" => None,
        Err(error) => return Err(error),
        Ok(found) => Some(found.plan),
    };
    let plan = plan.unwrap_or_else(|| crate::model::plan::Plan::new(&target));
    let mut findings = Vec::new();
    let config = match context.config(repo, &plan, &Flags::default()) {
        Ok(config) => Some(config),
        Err(error) => {
            findings.push(Finding::of("config", &error));
            None
        }
    };
    findings.extend(setup::target(repo, &target, commit, &file, config.as_ref()));
    settings.extend(config.iter().flat_map(|config| config.settings()).map(|setting| with_file(repo, setting)));
    Ok(findings)
}

/// A value of git's configuration with the file that has it: there are several.
fn with_file(repo: &Repo, setting: Setting) -> Setting {
    if !setting.origin.starts_with("lexpr.") {
        return setting;
    }
    let said = repo.git_command().args(["config", "--show-origin", "--get", &setting.origin]).output(None);
    let said = said.map(|said| String::from_utf8_lossy(&said.stdout).into_owned()).unwrap_or_default();
    let file = said.split('\t').next().unwrap_or_default().trim_start_matches("file:");
    Setting { origin: format!("git config {} ({file})", setting.origin), ..setting }
}

fn describe(examined: &Examined, fixing: bool) -> String {
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for finding in &examined.findings {
        let (word, style) = match finding.level {
            Level::Good => ("good", GOOD),
            Level::Note => ("note", CARE),
            Level::Bad => ("bad", BAD),
            Level::Mended => ("mended", GOOD),
        };
        rows.push(vec![(word.into(), style), (finding.about.into(), PLAIN), (finding.message.clone(), PLAIN)]);
    }
    let mut text = columns(&rows);
    let open: Vec<&Finding> = examined.findings.iter().filter(|finding| matches!(finding.level, Level::Note | Level::Bad)).collect();
    if !examined.settings.is_empty() {
        text.push_str(&format!("\n{}\n", paint(HEAD, "What holds, and who says so")));
        let row = |setting: &Setting| {
            let style = if setting.origin == "built in" { FAINT } else { PLAIN };
            vec![(format!("  {}", setting.key), style), (setting.value.clone(), style), (setting.origin.clone(), FAINT)]
        };
        text.push_str(&columns(&examined.settings.iter().map(row).collect::<Vec<_>>()));
    }
    if open.iter().any(|finding| finding.mend.is_some()) {
        text.push_str(&format!("\n{}\n", paint(HEAD, "What mends it")));
        for finding in &open {
            let Some(mend) = &finding.mend else { continue };
            let style = if finding.level == Level::Bad { BAD } else { CARE };
            text.push_str(&format!("  {}: {}\n", paint(style, finding.about), printable(mend)));
        }
    }
    let count = |level| examined.findings.iter().filter(|finding| finding.level == level).count();
    let (bad, notes) = (count(Level::Bad), count(Level::Note));
    let words = if bad == 0 { paint(GOOD, "all is well") } else { paint(BAD, &format!("{bad} wrong")) };
    text.push_str(&format!("\n{words}, {notes} to know\n"));
    if !fixing && open.iter().any(|finding| finding.safe) {
        text.push_str(&format!("{} git lex-pr doctor --fix\n", paint(FAINT, "next:")));
    }
    text
}
