//! Overrides: a word of a person whom the target's policy trusts, in place of a gate's.

use crate::{
    model::{
        Error, Result,
        gate::CONFLICT_MARKERS,
        json,
        note::{ITEMS_REF, ItemNote, Override},
        policy::AdminGreen,
        shell_word,
    },
    repo::{NoteLines, Notes, Repo},
};
use gix::ObjectId;

/// How often writing is tried again when another process writes notes at the same moment.
const ATTEMPTS: usize = 1000;

/// The overrides of `head` for `target` among `notes` on items that the policy lets count.
pub fn overrides(notes: &mut Notes, head: ObjectId, target: &str, policy: Option<&AdminGreen>) -> Result<Vec<Override>> {
    let Some(policy) = policy else { return Ok(Vec::new()) };
    let lines = notes.lines(head)?;
    let notes = lines.iter().filter_map(|line| serde_json::from_str::<ItemNote>(line).ok());
    let mut found: Vec<Override> = notes
        .map(|ItemNote::Override(said)| said)
        .filter(|said| said.target == target && said.gate != CONFLICT_MARKERS)
        .filter(|said| allows(policy, &said.by) && !(policy.require_reason && said.reason.is_empty()))
        .collect();
    found.sort_by(|a, b| a.at.cmp(&b.at));
    Ok(found)
}

/// Keep overrides of `head`.
///
/// Errors: a gate that nobody may override, a person whom the policy does not name, a reason that is missing.
pub fn add_overrides(repo: &Repo, head: ObjectId, said: &[Override], policy: Option<&AdminGreen>) -> Result<()> {
    let mut lines = NoteLines::new();
    for said in said {
        check(said, policy)?;
        lines.entry(head).or_default().push(json::canonical_line(&ItemNote::Override(said.clone()))?);
    }
    for _ in 0..ATTEMPTS {
        let mut draft = repo.draft();
        let change = draft.add_note_lines(ITEMS_REF, &lines)?;
        repo.take_in(&mut draft, change.iter().filter_map(|change| change.new))?;
        if repo.swap_refs(&Vec::from_iter(change), "lex-pr: override")?.is_ok() {
            return Ok(());
        }
    }
    Err(Error::contended("notes are being written by others all the time"))
}

fn check(said: &Override, policy: Option<&AdminGreen>) -> Result<()> {
    if said.gate == CONFLICT_MARKERS {
        return Err(Error::no("not-allowed", "nobody can land conflict markers").hint("resolve the conflict and commit the file"));
    }
    let table = "whoever may do that is named in lex-pr.toml on the target: [policy.overrides] admin-green = { allowed-users = [...] }";
    let Some(policy) = policy else {
        return Err(Error::no("not-allowed", format!("the policy of {} lets nobody override a gate", said.target)).hint(table));
    };
    if !allows(policy, &said.by) {
        let hint = match policy.allowed_users.is_empty() {
            true => table.to_string(),
            false => format!("ask one of: {}", policy.allowed_users.join(", ")),
        };
        return Err(Error::no("not-allowed", format!("the policy of {} does not let {} override gates", said.target, said.by)).hint(hint));
    }
    if policy.require_reason && said.reason.is_empty() {
        return Err(Error::input("no-reason", "the policy asks for a reason")
            .hint(format!("git lex-pr gate override ITEM {} --reason TEXT", shell_word(&said.gate))));
    }
    Ok(())
}

/// Whether the policy names a person: by mail address, by name, or as `Name <mail>`.
fn allows(policy: &AdminGreen, by: &str) -> bool {
    let (name, mail) = by.split_once(" <").map_or((by, ""), |(name, mail)| (name, mail.trim_end_matches('>')));
    policy.allowed_users.iter().any(|user| user == by || user == name || (!mail.is_empty() && user == mail))
}
