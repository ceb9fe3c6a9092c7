//! The terminal UI, driven by keys on a terminal of its own; `vt100` reads what is on the screen.

use crate::{
    sandbox::{Sandbox, wait_for},
    terminal::{on_terminal, open},
};
use rustix::{
    process::{Pid, Signal, kill_process},
    termios::{self, LocalModes, Winsize},
};
use std::{
    fs::File,
    io::{Read, Write},
    num::NonZero,
    process::Child,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap()
}

struct Seen {
    screen: vt100::Parser,
    bytes: Vec<u8>,
}

struct View {
    keys: File,
    line: File,
    child: Child,
    seen: Arc<Mutex<Seen>>,
}

impl View {
    fn new(sandbox: &Sandbox, columns: u16, rows: u16) -> View {
        View::start(sandbox, columns, rows, &[env!("CARGO_BIN_EXE_git-lex-pr"), "view"], &[])
    }

    fn start(sandbox: &Sandbox, columns: u16, rows: u16, args: &[&str], env: &[(&str, &str)]) -> View {
        let (keys, line) = open(columns, rows);
        let mut command = on_terminal(sandbox, line.try_clone().unwrap(), args);
        for (name, value) in env {
            if value.is_empty() {
                command.env_remove(name)
            } else {
                command.env(name, value)
            };
        }
        let child = command.spawn().unwrap();
        let seen = Arc::new(Mutex::new(Seen { screen: vt100::Parser::new(cells(rows), cells(columns), 0), bytes: Vec::new() }));
        let (mut from, to) = (keys.try_clone().unwrap(), seen.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(n @ 1..) = from.read(&mut buffer) {
                let mut seen = to.lock().unwrap();
                seen.screen.process(&buffer[..n]);
                seen.bytes.extend_from_slice(&buffer[..n]);
            }
        });
        View { keys, line, child, seen }
    }

    fn screen(&self) -> String {
        self.seen.lock().unwrap().screen.screen().contents()
    }

    fn written(&self) -> usize {
        self.seen.lock().unwrap().bytes.len()
    }

    #[track_caller]
    fn shows(&self, words: &str) -> String {
        let patience = Instant::now() + Duration::from_secs(20);
        loop {
            let screen = self.screen();
            if screen.contains(words) {
                return screen;
            }
            assert!(Instant::now() < patience, "no {words:?} on the screen:\n{screen}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[track_caller]
    fn shows_no(&self, words: &str) -> String {
        wait_for(&format!("no {words} on the screen"), || !self.screen().contains(words));
        self.screen()
    }

    fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    fn resize(&self, columns: u16, rows: u16) {
        self.seen.lock().unwrap().screen.screen_mut().set_size(cells(rows), cells(columns));
        // This sends SIGWINCH to what is on the terminal.
        termios::tcsetwinsize(&self.line, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    }

    /// Whether the terminal is as a shell wants it.
    fn is_given_back(&self) -> bool {
        let modes = termios::tcgetattr(&self.line).unwrap().local_modes;
        let seen = self.seen.lock().unwrap();
        let screen = seen.screen.screen();
        modes.contains(LocalModes::ICANON | LocalModes::ECHO) && !screen.alternate_screen() && !screen.hide_cursor()
    }

    /// The exit status, after the terminal was seen to be given back.
    #[track_caller]
    fn ends(mut self) -> i32 {
        let mut status = None;
        wait_for("it ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        wait_for("the terminal is given back", || self.is_given_back());
        status.and_then(|status| status.code()).unwrap_or(-1)
    }
}

impl Drop for View {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `base` with two commits, `top` on it, `clash` that conflicts with `base`, `marks` with conflict markers in it, and `odd` alone.
fn fan() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.branch("base", "main", "First of base", &[("base.txt", "ONE\ntwo\nthree\n")]);
    sandbox.git(&["checkout", "-q", "base"]);
    sandbox.write("src/more.rs", "fn more() {}\n");
    sandbox.commit("Second of base");
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.branch("top", "base", "On top of it", &[("top.txt", "top\n")]);
    sandbox.branch("clash", "main", "Another one", &[("base.txt", "uno\ntwo\nthree\n")]);
    sandbox.branch("marks", "main", "Unfinished", &[("marks.txt", "a\n<<<<<<< ours\nb\n=======\nc\n>>>>>>> theirs\n")]);
    sandbox.branch("odd", "main", "Odd one out", &[("odd.txt", "odd\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    sandbox
}

#[test]
fn the_panes_say_what_git_and_the_run_say() {
    let sandbox = fan();
    let before = sandbox.head("main");
    sandbox.lex(&["merge", "--execute"]).exits(1);
    let mut view = View::new(&sandbox, 80, 24);
    let screen = view.shows("has landed");
    assert!(screen.contains("plan default onto main  5 items"), "{screen}");
    assert!(screen.contains("> + base"), "{screen}");
    for (sign, name, words) in
        [("+", "base", "merged"), ("x", "clash", "skipped: conflict"), ("x", "marks", "skipped: gates"), ("+", "top", "merged")]
    {
        let row = screen.lines().find(|line| line.contains(&format!(" {sign} {name} "))).unwrap_or_else(|| panic!("{name} in {screen}"));
        assert!(row.contains(words), "{row}");
    }
    assert!(screen.contains("level 1") && screen.contains("on base"), "{screen}");
    assert!(screen.lines().last().unwrap().contains("q quit"), "keys are shown: {screen}");

    view.types("\r");
    assert!(view.shows("[1 about]").contains("needed by   top"));
    view.types("\t");
    let screen = view.shows("Second of base");
    for commit in sandbox.git(&["log", "--format=%h %ad %an  %s", "--date=format:%Y-%m-%d %H:%M", "base", "--not", &before]).lines() {
        let subject = commit.rsplit("  ").next().unwrap();
        let short = commit.split(' ').next().unwrap();
        assert!(screen.contains(subject) && screen.contains(short), "{commit} in {screen}");
    }
    view.types("3");
    let screen = view.shows("+fn more() {}");
    for line in ["base.txt", "-one", " two", "+ONE", "new src/more.rs", "2 files against"] {
        assert!(screen.contains(line), "{line} in {screen}");
    }

    // `top` is on `base`: its own commit and file alone are its own.
    view.types("\u{1b}Gj3");
    let screen = view.shows("new top.txt");
    assert!(screen.contains("1 file against") && !screen.contains("more.rs"), "{screen}");
    view.types("2");
    assert!(!view.shows("On top of it").contains("of base"));

    view.types("\u{1b}/marks\r");
    view.shows("1 of 5 match marks");
    view.types("4");
    let screen = view.shows("conflict-markers: fail");
    assert!(screen.contains("marks.txt:2"), "annotations: {screen}");
    view.types("\u{1b}");
    view.shows("Esc show all");
    view.types("\u{1b}");
    view.shows_no("match marks");
    view.types("/clash\r");
    view.shows("1 of 5 match clash");
    view.types("1");
    assert!(view.shows("with base").contains("base.txt:1"));

    // A later run finds `base` in the target already: what it was, and what gates said of it, is still told.
    view.types("\u{1b}");
    view.shows("Esc show all");
    view.types("/\u{15}name eq base\r");
    view.shows("1 of 5 match name eq base");
    sandbox.lex(&["merge", "--execute"]).exits(1);
    view.shows("has ended");
    view.shows("= base");
    view.types("2");
    view.shows("Second of base");
    view.types("4");
    view.shows("+ conflict-markers: pass");
    view.types("?");
    view.shows("Ctrl-Z");
    view.types("xq");
    assert_eq!(view.ends(), 0);
    sandbox.sound();
}

#[test]
fn a_filter_is_a_word_or_a_query_and_an_error_is_told() {
    let sandbox = fan();
    sandbox.lex(&["merge", "--execute"]).exits(1);
    let mut view = View::new(&sandbox, 80, 24);
    view.shows("has landed");
    for (query, count, some, none) in [
        ("status eq skipped-gates", 1, "marks", "clash"),
        ("paths contains marks.*", 1, "marks", "odd"),
        ("author contains tess and level eq 1", 1, "top", "odd"),
        ("AS", 2, "clash", "marks"),
    ] {
        view.types(&format!("/\u{15}{query}\r"));
        let screen = view.shows(&format!("{count} of 5 match {query}"));
        let rows: Vec<&str> = screen.lines().skip(2).collect();
        assert!(rows.iter().any(|row| row.contains(some)) && !rows.iter().any(|row| row.contains(none)), "{query}: {screen}");
    }
    view.types("/\u{15}levl eq 1\r");
    let screen = view.shows("did you mean `level`?");
    assert!(screen.contains("/levl eq 1_") && screen.contains("  . odd") | screen.contains("  + odd"), "it can be mended: {screen}");
    view.types("\u{15}");
    assert!(!view.shows("/_").contains("did you mean"), "what is gone needs no mending");
    view.types("level eq 1\r");
    view.shows("1 of 5 match level eq 1");
    // A long word of what is wrong is whole on a narrow screen.
    view.types("/\u{15}level eq 1 and status eq nonsense\r");
    view.resize(60, 12);
    let screen = view.shows("skipped-missing, blocked");
    assert!(screen.contains("`nonsense` is no status") && screen.contains("q quit") | screen.contains("/level eq 1"), "{screen}");
    view.types("\u{1b}");
    view.resize(80, 24);
    view.types("/\u{15}nobody\r");
    view.shows("no item matches the filter");
    // Nothing to open.
    view.types("\r3n\u{1b}");
    view.shows("+ odd");
    view.types("q");
    assert_eq!(view.ends(), 0);
}

#[test]
fn a_run_is_followed_while_it_goes_on() {
    let sandbox = Sandbox::new();
    sandbox.config("[[gate]]\nname = \"wait\"\nrun = 'until test -e $HOME/go-$LEX_PR_ITEM; do sleep 0.02; done'\n");
    for name in ["a", "b", "c"] {
        sandbox.branch(name, "main", name, &[(name, name)]);
    }
    sandbox.lex(&["plan", "create"]).exits(0);
    let mut view = View::new(&sandbox, 80, 24);
    view.shows("no run yet");
    let mut run = sandbox.lex_command(&sandbox.repo, &["merge", "--execute", "--max-workers", "1"]).spawn().unwrap();
    view.shows("is at work: 3 pending");
    view.types("/status eq pending\r");
    view.shows("3 of 3 match status eq pending");
    let go = |name: &str| std::fs::write(sandbox.root.path().join(format!("home/go-{name}")), "").unwrap();
    go("a");
    // The filter follows, too.
    let screen = view.shows("2 of 3 match status eq pending");
    assert!(screen.contains("is at work: 1 ready to land, 2 pending") && !screen.contains(" a "), "{screen}");
    view.types("\u{1b}");
    view.shows("~ a");
    go("b");
    go("c");
    view.shows("has landed: 3 merged");
    assert!(run.wait().unwrap().success());
    view.shows("+ a");

    // A run that is killed, and a plan that is changed.
    sandbox.branch("d", "main", "d", &[("d", "d")]);
    sandbox.lex(&["plan", "add", "default", "d"]).exits(0);
    view.shows("4 items");
    let mut run = sandbox.lex_command(&sandbox.repo, &["merge", "--execute"]).spawn().unwrap();
    view.shows("is at work: ");
    run.kill().unwrap();
    run.wait().unwrap();
    view.shows("was killed: ");
    go("d");
    view.types("q");
    assert_eq!(view.ends(), 0);
}

/// A plan of `count` items, each with a change of its own, made quickly.
fn many(count: usize) -> Sandbox {
    let sandbox = Sandbox::new();
    let tree = sandbox.head("main^{tree}");
    let mut refs = String::new();
    for n in 0..count {
        let commit = sandbox.git(&["commit-tree", "-p", "main", "-m", &format!("Item {n}"), &tree]);
        refs.push_str(&format!("create refs/heads/item-{n:03} {commit}\n"));
    }
    let file = sandbox.root.path().join("refs");
    std::fs::write(&file, refs).unwrap();
    let status = sandbox.command("git", &sandbox.repo).args(["update-ref", "--stdin"]).stdin(File::open(file).unwrap()).status().unwrap();
    assert!(status.success());
    sandbox.lex(&["plan", "create"]).exits(0);
    sandbox
}

#[test]
fn two_hundred_items_scroll_without_flicker() {
    let sandbox = many(200);
    let mut view = View::new(&sandbox, 80, 24);
    let screen = view.shows("no run yet");
    assert!(screen.contains("200 items") && screen.contains("item-000") && !screen.contains("item-021"), "{screen}");
    std::thread::sleep(Duration::from_millis(400));
    let quiet = view.written();
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(view.written(), quiet, "nothing is written while nothing happens");
    view.types("j");
    view.shows("> . item-001");
    let step = view.written() - quiet;
    assert!(step < 600, "{step} bytes for one step: two rows change");
    view.types("G");
    view.shows("> . item-199");
    view.types("g");
    assert!(view.shows("> . item-000").contains("level 0"));
    view.types(&"j".repeat(150));
    view.shows("> . item-150");
    view.types("\u{1b}[6~\u{1b}[6~");
    view.shows("> . item-190");
    view.types("/7\r");
    view.shows("38 of 200 match 7");
    let bytes = view.seen.lock().unwrap().bytes.clone();
    let clears = bytes.windows(4).filter(|four| four == b"\x1b[2J").count();
    assert!(clears <= 1, "the screen was cleared {clears} times");
    view.types("q");
    assert_eq!(view.ends(), 0);
}

#[test]
fn every_size_is_drawn() {
    let sandbox = fan();
    sandbox.lex(&["merge", "--execute"]).exits(1);
    let mut view = View::new(&sandbox, 80, 24);
    view.shows("has landed");
    for keys in ["", "1", "2", "3", "4", "?", "?/levl eq\r"] {
        view.types(keys);
        for (columns, rows) in [(200, 50), (111, 9), (110, 3), (60, 15), (20, 5), (8, 3), (3, 2), (1, 1), (2, 40), (80, 24)] {
            let before = view.written();
            view.resize(columns, rows);
            wait_for("a drawing of that size", || view.written() > before);
        }
    }
    view.types("\u{1b}");
    view.resize(200, 50);
    let screen = view.shows("[4 verdicts]");
    let row = screen.lines().find(|line| line.contains("> + base")).unwrap();
    assert!(row.contains('|'), "side by side: {row}");
    view.types("g");
    view.types("j3");
    let screen = view.shows("-one");
    assert!(screen.contains("level 0") && screen.contains("> x clash"), "{screen}");
    view.resize(80, 24);
    let screen = view.shows_no("level 0");
    assert!(screen.contains("-one"), "what has the keys stays: {screen}");
    view.types("q");
    assert_eq!(view.ends(), 0);
}

#[test]
fn all_keys_can_be_read_on_a_small_screen() {
    let sandbox = fan();
    let mut view = View::new(&sandbox, 60, 12);
    view.shows("no run yet");
    view.shows("q quit   ? keys");
    view.types("?");
    let screen = view.shows("q, Ctrl-C");
    assert!(!screen.contains("Ctrl-Z"), "{screen}");
    view.types("j");
    view.shows_no("q, Ctrl-C");
    view.types("G");
    view.shows("Ctrl-Z");
    view.types("k g");
    view.shows("q, Ctrl-C");
    view.types("G");
    view.shows("Ctrl-Z");
    // Another key leaves them, and does nothing else.
    view.types("q");
    view.shows("level 0");
    view.resize(80, 24);
    view.types("?");
    view.shows("Ctrl-Z");
    view.types("j");
    view.shows("level 0");
    view.resize(12, 5);
    view.shows("q quit");
    view.types("q");
    assert_eq!(view.ends(), 0);
}

#[test]
fn hostile_texts_cannot_reach_the_terminal() {
    let sandbox = Sandbox::new();
    let evil = "evil\u{202e}name";
    sandbox.branch(
        evil,
        "main",
        "Title \u{1b}]0;pwned\u{7} \u{1b}[2J\u{9b}31m end",
        &[("a\u{1b}[31mfile\u{7}", "x\u{1b}]0;pwned\u{7}y\tz\n")],
    );
    sandbox.git(&["checkout", "-q", evil]);
    sandbox.git(&["commit", "-q", "--allow-empty", "-m", "More", "--author", "Eve\u{1b}[5mil <e@example.com>"]);
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.lex(&["plan", "create", evil]).exits(0);
    let mut view = View::new(&sandbox, 100, 24);
    view.shows("evil\\u{202e}name");
    view.types("1");
    view.shows("[1 about]");
    view.types("2");
    let screen = view.shows("\\u{1b}]0;pwned\\u{7} \\u{1b}[2J\\u{9b}31m end");
    assert!(screen.contains("Eve\\u{1b}[5mil"), "{screen}");
    view.types("3");
    let screen = view.shows("+x\\u{1b}]0;pwned\\u{7}y    z");
    assert!(screen.contains("new a\\u{1b}[31mfile\\u{7}"), "{screen}");
    view.types("\u{1b}/\u{202e}\r");
    view.shows("1 of 1 match \\u{202e}");
    let seen = String::from_utf8_lossy(&view.seen.lock().unwrap().bytes).into_owned();
    for part in ["\u{1b}]", "\u{7}", "\u{202e}", "\u{9b}", "\u{1b}[5m"] {
        assert!(!seen.contains(part), "{part:?} reached the terminal");
    }
    view.types("q");
    assert_eq!(view.ends(), 0);
}

#[test]
fn a_diff_is_cut_and_keys_do_not_wait_for_it() {
    let sandbox = Sandbox::new();
    let lines = |from: usize| (from..from + 60_000).map(|n| format!("{n}\n")).collect::<String>();
    let files: Vec<(String, String)> = (0..40).map(|n| (format!("f{n:02}"), lines(n * 7))).collect();
    let mut files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let huge = "0123456789abcde\n".repeat(400_000);
    files.push(("huge", &huge));
    files.push(("binary", "a\0b"));
    sandbox.branch("big", "main", "Big", &files);
    sandbox.branch("small", "main", "Small", &[("z", "z\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    let mut view = View::new(&sandbox, 80, 24);
    view.shows("no run yet");
    view.types("3");
    view.shows("42 files against");
    view.types("G");
    view.shows("6250 KiB are too much to be shown here: git diff");
    view.types("g");
    view.shows("binary, 0 -> 3 bytes");
    view.types("]]");
    view.shows("+0");
    view.types("]kk");
    view.shows("58001 more lines: git diff");
    view.types("G");
    let before = Instant::now();
    view.types("\u{1b}j3");
    view.shows("+z");
    let waited = before.elapsed();
    assert!(waited < Duration::from_secs(2), "{waited:?} until another item's diff");
    view.types("q");
    assert_eq!(view.ends(), 0);
}

#[test]
fn the_terminal_is_given_back_however_it_ends() {
    let sandbox = fan();
    for (keys, signal, status) in [
        ("q", None, 0),
        ("\u{3}", None, 130),
        ("/ab\u{3}", None, 130),
        ("", Some(Signal::TERM), 130),
        ("3", Some(Signal::HUP), 130),
        ("", Some(Signal::INT), 130),
    ] {
        let mut view = View::new(&sandbox, 80, 24);
        view.shows("no run yet");
        assert!(!view.is_given_back());
        view.types(keys);
        if let Some(signal) = signal {
            kill_process(Pid::from_child(&view.child), signal).unwrap();
        }
        let seen = view.seen.clone();
        assert_eq!(view.ends(), status, "{keys:?} {signal:?}");
        let bytes = String::from_utf8_lossy(&seen.lock().unwrap().bytes).into_owned();
        assert!(!bytes.contains("error"), "who ends it knows: {keys:?} {signal:?}: {bytes:?}");
    }
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_for_a_while() {
    let sandbox = fan();
    let bash = ["bash", "--norc", "--noprofile", "-i"];
    let mut view = View::start(&sandbox, 80, 24, &bash, &[("PS1", "ready$ ")]);
    view.shows("ready$");
    view.types(&format!("{} view\r", env!("CARGO_BIN_EXE_git-lex-pr")));
    view.shows("no run yet");
    view.types("j\u{1a}");
    view.shows("Stopped");
    wait_for("the terminal is the shell's", || !view.seen.lock().unwrap().screen.screen().alternate_screen());
    view.types("fg\r");
    let screen = view.shows("> . clash");
    assert!(screen.contains("5 items") && !screen.contains("Stopped"), "{screen}");
    view.types("q");
    wait_for("the shell is back", || !view.seen.lock().unwrap().screen.screen().alternate_screen());
    view.types("exit 7\r");
    assert_eq!(view.ends(), 7);
}

#[test]
fn colours_are_left_out_where_they_are_not_wanted() {
    let sandbox = fan();
    sandbox.lex(&["merge", "--execute"]).exits(1);
    let program = env!("CARGO_BIN_EXE_git-lex-pr");
    let coloured = |args: &[&str], env: &[(&str, &str)]| {
        let mut view = View::start(&sandbox, 80, 24, &[&[program, "view"], args].concat(), env);
        view.shows("has landed");
        view.types("3");
        let screen = view.shows("+ONE");
        assert!(screen.contains("-one"), "{screen}");
        let seen = view.seen.lock().unwrap();
        let cells = (0..24).flat_map(|row| (0..80).map(move |column| (row, column)));
        let coloured =
            cells.filter_map(|(row, column)| seen.screen.screen().cell(row, column)).any(|cell| cell.fgcolor() != vt100::Color::Default);
        drop(seen);
        view.types("q");
        assert_eq!(view.ends(), 0);
        coloured
    };
    assert!(coloured(&[], &[("NO_COLOR", "")]));
    assert!(!coloured(&[], &[("NO_COLOR", "1")]));
    assert!(!coloured(&["--color", "never"], &[("NO_COLOR", "")]));
    assert!(coloured(&["--color", "always"], &[("NO_COLOR", "1")]));
}

#[test]
fn without_a_terminal_it_says_what_to_use_instead() {
    let sandbox = fan();
    let said = sandbox.lex(&["view"]).exits(2);
    assert!(said.stdout.is_empty() && said.stderr.contains("`view` needs a terminal"), "{}", said.stderr);
    for command in ["status", "report", "query"] {
        assert!(
            said.stderr.contains(&format!("`{command}`")) || said.stderr.contains(&format!("`git lex-pr {command}`")),
            "{}",
            said.stderr
        );
    }
    assert_eq!(sandbox.json(&["view"], 2)["error"]["code"], "no-terminal");
    let help = sandbox.lex(&["view", "--help"]).exits(0).stdout;
    assert!(!help.contains("--json") && help.contains("--no-pager"), "what it has not is not offered: {help}");
    let mut view = View::start(&sandbox, 80, 24, &[env!("CARGO_BIN_EXE_git-lex-pr"), "view"], &[("TERM", "dumb")]);
    assert_eq!(view.child.wait().unwrap().code(), Some(2));
    let mut view = View::start(&sandbox, 80, 24, &[env!("CARGO_BIN_EXE_git-lex-pr"), "view", "nobody"], &[]);
    assert_eq!(view.child.wait().unwrap().code(), Some(2));
    view.shows("there is no plan");
}

#[test]
fn what_is_missing_is_said_in_its_pane() {
    let sandbox = fan();
    let mut plan = sandbox.json(&["plan", "export"], 0);
    plan["items"][0]["head"] = "1234567890123456789012345678901234567890".into();
    std::fs::write(sandbox.root.path().join("repo/p.json"), plan.to_string()).unwrap();
    let mut view = View::start(&sandbox, 80, 24, &[env!("CARGO_BIN_EXE_git-lex-pr"), "view", "p.json"], &[]);
    view.shows("5 items");
    for key in ["2", "3"] {
        view.types(key);
        view.shows("is not in this repository");
    }
    view.types("q");
    assert_eq!(view.ends(), 0);
}

#[test]
fn it_ends_with_its_terminal() {
    let sandbox = Sandbox::new();
    sandbox.branch("a", "main", "a", &[("a", "a\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    let (mut screen, line) = crate::terminal::open(80, 24);
    let mut child = crate::terminal::on_terminal(&sandbox, line, &[env!("CARGO_BIN_EXE_git-lex-pr"), "view"]).spawn().unwrap();
    let (mut seen, mut buffer) = (String::new(), [0; 4096]);
    while !seen.contains("keys") {
        let read = std::io::Read::read(&mut screen, &mut buffer).unwrap();
        seen.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    drop(screen);
    crate::sandbox::wait_for("the end", || child.try_wait().unwrap().is_some());
}
