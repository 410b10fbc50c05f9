//! The terminal as a whole screen that a program draws, and given back as it was whatever happens to the program; and
//! in the mode in which people expect it who come to it first.

use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::panic;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{
    InputFlags, LocalFlags, OutputFlags, SetArg, SpecialCharacterIndices as Key, Termios, cfmakeraw, tcgetattr,
    tcsetattr,
};
use nix::unistd::Pid;

/// As it was before; `None`: nobody draws.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);
/// A panic gives the terminal back before its message is printed, which would be lost with the screen.
static HOOK: Once = Once::new();

/// Another screen without a cursor, and back.
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l";
const LEAVE: &str = "\u{1b}[?25h\u{1b}[?1049l";

/// A screen of our own, until it is dropped. Keys come to standard input one by one, Ctrl-C among them.
#[derive(Debug)]
pub struct Screen(());

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    ///
    /// `NotFound` if standard input or output is no terminal; the kernel's own.
    ///
    /// Source: termios(3).
    pub fn enter() -> io::Result<Self> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "standard input or output is no terminal"));
        }
        HOOK.call_once(|| {
            let usual = panic::take_hook();
            panic::set_hook(Box::new(move |panic| {
                leave();
                usual(panic);
            }));
        });
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        cfmakeraw(&mut raw);
        *saved() = Some(before);
        let screen = Self(());
        tcsetattr(io::stdin(), SetArg::TCSANOW, &raw)?;
        put(ENTER)?;
        Ok(screen)
    }

    /// Gives the terminal back, stops this process as Ctrl-Z does elsewhere, and takes the terminal again when it is
    /// continued.
    ///
    /// # Errors
    ///
    /// As of [`Screen::enter`].
    ///
    /// Source: kill(2), `SIGTSTP` to the own process group.
    pub fn suspend(self) -> io::Result<Self> {
        drop(self);
        kill(Pid::from_raw(0), Signal::SIGTSTP)?;
        Self::enter()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

/// Gives the terminal back, once.
fn leave() {
    if let Some(before) = saved().take() {
        // A terminal that is gone needs nothing back.
        let _ = put(LEAVE);
        let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &before);
    }
}

fn saved() -> MutexGuard<'static, Option<Termios>> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn put(text: &str) -> io::Result<()> {
    io::stdout().write_all(text.as_bytes())?;
    io::stdout().flush()
}

/// The keys that mean something to a terminal in its usual mode, and the numbers of the mode that has none.
const KEYS: [(Key, u8); 10] = [
    (Key::VINTR, 0x03),
    (Key::VQUIT, 0x1c),
    (Key::VERASE, 0x7f),
    (Key::VKILL, 0x15),
    (Key::VEOF, 0x04),
    (Key::VSTART, 0x11),
    (Key::VSTOP, 0x13),
    (Key::VSUSP, 0x1a),
    (Key::VMIN, 1),
    (Key::VTIME, 0),
];

/// Has a terminal read whole lines, show what is typed and know the usual keys, at the speed that it has.
///
/// # Errors
///
/// The kernel's own: it is no terminal.
///
/// Source: termios(4), termios(3).
pub fn make_usual(terminal: impl AsFd) -> io::Result<()> {
    let mut mode = tcgetattr(&terminal)?;
    mode.input_flags.remove(InputFlags::INLCR | InputFlags::IGNCR | InputFlags::ISTRIP);
    mode.input_flags.insert(InputFlags::ICRNL | InputFlags::IXON | InputFlags::BRKINT);
    mode.output_flags.insert(OutputFlags::OPOST | OutputFlags::ONLCR);
    mode.local_flags.remove(LocalFlags::ECHONL | LocalFlags::NOFLSH | LocalFlags::TOSTOP);
    let usual = LocalFlags::ICANON | LocalFlags::ISIG | LocalFlags::IEXTEN;
    mode.local_flags.insert(usual | LocalFlags::ECHO | LocalFlags::ECHOE | LocalFlags::ECHOKE | LocalFlags::ECHOCTL);
    for (key, value) in KEYS {
        mode.control_chars[key as usize] = value;
    }
    Ok(tcsetattr(&terminal, SetArg::TCSANOW, &mode)?)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use nix::pty::openpty;

    use super::*;

    /// What comes next, within half a minute.
    fn next(terminal: &mut File) -> Vec<u8> {
        let mut watched = [PollFd::new(terminal.as_fd(), PollFlags::POLLIN)];
        assert_eq!(poll(&mut watched, PollTimeout::from(30_000_u16)), Ok(1), "nothing can be read");
        let mut bytes = [0; 64];
        let count = terminal.read(&mut bytes).unwrap();
        bytes[..count].to_vec()
    }

    #[test]
    fn a_terminal_that_an_editor_of_lines_has_left_reads_lines_again() {
        let pair = openpty(None, None).unwrap();
        let (mut person, mut shell) = (File::from(pair.master), File::from(pair.slave));
        let mut left = tcgetattr(&shell).unwrap();
        cfmakeraw(&mut left);
        left.input_flags.insert(InputFlags::INLCR);
        left.control_chars[Key::VEOF as usize] = 0xff;
        tcsetattr(&shell, SetArg::TCSANOW, &left).unwrap();

        make_usual(&shell).unwrap();
        person.write_all(b"wrong\x15/bin/si\x7fh\r").unwrap();
        assert_eq!(next(&mut shell), b"/bin/sh\n");
        assert!(next(&mut person).starts_with(b"wrong"), "what is typed is shown");
        person.write_all(b"\x04").unwrap();
        assert_eq!(next(&mut shell), b"", "the end of what is typed");
    }

    #[test]
    fn a_file_is_no_terminal() {
        assert!(make_usual(tempfile::tempfile().unwrap()).is_err());
    }
}
