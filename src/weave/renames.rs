//! Renames, where they matter: what a side took away and the other changed or took away too is looked for among what the
//! first side added (merge-ort's relevant renames; Documentation/technical/remembering-renames).
//!
//! Only a pair that is beyond doubt is taken for a rename: no other file that is gone could be the source, and no other new
//! one the destination, whatever the order in which git tries them. Anything else is a doubt.

use super::{
    conflict::Clash,
    engine::{Engine, Findings, Gone, merged_mode},
    similarity::{Pieces, is_rename, sizes_allow_rename},
};
use crate::{
    model::{Error, Result},
    repo::{Changed, File, changes},
};
use gix::{
    ObjectId,
    bstr::{BString, ByteSlice},
    objs::tree::EntryKind,
};
use lru::LruCache;
use std::{
    collections::{HashMap, HashSet},
    num::NonZeroUsize,
    rc::Rc,
};

/// Git looks at no more pairs than this (merge.renameLimit, squared).
const MOST_PAIRS: usize = 7000 * 7000;

/// Sizes of files that are kept; a few megabytes.
const KEPT_SIZES: NonZeroUsize = NonZeroUsize::new(1 << 16).unwrap();

/// Files that are kept in pieces, each about a quarter of the file's size.
const KEPT_PIECES: NonZeroUsize = NonZeroUsize::new(1 << 12).unwrap();

/// Pairs of files whose likeness is kept.
const KEPT_PAIRS: NonZeroUsize = NonZeroUsize::new(1 << 15).unwrap();

/// What became of a file that is gone on a side.
enum Fate {
    Deleted,
    /// The place that it has moved to.
    Renamed(BString, File),
    Doubt,
}

/// Settle what the walk over the trees found gone, or added by both; gives the tree with what that changes.
pub(super) fn resolve(
    engine: &Engine,
    git: &gix::Repository,
    tree: ObjectId,
    [base, ours, theirs]: [ObjectId; 3],
    findings: &mut Findings,
) -> Result<ObjectId> {
    if findings.doubt {
        return Ok(tree);
    }
    let mut likeness = engine.likeness.borrow_mut();
    let gone = std::mem::take(&mut findings.gone);
    let both_moved_one = gone.iter().any(|gone| gone.sides == [None, None]);
    let mut moved: Vec<(Gone, usize, BString, File)> = Vec::new();
    // Among merge bases, a file that one side took away and the other changed goes on as the base has it.
    let mut kept: Vec<(BString, File)> = Vec::new();
    let mut searches = Vec::new();
    for (side, with) in [ours, theirs].into_iter().enumerate() {
        let relevant = gone.iter().any(|gone| gone.sides[side].is_none()) || !findings.added_to[side].is_empty();
        let changed = if relevant { changes(git, base, with)? } else { Vec::new() };
        // Git then opens what only this side changed, and writes it anew.
        if relevant && has_old_modes(git, Some(base), with).map_err(|e| Error::git("compare two trees", e))? {
            findings.doubt = true;
            return Ok(tree);
        }
        let search = Search::new(changed, &gone, side, !findings.added_to[side].is_empty());
        if search.gone.len() * search.new.len() > MOST_PAIRS {
            findings.doubt = true;
            return Ok(tree);
        }
        // Whether a folder was renamed is a question of what became of its files.
        for folder in &findings.added_to[side] {
            let inside = |path: &BString| path.strip_prefix(folder.as_slice()).is_some_and(|rest| rest.first() == Some(&b'/'));
            for (path, file) in search.gone.iter().filter(|(path, _)| inside(path)) {
                if search.is_moved(*file) || !search.candidates(engine, git, path, *file, &mut likeness)?.is_empty() {
                    findings.doubt = true;
                    return Ok(tree);
                }
            }
        }
        searches.push(search);
    }
    for gone in gone {
        let mut fates = Vec::with_capacity(2);
        for (side, search) in searches.iter().enumerate().filter(|(side, _)| gone.sides[*side].is_none()) {
            fates.push((side, search.fate(engine, git, &gone, &mut likeness)?));
        }
        match &fates[..] {
            [(_, Fate::Deleted), (_, Fate::Deleted)] => {}
            [(_, Fate::Deleted)] if findings.depth > 0 => kept.push((gone.path, gone.base)),
            [(_, Fate::Deleted)] => {
                let [ours, theirs] = gone.sides;
                findings.clashes.push(Clash { path: gone.path, stages: [Some(gone.base), ours, theirs] });
            }
            [(side, Fate::Renamed(to, file)), (_, Fate::Deleted)] | [(_, Fate::Deleted), (side, Fate::Renamed(to, file))] => {
                let mut stages = [Some(gone.base), None, None];
                stages[1 + side] = Some(*file);
                findings.clashes.push(Clash { path: to.clone(), stages });
            }
            [(side, Fate::Renamed(to, file))] => moved.push((gone, *side, to.clone(), *file)),
            _ => findings.doubt = true,
        }
    }
    for (path, files) in std::mem::take(&mut findings.added_by_both) {
        // Where both moved one file here, that file is the base.
        if findings.depth > 0 || both_moved_one || moved.iter().any(|(_, _, to, _)| *to == path) {
            findings.doubt = true;
        } else if engine.added_files(git, path.as_bstr(), files)? {
            findings.clashes.push(Clash { path, stages: [None, Some(files[0]), Some(files[1])] });
        } else {
            findings.doubt = true;
        }
    }
    if findings.depth > 0 && !findings.clashes.is_empty() {
        findings.doubt = true;
    }
    if findings.doubt || (moved.is_empty() && kept.is_empty()) {
        return Ok(tree);
    }
    let merging = |e: &dyn std::fmt::Display| Error::git("follow a rename", e);
    let mut editor = git.edit_tree(tree).map_err(|e| merging(&e))?;
    for (gone, side, to, file) in moved {
        let Some(other) = gone.sides[1 - side] else { continue };
        if is_taken(git, [theirs, ours][side], &to).map_err(|e| merging(&e))? {
            findings.doubt = true;
            return Ok(tree);
        }
        let sides = if side == 0 { [gone.base, file, other] } else { [gone.base, other, file] };
        if !sides.iter().all(|(mode, _)| mode.is_blob()) {
            findings.doubt = true;
            return Ok(tree);
        }
        let merged = engine.files(git, to.as_bstr(), sides, findings)?;
        editor.upsert(&to, merged_mode(sides).kind(), merged).map_err(|e| merging(&e))?;
    }
    for (path, (mode, id)) in kept {
        editor.upsert(&path, mode.kind(), id).map_err(|e| merging(&e))?;
    }
    Ok(editor.write().map_err(|e| merging(&e))?.detach())
}

/// Whether a tree has modes that git no longer writes, in folders that are not as in the base.
fn has_old_modes(git: &gix::Repository, base: Option<ObjectId>, tree: ObjectId) -> std::result::Result<bool, gix::Error> {
    if base == Some(tree) {
        return Ok(false);
    }
    let base = base.map(|base| git.find_tree(base)).transpose()?;
    for entry in git.find_tree(tree)?.iter().filter_map(std::result::Result::ok) {
        if entry.mode() != entry.mode().kind().into() {
            return Ok(true);
        }
        if entry.mode().is_tree() {
            let of_base =
                base.as_ref().and_then(|base| base.find_entry(entry.filename().to_owned())).filter(|entry| entry.mode().is_tree());
            if has_old_modes(git, of_base.map(|entry| entry.object_id()), entry.object_id())? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Whether a tree has something in a place, or a file, link or submodule where a folder must be for it.
fn is_taken(git: &gix::Repository, tree: ObjectId, path: &BString) -> std::result::Result<bool, gix::Error> {
    let mut at = tree;
    for name in path.split_str("/") {
        match git.find_tree(at)?.iter().filter_map(std::result::Result::ok).find(|entry| entry.filename() == name) {
            None => return Ok(false),
            Some(entry) if entry.mode().is_tree() => at = entry.object_id(),
            Some(_) => return Ok(true),
        }
    }
    Ok(true)
}

/// What one side took away and what it added.
struct Search {
    gone: Vec<(BString, File)>,
    new: Vec<(BString, File)>,
    /// How often a content is gone, and how often it is new. Git first pairs what is the same on both lists.
    same: HashMap<File, (usize, usize)>,
    /// Of `gone`, what git looks for by likeness: only what matters for the merge, and is not paired already.
    wanted: Vec<usize>,
    /// Of `new`, what it looks among.
    open: Vec<usize>,
}

impl Search {
    /// `relevant` is what matters of the files that are gone on `side`; where a folder may have been renamed, all do.
    fn new(changed: Vec<Changed>, relevant: &[Gone], side: usize, folders_matter: bool) -> Search {
        let mut search = Search { gone: Vec::new(), new: Vec::new(), same: HashMap::new(), wanted: Vec::new(), open: Vec::new() };
        for Changed { path, old, new } in changed {
            match (old, new) {
                (Some(file), None) => {
                    search.same.entry(content(file)).or_default().0 += 1;
                    search.gone.push((path, file));
                }
                (None, Some(file)) => {
                    search.same.entry(content(file)).or_default().1 += 1;
                    search.new.push((path, file));
                }
                _ => {}
            }
        }
        let relevant: HashSet<&BString> = relevant.iter().filter(|gone| gone.sides[side].is_none()).map(|gone| &gone.path).collect();
        let counts = |file: File| search.same.get(&content(file)).copied().unwrap_or_default();
        let is_wanted = |(path, file): &(BString, File)| {
            let (gone, new) = counts(*file);
            (folders_matter || relevant.contains(path)) && gone > new
        };
        let is_open = |(_, file): &(BString, File)| {
            let (gone, new) = counts(*file);
            new > gone
        };
        let places = |list: &[(BString, File)], which: &dyn Fn(&(BString, File)) -> bool| {
            list.iter().enumerate().filter(|(_, one)| which(one)).map(|(at, _)| at).collect()
        };
        (search.wanted, search.open) = (places(&search.gone, &is_wanted), places(&search.new, &is_open));
        search
    }

    /// Whether a file that is gone is new elsewhere, as it is.
    fn is_moved(&self, gone: File) -> bool {
        self.same.get(&content(gone)).is_some_and(|(_, new)| *new > 0)
    }

    fn fate(&self, engine: &Engine, git: &gix::Repository, gone: &Gone, likeness: &mut Likeness) -> Result<Fate> {
        if gone.base.1 == git.object_hash().empty_blob() {
            return Ok(Fate::Deleted);
        }
        if self.is_moved(gone.base) {
            let mut same = self.new.iter().filter(|(_, new)| content(*new) == content(gone.base));
            return Ok(match (self.same.get(&content(gone.base)), same.next()) {
                (Some((1, 1)), Some((to, file))) => Fate::Renamed(to.clone(), *file),
                _ => Fate::Doubt,
            });
        }
        let candidates = self.candidates(engine, git, &gone.path, gone.base, likeness)?;
        let to = match candidates[..] {
            [] => return Ok(Fate::Deleted),
            [to] => &self.new[to],
            _ => return Ok(Fate::Doubt),
        };
        for (path, file) in self.wanted.iter().map(|at| &self.gone[*at]).filter(|(path, _)| *path != gone.path) {
            if likeness.alike(engine, git, [(path, *file), (&to.0, to.1)])? {
                return Ok(Fate::Doubt);
            }
        }
        Ok(Fate::Renamed(to.0.clone(), to.1))
    }

    /// The new files that one that is gone may have become, by likeness.
    fn candidates(
        &self,
        engine: &Engine,
        git: &gix::Repository,
        path: &BString,
        gone: File,
        likeness: &mut Likeness,
    ) -> Result<Vec<usize>> {
        let mut found = Vec::new();
        for &at in &self.open {
            let (new_path, new) = &self.new[at];
            if likeness.alike(engine, git, [(path, gone), (new_path, *new)])? {
                found.push(at);
            }
        }
        Ok(found)
    }
}

/// A file as it counts for being the same: whether it may be executed does not.
fn content((mode, id): File) -> File {
    (if mode.is_blob() { EntryKind::Blob.into() } else { mode }, id)
}

/// Which files are alike. What was read for one merge is kept for the next: a chain asks again and again what became of the
/// same files.
pub(super) struct Likeness {
    /// Of files without carriage returns: whether they are alike.
    known: LruCache<(ObjectId, ObjectId), bool>,
    sizes: LruCache<ObjectId, u64>,
    pieces: LruCache<ObjectId, Rc<Pieces>>,
    /// Those of files with carriage returns depend on what the attributes of their place say.
    pieces_by_place: LruCache<(ObjectId, Option<bool>), Rc<Pieces>>,
}

impl Likeness {
    pub fn new() -> Likeness {
        Likeness {
            known: LruCache::new(KEPT_PAIRS),
            sizes: LruCache::new(KEPT_SIZES),
            pieces: LruCache::new(KEPT_PIECES),
            pieces_by_place: LruCache::new(KEPT_PIECES),
        }
    }

    fn alike(
        &mut self,
        engine: &Engine,
        git: &gix::Repository,
        [(gone_path, gone), (new_path, new)]: [(&BString, File); 2],
    ) -> Result<bool> {
        let empty = git.object_hash().empty_blob();
        if gone.1 == empty || new.1 == empty {
            return Ok(false);
        }
        // What is the same has been paired, and links are never but the same.
        if !gone.0.is_blob() || !new.0.is_blob() || gone.1 == new.1 {
            return Ok(gone.1 == new.1);
        }
        if !sizes_allow_rename(self.size(git, gone.1)?, self.size(git, new.1)?) {
            return Ok(false);
        }
        if let Some(known) = self.known.get(&(gone.1, new.1)) {
            return Ok(*known);
        }
        let (gone_pieces, new_pieces) = (self.pieces(engine, git, gone_path, gone.1)?, self.pieces(engine, git, new_path, new.1)?);
        let alike = is_rename(&gone_pieces, &new_pieces);
        if self.pieces.contains(&gone.1) && self.pieces.contains(&new.1) {
            self.known.put((gone.1, new.1), alike);
        }
        Ok(alike)
    }

    fn size(&mut self, git: &gix::Repository, id: ObjectId) -> Result<u64> {
        let read = || git.find_header(id).map(|header| header.size());
        self.sizes.try_get_or_insert(id, read).copied().map_err(|e| Error::git(format_args!("read blob {id}"), e))
    }

    fn pieces(&mut self, engine: &Engine, git: &gix::Repository, path: &BString, id: ObjectId) -> Result<Rc<Pieces>> {
        if let Some(pieces) = self.pieces.get(&id) {
            return Ok(Rc::clone(pieces));
        }
        let blob = git.find_blob(id).map_err(|e| Error::git(format_args!("read blob {id}"), e))?;
        if !blob.data.contains_str("\r\n") {
            let pieces = Rc::new(Pieces::of(&blob.data, None));
            self.pieces.put(id, Rc::clone(&pieces));
            return Ok(pieces);
        }
        let told_text = engine.told_text(git, path.as_bstr())?;
        let pieces = self.pieces_by_place.get_or_insert((id, told_text), || Rc::new(Pieces::of(&blob.data, told_text)));
        Ok(Rc::clone(pieces))
    }
}
