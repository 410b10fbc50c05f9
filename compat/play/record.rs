//! What a play writes down.

use std::collections::{BTreeMap, BTreeSet};

use super::{Spot, UNKNOWN, is_unknown};
use crate::text::base_name;

/// How a program is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// By name, and the script waits for it.
    Direct,
    /// With `&`.
    Background,
    /// By a function of a library: `daemon`, `start_daemon`, `startproc`.
    Function,
    /// By start-stop-daemon.
    StartStopDaemon,
    /// By rc.subr, from variables.
    RcSubr,
}

/// Who a program is started as, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The user, by name or number.
    pub user: Option<String>,
    /// The group.
    pub group: Option<String>,
    /// Its starter looks for a process of this user, without making it one.
    pub looked_for: Option<String>,
    /// The new root.
    pub chroot: Option<String>,
    /// The working directory.
    pub directory: Option<String>,
    /// The priority.
    pub nice: Option<String>,
    /// The mask of permissions, in octal.
    pub umask: Option<String>,
    /// What rc.conf(5) says of its service jail: options and addresses.
    pub service_jail: Option<(String, String)>,
    /// `RESOURCE` as ulimit names it, to its value.
    pub limits: BTreeMap<String, String>,
    /// Variables that `env` or words before the command set.
    pub environment: BTreeMap<String, String>,
    /// It is started by a tool that puts it into the background.
    pub wrappers: Vec<String>,
    /// What it prints goes to this file.
    pub output: Option<String>,
    /// Starters before it that do something to it which has no other name here: `taskset -c 0`.
    pub unsaid: Vec<String>,
}

/// A program that the script starts.
#[derive(Clone, Debug)]
pub struct Launch {
    /// How.
    pub how: How,
    /// Program and arguments.
    pub command: Vec<String>,
    /// As whom, and where.
    pub context: Context,
    /// Where its process id is written.
    pub pid_file: Option<String>,
    /// The starter writes the pid file, not the program.
    pub makes_pid_file: bool,
    /// The starter puts it into the background, so it stays in the foreground itself.
    pub background: bool,
    /// The line.
    pub spot: Spot,
    /// The variables its words are made of.
    pub used: BTreeSet<String>,
    /// These but for those that only name the pid file, and the variables that their values were made of.
    pub roots: BTreeSet<String>,
    /// What is exported at that time: name, value and the line.
    pub exported: BTreeMap<String, (String, Spot)>,
    /// It stands inside a loop over several things.
    pub repeated: bool,
    /// It stands in a loop without an end: where it has ended it is started again.
    pub again: bool,
}

impl Launch {
    /// Whether words of it are known only when it runs.
    pub fn is_unsure(&self) -> bool {
        let program = self.command.first().is_some_and(|program| program.contains(is_unknown));
        program || self.command.iter().any(|word| word.contains(UNKNOWN))
    }
}

/// Something the script makes in the file system.
#[derive(Clone, Debug)]
pub struct Made {
    /// Its path.
    pub path: String,
    /// A directory, not a file.
    pub directory: bool,
    /// Its owner as the script has it.
    pub owner: Option<String>,
    /// Its group.
    pub group: Option<String>,
    /// Its permissions, in octal.
    pub mode: Option<String>,
    /// The line.
    pub spot: Spot,
}

/// A signal that the script sends.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its name without `SIG`.
    pub signal: String,
    /// The schedule of start-stop-daemon's `--retry`.
    pub retry: Option<String>,
    /// The line.
    pub spot: Spot,
}

/// Another program that the script runs.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Program and arguments.
    pub command: Vec<String>,
    /// As whom.
    pub user: Option<String>,
    /// The line.
    pub spot: Spot,
    /// It only helps the script: a condition, a substitution.
    pub asked: bool,
}

/// An answer that was assumed, or turned round.
#[derive(Clone, Debug)]
pub struct Assumed {
    /// The command whose answer it is.
    pub command: String,
    /// The answer that the play went on with.
    pub holds: bool,
    /// The answer is known, and the opposite of this: as things are, the script does nothing.
    pub against: bool,
    /// The line.
    pub spot: Spot,
    /// The variables whose values are asked for.
    pub about: BTreeSet<String>,
}

/// What a play wrote down.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Programs started.
    pub launches: Vec<Launch>,
    /// Other programs run.
    pub ran: Vec<Ran>,
    /// Signals sent.
    pub sent: Vec<Sent>,
    /// Files and directories made.
    pub made: Vec<Made>,
    /// Answers assumed.
    pub assumed: Vec<Assumed>,
    /// Files sourced.
    pub sourced: Vec<(String, Spot)>,
    /// Files that are sourced without a question and are not there.
    pub missing: Vec<(String, Spot)>,
    /// A file was sourced of which nothing is known: it may have set any variable.
    pub sourced_unknown: bool,
    /// It makes use of what a command tells of the network, which is another one in a sandbox.
    pub asks_network: bool,
    /// Every variable at the end: value, line, whether exported.
    pub values: BTreeMap<String, (String, Spot, bool)>,
    /// The functions that are defined at the end.
    pub functions: BTreeSet<String>,
    /// Lines that were played.
    pub lines: BTreeSet<Spot>,
    /// Pid files that were written or read.
    pub pid_files: Vec<String>,
    /// Other files that were written, each with its text so far as it is known.
    pub written: BTreeMap<String, String>,
    /// How many answers were given.
    pub answers: usize,
    /// How many commands were played.
    pub(super) steps: usize,
    /// Those of them that another play may turn round.
    pub(super) open_answers: Vec<usize>,
    /// The exit code.
    pub code: i32,
}

impl Record {
    /// Whether something came of it that was asked for.
    pub(super) fn does_something(&self, verb: &str) -> bool {
        match verb {
            "start" => self.launches.iter().any(|launch| launch.how > How::Direct || looks_like_daemon(launch)),
            "stop" => !self.sent.is_empty() || self.ran.iter().any(|ran| !ran.asked),
            _ => !self.sent.is_empty() || !self.launches.is_empty() || self.ran.iter().any(|ran| !ran.asked),
        }
    }
}

/// Whether a program that is run by its path is one that stays: not one that only looks at a configuration.
pub fn looks_like_daemon(launch: &Launch) -> bool {
    let looks = ["-t", "-T", "-V", "--test", "--check", "--version", "configtest", "check", "-C", "--help", "status"];
    let program = launch.command.first().map(String::as_str).unwrap_or_default();
    let mut words = launch.command.iter().skip(1);
    let place = ["/sbin/", "/bin/", "/lib", "/libexec/", "/opt/", "/share/"].iter().any(|part| program.contains(part));
    let checks = base_name(program).contains("check");
    program.starts_with('/') && place && !checks && !words.any(|word| looks.contains(&word.as_str()))
}
