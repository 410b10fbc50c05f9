//! Scripts and links as chkconfig sees them.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use svc_compat::header::redhat::{self, Partial, Reading, Refusal};
use svc_platform::files;

use super::super::rcconf::below;
use super::super::script;

/// A script longer than this is not read.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A script, and where it is on.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) name: String,
    pub(super) reading: Reading,
    /// The levels in which it starts, as bits.
    pub(super) current: u32,
}

/// Why there is nothing to read.
#[derive(Debug)]
pub(super) enum No {
    Unsupported,
    Fault(io::Error),
}

/// The end, with its code; why was told.
#[derive(Debug)]
pub(super) struct End(pub(super) u8);

/// A link of a script.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) path: PathBuf,
    pub(super) kind: char,
    pub(super) number: i32,
}

/// A script with what the administrator's file says instead.
pub(super) fn read(name: &str) -> Result<Result<Script, No>, End> {
    let mut reading = match own(name) {
        Ok(reading) => reading,
        Err(no) => return Ok(Err(no)),
    };
    if let Some(other) = instead(name) {
        overlay(&mut reading, other);
    }
    let current = levels(name)?;
    Ok(Ok(Script { name: name.to_owned(), reading, current }))
}

/// What the script itself says.
pub(super) fn own(name: &str) -> Result<Reading, No> {
    // What a directory answers to who maps it, and what a name that is none answers.
    let odd = if name.is_empty() { 19 } else { 2 };
    let path = script::path(name).ok_or_else(|| No::Fault(io::Error::from_raw_os_error(odd)))?;
    let missing = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => No::Fault(io::Error::from_raw_os_error(2)),
        _ => No::Fault(error),
    };
    let text = files::read_regular(&path, FILE_BYTES_MAX).map_err(missing)?;
    redhat::read(name, &text).map_err(|refusal| match refusal {
        Refusal::Unsupported => No::Unsupported,
        Refusal::Empty => No::Fault(io::Error::from_raw_os_error(22)),
    })
}

/// The administrator's file for a script.
pub(super) fn instead(name: &str) -> Option<Partial> {
    let text = files::read_regular(&below(&format!("/etc/chkconfig.d/{name}")), FILE_BYTES_MAX).ok()?;
    redhat::partial(&text)
}

/// Puts what is written there in place of what the script says. What is not written there stays as it is.
pub(super) fn overlay(reading: &mut Reading, other: Partial) {
    let Partial { levels, start, stop, lsb, required_start, required_stop, should_start, should_stop, provides } =
        other;
    reading.levels = levels.unwrap_or(reading.levels);
    reading.start = start.unwrap_or(reading.start);
    reading.stop = stop.unwrap_or(reading.stop);
    reading.lsb |= lsb;
    let lists = [
        (&mut reading.required_start, required_start),
        (&mut reading.required_stop, required_stop),
        (&mut reading.should_start, should_start),
        (&mut reading.should_stop, should_stop),
        (&mut reading.provides, provides),
    ];
    for (mine, theirs) in lists {
        if !theirs.is_empty() {
            *mine = theirs;
        }
    }
}

/// Every script that supports chkconfig, as the directory gives them.
pub(super) fn all() -> Result<Vec<Script>, End> {
    let entries = fs::read_dir(below(script::SCRIPTS)).map_err(|error| {
        eprintln!("failed to open {}: {}", script::SCRIPTS, script::plain(&error));
        End(1)
    })?;
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let left_behind = [".rpmsave", ".rpmnew", ".rpmorig", ".swp", "~", ","];
        let is_script = !name.starts_with('.') && !left_behind.iter().any(|end| name.ends_with(end));
        if is_script
            && entry.path().is_file()
            && let Ok(script) = read(&name)?
        {
            found.push(script);
        }
    }
    Ok(found)
}

/// The links of a script in a level, as the directory gives them.
pub(super) fn links(name: &str, level: u32) -> Result<Vec<Link>, End> {
    let directory = format!("/etc/rc{level}.d");
    let entries = fs::read_dir(below(&directory)).map_err(|error| {
        eprintln!("failed to glob pattern {directory}/[SK][0-9][0-9]{name}: {}", script::plain(&error));
        End(1)
    })?;
    let links = entries.flatten().filter_map(|entry| {
        let file = entry.file_name().into_string().ok().filter(|file| script::is_link_of(file, name))?;
        Some(Link { path: entry.path(), kind: file.chars().next()?, number: file[1..3].parse().ok()? })
    });
    Ok(links.collect())
}

/// Whether a script starts in a level.
pub(super) fn is_on(name: &str, level: u32) -> Result<bool, End> {
    Ok(links(name, level)?.first().is_some_and(|link| link.kind == 'S'))
}

fn levels(name: &str) -> Result<u32, End> {
    let mut bits = 0;
    for level in 0..7 {
        bits |= u32::from(is_on(name, level)?) << level;
    }
    Ok(bits)
}

pub(super) fn remove(name: &str, level: u32) -> Result<(), End> {
    for link in links(name, level)? {
        // One that is gone meanwhile is what is wanted.
        let _ = fs::remove_file(link.path);
    }
    Ok(())
}

/// Makes the one link that a script has in a level.
pub(super) fn set(script: &Script, level: u32, on: bool) -> Result<u8, End> {
    let Script { name, reading, .. } = script;
    remove(name, level)?;
    let (kind, number) = if on { ('S', reading.start) } else { ('K', reading.stop) };
    let path = format!("/etc/rc{level}.d/{kind}{number:02}{name}");
    match symlink(format!("../init.d/{name}"), below(&path)) {
        Ok(()) => Ok(0),
        Err(error) => {
            eprintln!("failed to make symlink {path}: {}", script::plain(&error));
            Ok(1)
        }
    }
}
