//! `git lex-pr plan edit`

use super::{
    Answer,
    context::Context,
    editor::Draft,
    plan::{changed, kept},
};
use crate::{
    gate::builtin,
    model::{
        Error, Result,
        error::{Blame, Location},
        plan::{Item, Plan},
        shell_word,
    },
    plan::{diff, edit, merge::merge, store},
    repo::Repo,
    report::style::printable,
};
use std::io::IsTerminal;

/// What begins the lines above a text that was wrong.
const WRONG: &str = "#! ";

/// Somebody else changed the same values meanwhile: no other words would mend that.
const CHANGED_MEANWHILE: &str = "plan-changed";

pub fn run(repo: &Repo, context: &Context, plan: Option<&str>, from: Option<&str>) -> Result<Answer> {
    let before = kept(repo, context, plan)?;
    let mut shown = match from {
        Some(file) => context.read_document(file)?.0,
        None => edit::write(&before.name, &before.plan)?,
    };
    let draft = Draft::new(&format!("plan-{}", before.name), &shown)?;
    let again = format!("git lex-pr plan edit {} --from", shell_word(&before.name));
    let mut mistake: Option<Error> = None;
    loop {
        let typed = match draft.open(repo) {
            Ok(typed) => typed,
            Err(error) => return Err(draft.keep(error, &again)),
        };
        let untouched = typed == shown;
        match mistake {
            _ if edit::is_empty(&typed) => return changed(&before.plan, &before, Vec::new()),
            Some(mistake) if untouched => return Err(draft.keep(mistake, &again)),
            None if untouched && from.is_none() => return changed(&before.plan, &before, Vec::new()),
            _ => {}
        }
        let source = draft.path().display().to_string();
        let edited = edit::read(&typed, &source, &before.plan).and_then(|plan| check(repo, &before.plan, plan));
        let wrong = match edited.and_then(|plan| save(repo, &before, &plan)) {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let hopeless = wrong.blame != Blame::Input || wrong.code == CHANGED_MEANWHILE;
        if hopeless || !std::io::stdin().is_terminal() {
            return Err(draft.keep(wrong, &again));
        }
        let (text, wrong) = above(&typed, wrong);
        if let Err(error) = draft.write(&text) {
            return Err(draft.keep(error, &again));
        }
        (shown, mistake) = (text, Some(wrong));
    }
}

/// Refuse a target, a branch, a commit or a gate that is new in `edited` and not there. What was missing before does not stand in the way.
fn check(repo: &Repo, before: &Plan, edited: Plan) -> Result<Plan> {
    if edited.target != before.target {
        let place = Location::new("plan").at_path("target");
        repo.target_head(&edited.target).map_err(|error| error.at(place).hint("`git branch --list` shows the branches that are here"))?;
    }
    for item in &edited.items {
        let known = before.item(&item.name);
        let place = || Location::new("plan").at_path(format!("the item {}", item.name));
        if known.is_none_or(|known| known.branch != item.branch) {
            repo.branches_matching(std::slice::from_ref(&item.branch), &edited.target).map_err(|error| error.at(place()))?;
        }
        if let Some(head) = item.head.as_deref().filter(|head| known.is_none_or(|known| known.head.as_deref() != Some(*head)))
            && !repo.has_commit(repo.parse_id(head)?)
        {
            let message = format!("there is no commit {head} here");
            return Err(Error::input("missing-commit", message).at(place()).hint("without `head`, the branch's commit lands"));
        }
        if known.is_none_or(|known| known.gates != item.gates) {
            builtin::check(&item.gates)?;
        }
    }
    Ok(edited)
}

/// Make what was typed the next revision. What others have changed meanwhile stays, unless both changed the same value.
fn save(repo: &Repo, before: &store::Stored, edited: &Plan) -> Result<Answer> {
    let mut names: Vec<String> = diff(&before.plan, edited).into_iter().map(|change| change.item).collect();
    names.dedup();
    let (old, stored) = store::update(repo, &before.name, &format!("edit {}", names.join(" ")), |newest| {
        if *newest == before.plan {
            newest.clone_from(edited);
            return Ok(());
        }
        match merge(std::slice::from_ref(&before.plan), edited, newest, None)? {
            Ok(merged) => *newest = merged,
            Err(clashes) => {
                let values: Vec<String> = clashes.iter().map(|clash| called(&clash.path, edited)).collect();
                let message = match clashes.iter().find_map(|clash| clash.why.as_ref()) {
                    Some(why) => format!("with what somebody else has changed meanwhile it is no plan: {why}; nothing was changed"),
                    None => format!("somebody else has changed {} meanwhile; nothing was changed", values.join(", ")),
                };
                let look = format!("`git lex-pr plan diff {}` shows it", shell_word(&before.name));
                return Err(Error::input(CHANGED_MEANWHILE, message).hint(look));
            }
        }
        Ok(())
    })?;
    changed(&old, &stored, Vec::new())
}

/// The value at a path such as `items.feat/a.priority`, in words. Names may hold dots themselves: the longest one that the plan knows.
fn called(path: &str, plan: &Plan) -> String {
    let Some(rest) = path.strip_prefix("items.") else { return format!("the {path}") };
    let of_item = |item: &Item| rest.strip_prefix(item.name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let longest = plan.items.iter().filter(|item| of_item(item)).map(|item| item.name.len()).max().unwrap_or(rest.len());
    let (name, value) = (&rest[..longest], rest[longest..].trim_start_matches('.'));
    match value.split_once('.').unwrap_or((value, "")) {
        ("", _) => name.to_string(),
        ("commit", _) => format!("the branch of {name}"),
        ("deps", other) if !other.is_empty() => format!("the dependency of {name} on {}", other.trim_end_matches(".sources")),
        (value, _) => format!("the {value} of {name}"),
    }
}

/// The text with an error above it, and the error with its line there.
fn above(typed: &str, mut error: Error) -> (String, Error) {
    let old = typed.split_inclusive('\n').take_while(|line| line.starts_with(WRONG)).map(str::len);
    let (lines, length) = old.fold((0, 0), |(lines, length), line| (lines + 1, length + line));
    const LINES: usize = 3;
    if let Some(line) = error.at.as_mut().and_then(|at| at.line.as_mut()) {
        *line += LINES - lines.min(LINES);
    }
    let place = error.at.as_deref().map(|at| Location { source: String::new(), ..at.clone() }.to_string()).unwrap_or_default();
    let place = match error.at.as_deref().and_then(|at| at.line) {
        Some(line) => format!("line {line}: "),
        None if place.len() > 2 => format!("{}: ", place.trim_start_matches(": ")),
        None => String::new(),
    };
    let hint = error.hint.as_deref().unwrap_or("see below what a plan holds");
    let said = [
        format!("{place}{}", error.message),
        format!("hint: {hint}"),
        "Mend it, save and close; leave it as it is, or empty the file, and nothing changes.".into(),
    ];
    let block: String = said.iter().map(|line| format!("{WRONG}{}\n", printable(line))).collect();
    (format!("{block}{}", &typed[length..]), error)
}
