//! One question to the machine's svcd, for commands of other systems.

use std::io::{self, Write};

use svc_core::Answer;

use super::super::client::{AskError, Client};
use super::super::common::{Common, socket};
use crate::wire::{Outcome, Refusal, Reply, Request, Status, Summary, Target};

/// The way to the svcd that the environment means.
pub(super) struct Asker {
    client: Client,
}

/// Why a service could not be asked about.
pub(super) enum Trouble {
    /// There is none of this name.
    Unknown(String),
    /// No answer, or a refusal; the sentence.
    Other(String),
}

impl Asker {
    pub(super) fn new() -> Self {
        Self { client: Client { socket: socket(&Common::default()), timeout: None } }
    }

    pub(super) fn ask(&self, request: &Request) -> Result<Reply, Trouble> {
        match self.client.ask(request, &mut |_| {}) {
            Ok(Reply::Refused(Refusal::Unknown { name, .. })) => Err(Trouble::Unknown(name)),
            Ok(Reply::Refused(Refusal::BadRequest { text } | Refusal::Denied { text } | Refusal::Failed { text })) => {
                Err(Trouble::Other(text))
            }
            Ok(reply) => Ok(reply),
            Err(error) => Err(Trouble::Other(error.to_string())),
        }
    }

    /// Whether there is anybody to ask.
    pub(super) fn is_there(&self) -> Result<(), AskError> {
        self.client.ask(&Request::Hello, &mut |_| {}).map(drop)
    }

    /// Everything about these, one or several by a pattern.
    pub(super) fn status(&self, name: &str, lines: u32) -> Result<Vec<Status>, Trouble> {
        match self.ask(&Request::Status { names: vec![name.to_owned()], lines })? {
            Reply::Status(all) => Ok(all),
            _ => Err(unexpected()),
        }
    }

    pub(super) fn list(&self, names: Vec<String>) -> Result<Vec<Summary>, Trouble> {
        match self.ask(&Request::List { names })? {
            Reply::List(rows) => Ok(rows),
            _ => Err(unexpected()),
        }
    }

    /// A verb for one service or a pattern; what became of it.
    pub(super) fn act(&self, request: &Request) -> Result<Vec<Outcome>, Trouble> {
        match self.ask(request)? {
            Reply::Outcomes(all) => Ok(all),
            _ => Err(unexpected()),
        }
    }
}

fn unexpected() -> Trouble {
    Trouble::Other("svcd answered another question".to_owned())
}

pub(super) fn target(name: &str) -> Target {
    Target { names: vec![name.to_owned()], ..Target::default() }
}

/// Whether all went as asked; else the first reason why not.
pub(super) fn went_well(outcomes: &[Outcome]) -> Result<(), String> {
    let reason = |outcome: &Outcome| match &outcome.answer {
        Answer::Done { .. } => None,
        Answer::Exited(exit) if exit.is_success() => None,
        Answer::Exited(exit) => Some(format!("its program {exit}")),
        Answer::Failed(text) | Answer::Unsupported(text) => Some(text.clone()),
        Answer::Superseded(who) => Some(format!("{} asked for something else meanwhile", who.0)),
    };
    outcomes.iter().find_map(reason).map_or(Ok(()), Err)
}

pub(super) fn say(text: &str) {
    // A reader who went away is no error of ours.
    let _ = io::stdout().write_all(text.as_bytes());
    let _ = io::stdout().flush();
}
