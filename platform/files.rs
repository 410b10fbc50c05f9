//! Files that must be whole, must be ours, or must not hang us; and the descriptors they need.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::{fmt, process};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, Flock, FlockArg, OFlag, fcntl};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::os::limits::from_system;
use crate::sys::because;

/// Puts `bytes` into a file in one step: a reader, or a machine that lost its power, sees the old content or the new.
/// Where that fails, the old is kept. A symbolic link is followed and kept.
///
/// # Errors
///
/// The kernel's own, with the path: no space, no permission.
///
/// Source: rename(2), fsync(2).
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let fresh = beside(&target);
    let result = write_whole(&fresh, bytes, mode).and_then(|()| fs::rename(&fresh, &target));
    if let Err(error) = result {
        // Not there if it could not be made.
        let _absent = fs::remove_file(&fresh);
        return Err(because(&error, path.display()));
    }
    File::open(directory)?.sync_all().map_err(|error| because(&error, directory.display()))
}

/// The name under which a file is written before it takes its place.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.new", process::id()));
    path.with_file_name(name)
}

fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    // Left by a process of the same number that was killed here.
    let _absent = fs::remove_file(path);
    let mut file = File::options().write(true).create_new(true).mode(mode).open(path)?;
    // The mode at creation is cut by the umask.
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a directory, and those above it, with these permissions, if it is not there. One that is there stays as it is.
///
/// # Errors
///
/// The kernel's own, with the path.
///
/// Source: mkdir(2).
pub fn make_directory(path: &Path, mode: u32) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let made = fs::DirBuilder::new().recursive(true).mode(mode).create(path);
    let made = made.and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)));
    made.map_err(|error| because(&error, path.display()))
}

/// Why a file is not trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mistrust {
    /// It belongs to somebody who is neither root nor us.
    Owner {
        /// The file, or its directory.
        path: PathBuf,
        /// Whose it is.
        uid: u32,
    },
    /// Somebody else may write to it.
    Writable {
        /// The file, or its directory.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
}

impl fmt::Display for Mistrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner { path, uid } => {
                write!(f, "{} belongs to user {uid}, who is neither root nor us; change its owner", path.display())
            }
            Self::Writable { path, mode } => {
                write!(f, "{} is writable by others (mode {mode:04o}); chmod go-w it", path.display())
            }
        }
    }
}

/// Sees whether a file, where its links lead, and the directories of both belong to root or to us and are writable by
/// nobody else. Root's group counts as root.
///
/// # Errors
///
/// The kernel's own, with the path.
///
/// Source: stat(2).
pub fn check_owner(path: &Path) -> io::Result<Result<(), Mistrust>> {
    let target = fs::canonicalize(path).map_err(|error| because(&error, path.display()))?;
    let parent = |path: &Path| path.parent().map(Path::to_path_buf);
    let places = [parent(path).filter(|parent| !parent.as_os_str().is_empty()), parent(&target), Some(target)];
    for place in places.into_iter().flatten() {
        let found = fs::metadata(&place).map_err(|error| because(&error, place.display()))?;
        let uid = found.uid();
        if uid != 0 && uid != nix::unistd::geteuid().as_raw() {
            return Ok(Err(Mistrust::Owner { path: place, uid }));
        }
        let others = if found.gid() == 0 { 0o002 } else { 0o022 };
        if found.mode() & others != 0 {
            return Ok(Err(Mistrust::Writable { path: place, mode: found.mode() & 0o7777 }));
        }
    }
    Ok(Ok(()))
}

/// Reads a whole regular file of at most `bytes_max` bytes; a pipe or a device cannot make it hang.
///
/// # Errors
///
/// `InvalidInput` for what is not a regular file, `FileTooLarge` for one too long, the kernel's own; all with the path.
///
/// Source: open(2), `O_NONBLOCK`.
pub fn read_regular(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;
    let file =
        File::options().read(true).custom_flags(flags).open(path).map_err(|error| because(&error, path.display()))?;
    let found = file.metadata()?;
    if !found.is_file() {
        let text = format!("{}: not a regular file", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let mut bytes = Vec::new();
    if found.len() <= bytes_max {
        file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(|error| because(&error, path.display()))?;
    }
    if found.len().max(bytes.len() as u64) > bytes_max {
        let text = format!("{}: {} bytes, more than the {bytes_max} it may have", path.display(), found.len());
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    Ok(bytes)
}

/// What makes sure that there is only one of us. It lasts as long as this, or a copy of its descriptor in another of
/// our processes.
#[derive(Debug)]
pub struct Lock {
    file: Flock<File>,
}

/// Why a [`Lock`] is not to be had.
#[derive(Debug)]
pub enum LockError {
    /// Another of us has it.
    Held {
        /// The lock's path.
        path: PathBuf,
        /// Who; `None` if it has not said yet.
        pid: Option<i32>,
    },
    /// The system did not let us.
    System(io::Error),
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { path, pid: Some(pid) } => {
                write!(f, "another svcd is already here (pid {pid}, {})", path.display())
            }
            Self::Held { path, pid: None } => write!(f, "another svcd is already here ({})", path.display()),
            Self::System(source) => write!(f, "{source}"),
        }
    }
}

impl std::error::Error for LockError {}

impl Lock {
    /// Takes the lock at this path and writes our pid into it; never waits.
    ///
    /// # Errors
    ///
    /// [`LockError::Held`]; the kernel's own, with the path.
    ///
    /// Source: flock(2).
    pub fn take(path: &Path) -> Result<Self, LockError> {
        let system = |error: io::Error| LockError::System(because(&error, path.display()));
        let options = File::options().read(true).write(true).create(true).truncate(false).mode(0o644).clone();
        let file = options.open(path).map_err(system)?;
        let mut file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(file) => file,
            Err((mut file, Errno::EWOULDBLOCK)) => {
                let mut text = String::new();
                // What cannot be read is not known.
                let _unknown = file.read_to_string(&mut text);
                return Err(LockError::Held { path: path.to_path_buf(), pid: text.trim_end().parse().ok() });
            }
            Err((_, error)) => return Err(system(error.into())),
        };
        file.set_len(0).map_err(system)?;
        file.write_all(format!("{}\n", process::id()).as_bytes()).map_err(system)?;
        Ok(Self { file })
    }
}

impl AsFd for Lock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Lets us have as many descriptors as we may, and gives that number. What we launch gets it too, unless its limits say
/// otherwise: see [`open_files`] for what it was before.
///
/// # Errors
///
/// The kernel's own; none is expected.
///
/// Source: setrlimit(2), `RLIMIT_NOFILE`.
pub fn raise_open_files() -> io::Result<u64> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    Ok(from_system(hard))
}

/// How many descriptors we have at most, and how many we may have.
///
/// # Errors
///
/// The kernel's own; none is expected.
///
/// Source: getrlimit(2), `RLIMIT_NOFILE`.
pub fn open_files() -> io::Result<(u64, u64)> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok((from_system(soft), from_system(hard)))
}

/// A descriptor kept for the moment when there is none left: to accept a client and tell it so.
#[derive(Debug)]
pub struct Spare {
    fd: Option<OwnedFd>,
}

impl Spare {
    /// Keeps one.
    ///
    /// # Errors
    ///
    /// The kernel's own: there is none left already.
    ///
    /// Source: open(2).
    pub fn keep() -> io::Result<Self> {
        Ok(Self { fd: Some(File::open("/dev/null")?.into()) })
    }

    /// Does something with one descriptor more than there is, and keeps one again if possible.
    pub fn lend<T>(&mut self, deed: impl FnOnce() -> T) -> T {
        drop(self.fd.take());
        let result = deed();
        self.fd = File::open("/dev/null").ok().map(OwnedFd::from);
        result
    }
}

/// Makes reads and writes through this descriptor, and through every copy of it, return at once.
///
/// # Errors
///
/// The kernel's own; none is expected.
///
/// Source: fcntl(2), `O_NONBLOCK`.
pub fn set_nonblocking(fd: BorrowedFd<'_>) -> io::Result<()> {
    let flags = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL)?);
    fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(())
}

/// Makes a descriptor stay open, or not, when this process executes another program.
///
/// # Errors
///
/// The kernel's own; none is expected.
///
/// Source: fcntl(2), `FD_CLOEXEC`.
pub fn survive_exec(fd: BorrowedFd<'_>, survive: bool) -> io::Result<()> {
    let flag = if survive { FdFlag::empty() } else { FdFlag::FD_CLOEXEC };
    fcntl(fd, FcntlArg::F_SETFD(flag))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all_and_a_link_to_it_stays() {
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (directory.path().join("state"), directory.path().join("link"));
        replace(&path, b"one", 0o600).unwrap();
        symlink("state", &link).unwrap();
        replace(&link, b"two", 0o664).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o664);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let below = path.join("below");
        let error = replace(&below, b"x", 0o600).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}: ", below.display())), "{error}");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "nothing is left over");
    }

    #[test]
    fn what_others_may_write_is_not_trusted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("web.toml");
        fs::write(&path, "").unwrap();
        let chmod = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        chmod(&path, 0o644);
        assert_eq!(check_owner(&path).unwrap(), Ok(()));
        chmod(&path, 0o646);
        assert_eq!(check_owner(&path).unwrap(), Err(Mistrust::Writable { path: path.clone(), mode: 0o646 }));
        chmod(&path, 0o644);
        chmod(directory.path(), 0o1777);
        assert!(
            matches!(check_owner(&path).unwrap(), Err(Mistrust::Writable { path, .. }) if path == directory.path())
        );
        chmod(directory.path(), 0o700);
        if !nix::unistd::geteuid().is_root() {
            return crate::sys::skipped(format_args!("a file of another user: needs root"));
        }
        std::os::unix::fs::chown(&path, Some(33), None).unwrap();
        let text = check_owner(&path).unwrap().unwrap_err().to_string();
        assert!(text.ends_with("belongs to user 33, who is neither root nor us; change its owner"), "{text}");
    }

    #[test]
    fn only_regular_files_of_a_bearable_size_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name| directory.path().join(name);
        fs::write(at("ten"), [7; 10]).unwrap();
        assert_eq!(read_regular(&at("ten"), 10).unwrap(), [7; 10]);
        assert_eq!(read_regular(&at("ten"), 9).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        nix::unistd::mkfifo(&at("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        symlink("loop", at("loop")).unwrap();
        for (path, says) in [
            (at("fifo"), "not a regular file"),
            (at("."), "not a regular file"),
            (PathBuf::from("/dev/zero"), "not a regular file"),
            (at("loop"), "symbolic links"),
            (at("none"), "No such file"),
        ] {
            let error = read_regular(&path, 10).unwrap_err().to_string();
            assert!(error.contains(says) && error.contains(path.to_str().unwrap()), "{error}");
        }
    }

    #[test]
    fn a_lock_is_held_by_one_and_says_by_whom() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let lock = Lock::take(&path).unwrap();
        let text = Lock::take(&path).unwrap_err().to_string();
        assert!(text.starts_with(&format!("another svcd is already here (pid {}", process::id())), "{text}");
        drop(lock);
        Lock::take(&path).unwrap();
    }
}
