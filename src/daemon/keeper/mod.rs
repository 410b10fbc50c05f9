//! The first process: parent of every run, keeper of news and descriptors. One small loop over tables of fixed size.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use svc_core::Time;
use svc_platform::poll::{Interest, Poller, Readiness};
use svc_platform::signals::{Incoming, Signals};
use svc_platform::spawn::Spawner;
use svc_platform::{clock, host, memory, reap};

use self::launcher::Launcher;
use self::post::{Line, Post};
use self::table::{News, Store};
use super::link::{self, Record};
use super::options::Options;
use super::{After, REST, Role, say};

mod launcher;
mod post;
mod table;

const SIGNALS: u64 = 0;
const MANAGER: u64 = 1;
const LOGGER: u64 = 2;
const LAUNCHES: u64 = 3;
const PARENT: u64 = 4;

/// How long an ending keeper waits for the logger to write what services printed last.
const LAST_LINES: Duration = Duration::from_secs(1);

/// After so many words of the manager, what they took is given back, once there are no more.
const MUCH: usize = 256;

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
    launcher: Launcher,
    news: News,
    store: Store,
    manager: Post,
    logger: Post,
    /// Signals that no manager has been told of, by their place among all.
    untold: [bool; Incoming::ALL.len()],
    /// Signals that ask for the end of everything and that the present manager was told of: if it dies before it says
    /// that it stops everything, the next one is told.
    trusted: [bool; Incoming::ALL.len()],
    /// What a manager that stops everything has said of that.
    ends: Option<Record>,
    /// The present manager has been told that it knows all that was kept.
    all_told: bool,
    /// The present manager asks to be told when it has been told all up to now.
    asked: Option<u64>,
    /// A manager has begun: it took news.
    has_begun: bool,
    after: Option<After>,
    /// Nothing is started any more: somebody is about to kill everybody.
    stopped: bool,
    /// So many words of the manager were heard since memory was given back; a beginning counts as many.
    heard: usize,
}

impl Keeper {
    fn new(options: &Options) -> io::Result<Self> {
        let spawner = Spawner::new()?;
        let signals = Signals::hold(if host::is_process_1() { &Incoming::ALL } else { &Incoming::USUAL })?;
        let poller = Poller::new()?;
        poller.add(&signals, SIGNALS, Interest::READ)?;
        Ok(Self {
            spawner,
            poller,
            ready: Vec::with_capacity(16),
            signals,
            launcher: Launcher::new(options)?,
            news: News::new(),
            store: Store::new(),
            manager: Post::new(Role::Manager, MANAGER, options)?,
            logger: Post::new(Role::Logger, LOGGER, options)?,
            untold: [false; Incoming::ALL.len()],
            trusted: [false; Incoming::ALL.len()],
            ends: options.ends.as_deref().and_then(link::ends_of),
            all_told: false,
            asked: None,
            has_begun: false,
            after: None,
            stopped: false,
            heard: MUCH,
        })
    }

    fn turn(&mut self) -> Option<After> {
        let now = clock::now();
        self.fill(now);
        self.tell();
        let mut ready = std::mem::take(&mut self.ready);
        let parent = self.launcher.post().and_then(|post| post.due(now));
        // Without a parent a manager waits for that.
        let manager = self.manager.due(now).filter(|_| self.launcher.is_ready());
        let due = [parent, manager, self.logger.due(now)].into_iter().flatten().min();
        let due = due.filter(|_| !self.stopped);
        let rests = self.heard >= MUCH && due.is_none_or(|due| due > REST);
        if let Err(error) = self.poller.wait(if rests { Some(REST) } else { due }, &mut ready) {
            say(format!("waiting for news: {error}"));
        }
        if rests && ready.is_empty() {
            self.heard = 0;
            memory::give_back();
        }
        for (token, readiness) in &ready {
            match *token {
                SIGNALS => self.signals_came(),
                MANAGER => self.hear_manager(*readiness),
                LOGGER => self.hear_logger(*readiness),
                LAUNCHES => self.launcher.launch(&mut self.spawner),
                PARENT => self.hear_parent(*readiness),
                _ => {}
            }
        }
        self.ready = ready;
        self.after
    }

    /// Starts what is not there and should be.
    fn fill(&mut self, now: Time) {
        if self.stopped {
            return;
        }
        let Self { spawner, poller, launcher, manager, logger, ends, .. } = self;
        if logger.is_due(now) && logger.fill(now, spawner, poller, None, || Ok(Line::None)) {
            self.store.logger_begins();
        }
        if let Launcher::Below(below) = launcher {
            below.fill(now, spawner, poller, manager.pid().is_some());
        }
        let is_due = manager.is_due(now) && launcher.is_ready();
        if is_due && manager.fill(now, spawner, poller, ends.as_ref(), || launcher.line(poller)) {
            self.store.manager_begins();
            self.news.begin_again();
            self.all_told = false;
            self.asked = None;
        }
    }

    fn signals_came(&mut self) {
        while let Ok(Some(signal)) = self.signals.next() {
            match signal {
                Incoming::Child => self.reap(),
                other => {
                    self.stopped = other == Incoming::Stop;
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
                for (untold, trusted) in self.untold.iter_mut().zip(&mut self.trusted) {
                    *untold |= std::mem::take(trusted);
                }
                self.manager.vacate(clock::now(), &self.poller);
                self.launcher.forget_line(&self.poller);
            } else if self.logger.is_held_by(ended.pid) {
                if !ended.exit.is_success() {
                    say(format!("the logger {}; starting it again", ended.exit));
                }
                self.logger.vacate(clock::now(), &self.poller);
            } else if let Some(post) = self.launcher.post().filter(|post| post.is_held_by(ended.pid)) {
                say(format!("the parent of services {}; starting it again", ended.exit));
                post.vacate(clock::now(), &self.poller);
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
            After::Exit | After::End(_) | After::Single | After::BecomeKeeper => true,
        }
    }

    fn hear_manager(&mut self, readiness: Readiness) {
        if readiness.writable {
            self.manager.unclog(&self.poller);
        }
        while let Some((record, [first, second])) = self.manager.hear() {
            self.heard += 1;
            match (record, first, second) {
                (Record::Acknowledged { news }, ..) => {
                    self.has_begun = true;
                    self.news.acknowledged(news);
                }
                (Record::Store { key, size, keep }, Some(reader), Some(writer)) => {
                    self.store.put(key, (size, keep), reader, writer);
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
                (Record::Renew, ..) => drop(self.logger.send(&Record::Renew, &[], &self.poller)),
                (record @ Record::UpToDate { ticket }, ..) => {
                    // What was reaped is among the news already; they are told first. So does who reaps for us.
                    let parent = self.launcher.post();
                    if !parent.is_some_and(|parent| parent.send(&record, &[], &self.poller)) {
                        self.asked = Some(ticket);
                    }
                }
                (record @ Record::Ends { .. }, ..) => {
                    self.ends = Some(record);
                    self.trusted = [false; Incoming::ALL.len()];
                }
                (Record::Ended { .. } | Record::Told { .. } | Record::Signal { .. } | Record::Dropped { .. }, ..) => {}
                (Record::Parent { .. }, ..) => {}
            }
        }
    }

    fn hear_parent(&mut self, readiness: Readiness) {
        let Some(parent) = self.launcher.post() else { return };
        if readiness.writable {
            parent.unclog(&self.poller);
        }
        while let Some((record, _)) = parent.hear() {
            match record {
                Record::Ended { pid, exit, .. } => self.news.add(pid, exit),
                Record::UpToDate { ticket } => self.asked = self.asked.max(Some(ticket)),
                _ => {}
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
        // A signal came before what it was the reason for.
        for number in 0..self.untold.len() {
            if self.untold[number] {
                let record = Record::Signal { number: number as i32 };
                let is_told = self.manager.send(&record, &[], &self.poller);
                self.untold[number] = !is_told;
                self.trusted[number] |= is_told && Incoming::ALL[number].may_end();
            }
        }
        if let Launcher::Below(below) = &mut self.launcher {
            below.tell(&mut self.manager, &self.poller);
        }
        let Self { store, logger, manager, poller, .. } = self;
        store.tell(|record, pipe| {
            if !pipe.with_logger {
                pipe.with_logger = logger.send(record, &[pipe.reader.as_fd()], poller);
            }
            if !pipe.with_manager {
                let both = [pipe.reader.as_fd(), pipe.writer.as_fd()];
                pipe.with_manager = manager.send(record, &both, poller);
            }
        });
        while let Some(record) = self.news.untold() {
            if !self.manager.send(&record, &[], &self.poller) {
                return;
            }
            self.news.was_told();
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
        self.launcher.post().map(Post::dismiss);
        let Some(pid) = self.logger.dismiss() else { return };
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
