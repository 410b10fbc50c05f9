//! Children: whose they are, and how they ended.

use std::ffi::CString;
use std::io;

use super::reaper;
use crate::sys::check;
pub(crate) use crate::wait::exit_of;
pub use crate::wait::{Ended, end_everyone, look, parent, reap, reap_one};

/// What waitpid(2) must be told to see children of every kind.
pub(crate) const WAIT: i32 = 0;

/// Whether trees grow from children of process 1 as from those of any other process. Here fork(2) begins no subtree
/// for them, so that nothing tells what belongs to whom.
pub const FIRST_GROWS_TREES: bool = false;

/// Makes this process the parent of every orphan below it, so that a daemon cannot leave its service by forking twice.
///
/// # Errors
///
/// The kernel's own; none is expected.
///
/// Source: procctl(2), `PROC_REAP_ACQUIRE`.
pub fn adopt_orphans() -> io::Result<()> {
    match reaper::acquire() {
        // It is one already: process 1, and a keeper that was executed again in place.
        Err(error) if error.raw_os_error() == Some(libc::EBUSY) => Ok(()),
        other => other,
    }
}

/// Names this process for `ps`, with the part it plays: on this system the name takes the place of its arguments.
///
/// # Errors
///
/// Where one of them holds a zero byte.
///
/// Source: setproctitle(3).
pub fn set_name(name: &str, role: &str) -> io::Result<()> {
    let name = CString::new(format!("{name}: {role}"))?;
    // SAFETY: the format takes one string, which ends with a zero and lives through the call.
    unsafe { libc::setproctitle(c"-%s".as_ptr(), name.as_ptr()) };
    Ok(())
}

/// Ends this process when its parent ends. It is not passed on to children. The parent may have gone before the call:
/// compare [`parent`] afterwards with what it was.
///
/// # Errors
///
/// The kernel's own; none is expected.
///
/// Source: procctl(2), `PROC_PDEATHSIG_CTL`.
pub fn die_with_parent() -> io::Result<()> {
    let mut signal = libc::SIGKILL;
    // SAFETY: the command reads one integer from the address.
    check(unsafe { libc::procctl(libc::P_PID, 0, libc::PROC_PDEATHSIG_CTL, (&raw mut signal).cast()) })?;
    Ok(())
}
