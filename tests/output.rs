//! How output reaches a person: in a pager, with links, quietly, with every step, as objects for a program.

use crate::{sandbox::Sandbox, terminal::Terminal};
use serde_json::Value;

/// The variables of a terminal with colours, whose links can be opened.
const CAPABLE: [(&str, &str); 2] = [("NO_COLOR", ""), ("FORCE_HYPERLINK", "1")];

/// A plan of `a` and `b`, which conflict.
fn planned() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.branch("a", "main", "a", &[("base.txt", "ONE\ntwo\nthree\n")]);
    sandbox.branch("b", "main", "b", &[("base.txt", "uno\ntwo\nthree\n")]);
    sandbox.git(&["branch", "done", "main"]);
    sandbox.lex(&["plan", "create", "a", "b"]).exits(0);
    sandbox
}

/// Make a plan `long` that is longer than a screen.
fn lengthen(sandbox: &Sandbox) {
    let items: Vec<String> = (0..60).map(|n| format!("{{ \"name\": \"item-{n:02}\", \"branch\": \"item-{n:02}\" }}")).collect();
    sandbox.write("long.json", &format!("{{ \"schemaVersion\": \"2.0.0\", \"target\": \"main\", \"items\": [{}] }}", items.join(",")));
    sandbox.lex(&["plan", "import", "long.json", "--name", "long"]).exits(0);
    std::fs::remove_file(sandbox.repo.join("long.json")).unwrap();
}

#[test]
fn what_is_there_to_be_read_goes_to_the_pager_of_git() {
    let sandbox = planned();
    sandbox.lex(&["merge", "--execute"]).exits(1);
    sandbox.git(&["config", "core.pager", "echo LESS=$LESS LV=$LV; sed 's/^/| /'"]);
    for args in [
        &["plan", "show"][..],
        &["plan", "log"],
        &["plan", "diff", "default", "~0"],
        &["plan", "list"],
        &["query"],
        &["forecast"],
        &["status"],
        &["report"],
        &["replay", "main~1..main"],
        &["resolutions", "list"],
        &["gate", "list"],
        &["plan", "show", "--json"],
    ] {
        let piped = sandbox.lex(args);
        let (written, status) = Terminal::new(&sandbox, 300, args).end();
        assert!(written.contains("LESS=FRX LV=-c\r\n| "), "{args:?}: {written}");
        assert_eq!(status, Some(piped.status), "{args:?}: the pager does not change the answer");
        assert!(!piped.stdout.contains("| ") && !piped.stdout.is_empty(), "{args:?}: {}", piped.stdout);
        let (written, _) = Terminal::new(&sandbox, 300, &[args, &["--no-pager"]].concat()).end();
        assert!(!written.contains("LESS="), "{args:?}: {written}");
    }
    for args in
        [&["merge"][..], &["merge", "--execute"], &["execute"], &["plan", "create", "--force", "a"], &["plan", "validate"], &["undo"]]
    {
        let (written, _) = Terminal::new(&sandbox, 300, args).end();
        assert!(!written.contains("LESS="), "{args:?}: {written}");
    }
    let (written, _) = Terminal::with(&sandbox, 80, &["plan", "show"], &[("GIT_PAGER", "cat"), ("LESS", "X")]).end();
    assert!(written.starts_with("plan default onto main"), "{written}");
    let (written, _) = Terminal::with(&sandbox, 80, &["plan", "show"], &[("LESS", "X")]).end();
    assert!(written.starts_with("LESS=X "), "the user's own words count: {written}");
    sandbox.git(&["config", "core.pager", "no-such-pager"]);
    let (written, status) = Terminal::new(&sandbox, 80, &["plan", "show"]).end();
    assert!(written.contains("the pager `no-such-pager` does not run") && written.contains("plan default onto main"), "{written}");
    assert_eq!(status, Some(0));
}

#[test]
fn less_waits_where_it_is_long_and_leaves_where_it_is_short() {
    let sandbox = planned();
    lengthen(&sandbox);
    let (written, status) = Terminal::with(&sandbox, 80, &["plan", "show", "default"], &[("PAGER", "less")]).end();
    assert!(written.contains("plan default onto main: 2 items"), "{written}");
    assert_eq!(status, Some(0), "nobody has pressed a key");
    let mut terminal = Terminal::with(&sandbox, 80, &["plan", "show", "long"], &[("PAGER", "less")]);
    terminal.wait_for("item-20");
    // It goes on after Ctrl-C, since that is the pager's. What is typed while it hears of that may be lost.
    terminal.say("\x03");
    for _ in 0..3 {
        std::thread::sleep(std::time::Duration::from_millis(300));
        terminal.say("G");
    }
    terminal.wait_for("item-59");
    terminal.say("q");
    assert_eq!(terminal.end().1, Some(0));
    // Who leaves early has seen enough.
    let mut terminal = Terminal::with(&sandbox, 80, &["plan", "show", "long"], &[("PAGER", "less")]);
    terminal.wait_for("item-10");
    terminal.say("q");
    let (written, status) = terminal.end();
    assert!(status == Some(0) && !written.contains("item-59"), "{written}");
}

#[test]
fn files_are_links_where_the_terminal_can_open_them() {
    let sandbox = planned();
    let root = sandbox.repo.canonicalize().unwrap();
    let link = format!("\u{1b}]8;;file://{}/base.txt#1\u{1b}\\base.txt:1\u{1b}]8;;\u{1b}\\", root.display());
    let args = ["forecast", "--no-pager"];
    let (written, _) = Terminal::with(&sandbox, 80, &args, &CAPABLE).end();
    assert!(written.contains(&link), "{written:?}");
    let (paged, _) = Terminal::with(&sandbox, 80, &["forecast"], &[&CAPABLE[..], &[("PAGER", "less")]].concat()).end();
    assert!(paged.contains(&link), "less passes them on: {paged:?}");
    let (paged, _) = Terminal::with(&sandbox, 80, &["forecast"], &[&CAPABLE[..], &[("PAGER", "tr a-z A-Z")]].concat()).end();
    assert!(paged.contains("BASE.TXT:1") && !paged.contains("]8;;"), "of another pager nobody knows: {paged:?}");
    for (args, variables) in [
        (&["forecast", "--no-pager", "--color=never"][..], &CAPABLE[..]),
        (&args, &[("NO_COLOR", ""), ("FORCE_HYPERLINK", "0")]),
        (&args, &[("NO_COLOR", "")]),
        (&["plan", "show", "--json", "--no-pager"], &CAPABLE),
    ] {
        let (written, _) = Terminal::with(&sandbox, 80, args, variables).end();
        assert!(!written.contains("]8;;"), "{args:?} {variables:?}: {written:?}");
    }
    let mut piped = sandbox.lex_command(&sandbox.repo, &["forecast", "--color=always"]);
    let said = piped.env("FORCE_HYPERLINK", "1").env("NO_COLOR", "").output().unwrap();
    let stdout = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(stdout.contains("base.txt:1") && stdout.contains('\u{1b}') && !stdout.contains("]8;;"), "a pipe gets none: {stdout:?}");
    // A name with blanks is one link.
    sandbox.git(&["checkout", "-q", "a"]);
    sandbox.write("a file, of (mine).txt", "x\n");
    sandbox.commit("Blanks");
    sandbox.git(&["checkout", "-q", "b"]);
    sandbox.write("a file, of (mine).txt", "y\n");
    sandbox.commit("Blanks");
    sandbox.lex(&["plan", "create", "--force", "a", "b"]).exits(0);
    let (written, _) = Terminal::with(&sandbox, 200, &args, &CAPABLE).end();
    let name = "a file, of (mine).txt";
    let address = format!("file://{}/a%20file%2C%20of%20%28mine%29.txt", root.display());
    assert!(written.contains(&format!("\u{1b}]8;;{address}#1\u{1b}\\{name}:1\u{1b}]8;;\u{1b}\\, ")), "{written:?}");
    assert!(written.contains(&link), "{written:?}");
    // What is not there is no link, and a hostile name is none either.
    std::fs::remove_file(sandbox.repo.join("base.txt")).unwrap();
    std::fs::remove_file(sandbox.repo.join(name)).unwrap();
    let (written, _) = Terminal::with(&sandbox, 80, &args, &CAPABLE).end();
    assert!(written.contains("base.txt:1") && !written.contains("]8;;"), "{written:?}");
}

#[test]
fn annotations_are_links_to_their_lines() {
    let sandbox = Sandbox::new();
    sandbox.config("[[gate]]\nname = \"no-todo\"\nplugin = \"builtin:todo-budget\"\nconfig = { budget = 0 }\n");
    sandbox.write("a b/ü.txt", "x\n");
    sandbox.write("src/new.rs", "x\n");
    sandbox.commit("Files");
    sandbox.branch("a", "main", "a", &[("src/new.rs", "x\n// TODO this\n// TODO that\n")]);
    sandbox.lex(&["plan", "create", "a"]).exits(0);
    let said = sandbox.lex(&["merge", "--execute"]);
    assert!(said.stdout.contains("src/new.rs:2"), "{}", said.stdout);
    let (written, _) = Terminal::with(&sandbox, 200, &["report", "--no-pager"], &CAPABLE).end();
    let root = sandbox.repo.canonicalize().unwrap();
    assert!(written.contains(&format!("\u{1b}]8;;file://{}/src/new.rs#2\u{1b}\\src/new.rs:2", root.display())), "{written:?}");
}

#[test]
fn quiet_leaves_only_errors() {
    let sandbox = planned();
    let loud = sandbox.lex(&["plan", "create", "--force", "a", "done"]).exits(0);
    assert_eq!(loud.stderr, "note: done is already in main\n");
    let quiet = sandbox.lex(&["--quiet", "plan", "create", "--force", "a", "done"]).exits(0);
    assert_eq!((quiet.stderr.as_str(), quiet.stdout), ("", loud.stdout), "the result is the same");
    let said = sandbox.lex(&["plan", "show", "gone", "--quiet"]).exits(2);
    assert!(said.stderr.starts_with("error: there is no plan `gone`\nhint: "), "{}", said.stderr);
    sandbox.config("[[gate]]\nname = \"slow\"\nrun = \"sleep 0.5\"\n");
    let (written, _) = Terminal::new(&sandbox, 80, &["merge", "--quiet", "--execute"]).end();
    assert!(written.starts_with("LEVEL  ITEM"), "no progress: {written:?}");
    let said = sandbox.lex(&["plan", "list", "--quiet", "--verbose"]).exits(2);
    assert!(said.stderr.contains("cannot be used with"), "{}", said.stderr);
}

#[test]
fn verbose_tells_every_step_and_how_long_it_took() {
    let sandbox = planned();
    sandbox.config("[[gate]]\nname = \"fine\"\nrun = \"sleep 0.1\"\n");
    let usual = sandbox.lex(&["merge"]).exits(1);
    let said = sandbox.lex(&["merge", "--verbose"]).exits(1);
    assert_eq!(said.stdout, usual.stdout, "the result is the same");
    assert!(said.stderr.lines().any(|line| line.contains("s a: ")) && said.stderr.contains("s answered took="), "{}", said.stderr);
    let said = sandbox.lex(&["merge", "--execute", "--verbose"]).exits(1);
    let told = |words: &str| said.stderr.lines().any(|line| line.contains(words) && line.contains("took="));
    assert!(told("a: gate fine: pass"), "{}", said.stderr);
    assert!(said.stderr.lines().any(|line| line.contains("s git ")), "git commands: {}", said.stderr);
    let said = sandbox.lex(&["forecast", "--verbose"]).exits(1);
    assert!(said.stderr.contains("wove each item and each pair took="), "{}", said.stderr);
}

/// Every line of stderr as an object.
#[track_caller]
fn objects(stderr: &str) -> Vec<Value> {
    stderr.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

#[test]
fn logs_are_objects_for_a_program() {
    let sandbox = planned();
    let said = sandbox.lex(&["plan", "create", "--force", "a", "done", "--log-format", "json"]).exits(0);
    let [note] = &objects(&said.stderr)[..] else { panic!("{}", said.stderr) };
    assert_eq!((&note["level"], &note["message"]), (&"INFO".into(), &"done is already in main".into()));
    assert!(note["timestamp"].as_str().unwrap().ends_with('Z'), "{note}");
    let said = sandbox.lex(&["--log-format=json", "plan", "show", "gone"]).exits(2);
    let [error] = &objects(&said.stderr)[..] else { panic!("{}", said.stderr) };
    assert_eq!((&error["level"], &error["code"], &error["exit"]), (&"ERROR".into(), &"no-plan".into(), &2.into()));
    assert_eq!((&error["message"], said.stdout.as_str()), (&"there is no plan `gone`".into(), ""));
    assert!(error["hint"].as_str().unwrap().contains("default"), "{error}");
    let said = sandbox.lex(&["plan", "show", "--no-such", "--log-format", "json"]).exits(2);
    assert_eq!(objects(&said.stderr)[0]["code"], "usage", "{}", said.stderr);
    let said = sandbox.lex(&["merge", "--execute", "--verbose", "--log-format", "json"]);
    let all = objects(&said.stderr);
    assert!(all.iter().any(|one| one["level"] == "DEBUG" && one["took"].is_string()), "{}", said.stderr);
    // No bar between the objects, not even on a terminal.
    let (written, _) = Terminal::new(&sandbox, 200, &["merge", "--execute", "--log-format", "json"]).end();
    assert!(!written.contains("\u{1b}[2K"), "{written:?}");
    // Both at once: the document on stdout, the object on stderr.
    let said = sandbox.lex(&["plan", "show", "gone", "--json", "--log-format", "json"]).exits(2);
    assert_eq!((&said.json()["error"]["code"], &objects(&said.stderr)[0]["code"]), (&"no-plan".into(), &"no-plan".into()));
}

#[test]
fn a_variable_says_what_is_told() {
    let sandbox = planned();
    let with = |filter: &str| {
        let said =
            sandbox.lex_command(&sandbox.repo, &["plan", "create", "--force", "a", "done"]).env("LEX_PR_LOG", filter).output().unwrap();
        (said.status.code(), String::from_utf8_lossy(&said.stderr).into_owned())
    };
    assert_eq!(with("off,lex_pr=off"), (Some(0), String::new()));
    let (_, told) = with("lex_pr::cli=debug");
    assert!(told.contains("answered took="), "{told}");
    let (status, told) = with("lex_pr=loud");
    assert!(status == Some(2) && told.contains("LEX_PR_LOG is no filter of logs"), "{told}");
}
