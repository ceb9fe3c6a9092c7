//! What a merge leaves in conflict.

use super::{
    engine::{MAX_TEXT_BYTES, merged_mode},
    text,
};
use crate::{
    model::{Error, Result, run::Step},
    repo::File,
};
use gix::{ObjectId, bstr::BString, objs::tree::EntryMode};

/// A merge that is not clean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflicted {
    /// All that is merged. What it has at the paths that clash means nothing.
    pub tree: ObjectId,
    /// The paths that clash, sorted.
    pub clashes: Vec<Clash>,
    /// How others were settled, in the tree.
    pub settled: Vec<Step>,
}

/// A path that the merge leaves open.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clash {
    /// The path.
    pub path: BString,
    /// What the base, our side and their side have, as the stages of git's index (git-ls-files(1), "--unmerged").
    pub stages: [Option<File>; 3],
}

impl Conflicted {
    /// The paths, for people.
    pub fn paths(&self) -> Vec<String> {
        self.clashes.iter().map(|clash| clash.path.to_string()).collect()
    }
}

impl Clash {
    /// The texts of base, ours and theirs, and the mode of the file; `None` where it is no clash of texts.
    pub(super) fn texts(&self, git: &gix::Repository) -> Result<Option<(EntryMode, [Vec<u8>; 3])>> {
        let [base, Some(ours), Some(theirs)] = self.stages else { return Ok(None) };
        if !self.stages.iter().flatten().all(|(mode, _)| mode.is_blob()) {
            return Ok(None);
        }
        for (_, id) in self.stages.iter().flatten() {
            if git.find_header(*id).map_err(|e| Error::git(format_args!("read blob {id}"), e))?.size() > MAX_TEXT_BYTES as u64 {
                return Ok(None);
            }
        }
        let base_text = base.map(|(_, id)| read(git, id)).transpose()?.unwrap_or_default();
        let texts = [base_text, read(git, ours.1)?, read(git, theirs.1)?];
        let mode = merged_mode([base.unwrap_or(ours), ours, theirs]);
        Ok(texts.iter().all(|content| text::is_text(content)).then_some((mode, texts)))
    }

    /// The lines that clash, first and last, from 1, as our side has them; none where it is no clash of texts. Where the other
    /// side only put something in, it is the line behind which that stands.
    pub(super) fn lines(&self, git: &gix::Repository) -> Result<Vec<(usize, usize)>> {
        let texts = self.texts(git)?;
        Ok(texts.map(|(_, [base, ours, theirs])| text::clashing_lines(&base, &ours, &theirs)).unwrap_or_default())
    }
}

/// The content of a blob.
pub(super) fn read(git: &gix::Repository, id: ObjectId) -> Result<Vec<u8>> {
    git.find_blob(id).map(|mut blob| blob.take_data()).map_err(|e| Error::git(format_args!("read blob {id}"), e))
}
