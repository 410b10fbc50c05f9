//! What a plan says beforehand is what happens.

use std::time::Duration;

use svc_core::plan::Weather;
use svc_core::{Action, Event, Request, Supervisor, Time, Who};

use crate::world::World;

/// What was done, and when.
type History = Vec<(Time, Action)>;

/// Longer than anything goes on that is expected to end.
const QUIET: u64 = 300_000;

/// What follows from requests in a copy of the core, as another process would find it out.
fn planned(world: &World, asked: &Event) -> History {
    let text = serde_json::to_string(&world.core.snapshot()).expect("a copy of the core can be written");
    let copy: Supervisor = serde_json::from_str(&text).expect("what was written can be read");
    let mut weather = Weather::new(copy, world.time());
    let mut history = History::new();
    let mut actions = Some(weather.handle(asked.clone()));
    while let Some(some) = actions {
        history.extend(some.into_iter().map(|action| (weather.now(), action)));
        actions = weather.turn();
    }
    assert!(weather.is_at_rest(), "the plan does not come to an end");
    history
}

/// Plays a world, asks for something when the weather has settled, and compares. How many deeds there were.
pub(crate) fn play(seed: u64, loud: bool) -> u64 {
    let mut world = World::new(seed, loud);
    world.storm();
    world.clear_up();
    let asked = something(&mut world);
    let plan = planned(&world, &asked);
    let begin = world.time();
    world.history = Some(Vec::new());
    world.handle(asked);
    world.pass(QUIET);
    let history = world.history.take().unwrap_or_default();
    let matters = |action: &Action| !matches!(action, Action::Changed(_) | Action::Removed(..));
    let real: History = history.into_iter().filter(|(_, action)| matters(action)).collect();
    let plan: History = plan.into_iter().filter(|(_, action)| matters(action)).collect();
    for (at, (planned, done)) in plan.iter().zip(&real).enumerate() {
        assert!(planned == done, "deed {at} was to be {planned:?}, and was {done:?}");
    }
    assert!(plan.len() == real.len(), "planned {:?}\nand was {:?}", tail(&plan, &real), tail(&real, &plan));
    let last = plan.last().map_or(Duration::ZERO, |(at, _)| at.since(begin));
    assert!(last < Duration::from_millis(QUIET), "something goes on for {last:?}");
    assert!(world.forgotten().is_empty(), "nobody knows {:?}", world.forgotten());
    plan.len() as u64
}

/// Something that is worth a plan.
fn something(world: &mut World) -> Event {
    if world.dice.once_in(20) {
        world.is_ending = true;
        return Event::Shutdown(Who(String::from("root")));
    }
    let mut events = vec![world.requests()];
    while let Some(id) = world.some_service() {
        let only = world.dice.once_in(5);
        let request = match world.dice.roll(3) {
            0 => Request::Start,
            1 => Request::Stop { only, all: world.dice.once_in(5) },
            _ => Request::Restart { only },
        };
        events.push(world.question(id, request));
        if world.dice.once_in(2) {
            break;
        }
    }
    Event::Together(events)
}

/// What one has more than the other.
fn tail<'a>(long: &'a History, short: &History) -> &'a [(Time, Action)] {
    &long[short.len().min(long.len())..]
}
