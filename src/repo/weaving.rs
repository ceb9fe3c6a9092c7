//! Handles for weaving, and what they hold of the machine's memory.

use super::{Repo, open::SLOTS};
use crate::model::{Error, Result};
use gix::odb::{Store, pack::cache::lru::MemoryCappedHashmap, store::init::Options};
use std::sync::Arc;

/// Decoded objects, and objects that others are kept as differences from, per handle for weaving, in bytes. More of them makes no chain of
/// git.git faster.
const OBJECT_CACHE_BYTES: usize = 2 << 20;
const PACK_CACHE_BYTES: usize = 3 << 20;

/// From how much memory on, and after how much more of mapped packs, they are let go, in bytes. What is needed of them again is read
/// again, mostly from what the system caches.
const LARGE: u64 = 56 << 20;
const MORE: u64 = 4 << 20;

/// How many times nothing is asked of the system, for one time that it is.
const PATIENCE: u32 = 4;

impl Repo {
    /// A handle of the same repository that keeps the objects it writes in memory, and maps packs by itself.
    pub fn in_memory(&self) -> gix::Repository {
        let mut git = self.git.clone();
        // Where they cannot be opened a second time, they stay mapped until all handles are gone.
        if let Ok(objects) = open_objects(&git) {
            exchange(&mut git, objects);
        }
        git.objects.enable_object_memory();
        set_caches(&mut git);
        git
    }
}

/// The object database of `git`, opened anew.
fn open_objects(git: &gix::Repository) -> std::io::Result<gix::OdbHandle> {
    let old = git.objects.store_ref();
    let options = Options { slots: SLOTS, ..Options::default() };
    let store = Store::at_opts(old.path().to_path_buf(), git.object_hash(), &mut old.replacements(), options)?;
    Ok(gix::odb::Cache::from(Arc::new(store).to_handle()).into())
}

/// Take another object database in the place of that of `git`; its objects in memory stay.
fn exchange(git: &mut gix::Repository, objects: gix::OdbHandle) {
    let kept = std::mem::replace(&mut git.objects, objects).take_object_memory();
    git.objects.set_object_memory(kept.unwrap_or_default());
}

fn set_caches(git: &mut gix::Repository) {
    git.object_cache_size(OBJECT_CACHE_BYTES);
    // Versions of a file lie in a pack as differences from each other; a merge reads three of them.
    git.objects.set_pack_cache(|| Box::new(MemoryCappedHashmap::new(PACK_CACHE_BYTES)));
}

/// What of packs is mapped. The system counts their pages as this process's, and they grow with what is read of the repository.
#[derive(Debug, Default)]
pub struct MappedPacks {
    looks: u32,
    before: Option<u64>,
}

impl MappedPacks {
    /// Let go of the packs that `git` has mapped, where memory has become large by them. Its objects in memory stay.
    pub fn let_go(&mut self, git: &mut gix::Repository) -> Result<()> {
        self.looks += 1;
        if self.before.is_some() && !self.looks.is_multiple_of(PATIENCE) {
            return Ok(());
        }
        let Some((resident, mapped)) = memory() else { return Ok(()) };
        let before = *self.before.get_or_insert(mapped);
        if resident < LARGE || mapped < before + MORE {
            return Ok(());
        }
        let opened = open_objects(git).map_err(|e| Error::io("open the object database", e))?;
        exchange(git, opened);
        set_caches(git);
        self.before = memory().map(|(_, mapped)| mapped);
        Ok(())
    }
}

/// The bytes of this process that are in memory, and those of them that are mapped from files (statm in proc(5)).
fn memory() -> Option<(u64, u64)> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let mut pages = text.split(' ').skip(1).map_while(|number| number.parse::<u64>().ok());
    let page = rustix::param::page_size() as u64;
    Some((pages.next()? * page, pages.next()? * page))
}
