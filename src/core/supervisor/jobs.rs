//! Errands beside a service's life: reload commands, own verbs, and what goes before and after a verb.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::life::{Waiter, shape_of};
use super::timers::Timer;
use super::{Act, Part, Supervisor};
use crate::definition::near;
use crate::event::{Action, Answer, Ticket, Who};
use crate::lifecycle::{Goal, Input, State};
use crate::run::{Exit, Job, Reach, RunId, Signal};
use crate::service::{COMMON, Kind, Ready, Reload, ServiceId};
use crate::time::Time;

const NOT_RUNNING: &str = "it is not running";

/// Commands of one errand, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Errand {
    /// Who waits for it; nobody, where it goes with a start or a stop.
    ticket: Option<Ticket>,
    /// What runs.
    job: Job,
    until: Option<Time>,
    /// What comes once that has ended well.
    rest: VecDeque<Step>,
    /// It was told to end before its time.
    is_ended: bool,
}

/// One part of an errand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Step {
    /// Run this.
    Job(Job),
    /// Send this to the main process.
    Signal(Signal),
    /// Launch what waited for the command before it.
    Launch(RunId, Job),
}

impl Supervisor {
    /// Makes a service read its configuration again, by the means of its definition.
    pub(super) fn reload(&mut self, now: Time, ticket: Ticket, id: ServiceId, actions: &mut Vec<Action>) {
        let life = self.life(id);
        let name = &life.service.name;
        let is_replaced = life.service.instead("reload").is_some();
        let refused = match (&life.service.kind, &life.service.reload) {
            _ if is_replaced => None,
            (Kind::Script(script), _) => {
                let takes = script.verbs.is_empty() || script.verbs.iter().any(|verb| verb == "reload");
                (!takes).then(|| format!("the script of {name} has no verb `reload`; try: svc {name} restart"))
            }
            (_, Reload::None) => Some(format!("{name} has no way to reload (key `reload`); try: svc {name} restart")),
            (_, Reload::Signal(_)) if life.state() == (State::Up { run: None }) => {
                Some(format!("{name} has no process that could be signalled; try: svc {name} restart"))
            }
            (_, Reload::Signal(_) | Reload::Command(_)) => None,
        };
        let main = match (&life.service.reload, life.state()) {
            (Reload::Signal(signal), State::Up { run: Some(_) }) if !is_replaced && !life.service.is_script() => {
                Step::Signal(*signal)
            }
            _ => Step::Job(Job::Reload),
        };
        let answer = match (refused, life.state()) {
            (Some(text), _) => Answer::Unsupported(text),
            (None, State::Up { .. }) => return self.wrapped(now, ticket, id, "reload", main, actions),
            (None, _) => Answer::Failed(String::from(NOT_RUNNING)),
        };
        actions.push(Action::Reply(ticket, answer));
    }

    /// A verb that is none of the common ones: the definition's own, or for its script.
    pub(super) fn verb(&mut self, now: Time, ticket: Ticket, id: ServiceId, words: String, actions: &mut Vec<Action>) {
        let service = &self.life(id).service;
        let verb = words.split_whitespace().next().unwrap_or_default();
        // How to configure is asked for by name; the other common verbs have ways of their own.
        let is_own = verb == "configure" || !COMMON.contains(&verb);
        if is_own && service.instead(verb).is_some() {
            let verb = String::from(verb);
            return self.wrapped(now, ticket, id, &verb, Step::Job(Job::Instead(words)), actions);
        }
        if service.is_script() {
            return self.send(now, Some(ticket), id, Job::Verb(words), VecDeque::new(), actions);
        }
        let name = &service.name;
        let text = match near(verb, service.own_verbs()) {
            _ if COMMON.contains(&verb) => format!("{name} is no script; try: svc {name} {verb}"),
            Some(near) => format!("{name} has no verb `{verb}`; did you mean `{near}`?"),
            None if service.own_verbs().next().is_none() => {
                format!("{name} is no script and has no verb `{verb}`")
            }
            None => {
                let own: Vec<&str> = service.own_verbs().collect();
                format!("{name} has no verb `{verb}`; its own are: {}", own.join(", "))
            }
        };
        actions.push(Action::Reply(ticket, Answer::Unsupported(text)));
    }

    /// Has a command take the place of a restart, if the definition has one and the service is up; says whether.
    pub(super) fn restarted_by_command(
        &mut self,
        now: Time,
        ticket: Ticket,
        id: ServiceId,
        actions: &mut Vec<Action>,
    ) -> bool {
        let life = self.life(id);
        let is_up = matches!(life.state(), State::Up { .. }) && life.goal == Goal::Up;
        let by_command = is_up && life.service.instead("restart").is_some();
        if by_command {
            self.wrapped(now, ticket, id, "restart", Step::Job(Job::Instead(String::from("restart"))), actions);
        }
        by_command
    }

    /// Carries a verb out with what the definition has before and after it.
    fn wrapped(&mut self, now: Time, ticket: Ticket, id: ServiceId, verb: &str, main: Step, actions: &mut Vec<Action>) {
        let service = &self.life(id).service;
        let before = service.before(verb).map(|_| Step::Job(Job::Before(String::from(verb))));
        let after = service.after(verb).map(|_| Step::Job(Job::After(String::from(verb))));
        let steps = before.into_iter().chain([main]).chain(after).collect();
        self.go_on(now, Some(ticket), id, steps, Answer::Done { changed: true, note: None }, actions);
    }

    /// The next steps of an errand, up to one that has to be waited for; `well` is the answer if there is none.
    fn go_on(
        &mut self,
        now: Time,
        ticket: Option<Ticket>,
        id: ServiceId,
        mut steps: VecDeque<Step>,
        well: Answer,
        actions: &mut Vec<Action>,
    ) {
        let mut answer = well;
        while let Some(step) = steps.pop_front() {
            match (step, self.life(id).state()) {
                (Step::Job(job), _) => return self.send(now, ticket, id, job, steps, actions),
                (Step::Signal(signal), State::Up { run: Some(run) }) => {
                    actions.push(Action::Signal(run, signal, Reach::Leader));
                }
                (Step::Signal(_), _) => {
                    answer = Answer::Failed(String::from(NOT_RUNNING));
                    break;
                }
                (Step::Launch(run, Job::Start), _) if matches!(self.life(id).service.kind, Kind::Group) => {
                    self.spawn_failed(now, run, String::from("its definition has no program any more"), actions);
                }
                (Step::Launch(run, job), state) => {
                    // The definition may be another than when it began to wait.
                    let life = self.life_mut(id);
                    life.at_once = life.service.ready == Ready::Executed;
                    let about = if job == Job::Stop { state.run() } else { None };
                    actions.push(Action::Spawn { run, service: id, job, about });
                }
            }
        }
        actions.extend(ticket.map(|ticket| Action::Reply(ticket, answer)));
    }

    fn send(
        &mut self,
        now: Time,
        ticket: Option<Ticket>,
        id: ServiceId,
        job: Job,
        rest: VecDeque<Step>,
        actions: &mut Vec<Action>,
    ) {
        if let (Some(who), Some(ticket)) = (&self.ending, ticket) {
            let text = format!("everything is being stopped, asked by {}", who.0);
            return actions.push(Action::Reply(ticket, Answer::Failed(text)));
        }
        let run = self.mint();
        let life = self.life(id);
        // What a launch waits for has the time of that.
        let limit = if rest.iter().any(Step::is_launch) { None } else { life.service.start_timeout };
        let until = limit.map(|limit| now + limit);
        let about = life.state().run();
        self.runs.insert(run, (id, Part::Errand));
        self.errands.insert(run, Errand { ticket, job: job.clone(), until, rest, is_ended: false });
        self.errand_timers.extend(until.map(|at| (at, run)));
        actions.push(Action::Spawn { run, service: id, job, about });
    }

    /// Launches the service itself, or what stops it, after what the definition has before that.
    pub(super) fn launch(&mut self, now: Time, id: ServiceId, run: RunId, job: Job, actions: &mut Vec<Action>) {
        let service = &self.life(id).service;
        // Where nothing but a signal stops it, what goes before that is the stop command.
        let by_signal = !service.is_script() && service.stop.command.is_empty() && service.instead("stop").is_none();
        let verb = match &job {
            Job::Start => Some("start"),
            Job::Stop if !by_signal => Some("stop"),
            _ => None,
        };
        let first = verb.filter(|verb| service.before(verb).is_some());
        let before = first.map(|verb| Step::Job(Job::Before(String::from(verb))));
        let steps: VecDeque<Step> = before.into_iter().chain([Step::Launch(run, job)]).collect();
        // What comes after a stop comes before the next start.
        let mut errands = self.errands.iter_mut().filter(|(run, errand)| {
            matches!(self.runs.get(run), Some((owner, _)) if *owner == id) && errand.is_after_stop()
        });
        if let Some((_, errand)) = errands.next() {
            return errand.rest.extend(steps);
        }
        self.go_on(now, None, id, steps, Answer::Done { changed: true, note: None }, actions);
    }

    /// Begins again what a manager before had begun and not launched: nothing is known of a command before it.
    pub fn launch_again(&mut self, now: Time, run: RunId, actions: &mut Vec<Action>) {
        if let Some(id) = self.main(run).filter(|&id| matches!(self.life(id).state(), State::Starting { .. })) {
            self.launch(now, id, run, Job::Start, actions);
        }
    }

    /// What the definition has after a start or a stop, which nobody waits for.
    pub(super) fn afterwards(&mut self, now: Time, id: ServiceId, verb: &str, actions: &mut Vec<Action>) {
        if self.life(id).service.after(verb).is_some() {
            self.send(now, None, id, Job::After(String::from(verb)), VecDeque::new(), actions);
        }
    }

    /// What has to be ended so that this run ends: itself, or the command that it still waits for.
    pub(super) fn ending_of(&mut self, run: RunId) -> Option<RunId> {
        let (command, errand) = self.errands.iter_mut().find(|(_, errand)| errand.holds_back(run))?;
        errand.is_ended = true;
        Some(*command)
    }

    /// Whether this run is not launched before a command has ended.
    pub fn is_held_back(&self, run: RunId) -> bool {
        self.errands.values().any(|errand| errand.holds_back(run))
    }

    fn errand_over(&mut self, run: RunId) -> Option<Errand> {
        let errand = self.errands.remove(&run)?;
        if let Some(until) = errand.until {
            self.errand_timers.remove(&(until, run));
        }
        Some(errand)
    }

    pub(super) fn errand_failed(&mut self, now: Time, id: ServiceId, run: RunId, why: &str, actions: &mut Vec<Action>) {
        if let Some(errand) = self.errand_over(run) {
            let text = format!("{}: {why}", errand.job);
            self.fail(now, id, errand, text, None, actions);
        }
    }

    /// Ends all errands: everything is being stopped. What goes with a stop has its time.
    pub(super) fn end_errands(&mut self, actions: &mut Vec<Action>) {
        let stays = |errand: &Errand| {
            let with_stop = matches!(errand.rest.front(), Some(Step::Launch(_, Job::Stop)));
            with_stop || (errand.is_after_stop() && errand.rest.is_empty())
        };
        for (&run, errand) in self.errands.iter_mut().filter(|(_, errand)| !stays(errand)) {
            errand.is_ended = true;
            actions.push(Action::Kill(run));
        }
    }

    /// An errand ended so; `None`: nobody saw how, and no process of it is left.
    pub(super) fn errand_exited(
        &mut self,
        now: Time,
        id: ServiceId,
        run: RunId,
        exit: Option<Exit>,
        actions: &mut Vec<Action>,
    ) {
        self.runs.remove(&run);
        self.enlist(id);
        let Some(errand) = self.errand_over(run) else { return };
        let seen = exit.unwrap_or(Exit::Unknown);
        // A script's verb may have left a new daemon behind; the platform says so if it has.
        let may_leave = self.life(id).service.is_script() && !matches!(errand.job, Job::Before(_) | Job::After(_));
        let (has_own_code, is_well) = (errand.has_own_code(), seen.is_success() && !errand.is_ended);
        if is_well {
            let goal = self.life(id).goal;
            let well = match (&errand.job, errand.ticket) {
                _ if has_own_code => Answer::Exited(seen),
                // What the command did shows in whether the service is up.
                (Job::Instead(_), Some(ticket)) if goal == Goal::Up => {
                    return self.over(id, run, exit, may_leave, Some(ticket), actions);
                }
                (Job::Instead(_), _) => Answer::Failed(String::from("it was stopped meanwhile")),
                _ => Answer::Done { changed: true, note: None },
            };
            self.go_on(now, errand.ticket, id, errand.rest, well, actions);
        } else {
            let text = format!("its {} {seen}", errand.job);
            self.fail(now, id, errand, text, Some(seen), actions);
        }
        self.over(id, run, exit, may_leave, None, actions);
    }

    /// Deals with what a command left; `waits`: whoever asked is answered when the service is up.
    fn over(
        &mut self,
        id: ServiceId,
        run: RunId,
        exit: Option<Exit>,
        may_leave: bool,
        waits: Option<Ticket>,
        actions: &mut Vec<Action>,
    ) {
        match exit {
            Some(_) if may_leave => self.leave(id, run, actions),
            Some(_) => actions.push(Action::Kill(run)),
            None => {}
        }
        if let Some(ticket) = waits {
            self.wait(id, Waiter { ticket, goal: Goal::Up, launch: 0, changed: true, all: false });
        }
    }

    /// An errand did not go well: what was to come does not, but for a stop.
    fn fail(
        &mut self,
        now: Time,
        id: ServiceId,
        errand: Errand,
        text: String,
        exit: Option<Exit>,
        actions: &mut Vec<Action>,
    ) {
        let with_stop = matches!(errand.rest.front(), Some(Step::Launch(_, Job::Stop)));
        if (with_stop || errand.is_after_stop()) && !errand.is_ended {
            let steps = errand.rest;
            return self.go_on(now, None, id, steps, Answer::Done { changed: true, note: None }, actions);
        }
        if let Some(Step::Launch(run, _)) = errand.rest.iter().find(|step| step.is_launch()) {
            return self.spawn_failed(now, *run, text, actions);
        }
        let answer = match exit {
            Some(exit) if errand.has_own_code() => Answer::Exited(exit),
            _ => Answer::Failed(text),
        };
        actions.extend(errand.ticket.map(|ticket| Action::Reply(ticket, answer)));
    }

    /// A run that was over has a process that looks like the service itself: it is, unless there is one; then it is as
    /// soon as that goes.
    pub(super) fn remains(&mut self, now: Time, run: RunId, actions: &mut Vec<Action>) {
        let Some(&(id, Part::Left)) = self.runs.get(&run) else { return };
        match self.life(id).state() {
            State::Up { run: Some(_) } => self.life_mut(id).spare = Some(run),
            State::Starting { .. } | State::Stopping { .. } => {}
            // It is being killed, or everything is.
            _ if self.life(id).clean || self.ending.is_some() => {}
            State::Up { run: None } | State::Down | State::Waiting | State::BackingOff { .. } | State::Ended { .. } => {
                self.life_mut(id).memory.left.retain(|&left| left != run);
                self.be_found(now, id, run, "being found running", actions);
            }
        }
    }

    /// A daemon that runs already is this service from now on: watched, not restarted. Returns the id of its run, or
    /// `None` where the service has a run already.
    pub fn found(&mut self, now: Time, id: ServiceId, actions: &mut Vec<Action>) -> Option<RunId> {
        if self.life(id).state().is_alive() {
            return None;
        }
        let run = self.mint();
        self.be_found(now, id, run, "being found running", actions);
        self.settle(now, actions);
        self.answer(actions);
        Some(run)
    }

    fn be_found(&mut self, now: Time, id: ServiceId, run: RunId, how: &str, actions: &mut Vec<Action>) {
        self.runs.insert(run, (id, Part::Main));
        // It was not launched after what it requires, and is not ended for that.
        for required in self.graph.of(id).requires.clone() {
            let life = self.life_mut(required);
            life.memory.excused |= !life.look().serving;
            self.retell(required);
            self.enlist(required);
        }
        self.supersede(id, Goal::Up, &Who(String::from(how)), actions);
        let life = self.life_mut(id);
        life.launches += 1;
        life.goal = Goal::Up;
        life.memory.shape = Some(shape_of(&life.service));
        life.memory.held = None;
        life.memory.trouble = None;
        life.memory.asked.get_or_insert_with(|| Act { who: Who(String::from(how)), at: now });
        self.step(now, id, Input::Found(run), actions);
    }

    /// The old main process went; what a verb left behind is the service now.
    pub(super) fn take_over(&mut self, now: Time, id: ServiceId, old: RunId, new: RunId, actions: &mut Vec<Action>) {
        let life = self.life_mut(id);
        life.memory.left.retain(|&left| left != new);
        life.memory.state = State::Up { run: Some(new) };
        life.memory.since = now;
        self.runs.insert(new, (id, Part::Main));
        if self.runs.contains_key(&old) {
            self.leave(id, old, actions);
        }
        let limit = self.life(id).service.watchdog;
        self.arm(id, Timer::Watchdog, limit.map(|limit| now + limit));
        self.touched.insert(id);
        self.show(id, actions);
    }

    pub(super) fn errand_overdue(&mut self, run: RunId, actions: &mut Vec<Action>) {
        if let Some(errand) = self.errands.get_mut(&run) {
            errand.until = None;
            actions.push(Action::Kill(run));
        }
    }
}

impl Errand {
    fn holds_back(&self, run: RunId) -> bool {
        self.rest.iter().any(|step| matches!(step, Step::Launch(other, _) if *other == run))
    }

    fn is_after_stop(&self) -> bool {
        matches!(&self.job, Job::After(verb) if verb == "stop")
    }

    /// Whether whoever asked is told by the exit code of what runs.
    fn has_own_code(&self) -> bool {
        match &self.job {
            Job::Verb(_) => true,
            Job::Instead(words) => words != "restart",
            Job::Start | Job::Stop | Job::Reload | Job::Before(_) | Job::After(_) => false,
        }
    }
}

impl Step {
    fn is_launch(&self) -> bool {
        matches!(self, Self::Launch(..))
    }
}
