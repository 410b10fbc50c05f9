//! Why a service is where it is, in sentences that name a cause.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use super::Supervisor;
use super::life::Life;
use crate::lifecycle::{Cause, Goal, Stage, State};
use crate::service::ServiceId;
use crate::time::Time;

impl Supervisor {
    /// The chain of reasons for the state of a service, nearest first. Never empty.
    pub fn why(&self, now: Time, id: ServiceId) -> Vec<String> {
        let mut reasons = Vec::new();
        let mut seen = BTreeSet::new();
        let mut next = Some(id);
        while let Some(at) = next {
            if !seen.insert(at) {
                break;
            }
            let (text, further) = self.reason(now, at);
            reasons.push(format!("{} {text}", self.life(at).service.name));
            next = further;
        }
        reasons
    }

    /// One sentence without its subject, and the service that the reason lies with.
    fn reason(&self, now: Time, id: ServiceId) -> (String, Option<ServiceId>) {
        let life = self.life(id);
        let trouble = life.memory.trouble.as_deref().unwrap_or("it ended, nobody saw how");
        match life.state() {
            State::Down => (self.down_reason(now, life), None),
            State::Waiting => self.waiting_reason(id, life),
            State::Starting { returned, .. } => {
                let what = if returned { "is looked at: its start has returned" } else { "is starting" };
                (format!("{what}, {}", patience(now, life)), None)
            }
            State::Up { .. } => self.up_reason(now, id, life),
            State::Stopping { stage, .. } => self.stopping_reason(now, id, life, stage),
            State::BackingOff { until } => {
                (format!("{trouble}, and is tried again in {}", span(until.since(now))), None)
            }
            State::Ended { cause: Cause::Finished } => (String::from("ended by itself with success"), None),
            State::Ended { cause: Cause::Skipped } => (format!("was skipped: {trouble}"), None),
            State::Ended { cause: Cause::Failed | Cause::Asked } => (format!("failed: {trouble}"), None),
        }
    }

    fn down_reason(&self, now: Time, life: &Life) -> String {
        match (&life.memory.held, &self.ending, &life.broken) {
            (_, Some(who), _) => format!("is down: everything was stopped by {}", who.0),
            _ if life.memory.pinned.is_some() && life.memory.held.is_none() => {
                let who = life.memory.pinned.as_ref().map_or("", |act| &act.who.0);
                format!("is down: pinned by {who}")
            }
            (Some(hold), ..) => held(now, hold),
            (None, None, Some(text)) => format!("cannot start: {text}"),
            (None, None, None) if life.service.enabled.on => {
                String::from("is down: it is enabled, and was not asked for since svcd runs")
            }
            (None, None, None) => String::from("is down: nobody asked for it"),
        }
    }

    fn up_reason(&self, now: Time, id: ServiceId, life: &Life) -> (String, Option<ServiceId>) {
        if let Some(act) = &life.memory.asked {
            return (format!("is up: asked by {} {} ago", act.who.0, span(now.since(act.at))), None);
        }
        if let Some(act) = &life.memory.pinned {
            return (format!("is up: pinned by {} {} ago", act.who.0, span(now.since(act.at))), None);
        }
        let needs = |other: &ServiceId| {
            let edges = self.graph.of(*other);
            self.life(*other).goal == Goal::Up && (edges.requires.contains(&id) || edges.wants.contains(&id))
        };
        let edges = self.graph.of(id);
        match edges.dependents.iter().chain(&edges.followers).copied().find(needs) {
            Some(other) => (format!("is up: {} needs it", self.life(other).service.name), Some(other)),
            None => (String::from("is up, and about to be stopped: nobody needs it"), None),
        }
    }

    fn waiting_reason(&self, id: ServiceId, life: &Life) -> (String, Option<ServiceId>) {
        if let Some(text) = &life.broken {
            return (format!("cannot start: {text}"), None);
        }
        if life.orphan {
            return (String::from("cannot start: its definition is gone"), None);
        }
        let edges = self.graph.of(id);
        let name = |id: ServiceId| self.life(id).service.name.to_string();
        let stuck = edges.requires.iter().copied().find(|&other| self.life(other).face.stuck);
        let unready = edges.requires.iter().copied().find(|&other| !self.life(other).face.up);
        if let Some(other) = stuck.or(unready) {
            return (format!("waits for {}, which it requires", name(other)), Some(other));
        }
        if let Some(other) = edges.after.iter().copied().find(|&other| self.life(other).face.pending) {
            return (format!("waits for {}, after which it starts", name(other)), Some(other));
        }
        if let Some(other) = edges.conflicts.iter().copied().find(|&other| self.life(other).face.alive) {
            return (format!("waits for {} to stop, with which it conflicts", name(other)), Some(other));
        }
        if let Some(other) = edges.dependents.iter().copied().find(|&other| self.life(other).face.alive) {
            return (format!("waits for {} to stop, which requires it", name(other)), Some(other));
        }
        let text = if life.in_line { "waits for its turn: enough others are starting" } else { "is about to start" };
        (String::from(text), None)
    }

    fn stopping_reason(&self, now: Time, id: ServiceId, life: &Life, stage: Stage) -> (String, Option<ServiceId>) {
        let asked = match (&life.memory.held, &self.ending) {
            (_, Some(who)) => format!(", asked by {}", who.0),
            (Some(hold), None) => format!(", asked by {}", hold.act.who.0),
            (None, None) => String::new(),
        };
        let what = match stage {
            Stage::Dependents { .. } => {
                let edges = self.graph.of(id);
                let name = |id: ServiceId| self.life(id).service.name.to_string();
                let above = edges.dependents.iter().copied().find(|&other| self.life(other).face.alive);
                let later = edges.followers.iter().copied().find(|&other| self.life(other).face.leaving);
                return match above.or(later) {
                    Some(other) => {
                        (format!("is stopping: waits for {} to stop first{asked}", name(other)), Some(other))
                    }
                    None => (format!("is about to stop{asked}"), None),
                };
            }
            Stage::Told => "was told to end",
            Stage::Command { .. } => "its stop command runs",
            Stage::Returned => "its stop has returned, its main process lives on",
            Stage::Rest => "its main process is gone, others of its tree were told to end",
            Stage::Killed => "was killed, and the kernel still has processes of it",
        };
        (format!("is stopping: {what}, {}{asked}", patience(now, life)), None)
    }

    /// A service that conflicts with this one, runs, and shall go on.
    fn rival(&self, id: ServiceId) -> Option<ServiceId> {
        self.graph.of(id).conflicts.iter().copied().find(|&other| self.life(other).face.staying)
    }

    /// Why a service cannot come up now: the whole chain, down to what is at the bottom of it.
    pub(super) fn chain(&self, id: ServiceId) -> String {
        let mut parts = Vec::new();
        let mut seen = BTreeSet::new();
        let mut at = id;
        while seen.insert(at) {
            let life = self.life(at);
            let stuck = self.graph.of(at).requires.iter().copied().find(|&other| self.life(other).face.stuck);
            match (life.state(), &life.broken, stuck) {
                (State::Waiting, None, Some(other)) => {
                    parts.push(format!("requires {}", self.life(other).service.name));
                    at = other;
                }
                (_, Some(text), _) => parts.push(text.clone()),
                (State::Waiting, None, None) if life.orphan => parts.push(String::from("its definition is gone")),
                (State::Waiting, None, None) if self.rival(at).is_some() => {
                    let name = self.rival(at).map(|other| self.life(other).service.name.to_string());
                    parts.push(format!("conflicts with {}, which is running", name.unwrap_or_default()));
                }
                (State::Ended { .. } | State::BackingOff { .. }, ..) => {
                    parts.push(life.memory.trouble.clone().unwrap_or_else(|| String::from("it ended")));
                }
                _ => match (&life.memory.held, &self.ending) {
                    (_, Some(who)) => parts.push(format!("everything is being stopped by {}", who.0)),
                    (Some(hold), None) => match &hold.conflict {
                        Some(other) => parts.push(format!("stopped because it conflicts with {other}")),
                        None => parts.push(format!("stopped by {}", hold.act.who.0)),
                    },
                    (None, None) => match &life.memory.pinned {
                        Some(act) => parts.push(format!("pinned by {}", act.who.0)),
                        None => parts.push(String::from("nobody asked for it")),
                    },
                },
            }
        }
        parts.join(": ")
    }
}

fn held(now: Time, hold: &super::Hold) -> String {
    let ago = span(now.since(hold.act.at));
    match &hold.conflict {
        Some(other) => format!("was stopped {ago} ago because it conflicts with {other}, asked by {}", hold.act.who.0),
        None => format!("was stopped by {} {ago} ago", hold.act.who.0),
    }
}

/// How long a state has lasted, of how long it may.
fn patience(now: Time, life: &Life) -> String {
    let since = life.memory.since;
    match life.state().until() {
        Some(until) => format!("for {} of {}", span(now.since(since)), span(until.since(since))),
        None => format!("for {}, without limit", span(now.since(since))),
    }
}

/// A duration as people say it: `3 min`, `12 s`, `100 ms`.
pub fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
