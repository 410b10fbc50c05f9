//! The terminal as a whole screen that a program draws, and given back as it was whatever happens to the program.

use std::io::{self, IsTerminal, Write};
use std::panic;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
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
