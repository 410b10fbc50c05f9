//! Verbs as a definition has them: own ones, and its word on the common ones.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::Service;

/// The verbs that every service has.
pub const COMMON: [&str; 8] = ["check", "status", "load", "configure", "start", "stop", "reload", "restart"];

/// What a definition says of one verb.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verb {
    /// What is run in its place; empty: what would be without this. Key: `command`.
    pub command: Vec<String>,
    /// What is run first; if it fails, the verb is not carried out. Key: `before`.
    pub before: Vec<String>,
    /// What is run once all went well. Key: `after`.
    pub after: Vec<String>,
}

impl Verb {
    /// Nothing but a command.
    pub fn is_plain(&self) -> bool {
        self.before.is_empty() && self.after.is_empty()
    }
}

impl Service {
    /// The command in place of a verb.
    pub fn instead(&self, verb: &str) -> Option<&[String]> {
        self.said(verb, |verb| &verb.command)
    }

    /// The command before a verb.
    pub fn before(&self, verb: &str) -> Option<&[String]> {
        self.said(verb, |verb| &verb.before)
    }

    /// The command after a verb.
    pub fn after(&self, verb: &str) -> Option<&[String]> {
        self.said(verb, |verb| &verb.after)
    }

    /// The verbs that this service has and others have not.
    pub fn own_verbs(&self) -> impl Iterator<Item = &str> {
        self.verbs.keys().map(String::as_str).filter(|verb| !COMMON.contains(verb))
    }

    fn said(&self, verb: &str, part: fn(&Verb) -> &Vec<String>) -> Option<&[String]> {
        self.verbs.get(verb).map(|verb| part(verb).as_slice()).filter(|words| !words.is_empty())
    }
}
