//! A verb of a legacy script carried out where nothing real happens and everything asked for is written down.
//!
//! What a shell computes is then known, not guessed. Whoever calls this from a program other than svc or svcd begins
//! that program with [`crate::daemon::role_entry`], since the sandbox is this program again in another role.

mod report;

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fmt, fs};

pub use report::{By, End, Executed, Launch, Limit, Made, Mount, Redirection, Refused, Rehearsal, Said, Stop, Sysctl};

/// How long a script may take if nothing else is said.
pub const TIME_MAX: Duration = Duration::from_secs(10);

/// What is to be rehearsed, and over what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The script's file, as this process sees it. Below `root` or a layer it is run by its path there.
    pub script: PathBuf,
    /// The verb. Before any other than `start`, a start is played to it, so that there is something running.
    pub verb: String,
    /// The directory that is the sandbox's root; `/` as a rule.
    pub root: PathBuf,
    /// Trees laid over the root, such as unpacked packages; the first has the last word.
    pub layers: Vec<PathBuf>,
    /// How long it may take.
    pub time: Duration,
}

impl Ask {
    /// This script with this verb on this machine.
    pub fn new(script: impl Into<PathBuf>, verb: impl Into<String>) -> Self {
        Self { script: script.into(), verb: verb.into(), root: "/".into(), layers: Vec::new(), time: TIME_MAX }
    }
}

/// Why there is no rehearsal. Reading the script is what remains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// This system, or this kernel, has no such sandbox; what is missing.
    Unsupported(String),
    /// We may not make one; what was refused.
    Denied(String),
    /// The script itself cannot be had.
    Script(String),
    /// Something else went wrong; where and what.
    Failed(String),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported(what) => write!(f, "no sandbox on this system: {what}; the script can only be read"),
            Self::Denied(what) => {
                write!(f, "no sandbox without more privileges: {what}; the script can only be read, or run svc as root")
            }
            Self::Script(what) | Self::Failed(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Why {}

/// Rehearses a script of this machine.
///
/// # Errors
///
/// Why there is no rehearsal. That the script fails is no error, but seen in the answer.
pub fn rehearse(script: &Path, verb: &str) -> Result<Rehearsal, Why> {
    Ask::new(script, verb).run()
}

impl Ask {
    /// Rehearses it.
    ///
    /// # Errors
    ///
    /// As [`rehearse`].
    pub fn run(&self) -> Result<Rehearsal, Why> {
        let shown = self.script.display();
        fs::metadata(&self.script).map_err(|error| Why::Script(format!("{shown}: {error}")))?;
        Err(Why::Unsupported("there is none yet".to_owned()))
    }
}
