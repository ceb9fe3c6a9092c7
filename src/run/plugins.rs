//! The plugins of a run: loaded once from the target's commit, and asked in this process about one candidate after the other.

use super::pool::{Proof, blank};
use crate::{
    gate::{Engines, Plugin, Shelf, Stop, Subject, View, builtin, failed, inputs, plugin_digest},
    model::{
        Result,
        gate::{BUILTIN, GateSpec, PLUGIN_SUFFIXES},
        verdict::Verdict,
    },
    repo::{Changed, Repo},
    weave::Weaver,
};
use gix::{ObjectId, bstr::BStr};
use std::{collections::BTreeMap, path::PathBuf};

/// The plugins that a run has asked for so far.
pub(super) struct Plugins<'r> {
    repo: &'r Repo,
    /// The target's commit, which the plugins come from.
    target: ObjectId,
    engines: Engines,
    stop: Stop,
    view: Option<View>,
    saw_commits: bool,
    loaded: Vec<(GateSpec, Result<Plugin>)>,
}

/// What a plugin is asked.
pub(super) struct Question<'a> {
    pub gate: &'a GateSpec,
    pub subject: &'a Subject,
    /// The trees of the base and of the candidate.
    pub trees: [ObjectId; 2],
    /// The files in which they differ.
    pub changes: &'a [Changed],
    /// What the gates that it needs have said.
    pub earlier: BTreeMap<String, Verdict>,
}

impl<'r> Plugins<'r> {
    /// Those of a run onto `target`. A name in `gates` that no built-in gate has is a typo in the policy, and an error.
    pub fn new<'g>(repo: &'r Repo, target: ObjectId, gates: impl Iterator<Item = &'g GateSpec>, stop: Stop) -> Result<Self> {
        builtin::check(gates)?;
        Ok(Plugins { repo, target, engines: Engines::default(), stop, view: None, saw_commits: false, loaded: Vec::new() })
    }

    /// The plugin of `gate`, or why it cannot be asked.
    pub fn of(&mut self, gate: &GateSpec) -> &mut Result<Plugin> {
        let at = self.loaded.iter().position(|(known, _)| known == gate).unwrap_or_else(|| {
            let plugin = Plugin::load(gate, &Shelf::Commit(&self.repo.git, self.target), &self.engines, &self.stop);
            self.loaded.push((gate.clone(), plugin));
            self.loaded.len() - 1
        });
        &mut self.loaded[at].1
    }

    /// Gates that the plugin of `gate` wants to hear first; none where it does not load.
    pub fn needs(&mut self, gate: &GateSpec) -> Vec<String> {
        self.of(gate).as_ref().map(|plugin| plugin.manifest().needs.clone()).unwrap_or_default()
    }

    /// Whether the plugin of `gate` runs programs, which need a work tree.
    pub fn runs_programs(&mut self, gate: &GateSpec) -> bool {
        self.of(gate).as_ref().is_ok_and(Plugin::runs_programs)
    }

    /// The one of `gates`, if any, whose plugin is made of the file `path` of the target.
    pub fn made_of(&mut self, path: &BStr, gates: &[GateSpec]) -> Option<String> {
        if !PLUGIN_SUFFIXES.iter().any(|suffix| path.ends_with(suffix.as_bytes())) {
            return None;
        }
        let of_files = |gate: &&GateSpec| gate.plugin.as_ref().is_some_and(|plugin| !plugin.starts_with(BUILTIN));
        let mut is_part = |gate: &&GateSpec| self.of(gate).as_ref().is_ok_and(|plugin| plugin.files().iter().any(|file| file == path));
        gates.iter().filter(of_files).find(|gate| is_part(gate)).map(|gate| gate.name.clone())
    }

    /// Whether the plugin that was asked last looked at commits and their messages.
    pub fn saw_commits(&self) -> bool {
        self.saw_commits
    }

    /// What keys the answer: the digest of all that decides it, and the tree of the gate's inputs.
    pub fn key(&mut self, question: &Question, weaver: &Weaver) -> Result<(String, ObjectId)> {
        let [base, candidate] = question.trees.map(|tree| inputs(weaver.objects(), tree, &question.gate.paths));
        let (base, candidate) = (base?, candidate?);
        let code = self.of(question.gate).as_ref().map_or("", Plugin::code).to_string();
        Ok((plugin_digest(question.gate, &code, question.subject, base, &question.earlier)?, candidate))
    }

    /// Ask it; programs that it may run do so in `dir`. Nothing where the user stopped it.
    pub fn ask(
        &mut self,
        question: Question,
        key: (String, ObjectId),
        dir: Option<PathBuf>,
        weaver: &mut Weaver,
        by: &str,
    ) -> Option<Proof> {
        let Question { gate, subject, changes, earlier, .. } = question;
        let mut view = self.view.take().unwrap_or_else(|| View::new(self.repo.git.clone()));
        let stop = self.stop.clone();
        let (said, log, took) = match self.of(gate) {
            Err(error) => (failed(error), Vec::new(), 0),
            Ok(plugin) => {
                weaver.lend(&mut view.git);
                view.turn_to(subject.clone());
                view.hear_of(changes);
                view.turn_for(gate, plugin.config().clone(), earlier);
                let (seen, judged) = plugin.judge(view, dir, &stop);
                view = seen;
                weaver.lend(&mut view.git);
                self.saw_commits = view.saw_commits();
                view.turn_away();
                if judged.stopped {
                    return None;
                }
                (judged.said, judged.log, judged.duration.as_millis())
            }
        };
        self.view = Some(view);
        let verdict = Verdict {
            verdict: said.answer,
            class: said.class,
            summary: said.summary,
            annotations: said.annotations,
            facts: said.facts,
            attempts: 1,
            duration_ms: u64::try_from(took).unwrap_or(u64::MAX),
            ..blank(&gate.name, key.0, key.1, subject, by)
        };
        let files = if log.is_empty() { Vec::new() } else { vec![("log".to_string(), log)] };
        Some(Proof { verdict, files })
    }
}
