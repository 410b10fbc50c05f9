//! What svc asks of an operating system, behind one face.
//!
//! Whole files per system stand behind these modules; this is the only place that asks which system it is.

#[cfg_attr(target_os = "linux", path = "linux/mod.rs")]
#[cfg_attr(target_os = "freebsd", path = "freebsd/mod.rs")]
mod os;

mod device;
mod facts;
// Numbers and bytes of the other system are tested here, too.
#[cfg(any(target_os = "freebsd", test))]
#[path = "freebsd/pure/mod.rs"]
mod freebsd_pure;
mod incoming;
mod login;
mod prepared;
mod readiness;
mod stack;
mod start;
mod sys;
mod usage;
mod wait;
mod walk;
mod wall;

#[cfg(not(any(target_os = "linux", target_os = "freebsd")))]
compile_error!("svc runs on Linux and on FreeBSD");

pub mod below;
pub mod channel;
pub mod files;
pub mod group;
pub mod launch;
pub mod lend;
pub mod machine;
pub mod notify;
pub mod place;
pub mod replace;
pub mod roles;
pub mod root;
pub mod sandbox;
pub mod saying;
pub mod socket;
pub mod terminal;
pub mod users;

pub use launch::{Identity, Launch, Passed, SpawnError, Stage, Terminal};
pub use os::{
    clock, delegate, devices, host, jail, logins, memory, peer, pipe, poll, process, reap, signals, spawn, tree, watch,
};

use std::fmt;

/// Something this system cannot do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// What it is, as a sentence would name it.
    pub what: &'static str,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not to be had on this system", self.what)
    }
}

impl std::error::Error for Unsupported {}

impl From<Unsupported> for std::io::Error {
    fn from(unsupported: Unsupported) -> Self {
        Self::new(std::io::ErrorKind::Unsupported, unsupported)
    }
}
