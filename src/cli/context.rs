//! What the commands share: the repository, the plan that an argument means, and the configuration that holds.

use crate::{
    config::{Config, ConfigFile, FILE_NAME, Flags},
    model::{Error, Result, error::Location, plan::Plan},
    plan::{Composer, Selection, document, store},
    repo::{Repo, branch_name, is_branch_name},
};
use gix::ObjectId;
use std::{cell::RefCell, io::Read, path::PathBuf};

/// What a plan is called that is not kept.
const UNKEPT: &str = "gate-run";

/// Where a command works and how it answers.
pub(super) struct Context {
    pub dir: PathBuf,
    pub json: bool,
    /// The repository of `dir`, where it was opened and nobody has taken it yet.
    opened: RefCell<Option<Repo>>,
}

/// A plan from wherever an argument found it.
pub(super) struct PlanArg {
    pub name: String,
    /// The argument that means it again; standard input cannot be read twice.
    pub again: Option<String>,
    /// Its commit, where it is kept in this repository.
    pub revision: Option<ObjectId>,
    pub plan: Plan,
}

impl Context {
    pub fn new(dir: PathBuf, json: bool) -> Context {
        Context { dir, json, opened: RefCell::default() }
    }

    pub fn repo(&self) -> Result<Repo> {
        self.opened.take().map_or_else(|| Repo::open(&self.dir), Ok)
    }

    /// What git's configuration says of `key`: that of the repository, else the user's.
    pub fn git_setting(&self, key: &str) -> Option<String> {
        let mut opened = self.opened.borrow_mut();
        if opened.is_none() {
            *opened = Repo::open(&self.dir).ok();
        }
        match &*opened {
            Some(repo) => Some(repo.git.config_snapshot().string(key)?.to_string()),
            None => Some(gix::config::File::from_globals().ok()?.string(key)?.to_string()),
        }
    }

    /// The text of a plan file, or of stdin for `-`; and what to call it in errors.
    pub fn read_document(&self, path: &str) -> Result<(String, String)> {
        let (bytes, name) = if path == "-" {
            let mut bytes = Vec::new();
            std::io::stdin().lock().read_to_end(&mut bytes).map_err(|e| Error::io("read standard input", e))?;
            (bytes, "stdin".to_string())
        } else {
            let bytes = std::fs::read(self.dir.join(path)).map_err(|e| {
                Error::input("no-file", format!("could not read {path}: {e}"))
                    .hint("give the path of a plan file, or `-` for standard input")
            })?;
            (bytes, path.to_string())
        };
        let text = String::from_utf8(bytes).map_err(|e| {
            Error::input("bad-json", format!("{name} is not UTF-8 from byte {} on", e.utf8_error().valid_up_to())).hint("save it as UTF-8")
        })?;
        Ok((text, name))
    }

    /// Read a plan file, or stdin for `-`.
    pub fn plan_file(&self, path: &str) -> Result<Plan> {
        let (text, name) = self.read_document(path)?;
        document::read(&text, &name)
    }

    /// Whether a plan argument means a document rather than the name of a plan that is kept.
    pub fn is_document(&self, arg: &str) -> bool {
        arg == "-" || arg.ends_with(".json") || self.dir.join(arg).is_file()
    }

    /// The plan that an argument means: a name, a file, or `-`; without one, the only plan there is.
    pub fn plan(&self, repo: &Repo, arg: Option<&str>) -> Result<PlanArg> {
        let stored = match arg {
            Some(path) if self.is_document(path) => {
                let stem = PathBuf::from(path).file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
                let name = if is_branch_name(&stem) { stem } else { "plan".into() };
                let again = Some(path.to_string()).filter(|path| path != "-");
                return Ok(PlanArg { name, again, revision: None, plan: self.plan_file(path)? });
            }
            Some(name) => store::load(repo, name)?,
            None => self.only_plan(repo)?,
        };
        Ok(PlanArg::kept(stored))
    }

    /// The plans that an argument means; without one, all there are. Also what is wrong with those that cannot be read.
    pub fn plans(&self, repo: &Repo, arg: Option<&str>) -> Result<(Vec<PlanArg>, Vec<String>)> {
        if arg.is_some() {
            return Ok((vec![self.plan(repo, arg)?], Vec::new()));
        }
        let (plans, notes) = store::load_all(repo)?;
        Ok((plans.into_iter().map(PlanArg::kept).collect(), notes))
    }

    /// The plan that an argument means for `items`. Where none is named and no plan holds them, but they are branches, it is a plan
    /// of just those, which is not kept.
    pub fn plan_with(&self, repo: &Repo, arg: Option<&str>, items: &[String]) -> Result<PlanArg> {
        if arg.is_some() || items.is_empty() {
            return self.plan(repo, arg);
        }
        let (mut plans, _) = store::load_all(repo)?;
        let is_branch = |item: &String| is_branch_name(item) && matches!(repo.branch(item), Ok(Some(_)));
        // What is no branch either is a typo in the name of an item.
        if !plans.is_empty() && !items.iter().all(is_branch) {
            return self.plan(repo, arg);
        }
        plans.retain(|stored| items.iter().all(|item| stored.plan.item(item).is_some()));
        match plans.len() {
            0 => self.plan_of(repo, items),
            1 => Ok(PlanArg::kept(plans.remove(0))),
            _ => self.plan(repo, arg),
        }
    }

    fn plan_of(&self, repo: &Repo, branches: &[String]) -> Result<PlanArg> {
        let (target, origin) = self.default_target(repo, None)?;
        let mut plan = Plan::new(branch_name(&target));
        let selection = Selection { patterns: branches.to_vec(), ..Selection::default() };
        let composer = Composer::new(repo, &plan.target).map_err(|e| e.at(origin))?;
        composer.add(&mut plan, &selection).map_err(|e| match e.code {
            "unknown-dependency" => e.hint("name what it depends on by --item, too, or make a plan: git lex-pr plan create"),
            _ => e,
        })?;
        if let Some(landed) = branches.iter().find(|branch| plan.item(branch).is_none()) {
            return Err(Error::input("landed", format!("there is nothing to judge: {target} holds `{landed}` already"))
                .hint("name a branch with commits of its own"));
        }
        Ok(PlanArg::unkept(plan))
    }

    /// The target of the plan that is named, or the default one.
    pub fn target_of(&self, repo: &Repo, plan: Option<&str>) -> Result<String> {
        match plan {
            Some(_) => Ok(self.plan(repo, plan)?.plan.target),
            None => Ok(branch_name(&self.default_target(repo, None)?.0).to_string()),
        }
    }

    /// The plan that an argument means; without one and without a plan, one of nothing onto the default target.
    pub fn plan_or_none(&self, repo: &Repo, arg: Option<&str>) -> Result<PlanArg> {
        match self.plan(repo, arg) {
            Err(error) if arg.is_none() && error.code == "no-plan" => {
                let plan = Plan::new(branch_name(&self.default_target(repo, None)?.0));
                Ok(PlanArg::unkept(plan))
            }
            found => found,
        }
    }

    fn only_plan(&self, repo: &Repo) -> Result<store::Stored> {
        let (mut plans, _) = store::load_all(repo)?;
        match &plans[..] {
            [_] => Ok(plans.remove(0)),
            [] => Err(Error::input("no-plan", "there is no plan yet").hint("make one: git lex-pr plan create 'feat/*'")),
            several => {
                let names: Vec<&str> = several.iter().map(|plan| plan.name.as_str()).collect();
                Err(Error::input("which-plan", format!("there are {} plans", names.len()))
                    .hint(format!("name one of: {}", names.join(", "))))
            }
        }
    }

    /// The configuration that holds for `plan`: `lex-pr.toml` of its target's commit, then the plan, git config,
    /// environment and flags.
    pub fn config(&self, repo: &Repo, plan: &Plan, flags: &Flags) -> Result<Config> {
        self.config_at(repo, plan, repo.target_head(&plan.target)?, flags)
    }

    /// The same with `lex-pr.toml` as a commit has it.
    pub fn config_at(&self, repo: &Repo, plan: &Plan, commit: ObjectId, flags: &Flags) -> Result<Config> {
        let file = config_file(repo, &plan.target, commit)?;
        let git = |key: &str| repo.git.config_snapshot().string(key).map(|value| value.to_string());
        Config::resolve(file, plan, &git, &|name| std::env::var(name).ok(), flags)
    }

    /// The branch that plans land on, its commit, and `lex-pr.toml` there.
    pub fn target_file(&self, repo: &Repo) -> Result<(String, ObjectId, ConfigFile)> {
        let (target, at) = self.default_target(repo, None)?;
        let commit = repo.target_head(&target).map_err(|error| error.at(at))?;
        let file = config_file(repo, &target, commit)?;
        Ok((target, commit, file))
    }

    /// The two commits of a range, written `FROM..TO`; a side that is left out is HEAD.
    pub fn range(&self, repo: &Repo, range: &str) -> Result<(ObjectId, ObjectId)> {
        let (from, to) = range
            .split_once("..")
            .ok_or_else(|| Error::input("bad-range", format!("`{range}` is no range")).hint("write it as FROM..TO, such as v1.0..main"))?;
        let commit = |name: &str| {
            let name = if name.is_empty() { "HEAD" } else { name };
            let found = repo.git.rev_parse_single(name).ok().and_then(|id| id.object().ok()?.peel_to_commit().ok());
            found.map(|c| c.id).ok_or_else(|| {
                Error::input("missing-commit", format!("there is no commit `{name}`"))
                    .hint("`git rev-parse --verify NAME` tells which names there are")
            })
        };
        Ok((commit(from)?, commit(to)?))
    }

    /// The branch that a new plan lands on: the flag, `LEX_PR_TARGET`, `lexpr.target`, `target` in `lex-pr.toml` of the
    /// default branch, or the default branch. Also what names it, for errors.
    pub fn default_target(&self, repo: &Repo, flag: Option<&str>) -> Result<(String, Location)> {
        let named = flag
            .map(|target| (target.to_owned(), "--target"))
            .or_else(|| Some((std::env::var("LEX_PR_TARGET").ok()?, "LEX_PR_TARGET")))
            .or_else(|| Some((repo.git.config_snapshot().string("lexpr.target")?.to_string(), "git config lexpr.target")));
        if let Some((target, origin)) = named {
            return Ok((target, Location::new(origin)));
        }
        let (branch, commit) = self.default_branch(repo)?;
        Ok(match config_file(repo, &branch, commit)?.target {
            Some(target) => (target, Location::new(format!("{branch}:{FILE_NAME}")).at_path("target")),
            None => (branch, Location::new("default branch")),
        })
    }

    /// The remote's default branch, else `main`, else `master`, else the one checked out; and its commit.
    pub fn default_branch(&self, repo: &Repo) -> Result<(String, ObjectId)> {
        let remote = repo.git.try_find_reference("refs/remotes/origin/HEAD").ok().flatten().and_then(|head| {
            head.target().try_name().and_then(|name| name.as_bstr().to_string().strip_prefix("refs/remotes/origin/").map(ToOwned::to_owned))
        });
        let head = repo.git.head_name().ok().flatten().map(|name| name.shorten().to_string());
        for branch in remote.into_iter().chain(["main".into(), "master".into()]).chain(head) {
            if let Some(commit) = repo.ref_commit(&format!("refs/heads/{branch}"))? {
                return Ok((branch, commit));
            }
        }
        Err(Error::input("no-target", "there is no branch to land on").hint("make a first commit, or name the branch with --target"))
    }
}

impl PlanArg {
    /// One that nobody keeps.
    pub fn unkept(plan: Plan) -> Self {
        PlanArg { name: UNKEPT.into(), again: None, revision: None, plan }
    }

    fn kept(stored: store::Stored) -> Self {
        PlanArg { again: Some(stored.name.clone()), name: stored.name, revision: Some(stored.revision), plan: stored.plan }
    }
}

fn config_file(repo: &Repo, branch: &str, commit: ObjectId) -> Result<ConfigFile> {
    let source = format!("{branch}:{FILE_NAME}");
    match repo.read_file(commit, FILE_NAME)? {
        None => Ok(ConfigFile::default()),
        Some(bytes) => {
            let text = String::from_utf8(bytes).map_err(|e| {
                Error::input("bad-toml", format!("{source} is not UTF-8 from byte {} on", e.utf8_error().valid_up_to()))
                    .hint("save it as UTF-8")
            })?;
            ConfigFile::parse(&text, &source)
        }
    }
}
