//! OpenRC's cache of dependencies: in which order a runlevel starts. It is read where there is one, never written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::super::rcconf::below;
use super::state::{Main, States};
use super::{BOOT, STATES, is_in};

/// What one service says of others, by kind: `ineed`, `iuse`, `providedby`, ...
type Says = BTreeMap<String, Vec<String>>;

#[derive(Debug)]
pub(super) struct Tree(BTreeMap<String, Says>);

/// One look at the order.
struct Walk<'a> {
    tree: &'a Tree,
    states: &'a States,
    kinds: &'a [&'a str],
    runlevel: Option<&'a str>,
    /// Not among the answers.
    caller: Option<&'a str>,
    /// Only what is in the runlevels provides anything, where something is.
    strict: bool,
    sorted: Vec<String>,
    visited: BTreeSet<String>,
}

impl Tree {
    pub(super) fn read() -> Option<Self> {
        let text = fs::read_to_string(below(STATES).join("deptree")).ok()?;
        let mut tree = BTreeMap::new();
        let mut now: Option<String> = None;
        for line in text.lines() {
            // depinfo_3_service='web', depinfo_3_ineed_0='net'
            let Some((key, value)) = line.split_once('=') else { continue };
            let value = value.trim_matches('\'').to_owned();
            let mut parts = key.strip_prefix("depinfo_").unwrap_or_default().split('_').skip(1);
            match (parts.next(), value.is_empty()) {
                (Some("service"), false) => {
                    tree.insert(value.clone(), Says::new());
                    now = Some(value);
                }
                (Some(kind), false) => {
                    let says = now.as_ref().and_then(|now| tree.get_mut(now));
                    if let Some(says) = says {
                        says.entry(kind.to_owned()).or_default().push(value);
                    }
                }
                _ => {}
            }
        }
        Some(Self(tree))
    }

    /// These services and what they depend on, what comes first first.
    pub(super) fn in_order(&self, services: &[String], runlevel: Option<&str>, states: &States) -> Vec<String> {
        self.walk(&["ineed", "iuse", "iafter"], services, runlevel, (None, true), states)
    }

    /// Who needs or wants this service.
    pub(super) fn dependents(&self, service: &str, runlevel: &str, states: &States) -> Vec<String> {
        let one = [service.to_owned()];
        self.walk(&["needsme", "wantsme"], &one, Some(runlevel), (Some(service), false), states)
    }

    fn walk(
        &self,
        kinds: &[&str],
        services: &[String],
        runlevel: Option<&str>,
        (caller, strict): (Option<&str>, bool),
        states: &States,
    ) -> Vec<String> {
        let (sorted, visited) = (Vec::new(), BTreeSet::new());
        let mut walk = Walk { tree: self, states, kinds, runlevel, caller, strict, sorted, visited };
        for service in services.iter().filter(|service| self.0.contains_key(*service)) {
            walk.visit(service);
        }
        walk.sorted
    }

    fn said(&self, service: &str, kind: &str) -> &[String] {
        self.0.get(service).and_then(|says| says.get(kind)).map_or(&[], Vec::as_slice)
    }
}

impl Walk<'_> {
    /// Each service is visited once, so this is as deep as there are services.
    fn visit(&mut self, service: &str) {
        if !self.visited.insert(service.to_owned()) {
            return;
        }
        for kind in self.kinds {
            for other in self.tree.said(service, kind) {
                if !self.tree.0.contains_key(other) {
                    continue;
                }
                let providers = self.providers(other);
                let others = if providers.is_empty() { vec![other.clone()] } else { providers };
                for other in others {
                    if self.tree.0.contains_key(&other) && self.counts(&other, kind) {
                        self.visit(&other);
                    }
                }
            }
        }
        for other in self.tree.said(service, "iprovide") {
            let provides = self.tree.0.contains_key(other) && self.providers(other).iter().any(|name| name == service);
            if provides {
                self.visit(other);
            }
        }
        if self.caller != Some(service) && self.tree.said(service, "providedby").is_empty() {
            self.sorted.push(service.to_owned());
        }
    }

    fn counts(&self, service: &str, kind: &str) -> bool {
        let Some(level) = self.runlevel else { return true };
        if matches!(kind, "ineed" | "needsme" | "iwant" | "wantsme") || is_in(service, level) {
            return true;
        }
        if level == super::SYSINIT || (level == "shutdown" && kind == "iafter") {
            return false;
        }
        let state = self.states.of(service);
        (level != BOOT && is_in(service, BOOT)) || state.hotplugged || state.main == Main::Started
    }

    /// Who stands for a name that several can provide.
    fn providers(&self, name: &str) -> Vec<String> {
        let all = self.tree.said(name, "providedby");
        let level = self.runlevel.unwrap_or_default();
        let here = |service: &&String| is_in(service, level) || is_in(service, BOOT);
        let hotplugged = |service: &&String| self.strict && self.states.of(service).hotplugged;
        let linked: Vec<String> = all.iter().filter(|one| here(one) || hotplugged(one)).cloned().collect();
        if self.strict && !linked.is_empty() {
            return linked;
        }
        let of = |main: &[Main]| -> Vec<String> {
            all.iter().filter(|one| main.contains(&self.states.of(one).main)).cloned().collect()
        };
        let started = of(&[Main::Started]);
        let in_level: Vec<String> = started.iter().filter(|one| is_in(one, level)).cloned().collect();
        for found in [in_level, started] {
            match found.len() {
                0 => {}
                1 => return found,
                // Several run: which is meant cannot be told, and the need is met.
                _ => return Vec::new(),
            }
        }
        let moving = of(&[Main::Starting, Main::Stopping, Main::Inactive]);
        if !moving.is_empty() {
            return moving;
        }
        let stopped: Vec<String> = all.iter().filter(|one| is_in(one, level)).cloned().collect();
        if stopped.is_empty() { all.first().cloned().into_iter().collect() } else { stopped }
    }
}
