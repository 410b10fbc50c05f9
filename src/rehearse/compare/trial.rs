//! One side of a comparison, inside its sandbox: started, looked at, reloaded, stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use svc_core::Exit;
use svc_platform::launch::c_string;
use svc_platform::poll::{Interest, Poller};
use svc_platform::sandbox::{self, Confined, Failure, Furnished, OWN};
use svc_platform::signals::{Incoming, Signals};
use svc_platform::{process, reap};

use super::super::outside::Plan;
use super::super::report::{Limit, Made};
use super::super::{changes, inside, recorder};
use super::sockets;

/// Which side it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::rehearse) enum Side {
    /// The script itself.
    Script,
    /// A definition of this service.
    Definition(String),
    /// The same, only to be started and looked at.
    Alone(String),
}

impl Side {
    /// The service, where there is a definition of it.
    fn service(&self) -> Option<&str> {
        match self {
            Self::Script => None,
            Self::Definition(name) | Self::Alone(name) => Some(name),
        }
    }
}

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::rehearse) struct Trial {
    pub(super) start: Step,
    /// When nothing changed any more, from the start on, in milliseconds.
    pub(super) ready: u64,
    pub(super) processes: Vec<Process>,
    pub(super) sockets: BTreeSet<String>,
    pub(super) made: Vec<Made>,
    /// `None`: it cannot.
    pub(super) reload: Option<Reloaded>,
    pub(super) stop: Step,
    /// What was still there after the stop.
    pub(super) left: Vec<String>,
    /// The last lines that the service wrote, if nothing of it was there after its start.
    pub(super) log: Vec<String>,
}

/// One verb.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::rehearse) struct Step {
    /// Its exit code; `None`: it did not end in its time, or by a signal.
    pub(super) code: Option<i32>,
    /// In milliseconds.
    pub(super) took: u64,
    pub(super) output: String,
}

/// What a reload did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::rehearse) struct Reloaded {
    pub(super) code: Option<i32>,
    /// The main process is the one that it was.
    pub(super) same_process: bool,
    /// It listens where it did.
    pub(super) same_sockets: bool,
}

/// The first process of one program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::rehearse) struct Process {
    pub(super) program: String,
    pub(super) argv: Vec<String>,
    pub(super) user: String,
    pub(super) group: String,
    pub(super) groups: Vec<String>,
    pub(super) capabilities: u64,
    pub(super) limits: BTreeMap<String, Limit>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) directory: String,
    pub(super) root: String,
    pub(super) umask: Option<u32>,
    pub(super) nice: i32,
    /// How many there are of it.
    pub(super) count: usize,
    /// A child of it that runs the same program, but is somebody else, or sees another root.
    pub(super) worker: Option<Box<Process>>,
}

/// How long after its stop a daemon may still be ending.
const ENDING: Duration = Duration::from_secs(3);
const TICK: Duration = Duration::from_millis(10);
/// Where the definition is put.
const DEFINITIONS: &str = "/run/svc-compare";
const SOCKET: &str = "/run/svc/control";
const LOGS: &str = "/run/svc/log";
/// So many lines of what a service that does not work wrote are told.
const LOG_LINES: usize = 5;

/// Runs this side from its start to its end.
pub(in crate::rehearse) fn run(plan: &Plan, side: &Side, furnished: &Furnished) -> Result<Trial, Failure> {
    let mut stage = Stage::new(plan, side)?;
    if let Some(name) = side.service() {
        stage.supervise(name)?;
    }
    let begun = Instant::now();
    let mut trial = Trial { start: stage.act("start")?, ..Trial::default() };
    trial.ready = millis(stage.settle(begun)?);
    trial.processes = stage.processes();
    trial.sockets = sockets::all();
    trial.made = stage.made(furnished);
    if trial.processes.is_empty() {
        trial.log = stage.log();
        return Ok(trial);
    }
    if matches!(side, Side::Alone(_)) {
        return Ok(trial);
    }
    let mains = stage.mains();
    let reload = stage.act("reload")?;
    // 3: there is no such verb; a usage message with whatever code is the same.
    let cannot = reload.code == Some(3) || (reload.code != Some(0) && reload.output.to_lowercase().contains("usage"));
    if !cannot {
        stage.settle(Instant::now())?;
        let same_process = mains.iter().all(|main| stage.mains().contains(main));
        let same_sockets = sockets::all() == trial.sockets;
        trial.reload = Some(Reloaded { code: reload.code, same_process, same_sockets });
    }
    trial.stop = stage.act("stop")?;
    let until = Instant::now() + ENDING;
    while !stage.pids().is_empty() && Instant::now() < until {
        stage.pause()?;
    }
    trial.left = stage.processes().into_iter().map(|process| process.argv.join(" ")).collect();
    Ok(trial)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

struct Stage<'a> {
    plan: &'a Plan,
    side: &'a Side,
    signals: Signals,
    poller: Poller,
    ended: BTreeMap<i32, Exit>,
    ours: BTreeSet<PathBuf>,
}

impl<'a> Stage<'a> {
    fn new(plan: &'a Plan, side: &'a Side) -> Result<Self, Failure> {
        let failure = |error: io::Error| Failure::at("making a trial ready", error);
        let signals = Signals::hold(&[Incoming::Child]).map_err(failure)?;
        let poller = Poller::new().map_err(failure)?;
        poller.add(&signals, 0, Interest::READ).map_err(failure)?;
        let mut ours = BTreeSet::from([PathBuf::from(DEFINITIONS)]);
        if *side == Side::Script && fs::read(&plan.script).ok().as_deref() != Some(&plan.text) {
            put(&plan.script, &plan.text, 0o755)?;
            ours.insert(plan.script.clone());
        }
        Ok(Self { plan, side, signals, poller, ended: BTreeMap::new(), ours })
    }

    /// Starts a svcd of its own that knows the one definition.
    fn supervise(&mut self, name: &str) -> Result<(), Failure> {
        fs::create_dir_all(DEFINITIONS).map_err(|error| Failure::at(DEFINITIONS, error))?;
        let open = fs::set_permissions(DEFINITIONS, Permissions::from_mode(0o755));
        open.map_err(|error| Failure::at(DEFINITIONS, error))?;
        put(&Path::new(DEFINITIONS).join(format!("{name}.toml")), &self.plan.text, 0o644)?;
        let words = ["svcd", "--role", "keeper", "--no-legacy", "--no-boot", "--log-dir", LOGS];
        let words: Vec<&str> = words.into_iter().chain(["--definitions", DEFINITIONS]).collect();
        self.launch(OWN, &words)?;
        let until = Instant::now() + self.plan.time;
        while !Path::new(SOCKET).exists() && Instant::now() < until {
            self.pause()?;
        }
        Ok(())
    }

    /// Does one verb, and waits for its end.
    fn act(&mut self, verb: &str) -> Result<Step, Failure> {
        let script = self.plan.script.display().to_string();
        let runs = self.plan.text.starts_with(b"#!") && inside::is_executable(&self.plan.script);
        let words: Vec<&str> = match self.side {
            Side::Script if runs => vec![&script, verb],
            Side::Script => vec!["/bin/sh", &script, verb],
            Side::Definition(name) | Side::Alone(name) => vec!["svc", "--socket", SOCKET, verb, name],
        };
        let program = if matches!(self.side, Side::Script) { words[0] } else { OWN };
        fs::write(recorder::output(), b"").map_err(|error| Failure::at(recorder::output(), error))?;
        let begun = Instant::now();
        let pid = self.launch(program, &words)?;
        while !self.ended.contains_key(&pid) && begun.elapsed() < self.plan.time {
            self.pause()?;
        }
        let code = match self.ended.get(&pid) {
            Some(Exit::Code(code)) => Some(*code),
            Some(Exit::Signal(_) | Exit::Unknown) | None => None,
        };
        let output = fs::read(recorder::output()).unwrap_or_default();
        Ok(Step { code, took: millis(begun.elapsed()), output: String::from_utf8_lossy(&output).into_owned() })
    }

    fn launch(&mut self, program: &str, words: &[&str]) -> Result<i32, Failure> {
        let output = OpenOptions::new().append(true).create(true).open(recorder::output());
        let output: File = output.map_err(|error| Failure::at(recorder::output(), error))?;
        let text = |text: &str| c_string(text).map_err(|error| Failure::at("the words of a program", error));
        let environment = inside::environment();
        let confined = Confined {
            program: text(program)?,
            arguments: words.iter().map(|word| text(word)).collect::<Result<_, _>>()?,
            environment: environment
                .iter()
                .map(|(name, value)| text(&format!("{name}={value}")))
                .collect::<Result<_, _>>()?,
            output: output.as_fd(),
            watched: false,
        };
        Ok(sandbox::confine(&confined)?.0)
    }

    /// Waits a moment, or until a child ends, and collects those that did.
    fn pause(&mut self) -> Result<(), Failure> {
        let failure = |error: io::Error| Failure::at("waiting", error);
        self.poller.wait(Some(TICK), &mut Vec::new()).map_err(failure)?;
        while let Ok(Some(_)) = self.signals.next() {}
        while let Some(ended) = reap::reap().map_err(failure)? {
            self.ended.insert(ended.pid, ended.exit);
        }
        Ok(())
    }

    /// Waits until processes and sockets stay as they are; gives when they last changed.
    fn settle(&mut self, begun: Instant) -> Result<Duration, Failure> {
        let (mut last, mut changed) = ((self.pids(), sockets::all()), Instant::now());
        while changed.elapsed() < self.plan.calm && begun.elapsed() < self.plan.time {
            self.pause()?;
            let now = (self.pids(), sockets::all());
            if now != last {
                (last, changed) = (now, Instant::now());
            }
            // Alone, what has ended is not waited for: nobody starts it again.
            if matches!(self.side, Side::Alone(_)) && last.0.is_empty() {
                break;
            }
        }
        Ok(changed.duration_since(begun))
    }

    /// Processes of the service: not ours, not svcd's.
    fn pids(&self) -> Vec<i32> {
        let counts = |pid: &i32| *pid != 1 && process::program(*pid).is_ok_and(|path| path != Path::new(OWN));
        process::list().unwrap_or_default().into_iter().filter(counts).collect()
    }

    /// Those whose parent is another program's.
    fn mains(&self) -> Vec<i32> {
        let pids = self.pids();
        let parents = process::parents().unwrap_or_default();
        let program = |pid: i32| process::program(pid).ok();
        let is_worker = |pid: &i32| {
            let parent = parents.get(pid).copied().unwrap_or(1);
            pids.contains(&parent) && program(parent) == program(*pid)
        };
        pids.iter().copied().filter(|pid| !is_worker(pid)).collect()
    }

    fn processes(&self) -> Vec<Process> {
        let mut all: Vec<Process> = Vec::new();
        let (pids, parents) = (self.pids(), process::parents().unwrap_or_default());
        for main in self.mains() {
            let Some(mut found) = Process::look(main) else { continue };
            if let Some(known) = all.iter_mut().find(|known| known.program == found.program) {
                known.count += 1;
                continue;
            }
            let children = pids.iter().filter(|pid| parents.get(pid) == Some(&main)).copied();
            let is_other = |child: &Process| {
                let who = |process: &Process| (process.user.clone(), process.root.clone());
                child.program == found.program && who(child) != who(&found)
            };
            found.worker = children.filter_map(Process::look).find(is_other).map(Box::new);
            all.push(found);
        }
        all.sort_by(|one, other| one.program.cmp(&other.program));
        all
    }

    /// The last that the service wrote, where svcd keeps it.
    fn log(&self) -> Vec<String> {
        let Some(name) = self.side.service() else { return Vec::new() };
        let text = fs::read(Path::new(LOGS).join(name).join("current")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].iter().map(|line| (*line).to_owned()).collect()
    }

    fn made(&self, furnished: &Furnished) -> Vec<Made> {
        let own = |path: &str| ["/run/svc", DEFINITIONS].iter().any(|own| Path::new(path).starts_with(own));
        changes::find(furnished, &self.ours).made.into_iter().filter(|made| !own(&made.path)).collect()
    }
}

impl Process {
    fn look(pid: i32) -> Option<Self> {
        let seen = sandbox::look(pid).ok()?;
        let limits = seen.limits.iter();
        Some(Self {
            user: recorder::name_of(seen.uid),
            group: recorder::group_of(seen.gid),
            groups: seen.groups.iter().map(|gid| recorder::group_of(*gid)).collect(),
            limits: limits
                .map(|(name, limit)| ((*name).to_owned(), Limit { soft: limit.soft, hard: limit.hard }))
                .collect(),
            program: seen.program,
            argv: seen.arguments,
            capabilities: seen.capabilities,
            environment: seen.environment,
            directory: seen.directory,
            root: seen.root,
            umask: seen.umask,
            nice: seen.nice,
            count: 1,
            worker: None,
        })
    }
}

fn put(path: &Path, text: &[u8], mode: u32) -> Result<(), Failure> {
    let above = path.parent().map_or(Ok(()), fs::create_dir_all);
    let written = above.and_then(|()| fs::write(path, text));
    let set = written.and_then(|()| fs::set_permissions(path, Permissions::from_mode(mode)));
    set.map_err(|error| Failure::at(path.display(), error))
}
