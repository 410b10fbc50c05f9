//! Taking over from a manager that was before.

use alloc::vec::Vec;

use super::{Memory, Part, Supervisor};
use crate::event::Action;
use crate::lifecycle::{Goal, Stage, State};
use crate::name::Name;
use crate::run::{Reach, RunId};
use crate::service::ServiceId;
use crate::time::Time;

impl Supervisor {
    /// Takes over what the last manager knew, after its definitions were loaded. Patience begins anew; an order to end
    /// that may not have been carried out is given again.
    pub fn recover(&mut self, now: Time, memories: Vec<(Name, Memory)>, actions: &mut Vec<Action>) {
        for (name, memory) in memories {
            self.next_run = self.next_run.max(memory.next_run);
            if let Some(&id) = self.names.get(&name) {
                self.remember(now, id, memory, actions);
            }
        }
        self.recount();
        self.settle(now, actions);
        self.answer(actions);
    }

    /// No run up to this one is given out again.
    pub fn skip_runs(&mut self, last: RunId) {
        self.next_run = self.next_run.max(RunId(last.0 + 1));
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
        let life = self.life_mut(id);
        let signal = life.service.stop.signal;
        life.goal = match memory.state {
            State::Down => Goal::Down,
            State::Stopping { .. } if memory.held.is_some() => Goal::Down,
            _ => Goal::Up,
        };
        let state = match memory.state {
            State::Starting { run, returned, .. } => {
                State::Starting { run, returned, until: life.service.start_timeout.map(|limit| now + limit) }
            }
            State::Stopping { run, stage, cause, .. } => {
                actions.extend(run.and_then(|run| again(run, stage, signal)));
                let patience = life.service.stop.timeout.map(|limit| now + limit);
                let until = patience.filter(|_| !matches!(stage, Stage::Dependents { .. }));
                State::Stopping { run, stage, cause, until }
            }
            same => same,
        };
        life.memory = Memory { state, ..memory };
        self.arm(id, super::Timer::State, state.until());
        self.touched.insert(id);
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
