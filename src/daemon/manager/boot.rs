//! A boot over the scripts of rc.conf, from the first load to the last start, as rc(8) does it: what local directories
//! hold that were mounted meanwhile, and what a first boot leaves to be done.

use std::collections::BTreeSet;

use svc_compat::library::{AFTER_FIRST_BOOT, REBOOTS};
use svc_core::lifecycle::State;
use svc_core::{Event, Exit, Job, RunId, ServiceId, Who};
use svc_platform::{group, host};

use super::Manager;
use super::helpers::{self, Purpose};
use super::records::Record;
use crate::daemon::attendant::Word;
use crate::daemon::{Role, say};
use crate::wire::Then;

/// Where a boot is.
#[derive(Debug, Default)]
pub(super) struct Boot {
    /// Services that are started because the machine boots, until they are launched.
    calls: BTreeSet<ServiceId>,
    /// All that were to be started, to know who is new.
    known: BTreeSet<ServiceId>,
    /// Scripts that have not come up or failed yet; `None`: it is over, or there was none.
    open: Option<BTreeSet<ServiceId>>,
    /// The script after which local directories are looked at once more.
    divider: String,
    /// They were.
    divided: bool,
    /// The next load to begin is for the boot.
    wants: bool,
    /// The load at work is.
    reads: bool,
    /// Nothing is launched until a load for the boot is in force.
    pauses: bool,
    /// Its end was not reached: if this manager ends, the next one goes on with it.
    unfinished: bool,
}

impl Boot {
    /// Whether this service is to be called as at a boot, which is so once.
    pub(super) fn calls(&mut self, id: ServiceId) -> bool {
        self.calls.remove(&id)
    }

    /// Whether scripts of this boot are still to come.
    pub(super) fn is_on(&self) -> bool {
        self.open.is_some()
    }

    /// Whether the next manager has to go on with it.
    pub(super) fn is_unfinished(&self) -> bool {
        self.unfinished
    }

    /// What rc.conf names as the divider.
    pub(super) fn divided_by(&mut self, script: &str) {
        if !self.divided {
            script.clone_into(&mut self.divider);
        }
    }

    /// The script after which local directories are looked at once more.
    pub(super) fn divider(&self) -> &str {
        &self.divider
    }

    /// A load begins; what asks for one from now on asks for the next.
    pub(super) fn load_begins(&mut self) {
        self.reads = std::mem::take(&mut self.wants);
    }

    /// Whether what was read just now is for the boot.
    pub(super) fn takes_load(&mut self) -> bool {
        std::mem::take(&mut self.reads)
    }
}

impl Manager {
    /// These are started because the machine boots.
    pub(super) fn begin_boot(&mut self, starts: &[ServiceId]) {
        if self.options.first && self.options.boot {
            self.boot.open = Some(BTreeSet::new());
            self.boot_is_unfinished(true);
            self.goes_on(starts);
            self.attend_console();
        }
    }

    /// Goes on with the boot that the manager before had begun. What it had not launched is still to be called as at a
    /// boot.
    pub(super) fn resume_boot(&mut self) {
        let is_enabled = |id: &ServiceId| {
            let service = self.core.service(*id);
            service.enabled.on && !service.name.is_template()
        };
        let known: Vec<ServiceId> = self.core.ids().filter(is_enabled).collect();
        let is_unlaunched = |id: &ServiceId| match self.core.view(*id).state {
            State::Waiting => true,
            State::Starting { run, .. } => self.runs.get(run).is_none(),
            _ => false,
        };
        let calls: BTreeSet<ServiceId> = known.iter().copied().filter(is_unlaunched).collect();
        self.boot.open = Some(BTreeSet::new());
        self.boot_is_unfinished(true);
        self.goes_on(&known);
        self.boot.calls = calls;
        self.attend_console();
    }

    /// Puts on file whether the next manager has to go on with the boot.
    fn boot_is_unfinished(&mut self, unfinished: bool) {
        self.boot.unfinished = unfinished;
        self.journal.append(&Record::Boots(unfinished));
    }

    /// Has somebody listen to who sits at the console, as long as the machine boots, and bring it to the scripts as
    /// their terminal.
    fn attend_console(&mut self) {
        if host::FIRST_MAY_END {
            return;
        }
        let words = host::own_program().map(|program| {
            vec![program.to_string_lossy().into_owned(), "--role".into(), Role::Attendant.name().into()]
        });
        let begun = words.and_then(|words| self.run_helper(&words, Purpose::Attend, None));
        if let Err(error) = begun {
            say(format!("scripts have no terminal, and keys at the console will not be heard: {error}"));
        }
    }

    pub(super) fn attendant_ended(&mut self, exit: Exit) {
        if self.boot.is_on() && self.then.is_none() {
            let lost = "scripts have no terminal any more, and keys at the console are not heard";
            say(format!("{lost}: who brought it {exit}"));
        }
    }

    /// The key at the console that ended this process, if it is a script of the boot, and whose it is: such a script
    /// hears keys by itself, and who listens tells of them sooner or later than that.
    pub(super) fn key_that_ended(&self, run: RunId, pid: i32, exit: Exit) -> Option<(ServiceId, Word)> {
        let run = self.runs.get(run).filter(|run| !host::FIRST_MAY_END && run.job == Job::Start)?;
        let is_script = run.leader.as_ref().is_some_and(|leader| leader.pid == pid);
        let boots = self.boot.open.as_ref().is_some_and(|open| open.contains(&run.service));
        Some((run.service, Word::of_exit(exit)?)).filter(|_| is_script && boots)
    }

    /// It has ended.
    pub(super) fn ended_by_key(&mut self, id: ServiceId, word: Word) {
        match word {
            Word::Interrupt => say(format!("{}: interrupted at the console", self.core.service(id).name)),
            Word::Quit => self.boot_was_quit(),
        }
    }

    /// Somebody at the console ends what hangs there, or the boot: to init(8) these are signals of its script.
    pub(super) fn console_said(&mut self, words: &[u8]) {
        for word in words.split(|byte| *byte == b'\n') {
            match Word::read(word) {
                Some(Word::Interrupt) => self.interrupt_scripts(),
                Some(Word::Quit) => self.boot_was_quit(),
                None => {}
            }
        }
    }

    fn boot_was_quit(&mut self) {
        if self.boot.is_on() && self.then.is_none() {
            self.shut_down(Who("the console".into()), Then::Exit);
            self.kill_all();
        }
    }

    /// Interrupts each script of the boot that has not come up, with what it waits for in its process group, where the
    /// terminal has not done so itself.
    fn interrupt_scripts(&mut self) {
        for id in self.boot.open.iter().flatten() {
            let State::Starting { run, .. } = self.core.view(*id).state else { continue };
            let Some(leader) = self.runs.get(run).and_then(|run| run.leader.as_ref()?.handle.as_ref()) else {
                continue;
            };
            let name = &self.core.service(*id).name;
            // One that has ended meanwhile needs no more.
            if let Err(error) = group::interrupt(leader)
                && !leader.has_ended().unwrap_or(false)
            {
                say(format!("{name}: interrupting it: {error}"));
            }
        }
    }

    fn goes_on(&mut self, starts: &[ServiceId]) {
        self.boot.calls.extend(starts);
        self.boot.known.extend(starts);
        let scripts = starts.iter().copied().filter(|id| self.core.service(*id).rc_conf().is_some());
        if let Some(open) = &mut self.boot.open {
            open.extend(scripts);
        }
    }

    /// Reads everything again, to start what is enabled now and was not before. As rc(8) does nothing else meanwhile,
    /// so that each script has its place.
    pub(super) fn load_for_boot(&mut self) {
        if self.boot.is_on() && self.then.is_none() {
            self.boot.wants = true;
            self.pause_boot();
            self.load();
        }
    }

    fn pause_boot(&mut self) {
        if !std::mem::replace(&mut self.boot.pauses, true) {
            self.event(Event::Pause);
        }
    }

    /// What was asked for was read, or cannot be.
    pub(super) fn go_on_with_boot(&mut self) {
        if !self.boot.wants && std::mem::take(&mut self.boot.pauses) {
            self.event(Event::Resume);
        }
    }

    /// What was read for the boot is in force.
    pub(super) fn boot_more(&mut self) {
        let is_new = |id: &ServiceId| {
            let service = self.core.service(*id);
            service.enabled.on && !service.name.is_template() && !self.boot.known.contains(id)
        };
        let starts: Vec<ServiceId> =
            if self.then.is_none() { self.core.ids().filter(is_new).collect() } else { Vec::new() };
        self.goes_on(&starts);
        self.event(Event::Together(starts.into_iter().map(Event::Boot).collect()));
        self.go_on_with_boot();
    }

    /// This one is launched now. Behind the divider nothing is before local directories have been looked at: what is
    /// next is not known.
    pub(super) fn boot_launches(&mut self, id: ServiceId) {
        if self.boot.is_on() && !self.boot.divided && self.core.id(&self.boot.divider) == Some(id) {
            self.pause_boot();
        }
    }

    /// Looks whether the boot has come to its divider, or to its end.
    pub(super) fn follow_boot(&mut self) {
        let Some(mut open) = self.boot.open.take() else { return };
        open.retain(|id| matches!(self.core.view(*id).state, State::Waiting | State::Starting { .. }));
        let divider =
            self.core.id(&self.boot.divider).filter(|_| !self.boot.divided).map(|id| self.core.view(id).state);
        // Whatever becomes of it: to rc(8) it is no more than a place in the order.
        let divides = matches!(divider, Some(State::Up { .. } | State::Ended { .. } | State::BackingOff { .. }));
        let comes = matches!(divider, Some(State::Starting { .. }));
        let is_over = open.is_empty() && !divides && !self.boot.reads && !self.boot.wants;
        self.boot.open = Some(open).filter(|_| !is_over);
        if !comes && !divides && !self.boot.reads {
            // One that was stopped, or is gone, holds nobody up.
            self.go_on_with_boot();
            self.pump();
        }
        if divides {
            self.boot.divided = true;
            self.load_for_boot();
        }
        if is_over {
            self.end_helper(Purpose::Attend);
            self.after_boot();
        }
    }

    fn after_boot(&mut self) {
        if host::FIRST_MAY_END || self.then.is_some() {
            return self.boot_is_unfinished(false);
        }
        let words = ["/bin/sh", "-c", AFTER_FIRST_BOOT].map(str::to_owned);
        if let Err(error) = self.run_helper(&words, Purpose::FirstBoot, None) {
            say(format!("looking whether this was the first boot: {error}"));
            self.boot_is_unfinished(false);
        }
    }

    /// The mark of a first boot is gone, if there was one.
    pub(super) fn first_boot_over(&mut self, result: &helpers::Result) {
        self.boot_is_unfinished(false);
        match result.exit {
            svc_core::Exit::Code(REBOOTS) => self.shut_down(Who("the first boot".into()), Then::Reboot),
            exit if exit.is_success() => {}
            exit => {
                let text = String::from_utf8_lossy(&result.output);
                say(format!("taking away the mark of the first boot: {exit}: {}", text.trim()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asks_for_a_load_while_one_is_at_work_gets_the_next() {
        let mut boot = Boot { wants: true, ..Boot::default() };
        boot.load_begins();
        boot.wants = true;
        assert!(boot.takes_load(), "the one that was at work");
        boot.load_begins();
        assert!(boot.takes_load() && !boot.takes_load());
    }
}
