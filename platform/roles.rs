//! Our own program, started once more in another role.

use std::ffi::CString;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, io};

use crate::launch::{Launch, NUMBER_MAX, Passed, SpawnError, c_string};
use crate::os::spawn::{Kin, Prepared, Spawner};
use crate::process::Handle;
use crate::sys::own;

/// How one role is launched: made once, so that launching it again takes no memory.
#[derive(Debug)]
pub struct Role {
    prepared: Prepared,
}

impl Role {
    /// Our program called `name`, with these arguments behind it, our environment and our standard output and error,
    /// in a session of its own so that a terminal's signals reach only who was started from it.
    ///
    /// # Errors
    ///
    /// Where our own program cannot be found, or an argument holds a zero byte.
    pub fn new(name: &str, arguments: &[&str]) -> io::Result<Self> {
        let program = c_string(crate::host::own_program()?)?;
        let words = [name].into_iter().chain(arguments.iter().copied());
        let mut launch = Launch::new(program, words.map(c_string).collect::<io::Result<_>>()?);
        launch.environment =
            env::vars_os().filter_map(|(name, value)| entry(name.as_bytes(), value.as_bytes())).collect();
        launch.directory = None;
        launch.stdout = Some(standard(1));
        launch.stderr = Some(standard(2));
        Ok(Self { prepared: Prepared::new(launch)? })
    }

    /// Launches it as our child, with these descriptors.
    ///
    /// # Errors
    ///
    /// As for every launch.
    ///
    /// Source: clone(2), execve(2).
    pub fn launch(&self, spawner: &mut Spawner, pass: &[Passed<'_>]) -> Result<Handle, SpawnError> {
        spawner.spawn_prepared(&self.prepared, pass, Kin::Child)
    }
}

fn entry(name: &[u8], value: &[u8]) -> Option<CString> {
    CString::new([name, b"=", value].concat()).ok()
}

/// A standard descriptor of ours.
fn standard(number: RawFd) -> BorrowedFd<'static> {
    // SAFETY: the standard descriptors are filled at the start of every program of ours and never closed after.
    unsafe { BorrowedFd::borrow_raw(number) }
}

/// Numbers that [`inherited`] has handed out.
static TAKEN: AtomicU32 = AtomicU32::new(0);
const _: () = assert!(NUMBER_MAX < 32);

/// Takes charge of a descriptor that whoever launched us has passed under this number. Each number is given once. It is
/// not inherited further.
///
/// # Errors
///
/// `NotFound` where nothing was passed, or it was taken already.
///
/// Source: fcntl(2).
pub fn inherited(number: RawFd) -> io::Result<OwnedFd> {
    let absent = || io::Error::new(io::ErrorKind::NotFound, format!("no descriptor {number} was passed to us"));
    if !(3..=NUMBER_MAX).contains(&number) || TAKEN.fetch_or(1 << number, Ordering::Relaxed) & (1 << number) != 0 {
        return Err(absent());
    }
    // SAFETY: asks about a number; touches no memory.
    let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
    // What this program opened itself is marked to be closed at execution; what came by execution is not.
    if flags < 0 || flags & libc::FD_CLOEXEC != 0 {
        return Err(absent());
    }
    let fd = own(number);
    // SAFETY: sets a flag of a descriptor of ours; touches no memory.
    crate::sys::check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) })?;
    Ok(fd)
}
