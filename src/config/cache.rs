//! Where what can be computed again is kept.

use std::path::PathBuf;

/// This program's folder in the place that the XDG base directory specification has for caches; it need not be there yet.
pub fn cache_folder() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(cache.join("git-lex-pr"))
}
