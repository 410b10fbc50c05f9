//! Directories in which something may appear.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::queue::{Queue, event};

/// Readable when a file came into one of its directories or left it, or one of its files was written.
#[derive(Debug)]
pub struct Watcher {
    queue: Queue,
    places: BTreeMap<PathBuf, File>,
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
        Ok(Self { queue: Queue::new()?, places: BTreeMap::new() })
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
        let news = libc::NOTE_WRITE | libc::NOTE_EXTEND;
        self.register(directory, file, &found, news)
    }

    /// Watches a file that is there already, for being written anew is no news of its directory.
    ///
    /// # Errors
    ///
    /// The kernel's own: there is no such file. `InvalidInput` for what is no regular file.
    ///
    /// Source: kqueue(2), `EVFILT_VNODE`.
    pub fn watch_file(&mut self, path: &Path) -> io::Result<()> {
        // Opening a fifo would wait for its writer.
        let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let news = libc::NOTE_WRITE | libc::NOTE_EXTEND | libc::NOTE_ATTRIB;
        self.register(path, file, &found, news)
    }

    /// Watches a program: that it is executed is news, and that another file takes its place. So is that it is read.
    /// A program that is watched already stays so.
    ///
    /// # Errors
    ///
    /// The kernel's own: there is no such file, or no descriptor is left.
    ///
    /// Source: kevent(2), `EVFILT_VNODE`.
    pub fn watch_program(&mut self, program: &Path) -> io::Result<()> {
        let found = std::fs::metadata(program)?;
        let is_it = |known: &File| known.metadata().is_ok_and(|it| (it.dev(), it.ino()) == (found.dev(), found.ino()));
        // To open it would be news.
        if self.places.get(program).is_some_and(is_it) {
            return Ok(());
        }
        let file = File::open(program)?;
        let news = libc::NOTE_OPEN | libc::NOTE_ATTRIB | libc::NOTE_DELETE | libc::NOTE_RENAME;
        self.register(program, file, &found, news)
    }

    fn register(&mut self, path: &Path, file: File, found: &Metadata, news: u32) -> io::Result<()> {
        let is_it = |known: &File| known.metadata().is_ok_and(|it| (it.dev(), it.ino()) == (found.dev(), found.ino()));
        if self.places.get(path).is_some_and(is_it) {
            return Ok(());
        }
        let ident = file.as_raw_fd() as usize;
        self.queue.change(event(ident, libc::EVFILT_VNODE, libc::EV_ADD | libc::EV_CLEAR, news, 0, 0))?;
        self.places.insert(path.to_owned(), file);
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_directory_tells_of_new_files_and_a_file_of_being_written_anew() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.pid");
        let mut watcher = Watcher::new().unwrap();
        watcher.watch(dir.path()).unwrap();
        watcher.watch(dir.path()).unwrap();
        assert!(watcher.watch(&dir.path().join("none")).is_err() && watcher.watch_file(&file).is_err());
        assert!(watcher.watch_file(dir.path()).is_err());
        fs::write(&file, "1").unwrap();
        assert!(watcher.queue.next().unwrap().is_some());
        watcher.drain().unwrap();
        fs::write(&file, "2").unwrap();
        assert!(watcher.queue.next().unwrap().is_none(), "a file that is there is no news of its directory");
        watcher.watch_file(&file).unwrap();
        for text in ["3", ""] {
            fs::write(&file, text).unwrap();
            assert!(watcher.queue.next().unwrap().is_some(), "{text:?}");
            watcher.drain().unwrap();
        }
        // Another file in its place is watched when it is named again.
        fs::write(dir.path().join("new"), "4").unwrap();
        fs::rename(dir.path().join("new"), &file).unwrap();
        watcher.drain().unwrap();
        watcher.watch_file(&file).unwrap();
        fs::write(&file, "5").unwrap();
        assert!(watcher.queue.next().unwrap().is_some());
    }
}
