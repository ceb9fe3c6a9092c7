//! What `git -c KEY=VALUE lex-pr` says: git hands it on in a variable, which gix does not read.

use crate::model::{Error, Result};
use gix::bstr::{BString, ByteSlice};
use std::os::unix::ffi::OsStringExt;

const VARIABLE: &str = "GIT_CONFIG_PARAMETERS";

/// The settings of the command line, each as `KEY=VALUE`, or as `KEY` for one that is only switched on. Refused where git would not
/// understand them either.
pub(super) fn parameters() -> Result<Vec<BString>> {
    let Some(said) = std::env::var_os(VARIABLE) else { return Ok(Vec::new()) };
    read(&said.into_vec()).ok_or_else(|| {
        Error::input("bad-config", format!("git's configuration cannot be read: {VARIABLE} is not as git writes it"))
            .hint(format!("unset {VARIABLE}, and give settings by `git -c KEY=VALUE lex-pr`"))
    })
}

/// `'KEY'='VALUE'`, `'KEY'=` or, from git before 2.31, `'KEY=VALUE'`, with blanks between (`parse_config_env_list` in git's config.c). A key
/// with a `=` in it cannot be handed to gix: it is an address, which only git itself asks for.
fn read(said: &[u8]) -> Option<Vec<BString>> {
    let mut settings = Vec::new();
    let mut rest = said.trim_start();
    while !rest.is_empty() {
        let (mut setting, behind) = unquote(rest)?;
        rest = behind;
        if let Some(value) = rest.strip_prefix(b"=") {
            let is_address = setting.contains(&b'=');
            if value.starts_with(b"'") {
                let (value, behind) = unquote(value)?;
                setting.push(b'=');
                setting.extend(value);
                rest = behind;
            } else {
                rest = value;
            }
            settings.extend((!is_address).then(|| BString::from(setting)));
        } else {
            settings.push(setting.into());
        }
        if !rest.is_empty() && !rest[0].is_ascii_whitespace() {
            return None;
        }
        rest = rest.trim_start();
    }
    Some(settings)
}

/// A word in single quotes as git quotes for a shell, and what follows it (`sq_dequote_step` in git's quote.c).
fn unquote(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut word = Vec::new();
    let mut rest = text.strip_prefix(b"'")?;
    loop {
        let end = rest.find_byte(b'\'')?;
        word.extend(&rest[..end]);
        rest = &rest[end + 1..];
        match rest {
            [b'\\', escaped @ (b'\'' | b'!'), b'\'', behind @ ..] => {
                word.push(*escaped);
                rest = behind;
            }
            _ => return Some((word, rest)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::read;

    #[test]
    fn settings_are_read_as_git_writes_them() {
        let all = read(b" 'user.name'='Z'\\''d, \"x\"'\\!'' 'a.b'= 'c.d'='' 'e.f=1 = 2' 'g.h' 'url.x?y=z.insteadOf'='w'").unwrap();
        assert_eq!(all, ["user.name=Z'd, \"x\"!", "a.b", "c.d=", "e.f=1 = 2", "g.h"]);
        for wrong in ["x", "'x", "'x'='y", "'x'y", "'x'=y", "'a.b'='c''d.e'"] {
            assert!(read(wrong.as_bytes()).is_none(), "{wrong}");
        }
    }
}
