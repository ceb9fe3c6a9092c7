//! Finding a repository and refusing the ones that cannot be worked in.

use super::{GitCommand, Repo, incoming::see_quarantine, parameters::parameters};
use crate::model::{Error, Result, shell_word, time};
use gix::{
    odb::store::init::Slots,
    open::Options,
    sec::Trust,
    sec::trust::{DefaultForLevel, Mapping},
};
use jiff::Timestamp;
use std::path::Path;

/// Decoded objects kept per repository handle, in bytes. Merges of a chain read the same trees again and again.
pub const OBJECT_CACHE_BYTES: usize = 8 << 20;

/// How many packs a repository may have, at least and for each that it has when it is opened. A run writes packs, and others may: more than
/// there is room for are not seen.
pub(super) const SLOTS: Slots = Slots::AsNeededByDiskState { multiplier: 2.0, minimum: 512 };

impl Repo {
    /// Open the repository that holds `dir`, as git itself would find it from there (`GIT_DIR` included).
    ///
    /// Refused: a folder without repository, a repository of another user that `safe.directory` does not name, and a
    /// reftable repository, which gix cannot read yet.
    pub fn open(dir: &Path) -> Result<Repo> {
        if !dir.is_dir() {
            return Err(
                Error::input("no-repository", format!("there is no folder {}", dir.display())).hint("give `-C` a folder that exists")
            );
        }
        let dir = &dir.canonicalize().map_err(|e| Error::io(format_args!("enter {}", dir.display()), e))?;
        let parameters = parameters()?;
        let with_parameters =
            |trust: Trust| Options::default_for_level(trust).cli_overrides(parameters.iter().cloned()).object_store_slots(SLOTS);
        let by_trust = Mapping { full: with_parameters(Trust::Full), reduced: with_parameters(Trust::Reduced) };
        let found = gix::ThreadSafeRepository::discover_with_environment_overrides_opts(dir, Default::default(), by_trust);
        let mut shared = found.map_err(|e| {
            let cause = e.to_string();
            if cause.contains("objectFormat") || cause.contains("extensions.") {
                return Error::input("unknown-extension", format!("this repository needs a newer git-lex-pr: {cause}"))
                    .hint("look at `git config --get-regexp '^extensions'`");
            }
            // Where there is a repository, it has been found and could not be opened.
            let is_found = !cause.contains("Could not find a git repository");
            if let Some(broken) = is_found.then(|| broken_config(dir)).flatten() {
                return broken;
            }
            Error::input("no-repository", format!("{} is not in a git repository", dir.display()))
                .hint("change into a repository, or name one with `-C DIR`; `git init` makes one")
        })?;
        let objects = see_quarantine(&mut shared)?;
        let mut git = shared.to_thread_local();
        if git.git_dir_trust() != Trust::Full {
            let place = git.workdir().unwrap_or_else(|| git.git_dir());
            let place = place.canonicalize().unwrap_or_else(|_| place.to_path_buf());
            return Err(Error::input("foreign-repository", format!("{} is owned by someone else", place.display()))
                .hint(format!("if you trust it: git config --global --add safe.directory {}", shell_word(&place.to_string_lossy()))));
        }
        if let Some(storage) = git.config_snapshot().string("extensions.refStorage")
            && !storage.eq_ignore_ascii_case(b"files")
        {
            return Err(Error::input("reftable", format!("this repository keeps its refs as {storage}, which cannot be read yet"))
                .hint("git 2.49 or newer: `git refs migrate --ref-format=files`; older: work in a `git clone --ref-format=files` of it"));
        }
        git.object_cache_size_if_unset(OBJECT_CACHE_BYTES);
        Ok(Repo { _objects: objects, ..Repo::of(git) })
    }

    /// Whether objects may be missing because a remote promised to have them (partial-clone in git's technical documents).
    pub fn is_partial(&self) -> bool {
        let config = self.git.config_snapshot();
        let promised = |remote: &str| config.boolean(&*format!("remote.{remote}.promisor")) == Some(true);
        config.string("extensions.partialClone").is_some() || self.git.remote_names().iter().any(|name| promised(&name.to_string()))
    }

    /// `Name <mail>` of the person at work, for journals and verdicts.
    pub fn identity(&self) -> Result<String> {
        let who = self.signature()?;
        Ok(format!("{} <{}>", who.name, who.email))
    }

    /// The person at work, as committer, now. What gix says of the committer is of the moment that it was asked first.
    pub fn signature(&self) -> Result<gix::actor::Signature> {
        let config = self.git.config_snapshot();
        // With what GIT_COMMITTER_NAME and its like say.
        let said = |keys: &[&str]| keys.iter().find_map(|key| config.string(*key));
        let name = said(&["committer.name", "user.name"]);
        let email = said(&["committer.email", "user.email", "gitoxide.user.emailFallback"]);
        let (Some(name), Some(email)) = (name, email) else {
            return Err(Error::input("no-identity", "git does not know who you are")
                .hint("git config --global user.name \"Your Name\" && git config --global user.email you@example.com"));
        };
        let is_set = config.string("gitoxide.commit.committerDate").is_some();
        let set = if is_set { self.git.committer().and_then(|who| who.ok()?.time().ok()) } else { None };
        let now = || {
            let now = Timestamp::now();
            gix::date::Time { seconds: now.as_second(), offset: self.zone.get_or_init(time::local_zone).to_offset(now).seconds() }
        };
        Ok(gix::actor::Signature { name, email, time: set.unwrap_or_else(now) })
    }
}

/// What git says of a configuration that it cannot read: `bad config line 6 in file .git/config`.
fn broken_config(dir: &Path) -> Option<Error> {
    let mut git = GitCommand::new(dir).args(["rev-parse", "--git-dir"]);
    if let Some(git_dir) = std::env::var_os("GIT_DIR") {
        git = git.env("GIT_DIR", git_dir);
    }
    let said = git.output(None).ok()?.stderr;
    let words = said.lines().find(|line| line.contains("config"))?.trim_start_matches("fatal: ").trim_start_matches("error: ");
    let error = Error::input("bad-config", format!("git's configuration cannot be read: {words}"));
    Some(error.hint("mend the file at that line; `git config --list --show-origin` shows the files that git reads"))
}
