//! Which of two version requirements holds for both sides.

use semver::{Comparator, Op, Version, VersionReq};

/// The higher of two requirements of the same style (`^`, `~`, `=` or none) that are compatible: same major, or same minor
/// where the major is 0 or the style is `~`. None where a side went below the base.
pub(super) fn higher<'a>(base: Option<&str>, ours: &'a str, theirs: &'a str) -> Option<&'a str> {
    let ((our_style, us), (their_style, them)) = (requirement(ours)?, requirement(theirs)?);
    let compatible = us.major == them.major && ((us.major > 0 && us.op != Op::Tilde) || us.minor == them.minor);
    // Below 0.1 every version is a world of its own, so nothing is compatible.
    let nameless = us.major == 0 && us.minor.unwrap_or_default() == 0;
    if our_style != their_style || !compatible || nameless {
        return None;
    }
    if let Some(base) = base {
        let (_, base) = requirement(base)?;
        if lowest(&us) < lowest(&base) || lowest(&them) < lowest(&base) {
            return None;
        }
    }
    // Of `1.2` and `1.2.0`, the same version, the one that says more, whoever has it.
    Some(if (lowest(&us), ours.len()) >= (lowest(&them), theirs.len()) { ours } else { theirs })
}

/// A requirement of one plain version, and the style it is written in.
fn requirement(text: &str) -> Option<(&str, Comparator)> {
    let (style, version) = text.split_at(text.find(|c: char| c.is_ascii_digit())?);
    if !version.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let mut comparators = VersionReq::parse(text).ok()?.comparators;
    let one = comparators.pop()?;
    matches!(style.trim(), "" | "^" | "~" | "=").then_some((style, one))
}

fn lowest(one: &Comparator) -> Version {
    Version::new(one.major, one.minor.unwrap_or_default(), one.patch.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::higher;

    #[test]
    fn the_higher_compatible_requirement_wins() {
        for (base, ours, theirs, wins) in [
            (Some("1.0.0"), "1.0.3", "1.0.5", "1.0.5"),
            (None, "^1.2", "^1.10", "^1.10"),
            (None, "0.3.1", "0.3", "0.3.1"),
            (None, "=1.2.3", "=1.2.4", "=1.2.4"),
            (None, "~1.2.3", "~1.2.4", "~1.2.4"),
            (None, "1.2", "1.2.0", "1.2.0"),
            (Some("0.9"), "1.1", "1.2", "1.2"),
        ] {
            assert_eq!(higher(base, ours, theirs), Some(wins), "{ours} {theirs}");
            assert_eq!(higher(base, theirs, ours), Some(wins), "{theirs} {ours}");
        }
    }

    #[test]
    fn what_is_not_compatible_is_refused() {
        for (base, ours, theirs) in [
            (None, "1.0", "2.0"),
            (None, "0.3", "0.4"),
            (None, "0.0.3", "0.0.4"),
            (None, "^1.0", "1.1"),
            (None, "~1.2", "~1.3"),
            (None, ">=1.0", ">=1.1"),
            (None, "1.0, <1.5", "1.1"),
            (None, "1.0.0-rc.1", "1.0.0"),
            (None, "*", "1"),
            (None, "git", "1"),
            (None, "1.x", "1.2"),
            (None, "1.*", "1.2"),
            (Some("1.0.4"), "1.0.3", "1.0.5"),
            (Some("*"), "1.0.3", "1.0.5"),
        ] {
            assert_eq!(higher(base, ours, theirs), None, "{ours} {theirs}");
            assert_eq!(higher(base, theirs, ours), None, "{theirs} {ours}");
        }
    }
}
