//! Signed verdicts: which ones are believed, and how those of a run are signed, by the programs and keys that git signs commits with.
//!
//! One signature is for all verdicts that are written down together: it is over the root of their hash tree (RFC 6962, 2.1), and each
//! verdict carries its own way to the root. So a line stands by itself in its note, and two hundred of them cost one call of ssh-keygen.

use crate::{
    model::{
        Error, Result,
        error::Location,
        hex, json,
        policy::SignedVerdicts,
        verdict::{Signature, SignatureFormat, Verdict},
    },
    repo::{Repo, Scratch},
};
use gix::ObjectId;
use sha2::{Digest, Sha256};
use std::{
    collections::{HashMap, HashSet},
    ffi::OsString,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// What git's own signatures are for (`ssh-keygen -n`), so that a list of allowed signers that is made for git is one for verdicts.
const NAMESPACE: &str = "git";

type Hash = [u8; 32];

/// Why a recorded verdict is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Doubt {
    /// Nobody has signed it.
    Unsigned,
    /// The signature is good, and the policy does not name the key, or not for the person whom the verdict names.
    UnknownKey,
    /// The signature is of something else, or none at all.
    Changed,
}

impl Doubt {
    /// What people are told of such a verdict.
    pub fn words(self) -> &'static str {
        match self {
            Doubt::Unsigned => "not signed",
            Doubt::UnknownKey => "signed by an unknown key",
            Doubt::Changed => "changed since it was signed",
        }
    }
}

/// Whom the policy of the target believes.
pub struct Trust {
    room: Scratch,
    ssh: String,
    gpg: String,
    /// Those who may sign by ssh, in the form of ssh-keygen(1), "ALLOWED SIGNERS".
    signers: Option<PathBuf>,
    /// Those who may sign by OpenPGP.
    keys: Vec<String>,
    /// What was found out: a signature over a root, by whom it should be.
    known: HashMap<(String, Hash, String), Option<Doubt>>,
    /// The verdicts that this process has given itself.
    own: HashSet<Hash>,
}

impl Trust {
    /// Those whom `policy` names, of the target's commit `target`.
    pub fn new(repo: &Repo, target: ObjectId, policy: &SignedVerdicts) -> Result<Trust> {
        let place = || Location::new("lex-pr.toml").at_path("policy.signed-verdicts");
        let room = Scratch::create().map_err(|e| Error::io("make a temporary folder", e))?;
        let config = repo.git.config_snapshot();
        let signers = match &policy.allowed_signers {
            Some(path) => {
                let text = repo.read_file(target, path)?.ok_or_else(|| {
                    Error::input("missing-file", format!("the target has no file `{path}`"))
                        .at(place())
                        .hint("commit it there: a line `MAIL KEYTYPE KEY` for each who may sign, see ssh-keygen(1), ALLOWED SIGNERS")
                })?;
                let file = room.path().join("allowed-signers");
                std::fs::write(&file, text).map_err(|e| Error::io("write the allowed signers", e))?;
                Some(file)
            }
            None => config.trusted_path("gpg.ssh.allowedSignersFile").ok().flatten(),
        };
        let keys: Vec<String> = policy.allowed_keys.iter().map(|key| key.replace(' ', "").to_uppercase()).collect();
        if signers.is_none() && keys.is_empty() {
            return Err(Error::input("no-signers", "the policy believes signed verdicts only, and says of nobody that he may sign")
                .at(place())
                .hint("allowed-signers = \"FILE\" names a file of the target, allowed-keys = [\"FINGERPRINT\"] keys of OpenPGP"));
        }
        let [ssh, gpg] = [SignatureFormat::Ssh, SignatureFormat::Openpgp].map(|format| program(repo, format));
        Ok(Trust { room, ssh, gpg, signers, keys, known: HashMap::new(), own: HashSet::new() })
    }

    /// Why a verdict is not believed; nothing where it is this process's, or signed by somebody whom the policy names, and who says that
    /// he gave it.
    pub fn doubt(&mut self, verdict: &Verdict) -> Option<Doubt> {
        let Ok(leaf) = leaf(verdict) else { return Some(Doubt::Changed) };
        if self.own.contains(&leaf) {
            return None;
        }
        let Some(signature) = &verdict.signature else { return Some(Doubt::Unsigned) };
        let Some(root) = root(leaf, &signature.path) else { return Some(Doubt::Changed) };
        let key = (signature.value.clone(), root, verdict.by.clone());
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let doubt = self.doubt_signature(signature, root, &verdict.by);
        self.known.insert(key, doubt);
        doubt
    }

    /// Why a signature over `root`, which `by` should have made, is not believed. What cannot be checked is not.
    fn doubt_signature(&self, signature: &Signature, root: Hash, by: &str) -> Option<Doubt> {
        match signature.format {
            SignatureFormat::Ssh => self.doubt_ssh(signature, root, by),
            SignatureFormat::Openpgp => self.doubt_gpg(signature, root),
        }
    }

    /// Take down a verdict that this process has given.
    pub fn own(&mut self, verdict: &Verdict) -> Result<()> {
        self.own.insert(leaf(verdict)?);
        Ok(())
    }

    fn doubt_ssh(&self, signature: &Signature, root: Hash, by: &str) -> Option<Doubt> {
        let Ok(file) = self.file(signature) else { return Some(Doubt::Changed) };
        let holds = |args: &[&str], who: Option<(&str, &Path)>| {
            let mut command = Command::new(&self.ssh);
            command.arg("-Y").args(args).args(["-n", NAMESPACE]);
            if let Some((mail, signers)) = who {
                command.args(["-I", mail, "-f"]).arg(signers);
            }
            command.arg("-s").arg(&file);
            run(command, &message(root)).is_ok_and(|output| output.status.success())
        };
        let mail = by.rsplit_once('<').and_then(|(_, mail)| mail.strip_suffix('>')).filter(|mail| !mail.is_empty());
        let who = mail.zip(self.signers.as_deref());
        if who.is_some() && holds(&["verify"], who) {
            return None;
        }
        Some(if holds(&["check-novalidate"], None) { Doubt::UnknownKey } else { Doubt::Changed })
    }

    fn doubt_gpg(&self, signature: &Signature, root: Hash) -> Option<Doubt> {
        let Ok(file) = self.file(signature) else { return Some(Doubt::Changed) };
        let mut command = Command::new(&self.gpg);
        command.args(["--status-fd=1", "--verify"]).arg(file).arg("-");
        let Ok(output) = run(command, &message(root)) else { return Some(Doubt::Changed) };
        let said = String::from_utf8_lossy(&output.stdout);
        let says = |word: &str| said.lines().any(|line| line.strip_prefix("[GNUPG:] ").is_some_and(|line| line.starts_with(word)));
        // GnuPG's DETAILS: GOODSIG is said of no key that has expired or was revoked; VALIDSIG begins with the fingerprint of the key and
        // ends with that of its primary key. ERRSIG is said where the key is not there.
        let signed = said.lines().filter_map(|line| line.strip_prefix("[GNUPG:] VALIDSIG "));
        let mut prints = signed.flat_map(|line| [line.split(' ').next(), line.split(' ').next_back()]).flatten();
        let is_named = prints.any(|print| self.keys.iter().any(|key| key == print));
        match output.status.success() && says("GOODSIG ") && is_named {
            true => None,
            false if says("VALIDSIG ") || says("ERRSIG ") => Some(Doubt::UnknownKey),
            false => Some(Doubt::Changed),
        }
    }

    fn file(&self, signature: &Signature) -> std::io::Result<PathBuf> {
        let file = self.room.path().join("signature");
        std::fs::write(&file, &signature.value)?;
        Ok(file)
    }
}

/// The root that a key is tried with, which is none of a verdict.
const TRIAL: Hash = [0; 32];

/// The key that git signs with here.
pub struct Signer {
    format: SignatureFormat,
    program: String,
    key: OsString,
    /// What the key is called, for people.
    name: String,
    /// A signature over nothing, by which it was tried.
    trial: String,
    /// Holds a key that the configuration has literally, whose private half an agent has.
    _room: Option<Scratch>,
}

impl Signer {
    /// As `gpg.format`, `user.signingKey` and the programs of git-config(1) say. It is tried at once, so that no run buys verdicts which it
    /// cannot sign.
    pub fn of(repo: &Repo) -> Result<Signer> {
        let config = repo.git.config_snapshot();
        let word = config.string("gpg.format").map_or("openpgp".into(), |word| word.to_string());
        let format = match word.as_str() {
            "ssh" => SignatureFormat::Ssh,
            "openpgp" => SignatureFormat::Openpgp,
            other => {
                return Err(Error::input("bad-value", format!("verdicts cannot be signed by `{other}`"))
                    .at(Location::new("git config gpg.format"))
                    .hint("git config gpg.format ssh && git config user.signingKey ~/.ssh/id_ed25519.pub"));
            }
        };
        let named = config.string("user.signingKey").map(|key| key.to_string());
        let name = named.clone();
        let (key, room) = match (format, named) {
            (SignatureFormat::Openpgp, Some(key)) => (key.into(), None),
            (SignatureFormat::Openpgp, None) => (repo.identity()?.into(), None),
            (SignatureFormat::Ssh, Some(key)) => match key.strip_prefix("key::").or_else(|| key.starts_with("ssh-").then_some(&*key)) {
                Some(literal) => {
                    let room = Scratch::create().map_err(|e| Error::io("make a temporary folder", e))?;
                    let file = room.path().join("key.pub");
                    std::fs::write(&file, literal).map_err(|e| Error::io("write the key", e))?;
                    (file.into_os_string(), Some(room))
                }
                None => {
                    let path = config.trusted_path("user.signingKey").ok().flatten();
                    (path.unwrap_or_else(|| key.into()).into_os_string(), None)
                }
            },
            (SignatureFormat::Ssh, None) => {
                return Err(Error::input("no-signing-key", "the policy believes signed verdicts only, and git has no key to sign with")
                    .hint("git config gpg.format ssh && git config user.signingKey ~/.ssh/id_ed25519.pub"));
            }
        };
        let name = name.unwrap_or_else(|| Path::new(&key).display().to_string());
        let mut signer = Signer { format, program: program(repo, format), key, name, trial: String::new(), _room: room };
        signer.trial = signer.sign_root(TRIAL)?;
        Ok(signer)
    }

    /// Whether `trust` believes what `by` signs with this key.
    pub fn is_believed(&self, trust: &Trust, by: &str) -> bool {
        let signature = Signature { format: self.format, path: Vec::new(), value: self.trial.clone() };
        trust.doubt_signature(&signature, TRIAL, by).is_none()
    }

    /// The same verdicts, signed together.
    pub fn sign(&self, verdicts: &[&Verdict]) -> Result<Vec<Verdict>> {
        let leaves = verdicts.iter().map(|verdict| leaf(verdict)).collect::<Result<Vec<_>>>()?;
        let Some((root, paths)) = tree(&leaves) else { return Ok(Vec::new()) };
        let value = self.sign_root(root)?;
        let signed = verdicts.iter().zip(paths).map(|(verdict, path)| {
            let signature = Signature { format: self.format, path, value: value.clone() };
            Verdict { signature: Some(signature), ..(*verdict).clone() }
        });
        Ok(signed.collect())
    }

    fn sign_root(&self, root: Hash) -> Result<String> {
        let mut command = Command::new(&self.program);
        match self.format {
            SignatureFormat::Ssh => {
                command.args(["-Y", "sign", "-n", NAMESPACE, "-f"]).arg(&self.key);
                if self._room.is_some() {
                    command.arg("-U");
                }
            }
            SignatureFormat::Openpgp => drop(command.args(["--status-fd=2", "-bsau"]).arg(&self.key)),
        }
        let failed = |why: &str| {
            // A key that stands in the configuration itself lies in a file that nobody knows.
            let why = why.replace(&*Path::new(&self.key).to_string_lossy(), &self.name);
            let error = Error::environment("not-signed", format!("verdicts could not be signed by {}: {why}", self.name));
            error.hint("see that git can: git commit -S --allow-empty; an agent may have to know the key: ssh-add")
        };
        let output = run(command, &message(root)).map_err(|e| {
            let class = crate::model::error::Class::of_io(&e);
            failed(&format!("`{}`: {e}", self.program)).class(class)
        })?;
        match output.status.success() && !output.stdout.is_empty() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            // What it says last is why; before that it may tell of folders that it makes.
            false => {
                let said = String::from_utf8_lossy(&output.stderr);
                let noise = |line: &str| line.is_empty() || line.starts_with("[GNUPG:]") || line.starts_with("Signing data on");
                Err(failed(said.lines().map(str::trim).rfind(|line| !noise(line)).unwrap_or("it says nothing")))
            }
        }
    }
}

/// The program that git signs with.
fn program(repo: &Repo, format: SignatureFormat) -> String {
    let config = repo.git.config_snapshot();
    let said = |key: &str| config.string(key).map(|program| program.to_string());
    match format {
        SignatureFormat::Ssh => said("gpg.ssh.program").unwrap_or_else(|| "ssh-keygen".into()),
        SignatureFormat::Openpgp => said("gpg.openpgp.program").or_else(|| said("gpg.program")).unwrap_or_else(|| "gpg".into()),
    }
}

/// Run a program that may ask the user at the terminal, in any language but the user's, and give it a text.
fn run(mut command: Command, text: &str) -> std::io::Result<Output> {
    let mut child = command.env("LC_ALL", "C").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // It may end before it has read everything; its exit status then says why.
        let _ = stdin.write_all(text.as_bytes());
    }
    child.wait_with_output()
}

/// What is signed.
fn message(root: Hash) -> String {
    format!("git lex-pr verdicts 1\n{}\n", hex(&root))
}

/// The hash of a verdict as its line would be without a signature.
fn leaf(verdict: &Verdict) -> Result<Hash> {
    let line = json::canonical_line(&Verdict { signature: None, ..verdict.clone() })?;
    Ok(Sha256::new().chain_update([0]).chain_update(line).finalize().into())
}

fn node(left: Hash, right: Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The root of a hash tree and the way of each leaf to it: `<` or `>` for the side that a neighbour is on, and its hash. A node without
/// a neighbour goes up as it is.
fn tree(leaves: &[Hash]) -> Option<(Hash, Vec<Vec<String>>)> {
    let mut paths = vec![Vec::new(); leaves.len()];
    let mut level: Vec<(Hash, Vec<usize>)> = leaves.iter().enumerate().map(|(at, leaf)| (*leaf, vec![at])).collect();
    while level.len() > 1 {
        let mut above = Vec::with_capacity(level.len().div_ceil(2));
        let mut nodes = level.into_iter();
        while let Some((left, mut under)) = nodes.next() {
            let Some((right, under_right)) = nodes.next() else {
                above.push((left, under));
                break;
            };
            under.iter().for_each(|at| paths[*at].push(format!(">{}", hex(&right))));
            under_right.iter().for_each(|at| paths[*at].push(format!("<{}", hex(&left))));
            under.extend(under_right);
            above.push((node(left, right), under));
        }
        level = above;
    }
    level.into_iter().next().map(|(root, _)| (root, paths))
}

/// Where the way of a leaf leads to; nothing for one that is no way.
fn root(leaf: Hash, path: &[String]) -> Option<Hash> {
    path.iter().try_fold(leaf, |hash, step| {
        let neighbour = unhex(step.get(1..)?)?;
        match step.as_bytes()[0] {
            b'<' => Some(node(neighbour, hash)),
            b'>' => Some(node(hash, neighbour)),
            _ => None,
        }
    })
}

fn unhex(text: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_leaf_has_its_way_to_the_root_and_no_other_one_does() {
        for size in 1_u8..40 {
            let leaves: Vec<Hash> = (0..size).map(|at| [at; 32]).collect();
            let Some((top, paths)) = tree(&leaves) else { panic!("a tree of {size}") };
            for (leaf, path) in leaves.iter().zip(&paths) {
                assert_eq!(root(*leaf, path), Some(top), "{size}");
                assert_ne!(root([99; 32], path), Some(top), "{size}");
                assert!(path.len() <= 6);
            }
        }
        for bad in ["", "<", "=00", "<é", &format!("<{}", "é".repeat(32)), &format!("x{}", "0".repeat(64))] {
            assert_eq!(root([0; 32], &[bad.to_string()]), None, "{bad}");
        }
    }
}
