//! A script run and watched: every program it executes, every file it opens, until it and its time are at an end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use svc_core::Exit;
use svc_platform::poll::{Interest, Poller};
use svc_platform::sandbox::{self, Answer, Asked, Call, Confined, Failure, Listener, OURS};
use svc_platform::signals::{Incoming, Signals};
use svc_platform::{process, reap};

use super::recorder;
use super::report::{By, End, Executed, Launch, Mount, Refused, Sysctl};

/// How long what a script left may need to become what it stays: daemons fork and execute.
const SETTLING: Duration = Duration::from_millis(250);
/// At least this often it is looked whether time is up.
const LOOK_UP: Duration = Duration::from_millis(50);
const LISTENER: u64 = 1;
const CHILDREN: u64 = 2;

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Sight {
    pub(super) executed: Vec<Executed>,
    pub(super) read: Vec<String>,
    pub(super) sysctls: Vec<Sysctl>,
    pub(super) mounts: Vec<Mount>,
    pub(super) refused: Vec<Refused>,
    pub(super) left: Vec<Launch>,
    pub(super) took: Duration,
}

/// What hears the script.
struct Watch<'a> {
    listener: Listener,
    script: i32,
    /// Paths in whose place a recorder is.
    recorders: &'a BTreeSet<PathBuf>,
    /// Processes that are recorders or what stands in for daemons; what they open is ours.
    ours: BTreeSet<i32>,
    last: BTreeMap<i32, usize>,
    known: BTreeSet<String>,
    sight: Sight,
}

/// Runs it until it has ended and what it left has settled, or its time is up.
pub(super) fn run(
    confined: &Confined<'_>,
    recorders: &BTreeSet<PathBuf>,
    time: Duration,
) -> Result<(End, Sight), Failure> {
    let failure = |error: io::Error| Failure::at("watching a script", error);
    let signals = Signals::hold(&[Incoming::Child]).map_err(failure)?;
    let begun = Instant::now();
    let (script, listener) = sandbox::confine(confined)?;
    let listener = listener.ok_or_else(|| failure(io::ErrorKind::NotFound.into()))?;
    let mut poller = Poller::new().map_err(failure)?;
    poller.add(&listener, LISTENER, Interest::READ).map_err(failure)?;
    poller.add(&signals, CHILDREN, Interest::READ).map_err(failure)?;
    let (ours, last, known) = (BTreeSet::new(), BTreeMap::new(), BTreeSet::new());
    let mut watch = Watch { listener, script, recorders, ours, last, known, sight: Sight::default() };
    let (mut ready, mut end, mut settled) = (Vec::new(), None, None);
    loop {
        poller.wait(Some(LOOK_UP.min(Duration::from_millis(10))), &mut ready).map_err(failure)?;
        if ready.iter().any(|(token, found)| *token == LISTENER && found.hangup && !found.readable) {
            poller.remove(&watch.listener).map_err(failure)?;
        }
        while let Some(asked) = watch.listener.next().map_err(failure)? {
            let answer = watch.hear(&asked);
            watch.listener.answer(asked.id, answer).map_err(failure)?;
        }
        while let Ok(Some(_)) = signals.next() {}
        while let Some(ended) = reap::reap().map_err(failure)? {
            watch.ours.remove(&ended.pid);
            if ended.pid == script {
                watch.sight.took = begun.elapsed();
                settled = Some(Instant::now() + SETTLING);
                end = Some(match ended.exit {
                    Exit::Code(code) => End::Code(code),
                    Exit::Signal(number) => End::Signal(number),
                    Exit::Unknown => End::TimedOut,
                });
            }
        }
        let is_calm = || watch.others().is_empty() && super::standin::are_calm();
        if settled.is_some_and(|until| Instant::now() >= until || is_calm()) || begun.elapsed() > time {
            break;
        }
    }
    if end.is_none() {
        watch.sight.took = begun.elapsed();
    }
    watch.sight.left = watch.left();
    Ok((end.unwrap_or_default(), watch.sight))
}

impl Watch<'_> {
    fn hear(&mut self, asked: &Asked) -> Answer {
        match &asked.call {
            Call::Execute { program, arguments } => {
                self.execute(asked.pid, program, arguments);
                Answer::Allow
            }
            Call::Open { path, writes } => {
                if !self.ours.contains(&asked.pid) {
                    self.open(path, *writes);
                }
                Answer::Allow
            }
            Call::Mount { source, target, kind, options } => {
                self.sight.mounts.push(Mount {
                    source: source.clone(),
                    target: target.clone(),
                    kind: kind.clone(),
                    options: options.clone(),
                    unmount: false,
                });
                Answer::Pretend
            }
            Call::Unmount { target } => {
                self.sight.mounts.push(Mount { target: target.clone(), unmount: true, ..Mount::default() });
                Answer::Pretend
            }
            Call::Harm(call) => {
                let program = process::program(asked.pid).unwrap_or_default().display().to_string();
                let refused = Refused { call: (*call).to_owned(), program };
                if !self.sight.refused.contains(&refused) {
                    self.sight.refused.push(refused);
                }
                Answer::Refuse
            }
        }
    }

    /// A program that is there; looking through `PATH` is no execution.
    fn execute(&mut self, pid: i32, program: &Path, arguments: &[String]) {
        if !program.is_file() {
            return;
        }
        let recorded = self.recorders.contains(&super::furnish::real(program)) || program.starts_with(OURS);
        if recorded {
            self.ours.insert(pid);
        } else {
            self.ours.remove(&pid);
        }
        let own = program.starts_with(OURS) && program.file_name().is_some_and(|name| name == "stand-in");
        if own {
            return;
        }
        if program.file_name().is_some_and(|name| name == "sysctl") {
            let pairs = arguments.iter().skip(1).filter_map(|word| word.split_once('='));
            for (name, value) in pairs.filter(|(name, _)| !name.starts_with('-')) {
                let value = Some(value.trim().to_owned());
                self.sysctl(Sysctl { name: name.trim().replace('/', "."), value });
            }
        }
        self.last.insert(pid, self.sight.executed.len());
        let program = program.display().to_string();
        self.sight.executed.push(Executed { program, argv: arguments.to_vec(), recorded });
    }

    fn sysctl(&mut self, setting: Sysctl) {
        let known = self.sight.sysctls.iter().any(|known| known.name == setting.name);
        if !known {
            self.sight.sysctls.push(setting);
        }
    }

    fn open(&mut self, path: &Path, writes: bool) {
        if writes {
            if let Ok(below) = path.strip_prefix("/proc/sys") {
                self.sysctl(Sysctl { name: below.display().to_string().replace('/', "."), value: None });
            }
            return;
        }
        let shown = path.display().to_string();
        let noise = NOISE.iter().any(|start| shown.starts_with(start)) || path.starts_with(OURS);
        if !noise && !self.known.contains(&shown) && path.is_file() {
            self.known.insert(shown.clone());
            self.sight.read.push(shown);
        }
    }

    /// Processes that the script left, without what stands in for daemons.
    fn others(&self) -> Vec<i32> {
        let stand_in = super::standin::program();
        let counts = |pid: &i32| {
            let program = process::program(*pid);
            // What is a zombie, or a process of the kernel, runs no program.
            *pid != 1 && *pid != self.script && program.is_ok_and(|path| path != Path::new(&stand_in))
        };
        process::list().unwrap_or_default().into_iter().filter(counts).collect()
    }

    /// Programs that are still there and were started by nobody who writes it down.
    fn left(&self) -> Vec<Launch> {
        let pids = self.others();
        let parents = process::parents().unwrap_or_default();
        let program = |pid: i32| process::program(pid).unwrap_or_default();
        let mut all = Vec::new();
        for pid in &pids {
            let parent = parents.get(pid).copied().unwrap_or(1);
            // A worker is told by its master.
            let is_worker = pids.contains(&parent) && program(parent) == program(*pid);
            let leads = pids.iter().any(|other| parents.get(other) == Some(pid) && program(*other) != program(*pid));
            let is_shell = program(*pid).file_name().is_some_and(|name| SHELLS.iter().any(|shell| name == *shell));
            if is_worker || (is_shell && leads) || self.ours.contains(pid) {
                continue;
            }
            all.extend(self.launch(*pid));
        }
        all
    }

    fn launch(&self, pid: i32) -> Option<Launch> {
        let seen = sandbox::look(pid).ok()?;
        let started = |executed: &&Executed| {
            fs::canonicalize(&executed.program).is_ok_and(|path| path == Path::new(&seen.program))
        };
        let own = self.last.get(&pid).and_then(|at| self.sight.executed.get(*at));
        let argv = match own.or_else(|| self.sight.executed.iter().rev().find(started)) {
            // It may have written over its own words since.
            Some(executed) => executed.argv.clone(),
            None => seen.arguments.clone(),
        };
        let launch = Launch {
            by: By::Bypass,
            call: argv.clone(),
            program: seen.program.clone(),
            argv,
            background: true,
            group: (seen.gid != 0).then(|| recorder::group_of(seen.gid)),
            groups: seen.groups.iter().filter(|gid| **gid != 0).map(|gid| recorder::group_of(*gid)).collect(),
            ..Launch::default()
        };
        Some(recorder::completed(launch, &seen))
    }
}

const SHELLS: [&str; 5] = ["sh", "dash", "bash", "busybox", "mksh"];

/// What every program reads, or is part of programs.
const NOISE: [&str; 21] = [
    "/proc/",
    "/sys/",
    "/dev/",
    "/lib/",
    "/lib32/",
    "/lib64/",
    "/usr/lib/",
    "/usr/lib32/",
    "/usr/lib64/",
    "/usr/bin/",
    "/usr/sbin/",
    "/bin/",
    "/sbin/",
    "/usr/share/locale/",
    "/usr/share/zoneinfo/",
    "/etc/ld.so",
    "/etc/nsswitch.conf",
    "/etc/locale",
    "/etc/localtime",
    "/etc/passwd",
    "/etc/group",
];
