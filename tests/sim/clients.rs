//! Impatient clients.

use svc_core::{Event, Request, ServiceId, Ticket, Who};

use crate::world::World;

impl World {
    pub fn some_service(&mut self) -> Option<ServiceId> {
        let ids: Vec<ServiceId> = self.core.ids().collect();
        if ids.is_empty() { None } else { Some(*self.dice.pick(&ids)) }
    }

    /// Anybody asks for anything.
    pub fn ask_something(&mut self) {
        let Some(id) = self.some_service() else { return };
        let (only, all) = (self.dice.once_in(5), self.dice.once_in(5));
        let request = match self.dice.roll(20) {
            0..=6 => Request::Start,
            7..=10 => Request::Stop { only, all },
            11..=13 => Request::Restart { only },
            14 => Request::Reload,
            15 | 16 => Request::Verb(String::from("upgrade")),
            17 => Request::Pin,
            18 => Request::Unpin,
            _ => Request::Reset,
        };
        self.ask(id, request);
    }

    pub fn ask(&mut self, service: ServiceId, request: Request) {
        self.asked += 1;
        let ticket = Ticket(self.asked);
        self.open.insert(ticket, (service, request.clone()));
        let who = Who(String::from("root"));
        self.handle(Event::Requested { ticket, service, request, who });
    }
}
