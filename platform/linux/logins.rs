//! utmp and wtmp, which tell who(1) and last(1) of the machine's life and of its terminals.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;

#[cfg(target_env = "gnu")]
use super::wtmp::record_in;
pub use crate::login::Entry;

/// Who is here now.
const UTMP: &str = "/run/utmp";
/// Who ever was.
const WTMP: &str = "/var/log/wtmp";

/// Whether both files can be written by now: a root is mounted to be read only at first, and the system makes the one
/// for those who are here anew.
pub fn is_ready() -> bool {
    let can_write = |path: &str| OpenOptions::new().write(true).open(path).is_ok();
    can_write(UTMP) && can_write(WTMP)
}

/// Writes one thing down, in each file that is for it; gives what went wrong. Neither file is made: whoever wants none
/// has none. May wait for other programs that write.
///
/// Source: utmp(5).
pub fn record(entry: &Entry) -> Vec<io::Error> {
    record_in(entry, Path::new(UTMP), Path::new(WTMP))
}

#[cfg(not(target_env = "gnu"))]
fn record_in(_entry: &Entry, _utmp: &Path, _wtmp: &Path) -> Vec<io::Error> {
    vec![crate::Unsupported { what: "a record of logins (this C library has none)" }.into()]
}
