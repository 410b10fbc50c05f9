//! A verb of a legacy script carried out where nothing real happens and everything asked for is written down.
//!
//! What a shell computes is then known, not guessed. Whoever calls this from a program other than svc or svcd begins
//! that program with [`crate::daemon::role_entry`], since the sandbox is this program again in another role.

mod call;
mod changes;
pub mod compare;
mod furnish;
mod inside;
mod outside;
mod recorder;
mod report;
mod standin;
#[cfg(test)]
mod tests;
mod watch;
mod wrapper;

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fmt};

use serde::{Deserialize, Serialize};
use svc_platform::{host, sandbox};

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
        outside::run(self)
    }
}

/// What a shell's text prints when it is run where nothing real happens, over these trees, the first on top.
pub(crate) fn printed(text: &str, lowers: &[PathBuf], time: Duration) -> Result<String, Why> {
    outside::printed(text, lowers, time)
}

/// The role in which our own program is the first process of a sandbox, or makes it.
const ROLE: &str = "rehearsal";

/// If this process is part of a sandbox, plays its part and ends. The first thing every program of ours does.
pub(crate) fn role_entry() {
    let mut words = env::args().skip(1);
    if words.next().as_deref() == Some("--role") && words.next().as_deref() == Some(ROLE) {
        std::process::exit(i32::from(inside::play()));
    }
    let Ok(own) = host::own_program() else { return };
    let Some(name) = own.file_name().and_then(|name| name.to_str()) else { return };
    let is_ours = own.starts_with(sandbox::OURS) && Path::new(sandbox::OURS).is_dir();
    if is_ours && own == Path::new(&standin::program()) {
        std::process::exit(i32::from(standin::play()));
    }
    let is_function = is_ours && recorder::FUNCTIONS.contains(&name);
    let is_program = recorder::PROGRAMS.contains(&name) && Path::new(&recorder::lines()).exists();
    if is_function || is_program {
        let words: Vec<String> = env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
        std::process::exit(i32::from(recorder::play(name, &words)));
    }
}
