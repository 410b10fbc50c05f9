//! Whose requests to a disk come first.

use std::io;

use crate::replace::IoClass;
use crate::sys::check;

/// ioprio_set(2); in no header of the C library.
const WHO_PROCESS: i32 = 1;
const CLASS_SHIFT: i32 = 13;

/// Chooses our place among those who want something of a disk: a class, and 0 (first) to 7 within it.
///
/// # Errors
///
/// `EPERM` without the right to it.
///
/// Source: ioprio_set(2).
pub fn set_io_class(class: IoClass, priority: i32) -> io::Result<()> {
    let class = match class {
        IoClass::RealTime => 1,
        IoClass::BestEffort => 2,
        IoClass::Idle => 3,
    };
    let value = (class << CLASS_SHIFT) | priority;
    // SAFETY: takes numbers and touches no memory.
    let done = unsafe { libc::syscall(libc::SYS_ioprio_set, WHO_PROCESS, 0, value) };
    check(i32::try_from(done).unwrap_or(-1))?;
    Ok(())
}
