//! `git lex-pr plan review`

use super::{
    Answer,
    context::Context,
    dialogue::{Dialogue, Reply},
    plan::{describe_changes, kept},
};
use crate::{
    gate::builtin,
    model::{
        Error, Result,
        forecast::{By, Forecast},
        plan::{Dep, DepSource, Item, Plan, Strategy},
    },
    plan::{Decision, Review, brought_anyway, diff, order, store},
    repo::Repo,
    report::style::{BAD, CARE, FAINT, GOOD, HEAD, paint, printable},
    run::forecast,
};
use clap::ValueEnum;
use std::io::IsTerminal;

/// The keys of a review, for `?`.
const KEYS: &str = "\
y  accept this item
n  drop it from the plan
a  accept it and all that are left
j  leave it as it is and go to the next
k  go back to the one before
+  land it earlier in its level (a higher priority)
-  land it later in its level
d  say what it depends on
g  say which gates of its own it has
s  say how it reaches the target: merge, squash or rebase
u  undo the last step
q  leave the rest as it is, and come to the end
?  show this
Nothing is written before the end, where you are asked once more; Ctrl-C ends it and writes nothing.";

/// What to decide without being asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The plan's name; the only plan where there is but one.
    plan: Option<String>,
    /// Accept these items; all that are not dropped where none is named.
    #[arg(long, value_name = "ITEM", num_args = 0..)]
    accept: Option<Vec<String>>,
    /// Drop this item; may be given several times.
    #[arg(long, value_name = "ITEM")]
    drop: Vec<String>,
    /// What an item depends on: `ITEM=A,B`, or `ITEM=` for nothing.
    #[arg(long, value_name = "ITEM=DEPS")]
    deps: Vec<String>,
    /// The gates of its own that an item has: names of gates of the plan's items, `builtin:NAME` or paths of plugins; `ITEM=` for none.
    #[arg(long, value_name = "ITEM=GATES")]
    gates: Vec<String>,
    /// The priority of an item within its level, such as `ITEM=5`.
    #[arg(long, value_name = "ITEM=N")]
    priority: Vec<String>,
    /// How an item reaches the target, such as `ITEM=squash`.
    #[arg(long, value_name = "ITEM=STRATEGY")]
    strategy: Vec<String>,
}

pub fn run(repo: &Repo, context: &Context, args: &Args) -> Result<Answer> {
    let before = kept(repo, context, args.plan.as_deref())?;
    let by_flags = flags(args, &before.plan)?;
    if !by_flags.decisions.is_empty() || args.accept.is_some() {
        return save(repo, &before, &by_flags);
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(Error::input("no-terminal", "a review asks on a terminal, and this is none").hint(format!(
            "decide by flags, such as `{} --accept`; `git lex-pr plan review -h` has them all",
            by_flags.command(&before.name, &before.plan)
        )));
    }
    let mut session = Session::new(repo, &before)?;
    match session.hold() {
        Ok(true) => save(repo, &before, &session.review),
        Ok(false) => Answer::yes(format!("{}\n", paint(FAINT, "nothing was written")), &before.plan),
        Err(error) if session.review.decisions.is_empty() => Err(error),
        Err(error) => Err(error.hint(format!("to take the same decisions: {}", session.review.command(&before.name, &before.plan)))),
    }
}

/// Make the decisions the next revision of the plan.
fn save(repo: &Repo, seen: &store::Stored, review: &Review) -> Result<Answer> {
    let reviewer = repo.identity()?;
    let message = review.message(&seen.plan, &reviewer)?;
    let (old, stored) = store::review(repo, &seen.name, &message, |plan| {
        // What was looked at is what is decided about.
        let moved = review.items().into_iter().find(|item| plan.item(item) != seen.plan.item(item));
        if let Some(item) = moved {
            return Err(Error::input("plan-changed", format!("somebody else has changed `{item}` meanwhile; nothing was written"))
                .hint(format!("look at it again; to take the same decisions: {}", review.command(&seen.name, plan))));
        }
        apply(review, plan)
    })?;
    let counts = message.lines().next().unwrap_or_default().trim_start_matches("review: ");
    let changes = diff(&old, &stored.plan);
    let changes = if changes.is_empty() { String::new() } else { describe_changes(&changes) };
    let text =
        format!("{changes}{} {}\n", paint(GOOD, counts), printable(&format!("by {reviewer} in revision {}", repo.short(stored.revision))));
    Ok(Answer::yes(text, &stored.plan)?.with_notes(brought_anyway(&old, &stored.plan)))
}

/// Make of `plan` what was decided, unless a gate that was chosen is none.
fn apply(review: &Review, plan: &mut Plan) -> Result<()> {
    review.apply(plan)?;
    let decided = review.items();
    let decided = plan.items.iter().filter(|item| decided.contains(item.name.as_str()));
    builtin::check(decided.flat_map(|item| &item.gates))
}

/// The decisions that flags hold.
fn flags(args: &Args, plan: &Plan) -> Result<Review> {
    let mut review = Review::default();
    let mut decide = |item: &str, decision| review.decisions.push((item.to_string(), decision));
    for said in &args.deps {
        let (item, words) = split(plan, "--deps", said)?;
        decide(item, Decision::Deps(list(words)));
    }
    for said in &args.gates {
        let (item, words) = split(plan, "--gates", said)?;
        decide(item, Decision::Gates(list(words)));
    }
    for said in &args.priority {
        let (item, word) = split(plan, "--priority", said)?;
        let number = word.parse().map_err(|_| {
            Error::input("usage", format!("--priority takes a whole number, not `{word}`")).hint(format!("write it as {item}=5"))
        })?;
        decide(item, Decision::Priority(number));
    }
    for said in &args.strategy {
        let (item, word) = split(plan, "--strategy", said)?;
        decide(item, Decision::Strategy(strategy(word)?));
    }
    args.drop.iter().for_each(|item| decide(item, Decision::Drop));
    match args.accept.as_deref() {
        None => {}
        Some([]) => {
            let left = plan.items.iter().filter(|item| !args.drop.contains(&item.name));
            left.for_each(|item| decide(&item.name, Decision::Accept));
        }
        Some(named) => {
            if let Some(both) = named.iter().find(|item| args.drop.contains(item)) {
                return Err(Error::input("usage", format!("`{both}` cannot be accepted and dropped")).hint("say one of both"));
            }
            named.iter().for_each(|item| decide(item, Decision::Accept));
        }
    }
    Ok(review)
}

/// `ITEM=VALUE`, where names may hold a `=` themselves: the longest name that the plan knows.
fn split<'a>(plan: &Plan, flag: &str, said: &'a str) -> Result<(&'a str, &'a str)> {
    let known = |item: &Item| said.strip_prefix(item.name.as_str()).is_some_and(|rest| rest.starts_with('='));
    let longest = plan.items.iter().filter(|item| known(item)).map(|item| item.name.len()).max();
    match longest.or_else(|| said.find('=')) {
        Some(end) => Ok((&said[..end], &said[end + 1..])),
        None => Err(Error::input("usage", format!("{flag} takes ITEM=VALUE, not `{said}`")).hint("`git lex-pr plan review -h` shows how")),
    }
}

fn list(words: &str) -> Vec<String> {
    words.split([',', ' ']).filter(|word| !word.is_empty()).map(ToOwned::to_owned).collect()
}

fn strategy(word: &str) -> Result<Strategy> {
    Strategy::from_str(word, true)
        .map_err(|_| Error::input("usage", format!("`{word}` is no strategy")).hint("take merge, squash or rebase"))
}

/// A review on a terminal.
struct Session<'r> {
    repo: &'r Repo,
    before: &'r store::Stored,
    forecast: Forecast,
    /// The items' names in the order in which they land.
    names: Vec<String>,
    review: Review,
    /// For each step that can be undone, how many decisions there were before it, and which of `names` was shown.
    steps: Vec<(usize, usize)>,
    /// Which of `names` is shown.
    at: usize,
    dialogue: Dialogue,
}

impl<'r> Session<'r> {
    fn new(repo: &'r Repo, before: &'r store::Stored) -> Result<Self> {
        // Who cannot sign is told before the work.
        repo.identity()?;
        let plan = &before.plan;
        let forecast = forecast(repo, plan, By::Count)?;
        let names = order(plan)?.into_iter().flatten().map(|index| plan.items[index].name.clone()).collect();
        Ok(Session { repo, before, forecast, names, review: Review::default(), steps: Vec::new(), at: 0, dialogue: Dialogue::begin()? })
    }

    /// Go through the items; whether all is to be written.
    fn hold(&mut self) -> Result<bool> {
        let (all, together) = (self.names.len(), self.forecast.together.len());
        let title = format!("review of plan {} onto {}: {together} of {all} can land together", self.before.name, self.before.plan.target);
        super::complain(&paint(HEAD, &printable(&title)));
        loop {
            while let Some(name) = self.names.get(self.at).cloned() {
                if self.review.verdict(&name) == Some(false) {
                    self.at += 1;
                    continue;
                }
                let plan = self.plan()?;
                self.show(&plan, &name);
                while self.step(&name)? {}
            }
            super::complain("");
            let changes = diff(&self.before.plan, &self.plan()?);
            super::complain(describe_changes(&changes).trim_end());
            let left = self.names.iter().filter(|name| self.review.verdict(name).is_none()).count();
            let left = match left {
                0 => String::new(),
                1 => ", 1 left as it was".into(),
                _ => format!(", {left} left as they were"),
            };
            let counts = format!("{} accepted, {} dropped{left}", self.review.accepted().len(), self.review.dropped().len());
            loop {
                match self.ask(&format!("{counts}: write it as a new revision [y,n,u]?"))?.as_str() {
                    "y" | "yes" => return Ok(true),
                    "n" | "no" => return Ok(false),
                    "u" => {
                        self.undo();
                        break;
                    }
                    _ => {}
                }
            }
        }
    }

    /// The plan as it would be.
    fn plan(&self) -> Result<Plan> {
        let mut plan = self.before.plan.clone();
        apply(&self.review, &mut plan)?;
        Ok(plan)
    }

    fn ask(&mut self, question: &str) -> Result<String> {
        let ended = |how: &str| format!("the review was ended by {how}; nothing was written");
        match self.dialogue.ask(&paint(CARE, &printable(question)))? {
            Reply::Line(line) => Ok(line),
            Reply::Interrupt => Err(Error::interrupted(ended("Ctrl-C"))),
            Reply::End => Err(Error::interrupted(ended("the end of the input"))),
        }
    }

    /// Ask about an item; whether to ask again.
    fn step(&mut self, name: &str) -> Result<bool> {
        let key = self.ask(&format!("{name}: accept it [y,n,a,j,k,+,-,d,g,s,u,q,?]?"))?;
        let decided = match key.as_str() {
            "y" => self.decide(name, Decision::Accept),
            "n" => return self.drop(name),
            "a" => {
                let left: Vec<String> = self.names[self.at..].iter().filter(|name| self.review.verdict(name).is_none()).cloned().collect();
                self.take_step(left.into_iter().map(|name| (name, Decision::Accept)));
                self.at = self.names.len();
                return Ok(false);
            }
            "j" => Ok(()),
            "k" => {
                let earlier = self.names[..self.at].iter().rposition(|name| self.review.verdict(name) != Some(false));
                self.at = earlier.unwrap_or(self.at);
                return Ok(false);
            }
            "q" => {
                self.at = self.names.len();
                return Ok(false);
            }
            "u" => {
                if !self.undo() {
                    super::complain("there is nothing to undo");
                    return Ok(true);
                }
                return Ok(false);
            }
            "+" | "-" => return self.shift(name, key == "+"),
            "d" => {
                let words = self.ask("depends on (items, with commas between them; - for none):")?;
                return Ok(self.change_to(name, &words, Decision::Deps));
            }
            "g" => {
                let words = self.ask("gates of its own (names, builtin:NAME or paths of plugins; - for none):")?;
                return Ok(self.change_to(name, &words, Decision::Gates));
            }
            "s" => {
                let word = self.ask("strategy (merge, squash or rebase):")?;
                if word.is_empty() {
                    return Ok(false);
                }
                return match strategy(&word) {
                    Ok(strategy) => Ok(self.change(name, Decision::Strategy(strategy))),
                    Err(error) => Ok(self.refuse(&error)),
                };
            }
            _ => {
                super::complain(KEYS);
                return Ok(true);
            }
        };
        match decided {
            Ok(()) => {
                self.at += 1;
                Ok(false)
            }
            Err(error) => Ok(self.refuse(&error)),
        }
    }

    /// Say why something cannot be; it is asked again.
    fn refuse(&self, error: &Error) -> bool {
        super::complain(&paint(BAD, &printable(&error.message)));
        if let Some(hint) = &error.hint {
            super::complain(&format!("hint: {}", printable(hint)));
        }
        true
    }

    /// Decide, unless the plan would be none.
    fn decide(&mut self, name: &str, decision: Decision) -> Result<()> {
        self.take_step([(name.into(), decision)]);
        self.plan().map(drop).inspect_err(|_| {
            self.undo();
        })
    }

    /// Take decisions that are undone together.
    fn take_step(&mut self, decisions: impl IntoIterator<Item = (String, Decision)>) {
        self.steps.push((self.review.decisions.len(), self.at));
        self.review.decisions.extend(decisions);
    }

    /// Change a value and show the item again; whether to ask again at once, because it cannot be.
    fn change(&mut self, name: &str, decision: Decision) -> bool {
        match self.decide(name, decision) {
            Ok(()) => false,
            Err(error) => self.refuse(&error),
        }
    }

    /// The same to a list as somebody types it; nothing leaves it as it is.
    fn change_to(&mut self, name: &str, words: &str, decision: fn(Vec<String>) -> Decision) -> bool {
        match words.trim() {
            "" => false,
            "-" => self.change(name, decision(Vec::new())),
            words => self.change(name, decision(list(words))),
        }
    }

    /// Drop an item, and what depends on it where that is wished.
    fn drop(&mut self, name: &str) -> Result<bool> {
        let plan = self.plan()?;
        let says_it_needs = |item: &Item, gone: &[String]| {
            let stated = |dep: &Dep| gone.contains(&dep.name) && dep.sources.iter().any(|source| *source != DepSource::Stack);
            !gone.contains(&item.name) && item.deps.iter().any(stated)
        };
        let mut gone = vec![name.to_string()];
        while let Some(more) = plan.items.iter().find(|item| says_it_needs(item, &gone)) {
            gone.push(more.name.clone());
        }
        if gone.len() > 1 {
            let question = format!("{} depends on it: drop that, too [y,n]?", gone[1..].join(", "));
            if self.ask(&question)?.to_lowercase() != "y" {
                return Ok(true);
            }
        }
        self.take_step(gone.into_iter().map(|name| (name, Decision::Drop)));
        brought_anyway(&plan, &self.plan()?).iter().for_each(|line| super::complain(&printable(line)));
        self.at += 1;
        Ok(false)
    }

    /// Before or behind its neighbour in its level.
    fn shift(&mut self, name: &str, earlier: bool) -> Result<bool> {
        let plan = self.plan()?;
        let levels = order(&plan)?;
        let level = levels.iter().find(|level| level.iter().any(|&index| plan.items[index].name == name));
        let level: Vec<&Item> = level.into_iter().flatten().map(|&index| &plan.items[index]).collect();
        let at = level.iter().position(|item| item.name == name).unwrap_or_default();
        let neighbour = if earlier { at.checked_sub(1) } else { Some(at + 1) };
        match neighbour.and_then(|at| level.get(at)) {
            Some(other) => {
                let step = if earlier { other.priority.saturating_add(1) } else { other.priority.saturating_sub(1) };
                Ok(self.change(name, Decision::Priority(step)))
            }
            None => {
                super::complain(&format!("it is the {} of its level", if earlier { "first" } else { "last" }));
                Ok(true)
            }
        }
    }

    /// Take the last step back and go to where it was taken; whether there was one.
    fn undo(&mut self) -> bool {
        let Some((decisions, at)) = self.steps.pop() else {
            self.at = self.at.min(self.names.len().saturating_sub(1));
            return false;
        };
        self.review.decisions.truncate(decisions);
        self.at = at;
        true
    }

    fn show(&self, plan: &Plan, name: &str) {
        let Some(item) = plan.item(name) else { return };
        let levels = order(plan).unwrap_or_default();
        let found = levels
            .iter()
            .enumerate()
            .find_map(|(number, level)| Some((number, level.iter().position(|&index| plan.items[index].name == name)?, level.len())));
        let (level, place, of) = found.unwrap_or_default();
        let verdict = if self.review.verdict(name) == Some(true) { ", accepted" } else { "" };
        super::complain(&format!(
            "\n{} {}",
            paint(FAINT, &format!("({}/{})", self.at + 1, self.names.len())),
            paint(HEAD, &printable(&format!("{name}{verdict}")))
        ));
        let line = |what: &str, words: &str| super::complain(&format!("  {} {}", paint(FAINT, &format!("{what:<9}")), words));
        let head = item.head.as_deref().and_then(|head| self.repo.parse_id(head).ok());
        if let Some(head) = head {
            let subject = self.repo.message(head).unwrap_or_default();
            line("commit", &printable(&format!("{} {}", self.repo.short(head), subject.lines().next().unwrap_or_default())));
        }
        line("lands", &format!("{} of {of} in level {level}, by {}, priority {}", place + 1, item.strategy.word(), item.priority));
        let names = |names: Vec<&str>| if names.is_empty() { "-".into() } else { printable(&names.join(", ")) };
        line("needs", &names(item.deps.iter().map(|dep| dep.name.as_str()).collect()));
        if !item.gates.is_empty() {
            line("gates", &names(item.gates.iter().map(|gate| gate.name.as_str()).collect()));
        }
        match head.map(|head| self.stat(plan, item, &head.to_string())) {
            Some(Ok(stat)) => stat.lines().for_each(|stat| super::complain(&format!("  {}", printable(stat)))),
            Some(Err(error)) => line("changes", &paint(BAD, &printable(&error.to_string()))),
            None => line("changes", "those that its branch has when it is run"),
        }
        line("forecast", &self.foretell(name));
    }

    /// What the item changes: since what it stands on, else since the target.
    fn stat(&self, plan: &Plan, item: &Item, head: &str) -> Result<String> {
        let below: Vec<&str> = item.deps.iter().filter_map(|dep| plan.item(&dep.name)?.head.as_deref()).collect();
        let since = match below[..] {
            [one] => one,
            _ => &self.forecast.base,
        };
        let (width, _) = terminal_size::terminal_size_of(std::io::stderr()).map_or((80, 0), |(width, height)| (width.0, height.0));
        let stat = format!("--stat={}", width.saturating_sub(2).max(20));
        let range = format!("{since}...{head}");
        let said = self.repo.git_command().args(["diff", "--no-color", "--no-ext-diff", &stat, &range, "--"]).run("compare it")?;
        Ok(String::from_utf8_lossy(&said).into_owned())
    }

    fn foretell(&self, name: &str) -> String {
        if let Some(unfit) = self.forecast.alone.iter().find(|unfit| unfit.item == name) {
            return paint(BAD, &printable(&unfit.reason));
        }
        let stays = |other: &str| self.review.verdict(other) != Some(false);
        let clashes: Vec<String> = self
            .forecast
            .clashes
            .iter()
            .filter_map(|clash| match (clash.one == name, clash.other == name) {
                (true, _) => Some((&clash.other, &clash.places)),
                (_, true) => Some((&clash.one, &clash.places)),
                _ => None,
            })
            .filter(|(other, _)| stays(other))
            .map(|(other, places)| format!("{other} in {}", places.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")))
            .collect();
        match clashes.is_empty() {
            true => paint(GOOD, "would merge"),
            false => paint(BAD, &printable(&format!("conflicts with {}", clashes.join("; ")))),
        }
    }
}
