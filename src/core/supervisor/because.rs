//! Why a service is where it is, as data: each link of the chain names a cause that can be looked at.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use super::life::Life;
use super::{Act, Hold, Supervisor};
use crate::event::Who;
use crate::lifecycle::{Cause, Goal, Stage, State};
use crate::run::Exit;
use crate::service::{Device, ServiceId};
use crate::time::Time;

/// One link of the chain of reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The service it is about.
    pub service: ServiceId,
    /// Why that is where it is.
    pub because: Because,
}

/// Why a service is where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Because {
    /// Down: nobody asked for it, though it may be enabled.
    Unasked {
        /// It starts at boot.
        enabled: bool,
    },
    /// Down: somebody stopped it.
    Held(Hold),
    /// Down: everything was stopped.
    Over(Who),
    /// Down or up: somebody wants it to stay so.
    Pinned {
        /// Who, and when.
        act: Act,
        /// It is up.
        up: bool,
    },
    /// It cannot start as it is written.
    Broken(String),
    /// It cannot start: its definition is gone.
    Gone,
    /// Waiting: for a device that it lives with.
    Absent(Device),
    /// Waiting: for what it requires.
    Requires {
        /// The other.
        other: ServiceId,
        /// The other does not come up by itself.
        stuck: bool,
    },
    /// Waiting: for what it starts after.
    After(ServiceId),
    /// Waiting: for the end of what it conflicts with.
    Conflicts(ServiceId),
    /// Waiting: for the end of what requires it and runs on from before.
    Above(ServiceId),
    /// Waiting: nothing is launched until definitions have been read.
    Paused,
    /// Waiting: enough others are starting.
    InLine,
    /// Starting, and given up on then.
    Starting {
        /// The program that was launched has returned.
        returned: bool,
        /// For how long it may.
        patience: Patience,
    },
    /// Up: somebody asked for it.
    Asked(Act),
    /// Up: another one that shall be up requires or wants it.
    Needed(ServiceId),
    /// Stopping.
    Stopping {
        /// What it waits for.
        wait: Wait,
        /// Why it stops.
        why: Stopped,
    },
    /// It failed, and is tried again then.
    BackingOff(Trouble, Time),
    /// It failed, and is not tried again.
    Failed(Trouble),
    /// It ended by itself, as it should.
    Finished {
        /// Somebody saw it return with success.
        seen: bool,
    },
    /// Its conditions do not hold, or it says itself that it is not meant to run here.
    Skipped(Trouble),
    /// Something follows at once: between two events nothing is so.
    Next,
}

/// How long a state has lasted, and may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Since when it is so.
    pub since: Time,
    /// Since when the time counts that it may take.
    pub from: Time,
    /// When that ends; `None`: never.
    pub until: Option<Time>,
}

/// What a service that stops waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// For this one to stop before it.
    Other(ServiceId),
    /// For its own processes.
    Own {
        /// How far it has come.
        stage: Stage,
        /// For how long it may.
        patience: Patience,
    },
    /// It is told at once: between two events nothing is so.
    Nothing,
}

/// Why a service stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Everything does.
    Everything(Who),
    /// Somebody stopped it, or started what it conflicts with.
    Held(Hold),
    /// It comes back: somebody asked for it, or wants it to stay up.
    Restarted(Act),
    /// It comes back: this one requires or wants it.
    Needed(ServiceId),
    /// A device that it lives with is gone.
    Absent(Device),
    /// What it requires does not serve.
    Lost(ServiceId),
    /// It failed.
    Failed(Trouble),
    /// It ended by itself, and so do the rest of its processes.
    Finished,
    /// It was to be down when somebody pinned it.
    Pinned(Act),
    /// Nobody needs it any more.
    Unneeded,
}

/// How a failure reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// So.
    Told(String),
    /// Its process is gone, and nobody could see how it ended.
    Unseen,
}

impl Supervisor {
    /// The chain of reasons for the state of a service, nearest first. Never empty.
    pub fn reasons(&self, id: ServiceId) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let mut seen = BTreeSet::new();
        let mut next = Some(id);
        while let Some(service) = next.filter(|&at| seen.insert(at)) {
            let because = self.because(service);
            next = because.lies_with();
            reasons.push(Reason { service, because });
        }
        reasons
    }

    /// Why a service is where it is.
    pub fn because(&self, id: ServiceId) -> Because {
        let life = self.life(id);
        match life.state() {
            State::Down => self.down_because(life),
            State::Waiting => self.waiting_because(id, life),
            State::Starting { returned, .. } => Because::Starting { returned, patience: life.patience() },
            State::Up { .. } => self.up_because(id, life),
            State::Stopping { stage, cause, .. } => Because::Stopping {
                wait: self.stopping_wait(id, stage, life.patience()),
                why: self.stopped_because(id, life, cause),
            },
            State::BackingOff { until } => Because::BackingOff(life.trouble(), until),
            State::Ended { cause: Cause::Finished } => {
                Because::Finished { seen: life.memory.last_exit.is_some_and(Exit::is_success) }
            }
            State::Ended { cause: Cause::Skipped } => Because::Skipped(life.trouble()),
            State::Ended { cause: Cause::Failed | Cause::Asked } => Because::Failed(life.trouble()),
        }
    }

    fn down_because(&self, life: &Life) -> Because {
        match (&self.ending, life.memory.held.as_deref(), life.memory.pinned.as_deref(), &life.broken) {
            (Some(who), ..) => Because::Over(who.clone()),
            (None, Some(hold), ..) => Because::Held(hold.clone()),
            (None, None, Some(act), _) => Because::Pinned { act: act.clone(), up: false },
            (None, None, None, Some(text)) => Because::Broken(text.clone()),
            (None, None, None, None) => Because::Unasked { enabled: life.service.enabled.on },
        }
    }

    fn waiting_because(&self, id: ServiceId, life: &Life) -> Because {
        if let Some(text) = &life.broken {
            return Because::Broken(text.clone());
        }
        if life.orphan {
            return Because::Gone;
        }
        if let Some(device) = self.absent(id) {
            return Because::Absent(device.clone());
        }
        let edges = self.graph.of(id);
        if let Some(other) = edges.requires.iter().copied().find(|&other| self.life(other).face.stuck) {
            return Because::Requires { other, stuck: true };
        }
        if let Some(other) = edges.requires.iter().copied().find(|&other| !self.life(other).face.up) {
            return Because::Requires { other, stuck: false };
        }
        let first =
            |list: &[ServiceId], fits: fn(&Life) -> bool| list.iter().copied().find(|&other| fits(self.life(other)));
        if let Some(other) = first(&edges.after, |other| other.face.pending) {
            return Because::After(other);
        }
        if let Some(other) = first(&edges.conflicts, |other| other.face.alive) {
            return Because::Conflicts(other);
        }
        if let Some(other) = first(&edges.dependents, |other| other.face.alive) {
            return Because::Above(other);
        }
        if self.paused {
            return Because::Paused;
        }
        if life.in_line { Because::InLine } else { Because::Next }
    }

    fn up_because(&self, id: ServiceId, life: &Life) -> Because {
        if let Some(act) = &life.memory.asked {
            return Because::Asked(act.clone());
        }
        if let Some(act) = life.memory.pinned.as_deref() {
            return Because::Pinned { act: act.clone(), up: true };
        }
        self.needed_by(id).map_or(Because::Next, Because::Needed)
    }

    /// One that shall be up and requires or wants this service.
    pub fn needed_by(&self, id: ServiceId) -> Option<ServiceId> {
        let edges = self.graph.of(id);
        let needs = |other: &ServiceId| {
            let theirs = self.graph.of(*other);
            self.life(*other).goal == Goal::Up && (theirs.requires.contains(&id) || theirs.wants.contains(&id))
        };
        edges.dependents.iter().chain(&edges.followers).copied().find(needs)
    }

    fn stopping_wait(&self, id: ServiceId, stage: Stage, patience: Patience) -> Wait {
        match stage {
            Stage::Dependents { .. } => self.stops_first(id).map_or(Wait::Nothing, Wait::Other),
            Stage::Told | Stage::Command { .. } | Stage::Returned | Stage::Rest | Stage::Killed => {
                Wait::Own { stage, patience }
            }
        }
    }

    /// One that must have stopped before this service is told to, be it by way of what is not alive.
    fn stops_first(&self, id: ServiceId) -> Option<ServiceId> {
        let mut at = Some(id);
        while let Some(below) = at {
            let edges = self.graph.of(below);
            let face = |other: &ServiceId| self.life(*other).face;
            let above = edges.dependents.iter().find(|other| face(other).alive);
            let found = above.or_else(|| edges.followers.iter().find(|other| face(other).leaving));
            if found.is_some() {
                return found.copied();
            }
            at = edges.dependents.iter().chain(&edges.followers).find(|other| face(other).between).copied();
        }
        None
    }

    fn stopped_because(&self, id: ServiceId, life: &Life, cause: Cause) -> Stopped {
        if let Some(who) = &self.ending {
            return Stopped::Everything(who.clone());
        }
        if let Some(hold) = life.memory.held.as_deref() {
            return Stopped::Held(hold.clone());
        }
        let lost = || self.graph.of(id).requires.iter().copied().find(|&other| !self.life(other).face.serving);
        match (cause, life.goal) {
            (Cause::Failed, _) => Stopped::Failed(life.trouble()),
            (Cause::Finished | Cause::Skipped, _) => Stopped::Finished,
            (Cause::Asked, Goal::Down) => match life.memory.pinned.as_deref() {
                Some(act) => Stopped::Pinned(act.clone()),
                None => Stopped::Unneeded,
            },
            (Cause::Asked, Goal::Up) if self.absent(id).is_some() => {
                Stopped::Absent(self.absent(id).cloned().expect("it was found just now"))
            }
            (Cause::Asked, Goal::Up) => {
                match (lost(), life.memory.asked.as_ref(), life.memory.pinned.as_deref(), self.needed_by(id)) {
                    (Some(other), ..) => Stopped::Lost(other),
                    (None, Some(act), ..) | (None, None, Some(act), _) => Stopped::Restarted(act.clone()),
                    (None, None, None, Some(other)) => Stopped::Needed(other),
                    (None, None, None, None) => Stopped::Unneeded,
                }
            }
        }
    }
}

impl Because {
    /// The service that the reason lies with.
    pub fn lies_with(&self) -> Option<ServiceId> {
        match self {
            Self::Requires { other, .. }
            | Self::After(other)
            | Self::Conflicts(other)
            | Self::Above(other)
            | Self::Needed(other)
            | Self::Stopping { wait: Wait::Other(other), .. }
            | Self::Stopping { why: Stopped::Lost(other), .. } => Some(*other),
            Self::Unasked { .. }
            | Self::Held(_)
            | Self::Over(_)
            | Self::Pinned { .. }
            | Self::Broken(_)
            | Self::Gone
            | Self::Absent(_)
            | Self::Paused
            | Self::InLine
            | Self::Starting { .. }
            | Self::Asked(_)
            | Self::Stopping { .. }
            | Self::BackingOff(..)
            | Self::Failed(_)
            | Self::Finished { .. }
            | Self::Skipped(_)
            | Self::Next => None,
        }
    }
}

impl Life {
    fn patience(&self) -> Patience {
        let since = self.memory.since;
        Patience { since, from: self.memory.counts_from.unwrap_or(since), until: self.state().until() }
    }

    fn trouble(&self) -> Trouble {
        self.memory.trouble.clone().map_or(Trouble::Unseen, Trouble::Told)
    }
}
