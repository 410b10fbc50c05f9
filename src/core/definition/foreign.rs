//! Keys that not every system knows: using one where it means nothing is an error with the key's line.

use alloc::format;

use super::fault::{Complaint, Faults};
use super::keys::heading;
use super::system::System;
use super::written::Written;

/// Refuses what is written and cannot be had on this system.
pub(super) fn refuse(system: System, written: &Written, faults: &mut Faults<'_>) {
    for entry in written.entries.values().filter(|entry| !entry.key.works_on(system)) {
        let within = if entry.key.table.is_empty() { "" } else { &format!(" of {}", heading(entry.key.table)) };
        let message = format!("`{}`{within} is not to be had on {system}", entry.key.name);
        let other = if system == System::Linux { System::Freebsd } else { System::Linux };
        let help = format!("it is for {other} only; a drop-in that is there only can say it");
        faults.error(&entry.name_at, Complaint::new(message).help(help));
    }
}
