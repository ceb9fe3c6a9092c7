//! A run's journal: a commit per step under `refs/lex-pr/runs/ID`. Its tree holds `run.json` (the state after the step),
//! `plan.json`, and what gates left behind under `items/`. The trailers of each commit say of which plan the run is and in which
//! state, so that the runs that are at work are found among thousands without reading them.

use super::lock;
use crate::{
    gate::{NOTES_REF, Signer, note_line},
    model::{
        Error, Result, json,
        plan::Plan,
        run::{Purpose, Run, RunState},
        shell_word, time,
        verdict::Verdict,
    },
    plan::store::WEAVE_PREFIX,
    repo::{Moved, NoteLines, PreparedRefs, RefChange, Repo},
    weave::Weaver,
};
use gix::ObjectId;
use sha2::{Digest, Sha256};
use std::{collections::HashMap, fs::File};

/// Where runs are kept.
pub const PREFIX: &str = "refs/lex-pr/runs/";

const RUN_FILE: &str = "run.json";
const PLAN_FILE: &str = "plan.json";
const PLAN_TRAILER: &str = "Lex-Pr-Plan: ";
const STATE_TRAILER: &str = "Lex-Pr-State: ";

/// What the message of the step begins with that puts the target elsewhere.
const LAND: &str = "land: ";

/// How often a step is tried again when another process writes verdicts at the same moment.
const ATTEMPTS: usize = 1000;

/// The journal of a run that goes on.
pub(super) struct Journal<'r> {
    repo: &'r Repo,
    /// Holds what is written until a ref is to name it.
    draft: Repo,
    /// Candidates that the draft holds.
    held: Vec<ObjectId>,
    /// Verdicts that were given since the last publication.
    lines: NoteLines,
    name: String,
    /// What the ref holds; nothing as long as nobody sees the journal.
    published: Option<ObjectId>,
    /// The newest step.
    tip: Option<Step>,
    /// Keeps others from beginning a run as long as nobody sees this one.
    lock: Option<File>,
    /// Signs verdicts, where the policy asks for that.
    signer: Option<Signer>,
}

/// A commit of a journal, and its tree.
#[derive(Clone, Copy)]
pub(super) struct Step {
    commit: ObjectId,
    tree: ObjectId,
}

impl<'r> Journal<'r> {
    fn new(repo: &'r Repo, name: String, tip: Option<Step>) -> Self {
        let (draft, published) = (repo.draft(), tip.map(|tip| tip.commit));
        Journal { repo, draft, held: Vec::new(), lines: NoteLines::new(), name, published, tip, lock: None, signer: None }
    }

    /// Begin one, and give the run its id and its holder. Nobody sees it before it is published; until then others that would begin a run
    /// wait. Refused where another run is at work on the plan, unless it goes past that.
    pub fn begin(repo: &'r Repo, plan: &Plan, run: &mut Run, past: bool, signer: Option<Signer>) -> Result<Self> {
        let lock = lock::take(repo, run, past)?;
        let id = new_id(run);
        run.id = Some(id.clone());
        let mut journal = Journal { lock, signer, ..Journal::new(repo, format!("{PREFIX}{id}"), None) };
        let plan = vec![(PLAN_FILE.to_string(), json::canonical(plan)?.into_bytes())];
        journal.note(run, &plan, &[], &format!("begin: plan {} onto {}", run.plan, run.target))?;
        Ok(journal)
    }

    /// Go on with the journal of the run called `id`, if there is one.
    pub fn open(repo: &'r Repo, id: &str) -> Result<Option<(Self, Run)>> {
        let name = format!("{PREFIX}{id}");
        if gix::validate::reference::name(name.as_str().into()).is_err() {
            return Ok(None);
        }
        let Some(commit) = repo.ref_commit(&name)? else { return Ok(None) };
        let run = read(repo, &name, commit)?;
        let tree = super::tree_of(repo, commit)?;
        Ok(Some((Journal::new(repo, name, Some(Step { commit, tree })), run)))
    }

    /// Whether others can see it.
    pub fn is_published(&self) -> bool {
        self.published.is_some()
    }

    /// Hold a candidate of `weaver`, to be written together with the next step.
    pub fn hold(&mut self, weaver: &mut Weaver, tip: ObjectId) -> Result<()> {
        weaver.hand_over(tip, &mut self.draft)?;
        self.held.push(tip);
        Ok(())
    }

    /// Note the state after a step, and the verdicts given in it; published with what is published next.
    pub fn note(&mut self, run: &Run, files: &[(String, Vec<u8>)], verdicts: &[&Verdict], message: &str) -> Result<()> {
        let lines = self.note_lines(verdicts)?;
        self.tip = Some(self.write(run, files, message)?);
        for (inputs, lines) in lines {
            self.lines.entry(inputs).or_default().extend(lines);
        }
        Ok(())
    }

    /// Note a step, and publish it.
    pub fn step(&mut self, run: &Run, files: &[(String, Vec<u8>)], verdicts: &[&Verdict], message: &str) -> Result<()> {
        self.note(run, files, verdicts, message)?;
        self.publish(message)
    }

    /// Let others see what was noted.
    pub fn publish(&mut self, message: &str) -> Result<()> {
        self.publish_with(|_| Ok(None), message)
    }

    /// Publish what was noted together with a change of a ref that others write too, which `other` makes again where it has moved. Where the
    /// journal has moved, verdicts are kept all the same.
    fn publish_with(&mut self, other: impl Fn(&Repo) -> Result<Option<RefChange>>, message: &str) -> Result<()> {
        let mut is_ours = true;
        for _ in 0..ATTEMPTS {
            let own = self.tip.filter(|_| is_ours).map(|tip| self.change(tip));
            let changes = Vec::from_iter(self.verdicts()?.into_iter().chain(other(self.repo)?).chain(own));
            self.write_down(&changes)?;
            match self.repo.swap_refs(&changes, message)? {
                Err(moved) if self.is(&moved) => is_ours = false,
                Err(_) => {}
                Ok(()) => {
                    self.lines.clear();
                    if !is_ours {
                        return Err(self.taken());
                    }
                    self.published = self.tip.map(|tip| tip.commit);
                    self.lock = None;
                    return Ok(());
                }
            }
        }
        Err(Error::contended("verdicts and candidates are being written by others all the time"))
    }

    /// The change that publishes the verdicts given so far.
    fn verdicts(&self) -> Result<Option<RefChange>> {
        self.draft.add_note_lines(NOTES_REF, &self.lines)
    }

    /// The change that publishes a step and those before it.
    fn change(&self, step: Step) -> RefChange {
        RefChange { name: self.name.clone(), old: self.published, new: Some(step.commit) }
    }

    fn note_lines(&self, verdicts: &[&Verdict]) -> Result<NoteLines> {
        let signed = self.signer.as_ref().filter(|_| !verdicts.is_empty()).map(|signer| signer.sign(verdicts)).transpose()?;
        let verdicts = signed.as_ref().map_or_else(|| verdicts.to_vec(), |signed| signed.iter().collect());
        let mut lines = NoteLines::new();
        for verdict in verdicts {
            lines.entry(self.repo.parse_id(&verdict.inputs)?).or_default().push(note_line(verdict)?);
        }
        Ok(lines)
    }

    /// Write what `changes` publish to the object database, and what is held.
    fn write_down(&mut self, changes: &[RefChange]) -> Result<()> {
        let tips = changes.iter().filter_map(|change| change.new).chain(self.held.iter().copied());
        self.repo.take_in(&mut self.draft, tips)?;
        self.held.clear();
        Ok(())
    }

    /// Write a step behind the newest one, to the draft.
    fn write(&self, run: &Run, files: &[(String, Vec<u8>)], message: &str) -> Result<Step> {
        let mut all = files.to_vec();
        all.push((RUN_FILE.into(), json::canonical(run)?.into_bytes()));
        let tree = self.draft.write_files(self.tip.map(|tip| tip.tree), &all)?;
        let trailers = format!("{PLAN_TRAILER}{}\n{STATE_TRAILER}{}\n", run.plan, run.state.word());
        let commit = self.draft.commit_tree(tree, self.tip.map(|tip| tip.commit), &format!("{message}\n\n{trailers}"))?;
        Ok(Step { commit, tree })
    }

    /// Whether `moved` is about this journal.
    pub fn is(&self, moved: &Moved) -> bool {
        moved.name == self.name
    }

    /// Why the journal is somebody else's now.
    pub fn taken(&self) -> Error {
        let id = self.name.strip_prefix(PREFIX).unwrap_or(&self.name);
        match find(self.repo, id) {
            Ok(Some(run)) if run.state == RunState::Aborted => {
                let why = run.notes.last().map_or(String::new(), |note| format!(": {note}"));
                Error {
                    code: "aborted",
                    ..Error::interrupted(format!("this run was ended from elsewhere{why}; the target was not touched"))
                }
                .hint("`git lex-pr retry` goes on from here: verdicts given so far are kept")
            }
            _ => Error::environment("journal-taken", format!("another process wrote to {}", self.name)).hint("run it again"),
        }
    }

    /// The last step of a run that moves nothing.
    pub fn end(&mut self, run: &mut Run, message: &str) -> Result<()> {
        run.ended = Some(time::now());
        self.step(run, &[], &[], message)
    }

    /// The last step of a run that did not come to its end; the verdicts that were given by then are kept.
    pub fn interrupt(&mut self, run: &mut Run, verdicts: &[&Verdict]) -> Result<()> {
        run.ended = Some(time::now());
        // What keeps verdicts from being kept, such as a key that is gone, may be what ended the run.
        let noted = self.note(run, &[], verdicts, "interrupted");
        let kept = noted.or_else(|error| self.note(run, &[], &[], "interrupted").and(Err(error)));
        self.publish("interrupted")?;
        kept
    }

    /// The last step of a run that only proves: its tip is kept from being collected.
    pub fn keep_tip(&mut self, run: &mut Run, tip: ObjectId) -> Result<()> {
        run.ended = Some(time::now());
        self.note(run, &[], &[], "proved")?;
        self.publish_with(|repo| weave_change(repo, run, tip).map(Some), "proved")
    }

    /// Make the step by which `run` has landed `tip`, to be written together with what is published next.
    pub fn hold_landing(&mut self, run: &mut Run, tip: ObjectId) -> Result<Step> {
        run.ended = Some(time::now());
        let landed = Run { state: RunState::Landed, ..run.clone() };
        let step = self.write(&landed, &[], &format!("{LAND}{} to {tip}", run.target))?;
        self.held.push(step.commit);
        Ok(step)
    }

    /// Lock the target, to be moved from `base` to `tip` together with the journal in one ref transaction; or say which ref has moved.
    pub fn prepare_landing(&mut self, run: &Run, landing: Step, base: ObjectId, tip: ObjectId) -> Result<Result<PreparedRefs<'r>, Moved>> {
        let target = RefChange { name: format!("refs/heads/{}", run.target), old: Some(base), new: Some(tip) };
        let message = format!("lex-pr: land plan {} (run {})", run.plan, run.id.as_deref().unwrap_or_default());
        for _ in 0..ATTEMPTS {
            let changes = [target.clone(), self.change(landing), weave_change(self.repo, run, tip)?];
            self.write_down(&changes)?;
            match self.repo.prepare_refs(&changes, &message)? {
                // Only the weave ref may move under a run; its new value is read again.
                Err(moved) if moved.name.starts_with(WEAVE_PREFIX) => {}
                prepared_or_moved => return Ok(prepared_or_moved),
            }
        }
        Err(Error::contended("the target could not be moved"))
    }
}

/// The change that keeps `tip` as the newest candidate of the run's plan.
fn weave_change(repo: &Repo, run: &Run, tip: ObjectId) -> Result<RefChange> {
    let name = format!("{WEAVE_PREFIX}{}", run.plan);
    Ok(RefChange { old: repo.ref_commit(&name)?, new: Some(tip), name })
}

/// Lock the target, to be moved from where `run` put it back to where it found it, together with the step that says so; or say
/// which ref has moved.
pub(super) fn prepare_undo<'r>(journal: &mut Journal<'r>, run: &Run) -> Result<Result<PreparedRefs<'r>, Moved>> {
    let (base, tip) = (journal.repo.parse_id(&run.base)?, journal.repo.parse_id(&run.tip)?);
    let id = run.id.as_deref().unwrap_or_default();
    let target = RefChange { name: format!("refs/heads/{}", run.target), old: Some(tip), new: Some(base) };
    let step = journal.write(run, &[], &format!("undo: {} back to {base}", run.target))?;
    let changes = [target, journal.change(step)];
    journal.write_down(&changes)?;
    journal.repo.prepare_refs(&changes, &format!("lex-pr: undo plan {} (run {id})", run.plan))
}

/// Close the journal of a run whose process cannot do it any more, or must not: it is aborted, and `why` is noted. One that has
/// ended meanwhile stays as it is. Gives the run as it is now.
pub(super) fn abort(repo: &Repo, id: &str, why: &str) -> Result<Option<Run>> {
    for _ in 0..ATTEMPTS {
        let Some((mut journal, mut run)) = Journal::open(repo, id)? else { return Ok(None) };
        if run.state != RunState::Running {
            return Ok(Some(run));
        }
        let landed = has_landed(repo, &run)?;
        run.state = if landed { RunState::Landed } else { RunState::Aborted };
        run.ended = Some(time::now());
        run.notes.push(why.into());
        let message = if landed { format!("{LAND}{} to {}", run.target, run.tip) } else { "aborted".into() };
        let changes = [journal.change(journal.write(&run, &[], &message)?)];
        journal.write_down(&changes)?;
        if repo.swap_refs(&changes, "aborted")?.is_ok() {
            return Ok(Some(run));
        }
    }
    Err(Error::contended(format!("run {id} writes to its journal all the time")))
}

/// Whether a run that could not say so any more has moved its target: the refs of a landing move one after the other, the target first.
fn has_landed(repo: &Repo, run: &Run) -> Result<bool> {
    let (tip, target) = (repo.parse_id(&run.tip)?, repo.ref_commit(&format!("refs/heads/{}", run.target))?);
    let may_have = run.purpose == Purpose::Land && run.tip != run.base && repo.has_commit(tip);
    target.filter(|_| may_have).map_or(Ok(false), |target| repo.is_ancestor(tip, target))
}

/// When the run began, to the millisecond, so that ids sort by age, and four hex digits that keep clones apart:
/// `20261124-153000-123-4f1c`.
fn new_id(run: &Run) -> String {
    let moment = jiff::Timestamp::now();
    let hash = Sha256::digest(format!("{}{}{}{}", moment.as_nanosecond(), std::process::id(), run.by, run.base));
    format!("{}-{:02x}{:02x}", moment.strftime("%Y%m%d-%H%M%S-%3f"), hash[0], hash[1])
}

/// The run called `id`, if there is one.
pub fn find(repo: &Repo, id: &str) -> Result<Option<Run>> {
    Ok(Journal::open(repo, id)?.map(|(_, run)| run))
}

/// The plan that the run called `id` was given.
pub fn plan_of(repo: &Repo, id: &str) -> Result<Option<Plan>> {
    let name = format!("{PREFIX}{id}");
    let Some(commit) = repo.ref_commit(&name)? else { return Ok(None) };
    let text = repo.read_file(commit, PLAN_FILE)?;
    text.map(|text| json::parse(&String::from_utf8_lossy(&text), &format!("{name}:{PLAN_FILE}"))).transpose()
}

/// The newest run, of `plan` where one is given.
pub fn newest(repo: &Repo, plan: Option<&str>) -> Result<Option<Run>> {
    runs(repo, plan)?.next().transpose()
}

/// The newest run that `fits`.
pub fn newest_that(repo: &Repo, fits: impl Fn(&Run) -> bool) -> Result<Option<Run>> {
    runs(repo, None)?.find(|run| run.as_ref().map_or(true, &fits)).transpose()
}

/// All runs, of `plan` where one is given, newest first; each is read when it is asked for.
pub fn runs<'r>(repo: &'r Repo, plan: Option<&'r str>) -> Result<impl Iterator<Item = Result<Run>> + 'r> {
    let all = repo.refs_under(PREFIX)?.into_iter().rev();
    Ok(all.filter_map(move |(id, commit)| {
        if let (Some(plan), Ok(Some((of, _)))) = (plan, trailers(repo, commit))
            && of != plan
        {
            return None;
        }
        let run = read(repo, &format!("{PREFIX}{id}"), commit);
        Some(run).filter(|run| run.as_ref().map_or(true, |run| plan.is_none_or(|plan| run.plan == plan)))
    }))
}

/// The runs whose journals are open, newest first. One that cannot be read is nobody's any more.
pub fn at_work(repo: &Repo) -> Result<Vec<Run>> {
    let mut found = Vec::new();
    for (id, commit) in repo.refs_under(PREFIX)?.into_iter().rev() {
        let ended = trailers(repo, commit).is_ok_and(|said| said.is_some_and(|(_, state)| state != RunState::Running.word()));
        if !ended
            && let Ok(run) = read(repo, &format!("{PREFIX}{id}"), commit)
            && run.state == RunState::Running
        {
            found.push(run);
        }
    }
    Ok(found)
}

/// The runs that put `target` somewhere, newest first, by where they put it; each journal is looked at when it is needed.
pub(super) struct Landings<'r> {
    repo: &'r Repo,
    target: String,
    unread: Vec<(String, ObjectId)>,
    known: HashMap<ObjectId, (String, ObjectId)>,
}

impl<'r> Landings<'r> {
    /// Those that are on record.
    pub fn new(repo: &'r Repo, target: &str) -> Result<Self> {
        Ok(Landings { repo, target: target.into(), unread: repo.refs_under(PREFIX)?, known: HashMap::new() })
    }

    /// The run that put the target at `tip`, if one did.
    pub fn that_made(&mut self, tip: ObjectId) -> Result<Option<Run>> {
        while !self.known.contains_key(&tip) {
            let Some((id, step)) = self.unread.pop() else { return Ok(None) };
            // One that cannot be read is nobody's landing.
            let Ok(message) = self.repo.message(step) else { continue };
            let landed = message.strip_prefix(LAND).and_then(|rest| rest.lines().next()?.split_once(" to "));
            if let Some((target, hex)) = landed
                && let (true, Ok(tip)) = (target == self.target, self.repo.parse_id(hex))
            {
                self.known.entry(tip).or_insert((id, step));
            }
        }
        let Some((id, step)) = self.known.get(&tip) else { return Ok(None) };
        let run = read(self.repo, &format!("{PREFIX}{id}"), *step)?;
        let tip = tip.to_string();
        Ok(Some(run).filter(|run| run.state == RunState::Landed && run.target == self.target && run.tip == tip))
    }
}

/// Whether a landing on `target` was undone that put it from `base` to `tip`.
pub(super) fn was_undone(repo: &Repo, target: &str, base: ObjectId, tip: ObjectId) -> Result<bool> {
    let (base, tip) = (base.to_string(), tip.to_string());
    for (id, step) in repo.refs_under(PREFIX)?.into_iter().rev() {
        if trailers(repo, step).is_ok_and(|said| said.is_some_and(|(_, state)| state == RunState::Undone.word()))
            && let Ok(run) = read(repo, &format!("{PREFIX}{id}"), step)
            && run.target == target
            && run.tip == tip
            && run.base == base
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// When the newest step of a run was written, in seconds since 1970.
pub(super) fn newest_step(repo: &Repo, id: &str) -> Result<i64> {
    let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read the journal of run {id}"), e);
    let Some(tip) = repo.ref_commit(&format!("{PREFIX}{id}"))? else { return Ok(0) };
    Ok(repo.git.find_commit(tip).map_err(|e| reading(&e))?.time().map_err(|e| reading(&e))?.seconds)
}

/// The plan and the state that the last lines of a step say; `None` where it has no such lines.
fn trailers(repo: &Repo, step: ObjectId) -> Result<Option<(String, String)>> {
    let message = repo.message(step)?;
    let mut lines = message.lines().rev();
    let state = lines.next().and_then(|line| line.strip_prefix(STATE_TRAILER));
    let plan = lines.next().and_then(|line| line.strip_prefix(PLAN_TRAILER));
    Ok(plan.zip(state).map(|(plan, state)| (plan.into(), state.into())))
}

/// Go on with the journal that ends with `step`, where it was written twice: the new step is the same once more, and keeps `other`, by which
/// it went on elsewhere, from being lost. No ref is moved.
pub fn join(repo: &Repo, step: ObjectId, other: ObjectId) -> Result<ObjectId> {
    repo.commit_tree(super::tree_of(repo, step)?, [step, other], &repo.message(step)?)
}

/// The run called `id` as the step `commit` has it.
pub fn step(repo: &Repo, id: &str, commit: ObjectId) -> Result<Run> {
    read(repo, &format!("{PREFIX}{id}"), commit)
}

fn read(repo: &Repo, name: &str, commit: ObjectId) -> Result<Run> {
    let source = format!("{name}:{RUN_FILE}");
    let bytes = repo.read_file(commit, RUN_FILE)?.ok_or_else(|| {
        Error::input("bad-run", format!("{name} holds no {RUN_FILE}")).hint(format!("git update-ref -d {}", shell_word(name)))
    })?;
    json::parse(&String::from_utf8_lossy(&bytes), &source)
}
