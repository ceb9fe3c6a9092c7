//! Files that are named in output as links to the work tree (OSC 8), for terminals that can open them.

use anstream::{AutoStream, ColorChoice};
use std::{
    fmt::Write,
    io::IsTerminal,
    path::{Path, PathBuf},
};

/// Links to the files of a work tree.
pub struct Links {
    root: PathBuf,
}

/// Of a name with more words than this, only a beginning can be a link.
const MOST_WORDS: usize = 12;

impl Links {
    /// Links into what `root` finds, where stdout is a terminal that knows them and may be sent more than letters.
    pub fn into(root: impl FnOnce() -> Option<PathBuf>) -> Option<Links> {
        let stdout = std::io::stdout();
        let can = stdout.is_terminal() && supports_hyperlinks::supports_hyperlinks() && AutoStream::choice(&stdout) != ColorChoice::Never;
        if can { Some(Links { root: root()?.canonicalize().ok()? }) } else { None }
    }

    /// `text` with a link on each word that names a file which is there, and on several that together do: `src/lib.rs`, `src/lib.rs:12`,
    /// `a file.txt`.
    pub fn mark(&self, text: &str) -> String {
        let mut marked = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(begin) = rest.find(|c: char| !is_between(c)) {
            marked.push_str(&rest[..begin]);
            rest = &rest[begin..];
            if rest.starts_with('\u{1b}') {
                // A colour: all up to its `m`.
                let end = rest.find('m').map_or(rest.len(), |at| at + 1);
                marked.push_str(&rest[..end]);
                rest = &rest[end..];
                continue;
            }
            let end = rest.find(|c: char| is_between(c) || c == '\u{1b}').unwrap_or(rest.len());
            let found = ends(rest).filter_map(|end| Some((&rest[..end], self.target(&rest[..end])?))).last();
            let name = match &found {
                Some((name, target)) => {
                    let _ = write!(marked, "\u{1b}]8;;{target}\u{1b}\\{name}\u{1b}]8;;\u{1b}\\");
                    name
                }
                None => {
                    marked.push_str(&rest[..end]);
                    &rest[..end]
                }
            };
            rest = &rest[name.len()..];
        }
        marked + rest
    }

    /// The address of the file that a word names, with its line behind a `#`.
    fn target(&self, word: &str) -> Option<String> {
        let number = |text: &str| text.split(['-', ':']).next().and_then(|first| first.parse::<usize>().ok());
        let (path, line) = match word.split_once(':') {
            Some((path, lines)) => (path, Some(number(lines)?)),
            None => (word, None),
        };
        // A path that leads out of the work tree is no file of it.
        let inside = !path.is_empty() && Path::new(path).components().all(|part| matches!(part, std::path::Component::Normal(_)));
        let file = self.root.join(path);
        if !inside || !file.is_file() {
            return None;
        }
        let mut address = "file://".to_string();
        for byte in file.to_str()?.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => address.push(byte.into()),
                _ => drop(write!(address, "%{byte:02X}")),
            }
        }
        if let Some(line) = line {
            let _ = write!(address, "#{line}");
        }
        Some(address)
    }
}

/// Where a name at the beginning of `text` may end, the nearest first: with each of the next words, within the cell of a table.
fn ends(text: &str) -> impl Iterator<Item = usize> {
    let stop = text.find(['\n', '\u{1b}']).into_iter().chain(text.find("  ")).min().unwrap_or(text.len());
    let cell = &text[..stop];
    let words = cell.match_indices(is_between).map(|(at, _)| at).take(MOST_WORDS).chain([cell.len()]);
    words.map(move |end| cell[..end].trim_end_matches([':', '.']).len())
}

/// Whether a character stands between words.
fn is_between(c: char) -> bool {
    c.is_whitespace() || ",;()`\"'".contains(c)
}
