//! A service as meant: every default filled in, every name and bound checked.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::name::Name;
use crate::run::Signal;

mod access;
mod class;
mod device;
mod exec;
mod jail;
mod origins;
mod shared;
mod verbs;

pub use access::{Access, Asker, OPERATING, Refused};
pub use class::Class;
pub use device::{Device, INTERFACE_BYTES_MAX};
pub use exec::{Exec, Limit};
pub use jail::{Jail, Network};
pub use origins::Origins;
pub use shared::Shared;
pub use verbs::{COMMON, Verb};

/// The place of a service in the supervisor's tables. Reused only after [`crate::Action::Removed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ServiceId(pub u32);

/// One service, checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its name: the definition's file name without `.toml`, or the script's.
    pub name: Name,
    /// One line for people. Key: `description`.
    pub description: String,
    /// What kind of thing runs. Key: `kind`.
    pub kind: Kind,
    /// What sort of service it is. Key: `class`.
    #[serde(default)]
    pub class: Class,
    /// Program and arguments; empty for a group. For a script its path. Key: `command`.
    pub command: Vec<String>,
    /// What it has to do with others.
    pub links: Shared<Links>,
    /// What must hold on this machine, or a start is skipped. Table: `[conditions]`.
    pub conditions: Vec<Condition>,
    /// Without these it waits, and is stopped when one goes. Key: `devices`.
    #[serde(default)]
    pub devices: Vec<Device>,
    /// When a started service counts as up. Key: `ready`.
    pub ready: Ready,
    /// How long a start may take. Default 90 s, scripts 5 min; `None` only if written as `"none"`.
    /// Key: `start-timeout`.
    pub start_timeout: Option<Duration>,
    /// How it is stopped. Table: `[stop]`.
    pub stop: Shared<Stop>,
    /// How it reads its configuration again. Key: `reload`.
    pub reload: Reload,
    /// What happens when it ends by itself. Table: `[restart]`.
    pub restart: Shared<Restart>,
    /// It must say that it is alive this often, or it is restarted. Key: `watchdog`.
    pub watchdog: Option<Duration>,
    /// Dependents stay up while a crash of this service is repaired. Default false. Key: `smooth`.
    pub smooth: bool,
    /// What is left of its tree after the main process ended is left alone. Default false. Key: `leave-children`.
    pub leave_children: bool,
    /// How its processes are set up.
    pub exec: Shared<Exec>,
    /// Where its output goes. Table: `[log]`.
    pub log: Log,
    /// Files of its own configuration that are made from templates. Tables: `[[configure]]`.
    #[serde(default)]
    pub configure: Vec<Configure>,
    /// What happens when one of them changed while it runs. Key: `configure-then`.
    #[serde(default)]
    pub configure_then: ConfigureThen,
    /// They are made anew before each start. Default false. Key: `configure-at-start`.
    #[serde(default)]
    pub configure_at_start: bool,
    /// Own verbs, and what is run in place of the common ones, before or after them. Table: `[verbs]`.
    #[serde(default)]
    pub verbs: BTreeMap<String, Verb>,
    /// Who may operate it. Table: `[access]`.
    #[serde(default)]
    pub access: Shared<Access>,
    /// Whether it starts at boot, and where that is written. Key: `enabled`.
    pub enabled: Enabled,
    /// For a script: the variables that its own configuration sets, rc.conf or a file of `/etc/default` and the like.
    #[serde(default)]
    pub settings: Vec<Setting>,
    /// The files it was read from, main one first.
    pub files: Vec<String>,
    /// Where each value was written: key to `FILE:LINE`.
    pub origins: Origins,
}

/// What kind of thing a service is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The program stays in the foreground.
    Process,
    /// The program leaves a daemon behind and returns.
    Forking {
        /// The file in which the daemon writes its pid; without one the tree's own leader is taken.
        pid_file: Option<String>,
    },
    /// The program does something and returns; the service is up from then on.
    Oneshot,
    /// No program: a name for others together.
    Group,
    /// A legacy script, run in place.
    Script(Box<Script>),
}

/// What is known of a legacy script.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// Which world it comes from.
    pub dialect: Dialect,
    /// Whether its start is meant to leave a daemon: then a start that leaves nothing has failed.
    pub daemon: bool,
    /// Pid files it names, as far as they could be read.
    pub pid_files: Vec<String>,
    /// Programs it starts, as far as they could be read.
    pub programs: Vec<String>,
    /// The verbs it takes, as far as they could be read.
    pub verbs: Vec<String>,
    /// The runlevels whose links start it, with the link that says so.
    pub links: Vec<String>,
    /// Libraries that it names by their paths, of those that can be lent where the machine lacks them.
    #[serde(default)]
    pub libraries: Vec<String>,
    /// Remarks of the importer, each about one line (`FILE:LINE: text`).
    pub notes: Vec<String>,
    /// What rc.conf has to do with it; `None`: there is no rc.conf here, or it is no script of that world.
    #[serde(default)]
    pub rc_conf: Option<RcConf>,
    /// The unit by which systemd has it in its care, where that is process 1: a boot of ours does not start it, and it
    /// goes on when we end.
    #[serde(default)]
    pub unit: Option<String>,
}

/// A variable of a script's own configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// The variable.
    pub name: String,
    /// What the shell has for it.
    pub value: String,
    /// Where it is set: `FILE:LINE`.
    pub origin: String,
}

/// How rc.conf knows a script, and what rc(8) would do with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RcConf {
    /// The name of its settings: that of its file in rc.conf.d.
    pub name: String,
    /// The variable that enables it; `None`: nothing does, it always runs.
    pub rcvar: Option<String>,
    /// It is called when the machine goes down (`KEYWORD: shutdown`).
    pub shutdown: bool,
}

/// The world a script comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// `/etc/init.d`, with LSB header or without.
    #[default]
    Initd,
    /// rc.d of FreeBSD and its relatives.
    Rcd,
    /// openrc-run.
    Openrc,
}

/// What a service has to do with others. Names may be of services, or provided by them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Links {
    /// Start it first; if it fails we do not start; if it stops or is restarted, so are we.
    pub requires: Vec<Name>,
    /// Start it too, go on without it.
    pub wants: Vec<Name>,
    /// Order only: we start after it, and stop before it.
    pub after: Vec<Name>,
    /// Order only: we start before it, and stop after it.
    pub before: Vec<Name>,
    /// Other names it answers to.
    pub provides: Vec<Name>,
    /// What must be stopped first.
    pub conflicts: Vec<Name>,
}

/// Something that must hold on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// This path exists, or with `not` does not.
    Path {
        /// The path.
        path: String,
        /// Turn the condition round.
        not: bool,
    },
    /// The host is of this kind: `machine`, `container`, `vm`, `linux`, `freebsd`; or with `not` is not.
    Host {
        /// The kind.
        host: String,
        /// Turn the condition round.
        not: bool,
    },
    /// This variable of the manager's environment is set (to this value, if one is given).
    Environment {
        /// The variable.
        name: String,
        /// Its value; `None`: any.
        value: Option<String>,
        /// Turn the condition round.
        not: bool,
    },
}

/// When a started service counts as up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ready {
    /// As soon as its program was executed. Default of `process`.
    Executed,
    /// When its program returned with success. Default of `oneshot`, `forking` and scripts.
    Exit,
    /// When this file holds the pid of one of its processes.
    PidFile(String),
    /// When a newline is written to this descriptor.
    NotifyFd(u32),
    /// When `READY=1` comes by the socket named in `NOTIFY_SOCKET`.
    SdNotify,
    /// When a TCP connection to this address works.
    Tcp(String),
    /// When a connection to this Unix socket works.
    Unix(String),
    /// When this command returns with success; tried again until then.
    Command(Vec<String>),
}

/// How a service is stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// The first signal. Default `TERM`. Key: `signal` in `[stop]`.
    pub signal: Signal,
    /// A command in place of the signal. Key: `command` in `[stop]`.
    pub command: Vec<String>,
    /// How long it may take; then `KILL` to the whole tree. Default 90 s, scripts 5 min. Key: `timeout` in `[stop]`.
    pub timeout: Option<Duration>,
}

/// How a service reads its configuration again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reload {
    /// It cannot.
    None,
    /// By this signal to its main process.
    Signal(Signal),
    /// By this command.
    Command(Vec<String>),
}

/// When a service that ended by itself is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestartWhen {
    /// Whatever its exit code.
    Always,
    /// When it ended by a signal, with a code other than 0, or was not well.
    OnFailure,
    /// Not.
    Never,
}

/// What happens when a service ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restart {
    /// Whether it is started again. Default on failure; scripts and one-shots never. Key: `when` in `[restart]`.
    pub when: RestartWhen,
    /// The first wait; doubled each time. Default 100 ms. Key: `delay` in `[restart]`.
    pub delay: Duration,
    /// The longest wait. Default 30 s. Key: `max-delay` in `[restart]`.
    pub max_delay: Duration,
    /// A run that lasted this long is started again at once, and the wait begins anew. Default 10 s. Key: `settled`.
    pub settled: Duration,
    /// Give up when the last of this many starts within `period` fails; 0: never. Default 10. Key: `limit` in
    /// `[restart]`.
    pub limit: u32,
    /// Default 1 min. Key: `period` in `[restart]`.
    pub period: Duration,
}

/// Who a service runs as. As written it has names; the loader fills in the numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The user's name, or number, as written.
    pub user: String,
    /// The group's name as written; empty: the user's own.
    pub group: String,
    /// Supplementary groups as written; empty: those of the user.
    pub groups: Vec<String>,
    /// The numbers, once looked up.
    pub resolved: Option<Credentials>,
}

/// What the names of an [`Identity`] stand for on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Supplementary group ids.
    pub gids: Vec<u32>,
    /// `HOME`.
    pub home: String,
    /// `SHELL`.
    pub shell: String,
    /// `USER` and `LOGNAME`.
    pub login: String,
}

/// Where the output of a service goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// The current file is rotated when it is larger than this, in bytes. Default 1 MiB. Key: `size` in `[log]`.
    pub size: u64,
    /// How many rotated files are kept. Default 4. Key: `keep` in `[log]`.
    pub keep: u32,
}

/// One file that is made from a template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configure {
    /// An absolute path, or one below the directories of templates. Key: `template`.
    pub template: String,
    /// The file that is made: an absolute path. Key: `target`.
    pub target: String,
    /// Whose it is, as written; empty: as it was, root for a new one. Key: `owner`.
    pub owner: String,
    /// Its group, as written; empty: as it was, root for a new one. Key: `group`.
    pub group: String,
    /// Its permissions; `None`: as they were, 0644 for a new one. Key: `mode`.
    pub mode: Option<u32>,
    /// Files of values for this template alone; one with a leading `-` may be missing. Key: `values`.
    pub values: Vec<String>,
    /// A command that looks at the new files before they take their places; empty: none. Key: `validate`.
    pub validate: Vec<String>,
}

/// What happens to a running service whose configuration changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigureThen {
    /// It is reloaded if it can be, else restarted.
    #[default]
    Adapt,
    /// It is reloaded.
    Reload,
    /// It is restarted.
    Restart,
    /// Nothing: it looks at its files itself.
    Nothing,
}

/// Whether a service starts at boot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enabled {
    /// It does.
    pub on: bool,
    /// The file and line, or the link, that says so; empty: nothing says anything.
    pub origin: String,
}

/// Parts that services have in common, as far as they are known.
#[derive(Debug, Default)]
pub struct Known {
    links: Vec<Shared<Links>>,
    stops: Vec<Shared<Stop>>,
    restarts: Vec<Shared<Restart>>,
    execs: Vec<Shared<Exec>>,
    accesses: Vec<Shared<Access>>,
}

impl Default for Stop {
    fn default() -> Self {
        Self { signal: Signal::Term, command: Vec::new(), timeout: Some(Duration::from_secs(90)) }
    }
}

impl Default for Restart {
    fn default() -> Self {
        Self {
            when: RestartWhen::OnFailure,
            delay: Duration::from_millis(100),
            max_delay: Duration::from_secs(30),
            settled: Duration::from_secs(10),
            limit: 10,
            period: Duration::from_secs(60),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { size: 1024 * 1024, keep: 4 }
    }
}

impl Service {
    /// How long a legacy script may take to start or to stop.
    pub const SCRIPT_TIMEOUT: Duration = Duration::from_secs(300);

    /// A service of this name and kind, everything else at its default.
    pub fn new(name: Name, kind: Kind) -> Self {
        let (ready, timeout, when) = match &kind {
            Kind::Process => (Ready::Executed, Duration::from_secs(90), RestartWhen::OnFailure),
            Kind::Forking { .. } => (Ready::Exit, Duration::from_secs(90), RestartWhen::OnFailure),
            Kind::Oneshot | Kind::Group => (Ready::Exit, Duration::from_secs(90), RestartWhen::Never),
            Kind::Script(_) => (Ready::Exit, Self::SCRIPT_TIMEOUT, RestartWhen::Never),
        };
        Self {
            name,
            description: String::new(),
            kind,
            class: Class::Service,
            command: Vec::new(),
            links: Shared::default(),
            conditions: Vec::new(),
            devices: Vec::new(),
            ready,
            start_timeout: Some(timeout),
            stop: Stop { timeout: Some(timeout), ..Stop::default() }.into(),
            reload: Reload::None,
            restart: Restart { when, ..Restart::default() }.into(),
            watchdog: None,
            smooth: false,
            leave_children: false,
            exec: Shared::default(),
            log: Log::default(),
            configure: Vec::new(),
            configure_then: ConfigureThen::Adapt,
            configure_at_start: false,
            verbs: BTreeMap::new(),
            access: Shared::default(),
            enabled: Enabled::default(),
            settings: Vec::new(),
            files: Vec::new(),
            origins: Origins::default(),
        }
    }

    /// Uses what others have alike, instead of holding it once more.
    pub fn share(&mut self, known: &mut Known) {
        self.links.share(&mut known.links);
        self.stop.share(&mut known.stops);
        self.restart.share(&mut known.restarts);
        self.exec.share(&mut known.execs);
        self.access.share(&mut known.accesses);
    }

    /// How rc.conf knows it, if that has to do with it.
    pub fn rc_conf(&self) -> Option<&RcConf> {
        match &self.kind {
            Kind::Script(script) => script.rc_conf.as_ref(),
            Kind::Process | Kind::Forking { .. } | Kind::Oneshot | Kind::Group => None,
        }
    }

    /// Whether it is a legacy script.
    pub fn is_script(&self) -> bool {
        matches!(self.kind, Kind::Script(_))
    }
}
