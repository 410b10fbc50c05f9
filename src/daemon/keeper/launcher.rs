//! Who makes the children that are runs: the manager by itself, the keeper for it, or a process below process 1.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use svc_core::Time;
use svc_platform::channel::Channel;
use svc_platform::delegate::Delegate;
use svc_platform::poll::{Interest, Poller};
use svc_platform::spawn::Spawner;
use svc_platform::{host, reap};

use super::post::{Line, Post};
use super::{LAUNCHES, PARENT};
use crate::daemon::Role;
use crate::daemon::link::Record;
use crate::daemon::options::Options;

/// One of three ways.
pub(super) enum Launcher {
    /// The manager makes siblings.
    Manager,
    /// The keeper makes them when the manager asks.
    Keeper(Box<Delegate>),
    /// A child of the keeper makes them, because no trees grow from the keeper's own children.
    Below(Box<Below>),
}

/// The child that does so.
pub(super) struct Below {
    pub(super) post: Post,
    /// The manager's end of a line to it of which the manager was not told yet.
    untold: Option<OwnedFd>,
}

impl Launcher {
    pub(super) fn new(options: &Options) -> io::Result<Self> {
        if host::is_process_1() && !reap::FIRST_GROWS_TREES {
            let post = Post::new(Role::Parent, PARENT, options)?;
            return Ok(Self::Below(Box::new(Below { post, untold: None })));
        }
        Ok(Delegate::new()?.map_or(Self::Manager, |delegate| Self::Keeper(Box::new(delegate))))
    }

    /// Whether a manager that begins now could launch anything.
    pub(super) fn is_ready(&self) -> bool {
        match self {
            Self::Manager | Self::Keeper(_) => true,
            Self::Below(below) => below.post.pid().is_some(),
        }
    }

    /// A fresh line for a manager that begins.
    pub(super) fn line(&mut self, poller: &Poller) -> io::Result<Line> {
        match self {
            Self::Manager => Ok(Line::None),
            Self::Keeper(delegate) => {
                let line = delegate.line()?;
                poller.add(&**delegate, LAUNCHES, Interest::READ)?;
                Ok(Line::Passed(line))
            }
            Self::Below(below) => {
                below.untold = None;
                let (pid, line) = below.line(poller)?;
                Ok(Line::Told(pid, line))
            }
        }
    }

    /// The manager is gone.
    pub(super) fn forget_line(&mut self, poller: &Poller) {
        match self {
            Self::Keeper(delegate) => drop(poller.remove(&**delegate)),
            Self::Below(below) => below.untold = None,
            Self::Manager => {}
        }
    }

    /// Does what was asked for.
    pub(super) fn launch(&mut self, spawner: &mut Spawner) {
        if let Self::Keeper(delegate) = self {
            delegate.serve(spawner);
        }
    }

    /// The post of the process that does it, where that is another.
    pub(super) fn post(&mut self) -> Option<&mut Post> {
        match self {
            Self::Below(below) => Some(&mut below.post),
            Self::Manager | Self::Keeper(_) => None,
        }
    }
}

impl Below {
    /// Starts it if there is none; the manager, if there is one, must be told of the new one.
    pub(super) fn fill(&mut self, now: Time, spawner: &mut Spawner, poller: &Poller, has_manager: bool) {
        if self.post.is_due(now) && self.post.fill(now, spawner, poller, None, || Ok(Line::None)) && has_manager {
            self.untold = self.line(poller).ok().map(|(_, line)| line);
        }
    }

    /// Gives it one end of a line; the other end is the manager's.
    fn line(&mut self, poller: &Poller) -> io::Result<(i32, OwnedFd)> {
        let pid = self.post.pid().ok_or(io::ErrorKind::NotFound)?;
        let (near, far) = Channel::pair()?;
        if !self.post.send(&Record::Parent { pid }, &[near.as_fd()], poller) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok((pid, far.into()))
    }

    /// Tells the manager of one that was started again.
    pub(super) fn tell(&mut self, manager: &mut Post, poller: &Poller) {
        if let (Some(line), Some(pid)) = (&self.untold, self.post.pid())
            && manager.send(&Record::Parent { pid }, &[line.as_fd()], poller)
        {
            self.untold = None;
        }
    }
}
