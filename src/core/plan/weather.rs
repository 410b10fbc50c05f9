//! Calm weather: a machine on which every launch succeeds, everything takes as long as it took before, and nothing
//! ends by itself. The core is the real one, time is not.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use crate::event::{Action, Event};
use crate::lifecycle::{Shape, Stage, State};
use crate::run::{Exit, Job, RunId, Signal};
use crate::service::{Ready, ServiceId};
use crate::supervisor::Supervisor;
use crate::time::Time;

/// In calm weather everything comes to rest: each service takes a few turns, however it is asked.
const TURNS_MAX: u64 = 1_000;
const TURNS_EACH: u64 = 64;

/// How the end of a process reads that was told to.
const TOLD: Exit = Exit::Signal(15);
const KILLED: Exit = Exit::Signal(9);
const GOOD: Exit = Exit::Code(0);

/// A core and its machine, in calm weather.
#[derive(Clone, Debug)]
pub struct Weather {
    core: Supervisor,
    now: Time,
    /// What will happen to runs; of two things at one time the one that was certain first.
    news: BTreeMap<(Time, u64), (RunId, Event)>,
    /// How many news there have been.
    count: u64,
    /// How many turns there may still be.
    turns_left: u64,
    /// Runs that are about to end, so that nothing ends twice.
    ending: BTreeMap<RunId, (Time, u64)>,
}

impl Weather {
    /// The weather clears up now: what goes on comes to its end as expected.
    pub fn new(core: Supervisor, now: Time) -> Self {
        let turns_left = TURNS_MAX + TURNS_EACH * core.ids().count() as u64;
        let (news, ending) = (BTreeMap::new(), BTreeMap::new());
        let mut weather = Self { core, now, news, count: 0, turns_left, ending };
        for id in weather.core.ids().collect::<Vec<_>>() {
            weather.resume(id);
        }
        for run in weather.core.errands().collect::<Vec<_>>() {
            weather.end(run, now, Event::Ended(run, GOOD));
        }
        weather
    }

    /// The core as it is now.
    pub fn core(&self) -> &Supervisor {
        &self.core
    }

    /// The present moment.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Something happens from outside.
    pub fn handle(&mut self, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        self.core.handle(self.now, event, &mut actions);
        actions.iter().for_each(|action| self.carry_out(action));
        actions
    }

    /// The next thing happens, and the core decides what follows; `None` when nothing more will.
    pub fn turn(&mut self) -> Option<Vec<Action>> {
        self.turns_left = self.turns_left.checked_sub(1)?;
        let due = self.core.deadline();
        let news = self.news.first_key_value().map(|(&(at, _), _)| at);
        let event = match (news, due) {
            (Some(at), due) if due.is_none_or(|due| at <= due) => {
                self.now = self.now.max(at);
                self.news.pop_first().map(|(_, (_, event))| event)?
            }
            // To wait for a sign of life again and again is no news.
            (None, Some(_)) if !self.core.has_work() => return None,
            (_, Some(due)) => {
                self.now = self.now.max(due);
                self.core.unfed(due).map_or(Event::Tick, Event::Alive)
            }
            (_, None) => return None,
        };
        Some(self.handle(event))
    }

    /// Whether it came to rest, or was broken off.
    pub fn is_at_rest(&self) -> bool {
        self.turns_left > 0
    }

    fn tell(&mut self, run: RunId, at: Time, event: Event) -> (Time, u64) {
        self.count += 1;
        let place = (at.max(self.now), self.count);
        self.news.insert(place, (run, event));
        place
    }

    /// The run ends then, unless it ends sooner; nothing else is heard of it before.
    fn end(&mut self, run: RunId, at: Time, event: Event) {
        let sooner = self.ending.get(&run).is_some_and(|place| self.news.contains_key(place) && place.0 <= at);
        if !sooner {
            self.forget(run);
            let place = self.tell(run, at, event);
            self.ending.insert(run, place);
        }
    }

    fn forget(&mut self, run: RunId) {
        self.news.retain(|_, (about, _)| *about != run);
        self.ending.remove(&run);
    }

    fn carry_out(&mut self, action: &Action) {
        match action {
            Action::Spawn { run, service, job, about } => self.spawn(*run, *service, job, *about),
            Action::Signal(run, signal, _) => self.signal(*run, *signal),
            Action::Kill(run) => self.kill(*run),
            Action::Leave(_)
            | Action::Reply(..)
            | Action::Changed(_)
            | Action::Removed(..)
            | Action::ShutdownComplete => {}
        }
    }

    fn spawn(&mut self, run: RunId, id: ServiceId, job: &Job, about: Option<RunId>) {
        let expected = self.core.expected(id);
        let at_once = self.core.shape(id) == Shape::Process && self.core.service(id).ready == Ready::Executed;
        let executing = if at_once && *job == Job::Start { expected.start } else { Duration::ZERO };
        self.tell(run, self.now + executing, Event::Executed(run));
        match job {
            Job::Start => self.launched(run, id, self.now + expected.start),
            Job::Stop => {
                let then = self.now + expected.stop;
                if let Some(main) = about {
                    self.end(main, then, Event::Ended(main, GOOD));
                }
                self.tell(run, then, Event::Ended(run, GOOD));
            }
            Job::Reload | Job::Verb(_) | Job::Instead(_) | Job::Before(_) | Job::After(_) => {
                self.tell(run, self.now, Event::Ended(run, GOOD));
            }
        }
    }

    /// What is launched is ready then.
    fn launched(&mut self, run: RunId, id: ServiceId, then: Time) {
        match self.core.shape(id) {
            Shape::Process if self.core.service(id).ready == Ready::Executed => {}
            Shape::Process => drop(self.tell(run, then, Event::Ready(run))),
            Shape::Oneshot | Shape::Script | Shape::Group => drop(self.tell(run, then, Event::Ended(run, GOOD))),
            Shape::Forking | Shape::Daemon => {
                self.tell(run, then, Event::Exited(run, GOOD));
                self.tell(run, then, Event::Ready(run));
            }
        }
    }

    /// Who is told to end does; any other signal changes nothing that could be seen.
    fn signal(&mut self, run: RunId, signal: Signal) {
        let Some(id) = self.core.owner(run) else { return };
        // One that is to reload, and in the same breath to end, ends by the second.
        if signal != self.core.service(id).stop.signal {
            return;
        }
        let then = self.now + self.core.expected(id).stop;
        match self.core.view(id).state {
            State::Stopping { run: Some(main), stage: Stage::Rest, .. } if main == run => {
                self.end(run, then, Event::Emptied(run));
            }
            State::Stopping { run: Some(main), .. } if main == run => self.end(run, then, Event::Ended(run, TOLD)),
            State::Starting { run: main, returned: true, .. } if main == run => {
                self.end(run, self.now, Event::Emptied(run));
            }
            State::Stopping { .. }
            | State::Starting { .. }
            | State::Down
            | State::Waiting
            | State::Up { .. }
            | State::BackingOff { .. }
            | State::Ended { .. } => {}
        }
    }

    fn kill(&mut self, run: RunId) {
        let Some(id) = self.core.owner(run) else { return };
        self.forget(run);
        let left = self.core.view(id).left.contains(&run);
        let event = if left { Event::Emptied(run) } else { Event::Ended(run, KILLED) };
        self.end(run, self.now, event);
    }

    /// What goes on when the weather clears up.
    fn resume(&mut self, id: ServiceId) {
        let over = self.core.expected_over(id).unwrap_or(self.now).max(self.now);
        let state = self.core.view(id).state;
        // What waits for a command goes on when that has ended.
        if state.job().or(state.run()).is_some_and(|run| self.core.is_held_back(run)) {
            return;
        }
        match state {
            State::Starting { run, returned: false, .. } => {
                self.tell(run, self.now, Event::Executed(run));
                self.launched(run, id, over);
            }
            State::Starting { run, returned: true, .. } => match self.core.shape(id) {
                Shape::Forking | Shape::Daemon => drop(self.tell(run, over, Event::Ready(run))),
                Shape::Process | Shape::Oneshot | Shape::Script | Shape::Group => {
                    self.end(run, self.now, Event::Emptied(run));
                }
            },
            State::Stopping { run, stage: Stage::Command { job, .. }, .. } => {
                if let Some(run) = run {
                    self.end(run, over, Event::Ended(run, GOOD));
                }
                self.tell(job, over, Event::Ended(job, GOOD));
            }
            State::Stopping { run: Some(run), stage: Stage::Told | Stage::Returned, .. } => {
                self.end(run, over, Event::Ended(run, TOLD));
            }
            State::Stopping { run: Some(run), stage: Stage::Rest, .. } => self.end(run, over, Event::Emptied(run)),
            State::Stopping { run: Some(run), stage: Stage::Killed, .. } => {
                self.end(run, self.now, Event::Emptied(run));
            }
            State::Stopping { .. }
            | State::Down
            | State::Waiting
            | State::Up { .. }
            | State::BackingOff { .. }
            | State::Ended { .. } => {}
        }
    }
}
