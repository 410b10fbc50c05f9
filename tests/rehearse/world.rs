//! The machine as far as a script could change it, to be compared.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs::{self, Metadata};
use std::hash::{Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// One look at everything.
#[derive(Debug)]
pub(crate) struct World {
    files: BTreeMap<PathBuf, File>,
    facts: BTreeMap<String, String>,
    /// What runs as a child of process 1, by pid and start.
    daemons: BTreeMap<String, String>,
    sandboxes: Vec<String>,
    /// How far the wall clock is ahead of the one that nobody can set.
    clock: (SystemTime, Instant),
    /// The same for the clock that goes on when the machine is off.
    hardware: Option<i64>,
}

/// A file, but for its content, which cannot change without its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct File {
    mode: u32,
    owner: (u32, u32),
    links: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    /// Where a link leads.
    target: u64,
}

/// Of these the files are others' to write, and why. That they are there, and whose, is compared all the same.
const WRITTEN: [(&str, &str); 4] = [
    ("/var/log", "whoever logs writes there"),
    ("/var/cache", "caches are filled when somebody asks"),
    ("/var/lib/apt", "the package client keeps its lists there"),
    ("/var/lib/dpkg", "the package client keeps its locks there"),
];
/// Directories of the machine that may be file systems of their own.
const MACHINE: [&str; 8] = ["/", "/etc", "/usr", "/boot", "/opt", "/srv", "/home", "/var"];
/// Where scripts would do harm first, for a shorter look.
const PLACES: [&str; 9] =
    ["/etc", "/usr/local", "/usr/sbin", "/usr/bin", "/boot", "/opt", "/srv", "/var/spool", "/var/lib/misc"];

/// How far a look reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Every file of the machine: it takes as long as there are many.
    Machine,
    /// Some directories.
    Places,
}

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
    pub(crate) fn look(reach: Reach, scratch: &[PathBuf]) -> Self {
        let mut files = BTreeMap::new();
        let others = others();
        let device = |path: &Path| fs::metadata(path).map(|found| found.dev()).ok();
        let root = device(Path::new("/"));
        let is_apart = |path: &&Path| *path == Path::new("/") || device(path) != root;
        let machine: Vec<&Path> = match reach {
            Reach::Machine => MACHINE.iter().map(Path::new).filter(is_apart).collect(),
            Reach::Places => PLACES.iter().map(Path::new).collect(),
        };
        machine.into_iter().for_each(|dir| walk(dir, &others, &mut files));
        scratch.iter().for_each(|dir| walk(dir, &BTreeSet::new(), &mut files));
        let mut facts = BTreeMap::new();
        let tables = ["/proc/self/mountinfo", "/proc/modules", "/proc/swaps", "/proc/mdstat", "/proc/net/route"];
        let network = ["/proc/net/ipv6_route", "/proc/net/if_inet6", "/proc/net/fib_trie", "/proc/net/ip_tables_names"];
        for path in tables.into_iter().chain(network) {
            let text = fs::read_to_string(path).unwrap_or_default();
            // How many use a module, or a route, changes by itself.
            let text: Vec<String> = match path {
                "/proc/modules" => text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect(),
                "/proc/net/ipv6_route" => text.lines().map(|line| columns(line, &[0, 1, 4, 9])).collect(),
                _ => text.lines().map(str::to_owned).collect(),
            };
            facts.insert(path.to_owned(), text.join("\n"));
        }
        for path in ["/proc/sys/kernel/hostname", "/proc/sys/kernel/domainname", "/sys/kernel/kexec_loaded"] {
            facts.insert(path.to_owned(), fs::read_to_string(path).unwrap_or_default());
        }
        for link in fs::read_dir("/sys/class/net").into_iter().flatten().flatten() {
            for what in ["flags", "mtu", "address", "operstate"] {
                let path = link.path().join(what);
                facts.insert(path.display().to_string(), fs::read_to_string(&path).unwrap_or_default());
            }
        }
        settings(Path::new("/proc/sys"), &mut facts);
        let clock = (SystemTime::now(), Instant::now());
        Self { files, facts, daemons: daemons(), sandboxes: sandboxes(), clock, hardware: hardware() }
    }

    /// How many files were looked at.
    pub(crate) fn count(&self) -> usize {
        self.files.len()
    }

    /// What is not as it was, by what it is of.
    pub(crate) fn differences(&self, later: &Self) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        for (path, was) in &self.files {
            match later.files.get(path) {
                Some(is) if is == was => {}
                Some(is) => drop(all.insert(path.display().to_string(), format!("{was:?} became {is:?}"))),
                None => drop(all.insert(path.display().to_string(), "gone".to_owned())),
            }
        }
        let new = later.files.keys().filter(|path| !self.files.contains_key(*path));
        all.extend(new.map(|path| (path.display().to_string(), "new".to_owned())));
        for (name, was) in &self.facts {
            let is = later.facts.get(name);
            if is != Some(was) {
                all.insert(name.clone(), format!("{was:?} became {is:?}"));
            }
        }
        for (process, was) in &self.daemons {
            let is = later.daemons.get(process);
            if is != Some(was) {
                all.insert(process.clone(), format!("{was:?} became {is:?}"));
            }
        }
        let wall = later.clock.0.duration_since(self.clock.0).unwrap_or_default();
        let steady = later.clock.1 - self.clock.1;
        if wall.abs_diff(steady) > CLOCK_MAX {
            all.insert("the clock".to_owned(), format!("it went {wall:?} in {steady:?}"));
        }
        if let (Some(was), Some(is)) = (self.hardware, later.hardware)
            && (is - was).unsigned_abs() > CLOCK_MAX.as_secs()
        {
            all.insert("the hardware clock".to_owned(), format!("it went {} s beside the other", is - was));
        }
        all.extend(later.sandboxes.iter().map(|process| (process.clone(), "is still there".to_owned())));
        all
    }
}

/// Where others work while we look: what builds this, and its tools, and what tests keep for a moment.
fn others() -> BTreeSet<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let top = own.components().take(2).collect::<PathBuf>();
    // The whole system is not left out if this is somewhere in it.
    let place =
        if ["/usr", "/etc", "/var", "/opt", "/srv"].iter().any(|dir| top == *Path::new(dir)) { own } else { &top };
    let homes = [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")].map(|(variable, usual)| {
        let home = || env::var_os("HOME").map(|home| Path::new(&home).join(usual));
        env::var_os(variable).map(PathBuf::from).or_else(home)
    });
    let all = homes.into_iter().flatten().chain([env::temp_dir(), place.to_path_buf()]);
    all.chain(["/tmp", "/run"].map(PathBuf::from)).collect()
}

/// Everything below a directory on its file system: what it is, whose, when changed; of a link where it leads.
fn walk(dir: &Path, others: &BTreeSet<PathBuf>, into: &mut BTreeMap<PathBuf, File>) {
    let Ok(device) = fs::metadata(dir).map(|found| found.dev()) else { return };
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let is_written = WRITTEN.iter().any(|(place, _)| folder.starts_with(place));
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(found) = fs::symlink_metadata(&path) else { continue };
            if others.contains(&path) || found.dev() != device {
                continue;
            }
            if found.is_dir() {
                folders.push(path.clone());
            }
            into.insert(path.clone(), File::new(&path, &found, is_written));
        }
    }
}

impl File {
    fn new(path: &Path, found: &Metadata, is_written: bool) -> Self {
        let mut target = DefaultHasher::new();
        if found.is_symlink() {
            fs::read_link(path).unwrap_or_default().hash(&mut target);
        }
        let owner = (found.uid(), found.gid());
        let file = Self {
            mode: found.mode(),
            owner,
            links: found.nlink(),
            size: found.len(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
            target: target.finish(),
        };
        match is_written {
            true => Self { links: 0, size: 0, modified: (0, 0), changed: (0, 0), ..file },
            false => file,
        }
    }
}

/// These words of a line.
fn columns(line: &str, wanted: &[usize]) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    wanted.iter().filter_map(|at| words.get(*at).copied()).collect::<Vec<_>>().join(" ")
}

/// Children of process 1 that are none of the kernel's, with their priority and how soon they are killed.
fn daemons() -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let read = |what: &str| fs::read_to_string(entry.path().join(what)).unwrap_or_default();
        let stat = read("stat");
        // The name before may hold anything.
        let Some((name, rest)) = stat.rsplit_once(") ") else { continue };
        let words: Vec<&str> = rest.split(' ').collect();
        if let [state, "1", _, _, _, _, _, _, _, _, _, _, _, _, _, priority, nice, _, _, started, ..] = words.as_slice()
            && *state != "Z"
        {
            let killed = read("oom_score_adj");
            let how = format!("priority {priority}, nice {nice}, killed {}", killed.trim());
            all.insert(format!("process {name}) of {started}"), how);
        }
    }
    all
}

/// How far the hardware's clock is from the wall's, in seconds.
fn hardware() -> Option<i64> {
    let text = fs::read_to_string("/sys/class/rtc/rtc0/since_epoch").ok()?;
    let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(text.trim().parse::<i64>().ok()? - i64::try_from(wall.as_secs()).ok()?)
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
pub(crate) fn sandboxes() -> Vec<String> {
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
