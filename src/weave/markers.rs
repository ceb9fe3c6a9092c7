//! Conflict markers can never land: the built-in check that every candidate meets, whatever gates and policies say.

use super::{Weaver, engine::MAX_TEXT_BYTES, is_text};
use crate::{
    model::{Error, Result, verdict::Annotation},
    repo::Changed,
};
use gix::{
    ObjectId,
    bstr::{BStr, ByteSlice},
    worktree::stack::state::attributes::Source,
};

/// The length of git's own conflict markers, unless the attribute `conflict-marker-size` says otherwise.
const MARKER_SIZE: usize = 7;

impl Weaver<'_> {
    /// The conflict markers that `changes` add, at most one annotation a file. Files whose `conflict-marker-size` in
    /// the `.gitattributes` of `target_tree` differs may hold markers of the usual length as their content.
    pub fn added_markers(&self, changes: &[Changed], target_tree: ObjectId) -> Result<Vec<Annotation>> {
        let mut found = Vec::new();
        for change in changes {
            let Some((mode, new)) = change.new else { continue };
            if !mode.is_blob() {
                continue;
            }
            // Git writes no markers into files of this size, for it merges none.
            if self.git.find_header(new).map_err(|e| Error::git(format_args!("read blob {new}"), e))?.size() > MAX_TEXT_BYTES as u64 {
                continue;
            }
            let new = self.blob(new)?;
            if markers(&new, MARKER_SIZE).next().is_none() {
                continue;
            }
            let size = self.marker_size(change.path.as_bstr(), target_tree)?;
            let old = change.old.filter(|(mode, _)| mode.is_blob()).map(|(_, id)| self.blob(id)).transpose()?.unwrap_or_default();
            if markers(&new, size).count() > markers(&old, size).count()
                && let Some((line, text)) = markers(&new, size).next()
            {
                let text: String = text.to_str_lossy().chars().take(40).collect();
                found.push(Annotation::error(change.path.to_string(), line, format!("conflict marker `{}`", text.trim_end())));
            }
        }
        Ok(found)
    }

    fn blob(&self, id: ObjectId) -> Result<Vec<u8>> {
        Ok(self.git.find_blob(id).map_err(|e| Error::git(format_args!("read blob {id}"), e))?.data.clone())
    }

    fn marker_size(&self, path: &BStr, target_tree: ObjectId) -> Result<usize> {
        let reading = |e: &dyn std::fmt::Display| Error::git("read the target's .gitattributes", e);
        let index = self.git.index_from_tree(&target_tree).map_err(|e| reading(&e))?;
        let mut stack = self.git.attributes_only(&index, Source::IdMapping).map_err(|e| reading(&e))?;
        let mut matches = stack.selected_attribute_matches(["conflict-marker-size"]);
        let platform = stack.at_entry(path, None).map_err(|e| reading(&e))?;
        platform.matching_attributes(&mut matches);
        let size = matches.iter_selected().find_map(|m| match m.assignment.state {
            gix::attrs::StateRef::Value(value) => value.as_bstr().to_str().ok()?.parse().ok(),
            _ => None,
        });
        Ok(size.filter(|size| *size > 0).unwrap_or(MARKER_SIZE))
    }
}

/// Whether a text holds lines that begin or end a conflict as git writes it.
pub(super) fn has_markers(text: &[u8]) -> bool {
    markers(text, MARKER_SIZE).next().is_some()
}

/// The lines of `text` that begin or end a conflict, with their numbers from 1. The line between the sides is no sign of
/// its own: it underlines headings too.
fn markers(text: &[u8], size: usize) -> impl Iterator<Item = (usize, &[u8])> {
    let text = if is_text(text) { text } else { &[] };
    let is_marker = move |line: &[u8]| {
        let sign = line.first().copied().unwrap_or_default();
        matches!(sign, b'<' | b'>')
            && line.len() >= size
            && line[..size].iter().all(|b| *b == sign)
            && line.get(size).is_none_or(u8::is_ascii_whitespace)
    };
    text.split(|b| *b == b'\n').enumerate().filter(move |(_, line)| is_marker(line)).map(|(i, line)| (i + 1, line))
}

#[cfg(test)]
mod tests {
    use super::markers;

    #[test]
    fn only_lines_that_git_would_write_are_markers() {
        let text = b"<<<<<<< HEAD\na\n=======\nb\n>>>>>>> x\n<<<<<<<< eight\n <<<<<<< indented\n>>>>>>>\r\n<<<<<<<x\n";
        assert_eq!(markers(text, 7).map(|(line, _)| line).collect::<Vec<_>>(), [1, 5, 8]);
        assert_eq!(markers(b"<<<<<<< a\0", 7).count(), 0, "binary");
        assert_eq!(markers(b"", 7).count(), 0);
    }
}
