//! How messages keep their bounds on a packet socket: here by themselves.

use std::io;
use std::os::fd::BorrowedFd;

/// What sendmsg(2) must be told so that a message stays one.
pub(crate) const WHOLE: i32 = 0;

/// Whether there is room for a whole message; sendmsg(2) itself takes all or nothing here.
pub(crate) fn has_room(_socket: BorrowedFd<'_>, _bytes: usize) -> io::Result<bool> {
    Ok(true)
}

/// Whether a receive with these flags has left a part of its message behind: never here.
pub(crate) fn is_torn(_flags: i32) -> bool {
    false
}
