//! All processes of a run: a cgroup of their own where there is one to be had, else what can be seen of them.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};
use svc_core::Time;

use super::cgroup::{self, Cgroup, Place};
use super::process;
pub use crate::usage::{Ceiling, Usage};
use crate::walk::{Marks, Survey};

/// Where the trees of one daemon grow.
#[derive(Debug)]
pub struct Forest {
    instance: String,
    ground: Ground,
    watch: Inotify,
    watched: BTreeMap<WatchDescriptor, Box<str>>,
}

#[derive(Debug)]
enum Ground {
    Cgroup(Arc<Place>),
    /// Why there is no cgroup.
    Bare(String),
}

impl Forest {
    /// Finds out how trees can be tracked here, and makes ready. `instance` tells the daemons of one machine apart; it
    /// is a file name.
    ///
    /// # Errors
    ///
    /// The kernel's own for the watch. That there is no cgroup is no error: [`Self::tracking`] says so.
    ///
    /// Source: cgroups(7), inotify(7).
    pub fn open(instance: &str) -> io::Result<Self> {
        Self::at(instance, Place::find(instance))
    }

    /// The same at the [`Self::place`] of an earlier daemon, to find its trees again though we were started elsewhere;
    /// where that is gone, at a place of our own.
    ///
    /// # Errors
    ///
    /// The kernel's own for the watch.
    ///
    /// Source: cgroups(7), inotify(7).
    pub fn open_at(instance: &str, place: &str) -> io::Result<Self> {
        Self::at(instance, Place::known(place).or_else(|_| Place::find(instance)))
    }

    /// What [`Self::open_at`] of a later daemon wants to know; `None` without cgroups.
    pub fn place(&self) -> Option<&str> {
        match &self.ground {
            Ground::Cgroup(place) => Some(&place.shown),
            Ground::Bare(_) => None,
        }
    }

    fn at(instance: &str, found: Result<Place, String>) -> io::Result<Self> {
        let ground = match found.and_then(|place| place.prepare().map(|()| place).map_err(|error| error.to_string())) {
            Ok(place) => {
                cgroup::controllers::turn_on(&place);
                Ground::Cgroup(Arc::new(place))
            }
            Err(reason) => Ground::Bare(reason),
        };
        Self::on(instance, ground)
    }

    /// The same where another process than our own parent is that of every run. Here that makes no difference.
    ///
    /// # Errors
    ///
    /// As for [`Self::open`].
    ///
    /// Source: cgroups(7), inotify(7).
    pub fn open_below(instance: &str, _parent: i32) -> io::Result<Self> {
        Self::open(instance)
    }

    /// Another process is the parent of every run from now on. Here that makes no difference.
    pub fn grow_below(&mut self, _parent: i32) {}

    /// The same without any cgroup, as on a system that has none.
    ///
    /// # Errors
    ///
    /// The kernel's own for the watch.
    ///
    /// Source: inotify(7).
    pub fn open_bare(instance: &str, reason: &str) -> io::Result<Self> {
        Self::on(instance, Ground::Bare(reason.to_owned()))
    }

    fn on(instance: &str, ground: Ground) -> io::Result<Self> {
        debug_assert!(!instance.is_empty() && !instance.contains('/') && !instance.starts_with('.'));
        let watch = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        Ok(Self { instance: instance.to_owned(), ground, watch, watched: BTreeMap::new() })
    }

    /// Whether trees are cgroups, from which no process escapes.
    pub fn is_tight(&self) -> bool {
        matches!(self.ground, Ground::Cgroup(_))
    }

    /// How trees are tracked, in one sentence.
    pub fn tracking(&self) -> String {
        match &self.ground {
            Ground::Cgroup(place) => format!("cgroup {}", place.directory.display()),
            Ground::Bare(reason) => format!(
                "subreaper, session and SVC_RUN in the environment ({reason}): a process that cleans its environment \
                 and leaves its session and its parent can escape"
            ),
        }
    }

    /// Makes the tree of a new run; `name` is a file name that was never used before, such as `web.17`.
    ///
    /// # Errors
    ///
    /// `AlreadyExists`; the kernel's own.
    ///
    /// Source: cgroups(7).
    pub fn grow(&mut self, name: &str) -> io::Result<Tree> {
        let kind = match &self.ground {
            Ground::Cgroup(place) => Kind::Cgroup(Cgroup::make(place, name)?),
            Ground::Bare(_) => Kind::Marks(Marks::new(&self.mark(name))),
        };
        Ok(self.tend(name, kind))
    }

    /// Finds the tree of a run that an earlier manager made; without cgroups it knows its processes by their
    /// environment only, until [`Tree::led_by`] tells more. `None`: its directory is gone.
    ///
    /// # Errors
    ///
    /// The kernel's own.
    ///
    /// Source: cgroups(7).
    pub fn find(&mut self, name: &str) -> io::Result<Option<Tree>> {
        let kind = match &self.ground {
            Ground::Cgroup(place) => match Cgroup::open(place, name) {
                Ok(cgroup) => Kind::Cgroup(cgroup),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            },
            Ground::Bare(_) => Kind::Marks(Marks::new(&self.mark(name))),
        };
        Ok(Some(self.tend(name, kind)))
    }

    fn tend(&mut self, name: &str, kind: Kind) -> Tree {
        let mut entry = format!("SVC_RUN={}", self.mark(name));
        entry.shrink_to_fit();
        let mut is_watched = false;
        if let Kind::Cgroup(cgroup) = &kind {
            let events = cgroup.path().join("cgroup.events");
            // Others may have used up all that may be watched on this machine: then whoever grows it has to ask.
            if let Ok(watch) = self.watch.add_watch(&events, AddWatchFlags::IN_MODIFY) {
                self.watched.insert(watch, name.into());
                is_watched = true;
            }
        }
        Tree { entry, is_watched, kind }
    }

    /// What tells the run of this name from all others on this machine.
    fn mark(&self, name: &str) -> String {
        format!("{}/{name}", self.instance)
    }

    /// Trees of this instance that exist, also those of managers before. Without cgroups none are known.
    ///
    /// # Errors
    ///
    /// The kernel's own.
    pub fn standing(&self) -> io::Result<Vec<String>> {
        let Ground::Cgroup(place) = &self.ground else { return Ok(Vec::new()) };
        let mut names = cgroup::names(&place.directory)?;
        names.retain(|name| name != cgroup::LEAF);
        Ok(names)
    }

    /// Which of these trees have no process left. Without cgroups one look at all processes serves all of them, so this
    /// is cheaper than asking each.
    ///
    /// # Errors
    ///
    /// The kernel's own.
    ///
    /// Source: cgroups(7), proc(5).
    pub fn empty_among<'a>(&self, trees: impl IntoIterator<Item = &'a Tree>) -> io::Result<Vec<&'a Tree>> {
        let mut survey = None;
        let mut empty = Vec::new();
        for tree in trees {
            if tree.is_empty_in(&mut survey)? {
                empty.push(tree);
            }
        }
        Ok(empty)
    }

    /// Leaves no trace: the calling process goes back to where it was, and the daemon's own directories are removed.
    ///
    /// # Errors
    ///
    /// `ResourceBusy` while a tree or another process of the daemon is there; the kernel's own.
    ///
    /// Source: cgroups(7).
    pub fn clear(self) -> io::Result<()> {
        match &self.ground {
            Ground::Cgroup(place) => place.clear(),
            Ground::Bare(_) => Ok(()),
        }
    }

    /// Names of trees of which something changed since the last call: ask each whether it is empty. A name may come
    /// after its tree was removed. Without cgroups nothing ever comes: ask when a child has ended.
    ///
    /// # Errors
    ///
    /// The kernel's own; none is expected.
    ///
    /// Source: inotify(7).
    pub fn changes(&mut self) -> io::Result<Vec<String>> {
        let mut names = std::collections::BTreeSet::new();
        loop {
            let events = match self.watch.read_events() {
                Ok(events) => events,
                Err(nix::errno::Errno::EAGAIN) => return Ok(names.into_iter().collect()),
                Err(nix::errno::Errno::EINTR) => continue,
                Err(error) => return Err(error.into()),
            };
            for event in events {
                if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
                    names.extend(self.watched.values().map(|name| name.to_string()));
                } else if event.mask.contains(AddWatchFlags::IN_IGNORED) {
                    self.watched.remove(&event.wd);
                } else {
                    names.extend(self.watched.get(&event.wd).map(|name| name.to_string()));
                }
            }
        }
    }
}

impl AsFd for Forest {
    /// Readable when [`Forest::changes`] has something to tell.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.watch.as_fd()
    }
}

/// All processes of one run.
#[derive(Debug)]
pub struct Tree {
    /// What ends with its name.
    entry: String,
    is_watched: bool,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Cgroup(Cgroup),
    Marks(Marks),
}

impl Tree {
    /// Its name.
    pub fn name(&self) -> &str {
        self.entry.rsplit('/').next().unwrap_or_default()
    }

    /// `NAME=value` that must be in the environment of its first process.
    pub fn environment(&self) -> &str {
        &self.entry
    }

    /// For [`crate::Launch::tree`]; `None`: no door is needed.
    pub fn door(&self) -> Option<BorrowedFd<'_>> {
        match &self.kind {
            Kind::Cgroup(cgroup) => Some(cgroup.door()),
            Kind::Marks(_) => None,
        }
    }

    /// Whether [`Forest::changes`] tells when it becomes empty.
    pub fn tells(&self) -> bool {
        self.is_watched
    }

    /// Tells it its first process, which leads a session of its own, or another that was found to be of it.
    pub fn led_by(&mut self, pid: i32, started: Time) {
        if let Kind::Marks(marks) = &mut self.kind {
            marks.leaders.push((pid, started));
        }
    }

    /// Makes ready to limit it. Its cgroup is counted anyway; it needs no login class.
    pub fn count_as(&mut self, _jail: Option<&str>) -> Option<String> {
        None
    }

    /// Tells it that its first process was put into a jail, of which there are none here.
    pub fn jailed(&mut self, _name: &str) {}

    /// The jail that was made for it: none.
    pub fn jail(&self) -> Option<(&str, i32)> {
        None
    }

    /// Every living process.
    ///
    /// # Errors
    ///
    /// The kernel's own.
    ///
    /// Source: cgroups(7), proc(5).
    pub fn pids(&self) -> io::Result<Vec<i32>> {
        match &self.kind {
            Kind::Cgroup(cgroup) => cgroup.pids(),
            Kind::Marks(marks) => Ok(marks.members()?.into_iter().map(|facts| facts.pid).collect()),
        }
    }

    /// Whether no process is left. Zombies do not count.
    ///
    /// # Errors
    ///
    /// The kernel's own.
    ///
    /// Source: cgroups(7), proc(5).
    pub fn is_empty(&self) -> io::Result<bool> {
        self.is_empty_in(&mut None)
    }

    fn is_empty_in(&self, survey: &mut Option<Survey>) -> io::Result<bool> {
        match &self.kind {
            Kind::Cgroup(cgroup) => cgroup.is_empty(),
            Kind::Marks(marks) => marks.is_empty(survey),
        }
    }

    /// Sends a signal by number to every process. Gives the number of those reached.
    ///
    /// # Errors
    ///
    /// The kernel's own.
    ///
    /// Source: pidfd_send_signal(2).
    pub fn signal(&self, number: i32) -> io::Result<usize> {
        match &self.kind {
            Kind::Cgroup(cgroup) => cgroup.signal(number),
            Kind::Marks(marks) => marks.signal(number),
        }
    }

    /// Kills every process and what it makes meanwhile. They may still be there for a moment; [`Forest::changes`] or
    /// their parent's news tell when they are gone.
    ///
    /// # Errors
    ///
    /// The kernel's own.
    ///
    /// Source: cgroups(7), `cgroup.kill`.
    pub fn kill(&self) -> io::Result<()> {
        match &self.kind {
            Kind::Cgroup(cgroup) => cgroup.kill(),
            Kind::Marks(marks) => marks.kill(),
        }
    }

    /// What its processes use.
    pub fn usage(&self) -> Usage {
        let facts = || self.pids().unwrap_or_default().into_iter().filter_map(|pid| process::facts(pid).ok());
        let resident = || facts().map(|facts| facts.memory).reduce(u64::saturating_add);
        let used = || facts().map(|facts| facts.cpu).reduce(Duration::saturating_add);
        match &self.kind {
            Kind::Cgroup(cgroup) => {
                Usage { memory: cgroup.memory().or_else(resident), cpu: cgroup.cpu().or_else(used) }
            }
            Kind::Marks(_) => Usage { memory: resident(), cpu: used() },
        }
    }

    /// Limits the whole tree.
    ///
    /// # Errors
    ///
    /// `Unsupported` without the controller that does it; the text says which, and why it is not here.
    ///
    /// Source: cgroups(7).
    pub fn limit(&self, ceiling: Ceiling) -> io::Result<()> {
        let (controller, file, value, what) = match ceiling {
            Ceiling::Memory(bytes) => ("memory", "memory.max", bytes.to_string(), "memory"),
            Ceiling::Tasks(count) => ("pids", "pids.max", count.to_string(), "tasks"),
            Ceiling::Cpu(percent) => ("cpu", "cpu.max", format!("{} 100000", u64::from(percent) * 1000), "cpu time"),
        };
        let absent = |why: &str| {
            let text = format!("a limit on a tree's {what} needs {why}");
            Err(io::Error::new(io::ErrorKind::Unsupported, text))
        };
        match &self.kind {
            Kind::Marks(_) => absent("a cgroup, and trees have none here; svc hello says why"),
            Kind::Cgroup(cgroup) => match cgroup.control(file, &value) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    absent(&cgroup::missing::why(controller, cgroup.above()))
                }
                other => other,
            },
        }
    }

    /// Removes what the system keeps of it.
    ///
    /// # Errors
    ///
    /// `ResourceBusy` while processes are left.
    ///
    /// Source: cgroups(7).
    pub fn remove(&self) -> io::Result<()> {
        match &self.kind {
            Kind::Cgroup(cgroup) => cgroup.remove(),
            Kind::Marks(_) => Ok(()),
        }
    }
}
