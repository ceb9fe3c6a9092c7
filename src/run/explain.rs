//! Why an item is where it is, in words: with whom it conflicts and the way out, who holds it already, which gate was red.

use super::{Flow, count, few};
use crate::{
    model::{
        Error, Result,
        error::Class,
        gate::CONFLICT_MARKERS,
        plan::Item,
        run::{Blame, Conflict, GateReport, ItemReport, Rung, Status},
        shell_word,
        time::to_the_second,
        verdict::Answer,
    },
    weave::Conflicted,
};
use gix::ObjectId;
use std::collections::BTreeSet;

fn are(n: usize) -> &'static str {
    if n == 1 { "is" } else { "are" }
}

impl Flow<'_> {
    /// Who holds `head` already: the target, or an item of this run.
    pub(super) fn holder(&mut self, head: ObjectId) -> Result<String> {
        let history = &mut self.history;
        let mut lacks = |tip: ObjectId| history.ahead(&self.repo.git, head, &[tip]).map(|ahead| !ahead.is_empty());
        if lacks(self.base)? {
            for item in self.run.items.iter().filter(|i| i.status == Status::Merged) {
                if let Some(other) = &item.head
                    && !lacks(self.repo.parse_id(other)?)?
                {
                    return Ok(format!("`{}` brings it", item.name));
                }
            }
        }
        Ok(format!("{} holds it already", self.run.target))
    }

    pub(super) fn explain_conflict(
        &self,
        report: &mut ItemReport,
        head: ObjectId,
        conflicted: &Conflicted,
        commit: Option<ObjectId>,
    ) -> Result<()> {
        let mut with = Vec::new();
        for clash in &conflicted.clashes {
            let path = clash.path.to_string();
            let items = self.weaver.touched(&path);
            let culprit = if items.is_empty() { self.weaver.last_change(&path, self.base, head)? } else { None };
            let words = match culprit {
                Some(commit) => vec![format!("{} ({})", self.run.target, self.repo.short(commit))],
                None if items.is_empty() => vec![self.run.target.clone()],
                None => items.clone(),
            };
            for word in words {
                if !with.contains(&word) {
                    with.push(word);
                }
            }
            let lines = self.weaver.clashing_lines(clash)?;
            report.conflicts.push(Conflict { path, items, commit: culprit.map(|c| c.to_string()), lines });
        }
        let places: Vec<String> = report.conflicts.iter().map(Conflict::place).collect();
        let applying = commit.map(|c| format!("commit {} ", self.repo.short(c))).unwrap_or_default();
        report.status = Status::SkippedConflict;
        report.detail = format!("{applying}conflicts with {} in {}", few(&with), few(&places));
        report.way_out = Some(self.way_out(report, head)?);
        Ok(())
    }

    /// The shortest way out of a conflict. On top of the one item that it is with, an item lands behind that one; else it waits
    /// for what is on the target then.
    fn way_out(&self, report: &ItemReport, head: ObjectId) -> Result<String> {
        let mut items: Vec<&str> = report.conflicts.iter().flat_map(|conflict| &conflict.items).map(String::as_str).collect();
        items.sort_unstable();
        items.dedup();
        let on_target = report.conflicts.iter().any(|conflict| conflict.items.is_empty());
        let branch = |name: &str| {
            let branch = self.request.plan.item(name).map_or(name, |item| &item.branch);
            Ok::<_, Error>(self.repo.branch(branch)?.map_or_else(|| branch.to_string(), |found| found.git_name()))
        };
        let rebase = |onto: &str| self.rebase(onto, &report.branch, head);
        match items[..] {
            [one] if !on_target => rebase(&branch(one)?),
            [] => rebase(&self.run.target),
            _ => Ok(format!("land {} first, then {}", few(&items), rebase(&self.run.target)?)),
        }
    }

    /// The command that puts a branch on top of another one. What is only on a remote becomes a branch here, which the plan then takes.
    fn rebase(&self, onto: &str, branch: &str, head: ObjectId) -> Result<String> {
        let onto = shell_word(onto);
        let Some(found) = self.repo.branch(branch)? else {
            let branch = shell_word(branch);
            return Ok(format!("git branch {branch} {} && git rebase {onto} {branch}", self.repo.short(head)));
        };
        let Some((switch, own)) = self.repo.own_branch(&found)? else { return Ok(format!("git rebase {onto} {}", shell_word(branch))) };
        let rebase =
            switch.map_or_else(|| format!("git rebase {onto} {}", shell_word(&own)), |switch| format!("{switch} && git rebase {onto}"));
        Ok(match self.run.kept_plan().filter(|_| own != branch) {
            Some(plan) => format!("{rebase} && git lex-pr plan add {} {}", shell_word(plan), shell_word(&own)),
            None => rebase,
        })
    }

    /// Why the gates do not let an item in: for what it broke before what was broken. A gate that was not asked yet does not stand in a
    /// preview's way.
    pub(super) fn red_gate(&self, item: &Item, report: &ItemReport) -> Option<String> {
        let is_broken = |gate: &&GateReport| gate.blame == Some(Blame::BaseBroken);
        let red = || report.gates.iter().filter(|gate| gate.is_red());
        if let Some(gate) = red().min_by_key(is_broken) {
            let verdict = gate.verdict.as_ref()?;
            let what = match verdict.verdict {
                Answer::Skip => "did not judge it",
                Answer::Error => "could not judge it",
                Answer::Fail | Answer::Warn | Answer::Pass => "failed",
            };
            let class =
                verdict.class.filter(|class| *class != Class::Unknown).map_or(String::new(), |class| format!(" ({})", class.word()));
            let mut words = format!("gate {} {what}{class}: {}", gate.gate, verdict.summary);
            if gate.reused && !self.pool.gave(verdict) {
                words.push_str(&format!(" (recorded {}; --fresh asks again)", to_the_second(&verdict.at)));
            }
            let broken: Vec<&str> = red().filter(is_broken).map(|gate| &*gate.gate).collect();
            match broken[..] {
                [] => {}
                _ if is_broken(&gate) => words.push_str(&format!("; it is red on {} without it too", self.run.target)),
                _ => words.push_str(&format!("; {} {} red on {} without it too", few(&broken), are(broken.len()), self.run.target)),
            }
            return Some(words);
        }
        let all_gates = self.request.gates.is_empty() && (self.request.items.is_empty() || self.request.items.contains(&item.name));
        let undefined = |name: &&String| !report.gates.iter().any(|g| g.gate == **name);
        let missing = self.request.config.required.iter().find(undefined).filter(|_| all_gates)?;
        Some(format!("the policy requires gate {missing}, which is not defined for this item"))
    }

    /// Tell of the gates that no item can pass, for the target itself does not.
    pub(super) fn note_broken_gates(&mut self) {
        let broken = |gate: &&GateReport| gate.blame == Some(Blame::BaseBroken);
        let names: BTreeSet<&str> =
            self.run.items.iter().flat_map(|item| item.gates.iter().filter(broken)).map(|gate| &*gate.gate).collect();
        if !names.is_empty() {
            let names: Vec<&str> = names.into_iter().collect();
            let (gates, target) = (few(&names), &self.run.target);
            self.run
                .notes
                .push(format!("{target} itself does not pass {gates} here: mend it or this machine first, or plan the branch that does"));
        }
    }

    pub(super) fn merged_detail(&self, report: &ItemReport, files: usize) -> String {
        let own: Vec<&GateReport> = report.gates.iter().filter(|g| g.gate != CONFLICT_MARKERS).collect();
        let names =
            |wanted: &dyn Fn(&GateReport) -> bool| -> Vec<&str> { own.iter().filter(|g| wanted(g)).map(|g| g.gate.as_str()).collect() };
        let unproved = names(&|g| g.verdict.is_none());
        let flaky = names(&|g| g.verdict.as_ref().is_some_and(|v| v.verdict.is_good() && v.attempts > 1));
        let bad = |g: &GateReport| g.answer().is_some_and(|a| !a.is_good());
        let warned = names(&|g| g.answer() == Some(Answer::Warn) || (bad(g) && g.overridden.is_none()));
        let mut detail = format!("{}, {}", report.weave.unwrap_or(Rung::Trivial).word(), count(files, "file"));
        if !report.settled.is_empty() {
            let settled: Vec<String> = report
                .settled
                .iter()
                .map(|step| format!("{} {}", step.path, step.rule.as_deref().map_or(step.why.clone(), |rule| format!("by {rule}"))))
                .collect();
            detail.push_str(&format!("; {}", few(&settled)));
        }
        for (what, gates) in [("not proved yet", unproved), ("flaky", flaky), ("warning", warned)] {
            if !gates.is_empty() {
                detail.push_str(&format!("; {what}: {}", few(&gates)));
            }
        }
        for said in own.iter().filter(|g| bad(g)).filter_map(|g| g.overridden.as_ref()) {
            detail.push_str(&format!("; {said}"));
        }
        detail
    }
}
