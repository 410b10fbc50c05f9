//! The first process: parent of every run, keeper of news and descriptors. One small loop over tables of fixed size.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use svc_core::Time;
use svc_platform::channel::Channel;
use svc_platform::delegate::Delegate;
use svc_platform::poll::{Interest, Poller, Readiness};
use svc_platform::signals::{Incoming, Signals};
use svc_platform::spawn::Spawner;
use svc_platform::{Passed, clock, host, reap, roles};

use self::table::{News, Pipe, Store};
use super::link::{self, Heard, Record};
use super::options::Options;
use super::{After, CHANNEL, LAUNCHES_CHANNEL, Role, say};

mod table;

const SIGNALS: u64 = 0;
const MANAGER: u64 = 1;
const LOGGER: u64 = 2;
const LAUNCHES: u64 = 3;

/// A process that lived this long is started again at once.
const SETTLED: Duration = Duration::from_secs(1);
const AGAIN_FIRST: Duration = Duration::from_millis(100);
const AGAIN_MAX: Duration = Duration::from_secs(5);

/// How long an ending keeper waits for the logger to write what services printed last.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Runs until the manager says that all is over.
///
/// # Errors
///
/// What is needed before the loop can begin: descriptors, signals.
pub(crate) fn run(options: &Options) -> io::Result<After> {
    let mut keeper = Keeper::new(options)?;
    loop {
        if let Some(after) = keeper.turn() {
            keeper.end();
            return Ok(after);
        }
    }
}

struct Keeper {
    spawner: Spawner,
    poller: Poller,
    ready: Vec<(u64, Readiness)>,
    signals: Signals,
    /// Where the manager cannot make children of ours by itself.
    delegate: Option<Delegate>,
    news: News,
    store: Store,
    manager: Post,
    logger: Post,
    /// Signals that no manager has been told of, by their place among all.
    untold: [bool; Incoming::ALL.len()],
    /// The present manager has been told that it knows all that was kept.
    all_told: bool,
    /// The present manager asks to be told when it has been told all up to now.
    asked: Option<u64>,
    /// A manager has begun: it took news.
    has_begun: bool,
    after: Option<After>,
}

/// A place for a process that is filled again when it falls vacant.
struct Post {
    role: Role,
    launch: roles::Role,
    token: u64,
    holder: Option<Holder>,
    again: Time,
    pause: Duration,
}

struct Holder {
    pid: i32,
    since: Time,
    channel: Channel,
    /// Waiting for room to write.
    clogged: bool,
}

impl Keeper {
    fn new(options: &Options) -> io::Result<Self> {
        let spawner = Spawner::new()?;
        let signals = Signals::hold(&Incoming::ALL)?;
        let poller = Poller::new()?;
        poller.add(&signals, SIGNALS, Interest::READ)?;
        let post = |role: Role, token| {
            let words = options.arguments().into_iter().map(OsString::into_string).collect::<Result<Vec<_>, _>>();
            let words = words.map_err(|word| io::Error::other(format!("{} is not UTF-8", word.display())))?;
            let mut arguments = vec!["--role", role.name()];
            arguments.extend(words.iter().map(String::as_str));
            let launch = roles::Role::new("svcd", &arguments)?;
            Ok::<_, io::Error>(Post { role, launch, token, holder: None, again: Time::default(), pause: AGAIN_FIRST })
        };
        Ok(Self {
            spawner,
            poller,
            ready: Vec::with_capacity(16),
            signals,
            delegate: Delegate::new()?,
            news: News::new(),
            store: Store::new(),
            manager: post(Role::Manager, MANAGER)?,
            logger: post(Role::Logger, LOGGER)?,
            untold: [false; Incoming::ALL.len()],
            all_told: false,
            asked: None,
            has_begun: false,
            after: None,
        })
    }

    fn turn(&mut self) -> Option<After> {
        let now = clock::now();
        if self.logger.fill(now, &mut self.spawner, &self.poller, None) {
            self.store.iter_mut().for_each(|pipe| pipe.with_logger = pipe.key.is_private());
        }
        if self.manager.fill(now, &mut self.spawner, &self.poller, self.delegate.as_mut()) {
            self.store.iter_mut().for_each(|pipe| pipe.with_manager = false);
            self.news.begin_again();
            self.all_told = false;
            self.asked = None;
        }
        self.tell();
        let mut ready = std::mem::take(&mut self.ready);
        let pause = [&self.manager, &self.logger].iter().filter_map(|post| post.due(now)).min();
        if let Err(error) = self.poller.wait(pause, &mut ready) {
            say(format!("waiting for news: {error}"));
        }
        for (token, readiness) in &ready {
            match *token {
                SIGNALS => self.signals_came(),
                MANAGER => self.hear_manager(*readiness),
                LOGGER => self.hear_logger(*readiness),
                LAUNCHES => self.launch(),
                _ => {}
            }
        }
        self.ready = ready;
        self.after
    }

    fn signals_came(&mut self) {
        while let Ok(Some(signal)) = self.signals.next() {
            match signal {
                Incoming::Child => self.reap(),
                other => {
                    let at = Incoming::ALL.iter().position(|signal| *signal == other);
                    self.untold[at.expect("it is one of all")] = true;
                }
            }
        }
    }

    fn reap(&mut self) {
        while let Ok(Some(ended)) = reap::reap() {
            if self.manager.is_held_by(ended.pid) {
                let asked = After::of_manager(ended.exit);
                self.after = asked.filter(|after| self.may_follow(*after));
                if self.after.is_none() && asked != Some(After::MakeWay) {
                    say(format!("the manager {}; starting it again", ended.exit));
                }
                self.manager.vacate(clock::now(), &self.poller);
                if let Some(delegate) = &self.delegate {
                    self.poller.remove(delegate).ok();
                }
            } else if self.logger.is_held_by(ended.pid) {
                say(format!("the logger {}; starting it again", ended.exit));
                self.logger.vacate(clock::now(), &self.poller);
            } else {
                self.news.add(ended.pid, ended.exit);
            }
        }
    }

    /// Whether this is the end. A manager that cannot begin is so only where an operator waits for the first to begin.
    fn may_follow(&self, after: After) -> bool {
        match after {
            After::CannotBegin => !self.has_begun && !host::is_process_1(),
            After::MakeWay => false,
            After::Exit | After::End(_) | After::BecomeKeeper => true,
        }
    }

    fn launch(&mut self) {
        if let Some(delegate) = &mut self.delegate {
            delegate.serve(&mut self.spawner);
        }
    }

    fn hear_manager(&mut self, readiness: Readiness) {
        if readiness.writable {
            self.manager.unclog(&self.poller);
        }
        while let Some((record, [first, second])) = self.manager.hear() {
            match (record, first, second) {
                (Record::Acknowledged { news }, ..) => {
                    self.has_begun = true;
                    self.news.acknowledged(news);
                }
                (Record::Store { key, size, keep }, Some(reader), Some(writer)) => {
                    let (with_logger, with_manager) = (key.is_private(), true);
                    self.store.put(Pipe { key, size, keep, reader, writer, with_logger, with_manager });
                }
                (Record::Store { key, size, keep }, ..) => self.store.bound(key, size, keep),
                (Record::Drop { key }, ..) => {
                    self.store.drop(key);
                    self.logger.send(&Record::Drop { key }, &[], &self.poller);
                }
                (record @ Record::Sync { .. }, ..) => {
                    // The logger must have the pipe before it can say what it read from it.
                    self.tell();
                    self.logger.send(&record, &[], &self.poller);
                }
                // What was reaped is among the news already; they are told first.
                (Record::UpToDate { ticket }, ..) => self.asked = Some(ticket),
                (Record::Ended { .. } | Record::Told { .. } | Record::Signal { .. } | Record::Dropped { .. }, ..) => {}
            }
        }
    }

    fn hear_logger(&mut self, readiness: Readiness) {
        if readiness.writable {
            self.logger.unclog(&self.poller);
        }
        while let Some((record, _)) = self.logger.hear() {
            if matches!(record, Record::Sync { .. } | Record::Dropped { .. }) {
                self.manager.send(&record, &[], &self.poller);
            }
        }
    }

    /// Says what is to be said, as far as there is room.
    fn tell(&mut self) {
        for pipe in self.store.iter_mut() {
            if !pipe.with_logger {
                pipe.with_logger = self.logger.send(&pipe.record(), &[pipe.reader.as_fd()], &self.poller);
            }
            if !pipe.with_manager {
                let both = [pipe.reader.as_fd(), pipe.writer.as_fd()];
                pipe.with_manager = self.manager.send(&pipe.record(), &both, &self.poller);
            }
        }
        while let Some(record) = self.news.untold() {
            if !self.manager.send(&record, &[], &self.poller) {
                return;
            }
            self.news.was_told();
        }
        for number in 0..self.untold.len() {
            if self.untold[number] {
                let record = Record::Signal { number: number as i32 };
                self.untold[number] = !self.manager.send(&record, &[], &self.poller);
            }
        }
        if !self.all_told {
            let lost = self.news.lost();
            self.all_told = self.manager.send(&Record::Told { lost }, &[], &self.poller);
        }
        if let Some(ticket) = self.asked
            && self.manager.send(&Record::UpToDate { ticket }, &[], &self.poller)
        {
            self.asked = None;
        }
    }

    /// Gives the logger a moment for the last lines: with its channel closed it ends when nothing is left to read.
    fn end(&mut self) {
        self.store = Store::new();
        let Some(Holder { pid, .. }) = self.logger.holder.take() else { return };
        let limit = clock::now() + LAST_LINES;
        let mut ready = Vec::new();
        while limit.since(clock::now()) > Duration::ZERO {
            while let Ok(Some(ended)) = reap::reap() {
                if ended.pid == pid {
                    return;
                }
            }
            while let Ok(Some(_)) = self.signals.next() {}
            if self.poller.wait(Some(limit.since(clock::now())), &mut ready).is_err() {
                return;
            }
        }
    }
}

/// The other end of a fresh line to the delegate, which is watched from now on.
fn asked_on(delegate: &mut Delegate, poller: &Poller) -> io::Result<OwnedFd> {
    let line = delegate.line()?;
    poller.add(&*delegate, LAUNCHES, Interest::READ)?;
    Ok(line)
}

impl Post {
    /// Starts a process for this post if there is none and it is time to; whether it did.
    fn fill(&mut self, now: Time, spawner: &mut Spawner, poller: &Poller, delegate: Option<&mut Delegate>) -> bool {
        if self.holder.is_some() || self.again > now {
            return false;
        }
        let started = Channel::pair().and_then(|(ours, theirs)| {
            poller.add(&ours, self.token, Interest::READ)?;
            let line = delegate.map(|delegate| asked_on(delegate, poller)).transpose()?;
            let first = Passed { fd: theirs.as_fd(), number: CHANNEL };
            let second = line.as_ref().map(|line| Passed { fd: line.as_fd(), number: LAUNCHES_CHANNEL });
            let pass = [first, second.unwrap_or(first)];
            let pass = if second.is_some() { &pass[..] } else { &pass[..1] };
            let started = self.launch.launch(spawner, pass).map_err(|error| io::Error::other(error.to_string()));
            let pid = started?.pid();
            Ok(Holder { pid, since: now, channel: ours, clogged: false })
        });
        match started {
            Ok(holder) => self.holder = Some(holder),
            Err(error) => {
                say(format!("starting the {}: {error}", self.role.name()));
                self.put_off(now);
            }
        }
        self.holder.is_some()
    }

    fn put_off(&mut self, now: Time) {
        self.again = now + self.pause;
        self.pause = (self.pause * 2).min(AGAIN_MAX);
    }

    fn vacate(&mut self, now: Time, poller: &Poller) {
        let Some(holder) = self.holder.take() else { return };
        poller.remove(&holder.channel).ok();
        if now.since(holder.since) >= SETTLED {
            (self.again, self.pause) = (now, AGAIN_FIRST);
        } else {
            self.put_off(now);
        }
    }

    fn due(&self, now: Time) -> Option<Duration> {
        self.holder.is_none().then(|| self.again.since(now))
    }

    fn is_held_by(&self, pid: i32) -> bool {
        self.holder.as_ref().is_some_and(|holder| holder.pid == pid)
    }

    /// Sends what there is room for; whether there was.
    fn send(&mut self, record: &Record, fds: &[BorrowedFd<'_>], poller: &Poller) -> bool {
        let Some(holder) = &mut self.holder else { return false };
        match holder.channel.send(&record.encode(), fds) {
            Ok(()) => true,
            Err(error) => {
                if error.kind() == io::ErrorKind::WouldBlock && !holder.clogged {
                    let both = Interest { read: true, write: true, priority: false };
                    holder.clogged = poller.modify(&holder.channel, self.token, both).is_ok();
                }
                false
            }
        }
    }

    fn unclog(&mut self, poller: &Poller) {
        if let Some(holder) = &mut self.holder {
            holder.clogged = poller.modify(&holder.channel, self.token, Interest::READ).is_err();
        }
    }

    fn hear(&mut self) -> Option<(Record, [Option<OwnedFd>; 2])> {
        match link::hear(&self.holder.as_ref()?.channel) {
            Heard::Said(record, fds) => Some((record, fds)),
            // Its end is seen when it is reaped.
            Heard::Nothing | Heard::Gone => None,
        }
    }
}
