//! The life of one service: every state, every transition, in one function.
//!
//! ```text
//!          Want            Clear              Ready
//!   Down ───────▶ Waiting ───────▶ Starting ────────▶ Up
//!    ▲             ▲   ▲               │               │
//!    │             │   │               ├───────┬───────┘
//!    │             │   └─ Deadline ─┐  │       │ Unwant, Cycle: stopping, dependents first
//!    │             │            BackingOff     │ Exited, Unwell: what is left of the tree
//!    │             │                ▲          ▼
//!    └─ goal Down ─┴─── settled ────┴────── Stopping ◀──┐
//!                          │                   └────────┘ Deadline: kill
//!                          └──▶ Ended (failed, finished, skipped)
//! ```
//!
//! Restart is not a state: it is `Stopping` while the goal is `Up`.

#![deny(clippy::wildcard_enum_match_arm)]

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::run::{Reach, RunId};
use crate::time::Time;

mod state;
mod stopping;

/// How long a killed tree may take to vanish before it is killed again.
pub const KILL_AGAIN: Duration = Duration::from_secs(5);

/// How long the main process of a script may live on after the script's own stop returned.
pub const RETURNED_WAIT: Duration = Duration::from_secs(30);

/// How long others may live on when the main process of a script died.
pub const REST_WAIT: Duration = Duration::from_secs(10);

/// What is asked of the service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Goal {
    /// Not running.
    #[default]
    Down,
    /// Running.
    Up,
}

/// Why a service is stopping, or how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// A request, or something it requires went down.
    Asked,
    /// It ended by itself with failure, was not ready in time, or was not well.
    Failed,
    /// It ended by itself, and says that all is well.
    Finished,
    /// It says that it is not meant to run here.
    Skipped,
}

/// How far a stop has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// What depends on it must be down first. Only what was up is stopped by its own command.
    Dependents {
        /// It was up.
        was_up: bool,
    },
    /// Its main process was told to end.
    Told,
    /// Its stop command runs.
    Command {
        /// The command's run.
        job: RunId,
        /// The main process is gone already.
        main_gone: bool,
    },
    /// A script's stop has returned, and the main process is still there.
    Returned,
    /// The main process ended, and what is left of the tree was told to.
    Rest,
    /// Every process of the tree was killed.
    Killed,
}

/// Where the service is. Data that has meaning in one state only lives in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// No process, and none is wanted.
    #[default]
    Down,
    /// Wanted; something else must come first.
    Waiting,
    /// Launched, not yet ready; given up on at `until`.
    Starting {
        /// The launch.
        run: RunId,
        /// When patience ends; `None`: never.
        until: Option<Time>,
        /// The program that was launched has returned with success; what it leaves is looked at.
        returned: bool,
    },
    /// Serving.
    Up {
        /// The launch; `None` where nothing runs: a group, a one-shot that is done.
        run: Option<RunId>,
    },
    /// Told to end.
    Stopping {
        /// The launch, while any process of it is left.
        run: Option<RunId>,
        /// How far it has come.
        stage: Stage,
        /// When patience with this stage ends; `None`: never.
        until: Option<Time>,
        /// Why.
        cause: Cause,
    },
    /// Failed; tried again at `until`.
    BackingOff {
        /// When.
        until: Time,
    },
    /// Over, and not tried again: `Failed`, `Finished` or `Skipped`.
    Ended {
        /// How.
        cause: Cause,
    },
}

/// What a program said by its exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All is well.
    Success,
    /// It is not meant to run here (a script's start that exits with 5 or 6).
    Skip,
    /// Anything else.
    Failure,
}

/// What can happen to one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The goal became `Up`, or is asked for again.
    Want,
    /// The goal became `Down`.
    Unwant,
    /// Stop now; the goal stays.
    Cycle,
    /// Its own stop is to be called though it is not up: the machine ends, and some scripts want that.
    Undo,
    /// Everything it starts after is up; the run id is fresh.
    Clear(RunId),
    /// Everything that stops before it is down; the run id is fresh, for a stop command.
    Released(RunId),
    /// It could not be launched.
    SpawnFailed,
    /// Its conditions do not hold.
    NotHere,
    /// It serves.
    Ready,
    /// It says that it ends by itself.
    Leaving,
    /// It is not well, or silent for too long.
    Unwell,
    /// The main process ended.
    Exited(Outcome),
    /// No process is left.
    Emptied,
    /// The stop command ended.
    StopReturned,
    /// It was found running, though nobody launched it.
    Found(RunId),
    /// The moment named in the state came.
    Deadline,
}

/// What the service asks for in return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Nothing,
    /// Launch it.
    Launch(RunId),
    /// Tell it to end: the main process with its stop signal, or what is left of the tree.
    Terminate(RunId, Reach),
    /// End every process of it now.
    Kill(RunId),
    /// Launch its stop command.
    StopCommand(RunId),
    /// End its stop command, which takes too long.
    KillCommand(RunId),
    /// Leave what is left of it alone.
    Leave(RunId),
    /// Its stop did not end it: it stays up.
    Kept,
}

/// What kind of life it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// The program is the service.
    Process,
    /// The program leaves the service behind and returns.
    Forking,
    /// The program does something and returns.
    Oneshot,
    /// There is no program.
    Group,
    /// A legacy script that leaves a daemon behind.
    Daemon,
    /// A legacy script that may leave nothing behind.
    Script,
}

/// Whether a service that ended by itself is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// At once.
    Now,
    /// Then.
    At(Time),
    /// No.
    Never,
}

/// What decides transitions beside state, goal and input.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// The kind of life.
    pub shape: Shape,
    /// How long a start may take; `None`: for ever.
    pub start: Option<Duration>,
    /// How long a stop may take; `None`: for ever.
    pub stop: Option<Duration>,
    /// There is a command that stops it.
    pub stop_command: bool,
    /// What is left of the tree is left alone.
    pub leave: bool,
    /// What follows a failure.
    pub failed: Again,
    /// What follows a success.
    pub finished: Again,
}

impl Policy {
    fn is_script(&self) -> bool {
        matches!(self.shape, Shape::Daemon | Shape::Script)
    }

    /// Whether processes that outlive the main one are left alone: asked for, or the way of scripts.
    fn leaves(&self) -> bool {
        self.leave || self.is_script()
    }
}

/// One step: where the service is now, and what it asks for.
pub type Step = (State, Effect);

fn quiet(state: State) -> Step {
    (state, Effect::Nothing)
}

/// Where a service goes when nothing of it is left that counts.
fn settled(goal: Goal, cause: Cause, policy: &Policy) -> State {
    let again = match cause {
        Cause::Asked => Again::Now,
        Cause::Failed => policy.failed,
        Cause::Finished => policy.finished,
        Cause::Skipped => Again::Never,
    };
    match (goal, again) {
        (Goal::Down, _) => State::Down,
        (Goal::Up, Again::Now) => State::Waiting,
        (Goal::Up, Again::At(until)) => State::BackingOff { until },
        (Goal::Up, Again::Never) => State::Ended { cause },
    }
}

/// Moves one service by one input.
pub fn step(state: State, goal: Goal, input: Input, now: Time, policy: &Policy) -> Step {
    match state {
        State::Down | State::Waiting | State::BackingOff { .. } | State::Ended { .. } => {
            idle(state, goal, input, now, policy)
        }
        State::Starting { run, until, returned } => starting(run, until, returned, goal, input, now, policy),
        State::Up { run } => up(run, goal, input, now, policy),
        State::Stopping { run, stage, until, cause } => {
            stopping::step(stopping::Stop { run, stage, until, cause }, goal, input, now, policy)
        }
    }
}

fn idle(state: State, goal: Goal, input: Input, now: Time, policy: &Policy) -> Step {
    use State::{BackingOff, Down, Ended, Starting, Stopping, Up, Waiting};
    match (state, input) {
        (_, Input::Found(run)) => quiet(Up { run: Some(run) }),
        (Down | BackingOff { .. } | Ended { .. }, Input::Want) => quiet(Waiting),
        (Waiting | BackingOff { .. } | Ended { .. }, Input::Unwant) => quiet(Down),
        // Its stop takes away what the dead one left, as a pid file that its start stumbles over.
        (Ended { .. }, Input::Cycle) if policy.is_script() && policy.stop_command => {
            quiet(Stopping { run: None, stage: Stage::Dependents { was_up: true }, until: None, cause: Cause::Asked })
        }
        (_, Input::Undo) if policy.is_script() && policy.stop_command => {
            quiet(Stopping { run: None, stage: Stage::Dependents { was_up: true }, until: None, cause: Cause::Asked })
        }
        (BackingOff { .. }, Input::Deadline) | (BackingOff { .. } | Ended { .. }, Input::Cycle) => {
            quiet(settled(goal, Cause::Asked, policy))
        }
        (Waiting, Input::Clear(_)) if policy.shape == Shape::Group => quiet(Up { run: None }),
        (Waiting, Input::Clear(run)) => {
            let until = policy.start.map(|patience| now + patience);
            (Starting { run, until, returned: false }, Effect::Launch(run))
        }
        // Already so, or news of something long over.
        (Waiting, Input::Want)
        | (Down, Input::Unwant)
        | (Down | Waiting, Input::Cycle)
        | (Down | BackingOff { .. } | Ended { .. }, Input::Clear(_))
        | (Down | Waiting | Ended { .. }, Input::Deadline)
        | (
            _,
            Input::Undo
            | Input::Released(_)
            | Input::SpawnFailed
            | Input::NotHere
            | Input::Ready
            | Input::Leaving
            | Input::Unwell
            | Input::Exited(_)
            | Input::Emptied
            | Input::StopReturned,
        )
        | (Starting { .. } | Up { .. } | Stopping { .. }, _) => quiet(state),
    }
}

fn starting(
    run: RunId,
    until: Option<Time>,
    returned: bool,
    goal: Goal,
    input: Input,
    now: Time,
    policy: &Policy,
) -> Step {
    let same = State::Starting { run, until, returned };
    let ending = now_ending(now, policy);
    match (input, returned) {
        (Input::Unwant | Input::Cycle, _) => quiet(State::Stopping {
            run: Some(run),
            stage: Stage::Dependents { was_up: false },
            until: None,
            cause: Cause::Asked,
        }),
        (Input::SpawnFailed, false) => quiet(settled(goal, Cause::Failed, policy)),
        (Input::NotHere, false) => quiet(settled(goal, Cause::Skipped, policy)),
        (Input::Ready, _) => quiet(State::Up { run: Some(run) }),
        (Input::Deadline, true) if policy.shape == Shape::Oneshot => {
            (State::Starting { run, until: Some(now + KILL_AGAIN), returned }, Effect::Kill(run))
        }
        (Input::Deadline | Input::Unwell, _) => (
            State::Stopping { run: Some(run), stage: Stage::Told, until: ending, cause: Cause::Failed },
            Effect::Terminate(run, Reach::Tree),
        ),
        (Input::Exited(Outcome::Success), false) => match policy.shape {
            // What a one-shot leaves running was not asked for.
            Shape::Oneshot if !policy.leave => {
                (State::Starting { run, until: ending, returned: true }, Effect::Terminate(run, Reach::Tree))
            }
            Shape::Oneshot => (State::Up { run: None }, Effect::Leave(run)),
            Shape::Forking | Shape::Daemon | Shape::Script => quiet(State::Starting { run, until, returned: true }),
            Shape::Process | Shape::Group => rest(run, Cause::Finished, goal, now, policy),
        },
        (Input::Exited(Outcome::Skip), false) => stopping::rest_told(run, ending, Cause::Skipped),
        (Input::Exited(Outcome::Failure), false) => stopping::rest_told(run, ending, Cause::Failed),
        // The daemon that was left behind ended before it could be called up.
        (Input::Exited(_), true) => rest(run, Cause::Failed, goal, now, policy),
        (Input::Emptied, true) => match policy.shape {
            Shape::Oneshot | Shape::Script => quiet(State::Up { run: None }),
            Shape::Process | Shape::Forking | Shape::Group | Shape::Daemon => {
                quiet(settled(goal, Cause::Failed, policy))
            }
        },
        (Input::Emptied, false) => quiet(settled(goal, Cause::Failed, policy)),
        (Input::SpawnFailed | Input::NotHere, true)
        | (
            Input::Want
            | Input::Undo
            | Input::Clear(_)
            | Input::Released(_)
            | Input::Leaving
            | Input::StopReturned
            | Input::Found(_),
            _,
        ) => quiet(same),
    }
}

fn up(run: Option<RunId>, goal: Goal, input: Input, now: Time, policy: &Policy) -> Step {
    let same = State::Up { run };
    let until = now_ending(now, policy);
    let told = |run, cause| State::Stopping { run: Some(run), stage: Stage::Told, until, cause };
    match (input, run) {
        (Input::Unwant | Input::Cycle, _) => {
            quiet(State::Stopping { run, stage: Stage::Dependents { was_up: true }, until: None, cause: Cause::Asked })
        }
        (Input::Leaving, Some(run)) => quiet(told(run, Cause::Finished)),
        (Input::Unwell, Some(run)) => (told(run, Cause::Failed), Effect::Terminate(run, Reach::Leader)),
        (Input::Exited(outcome), Some(run)) => rest(run, ended_by(outcome), goal, now, policy),
        (Input::Emptied, Some(_)) if policy.shape == Shape::Script => quiet(State::Up { run: None }),
        (Input::Emptied, Some(_)) => quiet(settled(goal, Cause::Failed, policy)),
        (Input::Found(found), None) => quiet(State::Up { run: Some(found) }),
        (Input::Leaving | Input::Unwell | Input::Exited(_) | Input::Emptied, None)
        | (
            Input::Want
            | Input::Undo
            | Input::Clear(_)
            | Input::Released(_)
            | Input::SpawnFailed
            | Input::NotHere
            | Input::Ready
            | Input::StopReturned
            | Input::Deadline,
            _,
        )
        | (Input::Found(_), Some(_)) => quiet(same),
    }
}

fn now_ending(now: Time, policy: &Policy) -> Option<Time> {
    policy.stop.map(|patience| now + patience)
}

fn ended_by(outcome: Outcome) -> Cause {
    match outcome {
        Outcome::Success => Cause::Finished,
        Outcome::Skip | Outcome::Failure => Cause::Failed,
    }
}

/// The main process ended by itself: what is left of its tree is told to end too, or left alone where that was said.
/// The way of scripts counts only for what their own stop leaves.
fn rest(run: RunId, cause: Cause, goal: Goal, now: Time, policy: &Policy) -> Step {
    if policy.leave {
        return (settled(goal, cause, policy), Effect::Leave(run));
    }
    // How long a script may take to stop is about the script, not about what lost its main process.
    let most = if policy.is_script() { REST_WAIT } else { Duration::MAX };
    stopping::rest_told(run, policy.stop.map(|patience| now + patience.min(most)), cause)
}

#[cfg(test)]
mod tests;
