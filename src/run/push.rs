//! What a push brings to a target or to a planned branch, held against policy. Whatever gates have to say of it is the preview of a
//! run: recorded verdicts are looked up, plugins are asked in this process, and nothing is written.

use super::{
    Instead, Request, Reuse, count,
    journal::{Landings, was_undone},
    run,
};
use crate::{
    config::Config,
    gate::overrides,
    model::{
        Error, Result,
        gate::CONFLICT_MARKERS,
        hook::{Finding, Ruling, range},
        note::{ITEMS_REF, Override},
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
    /// The policy of where it stands.
    pub config: &'a Config,
    /// What a command needs besides to mean this target.
    pub again: &'a str,
    /// What is said of commits that no run landed.
    pub outside: Outside<'a>,
}

/// How somebody says that they go past runs.
#[derive(Clone, Copy)]
pub struct Outside<'a> {
    /// Why they do, where they say so.
    pub why: Option<&'a str>,
    /// The command that says it.
    pub how: &'a str,
}

impl Outside<'_> {
    /// What `message` says, let pass where somebody has said why.
    pub fn ruled(&self, ruling: Ruling, branch: &str, message: &str) -> Finding {
        match self.why {
            Some(why) => Finding::note(branch, format!("{message}; said to be outside of a run: {why}")),
            None if ruling == Ruling::Deny => Finding::ruled(ruling, branch, message).mend(self.how),
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
}

/// Commits on the first-parent line of a target that no run landed: those behind the first, up to the second.
type Stretch = (ObjectId, ObjectId);

/// What a push adds to a target.
struct Added {
    /// The commits.
    ahead: HashSet<ObjectId>,
    /// Those that no run landed, newest first.
    stretches: Vec<Stretch>,
    /// How many of the first-parent line they are.
    outside: usize,
    /// The words of people in place of red gates by which runs have landed items.
    words: Vec<Override>,
}

/// What of a push to a target does not hold policy, and what should be known of it.
pub fn judge_target(repo: &Repo, pushed: &Pushed) -> Result<Vec<Finding>> {
    let Pushed { target, old, new, config, .. } = *pushed;
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
    let mut added = added(repo, &mut history, target, base, new)?;
    let stretches = std::mem::take(&mut added.stretches);
    if let Some((_, newest)) = stretches.first() {
        let title = repo.message(*newest)?.lines().next().unwrap_or_default().to_string();
        let were = if added.outside == 1 { "was" } else { "were" };
        let message = format!("{} {were} landed by no run, the newest {} ({title})", count(added.outside, "commit"), repo.short(*newest));
        findings.push(pushed.outside.ruled(config.hook.outside, target, &message));
    }
    let required = |plugin: bool| {
        let gates = config.gates.iter().filter(move |gate| gate.plugin.is_some() == plugin && config.is_required(&gate.name));
        gates.map(|gate| gate.name.clone()).collect::<Vec<String>>()
    };
    let (commands, plugins) = (required(false), required(true));
    // Commands judge what comes out. Plugins see what is changed, too: of what runs landed they have judged each item by itself.
    let mut questions = Vec::new();
    if stretches == [(base, new)] {
        questions.push(((base, new), Vec::new()));
    } else {
        questions.extend((!commands.is_empty()).then_some(((base, new), commands)));
        questions.extend(stretches.into_iter().map(|stretch| (stretch, plugins.clone())));
    }
    for ((from, to), gates) in questions {
        let mut report = preview_range(repo, pushed, from, to, &gates)?;
        excuse(repo, &mut report, pushed, &added)?;
        let command = |gates: &str| {
            let (from, to) = (repo.short(from), repo.short(to));
            match gates {
                CONFLICT_MARKERS => format!("git diff --check {from} {to}"),
                gates => format!("git lex-pr gate run {gates} --range {}{}", range(&from, &to), pushed.again),
            }
        };
        findings.extend(judge(repo, &report, target, Ruling::Deny, Missing::Counts, &command));
    }
    Ok(findings)
}

/// Whether a push takes a landing off that an undo took off here.
fn is_undo(repo: &Repo, target: &str, bases: &[ObjectId], old: ObjectId, new: ObjectId) -> Result<bool> {
    Ok(bases.contains(&new) && was_undone(repo, target, new, old)?)
}

/// What lies between `base` and `new`, and what of it runs have landed.
fn added(repo: &Repo, history: &mut History, target: &str, base: ObjectId, new: ObjectId) -> Result<Added> {
    let ahead = history.ahead(&repo.git, new, &[base])?.into_iter().collect();
    let mut added = Added { ahead, stretches: Vec::new(), outside: 0, words: Vec::new() };
    let mut landings = Landings::new(repo, target)?;
    let (mut at, mut open) = (new, None);
    while added.ahead.contains(&at) {
        match landings.that_made(at)? {
            Some(run) => {
                added.stretches.extend(open.take().map(|tip| (at, tip)));
                let items = run.items.iter().filter(|item| run.holds(item));
                added.words.extend(items.flat_map(|item| &item.gates).filter_map(|gate| gate.overridden.clone()));
                at = repo.parse_id(&run.base)?;
            }
            None => {
                let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read commit {at}"), e);
                let commit = repo.git.find_commit(at).map_err(|e| reading(&e))?;
                open.get_or_insert(at);
                added.outside += 1;
                match commit.parent_ids().next() {
                    Some(parent) => at = parent.detach(),
                    None => break,
                }
            }
        }
    }
    // A line that ends elsewhere, such as behind a merge of the target into something, is judged from where the target stands.
    added.stretches.extend(open.map(|tip| (base, tip)));
    Ok(added)
}

/// Let the words of people whom the policy trusts count, whichever of the commits they are about.
fn excuse(repo: &Repo, report: &mut ItemReport, pushed: &Pushed, added: &Added) -> Result<()> {
    if !report.gates.iter().any(GateReport::is_red) {
        return Ok(());
    }
    let mut words = added.words.clone();
    let mut notes = repo.notes(ITEMS_REF);
    for commit in &added.ahead {
        words.extend(overrides(&mut notes, *commit, pushed.target, pushed.config.admin_green.as_ref())?);
    }
    for gate in report.gates.iter_mut().filter(|gate| gate.is_red()) {
        gate.overridden = words.iter().find(|said| said.gate == gate.gate).cloned();
    }
    Ok(())
}

/// What gates have said of a range of commits as one candidate, or say in this process; all gates where none is named.
fn preview_range(repo: &Repo, pushed: &Pushed, from: ObjectId, to: ObjectId, gates: &[String]) -> Result<ItemReport> {
    let plan = Plan { items: vec![Item { head: Some(to.to_string()), ..Item::new(pushed.target) }], ..Plan::new(pushed.target) };
    preview(repo, &plan, pushed.target, pushed.config, gates, Some(Instead { base: from, policy: pushed.old }))
}

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
fn judge(
    repo: &Repo,
    report: &ItemReport,
    branch: &str,
    ruling: Ruling,
    missing: Missing,
    command: &dyn Fn(&str) -> String,
) -> Option<Finding> {
    let asked = || report.gates.iter().filter(|gate| gate.required && gate.overridden.is_none());
    let silent: Vec<&str> = asked().filter(|gate| gate.verdict.is_none() && missing == Missing::Counts).map(|gate| &*gate.gate).collect();
    let red: Vec<_> = asked().filter(|gate| gate.is_red()).collect();
    let mut said: Vec<String> = red
        .iter()
        .filter_map(|gate| gate.verdict.as_ref())
        .map(|verdict| format!("{} says {}: {}", verdict.gate, verdict.verdict, verdict.summary))
        .collect();
    if !silent.is_empty() {
        let tree = report.tree.as_deref().and_then(|tree| repo.parse_id(tree).ok()).map(|tree| format!(" on tree {}", repo.short(tree)));
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
    let names = if red.is_empty() || red == [CONFLICT_MARKERS] && !silent.is_empty() { silent } else { red };
    Some(Finding::ruled(ruling, branch, said.join("; ")).mend(command(&words(&names))))
}

/// What of a push to a planned branch does not hold policy: its candidate on the target, as `gate run` proves it.
pub fn judge_planned(repo: &Repo, planned: &Planned) -> Result<Vec<Finding>> {
    let Planned { plan, name, item, branch, head, config, .. } = *planned;
    let command = |gates: &str| {
        let take_in = format!("git lex-pr plan add {} {}", shell_word(name), shell_word(branch));
        let ask = match gates {
            CONFLICT_MARKERS => format!("git diff --check {}...{}", shell_word(&plan.target), shell_word(branch)),
            gates => format!("git lex-pr gate run {gates} --plan {} --item {}", shell_word(name), shell_word(item)),
        };
        if planned.is_known || gates == CONFLICT_MARKERS { ask } else { format!("{take_in} && {ask}") }
    };
    let ruling = config.hook.planned;
    let report = preview(repo, plan, item, config, &[], None)?;
    if matches!(report.status, Status::Merged | Status::SkippedGates) {
        return Ok(judge(repo, &report, branch, ruling, Missing::Counts, &command).into_iter().collect());
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
        findings.extend(judge(repo, &by_itself, branch, ruling, Missing::IsFine, &command));
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
