//! A daemon of its own for each test, in directories of its own, gone at the end with all it started.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use svc::wire::{Line, Outcome, Reply, Request, StateName, Status, Summary, Target};
use svc_core::Answer;
use svc_platform::process::{self, Handle};
use tempfile::TempDir;

pub(crate) use crate::programs::has;
pub(crate) use crate::skipped::skipped;

/// How long a fact is waited for before the test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A daemon, and where its things are.
pub(crate) struct Daemon {
    dir: TempDir,
    keeper: Option<Child>,
    flags: Vec<&'static str>,
    /// A shell's line that makes the surroundings and ends with `exec "$0" "$@"`.
    surroundings: Option<String>,
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

/// Waits for the end of something that takes many steps: patience begins anew with each, however slow the machine.
pub(crate) fn until_through<T>(what: &str, mut look: impl FnMut() -> Result<T, usize>) -> T {
    let mut steps = 0;
    loop {
        let next = until(what, || match look() {
            Err(done) if done == steps => None,
            found => Some(found),
        });
        match next {
            Ok(found) => return found,
            Err(done) => steps = done,
        }
    }
}

/// Rounds of something that is tried again and again: as many as wanted, but on a slow machine, where a round takes
/// seconds, only so many as fit into a minute, and three at least.
pub(crate) fn rounds(wanted: usize) -> impl Iterator<Item = usize> {
    let begun = Instant::now();
    (0..wanted).take_while(move |round| *round < 3 || begun.elapsed() < Duration::from_secs(60))
}

/// Whether a process lives; a zombie does not.
pub(crate) fn lives(pid: i32) -> bool {
    process::facts(pid).is_ok_and(|facts| !facts.is_zombie())
}

/// Sends a signal by number.
pub(crate) fn signal(pid: i32, number: i32) {
    Handle::open(pid)
        .and_then(|handle| handle.signal(number))
        .unwrap_or_else(|error| panic!("signal to {pid}: {error}"));
}

/// A program that leads a session of its own and becomes what its arguments say, for systems without setsid(1).
const SETSID: &str = r#"#!/bin/sh
n=0
for word; do
    n=$((n + 1))
    eval "export ACTOR_WORD_$n=\$word"
done
export ACTOR=setsid
exec 9>&1 >/dev/null
exec "{program}" -q --exact actors::act --nocapture
"#;

/// Whether this test process is root; says so on the terminal where a test needs it and it is not.
pub(crate) fn is_root(what: &str) -> bool {
    let root = svc_platform::users::is_root();
    if !root {
        skipped(what, "needs root");
    }
    root
}

impl Daemon {
    /// Directories for a daemon that is not started yet.
    pub(crate) fn new(flags: &[&'static str]) -> Self {
        let dir = tempfile::Builder::new().prefix("svc").tempdir().unwrap();
        for name in ["services", "init.d", "log"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let daemon = Self { dir, keeper: None, flags: flags.to_vec(), surroundings: None };
        if !Path::new("/usr/bin/setsid").exists() {
            let program = show(&std::env::current_exe().unwrap());
            fs::write(daemon.path("setsid"), SETSID.replace("{program}", &program)).unwrap();
            fs::set_permissions(daemon.path("setsid"), fs::Permissions::from_mode(0o755)).unwrap();
        }
        daemon
    }

    /// A daemon with these definitions, running.
    pub(crate) fn with(definitions: &[(&str, &str)]) -> Self {
        let mut daemon = Self::new(&[]);
        definitions.iter().for_each(|(name, text)| daemon.define(name, text));
        daemon.start();
        daemon
    }

    /// Lets a shell make the daemon's surroundings before it starts.
    pub(crate) fn surround(&mut self, line: &str) {
        self.surroundings = Some(format!("{line}\nexec \"$0\" \"$@\""));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a definition; `{dir}` stands for this daemon's directory.
    pub(crate) fn define(&self, name: &str, text: &str) {
        fs::write(self.path("services").join(format!("{name}.toml")), self.filled(text)).unwrap();
    }

    /// Writes a legacy script.
    pub(crate) fn script(&self, name: &str, text: &str) {
        let path = self.path("init.d").join(name);
        fs::write(&path, self.filled(text)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn filled(&self, text: &str) -> String {
        let dir = self.dir.path().to_string_lossy();
        let setsid = match Path::new("/usr/bin/setsid").exists() {
            true => "setsid".to_owned(),
            false => format!("{dir}/setsid"),
        };
        text.replace("{setsid}", &setsid).replace("{dir}", &dir)
    }

    pub(crate) fn start(&mut self) {
        let svcd = env!("CARGO_BIN_EXE_svcd");
        let mut command = match &self.surroundings {
            None => Command::new(svcd),
            Some(line) => {
                let mut command = Command::new("sh");
                command.args(["-c", &self.filled(line), svcd]);
                command
            }
        };
        let keeper = command
            .arg("--socket")
            .arg(self.path("control"))
            .arg("--runtime-dir")
            .arg(self.path("run"))
            .arg("--log-dir")
            .arg(self.path("log"))
            .arg("--definitions")
            .arg(self.path("services"))
            .arg("--legacy")
            .arg(self.path("init.d"))
            .args(&self.flags)
            .stdin(Stdio::null())
            .stderr(fs::File::options().create(true).append(true).open(self.path("said")).unwrap())
            .spawn()
            .unwrap();
        self.keeper = Some(keeper);
        until("the daemon answers", || self.try_ask(&Request::List { names: Vec::new() }));
    }

    /// What svcd said to its operator.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.path("said")).unwrap_or_default()
    }

    pub(crate) fn connect(&self) -> Option<UnixStream> {
        let stream = UnixStream::connect(self.path("control")).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Some(stream)
    }

    fn try_ask(&self, request: &Request) -> Option<Reply> {
        let mut stream = self.connect()?;
        let mut line = serde_json::to_vec(request).unwrap();
        line.push(b'\n');
        stream.write_all(&line).ok()?;
        read_final(stream)
    }

    /// Asks, and waits for the final answer, also through a change of manager.
    pub(crate) fn ask(&self, request: &Request) -> Reply {
        until("an answer", || self.try_ask(request))
    }

    fn outcomes(&self, request: &Request) -> Vec<Outcome> {
        match self.ask(request) {
            Reply::Outcomes(outcomes) => outcomes,
            other => panic!("no outcomes: {other:?}\n{}", self.said()),
        }
    }

    pub(crate) fn outcome(&self, request: &Request) -> Outcome {
        self.outcomes(request).remove(0)
    }

    /// Starts a service, which must work.
    pub(crate) fn up(&self, name: &str) {
        let outcome = self.outcome(&Request::Start(target(name)));
        assert!(matches!(outcome.answer, Answer::Done { .. }), "{outcome:?}\n{}", self.said());
    }

    /// Stops a service, which must work.
    pub(crate) fn down(&self, name: &str) {
        let outcome = self.outcome(&Request::Stop(target(name)));
        assert!(matches!(outcome.answer, Answer::Done { .. }), "{outcome:?}\n{}", self.said());
    }

    pub(crate) fn status(&self, name: &str) -> Status {
        match self.ask(&Request::Status { names: vec![name.into()], lines: 50 }) {
            Reply::Status(mut all) => all.remove(0),
            other => panic!("no status: {other:?}"),
        }
    }

    pub(crate) fn summary(&self, name: &str) -> Summary {
        match self.ask(&Request::List { names: vec![name.into()] }) {
            Reply::List(mut all) => all.remove(0),
            other => panic!("no list: {other:?}"),
        }
    }

    /// Waits until a service is in this state.
    pub(crate) fn until_state(&self, name: &str, state: StateName) -> Summary {
        until(&format!("{name} is {state:?}"), || Some(self.summary(name)).filter(|summary| summary.state == state))
    }

    /// The main process, which must be there.
    pub(crate) fn pid(&self, name: &str) -> i32 {
        self.summary(name).pid.unwrap_or_else(|| panic!("{name} has no main process: {:?}", self.summary(name)))
    }

    /// The manager's pid and the keeper's.
    pub(crate) fn pids(&self) -> (i32, i32) {
        match self.ask(&Request::Hello) {
            Reply::Hello(hello) => (hello.manager, hello.keeper.unwrap()),
            other => panic!("no hello: {other:?}"),
        }
    }

    /// Kills the manager and waits for the next.
    pub(crate) fn replace_manager(&self) {
        let (old, _) = self.pids();
        signal(old, 9);
        until("a new manager", || Some(self.pids()).filter(|(manager, _)| *manager != old));
    }

    /// The lines a service wrote.
    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        match self.ask(&Request::Log { names: vec![name.into()], lines: 10_000, follow: false }) {
            Reply::Log(lines) => lines.into_iter().map(|line| line.text).collect(),
            other => panic!("no log: {other:?}"),
        }
    }

    pub(crate) fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path(name)).ok()
    }

    /// A pid that something wrote into a file here.
    pub(crate) fn pid_in(&self, name: &str) -> i32 {
        until(&format!("a pid in {name}"), || self.read(name)?.trim().parse().ok())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let Some(mut first) = self.keeper.take() else { return };
        let keeper = match self.try_ask(&Request::Hello) {
            Some(Reply::Hello(hello)) => hello.keeper,
            _ => None,
        };
        self.try_ask(&Request::Shutdown { then: svc::wire::Then::Exit, kill: true });
        let begun = Instant::now();
        // In a namespace of its own the keeper is process 1, which here is another.
        let is_gone = |first: &mut Child| match keeper {
            Some(1) | None => matches!(first.try_wait(), Ok(Some(_))),
            Some(keeper) => {
                first.try_wait().ok();
                !lives(keeper)
            }
        };
        while !is_gone(&mut first) && begun.elapsed() < PATIENCE {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        if std::thread::panicking() {
            eprintln!("svcd said:\n{}", self.said());
        }
        if !is_gone(&mut first) {
            first.kill().ok();
        }
        first.wait().ok();
    }
}

/// Reads lines up to the final answer.
pub(crate) fn read_final(stream: UnixStream) -> Option<Reply> {
    for line in BufReader::new(stream).lines() {
        match serde_json::from_str(&line.ok()?).unwrap() {
            Line::Final(reply) => return Some(reply),
            Line::Progress(_) | Line::Log(_) => {}
        }
    }
    None
}

pub(crate) fn target(name: &str) -> Target {
    Target { names: vec![name.into()], ..Target::default() }
}

/// `command`, with which a shell runs these lines.
pub(crate) fn shell(script: &str) -> String {
    format!("command = [\"sh\", \"-c\", '''\n{script}\n''']\n")
}

/// This test program as a service that behaves as asked; see `actors`.
pub(crate) fn actor(role: &str) -> String {
    let program = std::env::current_exe().unwrap();
    format!("command = \"{} --exact actors::act --nocapture\"\n[environment]\nACTOR = \"{role}\"\n", show(&program))
}

fn show(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
