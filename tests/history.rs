//! Ancestry questions have git's answers, with and without a commit-graph, whatever the clocks said.

use crate::sandbox::Sandbox;
use lex_pr::repo::{History, Repo};
use std::{collections::BTreeSet, fmt::Write as _, io::Write as _, process::Stdio};

/// A small generator (Knuth's MMIX constants): the same graph for the same seed on every machine.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

/// Clocks that are off by more than the offsets of corrected dates have room for.
const FAR_AHEAD: usize = 3_000_000_000;

/// `commits` commits, each with up to three earlier ones as parents, some roots, and clocks that are off by up to `skew` seconds.
fn random_graph(sandbox: &Sandbox, seed: u64, commits: usize, skew: usize) -> Vec<String> {
    let mut dice = Dice(seed);
    let mut script = String::new();
    for commit in 0..commits {
        let date = match skew {
            0 => 1_000_000_000 + 100 * commit,
            FAR_AHEAD => 1_000_000_000 + 100 * commit + if dice.roll(8) == 0 { FAR_AHEAD } else { 0 },
            _ => 1_000_000_000 + 100 * commit - dice.roll(skew),
        };
        writeln!(script, "commit refs/heads/c{commit}\nmark :{}\ncommitter T <t@e.x> {date} +0000\ndata 1\nx", commit + 1).unwrap();
        let mut parents = BTreeSet::new();
        for _ in 0..dice.roll(4).min(commit) {
            parents.insert(commit - 1 - dice.roll(commit.min(12)));
        }
        for (n, parent) in parents.iter().enumerate() {
            writeln!(script, "{} :{}", if n == 0 { "from" } else { "merge" }, parent + 1).unwrap();
        }
    }
    let mut import = sandbox.command("git", &sandbox.repo).args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().unwrap();
    import.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
    (0..commits).map(|c| sandbox.head(&format!("refs/heads/c{c}"))).collect()
}

/// What git has written down about the history, if anything.
#[derive(Clone, Copy, Debug)]
enum Graph {
    None,
    Whole,
    /// Topological levels, without corrected dates.
    Levels,
    /// A chain of two files.
    Split,
    /// A chain whose first file has levels only.
    Mixed,
}

impl Graph {
    fn write(self, sandbox: &Sandbox, ids: &[String]) {
        let layer = |version: &str, tip: &String| {
            let input = sandbox.root.path().join("input");
            std::fs::write(&input, format!("{tip}\n")).unwrap();
            let args = ["-c", version, "commit-graph", "write", "--stdin-commits", "--split=no-merge"];
            let mut git = sandbox.command("git", &sandbox.repo);
            assert!(git.args(args).stdin(std::fs::File::open(input).unwrap()).status().unwrap().success());
        };
        let (first, second) = ("commitGraph.generationVersion=1", "commitGraph.generationVersion=2");
        match self {
            Graph::None => {}
            Graph::Whole => drop(sandbox.git(&["commit-graph", "write", "--reachable"])),
            Graph::Levels => drop(sandbox.git(&["-c", first, "commit-graph", "write", "--reachable"])),
            Graph::Split | Graph::Mixed => {
                layer(if matches!(self, Graph::Mixed) { first } else { second }, &ids[ids.len() / 2]);
                layer(second, &ids[ids.len() - 1]);
                let chain = sandbox.repo.join(".git/objects/info/commit-graphs/commit-graph-chain");
                assert_eq!(std::fs::read_to_string(chain).unwrap().lines().count(), 2);
            }
        }
    }
}

#[test]
fn ahead_and_merge_bases_are_gits() {
    for (seed, skew) in [(1, 0), (2, 900), (3, 5_000), (4, FAR_AHEAD)] {
        for with_graph in [Graph::None, Graph::Whole, Graph::Levels, Graph::Split, Graph::Mixed] {
            let sandbox = Sandbox::new();
            let ids = random_graph(&sandbox, seed, 60, skew);
            with_graph.write(&sandbox, &ids);
            let repo = Repo::open(&sandbox.repo).unwrap();
            let mut history = History::default();
            let mut dice = Dice(seed + 100);
            let mut growing = History::default();
            for tip in &ids {
                // Some tips grow from the one before and some do not; what was explored for one must be true for the next.
                let other = &ids[dice.roll(60)];
                let parse = |id: &String| repo.parse_id(id).unwrap();
                let ours: BTreeSet<String> =
                    growing.bases_with_tip(&repo.git, parse(tip), parse(other)).unwrap().iter().map(ToString::to_string).collect();
                let said = sandbox.command("git", &sandbox.repo).args(["merge-base", "--all", tip, other]).output().unwrap();
                let theirs = String::from_utf8(said.stdout).unwrap();
                assert_eq!(ours, theirs.lines().map(ToOwned::to_owned).collect(), "tip {tip}, {other}, seed {seed}, graph {with_graph:?}");
            }
            for _ in 0..30 {
                let (one, other, third) = (&ids[dice.roll(60)], &ids[dice.roll(60)], &ids[dice.roll(60)]);
                let parse = |id: &String| repo.parse_id(id).unwrap();
                let ours: BTreeSet<String> =
                    history.ahead(&repo.git, parse(one), &[parse(other), parse(third)]).unwrap().iter().map(ToString::to_string).collect();
                let theirs = sandbox.git(&["rev-list", one, &format!("^{other}"), &format!("^{third}")]);
                assert_eq!(
                    ours,
                    theirs.lines().map(ToOwned::to_owned).collect(),
                    "{one} ^{other} ^{third}, seed {seed}, graph {with_graph:?}"
                );

                let ours: BTreeSet<String> =
                    history.merge_bases(&repo.git, parse(one), parse(other)).unwrap().iter().map(ToString::to_string).collect();
                let said = sandbox.command("git", &sandbox.repo).args(["merge-base", "--all", one, other]).output().unwrap();
                let theirs = String::from_utf8(said.stdout).unwrap();
                assert_eq!(ours, theirs.lines().map(ToOwned::to_owned).collect(), "{one} {other}, seed {seed}, graph {with_graph:?}");
            }
        }
    }
}

#[test]
fn the_bases_of_a_head_are_found_without_what_lies_far_behind() {
    const WEEK: usize = 604_800;
    let sandbox = Sandbox::new();
    let mut script = String::new();
    let mut commit = |name: &str, from: &str, week: usize| {
        writeln!(script, "commit refs/heads/{name}\ncommitter T <t@e.x> {} +0000\ndata 1\nx\n{from}", 1_000_000_000 + WEEK * week).unwrap();
    };
    commit("c0", "", 0);
    (1..20).for_each(|n| commit(&format!("c{n}"), &format!("from refs/heads/c{}", n - 1), n));
    commit("head", "from refs/heads/c19", 20);
    commit("grown", "from refs/heads/c19", 21);
    commit("other", "from refs/heads/c19", 22);
    let mut import = sandbox.command("git", &sandbox.repo).args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().unwrap();
    import.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
    let gone = sandbox.head("c10");
    std::fs::remove_file(sandbox.repo.join(".git/objects").join(&gone[..2]).join(&gone[2..])).unwrap();

    let repo = Repo::open(&sandbox.repo).unwrap();
    let mut history = History::default();
    let parse = |name: &str| repo.parse_id(&sandbox.head(name)).unwrap();
    // A tip that is new, one that grew from it, and one that did not.
    for tip in ["c19", "grown", "other"] {
        assert_eq!(history.bases_with_tip(&repo.git, parse(tip), parse("head")).unwrap(), [parse("c19")], "{tip}");
    }
    assert!(history.bases_with_tip(&repo.git, parse("c19"), parse("c9")).is_err(), "this one needs it");
}
