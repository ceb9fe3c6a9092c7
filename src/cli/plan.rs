//! `git lex-pr plan`

use super::{Answer, context::Context, plan_edit, plan_review};
use crate::{
    config::Flags,
    gate::builtin,
    model::{
        Error, Result,
        error::Location,
        gate::{BUILTIN, GateSpec},
        json,
        plan::{DepSource, Plan, Strategy},
        shell_word,
    },
    plan::{Composer, Selection, brought_anyway, diff, document, order, remove, store},
    repo::{Repo, branch_name},
    report::style::{BAD, CARE, Cell, FAINT, GOOD, HEAD, PLAIN, columns, paint, printable},
};
use clap::Subcommand;
use schemars::JsonSchema;
use serde::Serialize;

/// Make and change plans: which branches land, in which order.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a plan from branches, or from a plan file.
    ///
    /// Without branches, every local branch that the target does not contain. A branch that is only on the remote (`origin`, or the only
    /// one there is) is taken from there by the same name. Dependencies are found in stacking (a branch that contains another) and in
    /// `Depends-On:` trailers of commit messages.
    Create {
        /// The plan's name.
        #[arg(long, value_name = "NAME", default_value = "default")]
        name: String,
        /// The branch to land on; else lex-pr.toml, git config lexpr.target, LEX_PR_TARGET or the default branch says.
        #[arg(long, value_name = "BRANCH")]
        target: Option<String>,
        /// Start from a plan file (`-` is standard input), whose branches must exist.
        #[arg(long, value_name = "FILE", conflicts_with = "target")]
        from: Option<String>,
        /// Where the plan exists, make this its next revision.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        selection: SelectionArgs,
    },
    /// Show a plan: its items, what they depend on and where that was found.
    Show {
        /// A plan's name, a plan file, or `-`; the only plan where there is but one.
        plan: Option<String>,
    },
    /// List the plans.
    List,
    /// Add branches to a plan, or renew those that it holds.
    Add {
        /// The plan's name.
        plan: String,
        #[command(flatten)]
        selection: SelectionArgs,
    },
    /// Take items out of a plan.
    Remove {
        /// The plan's name.
        plan: String,
        /// The items' names.
        #[arg(required = true, value_name = "ITEM")]
        items: Vec<String>,
    },
    /// Change a plan in your editor.
    ///
    /// It opens as TOML in the editor that git uses (GIT_EDITOR, core.editor, VISUAL, EDITOR). What you save is checked and becomes
    /// the next revision; on a terminal the editor opens again where something is wrong. Unchanged or emptied, nothing changes. What
    /// you typed is kept in a file whenever it could not be taken.
    Edit {
        /// The plan's name; the only plan where there is but one.
        plan: Option<String>,
        /// Open this file instead of the plan, such as one that an edit has kept.
        #[arg(long, value_name = "FILE")]
        from: Option<String>,
    },
    /// Look at a plan item by item: what it changes, whether it would merge, and whether it is to land.
    ///
    /// On a terminal each item is shown and asked about; `?` lists the keys. With flags nothing is asked. All decisions together are one
    /// revision, whose commit names the reviewer; until then nothing is written.
    Review(plan_review::Args),
    /// Check a plan: schema, names, dependencies, gates, and whether its target, branches, commits and plugins are here.
    ///
    /// Outside of a repository a plan file is checked for what it says alone.
    Validate {
        /// A plan's name, a plan file, or `-`; the only plan where there is but one.
        plan: Option<String>,
    },
    /// Keep a plan file as a plan, as it is; its branches need not be here.
    Import {
        /// The file, of this tool or of lex-pr-runner; `-` is standard input.
        file: String,
        /// The plan's name.
        #[arg(long, value_name = "NAME", default_value = "default")]
        name: String,
        /// Where the plan exists, make this its next revision.
        #[arg(long)]
        force: bool,
    },
    /// Print a plan as a document that `import` takes.
    Export {
        /// The plan's name.
        plan: Option<String>,
        /// The schema: 2, or 1 for lex-pr-runner, which leaves out what that one does not know.
        #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=2))]
        schema: u8,
    },
    /// Show the revisions of a plan, newest first.
    Log {
        /// The plan's name.
        plan: Option<String>,
    },
    /// Show what changed between two revisions of a plan; by default, in the newest.
    Diff {
        /// The plan's name.
        plan: String,
        /// The older revision: a commit, or `~N` for N before the newest.
        #[arg(default_value = "~1")]
        old: String,
        /// The newer revision.
        #[arg(default_value = "~0")]
        new: String,
    },
    /// Make an older revision the newest one again, also of a plan that was deleted.
    Restore {
        /// The plan's name.
        plan: String,
        /// The revision: a commit, or `~N` for N before the newest.
        revision: String,
    },
    /// Delete a plan, here and, with the next `sync`, in other clones. Its revisions are kept.
    Delete {
        /// The plan's name.
        plan: String,
    },
}

impl Command {
    /// Whether what it prints may be longer than a screen.
    pub fn is_long(&self) -> bool {
        matches!(self, Command::Show { .. } | Command::Log { .. } | Command::Diff { .. } | Command::List)
    }
}

/// Which branches, and how they land.
#[derive(Debug, clap::Args)]
pub struct SelectionArgs {
    /// Local or remote-tracking branches, or globs such as 'feat/*'.
    #[arg(value_name = "BRANCH")]
    branches: Vec<String>,
    /// How the branches reach the target.
    #[arg(long)]
    strategy: Option<Strategy>,
    /// Within a level, a higher number lands first.
    #[arg(long, allow_negative_numbers = true)]
    priority: Option<i64>,
    /// An item that must land before the branches; may be given several times.
    #[arg(long, value_name = "ITEM")]
    depends_on: Vec<String>,
    /// A dependency that commits name and that has landed, though nothing here shows it.
    #[arg(long, value_name = "DEPENDENCY")]
    assume_landed: Vec<String>,
}

impl SelectionArgs {
    fn selection(self) -> Selection {
        Selection {
            patterns: self.branches,
            strategy: self.strategy,
            priority: self.priority,
            depends_on: self.depends_on,
            assume_landed: self.assume_landed,
        }
    }
}

pub fn run(command: Command, context: &Context) -> Result<Answer> {
    let repo = match (&command, context.repo()) {
        (Command::Validate { plan: Some(path) }, Err(error)) if context.is_document(path) && error.code == "no-repository" => {
            return valid(&checked(context.plan_file(path)?)?, Vec::new());
        }
        (_, repo) => repo?,
    };
    match command {
        Command::Create { name, target, from, force, selection } => {
            create(&repo, context, &name, target, from, force, selection.selection())
        }
        Command::Show { plan } => {
            let found = context.plan(&repo, plan.as_deref())?;
            Answer::yes(describe(&found.name, &found.plan)?, &found.plan)
        }
        Command::List => list(&repo),
        Command::Add { plan, selection } => {
            let selection = selection.selection();
            if selection.patterns.is_empty() {
                return Err(
                    Error::input("usage", "no branch to add was named").hint(format!("git lex-pr plan add {} 'feat/*'", shell_word(&plan)))
                );
            }
            let mut notes = Vec::new();
            let composer = Composer::new(&repo, &store::load(&repo, &plan)?.plan.target)?;
            let message = format!("add {}", selection.patterns.join(" "));
            let (before, stored) = store::update(&repo, &plan, &message, |plan| {
                notes = composer.add(plan, &selection)?;
                Ok(())
            })?;
            changed(&before, &stored, notes)
        }
        Command::Remove { plan, items } => {
            let (before, stored) = store::update(&repo, &plan, &format!("remove {}", items.join(" ")), |plan| remove(plan, &items))?;
            changed(&before, &stored, Vec::new())
        }
        Command::Edit { plan, from } => plan_edit::run(&repo, context, plan.as_deref(), from.as_deref()),
        Command::Review(args) => plan_review::run(&repo, context, &args),
        Command::Validate { plan } => validate(&repo, context, plan.as_deref()),
        Command::Import { file, name, force } => {
            let plan = checked(context.plan_file(&file)?)?;
            let stored = store::create(&repo, &name, &plan, force, &format!("import {file}"))?;
            Answer::yes(format!("{}{}", describe(&name, &stored.plan)?, kept_as(&stored)), &stored.plan)
        }
        Command::Export { plan, schema } => {
            let plan = context.plan(&repo, plan.as_deref())?.plan;
            let text = if schema == 1 { document::write_v1(&plan)? } else { json::canonical(&plan)? };
            let json: serde_json::Value = json::parse(&text, "plan")?;
            Answer::yes(text, &json)
        }
        Command::Log { plan } => log(&repo, context, plan),
        Command::Diff { plan, old, new } => {
            let old = store::read(&repo, &plan, store::find_revision(&repo, &plan, &old)?)?;
            let new = store::read(&repo, &plan, store::find_revision(&repo, &plan, &new)?)?;
            let changes = diff(&old.plan, &new.plan);
            Answer::yes(describe_changes(&changes), &changes)
        }
        Command::Restore { plan, revision } => {
            let wanted = store::read(&repo, &plan, store::find_revision(&repo, &plan, &revision)?)?;
            if repo.ref_commit(&format!("{}{plan}", store::PREFIX))?.is_none() {
                let stored = store::revive(&repo, &plan, wanted.revision)?;
                return Answer::yes(format!("{}{}", describe(&plan, &stored.plan)?, kept_as(&stored)), &stored.plan);
            }
            let message = format!("restore {}", wanted.revision);
            let (before, stored) = store::update(&repo, &plan, &message, |plan| {
                plan.clone_from(&wanted.plan);
                Ok(())
            })?;
            changed(&before, &stored, Vec::new())
        }
        Command::Delete { plan } => {
            let old = store::delete(&repo, &plan)?;
            let bring_back = printable(&format!("git lex-pr plan restore {} {}", shell_word(&plan), repo.short(old)));
            let text = format!("deleted plan {}\n{} {bring_back}\n", printable(&plan), paint(FAINT, "to bring it back:"));
            Answer::yes(text, &Deleted { deleted: plan, revision: old.to_string() })
        }
    }
}

fn create(
    repo: &Repo,
    context: &Context,
    name: &str,
    target: Option<String>,
    from: Option<String>,
    force: bool,
    selection: Selection,
) -> Result<Answer> {
    let (mut plan, origin, message) = match &from {
        Some(file) => (checked(context.plan_file(file)?)?, Location::new(file).at_path("target"), format!("create from {file}")),
        None => {
            let (target, origin) = context.default_target(repo, target.as_deref())?;
            (Plan::new(branch_name(&target)), origin, format!("create {}", selection.patterns.join(" ")))
        }
    };
    let again = target.map(|target| format!(" --target {}", shell_word(&target))).unwrap_or_default();
    let composer = Composer::new(repo, &plan.target).map_err(|e| e.at(origin))?;
    let mut notes = Vec::new();
    if from.is_some() {
        notes.extend(composer.pin(&mut plan, &selection.assume_landed)?);
    }
    if from.is_none() || !selection.patterns.is_empty() {
        notes.extend(composer.add(&mut plan, &selection)?);
    }
    if from.is_none() && plan.items.is_empty() {
        let named = if name == "default" { String::new() } else { format!(" --name {}", shell_word(name)) };
        return Err(composer.nothing(&selection.patterns, &notes, &format!("git lex-pr plan create{named}{again}"))?);
    }
    let stored = store::create(repo, name, &plan, force, message.trim())?;
    let next = format!("{} git lex-pr merge {}\n", paint(FAINT, "next:"), printable(&shell_word(name)));
    Ok(Answer::yes(format!("{}{}{next}", describe(name, &stored.plan)?, kept_as(&stored)), &stored.plan)?.with_notes(notes))
}

/// A plan that this repository keeps, which can be changed.
pub(super) fn kept(repo: &Repo, context: &Context, arg: Option<&str>) -> Result<store::Stored> {
    let found = context.plan(repo, arg)?;
    match found.revision {
        Some(revision) => Ok(store::Stored { name: found.name, revision, plan: found.plan }),
        None => Err(Error::input("not-kept", "a plan file has no revisions")
            .hint(format!("keep it as a plan: git lex-pr plan import {}", shell_word(arg.unwrap_or("FILE"))))),
    }
}

fn kept_as(stored: &store::Stored) -> String {
    format!("{} {}{}\n", paint(FAINT, "kept as"), store::PREFIX, printable(&stored.name))
}

pub(super) fn changed(before: &Plan, stored: &store::Stored, mut notes: Vec<String>) -> Result<Answer> {
    let changes = diff(before, &stored.plan);
    notes.extend(brought_anyway(before, &stored.plan));
    Ok(Answer::yes(describe_changes(&changes), &stored.plan)?.with_notes(notes))
}

/// A plan as a table in the order in which it lands.
fn describe(name: &str, plan: &Plan) -> Result<String> {
    let title = |text: &str| (text.to_string(), HEAD);
    let mut rows: Vec<Vec<Cell>> = vec![vec![title("LEVEL"), title("ITEM"), title("HEAD"), title("STRATEGY"), title("NEEDS")]];
    for (level, members) in order(plan)?.into_iter().enumerate() {
        for item in members.into_iter().map(|i| &plan.items[i]) {
            let needs: Vec<String> = item
                .deps
                .iter()
                .map(|dep| format!("{} ({})", dep.name, dep.sources.iter().map(DepSource::to_string).collect::<Vec<_>>().join(", ")))
                .collect();
            let strategy = item.strategy.word().to_string();
            let head = item.head.as_deref().unwrap_or("-").chars().take(10).collect();
            rows.push(vec![
                (level.to_string(), FAINT),
                (item.name.clone(), PLAIN),
                (head, FAINT),
                (if item.priority == 0 { strategy } else { format!("{strategy}, priority {}", item.priority) }, PLAIN),
                (needs.join(", "), PLAIN),
            ]);
        }
    }
    let plural = if plan.items.len() == 1 { "" } else { "s" };
    let head = format!("plan {} onto {}: {} item{plural}", printable(name), printable(&plan.target), plan.items.len());
    let table = if plan.items.is_empty() { String::new() } else { columns(&rows) };
    Ok(format!("{}\n{table}", paint(HEAD, &head)))
}

pub(super) fn describe_changes(changes: &[crate::plan::Change]) -> String {
    if changes.is_empty() {
        return format!("{}\n", paint(FAINT, "nothing changed"));
    }
    let rows: Vec<Vec<Cell>> = changes
        .iter()
        .map(|change| {
            let short = |v: &String| match change.what {
                "head" => v.chars().take(10).collect(),
                "gates" => gates(v),
                _ => v.clone(),
            };
            let (sign, style, words) = match (&change.before, &change.after) {
                (None, Some(new)) => ("+", GOOD, short(new)),
                (Some(old), None) => ("-", BAD, short(old)),
                (old, new) => {
                    let side = |v: &Option<String>| v.as_ref().map(short).filter(|s| !s.is_empty()).unwrap_or_else(|| "none".into());
                    let (old, new) = (side(old), side(new));
                    let words = if old == new { format!("{old}, in its settings") } else { format!("{old} -> {new}") };
                    ("~", CARE, words)
                }
            };
            vec![(sign.into(), style), (change.item.clone(), PLAIN), (change.what.into(), FAINT), (words, PLAIN)]
        })
        .collect();
    columns(&rows)
}

/// The gates of an item, each with what judges: `unit: cargo test`.
fn gates(json: &str) -> String {
    let gates: Vec<GateSpec> = serde_json::from_str(json).unwrap_or_default();
    gates.iter().map(|gate| format!("{}: {}", gate.name, gate.judge())).collect::<Vec<_>>().join(", ")
}

/// What `plan list --json` prints for each plan.
#[derive(Serialize, JsonSchema)]
pub struct Listed {
    /// Its name.
    name: String,
    /// The branch that it lands on.
    target: String,
    /// How many items it has.
    items: usize,
    /// The commit of its newest revision.
    revision: String,
}

/// What `plan log --json` prints for each revision.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Logged {
    /// Its commit.
    revision: String,
    /// When it was made, in UTC, RFC 3339.
    at: String,
    /// Who made it: `Name <mail>`.
    by: String,
    /// What was done.
    message: String,
    /// Who has reviewed it: `Name <mail>`.
    reviewed_by: Vec<String>,
}

/// What `plan delete --json` prints.
#[derive(Serialize, JsonSchema)]
pub struct Deleted {
    /// The plan's name.
    deleted: String,
    /// The commit of its last revision, from which it can be brought back.
    revision: String,
}

/// What `plan validate --json` prints.
#[derive(Serialize, JsonSchema)]
pub struct Validated {
    /// Always true: a plan that is not valid is an error.
    valid: bool,
    /// How many items it has.
    items: usize,
    /// What it names that is not here, each in one line.
    missing: Vec<String>,
}

fn list(repo: &Repo) -> Result<Answer> {
    let mut listed = Vec::new();
    let (plans, notes) = store::load_all(repo)?;
    for store::Stored { name, revision, plan } in plans {
        listed.push(Listed { name, target: plan.target, items: plan.items.len(), revision: revision.to_string() });
    }
    if listed.is_empty() {
        let text = format!("no plans yet\n{} git lex-pr plan create 'feat/*'\n", paint(FAINT, "next:"));
        return Ok(Answer::yes(text, &listed)?.with_notes(notes));
    }
    let title = |text: &str| (text.to_string(), HEAD);
    let mut rows: Vec<Vec<Cell>> = vec![vec![title("PLAN"), title("TARGET"), title("ITEMS"), title("REVISION")]];
    rows.extend(listed.iter().map(|p| {
        let revision = p.revision.chars().take(10).collect();
        vec![(p.name.clone(), PLAIN), (p.target.clone(), PLAIN), (p.items.to_string(), PLAIN), (revision, FAINT)]
    }));
    Ok(Answer::yes(columns(&rows), &listed)?.with_notes(notes))
}

fn log(repo: &Repo, context: &Context, plan: Option<String>) -> Result<Answer> {
    let name = match plan {
        Some(name) => name,
        None => context.plan(repo, None)?.name,
    };
    let revisions = store::log(repo, &name)?;
    let rows: Vec<Vec<Cell>> = revisions
        .iter()
        .map(|r| {
            vec![
                (repo.short(r.id), CARE),
                (r.at.clone(), FAINT),
                (r.by.clone(), FAINT),
                (r.message.lines().next().unwrap_or_default().into(), PLAIN),
                (reviewed(&r.reviewers), GOOD),
            ]
        })
        .collect();
    let logged = revisions.into_iter().map(|r| Logged {
        revision: r.id.to_string(),
        at: r.at,
        by: r.by,
        message: r.message,
        reviewed_by: r.reviewers,
    });
    Answer::yes(columns(&rows), &logged.collect::<Vec<_>>())
}

/// A plan whose gates there are, as far as they ship.
fn checked(plan: Plan) -> Result<Plan> {
    builtin::check(plan.items.iter().flat_map(|item| &item.gates))?;
    Ok(plan)
}

fn validate(repo: &Repo, context: &Context, plan: Option<&str>) -> Result<Answer> {
    let plan = checked(context.plan(repo, plan)?.plan)?;
    document::check(&plan)?;
    let target = repo.ref_commit(&format!("refs/heads/{}", plan.target))?;
    let mut missing = Vec::new();
    match target {
        // What lex-pr.toml says there and the plan's policy must go together.
        Some(target) => drop(context.config_at(repo, &plan, target, &Flags::default())?),
        None => missing.push(format!("target {} is not a local branch here", plan.target)),
    }
    for item in &plan.items {
        match &item.head {
            Some(head) if !repo.has_commit(repo.parse_id(head)?) => missing.push(format!("{}: commit {head} is not here", item.name)),
            None if repo.branch(&item.branch)?.is_none() => missing.push(format!("{}: there is no branch {}", item.name, item.branch)),
            _ => {}
        }
        let plugins = item.gates.iter().filter_map(|gate| gate.plugin.as_deref()).filter(|plugin| !plugin.starts_with(BUILTIN));
        for (plugin, target) in plugins.zip(std::iter::repeat(target)).filter_map(|(plugin, target)| Some((plugin, target?))) {
            if repo.read_file(target, plugin)?.is_none() {
                missing.push(format!("{}: there is no file {plugin} on {}", item.name, plan.target));
            }
        }
    }
    valid(&plan, missing)
}

fn valid(plan: &Plan, missing: Vec<String>) -> Result<Answer> {
    let mut text = format!("{} {} items in {} levels\n", paint(GOOD, "valid:"), plan.items.len(), order(plan)?.len());
    for line in &missing {
        text.push_str(&format!("{} {}\n", paint(BAD, "missing:"), printable(line)));
    }
    let no = !missing.is_empty();
    Ok(Answer { no, ..Answer::yes(text, &Validated { valid: true, items: plan.items.len(), missing })? })
}

/// Who has reviewed a revision, behind its message.
fn reviewed(reviewers: &[String]) -> String {
    if reviewers.is_empty() { String::new() } else { format!("reviewed by {}", reviewers.join(", ")) }
}
