//! What a process makes of itself before it executes another program in its place.

use std::ffi::CString;
use std::io;
use std::path::Path;

use nix::sys::signal::{SigHandler, Signal, signal};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, Uid};

use crate::launch::c_string;
pub use crate::os::schedule::set_io_class;
use crate::sys::check;

/// How the kernel shares processors out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// By turns, as for everything else.
    Other,
    /// The highest priority runs until it waits.
    Fifo,
    /// The same, by turns among equals.
    RoundRobin,
}

impl Policy {
    fn number(self) -> libc::c_int {
        match self {
            Self::Other => libc::SCHED_OTHER,
            Self::Fifo => libc::SCHED_FIFO,
            Self::RoundRobin => libc::SCHED_RR,
        }
    }

    /// The lowest and the highest priority there is.
    ///
    /// Source: `sched_get_priority_min`(2).
    pub fn bounds(self) -> (i32, i32) {
        // SAFETY: takes a number and touches no memory.
        let lowest = unsafe { libc::sched_get_priority_min(self.number()) };
        // SAFETY: takes a number and touches no memory.
        let highest = unsafe { libc::sched_get_priority_max(self.number()) };
        (lowest, highest)
    }
}

/// Which requests to a disk come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IoClass {
    /// Before all others.
    RealTime,
    /// By turns.
    BestEffort,
    /// When nobody else wants anything.
    Idle,
}

/// Adds to our nice value; the kernel cuts it to what there is.
///
/// # Errors
///
/// `EACCES` or `EPERM` for a lower one, which only root may have.
///
/// Source: setpriority(2).
pub fn add_nice(more: i32) -> io::Result<()> {
    // SAFETY: takes numbers and touches no memory. An error looks like -1, which is a nice value, too: then ours is
    // taken for one lower by one at worst, as there is no way for it to fail for the own process.
    let now = unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
    // SAFETY: takes numbers and touches no memory.
    check(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, now.saturating_add(more)) })?;
    Ok(())
}

/// Chooses how processors are shared out to us.
///
/// # Errors
///
/// `EPERM` without the right to it, `EINVAL` for a priority that there is not.
///
/// Source: `sched_setscheduler`(2).
pub fn set_policy(policy: Policy, priority: i32) -> io::Result<()> {
    // SAFETY: a structure of numbers for which all zeros are valid.
    let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    parameters.sched_priority = priority;
    // SAFETY: reads the structure, which lives until after the call.
    check(unsafe { libc::sched_setscheduler(0, policy.number(), &raw const parameters) })?;
    Ok(())
}

/// Sets which permissions we do not give to files that we make.
///
/// Source: umask(2).
pub fn set_umask(mask: u32) {
    umask(Mode::from_bits_truncate(mask as libc::mode_t));
}

/// Makes this directory our root. The working directory stays where it is.
///
/// # Errors
///
/// The kernel's own.
///
/// Source: chroot(2).
pub fn change_root(path: &Path) -> io::Result<()> {
    Ok(nix::unistd::chroot(path)?)
}

/// Becomes this group, and no other group is lost.
///
/// # Errors
///
/// `EPERM` where we are not root.
///
/// Source: setgid(2).
pub fn become_group(gid: u32) -> io::Result<()> {
    Ok(nix::unistd::setgid(Gid::from_raw(gid))?)
}

/// Gets these supplementary groups in place of ours.
///
/// # Errors
///
/// `EPERM` where we are not root.
///
/// Source: setgroups(2).
pub fn set_groups(gids: &[u32]) -> io::Result<()> {
    let gids: Vec<Gid> = gids.iter().copied().map(Gid::from_raw).collect();
    Ok(nix::unistd::setgroups(&gids)?)
}

/// Becomes this user for good.
///
/// # Errors
///
/// `EPERM` where we are not root.
///
/// Source: setuid(2).
pub fn become_user(uid: u32) -> io::Result<()> {
    Ok(nix::unistd::setuid(Uid::from_raw(uid))?)
}

/// The real user and group of this process.
///
/// Source: getuid(2).
pub fn real_ids() -> (u32, u32) {
    (nix::unistd::getuid().as_raw(), nix::unistd::getgid().as_raw())
}

/// Leaves terminal and session for a session of our own.
///
/// # Errors
///
/// `EPERM` where we lead a group of processes.
///
/// Source: setsid(2).
pub fn lead_session() -> io::Result<()> {
    nix::unistd::setsid()?;
    Ok(())
}

/// Makes the standard descriptors others; `None` leaves one as it is.
///
/// # Errors
///
/// The kernel's own; none is expected.
///
/// Source: dup2(2).
pub fn set_standard(input: Option<&std::fs::File>, output: Option<&std::fs::File>) -> io::Result<()> {
    if let Some(input) = input {
        nix::unistd::dup2_stdin(input)?;
    }
    if let Some(output) = output {
        nix::unistd::dup2_stdout(output)?;
        nix::unistd::dup2_stderr(output)?;
    }
    Ok(())
}

/// Has every descriptor but the standard three closed when a program is executed.
///
/// # Errors
///
/// Where the list of our descriptors cannot be read.
pub fn close_others_at_execution() -> io::Result<()> {
    let open: Vec<i32> = std::fs::read_dir("/dev/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|number| *number > 2)
        .collect();
    for number in open {
        // SAFETY: takes numbers and touches no memory. One of them is that of the list itself and is closed by now.
        unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    Ok(())
}

/// Executes a program in our place. Returns only if it failed, with the kernel's own word.
///
/// Source: execve(2).
pub fn execute(program: &Path, arguments: &[CString], environment: &[CString]) -> io::Error {
    let program = match c_string(program) {
        Ok(program) => program,
        Err(error) => return error,
    };
    // Programs in Rust ignore it, and what is ignored stays so; others count on it.
    // SAFETY: no handler is set, and nobody here counts on one.
    let _was = unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) };
    match nix::unistd::execve(&program, arguments, environment) {
        Ok(never) => match never {},
        Err(errno) => errno.into(),
    }
}
