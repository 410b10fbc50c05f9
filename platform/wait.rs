//! Children that ended, as waitpid(2) tells it.

use std::io;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use svc_core::Exit;

use crate::os::reap::WAIT;
use crate::sys::check;

/// A child that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its process id, free to be used again.
    pub pid: i32,
    /// How.
    pub exit: Exit,
}

/// Collects one child that ended; `None`: none has, for now. Without any child at all it is `None` too.
///
/// # Errors
///
/// The kernel's own; none is expected.
///
/// Source: waitpid(2).
pub fn reap() -> io::Result<Option<Ended>> {
    collect(-1)
}

/// Collects this child if it has ended. `None`: it runs. A child that somebody else collected ended [`Exit::Unknown`].
///
/// # Errors
///
/// The kernel's own; none is expected.
///
/// Source: waitpid(2).
pub fn reap_one(pid: i32) -> io::Result<Option<Exit>> {
    debug_assert!(pid > 0, "one process, not a group");
    match collect(pid) {
        Ok(ended) => Ok(ended.map(|ended| ended.exit)),
        Err(error) if error.raw_os_error() == Some(libc::ECHILD) => Ok(Some(Exit::Unknown)),
        Err(error) => Err(error),
    }
}

/// One child that ended, without collecting it: its pid stays its own, and it is seen again until [`reap_one`].
///
/// # Errors
///
/// The kernel's own; none is expected.
///
/// Source: waitid(2), `WNOWAIT`.
pub fn look() -> io::Result<Option<Ended>> {
    const OPTIONS: i32 = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: a structure of numbers and addresses for which all zeros are valid.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: the structure is ours and lives through the call, which writes it.
    match check(unsafe { libc::waitid(libc::P_ALL, 0, &raw mut info, OPTIONS) }) {
        Ok(_) => {}
        Err(error) if error.raw_os_error() == Some(libc::ECHILD) => return Ok(None),
        Err(error) => return Err(error),
    }
    // SAFETY: all zeros, or filled by the call above, which says of a child.
    let pid = unsafe { info.si_pid() };
    // SAFETY: as above.
    let status = unsafe { info.si_status() };
    let exit = if info.si_code == libc::CLD_EXITED { Exit::Code(status & 0xff) } else { Exit::Signal(status) };
    Ok((pid > 0).then_some(Ended { pid, exit }))
}

/// Tells every other process of the machine to end, and kills those that are left when `patience` is over. Only for
/// process 1, when nobody else is to be there any more; for others it does nothing.
///
/// Source: kill(2), the pid -1; waitpid(2).
pub fn end_everyone(patience: Duration) {
    if !crate::start::is_process_1() {
        return;
    }
    // One that is stopped hears of its end only when it goes on.
    for signal in [Signal::SIGTERM, Signal::SIGCONT] {
        // Nobody is there, or everybody has been told.
        let _told = kill(Pid::from_raw(-1), signal);
    }
    if !are_gone(patience) {
        let _told = kill(Pid::from_raw(-1), Signal::SIGKILL);
        are_gone(KILL_PATIENCE);
    }
}

/// How long what was killed may take to be gone.
const KILL_PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

/// Collects everybody; whether nobody was left in time.
fn are_gone(patience: Duration) -> bool {
    let begun = Instant::now();
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Err(Errno::ECHILD) => return true,
            Ok(WaitStatus::StillAlive) if begun.elapsed() >= patience => return false,
            Ok(WaitStatus::StillAlive) => std::thread::sleep(PAUSE),
            Ok(_) | Err(_) => {}
        }
    }
}

fn collect(pid: i32) -> io::Result<Option<Ended>> {
    loop {
        let mut status = 0;
        // SAFETY: `status` is ours and lives through the call, which writes one integer to it.
        match check(unsafe { libc::waitpid(pid, &mut status, libc::WNOHANG | WAIT) }) {
            Ok(0) => return Ok(None),
            Ok(pid) => return Ok(Some(Ended { pid, exit: exit_of(status) })),
            Err(error) if error.raw_os_error() == Some(libc::EINTR) => {}
            Err(error) if error.raw_os_error() == Some(libc::ECHILD) && pid == -1 => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

/// What a wait status means.
pub(crate) fn exit_of(status: i32) -> Exit {
    if libc::WIFEXITED(status) {
        Exit::Code(libc::WEXITSTATUS(status))
    } else if libc::WIFSIGNALED(status) {
        Exit::Signal(libc::WTERMSIG(status))
    } else {
        Exit::Unknown
    }
}

/// This process's parent.
///
/// Source: getppid(2).
pub fn parent() -> i32 {
    nix::unistd::getppid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_that_is_looked_at_is_still_there_to_be_collected() {
        for (words, exit) in [("exit 3", Exit::Code(3)), ("kill -9 $$", Exit::Signal(9))] {
            let mut child = std::process::Command::new("/bin/sh").args(["-c", words]).spawn().unwrap();
            // Until it has ended; whoever comes first of all children of this process stays until it is collected.
            let pid = i32::try_from(child.id()).unwrap();
            let id = nix::sys::wait::Id::Pid(Pid::from_raw(pid));
            nix::sys::wait::waitid(id, WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).unwrap();
            let seen = look().unwrap().expect("at least this one has ended");
            assert_eq!(look().unwrap(), Some(seen), "looking collects nobody");
            if seen.pid == pid {
                assert_eq!(seen.exit, exit);
            }
            let status = child.wait().unwrap();
            assert_eq!(exit_of(std::os::unix::process::ExitStatusExt::into_raw(status)), exit);
        }
    }

    #[test]
    fn a_wait_status_is_read_as_waitpid_2_says() {
        assert_eq!(exit_of(3 << 8), Exit::Code(3));
        assert_eq!(exit_of(libc::SIGKILL), Exit::Signal(9));
        assert_eq!(exit_of(libc::SIGABRT | 0x80), Exit::Signal(6));
        assert_eq!(exit_of(0), Exit::Code(0));
    }
}
