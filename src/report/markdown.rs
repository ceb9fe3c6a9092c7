//! A run as Markdown, for a pull request or a page.

use super::style::printable;
use crate::model::{
    gate::CONFLICT_MARKERS,
    run::{ItemReport, Purpose, Run, RunState, Rung, Status},
    time::human,
};
use std::time::Duration;

/// The whole report.
pub fn markdown(run: &Run) -> String {
    let mut out = format!("# Plan {} onto {}\n\n", escape(&run.plan), escape(&run.target));
    let outcome = match (run.state, run.purpose) {
        (RunState::Landed, _) => format!("Landed: `{}` to `{}`.", short(&run.base), short(&run.tip)),
        (RunState::Overtaken, _) => "Nothing landed: the target moved meanwhile.".into(),
        (RunState::Interrupted, _) => "Interrupted: the target was not touched.".into(),
        (RunState::Aborted, _) => "Aborted: the target was not touched.".into(),
        (RunState::Undone, _) => format!("Undone: `{}` back to `{}`.", short(&run.tip), short(&run.base)),
        (RunState::Running, _) => "At work, or killed while it was.".into(),
        (RunState::Done, Purpose::Preview) => "A preview: nothing was changed.".into(),
        (RunState::Done, Purpose::Prove) => "Proved, not landed.".into(),
        (RunState::Done, Purpose::Land) => "Nothing to land.".into(),
    };
    let id = run.id.as_ref().map(|id| format!(" Run `{id}`.")).unwrap_or_default();
    out.push_str(&format!("{outcome}{id}\n\n"));
    out.push_str("| Level | Item | Status | Details | Weave commit |\n| ---: | --- | --- | --- | --- |\n");
    for item in &run.items {
        let commit = item.candidate.as_ref().filter(|_| run.holds(item)).map_or(String::new(), |c| format!("`{}`", short(c)));
        out.push_str(&format!(
            "| {} | {} | {} | {} | {commit} |\n",
            item.level,
            escape(&item.name),
            status(run, item),
            escape(&item.detail)
        ));
    }
    let asked: Vec<_> =
        run.items.iter().flat_map(|i| i.gates.iter().map(move |g| (i, g))).filter(|(_, g)| g.gate != CONFLICT_MARKERS).collect();
    if !asked.is_empty() {
        out.push_str("\n| Item | Gate | Verdict | Time | Summary |\n| --- | --- | --- | ---: | --- |\n");
        for (item, gate) in asked {
            let (verdict, time, summary) = match &gate.verdict {
                Some(v) if gate.reused => (v.words(), "reused".into(), escape(&v.summary)),
                Some(v) => (v.words(), human(Duration::from_millis(v.duration_ms)), escape(&v.summary)),
                None => ("not asked".into(), String::new(), String::new()),
            };
            out.push_str(&format!("| {} | {} | {verdict} | {time} | {summary} |\n", escape(&item.name), escape(&gate.gate)));
        }
    }
    let of_item = |item: &ItemReport| {
        let way_out = item.way_out.iter().map(|way_out| format!("way out of {}: {way_out}", item.name));
        way_out.chain(item.notes.iter().map(|note| format!("{}: {note}", item.name))).collect::<Vec<_>>()
    };
    let notes = run.items.iter().flat_map(of_item).chain(run.notes.iter().cloned());
    for (index, note) in notes.enumerate() {
        out.push_str(&format!("{}- {}\n", if index == 0 { "\n" } else { "" }, escape(&note)));
    }
    out
}

/// What became of an item and, where it took more than git's own merge, the rung that it took.
fn status(run: &Run, item: &ItemReport) -> String {
    match item.weave.filter(|rung| item.status == Status::Merged && *rung > Rung::Trivial) {
        Some(rung) => format!("{} ({})", run.words(item), rung.word()),
        None => run.words(item).into(),
    }
}

fn short(id: &str) -> String {
    id.chars().take(10).collect()
}

/// Text that Markdown and the HTML inside it take as text.
fn escape(text: &str) -> String {
    let mut safe = String::new();
    for c in printable(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '!' | '~' | '@' => {
                safe.push('\\');
                safe.push(c);
            }
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn hostile_names_stay_text() {
        assert_eq!(escape("<img src=x>|`a`"), "&lt;img src=x&gt;\\|\\`a\\`");
        assert_eq!(escape("\u{1b}[2J\u{202e}x"), r"\\u{1b}\[2J\\u{202e}x");
    }
}
