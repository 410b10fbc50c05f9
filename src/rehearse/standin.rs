//! The process that stands where a daemon would: it holds the pid, notes each signal, and ends when it is told to.

use std::io::{self, Write};
use std::path::Path;
use std::{env, fs};

use svc_platform::poll::{Interest, Poller};
use svc_platform::process;
use svc_platform::sandbox::{self, OURS};
use svc_platform::signals::{Incoming, Signals};

use super::recorder::{self, Line};
use super::report::Stop;

/// Said of a pid file that the daemon writes, not its launcher.
pub(super) const ITS_OWN: &str = "its own";

/// The program's file, by which it is known.
pub(super) fn program() -> String {
    format!("{OURS}/stand-in")
}

/// Whether a daemon ends at this signal.
pub(super) fn ends(signal: &str) -> bool {
    matches!(signal, "TERM" | "KILL" | "INT" | "QUIT" | "ABRT")
}

/// Waits for signals, for ever or until one that ends a daemon.
pub(super) fn play() -> u8 {
    let words: Vec<String> = env::args().collect();
    let called = words.first().cloned().unwrap_or_default();
    let pid_file = words.get(1).filter(|path| !path.is_empty() && words.get(2).is_some_and(|whose| whose == ITS_OWN));
    let wanted =
        [Incoming::Hup, Incoming::Int, Incoming::Term, Incoming::Quit, Incoming::Usr1, Incoming::Usr2, Incoming::Winch];
    let Ok(signals) = Signals::hold(&wanted) else { return 1 };
    let Ok(mut poller) = Poller::new() else { return 1 };
    if poller.add(&signals, 0, Interest::READ).is_err() {
        return 1;
    }
    // Opened now: whoever looks whether we are calm takes an open file's wait for calm.
    let Ok(mut lines) = recorder::open() else { return 1 };
    // Who waits for this may go on: from now on no signal is missed.
    let _ = io::stdout().write_all(b"\n").and_then(|()| io::stdout().flush());
    let mut ready = Vec::new();
    while poller.wait(None, &mut ready).is_ok() {
        while let Ok(Some(came)) = signals.next() {
            let signal = format!("{came:?}").to_ascii_uppercase();
            // A launcher's own call was noted already, and is told apart by having no words here.
            let stop = Stop { by: "kill".into(), signal, program: Some(called.clone()), met: true, ..Stop::default() };
            let ends = ends(&stop.signal);
            // Where it cannot be written, nobody reads it either.
            let _ = recorder::write_to(&mut lines, &Line::Stop(stop));
            if ends {
                if let Some(path) = pid_file {
                    // Daemons take their own file away.
                    let _ = fs::remove_file(path);
                }
                return 0;
            }
        }
    }
    1
}

/// Whether none of them has yet to note a signal.
pub(super) fn are_calm() -> bool {
    // One that has ended meanwhile is asked about again.
    all().into_iter().all(|pid| sandbox::is_calm(pid).unwrap_or(false))
}

/// Every stand-in there is.
pub(super) fn all() -> Vec<i32> {
    let own = program();
    let is_one = |pid: &i32| process::program(*pid).is_ok_and(|path| path == Path::new(&own));
    process::list().unwrap_or_default().into_iter().filter(is_one).collect()
}

/// Ends one without a note: who asked has written it.
pub(super) fn end(pid: i32) {
    let own = program();
    let Ok(facts) = process::facts(pid) else { return };
    let Ok(handle) = process::Handle::open(pid) else { return };
    // Still the one it was, now that it can be nobody else.
    if process::program(pid).is_ok_and(|path| path == Path::new(&own)) {
        let killed = handle.signal(svc_platform::signals::number(svc_core::Signal::Kill));
        if let (Ok(()), [_, path, whose]) = (killed, facts.arguments.as_slice())
            && whose == ITS_OWN
            && !path.is_empty()
        {
            // Daemons take their own file away.
            let _ = fs::remove_file(path);
        }
    }
}
