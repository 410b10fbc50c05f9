//! Definitions on their way into the places of scripts: staged, put in force one by one, taken back to the letter.
//!
//! Nothing is done in a way that a lost power could leave half: what stood there is kept first, then what is about to
//! happen is written down, then the new file takes its place in one step. Where things stand is read off the files.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use svc_core::Time;
use svc_platform::files;

use crate::convert::place::{self, Written};
use crate::daemon::Options;

/// Where definitions wait, beside the directory of those in force.
const STAGED: &str = "staged";
/// Definitions that stood where one was put, to the letter.
const BEFORE: &str = "before";
/// What was put where, a file each.
const SWITCHED: &str = "switched";
/// The directory of definitions was not there before.
const MADE: &str = "made-directory";
/// Nor was the one above it.
const MADE_ABOVE: &str = "made-above";
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// The main process of a service when its definition took the place of its script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Main {
    pub(crate) pid: i32,
    /// Together with the pid it is no other process.
    pub(crate) started: Time,
}

/// What is written down before a definition takes its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Of the text that is put there.
    sum: u64,
    /// The sum of what stood there, if something did.
    had: Option<u64>,
    /// What ran then.
    pub(crate) main: Option<Main>,
}

/// Where a service stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing was put in force.
    Before,
    /// The definition is in its place.
    Switched(Record),
    /// It was, and somebody has edited or removed it since.
    Edited(Record),
}

/// One step, whole or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// Keeps what stands there.
    Keep,
    /// Writes down what is about to happen.
    Note(Record),
    /// Puts the definition there.
    Put(String),
    /// Keeps what somebody wrote there among those that wait; one that somebody edited there goes aside.
    Save { text: Vec<u8>, aside: Option<PathBuf> },
    /// Puts back what was kept.
    Restore,
    /// Takes the definition away.
    Remove,
    /// Forgets what was written down.
    Forget,
}

/// The places of a machine's migration.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    dir: PathBuf,
    /// Where definitions are in force.
    target: PathBuf,
}

impl Stage {
    /// Where svcd with these options has its definitions; `None` where there is no such place.
    pub(crate) fn new(options: &Options) -> Option<Self> {
        let target = options.admin()?.to_path_buf();
        Some(Self { dir: target.parent()?.join(STAGED), target })
    }

    /// The definition that waits.
    pub(crate) fn staged(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.toml"))
    }

    /// The definition in force, if it is.
    pub(crate) fn target(&self, name: &str) -> PathBuf {
        self.target.join(format!("{name}.toml"))
    }

    /// Writes a definition that waits; one that somebody edited stays.
    pub(crate) fn stage(&self, name: &str, text: &str) -> Result<Written, String> {
        let is_first = self.dir.parent().is_some_and(|above| !above.exists());
        let written = place::write(&self.dir, name, text, false).map(|(_, written)| written)?;
        if is_first {
            let mark = self.dir.join(MADE_ABOVE);
            fs::write(&mark, "").map_err(|error| format!("{}: {error}", mark.display()))?;
        }
        Ok(written)
    }

    /// The text that waits.
    pub(crate) fn text(&self, name: &str) -> Result<String, String> {
        let path = self.staged(name);
        fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Every service of which a definition was put in force, by name.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.join(SWITCHED)).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names.retain(|name| self.standing(name) != Ok(Standing::Before));
        names
    }

    /// Where a service stands, as its files tell. A record that cannot be read is no sign that nothing was done.
    pub(crate) fn standing(&self, name: &str) -> Result<Standing, String> {
        let path = self.record(name);
        let text = match files::read_regular(&path, TEXT_BYTES_MAX) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Standing::Before),
            read => read.map_err(|error| self.unknown(name, &error.to_string()))?,
        };
        let record: Record = serde_json::from_slice(&text)
            .map_err(|error| self.unknown(name, &format!("{}: {error}", path.display())))?;
        Ok(match self.sum(name) {
            Some(sum) if sum == record.sum => Standing::Switched(record),
            // The power went before it was put there, or after it was taken away.
            sum if sum == record.had => Standing::Before,
            _ => Standing::Edited(record),
        })
    }

    /// What to do where nobody knows what was put there.
    fn unknown(&self, name: &str, fault: &str) -> String {
        let (target, kept, record) = (self.target(name), self.kept(name), self.record(name));
        let had = match kept.is_file() {
            true => format!("; what stood there before is {}, perhaps", kept.display()),
            false => String::new(),
        };
        format!(
            "{fault}, so what stood in {} is not known{had}; see that the right one is there, then remove {}",
            target.display(),
            record.display()
        )
    }

    /// Puts the definition that waits in its place; `main` is what runs. What stands there is kept.
    pub(crate) fn switch(&self, name: &str, main: Option<Main>) -> Result<(), String> {
        if self.standing(name)? != Standing::Before {
            return Err(format!("a definition took its place already; to take that back: svc migrate --undo {name}"));
        }
        let text = self.text(name)?;
        if !self.target.is_dir() {
            let mark = self.dir.join(MADE);
            fs::write(&mark, "").map_err(|error| format!("{}: {error}", mark.display()))?;
        }
        for dir in [&self.target, &self.dir.join(BEFORE), &self.dir.join(SWITCHED)] {
            files::make_directory(dir, 0o755).map_err(|error| error.to_string())?;
        }
        self.carry_out(name, self.forwards(name, text, main))
    }

    /// Puts everything back as it was. What somebody wrote there since waits then, and is named; so is one that waited
    /// and was edited, too.
    pub(crate) fn back(&self, name: &str) -> Result<Vec<PathBuf>, String> {
        let steps = self.backwards(name)?;
        let saved = |step: &Step| match step {
            Step::Save { aside, .. } => [Some(self.staged(name)), aside.clone()],
            _ => [None, None],
        };
        let saved = steps.iter().flat_map(saved).flatten().collect();
        self.carry_out(name, steps)?;
        Ok(saved)
    }

    /// Takes away what was staged and nobody edited, and directories that are empty then.
    pub(crate) fn clear(&self) {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten().map(|entry| entry.path());
        for path in entries.filter(|path| path.extension().is_some_and(|end| end == "toml")) {
            if fs::read_to_string(&path).is_ok_and(|text| place::is_ours(&text)) {
                let _stays = fs::remove_file(&path);
            }
        }
        let mark = self.dir.join(MADE);
        if mark.exists() && (!self.target.exists() || fs::remove_dir(&self.target).is_ok()) {
            let _stays = fs::remove_file(&mark);
        }
        for dir in [BEFORE, SWITCHED].map(|name| self.dir.join(name)) {
            // Only if nothing is in it.
            let _stays = fs::remove_dir(dir);
        }
        let mark = self.dir.join(MADE_ABOVE);
        let was_made = mark.exists();
        let is_empty = || fs::read_dir(&self.dir).is_ok_and(|entries| entries.flatten().all(|one| one.path() == mark));
        if was_made && is_empty() {
            let _stays = fs::remove_file(&mark);
        }
        let is_gone = fs::remove_dir(&self.dir).is_ok();
        if let Some(above) = self.dir.parent().filter(|_| was_made && is_gone) {
            let _stays = fs::remove_dir(above);
        }
    }

    fn forwards(&self, name: &str, text: String, main: Option<Main>) -> Vec<Step> {
        let had = self.sum(name);
        let record = Record { sum: place::sum(&text), had, main };
        let keep = had.map(|_| Step::Keep);
        keep.into_iter().chain([Step::Note(record), Step::Put(text)]).collect()
    }

    fn backwards(&self, name: &str) -> Result<Vec<Step>, String> {
        let home = |record: &Record| if record.had.is_some() { Step::Restore } else { Step::Remove };
        Ok(match self.standing(name)? {
            Standing::Before => vec![Step::Forget],
            Standing::Switched(record) => vec![home(&record), Step::Forget],
            Standing::Edited(record) => {
                let path = self.target(name);
                match fs::read(&path) {
                    Ok(text) => {
                        let aside = self.aside(name, &text);
                        vec![Step::Save { text, aside }, home(&record), Step::Forget]
                    }
                    // Somebody took it away.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => match record.had {
                        Some(_) => vec![Step::Restore, Step::Forget],
                        None => vec![Step::Forget],
                    },
                    Err(error) => return Err(format!("{}: {error}", path.display())),
                }
            }
        })
    }

    /// Where the definition that waits goes if it is not to be written over: somebody edited it, and otherwise.
    fn aside(&self, name: &str, text: &[u8]) -> Option<PathBuf> {
        let path = self.staged(name);
        let is_theirs = match fs::read(&path) {
            Ok(waits) => waits != text && !std::str::from_utf8(&waits).is_ok_and(place::is_ours),
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        };
        let number = |at: u32| if at < 2 { String::new() } else { format!(".{at}") };
        let mut names = (1..).map(|at| self.dir.join(format!("{name}.toml.edited{}", number(at))));
        if is_theirs { names.find(|path| path.symlink_metadata().is_err()) } else { None }
    }

    fn carry_out(&self, name: &str, steps: Vec<Step>) -> Result<(), String> {
        steps.into_iter().try_for_each(|step| self.step(name, step).map_err(|error| format!("{name}: {error}")))
    }

    fn step(&self, name: &str, step: Step) -> io::Result<()> {
        let (target, kept) = (self.target(name), self.kept(name));
        match step {
            // While there is a record, what was kept may be all that is left of it.
            Step::Keep if self.record(name).exists() && kept.exists() => {
                if fs::read(&kept)? == fs::read(&target)? {
                    return Ok(());
                }
                let (kept, target) = (kept.display(), target.display());
                Err(io::Error::other(format!("{kept} was kept, and differs from {target}; move one of them away")))
            }
            Step::Keep => {
                remove(&kept)?;
                // The same file by another name: nothing of it changes, its times neither.
                if fs::hard_link(&target, &kept).is_err() {
                    fs::copy(&target, &kept)?;
                }
                sync(&self.dir.join(BEFORE))
            }
            Step::Note(record) => files::replace(&self.record(name), &serde_json::to_vec(&record)?, 0o644),
            // A link that stands there would be followed.
            Step::Put(text) if target.is_symlink() => {
                let fresh = self.target.join(format!(".{name}.toml.new"));
                remove(&fresh)?;
                files::replace(&fresh, text.as_bytes(), 0o644)?;
                fs::rename(&fresh, &target)?;
                sync(&self.target)
            }
            Step::Put(text) => files::replace(&target, text.as_bytes(), 0o644),
            Step::Save { text, aside } => {
                let path = self.staged(name);
                aside.map_or(Ok(()), |aside| fs::rename(&path, aside))?;
                files::replace(&path, &text, 0o644)
            }
            Step::Restore => {
                fs::rename(&kept, &target)?;
                sync(&self.target)
            }
            Step::Remove => {
                remove(&target)?;
                sync(&self.target)
            }
            Step::Forget => remove(&self.record(name)).and_then(|()| remove(&kept)),
        }
    }

    /// What stood in the definition's place.
    fn kept(&self, name: &str) -> PathBuf {
        self.dir.join(BEFORE).join(format!("{name}.toml"))
    }

    fn record(&self, name: &str) -> PathBuf {
        self.dir.join(SWITCHED).join(name)
    }

    /// Of what stands in the definition's place.
    fn sum(&self, name: &str) -> Option<u64> {
        let path = self.target(name);
        let text = fs::read(&path).ok()?;
        Some(place::sum(&String::from_utf8_lossy(&text)))
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What was done in a directory stays done if the power goes.
fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    const NEW: &str = "command = \"/bin/new\"\n";

    /// A stage on which a definition waits, with this in its place.
    fn stage(old: Option<&str>) -> (tempfile::TempDir, Stage) {
        let folder = tempfile::tempdir().unwrap();
        let stage = Stage { dir: folder.path().join("staged"), target: folder.path().join("services") };
        if let Some(old) = old {
            fs::create_dir(&stage.target).unwrap();
            fs::write(stage.target("web"), old).unwrap();
        }
        stage.stage("web", &place::file_text("/etc/init.d/web", NEW, "")).unwrap();
        (folder, stage)
    }

    /// What stands there, to the letter.
    fn there(stage: &Stage) -> Option<(String, u64, i64, u32)> {
        let found = fs::metadata(stage.target("web")).ok()?;
        let text = fs::read_to_string(stage.target("web")).unwrap();
        Some((text, found.ino(), found.mtime_nsec(), found.mode()))
    }

    const OLD: [Option<&str>; 2] = [None, Some("command = \"/bin/old\"\n")];

    #[test]
    fn what_was_there_comes_back_to_the_letter() {
        for old in OLD {
            let (folder, stage) = stage(old);
            let before = there(&stage);
            stage.switch("web", None).unwrap();
            assert_eq!(there(&stage).unwrap().0, stage.text("web").unwrap());
            assert_eq!(stage.names(), ["web"]);
            assert!(stage.back("web").unwrap().is_empty());
            assert_eq!(there(&stage), before);
            stage.clear();
            let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert_eq!(left.len(), usize::from(old.is_some()), "{left:?}");
        }
    }

    #[test]
    fn wherever_the_power_goes_the_old_or_the_new_is_there_and_either_way_is_open() {
        for old in OLD {
            // After so many steps forwards, and so many back.
            for (on, back) in (0..4).flat_map(|on| (0..3).map(move |back| (on, back))) {
                for goes_back in [false, true] {
                    let (_folder, stage) = stage(old);
                    let before = there(&stage);
                    let new = stage.text("web").unwrap();
                    for dir in [&stage.target, &stage.dir.join(BEFORE), &stage.dir.join(SWITCHED)] {
                        files::make_directory(dir, 0o755).unwrap();
                    }
                    let some = |steps: Vec<Step>, count| {
                        stage.carry_out("web", steps.into_iter().take(count).collect()).unwrap();
                        let is = there(&stage);
                        assert!(is == before || is.is_some_and(|is| is.0 == new), "{old:?}, {on} on, {back} back");
                    };
                    some(stage.forwards("web", new.clone(), None), on);
                    some(stage.backwards("web").unwrap(), back);
                    if goes_back {
                        stage.back("web").unwrap();
                        assert_eq!((there(&stage), stage.standing("web")), (before, Ok(Standing::Before)));
                        assert!(!stage.record("web").exists());
                    } else if stage.standing("web") == Ok(Standing::Before) {
                        stage.switch("web", None).unwrap();
                        assert_eq!(there(&stage).unwrap().0, new);
                        stage.back("web").unwrap();
                        assert_eq!(there(&stage), before, "{old:?}, {on} on, {back} back, and on again");
                    }
                }
            }
        }
    }

    #[test]
    fn what_somebody_wrote_there_since_is_not_lost() {
        for old in OLD {
            let (_folder, stage) = stage(old);
            let before = there(&stage);
            stage.switch("web", None).unwrap();
            fs::write(stage.target("web"), "command = \"/bin/mine\"\n").unwrap();
            assert!(matches!(stage.standing("web"), Ok(Standing::Edited(_))));
            assert_eq!(stage.back("web").unwrap(), [stage.staged("web")]);
            assert_eq!((there(&stage), stage.text("web").unwrap().as_str()), (before, "command = \"/bin/mine\"\n"));
            stage.clear();
            assert!(stage.staged("web").exists(), "an edit is nobody's to clear away");
        }
    }

    #[test]
    fn one_that_waits_and_was_edited_goes_aside_for_what_somebody_wrote_in_its_place() {
        let (_folder, stage) = stage(None);
        let mut aside = Vec::new();
        for (waits, name) in [("# one\n", "web.toml.edited"), ("# two\n", "web.toml.edited.2")] {
            fs::write(stage.staged("web"), waits).unwrap();
            stage.switch("web", None).unwrap();
            let mine = format!("{waits}command = \"/bin/mine\"\n");
            fs::write(stage.target("web"), &mine).unwrap();
            let path = stage.dir.join(name);
            assert_eq!(stage.back("web").unwrap(), [stage.staged("web"), path.clone()]);
            assert_eq!(stage.text("web").unwrap(), mine);
            aside.push((path, waits));
            stage.clear();
            aside.iter().for_each(|(path, text)| assert_eq!(fs::read_to_string(path).unwrap(), *text));
        }
    }

    #[test]
    fn a_record_that_cannot_be_read_is_told_and_nothing_is_touched() {
        for old in OLD {
            let (_folder, stage) = stage(old);
            stage.switch("web", None).unwrap();
            for text in ["", "{"] {
                fs::write(stage.record("web"), text).unwrap();
                let place = stage.record("web").display().to_string();
                assert_eq!(stage.names(), ["web"]);
                for fault in [stage.switch("web", None).unwrap_err(), stage.back("web").unwrap_err()] {
                    assert!(fault.starts_with(&place) && fault.ends_with(&format!("then remove {place}")), "{fault}");
                }
                assert_eq!(fs::read_to_string(stage.kept("web")).ok().as_deref(), old);
                assert_eq!(fs::read_to_string(stage.target("web")).unwrap(), stage.text("web").unwrap());
            }
        }
    }

    #[test]
    fn what_was_kept_is_not_given_up_while_there_is_a_record() {
        let (_folder, stage) = stage(OLD[1]);
        stage.switch("web", None).unwrap();
        let fault = stage.step("web", Step::Keep).unwrap_err().to_string();
        assert!(fault.contains("was kept, and differs"), "{fault}");
        assert_eq!(fs::read_to_string(stage.kept("web")).ok().as_deref(), OLD[1]);
        assert!(stage.switch("web", None).is_err());
    }
}
