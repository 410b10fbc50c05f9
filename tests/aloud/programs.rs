//! Programs that not every system has.

use crate::skipped::skipped;

/// Whether a program is there; says so on the terminal where a test needs it and it is not.
pub(crate) fn has(program: &str, what: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|dir| dir.join(program).is_file());
    if !found {
        skipped(what, format_args!("there is no {program} here"));
    }
    found
}
