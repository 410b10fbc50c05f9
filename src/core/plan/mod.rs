//! What would happen, and when: the core itself, played on a copy in calm weather.

mod steps;
mod weather;

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::event::{Answer, Event, Request, Ticket, Who};
use crate::name::Name;
use crate::run::{Job, Signal};
use crate::service::ServiceId;
use crate::supervisor::Supervisor;
use crate::time::Time;
use steps::Watch;
pub use weather::Weather;

/// What is asked for in the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// These, at once.
    Requests(Vec<(ServiceId, Request)>),
    /// The end of everything.
    Shutdown,
}

/// What would happen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// In order.
    pub steps: Vec<Step>,
    /// What each request would be answered, in the order of the requests.
    pub outcomes: Vec<Outcome>,
    /// When everything would be at rest.
    pub over: Duration,
    /// It was played to its end.
    pub is_whole: bool,
}

/// One thing that would happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// How long after the request.
    pub after: Duration,
    /// To which service.
    pub name: Name,
    /// What.
    pub deed: Deed,
    /// How long it takes, where that is known from before.
    pub takes: Option<Duration>,
    /// Why, in a few words; empty where the step before says so.
    pub why: String,
    /// It would happen without the request, too.
    pub anyway: bool,
}

/// What happens to a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It begins to wait for others.
    Wait,
    /// It is launched.
    Start,
    /// It is up.
    Up,
    /// It is told to end by this signal, or by its stop command.
    Stop(Option<Signal>),
    /// What is left of it is killed.
    Kill,
    /// Nothing of it is left.
    Down,
    /// A command beside it is run: a reload, a verb.
    Run(Job),
    /// It gets this signal, to go on.
    Signal(Signal),
}

/// What a request would be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The service it is about.
    pub name: Name,
    /// The answer, and when it would come; `None`: only something from outside could bring one.
    pub answer: Option<(Duration, Answer)>,
    /// What it would go on waiting for.
    pub waits: String,
}

impl Plan {
    /// What would happen if this was asked now, and the weather was calm. Nothing is touched: the core is a copy.
    pub fn make(core: &Supervisor, now: Time, question: &Question) -> Self {
        let who = Who(String::from("you"));
        let mut usual = Watch::new(core.clone(), now, &[]);
        usual.play(Event::Resume);
        let mut known: BTreeMap<(Name, u8), usize> = BTreeMap::new();
        for step in usual.plan.steps {
            *known.entry((step.name, step.deed.kind())).or_default() += 1;
        }
        let (asked, event) = match question {
            Question::Shutdown => (Vec::new(), Event::Shutdown(who)),
            Question::Requests(list) => {
                let ticket = |at: usize| Ticket(u64::MAX - at as u64);
                let events = list.iter().enumerate().map(|(at, (service, request))| Event::Requested {
                    ticket: ticket(at),
                    service: *service,
                    request: request.clone(),
                    who: who.clone(),
                });
                let asked: Vec<_> = list.iter().enumerate().map(|(at, (id, _))| (ticket(at), *id)).collect();
                (asked, Event::Together(events.collect()))
            }
        };
        let mut watch = Watch::new(core.clone(), now, &asked);
        // In calm weather definitions are read in no time.
        watch.play(Event::Together(alloc::vec![event, Event::Resume]));
        let mut plan = watch.plan;
        for step in &mut plan.steps {
            if let Some(count) = known.get_mut(&(step.name.clone(), step.deed.kind())).filter(|count| **count > 0) {
                *count -= 1;
                step.anyway = true;
            }
        }
        plan
    }
}

impl Deed {
    /// A number for what it is, whatever it is done with.
    fn kind(&self) -> u8 {
        match self {
            Self::Wait => 0,
            Self::Start => 1,
            Self::Up => 2,
            Self::Stop(_) => 3,
            Self::Kill => 4,
            Self::Down => 5,
            Self::Run(_) => 6,
            Self::Signal(_) => 7,
        }
    }
}

#[cfg(test)]
mod tests;
