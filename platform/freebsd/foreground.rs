//! The terminal that our session has for as long as the process lives that brought it, and who is at its front.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::unistd::{Pid, getpgid};

use super::child::{Front, Plan, Step};
use super::failure::Failure;
use super::spawn::Spawner;
use crate::prepared::{hold_signals, release_signals};
use crate::sys::{check, own};

/// One terminal, or none.
#[derive(Debug, Default)]
pub(super) struct Foreground {
    brought: Option<Brought>,
    /// The process group at its front, which may have been left from one that was brought before; 0: there was none.
    /// Ours is another: what scripts send to all of theirs does not reach us.
    group: i32,
}

/// A terminal that is here.
#[derive(Debug)]
struct Brought {
    /// By whom.
    pid: i32,
    terminal: OwnedFd,
    path: [libc::c_char; PATH_BYTES_MAX],
}

const PATH_BYTES_MAX: usize = 128;

impl Foreground {
    /// Makes a terminal that of our session, and launches who brings it.
    pub(super) fn bring(&mut self, terminal: RawFd, plan: &mut Plan, spawner: &mut Spawner) -> Result<i32, Failure> {
        let failed = |source| Failure { step: Step::Terminal, part: 0, source, pid: None };
        // SAFETY: the descriptor came with the order, and is open until that is done.
        let ours = unsafe { BorrowedFd::borrow_raw(terminal) }.try_clone_to_owned().map_err(failed)?;
        let mut here = Brought { pid: 0, path: path_of(&ours).map_err(failed)?, terminal: ours };
        lead(&here.terminal).map_err(failed)?;
        plan.new_session = false;
        plan.front = Front::Brings { terminal, group: self.group };
        match spawner.run(plan) {
            Ok(pid) => {
                // It had time to end, and then its group is of no use either.
                self.group = getpgid(Some(Pid::from_raw(pid))).map_or(0, Pid::as_raw);
                here.pid = pid;
                self.brought = Some(here);
                Ok(pid)
            }
            Err(failure) => {
                if self.brought.is_none() {
                    let_go(&here);
                }
                Err(failure)
            }
        }
    }

    /// Has a launch join those at the front, if there is a terminal.
    pub(super) fn share(&self, plan: &mut Plan) {
        if self.brought.is_some() && self.group > 0 {
            plan.new_session = false;
            plan.front = Front::Shares { group: self.group };
        }
    }

    /// Lets go of the terminal if this one has brought it.
    pub(super) fn ended(&mut self, pid: i32) {
        if let Some(here) = self.brought.take_if(|here| here.pid == pid) {
            let_go(&here);
        }
    }
}

/// Makes it the terminal of the session that we lead. Who has it already may do so again, but not from behind: that is
/// allowed only to whom the signal for it cannot reach.
fn lead(terminal: &OwnedFd) -> io::Result<()> {
    let held = hold_signals()?;
    // SAFETY: the request takes no memory of ours.
    let led = check(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSCTTY, 0) });
    release_signals(&held);
    led.map(drop)
}

/// Its path, with zeros behind.
fn path_of(terminal: &OwnedFd) -> io::Result<[libc::c_char; PATH_BYTES_MAX]> {
    let mut path = [0; PATH_BYTES_MAX];
    // SAFETY: `path` has room for as many bytes as the last argument says.
    match unsafe { libc::ttyname_r(terminal.as_raw_fd(), path.as_mut_ptr(), path.len()) } {
        0 => Ok(path),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

/// Unlike the end of the session this takes the terminal away from nobody who has it open.
fn let_go(here: &Brought) {
    // SAFETY: the request takes no memory of ours.
    if unsafe { libc::ioctl(here.terminal.as_raw_fd(), libc::TIOCNOTTY, 0) } == 0 {
        return;
    }
    // Who serves the terminal next has revoked what we had open, but our session still counts as its.
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_NONBLOCK | libc::O_CLOEXEC;
    // SAFETY: the path ends with a zero and is only read.
    if let Ok(again) = check(unsafe { libc::open(here.path.as_ptr(), flags) }).map(own) {
        // SAFETY: the request takes no memory of ours.
        unsafe { libc::ioctl(again.as_raw_fd(), libc::TIOCNOTTY, 0) };
    }
}
