//! What a shell answers that reads an administrator's files, within a limit of time: they may wait, or have no end.

use std::fmt;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use svc_platform::group;

use crate::daemon::say;

/// So long the shells for one question may take together; the loader as a whole has more. It is for files that wait or
/// have no end: a machine that is slow, and at its boot busy, besides, must not lose what its administrator wrote.
pub(super) const TIME_MAX: Duration = Duration::from_secs(60);
/// After this somebody who waits for the answer is told for what.
const SILENCE_MAX: Duration = Duration::from_secs(10);
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
    /// It was killed, with all that it started, when it had taken so long.
    Overdue(Duration),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Itself(status) => status.fmt(f),
            Self::Overdue(limit) => write!(f, "it was not done after {limit:?} and was stopped"),
        }
    }
}

/// A wait for the shells that answer one question.
#[derive(Debug)]
pub(super) struct Wait {
    /// What they read.
    what: &'static str,
    begun: Instant,
    limit: Duration,
    is_told: bool,
}

impl Wait {
    /// It begins now.
    pub(super) fn new(what: &'static str, limit: Duration) -> Self {
        Self { what, begun: Instant::now(), limit, is_told: false }
    }

    /// What is left of it, or of the time before it is spoken of.
    fn next(&mut self) -> Duration {
        let passed = self.begun.elapsed();
        if passed >= SILENCE_MAX && !self.is_told {
            self.is_told = true;
            say(format!(
                "{}: a shell has been reading it for {} s, and has {:?}",
                self.what,
                passed.as_secs(),
                self.limit
            ));
        }
        let end = if self.is_told { self.limit } else { self.limit.min(SILENCE_MAX) };
        end.saturating_sub(passed)
    }

    fn is_over(&self) -> bool {
        self.begun.elapsed() >= self.limit
    }
}

/// Runs a shell and takes what it prints.
pub(super) fn of(command: &mut Command, wait: &mut Wait) -> io::Result<Answer> {
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
        match receiver.recv_timeout(wait.next()) {
            Ok(more) => text.extend(more),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) if !wait.is_over() => {}
            Err(RecvTimeoutError::Timeout) => {
                return stop(&mut child).map(|()| Answer { text, end: End::Overdue(wait.limit) });
            }
        }
    }
    while !wait.is_over() {
        if let Some(status) = child.try_wait()? {
            return Ok(Answer { text, end: End::Itself(status) });
        }
        thread::sleep(STEP);
    }
    stop(&mut child).map(|()| Answer { text, end: End::Overdue(wait.limit) })
}

fn stop(child: &mut Child) -> io::Result<()> {
    group::kill(child)?;
    child.wait().map(drop)
}
