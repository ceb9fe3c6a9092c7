//! All that touches git: objects, refs, notes, branches and work trees.

mod branches;
mod checkout;
mod commits;
mod corrected_dates;
mod disk;
mod files;
mod gate_tree;
mod history;
mod listing;
mod notes;
mod objects;
mod open;
mod process;
mod refs;
mod refspecs;
mod resolutions;
mod scratch;
mod unwritten;
mod writing;

pub use branches::{Branch, branch_name, is_branch_name};
pub use checkout::Checkout;
pub use disk::{RESERVE, free};
pub use gate_tree::{GateTree, PLAIN_CONFIG};
pub use history::History;
pub use listing::Listing;
pub use notes::{NoteLines, Notes};
pub(crate) use objects::named_objects;
pub use open::OBJECT_CACHE_BYTES;
pub use process::GitCommand;
pub use refs::{Moved, PreparedRefs, RefChange};
pub use refspecs::{TRACKING, refspecs};
pub use resolutions::{RESOLUTIONS_REF, Resolutions};
pub use scratch::Scratch;
pub(crate) use unwritten::unwritten;

/// Objects that others are kept as differences from, per handle for weaving, in bytes.
const PACK_CACHE_BYTES: usize = 12 << 20;

/// A git repository that is safe to work in.
pub struct Repo {
    /// Writes go to the object database at once; [`Repo::in_memory`] gives a handle whose writes do not.
    pub git: gix::Repository,
}

impl Repo {
    /// A handle of the same repository that keeps the objects it writes in memory.
    pub fn in_memory(&self) -> gix::Repository {
        let mut git = self.git.clone().with_object_memory();
        git.object_cache_size(OBJECT_CACHE_BYTES);
        // Versions of a file lie in a pack as differences from each other; a merge reads three of them.
        git.objects.set_pack_cache(|| Box::new(gix::odb::pack::cache::lru::MemoryCappedHashmap::new(PACK_CACHE_BYTES)));
        git
    }
}
