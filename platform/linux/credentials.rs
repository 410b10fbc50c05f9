//! Who wrote a message to a Unix socket, by the kernel's word.

use std::io;
use std::os::fd::BorrowedFd;

/// Has the kernel say who wrote it with every message from now on.
///
/// Source: unix(7), `SO_PASSCRED`.
pub(crate) fn ask_for(socket: BorrowedFd<'_>) -> io::Result<()> {
    crate::notify::set(socket, libc::SOL_SOCKET, libc::SO_PASSCRED, 1)
}

/// Pid and uid of the sender, where a control message tells them.
///
/// Source: unix(7), `SCM_CREDENTIALS`.
pub(crate) fn sender(level: i32, kind: i32, data: &[u8]) -> Option<(i32, u32)> {
    (level == libc::SOL_SOCKET && kind == libc::SCM_CREDENTIALS).then(|| credentials(data))?
}

// `credentials` reads the structure by its places.
const _: () = assert!(size_of::<libc::ucred>() == 12);
const _: () = assert!(std::mem::offset_of!(libc::ucred, pid) == 0 && std::mem::offset_of!(libc::ucred, uid) == 4);

/// Pid and uid of a `struct ucred`.
fn credentials(data: &[u8]) -> Option<(i32, u32)> {
    let pid = i32::from_ne_bytes(data.get(0..4)?.try_into().ok()?);
    let uid = u32::from_ne_bytes(data.get(4..8)?.try_into().ok()?);
    Some((pid, uid))
}
