//! Legacy scripts: each one is a service of kind `script`, enabled and ordered as its own system says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use svc_compat::facility::Facilities;
use svc_compat::library;
use svc_compat::order::boot::takes_part;
use svc_compat::rcconf::{line_of, says, value_in};
use svc_compat::script::{self, Script};
use svc_compat::shim;
use svc_core::Name;
use svc_core::definition;
use svc_core::service::{Dialect, Enabled, Kind, Service, Setting};
use svc_platform::host;
use svc_platform::root::Root;

use super::links::{self, Link};
use super::native::{Store, look_up_access, look_up_verbs, settle, sources, texts};
use super::runlevels::Runlevels;
use super::stages::{self, Stage};
use super::units::{self, Units};
use super::{FILE_BYTES_MAX, Loading, Trust, neighbours, rcconf, serial, settings, text_of};
use crate::daemon::options::Options;

/// A script that was read, until its order is known.
pub(super) struct Read {
    pub(super) service: Service,
    pub(super) script: Script,
    pub(super) links: Vec<Link>,
    /// When a boot starts it, by its links.
    pub(super) stage: Option<Stage>,
    /// The line on which it says itself whether rc.subr gives it a jail, and what it says there.
    own_jail: Option<(usize, String)>,
    /// rc(8) would call it: of local scripts only those that say what they provide.
    takes_part: bool,
}

/// Reads all legacy directories. A native definition of the same name comes before a script.
pub(super) fn read_all(store: &Store, loading: &mut Loading<'_>) {
    // One of these directories is often a link to another.
    let dirs: Vec<PathBuf> = loading.options.legacy.iter().filter_map(|dir| dir.canonicalize().ok()).collect();
    let files = dirs.iter().flat_map(|dir| scripts(dir)).collect();
    read_these(files, store, loading);
}

/// Reads these files; of several with one name the first.
pub(super) fn read_these(files: Vec<PathBuf>, store: &Store, loading: &mut Loading<'_>) {
    let mut found: BTreeMap<Name, Read> = BTreeMap::new();
    let mut all_links: BTreeMap<PathBuf, BTreeMap<String, Vec<Link>>> = BTreeMap::new();
    let runlevels = Runlevels::read(&loading.options.root);
    for path in files {
        let Some(file_name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if let Some(why) = script::why_not(file_name) {
            loading.image.not_services.insert(file_name.to_owned(), why.to_owned());
            continue;
        }
        let name = match Name::new(file_name) {
            Ok(name) => name,
            Err(error) => {
                loading.fault(file_name, format!("{}: {error}", path.display()));
                continue;
            }
        };
        if loading.services.contains_key(&name) || found.contains_key(&name) {
            continue;
        }
        match text_of(&path, loading.trust) {
            // Without its definition it would be a service that asks svcd for itself.
            Ok(text) if shim::is_shim(&text) => {
                let why = "it is a shim of svc's for a definition that is not there".to_owned();
                loading.image.not_services.insert(file_name.to_owned(), why);
            }
            Ok(text) => {
                let etc = Options::links_of(path.parent().unwrap_or(&path));
                let links = all_links.entry(etc).or_insert_with_key(|etc| links::read(etc));
                let links = links.get(file_name).cloned().unwrap_or_default();
                let mut read = read(name.clone(), &path, &text, links, loading);
                if let Some(runlevels) = &runlevels {
                    settle_runlevel(&mut read, runlevels);
                }
                found.insert(name, read);
            }
            Err(fault) => loading.fault(file_name, fault),
        }
    }
    loading.serial = settle_rc_conf(&mut found, loading) && loading.options.first;
    settle_settings(&mut found, loading);
    // Who only looks wants to know what would be without systemd.
    let root = Root::new(&loading.options.root);
    let is_asked = loading.trust == Trust::Owners && !loading.options.first;
    let units = if is_asked { Units::at_work(&root) } else { None };
    if let Some(units) = &units {
        units::settle(&mut found, units, &root);
    }
    let facilities = facilities(&loading.options.root);
    neighbours::order(&mut found, &facilities, loading);
    if let Some(units) = &units {
        units::note(&mut found, units);
    }
    let staged = found.iter().filter_map(|(name, read)| Some((name.clone(), read.stage?))).collect();
    for (name, read) in found {
        if let Some(service) = refined(read.service, store, loading) {
            loading.services.insert(name, service);
        }
    }
    stages::order(&mut loading.services, &staged);
}

/// Where OpenRC has runlevels they say what a boot starts of its scripts, and the links of System V do not.
fn settle_runlevel(read: &mut Read, runlevels: &Runlevels) {
    let Kind::Script(script) = &mut read.service.kind else { return };
    if script.dialect != Dialect::Openrc {
        return;
    }
    let links = runlevels.of(read.service.name.as_str());
    let shown = |path: &PathBuf| path.to_string_lossy().into_owned();
    script.links = links.iter().map(|(_, path)| shown(path)).collect();
    read.stage = links.first().map(|(stage, _)| *stage);
    let origin = script.links.first().cloned().unwrap_or_default();
    read.service.enabled = Enabled { on: read.stage.is_some(), origin };
}

/// Where there is an rc.subr, of the machine or lent, rc.conf and no link enables the scripts of its world. Gives
/// whether a boot starts them one after the other.
fn settle_rc_conf(found: &mut BTreeMap<Name, Read>, loading: &mut Loading<'_>) -> bool {
    let places = rcconf::Places::of(loading.options);
    let reads = found.values_mut().filter(|read| rcconf::concerns(&read.script));
    let mut reads: Vec<&mut Read> = reads.filter(|read| places.have_library() || is_lent_rc_subr(read)).collect();
    let scripts: Vec<Script> = reads.iter().map(|read| read.script.clone()).collect();
    let scripts: Vec<&Script> = scripts.iter().collect();
    if scripts.is_empty() {
        return false;
    }
    let settings = rcconf::Settings::of(places, &scripts, loading.trust);
    loading.image.notes.extend(settings.faults.iter().cloned());
    let parallel = settings.parallel;
    loading.image.divider.clone_from(&settings.divider);
    loading.passed_over.clone_from(&settings.passed_over);
    for (read, (rc_conf, enabled, settings)) in reads.iter_mut().zip(settings.each(&scripts)) {
        read.service.enabled = if read.takes_part { enabled } else { without_provide(&read.script) };
        let note = overruled(read, &rc_conf.name, &settings);
        loading.image.notes.extend(note.clone());
        if let Kind::Script(script) = &mut read.service.kind {
            script.rc_conf = Some(rc_conf);
            script.notes.extend(note);
        }
        read.service.settings = settings;
    }
    !parallel
}

fn without_provide(script: &Script) -> Enabled {
    Enabled { on: false, origin: format!("{}: without a PROVIDE line rc(8) passes over it", script.name) }
}

/// What is to be said where rc.conf asks for a service jail or against one, and the script has the last word on it.
fn overruled(read: &Read, name: &str, settings: &[Setting]) -> Option<String> {
    let (line, own) = read.own_jail.as_ref()?;
    let variable = format!("{name}_svcj");
    let asked = settings.iter().find(|setting| setting.name == variable)?;
    let file = read.service.files.first()?;
    (says(own) != says(&asked.value)).then(|| {
        let Setting { value, origin, .. } = asked;
        format!("{file}:{line}: sets {variable} to {own} itself, so that `{value}` of {origin} has no effect")
    })
}

/// What other scripts read of their own configuration.
fn settle_settings(found: &mut BTreeMap<Name, Read>, loading: &Loading<'_>) {
    let sources: Vec<&[String]> = found.values().map(|read| read.script.sources.as_slice()).collect();
    let all = settings::of(&sources, &loading.options.root, loading.trust);
    for (read, settings) in found.values_mut().zip(all) {
        read.service.settings.extend(settings);
    }
}

fn is_lent_rc_subr(read: &Read) -> bool {
    let Kind::Script(script) = &read.service.kind else { return false };
    script.libraries.iter().any(|path| path == library::RC_SUBR.path)
}

fn scripts(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| !path.is_dir()).collect();
    paths.sort();
    paths
}

fn read(name: Name, path: &Path, text: &[u8], links: Vec<Link>, loading: &Loading<'_>) -> Read {
    let mut libraries: BTreeSet<&str> = library::named_in(text).into_iter().collect();
    let script = script::read_sourcing(name.as_str(), text, &mut |file| {
        let text = sourced(loading, file)?;
        libraries.extend(library::named_in(&text));
        Some(text)
    });
    let shown = path.to_string_lossy().into_owned();
    let enabling: Vec<&Link> = links::enabling(&links).collect();
    let enabled = match enabling.first() {
        Some(link) => Enabled { on: true, origin: link.path.clone() },
        None => Enabled { on: false, origin: links.first().map(|link| link.path.clone()).unwrap_or_default() },
    };
    let kind = svc_core::service::Script {
        dialect: script.dialect,
        daemon: script.daemon,
        pid_files: script.pid_files.clone(),
        programs: script.programs.clone(),
        verbs: script.verbs.clone(),
        links: enabling.iter().map(|link| link.path.clone()).collect(),
        rc_conf: None,
        unit: None,
        libraries: libraries.into_iter().map(str::to_owned).collect(),
        notes: script.notes.iter().map(|note| format!("{shown}:{}: {}", note.line, note.text)).collect(),
    };
    let mut service = Service::new(name, Kind::Script(Box::new(kind)));
    service.description = script.description.clone();
    service.command = command(path, text);
    service.enabled = enabled;
    service.leave_children = script.leaves_children();
    service.files = vec![shown];
    if fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o111 == 0) {
        let note = format!("{}: not executable: the system it is from would pass over it", service.files[0]);
        if let Kind::Script(script) = &mut service.kind {
            script.notes.push(note);
        }
    }
    let variable = format!("{}_svcj", script.rc_name.as_deref().unwrap_or(&script.name));
    let own_jail = line_of(text, &variable).zip(value_in(text, &variable));
    let takes_part = serial::is_base(loading, path) || takes_part(text);
    let stage = enabling.iter().map(|link| link.stage()).min();
    Read { service, script, links, stage, own_jail, takes_part }
}

/// Libraries say nothing of one script.
const LIBRARIES: [&str; 4] = ["init-functions", "functions", "functions.sh", "rc.subr"];

/// The text of a file that a script sources.
fn sourced(loading: &Loading<'_>, file: &str) -> Option<Vec<u8>> {
    let path = loading.options.root.join(file.strip_prefix('/')?);
    let is_library = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| LIBRARIES.contains(&name));
    if is_library { None } else { text_of(&path, loading.trust).ok() }
}

/// The kernel executes no text without `#!`; a shell does.
fn command(path: &Path, text: &[u8]) -> Vec<String> {
    let path = path.to_string_lossy().into_owned();
    let is_program = text.starts_with(b"#!") || text.starts_with(b"\x7fELF");
    if is_program { vec![path] } else { vec!["/bin/sh".into(), path] }
}

/// Lays drop-ins over a script's own facts.
fn refined(service: Service, store: &Store, loading: &mut Loading<'_>) -> Option<Service> {
    let name = service.name.clone();
    let paths = store.drop_ins(&name);
    if paths.is_empty() {
        return Some(service);
    }
    let texts = texts(&name, &paths, loading)?;
    let sources = sources(&texts);
    let mut service = settle(&name, definition::refine(host::SYSTEM, service, &sources), &sources, loading)?;
    look_up_verbs(&mut service);
    look_up_access(&mut service, loading);
    Some(service)
}

/// The machine's map of facilities. Where there is no insserv there is no insserv.conf, but packages still put files
/// beside it: Debian's map stands in for the main file only.
pub(crate) fn facilities(root: &Path) -> Facilities {
    let read = |path: &Path| svc_platform::files::read_regular(path, FILE_BYTES_MAX).ok();
    let mut map = match read(&root.join("etc/insserv.conf")) {
        Some(text) => {
            let mut map = Facilities::default();
            map.read(&text, &mut Vec::new());
            map
        }
        None => Facilities::debian(),
    };
    let entries = fs::read_dir(root.join("etc/insserv.conf.d"));
    let mut files: Vec<PathBuf> = entries.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    files.iter().filter_map(|path| read(path)).for_each(|text| map.read(&text, &mut Vec::new()));
    map
}
