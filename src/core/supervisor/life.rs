//! What is remembered of one service, and what its neighbours are told of it.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::course::Course;
use crate::event::{Ticket, Who};
use crate::lifecycle::{Goal, Shape, State};
use crate::run::{Exit, RunId};
use crate::service::{Kind, Service};
use crate::time::Time;

/// Somebody did something, then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// Who.
    pub who: Who,
    /// When.
    pub at: Time,
}

/// Why a service is down though it is needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Who stopped it, and when.
    pub act: Act,
    /// It was stopped because this service conflicts with it.
    pub conflict: Option<String>,
}

/// Everything the next manager must know of one service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Where it is.
    pub state: State,
    /// Since when.
    pub since: Time,
    /// Since when its patience counts, where that is not the same: it may begin anew within a state.
    #[serde(default)]
    pub counts_from: Option<Time>,
    /// Who asked for it, by hand or at boot.
    pub asked: Option<Act>,
    /// Who stopped it.
    pub held: Option<Box<Hold>>,
    /// Who pinned it.
    pub pinned: Option<Box<Act>>,
    /// Dependents bear with its absence.
    pub excused: bool,
    /// The shape of the present run, whatever the definition says by now.
    pub shape: Option<Shape>,
    /// How its last failure reads.
    pub trouble: Option<String>,
    /// How its last run ended.
    pub last_exit: Option<Exit>,
    /// How often it was started again by itself since it was asked for.
    pub restarts: u32,
    /// Runs of which processes were left behind.
    pub left: Vec<RunId>,
    /// Its first start, and how long starts and stops took.
    #[serde(default)]
    pub course: Course,
    /// The next run id; the highest of all services counts.
    pub next_run: RunId,
}

/// One whose answer is owed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Waiter {
    pub(super) ticket: Ticket,
    pub(super) goal: Goal,
    /// Only a launch at or after this one counts.
    pub(super) launch: u64,
    /// It was not as asked when it was asked.
    pub(super) changed: bool,
    /// Wait for what is left behind too.
    pub(super) all: bool,
}

/// What neighbours count on. Each flag that changes moves one counter at each neighbour it concerns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Face {
    /// It satisfies those that require it, for a launch.
    pub(super) up: bool,
    /// It satisfies those that require it, for staying up.
    pub(super) serving: bool,
    /// It is not coming up, and will not without an event from outside.
    pub(super) stuck: bool,
    /// It has processes.
    pub(super) alive: bool,
    /// It is about to be up.
    pub(super) pending: bool,
    /// It is alive and shall be down.
    pub(super) leaving: bool,
    /// Everything ends, and it is not alive itself, but others are that stop before it: what comes after them comes
    /// after them through it.
    #[serde(default)]
    pub(super) between: bool,
    /// It is alive and shall be up.
    pub(super) staying: bool,
    /// It needs what it requires and wants.
    pub(super) wanting: bool,
}

/// How many neighbours show which face.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    /// Required ones that are not up.
    pub(super) unready: u32,
    /// Required ones that do not serve.
    pub(super) unmet: u32,
    /// Required ones that are stuck.
    pub(super) blocked: u32,
    /// Ones to start after that are pending.
    pub(super) ahead: u32,
    /// Ones that require this and are alive.
    pub(super) above: u32,
    /// Ones that stop before this and are leaving, or have such before them.
    pub(super) later: u32,
    /// Ones that need this.
    pub(super) needed: u32,
    /// Conflicting ones that are alive.
    pub(super) foes: u32,
    /// Conflicting ones that are alive and shall be up.
    pub(super) rivals: u32,
    /// Devices it lives with that are not there.
    pub(super) absent: u32,
}

/// One service at work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Life {
    pub(super) service: Arc<Service>,
    pub(super) memory: Memory,
    pub(super) goal: Goal,
    pub(super) face: Face,
    pub(super) counts: Counts,
    /// It cannot start as it is written.
    pub(super) broken: Option<String>,
    pub(super) waiters: Vec<Waiter>,
    /// Counts its launches, groups included.
    pub(super) launches: u64,
    /// When it was launched since it was last asked for, oldest first, within the period of its policy.
    pub(super) attempts: VecDeque<Time>,
    /// How many times the delay has been doubled.
    pub(super) doublings: u32,
    /// How long its last run had been up when it stopped being so.
    pub(super) was_up: Duration,
    /// It is on the list of those to be looked at.
    pub(super) listed: bool,
    /// It is among those at work.
    pub(super) at_work: bool,
    /// Its present run serves as soon as it is executed, whatever the definition says by now.
    pub(super) at_once: bool,
    /// It holds a start slot.
    pub(super) slot: bool,
    /// It waits for a start slot.
    pub(super) in_line: bool,
    /// It says that it is reading its configuration again.
    pub(super) reloading: bool,
    /// What its stop leaves behind is to be killed.
    pub(super) clean: bool,
    /// A run left by a script's own verb, which may turn out to be the service itself.
    pub(super) spare: Option<RunId>,
    /// Its definition is gone: it goes when it is down.
    pub(super) orphan: bool,
    /// Moments that are armed for it.
    pub(super) armed: [Option<Time>; 3],
    /// The state that those who watch were last told of.
    pub(super) told: Option<(State, Goal)>,
}

impl Life {
    pub(super) fn new(service: Arc<Service>, now: Time) -> Self {
        Self {
            service,
            memory: Memory { since: now, ..Memory::default() },
            goal: Goal::Down,
            face: Face::default(),
            counts: Counts::default(),
            broken: None,
            waiters: Vec::new(),
            launches: 0,
            attempts: VecDeque::new(),
            doublings: 0,
            was_up: Duration::ZERO,
            listed: false,
            at_work: false,
            at_once: false,
            slot: false,
            in_line: false,
            reloading: false,
            clean: false,
            spare: None,
            orphan: false,
            armed: [None; 3],
            told: None,
        }
    }

    pub(super) fn state(&self) -> State {
        self.memory.state
    }

    /// The shape of its present run, or of the next.
    pub(super) fn shape(&self) -> Shape {
        match self.memory.shape {
            Some(shape) if self.state().is_alive() => shape,
            Some(_) | None => shape_of(&self.service),
        }
    }

    /// What neighbours may count on now.
    pub(super) fn look(&self) -> Face {
        let state = self.state();
        let alive = state.is_alive();
        let wanted = self.goal == Goal::Up;
        let waiting = matches!(state, State::Waiting);
        let barred = self.counts.rivals > 0 || self.broken.is_some() || self.orphan || self.counts.absent > 0;
        let blocked = waiting && (self.counts.blocked > 0 || barred);
        let up = state.satisfies();
        let coming = matches!(state, State::Waiting | State::Starting { .. } | State::Stopping { .. });
        Face {
            up,
            serving: up || self.memory.excused,
            stuck: !up && (blocked || !(alive || waiting)),
            alive,
            pending: wanted && coming && !blocked,
            leaving: alive && !wanted,
            between: false,
            staying: alive && wanted,
            wanting: wanted,
        }
    }

    /// How long its last run had been up.
    pub(super) fn uptime(&self, now: Time) -> Duration {
        match self.state() {
            State::Up { .. } => now.since(self.memory.since),
            State::Starting { .. } => Duration::ZERO,
            State::Stopping { .. } | State::Down | State::Waiting | State::BackingOff { .. } | State::Ended { .. } => {
                self.was_up
            }
        }
    }
}

pub(super) fn shape_of(service: &Service) -> Shape {
    match &service.kind {
        Kind::Process => Shape::Process,
        Kind::Forking { .. } => Shape::Forking,
        Kind::Oneshot => Shape::Oneshot,
        Kind::Group => Shape::Group,
        Kind::Script(script) if script.daemon => Shape::Daemon,
        Kind::Script(_) => Shape::Script,
    }
}
