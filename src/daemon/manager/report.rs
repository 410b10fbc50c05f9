//! Answers to check and load.

use std::sync::Arc;

use svc_core::definition;
use svc_core::service::Service;

use super::Manager;
use super::load::values_with_origins;
use crate::daemon::glob;
use crate::daemon::image::Image;
use crate::wire::{Checked, Finding, Level, LoadReport, Reply};

impl Manager {
    /// What a fresh reading says of these services; nothing of it is put in force.
    pub(super) fn check(&mut self, client: u64, names: &[String], image: &Image) {
        let all: Vec<String> = image
            .services
            .iter()
            .map(|service| service.name.to_string())
            .chain(image.faults.iter().map(|faulty| faulty.name.clone()))
            .collect();
        let mut asked: Vec<String> = Vec::new();
        for name in names {
            match glob::is_glob(name) {
                true => asked.extend(all.iter().filter(|known| glob::matches(name, known)).cloned()),
                false => asked.push(name.clone()),
            }
        }
        if names.is_empty() {
            asked = all;
        }
        asked.sort();
        asked.dedup();
        let checked = asked.iter().map(|name| self.check_one(name, image)).collect();
        self.check_by_command(client, checked, image);
    }

    fn check_one(&self, name: &str, image: &Image) -> Checked {
        let faulty = image.faults.iter().find(|faulty| faulty.name == name);
        let called = |service: &&Arc<Service>| {
            service.name.as_str() == name || service.links.provides.iter().any(|other| other.as_str() == name)
        };
        let found = image.services.iter().find(called);
        let mut findings = Vec::new();
        if let Some(faulty) = faulty {
            findings.push(Finding { level: Level::Bad, text: faulty.text.clone() });
        }
        let Some(service) = found else {
            if faulty.is_none() {
                findings.push(Finding { level: Level::Bad, text: self.not_there(name, image) });
            }
            return Checked { name: name.into(), ok: false, enabled: String::new(), findings };
        };
        findings.extend(image.findings.get(&service.name).into_iter().flatten().cloned());
        if let Some(text) = image.broken.get(&service.name) {
            findings.push(Finding { level: Level::Bad, text: text.clone() });
        }
        if !self.forest.is_tight() {
            findings.push(Finding { level: Level::Note, text: format!("tracked by {}", self.forest.tracking()) });
        }
        let differs = self.in_force.get(&service.name).is_some_and(|old| old != service);
        if differs {
            let text = "another version than on disk is in force; to change that: svc load".into();
            findings.push(Finding { level: Level::Note, text });
        }
        let ok = findings.iter().all(|finding| finding.level != Level::Bad);
        let enabled = match (service.enabled.on, service.enabled.origin.as_str()) {
            (true, origin) => format!("enabled by {origin}"),
            (false, "") => "not enabled: nothing says that it starts at boot".into(),
            (false, origin) => format!("disabled by {origin}"),
        };
        Checked { name: service.name.to_string(), ok, enabled, findings }
    }

    fn not_there(&self, name: &str, image: &Image) -> String {
        if let Some(why) = image.not_services.get(name) {
            return format!("the script {name} is no service: {why}");
        }
        let names = image.services.iter().map(|service| service.name.as_str());
        let near = definition::near(name, names).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        format!("there is no service {name}{near}")
    }

    /// What a load brought; for services that were named every value in force.
    pub(super) fn report(&mut self, client: u64, names: &[String], report: &LoadReport) {
        let mut report = report.clone();
        if names.is_empty() {
            return self.reply(client, Reply::Load(report));
        }
        let mut values = Vec::new();
        for name in names {
            match self.resolve(std::slice::from_ref(name), false) {
                Ok(ids) => {
                    for id in ids {
                        values.extend(values_with_origins(self.core.service(id)));
                    }
                }
                // A file with faults has said so in the report.
                Err(_) if self.faults.iter().any(|faulty| faulty.name == *name) => {}
                Err(_) => {
                    let refusal = self.unknown_name(name);
                    return self.reply(client, Reply::Refused(refusal));
                }
            }
        }
        let named = |text: &str| names.iter().any(|name| glob::matches(name, text));
        report.changed.retain(|change| named(change.name.as_str()));
        report.values = values;
        self.reply(client, Reply::Load(report));
    }
}
