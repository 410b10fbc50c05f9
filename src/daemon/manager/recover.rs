//! Taking over from the manager before: its journal, the definitions it had in force, and what still runs.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use svc_core::lifecycle::{Stage, State};
use svc_core::{Event, Exit, Job, Name, RunId, Service, ServiceId};
use svc_platform::poll::Interest;
use svc_platform::process::{self, Handle};
use svc_platform::tree::Tree;
use svc_platform::{clock, files};

use super::records::{Launched, Past, Record, Watched};
use super::run::{Process, Run, Trunk, leaves_a_daemon, tree_name};
use super::{Manager, Token, ceilings};
use crate::daemon::image::{Faulty, IMAGE_BYTES_MAX};
use crate::daemon::say;

/// The definitions in force, as the next manager needs them: reading the files again could bring others.
#[derive(Default, Serialize, Deserialize)]
struct InForce {
    services: Vec<Arc<Service>>,
    faults: Vec<Faulty>,
    /// After which script a boot that is not over looks at the directories of local ones.
    #[serde(default)]
    divider: String,
}

impl Manager {
    fn in_force_path(&self) -> PathBuf {
        self.options.runtime.join("in-force")
    }

    /// Puts the definitions in force on file.
    pub(super) fn save_in_force(&self) {
        let all = InForce {
            services: self.in_force.values().cloned().collect(),
            faults: self.faults.clone(),
            divider: self.boot.divider().to_owned(),
        };
        let text = serde_json::to_vec(&all).expect("services have only string keys");
        if let Err(error) = files::replace(&self.in_force_path(), &text, 0o600) {
            say(format!("keeping the definitions in force for the next manager: {error}"));
        }
    }

    fn saved_in_force(&self) -> Option<InForce> {
        let text = files::read_regular(&self.in_force_path(), IMAGE_BYTES_MAX as u64).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Goes on where the last manager was, or begins afresh.
    pub(super) fn take_over(&mut self, past: Option<Past>) {
        match (past, self.saved_in_force()) {
            (Some(past), Some(saved)) => self.recover(past, saved),
            (Some(past), None) => {
                say("the definitions in force were not on file: they are read again before anything else");
                self.past = Some(past);
                self.load();
            }
            (None, _) => {
                self.clear_leftovers();
                self.load();
            }
        }
    }

    /// After a load at the very start: what could not be done before.
    pub(super) fn recover_late(&mut self) -> bool {
        let Some(past) = self.past.take() else { return false };
        let services = self.in_force.values().cloned().collect();
        let faults = self.faults.clone();
        self.recover(past, InForce { services, faults, divider: self.boot.divider().to_owned() });
        for (pid, exit) in std::mem::take(&mut self.held_news) {
            self.ended(pid, exit);
        }
        self.all_told();
        true
    }

    fn recover(&mut self, mut past: Past, saved: InForce) {
        self.in_force = saved.services.iter().map(|service| (service.name.clone(), service.clone())).collect();
        self.faults = saved.faults;
        self.boot.divided_by(&saved.divider);
        self.instances = past.instances.iter().cloned().collect();
        let mut actions = Vec::new();
        let now = clock::now();
        self.add_unrecorded(&mut past);
        let ending = self.takes_over_end();
        let (mut waited, mut gone) = self.unlaunched(&past);
        if ending.is_some() {
            gone.append(&mut waited);
        }
        // Before anything else, or what lives with a device would be without it. That another took its place is told
        // later.
        self.devices.remember(past.devices);
        self.look_at_devices(saved.services.iter().flat_map(|service| service.devices.clone()));
        for device in self.devices.present().cloned().collect::<Vec<_>>() {
            self.core.handle(now, Event::Came(device), &mut actions);
        }
        self.core.handle(now, Event::Loaded(saved.services), &mut actions);
        self.core.skip_runs(past.last_run);
        ending.iter().for_each(|who| self.core.goes_on_ending(who.clone()));
        self.core.recover(now, past.memories.into_iter().collect(), &mut actions);
        let (count, boots) = (past.runs.len(), past.boots);
        for (id, (launched, watched)) in past.runs {
            self.find_again(id, launched, &watched);
        }
        actions.into_iter().for_each(|action| self.act(action));
        self.has_loaded = true;
        if boots && ending.is_none() {
            self.resume_boot();
        }
        gone.into_iter().for_each(|run| self.event(Event::Emptied(run)));
        for run in waited {
            let mut actions = Vec::new();
            self.core.launch_again(now, run, &mut actions);
            actions.into_iter().for_each(|action| self.act(action));
        }
        if count > 0 {
            say(format!("{count} runs of the manager before were taken over"));
        }
        if let Some(who) = ending {
            self.goes_on_ending(who);
        }
        self.note_looks();
        // What came while nobody watched.
        self.outside_changed();
    }

    /// Launches that waited for their files, or for a command before them, when the manager before ended: nothing of
    /// them is in its journal but that they start, and they begin again. What was to be stopped or to stop something,
    /// and was not launched, is nothing.
    fn unlaunched(&self, past: &Past) -> (Vec<RunId>, Vec<RunId>) {
        let (mut waited, mut gone) = (Vec::new(), Vec::new());
        for (name, memory) in &past.memories {
            let may_wait = |service: &Arc<Service>| service.configure_at_start || service.before("start").is_some();
            match memory.state {
                State::Starting { run, .. } if self.in_force.get(name).is_some_and(may_wait) => waited.push(run),
                State::Stopping { run, stage, .. } => {
                    let job = if let Stage::Command { job, .. } = stage { Some(job) } else { None };
                    gone.extend(run.into_iter().chain(job));
                }
                _ => {}
            }
        }
        let is_unknown = |run: &RunId| !past.runs.contains_key(run);
        (waited.into_iter().filter(is_unknown).collect(), gone.into_iter().filter(is_unknown).collect())
    }

    /// Finds a run again: its tree, and its processes by pid and start time.
    fn find_again(&mut self, id: RunId, launched: Launched, watched: &[Watched]) {
        let Launched { name, job, about, found } = launched;
        let Some(service) = self.core.id(name.as_str()) else { return };
        let Some(mut trunk) = self.trunk_again(id, &name, found, watched) else {
            self.event(Event::Exited(id, Exit::Unknown));
            self.event(Event::Emptied(id));
            self.journal.append(&Record::Over(id));
            return;
        };
        if let (Trunk::Own(tree), Job::Start) = (&mut trunk, &job) {
            known_again(tree, self.core.service(service));
        }
        let mut run = Run::new(service, name, job, about, trunk);
        let view = self.core.view(service);
        run.ready = matches!(view.state, State::Up { .. });
        run.left = view.left.contains(&id);
        for process in watched {
            let again = self.process_again(*process);
            if !again.by_keeper
                && let Some(handle) = &again.handle
            {
                self.poller.add(handle, Token::Process(id).number(), Interest::READ).ok();
            }
            if process.leader {
                run.leader = Some(again);
            } else {
                run.main = Some(again);
            }
        }
        // Killed between launch and journal: the oldest of the tree is what was launched.
        if watched.is_empty() && self.core.view(service).state.run() == Some(id) && !run.ready {
            run.leader = run
                .trunk
                .processes()
                .first()
                .map(|facts| self.process_again(Watched { pid: facts.pid, started: facts.started, leader: true }));
            if run.leader.is_none() {
                self.event(Event::Exited(id, Exit::Unknown));
            }
        }
        self.runs.insert(id, run);
        if matches!(self.runs.get(id).map(|run| &run.job), Some(Job::Before(_))) {
            // What waited for it begins again, and this with it.
            return self.kill(id);
        }
        self.resume(id, service);
    }

    fn trunk_again(&mut self, id: RunId, name: &Name, found: bool, watched: &[Watched]) -> Option<Trunk> {
        if found {
            let main = watched.last()?;
            return Some(Trunk::Foreign { pid: main.pid, started: main.started });
        }
        let mut tree = match self.forest.find(&tree_name(name, id)) {
            Ok(tree) => tree?,
            Err(error) => {
                // That it cannot be looked at is no sign that nobody is in it.
                say(format!("{name}: its tree: {error}; it is watched by its main process"));
                let main = watched.last()?;
                return Some(Trunk::Foreign { pid: main.pid, started: main.started });
            }
        };
        watched.iter().for_each(|process| tree.led_by(process.pid, process.started));
        Some(Trunk::Own(tree))
    }

    fn process_again(&self, watched: Watched) -> Process {
        let Watched { pid, started, .. } = watched;
        let handle = Handle::open_exactly(pid, started).ok();
        let parent = handle.as_ref().and_then(|_| process::facts(pid).ok()).map(|facts| facts.parent);
        // Of those that are gone the keeper may have news.
        let by_keeper = parent.is_none_or(|parent| self.keeper.hears_of(parent));
        Process { pid, started, handle, by_keeper }
    }

    /// Goes on with what was going on.
    fn resume(&mut self, id: RunId, service: ServiceId) {
        let service = self.core.service(service).clone();
        let Some(run) = self.runs.get(id) else { return };
        if run.is_unwatched() && leaves_a_daemon(&service) && run.job == Job::Start && !run.left {
            self.look_for_main(id);
        } else {
            self.begin_probe(id);
        }
    }

    /// Trees that no journal speaks of, from an earlier life of this instance.
    fn clear_leftovers(&mut self) {
        for name in self.forest.standing().unwrap_or_default() {
            let Ok(Some(tree)) = self.forest.find(&name) else { continue };
            match tree.pids() {
                Ok(pids) if pids.is_empty() => drop(tree.remove()),
                Ok(pids) => say(format!("{name}: processes of an earlier svcd are left: {pids:?}")),
                Err(error) => say(format!("{name}: {error}")),
            }
        }
        fs::remove_dir_all(self.options.runtime.join("notify")).ok();
        fs::create_dir_all(self.options.runtime.join("notify")).ok();
    }

    /// The whole journal as it would be, had nothing of it become history.
    pub(super) fn records(&self) -> Vec<Record> {
        let mut records = vec![Record::Life(self.life.clone())];
        if self.past.is_some() {
            return records;
        }
        records.push(Record::Next(self.core.next_run()));
        records.extend(self.instances.iter().cloned().map(Record::Instance));
        records.extend(self.devices.records());
        records.extend(self.boot.is_unfinished().then_some(Record::Boots(true)));
        for id in self.core.ids() {
            let name = self.core.service(id).name.clone();
            records.push(Record::Service(name, Box::new(self.core.memory(id))));
        }
        for (id, run) in self.runs.iter() {
            let found = matches!(run.trunk, Trunk::Foreign { .. });
            let launched = Launched { name: run.name.clone(), job: run.job.clone(), about: run.about, found };
            records.push(Record::Run(id, launched));
            for (process, leader) in [(&run.leader, true), (&run.main, false)] {
                if let Some(Process { pid, started, .. }) = process {
                    records.push(Record::Process(id, Watched { pid: *pid, started: *started, leader }));
                }
            }
        }
        records
    }
}

/// What a tree knows of itself beside its processes.
fn known_again(tree: &mut Tree, service: &Service) {
    let jail = service.exec.jail.as_ref().map(|_| svc_core::service::Jail::name(&service.name));
    if let Some(jail) = &jail {
        tree.jailed(jail);
    }
    if !ceilings::of(service).is_empty() {
        tree.count_as(jail.as_deref());
    }
}
