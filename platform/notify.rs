//! The datagram socket on which services say how they are (`NOTIFY_SOCKET`).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use crate::channel::{self, Descriptors};
use crate::os::credentials;
use crate::sys::{because, check};

/// The largest message; as large as systemd takes.
pub const MESSAGE_BYTES_MAX: usize = 4096;

/// A socket on which any process of a service may say something.
#[derive(Debug)]
pub struct Notify {
    socket: UnixDatagram,
}

/// What a process said.
#[derive(Debug)]
pub struct Said {
    /// How many bytes of the buffer.
    pub length: usize,
    /// Who said it, by the kernel's word; 0 where it is not to be seen from here.
    pub pid: i32,
    /// As which user.
    pub uid: u32,
    /// What came with it. `BARRIER=1` asks that the one it brings is closed.
    pub descriptors: Descriptors,
}

impl Notify {
    /// Binds it at this path, where nothing may be. Everybody may write to it: that a sender belongs to the service it
    /// speaks for is to be checked by its pid.
    ///
    /// # Errors
    ///
    /// `AddrInUse` where something is; the kernel's own.
    ///
    /// Source: unix(7), `SO_PASSCRED`; unix(4), `LOCAL_CREDS_PERSISTENT`; sd_notify(3).
    pub fn bind(path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::bind(path).map_err(|error| because(&error, path.display()))?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666))?;
        Self::listen(socket)
    }

    /// Makes one of a bound socket that was kept from before.
    ///
    /// # Errors
    ///
    /// The kernel's own: not a Unix socket.
    ///
    /// Source: unix(7), `SO_PASSCRED`; unix(4), `LOCAL_CREDS_PERSISTENT`.
    pub fn from_kept(fd: OwnedFd) -> io::Result<Self> {
        Self::listen(UnixDatagram::from(fd))
    }

    fn listen(socket: UnixDatagram) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        credentials::ask_for(socket.as_fd())?;
        Ok(Self { socket })
    }

    /// The next message, into `bytes` of [`MESSAGE_BYTES_MAX`]; `None`: nothing for now.
    ///
    /// # Errors
    ///
    /// `InvalidData` for a message that did not fit, which is lost; the kernel's own.
    ///
    /// Source: recvmsg(2).
    pub fn next(&self, bytes: &mut [u8]) -> io::Result<Option<Said>> {
        let mut sender = (0, u32::MAX);
        let received = channel::receive(self.socket.as_fd(), bytes, |level, kind, data| {
            sender = credentials::sender(level, kind, data).unwrap_or(sender);
        });
        match received {
            Ok(received) => {
                let (pid, uid) = sender;
                Ok(Some(Said { length: received.length, pid, uid, descriptors: received.descriptors }))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives it room for this many bytes of messages that nobody has read yet; best effort.
    ///
    /// # Errors
    ///
    /// The kernel's own.
    ///
    /// Source: setsockopt(2), `SO_RCVBUF`.
    pub fn buffer(&self, bytes: i32) -> io::Result<()> {
        set(self.socket.as_fd(), libc::SOL_SOCKET, libc::SO_RCVBUF, bytes)
    }
}

/// Sets an option of a socket that is one integer.
pub(crate) fn set(socket: BorrowedFd<'_>, level: i32, option: i32, value: i32) -> io::Result<()> {
    let (fd, size) = (socket.as_raw_fd(), size_of::<i32>() as libc::socklen_t);
    // SAFETY: the option reads one integer, which `value` is.
    check(unsafe { libc::setsockopt(fd, level, option, (&raw const value).cast(), size) })?;
    Ok(())
}

impl AsFd for Notify {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_tells_its_sender() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let notify = Notify::bind(&path).unwrap();
        assert!(Notify::bind(&path).is_err());
        let mut bytes = [0; MESSAGE_BYTES_MAX];
        assert!(notify.next(&mut bytes).unwrap().is_none());
        let service = UnixDatagram::unbound().unwrap();
        for text in [&b"READY=1\n"[..], b"STATUS=well\n"] {
            service.send_to(text, &path).unwrap();
            let said = notify.next(&mut bytes).unwrap().unwrap();
            assert_eq!(&bytes[..said.length], text);
            assert_eq!((said.pid, said.uid), (std::process::id() as i32, nix::unistd::geteuid().as_raw()));
            assert!(said.descriptors.iter().all(Option::is_none));
        }
        // What FreeBSD sends at most is less than what is taken.
        service.send_to(&[b'x'; 1024], &path).unwrap();
        assert_eq!(notify.next(&mut [0; 16]).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert!(notify.next(&mut bytes).unwrap().is_none());
    }
}
