//! A run's journal: a commit per step under `refs/lex-pr/runs/ID`. Its tree holds `run.json` (the state after the step),
//! `plan.json`, and what gates left behind under `items/`.

use crate::{
    gate::{NOTES_REF, note_line},
    model::{
        Error, Result, json,
        plan::Plan,
        run::{Run, RunState},
        shell_word, time,
        verdict::Verdict,
    },
    plan::store::WEAVE_PREFIX,
    repo::{Moved, NoteLines, PreparedRefs, RefChange, Repo},
};
use gix::ObjectId;
use sha2::{Digest, Sha256};

/// Where runs are kept.
pub const PREFIX: &str = "refs/lex-pr/runs/";

const FILE: &str = "run.json";

/// How often a step is tried again when another process writes verdicts at the same moment.
const ATTEMPTS: usize = 1000;

/// The journal of a run that goes on.
pub(super) struct Journal<'r> {
    repo: &'r Repo,
    name: String,
    tip: Option<ObjectId>,
    tree: Option<ObjectId>,
}

impl<'r> Journal<'r> {
    /// Begin one, and give the run its id.
    pub fn begin(repo: &'r Repo, plan: &Plan, run: &mut Run) -> Result<Self> {
        let id = new_id(run);
        run.id = Some(id.clone());
        let mut journal = Journal { repo, name: format!("{PREFIX}{id}"), tip: None, tree: None };
        let plan = vec![("plan.json".to_string(), json::canonical(plan)?.into_bytes())];
        journal.step(run, &plan, &[], &format!("begin: plan {} onto {}", run.plan, run.target))?;
        Ok(journal)
    }

    /// Keep the state after a step, and the verdicts given in it, in one ref transaction.
    pub fn step(&mut self, run: &Run, files: &[(String, Vec<u8>)], verdicts: &[&Verdict], message: &str) -> Result<()> {
        let entry = self.write(run, files, message)?;
        let mut lines = NoteLines::new();
        for verdict in verdicts {
            lines.entry(self.repo.parse_id(&verdict.inputs)?).or_default().push(note_line(verdict)?);
        }
        for _ in 0..ATTEMPTS {
            let mut changes = vec![entry.clone()];
            changes.extend(self.repo.add_note_lines(NOTES_REF, &lines)?);
            match self.repo.swap_refs(&changes, message)? {
                Ok(()) => {
                    self.tip = entry.new;
                    return Ok(());
                }
                Err(moved) if moved.name == self.name => return Err(taken(&moved)),
                Err(_) => {}
            }
        }
        Err(Error::environment("contended", "verdicts are being written by others all the time").hint("try again"))
    }

    /// Write an entry; the change that publishes it is the caller's to make.
    fn write(&mut self, run: &Run, files: &[(String, Vec<u8>)], message: &str) -> Result<RefChange> {
        let mut all = files.to_vec();
        all.push((FILE.into(), json::canonical(run)?.into_bytes()));
        let tree = self.repo.write_files(self.tree, &all)?;
        let commit = self.repo.commit_tree(tree, self.tip, message)?;
        self.tree = Some(tree);
        Ok(RefChange { name: self.name.clone(), old: self.tip, new: Some(commit) })
    }

    /// The last step of a run that moves nothing.
    pub fn end(&mut self, run: &mut Run, message: &str) -> Result<()> {
        run.ended = Some(time::now());
        self.step(run, &[], &[], message)
    }

    /// The last step of a run that did not come to its end; the verdicts that were given by then are kept.
    pub fn interrupt(&mut self, run: &mut Run, verdicts: &[&Verdict]) -> Result<()> {
        run.ended = Some(time::now());
        self.step(run, &[], verdicts, "interrupted")
    }

    /// The last step of a run that only proves: its tip is kept from being collected.
    pub fn keep_tip(&mut self, run: &mut Run, tip: ObjectId) -> Result<()> {
        self.end(run, "proved")?;
        for _ in 0..ATTEMPTS {
            let change = self.weave_change(run, tip)?;
            if self.repo.swap_refs(&[change], "newest candidate")?.is_ok() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The change that keeps `tip` as the plan's newest candidate.
    fn weave_change(&self, run: &Run, tip: ObjectId) -> Result<RefChange> {
        let name = format!("{WEAVE_PREFIX}{}", run.plan);
        Ok(RefChange { old: self.repo.ref_commit(&name)?, new: Some(tip), name })
    }

    /// Lock the target, to be moved to `tip` together with the journal's last step in one ref transaction; or say which ref
    /// has moved.
    pub fn prepare_landing(&mut self, run: &Run, base: ObjectId, tip: ObjectId) -> Result<Result<PreparedRefs, Moved>> {
        let target = RefChange { name: format!("refs/heads/{}", run.target), old: Some(base), new: Some(tip) };
        let message = format!("lex-pr: land plan {} (run {})", run.plan, run.id.as_deref().unwrap_or_default());
        let landed = Run { state: RunState::Landed, ..run.clone() };
        let entry = self.write(&landed, &[], &format!("land: {} to {tip}", run.target))?;
        for _ in 0..ATTEMPTS {
            let changes = [target.clone(), entry.clone(), self.weave_change(run, tip)?];
            match self.repo.prepare_refs(&changes, &message)? {
                // Only the weave ref may move under a run; its new value is read again.
                Err(moved) if moved.name.starts_with(WEAVE_PREFIX) => {}
                prepared_or_moved => return Ok(prepared_or_moved),
            }
        }
        Err(Error::environment("contended", "the target could not be moved").hint("try again"))
    }
}

fn taken(moved: &Moved) -> Error {
    Error::environment("journal-taken", format!("another process wrote to {}", moved.name)).hint("run it again")
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
    let name = format!("{PREFIX}{id}");
    if gix::validate::reference::name(name.as_str().into()).is_err() {
        return Ok(None);
    }
    match repo.ref_commit(&name)? {
        Some(commit) => read(repo, &name, commit).map(Some),
        None => Ok(None),
    }
}

/// The newest run, of `plan` where one is given.
pub fn newest(repo: &Repo, plan: Option<&str>) -> Result<Option<Run>> {
    newest_that(repo, |run| plan.is_none_or(|plan| run.plan == plan))
}

/// The newest run that `fits`.
pub fn newest_that(repo: &Repo, fits: impl Fn(&Run) -> bool) -> Result<Option<Run>> {
    for (id, commit) in repo.refs_under(PREFIX)?.into_iter().rev() {
        let run = read(repo, &format!("{PREFIX}{id}"), commit)?;
        if fits(&run) {
            return Ok(Some(run));
        }
    }
    Ok(None)
}

fn read(repo: &Repo, name: &str, commit: ObjectId) -> Result<Run> {
    let source = format!("{name}:{FILE}");
    let bytes = repo.read_file(commit, FILE)?.ok_or_else(|| {
        Error::input("bad-run", format!("{name} holds no {FILE}")).hint(format!("git update-ref -d {}", shell_word(name)))
    })?;
    json::parse(&String::from_utf8_lossy(&bytes), &source)
}
