//! One run as the manager sees it: its tree, the process that counts, and what was said of it so far.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io;
use std::time::Duration;

use svc_core::service::Kind;
use svc_core::{Exit, Job, Name, RunId, Service, ServiceId, Time};
use svc_platform::notify::Notify;
use svc_platform::process::{self, Facts, Handle};
use svc_platform::socket;
use svc_platform::tree::{Tree, Usage};

/// A process that is watched.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: i32,
    pub(super) started: Time,
    /// `None`: it is gone, and how it ended is not known yet.
    pub(super) handle: Option<Handle>,
    /// The keeper will say how it ends. Otherwise its handle is watched, and says only that it does.
    pub(super) by_keeper: bool,
}

/// Where the processes of a run are.
#[derive(Debug)]
pub(super) enum Trunk {
    /// In a tree that was made for it.
    Own(Tree),
    /// Where somebody else started them: the main process and what descends from it.
    Foreign { pid: i32, started: Time },
}

/// One launch, until nothing of it is left.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) service: ServiceId,
    pub(super) name: Name,
    pub(super) job: Job,
    pub(super) about: Option<RunId>,
    pub(super) trunk: Trunk,
    /// What was launched, while it runs.
    pub(super) leader: Option<Process>,
    /// The daemon that the leader left behind, while it runs.
    pub(super) main: Option<Process>,
    /// The leader has returned with success.
    pub(super) returned: bool,
    /// The main process is looked for until then.
    pub(super) looking: Option<Time>,
    pub(super) ready: bool,
    /// Since when it is ready.
    pub(super) ready_at: Time,
    pub(super) probe: Option<Probe>,
    pub(super) notify: Option<Notify>,
    pub(super) notify_fd: Option<File>,
    /// What it said of itself.
    pub(super) said: Option<String>,
    /// The core does not count on it any more.
    pub(super) left: bool,
    /// Who started it, as far as that was seen, where it was not us.
    pub(super) outside: Option<String>,
}

/// A question that is asked again until the answer is yes.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) pause: Duration,
    /// A connection on its way.
    pub(super) socket: Option<socket::Probe>,
}

impl Run {
    pub(super) fn new(service: ServiceId, name: Name, job: Job, about: Option<RunId>, trunk: Trunk) -> Self {
        Self {
            service,
            name,
            job,
            about,
            trunk,
            leader: None,
            main: None,
            returned: false,
            looking: None,
            ready: false,
            ready_at: Time::default(),
            probe: None,
            notify: None,
            notify_fd: None,
            said: None,
            left: false,
            outside: None,
        }
    }

    /// The process that stands for the run.
    pub(super) fn first(&self) -> Option<&Process> {
        self.main.as_ref().or(self.leader.as_ref())
    }

    /// The watched process that has this pid.
    pub(super) fn process(&self, pid: i32) -> Option<&Process> {
        [&self.leader, &self.main].into_iter().flatten().find(|process| process.pid == pid)
    }

    /// Nothing is watched, though processes may be left.
    pub(super) fn is_unwatched(&self) -> bool {
        self.leader.is_none() && self.main.is_none()
    }
}

impl Trunk {
    /// Every living process, oldest first.
    pub(super) fn processes(&self) -> Vec<Facts> {
        let pids = match self {
            Self::Own(tree) => tree.pids().unwrap_or_default(),
            Self::Foreign { pid, started } => below(*pid, *started),
        };
        let mut facts: Vec<Facts> = pids.into_iter().filter_map(|pid| process::facts(pid).ok()).collect();
        facts.retain(|facts| !facts.is_zombie());
        facts.sort_by_key(|facts| (facts.started, facts.pid));
        facts
    }

    pub(super) fn has(&self, pid: i32) -> bool {
        match self {
            Self::Own(tree) => tree.pids().is_ok_and(|pids| pids.contains(&pid)),
            Self::Foreign { pid: main, started } => below(*main, *started).contains(&pid),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Own(tree) => tree.is_empty().unwrap_or(false),
            Self::Foreign { pid, started } => below(*pid, *started).is_empty(),
        }
    }

    pub(super) fn signal(&self, number: i32) -> io::Result<()> {
        match self {
            Self::Own(tree) => tree.signal(number).map(drop),
            Self::Foreign { pid, started } => {
                // Held before the first is told: what ends meanwhile cannot be mistaken for another.
                let handles: Vec<_> =
                    below(*pid, *started).into_iter().filter_map(|pid| Handle::open(pid).ok()).collect();
                handles.iter().for_each(|handle| drop(handle.signal(number)));
                Ok(())
            }
        }
    }

    pub(super) fn kill(&self) -> io::Result<()> {
        match self {
            Self::Own(tree) => tree.kill(),
            Self::Foreign { .. } => self.signal(9),
        }
    }

    pub(super) fn usage(&self) -> Usage {
        match self {
            Self::Own(tree) => tree.usage(),
            Self::Foreign { .. } => {
                let facts = self.processes();
                Usage {
                    memory: facts.iter().map(|facts| facts.memory).reduce(u64::saturating_add),
                    cpu: facts.iter().map(|facts| facts.cpu).reduce(Duration::saturating_add),
                }
            }
        }
    }

    /// The jail that was made for it: its name and number.
    pub(super) fn jail(&self) -> Option<(&str, i32)> {
        match self {
            Self::Own(tree) => tree.jail(),
            Self::Foreign { .. } => None,
        }
    }

    /// Whether the system tells when it becomes empty.
    pub(super) fn tells(&self) -> bool {
        matches!(self, Self::Own(tree) if tree.tells())
    }
}

/// A process and all its descendants, if it is still the one that started then.
fn below(pid: i32, started: Time) -> Vec<i32> {
    if process::start_time(pid).ok() != Some(started) {
        return Vec::new();
    }
    let parents = process::parents().unwrap_or_default();
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    parents.iter().for_each(|(child, parent)| children.entry(*parent).or_default().push(*child));
    let (mut found, mut open) = (BTreeSet::from([pid]), vec![pid]);
    while let Some(next) = open.pop() {
        open.extend(children.get(&next).into_iter().flatten().filter(|child| found.insert(**child)));
    }
    found.into_iter().filter(|pid| process::facts(*pid).is_ok_and(|facts| !facts.is_zombie())).collect()
}

/// All runs, and which process is whose.
#[derive(Debug, Default)]
pub(super) struct Runs {
    /// Ids grow, and a map whose keys grow is half empty.
    all: BTreeMap<RunId, Box<Run>>,
    by_pid: HashMap<i32, RunId>,
}

impl Runs {
    pub(super) fn insert(&mut self, id: RunId, run: Run) {
        for process in [&run.leader, &run.main].into_iter().flatten() {
            self.by_pid.insert(process.pid, id);
        }
        self.all.insert(id, Box::new(run));
    }

    pub(super) fn remove(&mut self, id: RunId) -> Option<Box<Run>> {
        let run = self.all.remove(&id)?;
        for process in [&run.leader, &run.main].into_iter().flatten() {
            self.forget(process.pid, id);
        }
        Some(run)
    }

    pub(super) fn get(&self, id: RunId) -> Option<&Run> {
        self.all.get(&id).map(Box::as_ref)
    }

    pub(super) fn get_mut(&mut self, id: RunId) -> Option<&mut Run> {
        self.all.get_mut(&id).map(Box::as_mut)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (RunId, &Run)> {
        self.all.iter().map(|(id, run)| (*id, &**run))
    }

    /// From now on this is the main process of the run, or with `None` its leader is. Gives back the one before, which
    /// is nobody's any more: its pid may become anybody's.
    pub(super) fn set_main(&mut self, id: RunId, main: Option<Process>) -> Option<Process> {
        let run = self.all.get_mut(&id)?;
        let (next, leader) = (main.as_ref().map(|main| main.pid), run.leader.as_ref().map(|leader| leader.pid));
        let before = std::mem::replace(&mut run.main, main);
        if let Some(before) = before.as_ref().filter(|before| leader != Some(before.pid)) {
            self.forget(before.pid, id);
        }
        if let Some(pid) = next {
            self.by_pid.insert(pid, id);
        }
        before
    }

    /// The process of this pid is not this run's; if it is another's by now, that stays.
    fn forget(&mut self, pid: i32, id: RunId) {
        if self.by_pid.get(&pid) == Some(&id) {
            self.by_pid.remove(&pid);
        }
    }

    /// Whose process this was; it is forgotten.
    pub(super) fn unwatch(&mut self, pid: i32) -> Option<RunId> {
        self.by_pid.remove(&pid)
    }

    pub(super) fn of_pid(&self, pid: i32) -> Option<RunId> {
        self.by_pid.get(&pid).copied()
    }

    pub(super) fn of_tree(&self, name: &str) -> Option<RunId> {
        let id = RunId(name.rsplit_once('.')?.1.parse().ok()?);
        let is_its = matches!(&self.all.get(&id)?.trunk, Trunk::Own(tree) if tree.name() == name);
        is_its.then_some(id)
    }
}

/// How a process ended, for a run that has two that may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Leader,
    Main,
}

impl Run {
    /// Takes note that this process ended.
    pub(super) fn ended(&mut self, pid: i32) -> Option<Which> {
        let is = |process: &Option<Process>| process.as_ref().is_some_and(|process| process.pid == pid);
        if is(&self.leader) {
            self.leader = None;
            Some(Which::Leader)
        } else if is(&self.main) {
            self.main = None;
            Some(Which::Main)
        } else {
            None
        }
    }
}

/// The name of a run's tree and of its files.
pub(super) fn tree_name(name: &Name, run: RunId) -> String {
    format!("{name}.{}", run.0)
}

/// Whether this exit of a leader means that a daemon may have been left behind.
pub(super) fn may_have_left(exit: Exit) -> bool {
    exit.is_success()
}

/// Whether what is launched is not the service itself, but leaves it behind.
pub(super) fn leaves_a_daemon(service: &Service) -> bool {
    matches!(service.kind, Kind::Forking { .. } | Kind::Script(_))
}

#[cfg(test)]
mod tests;
