//! What can be seen of a service, put into words.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use svc_core::lifecycle::{Cause, Goal, State};
use svc_core::service::{COMMON, Kind};
use svc_core::{Exit, Name, Service, ServiceId};
use svc_platform::clock;
use svc_platform::process::Facts;

use super::Manager;
use super::helpers::{self, Purpose};
use super::look::pid_files;
use super::run::{Run, Trunk};
use crate::daemon::lend;
use crate::wire::{Process, Reply, StateName, Status, Summary, Usage};

/// Requests for a status that wait for a script's own word.
#[derive(Debug, Default)]
pub(super) struct Asking {
    all: BTreeMap<u64, (u64, ServiceId, u32)>,
}

impl Manager {
    pub(super) fn summary(&self, id: ServiceId) -> Summary {
        let now = clock::now();
        let (service, view) = (self.core.service(id), self.core.view(id));
        let state = state_name(view.state);
        let can_start = !self.core.graph().broken.contains_key(&id);
        let plain = state == StateName::Up || (state == StateName::Down && view.goal == Goal::Down && can_start);
        let reason = || self.core.why(now, id).first().map(|text| beside(state, text, service)).unwrap_or_default();
        Summary {
            name: service.name.clone(),
            kind: kind_name(&service.kind).into(),
            state,
            wanted: view.goal == Goal::Up,
            reason: if plain { String::new() } else { reason() },
            since: now.since(view.since),
            pid: self.run_of(id).and_then(Run::first).map(|process| process.pid),
            enabled: service.enabled.on,
            description: service.description.clone(),
        }
    }

    /// What a service uses just now.
    pub(super) fn usage(&self, id: ServiceId) -> Usage {
        let used = self.run_of(id).map(|run| run.trunk.usage()).unwrap_or_default();
        let restarts = self.core.view(id).restarts;
        Usage { summary: self.summary(id), memory: used.memory, cpu: used.cpu, restarts }
    }

    /// A line for each file that defines no service because of its faults.
    pub(super) fn faulty(&self) -> impl Iterator<Item = Summary> {
        let missing = self.faults.iter().filter_map(|faulty| Some((Name::new(&faulty.name).ok()?, &faulty.text)));
        missing.filter(|(name, _)| self.core.id(name.as_str()).is_none()).map(|(name, text)| Summary {
            kind: String::new(),
            state: StateName::Faulty,
            wanted: false,
            reason: format!("{}; try: svc {name} check", text.lines().next().unwrap_or_default()),
            since: Duration::ZERO,
            pid: None,
            enabled: false,
            description: String::new(),
            name,
        })
    }

    fn run_of(&self, id: ServiceId) -> Option<&Run> {
        self.core.view(id).state.run().and_then(|run| self.runs.get(run))
    }

    /// Answers at once, or after a script has been asked for its own word.
    pub(super) fn status_asked(&mut self, client: u64, ids: &[ServiceId], lines: u32) {
        if let [id] = ids {
            let service = self.core.service(*id).clone();
            let lines = if self.may(client, *id, "log") { lines } else { 0 };
            if self.may(client, *id, "start") && has_own_status(&service) {
                let asker = self.mint();
                let words: Vec<String> = match service.instead("status") {
                    Some(words) => words.to_vec(),
                    None => service.command.iter().cloned().chain(["status".into()]).collect(),
                };
                let words = lend::around(words, &service, &self.options.runtime).unwrap_or_default();
                if self.run_helper(&words, Purpose::Status(asker), Some(&service)).is_ok() {
                    self.asking.all.insert(asker, (client, *id, lines));
                    return;
                }
            }
        }
        let lines = |id| if self.may(client, id, "log") { lines } else { 0 };
        let all = ids.iter().map(|id| self.status(*id, lines(*id))).collect();
        self.reply(client, Reply::Status(all));
    }

    /// A script has said how it thinks its service is; what is seen comes first.
    pub(super) fn script_said(&mut self, asker: u64, result: &helpers::Result) {
        let Some((client, id, lines)) = self.asking.all.remove(&asker) else { return };
        if self.core.ids().all(|known| known != id) {
            return self.reply(client, Reply::Status(Vec::new()));
        }
        let mut status = self.status(id, lines);
        let runs = matches!(self.core.view(id).state, State::Up { .. });
        let service = self.core.service(id);
        status.notes.extend(contradiction(runs, service, result));
        if service.instead("status").is_some() {
            status.own = String::from_utf8_lossy(&result.output).lines().map(str::to_owned).collect();
        }
        self.reply(client, Reply::Status(vec![status]));
    }

    fn status(&self, id: ServiceId, lines: u32) -> Status {
        let now = clock::now();
        let (service, view) = (self.core.service(id), self.core.view(id));
        let run = self.run_of(id);
        let processes = run.map(|run| run.trunk.processes()).unwrap_or_default();
        let usage = run.map(|run| run.trunk.usage()).unwrap_or_default();
        let left = view.left.iter().filter_map(|run| self.runs.get(*run)).flat_map(|run| run.trunk.processes());
        let alive = run.is_some_and(|run| run.first().is_some());
        Status {
            summary: self.summary(id),
            why: self.core.why(now, id),
            tree: processes.iter().map(shown).collect(),
            left_behind: left.map(|facts| shown(&facts)).collect(),
            memory: usage.memory,
            cpu: usage.cpu,
            last_exit: view.last_exit.map(|exit| exit.to_string()),
            restarts: view.restarts,
            said: run.and_then(|run| run.said.clone()),
            notes: self.notes(id, &processes),
            log: self.last_lines(&service.name, lines),
            files: service.files.clone(),
            enabled_by: service.enabled.origin.clone(),
            verbs: verbs(service),
            own: Vec::new(),
            stale_pid_file: !alive && pid_files(service).iter().any(|path| Path::new(path).exists()),
        }
    }

    fn notes(&self, id: ServiceId, processes: &[Facts]) -> Vec<String> {
        let (service, view) = (self.core.service(id), self.core.view(id));
        let mut notes = Vec::new();
        if let Some(faulty) = self.faults.iter().find(|faulty| faulty.name == service.name.as_str()) {
            notes.push(format!("an earlier reading is in force, as its file has faults now: {}", faulty.text));
        }
        if let Some(act) = view.pinned {
            notes.push(format!("pinned by {}", act.who.0));
        }
        if view.orphan {
            notes.push("its definition is gone; it goes when it is stopped".into());
        }
        if let Some(text) = self.core.graph().broken.get(&id) {
            notes.push(text.clone());
        }
        if view.reloading {
            notes.push("it is reading its configuration again".into());
        }
        let run = self.run_of(id);
        match run.map(|run| &run.trunk) {
            Some(Trunk::Foreign { .. }) => {
                let by = run.and_then(|run| run.outside.as_deref()).unwrap_or("found running, not launched by svc");
                notes.push(format!("{by}: its main process and what descends from it are seen"));
            }
            Some(Trunk::Own(_)) if !self.forest.is_tight() => {
                notes.push(format!("tracked by {}", self.forest.tracking()))
            }
            Some(Trunk::Own(_)) | None => {}
        }
        let jails = super::jail::seen(processes).into_iter();
        notes.extend(jails.map(|(name, number)| format!("in the jail {name} ({number})")));
        notes
    }
}

/// What a script says that is not so.
fn contradiction(runs: bool, service: &Service, result: &helpers::Result) -> Option<String> {
    let word = match (result.overdue, result.exit) {
        (true, _) => return Some("its own status did not answer within 5 s".into()),
        (false, Exit::Code(code)) => format!("exit {code}"),
        (false, other) => other.to_string(),
    };
    let named = service.instead("status").is_some()
        || matches!(&service.kind, Kind::Script(script) if script.verbs.iter().any(|verb| verb == "status"));
    let how = if named { "" } else { "; it has no such verb" };
    match (runs, result.exit) {
        (true, Exit::Code(0)) | (false, Exit::Code(1..)) => None,
        (true, _) => Some(format!("its own status says: not running ({word}{how})")),
        (false, Exit::Code(0)) => Some(format!("its own status says: running ({word}{how})")),
        (false, _) => None,
    }
}

/// The verbs that a service has beside the common ones: its definition's, then its script's.
pub(crate) fn verbs(service: &Service) -> Vec<String> {
    let mut verbs: Vec<String> = service.own_verbs().map(str::to_owned).collect();
    if let Kind::Script(script) = &service.kind {
        let other = |verb: &&String| !COMMON.contains(&verb.as_str()) && !service.verbs.contains_key(*verb);
        verbs.extend(script.verbs.iter().filter(other).cloned());
    }
    verbs
}

/// Whether a script can be asked how its daemon is. Where it tells its verbs apart, one that it does not know is
/// harmless, and what others hear who ask it is worth knowing.
fn has_own_status(service: &Service) -> bool {
    if service.instead("status").is_some() {
        return true;
    }
    match &service.kind {
        Kind::Script(script) => script.daemon && script.verbs.iter().any(|verb| verb == "start"),
        Kind::Process | Kind::Forking { .. } | Kind::Oneshot | Kind::Group => false,
    }
}

/// A reason as it is told beside the name of the service and the word for its state, without either.
fn beside(state: StateName, text: &str, service: &Service) -> String {
    let bare = text.strip_prefix(service.name.as_str()).unwrap_or(text).trim_start();
    let bare = bare.strip_prefix("is ").unwrap_or(bare);
    bare.strip_prefix(state.word()).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(bare).to_owned()
}

fn shown(facts: &Facts) -> Process {
    Process { pid: facts.pid, parent: facts.parent, command: facts.command() }
}

pub(super) fn kind_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Process => "process",
        Kind::Forking { .. } => "forking",
        Kind::Oneshot => "oneshot",
        Kind::Group => "group",
        Kind::Script(_) => "script",
    }
}

pub(crate) fn state_name(state: State) -> StateName {
    match state {
        State::Down | State::Ended { cause: Cause::Finished } => StateName::Down,
        State::Waiting => StateName::Waiting,
        State::Starting { .. } => StateName::Starting,
        State::Up { .. } => StateName::Up,
        State::Stopping { .. } => StateName::Stopping,
        State::BackingOff { .. } => StateName::BackingOff,
        State::Ended { cause: Cause::Skipped } => StateName::Skipped,
        State::Ended { cause: Cause::Failed | Cause::Asked } => StateName::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_repeats_neither_name_nor_state() {
        let service = Service::new(Name::new("web").unwrap(), Kind::Process);
        for (state, text, told) in [
            (StateName::Stopping, "web is stopping: was told to end", "was told to end"),
            (StateName::Failed, "web failed: exited with code 1", "exited with code 1"),
            (StateName::Starting, "web is starting, for 1 s of 90 s", "starting, for 1 s of 90 s"),
            (
                StateName::Starting,
                "web is starting: waits for its script to return, for 1 s of 90 s",
                "waits for its script to return, for 1 s of 90 s",
            ),
            (StateName::Waiting, "web waits for db, which it requires", "waits for db, which it requires"),
        ] {
            assert_eq!(beside(state, text, &service), told);
        }
    }
}
