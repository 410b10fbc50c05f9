//! Process groups of our own children, where a tree would be too much: short commands.

use std::io;
use std::process::Child;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

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
