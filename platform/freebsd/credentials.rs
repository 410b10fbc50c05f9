//! Who wrote a message to a Unix socket, by the kernel's word.

use std::io;
use std::os::fd::BorrowedFd;

/// The level of options of Unix sockets. In no header of the libc crate.
const SOL_LOCAL: i32 = 0;

/// Has the kernel say who wrote it with every message from now on.
///
/// Source: unix(4), `LOCAL_CREDS_PERSISTENT`.
pub(crate) fn ask_for(socket: BorrowedFd<'_>) -> io::Result<()> {
    crate::notify::set(socket, SOL_LOCAL, libc::LOCAL_CREDS_PERSISTENT, 1)
}

/// Pid and effective uid of the sender, where a control message tells them.
///
/// Source: unix(4), `SCM_CREDS2`.
pub(crate) fn sender(level: i32, kind: i32, data: &[u8]) -> Option<(i32, u32)> {
    (level == libc::SOL_SOCKET && kind == libc::SCM_CREDS2).then(|| credentials(data))?
}

// `credentials` reads the structure by its places.
const _: () = assert!(std::mem::offset_of!(libc::sockcred2, sc_pid) == 4);
const _: () = assert!(std::mem::offset_of!(libc::sockcred2, sc_euid) == 12);

/// Pid and effective uid of a `struct sockcred2`.
fn credentials(data: &[u8]) -> Option<(i32, u32)> {
    let pid = i32::from_ne_bytes(data.get(4..8)?.try_into().ok()?);
    let uid = u32::from_ne_bytes(data.get(12..16)?.try_into().ok()?);
    Some((pid, uid))
}
