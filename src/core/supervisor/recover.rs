//! Taking over from a manager that was before.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use super::life::Life;
use super::{Memory, Part, Supervisor, Timer};
use crate::event::{Action, Who};
use crate::lifecycle::{Goal, KILL_AGAIN, RETURNED_WAIT, Shape, Stage, State};
use crate::name::Name;
use crate::run::{Reach, RunId};
use crate::service::{Kind, Ready, Service, ServiceId};
use crate::time::Time;

impl Supervisor {
    /// Takes over what the last manager knew, after its definitions were loaded. Patience begins anew; an order to end
    /// that may not have been carried out is given again.
    pub fn recover(&mut self, now: Time, memories: Vec<(Name, Memory)>, actions: &mut Vec<Action>) {
        for (name, memory) in memories {
            self.next_run = self.next_run.max(memory.next_run);
            let known = self.names.get(&name).copied();
            let lives_on = memory.state.is_alive() || !memory.left.is_empty();
            if let Some(id) = known.or_else(|| lives_on.then(|| self.orphan(now, name))) {
                self.remember(now, id, memory, actions);
            }
        }
        self.rebuild();
        self.settle(now, actions);
        self.answer(actions);
    }

    /// The last manager was stopping everything: to be said right before [`Self::recover`], for where nothing is known
    /// to live all is over.
    pub fn goes_on_ending(&mut self, who: Who) {
        self.ending = Some(who);
    }

    /// No run up to this one is given out again.
    pub fn skip_runs(&mut self, last: RunId) {
        self.next_run = self.next_run.max(RunId(last.0 + 1));
    }

    /// A service that runs, though its definition went while it did: it is watched, and can be stopped by signal.
    fn orphan(&mut self, now: Time, name: Name) -> ServiceId {
        let service = Service::new(name.clone(), Kind::Process);
        let id = ServiceId(self.lives.len() as u32);
        self.lives.push(Some(Life { orphan: true, ..Life::new(Arc::new(service), now) }));
        self.names.insert(name, id);
        id
    }

    fn remember(&mut self, now: Time, id: ServiceId, memory: Memory, actions: &mut Vec<Action>) {
        for &run in &memory.left {
            self.runs.insert(run, (id, Part::Left));
        }
        if let Some(run) = memory.state.run() {
            self.runs.insert(run, (id, Part::Main));
        }
        if let Some(job) = memory.state.job() {
            self.runs.insert(job, (id, Part::Stop));
        }
        let is_ending = self.ending.is_some();
        let life = self.life_mut(id);
        let signal = life.service.stop.signal;
        life.at_once = life.service.ready == Ready::Executed;
        life.goal = match memory.state {
            State::Down => Goal::Down,
            State::Stopping { .. } if memory.held.is_some() => Goal::Down,
            State::Waiting
            | State::Starting { .. }
            | State::Up { .. }
            | State::Stopping { .. }
            | State::BackingOff { .. }
            | State::Ended { .. } => Goal::Up,
        };
        let (start, stop) = (life.service.start_timeout, life.service.stop.timeout);
        let state = match memory.state {
            State::Starting { run, returned: true, .. } if memory.shape == Some(Shape::Oneshot) => {
                actions.push(Action::Signal(run, signal, Reach::Tree));
                State::Starting { run, returned: true, until: stop.map(|limit| now + limit) }
            }
            State::Starting { run, returned, .. } => {
                State::Starting { run, returned, until: start.map(|limit| now + limit) }
            }
            State::Stopping { run, stage, cause, .. } => {
                actions.extend(run.and_then(|run| again(run, stage, signal)));
                State::Stopping { run, stage, cause, until: patience(stage, stop).map(|limit| now + limit) }
            }
            State::Down | State::Waiting | State::Up { .. } | State::BackingOff { .. } | State::Ended { .. } => {
                memory.state
            }
        };
        let is_anew = state.until() != memory.state.until();
        let counts_from = if is_anew { Some(now) } else { memory.counts_from };
        let excused = memory.excused && !is_ending;
        life.memory = Memory { state, counts_from, excused, ..memory };
        self.arm(id, Timer::State, state.until());
        if let (State::Up { run: Some(_) }, Some(limit)) = (state, self.life(id).service.watchdog) {
            self.arm(id, Timer::Watchdog, Some(now + limit));
        }
        self.touched.insert(id);
    }
}

/// How long a stage of stopping may take.
fn patience(stage: Stage, stop: Option<Duration>) -> Option<Duration> {
    match stage {
        Stage::Dependents { .. } => None,
        Stage::Told | Stage::Command { .. } | Stage::Rest => stop,
        Stage::Returned => Some(stop.map_or(RETURNED_WAIT, |limit| limit.min(RETURNED_WAIT))),
        Stage::Killed => Some(KILL_AGAIN),
    }
}

/// The order that goes with a stage of stopping.
fn again(run: RunId, stage: Stage, signal: crate::run::Signal) -> Option<Action> {
    match stage {
        Stage::Told => Some(Action::Signal(run, signal, Reach::Leader)),
        Stage::Rest => Some(Action::Signal(run, signal, Reach::Tree)),
        Stage::Killed => Some(Action::Kill(run)),
        Stage::Dependents { .. } | Stage::Command { .. } | Stage::Returned => None,
    }
}
