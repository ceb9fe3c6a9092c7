//! The rungs of the ladder that take a command: formatters, files that are made again, and the resolver. The policy of the
//! target names them; none of them runs in a preview.

use super::{count, pool::Pool};
use crate::{
    config::{Format, Regenerate, Resolver, WeaveTable},
    gate::{Attempted, Subject},
    model::{
        Error, Result,
        gate::GateSpec,
        run::{Rung, Step},
        shell_word,
        time::Span,
        verdict::Answer,
    },
    repo::{GateTree, Scratch},
    weave::{Clash, Conflicted, Weaver},
};
use gix::{ObjectId, bstr::ByteSlice, glob::wildmatch};
use std::io::Write;

/// How long a formatter, and how long another command may take where the policy says nothing.
const FORMAT_TIME: &str = "1m";
const COMMAND_TIME: &str = "10m";

/// What a run brings to these rungs.
pub(super) struct Resolve<'a, 'r> {
    pub weaver: &'a mut Weaver<'r>,
    pub pool: &'a mut Pool<'r>,
    pub weave: &'a WeaveTable,
    /// The target's commit.
    pub base: ObjectId,
    /// What the candidate will be on.
    pub tip: ObjectId,
    pub subject: Subject,
    /// Why a rung did not settle what it was asked to.
    pub notes: Vec<String>,
}

/// Names of the rungs that could be tried on what is left in conflict.
pub(super) fn possible(weave: &WeaveTable, conflicted: &Conflicted) -> Vec<&'static str> {
    let any = |globs: &[String]| conflicted.clashes.iter().any(|clash| names(globs, clash));
    let mechanical = !weave.is_off(Rung::Mechanical.word());
    [
        ("format", mechanical && !weave.is_off("format") && weave.format.iter().any(|format| any(&format.files))),
        ("regenerate", mechanical && !weave.is_off("regenerate") && weave.regenerate.iter().any(|made| any(&made.files))),
        ("semantic", !weave.is_off(Rung::Semantic.word()) && weave.resolver.is_some()),
    ]
    .into_iter()
    .filter_map(|(name, possible)| possible.then_some(name))
    .collect()
}

fn names(globs: &[String], clash: &Clash) -> bool {
    let path = clash.path.as_bstr();
    globs.iter().any(|glob| wildmatch(glob.as_str().into(), path, wildmatch::Mode::NO_MATCH_SLASH_LITERAL) || is_name(glob, path))
}

/// A glob without a slash names files in any folder, as in `.gitignore`.
fn is_name(glob: &str, path: &gix::bstr::BStr) -> bool {
    let name = path.rsplit_once_str("/").map_or(path.as_bytes(), |(_, name)| name);
    !glob.contains('/') && wildmatch(glob.into(), name.into(), wildmatch::Mode::NO_MATCH_SLASH_LITERAL)
}

impl Resolve<'_, '_> {
    /// Settle what is left, if all of it can be: the tree and what was done.
    pub fn climb(&mut self, mut conflicted: Conflicted) -> Result<Option<(ObjectId, Vec<Step>)>> {
        let rungs = possible(self.weave, &conflicted);
        let mut steps = Vec::new();
        if rungs.contains(&"format") {
            self.by_formatters(&mut conflicted, &mut steps)?;
        }
        if rungs.contains(&"regenerate") && !conflicted.clashes.is_empty() {
            self.by_making_again(&mut conflicted, &mut steps)?;
        }
        if rungs.contains(&"semantic")
            && let Some(resolver) = self.weave.resolver.clone()
            && !conflicted.clashes.is_empty()
        {
            self.by_resolver(&resolver, &mut conflicted, &mut steps)?;
        }
        Ok(conflicted.clashes.is_empty().then_some((conflicted.tree, steps)))
    }

    fn settle(&mut self, conflicted: &mut Conflicted, at: usize, content: &[u8]) -> Result<()> {
        conflicted.tree = self.weaver.put(conflicted.tree, &conflicted.clashes[at], content)?;
        conflicted.clashes.remove(at);
        Ok(())
    }

    fn by_formatters(&mut self, conflicted: &mut Conflicted, steps: &mut Vec<Step>) -> Result<()> {
        let mut at = 0;
        while at < conflicted.clashes.len() {
            let clash = conflicted.clashes[at].clone();
            let format = self.weave.format.iter().find(|format| names(&format.files, &clash)).cloned();
            let merged = match (format, self.weaver.texts(&clash)?) {
                (Some(format), Some(texts)) => self.format_and_merge(&format, &clash, &texts)?,
                _ => None,
            };
            match merged {
                Some(merged) => {
                    let why = "the sides differ only in how they are formatted".to_string();
                    let path = clash.path.to_string();
                    steps.push(Step { path, rung: Rung::Mechanical, rule: Some("format".into()), why, resolutions: Vec::new() });
                    self.settle(conflicted, at, &merged)?;
                }
                None => at += 1,
            }
        }
        Ok(())
    }

    fn format_and_merge(&mut self, format: &Format, clash: &Clash, texts: &[Vec<u8>; 3]) -> Result<Option<Vec<u8>>> {
        let mut formatted = Vec::new();
        for text in texts {
            match self.filter(format, text)? {
                Ok(text) => formatted.push(text),
                Err(why) => {
                    self.notes.push(format!("the formatter of {} gave no answer: {why}", clash.path));
                    return Ok(None);
                }
            }
        }
        Ok(Weaver::merge_texts(&formatted[0], &formatted[1], &formatted[2]))
    }

    /// What a formatter makes of a text, or why it makes nothing of it. It runs where the target is checked out, so that it finds
    /// its configuration.
    fn filter(&mut self, format: &Format, text: &[u8]) -> Result<Result<Vec<u8>, String>> {
        let making = |e: std::io::Error| Error::io("hand a file to a formatter", e);
        let room = Scratch::create().map_err(making)?;
        let (input, output) = (room.path().join("input"), room.path().join("output"));
        std::fs::File::create(&input).and_then(|mut file| file.write_all(text)).map_err(making)?;
        let run = format!("exec <{} >{}\n{}", shell_word(&input.to_string_lossy()), shell_word(&output.to_string_lossy()), format.run);
        let command = command("format", run, format.timeout.as_ref(), FORMAT_TIME, &format.allow)?;
        let target = Subject { candidate: self.base, base: self.base, ..self.subject.clone() };
        let answer = self.pool.in_tree(&target, &command, |_, done| Ok(verdict(done)))?;
        match answer {
            Ok(_) => Ok(Ok(std::fs::read(&output).map_err(making)?)),
            Err(why) => Ok(Err(why)),
        }
    }

    /// Files that a command makes are made again in a work tree that has all else settled.
    fn by_making_again(&mut self, conflicted: &mut Conflicted, steps: &mut Vec<Step>) -> Result<()> {
        for made in self.weave.regenerate.clone() {
            let wanted: Vec<Clash> = conflicted.clashes.iter().filter(|clash| names(&made.files, clash)).cloned().collect();
            if wanted.is_empty() {
                continue;
            }
            // What is still open elsewhere would be in the way of the command.
            if wanted.len() < conflicted.clashes.len() {
                self.notes.push(format!("{} is not made again while other files conflict", wanted[0].path));
                continue;
            }
            let mut tree = conflicted.tree;
            for clash in &wanted {
                tree = self.weaver.put_side(tree, clash)?;
            }
            let run = match &made.tool {
                Some(tool) => format!("{{ {tool}\n}} >.git/lex-pr-tool || exit 125\n{}", made.run),
                None => made.run.clone(),
            };
            let command = command("regenerate", run, made.timeout.as_ref(), COMMAND_TIME, &made.allow)?;
            let candidate = self.candidate(tree)?;
            let paths: Vec<_> = wanted.iter().map(|clash| clash.path.clone()).collect();
            let answer = self.pool.in_tree(&candidate, &command, |tree, done| {
                Ok(check_tool(tree, &made).and_then(|()| verdict(done)).and_then(|_| read_files(tree, &paths)))
            })?;
            match answer {
                Ok(contents) => {
                    for (clash, content) in wanted.iter().zip(contents) {
                        conflicted.tree = self.weaver.put(conflicted.tree, clash, &content)?;
                        let why = format!("made again by `{}`", made.run.trim());
                        let path = clash.path.to_string();
                        steps.push(Step { path, rung: Rung::Mechanical, rule: Some("regenerate".into()), why, resolutions: Vec::new() });
                    }
                    conflicted.clashes.clear();
                }
                Err(why) => self.notes.push(format!("{} could not be made again: {why}", wanted[0].path)),
            }
        }
        Ok(())
    }

    /// The resolver is shown the files with conflict markers; its patch counts only within its bounds.
    fn by_resolver(&mut self, resolver: &Resolver, conflicted: &mut Conflicted, steps: &mut Vec<Step>) -> Result<()> {
        let clashes = conflicted.clashes.clone();
        if clashes.len() > resolver.max_files {
            self.notes.push(format!(
                "the resolver was not asked: {} in conflict, and it may change {}",
                count(clashes.len(), "file"),
                resolver.max_files
            ));
            return Ok(());
        }
        let mut tree = conflicted.tree;
        let mut both = Vec::new();
        for clash in &clashes {
            let Some(shown) = self.weaver.show_clash(clash)? else {
                self.notes.push(format!("the resolver was not asked: {} conflicts as no text does", clash.path));
                return Ok(());
            };
            tree = self.weaver.put(tree, clash, &shown.marked)?;
            both.push(shown.both_sides);
        }
        let command = command("resolver", resolver.run.clone(), resolver.timeout.as_ref(), COMMAND_TIME, &resolver.allow)?;
        let candidate = self.candidate(tree)?;
        let paths: Vec<_> = clashes.iter().map(|clash| clash.path.clone()).collect();
        let answer = self.pool.in_tree(&candidate, &command, |tree, done| {
            let words = match verdict(done) {
                Ok(words) => words,
                Err(why) => return Ok(Err(why)),
            };
            let changed = tree.changed()?;
            if let Some(other) = changed.iter().find(|path| !paths.contains(path)) {
                return Ok(Err(format!("it changed {other}, which does not conflict")));
            }
            Ok(read_files(tree, &paths).map(|contents| (words, contents)))
        })?;
        let (words, contents) = match answer {
            Ok(answer) => answer,
            Err(why) => {
                self.notes.push(format!("the resolver gave no answer: {why}"));
                return Ok(());
            }
        };
        let mut lines = 0;
        for (content, both) in contents.iter().zip(&both) {
            if Weaver::has_markers(content) {
                self.notes.push("the resolver left conflict markers".into());
                return Ok(());
            }
            lines += Weaver::changed_lines(both, content);
        }
        if lines > resolver.max_lines {
            self.notes.push(format!("the resolver changed {}, and it may change {}", count(lines, "line"), resolver.max_lines));
            return Ok(());
        }
        for (clash, content) in clashes.iter().zip(&contents) {
            conflicted.tree = self.weaver.put(conflicted.tree, clash, content)?;
            let said = words.as_deref().map(|words| format!(": {words}")).unwrap_or_default();
            let why = format!("a patch of the resolver{said}");
            steps.push(Step { path: clash.path.to_string(), rung: Rung::Semantic, rule: None, why, resolutions: Vec::new() });
        }
        conflicted.clashes.clear();
        Ok(())
    }

    /// A commit that a work tree can show; nothing refers to it.
    fn candidate(&mut self, tree: ObjectId) -> Result<Subject> {
        let commit = self.weaver.shelve(tree, self.tip)?;
        self.weaver.persist(commit)?;
        Ok(Subject { candidate: commit, base: self.tip, ..self.subject.clone() })
    }
}

fn command(name: &str, run: String, timeout: Option<&Span>, otherwise: &str, allow: &[String]) -> Result<GateSpec> {
    let timeout = match timeout {
        Some(timeout) => timeout.clone(),
        None => otherwise.parse().map_err(|e: String| Error::environment("time", e))?,
    };
    Ok(GateSpec::command(name, run, Some(timeout), allow))
}

/// The last line that a command wrote to stdout, if it passed; else why not.
fn verdict(done: Attempted) -> Result<Option<String>, String> {
    let line = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
        Some(line.chars().filter(|c| !c.is_control()).take(160).collect::<String>())
    };
    match done.answer {
        Answer::Pass => Ok(line(&done.stdout)),
        _ => Err(done.summary),
    }
}

fn check_tool(tree: &GateTree, made: &Regenerate) -> Result<(), String> {
    let (Some(tool), Some(version)) = (&made.tool, &made.version) else { return Ok(()) };
    let printed = std::fs::read_to_string(tree.dir().join(".git/lex-pr-tool")).unwrap_or_default();
    match printed.trim().starts_with(version.as_str()) {
        true => Ok(()),
        false => Err(format!("`{tool}` says `{}`, and the policy wants `{version}`", printed.trim().lines().next().unwrap_or_default())),
    }
}

fn read_files(tree: &GateTree, paths: &[gix::bstr::BString]) -> Result<Vec<Vec<u8>>, String> {
    let read = |path: &gix::bstr::BString| {
        let path = path.to_path().map_err(|e| e.to_string())?;
        let full = tree.dir().join(path);
        let is_file = std::fs::symlink_metadata(&full).is_ok_and(|meta| meta.is_file());
        if !is_file {
            return Err(format!("{} is no file afterwards", path.display()));
        }
        std::fs::read(&full).map_err(|e| format!("{}: {e}", path.display()))
    };
    paths.iter().map(read).collect()
}
