//! The machine as a whole, as far as every system tells of it alike.

/// Bytes of memory that it has; `None` if the system does not say.
///
/// Source: sysconf(3), `_SC_PHYS_PAGES`.
pub fn memory() -> Option<u64> {
    let number = |name| {
        // SAFETY: takes an integer and touches no memory.
        let number = unsafe { libc::sysconf(name) };
        u64::try_from(number).ok().filter(|number| *number > 0)
    };
    number(libc::_SC_PHYS_PAGES)?.checked_mul(number(libc::_SC_PAGESIZE)?)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_machine_has_more_memory_than_this_test_needs() {
        assert!(super::memory().unwrap() > 1 << 20);
    }
}
