//! The life of one service as a golden table: every state, goal, input and shape, and what comes of it.

extern crate std;

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use std::path::Path;

use super::*;

const NOW: Time = Time::new(Duration::from_secs(100));
const OLD: Time = Time::new(Duration::from_secs(60));
const START: Duration = Duration::from_secs(10);
const STOP: Duration = Duration::from_secs(20);
const RETRY: Duration = Duration::from_secs(3);

/// What a transition may depend on beside state and input, each with the words for its values.
const DIMENSIONS: [&[&str]; 4] = [
    &["goal down", "never again", "again later", "again at once"],
    &["process", "forking", "oneshot", "group", "daemon", "script"],
    &["no leave-children", "leave-children"],
    &["no stop command", "stop command"],
];

/// One value of each dimension.
type Point = [usize; 4];

/// Some values of each dimension, as bits.
type Block = [u8; 4];

fn points() -> Vec<Point> {
    let mut all = vec![[0; 4]];
    for (at, values) in DIMENSIONS.iter().enumerate() {
        all = (0..values.len()).flat_map(|value| all.iter().map(move |&point| with(point, at, value))).collect();
    }
    all
}

fn with(mut point: Point, at: usize, value: usize) -> Point {
    point[at] = value;
    point
}

fn goal(point: Point) -> Goal {
    if point[0] == 0 { Goal::Down } else { Goal::Up }
}

fn policy([again, shape, leave, command]: Point) -> Policy {
    let again = [Again::Never, Again::Never, Again::At(NOW + RETRY), Again::Now][again];
    Policy {
        shape: [Shape::Process, Shape::Forking, Shape::Oneshot, Shape::Group, Shape::Daemon, Shape::Script][shape],
        start: Some(START),
        stop: Some(STOP),
        stop_command: command == 1,
        leave: leave == 1,
        failed: again,
        finished: again,
    }
}

fn states() -> Vec<State> {
    let (run, job) = (RunId(1), RunId(2));
    let mut all = vec![State::Down, State::Waiting];
    for returned in [false, true] {
        all.push(State::Starting { run, until: Some(OLD), returned });
    }
    all.extend([State::Up { run: Some(run) }, State::Up { run: None }]);
    for cause in [Cause::Asked, Cause::Failed, Cause::Finished, Cause::Skipped] {
        for (run, stage) in [
            (Some(run), Stage::Dependents { was_up: true }),
            (None, Stage::Dependents { was_up: true }),
            (Some(run), Stage::Dependents { was_up: false }),
            (Some(run), Stage::Told),
            (Some(run), Stage::Command { job, main_gone: false }),
            (Some(run), Stage::Command { job, main_gone: true }),
            (None, Stage::Command { job, main_gone: true }),
            (Some(run), Stage::Returned),
            (Some(run), Stage::Rest),
            (Some(run), Stage::Killed),
        ] {
            all.push(State::Stopping { run, stage, until: Some(OLD), cause });
        }
    }
    all.push(State::BackingOff { until: OLD });
    all.extend([Cause::Failed, Cause::Finished, Cause::Skipped].map(|cause| State::Ended { cause }));
    all
}

fn inputs() -> Vec<Input> {
    let fresh = RunId(3);
    vec![
        Input::Want,
        Input::Unwant,
        Input::Cycle,
        Input::Undo,
        Input::Clear(fresh),
        Input::Released(fresh),
        Input::SpawnFailed,
        Input::NotHere,
        Input::Ready,
        Input::Leaving,
        Input::Unwell,
        Input::Exited(Outcome::Success),
        Input::Exited(Outcome::Skip),
        Input::Exited(Outcome::Failure),
        Input::Emptied,
        Input::StopReturned,
        Input::Found(fresh),
        Input::Deadline,
    ]
}

fn until(until: Option<Time>) -> String {
    match until {
        None => String::new(),
        Some(OLD) => String::from(", as before"),
        Some(then) => format!(", for {} s", then.since(NOW).as_secs()),
    }
}

fn word(state: State) -> String {
    let of = |run: Option<RunId>| run.map_or(String::from(" without run"), |run| format!(" #{}", run.0));
    match state {
        State::Down => String::from("down"),
        State::Waiting => String::from("waiting"),
        State::Starting { run, until: then, returned } => {
            let returned = if returned { ", returned" } else { "" };
            format!("starting #{}{returned}{}", run.0, until(then))
        }
        State::Up { run } => format!("up{}", of(run)),
        State::Stopping { run, stage, until: then, cause } => {
            let stage = match stage {
                Stage::Dependents { was_up: true } => String::from("after dependents"),
                Stage::Dependents { was_up: false } => String::from("after dependents, was not up"),
                Stage::Command { job, main_gone: false } => format!("by command #{}", job.0),
                Stage::Command { job, main_gone: true } => format!("by command #{}, main process gone", job.0),
                Stage::Told | Stage::Returned | Stage::Rest | Stage::Killed => format!("{stage:?}").to_lowercase(),
            };
            format!("stopping{} {stage}, {}{}", of(run), format!("{cause:?}").to_lowercase(), until(then))
        }
        State::BackingOff { until: then } => format!("backing off{}", until(Some(then))),
        State::Ended { cause } => format!("ended, {}", format!("{cause:?}").to_lowercase()),
    }
}

fn outcome(state: State, input: Input, point: Point) -> String {
    let (after, effect) = step(state, goal(point), input, NOW, &policy(point));
    let deed = match effect {
        Effect::Nothing => String::new(),
        Effect::Launch(run) => format!("; launch #{}", run.0),
        Effect::Terminate(run, reach) => format!("; tell {} of #{}", format!("{reach:?}").to_lowercase(), run.0),
        Effect::Kill(run) => format!("; kill #{}", run.0),
        Effect::StopCommand(run) => format!("; stop command #{}", run.0),
        Effect::KillCommand(run) => format!("; kill command #{}", run.0),
        Effect::Leave(run) => format!("; leave #{}", run.0),
        Effect::Kept => String::from("; kept"),
    };
    if after == state && deed.is_empty() { String::from("same") } else { format!("{}{deed}", word(after)) }
}

/// The rows for one state and input: points that come to the same are gathered in blocks as large as can be.
fn rows(state: State, input: Input) -> Vec<String> {
    let mut blocks: Vec<(Block, String)> =
        points().into_iter().map(|point| (point.map(|value| 1 << value), outcome(state, input, point))).collect();
    while let Some((one, other)) = joinable(&blocks) {
        let (gone, _) = blocks.remove(other);
        blocks[one].0.iter_mut().zip(gone).for_each(|(kept, more)| *kept |= more);
    }
    blocks.into_iter().map(|(block, found)| format!("    {}-> {found}", when(block))).collect()
}

/// Two blocks that come to the same and differ in one dimension only.
fn joinable(blocks: &[(Block, String)]) -> Option<(usize, usize)> {
    let close = |one: &Block, other: &Block| (0..4).filter(|&at| one[at] != other[at]).count() == 1;
    let mate = |one: usize| {
        let found = |other: &usize| blocks[one].1 == blocks[*other].1 && close(&blocks[one].0, &blocks[*other].0);
        (one + 1..blocks.len()).find(found).map(|other| (one, other))
    };
    (0..blocks.len()).find_map(mate)
}

fn when(block: Block) -> String {
    let mut parts = Vec::new();
    for (at, values) in DIMENSIONS.iter().enumerate() {
        let chosen: Vec<&str> =
            (0..values.len()).filter(|value| block[at] & 1 << value != 0).map(|value| values[value]).collect();
        if chosen.len() < values.len() {
            parts.push(chosen.join("/"));
        }
    }
    if parts.is_empty() { String::new() } else { format!("[{}] ", parts.join(", ")) }
}

fn table() -> String {
    let mut text = String::from(
        "# state, then for each input: [what it depends on] -> next state; effect.\n\
         # Made from lifecycle::step by its tests; renewed with UPDATE=1.\n",
    );
    for state in states() {
        text.push_str(&format!("\n{}\n", word(state)));
        let mut same = Vec::new();
        for input in inputs() {
            let rows = rows(state, input);
            if rows == ["    -> same"] {
                same.push(format!("{input:?}"));
                continue;
            }
            text.push_str(&format!("  {input:?}\n"));
            for row in rows {
                text.push_str(&row);
                text.push('\n');
            }
        }
        if !same.is_empty() {
            text.push_str(&format!("  nothing changes by: {}\n", same.join(", ")));
        }
    }
    text
}

#[test]
fn the_whole_life_of_a_service_is_as_written_down() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/lifecycle.txt");
    let table = table();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &table).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    let wrong =
        table.lines().zip(golden.lines().chain(std::iter::repeat(""))).enumerate().find(|(_, (is, was))| is != was);
    if let Some((at, (is, was))) = wrong {
        std::panic!("lifecycle.txt, line {}: it is\n{is}\nand was\n{was}\nif that is meant: UPDATE=1", at + 1);
    }
    assert_eq!(table.lines().count(), golden.lines().count(), "lifecycle.txt is longer than the table; UPDATE=1");
}

#[test]
fn a_stop_never_ends_where_it_would_wait_for_nothing() {
    // Whoever stops must have a run to wait for, or a command; or be about to be released.
    for state in states() {
        for input in inputs() {
            for point in points() {
                let (after, _) = step(state, goal(point), input, NOW, &policy(point));
                if let State::Stopping { run: None, stage, .. } = after {
                    let waits = matches!(stage, Stage::Dependents { .. } | Stage::Command { .. });
                    assert!(waits, "{} by {input:?} came to {}", word(state), word(after));
                }
            }
        }
    }
}
