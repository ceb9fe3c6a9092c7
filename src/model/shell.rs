//! Words of a shell command, for the commands that hints suggest.

/// `word` as a shell takes it: as it stands where no shell could see anything in it, else in single quotes (POSIX.1-2017,
/// XCU 2.2.2). Names of branches and paths are hostile, and a suggested command is there to be pasted.
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.into() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::shell_word;
    use std::process::Command;

    #[test]
    fn a_shell_gives_back_the_very_word() {
        for word in ["feat/a", "#12", "", "a'b;c$(x)", "~x", "{a,b}", "a b\\", "`id`", "!!", "ä/ö", "a\nb", "*"] {
            let said = Command::new("sh").arg("-c").arg(format!("printf %s {}", shell_word(word))).output().unwrap();
            assert_eq!(String::from_utf8(said.stdout).unwrap(), word);
        }
        assert_eq!((shell_word("feat/a"), shell_word("a'b;c$(x)")), ("feat/a".into(), r"'a'\''b;c$(x)'".into()));
    }
}
