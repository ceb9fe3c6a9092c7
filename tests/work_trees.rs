//! The work trees of gates: what moves from candidate to candidate, what stays, what a gate cannot break, and the room that they need.

use crate::sandbox::{Sandbox, detail, find, status};
use serde_json::Value;
use std::{collections::BTreeMap, process::Command};

fn stdout(sandbox: &Sandbox, run: &Value, item: &str, gate: &str) -> String {
    sandbox.git(&["show", &format!("refs/lex-pr/runs/{}:items/{item}/{gate}/stdout", run["id"].as_str().unwrap())])
}

/// Path, inode and times of each file, as `find` tells them.
fn files(said: &str) -> BTreeMap<&str, &str> {
    said.lines().filter(|line| line.starts_with("./")).filter_map(|line| line.split_once(' ')).collect()
}

#[test]
fn a_work_tree_moves_by_what_differs_and_keeps_what_is_ignored() {
    const FILES: usize = 2_000;
    let sandbox = Sandbox::new();
    for n in 0..FILES {
        sandbox.write(&format!("src/{}/{n}.txt", n % 40), &format!("{n}\n"));
    }
    sandbox.write(".gitignore", "target/\n");
    // A gate that builds, leaves files of its own behind, and says how it found each file.
    sandbox.config(
        r#"
[policy]
max-workers = 1
batch = "serial"
[[gate]]
name = "look"
run = '''
find . -path ./.git -prune -o -type f -printf '%p %i %T@ %C@\n'
mkdir -p target/deep src/left
test -e target/deep/built || date +%s%N > target/deep/built
echo junk > src/left/over.txt; echo junk > left.txt
'''
"#,
    );
    sandbox.branch("a", "main", "a", &[("src/3/3.txt", "changed\n"), ("src/new.txt", "new\n")]);
    sandbox.branch("b", "main", "b", &[("src/39/1999.txt", "changed\n")]);
    sandbox.git(&["checkout", "-q", "-b", "c", "main"]);
    sandbox.git(&["rm", "-q", "src/0/0.txt"]);
    sandbox.commit("c");
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.lex(&["plan", "create"]).exits(0);
    let run = sandbox.json(&["merge", "--execute"], 0);
    let said = ["a", "b", "c"].map(|item| stdout(&sandbox, &run, item, "look"));
    let [a, b, c] = said.each_ref().map(|said| files(said));
    assert_eq!((a.len(), b.len(), c.len()), (FILES + 4, FILES + 5, FILES + 4), "each file is told of, and `built` from the second on");
    let touched = |before: &BTreeMap<&str, &str>, after: &BTreeMap<&str, &str>| -> Vec<String> {
        let all = before.keys().chain(after.keys().filter(|path| !before.contains_key(*path)));
        all.filter(|path| before.get(*path) != after.get(*path)).map(ToString::to_string).collect()
    };
    assert_eq!(touched(&a, &b), ["./src/39/1999.txt", "./target/deep/built"], "of {FILES} files");
    assert_eq!(touched(&b, &c), ["./src/0/0.txt"]);
    assert_eq!(b["./target/deep/built"], c["./target/deep/built"], "what is ignored is as it was left");
    sandbox.sound();
}

#[test]
fn what_a_candidate_no_longer_ignores_goes() {
    let sandbox = Sandbox::new();
    sandbox.write(".gitignore", "old/\n");
    sandbox.config("[policy]\nmax-workers = 1\n[[gate]]\nname = \"look\"\nrun = \"ls; mkdir -p old new; touch old/left new/left\"\n");
    sandbox.branch("a", "main", "a", &[("a", "a\n")]);
    sandbox.branch("b", "a", "b", &[("sub/.gitignore", "x\n"), (".gitignore", "new/\n")]);
    sandbox.branch("c", "b", "c", &[("c", "c\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    let run = sandbox.json(&["merge", "--execute"], 0);
    let saw =
        ["a", "b", "c"].map(|item| stdout(&sandbox, &run, item, "look").split_whitespace().map(ToOwned::to_owned).collect::<Vec<_>>());
    assert_eq!(saw[0], ["a", "base.txt", "lex-pr.toml"]);
    assert_eq!(saw[1], ["a", "base.txt", "lex-pr.toml", "sub"], "what git ignored for `a` it does not for `b`");
    assert_eq!(saw[2], ["a", "base.txt", "c", "lex-pr.toml", "new", "sub"]);
}

#[test]
fn a_gate_that_breaks_its_work_tree_does_not_break_the_next_one() {
    for (what, harm) in [
        ("a lock", "touch .git/index.lock"),
        ("no repository", "rm -rf .git"),
        ("a broken index", "echo broken > .git/index"),
        ("a broken configuration", "echo '[broken' > .git/config"),
        ("another repository", "rm -rf .git; git init -q .; git config core.worktree /"),
        ("a file in place of a folder", "rm -rf src; echo x > src"),
        ("a link in place of a folder", "rm -rf src; ln -s / src"),
        ("a folder in place of a file", "rm base.txt; mkdir -p base.txt/a"),
        ("a folder that is shut", "mkdir -p shut/in; touch shut/in/file; chmod 0 shut/in shut"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write("src/file.txt", "file\n");
        sandbox.write("src/.gitignore", "*.o\n");
        let gate = "test \"$(cat base.txt src/file.txt | wc -l)\" = 4 && test -z \"$(git status --porcelain)\" && test \"$(git rev-parse HEAD)\" = $LEX_PR_CANDIDATE";
        sandbox.config(&format!(
            "[policy]\nmax-workers = 1\nbatch = \"serial\"\n[[gate]]\nname = \"g\"\nrun = '''{gate} || exit 1\n{harm}'''\n"
        ));
        sandbox.branch("a", "main", "a", &[("a.txt", "a")]);
        sandbox.branch("b", "main", "b", &[("b.txt", "b")]);
        sandbox.lex(&["plan", "create"]).exits(0);
        // Root may enter every folder, and so could not be shut out.
        let mut command = sandbox.command("setpriv", &sandbox.repo);
        command.args(["--bounding-set=-dac_override,-dac_read_search", env!("CARGO_BIN_EXE_git-lex-pr"), "execute", "--json"]);
        let output = match Command::new("setpriv").args(["--bounding-set=-dac_override,-dac_read_search", "true"]).status() {
            Ok(status) if status.success() => command.output().unwrap(),
            _ => sandbox.lex_command(&sandbox.repo, &["execute", "--json"]).output().unwrap(),
        };
        let run: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{what}: {e}: {output:?}"));
        let ends = (status(&run, "a"), status(&run, "b"));
        assert_eq!(ends, ("merged", "merged"), "{what}: {} / {}", detail(&run, "a"), detail(&run, "b"));
        sandbox.sound();
    }
}

#[test]
fn artifacts_are_never_taken_from_outside_of_the_work_tree() {
    let sandbox = Sandbox::new();
    sandbox.write("sub/file", "x\n");
    let home = sandbox.root.path().join("home");
    sandbox.config(&format!(
        "[[gate]]\nname = \"g\"\ncwd = \"sub\"\nartifacts = [\"*\", \".*\"]\nrun = \"cd ..; rm -rf sub; ln -s {} sub\"\n",
        home.display()
    ));
    sandbox.branch("a", "main", "a", &[("a.txt", "a")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    let run = sandbox.json(&["execute"], 0);
    let kept = sandbox.git(&["ls-tree", "-r", "--name-only", &format!("refs/lex-pr/runs/{}", run["id"].as_str().unwrap())]);
    assert!(kept.contains("items/a/g/stdout") && !kept.contains("artifacts"), "{kept}");
    sandbox.sound();
}

#[test]
fn a_work_tree_that_does_not_fit_is_refused_before_anything_is_written() {
    // A disk of 300 MB, in a mount namespace of its own; 256 MB of it stay free for what gates write.
    let on_a_small_disk = |sandbox: &Sandbox, args: &[&str]| {
        let disk = sandbox.root.path().join("disk");
        std::fs::create_dir_all(&disk).unwrap();
        let script = "mount -t tmpfs -o size=300m tmpfs \"$0\" && TMPDIR=$0 \"$@\"; status=$?; ls -A \"$0\" >&2; exit $status";
        let mut command = sandbox.command("unshare", &sandbox.repo);
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]).arg(disk);
        command.arg(env!("CARGO_BIN_EXE_git-lex-pr")).args(args);
        command.output().unwrap()
    };
    let works = Command::new("unshare").args(["--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
    if !works.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this machine lets nobody mount a disk in a namespace");
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.config("[policy]\nmax-workers = 1\nbatch = \"serial\"\n[[gate]]\nname = \"g\"\nrun = \"true\"\n");
    sandbox.branch("a", "main", "a", &[("a.txt", "a")]);
    let big = "x".repeat(50 << 20);
    sandbox.branch("b", "main", "b", &[("deep/er/big.txt", &big)]);
    sandbox.lex(&["plan", "create"]).exits(0);
    let output = on_a_small_disk(&sandbox, &["merge", "--execute", "--json"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let error: Value = serde_json::from_slice(&output.stdout).unwrap();
    let (message, hint) = (error["error"]["message"].as_str().unwrap(), error["error"]["hint"].as_str().unwrap());
    assert_eq!(error["error"]["code"], "disk-full");
    assert!(message.contains("it takes 50 MB and 256 MB stay free") && hint.contains("TMPDIR"), "{error}");
    assert_eq!(String::from_utf8_lossy(&output.stderr).trim(), "", "nothing is left on the disk");
    let run = sandbox.json(&["report"], 1);
    assert_eq!((run["state"].as_str(), status(&run, "a"), status(&run, "b")), (Some("interrupted"), "merged", "pending"));
    assert_eq!(find(&run, "a")["gates"][1]["verdict"]["verdict"], "pass", "what was known by then is kept");
    sandbox.json(&["retry"], 0);
    sandbox.sound();
}

/// Each file and folder with its kind, permissions and content, as one text.
const LISTING: &str = r"find . -path ./.git -prune -o -path ./ignored -prune -o ! -name . -printf '%p %y %m %l\n' | LC_ALL=C sort
find . -path ./.git -prune -o -path ./ignored -prune -o -type f -exec sha1sum {} + | LC_ALL=C sort
";

#[test]
fn each_work_tree_is_what_git_checks_out() {
    let sandbox = Sandbox::new();
    let shell = |dir: &std::path::Path, script: &str| {
        let output = sandbox.command("sh", dir).args(["-e", "-c", script]).output().unwrap();
        assert!(output.status.success(), "{script}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let config = format!(
        r#"
[policy]
max-workers = 1
batch = "serial"
[[gate]]
name = "look"
run = '''
echo "$LEX_PR_CANDIDATE"
test "$(git rev-parse HEAD refs/heads/main)" = "$(printf '%s\n%s' "$LEX_PR_CANDIDATE" "$LEX_PR_BASE")" && test -z "$(git status --porcelain)" || exit 1
{LISTING}
case $LEX_PR_ITEM in
*1) echo junk > junk; mkdir -p empty/deep ignored/deep deep/er; echo kept > ignored/deep/kept; echo junk > deep/er/junk; git init -q nested ;;
*2) echo changed > text; rm -f other ;;
*3) git commit -q --allow-empty -m own; git rm -q --cached text ;;
*4) printf 'same size\n' > sized ;;
*0) mkdir -p module; echo junk > module/junk; git init -q module ;;
esac
'''
"#
    );
    shell(
        &sandbox.repo,
        "mkdir -p folder/sub swap; echo ignored > .gitignore; echo 1 > text; echo 2 > other; echo 3 > folder/sub/file; echo 4 > swap/in; echo 5 > turn; echo SAME SIZE > sized; ln -s text link",
    );
    sandbox.config(&config);
    let steps = [
        "echo 1a > text; mkdir -p deep/er; echo new > deep/er/new",
        "git rm -rq folder",
        "git rm -rq swap; echo file > swap; git rm -q turn; mkdir turn; echo in > turn/in",
        "chmod +x text; rm link; echo file > link; ln -s ../text deep/link",
        "chmod -x text; rm deep/link; mkdir deep/link; echo in > deep/link/in",
        "printf '*.crlf text eol=crlf\n*.id ident\n' > .gitattributes; echo a > a.crlf; echo '$Id$' > b.id; echo plain > c.txt",
        "echo b > a.crlf",
        "echo '$Id$ b' > b.id; echo plainer > c.txt",
        "touch 'a b' \"$(printf 'new\nline')\" \"$(printf 'latin\\351')\" -- -dash",
        "git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),module; mkdir -p module",
        "echo 2a > text",
        "echo ignored > .gitignore; echo c.ignored >> .gitignore",
        "git rm -q --cached module; echo 3a > text",
        "echo 4a > text; git rm -q a.crlf",
        "git rm -q sized; echo x > ignored.txt",
    ];
    for (at, script) in steps.iter().enumerate() {
        let (name, from) = (format!("b{at:02}"), if at == 0 { "main".to_string() } else { format!("b{:02}", at - 1) });
        sandbox.git(&["checkout", "-q", "-b", &name, &from]);
        shell(&sandbox.repo, &format!("{script}; git add -A; git commit -q -m step"));
    }
    shell(&sandbox.repo, "git checkout -q main; rm -rf module");
    sandbox.lex(&["plan", "create"]).exits(0);
    let run = sandbox.json(&["merge", "--execute"], 0);
    for (at, script) in steps.iter().enumerate() {
        let item = format!("b{at:02}");
        let said = stdout(&sandbox, &run, &item, "look");
        let (candidate, listing) = said.split_once('\n').unwrap();
        let clone = sandbox.root.path().join(&item);
        sandbox.git(&["-c", "core.autocrlf=false", "clone", "-q", "--shared", "--no-checkout", ".", clone.to_str().unwrap()]);
        sandbox.git_in(&clone, &["checkout", "-q", candidate]);
        assert_eq!(listing.trim(), shell(&clone, LISTING).trim(), "{item}: {script}");
    }
    sandbox.sound();
}

#[test]
fn what_a_gate_puts_in_the_place_of_a_submodule_goes_and_nothing_outside_does() {
    let sandbox = Sandbox::new();
    let outside = sandbox.root.path().join("outside");
    std::fs::create_dir_all(outside.join("module")).unwrap();
    std::fs::write(outside.join("module/precious"), "mine\n").unwrap();
    let gate = format!(
        r#"
[policy]
max-workers = 1
batch = "serial"
[[gate]]
name = "g"
run = """
test -d sub/module -a ! -L sub -a ! -L sub/module && test -z "$(ls -A sub/module)" -a -z "$(git status --porcelain)" || exit 1
case $LEX_PR_ITEM in
a) rm -r sub; ln -s {outside} sub ;;
b) rm -r sub/module; ln -s {outside} sub/module ;;
c) rm -r sub/module; echo file > sub/module ;;
d) rm -r sub ;;
esac
"""
"#,
        outside = outside.display()
    );
    sandbox.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{},sub/module", sandbox.git(&["rev-parse", "HEAD"]))]);
    std::fs::create_dir_all(sandbox.repo.join("sub/module")).unwrap();
    // What is ignored stays, a link that leads outside as well.
    sandbox.write(".gitignore", "sub\n");
    sandbox.config(&gate);
    for item in ["a", "b", "c", "d", "e"] {
        sandbox.branch(item, "main", item, &[(item, "new\n")]);
    }
    sandbox.lex(&["plan", "create"]).exits(0);
    sandbox.lex(&["merge", "--execute"]).exits(0);
    assert_eq!(std::fs::read_to_string(outside.join("module/precious")).unwrap(), "mine\n");
    assert_eq!(sandbox.git(&["ls-tree", "--name-only", "main", "a", "b", "c", "d", "e"]), "a\nb\nc\nd\ne");
    sandbox.sound();
}

#[test]
fn a_work_tree_that_was_left_as_it_was_is_turned_without_git() {
    let sandbox = Sandbox::new();
    sandbox.write("src/file.txt", "file\n");
    sandbox.write(".gitignore", "target/\n");
    sandbox.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{},module", sandbox.git(&["rev-parse", "HEAD"]))]);
    std::fs::create_dir(sandbox.repo.join("module")).unwrap();
    let gate = "mkdir -p target; date > target/built; git status --porcelain";
    sandbox.config(&format!("[policy]\nmax-workers = 1\nbatch = \"serial\"\n[[gate]]\nname = \"g\"\nrun = \"{gate}\"\n"));
    for at in 0..6 {
        sandbox.branch(&format!("b{at}"), "main", "b", &[(&format!("new/{at}"), "new\n"), ("src/file.txt", "changed\n")]);
    }
    sandbox.lex(&["plan", "create"]).exits(0);
    let trace = sandbox.root.path().join("trace");
    let output = sandbox.lex_command(&sandbox.repo, &["execute", "--json"]).env("GIT_TRACE2_EVENT", &trace).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let run: Value = serde_json::from_slice(&output.stdout).unwrap();
    let trace = std::fs::read_to_string(trace).unwrap();
    let calls = |name: &str| trace.lines().filter(|l| l.contains("\"event\":\"start\"") && l.contains(&format!("\"{name}\""))).count();
    assert_eq!((calls("checkout"), calls("clean")), (1, 0), "of six candidates");
    for at in 0..6 {
        assert_eq!(stdout(&sandbox, &run, &format!("b{at}"), "g"), "", "git finds nothing changed");
    }
    sandbox.sound();
}
