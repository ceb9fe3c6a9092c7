//! Following a run that is at work in another process, by its journal.

use super::{
    holder::{Life, life},
    journal::{self, PREFIX},
    lock::POLL,
};
use crate::{
    model::{
        Error, Result,
        run::{ItemReport, Run, RunState, Status},
    },
    repo::Repo,
};
use std::collections::HashMap;

/// Follow the run called `id` until it ends, and tell each item as it is decided. Gives the run, whose state is still `running` where
/// its process was killed.
///
/// As long as nothing happens this reads one ref, so that it may be left on.
pub fn watch(repo: &Repo, id: &str, tell: &mut dyn FnMut(&Run, &ItemReport) -> Result<()>) -> Result<Run> {
    let gone = || Error::input("no-run", format!("there is no run `{id}` any more"));
    let mut told: HashMap<String, Status> = HashMap::new();
    let mut seen = None;
    let mut newest: Option<Run> = None;
    loop {
        // Looked at before the journal: a process that ends in between has written its last step first.
        let killed = newest.as_ref().is_some_and(|run| life(repo, run) == Some(Life::Gone));
        let step = repo.ref_commit(&format!("{PREFIX}{id}"))?.ok_or_else(gone)?;
        if seen != Some(step) {
            seen = Some(step);
            let run = journal::find(repo, id)?.ok_or_else(gone)?;
            for item in run.items.iter().filter(|item| item.status != Status::Pending) {
                if told.insert(item.name.clone(), item.status) != Some(item.status) {
                    tell(&run, item)?;
                }
            }
            newest = Some(run);
        }
        match &newest {
            Some(run) if killed || run.state != RunState::Running => return Ok(run.clone()),
            _ => std::thread::sleep(POLL),
        }
    }
}
