//! The items of a plan that a command is about: by name, by level, or by what is known of them.

use super::context::PlanArg;
use crate::{
    model::{Error, Result, error::nearest},
    plan::{Facts, Query},
    repo::Repo,
    run::{cut, facts, newest_run},
};
use std::{collections::BTreeSet, ops::RangeInclusive};

/// Which items; all where nothing is said. What they depend on comes along.
#[derive(Debug, Default, clap::Args)]
pub struct Selectors {
    /// Only these items, with commas between them, and what they depend on.
    #[arg(long, value_name = "ITEM", value_delimiter = ',')]
    items: Vec<String>,
    /// Only the items of these levels, such as `0,2-3`, and what they depend on.
    #[arg(long, value_name = "LEVELS", value_delimiter = ',', value_parser = levels)]
    levels: Vec<RangeInclusive<usize>>,
    /// Only items that answer this query, such as `author contains ada and deps.length eq 0`, and what they depend on.
    #[arg(long, value_name = "QUERY")]
    filter: Option<String>,
}

impl Selectors {
    /// A plan with one item and what it depends on.
    pub fn only(item: &str) -> Selectors {
        Selectors { items: vec![item.into()], ..Selectors::default() }
    }

    /// The plan, cut down to them.
    pub fn of(&self, repo: &Repo, mut found: PlanArg) -> Result<PlanArg> {
        if self.items.is_empty() && self.levels.is_empty() && self.filter.is_none() {
            return Ok(found);
        }
        let names = || found.plan.items.iter().map(|item| item.name.as_str());
        if let Some(missing) = self.items.iter().find(|item| !names().any(|name| name == *item)) {
            let hint = match nearest(missing, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`git lex-pr order` shows the items of a plan".into(),
            };
            return Err(Error::input("missing-item", format!("there is no item `{missing}` in plan {}", found.name)).hint(hint));
        }
        let query = self.filter.as_deref().map(Query::parse).transpose()?;
        let fields = query.as_ref().map_or_else(BTreeSet::new, Query::fields);
        let all = facts_for(repo, &found, &fields)?;
        let fits = |facts: &Facts| {
            let level = facts["level"].as_u64().and_then(|level| usize::try_from(level).ok()).unwrap_or_default();
            (self.items.is_empty() || self.items.iter().any(|item| facts["name"] == *item))
                && (self.levels.is_empty() || self.levels.iter().any(|range| range.contains(&level)))
                && query.as_ref().is_none_or(|query| query.fits(facts))
        };
        let chosen = found.plan.items.iter().zip(&all).filter(|(_, facts)| fits(facts)).map(|(item, _)| item.name.clone());
        found.plan = cut(&found.plan, &found.name, &chosen.collect::<Vec<_>>())?;
        Ok(found)
    }
}

/// What is known of each item of a plan, in its order, as far as one of `fields` asks for it.
pub fn facts_for(repo: &Repo, found: &PlanArg, fields: &BTreeSet<&str>) -> Result<Vec<Facts>> {
    let newest = match fields.contains("status") || fields.contains("conflicts") {
        true => newest_run(repo, Some(&found.name))?,
        false => None,
    };
    facts(repo, &found.plan, newest.as_ref(), fields)
}

fn levels(text: &str) -> Result<RangeInclusive<usize>, String> {
    let number = |text: &str| text.trim().parse::<usize>().map_err(|_| format!("`{text}` is no level; write `0,2-3`"));
    match text.split_once('-') {
        Some((first, last)) => Ok(number(first)?..=number(last)?),
        None => number(text).map(|level| level..=level),
    }
}
