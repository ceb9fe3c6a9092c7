//! Plans changed by a person: in an editor, and in a review.

use crate::{sandbox::Sandbox, terminal::Terminal};
use serde_json::{Value, json};
use std::path::PathBuf;

/// A plan of `a`, `b`, which stands on `a`, and `c`, which conflicts with `a`.
fn planned() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.branch("a", "main", "a", &[("base.txt", "ONE\ntwo\nthree\n")]);
    sandbox.branch("b", "a", "b", &[("b", "b\n")]);
    sandbox.branch("c", "main", "c", &[("base.txt", "uno\ntwo\nthree\n"), ("c", "c\nc\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    sandbox
}

/// Let git open the script `does` as its editor; the file is `$1`, and what it shows first is appended to ~/seen.
fn editor(sandbox: &Sandbox, does: &str) {
    let script = sandbox.root.path().join("home/an editor.sh");
    std::fs::write(&script, format!("set -e\ncat \"$1\" >> ~/seen\necho ======= >> ~/seen\n{does}\n")).unwrap();
    sandbox.git(&["config", "core.editor", &format!("sh '{}'", script.display())]);
}

fn seen(sandbox: &Sandbox) -> Vec<String> {
    let all = std::fs::read_to_string(sandbox.root.path().join("home/seen")).unwrap_or_default();
    all.split_terminator("=======\n").map(ToString::to_string).collect()
}

fn revision(sandbox: &Sandbox) -> String {
    sandbox.head("refs/lex-pr/plans/default")
}

fn item(sandbox: &Sandbox, name: &str) -> Value {
    let plan = sandbox.json(&["plan", "show"], 0);
    plan["items"].as_array().unwrap().iter().find(|i| i["name"] == name).unwrap_or(&Value::Null).clone()
}

/// The files that were kept, which are taken away so that the sandbox is sound.
fn kept(sandbox: &Sandbox) -> Vec<String> {
    let files: Vec<PathBuf> = std::fs::read_dir(sandbox.root.path().join("tmp")).unwrap().flatten().map(|e| e.path()).collect();
    let take = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        std::fs::remove_file(path).unwrap();
        text
    };
    files.iter().map(take).collect()
}

#[test]
fn what_an_editor_saves_is_the_next_revision() {
    let sandbox = planned();
    let before = revision(&sandbox);
    editor(&sandbox, "sed -i -e 's/^priority = 0/priority = 7/' -e 's/strategy = \"merge\"/strategy = \"squash\"/' \"$1\"");
    let said = sandbox.lex(&["plan", "edit"]).exits(0);
    assert!(said.stdout.contains("~  a  priority  0 -> 7\n"), "{}", said.stdout);
    assert_eq!(sandbox.head("refs/lex-pr/plans/default~1"), before);
    assert_eq!(sandbox.git(&["log", "-1", "--format=%s by %cn", "refs/lex-pr/plans/default"]), "edit a b c by Tess");
    let b = item(&sandbox, "b");
    assert_eq!((&b["priority"], &b["strategy"]), (&json!(7), &json!("squash")));
    assert_eq!(b["deps"], json!([{ "name": "a", "sources": ["stack"] }]), "where a dependency was found is not lost");
    let shown = &seen(&sandbox)[0];
    assert!(shown.starts_with("# The plan default\n") && shown.contains("deps = [\"a\"]"), "{shown}");
    sandbox.sound();
}

#[test]
fn items_can_be_dropped_added_and_given_gates() {
    let sandbox = planned();
    editor(
        &sandbox,
        "sed -i '/^name = \"c\"/,$d' \"$1\"\nprintf 'name = \"d\"\\nbranch = \"c\"\\ndeps = [\"b\"]\\n[[items.gates]]\\nname = \"t\"\\nrun = \"make test\"\\nmemory-mb = 5\\n' >> \"$1\"",
    );
    sandbox.lex(&["plan", "edit", "default"]).exits(0);
    assert_eq!(item(&sandbox, "c"), Value::Null);
    let d = item(&sandbox, "d");
    assert_eq!(d["deps"], json!([{ "name": "b", "sources": ["plan"] }]));
    assert_eq!(d["gates"], json!([{ "name": "t", "run": "make test", "memory-mb": 5 }]));
    // All that it can hold survives an edit that changes one value.
    editor(&sandbox, "sed -i 's/memory-mb = 5/memory-mb = 6/' \"$1\"");
    let said = sandbox.lex(&["plan", "edit"]).exits(0);
    assert_eq!(said.stdout.lines().count(), 1, "{}", said.stdout);
    sandbox.sound();
}

#[test]
fn unchanged_or_emptied_nothing_changes() {
    let sandbox = planned();
    let before = revision(&sandbox);
    for does in ["true", ": > \"$1\"", "echo '# only words' > \"$1\""] {
        editor(&sandbox, does);
        assert_eq!(sandbox.lex(&["plan", "edit"]).exits(0).stdout, "nothing changed\n", "{does}");
    }
    editor(&sandbox, "exit 3");
    let said = sandbox.lex(&["plan", "edit"]).exits(3);
    assert!(said.stderr.contains("the editor `sh '") && said.stderr.contains("ended with"), "{}", said.stderr);
    assert_eq!(revision(&sandbox), before);
    kept(&sandbox);
    sandbox.sound();
}

#[test]
fn without_a_terminal_what_was_typed_is_kept_and_can_be_gone_on_with() {
    let sandbox = planned();
    let before = revision(&sandbox);
    for (does, wrong) in [
        ("sed -i 's/^deps = ..a../deps = [\"aa\"]/' \"$1\"", "`b` depends on `aa`, which is not in the plan"),
        ("sed -i 's/^priority/prioriti/' \"$1\"", "unknown key `prioriti`"),
        ("echo 'x = [' >> \"$1\"", "not valid TOML"),
        ("printf '\\377' >> \"$1\"", "not UTF-8"),
    ] {
        editor(&sandbox, does);
        let said = sandbox.lex(&["plan", "edit"]).exits(2);
        assert!(said.stderr.contains(wrong), "{}", said.stderr);
        let files: Vec<_> = std::fs::read_dir(sandbox.root.path().join("tmp")).unwrap().flatten().map(|e| e.path()).collect();
        let [file] = &files[..] else { panic!("{files:?}") };
        assert!(said.stderr.contains(&format!("git lex-pr plan edit default --from {}", file.display())), "{}", said.stderr);
        std::fs::remove_file(file).unwrap();
    }
    assert_eq!(revision(&sandbox), before);
    editor(&sandbox, "sed -i -e 's/^priority = 0/priority = 4/' -e '1i typo' \"$1\"");
    sandbox.lex(&["plan", "edit"]).exits(2);
    let [text] = &kept(&sandbox)[..] else { panic!() };
    sandbox.write("typed.toml", text);
    editor(&sandbox, "sed -i 1d \"$1\"");
    sandbox.lex(&["plan", "edit", "--from", "typed.toml"]).exits(0);
    assert_eq!(item(&sandbox, "a")["priority"], 4);
    sandbox.sound();
}

#[test]
fn on_a_terminal_there_is_a_second_chance() {
    let sandbox = planned();
    // Wrong in two ways, one after the other, and right at the third time.
    let does = "case $(grep -c ======= ~/seen) in
        1) sed -i 's/^priority = 0/priority = \"high\"/' \"$1\" ;;
        2) sed -i -e 's/^priority = \"high\"/priority = 9/' -e 's/^deps = ..a../deps = [\"aa\"]/' \"$1\" ;;
        *) sed -i 's/\"aa\"/\"a\"/' \"$1\" ;;
    esac";
    editor(&sandbox, does);
    let (written, status) = Terminal::new(&sandbox, 80, &["plan", "edit"]).end();
    assert_eq!(status, Some(0), "{written}");
    assert_eq!(item(&sandbox, "b")["priority"], 9);
    let seen = seen(&sandbox);
    assert_eq!(seen.len(), 3);
    let first: Vec<&str> = seen[1].lines().collect();
    let line: usize = first[0].strip_prefix("#! line ").unwrap().split(':').next().unwrap().parse().unwrap();
    assert_eq!(first[line - 1], "priority = \"high\"", "{}", seen[1]);
    assert!(first[0].ends_with("expected a whole number, found the text \"high\""), "{}", first[0]);
    assert!(first[1].starts_with("#! hint: ") && first[2].contains("leave it as it is"), "{}", seen[1]);
    assert!(seen[2].starts_with("#! items[1].deps[0]: `b` depends on `aa`, which is not in the plan\n#! hint: "), "{}", seen[2]);
    assert_eq!(seen[2].matches("#! ").count(), 3, "one error at a time: {}", seen[2]);
    sandbox.sound();
}

#[test]
fn who_gives_up_loses_nothing() {
    let sandbox = planned();
    let before = revision(&sandbox);
    editor(&sandbox, "grep -q '^#!' \"$1\" || echo 'nonsense' >> \"$1\"");
    let (written, status) = Terminal::new(&sandbox, 200, &["plan", "edit"]).end();
    assert_eq!((status, revision(&sandbox)), (Some(2), before.clone()), "{written}");
    assert!(written.contains("what was typed is in ") && written.contains("plan edit default --from"), "{written}");
    assert!(kept(&sandbox)[0].ends_with("nonsense\n"));
    // Emptied at the second chance: that was the wish.
    editor(&sandbox, "if grep -q '^#!' \"$1\"; then : > \"$1\"; else echo nonsense >> \"$1\"; fi");
    let (written, status) = Terminal::new(&sandbox, 80, &["plan", "edit"]).end();
    assert_eq!((status, revision(&sandbox)), (Some(0), before), "{written}");
    assert!(written.contains("nothing changed"), "{written}");
    sandbox.sound();
}

#[test]
fn what_is_not_there_is_refused() {
    let sandbox = planned();
    let before = revision(&sandbox);
    for (does, wrong, hint) in [
        ("s/^target = .*/target = \"nosuch\"/", "there is no local branch `nosuch` to land on", "`git branch --list`"),
        ("s/^branch = \"c\"/branch = \"mian\"/", "there is no branch `mian`", "did you mean `main`?"),
        ("0,/^head = .*/s//head = \"0000000000000000000000000000000000000001\"/", "there is no commit 0", "without `head`"),
        ("$a [[items.gates]]\\nname = \"x\"\\nplugin = \"builtin:nope\"", "there is no built-in gate `nope`", "there are: "),
    ] {
        editor(&sandbox, &format!("sed -i '{does}' \"$1\""));
        let said = sandbox.lex(&["plan", "edit"]).exits(2);
        assert!(said.stderr.contains(wrong) && said.stderr.contains(hint), "{does}: {}", said.stderr);
        let hints: Vec<&str> = said.stderr.lines().filter_map(|line| line.strip_prefix("hint: ")).collect();
        assert!(hints.len() == 2 && hints[1].starts_with("what was typed is in "), "{hints:?}");
        assert_eq!(kept(&sandbox).len(), 1);
    }
    editor(&sandbox, "rm \"$1\"");
    let said = sandbox.lex(&["plan", "edit"]).exits(2);
    assert!(said.stderr.contains("has removed the file") && !said.stderr.contains("what was typed"), "{}", said.stderr);
    assert_eq!(revision(&sandbox), before);
    // What was missing before does not stand in the way.
    sandbox.git(&["branch", "-D", "c"]);
    editor(&sandbox, "sed -i 's/^priority = 0/priority = 7/' \"$1\"");
    sandbox.lex(&["plan", "edit"]).exits(0);
    sandbox.sound();
}

#[test]
fn what_others_do_meanwhile_stays_and_a_clash_is_said() {
    let sandbox = planned();
    let lex = env!("CARGO_BIN_EXE_git-lex-pr");
    editor(&sandbox, &format!("'{lex}' plan add default c --priority 3 > ~/log\nsed -i '0,/^priority = 0/s//priority = 8/' \"$1\""));
    sandbox.lex(&["plan", "edit"]).exits(0);
    assert_eq!((&item(&sandbox, "a")["priority"], &item(&sandbox, "c")["priority"]), (&json!(8), &json!(3)));
    editor(&sandbox, &format!("'{lex}' plan add default a --priority 1 > ~/log\nsed -i 's/^priority = 8/priority = 2/' \"$1\""));
    let said = sandbox.lex(&["plan", "edit"]).exits(2);
    assert!(said.stderr.contains("somebody else has changed the priority of a meanwhile"), "{}", said.stderr);
    assert_eq!(item(&sandbox, "a")["priority"], 1);
    assert!(kept(&sandbox)[0].contains("priority = 2\n"));
    sandbox.sound();
}

/// Ctrl-C in an editor is the editor's.
#[test]
fn ctrl_c_does_not_end_the_editor() {
    let sandbox = planned();
    let script = sandbox.root.path().join("home/editor");
    std::fs::write(&script, "#!/bin/sh\ntrap 'echo caught > ~/caught' INT\ntouch ~/open\nwhile ! test -e ~/caught; do sleep 0.05; done\nsed -i 's/^priority = 0/priority = 6/' \"$1\"").unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    sandbox.git(&["config", "core.editor", script.to_str().unwrap()]);
    let mut terminal = Terminal::new(&sandbox, 80, &["plan", "edit"]);
    let open = sandbox.root.path().join("home/open");
    crate::sandbox::wait_for("the editor", || open.exists());
    terminal.say("\x03");
    let (written, status) = terminal.end();
    assert_eq!((status, &item(&sandbox, "a")["priority"]), (Some(0), &json!(6)), "{written}");
}

#[test]
fn a_file_or_no_editor_cannot_be_edited() {
    let sandbox = planned();
    let export = sandbox.lex(&["plan", "export"]).exits(0).stdout;
    sandbox.write("plan.json", &export);
    let said = sandbox.lex(&["plan", "edit", "plan.json"]).exits(2);
    assert!(said.stderr.contains("a plan file has no revisions") && said.stderr.contains("plan import plan.json"), "{}", said.stderr);
    let mut dumb = sandbox.lex_command(&sandbox.repo, &["plan", "edit"]);
    dumb.env_remove("EDITOR").env_remove("VISUAL").env("TERM", "xterm").stdin(std::process::Stdio::null());
    let said = dumb.output().unwrap();
    assert_eq!(said.status.code(), Some(2), "{said:?}");
    assert!(String::from_utf8_lossy(&said.stderr).contains("core.editor"), "{said:?}");
}

/// The message of the newest revision.
fn message(sandbox: &Sandbox) -> String {
    sandbox.git(&["log", "-1", "--format=%B", "refs/lex-pr/plans/default"])
}

#[test]
fn a_review_by_flags_is_one_revision_with_its_reviewer() {
    let sandbox = planned();
    let before = revision(&sandbox);
    let args = ["--deps", "b=a,c", "--gates", "b=builtin:diff-size", "--priority", "c=5", "--strategy", "a=squash", "--accept"];
    let said = sandbox.lex(&[&["plan", "review", "default"], &args[..]].concat()).exits(0);
    assert!(said.stdout.contains("~  c  priority  0 -> 5\n"), "{}", said.stdout);
    assert_eq!(sandbox.head("refs/lex-pr/plans/default~1"), before);
    let expected = "review: 3 accepted, 3 changed\n\nAccepted: a\nAccepted: b\nAccepted: c\nReviewed-by: Tess <tess@example.com>";
    assert_eq!(message(&sandbox), expected);
    assert_eq!(
        sandbox.git(&["log", "-1", "--format=%(trailers:key=Reviewed-by,valueonly)", "refs/lex-pr/plans/default"]),
        "Tess <tess@example.com>",
        "git sees the trailer"
    );
    let b = item(&sandbox, "b");
    assert_eq!(b["deps"], json!([{ "name": "a", "sources": ["stack"] }, { "name": "c", "sources": ["plan"] }]));
    assert_eq!(b["gates"], json!([{ "name": "diff-size", "plugin": "builtin:diff-size" }]));
    assert_eq!(item(&sandbox, "a")["strategy"], "squash");
    let log = sandbox.lex(&["plan", "log"]).exits(0).stdout;
    assert!(log.lines().next().unwrap().ends_with("review: 3 accepted, 3 changed  reviewed by Tess <tess@example.com>"), "{log}");
    assert!(!log.lines().nth(1).unwrap().contains("reviewed"), "{log}");
    assert_eq!(sandbox.json(&["plan", "log"], 0)[0]["reviewedBy"], json!(["Tess <tess@example.com>"]));
    let plan = sandbox.git(&["cat-file", "-p", "refs/lex-pr/plans/default:plan.json"]);
    assert!(!plan.contains("Tess"), "a plan holds no reviewer: {plan}");
    // To have looked at it is something, too; a gate is known by its name now.
    sandbox.lex(&["plan", "review", "--gates", "a=diff-size", "--deps", "b=", "--drop", "c", "--accept", "a"]).exits(0);
    assert_eq!(
        message(&sandbox),
        "review: 1 accepted, 1 dropped, 2 changed\n\nAccepted: a\nDropped: c\nReviewed-by: Tess <tess@example.com>"
    );
    let tree = sandbox.git(&["rev-parse", "refs/lex-pr/plans/default^{tree}"]);
    sandbox.lex(&["plan", "review", "--accept", "--deps", "a=", "--strategy", "a=squash"]).exits(0);
    assert_eq!(sandbox.git(&["rev-parse", "refs/lex-pr/plans/default^{tree}"]), tree);
    assert!(message(&sandbox).starts_with("review: 2 accepted\n"), "what was so before is no change: {}", message(&sandbox));
    // What stands on a dropped item brings its commits all the same.
    sandbox.lex(&["plan", "add", "default", "b"]).exits(0);
    let said = sandbox.lex(&["plan", "review", "--drop", "a", "--accept"]).exits(0);
    assert_eq!(said.stderr, "note: b stands on a, and brings its commits all the same\n");
    sandbox.sound();
}

#[test]
fn a_review_by_wrong_flags_writes_nothing() {
    let sandbox = planned();
    sandbox.lex(&["plan", "add", "default", "c", "--depends-on", "a"]).exits(0);
    let before = revision(&sandbox);
    for (args, wrong) in [
        (&["--accept", "z"][..], "the plan has no item `z`"),
        (&["--drop", "aa"], "the plan has no item `aa`"),
        (&["--drop", "a"], "`c` depends on `a`"),
        (&["--deps", "a=b"], "the dependencies go round in a circle"),
        (&["--deps", "a=z"], "`a` depends on `z`, which is not in the plan"),
        (&["--drop", "a", "--drop", "c", "--deps", "b=c"], "`b` cannot depend on `c`, which is dropped"),
        (&["--deps", "a"], "--deps takes ITEM=VALUE"),
        (&["--gates", "a=builtin:nope"], "there is no built-in gate `nope`"),
        (&["--gates", "a=nonsense"], "no item has a gate `nonsense`"),
        (&["--priority", "a=high"], "--priority takes a whole number"),
        (&["--strategy", "a=magic"], "`magic` is no strategy"),
        (&["--accept", "a", "--drop", "a"], "`a` cannot be accepted and dropped"),
    ] {
        let said = sandbox.lex(&[&["plan", "review", "default"], args].concat()).exits(2);
        assert!(said.stderr.contains(wrong) && said.stderr.contains("hint: "), "{args:?}: {}", said.stderr);
    }
    let said = sandbox.lex(&["plan", "review"]).exits(2);
    assert!(said.stderr.contains("this is none") && said.stderr.contains("plan review default --accept"), "{}", said.stderr);
    assert_eq!(revision(&sandbox), before);
    sandbox.sound();
}

/// Type answers, each once it is asked for.
fn answer(terminal: &mut Terminal, answers: &[(&str, &str)]) {
    for (question, reply) in answers {
        terminal.wait_for_next(question);
        terminal.say(&format!("{reply}\n"));
    }
}

#[test]
fn a_review_on_a_terminal_shows_each_item_and_ends_in_a_revision() {
    let sandbox = planned();
    let before = revision(&sandbox);
    let mut terminal = Terminal::new(&sandbox, 100, &["plan", "review"]);
    let ask_a = "a: accept it";
    answer(&mut terminal, &[(ask_a, "?"), (ask_a, "-"), (ask_a, "s"), ("strategy (", "squash"), (ask_a, "s"), ("strategy (", "magic")]);
    answer(&mut terminal, &[(ask_a, "u"), (ask_a, "y"), ("c: accept it", "g"), ("gates of its own", "builtin:secrets, builtin:diff-size")]);
    assert_eq!(revision(&sandbox), before, "nothing is written before the end");
    answer(&mut terminal, &[("c: accept it", "y"), ("b: accept it", "d"), ("depends on (", "a c"), ("b: accept it", "j")]);
    answer(&mut terminal, &[("2 accepted, 0 dropped, 1 left as it was: write it", "y")]);
    let (written, status) = terminal.end();
    assert_eq!(status, Some(0), "{written}");
    for shown in [
        "review of plan default onto main: 2 of 3 can land together",
        "(1/3) a\r\n",
        "base.txt | 2 +-\r\n",
        "conflicts with c in base.txt:1",
        "lands     1 of 2 in level 0, by merge, priority 0",
        "`magic` is no strategy",
        "u  undo the last step",
        "b | 1 +\r\n",
        "~  b  deps      a -> a, c",
        "~  c  gates     none -> secrets: builtin:secrets, diff-size: builtin:diff-size",
    ] {
        assert!(written.contains(shown), "{shown:?} in {written}");
    }
    let ask_b = &written[written.find("(3/3)").unwrap()..];
    assert!(!ask_b.split("b: accept").next().unwrap().contains("base.txt |"), "its own changes, not those of what it stands on: {ask_b}");
    assert_eq!(item(&sandbox, "a")["strategy"], "merge", "undone");
    assert_eq!(item(&sandbox, "a")["priority"], -1, "landed later");
    assert_eq!(item(&sandbox, "c")["gates"].as_array().unwrap().len(), 2);
    assert_eq!(message(&sandbox), "review: 2 accepted, 3 changed\n\nAccepted: a\nAccepted: c\nReviewed-by: Tess <tess@example.com>");
    assert_eq!(sandbox.head("refs/lex-pr/plans/default~1"), before);
    sandbox.sound();
}

#[test]
fn a_review_drops_goes_back_undoes_and_is_given_up() {
    let sandbox = planned();
    sandbox.lex(&["plan", "add", "default", "b", "--depends-on", "a"]).exits(0);
    let before = revision(&sandbox);
    let mut terminal = Terminal::new(&sandbox, 100, &["plan", "review"]);
    answer(&mut terminal, &[("a: accept it", "n"), ("b depends on it: drop that, too", "y"), ("c: accept it", "k")]);
    // What it conflicted with is dropped.
    terminal.wait_for_next("would merge");
    // Nothing can depend on it now; Enter leaves a list as it is, and - empties it.
    let deps = "depends on (";
    answer(&mut terminal, &[("c: accept it", "d"), (deps, "a")]);
    terminal.wait_for_next("`c` cannot depend on `a`, which is dropped");
    answer(&mut terminal, &[("c: accept it", "u")]);
    terminal.wait_for_next("conflicts with c");
    answer(&mut terminal, &[("a: accept it", "a"), ("3 accepted, 0 dropped: write it", "u")]);
    answer(&mut terminal, &[("a: accept it", "j"), ("c: accept it", "j"), ("b: accept it", "d"), (deps, ""), ("b: accept it", "y")]);
    answer(&mut terminal, &[("1 accepted, 0 dropped, 2 left as they were: write it", "u"), ("b: accept it", "d"), (deps, "-")]);
    answer(&mut terminal, &[("b: accept it", "u"), ("b: accept it", "q"), ("0 accepted, 0 dropped, 3 left as they were: write it", "n")]);
    let (written, status) = terminal.end();
    assert!(written.contains("nothing was written") && written.matches("nothing changed").count() == 3, "{written}");
    assert_eq!((status, revision(&sandbox)), (Some(0), before));
}

#[test]
fn ctrl_c_in_a_review_writes_nothing_and_tells_how_to_go_on() {
    let sandbox = planned();
    let before = revision(&sandbox);
    for (key, words) in [("\x03", "Ctrl-C"), ("\x04", "the end of the input")] {
        let mut terminal = Terminal::new(&sandbox, 200, &["plan", "review"]);
        answer(&mut terminal, &[("a: accept it", "s"), ("strategy (", "rebase"), ("a: accept it", "y")]);
        terminal.wait_for_next("c: accept it");
        terminal.say(key);
        let (written, status) = terminal.end();
        assert_eq!((status, revision(&sandbox)), (Some(130), before.clone()), "{written}");
        assert!(written.contains(&format!("the review was ended by {words}; nothing was written")), "{written}");
        assert!(written.contains("git lex-pr plan review default --strategy 'a=rebase' --accept a"), "{written}");
    }
    sandbox.lex(&["plan", "review", "default", "--strategy", "a=rebase", "--accept", "a"]).exits(0);
    assert_eq!(item(&sandbox, "a")["strategy"], "rebase");
}

#[test]
fn what_others_change_during_a_review_is_not_approved_unseen() {
    let sandbox = planned();
    let mut terminal = Terminal::new(&sandbox, 200, &["plan", "review"]);
    answer(&mut terminal, &[("a: accept it", "a")]);
    terminal.wait_for_next("write it as a new revision");
    sandbox.lex(&["plan", "add", "default", "c", "--priority", "3"]).exits(0);
    let before = revision(&sandbox);
    terminal.say("y\n");
    let (written, status) = terminal.end();
    assert_eq!((status, revision(&sandbox)), (Some(2), before), "{written}");
    assert!(
        written.contains("somebody else has changed `c` meanwhile") && written.contains("plan review default --accept\r\n"),
        "{written}"
    );
    // What is gone is not asked for again, and what was not looked at is not accepted.
    let mut terminal = Terminal::new(&sandbox, 200, &["plan", "review"]);
    answer(&mut terminal, &[("c: accept it", "y"), ("a: accept it", "y"), ("b: accept it", "q")]);
    terminal.wait_for_next("write it as a new revision");
    let said = sandbox.lex(&["plan", "remove", "default", "a"]).exits(0);
    assert_eq!(said.stderr, "note: b stands on a, and brings its commits all the same\n");
    terminal.say("y\n");
    assert!(terminal.end().0.contains("plan review default --accept c\r\n"));
    sandbox.lex(&["plan", "add", "default", "a"]).exits(0);
    // What was not looked at may have changed.
    let mut terminal = Terminal::new(&sandbox, 200, &["plan", "review"]);
    answer(&mut terminal, &[("c: accept it", "y"), ("a: accept it", "q")]);
    terminal.wait_for_next("write it as a new revision");
    sandbox.lex(&["plan", "add", "default", "b", "--priority", "3"]).exits(0);
    terminal.say("y\n");
    assert_eq!(terminal.end().1, Some(0));
    assert_eq!((&item(&sandbox, "b")["priority"], message(&sandbox).contains("Accepted: c")), (&json!(3), true));
    sandbox.sound();
}
