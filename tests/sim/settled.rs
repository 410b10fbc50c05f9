//! Settled weather: every launch succeeds, everything takes as long as it took before, and nothing ends by itself. What
//! processes do then is written here once more, by what processes are, so that a plan can be wrong.

use std::collections::BTreeSet;

use svc_core::lifecycle::{Shape, Stage, State};
use svc_core::run::Signal;
use svc_core::service::Ready;
use svc_core::{Event, Exit, Job, RunId, ServiceId};

use crate::machine::{Deed, Remains, Tree};
use crate::world::{Plan, World};

impl World {
    /// The weather clears up: what is on its way arrives, and what goes on will end as expected.
    pub(crate) fn clear_up(&mut self) {
        self.say(format_args!("settled weather"));
        self.is_calm = true;
        self.is_settled = true;
        self.plans.retain(|_, plan| matches!(plan, Plan::Tell(_) | Plan::Deed(_, Deed::Perish)));
        while self.plans.values().any(|plan| matches!(plan, Plan::Tell(_) | Plan::Deed(_, Deed::Perish))) {
            self.turn(u64::MAX);
        }
        self.plans.clear();
        for tree in self.trees.values_mut().filter(|tree| tree.main && !tree.left) {
            tree.kids = false;
            // What a verb leaves behind is its script's affair.
            tree.forks &= tree.job == Job::Start;
        }
        for id in self.core.ids().collect::<Vec<_>>() {
            self.go_on(id);
        }
        for run in self.core.errands().collect::<Vec<_>>() {
            self.deed(0, run, Deed::Return(0));
        }
    }

    /// What goes on with a service goes on as expected.
    fn go_on(&mut self, id: ServiceId) {
        let then = self.core.expected_over(id).map_or(0, |time| time.since_boot().as_millis() as u64);
        let after = then.saturating_sub(self.now);
        let state = self.core.view(id).state;
        if state.job().or(state.run()).is_some_and(|run| self.core.is_held_back(run)) {
            return;
        }
        match state {
            State::Starting { run, returned: false, .. } => {
                self.deed(0, run, Deed::Say(Event::Executed(run)));
                self.begin(run, id, after);
            }
            State::Starting { run, returned: true, .. } => {
                if matches!(self.core.shape(id), Shape::Forking | Shape::Daemon) {
                    self.deed(after, run, Deed::Serve);
                } else {
                    self.deed(0, run, Deed::Scatter);
                }
            }
            State::Stopping { run, stage: Stage::Command { job, .. }, .. } => {
                if let Some(run) = run {
                    self.deed(after, run, Deed::Die(Exit::Code(0)));
                }
                self.deed(after, job, Deed::Return(0));
            }
            State::Stopping { run: Some(run), stage: Stage::Killed, .. } => self.deed(0, run, Deed::Scatter),
            State::Stopping { run: Some(run), stage: Stage::Told | Stage::Returned, .. } => {
                self.deed(after, run, Deed::Die(Exit::Signal(15)));
            }
            State::Stopping { run: Some(run), stage: Stage::Rest, .. } => self.deed(after, run, Deed::Scatter),
            State::Stopping { .. }
            | State::Up { .. }
            | State::Down
            | State::Waiting
            | State::BackingOff { .. }
            | State::Ended { .. } => {}
        }
        if let Some(run) = self.core.view(id).state.run() {
            // Its watchdog may be one that its definition had when it was launched.
            self.deed(0, run, Deed::Say(Event::Alive(run)));
            self.beat(run, id);
        }
    }

    fn beat(&mut self, run: RunId, id: ServiceId) {
        if let Some(limit) = self.core.service(id).watchdog {
            self.deed(0, run, Deed::Beat(limit.as_millis() as u64 / 2));
        }
    }

    pub(crate) fn settled_spawn(&mut self, run: RunId, id: ServiceId, job: Job, about: Option<RunId>) {
        let kind = if job == Job::Start { Remains::Daemon } else { Remains::Others };
        let tree = Tree::plain(self.core.service(id).name.clone(), job.clone(), kind, self.now);
        assert!(self.trees.insert(run, tree).is_none(), "{run:?} came twice");
        let expected = self.core.expected(id);
        let (start, stop) = (expected.start.as_millis() as u64, expected.stop.as_millis() as u64);
        let is_execution = self.core.service(id).ready == Ready::Executed && self.core.shape(id) == Shape::Process;
        let executed = if job == Job::Start && is_execution { start } else { 0 };
        self.deed(executed, run, Deed::Say(Event::Executed(run)));
        match job {
            Job::Start => {
                self.begin(run, id, start);
                self.beat(run, id);
            }
            Job::Stop => {
                if let Some(main) = about {
                    self.ends(stop, main, Deed::Die(Exit::Code(0)));
                }
                self.deed(stop, run, Deed::Return(0));
            }
            Job::Reload | Job::Verb(_) | Job::Instead(_) | Job::Before(_) | Job::After(_) => {
                self.deed(0, run, Deed::Return(0))
            }
        }
    }

    /// A program that was launched comes as far as it was launched for.
    fn begin(&mut self, run: RunId, id: ServiceId, after: u64) {
        let forks = matches!(self.core.shape(id), Shape::Forking | Shape::Daemon);
        self.trees.get_mut(&run).expect("what starts has a tree").forks = forks;
        let serves = match self.core.shape(id) {
            Shape::Process => self.core.service(id).ready != Ready::Executed,
            Shape::Forking | Shape::Daemon => {
                self.deed(after, run, Deed::Return(0));
                true
            }
            Shape::Oneshot | Shape::Script | Shape::Group => {
                self.deed(after, run, Deed::Return(0));
                false
            }
        };
        if serves {
            self.deed(after, run, Deed::Serve);
        }
    }

    /// Ends soon; nothing else happens to it before, unless it ends sooner.
    fn ends(&mut self, after: u64, run: RunId, deed: Deed) {
        let is_end = |deed: &Deed| matches!(deed, Deed::Die(_) | Deed::Perish | Deed::Scatter);
        let mine = |plan: &Plan| matches!(plan, Plan::Deed(whose, deed) if *whose == run && is_end(deed));
        let sooner = self.plans.iter().any(|(&(at, _), plan)| at <= self.now + after && mine(plan));
        if !sooner {
            self.plans.retain(|_, plan| !matches!(plan, Plan::Deed(whose, _) if *whose == run));
            self.deed(after, run, deed);
        }
    }

    pub(crate) fn settled_signal(&mut self, run: RunId, signal: Signal) {
        let Some(tree) = self.trees.get(&run).filter(|_| signal != Signal::Hup) else { return };
        let id = self.core.owner(run).expect("who is told to end is known");
        let stop = self.core.expected(id).stop.as_millis() as u64;
        let deed = if tree.main { Deed::Die(Exit::Signal(15)) } else { Deed::Scatter };
        self.ends(stop, run, deed);
    }

    pub(crate) fn settled_kill(&mut self, run: RunId) {
        if let Some(tree) = self.trees.get_mut(&run) {
            tree.killed = true;
            self.plans.retain(|_, plan| !matches!(plan, Plan::Deed(whose, _) if *whose == run));
            self.deed(0, run, Deed::Perish);
        }
    }

    /// A process does something, and the daemon hears of it at once.
    pub(crate) fn settled_happen(&mut self, run: RunId, deed: Deed) {
        let Some(tree) = self.trees.get_mut(&run) else { return };
        let was_main = tree.main;
        let event = match deed {
            Deed::Return(code) if tree.forks => {
                tree.forks = false;
                Event::Exited(run, Exit::Code(code))
            }
            Deed::Return(code) => self.gone(run, was_main, Exit::Code(code)),
            Deed::Die(exit) => self.gone(run, was_main, exit),
            Deed::Perish => self.gone(run, was_main, Exit::Signal(9)),
            Deed::Scatter => self.gone(run, false, Exit::Unknown),
            Deed::Serve => Event::Ready(run),
            Deed::Beat(pause) => {
                self.deed(pause, run, Deed::Beat(pause));
                Event::Alive(run)
            }
            Deed::Say(event) => event,
        };
        self.handle(event);
    }

    fn gone(&mut self, run: RunId, was_main: bool, exit: Exit) -> Event {
        self.trees.remove(&run);
        self.buried.insert(run);
        if was_main { Event::Ended(run, exit) } else { Event::Emptied(run) }
    }

    /// Runs that the world has and the core does not know any more.
    pub(crate) fn forgotten(&self) -> BTreeSet<RunId> {
        self.trees.keys().copied().filter(|&run| self.core.owner(run).is_none()).collect()
    }
}
