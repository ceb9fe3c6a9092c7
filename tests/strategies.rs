//! Merge, squash and rebase, each against git's own.

use crate::sandbox::{Sandbox, detail, status};

/// A branch of three commits by two authors, with a merge in between, beside a target that moved on.
fn repository() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("list.txt", "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    sandbox.commit("List");
    sandbox.branch("topic", "main", "First\n\nWith a body.", &[("list.txt", "one\n2\n3\n4\n5\n6\n7\n8\n9\n")]);
    sandbox.branch("side", "main", "Side", &[("side.txt", "side\n")]);
    sandbox.git(&["checkout", "-q", "topic"]);
    sandbox.write("topic.txt", "topic\n");
    sandbox.git(&["add", "--all"]);
    sandbox.git(&["commit", "-q", "-m", "Second", "--author", "Other <other@example.com>", "--date", "2020-02-02T02:02:02+0200"]);
    sandbox.git(&["merge", "-q", "--no-edit", "side"]);
    sandbox.write("topic.txt", "topic\nmore\n");
    sandbox.commit("Third");
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.write("list.txt", "1\n2\n3\n4\n5\n6\n7\n8\nnine\n");
    sandbox.commit("Target moves on");
    sandbox
}

#[test]
fn a_merge_is_one_commit_of_both() {
    let sandbox = repository();
    let tree = sandbox.merge_tree("main", "topic").unwrap();
    let before = sandbox.head("main");
    sandbox.lex(&["plan", "create", "topic"]).exits(0);
    sandbox.lex(&["merge", "--execute"]).exits(0);
    assert_eq!(sandbox.git(&["log", "-1", "--format=%P %T"]), format!("{before} {} {tree}", sandbox.head("topic")));
    sandbox.sound();
}

#[test]
fn a_squash_is_one_commit_with_all_authors() {
    let sandbox = repository();
    let tree = sandbox.merge_tree("main", "topic").unwrap();
    let before = sandbox.head("main");
    sandbox.lex(&["plan", "create", "topic", "--strategy", "squash"]).exits(0);
    let run = sandbox.json(&["merge", "--execute"], 0);
    assert_eq!(sandbox.git(&["log", "-1", "--format=%P %T"]), format!("{before} {tree}"));
    let message = sandbox.git(&["log", "-1", "--format=%B"]);
    assert!(message.starts_with("Squash branch 'topic'\n\n* "), "{message}");
    for line in ["* First", "* Second", "* Third", "* Side", "Co-authored-by: Other <other@example.com>", "Lex-Pr-Item: topic"] {
        assert!(message.lines().any(|l| l == line), "{line} in {message}");
    }
    assert_eq!(status(&run, "topic"), "merged");
    sandbox.sound();
    let again = sandbox.json(&["merge", "--execute"], 0);
    assert_eq!(status(&again, "topic"), "up-to-date", "nothing is squashed twice");

    sandbox.branch("single", "main", "Only one\n\nIts body.", &[("single.txt", "x")]);
    sandbox.lex(&["plan", "create", "--name", "s", "single", "--strategy", "squash"]).exits(0);
    sandbox.lex(&["merge", "s", "--execute"]).exits(0);
    assert_eq!(sandbox.git(&["log", "-1", "--format=%B"]).trim(), "Only one\n\nIts body.");
}

#[test]
fn a_rebase_is_gits_rebase() {
    let sandbox = repository();
    let before = sandbox.head("main");
    sandbox.git(&["branch", "oracle", "topic"]);
    sandbox.git(&["rebase", "-q", "main", "oracle"]);
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.lex(&["plan", "create", "topic", "--strategy", "rebase"]).exits(0);
    sandbox.lex(&["merge", "--execute"]).exits(0);
    let shape = |rev: &str| sandbox.git(&["log", "--reverse", "--format=%T %an %ae %ad %s%n%b", &format!("{before}..{rev}")]);
    let mut ours: Vec<String> = shape("main").split('\n').map(ToOwned::to_owned).collect();
    let mut theirs: Vec<String> = shape("oracle").split('\n').map(ToOwned::to_owned).collect();
    assert_eq!(sandbox.head("main^{tree}"), sandbox.head("oracle^{tree}"));
    // The order of parallel commits is free; which commits there are, and what they say, is not.
    let key = |line: &String| line.split_once(' ').map(|(_, rest)| rest.to_string());
    ours.sort_by_key(key);
    theirs.sort_by_key(key);
    assert_eq!(ours.iter().map(key).collect::<Vec<_>>(), theirs.iter().map(key).collect::<Vec<_>>());
    assert_eq!(sandbox.git(&["rev-list", "--merges", "--count", &format!("{before}..main")]), "0");
    assert!(
        sandbox.git(&["log", "--format=%an %ad", "--date=iso", &format!("{before}..main")]).contains("Other 2020-02-02 02:02:02 +0200")
    );
    sandbox.sound();
}

#[test]
fn a_rebase_drops_what_is_there_already_and_keeps_what_was_empty() {
    let sandbox = Sandbox::new();
    sandbox.git(&["checkout", "-q", "-b", "topic"]);
    sandbox.write("picked.txt", "x\n");
    let picked = sandbox.commit("Picked");
    sandbox.commit("Empty on purpose");
    sandbox.write("own.txt", "x\n");
    sandbox.commit("Own");
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.write("other.txt", "x\n");
    sandbox.commit("Other");
    sandbox.git(&["cherry-pick", &picked]);
    let before = sandbox.head("main");
    sandbox.lex(&["plan", "create", "topic", "--strategy", "rebase"]).exits(0);
    sandbox.lex(&["merge", "--execute"]).exits(0);
    assert_eq!(sandbox.git(&["log", "--reverse", "--format=%s", &format!("{before}..main")]), "Empty on purpose\nOwn");
}

#[test]
fn a_rebase_that_conflicts_names_the_commit() {
    let sandbox = Sandbox::new();
    sandbox.branch("topic", "main", "Fine", &[("fine.txt", "x\n")]);
    sandbox.git(&["checkout", "-q", "topic"]);
    sandbox.write("base.txt", "ONE\ntwo\nthree\n");
    let culprit = sandbox.commit("Clash");
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.write("base.txt", "uno\ntwo\nthree\n");
    sandbox.commit("Before");
    sandbox.lex(&["plan", "create", "--strategy", "rebase"]).exits(0);
    let run = sandbox.json(&["merge", "--execute"], 1);
    assert_eq!(status(&run, "topic"), "skipped-conflict");
    let short = sandbox.git(&["rev-parse", "--short=7", &culprit]);
    assert!(detail(&run, "topic").starts_with(&format!("commit {short} conflicts with main (")), "{}", detail(&run, "topic"));
}

/// What lies on a squashed or rebased branch brings only its own commits along.
#[test]
fn a_stack_can_be_squashed_and_rebased() {
    for strategy in ["squash", "rebase"] {
        let sandbox = Sandbox::new();
        sandbox.branch("low", "main", "Low", &[("low.txt", "low\n")]);
        sandbox.branch("top", "low", "Top", &[("top.txt", "top\n")]);
        sandbox.write("x.txt", "x\n");
        let before = sandbox.commit("Target moves on");
        sandbox.lex(&["plan", "create", "--strategy", strategy]).exits(0);
        sandbox.lex(&["merge", "--execute"]).exits(0);
        assert_eq!(sandbox.git(&["log", "--reverse", "--format=%s %p", &format!("{before}..main")]).lines().count(), 2, "{strategy}");
        assert_eq!(sandbox.git(&["log", "--reverse", "--format=%s", &format!("{before}..main")]), "Low\nTop");
        assert_eq!(sandbox.git(&["ls-tree", "--name-only", "main"]), "base.txt\nlow.txt\ntop.txt\nx.txt");
        sandbox.sound();
    }
}
