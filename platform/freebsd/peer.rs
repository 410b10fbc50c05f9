//! Who is at the other end of a Unix socket.

use std::io;
use std::mem::zeroed;
use std::os::fd::{AsRawFd, BorrowedFd};

use crate::sys::check;

/// Who connected, as it was when it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Process id; 0 where it is not to be seen from here.
    pub pid: i32,
    /// Effective user.
    pub uid: u32,
    /// Effective group.
    pub gid: u32,
    /// Supplementary groups, of which this system tells at most 15.
    pub groups: Vec<u32>,
}

/// The level of options of Unix sockets. In no header of the libc crate.
const SOL_LOCAL: i32 = 0;

const _: () = assert!(size_of::<libc::xucred>() == 88 && std::mem::offset_of!(libc::xucred, cr_groups) == 12);

/// Tells who is at the other end of a connected stream.
///
/// # Errors
///
/// The kernel's own: not a Unix socket, not connected.
///
/// Source: unix(4), `LOCAL_PEERCRED`.
pub fn of(socket: BorrowedFd<'_>) -> io::Result<Peer> {
    // SAFETY: a structure of numbers, for which zeros are as good as any.
    let mut found: libc::xucred = unsafe { zeroed() };
    let mut bytes = size_of::<libc::xucred>() as libc::socklen_t;
    let (fd, place) = (socket.as_raw_fd(), (&raw mut found).cast());
    // SAFETY: `place` has room for `bytes` bytes, which is what the call may write.
    check(unsafe { libc::getsockopt(fd, SOL_LOCAL, libc::LOCAL_PEERCRED, place, &raw mut bytes) })?;
    // SAFETY: both members of the union are of this size and zeroed or written by the kernel.
    let pid = unsafe { found.cr_pid__c_anonymous_union.cr_pid };
    let count = usize::try_from(found.cr_ngroups).unwrap_or(0);
    // The first is the effective one.
    let mut groups = found.cr_groups.into_iter().take(count);
    let gid = groups.next().unwrap_or(u32::MAX);
    Ok(Peer { pid, uid: found.cr_uid, gid, groups: groups.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn our_own_other_end_is_us() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let _client = UnixStream::connect(&path).unwrap();
        let (server, _) = listener.accept().unwrap();
        let peer = of(server.as_fd()).unwrap();
        assert_eq!(peer.pid, std::process::id() as i32);
        assert_eq!(peer.uid, nix::unistd::geteuid().as_raw());
        assert_eq!(peer.gid, nix::unistd::getegid().as_raw());
    }
}
