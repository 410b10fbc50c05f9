//! The asking end of launches by another process: a launch as one flat record, and the answer waited for.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::child::Step;
use super::failure::{Failure, with_complaint};
use super::given::{changes, descriptors, jail_of};
use super::process::{self, Handle};
use crate::channel::Channel;
use crate::freebsd_pure::order::{self, Head, ORDER_BYTES_MAX, Parts, REPLY_BYTES, Reply};
use crate::launch::{Launch, Passed, Terminal};
use crate::prepared::limit_of;
use crate::sys::{check, own};

/// How long an answer is waited for. Where it takes longer, the file system that has the program does not answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The end of a line on which launches are asked for.
#[derive(Debug)]
pub(super) struct Line {
    channel: Channel,
    ticket: u64,
}

impl Line {
    pub(super) fn new(fd: OwnedFd) -> Self {
        Self { channel: Channel::from(fd), ticket: 0 }
    }

    /// Has a launch carried out at the other end.
    pub(super) fn order(
        &mut self,
        launch: &Launch<'_>,
        pass: &[Passed<'_>],
        null: BorrowedFd<'_>,
    ) -> Result<Handle, Failure> {
        let (fds, targets): (Vec<_>, Vec<_>) = descriptors(launch, pass, null).unzip();
        let jail = jail_of(launch).map_err(Failure::jail)?;
        let bytes = record_of(launch, &targets, &jail);
        if bytes.len() > ORDER_BYTES_MAX {
            let source = io::Error::from_raw_os_error(libc::E2BIG);
            return Err(Failure { step: Step::Program, part: 0, source, pid: None });
        }
        self.ticket += 1;
        let reply = self.ask(&bytes, &fds).map_err(Failure::process)?;
        if reply.pid <= 0 {
            let source = with_complaint(reply.errno, &reply.complaint);
            return Err(Failure { step: Step::of(reply.step.0), part: reply.step.1, source, pid: None });
        }
        match Handle::open(reply.pid) {
            // It has ended, and its parent was faster to collect it than we to look.
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {
                Handle::of_the_dead(reply.pid).map_err(Failure::process)
            }
            other => other.map_err(Failure::process),
        }
    }

    fn ask(&self, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<Reply> {
        let record = memory(bytes)?;
        let all: Vec<BorrowedFd<'_>> = std::iter::once(record.as_fd()).chain(fds.iter().copied()).collect();
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let letter = [self.ticket.to_ne_bytes(), length.to_ne_bytes()].concat();
        self.channel.send(&letter, &all)?;
        let until = Instant::now() + PATIENCE;
        loop {
            let mut answer = [0; REPLY_BYTES];
            match self.channel.receive(&mut answer) {
                Ok(Some(_)) => match Reply::read(&answer) {
                    Some(reply) if reply.ticket == self.ticket => return Ok(reply),
                    // Nobody waits for that one any more: it must not run unknown.
                    Some(late) if late.pid > 0 => drop(process::Handle::open(late.pid)?.signal(libc::SIGKILL)),
                    Some(_) | None => {}
                },
                Ok(None) => return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the keeper is gone")),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait(until)?,
                Err(error) => return Err(error),
            }
        }
    }

    fn wait(&self, until: Instant) -> io::Result<()> {
        let left = until.saturating_duration_since(Instant::now());
        let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(self.channel.as_fd(), PollFlags::POLLIN)], left) {
            Ok(0) => Err(io::Error::new(io::ErrorKind::TimedOut, "the keeper has not launched it within 10 s")),
            Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// A launch as bytes.
fn record_of(launch: &Launch<'_>, targets: &[i32], (enter_jail, jail): &(i32, Vec<u8>)) -> Vec<u8> {
    let identity = launch.identity.as_ref().filter(|identity| changes(identity));
    let gids: Vec<u32> =
        identity.iter().flat_map(|who| [who.gid].into_iter().chain(who.gids.iter().copied())).collect();
    let limits = launch.limits.iter().map(|(resource, limit)| {
        let value = limit_of(*limit);
        (resource.number, value.rlim_cur.cast_unsigned(), value.rlim_max.cast_unsigned())
    });
    let limits: Vec<order::LimitWord> = limits.collect();
    let placement = &launch.placement;
    let flags = [
        (order::NEW_SESSION, launch.new_session),
        (order::NICE, launch.nice.is_some()),
        (order::UMASK, launch.umask.is_some()),
        (order::IDENTITY, identity.is_some()),
        (order::CHROOT, launch.chroot.is_some()),
        (order::DIRECTORY, launch.directory.is_some()),
        (order::LOGIN, placement.login.is_some()),
        (order::LOGIN_CLASS, placement.login_class.is_some()),
        (order::FIB, placement.fib.is_some()),
        (order::PROTECT, placement.protect),
        (order::BRINGS, launch.terminal == Terminal::Brings),
        (order::SHARES, launch.terminal == Terminal::Shares),
    ];
    let paths = [Some(&launch.program), launch.chroot.as_ref(), launch.directory.as_ref()];
    let names = [placement.login.as_ref(), placement.login_class.as_ref()];
    let strings = paths.into_iter().chain(names).flatten().chain(&launch.arguments).chain(&launch.environment);
    let strings: Vec<&[u8]> = strings.map(CString::as_bytes_with_nul).collect();
    let mask = placement.mask();
    let mask = mask.as_ref().map_or(&[][..], |mask| &mask[..]);
    let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let head = Head {
        what: flags.into_iter().filter(|(_, set)| *set).map(|(flag, _)| flag).sum(),
        nice: launch.nice.unwrap_or(0),
        umask: launch.umask.unwrap_or(0),
        uid: identity.map_or(0, |who| who.uid),
        gid: identity.map_or(0, |who| who.gid),
        arguments: count(launch.arguments.len()),
        environment: count(launch.environment.len()),
        enter_jail: *enter_jail,
        fib: placement.fib.unwrap_or(0),
        ..Head::default()
    };
    order::write(&head, &Parts { gids: &gids, limits: &limits, targets, jail, mask, strings: &strings })
}

/// A file in memory that holds these bytes.
fn memory(bytes: &[u8]) -> io::Result<OwnedFd> {
    // SAFETY: the name ends with a zero and is only read.
    let fd = own(check(unsafe { libc::memfd_create(c"svc-order".as_ptr(), libc::MFD_CLOEXEC) })?);
    let mut file = File::from(fd);
    file.write_all(bytes)?;
    Ok(file.into())
}
