//! A place of its own where a program can be watched and reaches nothing outside: the same words on every system.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::net::SocketAddr;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::{fmt, io};

use svc_core::service::Limit;

pub use crate::os::sandbox::{Listener, bind, confine, divide, furnish, is_calm, listening, look, reach};

/// The directory inside that is ours; what is in it is no doing of a program there.
pub const OURS: &str = "/run/.svc-sandbox";
/// Our own program inside.
pub const OWN: &str = "/run/.svc-sandbox/svc";

/// What the place is made of.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Directories that are seen as one, the first on top; the last is the root of a system. None of them is changed.
    pub lowers: Vec<PathBuf>,
    /// How much may be written there, in bytes.
    pub room: u64,
    /// Our own program.
    pub own: PathBuf,
}

/// On which side of the division we are.
#[derive(Debug)]
pub enum Side {
    /// Still outside, with the first process inside as our child.
    Outside(i32),
    /// We are the first process inside; when we end, all in it do.
    Inside,
}

/// What was made, and where what is written there lands.
#[derive(Debug)]
pub struct Furnished {
    /// Each file system over which another lies.
    pub places: Vec<Place>,
    /// File systems that could not be laid over and are empty here.
    pub left_out: Vec<String>,
    /// Trees that had to be copied into memory, since the root is an overlay already.
    pub copied: Vec<String>,
}

/// One file system and what is written over it.
#[derive(Debug)]
pub struct Place {
    /// Where it is, inside.
    pub path: PathBuf,
    /// What was written.
    pub upper: OwnedFd,
    /// What was there before, the first on top.
    pub lowers: Vec<OwnedFd>,
}

/// A program to be run inside, and how.
#[derive(Debug)]
pub struct Confined<'a> {
    /// Its path.
    pub program: CString,
    /// Its arguments, the name it is called by first.
    pub arguments: Vec<CString>,
    /// Its environment.
    pub environment: Vec<CString>,
    /// Its standard output and error.
    pub output: BorrowedFd<'a>,
    /// Whether we are asked before it executes, opens or mounts something. Otherwise it may just do what it may do.
    pub watched: bool,
}

/// A question of a watched process, which waits for the answer.
#[derive(Debug)]
pub struct Asked {
    /// What tells it from others.
    pub id: u64,
    /// Who asks.
    pub pid: i32,
    /// What.
    pub call: Call,
}

/// What a watched process is about to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// It executes a program.
    Execute {
        /// Its path, from the root of the place.
        program: PathBuf,
        /// Its arguments.
        arguments: Vec<String>,
    },
    /// It opens a file.
    Open {
        /// Its path, from the root of the place.
        path: PathBuf,
        /// Whether to write into it.
        writes: bool,
    },
    /// It mounts something.
    Mount {
        /// What.
        source: String,
        /// Where.
        target: String,
        /// Which type of file system.
        kind: String,
        /// Its options.
        options: String,
    },
    /// It takes a mount away.
    Unmount {
        /// Where.
        target: String,
    },
    /// It asks for something that would reach the machine.
    Harm(&'static str),
}

/// What is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Go on.
    Allow,
    /// It is not permitted.
    Refuse,
    /// Nothing happens, and the caller is told that it did.
    Pretend,
}

/// A process as it is set up, seen from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The path of its program.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its variables.
    pub environment: BTreeMap<String, String>,
    /// Working directory.
    pub directory: String,
    /// Root directory.
    pub root: String,
    /// Effective user.
    pub uid: u32,
    /// Effective group.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// Permissions it does not give.
    pub umask: Option<u32>,
    /// Priority.
    pub nice: i32,
    /// Capabilities in force, as bits.
    pub capabilities: u64,
    /// Limits by the names of svc.toml(5).
    pub limits: BTreeMap<&'static str, Limit>,
    /// Where its standard streams go.
    pub streams: BTreeMap<u32, String>,
}

/// Something in the place that others can speak to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Listening {
    /// Connections are taken.
    Tcp(SocketAddr),
    /// Messages are taken, from anybody.
    Udp(SocketAddr),
    /// A socket with a name: a path, or what follows an `@`.
    Unix(String),
}

/// Why there is no such place.
#[derive(Debug)]
pub struct Failure {
    /// What was being done.
    pub step: String,
    /// What the kernel said.
    pub source: io::Error,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.source)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

impl Failure {
    /// Names what was being done.
    pub fn at(step: impl fmt::Display, source: impl Into<io::Error>) -> Self {
        Self { step: step.to_string(), source: source.into() }
    }

    /// Names where it was done.
    #[must_use]
    pub fn of(self, place: impl fmt::Display) -> Self {
        Self { step: format!("{place}: {}", self.step), ..self }
    }
}
