//! What descriptors are watched for and what they are ready for.

/// What a descriptor is watched for. An end of the other side is reported in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// Something to read.
    pub read: bool,
    /// Room to write.
    pub write: bool,
    /// Out-of-band news: what sysfs and cgroup files report.
    pub priority: bool,
}

impl Interest {
    /// Something to read, nothing else.
    pub const READ: Self = Self { read: true, write: false, priority: false };
    /// Room to write, nothing else.
    pub const WRITE: Self = Self { read: false, write: true, priority: false };
}

/// What a descriptor is ready for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// A read will not block; it may report the end.
    pub readable: bool,
    /// A write will not block; it may report an error.
    pub writable: bool,
    /// The other side is gone, or the descriptor is in error.
    pub hangup: bool,
}
