//! The systemd units beside scripts: what has one is systemd's, where that is at work.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use svc_compat::header::systemd;
use svc_compat::text::decode;
use svc_core::Name;
use svc_core::service::{Enabled, Kind, Verb};
use svc_platform::root::Root;

use super::links;
use super::scripts::Read;
use super::stages::Stage;

const UNIT_BYTES_MAX: u64 = 256 * 1024;

/// Every service unit of a machine.
#[derive(Debug, Default)]
pub(crate) struct Units {
    units: BTreeMap<String, Unit>,
    /// Which unit says that it has this other name.
    aliases: BTreeMap<String, Unit>,
}

/// A unit beside a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    /// The file.
    pub(crate) file: String,
    /// It says that it is not to run.
    pub(crate) masked: bool,
}

impl Units {
    /// Those that people and packages wrote.
    pub(crate) fn read(root: &Root) -> Self {
        let mut units = Self::default();
        systemd::DIRECTORIES.iter().for_each(|directory| units.add(directory, root));
        units
    }

    /// All of a machine whose process 1 is systemd; `None` of another.
    pub(super) fn at_work(root: &Root) -> Option<Self> {
        if !root.below(systemd::AT_WORK).is_dir() {
            return None;
        }
        let mut units = Self::read(root);
        systemd::GENERATED.iter().for_each(|directory| units.add(directory, root));
        Some(units)
    }

    fn add(&mut self, directory: &str, root: &Root) {
        for entry in fs::read_dir(root.below(directory)).into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            if !name.ends_with(".service") {
                continue;
            }
            let file = format!("{directory}/{name}");
            let masked = is_masked(&entry.path(), &file, root);
            let unit = Unit { file, masked };
            if !masked {
                self.note_aliases(&unit, root);
            }
            self.units.entry(name).or_insert(unit);
        }
    }

    fn note_aliases(&mut self, unit: &Unit, root: &Root) {
        let Some(text) = root.text(&unit.file, UNIT_BYTES_MAX) else { return };
        for line in decode(&text).lines() {
            for alias in line.strip_prefix("Alias=").unwrap_or_default().split_whitespace() {
                self.aliases.entry(alias.to_owned()).or_insert_with(|| unit.clone());
            }
        }
    }

    /// The one that systemd takes in place of the script with this file name.
    pub(crate) fn of(&self, script: &str) -> Option<&Unit> {
        let name = systemd::unit_name(script);
        self.units.get(&name).or_else(|| self.aliases.get(&name))
    }
}

/// Verbs that are handed on: a daemon that its script started would be none of systemd's any more.
const HANDED_ON: [&str; 6] = ["start", "stop", "reload", "force-reload", "try-restart", "condrestart"];

/// What systemd starts is no business of our boot; and it never called what is in rcS.d alone.
///
/// Only scripts of `/etc/init.d` are meant: it never looked elsewhere, and other directories are somebody's choice.
pub(super) fn settle(found: &mut BTreeMap<Name, Read>, units: &Units, root: &Root) {
    let place = root.resolve("/etc/init.d");
    let systemctl = systemd::SYSTEMCTL.iter().find_map(|path| root.resolve(path));
    for (name, read) in found.iter_mut() {
        if Path::new(&read.service.files[0]).parent() != place.as_deref() {
            continue;
        }
        let Kind::Script(script) = &mut read.service.kind else { continue };
        let works = links::enabling(&read.links).find(|link| link.stage() == Stage::Work);
        let by = if let Some(unit) = units.of(name.as_str()) {
            script.unit = Some(unit.file.clone());
            if let Some(program) = &systemctl {
                read.service.verbs.extend(handed_on(program, &systemd::unit_name(name.as_str())));
            }
            let has = if unit.masked { "a mask" } else { "a unit" };
            format!("systemd, which has {has} for it: {}", unit.file)
        } else if works.is_none() && read.service.enabled.on {
            format!("systemd, which calls nothing of {}", read.service.enabled.origin)
        } else {
            read.stage = works.map(|_| Stage::Work);
            continue;
        };
        read.service.enabled = Enabled { on: false, origin: by };
        read.stage = None;
    }
}

fn handed_on(systemctl: &Path, unit: &str) -> impl Iterator<Item = (String, Verb)> {
    HANDED_ON.into_iter().map(move |verb| {
        let command = vec![systemctl.to_string_lossy().into_owned(), verb.to_owned(), unit.to_owned()];
        (verb.to_owned(), Verb { command, ..Verb::default() })
    })
}

/// Says of what our boot starts what it would have to wait for that systemd starts.
pub(super) fn note(found: &mut BTreeMap<Name, Read>, units: &Units) {
    // A definition of that name is ours, whatever units there are.
    let scripts: BTreeSet<Name> = found.keys().cloned().collect();
    for read in found.values_mut().filter(|read| read.service.enabled.on) {
        let Kind::Script(script) = &mut read.service.kind else { continue };
        for name in read.service.links.after.iter().filter(|name| scripts.contains(*name)) {
            let unit = units.of(name.as_str()).filter(|unit| !unit.masked);
            let Some(unit) = unit.and_then(|unit| unit.file.rsplit('/').next()) else { continue };
            script.notes.push(format!(
                "{}: comes after {name}, which systemd starts; to have it wait for that: systemctl edit svcd.service, \
                 with After={unit} below [Unit]",
                read.service.files[0]
            ));
        }
    }
}

/// A link to /dev/null, or an empty file.
fn is_masked(path: &Path, file: &str, root: &Root) -> bool {
    match fs::read_link(path) {
        Ok(target) => target == Path::new("/dev/null") || is_empty(file, root),
        Err(_) => is_empty(file, root),
    }
}

fn is_empty(file: &str, root: &Root) -> bool {
    root.resolve(file).and_then(|path| fs::metadata(path).ok()).is_some_and(|meta| meta.is_file() && meta.len() == 0)
}
