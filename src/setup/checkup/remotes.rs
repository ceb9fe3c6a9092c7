//! What `git fetch` brings of this tool's refs, and what it must not write.

use super::{Cure, Finding};
use crate::{
    model::{Result, shell_word},
    repo::{Repo, TRACKING, refspecs},
};

pub(super) fn look(repo: &Repo) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for remote in repo.remotes() {
        let set = repo.fetched(&remote)?;
        for refspec in set.iter().filter(|refspec| overwrites(refspec)) {
            let message = format!("git fetch {remote} writes over plans and verdicts of this clone, by `{refspec}`");
            let key = shell_word(&format!("remote.{remote}.fetch"));
            let mend = format!("git config --fixed-value --unset-all {key} {}", shell_word(refspec));
            findings.push(Finding::bad("remote", message).mend(mend));
        }
        let wanted = refspecs(&remote);
        let count = wanted.iter().filter(|refspec| set.contains(refspec)).count();
        findings.push(match count {
            2 => Finding::good("remote", format!("git fetch {remote} brings its plans, runs and verdicts, to {TRACKING}{remote}/")),
            0 => Finding::note("remote", format!("git fetch {remote} does not bring its plans, runs and verdicts"))
                .mend(format!("git lex-pr init --refspecs --remote {}", shell_word(&remote))),
            _ => {
                let lacking = wanted.iter().find(|refspec| !set.contains(refspec)).cloned().unwrap_or_default();
                let add = vec!["config".into(), "--add".into(), format!("remote.{remote}.fetch"), lacking];
                Finding::bad("remote", format!("git fetch {remote} brings only half of what belongs together")).cure(Cure::Git(add))
            }
        });
    }
    Ok(findings)
}

/// Whether a refspec of a fetch writes over what this clone keeps, whatever it holds.
fn overwrites(refspec: &str) -> bool {
    let Some((_, to)) = refspec.strip_prefix('+').and_then(|refspec| refspec.split_once(':')) else { return false };
    to.starts_with("refs/lex-pr/") || to.starts_with("refs/notes/lex-pr/") || matches!(to, "refs/*" | "refs/notes/*")
}
