//! A machine looked at from outside: its services as one order, its legacy scripts as an inventory. Needs no daemon
//! and no root, and changes nothing.

mod adoption;
mod callers;
mod enabled;
mod layout;
mod markup;
pub(crate) mod order;
pub(crate) mod page;
mod picture;
mod running;
mod scripts;
pub(crate) mod stage;

use std::path::Path;

use serde::Serialize;
use svc_core::service::Dialect;
use svc_platform::root::Root;

use crate::daemon::loader::units::{Unit, Units};
use crate::daemon::{Options, loader};
use order::Order;

/// The legacy scripts of a machine, or of what is below a directory.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Inventory {
    /// The directory that stands for `/`. Paths in the entries are below it.
    pub(crate) root: String,
    /// Every file of the legacy directories, services first, by name.
    pub(crate) scripts: Vec<Entry>,
    /// All services, those with definitions too, in the order in which svcd starts them.
    #[serde(skip)]
    pub(crate) order: Order,
}

/// One legacy script.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Entry {
    /// The file's name.
    pub(crate) name: String,
    /// The file.
    pub(crate) file: String,
    /// What it is.
    pub(crate) what: What,
    /// Why it is no service; empty if it is one.
    pub(crate) why: String,
    /// Which world it comes from.
    pub(crate) dialect: Dialect,
    /// One line for people.
    pub(crate) description: String,
    /// The script beside it that it is a link to: it is an instance of that.
    pub(crate) instance_of: Option<String>,
    /// Whether it starts at boot.
    pub(crate) boot: Boot,
    /// Its daemon, if one was found. Nobody looks below another root.
    pub(crate) running: Option<Running>,
    /// What systemd makes of it.
    pub(crate) systemd: Systemd,
    /// Whether svcd can run it in place.
    pub(crate) adoption: Adoption,
    /// The programs that it starts, as far as they could be read.
    pub(crate) programs: Vec<String>,
    /// Those of them that are not installed.
    pub(crate) missing: Vec<String>,
    /// Remarks about its text.
    pub(crate) faults: Vec<Fault>,
    /// Who calls it.
    pub(crate) callers: Vec<Caller>,
}

impl Inventory {
    /// What can be started.
    pub(crate) fn services(&self) -> impl Iterator<Item = &Entry> {
        self.scripts.iter().filter(|entry| entry.what.is_service())
    }

    /// What systemd 260 passes over without a word.
    pub(crate) fn dropped(&self) -> impl Iterator<Item = &Entry> {
        self.services().filter(|entry| matches!(entry.systemd, Systemd::Dropped { .. }))
    }
}

impl Entry {
    /// Whether svcd runs it in place, or something better.
    pub(crate) fn is_adoptable(&self) -> bool {
        matches!(self.adoption, Adoption::Yes | Adoption::Served { .. })
    }

    /// The world it comes from, for people.
    pub(crate) fn dialect_word(&self) -> &'static str {
        match self.dialect {
            Dialect::Initd => "init.d",
            Dialect::Rcd => "rc.d",
            Dialect::Openrc => "openrc",
        }
    }
}

/// What a file of a legacy directory is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum What {
    /// Its start leaves a daemon.
    Service,
    /// It does something and is done.
    #[default]
    OneShot,
    /// A name for others to wait for.
    Milestone,
    /// Functions for other scripts.
    Library,
    /// Nothing that can be started.
    NoService,
}

impl What {
    /// Whether it can be started at all.
    pub(crate) fn is_service(self) -> bool {
        matches!(self, Self::Service | Self::OneShot | Self::Milestone)
    }

    /// The word for people.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::OneShot => "one-shot",
            Self::Milestone => "milestone",
            Self::Library => "library",
            Self::NoService => "no service",
        }
    }
}

/// Whether a script starts at boot.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Boot {
    /// `None` where that is known only when the machine boots.
    pub(crate) on: Option<bool>,
    /// What says so: links, or lines of a file.
    pub(crate) at: Vec<Spot>,
}

/// A place in a file, or a file as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Spot {
    /// The file.
    pub(crate) file: String,
    /// Its line from 1; 0 for the whole file.
    pub(crate) line: u32,
}

impl std::fmt::Display for Spot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.line == 0 { f.write_str(&self.file) } else { write!(f, "{}:{}", self.file, self.line) }
    }
}

/// A running daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Running {
    /// Its main process.
    pub(crate) pid: i32,
    /// How it was found: a pid file, or the name of its program.
    pub(crate) by: String,
}

/// What systemd makes of a script.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "fate")]
pub(crate) enum Systemd {
    /// Not its business: no service, or not of /etc/init.d.
    #[default]
    None,
    /// A unit of its own stands beside it and is used in its place.
    Unit {
        /// The unit.
        file: String,
    },
    /// A unit says that it is not to run.
    Masked {
        /// The unit.
        file: String,
    },
    /// No unit: up to release 259 one was made from the script, release 260 makes none.
    Dropped {
        /// Up to release 259 it was started at boot.
        was_started: bool,
    },
}

/// Whether svcd can run a script in place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub(crate) enum Adoption {
    /// As it is.
    Yes,
    /// It could, but a definition of the same name comes before it.
    Served {
        /// The definition.
        definition: String,
    },
    /// Something is in the way.
    No {
        /// What, one sentence each.
        reasons: Vec<String>,
    },
    /// There is nothing to run.
    #[default]
    None,
}

/// A remark about a script.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Fault {
    /// Where.
    #[serde(flatten)]
    pub(crate) spot: Spot,
    /// What.
    pub(crate) text: String,
}

/// Somebody who calls a script.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Caller {
    /// What it is.
    pub(crate) kind: CallerKind,
    /// Where.
    #[serde(flatten)]
    pub(crate) spot: Spot,
    /// The line.
    pub(crate) text: String,
}

/// What calls a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CallerKind {
    /// cron, anacron, periodic.
    Cron,
    /// What rotates logs.
    Logs,
    /// What runs when a network comes or goes.
    Network,
    /// Another legacy script.
    Script,
    /// Anything else of the machine.
    Other,
    /// What a package runs when it is installed or removed.
    Package,
}

impl CallerKind {
    /// The word for people.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Cron => "cron",
            Self::Logs => "log rotation",
            Self::Network => "network hook",
            Self::Script => "script",
            Self::Other => "other",
            Self::Package => "package",
        }
    }
}

/// Looks at everything below `root`.
pub(crate) fn survey(root: &Path) -> Inventory {
    let options = Options::from_outside(root);
    let root = Root::new(&options.root);
    let mut found = scripts::find(&options, &root);
    let processes = running::Table::read(&root);
    let units = Units::read(&root);
    let mut links = enabled::Links::default();
    for script in &mut found {
        if !script.entry.what.is_service() {
            continue;
        }
        script.entry.boot = enabled::boot(script, &root, &mut links);
        script.entry.running = processes.daemon_of(script);
        script.entry.systemd = systemd_fate(&units, script);
        script.entry.adoption = adoption::verdict(script, &options, &root);
        script.entry.missing =
            script.entry.programs.iter().filter(|program| adoption::is_missing(program, &root)).cloned().collect();
    }
    callers::find(&mut found, &root);
    let mut scripts: Vec<Entry> = found.into_iter().map(|script| script.entry).collect();
    scripts.sort_by(|one, other| {
        let key = |entry: &Entry| (!entry.what.is_service(), entry.name.clone(), entry.file.clone());
        key(one).cmp(&key(other))
    });
    Inventory { root: root.shown(), scripts, order: Order::new(loader::look(&options)) }
}

/// What systemd makes of a script.
fn systemd_fate(units: &Units, found: &scripts::Found) -> Systemd {
    if !found.directory.ends_with("init.d") {
        return Systemd::None;
    }
    match units.of(&found.entry.name).cloned() {
        Some(Unit { file, masked: true }) => Systemd::Masked { file },
        Some(Unit { file, masked: false }) => Systemd::Unit { file },
        None => Systemd::Dropped { was_started: was_started(&found.entry.boot) },
    }
}

/// The generator of release 259 and before looked at the start links of runlevels 2 to 5 only.
fn was_started(boot: &Boot) -> bool {
    let level = |file: &str| ["/rc2.d/", "/rc3.d/", "/rc4.d/", "/rc5.d/"].iter().any(|level| file.contains(level));
    boot.at.iter().any(|spot| level(&spot.file))
}
