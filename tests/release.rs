//! The archive of a release: what is in it, and that it is the same bytes whoever packs it.

use std::{path::Path, process::Command};

fn pack(folder: &Path, before: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let script = format!("{before}; exec .ci/release \"$0\"");
    let mut command = Command::new("bash");
    command.current_dir(root).args(["-c", &script]).arg(folder).env("BINARY", env!("CARGO_BIN_EXE_git-lex-pr"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::read(String::from_utf8(output.stdout).unwrap().trim()).unwrap()
}

#[test]
fn an_archive_is_the_same_whoever_packs_it_and_works_where_it_is_unpacked() {
    let dist = tempfile::tempdir().unwrap();
    let one = pack(&dist.path().join("one"), "umask 077; export TZ=Asia/Tokyo LC_ALL=C");
    let other = pack(&dist.path().join("other"), "umask 002; export TZ=UTC");
    assert!(one == other, "{} and {} bytes differ", one.len(), other.len());

    let run = |script: &str| {
        let output = Command::new("bash").current_dir(dist.path().join("one")).args(["-ec", script]).output().unwrap();
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(run("sha256sum -c *.sha256").contains("OK"));
    run("tar xzf *.tar.gz && mv git-lex-pr-*/ unpacked");
    let unpacked = dist.path().join("one/unpacked");
    for file in [
        "share/man/man1/git-lex-pr.1",
        "share/bash-completion/completions/git-lex-pr",
        "share/zsh/site-functions/_git-lex-pr",
        "share/fish/vendor_conf.d/git-lex-pr.fish",
        "share/powershell/git-lex-pr.ps1",
        "share/doc/git-lex-pr/LICENSE-MIT",
        "share/doc/git-lex-pr/LICENSE-APACHE",
        "share/doc/git-lex-pr/docs/quickstart.md",
        "share/doc/git-lex-pr/lex-pr.schema.json",
    ] {
        assert!(unpacked.join(file).metadata().is_ok_and(|data| data.len() > 100), "{file}");
    }
    // It needs no C++ library there, where the compiler brings that in one piece.
    run("case $(c++ -print-file-name=libstdc++.a) in /*) ldd unpacked/bin/git-lex-pr > needs; ! grep libstdc++ needs ;; esac");
    assert_eq!(run("unpacked/bin/git-lex-pr --version").trim(), concat!("git-lex-pr ", env!("CARGO_PKG_VERSION")));
}
