//! One execution of a plan: weave each item in order, prove it, and land what holds.

mod forecast;
mod journal;
mod land;
mod pair_cache;
mod plugins;
mod prove;
mod replay;
mod resolve;
mod schedule;
mod signals;
mod simulate;
mod together;
mod train;

pub use forecast::forecast;
pub use journal::{PREFIX as RUNS_PREFIX, find as find_run, newest as newest_run};
pub use replay::{Request as ReplayRequest, replay};
pub use simulate::simulate;
pub use train::{Trained, import_rerere, train};

use crate::{
    config::{Config, ConfigFile, FILE_NAME, OnConflict, WeaveTable},
    gate::{Known, Subject, digest, inputs},
    model::{
        Error, Result,
        error::{Location, nearest},
        gate::{CONFLICT_MARKERS, GateSpec},
        plan::{Item, Plan, Strategy},
        run::{Conflict, GateReport, ItemReport, Purpose, Run, RunState, Rung, SCHEMA_VERSION, Status, Step},
        shell_word, time,
        verdict::{Annotation, Answer, Verdict},
    },
    plan::{order, store},
    repo::{History, Repo, Resolutions},
    weave::{Changed, Conflicted, Ladder, Strand, Weaver, Woven, rules::Rule},
};
use gix::{ObjectId, bstr::ByteSlice};
use journal::Journal;
use plugins::{Plugins, Question};
use prove::{Candidate, Prover, blank};
use resolve::Resolve;
use signals::Signals;
use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

/// What to run.
pub struct Request<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Its name.
    pub plan_name: &'a str,
    /// The commit of its revision, where it is kept.
    pub revision: Option<ObjectId>,
    /// Preview, prove or land.
    pub purpose: Purpose,
    /// What the run obeys.
    pub config: &'a Config,
    /// Only these gates; all where empty.
    pub gates: &'a [String],
    /// Only these items, with those that they depend on woven unproved; all where empty.
    pub items: &'a [String],
    /// Ask every gate again, whatever is recorded.
    pub fresh: bool,
}

/// What a run tells while it goes on.
pub enum Event<'a> {
    /// It begins: the number of items.
    Begun(usize),
    /// An item's gates begin: their names.
    Proving(&'a str, Vec<&'a str>),
    /// An item is decided; the number of items behind it.
    Decided(&'a ItemReport, usize),
}

/// Run it. Items that do not hold are no error: the matrix says what became of each.
///
/// Errors: a target that is checked out with changes (landing only), a plan that cannot be ordered, git or disk
/// failures, and Ctrl-C. Whatever the error, the target stands where it stood, and verdicts given by then are kept.
pub fn run(repo: &Repo, request: &Request, tell: &mut dyn FnMut(Event)) -> Result<Run> {
    let mut flow = Flow::new(repo, request)?;
    let outcome = flow.go(tell);
    match (&outcome, &mut flow.journal) {
        (Err(error), Some(journal)) => {
            flow.run.state = RunState::Interrupted;
            flow.run.notes.push(error.to_string());
            // The error that stopped the run is the one to show; that the journal misses its last step changes nothing.
            let _ = journal.end(&mut flow.run, "interrupted");
        }
        (Err(_), None) | (Ok(()), _) => {}
    }
    outcome.map(|()| flow.run)
}

struct Flow<'a> {
    repo: &'a Repo,
    request: &'a Request<'a>,
    weaver: Weaver<'a>,
    prover: Prover<'a>,
    plugins: Plugins<'a>,
    signals: Arc<Signals>,
    journal: Option<Journal<'a>>,
    run: Run,
    base: ObjectId,
    tip: ObjectId,
}

impl<'a> Flow<'a> {
    fn new(repo: &'a Repo, request: &'a Request<'a>) -> Result<Self> {
        let plan = request.plan;
        let base = repo.target_head(&plan.target)?;
        let levels = order(plan)?;
        check_names(request)?;
        let land = request.purpose == Purpose::Land;
        let by = if request.purpose == Purpose::Preview { String::new() } else { repo.identity()? };
        if request.purpose != Purpose::Preview {
            // A plan file has its name from the file, which nobody has checked yet.
            store::check_room(repo, store::WEAVE_PREFIX, request.plan_name)?;
        }
        if land {
            for checkout in repo.checkouts_of(&plan.target)? {
                checkout.check_clean()?;
            }
        }
        let wanted = with_dependencies(plan, request.items);
        let mut items = Vec::with_capacity(plan.items.len());
        for (level, members) in levels.iter().enumerate() {
            for &index in members.iter().filter(|&&i| wanted.is_empty() || wanted.contains(plan.items[i].name.as_str())) {
                items.push(pending(&plan.items[index], level));
            }
        }
        let run = Run {
            schema_version: SCHEMA_VERSION.into(),
            id: None,
            plan: request.plan_name.into(),
            revision: request.revision.map(|r| r.to_string()),
            purpose: request.purpose,
            state: RunState::Running,
            target: plan.target.clone(),
            base: base.to_string(),
            tip: base.to_string(),
            by,
            started: time::now(),
            ended: None,
            items,
            notes: Vec::new(),
        };
        let signals = Arc::new(Signals::watch()?);
        let gates = request.config.gates.iter().chain(plan.items.iter().flat_map(|item| &item.gates));
        let plugins = Plugins::new(repo, base, gates, signals.stop.clone())?;
        Ok(Flow {
            repo,
            request,
            plugins,
            weaver: Weaver::new(repo, &plan.target, tree_of(repo, base)?, ladder(repo, &request.config.weave)?),
            prover: Prover::new(repo, request.config.workers.count(), Arc::clone(&signals)),
            signals,
            journal: None,
            run,
            base,
            tip: base,
        })
    }

    fn go(&mut self, tell: &mut dyn FnMut(Event)) -> Result<()> {
        if self.request.purpose != Purpose::Preview {
            self.journal = Some(Journal::begin(self.repo, self.request.plan, &mut self.run)?);
        }
        let total = self.run.items.len();
        tell(Event::Begun(total));
        for index in 0..total {
            self.signals.check()?;
            let mut report = self.run.items[index].clone();
            let files = self.decide(&mut report, tell)?;
            tell(Event::Decided(&report, total - index - 1));
            let stop = report.status == Status::SkippedConflict && self.request.config.on_conflict == OnConflict::Stop;
            self.run.items[index] = report;
            self.run.tip = self.tip.to_string();
            if let Some(journal) = &mut self.journal {
                let report = &self.run.items[index];
                let message = format!("{}: {}", report.name, report.status.words());
                let verdicts: Vec<&Verdict> =
                    report.gates.iter().filter(|g| !g.reused && g.gate != CONFLICT_MARKERS).filter_map(|g| g.verdict.as_ref()).collect();
                journal.step(&self.run, &files, &verdicts, &message)?;
            }
            if stop {
                let why = format!("not tried: the run stops at the conflict of {}", self.run.items[index].name);
                for later in &mut self.run.items[index + 1..] {
                    later.detail.clone_from(&why);
                }
                break;
            }
        }
        self.finish()
    }

    fn finish(&mut self) -> Result<()> {
        self.signals.check()?;
        let Some(journal) = &mut self.journal else {
            self.run.state = RunState::Done;
            return Ok(());
        };
        if self.tip == self.base {
            self.run.state = RunState::Done;
            return journal.end(&mut self.run, "nothing to land");
        }
        self.weaver.persist(self.tip)?;
        match self.request.purpose {
            Purpose::Land => land::land(self.repo, journal, &mut self.run, self.base, self.tip),
            Purpose::Prove | Purpose::Preview => {
                self.run.state = RunState::Done;
                journal.keep_tip(&mut self.run, self.tip)
            }
        }
    }

    /// Decide one item; gives what its gates left behind, as files of the journal.
    fn decide(&mut self, report: &mut ItemReport, tell: &mut dyn FnMut(Event)) -> Result<Vec<(String, Vec<u8>)>> {
        let Some(item) = self.request.plan.item(&report.name) else { return Ok(Vec::new()) };
        if let Some(blocker) = self.blocker(item) {
            (report.status, report.detail) = (Status::Blocked, format!("needs {blocker}"));
            return Ok(Vec::new());
        }
        let head = match self.head(item, report) {
            Ok(head) => head,
            Err(why) => {
                (report.status, report.detail) = (Status::SkippedMissing, why);
                return Ok(Vec::new());
            }
        };
        report.head = Some(head.to_string());
        let strand = Strand { name: &item.name, branch: &item.branch, head, strategy: item.strategy };
        let (commit, tree, steps) = match self.weaver.weave(self.tip, &strand) {
            Ok(Woven::Clean { commit, tree, steps }) => (commit, tree, steps),
            Ok(Woven::UpToDate) => {
                (report.status, report.detail) = (Status::UpToDate, self.holder(head)?);
                self.weaver.accept(&strand, &[]);
                return Ok(Vec::new());
            }
            Ok(Woven::NoCommonHistory) => {
                (report.status, report.detail) = (Status::SkippedHistory, format!("shares no history with {}", self.run.target));
                return Ok(Vec::new());
            }
            Ok(Woven::Conflict { conflicted, commit }) => match self.climb_by_commands(report, &strand, &conflicted)? {
                Some((tree, mut steps)) => {
                    steps.splice(0..0, conflicted.settled);
                    match self.weaver.commit(self.tip, &strand, tree, steps)? {
                        Woven::Clean { commit, tree, steps } => (commit, tree, steps),
                        // Settled to what is there already, an item that is squashed leaves no commit.
                        _ => {
                            (report.status, report.detail) = (Status::UpToDate, format!("{} holds its changes already", self.run.target));
                            self.weaver.accept(&strand, &[]);
                            return Ok(Vec::new());
                        }
                    }
                }
                None => {
                    self.explain_conflict(report, head, &conflicted, commit)?;
                    return Ok(Vec::new());
                }
            },
            Err(error) => {
                self.unreadable(report, error)?;
                return Ok(Vec::new());
            }
        };
        report.weave = Some(Rung::highest(&steps));
        report.settled = steps;
        (report.candidate, report.tree) = (Some(commit.to_string()), Some(tree.to_string()));
        let before = self.weaver.tree_of(self.tip)?;
        let judged = self.weaver.changes(before, tree).and_then(|changes| {
            let markers = self.weaver.added_markers(&changes, self.weaver.tree_of(self.base)?)?;
            Ok((changes, markers))
        });
        let (changes, markers) = match judged {
            Ok(judged) => judged,
            Err(error) => {
                self.unreadable(report, error)?;
                return Ok(Vec::new());
            }
        };
        if let Some(broken) = self.check_policy_change(report, &changes)? {
            (report.status, report.detail) = (Status::SkippedGates, broken);
            return Ok(Vec::new());
        }
        let files = self.prove(item, report, Candidate { commit, tree, base: self.tip }, markers, head, tell)?;
        if let Some(red) = self.red_gate(item, report) {
            (report.status, report.detail) = (Status::SkippedGates, red);
            return Ok(files);
        }
        report.status = Status::Merged;
        report.detail = self.merged_detail(report, changes.len());
        self.weaver.accept(&strand, &changes);
        self.tip = commit;
        Ok(files)
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

    /// Who holds `head` already: the target, or an item of this run.
    fn holder(&self, head: ObjectId) -> Result<String> {
        let mut history = History::default();
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

    /// An item that changes the policy is judged by the old one and says so. One whose policy cannot be read would keep
    /// everybody after it from landing; the answer is why.
    fn check_policy_change(&mut self, report: &mut ItemReport, changes: &[Changed]) -> Result<Option<String>> {
        for change in changes {
            if let Some(gate) = self.plugins.made_of(change.path.as_bstr(), &self.request.config.gates) {
                let note = format!("changes {} of gate {gate}; it is judged by the one on {}", change.path, self.run.target);
                report.notes.push(note);
            }
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

    /// The first dependency that is not in, with what became of it.
    fn blocker(&self, item: &Item) -> Option<String> {
        item.deps.iter().find_map(|dep| {
            let needed = self.run.items.iter().find(|r| r.name == dep.name)?;
            (!needed.status.is_in()).then(|| format!("{} ({})", dep.name, needed.status.words()))
        })
    }

    /// The commit to weave: the one that was planned, or the branch's where none was.
    fn head(&self, item: &Item, report: &mut ItemReport) -> Result<ObjectId, String> {
        let branch = self.repo.branch(&item.branch).map_err(|e| e.to_string())?;
        let Some(pinned) = &item.head else {
            return branch.map(|b| b.head).ok_or_else(|| format!("there is no branch `{}` here", item.branch));
        };
        let head = self.repo.parse_id(pinned).map_err(|e| e.to_string())?;
        if !self.repo.has_commit(head) {
            return Err(format!("commit {} is not in this repository; `git fetch` may bring it", &pinned[..pinned.len().min(12)]));
        }
        match branch {
            Some(branch) if branch.head != head => {
                let mut note = format!("{} has moved to {} since it was planned", item.branch, self.repo.short(branch.head));
                if let Some(plan) = self.run.kept_plan() {
                    note.push_str(&format!("; `git lex-pr plan add {} {}` takes that in", shell_word(plan), shell_word(&item.branch)));
                }
                report.notes.push(note);
            }
            Some(_) => {}
            None => report.notes.push(format!("branch {} is gone; the planned commit is used", item.branch)),
        }
        Ok(head)
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
        let subject = self.subject(strand.name, strand.head, self.tip, self.tip);
        let mut resolve = Resolve {
            weaver: &mut self.weaver,
            prover: &mut self.prover,
            weave,
            base: self.base,
            tip: self.tip,
            subject,
            notes: Vec::new(),
        };
        let climbed = resolve.climb(conflicted.clone())?;
        report.notes.append(&mut resolve.notes);
        Ok(climbed)
    }

    /// What gates and commands are told of a candidate.
    fn subject(&self, item: &str, head: ObjectId, base: ObjectId, candidate: ObjectId) -> Subject {
        Subject { item: item.into(), target: self.run.target.clone(), base, head, candidate }
    }

    fn explain_conflict(&self, report: &mut ItemReport, head: ObjectId, conflicted: &Conflicted, commit: Option<ObjectId>) -> Result<()> {
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
        report.way_out = Some(self.way_out(report));
        Ok(())
    }

    /// The shortest way out of a conflict. On top of the one item that it is with, an item lands behind that one; else it waits
    /// for what is on the target then.
    fn way_out(&self, report: &ItemReport) -> String {
        let mut items: Vec<&str> = report.conflicts.iter().flat_map(|conflict| &conflict.items).map(String::as_str).collect();
        items.sort_unstable();
        items.dedup();
        let on_target = report.conflicts.iter().any(|conflict| conflict.items.is_empty());
        let branch = |name: &str| self.request.plan.item(name).map_or(name.to_string(), |item| item.branch.clone());
        let rebase = |onto: &str| format!("git rebase {} {}", shell_word(onto), shell_word(&report.branch));
        match items[..] {
            [one] if !on_target => rebase(&branch(one)),
            [] => rebase(&self.run.target),
            _ => format!("land {} first, then {}", few(&items), rebase(&self.run.target)),
        }
    }

    /// Ask the gates of an item, or look up what they said before.
    fn prove(
        &mut self,
        item: &Item,
        report: &mut ItemReport,
        candidate: Candidate,
        markers: Vec<Annotation>,
        head: ObjectId,
        tell: &mut dyn FnMut(Event),
    ) -> Result<Vec<(String, Vec<u8>)>> {
        let subject = self.subject(&item.name, head, candidate.base, candidate.commit);
        let markers = self.markers_verdict(&subject, &candidate, markers);
        let marked = markers.verdict == Answer::Fail;
        report.gates.push(GateReport { gate: CONFLICT_MARKERS.into(), required: true, verdict: Some(markers), reused: false });
        let unasked = !self.request.items.is_empty() && !self.request.items.contains(&item.name);
        if marked || unasked {
            return Ok(Vec::new());
        }
        let config = self.request.config;
        let mut gates: Vec<&GateSpec> = config.gates.iter().collect();
        for gate in &item.gates {
            if config.gates.iter().any(|g| g.name == gate.name) {
                report.notes.push(format!("gate {} of the plan gives way to the target's", gate.name));
            } else {
                gates.push(gate);
            }
        }
        if !self.request.gates.is_empty() {
            let mut asked = self.request.gates.to_vec();
            let mut at = 0;
            while at < asked.len() {
                let needs = gates.iter().find(|gate| gate.name == asked[at]).map(|gate| self.plugins.needs(gate)).unwrap_or_default();
                needs.into_iter().for_each(|need| {
                    if !asked.contains(&need) {
                        asked.push(need)
                    }
                });
                at += 1;
            }
            gates.retain(|gate| asked.contains(&gate.name));
        }
        let offset = report.gates.len();
        let mut open = Vec::new();
        for (at, gate) in gates.iter().enumerate() {
            let mut known = None;
            if gate.run.is_some() {
                let (digest, inputs) = (digest(gate)?, inputs(self.weaver.objects(), candidate.tree, &gate.paths)?);
                known = self.recorded(&digest, inputs)?;
                if known.is_none() {
                    open.push((offset + at, (*gate).clone(), digest, inputs));
                }
            }
            let reused = known.is_some();
            report.gates.push(GateReport { gate: gate.name.clone(), required: config.is_required(&gate.name), verdict: known, reused });
        }
        let mut files = Vec::new();
        self.ask_plugins(report, &gates, &candidate, &subject, &mut files)?;
        // A red verdict decides; buying the others would be work for nothing.
        let decided = self.red_gate(item, report).is_some();
        if self.request.purpose == Purpose::Preview || decided {
            return Ok(files);
        }
        if !open.is_empty() {
            tell(Event::Proving(&item.name, open.iter().map(|(_, g, _, _)| g.name.as_str()).collect()));
            self.weaver.persist(candidate.commit)?;
            for (at, proof) in self.prover.prove(&candidate, &subject, open, config, &self.run.by)? {
                keep(&item.name, &proof.verdict.gate, proof.files, &mut files);
                report.gates[at].verdict = Some(proof.verdict);
            }
        }
        self.ask_plugins(report, &gates, &candidate, &subject, &mut files)?;
        for (gate, report) in gates.iter().zip(&mut report.gates[offset..]).filter(|(_, report)| report.verdict.is_none()) {
            let missing = self.plugins.needs(gate).into_iter().find(|need| !gates.iter().any(|gate| gate.name == *need));
            let why = match missing {
                Some(need) => format!("it needs to hear gate `{need}`, which is not asked here"),
                None => "it needs to hear gates that need to hear it".into(),
            };
            let said = blank(&gate.name, String::new(), candidate.tree, &subject, &self.run.by);
            report.verdict = Some(Verdict { verdict: Answer::Error, summary: why, ..said });
        }
        Ok(files)
    }

    /// Ask, in this process, the plugins that have no verdict yet and whose needs have. A preview runs no programs.
    fn ask_plugins(
        &mut self,
        report: &mut ItemReport,
        gates: &[&GateSpec],
        candidate: &Candidate,
        subject: &Subject,
        files: &mut Vec<(String, Vec<u8>)>,
    ) -> Result<()> {
        let offset = report.gates.len() - gates.len();
        let trees = [self.weaver.tree_of(candidate.base)?, candidate.tree];
        loop {
            let mut progress = false;
            for (at, gate) in gates.iter().enumerate().filter(|(_, gate)| gate.plugin.is_some()) {
                let programs = self.plugins.runs_programs(gate);
                if report.gates[offset + at].verdict.is_some() || (programs && self.request.purpose == Purpose::Preview) {
                    continue;
                }
                let needs = self.plugins.needs(gate);
                let said = |need: &String| report.gates.iter().find(|other| other.gate == *need)?.verdict.clone();
                let earlier: BTreeMap<String, Verdict> = needs.iter().filter_map(|need| Some((need.clone(), said(need)?))).collect();
                if earlier.len() < needs.len() {
                    continue;
                }
                let question = Question { gate, subject, trees, earlier };
                let key = self.plugins.key(&question, &self.weaver)?;
                let known = self.recorded(&key.0, key.1)?;
                let entry = &mut report.gates[offset + at];
                entry.reused = known.is_some();
                entry.verdict = known;
                progress = true;
                if entry.reused {
                    continue;
                }
                let proof = if programs {
                    self.weaver.persist(candidate.commit)?;
                    let (plugins, weaver, by) = (&mut self.plugins, &mut self.weaver, &self.run.by);
                    self.prover.show(candidate, &subject.target, |tree| {
                        Ok(plugins.ask(question, key, Some(tree.dir().to_path_buf()), weaver, by))
                    })?
                } else {
                    self.plugins.ask(question, key, None, &mut self.weaver, &self.run.by)
                };
                self.signals.check()?;
                if let Some(proof) = proof {
                    keep(&report.name, &gate.name, proof.files, files);
                    report.gates[offset + at].verdict = Some(proof.verdict);
                }
            }
            if !progress {
                return Ok(());
            }
        }
    }

    /// The verdict that is recorded for a gate with this digest on these inputs, unless everything is to be asked again.
    fn recorded(&self, digest: &str, inputs: ObjectId) -> Result<Option<Verdict>> {
        if self.request.fresh { Ok(None) } else { Known::new(self.repo).find(digest, inputs) }
    }

    fn markers_verdict(&self, subject: &Subject, candidate: &Candidate, annotations: Vec<Annotation>) -> Verdict {
        let (verdict, summary) = match annotations.first() {
            None => (Answer::Pass, "no conflict markers added".to_string()),
            Some(first) => (Answer::Fail, format!("{}: {}", first.place(), first.message)),
        };
        let blank = blank(CONFLICT_MARKERS, CONFLICT_MARKERS.into(), candidate.tree, subject, &self.run.by);
        Verdict { verdict, summary, annotations, attempts: 1, at: self.run.started.clone(), ..blank }
    }

    /// Why the gates do not let an item in. A gate that was not asked yet does not stand in a preview's way.
    fn red_gate(&self, item: &Item, report: &ItemReport) -> Option<String> {
        let red = |g: &&GateReport| g.required && g.answer().is_some_and(|a| !a.is_good());
        if let Some(gate) = report.gates.iter().find(red) {
            let verdict = gate.verdict.as_ref()?;
            let what = match verdict.verdict {
                Answer::Skip => "did not judge it",
                Answer::Error => "could not judge it",
                Answer::Fail | Answer::Warn | Answer::Pass => "failed",
            };
            return Some(format!("gate {} {what}: {}", gate.gate, verdict.summary));
        }
        let all_gates = self.request.gates.is_empty() && (self.request.items.is_empty() || self.request.items.contains(&item.name));
        let undefined = |name: &&String| !report.gates.iter().any(|g| g.gate == **name);
        let missing = self.request.config.required.iter().find(undefined).filter(|_| all_gates)?;
        Some(format!("the policy requires gate {missing}, which is not defined for this item"))
    }

    fn merged_detail(&self, report: &ItemReport, files: usize) -> String {
        let own: Vec<&GateReport> = report.gates.iter().filter(|g| g.gate != CONFLICT_MARKERS).collect();
        let names =
            |wanted: &dyn Fn(&GateReport) -> bool| -> Vec<&str> { own.iter().filter(|g| wanted(g)).map(|g| g.gate.as_str()).collect() };
        let unproved = names(&|g| g.verdict.is_none());
        let flaky = names(&|g| g.verdict.as_ref().is_some_and(|v| v.verdict.is_good() && v.attempts > 1));
        let warned = names(&|g| g.answer().is_some_and(|a| a == Answer::Warn || !a.is_good()));
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
        detail
    }
}

/// What gate `gate` left behind of its judgement of `item`, as files of the journal.
fn keep(item: &str, gate: &str, left: Vec<(String, Vec<u8>)>, files: &mut Vec<(String, Vec<u8>)>) {
    let folder = format!("items/{}/{}", encode(item), encode(gate));
    files.extend(left.into_iter().map(|(path, content)| (format!("{folder}/{path}"), content)));
}

/// The rungs that the policy leaves on.
fn ladder(repo: &Repo, weave: &WeaveTable) -> Result<Ladder> {
    let known = || {
        [Rung::Recorded, Rung::Mechanical, Rung::Semantic]
            .map(Rung::word)
            .into_iter()
            .chain(Rule::ALL.map(Rule::name))
            .chain(["format", "regenerate"])
    };
    if let Some(name) = weave.off.iter().find(|name| !known().any(|known| known == name.as_str())) {
        let hint = match nearest(name, known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are: {}", known().collect::<Vec<_>>().join(", ")),
        };
        let place = Location::new(FILE_NAME).at_path("weave.off");
        return Err(Error::input("bad-value", format!("`{name}` is no rung of the ladder and no rule")).at(place).hint(hint));
    }
    let resolutions = if weave.is_off(Rung::Recorded.word()) { Resolutions::none() } else { repo.resolutions()? };
    let all_off = weave.is_off(Rung::Mechanical.word());
    let rules_off = Rule::ALL.into_iter().filter(|rule| all_off || weave.is_off(rule.name())).collect();
    Ok(Ladder { resolutions, rules_off })
}

fn pending(item: &Item, level: usize) -> ItemReport {
    ItemReport {
        name: item.name.clone(),
        branch: item.branch.clone(),
        head: item.head.clone(),
        level,
        strategy: item.strategy,
        deps: item.deps.iter().map(|d| (d.name.clone(), d.sources.clone())).collect(),
        status: Status::Pending,
        detail: String::new(),
        weave: None,
        settled: Vec::new(),
        candidate: None,
        tree: None,
        conflicts: Vec::new(),
        way_out: None,
        gates: Vec::new(),
        notes: Vec::new(),
    }
}

fn tree_of(repo: &Repo, commit: ObjectId) -> Result<ObjectId> {
    let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read commit {commit}"), e);
    Ok(repo.git.find_commit(commit).map_err(|e| reading(&e))?.tree_id().map_err(|e| reading(&e))?.detach())
}

/// The items called `names` and all that they depend on; empty for none.
fn with_dependencies<'p>(plan: &'p Plan, names: &[String]) -> HashSet<&'p str> {
    let mut found = HashSet::new();
    let mut open: Vec<&Item> = names.iter().filter_map(|n| plan.item(n)).collect();
    while let Some(item) = open.pop() {
        if found.insert(item.name.as_str()) {
            open.extend(item.deps.iter().filter_map(|d| plan.item(&d.name)));
        }
    }
    found
}

fn check_names(request: &Request) -> Result<()> {
    let items = || request.plan.items.iter().map(|i| i.name.as_str());
    let gates = || request.config.gates.iter().chain(request.plan.items.iter().flat_map(|i| &i.gates)).map(|g| g.name.as_str());
    let unknown = |what, code, list, name: &String, names: Vec<&str>| {
        let hint = match (nearest(name, names.iter().copied()), request.revision) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, Some(_)) => format!("`git lex-pr {list} {}` shows what there is", shell_word(request.plan_name)),
            (None, None) if names.is_empty() => "there is none".into(),
            (None, None) => format!("there is: {}", few(&names)),
        };
        Err(Error::input(code, format!("there is no {what} `{name}` in plan {}", request.plan_name)).hint(hint))
    };
    if let Some(name) = request.items.iter().find(|n| !items().any(|i| i == n.as_str())) {
        return unknown("item", "missing-item", "plan show", name, items().collect());
    }
    match request.gates.iter().find(|n| !gates().any(|g| g == n.as_str())) {
        Some(name) => unknown("gate", "unknown-gate", "gate list", name, gates().collect()),
        None => Ok(()),
    }
}

/// A name as one component of a path in a tree.
fn encode(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'#');
    let text: String = name.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect();
    if text.chars().all(|c| c == '.') { format!("%2E{}", &text[1..]) } else { text }
}

/// The first three of a list, and how many more there are.
fn few(list: &[impl AsRef<str>]) -> String {
    let shown = list.iter().take(3).map(AsRef::as_ref).collect::<Vec<&str>>().join(", ");
    match list.len() {
        0..=3 => shown,
        n => format!("{shown} and {} more", n - 3),
    }
}

/// `1 file`, `2 files`.
fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
