//! A run as text.

use super::style::{BAD, CARE, Cell, FAINT, GOOD, HEAD, PLAIN, columns, of_answer, of_status, paint, printable};
use crate::model::{
    gate::CONFLICT_MARKERS,
    run::{ItemReport, Purpose, Run, RunState, Rung, Status},
    shell_word,
    time::human,
    verdict::Annotation,
};
use std::time::Duration;

/// The matrix, notes, and what happened in one line with what to do next. `plan` is the argument that means its plan, if any.
pub fn summary(run: &Run, plan: Option<&str>) -> String {
    format!("{}{}{}\n{}", matrix(run), explained(run), reasons(run), headline(run, plan))
}

/// The same with the gates of every item.
pub fn full(run: &Run, plan: Option<&str>) -> String {
    format!("{}\n{}{}{}\n{}", matrix(run), gates(run), explained(run), reasons(run), headline(run, plan))
}

/// One row per item.
fn matrix(run: &Run) -> String {
    let title = |text: &str| (text.to_string(), HEAD);
    let mut rows: Vec<Vec<Cell>> = vec![vec![title("LEVEL"), title("ITEM"), title("STATUS"), title("DETAILS"), title("COMMIT")]];
    for item in &run.items {
        let holds = run.holds(item);
        let style = if item.status == Status::Merged && !holds { CARE } else { of_status(item.status) };
        let commit = item.candidate.as_deref().filter(|_| holds).map_or(String::new(), |c| c.chars().take(10).collect());
        rows.push(vec![
            (item.level.to_string(), FAINT),
            (item.name.clone(), PLAIN),
            (format!("{}{}", run.words(item), rung(item)), style),
            (item.detail.clone(), PLAIN),
            (commit, FAINT),
        ]);
    }
    if run.items.is_empty() { format!("{}\n", paint(FAINT, "the plan has no items")) } else { columns(&rows) }
}

/// The rung of an item that took more than git's own merge, behind its status.
fn rung(item: &ItemReport) -> String {
    let rung = item.weave.filter(|rung| item.status == Status::Merged && *rung > Rung::Trivial);
    rung.map(|rung| format!(" ({})", rung.word())).unwrap_or_default()
}

/// Most places of one gate of one item that are shown; the JSON report has all.
const SHOWN_PLACES: usize = 10;

/// What stands below the matrix: where flaky and red gates failed, and notes.
fn reasons(run: &Run) -> String {
    let mut out = String::new();
    for item in &run.items {
        for gate in item.gates.iter().filter(|g| g.answer().is_some_and(|a| !a.is_good())) {
            let Some(verdict) = &gate.verdict else { continue };
            let told = |annotation: &&Annotation| !verdict.summary.starts_with(&format!("{}: ", annotation.place()));
            let places: Vec<&Annotation> = verdict.annotations.iter().filter(told).collect();
            for annotation in places.iter().take(SHOWN_PLACES) {
                let place = printable(&format!("{}: {}", annotation.place(), annotation.message));
                out.push_str(&format!("  {} {}\n", paint(FAINT, &printable(&item.name)), place));
            }
            if places.len() > SHOWN_PLACES {
                let more = format!("and {} more places of gate {}", places.len() - SHOWN_PLACES, gate.gate);
                out.push_str(&format!("  {} {}\n", paint(FAINT, &printable(&item.name)), printable(&more)));
            }
        }
        if let Some(way_out) = &item.way_out {
            out.push_str(&format!("{} {}: {}\n", paint(FAINT, "way out of"), printable(&item.name), printable(way_out)));
        }
        for note in &item.notes {
            out.push_str(&format!("{} {}: {}\n", paint(CARE, "note:"), printable(&item.name), printable(note)));
        }
    }
    for note in &run.notes {
        out.push_str(&format!("{} {}\n", paint(CARE, "note:"), printable(note)));
    }
    if out.is_empty() { out } else { format!("\n{out}") }
}

/// One line: what happened, or would, and one with what to do next.
pub fn headline(run: &Run, plan: Option<&str>) -> String {
    let merged = run.count(Status::Merged);
    let up_to_date = run.count(Status::UpToDate);
    let left: Vec<String> = [
        (run.count(Status::SkippedConflict), "in conflict"),
        (run.count(Status::SkippedGates), "stopped by gates"),
        (run.count(Status::SkippedHistory) + run.count(Status::SkippedMissing), "not usable"),
        (run.count(Status::Blocked), "blocked"),
        (run.count(Status::Pending), "not reached"),
        (up_to_date, "already in"),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, what)| format!("{n} {what}"))
    .collect();
    let left = if left.is_empty() { String::new() } else { format!(" ({})", left.join(", ")) };
    let total = run.items.len();
    let short = |id: &str| id.chars().take(10).collect::<String>();
    let target = printable(&run.target);
    let line = match (run.purpose, run.state) {
        (_, RunState::Interrupted) => paint(BAD, &format!("interrupted: {target} was not touched{left}")),
        (_, RunState::Aborted) => paint(BAD, &format!("aborted: {target} was not touched{left}")),
        (_, RunState::Undone) => {
            let what = format!("undone: {merged} of {total} had landed on {target}");
            format!("{}, {} -> {}{left}", paint(CARE, &what), short(&run.tip), short(&run.base))
        }
        (_, RunState::Running) => paint(CARE, &format!("at work, or killed while it was; {target} was not touched")),
        (_, RunState::Overtaken) => paint(CARE, &format!("nothing landed: {target} moved meanwhile")),
        (_, RunState::Landed) => {
            let what = format!("landed {merged} of {total} on {target}");
            format!("{}, {} -> {}{left}", paint(GOOD, &what), short(&run.base), short(&run.tip))
        }
        (Purpose::Preview, RunState::Done) => format!("{merged} of {total} would land on {target}{left}"),
        (Purpose::Prove, RunState::Done) => format!("{merged} of {total} hold on {target}{left}"),
        (Purpose::Land, RunState::Done) => format!("nothing to land on {target}{left}"),
    };
    let next = match (run.purpose, run.state) {
        (Purpose::Preview | Purpose::Prove, RunState::Done) | (_, RunState::Undone) if merged > 0 => {
            plan.map(|plan| format!("git lex-pr merge {} --execute", printable(&shell_word(plan))))
        }
        (Purpose::Prove | Purpose::Land, RunState::Done) if merged == 0 && run.count(Status::SkippedGates) > 0 => {
            plan.map(|plan| format!("git lex-pr retry {}, once that is mended", printable(&shell_word(plan))))
        }
        _ => run.id.as_ref().filter(|_| run.state == RunState::Landed).map(|id| format!("git lex-pr report {id}")),
    };
    match next {
        Some(next) => format!("{line}\n{} {next}\n", paint(FAINT, "next:")),
        None => format!("{line}\n"),
    }
}

/// Why each gate was asked or not, where somebody wanted to know.
fn explained(run: &Run) -> String {
    let title = |text: &str| (text.to_string(), HEAD);
    let mut rows: Vec<Vec<Cell>> = vec![vec![title("ITEM"), title("GATE"), title("WHY")]];
    for item in &run.items {
        let why = item.gates.iter().filter_map(|gate| Some((&gate.gate, gate.why.as_ref()?)));
        rows.extend(why.map(|(gate, why)| vec![(item.name.clone(), PLAIN), (gate.clone(), PLAIN), (why.clone(), PLAIN)]));
    }
    if rows.len() == 1 { String::new() } else { format!("\n{}", columns(&rows)) }
}

/// The gates of every item, one row each.
fn gates(run: &Run) -> String {
    let title = |text: &str| (text.to_string(), HEAD);
    let mut rows: Vec<Vec<Cell>> = vec![vec![title("ITEM"), title("GATE"), title("VERDICT"), title("TIME"), title("SUMMARY")]];
    for item in &run.items {
        rows.extend(gate_rows(item));
    }
    if rows.len() == 1 { format!("{}\n", paint(FAINT, "no gate was asked")) } else { columns(&rows) }
}

fn gate_rows(item: &ItemReport) -> impl Iterator<Item = Vec<Cell>> {
    let shown = item.gates.iter().filter(|g| g.gate != CONFLICT_MARKERS || g.answer().is_some_and(|a| !a.is_good()));
    shown.map(|gate| {
        let required = match (&gate.overridden, gate.required) {
            (Some(_), _) => " (overridden)",
            (None, true) => "",
            (None, false) => " (optional)",
        };
        let (verdict, style, time, summary) = match &gate.verdict {
            Some(v) => {
                let time = if gate.reused { "reused".into() } else { human(Duration::from_millis(v.duration_ms)) };
                (v.words(), of_answer(v.verdict), time, v.summary.clone())
            }
            None => ("-".into(), FAINT, String::new(), "not asked".into()),
        };
        vec![(item.name.clone(), PLAIN), (format!("{}{required}", gate.gate), PLAIN), (verdict, style), (time, FAINT), (summary, PLAIN)]
    })
}
