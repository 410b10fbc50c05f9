//! What the screen knows, and what each key does to it. No terminal and no svcd here.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use svc_core::Name;

use super::keys::Key;
use crate::daemon::glob;
use crate::wire::{StateName, Usage};

/// What the services of a screen are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SortKey {
    /// The name
    Name,
    /// What needs somebody first
    State,
    /// The busiest first
    Cpu,
    /// The largest first
    Memory,
    /// Those that were started again most often first
    Restarts,
    /// What changed last first
    For,
}

/// A service and how busy it is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) usage: Usage,
    /// Percent of one processor since the last look.
    pub(super) busy: f64,
}

/// What is done to a service, or told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Start,
    Stop,
    Restart,
    Status,
    Why,
    Log,
}

/// What a key asks of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Nothing,
    Quit,
    Suspend,
    Do(Deed, Name),
}

/// What the lower part of the screen is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Table,
    /// The filter is typed.
    Filter,
    /// Waits for `y`.
    Confirm(Deed, Name),
    /// A text to read, from this line on.
    Page(Vec<String>, usize),
}

/// The whole state of the screen.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) rows: Vec<Row>,
    pub(super) sort: SortKey,
    pub(super) reversed: bool,
    pub(super) filter: String,
    pub(super) mode: Mode,
    /// The service that keys are for; it stays chosen wherever it moves.
    pub(super) chosen: Option<Name>,
    pub(super) message: String,
    /// Lines of the table that fit.
    pub(super) room: usize,
    seen: BTreeMap<Name, (Duration, Instant)>,
}

impl Model {
    pub(super) fn new(sort: SortKey) -> Self {
        Self {
            rows: Vec::new(),
            sort,
            reversed: false,
            filter: String::new(),
            mode: Mode::Table,
            chosen: None,
            message: String::new(),
            room: 1,
            seen: BTreeMap::new(),
        }
    }

    /// Takes what was seen at this time.
    pub(super) fn take(&mut self, all: Vec<Usage>, at: Instant) {
        let mut seen = BTreeMap::new();
        self.rows = all
            .into_iter()
            .map(|usage| {
                let name = &usage.summary.name;
                let busy = usage.cpu.and_then(|cpu| {
                    seen.insert(name.clone(), (cpu, at));
                    let (before, then) = self.seen.get(name)?;
                    let passed = at.saturating_duration_since(*then).as_secs_f64();
                    // A new run counts from nothing.
                    let used = cpu.checked_sub(*before).unwrap_or(cpu).as_secs_f64();
                    (passed > 0.0).then_some(used * 100.0 / passed)
                });
                Row { usage, busy: busy.unwrap_or(0.0) }
            })
            .collect();
        self.seen = seen;
    }

    /// The services that are shown, in their order.
    pub(super) fn shown(&self) -> Vec<&Row> {
        let mut rows: Vec<&Row> = self.rows.iter().filter(|row| self.is_wanted(row)).collect();
        let memory = |row: &Row| row.usage.memory.unwrap_or(0);
        let since = |row: &Row| row.usage.summary.since;
        rows.sort_by(|one, other| {
            let by = match self.sort {
                SortKey::Name => std::cmp::Ordering::Equal,
                SortKey::State => urgency(one.usage.summary.state).cmp(&urgency(other.usage.summary.state)),
                SortKey::Cpu => other.busy.total_cmp(&one.busy),
                SortKey::Memory => memory(other).cmp(&memory(one)),
                SortKey::Restarts => other.usage.restarts.cmp(&one.usage.restarts),
                SortKey::For => since(one).cmp(&since(other)),
            };
            by.then_with(|| one.usage.summary.name.cmp(&other.usage.summary.name))
        });
        if self.reversed {
            rows.reverse();
        }
        rows
    }

    fn is_wanted(&self, row: &Row) -> bool {
        let name = row.usage.summary.name.as_str();
        if glob::is_glob(&self.filter) {
            return glob::matches(&self.filter, name);
        }
        name.contains(&self.filter) || row.usage.summary.state.word() == self.filter
    }

    /// Where the chosen service is among those shown; the first if it is not.
    pub(super) fn at(&self, shown: &[&Row]) -> usize {
        shown.iter().position(|row| Some(&row.usage.summary.name) == self.chosen.as_ref()).unwrap_or(0)
    }

    /// Does what a key means.
    pub(super) fn key(&mut self, key: Key) -> Wish {
        match (key, self.mode.clone()) {
            (Key::Control('c'), _) => Wish::Quit,
            (Key::Control('z'), _) => Wish::Suspend,
            (key, Mode::Table) => self.table_key(key),
            (key, Mode::Filter) => self.filter_key(key),
            (key, Mode::Confirm(deed, name)) => {
                self.mode = Mode::Table;
                if key == Key::Letter('y') { Wish::Do(deed, name) } else { Wish::Nothing }
            }
            (key, Mode::Page(lines, first)) => self.page_key(key, lines, first),
        }
    }

    fn table_key(&mut self, key: Key) -> Wish {
        self.message.clear();
        match key {
            Key::Up | Key::Letter('k') => self.step(-1),
            Key::Down | Key::Letter('j') => self.step(1),
            Key::PageUp => self.step(-(self.room as isize)),
            Key::PageDown => self.step(self.room as isize),
            Key::Home => self.step(isize::MIN),
            Key::End => self.step(isize::MAX),
            Key::Letter('N') => self.sort_by(SortKey::Name),
            Key::Letter('S') => self.sort_by(SortKey::State),
            Key::Letter('C') => self.sort_by(SortKey::Cpu),
            Key::Letter('M') => self.sort_by(SortKey::Memory),
            Key::Letter('R') => self.sort_by(SortKey::Restarts),
            Key::Letter('F') => self.sort_by(SortKey::For),
            Key::Letter('/') => self.mode = Mode::Filter,
            Key::Escape => self.filter.clear(),
            Key::Letter('?' | 'h') => self.page(HELP),
            Key::Letter('q') => return Wish::Quit,
            Key::Letter('s') => return self.wish(Deed::Start),
            Key::Letter('t') => return self.wish(Deed::Stop),
            Key::Letter('r') => return self.wish(Deed::Restart),
            Key::Letter('w') => return self.wish(Deed::Why),
            Key::Letter('l') => return self.wish(Deed::Log),
            Key::Enter => return self.wish(Deed::Status),
            Key::Letter(_) | Key::Control(_) | Key::Backspace => {}
        }
        Wish::Nothing
    }

    fn filter_key(&mut self, key: Key) -> Wish {
        match key {
            Key::Letter(letter) => self.filter.push(letter),
            Key::Backspace => drop(self.filter.pop()),
            Key::Control('u') => self.filter.clear(),
            Key::Enter => self.mode = Mode::Table,
            Key::Escape => {
                self.filter.clear();
                self.mode = Mode::Table;
            }
            Key::Control(_) => {}
            Key::Up | Key::Down | Key::PageUp | Key::PageDown | Key::Home | Key::End => {
                self.mode = Mode::Table;
                return self.table_key(key);
            }
        }
        Wish::Nothing
    }

    fn page_key(&mut self, key: Key, lines: Vec<String>, first: usize) -> Wish {
        let last = lines.len().saturating_sub(self.room);
        let first = match key {
            Key::Up | Key::Letter('k') => first.saturating_sub(1),
            Key::Down | Key::Letter('j') => first + 1,
            Key::PageUp => first.saturating_sub(self.room),
            Key::PageDown | Key::Letter(' ') => first + self.room,
            Key::Home => 0,
            Key::End => last,
            _ => {
                self.mode = Mode::Table;
                return Wish::Nothing;
            }
        };
        self.mode = Mode::Page(lines, first.min(last));
        Wish::Nothing
    }

    /// Shows a text in place of the table.
    pub(super) fn page(&mut self, text: &str) {
        self.mode = Mode::Page(text.lines().map(str::to_owned).collect(), 0);
    }

    fn sort_by(&mut self, sort: SortKey) {
        self.reversed = self.sort == sort && !self.reversed;
        self.sort = sort;
    }

    fn step(&mut self, by: isize) {
        let shown = self.shown();
        let at = self.at(&shown).saturating_add_signed(by).min(shown.len().saturating_sub(1));
        self.chosen = shown.get(at).map(|row| row.usage.summary.name.clone());
    }

    /// What is done is done to what the screen shows as chosen; what ends a service is asked about first.
    fn wish(&mut self, deed: Deed) -> Wish {
        let shown = self.shown();
        let Some(name) = shown.get(self.at(&shown)).map(|row| row.usage.summary.name.clone()) else {
            return Wish::Nothing;
        };
        self.chosen = Some(name.clone());
        match deed {
            Deed::Stop | Deed::Restart => {
                self.mode = Mode::Confirm(deed, name);
                Wish::Nothing
            }
            Deed::Start | Deed::Status | Deed::Why | Deed::Log => Wish::Do(deed, name),
        }
    }
}

impl Deed {
    /// The verb for it.
    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Status => "status",
            Self::Why => "why",
            Self::Log => "log",
        }
    }
}

/// What needs somebody comes first.
fn urgency(state: StateName) -> u8 {
    match state {
        StateName::Failed => 0,
        StateName::Faulty => 1,
        StateName::BackingOff => 2,
        StateName::Waiting => 3,
        StateName::Stopping => 4,
        StateName::Starting => 5,
        StateName::Up => 6,
        StateName::Skipped => 7,
        StateName::Down => 8,
    }
}

const HELP: &str = "\
Keys of svc top

  arrows, j k, PgUp PgDn, Home End   choose a service
  Enter                              its status
  l                                  the last lines it wrote
  w                                  why it is as it is
  s   t   r                          start, stop, restart it; stop and restart ask first
  N S C M R F                        sort by name, state, processor, memory, restarts, time in its state;
                                     the same again turns the order round
  /                                  show only names with this text or pattern, or this state; Esc shows all
  Ctrl-Z, q                          go away for a while, for good

Any other key leaves this page.";
