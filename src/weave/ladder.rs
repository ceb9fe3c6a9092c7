//! The ladder: what git leaves in conflict is tried by one rung after the other, each path by itself. Where all are settled
//! the merge is as good as a clean one, until the gates judge it.

use super::{
    Weaver,
    conflict::{Clash, Conflicted},
    recorded::{self, Settled},
};
use crate::{
    model::{
        Error, Result,
        run::{Rung, Step},
    },
    repo::Resolutions,
};
use gix::ObjectId;

/// The rungs above git's own merge that a weave may use, and what they know.
pub struct Ladder {
    /// The recorded resolutions; none where that rung is off.
    pub resolutions: Resolutions,
}

impl Ladder {
    /// Git's own merge and nothing else.
    pub fn none() -> Ladder {
        Ladder { resolutions: Resolutions::none() }
    }
}

impl Weaver<'_> {
    /// Settle what conflicts, path by path: the tree and what was done, or the conflicts that are left, with all that is settled
    /// in their tree.
    pub(super) fn climb(&mut self, conflicted: Conflicted) -> Result<Result<(ObjectId, Vec<Step>), Conflicted>> {
        let settling = |e: &dyn std::fmt::Display| Error::git("settle a conflict", e);
        let mut editor = self.git.edit_tree(conflicted.tree).map_err(|e| settling(&e))?;
        let (mut steps, mut left) = (Vec::new(), Vec::new());
        // Git may see a conflict without naming a path; that is nobody's to settle.
        let nameless = conflicted.clashes.is_empty();
        for clash in conflicted.clashes {
            match self.settle_path(&clash)? {
                Some((settled, step)) => {
                    match settled {
                        Some((mode, id)) => editor.upsert(&clash.path, mode.kind(), id),
                        None => editor.remove(&clash.path),
                    }
                    .map_err(|e| settling(&e))?;
                    steps.push(step);
                }
                None => left.push(clash),
            }
        }
        let tree = editor.write().map_err(|e| settling(&e))?.detach();
        if nameless || !left.is_empty() {
            return Ok(Err(Conflicted { tree, clashes: left }));
        }
        Ok(Ok((tree, steps)))
    }

    fn settle_path(&self, clash: &Clash) -> Result<Option<(Settled, Step)>> {
        let Some((settled, used)) = recorded::recall(&self.git, &self.ladder.resolutions, clash)? else { return Ok(None) };
        let mut from: Vec<&str> = used.iter().map(|resolution| resolution.from.get(..10).unwrap_or(&resolution.from)).collect();
        from.sort_unstable();
        from.dedup();
        let why = format!("as resolved in {}", from.join(", "));
        let keys = used.iter().map(crate::model::resolution::Resolution::own_key).collect();
        Ok(Some((settled, Step { path: clash.path.to_string(), rung: Rung::Recorded, rule: None, why, resolutions: keys })))
    }
}
