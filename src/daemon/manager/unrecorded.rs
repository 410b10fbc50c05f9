//! Runs of which the journal says nothing: launched while it could not be written, by a manager that is gone.

use std::collections::{BTreeMap, BTreeSet};

use svc_core::lifecycle::State;
use svc_core::supervisor::Act;
use svc_core::{Job, Name, RunId, Service, Who};
use svc_platform::clock;
use svc_platform::process::{self, Facts};

use super::Manager;
use super::records::{Launched, Past, Watched};
use super::run::leaves_a_daemon;
use crate::daemon::say;

/// How the trees of helpers are called, with the manager's pid behind it.
const HELPER: &str = "helper-";

impl Manager {
    /// Adds to what the manager before has put on file what stands beside it, so that nothing is launched twice: a full
    /// file system takes no records. Trees that cannot be listed are not found.
    pub(super) fn add_unrecorded(&mut self, past: &mut Past) {
        let mut found: BTreeMap<Name, BTreeMap<RunId, Vec<Facts>>> = BTreeMap::new();
        let standing = self.forest.standing().unwrap_or_default();
        let known: BTreeSet<RunId> = standing.iter().filter_map(|tree| Some(run_of(tree)?.1)).collect();
        for tree in standing {
            let Some((name, run)) = run_of(&tree).filter(|(_, run)| !past.runs.contains_key(run)) else { continue };
            let Ok(Some(tree)) = self.forest.find(&tree) else { continue };
            let mut all: Vec<Facts> =
                tree.pids().unwrap_or_default().into_iter().filter_map(|pid| process::facts(pid).ok()).collect();
            all.retain(|facts| !facts.is_zombie());
            all.sort_by_key(|facts| (facts.started, facts.pid));
            if !all.is_empty() {
                found.entry(name).or_default().insert(run, all);
            }
        }
        for (name, runs) in found {
            self.add_unrecorded_of(name, &runs, &known, past);
        }
    }

    fn add_unrecorded_of(
        &mut self,
        name: Name,
        runs: &BTreeMap<RunId, Vec<Facts>>,
        standing: &BTreeSet<RunId>,
        past: &mut Past,
    ) {
        let service = self.in_force.get(&name).cloned();
        let service = service.as_deref();
        let memory = past.memories.entry(name.clone()).or_default();
        // The end of one that is on file may be what found no room there: its tree is gone then.
        let goes_on = |run| past.runs.get(&run).is_some_and(|(launched, _)| launched.found || standing.contains(&run));
        let is_known = memory.state.run().is_some_and(goes_on);
        // Beside a service there is at most a command that works on it; but what it may leave behind is older than it.
        let may_leave = service.is_some_and(|service: &Service| service.leave_children || service.is_script());
        let main = if may_leave { runs.keys().next_back() } else { runs.keys().next() };
        let main = main.copied().filter(|_| !is_known);
        for (&run, all) in runs {
            let oldest = &all[0];
            say(format!(
                "{name}: its run {} (pid {}: {}) is not in the journal, and found again",
                run.0,
                oldest.pid,
                oldest.command()
            ));
            let leader = !service.is_some_and(leaves_a_daemon);
            let watched = Watched { pid: oldest.pid, started: oldest.started, leader };
            let launched = Launched { name: name.clone(), job: Job::Start, about: None, found: false };
            past.runs.insert(run, (launched, vec![watched]));
            past.last_run = past.last_run.max(run);
            if Some(run) == main {
                memory.state = State::Up { run: Some(run) };
                memory.since = clock::now();
                memory.held = None;
                let who = Who("being found running".into());
                memory.asked.get_or_insert(Act { who, at: clock::now() });
            } else {
                memory.left.push(run);
            }
        }
    }
}

/// Which run of which service a tree is of.
fn run_of(tree: &str) -> Option<(Name, RunId)> {
    let (name, number) = tree.rsplit_once('.')?;
    let helper = name.strip_prefix(HELPER);
    if helper.is_some_and(|pid| !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit())) {
        return None;
    }
    Some((Name::new(name).ok()?, RunId(number.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_says_whose_run_it_is_and_one_of_a_helper_is_of_none() {
        let run = |name: &str, run| Some((Name::new(name).unwrap(), RunId(run)));
        assert_eq!(run_of("web.17"), run("web", 17));
        assert_eq!(run_of("getty@tty1.3"), run("getty@tty1", 3));
        assert_eq!(run_of("dbus.service.4"), run("dbus.service", 4));
        assert_eq!(run_of("helper-x.4"), run("helper-x", 4));
        for other in ["helper-4711.4", "web", "web.x", ".4"] {
            assert_eq!(run_of(other), None, "{other}");
        }
    }
}
