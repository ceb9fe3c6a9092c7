//! Refs move by compare-and-swap, several at once or none.

use super::{
    Repo,
    process::Talk,
    unwritten::{disk, unwritten},
    writing::Writing,
};
use crate::model::{Error, Result};
use gix::{
    ObjectId,
    lock::acquire::Fail,
    prelude::ReferenceExt,
    refs::{
        FullNameRef, Target,
        file::Transaction,
        transaction::{Change, LogChange, PreviousValue, RefEdit, RefLog},
    },
};
use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};

/// How long to wait for another process that holds a ref's lock.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);

/// For how long of it a lock is tried for before the ref is looked at again, as git does it (`core.filesRefLockTimeout` in git-config(1)).
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// One ref's old and new value.
#[derive(Clone, Debug)]
pub struct RefChange {
    /// The full name.
    pub name: String,
    /// What it must hold now; `None` means that it must not exist.
    pub old: Option<ObjectId>,
    /// What it shall hold; `None` deletes it.
    pub new: Option<ObjectId>,
}

/// A ref did not hold what a compare-and-swap expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The ref's full name.
    pub name: String,
    /// What was expected.
    pub expected: Option<ObjectId>,
    /// What it holds.
    pub found: Option<ObjectId>,
}

impl Repo {
    /// The commit that a ref points to, tags peeled; `None` where there is no such ref.
    pub fn ref_commit(&self, name: &str) -> Result<Option<ObjectId>> {
        if let Some(incoming) = self.incoming.get(name) {
            return Ok(*incoming);
        }
        let Some(mut reference) = self.reference(name)? else { return Ok(None) };
        let id = reference.peel_to_id().map_err(|e| Error::git(format_args!("read {name}"), e))?;
        Ok(Some(id.detach()))
    }

    /// What a ref itself holds.
    fn ref_value(&self, name: &str) -> Result<Option<ObjectId>> {
        Ok(self.reference(name)?.and_then(|r| r.target().try_id().map(ToOwned::to_owned)))
    }

    /// The ref of exactly this name, which all work trees share. A full name, too, that gix does not find, it looks for in four more places,
    /// as git does for a short one.
    fn reference(&self, name: &str) -> Result<Option<gix::Reference<'_>>> {
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read {name}"), e);
        let full: &FullNameRef = name.try_into().map_err(|e| reading(&e))?;
        // In this order, for git packs a ref before it takes the loose one away.
        let loose = self.git.common_dir().join(name).symlink_metadata();
        if !loose.is_err_and(|e| matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)) {
            let found = self.git.try_find_reference(full).map_err(|e| reading(&e))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        let Some(packed) = self.git.refs.cached_packed_buffer().map_err(|e| reading(&e))? else { return Ok(None) };
        let found = packed.try_find(full).map_err(|e| reading(&e))?;
        Ok(found.map(|found| gix::refs::Reference::from(found).attach(&self.git)))
    }

    /// The names under `prefix` (with its trailing slash), without it, and their values, sorted by name.
    pub fn refs_under(&self, prefix: &str) -> Result<Vec<(String, ObjectId)>> {
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("list {prefix}"), e);
        let platform = self.git.references().map_err(|e| reading(&e))?;
        let mut found = Vec::new();
        for reference in platform.prefixed(prefix).map_err(|e| reading(&e))? {
            let reference = reference.map_err(|e| reading(&e))?;
            let name = reference.name().as_bstr().to_string();
            if let (Some(short), Some(id)) = (name.strip_prefix(prefix), reference.target().try_id()) {
                found.push((short.to_string(), id.to_owned()));
            }
        }
        self.add_incoming(prefix, &mut found);
        Ok(found)
    }

    /// Move all refs, or none. A ref that does not hold its old value is no error but an answer, for the caller to
    /// re-read and try again or to say what changed.
    pub fn swap_refs(&self, changes: &[RefChange], message: &str) -> Result<Result<(), Moved>> {
        match self.lock_refs(changes, message)? {
            Ok(locked) => locked.commit().map(Ok),
            Err(moved) => Ok(Err(moved)),
        }
    }

    fn lock_refs(&self, changes: &[RefChange], message: &str) -> Result<Result<LockedRefs<'_>, Moved>> {
        let edits = changes.iter().map(|c| self.edit(c, message)).collect::<Result<Vec<_>>>()?;
        let doing = format!("update {}", changes.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", "));
        let who = self.signature()?;
        let deadline = Instant::now() + LOCK_PATIENCE;
        let patience = Fail::AfterDurationWithBackoff(LOCK_PAUSE);
        loop {
            let why = match Writing::begin(self, changes) {
                Ok(mark) => match self.git.refs.transaction().prepare(edits.clone(), patience, patience) {
                    Ok(transaction) => return Ok(Ok(LockedRefs { transaction, who, doing, _mark: mark })),
                    Err(error) if disk(&error).is_some() => return Err(unwritten(doing, &error)),
                    Err(error) => error.to_string(),
                },
                Err(who) => format!("refs are being written by {who}"),
            };
            if let Some(moved) = self.moved(changes)? {
                return Ok(Err(moved));
            }
            // Every ref is as expected, so that another process is writing refs, or git has left a lock behind.
            if Instant::now() > deadline {
                return Err(Error::git(doing, why).hint("if no git process is at work, remove the stale .lock file beside that ref"));
            }
            std::thread::sleep(Duration::from_millis(20 + u64::from(std::process::id()) % 20));
        }
    }

    /// The first of these refs that does not hold its old value.
    fn moved(&self, changes: &[RefChange]) -> Result<Option<Moved>> {
        for change in changes {
            let found = self.ref_value(&change.name)?;
            if found != change.old {
                return Ok(Some(Moved { name: change.name.clone(), expected: change.old, found }));
            }
        }
        Ok(None)
    }

    fn edit(&self, change: &RefChange, message: &str) -> Result<RefEdit> {
        let name = change
            .name
            .as_str()
            .try_into()
            .map_err(|e| Error::input("bad-name", format!("`{}` is no valid ref name: {e}", change.name)))?;
        let expected = match change.old {
            Some(old) => PreviousValue::MustExistAndMatch(Target::Object(old)),
            None => PreviousValue::MustNotExist,
        };
        let change = match change.new {
            Some(new) => Change::Update {
                log: LogChange { mode: RefLog::AndReference, force_create_reflog: false, message: message.into() },
                expected,
                new: Target::Object(new),
            },
            None => Change::Delete { expected, log: RefLog::AndReference },
        };
        Ok(RefEdit { change, name, deref: false })
    }

    /// Lock all refs, or none, for a move that [`PreparedRefs::commit`] makes, as git would make it: hooks and HEAD's reflog see it. Until
    /// then nobody else can move them.
    pub fn prepare_refs(&self, changes: &[RefChange], message: &str) -> Result<Result<PreparedRefs<'_>, Moved>> {
        if self.is_for_git(changes)? {
            return self.let_git_prepare(changes, message);
        }
        Ok(self.lock_refs(changes, message)?.map(|locked| PreparedRefs::Here(Box::new(locked))))
    }

    /// Whether more comes with a move of these refs than the move: a hook sees it, HEAD or a work tree goes with it, they lead to other refs,
    /// or they are to be made durable.
    fn is_for_git(&self, changes: &[RefChange]) -> Result<bool> {
        let config = self.git.config_snapshot();
        // A hook may stand in the configuration, too (git-hook(1)).
        let is_set = config.string("core.fsync").is_some() || config.plumbing().sections_by_name("hook").is_some();
        if is_set || self.hooks_folder()?.join("reference-transaction").exists() {
            return Ok(true);
        }
        let head = self.git.head_name().map_err(|e| Error::git("read HEAD", e))?;
        for (branch, change) in changes.iter().filter_map(|change| Some((change.name.strip_prefix("refs/heads/")?, change))) {
            let is_head = head.as_ref().is_some_and(|head| head.as_bstr() == change.name);
            if is_head || !self.checkouts_of(branch)?.is_empty() {
                return Ok(true);
            }
        }
        // What has moved is told by git, too, and where it leads.
        Ok(self.moved(changes)?.is_some())
    }

    fn let_git_prepare(&self, changes: &[RefChange], message: &str) -> Result<Result<PreparedRefs<'_>, Moved>> {
        let null = self.git.object_hash().null();
        let mut script = String::from("start\n");
        for change in changes {
            let (old, new) = (change.old.unwrap_or(null), change.new.unwrap_or(null));
            script.push_str(&format!("update {} {new} {old}\n", change.name));
        }
        script.push_str("prepare\n");
        let patience = format!("core.filesRefLockTimeout={}", LOCK_PATIENCE.as_millis());
        let command = self.git_command().args(["-c", &patience, "update-ref", "--stdin", "-m", message]);
        let mut talk = command.talk()?;
        talk.say(&script);
        if ["start: ok", "prepare: ok"].iter().all(|answer| talk.hear().as_deref() == Some(answer)) {
            return Ok(Ok(PreparedRefs::Git(talk)));
        }
        let refused = talk.end()?.stderr;
        match self.moved(changes)? {
            Some(moved) => Ok(Err(moved)),
            None => Err(refusal(&refused)),
        }
    }
}

fn refusal(stderr: &str) -> Error {
    let hint = match stderr.contains(".lock") {
        true => "if no git process is at work, remove that .lock file",
        false => "mend what git names, such as a hook that refuses, and run it again: verdicts are reused",
    };
    Error::git("move the target", stderr).hint(hint)
}

/// Refs that are locked for a move. Dropped without a commit, they stay where they are.
pub enum PreparedRefs<'r> {
    /// By a process of git, which gives them back when this one ends, however that comes.
    Git(Talk),
    /// By this process.
    Here(Box<LockedRefs<'r>>),
}

impl PreparedRefs<'_> {
    /// Move them.
    pub fn commit(self) -> Result<()> {
        match self {
            PreparedRefs::Here(locked) => locked.commit(),
            PreparedRefs::Git(mut talk) => {
                talk.say("commit\n");
                let done = talk.hear().as_deref() == Some("commit: ok");
                let output = talk.end()?;
                if done { Ok(()) } else { Err(refusal(&output.stderr)) }
            }
        }
    }
}

/// Refs that this process has locked, with their new values beside them.
pub struct LockedRefs<'r> {
    transaction: Transaction<'r, 'r>,
    who: gix::actor::Signature,
    /// What an error says that could not be done.
    doing: String,
    /// Names them, for those who find the locks of a process that was killed.
    _mark: Writing,
}

impl LockedRefs<'_> {
    /// Move them, in the order in which they were named.
    fn commit(self) -> Result<()> {
        let mut time = gix::date::parse::TimeBuf::default();
        self.transaction.commit(Some(self.who.to_ref(&mut time))).map(drop).map_err(|e| unwritten(self.doing, &e))
    }
}
