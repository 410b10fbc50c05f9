//! What signals to process 1 have to do with terminals on which people log in.

use std::sync::Arc;

use svc_core::event::Request as Ask;
use svc_core::service::RestartWhen;
use svc_core::{Event, Ticket, Who};

use super::Manager;
use crate::daemon::loader::is_terminal;

impl Manager {
    /// Nobody new may log in: whoever works goes on, and no program takes the place of one that ends. The next load
    /// puts an end to that.
    ///
    /// Source: init(8) of FreeBSD, `SIGTSTP`.
    pub(super) fn bar_terminals(&mut self) {
        for service in self.in_force.values_mut().filter(|service| is_terminal(service)) {
            Arc::make_mut(service).restart.when = RestartWhen::Never;
        }
        // The next manager lets nobody in, either.
        self.save_in_force();
        self.event(Event::Loaded(self.in_force.values().cloned().collect()));
    }

    /// The definitions in force are those of the file: starts what it has in use and nothing runs for, and stops what
    /// it has not.
    ///
    /// Source: init(8) of FreeBSD, `SIGHUP`.
    pub(super) fn serve_terminals(&mut self) {
        if self.then.is_some() || self.boot.is_on() {
            return;
        }
        let terminals: Vec<_> = self.core.ids().filter(|id| is_terminal(self.core.service(*id))).collect();
        for service in terminals {
            let request = match self.core.service(service).enabled.on {
                true => Ask::Start,
                false => Ask::Stop { only: true, all: false },
            };
            // Nobody waits for the answer.
            let ticket = Ticket(self.mint());
            self.event(Event::Requested { ticket, service, request, who: Who("signal HUP".into()) });
        }
    }
}
