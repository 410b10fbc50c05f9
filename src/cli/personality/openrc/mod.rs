//! OpenRC's commands: runlevels are directories of links, states are directories of links.

mod deptree;
pub(super) mod service;
mod state;
pub(super) mod status;
pub(super) mod update;

use std::fs;
use std::path::{Path, PathBuf};

use svc_compat::runlevel::{BOOT, DIRECTORY as RUNLEVELS, SYSINIT};

use super::getopt::{Known, Options, Takes, option};
use super::manager::Manager;
use super::rcconf::{self, below};
use super::script;
use crate::daemon::loader::runlevels::Runlevels;

/// Where scripts are, in the order of a list; to find one the second place comes before the first.
const SCRIPTS: [&str; 3] = ["/etc/init.d", "/usr/etc/init.d", "/usr/local/etc/init.d"];
const STATES: &str = "/run/openrc";

/// Options of every command of OpenRC's.
const COMMON: [Known; 5] = [
    option("help", 'h', Takes::Nothing),
    option("nocolor", 'C', Takes::Nothing),
    option("version", 'V', Takes::Nothing),
    option("verbose", 'v', Takes::Nothing),
    option("quiet", 'q', Takes::Nothing),
];

/// What a command has of its own, and after it what every one has.
const fn with_common<const OWN: usize, const ALL: usize>(own: [Known; OWN]) -> [Known; ALL] {
    assert!(ALL == OWN + COMMON.len());
    let mut all = [COMMON[0]; ALL];
    let mut at = 0;
    while at < ALL {
        all[at] = if at < OWN { own[at] } else { COMMON[at - OWN] };
        at += 1;
    }
    all
}

/// The version whose answers these are.
const VERSION: &str = "0.45.2";

/// What every command of OpenRC's is told by its options.
#[derive(Clone, Copy, Debug)]
struct Manner {
    /// Once: nothing but errors; twice: nothing.
    quiet: u8,
    verbose: bool,
}

impl Manner {
    /// As the environment has it.
    fn inherited() -> Self {
        let quiet = u8::from(is_yes("EINFO_QUIET")) * if is_yes("EERROR_QUIET") { 2 } else { 1 };
        Self { quiet, verbose: is_yes("EINFO_VERBOSE") }
    }

    /// What a script of OpenRC's that is started sees of it.
    fn environment(self) -> Vec<(&'static str, &'static str)> {
        let all = [("EINFO_QUIET", self.quiet > 0), ("EERROR_QUIET", self.quiet > 1), ("EINFO_VERBOSE", self.verbose)];
        all.into_iter().filter(|(_, set)| *set).map(|(name, _)| (name, "YES")).collect()
    }

    fn info(self, text: &str) {
        if self.quiet == 0 {
            super::asker::say(&format!(" * {text}\n"));
        }
    }

    fn warning(self, text: &str) {
        if self.quiet == 0 {
            eprintln!(" * {text}");
        }
    }

    fn error(self, text: &str) {
        if self.quiet < 2 {
            eprintln!(" * {text}");
        }
    }
}

fn is_yes(variable: &str) -> bool {
    let value = std::env::var(variable).unwrap_or_default();
    ["yes", "y", "true", "on", "1"].iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// An option of a command: one of its own, by its letter, with its value.
enum Given<'a> {
    Own(char, Option<&'a str>),
    /// It was one of all commands, and is done.
    Done,
    /// The command ends.
    End(u8),
}

/// The next option; `None` when only words are left.
fn next<'a>(
    options: &mut Options<'a>,
    known: &[Known],
    help: &str,
    manner: &mut Manner,
    count: usize,
) -> Option<Given<'a>> {
    let (place, value) = match options.next() {
        Ok(found) => found?,
        Err(text) => {
            let called = std::env::args().next().unwrap_or_default();
            eprintln!("{called}: {text}");
            print!("{help}");
            return Some(Given::End(1));
        }
    };
    let letter = known[place].letter;
    match letter {
        'h' => {
            print!("{help}");
            return Some(Given::End(0));
        }
        // As the original: only where it is the whole command line.
        'V' if count == 1 => {
            println!("{} (OpenRC) {VERSION}", super::called_as("openrc"));
            return Some(Given::End(0));
        }
        'V' | 'C' => {}
        'v' => manner.verbose = true,
        'q' => manner.quiet = (manner.quiet + 1).min(2),
        letter => return Some(Given::Own(letter, value)),
    }
    Some(Given::Done)
}

/// The current runlevel.
fn current() -> String {
    let text = fs::read_to_string(below(STATES).join("softlevel")).unwrap_or_default();
    match text.lines().next().filter(|line| !line.is_empty()) {
        Some(line) => line.to_owned(),
        // svcd notes none: where it runs, a boot has gone through to the last.
        None if Manager::find().is_some() => {
            Runlevels::read(&rcconf::root()).map_or_else(|| SYSINIT.to_owned(), |levels| levels.work().to_owned())
        }
        None => SYSINIT.to_owned(),
    }
}

/// Whether there is a runlevel of this name. A path is none: what it leads to would be edited like one.
fn is_runlevel(name: &str) -> bool {
    let is_name = !name.is_empty() && name != "." && name != ".." && !name.contains('/');
    is_name && runlevel(name).is_dir()
}

fn runlevel(name: &str) -> PathBuf {
    below(RUNLEVELS).join(name)
}

/// Names in a directory, as it gives them.
fn list(directory: &str, wanted: impl Fn(&Path) -> bool) -> Vec<String> {
    let Ok(entries) = fs::read_dir(below(directory)) else { return Vec::new() };
    let found = entries.flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        (!name.starts_with('.') && wanted(&entry.path())).then_some(name)
    });
    found.collect()
}

fn is_service(path: &Path) -> bool {
    path.exists()
}

fn runlevels() -> Vec<String> {
    list(RUNLEVELS, Path::is_dir)
}

/// Every script.
fn services() -> Vec<String> {
    SCRIPTS.iter().flat_map(|place| list(place, is_service)).collect()
}

fn services_in(runlevel: &str) -> Vec<String> {
    if runlevel == "single" {
        return Vec::new();
    }
    list(&format!("{RUNLEVELS}/{runlevel}"), is_service)
}

fn base(service: &str) -> &str {
    service.rsplit('/').next().unwrap_or(service)
}

fn is_in(service: &str, level: &str) -> bool {
    runlevel(level).join(base(service)).exists()
}

/// The script that a name means.
fn resolve(service: &str) -> Option<PathBuf> {
    if service.starts_with('/') {
        return Some(PathBuf::from(service));
    }
    // A path to somewhere beside the scripts is none of their names.
    if service.contains('/') || service == "." || service == ".." {
        return None;
    }
    let links = ["started", "inactive"].map(|state| below(STATES).join(state).join(service));
    if let Some(target) = links.iter().find_map(|link| fs::read_link(link).ok()) {
        return Some(target);
    }
    let places = [SCRIPTS[2], SCRIPTS[0], SCRIPTS[1]];
    places.iter().map(|place| format!("{place}/{service}")).map(PathBuf::from).find(|path| place(path).exists())
}

/// Where a path of the system is.
fn place(path: &Path) -> PathBuf {
    below(&path.to_string_lossy())
}

/// Why a name is no service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum No {
    NotThere,
    NotExecutable,
}

fn exists(service: &str) -> Result<PathBuf, No> {
    let path = resolve(service).ok_or(No::NotThere)?;
    if !place(&path).exists() {
        return Err(No::NotThere);
    }
    if script::is_executable(&place(&path)) { Ok(path) } else { Err(No::NotExecutable) }
}
