//! Trees as cgroup v2 directories: where ours may be, and what their files say.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

use super::process::Handle;
use crate::sys::because;
use crate::walk::each_once;

pub(super) mod controllers;
pub(super) mod missing;

/// The largest file of a cgroup that is read.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// How deep cgroups that a service makes below its own are followed.
const DEPTH_MAX: usize = 32;
/// How often a tree is walked to kill it where the kernel cannot do it at once.
const ROUNDS_MAX: usize = 1000;

/// Where the directories of one instance are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// As a path of the file system.
    pub(super) directory: PathBuf,
    /// As `/proc/PID/cgroup` shows it.
    pub(super) shown: String,
}

impl Place {
    /// Finds the place of this instance: below the cgroup we are in, or the one we are in a leaf of already.
    ///
    /// The error is a reason that can stand behind "because".
    pub(super) fn find(instance: &str) -> Result<Self, String> {
        let own = fs::read_to_string("/proc/self/cgroup").map_err(|error| format!("/proc/self/cgroup: {error}"))?;
        Self::within(&mounts()?, &own, instance)
    }

    /// The place that an earlier daemon had, as [`Self::shown`]; an error if it is gone.
    pub(super) fn known(shown: &str) -> Result<Self, String> {
        let place = Self::shown_as(&mounts()?, shown)?;
        if place.directory.is_dir() { Ok(place) } else { Err(format!("{} is gone", place.directory.display())) }
    }

    fn within(mounts: &str, own: &str, instance: &str) -> Result<Self, String> {
        let shown = own.lines().find_map(|line| line.strip_prefix("0::")).ok_or("we are in no cgroup v2")?;
        let mine = format!("/svc/{instance}");
        let leaf = format!("{mine}/{LEAF}");
        let base = shown.strip_suffix(&leaf).unwrap_or(shown).trim_end_matches('/');
        Self::shown_as(mounts, &format!("{base}{mine}"))
    }

    fn shown_as(mounts: &str, shown: &str) -> Result<Self, String> {
        let (root, point) = mounts.lines().filter_map(cgroup2).next_back().ok_or("no cgroup v2 is mounted")?;
        let below = shown.strip_prefix(root.trim_end_matches('/')).filter(|rest| rest.starts_with('/'));
        let below = below.filter(|rest| !rest.split('/').any(|part| part == ".."));
        let below = below.ok_or_else(|| format!("cgroup {shown} is not below {point}"))?;
        Ok(Self { directory: PathBuf::from(format!("{point}{below}")), shown: shown.to_owned() })
    }

    /// Makes the directories, and sees whether processes can be put there.
    pub(super) fn prepare(&self) -> io::Result<()> {
        let leaf = self.directory.join(LEAF);
        // Another daemon that ends may take `svc` away between our making it and what is below.
        let mut tries = (0..MAKE_TRIES).map(|_| fs::create_dir_all(&leaf));
        let made = tries.find(|made| !made.as_ref().is_err_and(is_gone));
        made.unwrap_or_else(|| fs::create_dir_all(&leaf)).map_err(|error| because(&error, leaf.display()))?;
        // To move a process into one of ours, the cgroup that it comes from and ours have in common must let us, too.
        for directory in self.base().into_iter().chain([leaf.as_path()]) {
            let procs = directory.join("cgroup.procs");
            if let Err(error) = File::options().write(true).open(&procs) {
                // What we cannot use we do not leave behind; where trees are already, it stays.
                let _unused = [&leaf, &self.directory].map(fs::remove_dir);
                return Err(because(&error, procs.display()));
            }
        }
        Ok(())
    }

    /// Moves the daemon's processes out again, and removes what is empty.
    pub(super) fn clear(&self) -> io::Result<()> {
        let leaf = self.directory.join(LEAF);
        controllers::go_back(self)?;
        for path in [&leaf, &self.directory] {
            fs::remove_dir(path).map_err(|error| because(&error, path.display()))?;
        }
        // Other instances may be there.
        let _busy = self.directory.parent().map(fs::remove_dir);
        Ok(())
    }

    /// The cgroup that we came from, two levels above.
    fn base(&self) -> Option<&Path> {
        self.directory.ancestors().nth(2)
    }
}

/// How often making the directories is tried.
const MAKE_TRIES: usize = 5;

/// The directory of the daemon itself. No run can be called so: theirs have a dot and a number.
pub(super) const LEAF: &str = "daemon";

fn mounts() -> Result<String, String> {
    let bytes = fs::read("/proc/self/mountinfo").map_err(|error| format!("/proc/self/mountinfo: {error}"))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Root and mount point of a line of mountinfo if it is a cgroup2.
fn cgroup2(line: &str) -> Option<(String, String)> {
    let (before, after) = line.split_once(" - ")?;
    if after.split(' ').next()? != "cgroup2" {
        return None;
    }
    let mut fields = before.split(' ').skip(3);
    Some((unescape(fields.next()?), unescape(fields.next()?)))
}

/// Blanks and the like are written as `\040` in mountinfo.
fn unescape(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        match after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                plain.push(char::from(byte));
                rest = &after[3..];
            }
            None => {
                plain.push('\\');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}

/// Opens `cgroup.procs` of a directory for a child that enters by itself.
pub(super) fn open_procs(directory: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    Ok(openat(directory, "cgroup.procs", OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())?)
}

/// One cgroup, held open.
#[derive(Debug)]
pub(super) struct Cgroup {
    parent: Arc<Place>,
    name: Box<str>,
    directory: OwnedFd,
}

impl Cgroup {
    /// Makes it; it must not exist.
    pub(super) fn make(parent: &Arc<Place>, name: &str) -> io::Result<Self> {
        let path = parent.directory.join(name);
        fs::create_dir(&path).map_err(|error| because(&error, path.display()))?;
        Self::open(parent, name)
    }

    /// Opens one that exists.
    pub(super) fn open(parent: &Arc<Place>, name: &str) -> io::Result<Self> {
        let path = parent.directory.join(name);
        let flags = OFlag::O_DIRECTORY | OFlag::O_CLOEXEC | OFlag::O_RDONLY | OFlag::O_NOFOLLOW;
        let directory =
            nix::fcntl::open(&path, flags, Mode::empty()).map_err(|error| because(&error.into(), path.display()))?;
        Ok(Self { parent: parent.clone(), name: name.into(), directory })
    }

    /// Its directory. Thousands have one, so it is not kept.
    pub(super) fn path(&self) -> PathBuf {
        self.parent.directory.join(&*self.name)
    }

    /// The directory that it is in.
    pub(super) fn above(&self) -> &Path {
        &self.parent.directory
    }

    pub(super) fn door(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    fn read(&self, file: &str) -> io::Result<String> {
        let fd = openat(&self.directory, file, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?;
        let mut text = String::new();
        File::from(fd).take(FILE_BYTES_MAX).read_to_string(&mut text)?;
        Ok(text)
    }

    fn write(&self, file: &str, text: &str) -> io::Result<()> {
        let fd = openat(&self.directory, file, OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())?;
        File::from(fd).write_all(text.as_bytes())
    }

    /// All processes, those of cgroups below included.
    pub(super) fn pids(&self) -> io::Result<Vec<i32>> {
        let mut pids = numbers(&self.read("cgroup.procs")?);
        for below in below(&self.path()) {
            // A cgroup may go while we look.
            pids.extend(fs::read_to_string(below.join("cgroup.procs")).iter().flat_map(|text| numbers(text)));
        }
        pids.sort_unstable();
        pids.dedup();
        Ok(pids)
    }

    pub(super) fn is_empty(&self) -> io::Result<bool> {
        match self.read("cgroup.events") {
            Ok(text) => Ok(text.lines().any(|line| line == "populated 0")),
            Err(error) if is_gone(&error) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Whether a process is in here or below, by its own word.
    fn holds(&self, pid: i32) -> bool {
        let Ok(text) = fs::read_to_string(format!("/proc/{pid}/cgroup")) else { return false };
        let shown = text.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("");
        let rest = shown.strip_prefix(self.parent.shown.as_str()).and_then(|rest| rest.strip_prefix('/'));
        let rest = rest.and_then(|rest| rest.strip_prefix(&*self.name));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Signals every process in here, and what it makes meanwhile. Gives the number of those reached.
    pub(super) fn signal(&self, number: i32) -> io::Result<usize> {
        let members = || {
            let started = |pid| Some((pid, super::process::start_time(pid).ok()?));
            Ok(self.pids()?.into_iter().filter_map(started).collect())
        };
        each_once(members, |pid, started| {
            // Between the list and the handle the pid may have become somebody else's.
            Handle::open_exactly(pid, started).is_ok_and(|handle| self.holds(pid) && handle.signal(number).is_ok())
        })
    }

    /// Kills everything in here, and what it makes meanwhile.
    pub(super) fn kill(&self) -> io::Result<()> {
        match self.write("cgroup.kill", "1") {
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => self.kill_one_by_one(),
            Err(error) if is_gone(&error) => Ok(()),
            other => other,
        }
    }

    /// For kernels before 5.14, and a directory that is gone.
    fn kill_one_by_one(&self) -> io::Result<()> {
        if self.is_empty()? {
            return Ok(());
        }
        // Frozen, nobody forks; the kernel kills the frozen all the same. Without (before 5.2) the rounds must do.
        let frozen = self.write("cgroup.freeze", "1").is_ok();
        let mut result = Ok(());
        for _ in 0..ROUNDS_MAX {
            match self.signal(libc::SIGKILL) {
                Ok(0) => break,
                Ok(_) if frozen => break,
                Ok(_) => {}
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        if frozen {
            self.write("cgroup.freeze", "0")?;
        }
        result
    }

    /// Removes the directory and what the service made below it. `ResourceBusy` while processes are left.
    pub(super) fn remove(&self) -> io::Result<()> {
        let own = self.path();
        let mut inner = below(&own);
        inner.reverse();
        for path in inner.iter().chain([&own]) {
            match fs::remove_dir(path) {
                Err(error) if !is_gone(&error) => return Err(because(&error, path.display())),
                _ => {}
            }
        }
        Ok(())
    }

    /// What the memory controller counts, where it is mounted here.
    pub(super) fn memory(&self) -> Option<u64> {
        self.read("memory.current").ok()?.trim_end().parse().ok()
    }

    /// CPU time of all processes that are or were in here.
    pub(super) fn cpu(&self) -> Option<Duration> {
        let text = self.read("cpu.stat").ok()?;
        let micros = text.lines().find_map(|line| line.strip_prefix("usage_usec "))?;
        Some(Duration::from_micros(micros.parse().ok()?))
    }

    /// Sets a controller's file; `NotFound` where the controller is not here.
    pub(super) fn control(&self, file: &str, value: &str) -> io::Result<()> {
        self.write(file, value).map_err(|error| because(&error, self.path().join(file).display()))
    }
}

/// Every directory below, parents first.
fn below(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut level = vec![path.to_path_buf()];
    for _ in 0..DEPTH_MAX {
        let mut next = Vec::new();
        for parent in &level {
            let Ok(entries) = fs::read_dir(parent) else { continue };
            let directories = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
            next.extend(directories.map(|entry| entry.path()));
        }
        if next.is_empty() {
            break;
        }
        found.extend(next.iter().cloned());
        level = next;
    }
    found
}

/// Names of the directories right below.
pub(super) fn names(path: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.extend(entry.file_name().into_string());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Pids of a list; a process outside our pid namespace is shown as 0.
fn numbers(text: &str) -> Vec<i32> {
    text.lines().filter_map(|line| line.parse().ok()).filter(|pid| *pid > 0).collect()
}

/// Files of a removed cgroup are `ENODEV`, its path is `ENOENT`.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENODEV | libc::ENOENT))
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    File::options().write(true).open(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:3 - cgroup2 cgroup2 rw";

    fn found(mounts: &str, own: &str) -> Result<(String, String), String> {
        let place = Place::within(mounts, own, "main")?;
        Ok((place.directory.to_str().unwrap().to_owned(), place.shown))
    }

    #[test]
    fn trees_are_placed_below_our_own_cgroup_and_not_below_our_own_leaf() {
        let there = |a: &str, b: &str| Ok((a.to_owned(), b.to_owned()));
        let top = there("/sys/fs/cgroup/unified/svc/main", "/svc/main");
        assert_eq!(found(HYBRID, "9:cpu:/x\n0::/\n"), top);
        assert_eq!(found(HYBRID, "0::/svc/main/daemon\n"), top);
        let below = there("/sys/fs/cgroup/unified/user/7/svc/main", "/user/7/svc/main");
        assert_eq!(found(HYBRID, "0::/user/7\n"), below);
        let other = there("/sys/fs/cgroup/unified/svc/other/web.1/svc/main", "/svc/other/web.1/svc/main");
        assert_eq!(found(HYBRID, "0::/svc/other/web.1\n"), other);
    }

    #[test]
    fn a_tree_is_killed_one_by_one_where_the_kernel_cannot_do_it_at_once() {
        let place = Place::find(&format!("test-one-by-one-{}", std::process::id()));
        let place = match place.and_then(|place| place.prepare().map(|()| place).map_err(|error| error.to_string())) {
            Ok(place) => Arc::new(place),
            Err(reason) => return crate::sys::skipped(format_args!("killing a cgroup one by one: {reason}")),
        };
        let cgroup = Cgroup::make(&place, "web.1").unwrap();
        let mut launch = crate::Launch::new(c"/bin/sleep".to_owned(), vec![c"sleep".to_owned(), c"1000".to_owned()]);
        launch.tree = Some(cgroup.door());
        let mut spawner = super::super::spawn::Spawner::new().unwrap();
        let children: Vec<_> =
            (0..5).map(|_| spawner.spawn(&launch, super::super::spawn::Kin::Child).unwrap()).collect();
        assert_eq!(cgroup.pids().unwrap(), children.iter().map(Handle::pid).collect::<Vec<_>>());
        cgroup.kill_one_by_one().unwrap();
        for child in &children {
            // SAFETY: waits for a child of ours and asks for no status.
            assert_eq!(unsafe { libc::waitpid(child.pid(), std::ptr::null_mut(), 0) }, child.pid());
        }
        assert!(cgroup.is_empty().unwrap());
        cgroup.remove().unwrap();
        assert!(cgroup.is_empty().unwrap() && cgroup.kill().is_ok(), "one that is gone is empty");
        place.clear().unwrap();
    }

    #[test]
    fn a_mount_of_a_part_is_understood_and_one_that_leaves_us_out_is_refused() {
        let part = "50 40 0:30 /docker/ab /sys/fs/my\\040cgroup ro - cgroup2 cgroup rw";
        let there = ("/sys/fs/my cgroup/in/svc/main".to_owned(), "/docker/ab/in/svc/main".to_owned());
        assert_eq!(found(part, "0::/docker/ab/in"), Ok(there));
        assert!(found(part, "0::/docker/abc").unwrap_err().contains("not below"));
        assert!(found(HYBRID, "0::/../other").unwrap_err().contains("not below"));
        assert_eq!(found("", "0::/"), Err("no cgroup v2 is mounted".to_owned()));
        assert_eq!(found(HYBRID, "1:cpu:/\n"), Err("we are in no cgroup v2".to_owned()));
    }
}
