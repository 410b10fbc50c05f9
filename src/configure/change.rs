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
    kept: (PathBuf, PathBuf),
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

/// One step on the way. What is half done after any of them can be put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Says how far we are.
    Write(Phase),
    /// Lays down what is kept of the old files.
    Keep,
    /// Lays the new content beside a file.
    Lay(usize),
    /// Gives the old content a second name.
    Save(usize),
    /// Puts the new content in place.
    Replace(usize),
    /// Makes the names in a file's directory safe on disk.
    Sync(usize),
}

/// All steps in their order.
fn steps(count: usize) -> Vec<Step> {
    let mut steps = vec![Step::Write(Phase::Preparing), Step::Keep];
    steps.extend((0..count).flat_map(|at| [Step::Lay(at), Step::Save(at), Step::Sync(at)]));
    steps.push(Step::Write(Phase::Replacing));
    steps.extend((0..count).flat_map(|at| [Step::Replace(at), Step::Sync(at)]));
    steps.push(Step::Write(Phase::Done));
    steps
}

/// Makes all of these changes or none. `kept` is put in place with them. Gives a remark on what is done all the same:
/// what lies beside the files could not be swept away, which the next call does.
///
/// # Errors
///
/// The system's own. Every file is as it was then; if even that fails, the next call goes on with it, and it is said.
pub(crate) fn commit(
    places: &Places,
    changes: &[Change],
    kept: (&Path, &[u8]),
) -> Result<Option<String>, ConfigureError> {
    // One journal has room for one change: that of the service before must have come to its end.
    repair(places)?;
    let mut work = Work::new(places, changes, kept);
    for step in steps(changes.len()) {
        let Err(error) = work.carry_out(step) else { continue };
        let doing = if work.journal.phase == Phase::Preparing { "preparing" } else { "replacing" };
        return Err(match go_back(places, &work.journal) {
            Ok(()) => system(doing)(error),
            Err(second) => {
                let both = format!("{error}; and going back: {second}; run svc configure again once this is repaired");
                system(doing)(io::Error::other(both))
            }
        });
    }
    let swept = sweep(places, &work.journal);
    Ok(swept.err().map(|error| format!("clearing up after the change: {error}; the next configure goes on with it")))
}

/// Changes under way.
struct Work<'a> {
    places: &'a Places,
    changes: &'a [Change],
    kept: &'a [u8],
    journal: Journal,
}

impl<'a> Work<'a> {
    fn new(places: &'a Places, changes: &'a [Change], (path, kept): (&Path, &'a [u8])) -> Self {
        let begun = |change: &Change| Begun {
            path: places.inside(&change.place.path()).to_path_buf(),
            existed: change.old.is_some(),
            remains: change.new.is_some(),
        };
        let files = changes.iter().map(begun).collect();
        let kept_names = (path.with_extension("kept-new"), path.to_path_buf());
        let journal = Journal { phase: Phase::Preparing, files, kept: kept_names };
        Self { places, changes, kept, journal }
    }

    fn carry_out(&mut self, step: Step) -> io::Result<()> {
        let changes = self.changes;
        match step {
            Step::Write(phase) => {
                // What cannot be written down has not been reached.
                let before = std::mem::replace(&mut self.journal.phase, phase);
                let text = serde_json::to_vec(&self.journal).map_err(io::Error::other)?;
                let written = files::replace(&self.places.state.join("journal"), &text, 0o600);
                written.inspect_err(|_| self.journal.phase = before)
            }
            Step::Keep => files::replace(&self.journal.kept.0, self.kept, 0o600),
            Step::Lay(at) => match &changes[at].new {
                Some(new) => fresh(&changes[at].place).create(new),
                None => Ok(()),
            },
            Step::Save(at) => match &changes[at].old {
                Some(old) => save(&changes[at].place, old),
                None => Ok(()),
            },
            Step::Replace(at) => replace(&changes[at]),
            Step::Sync(at) => changes[at].place.sync_directory(),
        }
    }
}

fn replace(change: &Change) -> io::Result<()> {
    // Somebody may have edited it since it was read: that must not be lost unseen.
    if change.place.read(TEXT_BYTES_MAX)? != change.old {
        let text = format!("{} was changed by somebody else meanwhile; try again", change.place.path().display());
        return Err(io::Error::other(text));
    }
    match change.new {
        Some(_) => fresh(&change.place).rename(&change.place),
        None => change.place.remove(),
    }
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
    absent_is_well(fs::remove_file(&journal.kept.0))?;
    forget(places)
}

/// Ends what is done.
fn sweep(places: &Places, journal: &Journal) -> io::Result<()> {
    absent_is_well(fs::rename(&journal.kept.0, &journal.kept.1))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn content(text: &str) -> Content {
        let (uid, gid) = (svc_platform::users::own_uid(), svc_platform::users::own_gid());
        Content { bytes: text.into(), uid, gid, mode: 0o600 }
    }

    /// A machine with two files; a third is to be made, and the second to go.
    fn machine(root: &Path) -> (Places, Vec<Change>) {
        let places = Places::bare(root);
        fs::create_dir_all(&places.state).unwrap();
        fs::create_dir(root.join("etc")).unwrap();
        let change = |name: &str, old: Option<&str>, new: Option<&str>| {
            let place = places.find(Path::new("/etc").join(name).as_path()).unwrap();
            let (old, new) = (old.map(content), new.map(content));
            old.iter().for_each(|old| place.create(old).unwrap());
            Change { place, old, new }
        };
        let changes = vec![
            change("changed", Some("old"), Some("new")),
            change("removed", Some("old"), None),
            change("made", None, Some("new")),
        ];
        (places, changes)
    }

    fn look(root: &Path) -> Vec<(String, String)> {
        let mut found: Vec<_> = fs::read_dir(root.join("etc"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
            .collect();
        found.sort();
        found
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn a_crash_after_any_step_leaves_all_or_nothing() {
        let count = steps(3).len();
        for crash in 0..=count {
            let directory = tempfile::tempdir().unwrap();
            let root = directory.path();
            let (places, changes) = machine(root);
            let kept = places.state.join("web.kept");
            let mut work = Work::new(&places, &changes, (&kept, b"older"));
            steps(3).into_iter().take(crash).for_each(|step| work.carry_out(step).unwrap());
            let back = repair(&places).unwrap();
            let (expected, is_kept) = match crash == count {
                true => (pairs(&[("changed", "new"), ("made", "new")]), true),
                false => (pairs(&[("changed", "old"), ("removed", "old")]), false),
            };
            assert_eq!((look(root), kept.exists()), (expected.clone(), is_kept), "after {crash} steps");
            assert_eq!(back.is_empty(), crash < 12 || crash == count, "after {crash} steps: {back:?}");
            assert_eq!(repair(&places).unwrap(), [""; 0], "it is repaired once");
            assert_eq!(look(root), expected);
        }
    }

    #[test]
    fn a_crash_while_going_back_is_repaired_too() {
        let directory = tempfile::tempdir().unwrap();
        let (places, changes) = machine(directory.path());
        let kept = places.state.join("web.kept");
        let mut work = Work::new(&places, &changes, (&kept, b"older"));
        let all = steps(3);
        all[..all.len() - 1].iter().for_each(|step| work.carry_out(*step).unwrap());
        let journal = fs::read(places.state.join("journal")).unwrap();
        for _ in 0..2 {
            repair(&places).unwrap();
            assert_eq!(look(directory.path()), pairs(&[("changed", "old"), ("removed", "old")]));
            fs::write(places.state.join("journal"), &journal).unwrap();
        }
    }

    #[test]
    fn what_somebody_else_writes_meanwhile_is_not_lost() {
        let directory = tempfile::tempdir().unwrap();
        let (places, changes) = machine(directory.path());
        fs::write(directory.path().join("etc/removed"), "edited").unwrap();
        let kept = places.state.join("web.kept");
        let error = commit(&places, &changes, (&kept, b"older")).unwrap_err().to_string();
        assert!(error.contains("etc/removed was changed by somebody else meanwhile"), "{error}");
        assert_eq!(look(directory.path()), pairs(&[("changed", "old"), ("removed", "edited")]));
        assert!(!kept.exists() && !places.state.join("journal").exists());
    }
}
