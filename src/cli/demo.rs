//! `git lex-pr demo`

use super::{Answer, context::Context, dispatch, parse, print};
use crate::{
    model::{
        Error, Result,
        run::{Run, Status},
        shell_word,
    },
    repo::{GitCommand, PLAIN_CONFIG},
    report::style::{FAINT, HEAD, paint, printable},
};
use schemars::JsonSchema;
use serde::Serialize;
use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// Make a small repository with ten branches, plan them, prove them and land what holds.
///
/// The branches: a stack of three, a diamond, one that conflicts, one that passes alone and fails together with another,
/// one that fails its gate, and one whose gate flakes. Nothing is acted: git makes the repository, and the engine runs.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to make it; it must be empty or not exist. Without it, a new folder in the temporary folder.
    dir: Option<PathBuf>,
}

/// What `demo --json` prints.
#[derive(Serialize, JsonSchema)]
pub struct Made {
    /// The folder.
    dir: String,
    /// The run that landed what holds.
    #[schemars(with = "Run")]
    run: serde_json::Value,
}

/// A commit of the demo: its branch, the branch it starts from, its message, and the files it writes.
type Commit = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

const CONFIG: &str = r#"version = 1

[policy.retries]
network = { max-attempts = 2 }

[[gate]]
name = "test"
run = 'for t in tests/*.sh; do sh "$t" || { echo "$t failed" >&2; exit 1; }; done'

[[gate]]
# Fails at its first try on one branch, as a gate does that talks to a slow server.
name = "network"
run = 'test "$LEX_PR_ITEM" != cart/add || test "$LEX_PR_ATTEMPT" -gt 1'
"#;

const COMMITS: [Commit; 11] = [
    (
        "main",
        "",
        "Start the shop",
        &[
            ("README.md", "# Shop\n\nSells tea.\n"),
            ("lex-pr.toml", CONFIG),
            ("lib/total.sh", "total() { awk '{ s += $2 } END { print s }' prices.txt; }\n"),
            ("prices.txt", "tea 4\ncups 6\n"),
            ("tests/prices.sh", "! grep -vE '^[a-z]+ [0-9]+$' prices.txt\n"),
            ("tests/total.sh", ". lib/total.sh\ntest \"$(total)\" -ge 10\n"),
        ],
    ),
    (
        "api/1-rename-total",
        "main",
        "Call the total a sum",
        &[
            ("lib/total.sh", "sum() { awk '{ s += $2 } END { print s }' prices.txt; }\n"),
            ("tests/total.sh", ". lib/total.sh\ntest \"$(sum)\" -ge 10\n"),
        ],
    ),
    (
        "api/2-discount",
        "api/1-rename-total",
        "Give a discount",
        &[("lib/discount.sh", ". lib/total.sh\ndiscount() { echo $(($(sum) * 9 / 10)); }\n")],
    ),
    (
        "api/3-coupon",
        "api/2-discount",
        "Take coupons",
        &[("lib/coupon.sh", ". lib/discount.sh\ncoupon() { echo $(($(discount) - 1)); }\n")],
    ),
    ("cart/base", "main", "Add a cart", &[("lib/cart.sh", "cart=$(mktemp)\n"), ("README.md", "# Shop with a cart\n\nSells tea.\n")]),
    ("cart/add", "cart/base", "Put things into the cart", &[("lib/add.sh", "add() { echo \"$1\" >> \"$cart\"; }\n")]),
    ("cart/remove", "cart/base", "Take things out again", &[("lib/remove.sh", "remove() { sed -i \"/^$1\\$/d\" \"$cart\"; }\n")]),
    (
        "cart/checkout",
        "cart/base",
        "Check out\n\nDepends-On: cart/add, cart/remove",
        &[("lib/checkout.sh", "checkout() { wc -l < \"$cart\"; }\n")],
    ),
    ("docs/shout", "main", "Shout", &[("README.md", "# SHOP\n\nSells tea.\n")]),
    ("fix/price", "main", "Mend the price of cups", &[("prices.txt", "tea 4\ncups six\n")]),
    (
        "report/daily",
        "main",
        "Report the total each day",
        &[("report.sh", ". lib/total.sh\necho \"today: $(total)\"\n"), ("tests/report.sh", "sh report.sh 2>&1 | grep -q 'today: [0-9]'\n")],
    ),
];

/// The items that do not land, and why; the others do.
const HELD: [(&str, Status); 3] =
    [("docs/shout", Status::SkippedConflict), ("fix/price", Status::SkippedGates), ("report/daily", Status::SkippedGates)];

pub fn run(args: &Args, context: &Context) -> Result<Answer> {
    let making = |e: std::io::Error| Error::io("make the folder of the demo", e);
    let dir = match &args.dir {
        Some(dir) => context.dir.join(dir),
        None => tempfile::Builder::new().prefix("lex-pr-demo-").tempdir().map_err(making)?.keep(),
    };
    std::fs::create_dir_all(&dir).map_err(|e| match e.kind() {
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
            Error::input("not-a-folder", format!("{} cannot be made: a file is in the way", dir.display()))
                .hint("name a folder that does not exist yet")
        }
        _ => making(e),
    })?;
    if std::fs::read_dir(&dir).map_err(making)?.next().is_some() {
        return Err(Error::input("not-empty", format!("{} is not empty", dir.display())).hint("name a folder that does not exist yet"));
    }
    make(&dir)?;
    let say = |text: String| if context.json { Ok(()) } else { print(&format!("{text}\n")) };
    say(format!("{}\n", paint(HEAD, &printable(&format!("A shop with ten open branches, in {}", dir.display())))))?;
    let mut last = serde_json::Value::Null;
    for (why, line) in [
        ("Which branches are there, and what do they depend on?", "plan create --name demo */*"),
        ("What would land? Nothing is changed yet.", "merge demo"),
        ("Prove each candidate by its gates and land what holds.", "merge demo --execute"),
        ("What the gates said.", "report demo"),
        ("Is the repository sound?", ""),
    ] {
        say(paint(FAINT, &format!("# {why}")))?;
        if line.is_empty() {
            say("$ git fsck --strict --no-dangling".into())?;
            let fsck = GitCommand::new(&dir).args(["fsck", "--strict", "--no-dangling"]).run("check the demo's repository")?;
            say(String::from_utf8_lossy(&fsck).into_owned())?;
            continue;
        }
        say(format!("$ git lex-pr {}", line.replace("*/*", "'*/*'")))?;
        let words = ["git-lex-pr", "-C"].map(Into::into).into_iter().chain([dir.clone().into_os_string()]);
        let words: Vec<_> = words.chain(line.split(' ').map(Into::into)).collect();
        let cli = parse(&words).map_err(|e| Error::environment("demo", e.to_string()))?;
        let answer = dispatch(cli.command, &Context::new(dir.clone(), context.json))?;
        say(answer.text)?;
        last = answer.json;
    }
    check(&last)?;
    let shown = printable(&shell_word(&dir.to_string_lossy()));
    let next = format!(
        "{}\n  cd {shown}\n  git log --oneline --graph\n  git lex-pr status\n  git notes --ref lex-pr/verdicts list\n  git checkout report/daily   # mend it, commit, then:\n  \
         git lex-pr plan add demo report/daily && git lex-pr merge demo --execute\n",
        paint(HEAD, "Try next:")
    );
    Answer::yes(next, &Made { dir: dir.display().to_string(), run: last })
}

/// The demo claims an outcome; where this machine gives another one, such as for want of `awk`, it must not pass for a success.
fn check(run: &serde_json::Value) -> Result<()> {
    for item in run["items"].as_array().into_iter().flatten() {
        let name = item["name"].as_str().unwrap_or_default();
        let expected = HELD.iter().find(|(held, _)| *held == name).map_or(Status::Merged, |(_, status)| *status);
        if item["status"] != serde_json::json!(expected) {
            let detail = item["detail"].as_str().unwrap_or_default();
            return Err(Error::environment(
                "demo",
                format!("the demo came out otherwise than it should: {name} is not {}: {detail}", expected.words()),
            )
            .hint("its gates need sh, awk, grep and a git without odd settings; what they said is above"));
        }
    }
    Ok(())
}

/// Make the repository. Names and dates are fixed, so that every demo has the same commits.
fn make(dir: &Path) -> Result<()> {
    let git = |args: &[&str]| {
        let mut command = GitCommand::new(dir).args(args);
        for (name, value) in [
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_DEFAULT_REF_FORMAT", "files"),
            ("GIT_AUTHOR_NAME", "Ada"),
            ("GIT_AUTHOR_EMAIL", "ada@example.com"),
            ("GIT_AUTHOR_DATE", "2026-01-01T12:00:00Z"),
            ("GIT_COMMITTER_NAME", "Ada"),
            ("GIT_COMMITTER_EMAIL", "ada@example.com"),
            ("GIT_COMMITTER_DATE", "2026-01-01T12:00:00Z"),
        ] {
            command = command.env(name, value);
        }
        command.run("make the demo's repository").map(drop)
    };
    git(&["init", "--quiet", "--template=", "--initial-branch=main", "."])?;
    for (key, value) in [("user.name", "Ada"), ("user.email", "ada@example.com")].into_iter().chain(PLAIN_CONFIG) {
        git(&["config", key, value])?;
    }
    for (branch, from, message, files) in COMMITS {
        if !from.is_empty() {
            git(&["checkout", "--quiet", "-b", branch, from])?;
        }
        for (path, content) in files {
            let path = dir.join(path);
            let writing = |e: std::io::Error| Error::io(format_args!("write {}", path.display()), e);
            std::fs::create_dir_all(path.parent().unwrap_or(dir)).map_err(writing)?;
            std::fs::write(&path, content).map_err(writing)?;
        }
        git(&["add", "--all"])?;
        git(&["commit", "--quiet", "--message", message])?;
    }
    git(&["checkout", "--quiet", "main"])
}
