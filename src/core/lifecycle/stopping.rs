//! The half of a service's life in which it ends: told, waited for, killed.

#![deny(clippy::wildcard_enum_match_arm)]

use super::{
    Cause, Effect, Goal, Input, KILL_AGAIN, Policy, RETURNED_WAIT, Stage, State, Step, ended_by, quiet, settled,
};
use crate::run::{Reach, RunId};
use crate::time::Time;

/// The fields of [`State::Stopping`], to be passed as one.
#[derive(Clone, Copy)]
pub(super) struct Stop {
    pub(super) run: Option<RunId>,
    pub(super) stage: Stage,
    pub(super) until: Option<Time>,
    pub(super) cause: Cause,
}

impl Stop {
    fn state(self) -> State {
        State::Stopping { run: self.run, stage: self.stage, until: self.until, cause: self.cause }
    }

    fn at(self, stage: Stage) -> Self {
        Self { stage, ..self }
    }
}

pub(super) fn step(stop: Stop, goal: Goal, input: Input, now: Time, policy: &Policy) -> Step {
    match input {
        // Who stops it now wants it stopped, not mended.
        Input::Want | Input::Unwant | Input::Cycle => quiet(Stop { cause: Cause::Asked, ..stop }.state()),
        Input::Released(job) => released(stop, job, goal, now, policy),
        Input::Exited(outcome) => {
            let cause = if stop.cause == Cause::Finished { ended_by(outcome) } else { stop.cause };
            exited(Stop { cause, ..stop }, goal, now, policy)
        }
        // A launch that was called off may still turn out not to have happened.
        Input::Emptied | Input::SpawnFailed | Input::NotHere => emptied(stop, goal, policy),
        Input::StopReturned => returned(stop, goal, now, policy),
        Input::Deadline => deadline(stop, now, policy),
        Input::Undo | Input::Clear(_) | Input::Ready | Input::Leaving | Input::Unwell | Input::Found(_) => {
            quiet(stop.state())
        }
    }
}

/// Dependents are down: tell it.
fn released(stop: Stop, job: RunId, goal: Goal, now: Time, policy: &Policy) -> Step {
    let Stage::Dependents { was_up } = stop.stage else { return quiet(stop.state()) };
    let until = policy.stop.map(|patience| now + patience);
    let stop = Stop { until, ..stop };
    if was_up && policy.stop_command {
        let stage = Stage::Command { job, main_gone: stop.run.is_none() };
        return (stop.at(stage).state(), Effect::StopCommand(job));
    }
    match stop.run {
        None => quiet(settled(goal, stop.cause, policy)),
        // What was still starting has no main process yet that could pass the word on.
        Some(run) if !was_up => (stop.at(Stage::Told).state(), Effect::Terminate(run, Reach::Tree)),
        Some(run) => (stop.at(Stage::Told).state(), Effect::Terminate(run, Reach::Leader)),
    }
}

/// The main process is gone, but others of the run may live.
fn exited(stop: Stop, goal: Goal, now: Time, policy: &Policy) -> Step {
    let Some(run) = stop.run else { return quiet(stop.state()) };
    match stop.stage {
        Stage::Command { job, .. } => quiet(stop.at(Stage::Command { job, main_gone: true }).state()),
        Stage::Returned if policy.leaves() => (settled(goal, stop.cause, policy), Effect::Leave(run)),
        Stage::Dependents { was_up: true } if policy.leave => (settled(goal, stop.cause, policy), Effect::Leave(run)),
        // A script is only told by signal when its start is given up; what that left is no daemon to keep.
        Stage::Told if policy.leave => (settled(goal, stop.cause, policy), Effect::Leave(run)),
        Stage::Dependents { .. } => rest_told(run, policy.stop.map(|patience| now + patience), stop.cause),
        Stage::Told | Stage::Returned => rest_told(run, stop.until, stop.cause),
        Stage::Rest | Stage::Killed => quiet(stop.state()),
    }
}

/// No process is left.
fn emptied(stop: Stop, goal: Goal, policy: &Policy) -> Step {
    match stop.stage {
        // The command may still be at work on other things.
        Stage::Command { job, .. } => {
            quiet(Stop { run: None, stage: Stage::Command { job, main_gone: true }, ..stop }.state())
        }
        Stage::Dependents { .. } | Stage::Told | Stage::Returned | Stage::Rest | Stage::Killed => {
            quiet(settled(goal, stop.cause, policy))
        }
    }
}

/// The stop command has ended, well or not: what counts is what is left.
fn returned(stop: Stop, goal: Goal, now: Time, policy: &Policy) -> Step {
    let Stage::Command { main_gone, .. } = stop.stage else { return quiet(stop.state()) };
    let Some(run) = stop.run else { return quiet(settled(goal, stop.cause, policy)) };
    match (main_gone, policy.leaves()) {
        (true, true) => (settled(goal, stop.cause, policy), Effect::Leave(run)),
        (true, false) => rest_told(run, stop.until, stop.cause),
        (false, _) if policy.is_script() => {
            let until = stop.until.map_or(now + RETURNED_WAIT, |until| until.min(now + RETURNED_WAIT));
            quiet(Stop { until: Some(until), ..stop }.at(Stage::Returned).state())
        }
        (false, _) => (stop.at(Stage::Told).state(), Effect::Terminate(run, Reach::Leader)),
    }
}

fn deadline(stop: Stop, now: Time, policy: &Policy) -> Step {
    let kill =
        |stop: Stop, run| (Stop { until: Some(now + KILL_AGAIN), ..stop }.at(Stage::Killed).state(), Effect::Kill(run));
    match (stop.stage, stop.run) {
        // A script decides itself what it ends; where it hangs, it is ended, and what it did is looked at. A command
        // beside an empty tree is ended too.
        (Stage::Command { job, .. }, _) if policy.is_script() || stop.run.is_none() => {
            (Stop { until: Some(now + KILL_AGAIN), ..stop }.state(), Effect::KillCommand(job))
        }
        (Stage::Returned, Some(run)) => (State::Up { run: Some(run) }, Effect::Kept),
        (Stage::Command { .. } | Stage::Told | Stage::Rest | Stage::Killed, Some(run)) => kill(stop, run),
        (Stage::Dependents { .. }, _)
        | (Stage::Told | Stage::Returned | Stage::Rest | Stage::Killed | Stage::Command { .. }, None) => {
            quiet(stop.state())
        }
    }
}

/// What is left of the tree is told to end.
pub(super) fn rest_told(run: RunId, until: Option<Time>, cause: Cause) -> Step {
    (State::Stopping { run: Some(run), stage: Stage::Rest, until, cause }, Effect::Terminate(run, Reach::Tree))
}
