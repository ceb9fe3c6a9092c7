//! Dependencies that are neither in the plan nor landed.

use crate::model::{Error, Result, error::Location, shell_word};
use std::collections::BTreeSet;

/// What may mend a dependency that is not in the plan, besides that it has landed.
pub enum Remedy {
    /// To add this branch.
    Add(String),
    /// This item may have been meant.
    Near(String),
    /// Nothing that is here.
    None,
}

/// A dependency that is neither in the plan nor landed.
pub struct Unknown {
    /// The item that depends on it.
    pub item: String,
    /// What it is called there.
    pub wanted: String,
    /// Where that stands.
    pub at: Location,
    /// What may mend it.
    pub remedy: Remedy,
}

/// Refuse unknown dependencies, all in one error, so that they can be mended at once.
pub fn refuse(mut unknown: Vec<Unknown>) -> Result<()> {
    unknown.sort_by(|a, b| (&a.item, &a.wanted).cmp(&(&b.item, &b.wanted)));
    unknown.dedup_by(|a, b| a.item == b.item && a.wanted == b.wanted);
    let Some(Unknown { item, wanted, at, .. }) = unknown.first() else { return Ok(()) };
    let mut message = format!("`{item}` depends on `{wanted}`, which is not in the plan");
    if unknown.len() > 1 {
        let rest: Vec<String> = unknown[1..].iter().map(|u| format!("`{}` of `{}`", u.wanted, u.item)).collect();
        message.push_str(&format!("; neither is {}", rest.join(", ")));
    }
    let add: BTreeSet<String> =
        unknown.iter().filter_map(|u| if let Remedy::Add(b) = &u.remedy { Some(format!("`{b}`")) } else { None }).collect();
    let near: BTreeSet<String> =
        unknown.iter().filter_map(|u| if let Remedy::Near(n) = &u.remedy { Some(format!("`{n}`")) } else { None }).collect();
    let list = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>().join(", ");
    let mut hint = String::new();
    if !add.is_empty() {
        hint.push_str(&format!("add {} to the plan as well; ", list(add)));
    }
    if !near.is_empty() {
        hint.push_str(&format!("was {} meant? ", list(near)));
    }
    let flags: BTreeSet<String> = unknown.iter().map(|u| format!("--assume-landed {}", shell_word(&u.wanted))).collect();
    hint.push_str(&format!("for what has landed, say {}", flags.into_iter().collect::<Vec<_>>().join(" ")));
    Err(Error::input("unknown-dependency", message).at(at.clone()).hint(hint))
}
