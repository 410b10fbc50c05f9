//! What others may ask of a state.

#![deny(clippy::wildcard_enum_match_arm)]

use super::{Cause, Stage, State};
use crate::run::RunId;
use crate::time::Time;

impl State {
    /// The run this state is about, while there is one.
    pub fn run(self) -> Option<RunId> {
        match self {
            Self::Starting { run, .. } => Some(run),
            Self::Up { run } | Self::Stopping { run, .. } => run,
            Self::Down | Self::Waiting | Self::BackingOff { .. } | Self::Ended { .. } => None,
        }
    }

    /// The stop command that runs.
    pub fn job(self) -> Option<RunId> {
        match self {
            Self::Stopping { stage: Stage::Command { job, .. }, .. } => Some(job),
            Self::Stopping { .. }
            | Self::Starting { .. }
            | Self::Up { .. }
            | Self::Down
            | Self::Waiting
            | Self::BackingOff { .. }
            | Self::Ended { .. } => None,
        }
    }

    /// When this state wants `Input::Deadline`.
    pub fn until(self) -> Option<Time> {
        match self {
            Self::Starting { until, .. } | Self::Stopping { until, .. } => until,
            Self::BackingOff { until } => Some(until),
            Self::Down | Self::Waiting | Self::Up { .. } | Self::Ended { .. } => None,
        }
    }

    /// The same state with patience until then, where it has patience.
    #[must_use]
    pub fn extended(self, then: Time) -> Self {
        match self {
            Self::Starting { run, until: Some(until), returned } => {
                Self::Starting { run, until: Some(until.max(then)), returned }
            }
            Self::Stopping { run, stage, until: Some(until), cause } => {
                Self::Stopping { run, stage, until: Some(until.max(then)), cause }
            }
            Self::Starting { until: None, .. }
            | Self::Stopping { until: None, .. }
            | Self::Down
            | Self::Waiting
            | Self::Up { .. }
            | Self::BackingOff { .. }
            | Self::Ended { .. } => self,
        }
    }

    /// Whether it has, or may have, processes; or holds what others wait to be let go.
    pub fn is_alive(self) -> bool {
        match self {
            Self::Starting { .. } | Self::Up { .. } | Self::Stopping { .. } => true,
            Self::Down | Self::Waiting | Self::BackingOff { .. } | Self::Ended { .. } => false,
        }
    }

    /// Whether what requires it may run: it is up, or was skipped for good reason.
    pub fn satisfies(self) -> bool {
        matches!(self, Self::Up { .. } | Self::Ended { cause: Cause::Skipped })
    }
}
