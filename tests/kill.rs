//! Runs that are killed at any moment, that cannot write, or that meet others. Whatever came over them, nothing is lost, and what is
//! run afterwards lands what a run lands that nothing came over.
//!
//! `LEX_PR_KILLS` is how many of each way to fail are tried.

use crate::sandbox::{Sandbox, status, wait_for};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

/// Each gate writes down what it judges before it says anything. `flaky` passes at the second try.
const CONFIG: &str = r#"
[[gate]]
name = "test"
run = """
echo test $(git rev-parse HEAD^{tree}) >> $HOME/asked
sleep 0.01
test ! -e red.txt
"""
[[gate]]
name = "flaky"
run = """
echo flaky $(git rev-parse HEAD^{tree}) >> $HOME/asked
test $LEX_PR_ITEM != flaky || test -e $HOME/seen || ! touch $HOME/seen
"""
[[gate]]
name = "size"
plugin = "builtin:diff-size"
[[gate]]
name = "lua"
plugin = "gate.lua"
[policy.retries.flaky]
max-attempts = 3
backoff-seconds = 0
"#;

const LUA: &str = "return { check = function() return { answer = \"pass\", summary = \"fine\" } end }";

/// What a run lands that nothing comes over, and where it begins.
struct Ground {
    sandbox: Sandbox,
    old: String,
    new: String,
    /// How long such a run takes.
    takes: Duration,
    refs: String,
    verdicts: BTreeSet<String>,
    /// Whether the target is checked out. Where it is not, this process moves it, and no git.
    is_checked_out: bool,
}

/// One clean branch, one on top of it, one in conflict with it, one that a gate stops, and one whose gate flakes. A first part of it
/// was proved before.
fn ground() -> Ground {
    ground_with(true)
}

fn ground_with(is_checked_out: bool) -> Ground {
    let sandbox = Sandbox::new();
    sandbox.write("gate.lua", LUA);
    sandbox.config(CONFIG);
    sandbox.branch("clean", "main", "clean", &[("base.txt", "ONE\ntwo\nthree\n"), ("clean/a.txt", "a\n")]);
    sandbox.branch("top", "clean", "top", &[("top.txt", "top\n")]);
    sandbox.branch("conflict", "main", "conflict", &[("base.txt", "uno\ntwo\nthree\n")]);
    sandbox.branch("red", "main", "red", &[("red.txt", "red\n")]);
    sandbox.branch("flaky", "main", "flaky", &[("flaky.txt", "flaky\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    sandbox.json(&["gate", "run", "lua", "--item", "clean"], 0);
    if !is_checked_out {
        sandbox.git(&["checkout", "-q", "--detach"]);
    }
    let old = sandbox.head("main");
    let copy = sandbox.copy();
    let began = Instant::now();
    let run = copy.json(&["merge", "--execute"], 1);
    let takes = began.elapsed();
    let landed = ["clean", "top", "conflict", "red", "flaky"].map(|item| status(&run, item));
    assert_eq!(landed, ["merged", "merged", "skipped-conflict", "skipped-gates", "merged"]);
    let (refs, verdicts) = (plans(&sandbox), verdicts(&sandbox));
    Ground { old, new: copy.head("main"), takes, refs, verdicts, is_checked_out, sandbox }
}

fn plans(sandbox: &Sandbox) -> String {
    sandbox.git(&["for-each-ref", "refs/lex-pr/plans", "refs/heads/clean", "refs/heads/top", "refs/heads/flaky"])
}

/// All recorded verdicts, as `TREE LINE`.
fn verdicts(sandbox: &Sandbox) -> BTreeSet<String> {
    let notes = "refs/notes/lex-pr/verdicts";
    let said = sandbox.git(&["grep", "", notes]);
    let lines = said.lines().map(|line| line.strip_prefix(notes).unwrap()[1..].split_once(':').unwrap());
    lines.map(|(path, verdict)| format!("{} {verdict}", path.replace('/', ""))).collect()
}

/// The gates that were asked, as `GATE TREE`, in order.
fn asked(sandbox: &Sandbox) -> Vec<String> {
    let text = std::fs::read_to_string(sandbox.root.path().join("home/asked")).unwrap_or_default();
    text.lines().map(ToOwned::to_owned).collect()
}

/// The processes that were started in a sandbox: their environment says it.
fn processes(sandbox: &Sandbox) -> Vec<String> {
    let mark = format!("HOME={}", sandbox.root.path().join("home").display());
    let mut found = Vec::new();
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let environment = std::fs::read(process.path().join("environ")).unwrap_or_default();
        if environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes()) {
            let command = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
            found.push(String::from_utf8_lossy(&command).replace('\0', " "));
        }
    }
    found
}

/// The locks of git in a repository.
fn locks(sandbox: &Sandbox) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![sandbox.repo.join(".git")]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            match entry.file_type().unwrap() {
                kind if kind.is_dir() => folders.push(entry.path()),
                _ if entry.path().extension().is_some_and(|end| end == "lock") => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found
}

fn fsck(sandbox: &Sandbox) -> String {
    let output = sandbox.command("git", &sandbox.repo).args(["fsck", "--strict", "--no-dangling", "--no-progress"]).output().unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

fn spawn(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn().unwrap()
}

fn kill_group(child: &Child) {
    let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]).stderr(Stdio::null()).status();
}

/// What must hold at once, whatever has come over a run.
fn check_what_is_left(ground: &Ground, sandbox: &Sandbox, how: &str) -> bool {
    let patience = Instant::now() + Duration::from_secs(5);
    // One that is just being started shows no environment: nobody counts as gone that was not seen for a while.
    let mut unseen = 0;
    while unseen < 3 {
        let seen = processes(sandbox);
        unseen = if seen.is_empty() { unseen + 1 } else { 0 };
        assert!(Instant::now() < patience, "{how}: still at work: {seen:#?}");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(fsck(sandbox), "", "{how}");
    let (main, status) = (sandbox.head("main"), sandbox.git(&["status", "--porcelain"]));
    assert!(main == ground.old || main == ground.new, "{how}: main is at {main}");
    assert_eq!(status, "", "{how}: the work tree, with main at {main} of {} and {}", ground.old, ground.new);
    assert_eq!(plans(sandbox), ground.refs, "{how}");
    assert!(verdicts(sandbox).is_superset(&ground.verdicts), "{how}: verdicts are lost");
    assert!(!sandbox.repo.join(".git/worktrees").exists(), "{how}");
    // A lock of git's in the names that only lex-pr writes is taken over, and so is that of a target which was being moved; any other one
    // would be in somebody's way.
    let mark = std::fs::read_to_string(sandbox.repo.join(".git/lex-pr-writing")).unwrap_or_default();
    let is_moved = |lock: &Path| !ground.is_checked_out && lock.ends_with("refs/heads/main.lock") && mark.contains("refs/heads/main\n");
    let is_own = |lock: &Path| lock.components().any(|part| part.as_os_str() == "lex-pr") || is_moved(lock);
    let foreign: Vec<_> = locks(sandbox).into_iter().filter(|lock| !is_own(lock)).collect();
    assert_eq!(foreign, Vec::<PathBuf>::new(), "{how}");
    let newest = sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/lex-pr/runs"]).lines().last().map(ToOwned::to_owned);
    if let Some(newest) = newest {
        let run: Value = serde_json::from_str(&sandbox.git(&["show", &format!("{newest}:run.json")])).unwrap();
        // Without git, the target moves just before the journal does.
        let may_be_open = !ground.is_checked_out && main == ground.new && run["state"] == "running";
        assert!(may_be_open || (run["state"] == "landed") == (main == ground.new), "{how}: {run}");
    }
    main == ground.new
}

/// The same command, or a retry, goes on to what an unkilled run lands; no gate is asked whose verdict was recorded.
fn go_on(ground: &Ground, sandbox: &Sandbox, retry: bool, how: &str) {
    let landed = check_what_is_left(ground, sandbox, how);
    let (known, before) = (verdicts(sandbox), asked(sandbox).len());
    let began = sandbox.lex(&["status", "--json"]).json()[0]["run"]["purpose"] == "land";
    let retry = retry && began && !landed;
    let said = sandbox.lex(if retry { &["retry"] } else { &["merge", "--execute"] });
    assert!(said.status < 2, "{how}: {}\n{}", said.stdout, said.stderr);
    assert_eq!(sandbox.head("main"), ground.new, "{how}: {}\n{}", said.stdout, said.stderr);
    for question in asked(sandbox).split_off(before) {
        let (gate, tree) = question.split_once(' ').unwrap();
        let answer = known.iter().find(|line| line.starts_with(tree) && line.contains(&format!("\"gate\":\"{gate}\"")));
        // A retry asks what flaked again.
        let again = answer.is_none_or(|line| retry && line.contains(": it flakes"));
        assert!(again, "{how}: {gate} was asked again: {answer:?}");
    }
    let landings = runs(sandbox).into_iter().filter(|run| run["state"] == "landed" && run["tip"] == *ground.new).count();
    assert_eq!(landings, 1, "{how}: the run that landed says so");
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "", "{how}");
    assert_eq!(locks(sandbox), Vec::<PathBuf>::new(), "{how}");
    assert_eq!(fsck(sandbox), "", "{how}");
    let left: Vec<_> = std::fs::read_dir(sandbox.root.path().join("tmp")).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(left.is_empty(), "{how}: left behind: {left:?}");
}

fn tries(usual: usize) -> usize {
    std::env::var("LEX_PR_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Try numbers up to `count` on two threads.
fn each(count: usize, one: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(number) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|number| *number < count) {
                    one(number);
                    if number % 100 == 99 {
                        eprintln!("{} of {count}", number + 1);
                    }
                }
            });
        }
    });
}

#[test]
fn a_run_that_is_killed_at_any_moment_is_gone_on_with() {
    let ground = ground();
    let count = tries(40);
    each(count, |number| {
        let sandbox = ground.sandbox.copy();
        let mut child = spawn(sandbox.lex_command(&sandbox.repo, &["merge", "--execute"]));
        let delay = ground.takes.mul_f64(1.5 * number as f64 / count as f64);
        std::thread::sleep(delay);
        // Alone, as by the kernel for want of memory; or all that a terminal has started, as by its end.
        if number % 2 == 0 {
            child.kill().unwrap()
        } else {
            kill_group(&child)
        }
        child.wait().unwrap();
        go_on(&ground, &sandbox, number % 4 < 2, &format!("killed after {delay:?}"));
    });
}

/// The calls to the system that change something or start a process.
const CALLS: &str = "openat,write,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,fsync,fdatasync,ftruncate,flock,vfork,clone3";

fn strace(sandbox: &Sandbox, options: &[&str], args: &[&str]) -> Command {
    let mut command = sandbox.command("strace", &sandbox.repo);
    command.args(["-qq", "-o", "/dev/null"]).args(options).arg(env!("CARGO_BIN_EXE_git-lex-pr")).args(args);
    command
}

fn has_strace() -> bool {
    let found =
        Command::new("strace").args(["-o", "/dev/null", "true"]).stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    if !found {
        eprintln!("skipped: strace(1) does not work here");
    }
    found
}

/// How often the main thread of a run makes such a call.
fn calls(ground: &Ground, set: &str) -> usize {
    let sandbox = ground.sandbox.copy();
    let log = sandbox.root.path().join("calls");
    let mut command = sandbox.command("strace", &sandbox.repo);
    command.args(["-qq", "-o"]).arg(&log).args(["-e", &format!("trace={set}"), env!("CARGO_BIN_EXE_git-lex-pr"), "merge", "--execute"]);
    command.output().unwrap();
    std::fs::read_to_string(log).unwrap().lines().count()
}

#[test]
fn a_run_that_is_killed_at_any_call_is_gone_on_with() {
    if !has_strace() {
        return;
    }
    for ground in [ground(), ground_with(false)] {
        let all = calls(&ground, CALLS);
        let count = tries(20).min(all);
        eprintln!("{all} calls, killed at {count}");
        each(count, |number| {
            let sandbox = ground.sandbox.copy();
            // From the end, since the end is where refs move.
            let call = all - number * all / count;
            let inject = format!("inject={CALLS}:signal=KILL:when={call}");
            let child = spawn(strace(&sandbox, &["-e", &format!("trace={CALLS}"), "-e", &inject], &["merge", "--execute"]));
            child.wait_with_output().unwrap();
            go_on(&ground, &sandbox, number % 2 == 0, &format!("killed at call {call} of {all}"));
        });
    }
}

/// Without git, the target moves before the journal says so, and a lock beside it may be left.
#[test]
fn a_run_that_is_killed_while_it_moves_the_target_has_landed_or_not() {
    if !has_strace() {
        return;
    }
    let renames = "rename,renameat,renameat2";
    let sandbox = Sandbox::new();
    sandbox.config("[[gate]]\nname = \"size\"\nplugin = \"builtin:diff-size\"\n");
    sandbox.branch("one", "main", "one", &[("one.txt", "one\n")]);
    sandbox.branch("two", "main", "two", &[("two.txt", "two\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    sandbox.git(&["checkout", "-q", "--detach"]);
    let old = sandbox.head("main");
    let (mut open, mut locked) = (0, 0);
    for call in 1.. {
        let sandbox = sandbox.copy();
        let inject = format!("inject={renames}:signal=KILL:when={call}");
        let child = spawn(strace(&sandbox, &["-e", &format!("trace={renames}"), "-e", &inject], &["merge", "--execute"]));
        let lived = child.wait_with_output().unwrap().status.success();
        let how = format!("killed at rename {call}");
        assert_eq!(fsck(&sandbox), "", "{how}");
        let moved = sandbox.head("main") != old;
        let states = || runs(&sandbox).into_iter().map(|run| run["state"].as_str().unwrap().to_string()).collect::<Vec<_>>();
        assert!(moved || !states().contains(&"landed".into()), "{how}: {:?}", states());
        open += usize::from(moved && states() == ["running"]);
        locked += usize::from(sandbox.repo.join(".git/refs/heads/main.lock").exists());
        sandbox.lex(&["merge", "--execute"]).exits(0);
        assert_eq!(sandbox.git(&["show", "main:one.txt", "main:two.txt"]), "one\ntwo", "{how}");
        assert_eq!(states().iter().filter(|state| *state == "landed").count(), 1, "{how}: {:?}", states());
        assert_eq!(locks(&sandbox), Vec::<PathBuf>::new(), "{how}");
        sandbox.lex(&["undo"]).exits(0);
        sandbox.lex(&["undo", "--execute"]).exits(0);
        assert_eq!(sandbox.head("main"), old, "{how}");
        if lived {
            break;
        }
    }
    assert!(open > 0 && locked > 0, "the moments that this is about were not met: {open}, {locked}");
}

/// A program that says nothing, but that it works, for a minute, and what it has started.
const LONG: &str = "sleep 61 & touch $HOME/began; sleep 62; wait";

#[test]
fn the_gates_of_a_killed_run_die_with_it() {
    let bwrap = Command::new("bwrap").args(["--ro-bind", "/", "/", "--unshare-all", "true"]).stderr(Stdio::null()).status();
    let mut places = vec![""];
    match bwrap {
        Ok(status) if status.success() => places.push("sandbox = \"bwrap\"\nallow = [\"write:~/\"]\n"),
        _ => eprintln!("skipped: bubblewrap does not work here"),
    }
    for place in places {
        let sandbox = Sandbox::new();
        sandbox.config(&format!("[[gate]]\nname = \"long\"\nrun = \"{LONG}\"\n{place}"));
        sandbox.branch("a", "main", "a", &[("a.txt", "a\n")]);
        sandbox.lex(&["plan", "create"]).exits(0);
        let began = sandbox.root.path().join("home/began");
        let mut child = spawn(sandbox.lex_command(&sandbox.repo, &["merge", "--execute"]));
        wait_for("the gate's start", || began.exists());
        child.kill().unwrap();
        child.wait().unwrap();
        wait_for("the gate's end", || processes(&sandbox).is_empty());
    }
}

#[test]
fn a_gate_finds_no_child_that_it_has_not_made_and_nothing_to_read() {
    let sandbox = Sandbox::new();
    let run = r#"test -z "$(cat)" && test ! -e /proc/$$/fd/3 && { read -r child < /proc/$$/task/$$/children; test -z "$child"; }"#;
    sandbox.config(&format!("[[gate]]\nname = \"look\"\nrun = '''{run}'''\n"));
    sandbox.branch("a", "main", "a", &[("a.txt", "a\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    sandbox.json(&["merge", "--execute"], 0);
    sandbox.sound();
}

/// A run that was killed, with its process group or alone, while the work tree followed its landing; each file takes a moment.
fn killed_while_it_follows(ground: &Ground, group: bool) -> Sandbox {
    let sandbox = ground.sandbox.copy();
    // Git calls this for each file that it writes, here but not in the work trees of gates.
    sandbox.git(&["config", "filter.slow.smudge", "touch $HOME/follows; sleep 0.3; cat"]);
    std::fs::create_dir_all(sandbox.repo.join(".git/info")).unwrap();
    std::fs::write(sandbox.repo.join(".git/info/attributes"), "*.txt filter=slow\n").unwrap();
    let mut child = spawn(sandbox.lex_command(&sandbox.repo, &["merge", "--execute"]));
    wait_for("the landing", || sandbox.root.path().join("home/follows").exists());
    if group {
        kill_group(&child)
    } else {
        child.kill().unwrap()
    }
    child.wait().unwrap();
    sandbox
}

#[test]
fn a_work_tree_goes_back_when_a_run_is_killed_while_it_follows() {
    let ground = ground();
    for group in [false, true] {
        let sandbox = killed_while_it_follows(&ground, group);
        assert!(!check_what_is_left(&ground, &sandbox, "killed while the work tree follows"));
        std::fs::remove_file(sandbox.repo.join(".git/info/attributes")).unwrap();
        go_on(&ground, &sandbox, group, "killed while the work tree follows");
    }
}

#[test]
fn a_run_waits_for_a_work_tree_that_is_going_back() {
    let ground = ground();
    let sandbox = killed_while_it_follows(&ground, false);
    let said = sandbox.lex(&["merge", "--execute"]);
    assert!(said.status < 2, "{}\n{}", said.stdout, said.stderr);
    assert!(check_what_is_left(&ground, &sandbox, "at once after a killed run"));
}

#[test]
fn a_work_tree_that_cannot_follow_stays_as_it_was() {
    let ground = ground();
    let sandbox = ground.sandbox.copy();
    sandbox.git(&["config", "filter.full.smudge", "case %f in flaky.txt) exit 1 ;; esac; cat"]);
    sandbox.git(&["config", "filter.full.clean", "cat"]);
    sandbox.git(&["config", "filter.full.required", "true"]);
    std::fs::create_dir_all(sandbox.repo.join(".git/info")).unwrap();
    std::fs::write(sandbox.repo.join(".git/info/attributes"), "*.txt filter=full\n").unwrap();
    let run = sandbox.json(&["merge", "--execute"], 3);
    assert!(run["error"]["message"].as_str().unwrap().starts_with("could not update the work tree: "), "{run}");
    assert!(!check_what_is_left(&ground, &sandbox, "a work tree that cannot follow"));
    std::fs::remove_file(sandbox.repo.join(".git/info/attributes")).unwrap();
    go_on(&ground, &sandbox, false, "a work tree that cannot follow");
}

#[test]
fn the_lock_that_a_killed_run_left_is_taken_over_and_no_other_one() {
    let ground = ground();
    let sandbox = ground.sandbox.copy();
    let notes = "refs/notes/lex-pr/verdicts";
    let lock = sandbox.repo.join(".git").join(format!("{notes}.lock"));
    std::fs::write(&lock, "").unwrap();
    let mark = sandbox.repo.join(".git/lex-pr-writing");
    assert_eq!(std::fs::read_to_string(&mark).unwrap(), "", "nobody writes");
    let other = sandbox.repo.join(".git/refs/notes/lex-pr/overrides.lock");
    std::fs::write(&other, "").unwrap();
    std::fs::write(&mark, format!("process 1, since 2026-01-01T00:00:00Z\n{notes}\n../../HEAD\n")).unwrap();
    sandbox.json(&["merge", "--execute"], 1);
    assert!(other.exists(), "the writer had not begun to write that");
    std::fs::remove_file(other).unwrap();
    go_on(&ground, &sandbox, false, "a lock of a dead writer");
    assert_eq!(std::fs::read_to_string(&mark).unwrap(), "");
}

/// Run `script` as root of a namespace of its own, where it can mount; `None` where that cannot be had.
fn as_root(sandbox: &Sandbox, script: &str) -> Option<std::process::Output> {
    let can = |command: &mut Command| command.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    if !can(Command::new("unshare").args(["-rm", "sh", "-c", "mount -t tmpfs none /mnt"])) {
        eprintln!("skipped: unshare(1) and mount(8) do not work here");
        return None;
    }
    let mut command = sandbox.command("unshare", sandbox.root.path());
    Some(command.args(["-rm", "sh", "-e", "-c", script]).env("LEX", env!("CARGO_BIN_EXE_git-lex-pr")).output().unwrap())
}

#[test]
fn a_disk_that_fills_up_at_any_step_loses_nothing() {
    let ground = ground();
    let count = tries(16);
    each(count, |number| {
        let sandbox = ground.sandbox.copy();
        // The repository on a disk of its own, and of that only so many KB free. A run takes some 200.
        let free = number * 240 / count;
        let script = format!(
            "mkdir disk; mount -t tmpfs -o size=8m none disk; cp -a repo/. disk; mount --bind disk repo; cd repo
             free=$(df -k --output=avail . | tail -n 1); head -c $(((free - {free}) * 1024)) /dev/zero > ../disk/.git/filler
             $LEX merge --execute --json > ../said 2> ../complained; echo $? > ../status
             rm .git/filler; cd ..; umount repo; rm -rf repo; mkdir repo; cp -a disk/. repo; umount disk; rmdir disk"
        );
        let Some(done) = as_root(&sandbox, &script.replace("; echo $?", " || true; echo $?")) else { return };
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let how = format!("{free} KB free");
        let (said, complained) = (read(&sandbox, "said"), read(&sandbox, "complained"));
        let landed = check_what_is_left(&ground, &sandbox, &how);
        let told: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{how}: {e}: {said}{complained}"));
        assert_eq!(told["state"] == "landed", landed, "{how}: {told}");
        assert!(landed || told["error"]["message"].is_string(), "{how}: {told}");
        let words = told["error"]["message"].as_str().unwrap_or_default();
        // The second is git's own way to say it.
        let told_why = ["No space left on device", "Out of diskspace"].iter().any(|why| words.contains(why));
        assert!(number > 0 || told_why, "{how}: {words}");
        go_on(&ground, &sandbox, false, &how);
    });
}

fn read(sandbox: &Sandbox, name: &str) -> String {
    std::fs::read_to_string(sandbox.root.path().join(name)).unwrap()
}

#[test]
fn objects_that_cannot_be_written_stop_a_run_and_nothing_else() {
    let ground = ground();
    let sandbox = ground.sandbox.copy();
    let script = "mount --bind repo/.git/objects repo/.git/objects; mount -o remount,ro,bind repo/.git/objects; cd repo
                  if $LEX merge --execute > ../said 2> ../complained; then exit 9; else test $? = 3; fi";
    let Some(done) = as_root(&sandbox, script) else { return };
    assert!(done.status.success(), "{}{}", read(&sandbox, "said"), read(&sandbox, "complained"));
    let complained = read(&sandbox, "complained");
    assert!(complained.contains("could not ") && complained.contains("Read-only file system"), "{complained}");
    assert_eq!(sandbox.head("main"), ground.old);
    go_on(&ground, &sandbox, false, "read-only objects");
}

#[test]
fn a_call_that_fails_at_any_moment_loses_nothing() {
    if !has_strace() {
        return;
    }
    let ground = ground();
    let writes = "rename,renameat,renameat2,link,linkat,mkdir,unlink,unlinkat,fsync,fdatasync,ftruncate";
    let all = calls(&ground, writes);
    let count = tries(12).min(all);
    eprintln!("{all} calls, {count} of them fail");
    each(count, |number| {
        let sandbox = ground.sandbox.copy();
        let call = all - number * all / count;
        // Once, or from then on, as on a disk that is full.
        let (error, on) = [("ENOSPC", "+"), ("EIO", ""), ("EROFS", "+"), ("ENOSPC", "")][number % 4];
        let how = format!("{error} at call {call}{on} of {all}");
        let inject = format!("inject={writes}:error={error}:when={call}{on}");
        let child = spawn(strace(&sandbox, &["-e", &format!("trace={writes}"), "-e", &inject], &["merge", "--execute"]));
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains("panicked"), "{how}: {said}");
        let landed = check_what_is_left(&ground, &sandbox, &how);
        assert!(landed || !output.status.success(), "{how}: {said}");
        go_on(&ground, &sandbox, false, &how);
    });
}

/// All runs of a repository, as their newest steps say.
fn runs(sandbox: &Sandbox) -> Vec<Value> {
    let names = sandbox.git(&["for-each-ref", "--format=%(refname):run.json", "refs/lex-pr/runs"]);
    names.lines().map(|name| serde_json::from_str(&sandbox.git(&["show", name])).unwrap()).collect()
}

#[test]
fn runs_that_meet_on_a_plan_or_a_target_corrupt_nothing() {
    each(tries(4), |round| {
        let sandbox = Sandbox::new();
        sandbox.config("[[gate]]\nname = \"t\"\nrun = \"sleep 0.02\"\n");
        let base = sandbox.head("main");
        for name in ["a", "b", "c", "d", "e", "f"] {
            sandbox.branch(name, "main", name, &[(&format!("{name}.txt"), name)]);
        }
        sandbox.lex(&["plan", "create", "--name", "one", "a", "b", "c"]).exits(0);
        sandbox.lex(&["plan", "create", "--name", "two", "d", "e", "f"]).exits(0);
        let commands = [
            &["merge", "one", "--execute"][..],
            &["merge", "two", "--execute"],
            &["merge", "one", "--execute", "--wait"],
            &["execute", "two", "--wait"],
            &["merge", "one", "--execute"],
            &["merge", "two", "--execute", "--wait"],
        ];
        let mut children: Vec<Child> = commands.iter().map(|args| spawn(sandbox.lex_command(&sandbox.repo, args))).collect();
        // Every other time two of them are killed.
        for victim in children.iter_mut().take(2).filter(|_| round % 2 == 1) {
            std::thread::sleep(Duration::from_millis(40 + 17 * (round as u64 % 20)));
            victim.kill().unwrap();
        }
        for (child, args) in children.into_iter().zip(commands) {
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(matches!(output.status.code(), None | Some(0 | 1)), "{args:?}: {said}");
        }
        wait_for("the end of all", || processes(&sandbox).is_empty());

        // The target went from landing to landing, and each of them knows of it.
        let went = sandbox.git(&["log", "-g", "--format=%H", "main"]);
        let mut at = sandbox.head("main");
        let landed: Vec<Value> = runs(&sandbox).into_iter().filter(|run| run["state"] == "landed").collect();
        for _ in &landed {
            let run = landed.iter().find(|run| run["tip"] == at.as_str()).unwrap_or_else(|| panic!("nobody landed {at}: {went}"));
            at = run["base"].as_str().unwrap().into();
        }
        assert_eq!(at, base, "{landed:?}");
        assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
        for plan in ["one", "two"] {
            sandbox.json(&["merge", plan, "--execute"], 0);
            assert!(runs(&sandbox).iter().all(|run| run["plan"] != plan || run["state"] != "running"), "all of {plan} are closed");
        }
        let files = sandbox.git(&["ls-tree", "--name-only", "main"]);
        assert!(["a", "b", "c", "d", "e", "f"].iter().all(|name| files.contains(&format!("{name}.txt"))), "{files}");
        assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
        assert_eq!(locks(&sandbox), Vec::<PathBuf>::new());
        sandbox.sound();
    });
}

#[test]
fn every_step_of_every_journal_meets_its_schema() {
    let sandbox = Sandbox::new();
    sandbox.config(
        "[[gate]]\nname = \"t\"\nartifacts = [\"made\"]\nrun = \"\"\"\necho made > made\ntouch $HOME/began\n\
         while test -e $HOME/hold; do sleep 0.02; done\ntest ! -e red.txt\n\"\"\"\n[[gate]]\nname = \"size\"\nplugin = \"builtin:diff-size\"\n",
    );
    sandbox.branch("a", "main", "a", &[("base.txt", "ONE\ntwo\nthree\n")]);
    sandbox.branch("b", "a", "b", &[("b.txt", "b\n")]);
    sandbox.branch("c", "main", "c", &[("base.txt", "uno\ntwo\nthree\n")]);
    sandbox.branch("red", "main", "red", &[("red.txt", "red\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    let home = sandbox.root.path().join("home");
    let held = |args: &[&str]| {
        let _ = std::fs::remove_file(home.join("began"));
        std::fs::write(home.join("hold"), "").unwrap();
        let child = spawn(sandbox.lex_command(&sandbox.repo, args));
        wait_for("the gate's start", || home.join("began").exists());
        child
    };
    let preview = sandbox.json(&["merge"], 1);
    let mut killed = held(&["merge", "--execute"]);
    killed.kill().unwrap();
    killed.wait().unwrap();
    let mut stopped = held(&["merge", "--execute"]);
    sandbox.command("kill", &sandbox.repo).args(["-TERM", &stopped.id().to_string()]).status().unwrap();
    stopped.wait().unwrap();
    let mut overtaken = held(&["merge", "--execute"]);
    sandbox.git(&["commit", "-q", "--allow-empty", "-m", "Somebody else"]);
    std::fs::remove_file(home.join("hold")).unwrap();
    overtaken.wait().unwrap();
    sandbox.json(&["execute"], 1);
    sandbox.json(&["merge", "--execute"], 1);
    sandbox.json(&["undo", "--execute"], 0);
    sandbox.json(&["merge", "--execute"], 1);
    sandbox.json(&["merge", "--execute"], 1);

    let validator = |document: &str| jsonschema::validator_for(&sandbox.lex(&["schema", document]).exits(0).json()).unwrap();
    let (of_runs, of_plans) = (validator("run"), validator("plan"));
    let meets = |validator: &jsonschema::Validator, document: &Value, what: &str| {
        let errors: Vec<String> = validator.iter_errors(document).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{what}: {errors:?}");
    };
    meets(&of_runs, &preview, "a preview");
    let mut seen = BTreeSet::new();
    for name in sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/lex-pr/runs"]).lines() {
        for step in sandbox.git(&["rev-list", name]).lines() {
            let document = |file: &str| -> Value { serde_json::from_str(&sandbox.git(&["show", &format!("{step}:{file}")])).unwrap() };
            let run = document("run.json");
            meets(&of_runs, &run, name);
            meets(&of_plans, &document("plan.json"), name);
            let said = sandbox.git(&["log", "-1", "--format=%(trailers:key=Lex-Pr-State,valueonly,separator=)", step]);
            assert_eq!(run["state"], said.as_str(), "{name}");
            seen.insert(format!("{} {said}", run["purpose"].as_str().unwrap()));
        }
    }
    let wanted = ["running", "done", "landed", "overtaken", "interrupted", "aborted", "undone"].map(|state| format!("land {state}"));
    let wanted = BTreeSet::from_iter(wanted.into_iter().chain(["prove running".into(), "prove done".into()]));
    assert_eq!(seen, wanted);
    sandbox.sound();
}
