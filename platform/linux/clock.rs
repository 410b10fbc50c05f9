//! The daemon's clock, and the one on the wall.

use std::time::Duration;
use std::{fs, io};

use svc_core::Time;

pub use crate::wall::{rfc3339, wall};

/// The moment now. It goes on while the machine sleeps, so that a start time of `/proc` can be compared with it.
///
/// Source: clock_gettime(2), `CLOCK_BOOTTIME`.
pub fn now() -> Time {
    let mut moment = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `moment` is ours and lives through the call, which writes one timespec to it. The clock exists since
    // Linux 2.6.39, and the call cannot fail otherwise.
    unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &mut moment) };
    let seconds = u64::try_from(moment.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(moment.tv_nsec).unwrap_or(0);
    Time::new(Duration::new(seconds, nanos))
}

/// What tells this boot of the machine from any other.
///
/// # Errors
///
/// Where `/proc` is not mounted.
///
/// Source: random(4), `/proc/sys/kernel/random/boot_id`.
pub fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daemons_clock_does_not_go_back() {
        let before = now();
        assert!(now() >= before && before > Time::default());
    }
}
