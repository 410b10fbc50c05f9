//! The two lists that are the whole contract of the core: what can happen to it ([`Event`]) and what it can ask for
//! ([`Action`]).

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::run::{Exit, Job, Reach, RunId, Signal};
use crate::service::{Device, Service, ServiceId};

/// One request on one service, until it is answered. The daemon mints them; a client that asks for ten services
/// holds ten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ticket(pub u64);

/// Who asked, for messages: `root`, `user www`, `boot`, `shutdown`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who(pub String);

/// What may be asked of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Up, with all it requires; answered when it is ready.
    Start,
    /// Down, after what requires it; answered when nothing of it is left.
    Stop {
        /// Leave dependents alone (`--only`).
        only: bool,
        /// For a script: kill what its own stop leaves behind (`--all`).
        all: bool,
    },
    /// Down and up again, with what requires it; starts what was down.
    Restart {
        /// Leave dependents alone (`--only`).
        only: bool,
    },
    /// Read the configuration again, as the definition says how.
    Reload,
    /// A script's own verb.
    Verb(String),
    /// Stay as it is, whatever is asked, until unpinned.
    Pin,
    /// The opposite of [`Request::Pin`].
    Unpin,
    /// Forget failures: a service that was given up is down again, its back-off starts anew.
    Reset,
}

/// The one answer to a [`Ticket`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It is as asked.
    Done {
        /// Whether anything had to be done for it.
        changed: bool,
        /// Something the operator should know all the same: processes left behind, a condition not met.
        note: Option<String>,
    },
    /// It cannot be: the whole chain of why.
    Failed(String),
    /// A program that was asked (a custom verb) ended so.
    Exited(Exit),
    /// A newer, contrary request by this one came first.
    Superseded(Who),
    /// This service has no such thing (reload without a way to).
    Unsupported(String),
}

/// Something happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A client asks; exactly one [`Action::Reply`] answers the ticket.
    Requested {
        /// What the answer will name.
        ticket: Ticket,
        /// The service it is about.
        service: ServiceId,
        /// What is asked.
        request: Request,
        /// Who asks.
        who: Who,
    },
    /// The definitions in force are now these: what is new is added, what changed is taken over, what is missing goes
    /// when it is down.
    Loaded(Vec<Arc<Service>>),
    /// The program of this run was executed (not: is ready).
    Executed(RunId),
    /// The platform could not launch this run; the text names the stage and the reason.
    SpawnFailed(RunId, String),
    /// The conditions of the service do not hold, so this run was not launched; the text says which.
    NotHere(RunId, String),
    /// The service of this run serves, by whatever means its definition names.
    Ready(RunId),
    /// The service of this run says that it is reading its configuration again.
    Reloading(RunId),
    /// The service of this run says that it ends by itself.
    Stopping(RunId),
    /// The service of this run asks for this much time from now on.
    Extend(RunId, Duration),
    /// The service of this run says it is alive.
    Alive(RunId),
    /// The service of this run says it is not well and wants to be restarted.
    Unwell(RunId, String),
    /// The main process of this run ended.
    Exited(RunId, Exit),
    /// The main process of this run ended, and no other is left: [`Event::Exited`] and [`Event::Emptied`] at once, so
    /// that nobody is told of processes left behind where there are none.
    Ended(RunId, Exit),
    /// No process of this run is left.
    Emptied(RunId),
    /// A run that was left behind has a process that looks like the service itself.
    Remains(RunId),
    /// This device is there. Told of every device that a service lives with, before the definitions that name it.
    Came(Device),
    /// This device is not there any more, or another one is in its place: then [`Event::Came`] follows.
    Gone(Device),
    /// Nothing happened, but time passed.
    Tick,
    /// All of these at once: nothing is launched for one before the others are known, so that order holds among them.
    Together(Vec<Event>),
    /// Start this service because the machine boots, or because `svc up` was asked to.
    Boot(ServiceId),
    /// Launch nothing from now on, whoever waits: definitions are being read that may say what comes first. What runs
    /// is stopped when it should be.
    Pause,
    /// After [`Event::Pause`]: go on.
    Resume,
    /// Stop everything, in order, also through services that are not up; nothing starts any more. The last action will
    /// be [`Action::ShutdownComplete`].
    Shutdown(Who),
}

/// Something must be done. The daemon carries these out in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Launch a program of this service.
    Spawn {
        /// Its fresh id.
        run: RunId,
        /// Whose program.
        service: ServiceId,
        /// Which one.
        job: Job,
        /// For a job beside the service itself: the run it is about.
        about: Option<RunId>,
    },
    /// Send a signal.
    Signal(RunId, Signal, Reach),
    /// End every process of this run now, and any that it makes meanwhile.
    Kill(RunId),
    /// This run is over for the core, though processes may be left: keep an eye on them, report them as left behind.
    Leave(RunId),
    /// Answer a request.
    Reply(Ticket, Answer),
    /// This service's state or goal is another: remember it (journal), tell those who watch.
    Changed(ServiceId),
    /// This service is gone from the tables; its id may be used again.
    Removed(ServiceId, crate::name::Name),
    /// After [`Event::Shutdown`]: nothing is left running.
    ShutdownComplete,
}
