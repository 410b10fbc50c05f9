//! A script and the definition that is to take its place, both run for real in a sandbox each, and compared.

mod judge;
mod sockets;
#[cfg(test)]
mod tests;
pub(super) mod trial;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Why, outside};

/// How long a daemon may take to start, to reload and to stop, each, if nothing else is said.
pub const TIME_MAX: Duration = Duration::from_secs(30);

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
        let run = |file: &Path, side: trial::Side| {
            let plan = outside::plan(file, &self.root, &self.layers)?;
            let plan = outside::Plan { time: self.time, trial: Some(side), ..plan };
            // Start, reload and stop, and what there is to wait between them.
            outside::ask::<trial::Trial>(&plan, self.time * 4)
        };
        let script = run(&self.script, trial::Side::Script)?;
        let definition = run(&self.definition, trial::Side::Definition(name))?;
        Ok(judge::judge(&script, &definition))
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
