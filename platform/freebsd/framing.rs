//! How messages keep their bounds on a packet socket: here it is a stream with marks, since FreeBSD 15.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::queue::{Queue, event};

/// What sendmsg(2) must be told so that a message stays one.
pub(crate) const WHOLE: i32 = libc::MSG_EOR;

/// One for all channels: to ask must not take a descriptor when there is none left.
static ASKED: Mutex<Option<Queue>> = Mutex::new(None);

/// Whether there is room for a whole message. Without asking, the kernel would take a part of one; and as nobody else
/// writes to our end, room that is there stays.
pub(crate) fn has_room(socket: BorrowedFd<'_>, bytes: usize) -> io::Result<bool> {
    let ident = usize::try_from(socket.as_raw_fd()).expect("an open descriptor is not negative");
    let wanted = i64::try_from(bytes).unwrap_or(i64::MAX);
    let mut asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
    let queue = match &*asked {
        Some(queue) => queue,
        None => asked.insert(Queue::new()?),
    };
    let room = |flags| event(ident, libc::EVFILT_WRITE, flags, libc::NOTE_LOWAT, wanted, 0);
    queue.change(room(libc::EV_ADD))?;
    // An end that is gone is ready, too: sending tells the rest.
    let found = queue.take(&mut [room(0)], Some(Duration::ZERO));
    queue.change(room(libc::EV_DELETE))?;
    Ok(found? > 0)
}

/// Whether a receive with these flags has left a part of its message behind.
pub(crate) fn is_torn(flags: i32) -> bool {
    flags & libc::MSG_EOR == 0
}
