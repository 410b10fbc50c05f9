//! Moments on the daemon's monotonic clock.

use core::ops::Add;
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment, counted from the boot of the machine, so that it means the same to the next manager; never wall-clock time
/// of day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Time(Duration);

impl Time {
    /// The moment `since_boot` after the machine came up.
    pub const fn new(since_boot: Duration) -> Self {
        Self(since_boot)
    }

    /// How long after `earlier` this moment is; zero if it is not after it.
    pub fn since(self, earlier: Time) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// So long before this moment, though not before boot.
    #[must_use]
    pub const fn earlier(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(by))
    }

    /// How long after boot this moment is.
    pub const fn since_boot(self) -> Duration {
        self.0
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    fn add(self, rest: Duration) -> Time {
        Time(self.0.saturating_add(rest))
    }
}
