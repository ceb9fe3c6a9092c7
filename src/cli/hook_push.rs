//! The hooks that are asked about a push: `pre-push` before it leaves, `pre-receive` and `update` where it arrives.

use super::context::Context;
use crate::{
    config::{FILE_NAME, Flags},
    model::{
        Error, Result,
        error::Blame,
        hook::{Finding, Hook, Ruling},
        plan::Plan,
        shell_word,
    },
    plan::store::{self, Stored},
    repo::{RefChange, Repo, branch_name},
    run::{Outside, Planned, Pushed, judge_planned, judge_target},
};
use gix::ObjectId;
use std::{collections::BTreeSet, io::Read};

/// What the names of branches begin with.
const BRANCHES: &str = "refs/heads/";

/// A push, as a hook is told of it.
struct Push<'a> {
    repo: &'a Repo,
    context: &'a Context,
    /// The name or address of where it goes; nothing where it arrives.
    remote: Option<&'a str>,
    /// What brings verdicts to where they are looked for.
    bring: &'static str,
    /// What is said of going past runs, of the branch that is looked at.
    outside: Outside<'a>,
    /// The branch that plans land on where nothing else is said.
    default: Option<String>,
    targets: BTreeSet<String>,
    plans: Vec<Stored>,
}

/// What is found. A branch that cannot be looked at, such as for a plan that makes no sense, is let pass or not as `on_error` says;
/// it keeps no other branch.
pub fn look(hook: Hook, args: &[String], repo: Repo, context: &Context, on_error: &dyn Fn() -> Ruling) -> Result<Vec<Finding>> {
    let updates = match (hook, args) {
        (Hook::Update, [name, old, new]) => vec![update(&repo, name, old, new)?],
        (Hook::Update, _) => {
            let hint = "git lex-pr hook run update REF OLD NEW";
            return Err(Error::input("usage", "the hook is not given a ref, its old and its new value").hint(hint));
        }
        _ => read(hook, &repo)?,
    };
    let repo = if hook.is_of_server() { repo.with_incoming(&updates) } else { repo };
    let branches: Vec<(&str, &RefChange)> =
        updates.iter().filter_map(|update| Some((update.name.strip_prefix(BRANCHES)?, update))).filter(|(_, u)| u.old != u.new).collect();
    if branches.is_empty() {
        return Ok(Vec::new());
    }
    let why = match hook {
        Hook::PrePush => std::env::var("LEX_PR_OUTSIDE").ok(),
        _ => push_option("lex-pr.outside"),
    };
    let remote = args.first().map(String::as_str).filter(|_| hook == Hook::PrePush);
    let plans = store::load_all(&repo)?.0;
    let default = default_target(&repo, context, remote)?;
    let targets = plans.iter().map(|stored| stored.plan.target.clone()).chain(default.clone()).collect();
    let why = why.as_deref().map(str::trim).filter(|why| !why.is_empty());
    let bring = if hook.is_of_server() { " && git lex-pr sync" } else { "" };
    let mut push = Push { repo: &repo, context, remote, bring, outside: Outside { why, how: String::new() }, default, targets, plans };
    let mut findings = Vec::new();
    for (branch, update) in branches {
        push.outside.how = how_outside(hook, &repo, remote, branch, update)?;
        let found = if push.targets.contains(branch) { push.target(branch, update) } else { push.planned(branch, update) };
        match found {
            Ok(found) => findings.extend(found),
            Err(error) if error.blame == Blame::Interrupt => return Err(error),
            Err(error) => findings.push(Finding { branch: Some(branch.into()), ..Finding::of_failure(on_error(), &error) }),
        }
    }
    Ok(findings)
}

/// The command by which somebody says why they push `branch` past runs.
fn how_outside(hook: Hook, repo: &Repo, remote: Option<&str>, branch: &str, update: &RefChange) -> Result<String> {
    let branch = shell_word(branch);
    Ok(match hook {
        Hook::PrePush => {
            let name = format!("{BRANCHES}{branch}");
            let refspec = match update.new {
                None => format!(":{branch}"),
                Some(new) if repo.ref_commit(&name)? == Some(new) => branch,
                Some(new) => format!("{}:{name}", new.to_hex_with_len(10)),
            };
            let takes_back =
                matches!((update.old, update.new), (Some(old), Some(new)) if repo.has_commit(old) && !repo.is_ancestor(old, new)?);
            let force = if takes_back { " --force" } else { "" };
            format!("LEX_PR_OUTSIDE='why' git push{force} {} {refspec}", shell_word(remote.unwrap_or("origin")))
        }
        // The hooks of a server know neither what it is called elsewhere nor what is pushed to it from there.
        Hook::Update => "git lex-pr hook install --type pre-receive, on the server: git tells `update` nothing of `git push -o`".into(),
        _ => match repo.push_options_off() {
            Some(on) => format!("{on}, on the server; then git push -o lex-pr.outside='why' REMOTE {branch}"),
            None => format!("git push -o lex-pr.outside='why' REMOTE {branch}"),
        },
    })
}

impl Push<'_> {
    fn target(&self, branch: &str, update: &RefChange) -> Result<Vec<Finding>> {
        let (old, new) = match (update.old, update.new) {
            (_, None) => return Ok(vec![self.outside.ruled(Ruling::Deny, branch, "would be deleted, and plans land on it")]),
            (None, Some(_)) => return Ok(vec![Finding::note(branch, "is new there, so that it has no policy to hold yet")]),
            (Some(old), Some(new)) => (old, new),
        };
        if !self.repo.has_commit(old) {
            let message = format!("is at {} there, which is not here", old.to_hex_with_len(10));
            let fetch = format!("git fetch {}", shell_word(self.remote.unwrap_or_default()));
            let finding = self.outside.ruled(Ruling::Deny, branch, &message);
            return Ok(vec![if finding.refused { finding.mend(fetch) } else { finding }]);
        }
        let config_at = |commit| self.context.config_at(self.repo, &Plan::new(branch), commit, &Flags::default());
        let of_plan = self.plans.iter().find(|stored| stored.plan.target == branch).filter(|_| self.default.as_deref() != Some(branch));
        let again = of_plan.map(|stored| format!(" --plan {}", shell_word(&stored.name))).unwrap_or_default();
        judge_target(
            self.repo,
            &Pushed { target: branch, old, new, config_at: &config_at, again: &again, bring: self.bring, outside: &self.outside },
        )
    }

    fn planned(&self, branch: &str, update: &RefChange) -> Result<Vec<Finding>> {
        let mut findings = Vec::new();
        for stored in &self.plans {
            let is_it = |name: &str| name == branch || name.split_once('/') == Some((self.remote.unwrap_or("origin"), branch));
            let Some(at) = stored.plan.items.iter().position(|item| is_it(&item.branch)) else { continue };
            let Some(head) = update.new else {
                let message = format!("is deleted there; plan {} holds the commit that was planned", stored.name);
                findings.push(Finding::note(branch, message));
                continue;
            };
            if self.repo.ref_commit(&format!("{BRANCHES}{}", stored.plan.target))?.is_none() {
                continue;
            }
            let mut plan = stored.plan.clone();
            let hex = head.to_string();
            let is_known = plan.items[at].head.as_ref().is_none_or(|pinned| *pinned == hex);
            plan.items[at].head = Some(hex);
            let config = self.context.config(self.repo, &plan, &Flags::default())?;
            let item = &plan.items[at].name;
            let planned = Planned { plan: &plan, name: &stored.name, item, branch, head, is_known, config: &config, bring: self.bring };
            findings.extend(judge_planned(self.repo, &planned)?);
        }
        Ok(findings)
    }
}

/// The branch that plans land on. In a clone that has no branch of that name, the remote's default branch is still it.
fn default_target(repo: &Repo, context: &Context, remote: Option<&str>) -> Result<Option<String>> {
    let of_remote = remote.and_then(|remote| {
        let name = format!("refs/remotes/{remote}/");
        let head = repo.git.try_find_reference(&format!("{name}HEAD")).ok()??;
        head.target().try_name()?.as_bstr().to_string().strip_prefix(&name).map(ToOwned::to_owned)
    });
    match context.default_target(repo, None) {
        Ok((_, at)) if at.source == "default branch" && of_remote.is_some() => Ok(of_remote),
        Ok((target, _)) => Ok(Some(branch_name(&target).to_string())),
        Err(error) if error.code == "no-target" => Ok(of_remote),
        // A policy that cannot be read is looked at as what is pushed, by the one before it.
        Err(error) if error.at.as_ref().is_some_and(|at| at.source.ends_with(FILE_NAME)) => {
            Ok(of_remote.or(context.default_branch(repo).ok().map(|(branch, _)| branch)))
        }
        Err(error) => Err(error),
    }
}

/// What git writes for the hook: `LOCAL-REF LOCAL-ID REMOTE-REF REMOTE-ID` for pre-push, `OLD-ID NEW-ID REF` for pre-receive.
/// pre-commit (https://pre-commit.com) reads it in our place, and names one ref of it in variables.
fn read(hook: Hook, repo: &Repo) -> Result<Vec<RefChange>> {
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text).map_err(|e| Error::io("read what git pushes", e))?;
    if hook == Hook::PrePush && text.trim().is_empty() {
        let var = |name: &str| std::env::var(format!("PRE_COMMIT_{name}")).ok();
        if let (Some(name), Some(old), Some(new)) = (var("REMOTE_BRANCH"), var("FROM_REF"), var("TO_REF")) {
            return Ok(vec![update(repo, &name, &old, &new)?]);
        }
    }
    let lines = text.lines().map(|line| match (hook, &line.split(' ').collect::<Vec<_>>()[..]) {
        (Hook::PrePush, [_, new, name, old]) | (Hook::PreReceive, [old, new, name]) => update(repo, name, old, new),
        _ => Err(Error::input("bad-input", format!("`{line}` is no line that git writes for {}", hook.name()))
            .hint("see githooks(5) for what it writes")),
    });
    lines.collect()
}

fn update(repo: &Repo, name: &str, old: &str, new: &str) -> Result<RefChange> {
    let value = |hex: &str| repo.parse_id(hex).map(|id: ObjectId| Some(id).filter(|id| !id.is_null()));
    Ok(RefChange { name: name.into(), old: value(old)?, new: value(new)? })
}

/// What whoever pushes has said by `git push -o NAME=VALUE` (githooks(5)).
fn push_option(name: &str) -> Option<String> {
    let count: usize = std::env::var("GIT_PUSH_OPTION_COUNT").ok()?.parse().ok()?;
    (0..count).find_map(|at| {
        let option = std::env::var(format!("GIT_PUSH_OPTION_{at}")).ok()?;
        option.split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value.to_string())
    })
}
