//! All services together: events in, actions out, nothing in between.
//!
//! What a change can touch is found by counters: each service shows its neighbours a face (`up`, `leaving`, ...), and
//! each keeps count of the faces it depends on. A change of face moves one counter at each neighbour, and only those
//! whose counter came to or left zero are looked at again. An event costs what it changes, not what exists.

mod act;
mod answer;
mod because;
mod course;
mod devices;
mod jobs;
mod life;
mod load;
mod recover;
mod request;
mod settle;
mod snapshot;
mod timers;
mod why;

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

pub use because::{Because, Patience, Reason, Stopped, Trouble, Wait};
pub use course::{Course, Expected, First};
pub use life::{Act, Hold, Memory};
pub use timers::SLOT_HELD;
pub use why::span;

use crate::event::{Action, Event, Who};
use crate::graph::Graph;
use crate::lifecycle::{Goal, Input, State};
use crate::name::Name;
use crate::run::{Exit, RunId};
use crate::service::{Service, ServiceId};
use crate::time::Time;
use jobs::Errand;
use life::Life;
use timers::Timer;

/// What a run is to its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Part {
    /// The service itself.
    Main,
    /// Its stop command.
    Stop,
    /// A reload or another verb.
    Errand,
    /// Over, with processes left behind.
    Left,
}

/// The state machine. Feed it [`Event`]s, carry out its [`Action`]s.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supervisor {
    lives: Vec<Option<Life>>,
    names: BTreeMap<Name, ServiceId>,
    graph: Graph,
    runs: BTreeMap<RunId, (ServiceId, Part)>,
    errands: BTreeMap<RunId, Errand>,
    timers: BTreeSet<(Time, ServiceId, Timer)>,
    errand_timers: BTreeSet<(Time, RunId)>,
    /// Services to be looked at again.
    list: VecDeque<ServiceId>,
    /// Services of which it is settled what is asked, and that may have something to do.
    work: VecDeque<ServiceId>,
    /// Services that may be launched, once nothing else is left to do.
    launches: VecDeque<ServiceId>,
    /// Services whose waiters may have their answer.
    touched: BTreeSet<ServiceId>,
    /// Services waiting for a start slot, in order.
    line: VecDeque<ServiceId>,
    devices: devices::Devices,
    slots: u32,
    next_run: RunId,
    alive: usize,
    ending: Option<Who>,
    ended: bool,
    /// Nothing is launched.
    #[serde(default)]
    paused: bool,
    /// What is stopped at the end though it is not up.
    #[serde(default)]
    undone: Vec<ServiceId>,
}

/// What can be seen of a service.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Where it is.
    pub state: State,
    /// What is asked.
    pub goal: Goal,
    /// Since when it is there.
    pub since: Time,
    /// How often it was started again by itself since it was asked for.
    pub restarts: u32,
    /// How its last run ended.
    pub last_exit: Option<Exit>,
    /// How its last failure reads.
    pub trouble: Option<&'a str>,
    /// It is pinned, by whom.
    pub pinned: Option<&'a Act>,
    /// Runs of which processes were left behind.
    pub left: &'a [RunId],
    /// It says that it is reading its configuration again.
    pub reloading: bool,
    /// Its definition is gone.
    pub orphan: bool,
}

impl Supervisor {
    /// A supervisor of nothing, that starts at most `slots` services at once.
    ///
    /// A service that takes long to become ready gives its slot back after [`SLOT_HELD`].
    pub fn new(slots: u32) -> Self {
        Self {
            lives: Vec::new(),
            names: BTreeMap::new(),
            graph: Graph::default(),
            runs: BTreeMap::new(),
            errands: BTreeMap::new(),
            timers: BTreeSet::new(),
            errand_timers: BTreeSet::new(),
            list: VecDeque::new(),
            work: VecDeque::new(),
            launches: VecDeque::new(),
            touched: BTreeSet::new(),
            line: VecDeque::new(),
            devices: devices::Devices::default(),
            slots: slots.max(1),
            next_run: RunId(1),
            alive: 0,
            ending: None,
            ended: false,
            paused: false,
            undone: Vec::new(),
        }
    }

    /// Takes in one event; what must now be done is added to `actions`, in order.
    pub fn handle(&mut self, now: Time, event: Event, actions: &mut Vec<Action>) {
        let mut open = VecDeque::from([event]);
        while let Some(event) = open.pop_front() {
            match event {
                Event::Together(events) => open.extend(events),
                one => self.take(now, one, actions),
            }
        }
        self.expire(now, actions);
        self.settle(now, actions);
        self.answer(actions);
    }

    /// One event, before anything follows from it.
    fn take(&mut self, now: Time, event: Event, actions: &mut Vec<Action>) {
        match event {
            Event::Requested { ticket, service, request, who } => {
                self.request(now, ticket, service, request, who, actions);
            }
            Event::Loaded(services) => self.load(now, services, actions),
            Event::Executed(run) => self.executed(now, run, actions),
            Event::SpawnFailed(run, text) => self.spawn_failed(now, run, text, actions),
            Event::NotHere(run, text) => self.not_here(now, run, text, actions),
            Event::Ready(run) => self.ready(now, run, actions),
            Event::Reloading(run) => self.reloading(run),
            Event::Stopping(run) => self.about(now, run, Input::Leaving, actions),
            Event::Extend(run, more) => self.extend(now, run, more),
            Event::Alive(run) => self.feed(now, run),
            Event::Unwell(run, text) => self.unwell(now, run, text, actions),
            Event::Exited(run, exit) => self.exited(now, run, exit, actions),
            Event::Ended(run, exit) => {
                let before = actions.len();
                self.exited(now, run, exit, actions);
                self.emptied(now, run, actions);
                // There is nobody left who could be told to end.
                let new = actions.split_off(before);
                actions.extend(new.into_iter().filter(|one| !matches!(one, Action::Signal(whom, ..) if *whom == run)));
            }
            Event::Emptied(run) => self.emptied(now, run, actions),
            Event::Remains(run) => self.remains(now, run, actions),
            Event::Came(device) => self.came(device),
            Event::Gone(device) => self.gone(&device),
            Event::Together(_) | Event::Tick => {}
            Event::Pause => self.paused = true,
            Event::Resume => self.resume(),
            Event::Boot(service) => self.boot(now, service),
            Event::Shutdown(who) => self.shutdown(now, who, actions),
        }
    }

    /// When [`Event::Tick`] is due at the latest; `None` while nothing is timed.
    pub fn deadline(&self) -> Option<Time> {
        let service = self.timers.first().map(|entry| entry.0);
        let errand = self.errand_timers.first().map(|entry| entry.0);
        service.into_iter().chain(errand).min()
    }

    /// The service of this name, or else the first that provides it.
    pub fn id(&self, name: &str) -> Option<ServiceId> {
        let provides = |id: &ServiceId| self.service(*id).links.provides.iter().any(|found| found.as_str() == name);
        self.names.get(name).copied().or_else(|| self.names.values().copied().find(provides))
    }

    /// Every service, by name.
    pub fn ids(&self) -> impl Iterator<Item = ServiceId> {
        self.names.values().copied()
    }

    /// The definition in force.
    pub fn service(&self, id: ServiceId) -> &Arc<Service> {
        &self.life(id).service
    }

    /// What can be seen of it.
    pub fn view(&self, id: ServiceId) -> View<'_> {
        let life = self.life(id);
        View {
            state: life.state(),
            goal: life.goal,
            since: life.memory.since,
            restarts: life.memory.restarts,
            last_exit: life.memory.last_exit,
            trouble: life.memory.trouble.as_deref(),
            pinned: life.memory.pinned.as_deref(),
            left: &life.memory.left,
            reloading: life.reloading,
            orphan: life.orphan,
        }
    }

    /// Everything the next manager must know of it.
    pub fn memory(&self, id: ServiceId) -> Memory {
        Memory { next_run: self.next_run, ..self.life(id).memory.clone() }
    }

    /// Whose run this is, as long as the core knows it.
    pub fn owner(&self, run: RunId) -> Option<ServiceId> {
        self.runs.get(&run).map(|&(id, _)| id)
    }

    /// The neighbours of every service.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Who asked for everything to be stopped, if somebody did.
    pub fn ending(&self) -> Option<&Who> {
        self.ending.as_ref()
    }

    /// How many services have processes or count as up.
    pub fn alive(&self) -> usize {
        self.alive
    }

    /// The next run will have this number.
    pub fn next_run(&self) -> RunId {
        self.next_run
    }

    fn life(&self, id: ServiceId) -> &Life {
        self.lives[id.0 as usize].as_ref().expect("an id in use names a service")
    }

    fn life_mut(&mut self, id: ServiceId) -> &mut Life {
        self.lives[id.0 as usize].as_mut().expect("an id in use names a service")
    }

    /// An input for the service that this run is; news of a run long over is dropped.
    fn about(&mut self, now: Time, run: RunId, input: Input, actions: &mut Vec<Action>) {
        if let Some(id) = self.main(run) {
            self.step(now, id, input, actions);
        }
    }

    /// The service that this run is.
    fn main(&self, run: RunId) -> Option<ServiceId> {
        let &(id, part) = self.runs.get(&run)?;
        (part == Part::Main && self.life(id).state().run() == Some(run)).then_some(id)
    }

    fn executed(&mut self, now: Time, run: RunId, actions: &mut Vec<Action>) {
        if let Some(id) = self.main(run)
            && self.life(id).at_once
        {
            self.step(now, id, Input::Ready, actions);
        }
    }

    fn ready(&mut self, now: Time, run: RunId, actions: &mut Vec<Action>) {
        if let Some(id) = self.main(run) {
            self.life_mut(id).reloading = false;
            self.step(now, id, Input::Ready, actions);
        }
    }

    fn reloading(&mut self, run: RunId) {
        if let Some(id) = self.main(run) {
            self.life_mut(id).reloading = true;
            self.touched.insert(id);
        }
    }
}

#[cfg(test)]
mod tests;
