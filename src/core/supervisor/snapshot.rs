//! A copy of everything that decides, to be looked at and played with elsewhere.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use super::Supervisor;
use crate::service::{ConfigureThen, Enabled, Kind, Log, Origins, Ready, Reload, Script, Service, Shared, Stop, Verb};

impl Supervisor {
    /// A copy that decides as this one does. Of the definitions it has only what decides: no command lines, no
    /// environment, no files; so anybody may see it who may see a list of services.
    pub fn snapshot(&self) -> Self {
        let mut copy = self.clone();
        for life in copy.lives.iter_mut().flatten() {
            life.service = Arc::new(reduced(&life.service));
        }
        copy
    }
}

/// Every key is named here, so that a new one is thought about.
fn reduced(service: &Service) -> Service {
    let Service { name, description, kind: of_kind, links, ready: when, start_timeout, stop, reload, .. } = service;
    let Service { restart, watchdog, smooth, leave_children, verbs, enabled, origins, .. } = service;
    let mut requires = Origins::default();
    origins.get("requires").into_iter().for_each(|place| requires.insert("requires", place));
    Service {
        name: name.clone(),
        description: description.clone(),
        kind: kind(of_kind),
        class: service.class,
        command: Vec::new(),
        links: links.clone(),
        conditions: Vec::new(),
        devices: service.devices.clone(),
        ready: ready(when),
        start_timeout: *start_timeout,
        stop: Stop { signal: stop.signal, command: words(&stop.command), timeout: stop.timeout }.into(),
        reload: match reload {
            Reload::None => Reload::None,
            Reload::Signal(signal) => Reload::Signal(*signal),
            Reload::Command(command) => Reload::Command(words(command)),
        },
        restart: restart.clone(),
        watchdog: *watchdog,
        smooth: *smooth,
        leave_children: *leave_children,
        exec: Shared::default(),
        access: Shared::default(),
        log: Log::default(),
        configure: Vec::new(),
        configure_then: ConfigureThen::default(),
        configure_at_start: false,
        verbs: verbs.iter().map(|(name, verb)| (name.clone(), without_words(verb))).collect(),
        enabled: Enabled { on: enabled.on, origin: String::new() },
        settings: Vec::new(),
        files: Vec::new(),
        origins: requires,
    }
}

/// That there is a command, and not which.
fn words(command: &[String]) -> Vec<String> {
    if command.is_empty() { Vec::new() } else { vec![String::new()] }
}

fn without_words(verb: &Verb) -> Verb {
    Verb { command: words(&verb.command), before: words(&verb.before), after: words(&verb.after) }
}

fn kind(kind: &Kind) -> Kind {
    match kind {
        Kind::Process => Kind::Process,
        Kind::Forking { .. } => Kind::Forking { pid_file: None },
        Kind::Oneshot => Kind::Oneshot,
        Kind::Group => Kind::Group,
        Kind::Script(script) => Kind::Script(Box::new(Script {
            dialect: script.dialect,
            daemon: script.daemon,
            verbs: script.verbs.clone(),
            ..Script::default()
        })),
    }
}

fn ready(ready: &Ready) -> Ready {
    match ready {
        Ready::Executed => Ready::Executed,
        Ready::Exit => Ready::Exit,
        Ready::PidFile(_) => Ready::PidFile(String::new()),
        Ready::NotifyFd(number) => Ready::NotifyFd(*number),
        Ready::SdNotify => Ready::SdNotify,
        Ready::Tcp(_) => Ready::Tcp(String::new()),
        Ready::Unix(_) => Ready::Unix(String::new()),
        Ready::Command(_) => Ready::Command(Vec::new()),
    }
}
