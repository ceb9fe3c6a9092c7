//! Why a recorded verdict was taken, or was not, for `--explain`.

use super::{Flow, Reuse, few};
use crate::{
    gate::{given, inputs},
    model::{
        Result,
        gate::GateSpec,
        time::human,
        verdict::{Answer, Verdict},
    },
};
use gix::ObjectId;
use std::time::Duration;

impl Flow<'_> {
    /// Why gate `gate` of `digest` is, or is not, asked about `inputs`, when `found` is what was found. Nothing where the user did not ask for it.
    pub(super) fn why(&mut self, gate: &GateSpec, digest: &str, on: ObjectId, found: Option<&Verdict>) -> Result<Option<String>> {
        if !self.request.explain {
            return Ok(None);
        }
        Ok(Some(match found {
            Some(verdict) => {
                let of = if gate.paths.is_empty() { "this very tree" } else { "the same inputs" };
                format!("reused: {} asked it at {} about {}, for {}", verdict.by, verdict.at, of, verdict.item)
            }
            None => format!("asked: {}", self.why_not(gate, digest, on)?),
        }))
    }

    fn why_not(&mut self, gate: &GateSpec, digest: &str, on: ObjectId) -> Result<String> {
        match self.request.reuse {
            Reuse::Nothing => return Ok("--fresh asks everything".into()),
            _ if self.request.config.performance.enable_caching == Some(false) => {
                return Ok("the policy uses no recorded verdicts (enable-caching = false)".into());
            }
            Reuse::All | Reuse::Firm => {}
        }
        let newest =
            |verdicts: &[Verdict], fits: &dyn Fn(&Verdict) -> bool| verdicts.iter().filter(|v| fits(v)).max_by_key(|v| given(v)).cloned();
        if let Some(old) = newest(self.known.on(on)?, &|v| v.digest == digest && v.verdict.is_about_candidate()) {
            if let Some(doubt) = self.known.doubt(&old) {
                return Ok(format!("the answer of {} at {} is {}", old.by, old.at, doubt.words()));
            }
            if self.request.reuse == Reuse::Firm && !old.is_firm() {
                return Ok(match old.is_flaky() {
                    true => format!("at {} it passed only at try {}, which is not taken here", old.at, old.attempts),
                    false => format!("at {} it said {}, which is not taken here", old.at, old.verdict),
                });
            }
            let seconds = self.request.config.performance.cache_ttl_seconds.unwrap_or_default();
            return Ok(format!("the answer of {} is older than {}", old.at, human(Duration::from_secs(seconds))));
        }
        let here = self.known.on(on)?;
        if let Some(error) = newest(here, &|v| v.digest == digest && v.verdict == Answer::Error) {
            return Ok(format!("at {} it could not judge: {}", error.at, error.summary));
        }
        if let Some(other) = newest(here, &|v| v.gate == gate.name && v.verdict.is_about_candidate()) {
            let what = if gate.plugin.is_some() { "its code, config, base or item has" } else { "what it does has" };
            return Ok(format!("{what} changed since it was asked about these files at {}", other.at));
        }
        if self.on_record.is_none() {
            self.on_record = Some(self.known.all()?);
        }
        let all = self.on_record.as_deref().unwrap_or_default();
        let Some(last) = newest(all, &|v| v.gate == gate.name && v.digest == digest && v.verdict.is_about_candidate()) else {
            return Ok(match newest(all, &|v| v.gate == gate.name) {
                Some(other) => format!("what it does, or what it judges, has changed since it was last asked at {}", other.at),
                None => "it was never asked here".into(),
            });
        };
        let differs = self.differs(gate, &last, on)?;
        let differs = match differs.len() {
            0 => "its inputs differ".into(),
            1 => format!("{} differs", differs[0]),
            _ => format!("{} differ", few(&differs)),
        };
        Ok(format!("{differs} from what it judged at {}, for {}", last.at, last.item))
    }

    /// The files in which the inputs of a gate differ from those of a verdict; none where the candidate of that is gone.
    fn differs(&self, gate: &GateSpec, last: &Verdict, on: ObjectId) -> Result<Vec<String>> {
        let Some(candidate) = last.candidate.parse().ok().filter(|candidate: &ObjectId| self.repo.has_commit(*candidate)) else {
            return Ok(Vec::new());
        };
        let then = inputs(self.weaver.objects(), self.weaver.tree_of(candidate)?, &gate.paths)?;
        Ok(self.weaver.changes(then, on)?.into_iter().map(|change| change.path.to_string()).collect())
    }
}
