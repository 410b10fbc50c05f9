//! kqueue(2), as far as it is used here.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use crate::freebsd_pure::events;
use crate::sys::{check, own};

const _: () = assert!(events::READ == libc::EVFILT_READ && events::WRITE == libc::EVFILT_WRITE);
const _: () = assert!(events::ADD == libc::EV_ADD && events::DELETE == libc::EV_DELETE && events::EOF == libc::EV_EOF);
const _: () = assert!(events::LOWAT == libc::NOTE_LOWAT);
const _: () = assert!(size_of::<libc::kevent>() == 64 && align_of::<libc::kevent>() == 8);

/// A queue of kernel events. It is itself readable while one waits.
#[derive(Debug)]
pub(super) struct Queue {
    fd: OwnedFd,
}

/// One event, or one thing to be watched.
pub(super) fn event(ident: usize, filter: i16, flags: u16, fflags: u32, data: i64, token: u64) -> libc::kevent {
    let udata = std::ptr::without_provenance_mut(token as usize);
    libc::kevent { ident, filter, flags, fflags, data, udata, ext: [0; 4] }
}

impl Queue {
    /// A new one, not inherited.
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: takes nothing and touches no memory.
        let fd = own(check(unsafe { libc::kqueue() })?);
        fcntl(&fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        Ok(Self { fd })
    }

    /// Tells it one thing to watch, or not to watch any more.
    pub(super) fn change(&self, change: libc::kevent) -> io::Result<()> {
        let (none, no_wait) = (std::ptr::null_mut(), std::ptr::null());
        // SAFETY: one change is read from `change`; no event is asked for.
        check(unsafe { libc::kevent(self.fd.as_raw_fd(), &raw const change, 1, none, 0, no_wait) })?;
        Ok(())
    }

    /// Takes events that wait, or that come within `timeout` (`None`: however long it takes); gives their number.
    pub(super) fn take(&self, events: &mut [libc::kevent], timeout: Option<Duration>) -> io::Result<usize> {
        let limit = timeout.map(|timeout| libc::timespec {
            tv_sec: libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        });
        let limit = limit.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        let (count, fd) = (i32::try_from(events.len()).unwrap_or(i32::MAX), self.fd.as_raw_fd());
        // SAFETY: no change is given; `events` has room for `count` events, and `limit` outlives the call.
        let result = check(unsafe { libc::kevent(fd, std::ptr::null(), 0, events.as_mut_ptr(), count, limit) });
        match result {
            Ok(count) => Ok(usize::try_from(count).unwrap_or(0)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// The next event that waits.
    pub(super) fn next(&self) -> io::Result<Option<libc::kevent>> {
        let mut events = [event(0, 0, 0, 0, 0, 0)];
        let count = self.take(&mut events, Some(Duration::ZERO))?;
        Ok(events.into_iter().take(count).next())
    }
}

impl AsFd for Queue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
