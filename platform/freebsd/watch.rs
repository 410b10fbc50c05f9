//! Directories in which something may appear.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::queue::{Queue, event};

/// Readable when a file came into one of its directories or left it. That one was written anew is not told here.
#[derive(Debug)]
pub struct Watcher {
    queue: Queue,
    directories: BTreeMap<PathBuf, File>,
}

impl Watcher {
    /// One that watches nothing yet.
    ///
    /// # Errors
    ///
    /// The kernel's own: no descriptors left.
    ///
    /// Source: kqueue(2).
    pub fn new() -> io::Result<Self> {
        Ok(Self { queue: Queue::new()?, directories: BTreeMap::new() })
    }

    /// Watches a directory from now on; one that is watched already stays so.
    ///
    /// # Errors
    ///
    /// The kernel's own: there is no such directory.
    ///
    /// Source: kqueue(2), `EVFILT_VNODE`.
    pub fn watch(&mut self, directory: &Path) -> io::Result<()> {
        let file = File::open(directory)?;
        let found = file.metadata()?;
        if !found.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let is_it = |known: &File| known.metadata().is_ok_and(|it| (it.dev(), it.ino()) == (found.dev(), found.ino()));
        if self.directories.get(directory).is_some_and(is_it) {
            return Ok(());
        }
        let ident = file.as_raw_fd() as usize;
        let flags = libc::EV_ADD | libc::EV_CLEAR;
        let news = libc::NOTE_WRITE | libc::NOTE_EXTEND;
        self.queue.change(event(ident, libc::EVFILT_VNODE, flags, news, 0, 0))?;
        self.directories.insert(directory.to_owned(), file);
        Ok(())
    }

    /// Forgets what has happened so far.
    ///
    /// # Errors
    ///
    /// The kernel's own; none is expected.
    ///
    /// Source: kqueue(2).
    pub fn drain(&mut self) -> io::Result<()> {
        while self.queue.next()?.is_some() {}
        Ok(())
    }
}

impl AsFd for Watcher {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}
