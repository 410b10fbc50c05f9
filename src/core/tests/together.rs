//! Order among what is asked for at once.

use std::sync::Arc;
use std::time::Duration;

use svc_core::service::Kind;
use svc_core::{Action, Event, Exit, Job, Name, Service, Supervisor, Time};

fn service(name: &str, after: &[&str]) -> Service {
    let mut service = Service::new(Name::new(name).unwrap(), Kind::Oneshot);
    service.links.after = after.iter().map(|name| Name::new(name).unwrap()).collect();
    service
}

#[test]
fn what_is_asked_for_at_once_starts_in_order_whatever_comes_first() {
    let mut core = Supervisor::new(8);
    let now = Time::new(Duration::from_secs(1));
    let mut actions = Vec::new();
    core.handle(
        now,
        Event::Loaded([service("a", &["b"]), service("b", &["c"]), service("c", &[])].map(Arc::new).to_vec()),
        &mut actions,
    );
    let boots: Vec<Event> = core.ids().map(Event::Boot).collect();
    core.handle(now, Event::Together(boots), &mut actions);
    for expected in ["c", "b", "a"] {
        let spawns = actions.drain(..).filter_map(|action| match action {
            Action::Spawn { run, service, job: Job::Start, .. } => Some((run, service)),
            _ => None,
        });
        let [(run, id)] = spawns.collect::<Vec<_>>()[..] else { panic!("not one launch") };
        assert_eq!(core.service(id).name.as_str(), expected);
        core.handle(now, Event::Ended(run, Exit::Code(0)), &mut actions);
    }
}
