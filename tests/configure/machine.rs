//! A machine in a directory: definitions, templates and values as in `machine/`, and our programs with it as root.
//! Tests name the places of one system; on another they lie, and are shown, where that has them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use svc_platform::host::PLACES;
use tempfile::TempDir;

pub(crate) use crate::programs::has;
pub(crate) use crate::skipped::skipped;

/// How long a fact is waited for before the test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where tests have the administrator's, the packages' and our own files, and where this system has them.
fn places() -> [(&'static str, &'static str); 3] {
    let base = |definitions: &'static str| definitions.strip_suffix("/services").unwrap();
    let [first, .., last] = PLACES.definitions else { panic!("one place of definitions") };
    [("etc/svc", base(first)), ("usr/lib/svc", base(last)), ("var/lib/svc", PLACES.state)]
}

/// A path of a test, as this system has it.
fn placed(name: &str) -> PathBuf {
    let name = name.trim_start_matches('/');
    let here = places().into_iter().find_map(|(from, to)| {
        let rest = Path::new(name).strip_prefix(from).ok()?;
        Some(Path::new(to).join(rest))
    });
    here.unwrap_or_else(|| name.into())
}

pub(crate) struct Machine {
    dir: TempDir,
    daemon: Option<Child>,
}

impl Machine {
    /// A fresh one.
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("svc").tempdir().unwrap();
        let machine = Self { dir, daemon: None };
        let seed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configure/machine");
        copy(&seed, Path::new(""), &machine);
        machine
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root().join(placed(name))
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Changes a text in a file, where it must be.
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{name} has no {from}");
        self.write(name, &text.replace(from, to));
    }

    /// What was said, without the machine's directory and with places as tests have them.
    pub(crate) fn plain(&self, text: &str) -> String {
        let text = text.replace(&*self.root().to_string_lossy(), "");
        places().into_iter().fold(text, |text, (from, to)| text.replace(&format!("/{to}"), &format!("/{from}")))
    }

    /// Our program on this machine.
    pub(crate) fn svc(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_svc"));
        command.arg("--root").arg(self.root()).env_remove("SVC_SOCKET").stdin(Stdio::null());
        command
    }

    /// What it says.
    pub(crate) fn say(&self, words: &[&str]) -> Said {
        Said::new(self.svc().args(words).output().unwrap(), self)
    }

    /// The same, where it must go well.
    pub(crate) fn good(&self, words: &[&str]) -> String {
        let said = self.say(words);
        // What is waited for is told after a second, which on a slow machine is soon over.
        let told: Vec<&str> = said.err.lines().filter(|line| !line.ends_with(" of 90 s")).collect();
        assert_eq!((said.code, told), (0, Vec::new()), "{words:?}: {}", said.out);
        said.out
    }

    /// The report of a configure.
    pub(crate) fn report(&self, words: &[&str]) -> Value {
        let said = self.say(&[&["--json"], words].concat());
        let first = said.out.lines().next().unwrap_or_default();
        serde_json::from_str::<Value>(first).unwrap_or_else(|error| panic!("{error}: {}{}", said.out, said.err))
    }

    /// Everything that is in a directory, by name.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(name)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Starts a daemon here and waits until it answers.
    pub(crate) fn boot(&mut self) {
        self.boot_with(&[]);
    }

    /// The same, with these words on its command line.
    pub(crate) fn boot_with(&mut self, words: &[&str]) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_svcd"));
        command.arg("--root").arg(self.root()).arg("--no-legacy").args(words).env_remove("SVC_SOCKET");
        let said = fs::File::create(self.path("said")).unwrap();
        self.daemon = Some(command.stdin(Stdio::null()).stderr(said).spawn().unwrap());
        until("the daemon answers", || (self.say(&["hello"]).code == 0).then_some(()));
    }

    /// The main process of a service.
    pub(crate) fn pid(&self, name: &str) -> Option<i64> {
        self.report(&["status", name])["status"][0]["summary"]["pid"].as_i64()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let Some(mut daemon) = self.daemon.take() else { return };
        self.say(&["shutdown"]);
        let begun = Instant::now();
        while !matches!(daemon.try_wait(), Ok(Some(_))) && begun.elapsed() < PATIENCE {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        daemon.kill().ok();
        daemon.wait().ok();
    }
}

/// What a program said, with the machine's directory left out.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn new(output: Output, machine: &Machine) -> Self {
        let text = |bytes: Vec<u8>| machine.plain(&String::from_utf8(bytes).unwrap());
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// Waits until there is an answer.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain: {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// Whether this test is root; says so where a test needs it and it is not.
pub(crate) fn is_root(what: &str) -> bool {
    let root = svc_platform::users::is_root();
    if !root {
        skipped(what, "needs root");
    }
    root
}

/// Copies what lies below this path of the seed; in definitions `{dir}` is the machine's directory.
fn copy(seed: &Path, below: &Path, machine: &Machine) {
    for entry in fs::read_dir(seed.join(below)).unwrap() {
        let entry = entry.unwrap();
        let name = below.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(seed, &name, machine);
        } else {
            let target = machine.path(&name.to_string_lossy());
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            let text = fs::read_to_string(entry.path()).unwrap();
            fs::write(target, text.replace("{dir}", &machine.root().to_string_lossy())).unwrap();
        }
    }
}
