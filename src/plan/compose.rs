//! Branches become items: heads are pinned, and dependencies are found in stacking and in trailers.

use super::{
    order::cycle_of_commits,
    trailers,
    unknown::{Remedy, Unknown, refuse},
};
use crate::{
    model::{
        Error, Result,
        error::{Location, nearest},
        plan::{Dep, DepSource, Item, Plan, Strategy},
        shell_word,
    },
    repo::{Branch, History, Repo, branch_name, is_branch_name},
};
use gix::ObjectId;
use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap, HashSet},
};

/// Which branches to add, and how.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Names and globs of branches; none means every local branch.
    pub patterns: Vec<String>,
    /// How the new items reach the target.
    pub strategy: Option<Strategy>,
    /// The priority of the new items.
    pub priority: Option<i64>,
    /// Items that the new ones depend on, besides what their commits say.
    pub depends_on: Vec<String>,
    /// Dependencies that count as landed though nothing here shows it.
    pub assume_landed: Vec<String>,
}

/// Adds branches to plans for one target.
pub struct Composer<'r> {
    repo: &'r Repo,
    target: String,
    target_head: ObjectId,
    history: RefCell<History>,
}

impl<'r> Composer<'r> {
    /// For plans onto `target`, which must exist.
    pub fn new(repo: &'r Repo, target: &str) -> Result<Self> {
        Ok(Composer { repo, target: target.into(), target_head: repo.target_head(target)?, history: RefCell::default() })
    }

    /// Add the selected branches to `plan`, or renew the ones it holds already. Gives what a person should know: branches
    /// left out because they have landed, dependencies on other repositories.
    pub fn add(&self, plan: &mut Plan, selection: &Selection) -> Result<Vec<String>> {
        let (mut landed, mut added, mut elsewhere) = (Vec::new(), Vec::new(), Vec::new());
        let (branches, mut notes) = self.select(&selection.patterns)?;
        let selected: HashSet<String> = branches.iter().map(|b| b.name.clone()).collect();
        for branch in branches {
            if self.ahead(branch.head)?.is_empty() {
                landed.push(branch.name);
                continue;
            }
            if branch.remote.is_some() && branch.short() == branch.name {
                elsewhere.push(branch.git_name());
            }
            let known = plan.items.iter().position(|i| i.name == branch.name || i.branch == branch.name);
            let at = match known.map_or_else(|| self.counterpart(plan, &branch, &selected), |at| Ok(Some(at)))? {
                Some(at) => at,
                None => {
                    plan.items.push(Item::new(&branch.name));
                    plan.items.len() - 1
                }
            };
            let item = &mut plan.items[at];
            item.head = Some(branch.head.to_string());
            item.strategy = selection.strategy.unwrap_or(item.strategy);
            item.priority = selection.priority.unwrap_or(item.priority);
            added.push(item.name.clone());
        }
        notes.extend(self.state_dependencies(plan, &added, selection)?);
        notes.extend(self.find_dependencies(plan, &added, &selection.assume_landed)?);
        let target = &self.target;
        notes.extend(summed(
            &elsewhere,
            "is taken, since there is no local branch of that name",
            "are taken, since there are no local ones of their names",
        ));
        notes.extend(summed(&landed, &format!("is already in {target}"), &format!("are already in {target}")));
        Ok(notes)
    }

    /// The item that holds `branch` under the name that it has on the remote, or without that: the one that has it for its branch now.
    /// Where both are `selected`, each is an item of its own.
    fn counterpart(&self, plan: &mut Plan, branch: &Branch, selected: &HashSet<String>) -> Result<Option<usize>> {
        let Some(remote) = self.repo.default_remote() else { return Ok(None) };
        let holder = |plan: &Plan, name: &str| plan.items.iter().position(|i| i.branch == name);
        if branch.remote.as_ref() == Some(&remote) && branch.short() != branch.name {
            let is_local = self.repo.branch(branch.short())?.is_some_and(|short| short.remote.is_none());
            return Ok(holder(plan, branch.short()).filter(|_| !is_local));
        }
        let there = format!("{remote}/{}", branch.name);
        let at = holder(plan, &there).filter(|_| !selected.contains(&there) && self.is_remote_branch(&there));
        if let Some(at) = at {
            plan.items[at].branch.clone_from(&branch.name);
        }
        Ok(at)
    }

    /// Pin the heads of a plan that names branches only, and find the dependencies that its branches show.
    pub fn pin(&self, plan: &mut Plan, assume_landed: &[String]) -> Result<Vec<String>> {
        for (index, item) in plan.items.iter_mut().enumerate() {
            if item.head.is_none() {
                let branch = self.repo.branches_matching(std::slice::from_ref(&item.branch), &self.target).map_err(|mut e| {
                    e.at = Some(Box::new(Location::new("plan").at_path(format!("items[{index}].branch"))));
                    e
                })?;
                item.head = branch.0.first().map(|b| b.head.to_string());
            }
        }
        let names: Vec<String> = plan.items.iter().map(|i| i.name.clone()).collect();
        self.find_dependencies(plan, &names, assume_landed)
    }

    /// The commits of `head` that the target lacks.
    fn ahead(&self, head: ObjectId) -> Result<Vec<ObjectId>> {
        self.history.borrow_mut().ahead(&self.repo.git, head, &[self.target_head])
    }

    /// The branches that `patterns` name and that can be planned, and what was left out.
    fn select(&self, patterns: &[String]) -> Result<(Vec<Branch>, Vec<String>)> {
        if patterns.iter().any(|pattern| branch_name(pattern) == self.target) {
            return Err(Error::input("bad-item", format!("`{}` is the target; it cannot land on itself", self.target))
                .hint("leave it out, or name another target with --target"));
        }
        let mut notes = self.repo.listing("refs/heads/")?.broken;
        let (mut branches, mut there) = match patterns {
            [] => (self.repo.local_branches()?, Vec::new()),
            _ => self.repo.branches_matching(patterns, &self.target)?,
        };
        branches.retain(|b| b.name != self.target && (b.remote.is_none() || b.short() != self.target));
        let named = |branch: &Branch| patterns.iter().any(|pattern| branch_name(pattern) == branch.name);
        let unnamable = take(&mut branches, |b| !is_branch_name(&b.name));
        let absent = take(&mut branches, |b| !self.repo.has_commit(b.head));
        let local: HashMap<String, ObjectId> = self.repo.local_branches()?.into_iter().map(|b| (b.name, b.head)).collect();
        let selected: HashSet<String> = branches.iter().map(|b| b.name.clone()).collect();
        let twins = take(&mut branches, |b| {
            b.remote.is_some() && selected.contains(b.short()) && local.get(b.short()) == Some(&b.head) && !named(b)
        });
        let only_there = take(&mut there, |b| self.ahead(b.head).is_ok_and(|ahead| !ahead.is_empty()));
        for (names, why, whys) in [
            (only_there, "it is only on the remote (name it to take it, too)", "they are only on the remote (name them to take them, too)"),
            (unnamable, "git takes no such name for a branch", "git takes no such names for branches"),
            (absent, "its commit is not here", "their commits are not here"),
            (twins, "the local branch is at the same commit", "the local branches are at the same commits"),
        ] {
            notes.extend(summed(&names, &format!("is left out: {why}"), &format!("are left out: {whys}")));
        }
        Ok((branches, notes))
    }

    /// Why a plan of `patterns` has no items, when `notes` is what was said of the branches; `again` is the command that makes one.
    pub fn nothing(&self, patterns: &[String], notes: &[String], again: &str) -> Result<Error> {
        let target = &self.target;
        let mut there = self.repo.branches_there()?;
        there.retain(|b| b.name != *target);
        let there: Vec<Branch> = there.into_iter().filter(|b| self.ahead(b.head).is_ok_and(|ahead| !ahead.is_empty())).collect();
        let why = match (patterns, notes) {
            ([], []) => format!("there is no local branch besides {target}"),
            (_, []) => format!("no branch besides {target} matches"),
            _ => notes.join("; "),
        };
        let hint = match (patterns, &there[..]) {
            ([], [first, ..]) => {
                let remote = first.remote.as_deref().unwrap_or_default();
                let (are, number) = (if there.len() == 1 { "branch is" } else { "branches are" }, there.len());
                format!("{number} {are} on {remote} only, such as {}: {again} '*'", first.name)
            }
            _ => "`git branch --all --no-merged` shows the branches with commits of their own".into(),
        };
        Ok(Error::input("nothing-to-plan", format!("there is nothing to plan: {why}")).hint(hint))
    }

    /// What `--depends-on` says of the items called `names`.
    fn state_dependencies(&self, plan: &mut Plan, names: &[String], selection: &Selection) -> Result<Vec<String>> {
        let (mut notes, mut unknown) = (Vec::new(), Vec::new());
        for name in names {
            for wanted in &selection.depends_on {
                match self.resolve(plan, wanted, &selection.assume_landed)? {
                    Resolved::Item(needed) if needed == *name => notes.push(format!("{name} cannot depend on itself: left out")),
                    Resolved::Item(needed) => {
                        let item = plan.items.iter_mut().find(|i| i.name == *name);
                        item.into_iter().for_each(|item| item.deps.push(Dep::new(&needed, DepSource::Plan)));
                    }
                    Resolved::Landed => {}
                    Resolved::Elsewhere => notes.push(elsewhere(name, wanted)),
                    Resolved::Unknown(remedy) => {
                        unknown.push(Unknown { item: name.clone(), wanted: wanted.clone(), at: Location::new("--depends-on"), remedy });
                    }
                }
            }
        }
        refuse(unknown)?;
        Ok(notes)
    }

    /// Stacking is found for all items, since a new one may lie under an old one; trailers only for `names`.
    fn find_dependencies(&self, plan: &mut Plan, names: &[String], assume_landed: &[String]) -> Result<Vec<String>> {
        let heads: Vec<Option<ObjectId>> = plan
            .items
            .iter()
            .map(|item| item.head.as_deref().and_then(|h| self.repo.parse_id(h).ok()).filter(|h| self.repo.has_commit(*h)))
            .collect();
        let mut own: Vec<HashSet<ObjectId>> = Vec::with_capacity(heads.len());
        for head in &heads {
            own.push(match head {
                Some(head) => self.ahead(*head)?.into_iter().collect(),
                None => HashSet::new(),
            });
        }
        let lies_on = |upper: usize, lower: usize| heads[lower] != heads[upper] && heads[lower].is_some_and(|h| own[upper].contains(&h));
        let (mut notes, mut unknown) = (Vec::new(), Vec::new());
        for index in 0..plan.items.len() {
            // What has landed keeps the dependencies that it landed with.
            if heads[index].is_some() && own[index].is_empty() {
                continue;
            }
            let below: Vec<usize> = (0..plan.items.len()).filter(|&lower| lies_on(index, lower)).collect();
            let directly = below.iter().filter(|&&lower| !below.iter().any(|&between| lies_on(between, lower)));
            let mut found: Vec<Dep> = directly.map(|&lower| Dep::new(&plan.items[lower].name, DepSource::Stack)).collect();

            let renewed = names.contains(&plan.items[index].name);
            if renewed {
                let inherited = |commit: &&ObjectId| !below.iter().any(|&lower| own[lower].contains(*commit));
                for commit in own[index].iter().filter(inherited) {
                    for wanted in trailers::depends_on(&self.repo.message(*commit)?) {
                        let item = &plan.items[index];
                        match self.resolve(plan, &wanted, assume_landed)? {
                            Resolved::Item(name) if name == item.name => {
                                notes.push(format!("{name} names itself in Depends-On: ignored"));
                            }
                            Resolved::Item(name) => found.push(Dep::new(name, DepSource::Trailer)),
                            Resolved::Landed => {}
                            Resolved::Elsewhere => notes.push(elsewhere(&item.name, &wanted)),
                            Resolved::Unknown(remedy) => {
                                let at = Location::new(&item.branch).at_path("Depends-On");
                                unknown.push(Unknown { item: item.name.clone(), wanted, at, remedy });
                            }
                        }
                    }
                }
            }
            let stale = |source: &DepSource| *source == DepSource::Stack || (renewed && *source == DepSource::Trailer);
            let item = &mut plan.items[index];
            for dep in &mut item.deps {
                dep.sources.retain(|source| !stale(source));
            }
            item.deps.retain(|dep| !dep.sources.is_empty());
            item.deps.extend(found);
        }
        refuse(unknown)?;
        plan.normalize();
        if let Some(error) = cycle_of_commits(plan)? {
            return Err(error);
        }
        notes.sort();
        notes.dedup();
        Ok(notes)
    }

    /// What a dependency means: an item by name, by branch, by branch without its remote, or by the number or page of its PR.
    fn resolve(&self, plan: &Plan, wanted: &str, assume_landed: &[String]) -> Result<Resolved> {
        if trailers::is_elsewhere(wanted) {
            return Ok(Resolved::Elsewhere);
        }
        let page = trailers::number_of_page(wanted);
        let aliases = trailers::pull_request_names(page.as_deref().unwrap_or(wanted));
        let remote = |branch: &str| branch.split_once('/').is_some_and(|(_, rest)| rest == wanted) && self.is_remote_branch(branch);
        let ways: [&dyn Fn(&&Item) -> bool; 4] = [&|i| i.name == wanted, &|i| i.branch == wanted, &|i| remote(&i.branch), &|i| {
            aliases.iter().any(|a| *a == i.name || *a == i.branch)
        }];
        if let Some(found) = ways.iter().find_map(|way| plan.items.iter().find(way)) {
            return Ok(Resolved::Item(found.name.clone()));
        }
        if assume_landed.iter().any(|a| a == wanted) {
            return Ok(Resolved::Landed);
        }
        if page.is_some() {
            return Ok(Resolved::Elsewhere);
        }
        let branch = if is_branch_name(wanted) { self.repo.branch(wanted)? } else { None };
        Ok(match branch {
            Some(branch) if self.ahead(branch.head)?.is_empty() => Resolved::Landed,
            Some(branch) => Resolved::Unknown(Remedy::Add(branch.name)),
            None => match nearest(wanted, plan.items.iter().map(|i| i.name.as_str())) {
                Some(near) => Resolved::Unknown(Remedy::Near(near.into())),
                None => Resolved::Unknown(Remedy::None),
            },
        })
    }

    fn is_remote_branch(&self, branch: &str) -> bool {
        self.repo.ref_commit(&format!("refs/remotes/{branch}")).is_ok_and(|commit| commit.is_some())
    }
}

enum Resolved {
    Item(String),
    Landed,
    Elsewhere,
    Unknown(Remedy),
}

fn elsewhere(item: &str, wanted: &str) -> String {
    format!("{item} depends on {wanted}, in another repository: not checked")
}

/// Take the branches that are `out` from a list, and give their names.
fn take(branches: &mut Vec<Branch>, out: impl Fn(&Branch) -> bool) -> Vec<String> {
    branches.extract_if(.., |b| out(b)).map(|b| b.name).collect()
}

/// What holds of branches in one line: `a is ...`, or `12 branches are ..., such as a`.
fn summed(names: &[String], one: &str, several: &str) -> Option<String> {
    match names {
        [] => None,
        [name] => Some(format!("{name} {one}")),
        [first, ..] => Some(format!("{} branches {several}, such as {first}", names.len())),
    }
}

/// Take items out of a plan. Refused where another item that stays says that it needs one of them.
pub fn remove(plan: &mut Plan, names: &[String]) -> Result<()> {
    for name in names {
        if plan.item(name).is_none() {
            let hint = match nearest(name, plan.items.iter().map(|i| i.name.as_str())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`git lex-pr plan show` lists the items".into(),
            };
            return Err(Error::input("missing-item", format!("the plan has no item `{name}`")).hint(hint));
        }
    }
    plan.items.retain(|item| !names.contains(&item.name));
    // What lies on a removed item carries its commits anyway; only a stated dependency would be broken.
    let mut stated: BTreeMap<String, String> = BTreeMap::new();
    for item in &mut plan.items {
        item.deps.retain(|dep| {
            let gone = names.contains(&dep.name);
            if gone && dep.sources.iter().any(|s| *s != DepSource::Stack) {
                stated.insert(item.name.clone(), dep.name.clone());
            }
            !gone
        });
    }
    match stated.iter().next() {
        None => Ok(()),
        Some((item, dep)) => Err(Error::input("still-needed", format!("`{item}` depends on `{dep}`"))
            .hint(format!("remove it too: {}", stated.keys().map(|name| shell_word(name)).collect::<Vec<_>>().join(" ")))),
    }
}

/// What to know where items of `before` are no more in `after`: those that stay and stand on them bring their commits all the same.
pub fn brought_anyway(before: &Plan, after: &Plan) -> Vec<String> {
    let stays = before.items.iter().filter(|item| after.item(&item.name).is_some());
    let stands = |dep: &&Dep| after.item(&dep.name).is_none() && dep.sources.contains(&DepSource::Stack);
    stays
        .flat_map(|item| item.deps.iter().filter(stands).map(move |dep| (&item.name, &dep.name)))
        .map(|(item, dep)| format!("{item} stands on {dep}, and brings its commits all the same"))
        .collect()
}
