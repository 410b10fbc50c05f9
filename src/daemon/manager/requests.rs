//! What clients ask, from the line that came to the one answer.

use std::collections::{BTreeMap, BTreeSet};

use svc_core::event::Request as Ask;
use svc_core::service::Class;
use svc_core::{Answer, Event, Name, ServiceId, Ticket, definition};

use super::output::{Asked, FOLLOW};
use super::records::Record;
use super::values::values_with_origins;
use super::{Manager, Timer};
use crate::daemon::glob;
use crate::daemon::image::Image;
use crate::daemon::logread::{self, Place};
use crate::wire::{
    Hello, Line, LoadReport, Outcome, Progress, Refusal, Reply, Request, SCHEMA, Snapshot, StateName, Summary, Target,
    Usage,
};

/// How often clients hear what they wait for.
const PROGRESS: std::time::Duration = std::time::Duration::from_secs(1);

/// A request that needs a load first.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) client: u64,
    pub(super) request: Request,
    pub(super) awaits: Awaits,
}

/// What a request waits for a load for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaits {
    /// The load is what was asked for, or the end of it.
    Load,
    /// An instance of a template that was not read before; then it is served from the beginning.
    Instance,
    /// Which terminals people may log in on: there has to be a program on each of those, and on no other.
    Terminals,
    /// Scripts that have changed; then it is served from the beginning. What is not a script stays as it is.
    Scripts,
}

/// What may be read before a request is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum MayRead {
    Nothing,
    Instance,
    Scripts,
}

impl Waiting {
    /// Whether what was read is to be put in force for it.
    pub(super) fn puts_in_force(&self) -> bool {
        !matches!(self.request, Request::Check { .. })
    }
}

/// Everything asked and not yet answered.
#[derive(Debug, Default)]
pub(super) struct Requests {
    /// Served by the next load, and by the one at work.
    pub(super) to_load: Vec<Waiting>,
    pub(super) loading: Vec<Waiting>,
    pub(super) load_again: bool,
    /// Came before the first definitions were in force.
    early: Vec<Waiting>,
    open: BTreeMap<u64, Open>,
    tickets: BTreeMap<Ticket, u64>,
}

/// A verb for some services, until each has an outcome.
#[derive(Debug)]
struct Open {
    client: u64,
    asked: BTreeMap<Ticket, One>,
    outcomes: Vec<Outcome>,
    /// How many outcomes there will be.
    due: usize,
    /// What is printed goes to the client as it comes.
    streams: bool,
}

/// What a client hears of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hears {
    /// That it was taken.
    AtOnce,
    /// What became of it.
    Answer,
    /// And before that each line that is printed.
    Lines,
}

#[derive(Clone, Debug)]
struct One {
    name: Name,
    service: ServiceId,
    place: Place,
}

impl Manager {
    /// A client's line came.
    pub(super) fn requested(&mut self, client: u64, line: &[u8]) {
        match serde_json::from_slice::<Request>(line) {
            Ok(request) if self.has_loaded => {
                self.note_request(client, &request);
                self.serve_request(client, request, MayRead::Scripts);
            }
            Ok(request) => self.requests.early.push(Waiting { client, request, awaits: Awaits::Load }),
            Err(error) => {
                let text = format!("not a request: {error}");
                self.reply(client, Reply::Refused(Refusal::BadRequest { text }));
            }
        }
    }

    /// The first definitions are in force: serves what came before.
    pub(super) fn resume_requests(&mut self) {
        for Waiting { client, request, .. } in std::mem::take(&mut self.requests.early) {
            self.note_request(client, &request);
            self.serve_request(client, request, MayRead::Scripts);
        }
    }

    fn serve_request(&mut self, client: u64, request: Request, may_read: MayRead) {
        if let Some(refusal) = self.denied(client, &request) {
            return self.reply(client, Reply::Refused(refusal));
        }
        let names = match &request {
            Request::Hello => return self.hello(client),
            Request::Snapshot => return self.snapshot(client),
            Request::Check { .. } | Request::Load { .. } => return self.wait_for_load(client, request, Awaits::Load),
            Request::Shutdown { then, kill } => return self.asked_to_shut_down(client, *then, *kill),
            Request::Renew => return self.make_way(client),
            Request::Audit { lines } => return self.audit_asked(client, *lines),
            Request::List { names }
            | Request::Usage { names }
            | Request::Status { names, .. }
            | Request::Log { names, .. } => names.clone(),
            Request::Start(target)
            | Request::Stop(target)
            | Request::Restart(target)
            | Request::Reload(target)
            | Request::Enable(target)
            | Request::Disable(target)
            | Request::Pin(target)
            | Request::Unpin(target)
            | Request::Reset(target) => target.names.clone(),
            Request::Cat { names } => names.clone(),
            Request::Verb { name, .. } => vec![name.clone()],
        };
        if may_read == MayRead::Scripts && self.is_trusted(client) && self.is_stale() {
            return self.wait_for_load(client, request, Awaits::Scripts);
        }
        let all_if_none = matches!(request, Request::List { .. } | Request::Usage { .. } | Request::Log { .. });
        match self.resolve(&names, all_if_none) {
            Ok(ids) => match self.refused(client, &request, &ids) {
                Some(refusal) => self.reply(client, Reply::Refused(refusal)),
                None => self.serve_for(client, request, &ids),
            },
            Err(Unresolved::Instance(_)) if !self.is_trusted(client) => {
                let refusal = self.owner_only(client);
                self.reply(client, Reply::Refused(refusal));
            }
            Err(Unresolved::Instance(name)) if may_read >= MayRead::Instance => {
                if self.instances.insert(name.clone()) {
                    // The next manager's loads must find it, too.
                    self.journal.append(&Record::Instance(name));
                }
                self.wait_for_load(client, request, Awaits::Instance);
            }
            Err(Unresolved::Instance(name)) => self.unknown(client, name.as_str()),
            Err(Unresolved::Unknown(name)) => self.unknown(client, &name),
            Err(Unresolved::None) => {
                let text = "this request needs the name of a service".into();
                self.reply(client, Reply::Refused(Refusal::BadRequest { text }));
            }
        }
    }

    fn serve_for(&mut self, client: u64, request: Request, ids: &[ServiceId]) {
        if self.is_trusted(client) {
            self.look_outside_for(ids);
            self.pump();
        }
        let ask = match request {
            Request::List { names } => {
                let mut list: Vec<Summary> = ids.iter().map(|id| self.summary(*id)).collect();
                if names.is_empty() {
                    let is_quiet = |row: &Summary| matches!(row.state, StateName::Down | StateName::Up);
                    let is_helper = |row: &Summary| self.in_force.get(&row.name).map(|service| service.class);
                    list.retain(|row| !(is_quiet(row) && is_helper(row) == Some(Class::Helper)));
                    list.extend(self.faulty());
                    list.sort_by(|one, other| one.name.cmp(&other.name));
                }
                return self.reply(client, Reply::List(list));
            }
            Request::Usage { names } => {
                let mut all: Vec<Usage> = ids.iter().map(|id| self.usage(*id)).collect();
                if names.is_empty() {
                    let idle = |summary| Usage { summary, memory: None, cpu: None, restarts: 0 };
                    all.extend(self.faulty().map(idle));
                    all.sort_by(|one, other| one.summary.name.cmp(&other.summary.name));
                }
                return self.reply(client, Reply::Usage(all));
            }
            Request::Status { lines, .. } => return self.status_asked(client, ids, lines),
            Request::Cat { .. } => {
                let values = ids.iter().flat_map(|id| values_with_origins(self.core.service(*id))).collect();
                return self.reply(client, Reply::Values(values));
            }
            Request::Log { lines, follow, .. } => return self.log_asked(client, ids, lines, follow),
            Request::Enable(_) | Request::Disable(_) => return self.enable(client, request, ids),
            Request::Verb { words, stream, .. } => {
                let hears = if stream { Hears::Lines } else { Hears::Answer };
                return self.ask_core(client, ids, &Ask::Verb(words.join(" ")), hears);
            }
            Request::Start(Target { no_wait, .. }) => (Ask::Start, no_wait),
            Request::Stop(Target { only, all, no_wait, .. }) => (Ask::Stop { only, all }, no_wait),
            Request::Restart(Target { only, no_wait, .. }) => (Ask::Restart { only }, no_wait),
            Request::Reload(Target { no_wait, .. }) => (Ask::Reload, no_wait),
            Request::Pin(_) => (Ask::Pin, false),
            Request::Unpin(_) => (Ask::Unpin, false),
            Request::Reset(_) => (Ask::Reset, false),
            Request::Hello
            | Request::Snapshot
            | Request::Check { .. }
            | Request::Load { .. }
            | Request::Shutdown { .. }
            | Request::Audit { .. }
            | Request::Renew => return,
        };
        let hears = if ask.1 { Hears::AtOnce } else { Hears::Answer };
        self.ask_core(client, ids, &ask.0, hears);
    }

    pub(super) fn wait_for_load(&mut self, client: u64, request: Request, awaits: Awaits) {
        self.requests.to_load.push(Waiting { client, request, awaits });
        self.load();
    }

    /// What a request waited for was read, or could not be.
    pub(super) fn go_on(&mut self, waiting: Waiting, read: Result<(&Image, &LoadReport), Reply>) {
        let Waiting { client, request, awaits } = waiting;
        match (awaits, request, read) {
            // What is in force serves, though newer files could not be read.
            (Awaits::Scripts, request, _) => self.serve_request(client, request, MayRead::Instance),
            (_, _, Err(refused)) => self.reply(client, refused),
            (Awaits::Instance, request, Ok(_)) => self.serve_request(client, request, MayRead::Nothing),
            (Awaits::Terminals, _, Ok(_)) => self.serve_terminals(),
            (Awaits::Load, Request::Check { names }, Ok((image, _))) => self.check(client, &names, image),
            (Awaits::Load, Request::Load { names }, Ok((_, report))) => self.report(client, &names, report),
            (Awaits::Load, request @ (Request::Enable(_) | Request::Disable(_)), Ok(_)) => {
                self.enabled(client, &request);
            }
            (Awaits::Load, request, Ok(_)) => self.serve_request(client, request, MayRead::Nothing),
        }
    }

    fn hello(&mut self, client: u64) {
        let texts =
            |paths: &[std::path::PathBuf]| paths.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        let hello = Hello {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").into(),
            manager: std::process::id() as i32,
            keeper: Some(self.keeper.pid()),
            tracking: self.forest.tracking(),
            runtime: self.options.runtime.to_string_lossy().into_owned(),
            definitions: texts(&self.options.definitions),
            legacy: texts(&self.options.legacy),
        };
        self.reply(client, Reply::Hello(hello));
    }

    /// A copy of the core: whoever plays with it does so elsewhere.
    fn snapshot(&mut self, client: u64) {
        let snapshot = Snapshot { now: svc_platform::clock::now(), core: self.core.snapshot() };
        self.reply(client, Reply::Snapshot(Box::new(snapshot)));
    }

    /// The services meant by names and globs, each once.
    pub(super) fn resolve(&self, names: &[String], all_if_none: bool) -> Result<Vec<ServiceId>, Unresolved> {
        if names.is_empty() {
            return if all_if_none { Ok(self.core.ids().collect()) } else { Err(Unresolved::None) };
        }
        let mut found: Vec<ServiceId> = Vec::new();
        let mut known = BTreeSet::new();
        for name in names {
            let meant: Vec<ServiceId> = if glob::is_glob(name) {
                self.core.ids().filter(|id| glob::matches(name, self.core.service(*id).name.as_str())).collect()
            } else {
                self.core.id(name).into_iter().collect()
            };
            if meant.is_empty() {
                let instance = Name::new(name).ok().filter(|name| name.instance().is_some());
                return Err(instance.map_or_else(|| Unresolved::Unknown(name.clone()), Unresolved::Instance));
            }
            found.extend(meant.into_iter().filter(|id| known.insert(*id)));
        }
        Ok(found)
    }

    fn unknown(&mut self, client: u64, name: &str) {
        let refusal = self.unknown_name(name);
        self.reply(client, Reply::Refused(refusal));
    }

    pub(super) fn unknown_name(&self, name: &str) -> Refusal {
        let fault = self.faults.iter().find(|faulty| faulty.name == name).map(|faulty| faulty.text.clone());
        let why_not = self.not_services.get(name).map(|why| format!("the script {name} is no service: {why}"));
        let names = self.core.ids().map(|id| self.core.service(id).name.as_str());
        let near = definition::near(name, names).map(str::to_owned);
        Refusal::Unknown { name: name.to_owned(), near, fault: fault.or(why_not).or_else(|| self.template(name)) }
    }

    fn ask_core(&mut self, client: u64, ids: &[ServiceId], ask: &Ask, hears: Hears) {
        let number = self.mint();
        let who = self.who(client);
        let streams = hears == Hears::Lines;
        let mut open = Open { client, asked: BTreeMap::new(), outcomes: Vec::new(), due: ids.len(), streams };
        let mut events = Vec::new();
        let mut circles = Vec::new();
        for id in ids {
            if let Some(answer) = self.circle(client, *id, ask) {
                let name = self.core.service(*id).name.clone();
                circles.push(Outcome { name, answer, output: Vec::new() });
                continue;
            }
            let ticket = Ticket(self.mint());
            let name = self.core.service(*id).name.clone();
            let place = logread::end(&self.options.logs.join(name.as_str()));
            open.asked.insert(ticket, One { name, service: *id, place });
            self.requests.tickets.insert(ticket, number);
            events.push(Event::Requested { ticket, service: *id, request: ask.clone(), who: who.clone() });
        }
        let at_once = hears == Hears::AtOnce || ids.iter().any(|id| self.waits_for_asker(client, *id));
        self.event(Event::Together(events));
        self.requests.open.insert(number, open);
        circles.into_iter().for_each(|outcome| self.outcome(number, outcome));
        self.pump();
        match self.requests.open.get_mut(&number) {
            Some(open) if at_once => {
                let rest: Vec<One> = open.asked.values().cloned().collect();
                for one in rest {
                    let answer = Answer::Done { changed: true, note: Some("asked for, not waited for".into()) };
                    self.outcome(number, Outcome { name: one.name, answer, output: Vec::new() });
                }
            }
            Some(_) => {
                self.ensure_timer(PROGRESS, Timer::Progress);
                if streams {
                    self.ensure_timer(FOLLOW, Timer::Follow);
                }
            }
            None if ids.is_empty() => self.reply(client, Reply::Outcomes(Vec::new())),
            None => {}
        }
    }

    /// The core answers for one service. What its program printed goes with a failure.
    pub(super) fn answered(&mut self, ticket: Ticket, answer: Answer) {
        let Some(number) = self.requests.tickets.remove(&ticket) else { return };
        let Some(open) = self.requests.open.get_mut(&number) else { return };
        let Some(One { name, service, place }) = open.asked.remove(&ticket) else { return };
        let printed = match &answer {
            Answer::Failed(_) | Answer::Exited(_) => true,
            Answer::Done { note, .. } => note.is_some() && self.core.service(service).is_script(),
            Answer::Superseded(_) | Answer::Unsupported(_) => false,
        };
        if printed {
            self.fetch_output(Asked { request: number, name, answer, place });
        } else {
            self.outcome(number, Outcome { name, answer, output: Vec::new() });
        }
    }

    /// Sends on what verbs printed whose clients want it as it comes; whether there is one that does.
    pub(super) fn stream_verbs(&mut self) -> bool {
        let mut lines = Vec::new();
        let mut open = std::mem::take(&mut self.requests.open);
        let streaming = open.values_mut().filter(|open| open.streams);
        let mut found = false;
        for (client, one) in streaming.flat_map(|open| open.asked.values_mut().map(|one| (open.client, one))) {
            let new = logread::since(&one.name, &self.options.logs.join(one.name.as_str()), &mut one.place);
            lines.extend(new.into_iter().map(|line| (client, Line::Log(line))));
            found = true;
        }
        self.requests.open = open;
        for (client, line) in lines {
            self.tell(client, &line);
        }
        found
    }

    /// One of a request's outcomes; the last makes the answer.
    pub(super) fn outcome(&mut self, number: u64, outcome: Outcome) {
        let Some(open) = self.requests.open.get_mut(&number) else { return };
        open.outcomes.push(outcome);
        if open.outcomes.len() == open.due
            && let Some(open) = self.requests.open.remove(&number)
        {
            self.reply(open.client, Reply::Outcomes(open.outcomes));
        }
    }

    /// Tells those who wait what they wait for.
    pub(super) fn tell_progress(&mut self) {
        let now = svc_platform::clock::now();
        let mut lines = Vec::new();
        for open in self.requests.open.values() {
            for one in open.asked.values() {
                let text = self.core.why(now, one.service).join("; ");
                lines.push((open.client, Line::Progress(Progress { name: one.name.clone(), text })));
            }
        }
        let mut heard = false;
        for (client, line) in lines {
            heard |= self.tell(client, &line);
        }
        if heard {
            self.ensure_timer(PROGRESS, Timer::Progress);
        }
    }
}

/// Why a name means no service.
pub(super) enum Unresolved {
    /// No name was given.
    None,
    /// Nothing is called so.
    Unknown(String),
    /// It may be an instance of a template, which was not read yet.
    Instance(Name),
}
