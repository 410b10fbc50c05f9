//! The files of the legacy directories, each read and classed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use svc_compat::script::{self, Script, Style, why_not};
use svc_compat::shell::Shell;
use svc_core::service::Dialect;
use svc_platform::files;
use svc_platform::root::Root;

use super::{Entry, Fault, Spot, What};
use crate::daemon::Options;

/// As much of a script is read as svcd would read.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Directories of scripts that svcd looks into only on some systems.
const MORE: [&str; 2] = ["usr/local/etc/rc.d", "etc/rc.d/init.d"];

/// A script while it is looked at.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) entry: Entry,
    /// Where the file is from here.
    pub(super) path: PathBuf,
    /// The directory of the machine that it was found in.
    pub(super) directory: PathBuf,
    pub(super) text: Vec<u8>,
    pub(super) script: Script,
    /// Why it could not be read.
    pub(super) unreadable: Option<String>,
}

/// Everything in the legacy directories.
pub(super) fn find(options: &Options, root: &Root) -> Vec<Found> {
    let more = MORE.iter().map(|dir| options.root.join(dir));
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for directory in options.legacy.iter().cloned().chain(more) {
        // One of these is often a link to another.
        let Ok(real) = directory.canonicalize() else { continue };
        if !seen.insert(real) {
            continue;
        }
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| !path.is_dir());
        paths.sort();
        found.extend(paths.into_iter().map(|path| look(&path, &directory, root)));
    }
    let sourced: BTreeSet<String> = found.iter().flat_map(|one| one.script.sources.iter().cloned()).collect();
    found.iter_mut().for_each(|one| class(one, &sourced));
    found
}

fn look(path: &Path, directory: &Path, root: &Root) -> Found {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let file = root.within(path);
    let target = root.resolve(&file);
    let read = match &target {
        Some(target) => files::read_regular(target, FILE_BYTES_MAX).map_err(|error| error.to_string()),
        None => Err(format!("{file}: a link that leads nowhere")),
    };
    let (text, unreadable) = match read {
        Ok(text) => (text, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let script = script::read_sourcing(&name, &text, &mut |sourced| root.text(sourced, FILE_BYTES_MAX));
    let fault = |line: u32, text: &str| Fault { spot: Spot { file: file.clone(), line }, text: text.to_owned() };
    let entry = Entry {
        instance_of: instance_of(path, target.as_deref()),
        dialect: script.dialect,
        description: script.description.clone(),
        programs: script.programs.clone(),
        // Of what could not be read, all that is known is that.
        faults: match &unreadable {
            Some(_) => Vec::new(),
            None => script.notes.iter().map(|note| fault(note.line, &note.text)).collect(),
        },
        name,
        file,
        ..Entry::default()
    };
    Found { entry, path: path.to_owned(), directory: directory.to_owned(), text, script, unreadable }
}

/// The script beside it that a link stands for.
fn instance_of(path: &Path, target: Option<&Path>) -> Option<String> {
    let target = target.filter(|_| path.is_symlink())?;
    let same_place = target.parent()?.canonicalize().ok()? == path.parent()?.canonicalize().ok()?;
    let name = target.file_name()?.to_str()?;
    (same_place && path.file_name()? != name).then(|| name.to_owned())
}

fn class(found: &mut Found, sourced: &BTreeSet<String>) {
    let script = &found.script;
    let entry = &mut found.entry;
    (entry.what, entry.why) = if let Some(why) = why_not(&entry.name) {
        (if why.starts_with("functions") { What::Library } else { What::NoService }, why.to_owned())
    } else if found.unreadable.is_none() && found.text.is_empty() {
        (What::NoService, "an empty file".to_owned())
    } else if is_library(script, sourced, &entry.file) {
        (What::Library, "functions for other scripts: they source it".to_owned())
    } else if is_milestone(script, &found.text) {
        (What::Milestone, String::new())
    } else if script.daemon {
        (What::Service, String::new())
    } else {
        (What::OneShot, String::new())
    };
    if !entry.what.is_service() {
        entry.faults.clear();
    }
}

fn is_library(script: &Script, sourced: &BTreeSet<String>, file: &str) -> bool {
    script.style == Style::Own && script.verbs.is_empty() && script.provides.is_empty() && sourced.contains(file)
}

/// rc.d has scripts without a command, for others to wait for.
fn is_milestone(script: &Script, text: &[u8]) -> bool {
    script.dialect == Dialect::Rcd && Shell::read(text).commands.is_empty()
}
