//! The parent of every run where that cannot be process 1: launches for the manager, tells the keeper who has ended.

use std::io;

use svc_platform::channel::Channel;
use svc_platform::delegate::Delegate;
use svc_platform::poll::{Interest, Poller};
use svc_platform::signals::{Incoming, Signals};
use svc_platform::spawn::Spawner;
use svc_platform::{Unsupported, reap};

use super::link::{self, Heard, Record};
use super::say;

const SIGNALS: u64 = 0;
const KEEPER: u64 = 1;
const LAUNCHES: u64 = 2;

struct Parent {
    keeper: Channel,
    poller: Poller,
    signals: Signals,
    spawner: Spawner,
    delegate: Delegate,
    /// The last question of the manager's that is not answered.
    asked: Option<u64>,
    /// Waiting for room to write.
    clogged: bool,
}

/// Runs until the keeper is gone.
///
/// # Errors
///
/// What is needed before the loop can begin; where siblings are launched without one, that.
pub(crate) fn run(keeper: Channel) -> io::Result<()> {
    reap::adopt_orphans()?;
    let signals = Signals::hold(&Incoming::ALL)?;
    let delegate = Delegate::new()?.ok_or(Unsupported { what: "a parent of other processes' launches" })?;
    let poller = Poller::new()?;
    poller.add(&signals, SIGNALS, Interest::READ)?;
    poller.add(&keeper, KEEPER, Interest::READ)?;
    let spawner = Spawner::new()?;
    let mut parent = Parent { keeper, poller, signals, spawner, delegate, asked: None, clogged: false };
    let mut ready = Vec::with_capacity(8);
    loop {
        if let Err(error) = parent.poller.wait(None, &mut ready) {
            say(format!("parent: waiting for news: {error}"));
        }
        for (token, _) in &ready {
            match *token {
                // Only what the keeper says ends this process; that a child has ended is looked at below.
                SIGNALS => while let Ok(Some(_)) = parent.signals.next() {},
                KEEPER if !parent.hear() => return Ok(()),
                LAUNCHES => parent.delegate.serve(&mut parent.spawner),
                _ => {}
            }
        }
        parent.tell();
    }
}

impl Parent {
    /// Does what the keeper says; whether the keeper is there.
    fn hear(&mut self) -> bool {
        loop {
            match link::hear(&self.keeper) {
                Heard::Said(Record::Parent { .. }, [Some(line), _]) => {
                    self.poller.remove(&self.delegate).ok();
                    self.delegate.take(line);
                    if let Err(error) = self.poller.add(&self.delegate, LAUNCHES, Interest::READ) {
                        say(format!("parent: listening to the manager: {error}"));
                    }
                }
                Heard::Said(Record::UpToDate { ticket }, _) => self.asked = Some(ticket),
                Heard::Said(..) => {}
                Heard::Nothing => return true,
                Heard::Gone => return false,
            }
        }
    }

    /// Says who has ended. Each is collected when that is said: whoever is not told of now stays as it is, and if this
    /// process ends it falls to the keeper.
    fn tell(&mut self) {
        while let Ok(Some(ended)) = reap::look() {
            if !self.send(&Record::Ended { news: 0, pid: ended.pid, exit: ended.exit }) {
                return;
            }
            self.delegate.ended(ended.pid);
            reap::reap_one(ended.pid).ok();
        }
        if let Some(ticket) = self.asked
            && self.send(&Record::UpToDate { ticket })
        {
            self.asked = None;
        }
    }

    fn send(&mut self, record: &Record) -> bool {
        let sent = match self.keeper.send(&record.encode(), &[]) {
            Ok(()) => true,
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        };
        if sent == self.clogged {
            let interest = Interest { read: true, write: !sent, priority: false };
            if self.poller.modify(&self.keeper, KEEPER, interest).is_ok() {
                self.clogged = !sent;
            }
        }
        sent
    }
}
