//! Resource limits as this system counts them: with a sign, and the highest number for no limit.

const _: () = assert!(libc::RLIM_INFINITY == libc::rlim_t::MAX);

/// A limit for the system; `None`: no limit.
pub(crate) fn to_system(limit: Option<u64>) -> libc::rlim_t {
    limit.map_or(libc::RLIM_INFINITY, |limit| libc::rlim_t::try_from(limit).unwrap_or(libc::RLIM_INFINITY))
}

/// A limit of the system.
pub(crate) fn from_system(limit: libc::rlim_t) -> u64 {
    u64::try_from(limit).unwrap_or(0)
}
