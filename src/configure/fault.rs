//! Why configuration could not be made.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use svc_core::definition::{Fault, Severity};

/// Why the files of a service could not be made. Whatever it is, every file is as it was.
#[derive(Debug)]
pub enum ConfigureError {
    /// Templates or values are faulty; each with its place and a caret.
    Faulty(Vec<String>),
    /// A file or directory cannot be read or written; the text names it.
    System {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The command that looks at the new files does not like them.
    Invalid {
        /// The command line.
        command: String,
        /// How it ended.
        end: String,
        /// What it printed last.
        output: String,
    },
    /// Another configure is at work for too long.
    Busy {
        /// The lock.
        path: PathBuf,
        /// How long we waited.
        waited: Duration,
    },
    /// There is no service of this name.
    Unknown {
        /// The name as asked.
        name: String,
        /// One that is spelled much like it.
        near: Option<String>,
        /// What is wrong with the file that would have defined it.
        fault: Option<String>,
    },
    /// A command of the definition makes the files, and nobody else knows how.
    Command,
    /// The service has nothing that could be made.
    Nothing {
        /// Its name.
        name: String,
        /// The file that defines it.
        file: String,
    },
    /// There is no older version.
    NotKept {
        /// The service.
        name: String,
    },
    /// Two services make the same file.
    Shared {
        /// The file.
        target: String,
        /// The other service.
        other: String,
    },
    /// An owner or a group does not exist.
    Account(String),
}

impl fmt::Display for ConfigureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Faulty(faults) => f.write_str(&faults.join("\n")),
            Self::System { doing, source } => write!(f, "{doing}: {source}"),
            Self::Invalid { command, end, output } if output.is_empty() => write!(f, "`{command}` {end}"),
            Self::Invalid { command, end, output } => write!(f, "`{command}` {end}:\n{output}"),
            Self::Busy { path, waited } => {
                write!(f, "another configure holds {} for more than {} s", path.display(), waited.as_secs())
            }
            Self::Unknown { name, near, fault } => {
                write!(f, "no service is called {name}")?;
                if let Some(near) = near {
                    write!(f, "; did you mean {near}?")?;
                }
                fault.as_ref().map_or(Ok(()), |fault| write!(f, "\n{fault}"))
            }
            Self::Nothing { name, file } => {
                write!(f, "{name} has no file to be made; write a table [[configure]] in {file}")
            }
            Self::Command => {
                write!(f, "a command of its definition makes its files; what it would change, it alone knows")
            }
            Self::NotKept { name } => write!(f, "no older version of the files of {name} is kept"),
            Self::Shared { target, other } => write!(f, "{target} is made by {other}, too; only one of them may"),
            Self::Account(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for ConfigureError {}

/// Puts what was being done before an error of the system.
pub(crate) fn system(doing: &'static str) -> impl Fn(io::Error) -> ConfigureError {
    move |source| ConfigureError::System { doing, source }
}

/// One fault in a text, with its place, its line and a caret.
pub(crate) fn at(
    file: &str,
    text: &str,
    span: std::ops::Range<usize>,
    message: impl Into<String>,
    help: Option<String>,
) -> String {
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line = text[..start].matches('\n').count() + 1;
    let column = text[line_start..start].chars().count() + 1;
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    let fault = Fault {
        file: file.to_owned(),
        line: number(line),
        column: number(column),
        span,
        message: message.into(),
        help,
        severity: Severity::Error,
    };
    fault.render(text)
}
