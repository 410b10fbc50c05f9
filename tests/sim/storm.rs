//! Everything that can go wrong does.

use std::sync::Arc;

use svc_core::service::Service;
use svc_core::supervisor::Memory;
use svc_core::{Event, Name, RunId, Supervisor, Who};

use crate::services::{self, NAMES};
use crate::world::{Plan, World};

impl World {
    pub(crate) fn storm(&mut self) {
        let count = 1 + self.dice.roll(8);
        for at in 0..count {
            let service = services::service(&mut self.dice, at, self.is_patient);
            self.disk.insert(service.name.clone(), service);
        }
        self.load();
        let boots = self.dice.once_in(2);
        let enabled = self.core.ids().filter(|&id| boots && self.core.service(id).enabled.on);
        let starts = enabled.map(Event::Boot).collect();
        self.handle(Event::Together(starts));
        for _ in 0..20 + self.dice.roll(60) {
            match self.dice.roll(40) {
                0 | 1 => self.change_disk(),
                2 => self.crash(),
                3 => self.find(),
                4 | 5 => self.plug(),
                6 => self.read_at_leisure(),
                _ => self.ask_something(),
            }
            let span = match self.dice.roll(4) {
                0 => 0,
                1 => self.dice.roll(50),
                2 => self.dice.roll(1_000),
                _ => self.dice.roll(12_000),
            };
            self.pass(span);
        }
        if self.dice.once_in(4) {
            self.end_in_the_storm();
        }
    }

    /// The machine goes down in the middle of it all, and clients go on asking.
    fn end_in_the_storm(&mut self) {
        for _ in 0..self.dice.roll(8) {
            self.ask_something();
        }
        self.shut_down();
        for _ in 0..self.dice.roll(8) {
            let span = self.dice.roll(2_000);
            self.pass(span);
            match self.dice.once_in(4) && !self.is_complete {
                true => self.crash(),
                false => self.ask_something(),
            }
        }
    }

    fn load(&mut self) {
        let definitions: Vec<Service> = self.disk.values().cloned().collect();
        self.handle(Event::Loaded(definitions.into_iter().map(Arc::new).collect()));
    }

    /// An administrator edits the definitions and loads them.
    fn change_disk(&mut self) {
        for _ in 0..1 + self.dice.roll(3) {
            let at = self.dice.roll(NAMES);
            if self.dice.once_in(3) {
                self.disk.remove(&services::name(at));
            } else {
                let service = services::service(&mut self.dice, at, self.is_patient);
                self.disk.insert(service.name.clone(), service);
            }
        }
        self.load();
    }

    /// Definitions are read, and until then nothing is to be launched.
    fn read_at_leisure(&mut self) {
        self.handle(Event::Pause);
        let after = self.dice.roll(6_000);
        self.tell(after, Event::Resume);
    }

    /// The manager dies, sometimes between writing its journal and doing all it wrote down, and a new one takes over.
    fn crash(&mut self) {
        self.totals.crashes += 1;
        let mut lost = Vec::new();
        if self.dice.once_in(2)
            && let Some(event) = self.some_news()
        {
            let mut actions = self.decide(event);
            let done = self.dice.roll(actions.len() as u64 + 1) as usize;
            lost = actions.split_off(done);
            self.carry_out(actions);
        }
        if self.is_complete {
            // It has come to its own end meanwhile.
            return self.carry_out(lost);
        }
        self.say(format_args!("the manager dies, with this undone: {lost:?}"));
        let memories: Vec<(Name, Memory)> =
            self.core.ids().map(|id| (self.core.service(id).name.clone(), self.core.memory(id))).collect();
        self.open.clear();
        self.launched.clear();
        self.before.clear();
        self.fed.clear();
        let old = self.core.next_run();
        self.first_run = old;
        let unheard = self.live_without_manager();
        self.core = Supervisor::new(self.slots);
        self.is_paused = false;
        self.load_quietly();
        let who = || Who("root".into());
        if self.is_ending {
            self.core.goes_on_ending(who());
        }
        let mut actions = Vec::new();
        self.core.recover(self.time(), memories, &mut actions);
        self.adopt(old);
        self.carry_out(actions);
        if self.is_ending {
            self.handle(Event::Shutdown(who()));
        }
        self.check();
        for event in unheard {
            self.bury(&event);
            self.handle(event);
        }
    }

    /// The next news that is on its way.
    fn some_news(&mut self) -> Option<Event> {
        let (at, event) = self.plans.iter().find_map(|(&at, plan)| match plan {
            Plan::Tell(event) => Some((at, event.clone())),
            Plan::Deed(..) => None,
        })?;
        // What stands before it happens first.
        while self.plans.first_key_value().is_some_and(|(&first, _)| first < at) {
            let limit = at.0;
            if !self.turn(limit) {
                return None;
            }
        }
        self.plans.remove(&at)?;
        self.now = self.now.max(at.0);
        self.bury(&event);
        Some(event)
    }

    /// Processes go on; their news waits.
    fn live_without_manager(&mut self) -> Vec<Event> {
        let limit = self.now + self.dice.roll(4_000);
        let mut unheard = Vec::new();
        while let Some(entry) = self.plans.first_entry()
            && entry.key().0 <= limit
        {
            self.now = self.now.max(entry.key().0);
            match entry.remove() {
                Plan::Deed(run, deed) => self.happen(run, deed),
                Plan::Tell(event) => unheard.push(event),
            }
        }
        self.now = limit;
        unheard
    }

    fn load_quietly(&mut self) {
        let definitions: Vec<Service> = self.disk.values().cloned().collect();
        let mut actions = Vec::new();
        self.look_at_devices();
        for device in self.present.clone() {
            self.core.handle(self.time(), Event::Came(device), &mut actions);
        }
        self.core.handle(self.time(), Event::Loaded(definitions.into_iter().map(Arc::new).collect()), &mut actions);
        self.carry_out(actions);
    }

    /// The new daemon compares what there is with what the core knows: runs that were never launched are empty, and
    /// commands that nobody waits for any more are ended.
    fn adopt(&mut self, next: RunId) {
        let known: Vec<RunId> = (0..next.0).map(RunId).collect();
        for run in known {
            match (self.core.owner(run), self.trees.get_mut(&run)) {
                (Some(id), Some(tree)) => {
                    tree.left = self.core.view(id).left.contains(&run);
                }
                (Some(id), None) => self.never_was(run, id),
                (None, Some(_)) => self.kill(run),
                (None, None) => {}
            }
        }
    }

    /// While there was no manager some have come or gone.
    fn look_at_devices(&mut self) {
        let device = services::device(self.dice.roll(3));
        match self.dice.roll(4) {
            0 => drop(self.present.insert(device)),
            1 => drop(self.present.remove(&device)),
            _ => {}
        }
    }

    /// A device comes, goes, or makes place for another of its name; the daemon hears of it at once or later.
    fn plug(&mut self) {
        let device = services::device(self.dice.roll(3));
        let (came, gone) = (Event::Came(device.clone()), Event::Gone(device));
        let events = match self.dice.roll(5) {
            0 | 1 => vec![came],
            2 => vec![gone],
            3 => vec![gone, came],
            _ => vec![came, gone],
        };
        for event in events {
            match self.dice.once_in(2) {
                true => self.handle(event),
                false => {
                    let after = self.dice.roll(30);
                    self.tell(after, event);
                }
            }
        }
    }

    /// A daemon that somebody started by hand turns up.
    fn find(&mut self) {
        let Some(id) = self.some_service() else { return };
        if !self.core.service(id).is_script() {
            return;
        }
        self.before = self.core.ids().map(|id| (id, self.core.view(id).state)).collect();
        let mut actions = Vec::new();
        let Some(run) = self.core.found(self.time(), id, &mut actions) else { return };
        self.say(format_args!("{run:?} of {id:?} is found running"));
        self.found(run, id);
        self.carry_out(actions);
        self.check();
    }

    pub(crate) fn shut_down(&mut self) {
        self.is_ending = true;
        self.handle(Event::Shutdown(Who(String::from("root"))));
    }
}
