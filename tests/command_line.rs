//! Every command there is, those to come included: what it says to help, to nothing, to nonsense, and where there is no repository.

use crate::sandbox::Sandbox;
use clap::Command;
use serde_json::Value;
use std::path::Path;

/// The words of every command that does something, and the command.
fn commands() -> Vec<(Vec<String>, Command)> {
    fn walk(command: &Command, words: &[String], found: &mut Vec<(Vec<String>, Command)>) {
        for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
            let words = [words, &[below.get_name().to_string()]].concat();
            if below.has_subcommands() {
                walk(below, &words, found);
            } else {
                found.push((words, below.clone()));
            }
        }
    }
    let mut found = Vec::new();
    let mut root = lex_pr::cli::command();
    root.build();
    walk(&root, &[], &mut found);
    assert!(found.len() > 40, "{}", found.len());
    found
}

fn words<'w>(command: &'w [String], more: &[&'w str]) -> Vec<&'w str> {
    command.iter().map(String::as_str).chain(more.iter().copied()).collect()
}

/// An answer that a person can use: no crash, and an error says what and how to mend it.
#[track_caller]
fn sensible(sandbox: &Sandbox, dir: &Path, args: &[&str]) -> i32 {
    let said = sandbox.lex_in(dir, args);
    let all = format!("{args:?} in {}: {}\n{}\n{}", dir.display(), said.status, said.stdout, said.stderr);
    assert!((0..=3).contains(&said.status) && !all.contains("panicked"), "{all}");
    if said.status >= 2 {
        assert!(said.stdout.is_empty() && said.stderr.contains("error: "), "{all}");
        assert!(["hint: ", "Usage: ", "tip: "].iter().any(|word| said.stderr.contains(word)), "no way out: {all}");
    }
    said.status
}

/// What a command takes at least, so that it is tried beyond its usage.
fn needed(command: &Command) -> Vec<String> {
    let required = command.get_positionals().filter(|arg| arg.is_required_set());
    required.map(|arg| arg.get_possible_values().first().map_or("nonsense".into(), |value| value.get_name().to_string())).collect()
}

#[test]
fn every_command_helps() {
    let sandbox = Sandbox::new();
    for (command, about) in commands() {
        let name = command.join(" ");
        let short = sandbox.lex(&words(&command, &["-h"])).exits(0).stdout;
        let long = sandbox.lex(&words(&command, &["--help"])).exits(0).stdout;
        for help in [&short, &long] {
            assert!(help.contains(&format!("Usage: git lex-pr {name}")), "{name}: {help}");
            // What every command takes does not stand among what is its own, but behind that.
            let (own, common) = help.split_once("\nCommon options:\n").unwrap_or_else(|| panic!("{name}: {help}"));
            assert!(own.contains("-h, --help") && !own.contains("--no-pager") && common.contains("--no-pager"), "{name}: {help}");
            assert!(!common.lines().any(|line| !line.is_empty() && !line.starts_with(' ')), "nothing follows: {name}: {help}");
        }
        let sentence = about.get_about().map(ToString::to_string).unwrap_or_default();
        assert!(sentence.len() > 10 && long.contains(&sentence.chars().take(30).collect::<String>()), "{name}: {long}");
        for arg in about.get_arguments().filter(|arg| arg.get_id() != "help") {
            assert!(arg.get_help().is_some_and(|help| !help.to_string().is_empty()), "{name}: {} is not explained", arg.get_id());
        }
    }
}

#[test]
fn every_command_answers_nonsense_nothing_and_every_place() {
    let sandbox = Sandbox::new();
    let root = sandbox.root.path();
    let [empty, bare] = ["empty", "bare.git"].map(|name| root.join(name));
    std::fs::create_dir(&empty).unwrap();
    sandbox.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    sandbox.write("below/here/file", "x");
    let below = sandbox.repo.join("below/here");
    for (command, about) in commands() {
        // It would make a demo wherever it stands.
        let makes = command == ["demo"];
        let before = sandbox.git(&["for-each-ref"]);
        assert_eq!(sensible(&sandbox, &sandbox.repo, &words(&command, &["--no-such-flag"])), 2, "{command:?}");
        assert_eq!(sandbox.lex(&words(&command, &["--no-such-flag", "--json"])).exits(2).json()["error"]["code"], "usage", "{command:?}");
        if about.get_positionals().next().is_none() {
            assert_eq!(sensible(&sandbox, &sandbox.repo, &words(&command, &["nonsense"])), 2, "{command:?}");
        }
        assert_eq!(sandbox.git(&["for-each-ref"]), before, "{command:?} wrote refs");
        for dir in [&empty, &bare, &below].into_iter().filter(|_| !makes) {
            sensible(&sandbox, dir, &words(&command, &[]));
            let needed = needed(&about);
            let needed: Vec<&str> = needed.iter().map(String::as_str).collect();
            if !needed.is_empty() {
                sensible(&sandbox, dir, &words(&command, &needed));
            }
        }
        assert_eq!(
            std::fs::read_dir(&empty)
                .unwrap()
                .filter(|e| !["nonsense", "tools"].iter().any(|n| e.as_ref().unwrap().file_name() == *n))
                .count(),
            0,
            "{command:?} wrote files"
        );
    }
    sandbox.sound();
}

/// The commands that answer about the repository say the same from a folder below and by -C.
#[test]
fn a_folder_below_is_as_good_as_the_root() {
    let sandbox = Sandbox::new();
    sandbox.branch("a", "main", "a", &[("below/a", "a\n")]);
    sandbox.write("below/file", "x");
    sandbox.lex(&["plan", "create"]).exits(0);
    for args in [&["plan", "show"][..], &["order"], &["forecast"], &["status"], &["gate", "list"], &["merge"]] {
        let here = sandbox.lex(args);
        let below = sandbox.lex_in(&sandbox.repo.join("below"), args);
        let from_afar = sandbox.lex_in(sandbox.root.path(), &[&["-C", "repo/below"], args].concat());
        assert!(!here.stdout.is_empty() && here.stdout == below.stdout && here.stdout == from_afar.stdout, "{args:?}");
    }
}

#[test]
fn every_document_has_a_schema_and_every_command_a_document() {
    let sandbox = Sandbox::new();
    let listed = sandbox.json(&["schema"], 0);
    let listed = listed.as_array().unwrap();
    // `view` shows and prints nothing, and says so.
    for (command, _) in commands().into_iter().filter(|(command, _)| command.join(" ") != "view") {
        let name = command.join(" ");
        let documents = listed.iter().filter(|one| one["commands"].as_array().unwrap().contains(&name.as_str().into())).count();
        assert_eq!(documents, 1, "`{name} --json` prints a document that `schema` does not know: {listed:#?}");
    }
    let known: Vec<String> = commands().into_iter().map(|(command, _)| command.join(" ")).collect();
    for one in listed {
        let document = one["document"].as_str().unwrap();
        let schema = sandbox.lex(&["schema", document]).exits(0).json();
        jsonschema::validator_for(&schema).unwrap_or_else(|e| panic!("{document}: {e}"));
        assert!(jsonschema::meta::is_valid(&schema), "{document}");
        for command in one["commands"].as_array().unwrap() {
            assert!(known.contains(&command.as_str().unwrap().to_string()), "{document} is said to be of {command}, which there is not");
        }
    }
}

/// What the commands print here is what their schemas say.
#[test]
fn what_is_printed_is_as_its_schema_says() {
    let sandbox = Sandbox::new();
    sandbox.config("[policy.overrides.admin-green]\nallowed-users = [\"tess@example.com\"]\n[[gate]]\nname = \"no\"\nrun = \"false\"\n[[gate]]\nname = \"size\"\nplugin = \"builtin:diff-size\"\n");
    sandbox.branch("a", "main", "a", &[("a", "a\n")]);
    sandbox.branch("b", "main", "b", &[("b", "b\n")]);
    sandbox.lex(&["plan", "create"]).exits(0);
    sandbox.lex(&["plan", "remove", "default", "b"]).exits(0);
    sandbox.lex(&["merge", "--execute"]).exits(1);
    let man = sandbox.root.path().join("man1");
    let validate = |document: &str, said: &Value| {
        let text = sandbox.lex(&["schema", document]).exits(0).stdout;
        assert!(!text.contains("[`"), "{document}: a link of rustdoc in {text}");
        let schema: Value = serde_json::from_str(&text).unwrap();
        let errors: Vec<String> = jsonschema::validator_for(&schema).unwrap().iter_errors(said).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{document}: {errors:?}: {said}");
    };
    for (document, status, args) in [
        ("plan", 0, &["plan", "show"][..]),
        ("plans", 0, &["plan", "list"]),
        ("plan-valid", 0, &["plan", "validate"]),
        ("plan-log", 0, &["plan", "log"]),
        ("diff", 0, &["plan", "diff", "default"]),
        ("order", 0, &["order"]),
        ("forecast", 0, &["forecast"]),
        ("status", 1, &["status"]),
        ("run", 1, &["report"]),
        ("gates", 0, &["gate", "list"]),
        ("gate-stats", 0, &["gate", "stats"]),
        ("overrides", 0, &["gate", "override", "a", "no", "--reason", "so"]),
        ("plugins", 0, &["plugin", "list"]),
        ("plugin", 0, &["plugin", "inspect", "builtin:diff-size"]),
        ("resolutions", 0, &["resolutions", "list"]),
        ("trained", 0, &["resolutions", "train", "main~1..main"]),
        ("trained", 0, &["resolutions", "import-rerere"]),
        ("doctor", 0, &["doctor"]),
        ("man", 0, &["man", man.to_str().unwrap()]),
        ("completions", 0, &["completions", "bash"]),
        ("schemas", 0, &["schema"]),
        ("init", 0, &["init", "--force"]),
        ("demo", 0, &["demo", "shop"]),
        ("plan-deleted", 0, &["plan", "delete", "default"]),
        ("error", 2, &["plan", "show", "gone"]),
    ] {
        validate(document, &sandbox.json(args, status));
    }
    let verdict = sandbox.git(&["notes", "--ref", "lex-pr/verdicts", "list"]);
    let object = verdict.lines().next().unwrap().split(' ').next().unwrap().to_string();
    for line in sandbox.git(&["cat-file", "-p", &object]).lines() {
        validate("verdict", &serde_json::from_str(line).unwrap());
    }
    for line in sandbox.git(&["notes", "--ref", "lex-pr/items", "show", "a"]).lines() {
        validate("item-note", &serde_json::from_str(line).unwrap());
    }
    let config: toml::Value = toml::from_str(&sandbox.read("lex-pr.toml")).unwrap();
    validate("config", &serde_json::to_value(config).unwrap());
    let schema = sandbox.lex(&["schema", "config"]).exits(0).json();
    assert!(!jsonschema::validator_for(&schema).unwrap().is_valid(&serde_json::json!({ "version": 1, "polcy": {} })));
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#", "the draft that editors' TOML servers know");
}
