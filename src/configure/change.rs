//! All files of a service in one step: each has its new content, or every one its old.
//!
//! The new content and a second name for the old lie beside each file before the first is replaced, so that neither
//! the step nor its way back needs space. What was begun is in a journal; who finds one after a crash goes back.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use svc_platform::files;
use svc_platform::place::{Content, Place};

use super::fault::{ConfigureError, system};
use super::places::{Places, TEXT_BYTES_MAX};

/// One file that is to be made, changed or removed.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// Where it is.
    pub(crate) place: Place,
    /// As it was found; `None`: not there.
    pub(crate) old: Option<Content>,
    /// As it will be; `None`: not there.
    pub(crate) new: Option<Content>,
}

/// What was begun.
#[derive(Debug, Serialize, Deserialize)]
struct Journal {
    phase: Phase,
    files: Vec<Begun>,
    /// What is kept of the old files once this is done: as it is written first, and its name.
    kept: Option<(PathBuf, PathBuf)>,
}

/// How far it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Phase {
    /// New content is laid beside the files.
    Preparing,
    /// All of it is there; files are replaced.
    Replacing,
    /// All are replaced; what lies beside them is swept away.
    Done,
}

#[derive(Debug, Serialize, Deserialize)]
struct Begun {
    /// Below the root.
    path: PathBuf,
    existed: bool,
    remains: bool,
}

/// The names that lie beside a file meanwhile.
fn fresh(place: &Place) -> Place {
    marked(place, ".svc-new")
}

fn saved(place: &Place) -> Place {
    marked(place, ".svc-old")
}

fn marked(place: &Place, mark: &str) -> Place {
    // Hidden, and with an end of its own, so that no `*.conf` takes it in.
    let mut name = std::ffi::OsString::from(".");
    name.push(place.name());
    name.push(mark);
    place.beside(name)
}

/// Makes all of these changes or none. `kept` is put in place with them.
///
/// # Errors
///
/// The system's own. Every file is as it was then; if even that fails, the next call goes on with it, and it is said.
pub(crate) fn commit(places: &Places, changes: &[Change], kept: Option<(&Path, &[u8])>) -> Result<(), ConfigureError> {
    let begun = |change: &Change| Begun {
        path: places.inside(&change.place.path()).to_path_buf(),
        existed: change.old.is_some(),
        remains: change.new.is_some(),
    };
    let names = kept.map(|(path, _)| (path.with_extension("kept-new"), path.to_path_buf()));
    let files = changes.iter().map(begun).collect();
    let mut journal = Journal { phase: Phase::Preparing, files, kept: names };
    let done = attempt(places, &mut journal, changes, kept.map(|(_, bytes)| bytes));
    match done {
        Ok(()) => sweep(places, &journal).map_err(system("clearing up after the change")),
        Err(error) => match go_back(places, &journal) {
            Ok(()) => Err(error),
            Err(second) => {
                let both = format!("{error}; and going back: {second}; run svc configure again once this is repaired");
                Err(system("replacing files")(io::Error::other(both)))
            }
        },
    }
}

fn attempt(
    places: &Places,
    journal: &mut Journal,
    changes: &[Change],
    kept: Option<&[u8]>,
) -> Result<(), ConfigureError> {
    let preparing = system("preparing");
    write(places, journal).map_err(&preparing)?;
    if let (Some((path, _)), Some(bytes)) = (&journal.kept, kept) {
        files::replace(path, bytes, 0o600).map_err(&preparing)?;
    }
    for change in changes {
        if let Some(new) = &change.new {
            fresh(&change.place).create(new).map_err(&preparing)?;
        }
        if let Some(old) = &change.old {
            save(&change.place, old).map_err(&preparing)?;
        }
        change.place.sync_directory().map_err(&preparing)?;
    }
    journal.phase = Phase::Replacing;
    write(places, journal).map_err(&preparing)?;
    let replacing = system("replacing");
    for change in changes {
        // Somebody may have edited it since it was read: that must not be lost unseen.
        if change.place.read(TEXT_BYTES_MAX).map_err(&replacing)? != change.old {
            let text = format!("{} was changed by somebody else meanwhile; try again", change.place.path().display());
            return Err(replacing(io::Error::other(text)));
        }
        match change.new {
            Some(_) => fresh(&change.place).rename(&change.place),
            None => change.place.remove(),
        }
        .map_err(&replacing)?;
    }
    for change in changes {
        change.place.sync_directory().map_err(&replacing)?;
    }
    journal.phase = Phase::Done;
    write(places, journal).map_err(&replacing)
}

/// Keeps the old file under another name; where the file system has no links, a copy of it.
fn save(place: &Place, old: &Content) -> io::Result<()> {
    match place.link(&saved(place)) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        Err(_) => saved(place).create(old),
    }
}

/// Puts every file back, and takes away what lies beside them.
fn go_back(places: &Places, journal: &Journal) -> io::Result<()> {
    for begun in &journal.files {
        let place = places.find(&begun.path)?;
        let (fresh, saved) = (fresh(&place), saved(&place));
        let gone = if begun.remains { !fresh.exists()? } else { !place.exists()? };
        match (journal.phase == Phase::Replacing && gone, begun.existed) {
            (true, true) if saved.exists()? => saved.rename(&place)?,
            (true, false) => place.remove()?,
            // It was not replaced, or is back already.
            (true, true) | (false, _) => {}
        }
        // To rename a file over another name of itself leaves both.
        saved.remove()?;
        fresh.remove()?;
        place.sync_directory()?;
    }
    if let Some((fresh, _)) = &journal.kept {
        absent_is_well(fs::remove_file(fresh))?;
    }
    forget(places)
}

/// Ends what is done.
fn sweep(places: &Places, journal: &Journal) -> io::Result<()> {
    if let Some((fresh, kept)) = &journal.kept {
        absent_is_well(fs::rename(fresh, kept))?;
    }
    for begun in &journal.files {
        let place = places.find(&begun.path)?;
        saved(&place).remove()?;
        fresh(&place).remove()?;
    }
    forget(places)
}

/// Ends what a call began that did not come to its end. Gives the files that were put back.
///
/// # Errors
///
/// The system's own; a journal that cannot be read is put aside and said.
pub(crate) fn repair(places: &Places) -> Result<Vec<String>, ConfigureError> {
    let repairing = system("ending what an earlier configure began");
    let path = places.state.join("journal");
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(repairing(error)),
    };
    let journal: Journal = serde_json::from_slice(&text).map_err(|error| {
        repairing(io::Error::other(format!("{}: {error}; look at it, and remove it", path.display())))
    })?;
    if journal.phase == Phase::Done {
        sweep(places, &journal).map_err(&repairing)?;
        return Ok(Vec::new());
    }
    go_back(places, &journal).map_err(&repairing)?;
    let names = journal.files.iter().map(|begun| Path::new("/").join(&begun.path).display().to_string());
    Ok(if journal.phase == Phase::Replacing { names.collect() } else { Vec::new() })
}

fn write(places: &Places, journal: &Journal) -> io::Result<()> {
    let text = serde_json::to_vec(journal).map_err(io::Error::other)?;
    files::replace(&places.state.join("journal"), &text, 0o600)
}

fn forget(places: &Places) -> io::Result<()> {
    absent_is_well(fs::remove_file(places.state.join("journal")))?;
    fs::File::open(&places.state)?.sync_all()
}

fn absent_is_well(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
