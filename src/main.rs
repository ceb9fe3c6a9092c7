//! The binary `git-lex-pr`, so that `git lex-pr` works.

fn main() {}
