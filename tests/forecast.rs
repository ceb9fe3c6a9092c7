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
    let clash = |one: &str, other: &str| json!({ "one": one, "other": other, "paths": ["base.txt"] });
    assert_eq!(forecast["clashes"], json!([clash("low", "rival"), clash("rival", "top")]));
    assert_eq!(forecast["together"], json!(["low", "top"]), "what depends on the stuck one is stuck too");

    sandbox.lex(&["plan", "add", "default", "rival", "--priority", "1"]).exits(0);
    assert_eq!(sandbox.json(&["forecast"], 1)["together"], json!(["rival"]), "a higher priority goes first");
    let text = sandbox.lex(&["forecast"]).exits(1).stdout;
    assert!(text.contains("1 of 5 can land together on main"), "{text}");
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
    assert_eq!(svg.matches("<title>a&lt;b&gt;&amp;c and rival: base.txt</title>").count(), 2, "both halves of the matrix: {svg}");
    assert!(!svg.contains("a<b>"), "{svg}");
    assert!(svg.contains("3 items, 1 pairs conflict, 2 can land together"), "{svg}");
    assert_eq!(sandbox.lex(&["forecast", "--format", "json"]).exits(1).json(), sandbox.json(&["forecast"], 1));
}
