//! Signals as something to read, and the numbers of this system.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

pub use crate::incoming::{Incoming, hold_back, name, number};
use nix::sys::signal::{SigSet, Signal as Number};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// Signals that are held back from this thread and read from a descriptor instead.
#[derive(Debug)]
pub struct Signals {
    fd: SignalFd,
}

impl Signals {
    /// Holds these signals back from now on. A process with several threads must do this before it makes them.
    /// [`crate::spawn`] undoes it in children.
    ///
    /// # Errors
    ///
    /// The kernel's own: no descriptors left.
    ///
    /// Source: signalfd(2), sigprocmask(2).
    pub fn hold(wanted: &[Incoming]) -> io::Result<Self> {
        let mut set = SigSet::empty();
        for signal in wanted {
            set.add(number_of(*signal));
        }
        set.thread_block()?;
        Ok(Self { fd: SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)? })
    }

    /// The next signal that came; `None`: nothing more for now. Several of one kind may have become one.
    ///
    /// # Errors
    ///
    /// The kernel's own; none is expected.
    ///
    /// Source: signalfd(2).
    pub fn next(&self) -> io::Result<Option<Incoming>> {
        while let Some(info) = self.fd.read_signal()? {
            let found = Incoming::ALL.into_iter().find(|incoming| number_of(*incoming) as u32 == info.ssi_signo);
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Its number.
fn number_of(incoming: Incoming) -> Number {
    match incoming {
        Incoming::Child => Number::SIGCHLD,
        Incoming::Hup => Number::SIGHUP,
        Incoming::Int => Number::SIGINT,
        Incoming::Term => Number::SIGTERM,
        Incoming::Quit => Number::SIGQUIT,
        Incoming::Usr1 => Number::SIGUSR1,
        Incoming::Usr2 => Number::SIGUSR2,
        Incoming::Power => Number::SIGPWR,
        Incoming::Winch => Number::SIGWINCH,
        Incoming::Stop => Number::SIGTSTP,
        Incoming::Alarm => Number::SIGALRM,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_signal_is_read_and_does_not_end_us() {
        let signals = Signals::hold(&[Incoming::Usr1, Incoming::Winch]).unwrap();
        assert_eq!(signals.next().unwrap(), None);
        nix::sys::signal::raise(Number::SIGUSR1).unwrap();
        assert_eq!(signals.next().unwrap(), Some(Incoming::Usr1));
        assert_eq!(signals.next().unwrap(), None);
    }
}
