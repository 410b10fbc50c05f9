//! What goes over the control socket: one JSON line per message, one request per connection, any number of progress
//! lines and exactly one final answer. A person with `nc -U` can speak it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use svc_core::{Answer, Name, Supervisor, Time};

pub(crate) mod seconds;

/// The longest request that svcd accepts, in bytes.
pub const LINE_BYTES_MAX: usize = 1024 * 1024;

/// The longest line that a client accepts, in bytes: a list of 100,000 services is one line of some 30 MiB.
pub const REPLY_BYTES_MAX: usize = 256 * 1024 * 1024;

/// The version of these messages; adding a field keeps it, renaming one raises it.
pub const SCHEMA: u32 = 1;

/// What a client asks. Names may be globs; an empty list means every service where that is harmless.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// Who are you? Answered by [`Reply::Hello`].
    Hello,
    /// One line per service.
    List {
        /// Which; empty: all.
        #[serde(default)]
        names: Vec<String>,
    },
    /// Everything about these services.
    Status {
        /// Which.
        names: Vec<String>,
        /// How many of the last log lines to add.
        #[serde(default)]
        lines: u32,
    },
    /// What they use.
    Usage {
        /// Which; empty: all.
        #[serde(default)]
        names: Vec<String>,
    },
    /// Should they run, and could they? Reads everything afresh and changes nothing.
    Check {
        /// Which; empty: all.
        #[serde(default)]
        names: Vec<String>,
    },
    /// Read definitions and scripts again and put them in force.
    Load {
        /// Which to report on, and no others; empty: all that changed.
        #[serde(default)]
        names: Vec<String>,
    },
    /// Up.
    Start(Target),
    /// Down.
    Stop(Target),
    /// Down and up.
    Restart(Target),
    /// Read the configuration again.
    Reload(Target),
    /// A script's own verb, as it is.
    Verb {
        /// The service.
        name: String,
        /// The verb and its arguments.
        words: Vec<String>,
        /// Send what it prints as it comes; only the rest is in the answer.
        #[serde(default)]
        stream: bool,
    },
    /// Start at boot from now on.
    Enable(Target),
    /// Do not start at boot any more.
    Disable(Target),
    /// Stay as it is.
    Pin(Target),
    /// The opposite.
    Unpin(Target),
    /// Forget failures.
    Reset(Target),
    /// The last lines of what services wrote.
    Log {
        /// Which; empty: all.
        #[serde(default)]
        names: Vec<String>,
        /// How many lines of each.
        lines: u32,
        /// Go on with new ones until the client goes away.
        #[serde(default)]
        follow: bool,
    },
    /// A copy of everything that decides: answered by [`Reply::Snapshot`].
    Snapshot,
    /// Every value in force and where it was written. Answered by [`Reply::Values`].
    Cat {
        /// Which.
        names: Vec<String>,
    },
    /// The last lines of the log of requests. Answered by [`Reply::Log`].
    Audit {
        /// How many.
        lines: u32,
    },
    /// End the daemon.
    Shutdown {
        /// What comes after the services were stopped in order.
        then: Then,
        /// Kill what is left instead of waiting for it; also when the services are being stopped already.
        #[serde(default)]
        kill: bool,
    },
    /// Let another manager take over, from the program as it is on disk now.
    Renew,
}

/// The services a verb is for, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Names or globs.
    pub names: Vec<String>,
    /// Leave dependents alone.
    #[serde(default)]
    pub only: bool,
    /// Kill what a script's own stop leaves behind.
    #[serde(default)]
    pub all: bool,
    /// Answer as soon as the request is taken, not when it is fulfilled.
    #[serde(default)]
    pub no_wait: bool,
}

/// What comes after the services were stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// The daemon ends; nothing else.
    Exit,
    /// As process 1: halt the machine.
    Halt,
    /// As process 1: switch it off.
    Poweroff,
    /// As process 1: start it again.
    Reboot,
}

/// One line from the daemon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    /// Something is still waited for; more lines follow.
    Progress(Progress),
    /// One line of a followed log; more lines follow.
    Log(LogLine),
    /// The end.
    Final(Reply),
}

/// What a request waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The service.
    pub name: Name,
    /// A sentence: `stopping: waiting 12 s of 90 s for mysqld (pid 411), asked by root`.
    pub text: String,
}

/// A line that a service wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// The service.
    pub name: Name,
    /// Its time, RFC 3339, empty if unknown.
    pub time: String,
    /// The line without its end; what is not UTF-8 is replaced.
    pub text: String,
}

/// The final answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// To [`Request::Hello`].
    Hello(Hello),
    /// To [`Request::List`].
    List(Vec<Summary>),
    /// To [`Request::Status`].
    Status(Vec<Status>),
    /// To [`Request::Usage`].
    Usage(Vec<Usage>),
    /// To [`Request::Check`].
    Check(Vec<Checked>),
    /// To [`Request::Load`].
    Load(LoadReport),
    /// To every verb: an outcome for each service.
    Outcomes(Vec<Outcome>),
    /// To [`Request::Log`] without `follow`.
    Log(Vec<LogLine>),
    /// To [`Request::Snapshot`].
    Snapshot(Box<Snapshot>),
    /// To [`Request::Cat`].
    Values(Vec<Value>),
    /// To [`Request::Shutdown`]; sent before the services stop.
    ShuttingDown,
    /// To [`Request::Renew`]; sent before the manager makes way.
    Renewing,
    /// The request as a whole cannot be served.
    Refused(Refusal),
}

/// Why a request as a whole cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "refusal", rename_all = "kebab-case")]
pub enum Refusal {
    /// It is not understood; the text says where.
    BadRequest {
        /// What is wrong with it.
        text: String,
    },
    /// There is no service of this name.
    Unknown {
        /// The name as asked.
        name: String,
        /// One that is spelled much like it.
        near: Option<String>,
        /// A fault of a file that would have defined it, rendered.
        fault: Option<String>,
    },
    /// The client may not do this.
    Denied {
        /// Who it is, and what would be needed.
        text: String,
    },
    /// The daemon cannot, just now.
    Failed {
        /// What, and why.
        text: String,
    },
}

/// What the daemon says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Its version.
    pub version: String,
    /// Process id of the manager.
    pub manager: i32,
    /// Process id of the keeper; `None` while there is none.
    pub keeper: Option<i32>,
    /// How trees are tracked: `cgroup /sys/fs/cgroup/...`, or `subreaper`, with what that means.
    pub tracking: String,
    /// The runtime directory.
    pub runtime: String,
    /// Where it reads definitions; the first has the last word.
    #[serde(default)]
    pub definitions: Vec<String>,
    /// Where it reads legacy scripts.
    #[serde(default)]
    pub legacy: Vec<String>,
}

/// A state's name, as shown everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StateName {
    /// No process, and none is wanted.
    Down,
    /// Wanted; something else must come first.
    Waiting,
    /// Launched, not ready.
    Starting,
    /// Running, or done for a one-shot.
    Up,
    /// Told to end.
    Stopping,
    /// It failed and is tried again soon.
    BackingOff,
    /// It failed and is not tried again.
    Failed,
    /// Its conditions do not hold, or its script says it is not meant to run here.
    Skipped,
    /// Its file has faults, and nothing was in force before: `check` shows them.
    Faulty,
}

impl StateName {
    /// The word for it, the same on the wire and on the screen.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Up => "up",
            Self::Stopping => "stopping",
            Self::BackingOff => "backing-off",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Faulty => "faulty",
        }
    }
}

/// Everything that decides, at one moment. Read by the version that wrote it: its fields are not those of [`SCHEMA`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When it was taken.
    pub now: Time,
    /// The copy.
    pub core: Supervisor,
}

/// One line about a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Its name.
    pub name: Name,
    /// `process`, `forking`, `oneshot`, `group` or `script`.
    pub kind: String,
    /// Where it is.
    pub state: StateName,
    /// What is asked: up?
    pub wanted: bool,
    /// Why it is where it is, one sentence; empty if plain.
    pub reason: String,
    /// How long it has been in this state; a number of seconds on the wire.
    #[serde(with = "seconds")]
    pub since: Duration,
    /// Main process.
    pub pid: Option<i32>,
    /// It starts at boot.
    pub enabled: bool,
    /// One line for people.
    pub description: String,
}

/// What a service uses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// What a list shows.
    pub summary: Summary,
    /// Memory of its tree in bytes.
    pub memory: Option<u64>,
    /// CPU time of its tree; a number of seconds on the wire.
    #[serde(default, with = "seconds::maybe")]
    pub cpu: Option<Duration>,
    /// How often it was started again since it was asked for.
    pub restarts: u32,
}

/// Everything about a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// What a list shows.
    pub summary: Summary,
    /// The chain of reasons, nearest first.
    pub why: Vec<String>,
    /// Every process of its tree.
    pub tree: Vec<Process>,
    /// Processes that a stop left behind.
    pub left_behind: Vec<Process>,
    /// Memory of the tree in bytes.
    pub memory: Option<u64>,
    /// CPU time of the tree; a number of seconds on the wire.
    #[serde(default, with = "seconds::maybe")]
    pub cpu: Option<Duration>,
    /// How its last run ended.
    pub last_exit: Option<String>,
    /// How often it was started again since it was asked for.
    pub restarts: u32,
    /// What it said itself (`STATUS=`).
    pub said: Option<String>,
    /// Remarks: the script's own status differs, tracking is weak, a definition on disk is newer.
    pub notes: Vec<String>,
    /// The last lines it wrote.
    pub log: Vec<LogLine>,
    /// The files it was read from.
    pub files: Vec<String>,
    /// Where it says that it starts at boot.
    pub enabled_by: String,
    /// The pid file exists though nothing runs (exit code 1 of an LSB status).
    pub stale_pid_file: bool,
    /// Verbs that it has beside the common ones.
    #[serde(default)]
    pub verbs: Vec<String>,
    /// What its own status command printed, where the definition has one.
    #[serde(default)]
    pub own: Vec<String>,
}

/// One process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// Its parent.
    pub parent: i32,
    /// Its command line, or its name in brackets.
    pub command: String,
}

/// What became of a verb for one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The service.
    pub name: Name,
    /// The answer.
    pub answer: Answer,
    /// What a script printed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
}

/// What a check found about one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// Its name as asked.
    pub name: String,
    /// It would run.
    pub ok: bool,
    /// It starts at boot, and what says so; or that nothing does.
    pub enabled: String,
    /// Each thing looked at, and what was found.
    pub findings: Vec<Finding>,
}

/// One thing a check looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How bad.
    pub level: Level,
    /// What; may be several lines (a place in a file with a caret).
    pub text: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// As it should be.
    Good,
    /// Worth knowing.
    Note,
    /// It will not run.
    Bad,
}

/// What reading again brought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadReport {
    /// Services that are new.
    pub added: Vec<Name>,
    /// Services whose files are gone.
    pub removed: Vec<Name>,
    /// What changed.
    pub changed: Vec<Change>,
    /// Files with faults, rendered; what they defined before stays in force.
    pub faults: Vec<String>,
    /// For services asked about by name: every key, its value, and where it was written.
    pub values: Vec<Value>,
}

/// A changed value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The service.
    pub name: Name,
    /// The key.
    pub key: String,
    /// Before.
    pub old: String,
    /// After.
    pub new: String,
    /// In force at once, or only when it is started again.
    pub live: bool,
}

/// A value in force and where it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Value {
    /// The service.
    pub name: Name,
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
    /// `FILE:LINE`, or `default`.
    pub origin: String,
}
