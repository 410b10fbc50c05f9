//! Waiting for many descriptors at once.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout};

use super::queue::{Queue, event};
use crate::freebsd_pure::events::{self, Change};
pub use crate::readiness::{Interest, Readiness};

/// How many events one [`Poller::wait`] takes at most; the rest come with the next.
const EVENTS_MAX: usize = 256;

/// A set of watched descriptors, each with a number of the caller's choice. Level-triggered: what is not dealt with is
/// reported again.
#[derive(Debug)]
pub struct Poller {
    queue: Queue,
    events: Vec<libc::kevent>,
}

// SAFETY: the addresses in its events are numbers of the caller's choice, which nobody follows.
unsafe impl Send for Poller {}

impl Poller {
    /// An empty set.
    ///
    /// # Errors
    ///
    /// The kernel's own: no descriptors left.
    ///
    /// Source: kqueue(2).
    pub fn new() -> io::Result<Self> {
        Ok(Self { queue: Queue::new()?, events: vec![event(0, 0, 0, 0, 0, 0); EVENTS_MAX] })
    }

    /// Watches `fd`; its news will carry `token`. It must be removed before it is closed if copies of it exist.
    ///
    /// # Errors
    ///
    /// The kernel's own.
    ///
    /// Source: kqueue(2), `EV_ADD`.
    pub fn add(&self, fd: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        self.modify(fd, token, interest)
    }

    /// Watches a descriptor that is in the set for something else from now on.
    ///
    /// # Errors
    ///
    /// The kernel's own.
    ///
    /// Source: kqueue(2), `EV_ADD`, `EV_DELETE`.
    pub fn modify(&self, fd: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        let fd = fd.as_fd();
        events::changes(interest).into_iter().try_for_each(|change| match self.change(fd, token, change) {
            // It was not watched for that before.
            Err(error) if change.flags == events::DELETE && error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
            other => other,
        })
    }

    fn change(&self, fd: BorrowedFd<'_>, token: u64, change: Change) -> io::Result<()> {
        let ident = usize::try_from(fd.as_raw_fd()).expect("an open descriptor is not negative");
        let Change { filter, flags, fflags, data } = change;
        self.queue.change(event(ident, filter, flags, fflags, data, token))
    }

    /// Forgets a descriptor.
    ///
    /// # Errors
    ///
    /// The kernel's own: it is not in the set.
    ///
    /// Source: kqueue(2), `EV_DELETE`.
    pub fn remove(&self, fd: impl AsFd) -> io::Result<()> {
        let remove = |filter| self.change(fd.as_fd(), 0, Change { filter, flags: events::DELETE, fflags: 0, data: 0 });
        match (remove(events::READ), remove(events::WRITE)) {
            (Err(error), Err(_)) => Err(error),
            (Ok(()), _) | (_, Ok(())) => Ok(()),
        }
    }

    /// Waits until something is ready or `timeout` is over (`None`: however long it takes), and puts what is ready into
    /// `ready`, which is emptied first. A signal handler that ran meanwhile ends the wait with nothing ready.
    ///
    /// # Errors
    ///
    /// The kernel's own; none is expected.
    ///
    /// Source: kqueue(2).
    pub fn wait(&mut self, timeout: Option<Duration>, ready: &mut Vec<(u64, Readiness)>) -> io::Result<()> {
        ready.clear();
        let count = self.queue.take(&mut self.events, timeout)?;
        for event in self.events.iter().take(count) {
            let token = event.udata.addr() as u64;
            let place = ready.iter().position(|(known, _)| *known == token).unwrap_or_else(|| {
                ready.push((token, Readiness::default()));
                ready.len() - 1
            });
            let fd = RawFd::try_from(event.ident).unwrap_or(-1);
            events::note(&mut ready[place].1, event.filter, event.flags, || is_gone(fd));
        }
        Ok(())
    }
}

/// Whether nobody is at the other end any more, in either direction.
fn is_gone(fd: RawFd) -> bool {
    if fd < 0 {
        return false;
    }
    // SAFETY: the kernel has just named it as one that is watched, so it was open; for one that was closed meanwhile
    // poll(2) says so and touches nothing.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) };
    let mut fds = [PollFd::new(fd, PollFlags::empty())];
    let found = nix::poll::poll(&mut fds, PollTimeout::ZERO);
    let flags = fds[0].revents().unwrap_or(PollFlags::empty());
    found.is_ok_and(|count| count > 0) && flags.intersects(PollFlags::POLLHUP | PollFlags::POLLERR)
}

impl AsFd for Poller {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}
