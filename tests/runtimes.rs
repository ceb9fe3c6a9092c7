//! What commands run in, and what bounds them: the machine as it is, bubblewrap, containers; memory and processor time.

use crate::sandbox::{Sandbox, find};
use serde_json::Value;
use std::{
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
    process::Command,
};

/// One branch `a` and a plan of it, with `gates` in lex-pr.toml.
fn with_gates(gates: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(".gitignore", "/cache/\n");
    sandbox.config(gates);
    sandbox.branch("a", "main", "a", &[("a.txt", "a\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    sandbox
}

fn summary(run: &Value, item: &str, gate: &str) -> String {
    let gates = find(run, item)["gates"].as_array().unwrap();
    let gate = gates.iter().find(|g| g["gate"] == gate).unwrap_or_else(|| panic!("no gate {gate}: {run}"));
    let verdict = &gate["verdict"];
    format!("{}: {}", verdict["verdict"].as_str().unwrap(), verdict["summary"].as_str().unwrap())
}

fn stdout(sandbox: &Sandbox, run: &Value, gate: &str) -> String {
    sandbox.git(&["show", &format!("refs/lex-pr/runs/{}:items/a/{gate}/stdout", run["id"].as_str().unwrap())])
}

/// Whether bubblewrap works here; a machine may forbid the namespaces that it is made of.
fn bwrap_works() -> bool {
    let works = Command::new("bwrap").args(["--unshare-all", "--ro-bind", "/", "/", "true"]).output().is_ok_and(|o| o.status.success());
    if !works {
        eprintln!("skipped: bubblewrap is not here, or this machine forbids its namespaces");
    }
    works
}

/// A folder to be all of PATH, with these programs of the machine.
fn only(sandbox: &Sandbox, programs: &[&str]) -> PathBuf {
    let folder = sandbox.root.path().join("programs");
    std::fs::create_dir(&folder).unwrap();
    for program in programs {
        let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
        symlink(String::from_utf8(found.stdout).unwrap().trim(), folder.join(program)).unwrap();
    }
    folder
}

fn script(folder: &std::path::Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{text}")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_sandboxed_command_writes_to_its_work_tree_and_sees_neither_home_nor_repository() {
    if !bwrap_works() {
        return;
    }
    let sandbox = Sandbox::new();
    let repo = sandbox.repo.canonicalize().unwrap();
    let outside = format!("/tmp/lex-pr-sandbox-{}", std::process::id());
    let gate = format!(
        r#"
[[gate]]
name = "box"
sandbox = "bwrap"
run = '''
cat a.txt base.txt
git log --format=%s -1 $LEX_PR_HEAD
git status --porcelain
echo new > new.txt && echo wrote
(cat ~/.gitconfig) 2>/dev/null || echo no home
echo x > ~/mine && echo own home
(cat {repo}/.git/config) 2>/dev/null || echo no repository
(echo x > {repo}/.git/config) 2>/dev/null || true
(echo x > /etc/lex-pr-test) 2>/dev/null || echo no system
echo x > {outside} && echo own tmp
echo x > "$(mktemp)" && echo own TMPDIR
git config core.fsmonitor evil 2>/dev/null || echo no git configuration
mv .git other 2>/dev/null || echo git stays
readlink /proc/self/ns/net
ls -d /proc/[0-9]* | wc -l
kill -0 {pid} 2>/dev/null || echo no other processes
'''
"#,
        repo = repo.display(),
        pid = std::process::id(),
    );
    sandbox.config(&gate);
    sandbox.branch("a", "main", "a", &[("a.txt", "a\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    let before = sandbox.fingerprint();
    let config = sandbox.read(".git/config");
    let run = sandbox.json(&["execute"], 0);
    let said = stdout(&sandbox, &run, "box");
    let lines: Vec<_> = said.lines().collect();
    let expected = ["a", "one", "two", "three", "a", "wrote", "no home", "own home", "no repository", "no system", "own tmp", "own TMPDIR"];
    assert_eq!(lines[..12], expected, "{said}");
    assert_eq!(lines[12..14], ["no git configuration", "git stays"], "{said}");
    assert_ne!(lines[14], std::fs::read_link("/proc/self/ns/net").unwrap().to_str().unwrap(), "a network of its own");
    assert!(lines[15].parse::<u32>().unwrap() < 10, "{said}");
    assert_eq!(lines[16], "no other processes");
    assert!(!PathBuf::from(outside).exists() && !sandbox.root.path().join("home/mine").exists());
    assert_eq!(sandbox.read(".git/config"), config);
    assert_ne!(sandbox.fingerprint(), before, "the run is kept");
    sandbox.sound();
}

#[test]
fn a_sandbox_opens_what_is_granted_and_no_more() {
    if !bwrap_works() {
        return;
    }
    let sandbox = Sandbox::new();
    let repo = sandbox.repo.canonicalize().unwrap();
    let repo = repo.display();
    sandbox.config(&format!(
        r#"
[[gate]]
name = "box"
sandbox = "bwrap"
allow = ["read:~/tools", "write:~/store", "read:~/missing", "write:{repo}", "network"]
run = '''
cat ~/tools/tool
(echo x > ~/tools/new) 2>/dev/null || echo read-only
echo x > ~/store/new && echo stored
cat ~/.gitconfig 2>/dev/null || echo hidden
readlink /proc/self/ns/net
echo x > {repo}/written && cat {repo}/.git/HEAD 2>/dev/null || echo closed
'''
"#
    ));
    sandbox.branch("a", "main", "a", &[("a.txt", "a\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    let home = sandbox.root.path().join("home");
    for folder in ["tools", "store"] {
        std::fs::create_dir(home.join(folder)).unwrap();
    }
    std::fs::write(home.join("tools/tool"), "a tool\n").unwrap();
    let run = sandbox.json(&["execute"], 0);
    let said = stdout(&sandbox, &run, "box");
    let network = std::fs::read_link("/proc/self/ns/net").unwrap();
    assert_eq!(
        said.lines().collect::<Vec<_>>(),
        ["a tool", "read-only", "stored", "hidden", network.to_str().unwrap(), "closed"],
        "{said}"
    );
    assert!(home.join("store/new").exists() && !home.join("tools/new").exists());
    assert!(sandbox.repo.join("written").exists(), "a grant around the git folder opens all but that");
}

#[test]
fn a_verdict_in_a_sandbox_is_not_one_outside_of_it() {
    if !bwrap_works() {
        return;
    }
    let gate = "[[gate]]\nname = \"box\"\nrun = \"true\"\n";
    let sandbox = with_gates(gate);
    sandbox.json(&["execute"], 0);
    let reused = |run: &Value| find(run, "a")["gates"].as_array().unwrap().iter().find(|g| g["gate"] == "box").unwrap()["reused"].clone();
    assert_eq!(reused(&sandbox.json(&["execute"], 0)), true);
    // The config is a file of the tree, too: only what it names counts as input here.
    let with = |more: &str| format!("[[gate]]\nname = \"box\"\nrun = \"true\"\npaths = [\"a.txt\"]\n{more}");
    for more in ["", "sandbox = \"bwrap\"\n", "sandbox = \"bwrap\"\nallow = [\"network\"]\n"] {
        sandbox.config(&with(more));
        assert_eq!(reused(&sandbox.json(&["execute"], 0)), false, "{more}");
        assert_eq!(reused(&sandbox.json(&["execute"], 0)), true, "{more}");
    }
    sandbox.config(&with("sandbox = \"bwrap\"\nallow = [\"network\"]\nmemory-mb = 400\ncpu-time = \"1m\"\n"));
    assert_eq!(reused(&sandbox.json(&["execute"], 0)), true, "limits decide nothing");
    let shown = sandbox.lex(&["gate", "show", "box"]).exits(0).stdout;
    for line in ["runs in   bwrap", "granted   network", "limits    400 MiB, 1 min 0 s of processor time"] {
        assert!(shown.contains(line), "{line:?} in {shown}");
    }
}

#[test]
fn a_sandbox_that_cannot_be_made_says_nothing_of_the_candidate() {
    let sandbox = with_gates("[[gate]]\nname = \"box\"\nsandbox = \"bwrap\"\nrun = \"true\"\n");
    let programs = only(&sandbox, &["git", "sh"]);
    let asked = || -> Value {
        let output = sandbox.lex_command(&sandbox.repo, &["execute", "--json"]).env("PATH", &programs).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
    };
    assert_eq!(summary(&asked(), "a", "box"), "error: could not make the sandbox: `bwrap` is not here; install bubblewrap");
    script(&programs, "bwrap", "echo 'bwrap: No permissions to create new namespace' >&2\nexit 1\n");
    let expected = "error: could not make the sandbox: bwrap: No permissions to create new namespace";
    assert_eq!(summary(&asked(), "a", "box"), expected);
    sandbox.sound();
}

#[test]
fn a_command_over_its_memory_is_ended_with_all_that_it_started() {
    let sleep = format!("sleep 20.{}", std::process::id());
    let gate = |name: &str, more: &str, bytes: u32| {
        format!("[[gate]]\nname = \"{name}\"\nmemory-mb = 100\n{more}run = \"head -c {bytes} /dev/zero | tail -c {bytes} | {sleep}\"\n")
    };
    let mut gates = gate("small", "", 20_000_000).replace(&sleep, "wc -c") + &gate("big", "", 250_000_000);
    let boxed = bwrap_works();
    if boxed {
        gates.push_str(&gate("boxed", "sandbox = \"bwrap\"\n", 250_000_000));
    }
    let sandbox = with_gates(&gates);
    let run = sandbox.json(&["execute"], 1);
    assert_eq!(summary(&run, "a", "small"), "pass: exit status 0");
    assert_eq!(summary(&run, "a", "big"), "error: over its memory limit of 100 MB");
    if boxed {
        assert_eq!(summary(&run, "a", "boxed"), "error: over its memory limit of 100 MB");
    }
    let processes = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|p| std::fs::read(p.path().join("cmdline")).ok());
    let left = processes.filter(|line| String::from_utf8_lossy(line).replace('\0', " ").trim() == sleep).count();
    assert_eq!(left, 0, "what the gates started");
    sandbox.sound();
}

#[test]
fn memory_that_forks_share_is_counted_once() {
    // 60 MB that five processes see and none of them writes to.
    let python = "import os,time\nx=b'x'*60_000_000\nfor _ in range(4):\n  if os.fork()==0:\n    time.sleep(0.5)\n    os._exit(0)\ntime.sleep(0.6)\n";
    if !Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: there is no python3");
        return;
    }
    let sandbox = with_gates(&format!("[[gate]]\nname = \"forks\"\nmemory-mb = 120\nrun = '''python3 -c \"{python}\"'''\n"));
    assert_eq!(summary(&sandbox.json(&["execute"], 0), "a", "forks"), "pass: exit status 0");
}

#[test]
fn a_command_over_its_processor_time_is_ended() {
    let sandbox = with_gates(
        "[[gate]]\nname = \"one\"\ncpu-time = \"300ms\"\nrun = \"while :; do :; done\"\n\
         [[gate]]\nname = \"many\"\ncpu-time = \"300ms\"\nrun = \"for i in 1 2 3; do (i=0; while [ $i -lt 100000000 ]; do i=$((i+1)); done) & done; wait\"\n\
         [[gate]]\nname = \"idle\"\ncpu-time = \"300ms\"\nrun = \"sleep 0.6\"\n",
    );
    let run = sandbox.json(&["execute"], 1);
    assert_eq!(summary(&run, "a", "one"), "error: over its limit of 300 ms of processor time");
    assert_eq!(summary(&run, "a", "many"), "error: over its limit of 300 ms of processor time");
    assert_eq!(summary(&run, "a", "idle"), "pass: exit status 0");
    sandbox.sound();
}

/// Podman as a script: it writes down how it is called, and runs what the container would, on this machine.
const PODMAN: &str = r#"
for word; do printf '%s\n' "$word"; done >> "$CALLS"
echo . >> "$CALLS"
case $1 in
version) exit 0 ;;
inspect) cat "$CALLS.oom" 2>/dev/null || echo false; exit 0 ;;
rm) exit 0 ;;
esac
shift
while [ $# -gt 0 ]; do
    case $1 in
    --env) case $2 in *=*) export "$2" ;; esac; shift 2 ;;
    --workdir) cd "$2"; shift 2 ;;
    --entrypoint) entry=$2; shift 2 ;;
    --*) shift 2 ;;
    *) break ;;
    esac
done
image=$1
shift
[ "$image" = nowhere ] && { echo "Error: no such image" >&2; exit 125; }
exec "$entry" "$@"
"#;

#[test]
fn a_container_gets_the_work_tree_and_what_is_granted() {
    let sandbox = with_gates(
        r#"
[[gate]]
name = "c"
runtime = "container"
container = { image = "registry/image:1", mounts = [{ source = "seen", target = "/seen" }, { source = "a,vol", target = "/v", type = "volume" }] }
env = { OWN = "a=b, c" }
allow = ["env:GRANTED_*"]
memory-mb = 512
timeout = "1m"
cwd = "."
run = "cat a.txt; echo $OWN; echo $LEX_PR_ITEM; touch made"
[[gate]]
name = "net"
runtime = "container"
container = { image = "image", entrypoint = ["bash", "-e", "-c"] }
allow = ["network"]
run = "true"
[[gate]]
name = "none"
runtime = "container"
container = { image = "nowhere" }
run = "true"
"#,
    );
    let programs = sandbox.root.path().join("podman");
    std::fs::create_dir(&programs).unwrap();
    script(&programs, "podman", PODMAN);
    let calls = sandbox.root.path().join("calls");
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let asked = || -> Value {
        let mut command = sandbox.lex_command(&sandbox.repo, &["execute", "--json", "--max-workers", "1"]);
        command.env("PATH", &path).env("CALLS", &calls).env("GRANTED_1", "secret").env("OTHER", "hush");
        serde_json::from_slice(&command.output().unwrap().stdout).unwrap()
    };
    let run = asked();
    assert_eq!(summary(&run, "a", "c"), "pass: exit status 0");
    assert_eq!(stdout(&sandbox, &run, "c"), "a\na=b, c\na");
    assert_eq!(summary(&run, "a", "none"), "error: podman could not start the container: Error: no such image");

    let said = std::fs::read_to_string(&calls).unwrap();
    let calls_of: Vec<Vec<&str>> = said.split("\n.\n").map(|call| call.lines().collect()).collect();
    let runs: Vec<_> = calls_of.iter().filter(|call| call.first() == Some(&"run")).collect();
    let (first, second) = (runs[0], runs[1]);
    let values = |call: &[&str], option: &str| -> Vec<String> {
        call.windows(2).filter(|pair| pair[0] == option).map(|pair| pair[1].to_string()).collect()
    };
    let name = &values(first, "--name")[0];
    assert!(name.starts_with("git-lex-pr-"), "{first:?}");
    assert!(calls_of.iter().any(|call| call[..] == ["rm", "--force", "--volumes", name]), "it is removed: {said}");
    let tree = values(first, "--workdir")[0].trim_end_matches("/.").to_string();
    let objects = sandbox.repo.canonicalize().unwrap().join(".git/objects");
    assert_eq!(
        values(first, "--mount"),
        [
            format!("type=bind,source={tree},target={tree}"),
            format!("type=bind,source={tree}/.git,target={tree}/.git,readonly"),
            format!("type=bind,source={0},target={0},readonly", objects.display()),
            format!("type=bind,source={tree}/seen,target=/seen"),
            "type=volume,\"source=a,vol\",target=/v".into(),
        ]
    );
    assert_eq!((values(first, "--network"), values(second, "--network")), (vec!["none".to_string()], vec![]));
    assert_eq!((values(first, "--memory"), values(first, "--memory-swap")), (vec!["512m".to_string()], vec!["512m".to_string()]));
    let env = values(first, "--env");
    assert!(env.contains(&"OWN=a=b, c".into()) && env.contains(&"GRANTED_1".into()) && env.contains(&"LEX_PR_ITEM=a".into()), "{env:?}");
    assert!(!said.contains("secret") && !env.iter().any(|name| ["HOME", "PATH", "OTHER"].contains(&name.as_str())), "{env:?}");
    assert_eq!(first[first.len() - 5..first.len() - 1], ["--entrypoint", "sh", "registry/image:1", "-c"]);
    assert_eq!(second[second.len() - 6..], ["--entrypoint", "bash", "image", "-e", "-c", "true"]);

    // A container whose command fails after the kernel has ended a process of it.
    sandbox.config("[[gate]]\nname = \"c\"\nruntime = \"container\"\ncontainer = { image = \"i\" }\nmemory-mb = 64\nrun = \"exit 2\"\n");
    std::fs::write(format!("{}.oom", calls.display()), "true\n").unwrap();
    assert_eq!(summary(&asked(), "a", "c"), "error: over its memory limit of 64 MB");
    std::fs::remove_file(format!("{}.oom", calls.display())).unwrap();
    assert_eq!(summary(&asked(), "a", "c"), "fail: exit status 2");
}

#[test]
fn without_a_container_engine_each_one_says_why() {
    let sandbox = with_gates("[[gate]]\nname = \"c\"\nrun = \"true\"\nruntime = \"container\"\ncontainer = { image = \"x\" }\n");
    let programs = only(&sandbox, &["git", "sh"]);
    let asked = || -> Value {
        let output = sandbox.lex_command(&sandbox.repo, &["execute", "--json"]).env("PATH", &programs).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
    };
    assert_eq!(summary(&asked(), "a", "c"), "error: no container engine answers: podman is not here; docker is not here");
    script(&programs, "docker", "echo 'Cannot connect to the Docker daemon' >&2\nexit 1\n");
    let expected = "error: no container engine answers: podman is not here; docker: Cannot connect to the Docker daemon";
    assert_eq!(summary(&asked(), "a", "c"), expected);
    sandbox.sound();
}

#[test]
fn a_runtime_that_cannot_be_is_refused_before_anything_runs() {
    let sandbox = with_gates("");
    let container = "runtime = \"container\"\ncontainer = { image = \"x\" }\n";
    for (gate, words) in [
        ("sandbox = \"bubblewrap\"\nrun = \"true\"\n".to_string(), "known values: none, bwrap"),
        ("sandbox = \"bwrap\"\nplugin = \"builtin:diff-size\"\n".into(), "gate `g` is a plugin and has `sandbox`"),
        ("cpu-time = \"1m\"\nplugin = \"builtin:diff-size\"\n".into(), "gate `g` is a plugin and has `cpu-time`"),
        (format!("sandbox = \"bwrap\"\nrun = \"true\"\n{container}"), "gate `g` does not run on this machine itself and has `sandbox`"),
        (format!("cpu-time = \"1m\"\nrun = \"true\"\n{container}"), "`timeout` bounds every gate"),
        ("allow = [\"network\"]\nrun = \"true\"\n".into(), "it has that without a sandbox: add `sandbox = \"bwrap\"`"),
        ("allow = [\"read:~/x\"]\nrun = \"true\"\n".into(), "it has that without a sandbox"),
        ("allow = [\"read:x\"]\nsandbox = \"bwrap\"\nrun = \"true\"\n".into(), "a path begins with `/` or `~/`"),
        ("allow = [\"write:/a/../b\"]\nsandbox = \"bwrap\"\nrun = \"true\"\n".into(), "asks for `write:/a/../b`"),
        ("allow = [\"clock\"]\nsandbox = \"bwrap\"\nrun = \"true\"\n".into(), "asks for `clock`"),
        (format!("allow = [\"read:/x\"]\nrun = \"true\"\n{container}"), "name the folder in `mounts`"),
        ("memory-mb = 0\nrun = \"true\"\n".into(), "`memory-mb` is at least 1"),
        ("runtime = \"container\"\nrun = \"true\"\n".into(), "add `container = { image = \"...\" }`"),
        (
            "runtime = \"container\"\nrun = \"true\"\ncontainer = { image = \"--privileged\" }\n".into(),
            "has the image `--privileged`, which is none",
        ),
        (
            "runtime = \"container\"\nrun = \"true\"\ncontainer = { image = \"x\", mounts = [{ source = \"/a\", target = \"b\" }] }\n"
                .into(),
            "`target` begins with `/`",
        ),
    ] {
        sandbox.config(&format!("[[gate]]\nname = \"g\"\n{gate}"));
        let said = sandbox.lex(&["execute"]).exits(2).stderr;
        assert!(said.contains(words), "{gate}: {said}");
    }
}

#[test]
fn a_sandbox_works_for_a_repository_at_home_and_for_one_that_borrows_objects() {
    if !bwrap_works() {
        return;
    }
    let sandbox = with_gates(
        "[[gate]]\nname = \"box\"\nsandbox = \"bwrap\"\nrun = '''ls -A ~ | wc -l; git log --format=%s $LEX_PR_TARGET; git diff --name-only $LEX_PR_BASE $LEX_PR_CANDIDATE'''\n",
    );
    // All is below home here: the repository, the one that it borrows from, and the temporary folder.
    let borrower = sandbox.root.path().join("borrower");
    sandbox.git_in(sandbox.root.path(), &["clone", "-q", "--shared", sandbox.repo.to_str().unwrap(), "borrower"]);
    sandbox.git_in(&borrower, &["checkout", "-q", "-b", "a", "origin/a"]);
    sandbox.git_in(&borrower, &["checkout", "-q", "main"]);
    let linked = sandbox.root.path().join("linked");
    sandbox.git(&["worktree", "add", "-q", "--detach", linked.to_str().unwrap()]);
    for folder in [&sandbox.repo, &borrower, &linked] {
        let git = |name: &str| (format!("GIT_{name}_NAME"), format!("GIT_{name}_EMAIL"));
        let mut command = sandbox.lex_command(folder, &["plan", "create", "--name", "p", "--force", "a", "--target", "main"]);
        let with_identity = |command: &mut Command| {
            command.env("HOME", sandbox.root.path());
            for (name, mail) in ["AUTHOR", "COMMITTER"].map(git) {
                command.env(name, "Tess").env(mail, "tess@example.com");
            }
        };
        with_identity(&mut command);
        assert!(command.status().unwrap().success());
        let mut command = sandbox.lex_command(folder, &["execute", "p", "--json", "--fresh"]);
        with_identity(&mut command);
        let output = command.output().unwrap();
        let run: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"));
        assert_eq!(summary(&run, "a", "box"), "pass: exit status 0", "{}", folder.display());
        let said = sandbox.git_in(folder, &["show", &format!("refs/lex-pr/runs/{}:items/a/box/stdout", run["id"].as_str().unwrap())]);
        // Of home only what leads to the work tree and to the objects.
        assert_eq!(said.lines().skip(1).collect::<Vec<_>>(), ["Configure lex-pr", "Base", "a.txt"], "{said}");
        let left: u32 = said.lines().next().unwrap().trim().parse().unwrap();
        assert!((2..=3).contains(&left), "{said}");
    }
    sandbox.sound();
}
