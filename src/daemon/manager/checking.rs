//! What a service's own check command says, beside what svcd finds.

use std::collections::BTreeMap;

use super::Manager;
use super::helpers::{self, Purpose};
use crate::daemon::image::Image;
use crate::wire::{Checked, Finding, Level, Reply};

/// Checks that wait for commands.
#[derive(Debug, Default)]
pub(super) struct Checking {
    /// Which check a command is for, and of which service.
    commands: BTreeMap<u64, (u64, String)>,
    all: BTreeMap<u64, Open>,
}

#[derive(Debug)]
struct Open {
    client: u64,
    checked: Vec<Checked>,
    waits_for: usize,
}

impl Manager {
    /// Answers at once, or after the commands were run that definitions have for `check`; for strangers none is run.
    pub(super) fn check_by_command(&mut self, client: u64, checked: Vec<Checked>, image: &Image) {
        let number = self.mint();
        let mut open = Open { client, checked, waits_for: 0 };
        for service in &image.services {
            if !self.is_trusted(client) && self.granted(client, service, "start").is_err() {
                continue;
            }
            let asked = open.checked.iter_mut().find(|one| one.name == service.name.as_str());
            let (Some(one), Some(words)) = (asked, service.instead("check")) else { continue };
            let command = self.mint();
            match self.run_helper(words, Purpose::Check(command), Some(service)) {
                Ok(()) => {
                    self.checking.commands.insert(command, (number, one.name.clone()));
                    open.waits_for += 1;
                }
                Err(error) => add(one, Level::Bad, format!("its own check: {error}")),
            }
        }
        if open.waits_for == 0 {
            return self.reply(client, Reply::Check(open.checked));
        }
        self.checking.all.insert(number, open);
    }

    /// A check command has ended.
    pub(super) fn command_checked(&mut self, command: u64, result: &helpers::Result) {
        let Some((number, name)) = self.checking.commands.remove(&command) else { return };
        let Some(open) = self.checking.all.get_mut(&number) else { return };
        if let Some(one) = open.checked.iter_mut().find(|one| one.name == name) {
            let said = String::from_utf8_lossy(&result.output);
            let said = said.trim_end();
            let lines = if said.is_empty() { String::new() } else { format!("\n{said}") };
            match (result.overdue, result.exit.is_success()) {
                (true, _) => add(one, Level::Bad, format!("its own check took too long and was ended{lines}")),
                (false, true) => add(one, Level::Good, format!("its own check is content{lines}")),
                (false, false) => add(one, Level::Bad, format!("its own check {}{lines}", result.exit)),
            }
        }
        open.waits_for -= 1;
        if open.waits_for == 0
            && let Some(open) = self.checking.all.remove(&number)
        {
            self.reply(open.client, Reply::Check(open.checked));
        }
    }
}

fn add(one: &mut Checked, level: Level, text: String) {
    one.ok &= level != Level::Bad;
    one.findings.push(Finding { level, text });
}
