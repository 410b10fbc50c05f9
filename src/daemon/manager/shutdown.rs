//! The end: signals, requests to end, and what comes after.

use svc_core::service::Kind;
use svc_core::{Event, Exit, RunId, ServiceId, Who};
use svc_platform::host;
use svc_platform::signals::Incoming;

use super::Manager;
use super::requests::Awaits;
use super::run::{Run, Trunk};
use crate::daemon::link::{Key, Record};
use crate::daemon::{After, say};
use crate::wire::{Refusal, Reply, Then};

impl Manager {
    /// A signal came to the keeper. As process 1 they mean what they mean to other inits.
    pub(super) fn signalled(&mut self, signal: Incoming) {
        let first = self.keeper.pid() == 1;
        let then = match (signal, first) {
            (Incoming::Hup, true) => return self.load_by_signal(Awaits::Terminals),
            (Incoming::Hup, false) => return self.load_by_signal(Awaits::Load),
            (Incoming::Stop, true) => return self.bar_terminals(),
            (Incoming::Alarm, true) => return self.load_for_boot(),
            (Incoming::Int, true) => Then::Reboot,
            // Here it is a key that was pressed on the console, elsewhere somebody wants the machine to begin anew.
            (Incoming::Winch, true) if !host::FIRST_MAY_END => {
                return self.shut_down_for(Who("signal WINCH".into()), After::End(host::End::Cycle));
            }
            (Incoming::Usr1, true) => Then::Halt,
            (Incoming::Usr2 | Incoming::Power, true) => Then::Poweroff,
            // To init(8) it is nothing.
            (Incoming::Quit, true) if !host::FIRST_MAY_END => return,
            (Incoming::Int | Incoming::Term | Incoming::Quit, _) => Then::Exit,
            (Incoming::Child | Incoming::Winch | Incoming::Stop | Incoming::Alarm, _) => return,
            (Incoming::Usr1 | Incoming::Usr2 | Incoming::Power, false) => return,
        };
        self.shut_down(Who(format!("signal {}", format!("{signal:?}").to_uppercase())), then);
        // A boot that is broken off stops nothing in order: file systems may not even be mounted.
        if self.then == Some(After::Single) && self.boot.is_on() {
            self.kill_all();
        }
    }

    fn load_by_signal(&mut self, awaits: Awaits) {
        let client = self.mint();
        self.wait_for_load(client, crate::wire::Request::Load { names: Vec::new() }, awaits);
    }

    pub(super) fn asked_to_shut_down(&mut self, client: u64, then: Then, kill: bool) {
        if then != Then::Exit && self.keeper.pid() != 1 {
            let text = "this svcd is not process 1: it can end itself, not the machine".into();
            return self.reply(client, Reply::Refused(Refusal::Failed { text }));
        }
        let who = self.who(client);
        self.reply(client, Reply::ShuttingDown);
        self.shut_down(who, then);
        if kill {
            self.kill_all();
        }
    }

    /// Another manager takes over, which the keeper starts from the program as it is on disk now.
    pub(super) fn make_way(&mut self, client: u64) {
        self.reply(client, Reply::Renewing);
        self.flush_clients();
        self.keeper.send(Record::Renew, Vec::new());
        self.after = self.after.or(Some(After::MakeWay));
    }

    /// Nothing is waited for any more: no stop command, no patience.
    pub(super) fn kill_all(&mut self) {
        self.hurries = true;
        self.pump();
        self.tell_of_end();
        let runs: Vec<RunId> = self.runs.iter().map(|(id, _)| id).collect();
        runs.into_iter().for_each(|id| self.kill(id));
    }

    pub(super) fn shut_down(&mut self, who: Who, then: Then) {
        let after = match then {
            Then::Exit if self.keeper.pid() == 1 && !host::FIRST_MAY_END => After::Single,
            Then::Exit => After::Exit,
            Then::Halt => After::End(host::End::Halt),
            Then::Poweroff => After::End(host::End::Poweroff),
            Then::Reboot => After::End(host::End::Reboot),
        };
        self.shut_down_for(who, after);
    }

    fn shut_down_for(&mut self, who: Who, after: After) {
        say(format!("stopping everything, asked by {}", who.0));
        self.then = Some(after);
        self.goes_down(match after {
            After::End(how) => Some(how),
            _ => None,
        });
        if self.options.first && !self.boot.is_on() {
            self.core.undo_at_end(self.called_at_end());
        }
        self.let_go();
        self.event(Event::Shutdown(who));
        self.pump();
        self.tell_of_end();
    }

    /// Has the keeper know, so that the next manager goes on with it.
    fn tell_of_end(&mut self) {
        if let Some(ends) = self.what_ends() {
            self.keeper.send(ends, Vec::new());
        }
    }

    /// The end that is under way.
    pub(super) fn what_ends(&self) -> Option<Record> {
        let (who, then) = self.core.ending().zip(self.then)?;
        Some(Record::Ends { who: Key::cut(&who.0), then: then.code(), hurries: self.hurries })
    }

    /// The manager before was stopping everything, asked by whom is given back: so does this one, from the beginning.
    pub(super) fn takes_over_end(&mut self) -> Option<Who> {
        let Record::Ends { who, then, hurries } = self.keeper.ends.take()? else { return None };
        let who = Who(who.as_str().to_owned());
        say(format!("going on with stopping everything, asked by {}", who.0));
        self.then = After::of_manager(Exit::Code(then.into()));
        self.hurries = hurries;
        self.is_down_already();
        Some(who)
    }

    /// Goes on where the manager before was, once it is known what runs.
    pub(super) fn goes_on_ending(&mut self, who: Who) {
        self.let_go();
        self.event(Event::Shutdown(who));
        if self.hurries {
            self.kill_all();
        }
    }

    /// Whether nothing is left to be done but to end.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.after, Some(After::Exit | After::End(_) | After::Single))
    }

    /// What systemd has a unit for and we did not start is systemd's: it goes on.
    fn let_go(&mut self) {
        if self.keeper.pid() == 1 {
            return;
        }
        let is_theirs = |run: &Run| {
            let script = match &self.core.service(run.service).kind {
                Kind::Script(script) => script.unit.is_some(),
                _ => false,
            };
            script && matches!(run.trunk, Trunk::Foreign { .. })
        };
        let theirs: Vec<RunId> = self.runs.iter().filter(|(_, run)| is_theirs(run)).map(|(id, _)| id).collect();
        for id in theirs {
            self.event(Event::Ended(id, Exit::Code(0)));
            self.over(id);
        }
    }

    /// Scripts whose stop rc.shutdown(8) calls whether they were started or not: what a start has done that failed, or
    /// what somebody did in its place, is undone then.
    fn called_at_end(&self) -> Vec<ServiceId> {
        let is_called = |id: &ServiceId| self.core.service(*id).rc_conf().is_some_and(|rc| rc.shutdown);
        self.core.ids().filter(is_called).collect()
    }

    /// Nothing is left running. Who follows a log gets its last lines before the end.
    pub(super) fn all_stopped(&mut self) {
        if !self.wait_for_last_lines() {
            self.end();
        }
    }

    pub(super) fn end(&mut self) {
        if self.still_writes() {
            return;
        }
        self.end_following();
        self.flush_clients();
        self.save_nothing();
        self.after = Some(self.then.unwrap_or(After::Exit));
    }

    /// After an orderly end there is nothing to take over.
    fn save_nothing(&self) {
        for path in [self.options.journal(), self.options.socket.clone()] {
            std::fs::remove_file(path).ok();
        }
    }
}
