//! Hold of a process that is not mistaken for another, though its pid may come to belong to one.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::OnceLock;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use svc_core::{Exit, Time};

use super::queue::{Queue, event};
use crate::sys::check;

/// Hold of one process. Readable when it has ended. Its pid may by then belong to another; a signal through this does
/// not reach that one.
#[derive(Debug)]
pub struct Handle {
    pid: i32,
    started: Time,
    /// Waits for the end of the process, and holds it for ever once it has come.
    queue: Queue,
    ended: OnceLock<Exit>,
}

/// The one event of our own, by which a queue stays readable after the kernel's was taken.
const STAYS: usize = 1;

impl Handle {
    /// Takes hold of the process that has this pid now. To be sure that it is the one meant, compare
    /// [`super::process::start_time`] afterwards.
    ///
    /// # Errors
    ///
    /// `ESRCH` where there is none; the kernel's own.
    ///
    /// Source: kqueue(2), `EVFILT_PROC`.
    pub fn open(pid: i32) -> io::Result<Self> {
        let queue = Queue::new()?;
        let ident = usize::try_from(pid).map_err(|_| io::Error::from_raw_os_error(libc::ESRCH))?;
        queue.change(event(ident, libc::EVFILT_PROC, libc::EV_ADD, libc::NOTE_EXIT, 0, 0))?;
        // If it ended since, and its pid is another's already, that one has not been signalled yet and never will be:
        // the end was noted above.
        let started = super::process::start_time(pid).unwrap_or_default();
        Ok(Self { pid, started, queue, ended: OnceLock::new() })
    }

    /// Takes hold of a process only if it is the one that started at `started`.
    ///
    /// # Errors
    ///
    /// `ESRCH` where it has ended, even if another has its pid now.
    ///
    /// Source: kqueue(2), sysctl(3), `KERN_PROC_PID`.
    pub fn open_exactly(pid: i32, started: Time) -> io::Result<Self> {
        let handle = Self::open(pid)?;
        if handle.started == started { Ok(handle) } else { Err(io::Error::from_raw_os_error(libc::ESRCH)) }
    }

    /// Hold of a process that ended before hold of it could be taken. How, only its parent knows.
    pub(super) fn of_the_dead(pid: i32) -> io::Result<Self> {
        let handle = Self { pid, started: Time::default(), queue: Queue::new()?, ended: OnceLock::new() };
        handle.stay_readable()?;
        let _first = handle.ended.set(Exit::Unknown);
        Ok(handle)
    }

    fn stay_readable(&self) -> io::Result<()> {
        self.queue.change(event(STAYS, libc::EVFILT_USER, libc::EV_ADD, 0, 0, 0))?;
        self.queue.change(event(STAYS, libc::EVFILT_USER, 0, libc::NOTE_TRIGGER, 0, 0))
    }

    /// Its pid, or what that was.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Sends it a signal by number; 0 only asks whether it could be sent.
    ///
    /// # Errors
    ///
    /// `ESRCH` where it has ended and was collected; `EPERM`.
    ///
    /// Source: kill(2), sysctl(3), `KERN_PROC_PID`.
    pub fn signal(&self, number: i32) -> io::Result<()> {
        // There is no way to signal by anything but the pid. Pids are given out in turn, so between these two calls
        // nobody gets this one again.
        if super::process::start_time(self.pid).is_ok_and(|found| found == self.started) {
            // SAFETY: takes two integers and touches no memory.
            check(unsafe { libc::kill(self.pid, number) })?;
            return Ok(());
        }
        Err(io::Error::from_raw_os_error(libc::ESRCH))
    }

    /// Whether it has ended, collected or not.
    ///
    /// # Errors
    ///
    /// The kernel's own; none is expected.
    ///
    /// Source: kqueue(2), poll(2).
    pub fn has_ended(&self) -> io::Result<bool> {
        let mut fds = [PollFd::new(self.queue.as_fd(), PollFlags::POLLIN)];
        Ok(poll(&mut fds, PollTimeout::ZERO)? > 0)
    }

    /// How it ended, whoever collected it; `None` while it lives, or where it ended before hold of it was taken and
    /// only its parent can know.
    ///
    /// # Errors
    ///
    /// The kernel's own; none is expected.
    ///
    /// Source: kqueue(2), `NOTE_EXIT`.
    pub fn exit(&self) -> io::Result<Option<Exit>> {
        if self.ended.get().is_none()
            && let Some(news) = self.queue.next()?
        {
            self.stay_readable()?;
            let _first = self.ended.set(super::reap::exit_of(i32::try_from(news.data).unwrap_or(-1)));
        }
        Ok(self.ended.get().copied().filter(|exit| *exit != Exit::Unknown))
    }
}

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}
