//! A breaker per remote: one that has failed several times in a row is left alone for a while, by every process of this clone.

use crate::{
    model::{
        Error, Result,
        error::{Class, ErrorBody},
        shell_word, time,
    },
    repo::{Remote, Repo},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, io::Write, path::PathBuf, time::Duration};

/// In the git folder: what is known of the remotes that failed. It is gone when none does.
const FILE: &str = "lex-pr-remotes";

/// After so many failures in a row a remote is left alone.
const FAILURES: u32 = 3;

/// For how long at first, and at most; with each further failure twice as long.
const REST: Duration = Duration::from_secs(60);
const LONGEST_REST: Duration = Duration::from_secs(3600);

type State = BTreeMap<String, Failing>;

/// A remote that has failed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failing {
    /// Where it was: another place is another remote.
    url: String,
    /// How often in a row.
    failures: u32,
    /// When it may be asked again, in UTC, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rests_until: Option<String>,
    /// What was wrong last.
    error: ErrorBody,
}

/// What is known of one remote.
pub struct Breaker {
    file: PathBuf,
    name: String,
    url: String,
    failing: Option<Failing>,
}

impl Breaker {
    /// That of `remote`. A file that cannot be read says nothing.
    pub fn of(repo: &Repo, remote: &Remote) -> Result<Breaker> {
        let file = repo.git.common_dir().join(FILE);
        let failing = read(&file).remove(&remote.name).filter(|failing| failing.url == remote.url);
        Ok(Breaker { file, name: remote.name.clone(), url: remote.url.clone(), failing })
    }

    /// Refuse to ask a remote that rests.
    pub fn check(&self) -> Result<()> {
        let Some(Failing { failures, rests_until: Some(until), error, .. }) = &self.failing else { return Ok(()) };
        if until.parse::<Timestamp>().is_ok_and(|until| until <= Timestamp::now()) {
            return Ok(());
        }
        let message =
            format!("{} has failed {failures} times in a row and is left alone until {until}; last: {}", self.name, error.message);
        Err(Error::environment("remote-rests", message)
            .class(Class::Transient)
            .hint(format!("to ask it now: git lex-pr sync {} --now", shell_word(&self.name))))
    }

    /// Take down how it went. What somebody has to mend is no reason to wait, for waiting does not mend it.
    pub fn record(&mut self, error: Option<&Error>) -> Result<()> {
        let error = error.filter(|error| error.code == "remote");
        let failing = match error {
            None => None,
            Some(error) if error.class == Class::Permanent => self.failing.clone(),
            Some(error) => {
                let failures = self.failing.as_ref().map_or(0, |failing| failing.failures).saturating_add(1);
                let rest = (failures >= FAILURES).then(|| REST.saturating_mul(1 << (failures - FAILURES).min(16)).min(LONGEST_REST));
                let rest = rest.map(|rest| SignedDuration::try_from(time::jittered(rest)).unwrap_or(SignedDuration::ZERO));
                let until = rest.and_then(|rest| Timestamp::now().checked_add(rest).ok());
                let rests_until = until.map(|until| until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
                Some(Failing { url: self.url.clone(), failures, rests_until, error: error.to_document().error })
            }
        };
        if failing.is_none() && self.failing.is_none() {
            return Ok(());
        }
        let mut state = read(&self.file);
        match &failing {
            Some(failing) => drop(state.insert(self.name.clone(), failing.clone())),
            None => drop(state.remove(&self.name)),
        }
        self.failing = failing;
        write(&self.file, &state)
    }
}

/// Forget how often `remote` has failed.
pub fn reset(repo: &Repo, remote: &Remote) -> Result<()> {
    Breaker::of(repo, remote)?.record(None)
}

fn read(file: &PathBuf) -> State {
    std::fs::read(file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

fn write(file: &PathBuf, state: &State) -> Result<()> {
    let writing = |e: std::io::Error| Error::io(format_args!("write {}", file.display()), e);
    if state.is_empty() {
        return match std::fs::remove_file(file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(writing(e)),
            _ => Ok(()),
        };
    }
    let folder = file.parent().unwrap_or(file);
    let mut new = tempfile::NamedTempFile::new_in(folder).map_err(writing)?;
    let text = serde_json::to_vec_pretty(state).map_err(|e| writing(e.into()))?;
    new.write_all(&text).map_err(writing)?;
    new.persist(file).map_err(|e| writing(e.error))?;
    Ok(())
}
