//! The manager's end of the line to the keeper.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use svc_core::Exit;
use svc_platform::channel::Channel;
use svc_platform::poll::{Interest, Poller, Readiness};
use svc_platform::reap;
use svc_platform::signals::Incoming;

use super::{Manager, Timer, Token};
use crate::daemon::link::{self, Heard, Record};
use crate::daemon::{After, say};

/// The keeper, as long as it is there.
pub(super) struct Keeper {
    channel: Channel,
    pid: i32,
    queue: VecDeque<(Record, Vec<OwnedFd>)>,
    /// The last news that was taken, and the last that was acknowledged.
    taken: u64,
    acknowledged: u64,
    waiting: bool,
}

impl Keeper {
    pub(super) fn new(channel: Channel) -> Self {
        let pid = reap::parent();
        Self { channel, pid, queue: VecDeque::new(), taken: 0, acknowledged: 0, waiting: false }
    }

    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    /// Says something, in order, as soon as there is room.
    pub(super) fn send(&mut self, record: Record, fds: Vec<OwnedFd>) {
        self.queue.push_back((record, fds));
    }

    /// What was taken is on file: the keeper need not keep it any more.
    pub(super) fn acknowledge(&mut self) {
        if self.taken > self.acknowledged {
            self.acknowledged = self.taken;
            self.send(Record::Acknowledged { news: self.taken }, Vec::new());
        }
    }

    /// Sends what there is room for.
    pub(super) fn flush(&mut self, poller: &Poller) {
        while let Some((record, fds)) = self.queue.front() {
            let fds: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
            match self.channel.send(&record.encode(), &fds) {
                Ok(()) => drop(self.queue.pop_front()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // It is gone; that is noticed where it is listened to.
                Err(_) => self.queue.clear(),
            }
        }
        let waits = !self.queue.is_empty();
        if waits != self.waiting {
            self.waiting = waits;
            let interest = Interest { read: true, write: waits, priority: false };
            poller.modify(&self.channel, Token::Keeper.number(), interest).ok();
        }
    }
}

impl Manager {
    pub(super) fn hear_keeper(&mut self, readiness: Readiness) {
        if readiness.writable {
            self.keeper.flush(&self.poller);
        }
        loop {
            match link::hear(&self.keeper.channel) {
                Heard::Said(record, fds) => self.keeper_said(record, fds),
                Heard::Nothing => return,
                Heard::Gone => return self.keeper_gone(),
            }
        }
    }

    fn keeper_said(&mut self, record: Record, fds: [Option<OwnedFd>; 2]) {
        match record {
            Record::Ended { news, pid, exit } => {
                self.keeper.taken = self.keeper.taken.max(news);
                if self.past.is_some() {
                    return self.held_news.push((pid, exit));
                }
                self.ended(pid, exit);
            }
            Record::Told { lost } => {
                if lost > 0 {
                    say(format!("the ends of {lost} processes were forgotten while no manager ran"));
                }
                if self.past.is_none() {
                    self.all_told();
                }
            }
            Record::Signal { number } => {
                if let Some(signal) = usize::try_from(number).ok().and_then(|at| Incoming::ALL.get(at)) {
                    self.signalled(*signal);
                }
            }
            Record::Store { key, .. } => self.kept(key.as_str(), fds),
            Record::Sync { ticket, .. } => self.synced(ticket),
            Record::Dropped { key, bytes: 0 } => say(format!("the log of {} is written again", key.as_str())),
            Record::Dropped { key, .. } => {
                say(format!("the log of {} cannot be written: what it prints is dropped and counted", key.as_str()));
            }
            Record::Acknowledged { .. } | Record::Drop { .. } => {}
        }
    }

    /// All news of before was told: whoever is gone without news ended unseen.
    pub(super) fn all_told(&mut self) {
        let gone: Vec<i32> = self
            .runs
            .iter()
            .flat_map(|(_, run)| [&run.leader, &run.main])
            .flatten()
            .filter(|process| process.handle.is_none())
            .map(|process| process.pid)
            .collect();
        gone.into_iter().for_each(|pid| self.ended(pid, Exit::Unknown));
        self.ensure_timer(std::time::Duration::ZERO, Timer::Linger);
    }

    /// Without a keeper nothing new can be launched so that it outlives us: this process becomes the keeper, and its
    /// new manager finds every run by its pid and start time.
    fn keeper_gone(&mut self) {
        if self.after.is_none() {
            say(format!("the keeper (pid {}) is gone; this process takes its place", self.keeper.pid));
            self.after = Some(After::BecomeKeeper);
        }
    }
}
