//! When a service waited, was launched and became ready, and how long such things took it before.

use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::Supervisor;
use super::timers::Timer;
use crate::lifecycle::{Cause, Shape, Stage, State};
use crate::run::RunId;
use crate::service::ServiceId;
use crate::time::Time;

/// Of so many starts, and of so many stops, it is kept how long they took.
const KEPT: usize = 5;

/// What a service's past says of its pace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Course {
    /// Its first start since the machine came up.
    pub first: First,
    /// How long its last starts took in milliseconds, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    starts: Vec<u32>,
    /// The same of its stops that were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stops: Vec<u32>,
    /// When it was last told to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    told: Option<Time>,
}

/// The moments of a first start, as far as it has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct First {
    /// It was wanted, and waited for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<Time>,
    /// It was launched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub launched: Option<Time>,
    /// It was ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<Time>,
}

/// How long a service is expected to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// From its launch until it is ready; zero where nothing is known.
    pub start: Duration,
    /// From being told to end until nothing of it is left; zero where nothing is known.
    pub stop: Duration,
    /// It was started before, and this is how long it took.
    pub start_is_known: bool,
    /// It was stopped before, and this is how long it took.
    pub stop_is_known: bool,
}

impl Supervisor {
    /// How long a service is expected to take: the median of the last times, within its present limits.
    pub fn expected(&self, id: ServiceId) -> Expected {
        let life = self.life(id);
        let Course { starts, stops, .. } = &life.memory.course;
        let (start, stop) = (median(starts), median(stops));
        Expected {
            start: within(start, life.service.start_timeout),
            stop: within(stop, life.service.stop.timeout),
            start_is_known: start.is_some(),
            stop_is_known: stop.is_some(),
        }
    }

    /// When what goes on with a service now is expected to be over; `None` while nothing does.
    pub fn expected_over(&self, id: ServiceId) -> Option<Time> {
        let life = self.life(id);
        let expected = self.expected(id);
        let then = match life.state() {
            State::Starting { .. } => life.memory.since + expected.start,
            State::Stopping { stage: Stage::Dependents { .. }, .. } => return None,
            State::Stopping { .. } => life.memory.course.told.unwrap_or(life.memory.since) + expected.stop,
            State::Down | State::Waiting | State::Up { .. } | State::BackingOff { .. } | State::Ended { .. } => {
                return None;
            }
        };
        Some(life.state().until().map_or(then, |until| then.min(until.earlier(Duration::from_millis(1)))))
    }
}

/// What the machine of a plan must know, beside what can be seen.
impl Supervisor {
    /// The kind of life of its present run, or of the next.
    pub fn shape(&self, id: ServiceId) -> Shape {
        self.life(id).shape()
    }

    /// Reload commands and verbs that run.
    pub fn errands(&self) -> impl Iterator<Item = RunId> {
        self.errands.keys().copied()
    }

    /// Whether anything is timed but signs of life.
    pub(crate) fn has_work(&self) -> bool {
        !self.errand_timers.is_empty() || self.timers.iter().any(|&(_, _, timer)| timer != Timer::Watchdog)
    }

    /// A run whose sign of life is due at this moment at the latest, and nothing is before it.
    pub(crate) fn unfed(&self, due: Time) -> Option<RunId> {
        let &(at, id, timer) = self.timers.first()?;
        (timer == Timer::Watchdog && at <= due).then(|| self.life(id).state().run())?
    }
}

impl Course {
    /// Remembers the moments of a transition out of a state that lasted since then.
    pub(super) fn moved(&mut self, now: Time, since: Time, before: State, after: State) {
        if self.first.ready.is_none() {
            self.first.moved(now, before, after);
        }
        if let (State::Starting { .. }, State::Up { .. }) = (before, after) {
            keep(&mut self.starts, now.since(since));
        }
        match (is_told(before), is_told(after)) {
            (false, true) => self.told = Some(now),
            (true, false) => {
                let asked = matches!(before, State::Stopping { cause: Cause::Asked, .. });
                if let (Some(told), true, false) = (self.told.take(), asked, matches!(after, State::Up { .. })) {
                    keep(&mut self.stops, now.since(told));
                }
            }
            (true, true) | (false, false) => {}
        }
    }
}

impl First {
    fn moved(&mut self, now: Time, before: State, after: State) {
        match after {
            State::Waiting => self.wanted = self.wanted.or(Some(now)),
            State::Starting { .. } => self.launched = self.launched.or(Some(now)),
            // What was found running was not started.
            State::Up { .. } if matches!(before, State::Waiting | State::Starting { .. }) => {
                self.launched = self.launched.or(Some(now));
                self.ready = Some(now);
            }
            State::Down => *self = Self::default(),
            State::Up { .. } | State::Stopping { .. } | State::BackingOff { .. } | State::Ended { .. } => {}
        }
    }
}

/// Whether it was told to end, and something of it may be left.
fn is_told(state: State) -> bool {
    match state {
        State::Stopping { stage, .. } => !matches!(stage, Stage::Dependents { .. }),
        State::Down
        | State::Waiting
        | State::Starting { .. }
        | State::Up { .. }
        | State::BackingOff { .. }
        | State::Ended { .. } => false,
    }
}

fn keep(durations: &mut Vec<u32>, one: Duration) {
    if durations.len() == KEPT {
        durations.remove(0);
    }
    durations.push(u32::try_from(one.as_millis()).unwrap_or(u32::MAX));
}

/// The middle one; of an even number the longer of both in the middle.
fn median(durations: &[u32]) -> Option<Duration> {
    let mut sorted = durations.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).map(|&millis| Duration::from_millis(u64::from(millis)))
}

/// What is expected is in time, though the limit may have been changed since.
fn within(expected: Option<Duration>, limit: Option<Duration>) -> Duration {
    let most = limit.map_or(Duration::MAX, |limit| limit.saturating_sub(Duration::from_millis(1)));
    expected.unwrap_or_default().min(most)
}
