//! One request to svcd and its answer, with a limit on every wait.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use super::human;
use crate::wire::{Line, REPLY_BYTES_MAX, Reply, Request};

/// How long a socket that nobody listens at may stay so: the manager is being replaced.
const REPLACING_MAX: Duration = Duration::from_secs(1);
const REPLACING_STEP: Duration = Duration::from_millis(50);

/// The way to svcd.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// Its socket.
    pub(crate) socket: PathBuf,
    /// How long to wait for the final answer.
    pub(crate) timeout: Option<Duration>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum AskError {
    /// There is no socket, or nobody listens.
    NoDaemon { socket: PathBuf, source: io::Error },
    /// The socket is not for this user.
    Denied { socket: PathBuf },
    /// It took too long; the request goes on.
    TimedOut(Duration),
    /// svcd closed the connection without a final answer.
    Lost,
    /// What came is no message of ours.
    Garbage(String),
    /// The connection failed.
    Io { doing: &'static str, source: io::Error },
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDaemon { socket, source } => {
                let socket = socket.display();
                match source.kind() {
                    io::ErrorKind::NotFound => write!(f, "svcd is not running (no socket at {socket})")?,
                    io::ErrorKind::ConnectionRefused => {
                        write!(f, "svcd is not running (nobody listens at {socket})")?;
                    }
                    _ => write!(f, "svcd cannot be reached at {socket}: {source}")?,
                }
                write!(f, "; start it: svcd &")
            }
            Self::Denied { socket } => {
                write!(f, "{}: this user may not speak to svcd; ask as root", socket.display())
            }
            Self::TimedOut(after) => {
                write!(f, "no answer after {}; the request goes on, see: svc status", human::duration(*after))
            }
            Self::Lost => write!(f, "svcd went away before it answered; what was asked may have been done"),
            Self::Garbage(why) => write!(f, "svcd sent what is no message of this version: {why}"),
            Self::Io { doing, source } => write!(f, "{doing} svcd: {source}"),
        }
    }
}

impl std::error::Error for AskError {}

impl Client {
    /// Sends the request and waits for its final answer; every other line goes to `each`.
    pub(crate) fn ask(&self, request: &Request, each: &mut dyn FnMut(Line)) -> Result<Reply, AskError> {
        let started = Instant::now();
        let mut stream = self.connect()?;
        let mut line = serde_json::to_vec(request).map_err(|error| AskError::Garbage(error.to_string()))?;
        line.push(b'\n');
        self.limit(&stream, started)?;
        stream.write_all(&line).map_err(|source| self.broken("writing to", source))?;
        let mut input = BufReader::new(stream);
        loop {
            self.limit(input.get_ref(), started)?;
            match self.read_line(&mut input)? {
                Line::Final(reply) => return Ok(reply),
                other => each(other),
            }
        }
    }

    fn connect(&self) -> Result<UnixStream, AskError> {
        let started = Instant::now();
        loop {
            let source = match UnixStream::connect(&self.socket) {
                Ok(stream) => return Ok(stream),
                Err(source) => source,
            };
            let replacing = matches!(source.kind(), io::ErrorKind::ConnectionRefused);
            if replacing && started.elapsed() < REPLACING_MAX {
                thread::sleep(REPLACING_STEP);
                continue;
            }
            let socket = self.socket.clone();
            return Err(match source.kind() {
                io::ErrorKind::PermissionDenied => AskError::Denied { socket },
                _ => AskError::NoDaemon { socket, source },
            });
        }
    }

    /// Lets the next read or write take no longer than what is left of the time.
    fn limit(&self, stream: &UnixStream, started: Instant) -> Result<(), AskError> {
        let Some(timeout) = self.timeout else { return Ok(()) };
        let left = timeout.checked_sub(started.elapsed()).filter(|left| !left.is_zero());
        let left = left.ok_or(AskError::TimedOut(timeout))?;
        let set = stream.set_read_timeout(Some(left)).and_then(|()| stream.set_write_timeout(Some(left)));
        set.map_err(|source| AskError::Io { doing: "limiting the wait for", source })
    }

    fn read_line(&self, input: &mut BufReader<UnixStream>) -> Result<Line, AskError> {
        let mut line = Vec::new();
        // One byte more than allowed tells a line that is too long from one that just fits.
        let mut bounded = input.take(REPLY_BYTES_MAX as u64 + 1);
        bounded.read_until(b'\n', &mut line).map_err(|source| self.broken("reading from", source))?;
        match line.last() {
            Some(b'\n') => serde_json::from_slice(&line).map_err(|error| AskError::Garbage(error.to_string())),
            Some(_) if line.len() > REPLY_BYTES_MAX => {
                Err(AskError::Garbage(format!("a line of more than {REPLY_BYTES_MAX} bytes")))
            }
            Some(_) | None => Err(AskError::Lost),
        }
    }

    fn broken(&self, doing: &'static str, source: io::Error) -> AskError {
        match (source.kind(), self.timeout) {
            (io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut, Some(timeout)) => AskError::TimedOut(timeout),
            (io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset, _) => AskError::Lost,
            _ => AskError::Io { doing, source },
        }
    }
}
