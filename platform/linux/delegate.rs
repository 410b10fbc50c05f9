//! Launching for another process, which is not needed here: clone(2) makes siblings.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::spawn::Spawner;

/// Who launches for another process. None is ever made here.
#[derive(Debug)]
pub enum Delegate {}

impl Delegate {
    /// One, where siblings cannot be launched without it; here `None`.
    ///
    /// # Errors
    ///
    /// None here.
    pub fn new() -> io::Result<Option<Self>> {
        Ok(None)
    }

    /// A line for the process that is to ask, in place of the one before.
    ///
    /// # Errors
    ///
    /// None here.
    pub fn line(&mut self) -> io::Result<OwnedFd> {
        match *self {}
    }

    /// The other end of a line that somebody else has made, in place of the one before.
    pub fn take(&mut self, _line: OwnedFd) {
        match *self {}
    }

    /// Does what was asked for on the line so far.
    pub fn serve(&mut self, _spawner: &mut Spawner) {
        match *self {}
    }

    /// A child has ended, and still has its number.
    pub fn ended(&mut self, _pid: i32) {
        match *self {}
    }
}

impl AsFd for Delegate {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match *self {}
    }
}
