//! The command line of start-stop-daemon(8).

use svc_core::Signal;
use svc_platform::replace::{IoClass, Policy};
use svc_platform::signals;

use super::super::getopt::{self, Known, Takes, option};
use super::schedule::{Schedule, schedule};
use super::words::{leading_number, mask, number, signal, usage};
use super::{Fault, Problem};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Start,
    Stop,
    Status,
}

/// A command line that makes sense.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) action: Option<Action>,
    pub(super) exec: Option<String>,
    pub(super) start_as: Option<String>,
    pub(super) name: Option<String>,
    pub(super) user: Option<String>,
    pub(super) pid: Option<i32>,
    pub(super) parent: Option<i32>,
    pub(super) pid_file: Option<String>,
    /// Only the pid file says which process is meant.
    pub(super) only_pid_file: bool,
    pub(super) change_user: Option<String>,
    pub(super) change_group: Option<String>,
    pub(super) root: Option<String>,
    pub(super) directory: Option<String>,
    pub(super) nice: i32,
    pub(super) policy: Option<(Policy, String, i32)>,
    pub(super) io: Option<(IoClass, String, i32)>,
    pub(super) umask: Option<u32>,
    pub(super) background: bool,
    pub(super) awaits: bool,
    /// In seconds.
    pub(super) await_limit: u64,
    pub(super) keeps_open: bool,
    pub(super) output: Option<String>,
    pub(super) makes_pid_file: bool,
    pub(super) removes_pid_file: bool,
    pub(super) signal: i32,
    pub(super) retry: Option<Schedule>,
    pub(super) test: bool,
    pub(super) nothing_is_well: bool,
    pub(super) quiet: bool,
    pub(super) verbose: bool,
    pub(super) words: Vec<String>,
}

/// How long a sign of life is waited for, in seconds.
const AWAIT_SECONDS: u64 = 60;
const IO_PRIORITY: i32 = 4;
const IO_PRIORITY_MAX: i32 = 7;
/// Linux cuts the names of processes here.
const NAME_BYTES_MAX: usize = 15;

/// In the order in which they are named where a short form could mean several.
const KNOWN: [Known; 33] = [
    option("help", 'H', Takes::Nothing),
    option("stop", 'K', Takes::Nothing),
    option("start", 'S', Takes::Nothing),
    option("status", 'T', Takes::Nothing),
    option("version", 'V', Takes::Nothing),
    option("startas", 'a', Takes::Value),
    option("name", 'n', Takes::Value),
    option("oknodo", 'o', Takes::Nothing),
    option("pid", '\0', Takes::Value),
    option("ppid", '\0', Takes::Value),
    option("pidfile", 'p', Takes::Value),
    option("quiet", 'q', Takes::Nothing),
    option("signal", 's', Takes::Value),
    option("test", 't', Takes::Nothing),
    option("user", 'u', Takes::Value),
    option("group", 'g', Takes::Value),
    option("chroot", 'r', Takes::Value),
    option("verbose", 'v', Takes::Nothing),
    option("exec", 'x', Takes::Value),
    option("chuid", 'c', Takes::Value),
    option("nicelevel", 'N', Takes::Value),
    option("procsched", 'P', Takes::Value),
    option("iosched", 'I', Takes::Value),
    option("umask", 'k', Takes::Value),
    option("background", 'b', Takes::Nothing),
    option("notify-await", '\0', Takes::Nothing),
    option("notify-timeout", '\0', Takes::Value),
    option("no-close", 'C', Takes::Nothing),
    option("output", 'O', Takes::Value),
    option("make-pidfile", 'm', Takes::Nothing),
    option("remove-pidfile", '\0', Takes::Nothing),
    option("retry", 'R', Takes::Value),
    option("chdir", 'd', Takes::Value),
];

/// Values that are read when all options are known, whatever their order.
#[derive(Default)]
struct Raw<'a> {
    pid: Option<&'a str>,
    parent: Option<&'a str>,
    signal: Option<&'a str>,
    retry: Option<&'a str>,
    policy: Option<&'a str>,
    io: Option<&'a str>,
    umask: Option<&'a str>,
    await_limit: Option<&'a str>,
}

impl Options {
    pub(super) fn read(line: &[String]) -> Result<Self, Fault> {
        let mut made = Self { await_limit: AWAIT_SECONDS, signal: signals::number(Signal::Term), ..Self::default() };
        let mut raw = Raw::default();
        let mut given = getopt::Options::new(&KNOWN, line);
        let done = made.take(&mut given, &mut raw).and_then(|()| made.values(&raw)).and_then(|()| made.make_sense());
        made.words = given.words();
        match done {
            Ok(()) => Ok(made),
            Err(problem) => Err(Fault { problem, is_status: made.action == Some(Action::Status) }),
        }
    }

    fn take<'a>(&mut self, given: &mut getopt::Options<'a>, raw: &mut Raw<'a>) -> Result<(), Problem> {
        while let Some((place, value)) = given.next().map_err(Problem::Usage)? {
            let known = &KNOWN[place];
            match value {
                None => self.flag(known)?,
                Some(value) => self.valued(known, value, raw)?,
            }
        }
        Ok(())
    }

    fn flag(&mut self, known: &Known) -> Result<(), Problem> {
        match known.long {
            "help" => return Err(Problem::Help),
            "version" => return Err(Problem::Version),
            "start" => self.act(Action::Start)?,
            "stop" => self.act(Action::Stop)?,
            "status" => self.act(Action::Status)?,
            "oknodo" => self.nothing_is_well = true,
            "quiet" => (self.quiet, self.verbose) = (true, false),
            "verbose" => (self.quiet, self.verbose) = (false, true),
            "test" => self.test = true,
            "background" => self.background = true,
            "notify-await" => self.awaits = true,
            "no-close" => self.keeps_open = true,
            "make-pidfile" => self.makes_pid_file = true,
            _ => self.removes_pid_file = true,
        }
        Ok(())
    }

    fn act(&mut self, action: Action) -> Result<(), Problem> {
        if self.action.is_some_and(|earlier| earlier != action) {
            return Err(usage("only one command can be specified"));
        }
        self.action = Some(action);
        Ok(())
    }

    fn valued<'a>(&mut self, known: &Known, value: &'a str, raw: &mut Raw<'a>) -> Result<(), Problem> {
        let text = || Some(value.to_owned());
        match known.long {
            "startas" => self.start_as = text(),
            "name" => self.name = text(),
            "pid" => raw.pid = Some(value),
            "ppid" => raw.parent = Some(value),
            "pidfile" => self.pid_file = text(),
            "signal" => raw.signal = Some(value),
            "user" => self.user = text(),
            "group" => self.change_group = text(),
            "chroot" => self.root = text(),
            "exec" => self.exec = text(),
            "chuid" => match value.split_once(':') {
                Some((_, "")) => return Err(Problem::Fatal("missing group name".to_owned())),
                Some((user, group)) => {
                    (self.change_user, self.change_group) = (Some(user.to_owned()), Some(group.to_owned()));
                }
                None => self.change_user = text(),
            },
            "nicelevel" => self.nice = leading_number(value),
            "procsched" => raw.policy = Some(value),
            "iosched" => raw.io = Some(value),
            "umask" => raw.umask = Some(value),
            "notify-timeout" => raw.await_limit = Some(value),
            "output" => self.output = text(),
            "retry" => raw.retry = Some(value),
            _ => self.directory = text(),
        }
        Ok(())
    }

    fn values(&mut self, raw: &Raw<'_>) -> Result<(), Problem> {
        let pid = |text: Option<&str>, what: &str| match text {
            None => Ok(None),
            Some(text) => match number(text).filter(|pid| *pid > 0) {
                Some(pid) => Ok(Some(pid)),
                None => Err(usage(&format!("{what} value must be a number greater than 0"))),
            },
        };
        self.pid = pid(raw.pid, "pid")?;
        self.parent = pid(raw.parent, "ppid")?;
        if let Some(text) = raw.signal {
            let wrong = || usage("signal value must be numeric or name of signal (KILL, INT, ...)");
            self.signal = signal(text).ok_or_else(wrong)?;
        }
        self.retry = raw.retry.map(|text| schedule(text, self.signal)).transpose()?;
        self.policy = raw.policy.map(policy).transpose()?;
        self.io = raw.io.map(io).transpose()?;
        if let Some(text) = raw.umask {
            self.umask = Some(mask(text).ok_or_else(|| usage("umask value must be a positive number"))?);
        }
        if let Some(text) = raw.await_limit {
            let limit = number(text).ok_or_else(|| usage("invalid notify timeout value"))?;
            self.await_limit = u64::from(limit.unsigned_abs());
        }
        Ok(())
    }

    fn make_sense(&mut self) -> Result<(), Problem> {
        let Some(action) = self.action else { return Err(usage("need one of --start or --stop or --status")) };
        let others = self.exec.is_some() || self.name.is_some() || self.user.is_some() || self.pid.is_some();
        let others = others || self.parent.is_some();
        self.only_pid_file = self.pid_file.is_some() && !others;
        if !others && self.pid_file.is_none() {
            return Err(usage("need at least one of --exec, --pid, --ppid, --pidfile, --user or --name"));
        }
        if self.name.as_ref().is_some_and(|name| name.len() > NAME_BYTES_MAX) {
            super::warn(&format!(
                "this system is not able to track process names\nlonger than {NAME_BYTES_MAX} characters, please use \
                 --exec instead of --name."
            ));
        }
        self.start_as = self.start_as.take().or_else(|| self.exec.clone());
        let starts = action == Action::Start;
        for (is_wrong, why) in [
            (starts && self.start_as.is_none(), "--start needs --exec or --startas"),
            (self.makes_pid_file && self.pid_file.is_none(), "--make-pidfile requires --pidfile"),
            (self.removes_pid_file && self.pid_file.is_none(), "--remove-pidfile requires --pidfile"),
            (self.pid.is_some() && self.pid_file.is_some(), "need either --pid or --pidfile, not both"),
            (self.background && !starts, "--background is only relevant with --start"),
            (self.keeps_open && !self.background, "--no-close is only relevant with --background"),
            (self.output.is_some() && !self.background, "--output is only relevant with --background"),
        ] {
            if is_wrong {
                return Err(usage(why));
            }
        }
        Ok(())
    }
}

fn policy(text: &str) -> Result<(Policy, String, i32), Problem> {
    let (name, priority) = graded(text, 0, "invalid process scheduler priority")?;
    let (policy, priority) = match name.as_str() {
        "other" => (Policy::Other, 0),
        "fifo" => (Policy::Fifo, priority),
        "rr" => (Policy::RoundRobin, priority),
        _ => return Err(usage("invalid process scheduler policy")),
    };
    let (lowest, highest) = policy.bounds();
    match priority {
        low if low < lowest => Err(usage("process scheduler priority less than min")),
        high if high > highest => Err(usage("process scheduler priority greater than max")),
        _ => Ok((policy, name, priority)),
    }
}

fn io(text: &str) -> Result<(IoClass, String, i32), Problem> {
    let (name, priority) = graded(text, IO_PRIORITY, "invalid IO scheduler priority")?;
    let (class, priority) = match name.as_str() {
        "real-time" => (IoClass::RealTime, priority),
        "best-effort" => (IoClass::BestEffort, priority),
        "idle" => (IoClass::Idle, IO_PRIORITY_MAX),
        _ => return Err(usage("invalid IO scheduler policy")),
    };
    if priority > IO_PRIORITY_MAX {
        return Err(usage("IO scheduler priority greater than max"));
    }
    Ok((class, name, priority))
}

fn graded(text: &str, default: i32, wrong: &str) -> Result<(String, i32), Problem> {
    let Some((name, grade)) = text.split_once(':') else { return Ok((text.to_owned(), default)) };
    let grade = number(grade).ok_or_else(|| Problem::Fatal(wrong.to_owned()))?;
    Ok((name.to_owned(), grade))
}
