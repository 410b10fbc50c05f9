//! Listens to who sits at the console while the machine boots: keys that are signals go to the scripts of a boot, as
//! they do where init(8) runs them all in one session on the console.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use svc_platform::poll::{Interest, Poller};
use svc_platform::signals::{Incoming, Signals};
use svc_platform::{clock, host};

use super::loader::console;

/// So long a terminal may be another's.
const TAKEN_MAX: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

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
    const ALL: [(Self, Incoming, &'static str); 2] =
        [(Self::Interrupt, Incoming::Int, "interrupt"), (Self::Quit, Incoming::Quit, "quit")];

    /// The word on this line.
    pub(crate) fn read(line: &[u8]) -> Option<Self> {
        Self::ALL.iter().find(|(_, _, text)| text.as_bytes() == line).map(|row| row.0)
    }

    fn of(signal: Incoming) -> Option<&'static str> {
        Self::ALL.iter().find(|(_, known, _)| *known == signal).map(|row| row.2)
    }
}

/// Tells the manager on standard output, until that is gone. With a name the terminal is that.
///
/// # Errors
///
/// Where there is no console, or somebody works on it.
pub(crate) fn run(names: &[String]) -> io::Result<()> {
    let terminal = match names {
        [name, ..] => PathBuf::from(name),
        [] => Path::new("/dev").join(console().split(',').next().unwrap_or_default()),
    };
    // Nothing stops it: whoever boots the machine has no shell to let it go on.
    let signals = Signals::hold(&[Incoming::Int, Incoming::Quit, Incoming::Stop])?;
    let mut poller = Poller::new()?;
    lead(&terminal, &mut poller)?;
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

/// Makes the terminal ours. The attendant of a manager that was killed may still have it: it lets go as soon as it sees
/// that nobody listens.
fn lead(terminal: &Path, pause: &mut Poller) -> io::Result<()> {
    let end = clock::now() + TAKEN_MAX;
    loop {
        let led = host::lead_terminal(terminal);
        let is_taken =
            |error: &io::Error| matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ResourceBusy);
        if clock::now() >= end || !led.as_ref().is_err_and(is_taken) {
            return led;
        }
        pause.wait(Some(LOOK_AGAIN), &mut Vec::new())?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_read_and_nothing_else() {
        for (word, signal, _) in Word::ALL {
            assert_eq!(Word::of(signal).map(|text| Word::read(text.as_bytes())), Some(Some(word)));
        }
        assert_eq!((Word::read(b""), Word::of(Incoming::Term)), (None, None));
    }
}
