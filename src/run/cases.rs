//! Trying a gate on its cases, each a candidate of real commits in a repository that is thrown away.

use super::{pool::blank, signals::Signals};
use crate::{
    gate::{
        Engines, Judged, Plugin, Said, Shelf, Subject, View,
        cases::{Case, CaseCommit, Compared, Entry, FileMode, Person, TreePath},
        failed,
    },
    model::{Error, Result, error::Blame, gate::GateSpec, plan::Strategy, verdict::Verdict},
    repo::{GateTree, Repo, Scratch},
    weave::{Ladder, Strand, Weaver, Woven},
};
use gix::{ObjectId, actor::Signature, objs::tree::EntryKind};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

/// When the first commit of a case was made, in seconds since 1970; each later one is a minute younger. The same commits each
/// time, whoever makes them.
const BEGIN: i64 = 1_767_268_800;

/// What a case came to.
pub struct Tried {
    /// What the gate said.
    pub said: Said,
    /// What it logged.
    pub log: String,
    /// How long it took.
    pub duration: Duration,
    /// What it said beside what it must say.
    pub compared: Vec<Compared>,
}

impl Tried {
    /// Whether the gate said what it must say.
    pub fn is_good(&self) -> bool {
        !self.compared.iter().any(Compared::differs)
    }
}

/// Where gates are tried.
pub struct Bench {
    repo: Repo,
    signals: Signals,
    engines: Engines,
    /// The last plugin that was asked; cases of one config share it, as candidates do in a run.
    loaded: Option<Plugin>,
    work_tree: Option<GateTree>,
    _scratch: Scratch,
}

impl Bench {
    /// An empty one.
    pub fn new() -> Result<Bench> {
        let scratch = Scratch::create().map_err(|e| Error::io("make a repository for cases", e))?;
        let (kind, bare) = (gix::create::Kind::Bare, gix::create::Options::default());
        let git = gix::ThreadSafeRepository::init_opts(scratch.path(), kind, bare, gix::open::Options::isolated())
            .map_err(|e| Error::git("make a repository for cases", e))?
            .to_thread_local();
        Ok(Bench {
            repo: Repo::of(git),
            signals: Signals::watch()?,
            engines: Engines::default(),
            loaded: None,
            work_tree: None,
            _scratch: scratch,
        })
    }

    /// Try the gate `name`, whose `plugin` lies in `dir`, on a case.
    ///
    /// Errors: a case that cannot be, and what the machine cannot do. What is wrong with the gate is what it says.
    pub fn attempt(&mut self, name: &str, plugin: &str, case: &Case, dir: &Path) -> Result<Tried> {
        self.signals.check()?;
        let gate = case.gate(name, plugin);
        let (said, log, duration) = match self.plugin(&gate, dir) {
            Ok(mut plugin) => {
                let judged = self.judge(&mut plugin, case)?;
                self.loaded = Some(plugin);
                (judged.said, String::from_utf8_lossy(&judged.log).into_owned(), judged.duration)
            }
            Err(error) if error.blame == Blame::Input => (failed(&error), String::new(), Duration::ZERO),
            Err(error) => return Err(error),
        };
        let compared = case.expect.compare(&said);
        Ok(Tried { said, log, duration, compared })
    }

    fn plugin(&mut self, gate: &GateSpec, dir: &Path) -> Result<Plugin> {
        match self.loaded.take().filter(|plugin| plugin.gate() == gate) {
            Some(plugin) => Ok(plugin),
            None => Plugin::load(gate, &Shelf::Folder(dir), &self.engines, &self.signals.stop),
        }
    }

    fn judge(&mut self, plugin: &mut Plugin, case: &Case) -> Result<Judged> {
        let needs = &plugin.manifest().needs;
        if let Some(name) = case.earlier.keys().find(|name| !needs.contains(name)) {
            let message = format!("the gate does not hear gate `{name}`");
            let hint = format!("let it say `needs = {{ \"{name}\" }}`, or take the table out");
            return Err(Error::input("bad-value", message).at(case.at(&["earlier", name])).hint(hint));
        }
        let subject = self.subject(case)?;
        let dir = if plugin.runs_programs() { Some(self.show(&subject)?) } else { None };
        let earlier = case.earlier.iter().map(|(gate, said)| {
            let verdict = Verdict {
                verdict: said.answer,
                summary: said.summary.clone(),
                annotations: said.annotations.clone(),
                facts: said.facts.clone(),
                attempts: 1,
                ..blank(gate, String::new(), subject.candidate, &subject, "")
            };
            (gate.clone(), verdict)
        });
        let mut view = View::new(self.repo.in_memory());
        view.turn_to(subject.clone());
        view.turn_for(plugin.gate(), plugin.config().clone(), earlier.collect());
        let (_, judged) = plugin.judge(view, dir, &self.signals.stop);
        self.signals.check()?;
        Ok(judged)
    }

    /// A work tree that shows the candidate.
    fn show(&mut self, subject: &Subject) -> Result<PathBuf> {
        let mut tree = match self.work_tree.take() {
            Some(tree) => tree,
            None => GateTree::create(&self.repo)?,
        };
        tree.show(subject.candidate, &subject.target, subject.base)?;
        Ok(self.work_tree.insert(tree).dir().to_path_buf())
    }

    /// The candidate of `case`, as a run weaves it.
    fn subject(&self, case: &Case) -> Result<Subject> {
        let before = self.tree(None, &case.before)?;
        let after = self.tree(Some(before), &case.after)?;
        let mut clock = BEGIN;
        let mut commit = |tree, parents: Vec<ObjectId>, about: &CaseCommit| {
            let sign = |who: &Person| Signature {
                name: who.name.as_str().into(),
                email: who.email.as_str().into(),
                time: gix::date::Time { seconds: clock, offset: 0 },
            };
            let commit = gix::objs::Commit {
                tree,
                parents: parents.into(),
                author: sign(&about.author),
                committer: sign(about.committer.as_ref().unwrap_or(&about.author)),
                encoding: None,
                message: format!("{}\n", about.message.trim_end_matches('\n')).into(),
                extra_headers: Vec::new(),
            };
            clock += 60;
            self.repo.git.write_object(&commit).map(gix::Id::detach).map_err(|e| Error::git("write a commit of a case", e))
        };
        let begin = CaseCommit { message: "Begin".into(), ..CaseCommit::default() };
        let mut base = commit(before, Vec::new(), &begin)?;
        let mut head = base;
        // There is nothing to merge where the target did not go on.
        if case.commits.iter().any(|commit| commit.merge) {
            base = commit(before, vec![base], &CaseCommit { message: "Go on".into(), ..CaseCommit::default() })?;
        }
        let only = [CaseCommit::default()];
        let own = if case.commits.is_empty() { &only[..] } else { &case.commits };
        for (index, about) in own.iter().enumerate() {
            let tree = if index + 1 == own.len() { after } else { before };
            let parents = if about.merge { vec![head, base] } else { vec![head] };
            head = commit(tree, parents, about)?;
        }
        let mut weaver = Weaver::new(&self.repo, &case.target, before, Ladder::none());
        let strand = Strand { name: &case.item, branch: &case.item, head, strategy: Strategy::Merge };
        let Woven::Clean { commit: candidate, .. } = weaver.weave(base, &strand)? else {
            let message = "the item cannot be merged with the target";
            return Err(Error::input("bad-case", message).at(case.at(&[])).hint("look at its paths and its commits"));
        };
        weaver.persist(candidate)?;
        Ok(Subject { item: case.item.clone(), target: case.target.clone(), base, head, candidate })
    }

    fn tree(&self, base: Option<ObjectId>, entries: &BTreeMap<TreePath, Entry>) -> Result<ObjectId> {
        let git = &self.repo.git;
        let writing = |e: &dyn std::fmt::Display| Error::git("write the files of a case", e);
        let mut editor = git.edit_tree(base.unwrap_or_else(|| git.object_hash().empty_tree())).map_err(|e| writing(&e))?;
        // What goes makes room for what comes, such as a file for a folder.
        for (path, _) in entries.iter().filter(|(_, entry)| **entry == Entry::Gone) {
            editor.remove(path.as_str()).map_err(|e| writing(&e))?;
        }
        for (path, entry) in entries {
            let Entry::File(mode, content) = entry else { continue };
            let kind = match mode {
                FileMode::File => EntryKind::Blob,
                FileMode::Executable => EntryKind::BlobExecutable,
                FileMode::Symlink => EntryKind::Link,
                FileMode::Submodule => EntryKind::Commit,
            };
            let id = match mode {
                FileMode::Submodule => self.repo.parse_id(&String::from_utf8_lossy(content))?,
                _ => git.write_blob(content).map_err(|e| writing(&e))?.detach(),
            };
            editor.upsert(path.as_str(), kind, id).map_err(|e| writing(&e))?;
        }
        Ok(editor.write().map_err(|e| writing(&e))?.detach())
    }
}
