//! Process groups of our own children, where a tree would be too much: short commands.

use std::io;
use std::process::Child;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, getpgid};

use crate::process::Handle;

/// Kills a child that leads a process group, and every process still in it. The child must not have been waited for:
/// until then its number is nobody else's.
///
/// # Errors
///
/// The kernel's own; none is expected.
///
/// Source: kill(2).
pub fn kill(child: &Child) -> io::Result<()> {
    let number = i32::try_from(child.id()).map_err(io::Error::other)?;
    Ok(killpg(Pid::from_raw(number), Signal::SIGKILL)?)
}

/// Interrupts a process that leads a group, and all of its group, as a terminal does where that is in its foreground.
/// One that is in the group of others is left to the terminal.
///
/// # Errors
///
/// `ESRCH` where it has ended; `EPERM`.
///
/// Source: kill(2), getpgid(2).
pub fn interrupt(process: &Handle) -> io::Result<()> {
    // Who has not ended has its number still.
    if process.has_ended()? {
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    }
    let pid = Pid::from_raw(process.pid());
    if getpgid(Some(pid))? == pid {
        killpg(pid, Signal::SIGINT)?;
    }
    Ok(())
}
