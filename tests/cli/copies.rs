//! What is made of a copy of svcd's decisions: plans, trees and charts, compared with golden files.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use svc::wire::{Reply, Snapshot};
use svc_core::run::Signal;
use svc_core::service::{Kind, Ready, Reload, Service};
use svc_core::{Action, Event, Exit, Name, Request, RunId, ServiceId, Supervisor, Ticket, Time, Who};

use crate::fake::{Called, Fake, called, svc};

fn at(millis: u64) -> Time {
    Time::new(Duration::from_millis(10_000 + millis))
}

fn names(list: &[&str]) -> Vec<Name> {
    list.iter().map(|name| Name::new(name).unwrap()).collect()
}

fn service(name: &str, change: impl Fn(&mut Service)) -> Arc<Service> {
    let mut service = Service::new(Name::new(name).unwrap(), Kind::Process);
    service.ready = Ready::SdNotify;
    change(&mut service);
    Arc::new(service)
}

/// A core and its clock.
struct Machine {
    core: Supervisor,
    tickets: u64,
}

impl Machine {
    /// A shop: `web` needs `app` and wants `mail`, `app` needs `db`, `db` needs `disk`; `mail` cannot start.
    fn new() -> Self {
        let mut machine = Self { core: Supervisor::new(8), tickets: 0 };
        let services = vec![
            service("disk", |disk| disk.kind = Kind::Oneshot),
            service("db", |db| db.links.requires = names(&["disk"])),
            service("app", |app| app.links.requires = names(&["db"])),
            service("web", |web| {
                web.links.requires = names(&["app"]);
                web.links.wants = names(&["mail", "statistics"]);
                web.reload = Reload::Signal(Signal::Hup);
            }),
            service("mail", |mail| mail.links.requires = names(&["postfix"])),
            service("log", |log| log.links.before = names(&["app"])),
        ];
        machine.play(0, Event::Loaded(services));
        machine
    }

    fn play(&mut self, now: u64, event: Event) -> Vec<RunId> {
        let mut actions = Vec::new();
        self.core.handle(at(now), event, &mut actions);
        let spawned = |action| match action {
            Action::Spawn { run, .. } => Some(run),
            _ => None,
        };
        actions.into_iter().filter_map(spawned).collect()
    }

    fn id(&self, name: &str) -> ServiceId {
        self.core.id(name).unwrap()
    }

    fn ask(&mut self, now: u64, name: &str, request: Request) -> Vec<RunId> {
        self.tickets += 1;
        let (ticket, service) = (Ticket(self.tickets), self.id(name));
        self.play(now, Event::Requested { ticket, service, request, who: Who("root".into()) })
    }

    /// Boots: `disk` takes 300 ms, `log` 50 ms, `db` 1.2 s, `app` 400 ms, `web` 100 ms.
    fn boot(&mut self) {
        let all = ["log", "web"].map(|name| Event::Boot(self.id(name)));
        let [log, disk] = self.play(0, Event::Together(all.to_vec()))[..] else { panic!("disk and log come first") };
        self.play(50, Event::Ready(log));
        let db = self.play(300, Event::Ended(disk, Exit::Code(0)))[0];
        let app = self.play(1_500, Event::Ready(db))[0];
        let web = self.play(1_900, Event::Ready(app))[0];
        self.play(2_000, Event::Ready(web));
    }

    fn fake(self, now: u64) -> Fake {
        Fake::replying(Reply::Snapshot(Box::new(Snapshot { now: at(now), core: self.core.snapshot() })))
    }
}

/// Compares with the golden file of this name; `UPDATE=1` renews it.
fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/copies").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&path).unwrap(), "{} differs; UPDATE=1 renews it", path.display());
}

pub(crate) fn booted() -> Fake {
    let mut machine = Machine::new();
    machine.boot();
    machine.fake(60_000)
}

/// As it was called, with what it said to whom.
fn shown(lines: &[&str]) -> String {
    let fake = booted();
    let one = |line: &&str| {
        let Called { code, out, err } = fake.call(line);
        let note = |text: &str, mark: &str| text.lines().map(|line| format!("{mark}{line}\n")).collect::<String>();
        format!("$ svc {line}\n{}{}= {code}\n", note(&out, ""), note(&err, "! "))
    };
    lines.iter().map(one).collect()
}

#[test]
fn plans_are_tables_of_steps() {
    let text = shown(&[
        "plan restart db",
        "db plan stop --only",
        "plan start mail web",
        "plan reload web",
        "plan shutdown",
        "plan stop nobody",
        "plan start",
        "plan frob db",
        "plan stop web --json",
    ]);
    golden("plan.txt", &text);
}

#[test]
fn trees_go_both_ways_and_show_states() {
    golden("tree.txt", &shown(&["tree", "tree db", "tree web mail", "tree nobody", "tree app --json"]));
}

#[test]
fn a_tree_without_utf8_is_drawn_in_ascii() {
    let fake = booted();
    let mut command = svc();
    command.env("LC_ALL", "C").arg("--socket").arg(fake.socket()).args(["tree", "app"]);
    let out = called(command.output().unwrap()).out;
    assert!(out.is_ascii() && out.contains("`- db  up"), "{out}");
}

#[test]
fn a_chart_has_the_chain_that_decided() {
    golden("bootchart.txt", &shown(&["bootchart", "bootchart db disk", "bootchart --json"]));
    golden("bootchart.svg", &booted().call("bootchart --svg -").out);
}

#[test]
fn a_chart_of_nothing_says_so_and_what_came_later_is_asked_for() {
    let fake = Machine::new().fake(0);
    let call = fake.call("bootchart");
    assert_eq!((call.code, call.err.as_str()), (1, "svc: no service was started since the machine came up\n"));
    let mut machine = Machine::new();
    let log = machine.ask(0, "log", Request::Start)[0];
    machine.play(10, Event::Ready(log));
    let disk = machine.ask(5_000, "disk", Request::Start)[0];
    machine.play(5_100, Event::Ended(disk, Exit::Code(0)));
    let fake = machine.fake(6_000);
    assert!(!fake.call("bootchart").out.contains("disk"));
    assert!(fake.call("bootchart --all").out.contains("disk"));
}

#[test]
fn a_picture_is_written_whole_or_not_at_all() {
    let fake = booted();
    let file = fake.folder().join("boot.svg");
    let call = fake.call(&format!("bootchart --svg {}", file.display()));
    assert_eq!((call.code, call.out.as_str()), (0, ""));
    assert!(std::fs::read_to_string(&file).unwrap().ends_with("</svg>\n"));
    let call = fake.call("bootchart --svg /nonexistent/boot.svg");
    assert_eq!(call.code, 1);
    assert!(call.err.contains("writing /nonexistent/boot.svg: "), "{}", call.err);
}
