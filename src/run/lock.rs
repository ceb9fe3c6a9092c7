//! One run at a time of a plan: a run whose journal says that it is at work is the lock, and there is no other.
//!
//! It is advisory. What keeps a target and a journal whole are their compare-and-swaps; the lock keeps two people from proving
//! the same plan side by side.

use super::{
    holder::{Life, here, life, process},
    journal,
    signals::Signals,
};
use crate::{
    model::{Error, Result, run::Run},
    repo::{Repo, Scratch},
};
use std::{fs::File, time::Duration};

/// How long a run that cannot be looked at counts as being at work, in seconds after its newest step. A gate may take hours.
const HELD_SECONDS: i64 = 6 * 3600;

/// How often the end of another run is looked for.
pub(super) const POLL: Duration = Duration::from_millis(150);

/// Take the plan for `run`, which is about to begin, as long as the answer is kept. Runs of the plan whose processes were killed are
/// closed, and what they left in the temporary folder is removed; other plans at work on the same target are noted in the run, and
/// so is one of this plan that the run goes `past`.
///
/// Errors: `plan-held` where another run is at work on the plan.
pub(super) fn take(repo: &Repo, run: &mut Run, past: bool) -> Result<Option<File>> {
    Scratch::sweep();
    // Looking and beginning must be one step, or two could begin at once. The system drops this lock with its process. A file
    // system that knows no locks leaves a moment in which two begin, and one of them lands.
    let gate = File::open(repo.git.common_dir().join("refs")).ok().filter(|folder| folder.lock().is_ok());
    for other in journal::at_work(repo)? {
        let id = other.id.as_deref().unwrap_or_default();
        if process(&other) == Some(Life::Gone) {
            if other.plan == run.plan && life(repo, &other) == Some(Life::Gone) {
                journal::abort(repo, id, "its process was gone when the next run of the plan began")?;
            }
        } else if is_recent(repo, &other)? {
            if other.plan == run.plan && !past {
                return Err(held(&other));
            }
            if other.target == run.target {
                run.notes.push(format!("plan {} is at work on {} too ({}): whoever is first lands", other.plan, run.target, who(&other)));
            }
        }
    }
    run.holder = Some(here(repo));
    Ok(gate)
}

/// Wait until no run is at work on `plan`. Gives the runs that are waited for to `tell`.
pub fn wait_for(repo: &Repo, plan: &str, tell: &mut dyn FnMut(&Run)) -> Result<()> {
    let mut signals = None;
    let mut told = None;
    loop {
        let mut holder = None;
        for run in journal::at_work(repo)? {
            if run.plan == plan && process(&run) != Some(Life::Gone) && is_recent(repo, &run)? {
                holder = Some(run);
            }
        }
        let Some(run) = holder else { return Ok(()) };
        let signals = match &signals {
            Some(signals) => signals,
            None => signals.insert(Signals::watch()?),
        };
        if told != run.id {
            tell(&run);
            told.clone_from(&run.id);
        }
        let id = run.id.as_deref().unwrap_or_default();
        while let Some(run) = journal::find(repo, id)?.filter(|run| matches!(process(run), Some(Life::Alive | Life::Elsewhere)))
            && is_recent(repo, &run)?
        {
            signals.check()?;
            std::thread::sleep(POLL);
        }
    }
}

/// Whether the holder of a run may still be at work: it is seen here, or has written not too long ago.
fn is_recent(repo: &Repo, run: &Run) -> Result<bool> {
    let id = run.id.as_deref().unwrap_or_default();
    Ok(process(run) == Some(Life::Alive) || jiff::Timestamp::now().as_second() - journal::newest_step(repo, id)? < HELD_SECONDS)
}

/// The error of a run that finds its plan taken.
fn held(by: &Run) -> Error {
    let id = by.id.as_deref().unwrap_or_default();
    Error::no("plan-held", format!("plan {} is being run by {}", by.plan, who(by)))
        .hint(format!("wait for it with --wait, see it with `git lex-pr watch {id}`, or end it with `git lex-pr abort {id}`"))
}

/// Who is at work on a run, where and since when.
pub fn who(run: &Run) -> String {
    let place = run.holder.as_ref().map(|holder| format!(", {holder}")).unwrap_or_default();
    format!("{}{place}, since {}", run.by, run.started)
}
