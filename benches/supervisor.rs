//! What one event costs the core, among 1,000, 10,000 and 100,000 services: it is what the event changes, not what
//! exists.
//!
//! `cargo bench --bench supervisor` prints a table; the last column is the cost among most services over that among
//! fewest.

use std::time::{Duration, Instant};

use svc_core::service::{Kind, Ready, Service};
use svc_core::{Action, Event, Exit, Name, Request, RunId, ServiceId, Supervisor, Ticket, Time, Who};

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

/// How often each thing is done to be timed.
const ROUNDS: u32 = 300;

/// How many dependents the hub has, and how long the chain is, in every world.
const GROUP: usize = 400;

struct World {
    core: Supervisor,
    now: u64,
    tickets: u64,
    actions: Vec<Action>,
    size: usize,
}

/// In the first group a hub with dependents, in the second a chain, the others on their own.
fn services(size: usize) -> Vec<std::sync::Arc<Service>> {
    let name = |at: usize| Name::new(&format!("s{at}")).expect("letters and digits");
    let service = |at: usize| {
        let mut service = Service::new(name(at), Kind::Process);
        service.ready = Ready::Executed;
        service.restart.delay = Duration::ZERO;
        service.restart.limit = 0;
        match at {
            0 => {}
            1..GROUP => service.links.requires.push(name(0)),
            GROUP => {}
            _ if at < 2 * GROUP => service.links.requires.push(name(at - 1)),
            _ => {}
        }
        std::sync::Arc::new(service)
    };
    (0..size).map(service).collect()
}

impl World {
    fn new(size: usize) -> Self {
        // Slots are no bottleneck here.
        let core = Supervisor::new(u32::MAX);
        let mut world = Self { core, now: 1_000, tickets: 0, actions: Vec::new(), size };
        world.feed(Event::Loaded(services(size)));
        world
    }

    fn id(&self, at: usize) -> ServiceId {
        self.core.id(&format!("s{at}")).expect("it was loaded")
    }

    /// One event; its launches are executed at once, its orders to end obeyed at once.
    fn feed(&mut self, event: Event) {
        let mut open = vec![event];
        while let Some(event) = open.pop() {
            let mut actions = std::mem::take(&mut self.actions);
            self.core.handle(Time::new(Duration::from_millis(self.now)), event, &mut actions);
            for action in actions.drain(..) {
                match action {
                    Action::Spawn { run, .. } => open.push(Event::Executed(run)),
                    Action::Signal(run, ..) | Action::Kill(run) => open.push(Event::Emptied(run)),
                    Action::Leave(_)
                    | Action::Reply(..)
                    | Action::Changed(_)
                    | Action::Removed(..)
                    | Action::ShutdownComplete => {}
                }
            }
            self.actions = actions;
        }
    }

    fn ask(&mut self, at: usize, request: Request) {
        self.tickets += 1;
        let (ticket, service) = (Ticket(self.tickets), self.id(at));
        self.feed(Event::Requested { ticket, service, request, who: Who(String::from("root")) });
    }

    fn stop(&mut self, at: usize) {
        self.ask(at, Request::Stop { only: false, all: false });
    }

    fn run(&self, at: usize) -> RunId {
        self.core.view(self.id(at)).state.run().expect("it is up")
    }

    /// The mean time of one round, and what it was over.
    fn time(&mut self, rounds: u32, mut round: impl FnMut(&mut Self)) -> Duration {
        let begin = Instant::now();
        for _ in 0..rounds {
            // An hour passes, so that what happened before counts for no limit.
            self.now += 3_600_000;
            round(self);
        }
        begin.elapsed() / rounds
    }
}

fn measure(size: usize) -> Vec<(&'static str, Duration)> {
    let begin = Instant::now();
    let mut world = World::new(size);
    let load = begin.elapsed() / size as u32;
    let begin = Instant::now();
    let boot = (2 * GROUP..size).map(|at| Event::Boot(world.id(at))).collect();
    world.feed(Event::Together(boot));
    let boot = begin.elapsed() / (size - 2 * GROUP) as u32;
    let last = world.size - 1;
    world.stop(last);
    let both = world.time(ROUNDS, |world| {
        world.ask(last, Request::Start);
        world.stop(last);
    });
    let start = {
        let mut total = Duration::ZERO;
        for _ in 0..ROUNDS {
            total += world.time(1, |world| world.ask(last, Request::Start));
            world.stop(last);
        }
        total / ROUNDS
    };
    world.ask(last, Request::Start);
    let crash = world.time(ROUNDS, |world| {
        let run = world.run(last);
        world.feed(Event::Exited(run, Exit::Code(1)));
    });
    let quiet = world.time(ROUNDS, |world| world.feed(Event::Tick));
    for at in 1..GROUP {
        world.ask(at, Request::Start);
    }
    let hub = world.time(10, |world| world.ask(0, Request::Restart { only: false }));
    let end = 2 * GROUP - 1;
    world.ask(end, Request::Start);
    let chain = world.time(10, |world| world.ask(GROUP, Request::Restart { only: false }));
    vec![
        ("load, for each service", load),
        ("boot, for each service", boot),
        ("start of one", start),
        ("stop of one", both.saturating_sub(start)),
        ("crash and restart of one", crash),
        ("an event that changes nothing", quiet),
        ("hub restarted, for each dependent", hub / GROUP as u32),
        ("chain restarted, for each link", chain / GROUP as u32),
    ]
}

fn main() {
    let columns: Vec<Vec<(&str, Duration)>> = SIZES.iter().map(|&size| measure(size)).collect();
    println!("{:36} {:>12} {:>12} {:>12} {:>8}", "", "1,000", "10,000", "100,000", "ratio");
    for (row, (what, first)) in columns[0].iter().enumerate() {
        let micros = |column: &[(&str, Duration)]| column[row].1.as_secs_f64() * 1e6;
        let cells: Vec<String> = columns.iter().map(|column| format!("{:>9.2} us", micros(column))).collect();
        let ratio = micros(&columns[2]) / (first.as_secs_f64() * 1e6).max(f64::MIN_POSITIVE);
        println!("{what:36} {} {ratio:>7.1}x", cells.join(" "));
    }
}
