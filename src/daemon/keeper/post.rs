//! A place for a process that is filled again when it falls vacant: the manager's, the logger's, the parent's.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use svc_core::Time;
use svc_platform::channel::Channel;
use svc_platform::poll::{Interest, Poller};
use svc_platform::spawn::Spawner;
use svc_platform::{Passed, roles};

use crate::daemon::link::{self, Heard, Record};
use crate::daemon::options::Options;
use crate::daemon::{CHANNEL, LAUNCHES_CHANNEL, Role, say};

/// A process that lived this long is started again at once.
const SETTLED: Duration = Duration::from_secs(1);
const AGAIN_FIRST: Duration = Duration::from_millis(100);
const AGAIN_MAX: Duration = Duration::from_secs(5);

/// One place.
pub(super) struct Post {
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

/// A line on which the new holder has something launched, and how it gets it.
pub(super) enum Line {
    /// It needs none.
    None,
    /// As a descriptor of its own.
    Passed(OwnedFd),
    /// As the first that it hears, with the process that serves it.
    Told(i32, OwnedFd),
}

impl Post {
    pub(super) fn new(role: Role, token: u64, options: &Options) -> io::Result<Self> {
        let words = options.arguments().into_iter().map(OsString::into_string).collect::<Result<Vec<_>, _>>();
        let words = words.map_err(|word| io::Error::other(format!("{} is not UTF-8", word.display())))?;
        let mut arguments = vec!["--role", role.name()];
        arguments.extend(words.iter().map(String::as_str));
        let launch = roles::Role::new("svcd", &arguments)?;
        Ok(Self { role, launch, token, holder: None, again: Time::default(), pause: AGAIN_FIRST })
    }

    /// Whether a process should be started for it now.
    pub(super) fn is_due(&self, now: Time) -> bool {
        self.holder.is_none() && self.again <= now
    }

    /// Starts a process for it, for which this is there before anything else; whether that went well.
    pub(super) fn fill(
        &mut self,
        now: Time,
        spawner: &mut Spawner,
        poller: &Poller,
        first: Option<&Record>,
        line: impl FnOnce() -> io::Result<Line>,
    ) -> bool {
        let started = Channel::pair().and_then(|(ours, theirs)| {
            poller.add(&ours, self.token, Interest::READ)?;
            let line = line()?;
            if let Line::Told(pid, line) = &line {
                ours.send(&Record::Parent { pid: *pid }.encode(), &[line.as_fd()])?;
            }
            if let Some(record) = first {
                ours.send(&record.encode(), &[])?;
            }
            let channel = Passed { fd: theirs.as_fd(), number: CHANNEL };
            let second = match &line {
                Line::Passed(line) => Some(Passed { fd: line.as_fd(), number: LAUNCHES_CHANNEL }),
                Line::None | Line::Told(..) => None,
            };
            let pass = [channel, second.unwrap_or(channel)];
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

    /// Its process has ended.
    pub(super) fn vacate(&mut self, now: Time, poller: &Poller) {
        let Some(holder) = self.holder.take() else { return };
        poller.remove(&holder.channel).ok();
        if now.since(holder.since) >= SETTLED {
            (self.again, self.pause) = (now, AGAIN_FIRST);
        } else {
            self.put_off(now);
        }
    }

    /// Lets go of its process, which ends when it finds its channel closed.
    pub(super) fn dismiss(&mut self) -> Option<i32> {
        self.holder.take().map(|holder| holder.pid)
    }

    /// When it is to be filled; `None`: it is.
    pub(super) fn due(&self, now: Time) -> Option<Duration> {
        self.holder.is_none().then(|| self.again.since(now))
    }

    pub(super) fn pid(&self) -> Option<i32> {
        self.holder.as_ref().map(|holder| holder.pid)
    }

    pub(super) fn is_held_by(&self, pid: i32) -> bool {
        self.pid() == Some(pid)
    }

    /// Sends what there is room for; whether there was.
    pub(super) fn send(&mut self, record: &Record, fds: &[BorrowedFd<'_>], poller: &Poller) -> bool {
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

    pub(super) fn unclog(&mut self, poller: &Poller) {
        if let Some(holder) = &mut self.holder {
            holder.clogged = poller.modify(&holder.channel, self.token, Interest::READ).is_err();
        }
    }

    pub(super) fn hear(&mut self) -> Option<(Record, [Option<OwnedFd>; 2])> {
        match link::hear(&self.holder.as_ref()?.channel) {
            Heard::Said(record, fds) => Some((record, fds)),
            // Its end is seen when it is reaped.
            Heard::Nothing | Heard::Gone => None,
        }
    }
}
