//! A copy of svcd's decisions, and the services that names mean in it.

use svc_core::definition::near;
use svc_core::{ServiceId, Supervisor};

use super::client::AskError;
use super::code::{self, Table};
use super::out::{fail, say, say_raw_error};
use super::session::{Session, unexpected};
use super::{json, show};
use crate::daemon::glob;
use crate::wire::{Refusal, Reply, Request, Snapshot};

/// Why there is no answer.
pub(super) enum Stop {
    Refused(Refusal),
    Unanswered(AskError),
}

impl Session {
    /// Fetches a copy and gives it to whoever makes an answer of it; an error becomes text and its code.
    pub(super) fn with_copy(&self, make: impl Fn(&Self, &Snapshot) -> Result<u8, Refusal>) -> u8 {
        let made = |session: &Self| {
            let snapshot = session.copy()?;
            make(session, &snapshot).map_err(Stop::Refused)
        };
        let result = made(self).or_else(|stop| match stop {
            // A copy has no faults of files, and no instance that nobody asked for before.
            Stop::Refused(Refusal::Unknown { name, .. }) => {
                match self.ask(&Request::List { names: vec![name] }).map_err(Stop::Unanswered)? {
                    Reply::Refused(refusal) => Err(Stop::Refused(refusal)),
                    _ => made(self),
                }
            }
            stop => Err(stop),
        });
        result.unwrap_or_else(|stop| self.stopped(&stop))
    }

    /// Tells why there is no answer.
    pub(super) fn stopped(&self, stop: &Stop) -> u8 {
        match stop {
            Stop::Refused(refusal) => self.refused(refusal),
            Stop::Unanswered(error) => self.unanswered(error, Table::Action),
        }
    }

    fn copy(&self) -> Result<Box<Snapshot>, Stop> {
        match self.ask(&Request::Snapshot) {
            Ok(Reply::Snapshot(snapshot)) => Ok(snapshot),
            Ok(Reply::Refused(refusal)) => Err(Stop::Refused(refusal)),
            Ok(other) => Err(Stop::Unanswered(unexpected(&other))),
            Err(AskError::Garbage(_)) => {
                let text = "this svcd is of another version than this svc; renew it: svc renew";
                Err(Stop::Unanswered(AskError::Garbage(text.into())))
            }
            Err(error) => Err(Stop::Unanswered(error)),
        }
    }

    /// The words make no sense.
    pub(super) fn misunderstood(&self, text: &str) -> u8 {
        fail(self.json(), text, code::USAGE)
    }

    fn refused(&self, refusal: &Refusal) -> u8 {
        if self.json() {
            say(&json::reply(&Reply::Refused(refusal.clone())));
        } else {
            say_raw_error(&show::refusal(refusal));
        }
        Table::Action.refusal(refusal)
    }
}

/// The services meant by names and patterns, each once; without a name all.
pub(super) fn resolve(core: &Supervisor, names: &[String]) -> Result<Vec<ServiceId>, Refusal> {
    if names.is_empty() {
        return Ok(core.ids().collect());
    }
    let mut found: Vec<ServiceId> = Vec::new();
    for name in names {
        let meant: Vec<ServiceId> = if glob::is_glob(name) {
            core.ids().filter(|id| glob::matches(name, core.service(*id).name.as_str())).collect()
        } else {
            core.id(name).into_iter().collect()
        };
        if meant.is_empty() {
            let near = near(name, core.ids().map(|id| core.service(id).name.as_str())).map(str::to_owned);
            return Err(Refusal::Unknown { name: name.clone(), near, fault: None });
        }
        for id in meant {
            if !found.contains(&id) {
                found.push(id);
            }
        }
    }
    Ok(found)
}
