//! Files shown to one program and what it starts: an overlay over the nearest directory that is there, in a mount
//! namespace of its own. What the program writes beside them is carried over when it is done, and the overlay goes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};

use crate::lend::Wanted;
use crate::sandbox::Failure;

/// What is shown, until it is given back.
#[derive(Debug)]
pub struct Lent {
    places: Vec<Place>,
}

/// A directory over which something lies.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    /// The directory itself.
    real: OwnedFd,
    /// What is written into it meanwhile.
    upper: OwnedFd,
    /// What was in it when it was covered.
    before: Before,
}

/// What is in a directory at one moment.
#[derive(Debug, Default)]
struct Before {
    /// What is shown as it is: directories, and what another file system has in a place.
    shown: Vec<OsString>,
    /// All the rest.
    covered: BTreeMap<OsString, Stamp>,
}

/// What tells a file that changed from one that did not: its kind and mode, its length, and both its times.
type Stamp = (u32, u64, (i64, i64), (i64, i64));

fn stamp(of: &fs::Metadata) -> Stamp {
    (of.mode(), of.len(), (of.mtime(), of.mtime_nsec()), (of.ctime(), of.ctime_nsec()))
}

/// Files by the nearest directory that is there, each with its path from there.
type Wishes<'a> = BTreeMap<PathBuf, Vec<(PathBuf, &'a str)>>;

/// Shows these files to this process and what it starts. `bench` is a directory of ours; nobody else sees what is done
/// there. To be called by a program with one thread only.
///
/// Directories beside the files are the machine's own, at once and for good. Of other entries in the same directory
/// what is written shows outside when they are given back; what was changed outside meanwhile is not written over.
///
/// # Errors
///
/// `EPERM` without the privilege to mount; `ENODEV` for a kernel without overlayfs; otherwise the kernel's own.
///
/// Source: unshare(2), mount(2), the kernel's overlayfs.
pub fn lend(bench: &Path, files: &[Wanted<'_>]) -> Result<Lent, Failure> {
    let none = None::<&str>;
    let mut wishes = Wishes::new();
    for file in files {
        let (place, rest) = nearest(file.path)?;
        wishes.entry(place).or_default().push((rest, file.text));
    }
    unshare(CloneFlags::CLONE_NEWNS).map_err(|errno| Failure::at("making a mount namespace", errno))?;
    // What is mounted outside is to be seen here, and nothing of this there.
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_SLAVE, none)
        .map_err(|errno| Failure::at("parting from other namespaces", errno))?;
    // From here on, and before anything lies over them.
    let mut reals = Vec::new();
    for path in wishes.keys() {
        let opened = open_path(path).and_then(|real| Ok((entries(&of(&real))?, real)));
        reals.push(opened.map_err(|error| Failure::at(path.display(), error))?);
    }
    let fresh = |errno| Failure::at(format!("making room at {}", bench.display()), errno);
    let plain = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("svc"), bench, Some("tmpfs"), plain, Some("mode=0700,size=64m")).map_err(fresh)?;
    let mut places = Vec::new();
    for (at, ((path, wished), (before, real))) in wishes.into_iter().zip(reals).enumerate() {
        let failure = |error: io::Error| Failure::at(format!("laying files over {}", path.display()), error);
        let upper = lay(&bench.join(at.to_string()), &path, &wished, &real).map_err(failure)?;
        for name in &before.shown {
            let (from, to) = (of(&real).join(name), path.join(name));
            mount(Some(&from), &to, none, MsFlags::MS_BIND | MsFlags::MS_REC, none)
                .map_err(|errno| Failure::at(format!("showing {}", to.display()), errno))?;
        }
        places.push(Place { path, real, upper, before });
    }
    // The overlays hold what they are made of.
    umount2(bench, MntFlags::MNT_DETACH).map_err(fresh)?;
    Ok(Lent { places })
}

/// The nearest directory above a path that is there, and the path from it.
fn nearest(path: &Path) -> Result<(PathBuf, PathBuf), Failure> {
    let found = path.ancestors().skip(1).find_map(|above| {
        let real = fs::canonicalize(above).ok().filter(|real| real.is_dir())?;
        Some((real, path.strip_prefix(above).ok()?.to_path_buf()))
    });
    found.ok_or_else(|| Failure::at(path.display(), io::ErrorKind::InvalidInput))
}

/// What is in a directory now.
fn entries(directory: &Path) -> io::Result<Before> {
    let device = fs::metadata(directory)?.dev();
    let mut before = Before::default();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        // It may be gone by now.
        let Ok(found) = fs::symlink_metadata(entry.path()) else { continue };
        if found.is_dir() || (found.dev() != device && !found.is_symlink()) {
            before.shown.push(entry.file_name());
        } else {
            before.covered.insert(entry.file_name(), stamp(&found));
        }
    }
    Ok(before)
}

/// Lays these files, and something to write on, over a directory.
fn lay(bench: &Path, path: &Path, wished: &[(PathBuf, &str)], real: &OwnedFd) -> io::Result<OwnedFd> {
    let [ours, upper, work] = ["ours", "upper", "work"].map(|name| bench.join(name));
    for directory in [&ours, &upper, &work] {
        make(directory)?;
    }
    let looks = fs::metadata(of(real))?;
    chown(&upper, Some(looks.uid()), Some(looks.gid()))?;
    fs::set_permissions(&upper, fs::Permissions::from_mode(looks.mode() & 0o7777))?;
    for (rest, text) in wished {
        let file = ours.join(rest);
        make(file.parent().unwrap_or(&ours))?;
        fs::write(&file, text)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644))?;
    }
    // By number, for a path could hold what parts options.
    let [ours, upper, work] = [open_path(&ours)?, open_path(&upper)?, open_path(&work)?];
    let [ours_at, upper_at, work_at, real_at] = [&ours, &upper, &work, real].map(|fd| of(fd).display().to_string());
    let options = format!(
        "lowerdir={ours_at}:{real_at},upperdir={upper_at},workdir={work_at},index=off,redirect_dir=off,metacopy=off"
    );
    mount(Some("svc"), path, Some("overlay"), MsFlags::empty(), Some(options.as_str()))?;
    Ok(upper)
}

fn make(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o755).create(path)
}

impl Lent {
    /// Carries over what was written beside the files, and shows the directories as they are from then on, also to
    /// what was started meanwhile. What could not be carried over is told.
    ///
    /// Source: umount2(2), `MNT_DETACH`.
    pub fn give_back(self) -> Vec<String> {
        let mut faults = Vec::new();
        for place in self.places.iter().rev() {
            carry(&of(&place.upper), &of(&place.real), &place.path, &place.before.covered, &mut faults);
            if let Err(errno) = umount2(&place.path, MntFlags::MNT_DETACH) {
                faults.push(format!("showing {} as it is: {errno}", place.path.display()));
            }
        }
        faults
    }
}

/// Makes every change of one directory in another, of which `before` says what was in it; `shown` is what messages call
/// it.
fn carry(from: &Path, to: &Path, shown: &Path, before: &BTreeMap<OsString, Stamp>, faults: &mut Vec<String>) {
    let names = match fs::read_dir(from) {
        Ok(names) => names.flatten().map(|entry| entry.file_name()),
        Err(error) => return faults.push(format!("{}: {error}", shown.display())),
    };
    for name in names {
        let (from, to, shown) = (from.join(&name), to.join(&name), shown.join(&name));
        match carry_one(&from, &to, before.get(&name)) {
            Ok(Carried::Done) => {}
            // Directories that were there are not covered: this one is new, and whatever is in its like, too.
            Ok(Carried::Directory) => carry(&from, &to, &shown, &BTreeMap::new(), faults),
            Ok(Carried::Beside(path)) => {
                let (shown, copy) = (shown.display(), shown.with_file_name(path.file_name().unwrap_or_default()));
                let copy = copy.display();
                faults.push(format!("{shown} was changed meanwhile and stays; what was written to it is in {copy}"));
            }
            Ok(Carried::Kept) => {
                faults.push(format!("{} was changed meanwhile and stays; it was to be removed", shown.display()));
            }
            Err(error) => faults.push(format!("what was written to {} is lost: {error}", shown.display())),
        }
    }
}

/// What became of an entry.
enum Carried {
    Done,
    /// There is more to be done.
    Directory,
    /// Somebody else changed it: it is in another place.
    Beside(PathBuf),
    /// Somebody else changed it: it was not removed.
    Kept,
}

fn carry_one(from: &Path, to: &Path, before: Option<&Stamp>) -> io::Result<Carried> {
    let new = fs::symlink_metadata(from)?;
    let old = fs::symlink_metadata(to).ok();
    let kind = new.file_type();
    // One that is gone is no loss if it is written anew.
    let is_changed = old.as_ref().is_some_and(|old| before != Some(&stamp(old)));
    // What is gone lies there as a device of this number.
    if kind.is_char_device() && new.rdev() == 0 {
        return match old {
            Some(_) if is_changed => Ok(Carried::Kept),
            Some(_) => fs::remove_file(to).map(|()| Carried::Done),
            None => Ok(Carried::Done),
        };
    }
    if kind.is_dir() {
        if old.is_none() {
            fs::create_dir(to)?;
        }
        looks_like(to, &new)?;
        return Ok(Carried::Directory);
    }
    let beside = beside(to);
    if kind.is_symlink() {
        let aim = fs::read_link(from)?;
        if fs::read_link(to).is_ok_and(|found| found == aim) {
            return Ok(Carried::Done);
        }
        symlink(aim, &beside)?;
    } else if kind.is_file() {
        let same = old.is_some_and(|old| {
            let looks = |found: &fs::Metadata| (found.file_type(), found.mode(), found.uid(), found.gid(), found.len());
            looks(&old) == looks(&new)
        });
        // Opening it to write, or a new time alone, has copied it up as well.
        if same && fs::read(from)? == fs::read(to)? {
            return Ok(Carried::Done);
        }
        fs::copy(from, &beside)?;
        looks_like(&beside, &new)?;
    } else {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "it is neither a file, a directory nor a link"));
    }
    if is_changed {
        return Ok(Carried::Beside(settle(&beside, to)));
    }
    fs::rename(&beside, to).map(|()| Carried::Done)
}

/// Moves it to the first name of ours beside `path` that is free. It begins with a dot, for every other file of that
/// directory may be taken for a script.
fn settle(from: &Path, path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default();
    for number in 1..=u32::MAX {
        let mut free = OsString::from(".");
        free.push(name);
        free.push(format!(".svc-{number}"));
        let free = path.with_file_name(free);
        match fs::hard_link(from, &free) {
            Ok(()) => {
                // Two names are one too many, no more.
                fs::remove_file(from).ok();
                return free;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            // A file system without such links: it is safe where it is.
            Err(_) => break,
        }
    }
    from.to_path_buf()
}

fn looks_like(path: &Path, wanted: &fs::Metadata) -> io::Result<()> {
    chown(path, Some(wanted.uid()), Some(wanted.gid()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(wanted.mode() & 0o7777))
}

/// A name of ours in the same directory.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".svc.{}", std::process::id()));
    path.with_file_name(name)
}

/// A place in a file system that stays whatever lies over its path.
fn open_path(path: &Path) -> io::Result<OwnedFd> {
    Ok(fs::File::options().read(true).custom_flags(libc::O_PATH).open(path)?.into())
}

/// The path by which it can be reached.
fn of(fd: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", fd.as_raw_fd()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_carried_over_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::create_dir_all(from.join("new/inner")).unwrap();
        fs::create_dir(&to).unwrap();
        fs::write(to.join("kept"), "old").unwrap();
        fs::write(to.join("changed"), "old").unwrap();
        fs::write(from.join("changed"), "new").unwrap();
        fs::write(from.join("new/inner/file"), "text").unwrap();
        fs::set_permissions(from.join("new/inner/file"), fs::Permissions::from_mode(0o600)).unwrap();
        symlink("changed", from.join("link")).unwrap();
        let mut faults = Vec::new();
        let before = entries(&to).unwrap();
        carry(&from, &to, Path::new("/x"), &before.covered, &mut faults);
        assert_eq!(faults, [""; 0]);
        assert_eq!(fs::read_to_string(to.join("kept")).unwrap(), "old");
        assert_eq!(fs::read_to_string(to.join("link")).unwrap(), "new");
        assert_eq!(fs::metadata(to.join("new/inner/file")).unwrap().mode() & 0o777, 0o600);
        let names = fs::read_dir(&to).unwrap().count();
        assert_eq!(names, 4, "nothing is left of the way there");
    }

    #[test]
    fn what_somebody_else_changed_meanwhile_stays() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::create_dir(&from).unwrap();
        fs::create_dir(&to).unwrap();
        for name in ["conf", "touched", "mode"] {
            fs::write(to.join(name), "old").unwrap();
            fs::set_permissions(to.join(name), fs::Permissions::from_mode(0o644)).unwrap();
        }
        symlink("conf", to.join("link")).unwrap();
        let before = entries(&to).unwrap();
        assert_eq!((before.shown.len(), before.covered.len()), (0, 4));
        for (name, text) in [("conf", "ours"), ("touched", "old"), ("mode", "old"), ("new", "ours")] {
            fs::write(from.join(name), text).unwrap();
            fs::set_permissions(from.join(name), fs::Permissions::from_mode(0o644)).unwrap();
        }
        fs::set_permissions(from.join("mode"), fs::Permissions::from_mode(0o600)).unwrap();
        symlink("new", from.join("link")).unwrap();
        for name in ["conf", "new"] {
            fs::write(to.join(name), "of somebody else").unwrap();
        }
        let inode = |name: &str| fs::symlink_metadata(to.join(name)).unwrap().ino();
        let touched = inode("touched");
        let mut faults = Vec::new();
        fs::write(to.join(".conf.svc-1"), "earlier").unwrap();
        carry(&from, &to, Path::new("/x"), &before.covered, &mut faults);
        faults.sort();
        let told = |name: &str, number: u8| {
            format!("/x/{name} was changed meanwhile and stays; what was written to it is in /x/.{name}.svc-{number}")
        };
        assert_eq!(faults, [told("conf", 2), told("new", 1)]);
        let text = |name: &str| fs::read_to_string(to.join(name)).unwrap();
        assert_eq!((text("conf"), text("new")), ("of somebody else".into(), "of somebody else".into()));
        assert_eq!((text(".conf.svc-1"), text(".conf.svc-2")), ("earlier".into(), "ours".into()));
        assert_eq!(text(".new.svc-1"), "ours");
        assert_eq!(inode("touched"), touched, "the same file as before");
        assert_eq!(fs::metadata(to.join("mode")).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("new"));
        assert_eq!(fs::read_dir(&to).unwrap().count(), 8, "nothing is left of the way there");
    }

    #[test]
    fn a_path_is_known_from_the_nearest_directory_that_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let real = fs::canonicalize(dir.path()).unwrap();
        fs::create_dir(real.join("etc")).unwrap();
        symlink("etc", real.join("link")).unwrap();
        let found = nearest(&real.join("link/rc.d/init.d/functions")).unwrap();
        assert_eq!(found, (real.join("etc"), PathBuf::from("rc.d/init.d/functions")));
    }
}
