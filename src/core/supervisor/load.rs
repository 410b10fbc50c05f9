//! Definitions put in force: what is new, changed or gone.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Supervisor;
use super::life::Life;
use crate::event::{Action, Answer};
use crate::graph::{Graph, Names};
use crate::lifecycle::{Goal, State};
use crate::name::Name;
use crate::service::{Service, ServiceId};
use crate::time::Time;

/// The services as the graph sees them.
struct Table<'a> {
    lives: &'a [Option<Life>],
    names: &'a BTreeMap<Name, ServiceId>,
}

impl Names for Table<'_> {
    fn each(&self) -> impl Iterator<Item = (ServiceId, &Service)> {
        let lives = self.lives.iter().enumerate();
        lives.filter_map(|(at, life)| Some((ServiceId(at as u32), &*life.as_ref()?.service)))
    }

    fn named(&self, name: &str) -> Option<ServiceId> {
        self.names.get(name).copied()
    }

    fn bound(&self) -> usize {
        self.lives.len()
    }
}

impl Supervisor {
    /// Puts these definitions in force, and no others. Running services go on as they are.
    pub(super) fn load(&mut self, now: Time, services: Vec<Arc<Service>>, actions: &mut Vec<Action>) {
        for id in self.names.values() {
            if let Some(life) = self.lives[id.0 as usize].as_mut() {
                life.orphan = true;
            }
        }
        let mut free: Vec<usize> = (0..self.lives.len()).rev().filter(|&at| self.lives[at].is_none()).collect();
        for service in services {
            let name = service.name.clone();
            if let Some(&id) = self.names.get(&name) {
                let life = self.life_mut(id);
                life.service = service;
                life.orphan = false;
                continue;
            }
            let life = Some(Life::new(service, now));
            let at = free.pop().unwrap_or_else(|| {
                self.lives.push(None);
                self.lives.len() - 1
            });
            self.lives[at] = life;
            self.names.insert(name, ServiceId(at as u32));
        }
        let gone: Vec<ServiceId> = self.ids().filter(|&id| self.is_gone(id)).collect();
        for id in gone {
            self.forget(id, actions);
        }
        self.rebuild();
    }

    /// Whether its definition is gone and no run of it is left, nor a command of it.
    pub(super) fn is_gone(&self, id: ServiceId) -> bool {
        let life = self.life(id);
        life.orphan && !life.state().is_alive() && !self.runs.values().any(|&(owner, _)| owner == id)
    }

    /// Resolves all links again and counts everything anew.
    pub(super) fn rebuild(&mut self) {
        self.graph = Graph::new(&Table { lives: &self.lives, names: &self.names });
        let broken = core::mem::take(&mut self.graph.broken);
        for (at, life) in self.lives.iter_mut().enumerate() {
            if let Some(life) = life {
                life.broken = broken.get(&ServiceId(at as u32)).cloned();
            }
        }
        self.graph.broken = broken;
        self.devices.belong_to(&self.lives);
        self.recount();
    }

    /// A service whose definition is gone, and now its processes too.
    pub(super) fn remove(&mut self, id: ServiceId, actions: &mut Vec<Action>) {
        self.forget(id, actions);
        self.rebuild();
    }

    fn forget(&mut self, id: ServiceId, actions: &mut Vec<Action>) {
        let down = self.life(id).state() == State::Down;
        let done = Answer::Done { changed: true, note: None };
        if down {
            self.answer_all(id, |waiter| waiter.goal == Goal::Down, &done, actions);
        }
        self.answer_all(id, |_| true, &Answer::Failed(String::from("its definition is gone")), actions);
        for timer in [super::Timer::State, super::Timer::Slot, super::Timer::Watchdog] {
            self.arm(id, timer, None);
        }
        self.give_slot_back(id);
        let life = self.lives[id.0 as usize].take().expect("a service that is forgotten was there");
        self.names.remove(&life.service.name);
        self.touched.remove(&id);
        actions.push(Action::Removed(id, life.service.name.clone()));
    }
}
