//! Merges of many pairs of candidates, which no one keeps: on all processors, the doubtful ones by one git process.

use super::{
    Weaver,
    engine::{Answer, Engine},
};
use crate::{
    model::{Error, Result},
    repo::OBJECT_CACHE_BYTES,
};
use gix::ObjectId;

/// How many merges a worker does before it drops what they wrote to memory.
const MERGES_PER_MEMORY: usize = 256;

/// A candidate and its tree.
pub type Candidate = (ObjectId, ObjectId);

impl Weaver<'_> {
    /// The pairs, by index into `candidates`, that conflict, each with its paths. All are candidates on the one commit
    /// whose tree is `base`. Pairs come sorted.
    pub fn conflicts_among(
        &mut self,
        base: ObjectId,
        candidates: &[Candidate],
        pairs: &[(usize, usize)],
    ) -> Result<Vec<(usize, usize, Vec<String>)>> {
        let memory = self.git.objects.reset_object_memory().unwrap_or_default();
        self.git.objects.set_object_memory(memory.clone());
        let shared = self.git.clone().into_sync();
        let workers = std::thread::available_parallelism().map_or(1, usize::from).min(pairs.len().max(1));
        let attributes_tree = self.attributes_tree;
        let work = |share: &[(usize, usize)]| -> Result<Vec<(usize, usize, Answer)>> {
            let mut git = shared.to_thread_local();
            git.object_cache_size(OBJECT_CACHE_BYTES);
            let engine = Engine::new(attributes_tree);
            let mut answers = Vec::new();
            for (done, &(one, other)) in share.iter().enumerate() {
                if done % MERGES_PER_MEMORY == 0 {
                    git.objects.set_object_memory(memory.clone());
                }
                match engine.merge(&git, [base, candidates[one].1, candidates[other].1], 0)? {
                    Answer::Clean(_) => {}
                    answer => answers.push((one, other, answer)),
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
        for (one, other, answer) in answers.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten() {
            match answer {
                Answer::Conflict(conflicted) => found.push((one, other, conflicted.paths())),
                Answer::Open { .. } | Answer::Doubt => doubts.push((one, other)),
                Answer::Clean(_) => {}
            }
        }
        let commits: Vec<(ObjectId, ObjectId)> = doubts.iter().map(|(one, other)| (candidates[*one].0, candidates[*other].0)).collect();
        for ((one, other), paths) in doubts.into_iter().zip(self.court.judge_all(&mut self.git, &commits)?) {
            found.extend(paths.map(|paths| (one, other, paths)));
        }
        found.sort();
        Ok(found)
    }
}
