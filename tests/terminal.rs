//! What a person sees: progress, tables and notes on a terminal.

use crate::sandbox::Sandbox;
use rustix::{pty, termios};
use std::{
    fs::File,
    io::{Read, Write},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

/// Both ends of a new terminal: what is typed and shown, and the line that a program is on.
pub fn open(columns: u16, rows: u16) -> (File, File) {
    let screen = pty::openpt(pty::OpenptFlags::RDWR | pty::OpenptFlags::NOCTTY).unwrap();
    // Or a program on the terminal would hold it open itself.
    rustix::io::fcntl_setfd(&screen, rustix::io::FdFlags::CLOEXEC).unwrap();
    pty::grantpt(&screen).unwrap();
    pty::unlockpt(&screen).unwrap();
    let name = pty::ptsname(&screen, Vec::new()).unwrap();
    let line = std::fs::OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    termios::tcsetwinsize(&line, termios::Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    (screen.into(), line)
}

/// A program on that line.
pub fn on_terminal(sandbox: &Sandbox, line: File, args: &[&str]) -> Command {
    // `setsid --ctty` makes it the controlling terminal, so that what is typed there becomes a signal.
    let mut command = sandbox.command("setsid", &sandbox.repo);
    command.args(["--ctty", "--wait"]).args(args).env("TERM", "xterm");
    command.stdin(Stdio::from(line.try_clone().unwrap())).stdout(Stdio::from(line.try_clone().unwrap())).stderr(Stdio::from(line));
    command
}

pub struct Terminal {
    screen: File,
    said: mpsc::Receiver<String>,
    child: Child,
    seen: String,
    /// How much of that was waited for.
    heard: usize,
}

impl Terminal {
    /// `git lex-pr ARGS` on a terminal of its own, which is `columns` wide.
    pub fn new(sandbox: &Sandbox, columns: u16, args: &[&str]) -> Terminal {
        Terminal::with(sandbox, columns, args, &[])
    }

    /// The same with variables of the environment.
    pub fn with(sandbox: &Sandbox, columns: u16, args: &[&str], variables: &[(&str, &str)]) -> Terminal {
        let (screen, line) = open(columns, 24);
        let program = env!("CARGO_BIN_EXE_git-lex-pr");
        let mut command = on_terminal(sandbox, line, &[&[program], args].concat());
        let child = command.envs(variables.iter().copied()).spawn().unwrap();
        let (tell, said) = mpsc::channel();
        let mut reader = screen.try_clone().unwrap();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Until the other side is gone, or nobody listens.
            while let Ok(read @ 1..) = reader.read(&mut buffer)
                && tell.send(String::from_utf8_lossy(&buffer[..read]).into_owned()).is_ok()
            {}
        });
        Terminal { screen, said, child, seen: String::new(), heard: 0 }
    }

    /// Whether more was written before the other side is gone.
    fn read(&mut self) -> bool {
        match self.said.recv_timeout(Duration::from_secs(30)) {
            Ok(words) => {
                self.seen.push_str(&words);
                true
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => false,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("nothing more is written: {:?}", self.seen),
        }
    }

    pub fn wait_for(&mut self, words: &str) {
        let patience = Instant::now() + Duration::from_secs(20);
        while !self.seen.contains(words) {
            assert!(self.read() && Instant::now() < patience, "{words:?} in {:?}", self.seen);
        }
    }

    /// The same for words that come after those that were waited for so before.
    pub fn wait_for_next(&mut self, words: &str) {
        let patience = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(at) = self.seen[self.heard..].find(words) {
                self.heard += at + words.len();
                return;
            }
            assert!(self.read() && Instant::now() < patience, "{words:?} in {:?}", self.seen);
        }
    }

    /// Type on it.
    pub fn say(&mut self, words: &str) {
        self.screen.write_all(words.as_bytes()).unwrap();
    }

    /// Everything that was written, and the exit status.
    pub fn end(mut self) -> (String, Option<i32>) {
        while self.read() {}
        (self.seen, self.child.wait().unwrap().code())
    }
}

/// The lines that a screen of `columns` shows at the end, for the few control sequences that are used here.
fn shown(written: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let (mut row, mut column, mut chars) = (0, 0, written.chars());
    while let Some(c) = chars.next() {
        match c {
            '\r' => column = 0,
            '\n' => row += 1,
            '\u{1b}' => {
                let sequence: String = chars.by_ref().take_while(|c| *c == '[' || c.is_ascii_digit() || *c == ';').collect();
                // `take_while` has eaten the letter that ends it: of those with a number only "erase line" is `[2K`.
                if sequence == "[2" {
                    lines[row].clear();
                }
            }
            c => {
                if column == columns {
                    (row, column) = (row + 1, 0);
                }
                lines.resize(lines.len().max(row + 1), String::new());
                let mut text: Vec<char> = lines[row].chars().collect();
                text.resize(text.len().max(column + 1), ' ');
                text[column] = c;
                lines[row] = text.into_iter().collect();
                column += 1;
            }
        }
        lines.resize(lines.len().max(row + 1), String::new());
    }
    lines
}

#[test]
fn progress_counts_to_the_end_and_leaves_nothing_behind_after_ctrl_c() {
    let sandbox = Sandbox::new();
    sandbox.config("[[gate]]\nname = \"long\"\nrun = \"touch $HOME/began; sleep 60\"\n");
    for n in 0..3 {
        let name = format!("{}-{n}", "long-name".repeat(12));
        sandbox.branch(&name, "main", "x", &[(&n.to_string(), "x")]);
    }
    sandbox.lex(&["plan", "create"]).exits(0);
    let mut terminal = Terminal::new(&sandbox, 80, &["merge", "--execute"]);
    terminal.wait_for("long-name");
    while !sandbox.root.path().join("home/began").exists() {
        terminal.read();
    }
    terminal.screen.write_all(b"\x03").unwrap();
    terminal.wait_for("Ctrl-C again kills");
    terminal.screen.write_all(b"\x03").unwrap();
    let (written, status) = terminal.end();
    assert_eq!(status, Some(130), "{written:?}");
    assert!(written.contains("0/3") && !written.contains("0/0"), "{written:?}");
    assert!(written.contains("^C"), "the terminal says what was typed: {written:?}");
    let shown = shown(&written, 80);
    assert!(
        shown[0].starts_with("stopping: one gate is at work") && shown[1].starts_with("error: stopped by a signal"),
        "{shown:?} of {written:?}"
    );
}

#[test]
fn progress_says_what_waits_for_what() {
    let sandbox = Sandbox::new();
    let gate = |name: &str, more: &str| format!("[[gate]]\nname = \"{name}\"\nrun = \"sleep 60 # {name}\"\n{more}\n");
    let group = "exclusive = \"port\"";
    sandbox.config(&[gate("one", group), gate("two", group), gate("three", ""), gate("four", "")].concat());
    sandbox.branch("a", "main", "a", &[("a", "a")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    let mut terminal = Terminal::new(&sandbox, 200, &["merge", "--execute", "--max-workers", "2"]);
    terminal.wait_for("; a: two waits for one of a; a: four waits for a worker");
    terminal.screen.write_all(b"\x03").unwrap();
    terminal.wait_for("Ctrl-C again kills");
    terminal.screen.write_all(b"\x03").unwrap();
    assert_eq!(terminal.end().1, Some(130));
}

#[test]
fn a_narrow_terminal_wraps_the_details_and_keeps_ids_whole() {
    let sandbox = Sandbox::new();
    sandbox.branch("a", "main", "a", &[("base.txt", "ONE\ntwo\nthree\n"), ("a file of some length", "x")]);
    sandbox.branch("日本", "main", "b", &[("base.txt", "uno\ntwo\nthree\n"), ("a file of some length", "y")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    let (written, _) = Terminal::new(&sandbox, 60, &["merge"]).end();
    let result = written.rsplit("\u{1b}[2K").next().unwrap();
    let table: Vec<&str> = result.split("\r\n").take_while(|l| !l.is_empty()).collect();
    assert!(table.iter().all(|line| unicode_width::UnicodeWidthStr::width(*line) <= 60), "{table:#?}");
    assert!(table.len() > 3, "one row goes on below: {table:#?}");
    let piped = sandbox.lex(&["merge"]).exits(1).stdout;
    let id = piped.lines().nth(1).unwrap().rsplit(' ').next().unwrap();
    assert!(table[1].contains(id), "{id} in {table:#?}");
    assert!(piped.contains("conflicts with a in a file of some length:1, base.txt:1\n"), "a pipe has every row on a line: {piped}");
    let at = |line: &str| unicode_width::UnicodeWidthStr::width(line.split_once("skipped").or(line.split_once("would")).unwrap().0);
    let rows: Vec<&str> = piped.lines().skip(1).take(2).collect();
    assert_eq!(at(rows[0]), at(rows[1]), "{piped}");
}

/// Emoji whose parts are narrower or wider than the whole.
#[test]
fn no_emoji_breaks_a_table() {
    let sandbox = Sandbox::new();
    sandbox.config("[[gate]]\nname = \"warns\"\nrun = \"for n in 1 2 3 4 5 6 7 8 9 10 11 12; do printf '⚠️ warn '; done; exit 1\"\n");
    sandbox.branch("feat/👍🏽-x", "main", "a", &[("a", "x")]);
    sandbox.branch(&"☀️".repeat(30), "main", "b", &[("b", "x")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    let rows = sandbox.lex(&["query"]).exits(0).stdout;
    assert!(rows.lines().count() == 3 && rows.contains(" feat/👍🏽-x "), "a pipe has every row on a line: {rows}");
    sandbox.lex(&["merge", "--execute"]).exits(1);
    for columns in [20, 33, 47, 50, 60, 72, 80, 94, 109, 130] {
        for args in [&["report", "--no-pager"][..], &["plan", "show", "--no-pager"], &["query", "--no-pager"]] {
            let (written, status) = Terminal::new(&sandbox, columns, args).end();
            assert_eq!(status, Some(if args[0] == "report" { 1 } else { 0 }), "{columns}: {args:?}: {written}");
            let rows: Vec<&str> =
                written.split("\r\n").skip_while(|line| !line.starts_with("LE")).take_while(|line| !line.is_empty()).collect();
            let wide = |line: &&str| unicode_width::UnicodeWidthStr::width(*line) > columns.into();
            assert!(rows.len() > 2 && !rows.iter().any(wide), "{columns}: {args:?}: {written}");
        }
    }
}

#[test]
fn what_another_item_brings_is_not_said_to_be_in_the_target() {
    let sandbox = Sandbox::new();
    sandbox.branch("low", "main", "low", &[("low", "x")]);
    sandbox.branch("top", "low", "top", &[("top", "x")]);
    sandbox.git(&["branch", "twin", "top"]);
    for n in 0..3 {
        sandbox.git(&["branch", &format!("done-{n}"), "main"]);
    }
    let said = sandbox.lex(&["plan", "create"]).exits(0);
    assert!(said.stderr.contains("note: 3 branches are already in main, such as done-0\n"), "{}", said.stderr);
    let run = sandbox.json(&["merge", "--execute"], 0);
    assert_eq!(crate::sandbox::detail(&run, "twin"), "`top` brings it");
    let run = sandbox.json(&["merge"], 0);
    assert_eq!(crate::sandbox::detail(&run, "twin"), "main holds it already");
    sandbox.git(&["commit", "-q", "--allow-empty", "-m", "more"]);
    sandbox.git(&["branch", "-f", "low", "main"]);
    let text = sandbox.lex(&["merge"]).exits(0).stdout;
    assert!(text.contains("\nnote: low: low has moved to "), "one form of notes: {text}");
}

/// A merge driver that presses Ctrl-C while its item is woven: no gate runs, and still nothing lands.
#[test]
fn ctrl_c_counts_between_gates_too() {
    let sandbox = Sandbox::new();
    sandbox.write(".gitattributes", "base.txt merge=slow\n");
    sandbox.commit("Attributes");
    sandbox.git(&["config", "merge.slow.driver", "kill -INT $(cut -d' ' -f4 /proc/$PPID/stat); sleep 0.5; cp %B %A"]);
    sandbox.branch("a", "main", "a", &[("base.txt", "ONE\ntwo\nthree\n")]);
    sandbox.write("base.txt", "one\ntwo\nTHREE\n");
    sandbox.commit("So that a needs a merge");
    sandbox.lex(&["plan", "create"]).exits(0);
    let before = sandbox.head("main");
    sandbox.lex(&["merge"]).exits(130);
    sandbox.lex(&["merge", "--execute"]).exits(130);
    assert_eq!((sandbox.head("main"), &sandbox.json(&["report"], 1)["state"]), (before, &"interrupted".into()));
    sandbox.sound();
}
