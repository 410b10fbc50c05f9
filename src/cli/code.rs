//! Exit codes, as init scripts have them (LSB); the table is in svc(8).

use svc_core::{Answer, Exit};

use super::client::AskError;
use crate::wire::{Refusal, Reply, StateName, Status};

/// All went as asked; for `status`: running.
pub(crate) const GOOD: u8 = 0;
/// It went wrong; for `status`: dead, and its pid file is still there.
pub(crate) const FAILED: u8 = 1;
/// The command line makes no sense.
pub(crate) const USAGE: u8 = 2;
/// The service has no such verb; for `status`: not running.
pub(crate) const UNSUPPORTED: u8 = 3;
/// The caller may not do this; for `status`: unknown.
pub(crate) const DENIED: u8 = 4;
/// There is no such service.
pub(crate) const NOT_INSTALLED: u8 = 5;

const STATUS_STALE: u8 = 1;
const STATUS_NOT_RUNNING: u8 = 3;
const STATUS_UNKNOWN: u8 = 4;

/// Which of the two tables is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    /// Of every verb but status.
    Action,
    /// Of status.
    Status,
}

impl Table {
    /// The code of an answer: the highest of its parts.
    pub(crate) fn reply(self, reply: &Reply) -> u8 {
        match reply {
            Reply::Status(all) if self == Self::Status => all.iter().map(status).max().unwrap_or(GOOD),
            Reply::Check(all) if all.iter().any(|one| !one.ok) => FAILED,
            Reply::Load(report) if !report.faults.is_empty() => FAILED,
            Reply::Outcomes(all) => all.iter().map(|one| answer(&one.answer)).max().unwrap_or(GOOD),
            Reply::Refused(refusal) => self.refusal(refusal),
            Reply::Hello(_)
            | Reply::List(_)
            | Reply::Status(_)
            | Reply::Usage(_)
            | Reply::Check(_)
            | Reply::Load(_)
            | Reply::Log(_)
            | Reply::Values(_)
            | Reply::Snapshot(_)
            | Reply::ShuttingDown
            | Reply::Renewing => GOOD,
        }
    }

    pub(crate) fn refusal(self, refusal: &Refusal) -> u8 {
        match (self, refusal) {
            (_, Refusal::BadRequest { .. }) => USAGE,
            (Self::Status, _) => STATUS_UNKNOWN,
            (Self::Action, Refusal::Unknown { .. }) => NOT_INSTALLED,
            (Self::Action, Refusal::Denied { .. }) => DENIED,
            (Self::Action, Refusal::Failed { .. }) => FAILED,
        }
    }

    /// The code when there is no answer.
    pub(crate) fn unanswered(self, error: &AskError) -> u8 {
        match (self, error) {
            (Self::Status, _) => STATUS_UNKNOWN,
            (Self::Action, AskError::Denied { .. }) => DENIED,
            (Self::Action, _) => FAILED,
        }
    }
}

pub(crate) fn answer(answer: &Answer) -> u8 {
    match answer {
        Answer::Done { .. } => GOOD,
        Answer::Failed(_) | Answer::Superseded(_) | Answer::Exited(Exit::Unknown) => FAILED,
        Answer::Exited(Exit::Code(code)) => u8::try_from(*code).unwrap_or(FAILED),
        Answer::Exited(Exit::Signal(number)) => u8::try_from(128 + number).unwrap_or(FAILED),
        Answer::Unsupported(_) => UNSUPPORTED,
    }
}

fn status(status: &Status) -> u8 {
    match status.summary.state {
        StateName::Up => GOOD,
        _ if status.stale_pid_file => STATUS_STALE,
        StateName::Down
        | StateName::Waiting
        | StateName::Starting
        | StateName::Stopping
        | StateName::BackingOff
        | StateName::Failed
        | StateName::Skipped
        | StateName::Faulty => STATUS_NOT_RUNNING,
    }
}
