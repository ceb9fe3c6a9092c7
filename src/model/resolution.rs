//! A conflict that was resolved once, and how.

use super::{Error, Result};
use sha2::{Digest, Sha256};

/// What a resolution is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Lines that both sides changed, wherever they stand.
    Lines,
    /// The same as git shows it: without the base, and only where the sides differ. What git-rerere(1) knows is of this kind.
    Sides,
    /// A whole file: one that is no text, that a side took away, or that was changed elsewhere as well when it was resolved. Its
    /// sides are its modes and objects.
    File,
}

/// A recorded resolution: a blob in the tree of `refs/lex-pr/resolutions`, under its key.
///
/// The blob is a head of `name value` lines, an empty line, and the four contents one after the other, each as long as
/// the head says, so that any content is kept as it is and `git show` reads well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// What it is about.
    pub kind: Kind,
    /// Where it was first seen, for people; it is no part of the key.
    pub path: String,
    /// Where it was learnt: a commit in hex, or `rerere`.
    pub from: String,
    /// What was there before both sides changed it.
    pub base: Vec<u8>,
    /// The two sides.
    pub sides: [Vec<u8>; 2],
    /// What became of them. For a file: its mode on the first line, then its content; nothing where it was deleted.
    pub resolution: Vec<u8>,
}

impl Kind {
    /// The word that stands for it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Lines => "lines",
            Kind::Sides => "sides",
            Kind::File => "file",
        }
    }
}

const HEADING: &str = "lex-pr resolution 1";

impl Resolution {
    /// SHA-256, in hex, of the conflict's own content: its kind, its base and its sides, whichever is which (as git-rerere(1)
    /// sorts them).
    pub fn key(kind: Kind, base: &[u8], [one, other]: [&[u8]; 2]) -> String {
        let mut hash = Sha256::new();
        hash.update(match kind {
            Kind::Lines => b"lines",
            Kind::Sides => b"sides",
            Kind::File => b"file\0",
        });
        for part in [base, one.min(other), one.max(other)] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        super::hex(&hash.finalize())
    }

    /// Its own key.
    pub fn own_key(&self) -> String {
        Resolution::key(self.kind, &self.base, [&self.sides[0], &self.sides[1]])
    }

    /// The blob.
    pub fn to_bytes(&self) -> Vec<u8> {
        let kind = self.kind.word();
        let [one, other] = &self.sides;
        let mut bytes = format!(
            "{HEADING}\nkind {kind}\npath {}\nfrom {}\nbase {}\none {}\nother {}\nresolution {}\n\n",
            self.path.replace('\n', "?"),
            self.from,
            self.base.len(),
            one.len(),
            other.len(),
            self.resolution.len()
        )
        .into_bytes();
        for part in [&self.base, one, other, &self.resolution] {
            bytes.extend_from_slice(part);
        }
        bytes
    }

    /// Read a blob; `name` is what errors call it.
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Resolution> {
        let broken = |what: &str| {
            Error::input("bad-resolution", format!("resolution {name} cannot be read: {what}"))
                .hint(format!("git lex-pr resolutions forget {name}"))
        };
        let split = bytes.windows(2).position(|two| two == b"\n\n").ok_or_else(|| broken("it has no head"))?;
        let head = std::str::from_utf8(&bytes[..split]).map_err(|_| broken("its head is not UTF-8"))?;
        let mut lines = head.lines();
        if lines.next() != Some(HEADING) {
            return Err(broken("it is of another version"));
        }
        let mut value = |key: &str| {
            lines
                .next()
                .and_then(|line| line.strip_prefix(key)?.strip_prefix(' '))
                .map(ToOwned::to_owned)
                .ok_or_else(|| broken(&format!("its head has no `{key}`")))
        };
        let word = value("kind")?;
        let kinds = [Kind::Lines, Kind::Sides, Kind::File];
        let kind = kinds.into_iter().find(|kind| kind.word() == word).ok_or_else(|| broken("its kind is unknown"))?;
        let (path, from) = (value("path")?, value("from")?);
        let mut rest = &bytes[split + 2..];
        let mut part = |key: &str| {
            let length: usize = value(key)?.parse().map_err(|_| broken("a length is no number"))?;
            let (part, after) = rest.split_at_checked(length).ok_or_else(|| broken("it is cut off"))?;
            rest = after;
            Ok(part.to_vec())
        };
        let base = part("base")?;
        let sides = [part("one")?, part("other")?];
        Ok(Resolution { kind, path, from, base, sides, resolution: part("resolution")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolution_is_read_as_it_was_written_and_broken_ones_are_refused() {
        let resolution = Resolution {
            kind: Kind::Lines,
            path: "a b".into(),
            from: "rerere".into(),
            base: b"x\n\n".to_vec(),
            sides: [b"\xff\n".to_vec(), Vec::new()],
            resolution: b"y".to_vec(),
        };
        let bytes = resolution.to_bytes();
        assert_eq!(Resolution::from_bytes(&bytes, "k"), Ok(resolution));
        for cut in 0..bytes.len() {
            assert!(Resolution::from_bytes(&bytes[..cut], "k").is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn the_key_knows_no_order_of_sides_but_every_border() {
        let key = |base: &str, one: &str, other: &str| Resolution::key(Kind::Lines, base.as_bytes(), [one.as_bytes(), other.as_bytes()]);
        assert_eq!(key("b", "x", "y"), key("b", "y", "x"));
        assert_ne!(key("b", "x", "y"), key("bx", "", "y"));
        assert_ne!(key("b", "x", "y"), Resolution::key(Kind::File, b"b", [b"x", b"y"]));
    }
}
