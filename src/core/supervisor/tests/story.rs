//! How a story is read and played.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use crate::lifecycle::State;
use crate::service::{Device, Kind, Ready, Reload, RestartWhen, Script, Service};
use crate::supervisor::{Memory, Supervisor};
use crate::{Action, Answer, Event, Exit, Job, Name, Reach, Request, RunId, ServiceId, Signal, Ticket, Time, Who};

/// Plays a story. The lines before the first number define services (`web(requires db, smooth)`, `slots=2`); then each
/// line is `SECONDS EVENT -> ACTION, ACTION`, or asks: `SECONDS why web -> REASONS`, `state web`, `next`. A line that
/// starts with `| ` goes on with the one before.
#[track_caller]
pub(super) fn check(story: &str) {
    let mut lines: Vec<String> = Vec::new();
    for line in story.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match (line.strip_prefix("| "), lines.last_mut()) {
            (Some(more), Some(last)) => *last = format!("{last} {more}"),
            (Some(_), None) | (None, _) => lines.push(String::from(line)),
        }
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let first = lines.iter().position(|line| line.starts_with(|digit: char| digit.is_ascii_digit())).unwrap();
    let head = lines[..first].join(" ");
    let mut scene = Scene::new(&head);
    for line in &lines[first..] {
        let (left, expected) = line.split_once("->").unwrap_or_else(|| panic!("no arrow in: {line}"));
        let (at, event) = left.trim().split_once(' ').unwrap();
        let millis = (at.parse::<f64>().unwrap() * 1_000.0).round() as u64;
        scene.now = Time::new(Duration::from_millis(millis));
        assert_eq!(scene.play(event.trim()), expected.trim(), "\nin: {line}");
        assert_eq!(scene.core.miscount(), None, "\nin: {line}");
    }
}

struct Scene {
    core: Supervisor,
    now: Time,
    slots: u32,
    services: Vec<Arc<Service>>,
    names: BTreeMap<ServiceId, String>,
    owners: BTreeMap<RunId, String>,
    tickets: u64,
}

impl Scene {
    fn new(head: &str) -> Self {
        let (mut slots, mut rest) = (10, head);
        if let Some((number, more)) = head.strip_prefix("slots=").and_then(|text| text.split_once(' ')) {
            (slots, rest) = (number.parse().unwrap(), more);
        }
        let services = services(rest);
        let mut scene = Self {
            core: Supervisor::new(slots),
            now: Time::default(),
            slots,
            services: services.clone(),
            names: BTreeMap::new(),
            owners: BTreeMap::new(),
            tickets: 0,
        };
        scene.feed(Event::Loaded(services));
        scene
    }

    fn feed(&mut self, event: Event) -> String {
        let mut actions = Vec::new();
        self.core.handle(self.now, event, &mut actions);
        self.tell(actions)
    }

    fn id(&self, name: &str) -> ServiceId {
        self.core.id(name).unwrap_or_else(|| panic!("no service {name}"))
    }

    fn run(&self, text: &str) -> RunId {
        let (name, number) = text.split_once('#').unwrap();
        let run = RunId(number.parse().unwrap());
        let owner = self.owners.get(&run);
        assert!(owner.is_none_or(|owner| owner == name), "run {number} is of {owner:?}");
        run
    }

    fn ask(&mut self, name: &str, request: Request) -> Event {
        self.tickets += 1;
        let (ticket, service) = (Ticket(self.tickets), self.id(name));
        Event::Requested { ticket, service, request, who: Who(String::from("root")) }
    }

    fn play(&mut self, text: &str) -> String {
        if text.contains(" & ") {
            let events = text.split(" & ").map(|part| self.event(part)).collect();
            return self.feed(Event::Together(events));
        }
        match text.split_whitespace().collect::<Vec<_>>()[..] {
            ["crash"] => self.crash(),
            ["found", who] => self.found(who),
            ["why", who] => self.core.why(self.now, self.id(who)).join("; "),
            ["state", who] => state(self.core.view(self.id(who)).state),
            ["next"] => self
                .core
                .deadline()
                .map_or_else(|| String::from("never"), |due| format!("{}", due.since_boot().as_secs_f64())),
            _ => {
                let event = self.event(text);
                self.feed(event)
            }
        }
    }

    fn event(&mut self, text: &str) -> Event {
        let words: Vec<&str> = text.split_whitespace().collect();
        let flag = |word: &str| words.contains(&word);
        let tail = |from: usize| words[from..].join(" ");
        match words[..] {
            ["start", who] => self.ask(who, Request::Start),
            ["stop", who, ..] => self.ask(who, Request::Stop { only: flag("--only"), all: flag("--all") }),
            ["restart", who, ..] => self.ask(who, Request::Restart { only: flag("--only") }),
            ["reload", who] => self.ask(who, Request::Reload),
            ["verb", verb, who] => self.ask(who, Request::Verb(verb.to_string())),
            ["pin", who] => self.ask(who, Request::Pin),
            ["unpin", who] => self.ask(who, Request::Unpin),
            ["reset", who] => self.ask(who, Request::Reset),
            ["boot", who] => Event::Boot(self.id(who)),
            ["executed", run] => Event::Executed(self.run(run)),
            ["ready", run] => Event::Ready(self.run(run)),
            ["reloading", run] => Event::Reloading(self.run(run)),
            ["stopping", run] => Event::Stopping(self.run(run)),
            ["alive", run] => Event::Alive(self.run(run)),
            ["extend", run, seconds] => {
                let more = Duration::from_secs(seconds.parse().unwrap());
                Event::Extend(self.run(run), more)
            }
            ["unwell", run, ..] => Event::Unwell(self.run(run), tail(2)),
            ["spawn-failed", run, ..] => Event::SpawnFailed(self.run(run), tail(2)),
            ["not-here", run, ..] => Event::NotHere(self.run(run), tail(2)),
            ["exited", run, how] => Event::Exited(self.run(run), exit(how)),
            ["emptied", run] => Event::Emptied(self.run(run)),
            ["remains", run] => Event::Remains(self.run(run)),
            ["came", device] => Event::Came(Device::parse(device).unwrap()),
            ["gone", device] => Event::Gone(Device::parse(device).unwrap()),
            ["tick"] => Event::Tick,
            ["pause"] => Event::Pause,
            ["resume"] => Event::Resume,
            ["shutdown", ref undone @ ..] => {
                self.core.undo_at_end(undone.iter().map(|name| self.id(name)).collect());
                Event::Shutdown(Who(String::from("root")))
            }
            ["load", ..] => {
                self.services = services(&tail(1));
                Event::Loaded(self.services.clone())
            }
            _ => panic!("not an event: {text}"),
        }
    }

    /// The manager dies and the next one takes over.
    fn crash(&mut self) -> String {
        let ids = self.core.ids();
        let memories: Vec<(Name, Memory)> =
            ids.map(|id| (self.core.service(id).name.clone(), self.core.memory(id))).collect();
        let present: Vec<Device> = self.core.present().cloned().collect();
        let ending = self.core.ending().cloned();
        self.core = Supervisor::new(self.slots);
        self.names.clear();
        self.feed(Event::Together(present.into_iter().map(Event::Came).collect()));
        self.feed(Event::Loaded(self.services.clone()));
        ending.iter().for_each(|who| self.core.goes_on_ending(who.clone()));
        let mut actions = Vec::new();
        self.core.recover(self.now, memories, &mut actions);
        if let Some(who) = ending {
            self.core.handle(self.now, Event::Shutdown(who), &mut actions);
        }
        self.tell(actions)
    }

    fn found(&mut self, who: &str) -> String {
        let mut actions = Vec::new();
        let run = self.core.found(self.now, self.id(who), &mut actions);
        let told = self.tell(actions);
        match run {
            Some(run) => {
                self.owners.insert(run, who.to_string());
                format!("{who}#{}, {told}", run.0)
            }
            None => told,
        }
    }

    fn tell(&mut self, actions: Vec<Action>) -> String {
        self.names.extend(self.core.ids().map(|id| (id, self.core.service(id).name.to_string())));
        let told: Vec<String> = actions.into_iter().filter_map(|action| self.word(action)).collect();
        if told.is_empty() { String::from("nothing") } else { told.join(", ") }
    }

    fn word(&mut self, action: Action) -> Option<String> {
        let named = |run: RunId| format!("{}#{}", self.owners.get(&run).map_or("?", String::as_str), run.0);
        Some(match action {
            Action::Spawn { run, service, job, .. } => {
                let name = self.names[&service].clone();
                let job = if job == Job::Start { String::new() } else { format!(" {job}") };
                self.owners.insert(run, name.clone());
                format!("spawn {name}#{}{job}", run.0)
            }
            Action::Signal(run, signal, reach) => {
                let tree = if reach == Reach::Tree { "-tree" } else { "" };
                format!("{}{tree} {}", signal.name().to_lowercase(), named(run))
            }
            Action::Kill(run) => format!("kill {}", named(run)),
            Action::Leave(run) => format!("leave {}", named(run)),
            Action::Reply(_, Answer::Done { changed, note: None }) => {
                String::from(if changed { "done" } else { "unchanged" })
            }
            Action::Reply(_, Answer::Done { note: Some(note), .. }) => format!("done: {note}"),
            Action::Reply(_, Answer::Failed(text)) => format!("failed: {text}"),
            Action::Reply(_, Answer::Exited(exit)) => format!("{exit}"),
            Action::Reply(_, Answer::Superseded(who)) => format!("superseded by {}", who.0),
            Action::Reply(_, Answer::Unsupported(text)) => format!("unsupported: {text}"),
            Action::Changed(_) => return None,
            Action::Removed(_, name) => format!("removed {name}"),
            Action::ShutdownComplete => String::from("complete"),
        })
    }
}

fn exit(text: &str) -> Exit {
    match (text, Signal::parse(text), text.parse()) {
        ("unknown", ..) => Exit::Unknown,
        (_, Some(Signal::Kill), _) => Exit::Signal(9),
        (_, Some(_), _) => Exit::Signal(15),
        (_, None, Ok(code)) => Exit::Code(code),
        (_, None, Err(_)) => panic!("no exit: {text}"),
    }
}

fn state(state: State) -> String {
    let run = state.run().map_or(String::new(), |run| format!(" #{}", run.0));
    let word = match state {
        State::Down => "down",
        State::Waiting => "waiting",
        State::Starting { .. } => "starting",
        State::Up { .. } => "up",
        State::Stopping { .. } => "stopping",
        State::BackingOff { .. } => "backing off",
        State::Ended { .. } => "ended",
    };
    format!("{word}{run}")
}

/// `web(requires db, smooth) db log(oneshot)`
fn services(text: &str) -> Vec<Arc<Service>> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find([' ', '(']).unwrap_or(rest.len());
        let (name, more) = rest.split_at(end);
        let (options, after) = match more.strip_prefix('(') {
            Some(more) => more.split_once(')').expect("a closing bracket"),
            None => ("", more),
        };
        found.push(Arc::new(service(name, options)));
        rest = after.trim_start();
    }
    found
}

fn service(name: &str, options: &str) -> Service {
    let options: Vec<(&str, &str)> =
        options.split(',').map(str::trim).map(|one| one.split_once(' ').unwrap_or((one, ""))).collect();
    let kind = |found: &Kind, option: &str| match option {
        "forking" => Kind::Forking { pid_file: None },
        "oneshot" => Kind::Oneshot,
        "group" => Kind::Group,
        "script" => Kind::Script(Box::default()),
        "daemon" => Kind::Script(Box::new(Script { daemon: true, ..Script::default() })),
        _ => found.clone(),
    };
    let kind = options.iter().fold(Kind::Process, |found, (option, _)| kind(&found, option));
    let mut service = Service::new(Name::new(name).unwrap(), kind);
    if service.kind == Kind::Process {
        service.ready = Ready::SdNotify;
    }
    service.start_timeout = Some(Duration::from_secs(30));
    service.stop.timeout = Some(Duration::from_secs(10));
    for (option, value) in options {
        set(&mut service, option, value);
    }
    service
}

fn set(service: &mut Service, option: &str, value: &str) {
    let names = || value.split_whitespace().map(|name| Name::new(name).unwrap()).collect();
    let seconds = || Some(Duration::from_secs_f64(value.parse().unwrap()));
    let program = vec![String::from("/bin/x")];
    match option {
        "" | "forking" | "oneshot" | "group" | "script" | "daemon" => {}
        "requires" => service.links.requires = names(),
        "wants" => service.links.wants = names(),
        "after" => service.links.after = names(),
        "before" => service.links.before = names(),
        "provides" => service.links.provides = names(),
        "conflicts" => service.links.conflicts = names(),
        "devices" => service.devices = value.split_whitespace().map(|one| Device::parse(one).unwrap()).collect(),
        "executed" => service.ready = Ready::Executed,
        "ready" => service.ready = crate::definition::ready(value).unwrap(),
        "pid-file" => {
            service.kind = Kind::Forking { pid_file: Some(String::from(value)) };
            service.ready = Ready::Exit;
        }
        "smooth" => service.smooth = true,
        "leave" => service.leave_children = true,
        "enabled" => service.enabled.on = true,
        "always" => service.restart.when = RestartWhen::Always,
        "never" => service.restart.when = RestartWhen::Never,
        "on-failure" => service.restart.when = RestartWhen::OnFailure,
        "limit" => service.restart.limit = value.parse().unwrap(),
        "watchdog" => service.watchdog = seconds(),
        "starts-for" => service.start_timeout = seconds(),
        "for-ever" => (service.start_timeout, service.stop.timeout) = (None, None),
        "stop-command" => service.stop.command = program,
        "reload-hup" => service.reload = Reload::Signal(Signal::Hup),
        "instead" => service.verbs.entry(value.into()).or_default().command = program,
        "before-verb" => service.verbs.entry(value.into()).or_default().before = program,
        "after-verb" => service.verbs.entry(value.into()).or_default().after = program,
        "reload-command" => service.reload = Reload::Command(program),
        _ => panic!("no option: {option}"),
    }
}
