//! The thread that reads the repository: it answers what is asked of it, and tells when the plan or its run changes.

use super::{
    Subject,
    patch::{Line, patch, title},
};
use crate::{
    model::{
        Error, Result,
        plan::{DepSource, Item, Plan},
        run::{ItemReport, Run, RunState, Status},
    },
    plan::{Query, store},
    repo::{Changed, History, Repo, changes},
    report::style::printable,
    run::{Life, RUNS_PREFIX, facts, find_run, life, newest_run, runs},
};
use gix::ObjectId;
use std::{
    collections::{BTreeSet, VecDeque},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender},
    time::{Duration, Instant},
};

/// How often the plan and the run that is shown are looked at; that reads two refs.
const POLL: Duration = Duration::from_millis(150);

/// How often it is looked whether there is a newer run, and whether the process of this one lives; that lists all runs.
const SELDOM: Duration = Duration::from_secs(1);

/// Older runs of the plan than this many are not asked about an item.
const LOOKED_BACK: usize = 100;

/// An item shows at most so many commits.
const COMMITS: usize = 500;

/// What is asked about the item that is shown.
#[derive(Clone, Debug)]
pub(super) enum Question {
    /// Which items answer a query, or hold a word in their names.
    Filter(String),
    /// An item's commits.
    Commits(String),
    /// The files that an item changes.
    Files(String),
    /// What the newest run that asked gates about an item says of it.
    Verdicts(String),
    /// The lines of one of the files.
    Patch(Box<Changed>, usize, String),
}

/// The id of a run, and what it says of an item.
pub(super) type Earlier = (String, ItemReport);

/// What the reader tells.
#[derive(Debug)]
pub(super) enum News {
    /// The plan is another one now.
    Plan(Box<Plan>),
    /// The newest run of the plan, as it is now.
    Run(Option<Box<Run>>, Option<Life>),
    /// The items that answer a filter.
    Filtered(String, Result<BTreeSet<String>>),
    /// The answer to [`Question::Commits`] and how many commits are not listed.
    Commits(Result<(Vec<Commit>, usize)>),
    /// The answer to [`Question::Files`].
    Files(Result<Files>),
    /// The answer to [`Question::Verdicts`]: the run and its report, where there is one.
    Verdicts(Result<Option<Box<Earlier>>>),
    /// The answer to [`Question::Patch`].
    Patch(usize, Result<Vec<Line>>),
    /// Something cannot be read for now.
    Trouble(Error),
}

/// A commit of an item.
#[derive(Debug)]
pub(super) struct Commit {
    pub id: String,
    pub author: String,
    /// In UTC, to the minute.
    pub at: String,
    pub subject: String,
}

/// The files that an item changes.
#[derive(Debug)]
pub(super) struct Files {
    /// What they are compared with.
    pub base: String,
    pub changed: Vec<Changed>,
    pub titles: Vec<String>,
    /// The command that shows the same.
    pub command: String,
}

pub(super) struct Reader {
    repo: Repo,
    subject: Subject,
    revision: Option<ObjectId>,
    run: Option<Run>,
    /// Whether the process of the run lives, as it was last told.
    life: Option<Life>,
    /// The step that `run` was read from, and the newest of all runs when that was looked up.
    step: Option<ObjectId>,
    newest: Option<String>,
    history: History,
}

impl Reader {
    pub fn new(repo: Repo, subject: Subject) -> Self {
        let revision = subject.revision;
        Reader { repo, subject, revision, run: None, life: None, step: None, newest: None, history: History::default() }
    }

    /// Go on until nobody asks or listens any more. Each question carries the number of the showing that it is for: those of an older one
    /// are not answered.
    pub fn work(mut self, questions: &Receiver<(u64, Question)>, tell: &Sender<(u64, News)>) {
        let mut open: VecDeque<(u64, Question)> = VecDeque::new();
        let (mut looked, mut seldom) = (None::<Instant>, None::<Instant>);
        loop {
            if looked.is_none_or(|at| at.elapsed() >= POLL) {
                let all = seldom.is_none_or(|at| at.elapsed() >= SELDOM);
                let news = self.look(all).unwrap_or_else(|error| vec![News::Trouble(error)]);
                if news.into_iter().any(|news| tell.send((0, news)).is_err()) {
                    return;
                }
                looked = Some(Instant::now());
                seldom = if all { looked } else { seldom };
            }
            if open.is_empty() {
                match questions.recv_timeout(POLL) {
                    Ok(question) => open.push_back(question),
                    Err(RecvTimeoutError::Timeout) => continue,
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
            open.extend(questions.try_iter());
            let newest = open.iter().map(|(showing, _)| *showing).max().unwrap_or_default();
            open.retain(|(showing, question)| *showing == newest || matches!(question, Question::Filter(_)));
            if let Some((showing, question)) = open.pop_front() {
                let news = self.answer(question);
                if tell.send((showing, news)).is_err() {
                    return;
                }
            }
        }
    }

    /// What has changed since the last look.
    fn look(&mut self, all: bool) -> Result<Vec<News>> {
        let mut news = Vec::new();
        if self.revision.is_some() {
            let now = self.repo.ref_commit(&format!("{}{}", store::PREFIX, self.subject.name))?;
            let Some(now) = now else {
                return Err(Error::input("no-plan", format!("the plan {} was deleted", self.subject.name)));
            };
            if Some(now) != self.revision {
                self.subject.plan = store::read(&self.repo, &self.subject.name, now)?.plan;
                self.revision = Some(now);
                news.push(News::Plan(Box::new(self.subject.plan.clone())));
            }
        }
        let before = (self.run.as_ref().and_then(|run| run.id.clone()), self.step);
        if all {
            let newest = self.repo.refs_under(RUNS_PREFIX)?.pop().map(|(id, _)| id);
            if newest != self.newest {
                self.run = newest_run(&self.repo, Some(&self.subject.name))?;
                self.newest = newest;
                self.step = None;
            }
        }
        let id = self.run.as_ref().and_then(|run| run.id.clone());
        if let Some(id) = &id {
            let step = self.repo.ref_commit(&format!("{RUNS_PREFIX}{id}"))?;
            if step != self.step {
                self.run = find_run(&self.repo, id)?;
                self.step = step;
            }
        }
        let moved = (id, self.step) != before;
        let life = if all || moved { self.run.as_ref().and_then(|run| life(&self.repo, run)) } else { self.life };
        if moved || life != self.life {
            self.life = life;
            news.push(News::Run(self.run.clone().map(Box::new), life));
        }
        Ok(news)
    }

    fn answer(&mut self, question: Question) -> News {
        match question {
            Question::Filter(text) => {
                let fits = self.filter(&text);
                News::Filtered(text, fits)
            }
            Question::Commits(item) => News::Commits(self.commits(&item)),
            Question::Files(item) => News::Files(self.files(&item)),
            Question::Verdicts(item) => {
                let found = self.newest_report(&item, |_, report| !report.gates.is_empty());
                News::Verdicts(found.map(|found| found.map(|(run, report)| Box::new((run.id.unwrap_or_default(), report)))))
            }
            Question::Patch(changed, at, command) => News::Patch(at, patch(&self.repo.git, &changed, &command)),
        }
    }

    fn filter(&self, text: &str) -> Result<BTreeSet<String>> {
        let names = self.subject.plan.items.iter().map(|item| &item.name);
        if !text.contains(|c: char| c.is_whitespace() || "=<>!()".contains(c)) {
            let word = text.to_lowercase();
            return Ok(names.filter(|name| name.to_lowercase().contains(&word)).cloned().collect());
        }
        let query = Query::parse(text)?;
        let facts = facts(&self.repo, &self.subject.plan, self.run.as_ref(), &query.fields())?;
        Ok(names.zip(&facts).filter(|(_, facts)| query.fits(facts)).map(|(name, _)| name.clone()).collect())
    }

    fn item(&self, name: &str) -> Result<&Item> {
        self.subject.plan.item(name).ok_or_else(|| Error::input("missing-item", format!("there is no item {name} any more")))
    }

    fn head(&self, item: &Item) -> Result<ObjectId> {
        let head = match &item.head {
            Some(head) => Some(self.repo.parse_id(head)?).filter(|head| self.repo.has_commit(*head)),
            None => self.repo.branch(&item.branch)?.map(|branch| branch.head),
        };
        let hint = format!("fetch it, or take it out of the plan: git lex-pr plan remove {}", item.name);
        head.ok_or_else(|| Error::input("missing-branch", format!("{} is not in this repository", item.branch)).hint(hint))
    }

    /// The newest run that says of an item, as it is now, what `fits`.
    fn newest_report(&self, item: &str, fits: impl Fn(&Run, &ItemReport) -> bool) -> Result<Option<(Run, ItemReport)>> {
        let head = self.item(item)?.head.as_ref();
        for run in runs(&self.repo, Some(&self.subject.name))?.take(LOOKED_BACK) {
            let run = run?;
            let report = run.items.iter().find(|report| report.name == item && (head.is_none() || report.head.as_ref() == head));
            if let Some(report) = report.filter(|report| fits(&run, report)).cloned() {
                return Ok(Some((run, report)));
            }
        }
        Ok(None)
    }

    /// What an item's commits and changes are told from: the heads that it is stacked on, and the target; where a run has landed the item,
    /// the target as it was before.
    fn beneath(&mut self, item: &str, head: ObjectId) -> Result<(Vec<ObjectId>, ObjectId)> {
        let mut target = self.repo.target_head(&self.subject.plan.target)?;
        if self.history.ahead(&self.repo.git, head, &[target])?.is_empty()
            && let Some((run, _)) =
                self.newest_report(item, |run, report| run.state == RunState::Landed && report.status == Status::Merged)?
        {
            target = self.repo.parse_id(&run.base)?;
        }
        let item = self.item(item)?;
        let stacked = item.deps.iter().filter(|dep| dep.sources.contains(&DepSource::Stack));
        let heads = stacked.filter_map(|dep| self.head(self.subject.plan.item(&dep.name)?).ok());
        Ok((heads.collect(), target))
    }

    fn commits(&mut self, name: &str) -> Result<(Vec<Commit>, usize)> {
        let head = self.head(self.item(name)?)?;
        let (mut hidden, target) = self.beneath(name, head)?;
        hidden.push(target);
        let ids = self.history.ahead(&self.repo.git, head, &hidden)?;
        let left = ids.len().saturating_sub(COMMITS);
        let commits: Result<Vec<Commit>> = ids.into_iter().take(COMMITS).map(|id| self.commit(id)).collect();
        Ok((commits?, left))
    }

    fn commit(&self, id: ObjectId) -> Result<Commit> {
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read commit {id}"), e);
        let commit = self.repo.git.find_commit(id).map_err(|e| reading(&e))?;
        let author = commit.author().map_err(|e| reading(&e))?;
        let seconds = commit.time().map_err(|e| reading(&e))?.seconds;
        let at = jiff::Timestamp::from_second(seconds).map_or(String::new(), |at| at.strftime("%Y-%m-%d %H:%M").to_string());
        let message = commit.message().map_err(|e| reading(&e))?;
        let [author, subject] = [author.name, &message.summary()].map(|text| printable(&text.to_string()));
        Ok(Commit { id: self.repo.short(id), author, at, subject })
    }

    fn files(&mut self, name: &str) -> Result<Files> {
        let head = self.head(self.item(name)?)?;
        let (stacked, target) = self.beneath(name, head)?;
        let base = match stacked[..] {
            [below] => Some(below),
            _ => self.history.merge_bases(&self.repo.git, target, head)?.into_iter().next(),
        };
        let tree = |commit: ObjectId| {
            let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("read commit {commit}"), e);
            Ok(self.repo.git.find_commit(commit).map_err(|e| reading(&e))?.tree_id().map_err(|e| reading(&e))?.detach())
        };
        let (old, named) = match base {
            Some(base) => (tree(base)?, self.repo.short(base)),
            None => (self.repo.git.object_hash().empty_tree(), "nothing".into()),
        };
        let changed = changes(&self.repo.git, old, tree(head)?)?;
        let titles = changed.iter().map(title).collect();
        let from = base.map_or_else(|| old.to_string(), |_| named.clone());
        Ok(Files { base: named, changed, titles, command: format!("git diff {from} {}", self.repo.short(head)) })
    }
}
