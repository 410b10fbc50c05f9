//! A definition run alone in a sandbox: whether its daemon stays where it was started, and where it listens.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use svc_platform::host;

use super::super::{Why, outside};
use super::trial::{Side, Trial};

/// What was seen of a daemon that a definition started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alone {
    /// It was started, and there when nothing changed any more.
    pub stays: bool,
    /// Its start came to an end in its time.
    pub returned: bool,
    /// How long its start took: until it had gone into the background, where it does.
    pub took: Duration,
    /// Its main processes, as whom and with which words.
    pub processes: BTreeSet<(String, Vec<String>)>,
    /// Where it listens.
    pub sockets: BTreeSet<String>,
}

/// Runs the definition of a service over a root with these trees over it, the first on top, until it has been calm for
/// so long.
///
/// # Errors
///
/// Why there is no trial; that the daemon does not start is told in the answer.
pub fn alone(name: &str, definition: &str, lowers: &[PathBuf], time: Duration, calm: Duration) -> Result<Alone, Why> {
    let own = host::own_program().map_err(|error| Why::Failed(format!("our own program: {error}")))?;
    let plan = outside::Plan {
        own,
        lowers: outside::lowers(lowers.iter().map(PathBuf::as_path))?,
        script: PathBuf::from(format!("/etc/svc/services/{name}.toml")),
        text: definition.as_bytes().to_vec(),
        verb: String::new(),
        time,
        calm,
        trial: Some(Side::Alone(name.to_owned())),
    };
    let trial: Trial = outside::ask(&plan, time * 2)?;
    Ok(Alone {
        stays: trial.start.code == Some(0) && !trial.processes.is_empty(),
        returned: trial.start.code.is_some(),
        took: Duration::from_millis(trial.start.took),
        processes: trial.processes.into_iter().map(|process| (process.user, process.argv)).collect(),
        sockets: trial.sockets,
    })
}
