//! Hold of a process that cannot be mistaken for another, whatever becomes of its pid.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use svc_core::{Exit, Time};

use crate::sys::{check, own};

/// Hold of one process. Readable when it has ended. Its pid may by then belong to another; a signal through this does
/// not reach that one.
#[derive(Debug)]
pub struct Handle {
    pid: i32,
    fd: OwnedFd,
}

impl Handle {
    pub(super) fn new(pid: i32, fd: OwnedFd) -> Self {
        Self { pid, fd }
    }

    /// Takes hold of the process that has this pid now. To be sure that it is the one meant, compare
    /// [`super::process::start_time`] afterwards.
    ///
    /// # Errors
    ///
    /// `ESRCH` where there is none; the kernel's own.
    ///
    /// Source: pidfd_open(2).
    pub fn open(pid: i32) -> io::Result<Self> {
        // SAFETY: takes two integers and touches no memory.
        let fd = check_long(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
        Ok(Self { pid, fd: own(fd as i32) })
    }

    /// Takes hold of a process only if it is the one that started at `started`.
    ///
    /// # Errors
    ///
    /// `ESRCH` where it has ended, even if another has its pid now.
    ///
    /// Source: pidfd_open(2), proc_pid_stat(5).
    pub fn open_exactly(pid: i32, started: Time) -> io::Result<Self> {
        let handle = Self::open(pid)?;
        // Looked at after the handle was taken: if it is right now, the handle cannot be of a later process.
        match super::process::start_time(pid) {
            Ok(found) if found == started => Ok(handle),
            _ => Err(io::Error::from_raw_os_error(libc::ESRCH)),
        }
    }

    /// Its pid, or what that was.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Sends it a signal by number; 0 only asks whether it could be sent.
    ///
    /// # Errors
    ///
    /// `ESRCH` where it has ended and was collected; `EPERM`.
    ///
    /// Source: pidfd_send_signal(2).
    pub fn signal(&self, number: i32) -> io::Result<()> {
        let fd = self.fd.as_raw_fd();
        let none = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: without siginfo no memory is touched; the descriptor is ours and open.
        check_long(unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, number, none, 0) })?;
        Ok(())
    }

    /// Whether it has ended, collected or not.
    ///
    /// # Errors
    ///
    /// The kernel's own; none is expected.
    ///
    /// Source: pidfd_open(2), poll(2).
    pub fn has_ended(&self) -> io::Result<bool> {
        let mut fds = [PollFd::new(self.fd.as_fd(), PollFlags::POLLIN)];
        Ok(poll(&mut fds, PollTimeout::ZERO)? > 0)
    }

    /// How it ended, whoever collected it; `None` while it lives, or where the kernel does not keep it (once collected,
    /// before Linux 6.15) and only its parent can know.
    ///
    /// # Errors
    ///
    /// The kernel's own; none is expected.
    ///
    /// Source: ioctl_pidfd(2), `PIDFD_GET_INFO`, `PIDFD_INFO_EXIT`; proc_pid_stat(5), field 52.
    pub fn exit(&self) -> io::Result<Option<Exit>> {
        let mut info = PidfdInfo { mask: PIDFD_INFO_EXIT, ..PidfdInfo::default() };
        let fd = self.fd.as_raw_fd();
        // SAFETY: the request carries the size of the structure that `info` is, which the call reads and writes.
        match check(unsafe { libc::ioctl(fd, PIDFD_GET_INFO, &raw mut info) }) {
            Ok(_) if info.mask & PIDFD_INFO_EXIT != 0 => Ok(Some(super::reap::exit_of(info.exit_code))),
            Ok(_) => Ok(self.exit_uncollected()),
            Err(error) => match error.raw_os_error() {
                Some(libc::ENOTTY | libc::EINVAL | libc::ESRCH) => Ok(self.exit_uncollected()),
                _ => Err(error),
            },
        }
    }

    fn exit_uncollected(&self) -> Option<Exit> {
        let exit = super::process::exit_of_zombie(self.pid)?;
        // It is still there, and so nobody else had its pid when that was looked at.
        self.signal(0).ok().map(|()| exit)
    }
}

/// Turns the `-1` of a raw system call into its error.
fn check_long(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// `struct pidfd_info`, first version.
#[repr(C)]
#[derive(Default)]
struct PidfdInfo {
    mask: u64,
    cgroup: u64,
    pid: u32,
    tgid: u32,
    parent: u32,
    ids: [u32; 8],
    exit_code: i32,
}

const _: () = assert!(size_of::<PidfdInfo>() == 64 && std::mem::offset_of!(PidfdInfo, exit_code) == 60);

const PIDFD_INFO_EXIT: u64 = 1 << 3;
/// `_IOWR(0xFF, 11, struct pidfd_info)`.
const PIDFD_GET_INFO: libc::Ioctl = ((3 << 30) | (size_of::<PidfdInfo>() << 16) | (0xFF << 8) | 11) as libc::Ioctl;

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
