//! Signals as something to read, and the numbers of this system.

use std::io;
use std::mem::zeroed;
use std::os::fd::{AsFd, BorrowedFd};

use super::queue::{Queue, event};
pub use crate::incoming::{Incoming, hold_back, name, number};
use nix::sys::signal::{SigSet, Signal as Number, raise};

/// Signals that are held back from this thread and read from a descriptor instead.
#[derive(Debug)]
pub struct Signals {
    queue: Queue,
    held: SigSet,
}

impl Signals {
    /// Holds these signals back from now on. A process with several threads must do this before it makes them.
    /// [`crate::spawn`] undoes it in children. Those that this system does not have never come.
    ///
    /// # Errors
    ///
    /// The kernel's own: no descriptors left.
    ///
    /// Source: kqueue(2), `EVFILT_SIGNAL`; sigprocmask(2).
    pub fn hold(wanted: &[Incoming]) -> io::Result<Self> {
        let mut held = SigSet::empty();
        wanted.iter().filter_map(|signal| number_of(*signal)).for_each(|number| held.add(number));
        held.thread_block()?;
        let signals = Self { queue: Queue::new()?, held };
        let waiting = pending()?;
        for number in signals.held.iter() {
            let ident = usize::try_from(number as i32).expect("a signal's number is positive");
            signals.queue.change(event(ident, libc::EVFILT_SIGNAL, libc::EV_ADD, 0, 0, 0))?;
            // The kernel counts from here on, and news of children it does not even keep: what came before is sent
            // once more.
            if number == Number::SIGCHLD || waiting.contains(number) {
                raise(number)?;
            }
        }
        Ok(signals)
    }

    /// The next signal that came; `None`: nothing more for now. Several of one kind may have become one.
    ///
    /// # Errors
    ///
    /// The kernel's own; none is expected.
    ///
    /// Source: kqueue(2), `EVFILT_SIGNAL`.
    pub fn next(&self) -> io::Result<Option<Incoming>> {
        let Some(news) = self.queue.next()? else { return Ok(None) };
        self.forget_pending();
        let is_it = |incoming: &Incoming| number_of(*incoming).is_some_and(|number| number as usize == news.ident);
        Ok(Incoming::ALL.into_iter().find(is_it))
    }

    /// Takes held signals away of which the queue has told, so that they do not come again in a program that is
    /// executed in our place.
    fn forget_pending(&self) {
        let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        let set = std::ptr::from_ref(self.held.as_ref());
        // SAFETY: the set and the time live through the call; no information is asked for.
        while unsafe { libc::sigtimedwait(set, std::ptr::null_mut(), &raw const now) } > 0 {}
    }
}

/// Signals that wait to be let through.
fn pending() -> io::Result<SigSet> {
    // SAFETY: a set of zeros is an empty one.
    let mut set: libc::sigset_t = unsafe { zeroed() };
    // SAFETY: the set is ours and lives through the call, which writes it.
    crate::sys::check(unsafe { libc::sigpending(&raw mut set) })?;
    // SAFETY: the kernel has written a valid set.
    Ok(unsafe { SigSet::from_sigset_t_unchecked(set) })
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

/// Its number; `None`: this system has no such signal.
fn number_of(incoming: Incoming) -> Option<Number> {
    match incoming {
        Incoming::Child => Some(Number::SIGCHLD),
        Incoming::Hup => Some(Number::SIGHUP),
        Incoming::Int => Some(Number::SIGINT),
        Incoming::Term => Some(Number::SIGTERM),
        Incoming::Quit => Some(Number::SIGQUIT),
        Incoming::Usr1 => Some(Number::SIGUSR1),
        Incoming::Usr2 => Some(Number::SIGUSR2),
        Incoming::Power => None,
        Incoming::Winch => Some(Number::SIGWINCH),
        Incoming::Stop => Some(Number::SIGTSTP),
        Incoming::Alarm => Some(Number::SIGALRM),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_signal_is_read_and_does_not_end_us() {
        let signals = Signals::hold(&[Incoming::Usr1, Incoming::Winch]).unwrap();
        assert_eq!(signals.next().unwrap(), None);
        raise(Number::SIGUSR1).unwrap();
        assert_eq!(signals.next().unwrap(), Some(Incoming::Usr1));
        assert_eq!(signals.next().unwrap(), None);
        assert!(!pending().unwrap().contains(Number::SIGUSR1), "nothing is left for who comes after us");
    }
}
