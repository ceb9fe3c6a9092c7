//! Other repositories, which git itself fetches from and pushes to.

use super::{
    GitCommand, RefChange, Repo,
    refspecs::{KEPT, TRACKING},
};
use crate::{
    config::seconds,
    model::{
        Error, Result,
        error::{Class, Location, nearest},
        hex, shell_word,
        time::human,
    },
};
use gix::ObjectId;
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, io::IsTerminal, time::Duration};

/// How long one fetch or push may take where nothing is said.
const PATIENCE: Duration = Duration::from_secs(600);

/// More refs than this are not pushed at once: a command line has an end.
const PUSHED_AT_ONCE: usize = 2000;

/// A repository that refs are exchanged with.
pub struct Remote<'r> {
    repo: &'r Repo,
    /// What git is told: the name of a configured remote, a URL, or a path.
    told: String,
    /// The same for people: without a password.
    pub name: String,
    /// Where it is, without a password; for people and for nothing else, since git may rewrite it.
    pub url: String,
    folder: String,
    patience: Duration,
}

/// What a push came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// All refs have moved.
    Done,
    /// One of them did not stand where it was expected any more, in git's words; none has moved.
    Overtaken(String),
}

impl Repo {
    /// The name of the remote that is meant where none is named: `origin`, or the only one there is.
    pub fn default_remote(&self) -> Option<String> {
        let mut names = self.remotes();
        if names.iter().any(|name| name == "origin") { Some("origin".into()) } else { names.pop().filter(|_| names.is_empty()) }
    }

    /// The remote called `named`, or the one at that URL or path; where none is named: `origin`, or the only one there is.
    pub fn remote(&self, named: Option<&str>) -> Result<Remote<'_>> {
        let names = self.remotes();
        let listed = || match names.len() {
            0 => "add one: git remote add origin URL".to_string(),
            1 => format!("there is `{}`", names[0]),
            _ => format!("name one of: {}", names.join(", ")),
        };
        let name = match (named.map(ToOwned::to_owned).or_else(|| self.default_remote()), &names[..]) {
            (Some(name), _) => name,
            (None, []) => return Err(Error::input("no-remote", "this repository has no remote").hint(listed())),
            (None, _) => return Err(Error::input("which-remote", format!("there are {} remotes", names.len())).hint(listed())),
        };
        let config = self.git.config_snapshot();
        let (url, folder) = if names.contains(&name) {
            let url = config.string(&*format!("remote.{name}.url")).map_or(String::new(), |url| url.to_string());
            (url, name.clone())
        } else {
            let is_place = name.contains(['/', ':']) || self.git.workdir().unwrap_or_else(|| self.git.git_dir()).join(&name).is_dir();
            if !is_place || name.starts_with('-') {
                let hint = nearest(&name, names.iter().map(String::as_str)).map_or_else(listed, |near| format!("did you mean `{near}`?"));
                return Err(Error::input("no-remote", format!("there is no remote `{name}`")).hint(hint));
            }
            (name.clone(), format!("url-{}", hex(&Sha256::digest(&name)[..6])))
        };
        let patience = seconds(&|key| config.string(key).map(|value| value.to_string()), "lexpr.syncTimeout")?;
        let folder = format!("{TRACKING}{folder}/");
        Ok(Remote {
            repo: self,
            name: without_password(&name),
            told: name,
            url: without_password(&url),
            folder,
            patience: patience.unwrap_or(PATIENCE),
        })
    }
}

impl Remote<'_> {
    /// Fetch the refs of this tool, and nothing else, to where they disturb nobody. What the remote does not have any more goes.
    pub fn fetch(&self) -> Result<()> {
        let specs = KEPT.map(|(theirs, ours)| format!("+{theirs}*:{}{ours}*", self.folder));
        // What comes from elsewhere is checked as `git fsck` does. Refspecs of the configuration are left alone.
        let fetch = self
            .git(&["-c", "fetch.fsckObjects=true", "fetch", "--quiet", "--prune", "--no-tags", "--refmap="])
            .args(["--no-write-fetch-head", "--no-recurse-submodules", "--end-of-options", &self.told])
            .args(specs)
            // Candidates are woven again where they are needed.
            .args(["^refs/lex-pr/weave/*"]);
        let output = fetch.output_within(self.patience)?.ok_or_else(|| self.too_slow("fetch from"))?;
        if output.status == 0 { Ok(()) } else { Err(self.failed("fetch from", &output.stderr)) }
    }

    /// What it had when it was last fetched from, by the full names that the refs have there.
    pub fn refs(&self) -> Result<BTreeMap<String, ObjectId>> {
        let mut found = BTreeMap::new();
        for (theirs, ours) in KEPT {
            let listing = self.repo.listing(&format!("{}{ours}", self.folder))?;
            found.extend(listing.refs.into_iter().map(|(name, id)| (format!("{theirs}{name}"), id)));
        }
        Ok(found)
    }

    /// Where here what it has as `name` is kept.
    pub fn tracking(&self, name: &str) -> String {
        let kept = KEPT.iter().find_map(|(theirs, ours)| Some(format!("{}{ours}{}", self.folder, name.strip_prefix(theirs)?)));
        kept.unwrap_or_else(|| name.to_string())
    }

    /// Move its refs, each only if it stands there as the change says, and all or none of them. More than a command line holds go in
    /// several such pushes.
    pub fn push(&self, changes: &[RefChange]) -> Result<Pushed> {
        for changes in changes.chunks(PUSHED_AT_ONCE) {
            let hex = |id: &Option<ObjectId>| id.map_or(String::new(), |id| id.to_string());
            let leases = changes.iter().map(|change| format!("--force-with-lease={}:{}", change.name, hex(&change.old)));
            let specs = changes.iter().map(|change| format!("{}:{}", hex(&change.new), change.name));
            // A hook that tests what is pushed has nothing to test: these are no branches.
            let push = self
                .git(&["push", "--porcelain", "--atomic", "--no-verify", "--no-follow-tags", "--recurse-submodules=no"])
                .args(leases)
                .args(["--end-of-options", &self.told])
                .args(specs);
            let output = push.output_within(self.patience)?.ok_or_else(|| self.too_slow("push to"))?;
            if output.status != 0 {
                return match overtaken(&String::from_utf8_lossy(&output.stdout)) {
                    Ok(why) => Ok(Pushed::Overtaken(why)),
                    Err(refused) => Err(self.failed("push to", &format!("{refused}{}", output.stderr))),
                };
            }
        }
        Ok(Pushed::Done)
    }

    fn git(&self, args: &[&str]) -> GitCommand {
        let (git, workdir) = (self.repo.git.git_dir(), self.repo.git.workdir());
        // Where nobody can be asked, nobody is waited for.
        let command = match std::io::stdin().is_terminal() {
            true => GitCommand::asking(workdir.unwrap_or(git)).bind(git, workdir),
            false => GitCommand::bound_to(git, workdir).env("GIT_TERMINAL_PROMPT", "0"),
        };
        command.args(args)
    }

    fn too_slow(&self, doing: &str) -> Error {
        let message = format!("could not {doing} {}: git took longer than {}", self.name, human(self.patience));
        Error::environment("remote", message).class(Class::Transient).hint("give it more time: git config lexpr.syncTimeout SECONDS")
    }

    fn failed(&self, doing: &str, said: &str) -> Error {
        let (class, hint) = class_of(said);
        let words: Vec<&str> = said.lines().map(|line| line.trim().trim_start_matches("fatal: ").trim_start_matches("error: ")).collect();
        let words = words.into_iter().filter(|line| !line.is_empty() && !NOISE.iter().any(|noise| line.contains(noise)));
        let words = words.collect::<Vec<_>>().join("; ");
        let error = Error::environment("remote", format!("could not {doing} {}: {words}", self.name)).class(class);
        let error = if self.url.is_empty() || self.url == self.name { error } else { error.at(Location::new(&self.url)) };
        error.hint(hint.map_or_else(|| format!("try it by hand: git ls-remote {}", shell_word(&self.name)), ToOwned::to_owned))
    }
}

/// A URL as it may be shown and kept.
fn without_password(url: &str) -> String {
    let parts = url.split_once("://").and_then(|(scheme, rest)| {
        let (who, place) = rest.split_once('@').filter(|(who, _)| !who.contains('/'))?;
        Some(format!("{scheme}://{}@{place}", who.split(':').next()?))
    });
    parts.unwrap_or_else(|| url.to_string())
}

/// What git says besides what is wrong.
const NOISE: [&str; 4] =
    ["Please make sure you have the correct access rights", "and the repository exists", "failed to push some refs", "To "];

/// Why refs did not move, in the words that git has for another one having been faster.
const RACES: [&str; 10] = [
    "stale info",
    "fetch first",
    "non-fast-forward",
    "failed to update ref",
    "cannot lock ref",
    "failed to lock",
    "incorrect old value",
    "reference already exists",
    "atomic transaction failed",
    "atomic push fail",
];

/// Whether what `git push --porcelain` says of each ref (git-push(1), "Output") is only that others were faster; else what it says.
fn overtaken(said: &str) -> Result<String, String> {
    let refused: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("!\t")).filter_map(|line| line.split('\t').nth(1)).collect();
    let race = |why: &&str| RACES.iter().any(|race| why.contains(race));
    let (races, others): (Vec<&str>, Vec<&str>) = refused.into_iter().partition(race);
    let first = |of: &[&str]| of.first().map_or(String::new(), |why| format!("{why}\n"));
    if others.is_empty() && !races.is_empty() { Ok(first(&races).trim().into()) } else { Err(first(&others)) }
}

/// What git, ssh and curl say of what may pass by itself, and of what stays. The order decides: what they say last is often only that
/// the other end has gone.
fn class_of(said: &str) -> (Class, Option<&'static str>) {
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if says(&["does not support --atomic"]) {
        let hint =
            "what it keeps can only be moved all or not at all; whoever runs it may let that be: git config receive.advertiseAtomic true";
        return (Class::Permanent, Some(hint));
    }
    if says(&[
        "Permission denied",
        "Authentication failed",
        "could not read Username",
        "could not read Password",
        "error: 401",
        "error: 403",
    ]) {
        return (Class::Permanent, Some("git has no right to do that there: check the key, the token or the password"));
    }
    if says(&["hook declined", "protected", "deny", "denied", "not allowed"]) {
        return (
            Class::Permanent,
            Some("the remote does not take it: ask whoever runs it to let refs/lex-pr/* and refs/notes/lex-pr/* be pushed"),
        );
    }
    if says(&["does not appear to be a git repository", "not found", "error: 404", "Repository not", "No such file"]) {
        return (Class::Permanent, Some("look at where the remote is: git remote -v"));
    }
    if says(&["Host key verification failed", "certificate", "fsck", "bad config", "unsupported", "not supported", "not a valid"]) {
        return (Class::Permanent, None);
    }
    let passes = [
        "Could not resolve host",
        "Temporary failure",
        "Connection refused",
        "Connection reset",
        "Connection closed",
        "timed out",
        "Timeout",
        "unreachable",
        "No route to host",
        "hung up unexpectedly",
        "early EOF",
        "unexpected disconnect",
        "RPC failed",
        "error: 429",
        "error: 5",
        "Couldn't connect",
        "Failed to connect",
        "unable to connect",
        "cannot lock ref",
        ".lock': File exists",
        "Cannot allocate memory",
        "Out of memory",
        "Resource temporarily unavailable",
    ];
    if says(&passes) { (Class::Transient, None) } else { (Class::Unknown, None) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_says_of_a_failure_is_classed() {
        for (said, class) in [
            (
                "ssh: Could not resolve hostname nowhere: Temporary failure in name resolution\nfatal: Could not read from remote repository.",
                Class::Transient,
            ),
            ("fatal: unable to access 'https://x/': The requested URL returned error: 503", Class::Transient),
            ("fatal: the remote end hung up unexpectedly", Class::Transient),
            ("git@x: Permission denied (publickey).\nfatal: the remote end hung up unexpectedly", Class::Permanent),
            ("fatal: the receiving end does not support --atomic push\nfatal: the remote end hung up unexpectedly", Class::Permanent),
            ("fatal: 'x' does not appear to be a git repository", Class::Permanent),
            ("fatal: something new", Class::Unknown),
        ] {
            assert_eq!(class_of(said).0, class, "{said}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(without_password("https://me:secret@host/a@b"), "https://me@host/a@b");
        for plain in ["https://host/x@y:z", "git@host:x", "../x", "ssh://git@host/x"] {
            assert_eq!(without_password(plain), plain);
        }
    }

    #[test]
    fn only_races_are_tried_again() {
        let line = |why: &str| format!("To x\n!\ta:b\t{why}\n!\tc:d\t[rejected] (atomic push failed)\nDone\n");
        assert!(overtaken(&line("[rejected] (stale info)")).is_ok());
        assert!(overtaken(&line("[remote rejected] (failed to update ref)")).is_ok());
        assert_eq!(
            overtaken(&line("[remote rejected] (pre-receive hook declined)")),
            Err("[remote rejected] (pre-receive hook declined)\n".into())
        );
        assert!(overtaken("fatal: the remote end hung up unexpectedly").is_err());
    }
}
