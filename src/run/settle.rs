//! The run as the scheduler's world: what it asks for is done in the repository, and each decision goes into the journal.

use super::{
    Event, Flow,
    assess::Assessed,
    keep,
    lock::POLL,
    pool::{Proof, blank},
    schedule::{Job, Settled, Start, World},
};
use crate::{
    config::OnConflict,
    gate::{Subject, inputs},
    model::{
        Result,
        error::Class,
        gate::CONFLICT_MARKERS,
        plan::{Item, Pause},
        run::{Blame, ItemReport, Purpose, Status},
        verdict::{Answer, Verdict},
    },
    weave::Strand,
};
use std::{
    rc::Rc,
    time::{Duration, Instant},
};

/// How often a run that waits for gates looks up.
const TICK: Duration = Duration::from_secs(1);

/// For how long decisions wait for others, to share a step of the journal.
const STEP: Duration = Duration::from_millis(250);

/// What commands have taken that is not lost with the process; to write a step takes about as long.
const DEAR: Duration = Duration::from_millis(20);

impl World for Flow<'_> {
    type Candidate = Rc<Assessed>;

    fn assess(&mut self, item: usize, guess: &[Rc<Assessed>], last: bool) -> Result<Rc<Assessed>> {
        Flow::assess(self, item, guess, last).map(Rc::new)
    }

    fn fits(&self, candidate: &Rc<Assessed>) -> bool {
        candidate.open.is_some()
    }

    fn jobs(&self, candidate: &Rc<Assessed>) -> Vec<Job> {
        candidate.open.iter().flat_map(|open| &open.jobs).map(|(_, job)| *job).collect()
    }

    fn jobs_of_batch(&self, batch: &[Rc<Assessed>]) -> Vec<Job> {
        let Some((tip, before)) = batch.split_last() else { return Vec::new() };
        // The gates of the target judge the last candidate for all; a gate that only one item has, that item's.
        let own = before
            .iter()
            .filter_map(|candidate| candidate.open.as_ref())
            .flat_map(|open| open.jobs.iter().filter(|(at, _)| open.gates[*at].1).map(|(_, job)| *job));
        self.jobs(tip).into_iter().chain(own).collect()
    }

    fn is_required(&self, candidate: &Rc<Assessed>, job: Job) -> bool {
        // A job that the candidate does not have is another's of its batch, by a gate of the same policy.
        let own = candidate.open.as_ref().and_then(|open| open.gate_of(job));
        let name = &own.unwrap_or(&self.pool.question(job).gate).name;
        match candidate.report.gates.iter().find(|gate| gate.gate == *name) {
            Some(gate) => gate.required && gate.overridden.is_none(),
            None => self.request.config.is_required(name),
        }
    }

    fn base_job(&mut self, candidate: &Rc<Assessed>, job: Job) -> Result<Option<Job>> {
        let Some(open) = &candidate.open else { return Ok(None) };
        // A gate that is not run here says the same of everything.
        if self.pool.verdict(job).is_some_and(|verdict| verdict.attempts == 0) {
            return Ok(None);
        }
        let question = self.pool.question(job);
        let (gate, digest) = (question.gate.clone(), question.digest.clone());
        let base = open.subject.base;
        let inputs = inputs(self.weaver.objects(), self.weaver.tree_of(base)?, &gate.paths)?;
        let subject = Subject { candidate: base, head: base, ..open.subject.clone() };
        self.number(&gate, digest, inputs, &subject).map(Some)
    }

    fn answer(&self, job: Job, once: bool) -> Option<bool> {
        self.pool.answer(job, once)
    }

    fn start(&mut self, job: Job, once: bool) -> Result<Start> {
        if self.pause()?.is_some() {
            return Ok(Start::Full);
        }
        self.show()?;
        let candidate = self.pool.question(job).subject.candidate;
        self.weaver.persist(candidate)?;
        self.pool.start(job, once)
    }

    fn keep_only(&mut self, wanted: &[Job]) {
        self.pool.keep_only(wanted);
    }

    fn wait(&mut self) -> Result<()> {
        loop {
            self.tell_what_runs();
            self.signals.check()?;
            if self.pool.at_work().is_empty() && self.pause()?.is_some() {
                return self.wait_for_resume().map(drop);
            }
            let workers = self.pool.workers();
            // A worker more, or memory, can be given something at once.
            let patience = if self.step.decided.is_empty() { TICK } else { STEP };
            if self.pool.wait(patience, self.signals.stop.clone())? || self.pool.workers() > workers || self.pool.is_let_go() {
                return Ok(());
            }
            self.write_step()?;
        }
    }

    fn fails_fast(&self) -> bool {
        self.request.config.fail_fast
    }

    fn settle(&mut self, item: usize, candidate: Rc<Assessed>, by: Option<&Rc<Assessed>>) -> Result<Settled> {
        let mut report = candidate.report.clone();
        let mut files = candidate.files.clone();
        let plan_item = self.request.plan.item(&report.name);
        let mut settled = Settled::Out;
        if let Some(item) = plan_item {
            self.weaver.assume(std::iter::empty());
            let strand = candidate.head.map(|head| Strand { name: &item.name, branch: &item.branch, head, strategy: item.strategy });
            if candidate.open.is_some() {
                settled = self.decide(item, &candidate, by, &mut report, &mut files)?;
            } else if report.status == Status::UpToDate {
                settled = Settled::In;
            } else if report.status == Status::Blocked && item.deps.iter().any(|dep| self.later.contains(&dep.name)) {
                settled = Settled::Later;
            }
            if let (Settled::In, Some(strand)) = (settled, strand) {
                self.weaver.accept(&strand, candidate.open.as_ref().map_or(&[], |open| &open.changes));
                self.tip = candidate.open.as_ref().map_or(self.tip, |open| open.subject.candidate);
            }
        }
        match settled {
            Settled::Later => self.later.insert(report.name.clone()),
            Settled::In | Settled::Out => self.later.remove(&report.name),
        };
        self.over = report.status == Status::SkippedConflict && self.request.config.on_conflict == OnConflict::Stop;
        if self.over {
            self.why_over = format!("not tried: the run stops at the conflict of {}", report.name);
        }
        self.write_down(item, report, files)?;
        Ok(settled)
    }

    fn workers(&self) -> usize {
        self.pool.workers()
    }

    fn is_over(&self) -> bool {
        self.over
    }
}

impl Flow<'_> {
    /// Let the gates end that are at work when the user stops the run, as long as he does not want them killed.
    pub(super) fn drain(&mut self) {
        let mut told = false;
        while self.signals.is_stopped() && !self.signals.is_killed() && !self.pool.at_work().is_empty() {
            if !told {
                (self.tell)(Event::Stopping(self.pool.at_work().len()));
                told = true;
            }
            self.tell_what_runs();
            // What goes wrong now has nobody to tell: the run ends anyway, and its journal says that it was stopped.
            let _ = self.pool.wait(TICK, self.signals.kill.clone());
        }
    }

    /// The pause that the plan is in now, if it is in one.
    fn pause(&mut self) -> Result<Option<Pause>> {
        let Some(gatekeeper) = &mut self.gatekeeper else { return Ok(None) };
        Ok(gatekeeper.pause()?.cloned())
    }

    /// Wait as long as the plan is paused, and tell whether it was. Ctrl-C ends it.
    pub(super) fn wait_for_resume(&mut self) -> Result<bool> {
        let mut told = false;
        while let Some(pause) = self.pause()? {
            if !told {
                self.show()?;
                (self.tell)(Event::Paused(&pause));
                told = true;
            }
            self.signals.check()?;
            std::thread::sleep(POLL);
        }
        Ok(told)
    }

    fn tell_what_runs(&mut self) {
        let left = self.run.items.iter().filter(|item| item.status == Status::Pending).count();
        if let Some(why) = self.pool.held() {
            (self.tell)(Event::Held(&why));
        }
        let (at_work, waiting) = (self.pool.at_work(), self.pool.waiting());
        let left = self.usual.left(&at_work, left);
        (self.tell)(Event::Proving { at_work, waiting, left });
        for slow in self.pool.slow() {
            (self.tell)(Event::Slow(slow));
        }
    }

    /// Decide a candidate whose gates have all spoken.
    fn decide(
        &mut self,
        item: &Item,
        candidate: &Rc<Assessed>,
        by: Option<&Rc<Assessed>>,
        report: &mut ItemReport,
        files: &mut Vec<(String, Vec<u8>)>,
    ) -> Result<Settled> {
        let Some(open) = &candidate.open else { return Ok(Settled::Out) };
        for (at, job) in &open.jobs {
            let (gate, own) = &open.gates[*at];
            let of_batch = by.and_then(|tip| tip.open.as_ref()).filter(|_| !own);
            let of_tip = of_batch.and_then(|tip| tip.jobs.iter().find(|(at, _)| tip.gates[*at].0.name == gate.name));
            let job = of_tip.map_or(*job, |(_, job)| *job);
            let Some((Proof { verdict, files: left }, reused)) = self.pool.decide_by(job) else { continue };
            let entry = &mut report.gates[open.offset + at];
            entry.reused = reused;
            entry.blame = match verdict.verdict.is_good() {
                true => (verdict.attempts > 1).then_some(Blame::Flaky),
                false if !entry.required || entry.overridden.is_some() => None,
                false => {
                    let base = self.base_job(candidate, job)?;
                    let base_is_red = base.and_then(|base| self.pool.answer(base, false)) == Some(false);
                    Some(if base_is_red { Blame::BaseBroken } else { Blame::BrokeIt })
                }
            };
            entry.verdict = Some(verdict);
            keep(&item.name, &gate.name, left, files);
        }
        if self.request.purpose != Purpose::Preview && self.red_gate(item, report).is_none() {
            self.ask_plugins(report, open, files)?;
            for ((gate, _), entry) in open.gates.iter().zip(&mut report.gates[open.offset..]).filter(|(_, entry)| entry.verdict.is_none()) {
                let missing = self.plugins.needs(gate).into_iter().find(|need| !open.gates.iter().any(|(gate, _)| gate.name == *need));
                let why = match missing {
                    Some(need) => format!("it needs to hear gate `{need}`, which is not asked here"),
                    None => "it needs to hear gates that need to hear it".into(),
                };
                let said = blank(&gate.name, String::new(), open.tree, &open.subject, &self.run.by);
                entry.verdict = Some(Verdict { verdict: Answer::Error, class: Some(Class::Permanent), summary: why, ..said });
            }
        }
        if let Some(red) = self.red_gate(item, report) {
            (report.status, report.detail) = (Status::SkippedGates, red);
            let mut red = report.gates.iter().filter(|gate| gate.is_red()).peekable();
            let is_innocent = red.peek().is_some() && red.all(|gate| gate.blame == Some(Blame::BaseBroken));
            return Ok(if is_innocent { Settled::Later } else { Settled::Out });
        }
        report.status = Status::Merged;
        report.detail = self.merged_detail(report, open.changes.len());
        if let Some(tip) = by.filter(|tip| tip.report.name != report.name && !open.jobs.is_empty()) {
            report.detail.push_str(&format!("; judged together with {}", tip.report.name));
        }
        Ok(Settled::In)
    }

    /// Take a decision down, for the journal's next step.
    fn write_down(&mut self, index: usize, report: ItemReport, files: Vec<(String, Vec<u8>)>) -> Result<()> {
        self.run.items[index] = report;
        self.run.tip = self.tip.to_string();
        let report = &self.run.items[index];
        let left = self.run.items.iter().filter(|item| item.status == Status::Pending).count();
        (self.tell)(Event::Decided(report, left));
        if self.journal.is_some() {
            let of_plugins = report.gates.iter().filter(|gate| !gate.reused && gate.gate != CONFLICT_MARKERS);
            let of_plugins = of_plugins.filter_map(|gate| gate.verdict.as_ref()).filter(|verdict| !verdict.digest.is_empty());
            let verdicts: Vec<Verdict> = of_plugins.filter(|verdict| !self.pool.has(verdict)).cloned().collect();
            for verdict in &verdicts {
                self.known.add(verdict)?;
            }
            self.step.decided.push((report.name.clone(), report.status));
            self.step.verdicts.extend(verdicts);
            self.step.files.extend(files);
            if self.step.is_due(self.pool.unkept().iter().map(|verdict| Duration::from_millis(verdict.duration_ms)).sum()) {
                self.write_step()?;
            }
        }
        Ok(())
    }

    /// Write what was decided since the last step into the journal, with all verdicts that were given by now.
    pub(super) fn write_step(&mut self) -> Result<()> {
        let noted = self.note_step()?;
        match (&mut self.journal, noted) {
            (Some(journal), Some(noted)) => journal.publish(&noted),
            _ => Ok(()),
        }
    }

    /// Note it, to be published with what is published next, and give the subject of its commit; nothing where nothing was decided.
    pub(super) fn note_step(&mut self) -> Result<Option<String>> {
        let Some(journal) = self.journal.as_mut().filter(|_| !self.step.decided.is_empty()) else { return Ok(None) };
        let mut verdicts = self.pool.unkept();
        verdicts.extend(&self.step.verdicts);
        let words = self.step.words();
        journal.note(&self.run, &self.step.files, &verdicts, &words)?;
        self.pool.all_kept();
        self.step = NextStep::default();
        Ok(Some(words))
    }

    /// Let others see the run, where they cannot yet: what it does next may take long.
    pub(super) fn show(&mut self) -> Result<()> {
        match self.journal.as_mut().filter(|journal| !journal.is_published()) {
            Some(journal) => journal.publish("begin"),
            None => Ok(()),
        }
    }
}

/// What was decided since the journal's last step.
pub(super) struct NextStep {
    since: Instant,
    decided: Vec<(String, Status)>,
    verdicts: Vec<Verdict>,
    files: Vec<(String, Vec<u8>)>,
}

impl Default for NextStep {
    fn default() -> Self {
        NextStep { since: Instant::now(), decided: Vec::new(), verdicts: Vec::new(), files: Vec::new() }
    }
}

impl NextStep {
    /// Whether it is to be written. What commands have said may have taken hours and is kept at once; what was decided in less than a step
    /// takes to write costs less to decide again, so that several decisions wait for each other.
    fn is_due(&self, bought: Duration) -> bool {
        bought >= DEAR || self.is_late()
    }

    /// Whether it has been waited for long enough.
    pub fn is_late(&self) -> bool {
        self.since.elapsed() >= STEP
    }

    /// The subject of its commit: the first item, and how many came with it.
    fn words(&self) -> String {
        let first = self.decided.first().map_or(String::new(), |(name, status)| format!("{name}: {}", status.words()));
        match self.decided.len() {
            0 | 1 => first,
            n => format!("{first}, and {} more decided", n - 1),
        }
    }
}
