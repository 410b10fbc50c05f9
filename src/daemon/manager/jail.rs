//! Jails: which one a launch is put into, and what ends with a service.

use std::collections::BTreeSet;

use svc_core::{Job, RunId, Service, service};
use svc_platform::jail;
use svc_platform::launch::Jail;
use svc_platform::process::Facts;

use super::{Manager, say};

/// How the system's own scripts call the jails that they make for services (`NAME_svcj` in rc.conf).
const SERVICE_JAIL: &str = "svcj-";

impl Manager {
    /// The jail that a launch is to be in: a start makes it, what else is run for the service enters it while it is
    /// there.
    pub(super) fn jail_for(&self, service: &Service, job: &Job, about: Option<RunId>) -> Option<Jail> {
        let jail = service.exec.jail.as_ref()?;
        if *job == Job::Start {
            return Some(Jail::Make(service::Jail::name(&service.name), jail.clone()));
        }
        let (name, number) = about.and_then(|run| self.runs.get(run))?.trunk.jail()?;
        Some(Jail::Enter(name.to_owned(), number))
    }

    /// A script's own stop has ended. Where it had made a service jail and could not stop what is in it (`NAME_user`:
    /// the signal is sent from outside, by that user), the jail goes, as it does after a stop that could.
    pub(super) fn end_service_jail(&self, service: &Service, about: Option<RunId>) {
        let Some(run) = about.filter(|_| service.is_script()).and_then(|about| self.runs.get(about)) else { return };
        for (name, number) in
            seen(&run.trunk.processes()).into_iter().filter(|(name, _)| name.starts_with(SERVICE_JAIL))
        {
            match jail::remove(number) {
                Ok(()) => say(format!("{}: its jail {name} was left by its stop and is removed", service.name)),
                // It has gone meanwhile.
                Err(_) if jail::name(number).is_err() => {}
                Err(error) => say(format!("{}: removing its jail {name}: {error}", service.name)),
            }
        }
    }
}

/// The jails that these processes are in, by name and number.
pub(super) fn seen(processes: &[Facts]) -> Vec<(String, i32)> {
    let numbers = processes.iter().filter_map(|facts| jail::of_process(facts.pid).ok().flatten());
    let numbers: BTreeSet<i32> = numbers.collect();
    numbers.into_iter().filter_map(|number| Some((jail::name(number).ok()?, number))).collect()
}
