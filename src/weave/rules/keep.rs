//! The property that every rule holds: no side is dropped.

use std::collections::BTreeMap;

/// Whether the result holds what both sides kept and what either added, the same addition of both sides once or twice, and
/// nothing else. What one side removed is gone.
pub(super) fn holds<T: Ord>(
    base: impl IntoIterator<Item = T>,
    ours: impl IntoIterator<Item = T>,
    theirs: impl IntoIterator<Item = T>,
    result: impl IntoIterator<Item = T>,
) -> bool {
    let mut counts: BTreeMap<T, [usize; 4]> = BTreeMap::new();
    let mut count = |units: &mut dyn Iterator<Item = T>, of: usize| units.for_each(|unit| counts.entry(unit).or_default()[of] += 1);
    count(&mut base.into_iter(), 0);
    count(&mut ours.into_iter(), 1);
    count(&mut theirs.into_iter(), 2);
    count(&mut result.into_iter(), 3);
    counts.values().all(|&[base, ours, theirs, result]| {
        let (kept, we_added, they_added) = (base.min(ours).min(theirs), ours.saturating_sub(base), theirs.saturating_sub(base));
        (kept + we_added.max(they_added)..=kept + we_added + they_added).contains(&result)
    })
}

/// The lines of a text that say something.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim_end).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::holds;

    #[test]
    fn what_a_side_added_or_both_kept_must_be_there_and_nothing_else() {
        let check = |result: &str| holds("abc".chars(), "abcx".chars(), "acy".chars(), result.chars());
        assert!(check("acxy") && check("yxca"));
        assert!(!check("acx") && !check("acy"), "a side is dropped");
        assert!(!check("axy"), "a kept line is dropped");
        assert!(!check("abcxy"), "a removed line is back");
        assert!(!check("acxyz") && !check("aacxy"), "something is made up");
        assert!(holds("".chars(), "x".chars(), "x".chars(), "x".chars()) && holds("".chars(), "x".chars(), "x".chars(), "xx".chars()));
    }
}
