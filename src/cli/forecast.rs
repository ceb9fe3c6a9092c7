//! `git lex-pr forecast`

use super::{Answer, context::Context};
use crate::{
    model::{
        Result,
        forecast::{By, Forecast},
        json,
    },
    report::heat_map,
    report::style::{BAD, Cell, FAINT, GOOD, HEAD, PLAIN, columns, paint, printable},
    run::forecast,
};

/// Foretell who conflicts with whom, in which files, and who can land together.
///
/// Each item is woven alone on the target, and each pair of them with each other, in memory. Exits with 1 where not all
/// can land together.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A plan's name, a plan file, or `-`; the only plan where there is but one.
    plan: Option<String>,
    /// How to write it.
    #[arg(long, default_value = "text")]
    format: Format,
    /// What makes a set of items that can land together the best one.
    #[arg(long, value_name = "WHAT", default_value = "count")]
    by: By,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For a terminal.
    Text,
    /// The whole; `git lex-pr schema forecast` prints its schema.
    Json,
    /// A picture: the matrix of all pairs.
    Svg,
}

pub fn run(args: &Args, context: &Context) -> Result<Answer> {
    let repo = context.repo()?;
    let plan = context.plan(&repo, args.plan.as_deref())?.plan;
    let forecast = forecast(&repo, &plan, args.by)?;
    let words = match args.format {
        Format::Text => describe(&forecast),
        Format::Json => json::canonical(&forecast)?,
        Format::Svg => heat_map(&forecast),
    };
    Ok(Answer { no: !forecast.clashes.is_empty() || !forecast.alone.is_empty(), ..Answer::yes(words, &forecast)? })
}

fn describe(forecast: &Forecast) -> String {
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for unfit in &forecast.alone {
        rows.push(vec![(unfit.item.clone(), PLAIN), ("alone".into(), BAD), (unfit.reason.clone(), PLAIN)]);
    }
    for clash in &forecast.clashes {
        let places: Vec<String> = clash.places.iter().map(ToString::to_string).collect();
        rows.push(vec![(clash.one.clone(), PLAIN), (clash.other.clone(), BAD), (places.join(", "), PLAIN)]);
    }
    let mut text = String::new();
    if !rows.is_empty() {
        let title = |text: &str| (text.to_string(), HEAD);
        rows.insert(0, vec![title("ITEM"), title("CONFLICTS WITH"), title("IN")]);
        text.push_str(&columns(&rows));
        text.push('\n');
    }
    let count = format!("{} of {} can land together on {}", forecast.together.len(), forecast.items.len(), printable(&forecast.target));
    let certain = if forecast.is_largest { "" } else { " (more may be possible: the search was cut short)" };
    text.push_str(&format!("{}{certain}{}\n", paint(GOOD, &count), if forecast.together.is_empty() { "" } else { ":" }));
    if !forecast.together.is_empty() {
        text.push_str(&format!("{} {}\n", paint(FAINT, " "), printable(&forecast.together.join(" "))));
    }
    text
}
