//! Plans as tables.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::{Deed, Plan, Question};
use crate::event::{Action, Event, Request, Ticket, Who};
use crate::lifecycle::State;
use crate::service::{Kind, Ready, Service};
use crate::{Exit, Name, Supervisor, Time};

fn at(millis: u64) -> Time {
    Time::new(Duration::from_millis(millis))
}

fn service(name: &str, requires: &[&str]) -> Arc<Service> {
    let mut service = Service::new(Name::new(name).unwrap(), Kind::Process);
    service.ready = Ready::SdNotify;
    service.links.requires = requires.iter().map(|name| Name::new(name).unwrap()).collect();
    Arc::new(service)
}

/// Starts `web`, `db` taking 2 s and `web` 500 ms; both take a second to stop.
fn running() -> Supervisor {
    let mut core = Supervisor::new(4);
    let mut play = |now: u64, event: Event| {
        let mut actions = Vec::new();
        core.handle(at(now), event, &mut actions);
        actions
    };
    play(0, Event::Loaded(vec![service("db", &[]), service("web", &["db"]), service("other", &[])]));
    let spawned = |actions: Vec<Action>| {
        actions.into_iter().find_map(|action| match action {
            Action::Spawn { run, .. } => Some(run),
            _ => None,
        })
    };
    let ids = [crate::ServiceId(0), crate::ServiceId(1)];
    let ask = |service, request| Event::Requested { ticket: Ticket(1), service, request, who: Who("root".into()) };
    let mut now = 0;
    for _ in 0..2 {
        let db = spawned(play(now, ask(ids[1], Request::Start))).unwrap();
        let web = spawned(play(now + 2_000, Event::Ready(db))).unwrap();
        play(now + 2_500, Event::Ready(web));
        if now == 0 {
            play(now + 5_000, ask(ids[0], Request::Stop { only: false, all: false }));
            play(now + 6_000, Event::Ended(web, Exit::Signal(15)));
            play(now + 7_000, Event::Ended(db, Exit::Signal(15)));
        }
        now += 10_000;
    }
    core
}

fn told(plan: &Plan) -> String {
    let lines = plan.steps.iter().map(|step| {
        let takes = step.takes.map(|takes| format!(" ({} ms)", takes.as_millis())).unwrap_or_default();
        let why = if step.why.is_empty() { String::new() } else { format!(": {}", step.why) };
        format!("{} {} {:?}{takes}{why}", step.after.as_millis(), step.name, step.deed)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_plan_names_every_step_with_its_time_and_reason() {
    let core = running();
    let db = core.id("db").unwrap();
    let question = Question::Requests(vec![(db, Request::Restart { only: false })]);
    let plan = Plan::make(&core, at(20_000), &question);
    let expected = "\
        0 web Stop(Some(Term)) (1000 ms): db, which it requires, stops\n\
        1000 web Down\n\
        1000 web Wait: waits for db, which it requires\n\
        1000 db Stop(Some(Term)) (1000 ms): asked for\n\
        2000 db Down\n\
        2000 db Start (2000 ms): asked for\n\
        4000 db Up\n\
        4000 web Start (500 ms): comes back with db\n\
        4500 web Up";
    assert_eq!(told(&plan), expected);
    assert_eq!(plan.outcomes.len(), 1);
    assert_eq!(plan.outcomes[0].answer.as_ref().map(|(after, _)| after.as_millis()), Some(4_000));
    assert!(plan.is_whole && plan.over == Duration::from_millis(4_500));
    assert!(matches!(core.view(db).state, State::Up { .. }), "a plan touches nothing");
}

#[test]
fn what_happens_anyway_is_told_apart() {
    let core = running();
    let (other, db) = (core.id("other").unwrap(), core.id("db").unwrap());
    let mut busy = core.clone();
    let stop = Request::Stop { only: false, all: false };
    let event = Event::Requested { ticket: Ticket(9), service: db, request: stop, who: Who("root".into()) };
    busy.handle(at(20_000), event, &mut Vec::new());
    let plan = Plan::make(&busy, at(20_500), &Question::Requests(vec![(other, Request::Start)]));
    let own: Vec<String> = plan.own().iter().map(|step| step.name.to_string()).collect();
    assert_eq!(own, ["other", "other"]);
    assert!(plan.has("db", |deed| matches!(deed, Deed::Stop(_))), "{}", told(&plan));
}

#[test]
fn a_refusal_and_a_wait_without_end_are_foreseen() {
    let mut core = Supervisor::new(4);
    core.handle(at(0), Event::Loaded(vec![service("web", &["nobody"])]), &mut Vec::new());
    let web = core.id("web").unwrap();
    let plan = Plan::make(&core, at(1), &Question::Requests(vec![(web, Request::Start), (web, Request::Reload)]));
    assert!(plan.steps.is_empty());
    let answers: Vec<String> = plan.outcomes.iter().map(|one| format!("{:?}", one.answer)).collect();
    assert!(answers[0].contains("there is no such service"), "{answers:?}");
    assert!(answers[1].contains("no way to reload"), "{answers:?}");
}

#[test]
fn the_end_of_everything_is_planned_in_order() {
    let core = running();
    let plan = Plan::make(&core, at(20_000), &Question::Shutdown);
    let stops: Vec<&str> =
        plan.steps.iter().filter(|step| matches!(step.deed, Deed::Stop(_))).map(|step| step.name.as_str()).collect();
    assert_eq!(stops, ["web", "db"]);
    assert_eq!(plan.over, Duration::from_secs(2));
}
