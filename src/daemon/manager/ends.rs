//! Ends: of processes, as the keeper or a handle tells, and of whole trees.

use std::time::Duration;

use svc_core::{Event, Exit, Job, RunId};
use svc_platform::process;

use super::records::Record;
use super::run::{Run, Trunk, Which, leaves_a_daemon, may_have_left};
use super::{Manager, Timer};
use crate::daemon::say;

/// How often trees are looked at of which the system does not tell that they are empty.
const LINGER: Duration = Duration::from_millis(250);

impl Manager {
    /// A process ended. Most are nobody's main process: they were orphans of some tree.
    pub(super) fn ended(&mut self, pid: i32, exit: Exit) {
        if self.helper_ended(pid, exit) {
            return;
        }
        match self.runs.unwatch(pid) {
            Some(id) => {
                let key = self.key_that_ended(id, pid, exit);
                self.run_ended(id, pid, exit);
                if let Some((service, word)) = key {
                    self.ended_by_key(service, word);
                }
            }
            None if self.lingering.is_empty() => {}
            None => self.ensure_timer(Duration::ZERO, Timer::Linger),
        }
    }

    fn run_ended(&mut self, id: RunId, pid: i32, exit: Exit) {
        let Some(run) = self.runs.get_mut(id) else { return };
        let which = run.ended(pid);
        run.returned |= which == Some(Which::Leader) && may_have_left(exit);
        self.journal.append(&Record::Ended(id, pid));
        let service = self.core.service(run.service).clone();
        let (job, has_main) = (run.job.clone(), run.main.is_some());
        let about = run.about;
        let whole = run.is_unwatched() && run.trunk.is_empty();
        if which.is_some() {
            self.left(id, pid);
        }
        if job == Job::Stop && which == Some(Which::Leader) {
            self.end_service_jail(&service, about);
        }
        if matches!(job, Job::After(_)) && !exit.is_success() {
            // Nobody may be waiting for it.
            say(format!("{}: its {job} {exit}", service.name));
        }
        match which {
            None => {}
            // What a start that leaves nothing was for may be served by somebody else: that is looked at below.
            Some(Which::Leader) if whole && !(job == Job::Start && leaves_a_daemon(&service)) => {
                self.event(Event::Ended(id, exit));
                return self.over(id);
            }
            // It said before that another process is the main one.
            Some(Which::Leader) if has_main => {}
            Some(Which::Leader) => {
                self.event(Event::Exited(id, exit));
                if leaves_a_daemon(&service) && (may_have_left(exit) || job != Job::Start) {
                    self.look_for_main(id);
                }
            }
            Some(Which::Main) => match self.successor(id, &service, exit) {
                Some(successor) => self.set_main(id, successor),
                None if whole => {
                    self.event(Event::Ended(id, exit));
                    return self.over(id);
                }
                None => self.event(Event::Exited(id, exit)),
            },
        }
        self.look_whether_empty(id);
    }

    /// A main process ended that was no child of the keeper when it was found.
    pub(super) fn watched_ended(&mut self, id: RunId) {
        let Some(main) = self.runs.get_mut(id).and_then(|run| run.main.as_mut().or(run.leader.as_mut())) else {
            return;
        };
        let pid = main.pid;
        if main.handle.as_ref().is_some_and(|handle| !handle.has_ended().unwrap_or(true)) {
            return;
        }
        if let Some(handle) = &main.handle {
            self.poller.remove(handle).ok();
        }
        // Its parent may have ended before it, and then the keeper knows.
        let facts = process::facts(pid).ok().filter(|facts| facts.is_zombie());
        if facts.is_some_and(|facts| self.keeper.hears_of(facts.parent)) {
            main.by_keeper = true;
            return;
        }
        match main.handle.as_ref().and_then(|handle| handle.exit().ok()?) {
            Some(exit) => self.ended(pid, exit),
            None => self.ask_for_end(id, pid),
        }
    }

    /// Processes came or went in some trees.
    pub(super) fn trees_changed(&mut self) {
        let names = self.forest.changes().unwrap_or_else(|error| {
            say(format!("watching trees: {error}"));
            Vec::new()
        });
        for name in names {
            if let Some(id) = self.runs.of_tree(&name) {
                self.look_whether_empty(id);
            }
        }
        self.clear_retired();
    }

    pub(super) fn look_at_lingering(&mut self) {
        for id in std::mem::take(&mut self.lingering) {
            self.look_whether_empty(id);
        }
        let unwatched: Vec<RunId> = self.runs.iter().filter(|(_, run)| run.is_unwatched()).map(|(id, _)| id).collect();
        unwatched.into_iter().for_each(|id| self.look_whether_empty(id));
    }

    /// Says that nothing of a run is left, if so. The end of a watched process is always told first.
    pub(super) fn look_whether_empty(&mut self, id: RunId) {
        let Some(run) = self.runs.get(id) else { return };
        if !run.is_unwatched() {
            return;
        }
        if !run.trunk.is_empty() {
            if !run.trunk.tells() && self.lingering.insert(id) {
                self.ensure_timer(LINGER, Timer::Linger);
            }
            return;
        }
        if self.is_served_elsewhere(id) || self.may_come(id) {
            return;
        }
        self.event(Event::Emptied(id));
        self.over(id);
    }

    /// Nothing of a run is left: nothing is kept of it.
    pub(super) fn over(&mut self, id: RunId) {
        self.lingering.remove(&id);
        let Some(run) = self.runs.remove(id) else { return };
        if let Trunk::Own(tree) = &run.trunk
            && let Err(error) = tree.remove()
        {
            say(format!("{}: removing its tree: {error}", run.name));
        }
        self.close_ears(id, &run);
        self.journal.append(&Record::Over(id));
    }

    fn close_ears(&mut self, id: RunId, run: &Run) {
        if let Some(notify) = &run.notify {
            self.poller.remove(notify).ok();
        }
        if let Some(reader) = &run.notify_fd {
            self.poller.remove(reader).ok();
        }
        if run.notify.is_some() || run.notify_fd.is_some() {
            self.forget_ears(id, &run.name);
        }
    }
}
