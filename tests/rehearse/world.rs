//! The machine as far as a script could change it, to be compared.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// One look at everything.
#[derive(Debug)]
pub(crate) struct World {
    files: BTreeMap<PathBuf, String>,
    facts: BTreeMap<String, String>,
    sandboxes: Vec<String>,
    /// How far the wall clock is ahead of the one that nobody can set.
    clock: (SystemTime, Instant),
}

/// Directories of the machine that programs other than ours hardly write to.
const MACHINE: [&str; 9] =
    ["/etc", "/usr/local", "/usr/sbin", "/usr/bin", "/boot", "/opt", "/srv", "/var/spool", "/var/lib/misc"];
/// How far a clock that is kept right by others may move meanwhile.
const CLOCK_MAX: Duration = Duration::from_secs(2);

/// Kernel settings that count by themselves.
const COUNTERS: [&str; 16] = [
    "random/",
    "fs/file-nr",
    "fs/inode-",
    "fs/dentry-state",
    "ns_last_pid",
    "fs/aio-nr",
    "pty/nr",
    "fs/quota",
    "conntrack_count",
    "sched_domain",
    "kernel/perf_",
    "fs/epoll",
    "fs/mqueue",
    "debug/",
    "net/ipv4/route",
    "_cost",
];

impl World {
    /// Looks at the machine, and all of these directories.
    pub(crate) fn look(scratch: &[PathBuf]) -> Self {
        let mut files = BTreeMap::new();
        for dir in MACHINE.iter().map(Path::new).chain(scratch.iter().map(PathBuf::as_path)) {
            walk(dir, &mut files);
        }
        let mut facts = BTreeMap::new();
        for path in ["/proc/self/mountinfo", "/proc/modules", "/proc/swaps", "/proc/net/route", "/proc/net/if_inet6"] {
            let text = fs::read_to_string(path).unwrap_or_default();
            // How many use a module changes by itself.
            let text: Vec<&str> = match path {
                "/proc/modules" => text.lines().filter_map(|line| line.split(' ').next()).collect(),
                _ => text.lines().collect(),
            };
            facts.insert(path.to_owned(), text.join("\n"));
        }
        for path in ["/proc/sys/kernel/hostname", "/proc/sys/kernel/domainname", "/sys/kernel/kexec_loaded"] {
            facts.insert(path.to_owned(), fs::read_to_string(path).unwrap_or_default());
        }
        settings(Path::new("/proc/sys"), &mut facts);
        Self { files, facts, sandboxes: sandboxes(), clock: (SystemTime::now(), Instant::now()) }
    }

    /// What is not as it was.
    pub(crate) fn differences(&self, later: &Self) -> Vec<String> {
        let mut all = Vec::new();
        for (path, was) in &self.files {
            match later.files.get(path) {
                Some(is) if is == was => {}
                Some(is) => all.push(format!("{}: {was} became {is}", path.display())),
                None => all.push(format!("{}: gone", path.display())),
            }
        }
        let new = later.files.keys().filter(|path| !self.files.contains_key(*path));
        all.extend(new.map(|path| format!("{}: new", path.display())));
        for (name, was) in &self.facts {
            let is = later.facts.get(name);
            if is != Some(was) {
                all.push(format!("{name}: {was:?} became {is:?}"));
            }
        }
        let wall = later.clock.0.duration_since(self.clock.0).unwrap_or_default();
        let steady = later.clock.1 - self.clock.1;
        if wall.abs_diff(steady) > CLOCK_MAX {
            all.push(format!("the clock went {wall:?} in {steady:?}"));
        }
        all.extend(later.sandboxes.iter().map(|process| format!("{process} is still there")));
        all
    }
}

/// Everything below a directory: what it is, whose, when changed; of a link where it leads.
fn walk(dir: &Path, into: &mut BTreeMap<PathBuf, String>) {
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(found) = fs::symlink_metadata(&path) else { continue };
            let leads = fs::read_link(&path).unwrap_or_default();
            let text = format!(
                "{:o} {}:{} {} bytes, changed {}.{:09}, inode changed {}.{:09}, {} links {}",
                found.mode(),
                found.uid(),
                found.gid(),
                found.len(),
                found.mtime(),
                found.mtime_nsec(),
                found.ctime(),
                found.ctime_nsec(),
                found.nlink(),
                String::from_utf8_lossy(leads.as_os_str().as_bytes())
            );
            if found.is_dir() {
                folders.push(path.clone());
            }
            into.insert(path, text);
        }
    }
}

fn settings(dir: &Path, into: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let shown = path.display().to_string();
        if COUNTERS.iter().any(|counter| shown.contains(counter)) {
            continue;
        }
        if path.is_dir() {
            settings(&path, into);
        } else if let Ok(text) = fs::read_to_string(&path) {
            into.insert(shown, text);
        }
    }
}

/// Processes that play a rehearsal, or are in its place.
fn sandboxes() -> Vec<String> {
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(words) = fs::read(entry.path().join("cmdline")) else { continue };
        let words = String::from_utf8_lossy(&words).replace('\0', " ");
        let program = fs::read_link(entry.path().join("exe")).unwrap_or_default();
        let ours = program == Path::new(env!("CARGO_BIN_EXE_svc")) || program.starts_with("/run/.svc-sandbox");
        // Other tests rehearse at the same time, but not for this long.
        if ours && words.contains("--role rehearsal") && is_orphan(&entry.path()) {
            all.push(format!("{} ({words})", entry.path().display()));
        }
    }
    all
}

/// Whether whoever asked for it is gone.
fn is_orphan(process: &Path) -> bool {
    let status = fs::read_to_string(process.join("status")).unwrap_or_default();
    status.lines().any(|line| line == "PPid:\t1")
}
