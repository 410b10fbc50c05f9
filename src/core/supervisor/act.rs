//! One step of one service: the transition, its bookkeeping, its effect.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::life::{Act, Life, shape_of};
use super::timers::{SLOT_HELD, Timer};
use super::{Part, Supervisor};
use crate::event::{Action, Who};
use crate::lifecycle::{self, Again, Cause, Effect, Goal, Input, KILL_AGAIN, Outcome, Policy, Shape, Stage, State};
use crate::run::{Exit, Job, RunId};
use crate::service::{Kind, RestartWhen, ServiceId};
use crate::time::Time;

impl Supervisor {
    /// Moves one service by one input and does what follows for itself; neighbours follow in `settle`.
    pub(super) fn step(&mut self, now: Time, id: ServiceId, input: Input, actions: &mut Vec<Action>) {
        let life = self.life_mut(id);
        let policy = policy(life, now);
        let before = life.state();
        let (after, effect) = lifecycle::step(before, life.goal, input, now, &policy);
        if let (Input::Emptied, Some(run), None) = (input, before.run(), after.run()) {
            self.runs.remove(&run);
        }
        if after != before {
            self.moved(now, id, before, after, &policy, actions);
        }
        self.perform(now, id, before, effect, actions);
        match (before, after) {
            (State::Waiting | State::Starting { .. }, State::Up { .. }) if !matches!(input, Input::Found(_)) => {
                self.afterwards(now, id, "start", actions);
            }
            _ if before.is_alive() && !after.is_alive() => self.afterwards(now, id, "stop", actions),
            _ => {}
        }
        self.retell(id);
        self.enlist(id);
    }

    fn moved(
        &mut self,
        now: Time,
        id: ServiceId,
        before: State,
        after: State,
        policy: &Policy,
        actions: &mut Vec<Action>,
    ) {
        let life = self.life_mut(id);
        let uptime = life.uptime(now);
        let since = life.memory.since;
        life.memory.course.moved(now, since, before, after);
        life.memory.state = after;
        let same = core::mem::discriminant(&before) == core::mem::discriminant(&after);
        if !same {
            life.memory.since = now;
            life.memory.counts_from = None;
        } else if before.until() != after.until() {
            life.memory.counts_from = Some(now);
        }
        if !before.is_alive() && after.is_alive() {
            life.memory.shape = Some(shape_of(&life.service));
        }
        if matches!(before, State::Up { .. }) && !same {
            life.was_up = uptime;
            life.reloading = false;
            life.memory.excused |= life.service.smooth && is_crash(after, before);
        }
        if is_again(before, after) {
            life.restarted(policy, uptime);
        }
        match after {
            State::Up { .. } if !same => life.came_up(),
            State::Ended { cause } => {
                life.memory.excused = false;
                life.given_up(cause);
            }
            State::Starting { .. } if !same => {
                life.launches += 1;
                life.attempts.push_back(now);
                life.was_up = Duration::ZERO;
            }
            State::Up { .. }
            | State::Starting { .. }
            | State::Down
            | State::Waiting
            | State::Stopping { .. }
            | State::BackingOff { .. } => {}
        }
        self.arm_for(now, id, before, after);
        self.touched.insert(id);
        self.show(id, actions);
    }

    /// Timers and start slots that go with a state.
    fn arm_for(&mut self, now: Time, id: ServiceId, before: State, after: State) {
        self.arm(id, Timer::State, after.until());
        let starts = matches!(after, State::Starting { .. });
        if starts && !matches!(before, State::Starting { .. }) {
            self.arm(id, Timer::Slot, Some(now + SLOT_HELD));
        }
        if !starts {
            self.arm(id, Timer::Slot, None);
            self.give_slot_back(id);
        }
        let watchdog = match after {
            State::Up { run: Some(_) } => self.life(id).service.watchdog,
            State::Up { run: None }
            | State::Down
            | State::Waiting
            | State::Starting { .. }
            | State::Stopping { .. }
            | State::BackingOff { .. }
            | State::Ended { .. } => None,
        };
        if !matches!((before, after), (State::Up { .. }, State::Up { .. })) {
            self.arm(id, Timer::Watchdog, watchdog.map(|limit| now + limit));
        }
    }

    /// Tells those who watch, once for each state and goal.
    pub(super) fn show(&mut self, id: ServiceId, actions: &mut Vec<Action>) {
        let life = self.life_mut(id);
        let shown = (life.state(), life.goal);
        if life.told != Some(shown) {
            life.told = Some(shown);
            actions.push(Action::Changed(id));
        }
    }

    fn perform(&mut self, now: Time, id: ServiceId, before: State, effect: Effect, actions: &mut Vec<Action>) {
        match effect {
            Effect::Nothing => {}
            Effect::Launch(run) => {
                let fresh = self.mint();
                debug_assert_eq!(run, fresh, "the run that was offered is the next one");
                self.runs.insert(run, (id, Part::Main));
                self.launch(now, id, run, Job::Start, actions);
            }
            Effect::Terminate(run, reach) => {
                let signal = self.life(id).service.stop.signal;
                actions.push(match self.ending_of(run) {
                    Some(command) => Action::Kill(command),
                    None => Action::Signal(run, signal, reach),
                });
            }
            Effect::Kill(run) => {
                for run in before.job().into_iter().chain([run]) {
                    actions.push(Action::Kill(self.ending_of(run).unwrap_or(run)));
                }
            }
            Effect::StopCommand(job) => {
                let fresh = self.mint();
                debug_assert_eq!(job, fresh, "the run that was offered is the next one");
                self.runs.insert(job, (id, Part::Stop));
                self.launch(now, id, job, Job::Stop, actions);
            }
            Effect::KillCommand(job) => actions.push(Action::Kill(self.ending_of(job).unwrap_or(job))),
            Effect::Leave(run) => self.leave(id, run, actions),
            Effect::Kept => self.kept(now, id, actions),
        }
    }

    /// What is left of this run counts no more, but is not forgotten.
    pub(super) fn leave(&mut self, id: ServiceId, run: RunId, actions: &mut Vec<Action>) {
        self.runs.insert(run, (id, Part::Left));
        let life = self.life_mut(id);
        life.memory.left.push(run);
        actions.push(Action::Leave(run));
        if life.clean {
            actions.push(Action::Kill(run));
        }
        self.touched.insert(id);
    }

    /// A script's stop did not end its main process: it is up, and whoever waits is told; unless everything must end,
    /// or what it requires did, or a device that it lives with is gone.
    fn kept(&mut self, now: Time, id: ServiceId, actions: &mut Vec<Action>) {
        let life = self.life(id);
        let forced = self.ending.is_some() || life.clean || life.counts.unmet > 0 || life.counts.absent > 0;
        self.blame(id, "its own stop returned, but its main process runs on");
        let life = self.life_mut(id);
        if forced && let Some(run) = life.state().run() {
            let until = Some(now + KILL_AGAIN);
            life.memory.state = State::Stopping { run: Some(run), stage: Stage::Killed, until, cause: Cause::Asked };
            self.arm(id, Timer::State, until);
            actions.push(Action::Kill(run));
            return;
        }
        life.goal = Goal::Up;
        let hold = life.memory.held.take();
        if life.memory.asked.is_none() {
            let nobody = || Act { who: Who(String::from("a stop that did not end it")), at: now };
            life.memory.asked = Some(hold.map_or_else(nobody, |hold| hold.act));
        }
        self.answer_kept(id, actions);
    }

    /// Remembers how a failure reads.
    pub(super) fn blame(&mut self, id: ServiceId, text: &str) {
        self.life_mut(id).memory.trouble = Some(String::from(text));
    }

    pub(super) fn spawn_failed(&mut self, now: Time, run: RunId, text: String, actions: &mut Vec<Action>) {
        let Some((id, part)) = self.runs.remove(&run) else { return };
        match part {
            Part::Main => {
                self.blame(id, &text);
                self.step(now, id, Input::SpawnFailed, actions);
            }
            Part::Stop => {
                self.blame(id, &format!("its stop command: {text}"));
                self.step(now, id, Input::StopReturned, actions);
            }
            Part::Errand => self.errand_failed(now, id, run, &text, actions),
            Part::Left => {}
        }
    }

    pub(super) fn not_here(&mut self, now: Time, run: RunId, text: String, actions: &mut Vec<Action>) {
        if let Some(id) = self.main(run) {
            self.runs.remove(&run);
            self.blame(id, &text);
            self.step(now, id, Input::NotHere, actions);
        }
    }

    pub(super) fn unwell(&mut self, now: Time, run: RunId, text: String, actions: &mut Vec<Action>) {
        if let Some(id) = self.main(run) {
            self.blame(id, &text);
            self.step(now, id, Input::Unwell, actions);
        }
    }

    pub(super) fn exited(&mut self, now: Time, run: RunId, exit: Exit, actions: &mut Vec<Action>) {
        match self.runs.get(&run) {
            None | Some((_, Part::Left)) => {}
            Some(&(id, Part::Main)) => self.main_exited(now, id, run, exit, actions),
            Some(&(id, Part::Stop)) => self.stop_returned(now, id, run, Some(exit), actions),
            Some(&(id, Part::Errand)) => self.errand_exited(now, id, run, Some(exit), actions),
        }
    }

    fn main_exited(&mut self, now: Time, id: ServiceId, run: RunId, exit: Exit, actions: &mut Vec<Action>) {
        let life = self.life_mut(id);
        if life.state().run() != Some(run) {
            return;
        }
        let outcome = outcome(life.state(), life.shape(), exit);
        let trouble = match life.state() {
            State::Starting { returned: false, .. } if outcome == Outcome::Skip => {
                Some(format!("its script says that it is not meant to run here ({exit})"))
            }
            State::Starting { returned: true, .. } => Some(format!("its daemon {exit} before it was ready")),
            State::Starting { .. } if outcome != Outcome::Success || life.shape() == Shape::Process => {
                Some(format!("{exit} before it was ready"))
            }
            State::Up { .. } | State::Stopping { cause: Cause::Finished, .. } => Some(format!("{exit}")),
            State::Starting { .. }
            | State::Stopping { .. }
            | State::Down
            | State::Waiting
            | State::BackingOff { .. }
            | State::Ended { .. } => None,
        };
        life.memory.last_exit = Some(exit);
        if trouble.is_some() {
            life.memory.trouble = trouble;
        }
        if let (State::Up { .. }, Some(spare)) = (life.state(), life.spare.take()) {
            return self.take_over(now, id, run, spare, actions);
        }
        self.step(now, id, Input::Exited(outcome), actions);
    }

    /// A stop command ended so; `None`: nobody saw how, and no process of it is left.
    fn stop_returned(&mut self, now: Time, id: ServiceId, job: RunId, exit: Option<Exit>, actions: &mut Vec<Action>) {
        self.runs.remove(&job);
        self.enlist(id);
        if self.life(id).state().job() != Some(job) {
            return;
        }
        let seen = exit.unwrap_or(Exit::Unknown);
        if !seen.is_success() {
            self.blame(id, &format!("its stop command {seen}"));
        }
        // What a stop command leaves running is nobody's service; a script may have its reasons.
        match exit {
            Some(_) if self.life(id).service.is_script() => self.leave(id, job, actions),
            Some(_) => actions.push(Action::Kill(job)),
            None => {}
        }
        self.step(now, id, Input::StopReturned, actions);
    }

    pub(super) fn emptied(&mut self, now: Time, run: RunId, actions: &mut Vec<Action>) {
        let Some(&(id, part)) = self.runs.get(&run) else { return };
        match part {
            Part::Main => self.main_emptied(now, id, run, actions),
            Part::Left => {
                self.runs.remove(&run);
                let life = self.life_mut(id);
                life.memory.left.retain(|&left| left != run);
                life.spare = life.spare.filter(|&spare| spare != run);
                self.touched.insert(id);
                self.enlist(id);
            }
            // The end of a command is told by its exit; without one, nobody saw how it ended, and nothing is left.
            Part::Stop => self.stop_returned(now, id, run, None, actions),
            Part::Errand => self.errand_exited(now, id, run, None, actions),
        }
    }

    fn main_emptied(&mut self, now: Time, id: ServiceId, run: RunId, actions: &mut Vec<Action>) {
        let life = self.life_mut(id);
        if life.state().run() != Some(run) {
            return;
        }
        let trouble = match (life.state(), life.shape()) {
            (State::Starting { returned: true, .. }, Shape::Daemon | Shape::Forking) => {
                Some("its start returned with success and left no process")
            }
            (State::Starting { returned: false, .. }, _) => Some("it vanished while it was starting"),
            (State::Up { .. }, shape) if shape != Shape::Script => Some("all its processes are gone, nobody saw how"),
            _ => None,
        };
        if let Some(text) = trouble {
            life.memory.trouble = Some(String::from(text));
        }
        if is_unseen(life.state(), life.shape()) {
            life.memory.last_exit = Some(Exit::Unknown);
        }
        if let (State::Up { .. }, Some(spare)) = (life.state(), life.spare.take()) {
            self.runs.remove(&run);
            return self.take_over(now, id, run, spare, actions);
        }
        self.step(now, id, Input::Emptied, actions);
        // Where the state keeps the run although it is empty, there is nothing more to hear of it.
        if self.life(id).state().run() != Some(run) {
            self.runs.remove(&run);
        }
    }
}

fn outcome(state: State, shape: Shape, exit: Exit) -> Outcome {
    let script = matches!(shape, Shape::Daemon | Shape::Script);
    match (state, exit) {
        // LSB: 5 is "program not installed", 6 "program not configured".
        (State::Starting { returned: false, .. }, Exit::Code(5 | 6)) if script => Outcome::Skip,
        (_, Exit::Code(0)) => Outcome::Success,
        (_, Exit::Code(_) | Exit::Signal(_) | Exit::Unknown) => Outcome::Failure,
    }
}

/// Whether a run that is empty in this state ended without anybody seeing how.
fn is_unseen(state: State, shape: Shape) -> bool {
    match state {
        State::Starting { returned, .. } => !returned,
        State::Up { .. } => shape != Shape::Script,
        State::Stopping { stage, .. } => matches!(stage, Stage::Dependents { .. } | Stage::Told | Stage::Returned),
        State::Down | State::Waiting | State::BackingOff { .. } | State::Ended { .. } => false,
    }
}

/// Whether a service left its state by itself, not asked.
fn is_crash(after: State, before: State) -> bool {
    match after {
        State::Stopping { cause, .. } | State::Ended { cause } => cause != Cause::Asked,
        State::BackingOff { .. } => true,
        State::Waiting => !matches!(before, State::Stopping { .. }),
        State::Down | State::Starting { .. } | State::Up { .. } => false,
    }
}

/// Whether this transition is one more try after a failure or an end.
fn is_again(before: State, after: State) -> bool {
    match (before, after) {
        (State::Stopping { cause, .. }, State::Waiting) => cause != Cause::Asked,
        (State::Starting { .. } | State::Up { .. }, State::Waiting) => true,
        (_, State::BackingOff { .. }) => true,
        _ => false,
    }
}

impl Life {
    fn came_up(&mut self) {
        if matches!(self.service.kind, Kind::Group) {
            self.launches += 1;
        }
    }

    /// Counts one more try.
    fn restarted(&mut self, policy: &Policy, uptime: Duration) {
        self.memory.restarts = self.memory.restarts.saturating_add(1);
        let at_once =
            policy.failed == Again::Now || policy.finished == Again::Now || uptime >= self.service.restart.settled;
        self.doublings = if at_once { 0 } else { self.doublings.saturating_add(1) };
    }

    /// Adds to the last failure that it is the last one tried.
    fn given_up(&mut self, cause: Cause) {
        let restart = *self.service.restart;
        let wanted = match cause {
            Cause::Failed => restart.when != RestartWhen::Never,
            Cause::Finished => restart.when == RestartWhen::Always,
            Cause::Asked | Cause::Skipped => false,
        };
        if wanted && self.goal == Goal::Up {
            let last = self.memory.trouble.take().unwrap_or_default();
            let (count, period) = (self.attempts.len(), restart.period.as_secs());
            self.memory.trouble = Some(format!("{last}; given up after {count} starts within {period} s"));
        }
    }

    /// When it is tried again after it ended by itself now.
    fn again(&self, now: Time) -> Again {
        let restart = *self.service.restart;
        let recent = self.attempts.iter().filter(|&&at| now.since(at) < restart.period).count();
        if restart.limit > 0 && recent >= restart.limit as usize {
            return Again::Never;
        }
        if self.uptime(now) >= restart.settled {
            return Again::Now;
        }
        let delay = restart.delay.saturating_mul(1 << self.doublings.min(20)).min(restart.max_delay);
        if delay.is_zero() { Again::Now } else { Again::At(now + delay) }
    }
}

/// What decides the transitions of this service now.
fn policy(life: &mut Life, now: Time) -> Policy {
    let period = life.service.restart.period;
    while life.attempts.front().is_some_and(|&at| now.since(at) >= period) {
        life.attempts.pop_front();
    }
    let again = life.again(now);
    let service = &life.service;
    let shape = life.shape();
    let (failed, finished) = match service.restart.when {
        RestartWhen::Always => (again, again),
        RestartWhen::OnFailure => (again, Again::Never),
        RestartWhen::Never => (Again::Never, Again::Never),
    };
    Policy {
        shape,
        start: service.start_timeout,
        stop: service.stop.timeout,
        stop_command: service.is_script()
            || !service.stop.command.is_empty()
            || service.instead("stop").or(service.before("stop")).is_some(),
        leave: service.leave_children,
        failed,
        finished,
    }
}
