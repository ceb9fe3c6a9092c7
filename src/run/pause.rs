//! A plan that is paused: a run that would land it starts nothing new and does not land, until it is resumed.

use crate::{
    model::{
        Error, Result,
        plan::{Pause, Plan},
        shell_word,
    },
    plan::store,
    repo::Repo,
};
use gix::ObjectId;

/// Whether the plan of a run is paused, as it stands now, wherever that was done.
pub(super) struct Gatekeeper<'r> {
    repo: &'r Repo,
    plan: String,
    seen: Option<ObjectId>,
    pause: Option<Pause>,
}

impl<'r> Gatekeeper<'r> {
    /// For a run of the plan that is kept as `name` at `revision`.
    pub fn new(repo: &'r Repo, name: &str, revision: ObjectId) -> Self {
        Gatekeeper { repo, plan: name.into(), seen: Some(revision), pause: None }
    }

    /// The pause, if there is one. A plan that was deleted or cannot be read is not paused.
    pub fn pause(&mut self) -> Result<Option<&Pause>> {
        let now = self.repo.ref_commit(&format!("{}{}", store::PREFIX, self.plan))?;
        if now != self.seen {
            self.seen = now;
            let stored = now.and_then(|now| store::read(self.repo, &self.plan, now).ok());
            self.pause = stored.and_then(|stored| stored.plan.paused);
        }
        Ok(self.pause.as_ref())
    }
}

/// Refuse to begin a landing of a plan that is paused.
pub(super) fn check(plan: &Plan, name: &str) -> Result<()> {
    match &plan.paused {
        None => Ok(()),
        Some(pause) => Err(Error::no("paused", format!("plan {name} is paused by {pause}"))
            .hint(format!("`git lex-pr resume {0}` lets it land again; --hotfix ITEM lands one item past that", shell_word(name)))),
    }
}
