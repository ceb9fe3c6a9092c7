//! An item on top of others, as far as it is known without buying a gate: its weave, what plugins say of it, and the commands that
//! are still to be asked.

use super::{
    Flow, Reuse, plugins,
    pool::{Question, blank},
    resolve::{self, Resolve},
    schedule::Job,
};
use crate::{
    config::{ConfigFile, FILE_NAME},
    gate::{Subject, digest, inputs, overrides},
    model::{
        Error, Result,
        gate::{CONFLICT_MARKERS, GateSpec},
        plan::{Item, Strategy},
        run::{GateReport, ItemReport, Purpose, Rung, Status, Step},
        shell_word,
        verdict::{Annotation, Answer, Verdict},
    },
    repo::{Branch, Changed},
    weave::{Conflicted, Strand, Woven},
};
use gix::{ObjectId, bstr::ByteSlice};
use std::{collections::BTreeMap, rc::Rc};

/// An item that is assessed.
pub(super) struct Assessed {
    /// What is known of it.
    pub report: ItemReport,
    /// What plugins left behind, as files of the journal.
    pub files: Vec<(String, Vec<u8>)>,
    /// Its head, once it is found.
    pub head: Option<ObjectId>,
    /// Its candidate, where it could be in.
    pub open: Option<Open>,
}

/// A candidate that gates may let in.
pub(super) struct Open {
    pub subject: Subject,
    pub tree: ObjectId,
    pub changes: Vec<Changed>,
    /// The gates that are asked, in the order of the report; those of the plan's item are marked.
    pub gates: Vec<(GateSpec, bool)>,
    /// Where the first of them stands in the report.
    pub offset: usize,
    /// The commands that are asked, by their place among the gates.
    pub jobs: Vec<(usize, Job)>,
}

impl Open {
    /// The gate that a job is of.
    pub fn gate_of(&self, job: Job) -> Option<&GateSpec> {
        self.jobs.iter().find(|(_, known)| *known == job).map(|(at, _)| &self.gates[*at].0)
    }
}

impl Flow<'_> {
    /// Put item `index` on top of what is in and of `guess`. The `last` time, commands may be run to settle its conflicts.
    pub(super) fn assess(&mut self, index: usize, guess: &[Rc<Assessed>], last: bool) -> Result<Assessed> {
        self.signals.check()?;
        if self.step.is_late() {
            self.show()?;
        }
        let mut assessed = Assessed { report: self.fresh[index].clone(), files: Vec::new(), head: None, open: None };
        let Some(item) = self.request.plan.item(&assessed.report.name) else { return Ok(assessed) };
        if let Some(blocker) = self.blocker(item, guess) {
            (assessed.report.status, assessed.report.detail) = (Status::Blocked, format!("needs {blocker}"));
            return Ok(assessed);
        }
        let head = match self.head(item, &mut assessed.report) {
            Ok(head) => head,
            Err(why) => {
                (assessed.report.status, assessed.report.detail) = (Status::SkippedMissing, why);
                return Ok(assessed);
            }
        };
        assessed.head = Some(head);
        assessed.report.head = Some(head.to_string());
        let tip = guess.iter().rev().find_map(|before| before.open.as_ref()).map_or(self.tip, |open| open.subject.candidate);
        self.weaver.assume(guess.iter().filter(|before| before.open.is_some()).filter_map(|before| before.head));
        let strand = Strand { name: &item.name, branch: &item.branch, head, strategy: item.strategy };
        let Some((commit, tree)) = self.weave(&mut assessed.report, &strand, tip, last)? else { return Ok(assessed) };
        let (before, target) = (self.weaver.tree_of(tip)?, self.weaver.tree_of(self.base)?);
        let judged = self.weaver.changes(before, tree).and_then(|changes| {
            let markers = self.weaver.added_markers(&changes, target)?;
            Ok((changes, markers))
        });
        let (changes, markers) = match judged {
            Ok(judged) => judged,
            Err(error) => {
                self.unreadable(&mut assessed.report, error)?;
                return Ok(assessed);
            }
        };
        if let Some(broken) = self.check_policy_change(&mut assessed.report, &changes)? {
            (assessed.report.status, assessed.report.detail) = (Status::SkippedGates, broken);
            return Ok(assessed);
        }
        let subject = Subject { item: item.name.clone(), target: self.run.target.clone(), base: tip, head, candidate: commit };
        let mut open = Open { subject, tree, changes, gates: Vec::new(), offset: 0, jobs: Vec::new() };
        self.take_up(item, &mut assessed, &mut open, markers)?;
        // Whose doing a red command is, is found out when its item is settled, wherever the verdict comes from.
        let red_job = open.jobs.iter().any(|(at, _)| assessed.report.gates[open.offset + at].is_red());
        match self.red_gate(item, &assessed.report).filter(|_| !red_job) {
            Some(red) => (assessed.report.status, assessed.report.detail) = (Status::SkippedGates, red),
            None => assessed.open = Some(open),
        }
        Ok(assessed)
    }

    /// The candidate of an item on `tip`: its commit and tree, or nothing and the reason in the report.
    fn weave(&mut self, report: &mut ItemReport, strand: &Strand, tip: ObjectId, last: bool) -> Result<Option<(ObjectId, ObjectId)>> {
        let (commit, tree, steps) = match self.weaver.weave(tip, strand) {
            Ok(Woven::Clean { commit, tree, steps }) => (commit, tree, steps),
            Ok(Woven::UpToDate) => {
                report.status = Status::UpToDate;
                if last {
                    report.detail = self.holder(strand.head)?;
                }
                return Ok(None);
            }
            Ok(Woven::NoCommonHistory) => {
                (report.status, report.detail) = (Status::SkippedHistory, format!("shares no history with {}", self.run.target));
                return Ok(None);
            }
            Ok(Woven::Conflict { conflicted, commit }) => {
                report.status = Status::SkippedConflict;
                if !last {
                    return Ok(None);
                }
                let Some((tree, mut steps)) = self.climb_by_commands(report, strand, &conflicted)? else {
                    self.explain_conflict(report, strand.head, &conflicted, commit)?;
                    return Ok(None);
                };
                steps.splice(0..0, conflicted.settled);
                match self.weaver.commit(tip, strand, tree, steps)? {
                    Woven::Clean { commit, tree, steps } => (commit, tree, steps),
                    // Settled to what is there already, an item that is squashed leaves no commit.
                    _ => {
                        (report.status, report.detail) = (Status::UpToDate, format!("{} holds its changes already", self.run.target));
                        return Ok(None);
                    }
                }
            }
            Err(error) => {
                self.unreadable(report, error)?;
                return Ok(None);
            }
        };
        report.status = Status::Pending;
        report.weave = Some(Rung::highest(&steps));
        report.settled = steps;
        (report.candidate, report.tree) = (Some(commit.to_string()), Some(tree.to_string()));
        Ok(Some((commit, tree)))
    }

    /// Take up the gates of an item: look up what was said before, ask the plugins, and number the commands.
    fn take_up(&mut self, item: &Item, assessed: &mut Assessed, open: &mut Open, markers: Vec<Annotation>) -> Result<()> {
        let report = &mut assessed.report;
        let markers = self.markers_verdict(open, markers);
        let marked = markers.verdict == Answer::Fail;
        report.gates.push(GateReport::new(CONFLICT_MARKERS.into(), true, Some(markers)));
        open.offset = report.gates.len();
        let unasked = !self.request.items.is_empty() && !self.request.items.contains(&item.name);
        if marked || unasked {
            return Ok(());
        }
        open.gates = self.gates_of(item, report);
        let policy = self.request.config.admin_green.as_ref();
        let mut words = overrides(&mut self.item_notes, open.subject.head, &self.run.target, policy)?;
        for (at, (gate, _)) in open.gates.iter().enumerate() {
            let (mut verdict, mut why) = (None, None);
            if gate.run.is_some() {
                let (digest, inputs) = (digest(gate)?, inputs(self.weaver.objects(), open.tree, &gate.paths)?);
                if self.request.purpose == Purpose::Preview {
                    verdict = self.recorded(&digest, inputs)?;
                    why = self.why(gate, &digest, inputs, verdict.as_ref())?;
                } else {
                    let known = self.pool.find(&digest, inputs);
                    let job = self.number(gate, digest.clone(), inputs, &open.subject)?;
                    // What is known already may spare the plugins that need it, and decides before anything is bought.
                    verdict = self.pool.answer(job, false).and_then(|_| self.pool.verdict(job).cloned());
                    why = match known.filter(|job| self.request.explain && self.pool.verdict(*job).is_none()) {
                        Some(job) => {
                            Some(format!("asked once for it and for {}: their inputs are the same", self.pool.question(job).subject.item))
                        }
                        None => self.why(gate, &digest, inputs, verdict.as_ref())?,
                    };
                    open.jobs.push((at, job));
                }
            }
            let reused = verdict.is_some();
            let required = self.request.config.is_required(&gate.name);
            let overridden = words.iter().position(|said| said.gate == gate.name).map(|at| words.swap_remove(at));
            report.gates.push(GateReport { reused, why, overridden, ..GateReport::new(gate.name.clone(), required, verdict) });
        }
        // A red that is known decides; buying the others would be work for nothing.
        if open.jobs.iter().any(|(at, _)| report.gates[open.offset + at].is_red()) {
            open.jobs.retain(|(at, _)| report.gates[open.offset + at].verdict.is_some());
        }
        self.ask_plugins(report, open, &mut assessed.files)
    }

    /// The number of a command on these inputs.
    pub(super) fn number(&mut self, gate: &GateSpec, digest: String, inputs: ObjectId, subject: &Subject) -> Result<Job> {
        if let Some(job) = self.pool.find(&digest, inputs) {
            return Ok(job);
        }
        let recorded = self.recorded(&digest, inputs)?;
        let retry = self.request.config.retry(&gate.name);
        let question = Question { gate: gate.clone(), digest, inputs, subject: subject.clone(), retry };
        Ok(self.pool.add(question, recorded))
    }

    /// The gates that are asked of an item, and whether each is its own: those of the target, then those of the plan.
    fn gates_of(&mut self, item: &Item, report: &mut ItemReport) -> Vec<(GateSpec, bool)> {
        let config = self.request.config;
        let mut gates: Vec<(GateSpec, bool)> = config.gates.iter().map(|gate| (gate.clone(), false)).collect();
        for gate in &item.gates {
            if config.gates.iter().any(|g| g.name == gate.name) {
                report.notes.push(format!("gate {} of the plan gives way to the target's", gate.name));
            } else {
                gates.push((gate.clone(), true));
            }
        }
        if !self.request.gates.is_empty() {
            let mut asked = self.request.gates.to_vec();
            let mut at = 0;
            while at < asked.len() {
                let needs = gates.iter().find(|(gate, _)| gate.name == asked[at]).map(|(gate, _)| self.plugins.needs(gate));
                for need in needs.unwrap_or_default() {
                    if !asked.contains(&need) {
                        asked.push(need);
                    }
                }
                at += 1;
            }
            gates.retain(|(gate, _)| asked.contains(&gate.name));
        }
        gates
    }

    /// Ask, in this process, the plugins that have no verdict yet and whose needs have. A preview runs no programs.
    pub(super) fn ask_plugins(&mut self, report: &mut ItemReport, open: &Open, files: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
        let trees = [self.weaver.tree_of(open.subject.base)?, open.tree];
        loop {
            let mut progress = false;
            for (at, (gate, _)) in open.gates.iter().enumerate().filter(|(_, (gate, _))| gate.plugin.is_some()) {
                let programs = self.plugins.runs_programs(gate);
                if report.gates[open.offset + at].verdict.is_some() || (programs && self.request.purpose == Purpose::Preview) {
                    continue;
                }
                let needs = self.plugins.needs(gate);
                let said = |need: &String| report.gates.iter().find(|other| other.gate == *need)?.verdict.clone();
                let earlier: BTreeMap<String, Verdict> = needs.iter().filter_map(|need| Some((need.clone(), said(need)?))).collect();
                if earlier.len() < needs.len() {
                    continue;
                }
                let question = plugins::Question { gate, subject: &open.subject, trees, changes: &open.changes, earlier };
                let key = self.plugins.key(&question, &self.weaver)?;
                let known = self.recorded(&key.0, key.1)?;
                let why = self.why(gate, &key.0, key.1, known.as_ref())?;
                let entry = &mut report.gates[open.offset + at];
                entry.why = why;
                entry.reused = known.is_some();
                entry.verdict = known;
                progress = true;
                if entry.reused {
                    continue;
                }
                let proof = if programs {
                    self.show()?;
                    self.weaver.persist(open.subject.candidate)?;
                    let (plugins, weaver, by) = (&mut self.plugins, &mut self.weaver, &self.run.by);
                    self.pool.show(&open.subject, |tree| Ok(plugins.ask(question, key, Some(tree.dir().to_path_buf()), weaver, by)))?
                } else {
                    self.plugins.ask(question, key, None, &mut self.weaver, &self.run.by)
                };
                self.signals.check()?;
                if let Some(proof) = proof {
                    super::keep(&report.name, &gate.name, proof.files, files);
                    report.gates[open.offset + at].verdict = Some(proof.verdict);
                }
            }
            if !progress {
                return Ok(());
            }
        }
    }

    /// The verdict that is recorded for a gate with this digest on these inputs, unless everything is to be asked again.
    fn recorded(&mut self, digest: &str, inputs: ObjectId) -> Result<Option<Verdict>> {
        let reuse = self.request.reuse;
        if reuse == Reuse::Nothing || self.request.config.performance.enable_caching == Some(false) {
            return Ok(None);
        }
        Ok(self.known.find(digest, inputs)?.filter(|known| reuse == Reuse::All || known.is_firm()))
    }

    fn markers_verdict(&self, open: &Open, annotations: Vec<Annotation>) -> Verdict {
        let (verdict, summary) = match annotations.first() {
            None => (Answer::Pass, "no conflict markers added".to_string()),
            Some(first) => (Answer::Fail, format!("{}: {}", first.place(), first.message)),
        };
        let blank = blank(CONFLICT_MARKERS, CONFLICT_MARKERS.into(), open.tree, &open.subject, &self.run.by);
        Verdict { verdict, summary, annotations, attempts: 1, at: self.run.started.clone(), ..blank }
    }

    /// An object that cannot be read keeps its item out; what the machine cannot do is no fault of the item, and ends the run.
    fn unreadable(&self, report: &mut ItemReport, error: Error) -> Result<()> {
        if error.code != "git" {
            return Err(error);
        }
        report.status = Status::SkippedMissing;
        report.detail = error.to_string();
        if self.repo.is_partial() {
            report.detail.push_str("; this clone is partial: `git fetch --refetch --no-filter` brings what it lacks");
        }
        Ok(())
    }

    /// An item that changes the policy is judged by the old one and says so. One whose policy cannot be read would keep
    /// everybody after it from landing; the answer is why.
    fn check_policy_change(&mut self, report: &mut ItemReport, changes: &[Changed]) -> Result<Option<String>> {
        for change in changes {
            if let Some(gate) = self.plugins.made_of(change.path.as_bstr(), &self.request.config.gates) {
                let note = format!("changes {} of gate {gate}; it is judged by the one on {}", change.path, self.run.target);
                report.notes.push(note);
            }
        }
        let signers = self.request.config.signed_verdicts.as_ref().and_then(|policy| policy.allowed_signers.as_deref());
        if let Some(signers) = signers.filter(|signers| changes.iter().any(|change| change.path == *signers)) {
            report.notes.push(format!("changes who may sign verdicts, {signers}; those on {} may", self.run.target));
        }
        let Some(change) = changes.iter().find(|change| change.path == FILE_NAME) else { return Ok(None) };
        let Some((mode, id)) = change.new else {
            report.notes.push(format!("takes {FILE_NAME} away; it is judged by the one on {}", self.run.target));
            return Ok(None);
        };
        report.notes.push(format!("changes {FILE_NAME}; it is judged by the one on {}", self.run.target));
        if !mode.is_blob() {
            return Ok(Some(format!("its {FILE_NAME} is no regular file")));
        }
        let blob = self.weaver.objects().find_blob(id).map_err(|e| Error::git(format_args!("read {FILE_NAME} of {}", report.name), e))?;
        let read = ConfigFile::parse(&String::from_utf8_lossy(&blob.data), FILE_NAME);
        Ok(read.err().map(|error| format!("its {FILE_NAME} cannot be read: {error}")))
    }

    /// The first dependency that is neither in nor guessed to be, with what became of it.
    fn blocker(&self, item: &Item, guess: &[Rc<Assessed>]) -> Option<String> {
        item.deps.iter().find_map(|dep| {
            let needed = self.run.items.iter().find(|r| r.name == dep.name)?;
            let is_in = needed.status.is_in() || guess.iter().any(|before| before.report.name == dep.name);
            (!is_in).then(|| format!("{} ({})", dep.name, needed.status.words()))
        })
    }

    /// The commit to weave: the one that was planned, or the branch's where none was.
    fn head(&mut self, item: &Item, report: &mut ItemReport) -> Result<ObjectId, String> {
        let branch = self.repo.branch(&item.branch).map_err(|e| e.to_string())?;
        let Some(pinned) = &item.head else {
            return branch.map(|b| b.head).ok_or_else(|| format!("there is no branch `{}` here", item.branch));
        };
        let head = self.repo.parse_id(pinned).map_err(|e| e.to_string())?;
        if !self.repo.has_commit(head) {
            return Err(format!("commit {} is not in this repository; `git fetch` may bring it", &pinned[..pinned.len().min(12)]));
        }
        // What is judged in place of a plan's items was never planned.
        if self.request.instead.is_none() {
            report.notes.extend(self.moved(item, head, branch).map_err(|e| e.to_string())?);
        }
        Ok(head)
    }

    /// What has become of the branch of an item since `head` was planned, and the command that takes it in.
    fn moved(&mut self, item: &Item, head: ObjectId, branch: Option<Branch>) -> Result<Option<String>> {
        let Some(branch) = branch else { return Ok(Some(format!("branch {} is gone; the planned commit is used", item.branch))) };
        let take_in = |before: &str| {
            let plan = self.run.kept_plan()?;
            Some(format!("; `{before}git lex-pr plan add {} {}` takes that in", shell_word(plan), shell_word(&item.branch)))
        };
        let there = if branch.remote.is_some() { None } else { self.repo.branch_there(&item.branch)?.filter(|b| b.head != branch.head) };
        Ok(match there {
            Some(there) if there.head == head => None,
            Some(there) if branch.head == head && self.history.ahead(&self.repo.git, head, &[there.head])?.is_empty() => {
                let (local, there) = (shell_word(&branch.name), there.git_name());
                let merge = format!("git switch {local} && git merge --ff-only {} && ", shell_word(&there));
                Some(format!("{there} is ahead of {}{}", branch.name, take_in(&merge).unwrap_or_default()))
            }
            _ if branch.head == head => None,
            _ => {
                let (name, now) = (branch.git_name(), self.repo.short(branch.head));
                Some(format!("{name} has moved to {now} since it was planned{}", take_in("").unwrap_or_default()))
            }
        })
    }

    /// The rungs that take a command; a preview only says which there would be.
    fn climb_by_commands(
        &mut self,
        report: &mut ItemReport,
        strand: &Strand,
        conflicted: &Conflicted,
    ) -> Result<Option<(ObjectId, Vec<Step>)>> {
        let weave = &self.request.config.weave;
        let possible = resolve::possible(weave, conflicted);
        if possible.is_empty() || conflicted.clashes.is_empty() || strand.strategy == Strategy::Rebase {
            return Ok(None);
        }
        if self.request.purpose == Purpose::Preview {
            report.notes.push(format!("a run also tries: {}", possible.join(", ")));
            return Ok(None);
        }
        self.show()?;
        let subject =
            Subject { item: strand.name.into(), target: self.run.target.clone(), base: self.tip, head: strand.head, candidate: self.tip };
        let mut resolve =
            Resolve { weaver: &mut self.weaver, pool: &mut self.pool, weave, base: self.base, tip: self.tip, subject, notes: Vec::new() };
        let climbed = resolve.climb(conflicted.clone())?;
        report.notes.append(&mut resolve.notes);
        Ok(climbed)
    }
}
