//! Which processes are meant.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use svc_platform::process::{self, Handle};
use svc_platform::{replace, users};

use super::Problem;
use super::options::{Action, Options};
use super::words::{leading_number, number};

/// What is known of the program as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Runs,
    DeadWithFile,
    Dead,
    Unknown,
}

/// So much of a pid file is read, in bytes.
const PID_FILE_BYTES_MAX: u64 = 4096;
const ANYBODY_WRITES: u32 = 0o002;

/// What a process must be like.
pub(super) struct Matcher<'a> {
    options: &'a Options,
    file: Option<Metadata>,
    uid: Option<u32>,
}

impl<'a> Matcher<'a> {
    pub(super) fn new(options: &'a Options) -> Result<Self, Problem> {
        let file = options.exec.as_deref().map(|exec| {
            let mut path = exec.to_owned();
            if !path.starts_with('/') {
                path = format!("{}/{path}", options.directory.as_deref().unwrap_or("/"));
            }
            if let Some(root) = &options.root {
                path = format!("{root}/{path}");
            }
            fs::metadata(&path).map_err(|error| Problem::system(format!("unable to stat {path}"), &error))
        });
        let uid = options.user.as_deref().map(|name| match number(name) {
            Some(uid) => Ok(uid.unsigned_abs()),
            None => users::user(name).map(|account| account.uid).map_err(|_| not_found("user", name)),
        });
        Ok(Self { options, file: file.transpose()?, uid: uid.transpose()? })
    }

    /// Looks: what is the matter, and the pids of those that run, the lowest first.
    pub(super) fn find(&self) -> Result<(Presence, Vec<i32>), Problem> {
        if let Some(pid) = self.options.pid {
            return Ok(self.one(pid));
        }
        if let Some(path) = &self.options.pid_file {
            return self.by_file(path);
        }
        let pids = process::list().map_err(|error| Problem::system("unable to opendir /proc", &error))?;
        let found: Vec<i32> = pids.into_iter().filter(|pid| self.is_meant(*pid)).collect();
        Ok((if found.is_empty() { Presence::Dead } else { Presence::Runs }, found))
    }

    /// Whether a process that was found is what it was: its pid may be another's by now.
    pub(super) fn is_still(&self, pid: i32) -> bool {
        self.is_meant(pid)
    }

    fn one(&self, pid: i32) -> (Presence, Vec<i32>) {
        if self.is_meant(pid) { (Presence::Runs, vec![pid]) } else { (Presence::Dead, Vec::new()) }
    }

    fn by_file(&self, path: &str) -> Result<(Presence, Vec<i32>), Problem> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Presence::Dead, Vec::new())),
            Err(error) => return Err(Problem::system(format!("unable to open pidfile {path}"), &error)),
        };
        // What is given to run a program in any case.
        if path != "/dev/null" {
            let cannot = |error: io::Error| Problem::system(format!("cannot stat pidfile {path}"), &error);
            self.is_trusted(path, &file.metadata().map_err(cannot)?)?;
        }
        let mut bytes = Vec::new();
        // What cannot be read is no pid.
        let _ = file.take(PID_FILE_BYTES_MAX).read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes);
        // Numbers below 1 stand for many processes in kill(2), and for none that a file may name.
        let pid = leading_number(&text);
        if pid < 1 {
            return Ok((Presence::Unknown, Vec::new()));
        }
        Ok(match self.one(pid) {
            (Presence::Dead, found) => (Presence::DeadWithFile, found),
            other => other,
        })
    }

    /// A file that others may write says nothing, as whoever writes there would have anybody killed.
    fn is_trusted(&self, path: &str, found: &Metadata) -> Result<(), Problem> {
        let (uid, gid) = replace::real_ids();
        let is_ours = [0, uid].contains(&found.uid()) && [0, gid].contains(&found.gid());
        if self.options.only_pid_file && !is_ours {
            return Err(Problem::Fatal(format!("matching only on non-root pidfile {path} is insecure")));
        }
        if found.mode() & ANYBODY_WRITES != 0 {
            return Err(Problem::Fatal(format!("matching on world-writable pidfile {path} is insecure")));
        }
        Ok(())
    }

    fn is_meant(&self, pid: i32) -> bool {
        if self.file.as_ref().is_some_and(|file| !runs(pid, file)) {
            return false;
        }
        let options = self.options;
        if options.parent.is_some() || self.uid.is_some() || options.name.is_some() {
            let Ok(facts) = process::facts(pid) else { return false };
            let is_other = options.parent.is_some_and(|parent| facts.parent != parent)
                || self.uid.is_some_and(|uid| facts.uid != uid)
                || options.name.as_ref().is_some_and(|name| facts.name != *name);
            if is_other {
                return false;
            }
        }
        // Who is to be stopped shows whether it is there by what a signal to it does.
        options.action == Some(Action::Stop) || exists(pid)
    }
}

pub(super) fn not_found(what: &str, name: &str) -> Problem {
    Problem::Fatal(format!("{what} '{name}' not found"))
}

/// Whether there is such a process, be it only to be collected.
fn exists(pid: i32) -> bool {
    Handle::open(pid).is_ok() || process::facts(pid).is_ok()
}

/// Whether it runs this very file, or the one that has taken the place of what it runs.
fn runs(pid: i32, file: &Metadata) -> bool {
    let Ok(path) = process::program(pid) else { return false };
    let text = path.to_string_lossy();
    let path = text.strip_suffix(" (deleted)").map_or_else(|| path.clone(), PathBuf::from);
    fs::metadata(Path::new(&path)).is_ok_and(|found| (found.dev(), found.ino()) == (file.dev(), file.ino()))
}
