//! There is no such place here: a jail shares the file systems, and nothing lies over them that could be thrown away.

use std::convert::Infallible;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::{Path, PathBuf};

use crate::Unsupported;
use crate::sandbox::{Answer, Asked, Confined, Failure, Furnished, Layout, Listening, Seen, Side};

const MISSING: Unsupported = Unsupported { what: "a root to be thrown away" };

fn missing<T>() -> Result<T, Failure> {
    Err(Failure::at("making a place of its own", MISSING))
}

/// Begins a place of its own; not to be had here.
///
/// # Errors
///
/// Always `Unsupported`.
pub fn divide() -> Result<Side, Failure> {
    missing()
}

/// Makes the root of this place; not to be had here.
///
/// # Errors
///
/// Always `Unsupported`.
pub fn furnish(_: &Layout) -> Result<Furnished, Failure> {
    missing()
}

/// Shows one file in the place of another; not to be had here.
///
/// # Errors
///
/// Always `Unsupported`.
pub fn bind(_: &Path, _: &Path) -> io::Result<()> {
    Err(MISSING.into())
}

/// Starts a confined program; not to be had here.
///
/// # Errors
///
/// Always `Unsupported`.
pub fn confine(_: &Confined<'_>) -> Result<(i32, Option<Listener>), Failure> {
    missing()
}

/// Looks at a process; not to be had here.
///
/// # Errors
///
/// Always `Unsupported`.
pub fn look(_: i32) -> io::Result<Seen> {
    Err(MISSING.into())
}

/// Whether a process waits and no signal is on its way to it; not to be had here.
///
/// # Errors
///
/// Always `Unsupported`.
pub fn is_calm(_: i32) -> io::Result<bool> {
    Err(MISSING.into())
}

/// Where this place is listened to; not to be had here.
///
/// # Errors
///
/// Always `Unsupported`.
pub fn listening() -> io::Result<Vec<Listening>> {
    Err(MISSING.into())
}

/// A path that leads to what a descriptor of ours holds, for as long as it is open.
///
/// Source: fdescfs(5): below a mount without `nodup` only to what it holds itself, not to what is below.
pub fn reach(fd: BorrowedFd<'_>) -> PathBuf {
    PathBuf::from(format!("/dev/fd/{}", fd.as_raw_fd()))
}

/// Where watched processes are heard: there are none.
#[derive(Debug)]
pub struct Listener(Infallible);

impl Listener {
    /// The next question.
    ///
    /// # Errors
    ///
    /// None, as there is no listener.
    pub fn next(&self) -> io::Result<Option<Asked>> {
        match self.0 {}
    }

    /// Answers one.
    ///
    /// # Errors
    ///
    /// None, as there is no listener.
    pub fn answer(&self, _: u64, _: Answer) -> io::Result<()> {
        match self.0 {}
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self.0 {}
    }
}
