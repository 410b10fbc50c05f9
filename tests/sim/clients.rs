//! Impatient clients.

use svc_core::{Event, Request, ServiceId, Ticket, Who};

use crate::world::World;

impl World {
    pub(crate) fn some_service(&mut self) -> Option<ServiceId> {
        let ids: Vec<ServiceId> = self.core.ids().collect();
        if ids.is_empty() { None } else { Some(*self.dice.pick(&ids)) }
    }

    /// Anybody asks for anything, some for several things at once.
    pub(crate) fn ask_something(&mut self) {
        let events = self.requests();
        self.handle(events);
    }

    /// One request, or several at once.
    pub(crate) fn requests(&mut self) -> Event {
        let count = if self.dice.once_in(5) { 1 + self.dice.roll(4) } else { 1 };
        Event::Together((0..count).filter_map(|_| self.something()).collect())
    }

    fn something(&mut self) -> Option<Event> {
        let id = self.some_service()?;
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
        Some(self.question(id, request))
    }

    pub(crate) fn ask(&mut self, service: ServiceId, request: Request) {
        let event = self.question(service, request);
        self.handle(event);
    }

    pub(crate) fn question(&mut self, service: ServiceId, request: Request) -> Event {
        self.asked += 1;
        let ticket = Ticket(self.asked);
        self.open.insert(ticket, (service, request.clone()));
        let who = Who(String::from("root"));
        Event::Requested { ticket, service, request, who }
    }
}
