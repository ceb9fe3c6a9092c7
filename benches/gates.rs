//! What gates in the process cost, and what the same check costs as a command: `cargo bench --bench gates`.
//!
//! It makes a repository of 1,000 candidates of 20 changed files each and prints times per call and ratios of one run.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use gix::ObjectId;
use lex_pr::{
    gate::{Engines, Plugin, Shelf, Stop, Subject, View},
    model::{gate::GateSpec, verdict::Answer},
    repo::{GateTree, Repo},
};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const CANDIDATES: usize = 1_000;
const FILES: usize = 20;
const LINES: usize = 200;
const THREADS: usize = 2;

/// Ten of the gates that ship, as a policy would have them.
const GATES: [&str; 10] = [
    "conflict-markers",
    "diff-size",
    "commit-message",
    "trailers",
    "forbidden-paths",
    "secrets",
    "large-files",
    "binaries",
    "todo-budget",
    "line-endings",
];

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let subjects = make(dir.path());
    let repo = Repo::open(dir.path()).unwrap();
    let stop = never();

    println!("built-in gates on a diff of {FILES} files, VM warm, per call:");
    for name in GATES {
        let per_call = warm(&repo, &spec(&format!("builtin:{name}")), &subjects, &stop);
        println!("  {name:18} {:>8.0} µs", per_call.as_secs_f64() * 1e6);
    }
    let component = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/examples/c-size");
    let gate = GateSpec { plugin: Some("gate.wasm".into()), paths: vec!["src/0.txt".into()], ..spec("") };
    let mut plugin = Plugin::load(&gate, &Shelf::Folder(&component), &Engines::default(), &stop).unwrap();
    let mut view = View::new(repo.in_memory());
    let mut calls = 0;
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(1) {
        view.turn_to(subjects[0].clone());
        view.turn_for(&gate, plugin.config().clone(), BTreeMap::new());
        view = plugin.judge(view, None, &stop).0;
        calls += 1;
    }
    println!(
        "a WASM gate in C on one changed file, instantiated and called: {:.0} µs",
        started.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
    );

    let specs: Vec<GateSpec> = GATES.iter().map(|name| spec(&format!("builtin:{name}"))).collect();
    let (mut reading, mut judging) = (Duration::MAX, Duration::MAX);
    // One after the other, so that what else the machine does comes over both.
    for _ in 0..3 {
        let read = on_threads(dir.path(), &subjects, &[], |mut view, _| {
            let paths: Vec<String> = view.changes().unwrap().iter().map(|change| change.path.to_string()).collect();
            for path in paths {
                view.diff(&path).unwrap();
            }
            view
        });
        let judged = on_threads(dir.path(), &subjects, &specs, |view, plugins| {
            plugins.iter_mut().fold(view, |mut view, plugin| {
                view.turn_for(plugin.gate(), plugin.config().clone(), BTreeMap::new());
                let (view, judged) = plugin.judge(view, None, &never());
                assert_ne!(judged.said.answer, Answer::Error, "{}", judged.said.summary);
                view
            })
        });
        (reading, judging) = (reading.min(read), judging.min(judged));
    }
    println!(
        "{CANDIDATES} candidates by {} gates on {THREADS} threads: {:.2} s, reading their diffs once: {:.2} s, ratio {:.2}",
        GATES.len(),
        judging.as_secs_f64(),
        reading.as_secs_f64(),
        judging.as_secs_f64() / reading.as_secs_f64()
    );
    let one = warm(&repo, &spec("builtin:diff-size"), &subjects, &stop);
    let shell = by_shell(dir.path(), &subjects[..50]);
    println!(
        "diff-size in the process {:.0} µs, as a command per candidate {:.1} ms, ratio {:.0}",
        one.as_secs_f64() * 1e6,
        shell.as_secs_f64() * 1e3,
        shell.as_secs_f64() / one.as_secs_f64()
    );
}

/// Nobody stops a benchmark.
fn never() -> Stop {
    tokio::sync::watch::channel(false).1
}

fn spec(plugin: &str) -> GateSpec {
    let mut gate = GateSpec::command("bench", String::new(), None, &[]);
    (gate.run, gate.plugin) = (None, Some(plugin.into()));
    gate
}

/// The time of a call, after the first, on diffs that are read already.
fn warm(repo: &Repo, gate: &GateSpec, subjects: &[Subject], stop: &Stop) -> Duration {
    let mut plugin = Plugin::load(gate, &Shelf::Folder(Path::new(".")), &Engines::default(), stop).unwrap();
    let mut view = View::new(repo.in_memory());
    view.turn_to(subjects[0].clone());
    view.turn_for(gate, plugin.config().clone(), BTreeMap::new());
    view = plugin.judge(view, None, stop).0;
    let (started, mut calls) = (Instant::now(), 0);
    while started.elapsed() < Duration::from_millis(300) {
        view = plugin.judge(view, None, stop).0;
        calls += 1;
    }
    started.elapsed() / calls
}

/// The time in which `work` has gone through all of `subjects`, each thread with its own view and plugins.
fn on_threads(
    dir: &Path,
    subjects: &[Subject],
    gates: &[GateSpec],
    work: impl Fn(View, &mut Vec<Plugin>) -> View + Copy + Send + Sync,
) -> Duration {
    let started = Instant::now();
    std::thread::scope(|scope| {
        for share in subjects.chunks(subjects.len().div_ceil(THREADS)) {
            scope.spawn(move || {
                let repo = Repo::open(dir).unwrap();
                let engines = Engines::default();
                let load = |gate| Plugin::load(gate, &Shelf::Folder(Path::new(".")), &engines, &never()).unwrap();
                let mut plugins: Vec<Plugin> = gates.iter().map(load).collect();
                let mut view = View::new(repo.in_memory());
                for subject in share {
                    view.turn_to(subject.clone());
                    view = work(view, &mut plugins);
                }
            });
        }
    });
    started.elapsed()
}

/// The time of the same check by git and a shell, per candidate: a work tree turns to it, as for a gate with `run`.
fn by_shell(dir: &Path, subjects: &[Subject]) -> Duration {
    let mut tree = GateTree::create(&Repo::open(dir).unwrap()).unwrap();
    let started = Instant::now();
    for subject in subjects {
        tree.show(subject.candidate, &subject.target, subject.base).unwrap();
        let check =
            format!("git diff --numstat {} {} | awk '{{ n += $1 + $2 }} END {{ exit n > 100000 }}'", subject.base, subject.candidate);
        assert!(Command::new("sh").arg("-c").arg(check).current_dir(tree.dir()).status().unwrap().success());
    }
    started.elapsed() / u32::try_from(subjects.len()).unwrap()
}

/// A repository with a base, and on it one candidate after the other that changes ten lines in each of its files.
fn make(dir: &Path) -> Vec<Subject> {
    let git = |args: &[&str]| {
        let said = Command::new("git").args(args).current_dir(dir).output().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).unwrap().trim().to_string()
    };
    git(&["init", "-q", "-b", "main", "."]);
    git(&["config", "user.name", "Bench"]);
    git(&["config", "user.email", "bench@example.com"]);
    let text = |file: usize, version: usize| {
        (0..LINES).fold(String::new(), |mut text, line| {
            let version = if line % (LINES / 10) == file % (LINES / 10) { version } else { 0 };
            writeln!(text, "line {line} of file {file} in version {version}, as long as lines of code are").unwrap();
            text
        })
    };
    let mut stream = String::new();
    for version in 0..=CANDIDATES {
        let message = format!("feat: version {version}\n\nSigned-off-by: Bench <bench@example.com>\n");
        writeln!(stream, "commit refs/heads/main\ncommitter Bench <bench@example.com> {} +0000", 1_700_000_000 + version).unwrap();
        writeln!(stream, "data {}\n{message}", message.len()).unwrap();
        for file in 0..FILES {
            let text = text(file, version);
            writeln!(stream, "M 100644 inline src/{file}.txt\ndata {}\n{text}", text.len()).unwrap();
        }
    }
    let mut import = Command::new("git").args(["fast-import", "--quiet"]).current_dir(dir).stdin(Stdio::piped()).spawn().unwrap();
    import.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
    let commits: Vec<ObjectId> = git(&["rev-list", "--reverse", "main"]).lines().map(|id| id.parse().unwrap()).collect();
    let subject =
        |pair: &[ObjectId]| Subject { item: "bench".into(), target: "main".into(), base: pair[0], head: pair[1], candidate: pair[1] };
    commits.windows(2).map(subject).collect()
}
