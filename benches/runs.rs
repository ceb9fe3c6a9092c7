//! Runs as their user starts them, the built binary on repositories of its own: `cargo bench --bench runs`.
//!
//! The figures of lex-pr-runner, the TypeScript tool that this one succeeds, are those that its documentation gives for as many items; in our own
//! runs of it most of them did not land (docs/performance.md).

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Items, and the milliseconds that the original's documentation gives for them.
const ORIGINAL: [(usize, u64); 4] = [(10, 150), (50, 800), (100, 2_500), (200, 6_000)];

const FILES: usize = 1_000;

fn main() {
    // Kept to the end: for five seconds after files are deleted, ext4 looks for other places for new ones (recently_deleted in its
    // ialloc.c), which took a third of a run.
    let rooms = tempfile::tempdir().unwrap();
    let fan = |count, gate| fan(rooms.path(), count, gate);
    println!(
        "| items, an in-process gate, landed | ours | again, nothing to land | again from the start, all verdicts known | the original's table | ratio |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: |");
    for (count, original) in ORIGINAL {
        let once = || {
            let place = fan(count, "plugin = \"builtin:diff-size\"");
            (land(&place, count, true), place)
        };
        let (first, place) = (0..3).map(|_| once()).min_by_key(|(took, _)| *took).unwrap();
        let (idle, _) = time(&place, &["merge", "all", "--execute"]);
        git(&place.repo, &["update-ref", "refs/heads/main", "refs/tags/start"]);
        let (known, _) = time(&place, &["execute", "all"]);
        let original = Duration::from_millis(original);
        println!(
            "| {count} | {:.0} ms | {:.0} ms | {:.0} ms | {:.0} ms | {:.0}x |",
            ms(first),
            ms(idle),
            ms(known),
            ms(original),
            ms(original) / ms(first)
        );
    }

    println!("\nwhat an execution of a gate costs, 200 items, everything else taken off:");
    let bare = best(|| land(&fan(200, ""), 200, false));
    let plugin = best(|| land(&fan(200, "plugin = \"builtin:binaries\""), 200, false));
    println!("  in the process: {:.0} µs a gate, judging included", 1000.0 * (ms(plugin) - ms(bare)) / 200.0);
    let command = best(|| land(&fan(200, "run = \"true\""), 200, false));
    let shell = best(|| {
        let started = Instant::now();
        (0..200).for_each(|_| assert!(Command::new("sh").args(["-c", "true"]).status().unwrap().success()));
        started.elapsed()
    });
    println!(
        "  a command: {:.2} ms a gate above the {:.2} ms of `sh -c true`",
        (ms(command) - ms(bare) - ms(shell)) / 200.0,
        ms(shell) / 200.0
    );

    println!(
        "\nmemory of a run of 200 items that lands: {} MB at most",
        peak(&fan(200, "plugin = \"builtin:diff-size\""), &["merge", "all", "--execute"])
    );

    let place = large(rooms.path(), 10_000);
    let plan = place.repo.join("plan.json");
    let plan = plan.to_str().unwrap();
    for args in [&["plan", "validate", plan][..], &["order", plan], &["simulate", plan], &["plan", "import", plan, "--name", "large"]] {
        let started = Instant::now();
        let peak = peak(&place, args);
        println!(
            "10,000 items, {}: {:.2} s, {peak} MB at most",
            args[..args.len().min(2)].join(" ").replace(plan, "plan.json"),
            started.elapsed().as_secs_f64()
        );
    }
}

struct Place {
    repo: PathBuf,
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn best(mut work: impl FnMut() -> Duration) -> Duration {
    (0..3).map(|_| work()).min().unwrap()
}

fn git(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("git").args(args).current_dir(dir).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_string()
}

fn lex(place: &Place, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_git-lex-pr"));
    command.args(args).current_dir(&place.repo).stdin(Stdio::null());
    command
}

fn time(place: &Place, args: &[&str]) -> (Duration, String) {
    let started = Instant::now();
    let output = lex(place, args).output().unwrap();
    let took = started.elapsed();
    assert!(output.status.code() < Some(2), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    (took, String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Land all items, or only prove them, and look whether they did.
fn land(place: &Place, count: usize, land: bool) -> Duration {
    let args: &[&str] = if land { &["merge", "all", "--execute"] } else { &["execute", "all", "--max-workers", "1"] };
    let (took, said) = time(place, args);
    let words = if land { format!("landed {count} of {count}") } else { format!("{count} of {count} hold") };
    assert!(said.contains(&words), "{said}");
    took
}

/// The most memory that the program itself had, in MB.
fn peak(place: &Place, args: &[&str]) -> u64 {
    let mut child = lex(place, args).stdout(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let now = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(now.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(1));
    }
    peak / 1024
}

fn empty(rooms: &Path) -> Place {
    let repo = tempfile::tempdir_in(rooms).unwrap().keep();
    git(&repo, &["init", "-q", "-b", "main", "."]);
    for (name, value) in [("user.name", "Bench"), ("user.email", "bench@example.com"), ("gc.auto", "0")] {
        git(&repo, &["config", name, value]);
    }
    Place { repo }
}

fn import(repo: &Path, script: &str) {
    let mut import = Command::new("git").args(["fast-import", "--quiet"]).current_dir(repo).stdin(Stdio::piped()).spawn().unwrap();
    import.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
}

/// A plan `all` of `count` branches that change two files each and add one, with a gate of these lines or none.
fn fan(rooms: &Path, count: usize, gate: &str) -> Place {
    let place = empty(rooms);
    let text = |file: usize, change: &str| {
        (0..40).map(|line| format!("file {file} line {line}{}\n", if line == 20 { change } else { "" })).collect::<String>()
    };
    let config = if gate.is_empty() { "version = 1\n".to_string() } else { format!("version = 1\n[[gate]]\nname = \"g\"\n{gate}\n") };
    let mut script = String::from("commit refs/heads/main\nmark :1\ncommitter B <b@e.x> 1000000000 +0000\ndata 4\nbase\n");
    let put = |script: &mut String, path: &str, content: &str| {
        script.push_str(&format!("M 100644 inline {path}\ndata {}\n{content}\n", content.len()));
    };
    put(&mut script, "lex-pr.toml", &config);
    for file in 0..FILES {
        put(&mut script, &format!("d{}/f{file}", file % 20), &text(file, ""));
    }
    for branch in 0..count {
        script.push_str(&format!("commit refs/heads/b/{branch:04}\ncommitter B <b@e.x> 1000000001 +0000\ndata 6\nchange\nfrom :1\n"));
        for file in [branch * 2 % FILES, (branch * 2 + 1) % FILES] {
            put(&mut script, &format!("d{}/f{file}", file % 20), &text(file, " changed"));
        }
        put(&mut script, &format!("new/{branch}"), "new\n");
    }
    import(&place.repo, &script);
    git(&place.repo, &["reset", "-q", "--hard"]);
    git(&place.repo, &["tag", "start"]);
    // The target is checked out nowhere, as on the machine that a queue runs on.
    git(&place.repo, &["checkout", "-q", "--detach"]);
    time(&place, &["plan", "create", "--name", "all", "--target", "main"]);
    place
}

/// A plan file of `count` items of a thousand branches' commits, every tenth on top of the one before.
fn large(rooms: &Path, count: usize) -> Place {
    let place = empty(rooms);
    let mut script =
        String::from("commit refs/heads/main\nmark :1\ncommitter B <b@e.x> 1000000000 +0000\ndata 4\nbase\nM 100644 inline f\ndata 1\nx\n");
    for branch in 0..count {
        let content = format!("{branch}");
        script.push_str(&format!(
            "commit refs/heads/b/{branch:05}\ncommitter B <b@e.x> 1000000001 +0000\ndata 6\nchange\nfrom :1\nM 100644 inline d{}/{branch}\ndata {}\n{content}\n",
            branch % 100,
            content.len()
        ));
    }
    import(&place.repo, &script);
    git(&place.repo, &["pack-refs", "--all"]);
    let items: Vec<String> = (0..count)
        .map(|at| {
            let deps = if at % 10 == 9 { format!("\"b/{:05}\"", at - 1) } else { String::new() };
            format!("{{\"name\":\"b/{at:05}\",\"branch\":\"b/{at:05}\",\"deps\":[{deps}]}}")
        })
        .collect();
    std::fs::write(
        place.repo.join("plan.json"),
        format!("{{\"schemaVersion\":\"2.0.0\",\"target\":\"main\",\"items\":[{}]}}", items.join(",")),
    )
    .unwrap();
    place
}
