//! One world: its clock, its plans, and how events reach the core and actions the machine.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use svc_core::lifecycle::State;
use svc_core::service::{Device, Service};
use svc_core::{Action, Event, Name, Request, RunId, ServiceId, Supervisor, Ticket, Time};

use crate::dice::Dice;
use crate::machine::{Deed, Tree};

/// What was counted, to show that the worlds were not empty.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) events: u64,
    pub(crate) answers: u64,
    pub(crate) launches: u64,
    pub(crate) crashes: u64,
    pub(crate) reasons: u64,
}

impl Totals {
    pub(crate) fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.answers += other.answers;
        self.launches += other.launches;
        self.crashes += other.crashes;
        self.reasons += other.reasons;
    }
}

/// What will happen.
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    /// To a process.
    Deed(RunId, Deed),
    /// The daemon hears of it.
    Tell(Event),
}

pub(crate) struct World {
    pub(crate) dice: Dice,
    /// Milliseconds since the machine came up.
    pub(crate) now: u64,
    pub(crate) core: Supervisor,
    pub(crate) slots: u32,
    /// The definitions on disk.
    pub(crate) disk: BTreeMap<Name, Service>,
    /// Devices that are there, as the daemon has told.
    pub(crate) present: BTreeSet<Device>,
    pub(crate) trees: BTreeMap<RunId, Tree>,
    /// Runs of which the core hears the end in this event: until then it may speak to them.
    pub(crate) buried: BTreeSet<RunId>,
    /// The event at hand is several.
    pub(crate) is_together: bool,
    pub(crate) plans: BTreeMap<(u64, u64), Plan>,
    planned: u64,
    pub(crate) open: BTreeMap<Ticket, (ServiceId, Request)>,
    pub(crate) asked: u64,
    /// In calm weather every launch works and nothing ends by itself.
    pub(crate) is_calm: bool,
    /// And everything takes as long as it took before.
    pub(crate) is_settled: bool,
    /// Some patience is without end here; then nothing takes for ever.
    pub(crate) is_patient: bool,
    pub(crate) is_ending: bool,
    pub(crate) is_complete: bool,
    /// Definitions are being read that may say what comes first.
    pub(crate) is_paused: bool,
    /// States before the event that is being handled.
    pub(crate) before: BTreeMap<ServiceId, State>,
    /// Launches of the present manager, which hold its start slots.
    pub(crate) launched: BTreeMap<RunId, u64>,
    /// The first run of the present manager.
    pub(crate) first_run: RunId,
    /// How many events there had been at the last load.
    pub(crate) loaded: u64,
    /// Until when each run with a watchdog must say that it is alive, as the manager knows it.
    pub(crate) fed: BTreeMap<RunId, Option<u64>>,
    /// What was done, and when, while somebody wants to know.
    pub(crate) history: Option<Vec<(Time, Action)>>,
    pub(crate) totals: Totals,
    pub(crate) loud: bool,
}

impl World {
    pub(crate) fn new(seed: u64, loud: bool) -> Self {
        let mut dice = Dice::new(seed);
        let is_patient = dice.once_in(8);
        let slots = 1 + dice.roll(4) as u32;
        Self {
            dice,
            now: 1_000,
            core: Supervisor::new(slots),
            slots,
            disk: BTreeMap::new(),
            present: BTreeSet::new(),
            trees: BTreeMap::new(),
            buried: BTreeSet::new(),
            is_together: false,
            plans: BTreeMap::new(),
            planned: 0,
            open: BTreeMap::new(),
            asked: 0,
            is_calm: false,
            is_settled: false,
            history: None,
            is_patient,
            is_ending: false,
            is_complete: false,
            is_paused: false,
            before: BTreeMap::new(),
            launched: BTreeMap::new(),
            first_run: RunId::default(),
            loaded: 0,
            fed: BTreeMap::new(),
            totals: Totals::default(),
            loud,
        }
    }

    pub(crate) fn time(&self) -> Time {
        Time::new(Duration::from_millis(self.now))
    }

    pub(crate) fn say(&self, what: std::fmt::Arguments<'_>) {
        if self.loud {
            println!("{:>9.3}  {what}", self.now as f64 / 1_000.0);
        }
    }

    pub(crate) fn plan(&mut self, after: u64, plan: Plan) {
        self.planned += 1;
        self.plans.insert((self.now + after, self.planned), plan);
    }

    /// The daemon hears of this after so many milliseconds.
    pub(crate) fn tell(&mut self, after: u64, event: Event) {
        self.plan(after, Plan::Tell(event));
    }

    /// One event reaches the core; all its actions are carried out, and every promise is checked.
    pub(crate) fn handle(&mut self, event: Event) {
        let actions = self.decide(event);
        self.carry_out(actions);
        self.buried.clear();
        self.check();
    }

    /// What the core wants done about an event.
    pub(crate) fn decide(&mut self, event: Event) -> Vec<Action> {
        self.totals.events += 1;
        match &event {
            Event::Loaded(list) => {
                self.loaded = self.totals.events;
                self.say(format_args!("loaded {} definitions", list.len()));
            }
            event => self.say(format_args!("{event:?}")),
        }
        self.before = self.core.ids().map(|id| (id, self.core.view(id).state)).collect();
        match &event {
            Event::Together(events) => events.iter().for_each(|event| self.take_note(event)),
            event => self.take_note(event),
        }
        self.is_together = matches!(event, Event::Together(_));
        let mut actions = Vec::new();
        self.core.handle(self.time(), event, &mut actions);
        actions
    }

    fn take_note(&mut self, event: &Event) {
        match event {
            Event::Alive(run) => drop(self.fed.remove(run)),
            Event::Came(device) => drop(self.present.insert(device.clone())),
            Event::Gone(device) => drop(self.present.remove(device)),
            Event::Pause => self.is_paused = true,
            Event::Resume => self.is_paused = false,
            _ => {}
        }
    }

    pub(crate) fn carry_out(&mut self, actions: Vec<Action>) {
        for action in actions {
            self.say(format_args!("    -> {action:?}"));
            let time = self.time();
            self.history.iter_mut().for_each(|history| history.push((time, action.clone())));
            match action {
                Action::Spawn { run, service, job, about } => {
                    self.check_spawn(run, service, &job);
                    self.spawn(run, service, job, about);
                }
                Action::Signal(run, signal, reach) => self.signal(run, signal, reach),
                Action::Kill(run) => self.kill(run),
                Action::Leave(run) => self.leave(run),
                Action::Reply(ticket, answer) => self.check_reply(ticket, &answer),
                Action::Changed(_) => {}
                Action::Removed(id, name) => {
                    assert!(!self.disk.contains_key(&name), "{name} was removed though it is defined");
                    assert!(!self.open.values().any(|&(owner, _)| owner == id), "{name} is gone, a ticket is open");
                }
                Action::ShutdownComplete => {
                    assert!(self.is_ending && !self.is_complete, "an end that nobody asked for, or twice");
                    self.is_complete = true;
                }
            }
        }
    }

    /// Moves to the next thing that happens before `limit`; false when there is none.
    pub(crate) fn turn(&mut self, limit: u64) -> bool {
        let planned = self.plans.keys().next().map(|&(at, _)| at);
        let due = self.core.deadline().map(|time| time.since_boot().as_millis() as u64);
        let Some(next) = [planned, due].into_iter().flatten().min().filter(|&at| at <= limit) else { return false };
        self.now = self.now.max(next);
        if planned != Some(next) {
            self.handle(Event::Tick);
            let later = self.core.deadline().is_none_or(|time| time > self.time());
            assert!(later, "a deadline does not move on");
            return true;
        }
        let (_, plan) = self.plans.pop_first().expect("a plan was found");
        match plan {
            Plan::Deed(run, deed) => self.happen(run, deed),
            Plan::Tell(event) => self.hear(event),
        }
        true
    }

    /// The daemon hears of something, now and then together with what it would have heard next.
    fn hear(&mut self, event: Event) {
        let mut events = vec![event];
        while !self.is_settled
            && self.dice.once_in(4)
            && let Some(entry) = self.plans.first_entry()
            && entry.key().0 <= self.now + 20
            && let Plan::Tell(_) = entry.get()
        {
            if let Plan::Tell(event) = entry.remove() {
                events.push(event);
            }
        }
        for event in &events {
            self.bury(event);
        }
        self.handle(if events.len() == 1 { events.remove(0) } else { Event::Together(events) });
    }

    /// Lets so many milliseconds pass.
    pub(crate) fn pass(&mut self, span: u64) {
        let limit = self.now + span;
        while self.turn(limit) {}
        self.now = limit;
    }
}
