//! Files that are made before a start: a child makes them, and the launch waits for it.

use std::collections::BTreeMap;

use svc_core::{Event, Job, RunId, Service, ServiceId};
use svc_platform::host;

use super::helpers::{self, Purpose};
use super::{Manager, Role};

/// As much of what the child says is told on.
const TOLD_CHARS_MAX: usize = 2000;

/// Launches that wait for their files.
#[derive(Debug, Default)]
pub(super) struct Configuring {
    runs: BTreeMap<RunId, ServiceId>,
}

impl Manager {
    /// Has the files of a service made, if they are to be; `true`: the launch goes on when that is done.
    pub(super) fn configures_first(&mut self, run: RunId, id: ServiceId, service: &Service) -> bool {
        if !service.configure_at_start || service.configure.is_empty() {
            return false;
        }
        match self.start_configurer(run, service) {
            Ok(()) => drop(self.configuring.runs.insert(run, id)),
            Err(error) => self.event(Event::SpawnFailed(run, format!("making its files: {error}"))),
        }
        true
    }

    fn start_configurer(&mut self, run: RunId, service: &Service) -> std::io::Result<()> {
        let program = host::own_program()?.to_string_lossy().into_owned();
        let mut words = vec![program, "--role".into(), Role::Configurer.name().into()];
        for word in self.options.arguments() {
            words.push(word.into_string().map_err(|_| std::io::Error::other("a path that is not UTF-8"))?);
        }
        words.push(service.name.to_string());
        self.run_helper(&words, Purpose::Configure(run), None)
    }

    /// The files are made, or are not.
    pub(super) fn configured(&mut self, run: RunId, result: &helpers::Result) {
        // Whoever did not want the launch any more has been told.
        let Some(id) = self.configuring.runs.remove(&run) else { return };
        if result.exit.is_success() && !result.overdue {
            let service = self.core.service(id).clone();
            return self.launch_or_say(run, id, &service, Job::Start, None);
        }
        let said: String = String::from_utf8_lossy(&result.output).trim_end().chars().take(TOLD_CHARS_MAX).collect();
        let why = match (result.overdue, said.as_str()) {
            (true, _) => "it took too long, and was ended".to_owned(),
            (false, "") => result.exit.to_string(),
            (false, said) => said.to_owned(),
        };
        self.event(Event::SpawnFailed(run, format!("making its files: {why}")));
    }

    /// Ends a launch that waits for its files; whether there was one.
    pub(super) fn stop_configuring(&mut self, run: RunId) -> bool {
        if self.configuring.runs.remove(&run).is_none() {
            return false;
        }
        self.end_helper(Purpose::Configure(run));
        self.event(Event::SpawnFailed(run, "it was stopped before its files were made".to_owned()));
        true
    }
}
