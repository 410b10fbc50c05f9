//! The moments at which something is due.

use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::Supervisor;
use crate::event::Action;
use crate::lifecycle::{Input, Shape, State};
use crate::run::RunId;
use crate::service::ServiceId;
use crate::time::Time;

/// How long a service that is not ready yet counts as one of the simultaneous starts.
pub const SLOT_HELD: Duration = Duration::from_secs(1);

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Timer {
    /// The patience of its state.
    State,
    /// Its start slot goes to somebody else.
    Slot,
    /// It has been silent for too long.
    Watchdog,
}

impl Supervisor {
    /// Arms one timer of a service, or disarms it.
    pub(super) fn arm(&mut self, id: ServiceId, timer: Timer, at: Option<Time>) {
        let armed = &mut self.life_mut(id).armed[timer as usize];
        if *armed == at {
            return;
        }
        let before = core::mem::replace(armed, at);
        if let Some(before) = before {
            self.timers.remove(&(before, id, timer));
        }
        if let Some(at) = at {
            self.timers.insert((at, id, timer));
        }
    }

    /// Does what has become due.
    pub(super) fn expire(&mut self, now: Time, actions: &mut Vec<Action>) {
        while let Some(&(at, id, timer)) = self.timers.first()
            && at <= now
        {
            self.arm(id, timer, None);
            match timer {
                Timer::State => self.patience_ended(now, id, actions),
                Timer::Slot => self.give_slot_back(id),
                Timer::Watchdog => {
                    self.blame(id, "its watchdog was not fed in time");
                    self.step(now, id, Input::Unwell, actions);
                }
            }
        }
        while let Some(&(at, run)) = self.errand_timers.first()
            && at <= now
        {
            self.errand_timers.remove(&(at, run));
            self.errand_overdue(run, actions);
        }
    }

    fn patience_ended(&mut self, now: Time, id: ServiceId, actions: &mut Vec<Action>) {
        let leftovers = self.life(id).shape() == Shape::Oneshot;
        if let State::Starting { returned, .. } = self.life(id).state()
            && !(returned && leftovers)
        {
            let limit = self.life(id).service.start_timeout.map_or(0, |limit| limit.as_secs());
            let what = if returned { "was not ready" } else { "was not done starting" };
            self.blame(id, &alloc::format!("{what} within {limit} s"));
        }
        self.step(now, id, Input::Deadline, actions);
    }

    /// Grants a service more time than its definition does.
    pub(super) fn extend(&mut self, now: Time, run: RunId, more: Duration) {
        let Some(id) = self.main(run) else { return };
        let state = self.life(id).state().extended(now + more);
        self.life_mut(id).memory.state = state;
        self.arm(id, Timer::State, state.until());
    }

    /// A sign of life.
    pub(super) fn feed(&mut self, now: Time, run: RunId) {
        let Some(id) = self.main(run) else { return };
        if let State::Up { .. } = self.life(id).state() {
            let limit = self.life(id).service.watchdog;
            self.arm(id, Timer::Watchdog, limit.map(|limit| now + limit));
        }
    }
}
