//! Trees that nothing holds together: processes found by what can be seen of them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use std::{io, thread};

use svc_core::Time;

use crate::process::{self, Facts, Handle};

/// How often a tree is walked to tell all of it something. Each round tells everybody seen, so only who forks faster
/// than we look reaches the third.
const ROUNDS_MAX: usize = 1000;

/// How often the processes are listed for one look at all of them, as long as there are new ones.
const LISTS_MAX: usize = 16;

/// How often, and with what pauses, a process that executes is looked at again; together 10 ms.
const EXEC_LOOKS: usize = 50;
const EXEC_PAUSE: Duration = Duration::from_micros(200);

/// The variable that every process of a run inherits.
const KEY: &str = "SVC_RUN=";

/// What the processes of one run have in common.
#[derive(Clone, Debug)]
pub(crate) struct Marks {
    /// `SVC_RUN=...` in the environment, with which they were started.
    pub(crate) entry: String,
    /// The first process, which leads their session; and daemons that were found to be of this run, which lead others.
    pub(crate) leaders: Vec<(i32, Time)>,
    /// Who was of this run when it was looked at last, and so still is, whatever it has done to its marks.
    seen: RefCell<BTreeSet<(i32, Time)>>,
}

/// Every process there is, seen once.
#[derive(Debug)]
pub(crate) struct Survey {
    all: Vec<Facts>,
    children: BTreeMap<i32, Vec<i32>>,
    /// By the `SVC_RUN=...` they carry.
    carriers: BTreeMap<Vec<u8>, BTreeSet<i32>>,
}

impl Survey {
    pub(crate) fn take() -> io::Result<Self> {
        let mut survey = Self { all: Vec::new(), children: BTreeMap::new(), carriers: BTreeMap::new() };
        let mut met = BTreeSet::new();
        // Who forked and ended before it was looked at left a child that was not in the list.
        for _ in 0..LISTS_MAX {
            let fresh: Vec<i32> = process::list()?.into_iter().filter(|pid| met.insert(*pid)).collect();
            if fresh.is_empty() {
                break;
            }
            fresh.into_iter().for_each(|pid| survey.look_at(pid));
        }
        Ok(survey)
    }

    fn look_at(&mut self, pid: i32) {
        let Ok(facts) = process::facts(pid) else { return };
        self.children.entry(facts.parent).or_default().push(pid);
        for entry in environment(&facts) {
            if entry.starts_with(KEY.as_bytes()) {
                self.carriers.entry(entry).or_default().insert(pid);
            }
        }
        self.all.push(facts);
    }
}

/// What a process was started with. Of processes that are not ours to look at nothing is known.
///
/// While a program is being replaced by execve(2) there is for a moment nothing to be read, neither arguments nor
/// environment; that moment is waited for, or a daemon just leaving its session would be nobody's.
fn environment(facts: &Facts) -> Vec<Vec<u8>> {
    let Ok(entries) = process::environment(facts.pid) else { return Vec::new() };
    // What is in no session is the kernel's.
    if !entries.is_empty() || facts.is_zombie() || facts.session == 0 {
        return entries;
    }
    for _ in 0..EXEC_LOOKS {
        match process::facts(facts.pid) {
            Ok(again) if again.is_zombie() => break,
            Ok(again) if again.arguments.is_empty() => thread::sleep(EXEC_PAUSE),
            Ok(_) => return process::environment(facts.pid).unwrap_or_default(),
            Err(_) => break,
        }
    }
    Vec::new()
}

impl Marks {
    /// Marks of the run of this name.
    pub(crate) fn new(name: &str) -> Self {
        Self { entry: format!("{KEY}{name}"), leaders: Vec::new(), seen: RefCell::default() }
    }

    /// Every living process that is of this run by any of the marks.
    pub(crate) fn members(&self) -> io::Result<Vec<Facts>> {
        Ok(self.members_in(&Survey::take()?).into_iter().cloned().collect())
    }

    /// The same among processes seen before.
    fn members_in<'a>(&self, survey: &'a Survey) -> Vec<&'a Facts> {
        let mut found = survey.carriers.get(self.entry.as_bytes()).cloned().unwrap_or_default();
        for leader in self.leaders.iter().filter(|leader| !is_another(leader)) {
            found.extend(survey.all.iter().filter(|facts| is_led_by(facts, leader)).map(|facts| facts.pid));
        }
        let mut seen = self.seen.borrow_mut();
        found.extend(
            survey.all.iter().filter(|facts| seen.contains(&(facts.pid, facts.started))).map(|facts| facts.pid),
        );
        let mut front: Vec<i32> = found.iter().copied().collect();
        // Every process enters the front at most once, so this ends.
        while let Some(pid) = front.pop() {
            let fresh = survey.children.get(&pid).into_iter().flatten().filter(|child| found.insert(**child));
            front.extend(fresh);
        }
        let members: Vec<&Facts> =
            survey.all.iter().filter(|facts| found.contains(&facts.pid) && !facts.is_zombie()).collect();
        *seen = members.iter().map(|facts| (facts.pid, facts.started)).collect();
        members
    }

    /// Whether nobody is left, seen in a survey that is taken when the first tree needs it.
    pub(crate) fn is_empty(&self, survey: &mut Option<Survey>) -> io::Result<bool> {
        let lives =
            |&(pid, started)| process::facts(pid).is_ok_and(|facts| facts.started == started && !facts.is_zombie());
        if self.leaders.iter().any(lives) {
            return Ok(false);
        }
        let survey = match survey {
            Some(survey) => survey,
            None => survey.insert(Survey::take()?),
        };
        Ok(self.members_in(survey).is_empty())
    }

    /// Signals every member. Gives the number of those reached.
    pub(crate) fn signal(&self, number: i32) -> io::Result<usize> {
        let members = || Ok(self.members()?.into_iter().map(|facts| (facts.pid, facts.started)).collect());
        each_once(members, |pid, started| {
            Handle::open_exactly(pid, started).is_ok_and(|handle| handle.signal(number).is_ok())
        })
    }

    /// Kills every member. One that we may not kill stays a member; the caller sees that the tree does not empty.
    pub(crate) fn kill(&self) -> io::Result<()> {
        self.signal(libc::SIGKILL).map(drop)
    }
}

/// Tells every member, each once, again and again until none is seen that was not told: one that forked before it was
/// told has a child that was not in the list. Gives the number of those that were reached.
pub(crate) fn each_once(
    members: impl Fn() -> io::Result<Vec<(i32, Time)>>,
    tell: impl Fn(i32, Time) -> bool,
) -> io::Result<usize> {
    let (mut told, mut reached) = (BTreeSet::new(), 0);
    for _ in 0..ROUNDS_MAX {
        let before = told.len();
        for (pid, started) in members()? {
            if told.insert((pid, started)) {
                reached += usize::from(tell(pid, started));
            }
        }
        if told.len() == before {
            break;
        }
    }
    Ok(reached)
}

/// It is this leader, or in the session that the leader made.
fn is_led_by(facts: &Facts, &(pid, started): &(i32, Time)) -> bool {
    // A session keeps its number as long as somebody is in it, so no later process can get it meanwhile; but everybody
    // in it is younger than its leader.
    (facts.pid == pid && facts.started == started) || (facts.session == pid && facts.started >= started)
}

/// The leader has gone and its number was given to another process: then the session of that number, too, is not ours.
fn is_another(&(pid, started): &(i32, Time)) -> bool {
    process::start_time(pid).is_ok_and(|found| found != started)
}
