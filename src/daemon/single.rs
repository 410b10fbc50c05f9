//! Single-user mode: a shell on the console and nothing else, with process 1 waiting for its end.

use std::ffi::CString;
use std::fs;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::time::Duration;

use svc_compat::ttys;
use svc_core::Exit;
use svc_platform::poll::{Interest, Poller};
use svc_platform::signals::{Incoming, Signals};
use svc_platform::spawn::Spawner;
use svc_platform::{clock, host, reap, replace, roles};

use super::{Role, say};

const SHELL: &str = "/bin/sh";
const LOGIN: &str = "/usr/bin/login";
const PATH: &str = "PATH=/sbin:/bin:/usr/sbin:/usr/bin";

/// So long one shell after another may be tried that ends at once.
const AGAIN: Duration = Duration::from_secs(1);

/// The exit code that says that there was no shell.
pub(crate) const NO_SHELL: i32 = 85;

/// What follows single-user mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The machine boots once more.
    Boot,
    /// The machine ends.
    End(host::End),
}

/// What is to be done about the end of the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Boot,
    /// Another shell.
    Again,
    /// Whoever killed it is about to end the machine.
    Wait,
}

/// As process 1: runs the shell, and reaps, until it has ended or somebody ends the machine.
///
/// # Errors
///
/// What is needed before the wait can begin.
pub(crate) fn stay() -> io::Result<Next> {
    let signals = Signals::hold(&Incoming::ALL)?;
    let mut poller = Poller::new()?;
    poller.add(&signals, 0, Interest::READ)?;
    let mut spawner = Spawner::new()?;
    let role = roles::Role::new("svcd", &["--role", Role::Single.name()])?;
    let (mut shell, mut stopped, mut ready) = (None, false, Vec::new());
    let mut due = clock::now();
    loop {
        if shell.is_none() && !stopped && due <= clock::now() {
            due = clock::now() + AGAIN;
            match role.launch(&mut spawner, &[]) {
                Ok(handle) => shell = Some(handle.pid()),
                Err(error) => say(format!("single-user mode: {error}")),
            }
        }
        let pause = (shell.is_none() && !stopped).then(|| due.since(clock::now()));
        poller.wait(pause, &mut ready)?;
        while let Ok(Some(signal)) = signals.next() {
            match signal {
                Incoming::Stop => stopped = true,
                other => {
                    if let Some(end) = meaning(other) {
                        return Ok(Next::End(end));
                    }
                }
            }
        }
        while let Ok(Some(ended)) = reap::reap() {
            if shell == Some(ended.pid) {
                shell = None;
                match after(ended.exit, stopped) {
                    Ended::Boot => return Ok(Next::Boot),
                    Ended::Again => {}
                    Ended::Wait => stopped = true,
                }
            }
        }
    }
}

/// Which end of the machine a signal to process 1 asks for.
///
/// Source: init(8) of FreeBSD.
pub(crate) fn meaning(signal: Incoming) -> Option<host::End> {
    match signal {
        Incoming::Int => Some(host::End::Reboot),
        Incoming::Winch => Some(host::End::Cycle),
        Incoming::Usr1 => Some(host::End::Halt),
        Incoming::Usr2 | Incoming::Power => Some(host::End::Poweroff),
        Incoming::Child | Incoming::Hup | Incoming::Term | Incoming::Quit | Incoming::Stop | Incoming::Alarm => None,
    }
}

/// A shell that is left goes on; one that was killed, or could not begin, comes again, unless it was for an end.
fn after(exit: Exit, stopped: bool) -> Ended {
    match exit {
        Exit::Code(NO_SHELL) if !stopped => Ended::Again,
        Exit::Code(_) | Exit::Unknown if !stopped => Ended::Boot,
        Exit::Code(_) | Exit::Unknown => Ended::Wait,
        Exit::Signal(_) if stopped => Ended::Wait,
        Exit::Signal(_) => Ended::Again,
    }
}

/// As the child: becomes the shell that is asked for.
///
/// # Errors
///
/// Where there is no console, or nothing to run on it.
pub(crate) fn run() -> io::Result<()> {
    host::lead_console()?;
    let text = fs::read("/etc/ttys").unwrap_or_default();
    let environment = [word(PATH)?, word("TERM=dumb")?, word("HOME=/root")?];
    if !ttys::has_safe_console(&text) {
        let words = [word("login")?, word("-p")?, word("root")?];
        return Err(replace::execute(Path::new(LOGIN), &words, &environment));
    }
    loop {
        let mut output = io::stdout().lock();
        write!(output, "Enter full pathname of shell or RETURN for {SHELL}: ")?;
        output.flush()?;
        let mut line = String::new();
        // A terminal that was hung up with the session before gives nothing once.
        if io::stdin().lock().read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let shell = chosen(&line);
        // A dash before its name makes it a login shell.
        let name = format!("-{}", shell.rsplit('/').next().unwrap_or(shell));
        let error = replace::execute(Path::new(shell), &[word(&name)?], &environment);
        writeln!(output, "{shell}: {error}")?;
        if shell == SHELL {
            return Err(error);
        }
    }
}

fn word(text: &str) -> io::Result<CString> {
    svc_platform::launch::c_string(text)
}

fn chosen(line: &str) -> &str {
    match line.trim() {
        "" => SHELL,
        shell => shell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_that_is_left_boots_and_one_that_is_killed_comes_again() {
        assert_eq!(after(Exit::Code(1), false), Ended::Boot);
        assert_eq!(after(Exit::Signal(9), false), Ended::Again);
        assert_eq!(after(Exit::Code(NO_SHELL), false), Ended::Again);
        assert_eq!((after(Exit::Signal(9), true), after(Exit::Code(0), true)), (Ended::Wait, Ended::Wait));
        assert_eq!((chosen("\n"), chosen("/rescue/sh\n")), (SHELL, "/rescue/sh"));
    }

    #[test]
    fn process_1_ends_the_machine_by_the_signals_of_init_8() {
        let ends: Vec<_> = Incoming::ALL.into_iter().filter_map(|signal| Some((signal, meaning(signal)?))).collect();
        let expected = [
            (Incoming::Int, host::End::Reboot),
            (Incoming::Usr1, host::End::Halt),
            (Incoming::Usr2, host::End::Poweroff),
            (Incoming::Power, host::End::Poweroff),
            (Incoming::Winch, host::End::Cycle),
        ];
        assert_eq!(ends, expected);
    }
}
