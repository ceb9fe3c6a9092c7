//! Verdicts that are signed as git signs commits, and those that are not believed.

use crate::sandbox::{Sandbox, detail, find, ran, status};
use serde_json::Value;
use std::{collections::BTreeMap, path::PathBuf};

/// A plan of `items`, whose policy believes signed verdicts only, and a person with an ssh key whom it names.
fn signed(items: usize) -> Sandbox {
    let sandbox = Sandbox::new();
    let public = key(&sandbox, "tess");
    sandbox.write("tools/allowed", &format!("tess@example.com namespaces=\"git\" {}", std::fs::read_to_string(&public).unwrap()));
    let name = public.with_extension("");
    sandbox.git(&["config", "gpg.format", "ssh"]);
    sandbox.git(&["config", "user.signingKey", name.to_str().unwrap()]);
    policy(&sandbox, "allowed-signers = \"tools/allowed\"");
    for at in 0..items {
        sandbox.branch(&format!("i{at:03}"), "main", "x", &[(&format!("{at}.txt"), "x\n")]);
    }
    if items > 0 {
        sandbox.lex(&["plan", "create", "--name", "p", "i*"]).exits(0);
    }
    sandbox
}

fn policy(sandbox: &Sandbox, table: &str) {
    sandbox.config(&format!("[[gate]]\nname = \"t\"\nrun = 'echo x >> $HOME/ran'\n[policy.signed-verdicts]\n{table}\n"));
}

/// A new ssh key; the path of its public half.
fn key(sandbox: &Sandbox, name: &str) -> PathBuf {
    let file = sandbox.root.path().join("home").join(name);
    let made =
        sandbox.command("ssh-keygen", &sandbox.repo).args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]).arg(&file).status().unwrap();
    assert!(made.success());
    file.with_extension("pub")
}

/// All verdict lines, by the object that each is on.
fn lines(sandbox: &Sandbox) -> BTreeMap<String, Vec<Value>> {
    let listed = sandbox.git(&["notes", "--ref", "lex-pr/verdicts", "list"]);
    let of = |line: &str| {
        let (blob, object) = line.split_once(' ').unwrap();
        let lines = sandbox.git(&["cat-file", "blob", blob]);
        (object.to_string(), lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    };
    listed.lines().map(of).collect()
}

/// Put `lines` in the place of all notes.
fn rewrite(sandbox: &Sandbox, change: impl Fn(&mut Value)) {
    for (object, mut values) in lines(sandbox) {
        values.iter_mut().for_each(&change);
        let text: Vec<String> = values.iter().map(Value::to_string).collect();
        sandbox.git(&["notes", "--ref", "lex-pr/verdicts", "add", "-f", "-m", &text.join("\n"), &object]);
    }
}

#[test]
fn a_signed_verdict_is_believed_and_any_other_one_is_bought_again() {
    let sandbox = signed(3);
    sandbox.lex(&["execute", "p"]).exits(0);
    assert_eq!(ran(&sandbox), 3);
    for line in lines(&sandbox).values().flatten() {
        assert!(line["signature"]["value"].as_str().unwrap().starts_with("-----BEGIN SSH SIGNATURE-----"), "{line}");
    }
    let said = sandbox.lex(&["execute", "p"]).exits(0).stdout;
    assert!(!said.contains("believe"), "{said}");
    assert_eq!(ran(&sandbox), 3, "each is believed");
    let text = sandbox.lex(&["merge", "p"]).exits(0).stdout;
    assert!(!text.contains("not proved yet"), "{text}");

    // Somebody makes red ones green, gives them to somebody else, or lets them speak of other files: none is believed.
    let before = sandbox.head("refs/notes/lex-pr/verdicts");
    type Change = (&'static str, fn(&mut Value), &'static str);
    let changed = "changed since it was signed";
    let changes: [Change; 5] = [
        ("what it says", |line| line["summary"] = "trust me".into(), changed),
        ("who says it", |line| line["by"] = "Eve <eve@example.com>".into(), changed),
        ("no signature", |line| drop(line.as_object_mut().unwrap().remove("signature")), "not signed"),
        ("another way to the root", |line| line["signature"]["path"] = serde_json::json!([format!("<{}", "0".repeat(64))]), changed),
        ("no signature at all", |line| line["signature"]["value"] = "nonsense".into(), changed),
    ];
    for (at, (what, change, doubt)) in changes.into_iter().enumerate() {
        sandbox.git(&["update-ref", "refs/notes/lex-pr/verdicts", &before]);
        rewrite(&sandbox, change);
        let run = sandbox.json(&["execute", "p", "--explain"], 0);
        assert_eq!(ran(&sandbox), 3 + 3 * (at + 1), "{what}");
        let why = run["items"][0]["gates"][1]["why"].as_str().unwrap();
        assert!(why.ends_with(&format!(" is {doubt}")), "{what}: {why}");
        let note = format!("3 recorded verdicts are not believed: 3 {doubt} (--explain says which)");
        assert_eq!(run["notes"], serde_json::json!([note]), "{what}");
        assert_eq!(status(&run, "i000"), "merged");
    }
    let schema = jsonschema::validator_for(&sandbox.lex(&["schema", "verdict"]).exits(0).json()).unwrap();
    assert!(lines(&sandbox).values().flatten().all(|line| schema.is_valid(line)));
    sandbox.sound();
}

#[test]
fn a_key_that_the_policy_does_not_name_is_not_believed_though_it_signs() {
    let sandbox = signed(2);
    let foreign = key(&sandbox, "eve");
    sandbox.git(&["config", "user.signingKey", foreign.with_extension("").to_str().unwrap()]);
    let said = sandbox.lex(&["execute", "p"]).exits(0).stdout;
    assert_eq!(ran(&sandbox), 2);
    assert!(said.contains("the policy does not name the key that signs here, or not for Tess <tess@example.com>"), "{said}");
    let said = sandbox.lex(&["execute", "p", "--explain"]).exits(0).stdout;
    assert_eq!(ran(&sandbox), 4, "it believes its own, and only while it runs");
    assert!(said.contains("2 recorded verdicts are not believed: 2 signed by an unknown key"), "{said}");
    // The same key for another address is as foreign; once the policy names it for this one, what it has signed counts. The gate's
    // inputs are narrowed to files that stay as they are.
    let (allowed, public) = (sandbox.read("tools/allowed"), std::fs::read_to_string(&foreign).unwrap());
    for (mail, bought) in [("eve@example.com", [6, 8]), ("tess@example.com", [8, 8])] {
        sandbox.write("tools/allowed", &format!("{allowed}{mail} {public}"));
        sandbox.config("[[gate]]\nname = \"t\"\nrun = 'echo x >> $HOME/ran'\npaths = [\"*.txt\"]\n[policy.signed-verdicts]\nallowed-signers = \"tools/allowed\"\n");
        for executions in bought {
            sandbox.lex(&["execute", "p"]).exits(0);
            assert_eq!(ran(&sandbox), executions, "{mail}");
        }
    }
    sandbox.sound();
}

#[test]
fn a_run_signs_many_at_once_and_checks_each_signature_once() {
    let sandbox = signed(0);
    // Plugins that pass in no time are written down together.
    sandbox.config("[[gate]]\nname = \"t\"\nplugin = \"gates/t.lua\"\n[policy.signed-verdicts]\nallowed-signers = \"tools/allowed\"\n");
    sandbox
        .write("gates/t.lua", "return { description = \"yes\", check = function() return { answer = \"pass\", summary = \"yes\" } end }");
    sandbox.commit("A gate");
    for at in 0..40 {
        sandbox.branch(&format!("i{at:03}"), "main", "x", &[(&format!("{at}.txt"), "x\n")]);
    }
    sandbox.lex(&["plan", "create", "--name", "p", "i*"]).exits(0);
    let counted = sandbox.root.path().join("home/ssh-keygen");
    std::fs::write(&counted, "#!/bin/sh\necho \"$2\" >> $HOME/called\nexec ssh-keygen \"$@\"\n").unwrap();
    std::fs::set_permissions(&counted, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    sandbox.git(&["config", "gpg.ssh.program", counted.to_str().unwrap()]);
    let called = |word: &str| {
        let file = sandbox.root.path().join("home/called");
        let said = std::fs::read_to_string(&file).unwrap_or_default();
        let _ = std::fs::remove_file(&file);
        said.lines().filter(|line| *line == word).count()
    };
    sandbox.lex(&["execute", "p"]).exits(0);
    let signed = called("sign");
    let verdicts = lines(&sandbox).values().map(Vec::len).sum::<usize>();
    assert!(verdicts >= 40 && signed < 20, "{signed} calls for {verdicts} verdicts");
    let run = sandbox.json(&["merge", "p"], 0);
    assert!(run["items"].as_array().unwrap().iter().all(|item| item["gates"][1]["reused"] == true), "{run}");
    assert!(called("verify") < signed, "a preview signs nothing and checks each signature once");
    sandbox.sound();
}

#[test]
fn keys_of_openpgp_sign_too() {
    let sandbox = signed(2);
    let home = sandbox.root.path().join("home/.gnupg");
    std::fs::create_dir(&home).unwrap();
    std::fs::set_permissions(&home, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let gpg = |args: &[&str]| {
        let said = sandbox.command("gpg", &sandbox.repo).args(["--batch", "--quiet"]).args(args).output().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).unwrap()
    };
    gpg(&["--passphrase", "", "--quick-generate-key", "Tess <tess@example.com>", "ed25519", "sign", "never"]);
    let listed = gpg(&["--with-colons", "--list-keys"]);
    let print = listed.lines().find_map(|line| line.strip_prefix("fpr:")).unwrap().trim_matches(':').to_string();
    sandbox.git(&["config", "gpg.format", "openpgp"]);
    sandbox.git(&["config", "--unset", "user.signingKey"]);
    policy(&sandbox, &format!("allowed-keys = [\"{print}\"]"));
    sandbox.lex(&["execute", "p"]).exits(0);
    sandbox.lex(&["execute", "p"]).exits(0);
    assert_eq!(ran(&sandbox), 2);
    policy(&sandbox, &format!("allowed-keys = [\"{}\"]", "0".repeat(40)));
    sandbox.lex(&["execute", "p"]).exits(0);
    let bought = ran(&sandbox);
    sandbox.lex(&["execute", "p"]).exits(0);
    assert_eq!((bought, ran(&sandbox)), (4, 6), "a good signature of a key that is not named");
    let said = sandbox.lex(&["merge", "p"]).exits(0).stdout;
    assert!(said.contains("4 recorded verdicts are not believed: 4 signed by an unknown key"), "{said}");
    // Whatever gpg tells of folders that it makes, why it does not sign is what it says last.
    sandbox.git(&["config", "user.signingKey", "nobody@example.com"]);
    std::fs::rename(&home, home.with_extension("old")).unwrap();
    let said = sandbox.lex(&["execute", "p"]).exits(3).stderr;
    assert!(said.contains("by nobody@example.com: gpg: signing failed: No secret key"), "{said}");
    let _ = sandbox.command("gpgconf", &sandbox.repo).args(["--kill", "all"]).status();
    sandbox.sound();
}

#[test]
fn who_cannot_sign_is_told_before_anything_is_bought() {
    let sandbox = signed(1);
    sandbox.git(&["config", "user.signingKey", "/no/such/key"]);
    let said = sandbox.lex(&["execute", "p"]).exits(3);
    assert!(said.stderr.contains("could not be signed") && said.stderr.contains("git commit -S"), "{}", said.stderr);
    // A key that the configuration has itself, whose private half nobody here has.
    let public = std::fs::read_to_string(sandbox.root.path().join("home/tess.pub")).unwrap();
    sandbox.git(&["config", "user.signingKey", public.trim()]);
    let said = sandbox.lex(&["execute", "p"]).exits(3);
    assert!(
        said.stderr.contains(&format!("could not be signed by {}", public.trim())) && !said.stderr.contains("key.pub"),
        "{}",
        said.stderr
    );
    sandbox.git(&["config", "--unset", "user.signingKey"]);
    let said = sandbox.lex(&["execute", "p"]).exits(2);
    assert!(said.stderr.contains("user.signingKey"), "{}", said.stderr);
    sandbox.git(&["config", "gpg.format", "x509"]);
    assert!(sandbox.lex(&["execute", "p"]).exits(2).stderr.contains("gpg.format ssh"));
    let text = sandbox.lex(&["merge", "p"]).exits(0).stdout;
    assert!(text.contains("not proved yet: t"), "a preview needs no key: {text}");
    for (table, says) in
        [("allowed-signers = \"nowhere\"", "no file `nowhere`"), ("", "says of nobody"), ("alowed-keys = []", "did you mean")]
    {
        policy(&sandbox, table);
        let said = sandbox.lex(&["merge", "p"]).exits(2);
        assert!(said.stderr.contains(says), "{}", said.stderr);
    }
    assert_eq!(ran(&sandbox), 0);
    // Git's own list of signers is the one where the policy names none; and a plan cannot take the policy away.
    sandbox.git(&["config", "gpg.format", "ssh"]);
    sandbox.git(&["config", "user.signingKey", "~/tess.pub"]);
    let allowed = sandbox.repo.join("tools/allowed");
    sandbox.git(&["config", "gpg.ssh.allowedSignersFile", allowed.to_str().unwrap()]);
    policy(&sandbox, "");
    let run = sandbox.json(&["execute", "p"], 0);
    assert!(detail(&run, "i000").contains("clean"), "{run}");
    sandbox.lex(&["execute", "p"]).exits(0);
    assert_eq!(ran(&sandbox), 1);
    // Who wants to be one of the signers is told who is asked about that.
    policy(&sandbox, "allowed-signers = \"tools/allowed\"");
    sandbox.branch("mine", "main", "Let me", &[("tools/allowed", "eve@example.com ssh-ed25519 AAAA\n")]);
    sandbox.lex(&["plan", "add", "p", "mine"]).exits(0);
    let run = sandbox.json(&["merge", "p"], 0);
    assert!(find(&run, "mine")["notes"][0].as_str().unwrap().contains("changes who may sign verdicts"), "{run}");
    sandbox.sound();
}
