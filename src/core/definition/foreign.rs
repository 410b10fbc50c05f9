//! Keys that not every system knows: using one where it means nothing is an error with the key's line.

use alloc::format;

use super::fault::{Complaint, Faults};
use super::keys::heading;
use super::system::System;
use super::written::Written;
use crate::service::Service;

/// Limits of `[limits]` that are about the whole tree.
const OF_TREES: [&str; 3] = ["limits.cpu", "limits.memory", "limits.tasks"];

/// Refuses what is written and cannot be had on this system.
pub(super) fn refuse(system: System, service: &Service, written: &Written, faults: &mut Faults<'_>) {
    for entry in written.entries.values().filter(|entry| !entry.key.works_on(system)) {
        let within = if entry.key.table.is_empty() { "" } else { &format!(" of {}", heading(entry.key.table)) };
        let message = format!("`{}`{within} is not to be had on {system}", entry.key.name);
        let other = if system == System::Linux { System::Freebsd } else { System::Linux };
        let help = format!("it is for {other} only; a drop-in that is there only can say it");
        faults.error(&entry.name_at, Complaint::new(message).help(help));
    }
    if system == System::Freebsd {
        refuse_counted_twice(service, written, faults);
    }
}

/// FreeBSD counts what a tree uses by its jail, or else by a login class that nobody else is in, and a process has one.
fn refuse_counted_twice(service: &Service, written: &Written, faults: &mut Faults<'_>) {
    let exec = &service.exec;
    if exec.login_class.is_empty() || exec.jail.is_some() {
        return;
    }
    for path in OF_TREES {
        let Some(entry) = written.entries.get(path) else { continue };
        if exec.limits.get(entry.key.name).is_some_and(|limit| limit.hard.is_some()) {
            let message = format!("`{}` limits the whole service, and others are in its login class", entry.key.name);
            faults.error(&entry.name_at, Complaint::new(message).help("give it a [jail], or leave `login-class` out"));
        }
    }
}
