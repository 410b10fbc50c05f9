//! The face on FreeBSD: kqueue, reapers, sysctl.

mod birth;
mod child;
mod failure;
mod foreground;
mod given;
mod handle;
mod line;
mod queue;
mod reaper;
mod rules;
mod sysctl;

pub mod clock;
pub(crate) mod credentials;
pub mod delegate;
pub mod devices;
pub(crate) mod framing;
pub mod host;
pub mod jail;
pub(crate) mod lend;
pub(crate) mod limits;
pub mod logins;
pub mod memory;
pub mod peer;
pub mod pipe;
pub mod poll;
pub mod process;
pub mod reap;
pub(crate) mod sandbox;
pub(crate) mod schedule;
pub mod signals;
pub mod spawn;
pub mod tree;
pub mod watch;
