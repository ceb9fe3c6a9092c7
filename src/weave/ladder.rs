//! The ladder: what git leaves in conflict is tried by one rung after the other, each path by itself. Where all are settled
//! the merge is as good as a clean one, until the gates judge it.

use super::{
    Weaver,
    conflict::{Clash, Conflicted},
    recorded::{self, Settled},
    rules::{self, Rule},
};
use crate::{
    model::{
        Error, Result,
        resolution::Resolution,
        run::{Rung, Step},
    },
    repo::Resolutions,
};
use gix::{ObjectId, bstr::ByteSlice};

/// The rungs above git's own merge that a weave may use, and what they know.
pub struct Ladder {
    /// The recorded resolutions; none where that rung is off.
    pub resolutions: Resolutions,
    /// The rules that are not used; all of them where the mechanical rung is off.
    pub rules_off: Vec<Rule>,
}

impl Ladder {
    /// Git's own merge and nothing else.
    pub fn none() -> Ladder {
        Ladder { resolutions: Resolutions::none(), rules_off: Rule::ALL.to_vec() }
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
            return Ok(Err(Conflicted { tree, clashes: left, settled: steps }));
        }
        Ok(Ok((tree, steps)))
    }

    fn settle_path(&self, clash: &Clash) -> Result<Option<(Settled, Step)>> {
        match self.settle_as_recorded(clash)? {
            Some(settled) => Ok(Some(settled)),
            None => self.settle_by_rule(clash),
        }
    }

    fn settle_as_recorded(&self, clash: &Clash) -> Result<Option<(Settled, Step)>> {
        let Some((settled, used)) = recorded::recall(&self.git, &self.ladder.resolutions, clash)? else { return Ok(None) };
        let mut from: Vec<&str> = used.iter().map(|resolution| resolution.from.get(..10).unwrap_or(&resolution.from)).collect();
        from.sort_unstable();
        from.dedup();
        let why = format!("as resolved in {}", from.join(", "));
        let keys = used.iter().map(Resolution::own_key).collect();
        Ok(Some((settled, Step { path: clash.path.to_string(), rung: Rung::Recorded, rule: None, why, resolutions: keys })))
    }

    fn settle_by_rule(&self, clash: &Clash) -> Result<Option<(Settled, Step)>> {
        if self.ladder.rules_off.len() == Rule::ALL.len() {
            return Ok(None);
        }
        let (Some((mode, [base, ours, theirs])), Ok(path)) = (clash.texts(&self.git)?, clash.path.to_str()) else { return Ok(None) };
        let base = clash.stages[0].map(|_| &base[..]);
        let clash = rules::Clash { path, base, ours: &ours, theirs: &theirs };
        let Some(resolved) = rules::resolve(&clash, &self.ladder.rules_off) else { return Ok(None) };
        let written = super::keep(&self.git, gix::objs::Kind::Blob, &resolved.content);
        let blob = written.map_err(|e| Error::git("settle a conflict", e))?;
        let rule = Some(resolved.rule.name().to_string());
        let step = Step { path: path.into(), rung: Rung::Mechanical, rule, why: resolved.why, resolutions: Vec::new() };
        Ok(Some((Some((mode, blob)), step)))
    }
}
