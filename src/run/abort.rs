//! Ending a run that is at work in another process, or that was killed and left its journal open.

use super::{
    holder::{Life, ask_to_stop, life},
    journal,
    lock::POLL,
};
use crate::{
    model::{
        Error, Result,
        run::{Run, RunState},
    },
    repo::Repo,
};
use schemars::JsonSchema;
use serde::Serialize;
use std::time::{Duration, Instant};

/// How long a run may take to stop after it was asked to.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a run was ended; what `abort --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Abort {
    /// How.
    pub outcome: Aborted,
    /// The run, as it is now.
    pub run: Run,
}

/// What an abort has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Aborted {
    /// Its process was asked to stop, and did.
    Stopped,
    /// Its process was gone, or was not heard: its journal is closed, and it cannot land any more.
    Closed,
    /// Its process was asked to stop and has not yet.
    Asked,
    /// It had ended before.
    Ended,
}

/// End the run called `id`. With `force`, one whose process does not stop or is on another machine is shut out: its journal is
/// closed, and as a landing writes to the journal and moves the target at once or not at all, it lands no more.
pub fn abort(repo: &Repo, id: &str, force: bool) -> Result<Abort> {
    let gone = || Error::input("no-run", format!("there is no run `{id}` any more"));
    let by = repo.identity()?;
    let mut asked = None;
    loop {
        let run = journal::find(repo, id)?.ok_or_else(gone)?;
        let close = |why: &str| Ok(Abort { outcome: Aborted::Closed, run: journal::abort(repo, id, why)?.ok_or_else(gone)? });
        match life(repo, &run) {
            None => {
                let stopped = asked.is_some() && run.state == RunState::Interrupted;
                return Ok(Abort { outcome: if stopped { Aborted::Stopped } else { Aborted::Ended }, run });
            }
            Some(Life::Gone) => return close(&format!("its process was gone; closed by {by}")),
            Some(Life::Elsewhere) if force => return close(&format!("aborted by {by} from elsewhere")),
            Some(Life::Elsewhere) => {
                let place = run.holder.as_ref().map_or("another machine".to_string(), |holder| holder.host.clone());
                return Err(Error::no("elsewhere", format!("run {id} is at work on {place}, where nobody can be asked from here"))
                    .hint(format!("end it there, or shut it out: git lex-pr abort {id} --force")));
            }
            Some(Life::Alive) => match asked {
                None => {
                    if let Some(holder) = &run.holder {
                        ask_to_stop(holder)?;
                    }
                    asked = Some(Instant::now());
                }
                Some(since) if since.elapsed() > PATIENCE => {
                    return if force { close(&format!("aborted by {by}")) } else { Ok(Abort { outcome: Aborted::Asked, run }) };
                }
                Some(_) => std::thread::sleep(POLL / 5),
            },
        }
    }
}
