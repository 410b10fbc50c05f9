//! All processes of a run: what descends from one direct child of the keeper, by the keeper's word as their reaper.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use svc_core::Time;

use super::queue::Queue;
use super::reaper;
use super::{jail, process, rules};
use crate::freebsd_pure::mark;
use crate::freebsd_pure::rctl::{Subject, class_of};
use crate::freebsd_pure::subtree::{CHILD, Entry};
pub use crate::usage::{Ceiling, Usage};
use crate::walk::{Marks, Survey};

/// With what the mark in the environment of a run begins.
const MARK: &str = "SVC_RUN=";

/// Where the trees of one daemon grow.
#[derive(Debug)]
pub struct Forest {
    instance: String,
    ground: Ground,
    /// Never tells anything.
    watch: Queue,
}

#[derive(Clone, Debug)]
enum Ground {
    /// The process to which orphans fall, for all trees of a forest.
    Reaper(Arc<AtomicI32>),
    /// Why there is none of ours.
    Bare(String),
}

impl Ground {
    fn below(reaper: i32) -> Self {
        Self::Reaper(Arc::new(AtomicI32::new(reaper)))
    }

    /// Every process that the reaper lists, and the reaper.
    fn list(&self) -> io::Result<(i32, Vec<Entry>)> {
        let Self::Reaper(reaper) = self else { return Ok((0, Vec::new())) };
        let reaper = reaper.load(Ordering::Relaxed);
        match reaper::list(reaper) {
            Ok(entries) => Ok((reaper, entries)),
            // It has ended, and who takes its place is not known yet.
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok((reaper, Vec::new())),
            Err(error) => Err(error),
        }
    }
}

impl Forest {
    /// Finds out how trees can be tracked here. `instance` tells the daemons of one machine apart; it is a file name.
    ///
    /// # Errors
    ///
    /// The kernel's own. That no process of ours is a reaper is no error: [`Self::tracking`] says so.
    ///
    /// Source: procctl(2), `PROC_REAP_STATUS`.
    pub fn open(instance: &str) -> io::Result<Self> {
        let me = i32::try_from(std::process::id()).unwrap_or(0);
        let reaper = reaper::of(0)?;
        // Another's direct children are not our runs, and those of process 1 begin no subtrees.
        let ground = if reaper == 1 {
            Ground::Bare("process 1 is the reaper, which has no subtrees".to_owned())
        } else if reaper == me || reaper == crate::reap::parent() {
            Ground::below(reaper)
        } else {
            Ground::Bare(format!("orphans fall to process {reaper}"))
        };
        Self::on(instance, ground)
    }

    /// The same where another process than our own parent is that of every run, and reaps below it.
    ///
    /// # Errors
    ///
    /// The kernel's own.
    ///
    /// Source: procctl(2), `PROC_REAP_ACQUIRE`.
    pub fn open_below(instance: &str, parent: i32) -> io::Result<Self> {
        Self::on(instance, Ground::below(parent))
    }

    /// Another process is the parent of every run from now on. Trees that have grown before are found by their marks:
    /// with the end of their reaper they have become one.
    pub fn grow_below(&mut self, parent: i32) {
        match &self.ground {
            Ground::Reaper(reaper) => reaper.store(parent, Ordering::Relaxed),
            Ground::Bare(_) => {}
        }
    }

    /// The same at the [`Self::place`] of an earlier daemon. Here there is no such place.
    ///
    /// # Errors
    ///
    /// As for [`Self::open`].
    ///
    /// Source: procctl(2), `PROC_REAP_STATUS`.
    pub fn open_at(instance: &str, _place: &str) -> io::Result<Self> {
        Self::open(instance)
    }

    /// What [`Self::open_at`] of a later daemon wants to know: nothing.
    pub fn place(&self) -> Option<&str> {
        None
    }

    /// The same without asking any reaper.
    ///
    /// # Errors
    ///
    /// The kernel's own: no descriptors left.
    ///
    /// Source: kqueue(2).
    pub fn open_bare(instance: &str, reason: &str) -> io::Result<Self> {
        Self::on(instance, Ground::Bare(reason.to_owned()))
    }

    fn on(instance: &str, ground: Ground) -> io::Result<Self> {
        debug_assert!(!instance.is_empty() && !instance.contains('/') && !instance.starts_with('.'));
        Ok(Self { instance: instance.to_owned(), ground, watch: Queue::new()? })
    }

    /// Whether the kernel knows which processes are whose, so that none escapes.
    pub fn is_tight(&self) -> bool {
        matches!(self.ground, Ground::Reaper(_))
    }

    /// How trees are tracked, in one sentence.
    pub fn tracking(&self) -> String {
        match &self.ground {
            Ground::Reaper(reaper) => format!("subtrees of the reaper {}", reaper.load(Ordering::Relaxed)),
            Ground::Bare(reason) => format!(
                "session and SVC_RUN in the environment ({reason}): a process that cleans its environment and leaves \
                 its session and its parent can escape"
            ),
        }
    }

    /// Makes the tree of a new run; `name` is a file name that was never used before, such as `web.17`.
    ///
    /// # Errors
    ///
    /// None here.
    pub fn grow(&mut self, name: &str) -> io::Result<Tree> {
        let entry = mark::filled(format!("{MARK}{}/{name}", self.instance));
        let marks = Marks::new(&entry[MARK.len()..]);
        Ok(Tree {
            name: name.to_owned(),
            entry,
            ground: self.ground.clone(),
            first: None,
            jail: None,
            counted: None,
            marks,
        })
    }

    /// Finds the tree of a run that an earlier manager made: by the environment of its processes, until
    /// [`Tree::led_by`] tells more.
    ///
    /// # Errors
    ///
    /// The kernel's own.
    ///
    /// Source: procctl(2), `PROC_REAP_GETPIDS`.
    pub fn find(&mut self, name: &str) -> io::Result<Option<Tree>> {
        let mut tree = self.grow(name)?;
        for entry in self.ground.list()?.1 {
            if entry.flags & CHILD != 0 && carried(entry.pid).as_deref() == Some(mark::bare(tree.entry.as_bytes())) {
                tree.led_by(entry.subtree, process::start_time(entry.pid).unwrap_or_default());
            }
        }
        Ok(Some(tree))
    }

    /// Trees of this instance that exist, also those of managers before, as far as their processes say so.
    ///
    /// # Errors
    ///
    /// The kernel's own.
    ///
    /// Source: procctl(2), `PROC_REAP_GETPIDS`.
    pub fn standing(&self) -> io::Result<Vec<String>> {
        let prefix = format!("{MARK}{}/", self.instance);
        let carried = self.ground.list()?.1.into_iter().filter_map(|entry| carried(entry.pid));
        let named = carried.filter_map(|mark| String::from_utf8(mark).ok()?.strip_prefix(&prefix).map(str::to_owned));
        let mut names: Vec<String> = named.collect();
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// Which of these trees have no process left. One look at all processes serves all of them.
    ///
    /// # Errors
    ///
    /// The kernel's own.
    ///
    /// Source: procctl(2), sysctl(3).
    pub fn empty_among<'a>(&self, trees: impl IntoIterator<Item = &'a Tree>) -> io::Result<Vec<&'a Tree>> {
        let list = self.ground.list()?;
        let mut survey = None;
        let mut empty = Vec::new();
        for tree in trees {
            if tree.held(&list).is_none() && tree.marks.is_empty(&mut survey)? {
                empty.push(tree);
            }
        }
        Ok(empty)
    }

    /// Leaves no trace. There is none here.
    ///
    /// # Errors
    ///
    /// None here.
    pub fn clear(self) -> io::Result<()> {
        Ok(())
    }

    /// Names of trees of which something changed since the last call. Here nothing ever comes: ask when a child of the
    /// keeper has ended, as the last process of every tree does.
    ///
    /// # Errors
    ///
    /// None here.
    pub fn changes(&mut self) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }
}

impl AsFd for Forest {
    /// Never readable here.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.watch.as_fd()
    }
}

/// The `SVC_RUN=...` in the environment of a process, without blanks.
fn carried(pid: i32) -> Option<Vec<u8>> {
    let entry = process::environment(pid).ok()?.into_iter().find(|entry| entry.starts_with(MARK.as_bytes()))?;
    Some(mark::bare(&entry).to_vec())
}

/// All processes of one run.
#[derive(Debug)]
pub struct Tree {
    name: String,
    entry: String,
    ground: Ground,
    /// What was launched, by whose pid the reaper names all that descends from it.
    first: Option<(i32, Time)>,
    /// The jail that was made for it, by name and number.
    jail: Option<Box<(String, i32)>>,
    /// As what it is limited.
    counted: Option<Box<Subject>>,
    marks: Marks,
}

impl Tree {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `NAME=value` that must be in the environment of its first process.
    pub fn environment(&self) -> &str {
        &self.entry
    }

    /// For [`crate::Launch::tree`]: no door is needed here.
    pub fn door(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Whether the system tells when it becomes empty: it does not.
    pub fn tells(&self) -> bool {
        false
    }

    /// Tells it its first process, which leads a session of its own, or another that was found to be of it.
    pub fn led_by(&mut self, pid: i32, started: Time) {
        self.first.get_or_insert((pid, started));
        self.marks.leaders.push((pid, started));
    }

    /// Makes ready to limit it, before it has a process, or again after a change of manager: it is counted as the jail
    /// of this name, or else as a login class, which this gives and its first process must be put into.
    pub fn count_as(&mut self, jail: Option<&str>) -> Option<String> {
        let class = jail.is_none().then(|| class_of(&self.name));
        let subject = jail.map(|name| Subject::Jail(name.to_owned())).or_else(|| class.clone().map(Subject::Class));
        self.counted = subject.map(Box::new);
        class
    }

    /// Tells it that its first process was put into a jail of this name, which was made for it and ends with it.
    pub fn jailed(&mut self, name: &str) {
        self.jail = jail::find(name).ok().map(|number| Box::new((name.to_owned(), number)));
    }

    /// The jail that was made for it: its name and number.
    pub fn jail(&self) -> Option<(&str, i32)> {
        self.jail.as_ref().map(|jail| (jail.0.as_str(), jail.1))
    }

    /// Ends its jail and who is in it, whoever put it there; mostly the jail has gone with the last of the tree. The
    /// number of a jail may be given again; together with its name it is not.
    fn remove_jail(&self) -> io::Result<()> {
        match self.jail() {
            Some((name, number)) if jail::name(number).is_ok_and(|found| found == name) => jail::remove(number),
            Some(_) | None => Ok(()),
        }
    }

    /// Its processes as the reaper lists them; `None`: the reaper knows of none, because there is none, or because the
    /// reaper that knew has ended.
    fn held(&self, (reaper, entries): &(i32, Vec<Entry>)) -> Option<(i32, i32)> {
        let (leader, started) = self.first?;
        let mut own = entries.iter().filter(|entry| entry.subtree == leader);
        own.find(|entry| entry.flags & crate::freebsd_pure::subtree::ZOMBIE == 0)?;
        // The number is not given to another while one of the tree lives; afterwards it may be.
        let known = started != Time::default();
        let other = process::start_time(leader).is_ok_and(|found| known && found != started);
        (!other).then_some((*reaper, leader))
    }

    /// Every living process.
    ///
    /// # Errors
    ///
    /// The kernel's own.
    ///
    /// Source: procctl(2), `PROC_REAP_GETPIDS`; sysctl(3).
    pub fn pids(&self) -> io::Result<Vec<i32>> {
        let list = self.ground.list()?;
        let mut pids = match self.held(&list) {
            Some((_, subtree)) => reaper::members(&list.1, subtree),
            None => self.marks.members()?.into_iter().map(|facts| facts.pid).collect(),
        };
        pids.sort_unstable();
        Ok(pids)
    }

    /// Whether no process is left. Zombies do not count.
    ///
    /// # Errors
    ///
    /// The kernel's own.
    ///
    /// Source: procctl(2), `PROC_REAP_GETPIDS`; sysctl(3).
    pub fn is_empty(&self) -> io::Result<bool> {
        let mut survey: Option<Survey> = None;
        Ok(self.held(&self.ground.list()?).is_none() && self.marks.is_empty(&mut survey)?)
    }

    /// Sends a signal by number to every process. Gives the number of those reached.
    ///
    /// # Errors
    ///
    /// The kernel's own.
    ///
    /// Source: procctl(2), `PROC_REAP_KILL`; kill(2).
    pub fn signal(&self, number: i32) -> io::Result<usize> {
        match self.held(&self.ground.list()?) {
            // The reaper takes no signal that only asks.
            Some(_) if number == 0 => Ok(self.pids()?.len()),
            Some((reaper, subtree)) => reaper::signal(reaper, subtree, number),
            None => self.marks.signal(number),
        }
    }

    /// Kills every process and what it makes meanwhile. They may still be there for a moment; their parent's news tell
    /// when they are gone.
    ///
    /// # Errors
    ///
    /// The kernel's own.
    ///
    /// Source: procctl(2), `PROC_REAP_KILL`; jail_remove(2).
    pub fn kill(&self) -> io::Result<()> {
        match self.held(&self.ground.list()?) {
            Some((reaper, subtree)) => reaper::signal(reaper, subtree, libc::SIGKILL).map(drop)?,
            None => self.marks.kill()?,
        }
        self.remove_jail()
    }

    /// What its processes use; CPU time only of those that live.
    pub fn usage(&self) -> Usage {
        let pids = self.pids().unwrap_or_default();
        let facts: Vec<_> = pids.into_iter().filter_map(|pid| process::facts(pid).ok()).collect();
        Usage {
            memory: facts.iter().map(|facts| facts.memory).reduce(u64::saturating_add),
            cpu: facts.iter().map(|facts| facts.cpu).reduce(Duration::saturating_add),
        }
    }

    /// Limits the whole tree, which [`Self::count_as`] must have made ready for it.
    ///
    /// # Errors
    ///
    /// `Unsupported` where the system does not count what processes use; the kernel's own.
    ///
    /// Source: rctl(8).
    pub fn limit(&self, ceiling: Ceiling) -> io::Result<()> {
        match &self.counted {
            Some(subject) => rules::add(subject, ceiling),
            None => Err(crate::Unsupported { what: "a limit on a tree that is not counted" }.into()),
        }
    }

    /// Removes what the system keeps of it, which is a jail that somebody else is in, or has made to persist.
    ///
    /// # Errors
    ///
    /// `ResourceBusy` while processes are left that the reaper knows of; the kernel's own.
    ///
    /// Source: procctl(2), `PROC_REAP_GETPIDS`; jail_remove(2).
    pub fn remove(&self) -> io::Result<()> {
        match self.held(&self.ground.list()?) {
            Some(_) => Err(io::ErrorKind::ResourceBusy.into()),
            None => {
                self.counted.as_deref().map_or(Ok(()), rules::clear)?;
                self.remove_jail()
            }
        }
    }
}
