//! Local and remote-tracking branches, by name and by glob.

use super::Repo;
use crate::model::{Error, Result, error::nearest, shell_word};
use gix::{ObjectId, bstr::ByteSlice, glob::wildmatch};

/// A branch and the commit it points to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Branch {
    /// `feat/a` for a local branch, `origin/feat/a` for a remote-tracking one.
    pub name: String,
    /// Its commit.
    pub head: ObjectId,
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
        self.branches_under("refs/heads/")
    }

    fn branches_under(&self, prefix: &str) -> Result<Vec<Branch>> {
        let refs = self.listing(prefix)?.refs;
        Ok(refs.into_iter().map(|(name, head)| Branch { name, head }).collect())
    }

    /// The branch called `name`, local before remote-tracking.
    pub fn branch(&self, name: &str) -> Result<Option<Branch>> {
        if !is_branch_name(name) {
            return Err(not_a_branch_name(name));
        }
        for prefix in ["refs/heads/", "refs/remotes/"] {
            if let Some(head) = self.ref_commit(&format!("{prefix}{name}"))? {
                return Ok(Some(Branch { name: name.into(), head }));
            }
        }
        Ok(None)
    }

    /// The commit of `target`, which must be a local branch: nothing lands on what only follows a remote.
    pub fn target_head(&self, target: &str) -> Result<ObjectId> {
        if !is_branch_name(target) {
            return Err(not_a_branch_name(target));
        }
        if let Some(head) = self.ref_commit(&format!("refs/heads/{target}"))? {
            return Ok(head);
        }
        let local = self.local_branches()?;
        let remote = self.branches_under("refs/remotes/")?;
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
    /// remote-tracking branches, in which `*` crosses slashes as in `git branch --list`; one that matches nothing, and
    /// a name that does not exist, are refused with the nearest branch there is.
    pub fn branches_matching(&self, patterns: &[String]) -> Result<Vec<Branch>> {
        let mut all = self.local_branches()?;
        all.extend(self.branches_under("refs/remotes/")?.into_iter().filter(|b| !b.name.ends_with("/HEAD")));
        let mut found = Vec::new();
        for pattern in patterns.iter().map(|pattern| branch_name(pattern)) {
            if pattern.contains(['*', '?', '[']) {
                let matches = |b: &&Branch| wildmatch(pattern.into(), b.name.as_str().into(), wildmatch::Mode::empty());
                let before = found.len();
                found.extend(all.iter().filter(matches).cloned());
                if found.len() == before {
                    return Err(Error::input("missing-branch", format!("no branch matches `{pattern}`"))
                        .hint("`git branch --all --list` shows the branches; quote the glob so that the shell leaves it alone"));
                }
            } else {
                let branch = self.branch(pattern)?.ok_or_else(|| {
                    let hint = match nearest(pattern, all.iter().map(|b| b.name.as_str())) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => "`git branch --all --list` shows the branches".into(),
                    };
                    Error::input("missing-branch", format!("there is no branch `{pattern}`")).hint(hint)
                })?;
                found.push(branch);
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    }
}
