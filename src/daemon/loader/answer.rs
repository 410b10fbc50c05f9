//! What a shell answers that reads an administrator's files, within a limit of time: they may wait, or have no end.

use std::fmt;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use svc_platform::group;

/// So long a shell may take. The loader as a whole has more.
const TIME_MAX: Duration = Duration::from_secs(4);
/// How often is looked whether a shell that has closed its output has ended.
const STEP: Duration = Duration::from_millis(5);

/// An answer, whole or not.
#[derive(Debug)]
pub(super) struct Answer {
    /// What it printed.
    pub(super) text: Vec<u8>,
    /// How it ended.
    pub(super) end: End,
}

/// How a shell ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By itself.
    Itself(ExitStatus),
    /// It was killed, with all that it started.
    Overdue,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Itself(status) => status.fmt(f),
            Self::Overdue => write!(f, "it was not done after {TIME_MAX:?} and was stopped"),
        }
    }
}

/// Runs a shell and takes what it prints.
pub(super) fn of(command: &mut Command) -> io::Result<Answer> {
    let begun = Instant::now();
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).process_group(0).spawn()?;
    let mut output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let (sender, receiver) = channel();
    // Whoever has left the group may hold the pipe for ever; then this is left behind with it.
    thread::spawn(move || {
        let mut bytes = [0; 16 * 1024];
        while let Ok(length @ 1..) = output.read(&mut bytes) {
            if sender.send(bytes[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    let mut text = Vec::new();
    loop {
        match receiver.recv_timeout(TIME_MAX.saturating_sub(begun.elapsed())) {
            Ok(more) => text.extend(more),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => return stop(&mut child).map(|()| Answer { text, end: End::Overdue }),
        }
    }
    while begun.elapsed() < TIME_MAX {
        if let Some(status) = child.try_wait()? {
            return Ok(Answer { text, end: End::Itself(status) });
        }
        thread::sleep(STEP);
    }
    stop(&mut child).map(|()| Answer { text, end: End::Overdue })
}

fn stop(child: &mut Child) -> io::Result<()> {
    group::kill(child)?;
    child.wait().map(drop)
}
