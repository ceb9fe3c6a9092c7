//! Who conflicts with whom, held against git.

use crate::{history::Dice, sandbox::Sandbox};
use serde_json::json;

#[test]
fn every_pair_is_gits() {
    let sandbox = Sandbox::new();
    let lines = |changed: usize| (0..20).map(|n| format!("line {n}{}\n", if n == changed { " changed" } else { "" })).collect::<String>();
    for file in 0..4 {
        sandbox.write(&format!("f{file}"), &lines(99));
    }
    sandbox.commit("Files");
    let mut dice = Dice(7);
    let names: Vec<String> = (0..12).map(|n| format!("b{n:02}")).collect();
    for name in &names {
        sandbox.git(&["checkout", "-q", "-b", name, "main"]);
        for _ in 0..2 {
            let file = format!("f{}", dice.roll(4));
            match dice.roll(5) {
                _ if !sandbox.repo.join(&file).exists() => continue,
                0 => sandbox.git(&["mv", "-f", &file, &format!("moved{}", dice.roll(2))]),
                1 => sandbox.git(&["rm", "-q", "-f", "--ignore-unmatch", &file]),
                _ => {
                    sandbox.write(&file, &lines(dice.roll(20)));
                    sandbox.git(&["add", "--all"])
                }
            };
        }
        sandbox.commit(name);
        sandbox.git(&["checkout", "-q", "main"]);
    }
    sandbox.lex(&["plan", "create"]).exits(0);
    let before = sandbox.fingerprint();
    let forecast = sandbox.json(&["forecast"], 1);
    assert_eq!(sandbox.fingerprint(), before, "nothing is written");
    let clash = |one: &str, other: &str| forecast["clashes"].as_array().unwrap().iter().any(|c| c["one"] == one && c["other"] == other);
    let mut conflicts = 0;
    for (at, one) in names.iter().enumerate() {
        for other in &names[at + 1..] {
            let clean = sandbox.merge_tree(one, other).is_some();
            assert_eq!(clash(one, other), !clean, "{one} {other}: {forecast}");
            conflicts += usize::from(!clean);
        }
    }
    assert!(conflicts > 3, "{conflicts}: conflicts must be tried");

    // What it says can land together does.
    let together: Vec<&str> = forecast["together"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect();
    assert!(together.len() > 1);
    sandbox.lex(&[&["plan", "create", "--name", "together"], &together[..]].concat()).exits(0);
    sandbox.lex(&["merge", "together", "--execute"]).exits(0);
    sandbox.sound();
}

#[test]
fn dependencies_and_what_cannot_land_alone_count() {
    let sandbox = Sandbox::new();
    sandbox.branch("low", "main", "low", &[("base.txt", "LOW\ntwo\nthree\n")]);
    sandbox.branch("top", "low", "top", &[("top.txt", "x\n")]);
    sandbox.branch("rival", "main", "rival", &[("base.txt", "RIVAL\ntwo\nthree\n")]);
    sandbox.branch("stuck", "main", "stuck", &[("stuck.txt", "theirs\n")]);
    sandbox.branch("on-stuck", "main", "on\n\nDepends-On: stuck", &[("on.txt", "x\n")]);
    sandbox.write("stuck.txt", "ours\n");
    sandbox.commit("In the way");
    sandbox.lex(&["plan", "create"]).exits(0);
    let forecast = sandbox.json(&["forecast"], 1);
    assert_eq!(
        forecast["alone"],
        json!([{ "item": "stuck", "reason": "it conflicts with the target in stuck.txt", "paths": ["stuck.txt"] }])
    );
    let clash = |one: &str, other: &str| json!({ "one": one, "other": other, "places": [{ "path": "base.txt", "lines": [[1, 1]] }] });
    assert_eq!(forecast["clashes"], json!([clash("low", "rival"), clash("rival", "top")]));
    assert_eq!(forecast["together"], json!(["low", "top"]), "what depends on the stuck one is stuck too");

    sandbox.lex(&["plan", "add", "default", "rival", "--priority", "1"]).exits(0);
    assert_eq!(sandbox.json(&["forecast"], 1)["together"], json!(["low", "top"]), "two are more than one");
    assert_eq!(sandbox.json(&["forecast", "--by", "priority"], 1)["together"], json!(["rival"]), "a higher priority goes first");
    let text = sandbox.lex(&["forecast"]).exits(1).stdout;
    assert!(text.contains("2 of 5 can land together on main") && text.contains("base.txt:1"), "{text}");
}

#[test]
fn the_picture_shows_every_clash_and_takes_names_as_text() {
    let sandbox = Sandbox::new();
    sandbox.branch("a<b>&c", "main", "a", &[("base.txt", "A\ntwo\nthree\n")]);
    sandbox.branch("rival", "main", "b", &[("base.txt", "B\ntwo\nthree\n")]);
    sandbox.branch("free", "main", "c", &[("c.txt", "x\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    let svg = sandbox.lex(&["forecast", "--format", "svg"]).exits(1).stdout;
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{svg}");
    assert_eq!(svg.matches("<title>a&lt;b&gt;&amp;c and rival: base.txt:1</title>").count(), 2, "both halves of the matrix: {svg}");
    assert!(!svg.contains("a<b>"), "{svg}");
    assert!(svg.contains("3 items, 1 pairs conflict, 2 can land together"), "{svg}");
    assert_eq!(sandbox.lex(&["forecast", "--format", "json"]).exits(1).json(), sandbox.json(&["forecast"], 1));
}

#[test]
fn a_forecast_is_remembered_and_what_is_new_is_asked() {
    let sandbox = Sandbox::new();
    for (name, line) in [("a", "A"), ("b", "B")] {
        sandbox.branch(name, "main", name, &[("base.txt", &format!("{line}\ntwo\nthree\n"))]);
    }
    sandbox.lex(&["plan", "create"]).exits(0);
    let first = sandbox.json(&["forecast"], 1);
    let cache = sandbox.root.path().join("home/.cache/git-lex-pr/forecast").join(format!("{}.json", sandbox.head("main")));
    let kept = std::fs::read_to_string(&cache).unwrap();
    assert_eq!(sandbox.json(&["forecast"], 1), first);
    // What is remembered is believed: where it says that nothing conflicts, nothing does.
    let clashes = kept.find("\"clashes\":").unwrap();
    std::fs::write(&cache, format!("{}\"clashes\":[]}}", &kept[..clashes])).unwrap();
    assert_eq!(sandbox.json(&["forecast"], 0)["clashes"], json!([]));
    // A head that moved is a new one, and so is one that was added.
    sandbox.git(&["checkout", "-q", "b"]);
    sandbox.write("b.txt", "x\n");
    sandbox.commit("More");
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.lex(&["plan", "add", "default", "b"]).exits(0);
    assert_eq!(sandbox.json(&["forecast"], 1)["clashes"], first["clashes"]);
    std::fs::write(&cache, "no JSON").unwrap();
    assert_eq!(sandbox.json(&["forecast"], 1)["clashes"], first["clashes"], "a broken cache only costs time");
    let said = sandbox.lex_command(&sandbox.repo, &["forecast"]).env("XDG_CACHE_HOME", "/proc/nowhere").output().unwrap();
    assert_eq!(said.status.code(), Some(1), "and so does none at all");
}
