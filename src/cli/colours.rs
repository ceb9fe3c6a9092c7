//! When there are colours: as the flag, NO_COLOR and git's own settings say it.

use super::context::Context;
use crate::report::style::is_paged_by_git;
use anstream::ColorChoice;

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set or git's color.ui says otherwise.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// From now on.
    pub fn hold(self, context: &Context) {
        let choice = match self {
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
            Color::Auto => of_git(context),
        };
        choice.write_global();
    }
}

/// What `color.ui` and `color.pager` say (git-config(1)).
fn of_git(context: &Context) -> ColorChoice {
    let is_no = |value: &str| ["never", "false", "no", "off", "0"].iter().any(|no| value.eq_ignore_ascii_case(no));
    let ui = context.git_setting("color.ui").unwrap_or_default();
    let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match () {
        () if is_no(&ui) => ColorChoice::Never,
        () if is_unwanted => ColorChoice::Auto,
        () if ui.eq_ignore_ascii_case("always") => ColorChoice::Always,
        () if is_paged_by_git() && !context.git_setting("color.pager").is_some_and(|value| is_no(&value)) => ColorChoice::Always,
        () => ColorChoice::Auto,
    }
}
