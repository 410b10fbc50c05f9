//! A process that may do little, and the ear that hears what it asks for.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::unistd::{dup2_stderr, dup2_stdout, setsid};

use super::{asked, filter};
use crate::channel::Channel;
use crate::sandbox::{Answer, Asked, Confined, Failure};
use crate::sys::{check, own};

/// Capabilities that reach nothing beyond the place; all others are gone for good.
///
/// Source: capabilities(7).
const KEPT: [u32; 14] = [
    0,  // CAP_CHOWN
    1,  // CAP_DAC_OVERRIDE
    3,  // CAP_FOWNER
    4,  // CAP_FSETID
    5,  // CAP_KILL
    6,  // CAP_SETGID
    7,  // CAP_SETUID
    8,  // CAP_SETPCAP
    10, // CAP_NET_BIND_SERVICE
    15, // CAP_IPC_OWNER
    18, // CAP_SYS_CHROOT
    23, // CAP_SYS_NICE
    24, // CAP_SYS_RESOURCE
    31, // CAP_SETFCAP
];
/// What a daemon that is tried out, not only watched, may need for its own network, memory and messages.
///
/// Without `CAP_SYS_PTRACE` nobody sees which program a process of another user runs: start-stop-daemon would find no
/// daemon that has left root. What it opens beside that is closed otherwise: ptrace(2), process_vm_writev(2) and
/// pidfd_getfd(2) by the filter, the memory of others by a /proc that is read only, and our own descriptors lead to
/// nothing that can be written.
const TRIED: [u32; 7] = [
    2,  // CAP_DAC_READ_SEARCH
    12, // CAP_NET_ADMIN
    13, // CAP_NET_RAW
    14, // CAP_IPC_LOCK
    19, // CAP_SYS_PTRACE
    28, // CAP_LEASE
    29, // CAP_AUDIT_WRITE
];
const CAPABILITIES_MAX: u32 = 63;

/// Starts a program that is confined, as a child in a session of its own. Gives its pid and, if it is watched, where it
/// is heard: who does not listen lets it wait. To be called by a program with one thread only.
///
/// # Errors
///
/// With what was being done; `Unsupported` on processors and kernels that cannot.
///
/// Source: fork(2), seccomp(2), seccomp_unotify(2), capabilities(7).
pub fn confine(confined: &Confined<'_>) -> Result<(i32, Option<Listener>), Failure> {
    let unknown = || Failure::at("filtering system calls", io::Error::from(crate::Unsupported { what: "a filter" }));
    let code = filter::program(confined.watched).ok_or_else(unknown)?;
    let (ours, theirs) = Channel::pair().map_err(|error| Failure::at("making a channel", error))?;
    // SAFETY: there is one thread only, so the child may do everything that we may.
    let pid = check(unsafe { libc::fork() }).map_err(|error| Failure::at("making a process", error))?;
    if pid == 0 {
        drop(ours);
        let failure = become_confined(confined, &code, &theirs);
        // Whoever waits for the listener hears it; after that, whoever reads the output.
        let text = failure.to_string();
        let _heard = channel_bytes(&text).and_then(|bytes| theirs.send(bytes, &[]));
        eprintln!("svc: {text}");
        // SAFETY: ends this process; nothing of it is to be cleaned up.
        unsafe { libc::_exit(126) }
    }
    drop(theirs);
    let listener = if confined.watched { Some(hear(&ours)?) } else { None };
    Ok((pid, listener))
}

/// The child: gives everything away, then executes. Returns only if something failed.
fn become_confined(confined: &Confined<'_>, code: &[libc::sock_filter], channel: &Channel) -> Failure {
    let prepared = (|| {
        setsid().map_err(|errno| Failure::at("making a session", errno))?;
        dup2_stdout(confined.output).map_err(|errno| Failure::at("passing its output", errno))?;
        dup2_stderr(confined.output).map_err(|errno| Failure::at("passing its output", errno))?;
        nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
        nix::sys::signal::SigSet::empty().thread_set_mask().map_err(|errno| Failure::at("its signals", errno))?;
        drop_capabilities(confined.watched).map_err(|error| Failure::at("giving capabilities up", error))?;
        let listener = install(code, confined.watched).map_err(|error| Failure::at("filtering system calls", error))?;
        if let Some(listener) = listener {
            let sent = channel.send(b"l", &[listener.as_fd()]);
            sent.map_err(|error| Failure::at("handing the listener over", error))?;
        }
        Ok(())
    })();
    if let Err(failure) = prepared {
        return failure;
    }
    match nix::unistd::execve(&confined.program, &confined.arguments, &confined.environment) {
        Ok(never) => match never {},
        Err(errno) => Failure::at(format!("executing {}", confined.program.to_string_lossy()), errno),
    }
}

fn drop_capabilities(watched: bool) -> io::Result<()> {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Data {
        effective: u32,
        permitted: u32,
        inheritable: u32,
    }
    const VERSION_3: u32 = 0x2008_0522;
    let keeps = |capability: &u32| KEPT.contains(capability) || (!watched && TRIED.contains(capability));
    for capability in (0..=CAPABILITIES_MAX).filter(|capability| !keeps(capability)) {
        // SAFETY: takes numbers only. Those that this kernel does not know are an error that may be passed over.
        if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, libc::c_ulong::from(capability), 0, 0, 0) } < 0 {
            let error = io::Error::last_os_error();
            if error.raw_os_error() != Some(libc::EINVAL) {
                return Err(error);
            }
        }
    }
    let nothing = Data { effective: 0, permitted: 0, inheritable: 0 };
    let mut data = [nothing; 2];
    let header = Header { version: VERSION_3, pid: 0 };
    // SAFETY: the call writes two structures of the version that the header names, and both live.
    if unsafe { libc::syscall(libc::SYS_capget, &raw const header, data.as_mut_ptr()) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // We may lack some ourselves.
    let kept = (0..32).filter(keeps).fold(0_u32, |bits, capability| bits | 1 << capability) & data[0].permitted;
    data = [Data { effective: kept, permitted: kept, inheritable: 0 }, nothing];
    // SAFETY: both structures are of the version that the header names, and live as long as the call takes.
    let set = unsafe { libc::syscall(libc::SYS_capset, &raw const header, data.as_ptr()) };
    if set < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

const _: () = assert!(KEPT[KEPT.len() - 1] < 32 && TRIED[TRIED.len() - 1] < 32, "the second word of bits stays empty");

/// Puts the filter in force for this process and all to come from it.
fn install(code: &[libc::sock_filter], watched: bool) -> io::Result<Option<OwnedFd>> {
    // SAFETY: takes numbers only.
    check(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) })?;
    let length = u16::try_from(code.len()).expect("a filter of a few hundred steps");
    let program = libc::sock_fprog { len: length, filter: code.as_ptr().cast_mut() };
    let flags = if watched { libc::SECCOMP_FILTER_FLAG_NEW_LISTENER } else { 0 };
    let mode = libc::SECCOMP_SET_MODE_FILTER;
    // SAFETY: the program and its steps live as long as the call takes, which only reads them.
    let result = unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &raw const program) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(watched.then(|| own(i32::try_from(result).expect("a descriptor"))))
}

/// So much of what went wrong is told.
const SAID_MAX: usize = 256;

fn channel_bytes(text: &str) -> io::Result<&[u8]> {
    text.as_bytes().get(..text.len().min(SAID_MAX)).ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

/// Takes the listener that the child hands over.
fn hear(channel: &Channel) -> Result<Listener, Failure> {
    let failure = |error: io::Error| Failure::at("hearing a confined program", error);
    wait(channel.as_fd(), None).map_err(failure)?;
    let mut bytes = [0; SAID_MAX];
    let received = channel.receive(&mut bytes).map_err(failure)?;
    let received = received.ok_or_else(|| failure(io::ErrorKind::UnexpectedEof.into()))?;
    let said = String::from_utf8_lossy(&bytes[..received.length]).into_owned();
    let fd = received.descriptors.into_iter().flatten().next();
    Ok(Listener { fd: fd.ok_or_else(|| failure(io::Error::other(said)))? })
}

fn wait(fd: BorrowedFd<'_>, timeout: Option<u16>) -> io::Result<bool> {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let mut all = [PollFd::new(fd, PollFlags::POLLIN)];
    let timeout = timeout.map_or(PollTimeout::NONE, PollTimeout::from);
    loop {
        match poll(&mut all, timeout) {
            Ok(count) => return Ok(count > 0),
            Err(nix::errno::Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Where watched processes are heard. Readable when one waits for an answer.
#[derive(Debug)]
pub struct Listener {
    fd: OwnedFd,
}

impl Listener {
    /// The next question; `None`: who asked is gone, or nobody is left to ask.
    ///
    /// # Errors
    ///
    /// The kernel's own.
    ///
    /// Source: seccomp_unotify(2).
    pub fn next(&self) -> io::Result<Option<Asked>> {
        if !wait(self.fd.as_fd(), Some(0))? {
            return Ok(None);
        }
        let mut question = asked::nothing();
        // SAFETY: the call fills in the structure of this kernel's own size or less, which lives and is zeroed.
        let result =
            check(unsafe { libc::ioctl(self.fd.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut question) });
        match result {
            Ok(_) => Ok(Some(Asked {
                id: question.id,
                pid: i32::try_from(question.pid).unwrap_or(0),
                call: asked::read(&question),
            })),
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EINTR)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Answers one. Who asked may be gone by now, which is no fault.
    ///
    /// # Errors
    ///
    /// The kernel's own.
    ///
    /// Source: seccomp_unotify(2).
    pub fn answer(&self, id: u64, answer: Answer) -> io::Result<()> {
        let (error, flags) = match answer {
            Answer::Allow => (0, libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32),
            Answer::Refuse => (-libc::EPERM, 0),
            Answer::Pretend => (0, 0),
        };
        let response = libc::seccomp_notif_resp { id, val: 0, error, flags };
        // SAFETY: the call reads the structure, which lives.
        let result =
            check(unsafe { libc::ioctl(self.fd.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw const response) });
        match result {
            Err(error) if error.raw_os_error() != Some(libc::ENOENT) => Err(error),
            _ => Ok(()),
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
