//! Waiting for many descriptors at once.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

pub use crate::readiness::{Interest, Readiness};

/// How many descriptors one [`Poller::wait`] reports at most; the rest come with the next.
const EVENTS_MAX: usize = 256;

/// A set of watched descriptors, each with a number of the caller's choice. Level-triggered: what is not dealt with is
/// reported again.
#[derive(Debug)]
pub struct Poller {
    epoll: Epoll,
    events: Vec<EpollEvent>,
}

impl Poller {
    /// An empty set.
    ///
    /// # Errors
    ///
    /// The kernel's own: no descriptors left.
    ///
    /// Source: epoll_create1(2).
    pub fn new() -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        Ok(Self { epoll, events: vec![EpollEvent::empty(); EVENTS_MAX] })
    }

    /// Watches `fd`; its news will carry `token`. It must be removed before it is closed if copies of it exist.
    ///
    /// # Errors
    ///
    /// The kernel's own: it is watched already, or is a plain file.
    ///
    /// Source: epoll_ctl(2).
    pub fn add(&self, fd: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        Ok(self.epoll.add(fd, EpollEvent::new(flags(interest), token))?)
    }

    /// Watches a descriptor that is in the set for something else from now on.
    ///
    /// # Errors
    ///
    /// The kernel's own: it is not in the set.
    ///
    /// Source: epoll_ctl(2).
    pub fn modify(&self, fd: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        Ok(self.epoll.modify(fd, &mut EpollEvent::new(flags(interest), token))?)
    }

    /// Forgets a descriptor.
    ///
    /// # Errors
    ///
    /// The kernel's own: it is not in the set.
    ///
    /// Source: epoll_ctl(2).
    pub fn remove(&self, fd: impl AsFd) -> io::Result<()> {
        Ok(self.epoll.delete(fd)?)
    }

    /// Waits until something is ready or `timeout` is over (`None`: however long it takes), and puts what is ready into
    /// `ready`, which is emptied first. A signal handler that ran meanwhile ends the wait with nothing ready.
    ///
    /// # Errors
    ///
    /// The kernel's own; none is expected.
    ///
    /// Source: epoll_wait(2).
    pub fn wait(&mut self, timeout: Option<Duration>, ready: &mut Vec<(u64, Readiness)>) -> io::Result<()> {
        ready.clear();
        let count = match self.epoll.wait(&mut self.events, patience(timeout)) {
            Ok(count) => count,
            Err(nix::errno::Errno::EINTR) => 0,
            Err(error) => return Err(error.into()),
        };
        ready.extend(self.events.iter().take(count).map(|event| (event.data(), readiness(event.events()))));
        Ok(())
    }
}

impl AsFd for Poller {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.0.as_fd()
    }
}

fn flags(interest: Interest) -> EpollFlags {
    let mut flags = EpollFlags::empty();
    flags.set(EpollFlags::EPOLLIN, interest.read);
    flags.set(EpollFlags::EPOLLOUT, interest.write);
    flags.set(EpollFlags::EPOLLPRI, interest.priority);
    flags
}

/// Milliseconds, rounded up: a wait that ends early would find its deadline not yet come, and turn in a circle.
fn patience(timeout: Option<Duration>) -> EpollTimeout {
    let Some(timeout) = timeout else { return EpollTimeout::NONE };
    let millis = timeout.as_nanos().div_ceil(1_000_000);
    EpollTimeout::try_from(i32::try_from(millis).unwrap_or(i32::MAX)).unwrap_or(EpollTimeout::MAX)
}

fn readiness(flags: EpollFlags) -> Readiness {
    Readiness {
        readable: flags.intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLPRI),
        writable: flags.contains(EpollFlags::EPOLLOUT),
        hangup: flags.intersects(EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_never_shorter_than_asked() {
        assert_eq!(patience(Some(Duration::from_nanos(1))), EpollTimeout::try_from(1).unwrap());
        assert_eq!(patience(Some(Duration::ZERO)), EpollTimeout::ZERO);
        assert_eq!(patience(Some(Duration::MAX)), EpollTimeout::try_from(i32::MAX).unwrap());
    }
}
