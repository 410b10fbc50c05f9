//! One name, several commands: which `service` is meant is told by the machine.

use std::process::ExitCode;

use super::rcconf::below;
use super::{debian, service as freebsd};

/// Whose commands a machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Machine {
    Debian,
    FreeBsd,
}

/// A machine without init.d scripts and with rc.d is FreeBSD's.
pub(super) fn machine() -> Machine {
    let has_scripts = below("/etc/init.d").is_dir();
    let is_freebsd = !has_scripts && (below("/etc/rc.d").is_dir() || below("/etc/rc.subr").exists());
    if is_freebsd { Machine::FreeBsd } else { Machine::Debian }
}

/// `service` in the grammar of this machine.
pub(super) fn service(words: &[String]) -> ExitCode {
    match machine() {
        Machine::Debian => debian::service::run(words),
        Machine::FreeBsd => freebsd::run(words),
    }
}
