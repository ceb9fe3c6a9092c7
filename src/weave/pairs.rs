//! Merges of many pairs of candidates, which no one keeps: on all processors, the doubtful ones by one git process.

use super::{
    Weaver,
    conflict::{Clash, Conflicted},
    engine::{Answer, Engine},
};
use crate::{
    model::{Error, Result, forecast::Place},
    repo::OBJECT_CACHE_BYTES,
};
use gix::ObjectId;

/// How many merges a worker does before it drops what they wrote to memory.
const MERGES_PER_MEMORY: usize = 256;

/// A pair that is not clean, and where it conflicts; `None` where only git can tell.
type Judged = (usize, usize, Option<Vec<Place>>);

/// A candidate and its tree.
pub type Candidate = (ObjectId, ObjectId);

impl Weaver<'_> {
    /// The pairs, by index into `candidates`, that conflict, each with the places. All are candidates on the one commit
    /// whose tree is `base`. Pairs come sorted.
    pub fn conflicts_among(
        &mut self,
        base: ObjectId,
        candidates: &[Candidate],
        pairs: &[(usize, usize)],
    ) -> Result<Vec<(usize, usize, Vec<Place>)>> {
        let memory = self.git.objects.reset_object_memory().unwrap_or_default();
        self.git.objects.set_object_memory(memory.clone());
        let shared = self.git.clone().into_sync();
        let workers = std::thread::available_parallelism().map_or(1, usize::from).min(pairs.len().max(1));
        let attributes_tree = self.attributes_tree;
        let work = |share: &[(usize, usize)]| -> Result<Vec<Judged>> {
            let mut git = shared.to_thread_local();
            git.object_cache_size(OBJECT_CACHE_BYTES);
            let engine = Engine::new(attributes_tree);
            let mut answers = Vec::new();
            for (done, &(one, other)) in share.iter().enumerate() {
                if done % MERGES_PER_MEMORY == 0 {
                    git.objects.set_object_memory(memory.clone());
                    engine.forget();
                }
                match engine.merge(&git, [base, candidates[one].1, candidates[other].1], 0)? {
                    Answer::Clean(_) => {}
                    Answer::Conflict(conflicted) => answers.push((one, other, Some(places(&git, &conflicted)?))),
                    Answer::Open { .. } | Answer::Doubt => answers.push((one, other, None)),
                }
            }
            Ok(answers)
        };
        let share = pairs.len().div_ceil(workers).max(1);
        let answers: Vec<Result<Vec<_>>> = std::thread::scope(|scope| {
            let threads: Vec<_> = pairs.chunks(share).map(|share| scope.spawn(|| work(share))).collect();
            let crashed = |_| Err(Error::environment("crash", "a worker of the forecast crashed"));
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(crashed)).collect()
        });
        let (mut found, mut doubts) = (Vec::new(), Vec::new());
        for (one, other, places) in answers.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten() {
            match places {
                Some(places) => found.push((one, other, places)),
                None => doubts.push((one, other)),
            }
        }
        let commits: Vec<(ObjectId, ObjectId)> = doubts.iter().map(|(one, other)| (candidates[*one].0, candidates[*other].0)).collect();
        for ((one, other), paths) in doubts.into_iter().zip(self.court.judge_all(&mut self.git, &commits)?) {
            let place = |path| Place { path, lines: Vec::new() };
            found.extend(paths.map(|paths| (one, other, paths.into_iter().map(place).collect())));
        }
        found.sort();
        Ok(found)
    }
}

fn places(git: &gix::Repository, conflicted: &Conflicted) -> Result<Vec<Place>> {
    let place = |clash: &Clash| Ok(Place { path: clash.path.to_string(), lines: clash.lines(git)? });
    conflicted.clashes.iter().map(place).collect()
}
