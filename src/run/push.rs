//! What a push brings to a target or to a planned branch, held against policy. Whatever gates have to say of it is the preview of a
//! run: recorded verdicts are looked up, plugins are asked in this process, and nothing is written.

use super::{
    Instead, Request, Reuse, count,
    journal::{Landings, was_undone},
    run,
};
use crate::{
    config::{Config, FILE_NAME},
    gate::overrides,
    model::{
        Error, Result,
        gate::CONFLICT_MARKERS,
        hook::{Finding, Ruling, range},
        note::ITEMS_REF,
        plan::{Item, Plan},
        run::{GateReport, ItemReport, Purpose, Status},
        shell_word,
    },
    repo::{History, Repo},
};
use gix::ObjectId;
use std::collections::HashSet;

/// What is pushed to a target.
pub struct Pushed<'a> {
    /// The target.
    pub target: &'a str,
    /// Where it stands.
    pub old: ObjectId,
    /// Where it shall stand.
    pub new: ObjectId,
    /// The policy of a commit of it.
    pub config_at: &'a dyn Fn(ObjectId) -> Result<Config>,
    /// What a command needs besides to mean this target.
    pub again: &'a str,
    /// The command that brings what another one has made to where it is looked for; empty where that is here.
    pub bring: &'a str,
    /// What is said of commits that no run landed.
    pub outside: &'a Outside<'a>,
}

/// How somebody says that they go past runs.
pub struct Outside<'a> {
    /// Why they do, where they say so.
    pub why: Option<&'a str>,
    /// The command that says it.
    pub how: String,
}

impl Outside<'_> {
    /// What `message` says, let pass where somebody has said why.
    pub fn ruled(&self, ruling: Ruling, branch: &str, message: &str) -> Finding {
        match self.why {
            Some(why) => Finding::note(branch, format!("{message}; said to be outside of a run: {why}")),
            None if ruling == Ruling::Deny => Finding::ruled(ruling, branch, message).mend(&*self.how),
            None => Finding::note(branch, message),
        }
    }
}

/// What is pushed to a planned branch.
pub struct Planned<'a> {
    /// The plan, with what is pushed as the head of its item.
    pub plan: &'a Plan,
    /// Its name.
    pub name: &'a str,
    /// The item.
    pub item: &'a str,
    /// The branch, as it is pushed to.
    pub branch: &'a str,
    /// The commit that is pushed.
    pub head: ObjectId,
    /// Whether the plan holds that commit.
    pub is_known: bool,
    /// The policy of the plan's target.
    pub config: &'a Config,
    /// The command that brings what another one has made to where it is looked for; empty where that is here.
    pub bring: &'a str,
}

/// A stretch of the first-parent line of a target: the commits behind `from`, up to `to`.
#[derive(Clone, Copy)]
struct Stretch {
    from: ObjectId,
    to: ObjectId,
    /// Whether a run landed it.
    landed: bool,
}

/// What a push adds to a target.
struct Added {
    /// The line, oldest stretch first.
    line: Vec<Stretch>,
    /// How many commits of the line no run landed.
    outside: usize,
    /// All commits, and the heads of the items that runs landed in other commits.
    heads: Vec<ObjectId>,
}

/// What of a push to a target does not hold policy, and what should be known of it.
pub fn judge_target(repo: &Repo, pushed: &Pushed) -> Result<Vec<Finding>> {
    let Pushed { target, old, new, .. } = *pushed;
    let mut history = History::default();
    let mut findings = Vec::new();
    let bases = history.merge_bases(&repo.git, old, new)?;
    let mut base = old;
    if !bases.contains(&old) {
        let lost = history.ahead(&repo.git, old, &[new])?.len();
        if is_undo(repo, target, &bases, old, new)? {
            return Ok(vec![Finding::note(target, format!("takes {} off, as `git lex-pr undo` did", count(lost, "commit")))]);
        }
        findings.push(pushed.outside.ruled(Ruling::Deny, target, &format!("would lose {}", count(lost, "commit"))));
        match bases.first() {
            Some(common) => base = *common,
            None => return Ok(findings),
        }
    }
    if base == new {
        return Ok(findings);
    }
    let added = added(repo, &mut history, target, base, new)?;
    if let Some(newest) = added.line.iter().rev().find(|stretch| !stretch.landed) {
        let title = repo.message(newest.to)?.lines().next().unwrap_or_default().to_string();
        let were = if added.outside == 1 { "was" } else { "were" };
        let (commits, newest) = (count(added.outside, "commit"), repo.short(newest.to));
        let message = format!("{commits} {were} landed by no run, the newest {newest} ({title})");
        let ruling = (pushed.config_at)(old)?.hook.outside;
        findings.push(pushed.outside.ruled(ruling, target, &message));
    }
    for stretches in by_policy(repo, &added.line)? {
        findings.extend(judge_stretches(repo, pushed, &added, stretches)?);
    }
    Ok(findings)
}

/// The line, cut where what goes by one policy ends: each stretch is judged by the one that it found.
fn by_policy<'l>(repo: &Repo, line: &'l [Stretch]) -> Result<Vec<&'l [Stretch]>> {
    let policies = line.iter().map(|stretch| repo.read_file(stretch.from, FILE_NAME)).collect::<Result<Vec<_>>>()?;
    let mut parts = Vec::new();
    let mut begin = 0;
    for at in 1..=line.len() {
        if at == line.len() || policies[at] != policies[begin] {
            parts.push(&line[begin..at]);
            begin = at;
        }
    }
    Ok(parts)
}

/// What gates have against stretches that follow each other under one policy. Commands judge what comes out. Plugins see what is
/// changed, too: of what runs landed they have judged each item by itself.
fn judge_stretches(repo: &Repo, pushed: &Pushed, added: &Added, stretches: &[Stretch]) -> Result<Vec<Finding>> {
    let ([first, ..], [.., last]) = (stretches, stretches) else { return Ok(Vec::new()) };
    let config = (pushed.config_at)(first.from)?;
    let required = |plugin: bool| {
        let gates = config.gates.iter().filter(|gate| gate.plugin.is_some() == plugin && config.is_required(&gate.name));
        gates.map(|gate| gate.name.clone()).collect::<Vec<String>>()
    };
    let (commands, plugins) = (required(false), required(true));
    let mut questions = Vec::new();
    match stretches {
        [only] if !only.landed => questions.push((first.from, last.to, Vec::new())),
        _ => {
            questions.extend((!commands.is_empty()).then_some((first.from, last.to, commands)));
            let outside = stretches.iter().filter(|stretch| !stretch.landed);
            questions.extend(outside.map(|stretch| (stretch.from, stretch.to, plugins.clone())));
        }
    }
    let mut findings = Vec::new();
    for (from, to, gates) in questions {
        let plan = Plan { items: vec![Item { head: Some(to.to_string()), ..Item::new(pushed.target) }], ..Plan::new(pushed.target) };
        let instead = Some(Instead { base: from, policy: first.from });
        let mut report = preview(repo, &plan, pushed.target, &config, &gates, instead)?;
        excuse(repo, &mut report, pushed.target, &config, added)?;
        let command = |gates: &str| {
            let (from, to) = (repo.short(from), repo.short(to));
            match gates {
                CONFLICT_MARKERS => format!("git diff --check {from} {to}"),
                gates => format!("git lex-pr gate run {gates} --range {}{}{}", range(&from, &to), pushed.again, pushed.bring),
            }
        };
        findings.extend(judge(&report, pushed.target, Ruling::Deny, Missing::Counts, &command));
    }
    Ok(findings)
}

/// Whether a push takes a landing off that an undo took off here.
fn is_undo(repo: &Repo, target: &str, bases: &[ObjectId], old: ObjectId, new: ObjectId) -> Result<bool> {
    Ok(bases.contains(&new) && was_undone(repo, target, new, old)?)
}

/// What lies between `base` and `new`, and what of it runs have landed.
fn added(repo: &Repo, history: &mut History, target: &str, base: ObjectId, new: ObjectId) -> Result<Added> {
    let mut heads = history.ahead(&repo.git, new, &[base])?;
    let ahead: HashSet<ObjectId> = heads.iter().copied().collect();
    let mut landings = Landings::new(repo, target)?;
    let (mut line, mut outside) = (Vec::new(), 0);
    let (mut at, mut open) = (new, None);
    let stretch = |from, to, landed| Stretch { from, to, landed };
    while ahead.contains(&at) {
        match landings.that_made(at)? {
            Some(run) => {
                line.extend(open.take().map(|to| stretch(at, to, false)));
                let items = run.items.iter().filter(|item| run.holds(item));
                heads.extend(items.filter_map(|item| repo.parse_id(item.head.as_deref()?).ok()).filter(|head| !ahead.contains(head)));
                // A journal may claim what it likes: no policy counts but one that was on the way.
                let from = Some(repo.parse_id(&run.base)?).filter(|from| ahead.contains(from)).unwrap_or(base);
                line.push(stretch(from, at, true));
                at = from;
            }
            None => {
                let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read commit {at}"), e);
                let commit = repo.git.find_commit(at).map_err(|e| reading(&e))?;
                open.get_or_insert(at);
                outside += 1;
                match commit.parent_ids().next() {
                    Some(parent) => at = parent.detach(),
                    None => break,
                }
            }
        }
    }
    // A line that ends elsewhere, such as behind a merge of the target into something, is judged from where the target stands.
    line.extend(open.map(|to| stretch(base, to, false)));
    line.reverse();
    Ok(Added { line, outside, heads })
}

/// Let the words of people whom the policy trusts count, whichever of the commits they are about.
fn excuse(repo: &Repo, report: &mut ItemReport, target: &str, config: &Config, added: &Added) -> Result<()> {
    if !report.gates.iter().any(GateReport::is_red) {
        return Ok(());
    }
    let mut words = Vec::new();
    let mut notes = repo.notes(ITEMS_REF);
    for head in &added.heads {
        words.extend(overrides(&mut notes, *head, target, config.admin_green.as_ref())?);
    }
    for gate in report.gates.iter_mut().filter(|gate| gate.is_red()) {
        gate.overridden = words.iter().find(|said| said.gate == gate.gate).cloned();
    }
    Ok(())
}

/// What gates say of an item of `plan`, as far as that is on record or is asked in this process; all gates where none is named.
fn preview(repo: &Repo, plan: &Plan, item: &str, config: &Config, gates: &[String], instead: Option<Instead>) -> Result<ItemReport> {
    // A policy that asks everything anew means runs; what they have said is what there is to look at.
    let mut config = config.clone();
    config.performance.enable_caching = None;
    let items = [item.to_string()];
    let request = Request {
        plan,
        plan_name: "push",
        revision: None,
        purpose: Purpose::Preview,
        config: &config,
        gates,
        items: &items,
        reuse: Reuse::All,
        hotfix: false,
        explain: false,
        instead,
    };
    let previewed = run(repo, &request, &mut |_| {})?;
    let report = previewed.items.into_iter().find(|report| report.name == item);
    report.ok_or_else(|| Error::environment("no-answer", format!("nothing was said of {item}")))
}

/// Whether a gate that has said nothing counts against what is judged.
#[derive(Clone, Copy, PartialEq)]
enum Missing {
    Counts,
    IsFine,
}

/// What required gates have against it. `command` gives the command that asks some of them, named one after the other.
fn judge(report: &ItemReport, branch: &str, ruling: Ruling, missing: Missing, command: &dyn Fn(&str) -> String) -> Option<Finding> {
    let asked = || report.gates.iter().filter(|gate| gate.required && gate.overridden.is_none());
    let silent: Vec<&str> = asked().filter(|gate| gate.verdict.is_none() && missing == Missing::Counts).map(|gate| &*gate.gate).collect();
    let red: Vec<_> = asked().filter(|gate| gate.is_red()).collect();
    let mut said: Vec<String> = red
        .iter()
        .filter_map(|gate| gate.verdict.as_ref())
        .map(|verdict| format!("{} says {}: {}", verdict.gate, verdict.verdict, verdict.summary))
        .collect();
    if !silent.is_empty() {
        let tree = report.tree.as_deref().and_then(|tree| tree.get(..10)).map(|tree| format!(" on tree {tree}"));
        said.push(format!("no verdict of {}{}", silent.join(", "), tree.unwrap_or_default()));
    }
    if said.is_empty() && report.status == Status::SkippedGates {
        said.push(report.detail.clone());
    }
    if said.is_empty() {
        return None;
    }
    let words = |names: &[&str]| names.iter().map(|name| shell_word(name)).collect::<Vec<_>>().join(" ");
    let red: Vec<&str> = red.iter().map(|gate| &*gate.gate).collect();
    // No gate has anything against it, and none would: its policy cannot be read.
    if red.is_empty() && silent.is_empty() {
        return Some(Finding::ruled(ruling, branch, said.join("; ")).mend("git lex-pr doctor"));
    }
    let names = if red.is_empty() || red == [CONFLICT_MARKERS] && !silent.is_empty() { silent } else { red };
    Some(Finding::ruled(ruling, branch, said.join("; ")).mend(command(&words(&names))))
}

/// What of a push to a planned branch does not hold policy: its candidate on the target, as `gate run` proves it.
pub fn judge_planned(repo: &Repo, planned: &Planned) -> Result<Vec<Finding>> {
    let Planned { plan, name, item, branch, head, config, .. } = *planned;
    // What is pushed under another name is taken in as the branch that it is pushed to.
    let (own, commit) = (shell_word(branch), repo.short(head));
    let take_up = match repo.ref_commit(&format!("refs/heads/{branch}"))? {
        Some(at) if at == head => String::new(),
        Some(_) => format!("git switch {own} && git merge {commit} && "),
        None => format!("git branch {own} {commit} && "),
    };
    let command = |gates: &str| match gates {
        CONFLICT_MARKERS => format!("git diff --check {}...{commit}", shell_word(&plan.target)),
        gates => {
            let take_in = format!("{take_up}git lex-pr plan add {} {own} && ", shell_word(name));
            let take_in = if planned.is_known { "" } else { &take_in };
            format!("{take_in}git lex-pr gate run {gates} --plan {} --item {}{}", shell_word(name), shell_word(item), planned.bring)
        }
    };
    let ruling = config.hook.planned;
    let report = preview(repo, plan, item, config, &[], None)?;
    if matches!(report.status, Status::Merged | Status::SkippedGates) {
        return Ok(judge(&report, branch, ruling, Missing::Counts, &command).into_iter().collect());
    }
    if report.status == Status::UpToDate {
        return Ok(Vec::new());
    }
    // It cannot land as it is, so that no verdict can be asked for. What it is by itself can be looked at.
    let note = Finding::note(branch, format!("cannot land in plan {name} yet ({}: {})", report.status.words(), report.detail));
    let mut findings = vec![Finding { mend: report.way_out.clone(), ..note }];
    let target = repo.target_head(&plan.target)?;
    if let Some(base) = History::default().merge_bases(&repo.git, target, head)?.into_iter().next()
        && base != head
    {
        let mut alone = Plan { items: plan.items.iter().filter(|other| other.name == item).cloned().collect(), ..plan.clone() };
        alone.items.iter_mut().for_each(|item| item.deps.clear());
        let by_itself = preview(repo, &alone, item, config, &[], Some(Instead { base, policy: target }))?;
        findings.extend(judge(&by_itself, branch, ruling, Missing::IsFine, &command));
    }
    Ok(findings)
}

/// The items of a plan that landed between two commits of its target: their heads are reached now, or a run has landed them.
pub fn landed_since(repo: &Repo, name: &str, plan: &Plan, before: ObjectId, now: ObjectId) -> Result<Vec<String>> {
    let ahead: HashSet<String> = History::default().ahead(&repo.git, now, &[before])?.into_iter().map(|id| id.to_string()).collect();
    let mut landed: HashSet<String> = HashSet::new();
    for run in super::runs(repo, Some(name))? {
        let run = run?;
        if run.purpose == Purpose::Land && ahead.contains(&run.tip) {
            landed.extend(run.items.iter().filter(|item| run.holds(item)).map(|item| item.name.clone()));
        }
    }
    let is_in = |item: &&Item| landed.contains(&item.name) || item.head.as_ref().is_some_and(|head| ahead.contains(head));
    Ok(plan.items.iter().filter(is_in).map(|item| item.name.clone()).collect())
}
