//! The loop around the core: one thread that brings events to it and carries out its actions, and never blocks.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::io::{self, PipeWriter};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use svc_core::{Action, Event, Name, RunId, Service, ServiceId, Supervisor, Time};
use svc_platform::channel::Channel;
use svc_platform::poll::{Interest, Poller, Readiness};
use svc_platform::signals::{Incoming, Signals};
use svc_platform::spawn::Spawner;
use svc_platform::tree::Forest;
use svc_platform::{clock, memory, reap, roles, users};

use self::clients::Clients;
use self::helpers::Helpers;
use self::records::Record;
use self::run::Runs;
use self::tokens::{Timer, Token};
use super::journal::Journal;
use super::link;
use super::options::Options;
use super::{After, LAUNCHES_CHANNEL, REST, Role, say};

mod access;
mod adopt;
mod audit;
mod boot;
mod ceilings;
mod checking;
mod circle;
mod clients;
mod configure;
mod devices;
mod ends;
pub(crate) mod environment;
mod helpers;
mod jail;
mod keeper;
mod load;
mod logins;
mod look;
mod output;
mod outside;
pub(crate) mod prepare;
mod ready;
mod records;
mod recover;
mod report;
mod requests;
mod run;
mod shutdown;
mod spawn;
mod stale;
mod status;
mod terminals;
mod tokens;
mod unrecorded;
mod values;
mod verbs;

pub(crate) use status::{state_name, verbs};

/// So many services may be starting at once.
const STARTS_MAX: u32 = 64;

/// After so many events what they took is given back, once there are no more.
const MUCH: usize = 256;

/// How soon a journal that could not be written is tried again.
const JOURNAL_AGAIN: Duration = Duration::from_secs(1);

/// Everything the manager has in hand.
struct Manager {
    options: Options,
    is_root: bool,
    life: String,
    core: Supervisor,
    events: VecDeque<Event>,
    poller: Poller,
    forest: Forest,
    spawner: Spawner,
    /// What is sent to all of svcd is the keeper's to tell.
    signals: Signals,
    keeper: keeper::Keeper,
    runs: Runs,
    /// Runs that nobody tells the end of: their trees are looked at now and then.
    lingering: BTreeSet<RunId>,
    timers: BTreeSet<(Time, Timer)>,
    journal: Journal,
    /// The operator was told that the journal could not be written.
    journal_lags: bool,
    /// Services whose memory is not yet in the journal.
    unwritten: BTreeSet<ServiceId>,
    /// Definitions in force, to be compared with the next.
    in_force: BTreeMap<Name, Arc<Service>>,
    /// Faults of files whose services are not in force as they stand on disk.
    faults: Vec<super::image::Faulty>,
    not_services: BTreeMap<String, String>,
    seen: stale::Seen,
    outside: Option<svc_platform::watch::Watcher>,
    devices: devices::Watch,
    /// How long no daemon of others is looked for after the last look.
    outside_rest: Duration,
    logins: logins::Logins,
    instances: BTreeSet<Name>,
    /// The first definitions are in force: requests can be served.
    has_loaded: bool,
    /// What the manager before knew, until it can be taken over; and what ended meanwhile.
    past: Option<records::Past>,
    held_news: Vec<(i32, svc_core::Exit)>,
    pipes: HashMap<Name, PipeWriter>,
    clients: Clients,
    requests: requests::Requests,
    helpers: Helpers,
    configuring: configure::Configuring,
    asking: status::Asking,
    audit: audit::Audit,
    checking: checking::Checking,
    output: output::Outputs,
    boot: boot::Boot,
    /// What comes after everything was stopped.
    then: Option<After>,
    /// Everything is killed, not stopped.
    hurries: bool,
    after: Option<After>,
    /// So many events were dealt with since memory was given back; a long answer counts as many.
    done: usize,
    next: u64,
}

/// Runs until everything was stopped on request, or the keeper is gone; with what the next keeper must know of an end
/// that is under way.
///
/// # Errors
///
/// What is needed before the loop can begin.
pub(crate) fn run(options: Options, keeper: Channel) -> io::Result<(After, Option<link::Record>)> {
    let mut manager = Manager::new(options, keeper)?;
    manager.begin()?;
    let mut ready = Vec::new();
    loop {
        if let Some(after) = manager.after {
            let ends = manager.what_ends();
            if after == After::Exit {
                manager.leave_no_place();
            }
            return Ok((after, ends));
        }
        manager.wait(&mut ready);
        for (number, readiness) in &ready {
            if let Some(token) = Token::of(*number) {
                manager.serve(token, *readiness);
            }
        }
        manager.keep_time();
        manager.end_turn();
    }
}

/// Signals end no manager: which are meant for all of svcd, the keeper tells.
fn held_signals(poller: &Poller) -> io::Result<Signals> {
    let signals = Signals::hold(&Incoming::ALL)?;
    poller.add(&signals, Token::Signals.number(), Interest::READ)?;
    Ok(signals)
}

impl Manager {
    /// What the system keeps for trees goes with the last of them; where one is left, so is its place.
    fn leave_no_place(mut self) {
        self.end_helpers();
        drop(self.runs);
        let _busy = self.forest.clear();
    }

    fn new(options: Options, channel: Channel) -> io::Result<Self> {
        // Early, while low descriptors are free.
        let mut spawner = Spawner::new()?;
        let is_below = reap::parent() == 1 && !reap::FIRST_GROWS_TREES;
        let parent = if is_below { keeper::parent_of_runs(&channel) } else { None };
        let (parent, line) =
            parent.map_or((None, roles::inherited(LAUNCHES_CHANNEL).ok()), |(pid, line)| (Some(pid), Some(line)));
        line.into_iter().for_each(|line| spawner.delegate_to(line));
        let poller = Poller::new()?;
        let forest = match parent {
            _ if !options.cgroups => Forest::open_bare(&options.instance, "told so by --no-cgroup")?,
            Some(parent) => Forest::open_below(&options.instance, parent)?,
            None => Forest::open(&options.instance)?,
        };
        poller.add(&channel, Token::Keeper.number(), Interest::READ)?;
        poller.add(&forest, Token::Forest.number(), Interest::READ)?;
        let signals = held_signals(&poller)?;
        let (journal, past) = Journal::open::<Record>(&options.journal())?;
        past.faults().iter().for_each(|fault| say(format!("{}: {fault}", options.journal().display())));
        let life = records::life()?;
        let mut manager = Self {
            is_root: users::is_root(),
            core: Supervisor::new(STARTS_MAX),
            events: VecDeque::new(),
            poller,
            forest,
            spawner,
            signals,
            keeper: keeper::Keeper::new(channel, parent),
            runs: Runs::default(),
            lingering: BTreeSet::new(),
            timers: BTreeSet::new(),
            journal,
            journal_lags: false,
            unwritten: BTreeSet::new(),
            in_force: BTreeMap::new(),
            faults: Vec::new(),
            not_services: BTreeMap::new(),
            seen: stale::Seen::default(),
            outside: None,
            devices: devices::Watch::default(),
            outside_rest: Duration::ZERO,
            logins: logins::Logins::default(),
            instances: BTreeSet::new(),
            has_loaded: false,
            past: None,
            held_news: Vec::new(),
            pipes: HashMap::new(),
            clients: Clients::default(),
            requests: requests::Requests::default(),
            helpers: Helpers::default(),
            configuring: configure::Configuring::default(),
            asking: status::Asking::default(),
            audit: audit::Audit::default(),
            checking: checking::Checking::default(),
            output: output::Outputs::default(),
            boot: boot::Boot::default(),
            then: None,
            hurries: false,
            after: None,
            done: 0,
            next: 1,
            options,
            life,
        };
        let past = records::Past::of(past.records, &manager.life);
        manager.take_over(past);
        Ok(manager)
    }

    fn begin(&mut self) -> io::Result<()> {
        if self.is_over() {
            // The manager before was about to say so.
            return Ok(());
        }
        self.listen()?;
        // So that the keeper knows that this one has begun.
        self.keeper.send(link::Record::Acknowledged { news: 0 }, Vec::new());
        self.hear_first();
        self.pump();
        self.write_journal();
        Ok(())
    }

    fn serve(&mut self, token: Token, readiness: Readiness) {
        match token {
            Token::Keeper => self.hear_keeper(readiness),
            Token::Forest => self.trees_changed(),
            Token::Listener => self.accept(),
            Token::Client(id) => self.serve_client(id, readiness),
            Token::Process(run) => self.watched_ended(run),
            Token::Notify(run) => self.notified(run),
            Token::NotifyFd(run) => self.notify_fd_readable(run),
            Token::Probe(run) => self.probe_answered(run),
            Token::Helper(id) => self.helper_wrote(id),
            Token::Outside => self.outside_changed(),
            Token::Devices => self.devices_heard(),
            Token::Signals => while let Ok(Some(_)) = self.signals.next() {},
        }
        self.pump();
    }

    /// Waits for news. Where there are none for a while after much was done, what that took is given back.
    fn wait(&mut self, ready: &mut Vec<(u64, Readiness)>) {
        let due = self.pause();
        let rests = self.done >= MUCH && due.is_none_or(|due| due > REST);
        if let Err(error) = self.poller.wait(if rests { Some(REST) } else { due }, ready) {
            say(format!("waiting for news: {error}"));
        }
        if rests && ready.is_empty() {
            self.done = 0;
            memory::give_back();
        }
    }

    /// Gives the core what happened and carries out what it asks for, until both are quiet.
    fn pump(&mut self) {
        let mut actions = Vec::new();
        while let Some(event) = self.events.pop_front() {
            self.done += 1;
            self.core.handle(clock::now(), event, &mut actions);
            actions.drain(..).for_each(|action| self.act(action));
        }
    }

    fn event(&mut self, event: Event) {
        self.events.push_back(event);
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Spawn { run, service, job, about } => {
                self.boot_launches(service);
                self.spawn(run, service, job, about);
            }
            Action::Signal(run, signal, reach) => self.signal(run, signal, reach),
            Action::Kill(run) => self.kill(run),
            Action::Leave(run) => self.leave(run),
            Action::Reply(ticket, answer) => self.answered(ticket, answer),
            Action::Changed(service) => {
                self.unwritten.insert(service);
                self.note_for_logins();
            }
            Action::Removed(service, name) => self.removed(service, &name),
            Action::ShutdownComplete => self.all_stopped(),
        }
    }

    /// A number that nothing else of this manager has.
    fn mint(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn set_timer(&mut self, after: Duration, timer: Timer) {
        self.timers.insert((clock::now() + after, timer));
    }

    /// Sets a timer unless it is running.
    fn ensure_timer(&mut self, after: Duration, timer: Timer) {
        if !self.timers.iter().any(|(_, set)| *set == timer) {
            self.set_timer(after, timer);
        }
    }

    fn pause(&self) -> Option<Duration> {
        let own = self.timers.first().map(|(time, _)| *time);
        own.into_iter().chain(self.core.deadline()).min().map(|time| time.since(clock::now()))
    }

    fn keep_time(&mut self) {
        let now = clock::now();
        while let Some((time, timer)) = self.timers.first().copied() {
            if time > now {
                break;
            }
            self.timers.remove(&(time, timer));
            self.expire(timer);
            self.pump();
        }
        if self.core.deadline().is_some_and(|deadline| deadline <= now) {
            self.event(Event::Tick);
            self.pump();
        }
    }

    fn expire(&mut self, timer: Timer) {
        match timer {
            Timer::Probe(run) => self.try_probe(run),
            Timer::Look(run) => self.look_again(run),
            Timer::Linger => self.look_at_lingering(),
            Timer::Progress => self.tell_progress(),
            Timer::Follow => self.tell_followers(),
            Timer::Helper(id) => self.helper_overdue(id),
            Timer::Output(id) => self.output_overdue(id),
            Timer::Journal => self.write_journal(),
            Timer::Outside | Timer::OutsideAgain(_) => self.look_outside(),
            Timer::Devices => self.look_at_devices(std::iter::empty()),
            Timer::Unseen(ticket) => self.ended_unseen(ticket),
        }
    }

    /// Puts on file what this turn changed; only then the keeper may forget its news.
    fn end_turn(&mut self) {
        self.pump();
        self.look_at_logins();
        self.follow_boot();
        self.write_journal();
        self.keeper.flush(&self.poller);
        self.flush_clients();
    }

    fn write_journal(&mut self) {
        if self.is_over() {
            // It was removed, and would tell the next svcd of an end that is none of its own.
            return;
        }
        for id in std::mem::take(&mut self.unwritten) {
            let name = self.core.service(id).name.clone();
            self.journal.append(&Record::Service(name, Box::new(self.core.memory(id))));
        }
        self.journal.flush();
        // While the file system is full the whole is tried again now and then, not at each turn.
        let is_due = !self.journal_lags || !self.timers.iter().any(|(_, timer)| *timer == Timer::Journal);
        if self.journal.is_stale() && is_due {
            let records = self.records();
            self.journal.renew(records.into_iter());
            match (self.journal_lags, self.journal.fault()) {
                (false, Some(fault)) => {
                    say(format!("{fault}; what a new manager must know is kept in memory until there is room"));
                }
                (true, None) => say("the run journal is on file again"),
                (false, None) | (true, Some(_)) => {}
            }
            self.journal_lags = self.journal.fault().is_some();
        }
        if self.journal.fault().is_some() {
            self.ensure_timer(JOURNAL_AGAIN, Timer::Journal);
        } else {
            self.keeper.acknowledge();
        }
    }

    fn removed(&mut self, id: ServiceId, name: &Name) {
        self.unwritten.remove(&id);
        self.journal.append(&Record::Gone(name.clone()));
        if self.pipes.remove(name).is_some()
            && let Some(key) = link::Key::new(name.as_str())
        {
            self.keeper.send(link::Record::Drop { key }, Vec::<OwnedFd>::new());
        }
    }
}
