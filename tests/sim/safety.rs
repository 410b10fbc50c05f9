//! What must hold after every event.

use std::collections::{BTreeMap, BTreeSet};

use svc_core::lifecycle::{Cause, Goal, Stage, State};
use svc_core::supervisor::SLOT_HELD;
use svc_core::{Answer, Job, Name, Request, RunId, ServiceId, Ticket};

use crate::world::World;

impl World {
    pub(crate) fn name(&self, id: ServiceId) -> &Name {
        &self.core.service(id).name
    }

    pub(crate) fn check(&mut self) {
        if let Some(wrong) = self.core.miscount() {
            panic!("miscounted: {wrong}");
        }
        for id in self.core.ids().collect::<Vec<_>>() {
            let state = self.core.view(id).state;
            if let Some(tree) = state.run().and_then(|run| self.trees.get_mut(&run)) {
                tree.left = false;
            }
            if let State::Starting { run, .. } = state
                && !self.launched.contains_key(&run)
                && run >= self.first_run
            {
                self.check_launch(run, id);
            }
            self.check_service(id, state);
            self.check_stop_order(id, state);
        }
        self.check_trees();
        self.check_slots();
        // At moments that have nothing to do with what happens.
        if self.totals.events.wrapping_mul(0x9E37_79B9).is_multiple_of(11) {
            self.check_reasons();
        }
        if self.is_complete {
            let stray = self.trees.iter().find(|&(&run, tree)| {
                let errand = !matches!(tree.job, Job::Start | Job::Stop);
                let works = tree.main && errand && self.core.owner(run).is_some();
                tree.is_alive() && !tree.left && (works || !tree.killed)
            });
            assert!(stray.is_none(), "everything is said to be down, and there is {stray:?}");
        }
    }

    fn check_service(&mut self, id: ServiceId, state: State) {
        let name = self.name(id).clone();
        let memory = self.core.memory(id);
        if !matches!(state, State::Down | State::Waiting | State::Stopping { .. }) {
            let absent = self.core.service(id).devices.iter().find(|device| !self.present.contains(*device));
            assert!(absent.is_none(), "{name} is {state:?} without {absent:?}");
        }
        if matches!(state, State::Up { .. } | State::Starting { .. }) {
            assert!(self.core.view(id).goal == Goal::Up, "{name} is {state:?} and nobody wants it");
            for &required in &self.core.graph().of(id).requires {
                let there = self.core.view(required).state.satisfies() || self.core.memory(required).excused;
                assert!(there, "{name} is {state:?} without {}", self.name(required));
            }
            for &foe in &self.core.graph().of(id).conflicts {
                let beside = self.core.view(foe).state.is_alive() && self.launched_beside(id, foe);
                assert!(!beside, "{name} runs beside {}", self.name(foe));
            }
        }
        assert!(
            !(memory.excused && matches!(state, State::Up { .. })),
            "{name} is up, and others bear with its absence"
        );
        if memory.excused && state == State::Down {
            assert!(
                memory.held.is_some() || memory.pinned.is_some(),
                "{name} is down for good, and others bear with it"
            );
        }
        if let State::Up { run: Some(run) } = state {
            let limit = self.core.service(id).watchdog;
            let then = limit.map(|limit| self.now + limit.as_millis() as u64);
            let until = *self.fed.entry(run).or_insert(then);
            assert!(until.is_none_or(|until| self.now <= until), "{name} was silent for too long and is up");
        }
        assert!(memory.trouble.as_deref() != Some(""), "{name} has a trouble without words");
    }

    /// Whether both came to run under this manager and these definitions: what ran when a conflict was written, or was
    /// found running, may go on.
    fn launched_beside(&self, one: ServiceId, other: ServiceId) -> bool {
        let fresh = |id: ServiceId| match self.core.view(id).state {
            State::Starting { run, .. } => self.since_load(run),
            State::Up { run: Some(run) } => self.since_load(run),
            State::Up { run: None }
            | State::Down
            | State::Waiting
            | State::Stopping { .. }
            | State::BackingOff { .. }
            | State::Ended { .. } => false,
        };
        fresh(one) && fresh(other)
    }

    fn since_load(&self, run: RunId) -> bool {
        self.launched.get(&run).is_some_and(|&events| events > self.loaded)
    }

    /// Every process belongs to a run that core knows, and no service has two.
    fn check_trees(&self) {
        let mut mains: BTreeMap<&Name, RunId> = BTreeMap::new();
        for (&run, tree) in self.trees.iter().filter(|(_, tree)| tree.is_alive()) {
            assert!(self.core.owner(run).is_some() || tree.killed, "nobody knows {run:?}: {tree:?}");
            if tree.job == Job::Start && !tree.left {
                let other = mains.insert(&tree.name, run);
                assert!(other.is_none(), "{} runs twice: {other:?} and {run:?}", tree.name);
            }
        }
    }

    /// How many start slots are in use.
    pub(crate) fn slots_held(&self) -> usize {
        let starting = self.core.ids().filter(|&id| match self.core.view(id).state {
            State::Starting { run, .. } => {
                self.launched.contains_key(&run) && self.time().since(self.core.view(id).since) < SLOT_HELD
            }
            State::Down
            | State::Waiting
            | State::Up { .. }
            | State::Stopping { .. }
            | State::BackingOff { .. }
            | State::Ended { .. } => false,
        });
        starting.count()
    }

    fn check_slots(&self) {
        let count = self.slots_held();
        assert!(count <= self.slots as usize, "{count} services start at once, {} may", self.slots);
    }

    /// Who was told to end just now has nobody above it.
    fn check_stop_order(&self, id: ServiceId, state: State) {
        let State::Stopping { stage: Stage::Told | Stage::Command { .. }, cause: Cause::Asked, .. } = state else {
            return;
        };
        let Some(State::Up { .. } | State::Starting { .. } | State::Stopping { stage: Stage::Dependents { .. }, .. }) =
            self.before.get(&id)
        else {
            return;
        };
        let excused = self.core.memory(id).excused;
        for (other, by_order) in self.stops_first(id) {
            let fine = if by_order { self.core.view(other).goal == Goal::Up } else { excused };
            assert!(fine, "{} was told to end before {}, which stops first", self.name(id), self.name(other));
        }
    }

    /// Who is alive and has to stop before this one, and whether that is by order alone. When everything ends, also by
    /// way of what is not alive.
    pub(crate) fn stops_first(&self, id: ServiceId) -> Vec<(ServiceId, bool)> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::from([id]);
        let mut open = vec![id];
        while let Some(at) = open.pop() {
            let edges = self.core.graph().of(at);
            let dependents = edges.dependents.iter().map(|other| (*other, at != id));
            for (other, by_order) in dependents.chain(edges.followers.iter().map(|other| (*other, true))) {
                if self.core.view(other).state.is_alive() {
                    found.push((other, by_order));
                } else if self.is_ending && seen.insert(other) {
                    open.push(other);
                }
            }
        }
        found
    }

    /// A launch is right when it happens.
    pub(crate) fn check_spawn(&mut self, run: RunId, id: ServiceId, job: &Job) {
        assert!(!self.is_complete, "{} is launched after the end", self.name(id));
        if *job != Job::Start {
            return;
        }
        assert!(!self.is_ending, "{} is started while everything ends", self.name(id));
        if !self.launched.contains_key(&run) {
            self.check_launch(run, id);
        }
    }

    /// Nobody is launched who may not be; what waits for a command before it is as good as launched.
    fn check_launch(&mut self, run: RunId, id: ServiceId) {
        self.launched.insert(run, self.totals.events);
        assert!(!self.is_paused, "{} is launched while definitions are read", self.name(id));
        let edges = self.core.graph().of(id);
        for &required in &edges.requires {
            let up = self.core.view(required).state.satisfies();
            let state = self.core.view(required).state;
            assert!(up, "{} is launched before {}: {state:?}", self.name(id), self.name(required));
        }
        for &foe in &edges.conflicts {
            let alive = self.core.view(foe).state.is_alive();
            assert!(!alive, "{} is launched beside {}", self.name(id), self.name(foe));
        }
        for &earlier in &edges.after {
            let view = self.core.view(earlier);
            let coming = view.goal == Goal::Up && matches!(view.state, State::Starting { .. });
            assert!(!coming, "{} is launched before {} is up", self.name(id), self.name(earlier));
        }
    }

    pub(crate) fn check_reply(&mut self, ticket: Ticket, answer: &Answer) {
        self.totals.answers += 1;
        let Some((id, request)) = self.open.remove(&ticket) else {
            panic!("{ticket:?} was answered twice, or nobody asked: {answer:?}");
        };
        match answer {
            Answer::Done { .. } => self.check_done(id, &request),
            Answer::Failed(text) | Answer::Unsupported(text) => {
                let contradicts = text.contains("nobody asked for it") || text.contains(": :");
                assert!(!text.is_empty() && !contradicts, "{request:?} is answered with {text:?}");
            }
            Answer::Exited(_) => assert!(matches!(request, Request::Verb(_)), "{request:?}: {answer:?}"),
            Answer::Superseded(_) => {
                let contrary = matches!(request, Request::Start | Request::Stop { .. } | Request::Restart { .. });
                assert!(contrary, "{request:?} was superseded");
            }
        }
    }

    /// What is said to be done is.
    fn check_done(&self, id: ServiceId, request: &Request) {
        if !self.core.ids().any(|found| found == id) {
            let starts = matches!(request, Request::Start | Request::Restart { .. });
            assert!(!starts, "{request:?} of a service that is gone is done");
            return;
        }
        let view = self.core.view(id);
        match request {
            Request::Start | Request::Restart { .. } => {
                assert!(view.state.satisfies(), "{} is started, and {:?}", self.name(id), view.state);
            }
            Request::Stop { all, .. } => {
                assert!(view.state == State::Down, "{} is stopped, and {:?}", self.name(id), view.state);
                assert!(!all || view.left.is_empty(), "{} is stopped, and has {:?}", self.name(id), view.left);
                let rest = self.trees.values().find(|tree| {
                    tree.name == *self.name(id) && tree.job == Job::Start && tree.is_alive() && !tree.left
                });
                assert!(rest.is_none(), "{} is stopped, and there is {rest:?}", self.name(id));
            }
            Request::Reload | Request::Verb(_) | Request::Pin | Request::Unpin | Request::Reset => {}
        }
    }
}
