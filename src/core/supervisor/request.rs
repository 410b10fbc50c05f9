//! What clients ask for.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::Supervisor;
use super::life::{Act, Hold, Waiter};
use crate::event::{Action, Answer, Request, Ticket, Who};
use crate::lifecycle::{Cause, Goal, Input, State};
use crate::service::ServiceId;
use crate::time::Time;

impl Supervisor {
    pub(super) fn request(
        &mut self,
        now: Time,
        ticket: Ticket,
        id: ServiceId,
        request: Request,
        who: Who,
        actions: &mut Vec<Action>,
    ) {
        let act = Act { who, at: now };
        match request {
            Request::Start => self.start(now, ticket, id, act, actions),
            Request::Stop { only, all } => self.stop(ticket, id, (only, all), act, actions),
            Request::Restart { only } => self.restart(now, ticket, id, only, act, actions),
            Request::Reload => self.reload(now, ticket, id, actions),
            Request::Verb(verb) => self.verb(now, ticket, id, verb, actions),
            Request::Pin => self.pin(now, ticket, id, Some(act), actions),
            Request::Unpin => self.pin(now, ticket, id, None, actions),
            Request::Reset => self.reset(now, ticket, id, actions),
        }
    }

    fn start(&mut self, now: Time, ticket: Ticket, id: ServiceId, act: Act, actions: &mut Vec<Action>) {
        if let Some(answer) = self.refuse_start(id, "start") {
            return actions.push(Action::Reply(ticket, answer));
        }
        self.supersede(id, Goal::Up, &act.who, actions);
        let changed = !matches!(self.life(id).state(), State::Up { .. });
        self.ask(now, id, act, actions);
        self.wait(id, Waiter { ticket, goal: Goal::Up, launch: 0, changed, all: false });
    }

    fn restart(&mut self, now: Time, ticket: Ticket, id: ServiceId, only: bool, act: Act, actions: &mut Vec<Action>) {
        let gone = self.life(id).orphan.then(|| Answer::Failed(String::from("its definition is gone")));
        let refused =
            gone.or_else(|| self.refuse_start(id, "restart")).or_else(|| self.refuse_stop(id, only, "restart"));
        if let Some(answer) = refused {
            return actions.push(Action::Reply(ticket, answer));
        }
        self.supersede(id, Goal::Up, &act.who, actions);
        self.ask(now, id, act, actions);
        if self.restarted_by_command(now, ticket, id, actions) {
            return;
        }
        let life = self.life_mut(id);
        let launch = life.launches + 1;
        if life.state().is_alive() {
            life.memory.excused = only;
        }
        self.wait(id, Waiter { ticket, goal: Goal::Up, launch, changed: true, all: false });
        self.step(now, id, Input::Cycle, actions);
    }

    fn stop(&mut self, ticket: Ticket, id: ServiceId, (only, all): (bool, bool), act: Act, actions: &mut Vec<Action>) {
        if let Some(answer) = self.refuse_stop(id, only, "stop") {
            return actions.push(Action::Reply(ticket, answer));
        }
        self.supersede(id, Goal::Down, &act.who, actions);
        let life = self.life_mut(id);
        let changed = life.state().is_alive() || (all && !life.memory.left.is_empty());
        life.memory.asked = None;
        life.memory.held = Some(Box::new(Hold { act, conflict: None }));
        life.memory.excused = only && life.state().is_alive();
        life.memory.restarts = 0;
        life.clean |= all;
        let left = if all { life.memory.left.clone() } else { Vec::new() };
        actions.extend(left.into_iter().map(Action::Kill));
        self.wait(id, Waiter { ticket, goal: Goal::Down, launch: 0, changed, all });
    }

    /// Makes a service wanted, with all it requires and wants, and lets those try again that had failed.
    fn ask(&mut self, now: Time, id: ServiceId, act: Act, actions: &mut Vec<Action>) {
        let life = self.life_mut(id);
        life.memory.held = None;
        life.memory.restarts = 0;
        life.attempts.clear();
        life.clean = false;
        let who = act.who.clone();
        life.memory.asked = Some(act);
        let needs = self.needs(id);
        for member in self.closure(id) {
            if needs.contains(&member) {
                self.life_mut(member).memory.held = None;
                self.supersede(member, Goal::Up, &who, actions);
                self.hold_foes(now, member, id, &who, actions);
            }
            if self.life(member).memory.held.is_none() {
                self.encourage(now, member, member == id, actions);
            }
            self.enlist(member);
        }
    }

    /// Lets a service try again that had failed. One that was skipped counts as up for those that require it: it is
    /// tried again only where it is meant itself, and they bear with it.
    fn encourage(&mut self, now: Time, id: ServiceId, is_meant: bool, actions: &mut Vec<Action>) {
        let life = self.life_mut(id);
        let tired = match life.state() {
            State::Ended { cause: Cause::Skipped } => {
                life.memory.excused |= is_meant && life.counts.above > 0;
                is_meant
            }
            State::BackingOff { .. } | State::Ended { .. } => true,
            // What is left of it still ends: then it starts again, as that is asked now.
            State::Stopping { cause: Cause::Failed | Cause::Finished, .. } => true,
            State::Down | State::Waiting | State::Starting { .. } | State::Up { .. } | State::Stopping { .. } => false,
        };
        if tired {
            life.attempts.clear();
            life.doublings = 0;
            self.step(now, id, Input::Want, actions);
        }
    }

    /// A service and what it requires, all the way down.
    fn needs(&self, id: ServiceId) -> BTreeSet<ServiceId> {
        let mut seen = BTreeSet::new();
        let mut open = vec![id];
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                let resting = next != id && self.rests(next);
                open.extend(self.graph.of(next).requires.iter().filter(|_| !resting));
            }
        }
        seen
    }

    /// Whether a service is another, or requires it, all the way down.
    fn requires_deeply(&self, id: ServiceId, other: ServiceId) -> bool {
        let mut seen = BTreeSet::new();
        let mut open = vec![id];
        while let Some(next) = open.pop() {
            if next == other {
                return true;
            }
            if seen.insert(next) {
                open.extend(&self.graph.of(next).requires);
            }
        }
        false
    }

    /// Whether it is up and stays so.
    fn rests(&self, id: ServiceId) -> bool {
        let life = self.life(id);
        matches!(life.state(), State::Up { .. }) && life.goal == Goal::Up
    }

    /// A service and all it requires or wants, all the way down, each after what it needs; what is up is not looked
    /// through again.
    fn closure(&self, id: ServiceId) -> Vec<ServiceId> {
        let mut order = Vec::new();
        let mut seen = BTreeSet::from([id]);
        let mut path = vec![(id, 0)];
        while let Some((next, at)) = path.last_mut() {
            let edges = self.graph.of(*next);
            let child = edges.requires.iter().chain(&edges.wants).nth(*at).copied();
            *at += 1;
            match child {
                None => {
                    order.push(*next);
                    path.pop();
                }
                Some(child) => {
                    if !self.rests(child) && seen.insert(child) {
                        path.push((child, 0));
                    }
                }
            }
        }
        order
    }

    /// What conflicts with a service that is to start must be stopped, and stay so; but for what is needed for the same
    /// request, or pinned.
    fn hold_foes(&mut self, now: Time, id: ServiceId, asked: ServiceId, who: &Who, actions: &mut Vec<Action>) {
        for foe in self.graph.of(id).conflicts.clone() {
            let life = self.life(foe);
            if life.memory.pinned.is_some() || self.requires_deeply(asked, foe) {
                continue;
            }
            if life.goal == Goal::Down && !life.state().is_alive() && life.memory.asked.is_none() {
                continue;
            }
            self.supersede(foe, Goal::Down, who, actions);
            let conflict = Some(self.life(id).service.name.to_string());
            let act = Act { who: who.clone(), at: now };
            let life = self.life_mut(foe);
            life.memory.asked = None;
            life.memory.held = Some(Box::new(Hold { act, conflict }));
            life.memory.excused = false;
            self.enlist(foe);
        }
    }

    pub(super) fn wait(&mut self, id: ServiceId, waiter: Waiter) {
        self.life_mut(id).waiters.push(waiter);
        self.touched.insert(id);
        self.enlist(id);
        self.retell(id);
    }

    fn refuse_start(&self, id: ServiceId, verb: &str) -> Option<Answer> {
        let life = self.life(id);
        if let Some(who) = &self.ending {
            return Some(Answer::Failed(format!("everything is being stopped, asked by {}", who.0)));
        }
        if let Some(text) = &life.broken {
            return Some(Answer::Failed(text.clone()));
        }
        if life.orphan && !life.state().is_alive() {
            return Some(Answer::Failed(String::from("its definition is gone")));
        }
        let up = matches!(life.state(), State::Up { .. });
        let pinned = life.memory.pinned.as_ref().filter(|_| !up)?;
        Some(Answer::Failed(format!(
            "pinned by {}; to {verb} it, first: svc {} unpin",
            pinned.who.0, life.service.name
        )))
    }

    /// A pinned service is not stopped, nor is what it requires.
    fn refuse_stop(&self, id: ServiceId, only: bool, verb: &str) -> Option<Answer> {
        let mut seen = BTreeSet::from([id]);
        let mut open = vec![id];
        while let Some(next) = open.pop() {
            let life = self.life(next);
            let is_wanted = life.state().is_alive() || life.goal == Goal::Up;
            if let (Some(pinned), true) = (&life.memory.pinned, is_wanted) {
                let name = &life.service.name;
                let relation = if next == id { String::new() } else { format!("{name} requires it and is ") };
                let text = format!("{relation}pinned by {}; to {verb} it, first: svc {name} unpin", pinned.who.0);
                return Some(Answer::Failed(text));
            }
            if !only {
                let above = self.graph.of(next).dependents.iter().copied();
                open.extend(above.filter(|&above| self.life(above).state().is_alive() && seen.insert(above)));
            }
        }
        None
    }

    fn pin(&mut self, now: Time, ticket: Ticket, id: ServiceId, act: Option<Act>, actions: &mut Vec<Action>) {
        // What was asked before it counts.
        if !self.is_gone(id) {
            self.aim(now, id, actions);
        }
        let life = self.life_mut(id);
        let changed = life.memory.pinned.is_some() != act.is_some();
        life.memory.pinned = act.map(Box::new);
        life.told = None;
        self.touched.insert(id);
        self.enlist(id);
        actions.push(Action::Reply(ticket, Answer::Done { changed, note: None }));
    }

    fn reset(&mut self, now: Time, ticket: Ticket, id: ServiceId, actions: &mut Vec<Action>) {
        let life = self.life_mut(id);
        let tired = matches!(life.state(), State::BackingOff { .. } | State::Ended { .. });
        life.attempts.clear();
        life.doublings = 0;
        life.memory.restarts = 0;
        if tired {
            life.memory.trouble = None;
            life.memory.asked = None;
            self.step(now, id, Input::Unwant, actions);
            self.enlist(id);
        }
        self.life_mut(id).told = None;
        self.touched.insert(id);
        actions.push(Action::Reply(ticket, Answer::Done { changed: tired, note: None }));
    }

    /// Starts a service because the machine boots; what was stopped by hand stays so.
    pub(super) fn boot(&mut self, now: Time, id: ServiceId) {
        if self.ending.is_some() {
            return;
        }
        let act = Act { who: Who(String::from("boot")), at: now };
        let life = self.life_mut(id);
        if life.memory.held.is_none() {
            life.memory.asked.get_or_insert(act);
            self.touched.insert(id);
            self.enlist(id);
        }
    }

    /// Launches may happen again: whoever waits is looked at.
    pub(super) fn resume(&mut self) {
        self.paused = false;
        for id in self.ids().collect::<Vec<_>>() {
            if self.life(id).state() == State::Waiting {
                self.enlist(id);
            }
        }
    }

    /// At [`crate::Event::Shutdown`] the own stop of these scripts is called, in its place in the order, though they
    /// are not up.
    pub fn undo_at_end(&mut self, services: Vec<ServiceId>) {
        self.undone = services;
    }

    pub(super) fn shutdown(&mut self, now: Time, who: Who, actions: &mut Vec<Action>) {
        self.ending.get_or_insert(who);
        for id in core::mem::take(&mut self.undone) {
            self.step(now, id, Input::Undo, actions);
        }
        self.end_errands(actions);
        for at in 0..self.lives.len() {
            let id = ServiceId(at as u32);
            if let Some(life) = self.lives[at].as_mut() {
                life.memory.excused = false;
                self.retell(id);
                self.enlist(id);
            }
        }
    }
}
