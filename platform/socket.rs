//! Unix sockets to listen on, and connections that are only tried.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::{fs, net};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockProtocol, SockType, SockaddrIn, SockaddrIn6, SockaddrLike, UnixAddr, accept4,
    bind, connect, getsockopt, listen, socket, sockopt,
};

use crate::sys::{because, own};

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 128;

/// A Unix socket that is listened on; accepting never waits.
#[derive(Debug)]
pub struct Listener {
    fd: OwnedFd,
}

impl Listener {
    /// Listens at this path with these permissions. A socket that a program now dead has left there is replaced;
    /// anything else is not. The caller makes sure, by a [`crate::files::Lock`], that it is the only one to do so.
    ///
    /// # Errors
    ///
    /// `AddrInUse` where somebody answers, `AlreadyExists` where something else is, `InvalidInput` where the path is
    /// too long for a socket (107 bytes), the kernel's own.
    ///
    /// Source: unix(7).
    pub fn bind(path: &Path, mode: u32) -> io::Result<Self> {
        let address = address(path)?;
        clear(path, &address)?;
        let fd = fresh(AddressFamily::Unix, SockType::Stream)?;
        bind(fd.as_raw_fd(), &address).map_err(|error| because(&error.into(), path.display()))?;
        // Nobody can connect before it listens, so nobody gets by the permissions.
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        listen(&fd, Backlog::new(BACKLOG)?)?;
        Ok(Self { fd })
    }

    /// The next connection, not waiting and not inherited; `None`: none for now.
    ///
    /// # Errors
    ///
    /// The kernel's own: no descriptors left; then see [`crate::files::Spare`].
    ///
    /// Source: accept(2).
    pub fn accept(&self) -> io::Result<Option<UnixStream>> {
        loop {
            match accept4(self.fd.as_raw_fd(), SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK) {
                Ok(fd) => return Ok(Some(own(fd).into())),
                Err(Errno::EAGAIN) => return Ok(None),
                Err(Errno::EINTR | Errno::ECONNABORTED) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl From<OwnedFd> for Listener {
    /// For one that came by inheritance or in a message.
    fn from(fd: OwnedFd) -> Self {
        Self { fd }
    }
}

/// Removes a socket nobody listens on.
fn clear(path: &Path, address: &UnixAddr) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(because(&error, path.display())),
    };
    if !found.file_type().is_socket() {
        let text = format!("{}: something that is no socket is in the way", path.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
    }
    let probe = fresh(AddressFamily::Unix, SockType::Stream)?;
    match connect(probe.as_raw_fd(), address) {
        Err(Errno::ECONNREFUSED | Errno::EPROTOTYPE) => {}
        Err(Errno::ENOENT) => return Ok(()),
        Ok(()) | Err(_) => {
            let text = format!("{}: another program listens here", path.display());
            return Err(io::Error::new(io::ErrorKind::AddrInUse, text));
        }
    }
    fs::remove_file(path).map_err(|error| because(&error, path.display()))
}

fn address(path: &Path) -> io::Result<UnixAddr> {
    UnixAddr::new(path).map_err(|_| {
        let length = path.as_os_str().len();
        let text = format!("{}: {length} bytes are too many for the path of a socket (107 fit)", path.display());
        io::Error::new(io::ErrorKind::InvalidInput, text)
    })
}

fn fresh(family: AddressFamily, kind: SockType) -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    Ok(socket(family, kind, flags, None::<SockProtocol>)?)
}

/// A connection that is tried, to see whether somebody answers.
#[derive(Debug)]
pub struct Probe {
    fd: OwnedFd,
}

/// What became of a [`Probe`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// Somebody accepts connections there.
    Yes,
    /// Not known yet: wait until it is writable and ask again.
    NotYet,
    /// Nobody does; try again later.
    No,
}

impl Probe {
    /// Begins to connect to a TCP port. Poll it for writing.
    ///
    /// # Errors
    ///
    /// The kernel's own before anything was tried: no descriptors left, an address of a family not known here.
    ///
    /// Source: connect(2), `EINPROGRESS`.
    pub fn tcp(to: SocketAddr) -> io::Result<(Self, Answered)> {
        match to {
            SocketAddr::V4(to) => Self::begin(AddressFamily::Inet, &SockaddrIn::from(to)),
            SocketAddr::V6(to) => Self::begin(AddressFamily::Inet6, &SockaddrIn6::from(to)),
        }
    }

    /// Begins to connect to a Unix stream socket; the answer is there at once.
    ///
    /// # Errors
    ///
    /// The kernel's own before anything was tried: no descriptors left, a path too long.
    ///
    /// Source: connect(2), unix(7).
    pub fn unix(to: &Path) -> io::Result<(Self, Answered)> {
        Self::begin(AddressFamily::Unix, &address(to)?)
    }

    fn begin(family: AddressFamily, to: &dyn SockaddrLike) -> io::Result<(Self, Answered)> {
        let fd = fresh(family, SockType::Stream)?;
        let answered = match connect(fd.as_raw_fd(), to) {
            Ok(()) => Answered::Yes,
            Err(Errno::EINPROGRESS | Errno::EINTR) => Answered::NotYet,
            // A Unix socket whose queue is full: somebody listens, but does not accept.
            Err(_) => Answered::No,
        };
        Ok((Self { fd }, answered))
    }

    /// What became of it, once it is writable.
    ///
    /// # Errors
    ///
    /// The kernel's own; none is expected.
    ///
    /// Source: connect(2), `SO_ERROR`.
    pub fn finish(&self) -> io::Result<Answered> {
        if getsockopt(&self.fd, sockopt::SocketError)? != 0 {
            return Ok(Answered::No);
        }
        // No error is also what a connection in the making has.
        let stream = net::TcpStream::from(self.fd.try_clone()?);
        match stream.peer_addr() {
            Ok(_) => Ok(Answered::Yes),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(Answered::NotYet),
            Err(error) => Err(error),
        }
    }
}

impl AsFd for Probe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn a_socket_left_by_the_dead_is_replaced_and_one_in_use_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        drop(UnixListener::bind(&path).unwrap());
        let listener = Listener::bind(&path, 0o640).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
        assert_eq!(Listener::bind(&path, 0o640).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert!(listener.accept().unwrap().is_some(), "the second bind has tried whether somebody answers");
        assert!(listener.accept().unwrap().is_none());
        let _client = UnixStream::connect(&path).unwrap();
        assert!(listener.accept().unwrap().is_some());
    }

    #[test]
    fn what_is_no_socket_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("precious");
        fs::write(&path, "text").unwrap();
        assert_eq!(Listener::bind(&path, 0o600).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "text");
        let long = directory.path().join("x".repeat(200));
        let error = Listener::bind(&long, 0o600).unwrap_err();
        assert!(error.to_string().contains("too many for the path of a socket"), "{error}");
    }

    #[test]
    fn a_probe_tells_a_port_that_answers_from_one_that_does_not() {
        let answer = |to| {
            let (probe, mut answered) = Probe::tcp(to).unwrap();
            let mut poller = crate::poll::Poller::new().unwrap();
            poller.add(&probe, 0, crate::poll::Interest::WRITE).unwrap();
            if answered == Answered::NotYet {
                poller.wait(Some(std::time::Duration::from_secs(5)), &mut Vec::new()).unwrap();
                answered = probe.finish().unwrap();
            }
            answered
        };
        let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        assert_eq!(answer(to), Answered::Yes);
        drop(listener);
        assert_eq!(answer(to), Answered::No);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        assert_eq!(Probe::unix(&path).unwrap().1, Answered::No);
        let _listener = UnixListener::bind(&path).unwrap();
        assert_eq!(Probe::unix(&path).unwrap().1, Answered::Yes);
    }
}
