//! The refs that can be read, beside those that cannot: one broken file must not hide all others.

use super::Repo;
use crate::model::{Error, Result};
use gix::ObjectId;

/// What stands under a prefix.
pub struct Listing {
    /// The names, without the prefix, and their values, sorted by name.
    pub refs: Vec<(String, ObjectId)>,
    /// What is wrong with the others, each in one line.
    pub broken: Vec<String>,
}

impl Repo {
    /// The refs under `prefix`, which ends in a slash.
    pub fn listing(&self, prefix: &str) -> Result<Listing> {
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("list {prefix}"), e);
        let platform = self.git.references().map_err(|e| reading(&e))?;
        let mut listing = Listing { refs: Vec::new(), broken: Vec::new() };
        for reference in platform.prefixed(prefix).map_err(|e| reading(&e))? {
            match reference {
                Ok(reference) => {
                    let name = reference.name().as_bstr().to_string();
                    if let (Some(short), Some(id)) = (name.strip_prefix(prefix), reference.target().try_id()) {
                        listing.refs.push((short.to_string(), id.to_owned()));
                    }
                }
                Err(e) => listing.broken.push(format!("a ref under {prefix} is left out: {e}")),
            }
        }
        self.add_incoming(prefix, &mut listing.refs);
        Ok(listing)
    }
}
