//! The weave against git: the same trees, and no merge clean that git calls a conflict. `replay` is what asks.

use crate::{
    history::Dice,
    sandbox::{Sandbox, find, status},
};
use serde_json::Value;

/// Make `second` and `first` two sides of one base, let git record nothing, and compare by `merge` and `git merge-tree`.
#[track_caller]
fn same_as_git(sandbox: &Sandbox, what: &str) {
    let git = sandbox.merge_tree("main", "side");
    sandbox.lex(&["plan", "create", "--force", "side"]).exits(0);
    let run = sandbox.lex(&["merge", "--json"]).json();
    match git {
        Some(tree) => assert_eq!(find(&run, "side")["tree"], tree, "{what}"),
        None => assert_eq!(status(&run, "side"), "skipped-conflict", "{what}: {run}"),
    }
    sandbox.sound();
}

/// A base, then what `ours` does on main and `theirs` on side.
#[track_caller]
fn case(what: &str, base: impl Fn(&Sandbox), ours: impl Fn(&Sandbox), theirs: impl Fn(&Sandbox)) {
    let sandbox = Sandbox::new();
    base(&sandbox);
    sandbox.commit("Base of the case");
    sandbox.git(&["checkout", "-q", "-b", "side"]);
    theirs(&sandbox);
    sandbox.commit("Theirs");
    sandbox.git(&["checkout", "-q", "main"]);
    ours(&sandbox);
    sandbox.commit("Ours");
    same_as_git(&sandbox, what);
}

fn lines(n: usize) -> String {
    (1..=n).map(|i| format!("line {i}\n")).collect()
}

fn files(sandbox: &Sandbox) {
    for name in ["a", "b", "c"] {
        sandbox.write(&format!("dir/{name}.txt"), &format!("{name}\n{}", lines(20)));
    }
    sandbox.write("top.txt", &lines(30));
}

fn git<'a>(args: &'a [&'a str]) -> impl Fn(&Sandbox) + 'a {
    move |sandbox| drop(sandbox.git(args))
}

fn edit<'a>(path: &'a str, line: usize, to: &'a str) -> impl Fn(&Sandbox) + 'a {
    move |sandbox| {
        let old: Vec<String> = sandbox.read(path).lines().map(ToOwned::to_owned).collect();
        let new: String = old.iter().enumerate().map(|(at, l)| format!("{}\n", if at == line { to } else { l.as_str() })).collect();
        sandbox.write(path, &new);
    }
}

fn nothing(_: &Sandbox) {}

#[test]
fn renames_are_gits() {
    let mv = git(&["mv", "dir/a.txt", "dir/z.txt"]);
    case("rename, edit", files, edit("dir/a.txt", 3, "ours"), &mv);
    case("edit, rename", files, &mv, edit("dir/a.txt", 3, "theirs"));
    case("rename, delete", files, git(&["rm", "-q", "dir/a.txt"]), &mv);
    case("rename to one place", files, git(&["mv", "dir/b.txt", "dir/z.txt"]), &mv);
    case("rename apart", files, git(&["mv", "dir/a.txt", "dir/y.txt"]), &mv);
    case("both rename alike", files, &mv, &mv);
    case("folder renamed, edit", files, edit("dir/b.txt", 5, "ours"), git(&["mv", "dir", "folder"]));
    case("folder renamed, addition", files, |s| s.write("dir/new.txt", "new\n"), git(&["mv", "dir", "folder"]));
    case("addition, folder renamed", files, git(&["mv", "dir", "folder"]), |s| s.write("dir/new.txt", "new\n"));
    case("rename and mode", files, git(&["update-index", "--chmod=+x", "dir/a.txt"]), &mv);
    case("both take away", files, git(&["rm", "-q", "dir/a.txt"]), git(&["rm", "-q", "dir/a.txt", "dir/b.txt"]));
}

#[test]
fn places_and_kinds_that_clash_are_gits() {
    let link = |s: &Sandbox| {
        std::fs::remove_file(s.repo.join("top.txt")).unwrap();
        std::os::unix::fs::symlink("dir/a.txt", s.repo.join("top.txt")).unwrap();
    };
    case("link, edit", files, edit("top.txt", 3, "ours"), link);
    case("link on one side", files, nothing, link);
    case("delete, edit", files, git(&["rm", "-q", "top.txt"]), edit("top.txt", 3, "theirs"));
    case("add, add", files, |s| s.write("new", "ours\n"), |s| s.write("new", "theirs\n"));
    case("add the same", files, |s| s.write("new", "same\n"), |s| s.write("new", "same\n"));
    case("file, folder", files, |s| s.write("new", "file\n"), |s| s.write("new/file", "folder\n"));
    case("folder, file", files, |s| s.write("new/file", "folder\n"), |s| s.write("new", "file\n"));
    case("two modes", files, git(&["update-index", "--chmod=+x", "top.txt"]), edit("top.txt", 3, "theirs"));
    case("empty tree", files, nothing, git(&["rm", "-rq", "dir", "top.txt", "base.txt"]));
    case("folder emptied by both", files, git(&["rm", "-q", "dir/a.txt"]), git(&["rm", "-q", "dir/b.txt", "dir/c.txt"]));
}

#[test]
fn contents_of_every_kind_are_gits() {
    let bytes = |name: &'static str, content: &'static [u8]| move |s: &Sandbox| std::fs::write(s.repo.join(name), content).unwrap();
    case("binary", bytes("bin", b"a\0b\nc\n"), bytes("bin", b"a\0b\nd\n"), bytes("bin", b"x\0b\nc\n"));
    case("no newline at the end", bytes("f", b"1\n2\n3\n4\n5"), bytes("f", b"1\n2\n3\n4\n5\n6"), bytes("f", b"0\n2\n3\n4\n5"));
    case(
        "CRLF",
        bytes("f", b"1\r\n2\r\n3\r\n4\r\n5\r\n"),
        bytes("f", b"1\r\n2\r\n3\r\n4\r\nFIVE\r\n"),
        bytes("f", b"ONE\r\n2\r\n3\r\n4\r\n5\r\n"),
    );
    case("not UTF-8", bytes("f", b"1\n\xff\n3\n4\n5\n"), bytes("f", b"1\n\xff\n3\n4\n\xfe\n"), bytes("f", b"\xfd\n\xff\n3\n4\n5\n"));
    case("emptied", files, |s| s.write("top.txt", ""), edit("top.txt", 3, "theirs"));
    case("one line", bytes("f", b"1"), bytes("f", b"2"), bytes("f", b"3"));
    case("huge", |s| s.write("huge", &lines(60_000)), edit("huge", 5, "ours"), edit("huge", 59_000, "theirs"));
    let name = |s: &Sandbox, content: &str| {
        let path = s.repo.join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"n\xffame"));
        std::fs::write(path, content).unwrap();
    };
    case(
        "a name that is not UTF-8",
        |s| name(s, &lines(9)),
        |s| name(s, &lines(9).replace("line 1\n", "x\n")),
        |s| name(s, &lines(9).replace("line 9", "y")),
    );
}

/// The merge of git.git at 6a5621b604 came out clean in gix where git conflicts: two insertions that can slide to one place.
#[test]
fn insertions_that_slide_together_conflict_as_in_git() {
    let base = "head\nesac\n\ncase x in\none)\n\tdo one\n\t;;\nesac\ntail\n";
    let ours = base.replace("one)\n", "two)\n\tdo two\n\t;;\none)\n");
    let theirs = base.replace("case x in\none)", "case x in\nall)\n\tdo all\n\t;;\nesac\n\ncase x in\none)");
    case("sliding", |s| s.write("f", base), |s| s.write("f", &ours), |s| s.write("f", &theirs));
}

#[test]
fn attributes_drivers_and_submodules_are_gits() {
    let attributes = |text: &'static str| {
        move |s: &Sandbox| {
            files(s);
            s.write(".gitattributes", text);
            s.git(&["config", "merge.ours.driver", "true"]);
        }
    };
    for text in ["* merge=union\n", "*.txt merge=ours\n", "*.txt -merge\n", "*.txt merge\n", "*.txt ident text eol=crlf\n"] {
        case(text, attributes(text), edit("top.txt", 3, "ours"), edit("top.txt", 3, "theirs"));
        case(text, attributes(text), edit("top.txt", 3, "ours"), edit("top.txt", 20, "theirs"));
    }
    let module = |id: &'static str| {
        move |s: &Sandbox| {
            s.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{},module", id.repeat(40))]);
            std::fs::create_dir_all(s.repo.join("module")).unwrap();
        }
    };
    case("submodule moved by one", module("1"), |s| s.write("x", "x"), module("2"));
    case("submodule moved by both", module("1"), module("3"), module("2"));
}

/// Git 2.47 exits with 0 here, and its tree holds conflict markers.
#[test]
fn what_git_calls_clean_with_markers_in_it_is_a_conflict() {
    let sandbox = Sandbox::new();
    sandbox.write("a.b/g.txt", "statement 50\nline 8\nline 9\n");
    sandbox.commit("Base of the case");
    sandbox.git(&["checkout", "-q", "-b", "side"]);
    sandbox.write("a.b/g.txt", "");
    sandbox.write("b", "line 8\nline 9\n");
    sandbox.commit("Theirs");
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.git(&["mv", "a.b/g.txt", "b"]);
    sandbox.write("b", "line 8\nline 9\n");
    sandbox.commit("Ours");
    sandbox.lex(&["plan", "create", "side"]).exits(0);
    let run = sandbox.json(&["merge", "--execute"], 1);
    assert!(["skipped-conflict", "skipped-gates"].contains(&status(&run, "side")), "{run}");
    assert_eq!(find(&run, "side")["conflicts"][1]["path"], "b", "{run}");
    sandbox.sound();
}

#[test]
fn random_texts_merge_as_in_git() {
    for seed in 0..3 {
        let sandbox = Sandbox::new();
        let mut dice = Dice(seed);
        const FILES: usize = 80;
        let line = |dice: &mut Dice| match dice.roll(3) {
            0 => ["}\n", "\n", "\t\treturn 0;\n", "end\n"][dice.roll(4)].to_string(),
            _ => format!("statement {}\n", dice.roll(400)),
        };
        let base: Vec<Vec<String>> = (0..FILES).map(|_| (0..dice.roll(40)).map(|_| line(&mut dice)).collect()).collect();
        let write = |texts: &[Vec<String>]| {
            texts.iter().enumerate().for_each(|(n, text)| sandbox.write(&format!("d{}/f{n}", n % 7), &text.concat()))
        };
        let mut change = |base: &[Vec<String>]| -> Vec<Vec<String>> {
            let mut texts = base.to_vec();
            for text in &mut texts {
                for _ in 0..dice.roll(3) {
                    let at = dice.roll(text.len() + 1);
                    match dice.roll(3) {
                        0 => text.insert(at, line(&mut dice)),
                        1 if at < text.len() => drop(text.remove(at)),
                        _ if at < text.len() => text[at] = line(&mut dice),
                        _ => {}
                    }
                }
            }
            texts
        };
        let (ours, theirs) = (change(&base), change(&base));
        write(&base);
        let root = sandbox.commit("Base");
        // One merge per file, so that a conflict in one hides nothing of the others.
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for (name, side, heads) in [("ours", &ours, &mut first), ("theirs", &theirs, &mut second)] {
            for (n, text) in side.iter().enumerate() {
                sandbox.write(&format!("d{}/f{n}", n % 7), &text.concat());
                // Two commits of the same second, text and message would be one.
                heads.push(sandbox.commit(&format!("File {n} of {name}")));
                sandbox.git(&["reset", "-q", "--hard", &root]);
            }
        }
        let mut tip = root.clone();
        for (one, other) in first.iter().zip(&second) {
            // A recorded merge that takes one side as it is; replaying it is what counts.
            let merge = sandbox.git(&["commit-tree", "-p", one, "-p", other, "-m", "merge", &format!("{one}^{{tree}}")]);
            let range = format!("{one}..{merge}");
            let replayed = sandbox.lex(&["replay", "--pairs", &range, "--json"]).json();
            assert_eq!(replayed["merges"][0]["sameAsGit"], Value::Bool(true), "seed {seed}: {one} {other}: {replayed}");
            tip = merge;
        }
        sandbox.git(&["update-ref", "refs/heads/kept", &tip]);
    }
}

#[test]
fn a_history_is_replayed_as_pairs_and_as_a_chain() {
    let sandbox = Sandbox::new();
    let from = sandbox.head("main");
    for (name, content) in [("a", "ONE\ntwo\nthree\n"), ("b", "one\ntwo\nthree\nfour\n")] {
        sandbox.branch(name, &from, name, &[("base.txt", content)]);
    }
    sandbox.branch("c", &from, "c", &[("base.txt", "uno\ntwo\nthree\n")]);
    sandbox.git(&["merge", "-q", "--no-ff", "--no-edit", "a"]);
    sandbox.git(&["merge", "-q", "--no-ff", "--no-edit", "b"]);
    let resolved =
        sandbox.command("git", &sandbox.repo).args(["merge", "-q", "--no-ff", "-X", "theirs", "--no-edit", "c"]).status().unwrap();
    assert!(resolved.success());
    let before = sandbox.fingerprint();
    for args in [&["replay", &format!("{from}..main")[..]][..], &["replay", "--pairs", &format!("{from}..")[..]]] {
        let merges = sandbox.json(args, 0)["merges"].clone();
        let row = |n: usize| (merges[n]["weave"].as_str(), merges[n]["sameAsGit"].as_bool(), merges[n]["sameAsRecorded"].as_bool());
        assert_eq!(
            (row(0), row(1)),
            ((Some("trivial"), Some(true), Some(true)), (Some("trivial"), Some(true), Some(true))),
            "{args:?}: {merges}"
        );
        assert_eq!((row(2), &merges[2]["conflicts"]), ((None, Some(true), None), &serde_json::json!(["base.txt"])));
    }
    assert_eq!(sandbox.fingerprint(), before, "nothing is written");
    let text = sandbox.lex(&["replay", &format!("{from}..main"), "--no-compare"]).exits(0).stdout;
    assert!(text.contains("3 merges: 2 clean, 1 skipped; 2 of 2 as recorded"), "{text}");
    sandbox.lex(&["replay", "main"]).exits(2);
    sandbox.lex(&["replay", "nope..main"]).exits(2);
}

/// The most memory that a command had, in MB, as the kernel counts it: its own, with what it maps.
#[cfg(target_os = "linux")]
fn peak(sandbox: &Sandbox, args: &[&str]) -> u64 {
    let mut child = sandbox.lex_command(&sandbox.repo, args).stdout(std::process::Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let now = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(now.unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    peak / 1024
}

/// A history by fast-import: `script` is what comes behind a first commit `:1` on main, of `files`. Gives the range to replay.
fn history(files: &[(&str, &str)], script: &str) -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    let mut all = String::from("commit refs/heads/main\nmark :1\ncommitter T <t@e.x> 1000000000 +0000\ndata 4\nbase\n");
    all.extend(files.iter().map(|(path, text)| put(path, text)));
    let file = sandbox.root.path().join("script");
    std::fs::write(&file, all + script).unwrap();
    let mut import = sandbox.command("git", &sandbox.repo);
    assert!(import.args(["fast-import", "--quiet", "--force"]).stdin(std::fs::File::open(file).unwrap()).status().unwrap().success());
    let range = format!("{}..main", sandbox.git(&["rev-list", "--max-parents=0", "main"]));
    (sandbox, range)
}

fn put(path: &str, text: &str) -> String {
    format!("M 100644 inline {path}\ndata {}\n{text}\n", text.len())
}

/// Merge number `item` of a history, from 0, of a branch off its first commit; `files` are what branch and merge change.
fn merged(item: usize, of_branch: &str, of_merge: &str) -> String {
    let (branch, merge) = (2 * item + 2, 2 * item + 3);
    let tip = if item == 0 { 1 } else { merge - 2 };
    let head = |mark, name, from: String, at| {
        format!("commit refs/heads/{name}\nmark :{mark}\ncommitter T <t@e.x> {} +0000\ndata 4\nitem\n{from}", 1_000_000_000 + at)
    };
    // The one that a late conflict is with is older than all others, so that it is looked for behind them.
    let side = head(branch, "b", "from :1\n".into(), if item == 120 { 1 } else { 300 + item }) + of_branch;
    side + &head(merge, "main", format!("from :{tip}\nmerge :{branch}\n"), 600 + item) + of_merge
}

#[test]
#[cfg(target_os = "linux")]
fn what_a_replay_has_passed_gives_its_memory_back() {
    // Each merge makes a file of 600 KB; 200 of them are 120 MB.
    let text = |changed: &dyn Fn(usize) -> bool| -> String {
        let line = |at: usize| format!("a line of some length, number {at:06}{}\n", if changed(at) { " changed" } else { "" });
        (0..16_000).map(line).collect()
    };
    let script: String = (0..200)
        .map(|item| {
            let here = item * 70;
            merged(item, &put("large", &text(&|at| at == here)), &put("large", &text(&|at| at % 70 == 0 && at <= here)))
        })
        .collect();
    let (sandbox, range) = history(&[("large", &text(&|_| false))], &script);
    let replayed = sandbox.json(&["replay", "--no-compare", &range], 0);
    assert_eq!((replayed["merges"].as_array().unwrap().len(), replayed["differs"].as_array().unwrap().len()), (200, 0));
    let peak = peak(&sandbox, &["replay", "--no-compare", &range]);
    assert!(peak < 100, "{peak} MB");
}

#[test]
fn whom_a_late_conflict_is_with_is_found_behind_all_that_was_passed() {
    let plain = |item: usize| merged(item, &put(&format!("f{item}"), "x"), &put(&format!("f{item}"), "x"));
    // The first merge was recorded with a file more, so that no tree that is woven is one that git has.
    let mut script = plain(0) + &put("more", "x");
    script.extend((1..120).map(plain));
    // Two late ones change one line of a file that was there from the beginning; how that was settled is learnt.
    script += &merged(120, &put("both", "one\nA\nthree\n"), &put("both", "one\nA\nthree\n"));
    script.extend((121..200).map(plain));
    script += &merged(200, &put("both", "one\nB\nthree\n"), &put("both", "one\nA and B\nthree\n"));
    let (sandbox, range) = history(&[("both", "one\ntwo\nthree\n")], &script);
    sandbox.lex(&["resolutions", "train", &range]).exits(0);
    let replayed = sandbox.json(&["replay", "--no-compare", &range], 0);
    let merges = replayed["merges"].as_array().unwrap();
    assert_eq!((merges.len(), &merges[200]["weave"]), (201, &"recorded".into()));
    assert_eq!(replayed["differs"], serde_json::json!(["more"]));
}
