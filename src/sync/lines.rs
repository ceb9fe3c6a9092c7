//! Notes are sets of lines, and two clones' sets are united. What a line means is asked when it is read, so that one of a newer
//! version is kept; here it only has to be a line that can do no harm.

use super::{Joined, check};
use crate::{
    model::{Error, Result},
    repo::{NoteLines, Repo},
};
use gix::{ObjectId, objs::tree::EntryKind};
use std::collections::{BTreeMap, BTreeSet};

/// Most notes of one ref, most bytes of one of them, and most of a line.
const MAX_NOTES: usize = 2_000_000;
const MAX_NOTE: u64 = 64 << 20;
const MAX_LINE: usize = 1 << 20;

/// The notes of a tree by the object that they are on; and how many entries are none.
struct Found {
    notes: BTreeMap<ObjectId, ObjectId>,
    strange: usize,
}

/// Unite the notes at `here` with those at `there`. The error is why those there cannot be read at all.
pub(super) fn unite(repo: &Repo, name: &str, here: Option<ObjectId>, there: ObjectId) -> Result<Result<Joined, String>> {
    let yours = match check::commit(repo, there).and_then(|()| find(repo, there)) {
        Ok(yours) => yours,
        Err(why) => return Ok(Err(why)),
    };
    let mine = here.map(|here| find(repo, here)).transpose().map_err(|why| Error::git(format_args!("read {name}"), why))?;
    let mine = mine.map(|mine| mine.notes).unwrap_or_default();
    let (mut added, mut taken, mut left_out) = (NoteLines::new(), 0, yours.strange);
    // Whether there is everything that is here, and nothing that does not belong.
    let mut same_there = yours.strange == 0 && mine.keys().all(|object| yours.notes.contains_key(object));
    for (object, blob) in &yours.notes {
        let own = mine.get(object);
        if own == Some(blob) {
            continue;
        }
        let own: BTreeSet<String> = match own {
            Some(own) => lines(repo, *own).map_err(|why| Error::git(format_args!("read {name}"), why))?.0,
            None => BTreeSet::new(),
        };
        let Ok((theirs, bad)) = lines(repo, *blob) else {
            (left_out, same_there) = (left_out + 1, false);
            continue;
        };
        left_out += bad;
        same_there &= bad == 0 && own.is_subset(&theirs);
        let new: Vec<String> = theirs.difference(&own).cloned().collect();
        taken += new.len();
        if !new.is_empty() {
            added.insert(*object, new);
        }
    }
    let tip = match here {
        None if same_there => there,
        Some(here) if same_there && repo.is_ancestor(here, there)? => there,
        Some(here) if added.is_empty() && repo.is_ancestor(there, here)? => here,
        _ => {
            let mut draft = repo.draft();
            let tree = draft.notes_with(name, here, &added)?;
            let tip = draft.commit_tree(tree, here.into_iter().chain([there]), "Notes united by git lex-pr")?;
            repo.take_in(&mut draft, [tip])?;
            tip
        }
    };
    Ok(Ok(Joined { tip, taken, forgotten: 0, left_out, decided: Vec::new() }))
}

/// The notes of a commit. Folders only spread their names: `ab/cd01...` is on `abcd01...`.
fn find(repo: &Repo, commit: ObjectId) -> Result<Found, String> {
    let tree = repo.git.find_commit(commit).and_then(|commit| commit.tree_id().map(gix::Id::detach));
    let mut found = Found { notes: BTreeMap::new(), strange: 0 };
    let mut open = vec![(String::new(), tree.map_err(|e| e.to_string())?)];
    while let Some((beginning, tree)) = open.pop() {
        let tree = repo.git.find_tree(tree).map_err(|e| format!("its notes cannot be read: {e}"))?;
        for entry in tree.iter() {
            let entry = entry.map_err(|e| format!("its notes cannot be read: {e}"))?;
            let name = format!("{beginning}{}", entry.filename());
            let is_folder = entry.mode().kind() == EntryKind::Tree;
            let is_hex = name.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
            match ObjectId::from_hex(name.as_bytes()) {
                Ok(object) if entry.mode().kind() == EntryKind::Blob && is_hex && object.kind() == repo.git.object_hash() => {
                    found.notes.insert(object, entry.object_id());
                }
                _ if is_folder && is_hex && entry.filename().len() == 2 && name.len() < repo.git.object_hash().len_in_hex() => {
                    open.push((name, entry.object_id()));
                }
                _ => found.strange += 1,
            }
            // Folders that hold each other's copies could go on for ever.
            if found.notes.len() + found.strange + open.len() > MAX_NOTES {
                return Err(format!("it has more than {MAX_NOTES} notes"));
            }
        }
    }
    Ok(found)
}

/// The lines of a note that are text, and how many are not.
fn lines(repo: &Repo, blob: ObjectId) -> Result<(BTreeSet<String>, usize), String> {
    let header = repo.git.find_header(blob).map_err(|e| e.to_string())?;
    if header.size() > MAX_NOTE {
        return Err(format!("a note has {} bytes", header.size()));
    }
    let blob = repo.git.find_blob(blob).map_err(|e| e.to_string())?;
    let (mut good, mut bad) = (BTreeSet::new(), 0);
    for line in blob.data.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let text =
            std::str::from_utf8(line).ok().filter(|text| text.len() <= MAX_LINE && !text.chars().any(|c| c.is_control() && c != '\t'));
        match text {
            Some(text) => drop(good.insert(text.to_string())),
            None => bad += 1,
        }
    }
    Ok((good, bad))
}
