//! `git lex-pr gate stats`

use super::{Answer, context::Context};
use crate::{
    gate::{Known, stats},
    model::{
        Error, Result,
        policy::Performance,
        time::{human, local_zone},
    },
    report::style::{CARE, Cell, FAINT, HEAD, PLAIN, columns, paint},
};
use jiff::Timestamp;
use std::time::Duration;

/// Show what the recorded verdicts say of each gate: how often it was red, how often it flaked, and how long it took.
///
/// A gate flakes where it says two things of the very same files: it passed at a later try, or failed in one run and passed in
/// another.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The gates; all that were ever asked where none is named.
    #[arg(value_name = "GATE")]
    gates: Vec<String>,
    /// Only verdicts since then: `2026-11-01`, `2026-11-01T12:00:00Z`, or a length of time such as `14d`.
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
}

pub fn run(args: &Args, context: &Context) -> Result<Answer> {
    let repo = context.repo()?;
    let since = args.since.as_deref().map(moment).transpose()?;
    let mut found = stats(&Known::new(&repo, &Performance::default()).all()?, since);
    if let Some(name) = args.gates.iter().find(|name| !found.iter().any(|stats| stats.gate == **name)) {
        return Err(Error::input("unknown-gate", format!("there is no verdict of a gate `{name}`"))
            .hint("`git lex-pr gate stats` shows all gates that have given one"));
    }
    found.retain(|stats| args.gates.is_empty() || args.gates.contains(&stats.gate));
    let titles = ["GATE", "VERDICTS", "GOOD", "FAILED", "ERRORS", "FLAKY", "HALF WITHIN", "95 % WITHIN", "LAST"];
    let mut rows: Vec<Vec<Cell>> = vec![titles.map(|text| (text.to_string(), HEAD)).to_vec()];
    for gate in &found {
        let time = |ms| (human(Duration::from_millis(ms)), PLAIN);
        let number = |n: usize| (n.to_string(), PLAIN);
        let flaky = (gate.flaky.to_string(), if gate.flaky > 0 { CARE } else { PLAIN });
        let last = gate.last.get(..10).unwrap_or_default().to_string();
        rows.push(vec![
            (gate.gate.clone(), PLAIN),
            number(gate.verdicts),
            number(gate.good),
            number(gate.failed),
            number(gate.errors),
            flaky,
            time(gate.median_ms),
            time(gate.p95_ms),
            (last, FAINT),
        ]);
    }
    let text = if found.is_empty() { format!("{}\n", paint(FAINT, "no gate has given a verdict")) } else { columns(&rows) };
    Answer::yes(text, &found)
}

/// A point in time, or one that lies so long back.
fn moment(text: &str) -> Result<Timestamp> {
    let zone = local_zone();
    let date = || text.parse::<jiff::civil::Date>().ok()?.to_zoned_datetime(zone.clone()).ok().map(|zoned| zoned.timestamp());
    let back = || {
        Timestamp::now().to_zoned_datetime(zone.clone()).checked_sub(text.parse::<jiff::Span>().ok()?).ok().map(|zoned| zoned.timestamp())
    };
    text.parse().ok().or_else(date).or_else(back).ok_or_else(|| {
        Error::input("bad-value", format!("`{text}` is no point in time"))
            .hint("write `2026-11-01`, or a length of time back from now: `14d`, `12h`")
    })
}
