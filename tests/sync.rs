//! Clones that sync with one remote: what travels, what is merged, what is shown, and what is not let in.

use crate::sandbox::{Sandbox, ran};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    sync::Mutex,
};

/// A bare repository that `sandbox.repo` and further clones have as `origin`.
struct Hub {
    sandbox: Sandbox,
    bare: PathBuf,
}

impl Hub {
    /// With three branches, a gate, and a first clone.
    fn new() -> Hub {
        let sandbox = Sandbox::new();
        sandbox.config(
            "[[gate]]\nname = \"t\"\nrun = 'echo x >> $HOME/ran'\n[policy.overrides]\nadmin-green = { allowed-users = [\"Tess\"] }\n",
        );
        for name in ["a", "b", "c"] {
            sandbox.branch(name, "main", name, &[(&format!("{name}.txt"), "x\n")]);
        }
        let bare = sandbox.root.path().join("hub.git");
        sandbox.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
        sandbox.git(&["remote", "add", "origin", bare.to_str().unwrap()]);
        Hub { sandbox, bare }
    }

    fn clone(&self, name: &str) -> PathBuf {
        let dir = self.sandbox.root.path().join(name);
        self.sandbox.git_in(self.sandbox.root.path(), &["clone", "-q", self.bare.to_str().unwrap(), name]);
        for branch in ["a", "b", "c"] {
            self.sandbox.git_in(&dir, &["branch", "-q", branch, &format!("origin/{branch}")]);
        }
        dir
    }

    #[track_caller]
    fn lex(&self, dir: &Path, args: &[&str]) -> String {
        self.sandbox.lex_in(dir, args).exits(0).stdout
    }

    #[track_caller]
    fn sync(&self, dir: &Path, args: &[&str], status: i32) -> Value {
        self.sandbox.lex_in(dir, &[&["sync", "--json"], args].concat()).exits(status).json()
    }

    /// What is exchanged, as a repository has it.
    fn refs(&self, dir: &Path) -> String {
        let refs = ["refs/lex-pr/plans", "refs/lex-pr/runs", "refs/lex-pr/resolutions", "refs/lex-pr/deleted", "refs/notes/lex-pr"];
        self.sandbox.git_in(dir, &[&["for-each-ref", "--format=%(refname) %(objectname)"], &refs[..]].concat())
    }

    fn plan(&self, dir: &Path, name: &str) -> Value {
        serde_json::from_str(&self.sandbox.git_in(dir, &["show", &format!("refs/lex-pr/plans/{name}:plan.json")])).unwrap()
    }

    /// Move a ref of the bare repository to what `object` names there.
    fn plant(&self, name: &str, object: &str) {
        self.sandbox.git_in(&self.bare, &["update-ref", name, object]);
    }

    /// A commit of a tree of `files` in the bare repository.
    fn commit(&self, files: &[(&str, &[u8])], parents: &[&str]) -> String {
        let index = self.bare.join("index");
        let _ = std::fs::remove_file(&index);
        for (path, content) in files {
            let file = self.sandbox.root.path().join("content");
            std::fs::write(&file, content).unwrap();
            let blob = self.sandbox.git_in(&self.bare, &["hash-object", "-w", file.to_str().unwrap()]);
            self.sandbox.git_in(&self.bare, &["update-index", "--add", "--cacheinfo", &format!("100644,{blob},{path}")]);
        }
        let tree = self.sandbox.git_in(&self.bare, &["write-tree"]);
        let parents: Vec<&str> = parents.iter().flat_map(|parent| ["-p", *parent]).collect();
        self.sandbox.git_in(&self.bare, &[&["commit-tree", &tree, "-m", "planted"], &parents[..]].concat())
    }

    #[track_caller]
    fn sound(&self, dirs: &[&Path]) {
        for dir in dirs {
            assert_eq!(self.sandbox.git_in(dir, &["fsck", "--strict", "--no-dangling"]), "");
        }
        self.sandbox.sound();
    }
}

fn item<'v>(plan: &'v Value, name: &str) -> Option<&'v Value> {
    plan["items"].as_array().unwrap().iter().find(|item| item["name"] == name)
}

#[test]
fn everything_travels_and_nothing_else_is_touched() {
    let hub = Hub::new();
    let (one, two) = (hub.sandbox.repo.clone(), hub.clone("two"));
    hub.lex(&one, &["plan", "create", "--name", "p", "a", "b"]);
    hub.lex(&one, &["execute", "p"]);
    hub.lex(&one, &["gate", "override", "a", "t", "--plan", "p", "--reason", "why not"]);
    let said = hub.lex(&one, &["sync"]);
    assert_eq!(said, "given to origin: plan p (new), 1 run, verdicts, item notes\n");
    assert_eq!(hub.refs(&hub.bare), hub.refs(&one));

    let before = hub.sandbox.git_in(&two, &["for-each-ref", "refs/heads", "refs/remotes", "refs/tags"]);
    let said = hub.lex(&two, &["sync", "origin"]);
    assert_eq!(said, "taken from origin: plan p (new), 1 run, 2 verdicts, 1 item note\n");
    assert_eq!(hub.refs(&two), hub.refs(&one));
    assert_eq!(hub.sandbox.git_in(&two, &["for-each-ref", "refs/heads", "refs/remotes", "refs/tags"]), before);
    assert!(!two.join(".git/FETCH_HEAD").exists() && hub.sandbox.git_in(&two, &["status", "--porcelain"]).is_empty());
    assert_eq!(hub.lex(&two, &["sync"]), "in step with origin\n");

    // A verdict that was bought there is not bought here.
    let bought = ran(&hub.sandbox);
    hub.lex(&two, &["merge", "p", "--execute"]);
    assert_eq!((ran(&hub.sandbox), bought), (2, 2));
    hub.lex(&two, &["sync", hub.bare.to_str().unwrap()]);
    hub.lex(&one, &["sync"]);
    assert!(hub.lex(&one, &["report", "p"]).contains("landed 2 of 2"), "the journal of the other clone");
    assert_eq!(hub.refs(&one), hub.refs(&two));
    let schema = jsonschema::validator_for(&hub.sandbox.lex(&["schema", "sync"]).exits(0).json()).unwrap();
    let bare = hub.sandbox.root.path().join("other.git");
    hub.sandbox.git(&["init", "-q", "--bare", bare.to_str().unwrap()]);
    for (said, given) in [(hub.sync(&one, &[], 0), false), (hub.sync(&one, &[bare.to_str().unwrap()], 0), true)] {
        assert!(schema.is_valid(&said) && said["given"].to_string().contains("verdicts") == given, "{said}");
    }
    hub.sound(&[&hub.bare, &two]);
}

#[test]
fn plans_that_diverged_are_merged_item_by_item_and_a_conflict_is_shown() {
    let hub = Hub::new();
    let (one, two) = (hub.sandbox.repo.clone(), hub.clone("two"));
    hub.lex(&one, &["plan", "create", "--name", "p", "a"]);
    hub.lex(&one, &["sync"]);
    hub.lex(&two, &["sync"]);
    let base = hub.sandbox.git_in(&one, &["rev-parse", "refs/lex-pr/plans/p"]);
    hub.lex(&one, &["plan", "add", "p", "b"]);
    hub.lex(&two, &["plan", "add", "p", "c"]);
    hub.lex(&one, &["sync"]);
    let parents = [&two, &one].map(|dir| hub.sandbox.git_in(dir, &["rev-parse", "refs/lex-pr/plans/p"]));
    let said = hub.lex(&two, &["sync"]);
    assert_eq!(said, "taken from origin: plan p (merged)\ngiven to origin: plan p (merged)\n");
    let plan = hub.plan(&two, "p");
    assert!(["a", "b", "c"].iter().all(|name| item(&plan, name).is_some()), "{plan}");
    assert_eq!(hub.sandbox.git_in(&two, &["log", "-1", "--format=%P", "refs/lex-pr/plans/p"]), parents.join(" "));
    let log = hub.lex(&two, &["plan", "log", "p"]);
    assert_eq!(log.lines().count(), 4, "{log}");
    assert_eq!(hub.sandbox.lex_in(&two, &["plan", "diff", "p", "~2", "~0", "--json"]).exits(0).json().as_array().unwrap().len(), 2);
    assert_eq!(hub.sandbox.git_in(&two, &["merge-base", &parents[0], &parents[1]]), base);
    hub.lex(&one, &["sync"]);
    assert_eq!(hub.refs(&one), hub.refs(&two));

    // The same value in two ways, besides others that are no conflict: the plan stands as it is on each side, the rest is exchanged.
    hub.lex(&one, &["plan", "add", "p", "a", "--strategy", "squash"]);
    hub.lex(&two, &["plan", "add", "p", "a", "--strategy", "rebase"]);
    hub.lex(&one, &["plan", "create", "--name", "q", "b"]);
    hub.lex(&one, &["sync"]);
    let mine = hub.sandbox.git_in(&two, &["rev-parse", "refs/lex-pr/plans/p"]);
    let said = hub.sync(&two, &[], 1);
    assert_eq!(said["conflicts"][0]["clashes"], serde_json::json!([{"path": "items.a.strategy", "here": "rebase", "there": "squash"}]));
    assert_eq!(said["taken"][0]["name"], "q");
    let kept = said["conflicts"][0]["kept"].as_str().unwrap();
    let theirs = hub.sandbox.git_in(&one, &["rev-parse", "refs/lex-pr/plans/p"]);
    assert_eq!(hub.sandbox.git_in(&two, &["rev-parse", kept, "refs/lex-pr/plans/p"]), format!("{theirs}\n{mine}"));
    assert_eq!(hub.sandbox.git_in(&hub.bare, &["rev-parse", "refs/lex-pr/plans/p"]), theirs);
    let text = hub.sandbox.lex_in(&two, &["sync"]).exits(1).stdout;
    assert!(text.contains("a.strategy: \"rebase\" here, \"squash\" there") && text.contains("--take here"), "{text}");
    hub.lex(&two, &["sync", "--take", "there"]);
    hub.lex(&one, &["sync"]);
    // One takes an item away that the other one goes on with.
    hub.lex(&one, &["plan", "remove", "p", "c"]);
    hub.lex(&two, &["plan", "add", "p", "c", "--priority", "3", "--strategy", "squash"]);
    hub.lex(&one, &["sync"]);
    let text = hub.sandbox.lex_in(&two, &["sync"]).exits(1).stdout;
    assert!(text.contains("  c: changed here (strategy merge -> squash, priority 0 -> 3), removed there\n"), "{text}");
    hub.lex(&two, &["sync", "--take", "here"]);
    hub.lex(&one, &["sync"]);
    assert_eq!(item(&hub.plan(&one, "p"), "c").unwrap()["priority"], 3);
    // Each by itself is a plan, both together go round in a circle.
    hub.lex(&one, &["plan", "add", "p", "a", "--depends-on", "b"]);
    hub.lex(&two, &["plan", "add", "p", "b", "--depends-on", "a"]);
    hub.lex(&one, &["sync"]);
    let text = hub.sandbox.lex_in(&two, &["sync"]).exits(1).stdout;
    assert!(text.contains("would be no plan: the dependencies go round in a circle"), "{text}");
    hub.lex(&two, &["sync", "--take", "there"]);
    hub.lex(&one, &["sync"]);
    assert_eq!(item(&hub.plan(&one, "p"), "a").unwrap()["strategy"], "squash");
    assert_eq!(hub.refs(&one), hub.refs(&two));
    hub.sound(&[&hub.bare, &two]);
}

#[test]
fn a_journal_goes_on_and_one_that_was_written_twice_is_shown() {
    let hub = Hub::new();
    let (one, two) = (hub.sandbox.repo.clone(), hub.clone("two"));
    hub.lex(&one, &["plan", "create", "--name", "p", "a"]);
    hub.lex(&one, &["merge", "p", "--execute"]);
    hub.lex(&one, &["sync"]);
    hub.lex(&two, &["sync"]);
    hub.lex(&one, &["undo", "--execute"]);
    hub.lex(&one, &["sync"]);
    let said = hub.sync(&two, &[], 0);
    assert_eq!((&said["taken"][0]["kind"], &said["taken"][0]["how"]), (&"run".into(), &"forward".into()));
    assert!(hub.sandbox.lex_in(&two, &["report", "p"]).stdout.contains("undone"));
    let run = hub.sandbox.git_in(&two, &["for-each-ref", "--format=%(refname)", "refs/lex-pr/runs"]);
    for (dir, word) in [(&one, "one"), (&two, "two")] {
        let tree = hub.sandbox.git_in(dir, &["rev-parse", &format!("{run}^{{tree}}")]);
        let step = hub.sandbox.git_in(dir, &["commit-tree", &tree, "-p", &run, "-m", word]);
        hub.sandbox.git_in(dir, &["update-ref", &run, &step]);
    }
    hub.lex(&one, &["sync"]);
    let here = hub.sandbox.git_in(&two, &["rev-parse", &run]);
    let said = hub.sandbox.lex_in(&two, &["sync"]).exits(1).stdout;
    assert!(said.contains("was written here and there") && said.contains("git lex-pr sync origin --take here"), "{said}");
    assert_eq!(hub.sandbox.git_in(&two, &["rev-parse", &run]), here);
    let kept = hub.sync(&two, &[], 1)["conflicts"][0]["kept"].as_str().unwrap().to_string();
    let there = hub.sandbox.git_in(&one, &["rev-parse", &run]);
    assert_eq!(hub.sandbox.git_in(&two, &["rev-parse", &kept]), there);
    // Whichever is taken, it is the journal of both from then on, and neither is lost.
    hub.sync(&two, &["--take", "there"], 0);
    hub.sync(&one, &[], 0);
    assert_eq!(hub.refs(&one), hub.refs(&two));
    assert_eq!(hub.sandbox.git_in(&two, &["log", "-1", "--format=%P%n%s", &run]), format!("{there} {here}\none"));
    hub.sound(&[&hub.bare, &two]);
}

#[test]
fn a_deleted_plan_is_deleted_everywhere_unless_somebody_went_on_with_it() {
    let hub = Hub::new();
    let (one, two) = (hub.sandbox.repo.clone(), hub.clone("two"));
    for plan in ["p", "q", "r"] {
        hub.lex(&one, &["plan", "create", "--name", plan, "a"]);
    }
    hub.lex(&one, &["sync"]);
    hub.lex(&two, &["sync"]);
    let last = hub.sandbox.git_in(&one, &["rev-parse", "refs/lex-pr/plans/p"]);
    for plan in ["p", "q", "r"] {
        hub.lex(&one, &["plan", "delete", plan]);
    }
    // A plan that begins anew under an old name, and a folder where a plan was.
    hub.lex(&one, &["plan", "create", "--name", "r", "b"]);
    hub.lex(&one, &["plan", "create", "--name", "p/below", "b"]);
    hub.lex(&two, &["plan", "add", "q", "b"]);
    hub.lex(&one, &["sync"]);
    assert_eq!(hub.sandbox.git_in(&hub.bare, &["for-each-ref", "--format=%(refname:lstrip=3)", "refs/lex-pr/plans"]), "p/below\nr");
    let said = hub.sandbox.lex_in(&two, &["sync"]).exits(0);
    assert!(said.stdout.contains("plan p (deleted)") && said.stderr.contains("plan restore p"), "{}{}", said.stdout, said.stderr);
    assert!(said.stderr.contains("plan q was deleted elsewhere and lives on"), "{}", said.stderr);
    assert!(!hub.sandbox.lex_in(&two, &["sync"]).exits(0).stderr.contains("lives on"), "said once");
    hub.lex(&one, &["sync"]);
    assert_eq!(hub.refs(&one), hub.refs(&two));
    assert_eq!(hub.sandbox.git_in(&one, &["for-each-ref", "--format=%(refname:lstrip=3)", "refs/lex-pr/plans"]), "p/below\nq\nr");
    assert!(item(&hub.plan(&one, "q"), "b").is_some() && item(&hub.plan(&two, "r"), "b").is_some());
    // No revision is lost, and one that is brought back stays.
    hub.lex(&two, &["plan", "delete", "p/below"]);
    hub.lex(&two, &["plan", "restore", "p", &last]);
    hub.lex(&two, &["sync"]);
    hub.lex(&one, &["sync"]);
    assert!(item(&hub.plan(&one, "p"), "a").is_some());
    // The very same commit again, within the same second.
    let dated = |args: &[&str]| {
        let said = hub.sandbox.lex_command(&one, args).env("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z").output().unwrap();
        assert!(said.status.success());
    };
    dated(&["plan", "create", "--name", "s", "a"]);
    dated(&["plan", "delete", "s"]);
    dated(&["plan", "create", "--name", "s", "a"]);
    hub.lex(&one, &["sync"]);
    hub.lex(&two, &["sync"]);
    assert!(item(&hub.plan(&two, "s"), "a").is_some());
    hub.sound(&[&hub.bare, &two]);
}

#[test]
fn a_deletion_deletes_the_plan_that_it_names_and_no_other_one_of_the_same_revisions() {
    let hub = Hub::new();
    let (one, two) = (hub.sandbox.repo.clone(), hub.clone("two"));
    let plans = |dir: &Path| hub.sandbox.git_in(dir, &["for-each-ref", "--format=%(refname:lstrip=3)", "refs/lex-pr/plans"]);
    // Two of one commit, since they were made in one second; and one that somebody has renamed in git's own way.
    for name in ["one", "two"] {
        let mut made = hub.sandbox.lex_command(&one, &["plan", "create", "--name", name, "a"]);
        assert!(made.env("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z").output().unwrap().status.success());
    }
    hub.lex(&one, &["plan", "create", "--name", "old", "b"]);
    hub.lex(&one, &["plan", "add", "old", "c"]);
    hub.sandbox.git(&["update-ref", "refs/lex-pr/plans/new", "refs/lex-pr/plans/old"]);
    assert_eq!(hub.sandbox.head("refs/lex-pr/plans/one"), hub.sandbox.head("refs/lex-pr/plans/two"));
    hub.lex(&one, &["sync"]);
    hub.lex(&two, &["sync"]);
    let last = hub.sandbox.head("refs/lex-pr/plans/old");
    hub.lex(&one, &["plan", "delete", "one"]);
    hub.lex(&one, &["plan", "delete", "old"]);
    for dir in [&one, &two, &one] {
        hub.lex(dir, &["sync"]);
        assert_eq!(plans(dir), "new\ntwo");
    }
    assert_eq!(plans(&hub.bare), "new\ntwo");
    // The command that a deletion prints works though a new plan has the name by now, and finds nothing of other plans.
    hub.lex(&two, &["plan", "create", "--name", "old", "a"]);
    hub.lex(&two, &["plan", "restore", "old", &last[..7]]);
    assert!(item(&hub.plan(&two, "old"), "c").is_some());
    let said = hub.sandbox.lex_in(&two, &["plan", "restore", "one", &last[..7]]).exits(2);
    assert!(said.stderr.contains("plan `one` has no revision"), "{}", said.stderr);
    hub.sandbox.lex_in(&two, &["plan", "restore", "never", &last[..7]]).exits(2);
    hub.sound(&[&hub.bare, &two]);
}

#[test]
fn resolutions_are_united_and_what_was_forgotten_stays_forgotten() {
    let hub = Hub::new();
    let (one, two) = (hub.sandbox.repo.clone(), hub.clone("two"));
    let keys = |dir: &Path| -> Vec<String> {
        let listed = hub.sandbox.lex_in(dir, &["resolutions", "list", "--json"]).exits(0).json();
        listed.as_array().unwrap().iter().map(|one| one["key"].as_str().unwrap().to_string()).collect()
    };
    let learn_as = |dir: &Path, name: &str, made: &str| {
        let git = |args: &[&str]| hub.sandbox.git_in(dir, args);
        git(&["checkout", "-q", "--detach", "main~1"]);
        let start = git(&["rev-parse", "HEAD"]);
        let side = |text: &str| {
            git(&["checkout", "-q", "--detach", &start]);
            std::fs::write(dir.join("base.txt"), format!("one\n{name} {text}\nthree\n")).unwrap();
            git(&["commit", "-q", "-a", "-m", text]);
            git(&["rev-parse", "HEAD"])
        };
        let (left, right) = (side("left"), side("right"));
        let _ = hub.sandbox.command("git", dir).args(["merge", "-q", &left]).output().unwrap();
        std::fs::write(dir.join("base.txt"), format!("one\n{name} {made}\nthree\n")).unwrap();
        git(&["commit", "-q", "-a", "-m", "merge"]);
        hub.lex(dir, &["resolutions", "train", &format!("{right}..HEAD")]);
        git(&["checkout", "-q", "main"]);
    };
    let learn = |dir: &Path, name: &str| learn_as(dir, name, "both");
    learn(&one, "one");
    learn(&two, "two");
    let (of_one, of_two) = (keys(&one), keys(&two));
    assert!(!of_one.is_empty() && !of_two.is_empty() && of_one != of_two);
    hub.lex(&one, &["sync"]);
    hub.lex(&two, &["sync"]);
    hub.lex(&one, &["sync"]);
    assert_eq!(keys(&one).len(), of_one.len() + of_two.len());
    assert_eq!(hub.refs(&one), hub.refs(&two));
    hub.lex(&one, &["resolutions", "forget", &of_two[0]]);
    learn(&two, "more");
    hub.lex(&one, &["sync"]);
    hub.lex(&two, &["sync"]);
    hub.lex(&one, &["sync"]);
    assert!(!keys(&two).contains(&of_two[0]) && keys(&one) == keys(&two) && keys(&one).len() > of_one.len());

    // One conflict that both have resolved, each in another way: one of them stands, and it is said.
    let before = keys(&one);
    for (round, (args, stands)) in
        [(&[][..], "of one"), (&["--take", "here"][..], "of two"), (&["--take", "there"][..], "of one")].into_iter().enumerate()
    {
        let name = format!("same{round}");
        learn_as(&one, &name, "of one");
        learn_as(&two, &name, "of two");
        hub.lex(&one, &["sync"]);
        let said = hub.sandbox.lex_in(&two, &[&["sync"], args].concat()).exits(0);
        assert!(said.stderr.contains(" of base.txt was learnt here and there in two ways"), "{}", said.stderr);
        let other = said.stderr.lines().find_map(|line| line.split_once("the other one: git show ")).unwrap().1;
        let [one_shown, two_shown] = [&one, &two].map(|dir| {
            hub.lex(dir, &["sync"]);
            let key = keys(dir).into_iter().find(|key| hub.lex(dir, &["resolutions", "show", key]).contains(&name)).unwrap();
            hub.lex(dir, &["resolutions", "show", &key])
        });
        let lost = hub.sandbox.git_in(&two, &["show", other]);
        assert!(one_shown == two_shown && one_shown.contains(stands) && !lost.contains(stands), "{one_shown}{lost}");
    }
    let new: Vec<String> = keys(&one).into_iter().filter(|key| !before.contains(key)).collect();
    hub.lex(&one, &["resolutions", "forget", &new[0]]);
    hub.lex(&one, &["sync"]);
    assert_eq!(hub.lex(&two, &["sync"]), "taken from origin: 1 resolution forgotten\n");
    hub.sound(&[&hub.bare, &two]);
}

#[test]
fn what_is_hostile_is_not_let_in_and_the_rest_is_exchanged() {
    let hub = Hub::new();
    let one = hub.sandbox.repo.clone();
    hub.lex(&one, &["plan", "create", "--name", "mine", "a"]);
    hub.lex(&one, &["execute", "mine"]);
    hub.lex(&one, &["plan", "create", "--name", "d/f", "a"]);
    let blob = hub.sandbox.git_in(&hub.bare, &["rev-parse", "main:base.txt"]);
    let plan = std::fs::read(hub.sandbox.root.path().join("content")).unwrap_or_default();
    let good = hub.sandbox.git_in(&one, &["show", "refs/lex-pr/plans/mine:plan.json"]);
    let huge = format!("{{\"schemaVersion\":\"2.0.0\",\"target\":\"{}\"}}", "x".repeat(17 << 20));
    drop(plan);
    hub.plant("refs/lex-pr/plans/blob", &blob);
    for (name, text) in [
        ("json", "{"),
        ("newer", "{\"schemaVersion\":\"9.0.0\",\"target\":\"main\"}"),
        ("cycle", "{\"schemaVersion\":\"2.0.0\",\"target\":\"main\",\"items\":[{\"name\":\"a\",\"branch\":\"a\",\"deps\":[\"a\"]}]}"),
        ("huge", huge.as_str()),
        ("deep", &"[".repeat(200_000)),
        ("bad\u{202e}name", "[]"),
        ("-dash", &good),
        ("d", &good),
    ] {
        hub.plant(&format!("refs/lex-pr/plans/{name}"), &hub.commit(&[("plan.json", text.as_bytes())], &[]));
    }
    hub.plant("refs/lex-pr/plans/folder", &hub.commit(&[("plan.json/x", b"{}")], &[]));
    hub.plant("refs/lex-pr/plans/fine", &hub.commit(&[("plan.json", good.as_bytes())], &[]));
    hub.plant("refs/lex-pr/runs/1", &hub.commit(&[("run.json", b"{}")], &[]));
    hub.plant("refs/lex-pr/runs/2", &hub.commit(&[("other", b"{}")], &[]));
    hub.plant("refs/lex-pr/deleted", &blob);
    let nested: Vec<String> = (0..12).map(|depth| format!("{}x", "aa/".repeat(depth))).collect();
    let key = format!("{}/{}", "ab", "c".repeat(62));
    let resolutions: Vec<(&str, &[u8])> = nested.iter().map(|path| (path.as_str(), &b"x"[..])).chain([(key.as_str(), &b"y"[..])]).collect();
    hub.plant("refs/lex-pr/resolutions", &hub.commit(&resolutions, &[]));
    // Notes: two good lines among bad ones, a folder for a note, a file that is none.
    let note = b"{\"gate\":\"x\"}\n\x1b[2J\n\xff\xfe\nplain words\n{\"a\":\n";
    let notes: [(&str, &[u8]); 3] = [(&blob, note), ("zz", b"?"), ("ab/cd/x", b"?")];
    hub.plant("refs/notes/lex-pr/verdicts", &hub.commit(&notes, &[]));
    hub.plant("refs/notes/lex-pr/items", &blob);

    let verdicts = hub.sandbox.git_in(&one, &["notes", "--ref", "lex-pr/verdicts", "list"]);
    let said = hub.sync(&one, &[], 1);
    let refused: Vec<&str> = said["refused"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    for name in
        ["plans/blob", "plans/json", "plans/newer", "plans/cycle", "plans/huge", "plans/deep", "plans/-dash", "plans/d", "plans/d/f"]
    {
        assert!(refused.contains(&format!("refs/lex-pr/{name}").as_str()), "{name} in {said:#}");
    }
    for name in ["plans/folder", "runs/1", "runs/2", "deleted"] {
        assert!(refused.contains(&format!("refs/lex-pr/{name}").as_str()), "{name} in {said:#}");
    }
    assert!(refused.contains(&"refs/notes/lex-pr/items"), "{said:#}");
    let only_here = said["refused"].as_array().unwrap().iter().filter(|one| one["here"] == true).map(|one| &one["name"]);
    assert_eq!(only_here.collect::<Vec<_>>(), ["refs/lex-pr/plans/d/f"]);
    let plans = hub.sandbox.git_in(&one, &["for-each-ref", "--format=%(refname:lstrip=3)", "refs/lex-pr/plans"]);
    assert_eq!(plans, "d/f\nfine\nmine");
    let note = hub.sandbox.git_in(&one, &["notes", "--ref", "lex-pr/verdicts", "show", &blob]);
    assert_eq!(note, "plain words\n{\"a\":\n{\"gate\":\"x\"}");
    let now = hub.sandbox.git_in(&one, &["notes", "--ref", "lex-pr/verdicts", "list"]);
    assert!(verdicts.lines().all(|line| now.contains(line)));
    assert_eq!(now.lines().count(), verdicts.lines().count() + 1);
    assert!(hub.lex(&one, &["resolutions", "list"]).contains("no resolutions"));
    let cleaned =
        "entries of refs/lex-pr/resolutions on origin cannot be read as resolutions: they are left out, and what is there now is without";
    assert!(said["notes"].to_string().contains(cleaned), "{said:#}");
    assert_eq!(hub.sandbox.git_in(&hub.bare, &["ls-tree", "-r", "refs/lex-pr/resolutions"]), "");
    // Nothing of it breaks what reads all of something.
    for args in [&["plan", "list"][..], &["status"], &["gate", "stats"], &["merge", "mine"]] {
        hub.lex(&one, args);
    }
    // What was refused stands there as it did; what is sound went there, cleaned.
    assert_eq!(hub.sandbox.git_in(&hub.bare, &["rev-parse", "refs/lex-pr/plans/blob", "refs/lex-pr/deleted"]), format!("{blob}\n{blob}"));
    assert_eq!(
        hub.sandbox.git_in(&hub.bare, &["rev-parse", "refs/notes/lex-pr/verdicts"]),
        hub.sandbox.git_in(&one, &["rev-parse", "refs/notes/lex-pr/verdicts"])
    );
    let text = hub.sandbox.lex_in(&one, &["sync"]).exits(1).stdout;
    assert!(!text.contains('\u{202e}') && text.contains("not given: refs/lex-pr/plans/d/f"), "{text}");

    // Folders of folders, twice each, are as many as atoms.
    let mut tree = hub.sandbox.git_in(&hub.bare, &["rev-parse", "main^{tree}"]);
    for _ in 0..19 {
        let listing: String = (0..16).map(|at| format!("040000 tree {tree}\t{at:02x}\n")).collect();
        let file = hub.sandbox.root.path().join("listing");
        std::fs::write(&file, listing).unwrap();
        let made = hub.sandbox.command("git", &hub.bare).arg("mktree").stdin(std::fs::File::open(&file).unwrap()).output().unwrap();
        tree = String::from_utf8(made.stdout).unwrap().trim().to_string();
    }
    let bomb = hub.sandbox.git_in(&hub.bare, &["commit-tree", &tree, "-m", "bomb"]);
    let stands = hub.sandbox.git_in(&one, &["rev-parse", "refs/notes/lex-pr/verdicts"]);
    hub.plant("refs/notes/lex-pr/verdicts", &bomb);
    let said = hub.sync(&one, &[], 1);
    assert!(said["refused"].to_string().contains("more than 2000000 notes"), "{said:#}");
    assert_eq!(hub.sandbox.git_in(&one, &["rev-parse", "refs/notes/lex-pr/verdicts"]), stands);
    hub.sound(&[]);
}

#[test]
fn a_remote_that_takes_nothing_still_gives() {
    let hub = Hub::new();
    let (one, two) = (hub.sandbox.repo.clone(), hub.clone("two"));
    hub.lex(&one, &["plan", "create", "--name", "p", "a"]);
    hub.lex(&one, &["sync"]);
    let hook = hub.bare.join("hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\nexit 1\n").unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    hub.lex(&two, &["plan", "create", "--name", "q", "b"]);
    let error = hub.sync(&two, &[], 3)["error"].clone();
    assert_eq!((&error["code"], &error["class"]), (&"remote".into(), &"permanent".into()), "{error}");
    assert!(error["message"].as_str().unwrap().contains("hook declined"), "{error}");
    assert!(item(&hub.plan(&two, "p"), "a").is_some(), "what is there was taken over");
    hub.lex(&two, &["sync", "--fetch-only"]);
    // One that can only move refs one by one is no remote for this, however often it is asked.
    std::fs::remove_file(&hook).unwrap();
    hub.sandbox.git_in(&hub.bare, &["config", "receive.advertiseAtomic", "false"]);
    let error = hub.sync(&two, &[], 3)["error"].clone();
    assert_eq!(error["class"], "permanent", "{error}");
    assert!(error["hint"].as_str().unwrap().contains("git config receive.advertiseAtomic true"), "{error}");
    hub.sandbox.git_in(&hub.bare, &["config", "receive.advertiseAtomic", "true"]);
    hub.lex(&two, &["sync"]);
    hub.sandbox.git_in(&two, &["remote", "rename", "origin", "up"]);
    hub.sandbox.git_in(&two, &["remote", "add", "down", "."]);
    let error = hub.sync(&two, &[], 2)["error"].clone();
    assert_eq!((&error["message"], &error["hint"]), (&"there are 2 remotes".into(), &"name one of: down, up".into()));
    hub.sandbox.git_in(&two, &["remote", "rename", "up", "origin"]);
    let mut said = hub.sandbox.lex_in(&two, &["sync", "orgin"]).exits(2);
    assert!(said.stderr.contains("did you mean `origin`?"), "{}", said.stderr);
    said = hub.sandbox.lex_in(&two, &["sync", "/no/such/place"]).exits(3);
    assert!(said.stderr.contains("permanent"), "{}", said.stderr);
    hub.sound(&[&two]);
}

#[test]
fn a_remote_that_fails_again_and_again_is_left_alone_for_a_while() {
    let hub = Hub::new();
    let one = hub.sandbox.repo.clone();
    // Nobody listens there: git's own words, by its own protocol.
    hub.sandbox.git(&["remote", "set-url", "origin", "git://127.0.0.1:1/nowhere"]);
    for _ in 0..3 {
        let error = hub.sync(&one, &[], 3)["error"].clone();
        assert_eq!((&error["code"], &error["class"]), (&"remote".into(), &"transient".into()), "{error}");
    }
    let error = hub.sync(&one, &[], 3)["error"].clone();
    assert_eq!(error["code"], "remote-rests");
    assert!(
        error["message"].as_str().unwrap().contains("3 times in a row") && error["hint"].as_str().unwrap().contains("--now"),
        "{error}"
    );
    let file = one.join(".git/lex-pr-remotes");
    assert!(std::fs::read_to_string(&file).unwrap().contains("restsUntil"));
    // Another place is another remote; and one that answers is forgiven.
    let url = hub.bare.to_str().unwrap();
    hub.lex(&one, &["sync", url]);
    hub.sandbox.git(&["remote", "set-url", "origin", url]);
    hub.lex(&one, &["sync"]);
    hub.sandbox.git(&["remote", "set-url", "origin", "git://127.0.0.1:1/nowhere"]);
    std::fs::write(&file, "nonsense").unwrap();
    assert_eq!(hub.sync(&one, &[], 3)["error"]["code"], "remote");
    assert_eq!(hub.sync(&one, &["--now"], 3)["error"]["code"], "remote");
    hub.sound(&[]);
}

/// SIGKILL at moments spread over a sync: nothing is half done there, nothing is lost, and the next sync does the rest.
#[test]
fn a_sync_that_is_killed_at_any_moment_is_done_by_the_next_one() {
    let hub = Hub::new();
    let (one, two) = (hub.sandbox.repo.clone(), hub.clone("two"));
    hub.lex(&one, &["plan", "create", "--name", "p", "a"]);
    hub.lex(&one, &["execute", "p"]);
    hub.lex(&one, &["sync"]);
    hub.lex(&two, &["sync"]);
    let whole = std::time::Instant::now();
    hub.lex(&two, &["sync"]);
    let (whole, kills) = (whole.elapsed().mul_f64(1.5), 12);
    for kill in 0..kills {
        // Each side has something new in everything: a plan each, one that both have changed, a verdict and a deletion.
        for (dir, word) in [(&one, "one"), (&two, "two")] {
            hub.lex(dir, &["plan", "create", "--name", &format!("{word}/{kill}"), "a"]);
            hub.lex(dir, &["plan", "create", "--name", &format!("gone-{word}"), "b"]);
            hub.lex(dir, &["plan", "delete", &format!("gone-{word}")]);
            let line = format!("{{\"gate\":\"{word}-{kill}\"}}");
            hub.sandbox.git_in(dir, &["notes", "--ref", "lex-pr/verdicts", "append", "-m", &line, "HEAD^{tree}"]);
        }
        hub.lex(&one, &["plan", "add", "p", "a", "--strategy", ["squash", "rebase"][kill % 2]]);
        hub.lex(&two, &["plan", "add", "p", ["b", "c"][kill % 2]]);
        hub.lex(&one, &["sync", "--take", "here"]);
        let before = hub.refs(&hub.bare);
        let mut child = hub
            .sandbox
            .lex_command(&two, &["sync", "--take", "here"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(whole.mul_f64(kill as f64 / kills as f64));
        child.kill().unwrap();
        child.wait().unwrap();
        // Git may be at it still, which ends with its work done or not begun.
        let mut after = hub.refs(&hub.bare);
        loop {
            std::thread::sleep(std::time::Duration::from_millis(200));
            let now = hub.refs(&hub.bare);
            if std::mem::replace(&mut after, now.clone()) == now {
                break;
            }
        }
        let stands = |name: &str| after.lines().any(|line| line.starts_with(name) && before.contains(line));
        let moved = ["refs/notes/lex-pr/verdicts ", "refs/lex-pr/deleted "].map(|name| !stands(name));
        let new = after.contains(&format!("plans/two/{kill} "));
        assert!(moved == [new; 2], "all or none: {before}\n{after}");
        hub.lex(&two, &["sync", "--take", "here"]);
        hub.lex(&one, &["sync", "--take", "here"]);
        assert_eq!(hub.refs(&one), hub.refs(&hub.bare), "kill {kill}");
        assert_eq!(hub.refs(&two), hub.refs(&hub.bare), "kill {kill}");
        let verdicts = hub.sandbox.git_in(&two, &["notes", "--ref", "lex-pr/verdicts", "show", "HEAD^{tree}"]);
        assert!((0..=kill).all(|at| verdicts.contains(&format!("one-{at}")) && verdicts.contains(&format!("two-{at}"))), "{verdicts}");
        let plans = hub.refs(&hub.bare);
        assert!((0..=kill).all(|at| plans.contains(&format!("plans/one/{at} ")) && plans.contains(&format!("plans/two/{at} "))), "{plans}");
        assert!(!plans.contains("gone-"), "{plans}");
    }
    hub.sound(&[&hub.bare, &two]);
}

/// Ten clones at random, two at a time, against one bare repository: in the end all have the same refs, and every verdict.
/// `LEX_PR_SYNC_ROUNDS=1000` does more of it, `LEX_PR_SYNC_SEED` something else.
#[test]
fn ten_clones_that_sync_at_random_end_alike_with_every_verdict() {
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (rounds, seed) = (number("LEX_PR_SYNC_ROUNDS", 20), number("LEX_PR_SYNC_SEED", 1));
    let hub = Hub::new();
    let clones: Vec<PathBuf> = (0..10).map(|at| hub.clone(&format!("clone{at}"))).collect();
    hub.lex(&clones[0], &["plan", "create", "--name", "p", "a"]);
    hub.lex(&clones[0], &["sync"]);
    for clone in &clones {
        hub.lex(clone, &["sync"]);
    }
    let lines: Mutex<Vec<(String, String)>> = Mutex::default();
    let mut dice = fastrand::Rng::with_seed(seed);
    for round in 0..rounds {
        let first = dice.usize(..10);
        let pair = [first, (first + dice.usize(1..10)) % 10];
        std::thread::scope(|scope| {
            for (at, clone) in pair.into_iter().enumerate() {
                let (hub, lines, mut dice, clone) = (&hub, &lines, dice.fork(), &clones[clone]);
                scope.spawn(move || {
                    for step in 0..dice.usize(1..4) {
                        let word = format!("r{round}-{at}-{step}");
                        act(hub, clone, &word, &mut dice, lines);
                    }
                    if dice.u8(..4) > 0 {
                        let said = hub.sandbox.lex_in(clone, &["sync", "--take", "here"]);
                        assert!(said.status == 0, "{}{}", said.stdout, said.stderr);
                    }
                });
            }
        });
    }
    for clone in clones.iter().chain(&clones) {
        hub.lex(clone, &["sync", "--take", "here"]);
    }
    let refs = hub.refs(&hub.bare);
    for clone in &clones {
        assert_eq!(hub.refs(clone), refs, "{}", clone.display());
    }
    let lines = lines.into_inner().unwrap();
    let notes = hub.sandbox.git_in(&clones[3], &["grep", "-h", "-o", "verdict-r[0-9-]*", "refs/notes/lex-pr/verdicts"]);
    let notes: std::collections::HashSet<&str> = notes.lines().collect();
    assert!(!lines.is_empty() && lines.iter().all(|(_, word)| notes.contains(word.as_str())), "{} of {}", notes.len(), lines.len());
    hub.sound(&[&hub.bare, &clones[0], &clones[9]]);
    println!("{rounds} rounds: {} verdicts, {} refs, alike in ten clones", lines.len(), refs.lines().count());
}

/// Something that somebody does in a clone.
fn act(hub: &Hub, clone: &Path, word: &str, dice: &mut fastrand::Rng, lines: &Mutex<Vec<(String, String)>>) {
    let git = |args: &[&str]| hub.sandbox.git_in(clone, args);
    match dice.u8(..8) {
        // A verdict, as git itself adds a line to a note; often on the same tree as others.
        0..=3 => {
            let tree = git(&["rev-parse", &format!("{}^{{tree}}", dice.choice(["main", "a", "b", "c"]).unwrap())]);
            let line = format!("{{\"gate\":\"verdict-{word}\"}}");
            git(&["notes", "--ref", "lex-pr/verdicts", "append", "-m", &line, &tree]);
            lines.lock().unwrap().push((tree, format!("verdict-{word}")));
        }
        4 => drop(hub.sandbox.lex_in(clone, &["plan", "add", "p", dice.choice(["b", "c"]).unwrap()])),
        5 => drop(hub.sandbox.lex_in(clone, &["plan", "add", "p", "a", "--strategy", dice.choice(["merge", "squash", "rebase"]).unwrap()])),
        6 => drop(hub.sandbox.lex_in(clone, &["plan", "create", "--name", &format!("plan/{word}"), "a"])),
        _ => {
            let plans = git(&["for-each-ref", "--format=%(refname:lstrip=3)", "refs/lex-pr/plans/plan"]);
            if let Some(plan) = dice.choice(plans.lines().collect::<Vec<_>>()) {
                drop(hub.sandbox.lex_in(clone, &["plan", "delete", plan]));
            }
        }
    }
}
