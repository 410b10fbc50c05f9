//! Which process is the service, once what was launched has returned.

use std::path::Path;
use std::time::Duration;

use svc_core::service::{Kind, Ready};
use svc_core::{Event, Exit, Job, RunId, Service};
use svc_platform::poll::Interest;
use svc_platform::process::{self, Facts, Handle};
use svc_platform::{clock, files};

use super::records::{Record, Watched};
use super::run::{Process, Trunk};
use super::{Manager, Timer, Token};

/// How long a pid file that a service names is waited for, before its tree alone is asked.
const PID_FILE_WAIT: Duration = Duration::from_secs(3);
/// The same where a process runs a program that the script names: it may be a stage on the way into the background.
const KNOWN_WAIT: Duration = Duration::from_millis(500);
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
        let waited = PID_FILE_WAIT.saturating_sub(until.since(now));
        let patience = if pid_files(&service).is_empty() { Duration::ZERO } else { PID_FILE_WAIT };
        let found = named_by_pid_file(&service, &processes)
            .or_else(|| known(&service, &processes).filter(|_| waited >= patience.min(KNOWN_WAIT)))
            .or_else(|| guessed(&service, &run.job, &processes).filter(|_| waited >= patience));
        match found {
            Some(pid) => self.main_found(id, pid),
            None if waited < patience => self.set_timer(LOOK_AGAIN, Timer::Look(id)),
            None => {
                if let Some(run) = self.runs.get_mut(id) {
                    run.looking = None;
                }
            }
        }
    }

    /// Whoever was asked to start a daemon may have said yes before that is what it will be: systemd does when it has
    /// forked. Then it is looked for again.
    pub(super) fn may_come(&mut self, id: RunId) -> bool {
        let Some(run) = self.runs.get(id) else { return false };
        let is_awaited = run.job == Job::Start && run.returned && !run.left;
        let is_asked_for = match &self.core.service(run.service).kind {
            Kind::Script(script) => script.unit.is_some() && script.daemon,
            _ => false,
        };
        let comes = is_awaited && is_asked_for && run.looking.is_some_and(|until| until > clock::now());
        if comes {
            self.set_timer(LOOK_AGAIN, Timer::Look(id));
        }
        comes
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
        let by_keeper = self.keeper.hears_of(facts.parent);
        let Some(run) = self.runs.get_mut(id) else { return };
        if run.first().is_some_and(|process| process.pid == pid) {
            return;
        }
        // The word that went to another process came back.
        if run.leader.as_ref().is_some_and(|leader| leader.pid == pid) {
            return self.main_is(id, None);
        }
        if !by_keeper && self.poller.add(&handle, Token::Process(id).number(), Interest::READ).is_err() {
            return;
        }
        match &mut run.trunk {
            Trunk::Foreign { pid: main, started } => (*main, *started) = (pid, facts.started),
            Trunk::Own(tree) => tree.led_by(pid, facts.started),
        }
        self.main_is(id, Some(Process { pid, started: facts.started, handle: Some(handle), by_keeper }));
        let watched = Watched { pid, started: facts.started, leader: false };
        self.journal.append(&Record::Process(id, watched));
    }

    fn main_is(&mut self, id: RunId, main: Option<Process>) {
        let Some(before) = self.runs.set_main(id, main) else { return };
        if let Some(handle) = before.handle.as_ref().filter(|_| !before.by_keeper) {
            self.poller.remove(handle).ok();
        }
        self.journal.append(&Record::Ended(id, before.pid));
    }

    /// The process that has taken the place of a main process that ended, as in an upgrade without a gap.
    pub(super) fn successor(&self, id: RunId, service: &Service, exit: Exit) -> Option<i32> {
        let run = self.runs.get(id)?;
        if run.left {
            return None;
        }
        let processes = run.trunk.processes();
        if let Some(pid) = named_by_pid_file(service, &processes) {
            return Some(pid);
        }
        // A stage ends with success; what a daemon leaves that was killed is no daemon.
        let is_stage = exit.is_success() && clock::now().since(run.ready_at) < STAGE_MAX;
        let orphan = processes.iter().find(|facts| self.keeper.hears_of(facts.parent));
        orphan.filter(|_| is_stage && pid_files(service).is_empty()).map(|facts| facts.pid)
    }
}

fn has_no_parent(facts: &Facts, processes: &[Facts]) -> bool {
    !processes.iter().any(|other| other.pid == facts.parent)
}

/// A process of a program that the script names.
fn known(service: &Service, processes: &[Facts]) -> Option<i32> {
    let Kind::Script(script) = &service.kind else { return None };
    let runs_it = |facts: &&Facts| {
        process::program(facts.pid).is_ok_and(|path| {
            let is_it = |program: &Path| program == path || program.canonicalize().is_ok_and(|whole| whole == path);
            script.programs.iter().any(|program| is_it(Path::new(program)))
        })
    };
    processes.iter().filter(|facts| has_no_parent(facts, processes)).find(runs_it).map(|facts| facts.pid)
}

/// The oldest whose parent is gone, else the oldest. What other verbs than `start` leave is the service only if
/// something says so.
fn guessed(service: &Service, job: &Job, processes: &[Facts]) -> Option<i32> {
    let says_nothing = match &service.kind {
        Kind::Script(script) => script.programs.is_empty(),
        Kind::Process | Kind::Forking { .. } | Kind::Oneshot | Kind::Group => true,
    };
    let oldest = || processes.iter().find(|facts| has_no_parent(facts, processes)).or(processes.first());
    match job {
        Job::Start => oldest().map(|facts| facts.pid),
        Job::Verb(_) | Job::Instead(_) if says_nothing => oldest().map(|facts| facts.pid),
        Job::Stop | Job::Reload | Job::Verb(_) | Job::Instead(_) | Job::Before(_) | Job::After(_) => None,
    }
}

fn named_by_pid_file(service: &Service, processes: &[Facts]) -> Option<i32> {
    let mut named = pid_files(service).into_iter().filter_map(read_pid);
    named.find(|pid| processes.iter().any(|facts| facts.pid == *pid))
}
