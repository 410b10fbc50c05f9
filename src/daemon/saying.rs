//! What svcd says to its operator, on standard error. Nobody is waited for who does not read it.

use std::fmt::Display;
use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use svc_platform::{host, saying};

/// How long there may be no room for a message: a serial line is slow, and a pipe has a reader who may be busy. Who has
/// not listened once is not waited for again until there is room.
const PATIENCE: Duration = Duration::from_millis(500);

/// Whether this process is one of those with which process 1 does its work: what they say goes to the console.
static OF_FIRST: AtomicBool = AtomicBool::new(false);

/// So many messages found no room.
static LOST: AtomicU32 = AtomicU32::new(0);

/// The last one did so in its middle.
static TORN: AtomicBool = AtomicBool::new(false);

/// From now on, whether what is said goes to the console of process 1.
pub(super) fn has_console(has_it: bool) {
    OF_FIRST.store(has_it, Ordering::Relaxed);
}

/// Says something to the operator: on standard error, which is the console of process 1. That is taken away from
/// everyone when a session ends that had it; that nobody listens is no reason to end, nor to wait. What finds no room
/// is counted, and the count is said as soon as there is some.
pub(super) fn say(text: impl Display) {
    let line = format!("svcd: {text}\n");
    if write(&line).is_err() && OF_FIRST.load(Ordering::Relaxed) && host::take_console().is_ok() {
        // Nobody else can be told.
        write(&line).ok();
    }
}

fn write(line: &str) -> io::Result<()> {
    let lost = LOST.load(Ordering::Relaxed);
    let before = match lost {
        0 => String::new(),
        _ => format!("svcd: {lost} messages were lost here, for nobody read them\n"),
    };
    let torn = if TORN.load(Ordering::Relaxed) { "\n" } else { "" };
    let text = format!("{torn}{before}{line}");
    let patience = if lost == 0 { PATIENCE } else { Duration::ZERO };
    let said = saying::say(io::stderr().as_fd(), text.as_bytes(), patience)?;
    let is_said = said == text.len();
    LOST.store(if is_said { 0 } else { lost.saturating_add(1) }, Ordering::Relaxed);
    TORN.store(!is_said && (said > 0 || !torn.is_empty()), Ordering::Relaxed);
    Ok(())
}
