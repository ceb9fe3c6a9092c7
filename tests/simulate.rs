//! Runs in virtual time: of invented items, and of a plan as it stands.

use crate::sandbox::Sandbox;
use serde_json::Value;

fn of<'v>(runs: &'v Value, batch: &str) -> &'v Value {
    runs.as_array().unwrap().iter().find(|run| run["batch"] == batch).unwrap()
}

/// Two halves of a repository, each with a gate that reads nothing else; four items in each, one of them on top of another.
fn halves() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.config(
        "[[gate]]\nname = \"web\"\nrun = \"sleep 0.3\"\npaths = [\"web/**\"]\n[[gate]]\nname = \"server\"\nrun = \"sleep 0.1\"\npaths = [\"server/**\"]\n",
    );
    for half in ["web", "server"] {
        for at in 0..4 {
            let (name, from) = (format!("{half}{at}"), if at == 3 { format!("{half}2") } else { "main".into() });
            sandbox.branch(&name, &from, &name, &[(&format!("{half}/{at}.txt"), "x\n")]);
        }
    }
    sandbox.lex(&["plan", "create"]).exits(0);
    sandbox
}

#[test]
fn a_plan_is_simulated_with_its_dependencies_its_lanes_and_what_its_gates_are_known_to_take() {
    let sandbox = halves();
    let unknown = sandbox.json(&["simulate", "default", "--failures", "0", "--spread", "0", "--workers", "2", "--gate-seconds", "10"], 0);
    assert_eq!(of(&unknown, "serial")["executions"], 8, "an item costs the gate whose files it touches");
    assert_eq!(of(&unknown, "serial")["seconds"], 80.0);
    assert_eq!(of(&unknown, "speculative")["seconds"], 40.0, "two lanes, two workers");

    sandbox.json(&["execute"], 0);
    let run = sandbox.json(&["simulate", "default", "--failures", "0", "--spread", "0", "--workers", "2"], 0);
    let seconds = of(&run, "serial")["seconds"].as_f64().unwrap();
    assert!((1.6..8.0).contains(&seconds), "4 times 0.3 s and 4 times 0.1 s, and what a start costs: {seconds}");
    let said = sandbox.lex(&["simulate", "default"]).exits(0).stdout;
    assert!(
        said.starts_with("8 items; 0.0 % of tries red, 0.0 % for no reason, as ") && said.contains(" recorded verdicts tell\nBATCH"),
        "{said}"
    );

    // Whoever needs an item that breaks a gate stays out with it, and is not called innocent.
    let broken = sandbox.json(&["simulate", "default", "--failures", "1"], 0);
    for batch in ["serial", "speculative", "bisect"] {
        let run = of(&broken, batch);
        assert_eq!(["landed", "evicted", "innocentEvicted"].map(|key| run[key].as_u64().unwrap()), [0, 8, 0], "{batch}");
    }
    assert_eq!(of(&broken, "serial")["executions"], 18, "six items in three tries each; who needs one of them is not judged");
}

#[test]
fn the_picture_shows_what_each_worker_does() {
    let sandbox = halves();
    let svg = sandbox.lex(&["simulate", "default", "--failures", "0.3", "--format", "svg"]).exits(0).stdout;
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{svg}");
    for words in ["serial: ", "speculative: ", "bisect: ", "<title>web0, web: ", "decided nothing"] {
        assert!(svg.contains(words), "{words}: {svg}");
    }
    let runs = sandbox.json(&["simulate", "default", "--failures", "0.3", "--format", "json"], 0);
    assert_eq!(runs.as_array().unwrap().len(), 3);
}

#[test]
fn what_cannot_be_simulated_is_refused() {
    let sandbox = Sandbox::new();
    for (args, words) in [
        (&["--failures", "2"][..], "--failures is a share"),
        (&["--workers", "0"], "--workers is at least 1"),
        (&["--gate-seconds", "0"], "takes more than no time"),
        (&["nothing"], "there is no plan `nothing`"),
        (&["nothing", "--lanes", "2"], "cannot be used with"),
    ] {
        let said = sandbox.lex(&[&["simulate"], args].concat()).exits(2);
        assert!(said.stderr.contains(words), "{args:?}: {}", said.stderr);
    }
}
