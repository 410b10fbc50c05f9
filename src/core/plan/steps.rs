//! What is worth telling of a played plan.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::{Deed, Outcome, Plan, Step, Weather};
use crate::event::{Action, Answer, Event, Ticket};
use crate::lifecycle::State;
use crate::run::Job;
use crate::service::ServiceId;
use crate::supervisor::{Because, Stopped, Supervisor};
use crate::time::Time;

/// Somebody who looks on and writes down.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    weather: Weather,
    begin: Time,
    asked: &'a [(Ticket, ServiceId)],
    answers: BTreeMap<Ticket, (Duration, Answer)>,
    /// States as far as they are told.
    states: BTreeMap<ServiceId, State>,
    /// Services that were told to end.
    stopped: BTreeSet<ServiceId>,
    pub(super) plan: Plan,
}

impl<'a> Watch<'a> {
    pub(super) fn new(core: Supervisor, now: Time, asked: &'a [(Ticket, ServiceId)]) -> Self {
        let states = core.ids().map(|id| (id, core.view(id).state)).collect();
        let (answers, stopped, plan) = (BTreeMap::new(), BTreeSet::new(), Plan::default());
        Self { weather: Weather::new(core, now), begin: now, asked, answers, states, stopped, plan }
    }

    /// Lets this happen, and all that follows from it.
    pub(super) fn play(&mut self, event: Event) {
        let mut actions = Some(self.weather.handle(event));
        while let Some(some) = actions {
            some.iter().for_each(|action| self.see(action));
            actions = self.weather.turn();
        }
        self.plan.is_whole = self.weather.is_at_rest();
        self.plan.over = self.plan.steps.last().map_or(Duration::ZERO, |step| step.after);
        let core = self.weather.core();
        for (ticket, id) in self.asked.iter().filter(|(_, id)| self.states.contains_key(id)) {
            let answer = self.answers.remove(ticket);
            let waits = if answer.is_none() { core.why(self.weather.now(), *id).join("; ") } else { String::new() };
            self.plan.outcomes.push(Outcome { name: core.service(*id).name.clone(), answer, waits });
        }
    }

    fn see(&mut self, action: &Action) {
        match action {
            Action::Spawn { service, job: Job::Start, .. } => self.launched(*service),
            Action::Spawn { service, job: Job::Stop, .. } => self.told(*service, Deed::Stop(None)),
            Action::Spawn { service, job, .. } => self.step(*service, Deed::Run(job.clone()), None, String::new()),
            Action::Signal(run, signal, _) => match self.weather.core().owner(*run) {
                Some(id) if matches!(self.state(id), State::Stopping { .. }) => {
                    self.told(id, Deed::Stop(Some(*signal)))
                }
                Some(id) => self.step(id, Deed::Signal(*signal), None, String::new()),
                None => {}
            },
            // What a command left, once it has returned, is nobody's concern.
            Action::Kill(run) => {
                if let Some(id) = self.weather.core().owner(*run) {
                    self.step(id, Deed::Kill, None, String::new());
                }
            }
            Action::Reply(ticket, answer) => drop(self.answers.insert(*ticket, (self.after(), answer.clone()))),
            Action::Changed(id) => self.changed(*id),
            Action::Removed(id, _) => drop(self.states.remove(id)),
            Action::Leave(_) | Action::ShutdownComplete => {}
        }
    }

    fn state(&self, id: ServiceId) -> State {
        self.weather.core().view(id).state
    }

    fn after(&self) -> Duration {
        self.weather.now().since(self.begin)
    }

    fn step(&mut self, id: ServiceId, deed: Deed, takes: Option<Duration>, why: String) {
        let name = self.weather.core().service(id).name.clone();
        self.plan.steps.push(Step { after: self.after(), name, deed, takes, why, anyway: false });
    }

    fn launched(&mut self, id: ServiceId) {
        if self.states.get(&id).is_some_and(|state| state.is_alive()) {
            self.step(id, Deed::Down, None, String::new());
        }
        let expected = self.weather.core().expected(id);
        let takes = expected.start_is_known.then_some(expected.start);
        self.step(id, Deed::Start, takes, self.start_reason(id));
        // What became of it since is told by its next change.
        self.states.insert(id, State::Starting { run: Default::default(), until: None, returned: false });
    }

    fn told(&mut self, id: ServiceId, deed: Deed) {
        let expected = self.weather.core().expected(id);
        let takes = expected.stop_is_known.then_some(expected.stop);
        let why = self.stop_reason(id);
        self.stopped.insert(id);
        self.step(id, deed, takes, why);
    }

    /// A service is another than it was told of last; what passed by in one moment is not told.
    fn changed(&mut self, id: ServiceId) {
        let after = self.state(id);
        // That is told by its launch.
        if matches!(after, State::Starting { .. }) {
            return;
        }
        let Some(before) = self.states.insert(id, after) else { return };
        match (before, after) {
            (State::Up { .. }, State::Up { .. }) => {}
            (_, State::Up { .. }) => self.step(id, Deed::Up, None, String::new()),
            (before, State::Waiting) if before != State::Waiting => {
                if before.is_alive() {
                    self.step(id, Deed::Down, None, String::new());
                }
                let core = self.weather.core();
                let sentence = core.why(self.weather.now(), id).swap_remove(0);
                let name = core.service(id).name.as_str();
                let why = String::from(sentence.strip_prefix(name).unwrap_or(&sentence).trim_start());
                self.step(id, Deed::Wait, None, why);
            }
            (before, State::Down | State::Ended { .. } | State::BackingOff { .. }) if before.is_alive() => {
                // What has no process stops without being told.
                let why = if self.stopped.contains(&id) { String::new() } else { self.stop_reason(id) };
                self.step(id, Deed::Down, None, why);
            }
            _ => {}
        }
    }

    fn is_asked(&self, id: ServiceId) -> bool {
        self.asked.iter().any(|(_, asked)| *asked == id)
    }

    fn start_reason(&self, id: ServiceId) -> String {
        let core = self.weather.core();
        if self.is_asked(id) {
            return String::from("asked for");
        }
        let requires = &core.graph().of(id).requires;
        let back = requires.iter().find(|other| self.stopped.contains(other));
        match (back.filter(|_| self.stopped.contains(&id)), core.needed_by(id)) {
            (Some(other), _) => format!("comes back with {}", core.service(*other).name),
            (None, Some(other)) => format!("{} needs it", core.service(other).name),
            (None, None) => core.memory(id).asked.map_or_else(String::new, |act| format!("asked by {}", act.who.0)),
        }
    }

    fn stop_reason(&self, id: ServiceId) -> String {
        let core = self.weather.core();
        match core.because(id) {
            _ if self.is_asked(id) => String::from("asked for"),
            Because::Stopping { why: Stopped::Everything(_), .. } | Because::Over(_) => {
                String::from("everything stops")
            }
            Because::Stopping { why, .. } => {
                let words = core.stop_words(&why);
                String::from(words.strip_prefix("as ").unwrap_or(&words))
            }
            Because::Unasked { .. } => String::from("nobody needs it"),
            _ => String::new(),
        }
    }
}

/// The steps of one kind, for those who look for them.
impl Plan {
    /// Whether this happens to a service of this name.
    pub fn has(&self, name: &str, fits: impl Fn(&Deed) -> bool) -> bool {
        self.steps.iter().any(|step| step.name.as_str() == name && fits(&step.deed))
    }

    /// What happens because it was asked for.
    pub fn own(&self) -> Vec<&Step> {
        self.steps.iter().filter(|step| !step.anyway).collect()
    }
}
