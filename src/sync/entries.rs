//! Resolutions are united entry by entry, and what was forgotten on one side and left alone on the other stays forgotten.

use super::{Joined, check};
use crate::{
    model::{Error, Result, resolution::Resolution},
    plan::merge::Side,
    repo::{History, RESOLUTIONS_REF, Repo},
};
use gix::{ObjectId, objs::tree::EntryKind};
use std::collections::{BTreeMap, BTreeSet};

/// Most resolutions, and most bytes of one.
const MAX_ENTRIES: usize = 1_000_000;
const MAX_ENTRY: u64 = 64 << 20;

/// As many digits of a key as people are shown.
const SHORT_KEY: usize = 12;

/// The blobs by their keys, and how many entries are none.
type Entries = (BTreeMap<String, ObjectId>, usize);

/// Join the resolutions at `here` with those at `there`. Where both have changed one, `take` decides; without it, what others may have used
/// by now stands. The error is why those there cannot be read at all.
pub(super) fn join(repo: &Repo, here: Option<ObjectId>, there: ObjectId, take: Option<Side>) -> Result<Result<Joined, String>> {
    let (yours, mut left_out) = match check::commit(repo, there).and_then(|()| find(repo, there)) {
        Ok(yours) => yours,
        Err(why) => return Ok(Err(why)),
    };
    let broken = |why: String| Error::git(format_args!("read {RESOLUTIONS_REF}"), why);
    let (mine, _) = here.map(|here| find(repo, here)).transpose().map_err(broken)?.unwrap_or_default();
    let common = here.map(|here| History::default().merge_bases(&repo.git, here, there)).transpose()?.unwrap_or_default();
    let mut bases = common.into_iter().map(|base| Ok(find(repo, base).map_err(broken)?.0)).collect::<Result<Vec<_>>>()?;
    if bases.is_empty() {
        bases.push(BTreeMap::new());
    }
    let keys: BTreeSet<&String> = mine.keys().chain(yours.keys()).collect();
    let mut edits: Vec<(&String, Option<ObjectId>)> = Vec::new();
    let (mut same_there, mut decided) = (left_out == 0, Vec::new());
    for key in keys {
        let (own, theirs) = (mine.get(key), yours.get(key));
        if own == theirs {
            continue;
        }
        let untouched = |side: Option<&ObjectId>| bases.iter().all(|base| base.get(key) == side);
        let both = !untouched(theirs) && !untouched(own);
        // What one has forgotten gives way to what the other one has learnt.
        let take_theirs = !untouched(theirs) && (!both || take.map_or(theirs.is_some(), |side| side == Side::There));
        let is_good = theirs.is_none_or(|blob| read(repo, key, *blob).is_some());
        if both && is_good {
            decided.push(told(repo, key, own, theirs, take_theirs));
        }
        match theirs {
            Some(_) if take_theirs && !is_good => (left_out, same_there) = (left_out + 1, false),
            _ if take_theirs => edits.push((key, theirs.copied())),
            _ => same_there = false,
        }
    }
    let tip = match here {
        None if same_there => there,
        Some(here) if same_there && repo.is_ancestor(here, there)? => there,
        Some(here) if edits.is_empty() && repo.is_ancestor(there, here)? => here,
        _ => {
            let tree = edit(repo, here, &edits)?;
            repo.commit_tree(tree, here.into_iter().chain([there]), "Resolutions united by git lex-pr")?
        }
    };
    let taken = edits.iter().filter(|(_, blob)| blob.is_some()).count();
    Ok(Ok(Joined { tip, taken, forgotten: edits.len() - taken, left_out, decided }))
}

/// Which of two resolutions of one conflict stands, and where the other one is.
fn told(repo: &Repo, key: &str, own: Option<&ObjectId>, theirs: Option<&ObjectId>, take_theirs: bool) -> String {
    let path = [own, theirs].into_iter().flatten().find_map(|blob| read(repo, key, *blob)).map(|one| format!(" of {}", one.path));
    let what = format!("resolution {}{}", &key[..SHORT_KEY], path.unwrap_or_default());
    let stands = if take_theirs { "there" } else { "here" };
    let other = if take_theirs { own } else { theirs };
    match (own, theirs, other) {
        (Some(_), Some(_), Some(other)) => {
            format!(
                "{what} was learnt here and there in two ways, and the one from {stands} stands; the other one: git show {}",
                repo.short(*other)
            )
        }
        (_, _, Some(other)) => {
            format!("{what} stays forgotten, as it is {stands}; what the other side has learnt: git show {}", repo.short(*other))
        }
        _ => format!("{what} was forgotten on one side and learnt anew on the other; the one from {stands} stands"),
    }
}

fn edit(repo: &Repo, base: Option<ObjectId>, edits: &[(&String, Option<ObjectId>)]) -> Result<ObjectId> {
    let writing = |e: &dyn std::fmt::Display| Error::git(format_args!("write {RESOLUTIONS_REF}"), e);
    let base = match base {
        Some(base) => repo.git.find_commit(base).map_err(|e| writing(&e))?.tree_id().map_err(|e| writing(&e))?.detach(),
        None => repo.git.object_hash().empty_tree(),
    };
    let mut editor = repo.git.edit_tree(base).map_err(|e| writing(&e))?;
    for (key, blob) in edits {
        let path = format!("{}/{}", &key[..2], &key[2..]);
        match blob {
            Some(blob) => drop(editor.upsert(path.as_str(), EntryKind::Blob, *blob).map_err(|e| writing(&e))?),
            None => drop(editor.remove(path.as_str()).map_err(|e| writing(&e))?),
        }
    }
    Ok(editor.write().map_err(|e| writing(&e))?.detach())
}

/// The resolutions of a commit: `AB/CDEF...` is that of `ABCDEF...`.
fn find(repo: &Repo, commit: ObjectId) -> Result<Entries, String> {
    let reading = |e: &dyn std::fmt::Display| format!("its resolutions cannot be read: {e}");
    let tree = repo.git.find_commit(commit).map_err(|e| reading(&e))?.tree().map_err(|e| reading(&e))?;
    let is_hex = |text: &str, length: usize| text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let (mut found, mut strange) = (BTreeMap::new(), 0);
    for folder in tree.iter() {
        let folder = folder.map_err(|e| reading(&e))?;
        let beginning = folder.filename().to_string();
        if folder.mode().kind() != EntryKind::Tree || !is_hex(&beginning, 2) {
            strange += 1;
            continue;
        }
        for entry in repo.git.find_tree(folder.object_id()).map_err(|e| reading(&e))?.iter() {
            let entry = entry.map_err(|e| reading(&e))?;
            let rest = entry.filename().to_string();
            if entry.mode().kind() == EntryKind::Blob && is_hex(&rest, 62) {
                found.insert(format!("{beginning}{rest}"), entry.object_id());
            } else {
                strange += 1;
            }
        }
        if found.len() + strange > MAX_ENTRIES {
            return Err(format!("it has more than {MAX_ENTRIES} resolutions"));
        }
    }
    Ok((found, strange))
}

/// The resolution that a blob holds, if it is the one that its key says.
fn read(repo: &Repo, key: &str, blob: ObjectId) -> Option<Resolution> {
    repo.git.find_header(blob).ok().filter(|header| header.size() <= MAX_ENTRY)?;
    let blob = repo.git.find_blob(blob).ok()?;
    Resolution::from_bytes(&blob.data, key).ok().filter(|one| one.own_key() == key)
}
