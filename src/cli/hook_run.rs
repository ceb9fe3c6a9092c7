//! `git lex-pr hook run`

use super::{Answer, context::Context, hook_push};
use crate::{
    config::{FILE_NAME, Flags, on_error},
    model::{
        Error, Result,
        error::Blame,
        hook::{Finding, Hook, Hooked, Ruling},
        plan::{Item, Plan},
        shell_word,
    },
    plan::store,
    repo::{Repo, branch_name, changes},
    report::style::{BAD, CARE, FAINT, paint, printable},
    run::{Staged, judge_commit, landed_since},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

/// Answer as a hook of git, which gives the arguments and, on standard input, what is pushed.
///
/// Exits with 0 where git may go on and with 1 where it may not; what is missing is said in two lines each, the second of which is
/// the command that supplies it. Where the hook itself fails, `on-error` in `[hook]` of lex-pr.toml decides.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The hook.
    hook: Hook,
    /// What git gives the hook.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARG")]
    args: Vec<String>,
}

pub fn run(args: &Args, context: &Context) -> Result<Answer> {
    // Whatever goes wrong in here is no reason to keep somebody from pushing, unless the policy says so.
    let findings = match catch_unwind(AssertUnwindSafe(|| look(args, context))) {
        Ok(Ok(findings)) => findings,
        Ok(Err(error)) if error.blame == Blame::Interrupt => return Err(error),
        Ok(Err(error)) => vec![Finding::of_failure(ruling(context), &error)],
        Err(_) => {
            let crash = Error::environment("crash", "it crashed").hint("report the lines above, please");
            vec![Finding::of_failure(ruling(context), &crash)]
        }
    };
    let hooked = Hooked::new(args.hook, findings);
    Ok(Answer { no: !hooked.allowed, ..Answer::yes(words(&hooked), &hooked)? })
}

fn look(args: &Args, context: &Context) -> Result<Vec<Finding>> {
    let repo = context.repo()?;
    match args.hook {
        Hook::PrePush | Hook::PreReceive | Hook::Update => hook_push::look(args.hook, &args.args, repo, context, &|| ruling(context)),
        Hook::PreCommit => commit(repo, None, context),
        Hook::CommitMsg => {
            let file = args.args.first().ok_or_else(|| {
                Error::input("usage", "the hook is given no file with the message").hint("git lex-pr hook run commit-msg FILE")
            })?;
            commit(repo, Some(Path::new(file)), context)
        }
        Hook::PostMerge => merged(&repo, context),
    }
}

/// What becomes of it where the hook itself fails: git config and the environment before the target's lex-pr.toml, as far as they
/// can be read.
fn ruling(context: &Context) -> Ruling {
    let env = |name: &str| std::env::var(name).ok();
    let Ok(repo) = context.repo() else { return on_error(&|_| None, &env).ok().flatten().unwrap_or_default() };
    let git = |key: &str| repo.git.config_snapshot().string(key).map(|value| value.to_string());
    let said = on_error(&git, &env).ok().flatten();
    said.unwrap_or_else(|| context.target_file(&repo).map(|(_, _, file)| file.hook.on_error).unwrap_or_default())
}

/// Two lines for each finding: what it is, and the command.
fn words(hooked: &Hooked) -> String {
    let mut text = String::new();
    for finding in &hooked.findings {
        let style = if finding.refused { BAD } else { CARE };
        let branch = finding.branch.as_ref().map(|branch| format!("{branch}: ")).unwrap_or_default();
        text.push_str(&format!("{} {}\n", paint(style, "lex-pr:"), printable(&format!("{branch}{}", finding.message))));
        if let Some(mend) = &finding.mend {
            text.push_str(&format!("  {} {}\n", paint(FAINT, "try:"), printable(mend)));
        }
    }
    text
}

/// What gates have against the commit in the making, or against its message.
fn commit(repo: Repo, message: Option<&Path>, context: &Context) -> Result<Vec<Finding>> {
    let text = match message {
        Some(file) => repo.clean_message(file)?,
        None => "Staged".into(),
    };
    // Git folds these into other commits later, and refuses an empty message itself.
    let is_folded = ["fixup! ", "squash! ", "amend! "].iter().any(|word| text.starts_with(word));
    if text.is_empty() || message.is_some() && is_folded {
        return Ok(Vec::new());
    }
    let branch = repo.git.head_name().ok().flatten().map_or_else(|| "HEAD".into(), |name| name.shorten().to_string());
    let parent = repo.git.head_id().ok().map(gix::Id::detach);
    let (tree, is_merge) = (repo.staged_tree()?, repo.is_merging());
    let (repo, commit) = repo.supposing(tree, parent, &text)?;
    let target = match context.default_target(&repo, None) {
        Ok((target, _)) => branch_name(&target).to_string(),
        // The first commit of all has no policy to hold.
        Err(_) if parent.is_none() => branch.clone(),
        Err(error) => return Err(error),
    };
    let policy = repo.ref_commit(&format!("refs/heads/{target}"))?.or(parent).unwrap_or(commit);
    let config = context.config_at(&repo, &Plan::new(&*target), policy, &Flags::default())?;
    let staged = Staged { commit, parent, is_merge, branch: &branch, target: (&target, policy), config: &config };
    judge_commit(&repo, &staged, message)
}

/// What a merge or pull has changed for plans.
fn merged(repo: &Repo, context: &Context) -> Result<Vec<Finding>> {
    let commit = |name: &str| repo.git.rev_parse_single(name).ok().map(gix::Id::detach);
    let Some(branch) = repo.git.head_name().ok().flatten().map(|name| name.shorten().to_string()) else { return Ok(Vec::new()) };
    let (Some(before), Some(now)) = (commit("ORIG_HEAD"), commit("HEAD")) else { return Ok(Vec::new()) };
    let now_hex = now.to_string();
    let mut findings = Vec::new();
    for stored in store::load_all(repo)?.0 {
        let name = &stored.name;
        if stored.plan.target == branch {
            let landed = landed_since(repo, name, &stored.plan, before, now)?;
            if !landed.is_empty() {
                let message =
                    format!("{} of {} items of plan {name} came with it: {}", landed.len(), stored.plan.items.len(), landed.join(", "));
                findings.push(Finding::note(&branch, message).mend(format!("git lex-pr status {}", shell_word(name))));
            }
        }
        let has_moved = |item: &Item| item.branch == branch && item.head.as_ref().is_some_and(|head| *head != now_hex);
        if stored.plan.items.iter().any(has_moved) {
            let take_in = format!("git lex-pr plan add {} {}", shell_word(name), shell_word(&branch));
            findings.push(Finding::note(&branch, format!("has moved since it was taken into plan {name}")).mend(take_in));
        }
    }
    if context.default_target(repo, None).is_ok_and(|(target, _)| branch_name(&target) == branch) {
        let trees = [before, now].map(|id| repo.git.find_commit(id).ok().and_then(|commit| Some(commit.tree_id().ok()?.detach())));
        if let [Some(old), Some(new)] = trees
            && changes(&repo.git, old, new)?.iter().any(|change| change.path == FILE_NAME)
        {
            findings
                .push(Finding::note(&branch, format!("{FILE_NAME} has changed, and with it what gates ask")).mend("git lex-pr gate list"));
        }
    }
    Ok(findings)
}
