//! The turn from C's way of reporting errors to Rust's, the same for every system call here.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// Turns the `-1` of a system call into its error.
pub(crate) fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Takes charge of a descriptor that a system call has just made for us.
pub(crate) fn own(fd: RawFd) -> OwnedFd {
    debug_assert!(fd >= 0, "a descriptor fresh from the kernel");
    // SAFETY: callers hand over the result of a successful call that made this descriptor; nobody else has it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Puts words before an error, keeping its kind.
pub(crate) fn because(error: &io::Error, what: impl std::fmt::Display) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

/// Says on the terminal, past the test harness, that something was not tested.
#[cfg(test)]
pub(crate) fn skipped(what: std::fmt::Arguments<'_>) {
    use std::io::Write;
    let mut terminal = io::stderr();
    writeln!(terminal, "\nskipped: {what}").expect("standard error is open");
}
