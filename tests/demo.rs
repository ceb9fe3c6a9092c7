//! The demo is the real engine on a real repository.

use crate::sandbox::{Sandbox, detail, status};

#[test]
fn the_demo_lands_what_holds_and_leaves_a_sound_repository() {
    let sandbox = Sandbox::new();
    // The demo makes its own repository; nothing of the user's may be needed.
    std::fs::remove_file(sandbox.root.path().join("home/.gitconfig")).unwrap();
    let shop = sandbox.root.path().join("shop");
    let said = sandbox.lex_in(sandbox.root.path(), &["demo", "shop"]).exits(0);
    for words in ["10 items", "9 of 10 would land", "landed 7 of 10 on main", "flaky: network", "Try next:"] {
        assert!(said.stdout.contains(words), "{words} in {}", said.stdout);
    }
    assert_eq!(sandbox.git_in(&shop, &["fsck", "--strict", "--no-dangling"]), "");
    assert_eq!(sandbox.git_in(&shop, &["status", "--porcelain"]), "");
    let run = sandbox.lex_in(&shop, &["report", "--json"]).exits(1).json();
    assert_eq!(sandbox.git_in(&shop, &["rev-parse", "main"]), run["tip"].as_str().unwrap());
    assert_eq!((status(&run, "docs/shout"), detail(&run, "docs/shout")), ("skipped-conflict", "conflicts with cart/base in README.md:1"));
    assert_eq!((status(&run, "fix/price"), status(&run, "report/daily")), ("skipped-gates", "skipped-gates"));
    assert_eq!(detail(&run, "cart/add"), "clean, 1 file; flaky: network");

    // What it says of report/daily is true: alone it passes.
    sandbox.git_in(&shop, &["checkout", "-q", "report/daily"]);
    let alone = sandbox.command("sh", &shop).args(["-c", "for t in tests/*.sh; do sh $t || exit 1; done"]).status().unwrap();
    assert!(alone.success());

    // And what it says to try next works.
    std::fs::write(shop.join("report.sh"), ". lib/total.sh\necho \"today: $(total 2>/dev/null || sum)\"\n").unwrap();
    sandbox.git_in(&shop, &["commit", "-qam", "Mend"]);
    sandbox.lex_in(&shop, &["plan", "add", "demo", "report/daily"]).exits(0);
    let again = sandbox.lex_in(&shop, &["merge", "demo", "--execute", "--json"]).exits(1).json();
    assert_eq!(status(&again, "report/daily"), "merged");

    let twice = sandbox.lex_in(sandbox.root.path(), &["demo", "shop"]).exits(2);
    assert!(twice.stderr.contains("is not empty"), "{}", twice.stderr);
}

#[test]
fn the_demo_names_its_folder_as_a_shell_takes_it() {
    let sandbox = Sandbox::new();
    let said = sandbox.lex_in(sandbox.root.path(), &["demo", "sp ace/it's"]).exits(0).stdout;
    assert!(said.contains(r"  cd './sp ace/it'\''s'"), "{said}");
}

#[test]
fn the_users_git_settings_do_not_reach_the_demo() {
    let sandbox = Sandbox::new();
    let hooks = sandbox.root.path().join("hooks");
    std::fs::create_dir(&hooks).unwrap();
    for hook in ["post-checkout", "reference-transaction", "pre-commit"] {
        std::fs::write(hooks.join(hook), "#!/bin/sh\necho the hook says no >&2\nexit 1\n").unwrap();
        std::fs::set_permissions(hooks.join(hook), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    for (key, value) in [("core.autocrlf", "true"), ("core.eol", "crlf"), ("commit.gpgsign", "true"), ("gpg.program", "false")] {
        sandbox.git(&["config", "--global", key, value]);
    }
    sandbox.git(&["config", "--global", "core.hooksPath", hooks.to_str().unwrap()]);
    let mut demo = sandbox.lex_command(sandbox.root.path(), &["demo", "shop"]);
    let said = demo.env("GIT_DEFAULT_REF_FORMAT", "reftable").output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(said.status.success() && stdout.contains("landed 7 of 10 on main"), "{stdout}{stderr}");
    let shop = sandbox.root.path().join("shop");
    std::fs::write(shop.join("report.sh"), "x\n").unwrap();
    sandbox.git_in(&shop, &["add", "report.sh"]);
    sandbox.git_in(&shop, &["commit", "-qm", "What the demo says to try next"]);
}

#[test]
fn a_demo_that_comes_out_otherwise_fails() {
    let sandbox = Sandbox::new();
    let tools = sandbox.root.path().join("tools");
    std::fs::create_dir(&tools).unwrap();
    std::fs::write(tools.join("awk"), "#!/bin/sh\nexit 1\n").unwrap();
    std::fs::set_permissions(tools.join("awk"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    let said = sandbox.lex_command(sandbox.root.path(), &["demo", "shop"]).env("PATH", path).output().unwrap();
    let stderr = String::from_utf8_lossy(&said.stderr);
    assert_eq!(said.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("came out otherwise") && stderr.contains("hint: its gates need"), "{stderr}");
}

#[test]
fn a_demo_where_a_file_is_says_so() {
    let sandbox = Sandbox::new();
    for place in ["base.txt", "base.txt/shop"] {
        let error = sandbox.json(&["demo", place], 2)["error"].clone();
        assert_eq!((error["code"].as_str(), error["hint"].as_str()), (Some("not-a-folder"), Some("name a folder that does not exist yet")));
    }
}

#[test]
fn every_demo_has_the_same_commits() {
    let sandbox = Sandbox::new();
    let tips: Vec<_> = ["one", "two"]
        .map(|dir| sandbox.lex_in(sandbox.root.path(), &["demo", dir, "--json"]).exits(0).json()["run"]["tip"].clone())
        .into();
    assert_eq!(tips[0], tips[1]);
}
