//! The process that writes what services print: it reads the pipes that the keeper keeps, and may be replaced.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use svc_core::Time;
use svc_platform::channel::Channel;
use svc_platform::poll::{Interest, Poller, Readiness};
use svc_platform::signals::{Incoming, Signals};
use svc_platform::{clock, files, memory, pipe};

use self::file::LogFile;
use super::link::{self, Heard, Key, Record};
use super::{REST, say};

pub(crate) mod file;

const KEEPER: u64 = 0;
const SIGNALS: u64 = 1;

/// As much is read at once.
const READ_BYTES: usize = 128 * 1024;

/// So many reads of one pipe before the others have their turn: as much as the largest pipe holds.
const READS_MAX: usize = 8;

/// What a pipe holds at first, and what one holds that was found full: so its writer need not stop at each turn of
/// ours.
const NARROW_BYTES: usize = 64 * 1024;
const WIDE_BYTES: i32 = 1024 * 1024;

/// So much room for text is kept from one write to the next.
const TEXT_BYTES: usize = 2 * READ_BYTES;

/// After so many words of the keeper, what they took is given back, once there are no more.
const MUCH: usize = 256;

/// How often a log is looked at for a rotation by another logger, the one of an earlier keeper.
const ROTATION_CHECKED: Duration = Duration::from_secs(1);

/// Runs until the keeper is gone and nothing is left to read.
///
/// # Errors
///
/// What is needed before the loop can begin.
pub(crate) fn run(logs: PathBuf, first: bool, keeper: Channel) -> io::Result<()> {
    let poller = Poller::new()?;
    poller.add(&keeper, KEEPER, Interest::READ)?;
    // What is sent to all of svcd is the keeper's to follow: this process goes on to the last line.
    let signals = Signals::hold(&Incoming::ALL)?;
    poller.add(&signals, SIGNALS, Interest::READ)?;
    let mut logger = Logger {
        logs: logs.into(),
        first,
        poller,
        keeper: Some(keeper),
        pipes: BTreeMap::new(),
        tokens: BTreeMap::new(),
        next: SIGNALS + 1,
        buffer: vec![0; READ_BYTES],
        text: Vec::new(),
        makes_way: false,
        checked: clock::now(),
        obeyed: 0,
    };
    let mut ready = Vec::new();
    memory::give_back();
    while !logger.makes_way && (logger.keeper.is_some() || !logger.pipes.is_empty()) {
        let pause = (logger.obeyed >= MUCH).then_some(REST);
        if let Err(error) = logger.poller.wait(pause, &mut ready) {
            say(format!("logger: waiting for output: {error}"));
        }
        if pause.is_some() && ready.is_empty() {
            logger.obeyed = 0;
            memory::give_back();
        }
        for (token, readiness) in &ready {
            match *token {
                SIGNALS => while let Ok(Some(_)) = signals.next() {},
                token => logger.serve(token, *readiness),
            }
        }
    }
    Ok(())
}

struct Logger {
    logs: Arc<Path>,
    /// The keeper is process 1.
    first: bool,
    poller: Poller,
    keeper: Option<Channel>,
    /// Numbers grow, and a map whose keys grow is half empty.
    pipes: BTreeMap<u64, Box<Pipe>>,
    /// Which of them is whose.
    tokens: BTreeMap<Arc<str>, u64>,
    next: u64,
    buffer: Vec<u8>,
    /// What was read, with the times.
    text: Vec<u8>,
    /// Another takes its place.
    makes_way: bool,
    checked: Time,
    /// So many words of the keeper were followed since memory was given back.
    obeyed: usize,
}

struct Pipe {
    reader: File,
    /// It was widened, or cannot be.
    is_wide: bool,
    log: LogFile,
}

/// What a pipe has to say.
#[derive(PartialEq, Eq)]
enum Had {
    /// Perhaps more.
    Something,
    /// Nothing now.
    Nothing,
    /// Nothing any more: nobody can write to it.
    End,
}

impl Logger {
    fn serve(&mut self, token: u64, _: Readiness) {
        if token == KEEPER {
            return self.hear();
        }
        if self.drain(token) == Had::End {
            self.forget(token);
        }
    }

    /// Reads what the keeper says, until it says nothing or is gone.
    fn hear(&mut self) {
        while let Some(keeper) = &self.keeper {
            match link::hear(keeper) {
                Heard::Said(record, [fd, _]) => self.obey(record, fd),
                Heard::Nothing => return,
                Heard::Gone => {
                    self.poller.remove(keeper).ok();
                    self.keeper = None;
                }
            }
        }
    }

    fn obey(&mut self, record: Record, fd: Option<OwnedFd>) {
        self.obeyed += 1;
        match record {
            Record::Store { key, size, keep } => self.store(key, size, keep, fd),
            Record::Drop { key } => {
                if let Some(token) = self.find(key) {
                    self.drain(token);
                    self.forget(token);
                }
            }
            Record::Sync { key, .. } => {
                if let Some(token) = self.find(key) {
                    self.drain(token);
                }
                self.answer(&record);
            }
            // All that was read is written, the rest is in the pipes for the next; only what was dropped is known here
            // alone.
            Record::Renew => self.makes_way = self.pipes.values().all(|pipe| pipe.log.dropped() == 0),
            Record::Ended { .. }
            | Record::Told { .. }
            | Record::Signal { .. }
            | Record::Acknowledged { .. }
            | Record::UpToDate { .. }
            | Record::Parent { .. }
            | Record::Ends { .. }
            | Record::Dropped { .. } => {}
        }
    }

    fn store(&mut self, key: Key, size: u64, keep: u32, fd: Option<OwnedFd>) {
        if let Some(token) = self.find(key) {
            let pipe = self.pipes.get_mut(&token).expect("it was found just now");
            pipe.log.bound(size, keep);
            return;
        }
        let Some(fd) = fd else { return };
        let token = self.next;
        self.next += 1;
        let watched = files::set_nonblocking(fd.as_fd()).and_then(|()| self.poller.add(&fd, token, Interest::READ));
        match watched {
            Ok(()) => {
                let name: Arc<str> = key.as_str().into();
                let log = LogFile::new(self.logs.clone(), name.clone(), size, keep).of_first(self.first);
                self.tokens.insert(name, token);
                self.pipes.insert(token, Box::new(Pipe { reader: fd.into(), is_wide: false, log }));
            }
            Err(error) => say(format!("logger: watching the output of {key:?}: {error}")),
        }
    }

    fn find(&self, key: Key) -> Option<u64> {
        self.tokens.get(key.as_str()).copied()
    }

    /// Writes what is in a pipe now. Who prints on and on is not followed further, or no other log would be written.
    fn drain(&mut self, token: u64) -> Had {
        let had = (0..READS_MAX).map(|_| self.read(token)).find(|had| *had != Had::Something);
        had.unwrap_or(Had::Something)
    }

    fn read(&mut self, token: u64) -> Had {
        let now = clock::now();
        let check = now.since(self.checked) >= ROTATION_CHECKED;
        let Some(pipe) = self.pipes.get_mut(&token) else { return Had::Nothing };
        let length = match pipe.reader.read(&mut self.buffer) {
            Ok(0) => return Had::End,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Had::Something,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Had::Nothing,
            Err(_) => return Had::End,
        };
        if check {
            self.checked = now;
            self.pipes.values_mut().for_each(|pipe| pipe.log.follow_rotation());
        }
        let pipe = self.pipes.get_mut(&token).expect("it was there before");
        if length >= NARROW_BYTES && !pipe.is_wide {
            pipe.is_wide = true;
            // Where that is not allowed, it goes on as it is.
            pipe::widen(pipe.reader.as_fd(), WIDE_BYTES).ok();
        }
        let before = pipe.log.dropped();
        pipe.log.write(&self.buffer[..length], &clock::wall(), &mut self.text);
        self.text.shrink_to(TEXT_BYTES);
        let after = pipe.log.dropped();
        // A service that prints on and on to a full disk is spoken of once, not with each line.
        if (before == 0) != (after == 0)
            && let Some(key) = Key::new(pipe.log.name())
        {
            self.answer(&Record::Dropped { key, bytes: after });
        }
        Had::Something
    }

    fn answer(&self, record: &Record) {
        if let Some(keeper) = &self.keeper {
            // With no room the manager goes on without this word after a while.
            keeper.send(&record.encode(), &[]).ok();
        }
    }

    fn forget(&mut self, token: u64) {
        if let Some(pipe) = self.pipes.remove(&token) {
            self.poller.remove(&pipe.reader).ok();
            self.tokens.remove(pipe.log.name());
        }
    }
}
