//! A root of its own: an overlay over each file system of the machine, and nothing else of it to be reached.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use nix::unistd::pivot_root;

use super::copies::{Copies, PLAIN, is_overlay};
use crate::sandbox::{Failure, Furnished, Layout, OURS, OWN, Place};
use crate::sys::check;

/// Directories that many systems have only below `/usr`, with links to them; packages may still have them as such.
const MERGED: [&str; 6] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];
/// What is mounted anew inside, whatever lies there outside.
const PRIVATE: [&str; 5] = ["proc", "sys", "dev", "run", "tmp"];
/// Kinds of file systems that hold nothing of a system's own.
const UNREAL: [&str; 17] = [
    "proc",
    "sysfs",
    "devtmpfs",
    "devpts",
    "cgroup",
    "cgroup2",
    "mqueue",
    "debugfs",
    "tracefs",
    "securityfs",
    "pstore",
    "bpf",
    "hugetlbfs",
    "autofs",
    "binfmt_misc",
    "configfs",
    "fusectl",
];
/// Devices that do nothing to anybody.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
/// Where the pieces can be put together: a directory that every system has, seen by nobody else by then.
const BENCHES: [&str; 4] = ["/mnt", "/run", "/tmp", "/var"];

/// Makes the root of this place and enters it. Nothing of the old one can be reached by a path after that.
///
/// # Errors
///
/// With what was being done; the kernel's own.
///
/// Source: mount(2), pivot_root(2), the kernel's overlayfs.
pub fn furnish(layout: &Layout) -> Result<Furnished, Failure> {
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).map_err(|errno| Failure::at("/", errno))?;
    let own = open_path(&layout.own).map_err(|error| Failure::at(layout.own.display(), error))?;
    let sources = sources(&layout.lowers)?;
    let bench = Path::new(BENCHES.into_iter().find(|path| Path::new(path).is_dir()).unwrap_or("/"));
    let devices = devices();
    let room = format!("mode=0755,size={}", layout.room);
    let fresh = |step: &str, errno: nix::errno::Errno| {
        Failure::at(format!("making room at {}, {step}", bench.display()), errno)
    };
    mount(Some("svc"), bench, Some("tmpfs"), PLAIN, Some(room.as_str())).map_err(|errno| fresh("tmpfs", errno))?;
    let root = bench.join("root");
    make(&root, 0o755)?;
    let (mut places, mut left_out, mut copies) = (Vec::new(), Vec::new(), Copies::new(bench));
    for (at, source) in sources.into_iter().enumerate() {
        let path = source.path.clone();
        match lay(bench, &root, (at, source), &mut copies) {
            Ok(place) => places.push(place),
            Err(failure) if at == 0 => return Err(failure),
            // It may be of a kind that nothing can be laid over; then it is not there.
            Err(_) => left_out.push(path.display().to_string()),
        }
    }
    privates(&root, &devices)?;
    enter(&root)?;
    make(Path::new(OURS), 0o777)?;
    File::create(OWN).map_err(|error| Failure::at(OWN, error))?;
    bind(Path::new(&of(&own)), Path::new(OWN)).map_err(|error| Failure::at(format!("showing {OWN}"), error))?;
    umount2(".", MntFlags::MNT_DETACH).map_err(|errno| Failure::at("leaving the old root", errno))?;
    std::env::set_current_dir("/").map_err(|error| Failure::at("/", error))?;
    // Nobody needs it who does not use the network; then the daemon says so.
    let _up = loopback();
    Ok(Furnished { places, left_out, copied: copies.copied })
}

/// Shows one file in the place of another, which has to be there.
///
/// # Errors
///
/// The kernel's own.
///
/// Source: mount(2), `MS_BIND`.
pub fn bind(from: &Path, to: &Path) -> io::Result<()> {
    Ok(mount(Some(from), to, None::<&str>, MsFlags::MS_BIND, None::<&str>)?)
}

/// One file system, and what is to be laid over it.
struct Source {
    /// From the root; `/` for the root itself.
    path: PathBuf,
    lowers: Vec<OwnedFd>,
    /// How those over the last one are called.
    names: Vec<String>,
    /// Names that are links to those below `usr`, whatever a layer has in their place.
    links: Vec<&'static str>,
}

/// The root and every file system below it that is part of the system.
fn sources(lowers: &[PathBuf]) -> Result<Vec<Source>, Failure> {
    let open = |path: &Path| open_path(path).map_err(|error| Failure::at(path.display(), error));
    let (base, layers) = lowers.split_last().ok_or_else(|| Failure::at("the root", io::ErrorKind::InvalidInput))?;
    let base = fs::canonicalize(base).map_err(|error| Failure::at(base.display(), error))?;
    let table = fs::read_to_string("/proc/self/mountinfo").map_err(|error| Failure::at("mountinfo", error))?;
    let mut paths = BTreeSet::from([PathBuf::from("/")]);
    for line in table.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let kind = words.iter().position(|word| *word == "-").and_then(|at| words.get(at + 1)).copied().unwrap_or("");
        let point = PathBuf::from(words.get(4).copied().unwrap_or("").replace("\\040", " "));
        let Ok(below) = point.strip_prefix(&base) else { continue };
        let first = below.components().next();
        let private = matches!(first, Some(Component::Normal(name)) if PRIVATE.iter().any(|path| name == *path));
        if first.is_some() && !private && !UNREAL.contains(&kind) && point.is_dir() {
            paths.insert(Path::new("/").join(below));
        }
    }
    let merged: Vec<&'static str> = MERGED
        .into_iter()
        .filter(|name| fs::read_link(base.join(name)).is_ok_and(|target| target == Path::new("usr").join(name)))
        .filter(|name| {
            layers.iter().any(|layer| fs::symlink_metadata(layer.join(name)).is_ok_and(|found| found.is_dir()))
        })
        .collect();
    paths.extend(merged.iter().map(|name| Path::new("/usr").join(name)));
    let mut all = Vec::new();
    for path in paths {
        let below = path.strip_prefix("/").unwrap_or(&path).to_path_buf();
        let other =
            below.strip_prefix("usr").ok().filter(|name| merged.iter().any(|merged| *name == Path::new(merged)));
        let names = || other.into_iter().chain([below.as_path()]);
        let (mut lowers, mut shown) = (Vec::new(), Vec::new());
        for layer in layers.iter().flat_map(|layer| names().map(|name| layer.join(name))).filter(|layer| layer.is_dir())
        {
            lowers.push(open(&layer)?);
            shown.push(layer.display().to_string());
        }
        lowers.push(open(&base.join(&below))?);
        let links = if all.is_empty() { merged.clone() } else { Vec::new() };
        all.push(Source { path, lowers, names: shown, links });
    }
    Ok(all)
}

/// Lays something to write on over one file system.
fn lay(bench: &Path, root: &Path, (at, source): (usize, Source), copies: &mut Copies) -> Result<Place, Failure> {
    let shown = source.path.display().to_string();
    let (upper, work) = (bench.join(format!("upper{at}")), bench.join(format!("work{at}")));
    let below = source.path.strip_prefix("/").unwrap_or(&source.path);
    let target = root.join(below);
    if at > 0 && !target.is_dir() {
        return Err(Failure::at(shown, io::ErrorKind::NotFound));
    }
    make(&work, 0o700)?;
    make(&upper, 0o755)?;
    // What is written there looks as what it lies over.
    let lower = source.lowers.last().expect("a root has a file system");
    copy_owner(lower, &upper).map_err(|error| Failure::at(&shown, error))?;
    let mut lowers: Vec<String> = source.lowers.iter().map(of).collect();
    let stacked = is_overlay(Path::new(&of(lower)));
    if lowers.len() > 1 && stacked {
        for (lower, name) in lowers.iter_mut().zip(&source.names) {
            *lower = copies.copy(Path::new(lower), name)?.display().to_string();
        }
    } else if lowers.len() > 1 {
        let base = hidden_base(bench, at, lower).map_err(|failure| failure.of(&shown))?;
        lowers.pop();
        lowers.push(base);
    }
    if !source.links.is_empty() {
        let links = bench.join(format!("links{at}"));
        make(&links, 0o755)?;
        copy_owner(lower, &links).map_err(|error| Failure::at(&shown, error))?;
        for name in &source.links {
            symlink(Path::new("usr").join(name), links.join(name)).map_err(|error| Failure::at(name, error))?;
        }
        lowers.insert(0, links.display().to_string());
    }
    let options = format!(
        "lowerdir={},upperdir={},workdir={},index=off,redirect_dir=off,metacopy=off",
        lowers.join(":"),
        upper.display(),
        work.display()
    );
    mount(Some("svc"), &target, Some("overlay"), PLAIN, Some(options.as_str()))
        .map_err(|errno| Failure::at(format!("laying an overlay over {shown}{}", depth(stacked)), errno))?;
    let upper = open_path(&upper).map_err(|error| Failure::at(&shown, error))?;
    let mut lowers = Vec::new();
    for (number, lower) in source.lowers.iter().enumerate() {
        lowers.push(only_to_look(bench, &format!("look{at}-{number}"), lower).map_err(|failure| failure.of(&shown))?);
    }
    Ok(Place { path: source.path, upper, lowers })
}

/// What may be the matter where the kernel refuses: it says no more than that an argument is not valid.
fn depth(stacked: bool) -> &'static str {
    if stacked { " (an overlay already: the kernel stacks two, and no third)" } else { "" }
}

/// What is below is kept open to be looked at. A program inside that gets at our descriptors is to find nothing behind
/// them that it could write to.
fn only_to_look(bench: &Path, name: &str, lower: &OwnedFd) -> Result<OwnedFd, Failure> {
    let (at, none) = (bench.join(name), None::<&str>);
    make(&at, 0o755)?;
    let fault = |errno: nix::errno::Errno| Failure::at("keeping what is below to be looked at", errno);
    mount(Some(Path::new(&of(lower))), &at, none, MsFlags::MS_BIND, none).map_err(fault)?;
    let flags = PLAIN | MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | MsFlags::MS_NOEXEC;
    mount(none, &at, none, flags, none).map_err(fault)?;
    open_path(&at).map_err(|error| Failure::at(name, error))
}

/// A tree within the base cannot be laid over it, as the one would lie below the other. Over something that only shows
/// the base it can.
fn hidden_base(bench: &Path, at: usize, base: &OwnedFd) -> Result<String, Failure> {
    let (empty, shown) = (bench.join(format!("empty{at}")), bench.join(format!("base{at}")));
    make(&empty, 0o755)?;
    make(&shown, 0o755)?;
    copy_owner(base, &empty).map_err(|error| Failure::at("its owner", error))?;
    let options = format!("lowerdir={}:{}", empty.display(), of(base));
    mount(Some("svc"), &shown, Some("overlay"), PLAIN | MsFlags::MS_RDONLY, Some(options.as_str()))
        .map_err(|errno| Failure::at("showing what is below", errno))?;
    Ok(shown.display().to_string())
}

fn copy_owner(from: &OwnedFd, to: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    let found = fs::metadata(of(from))?;
    chown(to, Some(found.uid()), Some(found.gid()))?;
    fs::set_permissions(to, fs::Permissions::from_mode(found.mode() & 0o7777))
}

/// Processes, kernel, devices and what lives as long as the machine is up: all its own.
fn privates(root: &Path, devices: &[(&str, OwnedFd)]) -> Result<(), Failure> {
    let quiet = PLAIN | MsFlags::MS_NOEXEC;
    for (name, kind, flags, data) in [
        // Whoever is root here may not write to it: most of it is the machine's.
        ("proc", "proc", quiet | MsFlags::MS_RDONLY, None),
        ("sys", "sysfs", quiet | MsFlags::MS_RDONLY, None),
        ("dev", "tmpfs", MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC, Some("mode=0755,size=1m")),
        ("run", "tmpfs", PLAIN, Some("mode=0755,size=64m")),
        ("tmp", "tmpfs", PLAIN, Some("mode=1777,size=256m")),
    ] {
        let target = root.join(name);
        if fs::symlink_metadata(&target).is_ok_and(|found| !found.is_dir()) {
            fs::remove_file(&target).map_err(|error| Failure::at(target.display(), error))?;
        }
        make(&target, 0o755)?;
        mount(Some(kind), &target, Some(kind), flags, data)
            .map_err(|errno| Failure::at(format!("mounting /{name}"), errno))?;
    }
    for (path, mode) in [("dev/pts", 0o755), ("dev/shm", 0o1777), ("run/lock", 0o1777), ("run/lock/lsb", 0o755)] {
        make(&root.join(path), mode)?;
    }
    for (name, device) in devices {
        let target = root.join("dev").join(name);
        let shown = |error: io::Error| Failure::at(format!("/dev/{name}"), error);
        File::create(&target).map_err(shown)?;
        bind(Path::new(&of(device)), &target).map_err(shown)?;
    }
    // Databases share more with their processes than the rest of these needs.
    let shared = Some("mode=1777,size=256m");
    mount(Some("tmpfs"), &root.join("dev/shm"), Some("tmpfs"), quiet, shared)
        .map_err(|errno| Failure::at("mounting /dev/shm", errno))?;
    let pts = root.join("dev/pts");
    let data = Some("newinstance,ptmxmode=0666,mode=0620");
    // A daemon without a terminal is none the worse for it.
    let _terminals = mount(Some("devpts"), &pts, Some("devpts"), MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC, data);
    for (name, target) in [
        ("ptmx", "pts/ptmx"),
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ] {
        symlink(target, root.join("dev").join(name)).map_err(|error| Failure::at(format!("/dev/{name}"), error))?;
    }
    Ok(())
}

fn devices() -> Vec<(&'static str, OwnedFd)> {
    let open = |name: &&'static str| Some((*name, open_path(&Path::new("/dev").join(name)).ok()?));
    DEVICES.iter().filter_map(open).collect()
}

/// Makes it the root; the old one lies under the working directory until it is taken away.
fn enter(root: &Path) -> Result<(), Failure> {
    let none = None::<&str>;
    let bound = MsFlags::MS_BIND | MsFlags::MS_REC;
    // Only a mount can become the root, and the overlay already is one.
    std::env::set_current_dir(root).map_err(|error| Failure::at(root.display(), error))?;
    if pivot_root(".", ".").is_ok() {
        return Ok(());
    }
    mount(Some("."), ".", none, bound, none).map_err(|errno| Failure::at("making a root", errno))?;
    pivot_root(".", ".").map_err(|errno| Failure::at("changing the root", errno))
}

/// Makes a directory, if it is not there.
fn make(path: &Path, mode: u32) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt;
    let made = match DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        // The umask has no say in it.
        made => made.and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode))),
    };
    made.map_err(|error| Failure::at(path.display(), error))
}

/// A place in a file system that stays when its path is gone.
fn open_path(path: &Path) -> io::Result<OwnedFd> {
    Ok(fs::File::options().read(true).custom_flags(libc::O_PATH).open(path)?.into())
}

/// The path by which it can be reached.
fn of(fd: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

/// The network has only this, and it is up.
fn loopback() -> io::Result<()> {
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    let mut name = [0; libc::IFNAMSIZ];
    for (place, byte) in name.iter_mut().zip(b"lo") {
        *place = *byte as libc::c_char;
    }
    let flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    let request = libc::ifreq { ifr_name: name, ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_flags: flags } };
    // SAFETY: this request reads an ifreq, and lives as long as the call takes.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as libc::Ioctl, &raw const request) })?;
    Ok(())
}
