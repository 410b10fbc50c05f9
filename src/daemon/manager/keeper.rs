//! The manager's end of the line to the keeper.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use svc_core::{Exit, RunId};
use svc_platform::channel::Channel;
use svc_platform::poll::{Interest, Poller, Readiness};
use svc_platform::reap;
use svc_platform::signals::Incoming;

use super::{Manager, Timer, Token};
use crate::daemon::link::{self, Heard, Record};
use crate::daemon::{After, say};

/// How long the keeper may take to say that it has told everything.
const ANSWER: Duration = Duration::from_secs(2);

/// So many records have room in the queue for good.
const QUEUE_USUAL: usize = 16;

/// So much is heard of the keeper before the others have their turn.
const RECORDS_MAX: usize = 256;

/// What a manager below process 1 hears first, where runs are children of another: of which, and how it is asked. It
/// was sent before this process was launched.
pub(super) fn parent_of_runs(channel: &Channel) -> Option<(i32, OwnedFd)> {
    match link::hear(channel) {
        Heard::Said(Record::Parent { pid }, [Some(line), _]) => Some((pid, line)),
        Heard::Said(..) | Heard::Nothing | Heard::Gone => None,
    }
}

/// The keeper, as long as it is there.
pub(super) struct Keeper {
    channel: Channel,
    pid: i32,
    /// The parent of runs, where that is another.
    parent: Option<i32>,
    queue: VecDeque<(Record, Vec<OwnedFd>)>,
    /// The last news that was taken, and the last that was acknowledged.
    taken: u64,
    acknowledged: u64,
    waiting: bool,
    /// What the keeper had to say before anything else: how everything was being ended, or what that would have stood
    /// before.
    pub(super) ends: Option<Record>,
    first: Option<(Record, [Option<OwnedFd>; 2])>,
    /// Processes that are gone without news: whose, and which question was the last when that was seen.
    unseen: Vec<(u64, RunId, i32)>,
}

impl Keeper {
    pub(super) fn new(channel: Channel, parent: Option<i32>) -> Self {
        let (pid, queue, unseen) = (reap::parent(), VecDeque::new(), Vec::new());
        // It was sent before this process was launched.
        let (ends, first) = match link::hear(&channel) {
            Heard::Said(record @ Record::Ends { .. }, _) => (Some(record), None),
            Heard::Said(record, fds) => (None, Some((record, fds))),
            // That it is gone is noticed where it is listened to.
            Heard::Nothing | Heard::Gone => (None, None),
        };
        Self { channel, pid, parent, queue, taken: 0, acknowledged: 0, waiting: false, ends, first, unseen }
    }

    /// Whether children of this process are reaped by the keeper, or by who tells the keeper.
    pub(super) fn hears_of(&self, parent: i32) -> bool {
        parent == self.pid || self.parent == Some(parent)
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
        if !waits {
            // After many launches at once this is as long as they were many.
            self.queue.shrink_to(QUEUE_USUAL);
        }
        if waits != self.waiting {
            self.waiting = waits;
            let interest = Interest { read: true, write: waits, priority: false };
            poller.modify(&self.channel, Token::Keeper.number(), interest).ok();
        }
    }
}

impl Manager {
    /// What the keeper said while it was asked for something else.
    pub(super) fn hear_first(&mut self) {
        if let Some((record, fds)) = self.keeper.first.take() {
            self.keeper_said(record, fds);
        }
    }

    pub(super) fn hear_keeper(&mut self, readiness: Readiness) {
        if readiness.writable {
            self.keeper.flush(&self.poller);
        }
        for _ in 0..RECORDS_MAX {
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
            Record::UpToDate { ticket } => self.ended_unseen(ticket),
            Record::Parent { pid } => self.parent_is(pid, fds),
            Record::Dropped { key, bytes: 0 } => say(format!("the log of {} is written again", key.as_str())),
            Record::Dropped { key, .. } => {
                say(format!("the log of {} cannot be written: what it prints is dropped and counted", key.as_str()));
            }
            Record::Acknowledged { .. } | Record::Drop { .. } | Record::Renew | Record::Ends { .. } => {}
        }
    }

    /// The parent of runs was started again. Those of the one before have fallen to the keeper, which tells of them.
    fn parent_is(&mut self, pid: i32, [line, _]: [Option<OwnedFd>; 2]) {
        let Some(line) = line else { return };
        say(format!("services are children of process {pid} from now on"));
        self.spawner.delegate_to(line);
        self.forest.grow_below(pid);
        self.keeper.parent = Some(pid);
        // What of them had left its session, and was in no list but the reaper's, is not seen any more.
        self.ensure_timer(Duration::ZERO, Timer::Linger);
    }

    /// All that was kept was told. The keeper may have reaped others since, before they were looked at.
    pub(super) fn all_told(&mut self) {
        let gone: Vec<(RunId, i32)> = self
            .runs
            .iter()
            .flat_map(|(id, run)| [&run.leader, &run.main].map(|process| (id, process)))
            .filter_map(|(id, process)| Some((id, process.as_ref().filter(|process| process.handle.is_none())?.pid)))
            .collect();
        gone.into_iter().for_each(|(id, pid)| self.ask_for_end(id, pid));
        self.ensure_timer(Duration::ZERO, Timer::Linger);
    }

    /// A watched process is gone. If the keeper reaped it, its news may still be on the way here: when the keeper has
    /// answered, or does not in time, nobody saw how it ended.
    pub(super) fn ask_for_end(&mut self, id: RunId, pid: i32) {
        let ticket = self.mint();
        self.keeper.unseen.push((ticket, id, pid));
        self.keeper.send(Record::UpToDate { ticket }, Vec::new());
        self.set_timer(ANSWER, Timer::Unseen(ticket));
    }

    /// Every process that was gone when this was asked, or before, and of which nothing was told since.
    pub(super) fn ended_unseen(&mut self, ticket: u64) {
        self.timers.retain(|(_, timer)| !matches!(timer, Timer::Unseen(asked) if *asked <= ticket));
        let (answered, open) = std::mem::take(&mut self.keeper.unseen).into_iter().partition(|(at, ..)| *at <= ticket);
        self.keeper.unseen = open;
        let answered: Vec<(u64, RunId, i32)> = answered;
        for (_, id, pid) in answered {
            if self.runs.of_pid(pid) == Some(id) {
                let process = self.runs.get(id).and_then(|run| run.process(pid));
                let exit = process.and_then(|process| process.handle.as_ref()?.exit().ok()?);
                self.ended(pid, exit.unwrap_or(Exit::Unknown));
            }
        }
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
