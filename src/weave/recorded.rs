//! The rung of recorded resolutions: a conflict that was resolved once is never asked again.
//!
//! Each stretch of lines that clashes is looked up by its own content, wherever it stands, as git-rerere(1) does; where no
//! text helps, the file as a whole. What a person made of the conflicts of a recorded merge is learnt by aligning the
//! merge, with its clashes as holes in it, with what was recorded.

use super::{
    conflict::{Clash, Conflicted, read},
    diff::hunks,
    markers::has_markers,
    text::{self, Piece, Text},
};
use crate::{
    model::{
        Error, Result,
        resolution::{Kind, Resolution},
    },
    repo::{File, Resolutions},
};
use gix::{
    ObjectId,
    bstr::ByteSlice,
    diff::blob::{InternedInput, sources::byte_lines},
    objs::tree::{EntryKind, EntryMode},
};

/// What became of a path: a file, or nothing.
pub(super) type Settled = Option<File>;

fn pieces([base, ours, theirs]: &[Vec<u8>; 3]) -> Option<Vec<Piece>> {
    match text::merge(base, ours, theirs) {
        Text::Clash(pieces) => Some(pieces),
        Text::Merged(_) | Text::Doubt => None,
    }
}

/// What recorded resolutions make of a clash, and those that were used; `None` where one is missing.
pub(super) fn recall(git: &gix::Repository, known: &Resolutions, clash: &Clash) -> Result<Option<(Settled, Vec<Resolution>)>> {
    if known.is_empty() || clash.stages == [None; 3] {
        return Ok(None);
    }
    let [base, one, other] = sides_of_file(clash);
    if let Some(found) = known.find(git, &Resolution::key(Kind::File, &base, [&one, &other]))? {
        let settled = settle_file(git, &found)?;
        return Ok(Some((settled, vec![found])));
    }
    let Some((mode, texts)) = clash.texts(git)? else { return Ok(None) };
    let ways = [(Kind::Lines, pieces(&texts)), (Kind::Sides, text::shown(&texts[0], &texts[1], &texts[2]))];
    for (kind, pieces) in ways.into_iter().filter_map(|(kind, pieces)| Some((kind, pieces?))) {
        if let Some((content, used)) = put_together(git, known, kind, pieces)? {
            let blob = super::keep(git, gix::objs::Kind::Blob, &content).map_err(|e| Error::git("use a recorded resolution", e))?;
            return Ok(Some((Some((mode, blob)), used)));
        }
    }
    Ok(None)
}

fn put_together(git: &gix::Repository, known: &Resolutions, kind: Kind, pieces: Vec<Piece>) -> Result<Option<(Vec<u8>, Vec<Resolution>)>> {
    let (mut content, mut used) = (Vec::new(), Vec::new());
    for piece in pieces {
        match piece {
            Piece::Merged(lines) => content.extend(lines),
            Piece::Clash([base, ours, theirs]) => {
                let Some(found) = known.find(git, &Resolution::key(kind, &base, [&ours, &theirs]))? else { return Ok(None) };
                content.extend_from_slice(&found.resolution);
                used.push(found);
            }
        }
    }
    Ok(Some((content, used)))
}

/// What the person who recorded `tree` made of the conflicts. Stretches of lines are learnt on their own; a file that was
/// changed elsewhere too, or is no text, as a whole. `from` says where it is learnt.
pub(super) fn learn(git: &gix::Repository, conflicted: &Conflicted, tree: ObjectId, from: &str) -> Result<Vec<Resolution>> {
    let mut learnt = Vec::new();
    let tree = git.find_tree(tree).map_err(|e| Error::git("learn from a merge", e))?;
    for clash in conflicted.clashes.iter().filter(|clash| clash.stages != [None; 3]) {
        let entry = tree.lookup_entry(clash.path.split_str("/")).map_err(|e| Error::git("learn from a merge", e))?;
        let recorded = entry.map(|entry| (entry.mode(), entry.object_id()));
        if recorded.is_some_and(|(mode, _)| !mode.is_blob_or_symlink()) {
            continue;
        }
        let blank = Resolution {
            kind: Kind::Lines,
            path: clash.path.to_string(),
            from: from.into(),
            base: Vec::new(),
            sides: Default::default(),
            resolution: Vec::new(),
        };
        let content = recorded.map(|(_, id)| read(git, id)).transpose()?;
        let mut whole = true;
        let pieces = clash.texts(git)?.and_then(|(_, texts)| pieces(&texts));
        if let (Some(pieces), Some(content)) = (pieces, &content) {
            let complete = learn_pieces(&blank, pieces, content, &mut learnt);
            whole = !complete;
        }
        if whole && !content.as_deref().is_some_and(has_markers) {
            let [base, one, other] = sides_of_file(clash);
            let mut resolution = Vec::new();
            if let (Some((mode, _)), Some(content)) = (recorded, content) {
                resolution = [mode.as_bytes(&mut Default::default()).as_bytes(), b"\n", &content].concat();
            }
            learnt.push(Resolution { kind: Kind::File, base, sides: [one, other], resolution, ..blank });
        }
    }
    Ok(learnt)
}

/// Learn what stands in `recorded` in place of each clash. Whether that is all in which it differs from the merge.
fn learn_pieces(blank: &Resolution, pieces: Vec<Piece>, recorded: &[u8], learnt: &mut Vec<Resolution>) -> bool {
    let (resolved, elsewhere) = fill(&pieces, recorded);
    let mut complete = !elsewhere;
    let clashes = pieces.into_iter().filter_map(|piece| if let Piece::Clash(clash) = piece { Some(clash) } else { None });
    for ([base, ours, theirs], resolution) in clashes.zip(resolved) {
        match resolution {
            // Markers that somebody recorded are no resolution.
            Some(resolution) if !has_markers(&resolution) => {
                learnt.push(Resolution { base, sides: [ours, theirs], resolution, ..blank.clone() });
            }
            _ => complete = false,
        }
    }
    complete
}

/// What git-rerere(1) has kept of a conflict, its `preimage` and `postimage`: the text with the clashes between bare markers, and the
/// same resolved.
pub(super) fn learn_from_rerere(preimage: &[u8], postimage: &[u8], path: &str) -> Vec<Resolution> {
    let (mut pieces, mut merged) = (Vec::new(), Vec::new());
    let mut clash: Option<(usize, [Vec<u8>; 3])> = None;
    for line in byte_lines(preimage) {
        let is = |sign: u8| line.len() >= 7 && line[..7].iter().all(|b| *b == sign) && line.get(7).is_none_or(u8::is_ascii_whitespace);
        match &mut clash {
            None if is(b'<') => {
                pieces.push(Piece::Merged(std::mem::take(&mut merged)));
                clash = Some((1, Default::default()));
            }
            Some((side, _)) if is(b'=') => *side = 2,
            Some((_, sides)) if is(b'>') => {
                pieces.push(Piece::Clash(std::mem::take(sides)));
                clash = None;
            }
            Some((side, sides)) => sides[*side].extend_from_slice(line),
            None => merged.extend_from_slice(line),
        }
    }
    pieces.push(Piece::Merged(merged));
    let blank = Resolution {
        kind: Kind::Sides,
        path: path.into(),
        from: "rerere".into(),
        base: Vec::new(),
        sides: Default::default(),
        resolution: Vec::new(),
    };
    let mut learnt = Vec::new();
    learn_pieces(&blank, pieces, postimage, &mut learnt);
    learnt
}

/// What stands in `recorded` in place of each clash; `None` for one that cannot be told from what is around it. And whether
/// `recorded` differs elsewhere too.
fn fill(pieces: &[Piece], recorded: &[u8]) -> (Vec<Option<Vec<u8>>>, bool) {
    // A line that holds no newline but its last byte cannot be a hole: this one holds two.
    let hole = |n: usize| format!("\n{n}\n").into_bytes();
    let mut merged = Vec::new();
    let mut holes = 0;
    let mut at_hole = Vec::new();
    let mut lines: Vec<&[u8]> = Vec::new();
    let marks: Vec<Vec<u8>> = (0..pieces.len()).map(hole).collect();
    for piece in pieces {
        match piece {
            Piece::Merged(text) => lines.extend(byte_lines(text)),
            Piece::Clash(_) => {
                at_hole.push(lines.len());
                lines.push(&marks[holes]);
                holes += 1;
            }
        }
    }
    merged.extend(lines);
    let mut input: InternedInput<&[u8]> = InternedInput::default();
    input.update_before(merged.into_iter());
    input.update_after(byte_lines(recorded));
    let Some(hunks) = hunks(&input.before, &input.after, input.interner.num_tokens() as usize) else {
        return (vec![None; holes], true);
    };
    let mut resolved = vec![None; holes];
    let mut elsewhere = false;
    for hunk in hunks {
        match at_hole.iter().position(|at| hunk.base == (*at..*at + 1)) {
            Some(hole) => {
                let lines = input.after[hunk.side].iter().map(|line| input.interner[*line]);
                resolved[hole] = Some(lines.collect::<Vec<_>>().concat());
            }
            None => elsewhere = true,
        }
    }
    (resolved, elsewhere)
}

/// The sides of a clash as a resolution of a file names them: mode and object, or nothing.
fn sides_of_file(clash: &Clash) -> [Vec<u8>; 3] {
    clash.stages.map(|stage| stage.map_or_else(Vec::new, |(mode, id)| format!("{:o} {id}\n", mode.value()).into_bytes()))
}

fn settle_file(git: &gix::Repository, resolution: &Resolution) -> Result<Settled> {
    if resolution.resolution.is_empty() {
        return Ok(None);
    }
    let (mode, content) = resolution.resolution.split_once_str("\n").unwrap_or((&resolution.resolution, b""));
    let mode = EntryMode::from_bytes(mode).filter(|mode| mode.is_blob_or_symlink()).unwrap_or_else(|| EntryKind::Blob.into());
    let blob = super::keep(git, gix::objs::Kind::Blob, content).map_err(|e| Error::git("use a recorded resolution", e))?;
    Ok(Some((mode, blob)))
}
