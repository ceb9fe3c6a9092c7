//! The weave against git, as ratios in one run: `cargo bench --bench weave [-- REPOSITORY FROM..TO]`.
//!
//! Without arguments: a synthetic fan of branches on 5,000 files. With them, also the merges of a real history, as a chain
//! and as pairs.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use lex_pr::{
    config::WeaveTable,
    model::{
        forecast::By,
        plan::{Item, Plan, Strategy},
    },
    repo::Repo,
    run::{ReplayRequest, forecast, replay},
    weave::{Ladder, Strand, Weaver, Woven},
};
use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const FILES: usize = 5_000;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    println!("| work | ours | git | ratio |\n| --- | ---: | ---: | ---: |");
    // One or the other: what a row leaves in memory is none of the next one's.
    match &args[..] {
        [repository, range] => history(Path::new(repository), range),
        _ => fan(),
    }
}

fn row(work: &str, ours: Duration, git: Duration) {
    println!("| {work} | {:.3} s | {:.3} s | {:.1}x |", ours.as_secs_f64(), git.as_secs_f64(), git.as_secs_f64() / ours.as_secs_f64());
}

fn git(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("git").args(args).current_dir(dir).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_string()
}

/// `count` branches off one base of 5,000 files, each changing four files and adding one.
fn make_fan(dir: &Path, count: usize) {
    git(dir, &["init", "-q", "-b", "main", "."]);
    for (name, value) in [("user.name", "Bench"), ("user.email", "bench@example.com"), ("gc.auto", "0")] {
        git(dir, &["config", name, value]);
    }
    let text = |file: usize, change: &str| {
        (0..40).map(|line| format!("file {file} line {line}{}\n", if line == 20 { change } else { "" })).collect::<String>()
    };
    let mut script = String::from("commit refs/heads/main\nmark :1\ncommitter B <b@e.x> 1000000000 +0000\ndata 4\nbase\n");
    let put = |script: &mut String, file: usize, content: &str| {
        script.push_str(&format!("M 100644 inline d{}/s{}/f{file}\ndata {}\n{content}\n", file % 50, file % 7, content.len()));
    };
    for file in 0..FILES {
        put(&mut script, file, &text(file, ""));
    }
    for branch in 0..count {
        script.push_str(&format!("commit refs/heads/b/{branch:04}\ncommitter B <b@e.x> 1000000001 +0000\ndata 6\nchange\nfrom :1\n"));
        for n in 0..4 {
            let file = (branch * 4 + n) % FILES;
            put(&mut script, file, &text(file, " changed"));
        }
        put(&mut script, FILES + branch, "new\n");
    }
    let mut import = Command::new("git").args(["fast-import", "--quiet"]).current_dir(dir).stdin(Stdio::piped()).spawn().unwrap();
    import.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
}

fn weave_fan(dir: &Path, count: usize) -> Duration {
    let repo = Repo::open(dir).unwrap();
    let mut tip = repo.ref_commit("refs/heads/main").unwrap().unwrap();
    let tree = repo.git.find_commit(tip).unwrap().tree_id().unwrap().detach();
    let heads: Vec<_> = (0..count).map(|n| repo.ref_commit(&format!("refs/heads/b/{n:04}")).unwrap().unwrap()).collect();
    let started = Instant::now();
    let mut weaver = Weaver::new(&repo, "main", tree, Ladder::none());
    for head in heads {
        let strand = Strand { name: "item", branch: "branch", head, strategy: Strategy::Merge };
        let Woven::Clean { commit, .. } = weaver.weave(tip, &strand).unwrap() else { panic!("a clean fan") };
        weaver.accept(&strand, &[]);
        tip = commit;
    }
    started.elapsed()
}

/// Every pair of the fan, on all processors, against one git process; `XDG_CACHE_HOME` names nothing, so that nothing is remembered.
fn forecast_fan(dir: &Path) {
    let heads = git(dir, &["for-each-ref", "--format=%(objectname)", "refs/heads/b/"]);
    let heads: Vec<&str> = heads.lines().collect();
    let mut plan = Plan::new("main");
    for (n, head) in heads.iter().enumerate() {
        plan.items.push(Item { head: Some((*head).into()), ..Item::new(format!("b/{n:04}")) });
    }
    let repo = Repo::open(dir).unwrap();
    let started = Instant::now();
    let foretold = forecast(&repo, &plan, By::Count).unwrap();
    let ours = started.elapsed();
    let pairs: String =
        heads.iter().enumerate().flat_map(|(at, one)| heads[at + 1..].iter().map(move |other| format!("{one} {other}\n"))).collect();
    let started = Instant::now();
    let mut all = Command::new("git")
        .args(["merge-tree", "--write-tree", "--stdin"])
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    all.stdin.take().unwrap().write_all(pairs.as_bytes()).unwrap();
    assert!(all.wait().unwrap().success() && foretold.clashes.is_empty());
    row(
        &format!("forecast of {} branches, {} pairs, one `merge-tree --stdin`", heads.len(), pairs.lines().count()),
        ours,
        started.elapsed(),
    );
}

fn fan() {
    let small = tempfile::tempdir().unwrap();
    make_fan(small.path(), 200);
    let ours = weave_fan(small.path(), 200);

    let started = Instant::now();
    let mut tip = git(small.path(), &["rev-parse", "main"]);
    for n in 0..200 {
        let branch = format!("b/{n:04}");
        let tree = git(small.path(), &["merge-tree", "--write-tree", &tip, &branch]);
        tip = git(small.path(), &["commit-tree", "-p", &tip, "-p", &branch, "-m", "merge", &tree]);
    }
    row("fan of 200, a `merge-tree` and a `commit-tree` process per merge", ours, started.elapsed());

    forecast_fan(small.path());
    git(small.path(), &["reset", "-q", "--hard"]);
    let started = Instant::now();
    for n in 0..200 {
        git(small.path(), &["merge", "-q", "--no-ff", "--no-edit", &format!("b/{n:04}")]);
    }
    row("fan of 200, merges in a work tree", ours, started.elapsed());

    let large = tempfile::tempdir().unwrap();
    make_fan(large.path(), 2_000);
    let long = weave_fan(large.path(), 2_000);
    let each = |time: Duration, n: u32| time.as_secs_f64() * 1e6 / f64::from(n);
    println!(
        "\nchain of 2,000: {:.0} us an item; of 200: {:.0} us an item; {:.2}x\n",
        each(long, 2_000),
        each(ours, 200),
        each(long, 2_000) / each(ours, 200)
    );
}

fn history(dir: &Path, range: &str) {
    let repo = Repo::open(dir).unwrap();
    let (from, to) = range.split_once("..").unwrap();
    let commit = |name: &str| repo.git.rev_parse_single(name).unwrap().object().unwrap().peel_to_commit().unwrap().id;
    let weave = WeaveTable::default();
    let request =
        |pairs| ReplayRequest { from: commit(from), to: commit(to), pairs, with_commits: false, against_git: false, weave: &weave };
    println!("| {} {range} | ours | git | ratio |\n| --- | ---: | ---: | ---: |", dir.display());

    let timed = |pairs| {
        let started = Instant::now();
        let merges = replay(&repo, &request(pairs), &mut |_, _| {}).unwrap().merges;
        (merges.len(), started.elapsed())
    };
    let (pairs, chain) = (timed(true), timed(false));
    let heads = git(dir, &["log", "--first-parent", "--merges", "--reverse", "--format=%P", range]);
    let heads: Vec<Vec<&str>> = heads.lines().map(|l| l.split(' ').collect()).collect();
    // Objects that git writes for the comparison stay out of the repository.
    let room = tempfile::tempdir().unwrap();
    let quiet = |args: &[&str]| {
        let mut command = Command::new("git");
        command.args(args).current_dir(dir).stdin(Stdio::null()).env("GIT_OBJECT_DIRECTORY", room.path());
        command.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", std::fs::canonicalize(repo.git.objects.store_ref().path()).unwrap());
        command.output().unwrap()
    };
    let started = Instant::now();
    let mut tip = commit(from).to_string();
    for head in heads.iter().filter(|parents| parents.len() == 2).map(|parents| parents[1]) {
        let merged = quiet(&["merge-tree", "--write-tree", "--name-only", "--no-messages", &tip, head]);
        if merged.status.success() {
            let tree = String::from_utf8_lossy(&merged.stdout).trim().to_string();
            tip = String::from_utf8_lossy(&quiet(&["commit-tree", "-p", &tip, "-p", head, "-m", "merge", &tree]).stdout).trim().to_string();
        }
    }
    row(&format!("chain of {} merges, two processes per merge", chain.0), chain.1, started.elapsed());

    let lines: String = heads.iter().filter(|p| p.len() == 2).map(|p| format!("{} {}\n", p[0], p[1])).collect();
    let started = Instant::now();
    let mut all = Command::new("git")
        .args(["merge-tree", "--write-tree", "--stdin"])
        .current_dir(dir)
        .env("GIT_OBJECT_DIRECTORY", room.path())
        .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", std::fs::canonicalize(repo.git.objects.store_ref().path()).unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    all.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    assert!(all.wait().unwrap().success());
    row(&format!("{} pairs, one `merge-tree --stdin`", pairs.0), pairs.1, started.elapsed());
}
