//! A rehearsal as seen from outside: our own program is started in another role, given the plan, and answers.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use svc_platform::{files, host};

use super::compare::trial::Side;
use super::{Ask, Rehearsal, Why};

/// What the sandbox may take beyond the time of the script, or of two of them.
const BESIDE: Duration = Duration::from_secs(20);
/// The largest script.
const SCRIPT_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What the sandbox is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) own: PathBuf,
    /// The root and what lies over it, the first on top.
    pub(super) lowers: Vec<PathBuf>,
    /// Where the script is, inside.
    pub(super) script: PathBuf,
    pub(super) text: Vec<u8>,
    pub(super) verb: String,
    pub(super) time: Duration,
    /// What does not change for so long has settled.
    pub(super) calm: Duration,
    /// One side of a comparison; a rehearsal otherwise.
    pub(super) trial: Option<Side>,
}

pub(super) fn run(ask: &Ask) -> Result<Rehearsal, Why> {
    let plan = plan(&ask.script, &ask.root, &ask.layers)?;
    let plan = Plan { verb: ask.verb.clone(), time: ask.time, ..plan };
    let mut told: Rehearsal = self::ask(&plan, ask.time * 2)?;
    told.script = ask.script.display().to_string();
    Ok(told)
}

/// What a shell's text prints when it is run in a sandbox over these trees, the first on top.
pub(super) fn printed(text: &str, lowers: &[PathBuf], time: Duration) -> Result<String, Why> {
    let own = host::own_program().map_err(|error| Why::Failed(format!("our own program: {error}")))?;
    let plan = Plan {
        own,
        lowers: self::lowers(lowers.iter().map(PathBuf::as_path))?,
        script: PathBuf::from("/etc/init.d/svc-asks"),
        text: text.as_bytes().to_vec(),
        verb: "start".to_owned(),
        time,
        calm: Duration::ZERO,
        trial: None,
    };
    let told: Rehearsal = self::ask(&plan, time)?;
    Ok(told.output)
}

/// Has the sandbox carry a plan out, which may take this long, and gives its answer.
pub(super) fn ask<T: DeserializeOwned>(plan: &Plan, time: Duration) -> Result<T, Why> {
    let failed = |what: &str, error: &dyn std::fmt::Display| Why::Failed(format!("rehearsing: {what}: {error}"));
    let mut child = Command::new(&plan.own)
        .args(["--role", super::ROLE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .current_dir("/")
        .spawn()
        .map_err(|error| failed("starting the sandbox", &error))?;
    let text = serde_json::to_vec(plan).map_err(|error| failed("writing the plan", &error))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(&text).map_err(|error| failed("handing the plan over", &error))?;
    }
    let answer = answer(&mut child, time + BESIDE);
    // Whatever became of it, nothing of it stays: who ends it ends all in it.
    let _ = child.kill();
    let _ = child.wait();
    let text = answer.map_err(|what| Why::Failed(format!("trying {}: {what}", plan.script.display())))?;
    let told: Result<T, Why> =
        serde_json::from_slice(&text).map_err(|error| failed("the sandbox ended without an answer", &error))?;
    told
}

/// What is the same for every verb of a file.
pub(super) fn plan(file: &Path, root: &Path, layers: &[PathBuf]) -> Result<Plan, Why> {
    let shown = file.display();
    let script = fs::canonicalize(file).map_err(|error| Why::Script(format!("{shown}: {error}")))?;
    let text =
        files::read_regular(&script, SCRIPT_BYTES_MAX).map_err(|error| Why::Script(format!("{shown}: {error}")))?;
    let lowers = lowers(layers.iter().map(PathBuf::as_path).chain([root]))?;
    let own = host::own_program().map_err(|error| Why::Failed(format!("our own program: {error}")))?;
    let script = inside(&script, &lowers);
    Ok(Plan { own, lowers, script, text, verb: String::new(), time: Duration::ZERO, calm: Duration::ZERO, trial: None })
}

/// Trees by their real paths, as an overlay can be told them: the sandbox is made from another directory.
pub(super) fn lowers<'a>(trees: impl Iterator<Item = &'a Path>) -> Result<Vec<PathBuf>, Why> {
    let directory = |path: &Path| {
        let found = fs::canonicalize(path).map_err(|error| Why::Failed(format!("{}: {error}", path.display())))?;
        if found.to_str().is_some_and(|text| !text.contains([':', ',', '\\'])) {
            return Ok(found);
        }
        Err(Why::Failed(format!("{}: an overlay cannot be laid over a name with such letters", path.display())))
    };
    trees.map(directory).collect()
}

/// Where the script is seen; where it is not, it is put to the others.
fn inside(script: &Path, lowers: &[PathBuf]) -> PathBuf {
    let hidden = ["proc", "sys", "dev", "run", "tmp"];
    for lower in lowers {
        let below = script.strip_prefix(lower).ok();
        if let Some(below) = below.filter(|below| !hidden.iter().any(|name| below.starts_with(name))) {
            return Path::new("/").join(below);
        }
    }
    Path::new("/etc/init.d").join(script.file_name().unwrap_or("script".as_ref()))
}

/// Everything it says, if it says it in time.
fn answer(child: &mut Child, time: Duration) -> Result<Vec<u8>, String> {
    let mut stdout = child.stdout.take().ok_or("it has no output")?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut text = Vec::new();
        let read = stdout.read_to_end(&mut text).map(|_| text).map_err(|error| error.to_string());
        // Nobody waits any more if time was up.
        let _ = sender.send(read);
    });
    match receiver.recv_timeout(time) {
        Ok(read) => read,
        Err(RecvTimeoutError::Timeout) => Err(format!("the sandbox gave no answer in {} s", time.as_secs())),
        Err(RecvTimeoutError::Disconnected) => Err("the sandbox ended without an answer".to_owned()),
    }
}
