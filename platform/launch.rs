//! What a launch is made of, all of it made before the launch, and what can go wrong with it.

use std::ffi::{CString, OsStr};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::{fmt, io};

use svc_core::service::{self, Limit};

pub use crate::prepared::Resource;

/// How many descriptors a launch can pass on, beside the standard three.
pub const PASSED_MAX: usize = 16;
/// The highest number that a passed descriptor can get.
pub const NUMBER_MAX: i32 = 31;

/// Everything about a process to be. What is `None` stays as the caller has it, if not said otherwise.
#[derive(Debug)]
pub struct Launch<'a> {
    /// The program's path, looked up already; below `chroot` if there is one.
    pub program: CString,
    /// Its arguments, with the name it is called by as the first.
    pub arguments: Vec<CString>,
    /// Its whole environment, `NAME=value` each.
    pub environment: Vec<CString>,
    /// Where on the machine it runs.
    pub placement: Placement,
    /// The jail it is in (FreeBSD only).
    pub jail: Option<Jail>,
    /// Its root.
    pub chroot: Option<CString>,
    /// Its working directory, below `chroot` if there is one.
    pub directory: Option<CString>,
    /// Who it is.
    pub identity: Option<Identity>,
    /// Which permissions it does not give to files it makes.
    pub umask: Option<u32>,
    /// -20 to 19.
    pub nice: Option<i32>,
    /// -1000 to 1000 (Linux only).
    pub oom_score: Option<i32>,
    /// Resource limits.
    pub limits: Vec<(Resource, Limit)>,
    /// Standard input; `None`: `/dev/null`.
    pub stdin: Option<BorrowedFd<'a>>,
    /// Standard output; `None`: `/dev/null`.
    pub stdout: Option<BorrowedFd<'a>>,
    /// Standard error; `None`: `/dev/null`.
    pub stderr: Option<BorrowedFd<'a>>,
    /// Other descriptors it is given, at most [`PASSED_MAX`]. All others are closed.
    pub pass: Vec<Passed<'a>>,
    /// It leads a session of its own, without a terminal.
    pub new_session: bool,
    /// What it has to do with the terminal of whoever launches it (FreeBSD only).
    pub terminal: Terminal,
    /// The tree it is born into: [`crate::tree::Tree::door`].
    pub tree: Option<BorrowedFd<'a>>,
}

/// Where on the machine a process runs, and as what it is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// The processors it may use, none above [`PROCESSOR_MAX`]; empty: those that the caller may.
    pub processors: Vec<u32>,
    /// The name by which its session is logged in; where sessions have none, nothing is done.
    pub login: Option<CString>,
    /// Its login class (FreeBSD only).
    pub login_class: Option<CString>,
    /// The routing table it uses (FreeBSD only).
    pub fib: Option<i32>,
    /// It is not killed for want of memory (FreeBSD only; [`Launch::oom_score`] elsewhere).
    pub protect: bool,
}

/// The highest number of a processor.
pub const PROCESSOR_MAX: u32 = 1023;

/// Processors as the kernel takes them: a bit for each.
pub(crate) type Mask = [u64; (PROCESSOR_MAX as usize + 1) / 64];

impl Placement {
    /// The processors it may use; nothing where they are those that the caller may.
    pub(crate) fn mask(&self) -> Option<Mask> {
        let mut mask = Mask::default();
        for number in &self.processors {
            *mask.get_mut(*number as usize / 64)? |= 1 << (number % 64);
        }
        (!self.processors.is_empty()).then_some(mask)
    }
}

/// What a process has to do with a terminal that the session of whoever launches it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Terminal {
    /// Nothing.
    #[default]
    None,
    /// Its standard input becomes that terminal, for as long as it lives. Keys that are signals reach it and whoever
    /// shares the terminal; it ignores them.
    Brings,
    /// It reads and writes there, and is reached by those keys. Neither one that stops nor the end of the terminal does
    /// anything to it. Where nobody has brought a terminal it leads a session of its own.
    Shares,
}

/// The jail a process is to be in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Jail {
    /// One that is made for it, of this name.
    Make(String, service::Jail),
    /// One that is there: its name and number.
    Enter(String, i32),
}

impl Jail {
    /// What it is called.
    pub fn name(&self) -> &str {
        match self {
            Self::Make(name, _) | Self::Enter(name, _) => name,
        }
    }
}

/// Who a process is, in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Supplementary groups.
    pub gids: Vec<u32>,
}

/// A descriptor to be passed on.
#[derive(Clone, Copy, Debug)]
pub struct Passed<'a> {
    /// What it is here.
    pub fd: BorrowedFd<'a>,
    /// Its number there: 3 to [`NUMBER_MAX`].
    pub number: i32,
}

impl Launch<'_> {
    /// A launch of this program with these arguments (the name it is called by first), an empty environment, a session
    /// of its own, working directory `/`, and everything else as the caller has it.
    pub fn new(program: CString, arguments: Vec<CString>) -> Self {
        Self {
            program,
            arguments,
            environment: Vec::new(),
            placement: Placement::default(),
            jail: None,
            chroot: None,
            directory: Some(c"/".to_owned()),
            identity: None,
            umask: None,
            nice: None,
            oom_score: None,
            limits: Vec::new(),
            stdin: None,
            stdout: None,
            stderr: None,
            pass: Vec::new(),
            new_session: true,
            terminal: Terminal::None,
            tree: None,
        }
    }
}

/// How far a launch came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// What was asked for cannot be asked for; the text says what.
    Preparing(String),
    /// The process itself.
    Process,
    /// The tree that it should have been born into.
    Tree,
    /// Its own session.
    Session,
    /// The terminal of whoever launches it.
    Terminal,
    /// A resource limit, by its name.
    Limit(&'static str),
    /// Its priority.
    Nice,
    /// The processors it may use.
    Processors,
    /// The name by which its session is logged in.
    Login,
    /// Its login class.
    LoginClass(String),
    /// The routing table it uses.
    Fib(i32),
    /// That it is not killed for want of memory.
    Protect,
    /// Its place among those killed when memory runs out.
    OomScore,
    /// Its jail, by its name.
    Jail(String),
    /// Its root.
    Chroot(String),
    /// Its working directory.
    Directory(String),
    /// Its supplementary groups.
    Groups,
    /// Its group.
    Group(u32),
    /// Its user.
    User(u32),
    /// Its descriptors.
    Descriptors,
    /// Its program.
    Program(String),
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preparing(what) => write!(f, "preparing {what}"),
            Self::Process => f.write_str("making a process"),
            Self::Tree => f.write_str("entering its cgroup"),
            Self::Session => f.write_str("making a session"),
            Self::Terminal => f.write_str("having the terminal"),
            Self::Limit(name) => write!(f, "setting its limit {name}"),
            Self::Nice => f.write_str("setting its nice value"),
            Self::Processors => f.write_str("choosing its processors"),
            Self::Login => f.write_str("naming its session's user"),
            Self::LoginClass(class) => write!(f, "entering the login class {class}"),
            Self::Fib(number) => write!(f, "choosing the routing table {number}"),
            Self::Protect => f.write_str("protecting it"),
            Self::OomScore => f.write_str("setting its oom score"),
            Self::Jail(name) => write!(f, "entering its jail {name}"),
            Self::Chroot(path) => write!(f, "changing its root to {path}"),
            Self::Directory(path) => write!(f, "changing directory to {path}"),
            Self::Groups => f.write_str("setting its supplementary groups"),
            Self::Group(gid) => write!(f, "becoming group {gid}"),
            Self::User(uid) => write!(f, "becoming user {uid}"),
            Self::Descriptors => f.write_str("passing its descriptors"),
            Self::Program(path) => write!(f, "executing {path}"),
        }
    }
}

/// Why a launch failed.
#[derive(Debug)]
pub struct SpawnError {
    /// How far it came.
    pub stage: Stage,
    /// What the kernel said.
    pub source: io::Error,
    /// The process that was made and has ended again; its end may yet be reported to its parent.
    pub pid: Option<i32>,
}

impl SpawnError {
    /// The launch itself makes no sense.
    pub(crate) fn preparing(what: impl Into<String>, why: &'static str) -> Self {
        let source = io::Error::new(io::ErrorKind::InvalidInput, why);
        Self { stage: Stage::Preparing(what.into()), source, pid: None }
    }
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.stage, self.source)
    }
}

impl std::error::Error for SpawnError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

impl From<SpawnError> for io::Error {
    fn from(error: SpawnError) -> Self {
        Self::new(error.source.kind(), error.to_string())
    }
}

/// Text as C wants it.
///
/// # Errors
///
/// A zero byte in it, with its place.
pub fn c_string(text: impl AsRef<OsStr>) -> io::Result<CString> {
    let bytes = text.as_ref().as_bytes();
    CString::new(bytes).map_err(|found| {
        let text = String::from_utf8_lossy(bytes).replace('\0', "\\0");
        let message = format!("zero byte at place {} of `{text}`", found.nul_position() + 1);
        io::Error::new(io::ErrorKind::InvalidInput, message)
    })
}
