//! The `.depend` files that startpar(8) reads.

use std::collections::HashSet;

use super::graph::{BOOT, Mode, NORMAL, Need};
use super::run::Run;
use super::{Depend, Levels};

/// So many dependencies of one script are compared with each new one.
const COMPARED_MAX: usize = 100;

impl Run<'_> {
    pub(super) fn make_depend(&mut self) -> (Depend, Depend, Depend) {
        let (mut boot, mut start, mut stop) = (Depend::default(), Depend::default(), Depend::default());
        self.sort(Mode::Start);
        boot.targets = self.targets(Mode::Start, BOOT);
        start.targets = self.targets(Mode::Start, NORMAL);
        for service in self.listed(Mode::Start, BOOT | NORMAL) {
            let to_boot = self.graph.levels(service, Mode::Start) & BOOT != 0;
            let file = if to_boot { &mut boot } else { &mut start };
            let name = self.script_of(service);
            if self.graph.services[service].flags.interactive && !self.graph.services[service].needs.is_empty() {
                file.interactive.push(name.clone());
            }
            let deps = self.deps(service, Mode::Start);
            if !deps.is_empty() {
                file.deps.insert(name, deps);
            }
        }
        self.sort(Mode::Stop);
        stop.targets = self.targets(Mode::Stop, NORMAL);
        for service in self.listed(Mode::Stop, BOOT | NORMAL) {
            if self.graph.levels(service, Mode::Stop) & BOOT != 0 {
                continue;
            }
            let deps = self.deps(service, Mode::Stop);
            if !deps.is_empty() {
                stop.deps.insert(self.script_of(service), deps);
            }
        }
        (boot, start, stop)
    }

    fn script_of(&self, service: usize) -> String {
        self.graph.script_name(service).unwrap_or_default().to_string()
    }

    /// Scripts that are linked and in one of these runlevels, in order.
    fn listed(&self, mode: Mode, levels: Levels) -> Vec<usize> {
        let places = self.graph.in_order().into_iter().map(|place| &self.graph.places[place]);
        places
            .filter(|place| place.side(mode).levels & levels != 0)
            .map(|place| place.service)
            .filter(|service| self.graph.services[*service].script.is_some() && self.graph.services[*service].links > 0)
            .collect()
    }

    fn targets(&self, mode: Mode, levels: Levels) -> Vec<String> {
        self.listed(mode, levels).into_iter().map(|service| self.script_of(service)).collect()
    }

    /// Brings places, and what each service waits for, into the order of their numbers.
    ///
    /// Only the numbers of runlevels 0 to 6 are sorted: what is later than all of those keeps its place at the end.
    fn sort(&mut self, mode: Mode) {
        let highest = match mode {
            Mode::Start => self.start_max,
            Mode::Stop => self.stop_max,
        };
        let places = &self.graph.places;
        let number = |place: usize| places[place].side(mode).number;
        let key = |number: i32| if number > highest { i32::MAX } else { number };
        let mut order = std::mem::take(&mut self.graph.order);
        order.sort_by_key(|place| key(number(*place)));
        let mut sorted: Vec<(usize, Vec<Need>)> = Vec::new();
        for (at, service) in self.graph.services.iter().enumerate() {
            if service.flags.duplicate {
                continue;
            }
            let mut list: Vec<Need> = if mode == Mode::Start { service.needs.clone() } else { service.stops.clone() };
            // The latest first; beyond the highest number they stay behind as they are.
            list.sort_by_key(|need| {
                let number = number(self.graph.services[need.service].place);
                if number > highest { i32::MAX } else { highest - number }
            });
            let mut kept: Vec<Need> = Vec::new();
            let mut seen = HashSet::new();
            for need in list {
                let place = self.graph.services[need.service].place;
                if number(place) > highest {
                    kept.push(need);
                    continue;
                }
                // Names of one script have one number, so they stand together.
                let twice = !seen.insert(place);
                if !twice {
                    kept.push(Need { service: self.graph.places[place].service, ..need });
                }
            }
            sorted.push((at, kept));
        }
        self.graph.order = order;
        for (at, list) in sorted {
            match mode {
                Mode::Start => self.graph.services[at].needs = list,
                Mode::Stop => self.graph.services[at].stops = list,
            }
        }
    }

    fn list(&self, service: usize, mode: Mode) -> &[Need] {
        match mode {
            Mode::Start => &self.graph.services[service].needs,
            Mode::Stop => &self.graph.services[service].stops,
        }
    }

    /// What a script waits for, without what one of those waits for itself.
    fn deps(&self, service: usize, mode: Mode) -> Vec<String> {
        let mut compared: Vec<usize> = Vec::new();
        let mut out = Vec::new();
        for need in self.list(service, mode) {
            let other = need.service;
            let skipped = mode == Mode::Start && (other == service || self.graph.services[other].flags.last);
            let same = self.graph.levels(service, mode) & self.graph.levels(other, mode) != 0;
            if skipped || !same || !self.counts(other) {
                continue;
            }
            let Some(name) = self.graph.script_name(other) else { continue };
            if self.is_shadowed(service, other, mode, &compared) {
                continue;
            }
            out.push(name.to_string());
            if compared.len() < COMPARED_MAX {
                compared.push(other);
            }
        }
        out
    }

    fn counts(&self, service: usize) -> bool {
        let service = &self.graph.services[service];
        !service.flags.duplicate && service.links > 0
    }

    fn number_of(&self, service: usize, mode: Mode) -> i32 {
        self.graph.places[self.graph.services[service].place].side(mode).number
    }

    /// Whether one of those that are waited for already waits for `other`.
    fn is_shadowed(&self, service: usize, other: usize, mode: Mode, compared: &[usize]) -> bool {
        let later = compared.iter().take_while(|known| self.number_of(**known, mode) > self.number_of(other, mode));
        later.into_iter().any(|known| {
            self.list(*known, mode).iter().any(|need| {
                // The original compares start levels here, for stopping too.
                need.service == other
                    && self.counts(other)
                    && self.graph.levels(service, Mode::Start) & self.graph.levels(other, Mode::Start) != 0
                    && self.graph.services[other].script.is_some()
            })
        })
    }
}
