//! Children: whose they are, and how they ended.

use std::io;

use crate::sys::check;
pub(crate) use crate::wait::exit_of;
pub use crate::wait::{Ended, end_everyone, look, parent, reap, reap_one};

/// What waitpid(2) must be told to see children of every kind.
pub(crate) const WAIT: i32 = libc::__WALL;

/// Whether trees grow from children of process 1 as from those of any other process.
pub const FIRST_GROWS_TREES: bool = true;

/// Makes this process the parent of every orphan below it, so that a daemon cannot leave its service by forking twice.
///
/// # Errors
///
/// The kernel's own; `EINVAL` before Linux 3.4.
///
/// Source: prctl(2), `PR_SET_CHILD_SUBREAPER`.
pub fn adopt_orphans() -> io::Result<()> {
    // SAFETY: this option takes an integer and touches no memory of ours.
    check(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) })?;
    Ok(())
}

/// Names this process for `ps` and `/proc/PID/comm`; cut after 15 bytes.
///
/// # Errors
///
/// The kernel's own; none is expected.
///
/// Source: prctl(2), `PR_SET_NAME`.
pub fn set_name(name: &str, _role: &str) -> io::Result<()> {
    let mut bytes = [0u8; 16];
    for (place, byte) in bytes.iter_mut().zip(name.bytes().take(15)) {
        *place = byte;
    }
    // SAFETY: the option reads up to 16 bytes from the address; `bytes` has that many and ends with a zero.
    check(unsafe { libc::prctl(libc::PR_SET_NAME, bytes.as_ptr(), 0, 0, 0) })?;
    Ok(())
}

/// Ends this process when its parent ends. It is not passed on to children. The parent may have gone before the call:
/// compare [`parent`] afterwards with what it was.
///
/// # Errors
///
/// The kernel's own; none is expected.
///
/// Source: prctl(2), `PR_SET_PDEATHSIG`.
pub fn die_with_parent() -> io::Result<()> {
    // SAFETY: this option takes an integer and touches no memory of ours.
    check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0) })?;
    Ok(())
}
