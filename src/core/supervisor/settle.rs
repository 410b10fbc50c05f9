//! What one change means for others, until nothing more follows from it.

use alloc::vec::Vec;

use super::Supervisor;
use super::life::{Counts, Face};
use crate::event::{Action, Who};
use crate::graph::Edges;
use crate::lifecycle::{Goal, Input, Stage, State};
use crate::run::RunId;
use crate::service::{Kind, ServiceId};
use crate::time::Time;

impl Supervisor {
    /// Looks at everything on the list, and at what that puts on the list. What is asked of each is settled first, so
    /// that nothing is launched before it is known what else comes before it; and what must end is told before anything
    /// is launched that may need it.
    pub(super) fn settle(&mut self, now: Time, actions: &mut Vec<Action>) {
        let mut looks: usize = 0;
        loop {
            while let Some(id) = self.list.pop_front() {
                self.aim(now, id, actions);
            }
            let Some((id, turn)) = self.next_at_work() else { break };
            if self.look(now, id, turn, actions) {
                looks += 1;
                assert!(looks < 1_000 + 64 * self.lives.len(), "services did not settle");
            } else {
                self.retell(id);
            }
        }
        if self.ending.is_some() && self.alive == 0 && self.errands.is_empty() && !self.ended {
            self.ended = true;
            actions.push(Action::ShutdownComplete);
        }
    }

    /// Settles what is asked of one service, and puts it among those at work; forgets it if nothing of it is left.
    pub(super) fn aim(&mut self, now: Time, id: ServiceId, actions: &mut Vec<Action>) {
        if self.lives[id.0 as usize].is_none() {
            return;
        }
        if self.is_gone(id) {
            return self.remove(id, actions);
        }
        self.retell(id);
        let goal = self.wanted(now, id);
        let life = self.life_mut(id);
        life.listed = false;
        if !core::mem::replace(&mut life.at_work, true) {
            self.work.push_back(id);
        }
        if goal != self.life(id).goal {
            self.life_mut(id).goal = goal;
            self.step(now, id, if goal == Goal::Up { Input::Want } else { Input::Unwant }, actions);
            self.touched.insert(id);
        }
    }

    /// The next of those at work; after them those that may be launched; and as long as there are start slots, the
    /// first in line for one that still waits.
    fn next_at_work(&mut self) -> Option<(ServiceId, Turn)> {
        while let Some(id) = self.work.pop_front() {
            if let Some(life) = self.lives[id.0 as usize].as_mut()
                && core::mem::take(&mut life.at_work)
            {
                return Some((id, Turn::Work));
            }
        }
        while let Some(id) = self.launches.pop_front() {
            if self.lives[id.0 as usize].is_some() {
                return Some((id, Turn::Launch));
            }
        }
        while self.slots > 0 {
            let next = self.line.pop_front()?;
            let Some(life) = self.lives[next.0 as usize].as_mut() else { continue };
            if core::mem::take(&mut life.in_line) && life.state() == State::Waiting {
                return Some((next, Turn::Launch));
            }
        }
        None
    }

    /// Does the next thing that is due for one service; false when there is none.
    fn look(&mut self, now: Time, id: ServiceId, turn: Turn, actions: &mut Vec<Action>) -> bool {
        let goal = self.life(id).goal;
        let life = self.life_mut(id);
        // Only a stop by hand, or a pin, asks others to bear with its absence for good.
        if life.state() == State::Down && goal == Goal::Down && life.memory.pinned.is_none() {
            life.memory.excused &= life.memory.held.is_some();
        }
        // Who is up again needs nobody's patience; nor does a stop that was called off before it began.
        life.memory.excused &= !(goal == Goal::Up && matches!(life.state(), State::Up { .. }));
        let life = self.life(id);
        let input = match life.state() {
            State::Down if goal == Goal::Up => Input::Want,
            State::Waiting if self.may_launch(id) => match turn {
                Turn::Work => {
                    self.launches.push_back(id);
                    return false;
                }
                Turn::Launch if !self.take_slot(id) => return false,
                Turn::Launch => Input::Clear(self.next_run),
            },
            State::Starting { .. } | State::Up { .. }
                if life.counts.unmet > 0 || life.counts.absent > 0 || life.goal == Goal::Down =>
            {
                Input::Cycle
            }
            // It failed or was done with a device that is gone: with the next it begins anew.
            State::BackingOff { .. } | State::Ended { .. } if life.counts.absent > 0 => Input::Cycle,
            State::Stopping { stage: Stage::Dependents { .. }, .. } if self.may_stop(id) => {
                Input::Released(self.next_run)
            }
            State::Down
            | State::Waiting
            | State::Starting { .. }
            | State::Up { .. }
            | State::Stopping { .. }
            | State::BackingOff { .. }
            | State::Ended { .. } => return false,
        };
        self.step(now, id, input, actions);
        true
    }

    /// What is asked of a service: by hand, at boot, or by those that need it.
    fn wanted(&mut self, now: Time, id: ServiceId) -> Goal {
        if self.ending.is_some() {
            return Goal::Down;
        }
        let life = self.life_mut(id);
        if life.memory.pinned.is_some() {
            return life.goal;
        }
        if life.memory.held.is_some() {
            return Goal::Down;
        }
        if life.memory.asked.is_some() || life.counts.needed > 0 {
            return Goal::Up;
        }
        // Nobody needs it any more; but it would run without them.
        let stays = life.service.enabled.on && !life.orphan;
        if stays && life.goal == Goal::Up && life.state().is_alive() {
            let who = Who(alloc::string::String::from("its being enabled"));
            life.memory.asked = Some(super::Act { who, at: now });
            return Goal::Up;
        }
        Goal::Down
    }

    fn may_launch(&self, id: ServiceId) -> bool {
        let life = self.life(id);
        let counts = life.counts;
        !self.paused
            && life.broken.is_none()
            && !life.orphan
            && counts.unready == 0
            && counts.ahead == 0
            && counts.foes == 0
            && counts.absent == 0
            && (counts.above == 0 || life.memory.excused)
    }

    fn may_stop(&self, id: ServiceId) -> bool {
        let life = self.life(id);
        (life.counts.above == 0 || life.memory.excused) && life.counts.later == 0
    }

    /// Takes one of the simultaneous starts, or gets in line for one.
    fn take_slot(&mut self, id: ServiceId) -> bool {
        if matches!(self.life(id).service.kind, Kind::Group) || self.life(id).slot {
            return true;
        }
        if self.slots > 0 {
            self.slots -= 1;
            let life = self.life_mut(id);
            life.slot = true;
            life.in_line = false;
            return true;
        }
        if !self.life(id).in_line {
            self.life_mut(id).in_line = true;
            self.line.push_back(id);
        }
        false
    }

    pub(super) fn give_slot_back(&mut self, id: ServiceId) {
        if core::mem::take(&mut self.life_mut(id).slot) {
            self.slots += 1;
        }
    }

    /// Puts a service on the list of those to be looked at.
    pub(super) fn enlist(&mut self, id: ServiceId) {
        let life = self.life_mut(id);
        if !life.listed {
            life.listed = true;
            self.list.push_back(id);
        }
    }

    /// Tells the neighbours of a service what they may count on now.
    pub(super) fn retell(&mut self, id: ServiceId) {
        let face = self.shows(id);
        let before = core::mem::replace(&mut self.life_mut(id).face, face);
        if face == before {
            return;
        }
        if face.stuck != before.stuck {
            self.touched.insert(id);
        }
        match (before.alive, face.alive) {
            (false, true) => self.alive += 1,
            (true, false) => self.alive -= 1,
            (true, true) | (false, false) => {}
        }
        self.tell(id, before, face);
    }

    /// What neighbours may count on now, as it follows from itself and from what it counts.
    fn shows(&self, id: ServiceId) -> Face {
        let life = self.life(id);
        let face = life.look();
        let between = self.ending.is_some() && !face.alive && (life.counts.later > 0 || life.counts.above > 0);
        Face { between, ..face }
    }

    fn tell(&mut self, id: ServiceId, before: Face, face: Face) {
        // The edges are taken out while neighbours are changed; nothing looks at them meanwhile.
        let edges = core::mem::take(&mut self.graph.edges[id.0 as usize]);
        let Edges { requires, wants, after, conflicts, dependents, followers } = &edges;
        self.count(dependents, before.up, face.up, |counts| &mut counts.unready, Sense::Absence);
        self.count(dependents, before.serving, face.serving, |counts| &mut counts.unmet, Sense::Absence);
        self.count(dependents, before.stuck, face.stuck, |counts| &mut counts.blocked, Sense::Presence);
        self.count(followers, before.pending, face.pending, |counts| &mut counts.ahead, Sense::Presence);
        self.count(requires, before.alive, face.alive, |counts| &mut counts.above, Sense::Presence);
        self.count(conflicts, before.alive, face.alive, |counts| &mut counts.foes, Sense::Presence);
        self.count(conflicts, before.staying, face.staying, |counts| &mut counts.rivals, Sense::Presence);
        let stops_first = |face: Face| face.leaving || face.between;
        self.count(after, stops_first(before), stops_first(face), |counts| &mut counts.later, Sense::Presence);
        self.count(requires, before.between, face.between, |counts| &mut counts.later, Sense::Presence);
        self.count(requires, before.wanting, face.wanting, |counts| &mut counts.needed, Sense::Presence);
        self.count(wants, before.wanting, face.wanting, |counts| &mut counts.needed, Sense::Presence);
        self.graph.edges[id.0 as usize] = edges;
    }

    fn count(
        &mut self,
        neighbours: &[ServiceId],
        before: bool,
        after: bool,
        counter: impl Fn(&mut Counts) -> &mut u32,
        sense: Sense,
    ) {
        if before == after {
            return;
        }
        let more = after == (sense == Sense::Presence);
        for &neighbour in neighbours {
            let life = self.life_mut(neighbour);
            let counter = counter(&mut life.counts);
            *counter = if more { *counter + 1 } else { *counter - 1 };
            // Only coming from zero or to it can matter.
            if *counter == u32::from(more) {
                self.enlist(neighbour);
            }
        }
    }

    /// A run id that nobody had before.
    pub(super) fn mint(&mut self) -> RunId {
        let run = self.next_run;
        self.next_run = RunId(run.0 + 1);
        run
    }

    /// Counts everything again from nothing, as after a load.
    pub(super) fn recount(&mut self) {
        self.alive = 0;
        for at in 0..self.lives.len() {
            if self.lives[at].is_some() {
                let unready = self.graph.edges[at].requires.len() as u32;
                let absent = self.devices.absent(&self.life(ServiceId(at as u32)).service.devices);
                let life = self.life_mut(ServiceId(at as u32));
                life.face = Face::default();
                life.counts = Counts { unready, unmet: unready, absent, ..Counts::default() };
            }
        }
        for at in 0..self.lives.len() {
            if self.lives[at].is_some() {
                self.retell(ServiceId(at as u32));
                self.enlist(ServiceId(at as u32));
            }
        }
    }

    /// The first counter or face that is not what it would be if counted anew, for tests.
    #[doc(hidden)]
    pub fn miscount(&self) -> Option<alloc::string::String> {
        let mut counts = alloc::vec![Counts::default(); self.lives.len()];
        for (at, life) in self.lives.iter().enumerate() {
            let Some(life) = life else { continue };
            counts[at].absent = self.devices.absent(&life.service.devices);
            let edges = &self.graph.edges[at];
            let face = self.shows(ServiceId(at as u32));
            if face != life.face {
                return Some(alloc::format!("{}: shows {:?}, has {face:?}", life.service.name, life.face));
            }
            let mut add = |list: &[ServiceId], yes: bool, counter: fn(&mut Counts) -> &mut u32| {
                for id in list {
                    *counter(&mut counts[id.0 as usize]) += u32::from(yes);
                }
            };
            add(&edges.dependents, !face.up, |counts| &mut counts.unready);
            add(&edges.dependents, !face.serving, |counts| &mut counts.unmet);
            add(&edges.dependents, face.stuck, |counts| &mut counts.blocked);
            add(&edges.followers, face.pending, |counts| &mut counts.ahead);
            add(&edges.requires, face.alive, |counts| &mut counts.above);
            add(&edges.conflicts, face.alive, |counts| &mut counts.foes);
            add(&edges.conflicts, face.staying, |counts| &mut counts.rivals);
            add(&edges.after, face.leaving || face.between, |counts| &mut counts.later);
            add(&edges.requires, face.between, |counts| &mut counts.later);
            add(&edges.requires, face.wanting, |counts| &mut counts.needed);
            add(&edges.wants, face.wanting, |counts| &mut counts.needed);
        }
        let wrong = self.lives.iter().zip(&counts).find_map(|(life, counted)| {
            let life = life.as_ref()?;
            (life.counts != *counted).then(|| (life.service.name.clone(), life.counts, *counted))
        });
        wrong.map(|(name, has, counted)| alloc::format!("{name}: has {has:?}, counted {counted:?}"))
    }
}

/// What a look may do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Everything but launch.
    Work,
    /// Launch too.
    Launch,
}

/// Which way a counter goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sense {
    /// It counts those that show the face.
    Presence,
    /// It counts those that do not.
    Absence,
}
