//! One name, several commands: which `service` is meant is told by the machine.

use std::process::ExitCode;

use super::rcconf::below;
use super::{debian, redhat, service as freebsd};

/// Whose commands a machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Machine {
    Debian,
    FreeBsd,
    RedHat,
}

/// A machine without init.d scripts and with rc.d is FreeBSD's; Red Hat's has its scripts in a directory below that.
pub(super) fn machine() -> Machine {
    let has = |path: &str| below(path).exists();
    if has("/etc/redhat-release") || has("/etc/rc.d/init.d") {
        return Machine::RedHat;
    }
    let is_freebsd = !has("/etc/init.d") && (has("/etc/rc.d") || has("/etc/rc.subr"));
    if is_freebsd { Machine::FreeBsd } else { Machine::Debian }
}

/// `service` in the grammar of this machine.
pub(super) fn service(words: &[String]) -> ExitCode {
    match machine() {
        Machine::Debian => debian::service::run(words),
        Machine::FreeBsd => freebsd::run(words),
        Machine::RedHat => redhat::service::run(words),
    }
}
