//! Local and remote-tracking branches, by name and by glob.
//!
//! A branch `feat/a` is the local one; where there is none, the one that was fetched from the remote that `sync` goes to. So a fresh clone
//! knows the branches of a plan by the same names as the clone in which it was made.

use super::Repo;
use crate::model::{Error, Result, error::nearest, shell_word};
use gix::{ObjectId, bstr::ByteSlice, glob::wildmatch};

/// Where local branches are, and those that were fetched.
const LOCAL: &str = "refs/heads/";
const TRACKING: &str = "refs/remotes/";

/// A branch and the commit it points to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Branch {
    /// What it was asked for as: `feat/a`, or `origin/feat/a` for a remote-tracking one that was named so.
    pub name: String,
    /// Its commit.
    pub head: ObjectId,
    /// The remote that it was fetched from; none for a local branch.
    pub remote: Option<String>,
}

impl Branch {
    /// Its name without the remote.
    pub fn short(&self) -> &str {
        let below = |remote: &String| self.name.strip_prefix(remote)?.strip_prefix('/');
        self.remote.as_ref().and_then(below).unwrap_or(&self.name)
    }

    /// What git calls it.
    pub fn git_name(&self) -> String {
        self.remote.as_ref().map_or_else(|| self.name.clone(), |remote| format!("{remote}/{}", self.short()))
    }
}

/// A branch as it is called here: git's commands also take `refs/heads/feat/a`, and some print it.
pub fn branch_name(name: &str) -> &str {
    name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/remotes/")).unwrap_or(name)
}

/// Whether git would take `name` for a branch.
pub fn is_branch_name(name: &str) -> bool {
    !name.starts_with('-') && gix::validate::reference::name(format!("refs/heads/{name}").as_bytes().as_bstr()).is_ok()
}

fn not_a_branch_name(name: &str) -> Error {
    Error::input("bad-name", format!("`{name}` is no valid branch name")).hint("`git check-ref-format --branch NAME` tells which names are")
}

impl Repo {
    /// All local branches, sorted by name.
    pub fn local_branches(&self) -> Result<Vec<Branch>> {
        self.branches_under(LOCAL)
    }

    fn branches_under(&self, prefix: &str) -> Result<Vec<Branch>> {
        let refs = self.listing(prefix)?.refs;
        let remotes = if prefix == TRACKING { self.remotes() } else { Vec::new() };
        let remote = |name: &str| (prefix == TRACKING).then(|| remote_of(&remotes, name));
        Ok(refs.into_iter().map(|(name, head)| Branch { remote: remote(&name), name, head }).collect())
    }

    /// The branches of the remote that `sync` goes to, as they were fetched, by their names there.
    pub fn branches_there(&self) -> Result<Vec<Branch>> {
        let Some(remote) = self.default_remote() else { return Ok(Vec::new()) };
        let refs = self.listing(&format!("{TRACKING}{remote}/"))?.refs.into_iter().filter(|(name, _)| name != "HEAD");
        Ok(refs.map(|(name, head)| Branch { name, head, remote: Some(remote.clone()) }).collect())
    }

    /// The branch called `name` of the remote that `sync` goes to, as it was fetched.
    pub fn branch_there(&self, name: &str) -> Result<Option<Branch>> {
        // What a remote calls its HEAD is no branch of that name.
        let Some(remote) = self.default_remote().filter(|_| name != "HEAD") else { return Ok(None) };
        let head = self.ref_commit(&format!("{TRACKING}{remote}/{name}"))?;
        Ok(head.map(|head| Branch { name: name.into(), head, remote: Some(remote) }))
    }

    /// The branch called `name`: local, else remote-tracking, else of the remote that `sync` goes to.
    pub fn branch(&self, name: &str) -> Result<Option<Branch>> {
        if !is_branch_name(name) {
            return Err(not_a_branch_name(name));
        }
        if let Some(head) = self.ref_commit(&format!("{LOCAL}{name}"))? {
            return Ok(Some(Branch { name: name.into(), head, remote: None }));
        }
        match self.ref_commit(&format!("{TRACKING}{name}"))? {
            Some(head) => Ok(Some(Branch { remote: Some(remote_of(&self.remotes(), name)), name: name.into(), head })),
            None => self.branch_there(name),
        }
    }

    /// The command that gives somebody a branch of their own to work on, and how it is called then; none where `branch` is one, and
    /// nothing at all where another branch has its name.
    pub fn own_branch(&self, branch: &Branch) -> Result<Option<(Option<String>, String)>> {
        let (Some(remote), short) = (&branch.remote, branch.short()) else { return Ok(Some((None, branch.name.clone()))) };
        if self.ref_commit(&format!("{LOCAL}{short}"))?.is_some() {
            return Ok((self.default_remote().as_ref() == Some(remote)).then(|| (None, short.to_string())));
        }
        let beside = self
            .remotes()
            .iter()
            .filter(|other| *other != remote)
            .any(|other| matches!(self.ref_commit(&format!("{TRACKING}{other}/{short}")), Ok(Some(_))));
        // Git finds the one remote that has it; among several it has to be told.
        let switch = if beside {
            format!("git switch --track {}", shell_word(&branch.git_name()))
        } else {
            format!("git switch {}", shell_word(short))
        };
        Ok(Some((Some(switch), short.to_string())))
    }

    /// The commit of `target`, which must be a local branch: nothing lands on what only follows a remote.
    pub fn target_head(&self, target: &str) -> Result<ObjectId> {
        if !is_branch_name(target) {
            return Err(not_a_branch_name(target));
        }
        if let Some(head) = self.ref_commit(&format!("{LOCAL}{target}"))? {
            return Ok(head);
        }
        let local = self.local_branches()?;
        let remote = self.branches_under(TRACKING)?;
        let start = |branch: &str, from: &str| format!("git branch {} {}", shell_word(branch), shell_word(from));
        let hint = match target.split_once('/').filter(|_| remote.iter().any(|b| b.name == target)) {
            Some((_, short)) if local.iter().any(|b| b.name == short) => {
                format!("a target is a local branch: --target {}", shell_word(short))
            }
            Some((_, short)) => format!("a target is a local branch: {}, then --target {}", start(short, target), shell_word(short)),
            None => match remote.iter().find(|b| b.name.split_once('/').is_some_and(|(_, short)| short == target)) {
                Some(branch) => start(target, &branch.name),
                None => match nearest(target, local.iter().map(|b| b.name.as_str())) {
                    Some(near) => format!("did you mean `{near}`? --target names the branch to land on"),
                    None => "--target names the branch to land on; `git branch --list` shows the branches".into(),
                },
            },
        };
        Err(Error::input("missing-branch", format!("there is no local branch `{target}` to land on")).hint(hint))
    }

    /// The branches that `patterns` name, sorted, each once. A pattern with `*`, `?` or `[` is a glob over local and
    /// remote-tracking branches, in which `*` crosses slashes as in `git branch --list`. Where it finds no local branch besides
    /// `target`, it is one over the names that branches have on the remote that `sync` goes to; where it does, those that are only there
    /// are given apart, as left out. One that matches nothing, and a name that does not exist, are refused with the nearest branch there is.
    pub fn branches_matching(&self, patterns: &[String], target: &str) -> Result<(Vec<Branch>, Vec<Branch>)> {
        let (local, there) = (self.local_branches()?, self.branches_there()?);
        let mut tracking = self.branches_under(TRACKING)?;
        tracking.retain(|b| !b.name.ends_with("/HEAD"));
        let (mut found, mut left_out) = (Vec::new(), Vec::new());
        for pattern in patterns.iter().map(|pattern| branch_name(pattern)) {
            if pattern.contains(['*', '?', '[']) {
                let fits = |name: &str| wildmatch(pattern.into(), name.into(), wildmatch::Mode::empty());
                let matching = |all: &[Branch]| all.iter().filter(|b| fits(&b.name)).cloned().collect::<Vec<_>>();
                let (mut matches, mut others) = (matching(&local), matching(&there));
                others.retain(|b| b.name != target);
                let is_here = matches.iter().any(|b| b.name != target);
                let only_there = others.iter().filter(|b| is_here && !local.iter().any(|own| own.name == b.name));
                left_out.extend(only_there.cloned());
                matches.extend(if is_here || others.is_empty() { matching(&tracking) } else { others });
                if matches.is_empty() {
                    let elsewhere = tracking.iter().find(|b| fits(b.short()));
                    let hint = match elsewhere.and_then(|b| b.remote.as_ref()) {
                        Some(remote) => format!("on {remote} there are such branches: {}", shell_word(&format!("{remote}/{pattern}"))),
                        None => "`git branch --all --list` shows the branches; quote the glob so that the shell leaves it alone".into(),
                    };
                    return Err(Error::input("missing-branch", format!("no branch matches `{pattern}`")).hint(hint));
                }
                found.extend(matches);
            } else {
                let branch = self.branch(pattern)?.ok_or_else(|| {
                    let hint = match nearest(pattern, local.iter().chain(&there).chain(&tracking).map(|b| b.name.as_str())) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => "`git branch --all --list` shows the branches".into(),
                    };
                    Error::input("missing-branch", format!("there is no branch `{pattern}`")).hint(hint)
                })?;
                found.push(branch);
            }
        }
        for branches in [&mut found, &mut left_out] {
            branches.sort();
            branches.dedup();
        }
        left_out.retain(|b| !found.iter().any(|taken: &Branch| taken.git_name() == b.git_name()));
        Ok((found, left_out))
    }
}

/// The remote that a remote-tracking branch was fetched from. The name of a remote may have slashes, too.
fn remote_of(remotes: &[String], name: &str) -> String {
    let known = remotes.iter().filter(|remote| name.strip_prefix(*remote).is_some_and(|rest| rest.starts_with('/')));
    known.max_by_key(|remote| remote.len()).cloned().unwrap_or_else(|| name.split('/').next().unwrap_or(name).into())
}
