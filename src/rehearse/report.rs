//! What a rehearsal has seen: plain data, for people, for programs and for conversion.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Everything that one verb of one script asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rehearsal {
    /// The script, by the path it was given.
    pub script: String,
    /// The verb.
    pub verb: String,
    /// How the script ended.
    pub end: End,
    /// How long it took; a number of seconds in JSON.
    #[serde(with = "crate::wire::seconds")]
    pub took: Duration,
    /// Programs it started to stay, in the order it did. None of them really ran, unless it is marked as bypassing.
    pub launches: Vec<Launch>,
    /// Signals and ends it sent to what it had started, and to what it believed to run.
    pub stops: Vec<Stop>,
    /// Files, directories and links it made or changed.
    pub made: Vec<Made>,
    /// Files it removed that were there before.
    pub removed: Vec<String>,
    /// Files of the machine's configuration that it read: not programs, libraries or what the C library reads itself.
    pub read: Vec<String>,
    /// Kernel settings it asked for.
    pub sysctls: Vec<Sysctl>,
    /// Mounts it asked for; none was done.
    pub mounts: Vec<Mount>,
    /// What it asked of the kernel and could not have, since it would have reached the machine: `clock_settime`.
    pub refused: Vec<Refused>,
    /// Every program it ran, in order, those of the launches included.
    pub executed: Vec<Executed>,
    /// What it told its operator through the functions of its library (`log_daemon_msg`, ...).
    pub said: Vec<Said>,
    /// What it printed, both streams.
    pub output: String,
    /// What should be known about this rehearsal itself.
    pub notes: Vec<String>,
}

/// How a script ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// With this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It did not end in the time it was given.
    #[default]
    TimedOut,
}

/// Who was asked to launch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// start-stop-daemon(8).
    StartStopDaemon,
    /// The function `daemon` of Red Hat's library.
    DaemonFunction,
    /// FreeBSD's daemon(8).
    Daemon,
    /// `start_daemon` of the Linux Standard Base.
    StartDaemon,
    /// rc.subr, by `run_rc_command`.
    RcSubr,
    /// su(1).
    Su,
    /// runuser(1).
    Runuser,
    /// chpst(8) of runit, or its relatives.
    Chpst,
    /// setsid(1).
    Setsid,
    /// nohup(1).
    Nohup,
    /// Nobody: the script ran it itself, and it was still there at the end.
    #[default]
    Bypass,
}

/// One program that was started to stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Launch {
    /// Who was asked for it.
    pub by: By,
    /// The words of that call, its own name first; those of the program itself where it bypassed everybody.
    pub call: Vec<String>,
    /// The program's path as it would be executed.
    pub program: String,
    /// The program's arguments, the name it is called by first.
    pub argv: Vec<String>,
    /// Who it would run as; `None`: as the script (root).
    pub user: Option<String>,
    /// Its group, where one is said.
    pub group: Option<String>,
    /// Supplementary groups, where they are said.
    pub groups: Vec<String>,
    /// Its root.
    pub chroot: Option<String>,
    /// Its working directory; `None`: not known to differ from `/`.
    pub directory: Option<String>,
    /// Its nice value, where it is not 0.
    pub nice: Option<i32>,
    /// How it is scheduled, as written in the call.
    pub scheduling: Option<String>,
    /// Its umask, where it is not 022.
    pub umask: Option<u32>,
    /// Resource limits that differ from those the script was started with, by the names of svc.toml(5).
    pub limits: BTreeMap<String, Limit>,
    /// Variables that differ from those the script was started with; `None`: taken away.
    pub environment: BTreeMap<String, Option<String>>,
    /// Where its pid is expected.
    pub pid_file: Option<String>,
    /// Whether the launcher writes that file; the program itself has to otherwise.
    pub makes_pid_file: bool,
    /// Whether the launcher puts it into the background; the program has to do that itself otherwise.
    pub background: bool,
    /// The name of the process, where the call says it.
    pub name: Option<String>,
    /// Where its standard streams go, as far as that is not where the script's own go.
    pub redirections: Vec<Redirection>,
}

/// A limit; `None`: unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// What is in force.
    pub soft: Option<u64>,
    /// Up to where it may be raised.
    pub hard: Option<u64>,
}

/// Where a stream goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirection {
    /// 0, 1 or 2.
    pub fd: u32,
    /// A path.
    pub to: String,
}

/// Something that was told to end, or given a signal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stop {
    /// By which means: `start-stop-daemon`, `killproc`, `kill`.
    pub by: String,
    /// The words of the call; empty where a signal just came.
    pub call: Vec<String>,
    /// The signal, without `SIG`; the first of a schedule.
    pub signal: String,
    /// The schedule, as written after `--retry`.
    pub retry: Option<String>,
    /// The pid file that was looked into.
    pub pid_file: Option<String>,
    /// The program that was looked for, or that of the process that got the signal.
    pub program: Option<String>,
    /// Whether there was something that it met.
    pub met: bool,
}

/// One file, directory or link that was made or changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Made {
    /// Its path.
    pub path: String,
    /// What it is: `file`, `directory`, `link`, `fifo`, `socket`, `device`.
    pub kind: String,
    /// Its owner, by name where there is one.
    pub owner: String,
    /// Its group, by name where there is one.
    pub group: String,
    /// Its permissions.
    pub mode: u32,
    /// Where a link leads.
    pub target: Option<String>,
    /// Whether it was there before, and only changed.
    pub was_there: bool,
    /// Whether only its owner, group or permissions changed.
    pub only_metadata: bool,
}

/// A kernel setting.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sysctl {
    /// Its name, with dots.
    pub name: String,
    /// Its value; `None`: it was opened to be written, with what is not known.
    pub value: Option<String>,
}

/// A mount or an unmount that was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mount {
    /// What is mounted; empty for an unmount.
    pub source: String,
    /// Where.
    pub target: String,
    /// Type of file system; empty for an unmount.
    pub kind: String,
    /// Options of the file system.
    pub options: String,
    /// Whether it was to be taken away.
    pub unmount: bool,
}

/// A call that would have reached the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The system call.
    pub call: String,
    /// The program that tried.
    pub program: String,
}

/// One program that was run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Executed {
    /// Its path.
    pub program: String,
    /// Its arguments, the name it is called by first.
    pub argv: Vec<String>,
    /// Whether it was replaced by a recorder.
    pub recorded: bool,
}

/// One call of a library's function that talks to the operator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The function.
    pub function: String,
    /// Its words.
    pub words: Vec<String>,
}
