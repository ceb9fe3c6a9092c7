//! Git's own habits: settings by `git -c`, its pager and its colours.

use crate::{
    sandbox::Sandbox,
    terminal::{self, Terminal},
};
use std::{io::Read, path::Path, process::Command};

/// `git ARGS`, which finds `git lex-pr`.
fn git(sandbox: &Sandbox, args: &[&str]) -> Command {
    let mut command = sandbox.command("git", &sandbox.repo);
    command.args(args).env("PATH", path());
    command
}

fn path() -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_git-lex-pr")).parent().unwrap();
    format!("{}:{}", binary.display(), std::env::var("PATH").unwrap())
}

/// The same on a terminal; what it shows.
fn shown(sandbox: &Sandbox, columns: u16, args: &[&str], variables: &[(&str, &str)]) -> String {
    let (mut screen, line) = terminal::open(columns, 24);
    let mut command = terminal::on_terminal(sandbox, line, &[&["git"], args].concat());
    let mut child = command.env("PATH", path()).env_remove("NO_COLOR").envs(variables.iter().copied()).spawn().unwrap();
    drop(command);
    let mut written = Vec::new();
    // At the end the other side is gone, which is an error to Linux.
    let _ = screen.read_to_end(&mut written);
    child.wait().unwrap();
    String::from_utf8_lossy(&written).into_owned()
}

#[test]
fn settings_of_git_s_command_line_count() {
    let sandbox = Sandbox::new();
    sandbox.branch("a", "main", "a", &[("a", "x\n")]);
    sandbox.git(&["branch", "next", "main"]);
    let said = git(&sandbox, &["-c", "lexpr.target=next", "lex-pr", "plan", "create", "--json"]).output().unwrap();
    let plan: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(plan["target"], "next");
    let zed = ["-c", "user.name=Zed o'Neil", "-c", "user.email=zed@example.com", "-c", "lexpr.hollow"];
    let said = git(&sandbox, &[&zed[..], &["lex-pr", "plan", "review", "--accept"]].concat()).output().unwrap();
    assert!(String::from_utf8_lossy(&said.stdout).contains("by Zed o'Neil <zed@example.com>"), "{said:?}");
    assert_eq!(sandbox.git(&["log", "-1", "--format=%cn <%ce>", "refs/lex-pr/plans/default"]), "Zed o'Neil <zed@example.com>");
    let with = |value: &str| sandbox.lex_command(&sandbox.repo, &["plan", "show"]).env("GIT_CONFIG_PARAMETERS", value).output().unwrap();
    for (value, status) in [("'lexpr.target=next'", 0), ("", 0), ("'url.a=b.insteadOf'='c'", 0), ("nonsense", 2), ("'nodot'='x'", 2)] {
        let said = with(value);
        let stderr = String::from_utf8_lossy(&said.stderr);
        assert_eq!(said.status.code(), Some(status), "{value}: {stderr}");
        assert!(status == 0 || stderr.contains("configuration cannot be read"), "{value}: {stderr}");
    }
    sandbox.sound();
}

#[test]
fn in_the_pager_that_git_has_opened_lines_fit_and_have_colours() {
    let sandbox = Sandbox::new();
    sandbox.branch("a", "main", "a", &[("base.txt", "ONE\ntwo\nthree\n"), ("a file of some length", "x")]);
    sandbox.branch("b", "main", "b", &[("base.txt", "uno\ntwo\nthree\n"), ("a file of some length", "y")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    let plain = |written: &str| anstream::adapter::strip_str(written).to_string();
    for args in [&["-p", "lex-pr", "merge"][..], &["-c", "pager.lex-pr=true", "lex-pr", "merge"]] {
        let written = shown(&sandbox, 60, args, &[("GIT_PAGER", "sed 's/$/ |/'")]);
        assert!(written.contains(" |\r\n") && written.contains("\u{1b}[31mskipped"), "{args:?}: {written:?}");
        let plain = plain(&written);
        let lines: Vec<&str> = plain.split("\r\n").take_while(|line| *line != " |").collect();
        assert!(lines.len() > 3 && lines.iter().all(|line| line.trim_end_matches(" |").len() <= 60), "{args:?}: {lines:#?}");
        for (key, value) in [("color.ui", "never"), ("color.pager", "false")] {
            let no = format!("{key}={value}");
            let written = shown(&sandbox, 60, &[&["-c", no.as_str()], args].concat(), &[("GIT_PAGER", "sed 's/$/ |/'")]);
            assert!(written.contains(" |\r\n") && !written.contains('\u{1b}'), "{no}: {written:?}");
        }
    }
    let written = shown(&sandbox, 60, &["lex-pr", "plan", "show"], &[("GIT_PAGER", "sed 's/$/ |/'")]);
    assert!(written.contains(" |\r\n"), "without -p it opens one of its own: {written:?}");
    let written = shown(&sandbox, 60, &["-c", "pager.lex-pr=false", "lex-pr", "plan", "show"], &[("GIT_PAGER", "sed 's/$/ |/'")]);
    assert!(!written.contains(" |\r\n"), "{written:?}");
}

#[test]
fn the_colours_of_git_are_obeyed() {
    let sandbox = Sandbox::new();
    sandbox.branch("a", "main", "a", &[("a", "x\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    let coloured = |args: &[&str], variables: &[(&str, &str)]| shown(&sandbox, 80, args, variables).contains('\u{1b}');
    let show = ["lex-pr", "--no-pager", "plan", "show"];
    assert!(coloured(&show, &[]));
    for no in ["never", "false", "off"] {
        sandbox.git(&["config", "color.ui", no]);
        assert!(!coloured(&show, &[]), "{no}");
        assert!(coloured(&[&show[..], &["--color=always"]].concat(), &[]), "the flag is above it");
        assert!(!coloured(&["lex-pr", "nonsense"], &[]), "not even in errors");
    }
    sandbox.git(&["config", "color.ui", "always"]);
    let piped = git(&sandbox, &show).env_remove("NO_COLOR").output().unwrap();
    assert!(String::from_utf8_lossy(&piped.stdout).contains('\u{1b}'));
    assert!(!coloured(&show, &[("NO_COLOR", "1")]), "NO_COLOR is above it");
    sandbox.git(&["config", "--unset", "color.ui"]);
    std::fs::write(sandbox.root.path().join("home/.gitconfig"), "[color]\nui = false\n").unwrap();
    let nowhere = sandbox.root.path().join("home");
    assert!(!coloured(&["-C", nowhere.to_str().unwrap(), "lex-pr", "plan", "show"], &[]), "also where no repository is");
    assert!(coloured(&["-C", nowhere.to_str().unwrap(), "lex-pr", "--color=always", "plan", "show"], &[]));
}

/// A remote that takes its time.
#[test]
fn who_waits_for_a_remote_is_told() {
    let sandbox = Sandbox::new();
    sandbox.branch("a", "main", "a", &[("a", "x\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    sandbox.git(&["init", "-q", "--bare", "../hub.git"]);
    sandbox.git(&["remote", "add", "origin", "../hub.git"]);
    let hook = sandbox.root.path().join("hub.git/hooks/pre-receive");
    std::fs::write(&hook, "#!/bin/sh\nsleep 3\n").unwrap();
    std::process::Command::new("chmod").arg("+x").arg(&hook).status().unwrap();
    let (written, status) = Terminal::new(&sandbox, 80, &["sync"]).end();
    assert_eq!(status, Some(0), "{written}");
    assert!(
        written.starts_with("waiting for origin; Ctrl-C ends it\r\n") && written.contains("given to origin: plan default"),
        "{written}"
    );
    let (written, _) = Terminal::new(&sandbox, 80, &["sync"]).end();
    assert!(!written.contains("waiting"), "what is quick says nothing: {written}");
}
