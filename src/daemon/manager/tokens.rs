//! What the loop waits for: descriptors and moments.

use std::time::Duration;

use svc_core::RunId;

/// What a descriptor of the poller is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Keeper,
    Forest,
    Listener,
    Client(u64),
    /// A main process that is no child of the keeper.
    Process(RunId),
    Notify(RunId),
    NotifyFd(RunId),
    Probe(RunId),
    Helper(u64),
    /// Directories of pid files.
    Outside,
    /// What tells of devices.
    Devices,
    /// Signals that came to this process.
    Signals,
}

/// What is due at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// Try again whether this run is ready.
    Probe(RunId),
    /// Look again for the main process of this run.
    Look(RunId),
    /// Look whether runs are empty, of which the system does not tell.
    Linger,
    /// Tell clients what they wait for.
    Progress,
    /// Send new log lines to those who follow.
    Follow,
    /// A helper has had its time.
    Helper(u64),
    /// Lines that were asked for did not come.
    Output(u64),
    /// Write the journal again.
    Journal,
    /// Look for daemons that others have started.
    Outside,
    /// Look again: a daemon takes its time until it stands alone.
    OutsideAgain(Duration),
    /// Look at devices that nobody tells of, or that take long to be set up.
    Devices,
    /// The keeper did not answer whether it knows more of what is gone.
    Unseen(u64),
}

impl Token {
    /// The number under which the poller knows it.
    pub(super) fn number(self) -> u64 {
        let (kind, id) = match self {
            Self::Keeper => (0, 0),
            Self::Forest => (1, 0),
            Self::Listener => (2, 0),
            Self::Client(id) => (3, id),
            Self::Process(run) => (4, run.0),
            Self::Notify(run) => (5, run.0),
            Self::NotifyFd(run) => (6, run.0),
            Self::Probe(run) => (7, run.0),
            Self::Helper(id) => (8, id),
            Self::Outside => (9, 0),
            Self::Devices => (10, 0),
            Self::Signals => (11, 0),
        };
        (kind << 56) | id
    }

    /// What has this number.
    pub(super) fn of(number: u64) -> Option<Self> {
        let id = number & ((1 << 56) - 1);
        Some(match number >> 56 {
            0 => Self::Keeper,
            1 => Self::Forest,
            2 => Self::Listener,
            3 => Self::Client(id),
            4 => Self::Process(RunId(id)),
            5 => Self::Notify(RunId(id)),
            6 => Self::NotifyFd(RunId(id)),
            7 => Self::Probe(RunId(id)),
            8 => Self::Helper(id),
            9 => Self::Outside,
            10 => Self::Devices,
            11 => Self::Signals,
            _ => return None,
        })
    }
}
