//! Reasons as sentences; what they are is decided in `because`.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::because::{Because, Patience, Reason, Stopped, Trouble, Wait};
use super::{Act, Hold, Supervisor};
use crate::lifecycle::{Stage, State};
use crate::name::Name;
use crate::service::{Kind, Ready, Service, ServiceId};
use crate::time::Time;

impl Supervisor {
    /// The chain of reasons for the state of a service in sentences, nearest first. Never empty.
    pub fn why(&self, now: Time, id: ServiceId) -> Vec<String> {
        let told = |reason: Reason| {
            format!("{} {}", self.name(reason.service), self.sentence(now, reason.service, &reason.because))
        };
        self.reasons(id).into_iter().map(told).collect()
    }

    fn name(&self, id: ServiceId) -> &Name {
        &self.life(id).service.name
    }

    /// A reason as a sentence without its subject.
    fn sentence(&self, now: Time, id: ServiceId, because: &Because) -> String {
        let ago = |act: &Act| span(now.since(act.at));
        match because {
            Because::Unasked { enabled: true } => {
                String::from("is down: it is enabled, and was not asked for since svcd runs")
            }
            Because::Unasked { enabled: false } => String::from("is down: nobody asked for it"),
            Because::Held(hold) => held(now, hold),
            Because::Over(who) => format!("is down: everything was stopped by {}", who.0),
            Because::Pinned { act, up } => {
                let state = if *up { "up" } else { "down" };
                format!("is {state}: pinned by {} {} ago", act.who.0, ago(act))
            }
            Because::Broken(text) => format!("cannot start: {text}"),
            Because::Gone => String::from("cannot start: its definition is gone"),
            Because::Absent(device) => format!("waits for {device}, which is not there"),
            Because::Requires { other, .. } => format!("waits for {}, which it requires", self.name(*other)),
            Because::After(other) => format!("waits for {}, after which it starts", self.name(*other)),
            Because::Conflicts(other) => {
                format!("waits for {} to stop, with which it conflicts", self.name(*other))
            }
            Because::Above(other) => format!("waits for {} to stop, which requires it", self.name(*other)),
            Because::Paused => String::from("waits until definitions have been read"),
            Because::InLine => String::from("waits for its turn: enough others are starting"),
            Because::Starting { returned, patience } => {
                let waits = waits_for(&self.life(id).service, *returned);
                let waits = waits.map(|waits| format!(": {waits}")).unwrap_or_default();
                format!("is starting{waits}, {}", lasting(now, *patience))
            }
            Because::Asked(act) => format!("is up: asked by {} {} ago", act.who.0, ago(act)),
            Because::Needed(other) => format!("is up: {} needs it", self.name(*other)),
            Because::Stopping { wait, why } => self.tell_stopping(now, *wait, why),
            Because::BackingOff(trouble, until) => {
                format!("{}, and is tried again in {}", went_wrong(trouble), span(until.since(now)))
            }
            Because::Failed(trouble) => format!("failed: {trouble}"),
            Because::Finished { seen: true } => String::from("ended by itself with success"),
            Because::Finished { seen: false } => String::from("ended by itself as it had said, nobody saw how"),
            Because::Skipped(trouble) => format!("was skipped: {trouble}"),
            Because::Next => String::from("is about to go on"),
        }
    }

    fn tell_stopping(&self, now: Time, wait: Wait, why: &Stopped) -> String {
        let what = match wait {
            Wait::Other(other) => format!("waits for {} to stop first", self.name(other)),
            Wait::Own { stage, patience } => format!("{}, {}", told(stage), lasting(now, patience)),
            Wait::Nothing => String::from("is told at once"),
        };
        format!("is stopping: {what}, {}", self.stop_words(why))
    }

    /// Why a service stops, in a few words.
    pub(crate) fn stop_words(&self, why: &Stopped) -> String {
        match why {
            Stopped::Everything(who) => format!("asked by {}", who.0),
            Stopped::Held(Hold { act, conflict: None }) => format!("asked by {}", act.who.0),
            Stopped::Held(Hold { act, conflict: Some(other) }) => {
                format!("as it conflicts with {other}, asked by {}", act.who.0)
            }
            Stopped::Restarted(act) => format!("to start again, asked by {}", act.who.0),
            Stopped::Lost(other) => {
                let state = if self.life(*other).face.alive { "stops" } else { "is not up" };
                format!("as {}, which it requires, {state}", self.name(*other))
            }
            Stopped::Absent(device) => format!("as {device} is gone"),
            Stopped::Needed(other) => format!("to start again, as {} needs it", self.name(*other)),
            Stopped::Failed(trouble) => format!("as it failed: {trouble}"),
            Stopped::Finished => String::from("as it ended by itself"),
            Stopped::Pinned(act) => format!("as it was to be down when {} pinned it", act.who.0),
            Stopped::Unneeded => String::from("as nobody needs it"),
        }
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
                (State::Waiting, None, _) if !life.orphan && life.counts.absent > 0 => {
                    let device = self.absent(at).map(ToString::to_string).unwrap_or_default();
                    parts.push(format!("waits for {device}, which is not there"));
                }
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

fn held(now: Time, hold: &Hold) -> String {
    let ago = span(now.since(hold.act.at));
    match &hold.conflict {
        Some(other) => format!("was stopped {ago} ago because it conflicts with {other}, asked by {}", hold.act.who.0),
        None => format!("was stopped by {} {ago} ago", hold.act.who.0),
    }
}

fn told(stage: Stage) -> &'static str {
    match stage {
        Stage::Dependents { .. } => "others stop first",
        Stage::Told => "was told to end",
        Stage::Command { .. } => "its stop command runs",
        Stage::Returned => "its stop has returned, its main process lives on",
        Stage::Rest => "its main process is gone, others of its tree were told to end",
        Stage::Killed => "was killed, and the kernel still has processes of it",
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Told(text) => text,
            Self::Unseen => "it ended, nobody saw how",
        })
    }
}

/// A failure as what a service did.
fn went_wrong(trouble: &Trouble) -> String {
    let told = trouble.to_string();
    let is_deed = ["exited ", "ended ", "was "].iter().any(|deed| told.starts_with(deed));
    if is_deed { told } else { format!("failed: {told}") }
}

/// What has to happen before a service that starts is up; `None`: nothing but its launch.
fn waits_for(service: &Service, returned: bool) -> Option<String> {
    let owned = |text: &str| Some(String::from(text));
    match (&service.kind, returned) {
        (Kind::Group, _) => None,
        (Kind::Oneshot, true) => owned("its command has returned, what that left was told to end"),
        (Kind::Oneshot | Kind::Forking { .. }, false) => owned("waits for its command to return"),
        (Kind::Script(_), false) => owned("waits for its script to return"),
        (Kind::Process, _) | (Kind::Forking { .. } | Kind::Script(_), true) => match &service.ready {
            Ready::Executed => None,
            Ready::Exit => match &service.kind {
                Kind::Forking { pid_file: Some(path) } => Some(format!("waits for its daemon's pid in {path}")),
                Kind::Process | Kind::Forking { .. } | Kind::Oneshot | Kind::Group | Kind::Script(_) => {
                    owned("its start has returned, its daemon is looked for")
                }
            },
            Ready::PidFile(path) => Some(format!("waits for its pid in {path}")),
            Ready::NotifyFd(number) => Some(format!("waits for a line on its descriptor {number}")),
            Ready::SdNotify => owned("waits for it to say READY=1"),
            Ready::Tcp(address) => Some(format!("waits for an answer on tcp {address}")),
            Ready::Unix(path) => Some(format!("waits for an answer on {path}")),
            // Its words may be nobody's business.
            Ready::Command(_) => owned("waits for its ready command to succeed"),
        },
    }
}

/// How long a state has lasted, of how long it may; and how long before that, where its time began anew.
fn lasting(now: Time, patience: Patience) -> String {
    let Patience { since, from, until } = patience;
    let Some(until) = until else { return format!("for {}, without limit", span(now.since(since))) };
    let told = format!("for {} of {}", span(now.since(from)), span(until.since(from)));
    if from == since { told } else { format!("{told} ({} in all)", span(now.since(since))) }
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
