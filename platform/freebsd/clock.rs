//! The daemon's clock, and the one on the wall.

use std::io;
use std::time::Duration;

use svc_core::Time;

pub use crate::wall::{rfc3339, wall};

/// The moment now, on the clock by which the kernel notes when processes start.
///
/// Source: clock_gettime(2), `CLOCK_MONOTONIC`.
pub fn now() -> Time {
    let mut moment = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `moment` is ours and lives through the call, which writes one timespec to it and cannot fail otherwise.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut moment) };
    let seconds = u64::try_from(moment.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(moment.tv_nsec).unwrap_or(0);
    Time::new(Duration::new(seconds, nanos))
}

/// What tells this boot of the machine from any other.
///
/// # Errors
///
/// `ENXIO` before the kernel has gathered any randomness; the kernel's own.
///
/// Source: sysctl(3), `kern.boot_id`.
pub fn boot_id() -> io::Result<String> {
    let bytes = super::sysctl::by_name(c"kern.boot_id", 16)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daemons_clock_does_not_go_back_and_the_boot_has_a_name() {
        let before = now();
        assert!(now() >= before && before > Time::default());
        assert_eq!(boot_id().unwrap(), boot_id().unwrap());
        assert_eq!(boot_id().unwrap().len(), 32);
    }
}
