//! Landing: the target moves once, together with the journal's last step, or not at all.
//!
//! The refs are locked first, so that nobody else can move the target. A work tree that has it checked out then follows, as in
//! `git merge`, and comes back where it or the refs cannot move.

use super::journal::{Journal, Step};
use crate::{
    model::{
        Result,
        run::{Run, RunState},
    },
    repo::{PreparedRefs, Repo},
};
use gix::ObjectId;

/// Land `tip` on the run's target, which the run found at `base`, by the step `landing` of its journal. A target that moved meanwhile is no error: the run is
/// then overtaken, and nothing has landed.
pub(super) fn land(repo: &Repo, journal: &mut Journal, run: &mut Run, landing: Step, base: ObjectId, tip: ObjectId) -> Result<()> {
    let prepared = match journal.prepare_landing(run, landing, base, tip)? {
        Ok(prepared) => prepared,
        Err(moved) if journal.is(&moved) => return Err(journal.taken()),
        Err(moved) => return overtaken(repo, journal, run, moved.found),
    };
    move_target(repo, &run.target, prepared, base, tip)?;
    run.state = RunState::Landed;
    Ok(())
}

/// Move what is `prepared` and, before that, the work trees that have the target checked out, from `old` to `new`.
pub(super) fn move_target(repo: &Repo, target: &str, prepared: PreparedRefs, old: ObjectId, new: ObjectId) -> Result<()> {
    let checkouts = repo.checkouts_of(target)?;
    for checkout in &checkouts {
        checkout.check_clean()?;
        checkout.check_move(old, new)?;
    }
    let mut following = Vec::with_capacity(checkouts.len());
    for checkout in &checkouts {
        match checkout.follow(target, old, new) {
            Ok(tree) => following.push(tree),
            Err(error) => {
                // Those that have followed go back when they see that nobody holds the refs any more.
                drop(prepared);
                return Err(error);
            }
        }
    }
    prepared.commit()?;
    // The landing is done; a tree that could not be told finds out by itself.
    following.into_iter().for_each(|tree| drop(tree.stay()));
    Ok(())
}

fn overtaken(repo: &Repo, journal: &mut Journal, run: &mut Run, now: Option<ObjectId>) -> Result<()> {
    run.state = RunState::Overtaken;
    let base = repo.parse_id(&run.base)?;
    let to = now.map_or("nowhere: it was deleted".to_string(), |id| repo.short(id));
    run.notes.push(format!(
        "{} moved from {} to {to} while this ran, so nothing landed; run it again, recorded verdicts are reused",
        run.target,
        repo.short(base)
    ));
    journal.end(run, "overtaken")
}
