//! Directories in which something may appear.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

/// Readable when a file was written or came into one of its directories.
#[derive(Debug)]
pub struct Watcher {
    inotify: Inotify,
}

impl Watcher {
    /// One that watches nothing yet.
    ///
    /// # Errors
    ///
    /// The kernel's own: no descriptors left.
    ///
    /// Source: inotify(7).
    pub fn new() -> io::Result<Self> {
        Ok(Self { inotify: Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)? })
    }

    /// Watches a directory from now on; one that is watched already stays so.
    ///
    /// # Errors
    ///
    /// The kernel's own: there is no such directory.
    ///
    /// Source: inotify(7).
    pub fn watch(&mut self, directory: &Path) -> io::Result<()> {
        let news = AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_CREATE;
        self.inotify.add_watch(directory, news | AddWatchFlags::IN_ONLYDIR)?;
        Ok(())
    }

    /// Watches a file that is there already. Nothing to do here: its directory tells of it.
    ///
    /// # Errors
    ///
    /// None here.
    pub fn watch_file(&mut self, _file: &Path) -> io::Result<()> {
        Ok(())
    }

    /// Watches a program: that it is executed is news, and that another file takes its place. So is that it is read.
    /// A program that is watched already stays so.
    ///
    /// # Errors
    ///
    /// The kernel's own: there is no such file, or too many are watched.
    ///
    /// Source: inotify_add_watch(2).
    pub fn watch_program(&mut self, program: &Path) -> io::Result<()> {
        self.inotify.add_watch(program, AddWatchFlags::IN_OPEN | AddWatchFlags::IN_ATTRIB)?;
        Ok(())
    }

    /// Forgets what has happened so far.
    ///
    /// # Errors
    ///
    /// The kernel's own; none is expected.
    ///
    /// Source: inotify(7).
    pub fn drain(&mut self) -> io::Result<()> {
        loop {
            match self.inotify.read_events() {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl AsFd for Watcher {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_that_is_written_is_news_and_one_that_is_read_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.pid");
        fs::write(&file, "1").unwrap();
        let mut watcher = Watcher::new().unwrap();
        watcher.watch(dir.path()).unwrap();
        watcher.watch(dir.path()).unwrap();
        assert!(watcher.watch(&dir.path().join("none")).is_err());
        let is_readable = |watcher: &Watcher| {
            let mut polled = [nix::poll::PollFd::new(watcher.as_fd(), nix::poll::PollFlags::POLLIN)];
            nix::poll::poll(&mut polled, nix::poll::PollTimeout::ZERO).unwrap() == 1
        };
        fs::read(&file).unwrap();
        assert!(!is_readable(&watcher));
        fs::write(&file, "2").unwrap();
        assert!(is_readable(&watcher));
        watcher.drain().unwrap();
        assert!(!is_readable(&watcher));
        let program = dir.path().join("program");
        fs::copy("/bin/true", &program).unwrap();
        watcher.drain().unwrap();
        watcher.watch_program(&program).unwrap();
        assert!(!is_readable(&watcher));
        std::process::Command::new(&program).status().unwrap();
        assert!(is_readable(&watcher), "it was executed");
    }
}
