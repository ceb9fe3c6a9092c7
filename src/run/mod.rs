//! One execution of a plan: weave each item in order, prove it, and land what holds.

mod abort;
mod assess;
mod cases;
mod commit;
mod crew;
mod explain;
mod facts;
mod forecast;
mod governor;
mod holder;
mod journal;
mod land;
mod lock;
mod pair_cache;
mod pause;
mod plugins;
mod pool;
mod push;
mod replay;
mod resolve;
mod retry;
mod reuse;
mod schedule;
mod settle;
mod signals;
mod simulate;
mod together;
mod train;
mod undo;
mod usual;
mod watch;

pub use abort::{Abort, Aborted, abort};
pub use cases::{Bench, Tried};
pub use commit::{Staged, judge_commit};
pub use facts::{cut, facts};
pub use forecast::forecast;
pub use holder::{Life, life};
pub use journal::{
    PREFIX as RUNS_PREFIX, at_work, find as find_run, join as join_journal, newest as newest_run, newest_that as newest_run_that,
    plan_of as plan_of_run, runs, step as read_run,
};
pub use lock::{wait_for, who};
pub use pool::{AtWork, Waiting};
pub use push::{Outside, Planned, Pushed, judge_planned, judge_target, landed_since};
pub use replay::{Request as ReplayRequest, replay};
pub use retry::{Retry, retry, still_landed};
pub use simulate::{Played, check_model, simulate};
pub use train::{Trained, import_rerere, train};
pub use undo::{Landed, Revert, Undo, Undone, newest_landing, undo};
pub use watch::watch;

use crate::{
    config::{Config, FILE_NAME, WeaveTable},
    gate::{Known, Signer, Trust},
    model::{
        Error, Result,
        error::{Blame, Location, nearest},
        note::ITEMS_REF,
        plan::{Item, Pause, Plan},
        run::{ItemReport, Purpose, Run, RunState, Rung, SCHEMA_VERSION, Status},
        shell_word, time,
        verdict::Verdict,
    },
    plan::{order, store},
    repo::{History, Notes, Repo, Resolutions},
    weave::{Ladder, Weaver, rules::Rule},
};
use gix::ObjectId;
use journal::Journal;
use pause::Gatekeeper;
use plugins::Plugins;
use pool::Pool;
use schedule::schedule;
use settle::NextStep;
use signals::Signals;
use std::{collections::HashSet, sync::Arc, time::Duration};
use usual::Usual;

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
    /// The recorded verdicts that count.
    pub reuse: Reuse,
    /// Whether it goes past the queue: neither another run of the plan nor a pause holds it up.
    pub hotfix: bool,
    /// Whether the report says of each gate why a recorded verdict was taken or not.
    pub explain: bool,
    /// What counts in place of the target's commit, for what is not asked on top of that; such a run cannot land.
    pub instead: Option<Instead>,
}

/// What counts in place of the target's commit.
#[derive(Clone, Copy, Debug)]
pub struct Instead {
    /// The commit that candidates are on.
    pub base: ObjectId,
    /// The commit whose plugins judge them.
    pub policy: ObjectId,
}

/// Which recorded verdicts a run takes instead of asking again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// All that speak of the candidate.
    All,
    /// Those that let an item land at the first try: a gate that was red or flaked is asked again.
    Firm,
    /// None.
    Nothing,
}

/// What a run tells while it goes on.
pub enum Event<'a> {
    /// It begins: the number of items.
    Begun(usize),
    /// What the workers are at, and how long the run will take yet, as far as past runs can tell.
    Proving {
        /// The gates at work.
        at_work: Vec<AtWork<'a>>,
        /// The gates that wait for them: what is asked for next, and each that must not run beside another.
        waiting: Vec<Waiting<'a>>,
        /// An estimate from how long the gates took in the run before.
        left: Option<Duration>,
    },
    /// A gate takes long.
    Slow(AtWork<'a>),
    /// Memory is short, in words: no further gate starts beside those at work.
    Held(&'a str),
    /// The plan is paused: by whom and why.
    Paused(&'a Pause),
    /// The user has stopped the run; so many gates that are at work may end.
    Stopping(usize),
    /// An item is decided; the number of items behind it.
    Decided(&'a ItemReport, usize),
}

/// Run it. Items that do not hold are no error: the matrix says what became of each.
///
/// Errors: a target that is checked out with changes (landing only), a plan that cannot be ordered, git or disk
/// failures, and Ctrl-C. Whatever the error, the target stands where it stood, and verdicts given by then are kept.
pub fn run(repo: &Repo, request: &Request, tell: &mut dyn FnMut(Event)) -> Result<Run> {
    let mut flow = Flow::new(repo, request, tell)?;
    let outcome = flow.go();
    flow.drain();
    flow.pool.end();
    // A step that cannot be written has failed before, or its error is less than the one that ended the run.
    if outcome.is_err() {
        let _ = flow.write_step();
    }
    match (&outcome, &mut flow.journal) {
        (Err(error), Some(journal)) => {
            flow.run.state = RunState::Interrupted;
            flow.run.error = (error.blame != Blame::Interrupt).then(|| error.to_document().error);
            flow.run.notes.push(error.to_string());
            // The error that stopped the run is the one to show; that the journal misses its last step changes nothing.
            let _ = journal.interrupt(&mut flow.run, &flow.pool.unkept());
        }
        (Err(_), None) | (Ok(()), _) => {}
    }
    outcome.map(|()| flow.run)
}

struct Flow<'a> {
    repo: &'a Repo,
    request: &'a Request<'a>,
    weaver: Weaver<'a>,
    pool: Pool<'a>,
    tell: &'a mut dyn FnMut(Event),
    /// The items as nothing is known of them yet.
    fresh: Vec<ItemReport>,
    /// Items that are out only as long as what they stand on is broken.
    later: HashSet<String>,
    over: bool,
    why_over: String,
    plugins: Plugins<'a>,
    known: Known<'a>,
    /// Goes to the journal when that begins.
    signer: Option<Signer>,
    item_notes: Notes<'a>,
    /// What is known of who holds what.
    history: History,
    /// All verdicts, where somebody has asked why.
    on_record: Option<Vec<Verdict>>,
    signals: Arc<Signals>,
    usual: Usual,
    /// Nothing where no pause holds the run up.
    gatekeeper: Option<Gatekeeper<'a>>,
    journal: Option<Journal<'a>>,
    step: NextStep,
    run: Run,
    base: ObjectId,
    tip: ObjectId,
}

impl<'a> Flow<'a> {
    fn new(repo: &'a Repo, request: &'a Request<'a>, tell: &'a mut dyn FnMut(Event)) -> Result<Self> {
        let plan = request.plan;
        let Instead { base, policy } = match request.instead {
            Some(instead) => instead,
            None => repo.target_head(&plan.target).map(|head| Instead { base: head, policy: head })?,
        };
        let levels = order(plan)?;
        check_names(request)?;
        let land = request.purpose == Purpose::Land;
        let by = if request.purpose == Purpose::Preview { String::new() } else { repo.identity()? };
        if request.purpose != Purpose::Preview {
            // A plan file has its name from the file, which nobody has checked yet.
            store::check_room(repo, store::WEAVE_PREFIX, request.plan_name)?;
        }
        let may_wait = land && !request.hotfix;
        if may_wait {
            pause::check(plan, request.plan_name)?;
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
        let mut run = Run {
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
            holder: None,
            gates: request.gates.to_vec(),
            started: time::now(),
            ended: None,
            items,
            error: None,
            notes: Vec::new(),
        };
        let signed = request.config.signed_verdicts.as_ref();
        let trust = signed.map(|signed| Trust::new(repo, policy, signed)).transpose()?;
        let signer = trust.as_ref().filter(|_| request.purpose != Purpose::Preview).map(|_| Signer::of(repo)).transpose()?;
        if let (Some(trust), Some(signer)) = (&trust, &signer)
            && !signer.is_believed(trust, &run.by)
        {
            let word = "the policy does not name the key that signs here";
            run.notes.push(format!("{word}, or not for {}: no other run will believe what this one proves", run.by));
        }
        let signals = Arc::new(Signals::watch()?);
        let gates = request.config.gates.iter().chain(plan.items.iter().flat_map(|item| &item.gates));
        let plugins = Plugins::new(repo, policy, gates, signals.stop.clone())?;
        Ok(Flow {
            repo,
            request,
            plugins,
            known: Known::new(repo, &request.config.performance).believed_by(trust),
            signer,
            item_notes: repo.notes(ITEMS_REF),
            history: History::default(),
            on_record: None,
            weaver: Weaver::new(repo, &plan.target, tree_of(repo, base)?, ladder(repo, &request.config.weave)?),
            pool: Pool::new(repo, request.config, run.by.clone(), Arc::clone(&signals)),
            tell,
            fresh: run.items.clone(),
            later: HashSet::new(),
            over: false,
            why_over: String::new(),
            signals,
            usual: Usual::default(),
            gatekeeper: request.revision.filter(|_| may_wait).map(|revision| Gatekeeper::new(repo, request.plan_name, revision)),
            journal: None,
            step: NextStep::default(),
            run,
            base,
            tip: base,
        })
    }

    fn go(&mut self) -> Result<()> {
        if self.request.purpose != Purpose::Preview {
            self.usual = Usual::of(self.repo, &self.run, self.request.config, self.pool.workers());
            self.journal = Some(Journal::begin(self.repo, self.request.plan, &mut self.run, self.request.hotfix, self.signer.take())?);
        }
        (self.tell)(Event::Begun(self.run.items.len()));
        let order: Vec<usize> = (0..self.run.items.len()).collect();
        let batch = self.request.config.batch;
        let together = self.request.config.performance.batch_size.map_or(usize::MAX, |size| size as usize);
        let outcome = schedule(self, &order, batch, together);
        self.run.notes.extend(self.pool.throttled());
        self.run.notes.extend(self.known.doubted());
        outcome?;
        self.note_broken_gates();
        if self.over {
            let left = self.run.items.iter_mut().filter(|item| item.status == Status::Pending);
            left.for_each(|item| item.detail.clone_from(&self.why_over));
        }
        self.finish()
    }

    fn finish(&mut self) -> Result<()> {
        let moves = self.tip != self.base;
        let lands = moves && self.request.purpose == Purpose::Land;
        // What is to be written is written at once, before the refs move that name it.
        if let Some(journal) = self.journal.as_mut().filter(|_| moves) {
            journal.hold(&mut self.weaver, self.tip)?;
        }
        let noted = self.note_step()?;
        let mut landing = self.hold_landing(lands)?;
        // A run that does not land publishes it with its last step.
        if let (Some(journal), Some(noted)) = (self.journal.as_mut().filter(|_| lands), noted) {
            journal.publish(&noted)?;
        }
        if lands && self.wait_for_resume()? {
            landing = self.hold_landing(lands)?;
        }
        self.signals.check()?;
        let Some(journal) = &mut self.journal else {
            self.run.state = RunState::Done;
            return Ok(());
        };
        match landing {
            Some(landing) => land::land(self.repo, journal, &mut self.run, landing, self.base, self.tip),
            None => {
                self.run.state = RunState::Done;
                match moves {
                    true => journal.keep_tip(&mut self.run, self.tip),
                    false => journal.end(&mut self.run, "nothing to land"),
                }
            }
        }
    }

    fn hold_landing(&mut self, lands: bool) -> Result<Option<journal::Step>> {
        let journal = self.journal.as_mut().filter(|_| lands);
        journal.map(|journal| journal.hold_landing(&mut self.run, self.tip)).transpose()
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
