//! Reading definitions again: a loader child, its image, and what it changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use svc_core::{Event, Name, Service};
use svc_platform::{host, memory};

use super::helpers::{self, Purpose};
use super::requests::{Awaits, Waiting};
use super::values::changes;
use super::{Manager, link};
use crate::daemon::image::Image;
use crate::daemon::say;
use crate::wire::{LoadReport, Refusal, Reply};

impl Manager {
    /// Starts a loader, or one more after the one at work: what it reads may be older than what is asked for now.
    pub(super) fn load(&mut self) {
        if self.is_at_work(Purpose::Load) {
            self.requests.load_again = true;
            return;
        }
        self.requests.load_again = false;
        self.requests.loading = std::mem::take(&mut self.requests.to_load);
        self.boot.load_begins();
        if let Err(error) = self.start_loader() {
            self.load_failed(&format!("starting the loader: {error}"));
        }
    }

    fn start_loader(&mut self) -> std::io::Result<()> {
        self.note_looks();
        let mut words = vec![host::own_program()?.to_string_lossy().into_owned(), "--role".into(), "loader".into()];
        for word in self.options.arguments() {
            words.push(word.into_string().map_err(|_| std::io::Error::other("a path that is not UTF-8"))?);
        }
        words.extend(self.instances.iter().map(Name::to_string));
        self.run_helper(&words, Purpose::Load, None)
    }

    /// A loader has ended.
    pub(super) fn loaded(&mut self, result: helpers::Result) {
        let image = match (result.overdue, serde_json::from_slice::<Image>(&result.output)) {
            (false, Ok(image)) if result.exit.is_success() => image,
            (true, _) => {
                let limit = Purpose::Load.limit().as_secs();
                return self.load_failed(&format!("the loader took more than {limit} s and was ended"));
            }
            (false, Err(error)) if result.exit.is_success() => {
                return self.load_failed(&format!("what the loader handed over cannot be read: {error}"));
            }
            (false, _) => return self.load_failed(&format!("the loader {}", result.exit)),
        };
        let waiting = std::mem::take(&mut self.requests.loading);
        let first = !self.has_loaded;
        let more = self.boot.takes_load();
        let in_force = first || more || waiting.iter().any(Waiting::puts_in_force);
        let only_scripts =
            !first && !waiting.is_empty() && waiting.iter().all(|waiting| waiting.awaits == Awaits::Scripts);
        self.boot.divided_by(image.divider());
        let report = if in_force { self.put_in_force(&image, only_scripts) } else { LoadReport::default() };
        if first {
            self.first_load();
        } else if more {
            self.boot_more();
        }
        for waiting in waiting {
            self.go_on(waiting, Ok((&image, &report)));
        }
        drop((image, result.output));
        memory::give_back();
        if self.requests.load_again {
            self.load();
        }
    }

    fn load_failed(&mut self, why: &str) {
        let text = format!("{why}; what was in force stays in force");
        say(&text);
        if self.boot.takes_load() {
            self.go_on_with_boot();
        }
        for waiting in std::mem::take(&mut self.requests.loading) {
            self.go_on(waiting, Err(Reply::Refused(Refusal::Failed { text: text.clone() })));
        }
        if !self.has_loaded {
            // Without any definition the daemon still answers, and another load may go better.
            self.first_load();
        }
        if self.requests.load_again {
            self.load();
        }
    }

    fn first_load(&mut self) {
        self.has_loaded = true;
        self.pump();
        if self.recover_late() {
            return self.resume_requests();
        }
        if let Some(who) = self.takes_over_end() {
            self.goes_on_ending(who);
            return self.resume_requests();
        }
        self.pump();
        self.adopt_all();
        self.pump();
        let starts: Vec<_> = self
            .core
            .ids()
            .filter(|id| {
                let enabled = &self.core.service(*id).enabled;
                let wanted = !self.core.service(*id).name.is_template() && (enabled.on || enabled.origin.is_empty());
                (self.options.boot && enabled.on) || (self.options.all && wanted)
            })
            .collect();
        if self.options.first {
            self.comes_up(&starts);
        }
        self.begin_boot(&starts);
        self.event(Event::Together(starts.into_iter().map(Event::Boot).collect()));
        self.pump();
        self.resume_requests();
    }

    /// Puts an image in force; what has faults stays as it was.
    fn put_in_force(&mut self, image: &Image, only_scripts: bool) -> LoadReport {
        let mut next: BTreeMap<Name, Arc<Service>> =
            image.services.iter().map(|service| (service.name.clone(), service.clone())).collect();
        if only_scripts {
            // Definitions wait until somebody says that they are ready to be read.
            next.retain(|_, service| service.is_script());
            let rest = self.in_force.iter().filter(|(_, service)| !service.is_script());
            next.extend(rest.map(|(name, service)| (name.clone(), service.clone())));
        }
        for faulty in &image.faults {
            if let Some((name, old)) = self.in_force.get_key_value(faulty.name.as_str()) {
                next.insert(name.clone(), old.clone());
            }
        }
        let mut report = LoadReport {
            added: next.keys().filter(|name| !self.in_force.contains_key(*name)).cloned().collect(),
            removed: self.in_force.keys().filter(|name| !next.contains_key(*name)).cloned().collect(),
            changed: Vec::new(),
            faults: image.faults.iter().map(|faulty| faulty.text.clone()).collect(),
            values: Vec::new(),
        };
        for (name, new) in &next {
            if let Some(old) = self.in_force.get(name).filter(|old| *old != new) {
                report.changed.extend(changes(old, new));
                if old.log != new.log {
                    self.bound_log(new);
                }
            }
        }
        for note in &image.notes {
            say(note);
        }
        for faulty in image.faults.iter().filter(|faulty| !self.faults.contains(faulty)) {
            say(&faulty.text);
        }
        self.in_force = next;
        self.faults = image.faults.clone();
        self.not_services = image.not_services.clone();
        self.save_in_force();
        self.look_at_devices(
            self.in_force.values().flat_map(|service| service.devices.clone()).collect::<Vec<_>>().into_iter(),
        );
        self.event(Event::Loaded(self.in_force.values().cloned().collect()));
        self.pump();
        // Those that nobody wants any more are let go.
        self.look_at_devices(std::iter::empty());
        self.watch_outside();
        report
    }

    fn bound_log(&mut self, service: &Service) {
        if let Some(key) = link::Key::new(service.name.as_str()).filter(|_| self.pipes.contains_key(&service.name)) {
            let record = link::Record::Store { key, size: service.log.size, keep: service.log.keep };
            self.keeper.send(record, Vec::new());
        }
    }
}
