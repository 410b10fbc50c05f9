//! Which process is the service, once what was launched has returned.

use std::path::Path;
use std::time::Duration;

use svc_core::service::{Kind, Ready};
use svc_core::{Event, Job, RunId, Service};
use svc_platform::poll::Interest;
use svc_platform::process::{self, Facts, Handle};
use svc_platform::{clock, files};

use super::records::{Record, Watched};
use super::run::{Process, Trunk};
use super::{Manager, Timer, Token};

/// How long a pid file that a service names is waited for, before its tree alone is asked.
const PID_FILE_WAIT: Duration = Duration::from_secs(3);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A main process that ends this soon with others left was a stage on the way to the real one.
const STAGE_MAX: Duration = Duration::from_secs(5);

/// The pid files a service names.
pub(super) fn pid_files(service: &Service) -> Vec<&str> {
    match &service.kind {
        Kind::Forking { pid_file } => pid_file.iter().map(String::as_str).collect(),
        Kind::Script(script) => script.pid_files.iter().map(String::as_str).collect(),
        Kind::Process | Kind::Oneshot | Kind::Group => Vec::new(),
    }
}

/// The pid in a pid file; what else is in the file does not matter.
pub(super) fn read_pid(path: &str) -> Option<i32> {
    let text = files::read_regular(Path::new(path), 4096).ok()?;
    let text = String::from_utf8_lossy(&text);
    text.split_whitespace().next()?.parse().ok().filter(|pid| *pid > 1)
}

impl Manager {
    /// What was launched has returned: finds the daemon that it left, now or a little later.
    pub(super) fn look_for_main(&mut self, id: RunId) {
        let Some(run) = self.runs.get_mut(id) else { return };
        run.looking = Some(clock::now() + PID_FILE_WAIT);
        self.look_again(id);
    }

    pub(super) fn look_again(&mut self, id: RunId) {
        let now = clock::now();
        let Some(run) = self.runs.get(id) else { return };
        let Some(until) = run.looking else { return };
        if run.main.is_some() || run.leader.is_some() {
            return;
        }
        let service = self.core.service(run.service).clone();
        let processes = run.trunk.processes();
        if processes.is_empty() {
            return self.look_whether_empty(id);
        }
        let named = named_by_pid_file(&service, &processes);
        let hopeless = pid_files(&service).is_empty() || until <= now;
        match (named, hopeless) {
            (Some(pid), _) => self.main_found(id, pid),
            (None, false) => self.set_timer(LOOK_AGAIN, Timer::Look(id)),
            (None, true) => match self.guessed(&service, &run.job, &processes) {
                Some(pid) => self.main_found(id, pid),
                None => {
                    if let Some(run) = self.runs.get_mut(id) {
                        run.looking = None;
                    }
                }
            },
        }
    }

    /// Without a pid file: a process of a program that the script names, else the oldest whose parent is gone, else the
    /// oldest. What other verbs than `start` leave is the service only if something says so.
    fn guessed(&self, service: &Service, job: &Job, processes: &[Facts]) -> Option<i32> {
        let orphan = |facts: &&Facts| !processes.iter().any(|other| other.pid == facts.parent);
        let programs = match &service.kind {
            Kind::Script(script) => script.programs.as_slice(),
            Kind::Process | Kind::Forking { .. } | Kind::Oneshot | Kind::Group => &[],
        };
        let runs_it = |facts: &&Facts| {
            process::program(facts.pid).is_ok_and(|path| programs.iter().any(|program| Path::new(program) == path))
        };
        let known = processes.iter().filter(orphan).find(runs_it);
        let oldest = || processes.iter().find(orphan).or(processes.first());
        match (known, job) {
            (Some(facts), _) => Some(facts.pid),
            (None, Job::Start) => oldest().map(|facts| facts.pid),
            (None, Job::Verb(_)) if programs.is_empty() => oldest().map(|facts| facts.pid),
            (None, Job::Stop | Job::Reload | Job::Verb(_)) => None,
        }
    }

    fn main_found(&mut self, id: RunId, pid: i32) {
        self.set_main(id, pid);
        let Some(run) = self.runs.get_mut(id) else { return };
        run.looking = None;
        if run.main.is_none() {
            // It ended while it was looked at.
            return self.look_for_main(id);
        }
        let service = self.core.service(run.service);
        if run.job != Job::Start || run.left {
            return self.event(Event::Remains(id));
        }
        if service.ready == Ready::Exit || run.ready {
            self.is_ready(id);
        } else {
            self.begin_probe(id);
        }
    }

    /// Watches this process as the run's main one from now on.
    pub(super) fn set_main(&mut self, id: RunId, pid: i32) {
        let Ok(facts) = process::facts(pid) else { return };
        let Ok(handle) = Handle::open_exactly(pid, facts.started) else { return };
        let by_keeper = facts.parent == self.keeper.pid();
        let Some(run) = self.runs.get_mut(id) else { return };
        if run.first().is_some_and(|process| process.pid == pid) {
            return;
        }
        if !by_keeper && self.poller.add(&handle, Token::Process(id).number(), Interest::READ).is_err() {
            return;
        }
        match &mut run.trunk {
            Trunk::Foreign { pid: main, started } => (*main, *started) = (pid, facts.started),
            Trunk::Own(tree) => tree.led_by(pid, facts.started),
        }
        run.main = Some(Process { pid, started: facts.started, handle: Some(handle), by_keeper });
        self.runs.watch(pid, id);
        let watched = Watched { pid, started: facts.started, leader: false };
        self.journal.append(&Record::Process(id, watched));
    }

    /// The process that has taken the place of a main process that ended, as in an upgrade without a gap.
    pub(super) fn successor(&self, id: RunId, service: &Service) -> Option<i32> {
        let run = self.runs.get(id)?;
        if run.left {
            return None;
        }
        let processes = run.trunk.processes();
        if let Some(pid) = named_by_pid_file(service, &processes) {
            return Some(pid);
        }
        let young = clock::now().since(run.ready_at) < STAGE_MAX;
        let orphan = processes.iter().find(|facts| facts.parent == self.keeper.pid());
        orphan.filter(|_| young && pid_files(service).is_empty()).map(|facts| facts.pid)
    }
}

fn named_by_pid_file(service: &Service, processes: &[Facts]) -> Option<i32> {
    let mut named = pid_files(service).into_iter().filter_map(read_pid);
    named.find(|pid| processes.iter().any(|facts| facts.pid == *pid))
}
