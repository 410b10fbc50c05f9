//! Whether the reasons that are given hold: each is a cause that is there, and none is "nobody knows".

use svc_core::lifecycle::{Cause, Goal, Stage, State};
use svc_core::supervisor::{Because, Patience, Stopped, Trouble, Wait};
use svc_core::{Exit, ServiceId};

use crate::world::World;

impl World {
    /// Asks why for every service.
    pub(crate) fn check_reasons(&mut self) {
        for id in self.core.ids().collect::<Vec<_>>() {
            let reasons = self.core.reasons(id);
            assert!(reasons.first().is_some_and(|first| first.service == id), "no reason for {}", self.name(id));
            for pair in reasons.windows(2) {
                assert!(pair[0].because.lies_with() == Some(pair[1].service), "a chain that is none: {reasons:?}");
            }
            for reason in &reasons {
                let state = self.core.view(reason.service).state;
                let name = self.name(reason.service);
                assert!(self.fits(state, &reason.because), "{name} is {state:?}, explained by {:?}", reason.because);
                assert!(self.holds(reason.service, &reason.because), "{name} is {state:?}: {:?}", reason.because);
            }
            self.totals.reasons += reasons.len() as u64;
            for sentence in self.core.why(self.time(), id) {
                for phrase in ["unknown", "about to", "at once", ": ,", ": :", "  "] {
                    assert!(!sentence.contains(phrase), "{phrase:?} is no reason: {sentence:?}");
                }
            }
        }
    }

    /// Whether a reason is one for this state.
    fn fits(&self, state: State, because: &Because) -> bool {
        match because {
            Because::Unasked { .. } | Because::Held(_) | Because::Over(_) => state == State::Down,
            Because::Pinned { up, .. } => *up == matches!(state, State::Up { .. }) && (*up || state == State::Down),
            Because::Broken(_) => matches!(state, State::Down | State::Waiting),
            Because::Gone
            | Because::Absent(_)
            | Because::Requires { .. }
            | Because::After(_)
            | Because::Conflicts(_)
            | Because::Above(_)
            | Because::Paused
            | Because::InLine => state == State::Waiting,
            Because::Starting { .. } => matches!(state, State::Starting { .. }),
            Because::Asked(_) | Because::Needed(_) => matches!(state, State::Up { .. }),
            Because::Stopping { .. } => matches!(state, State::Stopping { .. }),
            Because::BackingOff(..) => matches!(state, State::BackingOff { .. }),
            Because::Failed(_) => matches!(state, State::Ended { cause: Cause::Failed }),
            Because::Finished { .. } => matches!(state, State::Ended { cause: Cause::Finished }),
            Because::Skipped(_) => matches!(state, State::Ended { cause: Cause::Skipped }),
            Because::Next => false,
        }
    }

    /// Whether the cause is there.
    fn holds(&self, id: ServiceId, because: &Because) -> bool {
        let memory = self.core.memory(id);
        let edges = self.core.graph().of(id);
        let view = |other: &ServiceId| self.core.view(*other);
        match because {
            Because::Unasked { enabled } => {
                let free = memory.asked.is_none() && memory.held.is_none() && memory.pinned.is_none();
                free && self.core.needed_by(id).is_none() && *enabled == self.core.service(id).enabled.on
            }
            Because::Held(hold) => memory.held.as_deref() == Some(hold),
            Because::Over(who) => self.is_ending && who.0 == "root",
            Because::Pinned { act, .. } => memory.pinned.as_deref() == Some(act),
            Because::Broken(text) => self.core.graph().broken.get(&id) == Some(text),
            Because::Gone => view(&id).orphan,
            Because::Absent(device) => self.core.service(id).devices.contains(device) && !self.present.contains(device),
            Because::Requires { other, stuck } => {
                let moves = *stuck || self.is_coming(*other);
                edges.requires.contains(other) && !view(other).state.satisfies() && moves
            }
            Because::After(other) => {
                edges.after.contains(other) && view(other).goal == Goal::Up && self.is_coming(*other)
            }
            Because::Conflicts(other) => edges.conflicts.contains(other) && view(other).state.is_alive(),
            Because::Above(other) => edges.dependents.contains(other) && view(other).state.is_alive(),
            Because::Paused => self.is_paused,
            Because::InLine => self.slots_held() >= self.slots as usize,
            Because::Starting { returned, patience } => {
                let state = view(&id).state;
                let same = matches!(state, State::Starting { returned: seen, .. } if seen == *returned);
                same && self.lasts(id, *patience)
            }
            Because::Asked(act) => memory.asked.as_ref() == Some(act),
            Because::Needed(other) => {
                let theirs = self.core.graph().of(*other);
                view(other).goal == Goal::Up && (theirs.requires.contains(&id) || theirs.wants.contains(&id))
            }
            Because::Stopping { wait, why } => self.waits(id, *wait) && self.stops(id, why),
            Because::BackingOff(trouble, until) => self.saw(id, trouble) && view(&id).state.until() == Some(*until),
            Because::Failed(trouble) | Because::Skipped(trouble) => self.saw(id, trouble),
            Because::Finished { seen: true } => view(&id).last_exit == Some(Exit::Code(0)),
            Because::Finished { seen: false } => view(&id).last_exit == Some(Exit::Unknown),
            Because::Next => false,
        }
    }

    fn waits(&self, id: ServiceId, wait: Wait) -> bool {
        match wait {
            Wait::Other(other) => {
                let is_leaving = self.core.view(other).goal == Goal::Down;
                self.stops_first(id).into_iter().any(|(found, by_order)| found == other && (is_leaving || !by_order))
            }
            Wait::Own { stage, patience } => match self.core.view(id).state {
                State::Stopping { stage: seen, .. } if seen == stage => {
                    !matches!(stage, Stage::Dependents { .. }) && self.lasts(id, patience)
                }
                _ => false,
            },
            Wait::Nothing => false,
        }
    }

    /// Whether the time counts from a moment within the state, to the one at which it is over.
    fn lasts(&self, id: ServiceId, patience: Patience) -> bool {
        let view = self.core.view(id);
        let in_order = patience.since <= patience.from && patience.until.is_none_or(|until| patience.from <= until);
        in_order && view.since == patience.since && view.state.until() == patience.until
    }

    fn stops(&self, id: ServiceId, why: &Stopped) -> bool {
        let memory = self.core.memory(id);
        let goal = self.core.view(id).goal;
        let cause = match self.core.view(id).state {
            State::Stopping { cause, .. } => Some(cause),
            _ => None,
        };
        match why {
            Stopped::Everything(_) => self.is_ending,
            Stopped::Held(hold) => memory.held.as_deref() == Some(hold) && goal == Goal::Down,
            Stopped::Restarted(act) => {
                goal == Goal::Up && (memory.asked.as_ref() == Some(act) || memory.pinned.as_deref() == Some(act))
            }
            Stopped::Needed(other) => goal == Goal::Up && self.holds(id, &Because::Needed(*other)),
            Stopped::Absent(device) => goal == Goal::Up && self.holds(id, &Because::Absent(device.clone())),
            Stopped::Lost(other) => {
                let there = self.core.view(*other).state.satisfies() || self.core.memory(*other).excused;
                self.core.graph().of(id).requires.contains(other) && !there
            }
            Stopped::Failed(trouble) => cause == Some(Cause::Failed) && self.saw(id, trouble),
            Stopped::Finished => matches!(cause, Some(Cause::Finished | Cause::Skipped)),
            Stopped::Pinned(act) => goal == Goal::Down && memory.pinned.as_deref() == Some(act),
            Stopped::Unneeded => goal == Goal::Down && memory.asked.is_none() && self.core.needed_by(id).is_none(),
        }
    }

    /// That nobody saw how something ended is only said where nobody did.
    fn saw(&self, id: ServiceId, trouble: &Trouble) -> bool {
        match trouble {
            Trouble::Told(text) => !text.is_empty() && self.core.view(id).trouble == Some(text),
            Trouble::Unseen => matches!(self.core.view(id).last_exit, Some(Exit::Unknown)),
        }
    }

    fn is_coming(&self, id: ServiceId) -> bool {
        match self.core.view(id).state {
            State::Waiting | State::Starting { .. } | State::Stopping { .. } => true,
            State::Down | State::Up { .. } | State::BackingOff { .. } | State::Ended { .. } => false,
        }
    }
}
