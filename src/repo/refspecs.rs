//! What `git fetch` brings of a remote's plans, runs and verdicts.

use super::{GitCommand, Repo};
use crate::model::{Error, Result, error::nearest};

/// Where what a remote has is kept. Not over what is here: a fetch knows no compare-and-swap and would throw away work of this
/// clone that the remote does not have.
pub const TRACKING: &str = "refs/lex-pr-remotes/";

/// What of a remote is kept, by prefix, and below what of its name here.
pub(super) const KEPT: [(&str, &str); 2] = [("refs/lex-pr/", "lex-pr/"), ("refs/notes/lex-pr/", "notes/")];

/// The refspecs by which `git fetch REMOTE` brings what this tool keeps there.
pub fn refspecs(remote: &str) -> [String; 2] {
    KEPT.map(|(theirs, ours)| format!("+{theirs}*:{TRACKING}{remote}/{ours}*"))
}

impl Repo {
    /// The names of the remotes that are configured, sorted.
    pub fn remotes(&self) -> Vec<String> {
        self.git.remote_names().iter().map(ToString::to_string).collect()
    }

    /// Refuse a remote that is not configured.
    pub fn check_remote(&self, remote: &str) -> Result<()> {
        let remotes = self.remotes();
        if !remotes.iter().any(|known| known == remote) {
            let hint = match nearest(remote, remotes.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`git remote` shows the remotes; `git remote add NAME URL` makes one".into(),
            };
            return Err(Error::input("no-remote", format!("there is no remote `{remote}`")).hint(hint));
        }
        Ok(())
    }

    /// Whether `git fetch REMOTE` brings what this tool keeps there.
    pub fn has_refspecs(&self, remote: &str) -> Result<bool> {
        let set = self.fetched(remote)?;
        Ok(refspecs(remote).iter().all(|wanted| set.contains(wanted)))
    }

    /// Add this tool's refspecs to `remote.NAME.fetch`, or take them out; whatever else stands there stays. Gives whether that
    /// changed anything.
    pub fn set_refspecs(&self, remote: &str, wanted: bool) -> Result<bool> {
        self.check_remote(remote)?;
        let set = self.fetched(remote)?;
        let key = format!("remote.{remote}.fetch");
        let mut changed = false;
        for refspec in refspecs(remote) {
            if set.contains(&refspec) != wanted {
                let args = match wanted {
                    true => ["--add", key.as_str(), refspec.as_str()].to_vec(),
                    false => ["--fixed-value", "--unset-all", key.as_str(), refspec.as_str()].to_vec(),
                };
                self.config_command().args(args).run("write git's configuration")?;
                changed = true;
            }
        }
        Ok(changed)
    }

    fn config_command(&self) -> GitCommand {
        self.git_command().args(["config", "--local"])
    }

    /// The refspecs of `remote.NAME.fetch`.
    pub fn fetched(&self, remote: &str) -> Result<Vec<String>> {
        let said = self.config_command().args(["--get-all", &format!("remote.{remote}.fetch")]).output(None)?;
        match said.status {
            // Nothing is set.
            1 => Ok(Vec::new()),
            0 => Ok(String::from_utf8_lossy(&said.stdout).lines().map(ToOwned::to_owned).collect()),
            _ => Err(Error::git("read git's configuration", said.stderr)),
        }
    }
}
