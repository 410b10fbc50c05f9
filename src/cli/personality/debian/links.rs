//! The directories of links, kept in the order of the scripts' headers as insserv(8) keeps them.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

pub(super) use svc_compat::order::insserv::Deed;
use svc_compat::order::insserv::{Edit, File, Installed, Linked, rearrange};
use svc_platform::files;

use super::super::rcconf::{below, root};
use super::super::script;
use crate::cli::order::insserv::{Overrides, scripts, written};
use crate::daemon::loader::scripts::facilities;

/// A script longer than this is not read; the header is at its start.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
const DIRECTORY: &str = "/etc/init.d";

/// Whether links are in the order of the headers on this machine, and not all of one number.
pub(super) fn is_in_charge() -> bool {
    below("/etc/insserv.conf").exists()
}

/// An entry of a directory of links, with what it leads to.
struct Entry {
    level: char,
    name: String,
    target: Option<String>,
    text: Option<Vec<u8>>,
}

/// Brings the links into order and returns insserv's exit code.
pub(super) fn sort(deed: &Deed<'_>) -> u8 {
    match try_sort(deed) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("insserv: {error}");
            1
        }
    }
}

fn try_sort(deed: &Deed<'_>) -> io::Result<u8> {
    let overrides = Overrides::of(&root());
    let mut texts = Vec::new();
    for path in scripts(&below(DIRECTORY)) {
        let Some(name) = path.file_name().and_then(OsStr::to_str) else { continue };
        texts.push((name.to_owned(), overrides.text(name, read(&path))));
    }
    let named = match deed {
        Deed::Add(name) | Deed::Remove(name) => Some(*name),
        Deed::Nothing => None,
    };
    let passed_over = named.filter(|name| !texts.iter().any(|(known, _)| known == name));
    let passed_over = passed_over.map(|name| {
        let text = overrides.text(name, read(&below(&format!("{DIRECTORY}/{name}"))));
        (name, text, why_passed_over(name))
    });
    let entries = entries(&overrides)?;
    let machine = Installed {
        directory: &texts.iter().map(|(name, text)| File { name, text }).collect::<Vec<_>>(),
        links: &entries.iter().map(Entry::linked).collect::<Vec<_>>(),
        passed_over: passed_over.as_ref().map(|(name, text, why)| (File { name, text }, why.as_str())),
        facilities: &facilities(&root()),
    };
    let (answer, edits) = rearrange(machine, *deed);
    for message in &answer.messages {
        eprintln!("insserv: {message}");
    }
    for edit in &edits {
        carry_out(edit)?;
    }
    if answer.exit != 0 {
        return Ok(u8::try_from(answer.exit).unwrap_or(1));
    }
    for (file, text) in [
        (".depend.boot", written(&answer.boot, true)),
        (".depend.start", written(&answer.start, true)),
        (".depend.stop", written(&answer.stop, false)),
    ] {
        let lines: String = text.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
        files::replace(&below(&format!("{DIRECTORY}/{file}")), lines.as_bytes(), 0o644)?;
    }
    Ok(0)
}

impl Entry {
    fn linked(&self) -> Linked<'_> {
        let Self { level, name, target, text } = self;
        Linked { level: *level, name, target: target.as_deref(), text: text.as_deref() }
    }
}

fn read(path: &Path) -> Vec<u8> {
    // What cannot be read has no header, and is told to have none.
    files::read_regular(path, FILE_BYTES_MAX).unwrap_or_default()
}

/// All links, and a directory for each level.
fn entries(overrides: &Overrides) -> io::Result<Vec<Entry>> {
    let mut found = Vec::new();
    for level in "0123456S".chars() {
        let directory = directory(level);
        if !directory.is_dir() {
            fs::create_dir(&directory)?;
            fs::set_permissions(&directory, fs::Permissions::from_mode(0o755))?;
        }
        for entry in fs::read_dir(&directory)? {
            let path = entry?.path();
            let Some(name) = path.file_name().and_then(OsStr::to_str).map(str::to_owned) else { continue };
            let last = |path: &Path| path.file_name().and_then(OsStr::to_str).map(str::to_owned);
            let target = fs::read_link(&path).ok().and_then(|target| last(&target));
            let end = path.canonicalize().ok();
            let text = end.map(|end| {
                let script = last(&end).unwrap_or_default();
                overrides.text(&script, read(&end))
            });
            found.push(Entry { level, name, target, text });
        }
    }
    Ok(found)
}

fn directory(level: char) -> PathBuf {
    below(&format!("/etc/rc{level}.d"))
}

fn carry_out(edit: &Edit) -> io::Result<()> {
    match edit {
        Edit::Remove { level, name } => fs::remove_file(directory(*level).join(name)),
        Edit::Make { level, name, script } => symlink(format!("../init.d/{script}"), directory(*level).join(name)),
    }
}

/// What insserv says of a named script that it does not take.
fn why_passed_over(name: &str) -> String {
    let path = below(&format!("{DIRECTORY}/{name}"));
    let target = fs::read_link(&path).ok();
    match target {
        Some(target) if target.components().count() == 1 => {
            format!("script {name} is a symlink to another script, skipped!")
        }
        Some(_) if !script::is_executable(&path) => {
            format!("script {name} is not an executable regular file, will be skipped in boot sequence!")
        }
        None if !script::is_executable(&path) => {
            format!("script {name} is not an executable file, will be skipped in boot sequence!")
        }
        Some(_) | None => format!("script name {name} is not valid, skipped!"),
    }
}
