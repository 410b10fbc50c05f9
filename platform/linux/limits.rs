//! Resource limits as this system counts them: without a sign.

/// A limit for the system; `None`: no limit.
pub(crate) fn to_system(limit: Option<u64>) -> libc::rlim_t {
    limit.unwrap_or(libc::RLIM_INFINITY)
}

/// A limit of the system.
pub(crate) fn from_system(limit: libc::rlim_t) -> u64 {
    limit
}
