//! After the storm: what was wanted comes up by itself; then everything ends and nothing is left.

use svc_core::lifecycle::{Cause, Goal, State};
use svc_core::{Event, Request, ServiceId};

use crate::services;
use crate::world::World;

/// Longer than all patience in a row that a service can have.
const CALM: u64 = 400_000;

impl World {
    pub(crate) fn calm(&mut self) {
        self.say(format_args!("calm weather"));
        self.is_calm = true;
        for at in 0..3 {
            if self.dice.once_in(2) {
                self.handle(Event::Came(services::device(at)));
            }
        }
        self.pass(CALM);
        assert!(self.open.is_empty(), "clients without an answer: {:?}", self.open);
        for id in self.core.ids() {
            let view = self.core.view(id);
            let name = &self.core.service(id).name;
            let why = || self.core.why(self.time(), id);
            match view.state {
                State::Down => assert!(view.goal == Goal::Down, "{name} is wanted and down: {:?}", why()),
                State::Up { .. } => assert!(view.goal == Goal::Up, "{name} is up and not wanted: {:?}", why()),
                State::Waiting => assert!(self.is_barred(id), "{name} waits for nothing: {:?}", why()),
                State::Ended { .. } => assert!(view.trouble.is_some() || self.is_finished(id), "{name}: {:?}", why()),
                State::Starting { .. } | State::Stopping { .. } | State::BackingOff { .. } => {
                    panic!("{name} does not come to rest: {:?}: {:?}", view.state, why());
                }
            }
        }
        self.check_reasons();
    }

    fn is_finished(&self, id: ServiceId) -> bool {
        matches!(self.core.view(id).state, State::Ended { cause: Cause::Finished })
    }

    /// Whether there is something that only a person can change.
    fn is_barred(&self, id: ServiceId) -> bool {
        let graph = self.core.graph();
        let mut open = vec![id];
        let mut seen = Vec::new();
        while let Some(next) = open.pop() {
            if seen.contains(&next) {
                continue;
            }
            seen.push(next);
            let view = self.core.view(next);
            let memory = self.core.memory(next);
            let stands = |foe: &ServiceId| {
                let foe = self.core.view(*foe);
                foe.state.is_alive() && foe.goal == Goal::Up
            };
            let barred = match view.state {
                State::Down => memory.held.is_some() || memory.pinned.is_some(),
                State::Ended { cause } => cause != Cause::Skipped,
                State::Waiting => {
                    let conflicts = graph.of(next).conflicts.iter().any(stands);
                    graph.broken.contains_key(&next) || view.orphan || conflicts || self.core.absent(next).is_some()
                }
                State::Starting { .. } | State::Up { .. } | State::Stopping { .. } | State::BackingOff { .. } => false,
            };
            if barred {
                return true;
            }
            if view.state == State::Waiting {
                open.extend(&graph.of(next).requires);
            }
        }
        false
    }

    /// Everything is stopped, by hand or with the machine.
    pub(crate) fn end(&mut self) {
        if self.is_ending || self.dice.once_in(2) {
            if !self.is_ending {
                self.shut_down();
            }
            self.pass(CALM);
            assert!(self.is_complete, "the end does not come");
        } else {
            self.stop_all(false);
            self.stop_all(true);
        }
        assert!(self.open.is_empty(), "clients without an answer: {:?}", self.open);
        for id in self.core.ids() {
            let view = self.core.view(id);
            assert!(view.state == State::Down, "{}: {:?}", self.core.service(id).name, view.state);
        }
        let stray = self.trees.iter().find(|(_, tree)| !(tree.left && self.is_ending));
        assert!(stray.is_none(), "processes are left: {stray:?}");
        assert!(self.core.deadline().is_none(), "something is timed though nothing is there");
        assert!(self.core.alive() == 0, "something is counted as alive");
    }

    fn stop_all(&mut self, all: bool) {
        let mut ids: Vec<ServiceId> = self.core.ids().collect();
        for at in 1..ids.len() {
            let other = self.dice.roll(at as u64 + 1) as usize;
            ids.swap(at, other);
        }
        for id in ids {
            if self.core.ids().any(|found| found == id) {
                self.ask(id, Request::Unpin);
            }
        }
        for id in self.core.ids().collect::<Vec<_>>() {
            if self.core.ids().any(|found| found == id) {
                self.ask(id, Request::Stop { only: false, all });
            }
        }
        self.pass(CALM);
    }
}
