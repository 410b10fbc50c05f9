//! Namespaces, an overlay over everything, and a filter of system calls.

mod asked;
mod confine;
mod copies;
mod filter;
mod look;
mod root;
mod sockets;

use nix::sched::{CloneFlags, unshare};

use crate::sandbox::{Failure, Side};
use crate::sys::check;

pub use confine::{Listener, confine};
pub use look::{is_calm, look, reach};
pub use root::{bind, furnish};
pub use sockets::listening;

/// Begins a place of its own: mounts, processes, network, names. To be called by a program with one thread only.
///
/// # Errors
///
/// `EPERM` without the privilege; otherwise the kernel's own.
///
/// Source: unshare(2), namespaces(7), fork(2).
pub fn divide() -> Result<Side, Failure> {
    let all = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWCGROUP;
    unshare(all).map_err(|errno| Failure::at("making namespaces", errno))?;
    // SAFETY: there is one thread only, so the child may do everything that we may.
    match check(unsafe { libc::fork() }).map_err(|error| Failure::at("making a process", error))? {
        0 => {
            super::reap::die_with_parent().map_err(|error| Failure::at("tying us to our parent", error))?;
            Ok(Side::Inside)
        }
        pid => Ok(Side::Outside(pid)),
    }
}
