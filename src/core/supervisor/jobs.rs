//! Errands beside a service's life: reload commands and the own verbs of scripts.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::life::shape_of;
use super::timers::Timer;
use super::{Act, Part, Supervisor};
use crate::event::{Action, Answer, Ticket, Who};
use crate::lifecycle::{Goal, Input, State};
use crate::run::{Exit, Job, Reach, RunId};
use crate::service::{Kind, Reload, ServiceId};
use crate::time::Time;

/// One errand that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Errand {
    ticket: Ticket,
    job: Job,
    until: Option<Time>,
}

impl Supervisor {
    /// Makes a service read its configuration again, by the means of its definition.
    pub(super) fn reload(&mut self, now: Time, ticket: Ticket, id: ServiceId, actions: &mut Vec<Action>) {
        let life = self.life(id);
        let name = &life.service.name;
        let refused = match (&life.service.kind, &life.service.reload) {
            (Kind::Script(script), _) => {
                let takes = script.verbs.is_empty() || script.verbs.iter().any(|verb| verb == "reload");
                (!takes).then(|| format!("the script of {name} has no verb `reload`; try: svc {name} restart"))
            }
            (_, Reload::None) => Some(format!("{name} has no way to reload (key `reload`); try: svc {name} restart")),
            (_, Reload::Signal(_)) if life.state() == (State::Up { run: None }) => {
                Some(format!("{name} has no process that could be signalled; try: svc {name} restart"))
            }
            (_, Reload::Signal(_) | Reload::Command(_)) => None,
        };
        let answer = match (refused, life.state()) {
            (Some(text), _) => Answer::Unsupported(text),
            (None, State::Up { run }) => match (&life.service.reload, run) {
                (Reload::Signal(signal), Some(run)) if !life.service.is_script() => {
                    actions.push(Action::Signal(run, *signal, Reach::Leader));
                    Answer::Done { changed: true, note: None }
                }
                _ => return self.send(now, ticket, id, Job::Reload, actions),
            },
            (None, _) => Answer::Failed(String::from("it is not running")),
        };
        actions.push(Action::Reply(ticket, answer));
    }

    /// Passes a verb to a script.
    pub(super) fn verb(&mut self, now: Time, ticket: Ticket, id: ServiceId, verb: String, actions: &mut Vec<Action>) {
        let service = &self.life(id).service;
        if service.is_script() {
            return self.send(now, ticket, id, Job::Verb(verb), actions);
        }
        let text = format!("{} is no script and has no verb `{verb}`", service.name);
        actions.push(Action::Reply(ticket, Answer::Unsupported(text)));
    }

    fn send(&mut self, now: Time, ticket: Ticket, id: ServiceId, job: Job, actions: &mut Vec<Action>) {
        if let Some(who) = &self.ending {
            let text = format!("everything is being stopped, asked by {}", who.0);
            return actions.push(Action::Reply(ticket, Answer::Failed(text)));
        }
        let run = self.mint();
        let life = self.life(id);
        let until = life.service.start_timeout.map(|limit| now + limit);
        let about = life.state().run();
        self.runs.insert(run, (id, Part::Errand));
        self.errands.insert(run, Errand { ticket, job: job.clone(), until });
        self.errand_timers.extend(until.map(|at| (at, run)));
        actions.push(Action::Spawn { run, service: id, job, about });
    }

    fn errand_over(&mut self, run: RunId) -> Option<Errand> {
        let errand = self.errands.remove(&run)?;
        if let Some(until) = errand.until {
            self.errand_timers.remove(&(until, run));
        }
        Some(errand)
    }

    pub(super) fn errand_failed(&mut self, run: RunId, text: String, actions: &mut Vec<Action>) {
        if let Some(errand) = self.errand_over(run) {
            actions.push(Action::Reply(errand.ticket, Answer::Failed(format!("{}: {text}", errand.job))));
        }
    }

    /// Ends all errands: everything is being stopped.
    pub(super) fn end_errands(&mut self, actions: &mut Vec<Action>) {
        actions.extend(self.errands.keys().map(|&run| Action::Kill(run)));
    }

    /// An errand ended so; `None`: nobody saw how, and no process of it is left.
    pub(super) fn errand_exited(&mut self, id: ServiceId, run: RunId, exit: Option<Exit>, actions: &mut Vec<Action>) {
        self.runs.remove(&run);
        self.enlist(id);
        let Some(errand) = self.errand_over(run) else { return };
        let seen = exit.unwrap_or(Exit::Unknown);
        let answer = match (&errand.job, seen) {
            (Job::Verb(_), _) => Answer::Exited(seen),
            (_, Exit::Code(0)) => Answer::Done { changed: true, note: None },
            (job, _) => Answer::Failed(format!("its {job} {seen}")),
        };
        actions.push(Action::Reply(errand.ticket, answer));
        match exit {
            // A script's verb may have left a new daemon behind; the platform says so if it has.
            Some(_) if self.life(id).service.is_script() => self.leave(id, run, actions),
            Some(_) => actions.push(Action::Kill(run)),
            None => {}
        }
    }

    /// A run that was over has a process that looks like the service itself: it is, unless there is one; then it is as
    /// soon as that goes.
    pub(super) fn remains(&mut self, now: Time, run: RunId, actions: &mut Vec<Action>) {
        let Some(&(id, Part::Left)) = self.runs.get(&run) else { return };
        match self.life(id).state() {
            State::Up { run: Some(_) } => self.life_mut(id).spare = Some(run),
            State::Starting { .. } | State::Stopping { .. } => {}
            // It is being killed, or everything is.
            _ if self.life(id).clean || self.ending.is_some() => {}
            State::Up { run: None } | State::Down | State::Waiting | State::BackingOff { .. } | State::Ended { .. } => {
                self.life_mut(id).memory.left.retain(|&left| left != run);
                self.be_found(now, id, run, "being found running", actions);
            }
        }
    }

    /// A daemon that runs already is this service from now on: watched, not restarted. Returns the id of its run, or
    /// `None` where the service has a run already.
    pub fn found(&mut self, now: Time, id: ServiceId, actions: &mut Vec<Action>) -> Option<RunId> {
        if self.life(id).state().is_alive() {
            return None;
        }
        let run = self.mint();
        self.be_found(now, id, run, "being found running", actions);
        self.settle(now, actions);
        self.answer(actions);
        Some(run)
    }

    fn be_found(&mut self, now: Time, id: ServiceId, run: RunId, how: &str, actions: &mut Vec<Action>) {
        self.runs.insert(run, (id, Part::Main));
        // It was not launched after what it requires, and is not ended for that.
        for required in self.graph.of(id).requires.clone() {
            let life = self.life_mut(required);
            life.memory.excused |= !life.look().serving;
            self.retell(required);
            self.enlist(required);
        }
        self.supersede(id, Goal::Up, &Who(String::from(how)), actions);
        let life = self.life_mut(id);
        life.launches += 1;
        life.goal = Goal::Up;
        life.memory.shape = Some(shape_of(&life.service));
        life.memory.held = None;
        life.memory.trouble = None;
        life.memory.asked.get_or_insert_with(|| Act { who: Who(String::from(how)), at: now });
        self.step(now, id, Input::Found(run), actions);
    }

    /// The old main process went; what a verb left behind is the service now.
    pub(super) fn take_over(&mut self, now: Time, id: ServiceId, old: RunId, new: RunId, actions: &mut Vec<Action>) {
        let life = self.life_mut(id);
        life.memory.left.retain(|&left| left != new);
        life.memory.state = State::Up { run: Some(new) };
        life.memory.since = now;
        self.runs.insert(new, (id, Part::Main));
        if self.runs.contains_key(&old) {
            self.leave(id, old, actions);
        }
        let limit = self.life(id).service.watchdog;
        self.arm(id, Timer::Watchdog, limit.map(|limit| now + limit));
        self.touched.insert(id);
        self.show(id, actions);
    }

    pub(super) fn errand_overdue(&mut self, run: RunId, actions: &mut Vec<Action>) {
        if let Some(errand) = self.errands.get_mut(&run) {
            errand.until = None;
            actions.push(Action::Kill(run));
        }
    }
}
