//! Answers to check and load.

use std::collections::BTreeSet;
use std::sync::Arc;

use svc_core::service::Service;
use svc_core::{Name, definition};

use super::Manager;
use super::values::values_with_origins;
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
        if let Some(why) = self.template(name) {
            return why;
        }
        let names = image.services.iter().map(|service| service.name.as_str());
        let near = definition::near(name, names).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        format!("there is no service {name}{near}")
    }

    /// What a load brought; of services that were named only what concerns them, and every value in force.
    pub(super) fn report(&mut self, client: u64, names: &[String], report: &LoadReport) {
        let mut report = report.clone();
        if names.is_empty() {
            return self.reply(client, Reply::Load(report));
        }
        let mut meant: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        for name in names {
            match self.resolve(std::slice::from_ref(name), false) {
                Ok(ids) => {
                    for id in ids {
                        let service = self.core.service(id);
                        report.values.extend(values_with_origins(service));
                        meant.insert(service.name.as_str());
                    }
                }
                // A file with faults has said so in the report.
                Err(_) if self.faults.iter().any(|faulty| faulty.name == *name) || self.is_template(name) => {}
                Err(_) => {
                    let refusal = self.unknown_name(name);
                    return self.reply(client, Reply::Refused(refusal));
                }
            }
        }
        let is_meant = |name: &str| concerns(&meant, name);
        report.added.retain(|name| is_meant(name.as_str()));
        report.removed.retain(|name| is_meant(name.as_str()));
        report.changed.retain(|change| is_meant(change.name.as_str()));
        let faults = self.faults.iter().filter(|faulty| is_meant(&faulty.name));
        report.faults = faults.map(|faulty| faulty.text.clone()).collect();
        self.reply(client, Reply::Load(report));
    }

    /// Whether this names a template, which is no service but has a file.
    fn is_template(&self, name: &str) -> bool {
        let is_template = Name::new(name).is_ok_and(|name| name.is_template());
        is_template && self.options.definitions.iter().any(|dir| dir.join(format!("{name}.toml")).is_file())
    }

    /// Why a template is no service.
    pub(super) fn template(&self, name: &str) -> Option<String> {
        let why = || format!("{name} is a template: a service is an instance of it, such as {name}one");
        self.is_template(name).then(why)
    }
}

/// Whether a service is one of these names and patterns, or an instance of such a template.
fn concerns(meant: &BTreeSet<&str>, name: &str) -> bool {
    let template = name.split_once('@').map(|(template, _)| &name[..=template.len()]);
    meant.iter().any(|meant| glob::matches(meant, name) || template == Some(meant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_itself_a_pattern_what_it_matches_and_a_template_its_instances() {
        let meant = BTreeSet::from(["web", "db*", "getty@"]);
        for name in ["web", "db", "db-replica", "getty@", "getty@tty1"] {
            assert!(concerns(&meant, name), "{name}");
        }
        for name in ["webmail", "mail", "serial-getty@tty1", "web@1"] {
            assert!(!concerns(&meant, name), "{name}");
        }
    }
}
