//! A script and the definition that is to take its place, both run for real in a sandbox each, and compared.

mod alone;
mod expected;
mod judge;
mod sockets;
#[cfg(test)]
mod tests;
pub(super) mod trial;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use alone::{Alone, alone};

use super::{Ask, Executed, Why, outside};

/// How long a daemon may take to start, to reload and to stop, each, if nothing else is said.
pub const TIME_MAX: Duration = Duration::from_secs(30);

/// So long nothing may change until a daemon counts as settled, at first.
const CALM: Duration = Duration::from_millis(400);

/// Programs by which a script talks to its operator, or thinks; none of them tells a daemon anything.
const TALKERS: [&str; 22] = [
    "sh", "dash", "bash", "busybox", "tput", "echo", "printf", "cat", "test", "[", "true", "false", "grep", "sed",
    "awk", "mawk", "expr", "id", "basename", "dirname", "readlink", "plymouth",
];

/// What is to be compared, and over what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The script's file.
    pub script: PathBuf,
    /// The definition's file, called as the service with `.toml` behind it.
    pub definition: PathBuf,
    /// The directory that is the sandbox's root; `/` as a rule.
    pub root: PathBuf,
    /// Trees laid over the root; the first has the last word.
    pub layers: Vec<PathBuf>,
    /// How long each step may take.
    pub time: Duration,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// Why the script itself does not work here; the definition is then judged alone.
    pub script_fails: Option<String>,
    /// Everything that was looked at.
    pub rows: Vec<Row>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// What.
    pub what: String,
    /// How it is with the script.
    pub script: String,
    /// How it is with the definition.
    pub definition: String,
    /// What is to be thought of it.
    pub verdict: Verdict,
}

/// Whether two things are alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// They are.
    #[default]
    Same,
    /// They are not, and are not meant to be; why.
    Expected(String),
    /// They are not.
    Different,
}

impl Comparison {
    /// Whether the definition can take the script's place: nothing differs but what is expected.
    pub fn is_equivalent(&self) -> bool {
        !self.rows.iter().any(|row| row.verdict == Verdict::Different)
    }
}

impl Pair {
    /// This script and this definition on this machine.
    pub fn new(script: impl Into<PathBuf>, definition: impl Into<PathBuf>) -> Self {
        let (script, definition) = (script.into(), definition.into());
        Self { script, definition, root: "/".into(), layers: Vec::new(), time: TIME_MAX }
    }

    /// Runs both and compares.
    ///
    /// # Errors
    ///
    /// Why there is no comparison; that one of them does not work is told in the answer.
    pub fn compare(&self) -> Result<Comparison, Why> {
        let name = self.definition.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if self.definition.extension().is_none_or(|extension| extension != "toml") || name.is_empty() {
            let shown = self.definition.display();
            return Err(Why::Script(format!("{shown}: a definition is called as its service, with .toml behind it")));
        }
        let found = self.look(&name, CALM)?;
        // On a busy machine what takes its time may look as if it were done.
        if found.is_equivalent() { Ok(found) } else { self.look(&name, CALM * 5) }
    }

    /// Runs both; what does not change for so long has settled.
    fn look(&self, name: &str, calm: Duration) -> Result<Comparison, Why> {
        let run = |file: &Path, side: trial::Side| {
            let plan = outside::plan(file, &self.root, &self.layers)?;
            let plan = outside::Plan { time: self.time, calm, trial: Some(side), ..plan };
            // Start, reload and stop, and what there is to wait between them.
            outside::ask::<trial::Trial>(&plan, self.time * 4)
        };
        let script = run(&self.script, trial::Side::Script)?;
        let definition = run(&self.definition, trial::Side::Definition(name.to_owned()))?;
        let text = fs::read_to_string(&self.definition).unwrap_or_default();
        let reload_is_idle = definition.reload.is_none() && script.reload.is_some() && self.is_idle("reload");
        Ok(judge::judge(&script, &definition, judge::Beside { text: &text, reload_is_idle }))
    }

    /// Whether this verb of the script, watched where nothing is real, neither tells nor starts nor makes anything.
    fn is_idle(&self, verb: &str) -> bool {
        let ask = Ask {
            script: self.script.clone(),
            verb: verb.to_owned(),
            root: self.root.clone(),
            layers: self.layers.clone(),
            time: self.time,
        };
        let Ok(seen) = ask.run() else { return false };
        let talks = |run: &Executed| {
            let name = run.program.rsplit('/').next().unwrap_or_default();
            run.program == seen.executed[0].program || TALKERS.contains(&name)
        };
        let rest = (&seen.launches, &seen.stops, &seen.made, &seen.removed);
        rest.0.is_empty()
            && rest.1.is_empty()
            && rest.2.is_empty()
            && rest.3.is_empty()
            && seen.executed.iter().all(talks)
    }
}

/// Compares a script of this machine with a definition.
///
/// # Errors
///
/// As [`Pair::compare`].
pub fn compare(script: &Path, definition: &Path) -> Result<Comparison, Why> {
    Pair::new(script, definition).compare()
}
