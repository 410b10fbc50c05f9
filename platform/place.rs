//! Places of files, reached without following a link that others could have laid, and written so that whoever owns the
//! directory cannot turn the writing against somebody else's file.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, readlinkat, renameat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstatat};
use nix::unistd::{LinkatFlags, UnlinkatFlags, linkat, unlinkat};

use crate::files::Mistrust;
use crate::sys::because;

/// As many as the kernel follows.
const LINKS_MAX: usize = 40;

/// A directory that is held open, and where it is.
#[derive(Debug)]
struct Directory {
    fd: OwnedFd,
    path: PathBuf,
}

/// A file, or room for one, in a directory that is held open: nobody can put another directory in its place meanwhile.
#[derive(Clone, Debug)]
pub struct Place {
    directory: Arc<Directory>,
    name: OsString,
    links: Vec<PathBuf>,
}

/// A regular file as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// What is in it.
    pub bytes: Vec<u8>,
    /// Whose it is.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its permissions.
    pub mode: u32,
}

impl Place {
    /// Finds the place that a path means below a root, for whose files the root is `/`. Links are followed where only
    /// root or we could have laid them. The file need not be there; its directory must.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` for a link that others could have laid; the kernel's own; all with the path.
    ///
    /// Source: path_resolution(7), openat(2).
    pub fn find(root: &Path, path: &Path) -> io::Result<Self> {
        let mut chain = vec![Directory::open(root)?];
        let mut open: VecDeque<OsString> = parts(path).collect();
        let mut links = Vec::new();
        while let Some(name) = open.pop_front() {
            let here = chain.last().expect("the root is never left");
            if name == ".." {
                chain.truncate((chain.len() - 1).max(1));
                continue;
            }
            let full = here.path.join(&name);
            let found = here.stat(&name).map_err(|error| because(&error, full.display()))?;
            let is_last = open.is_empty();
            match found.as_ref().map(kind) {
                Some(SFlag::S_IFLNK) => {
                    let target =
                        here.read_link(&name, found.as_ref()).map_err(|error| because(&error, full.display()))?;
                    links.push(full);
                    if links.len() > LINKS_MAX {
                        return Err(because(&Errno::ELOOP.into(), path.display()));
                    }
                    if target.is_absolute() {
                        chain.truncate(1);
                    }
                    parts(&target).collect::<Vec<_>>().into_iter().rev().for_each(|part| open.push_front(part));
                }
                Some(SFlag::S_IFDIR) if !is_last => {
                    let below = here.below(&name)?;
                    chain.push(below);
                }
                _ if is_last => return Ok(Self { directory: here.clone(), name, links }),
                Some(_) => return Err(because(&Errno::ENOTDIR.into(), full.display())),
                None => return Err(because(&Errno::ENOENT.into(), full.display())),
            }
        }
        Err(because(&Errno::EISDIR.into(), path.display()))
    }

    /// Another name in the same directory.
    pub fn beside(&self, name: impl Into<OsString>) -> Self {
        Self { directory: self.directory.clone(), name: name.into(), links: Vec::new() }
    }

    /// Its name in its directory.
    pub fn name(&self) -> &OsStr {
        &self.name
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.directory.path.join(&self.name)
    }

    /// The links that lead here.
    pub fn links(&self) -> &[PathBuf] {
        &self.links
    }

    /// What is here; `None` if nothing is.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for what is not a regular file, `FileTooLarge` for one too long, the kernel's own; with the path.
    ///
    /// Source: openat(2), `O_NOFOLLOW`, `O_NONBLOCK`.
    pub fn read(&self, bytes_max: u64) -> io::Result<Option<Content>> {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let mut file = match openat(&self.directory.fd, self.name.as_os_str(), flags, Mode::empty()) {
            Ok(fd) => File::from(fd),
            Err(Errno::ENOENT) => return Ok(None),
            Err(errno) => return Err(self.because(&errno.into())),
        };
        let found = file.metadata().map_err(|error| self.because(&error))?;
        if !found.is_file() {
            return Err(self.because(&io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
        }
        let mut bytes = Vec::new();
        (&mut file).take(bytes_max + 1).read_to_end(&mut bytes).map_err(|error| self.because(&error))?;
        if bytes.len() as u64 > bytes_max {
            let text = format!("more than the {bytes_max} bytes it may have");
            return Err(self.because(&io::Error::new(io::ErrorKind::FileTooLarge, text)));
        }
        Ok(Some(Content { bytes, uid: found.uid(), gid: found.gid(), mode: found.mode() & 0o7777 }))
    }

    /// Whether only root, or we, could have written what is here.
    ///
    /// # Errors
    ///
    /// The kernel's own, with the path; nothing is here.
    pub fn check_owner(&self) -> io::Result<Result<(), Mistrust>> {
        let found = self.directory.stat(&self.name).and_then(|found| found.ok_or(Errno::ENOENT.into()));
        let found = found.map_err(|error| self.because(&error))?;
        let directory = self.directory.own_stat().map_err(|error| self.because(&error))?;
        let here = [(self.directory.path.clone(), directory), (self.path(), found)];
        Ok(here.into_iter().map(|(path, found)| trust(path, &found)).find(Result::is_err).unwrap_or(Ok(())))
    }

    /// Writes a whole new file, safe on disk when this returns. Where that fails, nothing is here.
    ///
    /// # Errors
    ///
    /// Something is here already; the kernel's own; all with the path.
    ///
    /// Source: openat(2), `O_EXCL`; fchown(2), fsync(2).
    pub fn create(&self, content: &Content) -> io::Result<()> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let private = Mode::S_IRUSR | Mode::S_IWUSR;
        let file = openat(&self.directory.fd, self.name.as_os_str(), flags, private);
        let file = File::from(file.map_err(|errno| self.because(&errno.into()))?);
        fill(file, content).map_err(|error| {
            // What is half is worth nothing; that it cannot be removed either is found by who looks for it.
            let _left = self.remove();
            self.because(&error)
        })
    }

    /// Makes this file known by another name of the same directory, too.
    ///
    /// # Errors
    ///
    /// The kernel's own, with the path; some file systems have no links.
    ///
    /// Source: linkat(2).
    pub fn link(&self, other: &Self) -> io::Result<()> {
        let (from, to) = (self.name.as_os_str(), other.name.as_os_str());
        linkat(&self.directory.fd, from, &other.directory.fd, to, LinkatFlags::empty())
            .map_err(|errno| other.because(&errno.into()))
    }

    /// Gives this file another name of the same directory, in place of what had it.
    ///
    /// # Errors
    ///
    /// The kernel's own, with the path.
    ///
    /// Source: renameat(2).
    pub fn rename(&self, other: &Self) -> io::Result<()> {
        let (from, to) = (self.name.as_os_str(), other.name.as_os_str());
        renameat(&self.directory.fd, from, &other.directory.fd, to).map_err(|errno| other.because(&errno.into()))
    }

    /// Removes what is here; that nothing is, is well.
    ///
    /// # Errors
    ///
    /// The kernel's own, with the path.
    ///
    /// Source: unlinkat(2).
    pub fn remove(&self) -> io::Result<()> {
        match unlinkat(&self.directory.fd, self.name.as_os_str(), UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(self.because(&errno.into())),
        }
    }

    /// Whether something is here.
    ///
    /// # Errors
    ///
    /// The kernel's own, with the path.
    pub fn exists(&self) -> io::Result<bool> {
        self.directory.stat(&self.name).map(|found| found.is_some()).map_err(|error| self.because(&error))
    }

    /// Makes the names in the directory safe on disk.
    ///
    /// # Errors
    ///
    /// The kernel's own, with the path.
    ///
    /// Source: fsync(2).
    pub fn sync_directory(&self) -> io::Result<()> {
        let synced = nix::unistd::fsync(&self.directory.fd).map_err(io::Error::from);
        synced.map_err(|error| because(&error, self.directory.path.display()))
    }

    fn because(&self, error: &io::Error) -> io::Error {
        because(error, self.path().display())
    }
}

fn fill(mut file: File, content: &Content) -> io::Result<()> {
    let found = file.metadata()?;
    file.write_all(&content.bytes)?;
    if (found.uid(), found.gid()) != (content.uid, content.gid) {
        std::os::unix::fs::fchown(&file, Some(content.uid), Some(content.gid))?;
    }
    file.set_permissions(fs::Permissions::from_mode(content.mode))?;
    file.sync_all()
}

/// The parts of a path as they are walked.
fn parts(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

fn kind(found: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT
}

/// The bits of its mode.
#[allow(clippy::useless_conversion, reason = "their type differs between systems")]
fn mode(found: &FileStat) -> u32 {
    Mode::from_bits_truncate(found.st_mode).bits().into()
}

fn trust(path: PathBuf, found: &FileStat) -> Result<(), Mistrust> {
    let uid = found.st_uid;
    if uid != 0 && uid != nix::unistd::geteuid().as_raw() {
        return Err(Mistrust::Owner { path, uid });
    }
    let others = if found.st_gid == 0 { 0o002 } else { 0o022 };
    match mode(found) & others {
        0 => Ok(()),
        _ => Err(Mistrust::Writable { path, mode: mode(found) & 0o7777 }),
    }
}

impl Directory {
    const FLAGS: OFlag = OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

    fn open(path: &Path) -> io::Result<Arc<Self>> {
        let fd = nix::fcntl::open(path, Self::FLAGS, Mode::empty());
        let fd = fd.map_err(|errno| because(&errno.into(), path.display()))?;
        Ok(Arc::new(Self { fd, path: path.to_path_buf() }))
    }

    fn below(&self, name: &OsStr) -> io::Result<Arc<Self>> {
        let path = self.path.join(name);
        let fd = openat(&self.fd, name, Self::FLAGS | OFlag::O_NOFOLLOW, Mode::empty());
        let fd = fd.map_err(|errno| because(&errno.into(), path.display()))?;
        Ok(Arc::new(Self { fd, path }))
    }

    fn stat(&self, name: &OsStr) -> io::Result<Option<FileStat>> {
        match fstatat(&self.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(found) => Ok(Some(found)),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    fn own_stat(&self) -> io::Result<FileStat> {
        Ok(nix::sys::stat::fstat(self.fd.as_fd())?)
    }

    /// Where a link leads, if nobody but root or us could have laid it or can lay another.
    fn read_link(&self, name: &OsStr, link: Option<&FileStat>) -> io::Result<PathBuf> {
        let directory = self.own_stat()?;
        let sticky = mode(&directory) & 0o1000 != 0 && [0, nix::unistd::geteuid().as_raw()].contains(&directory.st_uid);
        let trusted = |uid: u32| uid == 0 || uid == nix::unistd::geteuid().as_raw();
        let laid_by_us = link.is_some_and(|link| trusted(link.st_uid));
        if !laid_by_us || !(sticky || trust(self.path.clone(), &directory).is_ok()) {
            let text = "a symbolic link that others could have laid; name the file that is meant";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
        }
        let target = readlinkat(&self.fd, name)?;
        Ok(PathBuf::from(OsStr::from_bytes(target.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{chown, symlink};

    use super::*;

    fn content(text: &str) -> Content {
        let own = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
        Content { bytes: text.into(), uid: own.0, gid: own.1, mode: 0o640 }
    }

    #[test]
    fn a_path_stays_below_its_root_whatever_links_say() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::create_dir_all(root.join("etc/real")).unwrap();
        symlink("/etc/real", root.join("etc/absolute")).unwrap();
        symlink("../../../../etc/real/file", root.join("etc/up")).unwrap();
        let find = |path: &str| Place::find(root, Path::new(path));
        for path in ["/etc/absolute/file", "/etc/up", "etc/real/../real/file", "/../../etc/real/file"] {
            assert_eq!(find(path).unwrap().path(), root.join("etc/real/file"), "{path}");
        }
        assert_eq!(find("/etc/up").unwrap().links(), [root.join("etc/up")]);
        symlink("turn", root.join("etc/turn")).unwrap();
        for (path, says) in
            [("/etc/turn", "symbolic links"), ("/etc/none/x", "No such file"), ("/etc", "s a directory")]
        {
            // A directory is a place like any other until it is read.
            let error = find(path).and_then(|place| place.read(9)).unwrap_err();
            assert!(error.to_string().contains(says) || error.kind() == io::ErrorKind::InvalidInput, "{error}");
        }
    }

    #[test]
    fn a_file_is_made_whole_with_its_owner_and_never_over_another() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::find(directory.path(), Path::new("file")).unwrap();
        assert_eq!(place.read(9).unwrap(), None);
        place.create(&content("one")).unwrap();
        assert_eq!(place.read(3).unwrap(), Some(content("one")));
        assert_eq!(place.read(2).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(place.create(&content("two")).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        let kept = place.beside("kept");
        place.link(&kept).unwrap();
        let fresh = place.beside("fresh");
        fresh.create(&content("two")).unwrap();
        fresh.rename(&place).unwrap();
        assert_eq!((place.read(9).unwrap(), kept.read(9).unwrap()), (Some(content("two")), Some(content("one"))));
        kept.remove().unwrap();
        kept.remove().unwrap();
        assert!(!kept.exists().unwrap() && !fresh.exists().unwrap());
    }

    #[test]
    fn a_link_that_others_could_have_laid_is_refused() {
        if !nix::unistd::geteuid().is_root() {
            return crate::sys::skipped(format_args!("a link of another user: needs root"));
        }
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::create_dir(root.join("theirs")).unwrap();
        fs::write(root.join("shadow"), "secret").unwrap();
        symlink("/shadow", root.join("theirs/conf")).unwrap();
        let find = || Place::find(root, Path::new("/theirs/conf"));
        assert_eq!(find().unwrap().path(), root.join("shadow"));
        chown(root.join("theirs"), Some(33), None).unwrap();
        let error = find().unwrap_err();
        assert!(error.to_string().contains("/theirs/conf: a symbolic link that others could have laid"), "{error}");
        // A file of theirs in place of the link is theirs to have.
        fs::remove_file(root.join("theirs/conf")).unwrap();
        fs::write(root.join("theirs/conf"), "").unwrap();
        assert!(find().unwrap().check_owner().unwrap().is_err());
    }
}
