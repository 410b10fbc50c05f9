//! What the words of a header ask of other services.

use super::graph::{Mode, Need};
use super::run::Run;
use crate::header::insserv::words;

impl Run<'_> {
    /// Notes what a service requires: each word is a service, a facility, or with `+` a service that may be missing.
    pub(super) fn request(&mut self, service: usize, mode: Mode, must: bool, list: &str) {
        let mut service = service;
        for word in words(list) {
            match word.strip_prefix('+') {
                Some(name) => self.request_service(&mut service, mode, false, name),
                None if word.starts_with('$') => self.request_facility(service, mode, must, word),
                None => self.request_service(&mut service, mode, must, word),
            }
        }
    }

    fn request_service(&mut self, service: &mut usize, mode: Mode, must: bool, name: &str) {
        let other = self.graph.service(name);
        let (of, on) = match mode {
            Mode::Start => {
                *service = self.graph.original(*service);
                (*service, other)
            }
            // Stopping goes the other way round: the other one stops after this.
            Mode::Stop => (self.graph.original(other), *service),
        };
        self.graph.need(of, Need { service: on, must }, mode);
        let (later, earlier) = (self.graph.services[of].place, self.graph.services[on].place);
        self.graph.link(later, earlier, mode);
    }

    fn request_facility(&mut self, service: usize, mode: Mode, must: bool, name: &str) {
        if name.eq_ignore_ascii_case("$null") {
            return;
        }
        if name.eq_ignore_ascii_case("$all") {
            let flags = &mut self.graph.services[service].flags;
            match mode {
                Mode::Start => flags.last = true,
                Mode::Stop => flags.first = true,
            }
            return;
        }
        let Some(members) = self.facilities.get(name).cloned() else {
            if must {
                self.warn(format!("warning: could not find all dependencies for {name}"));
            }
            return;
        };
        for member in members.iter() {
            self.request(service, mode, must, member);
        }
    }

    /// Notes what others are asked to require of this service.
    pub(super) fn request_of_others(&mut self, service: usize, mode: Mode, list: &str) {
        for word in words(list) {
            if word.starts_with('$') {
                let members = self.facilities.get(word).cloned();
                for member in members.iter().flat_map(|members| members.iter()) {
                    self.request_of_others(service, mode, member);
                }
                continue;
            }
            let other = self.graph.service(word.strip_prefix('+').unwrap_or(word));
            let name = self.graph.services[service].name.clone();
            self.request(other, mode, false, &name);
        }
    }
}
