//! Who is at the other end of a Unix socket.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::sys::socket::{getsockopt, sockopt};

/// Who connected, as it was when it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Process id; 0 where it is not to be seen from here.
    pub pid: i32,
    /// Effective user.
    pub uid: u32,
    /// Effective group.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
}

/// Groups asked for at first.
const GROUPS_USUAL: usize = 32;
/// The most groups a process can have (`NGROUPS_MAX`).
const GROUPS_MAX: usize = 65_536;

/// Tells who is at the other end of a connected stream.
///
/// # Errors
///
/// The kernel's own: not a Unix socket.
///
/// Source: unix(7), `SO_PEERCRED`; socket(7), `SO_PEERGROUPS` (Linux 4.13).
pub fn of(socket: BorrowedFd<'_>) -> io::Result<Peer> {
    let found = getsockopt(&socket, sockopt::PeerCredentials)?;
    let groups = groups(socket)?;
    Ok(Peer { pid: found.pid(), uid: found.uid(), gid: found.gid(), groups })
}

fn groups(socket: BorrowedFd<'_>) -> io::Result<Vec<u32>> {
    let mut groups = vec![0u32; GROUPS_USUAL];
    loop {
        let mut bytes = libc::socklen_t::try_from(size_of_val(groups.as_slice())).expect("at most 256 KiB");
        let (level, option, place) = (libc::SOL_SOCKET, libc::SO_PEERGROUPS, groups.as_mut_ptr().cast());
        // SAFETY: `place` has room for `bytes` bytes, which is what the call may write.
        let result = unsafe { libc::getsockopt(socket.as_raw_fd(), level, option, place, &raw mut bytes) };
        if result == 0 {
            groups.truncate(bytes as usize / size_of::<u32>());
            return Ok(groups);
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::ERANGE) if groups.len() < GROUPS_MAX => groups.resize(GROUPS_MAX, 0),
            Some(libc::ENOPROTOOPT | libc::ENODATA) => return Ok(Vec::new()),
            _ => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn our_own_other_end_is_us() {
        let (near, _far) = UnixStream::pair().unwrap();
        let peer = of(near.as_fd()).unwrap();
        assert_eq!(peer.pid, std::process::id() as i32);
        assert_eq!(peer.uid, nix::unistd::geteuid().as_raw());
        assert_eq!(peer.gid, nix::unistd::getegid().as_raw());
        let mine: Vec<u32> = nix::unistd::getgroups().unwrap().iter().map(|gid| gid.as_raw()).collect();
        assert_eq!(peer.groups, mine);
    }
}
