//! Daemons of scripts that run now: by the pid files that the scripts name, or else by their programs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use svc_compat::text::base_name;
use svc_platform::files;
use svc_platform::process::{self, Facts};
use svc_platform::root::Root;

use super::Running;
use super::scripts::Found;

/// Programs that run anything: a process of theirs says nothing about which service it is.
const INTERPRETERS: [&str; 13] = [
    "sh",
    "bash",
    "dash",
    "env",
    "perl",
    "python",
    "python3",
    "ruby",
    "java",
    "node",
    "php",
    "busybox",
    "start-stop-daemon",
];

/// A pid file longer than this is none.
const PID_FILE_BYTES_MAX: u64 = 4096;

/// Every process of the machine, looked at once; none of another root's.
#[derive(Debug, Default)]
pub(super) struct Table {
    all: BTreeMap<i32, (Facts, Option<PathBuf>)>,
}

impl Table {
    pub(super) fn read(root: &Root) -> Self {
        if !root.is_machine() {
            return Self::default();
        }
        let pids = process::list().unwrap_or_default();
        let facts = pids.into_iter().filter_map(|pid| process::facts(pid).ok()).filter(|facts| !facts.is_zombie());
        Self { all: facts.map(|facts| (facts.pid, (facts.clone(), process::program(facts.pid).ok()))).collect() }
    }

    /// The daemon of a script.
    pub(super) fn daemon_of(&self, found: &Found) -> Option<Running> {
        if self.all.is_empty() || !found.script.daemon {
            return None;
        }
        for file in &found.script.pid_files {
            if let Some(pid) = read_pid(file)
                && self.all.get(&pid).is_some_and(|process| is_of(process, found))
            {
                return Some(Running { pid, by: file.clone() });
            }
        }
        // The first of its kind whose parent is of another.
        let programs: Vec<&String> = found.script.programs.iter().filter(|program| says_something(program)).collect();
        let runs = |process: &&(Facts, Option<PathBuf>)| programs.iter().any(|program| runs(process, program));
        let all: BTreeMap<i32, &Facts> = self.all.values().filter(runs).map(|(facts, _)| (facts.pid, facts)).collect();
        let first = all.values().filter(|facts| !all.contains_key(&facts.parent)).min_by_key(|facts| facts.started)?;
        Some(Running {
            pid: first.pid,
            by: programs.iter().map(|program| program.as_str()).collect::<Vec<_>>().join(", "),
        })
    }
}

/// The pid in a pid file; what else is in the file does not matter.
fn read_pid(file: &str) -> Option<i32> {
    let text = files::read_regular(Path::new(file), PID_FILE_BYTES_MAX).ok()?;
    String::from_utf8_lossy(&text).split_whitespace().next()?.parse().ok().filter(|pid| *pid > 1)
}

fn says_something(program: &str) -> bool {
    program.starts_with('/') && !INTERPRETERS.contains(&base_name(program))
}

/// Whether a process runs this program. Whose programs may not be looked at is known by its name alone.
fn runs((facts, path): &(Facts, Option<PathBuf>), program: &str) -> bool {
    match path {
        Some(path) => path == Path::new(program) || Path::new(program).canonicalize().is_ok_and(|found| found == *path),
        None => facts.uid == 0 && facts.name == base_name(program).chars().take(15).collect::<String>(),
    }
}

/// Whether a process that a pid file names can be the script's: a pid outlives its process in a file.
fn is_of(process: &(Facts, Option<PathBuf>), found: &Found) -> bool {
    let (facts, _) = process;
    let names_it = |program: &String| facts.arguments.iter().any(|word| word == program);
    found.script.programs.iter().any(|program| runs(process, program) || names_it(program))
        || facts.name == found.entry.name
        || (found.script.programs.is_empty() && facts.command().contains(&found.entry.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate::Entry;
    use std::path::PathBuf;
    use svc_compat::Script;

    fn script(programs: &[String], pid_files: &[String]) -> Found {
        let script =
            Script { daemon: true, programs: programs.to_vec(), pid_files: pid_files.to_vec(), ..Script::default() };
        Found {
            entry: Entry { name: "tested".to_owned(), ..Entry::default() },
            path: PathBuf::new(),
            directory: PathBuf::new(),
            text: Vec::new(),
            script,
            unreadable: None,
        }
    }

    #[test]
    fn a_daemon_is_found_by_its_pid_file_or_by_its_program() {
        let table = Table::read(&Root::new(Path::new("/")));
        let own = i32::try_from(std::process::id()).unwrap();
        let program = std::env::current_exe().unwrap().display().to_string();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tested.pid").display().to_string();
        std::fs::write(&file, format!("{own}\n")).unwrap();
        let by = |found: Found| table.daemon_of(&found);
        let programs = std::slice::from_ref(&program);
        let files = std::slice::from_ref(&file);
        assert_eq!(by(script(programs, files)), Some(Running { pid: own, by: file.clone() }));
        assert_eq!(by(script(programs, &[])).unwrap().by, program);
        // The pid of another program: the file was left behind.
        assert_eq!(by(script(&["/nowhere/tested-d".to_owned()], files)), None);
        assert_eq!(by(script(&["/bin/sh".to_owned()], &[])), None);
    }

    #[test]
    fn nobody_looks_for_processes_of_another_root() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Table::read(&Root::new(folder.path())).all.is_empty());
    }
}
