//! A definition run alone in a sandbox: whether its daemon stays where it was started, and where it listens.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use svc_platform::host;

use super::super::{Why, outside};
use super::trial::{Side, Trial};

/// So long nothing changes where a daemon stays: going into the background mostly takes less.
const CALM: Duration = Duration::from_secs(1);

/// What was seen of a daemon that a definition started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alone {
    /// It was started, and there when nothing changed any more.
    pub stays: bool,
    /// Its main processes, as whom and with which words.
    pub processes: BTreeSet<(String, Vec<String>)>,
    /// Where it listens.
    pub sockets: BTreeSet<String>,
}

/// Runs the definition of a service over a root with these trees over it, the first on top. A daemon that works for
/// long before it goes into the background needs a look that is so many times more patient.
///
/// # Errors
///
/// Why there is no trial; that the daemon does not start is told in the answer.
pub fn alone(name: &str, definition: &str, lowers: &[PathBuf], time: Duration, patience: u32) -> Result<Alone, Why> {
    let own = host::own_program().map_err(|error| Why::Failed(format!("our own program: {error}")))?;
    let plan = outside::Plan {
        own,
        lowers: lowers.to_vec(),
        script: PathBuf::from(format!("/etc/svc/services/{name}.toml")),
        text: definition.as_bytes().to_vec(),
        verb: String::new(),
        time,
        calm: CALM * patience,
        trial: Some(Side::Definition(name.to_owned())),
    };
    let trial: Trial = outside::ask(&plan, time * 4)?;
    Ok(Alone {
        stays: trial.start.code == Some(0) && !trial.processes.is_empty(),
        processes: trial.processes.into_iter().map(|process| (process.user, process.argv)).collect(),
        sockets: trial.sockets,
    })
}
