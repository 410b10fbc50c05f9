//! rctl(8): rules that limit what is counted together.

use std::io;
use std::ptr;

use crate::freebsd_pure::rctl::Subject;
use crate::usage::Ceiling;

/// Numbers of system calls. In no header of the libc crate.
const ADD_RULE: i32 = 528;
const REMOVE_RULE: i32 = 529;

/// Limits the subject.
pub(super) fn add(subject: &Subject, ceiling: Ceiling) -> io::Result<()> {
    match call(ADD_RULE, &subject.rule(ceiling)) {
        Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "the system does not count what is used; write kern.racct.enable=1 into loader.conf(5) and start it again",
        )),
        other => other,
    }
}

/// Lifts every limit of the subject; that there is none is well.
pub(super) fn clear(subject: &Subject) -> io::Result<()> {
    match call(REMOVE_RULE, &subject.filter()) {
        Err(error) if matches!(error.raw_os_error(), Some(libc::ESRCH | libc::ENOSYS | libc::ENOENT)) => Ok(()),
        other => other,
    }
}

fn call(number: i32, text: &str) -> io::Result<()> {
    let text = crate::launch::c_string(text)?;
    let length = text.count_bytes() + 1;
    let (none, nothing) = (ptr::null_mut::<libc::c_void>(), 0_usize);
    // SAFETY: the call reads `length` bytes of the text, its zero included, and is given no place to write to.
    if unsafe { libc::syscall(number, text.as_ptr(), length, none, nothing) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
