//! The daemon and the machine as a whole: `svc hello` and `svc status` without a name.

use std::fmt::Write;
use std::time::Duration;

use sysinfo::System;

use super::{BOLD, DIM, Look, list, pad, paint, state_style};
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

    fn line(&self) -> String {
        format!(
            "{}: {}, up {}, load {:.2}, memory {} of {}",
            human::clean(&self.name),
            human::clean(&self.system),
            human::duration(self.up),
            self.load,
            human::size(self.memory_used),
            human::size(self.memory)
        )
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
        ("messages", hello.schema.to_string()),
    ];
    let mut text = paint(BOLD, "svcd") + "\n";
    for (label, value) in rows {
        let _ = writeln!(text, "  {}{}", paint(DIM, &pad(label, 10)), human::clean(&value));
    }
    text
}

/// How all is: the machine, how many services are in which state, and the ones that are not well.
pub(crate) fn overview(machine: &Machine, hello: &Hello, rows: &[Summary], look: &Look) -> String {
    let mut text = machine.line() + "\n";
    let _ = writeln!(text, "svcd {}, manager {}, trees by {}", hello.version, hello.manager, hello.tracking);
    let mut counts: Vec<(StateName, usize)> = Vec::new();
    for row in rows {
        match counts.iter_mut().find(|count| count.0 == row.state) {
            Some(count) => count.1 += 1,
            None => counts.push((row.state, 1)),
        }
    }
    counts.sort_unstable();
    let counts = counts.iter().map(|(state, count)| paint(state_style(*state), &format!("{count} {}", state.word())));
    let counts: Vec<String> = counts.collect();
    let _ = match rows.len() {
        0 => writeln!(text, "no services"),
        count => writeln!(text, "{count} services: {}", counts.join(", ")),
    };
    let unwell: Vec<Summary> = rows.iter().filter(|row| is_unwell(row)).cloned().collect();
    if !unwell.is_empty() {
        text.push('\n');
        text += &list(&unwell, look);
    }
    text
}

fn is_unwell(row: &Summary) -> bool {
    match row.state {
        StateName::Failed | StateName::BackingOff | StateName::Waiting | StateName::Faulty => true,
        StateName::Down | StateName::Starting | StateName::Up | StateName::Stopping | StateName::Skipped => false,
    }
}
