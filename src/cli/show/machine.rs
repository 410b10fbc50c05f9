//! The daemon and the machine as a whole: `svc hello` and `svc status` without a name.

use std::fmt::Write;
use std::time::Duration;

use sysinfo::System;

use super::{BOLD, DIM, Look, columns, cut, list, pad, paint, state_style};
use crate::cli::human;
use crate::wire::{Hello, StateName, Summary};

/// What is worth knowing of the machine.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) name: String,
    pub(crate) system: String,
    pub(crate) up: Duration,
    pub(crate) load: f64,
    pub(crate) memory_used: u64,
    pub(crate) memory: u64,
}

impl Machine {
    /// Asks the system.
    pub(crate) fn look() -> Self {
        let mut system = System::new();
        system.refresh_memory();
        Self {
            name: System::host_name().unwrap_or_else(|| "this machine".to_owned()),
            system: System::long_os_version().unwrap_or_default(),
            up: Duration::from_secs(System::uptime()),
            load: System::load_average().one,
            memory_used: system.used_memory(),
            memory: system.total_memory(),
        }
    }

    /// Bytes of its memory, without asking for all the rest.
    pub(crate) fn memory() -> Option<u64> {
        svc_platform::machine::memory()
    }

    /// The machine in one line; where that is too wide, without its system.
    pub(crate) fn line(&self, width: Option<usize>) -> String {
        let name = human::clean(&self.name);
        let busy = format!(
            "up {}, load {:.2}, memory {} of {}",
            human::duration(self.up),
            self.load,
            human::size(self.memory_used),
            human::size(self.memory)
        );
        let full = format!("{name}: {}, {busy}", human::clean(&self.system));
        if width.is_none_or(|width| columns(&full) <= width) { full } else { format!("{name}: {busy}") }
    }
}

/// What the daemon says of itself.
pub(crate) fn hello(hello: &Hello) -> String {
    let keeper = hello.keeper.map_or_else(|| "none".to_owned(), |pid| pid.to_string());
    let rows = [
        ("version", hello.version.clone()),
        ("manager", hello.manager.to_string()),
        ("keeper", keeper),
        ("tracking", hello.tracking.clone()),
        ("runtime", hello.runtime.clone()),
        ("reads", hello.definitions.iter().chain(&hello.legacy).cloned().collect::<Vec<_>>().join(" ")),
        ("messages", hello.schema.to_string()),
    ];
    let mut text = paint(BOLD, "svcd") + "\n";
    for (label, value) in rows.into_iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(text, "  {}{}", paint(DIM, &pad(label, 10)), human::clean(&value));
    }
    text
}

/// How all is: the machine, how many services are in which state, and the ones that are not well.
pub(crate) fn overview(machine: &Machine, hello: &Hello, rows: &[Summary], look: &Look) -> String {
    let mut text = machine.line(look.width) + "\n";
    let svcd = format!("svcd {}, manager {}, trees by {}", hello.version, hello.manager, hello.tracking);
    let _ = writeln!(text, "{}", look.width.map_or_else(|| svcd.clone(), |width| cut(&svcd, width, look.utf8)));
    let mut counts: Vec<(StateName, usize)> = Vec::new();
    for row in rows {
        match counts.iter_mut().find(|count| count.0 == row.state) {
            Some(count) => count.1 += 1,
            None => counts.push((row.state, 1)),
        }
    }
    counts.sort_unstable();
    text += &match rows.len() {
        0 => "no services\n".to_owned(),
        count => states(&format!("{count} services: "), &counts, look),
    };
    let unwell: Vec<Summary> = rows.iter().filter(|row| is_unwell(row)).cloned().collect();
    if !unwell.is_empty() {
        text.push('\n');
        text += &list(&unwell, look);
    }
    text
}

/// How many services are in which state, on as many lines as that takes.
fn states(head: &str, counts: &[(StateName, usize)], look: &Look) -> String {
    let mut text = head.to_owned();
    let mut used = columns(head);
    for (at, (state, count)) in counts.iter().enumerate() {
        let part = format!("{count} {}", state.word());
        let end = if at + 1 < counts.len() { ", " } else { "" };
        if look.width.is_some_and(|width| used + columns(&part) + end.trim_end().len() > width) {
            text.truncate(text.trim_end().len());
            let _ = write!(text, "\n{}", " ".repeat(head.len()));
            used = head.len();
        }
        used += columns(&part) + end.len();
        text += &paint(state_style(*state), &part);
        text += end;
    }
    text + "\n"
}

fn is_unwell(row: &Summary) -> bool {
    match row.state {
        StateName::Failed | StateName::BackingOff | StateName::Waiting | StateName::Faulty => true,
        StateName::Down | StateName::Starting | StateName::Up | StateName::Stopping | StateName::Skipped => false,
    }
}
