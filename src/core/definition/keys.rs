//! Every key of a definition: the one table that the reader, the manual page and the tests go by.

use alloc::format;
use alloc::string::String;
use core::time::Duration;

use super::fault::listed;
use super::near::near;
use super::system::System;
use super::takes::{Span, Takes, Unit, Version};
use crate::service::Kind;

/// For which kinds of service a key has a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds(u8);

impl Kinds {
    const PROCESS: u8 = 1;
    const FORKING: u8 = 2;
    const ONESHOT: u8 = 4;
    const GROUP: u8 = 8;
    const SCRIPT: u8 = 16;
    const ALL: [(u8, &'static str); 5] = [
        (Self::PROCESS, "process"),
        (Self::FORKING, "forking"),
        (Self::ONESHOT, "oneshot"),
        (Self::GROUP, "group"),
        (Self::SCRIPT, "script"),
    ];

    /// Whether this kind is among them.
    pub fn has(self, kind: &Kind) -> bool {
        let bit = match kind {
            Kind::Process => Self::PROCESS,
            Kind::Forking { .. } => Self::FORKING,
            Kind::Oneshot => Self::ONESHOT,
            Kind::Group => Self::GROUP,
            Kind::Script(_) => Self::SCRIPT,
        };
        self.0 & bit != 0
    }

    /// Their words.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().filter(move |(bit, _)| self.0 & bit != 0).map(|(_, name)| name)
    }
}

/// The word for a kind, as `kind` takes it.
pub(crate) fn kind_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Process => "process",
        Kind::Forking { .. } => "forking",
        Kind::Oneshot => "oneshot",
        Kind::Group => "group",
        Kind::Script(_) => "script",
    }
}

/// One key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its table without brackets; empty for the top of the file.
    pub table: &'static str,
    /// Its name; `NAME` where the author chooses it.
    pub name: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// What holds when it is not written; empty: nothing.
    pub default: &'static str,
    /// The kinds of service that may have it.
    pub kinds: Kinds,
    /// What it is for, in one line.
    pub doc: &'static str,
    /// Whether it works on Linux.
    pub linux: bool,
    /// Whether it works on FreeBSD.
    pub freebsd: bool,
}

impl Key {
    /// Whether the author of a definition chooses its name.
    pub(crate) fn is_named_by_author(&self) -> bool {
        matches!(self.takes, Takes::Variable | Takes::Verb)
    }

    const fn linux_only(mut self) -> Self {
        self.freebsd = false;
        self
    }

    const fn freebsd_only(mut self) -> Self {
        self.linux = false;
        self
    }

    /// What this system does with it, in a word or a few.
    pub fn on(&self, system: System) -> &'static str {
        match (self.table, self.name, system) {
            _ if !self.works_on(system) => "refused",
            ("limits", "cpu" | "memory" | "tasks", System::Linux) => "by its cgroup's controller",
            ("limits", "cpu" | "memory" | "tasks", System::Freebsd) => "by a rule of rctl(8)",
            _ => "yes",
        }
    }

    /// Whether it works on this system.
    pub fn works_on(&self, system: System) -> bool {
        match system {
            System::Linux => self.linux,
            System::Freebsd => self.freebsd,
        }
    }
}

const fn key(
    table: &'static str,
    name: &'static str,
    takes: Takes,
    kinds: Kinds,
    default: &'static str,
    doc: &'static str,
) -> Key {
    Key { table, name, takes, default, kinds, doc, linux: true, freebsd: true }
}

const fn jail(name: &'static str, takes: Takes, default: &'static str, doc: &'static str) -> Key {
    key("jail", name, takes, OWN, default, doc).freebsd_only()
}

const fn between(min_millis: u64, none: bool) -> Takes {
    let max = Duration::from_secs(24 * 60 * 60);
    Takes::Duration(Span { min: Duration::from_millis(min_millis), max, none })
}

const fn limit(name: &'static str, unit: Unit, doc: &'static str) -> Key {
    key("limits", name, Takes::Limit(unit), PROGRAM, "as svcd has it", doc)
}

/// What every service has.
const ANY: Kinds = Kinds(31);
/// What has a program, whoever wrote how it is run.
const PROGRAM: Kinds = Kinds(Kinds::PROCESS | Kinds::FORKING | Kinds::ONESHOT | Kinds::SCRIPT);
/// What has a program of ours to run.
const OWN: Kinds = Kinds(Kinds::PROCESS | Kinds::FORKING | Kinds::ONESHOT);
/// What runs until it is stopped.
const DAEMON: Kinds = Kinds(Kinds::PROCESS | Kinds::FORKING);
const DAEMON_OR_SCRIPT: Kinds = Kinds(Kinds::PROCESS | Kinds::FORKING | Kinds::SCRIPT);
const FORKING: Kinds = Kinds(Kinds::FORKING);

/// The words that `kind` takes.
pub(crate) const KINDS: &[&str] = &["process", "forking", "oneshot", "group", "script"];
/// The words that `class` takes.
pub(crate) const CLASSES: &[&str] = &["system", "network", "service", "user", "helper"];
/// The words that `when` in `[restart]` takes.
pub(crate) const WHEN: &[&str] = &["always", "on-failure", "never"];
/// The words that `configure-then` takes.
pub(crate) const THEN: &[&str] = &["reload", "restart", "nothing"];

/// What `verbs` in `[access]` is if it is not written.
const OPERATE: &str = "cat, log, reload, reset, restart, start, stop and its own";

/// Every key, by table, in the order of the manual page.
pub const KEYS: &[Key] = &[
    key("", "description", Takes::Text, ANY, "", "one line for people"),
    key("", "kind", Takes::Choice(KINDS), ANY, "process", "what kind of thing runs"),
    key("", "class", Takes::Choice(CLASSES), ANY, "service", "what sort of service it is, which gives defaults"),
    key(
        "",
        "command",
        Takes::Command,
        PROGRAM,
        "",
        "program and arguments; the program an absolute path or a bare name",
    ),
    key("", "pid-file", Takes::Path, FORKING, "the leader of its tree", "where the daemon writes its process id"),
    key("", "requires", Takes::Names, ANY, "", "start these first; without them this service does not run"),
    key("", "wants", Takes::Names, ANY, "", "start these too; go on without them"),
    key("", "after", Takes::Names, ANY, "", "order only: start after these, stop before them"),
    key("", "before", Takes::Names, ANY, "", "order only: start before these, stop after them"),
    key("", "provides", Takes::Names, ANY, "", "other names it answers to"),
    key("", "conflicts", Takes::Names, ANY, "", "services that must be stopped first"),
    key("", "devices", Takes::Devices, ANY, "", "it waits for these, and is stopped when one of them goes"),
    key("", "enabled", Takes::Flag, ANY, "false", "whether it starts at boot"),
    key("", "ready", Takes::Ready, OWN, "executed; oneshot and forking: exit", "when a started service counts as up"),
    key("", "start-timeout", between(1, true), PROGRAM, "90s; script: 5m", "how long a start may take"),
    key("", "reload", Takes::Reload, OWN, "none", "how it reads its configuration again"),
    key("", "watchdog", between(1, false), DAEMON, "none", "it must say that it is alive this often"),
    key("", "smooth", Takes::Flag, DAEMON_OR_SCRIPT, "false", "dependents stay up while a crash is repaired"),
    key("", "leave-children", Takes::Flag, PROGRAM, "false", "what its main process leaves behind is left alone"),
    key("", "user", Takes::Account, OWN, "that of svcd", "who it runs as, by name or number"),
    key("", "group", Takes::Account, OWN, "that of the user", "its group, by name or number"),
    key("", "groups", Takes::Accounts, OWN, "those of the user", "its supplementary groups"),
    key("", "chroot", Takes::Path, OWN, "", "the directory it sees as /"),
    key("", "directory", Takes::Path, OWN, "/", "its working directory"),
    key("", "umask", Takes::Mask, OWN, "022", "permissions that files it makes do not get"),
    key("", "nice", Takes::Number(-20, 19), PROGRAM, "as svcd has it", "its priority; less is more"),
    key(
        "",
        "oom-score",
        Takes::Number(-1000, 1000),
        PROGRAM,
        "as svcd has it",
        "how soon it is killed for want of memory",
    )
    .linux_only(),
    key("", "cpuset", Takes::Processors, PROGRAM, "as svcd has it", "the processors it runs on"),
    key("", "login-class", Takes::LoginClass, OWN, "that of svcd", "its login class, whose limits it gets")
        .freebsd_only(),
    key("", "fib", Takes::Number(0, 65535), PROGRAM, "that of svcd", "the routing table it uses").freebsd_only(),
    key("", "protect", Takes::Flag, OWN, "false", "it is not killed for want of memory").freebsd_only(),
    key("", "environment-file", Takes::OptionalPaths, PROGRAM, "", "files of NAME=value lines, read at each start"),
    key("", "runtime-directory", Takes::Directories, OWN, "", "made below the runtime directory before each start"),
    key("", "runtime-directory-owner", Takes::Account, OWN, "the user", "whose these directories are"),
    key("", "runtime-directory-group", Takes::Account, OWN, "that of their owner", "their group"),
    key("", "runtime-directory-mode", Takes::DirectoryMode, OWN, "as it was; 0755 for a new one", "their permissions"),
    key(
        "",
        "configure-then",
        Takes::Choice(THEN),
        ANY,
        "reload if it can be, else restart",
        "what happens when its configuration changed while it runs",
    ),
    key("", "configure-at-start", Takes::Flag, ANY, "false", "its configuration is made anew before each start"),
    key("configure", "template", Takes::Template, ANY, "", "what the file is made from"),
    key("configure", "target", Takes::Path, ANY, "", "the file that is made"),
    key("configure", "owner", Takes::Account, ANY, "as it was; root for a new file", "whose it is"),
    key("configure", "group", Takes::Account, ANY, "as it was; root for a new file", "its group"),
    key("configure", "mode", Takes::Mode, ANY, "as it was; 0644 for a new file", "its permissions"),
    key("configure", "values", Takes::OptionalPaths, ANY, "", "files of values for this template alone"),
    key("configure", "validate", Takes::Command, ANY, "", "looks at the new files before they take their places"),
    key("stop", "signal", Takes::Signal, OWN, "TERM", "the first signal to its main process"),
    key("stop", "command", Takes::Command, OWN, "", "a command in place of the signal"),
    key("stop", "timeout", between(1, true), PROGRAM, "90s; script: 5m", "how long a stop may take before KILL"),
    key(
        "restart",
        "when",
        Takes::Choice(WHEN),
        PROGRAM,
        "on-failure; oneshot, script: never",
        "when it is started again",
    ),
    key("restart", "delay", between(0, false), PROGRAM, "100ms", "the first wait; doubled each time"),
    key("restart", "max-delay", between(0, false), PROGRAM, "30s", "the longest wait"),
    key(
        "restart",
        "settled",
        between(0, false),
        PROGRAM,
        "10s",
        "a run that lasted this long is started again at once",
    ),
    key("restart", "limit", Takes::Number(0, 1_000_000), PROGRAM, "10", "give up after so many in `period`; 0: never"),
    key("restart", "period", between(1, false), PROGRAM, "1m", "what `limit` counts over"),
    key("log", "size", Takes::Size(4096, 1 << 40), PROGRAM, "1MiB", "a log file larger than this is rotated"),
    key("log", "keep", Takes::Number(0, 1000), PROGRAM, "4", "how many rotated files are kept"),
    key(
        "verbs",
        "NAME",
        Takes::Verb,
        ANY,
        "",
        "an own verb, or what is run in place of a common one, before or after it",
    ),
    key("access", "users", Takes::Accounts, ANY, "", "who may operate it beside root, by name or number"),
    key("access", "groups", Takes::Accounts, ANY, "", "whose members may"),
    key("access", "verbs", Takes::Verbs, ANY, OPERATE, "what they may do"),
    key("conditions", "path", Takes::PathCondition, ANY, "", "paths that must exist, or with ! must not"),
    key("conditions", "host", Takes::HostCondition, ANY, "", "the kind of host, or with ! any other"),
    key("conditions", "environment", Takes::EnvironmentCondition, ANY, "", "variables of svcd that must be set"),
    limit("address-space", Unit::Bytes, "memory addresses of one process"),
    limit("core", Unit::Bytes, "a core file"),
    limit("cpu", Unit::Percent, "processors of the whole tree, where the system can share them out"),
    limit("cpu-time", Unit::Seconds, "processor time of one process"),
    limit("data", Unit::Bytes, "data of one process"),
    limit("file-size", Unit::Bytes, "a file that it writes"),
    limit("kqueues", Unit::Count, "kqueues of its user").freebsd_only(),
    limit("locked-memory", Unit::Bytes, "memory that is never swapped"),
    limit("memory", Unit::Bytes, "memory of the whole tree, where the system can count it"),
    limit("message-queues", Unit::Bytes, "POSIX message queues of its user").linux_only(),
    limit("nice-ceiling", Unit::Count, "how far it may lower its nice value: 20 minus this").linux_only(),
    limit("open-files", Unit::Count, "descriptors of one process"),
    limit("pending-signals", Unit::Count, "signals that wait for its user").linux_only(),
    limit("processes", Unit::Count, "processes of its user"),
    limit("pseudo-terminals", Unit::Count, "pseudo-terminals of its user").freebsd_only(),
    limit("realtime-priority", Unit::Count, "the highest real-time priority").linux_only(),
    limit("resident-memory", Unit::Bytes, "memory of one process that stays when others want it").freebsd_only(),
    limit("socket-buffers", Unit::Bytes, "buffers of sockets of its user").freebsd_only(),
    limit("stack", Unit::Bytes, "the stack of one process"),
    limit("swap", Unit::Bytes, "swap space of its user").freebsd_only(),
    limit("tasks", Unit::Count, "processes and threads of the whole tree, where the system can count them"),
    limit("umtx", Unit::Count, "shared locks of threads of its user").freebsd_only(),
    jail("path", Takes::Path, "/", "the directory it sees as /"),
    jail("hostname", Takes::Text, "that of the host", "the name of the host that it sees"),
    jail("ip4", Takes::Addresses(Version::V4), "disable", "its addresses of IPv4"),
    jail("ip6", Takes::Addresses(Version::V6), "disable", "its addresses of IPv6"),
    jail("vnet", Takes::Flag, "false", "it has network interfaces of its own"),
    jail("options", Takes::JailOptions, "", "other parameters, such as what it is allowed"),
    jail("devfs-ruleset", Takes::Number(0, 65535), "that of the host", "what a devfs mounted in it shows"),
    jail("securelevel", Takes::Number(-1, 3), "that of the host", "the least secure level of its kernel"),
    jail("children", Takes::Number(0, 999_999), "0", "how many jails it may make"),
    key("environment", "NAME", Takes::Variable, PROGRAM, "", "a variable of its environment"),
];

/// The tables, in the order of the manual page.
pub(crate) const TABLES: &[&str] =
    &["configure", "stop", "restart", "log", "verbs", "access", "conditions", "limits", "jail", "environment"];
/// Those of them that may be written several times, as `[[TABLE]]`.
pub(crate) const ARRAYS: &[&str] = &["configure"];

/// A table's name as it is written.
pub(crate) fn heading(table: &str) -> String {
    if ARRAYS.contains(&table) { format!("[[{table}]]") } else { format!("[{table}]") }
}

/// Words that other service managers have for what is called differently here.
const FOREIGN: &[(&str, &str)] = &[
    ("binds-to", "`requires`"),
    ("chdir", "`directory`"),
    ("depends", "`requires`"),
    ("device", "`devices`"),
    ("depends-on", "`requires`"),
    ("env", "the table [environment]"),
    ("exec", "`command`"),
    ("execstart", "`command`"),
    ("execreload", "`reload`"),
    ("execstop", "`command` in [stop]"),
    ("program", "`command`"),
    ("restart-delay", "`delay` in [restart]"),
    ("restart-sec", "`delay` in [restart]"),
    ("type", "`kind`"),
    ("waits-for", "`wants`"),
    ("working-directory", "`directory`"),
    ("workdir", "`directory`"),
];

/// The key of this table and name.
pub(crate) fn find(table: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.table == table && (key.name == name || key.is_named_by_author()))
}

/// What the author of an unknown key may have meant.
pub(crate) fn meant(table: &str, name: &str) -> Option<String> {
    let belongs = |key: &Key| match key.table {
        "" => format!("`{}` belongs above the first [table]", key.name),
        table => format!("`{}` belongs in {}", key.name, heading(table)),
    };
    let named = KEYS.iter().filter(|key| !key.is_named_by_author());
    if let Some(key) = named.clone().find(|key| key.name == name) {
        return Some(belongs(key));
    }
    if table.is_empty() {
        let joined =
            |key: &&Key| name.strip_prefix(key.table).and_then(|rest| rest.strip_prefix('-')) == Some(key.name);
        if let Some(key) = named.clone().find(joined) {
            return Some(format!("write `{}` in {}", key.name, heading(key.table)));
        }
    }
    let foreign = |row: &&(&str, &str)| row.0.eq_ignore_ascii_case(name);
    if let Some((_, ours)) = FOREIGN.iter().find(foreign) {
        return Some(format!("here this is {ours}"));
    }
    let here = named.clone().filter(|key| key.table == table).map(|key| key.name);
    let tables = TABLES.iter().copied().filter(|_| table.is_empty());
    if let Some(word) = near(name, here.chain(tables)) {
        return Some(match TABLES.contains(&word) && table.is_empty() {
            true => format!("did you mean the table {}?", heading(word)),
            false => format!("did you mean `{word}`?"),
        });
    }
    if let Some(word) = near(name, named.clone().map(|key| key.name)) {
        return named.clone().find(|key| key.name == word).map(belongs);
    }
    let here = named.clone().filter(|key| key.table == table && !table.is_empty()).map(|key| key.name);
    Some(format!("there are {}", listed(here))).filter(|_| !table.is_empty())
}
