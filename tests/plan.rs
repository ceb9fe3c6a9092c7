//! Plans: made from branches, kept as revisions, changed by several at once.

use crate::sandbox::{Sandbox, find, status};
use serde_json::{Value, json};

fn deps(plan: &Value, item: &str) -> Value {
    let item = plan["items"].as_array().unwrap().iter().find(|i| i["name"] == item).unwrap_or_else(|| panic!("{item} in {plan}"));
    item["deps"].clone()
}

fn names(plan: &Value) -> Vec<String> {
    plan["items"].as_array().unwrap().iter().map(|i| i["name"].as_str().unwrap().to_string()).collect()
}

#[test]
fn branches_and_globs_become_items_in_any_order() {
    let sandbox = Sandbox::new();
    for name in ["feat/a", "feat/b", "feat/deep/c", "fix/d"] {
        sandbox.branch(name, "main", name, &[(&name.replace('/', "-"), name)]);
    }
    let plan = sandbox.json(&["plan", "create", "fix/d", "feat/*"], 0);
    assert_eq!(names(&plan), ["feat/a", "feat/b", "feat/deep/c", "fix/d"], "`*` crosses slashes, as in git branch --list");
    assert_eq!(plan["target"], "main");
    assert_eq!(plan["items"][0]["head"], sandbox.head("feat/a"));
    let again = sandbox.json(&["plan", "create", "--name", "two", "feat/*", "feat/b", "fix/?"], 0);
    assert_eq!(again, plan, "each branch once, the same bytes for the same content");
    assert_eq!(
        sandbox.git(&["rev-parse", "refs/lex-pr/plans/default:plan.json"]),
        sandbox.git(&["rev-parse", "refs/lex-pr/plans/two:plan.json"])
    );
    let all = sandbox.json(&["plan", "create", "--name", "three"], 0);
    assert_eq!(all, plan, "no branch named means every local one but the target");
    sandbox.sound();
}

#[test]
fn remote_tracking_branches_can_be_planned() {
    let sandbox = Sandbox::new();
    sandbox.branch("feat/a", "main", "a", &[("a", "a")]);
    sandbox.branch("feat/b", "main", "b\n\nDepends-On: feat/a", &[("b", "b")]);
    let clone = sandbox.root.path().join("clone");
    sandbox.git(&["clone", "-q", ".", clone.to_str().unwrap()]);
    let plan = sandbox.lex_in(&clone, &["plan", "create", "origin/feat/*", "--json"]).exits(0).json();
    assert_eq!(names(&plan), ["origin/feat/a", "origin/feat/b"]);
    assert_eq!(deps(&plan, "origin/feat/b"), json!([{ "name": "origin/feat/a", "sources": ["trailer"] }]));
}

#[test]
fn a_branch_that_is_only_on_the_remote_is_planned_by_its_own_name() {
    let sandbox = Sandbox::new();
    sandbox.branch("feat/a", "main", "a", &[("a", "a")]);
    sandbox.branch("feat/b", "main", "b\n\nDepends-On: feat/a", &[("b", "b")]);
    sandbox.branch("fix/c", "main", "c", &[("a", "c")]);
    sandbox.git(&["branch", "-q", "done", "main"]);
    let clone = sandbox.root.path().join("clone");
    sandbox.git(&["clone", "-q", ".", clone.to_str().unwrap()]);
    let lex = |args: &[&str], status: i32| sandbox.lex_in(&clone, args).exits(status);
    // Nothing is here but the target: no plan of nothing is kept, and it is said where the branches are.
    let said = lex(&["plan", "create"], 2).stderr;
    assert!(said.contains("nothing to plan: there is no local branch besides main"), "{said}");
    assert!(said.contains("3 branches are on origin only, such as feat/a: git lex-pr plan create '*'"), "{said}");
    let said = lex(&["plan", "create", "--name", "x", "done"], 2).stderr;
    assert!(said.contains("nothing to plan: done is already in main"), "{said}");
    assert!(lex(&["plan", "create", "HEAD"], 2).stderr.contains("there is no branch `HEAD`"));
    assert_eq!(sandbox.git_in(&clone, &["for-each-ref", "refs/lex-pr"]), "");
    let said = lex(&["init", "--yes"], 0).stdout;
    assert!(said.contains("  git lex-pr plan create '*'\n"), "{said}");
    std::fs::remove_file(clone.join("lex-pr.toml")).unwrap();

    let all = lex(&["plan", "create", "*", "--json"], 0);
    assert_eq!(names(&all.json()), ["feat/a", "feat/b", "fix/c"]);
    assert_eq!(deps(&all.json(), "feat/b"), json!([{ "name": "feat/a", "sources": ["trailer"] }]));
    let note = "note: 3 branches are taken, since there are no local ones of their names, such as origin/feat/a";
    assert!(all.stderr.contains(note), "{}", all.stderr);
    assert_eq!(names(&lex(&["plan", "create", "feat/*", "--name", "two", "--json"], 0).json()), ["feat/a", "feat/b"]);
    lex(&["plan", "remove", "two", "feat/b"], 0);
    lex(&["plan", "add", "two", "feat/b"], 0);
    // It is one item, by whichever name it is taken in anew, and what became of its branch is told.
    sandbox.git(&["checkout", "-q", "feat/a"]);
    sandbox.write("a", "aa");
    let newer = sandbox.commit("a again");
    let report = lex(&["merge", "two"], 0).stdout;
    assert!(!report.contains("is gone") && !report.contains("has moved"), "{report}");
    sandbox.git_in(&clone, &["fetch", "-q"]);
    let report = lex(&["merge", "two"], 0).stdout;
    assert!(report.contains("origin/feat/a has moved to ") && report.contains("git lex-pr plan add two feat/a"), "{report}");
    let plan = lex(&["plan", "add", "two", "origin/feat/a", "--json"], 0).json();
    assert_eq!(names(&plan), ["feat/a", "feat/b"]);
    assert_eq!(plan["items"][0]["head"], newer.as_str());
    // A local branch goes before, and where the remote's is ahead, that is told.
    sandbox.git_in(&clone, &["branch", "-q", "feat/a", "origin/feat/a~1"]);
    let report = lex(&["merge", "two"], 0).stdout;
    assert!(!report.contains("feat/a has moved"), "what is planned is on origin: {report}");
    lex(&["plan", "add", "two", "feat/a"], 0);
    let report = lex(&["merge", "two"], 0).stdout;
    let mend = "git switch feat/a && git merge --ff-only origin/feat/a && git lex-pr plan add two feat/a";
    assert!(report.contains(&format!("origin/feat/a is ahead of feat/a; `{mend}` takes that in")), "{report}");
    let left = lex(&["plan", "create", "feat/*", "--name", "three", "--assume-landed", "x", "--json"], 0);
    assert_eq!(names(&left.json()), ["feat/a"]);
    assert!(left.stderr.contains("feat/b is left out: it is only on the remote"), "{}", left.stderr);
    // One that was planned as the remote's is the same item as the branch that somebody makes of it.
    lex(&["plan", "create", "--name", "four", "origin/fix/*"], 0);
    sandbox.git_in(&clone, &["branch", "-q", "fix/c", "origin/fix/c"]);
    let plan = lex(&["plan", "add", "four", "fix/c", "--json"], 0).json();
    assert_eq!(names(&plan), ["origin/fix/c"]);
    assert_eq!(plan["items"][0]["branch"], "fix/c");
    sandbox.git_in(&clone, &["update-ref", "refs/remotes/up/more/d", "origin/fix/c"]);
    let said = lex(&["plan", "create", "--name", "five", "more/*"], 2).stderr;
    assert!(said.contains("no branch matches `more/*`") && said.contains("on up there are such branches: 'up/more/*'"), "{said}");
}

#[test]
fn a_way_out_of_a_conflict_works_where_branches_are_only_on_the_remote() {
    for (glob, prefix) in [("*", ""), ("origin/*", "origin/")] {
        let sandbox = Sandbox::new();
        sandbox.branch("a", "main", "a", &[("f", "a\n")]);
        sandbox.branch("b", "main", "b", &[("f", "b\n")]);
        let clone = sandbox.root.path().join("clone");
        sandbox.git(&["clone", "-q", ".", clone.to_str().unwrap()]);
        sandbox.lex_in(&clone, &["plan", "create", glob]).exits(0);
        let report = sandbox.lex_in(&clone, &["merge", "--json"]).exits(1).json();
        let item = format!("{prefix}b");
        let way_out = find(&report, &item)["wayOut"].as_str().unwrap();
        let rebase = "git switch b && git rebase origin/a";
        let taken = if prefix.is_empty() { rebase.to_string() } else { format!("{rebase} && git lex-pr plan add default b") };
        assert_eq!(way_out, taken);
        // As somebody does it: the conflict is mended, and the branch is here then.
        let _ = sandbox.command("sh", &clone).args(["-c", rebase]).output().unwrap();
        std::fs::write(clone.join("f"), "both\n").unwrap();
        sandbox.git_in(&clone, &["add", "f"]);
        sandbox.git_in(&clone, &["-c", "core.editor=true", "rebase", "--continue"]);
        assert_eq!(sandbox.git_in(&clone, &["symbolic-ref", "--short", "HEAD"]), "b");
        sandbox.lex_in(&clone, &["plan", "add", "default", "b"]).exits(0);
        let report = sandbox.lex_in(&clone, &["merge", "--json"]).exits(0).json();
        assert_eq!((status(&report, &item), report["items"].as_array().unwrap().len()), ("merged", 2));
    }
}

#[test]
fn what_has_landed_is_left_out_and_said() {
    let sandbox = Sandbox::new();
    sandbox.branch("done", "main", "done", &[("done", "x")]);
    sandbox.git(&["merge", "-q", "--no-edit", "done"]);
    sandbox.branch("open", "main", "open", &[("open", "x")]);
    let said = sandbox.lex(&["plan", "create", "done", "open"]).exits(0);
    assert!(said.stderr.contains("done is already in main"), "{}", said.stderr);
    assert!(said.stdout.contains("1 item\n"), "{}", said.stdout);
}

#[test]
fn dependencies_come_from_stacking_trailers_and_the_command_line() {
    let sandbox = Sandbox::new();
    sandbox.branch("PR-12", "main", "twelve", &[("12", "x")]);
    sandbox.branch("low", "main", "low\n\nDepends-On: #12", &[("low", "x")]);
    sandbox.branch("mid", "low", "mid", &[("mid", "x")]);
    sandbox.branch("top", "mid", "top\n\nDepends-on: mid, low\nDepends-On: PR-12\nSigned-off-by: T <t@e.x>", &[("top", "x")]);
    sandbox.branch("other", "main", "other\n\nDepends-On: some/where#4", &[("other", "x")]);
    let said = sandbox.lex(&["plan", "create", "--json"]).exits(0);
    let plan = said.json();
    assert!(said.stderr.contains("other depends on some/where#4, in another repository"), "{}", said.stderr);
    assert_eq!(deps(&plan, "low"), json!([{ "name": "PR-12", "sources": ["trailer"] }]));
    assert_eq!(deps(&plan, "mid"), json!([{ "name": "low", "sources": ["stack"] }]), "low's trailer is not mid's");
    assert_eq!(
        deps(&plan, "top"),
        json!([{ "name": "PR-12", "sources": ["trailer"] }, { "name": "low", "sources": ["trailer"] }, { "name": "mid", "sources": ["stack", "trailer"] }]),
        "sorted, each once, each with its sources; stacking names only what lies directly below"
    );
    assert_eq!(deps(&plan, "other"), json!([]));

    let plan = sandbox.json(&["plan", "add", "default", "other", "--depends-on", "top", "--priority", "-3", "--strategy", "squash"], 0);
    assert_eq!(deps(&plan, "other"), json!([{ "name": "top", "sources": ["plan"] }]));
    let other = plan["items"].as_array().unwrap().iter().find(|i| i["name"] == "other").unwrap();
    assert_eq!((other["priority"].as_i64(), other["strategy"].as_str()), (Some(-3), Some("squash")));
}

#[test]
fn a_branch_added_under_others_becomes_their_dependency() {
    let sandbox = Sandbox::new();
    sandbox.branch("low", "main", "low", &[("low", "x")]);
    sandbox.branch("top", "low", "top", &[("top", "x")]);
    sandbox.lex(&["plan", "create", "top"]).exits(0);
    let plan = sandbox.json(&["plan", "add", "default", "low"], 0);
    assert_eq!(deps(&plan, "top"), json!([{ "name": "low", "sources": ["stack"] }]));
    let plan = sandbox.json(&["plan", "remove", "default", "low"], 0);
    assert_eq!(deps(&plan, "top"), json!([]), "it carries low's commits anyway");
}

#[test]
fn two_branches_at_one_commit_do_not_depend_on_each_other() {
    let sandbox = Sandbox::new();
    sandbox.branch("one", "main", "x", &[("x", "x")]);
    sandbox.git(&["branch", "same", "one"]);
    let plan = sandbox.json(&["plan", "create"], 0);
    assert_eq!((deps(&plan, "one"), deps(&plan, "same")), (json!([]), json!([])));
    let run = sandbox.json(&["merge", "--execute"], 0);
    assert_eq!(crate::sandbox::status(&run, "same"), "up-to-date");
}

#[test]
fn a_dependency_outside_of_the_plan_is_refused_until_it_is_said_to_have_landed() {
    let sandbox = Sandbox::new();
    sandbox.branch("gone", "main", "gone", &[("gone", "x")]);
    sandbox.git(&["merge", "-q", "--no-edit", "gone"]);
    sandbox.branch("needs-gone", "main", "n\n\nDepends-On: gone", &[("n", "x")]);
    assert_eq!(
        deps(&sandbox.json(&["plan", "create", "needs-gone"], 0), "needs-gone"),
        json!([]),
        "a branch that the target holds is no dependency"
    );

    sandbox.branch("needs-99", "main", "n\n\nDepends-On: #99", &[("m", "x")]);
    let error = sandbox.json(&["plan", "create", "--name", "b", "needs-99"], 2)["error"].clone();
    assert_eq!(error["code"], "unknown-dependency");
    assert!(error["hint"].as_str().unwrap().contains("--assume-landed '#99'"), "{error}");
    assert_eq!(deps(&sandbox.json(&["plan", "create", "--name", "b", "needs-99", "--assume-landed", "#99"], 0), "needs-99"), json!([]));

    sandbox.branch("open", "main", "o", &[("o", "x")]);
    sandbox.branch("needs-open", "main", "n\n\nDepends-On: open", &[("p", "x")]);
    let error = sandbox.json(&["plan", "create", "--name", "c", "needs-open"], 2)["error"].clone();
    assert!(error["hint"].as_str().unwrap().contains("add `open` to the plan"), "{error}");
    let error = sandbox.json(&["plan", "create", "--name", "c", "needs-gone", "--depends-on", "open"], 2)["error"].clone();
    assert_eq!((error["code"].as_str(), error["at"]["source"].as_str()), (Some("unknown-dependency"), Some("--depends-on")));
    assert!(error["hint"].as_str().unwrap().starts_with("add `open` to the plan as well"), "{error}");
    let error = sandbox.json(&["plan", "create", "--name", "c", "needs-open", "needs-99", "needs-gone"], 2)["error"].clone();
    assert_eq!(error["message"], "`needs-99` depends on `#99`, which is not in the plan; neither is `open` of `needs-open`");
    assert_eq!(
        error["hint"], "add `open` to the plan as well; for what has landed, say --assume-landed '#99' --assume-landed open",
        "all that is unknown, at once"
    );
}

#[test]
fn a_circle_of_commits_names_the_branch_that_closes_it() {
    let sandbox = Sandbox::new();
    sandbox.branch("low", "main", "low\n\nDepends-On: top", &[("low", "x")]);
    sandbox.branch("top", "low", "top", &[("top", "x")]);
    let error = sandbox.json(&["plan", "create"], 2)["error"].clone();
    assert_eq!((error["code"].as_str(), &error["at"]), (Some("cycle"), &json!({ "source": "low", "path": "Depends-On" })));
    assert!(error["message"].as_str().unwrap().contains("low -> top -> low"), "{error}");
    assert!(error["hint"].as_str().unwrap().contains("amend that commit, or make the plan without `low`"), "{error}");
    sandbox.branch("a", "main", "a\n\nDepends-On: b", &[("a", "x")]);
    sandbox.branch("b", "main", "b", &[("b", "x")]);
    let error = sandbox.json(&["plan", "create", "a", "b", "--depends-on", "a"], 2)["error"].clone();
    assert!(error["hint"].as_str().unwrap().contains("the one of `b` on `a`"), "what the plan says comes first: {error}");
}

#[test]
fn a_pull_request_may_be_named_by_its_page() {
    let sandbox = Sandbox::new();
    sandbox.branch("PR-3", "main", "x", &[("3", "x")]);
    let trailers = "a\n\nDepends-On: https://host/o/r/pull/3\nDepends-On: https://host/o/r/-/merge_requests/4\nDepends-On: a";
    sandbox.branch("a", "main", trailers, &[("a", "x")]);
    let said = sandbox.lex(&["plan", "create", "--json"]).exits(0);
    assert_eq!(deps(&said.json(), "a"), json!([{ "name": "PR-3", "sources": ["trailer"] }]));
    let elsewhere = "a depends on https://host/o/r/-/merge_requests/4, in another repository: not checked";
    assert!(said.stderr.contains(elsewhere) && said.stderr.contains("a names itself in Depends-On: ignored"), "{}", said.stderr);
}

#[test]
fn an_item_that_others_need_is_not_removed_alone() {
    let sandbox = Sandbox::new();
    sandbox.branch("a", "main", "a", &[("a", "x")]);
    sandbox.branch("b", "main", "b\n\nDepends-On: a", &[("b", "x")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    let said = sandbox.lex(&["plan", "remove", "default", "a"]).exits(2);
    assert!(said.stderr.contains("`b` depends on `a`") && said.stderr.contains("remove it too: b"), "{}", said.stderr);
    let said = sandbox.lex(&["plan", "remove", "default", "bb"]).exits(2);
    assert!(said.stderr.contains("`git lex-pr plan show` lists the items"), "no short name is near: {}", said.stderr);
    sandbox.lex(&["plan", "remove", "default", "a", "b"]).exits(0);
    assert_eq!(names(&sandbox.json(&["plan", "show"], 0)), Vec::<String>::new());
}

#[test]
fn each_change_is_a_revision_that_can_be_seen_and_restored() {
    let sandbox = Sandbox::new();
    for name in ["a", "b", "c"] {
        sandbox.branch(name, "main", name, &[(name, name)]);
    }
    sandbox.lex(&["plan", "create", "a", "b"]).exits(0);
    sandbox.lex(&["plan", "add", "default", "c"]).exits(0);
    sandbox.lex(&["plan", "remove", "default", "a"]).exits(0);
    sandbox.lex(&["plan", "remove", "default", "c"]).exits(0);
    sandbox.lex(&["plan", "add", "default", "b"]).exits(0);
    let log = sandbox.json(&["plan", "log"], 0);
    let messages: Vec<_> = log.as_array().unwrap().iter().map(|r| r["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["remove c", "remove a", "add c", "create a b"], "a change that changes nothing is no revision");
    assert_eq!(log[0]["by"], "Tess <tess@example.com>");
    assert_eq!(sandbox.git(&["rev-list", "--count", "refs/lex-pr/plans/default"]), "4");

    let diff = sandbox.json(&["plan", "diff", "default"], 0);
    assert_eq!(diff, json!([{ "item": "c", "what": "item", "before": "c" }]));
    let first = log[3]["revision"].as_str().unwrap();
    let text = sandbox.lex(&["plan", "diff", "default", first, "~1"]).exits(0).stdout;
    assert!(text.contains("-  a") && text.contains("+  c"), "{text}");

    let restored = sandbox.json(&["plan", "restore", "default", &first[..8]], 0);
    assert_eq!(names(&restored), ["a", "b"]);
    assert_eq!(sandbox.git(&["rev-list", "--count", "refs/lex-pr/plans/default"]), "5", "history only grows");
    sandbox.lex(&["plan", "restore", "default", "~99"]).exits(2);

    let listed = sandbox.json(&["plan", "list"], 0);
    assert_eq!((listed[0]["name"].as_str(), listed[0]["items"].as_u64()), (Some("default"), Some(2)));
    let said = sandbox.lex(&["plan", "delete", "default"]).exits(0).stdout;
    assert_eq!(sandbox.json(&["plan", "list"], 0), json!([]));
    let undo: Vec<&str> = said.lines().find_map(|l| l.split_once(": git lex-pr ")).unwrap().1.split(' ').collect();
    sandbox.lex(&undo).exits(0);
    assert_eq!(names(&sandbox.json(&["plan", "show", "default"], 0)), ["a", "b"], "the printed command brings it back");
    // Also over a new plan of that name, of which it becomes the next revision.
    sandbox.lex(&["plan", "delete", "default"]).exits(0);
    sandbox.lex(&["plan", "create", "c"]).exits(0);
    let new = sandbox.head("refs/lex-pr/plans/default");
    sandbox.lex(&undo).exits(0);
    assert_eq!(names(&sandbox.json(&["plan", "show", "default"], 0)), ["a", "b"]);
    assert_eq!(sandbox.head("refs/lex-pr/plans/default~1"), new);
    sandbox.lex(&["plan", "restore", "default", "0000000"]).exits(2);
    sandbox.sound();
}

#[test]
fn a_plan_file_with_missing_branches_is_imported_but_not_created() {
    let sandbox = Sandbox::new();
    sandbox.branch("here", "main", "here", &[("here", "x")]);
    let file = r#"{"schemaVersion":"1.0.0","target":"main","items":[{"name":"here"},{"name":"heer","deps":["here"]}]}"#;
    sandbox.lex_fed(&["plan", "import", "-"], file).exits(0);
    let said = sandbox.lex(&["plan", "validate"]).exits(1);
    assert!(said.stdout.contains("heer: there is no branch heer"), "{}", said.stdout);
    let error = sandbox.lex_fed(&["plan", "create", "--from", "-", "--name", "x", "--json"], file).exits(2).json()["error"].clone();
    assert_eq!((error["code"].as_str(), error["at"]["path"].as_str()), (Some("missing-branch"), Some("items[0].branch")), "{error}");
    assert!(error["hint"].as_str().unwrap().contains("did you mean `here`?"), "{error}");

    let file = file.replace("heer", "here2");
    sandbox.branch("here2", "main", "2", &[("2", "x")]);
    let plan = sandbox.lex_fed(&["plan", "create", "--from", "-", "--name", "x", "--json"], &file).exits(0).json();
    assert_eq!(plan["items"][1]["head"], sandbox.head("here2"), "heads are pinned");
    assert_eq!(deps(&plan, "here2"), json!([{ "name": "here", "sources": ["plan"] }]));
}

/// What a run would refuse is not valid.
#[test]
fn gates_and_policy_are_validated_as_a_run_would() {
    let sandbox = Sandbox::new();
    sandbox.branch("a", "main", "a", &[("a", "x")]);
    let validate = |items: &str, policy: &str| {
        let file = format!(
            r#"{{"schemaVersion":"2.0.0","target":"main","policy":{policy},"items":[{{"name":"a","branch":"a","gates":[{items}]}}]}}"#
        );
        sandbox.lex_fed(&["plan", "validate", "-"], &file)
    };
    let gate = |plugin: &str| format!(r#"{{"name":"x","plugin":"{plugin}"}}"#);
    validate(&gate("builtin:diff-size"), "{}").exits(0);
    let said = validate(&gate("builtin:dif-size"), "{}").exits(2);
    assert!(said.stderr.contains("there is no built-in gate") && said.stderr.contains("builtin:diff-size"), "{}", said.stderr);
    let said = validate(&gate("tools/x.lua"), "{}").exits(1);
    assert!(said.stdout.contains("a: there is no file tools/x.lua on main"), "{}", said.stdout);
    let said = validate(&gate("builtin:diff-size"), r#"{"requiredGates":["y"]}"#).exits(2);
    assert!(said.stderr.contains("the policy requires gate `y`"), "{}", said.stderr);
    // A plan whose target is not here can still be asked.
    sandbox.write("plan.json", r#"{"schemaVersion":"2.0.0","target":"nosuch","items":[{"name":"a","branch":"a"}]}"#);
    sandbox.lex(&["query", "plan.json"]).exits(0);
}

#[test]
fn a_name_below_another_is_refused_at_once() {
    let sandbox = Sandbox::new();
    sandbox.branch("x", "main", "x", &[("x", "x")]);
    sandbox.lex(&["plan", "create", "--name", "a/b"]).exits(0);
    let file = sandbox.lex(&["plan", "export"]).exits(0).stdout;
    let began = std::time::Instant::now();
    for (name, other) in [("a", "a/b"), ("a/b/c", "a/b")] {
        for error in [
            sandbox.json(&["plan", "create", "--name", name], 2),
            sandbox.lex_fed(&["plan", "import", "-", "--name", name, "--json"], &file).exits(2).json(),
        ] {
            assert_eq!(error["error"]["code"], "name-taken");
            assert!(error["error"]["message"].as_str().unwrap().contains(&format!("`{name}` beside one called `{other}`")), "{error}");
        }
    }
    assert!(began.elapsed().as_secs() < 5, "it waits for no lock");
    sandbox.lex(&["plan", "create", "--name", "a-b"]).exits(0);

    sandbox.lex(&["merge", "a/b", "--execute"]).exits(0);
    sandbox.write("a.json", &file);
    let said = sandbox.lex(&["merge", "a.json", "--execute"]).exits(2);
    assert!(said.stderr.contains("refs/lex-pr/weave/a/b"), "{}", said.stderr);
    sandbox.lex(&["plan", "delete", "a/b"]).exits(0);
    sandbox.branch("y", "main", "y", &[("y", "y\n")]);
    sandbox.lex(&["plan", "create", "--name", "a"]).exits(0);
    sandbox.lex(&["merge", "a", "--execute"]).exits(0);
}

#[test]
fn a_file_is_a_plan_wherever_a_name_is() {
    let sandbox = Sandbox::new();
    sandbox.branch("x", "main", "x", &[("x", "x")]);
    let file = r#"{"schemaVersion":"1.0.0","target":"main","items":[{"name":"x"}]}"#;
    std::fs::write(sandbox.root.path().join("my plan.json"), file).unwrap();
    let next = |said: &str| said.lines().find(|l| l.starts_with("next: ")).map(ToOwned::to_owned);
    let from_file = sandbox.lex(&["merge", "../my plan.json"]).exits(0).stdout;
    assert_eq!(next(&from_file).unwrap(), "next: git lex-pr merge '../my plan.json' --execute");
    assert_eq!(next(&sandbox.lex_fed(&["merge", "-"], file).exits(0).stdout), None, "what stdin gave cannot be named");
    assert_eq!(next(&sandbox.lex(&["execute", "../my plan.json"]).exits(0).stdout).unwrap(), next(&from_file).unwrap());
    assert_eq!(next(&sandbox.lex(&["report"]).exits(0).stdout), None, "the run does not know where the file was");

    for said in [sandbox.lex(&["status", "../my plan.json"]), sandbox.lex_fed(&["status", "-"], file)] {
        assert!(said.exits(0).stdout.contains("0 landed, 0 held, 1 waiting"));
    }
    sandbox.lex(&["plan", "validate", "../my plan.json"]).exits(0);
    let said = sandbox.lex(&["gate", "run", "--item", "nope", "--plan", "../my plan.json"]).exits(2);
    assert!(said.stderr.contains("hint: there is: x"), "{}", said.stderr);
    let wrong = file.replace("\"x\"", "\"y\"").replace("\"main\"", "\"trunk\"");
    let said = sandbox.lex_fed(&["plan", "validate", "-"], &wrong).exits(1);
    assert!(
        said.stdout.contains("target trunk is not a local branch here") && said.stdout.contains("there is no branch y"),
        "{}",
        said.stdout
    );
    std::fs::write(sandbox.root.path().join("wrong.json"), wrong).unwrap();
    sandbox.lex_in(sandbox.root.path(), &["plan", "validate", "wrong.json"]).exits(0);
    sandbox.lex_in(sandbox.root.path(), &["plan", "show", "wrong.json"]).exits(2);
    std::fs::write(sandbox.root.path().join("plain"), file).unwrap();
    sandbox.lex_in(&sandbox.repo, &["-C", "..", "plan", "validate", "plain"]).exits(0);
    sandbox.lex_in(&sandbox.repo, &["-C", "..", "order", "plain"]).exits(0);

    sandbox.git(&["commit", "-q", "--allow-empty", "-m", "moved"]);
    sandbox.git(&["branch", "-f", "x", "main"]);
    let pinned =
        format!(r#"{{"schemaVersion":"2.0.0","target":"main","items":[{{"name":"a","branch":"x","head":"{}"}}]}}"#, sandbox.head("main~1"));
    let said = sandbox.lex_fed(&["merge", "-"], &pinned).exits(0).stdout;
    assert!(said.contains("has moved to") && !said.contains("plan add"), "{said}");
}

#[test]
fn a_glob_takes_a_branch_and_its_remote_tracking_twin_once() {
    let sandbox = Sandbox::new();
    sandbox.branch("a", "main", "a", &[("a", "x")]);
    sandbox.branch("b", "main", "b", &[("b", "x")]);
    sandbox.branch("fix/main", "main", "fix", &[("fix", "x")]);
    for name in ["origin/a", "up/a", "origin/main"] {
        sandbox.git(&["update-ref", &format!("refs/remotes/{name}"), "a"]);
    }
    sandbox.git(&["update-ref", "refs/remotes/origin/b", "a"]);
    let said = sandbox.lex(&["plan", "create", "*", "--json"]).exits(0);
    assert_eq!(names(&said.json()), ["a", "b", "fix/main", "origin/b"], "a branch that is elsewhere is another one");
    let note = "note: 2 branches are left out: the local branches are at the same commits, such as origin/a";
    assert!(said.stderr.contains(note), "{}", said.stderr);
    assert_eq!(
        names(&sandbox.json(&["plan", "create", "*", "up/a", "--name", "two"], 0)),
        ["a", "b", "fix/main", "origin/b", "up/a"],
        "named is named"
    );
    assert_eq!(names(&sandbox.json(&["plan", "create", "up/*", "--name", "three"], 0)), ["up/a"]);
}

#[test]
fn branches_that_cannot_be_planned_do_not_stand_in_the_others_way() {
    let sandbox = Sandbox::new();
    sandbox.branch("a", "main", "a", &[("a", "x")]);
    std::fs::write(sandbox.repo.join(".git/refs/heads/-dash"), sandbox.head("a") + "\n").unwrap();
    std::fs::write(sandbox.repo.join(".git/refs/heads/gone"), "1".repeat(40) + "\n").unwrap();
    std::fs::write(sandbox.repo.join(".git/refs/heads/garbage"), "garbage\n").unwrap();
    sandbox.git(&["symbolic-ref", "refs/heads/dangling", "refs/heads/none"]);
    for (name, patterns) in [("all", &[][..]), ("globs", &["*"])] {
        let said = sandbox.lex(&[&["plan", "create", "--json", "--name", name], patterns].concat()).exits(0);
        assert_eq!(names(&said.json()), ["a"]);
        assert!(said.stderr.contains("note: gone is left out: its commit is not here"), "{}", said.stderr);
        assert!(said.stderr.contains("note: -dash is left out: git takes no such name"), "{}", said.stderr);
        assert!(said.stderr.contains("refs/heads/garbage"), "{}", said.stderr);
    }
    let said = sandbox.lex(&["plan", "create", "--name", "named", "a", "gone"]).exits(3);
    assert!(said.stderr.contains("could not read refs/heads/gone"), "what was asked for by name is not passed over: {}", said.stderr);
}

#[test]
fn what_is_no_plan_does_not_stand_in_the_plans_way() {
    let sandbox = Sandbox::new();
    sandbox.branch("a", "main", "a", &[("a", "x")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    sandbox.git(&["tag", "-a", "t", "-m", "t"]);
    sandbox.git(&["update-ref", "refs/lex-pr/plans/tag", "t"]);
    sandbox.git(&["update-ref", "refs/lex-pr/plans/blob", "main:base.txt"]);
    std::fs::write(sandbox.repo.join(".git/refs/lex-pr/plans/garbage"), "garbage\n").unwrap();
    for args in [&["plan", "list"][..], &["status"]] {
        let said = sandbox.lex(args).exits(0);
        assert!(said.stdout.contains("default"), "{}", said.stdout);
        for words in ["note: plan tag cannot be read: ", "note: plan blob cannot be read: ", "refs/lex-pr/plans/garbage"] {
            assert!(said.stderr.contains(words), "{words} in {}", said.stderr);
        }
    }
    sandbox.lex(&["plan", "create", "--name", "other"]).exits(0);
    sandbox.lex(&["plan", "delete", "other"]).exits(0);
    sandbox.lex(&["merge"]).exits(0);
    sandbox.lex(&["plan", "show", "none"]).exits(2);
}

/// Two processes that add to one plan at the same moment: both land.
#[test]
fn no_addition_is_lost_when_two_processes_add_at_once() {
    let sandbox = Sandbox::new();
    const ROUNDS: usize = 100;
    let base = sandbox.head("main");
    let tree = sandbox.head("main^{tree}");
    let mut script = String::new();
    for round in 0..ROUNDS {
        for side in ["l", "r"] {
            let commit = sandbox.git(&["commit-tree", "-p", &base, "-m", &format!("{side}{round}"), &tree]);
            script.push_str(&format!("create refs/heads/{side}{round} {commit}\n"));
        }
    }
    let file = sandbox.root.path().join("refs");
    std::fs::write(&file, script).unwrap();
    let done =
        sandbox.command("git", &sandbox.repo).args(["update-ref", "--stdin"]).stdin(std::fs::File::open(file).unwrap()).status().unwrap();
    assert!(done.success());
    sandbox.lex_fed(&["plan", "import", "-"], r#"{"schemaVersion":"2.0.0","target":"main"}"#).exits(0);
    for round in 0..ROUNDS {
        let mut both: Vec<_> = ["l", "r"]
            .map(|side| sandbox.lex_command(&sandbox.repo, &["plan", "add", "default", &format!("{side}{round}")]).spawn().unwrap())
            .into();
        for child in &mut both {
            assert!(child.wait().unwrap().success());
        }
    }
    assert_eq!(names(&sandbox.json(&["plan", "show"], 0)).len(), 2 * ROUNDS);
    assert_eq!(sandbox.git(&["rev-list", "--count", "refs/lex-pr/plans/default"]), (2 * ROUNDS + 1).to_string());
    sandbox.sound();
}
