//! What is on the screen, and what keys and news do to it. Nothing here reads the repository or the terminal.

use super::{
    about,
    commits::{self, Commits},
    diff::Diff,
    filter::{Filter, Typed},
    keys,
    look::Look,
    pyramid::Row,
    reader::{News, Question},
    verdicts::{self, Verdicts},
};
use crate::{
    model::{
        plan::{Item, Plan},
        run::{ItemReport, Run},
    },
    plan::order,
    run::Life,
};
use ratatui::{
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
    text::Line,
};
use std::collections::HashMap;

/// From this width on, pyramid and item stand side by side.
const WIDE: usize = 110;

/// Behind every line; what scrolls is put back to its last page.
const END: usize = usize::MAX >> 1;

/// How far `left` and `right` go.
const ASIDE: u16 = 8;

/// Where keys go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Focus {
    Pyramid,
    Item,
    Filter,
}

/// The panes of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    About,
    Commits,
    Diff,
    Verdicts,
}

impl Tab {
    pub const ALL: [(Tab, &str); 4] = [(Tab::About, "about"), (Tab::Commits, "commits"), (Tab::Diff, "diff"), (Tab::Verdicts, "verdicts")];

    fn beside(self, forward: bool) -> Tab {
        let at = self as usize + if forward { 1 } else { Tab::ALL.len() - 1 };
        Tab::ALL[at % Tab::ALL.len()].0
    }
}

/// What a key asks of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Goes,
    Quit,
    Interrupt,
    Suspend,
    DrawAgain,
}

pub(super) struct State {
    pub look: Look,
    pub name: String,
    pub plan: Plan,
    /// By item of the plan.
    levels: Vec<usize>,
    /// The rows of the pyramid that the filter leaves.
    pub rows: Vec<Row>,
    run: Option<Run>,
    /// By name: the place in the run.
    reports: HashMap<String, usize>,
    pub life: Option<Life>,
    /// What cannot be read for now.
    pub trouble: Option<String>,
    pub focus: Focus,
    pub filter: Filter,
    /// The first line in sight of all keys, while those are shown.
    pub keys: Option<usize>,
    /// The item that the cursor is on.
    pub selected: Option<String>,
    /// The first row of the pyramid in sight.
    pub top: usize,
    pub tab: Tab,
    /// The first line of the item's pane in sight, and how many columns are out of sight on the left.
    pub scroll: usize,
    pub aside: u16,
    pub commits: Commits,
    pub diff: Diff,
    pub verdicts: Verdicts,
    /// Columns and lines.
    size: (usize, usize),
    /// Counts what is shown of items, so that late answers are told apart.
    showing: u64,
    ask_filter: bool,
}

impl State {
    pub fn new(name: String, plan: Plan, look: Look) -> State {
        let mut state = State {
            look,
            name,
            plan: Plan::new(""),
            levels: Vec::new(),
            rows: Vec::new(),
            run: None,
            reports: HashMap::new(),
            life: None,
            trouble: None,
            focus: Focus::Pyramid,
            filter: Filter::default(),
            keys: None,
            selected: None,
            top: 0,
            tab: Tab::About,
            scroll: 0,
            aside: 0,
            commits: Commits::default(),
            diff: Diff::default(),
            verdicts: Verdicts::default(),
            size: (80, 24),
            showing: 0,
            ask_filter: false,
        };
        state.take(plan);
        state
    }

    pub fn run(&self) -> Option<&Run> {
        self.run.as_ref()
    }

    /// What the newest run says of an item.
    pub fn report(&self, item: &str) -> Option<&ItemReport> {
        self.run.as_ref()?.items.get(*self.reports.get(item)?)
    }

    pub fn item(&self) -> Option<&Item> {
        self.plan.item(self.selected.as_deref()?)
    }

    pub fn level_of(&self, item: &str) -> usize {
        self.plan.items.iter().position(|one| one.name == item).map_or(0, |at| self.levels[at])
    }

    pub fn is_wide(&self) -> bool {
        self.size.0 >= WIDE
    }

    /// The columns of the pyramid, where it does not have all.
    pub fn pyramid_width(&self) -> usize {
        self.size.0 * 9 / 20
    }

    /// Whether the item's pane is in sight.
    pub fn shows_item(&self) -> bool {
        self.is_wide() || self.focus == Focus::Item
    }

    /// How many items the filter leaves.
    pub fn left(&self) -> usize {
        self.rows.iter().filter(|row| matches!(row, Row::Item(_))).count()
    }

    /// The lines above and below the panes: two that say what is shown; one of keys, and one of complaints where there are any.
    pub fn bars(&self) -> (usize, usize) {
        let below = 1 + self.filter.complaint(self.look, self.size.0).len();
        (2.min(self.size.1.saturating_sub(below + 1)), below.min(self.size.1.saturating_sub(1)))
    }

    fn body(&self) -> usize {
        let (above, below) = self.bars();
        self.size.1.saturating_sub(above + below)
    }

    /// The lines and columns of the item's pane that scroll.
    pub fn item_room(&self) -> (usize, usize) {
        let width = if self.is_wide() { self.size.0.saturating_sub(self.pyramid_width() + 2) } else { self.size.0 };
        (self.body().saturating_sub(2), width.max(1))
    }

    /// Gives whether that changed anything.
    pub fn resize(&mut self, columns: u16, lines: u16) -> bool {
        let size = (usize::from(columns), usize::from(lines));
        let changed = size != self.size;
        self.size = size;
        if changed {
            self.settle();
        }
        changed
    }

    /// What must be read to show what is in sight.
    pub fn questions(&mut self) -> Vec<(u64, Question)> {
        let mut questions = Vec::new();
        if std::mem::take(&mut self.ask_filter) && !self.filter.asked.is_empty() {
            questions.push((self.showing, Question::Filter(self.filter.asked.clone())));
        }
        if self.shows_item()
            && let Some(item) = &self.selected
        {
            let (height, _) = self.item_room();
            let wanted = match self.tab {
                Tab::About => Vec::new(),
                Tab::Commits => self.commits.wants(item),
                Tab::Diff => self.diff.wants(item, self.scroll, height),
                Tab::Verdicts => self.verdicts.wants(item),
            };
            questions.extend(wanted.into_iter().map(|question| (self.showing, question)));
        }
        questions
    }

    /// Whether what is in sight is being read.
    pub fn is_reading(&self) -> bool {
        self.commits.is_reading() || self.diff.is_reading()
    }

    /// Gives whether something that can be in sight is another now.
    pub fn learn(&mut self, showing: u64, news: News) -> bool {
        let late = showing != self.showing;
        match news {
            News::Plan(plan) => {
                self.take(*plan);
                self.ask_filter = true;
            }
            News::Run(run, life) => {
                self.run = run.map(|run| *run);
                let items = self.run.iter().flat_map(|run| run.items.iter().enumerate());
                self.reports = items.map(|(at, item)| (item.name.clone(), at)).collect();
                self.life = life;
                self.trouble = None;
                self.ask_filter = true;
            }
            News::Filtered(text, _) if text != self.filter.asked => return false,
            News::Filtered(_, fits) => {
                if fits.is_err() && self.focus == Focus::Pyramid {
                    self.focus = Focus::Filter;
                }
                self.filter.fits = Some(fits);
                self.arrange();
            }
            News::Commits(_) | News::Files(_) | News::Verdicts(_) | News::Patch(..) if late => return false,
            News::Commits(commits) => self.commits.known = Some(commits),
            News::Files(files) => self.diff.learn_files(files),
            News::Verdicts(earlier) => self.verdicts.earlier = Some(earlier),
            News::Patch(at, patch) => {
                let at_end = self.scroll > 0 && self.scroll + self.item_room().0 >= self.diff.height();
                self.diff.learn_patch(at, patch);
                // The end stays in sight although there is more above it now.
                if at_end && self.tab == Tab::Diff {
                    self.scroll = END;
                }
            }
            News::Trouble(error) => {
                let words = error.to_string();
                if self.trouble.as_ref() == Some(&words) {
                    return false;
                }
                self.trouble = Some(words);
            }
        }
        self.settle();
        true
    }

    pub fn update(&mut self, key: KeyEvent) -> Step {
        // Over a slow line, Esc and the key behind it come as one.
        if let (true, KeyCode::Char(_)) = (key.modifiers.contains(KeyModifiers::ALT), key.code) {
            self.update(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE));
            return self.update(KeyEvent::new(key.code, key.modifiers - KeyModifiers::ALT));
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let step = match key.code {
            KeyCode::Char('c') if control => Step::Interrupt,
            KeyCode::Char('z') if control => Step::Suspend,
            KeyCode::Char('l') if control => Step::DrawAgain,
            code if self.keys.is_some() => {
                self.move_in_keys(code);
                Step::Goes
            }
            _ if self.focus == Focus::Filter => {
                self.write_filter(key);
                Step::Goes
            }
            KeyCode::Char('q') => Step::Quit,
            _ if control => Step::Goes,
            code => {
                self.press(code);
                Step::Goes
            }
        };
        self.settle();
        step
    }

    fn press(&mut self, code: KeyCode) {
        match code {
            KeyCode::Char('?') => self.keys = Some(0),
            KeyCode::Char('/') => self.focus = Focus::Filter,
            KeyCode::Char('n') => self.step(1),
            KeyCode::Char('p') => self.step(-1),
            KeyCode::Char(c @ '1'..='4') => self.open(Tab::ALL[c as usize - '1' as usize].0),
            KeyCode::Esc | KeyCode::Backspace if self.focus == Focus::Item => self.focus = Focus::Pyramid,
            KeyCode::Esc if !self.filter.asked.is_empty() => self.filter_by(String::new()),
            KeyCode::Tab if self.focus == Focus::Item => self.open(self.tab.beside(true)),
            KeyCode::BackTab if self.focus == Focus::Item => self.open(self.tab.beside(false)),
            KeyCode::Enter | KeyCode::Tab => self.open(self.tab),
            _ if self.focus == Focus::Item => self.scroll(code),
            code => {
                let page = isize::try_from(self.body().saturating_sub(1).max(1)).unwrap_or(1);
                match code {
                    KeyCode::Up | KeyCode::Char('k') => self.step(-1),
                    KeyCode::Down | KeyCode::Char('j') => self.step(1),
                    KeyCode::PageUp => self.step(-page),
                    KeyCode::PageDown | KeyCode::Char(' ') => self.step(page),
                    KeyCode::Home | KeyCode::Char('g') => self.step(isize::MIN),
                    KeyCode::End | KeyCode::Char('G') => self.step(isize::MAX),
                    _ => {}
                }
            }
        }
    }

    /// In the list of all keys: move, where it is longer than the screen; else leave it.
    fn move_in_keys(&mut self, code: KeyCode) {
        let room = self.body();
        let page = room.saturating_sub(1).max(1);
        let top = self.keys.take().unwrap_or_default();
        let to = match code {
            _ if keys::COUNT <= room => return,
            KeyCode::Up | KeyCode::Char('k') => top.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => top + 1,
            KeyCode::PageUp => top.saturating_sub(page),
            KeyCode::PageDown | KeyCode::Char(' ') => top + page,
            KeyCode::Home | KeyCode::Char('g') => 0,
            KeyCode::End | KeyCode::Char('G') => END,
            _ => return,
        };
        self.keys = Some(to);
    }

    fn scroll(&mut self, code: KeyCode) {
        let page = self.item_room().0.saturating_sub(1).max(1);
        match code {
            KeyCode::Up | KeyCode::Char('k') => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.scroll += 1,
            KeyCode::PageUp => self.scroll = self.scroll.saturating_sub(page),
            KeyCode::PageDown | KeyCode::Char(' ') => self.scroll += page,
            KeyCode::Home | KeyCode::Char('g') => (self.scroll, self.aside) = (0, 0),
            KeyCode::End | KeyCode::Char('G') => self.scroll = END,
            KeyCode::Left | KeyCode::Char('h') => self.aside = self.aside.saturating_sub(ASIDE),
            KeyCode::Right | KeyCode::Char('l') if matches!(self.tab, Tab::Commits | Tab::Diff) => {
                self.aside = self.aside.saturating_add(ASIDE).min(super::patch::WIDEST);
            }
            KeyCode::Char(c @ (']' | '[')) if self.tab == Tab::Diff => self.scroll = self.diff.file_beside(self.scroll, c == ']'),
            _ => {}
        }
    }

    fn open(&mut self, tab: Tab) {
        if self.selected.is_none() {
            return;
        }
        if tab != self.tab {
            (self.tab, self.scroll, self.aside) = (tab, 0, 0);
        }
        self.focus = Focus::Item;
    }

    fn write_filter(&mut self, key: KeyEvent) {
        match self.filter.update(key) {
            Typed::Goes => {}
            Typed::Left => {
                if matches!(self.filter.fits, Some(Err(_))) {
                    self.filter_by(String::new());
                }
                self.focus = Focus::Pyramid;
            }
            Typed::Done => {
                self.filter_by(self.filter.text.trim().to_string());
                self.focus = Focus::Pyramid;
            }
        }
    }

    fn filter_by(&mut self, text: String) {
        self.filter.text.clone_from(&text);
        self.filter.asked = text;
        self.filter.fits = None;
        self.ask_filter = true;
        self.arrange();
    }

    /// Move the cursor by so many items.
    fn step(&mut self, by: isize) {
        let items: Vec<usize> = self.rows.iter().filter_map(|row| if let Row::Item(at) = row { Some(*at) } else { None }).collect();
        let Some(last) = items.len().checked_sub(1) else { return };
        let at = items.iter().position(|at| self.selected.as_ref() == Some(&self.plan.items[*at].name)).unwrap_or(0);
        let to = at.saturating_add_signed(by).min(last);
        if to != at || self.selected.is_none() {
            self.select(Some(self.plan.items[items[to]].name.clone()));
        }
    }

    fn select(&mut self, item: Option<String>) {
        self.selected = item;
        self.show_anew();
        (self.scroll, self.aside) = (0, 0);
    }

    /// Forget what was read of the item that is shown.
    fn show_anew(&mut self) {
        self.showing += 1;
        (self.commits, self.diff, self.verdicts) = (Commits::default(), Diff::default(), Verdicts::default());
    }

    /// Show another revision of the plan. One whose dependencies make no sense is not shown.
    fn take(&mut self, plan: Plan) {
        let levels = match order(&plan) {
            Ok(levels) => levels,
            Err(error) => {
                self.trouble = Some(error.to_string());
                return;
            }
        };
        self.levels = vec![0; plan.items.len()];
        for (level, items) in levels.into_iter().enumerate() {
            items.into_iter().for_each(|item| self.levels[item] = level);
        }
        self.plan = plan;
        self.trouble = None;
        self.show_anew();
        self.arrange();
    }

    /// The rows that the filter leaves, and the cursor on one of them.
    fn arrange(&mut self) {
        self.rows.clear();
        // What `take` was given is in order already, so that this cannot fail.
        for (level, items) in order(&self.plan).unwrap_or_default().into_iter().enumerate() {
            let shown: Vec<usize> = items.into_iter().filter(|item| self.filter.shows(&self.plan.items[*item].name)).collect();
            if !shown.is_empty() {
                self.rows.push(Row::Level(level));
                self.rows.extend(shown.into_iter().map(Row::Item));
            }
        }
        let items: Vec<&str> = self
            .rows
            .iter()
            .filter_map(|row| if let Row::Item(at) = row { Some(self.plan.items[*at].name.as_str()) } else { None })
            .collect();
        if self.selected.as_deref().is_none_or(|selected| !items.contains(&selected)) {
            let first = items.first().map(|name| (*name).to_string());
            if first.is_none() && self.focus == Focus::Item {
                self.focus = Focus::Pyramid;
            }
            self.select(first);
        }
    }

    /// Nothing stays scrolled to where nothing is.
    fn settle(&mut self) {
        let (height, _) = self.item_room();
        let lines = if self.tab == Tab::Diff { self.diff.height() } else { self.item_lines().len() };
        self.scroll = self.scroll.min(lines.saturating_sub(height));
        let body = self.body().max(1);
        self.keys = self.keys.map(|top| top.min(keys::COUNT.saturating_sub(body)));
        let at =
            self.rows.iter().position(|row| matches!(row, Row::Item(at) if self.selected.as_ref() == Some(&self.plan.items[*at].name)));
        let at = at.unwrap_or(0);
        // The word above the first item belongs to it.
        let first = if at <= 1 { 0 } else { at };
        self.top = self.top.min(first).max((at + 1).saturating_sub(body)).min(self.rows.len().saturating_sub(1));
    }

    /// The lines in sight of the item's pane, or all of them where the pane is short.
    pub fn item_lines(&self) -> Vec<Line<'static>> {
        let (height, width) = self.item_room();
        let Some(item) = self.item() else { return Vec::new() };
        match self.tab {
            Tab::About => about::lines(self, item, width),
            Tab::Commits => commits::lines(self, width),
            Tab::Diff => self.diff.lines(self.look, self.scroll, height, width),
            Tab::Verdicts => verdicts::lines(self, item, width),
        }
    }
}
