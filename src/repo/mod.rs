//! All that touches git: objects, refs, notes, branches and work trees.

mod branches;
mod changes;
mod checkout;
mod commits;
mod corrected_dates;
mod disk;
mod files;
mod gate_tree;
mod history;
mod hooks;
mod incoming;
mod listing;
mod notes;
mod objects;
mod open;
mod pack;
mod parameters;
mod process;
mod refs;
mod refspecs;
mod remote;
mod resolutions;
mod scratch;
mod shown;
mod staged;
mod unwritten;
mod weaving;
mod writing;

pub use branches::{Branch, branch_name, is_branch_name};
pub use changes::{Changed, File, changes};
pub use checkout::Checkout;
pub use disk::{RESERVE, free};
pub use gate_tree::{GateTree, PLAIN_CONFIG};
pub use history::History;
pub use hooks::{HookFile, HookState, Installed, Manager, Removed};
pub use listing::Listing;
pub use notes::{NoteLines, Notes};
pub(crate) use objects::named_objects;
pub use open::OBJECT_CACHE_BYTES;
pub use process::GitCommand;
pub use refs::{Moved, PreparedRefs, RefChange};
pub use refspecs::{TRACKING, refspecs};
pub use remote::{Pushed, Remote};
pub use resolutions::{RESOLUTIONS_REF, Resolutions};
pub use scratch::Scratch;
pub(crate) use unwritten::unwritten;
pub use weaving::MappedPacks;

use jiff::tz::TimeZone;
use std::cell::OnceCell;

/// A git repository that is safe to work in.
pub struct Repo {
    /// Writes go to the object database at once; [`Repo::in_memory`] gives a handle whose writes do not.
    pub git: gix::Repository,
    /// Refs that count as standing elsewhere than they do.
    incoming: incoming::Incoming,
    /// The local time zone, once it was asked for.
    zone: OnceCell<TimeZone>,
    /// Tells where objects lie that the repository does not have yet.
    _objects: Option<Scratch>,
}

impl Repo {
    /// That of a handle.
    pub fn of(git: gix::Repository) -> Repo {
        Repo { git, incoming: incoming::Incoming::new(), zone: OnceCell::new(), _objects: None }
    }
}
