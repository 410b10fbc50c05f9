//! Plays a script's verb on paper: its shell text is followed as a shell would, but every command that would do
//! something is written down instead. Nothing is run, nothing is touched; of the machine it is for
//! only what [`Machine`] hands over is known.
//!
//! Where the way depends on what only running would tell, a play goes the way on which the command succeeds; where a
//! start so leads to nothing, it is played again with one answer turned round. What was assumed is in the record.

mod commands;
mod expand;
mod files;
mod filters;
mod flow;
mod inner;
mod launch;
mod machine;
mod openrc;
mod pattern;
mod question;
mod rcsubr;
mod record;
mod sed;
mod signals;
mod sum;
mod syntax;
mod told;
mod values;
mod wrappers;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

pub use expand::UNKNOWN;
pub use machine::Machine;
pub use record::{Assumed, Context, How, Launch, Made, Ran, Record, Sent, looks_like_daemon};
pub use syntax::Spot;
pub use told::{asked, is_told, is_unknown, may_be, of_machine, shown, written};

use crate::Style;
use crate::library::INIT_D_SCRIPT;

use flow::Variable;
use syntax::Node;

/// The process id that a daemon has on paper.
const PID: u32 = 424_242;
/// Functions and substitutions in one another.
const DEPTH_MAX: usize = 40;
/// So many commands are played in one go.
const STEPS_MAX: usize = 20_000;
/// And so many in all plays of one verb.
const ALL_STEPS_MAX: usize = 200_000;
/// A start that leads to nothing is played so often.
const PLAYS_MAX: usize = 240;
/// Of one play so many answers are turned round.
const TURNED_MAX: usize = 10;

/// What is played.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// The script's path on its machine.
    pub path: &'a str,
    /// Its text.
    pub text: &'a [u8],
    /// How it is written.
    pub style: Style,
    /// The verb it is given.
    pub verb: &'a str,
    /// Whether the daemon runs already.
    pub running: bool,
    /// Lines whose known answers another verb's play turned round: they are turned here, too.
    pub granted: &'a [Spot],
}

/// Plays a verb until it does something: starts a program, or sends a signal.
///
/// The answer of the first play is taken where none does.
pub fn play(tree: &dyn Machine, piece: Piece<'_>) -> Record {
    let (mut first, mut direct) = (None, None);
    // A program that is only run may be a help beside the starter that another way leads to.
    let has_starter = |name: &str| piece.text.windows(name.len()).any(|part| part == name.as_bytes());
    let starters =
        piece.verb == "start" && ["start-stop-daemon -", "start_daemon", "daemon -"].into_iter().any(has_starter);
    let mut waiting = VecDeque::from([BTreeSet::new()]);
    let mut steps = 0;
    for _ in 0..PLAYS_MAX {
        let Some(turned) = waiting.pop_front().filter(|_| steps < ALL_STEPS_MAX) else { break };
        let record = once(tree, piece, &turned);
        steps += record.steps;
        let is_started = record.launches.iter().any(|launch| launch.how > How::Direct);
        let does = record.does_something(piece.verb) && (is_started || !asks_only(tree, piece, &record));
        if does && (is_started || !starters) {
            return record;
        }
        let from = turned.last().map_or(0, |last| last + 1);
        for at in record.open_answers.iter().rev().take_while(|at| **at >= from).take(TURNED_MAX) {
            let mut next = turned.clone();
            next.insert(*at);
            waiting.push_back(next);
        }
        if does {
            direct.get_or_insert(record);
        } else {
            first.get_or_insert(record);
        }
    }
    direct.or(first).unwrap_or_default()
}

/// Whether what a start runs is run by the stop, too, in the same words, before that tells the same program to end: it
/// asks whether the daemon is there.
fn asks_only(tree: &dyn Machine, piece: Piece<'_>, record: &Record) -> bool {
    let mut run = record.launches.iter().filter(|launch| looks_like_daemon(launch)).peekable();
    if piece.verb != "start" || run.peek().is_none() {
        return false;
    }
    let stop = once(tree, Piece { verb: "stop", running: true, ..piece }, &BTreeSet::new());
    // A text that does the same whatever it is told has no verbs.
    let has_verbs = stop.ran.iter().map(|ran| &ran.command).ne(record.ran.iter().map(|ran| &ran.command));
    let is_question = |launch: &Launch| {
        let same = stop.ran.iter().any(|ran| ran.command == launch.command);
        same && stop.ran.iter().any(|ran| ran.command[0] == launch.command[0] && ran.command != launch.command)
    };
    has_verbs && run.all(is_question)
}

fn once(tree: &dyn Machine, piece: Piece<'_>, turned: &BTreeSet<usize>) -> Record {
    let mut player = Player::new(tree, piece, turned);
    let first_line = piece.text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_library = first_line.starts_with(b"#!") && first_line.trim_ascii_end().ends_with(b"/init-d-script");
    if piece.style == Style::OpenrcRun {
        player.openrc_run();
    } else if is_library {
        player.arguments = vec![piece.path.to_string(), piece.verb.to_string()];
        player.play(INIT_D_SCRIPT.path, INIT_D_SCRIPT.text.as_bytes());
    } else {
        player.stops_at_errors = gives_e(first_line);
        player.play(piece.path, piece.text);
    }
    player.finish()
}

/// `#!/bin/sh -e`
fn gives_e(first_line: &[u8]) -> bool {
    let words = crate::text::decode(first_line);
    let mut words = words.strip_prefix("#!").unwrap_or_default().split_whitespace();
    let is_shell = words.next().is_some_and(|shell| shell.ends_with("sh"));
    is_shell && words.any(|word| word.starts_with('-') && !word.starts_with("--") && word.contains('e'))
}

/// One play.
struct Player<'a> {
    tree: &'a dyn Machine,
    /// The script's own text, for scripts that are sourced by their interpreter.
    script: Piece<'a>,
    name: String,
    variables: BTreeMap<String, Variable>,
    functions: BTreeMap<String, Rc<Node>>,
    arguments: Vec<String>,
    /// What is printed, the innermost capture last.
    outputs: Vec<String>,
    input: Option<String>,
    /// The variables that the input is made of.
    input_of: Rc<BTreeSet<String>>,
    status: i32,
    /// Only running would tell whether the last command succeeds.
    unsure: bool,
    /// A file was presumed to be there.
    presumed: bool,
    /// Which ones were.
    presumed_files: BTreeSet<String>,
    depth: usize,
    /// Starters that the present command is inside.
    starters: usize,
    /// The words are those of a starter: names of devices in them are filled in at each start.
    at_starter: bool,
    /// Loops without an end that it is inside.
    endless: usize,
    steps: usize,
    /// The daemon runs, so far as the script can see.
    running: bool,
    /// Inside a condition: failures end nothing.
    asking: usize,
    /// The same outside the function that does what the verb says: what it runs is no question.
    asking_outside: usize,
    stops_at_errors: bool,
    exports_all: bool,
    turned: &'a BTreeSet<usize>,
    context: Context,
    used: BTreeSet<String>,
    /// The same without those that only say where the pid file is.
    used_for_more: BTreeSet<String>,
    /// Variables that the text of the present command is made of.
    carried: BTreeSet<String>,
    record: Record,
}

impl<'a> Player<'a> {
    fn new(tree: &'a dyn Machine, script: Piece<'a>, turned: &'a BTreeSet<usize>) -> Self {
        let mut player = Self {
            tree,
            script,
            name: script.path.to_string(),
            variables: BTreeMap::new(),
            functions: BTreeMap::new(),
            arguments: vec![script.verb.to_string()],
            outputs: vec![String::new()],
            input: None,
            input_of: Rc::default(),
            status: 0,
            unsure: false,
            presumed: false,
            presumed_files: BTreeSet::new(),
            depth: 0,
            starters: 0,
            at_starter: false,
            endless: 0,
            steps: 0,
            running: script.running,
            asking: 0,
            asking_outside: 0,
            stops_at_errors: false,
            exports_all: false,
            turned,
            context: Context::default(),
            used: BTreeSet::new(),
            used_for_more: BTreeSet::new(),
            carried: BTreeSet::new(),
            record: Record::default(),
        };
        let nowhere = Spot { file: Rc::from("environment"), line: 0 };
        let first =
            [("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("PWD", "/"), ("IFS", " \t\n"), ("rc_service", script.path)];
        for (name, value) in first {
            player.set(name, value.to_string(), &nowhere);
        }
        player
    }

    /// Plays a whole text.
    fn play(&mut self, file: &str, text: &[u8]) {
        let tree = syntax::read(&Rc::from(file), 1, text);
        self.run(&tree);
    }

    fn finish(mut self) -> Record {
        self.record.code = self.status;
        self.record.steps = self.steps;
        self.record.functions = self.functions.keys().cloned().collect();
        let values = self.variables.iter().map(|(name, variable)| (name.clone(), variable.clone()));
        self.record.values =
            values.map(|(name, variable)| (name, (variable.value, variable.spot, variable.exported))).collect();
        self.record
    }
}

#[cfg(test)]
mod tests;
