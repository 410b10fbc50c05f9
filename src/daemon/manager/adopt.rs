//! Daemons that run already: found by pid file and by program, and watched without being touched.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use svc_core::lifecycle::State;
use svc_core::service::Kind;
use svc_core::{Job, RunId, Service, ServiceId};
use svc_platform::clock;
use svc_platform::process::{self, Facts};

use super::Manager;
use super::keeper::Keeper;
use super::look::{pid_files, read_pid};
use super::records::{Launched, Record};
use super::run::{Run, Trunk};
use crate::daemon::say;

/// Programs that run anything: a process of theirs says nothing about which service it is.
const INTERPRETERS: [&str; 12] =
    ["sh", "bash", "dash", "env", "perl", "python", "python3", "ruby", "java", "node", "php", "start-stop-daemon"];

impl Manager {
    /// Looks for the daemons of all scripts.
    pub(super) fn adopt_all(&mut self) {
        let table = Table::read();
        let ids: Vec<ServiceId> = self.core.ids().collect();
        for id in ids {
            let service = self.core.service(id).clone();
            if let Some(facts) = self.find_daemon(&service, &table) {
                self.adopt(id, &service, &facts, None);
            }
        }
    }

    /// The process that is this service's daemon, started by somebody else.
    pub(super) fn find_daemon(&self, service: &Service, table: &Table) -> Option<Facts> {
        let Kind::Script(script) = &service.kind else { return None };
        if !script.daemon {
            return None;
        }
        let free = |facts: &&Facts| self.runs.of_pid(facts.pid).is_none();
        let named = pid_files(service).into_iter().filter_map(read_pid);
        let by_file =
            named.filter_map(|pid| table.all.get(&pid)).filter(free).find(|facts| is_plausible(service, facts));
        if let Some(facts) = by_file {
            return Some(facts.clone());
        }
        // Its own kind of process, whose parent let go of it.
        let orphans = table.all.values().filter(free).filter(|facts| table.is_orphan(facts, &self.keeper));
        let mut found: Vec<&Facts> = orphans.filter(|facts| table.runs_one_of(facts.pid, &script.programs)).collect();
        found.sort_by_key(|facts| facts.started);
        found.first().map(|facts| (*facts).clone())
    }

    pub(super) fn adopt(&mut self, id: ServiceId, service: &Service, facts: &Facts, by: Option<String>) {
        // What was let go at the end is not taken back.
        if self.then.is_some() {
            return;
        }
        let mut actions = Vec::new();
        let Some(run) = self.core.found(clock::now(), id, &mut actions) else { return };
        let launched = Launched { name: service.name.clone(), job: Job::Start, about: None, found: true };
        self.journal.append(&Record::Run(run, launched));
        let trunk = Trunk::Foreign { pid: facts.pid, started: facts.started };
        let mut made = Run::new(id, service.name.clone(), Job::Start, None, trunk);
        made.ready = true;
        made.outside = by;
        self.runs.insert(run, made);
        self.set_main(run, facts.pid);
        say(format!("{}: found running (pid {}: {})", service.name, facts.pid, facts.command()));
        actions.into_iter().for_each(|action| self.act(action));
        // It may have ended while it was looked at.
        self.look_whether_empty(run);
    }

    /// A script's start returned and left nothing: because its daemon ran before, or got out of sight where trees are
    /// not tight. Then that one is watched.
    pub(super) fn is_served_elsewhere(&mut self, id: RunId) -> bool {
        let Some(run) = self.runs.get(id) else { return false };
        if run.job != Job::Start || run.left || !run.returned || matches!(run.trunk, Trunk::Foreign { .. }) {
            return false;
        }
        let service_id = run.service;
        if !matches!(self.core.view(service_id).state, State::Starting { run, .. } if run == id) {
            return false;
        }
        let service = self.core.service(service_id).clone();
        let Some(facts) = self.find_daemon(&service, &Table::read()) else { return false };
        if self.forest.is_tight() || !self.keeper.hears_of(facts.parent) {
            self.is_foreign(id, &service, &facts);
        }
        self.set_main(id, facts.pid);
        self.is_ready(id);
        self.runs.get(id).is_some_and(|run| !run.is_unwatched())
    }

    fn is_foreign(&mut self, id: RunId, service: &Service, facts: &Facts) {
        let Some(mut run) = self.runs.remove(id) else { return };
        if let Trunk::Own(tree) = &run.trunk {
            tree.remove().ok();
        }
        run.trunk = Trunk::Foreign { pid: facts.pid, started: facts.started };
        self.runs.insert(id, *run);
        let launched = Launched { name: service.name.clone(), job: Job::Start, about: None, found: true };
        self.journal.append(&Record::Run(id, launched));
    }
}

/// Every process, looked at once.
pub(super) struct Table {
    all: BTreeMap<i32, Facts>,
    programs: BTreeMap<i32, PathBuf>,
}

impl Table {
    pub(super) fn read() -> Self {
        let pids = process::list().unwrap_or_default();
        let all: BTreeMap<i32, Facts> = pids
            .into_iter()
            // What runs in a container is its own service.
            .filter(|pid| process::shares_view(*pid))
            .filter_map(|pid| process::facts(pid).ok())
            .filter(|facts| !facts.is_zombie())
            .map(|facts| (facts.pid, facts))
            .collect();
        let programs = all.keys().filter_map(|pid| Some((*pid, process::program(*pid).ok()?))).collect();
        Self { all, programs }
    }

    fn is_orphan(&self, facts: &Facts, keeper: &Keeper) -> bool {
        facts.parent <= 1
            || keeper.hears_of(facts.parent)
            || !self.all.contains_key(&facts.parent)
            || facts.session == facts.pid
    }

    fn runs_one_of(&self, pid: i32, programs: &[String]) -> bool {
        let Some(runs) = self.programs.get(&pid) else { return false };
        programs
            .iter()
            .map(Path::new)
            .filter(|program| tells(program))
            .any(|program| program == runs || program.canonicalize().is_ok_and(|path| path == *runs))
    }
}

/// Whether a process of this program says which service it is.
pub(super) fn tells(program: &Path) -> bool {
    let base = program.file_name().unwrap_or_default().to_string_lossy();
    program.is_absolute() && !INTERPRETERS.contains(&&*base)
}

/// Whether a process that a pid file names can be this service's: a pid outlives its process in a file.
pub(super) fn is_plausible(service: &Service, facts: &Facts) -> bool {
    let Kind::Script(script) = &service.kind else { return false };
    let runs = process::program(facts.pid).ok();
    let by_program = script.programs.iter().any(|program| {
        let program = Path::new(program);
        let base = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let same =
            runs.as_deref().is_some_and(|runs| program == runs || program.canonicalize().is_ok_and(|p| p == runs));
        let cut: String = base.chars().take(15).collect();
        same || (!base.is_empty() && facts.name == cut) || facts.arguments.iter().any(|word| Path::new(word) == program)
    });
    let name = service.name.as_str();
    by_program || facts.name == name || (script.programs.is_empty() && facts.command().contains(name))
}
