//! The words core and platform share: one launch, how it ended, how it is told to.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

/// One launch of one service. Never reused, so a late exit cannot be mistaken for the end of a newer launch, whatever
/// the kernel does with pids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId(pub u64);

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// It returned this exit code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
    /// It is gone, and nobody could see how: it was not our child, or its parent died with it.
    Unknown,
}

impl Exit {
    /// Whether the process said that all went well.
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Code(0))
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal(number) => match Signal::named(*number) {
                Some(signal) => write!(f, "ended by signal {signal}"),
                None => write!(f, "ended by signal {number}"),
            },
            Self::Unknown => write!(f, "ended, nobody saw how"),
        }
    }
}

/// What a launch of a service's program is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Job {
    /// The service itself; for a script its `start`.
    Start,
    /// The command that stops it; for a script its `stop`.
    Stop,
    /// The command that makes it read its configuration again.
    Reload,
    /// Any other verb of a script, passed through as it is.
    Verb(String),
    /// What the definition has in place of a verb, or for a verb of its own: the verb, and words for it.
    Instead(String),
    /// The command that the definition has before this verb.
    Before(String),
    /// The command that the definition has after this verb.
    After(String),
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("start"),
            Self::Stop => f.write_str("stop"),
            Self::Reload => f.write_str("reload"),
            Self::Verb(verb) | Self::Instead(verb) => f.write_str(verb),
            Self::Before(verb) => write!(f, "command before {verb}"),
            Self::After(verb) => write!(f, "command after {verb}"),
        }
    }
}

/// Which processes of a run a signal is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// The main process only.
    Leader,
    /// Every process of the run.
    Tree,
}

/// A signal by its name; platform knows the numbers of its own system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "the names are those of signal(7)")]
pub enum Signal {
    Abrt,
    Alrm,
    Cont,
    Hup,
    Int,
    Kill,
    Quit,
    Term,
    Usr1,
    Usr2,
    Winch,
}

impl Signal {
    /// All of them, with the numbers that POSIX fixes or that Linux and FreeBSD agree on; `None` where they differ.
    const TABLE: [(Self, &'static str, Option<i32>); 11] = [
        (Self::Abrt, "ABRT", Some(6)),
        (Self::Alrm, "ALRM", Some(14)),
        (Self::Cont, "CONT", None),
        (Self::Hup, "HUP", Some(1)),
        (Self::Int, "INT", Some(2)),
        (Self::Kill, "KILL", Some(9)),
        (Self::Quit, "QUIT", Some(3)),
        (Self::Term, "TERM", Some(15)),
        (Self::Usr1, "USR1", None),
        (Self::Usr2, "USR2", None),
        (Self::Winch, "WINCH", Some(28)),
    ];

    /// The signal of this name, with or without `SIG`, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        let bare = match text.get(..3) {
            Some(head) if head.eq_ignore_ascii_case("SIG") => &text[3..],
            _ => text,
        };
        Self::TABLE.iter().find(|row| row.1.eq_ignore_ascii_case(bare)).map(|row| row.0)
    }

    /// The signal of this number, where the number means the same everywhere.
    pub fn named(number: i32) -> Option<Self> {
        Self::TABLE.iter().find(|row| row.2 == Some(number)).map(|row| row.0)
    }

    /// Its name without `SIG`.
    pub fn name(self) -> &'static str {
        Self::TABLE.iter().find(|row| row.0 == self).map_or("?", |row| row.1)
    }

    /// Every signal's name, for messages.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::TABLE.iter().map(|row| row.1)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
