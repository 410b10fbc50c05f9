//! Listens to who sits at the console while the machine boots: keys that are signals go to the scripts of a boot, as
//! they do where init(8) runs them all in one session on the console.

use std::io::{self, Write};

use svc_core::{Exit, Signal};
use svc_platform::poll::{Interest, Poller};
use svc_platform::signals::{self, Incoming, Signals};

const SIGNALS: u64 = 0;
const MANAGER: u64 = 1;

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// The script that is waited for should end (Ctrl-C).
    Interrupt,
    /// The boot should end, in single-user mode (Ctrl-\).
    Quit,
}

impl Word {
    const ALL: [(Self, Incoming, Signal, &'static str); 2] = [
        (Self::Interrupt, Incoming::Int, Signal::Int, "interrupt"),
        (Self::Quit, Incoming::Quit, Signal::Quit, "quit"),
    ];

    /// The word on this line.
    pub(crate) fn read(line: &[u8]) -> Option<Self> {
        Self::ALL.iter().find(|row| row.3.as_bytes() == line).map(|row| row.0)
    }

    /// What a process that ended so was told, as everybody is at a terminal.
    pub(crate) fn of_exit(exit: Exit) -> Option<Self> {
        Self::ALL.iter().find(|row| exit == Exit::Signal(signals::number(row.2))).map(|row| row.0)
    }

    fn of(signal: Incoming) -> Option<&'static str> {
        Self::ALL.iter().find(|row| row.1 == signal).map(|row| row.3)
    }
}

/// Tells the manager on standard output, until that is gone. The terminal's keys reach it where it is.
///
/// # Errors
///
/// The kernel's own; none is expected.
pub(crate) fn run() -> io::Result<()> {
    // Nothing stops it: whoever boots the machine has no shell to let it go on.
    let signals = Signals::hold(&[Incoming::Int, Incoming::Quit, Incoming::Stop])?;
    let mut poller = Poller::new()?;
    let mut manager = io::stdout();
    poller.add(&signals, SIGNALS, Interest::READ)?;
    poller.add(&manager, MANAGER, Interest::READ)?;
    let mut ready = Vec::new();
    loop {
        poller.wait(None, &mut ready)?;
        while let Ok(Some(signal)) = signals.next() {
            if let Some(word) = Word::of(signal) {
                writeln!(manager, "{word}")?;
                manager.flush()?;
            }
        }
        // Nothing comes from there but that nobody listens.
        if ready.iter().any(|(token, _)| *token == MANAGER) {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_read_and_nothing_else() {
        for (word, signal, ..) in Word::ALL {
            assert_eq!(Word::of(signal).map(|text| Word::read(text.as_bytes())), Some(Some(word)));
        }
        assert_eq!((Word::read(b""), Word::of(Incoming::Term)), (None, None));
        assert_eq!(Word::of_exit(Exit::Signal(2)), Some(Word::Interrupt));
        assert_eq!((Word::of_exit(Exit::Signal(3)), Word::of_exit(Exit::Code(3))), (Some(Word::Quit), None));
    }
}
