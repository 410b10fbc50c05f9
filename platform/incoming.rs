//! The signals that mean something to a daemon, and the numbers of those that it sends.

use std::io;

use nix::sys::signal::{SigSet, Signal as Number};
use svc_core::Signal;

/// A signal that came to this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A child ended; reap until nothing is left.
    Child,
    /// Read the configuration again.
    Hup,
    /// Ctrl-C, or for process 1 ctrl-alt-del.
    Int,
    /// End.
    Term,
    /// Ctrl-\.
    Quit,
    /// To process 1 of some inits: halt.
    Usr1,
    /// To process 1 of some inits: power off.
    Usr2,
    /// The power is about to fail (Linux only).
    Power,
    /// The terminal has another size; to process 1: a key was pressed that asks for attention.
    Winch,
    /// To process 1 of some inits: start nothing more.
    Stop,
    /// To process 1 while it boots: the configuration has changed.
    Alarm,
}

impl Incoming {
    /// All of them, for process 1 and those below it.
    pub const ALL: [Self; 11] = [
        Self::Child,
        Self::Hup,
        Self::Int,
        Self::Term,
        Self::Quit,
        Self::Usr1,
        Self::Usr2,
        Self::Power,
        Self::Winch,
        Self::Stop,
        Self::Alarm,
    ];

    /// Whether it may ask for the end of the daemon or of the machine, and is never taken back.
    pub fn may_end(self) -> bool {
        match self {
            Self::Int | Self::Term | Self::Quit | Self::Usr1 | Self::Usr2 | Self::Power | Self::Winch => true,
            Self::Child | Self::Hup | Self::Stop | Self::Alarm => false,
        }
    }

    /// Those that a daemon takes that was started by a person, from whose terminal it may be stopped.
    pub const USUAL: [Self; 9] =
        [Self::Child, Self::Hup, Self::Int, Self::Term, Self::Quit, Self::Usr1, Self::Usr2, Self::Power, Self::Winch];
}

/// Lets no other signal end this process but those that a fault of its own raises: for process 1, which some systems
/// end like any other, and themselves with it. [`crate::spawn`] undoes it in children.
///
/// # Errors
///
/// None is expected.
///
/// Source: sigprocmask(2).
pub fn hold_back() -> io::Result<()> {
    let mut held = SigSet::all();
    let faults = [
        Number::SIGSEGV,
        Number::SIGBUS,
        Number::SIGFPE,
        Number::SIGILL,
        Number::SIGTRAP,
        Number::SIGABRT,
        Number::SIGSYS,
    ];
    faults.into_iter().for_each(|fault| held.remove(fault));
    Ok(held.thread_block()?)
}

/// The number of a signal on this system.
///
/// Source: signal(7), signal(3).
pub fn number(signal: Signal) -> i32 {
    match signal {
        Signal::Abrt => libc::SIGABRT,
        Signal::Alrm => libc::SIGALRM,
        Signal::Cont => libc::SIGCONT,
        Signal::Hup => libc::SIGHUP,
        Signal::Int => libc::SIGINT,
        Signal::Kill => libc::SIGKILL,
        Signal::Quit => libc::SIGQUIT,
        Signal::Term => libc::SIGTERM,
        Signal::Usr1 => libc::SIGUSR1,
        Signal::Usr2 => libc::SIGUSR2,
        Signal::Winch => libc::SIGWINCH,
    }
}

/// The name of a signal's number on this system, without `SIG`: also of those the core has no word for.
///
/// Source: signal(7), signal(3).
pub fn name(number: i32) -> Option<&'static str> {
    Number::try_from(number).ok().map(|signal| signal.as_str().trim_start_matches("SIG"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_agree_with_each_other_and_with_core() {
        for text in Signal::names() {
            let signal = Signal::parse(text).unwrap();
            assert_eq!(name(number(signal)), Some(text));
            if let Some(named) = Signal::named(number(signal)) {
                assert_eq!(named, signal);
            }
        }
        assert_eq!(name(0), None);
    }
}
